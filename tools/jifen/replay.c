// jifen replay: the command line of a replay, and its summary.
// Fails: usage; the file or the zone cannot be read; bad lines (exit 4) and refusals (exit 1),
// after all others were posted.
#include "tools/jifen/replay.h"

#include <inttypes.h>

#include "tools/jifen/decimal.h"
#include "tools/jifen/json.h"

#define JF_CLI_REPLAY_CONCURRENCY 64u
#define JF_CLI_REPLAY_CONNECTIONS 4u

static const struct jf_cli_help help = {
    .usage = "jifen replay FILE.csv[.gz] [options]",
    .about =
        "Posts the receipts of a CSV file (RFC 4180), many calls at a time; a member's receipts "
        "one\n"
        "after the other. The first line names the columns: receipt_id, store_id, member_id, "
        "sold_at,\n"
        "sku, category, quantity, amount; lines of a receipt stand together. sold_at without an "
        "offset\n"
        "is local time of --zone. Puts the stores and enrols the members first.\n"
        "Bad lines are told by their number and leave their receipt out; the rest is posted (exit "
        "4).\n"
        "A file that is cut (a damaged gzip file; a last line without line end) is posted but for "
        "its\n"
        "last receipt. Lines of a receipt that come again later, apart, are a bad line.\n"
        "Can be run again after anything: what is posted already is answered as replayed. The\n"
        "transaction id of a receipt is STORE-YYYYMMDD-RECEIPT.\n"
        "With --json: "
        "{\"receipts\",\"lines\",\"bad_lines\",\"receipts_left_out\",\"stores\",\"members\",\n"
        "\"enrolled\",\"posted\",\"replayed\",\"refused\",\"points_granted\",\"retries\",\"elapsed_"
        "us\",\n"
        "\"receipts_per_second\",\"latency_us\":{\"p50\",\"p99\",\"p99_9\",\"max\"}}; latency is "
        "that of a call,\n"
        "durable, with --batch of a whole batch.\n",
    .example =
        "  jifen replay receipts-2017h1.csv.gz\n"
        "  jifen replay night.csv --zone Asia/Shanghai --entity 2 --batch 1000 --concurrency 4\n",
    .arguments_min = 1,
    .arguments_max = 1,
};

enum jf_exit jf_cli_replay_verdict(const struct jf_cli_replay *replay)
{
    if (replay->counts.lines_bad > 0) {
        return JF_EXIT_BAD_INPUT;
    }
    return replay->refused > 0 ? JF_EXIT_REFUSED : JF_EXIT_OK;
}

static uint64_t rate_of(const struct jf_cli_replay *replay)
{
    uint64_t elapsed_us = replay->pump.elapsed_ns / 1000u;
    uint64_t answered = replay->posted + replay->replayed + replay->refused;
    return elapsed_us == 0 ? 0 : answered * 1000000u / elapsed_us;
}

static uint64_t latency_us(const struct jf_cli_replay *replay, uint32_t per_million)
{
    return jf_histogram_quantile(&replay->pump.latency_ns, per_million) / 1000u;
}

void jf_cli_replay_json(const struct jf_cli_replay *replay, struct jf_json *json, const char *key)
{
    jf_json_object_begin(json, key);
    jf_json_unsigned(json, "receipts", replay->counts.receipts);
    jf_json_unsigned(json, "lines", replay->counts.lines);
    jf_json_unsigned(json, "bad_lines", replay->counts.lines_bad);
    jf_json_unsigned(json, "receipts_left_out", replay->counts.receipts_left_out);
    jf_json_unsigned(json, "stores", replay->stores.count);
    jf_json_unsigned(json, "members", replay->members.count);
    jf_json_unsigned(json, "enrolled", replay->enrolled);
    jf_json_unsigned(json, "posted", replay->posted);
    jf_json_unsigned(json, "replayed", replay->replayed);
    jf_json_unsigned(json, "refused", replay->refused);
    jf_json_number(json, "points_granted", replay->points_granted);
    jf_json_unsigned(json, "retries", replay->pump.retries);
    jf_json_unsigned(json, "elapsed_us", replay->pump.elapsed_ns / 1000u);
    jf_json_unsigned(json, "receipts_per_second", rate_of(replay));
    jf_json_object_begin(json, "latency_us");
    jf_json_unsigned(json, "p50", latency_us(replay, 500000));
    jf_json_unsigned(json, "p99", latency_us(replay, 990000));
    jf_json_unsigned(json, "p99_9", latency_us(replay, 999000));
    jf_json_unsigned(json, "max", replay->pump.latency_ns.max / 1000u);
    jf_json_object_end(json);
    jf_json_object_end(json);
}

static void figure(const char *name, uint64_t number, const char *after)
{
    char text[JF_DECIMAL_TEXT_SIZE];
    jf_decimal_format((int64_t)number, 0, true, text);
    (void)printf("  %-28s %14s%s\n", name, text, after);
}

