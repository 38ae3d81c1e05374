// jifen-bench restart: a ledger of many entries whose last ones are only in the journal is killed;
// how long until it answers again?
//
// Built by batches up to entries − tail and checkpointed; then a jifend that makes no checkpoints
// takes the tail. SIGKILL, start, first answered GetMember; and nothing answered may be lost.
// Fails: usage; too little space; a jifend that does not start or answer; a refused sale; a
// position that is lower after the restart.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/machine.h"
#include "bench/cold.h"
#include "bench/options.h"
#include "bench/population.h"
#include "bench/posting.h"
#include "bench/report.h"
#include "bench/target.h"
#include "jifen/v1/ledger.pb-c.h"

#define CONNECTIONS     2u
#define CALLS           2u
#define BATCH_SIZE      1000u
#define BYTES_PER_ENTRY 1536u // journal, state and a compaction under way
#define BYTES_BASE      (1ull << 30)

static const struct jf_bench_help help = {
    .usage = "jifen-bench restart [options]",
    .about =
        "Starts a jifend of its own on loopback, builds a ledger of so many entries, the last\n"
        "of them not checkpointed, kills jifend with SIGKILL, starts it again, and reports the\n"
        "time from its start to the first answered GetMember and the entries recovered per\n"
        "second. What was answered before the kill must be there. Nothing stays behind.\n",
    .example = "  jifen-bench restart --dir /var/tmp --entries 10000000 --tail 1000000\n"
               "  jifen-bench restart --entries 200000 --tail 50000 --members 10000\n",
};

struct run {
    struct jf_target_options target_options;
    struct jf_population population;
    uint64_t entries;
    uint64_t tail;
    uint64_t repeats;
    const char *json_path;
    struct jf_target target;
    struct jf_report report;
    struct jf_sales sales;
    struct jf_load_result result;
};

