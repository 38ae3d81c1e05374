// Freeing a thousand small blocks at once and taking as many others makes malloc join them with
// their neighbours and split them again: each a miss of the processor's caches. Under
// AddressSanitizer nothing is kept, so that it sees what is used after it was given back.
//
// Fails: NULL when malloc does.
#include "state/block_pool.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/assert.h"

#ifdef __SANITIZE_ADDRESS__
#define IS_KEEPING false
#else
#define IS_KEEPING true
#endif

struct jf_pooled_block {
    struct jf_pooled_block *next;
};

// Steps of 64 bytes for small blocks, of about an eighth above.
uint32_t jf_block_pool_round(size_t size)
{
    size_t step = JF_BLOCK_POOL_STEP;
    while (size > step * JF_BLOCK_POOL_CLASSES) {
        step *= 2;
    }
    size_t rounded = (size + step - 1) / step * step;
    JF_ASSERT(rounded <= UINT32_MAX);
    return (uint32_t)rounded;
}

// JF_BLOCK_POOL_CLASSES: of no class.
static uint32_t class_of(uint32_t size)
{
    uint32_t class = size / JF_BLOCK_POOL_STEP - 1;
    return class < JF_BLOCK_POOL_CLASSES ? class : JF_BLOCK_POOL_CLASSES;
}

void *jf_block_pool_take(struct jf_block_pool *pool, uint32_t size)
{
    JF_ASSERT(size >= JF_BLOCK_POOL_STEP && size % JF_BLOCK_POOL_STEP == 0);
    uint32_t class = class_of(size);
    if (class == JF_BLOCK_POOL_CLASSES || pool->free[class] == NULL) {
        return aligned_alloc(16, size);
    }
    struct jf_pooled_block *block = pool->free[class];
    pool->free[class] = block->next;
    pool->bytes -= size;
    return block;
}

// Gives one block back to malloc, of each size in turns: what nobody takes any more goes away.
static void one_free(struct jf_block_pool *pool)
{
    JF_ASSERT(pool->bytes > 0);
    while (pool->free[pool->turn] == NULL) {
        pool->turn = (pool->turn + 1) % JF_BLOCK_POOL_CLASSES;
    }
    struct jf_pooled_block *block = pool->free[pool->turn];
    pool->free[pool->turn] = block->next;
    pool->bytes -= (pool->turn + 1) * JF_BLOCK_POOL_STEP;
    pool->turn = (pool->turn + 1) % JF_BLOCK_POOL_CLASSES;
    free(block);
}

void jf_block_pool_give(struct jf_block_pool *pool, void *block, uint32_t size)
{
    uint32_t class = class_of(size);
    if (!IS_KEEPING || block == NULL || class == JF_BLOCK_POOL_CLASSES || size > pool->bytes_max) {
        free(block);
        return;
    }
    while (pool->bytes + size > pool->bytes_max) {
        one_free(pool);
    }
    struct jf_pooled_block *kept = block;
    kept->next = pool->free[class];
    pool->free[class] = kept;
    pool->bytes += size;
}

void jf_block_pool_free(struct jf_block_pool *pool)
{
    for (uint32_t class = 0; class < JF_BLOCK_POOL_CLASSES; class ++) {
        struct jf_pooled_block *block = pool->free[class];
        while (block != NULL) {
            struct jf_pooled_block *next = block->next;
            free(block);
            block = next;
        }
        pool->free[class] = NULL;
    }
    pool->bytes = 0;
}
