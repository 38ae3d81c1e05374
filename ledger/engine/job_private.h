// A job's inside: for engine/job*.c only.
#ifndef JF_ENGINE_JOB_PRIVATE_H
#define JF_ENGINE_JOB_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "engine/engine_private.h"
#include "engine/jobs.h"

#define JF_JOB_WAKE_INTERVAL_US 100000u

struct jf_job {
    struct jf_engine *engine;
    void (*run)(struct jf_job *job); // in the job's thread; ends with jf_job_finish
    void (*wake)(void *context);
    void *context;
    pthread_t thread;
    _Atomic bool is_cancelled;
    _Atomic bool *is_running; // the engine's mark that a job of this kind runs

    pthread_mutex_t mutex;   // guards what follows
    pthread_cond_t answered; // the lane has answers
    struct jf_job_progress progress;
    struct jf_tier_change_row *changes; // gathered and not yet taken
    uint32_t change_count;
    uint32_t change_capacity;
    struct jf_tier_change_row *taken; // handed out by the last take
    bool is_news;
    uint64_t woken_us;
    uint64_t stage_us; // when the stage began

    // Backup:
    char directory[4096];
    // A run:
    char run_id[JF_RUN_ID_BYTES_MAX];
    uint32_t run_id_size;
    jf_date as_of;
    // Tiers:
    bool is_preview;
    bool is_listed;
};

JF_MUST_USE enum jf_error jf_job_create(struct jf_engine *engine, void (*wake)(void *context),
                                        void *context, struct jf_job **out_job);
// A job of a run, its id and date checked. Errors: JF_ERROR_INVALID, JF_ERROR_NO_MEMORY, diagnosed.
JF_MUST_USE enum jf_error jf_job_create_run(struct jf_engine *engine,
                                            const struct jf_run_input *input,
                                            void (*wake)(void *context), void *context,
                                            struct jf_job **out_job,
                                            struct jf_diagnosis *diagnosis);
JF_MUST_USE enum jf_error jf_job_start(struct jf_job *job, void (*run)(struct jf_job *job),
                                       _Atomic bool *is_running, struct jf_diagnosis *diagnosis);
// What a kind of job does, and whether one of it is running.
struct jf_job_kind {
    void (*run)(struct jf_job *job);
    _Atomic bool *is_running;
};
// Creates and starts a job that needs nothing but the engine. Errors: JF_ERROR_NO_MEMORY,
// JF_ERROR_BUSY, diagnosed.
JF_MUST_USE enum jf_error jf_job_start_plain(struct jf_engine *engine,
                                             const struct jf_job_kind *kind,
                                             void (*wake)(void *context), void *context,
                                             struct jf_job **out_job,
                                             struct jf_diagnosis *diagnosis);
// Publishes counts and the time left; wakes the owner at most ten times a second.
void jf_job_report(struct jf_job *job, const char *stage, uint64_t done, uint64_t total);
// Publishes, with the next report, how much has expired so far.
void jf_job_report_points(struct jf_job *job, int64_t points_expired);
// Publishes, with the next report, where a snapshot lies. Once.
void jf_job_report_snapshot(struct jf_job *job, const char *directory, uint64_t position);
// The end, once: with what `result` says (its change fields are not looked at).
void jf_job_finish(struct jf_job *job, const struct jf_job_progress *result);
JF_MUST_USE enum jf_error jf_job_add_change(struct jf_job *job,
                                            const struct jf_tier_change_row *change);

// The job's own way to ask the engine, waiting for the answer. In: one request.
JF_MUST_USE enum jf_error jf_job_ask(struct jf_job *job, struct jf_lane *lane,
                                     struct jf_request *request);
// What a refusal means to a job: JF_ERROR_NO_MEMORY, JF_ERROR_NO_SPACE, JF_ERROR_CLOSED where the
// server could not answer, which may be asked again; else JF_ERROR_INVALID.
enum jf_error jf_job_refused(const struct jf_refusal *refusal);
JF_MUST_USE enum jf_error jf_job_lane_open(struct jf_job *job, struct jf_lane **out_lane);

// Waits until the state on disk holds at least everything planned before the call. Errors:
// JF_ERROR_CLOSED when that is refused (a full disk), JF_ERROR_BUSY.
JF_MUST_USE enum jf_error jf_job_checkpoint(struct jf_job *job, struct jf_lane *lane);
// A snapshot of the state that holds at least everything planned before the call.
JF_MUST_USE enum jf_error jf_job_snapshot(struct jf_job *job, struct jf_lane *lane,
                                          struct jf_state_scan **out_scan, uint64_t *out_position,
                                          struct jf_diagnosis *diagnosis);

// Verification proper, of the journal in `journal_directory` against `scan` at `position`; scratch
// state goes to a directory made below `scratch_parent` and removed again. job NULL: not
// cancellable.
struct jf_verify_input {
    const char *journal_directory;
    const char *scratch_parent;
    const char *zone_directory;
    struct jf_state_scan *scan;
    uint64_t position;
    void (*report)(void *context, const char *stage, uint64_t done, uint64_t total);
    void *report_context;
    bool (*is_cancelled)(void *context);
};
JF_MUST_USE enum jf_error jf_verify_run(const struct jf_verify_input *input,
                                        struct jf_job_progress *out_result,
                                        struct jf_diagnosis *diagnosis);

#endif
