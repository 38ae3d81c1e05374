// Entries are stored in chunks of 32 consecutive positions: one key for 32 entries keeps the index
// small and lets neighbours compress together. FORMAT.md, "State". Threads: any; no memory is kept.
#ifndef JF_STATE_CHUNK_H
#define JF_STATE_CHUNK_H

#include "base/error.h"
#include "base/text.h"

#define JF_CHUNK_SHIFT   5u
#define JF_CHUNK_ENTRIES 32u
// A stored tail is the number of its chunk (8 bytes) and the unfinished chunk.
#define JF_TAIL_HEAD_BYTES 8u

// An unfinished chunk: slot i holds bytes ends[i - 1] .. ends[i].
struct jf_chunk {
    uint64_t number; // position >> JF_CHUNK_SHIFT
    uint32_t count;
    uint32_t ends[JF_CHUNK_ENTRIES];
};

static inline uint64_t jf_chunk_of(uint64_t position)
{
    return position >> JF_CHUNK_SHIFT;
}

static inline uint32_t jf_chunk_slot(uint64_t position)
{
    return (uint32_t)(position & (JF_CHUNK_ENTRIES - 1));
}

// Bytes before the entries' own.
size_t jf_chunk_head_bytes(uint32_t count);
void jf_chunk_head_encode(const struct jf_chunk *chunk, unsigned char *to);

// Reads a stored chunk's table. Out: counts and ends (number is left alone) and the entries' bytes,
// in `value`. Errors: JF_ERROR_CORRUPT.
JF_MUST_USE enum jf_error jf_chunk_decode(struct jf_text value, struct jf_chunk *out_chunk,
                                          struct jf_text *out_bytes);

// One entry of a stored chunk. Errors: JF_ERROR_CORRUPT, also when the slot is not there.
JF_MUST_USE enum jf_error jf_chunk_entry(struct jf_text value, uint32_t slot,
                                         struct jf_text *out_entry);

// Out: the chunk in a stored tail. Errors: JF_ERROR_NOT_FOUND when it is not that one,
// JF_ERROR_CORRUPT.
JF_MUST_USE enum jf_error jf_tail_decode(struct jf_text value, uint64_t number,
                                         struct jf_text *out_chunk);

#endif
