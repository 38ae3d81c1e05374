// Applying: postings move lots and debts one by one, whatever the entry's kind; then lots that hold
// nothing go; then the counters. Nothing here can refuse. An entry that no planning made (damaged
// or forged) leaves a record that jf_member_check reports: signs are not forced here.
//
// Which lot a posting means is its key (available_on, expires_on, entity):
//   ISSUED     lot.granted   -= points   (the ledger's side is negative when points are issued)
//   AVAILABLE  lot.remaining += points   (PENDING likewise: a lot is pending until its first day)
//   EXPIRED    lot.expired   += points
//   DEBT       the debt to the entity -= points
//   HELD       nothing by itself: which hold begins or ends is in the entry's body
//   REDEEMED, ADJUSTED, WRITTEN_OFF: the ledger's side only
#include "rules/apply.h"

#include <string.h>

#include "base/assert.h"
#include "rules/apply_private.h"
#include "rules/counters.h"
#include "rules/cards.h"
#include "rules/holds.h"
#include "rules/lots.h"

static struct jf_lot *lot_obtain(struct jf_member *member, const struct jf_posting *posting)
{
    struct jf_lot_key key = {posting->available_on, posting->expires_on, posting->entity};
    uint32_t index = jf_lots_lower_bound(member, key);
    struct jf_lot *lot = &member->lots[index];
    if (index < member->lot_count && jf_lot_key_compare(jf_lot_key_of(lot), key) == 0) {
        return lot;
    }
    JF_ASSERT(member->lot_count < member->lot_capacity);
    memmove(lot + 1, lot, (member->lot_count - index) * sizeof *lot);
    member->lot_count++;
    *lot = (struct jf_lot){
        .available_on = key.available_on, .expires_on = key.expires_on, .entity = key.entity};
    return lot;
}

static void debt_move(struct jf_member *member, struct jf_entity_id entity, int64_t points)
{
    uint32_t index = 0;
    while (index < member->debt_count && member->debts[index].entity.value < entity.value) {
        index++;
    }
    struct jf_debt *debt = &member->debts[index];
    uint32_t behind = member->debt_count - index;
    if (behind == 0 || debt->entity.value != entity.value) {
        JF_ASSERT(member->debt_count < member->debt_capacity);
        memmove(debt + 1, debt, behind * sizeof *debt);
        member->debt_count++;
        *debt = (struct jf_debt){.entity = entity, .points = -points};
        return;
    }
    debt->points -= points;
    if (debt->points == 0) {
        memmove(debt, debt + 1, (behind - 1) * sizeof *debt);
        member->debt_count--;
    }
}

static void posting_apply(struct jf_member *member, const struct jf_posting *posting)
{
    switch (posting->account) {
    case JF_ACCOUNT_ISSUED:
        lot_obtain(member, posting)->granted -= posting->points;
        break;
    case JF_ACCOUNT_AVAILABLE:
    case JF_ACCOUNT_PENDING:
        lot_obtain(member, posting)->remaining += posting->points;
        break;
    case JF_ACCOUNT_EXPIRED:
        lot_obtain(member, posting)->expired += posting->points;
        break;
    case JF_ACCOUNT_DEBT:
        debt_move(member, posting->entity, posting->points);
        break;
    case JF_ACCOUNT_HELD: // the holds themselves say which
    case JF_ACCOUNT_REDEEMED:
    case JF_ACCOUNT_ADJUSTED:
    case JF_ACCOUNT_WRITTEN_OFF:
    case JF_ACCOUNT_COUNT:
        break;
    }
}

// The second member's postings of an entry about two: those that name it.
static void second_postings_apply(struct jf_member *member, const struct jf_entry *entry)
{
    for (uint32_t i = 0; i < entry->posting_count; i++) {
        if (entry->postings[i].member.value == member->number.value) {
            posting_apply(member, &entry->postings[i]);
        }
    }
}

void jf_apply_postings(struct jf_member *member, const struct jf_posting *postings,
                       uint32_t posting_count)
{
    for (uint32_t i = 0; i < posting_count; i++) {
        const struct jf_posting *posting = &postings[i];
        if (posting->member.value == 0 || posting->member.value == member->number.value) {
            posting_apply(member, posting);
        }
    }
}

