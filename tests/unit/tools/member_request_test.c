// Claims about what subcommands about a member read from their command line.
#include <criterion/criterion.h>

#include "tools/jifen/member_request.h"

Test(member_request, tags_are_numbers_with_commas_between_them)
{
    uint64_t tags = 1;
    cr_assert(jf_tags_parse("", &tags));
    cr_expect_eq(tags, 0);
    cr_assert(jf_tags_parse("0,63,5", &tags));
    cr_expect_eq(tags, (uint64_t)1 << 63 | 1 << 5 | 1);
    static const char *const wrong[] = {"64", "1,,2", ",", "a", "1 ,2", "-1"};
    for (uint32_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cr_expect_not(jf_tags_parse(wrong[i], &tags), "%s", wrong[i]);
    }
}

Test(member_request, a_birthday_is_a_day_of_a_leap_year)
{
    uint32_t month = 0;
    uint32_t day = 0;
    cr_assert(jf_birthday_parse("02-29", &month, &day));
    cr_expect(month == 2 && day == 29);
    cr_expect_not(jf_birthday_parse("02-30", &month, &day));
    cr_expect_not(jf_birthday_parse("2-3", &month, &day));
    cr_expect_not(jf_birthday_parse("", &month, &day));
}
