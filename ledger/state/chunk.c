// A count, the ends of the entries as 32-bit numbers, the entries' bytes.
// Fails: a table that does not fit its value is JF_ERROR_CORRUPT.
#include "state/chunk.h"

#include "base/assert.h"
#include "base/bytes.h"

size_t jf_chunk_head_bytes(uint32_t count)
{
    JF_ASSERT(count <= JF_CHUNK_ENTRIES);
    return 1 + (size_t)count * sizeof(uint32_t);
}

void jf_chunk_head_encode(const struct jf_chunk *chunk, unsigned char *to)
{
    JF_ASSERT(chunk->count >= 1);
    JF_ASSERT(chunk->count <= JF_CHUNK_ENTRIES);
    to[0] = (unsigned char)chunk->count;
    for (uint32_t i = 0; i < chunk->count; i++) {
        jf_store_u32(to + 1 + i * sizeof(uint32_t), chunk->ends[i]);
    }
}

enum jf_error jf_chunk_decode(struct jf_text value, struct jf_chunk *out_chunk,
                              struct jf_text *out_bytes)
{
    const unsigned char *bytes = (const unsigned char *)value.data;
    if (value.size < 1 || bytes[0] < 1 || bytes[0] > JF_CHUNK_ENTRIES) {
        return JF_ERROR_CORRUPT;
    }
    struct jf_chunk chunk = {.number = out_chunk->number, .count = bytes[0]};
    size_t head = jf_chunk_head_bytes(chunk.count);
    if (value.size < head) {
        return JF_ERROR_CORRUPT;
    }
    uint32_t before = 0;
    for (uint32_t i = 0; i < chunk.count; i++) {
        chunk.ends[i] = jf_load_u32(bytes + 1 + i * sizeof(uint32_t));
        if (chunk.ends[i] < before) {
            return JF_ERROR_CORRUPT;
        }
        before = chunk.ends[i];
    }
    if (before != value.size - head) {
        return JF_ERROR_CORRUPT;
    }
    *out_chunk = chunk;
    *out_bytes = (struct jf_text){value.data + head, before};
    return JF_OK;
}

enum jf_error jf_chunk_entry(struct jf_text value, uint32_t slot, struct jf_text *out_entry)
{
    JF_ASSERT(slot < JF_CHUNK_ENTRIES);
    struct jf_chunk chunk = {0};
    struct jf_text bytes = {NULL, 0};
    enum jf_error error = jf_chunk_decode(value, &chunk, &bytes);
    if (error != JF_OK) {
        return error;
    }
    if (slot >= chunk.count) {
        return JF_ERROR_CORRUPT;
    }
    uint32_t begin = slot == 0 ? 0 : chunk.ends[slot - 1];
    *out_entry = (struct jf_text){bytes.data + begin, chunk.ends[slot] - begin};
    return JF_OK;
}

enum jf_error jf_tail_decode(struct jf_text value, uint64_t number, struct jf_text *out_chunk)
{
    if (value.size < JF_TAIL_HEAD_BYTES) {
        return JF_ERROR_CORRUPT;
    }
    if (jf_load_u64((const unsigned char *)value.data) != number) {
        return JF_ERROR_NOT_FOUND;
    }
    *out_chunk = (struct jf_text){value.data + JF_TAIL_HEAD_BYTES, value.size - JF_TAIL_HEAD_BYTES};
    return JF_OK;
}
