// Claims about conditions: each holds exactly where it says, at its edges, and all must hold
// together.
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>

#include "programme_fixture.h"
#include "rules/programme_rule.h"

// A receipt on 2026-06-18 (Thursday, the third of its month) at 09:00 in store 7 of entity 2.
struct scene {
    struct jf_sale_facts facts;
    struct jf_rule_receipt receipt;
    struct jf_rule_line line;
};

static jf_date day(int32_t year, int32_t month, int32_t number)
{
    return jf_date_from_civil((struct jf_civil){year, month, number});
}

static void scene_init(struct scene *scene)
{
    *scene = (struct scene){0};
    scene->facts.local_second = 9 * 3600;
    scene->facts.entity = (struct jf_entity_id){2};
    jf_rule_receipt_init(&scene->receipt, day(2026, 6, 18));
    scene->receipt.facts = &scene->facts;
    scene->receipt.store = 7;
    scene->receipt.basket_amount = 5000;
    scene->receipt.region = JF_WORD_NONE;
    scene->line = (struct jf_rule_line){JF_WORD_NONE, JF_WORD_NONE};
}

// Whether one rule with these conditions holds for the scene. Words named first in `when` have
// number 0.
static bool holds(const char *when, const struct scene *scene)
{
    char yaml[1024];
    snprintf(yaml, sizeof yaml,
             FIXTURE_HEAD "tiers: {levels: [{name: low}, {name: high, visits: 5}]}\n"
                          "classes: {window_months: 6, levels: [{name: A, visits_per_month: 3}, "
                          "{name: C}]}\n"
                          "rules: [{name: a, kind: bonus, points: 1, when: {%s}}]\n",
             when);
    struct jf_programme *programme = fixture_programme(yaml);
    struct jf_rule_receipt receipt = scene->receipt;
    receipt.facts = &scene->facts;
    bool result = jf_rule_matches_receipt(&programme->rules[0], &receipt) &&
                  jf_rule_matches_line(&programme->rules[0], scene->line);
    jf_programme_destroy(programme);
    return result;
}

static bool holds_on(const char *when, jf_date date)
{
    struct scene scene;
    scene_init(&scene);
    jf_rule_receipt_init(&scene.receipt, date);
    return holds(when, &scene);
}

static bool holds_at(const char *when, uint32_t second)
{
    struct scene scene;
    scene_init(&scene);
    scene.facts.local_second = second;
    return holds(when, &scene);
}

Test(programme_rule, no_conditions_hold_always)
{
    struct scene scene;
    scene_init(&scene);
    cr_assert(holds("", &scene));
}

Test(programme_rule, classes_hold_for_members_who_were_judged_so)
{
    struct scene scene;
    scene_init(&scene);
    cr_assert_not(holds("activity_classes: [A, C]", &scene), "not yet judged");
    scene.facts.activity_class = 2;
    cr_assert(holds("activity_classes: [A, C]", &scene));
    cr_assert_not(holds("activity_classes: [A]", &scene));
    scene.facts.activity_class = 1;
    cr_assert(holds("activity_classes: [A]", &scene));
    cr_assert_not_null(
        strstr(fixture_fault(FIXTURE_HEAD "rules: [{name: a, kind: bonus, points: 1, "
                                          "when: {activity_classes: [B]}}]\n"),
               "rules[0].when.activity_classes[0]: \"B\" is no class"));
}

Test(programme_rule, days_of_month_hold_on_these_days_only)
{
    cr_assert_not(holds_on("days_of_month: [8, 18, 28]", day(2026, 6, 17)));
    cr_assert(holds_on("days_of_month: [8, 18, 28]", day(2026, 6, 18)));
    cr_assert_not(holds_on("days_of_month: [8, 18, 28]", day(2026, 6, 19)));
    cr_assert(holds_on("days_of_month: [31]", day(2026, 1, 31)));
    cr_assert_not(holds_on("days_of_month: [31]", day(2026, 2, 28)));
}

Test(programme_rule, weekdays_hold_by_iso_week)
{
    cr_assert_not(holds_on("weekdays: [mon, fri]", day(2026, 6, 18)));
    cr_assert(holds_on("weekdays: [thursday]", day(2026, 6, 18)));
    cr_assert(holds_on("weekdays: [sun]", day(2026, 6, 21)));
    cr_assert_not(holds_on("weekdays: [sun]", day(2026, 6, 22)));
}

Test(programme_rule, nth_weekdays_count_from_either_end_of_the_month)
{
    cr_assert(holds_on("nth_weekdays: [3 thursday]", day(2026, 6, 18)));
    cr_assert_not(holds_on("nth_weekdays: [2 thursday, 3 friday]", day(2026, 6, 18)));
    cr_assert(holds_on("nth_weekdays: [last thu]", day(2026, 6, 25)));
    cr_assert(holds_on("nth_weekdays: [4 thu]", day(2026, 6, 25)));
    cr_assert_not(holds_on("nth_weekdays: [last thu]", day(2026, 6, 18)));
    cr_assert(holds_on("nth_weekdays: [5 fri]", day(2026, 5, 29)));
    cr_assert(holds_on("nth_weekdays: [last sat]", day(2026, 2, 28)));
    cr_assert(holds_on("nth_weekdays: [1 sun]", day(2026, 2, 1)));
}

