// jifen-bench abuse: what a till waits while others abuse the server. One till posts sale after
// sale, for each attack in turns: by itself, beside the attack upon a second jifend that no till
// uses, and beside the attack upon its own. The attackers have the same processors as the till, so
// the second says what that alone costs, and the third what the server adds.
// Fails: usage; a jifend that does not start or answer; a refused or failed sale of the till.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/attack.h"
#include "bench/options.h"
#include "bench/population.h"
#include "bench/posting.h"
#include "bench/report.h"
#include "bench/target.h"

#define ALONE       "abuse.alone.sale"
#define REPEATS_MAX 10u // samples of the till alone, one for each attack, fit into its figure

static const struct jf_bench_help help = {
    .usage = "jifen-bench abuse [options]",
    .about = "Starts two jifends of its own on loopback with fresh ledgers. A till posts one sale "
             "after the\n"
             "other to the first, each durable before it is answered. For each attack in turns: "
             "alone; beside\n"
             "the attack upon the second (the neighbour), which costs the till its share of the "
             "processors; and\n"
             "beside the attack upon its own server. Attacks:\n"
             "  idle            2,000 connections that do nothing\n"
             "  half_requests   2,000 requests that stop in their headers\n"
             "  dropped         connections that are dropped in mid-request, one after the other\n"
             "  pings, settings, windows, continuations\n"
             "                  such frames without end\n"
             "  resets          calls that are begun and reset at once\n"
             "  header_bombs    10,000 headers of 4 KiB in a frame of 14 KiB\n"
             "The attackers' process has what the others leave of the processors. Memory is told "
             "beside.\n",
    .example = "  jifen-bench abuse --dir /var/tmp --seconds 2 --repeat 3\n",
};

struct run {
    struct jf_target_options target_options;
    struct jf_population population;
    uint64_t run_ms;
    uint64_t repeats;
    const char *json_path;
    struct jf_target target;
    struct jf_target neighbour;
    struct jf_report report;
    struct jf_sales sales;
    struct jf_load_result result;
};