static void milliseconds(const char *name, uint64_t us)
{
    char text[JF_DECIMAL_TEXT_SIZE];
    jf_decimal_format((int64_t)us, 3, true, text);
    (void)printf("  %-28s %14s ms\n", name, text);
}

void jf_cli_replay_show(const struct jf_cli_replay *replay)
{
    (void)printf("Replayed %s\n", replay->config.path);
    figure("receipts", replay->counts.receipts, "");
    figure("lines", replay->counts.lines, "");
    if (replay->counts.lines_bad > 0) {
        figure("bad lines", replay->counts.lines_bad, "");
        figure("receipts left out for them", replay->counts.receipts_left_out, "");
    }
    figure("stores", replay->stores.count, "");
    figure("members", replay->members.count, "");
    figure("newly enrolled", replay->enrolled, "");
    figure("posted", replay->posted, "");
    figure("posted before (replayed)", replay->replayed, "");
    figure("refused", replay->refused, "");
    figure("points granted", (uint64_t)replay->points_granted, "");
    figure("rate", rate_of(replay), " receipts/s");
    milliseconds("durable latency, p50", latency_us(replay, 500000));
    milliseconds("p99", latency_us(replay, 990000));
    milliseconds("p99.9", latency_us(replay, 999000));
    milliseconds("longest", replay->pump.latency_ns.max / 1000u);
}

static enum jf_exit replay_all(struct jf_cli_replay *replay)
{
    enum jf_exit code = jf_cli_replay_survey(replay);
    if (code == JF_EXIT_OK) {
        code = jf_cli_replay_prepare(replay);
    }
    return code == JF_EXIT_OK ? jf_cli_replay_post(replay) : code;
}

static enum jf_exit replay_session(struct jf_cli *cli, const struct jf_cli_replay_config *config,
                                   uint32_t connections)
{
    static struct jf_cli_replay replay; // the histogram is large
    struct jf_session *session = NULL;
    enum jf_exit code = jf_session_open(cli, connections, &session);
    if (code == JF_EXIT_OK) {
        code = jf_cli_replay_setup(&replay, session, config);
    }
    if (code == JF_EXIT_OK) {
        code = replay_all(&replay);
    }
    if (code == JF_EXIT_OK) {
        if (cli->is_json) {
            struct jf_json json = {.out = stdout};
            jf_cli_replay_json(&replay, &json, NULL);
            jf_json_end_line(&json);
        } else {
            jf_cli_replay_show(&replay);
        }
        code = jf_cli_replay_verdict(&replay);
    }
    jf_session_close(session);
    jf_cli_replay_deinit(&replay);
    return jf_cli_finish(code);
}

enum jf_exit jf_cli_replay_run(struct jf_cli *cli, int argc, char **argv)
{
    struct jf_cli_replay_config config = {.zone_name = "America/New_York",
                                          .entity = 1,
                                          .enrolled_on = JF_DATE_NONE,
                                          .concurrency = JF_CLI_REPLAY_CONCURRENCY,
                                          .batch = 1};
    uint32_t connections = JF_CLI_REPLAY_CONNECTIONS;
    const struct jf_option options[] = {
        {"--zone", "ZONE", JF_OPTION_TEXT, &config.zone_name,
         "time zone of the stores; default America/New_York"},
        {"--entity", "N", JF_OPTION_U32, &config.entity, "legal entity of the stores; default 1"},
        {"--enrolled-on", "DATE", JF_OPTION_DATE, &config.enrolled_on,
         "of the members; default the first date of the file"},
        {"--no-stores", NULL, JF_OPTION_FLAG, &config.is_without_stores, "they are there already"},
        {"--no-enrol", NULL, JF_OPTION_FLAG, &config.is_without_enrolment,
         "the members are there already"},
        {"--concurrency", "N", JF_OPTION_U32, &config.concurrency, "calls at a time; default 64"},
        {"--connections", "N", JF_OPTION_U32, &connections, "default 4"},
        {"--batch", "N", JF_OPTION_U32, &config.batch, "sales a call, 1 to 8192; default 1"},
        {"--progress", NULL, JF_OPTION_FLAG, &config.is_progress_forced,
         "show progress also without a terminal"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if (config.concurrency < 1 || config.concurrency > JF_PUMP_CALLS_MAX || connections < 1 ||
        connections > JF_SESSION_CONNECTIONS_MAX || config.batch < 1 ||
        config.batch > JF_BATCH_COUNT_MAX) {
        return jf_cli_usage("replay",
                            "--concurrency is 1 to %u, --connections 1 to %u, --batch 1 "
                            "to %u",
                            JF_PUMP_CALLS_MAX, JF_SESSION_CONNECTIONS_MAX, JF_BATCH_COUNT_MAX);
    }
    config.path = cli->arguments[0];
    return replay_session(cli, &config, connections);
}
