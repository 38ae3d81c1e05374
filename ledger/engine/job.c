// Jobs: a thread, its progress under a mutex, and a lane of its own into the engine. Nothing here
// is on the way of a sale.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "engine/clock.h"
#include "engine/job_private.h"

#define DAY_US UINT64_C(86400000000)

enum jf_error jf_job_create(struct jf_engine *engine, void (*wake)(void *context), void *context,
                            struct jf_job **out_job)
{
    struct jf_job *job = calloc(1, sizeof *job);
    if (job == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    job->engine = engine;
    job->wake = wake;
    job->context = context;
    pthread_mutex_init(&job->mutex, NULL);
    pthread_cond_init(&job->answered, NULL);
    *out_job = job;
    return JF_OK;
}

enum jf_error jf_job_create_run(struct jf_engine *engine, const struct jf_run_input *input,
                                void (*wake)(void *context), void *context, struct jf_job **out_job,
                                struct jf_diagnosis *diagnosis)
{
    if (input->run_id.size < 1 || input->run_id.size > JF_RUN_ID_BYTES_MAX) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID, "run_id: 1 to %u bytes are allowed",
                           JF_RUN_ID_BYTES_MAX);
    }
    uint64_t now_us = engine->config.clock_us(engine->config.clock_context);
    if ((uint64_t)input->as_of > now_us / DAY_US + 1) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                           "the date lies in the future; tiers fall and points expire only by days "
                           "that are over");
    }
    struct jf_job *job = NULL;
    enum jf_error error = jf_job_create(engine, wake, context, &job);
    if (error != JF_OK) {
        return jf_diagnose(diagnosis, error, "no memory for the job");
    }
    memcpy(job->run_id, input->run_id.data, input->run_id.size);
    job->run_id_size = input->run_id.size;
    job->as_of = input->as_of;
    *out_job = job;
    return JF_OK;
}

static void job_free(struct jf_job *job)
{
    pthread_mutex_destroy(&job->mutex);
    pthread_cond_destroy(&job->answered);
    free(job->changes);
    free(job->taken);
    free(job);
}

static void *thread_run(void *context)
{
    struct jf_job *job = context;
    job->run(job);
    atomic_store(job->is_running, false);
    job->wake(job->context);
    return NULL;
}

enum jf_error jf_job_start(struct jf_job *job, void (*run)(struct jf_job *job),
                           _Atomic bool *is_running, struct jf_diagnosis *diagnosis)
{
    job->run = run;
    job->is_running = is_running;
    if (atomic_exchange(is_running, true)) {
        job_free(job);
        return jf_diagnose(diagnosis, JF_ERROR_BUSY,
                           "a job of this kind is running already: wait until it has ended");
    }
    if (pthread_create(&job->thread, NULL, thread_run, job) != 0) {
        atomic_store(is_running, false);
        job_free(job);
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no thread for the job");
    }
    return JF_OK;
}

enum jf_error jf_job_start_plain(struct jf_engine *engine, const struct jf_job_kind *kind,
                                 void (*wake)(void *context), void *context,
                                 struct jf_job **out_job, struct jf_diagnosis *diagnosis)
{
    struct jf_job *job = NULL;
    enum jf_error error = jf_job_create(engine, wake, context, &job);
    if (error != JF_OK) {
        return jf_diagnose(diagnosis, error, "no memory for the job");
    }
    error = jf_job_start(job, kind->run, kind->is_running, diagnosis);
    if (error == JF_OK) {
        *out_job = job;
    }
    return error;
}

static void wake_if(struct jf_job *job, bool is_due)
{
    if (is_due) {
        job->wake(job->context);
    }
}

// At the pace so far, rounded up. In: elapsed since the stage began.
static uint64_t seconds_left(uint64_t elapsed_us, uint64_t done, uint64_t total)
{
    if (done == 0 || total <= done) {
        return 0;
    }
    return (elapsed_us / 1000 * (total - done) / done + 999) / 1000;
}

void jf_job_report(struct jf_job *job, const char *stage, uint64_t done, uint64_t total)
{
    uint64_t now_us = jf_clock_monotonic_us();
    pthread_mutex_lock(&job->mutex);
    if (job->progress.stage == NULL || strcmp(job->progress.stage, stage) != 0) {
        job->progress.stage = stage;
        job->stage_us = now_us;
    }
    job->progress.done_count = done;
    job->progress.total_count = total;
    job->progress.seconds_left = seconds_left(now_us - job->stage_us, done, total);
    job->is_news = true;
    bool is_due = now_us - job->woken_us >= JF_JOB_WAKE_INTERVAL_US;
    job->woken_us = is_due ? now_us : job->woken_us;
    pthread_mutex_unlock(&job->mutex);
    wake_if(job, is_due);
}

void jf_job_report_points(struct jf_job *job, int64_t points_expired)
{
    pthread_mutex_lock(&job->mutex);
    job->progress.points_expired = points_expired;
    pthread_mutex_unlock(&job->mutex);
}

