// jifen-bench engine: the engine in this process, without network: durable sales a second with
// journal and state, window by window, so that what a grown store costs can be seen.
// Fails: usage; too little space; an engine that stops; a refused sale.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/inproc.h"
#include "bench/machine.h"
#include "bench/options.h"
#include "bench/report.h"

#define BYTES_PER_ENTRY   1536u // journal, state and a compaction under way
#define BYTES_BASE        (1ull << 30)
#define MEMBER_BYTES      1024u    // of the cache, at most, for one member of a short run
#define JOURNAL_SALES_MAX 2000000u // so many are enough for the journal alone

static const struct jf_bench_help help = {
    .usage = "jifen-bench engine [options]",
    .about =
        "Opens an engine of its own in this process, enrols members, and posts sales of\n"
        "three lines in batches through one lane, as a network thread would. Says how many\n"
        "are durable a second over all and in the slowest window, and what of processor,\n"
        "memory and disk it takes, during the run and at rest; before that, what is durable a\n"
        "second with the journal alone. Members are drawn evenly, or by Zipf's law. Nothing\n"
        "stays behind.\n",
    .example =
        "  jifen-bench engine --dir /var/tmp --members 1000000 --sales 20000000\n"
        "  jifen-bench engine --members 100000 --sales 1000000 --window 200000 --zipf 0.99\n",
};

struct run {
    const char *directory;
    uint64_t members;
    uint64_t sales;
    uint64_t window;
    uint64_t batch_size;
    uint64_t batches;
    uint64_t cache_mib;
    double theta; // of Zipf's law; 0: members are drawn evenly
    const char *theta_text;
    const char *json_path;
    struct jf_report report;
    struct jf_inproc ledger;
};

