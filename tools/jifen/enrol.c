// jifen enrol: a member begins. Fails: usage; refusals MEMBER_EXISTS, CARD_TAKEN, IN_FUTURE.
#include <inttypes.h>

#include "jifen/v1/members.pb-c.h"
#include "tools/jifen/decimal.h"
#include "tools/jifen/instant.h"
#include "tools/jifen/member_request.h"
#include "tools/jifen/session.h"
#include "tools/jifen/show.h"

static const struct jf_cli_help help = {
    .usage = "jifen enrol NUMBER --enrolled-on DATE [options]",
    .about =
        "Enrols a member under the number that the chain's CRM knows them by.\n"
        "Sales before the date are refused. No personal data is kept but month and day of birth.\n",
    .example = "  jifen enrol 4711 --enrolled-on 2017-01-01 --card 2900004711 --birthday 08-18\n",
    .arguments_min = 1,
    .arguments_max = 1,
};

static enum jf_exit show(const ProtobufCMessage *message)
{
    const Jifen__V1__EnrolResponse *response = (const Jifen__V1__EnrolResponse *)message;
    return jf_show_outcome(response->outcome, response->replayed);
}

enum jf_exit jf_cli_enrol_run(struct jf_cli *cli, int argc, char **argv)
{
    struct jf_cli_list cards = {.count = 0};
    jf_date enrolled_on = JF_DATE_NONE;
    const char *birthday = NULL;
    const char *tags = "";
    char default_id[64];
    Jifen__V1__EnrolRequest request = JIFEN__V1__ENROL_REQUEST__INIT;
    const char *id = default_id;
    const struct jf_option options[] = {
        {"--enrolled-on", "DATE", JF_OPTION_DATE, &enrolled_on, "first day of membership; needed"},
        {"--card", "CARD", JF_OPTION_LIST, &cards, "a card that leads to the member; up to 16"},
        {"--birthday", "MM-DD", JF_OPTION_TEXT, &birthday, "month and day of birth"},
        {"--store", "N", JF_OPTION_U32, &request.home_store, "home store"},
        {"--tags", "N,N", JF_OPTION_TEXT, &tags, "numbers of tags, 0 to 63"},
        {"--id", "ID", JF_OPTION_TEXT, &id, "transaction id; default enrol-NUMBER"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if (jf_decimal_parse_whole(jf_text_from(cli->arguments[0]), &request.number) != JF_OK) {
        return jf_cli_usage("enrol", "\"%s\" is not a member's number", cli->arguments[0]);
    }
    if (enrolled_on == JF_DATE_NONE) {
        return jf_cli_usage("enrol", "--enrolled-on is missing");
    }
    if (birthday != NULL &&
        !jf_birthday_parse(birthday, &request.birth_month, &request.birth_day)) {
        return jf_cli_usage("enrol", "--birthday: \"%s\" is not MM-DD", birthday);
    }
    if (!jf_tags_parse(tags, &request.tags)) {
        return jf_cli_usage("enrol", "--tags: \"%s\" is no list of numbers from 0 to 63", tags);
    }
    (void)snprintf(default_id, sizeof(default_id), "enrol-%" PRIu64, request.number);
    request.transaction_id = (char *)(uintptr_t)id;
    request.enrolled_on = jf_wire_date_from(enrolled_on);
    request.cards = (char **)(uintptr_t)cards.items;
    request.n_cards = cards.count;
    struct jf_session_ask ask = {"/jifen.v1.Members/Enrol", &request.base,
                                 &jifen__v1__enrol_response__descriptor, show};
    return jf_session_ask(cli, &ask);
}
