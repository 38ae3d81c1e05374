// Claims about returns, by example; returns_test.c proves by random programmes that order and
// number do not matter.
#include <criterion/criterion.h>

#include "programmes.h"
#include "world.h"

static struct world world;
static struct jf_line lines[4];

static void opened(void)
{
    world_open(&world, PROGRAMME_RICH);
    world_enrol(&world, 1);
}

static void closed(void)
{
    world_close(&world);
}

TestSuite(plan_return, .init = opened, .fini = closed);

static const struct jf_entry *sold(const char *at, uint32_t line_count, int64_t redeem)
{
    struct jf_command command = sale_of(1, at, lines, line_count);
    command.as.sale.redeem_points = redeem;
    const struct jf_entry *entry = world_post(&world, &command);
    cr_assert_not_null(entry, "%s", jf_refusal_name(world.refusal.code));
    return entry;
}

static const struct jf_entry *returned(const struct jf_entry *sale, const struct jf_entry *last,
                                       struct jf_command command)
{
    world.sale = sale;
    world.last_return = last;
    return world_post(&world, &command);
}

static void expect_refused(const struct jf_entry *sale, const struct jf_entry *last,
                           struct jf_command command, enum jf_refusal_code code)
{
    cr_expect_null(returned(sale, last, command));
    cr_expect_str_eq(jf_refusal_name(world.refusal.code), jf_refusal_name(code));
}

Test(plan_return, refusals_come_in_their_order)
{
    lines[0] = line_of("food", 10000);
    const struct jf_entry *sale = sold("2026-02-10", 1, 0);
    struct jf_return_line back = {.line_number = 2, .quantity_milli = 2000};
    struct jf_command command = return_of("2027-02-10", &back, 1);
    command.as.sale_return.store.value = 99;
    expect_refused(NULL, NULL, command, JF_REFUSAL_UNKNOWN_STORE);
    command.as.sale_return.store.value = 2;
    expect_refused(NULL, NULL, command, JF_REFUSAL_UNKNOWN_SALE);
    cr_expect_str_eq(world.refusal.field, "sale_transaction_id");
    struct jf_entry enrolment = {.kind = JF_ENTRY_ENROLMENT, .member = {1}};
    expect_refused(&enrolment, NULL, command, JF_REFUSAL_UNKNOWN_SALE);
    expect_refused(sale, NULL, command, JF_REFUSAL_UNKNOWN_LINE);
    cr_expect_str_eq(world.refusal.field, "lines[%u].line_number");
    cr_expect_eq(world.refusal.index, 0);
    cr_expect_eq(world.refusal.needed, 2);
    cr_expect_eq(world.refusal.limit, 1);
    back.line_number = 1;
    expect_refused(sale, NULL, command, JF_REFUSAL_RETURN_EXCEEDS_KEPT);
    cr_expect_eq(world.refusal.needed, 2000);
    cr_expect_eq(world.refusal.available, 1000);
    back.quantity_milli = 1000;
    expect_refused(sale, NULL, command, JF_REFUSAL_IN_FUTURE);
    command.as.sale_return.returned_at_ms = noon_ms("2026-02-10") - 1;
    expect_refused(sale, NULL, command, JF_REFUSAL_BEFORE_SALE);
    cr_expect_eq(world.refusal.position, sale->position);
    command.as.sale_return.returned_at_ms = noon_ms("2026-02-10");
    cr_expect_not_null(returned(sale, NULL, command));
}

Test(plan_return, a_sale_whose_programme_is_gone_is_refused)
{
    lines[0] = line_of("food", 10000);
    struct jf_entry sale = *sold("2026-02-10", 1, 0);
    sale.as.sale.facts.programme_version = 9;
    expect_refused(&sale, NULL, return_all_of("2026-02-11"), JF_REFUSAL_UNKNOWN_PROGRAMME);
}

Test(plan_return, a_sale_of_a_member_who_is_not_there_is_refused)
{
    lines[0] = line_of("food", 10000);
    struct jf_entry sale = *sold("2026-02-10", 1, 0);
    sale.member.value = 2;
    expect_refused(&sale, NULL, return_all_of("2026-02-11"), JF_REFUSAL_UNKNOWN_MEMBER);
}

