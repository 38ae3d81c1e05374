// Claims about the hash: it is XXH3 as published, so that stored checksums can be checked
// elsewhere. The buffer and the 64-bit values are those of xxHash's own sanity checks (seed 0).
#include <criterion/criterion.h>

#include "base/hash.h"

struct vector {
    size_t size;
    uint64_t hash;
};

static void buffer_fill(unsigned char *bytes, size_t size)
{
    uint64_t state = 2654435761u;
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (unsigned char)(state >> 56);
        state *= 11400714785074694797u;
    }
}

Test(hash, hash64_is_xxh3_at_every_code_path)
{
    static const struct vector vectors[] = {
        {0, 0x2D06800538D394C2},   {1, 0xC44BDFF4074EECDB},    {6, 0x27B56A84CD2D7325},
        {12, 0xA713DAF0DFBB77E7},  {24, 0xA3FE70BF9D3510EB},   {48, 0x397DA259ECBA1F11},
        {80, 0xBCDEFBBB2C47C90A},  {195, 0xCD94217EE362EC3A},  {403, 0xCDEB804D65C6DEA4},
        {512, 0x617E49599013CB6B}, {2048, 0xDD59E2C3A5F038E0}, {2240, 0x6E73A90539CF2948},
    };
    static unsigned char bytes[2240];
    buffer_fill(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        cr_assert_eq(jf_hash64(bytes, vectors[i].size), vectors[i].hash, "%zu bytes",
                     vectors[i].size);
    }
}

Test(hash, hash128_of_nothing_is_as_published)
{
    struct jf_hash128 hash = jf_hash128("", 0);
    cr_assert_eq(hash.low, 0x6001C324468D497F);
    cr_assert_eq(hash.high, 0x99AA06D3014798D8);
}

Test(hash, hash128_tells_every_single_flipped_bit)
{
    unsigned char bytes[64] = {0};
    struct jf_hash128 original = jf_hash128(bytes, sizeof bytes);
    for (uint32_t bit = 0; bit < 512; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << (bit % 8));
        cr_assert_not(jf_hash128_equal(jf_hash128(bytes, sizeof bytes), original));
        bytes[bit / 8] ^= (unsigned char)(1u << (bit % 8));
    }
    cr_assert(jf_hash128_equal(jf_hash128(bytes, sizeof bytes), original));
}

Test(hash, equality_needs_both_halves)
{
    struct jf_hash128 hash = {1, 2};
    cr_assert_not(jf_hash128_equal(hash, (struct jf_hash128){1, 3}));
    cr_assert_not(jf_hash128_equal(hash, (struct jf_hash128){3, 2}));
    cr_assert(jf_hash128_equal(hash, (struct jf_hash128){1, 2}));
}

Test(hash, a_stream_of_any_pieces_hashes_as_the_whole)
{
    static unsigned char bytes[70000];
    buffer_fill(bytes, sizeof bytes);
    for (size_t piece = 1; piece < sizeof bytes; piece = piece * 3 + 1) {
        struct jf_hash_stream stream;
        jf_hash_stream_init(&stream);
        for (size_t at = 0; at < sizeof bytes; at += piece) {
            size_t left = sizeof bytes - at;
            jf_hash_stream_add(&stream, bytes + at, left < piece ? left : piece);
        }
        struct jf_hash128 whole = jf_hash128(bytes, sizeof bytes);
        cr_assert(jf_hash128_equal(jf_hash_stream_end(&stream), whole), "pieces of %zu", piece);
    }
}
