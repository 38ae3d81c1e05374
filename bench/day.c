// jifen-bench day: a chain's day against a jifend of our own, and whether all ties afterwards.
// Fails: usage; a jifend that does not start or answer; a call that fails or is answered wrongly; a
// count in Status that differs from what was answered; a ledger that does not tie.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/date.h"
#include "bench/day_journal.h"
#include "bench/day_run.h"
#include "bench/day_schedule.h"
#include "bench/day_tell.h"
#include "bench/job_process.h"
#include "bench/options.h"
#include "bench/population.h"
#include "bench/report.h"
#include "bench/target.h"
#include "tools/jifen/progress.h"

#define DAY_MS  86400000
#define PERCENT 100.0

static const struct jf_bench_help help = {
    .usage = "jifen-bench day [options]",
    .about =
        "Plays a chain's day in --seconds: customers come by an hourly profile, whatever the\n"
        "server does, and wait at their store for one of its tills; latency runs from their\n"
        "coming. --member-day multiplies what comes from its opening on, --spike the promotion\n"
        "from one instant on; then every store that was off line posts what it sold, all at\n"
        "once. Says how long queues lasted, what was refused and why, latencies by kind and\n"
        "phase, and whether all ties afterwards. With --from-journal the real sales of a past day "
        "are posted instead, in\n"
        "the order of their instants and at --rate times their speed, into a copy of that\n"
        "(stopped) ledger as it was before them. A jifend of its own is started; nothing stays\n"
        "behind.\n",
    .example =
        "  jifen-bench day --dir /var/tmp --stores 200 --members 1000000 --calls 2000000 "
        "--seconds 240\n"
        "  jifen-bench day --seconds 10 --calls 50000 --member-day 200 --spike 10 --job tiers\n"
        "  jifen-bench day --from-journal /var/lib/jifen --date 2026-11-18 --rate 10x --json "
        "past.json\n",
};

struct run {
    struct jf_target_options target_options;
    struct jf_population population;
    struct jf_day_config config;
    uint64_t seconds_ms;
    uint64_t calls;
    uint64_t member_day_percent;
    uint64_t member_day_hour;
    const char *profile;
    uint64_t spike;
    uint64_t spike_hour;
    uint64_t drain_hour;
    uint64_t percents[JF_DAY_KIND_COUNT];
    uint64_t retries;
    uint64_t tills;
    uint64_t offline;
    uint64_t job_hour;
    const char *job; // "tiers" or "checkpoint"; NULL: none
    const char *json_path;
    const char *journal_directory; // NULL: the plan's customers come
    const char *rate_text;         // "10x"
    const char *date_text;
    double rate;
    jf_date date;
    struct jf_day_journal journal;
    struct jf_day_schedule schedule;
    char jifen[JF_PATH_SIZE];
    struct jf_target target;
    struct jf_report report;
    struct jf_day_asks asks;
    struct jf_day_result result;
    struct jf_progress progress;
    struct jf_job_process job_process;
    uint64_t sales_before;  // that the ledger held
    struct jf_day_job told; // of the job
};

// ---- Beside the day -------------------------------------------------------------------

static void job_begin(struct run *run, double now_s)
{
    struct jf_diagnosis diagnosis;
    char address[96];
    char today[JF_DATE_TEXT_SIZE];
    bool is_tiers = strcmp(run->job, "tiers") == 0;
    jf_date_format((jf_date)(jf_bench_unix_time_ms() / DAY_MS), today);
    (void)snprintf(address, sizeof(address), "127.0.0.1:%u", (unsigned)run->target.process.port);
    const char *const tiers[] = {run->jifen, "tiers",     "--run", "day", "--as-of",
                                 today,      "--address", address, NULL};
    const char *const checkpoint[] = {run->jifen, "checkpoint", "--address", address, NULL};
    run->told = (struct jf_day_job){.has_begun = true, .begun_s = now_s};
    if (jf_job_process_start(&run->job_process, is_tiers ? tiers : checkpoint, &diagnosis) !=
        JF_OK) {
        run->result.failures += 1;
        (void)snprintf(run->result.failure, sizeof run->result.failure, "%.200s", diagnosis.text);
    }
}

