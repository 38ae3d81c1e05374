// jifen-bench jobs: how fast jobs are, and what they cost the tills beside them. Tills post sales,
// closed loop, first by themselves, then while each job runs; the same figures of both stand side
// by side. Fails: usage; a jifend that does not start or answer; a refused sale; a job that fails.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/date.h"
#include "bench/job_process.h"
#include "bench/options.h"
#include "bench/population.h"
#include "bench/posting.h"
#include "bench/report.h"
#include "bench/target.h"

#define SLICE_MS      1000u // of load, while the job runs
#define BATCH_SIZE    1000u
#define DAY_MS        86400000
#define EXPIRY_DAYS   1100 // from now: the sample programme's points are all over by then
#define ARGUMENTS_MAX 8u
#define SOLD_DAYS_AGO 2 // so that what expires on the day of the sale is over
#define PARTS_DEFAULT "preview,tiers,checkpoint,verify,expiry"

// Of programme_bytes.c, made at build time from tools/samples/programme-pharmacy.yaml.
extern const unsigned char jf_bench_programme_bytes[];
extern const uint32_t jf_bench_programme_bytes_size;

static const struct jf_bench_help help = {
    .usage = "jifen-bench jobs [options]",
    .about =
        "Starts a jifend of its own on loopback with a fresh ledger, enrols members and posts as\n"
        "many sales. Then tills post sales one by one, closed loop, first by themselves, then\n"
        "while each job runs until it ends. Parts, in this order:\n"
        "  preview         a recalculation of levels that posts nothing\n"
        "  tiers           one in which every member gets an activity class\n"
        "  checkpoint      the state written to disk\n"
        "  verify          the ledger computed again from its journal\n"
        "  expiry          the points of all members' first sales expire\n"
        "They are run by `jifen`, beside this program. Nothing stays behind.\n",
    .example = "  jifen-bench jobs --dir /var/tmp --members 1000000 --parts tiers\n"
               "  jifen-bench jobs --members 20000 --seconds 2\n",
};

// What is counted for a job's rate.
enum amount {
    NOTHING,
    MEMBERS,
    ENTRIES, // of the ledger when it begins
};

struct part {
    const char *name;
    const char *arguments[ARGUMENTS_MAX]; // of jifen; "TODAY" is the date
    enum amount amount;
};

static const struct part parts[] = {
    {"preview", {"tiers", "--preview", "--as-of", "TODAY"}, MEMBERS},
    {"tiers", {"tiers", "--run", "bench", "--as-of", "TODAY"}, MEMBERS},
    {"checkpoint", {"checkpoint"}, NOTHING},
    {"verify", {"verify"}, ENTRIES},
    {"expiry", {"expire", "--run", "bench-expiry", "--as-of", "TODAY"}, MEMBERS},
};

#define PART_COUNT (sizeof(parts) / sizeof(parts[0]))

struct run {
    struct jf_target_options target_options;
    struct jf_population population;
    uint64_t connections;
    uint64_t calls;
    uint64_t run_ms;
    const char *parts;
    const char *json_path;
    int64_t sold_at_ms; // of what is posted before the jobs; 0: now
    char jifen[JF_PATH_SIZE];
    char programme[JF_PATH_SIZE + 24];
    struct jf_target target;
    struct jf_report report;
    struct jf_sales sales;
    struct jf_load_result result;
    struct jf_load_result total; // of the slices
};

