// What scripts rely on: the exit code of a verdict.
#include "tools/jifen/verify.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tools/jifen/cli.h"

Test(verify, exit_code_tells_whether_it_ties)
{
    struct jf_verify_result result = {
        .is_done = true, .ties = true, .entries = 1000, .elapsed_us = 500000};
    cr_assert_eq(jf_verify_show(&result, false), JF_EXIT_OK);
    cr_assert_eq(jf_verify_show(&result, true), JF_EXIT_OK);
    result.ties = false;
    strcpy(result.difference, "member 7: visits 21 in the state, 20 from the journal");
    cr_assert_eq(jf_verify_show(&result, false), JF_EXIT_BROKEN);
    cr_assert_eq(jf_verify_show(&result, true), JF_EXIT_BROKEN);
}
