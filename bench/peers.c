// jifen-bench peers: the same sale on PostgreSQL, on Redis and on Jifen, one after the other in one
// run, each in a scratch directory of its own. Fails: usage; a peer that is not installed or fails.
#include "bench/peers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/options.h"
#include "bench/peer_jifen.h"

static const struct jf_bench_help help = {
    .usage = "jifen-bench peers [options]",
    .about =
        "Posts the same sale (idempotency key, append-only entry, lot, balance; durable before\n"
        "it is answered) to PostgreSQL 15, to Redis 7 and to Jifen, at 1, 16 and 64 clients.\n"
        "Each is set up in a scratch directory, reached on this machine only, stopped and\n"
        "removed. PostgreSQL and Redis come with: tools/setup --bench. Nothing stays behind.\n",
    .example = "  jifen-bench peers --dir /var/tmp --seconds 10 --json peers.json\n"
               "  jifen-bench peers --parts postgres --entries 10000000\n",
};

struct run {
    struct jf_target_options target_options;
    struct jf_peers_options options;
    const char *parts;
    const char *json_path;
    uint64_t run_ms;
    struct jf_scratch scratch;
    struct jf_report report;
};

static bool has_part(const struct run *run, const char *name)
{
    size_t size = strlen(name);
    for (const char *at = strstr(run->parts, name); at != NULL; at = strstr(at + 1, name)) {
        bool is_begun = at == run->parts || at[-1] == ',';
        if (is_begun && (at[size] == '\0' || at[size] == ',')) {
            return true;
        }
    }
    return false;
}

static enum jf_error parts_measure(struct run *run, struct jf_diagnosis *diagnosis)
{
    const char *parent =
        run->target_options.directory == NULL ? "." : run->target_options.directory;
    enum jf_error error = jf_scratch_create(&run->scratch, parent, diagnosis);
    run->options.scratch = run->scratch.path;
    if (error == JF_OK && has_part(run, "postgres")) {
        error = jf_peer_postgres_measure(&run->options, &run->report, diagnosis);
    }
    if (error == JF_OK && has_part(run, "redis")) {
        error = jf_peer_redis_measure(&run->options, &run->report, diagnosis);
    }
    if (error == JF_OK && has_part(run, "jifen")) {
        error = jf_peer_jifen_measure(&run->target_options, &run->options, &run->report, diagnosis);
    }
    jf_scratch_remove(&run->scratch);
    return error;
}

static enum jf_bench_exit run_parsed(struct run *run, const struct jf_bench_command *command)
{
    const struct jf_bench_option options[] = {
        JF_TARGET_OPTION_ROWS(run->target_options),
        {"--parts", "LIST", JF_BENCH_TEXT, &run->parts, 0, 0, "of postgres,redis,jifen"},
        {"--members", "N", JF_BENCH_NUMBER, &run->options.member_count, 1, 100000000,
         "whose sales they are"},
        {"--entries", "N", JF_BENCH_NUMBER, &run->options.entry_count, 0, 1000000000,
         "in PostgreSQL's table before it is measured"},
        {"--seconds", "S", JF_BENCH_SECONDS, &run->run_ms, 1000, 600000,
         "each number of clients; whole ones"},
        {"--json", "FILE", JF_BENCH_TEXT, &run->json_path, 0, 0, "write the figures there too"},
    };
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    enum jf_bench_exit code = jf_options_parse(&help, options, JF_BENCH_OPTION_COUNT(options),
                                               command->argc - 1, command->argv + 1);
    if (code != JF_BENCH_GO_ON) {
        return code;
    }
    if (!has_part(run, "postgres") && !has_part(run, "redis") && !has_part(run, "jifen")) {
        return jf_bench_fail(JF_BENCH_USAGE, "--parts %s: a list of postgres,redis,jifen is needed",
                             run->parts);
    }
    run->options.run_s = (uint32_t)(run->run_ms / 1000);
    const char *directory = run->target_options.directory;
    jf_report_begin(&run->report, command, directory == NULL ? "." : directory);
    enum jf_error error = parts_measure(run, &diagnosis);
    if (jf_interrupt_seen()) {
        return jf_bench_fail(JF_BENCH_INTERRUPTED, "interrupted");
    }
    if (error == JF_OK) {
        error = jf_report_finish(&run->report, run->json_path, &diagnosis);
    }
    return error == JF_OK ? JF_BENCH_OK : jf_bench_diagnosed(&diagnosis);
}

enum jf_bench_exit jf_bench_peers_run(const struct jf_bench_command *command)
{
    struct run *run = calloc(1, sizeof(*run));
    if (run == NULL) {
        return jf_bench_fail(JF_BENCH_UNAVAILABLE, "out of memory");
    }
    run->options.member_count = 1000000;
    run->parts = "postgres,redis,jifen";
    run->run_ms = 10000;
    enum jf_bench_exit code = run_parsed(run, command);
    free(run);
    return code;
}
