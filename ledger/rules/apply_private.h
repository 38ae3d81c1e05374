// What jf_apply_member does once the position is known to be new. For planning, which applies the
// entry that it has just made to a copy of the member, so that the balance in the answer and the
// balance in the state come from one piece of code.
#ifndef JF_RULES_APPLY_PRIVATE_H
#define JF_RULES_APPLY_PRIVATE_H

#include "rules/apply.h"

// In: member with the room that jf_member_room_for demands. The entry's position is not looked at,
// and last_position is set to it.
void jf_apply_outcome(struct jf_member *member, const struct jf_entry *entry);

// Only what the postings do to lots and debts; nothing is swept. In: as above, for that many.
void jf_apply_postings(struct jf_member *member, const struct jf_posting *postings,
                       uint32_t posting_count);

// What entries of a member's life change besides their postings (apply_life.c); other kinds:
// nothing. In: either of the entry's members.
void jf_apply_life(struct jf_member *member, const struct jf_entry *entry);

// Returns: the month's count, made where there is none; NULL when it lies too far before the newest
// to be kept: such a sale earns points, but does not count for tiers. In: room for one more month.
struct jf_month_count *jf_apply_month_obtain(struct jf_member *member, int32_t month_index);

#endif
