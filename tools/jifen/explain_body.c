// What happened, by kind of entry: who, where, when, and what the rules could see of it. Fails only
// for want of memory for a table.
#include <inttypes.h>

#include "rules/member.h"
#include "tools/jifen/decimal.h"
#include "tools/jifen/explain.h"
#include "tools/jifen/show.h"
#include "tools/jifen/table.h"

#define TAGS 64u

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
    if (facts->activity_class != 0) {
        jf_say_add(say, ", was of activity class ");
        jf_say_text(say, jf_explain_class(explained, facts->activity_class));
    }
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

// In: quantity 0 where the reward is a word of the client's own.
static void reward_say(struct jf_say *say, const char *reward, int64_t quantity)
{
    if (reward[0] == '\0') {
        return;
    }
    jf_say_add(say, " for ");
    if (quantity > 1) {
        jf_say_add(say, "%" PRId64 " of ", quantity);
    }
    jf_say_text(say, reward);
}

// How many rewards of the catalogue a redemption counted for the member.
static int64_t rewards_counted(const Jifen__V1__RedemptionBody *body)
{
    for (size_t i = 0; i < body->n_counted; i++) {
        if (body->counted[i]->kind == JF_COUNTER_REWARD) {
            return body->counted[i]->delta;
        }
    }
    return 0;
}

