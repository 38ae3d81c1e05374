// Claims about the table of texts: numbers follow the order of adding and stay, however much it
// grows.
#include <criterion/criterion.h>

#include <stdio.h>

#include "rules/text_table.h"

Test(text_table, an_empty_table_holds_nothing)
{
    struct jf_text_table table = {0};
    cr_expect_eq(jf_text_table_find(&table, JF_TEXT("a")), JF_TEXT_TABLE_NONE);
    jf_text_table_deinit(&table);
    jf_text_table_deinit(&table);
}

Test(text_table, texts_keep_their_numbers_while_it_grows)
{
    static char texts[1000][8];
    struct jf_text_table table = {0};
    for (uint32_t i = 0; i < 1000; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "t%u", i);
        cr_assert_eq(jf_text_table_reserve(&table, 1), JF_OK);
        cr_assert_eq(jf_text_table_find(&table, jf_text_from(texts[i])), JF_TEXT_TABLE_NONE);
        cr_assert_eq(jf_text_table_add(&table, jf_text_from(texts[i])), i);
    }
    for (uint32_t i = 0; i < 1000; i++) {
        cr_expect_eq(jf_text_table_find(&table, jf_text_from(texts[i])), i);
        cr_expect(jf_text_equal(jf_text_table_text(&table, i), jf_text_from(texts[i])));
    }
    jf_text_table_deinit(&table);
}

Test(text_table, the_empty_text_is_a_text)
{
    struct jf_text_table table = {0};
    cr_assert_eq(jf_text_table_reserve(&table, 1), JF_OK);
    cr_assert_eq(jf_text_table_add(&table, (struct jf_text){NULL, 0}), 0);
    cr_expect_eq(jf_text_table_find(&table, JF_TEXT("")), 0);
    jf_text_table_deinit(&table);
}
