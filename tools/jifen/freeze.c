// jifen freeze, jifen thaw: whether a member may redeem. Fails: usage; refusals of Freeze.
#include "jifen/v1/members.pb-c.h"
#include "tools/jifen/member_request.h"
#include "tools/jifen/session.h"
#include "tools/jifen/show.h"

static const struct jf_cli_help freeze_help = {
    .usage = "jifen freeze NUMBER | --card CARD [--id ID]",
    .about = "Freezes a member: earning and returning go on, nothing can be redeemed.\n",
    .example = "  jifen freeze 4711\n",
    .arguments_max = 1,
};

static const struct jf_cli_help thaw_help = {
    .usage = "jifen thaw NUMBER | --card CARD [--id ID]",
    .about = "Makes a frozen member active again.\n",
    .example = "  jifen thaw 4711\n",
    .arguments_max = 1,
};

static enum jf_exit show(const ProtobufCMessage *message)
{
    const Jifen__V1__FreezeResponse *response = (const Jifen__V1__FreezeResponse *)message;
    return jf_show_outcome(response->outcome, response->replayed);
}

static enum jf_exit run(struct jf_cli *cli, int argc, char **argv, bool is_thaw)
{
    const char *card = NULL;
    const char *id = NULL;
    Jifen__V1__MemberRef member;
    Jifen__V1__FreezeRequest request = JIFEN__V1__FREEZE_REQUEST__INIT;
    const struct jf_option options[] = {
        {"--card", "CARD", JF_OPTION_TEXT, &card, "the member that this card leads to"},
        {"--id", "ID", JF_OPTION_TEXT, &id, "transaction id; default a new one"},
    };
    enum jf_exit code = jf_cli_parse(cli, is_thaw ? &thaw_help : &freeze_help, options,
                                     JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if (!jf_member_ref_take(cli, 0, card, &member)) {
        return jf_cli_usage(argv[0], "give a member's number, or --card, and not both");
    }
    request.member = &member;
    request.thaw = is_thaw;
    request.transaction_id = jf_transaction_id_take(id, argv[0]);
    struct jf_session_ask ask = {"/jifen.v1.Members/Freeze", &request.base,
                                 &jifen__v1__freeze_response__descriptor, show};
    return jf_session_ask(cli, &ask);
}

enum jf_exit jf_cli_freeze_run(struct jf_cli *cli, int argc, char **argv)
{
    return run(cli, argc, argv, false);
}

enum jf_exit jf_cli_thaw_run(struct jf_cli *cli, int argc, char **argv)
{
    return run(cli, argc, argv, true);
}
