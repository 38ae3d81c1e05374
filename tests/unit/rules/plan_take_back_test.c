// Claims about where the points come from that a sale is no longer worth; returns_test.c proves by
// random programmes that order and number do not matter.
#include <criterion/criterion.h>

#include "programmes.h"
#include "world.h"

static struct world world;

static void closed(void)
{
    world_close(&world);
}

TestSuite(plan_take_back, .fini = closed);

// A member who bought for 20.00 on 10 February and for 50.00 a month later, and spent all 20 points
// of the first purchase and some of the second's. Returns: the first sale.
static const struct jf_entry *spent_sale(const char *programme, int64_t points)
{
    world_open(&world, programme);
    world_enrol(&world, 1);
    const struct jf_entry *sale = world_buys(&world, 1, "2026-02-10", 2000);
    world_buys(&world, 1, "2026-03-10", 4000);
    struct jf_command redeem = redeem_of(1, "2026-03-11", points);
    cr_assert_not_null(world_post(&world, &redeem));
    return sale;
}

Test(plan_take_back, a_shortfall_is_written_off_where_the_programme_says_so)
{
    const struct jf_entry *sale =
        spent_sale(PROGRAMME_RICH "returns: {shortfall: write_off}\n", 20);
    const struct jf_entry *entry = world_brings_back(&world, sale, NULL, "2026-03-12");
    cr_expect_eq(posted(entry, JF_ACCOUNT_ISSUED), 20);
    cr_expect_eq(posted(entry, JF_ACCOUNT_WRITTEN_OFF), -20);
    cr_expect_eq(posted(entry, JF_ACCOUNT_DEBT), 0);
    cr_expect_eq(entry->as.sale_return.written_off, 20);
    cr_expect_eq(traced(entry, JF_TRACE_SHORTFALL)->points, 20);
    cr_expect_eq(entry->shortfall_points, 20);
    cr_expect_eq(entry->deducted_value, 0);
    cr_expect_eq(entry->points_granted, -20);
    cr_expect_eq(entry->balance.available, 40);
    cr_expect_eq(entry->balance.debt, 0);
}

Test(plan_take_back, a_shortfall_is_answered_as_money_half_up_over_all_returns)
{
    // 3 points are worth 0.01: 20 points are 0.07, 10 of them 0.03.
    const char *programme =
        "name: p\neffective_from: 2026-01-01T00:00:00Z\n"
        "earn: {points: 1, per_amount: 1.00}\nexpiry: {policy: month_end, months: 3}\n"
        "redemption: {points: 3, amount: 0.01, minimum: 3}\n"
        "returns: {shortfall: deduct}\n";
    world_open(&world, programme);
    world_enrol(&world, 1);
    struct jf_line two[2] = {line_of("food", 1000), line_of("food", 1000)};
    struct jf_command command = sale_of(1, "2026-02-10", two, 2);
    const struct jf_entry *sale = world_post(&world, &command);
    world_buys(&world, 1, "2026-02-10", 100);
    struct jf_command redeem = redeem_of(1, "2026-02-11", 21);
    cr_assert_not_null(world_post(&world, &redeem));
    struct jf_return_line back = {.line_number = 1, .is_whole = true};
    command = return_of("2026-02-12", &back, 1);
    world.sale = sale;
    const struct jf_entry *first = world_post(&world, &command);
    cr_assert_not_null(first);
    cr_expect_eq(first->deducted_value, 3);
    cr_expect_eq(first->shortfall_points, 10);
    const struct jf_entry *rest = world_brings_back(&world, sale, first, "2026-02-12");
    cr_expect_eq(rest->deducted_value, 4);
    cr_expect_eq(rest->as.sale_return.deducted_value, 7);
    cr_expect_eq(traced(rest, JF_TRACE_DEDUCTED)->points, 10);
    cr_expect_eq(traced(rest, JF_TRACE_DEDUCTED)->amount, 4);
    cr_expect_eq(posted(rest, JF_ACCOUNT_WRITTEN_OFF), -10);
}

Test(plan_take_back, other_lots_pay_first_where_the_programme_says_so)
{
    const struct jf_entry *sale =
        spent_sale(PROGRAMME_RICH "returns: {shortfall: write_off, from_other_lots: true}\n", 50);
    const struct jf_entry *entry = world_brings_back(&world, sale, NULL, "2026-03-12");
    cr_expect_eq(entry->as.sale_return.taken_from_lot, 0);
    cr_assert_eq(entry->as.sale_return.taken_from_other_count, 1);
    cr_expect_eq(entry->as.sale_return.taken_from_other[0].points, 10);
    cr_expect_eq(entry->as.sale_return.taken_from_other[0].expires_on, date_of("2026-06-30"));
    cr_expect_eq(traced(entry, JF_TRACE_TAKEN_FROM_OTHER)->points, -10);
    cr_expect_eq(entry->as.sale_return.written_off, 10);
    cr_expect_eq(entry->balance.available, 0);
}

Test(plan_take_back, other_lots_that_are_over_pay_nothing)
{
    const struct jf_entry *sale =
        spent_sale(PROGRAMME_RICH "returns: {from_other_lots: true}\n", 50);
    const struct jf_entry *entry = world_brings_back(&world, sale, NULL, "2026-07-01");
    cr_expect_eq(entry->as.sale_return.taken_from_other_count, 0);
    cr_expect_eq(entry->as.sale_return.taken_as_debt, 20);
    cr_expect_eq(jf_member_balance(world.members[1]), 10 - 20);
}

