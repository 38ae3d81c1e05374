// Claims about packed records: what was put in comes out once as it was, or is gone, and the bound
// holds.
#include <criterion/criterion.h>
#include <string.h>

#include "state/keys.h"
#include "state/packed.h"

#define MIB ((uint64_t)1 << 20)

static struct jf_packed *packed;
static unsigned char taken[JF_PACKED_RECORD_BYTES_MAX];

static void begin(void)
{
    cr_assert_eq(jf_packed_create(4 * MIB, &packed), JF_OK);
}

static void end(void)
{
    jf_packed_destroy(packed);
}

TestSuite(packed, .init = begin, .fini = end);

// A number's record: of a size of its own, each byte told by number and place.
static struct jf_text record_of(uint64_t number)
{
    static unsigned char bytes[JF_PACKED_RECORD_BYTES_MAX];
    uint32_t size = (uint32_t)(1 + number * 7919 % 400);
    for (uint32_t i = 0; i < size; i++) {
        bytes[i] = (unsigned char)(number * 31 + i);
    }
    return jf_text_of(bytes, size);
}

static bool take(uint64_t number)
{
    struct jf_text record = jf_packed_take(packed, number, taken);
    struct jf_text wanted = record_of(number);
    cr_assert(record.size == 0 || jf_text_equal(record, wanted), "member %llu",
              (unsigned long long)number);
    return record.size > 0;
}

Test(packed, a_record_comes_out_once)
{
    for (uint64_t number = 1; number <= 1000; number++) {
        jf_packed_put(packed, number, record_of(number));
    }
    cr_expect_eq(jf_packed_count(packed), 1000);
    for (uint64_t number = 1000; number >= 1; number--) {
        cr_assert(take(number));
        cr_assert_not(take(number));
    }
    cr_expect_eq(jf_packed_count(packed), 0);
}

Test(packed, the_oldest_go_when_the_bound_is_reached)
{
    enum {
        COUNT = 100000
    };
    for (uint64_t number = 1; number <= COUNT; number++) {
        jf_packed_put(packed, number, record_of(number));
        cr_assert_leq(jf_packed_bytes(packed), 4 * MIB);
    }
    uint64_t count = jf_packed_count(packed);
    cr_assert_gt(count, 8000);
    cr_assert_not(take(1));
    uint64_t kept = 0;
    uint64_t first = 0;
    for (uint64_t number = 1; number <= COUNT; number++) {
        bool is_there = take(number);
        first = is_there && first == 0 ? number : first;
        kept += is_there;
    }
    cr_expect_eq(kept, count);
    cr_expect_eq(kept, COUNT - first + 1, "what is kept is the newest");
}

Test(packed, many_small_records_do_not_overfill_the_table)
{
    static const unsigned char BYTE[1] = {7};
    for (uint64_t number = 1; number <= 300000; number++) {
        jf_packed_put(packed, number, jf_text_of(BYTE, 1));
    }
    cr_assert_leq(jf_packed_bytes(packed), 4 * MIB);
    uint64_t count = 0;
    for (uint64_t number = 1; number <= 300000; number++) {
        count += jf_packed_take(packed, number, taken).size == 1;
    }
    cr_expect_gt(count, 8000);
    cr_expect_eq(jf_packed_count(packed), 0);
}

Test(packed, what_is_too_large_is_not_kept)
{
    static unsigned char bytes[JF_PACKED_RECORD_BYTES_MAX + 1];
    jf_packed_put(packed, 5, jf_text_of(bytes, sizeof bytes));
    cr_expect_eq(jf_packed_take(packed, 5, taken).size, 0);
    jf_packed_put(packed, 5, jf_text_of(bytes, sizeof bytes - 1));
    cr_expect_eq(jf_packed_take(packed, 5, taken).size, JF_PACKED_RECORD_BYTES_MAX);
}

Test(packed, too_small_a_bound_keeps_nothing)
{
    jf_packed_destroy(packed);
    cr_assert_eq(jf_packed_create(100000, &packed), JF_OK);
    jf_packed_put(packed, 5, record_of(5));
    cr_expect_eq(jf_packed_count(packed), 0);
    cr_expect_eq(jf_packed_bytes(packed), 0);
    cr_expect_not(take(5));
    jf_packed_prefetch_slot(packed, 5);
    jf_packed_prefetch_record(packed, 5);
}
