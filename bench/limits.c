// jifen-bench limits: what the disk of a directory can do, and what the libraries that a sale goes
// through can. Fails: usage; a directory that cannot be written to directly; a failed write; a
// jifend that does not answer.
#include <stdio.h>
#include <stdlib.h>

#include "bench/disk.h"
#include "bench/limits_parts.h"
#include "bench/options.h"
#include "bench/process.h"
#include "bench/report.h"

#define FILE_BYTES       (256u << 20)
#define SEQUENTIAL_DEPTH 4u

static const struct jf_bench_help help = {
    .usage = "jifen-bench limits [options]",
    .about = "Writes to a nameless file of 256 MiB that was filled with zeroes, through io_uring "
             "with\nO_DIRECT: data-sync writes (RWF_DSYNC) one at a time by size from 4 KiB to 1 "
             "MiB, then\nthe sequential bandwidth of 1 MiB writes, four in flight, with one sync "
             "at the end;\ndata-sync writes of 4 KiB with several in flight. Then RocksDB as the "
             "state uses it (puts\nascending and at random, gets), a sale's message decoded and "
             "encoded by protobuf-c, and\nempty unary calls to a jifend of our own. Nothing stays "
             "behind.\n",
    .example = "  jifen-bench limits --dir /var/tmp --seconds 3 --json limits.json\n",
};

struct size {
    const char *name;
    uint32_t bytes;
    uint32_t depth;
};

struct limits {
    struct jf_target_options target;
    const char *json_path;
    uint64_t run_ms;
    uint64_t repeats;
    struct jf_report report;
};

static const struct size sizes[] = {
    {"device.dsync_4k", 4u << 10, 1},         {"device.dsync_16k", 16u << 10, 1},
    {"device.dsync_64k", 64u << 10, 1},       {"device.dsync_256k", 256u << 10, 1},
    {"device.dsync_1m", 1024u << 10, 1},      {"device.dsync_4k_depth_2", 4u << 10, 2},
    {"device.dsync_4k_depth_4", 4u << 10, 4}, {"device.dsync_4k_depth_8", 4u << 10, 8},
};

static double per_second(const struct jf_disk_result *result)
{
    return result->elapsed_ns == 0 ? 0.0
                                   : (double)result->write_count * 1e9 / (double)result->elapsed_ns;
}

