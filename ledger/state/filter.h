// A blocked Bloom filter over transaction ids and receipts: answers "certainly new" from memory,
// with one cache line a probe. It only ever gains bits.
//
// Threads: one owner adds and asks; one other thread may copy pages out meanwhile (words are
// atomic, relaxed): a copy holds at least what was added before the owner handed over to that
// thread, and perhaps more, which is harmless.
#ifndef JF_STATE_FILTER_H
#define JF_STATE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define JF_FILTER_BYTES_MIN  ((uint64_t)4096)
#define JF_FILTER_BYTES_MAX  ((uint64_t)1 << 36)
#define JF_FILTER_PAGE_BYTES ((uint32_t)65536)

struct jf_filter;

// In: size_bytes a power of two within the limits.
JF_MUST_USE enum jf_error jf_filter_create(uint64_t size_bytes, struct jf_filter **out_filter);
void jf_filter_destroy(struct jf_filter *filter); // NULL is accepted

// Returns: whether any bit was new; false means that jf_filter_maybe was true before.
bool jf_filter_add(struct jf_filter *filter, uint64_t hash);
// Returns: false only when the hash was never added. A NULL filter knows nothing: true.
bool jf_filter_maybe(const struct jf_filter *filter, uint64_t hash);
void jf_filter_prefetch(const struct jf_filter *filter, uint64_t hash);

// Pages of JF_FILTER_PAGE_BYTES (the whole filter, when it is smaller), for storing.
uint32_t jf_filter_page_count(const struct jf_filter *filter);
uint32_t jf_filter_page_bytes(const struct jf_filter *filter);
void jf_filter_page_copy(const struct jf_filter *filter, uint32_t page, unsigned char *to);
// Adds the bits of a stored page.
void jf_filter_page_merge(struct jf_filter *filter, uint32_t page, const unsigned char *from);

#endif
