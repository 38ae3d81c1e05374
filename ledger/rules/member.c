// A member's block and the sums over it. Nothing here fails.
#include "rules/member.h"

#include <string.h>

#include "base/assert.h"
#include "rules/holds.h"
#include "rules/lots.h"

_Static_assert(sizeof(struct jf_member) % 8 == 0, "lots follow the member, aligned");
_Static_assert(sizeof(struct jf_lot) == 40, "lots are dense");
_Static_assert(sizeof(struct jf_month_count) == 24, "months are dense");
_Static_assert(sizeof(struct jf_debt) == 16, "debts are dense");
_Static_assert(JF_LOTS_PER_MEMBER_MAX + JF_POSTINGS_PER_ENTRY_MAX <= UINT16_MAX,
               "the room for one entry fits the capacity's type");

_Static_assert(sizeof(struct jf_counter) == 24, "counters are dense");
_Static_assert(sizeof(struct jf_hold) == 32, "holds are dense");
_Static_assert(sizeof(struct jf_lot_part) == 24, "parts are dense");
_Static_assert(_Alignof(struct jf_card) <= 8, "cards come last and need no more alignment");

size_t jf_member_block_size(struct jf_member_capacity capacity)
{
    return sizeof(struct jf_member) + capacity.lots * sizeof(struct jf_lot) +
           capacity.months * sizeof(struct jf_month_count) +
           capacity.debts * sizeof(struct jf_debt) + capacity.counters * sizeof(struct jf_counter) +
           capacity.holds * sizeof(struct jf_hold) +
           capacity.hold_parts * sizeof(struct jf_lot_part) +
           capacity.cards * sizeof(struct jf_card);
}

// Cuts room for `count` elements off the block.
static void *cut(unsigned char **at, size_t count, size_t size)
{
    void *result = *at;
    *at += count * size;
    return result;
}

struct jf_member *jf_member_block_init(void *block, struct jf_member_capacity capacity)
{
    JF_ASSERT((uintptr_t)block % 8 == 0);
    unsigned char *at = block;
    struct jf_member *member = cut(&at, 1, sizeof *member);
    *member = (struct jf_member){.lot_capacity = capacity.lots,
                                 .month_capacity = capacity.months,
                                 .debt_capacity = capacity.debts,
                                 .counter_capacity = capacity.counters,
                                 .hold_capacity = capacity.holds,
                                 .hold_part_capacity = capacity.hold_parts,
                                 .card_capacity = capacity.cards};
    member->lots = cut(&at, capacity.lots, sizeof *member->lots);
    member->months = cut(&at, capacity.months, sizeof *member->months);
    member->debts = cut(&at, capacity.debts, sizeof *member->debts);
    member->counters = cut(&at, capacity.counters, sizeof *member->counters);
    member->holds = cut(&at, capacity.holds, sizeof *member->holds);
    member->hold_parts = cut(&at, capacity.hold_parts, sizeof *member->hold_parts);
    member->cards = cut(&at, capacity.cards, sizeof *member->cards);
    return member;
}

struct jf_member_capacity jf_member_used(const struct jf_member *member)
{
    return (struct jf_member_capacity){
        .lots = member->lot_count,
        .months = member->month_count,
        .debts = member->debt_count,
        .counters = member->counter_count,
        .holds = member->hold_count,
        .hold_parts = member->hold_part_count,
        .cards = member->card_count,
    };
}

struct jf_member_capacity jf_member_capacity_of(const struct jf_member *member)
{
    return (struct jf_member_capacity){
        .lots = member->lot_capacity,
        .months = member->month_capacity,
        .debts = member->debt_capacity,
        .counters = member->counter_capacity,
        .holds = member->hold_capacity,
        .hold_parts = member->hold_part_capacity,
        .cards = member->card_capacity,
    };
}

static uint16_t larger(uint16_t a, uint16_t b)
{
    return a > b ? a : b;
}

struct jf_member_capacity jf_member_capacity_larger(struct jf_member_capacity a,
                                                    struct jf_member_capacity b)
{
    return (struct jf_member_capacity){
        .lots = larger(a.lots, b.lots),
        .months = larger(a.months, b.months),
        .debts = larger(a.debts, b.debts),
        .counters = larger(a.counters, b.counters),
        .holds = larger(a.holds, b.holds),
        .hold_parts = larger(a.hold_parts, b.hold_parts),
        .cards = larger(a.cards, b.cards),
    };
}

static void array_copy(void *into, uint16_t capacity, const void *from, uint16_t count, size_t size)
{
    JF_ASSERT(count <= capacity);
    if (count > 0) {
        memcpy(into, from, count * size);
    }
}

