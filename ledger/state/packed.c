// Records lie one behind the other in chunks, each behind a head with its number. The chunk written
// to goes round: when all there may be are full, the next one's records are forgotten and it is
// written anew. A record that was taken leaves its place unused until then.
//
// Fails: never but when created; without memory for a chunk the ones there are go round.
#include "state/packed.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "state/keys.h"
#include "state/slots.h"

#define CHUNK_BYTES       ((uint32_t)256 << 10)
#define BYTES_PER_SLOT    128u // decides how much of the bound the table takes
#define ALIGNMENT         8u
#define LINE_BYTES        64u
#define PREFETCH_LINES    3u // head and a small member's record
#define CHUNKS_OF_A_TABLE 4u // with fewer there is no table

struct record {
    uint64_t number; // 0: taken
    uint32_t size;
    unsigned char bytes[];
};

struct chunk {
    uint32_t used;
    _Alignas(ALIGNMENT) unsigned char bytes[];
};

#define CHUNK_ROOM (CHUNK_BYTES - (uint32_t)sizeof(struct chunk))

struct jf_packed {
    struct jf_slots slots; // of records
    struct chunk **chunks;
    uint32_t chunk_count;
    uint32_t chunk_count_max; // 0: nothing is kept
    uint32_t current;
};

static uint32_t record_room(uint32_t size)
{
    uint32_t room = (uint32_t)offsetof(struct record, bytes) + size;
    return (room + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static struct record *record_at(struct chunk *chunk, uint32_t at)
{
    return (struct record *)(void *)(chunk->bytes + at);
}

enum jf_error jf_packed_create(uint64_t bytes_max, struct jf_packed **out_packed)
{
    struct jf_packed *packed = calloc(1, sizeof *packed);
    if (packed == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    *out_packed = packed;
    uint64_t slots = 1;
    while (slots * 2 * BYTES_PER_SLOT <= bytes_max) {
        slots *= 2;
    }
    uint64_t table_bytes = slots * sizeof(struct jf_slot);
    uint64_t chunks = bytes_max < table_bytes ? 0 : (bytes_max - table_bytes) / CHUNK_BYTES;
    if (chunks < CHUNKS_OF_A_TABLE) {
        return JF_OK;
    }
    packed->chunk_count_max = chunks < UINT32_MAX ? (uint32_t)chunks : UINT32_MAX;
    packed->chunks = calloc(packed->chunk_count_max, sizeof *packed->chunks);
    if (packed->chunks == NULL || jf_slots_create(&packed->slots, slots) != JF_OK) {
        jf_packed_destroy(packed);
        *out_packed = NULL;
        return JF_ERROR_NO_MEMORY;
    }
    return JF_OK;
}

void jf_packed_destroy(struct jf_packed *packed)
{
    if (packed == NULL) {
        return;
    }
    for (uint32_t i = 0; i < packed->chunk_count; i++) {
        free(packed->chunks[i]);
    }
    free(packed->chunks);
    jf_slots_free(&packed->slots);
    free(packed);
}

static void chunk_forget(struct jf_packed *packed, struct chunk *chunk)
{
    for (uint32_t at = 0; at < chunk->used;) {
        const struct record *record = record_at(chunk, at);
        if (record->number != 0) {
            uint64_t slot = jf_slots_find(&packed->slots, record->number);
            JF_ASSERT(packed->slots.slots[slot].value == record);
            jf_slots_remove(&packed->slots, slot);
        }
        at += record_room(record->size);
    }
    chunk->used = 0;
}

// The next chunk to write to: a new one while there may be more. NULL: there is none at all.
static struct chunk *chunk_next(struct jf_packed *packed)
{
    if (packed->chunk_count < packed->chunk_count_max && !jf_slots_are_full(&packed->slots)) {
        struct chunk *chunk = malloc(CHUNK_BYTES);
        if (chunk != NULL) {
            chunk->used = 0;
            packed->current = packed->chunk_count;
            packed->chunks[packed->chunk_count++] = chunk;
            return chunk;
        }
    }
    if (packed->chunk_count == 0) {
        return NULL;
    }
    packed->current = (packed->current + 1) % packed->chunk_count;
    chunk_forget(packed, packed->chunks[packed->current]);
    return packed->chunks[packed->current];
}

void jf_packed_put(struct jf_packed *packed, uint64_t number, struct jf_text record)
{
    JF_ASSERT(number != 0);
    uint32_t room = record_room(record.size);
    if (packed->chunk_count_max == 0 || record.size > JF_PACKED_RECORD_BYTES_MAX) {
        return;
    }
    struct chunk *chunk = packed->chunk_count == 0 ? NULL : packed->chunks[packed->current];
    if (chunk == NULL || CHUNK_ROOM - chunk->used < room || jf_slots_are_full(&packed->slots)) {
        chunk = chunk_next(packed);
    }
    if (chunk == NULL || jf_slots_are_full(&packed->slots)) {
        return;
    }
    struct record *kept = record_at(chunk, chunk->used);
    chunk->used += room;
    kept->number = number;
    kept->size = record.size;
    memcpy(kept->bytes, record.data, record.size);
    uint64_t slot = jf_slots_find(&packed->slots, number);
    JF_ASSERT(packed->slots.slots[slot].number == 0);
    jf_slots_put(&packed->slots, slot, number, kept);
}

struct jf_text jf_packed_take(struct jf_packed *packed, uint64_t number, unsigned char *to)
{
    if (packed->slots.used == 0) {
        return (struct jf_text){0};
    }
    uint64_t slot = jf_slots_find(&packed->slots, number);
    if (packed->slots.slots[slot].number == 0) {
        return (struct jf_text){0};
    }
    struct record *record = packed->slots.slots[slot].value;
    JF_ASSERT(record->number == number);
    memcpy(to, record->bytes, record->size);
    record->number = 0;
    jf_slots_remove(&packed->slots, slot);
    return jf_text_of(to, record->size);
}

void jf_packed_prefetch_slot(const struct jf_packed *packed, uint64_t number)
{
    if (packed->slots.used > 0) {
        __builtin_prefetch(&packed->slots.slots[jf_slots_home(&packed->slots, number)]);
    }
}

void jf_packed_prefetch_record(const struct jf_packed *packed, uint64_t number)
{
    if (packed->slots.used == 0) {
        return;
    }
    const struct jf_slot *slot = &packed->slots.slots[jf_slots_home(&packed->slots, number)];
    const unsigned char *record = slot->value;
    if (slot->number == number && number != 0) {
        for (uint32_t line = 0; line < PREFETCH_LINES; line++) {
            __builtin_prefetch(record + (size_t)line * LINE_BYTES, 1);
        }
    }
}

uint64_t jf_packed_count(const struct jf_packed *packed)
{
    return packed->slots.used;
}

// A table that was never written to has no memory yet.
static uint64_t bytes_of(const struct jf_packed *packed, uint32_t chunk_count)
{
    return chunk_count == 0
               ? 0
               : packed->slots.count * sizeof(struct jf_slot) + (uint64_t)chunk_count * CHUNK_BYTES;
}

uint64_t jf_packed_bytes(const struct jf_packed *packed)
{
    return bytes_of(packed, packed->chunk_count);
}

uint64_t jf_packed_bytes_soon(const struct jf_packed *packed)
{
    bool is_growing = packed->chunk_count < packed->chunk_count_max;
    return bytes_of(packed, packed->chunk_count + is_growing);
}
