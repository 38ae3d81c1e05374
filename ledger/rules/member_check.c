// What no planned entry could have made of a member. Fails with JF_ERROR_CORRUPT, naming the first
// such thing: scalars, then counts against room and limits, then each array.
#include "rules/member.h"

#include <inttypes.h>

#include "base/number.h"
#include "rules/lots.h"

static enum jf_error corrupt(const struct jf_member *member, const char *what, uint32_t index,
                             struct jf_diagnosis *diagnosis)
{
    return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                       "the record of member %" PRIu64 " is damaged: %s (number %" PRIu32
                       "); restore the state from the journal",
                       member->number.value, what, index);
}

static enum jf_error scalars_check(const struct jf_member *member, struct jf_diagnosis *diagnosis)
{
    if (member->number.value == 0) {
        return corrupt(member, "its number is 0", 0, diagnosis);
    }
    if (member->status < JF_MEMBER_ACTIVE || member->status > JF_MEMBER_MERGED) {
        return corrupt(member, "its status is not in the list", member->status, diagnosis);
    }
    if ((member->status == JF_MEMBER_MERGED) != (member->merged_into.value != 0)) {
        return corrupt(member, "it is merged into nobody, or into somebody without being merged",
                       member->status, diagnosis);
    }
    if (member->tier >= JF_TIERS_MAX) {
        return corrupt(member, "its tier is not in the list", member->tier, diagnosis);
    }
    if (member->birth_month > 12 || member->birth_day > 31) {
        return corrupt(member, "its birthday is no day", member->birth_month, diagnosis);
    }
    return JF_OK;
}

static enum jf_error counts_check(const struct jf_member *member, struct jf_diagnosis *diagnosis)
{
    const struct {
        const char *what;
        uint32_t count;
        uint32_t capacity;
        uint32_t most;
    } arrays[] = {
        {"too many lots", member->lot_count, member->lot_capacity, JF_LOTS_PER_MEMBER_MAX},
        {"too many months", member->month_count, member->month_capacity, JF_MONTHS_PER_MEMBER_MAX},
        {"too many debts", member->debt_count, member->debt_capacity, JF_DEBTS_PER_MEMBER_MAX},
        {"too many counters", member->counter_count, member->counter_capacity,
         JF_COUNTERS_PER_MEMBER_MAX},
        {"too many holds", member->hold_count, member->hold_capacity, JF_HOLDS_PER_MEMBER_MAX},
        {"too many parts of holds", member->hold_part_count, member->hold_part_capacity,
         JF_HOLD_PARTS_PER_MEMBER_MAX},
        {"too many cards", member->card_count, member->card_capacity, JF_CARDS_PER_MEMBER_MAX},
    };
    for (uint32_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        if (arrays[i].count > arrays[i].most || arrays[i].count > arrays[i].capacity) {
            return corrupt(member, arrays[i].what, arrays[i].count, diagnosis);
        }
    }
    return JF_OK;
}

static enum jf_error lots_check(const struct jf_member *member, struct jf_diagnosis *diagnosis)
{
    jf_wide held = 0;
    jf_wide granted = 0;
    for (uint32_t i = 0; i < member->lot_count; i++) {
        const struct jf_lot *lot = &member->lots[i];
        if (lot->granted < 0 || lot->remaining < 0 || lot->expired < 0) {
            return corrupt(member, "a lot holds less than nothing", i, diagnosis);
        }
        if (lot->granted == 0 && lot->remaining == 0 && lot->expired == 0) {
            return corrupt(member, "a lot holds nothing and was granted nothing", i, diagnosis);
        }
        if (i > 0 && jf_lot_key_compare(jf_lot_key_of(lot - 1), jf_lot_key_of(lot)) >= 0) {
            return corrupt(member, "lots are not in order", i, diagnosis);
        }
        held += (jf_wide)lot->remaining + lot->expired;
        granted += lot->granted;
    }
    for (uint32_t i = 0; i < member->hold_part_count; i++) {
        held += member->hold_parts[i].points;
    }
    if (held > INT64_MAX || granted > INT64_MAX) {
        return corrupt(member, "the sum of the lots leaves 64 bits", member->lot_count, diagnosis);
    }
    return JF_OK;
}

