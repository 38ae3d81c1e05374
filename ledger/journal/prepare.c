// The happy path: while one segment fills, the next is made through the ring: created under a
// temporary name, allocated, filled with zeros in small pieces, synced, renamed, and the directory
// synced. It is paced to run ahead of the blocks at twice their speed, so that it is ready in time
// without crowding them out, and a change of segment never waits. Failures: too little space is a
// refusal, tried again every second; any other failure is final.
#include "journal/local_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/assert.h"

#define AHEAD_BYTES (4u * JF_PREPARE_CHUNK_BYTES)

// What follows when a step's operation has succeeded; after the last one the segment is READY.
static const enum jf_prepare_step next_step[JF_PREPARE_STEP_COUNT] = {
    [JF_PREPARE_OPENING] = JF_PREPARE_ALLOCATING,
    [JF_PREPARE_ALLOCATING] = JF_PREPARE_FILLING,
    [JF_PREPARE_FILLING] = JF_PREPARE_SYNCING, // once all of it is filled
    [JF_PREPARE_SYNCING] = JF_PREPARE_RENAMING,
    [JF_PREPARE_RENAMING] = JF_PREPARE_SYNCING_DIRECTORY,
};

static void prepare_done(struct jf_completion *completion, int32_t result, int32_t buffer_id,
                         bool more);

enum jf_error jf_prepare_check_space(const struct jf_local_journal *journal,
                                     struct jf_diagnosis *diagnosis)
{
    struct statvfs status;
    if (fstatvfs(journal->directory_fd, &status) != 0) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "journal %s: free space cannot be asked: %s",
                           journal->directory, strerror(errno));
    }
    if (status.f_blocks == 0) {
        return JF_OK; // ramfs and some others do not count: writing will tell
    }
    uint64_t free_bytes = (uint64_t)status.f_bavail * status.f_frsize;
    if (free_bytes < journal->segment_bytes ||
        free_bytes - journal->segment_bytes < journal->reserve_bytes) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_SPACE,
                           "journal %s: %llu bytes are free, a segment of %llu and the reserve of "
                           "%llu are needed: free space, or lower the reserve",
                           journal->directory, (unsigned long long)free_bytes,
                           (unsigned long long)journal->segment_bytes,
                           (unsigned long long)journal->reserve_bytes);
    }
    return JF_OK;
}

static uint32_t chunk_size(const struct jf_prepare *prepare)
{
    uint64_t rest = prepare->size - prepare->filled;
    return rest < JF_PREPARE_CHUNK_BYTES ? (uint32_t)rest : JF_PREPARE_CHUNK_BYTES;
}

// Queues the operation of the current step.
static void queue_step(struct jf_local_journal *journal)
{
    struct jf_prepare *prepare = &journal->prepare;
    JF_ASSERT(!prepare->is_in_flight);
    prepare->completion = (struct jf_completion){prepare_done, journal};
    struct io_uring_sqe *sqe = jf_ring_sqe(journal->ring, &prepare->completion);
    switch (prepare->step) {
    case JF_PREPARE_OPENING:
        io_uring_prep_openat(sqe, journal->directory_fd, JF_SEGMENT_TEMPORARY,
                             O_RDWR | O_CREAT | O_TRUNC | O_DIRECT | O_CLOEXEC, 0640);
        break;
    case JF_PREPARE_ALLOCATING:
        io_uring_prep_fallocate(sqe, prepare->fd, 0, 0, (off_t)prepare->size);
        break;
    case JF_PREPARE_FILLING:
        io_uring_prep_write(sqe, prepare->fd, prepare->zeros, chunk_size(prepare), prepare->filled);
        break;
    case JF_PREPARE_SYNCING:
        io_uring_prep_fsync(sqe, prepare->fd, 0);
        break;
    case JF_PREPARE_RENAMING:
        io_uring_prep_renameat(sqe, journal->directory_fd, JF_SEGMENT_TEMPORARY,
                               journal->directory_fd, prepare->name, 0);
        break;
    case JF_PREPARE_SYNCING_DIRECTORY:
        io_uring_prep_fsync(sqe, journal->directory_fd, 0);
        break;
    default:
        JF_ASSERT(prepare->step == JF_PREPARE_OPENING);
    }
    io_uring_sqe_set_data(sqe, &prepare->completion);
    prepare->is_in_flight = true;
}

