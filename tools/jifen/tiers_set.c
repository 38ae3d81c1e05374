// jifen tiers set: a level given by hand. Fails: usage; refusals of SetTier.
#include "jifen/v1/members.pb-c.h"
#include "tools/jifen/instant.h"
#include "tools/jifen/member_request.h"
#include "tools/jifen/session.h"
#include "tools/jifen/show.h"
#include "tools/jifen/tiers.h"

static const struct jf_cli_help help = {
    .usage = "jifen tiers set (NUMBER | --card CARD) --tier NAME --operator WHO [--until DATE]",
    .about = "Gives a member a level by hand. No recalculation changes it until its last day is "
             "over; a\n"
             "sale may raise it further. Without --until it has no end.\n",
    .example = "  jifen tiers set 4711 --tier gold --until 2099-12-31 --operator anna\n",
    .arguments_min = 1,
    .arguments_max = 2,
};

static enum jf_exit show(const ProtobufCMessage *message)
{
    const Jifen__V1__SetTierResponse *response = (const Jifen__V1__SetTierResponse *)message;
    return jf_show_outcome(response->outcome, response->replayed);
}

enum jf_exit jf_tiers_set_run(struct jf_cli *cli, int argc, char **argv)
{
    const char *card = NULL;
    const char *id = NULL;
    const char *tier = NULL;
    const char *operator_name = NULL;
    jf_date until = JF_DATE_NONE;
    Jifen__V1__MemberRef member;
    Jifen__V1__SetTierRequest request = JIFEN__V1__SET_TIER_REQUEST__INIT;
    const struct jf_option options[] = {
        {"--card", "CARD", JF_OPTION_TEXT, &card, "the member that this card leads to"},
        {"--tier", "NAME", JF_OPTION_TEXT, &tier, "a level of the programme in force; needed"},
        {"--until", "DATE", JF_OPTION_DATE, &until, "last day; left out: no end"},
        {"--operator", "WHO", JF_OPTION_TEXT, &operator_name, "who does it; needed"},
        {"--id", "ID", JF_OPTION_TEXT, &id, "transaction id; default a new one"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    // The first argument is the word "set".
    if (!jf_member_ref_take(cli, 1, card, &member)) {
        return jf_cli_usage("tiers", "give a member's number, or --card, and not both");
    }
    if (tier == NULL || operator_name == NULL) {
        return jf_cli_usage("tiers", "give --tier and --operator");
    }
    request.member = &member;
    request.tier = (char *)(uintptr_t)tier;
    request.operator_ = (char *)(uintptr_t)operator_name;
    request.until = until == JF_DATE_NONE ? 0 : jf_wire_date_from(until);
    request.transaction_id = jf_transaction_id_take(id, "set-tier");
    struct jf_session_ask ask = {"/jifen.v1.Members/SetTier", &request.base,
                                 &jifen__v1__set_tier_response__descriptor, show};
    return jf_session_ask(cli, &ask);
}
