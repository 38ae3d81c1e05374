// jifen adjust: points credited or debited by hand. Fails: usage; refusals of Adjust.
#include "jifen/v1/members.pb-c.h"
#include "tools/jifen/member_request.h"
#include "tools/jifen/session.h"
#include "tools/jifen/show.h"

static const struct jf_cli_help help = {
    .usage = "jifen adjust NUMBER | --card CARD --credit N | --debit N --reason CODE\n"
             "             --operator NAME --entity N --at INSTANT [options]",
    .about = "Credits or debits points by hand. Above the programme's limit a second person must\n"
             "approve: --approver, who is not the operator.\n"
             "Repeat with the --id that was printed if you do not know whether it arrived.\n",
    .example = "  jifen adjust 4711 --credit 200 --reason goodwill --operator ann --entity 1 \\\n"
               "      --at 2017-06-30T18:00:00Z --approver bob\n",
    .arguments_max = 1,
};

static enum jf_exit show(const ProtobufCMessage *message)
{
    const Jifen__V1__AdjustResponse *response = (const Jifen__V1__AdjustResponse *)message;
    enum jf_exit code = jf_show_outcome(response->outcome, response->replayed);
    return code == JF_EXIT_OK ? jf_show_trace(response->outcome, NULL) : code;
}

enum jf_exit jf_cli_adjust_run(struct jf_cli *cli, int argc, char **argv)
{
    const char *card = NULL;
    const char *reason = "";
    const char *operator_name = "";
    const char *approver = "";
    const char *id = NULL;
    int64_t credit = 0;
    int64_t debit = 0;
    Jifen__V1__MemberRef member;
    Jifen__V1__AdjustRequest request = JIFEN__V1__ADJUST_REQUEST__INIT;
    request.adjusted_at_ms = -1;
    const struct jf_option options[] = {
        {"--card", "CARD", JF_OPTION_TEXT, &card, "the member that this card leads to"},
        {"--credit", "N", JF_OPTION_POINTS, &credit, "points to be given"},
        {"--debit", "N", JF_OPTION_POINTS, &debit, "or points to be taken"},
        {"--reason", "CODE", JF_OPTION_TEXT, &reason, "why, up to 64 bytes; needed"},
        {"--operator", "NAME", JF_OPTION_TEXT, &operator_name, "who does it; needed"},
        {"--approver", "NAME", JF_OPTION_TEXT, &approver, "a second person who approves it"},
        {"--entity", "N", JF_OPTION_U32, &request.entity, "legal entity that bears it; needed"},
        {"--at", "INSTANT", JF_OPTION_INSTANT, &request.adjusted_at_ms, "when; needed"},
        {"--id", "ID", JF_OPTION_TEXT, &id, "transaction id; default a new one"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if (!jf_member_ref_take(cli, 0, card, &member)) {
        return jf_cli_usage("adjust", "give a member's number, or --card, and not both");
    }
    if ((credit == 0) == (debit == 0)) {
        return jf_cli_usage("adjust", "give --credit or --debit, and not both");
    }
    if (reason[0] == '\0' || operator_name[0] == '\0' || request.entity == 0 ||
        request.adjusted_at_ms < 0) {
        return jf_cli_usage("adjust", "--reason, --operator, --entity and --at are needed");
    }
    request.member = &member;
    request.points = credit - debit;
    request.reason_code = (char *)(uintptr_t)reason;
    request.operator_ = (char *)(uintptr_t)operator_name;
    request.approver = (char *)(uintptr_t)approver;
    request.transaction_id = jf_transaction_id_take(id, "adjust");
    struct jf_session_ask ask = {"/jifen.v1.Members/Adjust", &request.base,
                                 &jifen__v1__adjust_response__descriptor, show};
    return jf_session_ask(cli, &ask);
}
