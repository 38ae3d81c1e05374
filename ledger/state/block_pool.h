// Blocks of memory in rounded sizes, taken and given back all the time. What is given back is kept
// for the next of its size, newest first, while it is still in the processor's caches; only what is
// more than enough goes back to malloc, a block of each size in turns, so that memory moves between
// sizes as members grow.
// Threads: one owner.
#ifndef JF_STATE_BLOCK_POOL_H
#define JF_STATE_BLOCK_POOL_H

#include <stddef.h>
#include <stdint.h>

#define JF_BLOCK_POOL_STEP    64u // smallest size, and step of the sizes kept
#define JF_BLOCK_POOL_CLASSES 16u // larger blocks are not kept

struct jf_pooled_block;

struct jf_block_pool {
    struct jf_pooled_block *free[JF_BLOCK_POOL_CLASSES]; // by size / JF_BLOCK_POOL_STEP - 1
    size_t bytes;                                        // of all kept
    size_t bytes_max;
    uint32_t turn; // size whose turn it is to go back to malloc
};

// Returns: the size that a block for so many bytes has, of few sizes and with little waste.
uint32_t jf_block_pool_round(size_t size);

// In: a size from jf_block_pool_round. Returns: 16-aligned, content undefined; NULL: no memory.
void *jf_block_pool_take(struct jf_block_pool *pool, uint32_t size);
// In: a block taken with that size; NULL is accepted.
void jf_block_pool_give(struct jf_block_pool *pool, void *block, uint32_t size);

// Gives what is kept back to malloc.
void jf_block_pool_free(struct jf_block_pool *pool);

#endif
