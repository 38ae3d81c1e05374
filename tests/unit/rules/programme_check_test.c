// What a check finds, where and how bad; and that it finds nothing in what is good.
#include "rules/programme_check.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define HEAD                                                                                       \
    "name: t\neffective_from: 2026-03-01T00:00:00Z\nearn: {points: 1, per_amount: \"1.00\"}\n"     \
    "exclusions: {categories: [tobacco], skus: [x]}\nexpiry: {policy: never}\n"                    \
    "tiers: {levels: [{name: basic}, {name: silver, visits: 3}, {name: gold, visits: 9}]}\n"       \
    "groups: [{name: g}, {name: h}, {name: a, stack: add}]\n"                                      \
    "rules:\n" // the eighth line
#define GROUPS_USED                                                                                \
    "  - {name: h1, kind: bonus, points: 1, group: h}\n"                                           \
    "  - {name: h2, kind: multiplier, factor: 2, group: h}\n"                                      \
    "  - {name: a1, kind: bonus, points: 3, group: a}\n"                                           \
    "  - {name: a2, kind: bonus, points: 4, group: a}\n"

struct found {
    char lines[4096]; // "LINE FIELD SEVERITY\n"
    char words[4096];
    uint32_t size;
    uint32_t words_size;
};

static void on_finding(void *context, const struct jf_finding *finding)
{
    struct found *found = context;
    found->size += (uint32_t)snprintf(found->lines + found->size, sizeof found->lines - found->size,
                                      "%u %s %s\n", finding->line, finding->field,
                                      jf_finding_severity_name(finding->severity));
    found->words_size +=
        (uint32_t)snprintf(found->words + found->words_size,
                           sizeof found->words - found->words_size, "%s\n", finding->words->text);
    cr_assert_lt(found->size, sizeof found->lines);
    cr_assert_lt(found->words_size, sizeof found->words);
}

static void check(const char *yaml, jf_date today, struct found *found)
{
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    memset(found, 0, sizeof *found);
    struct jf_programme_check_input input = {.yaml = jf_text_from(yaml),
                                             .file_name = JF_TEXT("t.yaml"),
                                             .today = today,
                                             .on_finding = on_finding,
                                             .context = found};
    cr_assert_eq(jf_programme_check(&input, &diagnosis), JF_OK, "%s", diagnosis.text);
}

// In: rules from line 15 on. Out: what was found of them.
static void finds(const char *rules, const char *wanted)
{
    char yaml[4096];
    struct found found;
    (void)snprintf(yaml, sizeof yaml,
                   HEAD GROUPS_USED
                   "  - {name: g1, kind: multiplier, factor: 2, group: g, when: {stores: [9]}}\n"
                   "  - {name: g2, kind: bonus, points: 9, group: g, when: {stores: [9]}}\n%s",
                   rules);
    check(yaml, JF_DATE_NONE, &found);
    cr_assert_str_eq(found.lines, wanted, "found:\n%s%s", found.lines, found.words);
}

Test(programme_check, finds_nothing_in_rules_that_can_all_count)
{
    finds("", "");
    finds("  - {name: r, kind: bonus, points: 9, when: {nth_weekdays: [5 monday], days_of_month: "
          "[29]}}\n",
          "");
    finds("  - {name: r, kind: bonus, points: 9, when: {dates: [2028-02-29], weekdays: [tue]}}\n",
          "");
}

