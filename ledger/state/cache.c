// A linear-probing table of (number, block) that holds at most three quarters; deletion moves
// followers back, so that there are no tombstones. Blocks come from malloc in rounded sizes: a
// handful of sizes that are freed and taken again all the time stay in malloc's own bins, and
// memory moves freely between sizes as members grow, which fixed slabs would not allow. A hand
// walks the table: a block that was used since the hand's last visit gets another round, a pinned
// or dirty one stays, any other goes.
//
// Fails: JF_ERROR_NO_MEMORY when malloc does. When nothing can be evicted the bound is exceeded
// rather than a batch failed; batch_end and stored come back to it.
#include "state/cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/bug.h"

#define SLOTS_MIN        ((uint64_t)1024)
#define BYTES_PER_SLOT   256u // a small member's block: decides how much of the bound the table takes
#define LINE_BYTES       64u
#define PREFETCH_LINES   6u  // head, member and its first lots
#define MALLOC_BYTES     16u // what malloc keeps beside a block
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

struct slot {
    uint64_t number; // 0: free
    struct block *block;
};

struct jf_cache {
    struct slot *slots;
    uint64_t slot_count; // power of two
    uint64_t member_count;
    uint64_t bytes; // blocks and table
    uint64_t bytes_max;
    uint64_t hand;
    uint64_t stored_generation;
    uint32_t batch; // never 0
    uint32_t touched_count;
    struct block *touched_first;
    struct block *touched_last;
    struct jf_cache_counters counters;
};

static uint64_t mix(uint64_t value)
{
    value ^= value >> 30;
    value *= UINT64_C(0xBF58476D1CE4E5B9);
    value ^= value >> 27;
    value *= UINT64_C(0x94D049BB133111EB);
    return value ^ (value >> 31);
}

static struct jf_member *member_of(struct block *block)
{
    return (struct jf_member *)(void *)block->member;
}

static struct block *block_of(const struct jf_member *member)
{
    uintptr_t address = (uintptr_t)member - offsetof(struct block, member);
    return (struct block *)address;
}

static void counters_publish(struct jf_cache *cache)
{
    atomic_store_explicit(&cache->counters.members, cache->member_count, memory_order_relaxed);
    atomic_store_explicit(&cache->counters.bytes, cache->bytes, memory_order_relaxed);
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
    cache->slots = calloc(slots, sizeof *cache->slots);
    if (cache->slots == NULL) {
        free(cache);
        return JF_ERROR_NO_MEMORY;
    }
    cache->slot_count = slots;
    cache->bytes = slots * sizeof *cache->slots;
    cache->bytes_max = bytes_max;
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
    for (uint64_t at = 0; at < cache->slot_count; at++) {
        free(cache->slots[at].block);
    }
    free(cache->slots);
    free(cache);
}

// The slot of a number, or the free one where it belongs.
static uint64_t slot_find(const struct jf_cache *cache, uint64_t number)
{
    uint64_t mask = cache->slot_count - 1;
    uint64_t at = mix(number) & mask;
    while (cache->slots[at].number != 0 && cache->slots[at].number != number) {
        at = (at + 1) & mask;
    }
    return at;
}

// Frees a slot and moves followers back that would no longer be found.
static void slot_free(struct jf_cache *cache, uint64_t hole)
{
    uint64_t mask = cache->slot_count - 1;
    uint64_t at = (hole + 1) & mask;
    while (cache->slots[at].number != 0) {
        uint64_t home = mix(cache->slots[at].number) & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            cache->slots[hole] = cache->slots[at];
            hole = at;
        }
        at = (at + 1) & mask;
    }
    cache->slots[hole] = (struct slot){0};
}

static void block_drop(struct jf_cache *cache, uint64_t at)
{
    struct block *block = cache->slots[at].block;
    JF_ASSERT(!block->is_touched);
    cache->bytes -= block->size + MALLOC_BYTES;
    cache->member_count -= 1;
    slot_free(cache, at);
    free(block);
}

static bool block_must_stay(const struct jf_cache *cache, const struct block *block)
{
    return block->pinned_batch == cache->batch || block->is_touched ||
           (block->generation > cache->stored_generation && !JF_BUG(EVICTED_DIRTY));
}

static bool is_above(const struct jf_cache *cache, uint64_t more)
{
    return cache->bytes + more > cache->bytes_max ||
           cache->member_count >= cache->slot_count / 4 * 3;
}

