// Amounts and quantities: refused shapes first, then exact values.
#include <criterion/criterion.h>

#include "tools/jifen/decimal.h"

static void expect_error(const char *text, uint32_t scale, enum jf_error wanted)
{
    int64_t value = -7;
    cr_assert_eq(jf_decimal_parse(jf_text_from(text), scale, &value), wanted, "%s", text);
    cr_assert_eq(value, -7, "%s: the output was touched", text);
}

static void expect_value(const char *text, uint32_t scale, int64_t wanted)
{
    int64_t value = -7;
    cr_assert_eq(jf_decimal_parse(jf_text_from(text), scale, &value), JF_OK, "%s", text);
    cr_assert_eq(value, wanted, "%s gave %lld", text, (long long)value);
}

Test(decimal, parse_refuses_what_is_no_plain_decimal)
{
    static const char *const texts[] = {"",     ".",   "1.",   ".5",          "-1",   "+1",
                                        "1e3",  " 1",  "1 ",   "1,5",         "1..2", "1.2.3",
                                        "0x10", "NaN", "1.a0", "\xef\xbc\x91"};
    for (size_t at = 0; at < sizeof(texts) / sizeof(texts[0]); at++) {
        expect_error(texts[at], 2, JF_ERROR_INVALID);
    }
}

Test(decimal, parse_refuses_more_decimals_than_the_scale_holds)
{
    expect_error("1.005", 2, JF_ERROR_INVALID);
    expect_error("0.0001", 3, JF_ERROR_INVALID);
    expect_error("1.1", 0, JF_ERROR_INVALID);
    expect_value("1.500", 2, 150);
    expect_value("1.000000000000000000000000", 0, 1);
}

Test(decimal, parse_refuses_values_above_int64)
{
    expect_value("92233720368547758.07", 2, INT64_MAX);
    expect_error("92233720368547758.08", 2, JF_ERROR_OVERFLOW);
    expect_error("99999999999999999999", 2, JF_ERROR_OVERFLOW);
    expect_value("9223372036854775807", 0, INT64_MAX);
    expect_error("9223372036854775808", 0, JF_ERROR_OVERFLOW);
}

Test(decimal, parse_is_exact)
{
    expect_value("0", 2, 0);
    expect_value("0.29", 2, 29);
    expect_value("1.1", 2, 110);
    expect_value("0012.34", 2, 1234);
    expect_value("1", 3, 1000);
    expect_value("16384", 3, 16384000);
    expect_value("0.001", 3, 1);
}

Test(decimal, parse_whole_takes_all_of_uint64_and_no_more)
{
    uint64_t value = 0;
    cr_assert_eq(jf_decimal_parse_whole(jf_text_from("18446744073709551615"), &value), JF_OK);
    cr_assert_eq(value, UINT64_MAX);
    cr_assert_eq(jf_decimal_parse_whole(jf_text_from("18446744073709551616"), &value),
                 JF_ERROR_OVERFLOW);
    cr_assert_eq(jf_decimal_parse_whole(jf_text_from("1.0"), &value), JF_ERROR_INVALID);
    cr_assert_eq(jf_decimal_parse_whole(jf_text_from(""), &value), JF_ERROR_INVALID);
    cr_assert_eq(value, UINT64_MAX);
}

static void expect_text(int64_t value, uint32_t scale, bool is_grouped, const char *wanted)
{
    char text[JF_DECIMAL_TEXT_SIZE];
    jf_decimal_format(value, scale, is_grouped, text);
    cr_assert_str_eq(text, wanted);
}

Test(decimal, format_writes_sign_point_and_groups)
{
    expect_text(0, 2, false, "0.00");
    expect_text(5, 2, false, "0.05");
    expect_text(-5, 2, false, "-0.05");
    expect_text(1234567, 2, false, "12345.67");
    expect_text(1234567, 2, true, "12,345.67");
    expect_text(100000, 2, true, "1,000.00");
    expect_text(999, 0, true, "999");
    expect_text(1000, 0, true, "1,000");
    expect_text(-1234567, 0, true, "-1,234,567");
    expect_text(INT64_MIN, 0, true, "-9,223,372,036,854,775,808");
    expect_text(1500, 3, true, "1.500");
}
