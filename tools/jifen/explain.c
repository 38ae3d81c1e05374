// jifen explain: any entry of the ledger in sentences.
// Fails: usage; refusal UNKNOWN_TRANSACTION; an entry that cannot be read.
#include "tools/jifen/explain.h"

#include <inttypes.h>

#include "base/assert.h"
#include "jifen/v1/ledger.pb-c.h"
#include "rules/entry.h"
#include "tools/jifen/decimal.h"
#include "tools/jifen/instant.h"
#include "tools/jifen/session.h"
#include "tools/jifen/show.h"
#include "tools/jifen/table.h"

#define TAGS 64u

static const struct jf_cli_help help = {
    .usage = "jifen explain TRANSACTION | jifen explain --position POSITION",
    .about =
        "Explains an entry of the ledger in sentences: what was sold, returned or spent, which\n"
        "rules counted and which did not, what was excluded and why, and where the points lie.\n"
        "TRANSACTION is the transaction id that `jifen history` shows.\n"
        "With --json: {\"entry\":…,\"sections\":[{\"title\",\"sentences\"}]}.\n",
    .example = "  jifen explain 319-0-2017-01-18-R-1001\n"
               "  jifen explain --position 4\n",
    .arguments_max = 1,
};

const char *jf_explain_tier(const struct jf_explained *explained, int64_t tier)
{
    static char text[2][32];
    static uint32_t turn;
    const Jifen__V1__GetProgrammeResponse *names = explained->names;
    if (names != NULL && tier >= 0 && (uint64_t)tier < names->n_tier_names) {
        return names->tier_names[tier];
    }
    turn = 1 - turn;
    (void)snprintf(text[turn], sizeof(text[turn]), "level %" PRId64, tier);
    return text[turn];
}

static const char *weekday_of(int32_t wire)
{
    static const char *const names[] = {"",         "Monday", "Tuesday",  "Wednesday",
                                        "Thursday", "Friday", "Saturday", "Sunday"};
    struct jf_civil civil = {wire / 10000, wire / 100 % 100, wire % 100};
    return jf_civil_is_valid(civil) ? names[jf_date_weekday(jf_date_from_civil(civil))] : "";
}

static void instant_say(struct jf_say *say, int64_t unix_ms)
{
    char text[JF_INSTANT_TEXT_SIZE];
    jf_instant_format(unix_ms, text);
    jf_say_add(say, "%s", text);
}

static void head_tell(const struct jf_explained *explained, struct jf_say *say)
{
    const Jifen__V1__Entry *entry = explained->entry;
    const Jifen__V1__Outcome *outcome = explained->outcome;
    const char *kind = jf_entry_kind_name((enum jf_entry_kind)entry->body_case);
    jf_say_add(say, "Transaction ");
    jf_say_text(say, entry->transaction_id);
    jf_say_add(say, " is entry %" PRIu64 " of the ledger, of kind %s", outcome->position, kind);
    if (outcome->member != 0) {
        jf_say_add(say, ", of member %" PRIu64, outcome->member);
    }
    jf_say_sentence(say);
    jf_say_add(say, "The ledger took it in at ");
    instant_say(say, (int64_t)(entry->recorded_at_us / 1000));
    if (outcome->late) {
        jf_say_add(say, ", later than the programme expects; it was judged as of its own time all "
                        "the same");
    }
    jf_say_sentence(say);
    if (outcome->business_date != 0) {
        jf_say_add(say, "Its business date is ");
        jf_say_date(say, outcome->business_date);
        jf_say_add(say, ", a %s", weekday_of(outcome->business_date));
        jf_say_sentence(say);
    }
    if (explained->names != NULL && outcome->programme_version != 0) {
        jf_say_add(say, "It was judged by version %" PRIu32 " of the programme",
                   outcome->programme_version);
        if (explained->programme != NULL) {
            struct jf_text name = jf_programme_name(explained->programme);
            jf_say_add(say, ", \"%.*s\"", (int)name.size, name.data);
        }
        jf_say_sentence(say);
    }
}

