// Applying the entries of a member's life: what they say of the member, beside their postings.
// Nothing here can refuse.
#include "base/assert.h"
#include "rules/apply_private.h"
#include "rules/cards.h"
#include "rules/counters.h"
#include "rules/holds.h"

static void update_apply(struct jf_member *member, const struct jf_member_update_entry *update)
{
    member->birth_month = (uint8_t)update->birth_month;
    member->birth_day = (uint8_t)update->birth_day;
    member->home_store = update->home_store;
    member->tags = update->tags;
    for (uint32_t i = 0; i < update->card_count; i++) {
        jf_cards_remove(member, update->cards[i]);
    }
}

static void granted_apply(struct jf_member *member, const struct jf_merge_entry *merge)
{
    for (uint32_t i = 0; i < merge->granted_count; i++) {
        const struct jf_lot_part *part = &merge->granted[i];
        struct jf_posting granted = {.account = JF_ACCOUNT_ISSUED,
                                     .entity = part->entity,
                                     .available_on = part->available_on,
                                     .expires_on = part->expires_on,
                                     .points = -part->points};
        jf_apply_postings(member, &granted, 1);
    }
}

static void months_apply(struct jf_member *member, const struct jf_merge_entry *merge)
{
    for (uint32_t i = 0; i < merge->month_count; i++) {
        const struct jf_month_count *more = &merge->months[i];
        struct jf_month_count *month = jf_apply_month_obtain(member, more->month_index);
        if (month != NULL) {
            month->visits += more->visits;
            month->spend += more->spend;
            month->points += more->points;
        }
    }
}

// Holds are kept in the order of their positions: those of two members are woven into each other.
static void holds_apply(struct jf_member *member, const struct jf_merge_entry *merge)
{
    const struct jf_lot_part *parts = merge->hold_parts;
    for (uint32_t i = 0; i < merge->hold_count; i++) {
        jf_holds_add(member, &merge->holds[i], parts);
        parts += merge->holds[i].part_count;
    }
}

// The member that goes on.
static void merge_apply(struct jf_member *member, const struct jf_merge_entry *merge)
{
    granted_apply(member, merge);
    months_apply(member, merge);
    jf_counters_apply(member, merge->counters, merge->counter_count);
    holds_apply(member, merge);
    for (uint32_t i = 0; i < merge->card_count; i++) {
        jf_cards_add(member, merge->cards[i]);
    }
    member->visits += merge->visits;
    member->tier = (uint8_t)merge->tier;
    member->tier_version = merge->tier_version;
    member->tier_since = merge->tier_since;
    member->tier_until = merge->tier_until;
    member->enrolled_on = merge->enrolled_on;
    member->birth_month = (uint8_t)merge->birth_month;
    member->birth_day = (uint8_t)merge->birth_day;
    member->tags = merge->tags;
}

// The member that ceases to be: what the postings have not moved is forgotten here.
static void merged_away_apply(struct jf_member *member, struct jf_member_id into)
{
    member->lot_count = 0;
    member->month_count = 0;
    member->debt_count = 0;
    member->counter_count = 0;
    member->hold_count = 0;
    member->hold_part_count = 0;
    member->card_count = 0;
    member->visits = 0;
    member->tags = 0;
    member->tier = 0;
    member->tier_version = 0;
    member->tier_until = 0;
    member->activity_class = 0;
    member->birth_month = 0;
    member->birth_day = 0;
    member->status = JF_MEMBER_MERGED;
    member->merged_into = into;
}

void jf_apply_life(struct jf_member *member, const struct jf_entry *entry)
{
    switch (entry->kind) {
    case JF_ENTRY_MEMBER_UPDATE:
        update_apply(member, &entry->as.member_update);
        break;
    case JF_ENTRY_CARD_LINK:
        jf_cards_add(member, entry->as.card_link.card);
        break;
    case JF_ENTRY_CARD_UNLINK:
        jf_cards_remove(member, entry->as.card_unlink.card);
        break;
    case JF_ENTRY_MEMBER_STATUS:
        member->status = (uint8_t)entry->as.member_status.status;
        break;
    case JF_ENTRY_MERGE:
        if (member->number.value == entry->as.merge.from.member.value) {
            merged_away_apply(member, entry->member);
        } else {
            merge_apply(member, &entry->as.merge);
        }
        break;
    default:
        break;
    }
}
