// jifen demo: a day at the tills. Replays receipts, redeems for the members with the most points,
// returns some lines and one receipt, recalculates tiers, verifies, and prints what happened.
// Fails: whatever its steps fail with; what does not tie is exit 5.
#include "tools/jifen/demo.h"

#include <inttypes.h>

#include "base/limits.h"
#include "tools/jifen/instant.h"
#include "tools/jifen/sale_request.h"

#define JF_DEMO_HOUR_MS 3600000

static const struct jf_cli_help help = {
    .usage = "jifen demo FILE.csv[.gz] [options]",
    .about =
        "Plays a day at the tills against a running ledger that has a programme: replays the "
        "file,\n"
        "redeems half of what the ten members with the most points have, returns the first line "
        "of\n"
        "every 500th receipt and one receipt whole, previews and runs the recalculation of tiers,\n"
        "verifies, and prints what happened. Exit code 5 if anything does not tie.\n"
        "With --json: "
        "{\"replay\",\"redemptions\",\"points_redeemed\",\"returns\",\"points_clawed_back\",\n"
        "\"points_given_back\",\"tier_changes\",\"status\",\"members\",\"verify\"}.\n",
    .example = "  jifen programme publish tools/samples/programme-us-drug.yaml\n"
               "  jifen generate > week.csv\n"
               "  jifen demo week.csv\n",
    .arguments_min = 1,
    .arguments_max = 1,
};

static struct jf_demo demo_memory; // large

static void return_note(void *context, uint64_t index, const struct jf_receipt *receipt)
{
    struct jf_demo *demo = context;
    bool is_whole = index == JF_DEMO_WHOLE_AT;
    bool is_due = is_whole || index % JF_DEMO_RETURN_EVERY == JF_DEMO_RETURN_EVERY - 1;
    if (!is_due || demo->return_count == JF_DEMO_RETURNS_MAX) {
        return;
    }
    struct jf_demo_return *row = &demo->returns[demo->return_count++];
    char id[JF_TRANSACTION_ID_SIZE];
    jf_sale_request_id(receipt, id);
    (void)snprintf(row->sale, sizeof(row->sale), "%.47s", id);
    row->store = receipt->store;
    row->is_whole = is_whole;
}

// Keeps the ten largest, most points first; of equals the one seen first.
static void largest_note(struct jf_demo *demo, uint64_t number, int64_t available)
{
    uint32_t at = demo->largest_count;
    while (at > 0 && demo->largest[at - 1].available < available) {
        at--;
    }
    if (at == JF_DEMO_REDEEMERS) {
        return;
    }
    uint32_t kept =
        demo->largest_count < JF_DEMO_REDEEMERS ? demo->largest_count : JF_DEMO_REDEEMERS - 1;
    for (uint32_t to = kept; to > at; to--) {
        demo->largest[to] = demo->largest[to - 1];
    }
    demo->largest[at] = (struct jf_demo_member){number, available};
    demo->largest_count = kept + 1;
}

static enum jf_exit redeem(struct jf_demo *demo, const struct jf_demo_member *row)
{
    char id[JF_TRANSACTION_ID_SIZE];
    char reward[] = "demo";
    Jifen__V1__MemberRef member;
    Jifen__V1__RedeemRequest request = JIFEN__V1__REDEEM_REQUEST__INIT;
    const ProtobufCMessage *message = NULL;
    request.points = row->available / 2 / demo->step * demo->step;
    if (request.points == 0 || !jf_member_ref_fill(row->number, NULL, &member)) {
        return JF_EXIT_OK;
    }
    (void)snprintf(id, sizeof(id), "demo-redeem-%" PRIu64, row->number);
    request.transaction_id = id;
    request.member = &member;
    request.store = demo->replay.last_store;
    request.terminal = 1;
    request.redeemed_at_ms = demo->replay.last_sold_at_ms + JF_DEMO_HOUR_MS;
    request.reward = reward;
    enum jf_exit code = jf_session_call(demo->session, "/jifen.v1.Ledger/Redeem", &request.base,
                                        &jifen__v1__redeem_response__descriptor, &message);
    if (code == JF_EXIT_OK) {
        const Jifen__V1__RedeemResponse *response = (const Jifen__V1__RedeemResponse *)message;
        demo->redemptions++;
        demo->points_redeemed += response->outcome == NULL ? 0 : response->outcome->points_redeemed;
    }
    return code;
}

static enum jf_exit redeem_all(struct jf_demo *demo)
{
    for (uint32_t at = 0; at < demo->replay.members.count; at++) {
        largest_note(demo, demo->replay.members.numbers[at],
                     demo->replay.member_states[at].available);
    }
    enum jf_exit code = JF_EXIT_OK;
    for (uint32_t at = 0; at < demo->largest_count && code == JF_EXIT_OK; at++) {
        code = redeem(demo, &demo->largest[at]);
    }
    return code;
}