void jf_job_report_snapshot(struct jf_job *job, const char *directory, uint64_t position)
{
    pthread_mutex_lock(&job->mutex);
    // Written once: who has taken the progress goes on reading it.
    (void)snprintf(job->directory, sizeof job->directory, "%s", directory);
    job->progress.directory = job->directory;
    job->progress.position = position;
    pthread_mutex_unlock(&job->mutex);
}

void jf_job_finish(struct jf_job *job, const struct jf_job_progress *result)
{
    pthread_mutex_lock(&job->mutex);
    JF_ASSERT(!job->progress.is_done);
    job->progress = *result;
    job->progress.is_done = true;
    job->is_news = true;
    pthread_mutex_unlock(&job->mutex);
}

enum jf_error jf_job_add_change(struct jf_job *job, const struct jf_tier_change_row *change)
{
    enum jf_error error = JF_OK;
    pthread_mutex_lock(&job->mutex);
    if (job->change_count == job->change_capacity) {
        uint32_t capacity = job->change_capacity == 0 ? 256 : job->change_capacity * 2;
        struct jf_tier_change_row *grown = realloc(job->changes, capacity * sizeof *grown);
        error = grown == NULL ? JF_ERROR_NO_MEMORY : JF_OK;
        job->changes = grown == NULL ? job->changes : grown;
        job->change_capacity = grown == NULL ? job->change_capacity : capacity;
    }
    if (error == JF_OK) {
        job->changes[job->change_count++] = *change;
        job->is_news = true;
    }
    pthread_mutex_unlock(&job->mutex);
    return error;
}

bool jf_job_take(struct jf_job *job, struct jf_job_progress *out_progress)
{
    pthread_mutex_lock(&job->mutex);
    bool is_news = job->is_news;
    job->is_news = false;
    if (is_news) {
        free(job->taken);
        job->taken = job->changes;
        *out_progress = job->progress;
        out_progress->changes = job->taken;
        out_progress->change_count = job->change_count;
        job->changes = NULL;
        job->change_count = 0;
        job->change_capacity = 0;
    }
    pthread_mutex_unlock(&job->mutex);
    return is_news;
}

void jf_job_cancel(struct jf_job *job)
{
    atomic_store(&job->is_cancelled, true);
}

void jf_job_release(struct jf_job *job)
{
    if (job == NULL) {
        return;
    }
    pthread_join(job->thread, NULL);
    job_free(job);
}

static void lane_wake(void *context)
{
    struct jf_job *job = context;
    pthread_mutex_lock(&job->mutex);
    pthread_cond_signal(&job->answered);
    pthread_mutex_unlock(&job->mutex);
}

enum jf_error jf_job_lane_open(struct jf_job *job, struct jf_lane **out_lane)
{
    return jf_engine_lane_open(job->engine, lane_wake, job, out_lane);
}

enum jf_error jf_job_ask(struct jf_job *job, struct jf_lane *lane, struct jf_request *request)
{
    enum jf_error error = jf_lane_submit(lane, request);
    if (error != JF_OK) {
        return error;
    }
    jf_lane_flush(lane);
    pthread_mutex_lock(&job->mutex);
    while (!jf_lane_has_answers(lane)) {
        pthread_cond_wait(&job->answered, &job->mutex);
    }
    pthread_mutex_unlock(&job->mutex);
    struct jf_request *answered = jf_lane_collect(lane);
    JF_ASSERT(answered == request);
    return JF_OK;
}

enum jf_error jf_job_refused(const struct jf_refusal *refusal)
{
    switch (refusal->code) {
    case JF_REFUSAL_OVERLOADED:
        return JF_ERROR_NO_MEMORY;
    case JF_REFUSAL_DISK_FULL:
        return JF_ERROR_NO_SPACE;
    case JF_REFUSAL_SHUTTING_DOWN:
    case JF_REFUSAL_FAILED:
        return JF_ERROR_CLOSED;
    default:
        return JF_ERROR_INVALID;
    }
}

// A checkpoint takes its place in the order: once it is answered, the database holds all that was
// planned before.
enum jf_error jf_job_checkpoint(struct jf_job *job, struct jf_lane *lane)
{
    struct jf_arena arena;
    jf_arena_init(&arena, 65536, (size_t)1 << 20);
    struct jf_request request = {.kind = JF_REQUEST_CHECKPOINT, .arena = &arena};
    enum jf_error error = jf_job_ask(job, lane, &request);
    if (error == JF_OK && request.answer.refusal != NULL) {
        error = jf_job_refused(request.answer.refusal);
    }
    jf_arena_deinit(&arena);
    return error;
}

enum jf_error jf_job_snapshot(struct jf_job *job, struct jf_lane *lane,
                              struct jf_state_scan **out_scan, uint64_t *out_position,
                              struct jf_diagnosis *diagnosis)
{
    enum jf_error error = jf_job_checkpoint(job, lane);
    if (error == JF_OK) {
        error = jf_state_scan_open(job->engine->effects.state, (struct jf_member_id){0}, out_scan,
                                   out_position);
    }
    if (error != JF_OK) {
        jf_diagnose(diagnosis, error, "no snapshot of the state: %s", jf_error_text(error));
    }
    return error;
}
