// The finalizer of SplitMix64 spreads numbers that were given out one after the other
// (https://prng.di.unimi.it/splitmix64.c). Fails: JF_ERROR_NO_MEMORY.
#include "state/slots.h"

#include <stdlib.h>

#include "base/assert.h"

enum jf_error jf_slots_create(struct jf_slots *slots, uint64_t count)
{
    JF_ASSERT(count > 0 && (count & (count - 1)) == 0);
    *slots = (struct jf_slots){.slots = calloc(count, sizeof *slots->slots)};
    if (slots->slots == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    slots->count = count;
    return JF_OK;
}

void jf_slots_free(struct jf_slots *slots)
{
    free(slots->slots);
    *slots = (struct jf_slots){0};
}

enum jf_error jf_slots_grow(struct jf_slots *slots)
{
    struct jf_slots grown;
    enum jf_error error = jf_slots_create(&grown, slots->count * 2);
    if (error != JF_OK) {
        return error;
    }
    for (uint64_t at = 0; at < slots->count; at++) {
        const struct jf_slot *slot = &slots->slots[at];
        if (slot->number != 0) {
            jf_slots_put(&grown, jf_slots_find(&grown, slot->number), slot->number, slot->value);
        }
    }
    jf_slots_free(slots);
    *slots = grown;
    return JF_OK;
}

void jf_slots_remove(struct jf_slots *slots, uint64_t at)
{
    JF_ASSERT(slots->slots[at].number != 0);
    uint64_t mask = slots->count - 1;
    uint64_t hole = at;
    uint64_t next = (hole + 1) & mask;
    while (slots->slots[next].number != 0) {
        // A follower that would no longer be found from its home moves into the hole.
        uint64_t home = jf_slots_home(slots, slots->slots[next].number);
        if (((next - home) & mask) >= ((next - hole) & mask)) {
            slots->slots[hole] = slots->slots[next];
            hole = next;
        }
        next = (next + 1) & mask;
    }
    slots->slots[hole] = (struct jf_slot){0};
    slots->used -= 1;
}