static bool is_far_enough(const struct jf_local_journal *journal)
{
    const struct jf_prepare *prepare = &journal->prepare;
    return !prepare->is_hurried && prepare->filled >= 2 * journal->offset + AHEAD_BYTES;
}

static void give_up_for_space(struct jf_local_journal *journal)
{
    struct jf_prepare *prepare = &journal->prepare;
    if (prepare->fd >= 0) {
        close(prepare->fd);
        prepare->fd = -1;
    }
    unlinkat(journal->directory_fd, JF_SEGMENT_TEMPORARY, 0);
    prepare->step = JF_PREPARE_NO_SPACE;
    prepare->retry_at_us = 0;
}

// Takes a completed operation's result. Returns: whether it was what the step wanted.
static bool take_result(struct jf_prepare *prepare, int32_t result)
{
    if (prepare->step == JF_PREPARE_ALLOCATING && result == -EOPNOTSUPP) {
        return true; // filling allocates as well
    }
    if (result < 0) {
        return false;
    }
    if (prepare->step == JF_PREPARE_OPENING) {
        prepare->fd = result;
    }
    if (prepare->step == JF_PREPARE_FILLING) {
        if ((uint32_t)result != chunk_size(prepare)) {
            return false;
        }
        prepare->filled += (uint32_t)result;
    }
    return true;
}

static void prepare_failed(struct jf_local_journal *journal, int32_t result)
{
    bool may_lack_space = journal->prepare.step <= JF_PREPARE_SYNCING;
    if (may_lack_space && (result == -ENOSPC || result == -EDQUOT || result > 0)) {
        give_up_for_space(journal); // a short write of zeros is what a full disk looks like
        return;
    }
    (void)jf_local_fail(journal, JF_ERROR_IO,
                        "journal %s: %s cannot be prepared (%s): stop, look at the disk, start "
                        "again",
                        journal->directory, journal->prepare.name,
                        result < 0 ? strerror(-result) : "short write");
}

// The segment can be written from now on; see jf_hold_file.
static void become_ready(struct jf_local_journal *journal)
{
    struct jf_prepare *prepare = &journal->prepare;
    struct jf_diagnosis diagnosis = {0};
    enum jf_error error = jf_hold_file(prepare->fd, prepare->name, &diagnosis);
    if (error != JF_OK) {
        (void)jf_local_fail(journal, error, "%s", diagnosis.text);
        return;
    }
    prepare->step = JF_PREPARE_READY;
    prepare->is_hurried = false;
    if (prepare->segment > journal->newest_segment) {
        journal->newest_segment = prepare->segment;
    }
}

static void prepare_done(struct jf_completion *completion, int32_t result, int32_t buffer_id,
                         bool more)
{
    (void)buffer_id;
    JF_ASSERT(!more);
    struct jf_local_journal *journal = completion->context;
    struct jf_prepare *prepare = &journal->prepare;
    prepare->is_in_flight = false;
    if (!take_result(prepare, result)) {
        prepare_failed(journal, result);
        return;
    }
    if (journal->base.failure.error != JF_OK || prepare->is_stopped) {
        return;
    }
    if (prepare->step == JF_PREPARE_SYNCING_DIRECTORY) {
        become_ready(journal);
        return;
    }
    if (prepare->step != JF_PREPARE_FILLING || prepare->filled == prepare->size) {
        prepare->step = next_step[prepare->step];
    }
    if (prepare->step == JF_PREPARE_FILLING && is_far_enough(journal)) {
        prepare->step = JF_PREPARE_PAUSED;
    } else {
        queue_step(journal);
    }
}

void jf_prepare_continue(struct jf_local_journal *journal)
{
    struct jf_prepare *prepare = &journal->prepare;
    if (prepare->step == JF_PREPARE_PAUSED && !is_far_enough(journal) &&
        journal->base.failure.error == JF_OK && !prepare->is_stopped) {
        prepare->step = JF_PREPARE_FILLING;
        queue_step(journal);
    }
}

