// Open addressing over XXH3 of the number, never more than half full. Fails: out of memory.
#include "tools/jifen/number_map.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/hash.h"

#define FIRST_CAPACITY 1024u

void jf_number_map_deinit(struct jf_number_map *map)
{
    free(map->numbers);
    free(map->slots);
    *map = (struct jf_number_map){0};
}

static uint32_t slot_of(const struct jf_number_map *map, uint64_t number)
{
    uint32_t mask = map->slot_count - 1;
    uint32_t slot = (uint32_t)jf_hash64(&number, sizeof(number)) & mask;
    while (map->slots[slot] != 0 && map->numbers[map->slots[slot] - 1] != number) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

static enum jf_error grow(struct jf_number_map *map)
{
    uint32_t capacity = map->capacity == 0 ? FIRST_CAPACITY : 2 * map->capacity;
    if (capacity > JF_NUMBER_MAP_COUNT_MAX) {
        return JF_ERROR_LIMIT;
    }
    uint64_t *numbers = realloc(map->numbers, (size_t)capacity * sizeof(*numbers));
    if (numbers == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    map->numbers = numbers;
    uint32_t *slots = calloc((size_t)capacity * 2, sizeof(*slots));
    if (slots == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    free(map->slots);
    map->slots = slots;
    map->slot_count = 2 * capacity;
    map->capacity = capacity;
    for (uint32_t index = 0; index < map->count; index++) {
        map->slots[slot_of(map, map->numbers[index])] = index + 1;
    }
    return JF_OK;
}

enum jf_error jf_number_map_add(struct jf_number_map *map, uint64_t number, uint32_t *out_index)
{
    if (jf_number_map_find(map, number, out_index)) {
        return JF_OK;
    }
    if (map->count == map->capacity) {
        enum jf_error error = grow(map);
        if (error != JF_OK) {
            return error;
        }
    }
    JF_ASSERT(map->count < map->capacity);
    uint32_t slot = slot_of(map, number);
    map->numbers[map->count] = number;
    map->slots[slot] = ++map->count;
    *out_index = map->count - 1;
    return JF_OK;
}

bool jf_number_map_find(const struct jf_number_map *map, uint64_t number, uint32_t *out_index)
{
    if (map->count == 0) {
        return false;
    }
    uint32_t slot = slot_of(map, number);
    if (map->slots[slot] == 0) {
        return false;
    }
    *out_index = map->slots[slot] - 1;
    return true;
}
