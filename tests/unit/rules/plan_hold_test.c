// Claims about holds: what they set aside can be spent by nobody else, exactly once, and is in its
// lots again afterwards; a hold past its deadline counts as void for whoever asks.
#include <criterion/criterion.h>

#include "programmes.h"
#include "world.h"

#define MINUTE_MS ((int64_t)60000)

static struct world world;

static void opened(void)
{
    world_open(&world, PROGRAMME_PLAIN);
    world_enrol(&world, 1);
}

static void closed(void)
{
    world_close(&world);
}

TestSuite(plan_hold, .init = opened, .fini = closed);

static void expect_refused(struct jf_command command, enum jf_refusal_code code)
{
    cr_expect_null(world_post(&world, &command));
    cr_expect_str_eq(jf_refusal_name(world.refusal.code), jf_refusal_name(code));
}

static const struct jf_entry *holds(const char *at, int64_t points)
{
    struct jf_command command = hold_of(1, at, points);
    const struct jf_entry *entry = world_post(&world, &command);
    cr_assert_not_null(entry, "%s", jf_refusal_name(world.refusal.code));
    return entry;
}

static const struct jf_entry *captures(const struct jf_entry *hold, const char *at, int64_t points)
{
    struct jf_command command = capture_of(at, points);
    world.hold = hold;
    return world_post(&world, &command);
}

static const struct jf_entry *voids(const struct jf_entry *hold, const char *at)
{
    struct jf_command command = void_of(at);
    world.hold = hold;
    return world_post(&world, &command);
}

Test(plan_hold, refusals_come_in_the_order_of_a_redemption)
{
    expect_refused(hold_of(2, "2026-02-10", 20), JF_REFUSAL_UNKNOWN_MEMBER);
    expect_refused(hold_of(1, "2025-12-31", 20), JF_REFUSAL_NO_PROGRAMME);
    expect_refused(hold_of(1, "2027-01-01", 20), JF_REFUSAL_IN_FUTURE);
    world.members[1]->status = JF_MEMBER_CLOSED;
    expect_refused(hold_of(1, "2026-02-10", 5), JF_REFUSAL_MEMBER_CLOSED);
    world.members[1]->status = JF_MEMBER_FROZEN;
    expect_refused(hold_of(1, "2026-02-10", 5), JF_REFUSAL_MEMBER_FROZEN);
    world.members[1]->status = JF_MEMBER_ACTIVE;
    expect_refused(hold_of(1, "2026-02-10", 5), JF_REFUSAL_BELOW_MINIMUM);
    expect_refused(hold_of(1, "2026-02-10", 25), JF_REFUSAL_NOT_A_STEP);
    expect_refused(hold_of(1, "2026-02-10", 30), JF_REFUSAL_INSUFFICIENT_POINTS);
}

static void expect_capture_refused(const struct jf_entry *hold, const char *at, int64_t points,
                                   enum jf_refusal_code code)
{
    cr_expect_null(captures(hold, at, points));
    cr_expect_str_eq(jf_refusal_name(world.refusal.code), jf_refusal_name(code));
}

// Without OVERFLOW, the last of the list: a hold whose value overflows is refused itself.
Test(plan_hold, capture_refusals_come_in_their_order)
{
    world_close(&world);
    world_open(&world, PROGRAMME_PLAIN "rewards:\n  - {code: mug, points: 30}\n");
    world_enrol(&world, 1);
    const struct jf_entry *sale = world_buys(&world, 1, "2026-03-10", 10000);
    struct jf_command command = hold_of(1, "2026-03-11", 60);
    command.as.hold.reward = JF_TEXT("mug");
    const struct jf_entry *hold = world_post(&world, &command);
    cr_assert_not_null(hold, "%s", jf_refusal_name(world.refusal.code));
    expect_capture_refused(NULL, "2027-06-01", 95, JF_REFUSAL_UNKNOWN_TRANSACTION);
    expect_capture_refused(sale, "2027-06-01", 95, JF_REFUSAL_UNKNOWN_TRANSACTION);
    expect_capture_refused(hold, "2027-06-01", 95, JF_REFUSAL_IN_FUTURE);
    expect_capture_refused(hold, "2026-03-12", 95, JF_REFUSAL_HOLD_ENDED);
    expect_capture_refused(hold, "2026-03-11", 95, JF_REFUSAL_NOT_A_STEP);
    expect_capture_refused(hold, "2026-03-11", 90, JF_REFUSAL_INSUFFICIENT_POINTS);
    cr_expect_not_null(captures(hold, "2026-03-11", 30));
}

