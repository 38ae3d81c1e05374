// jifen-bench rpc: durable sales through gRPC, part by part, on one ledger.
// Fails: usage; a jifend that does not start or answer; an answer that is wrong or refused; a count
// in Status that differs from what was answered; a ledger that does not tie.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/limits.h"
#include "bench/disk.h"
#include "bench/options.h"
#include "bench/posting.h"
#include "bench/rpc_private.h"

#define WINDOW_OF_STREAM 64u // messages in flight; the service lets a stream have no more
#define SAMPLE_MS_MAX    2000u
#define OPEN_CALLS       512u // on one connection: what arrives in a stall finds room

static const struct jf_bench_help help = {
    .usage = "jifen-bench rpc --spawn | --address HOST:PORT [options]",
    .about =
        "Posts sales of three lines through gRPC, every answer looked at and every sale durable\n"
        "before it is answered; in a closed loop where nothing else is said. Parts, each after a\n"
        "warm-up:\n"
        "  empty           an empty unary call (health check): what HTTP/2 costs here\n"
        "  single          one caller at a time, beside bare 4 KiB data-sync writes\n"
        "  unary           connections x calls, a sale each\n"
        "  connections_64  64 connections, one call each\n"
        "  hot             as unary, all of one member\n"
        "  stream          one stream a connection\n"
        "  batch           PostBatch\n"
        "  open            open loop: sales arrive at --rate, whatever the server does; latency "
        "runs\n"
        "                  from their arrival\n"
        "  saturation      open loop: the highest rate whose p99 stays below --p99-ms\n"
        "With --spawn a jifend of its own is started on loopback with a fresh ledger, and stopped\n"
        "and removed at the end. With --address nothing is removed: never name a ledger in use.\n",
    .example = "  jifen-bench rpc --spawn --dir /var/tmp --members 1000000 --verify\n"
               "  jifen-bench rpc --spawn --parts unary,batch --seconds 5 --repeat 3\n",
};

static const struct jf_rpc_part parts[] = {
    {"empty", "http2.empty_unary", JF_POSTING_EMPTY, false, NULL, NULL},
    {"single", "rpc.single", JF_POSTING_UNARY, false, "device.dsync_4k.rate", "device.dsync_4k"},
    {"unary", "rpc.unary", JF_POSTING_UNARY, false, "http2.empty_unary.rate", "device.dsync_4k"},
    {"connections_64", "rpc.connections_64", JF_POSTING_UNARY, false, "http2.empty_unary.rate",
     "device.dsync_4k"},
    {"hot", "rpc.hot_member", JF_POSTING_UNARY, true, "rpc.unary.rate", "device.dsync_4k"},
    {"stream", "rpc.stream", JF_POSTING_STREAM, false, "rpc.unary.rate", "device.dsync_4k"},
    {"batch", "rpc.batch", JF_POSTING_BATCH, false, "rpc.unary.rate", "device.dsync_4k"},
    {"open", "", JF_POSTING_UNARY, false, NULL, "device.dsync_4k"}, // named by its rate
    {"saturation", "rpc.saturation", JF_POSTING_UNARY, false, "rpc.unary.rate", "device.dsync_4k"},
};

#define PART_COUNT (sizeof(parts) / sizeof(parts[0]))

static const struct jf_rpc_part *part_find(const char *name, size_t size)
{
    for (size_t at = 0; at < PART_COUNT; at++) {
        if (strlen(parts[at].name) == size && strncmp(parts[at].name, name, size) == 0) {
            return &parts[at];
        }
    }
    return NULL;
}

// Takes the next name off a list with commas. Returns: false at its end; out_part is NULL for a
// name that is none.
static bool part_next(const char **list, const struct jf_rpc_part **out_part)
{
    if (**list == '\0') {
        return false;
    }
    size_t size = strcspn(*list, ",");
    *out_part = part_find(*list, size);
    *list += size + ((*list)[size] == ',' ? 1 : 0);
    return true;
}