Test(plan_return, what_does_not_belong_together_is_corrupt)
{
    lines[0] = line_of("food", 10000);
    lines[1] = line_of("food", 5000);
    const struct jf_entry *sale = sold("2026-02-10", 2, 0);
    struct jf_return_line back = {.line_number = 1, .is_whole = true};
    struct jf_entry last = *returned(sale, NULL, return_of("2026-02-11", &back, 1));
    struct jf_command command = return_all_of("2026-02-12");
    struct jf_entry *entry = NULL;
    struct jf_return_entry sound = last.as.sale_return;
    struct jf_kept_line kept[2] = {{0, true}, {5000, false}};
#define EXPECT_CORRUPT(statement)                                                                  \
    last.as.sale_return = sound;                                                                   \
    statement;                                                                                     \
    world.sale = sale;                                                                             \
    world.last_return = &last;                                                                     \
    cr_expect_eq(world_plan(&world, &command, &entry), JF_ERROR_CORRUPT);                          \
    cr_expect_null(entry)
    EXPECT_CORRUPT(last.as.sale_return.kept_count = 1);
    EXPECT_CORRUPT(last.as.sale_return.kept = kept);
    EXPECT_CORRUPT(last.as.sale_return.redeemed = 1);
    EXPECT_CORRUPT(last.as.sale_return.taken_as_debt = -1);
#undef EXPECT_CORRUPT
    last.as.sale_return = sound;
    cr_expect_not_null(returned(sale, &last, command));
}

Test(plan_return, nothing_comes_back_twice)
{
    lines[0] = line_of("food", 10000);
    lines[1] = line_of("food", 0);
    lines[1].quantity_milli = 0;
    const struct jf_entry *sale = sold("2026-02-10", 2, 0);
    struct jf_return_line back = {.line_number = 2, .quantity_milli = 1};
    expect_refused(sale, NULL, return_of("2026-02-11", &back, 1), JF_REFUSAL_RETURN_EXCEEDS_KEPT);
    back = (struct jf_return_line){.line_number = 2, .is_whole = true};
    const struct jf_entry *last = returned(sale, NULL, return_of("2026-02-11", &back, 1));
    cr_assert_not_null(last);
    cr_expect(last->as.sale_return.is_visit);
    expect_refused(sale, last, return_of("2026-02-11", &back, 1), JF_REFUSAL_RETURN_EXCEEDS_KEPT);
    last = returned(sale, last, return_all_of("2026-02-11"));
    cr_assert_not_null(last);
    cr_assert_eq(last->as.sale_return.line_count, 1);
    cr_expect_eq(last->as.sale_return.lines[0].line_number, 1);
    cr_expect_not(last->as.sale_return.is_visit);
    expect_refused(sale, last, return_all_of("2026-02-11"), JF_REFUSAL_RETURN_EXCEEDS_KEPT);
    cr_expect_str_eq(world.refusal.field, "all");
}

Test(plan_return, a_part_of_a_line_keeps_its_share)
{
    lines[0] = line_of("food", 1000);
    lines[0].quantity_milli = 3000;
    const struct jf_entry *sale = sold("2026-02-10", 1, 0);
    cr_expect_eq(sale->points_granted, 10);
    struct jf_return_line back = {.line_number = 1, .quantity_milli = 1000};
    const struct jf_entry *entry = returned(sale, NULL, return_of("2026-02-11", &back, 1));
    cr_assert_not_null(entry);
    cr_expect_eq(traced(entry, JF_TRACE_KEPT)->amount, 667);
    cr_expect_eq(entry->points_granted, -4);
    cr_expect_eq(entry->as.sale_return.spend, 667);
    cr_expect_eq(entry->as.sale_return.spend_delta, -333);
    cr_expect_eq(entry->as.sale_return.points_delta, -4);
    cr_expect_eq(entry->as.sale_return.visit_delta, 0);
    cr_expect_eq(entry->as.sale_return.taken_from_lot, 4);
    cr_expect_eq(entry->as.sale_return.sale_position, sale->position);
    cr_expect_eq(entry->as.sale_return.sale_date, date_of("2026-02-10"));
    cr_expect_eq(traced(entry, JF_TRACE_TAKEN_BACK)->points, -4);
    cr_expect_eq(entry->balance.available, 6);
    cr_expect_eq(world.members[1]->lots[0].granted, 6);
    cr_expect_eq(world.members[1]->months[0].spend, 667);
}

Test(plan_return, a_bonus_whose_threshold_is_no_longer_met_goes_back)
{
    lines[0] = line_of("food", 4000);
    lines[1] = line_of("food", 1000);
    const struct jf_entry *sale = sold("2026-02-10", 2, 0);
    cr_expect_eq(sale->points_granted, 70);
    struct jf_return_line back = {.line_number = 2, .is_whole = true};
    const struct jf_entry *entry = returned(sale, NULL, return_of("2026-02-11", &back, 1));
    cr_expect_eq(entry->points_granted, -30);
    cr_expect_eq(posted(entry, JF_ACCOUNT_ISSUED), 30);
    cr_expect_eq(entry->balance.available, 40);
    cr_expect_eq(entry->as.sale_return.granted_count, 1, "base alone");
}

