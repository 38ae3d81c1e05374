// A table of blocks by number. A hand walks it: a block that was used since the hand's last visit
// gets another round, a pinned or dirty one stays, any other goes, and its record is packed. Blocks
// have what packed records leave of the bound; those given back are kept for the next on top of it.
//
// Fails: JF_ERROR_NO_MEMORY when malloc does. When nothing can be evicted the bound is exceeded
// rather than a batch failed; batch_end and stored come back to it.
#include "state/cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/bug.h"
#include "state/keys.h"
#include "state/member_codec.h"
#include "state/packed.h"
#include "state/block_pool.h"
#include "state/slots.h"

#define SLOTS_MIN        ((uint64_t)1024)
#define BYTES_PER_SLOT   256u // a small member's block: decides how much of the bound the table takes
#define LINE_BYTES       64u
#define PREFETCH_LINES   6u  // head, member and its first lots
#define MALLOC_BYTES     16u // what malloc keeps beside a block
#define PACKED_PART      2u  // of the bound, at most, is for packed records
#define POOL_PART        8u  // so much of the bound again may be blocks kept for reuse
#define EVICT_AHEAD      8u  // slots before the hand, whose blocks are hinted at
#define STEPS_PER_INSERT 64u // of the hand, beyond what is evicted
#define STEPS_PER_BATCH  4096u
#define STEPS_PER_STORED 65536u // bounds the owner's wait, a millisecond or two

struct block {
    uint64_t number;
    uint64_t generation; // of the last touch; dirty while above the stored one
    struct block *touched_next;
    struct block *touched_previous;
    struct jf_hash128 record_hash; // counted in the state's digest
    uint32_t pinned_batch;
    uint32_t size; // bytes asked of malloc
    bool is_used;  // since the hand's last visit
    bool is_touched;
    unsigned char padding[6];
    _Alignas(16) unsigned char member[];
};

_Static_assert(sizeof(struct block) % 16 == 0, "the member behind the head must be aligned");

struct jf_cache {
    struct jf_slots slots; // of blocks
    struct jf_packed *packed;
    struct jf_block_pool pool; // of blocks
    uint64_t bytes;            // blocks and table
    uint64_t bytes_max;        // with what is packed
    uint64_t hand;
    uint64_t stored_generation;
    uint32_t batch; // never 0
    uint32_t touched_count;
    struct block *touched_first;
    struct block *touched_last;
    struct jf_cache_counters counters;
};

static struct jf_member *member_of(struct block *block)
{
    return (struct jf_member *)(void *)block->member;
}

static struct block *block_of(const struct jf_member *member)
{
    uintptr_t address = (uintptr_t)member - offsetof(struct block, member);
    return (struct block *)address;
}

static void block_hint(const void *block)
{
    if (block == NULL) {
        return;
    }
    for (uint32_t line = 0; line < PREFETCH_LINES; line++) {
        __builtin_prefetch((const unsigned char *)block + (size_t)line * LINE_BYTES, 1);
    }
}

static void counters_publish(struct jf_cache *cache)
{
    uint64_t members = cache->slots.used + jf_packed_count(cache->packed);
    uint64_t bytes = cache->bytes + jf_packed_bytes(cache->packed);
    atomic_store_explicit(&cache->counters.members, members, memory_order_relaxed);
    atomic_store_explicit(&cache->counters.bytes, bytes, memory_order_relaxed);
}

