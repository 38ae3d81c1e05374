// jifen transfer: points go from member to member. Fails: usage; refusals of Transfer.
#include "jifen/v1/members.pb-c.h"
#include "tools/jifen/member_request.h"
#include "tools/jifen/session.h"
#include "tools/jifen/show.h"

static const struct jf_cli_help help = {
    .usage = "jifen transfer FROM TO --points N --operator NAME --at INSTANT [--id ID]",
    .about = "Moves points from one member to another: soonest expiry first, and they keep it.\n"
             "Repeat with the --id that was printed if you do not know whether it arrived.\n",
    .example = "  jifen transfer 4711 4712 --points 500 --operator ann --at 2017-06-30T18:00:00Z\n",
    .arguments_min = 2,
    .arguments_max = 2,
};

static enum jf_exit show(const ProtobufCMessage *message)
{
    const Jifen__V1__TransferResponse *response = (const Jifen__V1__TransferResponse *)message;
    enum jf_exit code = jf_show_outcome(response->outcome, response->replayed);
    return code == JF_EXIT_OK ? jf_show_trace(response->outcome, NULL) : code;
}

enum jf_exit jf_cli_transfer_run(struct jf_cli *cli, int argc, char **argv)
{
    const char *operator_name = "";
    const char *id = NULL;
    Jifen__V1__MemberRef from;
    Jifen__V1__MemberRef to;
    Jifen__V1__TransferRequest request = JIFEN__V1__TRANSFER_REQUEST__INIT;
    request.transferred_at_ms = -1;
    const struct jf_option options[] = {
        {"--points", "N", JF_OPTION_POINTS, &request.points, "how many; needed"},
        {"--operator", "NAME", JF_OPTION_TEXT, &operator_name, "who does it; needed"},
        {"--at", "INSTANT", JF_OPTION_INSTANT, &request.transferred_at_ms, "when; needed"},
        {"--id", "ID", JF_OPTION_TEXT, &id, "transaction id; default a new one"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if (!jf_member_ref_take(cli, 0, NULL, &from) || !jf_member_ref_take(cli, 1, NULL, &to)) {
        return jf_cli_usage("transfer", "FROM and TO are members' numbers");
    }
    if (request.points == 0 || operator_name[0] == '\0' || request.transferred_at_ms < 0) {
        return jf_cli_usage("transfer", "--points, --operator and --at are needed");
    }
    request.from = &from;
    request.to = &to;
    request.operator_ = (char *)(uintptr_t)operator_name;
    request.transaction_id = jf_transaction_id_take(id, "transfer");
    struct jf_session_ask ask = {"/jifen.v1.Members/Transfer", &request.base,
                                 &jifen__v1__transfer_response__descriptor, show};
    return jf_session_ask(cli, &ask);
}
