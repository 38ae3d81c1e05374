// Claims about the filter and the chunks of entries: nothing added is ever called new, few others
// are not, and pages carry all of it; a chunk's table that does not fit is refused.
#include <criterion/criterion.h>

#include <stdlib.h>

#include "base/hash.h"
#include "state/chunk.h"
#include "state/filter.h"

static uint64_t hash_of(uint32_t number)
{
    return jf_hash64(&number, sizeof number);
}

Test(filter, added_is_never_new_and_few_others_are_not)
{
    struct jf_filter *filter = NULL;
    cr_assert_eq(jf_filter_create(1 << 17, &filter), JF_OK); // 16 bits for each of 65,536
    for (uint32_t i = 0; i < 65536; i++) {
        (void)jf_filter_add(filter, hash_of(i));
    }
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < 65536; i++) {
        cr_assert(jf_filter_maybe(filter, hash_of(i)));
        cr_assert(!jf_filter_add(filter, hash_of(i)));
        wrong += jf_filter_maybe(filter, hash_of(i + 1000000));
    }
    cr_assert_lt(wrong, 200); // one in 300; 1 in 1,500 expected
    jf_filter_destroy(filter);
}

Test(filter, pages_carry_everything_and_merging_keeps_what_was_there)
{
    struct jf_filter *from = NULL;
    struct jf_filter *to = NULL;
    cr_assert_eq(jf_filter_create(1 << 18, &from), JF_OK);
    cr_assert_eq(jf_filter_create(1 << 18, &to), JF_OK);
    for (uint32_t i = 0; i < 1000; i++) {
        (void)jf_filter_add(from, hash_of(i));
        (void)jf_filter_add(to, hash_of(i + 5000));
    }
    unsigned char *page = malloc(jf_filter_page_bytes(from));
    cr_assert_eq(jf_filter_page_count(from), 4);
    for (uint32_t i = 0; i < jf_filter_page_count(from); i++) {
        jf_filter_page_copy(from, i, page);
        jf_filter_page_merge(to, i, page);
    }
    for (uint32_t i = 0; i < 1000; i++) {
        cr_assert(jf_filter_maybe(to, hash_of(i)));
        cr_assert(jf_filter_maybe(to, hash_of(i + 5000)));
    }
    free(page);
    jf_filter_destroy(from);
    jf_filter_destroy(to);
}

Test(filter, without_a_filter_everything_may_be_known)
{
    cr_assert(jf_filter_maybe(NULL, 1));
}

static unsigned char chunk_bytes[64];

static struct jf_text chunk_make(void)
{
    struct jf_chunk chunk = {.count = 3, .ends = {0, 4, 6}};
    size_t head = jf_chunk_head_bytes(3);
    jf_chunk_head_encode(&chunk, chunk_bytes);
    memcpy(chunk_bytes + head, "abcdef", 6);
    return (struct jf_text){(const char *)chunk_bytes, (uint32_t)head + 6};
}

Test(chunk, entries_are_found_and_missing_slots_are_not)
{
    struct jf_text value = chunk_make();
    struct jf_text entry = {NULL, 0};
    cr_assert_eq(jf_chunk_entry(value, 0, &entry), JF_OK);
    cr_assert_eq(entry.size, 0);
    cr_assert_eq(jf_chunk_entry(value, 1, &entry), JF_OK);
    cr_assert(jf_text_equal(entry, JF_TEXT("abcd")));
    cr_assert_eq(jf_chunk_entry(value, 2, &entry), JF_OK);
    cr_assert(jf_text_equal(entry, JF_TEXT("ef")));
    cr_assert_eq(jf_chunk_entry(value, 3, &entry), JF_ERROR_CORRUPT);
}

Test(chunk, tables_that_do_not_fit_are_refused)
{
    struct jf_text entry = {NULL, 0};
    struct jf_text value = chunk_make();
    for (uint32_t size = 0; size < value.size; size++) {
        cr_assert_eq(jf_chunk_entry((struct jf_text){value.data, size}, 1, &entry),
                     JF_ERROR_CORRUPT);
    }
    for (uint32_t byte = 0; byte < 13; byte++) {
        (void)chunk_make();
        chunk_bytes[byte] = 0xee;
        if (jf_chunk_entry(value, 1, &entry) == JF_OK) {
            cr_assert_geq(entry.data, value.data);
            cr_assert_leq(entry.data + entry.size, value.data + value.size);
        }
    }
    (void)chunk_make();
    chunk_bytes[0] = 0;
    cr_assert_eq(jf_chunk_entry(value, 0, &entry), JF_ERROR_CORRUPT);
    chunk_bytes[0] = 33;
    cr_assert_eq(jf_chunk_entry(value, 0, &entry), JF_ERROR_CORRUPT);
}
