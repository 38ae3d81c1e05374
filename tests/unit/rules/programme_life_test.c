// Claims about what a programme says of members beside earning and spending.
#include <criterion/criterion.h>

#include "programme_fixture.h"
#include "rules/programme_private.h"

Test(programme_life, a_balance_is_forfeited_unless_the_programme_says_otherwise)
{
    struct jf_programme *programme = fixture_programme(FIXTURE_HEAD);
    cr_expect_eq(programme->close, JF_CLOSE_FORFEIT);
    jf_programme_destroy(programme);
    programme = fixture_programme(FIXTURE_HEAD "close: {balance: forfeit}\n");
    cr_expect_eq(programme->close, JF_CLOSE_FORFEIT);
    jf_programme_destroy(programme);
    programme = fixture_programme(FIXTURE_HEAD "close: {balance: refuse}\n");
    cr_expect_eq(programme->close, JF_CLOSE_REFUSE);
    jf_programme_destroy(programme);
}

Test(programme_life, another_policy_is_refused_by_name)
{
    const char *fault = fixture_fault(FIXTURE_HEAD "close: {balance: keep}\n");
    cr_expect_not_null(strstr(fault, ":5: close.balance"), "%s", fault);
}

Test(programme_life, adjustments_and_transfers_have_documented_defaults)
{
    struct jf_programme *programme = fixture_programme(FIXTURE_HEAD);
    cr_expect_eq(programme->adjustments.limit, -1);
    cr_expect_eq(programme->adjustments.expiry.kind, JF_EXPIRY_NEVER); // the programme's
    cr_expect(programme->transfers.is_allowed);
    cr_expect_eq(programme->transfers.minimum, 1);
    jf_programme_destroy(programme);
    programme =
        fixture_programme(FIXTURE_HEAD "adjustments: {expiry: {policy: month_end, months: 2}}\n"
                                       "transfers: {allowed: false, minimum: 7}\n");
    cr_expect_eq(programme->adjustments.limit, 0);
    cr_expect_eq(programme->adjustments.expiry.kind, JF_EXPIRY_MONTH_END);
    cr_expect_not(programme->transfers.is_allowed);
    cr_expect_eq(programme->transfers.minimum, 7);
    jf_programme_destroy(programme);
    const char *fault = fixture_fault(FIXTURE_HEAD "adjustments: {limit: -1}\n");
    cr_expect_not_null(strstr(fault, ":5: adjustments.limit"), "%s", fault);
    fault = fixture_fault(FIXTURE_HEAD "adjustments: {expiry: {policy: soon}}\n");
    cr_expect_not_null(strstr(fault, ":5: adjustments.expiry"), "%s", fault);
    fault = fixture_fault(FIXTURE_HEAD "transfers: {minimum: 0}\n");
    cr_expect_not_null(strstr(fault, ":5: transfers.minimum"), "%s", fault);
}
