// A pool of small blocks by size class, for what comes and goes with every call: it is nghttp2's
// allocator. One thread. Blocks come from malloc once and are kept for reuse, up to a bound.
//
// nghttp2 1.52 uses memory that it has freed where it is refused a growing of its queue of streams
// (RFC 7540 priorities switched off). So where malloc says no, blocks come from a reserve, and the
// owner, told so by jf_pool_is_short, closes the session at once. The last part of the reserve is
// for what grows only.
#ifndef JF_NET_POOL_H
#define JF_NET_POOL_H

#include <nghttp2/nghttp2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define JF_POOL_CLASSES            11          // 64 bytes … 64 KiB; larger blocks go to malloc
#define JF_POOL_RESERVE_BYTES      (64u << 10) // what one turn of a session may ask for
#define JF_POOL_RESERVE_GROWING    (32u << 10) // of it; more streams than a connection may have
#define JF_POOL_RETAINED_BYTES_MAX (32u << 20) // free blocks kept: past it they go back to malloc

// Caller's memory; fields private. Must not move after init (nghttp2 keeps the address of
// `memory`).
struct jf_pool {
    nghttp2_mem memory;
    struct jf_pool_block *free_blocks[JF_POOL_CLASSES];
    size_t retained_bytes; // in the free lists
    size_t live_blocks;    // handed out
    unsigned char *reserve;
    size_t reserve_used;
    size_t reserve_blocks; // handed out
    bool is_short;
};

// Returns: false when there is no memory; deinit is not needed then.
JF_MUST_USE bool jf_pool_init(struct jf_pool *pool);
// All blocks must have been given back.
void jf_pool_deinit(struct jf_pool *pool);

// Returns: `size` bytes aligned to 16, not zeroed; NULL when malloc says no and the reserve is used
// up.
void *jf_pool_alloc(struct jf_pool *pool, size_t size);
// Whether malloc has said no since the last time that this was asked: whoever used the pool
// meanwhile must end.
bool jf_pool_is_short(struct jf_pool *pool);
void jf_pool_free(struct jf_pool *pool, void *bytes); // NULL is accepted

#endif
