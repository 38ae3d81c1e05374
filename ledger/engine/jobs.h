// Long work beside the tills: tier recalculation, expiry and verification. Each job runs in a
// thread of its own over a snapshot of the state, and posts what it changes through a lane like any
// client.
//
// Any one thread owns a job's handle: it takes progress when woken (or polls) and releases the job
// at the end.
#ifndef JF_ENGINE_JOBS_H
#define JF_ENGINE_JOBS_H

#include "base/date.h"
#include "engine/engine.h"

struct jf_job;

struct jf_tier_change_row {
    struct jf_member_id member;
    uint32_t from; // levels under the programme version of the run
    uint32_t to;
    uint32_t class_from; // 0: not judged yet
    uint32_t class_to;
    enum jf_tier_why why;
    int64_t spend; // over the window
    uint32_t visits;
    int64_t points;
};

#define JF_JOB_CLASSES (JF_CLASSES_MAX + 1u) // and 0, for not judged yet

// A run: sent again under the same id it goes on where it stopped.
struct jf_run_input {
    struct jf_text run_id; // 1..32 bytes; copied
    jf_date as_of;         // at most tomorrow by UTC
};

struct jf_tiers_job_input {
    struct jf_run_input run;
    bool is_preview;
    bool is_listed; // keep the changes for jf_job_take
};

struct jf_job_progress {
    const char *stage; // static
    uint64_t done_count;
    uint64_t total_count;  // tiers: an estimate until is_done
    uint64_t seconds_left; // at the pace of the stage so far; 0: not known, or done
    bool is_done;
    enum jf_error error; // with is_done
    struct jf_diagnosis diagnosis;
    // Tiers: changes since the last take, valid until the next take; counts[from * JF_TIERS_MAX +
    // to] and class_counts[from * JF_JOB_CLASSES + to] with is_done.
    uint32_t programme_version; // 0: not known yet
    const struct jf_tier_change_row *changes;
    uint32_t change_count;
    uint64_t counts[JF_TIERS_MAX * JF_TIERS_MAX];
    uint64_t class_counts[JF_JOB_CLASSES * JF_JOB_CLASSES];
    // Expire: by this job, so far.
    int64_t points_expired;
    // Backup: where the snapshot is, once it is ready; position is the newest it holds.
    const char *directory; // until the job is released
    // Verify, with is_done:
    bool ties;
    char difference[JF_DIAGNOSIS_TEXT_MAX]; // the first one
    uint64_t position;
    uint64_t entries;
    uint64_t members;
    uint64_t rows;       // of indexes, compared
    uint64_t elapsed_us; // of the whole verification
    int64_t balance_sum;
    unsigned char digest[16];        // of the server's state
    unsigned char replay_digest[16]; // of the journal replayed from nothing
};

// At most one job of a kind runs at a time: JF_ERROR_BUSY. JF_ERROR_INVALID, diagnosed: what the
// input does not allow. `wake` is called from the job's thread when there is something to take.
JF_MUST_USE enum jf_error jf_job_start_tiers(struct jf_engine *engine,
                                             const struct jf_tiers_job_input *input,
                                             void (*wake)(void *context), void *context,
                                             struct jf_job **out_job,
                                             struct jf_diagnosis *diagnosis);
JF_MUST_USE enum jf_error jf_job_start_expire(struct jf_engine *engine,
                                              const struct jf_run_input *input,
                                              void (*wake)(void *context), void *context,
                                              struct jf_job **out_job,
                                              struct jf_diagnosis *diagnosis);
JF_MUST_USE enum jf_error jf_job_start_verify(struct jf_engine *engine, void (*wake)(void *context),
                                              void *context, struct jf_job **out_job,
                                              struct jf_diagnosis *diagnosis);

// A snapshot of the ledger in its data directory, for a backup: made at once, kept until the job is
// cancelled, removed at its end. What a killed process left of one is removed by the next, and by
// jf_snapshot_clean.
JF_MUST_USE enum jf_error jf_job_start_backup(struct jf_engine *engine, void (*wake)(void *context),
                                              void *context, struct jf_job **out_job,
                                              struct jf_diagnosis *diagnosis);
// In: nothing else uses the ledger's data directory. Errors: JF_ERROR_IO.
JF_MUST_USE enum jf_error jf_snapshot_clean(const char *data_directory,
                                            struct jf_diagnosis *diagnosis);

// Copies what is known now. Returns: whether anything is new since the last take.
bool jf_job_take(struct jf_job *job, struct jf_job_progress *out_progress);
void jf_job_cancel(struct jf_job *job);  // asks it to stop; it ends with JF_ERROR_CLOSED
void jf_job_release(struct jf_job *job); // waits for its thread; NULL is accepted

// The same verification over a closed ledger's directory (`jifen verify --data`), in the calling
// thread. on_progress may be NULL.
JF_MUST_USE enum jf_error jf_verify_directory(
    const char *data_directory, void (*on_progress)(void *context, const struct jf_job_progress *),
    void *context, struct jf_job_progress *out_result, struct jf_diagnosis *diagnosis);

#endif
