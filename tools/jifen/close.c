// jifen close: a membership ends. Fails: usage; refusals of Close.
#include "jifen/v1/members.pb-c.h"
#include "tools/jifen/member_request.h"
#include "tools/jifen/session.h"
#include "tools/jifen/show.h"

static const struct jf_cli_help help = {
    .usage = "jifen close NUMBER | --card CARD [--id ID]",
    .about =
        "Closes a member for good: sales are still returned, nothing is earned or redeemed any\n"
        "more. What happens to the balance says the programme: it is written off, or such a\n"
        "member is not closed.\n",
    .example = "  jifen close 4711\n",
    .arguments_max = 1,
};

static enum jf_exit show(const ProtobufCMessage *message)
{
    const Jifen__V1__CloseResponse *response = (const Jifen__V1__CloseResponse *)message;
    enum jf_exit code = jf_show_outcome(response->outcome, response->replayed);
    return code == JF_EXIT_OK ? jf_show_trace(response->outcome, NULL) : code;
}

enum jf_exit jf_cli_close_run(struct jf_cli *cli, int argc, char **argv)
{
    const char *card = NULL;
    const char *id = NULL;
    Jifen__V1__MemberRef member;
    Jifen__V1__CloseRequest request = JIFEN__V1__CLOSE_REQUEST__INIT;
    const struct jf_option options[] = {
        {"--card", "CARD", JF_OPTION_TEXT, &card, "the member that this card leads to"},
        {"--id", "ID", JF_OPTION_TEXT, &id, "transaction id; default a new one"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if (!jf_member_ref_take(cli, 0, card, &member)) {
        return jf_cli_usage("close", "give a member's number, or --card, and not both");
    }
    request.member = &member;
    request.transaction_id = jf_transaction_id_take(id, "close");
    struct jf_session_ask ask = {"/jifen.v1.Members/Close", &request.base,
                                 &jifen__v1__close_response__descriptor, show};
    return jf_session_ask(cli, &ask);
}
