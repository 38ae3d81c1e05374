// Claims about reading the programme's section `returns`.
#include <criterion/criterion.h>

#include <string.h>

#include "programme_fixture.h"
#include "rules/programme_private.h"

#define REDEMPTION "redemption: {points: 100, amount: 1.00}\n"

Test(programme_returns, a_shortfall_is_debt_unless_the_programme_says_otherwise)
{
    struct jf_programme *programme = fixture_programme(FIXTURE_HEAD);
    cr_expect_eq(programme->returns.shortfall, JF_SHORTFALL_DEBT);
    cr_expect_not(programme->returns.from_other_lots);
    cr_expect_eq(programme->returns.reinstate_days, 0);
    jf_programme_destroy(programme);
    programme = fixture_programme(FIXTURE_HEAD "returns: {}\n");
    cr_expect_eq(programme->returns.shortfall, JF_SHORTFALL_DEBT);
    jf_programme_destroy(programme);
}

Test(programme_returns, each_field_is_read)
{
    struct jf_programme *programme = fixture_programme(
        FIXTURE_HEAD REDEMPTION
        "returns: {shortfall: deduct, from_other_lots: true, reinstate_days: 30}\n");
    cr_expect_eq(programme->returns.shortfall, JF_SHORTFALL_DEDUCT);
    cr_expect(programme->returns.from_other_lots);
    cr_expect_eq(programme->returns.reinstate_days, 30);
    jf_programme_destroy(programme);
    programme = fixture_programme(FIXTURE_HEAD "returns: {shortfall: write_off}\n");
    cr_expect_eq(programme->returns.shortfall, JF_SHORTFALL_WRITE_OFF);
    jf_programme_destroy(programme);
}

Test(programme_returns, what_is_not_allowed_is_named)
{
    static const struct {
        const char *yaml;
        const char *message;
    } cases[] = {
        {FIXTURE_HEAD "returns: {shortfall: forgive}\n", "p.yaml:5: returns.shortfall: "},
        {FIXTURE_HEAD "returns: {from_other_lots: maybe}\n", "p.yaml:5: returns.from_other_lots: "},
        {FIXTURE_HEAD "returns: {reinstate_days: -1}\n", "p.yaml:5: returns.reinstate_days: "},
        {FIXTURE_HEAD "returns: {reinstate_days: 3651}\n", "p.yaml:5: returns.reinstate_days: "},
        {FIXTURE_HEAD "returns: {days: 3}\n", "p.yaml:5: returns.days: unknown key"},
        {FIXTURE_HEAD "returns: {shortfall: deduct}\n",
         "p.yaml:5: returns.shortfall: deduct needs the section redemption"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *fault = fixture_fault(cases[i].yaml);
        cr_expect_eq(strncmp(fault, cases[i].message, strlen(cases[i].message)), 0, "%s", fault);
    }
}
