// jifen card: links one more card to a member, or unlinks one. Fails: usage; refusals of LinkCard
// and UnlinkCard.
#include <string.h>

#include "jifen/v1/members.pb-c.h"
#include "tools/jifen/decimal.h"
#include "tools/jifen/member_request.h"
#include "tools/jifen/session.h"
#include "tools/jifen/show.h"

static const struct jf_cli_help help = {
    .usage = "jifen card link CARD NUMBER | unlink CARD [--id ID]",
    .about = "Links a card to a member, whom other cards may lead to as well, or unlinks it: then\n"
             "it leads to nobody and may be linked again.\n",
    .example = "  jifen card link 2900004712 4711\n"
               "  jifen card unlink 2900004712\n",
    .arguments_min = 2,
    .arguments_max = 3,
};

static enum jf_exit link_show(const ProtobufCMessage *message)
{
    const Jifen__V1__LinkCardResponse *response = (const Jifen__V1__LinkCardResponse *)message;
    return jf_show_outcome(response->outcome, response->replayed);
}

static enum jf_exit unlink_show(const ProtobufCMessage *message)
{
    const Jifen__V1__UnlinkCardResponse *response = (const Jifen__V1__UnlinkCardResponse *)message;
    return jf_show_outcome(response->outcome, response->replayed);
}

static enum jf_exit link_run(const struct jf_cli *cli, const char *id)
{
    Jifen__V1__MemberRef member;
    Jifen__V1__LinkCardRequest request = JIFEN__V1__LINK_CARD_REQUEST__INIT;
    if (cli->argument_count != 3 || !jf_member_ref_take(cli, 2, NULL, &member)) {
        return jf_cli_usage("card", "give the card and a member's number: link CARD NUMBER");
    }
    request.member = &member;
    request.card = (char *)(uintptr_t)cli->arguments[1];
    request.transaction_id = jf_transaction_id_take(id, "link");
    struct jf_session_ask ask = {"/jifen.v1.Members/LinkCard", &request.base,
                                 &jifen__v1__link_card_response__descriptor, link_show};
    return jf_session_ask(cli, &ask);
}

static enum jf_exit unlink_run(const struct jf_cli *cli, const char *id)
{
    Jifen__V1__UnlinkCardRequest request = JIFEN__V1__UNLINK_CARD_REQUEST__INIT;
    if (cli->argument_count != 2) {
        return jf_cli_usage("card", "a card names its member: unlink CARD");
    }
    request.card = (char *)(uintptr_t)cli->arguments[1];
    request.transaction_id = jf_transaction_id_take(id, "unlink");
    struct jf_session_ask ask = {"/jifen.v1.Members/UnlinkCard", &request.base,
                                 &jifen__v1__unlink_card_response__descriptor, unlink_show};
    return jf_session_ask(cli, &ask);
}

enum jf_exit jf_cli_card_run(struct jf_cli *cli, int argc, char **argv)
{
    const char *id = NULL;
    const struct jf_option options[] = {
        {"--id", "ID", JF_OPTION_TEXT, &id, "transaction id; default a new one"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if (strcmp(cli->arguments[0], "link") == 0) {
        return link_run(cli, id);
    }
    if (strcmp(cli->arguments[0], "unlink") == 0) {
        return unlink_run(cli, id);
    }
    return jf_cli_usage("card", "\"%s\": link | unlink", cli->arguments[0]);
}
