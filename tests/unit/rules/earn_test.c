// Claims about earning: what is refused, what each step of SEMANTICS gives to the point, and that
// the whole points of grounds and lines always add up to what was rounded.
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "programme_fixture.h"
#include "rules/earn.h"
#include "rules/programme_private.h"

enum {
    LINES = 500
};

struct scene {
    struct jf_programme *programme;
    struct jf_arena arena;
    struct jf_sale_facts facts;
    struct jf_line lines[LINES];
    struct jf_tender tenders[2];
    struct jf_earn_input input;
    struct jf_earn_result result;
    struct jf_refusal refusal;
};

static struct scene *scene_create(const char *yaml)
{
    struct scene *scene = calloc(1, sizeof *scene);
    cr_assert_not_null(scene);
    scene->programme = fixture_programme(yaml);
    jf_arena_init(&scene->arena, 65536, 1 << 20);
    scene->input = (struct jf_earn_input){
        .programme = scene->programme,
        .facts = &scene->facts,
        .business_date = jf_date_from_civil((struct jf_civil){2026, 6, 18}),
        .store = {7},
        .lines = scene->lines,
        .tenders = scene->tenders,
        .arena = &scene->arena,
    };
    return scene;
}

static void scene_destroy(struct scene *scene)
{
    jf_programme_destroy(scene->programme);
    jf_arena_deinit(&scene->arena);
    free(scene);
}

static void line_add(struct scene *scene, const char *category, int64_t amount)
{
    scene->lines[scene->input.line_count] = (struct jf_line){
        .sku = JF_TEXT("1"),
        .category = jf_text_from(category),
        .quantity_milli = 1000,
        .amount = amount,
    };
    scene->input.line_count += 1;
    scene->input.basket_amount += amount;
}

static void tender_add(struct scene *scene, const char *type, int64_t amount)
{
    scene->tenders[scene->input.tender_count] = (struct jf_tender){jf_text_from(type), amount};
    scene->input.tender_count += 1;
}

static void sums_agree(const struct scene *scene)
{
    const struct jf_earn_result *result = &scene->result;
    int64_t granted = 0;
    int64_t lines = 0;
    int64_t traced = 0;
    int64_t exact = 0;
    for (uint32_t i = 0; i < result->granted_count; i++) {
        cr_assert_gt(result->granted[i].points, 0);
        granted += result->granted[i].points;
    }
    for (uint32_t i = 0; i < scene->input.line_count; i++) {
        cr_assert_geq(result->line_points[i], 0);
        lines += result->line_points[i];
    }
    for (uint32_t i = 1; i + 1 < result->trace_count; i++) {
        const struct jf_trace_step *step = &result->trace[i];
        traced += step->points;
        exact += step->kind == JF_TRACE_OUTDONE ? 0 : step->exact;
    }
    const struct jf_trace_step *rounded = &result->trace[result->trace_count - 1];
    cr_assert_eq(result->trace[0].kind, JF_TRACE_ELIGIBLE);
    cr_assert_eq(result->trace[0].amount, result->eligible);
    cr_assert_eq(result->trace[0].exact, scene->input.basket_amount - result->eligible);
    cr_assert_eq(result->trace[1].kind, JF_TRACE_BASE);
    cr_assert_eq(rounded->kind, JF_TRACE_ROUNDED);
    cr_assert_eq(rounded->points, result->points);
    cr_assert_eq(rounded->exact, exact);
    cr_assert_eq(granted, result->points);
    cr_assert_eq(lines, result->points);
    cr_assert_eq(traced, result->points);
}

static int64_t earn(struct scene *scene)
{
    jf_arena_reset(&scene->arena);
    enum jf_error error = jf_earn(&scene->input, &scene->result, &scene->refusal);
    cr_assert_eq(error, JF_OK);
    cr_assert_eq(scene->refusal.code, JF_REFUSAL_NONE);
    sums_agree(scene);
    return scene->result.points;
}

