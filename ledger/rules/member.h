// A member's record as the rules see it: plain data in one block of memory, arrays inside the
// block. Who allocates: state/ (cache) and tests, through the size and init functions here.
#ifndef JF_RULES_MEMBER_H
#define JF_RULES_MEMBER_H

#include <stddef.h>
#include <stdint.h>

#include "base/date.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/limits.h"

enum jf_member_status {
    JF_MEMBER_ACTIVE = 1,
    JF_MEMBER_FROZEN = 2,
    JF_MEMBER_CLOSED = 3
};

// Points with the same first day, last day and issuing entity. Kept sorted: earliest expiry first
// (JF_DATE_EVER last), then earliest available_on, then lowest entity.
struct jf_lot {
    jf_date available_on; // 0 (JF_DATE_MIN): from the start
    jf_date expires_on;   // last day on which it can be spent; JF_DATE_EVER: never expires
    struct jf_entity_id entity;
    uint32_t reserved; // 0
    int64_t granted;   // granted, less what returns took back
    int64_t remaining; // not spent, not taken back, not posted as expired
    int64_t expired; // posted as expired (an expiry can be undone by a redemption dated before it)
};

// What tiers count, by calendar month. Kept sorted by month; at most JF_MONTHS_PER_MEMBER_MAX.
struct jf_month_count {
    int32_t month_index; // year × 12 + month - 1
    uint32_t visits;     // receipts of which something is kept
    int64_t spend;       // eligible money kept
    int64_t points;      // points earned and kept
};

// What is owed to an entity's lots after returns. Points > 0. Kept sorted by entity, and paid in
// that order.
struct jf_debt {
    struct jf_entity_id entity;
    uint32_t reserved; // 0
    int64_t points;
};

struct jf_member {
    struct jf_member_id number;
    uint64_t last_position; // newest entry about the member: head of the history chain
    uint64_t tags;
    jf_date enrolled_on;
    jf_date tier_since;
    uint32_t home_store;
    uint32_t visits;     // receipts kept, over all time
    uint8_t status;      // enum jf_member_status
    uint8_t birth_month; // 0: not given
    uint8_t birth_day;
    uint8_t tier; // level, 0 the lowest
    uint8_t activity_class;
    uint8_t reserved[3]; // 0
    uint16_t lot_count;
    uint16_t month_count;
    uint16_t debt_count;
    uint16_t lot_capacity;
    uint16_t month_capacity;
    uint16_t debt_capacity;
    struct jf_lot *lots;
    struct jf_month_count *months;
    struct jf_debt *debts;
};

// Room for arrays.
struct jf_member_capacity {
    uint16_t lots;
    uint16_t months;
    uint16_t debts;
};

// Bytes of one block holding a member with that room.
size_t jf_member_block_size(struct jf_member_capacity capacity);

// Lays out an empty member in `block` (jf_member_block_size bytes, 16-aligned). Returns it.
struct jf_member *jf_member_block_init(void *block, struct jf_member_capacity capacity);

// Copies all content of `from` into `into`, whose capacities must suffice.
void jf_member_copy(struct jf_member *into, const struct jf_member *from);

// The room that a block must have before any one entry with `posting_count` postings is applied to
// it: what the member uses now plus the most that such an entry can add. Applying never allocates,
// so the caller grows the block first where a capacity is below the one returned. In: posting_count
// ≤ JF_POSTINGS_PER_ENTRY_MAX.
struct jf_member_capacity jf_member_room_for(const struct jf_member *member,
                                             uint32_t posting_count);

// Sums. Totals of valid members never overflow (every write is checked).
int64_t jf_member_debt(const struct jf_member *member);

// balance = sum of the lots' remainders - debt (invariant 2).
int64_t jf_member_balance(const struct jf_member *member);

struct jf_balance {
    int64_t available; // spendable on the date
    int64_t pending;
    int64_t held;
    int64_t debt; // positive
    uint32_t tier;
    int64_t expiring_points; // of the lots that expire next
    jf_date expiring_on;     // JF_DATE_EVER: nothing expires
};

// The member's points judged as of `date`: a lot counts as expired from the day after expires_on,
// posted or not.
struct jf_balance jf_member_balance_on(const struct jf_member *member, jf_date date);

// What of `lot` can be spent on `date`: remaining + expired while date ≤ expires_on and ≥
// available_on.
int64_t jf_lot_spendable(const struct jf_lot *lot, jf_date date);

// Says the first broken rule of a record that was read from disk or built by applying: order of
// lots and months, signs, counts within limits, invariant 2 computable. Returns: JF_OK or
// JF_ERROR_CORRUPT, diagnosed.
JF_MUST_USE enum jf_error jf_member_check(const struct jf_member *member,
                                          struct jf_diagnosis *diagnosis);

#endif
