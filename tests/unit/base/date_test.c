// Claims about civil dates: every day of the range, and every text that is no date.
#include <criterion/criterion.h>

#include <signal.h>

#include "base/date.h"

static jf_date date_of(int32_t year, int32_t month, int32_t day)
{
    return jf_date_from_civil((struct jf_civil){year, month, day});
}

Test(date, parse_refuses_what_is_no_date)
{
    static const char *const refused[] = {
        "",           "2018",       "2018-1-18",  "2018-01-18 ", " 2018-01-18", "2018/01/18",
        "2018-13-01", "2018-00-10", "2018-01-00", "2018-01-32",  "2018-04-31",  "2018-02-29",
        "1900-02-29", "1969-12-31", "2200-01-01", "2018-0a-01",  "201 -01-01",  "-018-01-01",
        "2018-01-+1", "0000-00-00", "9999-12-31", "never",
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        jf_date date = 77;
        cr_assert_not(jf_date_parse(jf_text_from(refused[i]), &date), "%s", refused[i]);
        cr_assert_eq(date, 77);
    }
    jf_date date = 77;
    cr_assert_not(jf_date_parse((struct jf_text){NULL, 0}, &date));
}

Test(date, month_zero_is_a_bug, .signal = SIGABRT)
{
    (void)date_of(2018, 0, 1);
}

// Counts the days one by one with nothing but the rules of the calendar.
Test(date, every_day_of_the_range_goes_there_and_back)
{
    jf_date expected = JF_DATE_MIN;
    int32_t weekday = 4; // 1970-01-01 was a Thursday
    for (int32_t year = 1970; year <= 2199; year++) {
        for (int32_t month = 1; month <= 12; month++) {
            for (int32_t day = 1; day <= jf_month_length(year, month); day++) {
                struct jf_civil back = jf_date_to_civil(expected);
                cr_assert_eq(date_of(year, month, day), expected);
                cr_assert(back.year == year && back.month == month && back.day == day);
                cr_assert_eq(jf_date_weekday(expected), weekday);
                cr_assert(jf_civil_is_valid(back));
                weekday = weekday % 7 + 1;
                expected += 1;
            }
        }
    }
    cr_assert_eq(expected - 1, JF_DATE_MAX);
}

Test(date, every_day_of_the_range_is_printed_and_parsed)
{
    for (jf_date date = JF_DATE_MIN; date <= JF_DATE_MAX; date++) {
        char text[JF_DATE_TEXT_SIZE];
        jf_date parsed = -1;
        jf_date_format(date, text);
        cr_assert(jf_date_parse(jf_text_from(text), &parsed), "%s", text);
        cr_assert_eq(parsed, date, "%s", text);
    }
}

Test(date, special_dates_have_words)
{
    char text[JF_DATE_TEXT_SIZE];
    jf_date_format(JF_DATE_EVER, text);
    cr_assert_str_eq(text, "never");
    jf_date_format(JF_DATE_NONE, text);
    cr_assert_str_eq(text, "");
    jf_date_format(JF_DATE_MIN, text);
    cr_assert_str_eq(text, "1970-01-01");
    jf_date_format(JF_DATE_MAX, text);
    cr_assert_str_eq(text, "2199-12-31");
}

Test(date, centuries_are_leap_only_by_four_hundred)
{
    cr_assert(jf_year_is_leap(2000));
    cr_assert_not(jf_year_is_leap(2100));
    cr_assert(jf_year_is_leap(2024));
    cr_assert_not(jf_year_is_leap(2023));
    cr_assert_eq(jf_month_length(2000, 2), 29);
    cr_assert_eq(jf_month_length(2100, 2), 28);
}

Test(date, dates_before_1970_still_count)
{
    cr_assert_eq(date_of(1969, 12, 31), -1);
    cr_assert_eq(jf_date_weekday(-1), 3);
    cr_assert_eq(jf_date_weekday(-7), 4);
    struct jf_civil civil = jf_date_to_civil(date_of(1600, 2, 29));
    cr_assert(civil.year == 1600 && civil.month == 2 && civil.day == 29);
}

Test(date, months_later_stay_within_the_month)
{
    cr_assert_eq(jf_date_add_months(date_of(2018, 1, 31), 1), date_of(2018, 2, 28));
    cr_assert_eq(jf_date_add_months(date_of(2020, 1, 31), 1), date_of(2020, 2, 29));
    cr_assert_eq(jf_date_add_months(date_of(2018, 1, 31), 3), date_of(2018, 4, 30));
    cr_assert_eq(jf_date_add_months(date_of(2018, 12, 15), 1), date_of(2019, 1, 15));
    cr_assert_eq(jf_date_add_months(date_of(2018, 1, 15), -1), date_of(2017, 12, 15));
    cr_assert_eq(jf_date_add_months(date_of(2020, 2, 29), 12), date_of(2021, 2, 28));
    cr_assert_eq(jf_date_add_months(date_of(2020, 2, 29), 0), date_of(2020, 2, 29));
}

Test(date, month_indexes_are_consecutive_and_end_where_months_end)
{
    int32_t december = jf_date_month_index(date_of(2017, 12, 31));
    cr_assert_eq(jf_date_month_index(date_of(2018, 1, 1)), december + 1);
    cr_assert_eq(jf_date_month_end(december), date_of(2017, 12, 31));
    cr_assert_eq(jf_date_month_end(december + 2), date_of(2018, 2, 28));
    for (int32_t index = 1970 * 12; index < 2199 * 12; index++) {
        cr_assert_eq(jf_date_month_index(jf_date_month_end(index) + 1), index + 1);
    }
}

Test(date, validity_has_edges)
{
    cr_assert(jf_civil_is_valid((struct jf_civil){1970, 1, 1}));
    cr_assert(jf_civil_is_valid((struct jf_civil){2199, 12, 31}));
    cr_assert_not(jf_civil_is_valid((struct jf_civil){1969, 12, 31}));
    cr_assert_not(jf_civil_is_valid((struct jf_civil){2200, 1, 1}));
    cr_assert_not(jf_civil_is_valid((struct jf_civil){2018, 2, 29}));
    cr_assert_not(jf_civil_is_valid((struct jf_civil){2018, -1, 1}));
}