// Points of a ground by its default number; 0 where there is none.
static int64_t granted_to(const struct scene *scene, uint32_t reason)
{
    for (uint32_t i = 0; i < scene->result.granted_count; i++) {
        if (scene->result.granted[i].reason == reason) {
            return scene->result.granted[i].points;
        }
    }
    return 0;
}

Test(earn, excluded_tenders_above_the_basket_are_refused)
{
    struct scene *scene =
        scene_create(FIXTURE_HEAD "exclusions: {tenders: [gift_card, insurance]}\n");
    line_add(scene, "food", 1000);
    tender_add(scene, "gift_card", 600);
    tender_add(scene, "insurance", 401);
    cr_assert_eq(jf_earn(&scene->input, &scene->result, &scene->refusal), JF_OK);
    cr_assert_eq(scene->refusal.code, JF_REFUSAL_INVALID_FIELD);
    cr_assert_str_eq(scene->refusal.field, "receipt.tenders[%u].amount");
    cr_assert_eq(scene->refusal.index, 1);
    cr_assert_eq(scene->refusal.needed, 401);
    cr_assert_eq(scene->refusal.limit, 400);
    scene->tenders[1].amount = 400;
    cr_assert_eq(earn(scene), 0);
    cr_assert_eq(scene->result.granted_count, 0);
    scene_destroy(scene);
}

Test(earn, points_beyond_64_bits_are_refused_as_overflow)
{
    struct scene *scene =
        scene_create("name: p\neffective_from: 2026-01-01T00:00:00Z\nexpiry: {policy: never}\n"
                     "earn: {points: 1000000, per_amount: 0.01}\n"
                     "rules: [{name: a, kind: multiplier, factor: 1000}]\n");
    line_add(scene, "food", JF_AMOUNT_MAX);
    cr_assert_eq(jf_earn(&scene->input, &scene->result, &scene->refusal), JF_OK);
    cr_assert_eq(scene->refusal.code, JF_REFUSAL_OVERFLOW);
    scene_destroy(scene);
}

Test(earn, points_above_the_limit_are_refused_as_overflow)
{
    struct scene *scene =
        scene_create("name: p\neffective_from: 2026-01-01T00:00:00Z\nexpiry: {policy: never}\n"
                     "earn: {points: 1000, per_amount: 0.01}\n");
    line_add(scene, "food", JF_AMOUNT_MAX);
    cr_assert_eq(earn(scene), JF_POINTS_MAX);
    line_add(scene, "food", 1);
    cr_assert_eq(jf_earn(&scene->input, &scene->result, &scene->refusal), JF_OK);
    cr_assert_eq(scene->refusal.code, JF_REFUSAL_OVERFLOW);
    scene_destroy(scene);
}

Test(earn, a_product_of_factors_beyond_64_bits_is_refused_as_overflow)
{
    struct scene *scene =
        scene_create(FIXTURE_HEAD "groups: [{name: g, stack: multiply}]\n"
                                  "rules:\n- {name: a, kind: multiplier, factor: 1000, group: g}\n"
                                  "- {name: b, kind: multiplier, factor: 1000, group: g}\n"
                                  "- {name: c, kind: multiplier, factor: 1000, group: g}\n");
    line_add(scene, "food", 100000000000);
    cr_assert_eq(jf_earn(&scene->input, &scene->result, &scene->refusal), JF_OK);
    cr_assert_eq(scene->refusal.code, JF_REFUSAL_OVERFLOW);
    scene_destroy(scene);
}

Test(earn, every_allocation_that_fails_is_an_error_and_no_answer)
{
    struct scene *scene =
        scene_create(FIXTURE_HEAD "groups: [{name: g, stack: multiply}]\n"
                                  "rules: [{name: a, kind: multiplier, factor: 2, group: g}]\n");
    for (int i = 0; i < 100; i++) {
        line_add(scene, "food", 100);
    }
    enum jf_error error = JF_ERROR_NO_MEMORY;
    uint32_t failures = 0;
    for (size_t bound = 1024; error == JF_ERROR_NO_MEMORY; bound += 1024) {
        struct jf_arena arena;
        jf_arena_init(&arena, 1024, bound);
        scene->input.arena = &arena;
        error = jf_earn(&scene->input, &scene->result, &scene->refusal);
        failures += error == JF_ERROR_NO_MEMORY ? 1 : 0;
        jf_arena_deinit(&arena);
    }
    cr_assert_eq(error, JF_OK);
    cr_assert_gt(failures, 3);
    scene_destroy(scene);
}

