// XXH3 behind our own names, so that one file chooses the algorithm.
#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t jf_hash64(const void *bytes, size_t size)
{
    return XXH3_64bits(bytes, size);
}

struct jf_hash128 jf_hash128(const void *bytes, size_t size)
{
    XXH128_hash_t hash = XXH3_128bits(bytes, size);
    return (struct jf_hash128){hash.low64, hash.high64};
}