void jf_member_copy(struct jf_member *into, const struct jf_member *from)
{
    array_copy(into->lots, into->lot_capacity, from->lots, from->lot_count, sizeof *into->lots);
    array_copy(into->months, into->month_capacity, from->months, from->month_count,
               sizeof *into->months);
    array_copy(into->debts, into->debt_capacity, from->debts, from->debt_count,
               sizeof *into->debts);
    array_copy(into->counters, into->counter_capacity, from->counters, from->counter_count,
               sizeof *into->counters);
    array_copy(into->holds, into->hold_capacity, from->holds, from->hold_count,
               sizeof *into->holds);
    array_copy(into->hold_parts, into->hold_part_capacity, from->hold_parts, from->hold_part_count,
               sizeof *into->hold_parts);
    array_copy(into->cards, into->card_capacity, from->cards, from->card_count,
               sizeof *into->cards);
    const struct jf_member room = *into;
    *into = *from;
    into->lot_capacity = room.lot_capacity;
    into->month_capacity = room.month_capacity;
    into->debt_capacity = room.debt_capacity;
    into->counter_capacity = room.counter_capacity;
    into->hold_capacity = room.hold_capacity;
    into->hold_part_capacity = room.hold_part_capacity;
    into->card_capacity = room.card_capacity;
    into->lots = room.lots;
    into->months = room.months;
    into->debts = room.debts;
    into->counters = room.counters;
    into->holds = room.holds;
    into->hold_parts = room.hold_parts;
    into->cards = room.cards;
}

static uint16_t room_within(uint32_t used, uint32_t more, uint32_t most)
{
    uint32_t room = used + more;
    return (uint16_t)(room < most ? room : most);
}

struct jf_member_capacity jf_member_capacity_grown(struct jf_member_capacity used,
                                                   const struct jf_member_growth *growth)
{
    JF_ASSERT(growth->lots <= JF_POSTINGS_PER_ENTRY_MAX);
    return (struct jf_member_capacity){
        // Above the limit of lots by what an entry may add before it drops what is spent and
        // expired.
        .lots = (uint16_t)(used.lots + growth->lots),
        .months = room_within(used.months, growth->months, JF_MONTHS_PER_MEMBER_MAX),
        .debts = room_within(used.debts, growth->debts, JF_DEBTS_PER_MEMBER_MAX),
        .counters = (uint16_t)(used.counters + growth->counters), // likewise
        .holds = room_within(used.holds, growth->holds, JF_HOLDS_PER_MEMBER_MAX),
        .hold_parts =
            room_within(used.hold_parts, growth->hold_parts, JF_HOLD_PARTS_PER_MEMBER_MAX),
        .cards = room_within(used.cards, growth->cards, JF_CARDS_PER_MEMBER_MAX),
    };
}

struct jf_member_capacity jf_member_room_for(const struct jf_member *member,
                                             const struct jf_member_growth *growth)
{
    return jf_member_capacity_grown(jf_member_used(member), growth);
}

int64_t jf_member_debt(const struct jf_member *member)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < member->debt_count; i++) {
        sum += member->debts[i].points;
    }
    return sum;
}

int64_t jf_member_held(const struct jf_member *member)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < member->hold_part_count; i++) {
        sum += member->hold_parts[i].points;
    }
    return sum;
}

int64_t jf_member_balance(const struct jf_member *member)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < member->lot_count; i++) {
        sum += member->lots[i].remaining;
    }
    return sum + jf_member_held(member) - jf_member_debt(member);
}

struct jf_member_level jf_member_level(const struct jf_member *member)
{
    return (struct jf_member_level){.is_counted = member->last_position != 0 &&
                                                  member->status != JF_MEMBER_MERGED,
                                    .version = member->tier_version,
                                    .tier = member->tier};
}

bool jf_member_has_points_until(const struct jf_member *member, jf_date expires_on)
{
    // From the back: lots are sorted by their last day, and new points mostly go to the last.
    for (uint32_t i = member->lot_count; i > 0; i--) {
        const struct jf_lot *lot = &member->lots[i - 1];
        if (lot->expires_on < expires_on) {
            break;
        }
        if (lot->expires_on == expires_on && lot->remaining > 0) {
            return true;
        }
    }
    return false;
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

// Adds points of one lot as they are on `date`; lots in any order.
static void points_judge(struct jf_balance *balance, struct jf_lot_key key, int64_t points,
                         jf_date date)
{
    if (points == 0 || key.expires_on < date) {
        return;
    }
    if (key.available_on > date) {
        balance->pending += points;
    } else {
        balance->available += points;
    }
    if (key.expires_on == JF_DATE_EVER) {
        return;
    }
    if (balance->expiring_points == 0 || key.expires_on < balance->expiring_on) {
        balance->expiring_points = 0;
        balance->expiring_on = key.expires_on;
    }
    if (key.expires_on == balance->expiring_on) {
        balance->expiring_points += points;
    }
}

struct jf_balance jf_member_balance_at(const struct jf_member *member, jf_date date, int64_t at_ms)
{
    struct jf_balance balance = {
        .debt = jf_member_debt(member), .tier = member->tier, .expiring_on = JF_DATE_EVER};
    for (uint32_t i = 0; i < member->lot_count; i++) {
        const struct jf_lot *lot = &member->lots[i];
        points_judge(&balance, jf_lot_key_of(lot), lot->remaining + lot->expired, date);
    }
    const struct jf_lot_part *part = member->hold_parts;
    for (uint32_t i = 0; i < member->hold_count; i++) {
        bool is_overdue = jf_hold_is_overdue(&member->holds[i], at_ms);
        const struct jf_lot_part *end = part + member->holds[i].part_count;
        for (; part < end; part++) {
            struct jf_lot_key key = {part->available_on, part->expires_on, part->entity};
            if (is_overdue) {
                points_judge(&balance, key, part->points, date);
            } else {
                balance.held += part->points;
            }
        }
    }
    return balance;
}

struct jf_balance jf_member_balance_on(const struct jf_member *member, jf_date date)
{
    return jf_member_balance_at(member, date, INT64_MIN);
}