Test(earn, nothing_bought_earns_nothing)
{
    struct scene *scene = scene_create(FIXTURE_HEAD "rules: [{name: a, kind: bonus, points: 5}]\n");
    cr_assert_eq(earn(scene), 0);
    line_add(scene, "food", 0);
    cr_assert_eq(earn(scene), 0);
    cr_assert_eq(scene->result.granted_count, 0);
    cr_assert_eq(scene->result.trace_count, 3);
    line_add(scene, "food", 1);
    cr_assert_eq(earn(scene), 5);
    scene_destroy(scene);
}

Test(earn, excluded_lines_earn_nothing_and_do_not_count)
{
    struct scene *scene =
        scene_create(FIXTURE_HEAD "exclusions: {categories: [fuel], skus: ['9']}\n");
    line_add(scene, "fuel", 5000);
    line_add(scene, "food", 1000);
    line_add(scene, "food", 700);
    scene->lines[2].sku = JF_TEXT("9");
    cr_assert_eq(earn(scene), 10);
    cr_assert_eq(scene->result.eligible, 1000);
    cr_assert_eq(scene->result.line_points[0], 0);
    cr_assert_eq(scene->result.line_points[1], 10);
    scene_destroy(scene);
}

Test(earn, excluded_tenders_and_points_are_shared_over_all_lines)
{
    struct scene *scene =
        scene_create(FIXTURE_HEAD "exclusions: {categories: [fuel], tenders: [gift_card]}\n");
    line_add(scene, "fuel", 5000);
    line_add(scene, "food", 2500);
    line_add(scene, "food", 2500);
    tender_add(scene, "gift_card",
               1001); // 500 + 1/2: the first of equals has the odd cent, 251 + 250
    tender_add(scene, "cash", 8999);
    scene->input.redeemed_value = 2000; // 1000 + 500 + 500
    cr_assert_eq(earn(scene), 35);
    cr_assert_eq(scene->result.eligible, 2500 - 250 - 500 + 2500 - 250 - 500);
    scene->input.redeemed_value = 10000;
    cr_assert_eq(earn(scene), 0);
    cr_assert_eq(scene->result.eligible, 0);
    scene_destroy(scene);
}