enum jf_error jf_cache_create(uint64_t bytes_max, struct jf_cache **out_cache)
{
    struct jf_cache *cache = calloc(1, sizeof *cache);
    if (cache == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    uint64_t slots = SLOTS_MIN;
    while (slots * BYTES_PER_SLOT < bytes_max) {
        slots *= 2;
    }
    if (jf_slots_create(&cache->slots, slots) != JF_OK ||
        jf_packed_create(bytes_max / PACKED_PART, &cache->packed) != JF_OK) {
        jf_cache_destroy(cache);
        return JF_ERROR_NO_MEMORY;
    }
    cache->bytes = slots * sizeof(struct jf_slot);
    cache->bytes_max = bytes_max;
    cache->pool.bytes_max = bytes_max / POOL_PART;
    cache->batch = 1;
    counters_publish(cache);
    *out_cache = cache;
    return JF_OK;
}

void jf_cache_destroy(struct jf_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    for (uint64_t at = 0; at < cache->slots.count; at++) {
        free(cache->slots.slots[at].value);
    }
    jf_slots_free(&cache->slots);
    jf_packed_destroy(cache->packed);
    jf_block_pool_free(&cache->pool);
    free(cache);
}

static void block_drop(struct jf_cache *cache, uint64_t at)
{
    struct block *block = cache->slots.slots[at].value;
    JF_ASSERT(!block->is_touched);
    cache->bytes -= block->size + MALLOC_BYTES;
    jf_slots_remove(&cache->slots, at);
    jf_block_pool_give(&cache->pool, block, block->size);
}

// What is not stored must not go on from an older record, nor be taken for stored.
static void block_pack(struct jf_cache *cache, struct block *block)
{
    const struct jf_member *member = member_of(block);
    unsigned char record[JF_PACKED_RECORD_BYTES_MAX];
    if (block->generation <= cache->stored_generation &&
        jf_member_record_size_max(member) <= sizeof record) {
        size_t size = jf_member_record_encode(member, record);
        jf_packed_put(cache->packed, block->number, jf_text_of(record, (uint32_t)size));
    }
}

static bool block_must_stay(const struct jf_cache *cache, const struct block *block)
{
    return block->pinned_batch == cache->batch || block->is_touched ||
           (block->generation > cache->stored_generation && !JF_BUG(EVICTED_DIRTY));
}

static bool is_above(const struct jf_cache *cache, uint64_t more)
{
    return cache->bytes + jf_packed_bytes_soon(cache->packed) + more > cache->bytes_max ||
           jf_slots_are_full(&cache->slots);
}

// Moves the hand until there is room for `more` bytes, at most `steps` slots (those freed not
// counted).
static void evict(struct jf_cache *cache, uint64_t more, uint64_t steps)
{
    uint64_t mask = cache->slots.count - 1;
    while (steps > 0 && cache->slots.used > 0 && is_above(cache, more)) {
        struct block *block = cache->slots.slots[cache->hand].value;
        block_hint(cache->slots.slots[(cache->hand + EVICT_AHEAD) & mask].value);
        bool is_evictable = block != NULL && !block_must_stay(cache, block);
        if (is_evictable && !block->is_used) {
            block_pack(cache, block);
            // A follower may have moved into this slot: the hand looks at it again.
            block_drop(cache, cache->hand);
            continue;
        }
        if (is_evictable) {
            block->is_used = false;
        }
        cache->hand = (cache->hand + 1) & mask;
        steps--;
    }
}

// Only when nothing could be evicted: dirty members have filled the table.
static enum jf_error table_grow(struct jf_cache *cache)
{
    uint64_t more = cache->slots.count * sizeof(struct jf_slot);
    enum jf_error error = jf_slots_grow(&cache->slots);
    if (error == JF_OK) {
        cache->bytes += more;
        cache->hand = 0;
    }
    return error;
}

static struct block *block_make(struct jf_cache *cache, struct jf_member_capacity capacity)
{
    uint32_t size = jf_block_pool_round(sizeof(struct block) + jf_member_block_size(capacity));
    struct block *block = jf_block_pool_take(&cache->pool, size);
    if (block == NULL) {
        return NULL;
    }
    memset(block, 0, sizeof *block);
    block->size = size;
    (void)jf_member_block_init(block->member, capacity);
    return block;
}

struct jf_member *jf_cache_find(struct jf_cache *cache, struct jf_member_id id)
{
    if (id.value == 0) {
        return NULL;
    }
    struct block *block = cache->slots.slots[jf_slots_find(&cache->slots, id.value)].value;
    if (block == NULL) {
        return NULL;
    }
    block->is_used = true;
    return member_of(block);
}

struct jf_member *jf_cache_pin(struct jf_cache *cache, struct jf_member_id id)
{
    struct jf_member *member = jf_cache_find(cache, id);
    if (member != NULL) {
        block_of(member)->pinned_batch = cache->batch;
    }
    return member;
}

void jf_cache_prefetch_slot(const struct jf_cache *cache, struct jf_member_id id)
{
    __builtin_prefetch(&cache->slots.slots[jf_slots_home(&cache->slots, id.value)]);
    jf_packed_prefetch_slot(cache->packed, id.value);
}

void jf_cache_prefetch_block(const struct jf_cache *cache, struct jf_member_id id)
{
    const struct jf_slot *slot = &cache->slots.slots[jf_slots_home(&cache->slots, id.value)];
    const unsigned char *block = slot->value;
    if (slot->number != id.value || id.value == 0) {
        jf_packed_prefetch_record(cache->packed, id.value);
        return;
    }
    block_hint(block);
}

void jf_cache_count(struct jf_cache *cache, bool is_hit)
{
    _Atomic uint64_t *counter = is_hit ? &cache->counters.hits : &cache->counters.misses;
    uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, value + 1, memory_order_relaxed);
}

