// jifen-bench memory: what jifend keeps resident when the disk holds many more members than its
// cache. Fails: usage; a jifend that does not start or answer; a refused sale.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/machine.h"
#include "bench/options.h"
#include "bench/population.h"
#include "bench/posting.h"
#include "bench/report.h"
#include "bench/target.h"

#define CONNECTIONS      4u
#define CALLS            16u
#define BYTES_PER_MEMBER 4096u // on disk while it runs, with room to spare
#define BYTES_BASE       (2ull << 30)

static const struct jf_bench_help help = {
    .usage = "jifen-bench memory [options]",
    .about = "Starts a jifend of its own on loopback with a fresh ledger, enrols members, posts\n"
             "sales for members drawn evenly, checkpoints, and reports the memory that jifend\n"
             "keeps resident after each step (VmRSS) and its peak (VmHWM). Nothing stays behind.\n",
    .example = "  jifen-bench memory --dir /var/tmp --members 1000000 --cache-mib 256\n",
};

struct run {
    struct jf_target_options target_options;
    struct jf_population population;
    uint64_t cache_mib;
    uint64_t run_ms;
    const char *json_path;
    char cache_option[40];
    struct jf_target target;
    struct jf_report report;
    struct jf_sales sales;
    struct jf_load_result result;
};

static void memory_add(struct run *run, const char *step)
{
    char name[JF_FIGURE_NAME_SIZE];
    struct jf_process_usage usage;
    jf_process_usage(run->target.process.pid, &usage);
    (void)snprintf(name, sizeof(name), "memory.%s.rss_mib", step);
    jf_report_add(&run->report, name, (double)usage.resident_bytes / (1u << 20), "MiB", NULL);
    (void)snprintf(name, sizeof(name), "memory.%s.peak_mib", step);
    jf_report_add(&run->report, name, (double)usage.resident_bytes_peak / (1u << 20), "MiB", NULL);
}

static enum jf_bench_exit sales_post(struct run *run)
{
    struct jf_diagnosis diagnosis;
    jf_sales_init(&run->sales, (uint32_t)jf_bench_unix_time_ms(), run->population.member_count,
                  (uint32_t)run->population.store_count);
    struct jf_posting posting = {.sales = &run->sales, .sales_left = UINT64_MAX};
    const struct jf_load_source source = jf_posting_source(&posting, JF_POSTING_UNARY);
    const struct jf_load_config config = {.server = &run->target.server,
                                          .source = &source,
                                          .connections = CONNECTIONS,
                                          .calls = CALLS,
                                          .run_us = run->run_ms * 1000,
                                          .server_pid = run->target.process.pid};
    if (jf_load_run(&config, run->target.clients, &run->result, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    if (!jf_interrupt_seen() && !jf_load_is_good(&config, &run->result)) {
        return jf_bench_fail(JF_BENCH_FAILED, "%" PRIu64 " calls failed: %s; %" PRIu64 " overloads",
                             run->result.failures, run->result.failure, run->result.overloads);
    }
    return JF_BENCH_OK;
}

static void status_add(struct run *run, const struct jf_target_status *status)
{
    struct jf_report *report = &run->report;
    jf_report_add(report, "memory.members", (double)status->members, "members", NULL);
    jf_report_add(report, "memory.members_cached", (double)status->members_cached, "members",
                  "memory.members");
    jf_report_add(report, "memory.cache_mib", (double)status->cache_bytes / (1u << 20), "MiB",
                  NULL);
    jf_report_add(report, "memory.entries", (double)status->position_last, "entries", NULL);
}

static enum jf_bench_exit measure(struct run *run)
{
    struct jf_diagnosis diagnosis;
    struct jf_target_status status;
    if (jf_target_start(&run->target, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    memory_add(run, "empty");
    if (jf_population_make(&run->target, &run->population, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    memory_add(run, "enrolled");
    enum jf_bench_exit code = jf_interrupt_seen() ? JF_BENCH_INTERRUPTED : sales_post(run);
    if (code != JF_BENCH_OK || jf_interrupt_seen()) {
        return code;
    }
    memory_add(run, "sales");
    if (jf_target_checkpoint(&run->target, &diagnosis) != JF_OK ||
        jf_target_status(&run->target, &status, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    memory_add(run, "checkpoint");
    status_add(run, &status);
    return jf_target_stop(&run->target, &diagnosis) == JF_OK ? JF_BENCH_OK
                                                             : jf_bench_diagnosed(&diagnosis);
}

static enum jf_bench_exit space_check(const struct run *run, const char *directory)
{
    uint64_t needed = run->population.member_count * BYTES_PER_MEMBER + BYTES_BASE;
    uint64_t free_bytes = jf_machine_free_bytes(directory);
    (void)printf("disk      up to %" PRIu64 " MiB are used and removed again; %" PRIu64
                 " MiB are free\n",
                 needed >> 20, free_bytes >> 20);
    return free_bytes >= needed
               ? JF_BENCH_OK
               : jf_bench_fail(JF_BENCH_UNAVAILABLE,
                               "%s: too little space: name another directory with --dir, or fewer "
                               "members with --members",
                               directory);
}

static enum jf_bench_exit run_all(struct run *run)
{
    struct jf_diagnosis diagnosis;
    run->target.options = &run->target_options;
    enum jf_bench_exit code =
        jf_target_open(&run->target, &run->target_options, &diagnosis) == JF_OK
            ? JF_BENCH_OK
            : jf_bench_diagnosed(&diagnosis);
    if (code == JF_BENCH_OK) {
        (void)snprintf(run->cache_option, sizeof(run->cache_option), "--cache-mib=%" PRIu64,
                       run->cache_mib);
        run->target.extra[run->target.extra_count++] = run->cache_option;
        code = measure(run);
    }
    jf_target_close(&run->target);
    return jf_report_end(&run->report, run->json_path, code);
}

static enum jf_bench_exit run_parsed(struct run *run, const struct jf_bench_command *command)
{
    const struct jf_bench_option options[] = {
        JF_TARGET_OPTION_ROWS(run->target_options),
        JF_POPULATION_OPTION_ROWS(run->population),
        {"--cache-mib", "N", JF_BENCH_NUMBER, &run->cache_mib, 8, 1u << 20,
         "memory that jifend may use for members' records"},
        {"--seconds", "S", JF_BENCH_SECONDS, &run->run_ms, 10, 3600000, "of posting sales"},
        {"--json", "FILE", JF_BENCH_TEXT, &run->json_path, 0, 0, "write the figures there too"},
    };
    enum jf_bench_exit code = jf_options_parse(&help, options, JF_BENCH_OPTION_COUNT(options),
                                               command->argc - 1, command->argv + 1);
    if (code != JF_BENCH_GO_ON) {
        return code;
    }
    const char *directory = run->target_options.directory;
    directory = directory == NULL ? "." : directory;
    jf_report_begin(&run->report, command, directory);
    code = space_check(run, directory);
    return code == JF_BENCH_OK ? run_all(run) : code;
}

enum jf_bench_exit jf_bench_memory_run(const struct jf_bench_command *command)
{
    struct run *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        return jf_bench_fail(JF_BENCH_UNAVAILABLE, "out of memory");
    }
    run->population = JF_POPULATION_DEFAULT;
    run->population.member_count = 1000000;
    run->cache_mib = 256;
    run->run_ms = 10000;
    enum jf_bench_exit code = run_parsed(run, command);
    free(run);
    return code;
}
