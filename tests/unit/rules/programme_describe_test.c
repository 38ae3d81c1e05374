// Rules in words: as a supervisor would say them, lists cut, nothing overrun.
#include "rules/programme_describe.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "rules/member.h"

#define HEAD                                                                                       \
    "name: t\neffective_from: 2026-01-01T00:00:00Z\nearn: {points: 2, per_amount: \"1.50\"}\n"     \
    "expiry: {policy: never}\n"

static struct jf_programme *parse(const char *yaml)
{
    struct jf_programme *programme = NULL;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    enum jf_error error =
        jf_programme_parse(jf_text_from(yaml), JF_TEXT("t.yaml"), &programme, &diagnosis);
    cr_assert_eq(error, JF_OK, "%s", diagnosis.text);
    return programme;
}

// A rule with that effect and those conditions, described.
static void described_as(const char *effect, const char *when, const char *wanted)
{
    char yaml[2048];
    struct jf_description description = {.size = 0};
    (void)snprintf(yaml, sizeof yaml,
                   HEAD "tiers: {levels: [{name: basic}, {name: gold, visits: 3}]}\n"
                        "rules:\n  - {name: r, %s%s%s%s}\n",
                   effect, when[0] == '\0' ? "" : ", when: {", when, when[0] == '\0' ? "" : "}");
    struct jf_programme *programme = parse(yaml);
    uint32_t rule = 9;
    cr_assert(jf_programme_rule_find(programme, JF_TEXT("r"), &rule));
    jf_describe_rule(programme, rule, &description);
    cr_assert_str_eq(description.text, wanted);
    jf_programme_destroy(programme);
}

Test(programme_describe, says_what_a_rule_adds)
{
    described_as("kind: multiplier, factor: 2", "", "2 times the points");
    described_as("kind: multiplier, factor: 1.25", "", "1.25 times the points");
    described_as("kind: multiplier, factor: 4/3", "", "4/3 times the points");
    described_as("kind: bonus, points: 200", "", "200 points once");
}

