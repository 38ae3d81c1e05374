// A bump allocator: many small allocations, freed all at once. One owner thread at a time.
// Memory comes in chunks from malloc and is kept over a reset, so that a warm arena allocates
// nothing.
#ifndef JF_BASE_ARENA_H
#define JF_BASE_ARENA_H

#include <stddef.h>

#include "base/error.h"
#include "base/text.h"

struct jf_arena_chunk;

// Caller's memory; all fields private.
struct jf_arena {
    struct jf_arena_chunk *first;   // chunks in the order of use
    struct jf_arena_chunk *current; // the one being filled
    size_t chunk_size;              // bytes of the first chunk; later ones double what is held
    size_t held_bytes;              // all chunks
    size_t held_bytes_max;          // bound; allocations past it return NULL
};

// In: chunk_size 1 KiB..16 MiB; held_bytes_max the bound on all memory held (at least chunk_size).
void jf_arena_init(struct jf_arena *arena, size_t chunk_size, size_t held_bytes_max);

// Frees everything. Safe on a zeroed arena and twice.
void jf_arena_deinit(struct jf_arena *arena);

// Forgets all allocations; keeps the first chunk, frees the others. Pointers handed out die.
void jf_arena_reset(struct jf_arena *arena);

// Returns: `size` bytes aligned to 16, not zeroed, until reset; NULL when the bound or malloc says
// no. A size of 0 gives a valid pointer.
void *jf_arena_alloc(struct jf_arena *arena, size_t size);

// As above, zeroed. NULL also when count × size overflows.
void *jf_arena_calloc(struct jf_arena *arena, size_t count, size_t size);

// Returns: a copy of `text` in the arena; data NULL with size > 0 never happens: on failure the
// result has size 0 and *out_ok false.
struct jf_text jf_arena_copy_text(struct jf_arena *arena, struct jf_text text, bool *out_ok);

#endif