// A lot goes when it holds nothing and nobody granted it anything (its sale came back), or when it
// holds nothing and its last day is over: nothing can be spent from it on any date. `granted` below
// 0 means that such a lot had gone before a return took back: there is nothing left to subtract
// from. A return leaves lots that are over to the next entry: the sale's next return may still take
// from what was granted, and its parts must end as one return would.
static void lots_sweep(struct jf_member *member, jf_date date)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < member->lot_count; i++) {
        struct jf_lot *lot = &member->lots[i];
        if (lot->granted < 0) {
            lot->granted = 0;
        }
        bool is_empty = lot->remaining == 0 && lot->expired == 0;
        if (is_empty && (lot->granted == 0 || lot->expires_on < date)) {
            continue;
        }
        if (kept != i) {
            member->lots[kept] = *lot;
        }
        kept++;
    }
    member->lot_count = (uint16_t)kept;
}

struct jf_month_count *jf_apply_month_obtain(struct jf_member *member, int32_t month_index)
{
    uint32_t index = member->month_count;
    while (index > 0 && member->months[index - 1].month_index >= month_index) {
        index--;
    }
    struct jf_month_count *month = &member->months[index];
    if (index < member->month_count && month->month_index == month_index) {
        return month;
    }
    int32_t span = (int32_t)JF_MONTHS_PER_MEMBER_MAX;
    if (index < member->month_count &&
        month_index <= member->months[member->month_count - 1].month_index - span) {
        return NULL;
    }
    uint32_t stale = 0;
    while (stale < index && member->months[stale].month_index <= month_index - span) {
        stale++;
    }
    memmove(member->months, member->months + stale,
            (member->month_count - stale) * sizeof *member->months);
    member->month_count = (uint16_t)(member->month_count - stale);
    index -= stale;
    JF_ASSERT(member->month_count < member->month_capacity);
    month = &member->months[index];
    memmove(month + 1, month, (member->month_count - index) * sizeof *month);
    member->month_count++;
    *month = (struct jf_month_count){.month_index = month_index};
    return month;
}

static void sale_count(struct jf_member *member, const struct jf_entry *entry)
{
    member->visits += 1;
    struct jf_month_count *month =
        jf_apply_month_obtain(member, jf_date_month_index(entry->business_date));
    if (month != NULL) {
        month->visits += 1;
        month->spend += entry->as.sale.spend;
        month->points += entry->points_granted;
    }
}

static int64_t at_least_zero(int64_t value)
{
    return value > 0 ? value : 0;
}

// The month is absent when it was too old to be counted, or has become so since: then nothing goes
// back. For the same reason no count falls below 0.
static void return_count(struct jf_member *member, const struct jf_return_entry *returned)
{
    member->visits = (uint32_t)at_least_zero((int64_t)member->visits + returned->visit_delta);
    uint32_t index = 0;
    while (index < member->month_count &&
           member->months[index].month_index != returned->sale_month_index) {
        index++;
    }
    if (index == member->month_count) {
        return;
    }
    struct jf_month_count *month = &member->months[index];
    month->visits = (uint32_t)at_least_zero((int64_t)month->visits + returned->visit_delta);
    month->spend = at_least_zero(month->spend + returned->spend_delta);
    month->points = at_least_zero(month->points + returned->points_delta);
    if (month->visits == 0 && month->spend == 0 && month->points == 0) {
        memmove(month, month + 1, (member->month_count - index - 1) * sizeof *month);
        member->month_count--;
    }
}

static void enrolment_apply(struct jf_member *member, const struct jf_entry *entry)
{
    const struct jf_enrol_command *enrolment = &entry->as.enrolment;
    member->number = entry->member;
    member->tags = enrolment->tags;
    member->enrolled_on = enrolment->enrolled_on;
    member->tier_since = enrolment->enrolled_on;
    member->home_store = enrolment->home_store;
    member->status = JF_MEMBER_ACTIVE;
    member->birth_month = (uint8_t)enrolment->birth_month;
    member->birth_day = (uint8_t)enrolment->birth_day;
    for (uint32_t i = 0; i < enrolment->card_count; i++) {
        jf_cards_add(member, enrolment->cards[i]);
    }
}

