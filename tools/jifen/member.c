// jifen member: what a member has. Fails: usage; refusals UNKNOWN_MEMBER, UNKNOWN_CARD.
#include <inttypes.h>

#include "tools/jifen/instant.h"
#include "tools/jifen/member_request.h"
#include "tools/jifen/session.h"
#include "tools/jifen/show.h"
#include "tools/jifen/table.h"

static const struct jf_cli_help help = {
    .usage = "jifen member NUMBER | --card CARD [--as-of DATE]",
    .about = "Shows a member: balance, tier, activity class, and the lots that the points lie in, "
             "soonest expiry first.\n",
    .example = "  jifen member 4711 --as-of 2017-06-30\n"
               "  jifen member --card 2900004711 --json\n",
    .arguments_max = 1,
};

static enum jf_exit lots_show(const Jifen__V1__Member *member)
{
    static const struct jf_table_column columns[] = {
        {"AVAILABLE ON", false}, {"EXPIRES AFTER", false}, {"ENTITY", true},
        {"GRANTED", true},       {"REMAINING", true},      {"EXPIRED", true}};
    struct jf_table *table = NULL;
    if (member->n_lots == 0) {
        return JF_EXIT_OK;
    }
    if (jf_table_create(columns, 6, &table) != JF_OK) {
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "out of memory");
    }
    for (size_t at = 0; at < member->n_lots; at++) {
        const Jifen__V1__Lot *lot = member->lots[at];
        jf_table_row(table);
        jf_table_wire_date(table, lot->available_on, "at once");
        jf_table_wire_date(table, lot->expires_on, "never");
        jf_table_number(table, lot->entity);
        jf_table_number(table, lot->granted);
        jf_table_number(table, lot->remaining);
        jf_table_number(table, lot->expired);
    }
    (void)putchar('\n');
    return jf_show_table(table);
}

static enum jf_exit holds_show(const Jifen__V1__Member *member)
{
    static const struct jf_table_column columns[] = {
        {"HOLD", true}, {"UNTIL", false}, {"POINTS", true}};
    struct jf_table *table = NULL;
    if (member->n_holds == 0) {
        return JF_EXIT_OK;
    }
    if (jf_table_create(columns, 3, &table) != JF_OK) {
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "out of memory");
    }
    for (size_t at = 0; at < member->n_holds; at++) {
        const Jifen__V1__Hold *hold = member->holds[at];
        char until[JF_INSTANT_TEXT_SIZE];
        int64_t points = 0;
        for (size_t part = 0; part < hold->n_parts; part++) {
            points += hold->parts[part]->points;
        }
        jf_instant_format(hold->deadline_ms, until);
        jf_table_row(table);
        jf_table_number(table, (int64_t)hold->position);
        jf_table_text(table, until);
        jf_table_number(table, points);
    }
    (void)putchar('\n');
    return jf_show_table(table);
}

static const char *status_name(Jifen__V1__MemberStatus status)
{
    static const char *const names[] = {"?", "active", "frozen: cannot redeem", "closed",
                                        "merged: became another member"};
    return (size_t)status < sizeof(names) / sizeof(names[0]) ? names[status] : "?";
}

static void class_show(const Jifen__V1__Member *member)
{
    if (member->activity_class == 0) {
        return; // not judged yet, or a programme without classes
    }
    if (member->activity_class_name != NULL && member->activity_class_name[0] != '\0') {
        (void)printf("Activity class: %s.\n", member->activity_class_name);
    } else {
        (void)printf("Activity class: number %" PRIu32
                     ", which the programme in force does not have.\n",
                     member->activity_class);
    }
}

static enum jf_exit show(const ProtobufCMessage *message)
{
    const Jifen__V1__Member *member = ((const Jifen__V1__GetMemberResponse *)message)->member;
    char date[JF_DATE_TEXT_SIZE];
    if (member == NULL) {
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "the ledger's answer has no member");
    }
    jf_wire_date_format(member->enrolled_on, date);
    (void)printf("Member %" PRIu64 ", %s, enrolled on %s", member->number,
                 status_name(member->status), date);
    if (member->birth_month != 0) {
        (void)printf(", birthday %02" PRIu32 "-%02" PRIu32, member->birth_month, member->birth_day);
    }
    (void)printf(".\nTier: %s (level %" PRIu32 ")", member->tier_name, member->tier);
    if (member->tier_since != 0) {
        jf_wire_date_format(member->tier_since, date);
        (void)printf(" since %s", date);
    }
    (void)printf("; %" PRIu32 " visit%s.\n", member->visits, member->visits == 1 ? "" : "s");
    class_show(member);
    if (member->merged_into != 0) {
        (void)printf("It is member %" PRIu64 " now.\n", member->merged_into);
    }
    for (size_t at = 0; at < member->n_cards; at++) {
        (void)printf("%s%s%s", at == 0 ? "Cards: " : ", ", member->cards[at],
                     at + 1 == member->n_cards ? ".\n" : "");
    }
    if (member->balance != NULL) {
        jf_show_balance(member->balance);
    }
    enum jf_exit code = lots_show(member);
    return code == JF_EXIT_OK ? holds_show(member) : code;
}

enum jf_exit jf_cli_member_run(struct jf_cli *cli, int argc, char **argv)
{
    const char *card = NULL;
    jf_date as_of = JF_DATE_NONE;
    const struct jf_option options[] = {
        {"--card", "CARD", JF_OPTION_TEXT, &card, "the member that this card leads to"},
        {"--as-of", "DATE", JF_OPTION_DATE, &as_of, "judge expiry as of this date; default today"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    Jifen__V1__MemberRef member;
    if (!jf_member_ref_take(cli, 0, card, &member)) {
        return jf_cli_usage("member", "give a member's number, or --card, and not both");
    }
    Jifen__V1__GetMemberRequest request = JIFEN__V1__GET_MEMBER_REQUEST__INIT;
    request.member = &member;
    request.as_of = jf_wire_date_from(as_of);
    struct jf_session_ask ask = {"/jifen.v1.Ledger/GetMember", &request.base,
                                 &jifen__v1__get_member_response__descriptor, show};
    return jf_session_ask(cli, &ask);
}
