// jifen merge: two members become one. Fails: usage; refusals of Merge.
#include "jifen/v1/members.pb-c.h"
#include "tools/jifen/member_request.h"
#include "tools/jifen/session.h"
#include "tools/jifen/show.h"

static const struct jf_cli_help help = {
    .usage = "jifen merge FROM INTO [--id ID]",
    .about =
        "Makes two members one: points, cards, holds and counts of FROM go to INTO. It cannot\n"
        "be undone. FROM stays readable under its number; its sales may still be returned.\n",
    .example = "  jifen merge 4712 4711\n",
    .arguments_min = 2,
    .arguments_max = 2,
};

static enum jf_exit show(const ProtobufCMessage *message)
{
    const Jifen__V1__MergeResponse *response = (const Jifen__V1__MergeResponse *)message;
    enum jf_exit code = jf_show_outcome(response->outcome, response->replayed);
    return code == JF_EXIT_OK ? jf_show_trace(response->outcome, NULL) : code;
}

enum jf_exit jf_cli_merge_run(struct jf_cli *cli, int argc, char **argv)
{
    const char *id = NULL;
    Jifen__V1__MemberRef from;
    Jifen__V1__MemberRef into;
    Jifen__V1__MergeRequest request = JIFEN__V1__MERGE_REQUEST__INIT;
    const struct jf_option options[] = {
        {"--id", "ID", JF_OPTION_TEXT, &id, "transaction id; default a new one"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if (!jf_member_ref_take(cli, 0, NULL, &from) || !jf_member_ref_take(cli, 1, NULL, &into)) {
        return jf_cli_usage("merge", "FROM and INTO are members' numbers");
    }
    request.from = &from;
    request.into = &into;
    request.transaction_id = jf_transaction_id_take(id, "merge");
    struct jf_session_ask ask = {"/jifen.v1.Members/Merge", &request.base,
                                 &jifen__v1__merge_response__descriptor, show};
    return jf_session_ask(cli, &ask);
}
