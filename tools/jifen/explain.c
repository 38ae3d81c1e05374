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

static const struct jf_cli_help help = {
    .usage = "jifen explain TRANSACTION | jifen explain --position POSITION",
    .about =
        "Explains an entry of the ledger in sentences: what was sold, returned or spent, which\n"
        "rules counted and which did not, what was excluded and why, and where the points lie.\n"
        "TRANSACTION is the transaction id that `jifen history` shows.\n"
        "With --json: {\"entry\":…,\"sections\":[{\"title\",\"sentences\"}]}.\n",
    .example = "  jifen explain 319-0-20170118T100000Z-R-1001\n"
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

const char *jf_explain_class(const struct jf_explained *explained, int64_t number)
{
    static char text[2][32];
    static uint32_t turn;
    const Jifen__V1__GetProgrammeResponse *names = explained->names;
    if (number == 0) {
        return "none yet";
    }
    if (names != NULL && number > 0 && (uint64_t)number <= names->n_class_names) {
        return names->class_names[number - 1];
    }
    turn = 1 - turn;
    (void)snprintf(text[turn], sizeof(text[turn]), "class %" PRId64, number);
    return text[turn];
}

static const char *weekday_of(int32_t wire)
{
    static const char *const names[] = {"",         "Monday", "Tuesday",  "Wednesday",
                                        "Thursday", "Friday", "Saturday", "Sunday"};
    struct jf_civil civil = {wire / 10000, wire / 100 % 100, wire % 100};
    return jf_civil_is_valid(civil) ? names[jf_date_weekday(jf_date_from_civil(civil))] : "";
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
    jf_say_instant(say, (int64_t)(entry->recorded_at_us / 1000));
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

static void lot_say(struct jf_say *say, const Jifen__V1__Posting *posting)
{
    jf_say_add(say, "the lot of entity %" PRIu32 " that can be spent", posting->entity);
    if (posting->available_on != 0) {
        jf_say_add(say, " from ");
        jf_say_date(say, posting->available_on);
    }
    if (posting->expires_on != 0) {
        jf_say_add(say, " until ");
        jf_say_date(say, posting->expires_on);
    } else {
        jf_say_add(say,
                   posting->available_on != 0 ? " on and never expires" : " and never expires");
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
    enum jf_exit code = jf_explain_body(explained, &say);
    if (explained->outcome->n_trace > 0) {
        bool is_about_sale = explained->entry->body_case == JIFEN__V1__ENTRY__BODY_SALE ||
                             explained->entry->body_case == JIFEN__V1__ENTRY__BODY_SALE_RETURN;
        jf_say_section(&say, is_about_sale ? "How the points came about" : "What it did");
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
    enum jf_error error = JF_OK;
    if (request.version != 0) {
        error = jf_programme_parse(jf_text_from(explained->names->yaml), JF_TEXT("programme"),
                                   out_programme, &diagnosis);
    }
    // A programme that a later program published may not be readable here: then names must do.
    if (error != JF_OK && error != JF_ERROR_INVALID) {
        return jf_cli_diagnosed(&diagnosis);
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
        explained.entry->body_case != JIFEN__V1__ENTRY__BODY_PUBLICATION &&
        explained.entry->body_case != JIFEN__V1__ENTRY__BODY_DIGEST) {
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
