// A hash chooses one line of 64 bytes, and in each of its eight words one bit. With 16 bits of
// filter a key, one answer in some thousand is a false "maybe"; it costs look-ups in RocksDB and
// nothing else. Fails only on create, when memory is short.
#include "state/filter.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "base/bytes.h"

#define WORDS_PER_LINE  8u
#define LINE_BYTES      64u
#define HUGE_PAGE_BYTES ((size_t)2 << 20)

struct jf_filter {
    _Atomic uint64_t *words; // aligned to a line
    uint64_t line_mask;
    uint64_t size_bytes;
};

enum jf_error jf_filter_create(uint64_t size_bytes, struct jf_filter **out_filter)
{
    JF_ASSERT(size_bytes >= JF_FILTER_BYTES_MIN);
    JF_ASSERT(size_bytes <= JF_FILTER_BYTES_MAX);
    JF_ASSERT((size_bytes & (size_bytes - 1)) == 0);
    struct jf_filter *filter = calloc(1, sizeof *filter);
    if (filter == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    size_t alignment = size_bytes < HUGE_PAGE_BYTES ? LINE_BYTES : HUGE_PAGE_BYTES;
    filter->words = aligned_alloc(alignment, (size_t)size_bytes);
    if (filter->words == NULL) {
        free(filter);
        return JF_ERROR_NO_MEMORY;
    }
    // Look-ups are all over it: large pages spare most misses of the address cache. A wish only.
    (void)madvise((void *)filter->words, (size_t)size_bytes, MADV_HUGEPAGE);
    memset((void *)filter->words, 0, (size_t)size_bytes);
    filter->size_bytes = size_bytes;
    filter->line_mask = size_bytes / LINE_BYTES - 1;
    *out_filter = filter;
    return JF_OK;
}

void jf_filter_destroy(struct jf_filter *filter)
{
    if (filter == NULL) {
        return;
    }
    free((void *)filter->words);
    free(filter);
}

static _Atomic uint64_t *line_of(const struct jf_filter *filter, uint64_t hash)
{
    return filter->words + (hash & filter->line_mask) * WORDS_PER_LINE;
}

// The bits' places come from a second mixing, so that they do not depend on the line.
static uint64_t places_of(uint64_t hash)
{
    hash ^= hash >> 32;
    hash *= UINT64_C(0x9E3779B97F4A7C15);
    hash ^= hash >> 29;
    hash *= UINT64_C(0xBF58476D1CE4E5B9);
    return hash ^ (hash >> 32);
}

bool jf_filter_add(struct jf_filter *filter, uint64_t hash)
{
    _Atomic uint64_t *line = line_of(filter, hash);
    uint64_t places = places_of(hash);
    bool is_new = false;
    for (uint32_t word = 0; word < WORDS_PER_LINE; word++) {
        uint64_t bit = (uint64_t)1 << (places & 63);
        places >>= 6;
        uint64_t before = atomic_load_explicit(&line[word], memory_order_relaxed);
        if ((before & bit) == 0) {
            atomic_store_explicit(&line[word], before | bit, memory_order_relaxed);
            is_new = true;
        }
    }
    return is_new;
}

bool jf_filter_maybe(const struct jf_filter *filter, uint64_t hash)
{
    if (filter == NULL) {
        return true;
    }
    const _Atomic uint64_t *line = line_of(filter, hash);
    uint64_t places = places_of(hash);
    for (uint32_t word = 0; word < WORDS_PER_LINE; word++) {
        uint64_t bit = (uint64_t)1 << (places & 63);
        places >>= 6;
        if ((atomic_load_explicit(&line[word], memory_order_relaxed) & bit) == 0) {
            return false;
        }
    }
    return true;
}

void jf_filter_prefetch(const struct jf_filter *filter, uint64_t hash)
{
    if (filter != NULL) {
        __builtin_prefetch((const void *)line_of(filter, hash));
    }
}

uint32_t jf_filter_page_bytes(const struct jf_filter *filter)
{
    return filter->size_bytes < JF_FILTER_PAGE_BYTES ? (uint32_t)filter->size_bytes
                                                     : JF_FILTER_PAGE_BYTES;
}

uint32_t jf_filter_page_count(const struct jf_filter *filter)
{
    return (uint32_t)(filter->size_bytes / jf_filter_page_bytes(filter));
}

void jf_filter_page_copy(const struct jf_filter *filter, uint32_t page, unsigned char *to)
{
    JF_ASSERT(page < jf_filter_page_count(filter));
    size_t words = jf_filter_page_bytes(filter) / sizeof(uint64_t);
    const _Atomic uint64_t *from = filter->words + (size_t)page * words;
    for (size_t i = 0; i < words; i++) {
        jf_store_u64(to + i * sizeof(uint64_t),
                     atomic_load_explicit(&from[i], memory_order_relaxed));
    }
}

void jf_filter_page_merge(struct jf_filter *filter, uint32_t page, const unsigned char *from)
{
    JF_ASSERT(page < jf_filter_page_count(filter));
    size_t words = jf_filter_page_bytes(filter) / sizeof(uint64_t);
    _Atomic uint64_t *to = filter->words + (size_t)page * words;
    for (size_t i = 0; i < words; i++) {
        uint64_t before = atomic_load_explicit(&to[i], memory_order_relaxed);
        uint64_t bits = jf_load_u64(from + i * sizeof(uint64_t));
        atomic_store_explicit(&to[i], before | bits, memory_order_relaxed);
    }
}
