// Fixed-width little-endian and big-endian loads and stores, for stored formats and ordered keys.
// No alignment is needed. Threads: any.
#ifndef JF_BASE_BYTES_H
#define JF_BASE_BYTES_H

#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "only little-endian machines so far");

static inline void jf_store_u16(unsigned char *to, uint16_t value)
{
    memcpy(to, &value, sizeof value);
}

static inline void jf_store_u32(unsigned char *to, uint32_t value)
{
    memcpy(to, &value, sizeof value);
}

static inline void jf_store_u64(unsigned char *to, uint64_t value)
{
    memcpy(to, &value, sizeof value);
}

static inline uint16_t jf_load_u16(const unsigned char *from)
{
    uint16_t value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline uint32_t jf_load_u32(const unsigned char *from)
{
    uint32_t value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline uint64_t jf_load_u64(const unsigned char *from)
{
    uint64_t value;
    memcpy(&value, from, sizeof value);
    return value;
}

// Big-endian: keys that sort as their numbers do.
static inline void jf_store_u32_ordered(unsigned char *to, uint32_t value)
{
    jf_store_u32(to, __builtin_bswap32(value));
}

static inline void jf_store_u64_ordered(unsigned char *to, uint64_t value)
{
    jf_store_u64(to, __builtin_bswap64(value));
}

static inline uint32_t jf_load_u32_ordered(const unsigned char *from)
{
    return __builtin_bswap32(jf_load_u32(from));
}

static inline uint64_t jf_load_u64_ordered(const unsigned char *from)
{
    return __builtin_bswap64(jf_load_u64(from));
}

#endif
