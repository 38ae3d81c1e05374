// Claims about refusals: each has a name and a sentence of its own.
#include <criterion/criterion.h>

#include <string.h>

#include "rules/refusal.h"

Test(refusal, values_outside_the_list_say_so)
{
    cr_expect_str_eq(jf_refusal_name(JF_REFUSAL_COUNT), "UNLISTED");
    cr_expect_str_eq(jf_refusal_name((enum jf_refusal_code) - 1), "UNLISTED");
    cr_expect_str_eq(jf_refusal_sentence(JF_REFUSAL_COUNT), "An unlisted refusal.");
}

Test(refusal, every_code_has_its_own_name_and_a_sentence)
{
    cr_expect_str_eq(jf_refusal_name(JF_REFUSAL_INSUFFICIENT_POINTS), "INSUFFICIENT_POINTS");
    for (int a = JF_REFUSAL_NONE + 1; a < JF_REFUSAL_COUNT; a++) {
        const char *sentence = jf_refusal_sentence((enum jf_refusal_code)a);
        cr_expect_gt(strlen(sentence), 10);
        cr_expect_eq(sentence[strlen(sentence) - 1], '.');
        for (int b = JF_REFUSAL_NONE; b < a; b++) {
            cr_expect_str_neq(jf_refusal_name((enum jf_refusal_code)a),
                              jf_refusal_name((enum jf_refusal_code)b));
        }
    }
}
