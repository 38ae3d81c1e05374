// Claims about errors: every code has a name and a text of its own, and a diagnosis is always a
// string.
#include <criterion/criterion.h>

#include <signal.h>
#include <string.h>

#include "base/assert.h"
#include "base/error.h"

Test(error, codes_outside_the_list_are_unknown)
{
    cr_assert_str_eq(jf_error_text(JF_ERROR_COUNT), "unknown error");
    cr_assert_str_eq(jf_error_name(JF_ERROR_COUNT), "unknown");
    cr_assert_str_eq(jf_error_text((enum jf_error)9999), "unknown error");
}

Test(error, every_code_has_its_own_name_and_text)
{
    for (unsigned i = 0; i < JF_ERROR_COUNT; i++) {
        const char *name = jf_error_name((enum jf_error)i);
        const char *text = jf_error_text((enum jf_error)i);
        cr_assert_eq(strncmp(name, "JF_", 3), 0);
        cr_assert_gt(strlen(text), 5);
        for (unsigned j = 0; j < i; j++) {
            cr_assert_str_neq(name, jf_error_name((enum jf_error)j));
            cr_assert_str_neq(text, jf_error_text((enum jf_error)j));
        }
    }
}

Test(error, success_is_zero)
{
    cr_assert_eq(JF_OK, 0);
    cr_assert_str_eq(jf_error_name(JF_OK), "JF_OK");
}

Test(error, a_diagnosis_of_success_is_a_bug, .signal = SIGABRT)
{
    struct jf_diagnosis diagnosis;
    jf_diagnose(&diagnosis, JF_OK, "fine");
}

Test(error, a_diagnosis_may_be_left_out)
{
    cr_assert_eq(jf_diagnose(NULL, JF_ERROR_IO, "%s", "disk"), JF_ERROR_IO);
}

Test(error, a_diagnosis_too_long_is_cut_and_terminated)
{
    struct jf_diagnosis diagnosis;
    char long_text[2 * JF_DIAGNOSIS_TEXT_MAX];
    memset(&diagnosis, 0xff, sizeof diagnosis);
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    cr_assert_eq(jf_diagnose(&diagnosis, JF_ERROR_LIMIT, "%s", long_text), JF_ERROR_LIMIT);
    cr_assert_eq(strlen(diagnosis.text), JF_DIAGNOSIS_TEXT_MAX - 1);
    cr_assert_eq(diagnosis.error, JF_ERROR_LIMIT);
}

Test(error, a_diagnosis_holds_the_code_and_the_sentence)
{
    struct jf_diagnosis diagnosis;
    jf_diagnose(&diagnosis, JF_ERROR_NOT_FOUND, "store %d of %s", 7, "north");
    cr_assert_eq(diagnosis.error, JF_ERROR_NOT_FOUND);
    cr_assert_str_eq(diagnosis.text, "store 7 of north");
}

Test(error, a_failed_assertion_stops_the_process, .signal = SIGABRT)
{
    const volatile int balance = 1;
    JF_ASSERT(balance == 0);
}