static void tags_say(struct jf_say *say, uint64_t tags)
{
    uint32_t count = 0;
    for (uint32_t tag = 0; tag < TAGS; tag++) {
        if ((tags >> tag & 1) != 0) {
            jf_say_add(say, "%s%" PRIu32, count == 0 ? "tag " : ", ", tag);
            count += 1;
        }
    }
    jf_say_add(say, "%s", count == 0 ? "no tags" : "");
}

// The answer first: what it came to.
static void result_tell(const struct jf_explained *explained, struct jf_say *say)
{
    const Jifen__V1__Outcome *outcome = explained->outcome;
    if (outcome->points_granted != 0) {
        jf_say_add(say, outcome->points_granted > 0 ? "It granted " : "It took back ");
        jf_say_points(say, outcome->points_granted > 0 ? outcome->points_granted
                                                       : -outcome->points_granted);
        jf_say_sentence(say);
    }
    if (outcome->points_redeemed != 0) {
        jf_say_add(say, outcome->points_redeemed > 0 ? "It spent " : "It gave back ");
        jf_say_points(say, outcome->points_redeemed > 0 ? outcome->points_redeemed
                                                        : -outcome->points_redeemed);
        jf_say_sentence(say);
    }
}

// What the rules could see of the member and the moment.
static void facts_tell(const struct jf_explained *explained, struct jf_say *say,
                       const Jifen__V1__SaleFacts *facts)
{
    static const char *const birthdays[] = {"", "on the birthday", "in the week of the birthday",
                                            "in the month of the birthday"};
    jf_say_add(say, "The member was then on level ");
    jf_say_text(say, jf_explain_tier(explained, facts->tier));
    jf_say_add(say, " and had ");
    tags_say(say, facts->tags);
    jf_say_add(say, facts->is_first_purchase ? "; it was the first purchase"
                                             : "; it was not the first purchase");
    uint32_t flags = facts->birthday;
    uint32_t nearest = (flags & 1) != 0 ? 1 : (flags & 2) != 0 ? 2 : (flags & 4) != 0 ? 3 : 0;
    if (nearest != 0) {
        jf_say_add(say, "; it was %s", birthdays[nearest]);
    }
    jf_say_sentence(say);
}

static void place_say(struct jf_say *say, uint32_t store, uint32_t terminal)
{
    jf_say_add(say, "in store %" PRIu32 " at till %" PRIu32, store, terminal);
}

static void sale_tell(const struct jf_explained *explained, struct jf_say *say)
{
    const Jifen__V1__SaleBody *sale = explained->entry->sale;
    const Jifen__V1__Receipt *receipt = sale->receipt;
    if (receipt == NULL || sale->facts == NULL) {
        return;
    }
    uint32_t second = sale->facts->local_second;
    jf_say_section(say, "What was sold");
    jf_say_add(say, "Receipt ");
    jf_say_text(say, receipt->number);
    jf_say_add(say, ", ");
    place_say(say, receipt->store, receipt->terminal);
    jf_say_add(say, ", at %02" PRIu32 ":%02" PRIu32 ":%02" PRIu32 " local time on ", second / 3600,
               second / 60 % 60, second % 60);
    jf_say_date(say, sale->facts->local_date);
    jf_say_sentence(say);
    if (sale->facts->local_date != explained->outcome->business_date) {
        jf_say_add(say, "The store's business day begins later than midnight, so the sale belongs "
                        "to ");
        jf_say_date(say, explained->outcome->business_date);
        jf_say_sentence(say);
    }
    for (size_t i = 0; i < receipt->n_tenders; i++) {
        jf_say_money(say, receipt->tenders[i]->amount);
        jf_say_add(say, " was paid with ");
        jf_say_text(say, receipt->tenders[i]->type);
        jf_say_sentence(say);
    }
    if (sale->offline) {
        jf_say_add(say, "The till was offline when it was sold");
        jf_say_sentence(say);
    }
    facts_tell(explained, say, sale->facts);
}

