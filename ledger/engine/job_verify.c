// Verification of the running server, as a job over a snapshot; and of a closed ledger's directory,
// in the caller's thread.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/assert.h"
#include "engine/file_copy.h"
#include "engine/job_private.h"
#include "journal/reader.h"

static void job_report(void *context, const char *stage, uint64_t done, uint64_t total)
{
    jf_job_report(context, stage, done, total);
}

static bool job_is_cancelled(void *context)
{
    struct jf_job *job = context;
    return atomic_load(&job->is_cancelled);
}

static void verify_run(struct jf_job *job)
{
    struct jf_job_progress result = {.stage = "done"};
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    struct jf_lane *lane = NULL;
    struct jf_state_scan *scan = NULL;
    uint64_t position = 0;
    enum jf_error error = jf_job_lane_open(job, &lane);
    if (error == JF_OK) {
        error = jf_job_snapshot(job, lane, &scan, &position, &diagnosis);
    }
    jf_engine_lane_close(lane);
    if (error == JF_OK) {
        struct jf_verify_input input = {.journal_directory = job->engine->journal_directory,
                                        .scratch_parent = job->engine->config.data_directory,
                                        .zone_directory = job->engine->config.zone_directory,
                                        .scan = scan,
                                        .position = position,
                                        .report = job_report,
                                        .report_context = job,
                                        .is_cancelled = job_is_cancelled};
        error = jf_verify_run(&input, &result, &diagnosis);
    }
    result.error = error;
    result.diagnosis = diagnosis;
    jf_state_scan_close(scan);
    jf_job_finish(job, &result);
}

enum jf_error jf_job_start_verify(struct jf_engine *engine, void (*wake)(void *context),
                                  void *context, struct jf_job **out_job,
                                  struct jf_diagnosis *diagnosis)
{
    const struct jf_job_kind kind = {verify_run, &engine->is_verify_running};
    return jf_job_start_plain(engine, &kind, wake, context, out_job, diagnosis);
}

struct directory_report {
    void (*on_progress)(void *context, const struct jf_job_progress *);
    void *context;
};

static void directory_report(void *context, const char *stage, uint64_t done, uint64_t total)
{
    struct directory_report *to = context;
    struct jf_job_progress progress = {.stage = stage, .done_count = done, .total_count = total};
    if (to->on_progress != NULL) {
        to->on_progress(to->context, &progress);
    }
}

// Journal and state of a closed ledger may differ by the tail that a start would replay: the state
// is compared at the position it holds, and the rest of the journal is checked by itself.
static enum jf_error tail_check(const char *journal_directory, uint64_t from,
                                struct jf_diagnosis *diagnosis)
{
    struct jf_journal_reader *reader = NULL;
    struct jf_journal_entry entry;
    enum jf_error error = jf_journal_reader_open(journal_directory, from, &reader, diagnosis);
    while (error == JF_OK) {
        error = jf_journal_reader_next(reader, &entry, diagnosis);
    }
    jf_journal_reader_close(reader);
    return error == JF_ERROR_NOT_FOUND ? JF_OK : error;
}

// Of a ledger that is running, a directory holds what was written so far, which need not agree.
static enum jf_error ledger_lock(const char *data_directory, const char *journal_directory,
                                 int *out_lock_fd, struct jf_diagnosis *diagnosis)
{
    int journal_fd = -1;
    enum jf_error error = jf_folder_open(AT_FDCWD, journal_directory, &journal_fd, diagnosis);
    if (error != JF_OK) {
        return error == JF_ERROR_NOT_FOUND
                   ? jf_diagnose(diagnosis, error,
                                 "there is no ledger in %.300s: check the directory's name",
                                 data_directory)
                   : error;
    }
    error = jf_folder_lock(journal_fd, JF_LOCK_NAME, data_directory, out_lock_fd, diagnosis);
    close(journal_fd);
    return error != JF_ERROR_LOCKED
               ? error
               : jf_diagnose(diagnosis, error,
                             "the ledger in %.300s is running: leave --data out, and it verifies "
                             "itself beside the tills",
                             data_directory);
}

static enum jf_error directory_verify(
    const char *data_directory, void (*on_progress)(void *context, const struct jf_job_progress *),
    void *context, struct jf_job_progress *out_result, struct jf_diagnosis *diagnosis)
{
    char journal_directory[4096];
    char state_directory[4096];
    snprintf(journal_directory, sizeof journal_directory, "%s/journal", data_directory);
    snprintf(state_directory, sizeof state_directory, "%s/state", data_directory);
    struct jf_journal_reader *reader = NULL;
    enum jf_error error = jf_journal_reader_open(journal_directory, 0, &reader, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    struct jf_ledger_id id = jf_journal_reader_ledger_id(reader);
    jf_journal_reader_close(reader);
    struct jf_state_config config = {.directory = state_directory,
                                     .cache_bytes = (uint64_t)16 << 20,
                                     .filter_bytes = (uint64_t)1 << 20,
                                     .write_buffer_bytes = (uint64_t)16 << 20,
                                     .block_cache_bytes = (uint64_t)16 << 20,
                                     .generation_entries = 1024,
                                     .generation_us = UINT64_MAX,
                                     .generations_max = 4,
                                     .flush_entries = UINT64_MAX,
                                     .flush_us = UINT64_MAX,
                                     .is_inline = true,
                                     .is_read_only = true,
                                     .must_exist = true};
    memcpy(config.ledger_id, id.bytes, sizeof config.ledger_id);
    struct jf_state *state = NULL;
    struct jf_state_scan *scan = NULL;
    uint64_t position = 0;
    error = jf_state_open(&config, &state, diagnosis);
    if (error == JF_OK) {
        error = jf_state_scan_open(state, (struct jf_member_id){0}, &scan, &position);
    }
    if (error == JF_OK) {
        struct directory_report to = {on_progress, context};
        struct jf_verify_input input = {.journal_directory = journal_directory,
                                        .scratch_parent = data_directory,
                                        .scan = scan,
                                        .position = position,
                                        .report = directory_report,
                                        .report_context = &to};
        error = jf_verify_run(&input, out_result, diagnosis);
    }
    if (error == JF_OK) {
        error = tail_check(journal_directory, position + 1, diagnosis);
    }
    jf_state_scan_close(scan);
    if (state != NULL) {
        enum jf_error close_error = jf_state_close(state, false, diagnosis);
        error = error == JF_OK ? close_error : error;
    }
    return error;
}

enum jf_error jf_verify_directory(
    const char *data_directory, void (*on_progress)(void *context, const struct jf_job_progress *),
    void *context, struct jf_job_progress *out_result, struct jf_diagnosis *diagnosis)
{
    char journal_directory[4096];
    int lock_fd = -1;
    snprintf(journal_directory, sizeof journal_directory, "%s/journal", data_directory);
    enum jf_error error = ledger_lock(data_directory, journal_directory, &lock_fd, diagnosis);
    if (error == JF_OK) {
        error = directory_verify(data_directory, on_progress, context, out_result, diagnosis);
    }
    if (lock_fd >= 0) {
        close(lock_fd);
    }
    return error;
}