Test(programme_rule, dates_and_ranges_include_both_ends)
{
    cr_assert(holds_on("dates: [2026-12-31, 2026-06-18]", day(2026, 6, 18)));
    cr_assert_not(holds_on("dates: [2026-12-31, 2026-06-18]", day(2025, 6, 18)));
    const char *ranges = "date_ranges: [{from: 2026-06-10, to: 2026-06-12}, {from: 2026-06-01, to: "
                         "2026-06-02}, {from: 2026-06-11, to: 2026-06-15}]";
    cr_assert_not(holds_on(ranges, day(2026, 5, 31)));
    cr_assert(holds_on(ranges, day(2026, 6, 1)));
    cr_assert(holds_on(ranges, day(2026, 6, 2)));
    cr_assert_not(holds_on(ranges, day(2026, 6, 3)));
    cr_assert_not(holds_on(ranges, day(2026, 6, 9)));
    cr_assert(holds_on(ranges, day(2026, 6, 10)));
    cr_assert(holds_on(ranges, day(2026, 6, 15)));
    cr_assert_not(holds_on(ranges, day(2026, 6, 16)));
}

Test(programme_rule, times_end_before_their_end_and_may_pass_midnight)
{
    const char *morning = "times: [{from: '08:00', to: '10:00'}]";
    cr_assert_not(holds_at(morning, 8 * 3600 - 1));
    cr_assert(holds_at(morning, 8 * 3600));
    cr_assert(holds_at(morning, 10 * 3600 - 1));
    cr_assert_not(holds_at(morning, 10 * 3600));
    const char *night = "times: [{from: '22:00', to: '02:30:01'}]";
    cr_assert(holds_at(night, 86399));
    cr_assert(holds_at(night, 2 * 3600 + 1800));
    cr_assert_not(holds_at(night, 2 * 3600 + 1801));
    cr_assert_not(holds_at(night, 12 * 3600));
    cr_assert(holds_at("times: [{from: '20:00', to: '24:00'}]", 86399));
    cr_assert_not(holds_at("times: [{from: '20:00', to: '24:00'}]", 0));
}

Test(programme_rule, places_hold_for_those_listed)
{
    struct scene scene;
    scene_init(&scene);
    cr_assert_not(holds("stores: [6, 8]", &scene));
    cr_assert(holds("stores: [8, 7, 6]", &scene));
    cr_assert_not(holds("entities: [1]", &scene));
    cr_assert(holds("entities: [255, 2]", &scene));
    cr_assert_not(holds("regions: [north]", &scene));
    scene.receipt.region = 0;
    cr_assert(holds("regions: [north]", &scene));
}

Test(programme_rule, members_hold_by_tier_tags_birthday_and_first_purchase)
{
    struct scene scene;
    scene_init(&scene);
    cr_assert(holds("tiers: [low]", &scene));
    cr_assert_not(holds("tiers: [high]", &scene));
    scene.facts.tier = 1;
    cr_assert(holds("tiers: [high]", &scene));
    cr_assert_not(holds("tags: [0, 63]", &scene));
    scene.facts.tags = (uint64_t)1 << 63;
    cr_assert(holds("tags: [0, 63]", &scene));
    scene.facts.birthday = JF_BIRTHDAY_MONTH | JF_BIRTHDAY_WEEK;
    cr_assert_not(holds("birthday: day", &scene));
    cr_assert(holds("birthday: week", &scene));
    cr_assert(holds("birthday: month", &scene));
    cr_assert_not(holds("first_purchase: true", &scene));
    cr_assert(holds("first_purchase: false", &scene));
    scene.facts.is_first_purchase = true;
    cr_assert(holds("first_purchase: true", &scene));
}

Test(programme_rule, baskets_and_tenders_hold_from_their_threshold)
{
    struct scene scene;
    scene_init(&scene);
    cr_assert_not(holds("basket_min: 50.01", &scene));
    cr_assert(holds("basket_min: 50.00", &scene));
    cr_assert_not(holds("tenders: [cash]", &scene));
    scene.receipt.tender_count = 1;
    cr_assert(holds("tenders: [cash]", &scene));
}

Test(programme_rule, lines_hold_by_category_and_sku_together)
{
    struct scene scene;
    scene_init(&scene);
    cr_assert_not(holds("categories: [drug]", &scene));
    scene.line.category = 0;
    cr_assert(holds("categories: [drug]", &scene));
    cr_assert_not(holds("categories: [drug], skus: ['1']", &scene));
    scene.line.sku = 0;
    cr_assert(holds("categories: [drug], skus: ['1']", &scene));
}

Test(programme_rule, all_conditions_must_hold)
{
    struct scene scene;
    scene_init(&scene);
    cr_assert(holds("days_of_month: [18], weekdays: [thu], stores: [7]", &scene));
    cr_assert_not(holds("days_of_month: [18], weekdays: [fri], stores: [7]", &scene));
    cr_assert_not(holds("days_of_month: [18], weekdays: [thu], stores: [6]", &scene));
}