static enum jf_bench_exit sales_post(struct run *run, uint64_t count, const char *what)
{
    struct jf_diagnosis diagnosis;
    struct jf_posting posting = {
        .sales = &run->sales, .batch_size = BATCH_SIZE, .sales_left = count};
    const struct jf_load_source source = jf_posting_source(&posting, JF_POSTING_BATCH);
    const struct jf_load_config config = {.server = &run->target.server,
                                          .source = &source,
                                          .connections = CONNECTIONS,
                                          .calls = CALLS,
                                          .answers_max = count,
                                          .what = what,
                                          .server_pid = run->target.process.pid};
    if (jf_load_run(&config, run->target.clients, &run->result, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    if (jf_interrupt_seen()) {
        return JF_BENCH_INTERRUPTED;
    }
    const struct jf_load_result *result = &run->result;
    return jf_load_is_good(&config, result) && result->answers.accepted == count
               ? JF_BENCH_OK
               : jf_bench_fail(
                     JF_BENCH_FAILED, "%" PRIu64 " of %" PRIu64 " sales were accepted: %s%s",
                     result->answers.accepted, count, result->answers.refusal, result->failure);
}

// Everything below the tail, checkpointed; jifend has stopped in order.
static enum jf_bench_exit body_build(struct run *run)
{
    struct jf_diagnosis diagnosis;
    struct jf_target_status status;
    if (jf_target_start(&run->target, &diagnosis) != JF_OK ||
        jf_population_make(&run->target, &run->population, &diagnosis) != JF_OK ||
        jf_target_status(&run->target, &status, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    if (jf_interrupt_seen()) {
        return JF_BENCH_INTERRUPTED;
    }
    uint64_t wanted = run->entries - run->tail;
    if (status.position_last < wanted) {
        enum jf_bench_exit code = sales_post(run, wanted - status.position_last, "entries");
        if (code != JF_BENCH_OK) {
            return code;
        }
    }
    if (jf_target_checkpoint(&run->target, &diagnosis) != JF_OK ||
        jf_target_stop(&run->target, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    return JF_BENCH_OK;
}

// From here on nothing is checkpointed: the entries that follow are in the journal only.
static enum jf_bench_exit tail_build(struct run *run, struct jf_target_status *out_status)
{
    struct jf_diagnosis diagnosis;
    run->target.extra[run->target.extra_count++] = "--checkpoint-entries=1000000000";
    run->target.extra[run->target.extra_count++] = "--checkpoint-seconds=86400";
    if (jf_target_start(&run->target, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    enum jf_bench_exit code = sales_post(run, run->tail, "tail");
    if (code != JF_BENCH_OK) {
        return code;
    }
    if (jf_target_status(&run->target, out_status, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    uint64_t tail = out_status->position_last - out_status->position_flushed;
    jf_report_add(&run->report, "restart.entries", (double)out_status->position_last, "entries",
                  NULL);
    jf_report_add(&run->report, "restart.tail", (double)tail, "entries", "restart.entries");
    if (tail < run->tail) {
        (void)printf("note      jifend wrote a part of the tail to its state by itself: %" PRIu64
                     " entries are left of %" PRIu64 "\n",
                     tail, run->tail);
    }
    return JF_BENCH_OK;
}

static enum jf_error member_ask(struct run *run, struct jf_diagnosis *diagnosis)
{
    Jifen__V1__MemberRef member = JIFEN__V1__MEMBER_REF__INIT;
    member.by_case = JIFEN__V1__MEMBER_REF__BY_NUMBER;
    member.number = JF_SALE_MEMBER_FIRST;
    Jifen__V1__GetMemberRequest request = JIFEN__V1__GET_MEMBER_REQUEST__INIT;
    request.member = &member;
    return jf_target_tell(&run->target, "/jifen.v1.Ledger/GetMember", &request.base,
                          &jifen__v1__get_member_response__descriptor, diagnosis);
}

// In: is_cold: the page cache has nothing of the ledger.
static enum jf_bench_exit restart_measure(struct run *run, const struct jf_target_status *before,
                                          bool is_cold)
{
    struct jf_diagnosis diagnosis;
    struct jf_target_status after;
    jf_target_kill(&run->target);
    if (is_cold && jf_cold_make(run->target.scratch.path, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    if (jf_target_start(&run->target, &diagnosis) != JF_OK ||
        member_ask(run, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    uint64_t took_ns = jf_bench_now_ns() - run->target.process.started_ns;
    if (jf_target_status(&run->target, &after, &diagnosis) != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    if (after.position_last < before->position_last || after.sales != before->sales) {
        return jf_bench_fail(JF_BENCH_BROKEN,
                             "entries were lost: position %" PRIu64 " and %" PRIu64
                             " sales before the kill, %" PRIu64 " and %" PRIu64 " after",
                             before->position_last, before->sales, after.position_last,
                             after.sales);
    }
    struct jf_report *report = &run->report;
    if (is_cold) {
        jf_report_add(report, "restart.cold.first_answer_s", (double)took_ns / 1e9, "s",
                      "restart.first_answer_s");
        return JF_BENCH_OK;
    }
    jf_report_add(report, "restart.first_answer_s", (double)took_ns / 1e9, "s", NULL);
    jf_report_add(report, "jobs.recovery.entries", (double)after.recovered_entries, "entries",
                  "restart.tail");
    if (after.recovered_entries > 0 && after.recovery_us > 0) {
        jf_report_add(report, "jobs.recovery.entries_per_s",
                      (double)after.recovered_entries * 1e6 / (double)after.recovery_us, "/s",
                      NULL);
    }
    return JF_BENCH_OK;
}

static enum jf_bench_exit measure(struct run *run)
{
    struct jf_diagnosis diagnosis;
    struct jf_target_status status = {0};
    jf_sales_init(&run->sales, (uint32_t)jf_bench_unix_time_ms(), run->population.member_count,
                  (uint32_t)run->population.store_count);
    enum jf_bench_exit code = body_build(run);
    if (code == JF_BENCH_OK) {
        code = tail_build(run, &status);
    }
    for (uint64_t at = 0; at < run->repeats && code == JF_BENCH_OK; at++) {
        code = jf_interrupt_seen() ? JF_BENCH_INTERRUPTED : restart_measure(run, &status, false);
    }
    if (code == JF_BENCH_OK) {
        code = jf_interrupt_seen() ? JF_BENCH_INTERRUPTED : restart_measure(run, &status, true);
    }
    if (code == JF_BENCH_OK && jf_target_stop(&run->target, &diagnosis) != JF_OK) {
        code = jf_bench_diagnosed(&diagnosis);
    }
    return code;
}

static enum jf_bench_exit space_check(const struct run *run, const char *directory)
{
    uint64_t needed = run->entries * BYTES_PER_ENTRY + BYTES_BASE;
    uint64_t free_bytes = jf_machine_free_bytes(directory);
    (void)printf("disk      up to %" PRIu64 " MiB are used and removed again; %" PRIu64
                 " MiB are free\n",
                 needed >> 20, free_bytes >> 20);
    return free_bytes >= needed
               ? JF_BENCH_OK
               : jf_bench_fail(JF_BENCH_UNAVAILABLE,
                               "%s: too little space: name another directory with --dir, or fewer "
                               "entries with --entries",
                               directory);
}

static enum jf_bench_exit run_all(struct run *run)
{
    struct jf_diagnosis diagnosis;
    enum jf_bench_exit code =
        jf_target_open(&run->target, &run->target_options, &diagnosis) == JF_OK
            ? measure(run)
            : jf_bench_diagnosed(&diagnosis);
    jf_target_close(&run->target);
    return jf_report_end(&run->report, run->json_path, code);
}

static enum jf_bench_exit run_parsed(struct run *run, const struct jf_bench_command *command)
{
    const struct jf_bench_option options[] = {
        JF_TARGET_OPTION_ROWS(run->target_options),
        JF_POPULATION_OPTION_ROWS(run->population),
        {"--entries", "N", JF_BENCH_NUMBER, &run->entries, 1000, 1000000000,
         "in the ledger, enrolments included"},
        {"--tail", "N", JF_BENCH_NUMBER, &run->tail, 1, 100000000, "of them only in the journal"},
        {"--repeat", "N", JF_BENCH_NUMBER, &run->repeats, 1, JF_REPEATS_MAX,
         "kill and start N times; report medians"},
        {"--json", "FILE", JF_BENCH_TEXT, &run->json_path, 0, 0, "write the figures there too"},
    };
    enum jf_bench_exit code = jf_options_parse(&help, options, JF_BENCH_OPTION_COUNT(options),
                                               command->argc - 1, command->argv + 1);
    if (code != JF_BENCH_GO_ON) {
        return code;
    }
    if (run->tail + run->population.member_count + run->population.store_count >= run->entries) {
        return jf_bench_fail(JF_BENCH_USAGE, "--entries must be more than --tail, --members and "
                                             "--stores together");
    }
    const char *directory = run->target_options.directory;
    directory = directory == NULL ? "." : directory;
    jf_report_begin(&run->report, command, directory);
    code = space_check(run, directory);
    return code == JF_BENCH_OK ? run_all(run) : code;
}

enum jf_bench_exit jf_bench_restart_run(const struct jf_bench_command *command)
{
    struct run *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        return jf_bench_fail(JF_BENCH_UNAVAILABLE, "out of memory");
    }
    run->population = JF_POPULATION_DEFAULT;
    run->entries = 10000000;
    run->tail = 1000000;
    run->repeats = 1;
    enum jf_bench_exit code = run_parsed(run, command);
    free(run);
    return code;
}
