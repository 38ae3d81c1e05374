// Claims about loads and stores: fixed byte order, any alignment, keys that sort as numbers.
#include <criterion/criterion.h>

#include "base/bytes.h"

Test(bytes, stored_numbers_are_little_endian)
{
    unsigned char bytes[8];
    jf_store_u16(bytes, 0x0102);
    cr_assert_eq(memcmp(bytes, "\x02\x01", 2), 0);
    jf_store_u32(bytes, 0x01020304);
    cr_assert_eq(memcmp(bytes, "\x04\x03\x02\x01", 4), 0);
    jf_store_u64(bytes, 0x0102030405060708);
    cr_assert_eq(memcmp(bytes, "\x08\x07\x06\x05\x04\x03\x02\x01", 8), 0);
}

Test(bytes, ordered_numbers_are_big_endian)
{
    unsigned char bytes[8];
    jf_store_u32_ordered(bytes, 0x01020304);
    cr_assert_eq(memcmp(bytes, "\x01\x02\x03\x04", 4), 0);
    jf_store_u64_ordered(bytes, 0x0102030405060708);
    cr_assert_eq(memcmp(bytes, "\x01\x02\x03\x04\x05\x06\x07\x08", 8), 0);
}

Test(bytes, what_is_stored_is_loaded_at_any_alignment)
{
    static const uint64_t values[] = {
        0, 1, 0x7f, 0x80, 0xffff, 0x80000000, 0xfedcba9876543210, UINT64_MAX};
    unsigned char bytes[16];
    for (uint32_t shift = 0; shift < 8; shift++) {
        for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
            uint64_t value = values[i];
            jf_store_u16(bytes + shift, (uint16_t)value);
            cr_assert_eq(jf_load_u16(bytes + shift), (uint16_t)value);
            jf_store_u32(bytes + shift, (uint32_t)value);
            cr_assert_eq(jf_load_u32(bytes + shift), (uint32_t)value);
            jf_store_u64(bytes + shift, value);
            cr_assert_eq(jf_load_u64(bytes + shift), value);
            jf_store_u32_ordered(bytes + shift, (uint32_t)value);
            cr_assert_eq(jf_load_u32_ordered(bytes + shift), (uint32_t)value);
            jf_store_u64_ordered(bytes + shift, value);
            cr_assert_eq(jf_load_u64_ordered(bytes + shift), value);
        }
    }
}

Test(bytes, ordered_keys_sort_as_their_numbers)
{
    static const uint64_t ascending[] = {
        0, 1, 255, 256, 65535, 65536, 0xffffffff, 0x100000000, UINT64_MAX - 1, UINT64_MAX};
    for (size_t i = 1; i < sizeof ascending / sizeof ascending[0]; i++) {
        unsigned char smaller[8];
        unsigned char larger[8];
        jf_store_u64_ordered(smaller, ascending[i - 1]);
        jf_store_u64_ordered(larger, ascending[i]);
        cr_assert_lt(memcmp(smaller, larger, 8), 0);
    }
}