static enum jf_exit return_post(struct jf_demo *demo, const struct jf_demo_return *row)
{
    char id[JF_TRANSACTION_ID_SIZE];
    char sale[sizeof(row->sale)];
    Jifen__V1__ReturnLine line = JIFEN__V1__RETURN_LINE__INIT;
    Jifen__V1__ReturnLine *lines[] = {&line};
    Jifen__V1__PostReturnRequest request = JIFEN__V1__POST_RETURN_REQUEST__INIT;
    const ProtobufCMessage *message = NULL;
    memcpy(sale, row->sale, sizeof(sale));
    (void)snprintf(id, sizeof(id), "demo-return-%.47s", row->sale);
    line.line_number = 1;
    line.whole = true;
    request.transaction_id = id;
    request.sale_transaction_id = sale;
    request.store = row->store;
    request.terminal = 1;
    request.returned_at_ms = demo->replay.last_sold_at_ms + 2 * JF_DEMO_HOUR_MS;
    request.all = row->is_whole;
    request.lines = lines;
    request.n_lines = row->is_whole ? 0 : 1;
    enum jf_exit code = jf_session_call(demo->session, "/jifen.v1.Ledger/PostReturn", &request.base,
                                        &jifen__v1__post_return_response__descriptor, &message);
    const Jifen__V1__PostReturnResponse *response = (const Jifen__V1__PostReturnResponse *)message;
    if (code == JF_EXIT_OK && response->outcome != NULL) {
        demo->returns_posted++;
        demo->points_clawed_back -= response->outcome->points_granted;
        demo->points_given_back -= response->outcome->points_redeemed;
    }
    return code;
}

static enum jf_exit return_all(struct jf_demo *demo)
{
    struct jf_progress progress;
    enum jf_exit code = JF_EXIT_OK;
    jf_progress_begin(&progress, "returns", demo->return_count,
                      demo->replay.config.is_progress_forced);
    for (uint32_t at = 0; at < demo->return_count && code == JF_EXIT_OK; at++) {
        code = return_post(demo, &demo->returns[at]);
        jf_progress_show(&progress, at + 1);
    }
    jf_progress_end(&progress, demo->returns_posted);
    return code;
}

static enum jf_exit tiers_all(struct jf_demo *demo)
{
    struct jf_local_time local = jf_zone_local(demo->replay.zone, demo->replay.last_sold_at_ms);
    struct jf_tiers_input input = {.run_id = "demo",
                                   .as_of = jf_wire_date_from(local.date),
                                   .is_preview = true,
                                   .is_progress_forced = demo->replay.config.is_progress_forced};
    enum jf_exit code = jf_tiers_recalculate(demo->session, &input, &demo->preview);
    if (code == JF_EXIT_OK) {
        input.is_preview = false;
        code = jf_tiers_recalculate(demo->session, &input, &demo->run);
    }
    return code;
}

static enum jf_exit day_play(struct jf_demo *demo)
{
    enum jf_exit (*const steps[])(struct jf_demo *) = {redeem_all, return_all, tiers_all};
    struct jf_cli_replay *replay = &demo->replay;
    enum jf_exit code = jf_cli_replay_survey(replay);
    if (code == JF_EXIT_OK) {
        code = jf_cli_replay_prepare(replay);
    }
    if (code == JF_EXIT_OK) {
        code = jf_cli_replay_post(replay);
    }
    for (uint32_t at = 0; at < sizeof(steps) / sizeof(steps[0]) && code == JF_EXIT_OK; at++) {
        code = steps[at](demo);
    }
    if (code == JF_EXIT_OK) {
        code = jf_verify_live(demo->session, replay->config.is_progress_forced, &demo->verify);
    }
    return code;
}

enum jf_exit jf_cli_demo_run(struct jf_cli *cli, int argc, char **argv)
{
    struct jf_demo *demo = &demo_memory;
    struct jf_cli_replay_config config = {.zone_name = "America/New_York",
                                          .entity = 1,
                                          .enrolled_on = JF_DATE_NONE,
                                          .concurrency = 64,
                                          .batch = 1,
                                          .on_receipt = return_note,
                                          .context = demo};
    demo->step = 100;
    const struct jf_option options[] = {
        {"--zone", "ZONE", JF_OPTION_TEXT, &config.zone_name,
         "time zone of the stores; default America/New_York"},
        {"--step", "POINTS", JF_OPTION_POINTS, &demo->step,
         "redeem multiples of this; default 100"},
        {"--progress", NULL, JF_OPTION_FLAG, &config.is_progress_forced,
         "show progress also without a terminal"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if (demo->step < 1) {
        return jf_cli_usage("demo", "--step is 1 or above");
    }
    config.path = cli->arguments[0];
    code = jf_session_open(cli, 4, &demo->session);
    if (code == JF_EXIT_OK) {
        code = jf_cli_replay_setup(&demo->replay, demo->session, &config);
    }
    if (code == JF_EXIT_OK) {
        code = day_play(demo);
    }
    if (code == JF_EXIT_OK) {
        code = jf_demo_report(demo, cli->is_json);
    }
    jf_session_close(demo->session);
    jf_cli_replay_deinit(&demo->replay);
    return jf_cli_finish(code);
}