Test(earn, rounding_happens_once_as_the_programme_says)
{
    static const struct {
        const char *rounding;
        int64_t amounts[3];
        int64_t points;
    } cases[] = {
        {"{mode: floor}", {99, 99, 99}, 2},
        {"{mode: floor, scope: line}", {99, 99, 99}, 0},
        {"{mode: half_up}", {50, 0, 0}, 1},
        {"{mode: half_up}", {49, 0, 0}, 0},
        {"{mode: half_up, scope: line}", {50, 50, 49}, 2},
        {"{mode: half_even}", {250, 0, 0}, 2},
        {"{mode: half_even}", {350, 0, 0}, 4},
        {"{mode: half_even, scope: line}", {50, 150, 250}, 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char yaml[512];
        snprintf(yaml, sizeof yaml, FIXTURE_HEAD "rounding: %s\n", cases[i].rounding);
        struct scene *scene = scene_create(yaml);
        for (size_t line = 0; line < 3; line++) {
            line_add(scene, "food", cases[i].amounts[line]);
        }
        cr_expect_eq(earn(scene), cases[i].points, "case %zu", i);
        scene_destroy(scene);
    }
}

Test(earn, lines_share_a_receipts_points_by_largest_remainder)
{
    struct scene *scene = scene_create(FIXTURE_HEAD);
    line_add(scene, "food", 140);
    line_add(scene, "food", 170);
    line_add(scene, "food", 90);
    cr_assert_eq(earn(scene), 4);
    cr_assert_eq(scene->result.line_points[0], 1);
    cr_assert_eq(scene->result.line_points[1], 2);
    cr_assert_eq(scene->result.line_points[2], 1);
    cr_assert_eq(scene->result.denominator, 100);
    scene_destroy(scene);
}

#define OCCASIONS                                                                                  \
    FIXTURE_HEAD "groups: [{name: g, stack: %s}]\n"                                                \
                 "rules:\n"                                                                        \
                 "- {name: day, kind: multiplier, factor: 2, group: g,"                            \
                 " when: {days_of_month: [18]}}\n"                                                 \
                 "- {name: birthday, kind: multiplier, factor: 1.5, group: g,"                     \
                 " when: {birthday: month}}\n"                                                     \
                 "- {name: drug, kind: multiplier, factor: 5/3, group: g,"                         \
                 " when: {categories: [drug]}}\n"

static struct scene *occasions(const char *stack)
{
    char yaml[1024];
    snprintf(yaml, sizeof yaml, OCCASIONS, stack);
    struct scene *scene = scene_create(yaml);
    scene->facts.birthday = JF_BIRTHDAY_MONTH;
    line_add(scene, "food", 1000);
    line_add(scene, "drug", 3000);
    return scene;
}

Test(earn, best_in_group_wins_and_the_others_are_outdone)
{
    struct scene *scene = occasions("best");
    // Uplifts: day 40, birthday 20, drug 20.
    cr_assert_eq(earn(scene), 80);
    cr_assert_eq(granted_to(scene, 0), 40);
    cr_assert_eq(granted_to(scene, 1), 40);
    cr_assert_eq(scene->result.granted_count, 2);
    cr_assert_eq(scene->result.trace_count, 6);
    cr_assert_eq(scene->result.trace[2].kind, JF_TRACE_MULTIPLIER);
    cr_assert_eq(scene->result.trace[2].reason, 1);
    cr_assert_eq(scene->result.trace[3].kind, JF_TRACE_OUTDONE);
    cr_assert_eq(scene->result.trace[3].reason, 2);
    cr_assert_eq(scene->result.trace[3].points, 0);
    cr_assert_eq(scene->result.trace[3].exact, 20 * (int64_t)scene->result.denominator);
    scene_destroy(scene);
}

Test(earn, of_equals_in_a_group_the_first_listed_wins)
{
    struct scene *scene = occasions("best");
    scene->input.business_date += 1; // birthday 20, drug 20
    cr_assert_eq(earn(scene), 60);
    cr_assert_eq(granted_to(scene, 2), 20);
    scene->lines[1].amount = 6000;
    scene->input.basket_amount = 7000; // birthday 35, drug 40
    cr_assert_eq(earn(scene), 110);
    cr_assert_eq(granted_to(scene, 3), 40);
    scene_destroy(scene);
}

Test(earn, a_group_that_adds_counts_every_rule)
{
    struct scene *scene = occasions("add");
    cr_assert_eq(earn(scene), 40 + 40 + 20 + 20);
    cr_assert_eq(scene->result.granted_count, 4);
    scene_destroy(scene);
}

Test(earn, a_group_that_multiplies_does_so_line_by_line)
{
    struct scene *scene = occasions("multiply");
    // 10 × 2 × 1.5 + 30 × 2 × 1.5 × 5/3.
    cr_assert_eq(earn(scene), 30 + 150);
    cr_assert_eq(granted_to(scene, 0), 40);
    cr_assert_eq(granted_to(scene, 1), 40);
    cr_assert_eq(granted_to(scene, 2), 40);
    cr_assert_eq(granted_to(scene, 3), 60);
    cr_assert_eq(scene->result.line_points[0], 30);
    scene_destroy(scene);
}

Test(earn, rules_without_a_group_and_tier_factors_add_across)
{
    struct scene *scene = scene_create(
        FIXTURE_HEAD "rules:\n"
                     "- {name: a, kind: multiplier, factor: 2}\n"
                     "- {name: b, kind: multiplier, factor: 3}\n"
                     "tiers: {levels: [{name: low}, {name: high, visits: 2, factor: 1.25}]}\n");
    line_add(scene, "food", 1000);
    cr_assert_eq(earn(scene), 40); // 10 + 10 + 20
    scene->facts.tier = 1;
    cr_assert_eq(earn(scene), 42); // and 2.5
    cr_assert_eq(granted_to(scene, 3), 2);
    scene_destroy(scene);
}

Test(earn, a_bonus_survives_rounding_by_line_whole)
{
    struct scene *scene = scene_create(
        FIXTURE_HEAD "rounding: {mode: floor, scope: line}\n"
                     "rules: [{name: a, kind: bonus, points: 10, when: {basket_min: 3.00}}]\n");
    line_add(scene, "food", 101);
    line_add(scene, "food", 102);
    line_add(scene, "food", 103);
    cr_assert_eq(earn(scene), 13);
    cr_assert_eq(granted_to(scene, 1), 10);
    scene->lines[0].amount = 0; // it came back: the threshold is no longer met
    scene->input.basket_amount = 205;
    cr_assert_eq(earn(scene), 2);
    scene_destroy(scene);
}

Test(earn, the_largest_receipt_is_earned_exactly)
{
    struct scene *scene =
        scene_create(FIXTURE_HEAD "rules: [{name: a, kind: multiplier, factor: 4/3}]\n");
    for (int i = 0; i < LINES; i++) {
        line_add(scene, "food", 100 + i % 2);
    }
    cr_assert_eq(earn(scene), (500 * 100 + 250) * 4 / 300);
    scene_destroy(scene);
}

// The definition written down plainly for the programme below, in one fraction over 100 × 60.
static int64_t naive_points(const struct scene *scene)
{
    int64_t food = 0;
    int64_t drug = 0;
    for (uint32_t i = 0; i < scene->input.line_count; i++) {
        int64_t amount = scene->lines[i].amount;
        bool is_drug = scene->lines[i].category.data[0] == 'd';
        bool is_fuel = scene->lines[i].category.data[1] == 'u';
        drug += is_drug ? amount : 0;
        food += is_drug || is_fuel ? 0 : amount;
    }
    int64_t base = 60 * (food + drug);
    bool is_birthday = (scene->facts.birthday & JF_BIRTHDAY_MONTH) != 0;
    int64_t day = base;                                // factor 2
    int64_t birthday = is_birthday ? base / 2 * 3 : 0; // factor 2.5
    int64_t best = day >= birthday ? day : birthday;
    int64_t both = 60 * drug / 3;      // factor 4/3
    int64_t product = base + base / 5; // × 1.2
    product += 60 * drug * 6 / 5 / 4;  // × 1.25 on drugs
    return (best + both + product) / 6000;
}

Test(earn, random_receipts_agree_with_the_definition)
{
    struct scene *scene = scene_create(
        FIXTURE_HEAD
        "exclusions: {categories: [fuel]}\n"
        "groups: [{name: g}, {name: m, stack: multiply}]\n"
        "rules:\n"
        "- {name: a, kind: multiplier, factor: 2, group: g}\n"
        "- {name: b, kind: multiplier, factor: 2.5, group: g, when: {birthday: month}}\n"
        "- {name: c, kind: multiplier, factor: 4/3, when: {categories: [drug]}}\n"
        "- {name: d, kind: multiplier, factor: 120%, group: m}\n"
        "- {name: e, kind: multiplier, factor: 1.25, group: m,"
        " when: {categories: [drug]}}\n");
    static const char *const categories[] = {"food", "drug", "fuel"};
    uint64_t state = 20260618;
    for (int round = 0; round < 5000; round++) {
        scene->input.line_count = 0;
        scene->input.basket_amount = 0;
        state = state * 6364136223846793005u + 1442695040888963407u;
        scene->facts.birthday = (state >> 40) % 2 == 0 ? JF_BIRTHDAY_MONTH : 0;
        uint32_t lines = (uint32_t)((state >> 33) % 9);
        for (uint32_t i = 0; i < lines; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            line_add(scene, categories[(state >> 33) % 3], (int64_t)((state >> 36) % 10000));
        }
        cr_assert_eq(earn(scene), naive_points(scene), "round %d", round);
    }
    scene_destroy(scene);
}
