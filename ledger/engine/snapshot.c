// A snapshot for a backup: links to the segments, the superblock as it is, then the state as it is
// on disk, all below DATA/snapshot. The state first, the journal after it, so that the journal
// holds everything the state does. Sealed segments and tables never change; the newest segment goes
// on being written, which is why the position that was durable is told with it.
//
// Fails where links cannot be made, or the disk is full. A process that is killed leaves the
// directory, which holds nothing of its own: links keep only what was dropped since on the disk.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/file_copy.h"
#include "engine/job_private.h"
#include "journal/archive.h"
#include "journal/superblock.h"

#define SNAPSHOT_NAME  "snapshot"
#define PATH_BYTES     4096u
#define CANCEL_LOOK_NS 20000000
#define IDENTITY_NAME  "IDENTITY"

struct snapshot {
    struct jf_job *job;
    char directory[PATH_BYTES]; // absolute
    char state[PATH_BYTES + 8];
    int from_fd; // the ledger's journal
    int to_fd;   // the snapshot's
};

static bool path_make(const char *data_directory, char out_path[PATH_BYTES])
{
    char *absolute = realpath(data_directory, NULL);
    int size = absolute == NULL ? 0 : snprintf(out_path, PATH_BYTES, "%s/" SNAPSHOT_NAME, absolute);
    free(absolute);
    return size > 0 && (size_t)size < PATH_BYTES;
}

enum jf_error jf_snapshot_clean(const char *data_directory, struct jf_diagnosis *diagnosis)
{
    char path[PATH_BYTES];
    return path_make(data_directory, path) ? jf_folder_remove(path, diagnosis) : JF_OK;
}

static enum jf_error name_link(void *context, const char *name, struct jf_diagnosis *diagnosis)
{
    const struct snapshot *snapshot = context;
    const char *end = strrchr(name, '.');
    if (end == NULL || strcmp(end, ".jfl") != 0) {
        return JF_OK;
    }
    // One that is not there any more was archived meanwhile.
    if (linkat(snapshot->from_fd, name, snapshot->to_fd, name, 0) != 0 && errno != ENOENT) {
        return jf_diagnose(diagnosis, errno == ENOSPC ? JF_ERROR_NO_SPACE : JF_ERROR_IO,
                           "%.300s/journal/%s cannot be linked: %s", snapshot->directory, name,
                           strerror(errno));
    }
    return JF_OK;
}

// What is archived is never changed nor removed, so the snapshot only says where it is.
static enum jf_error archive_link(const struct snapshot *snapshot, struct jf_diagnosis *diagnosis)
{
    char path[PATH_BYTES];
    int size = snprintf(path, sizeof path, "%s/" JF_ARCHIVE_FOLDER,
                        snapshot->job->engine->journal_directory);
    char *absolute = size > 0 && (size_t)size < sizeof path ? realpath(path, NULL) : NULL;
    enum jf_error error = JF_OK;
    if (absolute != NULL && symlinkat(absolute, snapshot->to_fd, JF_ARCHIVE_FOLDER) != 0) {
        error = jf_diagnose(diagnosis, JF_ERROR_IO, "the archive %.300s cannot be linked: %s",
                            absolute, strerror(errno));
    }
    free(absolute);
    return error;
}

