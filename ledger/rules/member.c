// A member's block and the sums over it. Fails only in jf_member_check, which names the first thing
// that no planned entry could have made.
#include "rules/member.h"

#include <inttypes.h>
#include <string.h>

#include "base/assert.h"
#include "base/number.h"
#include "rules/lots.h"

_Static_assert(sizeof(struct jf_member) % 8 == 0, "lots follow the member, aligned");
_Static_assert(sizeof(struct jf_lot) == 40, "lots are dense");
_Static_assert(sizeof(struct jf_month_count) == 24, "months are dense");
_Static_assert(sizeof(struct jf_debt) == 16, "debts are dense");
_Static_assert(JF_LOTS_PER_MEMBER_MAX + JF_POSTINGS_PER_ENTRY_MAX <= UINT16_MAX,
               "the room for one entry fits the capacity's type");

size_t jf_member_block_size(struct jf_member_capacity capacity)
{
    return sizeof(struct jf_member) + capacity.lots * sizeof(struct jf_lot) +
           capacity.months * sizeof(struct jf_month_count) +
           capacity.debts * sizeof(struct jf_debt);
}

struct jf_member *jf_member_block_init(void *block, struct jf_member_capacity capacity)
{
    JF_ASSERT((uintptr_t)block % 8 == 0);
    unsigned char *at = block;
    struct jf_member *member = block;
    memset(member, 0, sizeof *member);
    at += sizeof *member;
    member->lots = (struct jf_lot *)(void *)at;
    member->lot_capacity = capacity.lots;
    at += capacity.lots * sizeof(struct jf_lot);
    member->months = (struct jf_month_count *)(void *)at;
    member->month_capacity = capacity.months;
    at += capacity.months * sizeof(struct jf_month_count);
    member->debts = (struct jf_debt *)(void *)at;
    member->debt_capacity = capacity.debts;
    return member;
}

void jf_member_copy(struct jf_member *into, const struct jf_member *from)
{
    JF_ASSERT(from->lot_count <= into->lot_capacity);
    JF_ASSERT(from->month_count <= into->month_capacity);
    JF_ASSERT(from->debt_count <= into->debt_capacity);
    struct jf_member room = *into;
    *into = *from;
    into->lot_capacity = room.lot_capacity;
    into->month_capacity = room.month_capacity;
    into->debt_capacity = room.debt_capacity;
    into->lots = room.lots;
    into->months = room.months;
    into->debts = room.debts;
    memcpy(into->lots, from->lots, from->lot_count * sizeof *from->lots);
    memcpy(into->months, from->months, from->month_count * sizeof *from->months);
    memcpy(into->debts, from->debts, from->debt_count * sizeof *from->debts);
}

struct jf_member_capacity jf_member_room_for(const struct jf_member *member, uint32_t posting_count)
{
    JF_ASSERT(posting_count <= JF_POSTINGS_PER_ENTRY_MAX);
    uint32_t lots = member->lot_count + posting_count;
    uint32_t months = member->month_count + 1u;
    uint32_t debts = member->debt_count + posting_count;
    return (struct jf_member_capacity){
        // Above the limit of lots by what an entry may add before it drops what is spent and
        // expired.
        .lots = (uint16_t)lots,
        .months = (uint16_t)(months < JF_MONTHS_PER_MEMBER_MAX ? months : JF_MONTHS_PER_MEMBER_MAX),
        .debts = (uint16_t)(debts < JF_DEBTS_PER_MEMBER_MAX ? debts : JF_DEBTS_PER_MEMBER_MAX),
    };
}

int64_t jf_member_debt(const struct jf_member *member)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < member->debt_count; i++) {
        sum += member->debts[i].points;
    }
    return sum;
}

int64_t jf_member_balance(const struct jf_member *member)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < member->lot_count; i++) {
        sum += member->lots[i].remaining;
    }
    return sum - jf_member_debt(member);
}

int64_t jf_lot_spendable(const struct jf_lot *lot, jf_date date)
{
    if (date < lot->available_on || date > lot->expires_on) {
        return 0;
    }
    // What was posted as expired counts: expiry is judged by the date asked for, and a command that
    // arrives late is dated before the expiry was posted.
    return lot->remaining + lot->expired;
}

struct jf_balance jf_member_balance_on(const struct jf_member *member, jf_date date)
{
    struct jf_balance balance = {
        .debt = jf_member_debt(member), .tier = member->tier, .expiring_on = JF_DATE_EVER};
    for (uint32_t i = 0; i < member->lot_count; i++) {
        const struct jf_lot *lot = &member->lots[i];
        if (lot->expires_on < date) {
            continue;
        }
        int64_t points = lot->remaining + lot->expired;
        if (lot->available_on > date) {
            balance.pending += points;
        } else {
            balance.available += points;
        }
        // Lots are sorted by expiry: the first that holds points says what expires next.
        if (points > 0 && lot->expires_on != JF_DATE_EVER &&
            (balance.expiring_points == 0 || balance.expiring_on == lot->expires_on)) {
            balance.expiring_points += points;
            balance.expiring_on = lot->expires_on;
        }
    }
    return balance;
}

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
    if (member->status < JF_MEMBER_ACTIVE || member->status > JF_MEMBER_CLOSED) {
        return corrupt(member, "its status is not in the list", member->status, diagnosis);
    }
    if (member->tier >= JF_TIERS_MAX) {
        return corrupt(member, "its tier is not in the list", member->tier, diagnosis);
    }
    if (member->birth_month > 12 || member->birth_day > 31) {
        return corrupt(member, "its birthday is no day", member->birth_month, diagnosis);
    }
    if (member->lot_count > JF_LOTS_PER_MEMBER_MAX || member->lot_count > member->lot_capacity) {
        return corrupt(member, "too many lots", member->lot_count, diagnosis);
    }
    if (member->month_count > JF_MONTHS_PER_MEMBER_MAX ||
        member->month_count > member->month_capacity) {
        return corrupt(member, "too many months", member->month_count, diagnosis);
    }
    if (member->debt_count > JF_DEBTS_PER_MEMBER_MAX ||
        member->debt_count > member->debt_capacity) {
        return corrupt(member, "too many debts", member->debt_count, diagnosis);
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

enum jf_error jf_member_check(const struct jf_member *member, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = scalars_check(member, diagnosis);
    if (error == JF_OK) {
        error = lots_check(member, diagnosis);
    }
    if (error == JF_OK) {
        error = months_check(member, diagnosis);
    }
    return error == JF_OK ? debts_check(member, diagnosis) : error;
}