static void shape_choose(const struct jf_rpc_run *run, const struct jf_rpc_part *part,
                         struct jf_load_config *config)
{
    config->connections = (uint32_t)run->connections;
    config->calls = run->arrivals_per_s > 0 ? OPEN_CALLS : (uint32_t)run->calls;
    config->arrivals_per_s = run->arrivals_per_s;
    if (strcmp(part->name, "single") == 0) {
        config->connections = 1;
        config->calls = 1;
    } else if (strcmp(part->name, "connections_64") == 0) {
        config->connections = 64;
        config->calls = 1;
    } else if (part->way == JF_POSTING_STREAM) {
        config->calls = WINDOW_OF_STREAM;
    } else if (part->way == JF_POSTING_BATCH) {
        config->connections = run->batches == 1 ? 1 : 2;
        config->calls = (uint32_t)(run->batches / config->connections);
    }
}

void jf_rpc_figure_add(struct jf_rpc_run *run, const struct jf_rpc_part *part, const char *name,
                       double value, const char *unit)
{
    char full[JF_FIGURE_NAME_SIZE];
    (void)snprintf(full, sizeof(full), "%.30s.%.30s", part->prefix, name);
    bool is_rate = strcmp(name, "rate") == 0;
    jf_report_add(&run->report, full, value, unit, is_rate ? part->rate_of : NULL);
}

void jf_rpc_figures_add(struct jf_rpc_run *run, const struct jf_rpc_part *part)
{
    const struct jf_load_result *result = &run->result;
    double seconds = (double)result->measured_ns / 1e9;
    double accepted = (double)result->measured_accepted;
    jf_rpc_figure_add(run, part, "rate", accepted / seconds, "/s");
    if (result->latency_ns.count > 0) {
        jf_report_add_latency(&run->report, part->prefix, &result->latency_ns, part->latency_of);
    }
    double client_s = (double)result->client_processor_us / 1e6;
    double server_s = (double)result->server_processor_us / 1e6;
    jf_rpc_figure_add(run, part, "client_cpu_s", client_s, "s");
    if (run->is_refusal_expected) {
        jf_rpc_figure_add(run, part, "refused",
                          (double)(result->answers.refused + result->overloads), "answers");
    }
    if (run->is_spawned) {
        struct jf_process_usage usage;
        jf_process_usage(run->target.process.pid, &usage);
        jf_rpc_figure_add(run, part, "server_cpu_s", server_s, "s");
        jf_rpc_figure_add(run, part, "client_cpu_share",
                          client_s * 100.0 / (client_s + server_s + 1e-9), "%");
        jf_rpc_figure_add(run, part, "rss_mib", (double)usage.resident_bytes / (1u << 20), "MiB");
    }
}

