// Claims about sets of words: a word has one number, strangers have none, and sets of nothing
// answer.
#include <criterion/criterion.h>

#include <stdio.h>

#include "rules/words.h"

Test(words, init_answers_no_memory_at_the_arenas_bound)
{
    struct jf_arena arena;
    struct jf_words words;
    jf_arena_init(&arena, 1024, 1024);
    cr_assert_eq(jf_words_init(&words, &arena, 1000), JF_ERROR_NO_MEMORY);
    jf_arena_deinit(&arena);
}

Test(words, an_empty_set_knows_nothing)
{
    struct jf_words words = {0};
    cr_assert_eq(jf_words_find(&words, JF_TEXT("a")), JF_WORD_NONE);
}

Test(words, every_word_keeps_its_number)
{
    enum {
        COUNT = 1000
    };
    static char texts[COUNT][8];
    struct jf_arena arena;
    struct jf_words words;
    jf_arena_init(&arena, 65536, 1 << 20);
    cr_assert_eq(jf_words_init(&words, &arena, COUNT), JF_OK);
    for (uint32_t i = 0; i < COUNT; i++) {
        snprintf(texts[i], sizeof texts[i], "w%u", i);
        cr_assert_eq(jf_words_find(&words, jf_text_from(texts[i])), JF_WORD_NONE);
        cr_assert_eq(jf_words_add(&words, jf_text_from(texts[i])), i);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        cr_assert_eq(jf_words_add(&words, jf_text_from(texts[i])), i);
        cr_assert_eq(jf_words_find(&words, jf_text_from(texts[i])), i);
    }
    cr_assert_eq(jf_words_find(&words, JF_TEXT("")), JF_WORD_NONE);
    jf_arena_deinit(&arena);
}
