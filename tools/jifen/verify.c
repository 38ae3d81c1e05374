// jifen verify: everything is computed again from the journal and compared with the state.
// Fails: usage; what does not tie (exit 5, with the first difference); a directory that cannot be
// opened.
#include "tools/jifen/verify.h"

#include <inttypes.h>

#include "engine/jobs.h"
#include "jifen/v1/operations.pb-c.h"
#include "tools/jifen/decimal.h"
#include "tools/jifen/json.h"
#include "tools/jifen/progress.h"

static const struct jf_cli_help help = {
    .usage = "jifen verify [--data DIR] [--progress]",
    .about =
        "Computes everything again from the journal and compares it with the state: chain of\n"
        "blocks, postings, lots, balances, control accounts, every stored entry, every row of\n"
        "every index (transactions, receipts, cards, expiries), the filter over ids, digest. Asks\n"
        "the running ledger, which does it beside the tills over a snapshot, or reads the\n"
        "directory of a stopped one with --data. Changes nothing. Meanwhile it needs disk space\n"
        "in the data directory for members and indexes once more. Says the first difference "
        "(what,\n"
        "where, both values) and how many entries a second it verified.\n"
        "With --json: "
        "{\"ties\",\"difference\",\"position\",\"entries\",\"members\",\"rows\",\n"
        "\"balance_sum\",\"digest\",\"replay_digest\",\"elapsed_us\",\"entries_per_second\"}.\n"
        "\n"
        "Exit codes, for scripts:\n"
        "  0  all ties\n"
        "  5  something differs, or is damaged: the first such thing is said, with file and place\n"
        "  3  it cannot be told now: no connection, a verification that runs already\n"
        "  4  it cannot be told: no such ledger, or another version's\n"
        "  2  wrong usage\n",
    .example = "  jifen verify\n  jifen verify --data /var/lib/jifen --json\n",
};

struct watch {
    struct jf_verify_result *result;
    struct jf_progress progress;
    char stage[32];
    bool is_forced;
};

static void stage_show(struct watch *watch, const char *stage, uint64_t done, uint64_t total)
{
    if (strncmp(watch->stage, stage, sizeof(watch->stage) - 1) != 0) {
        if (watch->stage[0] != '\0') {
            jf_progress_end(&watch->progress, watch->progress.total);
        }
        (void)snprintf(watch->stage, sizeof(watch->stage), "%s", stage);
        jf_progress_begin(&watch->progress, watch->stage, total, watch->is_forced);
    }
    watch->progress.total = total;
    jf_progress_show(&watch->progress, done);
}

static bool on_live(void *context, const ProtobufCMessage *message)
{
    struct watch *watch = context;
    struct jf_verify_result *result = watch->result;
    const Jifen__V1__VerifyProgress *progress = (const Jifen__V1__VerifyProgress *)message;
    if (!progress->done) {
        stage_show(watch, progress->stage, progress->done_count, progress->total_count);
        return true;
    }
    result->is_done = true;
    result->ties = progress->ties;
    result->position = progress->position;
    result->entries = progress->entries;
    result->members = progress->members;
    result->balance_sum = progress->balance_sum;
    result->rows = progress->rows;
    result->elapsed_us = progress->elapsed_us;
    (void)snprintf(result->difference, sizeof(result->difference), "%s", progress->difference);
    (void)snprintf(result->digest, sizeof(result->digest), "%s", progress->digest);
    (void)snprintf(result->replay_digest, sizeof(result->replay_digest), "%s",
                   progress->replay_digest);
    return true;
}

enum jf_exit jf_verify_live(struct jf_session *session, bool is_progress_forced,
                            struct jf_verify_result *out_result)
{
    Jifen__V1__VerifyRequest request = JIFEN__V1__VERIFY_REQUEST__INIT;
    struct watch watch = {.result = out_result, .is_forced = is_progress_forced};
    *out_result = (struct jf_verify_result){0};
    struct jf_session_stream stream = {"/jifen.v1.Operations/Verify", &request.base,
                                       &jifen__v1__verify_progress__descriptor, on_live, &watch};
    enum jf_exit code = jf_session_stream(session, &stream);
    if (watch.stage[0] != '\0') {
        jf_progress_end(&watch.progress, watch.progress.total);
    }
    if (code == JF_EXIT_OK && !out_result->is_done) {
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "the ledger broke off before it was done");
    }
    return code;
}

static uint64_t entries_per_second(const struct jf_verify_result *result)
{
    return result->elapsed_us == 0 ? 0 : result->entries * 1000000u / result->elapsed_us;
}

