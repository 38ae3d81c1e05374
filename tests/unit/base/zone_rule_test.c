// Claims about footer rules: what is refused, and where in a year the clock changes.
#include <criterion/criterion.h>

#include "base/date.h"
#include "base/zone_rule.h"

static struct jf_zone_rule rule_of(const char *text)
{
    struct jf_zone_rule rule = {0};
    cr_assert(jf_zone_rule_parse(jf_text_from(text), &rule), "%s", text);
    return rule;
}

static int64_t utc(int32_t year, int32_t month, int32_t day, int32_t hour)
{
    return (int64_t)jf_date_from_civil((struct jf_civil){year, month, day}) * 86400 + hour * 3600;
}

Test(zone_rule, texts_that_are_no_rule_are_refused)
{
    static const char *const refused[] = {
        "",
        "C",
        "CS-8",
        "CST",
        "CST-",
        "CST-25",
        "CST-8:60",
        "CST-8 ",
        "CST-8:0:60",
        "<+08-8",
        "<>-8",
        "<+0>-8",
        "CST--8",
        "C1T-8",
        "EST5EDT",
        "EST5EDT,",
        "EST5EDT,M3.2.0",
        "EST5EDT,M3.2.0,",
        "EST5EDT,M3.2.0,M11.1.0,",
        "EST5EDT,M0.2.0,M11.1.0",
        "EST5EDT,M13.2.0,M11.1.0",
        "EST5EDT,M3.0.0,M11.1.0",
        "EST5EDT,M3.6.0,M11.1.0",
        "EST5EDT,M3.2.7,M11.1.0",
        "EST5EDT,J0,J365",
        "EST5EDT,J1,J366",
        "EST5EDT,0,366",
        "EST5EDT,M3.2.0/168,M11.1.0",
        "EST5EDT,M3.2.0/,M11.1.0",
        "EST5ED,M3.2.0,M11.1.0",
        "EST5EDT4M3.2.0,M11.1.0",
        "CST99999999999999999999",
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct jf_zone_rule rule = {.standard_offset = 77};
        cr_assert_not(jf_zone_rule_parse(jf_text_from(refused[i]), &rule), "%s", refused[i]);
        cr_assert_eq(rule.standard_offset, 77);
    }
    struct jf_zone_rule rule;
    cr_assert_not(jf_zone_rule_parse((struct jf_text){NULL, 0}, &rule));
}

Test(zone_rule, a_cut_rule_is_refused_or_means_less)
{
    const char *whole = "<-02>2<-01>,M3.5.0/-1,M10.5.0/0";
    for (uint32_t size = 0; size < strlen(whole); size++) {
        struct jf_zone_rule rule = {0};
        bool is_rule = jf_zone_rule_parse((struct jf_text){whole, size}, &rule);
        bool is_standard_only = size == strlen("<-02>2");
        bool is_default_time = size == strlen("<-02>2<-01>,M3.5.0/-1,M10.5.0");
        cr_assert_eq(is_rule, is_standard_only || is_default_time, "%.*s", (int)size, whole);
    }
}

Test(zone_rule, a_fixed_offset_never_changes)
{
    struct jf_zone_rule rule = rule_of("CST-8");
    cr_assert_eq(jf_zone_rule_offset(&rule, utc(2044, 7, 1, 0)), 28800);
    cr_assert_eq(jf_zone_rule_next(&rule, utc(2044, 7, 1, 0)), INT64_MAX);
    cr_assert_eq(rule_of("<+0545>-5:45").standard_offset, 20700);
    cr_assert_eq(rule_of("LMT+0:43:08").standard_offset, -2588);
}

Test(zone_rule, new_york_changes_on_its_sundays_at_two)
{
    struct jf_zone_rule rule = rule_of("EST5EDT,M3.2.0,M11.1.0");
    int64_t start = utc(2045, 3, 12, 7);
    int64_t end = utc(2045, 11, 5, 6);
    cr_assert_eq(jf_zone_rule_offset(&rule, start - 1), -18000);
    cr_assert_eq(jf_zone_rule_offset(&rule, start), -14400);
    cr_assert_eq(jf_zone_rule_offset(&rule, end - 1), -14400);
    cr_assert_eq(jf_zone_rule_offset(&rule, end), -18000);
    cr_assert_eq(jf_zone_rule_next(&rule, start - 1), start);
    cr_assert_eq(jf_zone_rule_next(&rule, start), end);
    cr_assert_eq(jf_zone_rule_next(&rule, end), utc(2046, 3, 11, 7));
}

