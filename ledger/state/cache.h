// The bounded cache of members: a table by number over blocks from malloc, CLOCK eviction, and
// behind it the records of members that had to go. A member is kept while it is pinned (in the
// running batch) or dirty (changed by a generation that is not stored yet); these alone may take
// the cache above its bound.
//
// Threads: one owner; the counters may be read by any thread. Memory: blocks belong to the cache;
// member pointers live until the member's room, the next insert that may evict it (not while pinned
// or dirty), or batch_end.
#ifndef JF_STATE_CACHE_H
#define JF_STATE_CACHE_H

#include <stdatomic.h>

#include "base/hash.h"
#include "rules/member.h"
#include "state/packed.h"

struct jf_cache;

struct jf_cache_counters {
    _Atomic uint64_t members; // with those that are only a record
    _Atomic uint64_t bytes;   // blocks, records and tables
    _Atomic uint64_t hits;
    _Atomic uint64_t misses;
};

// In: bytes_max bounds blocks, records and tables together. Returns: JF_OK or JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_cache_create(uint64_t bytes_max, struct jf_cache **out_cache);
void jf_cache_destroy(struct jf_cache *cache); // NULL is accepted

// Returns: the member, or NULL.
struct jf_member *jf_cache_find(struct jf_cache *cache, struct jf_member_id id);
// As find, and keeps it until batch_end.
struct jf_member *jf_cache_pin(struct jf_cache *cache, struct jf_member_id id);
// Hints for members that are asked for soon: first the table's slot, some time later the block.
void jf_cache_prefetch_slot(const struct jf_cache *cache, struct jf_member_id id);
void jf_cache_prefetch_block(const struct jf_cache *cache, struct jf_member_id id);
void jf_cache_count(struct jf_cache *cache, bool is_hit);

// Takes the record of a member that is in the cache no more. In: `to` with
// JF_PACKED_RECORD_BYTES_MAX bytes. Returns: the record, in `to`; of size 0: there is none.
struct jf_text jf_cache_take_packed(struct jf_cache *cache, struct jf_member_id id,
                                    unsigned char *to);

// Adds an empty member (number set), pinned. In: not there yet, id not 0.
JF_MUST_USE enum jf_error jf_cache_insert(struct jf_cache *cache, struct jf_member_id id,
                                          struct jf_member_capacity capacity,
                                          struct jf_member **out_member);
// Takes back an insert whose member could not be filled. In: clean.
void jf_cache_remove(struct jf_cache *cache, struct jf_member_id id);

// Grows a member's block; it may move, its content and state stay. In: it is there.
JF_MUST_USE enum jf_error jf_cache_room(struct jf_cache *cache, struct jf_member_id id,
                                        struct jf_member_capacity capacity,
                                        struct jf_member **out_member);

// Marks a member of this cache as changed by the generation being collected. Generations only rise.
void jf_cache_touch(struct jf_cache *cache, struct jf_member *member, uint64_t generation);

// The members touched since touched_clear, in order of first touch. NULL: no more.
struct jf_member *jf_cache_touched_first(const struct jf_cache *cache);
struct jf_member *jf_cache_touched_next(const struct jf_member *member);
uint32_t jf_cache_touched_count(const struct jf_cache *cache);
// They stay dirty until their generation is stored.
void jf_cache_touched_clear(struct jf_cache *cache);

// Generations up to this one are stored: their members may be evicted.
void jf_cache_stored(struct jf_cache *cache, uint64_t generation);
void jf_cache_batch_end(struct jf_cache *cache);

// The hash of a member's record as it counts in the state's digest; none yet: zeros. It stays with
// the member until it is evicted. replace: returns the one before.
struct jf_hash128 jf_cache_hash_replace(struct jf_member *member, struct jf_hash128 hash);

const struct jf_cache_counters *jf_cache_counters(const struct jf_cache *cache);

#endif