static void expect_void_refused(const struct jf_entry *hold, const char *at,
                                enum jf_refusal_code code)
{
    cr_expect_null(voids(hold, at));
    cr_expect_str_eq(jf_refusal_name(world.refusal.code), jf_refusal_name(code));
}

Test(plan_hold, void_refusals_come_in_their_order)
{
    world_buys(&world, 1, "2026-03-10", 10000);
    const struct jf_entry *hold = holds("2026-03-11", 60);
    expect_void_refused(NULL, "2027-06-01", JF_REFUSAL_UNKNOWN_TRANSACTION);
    expect_void_refused(hold, "2027-06-01", JF_REFUSAL_IN_FUTURE);
    expect_void_refused(hold, "2026-03-12", JF_REFUSAL_HOLD_ENDED);
    cr_expect_not_null(voids(hold, "2026-03-11"));
}

Test(plan_hold, a_hold_takes_points_out_of_their_lots_and_keeps_them)
{
    world_buys(&world, 1, "2026-02-10", 3000); // 30 until 31 May
    world_buys(&world, 1, "2026-03-10", 5000); // 50 until 30 June
    const struct jf_entry *entry = holds("2026-03-11", 40);
    cr_expect_eq(entry->kind, JF_ENTRY_HOLD);
    cr_expect_eq(entry->points_redeemed, 0);
    cr_expect_eq(posted(entry, JF_ACCOUNT_AVAILABLE), -40);
    cr_expect_eq(posted(entry, JF_ACCOUNT_HELD), 40);
    cr_assert_eq(entry->as.hold.held_count, 2);
    cr_expect_eq(entry->as.hold.held[0].points, 30);
    cr_expect_eq(entry->as.hold.held[0].expires_on, date_of("2026-05-31"));
    cr_expect_eq(entry->balance.available, 40);
    cr_expect_eq(entry->balance.held, 40);
    const struct jf_trace_step *step = traced(entry, JF_TRACE_HELD);
    cr_assert_not_null(step);
    cr_expect_eq(step->points, 40);
    cr_expect_eq(step->amount, 40);
    cr_expect_eq(jf_member_balance(world.members[1]), 80);
    cr_expect_eq(world.members[1]->holds[0].position, entry->position);
}

Test(plan_hold, holds_together_never_exceed_the_balance)
{
    world_buys(&world, 1, "2026-02-10", 10000); // 100
    holds("2026-02-11", 60);
    expect_refused(hold_of(1, "2026-02-11", 60), JF_REFUSAL_INSUFFICIENT_POINTS);
    cr_expect_eq(world.refusal.needed, 60);
    cr_expect_eq(world.refusal.available, 40);
    holds("2026-02-11", 40);
    expect_refused(hold_of(1, "2026-02-11", 20), JF_REFUSAL_INSUFFICIENT_POINTS);
    expect_refused(redeem_of(1, "2026-02-11", 20), JF_REFUSAL_INSUFFICIENT_POINTS);
    cr_expect_eq(jf_member_held(world.members[1]), 100);
}