Test(plan_return, a_return_is_judged_by_the_calendar_of_the_sale)
{
    lines[0] = line_of("food", 2000);
    lines[1] = line_of("food", 1000);
    const struct jf_entry *sale = sold("2026-02-08", 2, 0);
    cr_expect_eq(sale->points_granted, 60);
    struct jf_return_line back = {.line_number = 2, .is_whole = true};
    const struct jf_entry *entry = returned(sale, NULL, return_of("2026-02-11", &back, 1));
    cr_expect_eq(entry->points_granted, -20);
    cr_expect_eq(entry->business_date, date_of("2026-02-11"));
}

Test(plan_return, excluded_tenders_shrink_with_what_is_kept)
{
    lines[0] = line_of("food", 3000);
    lines[1] = line_of("food", 1000);
    struct jf_tender tenders[2] = {{JF_TEXT("insurance"), 2000}, {JF_TEXT("cash"), 2000}};
    struct jf_command command = sale_of(1, "2026-02-10", lines, 2);
    command.as.sale.receipt.tenders = tenders;
    command.as.sale.receipt.tender_count = 2;
    const struct jf_entry *sale = world_post(&world, &command);
    cr_assert_not_null(sale);
    cr_expect_eq(sale->points_granted, 20);
    struct jf_return_line back = {.line_number = 2, .is_whole = true};
    const struct jf_entry *entry = returned(sale, NULL, return_of("2026-02-11", &back, 1));
    cr_expect_eq(entry->points_granted, -5); // 30.00 kept, 15.00 of them insurance
}

Test(plan_return, tenders_that_round_up_never_refuse_a_return)
{
    lines[0] = line_of("food", 1);
    lines[1] = line_of("food", 1);
    struct jf_tender tenders[2] = {{JF_TEXT("insurance"), 1}, {JF_TEXT("voucher"), 1}};
    struct jf_command command = sale_of(1, "2026-02-10", lines, 2);
    command.as.sale.receipt.tenders = tenders;
    command.as.sale.receipt.tender_count = 2;
    const struct jf_entry *sale = world_post(&world, &command);
    cr_assert_not_null(sale);
    struct jf_return_line back = {.line_number = 2, .is_whole = true};
    cr_expect_not_null(returned(sale, NULL, return_of("2026-02-11", &back, 1)));
}

Test(plan_return, redeemed_points_go_back_to_their_lots_last_spent_first)
{
    world_buys(&world, 1, "2026-01-10", 3000); // 30 until 30 April
    world_buys(&world, 1, "2026-02-10", 4000); // 40 until 31 May
    lines[0] = line_of("food", 400);
    lines[1] = line_of("food", 600);
    const struct jf_entry *sale = sold("2026-03-10", 2, 60); // pays 6.00 of 10.00
    cr_expect_eq(sale->redeemed_value, 600);
    cr_expect_eq(sale->points_granted, 4);
    struct jf_return_line back = {.line_number = 1, .is_whole = true};
    const struct jf_entry *first = returned(sale, NULL, return_of("2026-03-11", &back, 1));
    cr_assert_not_null(first);
    cr_expect_eq(first->as.sale_return.redeemed, 36);
    cr_expect_eq(first->points_redeemed, -24);
    cr_expect_eq(first->redeemed_value, -240);
    cr_expect_eq(posted(first, JF_ACCOUNT_REDEEMED), -24);
    cr_assert_eq(first->as.sale_return.given_back_count, 1);
    cr_expect_eq(first->as.sale_return.given_back[0].expires_on, date_of("2026-05-31"));
    cr_expect_eq(traced(first, JF_TRACE_GIVEN_BACK)->points, 24);
    const struct jf_entry *rest = returned(sale, first, return_all_of("2026-05-15"));
    cr_assert_not_null(rest);
    cr_expect_eq(rest->points_redeemed, -36);
    cr_expect_eq(rest->redeemed_value, -360);
    cr_assert_eq(rest->as.sale_return.given_back_count, 2);
    cr_expect_eq(rest->as.sale_return.given_back[0].points, 30);
    cr_expect_eq(rest->as.sale_return.given_back[1].points, 30);
    // The lot of April is over: its points expire at once.
    cr_expect_eq(rest->balance.available, 40);
    cr_expect_eq(posted(rest, JF_ACCOUNT_AVAILABLE), 6 - 2);
    cr_expect_eq(posted(rest, JF_ACCOUNT_EXPIRED), 30);
    cr_expect_eq(traced(rest, JF_TRACE_EXPIRED)->points, 30);
    cr_expect_eq(jf_member_balance(world.members[1]), 40);
}