// The till posts for the run's time. Figures as PREFIX.sale.*, ratios to those of `of`.
static enum jf_bench_exit till_measure(struct run *run, const char *prefix, const char *of)
{
    struct jf_diagnosis diagnosis;
    char name[JF_FIGURE_NAME_SIZE];
    struct jf_posting posting = {.sales = &run->sales, .sales_left = UINT64_MAX};
    const struct jf_load_source source = jf_posting_source(&posting, JF_POSTING_UNARY);
    const struct jf_load_config config = {.server = &run->target.server,
                                          .source = &source,
                                          .connections = 1,
                                          .calls = 1,
                                          .warm_up_us = run->run_ms * 100,
                                          .run_us = run->run_ms * 1000,
                                          .server_pid = run->target.process.pid};
    (void)fprintf(stderr, "%s\n", prefix);
    if (jf_load_run(&config, run->target.clients, &run->result, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    if (jf_interrupt_seen()) {
        return JF_BENCH_INTERRUPTED;
    }
    if (!jf_load_is_good(&config, &run->result)) {
        return jf_bench_fail(JF_BENCH_FAILED, "%" PRIu64 " calls failed: %s", run->result.failures,
                             run->result.failure);
    }
    (void)snprintf(name, sizeof(name), "%.40s.sale", prefix);
    jf_report_add_latency(&run->report, name, &run->result.latency_ns, of);
    return JF_BENCH_OK;
}

// The till beside the attack upon one of the two servers.
static enum jf_bench_exit beside_attack(struct run *run, const struct jf_attack *attack,
                                        const struct jf_target *attacked, const char *prefix)
{
    pid_t pid = jf_attack_start(attack, (uint16_t)attacked->process.port);
    if (pid < 0) {
        return jf_bench_fail(JF_BENCH_UNAVAILABLE, "no process for the attack: %s",
                             strerror(errno));
    }
    enum jf_bench_exit code = till_measure(run, prefix, ALONE);
    jf_attack_stop(pid);
    return code;
}

static enum jf_bench_exit attack_measure(struct run *run, const struct jf_attack *attack)
{
    char prefix[JF_FIGURE_NAME_SIZE];
    char name[JF_FIGURE_NAME_SIZE];
    enum jf_bench_exit code = till_measure(run, "abuse.alone", NULL);
    if (code == JF_BENCH_OK) {
        (void)snprintf(prefix, sizeof(prefix), "abuse.%.20s.neighbour", jf_attack_name(attack));
        code = beside_attack(run, attack, &run->neighbour, prefix);
    }
    if (code == JF_BENCH_OK) {
        (void)snprintf(prefix, sizeof(prefix), "abuse.%.20s", jf_attack_name(attack));
        code = beside_attack(run, attack, &run->target, prefix);
    }
    if (code == JF_BENCH_OK) {
        struct jf_process_usage usage;
        jf_process_usage(run->target.process.pid, &usage);
        (void)snprintf(name, sizeof(name), "%.40s.rss_mib", prefix);
        jf_report_add(&run->report, name, (double)usage.resident_bytes / (1u << 20), "MiB", NULL);
    }
    return code;
}

static enum jf_bench_exit rounds_measure(struct run *run)
{
    enum jf_bench_exit code = JF_BENCH_OK;
    for (uint64_t round = 0; code == JF_BENCH_OK && round < run->repeats; round++) {
        const struct jf_attack *attack = NULL;
        for (uint32_t i = 0; code == JF_BENCH_OK && (attack = jf_attack_at(i)) != NULL; i++) {
            code = attack_measure(run, attack);
        }
    }
    return code;
}

// What the server adds to what the attackers' share of the processors costs: medians' ratio.
static void compared_add(struct run *run)
{
    char name[JF_FIGURE_NAME_SIZE];
    const struct jf_attack *attack = NULL;
    for (uint32_t i = 0; (attack = jf_attack_at(i)) != NULL; i++) {
        double own = 0;
        double neighbour = 0;
        (void)snprintf(name, sizeof(name), "abuse.%.20s.sale.p99_us", jf_attack_name(attack));
        bool is_there = jf_report_median(&run->report, name, &own);
        (void)snprintf(name, sizeof(name), "abuse.%.20s.neighbour.sale.p99_us",
                       jf_attack_name(attack));
        if (is_there && jf_report_median(&run->report, name, &neighbour) && neighbour > 0) {
            (void)snprintf(name, sizeof(name), "abuse.%.20s.p99_of_neighbour",
                           jf_attack_name(attack));
            jf_report_add(&run->report, name, own / neighbour, "x", NULL);
        }
    }
}

static enum jf_bench_exit ledgers_measure(struct run *run)
{
    struct jf_diagnosis diagnosis;
    if (jf_target_start(&run->target, &diagnosis) != JF_OK ||
        jf_target_start(&run->neighbour, &diagnosis) != JF_OK ||
        jf_population_make(&run->target, &run->population, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    jf_sales_init(&run->sales, (uint32_t)jf_bench_unix_time_ms(), run->population.member_count,
                  (uint32_t)run->population.store_count);
    enum jf_bench_exit code = rounds_measure(run);
    if (code == JF_BENCH_OK) {
        compared_add(run);
    }
    if (code == JF_BENCH_OK && (jf_target_stop(&run->target, &diagnosis) != JF_OK ||
                                jf_target_stop(&run->neighbour, &diagnosis) != JF_OK)) {
        code = jf_bench_fail(JF_BENCH_FAILED, "%s", diagnosis.text);
    }
    return code;
}

static enum jf_bench_exit run_all(struct run *run)
{
    struct jf_diagnosis diagnosis;
    enum jf_bench_exit code = JF_BENCH_OK;
    if (jf_target_open(&run->target, &run->target_options, &diagnosis) != JF_OK ||
        jf_target_open(&run->neighbour, &run->target_options, &diagnosis) != JF_OK) {
        code = jf_bench_diagnosed(&diagnosis);
    } else {
        code = ledgers_measure(run);
    }
    jf_target_close(&run->neighbour);
    jf_target_close(&run->target);
    return jf_report_end(&run->report, run->json_path, code);
}

enum jf_bench_exit jf_bench_abuse_run(const struct jf_bench_command *command)
{
    struct run *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        return jf_bench_fail(JF_BENCH_UNAVAILABLE, "out of memory");
    }
    run->population = JF_POPULATION_DEFAULT;
    run->population.member_count = 1000;
    run->run_ms = 3000;
    run->repeats = 1;
    const struct jf_bench_option options[] = {
        JF_TARGET_OPTION_ROWS(run->target_options),
        JF_POPULATION_OPTION_ROWS(run->population),
        {"--seconds", "S", JF_BENCH_SECONDS, &run->run_ms, 10, 3600000, "of the till, each time"},
        {"--repeat", "N", JF_BENCH_NUMBER, &run->repeats, 1, REPEATS_MAX,
         "report medians of N rounds of all attacks"},
        {"--json", "FILE", JF_BENCH_TEXT, &run->json_path, 0, 0, "write the figures there too"},
    };
    enum jf_bench_exit code = jf_options_parse(&help, options, JF_BENCH_OPTION_COUNT(options),
                                               command->argc - 1, command->argv + 1);
    if (code == JF_BENCH_GO_ON) {
        const char *directory = run->target_options.directory;
        jf_report_begin(&run->report, command, directory == NULL ? "." : directory);
        code = run_all(run);
    }
    free(run);
    return code;
}
