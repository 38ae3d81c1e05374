// Claims about limits on points: what each cuts and in which order, that the trace says so, that
// lines add up again, and that returns give the room back to later sales and never to others.
#include <criterion/criterion.h>

#include <stdio.h>

#include "random.h"
#include "rules/counters.h"
#include "world.h"

#define HEAD                                                                                       \
    "name: caps\neffective_from: 2026-01-01T00:00:00Z\n"                                           \
    "earn: {points: 1, per_amount: 1.00}\nexpiry: {policy: never}\n"

// Base 1 a yuan; on the 8th twice that; 20 more from 50.00.
#define RULES                                                                                      \
    HEAD "rules:\n"                                                                                \
         "  - {name: member-day, kind: multiplier, factor: 2, when: {days_of_month: [8]}%s}\n"     \
         "  - {name: big, kind: bonus, points: 20, when: {basket_min: 50.00}%s}\n"

static struct world world;

static void open_with(const char *member_day, const char *big, const char *caps)
{
    char yaml[2048];
    snprintf(yaml, sizeof yaml, RULES "%s", member_day, big, caps);
    world_open(&world, yaml);
    world_enrol(&world, 1);
    world_enrol(&world, 2);
}

static void closed(void)
{
    world_close(&world);
}

TestSuite(earn_caps, .fini = closed);

static const struct jf_trace_step *cut_of(const struct jf_entry *entry, uint32_t reason)
{
    for (uint32_t i = 0; i < entry->trace_count; i++) {
        if (entry->trace[i].kind == JF_TRACE_CAP && entry->trace[i].reason == reason) {
            return &entry->trace[i];
        }
    }
    return NULL;
}

static uint32_t ground_of(const char *name)
{
    return jf_reference_reason_find(world.reference, jf_text_from(name));
}

static int64_t granted_on(const struct jf_entry *entry, const char *name)
{
    const struct jf_granted *granted = entry->as.sale.granted;
    for (uint32_t i = 0; i < entry->as.sale.granted_count; i++) {
        if (granted[i].reason == ground_of(name)) {
            return granted[i].points;
        }
    }
    return 0;
}

Test(earn_caps, a_cap_gives_its_room_in_listed_order)
{
    open_with("", "", "caps: [{name: r, per: receipt, points: 130}]\n");
    const struct jf_entry *entry = world_buys(&world, 1, "2026-02-08", 10000);
    cr_expect_eq(entry->points_granted, 130);
    cr_expect_eq(granted_on(entry, "base"), 100);
    cr_expect_eq(granted_on(entry, "member-day"), 30);
    cr_expect_eq(granted_on(entry, "big"), 0);
    const struct jf_trace_step *cut = cut_of(entry, ground_of("member-day"));
    cr_assert_not_null(cut);
    cr_expect_eq(cut->points, -70);
    cr_expect_eq(cut->exact, ground_of("cap:r"));
    cut = cut_of(entry, ground_of("big"));
    cr_assert_not_null(cut);
    cr_expect_eq(cut->points, -20);
    cr_expect_null(cut_of(entry, 0));
    cr_expect_eq(traced(entry, JF_TRACE_ROUNDED)->points, 220, "what was rounded is told uncut");
    cr_expect_eq(entry->line_points[0], 130);
    cr_expect_eq(entry->counted_count, 0, "a receipt's own cap counts nothing");
}

Test(earn_caps, a_rules_own_limits_cut_before_the_caps)
{
    open_with(", cap_per_member: 60", ", budget: 15",
              "caps: [{name: r, per: receipt, points: 50, rules: [member-day]}]\n");
    const struct jf_entry *entry = world_buys(&world, 1, "2026-02-08", 10000);
    cr_expect_eq(entry->points_granted, 100 + 50 + 15);
    const struct jf_trace_step *steps = NULL;
    for (uint32_t i = 0; i < entry->trace_count && steps == NULL; i++) {
        steps = entry->trace[i].kind == JF_TRACE_CAP ? &entry->trace[i] : NULL;
    }
    cr_assert_not_null(steps);
    cr_expect_eq(steps[0].reason, ground_of("member-day"));
    cr_expect_eq(steps[0].points, -40);
    cr_expect_eq(steps[0].exact, 0);
    cr_expect_eq(steps[1].reason, ground_of("big"));
    cr_expect_eq(steps[1].points, -5);
    cr_expect_eq(steps[1].exact, (int64_t)1 << 32);
    cr_expect_eq(steps[2].reason, ground_of("member-day"));
    cr_expect_eq(steps[2].points, -10);
    cr_expect_eq(steps[2].exact, ground_of("cap:r"));
}