static void job_look(struct run *run)
{
    bool is_good = false;
    if (run->job_process.pid > 0 &&
        jf_job_process_has_ended(&run->job_process, &run->told.lasted_s, &is_good) && !is_good) {
        run->result.failures += 1;
        (void)snprintf(run->result.failure, sizeof run->result.failure, "the job %s failed",
                       run->job);
    }
}

static void on_second(void *context, double now_s)
{
    struct run *run = context;
    const struct jf_day_plan *plan = &run->config.plan;
    double seen_s = now_s < plan->seconds ? now_s : plan->seconds;
    jf_progress_show(&run->progress, (uint64_t)(seen_s * 1000));
    if (run->job != NULL && !run->told.has_begun &&
        now_s >= jf_day_second(plan, (double)run->job_hour)) {
        job_begin(run, now_s);
    }
    job_look(run);
}

static void job_await(struct run *run)
{
    while (run->job_process.pid > 0 && !jf_interrupt_seen()) {
        jf_clients_turn(run->target.clients, 10000);
        job_look(run);
    }
    jf_job_process_kill(&run->job_process);
}

// ---- The run --------------------------------------------------------------------------

static void plan_fill(struct run *run)
{
    struct jf_day_plan *plan = &run->config.plan;
    bool has_drain = run->offline > 0;
    *plan =
        (struct jf_day_plan){.seconds = (double)run->seconds_ms / 1000,
                             .hours = JF_DAY_HOURS,
                             .calls = (double)run->calls,
                             .member_day = (double)run->member_day_percent / PERCENT,
                             .member_day_hour = (double)run->member_day_hour,
                             .spike_factor = (double)run->spike,
                             .spike_hour = (double)run->spike_hour,
                             .spike_hours = 0.5,
                             .drain_hour = has_drain ? (double)run->drain_hour : JF_DAY_HOURS + 1};
    bool is_profile = jf_day_profile_parse(run->profile, plan->profile);
    JF_ASSERT(is_profile); // options_check has looked
    for (uint32_t kind = JF_DAY_QUOTE; kind <= JF_DAY_GET; kind++) {
        plan->percents[kind] = (uint32_t)run->percents[kind];
    }
    run->config.server = &run->target.server;
    run->config.stores = (uint32_t)run->population.store_count;
    run->config.tills = (uint32_t)run->tills;
    run->config.retries_percent = (uint32_t)run->retries;
    run->config.offline = (uint32_t)run->offline;
    run->config.on_second = on_second;
    run->config.context = run;
}

// The journal's day: nothing but its sales, at a multiple of their speed.
static enum jf_error replay_fill(struct run *run, struct jf_diagnosis *diagnosis)
{
    struct jf_day_journal *journal = &run->journal;
    struct jf_day_schedule *schedule = &run->schedule;
    if (jf_day_schedule_make(journal->sales, journal->sale_count, run->rate, schedule) != JF_OK) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory for the day's sales");
    }
    if (schedule->store_count > JF_SALE_STORES_MAX) {
        return jf_diagnose(diagnosis, JF_ERROR_LIMIT,
                           "%" PRIu32 " stores sold on that day, of up to %u: give another --date",
                           schedule->store_count, JF_SALE_STORES_MAX);
    }
    if (run->job != NULL && (double)run->job_hour >= schedule->hours) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                           "--job-hour %" PRIu64 " lies behind the day's last sale, %.1f hours "
                           "behind its first one: give a smaller one",
                           run->job_hour, schedule->hours);
    }
    run->config.plan = (struct jf_day_plan){.seconds = schedule->seconds,
                                            .hours = schedule->hours,
                                            .calls = 1,
                                            .member_day = 1,
                                            .spike_factor = 1,
                                            .drain_hour = schedule->hours + 1};
    run->config.replayed = schedule->sales;
    run->config.replayed_count = schedule->count;
    run->config.offline = 0;
    run->config.stores = schedule->store_count;
    return JF_OK;
}

