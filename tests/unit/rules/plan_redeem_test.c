// Claims about spending: refusals in their order with their facts, the order of lots, points posted
// as expired.
#include <criterion/criterion.h>

#include "programmes.h"
#include "world.h"

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

TestSuite(plan_redeem, .init = opened, .fini = closed);

static void expect_refused(struct jf_command command, enum jf_refusal_code code)
{
    cr_expect_null(world_post(&world, &command));
    cr_expect_str_eq(jf_refusal_name(world.refusal.code), jf_refusal_name(code));
}

Test(plan_redeem, what_is_named_must_be_known)
{
    expect_refused(redeem_of(2, "2026-02-10", 20), JF_REFUSAL_UNKNOWN_MEMBER);
    struct jf_command command = redeem_of(0, "2026-02-10", 20);
    command.as.redeem.member.card = JF_TEXT("nobody");
    world.is_card_unknown = true;
    expect_refused(command, JF_REFUSAL_UNKNOWN_CARD);
    command = redeem_of(1, "2026-02-10", 20);
    command.as.redeem.store.value = 99;
    expect_refused(command, JF_REFUSAL_UNKNOWN_STORE);
}

Test(plan_redeem, the_time_must_make_sense)
{
    expect_refused(redeem_of(1, "2025-12-31", 20), JF_REFUSAL_NO_PROGRAMME);
    expect_refused(redeem_of(1, "2027-01-01", 20), JF_REFUSAL_IN_FUTURE);
    world.members[1]->enrolled_on = date_of("2026-05-01");
    expect_refused(redeem_of(1, "2026-04-30", 20), JF_REFUSAL_BEFORE_ENROLMENT);
    cr_expect_str_eq(world.refusal.detail, "enrolled on 2026-05-01, business date 2026-04-30");
}

Test(plan_redeem, refusals_come_in_their_order)
{
    world.members[1]->status = JF_MEMBER_CLOSED;
    expect_refused(redeem_of(1, "2026-02-10", 5), JF_REFUSAL_MEMBER_CLOSED);
    world.members[1]->status = JF_MEMBER_FROZEN;
    expect_refused(redeem_of(1, "2026-02-10", 5), JF_REFUSAL_MEMBER_FROZEN);
    world.members[1]->status = JF_MEMBER_ACTIVE;
    expect_refused(redeem_of(1, "2026-02-10", 5), JF_REFUSAL_BELOW_MINIMUM);
    cr_expect_eq(world.refusal.needed, 20);
    cr_expect_eq(world.refusal.available, 5);
    expect_refused(redeem_of(1, "2026-02-10", 25), JF_REFUSAL_NOT_A_STEP);
    cr_expect_eq(world.refusal.limit, 10);
    expect_refused(redeem_of(1, "2026-02-10", 30), JF_REFUSAL_INSUFFICIENT_POINTS);
    cr_expect_eq(world.refusal.needed, 30);
    cr_expect_eq(world.refusal.available, 0);
}

Test(plan_redeem, redeem_refuses_expired_lot)
{
    world_buys(&world, 1, "2026-02-10", 10000); // 100 points, until 31 May
    expect_refused(redeem_of(1, "2026-06-01", 20), JF_REFUSAL_INSUFFICIENT_POINTS);
    struct jf_command command = redeem_of(1, "2026-05-31", 20);
    cr_expect_not_null(world_post(&world, &command));
}

Test(plan_redeem, a_programme_without_terms_offers_none)
{
    struct jf_command publish = {.kind = JF_COMMAND_PUBLISH, .transaction_id = JF_TEXT("t")};
    publish.as.publish.yaml =
        JF_TEXT("name: p\neffective_from: 2026-01-01T00:00:00Z\n"
                "earn: {points: 1, per_amount: 1.00}\nexpiry: {policy: never}\n");
    cr_assert_not_null(world_post(&world, &publish), "%s", world.refusal.detail);
    expect_refused(redeem_of(1, "2026-02-10", 20), JF_REFUSAL_BELOW_MINIMUM);
    cr_expect_str_eq(world.refusal.detail, "the programme offers no redemption");
}