Test(programme_check, finds_calendars_that_never_come)
{
    static const char *const never[] = {
        "{days_of_month: [31], date_ranges: [{from: 2027-02-01, to: 2027-02-28}]}",
        "{nth_weekdays: [5 monday], days_of_month: [28]}",
        "{weekdays: [mon], dates: [2026-06-07]}",
        "{dates: [2026-04-01], date_ranges: [{from: 2026-05-01, to: 2026-05-02}]}",
    };
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        char rules[512];
        (void)snprintf(rules, sizeof rules, "  - {name: r, kind: bonus, points: 77, when: %s}\n",
                       never[i]);
        finds(rules, "15 rules[6].when error\n");
    }
    finds("  - {name: r, kind: bonus, points: 77, when: {dates: [2025-01-01, 2026-02-01]}}\n",
          "15 rules[6].when.dates error\n");
    finds("  - name: r\n    kind: bonus\n    points: 77\n    when:\n      stores: [1]\n"
          "      date_ranges:\n        - {from: 2025-01-01, to: 2025-12-31}\n",
          "20 rules[6].when.date_ranges error\n");
    finds("  - {name: r, kind: bonus, points: 77, when: {dates: [2025-01-01, 2026-06-01]}}\n",
          "15 rules[6].when.dates warning\n");
}

Test(programme_check, says_what_is_over)
{
    struct found found;
    check(HEAD GROUPS_USED "  - {name: g1, kind: bonus, points: 9, group: g, when: {dates: "
                           "[2026-04-01]}}\n"
                           "  - {name: g2, kind: multiplier, factor: 3, group: g}\n",
          20700, &found); // 2026-09-04
    cr_assert_str_eq(found.lines, "13 rules[4].when warning\n");
    cr_assert(strstr(found.words, "its last day was 2026-04-01") != NULL);
}

Test(programme_check, finds_rules_that_are_always_outdone)
{
    // Wider in every condition, and more.
    finds("  - {name: r, kind: bonus, points: 5, group: g, when: {stores: [9], weekdays: [mon]}}\n",
          "15 rules[6] error\n");
    // The same conditions; of equals the first listed counts.
    finds("  - {name: r, kind: multiplier, factor: 2, group: g, when: {stores: [9]}}\n",
          "15 rules[6] error\n");
    // A calendar within another one, however it is written.
    finds("  - {name: r, kind: multiplier, factor: 3, group: g, when: {days_of_month: [8]}}\n"
          "  - {name: s, kind: multiplier, factor: 2.5, group: g, when: {dates: [2026-06-08]}}\n",
          "16 rules[7] error\n");
    // The wider rule adds more, so that it is the listed one that loses; then two that can win.
    finds("  - {name: r, kind: multiplier, factor: 2.5, group: g, when: {stores: [8, 9]}}\n",
          "13 rules[4] error\n");
    finds("  - {name: r, kind: multiplier, factor: 3, group: g, when: {weekdays: [mon]}}\n", "");
    finds("  - {name: r, kind: multiplier, factor: 1.5, group: g, when: {stores: [8]}}\n", "");
}