Test(zone_rule, the_last_week_is_the_last_whatever_the_month)
{
    struct jf_zone_rule rule = rule_of("CET-1CEST,M3.5.0,M10.5.0/3");
    cr_assert_eq(jf_zone_rule_next(&rule, utc(2026, 1, 1, 0)), utc(2026, 3, 29, 1));
    cr_assert_eq(jf_zone_rule_next(&rule, utc(2024, 1, 1, 0)), utc(2024, 3, 31, 1));
    cr_assert_eq(jf_zone_rule_next(&rule, utc(2027, 7, 1, 0)), utc(2027, 10, 31, 1));
}

Test(zone_rule, negative_daylight_time_is_less_than_standard)
{
    struct jf_zone_rule rule = rule_of("IST-1GMT0,M10.5.0,M3.5.0/1");
    cr_assert_eq(jf_zone_rule_offset(&rule, utc(2099, 1, 15, 0)), 0);
    cr_assert_eq(jf_zone_rule_offset(&rule, utc(2099, 7, 15, 0)), 3600);
    cr_assert_eq(jf_zone_rule_next(&rule, utc(2099, 1, 15, 0)), utc(2099, 3, 29, 1));
}

Test(zone_rule, the_southern_summer_spans_new_year)
{
    struct jf_zone_rule rule = rule_of("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0");
    cr_assert_eq(jf_zone_rule_offset(&rule, utc(2050, 1, 1, 0)), 39600);
    cr_assert_eq(jf_zone_rule_offset(&rule, utc(2050, 7, 1, 0)), 37800);
    cr_assert_eq(jf_zone_rule_offset(&rule, utc(2050, 12, 31, 23)), 39600);
}

Test(zone_rule, hours_reach_into_the_day_before)
{
    struct jf_zone_rule rule = rule_of("<-02>2<-01>,M3.5.0/-1,M10.5.0/0");
    cr_assert_eq(jf_zone_rule_next(&rule, utc(2030, 1, 1, 0)), utc(2030, 3, 31, 1));
    cr_assert_eq(jf_zone_rule_next(&rule, utc(2030, 6, 1, 0)), utc(2030, 10, 27, 1));
}

Test(zone_rule, hours_reach_into_the_year_after)
{
    // Daylight time ends on 6 January and begins on the 1st.
    struct jf_zone_rule rule = rule_of("AAA0BBB,J1/6,364/144");
    cr_assert_eq(jf_zone_rule_offset(&rule, utc(2031, 1, 1, 5)), 0);
    cr_assert_eq(jf_zone_rule_offset(&rule, utc(2031, 1, 1, 6)), 3600);
    cr_assert_eq(jf_zone_rule_offset(&rule, utc(2031, 1, 5, 22)), 3600);
    cr_assert_eq(jf_zone_rule_offset(&rule, utc(2031, 1, 5, 23)), 0);
    cr_assert_eq(jf_zone_rule_next(&rule, utc(2031, 1, 1, 6)), utc(2031, 1, 5, 23));
}

Test(zone_rule, julian_days_skip_the_29th_of_february_and_plain_days_count_it)
{
    struct jf_zone_rule julian = rule_of("AAA0BBB,J60/0,J300/0");
    cr_assert_eq(jf_zone_rule_next(&julian, utc(2024, 1, 1, 0)), utc(2024, 3, 1, 0));
    cr_assert_eq(jf_zone_rule_next(&julian, utc(2023, 1, 1, 0)), utc(2023, 3, 1, 0));
    struct jf_zone_rule plain = rule_of("AAA0BBB,59/0,299/0");
    cr_assert_eq(jf_zone_rule_next(&plain, utc(2024, 1, 1, 0)), utc(2024, 2, 29, 0));
    cr_assert_eq(jf_zone_rule_next(&plain, utc(2023, 1, 1, 0)), utc(2023, 3, 1, 0));
}

Test(zone_rule, daylight_time_all_year_never_falls_back)
{
    struct jf_zone_rule rule = rule_of("XXX3EDT4,0/0,J365/23"); // the example of RFC 8536, 3.3.1
    for (int64_t at = utc(2030, 12, 30, 0); at < utc(2031, 1, 3, 0); at += 600) {
        cr_assert_eq(jf_zone_rule_offset(&rule, at), -14400);
    }
}
