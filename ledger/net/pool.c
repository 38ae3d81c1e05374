// Each block carries a 16-byte header with its class; freeing pushes it on the class's list.
// Fails only by returning NULL when malloc does and the reserve, which is filled from its beginning
// and emptied as a whole, has no room left. Under AddressSanitizer nothing is kept, so that a
// use after free is seen there.
#include "net/pool.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

#define CLASS_BYTES_MIN ((size_t)64)
#define CLASS_NONE      UINT32_MAX
#define CLASS_RESERVE   (UINT32_MAX - 1)
#define ALIGN           ((size_t)16)

struct jf_pool_block {
    uint32_t class;
    uint32_t reserved;
    size_t size;                  // usable bytes
    struct jf_pool_block *next[]; // in a free block only
};

_Static_assert(sizeof(struct jf_pool_block) == 16, "blocks stay aligned to 16");

static uint32_t class_of(size_t size)
{
    if (size <= CLASS_BYTES_MIN) {
        return 0;
    }
    uint32_t class = (uint32_t)(64 - __builtin_clzll((size - 1) / CLASS_BYTES_MIN));
    return class < JF_POOL_CLASSES ? class : CLASS_NONE;
}

static struct jf_pool_block *block_of(void *bytes)
{
    return (struct jf_pool_block *)(void *)((unsigned char *)bytes - sizeof(struct jf_pool_block));
}

static size_t retained_bytes_max(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return 0;
#else
    return JF_POOL_RETAINED_BYTES_MAX;
#endif
}

static struct jf_pool_block *reserve_take(struct jf_pool *pool, size_t size, size_t end)
{
    size_t room = (size + ALIGN - 1) / ALIGN * ALIGN;
    size_t left = end > pool->reserve_used ? end - pool->reserve_used : 0;
    if (left < sizeof(struct jf_pool_block) || room > left - sizeof(struct jf_pool_block)) {
        return NULL;
    }
    struct jf_pool_block *block = (void *)(pool->reserve + pool->reserve_used);
    *block = (struct jf_pool_block){.class = CLASS_RESERVE, .size = room};
    pool->reserve_used += sizeof *block + room;
    pool->reserve_blocks += 1;
    return block;
}

static void reserve_give_back(struct jf_pool *pool)
{
    JF_ASSERT(pool->reserve_blocks > 0);
    pool->reserve_blocks -= 1;
    if (pool->reserve_blocks == 0) {
        pool->reserve_used = 0;
    }
}

// In: reserve_end: up to which the reserve may be used.
static void *alloc(struct jf_pool *pool, size_t size, size_t reserve_end)
{
    uint32_t class = class_of(size);
    struct jf_pool_block *block = NULL;
    if (class != CLASS_NONE && pool->free_blocks[class] != NULL) {
        block = pool->free_blocks[class];
        pool->free_blocks[class] = block->next[0];
        pool->retained_bytes -= block->size;
    } else {
        size_t room = class == CLASS_NONE ? size : CLASS_BYTES_MIN << class;
        if (room > SIZE_MAX / 2) {
            return NULL;
        }
        block = malloc(sizeof *block + room);
        if (block != NULL) {
            *block = (struct jf_pool_block){.class = class, .size = room};
        } else {
            pool->is_short = true;
            block = reserve_take(pool, size, reserve_end);
        }
        if (block == NULL) {
            return NULL;
        }
    }
    pool->live_blocks += 1;
    JF_ASSERT(block->size >= size);
    return (unsigned char *)block + sizeof *block;
}

void *jf_pool_alloc(struct jf_pool *pool, size_t size)
{
    return alloc(pool, size, JF_POOL_RESERVE_BYTES - JF_POOL_RESERVE_GROWING);
}

bool jf_pool_is_short(struct jf_pool *pool)
{
    bool is_short = pool->is_short;
    pool->is_short = false;
    return is_short;
}

void jf_pool_free(struct jf_pool *pool, void *bytes)
{
    if (bytes == NULL) {
        return;
    }
    struct jf_pool_block *block = block_of(bytes);
    JF_ASSERT(pool->live_blocks > 0);
    pool->live_blocks -= 1;
    if (block->class == CLASS_RESERVE) {
        reserve_give_back(pool);
        return;
    }
    if (block->class == CLASS_NONE || pool->retained_bytes + block->size > retained_bytes_max()) {
        free(block);
        return;
    }
    JF_ASSERT(block->class < JF_POOL_CLASSES);
    block->next[0] = pool->free_blocks[block->class];
    pool->free_blocks[block->class] = block;
    pool->retained_bytes += block->size;
}

static void *memory_malloc(size_t size, void *user)
{
    return jf_pool_alloc(user, size);
}

static void memory_free(void *bytes, void *user)
{
    jf_pool_free(user, bytes);
}

static void *memory_calloc(size_t count, size_t size, void *user)
{
    size_t total = 0;
    if (__builtin_mul_overflow(count, size, &total)) {
        return NULL;
    }
    void *bytes = jf_pool_alloc(user, total);
    if (bytes != NULL) {
        memset(bytes, 0, total);
    }
    return bytes;
}

static void *memory_realloc(void *bytes, size_t size, void *user)
{
    if (bytes != NULL && block_of(bytes)->size >= size) {
        return bytes;
    }
    void *larger = alloc(user, size, JF_POOL_RESERVE_BYTES);
    if (larger != NULL && bytes != NULL) {
        memcpy(larger, bytes, block_of(bytes)->size);
        jf_pool_free(user, bytes);
    }
    return larger;
}

bool jf_pool_init(struct jf_pool *pool)
{
    memset(pool, 0, sizeof *pool);
    pool->reserve = malloc(JF_POOL_RESERVE_BYTES);
    pool->memory = (nghttp2_mem){.mem_user_data = pool,
                                 .malloc = memory_malloc,
                                 .free = memory_free,
                                 .calloc = memory_calloc,
                                 .realloc = memory_realloc};
    return pool->reserve != NULL;
}

void jf_pool_deinit(struct jf_pool *pool)
{
    JF_ASSERT(pool->live_blocks == 0);
    for (uint32_t class = 0; class < JF_POOL_CLASSES; class ++) {
        struct jf_pool_block *block = pool->free_blocks[class];
        while (block != NULL) {
            struct jf_pool_block *next = block->next[0];
            free(block);
            block = next;
        }
        pool->free_blocks[class] = NULL;
    }
    pool->retained_bytes = 0;
    free(pool->reserve);
    pool->reserve = NULL;
}
