// jifen-bench jobs: what a recalculation costs the tills beside it. Tills post sales, closed loop,
// first by themselves, then while a job runs over all members; the same figures of both stand side
// by side. Fails: usage; a jifend that does not start or answer; a refused sale; a job that fails.
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/date.h"
#include "bench/options.h"
#include "bench/population.h"
#include "bench/posting.h"
#include "bench/report.h"
#include "bench/target.h"

#define SLICE_MS   1000u // of load, while the job runs
#define BATCH_SIZE 1000u
#define DAY_MS     86400000

static const struct jf_bench_help help = {
    .usage = "jifen-bench jobs [options]",
    .about =
        "Starts a jifend of its own on loopback with a fresh ledger, enrols members and posts as\n"
        "many sales. Then tills post sales one by one, closed loop, first by themselves, then "
        "while\n"
        "a job runs until it ends. Parts:\n"
        "  tiers           a recalculation in which every member gets an activity class\n"
        "It is run by `jifen`, beside this program. Nothing stays behind.\n",
    .example = "  jifen-bench jobs --dir /var/tmp --members 1000000 --parts tiers\n"
               "  jifen-bench jobs --members 20000 --seconds 2\n",
};

struct run {
    struct jf_target_options target_options;
    struct jf_population population;
    uint64_t connections;
    uint64_t calls;
    uint64_t run_ms;
    const char *parts;
    const char *json_path;
    char jifen[JF_PATH_SIZE];
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
    struct jf_posting posting = {
        .sales = &run->sales, .batch_size = BATCH_SIZE, .sales_left = sales};
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

// Starts `jifen JOB` in a process of its own, which dies with us. Returns: its id, or -1.
static pid_t job_start(const struct run *run, const char *job)
{
    char address[96];
    (void)snprintf(address, sizeof(address), "127.0.0.1:%u", (unsigned)run->target.process.port);
    char as_of[JF_DATE_TEXT_SIZE];
    jf_date_format((jf_date)(jf_bench_unix_time_ms() / DAY_MS), as_of);
    const char *const arguments[] = {run->jifen, job,         "--run", "bench", "--as-of",
                                     as_of,      "--address", address, NULL};
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)execv(run->jifen, (char *const *)(uintptr_t)arguments);
        _exit(127);
    }
    return pid;
}

static void slice_add(struct run *run)
{
    jf_histogram_merge(&run->total.latency_ns, &run->result.latency_ns);
    run->total.measured_accepted += run->result.measured_accepted;
    run->total.measured_ns += run->result.measured_ns;
}

// Tills post until the job has ended.
static enum jf_bench_exit beside_job(struct run *run, const char *job)
{
    char name[JF_FIGURE_NAME_SIZE];
    int status = 0;
    memset(&run->total, 0, sizeof(run->total));
    uint64_t begin_ns = jf_bench_now_ns();
    pid_t pid = job_start(run, job);
    if (pid < 0) {
        return jf_bench_fail(JF_BENCH_UNAVAILABLE, "no process for the job: %s", strerror(errno));
    }
    enum jf_bench_exit code = JF_BENCH_OK;
    pid_t ended = 0;
    while (code == JF_BENCH_OK && ended == 0) {
        code = load(run, JF_POSTING_UNARY, SLICE_MS, UINT64_MAX);
        slice_add(run);
        ended = waitpid(pid, &status, WNOHANG);
    }
    double seconds = (double)(jf_bench_now_ns() - begin_ns) / 1e9;
    if (ended == 0) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, &status, 0);
        return code;
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return jf_bench_fail(JF_BENCH_FAILED, "the job %s failed: its figures do not count", job);
    }
    (void)snprintf(name, sizeof(name), "jobs.%.20s.seconds", job);
    jf_report_add(&run->report, name, seconds, "s", NULL); // to the end of a slice
    (void)snprintf(name, sizeof(name), "jobs.%.20s.members_per_s", job);
    jf_report_add(&run->report, name, (double)run->population.member_count / seconds, "/s", NULL);
    (void)snprintf(name, sizeof(name), "jobs.%.20s.sale", job);
    figures_add(run, name, &run->total, "jobs.alone.sale");
    return code;
}

static enum jf_bench_exit ledger_measure(struct run *run)
{
    struct jf_diagnosis diagnosis;
    if (jf_target_start(&run->target, &diagnosis) != JF_OK ||
        jf_population_make(&run->target, &run->population, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    jf_sales_init(&run->sales, (uint32_t)jf_bench_unix_time_ms(), run->population.member_count,
                  (uint32_t)run->population.store_count);
    (void)fprintf(stderr, "sales: %" PRIu64 "\n", run->population.member_count);
    enum jf_bench_exit code = load(run, JF_POSTING_BATCH, 0, run->population.member_count);
    if (code == JF_BENCH_OK) {
        (void)fprintf(stderr, "tills alone\n");
        code = load(run, JF_POSTING_UNARY, run->run_ms, UINT64_MAX);
        figures_add(run, "jobs.alone.sale", &run->result, NULL);
    }
    if (code == JF_BENCH_OK) {
        (void)fprintf(stderr, "tills beside a recalculation\n");
        code = beside_job(run, "tiers");
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
        {"--parts", "LIST", JF_BENCH_TEXT, &run->parts, 0, 0, "tiers"},
        {"--connections", "N", JF_BENCH_NUMBER, &run->connections, 1, JF_LOAD_CONNECTIONS_MAX,
         "of the tills"},
        {"--calls", "N", JF_BENCH_NUMBER, &run->calls, 1, JF_LOAD_CALLS_MAX, "in flight on each"},
        {"--seconds", "S", JF_BENCH_SECONDS, &run->run_ms, 10, 3600000, "of the tills alone"},
        {"--json", "FILE", JF_BENCH_TEXT, &run->json_path, 0, 0, "write the figures there too"},
    };
    enum jf_bench_exit code = jf_options_parse(&help, options, JF_BENCH_OPTION_COUNT(options),
                                               command->argc - 1, command->argv + 1);
    if (code == JF_BENCH_GO_ON && strcmp(run->parts, "tiers") != 0) {
        return jf_bench_fail(JF_BENCH_USAGE, "--parts %s: tiers is the one there is", run->parts);
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
    run->parts = "tiers";
    enum jf_bench_exit code = options_parse(run, command);
    if (code == JF_BENCH_GO_ON) {
        const char *directory = run->target_options.directory;
        jf_report_begin(&run->report, command, directory == NULL ? "." : directory);
        code = run_all(run);
    }
    free(run);
    return code;
}
