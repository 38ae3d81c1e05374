// What every entry must fulfil whatever its kind, and the kinds' names. Fails only by finding
// postings that do not sum to zero, which planning never makes: such an entry was damaged or
// forged.
#include "rules/entry.h"

#include "base/number.h"

enum jf_error jf_entry_check_postings(const struct jf_entry *entry)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < entry->posting_count; i++) {
        if (jf_number_add(sum, entry->postings[i].points, &sum) != JF_OK) {
            return JF_ERROR_CORRUPT;
        }
    }
    return sum == 0 ? JF_OK : JF_ERROR_CORRUPT;
}

struct jf_second jf_entry_second(const struct jf_entry *entry)
{
    switch (entry->kind) {
    case JF_ENTRY_TRANSFER:
        return entry->as.transfer.to;
    case JF_ENTRY_MERGE:
        return entry->as.merge.from;
    default:
        return (struct jf_second){{0}, 0};
    }
}

struct jf_card_move jf_entry_card_move(const struct jf_entry *entry)
{
    switch (entry->kind) {
    case JF_ENTRY_ENROLMENT:
        return (struct jf_card_move){entry->as.enrolment.cards, entry->as.enrolment.card_count,
                                     entry->member};
    case JF_ENTRY_MEMBER_UPDATE:
        return (struct jf_card_move){
            entry->as.member_update.cards, entry->as.member_update.card_count, {0}};
    case JF_ENTRY_CARD_LINK:
        return (struct jf_card_move){&entry->as.card_link.card, 1, entry->member};
    case JF_ENTRY_CARD_UNLINK:
        return (struct jf_card_move){&entry->as.card_unlink.card, 1, {0}};
    case JF_ENTRY_MERGE:
        return (struct jf_card_move){entry->as.merge.cards, entry->as.merge.card_count,
                                     entry->member};
    default:
        return (struct jf_card_move){NULL, 0, {0}};
    }
}

static void merge_growth(const struct jf_merge_entry *merge, struct jf_member_growth *growth)
{
    // Lots that were only granted from have no posting. All lots and holds of two members are far
    // fewer than the most postings.
    uint32_t lots = growth->lots + merge->granted_count;
    growth->lots = lots < JF_POSTINGS_PER_ENTRY_MAX ? lots : JF_POSTINGS_PER_ENTRY_MAX;
    growth->months = merge->month_count;
    growth->counters = merge->counter_count;
    growth->holds = merge->hold_count;
    growth->hold_parts = merge->hold_part_count;
}

static bool is_same_lot(const struct jf_posting *a, const struct jf_posting *b)
{
    return a->available_on == b->available_on && a->expires_on == b->expires_on &&
           a->entity.value == b->entity.value;
}

// A lot is opened by the first posting of its key, a debt by the first of its entity. Most entries
// post a few times in a row to the same one: counting where the key changes needs no memory.
static void postings_growth(const struct jf_entry *entry, struct jf_member_growth *growth)
{
    const struct jf_posting *lot = NULL;
    const struct jf_posting *debt = NULL;
    for (uint32_t i = 0; i < entry->posting_count; i++) {
        const struct jf_posting *posting = &entry->postings[i];
        if (jf_account_has_lot(posting->account)) {
            growth->lots += lot == NULL || !is_same_lot(lot, posting);
            lot = posting;
        } else if (posting->account == JF_ACCOUNT_DEBT) {
            growth->debts += debt == NULL || debt->entity.value != posting->entity.value;
            debt = posting;
        }
    }
}

struct jf_member_growth jf_entry_growth(const struct jf_entry *entry)
{
    struct jf_member_growth growth = {.months = 1, .counters = entry->counted_count};
    postings_growth(entry, &growth);
    struct jf_card_move move = jf_entry_card_move(entry);
    if (move.leads_to.value != 0) {
        growth.cards = move.count;
    }
    if (entry->kind == JF_ENTRY_MERGE) {
        merge_growth(&entry->as.merge, &growth);
    } else if (entry->kind == JF_ENTRY_HOLD) {
        growth.holds = 1;
        growth.hold_parts = entry->as.hold.held_count;
    }
    return growth;
}

const char *jf_entry_kind_name(enum jf_entry_kind kind)
{
    switch (kind) {
    case JF_ENTRY_SALE:
        return "sale";
    case JF_ENTRY_RETURN:
        return "return";
    case JF_ENTRY_REDEMPTION:
        return "redemption";
    case JF_ENTRY_ENROLMENT:
        return "enrolment";
    case JF_ENTRY_PUBLICATION:
        return "publication";
    case JF_ENTRY_STORE:
        return "store";
    case JF_ENTRY_TIER_CHANGE:
        return "tier_change";
    case JF_ENTRY_HOLD:
        return "hold";
    case JF_ENTRY_CAPTURE:
        return "capture";
    case JF_ENTRY_VOID:
        return "void";
    case JF_ENTRY_MEMBER_UPDATE:
        return "member_update";
    case JF_ENTRY_CARD_LINK:
        return "card_link";
    case JF_ENTRY_CARD_UNLINK:
        return "card_unlink";
    case JF_ENTRY_MEMBER_STATUS:
        return "member_status";
    case JF_ENTRY_ADJUSTMENT:
        return "adjustment";
    case JF_ENTRY_TRANSFER:
        return "transfer";
    case JF_ENTRY_MERGE:
        return "merge";
    case JF_ENTRY_EXPIRY:
        return "expiry";
    case JF_ENTRY_DIGEST:
        return "digest";
    }
    return "unknown";
}

uint32_t jf_entry_kind_find(struct jf_text name)
{
    for (uint32_t kind = JF_ENTRY_SALE; kind <= JF_ENTRY_KIND_MAX; kind++) {
        const char *known = jf_entry_kind_name((enum jf_entry_kind)kind);
        if (jf_text_equal(jf_text_from(known), name) && !jf_text_equal(name, JF_TEXT("unknown"))) {
            return kind;
        }
    }
    return 0;
}
