// The file is made without a name, filled and synced, so that a measured write changes no metadata.
// Slots keep `depth` writes in flight until the time is over; then what is in flight is awaited.
// Fails: no space, no O_DIRECT, no io_uring; a short or failed write ends the run.
#include "bench/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "bench/machine.h"
#include "bench/options.h"
#include "bench/process.h"

#define RING_ENTRIES      32u
#define TURN_US           100000u
#define STALL_NS          30000000000u // a write that takes longer is an error
#define ALIGNMENT         4096u
#define SAMPLE_FILE_BYTES (16u << 20)

struct slot {
    struct jf_completion completion;
    struct run *run;
    uint64_t started_ns;
};

struct run {
    struct jf_disk *disk;
    const struct jf_disk_run *config;
    struct jf_disk_result *result;
    struct slot slots[JF_DISK_DEPTH_MAX];
    uint64_t offset;
    uint64_t end_ns;
    uint64_t moved_ns; // when something last completed
    uint32_t in_flight;
    int32_t failure; // negative errno, or a short result; 0: none
    bool has_failed;
};

static enum jf_error file_make(struct jf_disk *disk, const char *directory,
                               struct jf_diagnosis *diagnosis)
{
    disk->fd = open(directory, O_TMPFILE | O_RDWR | O_DIRECT | O_CLOEXEC, 0600);
    if (disk->fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR)) {
        char path[JF_PATH_SIZE];
        int size = snprintf(path, sizeof(path), "%s/jifen-bench-%ld", directory, (long)getpid());
        if (size > 0 && (size_t)size < sizeof(path)) {
            disk->fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_DIRECT | O_CLOEXEC, 0600);
            (void)unlink(path);
        }
    }
    if (disk->fd >= 0) {
        return JF_OK;
    }
    if (errno == EINVAL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_DIRECT,
                           "%s: this file system does not support O_DIRECT: name a directory on "
                           "ext4 or XFS with --dir",
                           directory);
    }
    return jf_diagnose(diagnosis, JF_ERROR_IO, "%s: no file can be made: %s", directory,
                       strerror(errno));
}

static enum jf_error file_fill(struct jf_disk *disk, const char *directory,
                               struct jf_diagnosis *diagnosis)
{
    if (jf_machine_free_bytes(directory) < disk->file_bytes * 2) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_SPACE,
                           "%s: %llu MiB free are needed (twice what is written): make room, or "
                           "name another directory with --dir",
                           directory, (unsigned long long)(disk->file_bytes * 2) >> 20);
    }
    for (uint64_t at = 0; at < disk->file_bytes; at += JF_DISK_WRITE_BYTES_MAX) {
        ssize_t size = pwrite(disk->fd, disk->bytes, JF_DISK_WRITE_BYTES_MAX, (off_t)at);
        if (size != (ssize_t)JF_DISK_WRITE_BYTES_MAX) {
            return jf_diagnose(diagnosis, JF_ERROR_IO, "%s: the file cannot be filled: %s",
                               directory, size < 0 ? strerror(errno) : "short write");
        }
    }
    // What is measured then writes other bytes than these: zeroes are too easy for some devices.
    for (uint32_t at = 0; at < JF_DISK_WRITE_BYTES_MAX; at++) {
        disk->bytes[at] = (unsigned char)((at * 2654435761u) >> 24);
    }
    if (fsync(disk->fd) != 0) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "%s: fsync: %s", directory, strerror(errno));
    }
    return JF_OK;
}