static const char *line_note(const struct jf_explained *explained, const Jifen__V1__Line *line)
{
    if (explained->programme == NULL) {
        return "";
    }
    if (jf_programme_excludes_category(explained->programme, jf_text_from(line->category))) {
        return "category excluded";
    }
    return jf_programme_excludes_sku(explained->programme, jf_text_from(line->sku)) ? "SKU excluded"
                                                                                    : "";
}

static enum jf_exit lines_show(const struct jf_explained *explained)
{
    static const struct jf_table_column columns[] = {
        {"LINE", true},   {"SKU", false},   {"CATEGORY", false}, {"QUANTITY", true},
        {"AMOUNT", true}, {"POINTS", true}, {"NOTE", false}};
    const Jifen__V1__Receipt *receipt = explained->entry->sale->receipt;
    const Jifen__V1__Outcome *outcome = explained->outcome;
    struct jf_table *table = NULL;
    if (jf_table_create(columns, 7, &table) != JF_OK) {
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "out of memory");
    }
    for (size_t i = 0; i < receipt->n_lines; i++) {
        const Jifen__V1__Line *line = receipt->lines[i];
        jf_table_row(table);
        jf_table_number(table, (int64_t)i + 1);
        jf_table_text(table, line->sku);
        jf_table_text(table, line->category);
        jf_table_quantity(table, line->quantity_milli);
        jf_table_money(table, line->amount);
        jf_table_number(table, i < outcome->n_line_points ? outcome->line_points[i] : 0);
        jf_table_text(table, line_note(explained, line));
    }
    return jf_show_table(table);
}

static void return_tell(const struct jf_explained *explained, struct jf_say *say)
{
    const Jifen__V1__ReturnBody *body = explained->entry->sale_return;
    jf_say_section(say, "What came back");
    jf_say_add(say, "It returns from sale ");
    jf_say_text(say, body->sale_transaction_id);
    jf_say_add(say, " (entry %" PRIu64 "), ", body->sale_position);
    place_say(say, body->store, body->terminal);
    jf_say_sentence(say);
    for (size_t i = 0; i < body->n_lines; i++) {
        char quantity[JF_DECIMAL_TEXT_SIZE];
        const Jifen__V1__ReturnLineBody *line = body->lines[i];
        jf_decimal_format(line->quantity_milli, JF_DECIMAL_QUANTITY_SCALE, true, quantity);
        if (line->quantity_milli == 0) {
            jf_say_add(say, "Line %" PRIu32 ", whole", line->line_number);
        } else {
            jf_say_add(say, "Line %" PRIu32 ": %s%s", line->line_number, quantity,
                       line->whole ? ", all that was left of it" : "");
        }
        jf_say_sentence(say);
    }
    jf_say_add(say, "It is judged under what was true at the sale: its programme, level and "
                    "calendar");
    jf_say_sentence(say);
}

static void redemption_tell(const struct jf_explained *explained, struct jf_say *say)
{
    const Jifen__V1__RedemptionBody *body = explained->entry->redemption;
    jf_say_section(say, "What was redeemed");
    jf_say_add(say, "Points were redeemed ");
    place_say(say, body->store, body->terminal);
    if (body->reward[0] != '\0') {
        jf_say_add(say, " for ");
        jf_say_text(say, body->reward);
    }
    jf_say_sentence(say);
}

static void enrolment_tell(const struct jf_explained *explained, struct jf_say *say)
{
    const Jifen__V1__EnrolmentBody *body = explained->entry->enrolment;
    jf_say_section(say, "What began");
    jf_say_add(say, "The member was enrolled as of ");
    jf_say_date(say, body->enrolled_on);
    jf_say_add(say, " with %zu card%s and ", body->n_cards, body->n_cards == 1 ? "" : "s");
    tags_say(say, body->tags);
    jf_say_sentence(say);
}

