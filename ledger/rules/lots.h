// Lots: their order, spending from them and giving back to them. For rules/*.c only; pure; threads:
// any.
#ifndef JF_RULES_LOTS_H
#define JF_RULES_LOTS_H

#include "rules/entry.h"
#include "rules/member.h"

// What makes two grants one lot.
struct jf_lot_key {
    jf_date available_on;
    jf_date expires_on;
    struct jf_entity_id entity;
};

static inline struct jf_lot_key jf_lot_key_of(const struct jf_lot *lot)
{
    return (struct jf_lot_key){lot->available_on, lot->expires_on, lot->entity};
}

static inline struct jf_lot_key jf_lot_part_key(const struct jf_lot_part *part)
{
    return (struct jf_lot_key){part->available_on, part->expires_on, part->entity};
}

// The order in which lots are kept and spent: earliest expiry, then earliest first day, then lowest
// entity. Returns: below 0, 0 or above 0.
int jf_lot_key_compare(struct jf_lot_key a, struct jf_lot_key b);

// Returns: the index of the first lot not before `key` (lot_count: none).
uint32_t jf_lots_lower_bound(const struct jf_member *member, struct jf_lot_key key);

// Returns: the lot of that key, or NULL.
const struct jf_lot *jf_lots_find(const struct jf_member *member, struct jf_lot_key key);

// Returns: what can be spent on `date`, over all lots.
int64_t jf_lots_spendable(const struct jf_member *member, jf_date date);

// Chooses what pays `points` on `date`, in the order of the lots. In: points ≤ jf_lots_spendable.
// Out: out_parts has room for lot_count parts. Returns: how many were filled.
uint32_t jf_lots_spend(const struct jf_member *member, jf_date date, int64_t points,
                       struct jf_lot_part *out_parts);

// Of `total` points that go back to the parts they were spent from, last spent first: the share of
// part `index`. In: total 0..sum of the parts.
int64_t jf_lots_given_back(const struct jf_lot_part *spent, uint32_t spent_count, uint32_t index,
                           int64_t total);

#endif