static enum jf_error journal_link(struct snapshot *snapshot, struct jf_diagnosis *diagnosis)
{
    struct jf_superblock superblock;
    int directory_fd = -1;
    enum jf_error error = jf_folder_open(AT_FDCWD, snapshot->directory, &directory_fd, diagnosis);
    if (error == JF_OK) {
        error = jf_folder_make(directory_fd, "journal", &snapshot->to_fd, diagnosis);
        close(directory_fd);
    }
    if (error == JF_OK) {
        error = jf_folder_open(AT_FDCWD, snapshot->job->engine->journal_directory,
                               &snapshot->from_fd, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_folder_list(snapshot->from_fd, name_link, snapshot, diagnosis);
    }
    // After the links: older segments than it names may have gone meanwhile, newer ones have not.
    if (error == JF_OK) {
        error = jf_superblock_read(snapshot->from_fd, &superblock, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_superblock_create(snapshot->to_fd, &superblock, diagnosis);
    }
    return error == JF_OK ? archive_link(snapshot, diagnosis) : error;
}

// The database's identity tells a backup whether tables of one name are the same.
static enum jf_error state_copy(struct snapshot *snapshot, struct jf_diagnosis *diagnosis)
{
    const struct jf_engine *engine = snapshot->job->engine;
    char from[PATH_BYTES];
    char to[PATH_BYTES + 32];
    enum jf_error error = jf_state_copy(engine->effects.state, snapshot->state, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    (void)snprintf(from, sizeof from, "%s/" IDENTITY_NAME, engine->state_directory);
    (void)snprintf(to, sizeof to, "%s/" IDENTITY_NAME, snapshot->state);
    return link(from, to) == 0 || errno == EEXIST
               ? JF_OK
               : jf_diagnose(diagnosis, JF_ERROR_IO, "%.300s cannot be linked: %s", from,
                             strerror(errno));
}

static enum jf_error directory_make(struct snapshot *snapshot, struct jf_diagnosis *diagnosis)
{
    int fd = -1;
    if (!path_make(snapshot->job->engine->config.data_directory, snapshot->directory)) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "the data directory's path cannot be told");
    }
    (void)snprintf(snapshot->state, sizeof snapshot->state, "%s/state", snapshot->directory);
    enum jf_error error = jf_folder_remove(snapshot->directory, diagnosis);
    if (error == JF_OK) {
        error = jf_folder_make(AT_FDCWD, snapshot->directory, &fd, diagnosis);
    }
    if (error == JF_OK) {
        close(fd);
    }
    return error;
}

// A full disk refuses checkpoints, and a backup is wanted all the more: it then holds an older
// state and a longer tail of the journal.
static enum jf_error checkpoint(struct jf_job *job, struct jf_diagnosis *diagnosis)
{
    struct jf_lane *lane = NULL;
    enum jf_error error = jf_job_lane_open(job, &lane);
    if (error == JF_OK) {
        error = jf_job_checkpoint(job, lane);
    }
    jf_engine_lane_close(lane);
    if (error == JF_ERROR_CLOSED && !jf_engine_has_failed(job->engine, diagnosis)) {
        return JF_OK;
    }
    return error == JF_OK ? JF_OK
                          : jf_diagnose(diagnosis, error, "no checkpoint for the backup: %s",
                                        jf_error_text(error));
}

static enum jf_error snapshot_make(struct snapshot *snapshot, uint64_t *out_position,
                                   struct jf_diagnosis *diagnosis)
{
    const struct jf_engine *engine = snapshot->job->engine;
    enum jf_error error = directory_make(snapshot, diagnosis);
    if (error == JF_OK) {
        error = checkpoint(snapshot->job, diagnosis);
    }
    if (error == JF_OK) {
        error = state_copy(snapshot, diagnosis);
    }
    if (error == JF_OK) {
        *out_position = engine->journal->operations->durable(engine->journal);
        error = journal_link(snapshot, diagnosis);
    }
    return error;
}

static void cancel_wait(const struct jf_job *job)
{
    const struct timespec pause = {.tv_nsec = CANCEL_LOOK_NS};
    while (!atomic_load(&job->is_cancelled)) {
        (void)nanosleep(&pause, NULL);
    }
}

static void backup_run(struct jf_job *job)
{
    struct jf_job_progress result = {.stage = "done"};
    struct snapshot snapshot = {.job = job, .from_fd = -1, .to_fd = -1};
    uint64_t position = 0;
    enum jf_error error = snapshot_make(&snapshot, &position, &result.diagnosis);
    if (error == JF_OK) {
        jf_job_report_snapshot(job, snapshot.directory, position);
        jf_job_report(job, "ready", 1, 1);
        cancel_wait(job);
        error = JF_ERROR_CLOSED;
    }
    if (snapshot.from_fd >= 0) {
        close(snapshot.from_fd);
    }
    if (snapshot.to_fd >= 0) {
        close(snapshot.to_fd);
    }
    // What cannot be removed now is removed at the next start.
    enum jf_error removed = jf_folder_remove(snapshot.directory, NULL);
    (void)removed;
    result.error = error;
    jf_job_finish(job, &result);
}

enum jf_error jf_job_start_backup(struct jf_engine *engine, void (*wake)(void *context),
                                  void *context, struct jf_job **out_job,
                                  struct jf_diagnosis *diagnosis)
{
    const struct jf_job_kind kind = {backup_run, &engine->is_backup_running};
    return jf_job_start_plain(engine, &kind, wake, context, out_job, diagnosis);
}