Test(earn_caps, days_and_months_fill_up_for_each_member)
{
    open_with("", "",
              "caps:\n  - {name: day, per: member_day, points: 70}\n"
              "  - {name: month, per: member_month, points: 100, rules: [base]}\n");
    cr_expect_eq(world_buys(&world, 1, "2026-02-10", 4000)->points_granted, 40);
    const struct jf_entry *second = world_buys(&world, 1, "2026-02-10", 4000);
    cr_expect_eq(second->points_granted, 30);
    cr_expect_eq(cut_of(second, 0)->exact, ground_of("cap:day"));
    cr_assert_eq(second->as.sale.facts.room_count, 2);
    cr_expect_eq(second->as.sale.facts.rooms[0].room, 30);
    cr_expect_eq(second->as.sale.facts.rooms[1].room, 60);
    cr_expect_eq(world_buys(&world, 1, "2026-02-10", 4000)->points_granted, 0);
    cr_expect_eq(world_buys(&world, 2, "2026-02-10", 4000)->points_granted, 40);
    cr_expect_eq(world_buys(&world, 1, "2026-02-11", 4000)->points_granted, 30, "of the month");
    cr_expect_eq(world_buys(&world, 1, "2026-02-12", 4000)->points_granted, 0);
    cr_expect_eq(world_buys(&world, 1, "2026-03-01", 4000)->points_granted, 40);
}

Test(earn_caps, a_rule_per_member_and_a_budget_run_dry)
{
    open_with("", ", cap_per_member: 30, budget: 45", "");
    cr_expect_eq(world_buys(&world, 1, "2026-02-10", 5000)->points_granted, 70);
    cr_expect_eq(world_buys(&world, 1, "2026-02-11", 5000)->points_granted, 60);
    cr_expect_eq(world_buys(&world, 1, "2026-02-12", 5000)->points_granted, 50);
    const struct jf_entry *last = world_buys(&world, 2, "2026-02-13", 5000);
    cr_expect_eq(last->points_granted, 65, "45 for everybody, 30 of them are gone");
    cr_expect_eq(cut_of(last, ground_of("big"))->exact, (int64_t)1 << 32);
    cr_expect_eq(world_buys(&world, 2, "2026-02-14", 5000)->points_granted, 50);
    cr_expect_eq(jf_control_issued(world.control, ground_of("big")), 45);
}

Test(earn_caps, room_that_comes_back_serves_later_sales_only)
{
    open_with("", ", budget: 30", "caps: [{name: day, per: member_day, points: 100}]\n");
    const struct jf_entry *first = world_buys(&world, 1, "2026-02-10", 6000);
    const struct jf_entry *second = world_buys(&world, 1, "2026-02-10", 6000);
    cr_expect_eq(first->points_granted, 80);
    cr_expect_eq(second->points_granted, 20, "60 base, 20 room");
    const struct jf_entry *back = world_brings_back(&world, first, NULL, "2026-02-12");
    cr_expect_eq(back->points_granted, -80);
    cr_assert_eq(back->counted_count, 1);
    cr_expect_eq(back->counted[0].delta, -80);
    cr_expect_eq(jf_counters_value(world.members[1], JF_COUNTER_CAP_DAY, ground_of("cap:day"),
                                   date_of("2026-02-10")),
                 20);
    cr_expect_eq(jf_control_issued(world.control, ground_of("big")), 0);
    back = world_brings_back(&world, second, NULL, "2026-02-12");
    cr_expect_eq(back->points_granted, -20);
    cr_expect_eq(world.members[1]->counter_count, 0);
    cr_expect_eq(world_buys(&world, 1, "2026-02-10", 6000)->points_granted, 80);
}