Test(plan_return, points_that_were_spent_become_debt_and_new_points_pay_it)
{
    world_buys(&world, 1, "2026-01-10", 1000); // 10 until 30 April
    lines[0] = line_of("food", 2000);
    const struct jf_entry *sale = sold("2026-02-10", 1, 0);
    struct jf_command redeem = redeem_of(1, "2026-02-11", 20);
    cr_assert_not_null(world_post(&world, &redeem));
    const struct jf_entry *entry = returned(sale, NULL, return_all_of("2026-02-12"));
    cr_assert_not_null(entry);
    cr_expect_eq(entry->as.sale_return.taken_from_lot, 10);
    cr_expect_eq(entry->as.sale_return.taken_as_debt, 10);
    cr_expect_eq(posted(entry, JF_ACCOUNT_DEBT), -10);
    cr_expect_eq(traced(entry, JF_TRACE_DEBT)->points, -10);
    cr_expect_eq(entry->balance.debt, 10);
    cr_expect_eq(entry->balance.available, 0);
    const struct jf_entry *next = world_buys(&world, 1, "2026-02-13", 2500);
    cr_expect_eq(next->as.sale.debt_paid, 10);
    cr_expect_eq(next->balance.available, 15);
    cr_expect_eq(next->balance.debt, 0);
}

Test(plan_return, what_is_given_back_meets_what_is_owed_in_the_same_return)
{
    world_buys(&world, 1, "2026-02-09", 2000);
    lines[0] = line_of("food", 2000);
    const struct jf_entry *sale = sold("2026-02-10", 1, 10); // the lot: 20 - 10 + 19
    cr_expect_eq(sale->points_granted, 19);
    struct jf_command redeem = redeem_of(1, "2026-02-11", 20);
    cr_assert_not_null(world_post(&world, &redeem));
    const struct jf_entry *entry = returned(sale, NULL, return_all_of("2026-02-12"));
    cr_expect_eq(entry->as.sale_return.taken_from_lot, 19); // 9 left and the 10 given back
    cr_expect_eq(entry->as.sale_return.taken_as_debt, 0);
    cr_expect_eq(entry->balance.available, 0);
    cr_expect_eq(entry->balance.debt, 0);
}

Test(plan_return, a_full_return_restores_the_debt_that_the_grant_paid)
{
    world_room(&world.members[1], 8);
    world.members[1]->debts[0] = (struct jf_debt){.entity = {1}, .points = 5};
    world.members[1]->debts[1] = (struct jf_debt){.entity = {2}, .points = 7};
    world.members[1]->debt_count = 2;
    world_buys(&world, 1, "2026-03-10", 300); // pays 3 to the first
    lines[0] = line_of("food", 2000);
    lines[1] = line_of("food", 1000);
    const struct jf_entry *sale = sold("2026-02-10", 2, 0);
    cr_expect_eq(sale->as.sale.debt_paid, 9);
    world_buys(&world, 1, "2026-02-11", 5000); // the lot holds more than this sale put into it
    struct jf_return_line back = {.line_number = 1, .is_whole = true};
    const struct jf_entry *last = returned(sale, NULL, return_of("2026-02-12", &back, 1));
    cr_expect_eq(last->as.sale_return.taken_from_lot, 20);
    last = returned(sale, last, return_all_of("2026-02-12"));
    cr_expect_eq(last->as.sale_return.taken_from_lot, 21);
    cr_expect_eq(last->as.sale_return.taken_as_debt, 9);
    const struct jf_member *member = world.members[1];
    cr_assert_eq(member->debt_count, 2);
    cr_expect_eq(member->debts[0].points, 2);
    cr_expect_eq(member->debts[1].points, 7);
}

Test(plan_return, debts_to_too_many_entities_are_refused)
{
    lines[0] = line_of("food", 2000);
    const struct jf_entry *sale = sold("2026-02-10", 1, 0);
    struct jf_command redeem = redeem_of(1, "2026-02-11", 20);
    cr_assert_not_null(world_post(&world, &redeem));
    world_room(&world.members[1], JF_DEBTS_PER_MEMBER_MAX);
    for (uint32_t i = 0; i < JF_DEBTS_PER_MEMBER_MAX; i++) {
        world.members[1]->debts[i] = (struct jf_debt){.entity = {i + 10}, .points = 1};
    }
    world.members[1]->debt_count = JF_DEBTS_PER_MEMBER_MAX;
    expect_refused(sale, NULL, return_all_of("2026-02-12"), JF_REFUSAL_LIMIT_REACHED);
    world.members[1]->debts[0].points = INT64_MAX - JF_DEBTS_PER_MEMBER_MAX + 1;
    expect_refused(sale, NULL, return_all_of("2026-02-12"), JF_REFUSAL_OVERFLOW);
}