Test(plan_hold, a_capture_spends_what_is_held_for_the_store_of_the_hold)
{
    world_buys(&world, 1, "2026-02-10", 10000);
    struct jf_command command = hold_of(1, "2026-02-11", 60);
    command.as.hold.store.value = 3; // entity 2
    const struct jf_entry *hold = world_post(&world, &command);
    cr_assert_not_null(hold);
    const struct jf_entry *entry = captures(hold, "2026-02-11", 0);
    cr_assert_not_null(entry, "%s", jf_refusal_name(world.refusal.code));
    cr_expect_eq(entry->kind, JF_ENTRY_CAPTURE);
    cr_expect_eq(entry->points_redeemed, 60);
    cr_expect_eq(entry->redeemed_value, 60);
    cr_expect_eq(entry->programme_version, 1);
    cr_expect_eq(posted(entry, JF_ACCOUNT_HELD), -60);
    cr_expect_eq(posted(entry, JF_ACCOUNT_AVAILABLE), 0);
    cr_expect_eq(posted(entry, JF_ACCOUNT_REDEEMED), 60);
    cr_expect_eq(entry->postings[entry->posting_count - 1].entity.value, 2);
    cr_expect_eq(entry->as.hold_end.hold_position, hold->position);
    cr_assert_eq(entry->as.hold_end.captured_count, 1);
    cr_expect_eq(entry->as.hold_end.captured[0].points, 60);
    cr_expect_eq(entry->balance.available, 40);
    cr_expect_eq(entry->balance.held, 0);
    cr_expect_eq(world.members[1]->hold_count, 0);
}

Test(plan_hold, a_partial_capture_spends_in_order_and_gives_the_rest_back)
{
    world_buys(&world, 1, "2026-02-10", 3000); // 30 until 31 May
    world_buys(&world, 1, "2026-03-10", 5000); // 50 until 30 June
    const struct jf_entry *hold = holds("2026-03-11", 70);
    const struct jf_entry *entry = captures(hold, "2026-03-11", 45);
    cr_assert_not_null(entry);
    cr_expect_eq(entry->points_redeemed, 45);
    cr_assert_eq(entry->as.hold_end.captured_count, 2);
    cr_expect_eq(entry->as.hold_end.captured[1].points, 15);
    cr_expect_eq(posted(entry, JF_ACCOUNT_HELD), -70);
    cr_expect_eq(posted(entry, JF_ACCOUNT_AVAILABLE), 25);
    cr_expect_eq(traced(entry, JF_TRACE_CAPTURED)->points, 45);
    cr_expect_eq(traced(entry, JF_TRACE_VOIDED)->points, 25);
    cr_expect_eq(entry->balance.available, 35);
    // Two partial captures: the second finds that the hold has ended.
    cr_expect_null(captures(hold, "2026-03-11", 25));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_HOLD_ENDED);
}

Test(plan_hold, more_than_is_held_cannot_be_captured)
{
    world_buys(&world, 1, "2026-02-10", 10000);
    const struct jf_entry *hold = holds("2026-02-11", 60);
    cr_expect_null(captures(hold, "2026-02-11", 61));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_INSUFFICIENT_POINTS);
    cr_expect_eq(world.refusal.needed, 61);
    cr_expect_eq(world.refusal.available, 60);
}

Test(plan_hold, a_part_is_worth_its_share_half_up)
{
    struct jf_command publish = {.kind = JF_COMMAND_PUBLISH, .transaction_id = JF_TEXT("t")};
    publish.as.publish.yaml =
        JF_TEXT("name: p\neffective_from: 2026-01-01T00:00:00Z\n"
                "earn: {points: 1, per_amount: 1.00}\nexpiry: {policy: never}\n"
                "redemption: {points: 10, amount: 0.05}\n");
    cr_assert_not_null(world_post(&world, &publish), "%s", world.refusal.detail);
    world_buys(&world, 1, "2026-02-10", 10000);
    const struct jf_entry *hold = holds("2026-02-11", 20);
    cr_expect_eq(captures(hold, "2026-02-11", 3)->redeemed_value, 2, "1.5 of a fen");
}

Test(plan_hold, a_void_gives_all_back)
{
    world_buys(&world, 1, "2026-02-10", 10000);
    const struct jf_entry *hold = holds("2026-02-11", 60);
    const struct jf_entry *entry = voids(hold, "2026-02-11");
    cr_assert_not_null(entry);
    cr_expect_eq(entry->kind, JF_ENTRY_VOID);
    cr_expect_eq(entry->points_redeemed, 0);
    cr_expect_eq(entry->balance.available, 100);
    cr_expect_eq(entry->balance.held, 0);
    cr_expect_eq(traced(entry, JF_TRACE_VOIDED)->exact, (int64_t)hold->position);
    cr_expect_null(voids(hold, "2026-02-11"));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_HOLD_ENDED);
    cr_expect_null(captures(hold, "2026-02-11", 0));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_HOLD_ENDED);
}

