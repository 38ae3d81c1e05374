// Numbers to dense indexes 0, 1, 2 … in the order in which they were first seen. One thread.
#ifndef JF_TOOLS_NUMBER_MAP_H
#define JF_TOOLS_NUMBER_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

// Caller's memory; zeroed is empty.
struct jf_number_map {
    uint64_t *numbers; // by index
    uint32_t *slots;   // index + 1, 0: free
    uint32_t count;
    uint32_t capacity; // of numbers
    uint32_t slot_count;
};

#define JF_NUMBER_MAP_COUNT_MAX (1u << 30)

void jf_number_map_deinit(struct jf_number_map *map);

// Finds or adds. Returns: JF_OK with the index; JF_ERROR_NO_MEMORY; JF_ERROR_LIMIT.
JF_MUST_USE enum jf_error jf_number_map_add(struct jf_number_map *map, uint64_t number,
                                            uint32_t *out_index);
bool jf_number_map_find(const struct jf_number_map *map, uint64_t number, uint32_t *out_index);

#endif