static void tier_change_tell(const struct jf_explained *explained, struct jf_say *say)
{
    const Jifen__V1__TierChangeBody *body = explained->entry->tier_change;
    jf_say_section(say, "Why it was judged");
    jf_say_add(say, "The recalculation ");
    jf_say_text(say, body->run_id);
    jf_say_add(say, " looked at every member as of ");
    jf_say_date(say, body->as_of);
    jf_say_sentence(say);
    if (explained->outcome->member != 0) {
        jf_say_add(say, "In the programme's window the member has spent ");
        jf_say_money(say, body->spend);
        jf_say_add(say, " on %" PRIu32 " visit%s", body->visits, body->visits == 1 ? "" : "s");
        jf_say_sentence(say);
    }
}

static void publication_tell(const struct jf_explained *explained, struct jf_say *say)
{
    const Jifen__V1__PublicationBody *body = explained->entry->publication;
    jf_say_section(say, "What was published");
    jf_say_add(say, "Version %" PRIu32 " of the programme", body->version);
    if (body->file_name[0] != '\0') {
        jf_say_add(say, ", from ");
        jf_say_text(say, body->file_name);
    }
    jf_say_add(say, ", decides sales from ");
    instant_say(say, body->effective_from_ms);
    jf_say_sentence(say);
}

static void store_tell(const struct jf_explained *explained, struct jf_say *say)
{
    const Jifen__V1__StoreBody *body = explained->entry->store;
    jf_say_section(say, "What was put");
    jf_say_add(say,
               "Store %" PRIu32 " belongs to entity %" PRIu32 ", lies in time zone %s and "
               "begins its day at %02" PRIu32 ":%02" PRIu32,
               body->store, body->entity, body->zone, body->day_start_minute / 60,
               body->day_start_minute % 60);
    jf_say_sentence(say);
}

static enum jf_exit body_tell(const struct jf_explained *explained, struct jf_say *say)
{
    switch (explained->entry->body_case) {
    case JIFEN__V1__ENTRY__BODY_SALE:
        sale_tell(explained, say);
        return say->is_json || explained->entry->sale->receipt == NULL ? JF_EXIT_OK
                                                                       : lines_show(explained);
    case JIFEN__V1__ENTRY__BODY_SALE_RETURN:
        return_tell(explained, say);
        break;
    case JIFEN__V1__ENTRY__BODY_REDEMPTION:
        redemption_tell(explained, say);
        break;
    case JIFEN__V1__ENTRY__BODY_ENROLMENT:
        enrolment_tell(explained, say);
        break;
    case JIFEN__V1__ENTRY__BODY_TIER_CHANGE:
        tier_change_tell(explained, say);
        break;
    case JIFEN__V1__ENTRY__BODY_PUBLICATION:
        publication_tell(explained, say);
        break;
    case JIFEN__V1__ENTRY__BODY_STORE:
        store_tell(explained, say);
        break;
    default:
        break;
    }
    return JF_EXIT_OK;
}

static void lot_say(struct jf_say *say, const Jifen__V1__Posting *posting)
{
    jf_say_add(say, "the lot of entity %" PRIu32 " that ", posting->entity);
    if (posting->available_on != 0) {
        jf_say_add(say, "can be spent from ");
        jf_say_date(say, posting->available_on);
        jf_say_add(say, " on and ");
    }
    if (posting->expires_on == 0) {
        jf_say_add(say, "never expires");
    } else {
        jf_say_add(say, "can be spent until ");
        jf_say_date(say, posting->expires_on);
    }
}

