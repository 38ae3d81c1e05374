// Applying: an entry changes state mechanically and cannot refuse (ARCHITECTURE 1). Used by the
// ledger thread, by recovery, by verify and by tests: one function each, so that they cannot
// differ.
#ifndef JF_RULES_APPLY_H
#define JF_RULES_APPLY_H

#include "rules/entry.h"
#include "rules/member.h"

// Changes `member` as the entry says (an ENROLMENT fills an empty member). The member's block must
// have the room that jf_member_room_for demands. Entries without a member: not called. Applying an
// entry whose position is not above member->last_position does nothing, so that applying twice is
// harmless.
void jf_apply_member(struct jf_member *member, const struct jf_entry *entry);

// Control totals: one running sum per (account, entity, reason); reason counts for ISSUED only (0
// otherwise).
struct jf_control; // heap, one owner thread

JF_MUST_USE enum jf_error jf_control_create(struct jf_control **out_control);
void jf_control_destroy(struct jf_control *control);

// Room for an entry's rows and chain counters, so that applying cannot fail. Returns: JF_OK or
// JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_control_reserve(struct jf_control *control,
                                             const struct jf_entry *entry);

// Asked before an entry is accepted: false when a total, or what all members together have or owe,
// would leave 64 bits (refuse with OVERFLOW).
bool jf_control_fits(const struct jf_control *control, const struct jf_entry *entry);

// In: an entry that fits, with room reserved. An entry whose position is not above the last applied
// does nothing, so that applying twice is harmless.
void jf_control_apply(struct jf_control *control, const struct jf_entry *entry);

// Counts a member from one level to another: what the entry changed, as the member's record says
// before and after it. Room: reserved with the entry.
void jf_control_move(struct jf_control *control, struct jf_member_level from,
                     struct jf_member_level to);

struct jf_control_row {
    enum jf_account account;
    struct jf_entity_id entity;
    uint32_t reason;
    int64_t points;
};

// Counts beside the totals, over the whole ledger.
struct jf_control_counts {
    uint64_t entries;
    uint64_t members;
    uint64_t sales;
    uint64_t returns;
    uint64_t redemptions;
    uint64_t lines;
    uint64_t last_position;
};

// Rows in ascending order of (account, entity, reason). Pointers are valid until the next apply.
uint32_t jf_control_rows(const struct jf_control *control, const struct jf_control_row **out_rows);
const struct jf_control_counts *jf_control_counts(const struct jf_control *control);

// Counters of the whole chain (rewards redeemed, members by level), in ascending order of kind,
// ground and period; values are above 0. Pointers are valid until the next apply or move.
uint32_t jf_control_chain_counters(const struct jf_control *control,
                                   const struct jf_counter **out_counters);
// Returns: how many rewards of a ground were redeemed.
int64_t jf_control_chain_counter(const struct jf_control *control, uint32_t ground);

// Returns: points issued on a ground over all entities, less what returns took back.
int64_t jf_control_issued(const struct jf_control *control, uint32_t ground);

// Everything that a stored control record holds.
struct jf_control_content {
    const struct jf_control_row *rows;
    uint32_t row_count;
    const struct jf_counter *counters;
    uint32_t counter_count;
    struct jf_control_counts counts;
};

// For loading from the state: replaces everything. Errors: JF_ERROR_CORRUPT when rows or counters
// are not in ascending order, or a counter is not above 0 (nothing is replaced); JF_ERROR_NO_MEMORY
// (the control is empty then).
JF_MUST_USE enum jf_error jf_control_load(struct jf_control *control,
                                          const struct jf_control_content *content);

// Sum of the member accounts (AVAILABLE, PENDING, HELD, DEBT) over all entities: what members hold
// (invariant 3).
int64_t jf_control_liability(const struct jf_control *control);

#endif
