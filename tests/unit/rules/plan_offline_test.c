// Claims about terms of a redemption in a sale: what points may not pay, what earns, and what a
// till without the ledger may let a member lack.
#include <criterion/criterion.h>

#include "world.h"

#define HEAD                                                                                       \
    "name: terms\n"                                                                                \
    "effective_from: 2026-01-01T00:00:00Z\n"                                                       \
    "earn: {points: 1, per_amount: 1.00}\n"                                                        \
    "expiry: {policy: never}\n"
#define TERMS                                                                                      \
    "redemption: {points: 10, amount: 1.00, excluded_categories: [tobacco], share_max: 50%, "      \
    "offline_allowance: 100"

static struct world world;

static void opened_with(const char *yaml)
{
    world_open(&world, yaml);
    world_enrol(&world, 1);
}

static struct jf_command sale_with(const char *at, const struct jf_line *lines, uint32_t count,
                                   int64_t points)
{
    struct jf_command command = sale_of(1, at, lines, count);
    command.as.sale.redeem_points = points;
    return command;
}

static const struct jf_entry *posted_of(struct jf_command command)
{
    const struct jf_entry *entry = world_post(&world, &command);
    cr_assert_not_null(entry, "%s", jf_refusal_name(world.refusal.code));
    return entry;
}

static void expect_refused(struct jf_command command, enum jf_refusal_code code)
{
    cr_expect_null(world_post(&world, &command));
    cr_expect_str_eq(jf_refusal_name(world.refusal.code), jf_refusal_name(code));
}

Test(plan_offline, points_may_not_pay_what_is_excluded)
{
    opened_with(HEAD TERMS "}\n");
    world_buys(&world, 1, "2026-02-10", 100000); // 1000 points, worth 100.00
    const struct jf_line lines[2] = {line_of("tobacco", 8000), line_of("food", 2000)};
    // Half of 20.00 can be paid, not half of 100.00.
    expect_refused(sale_with("2026-02-11", lines, 2, 110), JF_REFUSAL_ABOVE_SHARE);
    cr_expect_eq(world.refusal.needed, 1100);
    cr_expect_eq(world.refusal.limit, 1000);
    const struct jf_entry *entry = posted_of(sale_with("2026-02-11", lines, 2, 100));
    cr_expect_eq(entry->redeemed_value, 1000);
    const struct jf_line tobacco = line_of("tobacco", 8000);
    expect_refused(sale_with("2026-02-11", &tobacco, 1, 10), JF_REFUSAL_ABOVE_SHARE);
    world_close(&world);
}

Test(plan_offline, what_points_paid_is_taken_from_the_lines_that_they_may_pay)
{
    opened_with(HEAD TERMS "}\n");
    world_buys(&world, 1, "2026-02-10", 100000);
    struct jf_line lines[3] = {line_of("tobacco", 3000), line_of("food", 1000),
                               line_of("food", 3000)};
    const struct jf_entry *sale = posted_of(sale_with("2026-02-11", lines, 3, 200));
    // 20.00 is half of 10.00 and 30.00.
    cr_assert_eq(sale->line_point_count, 3);
    cr_expect_eq(sale->line_points[0], 30);
    cr_expect_eq(sale->line_points[1], 5);
    cr_expect_eq(sale->line_points[2], 15);
    // Of what is kept nothing can have been paid by points: it earns whole.
    const struct jf_return_line food[2] = {{2, 0, true}, {3, 0, true}};
    struct jf_command command = return_of("2026-02-12", food, 2);
    world.sale = sale;
    const struct jf_entry *back = posted_of(command);
    cr_expect_eq(back->points_granted, 30 - 50);
    world_brings_back(&world, sale, back, "2026-02-13");
    cr_expect_eq(jf_member_balance(world.members[1]), 1000);
    world_close(&world);
}

Test(plan_offline, what_points_paid_earns_only_where_the_programme_says_so)
{
    for (int earns = 0; earns < 2; earns++) {
        opened_with(earns ? HEAD TERMS ", earn_on_redeemed: true}\n" : HEAD TERMS "}\n");
        world_buys(&world, 1, "2026-02-10", 100000);
        const struct jf_line line = line_of("food", 2000);
        const struct jf_entry *sale = posted_of(sale_with("2026-02-11", &line, 1, 100));
        cr_expect_eq(sale->points_granted, earns ? 20 : 10);
        const struct jf_entry *back = world_brings_back(&world, sale, NULL, "2026-02-12");
        cr_expect_eq(back->points_granted, -sale->points_granted);
        cr_expect_eq(jf_member_balance(world.members[1]), 1000);
        world_close(&world);
    }
}