void jf_verify_json(const struct jf_verify_result *result, struct jf_json *json, const char *key)
{
    jf_json_object_begin(json, key);
    jf_json_bool(json, "ties", result->ties);
    jf_json_string(json, "difference", result->difference);
    jf_json_unsigned(json, "position", result->position);
    jf_json_unsigned(json, "entries", result->entries);
    jf_json_unsigned(json, "members", result->members);
    jf_json_unsigned(json, "rows", result->rows);
    jf_json_number(json, "balance_sum", result->balance_sum);
    jf_json_string(json, "digest", result->digest);
    jf_json_string(json, "replay_digest", result->replay_digest);
    jf_json_unsigned(json, "elapsed_us", result->elapsed_us);
    jf_json_unsigned(json, "entries_per_second", entries_per_second(result));
    jf_json_object_end(json);
}

enum jf_exit jf_verify_show(const struct jf_verify_result *result, bool is_json)
{
    char entries[JF_DECIMAL_TEXT_SIZE];
    char members[JF_DECIMAL_TEXT_SIZE];
    char balance[JF_DECIMAL_TEXT_SIZE];
    char rows[JF_DECIMAL_TEXT_SIZE];
    char seconds[JF_DECIMAL_TEXT_SIZE];
    char rate[JF_DECIMAL_TEXT_SIZE];
    jf_decimal_format((int64_t)result->entries, 0, true, entries);
    jf_decimal_format((int64_t)result->rows, 0, true, rows);
    jf_decimal_format((int64_t)(result->elapsed_us / 1000), 3, true, seconds);
    jf_decimal_format((int64_t)entries_per_second(result), 0, true, rate);
    jf_decimal_format((int64_t)result->members, 0, true, members);
    jf_decimal_format(result->balance_sum, 0, true, balance);
    if (is_json) {
        struct jf_json json = {.out = stdout};
        jf_verify_json(result, &json, NULL);
        jf_json_end_line(&json);
    } else if (result->ties) {
        (void)printf("All ties: members, lots, control accounts and a replay of the journal agree "
                     "(%s entries, %s members, %s points; digest %s).\n",
                     entries, members, balance, result->digest);
    } else {
        (void)printf("DOES NOT TIE, up to position %" PRIu64 ": %s\n"
                     "Digest of the state %s, of the journal replayed %s.\n",
                     result->position, result->difference, result->digest, result->replay_digest);
    }
    if (!is_json) {
        (void)printf("Verified %s entries and %s rows of indexes in %s s: %s entries/s.\n", entries,
                     rows, seconds, rate);
    }
    return result->ties ? JF_EXIT_OK : JF_EXIT_BROKEN;
}

static void hex_format(const unsigned char bytes[16], char out_text[40])
{
    for (uint32_t at = 0; at < 16; at++) {
        (void)snprintf(out_text + 2 * at, 3, "%02x", bytes[at]);
    }
}

static void on_directory(void *context, const struct jf_job_progress *progress)
{
    if (!progress->is_done && progress->stage != NULL) {
        stage_show(context, progress->stage, progress->done_count, progress->total_count);
    }
}

static enum jf_exit directory_verify(const char *data, bool is_progress_forced,
                                     struct jf_verify_result *out_result)
{
    static struct jf_job_progress progress; // large
    struct jf_diagnosis diagnosis = {0};
    struct watch watch = {.is_forced = is_progress_forced};
    enum jf_error error = jf_verify_directory(data, on_directory, &watch, &progress, &diagnosis);
    if (watch.stage[0] != '\0') {
        jf_progress_end(&watch.progress, watch.progress.total);
    }
    if (error != JF_OK) {
        return jf_cli_diagnosed(&diagnosis);
    }
    *out_result = (struct jf_verify_result){.is_done = true,
                                            .ties = progress.ties,
                                            .position = progress.position,
                                            .entries = progress.entries,
                                            .members = progress.members,
                                            .rows = progress.rows,
                                            .balance_sum = progress.balance_sum,
                                            .elapsed_us = progress.elapsed_us};
    (void)snprintf(out_result->difference, sizeof(out_result->difference), "%s",
                   progress.difference);
    hex_format(progress.digest, out_result->digest);
    hex_format(progress.replay_digest, out_result->replay_digest);
    return JF_EXIT_OK;
}

enum jf_exit jf_cli_verify_run(struct jf_cli *cli, int argc, char **argv)
{
    const char *data = NULL;
    bool is_progress_forced = false;
    struct jf_session *session = NULL;
    struct jf_verify_result result = {0};
    const struct jf_option options[] = {
        {"--data", "DIR", JF_OPTION_TEXT, &data, "the data directory of a stopped ledger"},
        {"--progress", NULL, JF_OPTION_FLAG, &is_progress_forced,
         "show progress also without a terminal"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if (data != NULL) {
        code = directory_verify(data, is_progress_forced, &result);
    } else {
        code = jf_session_open(cli, 1, &session);
        if (code == JF_EXIT_OK) {
            code = jf_verify_live(session, is_progress_forced, &result);
        }
        jf_session_close(session);
    }
    if (code == JF_EXIT_OK) {
        code = jf_verify_show(&result, cli->is_json);
    }
    return jf_cli_finish(code);
}
