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

static inline bool jf_hash128_equal(struct jf_hash128 a, struct jf_hash128 b)
{
    return a.low == b.low && a.high == b.high;
}

#endif
