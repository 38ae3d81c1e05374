// Bare writes to a file that was filled beforehand, through io_uring with O_DIRECT: what bounds
// everything durable. One thread.
#ifndef JF_BENCH_DISK_H
#define JF_BENCH_DISK_H

#include <stdint.h>

#include "base/error.h"
#include "base/histogram.h"
#include "bench/report.h"
#include "io/ring.h"

#define JF_DISK_DEPTH_MAX       8u
#define JF_DISK_WRITE_BYTES_MAX (1u << 20)

// Caller's memory, from zeroes. The file has no name: it is gone when closed, also after a kill.
struct jf_disk {
    struct jf_ring ring;
    int fd;
    uint64_t file_bytes;
    unsigned char *bytes; // what is written, aligned
};

struct jf_disk_run {
    uint32_t write_bytes; // 4 KiB..JF_DISK_WRITE_BYTES_MAX, a power of two
    uint32_t depth;       // writes in flight, 1..JF_DISK_DEPTH_MAX
    uint64_t run_us;      // bound
    bool is_synced;       // each write is durable at its completion; else one sync ends the run
};

struct jf_disk_result {
    struct jf_histogram latency_ns; // of a write
    uint64_t write_count;
    uint64_t elapsed_ns; // the final sync included
};

// Makes and fills the file. In: file_bytes a multiple of JF_DISK_WRITE_BYTES_MAX.
// Errors, diagnosed: JF_ERROR_IO, JF_ERROR_NO_SPACE, JF_ERROR_NO_DIRECT, JF_ERROR_NO_URING,
// JF_ERROR_NO_MEMORY. Close it in any case.
JF_MUST_USE enum jf_error jf_disk_open(struct jf_disk *disk, const char *directory,
                                       uint64_t file_bytes, struct jf_diagnosis *diagnosis);
void jf_disk_close(struct jf_disk *disk);

// Writes from the start of the file, round and round, until the time is over or Ctrl-C.
// Errors: JF_ERROR_IO, diagnosed.
JF_MUST_USE enum jf_error jf_disk_run(struct jf_disk *disk, const struct jf_disk_run *run,
                                      struct jf_disk_result *out_result,
                                      struct jf_diagnosis *diagnosis);

// 4 KiB data-sync writes one at a time for run_us, as device.dsync_4k.*: one sample of each.
// Errors: as jf_disk_open and jf_disk_run.
JF_MUST_USE enum jf_error jf_disk_sample(const char *directory, uint64_t run_us,
                                         struct jf_report *report, struct jf_diagnosis *diagnosis);

#endif
