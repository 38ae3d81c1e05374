// A member's record as the rules see it: plain data in one block of memory, arrays inside the
// block. Who allocates: state/ (cache) and tests, through the size and init functions here.
#ifndef JF_RULES_MEMBER_H
#define JF_RULES_MEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/date.h"
#include "base/error.h"
#include "base/ids.h"
#include "base/limits.h"

enum jf_member_status {
    JF_MEMBER_ACTIVE = 1,
    JF_MEMBER_FROZEN = 2,
    JF_MEMBER_CLOSED = 3,
    JF_MEMBER_MERGED = 4 // became another member: merged_into
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

// Points of one lot: spent, set aside or given back.
struct jf_lot_part {
    jf_date available_on;
    jf_date expires_on; // JF_DATE_EVER: never
    struct jf_entity_id entity;
    int64_t points;
};

// What a counter counts. Kept sorted by kind, ground, period; never 0.
enum jf_counter_kind {
    JF_COUNTER_CAP_DAY = 1,   // points under a cap; period: business date
    JF_COUNTER_CAP_MONTH = 2, // points under a cap; period: month index
    JF_COUNTER_RULE = 3,      // points of a rule over all time; period 0
    JF_COUNTER_REWARD = 4,    // rewards redeemed over all time; period 0
    // Of the whole chain, in the control record:
    JF_COUNTER_REWARD_STOCK = 16, // rewards redeemed; period 0
    JF_COUNTER_LEVEL = 17 // members on a level; ground: programme version, period: the level
};

struct jf_counter {
    uint32_t kind;   // enum jf_counter_kind
    uint32_t ground; // of the cap, rule or reward; LEVEL: see there
    int32_t period;
    uint32_t reserved; // 0
    int64_t value;     // above 0
};

// Points set aside by a HOLD entry, out of the lots named by its parts. Kept sorted by position.
struct jf_hold {
    uint64_t position;   // of the HOLD entry
    int64_t deadline_ms; // instant after which it counts as void
    uint32_t part_count; // of hold_parts, behind those of the holds before it
    uint32_t reward;     // ground of a reward out of the catalogue; 0: money off
    int64_t quantity;    // of the reward; 0 without one
};

// A card that leads to the member, in the order linked.
struct jf_card {
    uint32_t size; // 1..JF_CARD_BYTES_MAX
    char bytes[JF_CARD_BYTES_MAX];
};

struct jf_member {
    struct jf_member_id number;
    uint64_t last_position; // newest entry about the member: head of the history chain
    uint64_t tags;
    struct jf_member_id merged_into; // status MERGED; value 0: not merged
    jf_date enrolled_on;
    jf_date tier_since;
    uint32_t home_store;
    uint32_t visits;       // receipts kept, over all time
    jf_date tier_until;    // last day of a level given by hand; 0 (JF_DATE_MIN): not by hand
    uint32_t tier_version; // programme version whose levels `tier` counts; 0: not said
    uint8_t status;        // enum jf_member_status
    uint8_t birth_month;   // 0: not given
    uint8_t birth_day;
    uint8_t tier; // level, 0 the lowest
    uint8_t activity_class;
    uint8_t reserved[3]; // 0
    uint16_t lot_count;
    uint16_t month_count;
    uint16_t debt_count;
    uint16_t counter_count;
    uint16_t hold_count;
    uint16_t hold_part_count; // over all holds
    uint16_t card_count;
    uint16_t lot_capacity;
    uint16_t month_capacity;
    uint16_t debt_capacity;
    uint16_t counter_capacity;
    uint16_t hold_capacity;
    uint16_t hold_part_capacity;
    uint16_t card_capacity;
    struct jf_lot *lots;
    struct jf_month_count *months;
    struct jf_debt *debts;
    struct jf_counter *counters;
    struct jf_hold *holds;
    struct jf_lot_part *hold_parts; // in the order of holds, and of each hold's choice of lots
    struct jf_card *cards;
};

// Room for arrays.
struct jf_member_capacity {
    uint16_t lots;
    uint16_t months;
    uint16_t debts;
    uint16_t counters;
    uint16_t holds;
    uint16_t hold_parts;
    uint16_t cards;
};

// Bytes of one block holding a member with that room.
size_t jf_member_block_size(struct jf_member_capacity capacity);

// Lays out an empty member in `block` (jf_member_block_size bytes, 16-aligned). Returns it.
struct jf_member *jf_member_block_init(void *block, struct jf_member_capacity capacity);

_Static_assert(sizeof(struct jf_member_capacity) == 7 * sizeof(uint16_t), "compared as bytes");

// Each array's larger room.
struct jf_member_capacity jf_member_capacity_larger(struct jf_member_capacity a,
                                                    struct jf_member_capacity b);

// What of its room the member uses.
struct jf_member_capacity jf_member_used(const struct jf_member *member);

// The room that a member's block has.
struct jf_member_capacity jf_member_capacity_of(const struct jf_member *member);

// Copies all content of `from` into `into`, whose capacities must suffice.
void jf_member_copy(struct jf_member *into, const struct jf_member *from);

// The most that applying an entry adds to a member.
struct jf_member_growth {
    uint32_t lots;  // at most JF_POSTINGS_PER_ENTRY_MAX
    uint32_t debts; // likewise
    uint32_t months;
    uint32_t counters;
    uint32_t holds;
    uint32_t hold_parts;
    uint32_t cards;
};

// What is used, and the growth on top, within the limits of a member.
struct jf_member_capacity jf_member_capacity_grown(struct jf_member_capacity used,
                                                   const struct jf_member_growth *growth);

// The room that a block must have before an entry of that growth is applied to it: what the member
// uses now plus the most that it can add. Applying never allocates, so the caller grows the block
// first where a capacity is below the one returned.
struct jf_member_capacity jf_member_room_for(const struct jf_member *member,
                                             const struct jf_member_growth *growth);

// Sums. Totals of valid members never overflow (every write is checked).
int64_t jf_member_debt(const struct jf_member *member);

// Points set aside by holds, whether or not their deadline is over.
int64_t jf_member_held(const struct jf_member *member);

// balance = sum of the lots' remainders + what holds set aside - debt (invariant 2).
int64_t jf_member_balance(const struct jf_member *member);

// Whether a lot with that last day holds points.
bool jf_member_has_points_until(const struct jf_member *member, jf_date expires_on);

// Where a member counts among the levels of the chain.
struct jf_member_level {
    bool is_counted; // enrolled, and not merged into another
    uint32_t version;
    uint32_t tier;
};
struct jf_member_level jf_member_level(const struct jf_member *member);

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
// posted or not. A hold past its deadline at the instant counts as void: its points as in their
// lots.
struct jf_balance jf_member_balance_at(const struct jf_member *member, jf_date date, int64_t at_ms);

// The same with every hold still held.
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