Test(programme_describe, says_every_condition)
{
    static const struct {
        const char *when;
        const char *wanted;
    } rows[] = {
        {"days_of_month: [8, 18, 28]", "on the 8th, 18th and 28th of the month"},
        {"days_of_month: [1, 2, 3, 11, 22]", "on the 1st, 2nd, 3rd, 11th and 22nd of the month"},
        {"weekdays: [monday, sun]", "on Mondays and Sundays"},
        {"nth_weekdays: [2 tuesday, last friday]",
         "on the second Tuesday and last Friday of the month"},
        {"dates: [2026-02-01]", "on 2026-02-01"},
        {"date_ranges: [{from: 2026-02-01, to: 2026-02-03}]", "from 2026-02-01 to 2026-02-03"},
        {"times: [{from: \"08:00\", to: \"10:30\"}]", "between 08:00 and 10:30"},
        {"stores: [3]", "in store 3"},
        {"stores: [3, 4]", "in stores 3 and 4"},
        {"regions: [east]", "in region east"},
        {"entities: [1, 2]", "in stores of entity 1 and 2"},
        {"categories: [a, b]", "on lines of category a and b"},
        {"skus: [x]", "on lines of SKU x"},
        {"tiers: [gold]", "for members on level gold"},
        {"tags: [0, 63]", "for members with tag 0 and 63"},
        {"tenders: [cash]", "paid with cash"},
        {"birthday: day", "on the birthday"},
        {"birthday: week", "in the week of the birthday"},
        {"birthday: month", "in the month of the birthday"},
        {"first_purchase: true", "on the first purchase"},
        {"first_purchase: false", "after the first purchase"},
        {"basket_min: 100.50", "on receipts of at least 100.50"},
        {"stores: [1], weekdays: [sat]", "on Saturdays, in store 1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char wanted[256];
        (void)snprintf(wanted, sizeof wanted, "5 points once, %s", rows[i].wanted);
        described_as("kind: bonus, points: 5", rows[i].when, wanted);
    }
}

Test(programme_describe, cuts_long_lists_and_says_how_many_are_left)
{
    described_as("kind: bonus, points: 5", "stores: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]",
                 "5 points once, in stores 1, 2, 3, 4, 5, 6, 7, 8 and 3 more");
}

Test(programme_describe, cuts_a_text_at_the_end_of_a_character)
{
    struct jf_description description = {.size = 0};
    for (uint32_t i = 0; i < JF_DESCRIPTION_MAX; i++) {
        jf_describe(&description, "积");
    }
    cr_assert_eq(description.size, (JF_DESCRIPTION_MAX - 1) / 3 * 3);
    cr_assert_eq(strlen(description.text), description.size);
}

Test(programme_describe, says_rate_rounding_groups_and_exclusions)
{
    struct jf_programme *programme =
        parse(HEAD "exclusions: {categories: [tobacco], skus: [x], tenders: [gift]}\n"
                   "rounding: {mode: half_even, scope: line}\n"
                   "groups: [{name: g}]\n"
                   "rules:\n  - {name: r, kind: bonus, points: 1, group: g}\n"
                   "  - {name: s, kind: bonus, points: 1, when: {categories: [food]}}\n");
    struct jf_description earn = {.size = 0};
    struct jf_description rounding = {.size = 0};
    uint32_t rule = 0;
    jf_describe_earn(programme, &earn);
    cr_assert_str_eq(earn.text, "2 points for each 1.50");
    jf_describe_rounding(programme, &rounding);
    cr_assert_str_eq(rounding.text, "rounded to the nearest, half to even, line by line");
    cr_assert(jf_text_equal(jf_programme_rule_group(programme, 0), JF_TEXT("g")));
    cr_assert_eq(jf_programme_rule_group(programme, 1).size, 0);
    cr_assert_not(jf_programme_rule_find(programme, JF_TEXT("t"), &rule));
    cr_assert(jf_programme_excludes_category(programme, JF_TEXT("tobacco")));
    cr_assert_not(jf_programme_excludes_category(programme, JF_TEXT("food")));
    cr_assert(jf_programme_excludes_sku(programme, JF_TEXT("x")));
    cr_assert(jf_programme_excludes_tender(programme, JF_TEXT("gift")));
    cr_assert_not(jf_programme_excludes_tender(programme, JF_TEXT("cash")));
    jf_programme_destroy(programme);
}

Test(programme_describe, members_are_excluded_by_status_or_tag)
{
    struct jf_programme *programme =
        parse(HEAD "exclusions: {member_statuses: [frozen], tags: [3]}\n");
    cr_assert(jf_programme_excludes_member(programme, JF_MEMBER_FROZEN, 0));
    cr_assert(jf_programme_excludes_member(programme, JF_MEMBER_ACTIVE, 1u << 3));
    cr_assert_not(jf_programme_excludes_member(programme, JF_MEMBER_ACTIVE, 1u << 4));
    cr_assert_not(jf_programme_excludes_member(programme, 32, 0), "no status at all");
    jf_programme_destroy(programme);
}

Test(programme_describe, a_text_that_is_full_ends_with_a_whole_character)
{
    static const char *const characters[] = {"a", "\u00e9", "\u4f1a", "\U0001f600"};
    for (uint32_t i = 0; i < 4; i++) {
        for (uint32_t lead = 0; lead < 4; lead++) {
            struct jf_description description = {.size = 0};
            jf_describe(&description, "%.*s", (int)lead, "xxxx");
            for (uint32_t n = 0; n < JF_DESCRIPTION_MAX; n++) {
                jf_describe(&description, "%s", characters[i]);
            }
            uint32_t size = (uint32_t)strlen(characters[i]);
            cr_assert_eq((description.size - lead) % size, 0);
            cr_assert_gt(description.size + size, JF_DESCRIPTION_MAX - 1);
            cr_assert_eq(description.text[description.size], '\0');
        }
    }
}
