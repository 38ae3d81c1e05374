// Numbers as sentences say them.
#include <criterion/criterion.h>

#include "tools/jifen/explain.h"

static void exact_is(int64_t exact, uint64_t denominator, const char *wanted)
{
    struct jf_say say = {.is_json = false};
    jf_say_exact(&say, exact, denominator);
    cr_assert_str_eq(say.text.text, wanted);
}

Test(explain_say, exact_points_have_as_many_digits_as_they_need)
{
    exact_is(5870, 1000, "5.87 points");
    exact_is(3086840, 1000, "3,086.84 points");
    exact_is(6, 0, "6 points");
    exact_is(1, 3, "about 0.333 points");
    exact_is(-1, 2, "-0.5 points");
    exact_is(INT64_MAX, 1, "very many points");
}

Test(explain_say, points_money_and_dates_are_written_out)
{
    struct jf_say say = {.is_json = false};
    jf_say_points(&say, 1);
    jf_say_add(&say, ", ");
    jf_say_points(&say, -1234);
    jf_say_add(&say, ", ");
    jf_say_money(&say, 123456);
    jf_say_add(&say, ", ");
    jf_say_date(&say, 20170118);
    jf_say_add(&say, ", ");
    jf_say_text(&say, "R-1");
    cr_assert_str_eq(say.text.text, "1 point, -1,234 points, 1,234.56, 2017-01-18, \"R-1\"");
}