// Bytes that this process has caused to be written to disks. 0: unknown.
static uint64_t written_bytes(void)
{
    char line[128];
    uint64_t bytes = 0;
    FILE *file = fopen("/proc/self/io", "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        (void)sscanf(line, "write_bytes: %" SCNu64, &bytes);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return bytes;
}

static enum jf_bench_exit windows_run(struct run *run, double *out_least)
{
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    for (uint64_t done = 0; done < run->sales;) {
        uint64_t left = run->sales - done;
        uint64_t count = left < run->window ? left : run->window;
        uint64_t begun_ns = jf_bench_now_ns();
        if (jf_inproc_post(&run->ledger, count, &diagnosis) != JF_OK) {
            return jf_bench_fail(JF_BENCH_FAILED, "%s", diagnosis.text);
        }
        if (jf_interrupt_seen()) {
            return jf_bench_fail(JF_BENCH_INTERRUPTED, "interrupted");
        }
        double rate = (double)count * 1e9 / (double)(jf_bench_now_ns() - begun_ns);
        *out_least = *out_least == 0 || rate < *out_least ? rate : *out_least;
        done += count;
        jf_report_add_point(&run->report, "engine.steady.windows", "entries stored, millions",
                            "sales/s", (double)(run->members + done) / 1e6, rate);
        if (isatty(STDERR_FILENO) != 0) {
            (void)fprintf(stderr, "\r%12" PRIu64 " sales, %9.0f/s", done, rate);
        }
    }
    if (isatty(STDERR_FILENO) != 0) {
        (void)fprintf(stderr, "\r%40s\r", "");
    }
    return JF_BENCH_OK;
}

static enum jf_bench_exit sales_measure(struct run *run)
{
    struct jf_report *report = &run->report;
    struct jf_process_usage usage;
    double least = 0;
    uint64_t written = written_bytes();
    uint64_t processor_us = jf_process_own_processor_us();
    uint64_t begun_ns = jf_bench_now_ns();
    enum jf_bench_exit code = windows_run(run, &least);
    if (code != JF_BENCH_OK) {
        return code;
    }
    double seconds = (double)(jf_bench_now_ns() - begun_ns) / 1e9;
    double sales = (double)run->sales;
    processor_us = jf_process_own_processor_us() - processor_us;
    jf_process_usage(getpid(), &usage);
    jf_report_add(report, "engine.steady.rate", sales / seconds, "/s", "engine.journal.rate");
    jf_report_add(report, "engine.steady.rate_least", least, "/s", "engine.steady.rate");
    jf_report_add(report, "engine.steady.cpu_us", (double)processor_us / sales, "us", NULL);
    jf_report_add(report, "engine.steady.written_bytes",
                  (double)(written_bytes() - written) / sales, "B", NULL);
    jf_report_add(report, "engine.steady.peak_mib", (double)usage.resident_bytes_peak / (1u << 20),
                  "MiB", NULL);
    return JF_BENCH_OK;
}

static void ledger_prepare(const struct run *run, struct jf_inproc *ledger)
{
    *ledger = (struct jf_inproc){.batch_size = (uint32_t)run->batch_size,
                                 .slot_count = (uint32_t)run->batches,
                                 .member_count = run->members,
                                 .theta = run->theta};
}

// The journal alone: as many members as the cache is sure to hold, for there is nothing behind it.
static enum jf_bench_exit journal_measure(struct run *run)
{
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    struct jf_inproc *ledger = &run->ledger;
    uint64_t held = (run->cache_mib << 20) / MEMBER_BYTES;
    uint64_t sales = run->sales < JOURNAL_SALES_MAX ? run->sales : JOURNAL_SALES_MAX;
    ledger_prepare(run, ledger);
    ledger->is_without_state = true;
    ledger->member_count = run->members < held ? run->members : held;
    enum jf_error error = jf_inproc_open(ledger, run->directory, run->cache_mib << 20, &diagnosis);
    uint64_t begun_ns = jf_bench_now_ns();
    if (error == JF_OK) {
        error = jf_inproc_post(ledger, sales, &diagnosis);
    }
    double seconds = (double)(jf_bench_now_ns() - begun_ns) / 1e9;
    jf_inproc_close(ledger);
    if (error != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    if (jf_interrupt_seen()) {
        return jf_bench_fail(JF_BENCH_INTERRUPTED, "interrupted");
    }
    jf_report_add(&run->report, "engine.journal.rate", (double)sales / seconds, "/s", NULL);
    return JF_BENCH_OK;
}

// In: the sales are posted. Bytes of an entry are over all entries, those of members included.
static enum jf_bench_exit rest_measure(struct run *run, uint64_t written)
{
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    struct jf_inproc_rest rest;
    struct jf_report *report = &run->report;
    if (jf_inproc_settle(&run->ledger, &rest, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    double entries = (double)rest.entries;
    jf_report_add(report, "engine.rest.journal_bytes", (double)rest.journal_bytes / entries, "B",
                  NULL);
    jf_report_add(report, "engine.rest.state_bytes", (double)rest.state_bytes / entries, "B", NULL);
    jf_report_add(report, "engine.write_amplification",
                  (double)(written_bytes() - written) / (double)rest.journal_bytes, "x", NULL);
    return JF_BENCH_OK;
}

static enum jf_bench_exit steady_measure(struct run *run)
{
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    uint64_t written = written_bytes();
    ledger_prepare(run, &run->ledger);
    enum jf_error error =
        jf_inproc_open(&run->ledger, run->directory, run->cache_mib << 20, &diagnosis);
    enum jf_bench_exit code = JF_BENCH_OK;
    if (error != JF_OK) {
        code = jf_bench_diagnosed(&diagnosis);
    } else if (jf_interrupt_seen()) {
        code = jf_bench_fail(JF_BENCH_INTERRUPTED, "interrupted");
    } else {
        code = sales_measure(run);
    }
    if (code == JF_BENCH_OK) {
        code = rest_measure(run, written);
    }
    jf_inproc_close(&run->ledger);
    return code;
}

static enum jf_bench_exit measure(struct run *run)
{
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    uint64_t needed = (run->members + run->sales) * BYTES_PER_ENTRY + BYTES_BASE;
    if (jf_machine_free_bytes(run->directory) < needed) {
        return jf_bench_fail(JF_BENCH_UNAVAILABLE,
                             "%s: %" PRIu64 " MiB may be needed and are not free: name another "
                             "directory with --dir, or fewer --sales",
                             run->directory, needed >> 20);
    }
    enum jf_bench_exit code = journal_measure(run);
    if (code == JF_BENCH_OK) {
        code = steady_measure(run);
    }
    if (code == JF_BENCH_OK &&
        jf_report_finish(&run->report, run->json_path, &diagnosis) != JF_OK) {
        code = jf_bench_diagnosed(&diagnosis);
    }
    return code;
}

// In: NULL for even draws.
static bool theta_read(const char *text, double *out_theta)
{
    char *end = NULL;
    *out_theta = text == NULL ? 0 : strtod(text, &end);
    return text == NULL || (*text != '\0' && *end == '\0' && *out_theta > 0 && *out_theta < 1);
}

static enum jf_bench_exit run_parsed(struct run *run, const struct jf_bench_command *command)
{
    const struct jf_bench_option options[] = {
        {"--dir", "DIR", JF_BENCH_TEXT, &run->directory, 0, 0,
         "where the ledger is made; default: here"},
        {"--members", "N", JF_BENCH_NUMBER, &run->members, 1, 100000000, "to enrol"},
        {"--sales", "N", JF_BENCH_NUMBER, &run->sales, 1, 1000000000, "to post"},
        {"--window", "N", JF_BENCH_NUMBER, &run->window, 1000, 1000000000,
         "sales whose rate is looked at together"},
        {"--batch", "N", JF_BENCH_NUMBER, &run->batch_size, 1, JF_INPROC_BATCH_MAX,
         "commands handed over together"},
        {"--batches", "N", JF_BENCH_NUMBER, &run->batches, 1, JF_INPROC_SLOTS_MAX, "in flight"},
        {"--cache-mib", "N", JF_BENCH_NUMBER, &run->cache_mib, 8, 65536, "of members"},
        {"--zipf", "THETA", JF_BENCH_TEXT, &run->theta_text, 0, 0,
         "members by Zipf's law, above 0 and below 1; default: evenly"},
        {"--json", "FILE", JF_BENCH_TEXT, &run->json_path, 0, 0, "write the figures there too"},
    };
    enum jf_bench_exit code = jf_options_parse(&help, options, JF_BENCH_OPTION_COUNT(options),
                                               command->argc - 1, command->argv + 1);
    if (code != JF_BENCH_GO_ON) {
        return code;
    }
    if (!theta_read(run->theta_text, &run->theta)) {
        return jf_bench_fail(JF_BENCH_USAGE, "--zipf %s: give a number above 0 and below 1",
                             run->theta_text);
    }
    jf_report_begin(&run->report, command, run->directory);
    return measure(run);
}

enum jf_bench_exit jf_bench_engine_run(const struct jf_bench_command *command)
{
    struct run *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        return jf_bench_fail(JF_BENCH_UNAVAILABLE, "out of memory");
    }
    *run = (struct run){.directory = ".",
                        .members = 100000,
                        .sales = 2000000,
                        .window = 1000000,
                        .batch_size = 1000,
                        .batches = 8,
                        .cache_mib = 256};
    enum jf_bench_exit code = run_parsed(run, command);
    free(run);
    return code;
}
