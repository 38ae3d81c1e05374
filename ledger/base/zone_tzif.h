// The inside of a loaded time zone, and the reader of TZif images that fills it. Used by zone.c and
// zone_tzif.c only.
#ifndef JF_BASE_ZONE_TZIF_H
#define JF_BASE_ZONE_TZIF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/zone.h"
#include "base/zone_rule.h"

// One allocation: the arrays follow the struct.
struct jf_zone {
    int64_t *instants;         // transitions in unix seconds, strictly ascending
    int32_t *offsets;          // local minus UTC from the transition of the same index on
    uint32_t transition_count; // 0 is allowed
    int32_t offset_before;     // before the first transition
    bool has_rule;             // `rule` holds from the last transition on
    struct jf_zone_rule rule;
};

// Returns: a zone with room for `transition_count` transitions, all else zero; NULL without memory.
struct jf_zone *jf_zone_tzif_allocate(uint32_t transition_count);

#endif
