// A member's holds: points set aside, out of the lots that their parts name. For rules/*.c only;
// pure; threads: any.
#ifndef JF_RULES_HOLDS_H
#define JF_RULES_HOLDS_H

#include <stdbool.h>

#include "rules/member.h"

// Whether a hold counts as void for a command of that instant. At its deadline it does not yet.
static inline bool jf_hold_is_overdue(const struct jf_hold *hold, int64_t at_ms)
{
    return hold->deadline_ms < at_ms;
}

// Returns: the open hold that an entry made, or NULL.
const struct jf_hold *jf_holds_find(const struct jf_member *member, uint64_t position);

// Returns: the hold's parts, hold->part_count of them, in the order in which they are spent.
const struct jf_lot_part *jf_holds_parts(const struct jf_member *member,
                                         const struct jf_hold *hold);

// Returns: the sum of the hold's parts.
int64_t jf_hold_points(const struct jf_member *member, const struct jf_hold *hold);

// Puts a hold and its parts where its position belongs. In: a hold of another position than the
// member's others, part_count filled; room for it and its parts.
void jf_holds_add(struct jf_member *member, const struct jf_hold *hold,
                  const struct jf_lot_part *parts);

// Forgets a hold and its parts; one that is not there is left alone.
void jf_holds_remove(struct jf_member *member, uint64_t position);

#endif