Test(plan_redeem, a_value_that_leaves_64_bits_is_refused)
{
    struct jf_command publish = {.kind = JF_COMMAND_PUBLISH, .transaction_id = JF_TEXT("t")};
    publish.as.publish.yaml =
        JF_TEXT("name: p\neffective_from: 2026-01-01T00:00:00Z\n"
                "earn: {points: 1, per_amount: 1.00}\nexpiry: {policy: never}\n"
                "redemption: {points: 1, amount: 1000000.00}\n");
    cr_assert_not_null(world_post(&world, &publish), "%s", world.refusal.detail);
    expect_refused(redeem_of(1, "2026-02-10", JF_POINTS_MAX), JF_REFUSAL_OVERFLOW);
}

Test(plan_redeem, lots_pay_in_order_and_the_entity_of_the_store_takes)
{
    world_buys(&world, 1, "2026-03-10", 5000); // 50 until 30 June
    world_buys(&world, 1, "2026-02-10", 3000); // 30 until 31 May
    struct jf_command command = redeem_of(1, "2026-04-01", 40);
    command.as.redeem.store.value = 3;
    command.as.redeem.reward = JF_TEXT("mug");
    const struct jf_entry *entry = world_post(&world, &command);
    cr_assert_not_null(entry);
    cr_expect_eq(entry->kind, JF_ENTRY_REDEMPTION);
    cr_expect_eq(entry->points_redeemed, 40);
    cr_expect_eq(entry->redeemed_value, 40);
    cr_expect_eq(entry->programme_version, 1);
    cr_expect_eq(entry->previous_position, world.position - 1);
    cr_assert_eq(entry->posting_count, 3);
    cr_expect_eq(entry->postings[0].points, -30);
    cr_expect_eq(entry->postings[0].expires_on, date_of("2026-05-31"));
    cr_expect_eq(entry->postings[0].entity.value, 1);
    cr_expect_eq(entry->postings[1].points, -10);
    cr_expect_eq(entry->postings[2].account, JF_ACCOUNT_REDEEMED);
    cr_expect_eq(entry->postings[2].entity.value, 2);
    cr_expect_eq(entry->as.redemption.entity.value, 2);
    cr_assert_eq(entry->as.redemption.redeemed_count, 2);
    cr_expect_eq(entry->as.redemption.redeemed[1].points, 10);
    cr_expect_eq(entry->balance.available, 40);
    cr_expect_eq(entry->balance.expiring_on, date_of("2026-06-30"));
    cr_expect_not_null(traced(entry, JF_TRACE_REDEEMED));
}

Test(plan_redeem, points_posted_as_expired_are_unexpired_by_a_date_before_it)
{
    world_buys(&world, 1, "2026-02-10", 10000);
    struct jf_lot *lot = &world.members[1]->lots[0];
    lot->expired = 70; // as an expiry posts it
    lot->remaining = 30;
    struct jf_command command = redeem_of(1, "2026-05-31", 50);
    struct jf_entry *entry = NULL;
    cr_assert_eq(world_plan(&world, &command, &entry), JF_OK);
    cr_assert_not_null(entry);
    cr_expect_eq(posted(entry, JF_ACCOUNT_AVAILABLE), -30);
    cr_expect_eq(posted(entry, JF_ACCOUNT_EXPIRED), -20);
    cr_expect_eq(posted(entry, JF_ACCOUNT_REDEEMED), 50);
    cr_assert_eq(entry->as.redemption.redeemed_count, 1);
    cr_expect_eq(entry->as.redemption.redeemed[0].points, 50);
    cr_expect_eq(entry->balance.available, 50);
}

Test(plan_redeem, debt_does_not_forbid_redeeming_what_is_there)
{
    const struct jf_entry *sale = world_buys(&world, 1, "2026-02-10", 10000);
    struct jf_command command = redeem_of(1, "2026-02-11", 100);
    cr_assert_not_null(world_post(&world, &command));
    world_brings_back(&world, sale, NULL, "2026-02-12");
    cr_expect_eq(jf_member_debt(world.members[1]), 100);
    world_buys(&world, 1, "2026-02-13", 15000); // pays the debt first
    command = redeem_of(1, "2026-02-14", 60);
    expect_refused(command, JF_REFUSAL_INSUFFICIENT_POINTS);
    cr_expect_eq(world.refusal.available, 50);
}