Test(programme_check, finds_one_condition_within_another)
{
    static const struct {
        const char *wide;
        const char *narrow;
        bool is_within;
    } rows[] = {
        {"times: [{from: \"08:00\", to: \"12:00\"}]", "times: [{from: \"09:00\", to: \"10:00\"}]",
         true},
        {"times: [{from: \"08:00\", to: \"12:00\"}]", "times: [{from: \"11:00\", to: \"13:00\"}]",
         false},
        {"times: [{from: \"22:00\", to: \"02:00\"}]", "times: [{from: \"23:00\", to: \"01:00\"}]",
         true},
        {"times: [{from: \"08:00\", to: \"09:00\"}, {from: \"11:00\", to: \"12:00\"}]",
         "times: [{from: \"08:30\", to: \"11:30\"}]", false},
        {"stores: [1, 2, 3]", "stores: [1, 3]", true},
        {"stores: [1, 2]", "stores: [1, 3]", false},
        {"regions: [e, w]", "regions: [w]", true},
        {"entities: [1]", "entities: [2]", false},
        {"categories: [a, b]", "categories: [b]", true},
        {"skus: [s]", "skus: [s]", true},
        {"tiers: [silver, gold]", "tiers: [gold]", true},
        {"tiers: [gold]", "tiers: [silver, gold]", false},
        {"tags: [1, 2]", "tags: [2]", true},
        {"tenders: [cash]", "tenders: [cash, card]", false},
        {"birthday: month", "birthday: day", true},
        {"birthday: month", "birthday: week", false},
        {"first_purchase: false", "first_purchase: true", false},
        {"basket_min: 10.00", "basket_min: 20.00", true},
        {"basket_min: 20.00", "basket_min: 10.00", false},
        {"weekdays: [mon, tue]", "nth_weekdays: [1 monday]", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char rules[512];
        (void)snprintf(rules, sizeof rules,
                       "  - {name: w, kind: multiplier, factor: 3, group: g, when: {%s}}\n"
                       "  - {name: n, kind: multiplier, factor: 2.5, group: g, when: {%s}}\n",
                       rows[i].wide, rows[i].narrow);
        finds(rules, rows[i].is_within ? "16 rules[7] error\n" : "");
    }
}

Test(programme_check, finds_rules_that_add_nothing)
{
    finds("  - {name: r, kind: multiplier, factor: 3, when: {categories: [tobacco]}}\n",
          "15 rules[6].when.categories error\n");
    finds("  - {name: r, kind: multiplier, factor: 3, when: {categories: [tobacco, tea]}}\n",
          "15 rules[6].when.categories warning\n");
    finds("  - {name: r, kind: bonus, points: 7, when: {skus: [x]}}\n",
          "15 rules[6].when.skus error\n");
    finds("  - {name: r, kind: multiplier, factor: 1}\n", "15 rules[6].factor error\n");
    finds("  - {name: r, kind: bonus, points: 7, when: {first_purchase: true, tiers: [gold]}}\n",
          "15 rules[6].when.tiers warning\n");
    finds("  - {name: r, kind: bonus, points: 7, when: {tiers: [basic, silver, gold]}}\n",
          "15 rules[6].when.tiers note\n");
}

Test(programme_check, finds_limits_below_a_single_grant)
{
    finds("  - {name: r, kind: bonus, points: 70, cap_per_member: 69, when: {stores: [1]}}\n",
          "15 rules[6].cap_per_member error\n");
    finds("  - {name: r, kind: bonus, points: 70, budget: 69, when: {stores: [1]}}\n",
          "15 rules[6].budget error\n");
    finds("  - {name: r, kind: bonus, points: 70, budget: 70, cap_per_member: 70, when: {stores: "
          "[1]}}\ncaps:\n  - {name: c, per: receipt, points: 69, rules: [r]}\n",
          "17 caps[0].points error\n");
    finds("  - {name: r, kind: bonus, points: 70, when: {stores: [1]}}\n"
          "caps:\n  - {name: c, per: member_month, points: 70}\n",
          "");
    finds("  - {name: r, kind: bonus, points: 70, when: {stores: [1]}}\n"
          "caps:\n  - {name: c, per: member_month, points: 60, rules: [h1, base]}\n",
          "");
}

Test(programme_check, finds_caps_that_never_cut)
{
    static const struct {
        const char *first;
        const char *second;
        const char *wanted;
    } rows[] = {
        {"per: receipt, points: 500", "per: member_day, points: 300", "16 caps[0] warning\n"},
        {"per: member_day, points: 500, rules: [base]", "per: member_day, points: 500",
         "16 caps[0] warning\n"},
        {"per: receipt, points: 500", "per: receipt, points: 500", "17 caps[1] warning\n"},
        {"per: member_month, points: 500", "per: member_day, points: 300", ""},
        {"per: receipt, points: 500", "per: member_day, points: 300, rules: [base]", ""},
        {"per: receipt, points: 200", "per: member_day, points: 300", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char rules[512];
        (void)snprintf(rules, sizeof rules, "caps:\n  - {name: c, %s}\n  - {name: d, %s}\n",
                       rows[i].first, rows[i].second);
        finds(rules, rows[i].wanted);
    }
}

Test(programme_check, finds_classes_that_nobody_reaches)
{
    struct found found;
    check("name: t\neffective_from: 2026-03-01T00:00:00Z\n"
          "earn: {points: 1, per_amount: \"1.00\"}\nexpiry: {policy: never}\n"
          "classes:\n  window_months: 6\n  levels:\n"
          "    - {name: B, visits: 1, every_months: 2}\n"
          "    - {name: A, visits: 1, every_months: 1}\n"
          "    - {name: C}\n    - {name: D, none_for_months: 6}\n",
          JF_DATE_NONE, &found);
    cr_assert_str_eq(found.lines, "9 classes.levels[1] error\n");
    check("name: t\neffective_from: 2026-03-01T00:00:00Z\n"
          "earn: {points: 1, per_amount: \"1.00\"}\nexpiry: {policy: never}\n"
          "classes:\n  window_months: 6\n  levels:\n"
          "    - {name: A, visits_per_month: 3}\n"
          "    - {name: B, visits: 1, every_months: 2}\n"
          "    - {name: C}\n    - {name: D, none_for_months: 6}\n",
          JF_DATE_NONE, &found);
    cr_assert_str_eq(found.lines, "");
}

Test(programme_check, finds_rewards_that_are_never_given)
{
    struct found found;
    const char *yaml = "name: t\neffective_from: 2026-03-01T00:00:00Z\n"
                       "earn: {points: 1, per_amount: \"1.00\"}\nexpiry: {policy: never}\n"
                       "rewards:\n"
                       "  - {code: old, points: 5, valid_to: 2026-01-31}\n"
                       "  - {code: spring, points: 5, valid_to: 2026-04-30}\n"
                       "  - {code: few, points: 5, stock: 3, per_member: 4}\n"
                       "  - {code: good, points: 5, stock: 3, per_member: 3}\n";
    check(yaml, 20700, &found); // 2026-09-04
    cr_assert_str_eq(found.lines, "6 rewards[0].valid_to error\n7 rewards[1].valid_to warning\n"
                                  "8 rewards[2].per_member note\n");
}

Test(programme_check, finds_points_that_expire_before_they_can_be_spent)
{
    struct found found;
    const char *yaml = "name: t\neffective_from: 2026-03-01T00:00:00Z\n"
                       "earn: {points: 1, per_amount: \"1.00\"}\n"
                       "expiry: {policy: month_end, months: 0}\npending_days: 7\n";
    check(yaml, JF_DATE_NONE, &found);
    cr_assert_str_eq(found.lines, "5 pending_days warning\n");
    yaml = "name: t\neffective_from: 2026-03-01T00:00:00Z\n"
           "earn: {points: 1, per_amount: \"1.00\"}\n"
           "expiry: {policy: months_after, months: 1}\npending_days: 40\n";
    check(yaml, JF_DATE_NONE, &found);
    cr_assert_str_eq(found.lines, "5 pending_days error\n");
}

Test(programme_check, finds_the_same_rule_twice_where_both_count)
{
    finds("  - {name: r, kind: bonus, points: 7, when: {stores: [1]}}\n"
          "  - {name: s, kind: bonus, points: 7, when: {stores: [1]}}\n",
          "16 rules[7] warning\n");
    finds("  - {name: r, kind: bonus, points: 7, when: {stores: [1]}}\n"
          "  - {name: s, kind: bonus, points: 8, when: {stores: [1]}}\n",
          "");
}

#define HEAD_ACROSS                                                                                \
    "name: t\neffective_from: 2026-03-01T00:00:00Z\nearn: {points: 1, per_amount: \"1.00\"}\n"     \
    "expiry: {policy: never}\n"                                                                    \
    "groups: [{name: g}, {name: h}, {name: a, stack: add}]\n"                                      \
    "rules:\n"                                                                                     \
    "  - {name: g0, kind: bonus, points: 1, group: g}\n"                                           \
    "  - {name: h0, kind: bonus, points: 5, group: h}\n"                                           \
    "  - {name: h1, kind: multiplier, factor: 2, group: h, when: {skus: [\"7\"]}}\n"               \
    "  - {name: a0, kind: bonus, points: 2, group: a}\n"                                           \
    "  - {name: a1, kind: bonus, points: 3, group: a}\n"

static void finds_across(const char *rules, struct found *found)
{
    char yaml[4096];
    (void)snprintf(yaml, sizeof yaml, HEAD_ACROSS "%s", rules);
    check(yaml, JF_DATE_NONE, found);
}

Test(programme_check, finds_best_groups_that_add_up)
{
    struct found found;
    finds_across(
        "  - {name: x2, kind: multiplier, factor: 2, group: g, when: {days_of_month: [8]}}\n"
        "  - {name: x3, kind: multiplier, factor: 3, group: h, when: {days_of_month: [8, "
        "18]}}\n",
        &found);
    cr_assert_str_eq(found.lines, "13 rules[6].group warning\n", "found:\n%s", found.words);
    static const char *const said[] = {"rule \"x3\" of group \"h\" (x3)",
                                       "rule \"x2\" of group \"g\" (x2, line 12: rules[5].group)",
                                       "as on 2026-03-08, and make x4 together",
                                       "a group with `stack: add`"};
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        cr_assert(strstr(found.words, said[i]) != NULL, "not said: %s\n%s", said[i], found.words);
    }
}

Test(programme_check, finds_of_several_that_add_up_the_one_that_adds_most)
{
    struct found found;
    finds_across(
        "  - {name: x2, kind: multiplier, factor: 4/3, group: g, when: {weekdays: [mon]}}\n"
        "  - {name: x3, kind: multiplier, factor: 3/2, group: g, when: {birthday: week}}\n"
        "  - {name: x4, kind: multiplier, factor: 4/3, group: h, when: {days_of_month: "
        "[8]}}\n",
        &found);
    cr_assert_str_eq(found.lines, "14 rules[7].group warning\n", "found:\n%s", found.words);
    cr_assert(strstr(found.words, "\"x3\" of group") != NULL, "%s", found.words);
    cr_assert(strstr(found.words, "make x11/6 together") != NULL, "%s", found.words);
    cr_assert(strstr(found.words, "with 1 more rule)") != NULL, "%s", found.words);
    finds_across("  - {name: b, kind: bonus, points: 30, group: g, when: {weekdays: [mon]}}\n"
                 "  - {name: c, kind: bonus, points: 40, group: h, when: {birthday: day}}\n",
                 &found);
    cr_assert(strstr(found.words, "make 70 points together") != NULL, "%s", found.words);
}

Test(programme_check, notes_rules_without_a_group_that_add_up_with_a_best_group)
{
    struct found found;
    finds_across(
        "  - {name: x2, kind: multiplier, factor: 2, group: g, when: {days_of_month: [8]}}\n"
        "  - {name: x3, kind: multiplier, factor: 3, when: {birthday: month}}\n",
        &found);
    cr_assert_str_eq(found.lines, "13 rules[6] note\n", "found:\n%s", found.words);
    cr_assert(strstr(found.words, "rule \"x3\" without a group (x3)") != NULL, "%s", found.words);
    finds_across(
        "  - {name: x3, kind: multiplier, factor: 3, when: {birthday: month}}\n"
        "  - {name: x2, kind: multiplier, factor: 2, group: g, when: {days_of_month: [8]}}\n",
        &found);
    cr_assert_str_eq(found.lines, "13 rules[6].group note\n", "found:\n%s", found.words);
}

Test(programme_check, leaves_rules_that_are_made_to_add_up)
{
    static const char *const rules[] = {
        "factor: 3, group: h, when: {days_of_month: [9]}",                        // other days
        "factor: 3, group: h, when: {stores: [2], days_of_month: [8]}",           // other stores
        "factor: 3, group: h, when: {times: [{from: \"08:00\", to: \"09:00\"}]}", // no occasion
        "factor: 3, group: h, when: {days_of_month: [8], skus: [\"1\"]}",         // of lines
        "factor: 3, group: a, when: {days_of_month: [8]}",    // said to be meant
        "factor: 3, group: g, when: {days_of_month: [8, 9]}", // one group
    };
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        struct found found;
        char text[512];
        (void)snprintf(text, sizeof text,
                       "  - {name: x4, kind: multiplier, factor: 4, group: g, when: {stores: [1], "
                       "days_of_month: [8]}}\n  - {name: r, kind: multiplier, %s}\n",
                       rules[i]);
        finds_across(text, &found);
        cr_assert_str_eq(found.lines, "", "%s: found:\n%s", rules[i], found.words);
    }
}

