// jifen history: a member's entries, newest first. Fails: usage; refusals UNKNOWN_MEMBER,
// UNKNOWN_CARD.
#include <inttypes.h>

#include "tools/jifen/instant.h"
#include "tools/jifen/member_request.h"
#include "tools/jifen/session.h"
#include "tools/jifen/show.h"
#include "tools/jifen/table.h"

static const struct jf_cli_help help = {
    .usage = "jifen history NUMBER | --card CARD [--limit N] [--before POSITION]",
    .about = "Shows what happened to a member, newest first.\n",
    .example = "  jifen history 4711 --limit 10\n",
    .arguments_max = 1,
};

static void entry_row(struct jf_table *table, const Jifen__V1__EntryView *entry, uint64_t walked)
{
    static const Jifen__V1__Outcome no_outcome = JIFEN__V1__OUTCOME__INIT;
    static const Jifen__V1__Balance no_balance = JIFEN__V1__BALANCE__INIT;
    const Jifen__V1__Outcome *outcome = entry->outcome == NULL ? &no_outcome : entry->outcome;
    const Jifen__V1__Balance *balance = outcome->balance == NULL ? &no_balance : outcome->balance;
    jf_table_row(table);
    jf_table_number(table, (int64_t)entry->position);
    jf_table_wire_date(table, outcome->business_date, "-");
    jf_table_text(table, entry->kind);
    jf_table_text(table, entry->transaction_id);
    jf_table_number(table, outcome->points_granted);
    jf_table_number(table, -outcome->points_redeemed);
    if (outcome->member == walked) {
        jf_table_number(table, balance->available);
        jf_table_number(table, -balance->debt);
    } else { // the balance is the other member's
        jf_table_text(table, "-");
        jf_table_text(table, "-");
    }
}

// Whose history it is: an entry about one member is about that one. 0: only entries about two.
static uint64_t walked_find(const Jifen__V1__HistoryResponse *response)
{
    for (size_t at = 0; at < response->n_entries; at++) {
        const Jifen__V1__EntryView *entry = response->entries[at];
        if (entry->other_member == 0 && entry->outcome != NULL) {
            return entry->outcome->member;
        }
    }
    return 0;
}

static enum jf_exit show(const ProtobufCMessage *message)
{
    static const struct jf_table_column columns[] = {
        {"POSITION", true}, {"DATE", false},    {"KIND", false},     {"TRANSACTION", false},
        {"GRANTED", true},  {"REDEEMED", true}, {"AVAILABLE", true}, {"DEBT", true}};
    const Jifen__V1__HistoryResponse *response = (const Jifen__V1__HistoryResponse *)message;
    uint64_t walked = walked_find(response);
    struct jf_table *table = NULL;
    if (jf_table_create(columns, 8, &table) != JF_OK) {
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "out of memory");
    }
    for (size_t at = 0; at < response->n_entries; at++) {
        entry_row(table, response->entries[at], walked);
    }
    enum jf_exit code = jf_show_table(table);
    if (response->next_before_position != 0) {
        (void)printf("There is more: --before %" PRIu64 "\n", response->next_before_position);
    }
    return code;
}

enum jf_exit jf_cli_history_run(struct jf_cli *cli, int argc, char **argv)
{
    const char *card = NULL;
    Jifen__V1__HistoryRequest request = JIFEN__V1__HISTORY_REQUEST__INIT;
    const struct jf_option options[] = {
        {"--card", "CARD", JF_OPTION_TEXT, &card, "the member that this card leads to"},
        {"--limit", "N", JF_OPTION_U32, &request.limit, "at most so many, 1 to 1000; default 50"},
        {"--before", "POSITION", JF_OPTION_U64, &request.before_position,
         "only entries below this position"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    Jifen__V1__MemberRef member;
    if (!jf_member_ref_take(cli, 0, card, &member)) {
        return jf_cli_usage("history", "give a member's number, or --card, and not both");
    }
    request.member = &member;
    struct jf_session_ask ask = {"/jifen.v1.Ledger/History", &request.base,
                                 &jifen__v1__history_response__descriptor, show};
    return jf_session_ask(cli, &ask);
}
