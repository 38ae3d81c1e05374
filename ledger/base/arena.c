// A list of chunks filled in order. Fails only by returning NULL: at the bound, or when malloc
// does.
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#define ARENA_ALIGN     ((size_t)16)
#define GROWN_BYTES_MAX ((size_t)256 << 10)

// What a reset gave back must not be read any more: AddressSanitizer tells who does.
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define POISON(bytes, size)   ASAN_POISON_MEMORY_REGION(bytes, size)
#define UNPOISON(bytes, size) ASAN_UNPOISON_MEMORY_REGION(bytes, size)
#else
#define POISON(bytes, size)   ((void)(bytes))
#define UNPOISON(bytes, size) ((void)(bytes))
#endif

struct jf_arena_chunk {
    struct jf_arena_chunk *next;
    size_t size; // bytes of data
    size_t used;
    size_t reserved; // keeps data aligned to ARENA_ALIGN
    unsigned char data[];
};

_Static_assert(sizeof(struct jf_arena_chunk) % 16 == 0, "chunk data must stay aligned");

void jf_arena_init(struct jf_arena *arena, size_t chunk_size, size_t held_bytes_max)
{
    JF_ASSERT(chunk_size >= 1024);
    JF_ASSERT(held_bytes_max >= chunk_size);
    *arena = (struct jf_arena){.chunk_size = chunk_size, .held_bytes_max = held_bytes_max};
}

static void chunks_free(struct jf_arena_chunk *chunk)
{
    while (chunk != NULL) {
        struct jf_arena_chunk *next = chunk->next;
        UNPOISON(chunk->data, chunk->size);
        free(chunk);
        chunk = next;
    }
}

void jf_arena_deinit(struct jf_arena *arena)
{
    chunks_free(arena->first);
    arena->first = NULL;
    arena->current = NULL;
    arena->held_bytes = 0;
}

void jf_arena_reset(struct jf_arena *arena)
{
    if (arena->first == NULL) {
        return;
    }
    chunks_free(arena->first->next);
    arena->first->next = NULL;
    arena->first->used = 0;
    POISON(arena->first->data, arena->first->size);
    arena->current = arena->first;
    arena->held_bytes = arena->first->size;
}

// As much again as is held, so that much is had in few pieces; near the bound a usual chunk.
static size_t chunk_size_wanted(const struct jf_arena *arena, size_t left)
{
    size_t size = arena->held_bytes < GROWN_BYTES_MAX ? arena->held_bytes : GROWN_BYTES_MAX;
    return size < arena->chunk_size || size > left ? arena->chunk_size : size;
}

static struct jf_arena_chunk *chunk_add(struct jf_arena *arena, size_t size_min)
{
    size_t left = arena->held_bytes_max - arena->held_bytes;
    size_t wanted = chunk_size_wanted(arena, left);
    size_t size = size_min > wanted ? size_min : wanted;
    if (size > left) {
        return NULL;
    }
    struct jf_arena_chunk *chunk = malloc(sizeof *chunk + size);
    if (chunk == NULL) {
        return NULL;
    }
    *chunk = (struct jf_arena_chunk){.size = size};
    POISON(chunk->data, size);
    if (arena->current == NULL) {
        arena->first = chunk;
    } else {
        arena->current->next = chunk;
    }
    arena->current = chunk;
    arena->held_bytes += size;
    return chunk;
}

void *jf_arena_alloc(struct jf_arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    size_t rounded = (size + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1);
    struct jf_arena_chunk *chunk = arena->current;
    if (chunk == NULL || chunk->size - chunk->used < rounded) {
        chunk = chunk_add(arena, rounded);
        if (chunk == NULL) {
            return NULL;
        }
    }
    void *result = chunk->data + chunk->used;
    UNPOISON(result, size);
    chunk->used += rounded;
    JF_ASSERT(chunk->used <= chunk->size);
    return result;
}

void *jf_arena_calloc(struct jf_arena *arena, size_t count, size_t size)
{
    size_t total = 0;
    if (__builtin_mul_overflow(count, size, &total)) {
        return NULL;
    }
    void *result = jf_arena_alloc(arena, total);
    if (result != NULL) {
        memset(result, 0, total);
    }
    return result;
}

struct jf_text jf_arena_copy_text(struct jf_arena *arena, struct jf_text text, bool *out_ok)
{
    *out_ok = true;
    if (text.size == 0) {
        return (struct jf_text){NULL, 0};
    }
    char *copy = jf_arena_alloc(arena, text.size);
    if (copy == NULL) {
        *out_ok = false;
        return (struct jf_text){NULL, 0};
    }
    memcpy(copy, text.data, text.size);
    return (struct jf_text){copy, text.size};
}
