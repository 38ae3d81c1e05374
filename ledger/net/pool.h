// A pool of small blocks by size class, for what comes and goes with every call: it is nghttp2's
// allocator. One thread. Blocks come from malloc once and are kept for reuse, up to a bound.
#ifndef JF_NET_POOL_H
#define JF_NET_POOL_H

#include <nghttp2/nghttp2.h>
#include <stddef.h>
#include <stdint.h>

#define JF_POOL_CLASSES            11          // 64 bytes … 64 KiB; larger blocks go to malloc
#define JF_POOL_RETAINED_BYTES_MAX (32u << 20) // free blocks kept: past it they go back to malloc

// Caller's memory; fields private. Must not move after init (nghttp2 keeps the address of
// `memory`).
struct jf_pool {
    nghttp2_mem memory;
    struct jf_pool_block *free_blocks[JF_POOL_CLASSES];
    size_t retained_bytes; // in the free lists
    size_t live_blocks;    // handed out
};

void jf_pool_init(struct jf_pool *pool);
// All blocks must have been given back.
void jf_pool_deinit(struct jf_pool *pool);

// Returns: `size` bytes aligned to 16, not zeroed; NULL when malloc says no.
void *jf_pool_alloc(struct jf_pool *pool, size_t size);
void jf_pool_free(struct jf_pool *pool, void *bytes); // NULL is accepted

#endif