enum jf_error jf_cache_insert(struct jf_cache *cache, struct jf_member_id id,
                              struct jf_member_capacity capacity, struct jf_member **out_member)
{
    JF_ASSERT(id.value != 0);
    struct block *block = block_make(cache, capacity);
    if (block == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    evict(cache, block->size + MALLOC_BYTES, STEPS_PER_INSERT);
    if (jf_slots_are_full(&cache->slots) && table_grow(cache) != JF_OK) {
        jf_block_pool_give(&cache->pool, block, block->size);
        return JF_ERROR_NO_MEMORY;
    }
    uint64_t at = jf_slots_find(&cache->slots, id.value);
    JF_ASSERT(cache->slots.slots[at].number == 0);
    block->number = id.value;
    block->pinned_batch = cache->batch;
    block->is_used = true;
    jf_slots_put(&cache->slots, at, id.value, block);
    cache->bytes += block->size + MALLOC_BYTES;
    counters_publish(cache);
    struct jf_member *member = member_of(block);
    member->number = id;
    *out_member = member;
    return JF_OK;
}

struct jf_text jf_cache_take_packed(struct jf_cache *cache, struct jf_member_id id,
                                    unsigned char *to)
{
    return jf_packed_take(cache->packed, id.value, to);
}

void jf_cache_remove(struct jf_cache *cache, struct jf_member_id id)
{
    uint64_t at = jf_slots_find(&cache->slots, id.value);
    JF_ASSERT(cache->slots.slots[at].number == id.value);
    block_drop(cache, at);
    counters_publish(cache);
}

// The copy takes over everything but size: numbers, hash, pins, and its place among the touched.
static void block_replace(struct jf_cache *cache, struct block *old, struct block *copy)
{
    uint32_t size = copy->size;
    memcpy(copy, old, sizeof *old);
    copy->size = size;
    jf_member_copy(member_of(copy), member_of(old));
    if (!old->is_touched) {
        return;
    }
    if (old->touched_previous == NULL) {
        cache->touched_first = copy;
    } else {
        old->touched_previous->touched_next = copy;
    }
    if (old->touched_next == NULL) {
        cache->touched_last = copy;
    } else {
        old->touched_next->touched_previous = copy;
    }
}

enum jf_error jf_cache_room(struct jf_cache *cache, struct jf_member_id id,
                            struct jf_member_capacity capacity, struct jf_member **out_member)
{
    uint64_t at = jf_slots_find(&cache->slots, id.value);
    JF_ASSERT(cache->slots.slots[at].number == id.value);
    struct block *old = cache->slots.slots[at].value;
    struct jf_member *member = member_of(old);
    struct jf_member_capacity has = jf_member_capacity_of(member);
    struct jf_member_capacity both = jf_member_capacity_larger(capacity, has);
    if (memcmp(&both, &has, sizeof both) == 0) {
        *out_member = member;
        return JF_OK;
    }
    struct block *copy = block_make(cache, both);
    if (copy == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    block_replace(cache, old, copy);
    cache->slots.slots[at].value = copy;
    cache->bytes += copy->size;
    cache->bytes -= old->size;
    jf_block_pool_give(&cache->pool, old, old->size);
    counters_publish(cache);
    *out_member = member_of(copy);
    return JF_OK;
}

void jf_cache_touch(struct jf_cache *cache, struct jf_member *member, uint64_t generation)
{
    struct block *block = block_of(member);
    JF_ASSERT(block->number == member->number.value);
    JF_ASSERT(generation > cache->stored_generation);
    JF_ASSERT(generation >= block->generation);
    if (block->is_touched) {
        JF_ASSERT(block->generation == generation);
        return;
    }
    block->generation = generation;
    block->is_touched = true;
    block->touched_previous = cache->touched_last;
    block->touched_next = NULL;
    if (cache->touched_last == NULL) {
        cache->touched_first = block;
    } else {
        cache->touched_last->touched_next = block;
    }
    cache->touched_last = block;
    cache->touched_count += 1;
}

struct jf_member *jf_cache_touched_first(const struct jf_cache *cache)
{
    return cache->touched_first == NULL ? NULL : member_of(cache->touched_first);
}

struct jf_member *jf_cache_touched_next(const struct jf_member *member)
{
    struct block *next = block_of(member)->touched_next;
    return next == NULL ? NULL : member_of(next);
}

uint32_t jf_cache_touched_count(const struct jf_cache *cache)
{
    return cache->touched_count;
}

void jf_cache_touched_clear(struct jf_cache *cache)
{
    struct block *block = cache->touched_first;
    while (block != NULL) {
        struct block *next = block->touched_next;
        block->is_touched = false;
        block->touched_next = NULL;
        block->touched_previous = NULL;
        block = next;
    }
    cache->touched_first = NULL;
    cache->touched_last = NULL;
    cache->touched_count = 0;
}

void jf_cache_stored(struct jf_cache *cache, uint64_t generation)
{
    JF_ASSERT(generation >= cache->stored_generation);
    cache->stored_generation = generation;
    // Two rounds: the first takes the second chances away.
    uint64_t rounds = cache->slots.count * 2;
    evict(cache, 0, rounds < STEPS_PER_STORED ? rounds : STEPS_PER_STORED);
    counters_publish(cache);
}

void jf_cache_batch_end(struct jf_cache *cache)
{
    cache->batch += 1;
    if (cache->batch == 0) {
        cache->batch = 1;
    }
    evict(cache, 0, STEPS_PER_BATCH);
    counters_publish(cache);
}

struct jf_hash128 jf_cache_hash_replace(struct jf_member *member, struct jf_hash128 hash)
{
    struct block *block = block_of(member);
    JF_ASSERT(block->number == member->number.value);
    struct jf_hash128 before = block->record_hash;
    block->record_hash = hash;
    return before;
}

const struct jf_cache_counters *jf_cache_counters(const struct jf_cache *cache)
{
    return &cache->counters;
}
