// Claims about tiers: which months count, which demands meet, up at once, down only by a tier
// change.
#include <criterion/criterion.h>

#include "programmes.h"
#include "rules/programme_private.h"
#include "world.h"

static struct jf_month_count months[6];

static struct jf_member member_of_months(uint32_t count)
{
    return (struct jf_member){.months = months, .month_count = (uint16_t)count};
}

static struct jf_programme programme_of(int32_t window)
{
    struct jf_programme programme = {.tier_window_months = window, .tier_count = 3};
    programme.tiers[0] = (struct jf_tier_level){.spend = -1, .visits = -1, .points = -1};
    programme.tiers[1] = (struct jf_tier_level){.spend = 10, .visits = 5, .points = -1};
    programme.tiers[2] =
        (struct jf_tier_level){.spend = 100, .visits = -1, .points = 50, .any = true};
    return programme;
}

Test(tiers, the_window_is_the_month_of_the_date_and_those_before)
{
    const jf_date as_of = date_of("2026-04-30");
    const int32_t april = 2026 * 12 + 3;
    struct jf_programme programme = programme_of(3);
    struct jf_member member = member_of_months(5);
    for (int32_t i = 0; i < 5; i++) { // January to May
        months[i] = (struct jf_month_count){
            .month_index = april - 3 + i, .visits = 1, .spend = 1 << i, .points = 1};
    }
    struct jf_window_sums sums;
    cr_expect_eq(jf_tier_by_window(&programme, &member, as_of, &sums), 0);
    cr_expect_eq(sums.spend, 2 + 4 + 8);
    cr_expect_eq(sums.visits, 3);
    cr_expect_eq(sums.points, 3);
}

Test(tiers, all_demands_must_be_met_unless_any_is_enough)
{
    struct jf_programme programme = programme_of(1);
    struct jf_member member = member_of_months(1);
    struct jf_window_sums sums;
    static const struct {
        int64_t spend;
        uint32_t visits;
        int64_t points;
        uint32_t tier;
    } cases[] = {
        {9, 5, 0, 0}, {10, 4, 0, 0}, {10, 5, 0, 1}, {99, 9, 49, 1}, {100, 0, 0, 2}, {0, 0, 50, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        months[0] = (struct jf_month_count){.month_index = 2026 * 12,
                                            .visits = cases[i].visits,
                                            .spend = cases[i].spend,
                                            .points = cases[i].points};
        cr_expect_eq(jf_tier_by_window(&programme, &member, date_of("2026-01-05"), &sums),
                     cases[i].tier, "case %zu", i);
    }
}

Test(tiers, a_tier_change_of_an_unknown_member_is_refused)
{
    struct world world;
    world_open(&world, PROGRAMME_PLAIN);
    struct jf_command command = tier_change_of(1, "2026-06-30");
    cr_expect_null(world_post(&world, &command));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_UNKNOWN_MEMBER);
    world_close(&world);
}

Test(tiers, a_tier_change_before_any_programme_is_refused)
{
    struct world world;
    world_open(&world, PROGRAMME_PLAIN);
    world_enrol(&world, 1);
    struct jf_command command = tier_change_of(1, "2025-12-31");
    cr_expect_null(world_post(&world, &command));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_NO_PROGRAMME);
    world_close(&world);
}

Test(tiers, up_at_once_and_down_only_by_a_tier_change)
{
    struct world world;
    world_open(&world, PROGRAMME_PLAIN);
    world_enrol(&world, 1);
    const struct jf_entry *sale = world_buys(&world, 1, "2026-02-10", 19999);
    cr_expect_eq(sale->balance.tier, 0);
    cr_expect_null(traced(sale, JF_TRACE_TIER_UP));
    sale = world_buys(&world, 1, "2026-02-11", 1);
    cr_expect_eq(sale->balance.tier, 1);
    cr_assert_not_null(traced(sale, JF_TRACE_TIER_UP));
    cr_expect_eq(traced(sale, JF_TRACE_TIER_UP)->points, 1);
    cr_expect_eq(traced(sale, JF_TRACE_TIER_UP)->exact, 0);
    cr_expect_eq(world.members[1]->tier, 1);
    cr_expect_eq(world.members[1]->tier_since, date_of("2026-02-11"));
    sale = world_buys(&world, 1, "2026-06-01", 100);
    cr_expect_eq(sale->balance.tier, 1, "no sale lowers it");
    struct jf_command command = tier_change_of(1, "2026-04-30");
    cr_expect_null(world_post(&world, &command), "February is in the window of April");
    cr_expect_eq(world.refusal.code, JF_REFUSAL_NONE);
    command = tier_change_of(1, "2026-06-30");
    const struct jf_entry *change = world_post(&world, &command);
    cr_assert_not_null(change);
    cr_expect_eq(change->kind, JF_ENTRY_TIER_CHANGE);
    cr_expect_eq(change->as.tier_change.from, 1);
    cr_expect_eq(change->as.tier_change.to, 0);
    cr_expect_eq(change->as.tier_change.spend, 100);
    cr_expect_eq(change->as.tier_change.visits, 1);
    cr_expect_not_null(traced(change, JF_TRACE_TIER_DOWN));
    cr_expect_eq(change->business_date, date_of("2026-06-30"));
    cr_expect_eq(world.members[1]->tier, 0);
    cr_expect_eq(world.members[1]->tier_since, date_of("2026-06-30"));
    world_close(&world);
}

Test(tiers, a_return_lowers_nothing_at_once)
{
    struct world world;
    world_open(&world, PROGRAMME_PLAIN);
    world_enrol(&world, 1);
    const struct jf_entry *sale = world_buys(&world, 1, "2026-02-10", 30000);
    cr_expect_eq(sale->balance.tier, 1);
    const struct jf_entry *returned = world_brings_back(&world, sale, NULL, "2026-02-11");
    cr_expect_eq(returned->balance.tier, 1);
    struct jf_command command = tier_change_of(1, "2026-02-28");
    const struct jf_entry *change = world_post(&world, &command);
    cr_assert_not_null(change);
    cr_expect_eq(change->as.tier_change.to, 0);
    world_close(&world);
}

Test(tiers, a_tier_change_can_raise)
{
    struct world world;
    world_open(&world, PROGRAMME_PLAIN);
    world_enrol(&world, 1);
    world_buys(&world, 1, "2026-02-10", 30000);
    world.members[1]->tier = 0;
    struct jf_command command = tier_change_of(1, "2026-02-28");
    const struct jf_entry *change = world_post(&world, &command);
    cr_assert_not_null(change);
    cr_expect_not_null(traced(change, JF_TRACE_TIER_UP));
    cr_expect_eq(world.members[1]->tier, 1);
    world_close(&world);
}