Test(programme_check, leaves_a_group_of_one_rule_that_says_that_it_adds)
{
    struct found found;
    check("name: t\neffective_from: 2026-03-01T00:00:00Z\nearn: {points: 1, per_amount: \"1.00\"}\n"
          "expiry: {policy: never}\ngroups: [{name: g}, {name: a, stack: add}]\nrules:\n"
          "  - {name: g0, kind: bonus, points: 1, group: g}\n"
          "  - {name: x2, kind: multiplier, factor: 2, group: g, when: {days_of_month: [8]}}\n"
          "  - {name: x3, kind: multiplier, factor: 3, group: a, when: {days_of_month: [8]}}\n",
          JF_DATE_NONE, &found);
    cr_assert_str_eq(found.lines, "", "found:\n%s", found.words);
}

Test(programme_check, compares_the_lines_of_rules_that_add_up)
{
    static const struct {
        const char *lines;
        const char *wanted;
    } rows[] = {{"categories: [tea, coffee]", "13 rules[6].group warning\n"},
                {"categories: [coffee]", ""},
                {"categories: [tea], skus: [\"1\"]", ""}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct found found;
        char text[512];
        (void)snprintf(text, sizeof text,
                       "  - {name: x4, kind: multiplier, factor: 4, group: g, when: {categories: "
                       "[tea], days_of_month: [8]}}\n  - {name: r, kind: multiplier, factor: 2, "
                       "group: h, when: {days_of_month: [8], %s}}\n",
                       rows[i].lines);
        finds_across(text, &found);
        cr_assert_str_eq(found.lines, rows[i].wanted, "%s: found:\n%s", rows[i].lines, found.words);
    }
}