static enum jf_bench_exit load(struct run *run, enum jf_posting_way way, uint64_t run_ms,
                               uint64_t sales)
{
    struct jf_diagnosis diagnosis;
    struct jf_posting posting = {.sales = &run->sales,
                                 .batch_size = BATCH_SIZE,
                                 .sales_left = sales,
                                 .sold_at_ms = run->sold_at_ms};
    const struct jf_load_source source = jf_posting_source(&posting, way);
    const struct jf_load_config config = {.server = &run->target.server,
                                          .source = &source,
                                          .connections = (uint32_t)run->connections,
                                          .calls = (uint32_t)run->calls,
                                          .run_us = run_ms * 1000,
                                          .answers_max = sales == UINT64_MAX ? 0 : sales,
                                          .server_pid = run->target.process.pid};
    if (jf_load_run(&config, run->target.clients, &run->result, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    if (jf_interrupt_seen()) {
        return JF_BENCH_INTERRUPTED;
    }
    return jf_load_is_good(&config, &run->result)
               ? JF_BENCH_OK
               : jf_bench_fail(JF_BENCH_FAILED,
                               "%" PRIu64 " calls failed: %s; %" PRIu64 " overloads",
                               run->result.failures, run->result.failure, run->result.overloads);
}

static void figures_add(struct run *run, const char *prefix, const struct jf_load_result *result,
                        const char *of)
{
    char name[JF_FIGURE_NAME_SIZE];
    (void)snprintf(name, sizeof(name), "%.40s.rate", prefix);
    double seconds = (double)result->measured_ns / 1e9;
    jf_report_add(&run->report, name, (double)result->measured_accepted / (seconds + 1e-9), "/s",
                  NULL);
    jf_report_add_latency(&run->report, prefix, &result->latency_ns, of);
}

static enum jf_error job_start(const struct run *run, const struct part *part,
                               struct jf_job_process *process, struct jf_diagnosis *diagnosis)
{
    char address[96];
    char today[JF_DATE_TEXT_SIZE];
    const char *arguments[ARGUMENTS_MAX + 4] = {run->jifen};
    uint32_t count = 1;
    jf_date_format((jf_date)(jf_bench_unix_time_ms() / DAY_MS), today);
    for (uint32_t i = 0; part->arguments[i] != NULL; i++) {
        const char *argument = part->arguments[i];
        arguments[count++] = strcmp(argument, "TODAY") == 0 ? today : argument;
    }
    (void)snprintf(address, sizeof(address), "127.0.0.1:%u", (unsigned)run->target.process.port);
    arguments[count++] = "--address";
    arguments[count] = address;
    return jf_job_process_start(process, arguments, diagnosis);
}

static void slice_add(struct run *run)
{
    jf_histogram_merge(&run->total.latency_ns, &run->result.latency_ns);
    run->total.measured_accepted += run->result.measured_accepted;
    run->total.measured_ns += run->result.measured_ns;
}

static void job_figures_add(struct run *run, const struct part *part, double seconds,
                            uint64_t entries)
{
    char name[JF_FIGURE_NAME_SIZE];
    (void)snprintf(name, sizeof(name), "jobs.%.20s.seconds", part->name);
    jf_report_add(&run->report, name, seconds, "s", NULL);
    if (part->amount != NOTHING) {
        bool is_members = part->amount == MEMBERS;
        double amount = (double)(is_members ? run->population.member_count : entries);
        (void)snprintf(name, sizeof(name), "jobs.%.20s.%s_per_s", part->name,
                       is_members ? "members" : "entries");
        jf_report_add(&run->report, name, amount / seconds, "/s", NULL);
    }
    (void)snprintf(name, sizeof(name), "jobs.%.20s.sale", part->name);
    figures_add(run, name, &run->total, "jobs.alone.sale");
}

// Tills post until the job has ended.
static enum jf_bench_exit beside_job(struct run *run, const struct part *part)
{
    struct jf_diagnosis diagnosis;
    struct jf_target_status before;
    struct jf_job_process process = {0};
    double seconds = 0;
    bool is_good = false;
    memset(&run->total, 0, sizeof(run->total));
    (void)fprintf(stderr, "tills beside: %s\n", part->name);
    if (jf_target_status(&run->target, &before, &diagnosis) != JF_OK ||
        job_start(run, part, &process, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    enum jf_bench_exit code = JF_BENCH_OK;
    bool has_ended = false;
    while (code == JF_BENCH_OK && !has_ended) {
        code = load(run, JF_POSTING_UNARY, SLICE_MS, UINT64_MAX);
        slice_add(run);
        has_ended = jf_job_process_has_ended(&process, &seconds, &is_good);
    }
    jf_job_process_kill(&process);
    if (code == JF_BENCH_OK && !is_good) {
        code = jf_bench_fail(JF_BENCH_FAILED, "the job %s failed: its figures do not count",
                             part->name);
    }
    if (code == JF_BENCH_OK) {
        job_figures_add(run, part, seconds, before.position_last);
    }
    return code;
}

// Whether a list with commas has a name.
static bool list_has(const char *list, const char *name)
{
    size_t size = strlen(name);
    for (const char *at = list; at != NULL; at = strchr(at, ',')) {
        at += *at == ',' ? 1 : 0;
        if (strncmp(at, name, size) == 0 && (at[size] == ',' || at[size] == '\0')) {
            return true;
        }
    }
    return false;
}

static bool list_is_known(const char *list)
{
    while (*list != '\0') {
        size_t size = strcspn(list, ",");
        bool is_known = false;
        for (size_t at = 0; at < PART_COUNT; at++) {
            is_known = is_known ||
                       (strlen(parts[at].name) == size && strncmp(parts[at].name, list, size) == 0);
        }
        if (!is_known) {
            return false;
        }
        list += size + (list[size] == ',' ? 1 : 0);
    }
    return true;
}

// The sample programme, but with points that are over on the day after the sale.
static enum jf_error programme_write(struct run *run, struct jf_diagnosis *diagnosis)
{
    static const char usual[] = "  policy: month_end\n  months: 12\n";
    static const char short_lived[] = "  policy: months_after\n  months: 0\n";
    const char *text = (const char *)jf_bench_programme_bytes;
    const char *end = text + jf_bench_programme_bytes_size;
    const char *at = memmem(text, jf_bench_programme_bytes_size, usual, sizeof usual - 1);
    if (run->population.programme_path != NULL) {
        return JF_OK; // the user's own
    }
    JF_ASSERT(at != NULL);
    (void)snprintf(run->programme, sizeof run->programme, "%s/programme.yaml",
                   run->target.scratch.path);
    FILE *file = fopen(run->programme, "we");
    const char *rest = at + sizeof usual - 1;
    bool is_written = file != NULL && fwrite(text, 1, (size_t)(at - text), file) > 0 &&
                      fputs(short_lived, file) >= 0 &&
                      fwrite(rest, 1, (size_t)(end - rest), file) > 0;
    bool is_closed = file == NULL || fclose(file) == 0;
    run->population.programme_path = run->programme;
    return is_written && is_closed
               ? JF_OK
               : jf_diagnose(diagnosis, JF_ERROR_IO, "%.300s cannot be written", run->programme);
}

static enum jf_bench_exit ledger_measure(struct run *run)
{
    struct jf_diagnosis diagnosis;
    if (programme_write(run, &diagnosis) != JF_OK ||
        jf_target_start(&run->target, &diagnosis) != JF_OK ||
        jf_population_make(&run->target, &run->population, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    jf_sales_init(&run->sales, (uint32_t)jf_bench_unix_time_ms(), run->population.member_count,
                  (uint32_t)run->population.store_count);
    (void)fprintf(stderr, "sales: %" PRIu64 "\n", run->population.member_count);
    run->sold_at_ms = jf_bench_unix_time_ms() - (int64_t)SOLD_DAYS_AGO * DAY_MS;
    enum jf_bench_exit code = load(run, JF_POSTING_BATCH, 0, run->population.member_count);
    run->sold_at_ms = 0;
    if (code == JF_BENCH_OK) {
        (void)fprintf(stderr, "tills alone\n");
        code = load(run, JF_POSTING_UNARY, run->run_ms, UINT64_MAX);
        figures_add(run, "jobs.alone.sale", &run->result, NULL);
    }
    for (size_t at = 0; at < PART_COUNT && code == JF_BENCH_OK; at++) {
        code = list_has(run->parts, parts[at].name) ? beside_job(run, &parts[at]) : code;
    }
    if (code == JF_BENCH_OK && jf_target_stop(&run->target, &diagnosis) != JF_OK) {
        code = jf_bench_fail(JF_BENCH_FAILED, "%s", diagnosis.text);
    }
    return code;
}

static enum jf_bench_exit run_all(struct run *run)
{
    struct jf_diagnosis diagnosis;
    enum jf_bench_exit code = JF_BENCH_OK;
    if (jf_process_sibling("jifen", run->jifen, &diagnosis) != JF_OK ||
        jf_target_open(&run->target, &run->target_options, &diagnosis) != JF_OK) {
        code = jf_bench_diagnosed(&diagnosis);
    } else {
        code = ledger_measure(run);
    }
    jf_target_close(&run->target);
    return jf_report_end(&run->report, run->json_path, code);
}

static enum jf_bench_exit options_parse(struct run *run, const struct jf_bench_command *command)
{
    const struct jf_bench_option options[] = {
        JF_TARGET_OPTION_ROWS(run->target_options),
        JF_POPULATION_OPTION_ROWS(run->population),
        {"--parts", "LIST", JF_BENCH_TEXT, &run->parts, 0, 0, "what to run; default all"},
        {"--connections", "N", JF_BENCH_NUMBER, &run->connections, 1, JF_LOAD_CONNECTIONS_MAX,
         "of the tills"},
        {"--calls", "N", JF_BENCH_NUMBER, &run->calls, 1, JF_LOAD_CALLS_MAX, "in flight on each"},
        {"--seconds", "S", JF_BENCH_SECONDS, &run->run_ms, 10, 3600000, "of the tills alone"},
        {"--json", "FILE", JF_BENCH_TEXT, &run->json_path, 0, 0, "write the figures there too"},
    };
    enum jf_bench_exit code = jf_options_parse(&help, options, JF_BENCH_OPTION_COUNT(options),
                                               command->argc - 1, command->argv + 1);
    if (code == JF_BENCH_GO_ON && (run->parts[0] == '\0' || !list_is_known(run->parts))) {
        return jf_bench_fail(JF_BENCH_USAGE, "--parts %s: a list of " PARTS_DEFAULT " is needed",
                             run->parts);
    }
    return code;
}

enum jf_bench_exit jf_bench_jobs_run(const struct jf_bench_command *command)
{
    struct run *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        return jf_bench_fail(JF_BENCH_UNAVAILABLE, "out of memory");
    }
    run->population = JF_POPULATION_DEFAULT;
    run->connections = 2;
    run->calls = 4; // tills that the server keeps up with: what is measured is what the job adds
    run->run_ms = 5000;
    run->parts = PARTS_DEFAULT;
    enum jf_bench_exit code = options_parse(run, command);
    if (code == JF_BENCH_GO_ON) {
        const char *directory = run->target_options.directory;
        jf_report_begin(&run->report, command, directory == NULL ? "." : directory);
        code = run_all(run);
    }
    free(run);
    return code;
}
