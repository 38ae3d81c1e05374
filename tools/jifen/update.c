// jifen update: replaces what is known of a member, or forgets what leads to a person. What is not
// given is asked of the ledger first and sent again. Fails: usage; refusals of UpdateMember.
#include "jifen/v1/members.pb-c.h"
#include "tools/jifen/decimal.h"
#include "tools/jifen/member_request.h"
#include "tools/jifen/session.h"
#include "tools/jifen/show.h"

static const struct jf_cli_help help = {
    .usage = "jifen update NUMBER | --card CARD [options]",
    .about =
        "Replaces birthday, home store or tags of a member; what is not given stays as it is.\n"
        "With --erase the member's cards lead nowhere any more and the birthday is forgotten;\n"
        "the postings stay.\n",
    .example = "  jifen update 4711 --birthday 08-18 --store 319 --tags 3,7\n"
               "  jifen update 4711 --erase\n",
    .arguments_max = 1,
};

static enum jf_exit show(const ProtobufCMessage *message)
{
    const Jifen__V1__UpdateMemberResponse *response =
        (const Jifen__V1__UpdateMemberResponse *)message;
    return jf_show_outcome(response->outcome, response->replayed);
}

// Fills the request with what the ledger knows of its member.
static enum jf_exit known_take(const struct jf_cli *cli, Jifen__V1__UpdateMemberRequest *request)
{
    struct jf_session *session = NULL;
    const ProtobufCMessage *answer = NULL;
    Jifen__V1__GetMemberRequest question = JIFEN__V1__GET_MEMBER_REQUEST__INIT;
    question.member = request->member;
    enum jf_exit code = jf_session_open(cli, 1, &session);
    if (code == JF_EXIT_OK) {
        code = jf_session_call(session, "/jifen.v1.Ledger/GetMember", &question.base,
                               &jifen__v1__get_member_response__descriptor, &answer);
    }
    if (code == JF_EXIT_OK) {
        const Jifen__V1__Member *known = ((const Jifen__V1__GetMemberResponse *)answer)->member;
        if (known == NULL) {
            code = jf_cli_fail(JF_EXIT_UNAVAILABLE, "the ledger's answer has no member");
        } else {
            request->birth_month = known->birth_month;
            request->birth_day = known->birth_day;
            request->home_store = known->home_store;
            request->tags = known->tags;
        }
    }
    jf_session_close(session);
    return code;
}

// What the command line says; NULL where it does not.
struct changes {
    const char *birthday; // "": no longer given
    const char *store;
    const char *tags;
};

static bool changes_apply(const struct changes *changes, Jifen__V1__UpdateMemberRequest *request)
{
    bool is_birthday_forgotten =
        request->erase || (changes->birthday != NULL && changes->birthday[0] == '\0');
    if (is_birthday_forgotten) {
        request->birth_month = 0;
        request->birth_day = 0;
    } else if (changes->birthday != NULL &&
               !jf_birthday_parse(changes->birthday, &request->birth_month, &request->birth_day)) {
        return false;
    }
    uint64_t store = request->home_store;
    if (changes->store != NULL &&
        (jf_decimal_parse_whole(jf_text_from(changes->store), &store) != JF_OK ||
         store > UINT32_MAX)) {
        return false;
    }
    request->home_store = (uint32_t)store;
    return changes->tags == NULL || jf_tags_parse(changes->tags, &request->tags);
}

enum jf_exit jf_cli_update_run(struct jf_cli *cli, int argc, char **argv)
{
    const char *card = NULL;
    const char *id = NULL;
    bool is_erase = false;
    struct changes changes = {NULL, NULL, NULL};
    Jifen__V1__MemberRef member;
    Jifen__V1__UpdateMemberRequest request = JIFEN__V1__UPDATE_MEMBER_REQUEST__INIT;
    const struct jf_option options[] = {
        {"--card", "CARD", JF_OPTION_TEXT, &card, "the member that this card leads to"},
        {"--birthday", "MM-DD", JF_OPTION_TEXT, &changes.birthday,
         "month and day of birth; \"\" for none"},
        {"--store", "N", JF_OPTION_TEXT, &changes.store, "home store; 0 for none"},
        {"--tags", "N,N", JF_OPTION_TEXT, &changes.tags, "numbers of tags, 0 to 63; \"\" for none"},
        {"--erase", NULL, JF_OPTION_FLAG, &is_erase, "unlink all cards, forget the birthday"},
        {"--id", "ID", JF_OPTION_TEXT, &id, "transaction id; default a new one"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    request.erase = is_erase;
    request.member = &member;
    if (!jf_member_ref_take(cli, 0, card, &member)) {
        return jf_cli_usage("update", "give a member's number, or --card, and not both");
    }
    if (!changes_apply(&changes, &request)) { // before the ledger is asked
        return jf_cli_usage("update", "--birthday is MM-DD, --store a number, --tags numbers from "
                                      "0 to 63 with commas between them");
    }
    code = known_take(cli, &request);
    if (code != JF_EXIT_OK) {
        return jf_cli_finish(code);
    }
    (void)changes_apply(&changes, &request);
    request.transaction_id = jf_transaction_id_take(id, "update");
    struct jf_session_ask ask = {"/jifen.v1.Members/UpdateMember", &request.base,
                                 &jifen__v1__update_member_response__descriptor, show};
    return jf_session_ask(cli, &ask);
}