// A segment that exists already (made before a restart, zeroed by recovery) is only opened.
static void take_spare(struct jf_local_journal *journal)
{
    struct jf_prepare *prepare = &journal->prepare;
    struct jf_diagnosis diagnosis = {0};
    enum jf_error error = jf_segment_open(journal->directory_fd, prepare->segment, JF_SEGMENT_WRITE,
                                          &prepare->fd, &prepare->size, &diagnosis);
    if (error != JF_OK) {
        (void)jf_local_fail(journal, error, "%s", diagnosis.text);
        return;
    }
    become_ready(journal);
}

void jf_prepare_start(struct jf_local_journal *journal)
{
    struct jf_prepare *prepare = &journal->prepare;
    JF_ASSERT(prepare->step == JF_PREPARE_IDLE || prepare->step == JF_PREPARE_NO_SPACE);
    if (prepare->is_stopped) {
        return;
    }
    prepare->segment = journal->segment + 1;
    prepare->size = journal->segment_bytes;
    prepare->filled = 0;
    prepare->is_hurried = false;
    prepare->fd = -1;
    jf_segment_name(prepare->segment, prepare->name);
    if (prepare->segment <= journal->newest_segment) {
        take_spare(journal);
        return;
    }
    if (jf_prepare_check_space(journal, NULL) != JF_OK) {
        prepare->step = JF_PREPARE_NO_SPACE;
        prepare->retry_at_us = 0;
        return;
    }
    prepare->step = JF_PREPARE_OPENING;
    queue_step(journal);
}

void jf_prepare_retry(struct jf_local_journal *journal, uint64_t time_us)
{
    struct jf_prepare *prepare = &journal->prepare;
    if (prepare->step != JF_PREPARE_NO_SPACE || time_us < prepare->retry_at_us) {
        return;
    }
    // The first tick after the refusal only sets the clock: a refusal stands for a while.
    if (prepare->retry_at_us != 0) {
        jf_prepare_start(journal);
    }
    prepare->retry_at_us = time_us + JF_PREPARE_SPACE_RETRY_US;
}

static int fill_and_name(const struct jf_local_journal *journal, int fd, const char *name)
{
    if (fallocate(fd, 0, 0, (off_t)journal->segment_bytes) != 0 && errno != EOPNOTSUPP) {
        return errno;
    }
    for (uint64_t at = 0; at < journal->segment_bytes; at += JF_PREPARE_CHUNK_BYTES) {
        uint64_t rest = journal->segment_bytes - at;
        uint64_t size = rest < JF_PREPARE_CHUNK_BYTES ? rest : JF_PREPARE_CHUNK_BYTES;
        ssize_t put = pwrite(fd, journal->prepare.zeros, size, (off_t)at);
        if (put < 0 || (uint64_t)put != size) {
            return put < 0 ? errno : ENOSPC;
        }
    }
    bool is_named = fsync(fd) == 0 && renameat(journal->directory_fd, JF_SEGMENT_TEMPORARY,
                                               journal->directory_fd, name) == 0;
    return is_named && fsync(journal->directory_fd) == 0 ? 0 : errno;
}

enum jf_error jf_prepare_first(struct jf_local_journal *journal, uint64_t segment,
                               struct jf_diagnosis *diagnosis)
{
    char name[JF_SEGMENT_NAME_BYTES];
    jf_segment_name(segment, name);
    int fd = -1;
    enum jf_error error = jf_direct_open(journal->directory_fd, JF_SEGMENT_TEMPORARY,
                                         O_RDWR | O_CREAT | O_TRUNC, &fd, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    int code = fill_and_name(journal, fd, name);
    close(fd);
    if (code != 0) {
        unlinkat(journal->directory_fd, JF_SEGMENT_TEMPORARY, 0);
        return jf_diagnose(diagnosis, code == ENOSPC ? JF_ERROR_NO_SPACE : JF_ERROR_IO,
                           "journal %s/%s cannot be created: %s", journal->directory, name,
                           strerror(code));
    }
    return JF_OK;
}
