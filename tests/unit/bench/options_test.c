// Options: what is wrong is refused and changes nothing.
#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include "bench/options.h"

static uint64_t number;
static uint64_t milliseconds;
static bool flag;
static struct jf_bench_list list;

static const struct jf_bench_option options[] = {
    {"--number", "N", JF_BENCH_NUMBER, &number, 2, 9, "a number"},
    {"--seconds", "S", JF_BENCH_SECONDS, &milliseconds, 10, 5000, "a time"},
    {"--flag", NULL, JF_BENCH_FLAG, &flag, 0, 0, "a flag"},
    {"--item", "X", JF_BENCH_LIST, &list, 0, 0, "items"},
};
static const struct jf_bench_help help = {"usage", "about\n", "  example\n"};

static enum jf_bench_exit parse(const char *first, const char *second)
{
    char *arguments[] = {(char *)(uintptr_t) "part", (char *)(uintptr_t)first,
                         (char *)(uintptr_t)second, NULL};
    number = 5;
    milliseconds = 1000;
    flag = false;
    list.count = 0;
    return jf_options_parse(&help, options, JF_BENCH_OPTION_COUNT(options), second == NULL ? 2 : 3,
                            arguments);
}

Test(options, unknown_missing_malformed_and_out_of_range_are_refused)
{
    cr_redirect_stderr();
    cr_assert_eq(parse("--numbe", "3"), JF_BENCH_USAGE);
    cr_assert_eq(parse("number", NULL), JF_BENCH_USAGE);
    cr_assert_eq(parse("--number", NULL), JF_BENCH_USAGE);
    cr_assert_eq(parse("--number", "-3"), JF_BENCH_USAGE);
    cr_assert_eq(parse("--number", "1"), JF_BENCH_USAGE);
    cr_assert_eq(parse("--number", "10"), JF_BENCH_USAGE);
    cr_assert_eq(parse("--seconds", "0.009"), JF_BENCH_USAGE);
    cr_assert_eq(parse("--seconds", "0.0101"), JF_BENCH_USAGE);
    cr_assert_eq(parse("--flag=yes", NULL), JF_BENCH_USAGE);
    cr_assert_eq(number, 5);
    cr_assert_eq(milliseconds, 1000);
}

Test(options, bounds_belong_to_the_range)
{
    cr_assert_eq(parse("--number", "2"), JF_BENCH_GO_ON);
    cr_assert_eq(number, 2);
    cr_assert_eq(parse("--number=9", NULL), JF_BENCH_GO_ON);
    cr_assert_eq(number, 9);
    cr_assert_eq(parse("--seconds", "0.01"), JF_BENCH_GO_ON);
    cr_assert_eq(milliseconds, 10);
    cr_assert_eq(parse("--flag", "--item=--a=b"), JF_BENCH_GO_ON);
    cr_assert(flag);
    cr_assert_eq(list.count, 1);
    cr_assert_str_eq(list.items[0], "--a=b");
}

Test(options, help_shows_ranges_defaults_and_an_example)
{
    char text[2048] = "";
    cr_redirect_stdout();
    cr_assert_eq(parse("--help", NULL), JF_BENCH_OK);
    (void)fflush(stdout);
    FILE *out = cr_get_redirected_stdout();
    size_t size = fread(text, 1, sizeof(text) - 1, out);
    cr_assert_gt(size, 0);
    cr_assert(strstr(text, "--number N") != NULL);
    cr_assert(strstr(text, "default 5") != NULL);
    cr_assert(strstr(text, "example") != NULL);
}