static enum jf_error size_measure(struct jf_disk *disk, const struct size *size, uint64_t run_us,
                                  struct jf_report *report, struct jf_diagnosis *diagnosis)
{
    static struct jf_disk_result result; // 30 KiB: not for the stack
    char name[JF_FIGURE_NAME_SIZE];
    const struct jf_disk_run run = {
        .write_bytes = size->bytes, .depth = size->depth, .run_us = run_us, .is_synced = true};
    enum jf_error error = jf_disk_run(disk, &run, &result, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    bool is_smallest = size == &sizes[0];
    jf_report_add_latency(report, size->name, &result.latency_ns,
                          is_smallest ? NULL : sizes[0].name);
    (void)snprintf(name, sizeof(name), "%s.rate", size->name);
    jf_report_add(report, name, per_second(&result), "/s",
                  is_smallest ? NULL : "device.dsync_4k.rate");
    (void)snprintf(name, sizeof(name), "%s.mib_per_s", size->name);
    jf_report_add(report, name, per_second(&result) * size->bytes / (1u << 20), "MiB/s",
                  "device.sequential.mib_per_s");
    return JF_OK;
}

static enum jf_error sequential_measure(struct jf_disk *disk, uint64_t run_us,
                                        struct jf_report *report, struct jf_diagnosis *diagnosis)
{
    static struct jf_disk_result result;
    const struct jf_disk_run run = {.write_bytes = JF_DISK_WRITE_BYTES_MAX,
                                    .depth = SEQUENTIAL_DEPTH,
                                    .run_us = run_us,
                                    .is_synced = false};
    enum jf_error error = jf_disk_run(disk, &run, &result, diagnosis);
    if (error == JF_OK) {
        jf_report_add(report, "device.sequential.mib_per_s", per_second(&result), "MiB/s", NULL);
    }
    return error;
}

static enum jf_error disk_measure(struct limits *limits, const char *directory,
                                  struct jf_diagnosis *diagnosis)
{
    struct jf_disk disk;
    uint64_t run_us = limits->run_ms * 1000;
    size_t count = sizeof(sizes) / sizeof(sizes[0]);
    enum jf_error error = jf_disk_open(&disk, directory, FILE_BYTES, diagnosis);
    for (size_t at = 0; at < count && error == JF_OK && !jf_interrupt_seen(); at++) {
        error = size_measure(&disk, &sizes[at], run_us, &limits->report, diagnosis);
    }
    if (error == JF_OK && !jf_interrupt_seen()) {
        error = sequential_measure(&disk, run_us, &limits->report, diagnosis);
    }
    jf_disk_close(&disk);
    return error;
}

static enum jf_error all_measure(struct limits *limits, const char *directory,
                                 struct jf_diagnosis *diagnosis)
{
    uint64_t run_us = limits->run_ms * 1000;
    enum jf_error error = disk_measure(limits, directory, diagnosis);
    if (error == JF_OK && !jf_interrupt_seen()) {
        error = jf_limits_store(&limits->report, directory, run_us, diagnosis);
    }
    if (error == JF_OK && !jf_interrupt_seen()) {
        error = jf_limits_messages(&limits->report, run_us, diagnosis);
    }
    if (error == JF_OK && !jf_interrupt_seen()) {
        error = jf_limits_call(&limits->report, &limits->target, run_us, diagnosis);
    }
    return error;
}

static enum jf_bench_exit measure(struct limits *limits, const char *directory)
{
    struct jf_diagnosis diagnosis;
    enum jf_error error = JF_OK;
    for (uint64_t at = 0; at < limits->repeats && error == JF_OK && !jf_interrupt_seen(); at++) {
        error = all_measure(limits, directory, &diagnosis);
    }
    if (error != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    if (jf_interrupt_seen()) {
        return jf_bench_fail(JF_BENCH_INTERRUPTED, "interrupted");
    }
    return jf_report_finish(&limits->report, limits->json_path, &diagnosis) == JF_OK
               ? JF_BENCH_OK
               : jf_bench_diagnosed(&diagnosis);
}

static enum jf_bench_exit run_parsed(struct limits *limits, const struct jf_bench_command *command)
{
    const struct jf_bench_option options[] = {
        JF_TARGET_OPTION_ROWS(limits->target),
        {"--seconds", "S", JF_BENCH_SECONDS, &limits->run_ms, 10, 600000, "for each figure"},
        {"--repeat", "N", JF_BENCH_NUMBER, &limits->repeats, 1, JF_REPEATS_MAX,
         "report medians of N runs"},
        {"--json", "FILE", JF_BENCH_TEXT, &limits->json_path, 0, 0, "write the figures there too"},
    };
    enum jf_bench_exit code = jf_options_parse(&help, options, JF_BENCH_OPTION_COUNT(options),
                                               command->argc - 1, command->argv + 1);
    if (code != JF_BENCH_GO_ON) {
        return code;
    }
    const char *directory = limits->target.directory == NULL ? "." : limits->target.directory;
    jf_report_begin(&limits->report, command, directory);
    return measure(limits, directory);
}

enum jf_bench_exit jf_bench_limits_run(const struct jf_bench_command *command)
{
    struct limits *limits = calloc(1, sizeof(*limits));
    if (limits == NULL) {
        return jf_bench_fail(JF_BENCH_UNAVAILABLE, "out of memory");
    }
    limits->run_ms = 3000;
    limits->repeats = 1;
    enum jf_bench_exit code = run_parsed(limits, command);
    free(limits);
    return code;
}
