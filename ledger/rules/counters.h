// A member's counters behind caps and limits: sorted by kind, ground and period, never 0. For
// rules/*.c and simulations; pure; threads: any.
#ifndef JF_RULES_COUNTERS_H
#define JF_RULES_COUNTERS_H

#include "rules/entry.h"
#include "rules/member.h"

// How long a counter of a day or month is kept, counted from the newest of its kind: a receipt that
// arrives later than that meets fresh room.
#define JF_COUNTER_DAYS_KEPT   92
#define JF_COUNTER_MONTHS_KEPT 24

// Returns: the counter's value, 0 without one.
int64_t jf_counters_value(const struct jf_member *member, uint32_t kind, uint32_t ground,
                          int32_t period);

// Adds deltas, and drops what has become too old; deltas of chain counters are left out. In: the
// member has room for one more counter for each delta.
void jf_counters_apply(struct jf_member *member, const struct jf_counter_delta *deltas,
                       uint32_t delta_count);

#endif