Test(plan_hold, who_ended_the_hold_is_told)
{
    world_buys(&world, 1, "2026-02-10", 10000);
    const struct jf_entry *hold = holds("2026-02-11", 60);
    world.hold_end_position = captures(hold, "2026-02-11", 0)->position;
    cr_expect_null(voids(hold, "2026-02-11"));
    cr_expect_eq(world.refusal.position, hold->position + 1);
}

Test(plan_hold, what_is_no_hold_cannot_be_captured)
{
    const struct jf_entry *sale = world_buys(&world, 1, "2026-02-10", 10000);
    expect_refused(capture_of("2026-02-11", 0), JF_REFUSAL_UNKNOWN_TRANSACTION);
    cr_expect_null(captures(sale, "2026-02-11", 0));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_UNKNOWN_TRANSACTION);
    // A hold that was refused left nothing that could be captured.
    expect_refused(hold_of(1, "2026-02-11", 200), JF_REFUSAL_INSUFFICIENT_POINTS);
    expect_refused(void_of("2026-02-11"), JF_REFUSAL_UNKNOWN_TRANSACTION);
    const struct jf_entry *hold = holds("2026-02-11", 60);
    cr_expect_null(captures(hold, "2027-02-11", 0));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_IN_FUTURE);
}

Test(plan_hold, a_frozen_member_cannot_hold_and_can_capture)
{
    world_buys(&world, 1, "2026-02-10", 10000);
    const struct jf_entry *hold = holds("2026-02-11", 60);
    world.members[1]->status = JF_MEMBER_FROZEN;
    expect_refused(hold_of(1, "2026-02-11", 20), JF_REFUSAL_MEMBER_FROZEN);
    cr_expect_not_null(captures(hold, "2026-02-11", 20));
}

Test(plan_hold, the_deadline_is_the_last_instant_of_a_capture)
{
    world_buys(&world, 1, "2026-02-10", 10000);
    struct jf_command command = hold_of(1, "2026-02-11", 60);
    const struct jf_entry *hold = world_post(&world, &command);
    struct jf_command capture = capture_of("2026-02-11", 0);
    capture.as.capture.captured_at_ms = command.as.hold.deadline_ms + 1;
    world.hold = hold;
    cr_expect_null(world_post(&world, &capture));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_HOLD_ENDED);
    cr_expect_eq(world.refusal.position, 0);
    capture.as.capture.captured_at_ms = command.as.hold.deadline_ms;
    world.hold = hold;
    cr_expect_not_null(world_post(&world, &capture));
}

Test(plan_hold, what_is_overdue_is_given_back_by_who_spends)
{
    world_buys(&world, 1, "2026-02-10", 3000);
    world_buys(&world, 1, "2026-03-10", 5000);
    const struct jf_entry *first = holds("2026-03-11", 20);
    const struct jf_entry *second = holds("2026-03-11", 40);
    const struct jf_entry *third = holds("2026-03-12", 20); // both overdue, and needed
    cr_assert_eq(third->voided_hold_count, 2);
    cr_expect_eq(third->voided_holds[0], first->position);
    cr_expect_eq(third->voided_holds[1], second->position);
    cr_expect_eq(posted(third, JF_ACCOUNT_HELD), 20 - 60);
    cr_expect_eq(posted(third, JF_ACCOUNT_AVAILABLE), 60 - 20);
    cr_expect_eq(third->balance.available, 60);
    cr_expect_eq(third->balance.held, 20);
    cr_assert_eq(third->trace[0].kind, JF_TRACE_VOIDED);
    cr_expect_eq(third->trace[0].points, 20);
    cr_expect_eq(third->trace[1].points, 40);
    cr_expect_eq(third->as.hold.held[0].expires_on, date_of("2026-05-31"), "earliest expiry first");
    cr_expect_null(captures(first, "2026-03-11", 0));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_HOLD_ENDED);
    struct jf_command command = redeem_of(1, "2026-03-13", 80);
    const struct jf_entry *redemption = world_post(&world, &command);
    cr_assert_not_null(redemption, "%s", jf_refusal_name(world.refusal.code));
    cr_expect_eq(redemption->voided_hold_count, 1);
    cr_expect_eq(redemption->points_redeemed, 80);
    cr_expect_eq(redemption->balance.available, 0);
    cr_expect_eq(world.members[1]->hold_count, 0);
}