Test(plan_take_back, debts_that_the_grant_paid_come_back_before_any_other_lot_pays)
{
    world_open(&world, PROGRAMME_RICH "returns: {shortfall: write_off, from_other_lots: true}\n");
    world_enrol(&world, 1);
    world_room(&world.members[1], 8);
    world.members[1]->debts[0] = (struct jf_debt){.entity = {2}, .points = 5};
    world.members[1]->debt_count = 1;
    const struct jf_entry *sale = world_buys(&world, 1, "2026-02-10", 2000);
    cr_expect_eq(sale->as.sale.debt_paid, 5);
    world_buys(&world, 1, "2026-03-10", 4000);
    const struct jf_entry *entry = world_brings_back(&world, sale, NULL, "2026-03-12");
    cr_expect_eq(entry->balance.debt, 5);
    cr_expect_eq(entry->balance.available, 40);
    cr_expect_eq(entry->as.sale_return.written_off, 0);
    cr_expect_eq(entry->as.sale_return.taken_from_other_count, 0);
}

Test(plan_take_back, a_debt_that_was_paid_since_leaves_other_lots_alone)
{
    world_open(&world, PROGRAMME_RICH "returns: {from_other_lots: true}\n");
    world_enrol(&world, 1);
    struct jf_line two[2] = {line_of("food", 1000), line_of("food", 1000)};
    struct jf_command command = sale_of(1, "2026-02-10", two, 2);
    const struct jf_entry *sale = world_post(&world, &command);
    struct jf_command redeem = redeem_of(1, "2026-02-11", 20);
    cr_assert_not_null(world_post(&world, &redeem));
    struct jf_return_line back = {.line_number = 1, .is_whole = true};
    command = return_of("2026-02-12", &back, 1);
    world.sale = sale;
    const struct jf_entry *first = world_post(&world, &command);
    cr_expect_eq(first->balance.debt, 10);
    world_buys(&world, 1, "2026-03-10", 4000); // pays the 10
    const struct jf_entry *rest = world_brings_back(&world, sale, first, "2026-03-12");
    cr_expect_eq(rest->as.sale_return.taken_as_debt, 10);
    cr_assert_eq(rest->as.sale_return.taken_from_other_count, 1);
    cr_expect_eq(rest->as.sale_return.taken_from_other[0].points, 10);
    cr_expect_eq(rest->as.sale_return.taken_from_lot, 0);
    cr_expect_eq(rest->balance.available, 20);
    cr_expect_eq(rest->balance.debt, 0);
}

Test(plan_take_back, a_lot_that_is_over_keeps_what_it_was_granted_until_the_next_entry)
{
    world_open(&world, PROGRAMME_RICH);
    world_enrol(&world, 1);
    const struct jf_entry *sale = world_buys(&world, 1, "2026-02-10", 2000);
    world_buys(&world, 1, "2026-02-10", 1000);
    struct jf_command redeem = redeem_of(1, "2026-02-11", 30);
    cr_assert_not_null(world_post(&world, &redeem));
    world_brings_back(&world, sale, NULL, "2026-06-15");
    cr_assert_eq(world.members[1]->lot_count, 1);
    cr_expect_eq(world.members[1]->lots[0].granted, 10);
    world_buys(&world, 1, "2026-06-15", 5000); // pays the debt of 20
    cr_assert_eq(world.members[1]->lot_count, 1);
    cr_expect_eq(world.members[1]->lots[0].expires_on, date_of("2026-09-30"));
}

Test(plan_take_back, points_that_are_held_are_not_taken)
{
    world_open(&world, PROGRAMME_RICH);
    world_enrol(&world, 1);
    const struct jf_entry *sale = world_buys(&world, 1, "2026-02-10", 2000);
    struct jf_command hold = hold_of(1, "2026-02-11", 10);
    cr_assert_not_null(world_post(&world, &hold));
    const struct jf_entry *entry = world_brings_back(&world, sale, NULL, "2026-02-11");
    cr_expect_eq(entry->as.sale_return.taken_from_lot, 10);
    cr_expect_eq(entry->as.sale_return.taken_as_debt, 10);
    cr_expect_eq(entry->balance.held, 10);
    cr_expect_eq(entry->balance.debt, 10);
}

Test(plan_take_back, points_of_a_hold_past_its_deadline_are_taken)
{
    world_open(&world, PROGRAMME_RICH);
    world_enrol(&world, 1);
    const struct jf_entry *sale = world_buys(&world, 1, "2026-02-10", 2000);
    struct jf_command hold = hold_of(1, "2026-02-11", 10);
    cr_assert_not_null(world_post(&world, &hold));
    const struct jf_entry *entry = world_brings_back(&world, sale, NULL, "2026-02-12");
    cr_expect_eq(entry->voided_hold_count, 1);
    cr_expect_eq(posted(entry, JF_ACCOUNT_HELD), -10);
    cr_expect_eq(entry->as.sale_return.taken_from_lot, 20);
    cr_expect_eq(entry->balance.held, 0);
    cr_expect_eq(entry->balance.debt, 0);
    cr_expect_eq(world.members[1]->hold_count, 0);
}
