// Claims about reading the sections `tiers` and `classes`.
#include <criterion/criterion.h>

#include <stdio.h>

#include "programme_fixture.h"
#include "rules/programme_private.h"

static void is_refused(const char *section, const char *message)
{
    char yaml[1024];
    snprintf(yaml, sizeof yaml, FIXTURE_HEAD "%s\n", section);
    const char *fault = fixture_fault(yaml);
    cr_expect(strstr(fault, message) != NULL, "%s: %s", section, fault);
}

Test(programme_tiers, windows_and_falls_are_read)
{
    struct jf_programme *programme =
        fixture_programme(FIXTURE_HEAD "tiers: {window: {kind: membership_year}, grace_days: 30, "
                                       "down: one_level, levels: [{name: a}]}\n");
    cr_expect_eq(programme->tier_window.kind, JF_WINDOW_MEMBERSHIP_YEAR);
    cr_expect_eq(programme->tier_grace_days, 30);
    cr_expect(programme->is_tier_down_by_one);
    jf_programme_destroy(programme);
    programme = fixture_programme(
        FIXTURE_HEAD "tiers: {window: {kind: rolling_months, months: 6}, levels: [{name: a}]}\n");
    cr_expect_eq(programme->tier_window.kind, JF_WINDOW_ROLLING);
    cr_expect_eq(programme->tier_window.months, 6);
    cr_expect_eq(programme->tier_grace_days, 0);
    cr_expect_not(programme->is_tier_down_by_one);
    jf_programme_destroy(programme);
    programme = fixture_programme(FIXTURE_HEAD);
    cr_expect_eq(programme->tier_window.months, 12);
    cr_expect_eq(programme->class_count, 0);
    jf_programme_destroy(programme);
}

Test(programme_tiers, windows_and_falls_that_make_no_sense_are_refused)
{
    is_refused("tiers: {window_months: 6, window: {kind: calendar_year}, levels: [{name: a}]}",
               "tiers.window_months: the window is said twice");
    is_refused("tiers: {window: {kind: calendar_year, months: 6}, levels: [{name: a}]}",
               "tiers.window.months: only rolling_months");
    is_refused("tiers: {window: {kind: moon}, levels: [{name: a}]}", "tiers.window.kind: \"moon\"");
    is_refused("tiers: {window: {kind: rolling_months, months: 37}, levels: [{name: a}]}",
               "tiers.window.months: \"37\"");
    is_refused("tiers: {grace_days: 3661, levels: [{name: a}]}", "tiers.grace_days: \"3661\"");
    is_refused("tiers: {down: never, levels: [{name: a}]}", "tiers.down: \"never\"");
}

Test(programme_tiers, classes_of_shop_practice_are_read)
{
    struct jf_programme *programme = fixture_programme(
        FIXTURE_HEAD "classes: {window_months: 6, levels: [{name: A, visits_per_month: 3}, "
                     "{name: B, visits: 1, every_months: 2}, {name: C}, "
                     "{name: D, none_for_months: 6}]}\n");
    cr_assert_eq(programme->class_count, 4);
    const struct jf_class_level *classes = programme->classes;
    cr_expect_eq(classes[0].visits, 18);
    cr_expect_eq(classes[0].blocks, 1);
    cr_expect_eq(classes[0].block_months, 6);
    cr_expect_eq(classes[1].visits, 1);
    cr_expect_eq(classes[1].blocks, 3);
    cr_expect_eq(classes[1].block_months, 2);
    cr_expect_eq(classes[2].visits, 0);
    cr_expect_eq(classes[3].none_months, 6);
    cr_expect_eq(jf_programme_class_find(programme, JF_TEXT("C")), 2);
    cr_expect_eq(jf_programme_class_find(programme, JF_TEXT("E")), UINT32_MAX);
    cr_expect_str_eq(jf_programme_class_name(programme, 4).data, "D");
    jf_programme_destroy(programme);
}

Test(programme_tiers, blocks_that_do_not_fill_the_window_leave_its_oldest_months_out)
{
    struct jf_programme *programme = fixture_programme(
        FIXTURE_HEAD "classes: {window_months: 7, levels: [{name: A, visits_per_month: 2, months: "
                     "3}, {name: B, visits: 1, every_months: 2}, {name: C}]}\n");
    cr_expect_eq(programme->classes[0].visits, 6);
    cr_expect_eq(programme->classes[0].block_months, 3);
    cr_expect_eq(programme->classes[1].blocks, 3);
    jf_programme_destroy(programme);
}

Test(programme_tiers, classes_that_make_no_sense_are_refused)
{
    is_refused("classes: {levels: [{name: A, visits: 1}]}",
               "everyone else's: leave its demand out");
    is_refused("classes: {levels: [{name: A}, {name: B}]}", "those behind it can only be");
    is_refused("classes: {levels: [{name: A}, {name: B, visits: 1}]}",
               "those behind it can only be");
    is_refused("classes: {levels: [{name: A, visits: 1}, {name: A}]}", "two classes of one name");
    is_refused("classes: {levels: [{name: A, visits: 1, none_for_months: 2}, {name: B}]}",
               "classes.levels[0]: one of visits_per_month, visits and none_for_months");
    is_refused("classes: {levels: [{name: A, months: 2}]}", "months has a meaning beside");
    is_refused("classes: {levels: [{name: A, every_months: 2}]}", "every_months has a meaning");
    is_refused("classes: {window_months: 6, levels: [{name: A, visits: 1, every_months: 7}, {name: "
               "B}]}",
               "classes.levels[0].every_months: \"7\"");
    is_refused("classes: {window_months: 37, levels: [{name: A}]}",
               "classes.window_months: \"37\"");
    is_refused("classes: {levels: []}", "classes.levels: an empty list");
}
