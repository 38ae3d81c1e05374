// Tier recalculation: a snapshot is read in the order of members, each judged by the window as of
// the business date; who changes is posted as one entry through the engine, which judges again on
// the member as it then is. The transaction id of a change is made of run and member, so that a run
// that is sent again never changes a member twice. A preview posts nothing.
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "engine/job_private.h"
#include "rules/plan.h"

#define CHANGES_PER_REQUEST 256u
#define REPORT_MEMBERS      1024u
#define ID_BYTES            JF_TRANSACTION_ID_BYTES_MAX
#define DAY_MS              ((int64_t)86400000)
#define DAY_US              UINT64_C(86400000000)

struct tiers_run {
    struct jf_job *job;
    struct jf_lane *lane;
    struct jf_programme *programme;
    struct jf_state_scan *scan;
    struct jf_arena arena;
    struct jf_write writes[CHANGES_PER_REQUEST];
    struct jf_tier_change_row rows[CHANGES_PER_REQUEST];
    char ids[CHANGES_PER_REQUEST][ID_BYTES + 1];
    uint32_t pending;
    struct jf_job_progress result;
};

static enum jf_error programme_ask(struct tiers_run *run, uint32_t version, int64_t at_ms,
                                   uint32_t *out_next, struct jf_diagnosis *diagnosis)
{
    jf_arena_reset(&run->arena);
    struct jf_request request = {.kind = JF_REQUEST_GET_PROGRAMME, .arena = &run->arena};
    request.query.version = version;
    enum jf_error error = jf_job_ask(run->job, run->lane, &request);
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
    int64_t at_ms = ((int64_t)run->job->as_of + 1) * DAY_MS - 1;
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

static enum jf_error changes_post(struct tiers_run *run, struct jf_diagnosis *diagnosis)
{
    if (run->pending == 0) {
        return JF_OK;
    }
    jf_arena_reset(&run->arena);
    struct jf_request request = {.kind = JF_REQUEST_WRITE,
                                 .arena = &run->arena,
                                 .writes = run->writes,
                                 .write_count = run->pending};
    enum jf_error error = jf_job_ask(run->job, run->lane, &request);
    for (uint32_t i = 0; i < run->pending && error == JF_OK; i++) {
        const struct jf_write *write = &run->writes[i];
        if (write->status == JF_WRITE_REFUSED) {
            return jf_diagnose(diagnosis, JF_ERROR_INVALID, "member %llu: %s %s",
                               (unsigned long long)run->rows[i].member.value,
                               jf_refusal_sentence(write->refusal->code), write->refusal->detail);
        }
        bool is_posted = write->status == JF_WRITE_POSTED;
        counts_add(run, run->rows[i].from, is_posted ? run->rows[i].to : run->rows[i].from);
        if (is_posted && run->job->is_listed) {
            error = jf_job_add_change(run->job, &run->rows[i]);
        }
    }
    run->pending = 0;
    return error;
}

// Binds the run's id to its date: the same run again goes on, the same id with another date is
// refused before anybody is changed.
static enum jf_error run_begin(struct tiers_run *run, struct jf_diagnosis *diagnosis)
{
    struct jf_job *job = run->job;
    char id[ID_BYTES + 1];
    int size = snprintf(id, sizeof id, "tiers/%.*s", (int)job->run_id_size, job->run_id);
    struct jf_write write = {
        .command = {.kind = JF_COMMAND_TIER_CHANGE, .transaction_id = {id, (uint32_t)size}}};
    write.command.as.tier_change.run_id = (struct jf_text){job->run_id, job->run_id_size};
    write.command.as.tier_change.as_of = job->as_of;
    jf_arena_reset(&run->arena);
    struct jf_request request = {
        .kind = JF_REQUEST_WRITE, .arena = &run->arena, .writes = &write, .write_count = 1};
    enum jf_error error = jf_job_ask(job, run->lane, &request);
    if (error == JF_OK && write.status == JF_WRITE_REFUSED) {
        bool is_other = write.refusal->code == JF_REFUSAL_TRANSACTION_CONFLICT;
        return jf_diagnose(diagnosis, JF_ERROR_INVALID, "run %.*s: %s %s", (int)job->run_id_size,
                           job->run_id,
                           is_other ? "TRANSACTION_CONFLICT: it was begun as of another date; give "
                                      "another run_id"
                                    : jf_refusal_sentence(write.refusal->code),
                           write.refusal->detail);
    }
    return error;
}

static void change_queue(struct tiers_run *run, const struct jf_tier_change_row *row)
{
    struct jf_job *job = run->job;
    uint32_t index = run->pending++;
    struct jf_write *write = &run->writes[index];
    char *id = run->ids[index];
    int size = snprintf(id, ID_BYTES + 1, "tiers/%.*s/%llu", (int)job->run_id_size, job->run_id,
                        (unsigned long long)row->member.value);
    JF_ASSERT(size > 0);
    JF_ASSERT((uint32_t)size <= ID_BYTES);
    memset(write, 0, sizeof *write);
    write->command.kind = JF_COMMAND_TIER_CHANGE;
    write->command.transaction_id = (struct jf_text){id, (uint32_t)size};
    write->command.as.tier_change = (struct jf_tier_change_command){
        .run_id = {job->run_id, job->run_id_size}, .member = row->member, .as_of = job->as_of};
    run->rows[index] = *row;
}

static enum jf_error member_judge(struct tiers_run *run, const struct jf_member *member,
                                  struct jf_diagnosis *diagnosis)
{
    struct jf_window_sums sums;
    uint32_t to = jf_tier_by_window(run->programme, member, run->job->as_of, &sums);
    struct jf_tier_change_row row = {member->number, member->tier, to, sums.spend, sums.visits};
    if (to == member->tier || run->job->is_preview) {
        counts_add(run, row.from, row.to);
        bool is_told = to != member->tier && run->job->is_listed;
        return is_told ? jf_job_add_change(run->job, &row) : JF_OK;
    }
    change_queue(run, &row);
    return run->pending == CHANGES_PER_REQUEST ? changes_post(run, diagnosis) : JF_OK;
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
            error = changes_post(run, diagnosis);
            break;
        }
        if (error == JF_OK) {
            error = member_judge(run, member, diagnosis);
            done += 1;
        }
        if (done % REPORT_MEMBERS == 0) {
            jf_job_report(run->job, "members", done, total > done ? total : done);
            error = atomic_load(&run->job->is_cancelled) ? JF_ERROR_CLOSED : error;
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
    run->job = job;
    jf_arena_init(&run->arena, 65536, (size_t)64 << 20);
    uint64_t position = 0;
    enum jf_error error = jf_job_lane_open(job, &run->lane);
    if (error == JF_OK) {
        error = programme_load(run, diagnosis);
    }
    if (error == JF_OK && !job->is_preview) {
        error = run_begin(run, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_job_snapshot(job, run->lane, &run->scan, &position, diagnosis);
    }
    if (error == JF_OK) {
        error = members_judge(run, diagnosis);
    }
    run->result.stage = "done";
    run->result.error = error;
    run->result.position = position;
    jf_state_scan_close(run->scan);
    jf_programme_destroy(run->programme);
    jf_engine_lane_close(run->lane);
    jf_arena_deinit(&run->arena);
    jf_job_finish(job, &run->result);
    free(run);
}

enum jf_error jf_job_start_tiers(struct jf_engine *engine, const struct jf_tiers_job_input *input,
                                 void (*wake)(void *context), void *context,
                                 struct jf_job **out_job, struct jf_diagnosis *diagnosis)
{
    if (input->run_id.size < 1 || input->run_id.size > 32) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID, "run_id: 1 to 32 bytes are allowed");
    }
    uint64_t now_us = engine->config.clock_us(engine->config.clock_context);
    if ((uint64_t)input->as_of > now_us / DAY_US + 1) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                           "the date lies in the future; tiers fall only by months that are over");
    }
    struct jf_job *job = NULL;
    enum jf_error error = jf_job_create(engine, wake, context, &job);
    if (error != JF_OK) {
        return jf_diagnose(diagnosis, error, "no memory for the job");
    }
    memcpy(job->run_id, input->run_id.data, input->run_id.size);
    job->run_id_size = input->run_id.size;
    job->as_of = input->as_of;
    job->is_preview = input->is_preview;
    job->is_listed = input->is_listed;
    error = jf_job_start(job, tiers_run, &engine->is_tiers_running, diagnosis);
    if (error == JF_OK) {
        *out_job = job;
    }
    return error;
}