static enum jf_bench_exit result_judge(struct run *run)
{
    const struct jf_day_result *result = &run->result;
    struct jf_target_status status;
    struct jf_diagnosis diagnosis;
    if (result->was_cut || jf_interrupt_seen()) {
        return JF_BENCH_INTERRUPTED;
    }
    if (result->failures > 0) {
        return jf_bench_fail(JF_BENCH_FAILED, "%" PRIu64 " calls failed: %s", result->failures,
                             result->failure);
    }
    if (jf_target_status(&run->target, &status, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    uint64_t posted = result->sales + result->drained;
    if (status.sales - run->sales_before != posted) {
        return jf_bench_fail(JF_BENCH_BROKEN,
                             "%" PRIu64 " sales were answered, but Status counts %" PRIu64, posted,
                             status.sales - run->sales_before);
    }
    return JF_BENCH_OK;
}

static enum jf_bench_exit ties_check(struct run *run)
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

// A fresh ledger with its members, or the copy of one as it was before the day.
static enum jf_error ledger_make(struct run *run, struct jf_diagnosis *diagnosis)
{
    struct jf_target_status status;
    bool is_copy = run->journal_directory != NULL;
    enum jf_error error = JF_OK;
    if (is_copy) {
        (void)fprintf(stderr, "copying the ledger up to position %" PRIu64 "\n",
                      run->journal.before_position);
        error = jf_day_journal_restore(&run->journal, run->journal_directory, run->jifen,
                                       &run->target, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_target_start(&run->target, diagnosis);
    }
    if (error == JF_OK) {
        error = is_copy ? jf_day_journal_settle(&run->journal, &run->target, diagnosis)
                        : jf_population_make(&run->target, &run->population, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_target_status(&run->target, &status, diagnosis);
    }
    if (error == JF_OK) {
        run->sales_before = status.sales;
    }
    return error;
}

static enum jf_bench_exit day_measure(struct run *run)
{
    struct jf_diagnosis diagnosis;
    if (ledger_make(run, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    jf_sales_init(&run->asks.sales, (uint32_t)jf_bench_unix_time_ms(), run->population.member_count,
                  (uint32_t)run->population.store_count);
    uint64_t day_ms = (uint64_t)(run->config.plan.seconds * 1000);
    jf_progress_begin(&run->progress, "the day, ms", day_ms, false);
    enum jf_error error =
        jf_day_run(&run->config, run->target.clients, &run->asks, &run->result, &diagnosis);
    jf_progress_end(&run->progress, day_ms);
    job_await(run);
    enum jf_bench_exit code = error == JF_OK ? result_judge(run) : jf_bench_diagnosed(&diagnosis);
    if (code == JF_BENCH_OK) {
        jf_day_tell(&run->report, &run->config, &run->result, &run->told);
        code = ties_check(run);
    }
    if (code == JF_BENCH_OK && jf_target_stop(&run->target, &diagnosis) != JF_OK) {
        code = jf_bench_fail(JF_BENCH_FAILED, "%s", diagnosis.text);
    }
    return code;
}

// What is wrong with a past day is told before anything is copied.
static enum jf_error day_prepare(struct run *run, struct jf_diagnosis *diagnosis)
{
    plan_fill(run);
    if (run->journal_directory == NULL) {
        return JF_OK;
    }
    (void)fprintf(stderr, "reading the journal in %s\n", run->journal_directory);
    enum jf_error error =
        jf_day_journal_read(&run->journal, run->journal_directory, run->date, diagnosis);
    return error == JF_OK ? replay_fill(run, diagnosis) : error;
}

static enum jf_bench_exit run_all(struct run *run)
{
    struct jf_diagnosis diagnosis;
    enum jf_bench_exit code = JF_BENCH_OK;
    if (jf_process_sibling("jifen", run->jifen, &diagnosis) != JF_OK ||
        day_prepare(run, &diagnosis) != JF_OK ||
        jf_target_open(&run->target, &run->target_options, &diagnosis) != JF_OK) {
        code = jf_bench_diagnosed(&diagnosis);
    } else {
        code = day_measure(run);
    }
    jf_job_process_kill(&run->job_process);
    jf_target_close(&run->target);
    jf_day_journal_deinit(&run->journal);
    jf_day_schedule_deinit(&run->schedule);
    return jf_report_end(&run->report, run->json_path, code);
}

// "10x" or "10".
static bool rate_read(const char *text, double *out_rate)
{
    char *end = NULL;
    *out_rate = strtod(text, &end);
    bool is_whole = *end == '\0' || strcmp(end, "x") == 0;
    return end != text && is_whole && *out_rate > 0 && *out_rate <= 1e6;
}

static enum jf_bench_exit journal_options_check(struct run *run)
{
    bool has_journal = run->journal_directory != NULL;
    if (!has_journal && (run->rate_text != NULL || run->date_text != NULL)) {
        return jf_bench_fail(JF_BENCH_USAGE, "--rate and --date are of a past day: --from-journal "
                                             "is needed with them");
    }
    if (!rate_read(run->rate_text == NULL ? "1x" : run->rate_text, &run->rate)) {
        return jf_bench_fail(JF_BENCH_USAGE, "--rate %s: a multiple such as 10x is needed",
                             run->rate_text);
    }
    run->date = JF_DATE_NONE;
    if (run->date_text != NULL && !jf_date_parse(jf_text_from(run->date_text), &run->date)) {
        return jf_bench_fail(JF_BENCH_USAGE, "--date %s: a date such as 2026-11-18 is needed",
                             run->date_text);
    }
    return JF_BENCH_GO_ON;
}

static enum jf_bench_exit options_check(struct run *run)
{
    double profile[JF_DAY_HOURS];
    enum jf_bench_exit code = journal_options_check(run);
    if (code != JF_BENCH_GO_ON) {
        return code;
    }
    if (!jf_day_profile_parse(run->profile, profile)) {
        return jf_bench_fail(JF_BENCH_USAGE,
                             "--profile %s: %u whole numbers from 0 to 1000000 with commas between "
                             "are needed, not all of them 0",
                             run->profile, JF_DAY_HOURS);
    }
    uint64_t percents = 0;
    for (uint32_t kind = JF_DAY_QUOTE; kind <= JF_DAY_GET; kind++) {
        percents += run->percents[kind];
    }
    if (percents > 100) {
        return jf_bench_fail(JF_BENCH_USAGE,
                             "--quotes, --redeems, --returns and --gets are %" PRIu64
                             " %% together: at most 100",
                             percents);
    }
    bool is_job_known =
        run->job == NULL || strcmp(run->job, "tiers") == 0 || strcmp(run->job, "checkpoint") == 0;
    return is_job_known ? JF_BENCH_GO_ON
                        : jf_bench_fail(JF_BENCH_USAGE, "--job %s: tiers or checkpoint", run->job);
}

static enum jf_bench_exit options_parse(struct run *run, const struct jf_bench_command *command)
{
    const struct jf_bench_option options[] = {
        JF_TARGET_OPTION_ROWS(run->target_options),
        JF_POPULATION_OPTION_ROWS(run->population),
        {"--seconds", "S", JF_BENCH_SECONDS, &run->seconds_ms, 100, 86400000, "the day takes"},
        {"--calls", "N", JF_BENCH_NUMBER, &run->calls, 1, 1000000000, "of a usual day"},
        {"--profile", "N,N,...", JF_BENCH_TEXT, &run->profile, 0, 0,
         "how many come in each hour of 24, to any scale; default a pharmacy's"},
        {"--member-day", "PERCENT", JF_BENCH_NUMBER, &run->member_day_percent, 1, 10000,
         "of a usual day's calls; 100: no member day"},
        {"--member-day-hour", "H", JF_BENCH_NUMBER, &run->member_day_hour, 0, 23, "it opens"},
        {"--quotes", "PERCENT", JF_BENCH_NUMBER, &run->percents[JF_DAY_QUOTE], 0, 100, "of calls"},
        {"--redeems", "PERCENT", JF_BENCH_NUMBER, &run->percents[JF_DAY_REDEEM], 0, 100,
         "of calls"},
        {"--returns", "PERCENT", JF_BENCH_NUMBER, &run->percents[JF_DAY_RETURN], 0, 100,
         "of calls"},
        {"--gets", "PERCENT", JF_BENCH_NUMBER, &run->percents[JF_DAY_GET], 0, 100,
         "of calls; the rest are sales"},
        {"--retries", "PERCENT", JF_BENCH_NUMBER, &run->retries, 0, 100,
         "of sales, sent again after their answer"},
        {"--tills", "N", JF_BENCH_NUMBER, &run->tills, 1, JF_DAY_TILLS_MAX, "of each store"},
        {"--spike", "FACTOR", JF_BENCH_NUMBER, &run->spike, 1, 1000, "of the promotion; 1: none"},
        {"--spike-hour", "H", JF_BENCH_NUMBER, &run->spike_hour, 0, 23, "it begins, for half one"},
        {"--offline", "N", JF_BENCH_NUMBER, &run->offline, 0, JF_DAY_OFFLINE_MAX,
         "sales that each store posts at once"},
        {"--offline-hour", "H", JF_BENCH_NUMBER, &run->drain_hour, 0, 23, "when they do"},
        {"--job", "NAME", JF_BENCH_TEXT, &run->job, 0, 0, "amid the day: tiers or checkpoint"},
        {"--job-hour", "H", JF_BENCH_NUMBER, &run->job_hour, 0, 23,
         "it begins; of a past day: hours behind its first sale"},
        {"--from-journal", "DIR", JF_BENCH_TEXT, &run->journal_directory, 0, 0,
         "a stopped ledger, whose day is posted again"},
        {"--date", "DATE", JF_BENCH_TEXT, &run->date_text, 0, 0,
         "its business date; default the newest with sales"},
        {"--rate", "MULTIPLE", JF_BENCH_TEXT, &run->rate_text, 0, 0,
         "of its speed, such as 10x; default 1x"},
        {"--json", "FILE", JF_BENCH_TEXT, &run->json_path, 0, 0, "write the figures there too"},
    };
    enum jf_bench_exit code = jf_options_parse(&help, options, JF_BENCH_OPTION_COUNT(options),
                                               command->argc - 1, command->argv + 1);
    return code == JF_BENCH_GO_ON ? options_check(run) : code;
}

enum jf_bench_exit jf_bench_day_run(const struct jf_bench_command *command)
{
    struct run *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        return jf_bench_fail(JF_BENCH_UNAVAILABLE, "out of memory");
    }
    run->population = JF_POPULATION_DEFAULT;
    run->seconds_ms = 60000;
    run->calls = 300000;
    run->profile = JF_DAY_PROFILE;
    run->member_day_percent = 100;
    run->member_day_hour = 7;
    run->percents[JF_DAY_QUOTE] = 20;
    run->percents[JF_DAY_REDEEM] = 3;
    run->percents[JF_DAY_RETURN] = 2;
    run->percents[JF_DAY_GET] = 10;
    run->retries = 1;
    run->tills = 3;
    run->spike = 10;
    run->spike_hour = 10;
    run->offline = 100;
    run->drain_hour = 21;
    run->job_hour = 14;
    enum jf_bench_exit code = options_parse(run, command);
    if (code == JF_BENCH_GO_ON) {
        const char *directory = run->target_options.directory;
        jf_report_begin(&run->report, command, directory == NULL ? "." : directory);
        code = run_all(run);
    }
    free(run);
    return code;
}