Test(programme_check, finds_groups_without_an_effect)
{
    struct found found;
    check(HEAD "  - {name: g1, kind: bonus, points: 9, group: g, when: {tiers: [gold]}}\n"
               "  - {name: g2, kind: bonus, points: 8, group: g, when: {tiers: [silver]}}\n"
               "  - {name: h1, kind: bonus, points: 7, group: h}\n",
          JF_DATE_NONE, &found);
    cr_assert_str_eq(found.lines, "7 groups[0] note\n7 groups[1] note\n7 groups[2] note\n");
}

Test(programme_check, finds_levels_whose_factors_fall_but_not_their_group)
{
    struct found found;
    check("name: t\neffective_from: 2026-03-01T00:00:00Z\nearn: {points: 1, per_amount: \"1.00\"}\n"
          "expiry: {policy: never}\ntiers:\n  levels:\n    - {name: basic}\n"
          "    - {name: silver, visits: 3, factor: 1.5}\n"
          "    - {name: gold, visits: 9, factor: 1.2}\n",
          JF_DATE_NONE, &found);
    cr_assert_str_eq(found.lines, "9 tiers.levels[2].factor warning\n");
}

Test(programme_check, refuses_what_publishing_refuses)
{
    struct found found = {.size = 0};
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    struct jf_programme_check_input input = {.yaml = JF_TEXT("name: t\n"),
                                             .file_name = JF_TEXT("t.yaml"),
                                             .today = JF_DATE_NONE,
                                             .on_finding = on_finding,
                                             .context = &found};
    cr_assert_eq(jf_programme_check(&input, &diagnosis), JF_ERROR_INVALID);
    cr_assert(strncmp(diagnosis.text, "t.yaml:", 7) == 0);
}
