// Claims about the points that a return gives back: to which lot, until when, and what becomes of
// an offline sale's debt.
#include <criterion/criterion.h>

#include "programmes.h"
#include "world.h"

static struct world world;
static struct jf_line line;

static void closed(void)
{
    world_close(&world);
}

TestSuite(plan_give_back, .fini = closed);

// A member whose 30 points, until 30 April, pay 3.00 of a sale on 10 March.
static const struct jf_entry *redeemed_all(const char *programme)
{
    world_open(&world, programme);
    world_enrol(&world, 1);
    world_buys(&world, 1, "2026-01-10", 3000);
    line = line_of("tobacco", 300);
    struct jf_command command = sale_of(1, "2026-03-10", &line, 1);
    command.as.sale.redeem_points = 30;
    const struct jf_entry *sale = world_post(&world, &command);
    cr_assert_not_null(sale, "%s", jf_refusal_name(world.refusal.code));
    return sale;
}

Test(plan_give_back, points_go_back_to_their_lot_on_its_last_day)
{
    const struct jf_entry *sale = redeemed_all(PROGRAMME_RICH);
    const struct jf_entry *entry = world_brings_back(&world, sale, NULL, "2026-04-30");
    cr_expect_eq(entry->balance.available, 30);
    cr_expect_eq(entry->balance.expiring_on, date_of("2026-04-30"));
    cr_expect_null(traced(entry, JF_TRACE_EXPIRED));
}

Test(plan_give_back, points_of_a_lot_that_is_over_expire_at_once)
{
    const struct jf_entry *sale = redeemed_all(PROGRAMME_RICH);
    const struct jf_entry *entry = world_brings_back(&world, sale, NULL, "2026-05-01");
    cr_expect_eq(posted(entry, JF_ACCOUNT_REDEEMED), -30);
    cr_expect_eq(posted(entry, JF_ACCOUNT_EXPIRED), 30);
    cr_expect_eq(posted(entry, JF_ACCOUNT_AVAILABLE), 0);
    cr_expect_eq(traced(entry, JF_TRACE_GIVEN_BACK)->points, 30);
    cr_expect_eq(traced(entry, JF_TRACE_EXPIRED)->points, 30);
    cr_expect_eq(entry->points_redeemed, -30);
    cr_expect_eq(jf_member_balance(world.members[1]), 0);
}

Test(plan_give_back, a_lot_that_is_over_is_reinstated_for_some_days)
{
    const struct jf_entry *sale = redeemed_all(PROGRAMME_RICH "returns: {reinstate_days: 30}\n");
    const struct jf_entry *entry = world_brings_back(&world, sale, NULL, "2026-05-30");
    cr_expect_eq(posted(entry, JF_ACCOUNT_AVAILABLE), 30);
    cr_expect_eq(posted(entry, JF_ACCOUNT_EXPIRED), 0);
    cr_expect_eq(entry->balance.available, 30);
    cr_expect_eq(entry->balance.expiring_on, date_of("2026-05-30"));
    struct jf_command redeem = redeem_of(1, "2026-05-31", 10);
    cr_expect_null(world_post(&world, &redeem));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_INSUFFICIENT_POINTS);
    redeem = redeem_of(1, "2026-05-30", 30);
    cr_expect_not_null(world_post(&world, &redeem));
}

Test(plan_give_back, after_these_days_points_expire_at_once)
{
    const struct jf_entry *sale = redeemed_all(PROGRAMME_RICH "returns: {reinstate_days: 30}\n");
    const struct jf_entry *entry = world_brings_back(&world, sale, NULL, "2026-05-31");
    cr_expect_eq(posted(entry, JF_ACCOUNT_EXPIRED), 30);
    cr_expect_eq(entry->balance.available, 0);
}

// The sale's entry as an offline sale leaves it: 30 points came from the lot, 20 more became debt.
static struct jf_entry short_sale(const struct jf_entry *sale)
{
    struct jf_entry entry = *sale;
    entry.as.sale.redeem_points = 50;
    world_room(&world.members[1], 4);
    world.members[1]->debts[0] = (struct jf_debt){.entity = {1}, .points = 20};
    world.members[1]->debt_count = 1;
    return entry;
}

Test(plan_give_back, the_debt_of_an_offline_sale_is_undone_first)
{
    struct jf_entry sale = short_sale(redeemed_all(PROGRAMME_RICH));
    struct jf_line two[2] = {line, line};
    sale.as.sale.receipt.lines = two;
    sale.as.sale.receipt.line_count = 2;
    struct jf_return_line back = {.line_number = 2, .is_whole = true};
    struct jf_command command = return_of("2026-03-11", &back, 1);
    world.sale = &sale;
    const struct jf_entry *first = world_post(&world, &command);
    cr_assert_not_null(first);
    cr_expect_eq(first->points_redeemed, -25);
    cr_expect_eq(posted(first, JF_ACCOUNT_DEBT), 20);
    cr_expect_eq(posted(first, JF_ACCOUNT_AVAILABLE), 5);
    cr_expect_eq(traced(first, JF_TRACE_GIVEN_BACK)->points, 5);
    cr_expect_eq(traced(first, JF_TRACE_DEBT)->points, 20);
    cr_expect_eq(first->balance.debt, 0);
    const struct jf_entry *rest = world_brings_back(&world, &sale, first, "2026-03-11");
    cr_expect_eq(rest->points_redeemed, -25);
    cr_expect_eq(posted(rest, JF_ACCOUNT_AVAILABLE), 25);
    cr_expect_eq(rest->balance.available, 30);
}

Test(plan_give_back, a_debt_that_was_paid_since_comes_back_as_points)
{
    struct jf_entry sale = short_sale(redeemed_all(PROGRAMME_RICH));
    world.members[1]->debts[0].points = 5; // 15 are paid
    const struct jf_entry *entry = world_brings_back(&world, &sale, NULL, "2026-03-11");
    cr_expect_eq(posted(entry, JF_ACCOUNT_DEBT), 5);
    cr_expect_eq(posted(entry, JF_ACCOUNT_AVAILABLE), 45);
    cr_expect_eq(entry->balance.available, 45); // 30 until April, 15 in the sale's own lot
    cr_expect_eq(entry->balance.debt, 0);
}