static void redemption_tell(const struct jf_explained *explained, struct jf_say *say)
{
    const Jifen__V1__RedemptionBody *body = explained->entry->redemption;
    jf_say_section(say, "What was redeemed");
    jf_say_add(say, "Points were redeemed ");
    place_say(say, body->store, body->terminal);
    reward_say(say, body->reward, rewards_counted(body));
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

static const char *why_of(Jifen__V1__TierWhy why)
{
    switch (why) {
    case JIFEN__V1__TIER_WHY__TIER_WHY_UP:
        return "That is enough for a higher level";
    case JIFEN__V1__TIER_WHY__TIER_WHY_DOWN:
        return "That is too little for the level, and no days of grace are left";
    case JIFEN__V1__TIER_WHY__TIER_WHY_ONE_DOWN:
        return "That is too little for the level, and no days of grace are left; the programme "
               "lowers by one level at a time";
    case JIFEN__V1__TIER_WHY__TIER_WHY_HAND_ENDED:
        return "A level that was given by hand is over: the level is what the window says";
    case JIFEN__V1__TIER_WHY__TIER_WHY_CLASS:
        return "Only the activity class changed, by the visits of the last months";
    default:
        return NULL;
    }
}

static void by_hand_tell(const Jifen__V1__TierChangeBody *body, struct jf_say *say)
{
    jf_say_add(say, "Operator ");
    jf_say_text(say, body->operator_);
    jf_say_add(say, " gave the level by hand");
    if (body->until != 0) {
        jf_say_add(say, ", until ");
        jf_say_date(say, body->until);
    } else {
        jf_say_add(say, ", without an end");
    }
    jf_say_sentence(say);
}

static void tier_change_tell(const struct jf_explained *explained, struct jf_say *say)
{
    const Jifen__V1__TierChangeBody *body = explained->entry->tier_change;
    const char *why = why_of(body->why);
    jf_say_section(say, "Why it was judged");
    if (body->run_id[0] == '\0') {
        by_hand_tell(body, say);
        return;
    }
    jf_say_add(say, "The recalculation ");
    jf_say_text(say, body->run_id);
    jf_say_add(say, " looked at every member as of ");
    jf_say_date(say, body->as_of);
    jf_say_sentence(say);
    if (explained->outcome->member == 0) {
        return;
    }
    jf_say_add(say, "In the programme's window the member has spent ");
    jf_say_money(say, body->spend);
    jf_say_add(say, " on %" PRIu32 " visit%s and earned ", body->visits,
               body->visits == 1 ? "" : "s");
    jf_say_points(say, body->points);
    jf_say_sentence(say);
    if (why != NULL) {
        jf_say_add(say, "%s", why);
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
    jf_say_instant(say, body->effective_from_ms);
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

static void hold_tell(const struct jf_explained *explained, struct jf_say *say)
{
    const Jifen__V1__HoldBody *body = explained->entry->hold;
    jf_say_section(say, "What was held");
    jf_say_add(say, "Points were set aside ");
    place_say(say, body->store, body->terminal);
    reward_say(say, body->reward, body->quantity);
    jf_say_add(say, "; they can be captured until ");
    jf_say_instant(say, body->deadline_ms);
    jf_say_add(say, ", and after that go back by themselves");
    jf_say_sentence(say);
}

static void hold_end_tell(struct jf_say *say, const char *transaction_id, uint64_t position,
                          const char *what)
{
    jf_say_section(say, "What became of the hold");
    jf_say_add(say, "%s", what);
    jf_say_text(say, transaction_id);
    jf_say_add(say, " (entry %" PRIu64 ")", position);
    jf_say_sentence(say);
}

static void expiry_tell(const struct jf_explained *explained, struct jf_say *say)
{
    const Jifen__V1__ExpiryBody *body = explained->entry->expiry;
    jf_say_section(say, "Why points expired");
    jf_say_add(say, "The run ");
    jf_say_text(say, body->run_id);
    jf_say_add(say, " posts as expired what could be spent no longer than the day before ");
    jf_say_date(say, body->as_of);
    jf_say_sentence(say);
}

static void member_update_tell(const struct jf_explained *explained, struct jf_say *say)
{
    const Jifen__V1__MemberUpdateBody *body = explained->entry->member_update;
    jf_say_section(say, "What is known of the member now");
    if (body->erase) {
        jf_say_add(say, "What leads to a person was erased: the birthday, and %zu card%s",
                   body->n_cards, body->n_cards == 1 ? "" : "s");
        jf_say_sentence(say);
    }
    jf_say_add(say, "The member has ");
    tags_say(say, body->tags);
    if (body->birth_month != 0) {
        jf_say_add(say, ", a birthday on %02" PRIu32 "-%02" PRIu32, body->birth_month,
                   body->birth_day);
    }
    if (body->home_store != 0) {
        jf_say_add(say, ", and %" PRIu32 " as home store", body->home_store);
    }
    jf_say_sentence(say);
}

static void card_tell(struct jf_say *say, const char *card, const char *what)
{
    jf_say_section(say, "What changed");
    jf_say_add(say, "Card ");
    jf_say_text(say, card);
    jf_say_add(say, " %s", what);
    jf_say_sentence(say);
}

static void status_tell(const struct jf_explained *explained, struct jf_say *say)
{
    jf_say_section(say, "What changed");
    switch (explained->entry->member_status->status) {
    case JIFEN__V1__MEMBER_STATUS__MEMBER_STATUS_FROZEN:
        jf_say_add(say, "The member's points were frozen: they can be earned and not spent");
        break;
    case JIFEN__V1__MEMBER_STATUS__MEMBER_STATUS_CLOSED:
        jf_say_add(say, "The membership was closed");
        break;
    default:
        jf_say_add(say, "The member's points are no longer frozen");
    }
    jf_say_sentence(say);
}

static void adjustment_tell(const struct jf_explained *explained, struct jf_say *say)
{
    const Jifen__V1__AdjustmentBody *body = explained->entry->adjustment;
    jf_say_section(say, "What was adjusted");
    jf_say_add(say, "Operator ");
    jf_say_text(say, body->operator_);
    jf_say_add(say, body->points >= 0 ? " credited " : " debited ");
    jf_say_points(say, body->points >= 0 ? body->points : -body->points);
    jf_say_add(say, " for the reason ");
    jf_say_text(say, body->reason_code);
    jf_say_add(say, "; entity %" PRIu32 " bears it", body->entity);
    jf_say_sentence(say);
    if (body->approver[0] != '\0') {
        jf_say_add(say, "A second person approved it: ");
        jf_say_text(say, body->approver);
        jf_say_sentence(say);
    }
    if (body->debt_paid > 0) {
        jf_say_points(say, body->debt_paid);
        jf_say_add(say, " of it paid what the member owed");
        jf_say_sentence(say);
    }
}

static void transfer_tell(const struct jf_explained *explained, struct jf_say *say)
{
    const Jifen__V1__TransferBody *body = explained->entry->transfer;
    jf_say_section(say, "What was transferred");
    jf_say_points(say, body->points);
    jf_say_add(say, " went from member %" PRIu64 " to member %" PRIu64, explained->outcome->member,
               body->to);
    if (body->operator_[0] != '\0') {
        jf_say_add(say, ", by operator ");
        jf_say_text(say, body->operator_);
    }
    jf_say_sentence(say);
}

static void merge_tell(const struct jf_explained *explained, struct jf_say *say)
{
    const Jifen__V1__MergeBody *body = explained->entry->merge;
    jf_say_section(say, "What was merged");
    jf_say_add(say,
               "Member %" PRIu64 " became member %" PRIu64
               ": lots, holds, cards, visits and what counts towards levels and limits moved",
               body->from, explained->outcome->member);
    jf_say_sentence(say);
    jf_say_add(say, "%zu card%s, %zu hold%s and %" PRIu32 " visit%s came along", body->n_cards,
               body->n_cards == 1 ? "" : "s", body->n_holds, body->n_holds == 1 ? "" : "s",
               body->visits, body->visits == 1 ? "" : "s");
    jf_say_sentence(say);
}

// Holds that were past their deadline, and that this entry gave back first.
static void overdue_tell(const struct jf_explained *explained, struct jf_say *say)
{
    const Jifen__V1__Entry *entry = explained->entry;
    for (size_t i = 0; i < entry->n_voided_holds; i++) {
        jf_say_add(say,
                   "The hold of entry %" PRIu64 " was past its deadline, so it was given back "
                   "first",
                   entry->voided_holds[i]);
        jf_say_sentence(say);
    }
}

static void capture_tell(const struct jf_explained *explained, struct jf_say *say)
{
    const Jifen__V1__CaptureBody *body = explained->entry->capture;
    hold_end_tell(say, body->hold_transaction_id, body->hold_position,
                  "It spends points of the hold ");
}

static void void_tell(const struct jf_explained *explained, struct jf_say *say)
{
    const Jifen__V1__VoidBody *body = explained->entry->void_hold;
    hold_end_tell(say, body->hold_transaction_id, body->hold_position, "It gives back the hold ");
}

static void card_link_tell(const struct jf_explained *explained, struct jf_say *say)
{
    card_tell(say, explained->entry->card_link->card, "leads to the member from now on");
}

static void card_unlink_tell(const struct jf_explained *explained, struct jf_say *say)
{
    card_tell(say, explained->entry->card_unlink->card, "leads to the member no longer");
}

static void digest_tell(const struct jf_explained *explained, struct jf_say *say)
{
    const ProtobufCBinaryData *digest = &explained->entry->digest->digest;
    jf_say_section(say, "What was recorded");
    jf_say_add(say, "The digest of the whole state after the entry before this one is ");
    for (size_t i = 0; i < digest->len; i++) {
        jf_say_add(say, "%02x", digest->data[i]);
    }
    jf_say_add(say, "; replaying the journal up to there must give the same");
    jf_say_sentence(say);
}

typedef void (*body_teller)(const struct jf_explained *explained, struct jf_say *say);

// By the number of the body's field.
static const body_teller tellers[] = {
    [JIFEN__V1__ENTRY__BODY_SALE] = sale_tell,
    [JIFEN__V1__ENTRY__BODY_SALE_RETURN] = return_tell,
    [JIFEN__V1__ENTRY__BODY_REDEMPTION] = redemption_tell,
    [JIFEN__V1__ENTRY__BODY_ENROLMENT] = enrolment_tell,
    [JIFEN__V1__ENTRY__BODY_PUBLICATION] = publication_tell,
    [JIFEN__V1__ENTRY__BODY_STORE] = store_tell,
    [JIFEN__V1__ENTRY__BODY_TIER_CHANGE] = tier_change_tell,
    [JIFEN__V1__ENTRY__BODY_HOLD] = hold_tell,
    [JIFEN__V1__ENTRY__BODY_CAPTURE] = capture_tell,
    [JIFEN__V1__ENTRY__BODY_VOID_HOLD] = void_tell,
    [JIFEN__V1__ENTRY__BODY_ADJUSTMENT] = adjustment_tell,
    [JIFEN__V1__ENTRY__BODY_TRANSFER] = transfer_tell,
    [JIFEN__V1__ENTRY__BODY_MERGE] = merge_tell,
    [JIFEN__V1__ENTRY__BODY_MEMBER_UPDATE] = member_update_tell,
    [JIFEN__V1__ENTRY__BODY_CARD_LINK] = card_link_tell,
    [JIFEN__V1__ENTRY__BODY_CARD_UNLINK] = card_unlink_tell,
    [JIFEN__V1__ENTRY__BODY_MEMBER_STATUS] = status_tell,
    [JIFEN__V1__ENTRY__BODY_EXPIRY] = expiry_tell,
    [JIFEN__V1__ENTRY__BODY_DIGEST] = digest_tell,
};

bool jf_explain_body_is_told(uint32_t kind)
{
    return kind < sizeof(tellers) / sizeof(tellers[0]) && tellers[kind] != NULL;
}

enum jf_exit jf_explain_body(const struct jf_explained *explained, struct jf_say *say)
{
    const Jifen__V1__Entry *entry = explained->entry;
    if (jf_explain_body_is_told((uint32_t)entry->body_case)) {
        tellers[entry->body_case](explained, say);
    }
    overdue_tell(explained, say);
    bool has_lines = entry->body_case == JIFEN__V1__ENTRY__BODY_SALE &&
                     entry->sale->receipt != NULL && !say->is_json;
    return has_lines ? lines_show(explained) : JF_EXIT_OK;
}
