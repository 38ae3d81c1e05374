// The progress line: its text for a given moment.
#include <criterion/criterion.h>

#include "tools/jifen/progress.h"

Test(progress, an_unknown_total_shows_no_bar_and_no_time_left)
{
    struct jf_progress progress = {.what = "reading"};
    char line[JF_PROGRESS_LINE_SIZE];
    jf_progress_format(&progress, 1500, 500000000u, line);
    cr_assert_str_eq(line, "reading   1,500  3,000/s");
}

Test(progress, nothing_done_yet_has_no_rate_and_divides_by_nothing)
{
    struct jf_progress progress = {.what = "sales", .total = 10};
    char line[JF_PROGRESS_LINE_SIZE];
    jf_progress_format(&progress, 0, 0, line);
    cr_assert_str_eq(line, "sales     [........................] 0");
}

Test(progress, more_done_than_expected_fills_the_bar_and_no_more)
{
    struct jf_progress progress = {.what = "sales", .total = 10};
    char line[JF_PROGRESS_LINE_SIZE];
    jf_progress_format(&progress, 20, 1000000000u, line);
    cr_assert_str_eq(line, "sales     [########################] 20  20/s");
}

Test(progress, half_done_shows_half_a_bar_and_the_time_left)
{
    struct jf_progress progress = {.what = "sales", .total = 24000};
    char line[JF_PROGRESS_LINE_SIZE];
    jf_progress_format(&progress, 12000, 100000000000u, line);
    cr_assert_str_eq(line, "sales     [############............] 12,000  120/s  1:40 left");
}