Test(plan_hold, a_capture_voids_the_others_that_are_overdue)
{
    world_buys(&world, 1, "2026-02-10", 10000);
    holds("2026-02-11", 20);
    struct jf_command command = hold_of(1, "2026-02-11", 40);
    command.as.hold.deadline_ms += 2 * 24 * 60 * MINUTE_MS;
    const struct jf_entry *longer = world_post(&world, &command);
    const struct jf_entry *entry = captures(longer, "2026-02-12", 40);
    cr_assert_not_null(entry);
    cr_expect_eq(entry->voided_hold_count, 1);
    cr_expect_eq(entry->balance.available, 60);
    cr_expect_eq(entry->points_redeemed, 40);
}

Test(plan_hold, a_sale_with_a_redemption_gives_back_what_is_overdue_and_one_without_does_not)
{
    world_buys(&world, 1, "2026-02-10", 10000);
    holds("2026-02-11", 60);
    const struct jf_entry *sale = world_buys(&world, 1, "2026-02-12", 1000);
    cr_expect_eq(sale->voided_hold_count, 0);
    cr_expect_eq(sale->balance.held, 0, "past its deadline, whether or not an entry has said so");
    cr_expect_eq(sale->balance.available, 110);
    struct jf_line line = line_of("food", 10000);
    struct jf_command command = sale_of(1, "2026-02-12", &line, 1);
    command.as.sale.redeem_points = 100;
    sale = world_post(&world, &command);
    cr_assert_not_null(sale, "%s", jf_refusal_name(world.refusal.code));
    cr_expect_eq(sale->voided_hold_count, 1);
    cr_expect_eq(sale->points_redeemed, 100);
}

Test(plan_hold, what_expires_while_held_can_be_captured_but_not_given_back)
{
    world_buys(&world, 1, "2026-02-10", 10000); // until 31 May
    struct jf_command command = hold_of(1, "2026-05-31", 60);
    command.as.hold.deadline_ms += 24 * 60 * MINUTE_MS;
    const struct jf_entry *hold = world_post(&world, &command);
    const struct jf_entry *entry = captures(hold, "2026-06-01", 20);
    cr_assert_not_null(entry);
    cr_expect_eq(entry->points_redeemed, 20);
    cr_expect_eq(entry->balance.available, 0);
    cr_expect_eq(jf_member_balance(world.members[1]), 80, "expired, and not yet posted as expired");
}

Test(plan_hold, points_posted_as_expired_are_unexpired_by_a_hold_dated_before)
{
    world_buys(&world, 1, "2026-02-10", 10000);
    world.members[1]->lots[0].expired = 70; // as an expiry posts it
    world.members[1]->lots[0].remaining = 30;
    struct jf_command command = hold_of(1, "2026-05-31", 50);
    struct jf_entry *entry = NULL;
    cr_assert_eq(world_plan(&world, &command, &entry), JF_OK);
    cr_assert_not_null(entry);
    cr_expect_eq(posted(entry, JF_ACCOUNT_AVAILABLE), -30);
    cr_expect_eq(posted(entry, JF_ACCOUNT_EXPIRED), -20);
    cr_expect_eq(posted(entry, JF_ACCOUNT_HELD), 50);
}

Test(plan_hold, a_member_has_sixteen_holds)
{
    world_buys(&world, 1, "2026-02-10", 100000);
    for (int i = 0; i < 16; i++) {
        holds("2026-02-11", 20);
    }
    expect_refused(hold_of(1, "2026-02-11", 20), JF_REFUSAL_LIMIT_REACHED);
    cr_expect_eq(world.refusal.limit, 16);
    // Those of yesterday are over: they make room in the same entry.
    const struct jf_entry *entry = holds("2026-02-12", 20);
    cr_expect_eq(entry->voided_hold_count, 16);
    cr_expect_eq(world.members[1]->hold_count, 1);
}
