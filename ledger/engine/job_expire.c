// Expiry: the index of expiries is walked in a snapshot, day by day up to the business date, and
// the points of each member that stand there are posted as expired, one entry a member. The engine
// judges again on the member as it then is. How long it takes depends on how many members have
// points that expired since they were last posted, not on how many members there are; what was
// posted leaves the index, so a run that is sent again goes on with what is left.
#include <stdlib.h>

#include "base/number.h"
#include "engine/entry_codec.h"
#include "engine/job_post.h"

#define REPORT_ROWS 256u

struct expire_run {
    struct jf_job_post post;
    struct jf_state_scan *scan;
    struct jf_job_progress result;
};

static enum jf_error write_answered(void *context, uint32_t index, const struct jf_write *write,
                                    struct jf_diagnosis *diagnosis)
{
    struct expire_run *run = context;
    (void)index;
    if (write->status != JF_WRITE_POSTED) {
        return JF_OK; // posted by the same run before, or spent meanwhile
    }
    struct jf_entry entry;
    enum jf_error error =
        jf_entry_decode_outcome(write->outcome, &run->post.arena, &entry, diagnosis);
    for (uint32_t i = 0; error == JF_OK && i < entry.trace_count; i++) {
        if (entry.trace[i].kind == JF_TRACE_EXPIRED) {
            error = jf_number_add(run->result.points_expired, entry.trace[i].points,
                                  &run->result.points_expired);
        }
    }
    return error;
}

static enum jf_error cancelled_check(const struct expire_run *run)
{
    return atomic_load(&run->post.job->is_cancelled) ? JF_ERROR_CLOSED : JF_OK;
}

// Reading keys alone is fast: counting them first makes the time left an honest figure.
static enum jf_error rows_count(struct expire_run *run, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = JF_OK;
    while (error == JF_OK) {
        jf_date day = 0;
        struct jf_member_id member = {0};
        error = jf_state_scan_expiry(run->scan, run->post.job->as_of, &day, &member, diagnosis);
        run->result.total_count += error == JF_OK ? 1 : 0;
        if (error == JF_OK && run->result.total_count % REPORT_ROWS == 0) {
            error = cancelled_check(run);
        }
    }
    jf_state_scan_expiry_rewind(run->scan);
    return error == JF_ERROR_NOT_FOUND ? JF_OK : error;
}

static void report(struct expire_run *run)
{
    struct jf_job *job = run->post.job;
    jf_job_report_points(job, run->result.points_expired);
    jf_job_report(job, "members", run->result.done_count, run->result.total_count);
}

// A member with points on several days stands in several rows: the first posts them all, the
// others are answered as replayed.
static enum jf_error rows_post(struct expire_run *run, struct jf_diagnosis *diagnosis)
{
    const struct jf_job *job = run->post.job;
    enum jf_error error = JF_OK;
    while (error == JF_OK) {
        jf_date day = 0;
        struct jf_member_id member = {0};
        error = jf_state_scan_expiry(run->scan, job->as_of, &day, &member, diagnosis);
        if (error != JF_OK) {
            break;
        }
        struct jf_command command = {.kind = JF_COMMAND_EXPIRE};
        command.as.expire =
            (struct jf_expire_command){{job->run_id, job->run_id_size}, member, job->as_of};
        error = jf_job_post_add(&run->post, &command, member, diagnosis);
        run->result.done_count += 1;
        if (error == JF_OK && run->result.done_count % REPORT_ROWS == 0) {
            report(run);
            error = cancelled_check(run);
        }
    }
    return error == JF_ERROR_NOT_FOUND ? jf_job_post_all(&run->post, diagnosis) : error;
}

static enum jf_error run_begin(struct expire_run *run, struct jf_diagnosis *diagnosis)
{
    const struct jf_job *job = run->post.job;
    struct jf_command command = {.kind = JF_COMMAND_EXPIRE};
    command.as.expire =
        (struct jf_expire_command){.run_id = {job->run_id, job->run_id_size}, .as_of = job->as_of};
    return jf_job_post_begin(&run->post, &command, diagnosis);
}

static void expire_run(struct jf_job *job)
{
    struct expire_run *run = calloc(1, sizeof *run);
    struct jf_job_progress out_of_memory = {.stage = "done", .error = JF_ERROR_NO_MEMORY};
    if (run == NULL) {
        jf_job_finish(job, &out_of_memory);
        return;
    }
    struct jf_diagnosis *diagnosis = &run->result.diagnosis;
    run->post.job = job;
    run->post.prefix = "expire";
    run->post.answered = write_answered;
    run->post.context = run;
    jf_job_post_init(&run->post);
    enum jf_error error = jf_job_lane_open(job, &run->post.lane);
    if (error == JF_OK) {
        error = run_begin(run, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_job_snapshot(job, run->post.lane, &run->scan, &run->result.position, diagnosis);
    }
    if (error == JF_OK) {
        error = rows_count(run, diagnosis);
    }
    if (error == JF_OK) {
        error = rows_post(run, diagnosis);
    }
    run->result.stage = "done";
    run->result.error = error;
    jf_state_scan_close(run->scan);
    jf_engine_lane_close(run->post.lane);
    jf_job_post_deinit(&run->post);
    jf_job_finish(job, &run->result);
    free(run);
}

enum jf_error jf_job_start_expire(struct jf_engine *engine, const struct jf_run_input *input,
                                  void (*wake)(void *context), void *context,
                                  struct jf_job **out_job, struct jf_diagnosis *diagnosis)
{
    struct jf_job *job = NULL;
    enum jf_error error = jf_job_create_run(engine, input, wake, context, &job, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    error = jf_job_start(job, expire_run, &engine->is_expire_running, diagnosis);
    if (error == JF_OK) {
        *out_job = job;
    }
    return error;
}