// Every sale that was answered is in the ledger once, and none besides: only on a ledger of our
// own.
static enum jf_bench_exit count_check(struct jf_rpc_run *run, const struct jf_rpc_part *part,
                                      const struct jf_target_status *before)
{
    struct jf_diagnosis diagnosis;
    struct jf_target_status after;
    if (jf_target_status(&run->target, &after, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    uint64_t accepted = part->way == JF_POSTING_EMPTY ? 0 : run->result.answers.accepted;
    bool is_whole = after.sales - before->sales == accepted &&
                    after.position_last >= run->result.answers.position_max;
    if (run->is_spawned && !is_whole) {
        return jf_bench_fail(JF_BENCH_BROKEN,
                             "%s: %" PRIu64 " sales were answered, but Status counts %" PRIu64,
                             part->name, accepted, after.sales - before->sales);
    }
    return JF_BENCH_OK;
}

static enum jf_bench_exit result_judge(struct jf_rpc_run *run, const struct jf_rpc_part *part,
                                       const struct jf_load_config *config)
{
    const struct jf_load_result *result = &run->result;
    if (jf_interrupt_seen()) {
        return JF_BENCH_INTERRUPTED;
    }
    // An open loop may be so far behind that it sent nothing that arrived in the measured time.
    bool has_latency = result->latency_ns.count > 0 || config->arrivals_per_s > 0;
    if (jf_load_is_good(config, result) && has_latency) {
        return JF_BENCH_OK;
    }
    return jf_bench_fail(JF_BENCH_FAILED,
                         "%s: %" PRIu64 " accepted, %" PRIu64 " refused%s%s, %" PRIu64
                         " overloaded, %" PRIu64 " failed%s%s: its figures do not count",
                         part->name, result->answers.accepted, result->answers.refused,
                         result->answers.refused > 0 ? " - " : "", result->answers.refusal,
                         result->overloads, result->failures, result->failures > 0 ? " - " : "",
                         result->failure);
}

enum jf_bench_exit jf_rpc_part_measure(struct jf_rpc_run *run, const struct jf_rpc_part *part)
{
    struct jf_diagnosis diagnosis;
    struct jf_target_status before;
    run->sales.is_hot = part->is_hot;
    struct jf_posting posting = {
        .sales = &run->sales, .batch_size = (uint32_t)run->batch_size, .sales_left = UINT64_MAX};
    const struct jf_load_source source = jf_posting_source(&posting, part->way);
    struct jf_load_config config = {.server = &run->target.server,
                                    .source = &source,
                                    .warm_up_us = run->warm_up_ms * 1000,
                                    .run_us = run->run_ms * 1000,
                                    .server_pid = run->target.process.pid,
                                    .is_refusal_expected = run->is_refusal_expected};
    shape_choose(run, part, &config);
    (void)fprintf(stderr, "%s: %" PRIu32 " x %" PRIu32 " in flight\n", part->name,
                  config.connections, config.calls);
    if (jf_target_status(&run->target, &before, &diagnosis) != JF_OK ||
        jf_load_run(&config, run->target.clients, &run->result, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    enum jf_bench_exit code = result_judge(run, part, &config);
    return code == JF_BENCH_OK ? count_check(run, part, &before) : code;
}

static enum jf_bench_exit closed_measure(struct jf_rpc_run *run, const struct jf_rpc_part *part)
{
    run->arrivals_per_s = 0;
    enum jf_bench_exit code = jf_rpc_part_measure(run, part);
    if (code == JF_BENCH_OK) {
        jf_rpc_figures_add(run, part);
    }
    return code;
}

// The disk is asked right before and right after, in the directory of the ledger.
static enum jf_bench_exit disk_sample(struct jf_rpc_run *run)
{
    struct jf_diagnosis diagnosis;
    const char *directory =
        run->is_spawned ? run->target.scratch.path : run->target_options.directory;
    uint64_t sample_ms = run->run_ms < SAMPLE_MS_MAX ? run->run_ms : SAMPLE_MS_MAX;
    if (directory == NULL) {
        return JF_BENCH_OK; // whose disk a ledger elsewhere is on is not known
    }
    return jf_disk_sample(directory, sample_ms * 1000, &run->report, &diagnosis) == JF_OK
               ? JF_BENCH_OK
               : jf_bench_diagnosed(&diagnosis);
}

static enum jf_bench_exit part_run(struct jf_rpc_run *run, const struct jf_rpc_part *part)
{
    bool has_sample = strcmp(part->name, "single") == 0;
    enum jf_bench_exit code = has_sample ? disk_sample(run) : JF_BENCH_OK;
    if (code == JF_BENCH_OK && strcmp(part->name, "open") == 0) {
        code = jf_rpc_open_measure(run, part);
    } else if (code == JF_BENCH_OK && strcmp(part->name, "saturation") == 0) {
        code = jf_rpc_saturation_search(run, part);
    } else if (code == JF_BENCH_OK) {
        code = closed_measure(run, part);
    }
    if (code == JF_BENCH_OK && has_sample) {
        code = disk_sample(run);
    }
    return code;
}

static enum jf_bench_exit parts_run(struct jf_rpc_run *run)
{
    enum jf_bench_exit code = JF_BENCH_OK;
    for (uint64_t at = 0; at < run->repeats && code == JF_BENCH_OK; at++) {
        const char *list = run->parts;
        const struct jf_rpc_part *part = NULL;
        while (code == JF_BENCH_OK && part_next(&list, &part)) {
            JF_ASSERT(part != NULL);
            code = jf_interrupt_seen() ? JF_BENCH_INTERRUPTED : part_run(run, part);
        }
    }
    return code;
}

static enum jf_bench_exit ledger_verify(struct jf_rpc_run *run)
{
    struct jf_diagnosis diagnosis;
    enum jf_error error = jf_target_verify(&run->target, &diagnosis);
    if (error == JF_OK) {
        (void)puts("verify    members, lots, control accounts and a replay of the journal tie");
        return JF_BENCH_OK;
    }
    return error == JF_ERROR_CORRUPT ? jf_bench_fail(JF_BENCH_BROKEN, "%s", diagnosis.text)
                                     : jf_bench_diagnosed(&diagnosis);
}

static enum jf_bench_exit ledger_measure(struct jf_rpc_run *run)
{
    struct jf_diagnosis diagnosis;
    if (jf_target_start(&run->target, &diagnosis) != JF_OK ||
        jf_population_make(&run->target, &run->population, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    uint32_t tag = (uint32_t)jf_bench_unix_time_ms();
    jf_sales_init(&run->sales, tag, run->population.member_count,
                  (uint32_t)run->population.store_count);
    enum jf_bench_exit code = parts_run(run);
    if (run->is_spawned && code == JF_BENCH_OK) {
        struct jf_process_usage usage;
        jf_process_usage(run->target.process.pid, &usage);
        jf_report_add(&run->report, "rpc.peak_mib", (double)usage.resident_bytes_peak / (1u << 20),
                      "MiB", NULL);
    }
    if (run->has_verify && code == JF_BENCH_OK) {
        code = ledger_verify(run);
    }
    if (code == JF_BENCH_OK && jf_target_stop(&run->target, &diagnosis) != JF_OK) {
        code = jf_bench_fail(JF_BENCH_FAILED, "%s", diagnosis.text);
    }
    return code;
}

static enum jf_bench_exit run_all(struct jf_rpc_run *run)
{
    struct jf_diagnosis diagnosis;
    enum jf_bench_exit code = JF_BENCH_OK;
    if (jf_target_open(&run->target, &run->target_options, &diagnosis) != JF_OK) {
        code = jf_bench_diagnosed(&diagnosis);
    } else {
        code = ledger_measure(run);
    }
    jf_target_close(&run->target);
    if (jf_interrupt_seen()) {
        return jf_bench_fail(JF_BENCH_INTERRUPTED, "interrupted");
    }
    // What was measured before a failure is still worth seeing, but is no result.
    const char *json_path = code == JF_BENCH_OK ? run->json_path : NULL;
    bool has_figures = run->report.figure_count > 0;
    if (has_figures && jf_report_finish(&run->report, json_path, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    return code;
}

static enum jf_bench_exit options_check(const struct jf_rpc_run *run)
{
    if (run->is_spawned == (run->target_options.address != NULL)) {
        return jf_bench_fail(JF_BENCH_USAGE, "either --spawn or --address is needed; see: "
                                             "jifen-bench rpc --help");
    }
    if (run->connections * run->calls > 16384) {
        return jf_bench_fail(JF_BENCH_USAGE, "--connections times --calls may be up to 16384");
    }
    const char *list = run->parts;
    const struct jf_rpc_part *part = NULL;
    while (part_next(&list, &part)) {
        if (part == NULL) {
            return jf_bench_fail(JF_BENCH_USAGE,
                                 "--parts %s: a list such as unary,batch is needed; see: "
                                 "jifen-bench rpc --help",
                                 run->parts);
        }
    }
    return JF_BENCH_GO_ON;
}

static enum jf_bench_exit options_parse(struct jf_rpc_run *run,
                                        const struct jf_bench_command *command)
{
    const struct jf_bench_option options[] = {
        {"--spawn", NULL, JF_BENCH_FLAG, &run->is_spawned, 0, 0, "start a jifend of our own"},
        {"--address", "HOST:PORT", JF_BENCH_TEXT, &run->target_options.address, 0, 0,
         "or: a ledger that runs already, for nothing but tests"},
        JF_TARGET_OPTION_ROWS(run->target_options),
        JF_POPULATION_OPTION_ROWS(run->population),
        {"--parts", "LIST", JF_BENCH_TEXT, &run->parts, 0, 0, "what to measure; default all"},
        {"--connections", "N", JF_BENCH_NUMBER, &run->connections, 1, JF_LOAD_CONNECTIONS_MAX,
         "of empty, unary, hot and stream"},
        {"--calls", "N", JF_BENCH_NUMBER, &run->calls, 1, JF_LOAD_CALLS_MAX,
         "in flight on each, of empty, unary and hot"},
        {"--batch-size", "N", JF_BENCH_NUMBER, &run->batch_size, 1, JF_BATCH_COUNT_MAX,
         "sales in a PostBatch"},
        {"--batches", "N", JF_BENCH_NUMBER, &run->batches, 1, 64, "of them in flight"},
        {"--rate", "N", JF_BENCH_NUMBER, &run->rate, 1, 10000000, "sales a second, of open"},
        {"--p99-ms", "N", JF_BENCH_NUMBER, &run->p99_ms, 1, 10000, "the bound, of saturation"},
        {"--seconds", "S", JF_BENCH_SECONDS, &run->run_ms, 10, 3600000, "measured, each part"},
        {"--warm-up", "S", JF_BENCH_SECONDS, &run->warm_up_ms, 0, 600000, "before each part"},
        {"--repeat", "N", JF_BENCH_NUMBER, &run->repeats, 1, JF_REPEATS_MAX,
         "report medians of N runs of all parts"},
        {"--verify", NULL, JF_BENCH_FLAG, &run->has_verify, 0, 0, "check at the end that all ties"},
        {"--expect-refusals", NULL, JF_BENCH_FLAG, &run->is_refusal_expected, 0, 0,
         "refusals and overload do not fail the run"},
        {"--json", "FILE", JF_BENCH_TEXT, &run->json_path, 0, 0, "write the figures there too"},
    };
    enum jf_bench_exit code = jf_options_parse(&help, options, JF_BENCH_OPTION_COUNT(options),
                                               command->argc - 1, command->argv + 1);
    return code == JF_BENCH_GO_ON ? options_check(run) : code;
}

enum jf_bench_exit jf_bench_rpc_run(const struct jf_bench_command *command)
{
    struct jf_rpc_run *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        return jf_bench_fail(JF_BENCH_UNAVAILABLE, "out of memory");
    }
    run->population = JF_POPULATION_DEFAULT;
    run->connections = 4;
    run->calls = 16;
    run->batch_size = 1000;
    run->batches = 4;
    run->run_ms = 10000;
    run->warm_up_ms = 1000;
    run->repeats = 1;
    run->rate = 20000;
    run->p99_ms = 5;
    run->parts = "empty,single,unary,connections_64,hot,stream,batch,open";
    enum jf_bench_exit code = options_parse(run, command);
    if (code == JF_BENCH_GO_ON) {
        const char *directory = run->target_options.directory;
        jf_report_begin(&run->report, command, directory == NULL ? "." : directory);
        code = run_all(run);
    }
    free(run);
    return code;
}
