// jifen hold: points set aside for a payment in progress. Fails: usage; the refusals of Hold.
#include "tools/jifen/sale_request.h"
#include "tools/jifen/session.h"
#include "tools/jifen/show.h"

static const struct jf_cli_help help = {
    .usage = "jifen hold (--member NUMBER | --card CARD) --store N --at INSTANT --points N\n"
             "       --until INSTANT [options]",
    .about =
        "Sets points aside, soonest expiry first, until they are captured or voided under the\n"
        "--id that this hold has. After --until they count as never held.\n",
    .example = "  jifen hold --member 4711 --store 319 --at 2017-06-30T18:00:00Z --points 500 \\\n"
               "      --until 2017-06-30T18:15:00Z --id 319-7-20170630-h1\n"
               "  jifen capture 319-7-20170630-h1 --at 2017-06-30T18:01:00Z\n",
};

static enum jf_exit show(const ProtobufCMessage *message)
{
    const Jifen__V1__HoldResponse *response = (const Jifen__V1__HoldResponse *)message;
    return jf_show_outcome(response->outcome, response->replayed);
}

enum jf_exit jf_cli_hold_run(struct jf_cli *cli, int argc, char **argv)
{
    uint64_t number = 0;
    const char *card = NULL;
    const char *reward = "";
    const char *id = NULL;
    Jifen__V1__MemberRef member;
    Jifen__V1__HoldRequest request = JIFEN__V1__HOLD_REQUEST__INIT;
    request.held_at_ms = -1;
    request.deadline_ms = -1;
    const struct jf_option options[] = {
        {"--member", "NUMBER", JF_OPTION_U64, &number, "the member"},
        {"--card", "CARD", JF_OPTION_TEXT, &card, "or one of the member's cards"},
        {"--store", "N", JF_OPTION_U32, &request.store, "the store"},
        {"--terminal", "N", JF_OPTION_U32, &request.terminal, "the till; default 0"},
        {"--at", "INSTANT", JF_OPTION_INSTANT, &request.held_at_ms, "when"},
        {"--points", "N", JF_OPTION_POINTS, &request.points, "how many"},
        {"--until", "INSTANT", JF_OPTION_INSTANT, &request.deadline_ms,
         "the last instant of a capture, up to 30 days later"},
        {"--reward", "TEXT", JF_OPTION_TEXT, &reward, "what for, as for jifen redeem"},
        {"--id", "ID", JF_OPTION_TEXT, &id, "transaction id; default a new one"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if (!jf_member_ref_fill(number, card, &member)) {
        return jf_cli_usage("hold", "give --member or --card, and not both");
    }
    if (request.store == 0 || request.held_at_ms < 0 || request.points == 0 ||
        request.deadline_ms < 0) {
        return jf_cli_usage("hold", "--store, --at, --points and --until are needed");
    }
    if (id == NULL) {
        id = jf_cli_new_id("hold");
        (void)fprintf(stderr, "jifen: --id %s\n", id);
    }
    request.transaction_id = (char *)(uintptr_t)id;
    request.reward = (char *)(uintptr_t)reward;
    request.member = &member;
    struct jf_session_ask ask = {"/jifen.v1.Ledger/Hold", &request.base,
                                 &jifen__v1__hold_response__descriptor, show};
    return jf_session_ask(cli, &ask);
}
