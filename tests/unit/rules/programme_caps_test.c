// Claims about how caps and rules' limits are read.
#include <criterion/criterion.h>

#include <string.h>

#include "programme_fixture.h"
#include "rules/programme_rule.h"

#define RULES                                                                                      \
    FIXTURE_HEAD "rules:\n"                                                                        \
                 "  - {name: a, kind: bonus, points: 1, cap_per_member: 10}\n"                     \
                 "  - {name: b, kind: bonus, points: 1, budget: 1000}\n"                           \
                 "  - {name: \"cap:odd\", kind: bonus, points: 1}\n"

Test(programme_caps, caps_and_limits_are_read_and_are_grounds)
{
    struct jf_programme *programme =
        fixture_programme(RULES "caps:\n"
                                "  - {name: day, per: member_day, points: 500}\n"
                                "  - {name: some, per: receipt, points: 3, rules: [b, base, a]}\n"
                                "  - {name: month, per: member_month, points: 9, rules: [b]}\n");
    cr_expect(programme->has_rule_limits);
    cr_expect_eq(programme->rules[0].cap_per_member, 10);
    cr_expect_eq(programme->rules[1].budget, 1000);
    cr_assert_eq(programme->cap_count, 3);
    cr_expect_eq(programme->caps[0].kind, JF_COUNTER_CAP_DAY);
    cr_expect(programme->caps[0].is_of_all);
    cr_expect_eq(programme->caps[1].kind, JF_CAP_PER_RECEIPT);
    cr_expect(programme->caps[1].has_base);
    cr_expect_not(programme->caps[1].is_of_all);
    cr_assert_eq(programme->caps[1].rule_count, 2);
    cr_expect_eq(programme->caps[1].rules[0], 0);
    cr_expect_eq(programme->caps[1].rules[1], 1);
    cr_expect_eq(programme->caps[2].kind, JF_COUNTER_CAP_MONTH);
    cr_assert_eq(jf_programme_ground_count(programme), 6);
    cr_expect(jf_text_equal(jf_programme_ground_name(programme, 3), JF_TEXT("cap:day")));
    cr_expect_eq(programme->caps[0].ground, 4);
    jf_programme_set_ground(programme, 3, 77);
    cr_expect_eq(programme->caps[0].ground, 77);
    jf_programme_destroy(programme);
}

static void expect_fault(const char *yaml, const char *words)
{
    const char *said = fixture_fault(yaml);
    cr_expect_not_null(strstr(said, words), "%s", said);
}

Test(programme_caps, what_makes_no_sense_is_refused)
{
    expect_fault(RULES "caps: [{name: a, per: year, points: 1}]\n", "caps[0].per");
    expect_fault(RULES "caps: [{name: a, per: receipt, points: 0}]\n", "caps[0].points");
    expect_fault(RULES "caps: [{name: a, per: receipt}]\n", "caps[0].points: missing");
    expect_fault(RULES "caps: [{name: a, per: receipt, points: 1, rules: [c]}]\n",
                 "caps[0].rules[0]: \"c\" is no rule");
    expect_fault(RULES "caps: [{name: a, per: receipt, points: 1, rules: []}]\n",
                 "caps[0].rules: an empty list");
    expect_fault(RULES "caps: [{name: odd, per: receipt, points: 1}]\n",
                 "caps[0].name: another cap or rule has the name \"cap:odd\"");
    expect_fault(RULES "caps: [{name: a, per: receipt, points: 1}, "
                       "{name: a, per: receipt, points: 2}]\n",
                 "caps[1].name: another cap");
    expect_fault(FIXTURE_HEAD "rules: [{name: a, kind: bonus, points: 1, cap_per_member: 0}]\n",
                 "rules[0].cap_per_member");
    expect_fault(FIXTURE_HEAD "rules: [{name: a, kind: bonus, points: 1, budget: -1}]\n",
                 "rules[0].budget");
    expect_fault(FIXTURE_HEAD "budget: 10\n", "budget: unknown key");
}
