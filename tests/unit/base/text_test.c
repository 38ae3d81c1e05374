// Claims about borrowed text: equality is of bytes, and nothing needs a terminator.
#include <criterion/criterion.h>

#include "base/text.h"

Test(text, different_bytes_or_lengths_differ)
{
    cr_assert_not(jf_text_equal(JF_TEXT("a"), JF_TEXT("b")));
    cr_assert_not(jf_text_equal(JF_TEXT("a"), JF_TEXT("ab")));
    cr_assert_not(jf_text_equal(JF_TEXT("A"), JF_TEXT("a")));
    cr_assert_not(jf_text_equal(JF_TEXT("a"), (struct jf_text){NULL, 0}));
}

Test(text, empty_texts_are_equal_wherever_they_point)
{
    cr_assert(jf_text_equal(JF_TEXT(""), (struct jf_text){NULL, 0}));
    cr_assert(jf_text_equal((struct jf_text){"x", 0}, (struct jf_text){"y", 0}));
}

Test(text, bytes_beyond_the_size_do_not_count)
{
    cr_assert(jf_text_equal((struct jf_text){"card-1", 4}, (struct jf_text){"cardX", 4}));
    cr_assert_not(jf_text_equal((struct jf_text){"card-1", 5}, (struct jf_text){"cardX", 5}));
}

Test(text, zero_bytes_are_bytes)
{
    cr_assert_eq(JF_TEXT("a\0b").size, 3);
    cr_assert_not(jf_text_equal(JF_TEXT("a\0b"), JF_TEXT("a\0c")));
    cr_assert_eq(jf_text_from("a\0b").size, 1);
}
