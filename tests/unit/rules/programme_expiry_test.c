// Claims about expiry policies: what each gives at the edges of months and years, and what is
// refused.
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "programme_fixture.h"
#include "rules/programme_expiry.h"
#include "world.h"

#define HEAD                                                                                       \
    "name: p\neffective_from: 2026-01-01T00:00:00Z\nearn: {points: 1, per_amount: 1.00}\n"         \
    "expiry: "

static jf_date expires(const char *policy, const char *date)
{
    char yaml[512];
    snprintf(yaml, sizeof yaml, HEAD "%s\n", policy);
    struct jf_programme *programme = fixture_programme(yaml);
    jf_date result = jf_expiry_date(&programme->expiry, date_of(date));
    jf_programme_destroy(programme);
    return result;
}

Test(programme_expiry, months_after_keep_the_day_or_take_the_months_last)
{
    cr_expect_eq(expires("{policy: months_after, months: 12}", "2026-06-18"),
                 date_of("2027-06-18"));
    cr_expect_eq(expires("{policy: months_after, months: 1}", "2026-01-31"), date_of("2026-02-28"));
    cr_expect_eq(expires("{policy: months_after, months: 12}", "2028-02-29"),
                 date_of("2029-02-28"));
    cr_expect_eq(expires("{policy: months_after, months: 48}", "2028-02-29"),
                 date_of("2032-02-29"));
    cr_expect_eq(expires("{policy: months_after, months: 0}", "2026-06-18"), date_of("2026-06-18"));
}

Test(programme_expiry, a_day_of_the_year_is_the_first_on_or_after)
{
    cr_expect_eq(expires("{policy: day_of_year, day: 03-31}", "2026-03-31"), date_of("2026-03-31"));
    cr_expect_eq(expires("{policy: day_of_year, day: 03-31}", "2026-04-01"), date_of("2027-03-31"));
    cr_expect_eq(expires("{policy: day_of_year, day: 03-31, years: 3}", "2026-01-01"),
                 date_of("2028-03-31"));
    cr_expect_eq(expires("{policy: day_of_year, day: 02-29}", "2027-02-28"), date_of("2027-02-28"));
    cr_expect_eq(expires("{policy: day_of_year, day: 02-29}", "2027-03-01"), date_of("2028-02-29"));
    cr_expect_eq(expires("{policy: day_of_year, day: 02-29, years: 2}", "2028-02-29"),
                 date_of("2029-02-28"));
}

Test(programme_expiry, never_and_month_end_are_as_before)
{
    cr_expect_eq(expires("{policy: never}", "2026-03-31"), JF_DATE_EVER);
    cr_expect_eq(expires("{policy: month_end, months: 3}", "2026-11-30"), date_of("2027-02-28"));
    cr_expect_eq(expires("{policy: months_after, months: 120}", "2199-01-01"), JF_DATE_MAX);
}

static void expect_fault(const char *policy, const char *words)
{
    char yaml[512];
    snprintf(yaml, sizeof yaml, HEAD "%s\n", policy);
    const char *said = fixture_fault(yaml);
    cr_expect_not_null(strstr(said, words), "%s", said);
}

Test(programme_expiry, what_makes_no_sense_is_refused)
{
    expect_fault("{policy: months_after}", "expiry.months: missing: months_after needs it");
    expect_fault("{policy: never, months: 1}", "expiry.months: has no meaning with policy never");
    expect_fault("{policy: month_end, months: 121}", "expiry.months");
    expect_fault("{policy: day_of_year}", "expiry.day: missing: day_of_year needs it");
    expect_fault("{policy: day_of_year, day: 02-30}", "expiry.day: write month and day");
    expect_fault("{policy: day_of_year, day: 2-28}", "expiry.day: write month and day");
    expect_fault("{policy: day_of_year, day: 03-31, years: 0}", "expiry.years");
    expect_fault("{policy: month_end, months: 1, years: 1}", "expiry.years: has no meaning");
    expect_fault("{policy: sometime}", "expiry.policy");
}