Test(plan_offline, what_lacks_becomes_debt_up_to_the_allowance)
{
    opened_with(HEAD TERMS "}\n");
    world_buys(&world, 1, "2026-02-10", 5000); // 50 points
    const struct jf_line line = line_of("food", 100000);
    struct jf_command command = sale_with("2026-02-11", &line, 1, 150);
    expect_refused(command, JF_REFUSAL_INSUFFICIENT_POINTS);
    command.as.sale.is_offline = true;
    command.as.sale.redeem_points = 160;
    expect_refused(command, JF_REFUSAL_OFFLINE_ABOVE_ALLOWANCE);
    cr_expect_eq(world.refusal.needed, 110);
    cr_expect_eq(world.refusal.limit, 100);
    command.as.sale.redeem_points = 150;
    command.as.sale.receipt.lines = &line;
    const struct jf_entry *entry = posted_of(command);
    cr_expect_eq(entry->points_redeemed, 150);
    cr_expect_eq(entry->redeemed_value, 1500);
    cr_expect_eq(posted(entry, JF_ACCOUNT_REDEEMED), 150);
    cr_expect_eq(traced(entry, JF_TRACE_OFFLINE_DEBT)->points, -100);
    cr_assert_eq(entry->as.sale.redeemed_count, 1);
    cr_expect_eq(entry->as.sale.redeemed[0].points, 50);
    // 985 points are granted, and pay the debt of this very sale first.
    cr_expect_eq(entry->points_granted, 985);
    cr_expect_eq(entry->as.sale.debt_paid, 100);
    cr_expect_eq(posted(entry, JF_ACCOUNT_DEBT), 0);
    cr_expect_eq(entry->balance.available, 885);
    cr_expect_eq(entry->balance.debt, 0);
    world_close(&world);
}

Test(plan_offline, nothing_at_all_may_be_there_and_older_debts_are_paid_in_order)
{
    opened_with(HEAD TERMS "}\n");
    const struct jf_entry *sale = world_buys(&world, 1, "2026-02-10", 5000);
    struct jf_command spend = redeem_of(1, "2026-02-10", 50);
    posted_of(spend);
    world_brings_back(&world, sale, NULL, "2026-02-10"); // owes entity 1 50 points
    const struct jf_line line = line_of("food", 8000);
    struct jf_command command = sale_with("2026-02-11", &line, 1, 40);
    command.as.sale.receipt.store.value = 3; // entity 2
    command.as.sale.is_offline = true;
    const struct jf_entry *entry = posted_of(command);
    cr_expect_eq(entry->as.sale.redeemed_count, 0);
    cr_expect_eq(entry->points_granted, 76);
    cr_expect_eq(entry->as.sale.debt_paid, 76);
    cr_expect_eq(entry->balance.debt, 14);
    cr_assert_eq(world.members[1]->debt_count, 1);
    cr_expect_eq(world.members[1]->debts[0].entity.value, 2);
    world_close(&world);
}

Test(plan_offline, a_full_return_leaves_nothing_of_an_offline_debt)
{
    for (int64_t amount = 100; amount <= 100000; amount *= 10) {
        opened_with(HEAD TERMS "}\n");
        world_buys(&world, 1, "2026-02-10", 5000); // 50 points
        const struct jf_line line = line_of("food", 20 * amount);
        struct jf_command command = sale_with("2026-02-11", &line, 1, 70);
        command.as.sale.is_offline = true;
        const struct jf_entry *sale = world_post(&world, &command);
        if (sale != NULL) {
            world_brings_back(&world, sale, NULL, "2026-02-12");
            cr_expect_eq(jf_member_debt(world.members[1]), 0, "%lld", (long long)amount);
            cr_expect_eq(jf_member_balance(world.members[1]), 50, "%lld", (long long)amount);
        }
        world_close(&world);
    }
}
