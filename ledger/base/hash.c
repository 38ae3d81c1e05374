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

_Static_assert(sizeof(XXH3_state_t) <= JF_HASH_STREAM_BYTES, "the state fits the caller's memory");

void jf_hash_stream_init(struct jf_hash_stream *stream)
{
    (void)XXH3_128bits_reset((XXH3_state_t *)stream->state);
}

void jf_hash_stream_add(struct jf_hash_stream *stream, const void *bytes, size_t size)
{
    (void)XXH3_128bits_update((XXH3_state_t *)stream->state, bytes, size);
}

struct jf_hash128 jf_hash_stream_end(const struct jf_hash_stream *stream)
{
    XXH128_hash_t hash = XXH3_128bits_digest((const XXH3_state_t *)stream->state);
    return (struct jf_hash128){hash.low64, hash.high64};
}