enum jf_error jf_disk_open(struct jf_disk *disk, const char *directory, uint64_t file_bytes,
                           struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(file_bytes > 0);
    JF_ASSERT(file_bytes % JF_DISK_WRITE_BYTES_MAX == 0);
    memset(disk, 0, sizeof(*disk));
    disk->fd = -1;
    disk->file_bytes = file_bytes;
    disk->bytes = aligned_alloc(ALIGNMENT, JF_DISK_WRITE_BYTES_MAX);
    if (disk->bytes == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory for what is written");
    }
    memset(disk->bytes, 0, JF_DISK_WRITE_BYTES_MAX);
    enum jf_error error = file_make(disk, directory, diagnosis);
    if (error == JF_OK) {
        error = file_fill(disk, directory, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_ring_init(&disk->ring, RING_ENTRIES, diagnosis);
    }
    return error;
}

void jf_disk_close(struct jf_disk *disk)
{
    jf_ring_deinit(&disk->ring);
    if (disk->fd >= 0) {
        close(disk->fd);
        disk->fd = -1;
    }
    free(disk->bytes);
    disk->bytes = NULL;
}

static void slot_write(struct slot *slot)
{
    struct run *run = slot->run;
    uint32_t size = run->config->write_bytes;
    if (run->offset + size > run->disk->file_bytes) {
        run->offset = 0;
    }
    slot->started_ns = jf_bench_now_ns();
    if (run->config->is_synced) {
        jf_ring_write(&run->disk->ring, &slot->completion, run->disk->fd, run->disk->bytes, size,
                      run->offset);
    } else {
        struct io_uring_sqe *sqe = jf_ring_sqe(&run->disk->ring, &slot->completion);
        io_uring_prep_write(sqe, run->disk->fd, run->disk->bytes, size, run->offset);
        io_uring_sqe_set_data(sqe, &slot->completion);
    }
    run->offset += size;
    run->in_flight += 1;
}

static void on_written(struct jf_completion *completion, int32_t result, int32_t buffer_id,
                       bool more)
{
    (void)buffer_id;
    (void)more;
    struct slot *slot = completion->context;
    struct run *run = slot->run;
    uint64_t now_ns = jf_bench_now_ns();
    run->in_flight -= 1;
    run->moved_ns = now_ns;
    if (result != (int32_t)run->config->write_bytes) {
        run->has_failed = true;
        run->failure = result;
        return;
    }
    jf_histogram_record(&run->result->latency_ns, now_ns - slot->started_ns);
    run->result->write_count += 1;
    if (now_ns < run->end_ns && !run->has_failed && !jf_interrupt_seen()) {
        slot_write(slot);
    }
}

// Returns: false when a write has not come back for so long that waiting is given up. The slots
// live on in the caller until the ring is closed.
static bool writes_await(struct run *run)
{
    while (run->in_flight > 0) {
        (void)jf_ring_wait(&run->disk->ring, TURN_US, NULL, NULL);
        if (jf_bench_now_ns() - run->moved_ns > STALL_NS) {
            jf_ring_deinit(&run->disk->ring);
            return false;
        }
    }
    return true;
}

enum jf_error jf_disk_run(struct jf_disk *disk, const struct jf_disk_run *config,
                          struct jf_disk_result *out_result, struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(config->depth >= 1 && config->depth <= JF_DISK_DEPTH_MAX);
    JF_ASSERT(config->write_bytes <= JF_DISK_WRITE_BYTES_MAX);
    memset(out_result, 0, sizeof(*out_result));
    uint64_t start_ns = jf_bench_now_ns();
    struct run run = {.disk = disk,
                      .config = config,
                      .result = out_result,
                      .end_ns = start_ns + config->run_us * 1000u,
                      .moved_ns = start_ns};
    for (uint32_t at = 0; at < config->depth; at++) {
        run.slots[at] = (struct slot){.completion = {on_written, &run.slots[at]}, .run = &run};
        slot_write(&run.slots[at]);
    }
    if (!writes_await(&run)) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "a write of %u bytes took over 30 s",
                           config->write_bytes);
    }
    if (run.has_failed) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "a write of %u bytes failed: %s",
                           config->write_bytes,
                           run.failure < 0 ? strerror(-run.failure) : "it was short");
    }
    if (!config->is_synced && fdatasync(disk->fd) != 0) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "fdatasync: %s", strerror(errno));
    }
    out_result->elapsed_ns = jf_bench_now_ns() - start_ns;
    return JF_OK;
}

enum jf_error jf_disk_sample(const char *directory, uint64_t run_us, struct jf_report *report,
                             struct jf_diagnosis *diagnosis)
{
    static struct jf_disk_result result;
    const struct jf_disk_run run = {
        .write_bytes = ALIGNMENT, .depth = 1, .run_us = run_us, .is_synced = true};
    struct jf_disk disk;
    enum jf_error error = jf_disk_open(&disk, directory, SAMPLE_FILE_BYTES, diagnosis);
    if (error == JF_OK) {
        error = jf_disk_run(&disk, &run, &result, diagnosis);
    }
    jf_disk_close(&disk);
    if (error == JF_OK && result.elapsed_ns > 0) {
        jf_report_add_latency(report, "device.dsync_4k", &result.latency_ns, NULL);
        jf_report_add(report, "device.dsync_4k.rate",
                      (double)result.write_count * 1e9 / (double)result.elapsed_ns, "/s", NULL);
    }
    return error;
}