static enum jf_error months_check(const struct jf_member *member, struct jf_diagnosis *diagnosis)
{
    jf_wide spend = 0;
    jf_wide points = 0;
    for (uint32_t i = 0; i < member->month_count; i++) {
        const struct jf_month_count *month = &member->months[i];
        if (month->spend < 0 || month->points < 0) {
            return corrupt(member, "a month counts less than nothing", i, diagnosis);
        }
        if (i > 0 && month[-1].month_index >= month->month_index) {
            return corrupt(member, "months are not in order", i, diagnosis);
        }
        spend += month->spend;
        points += month->points;
    }
    if (spend > INT64_MAX || points > INT64_MAX) {
        return corrupt(member, "the sum of the months leaves 64 bits", member->month_count,
                       diagnosis);
    }
    return JF_OK;
}

static enum jf_error debts_check(const struct jf_member *member, struct jf_diagnosis *diagnosis)
{
    jf_wide owed = 0;
    for (uint32_t i = 0; i < member->debt_count; i++) {
        if (member->debts[i].points <= 0) {
            return corrupt(member, "a debt is not above 0", i, diagnosis);
        }
        if (i > 0 && member->debts[i - 1].entity.value >= member->debts[i].entity.value) {
            return corrupt(member, "debts are not in order", i, diagnosis);
        }
        owed += member->debts[i].points;
    }
    if (owed > INT64_MAX) {
        return corrupt(member, "the sum of the debts leaves 64 bits", member->debt_count,
                       diagnosis);
    }
    return JF_OK;
}

static int counter_compare(const struct jf_counter *a, const struct jf_counter *b)
{
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    if (a->ground != b->ground) {
        return a->ground < b->ground ? -1 : 1;
    }
    return (a->period > b->period) - (a->period < b->period);
}

static enum jf_error counters_check(const struct jf_member *member, struct jf_diagnosis *diagnosis)
{
    for (uint32_t i = 0; i < member->counter_count; i++) {
        const struct jf_counter *counter = &member->counters[i];
        if (counter->kind < JF_COUNTER_CAP_DAY || counter->kind > JF_COUNTER_REWARD) {
            return corrupt(member, "a counter of no known kind", i, diagnosis);
        }
        if (counter->value <= 0) {
            return corrupt(member, "a counter is not above 0", i, diagnosis);
        }
        if (i > 0 && counter_compare(counter - 1, counter) >= 0) {
            return corrupt(member, "counters are not in order", i, diagnosis);
        }
    }
    return JF_OK;
}

static enum jf_error holds_check(const struct jf_member *member, struct jf_diagnosis *diagnosis)
{
    uint64_t parts = 0;
    for (uint32_t i = 0; i < member->hold_count; i++) {
        const struct jf_hold *hold = &member->holds[i];
        if (hold->position == 0 || hold->part_count == 0) {
            return corrupt(member, "a hold that no entry made", i, diagnosis);
        }
        if (hold->quantity < 0 || (hold->quantity == 0) != (hold->reward == 0)) {
            return corrupt(member, "a hold of an impossible reward", i, diagnosis);
        }
        if (i > 0 && hold[-1].position >= hold->position) {
            return corrupt(member, "holds are not in order", i, diagnosis);
        }
        parts += hold->part_count;
    }
    if (parts != member->hold_part_count) {
        return corrupt(member, "holds and their parts do not match", member->hold_part_count,
                       diagnosis);
    }
    for (uint32_t i = 0; i < member->hold_part_count; i++) {
        if (member->hold_parts[i].points <= 0) {
            return corrupt(member, "a hold sets aside nothing", i, diagnosis);
        }
    }
    return JF_OK;
}

static enum jf_error cards_check(const struct jf_member *member, struct jf_diagnosis *diagnosis)
{
    for (uint32_t i = 0; i < member->card_count; i++) {
        if (member->cards[i].size == 0 || member->cards[i].size > JF_CARD_BYTES_MAX) {
            return corrupt(member, "a card of an impossible size", i, diagnosis);
        }
    }
    return JF_OK;
}

enum jf_error jf_member_check(const struct jf_member *member, struct jf_diagnosis *diagnosis)
{
    enum jf_error (*const checks[])(const struct jf_member *, struct jf_diagnosis *) = {
        scalars_check, counts_check,   lots_check,  months_check,
        debts_check,   counters_check, holds_check, cards_check,
    };
    enum jf_error error = JF_OK;
    for (uint32_t i = 0; i < sizeof checks / sizeof checks[0] && error == JF_OK; i++) {
        error = checks[i](member, diagnosis);
    }
    return error;
}