// In: levels under the entry's programme version. A member who stays keeps the level as it was
// reached, under whatever version.
static void level_apply(struct jf_member *member, const struct jf_entry *entry, uint32_t from,
                        uint32_t to)
{
    if (from != to) {
        member->tier = (uint8_t)to;
        member->tier_version = entry->programme_version;
        member->tier_since = entry->business_date;
    }
}

static void tier_change_apply(struct jf_member *member, const struct jf_entry *entry)
{
    const struct jf_tier_change_entry *change = &entry->as.tier_change;
    level_apply(member, entry, change->from, change->to);
    if (change->class_from != change->class_to) {
        member->activity_class = (uint8_t)change->class_to;
    }
    if (change->why == JF_TIER_WHY_BY_HAND) {
        member->tier = (uint8_t)change->to; // under this version, also where the level stays
        member->tier_version = entry->programme_version;
        member->tier_until = change->until;
    } else if (change->why == JF_TIER_WHY_HAND_ENDED) {
        member->tier_until = JF_DATE_MIN;
    }
}

static void hold_apply(struct jf_member *member, const struct jf_entry *entry)
{
    struct jf_hold hold = {.position = entry->position,
                           .deadline_ms = entry->as.hold.deadline_ms,
                           .part_count = entry->as.hold.held_count,
                           .reward = entry->as.hold.reward_ground,
                           .quantity = entry->as.hold.quantity};
    jf_holds_add(member, &hold, entry->as.hold.held);
}

void jf_apply_outcome(struct jf_member *member, const struct jf_entry *entry)
{
    struct jf_member_id second = jf_entry_second(entry).member;
    bool is_second = second.value != 0 && second.value == member->number.value;
    for (uint32_t i = 0; i < entry->voided_hold_count; i++) {
        jf_holds_remove(member, entry->voided_holds[i]);
    }
    if (is_second) {
        second_postings_apply(member, entry);
    } else {
        jf_apply_postings(member, entry->postings, entry->posting_count);
    }
    jf_apply_life(member, entry);
    if (entry->posting_count > 0 || entry->kind == JF_ENTRY_MERGE) {
        bool is_return = entry->kind == JF_ENTRY_RETURN;
        lots_sweep(member, is_return ? JF_DATE_MIN : entry->business_date);
    }
    if (!is_second) {
        jf_counters_apply(member, entry->voided_counted, entry->voided_counted_count);
        jf_counters_apply(member, entry->counted, entry->counted_count);
    }
    switch (entry->kind) {
    case JF_ENTRY_SALE:
        sale_count(member, entry);
        level_apply(member, entry, entry->as.sale.facts.tier, entry->balance.tier);
        break;
    case JF_ENTRY_RETURN:
        return_count(member, &entry->as.sale_return);
        break;
    case JF_ENTRY_ENROLMENT:
        enrolment_apply(member, entry);
        break;
    case JF_ENTRY_TIER_CHANGE:
        tier_change_apply(member, entry);
        break;
    case JF_ENTRY_HOLD:
        hold_apply(member, entry);
        break;
    case JF_ENTRY_CAPTURE:
    case JF_ENTRY_VOID:
        jf_holds_remove(member, entry->as.hold_end.hold_position);
        break;
    case JF_ENTRY_MEMBER_UPDATE: // jf_apply_life
    case JF_ENTRY_CARD_LINK:
    case JF_ENTRY_CARD_UNLINK:
    case JF_ENTRY_MEMBER_STATUS:
    case JF_ENTRY_ADJUSTMENT:
    case JF_ENTRY_TRANSFER:
    case JF_ENTRY_MERGE:
    case JF_ENTRY_REDEMPTION:
    case JF_ENTRY_PUBLICATION:
    case JF_ENTRY_STORE:
    case JF_ENTRY_EXPIRY:
    case JF_ENTRY_DIGEST:
        break;
    }
    member->last_position = entry->position;
}

void jf_apply_member(struct jf_member *member, const struct jf_entry *entry)
{
    if (entry->position > member->last_position) {
        jf_apply_outcome(member, entry);
    }
}
