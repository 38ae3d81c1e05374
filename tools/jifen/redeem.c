// jifen redeem: points for a reward or money off, outside a sale. Fails: usage; the refusals of
// Redeem.
#include "tools/jifen/member_request.h"
#include "tools/jifen/sale_request.h"
#include "tools/jifen/session.h"
#include "tools/jifen/show.h"

static const struct jf_cli_help help = {
    .usage =
        "jifen redeem (--member NUMBER | --card CARD) --store N --at INSTANT --points N [options]",
    .about = "Spends points outside a sale, soonest expiry first: for a reward of the programme's\n"
             "catalogue, or for money off.\n"
             "Repeat with the --id that was printed if you do not know whether it arrived.\n",
    .example =
        "  jifen redeem --member 4711 --store 319 --at 2017-06-30T18:00:00Z --points 500 \\\n"
        "      --reward mug\n",
};

static enum jf_exit show(const ProtobufCMessage *message)
{
    const Jifen__V1__RedeemResponse *response = (const Jifen__V1__RedeemResponse *)message;
    return jf_show_outcome(response->outcome, response->replayed);
}

enum jf_exit jf_cli_redeem_run(struct jf_cli *cli, int argc, char **argv)
{
    uint64_t number = 0;
    const char *card = NULL;
    const char *reward = "";
    const char *id = NULL;
    Jifen__V1__MemberRef member;
    Jifen__V1__RedeemRequest request = JIFEN__V1__REDEEM_REQUEST__INIT;
    request.redeemed_at_ms = -1;
    const struct jf_option options[] = {
        {"--member", "NUMBER", JF_OPTION_U64, &number, "the member"},
        {"--card", "CARD", JF_OPTION_TEXT, &card, "or one of the member's cards"},
        {"--store", "N", JF_OPTION_U32, &request.store, "the store"},
        {"--terminal", "N", JF_OPTION_U32, &request.terminal, "the till; default 0"},
        {"--at", "INSTANT", JF_OPTION_INSTANT, &request.redeemed_at_ms, "when"},
        {"--points", "N", JF_OPTION_POINTS, &request.points, "how many"},
        {"--reward", "CODE", JF_OPTION_TEXT, &reward,
         "what for: a code of the catalogue; any word without one"},
        {"--id", "ID", JF_OPTION_TEXT, &id, "transaction id; default a new one"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if (!jf_member_ref_fill(number, card, &member)) {
        return jf_cli_usage("redeem", "give --member or --card, and not both");
    }
    if (request.store == 0 || request.redeemed_at_ms < 0 || request.points == 0) {
        return jf_cli_usage("redeem", "--store, --at and --points are needed");
    }
    request.transaction_id = jf_transaction_id_take(id, "redeem");
    request.reward = (char *)(uintptr_t)reward;
    request.member = &member;
    struct jf_session_ask ask = {"/jifen.v1.Ledger/Redeem", &request.base,
                                 &jifen__v1__redeem_response__descriptor, show};
    return jf_session_ask(cli, &ask);
}