static void posting_tell(struct jf_say *say, const Jifen__V1__Posting *posting)
{
    bool is_in = posting->points > 0;
    int64_t points = is_in ? posting->points : -posting->points;
    jf_say_points(say, points);
    switch (posting->account) {
    case JIFEN__V1__ACCOUNT__ACCOUNT_AVAILABLE:
    case JIFEN__V1__ACCOUNT__ACCOUNT_PENDING:
        jf_say_add(say, is_in ? " went into " : " were taken from ");
        lot_say(say, posting);
        break;
    case JIFEN__V1__ACCOUNT__ACCOUNT_HELD:
        jf_say_add(say, is_in ? " are set aside, out of " : " are no longer set aside, of ");
        lot_say(say, posting);
        break;
    case JIFEN__V1__ACCOUNT__ACCOUNT_DEBT:
        jf_say_add(say,
                   is_in ? " of what was owed to entity %" PRIu32 " are paid"
                         : " are owed to entity %" PRIu32,
                   posting->entity);
        break;
    case JIFEN__V1__ACCOUNT__ACCOUNT_EXPIRED:
        jf_say_add(say, is_in ? " expired, of " : " that had expired were taken back, of ");
        lot_say(say, posting);
        break;
    default:
        JF_ASSERT(false);
    }
    if (posting->member != 0) {
        jf_say_add(say, " (member %" PRIu64 ")", posting->member);
    }
    jf_say_sentence(say);
}

static bool is_of_member(const Jifen__V1__Posting *posting)
{
    return posting->account == JIFEN__V1__ACCOUNT__ACCOUNT_EXPIRED ||
           (posting->account >= JIFEN__V1__ACCOUNT__ACCOUNT_AVAILABLE &&
            posting->account <= JIFEN__V1__ACCOUNT__ACCOUNT_DEBT);
}

static void postings_tell(const struct jf_explained *explained, struct jf_say *say)
{
    const Jifen__V1__Outcome *outcome = explained->outcome;
    bool is_begun = false;
    for (size_t i = 0; i < outcome->n_postings; i++) {
        if (is_of_member(outcome->postings[i])) {
            if (!is_begun) {
                jf_say_section(say, "Where the points went");
            }
            is_begun = true;
            posting_tell(say, outcome->postings[i]);
        }
    }
}

static void balance_tell(const struct jf_explained *explained, struct jf_say *say)
{
    const Jifen__V1__Balance *balance = explained->outcome->balance;
    if (balance == NULL || explained->outcome->member == 0) {
        return;
    }
    jf_say_section(say, "Afterwards");
    jf_say_add(say, "The member has ");
    jf_say_points(say, balance->available);
    jf_say_add(say, " to spend");
    if (balance->pending != 0) {
        jf_say_add(say, ", ");
        jf_say_points(say, balance->pending);
        jf_say_add(say, " that can be spent later");
    }
    if (balance->held != 0) {
        jf_say_add(say, ", ");
        jf_say_points(say, balance->held);
        jf_say_add(say, " set aside");
    }
    if (balance->debt != 0) {
        jf_say_add(say, ", owes ");
        jf_say_points(say, balance->debt);
    }
    jf_say_add(say, " and stands on level ");
    jf_say_text(say, jf_explain_tier(explained, balance->tier));
    jf_say_sentence(say);
    if (balance->expiring_on != 0) {
        jf_say_points(say, balance->expiring_points);
        jf_say_add(say, " expire next, after ");
        jf_say_date(say, balance->expiring_on);
        jf_say_sentence(say);
    }
}

static enum jf_exit tell(const struct jf_explained *explained, bool is_json,
                         const ProtobufCMessage *view)
{
    struct jf_say say = {.is_json = is_json};
    jf_say_begin(&say, view);
    jf_say_section(&say, "What this is");
    head_tell(explained, &say);
    result_tell(explained, &say);
    enum jf_exit code = body_tell(explained, &say);
    if (explained->outcome->n_trace > 0) {
        jf_say_section(&say, "How the points came about");
        jf_explain_trace(explained, &say);
    }
    postings_tell(explained, &say);
    balance_tell(explained, &say);
    jf_say_end(&say);
    return code;
}