Test(plan_return, points_that_expired_unspent_are_not_owed)
{
    lines[0] = line_of("food", 2000);
    const struct jf_entry *sale = sold("2026-02-10", 1, 0);
    const struct jf_entry *entry = returned(sale, NULL, return_all_of("2026-07-01"));
    cr_expect_eq(entry->as.sale_return.taken_as_debt, 0);
    cr_expect_eq(jf_member_balance(world.members[1]), 0);
}

Test(plan_return, points_posted_as_expired_are_taken_where_they_lie)
{
    lines[0] = line_of("food", 2000);
    const struct jf_entry *sale = sold("2026-02-10", 1, 0);
    world.members[1]->lots[0].expired = 15;
    world.members[1]->lots[0].remaining = 5;
    struct jf_command command = return_all_of("2026-07-01");
    struct jf_entry *entry = NULL;
    world.sale = sale;
    cr_assert_eq(world_plan(&world, &command, &entry), JF_OK);
    cr_assert_not_null(entry);
    cr_expect_eq(posted(entry, JF_ACCOUNT_AVAILABLE), -5);
    cr_expect_eq(posted(entry, JF_ACCOUNT_EXPIRED), -15);
    cr_expect_eq(posted(entry, JF_ACCOUNT_ISSUED), 20);
    cr_expect_eq(posted(entry, JF_ACCOUNT_DEBT), 0);
}

Test(plan_return, a_debt_that_was_paid_since_is_not_unmade)
{
    // The bonus falls away first, as debt, because the points are spent; the debt is paid by
    // another sale; then the redemption comes back into the lot, which could have paid.
    world_buys(&world, 1, "2026-02-09", 3000);
    lines[0] = line_of("food", 4900);
    lines[1] = line_of("food", 100);
    const struct jf_entry *sale = sold("2026-02-10", 2, 30); // 30 spent; grants 47 + 20
    cr_expect_eq(sale->points_granted, 67);
    struct jf_command redeem = redeem_of(1, "2026-02-11", 60);
    cr_assert_not_null(world_post(&world, &redeem)); // 7 left
    struct jf_return_line back = {.line_number = 2, .is_whole = true};
    const struct jf_entry *first = returned(sale, NULL, return_of("2026-02-12", &back, 1));
    cr_assert_not_null(first);
    int64_t debt = first->as.sale_return.taken_as_debt;
    cr_expect_gt(debt, 0);
    world_buys(&world, 1, "2026-03-01", 10000); // 120 points: they pay it, into another lot
    cr_expect_eq(jf_member_debt(world.members[1]), 0);
    const struct jf_entry *rest = returned(sale, first, return_all_of("2026-03-02"));
    cr_assert_not_null(rest);
    cr_expect_geq(rest->as.sale_return.taken_as_debt, debt);
    cr_expect_eq(rest->as.sale_return.taken_from_lot + rest->as.sale_return.taken_as_debt, 67);
    cr_expect_eq(jf_member_balance(world.members[1]), 30 + 120 - 60);
}

Test(plan_return, closed_and_frozen_members_may_return)
{
    lines[0] = line_of("food", 2000);
    const struct jf_entry *sale = sold("2026-02-10", 1, 0);
    world.members[1]->status = JF_MEMBER_CLOSED;
    cr_expect_not_null(returned(sale, NULL, return_all_of("2026-02-12")));
}

Test(plan_return, a_full_return_leaves_counters_as_if_the_sale_had_not_been)
{
    world_buys(&world, 1, "2026-01-10", 3000);
    lines[0] = line_of("food", 2000);
    const struct jf_entry *sale = sold("2026-02-10", 1, 0);
    const struct jf_entry *entry = returned(sale, NULL, return_all_of("2026-03-12"));
    cr_expect_eq(entry->as.sale_return.sale_month_index, 2026 * 12 + 1);
    cr_expect_eq(entry->as.sale_return.visit_delta, -1);
    cr_expect_eq(entry->as.sale_return.granted_count, 0);
    cr_assert_eq(world.members[1]->month_count, 1);
    cr_expect_eq(world.members[1]->months[0].spend, 3000);
    cr_expect_eq(world.members[1]->visits, 1);
    cr_expect_eq(world.members[1]->lot_count, 1);
}
