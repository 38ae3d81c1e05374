// Tier recalculation: a snapshot is read in the order of members, each judged by the window as of
// the business date; who changes is posted as one entry through the engine, which judges again on
// the member as it then is. The transaction id of a change is made of run and member, so that a run
// that is sent again never changes a member twice. A preview posts nothing.
#include <stdlib.h>

#include "base/assert.h"
#include "engine/job_post.h"
#include "rules/plan.h"

#define REPORT_MEMBERS 1024u
#define DAY_MS         ((int64_t)86400000)

struct tiers_run {
    struct jf_job_post post;
    struct jf_programme *programme;
    struct jf_state_scan *scan;
    struct jf_tier_change_row rows[JF_JOB_WRITES_MAX]; // of the commands queued
    struct jf_job_progress result;
};

static enum jf_error programme_ask(struct tiers_run *run, uint32_t version, int64_t at_ms,
                                   uint32_t *out_next, struct jf_diagnosis *diagnosis)
{
    jf_arena_reset(&run->post.arena);
    struct jf_request request = {.kind = JF_REQUEST_GET_PROGRAMME, .arena = &run->post.arena};
    request.query.version = version;
    enum jf_error error = jf_job_ask(run->post.job, run->post.lane, &request);
    const struct jf_programme_answer *answer = request.answer.programme;
    if (error != JF_OK || answer == NULL) {
        return jf_diagnose(diagnosis, error == JF_OK ? JF_ERROR_NOT_FOUND : error,
                           "no programme is published");
    }
    *out_next = answer->version - 1;
    if (answer->effective_from_ms > at_ms) {
        return JF_OK;
    }
    return jf_programme_parse(answer->yaml, JF_TEXT("programme"), &run->programme, diagnosis);
}

// The version in force at the end of the business date: the same choice as planning makes.
static enum jf_error programme_load(struct tiers_run *run, struct jf_diagnosis *diagnosis)
{
    int64_t at_ms = ((int64_t)run->post.job->as_of + 1) * DAY_MS - 1;
    uint32_t version = 0;
    enum jf_error error = JF_OK;
    do {
        error = programme_ask(run, version, at_ms, &version, diagnosis);
    } while (error == JF_OK && run->programme == NULL && version > 0);
    if (error == JF_OK && run->programme == NULL) {
        error = jf_diagnose(diagnosis, JF_ERROR_NOT_FOUND,
                            "no programme was in force on the date of the recalculation");
    }
    return error;
}

static void counts_add(struct tiers_run *run, uint32_t from, uint32_t to)
{
    JF_ASSERT(from < JF_TIERS_MAX);
    JF_ASSERT(to < JF_TIERS_MAX);
    run->result.counts[from * JF_TIERS_MAX + to] += 1;
}

static enum jf_error write_answered(void *context, uint32_t index, const struct jf_write *write,
                                    struct jf_diagnosis *diagnosis)
{
    struct tiers_run *run = context;
    const struct jf_tier_change_row *row = &run->rows[index];
    bool is_posted = write->status == JF_WRITE_POSTED;
    counts_add(run, row->from, is_posted ? row->to : row->from);
    enum jf_error error = JF_OK;
    if (is_posted && run->post.job->is_listed) {
        error = jf_job_add_change(run->post.job, row);
    }
    return error == JF_OK ? JF_OK : jf_diagnose(diagnosis, error, "no memory for the changes");
}

static struct jf_command command_make(const struct jf_job *job, struct jf_member_id member)
{
    struct jf_command command = {.kind = JF_COMMAND_TIER_CHANGE};
    command.as.tier_change = (struct jf_tier_change_command){
        .run_id = {job->run_id, job->run_id_size}, .member = member, .as_of = job->as_of};
    return command;
}

static enum jf_error member_judge(struct tiers_run *run, const struct jf_member *member,
                                  struct jf_diagnosis *diagnosis)
{
    struct jf_window_sums sums;
    struct jf_job *job = run->post.job;
    uint32_t to = jf_tier_by_window(run->programme, member, job->as_of, &sums);
    struct jf_tier_change_row row = {member->number, member->tier, to, sums.spend, sums.visits};
    if (to == member->tier || job->is_preview) {
        counts_add(run, row.from, row.to);
        bool is_told = to != member->tier && job->is_listed;
        return is_told ? jf_job_add_change(job, &row) : JF_OK;
    }
    run->rows[jf_job_post_next(&run->post)] = row;
    struct jf_command command = command_make(job, member->number);
    return jf_job_post_add(&run->post, &command, member->number, diagnosis);
}

static enum jf_error members_judge(struct tiers_run *run, struct jf_diagnosis *diagnosis)
{
    uint64_t total = jf_state_scan_estimate(run->scan);
    uint64_t done = 0;
    enum jf_error error = JF_OK;
    while (error == JF_OK) {
        const struct jf_member *member = NULL;
        struct jf_text bytes;
        error = jf_state_scan_next(run->scan, &member, &bytes, diagnosis);
        if (error == JF_ERROR_NOT_FOUND) {
            error = jf_job_post_all(&run->post, diagnosis);
            break;
        }
        if (error == JF_OK) {
            error = member_judge(run, member, diagnosis);
            done += 1;
        }
        if (done % REPORT_MEMBERS == 0) {
            jf_job_report(run->post.job, "members", done, total > done ? total : done);
            error = atomic_load(&run->post.job->is_cancelled) ? JF_ERROR_CLOSED : error;
        }
    }
    run->result.done_count = done;
    run->result.total_count = done;
    return error;
}

static void tiers_run(struct jf_job *job)
{
    struct tiers_run *run = calloc(1, sizeof *run);
    struct jf_job_progress out_of_memory = {.stage = "done", .error = JF_ERROR_NO_MEMORY};
    if (run == NULL) {
        jf_job_finish(job, &out_of_memory);
        return;
    }
    struct jf_diagnosis *diagnosis = &run->result.diagnosis;
    run->post.job = job;
    run->post.prefix = "tiers";
    run->post.answered = write_answered;
    run->post.context = run;
    jf_job_post_init(&run->post);
    uint64_t position = 0;
    enum jf_error error = jf_job_lane_open(job, &run->post.lane);
    if (error == JF_OK) {
        error = programme_load(run, diagnosis);
    }
    if (error == JF_OK && !job->is_preview) {
        struct jf_command command = command_make(job, (struct jf_member_id){0});
        error = jf_job_post_begin(&run->post, &command, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_job_snapshot(job, run->post.lane, &run->scan, &position, diagnosis);
    }
    if (error == JF_OK) {
        error = members_judge(run, diagnosis);
    }
    run->result.stage = "done";
    run->result.error = error;
    run->result.position = position;
    jf_state_scan_close(run->scan);
    jf_programme_destroy(run->programme);
    jf_engine_lane_close(run->post.lane);
    jf_job_post_deinit(&run->post);
    jf_job_finish(job, &run->result);
    free(run);
}

enum jf_error jf_job_start_tiers(struct jf_engine *engine, const struct jf_tiers_job_input *input,
                                 void (*wake)(void *context), void *context,
                                 struct jf_job **out_job, struct jf_diagnosis *diagnosis)
{
    struct jf_job *job = NULL;
    enum jf_error error = jf_job_create_run(engine, &input->run, wake, context, &job, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    job->is_preview = input->is_preview;
    job->is_listed = input->is_listed;
    error = jf_job_start(job, tiers_run, &engine->is_tiers_running, diagnosis);
    if (error == JF_OK) {
        *out_job = job;
    }
    return error;
}
