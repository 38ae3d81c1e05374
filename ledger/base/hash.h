// XXH3 (xxHash 0.8): checksums of what is stored, fingerprints of what is asked. Never a
// secret-keyed hash, and never fed padding, pointers or encoded protobuf messages where the value
// decides anything. Threads: any.
#ifndef JF_BASE_HASH_H
#define JF_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jf_hash128 {
    uint64_t low;
    uint64_t high;
};

uint64_t jf_hash64(const void *bytes, size_t size);
struct jf_hash128 jf_hash128(const void *bytes, size_t size);

// The hash of bytes that come in pieces; equals jf_hash128 of all of them. In the caller's memory.
#define JF_HASH_STREAM_BYTES 576u
struct jf_hash_stream {
    _Alignas(64) unsigned char state[JF_HASH_STREAM_BYTES];
};
void jf_hash_stream_init(struct jf_hash_stream *stream);
void jf_hash_stream_add(struct jf_hash_stream *stream, const void *bytes, size_t size);
struct jf_hash128 jf_hash_stream_end(const struct jf_hash_stream *stream); // adding may go on

static inline bool jf_hash128_equal(struct jf_hash128 a, struct jf_hash128 b)
{
    return a.low == b.low && a.high == b.high;
}

// Sums modulo 2^128: a digest over a set, whatever the order of its elements.
static inline struct jf_hash128 jf_hash128_add(struct jf_hash128 a, struct jf_hash128 b)
{
    uint64_t low = a.low + b.low;
    return (struct jf_hash128){low, a.high + b.high + (low < a.low ? 1 : 0)};
}

static inline struct jf_hash128 jf_hash128_subtract(struct jf_hash128 a, struct jf_hash128 b)
{
    return (struct jf_hash128){a.low - b.low, a.high - b.high - (a.low < b.low ? 1 : 0)};
}

#endif
