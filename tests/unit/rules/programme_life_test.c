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
