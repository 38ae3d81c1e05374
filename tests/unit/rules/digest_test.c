// The digest's parts and what it is a digest of: every fact of a store and of a publication counts.
#include <criterion/criterion.h>

#include "rules/digest.h"
#include "rules/entry.h"

static const struct jf_digest digest = {1, {1, 2}, {3, 4}, {5, 6}};

Test(digest, every_part_counts_in_the_whole_and_is_named)
{
    struct jf_digest others[3] = {digest, digest, digest};
    static const char *const names[3] = {"members", "stores and programmes", "control totals"};
    others[0].members.high ^= 1;
    others[1].reference.low ^= 1;
    others[2].totals.high ^= 1;
    for (uint32_t i = 0; i < 3; i++) {
        cr_assert_not(jf_hash128_equal(jf_digest_whole(&others[i]), jf_digest_whole(&digest)));
        cr_assert_str_eq(jf_digest_difference(&others[i], &digest), names[i]);
    }
    cr_assert_null(jf_digest_difference(&digest, &digest));
}

Test(digest, stored_bytes_and_text_are_low_half_first)
{
    struct jf_hash128 hash = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
    unsigned char bytes[JF_DIGEST_BYTES];
    char text[JF_DIGEST_TEXT_SIZE];
    jf_digest_store(bytes, hash);
    cr_assert(jf_hash128_equal(jf_digest_load(bytes), hash));
    jf_digest_text(hash, text);
    cr_assert_str_eq(text, "000102030405060708090a0b0c0d0e0f");
}

Test(digest, sums_carry_and_are_taken_back)
{
    struct jf_hash128 a = {UINT64_MAX, 7};
    struct jf_hash128 b = {2, UINT64_MAX};
    struct jf_hash128 sum = jf_hash128_add(a, b);
    cr_assert_eq(sum.low, 1);
    cr_assert_eq(sum.high, 7); // 7 + (2^64 - 1) + the carry
    cr_assert(jf_hash128_equal(jf_hash128_add(b, a), sum));
    cr_assert(jf_hash128_equal(jf_hash128_subtract(sum, b), a));
    cr_assert(jf_hash128_equal(jf_hash128_subtract(sum, a), b));
}

static struct jf_entry store_entry(void)
{
    struct jf_entry entry = {.kind = JF_ENTRY_STORE, .position = 2};
    entry.as.store = (struct jf_put_store_command){.store = {1},
                                                   .entity = {2},
                                                   .region = JF_TEXT("north"),
                                                   .zone = JF_TEXT("Asia/Shanghai"),
                                                   .day_start_minute = 240};
    return entry;
}

static void differs(const struct jf_entry *a, const struct jf_entry *b)
{
    cr_assert_not(jf_hash128_equal(jf_digest_reference(a), jf_digest_reference(b)));
}

Test(digest, every_fact_of_a_store_counts)
{
    const struct jf_entry entry = store_entry();
    struct jf_entry others[6];
    for (uint32_t i = 0; i < 6; i++) {
        others[i] = store_entry();
        cr_assert(jf_hash128_equal(jf_digest_reference(&others[i]), jf_digest_reference(&entry)));
    }
    others[0].position = 3;
    others[1].as.store.store.value = 9;
    others[2].as.store.entity.value = 9;
    others[3].as.store.region = JF_TEXT("north ");
    others[4].as.store.zone = JF_TEXT("Asia/Tokyo");
    others[5].as.store.day_start_minute = 0;
    for (uint32_t i = 0; i < 6; i++) {
        differs(&others[i], &entry);
    }
}

Test(digest, every_fact_of_a_publication_counts)
{
    static const struct jf_reason_name reasons[2] = {{1, {"a", 1}}, {2, {"b", 1}}};
    static const struct jf_reason_name swapped[2] = {{1, {"b", 1}}, {2, {"a", 1}}};
    struct jf_entry entry = {.kind = JF_ENTRY_PUBLICATION, .position = 1};
    entry.as.publication = (struct jf_publication_entry){.version = 1,
                                                         .yaml = JF_TEXT("name: x"),
                                                         .file_name = JF_TEXT("x.yaml"),
                                                         .effective_from_ms = -1,
                                                         .reasons = reasons,
                                                         .reason_count = 2};
    struct jf_entry others[7];
    for (uint32_t i = 0; i < 7; i++) {
        others[i] = entry;
    }
    others[0].position = 3;
    others[1].as.publication.version = 2;
    others[2].as.publication.yaml = JF_TEXT("name: y");
    others[3].as.publication.file_name = JF_TEXT("");
    others[4].as.publication.effective_from_ms = 1;
    others[5].as.publication.reason_count = 1;
    others[6].as.publication.reasons = swapped;
    for (uint32_t i = 0; i < 7; i++) {
        differs(&others[i], &entry);
    }
}
