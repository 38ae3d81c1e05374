// An open-addressing table from numbers to pointers, for what is kept in memory by number. Linear
// probing, at most three quarters full; removing moves followers back, so that there are no
// tombstones. Threads: one owner. Memory: the table's own; what values point at is the caller's.
#ifndef JF_STATE_SLOTS_H
#define JF_STATE_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct jf_slot {
    uint64_t number; // 0: free
    void *value;
};

struct jf_slots {
    struct jf_slot *slots;
    uint64_t count; // power of two
    uint64_t used;
};

// In: count is a power of two. Returns: JF_OK, or JF_ERROR_NO_MEMORY and an empty table to free.
JF_MUST_USE enum jf_error jf_slots_create(struct jf_slots *slots, uint64_t count);
void jf_slots_free(struct jf_slots *slots);

// Doubles the table; every value keeps its number. Returns: JF_OK, or JF_ERROR_NO_MEMORY and
// nothing has changed.
JF_MUST_USE enum jf_error jf_slots_grow(struct jf_slots *slots);

// Frees a used slot. A follower may move into it.
void jf_slots_remove(struct jf_slots *slots, uint64_t at);

// Where a number's slot is looked for first.
static inline uint64_t jf_slots_home(const struct jf_slots *slots, uint64_t number)
{
    uint64_t value = number;
    value ^= value >> 30;
    value *= UINT64_C(0xBF58476D1CE4E5B9);
    value ^= value >> 27;
    value *= UINT64_C(0x94D049BB133111EB);
    return (value ^ (value >> 31)) & (slots->count - 1);
}

// Returns: the slot of a number, or the free one where it belongs. In: number not 0.
static inline uint64_t jf_slots_find(const struct jf_slots *slots, uint64_t number)
{
    uint64_t at = jf_slots_home(slots, number);
    while (slots->slots[at].number != 0 && slots->slots[at].number != number) {
        at = (at + 1) & (slots->count - 1);
    }
    return at;
}

// Whether the next number needs a larger table, or must wait until another goes.
static inline bool jf_slots_are_full(const struct jf_slots *slots)
{
    return slots->used >= slots->count / 4 * 3;
}

// In: `at` is the free slot where the number belongs; the table is not full.
static inline void jf_slots_put(struct jf_slots *slots, uint64_t at, uint64_t number, void *value)
{
    slots->slots[at] = (struct jf_slot){number, value};
    slots->used += 1;
}

#endif
