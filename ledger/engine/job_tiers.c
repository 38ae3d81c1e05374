// Tier recalculation: a snapshot is read in the order of members, each judged by the window as of
// the business date; who changes is posted as one entry through the engine, which judges again on
// the member as it then is. The transaction id of a change is made of run and member, so that a run
// that is sent again never changes a member twice. A preview posts nothing. Levels that were
// reached under other versions of the programme are looked up by name.
#include <stdlib.h>

#include "base/assert.h"
#include "engine/entry_codec.h"
#include "engine/job_post.h"
#include "rules/tiers.h"

#define REPORT_MEMBERS 1024u
#define DAY_MS         ((int64_t)86400000)
#define VERSIONS_KNOWN 64u // programme versions whose levels are remembered

// The levels of another version, as levels of the run's.
struct known_version {
    uint32_t version; // 0: none
    uint8_t levels[JF_TIERS_MAX];
};

struct tiers_run {
    struct jf_job_post post;
    struct jf_arena lookups; // of programmes
    struct jf_programme *programme;
    struct known_version known[VERSIONS_KNOWN]; // by version, the newest asked for
    struct jf_state_scan *scan;
    struct jf_tier_change_row rows[JF_JOB_WRITES_MAX]; // of the commands queued
    struct jf_job_progress result;
};

static enum jf_error programme_ask(struct tiers_run *run, uint32_t version,
                                   const struct jf_programme_answer **out_answer,
                                   struct jf_diagnosis *diagnosis)
{
    jf_arena_reset(&run->lookups);
    struct jf_request request = {.kind = JF_REQUEST_GET_PROGRAMME, .arena = &run->lookups};
    request.query.version = version;
    enum jf_error error = jf_job_ask(run->post.job, run->post.lane, &request);
    const struct jf_refusal *refusal = error == JF_OK ? request.answer.refusal : NULL;
    if (refusal != NULL && refusal->code != JF_REFUSAL_UNKNOWN_PROGRAMME) {
        error = jf_job_refused(refusal);
    }
    if (error != JF_OK) {
        return jf_diagnose(diagnosis, error, "the programme cannot be read now: %s",
                           jf_error_text(error));
    }
    if (request.answer.programme == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NOT_FOUND, "no programme is published");
    }
    *out_answer = request.answer.programme;
    return JF_OK;
}

// The version in force at the end of the business date: the same choice as planning makes.
static enum jf_error programme_load(struct tiers_run *run, struct jf_diagnosis *diagnosis)
{
    int64_t at_ms = ((int64_t)run->post.job->as_of + 1) * DAY_MS - 1;
    uint32_t version = 0;
    enum jf_error error = JF_OK;
    do {
        const struct jf_programme_answer *answer = NULL;
        error = programme_ask(run, version, &answer, diagnosis);
        if (error == JF_OK && answer->effective_from_ms <= at_ms) {
            run->result.programme_version = answer->version;
            error =
                jf_programme_parse(answer->yaml, JF_TEXT("programme"), &run->programme, diagnosis);
        }
        version = error == JF_OK ? answer->version - 1 : 0;
    } while (error == JF_OK && run->programme == NULL && version > 0);
    if (error == JF_OK && run->programme == NULL) {
        error = jf_diagnose(diagnosis, JF_ERROR_NOT_FOUND,
                            "no programme was in force on the date of the recalculation");
    }
    return error;
}