// Moves the hand until there is room for `more` bytes, at most `steps` slots (those freed not
// counted).
static void evict(struct jf_cache *cache, uint64_t more, uint64_t steps)
{
    uint64_t mask = cache->slot_count - 1;
    while (steps > 0 && cache->member_count > 0 && is_above(cache, more)) {
        struct slot *slot = &cache->slots[cache->hand];
        bool is_evictable = slot->number != 0 && !block_must_stay(cache, slot->block);
        if (is_evictable && !slot->block->is_used) {
            // A follower may have moved into this slot: the hand looks at it again.
            block_drop(cache, cache->hand);
            continue;
        }
        if (is_evictable) {
            slot->block->is_used = false;
        }
        cache->hand = (cache->hand + 1) & mask;
        steps--;
    }
}

// Only when nothing could be evicted: dirty members have filled the table.
static enum jf_error table_grow(struct jf_cache *cache)
{
    struct slot *old = cache->slots;
    uint64_t old_count = cache->slot_count;
    struct slot *slots = calloc(old_count * 2, sizeof *slots);
    if (slots == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    cache->slots = slots;
    cache->slot_count = old_count * 2;
    cache->bytes += old_count * sizeof *slots;
    for (uint64_t at = 0; at < old_count; at++) {
        if (old[at].number != 0) {
            slots[slot_find(cache, old[at].number)] = old[at];
        }
    }
    free(old);
    cache->hand = 0;
    return JF_OK;
}

// Steps of 64 bytes for small blocks, of about an eighth above: few sizes, little waste.
static uint32_t size_round(size_t size)
{
    size_t step = 64;
    while (size > step * 16) {
        step *= 2;
    }
    size_t rounded = (size + step - 1) / step * step;
    JF_ASSERT(rounded <= UINT32_MAX);
    return (uint32_t)rounded;
}

static struct block *block_make(struct jf_member_capacity capacity)
{
    uint32_t size = size_round(sizeof(struct block) + jf_member_block_size(capacity));
    struct block *block = aligned_alloc(16, size);
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
    struct slot *slot = &cache->slots[slot_find(cache, id.value)];
    if (slot->number == 0) {
        return NULL;
    }
    slot->block->is_used = true;
    return member_of(slot->block);
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
    __builtin_prefetch(&cache->slots[mix(id.value) & (cache->slot_count - 1)]);
}

void jf_cache_prefetch_block(const struct jf_cache *cache, struct jf_member_id id)
{
    const struct slot *slot = &cache->slots[mix(id.value) & (cache->slot_count - 1)];
    const unsigned char *block = (const unsigned char *)slot->block;
    if (slot->number == id.value && id.value != 0) {
        for (uint32_t line = 0; line < PREFETCH_LINES; line++) {
            __builtin_prefetch(block + (size_t)line * LINE_BYTES, 1);
        }
    }
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
    struct block *block = block_make(capacity);
    if (block == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    evict(cache, block->size + MALLOC_BYTES, STEPS_PER_INSERT);
    if (cache->member_count >= cache->slot_count / 4 * 3 && table_grow(cache) != JF_OK) {
        free(block);
        return JF_ERROR_NO_MEMORY;
    }
    uint64_t at = slot_find(cache, id.value);
    JF_ASSERT(cache->slots[at].number == 0);
    block->number = id.value;
    block->pinned_batch = cache->batch;
    block->is_used = true;
    cache->slots[at] = (struct slot){id.value, block};
    cache->bytes += block->size + MALLOC_BYTES;
    cache->member_count += 1;
    counters_publish(cache);
    struct jf_member *member = member_of(block);
    member->number = id;
    *out_member = member;
    return JF_OK;
}

void jf_cache_remove(struct jf_cache *cache, struct jf_member_id id)
{
    uint64_t at = slot_find(cache, id.value);
    JF_ASSERT(cache->slots[at].number == id.value);
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
    uint64_t at = slot_find(cache, id.value);
    JF_ASSERT(cache->slots[at].number == id.value);
    struct block *old = cache->slots[at].block;
    struct jf_member *member = member_of(old);
    struct jf_member_capacity has = jf_member_capacity_of(member);
    struct jf_member_capacity both = jf_member_capacity_larger(capacity, has);
    if (memcmp(&both, &has, sizeof both) == 0) {
        *out_member = member;
        return JF_OK;
    }
    struct block *copy = block_make(both);
    if (copy == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    block_replace(cache, old, copy);
    cache->slots[at].block = copy;
    cache->bytes += copy->size;
    cache->bytes -= old->size;
    free(old);
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
    uint64_t rounds = cache->slot_count * 2;
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