Test(earn_caps, what_is_kept_is_planned_under_the_room_of_the_sale)
{
    open_with("", "", "caps: [{name: day, per: member_day, points: 50}]\n");
    const struct jf_line lines[2] = {line_of("food", 3000), line_of("food", 1000)};
    struct jf_command command = sale_of(1, "2026-02-10", lines, 2);
    const struct jf_entry *sale = world_post(&world, &command);
    cr_expect_eq(sale->points_granted, 40);
    cr_expect_eq(world_buys(&world, 1, "2026-02-10", 4000)->points_granted, 10);
    const struct jf_return_line one = {.line_number = 1, .quantity_milli = 1000};
    struct jf_command giving = return_of("2026-02-11", &one, 1);
    world.sale = sale;
    const struct jf_entry *back = world_post(&world, &giving);
    cr_expect_eq(back->points_granted, -30, "10 are kept, whatever was sold since");
    cr_expect_eq(world_brings_back(&world, sale, back, "2026-02-11")->points_granted, -10);
}

Test(earn_caps, lines_rounded_one_by_one_are_cut_by_what_they_had)
{
    world_open(&world, HEAD "rounding: {mode: half_up, scope: line}\n"
                            "caps: [{name: r, per: receipt, points: 10}]\n");
    world_enrol(&world, 1);
    const struct jf_line lines[3] = {line_of("food", 1449), line_of("food", 550),
                                     line_of("food", 49)};
    struct jf_command command = sale_of(1, "2026-02-10", lines, 3);
    const struct jf_entry *sale = world_post(&world, &command);
    cr_expect_eq(sale->points_granted, 10);
    cr_expect_eq(sale->line_points[0], 7);
    cr_expect_eq(sale->line_points[1], 3);
    cr_expect_eq(sale->line_points[2], 0);
}

Test(earn_caps, a_lower_limit_in_a_later_version_leaves_no_room_below_zero)
{
    open_with("", "", "caps: [{name: day, per: member_day, points: 50}]\n");
    (void)world_buys(&world, 1, "2026-02-10", 4000);
    struct jf_command command = {.kind = JF_COMMAND_PUBLISH, .transaction_id = JF_TEXT("t")};
    command.as.publish.yaml = JF_TEXT(HEAD "caps: [{name: day, per: member_day, points: 30}]\n");
    cr_assert_not_null(world_post(&world, &command));
    const struct jf_entry *entry = world_buys(&world, 1, "2026-02-10", 4000);
    cr_expect_eq(entry->points_granted, 0);
    cr_expect_eq(entry->as.sale.facts.rooms[0].room, 0, "the same name is the same counter");
}

Test(earn_caps, any_returns_leave_counters_as_one_full_return_does)
{
    open_with(", cap_per_member: 90", ", budget: 70",
              "caps:\n  - {name: day, per: member_day, points: 140}\n"
              "  - {name: month, per: member_month, points: 170, rules: [member-day, base]}\n");
    struct random random = {20260208};
    for (uint32_t round = 0; round < 200; round++) {
        struct jf_line lines[3];
        for (uint32_t i = 0; i < 3; i++) {
            lines[i] = line_of("food", 1 + (int64_t)random_below(&random, 6000));
            lines[i].quantity_milli = 3000;
        }
        struct jf_command command = sale_of(1, "2026-02-08", lines, 3);
        const struct jf_entry *sale = world_post(&world, &command);
        const struct jf_entry *last = NULL;
        for (uint32_t i = 0; i < 3; i++) {
            const struct jf_return_line part = {
                .line_number = i + 1, .quantity_milli = 1 + (int64_t)random_below(&random, 2999)};
            struct jf_command giving = return_of("2026-02-09", &part, 1);
            world.sale = sale;
            world.last_return = last;
            last = world_post(&world, &giving);
            cr_assert_not_null(last);
        }
        if (round % 4 != 0) {
            (void)world_brings_back(&world, sale, last, "2026-02-10");
        }
        int64_t kept =
            jf_counters_value(world.members[1], JF_COUNTER_RULE, ground_of("member-day"), 0);
        cr_assert_leq(kept, 90);
        cr_assert_leq(jf_control_issued(world.control, ground_of("big")), 70);
        cr_assert_leq(jf_counters_value(world.members[1], JF_COUNTER_CAP_DAY, ground_of("cap:day"),
                                        date_of("2026-02-08")),
                      140);
    }
}