// The programme that decided; where there is none, the newest one gives names of levels only.
static enum jf_exit programme_get(struct jf_session *session, struct jf_explained *explained,
                                  struct jf_programme **out_programme)
{
    const ProtobufCMessage *message = NULL;
    Jifen__V1__GetProgrammeRequest request = JIFEN__V1__GET_PROGRAMME_REQUEST__INIT;
    request.version = explained->outcome->programme_version;
    enum jf_exit code = jf_session_call(session, "/jifen.v1.Programmes/Get", &request.base,
                                        &jifen__v1__get_programme_response__descriptor, &message);
    if (code != JF_EXIT_OK) {
        return code;
    }
    explained->names = (const Jifen__V1__GetProgrammeResponse *)message;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    // A programme that a later program published may not be readable here: then names must do.
    if (request.version != 0 &&
        jf_programme_parse(jf_text_from(explained->names->yaml), JF_TEXT("programme"),
                           out_programme, &diagnosis) != JF_OK) {
        *out_programme = NULL;
    }
    explained->programme = *out_programme;
    return JF_EXIT_OK;
}

static enum jf_exit explain(const struct jf_cli *cli, struct jf_session *session,
                            const Jifen__V1__GetTransactionResponse *response)
{
    struct jf_text bytes = {(const char *)response->stored.data, (uint32_t)response->stored.len};
    struct jf_session *names = NULL; // the first session's answer lives until its next call
    struct jf_programme *programme = NULL;
    struct jf_explained explained = {.entry = (const Jifen__V1__Entry *)jf_session_decode(
                                         session, &jifen__v1__entry__descriptor, bytes)};
    if (explained.entry == NULL || explained.entry->outcome == NULL || response->entry == NULL) {
        return jf_cli_fail(JF_EXIT_BROKEN, "the entry cannot be read: is this program older than "
                                           "the ledger?");
    }
    explained.outcome = explained.entry->outcome;
    enum jf_exit code = jf_session_open(cli, 1, &names);
    if (code == JF_EXIT_OK && explained.entry->body_case != JIFEN__V1__ENTRY__BODY_STORE &&
        explained.entry->body_case != JIFEN__V1__ENTRY__BODY_PUBLICATION) {
        code = programme_get(names, &explained, &programme);
    }
    if (code == JF_EXIT_OK) {
        code = tell(&explained, cli->is_json, &response->entry->base);
    }
    jf_programme_destroy(programme);
    jf_session_close(names);
    return code;
}

enum jf_exit jf_cli_explain_run(struct jf_cli *cli, int argc, char **argv)
{
    Jifen__V1__GetTransactionRequest request = JIFEN__V1__GET_TRANSACTION_REQUEST__INIT;
    uint64_t position = 0;
    const struct jf_option options[] = {
        {"--position", "POSITION", JF_OPTION_U64, &position, "the entry at this position"},
    };
    enum jf_exit code = jf_cli_parse(cli, &help, options, JF_OPTION_COUNT(options), argc, argv);
    if (code != JF_EXIT_GO_ON) {
        return code;
    }
    if ((position != 0) == (cli->argument_count == 1)) {
        return jf_cli_usage("explain", "give a transaction id, or --position, and not both");
    }
    request.stored = true;
    request.by_case = JIFEN__V1__GET_TRANSACTION_REQUEST__BY_POSITION;
    request.position = position;
    if (position == 0) {
        request.by_case = JIFEN__V1__GET_TRANSACTION_REQUEST__BY_TRANSACTION_ID;
        request.transaction_id = (char *)(uintptr_t)cli->arguments[0];
    }
    struct jf_session *session = NULL;
    const ProtobufCMessage *response = NULL;
    code = jf_session_open(cli, 1, &session);
    if (code == JF_EXIT_OK) {
        code = jf_session_call(session, "/jifen.v1.Ledger/GetTransaction", &request.base,
                               &jifen__v1__get_transaction_response__descriptor, &response);
    }
    if (code == JF_EXIT_OK) {
        code = explain(cli, session, (const Jifen__V1__GetTransactionResponse *)response);
    }
    jf_session_close(session);
    return jf_cli_finish(code);
}