static enum jf_error version_learn(struct tiers_run *run, uint32_t version,
                                   struct known_version *known, struct jf_diagnosis *diagnosis)
{
    const struct jf_programme_answer *answer = NULL;
    enum jf_error error = programme_ask(run, version, &answer, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    known->version = version;
    for (uint32_t tier = 0; tier < JF_TIERS_MAX; tier++) {
        struct jf_text name = {NULL, 0};
        name = tier < answer->tier_count ? answer->tier_names[tier] : name;
        known->levels[tier] = (uint8_t)jf_tier_by_name(run->programme, name, tier);
    }
    return JF_OK;
}

// The member's level under the run's version: the same as jf_tier_under says, which planning asks.
static enum jf_error level_find(struct tiers_run *run, const struct jf_member *member,
                                uint32_t *out_level, struct jf_diagnosis *diagnosis)
{
    uint32_t version = member->tier_version;
    struct known_version *known = &run->known[version % VERSIONS_KNOWN];
    enum jf_error error = JF_OK;
    if (version == run->result.programme_version) {
        *out_level = member->tier;
    } else if (version == 0) {
        *out_level = jf_tier_by_name(run->programme, (struct jf_text){NULL, 0}, member->tier);
    } else {
        if (known->version != version) {
            error = version_learn(run, version, known, diagnosis);
        }
        *out_level = known->levels[member->tier];
    }
    return error;
}

static void counts_add(struct tiers_run *run, const struct jf_tier_change_row *row)
{
    JF_ASSERT(row->from < JF_TIERS_MAX);
    JF_ASSERT(row->to < JF_TIERS_MAX);
    JF_ASSERT(row->class_from < JF_JOB_CLASSES);
    JF_ASSERT(row->class_to < JF_JOB_CLASSES);
    run->result.counts[row->from * JF_TIERS_MAX + row->to] += 1;
    run->result.class_counts[row->class_from * JF_JOB_CLASSES + row->class_to] += 1;
}

// What was posted, which tills may have made another change than the snapshot let expect.
static enum jf_error row_correct(struct tiers_run *run, const struct jf_write *write,
                                 struct jf_tier_change_row *row, struct jf_diagnosis *diagnosis)
{
    struct jf_entry entry;
    enum jf_error error =
        jf_entry_decode_outcome(write->outcome, &run->post.arena, &entry, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    row->from = entry.balance.tier;
    row->to = entry.balance.tier;
    for (uint32_t i = 0; i < entry.trace_count; i++) {
        const struct jf_trace_step *step = &entry.trace[i];
        if (step->kind == JF_TRACE_TIER_UP || step->kind == JF_TRACE_TIER_DOWN) {
            row->from = (uint32_t)step->exact;
        } else if (step->kind == JF_TRACE_CLASS) {
            row->class_from = (uint32_t)step->exact;
            row->class_to = (uint32_t)step->points;
        }
    }
    return JF_OK;
}

static enum jf_error write_answered(void *context, uint32_t index, const struct jf_write *write,
                                    struct jf_diagnosis *diagnosis)
{
    struct tiers_run *run = context;
    struct jf_tier_change_row *row = &run->rows[index];
    enum jf_error error = JF_OK;
    if (write->status != JF_WRITE_POSTED) {
        row->to = row->from;
        row->class_to = row->class_from;
        counts_add(run, row);
        return JF_OK;
    }
    error = row_correct(run, write, row, diagnosis);
    if (error == JF_OK) {
        counts_add(run, row);
    }
    if (error == JF_OK && run->post.job->is_listed) {
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
    struct jf_job *job = run->post.job;
    struct jf_tier_judgement judgement;
    uint32_t level = 0;
    if (member->status == JF_MEMBER_MERGED) {
        return JF_OK;
    }
    enum jf_error error = level_find(run, member, &level, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    bool is_changed = jf_tier_judge(run->programme, member, level, job->as_of, &judgement);
    struct jf_tier_change_row row = {.member = member->number,
                                     .from = level,
                                     .to = level,
                                     .class_from = member->activity_class,
                                     .class_to = member->activity_class};
    if (is_changed) {
        row.to = judgement.to;
        row.class_to = judgement.class_to;
        row.why = judgement.why;
        row.spend = judgement.sums.spend;
        row.visits = judgement.sums.visits;
        row.points = judgement.sums.points;
    }
    if (!is_changed || job->is_preview) {
        counts_add(run, &row);
        return is_changed && job->is_listed ? jf_job_add_change(job, &row) : JF_OK;
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
    jf_arena_init(&run->lookups, 65536, (size_t)64 << 20);
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
    jf_arena_deinit(&run->lookups);
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
