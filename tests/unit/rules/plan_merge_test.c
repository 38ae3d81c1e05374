// Claims about two members that become one: refusals in their order, what moves, what is left, and
// what may still be asked of the one who ceased to be.
#include <criterion/criterion.h>

#include <stdio.h>

#include "programmes.h"
#include "world.h"

static struct world world;

static void opened(void)
{
    world_open(&world, PROGRAMME_PLAIN);
    world_enrol(&world, 1);
    world_enrol(&world, 2);
}

static void closed(void)
{
    world_close(&world);
}

TestSuite(plan_merge, .init = opened, .fini = closed);

static struct jf_command merge_of(uint64_t from, uint64_t into)
{
    struct jf_command command = {.kind = JF_COMMAND_MERGE, .transaction_id = JF_TEXT("t")};
    command.as.merge.from.number.value = from;
    command.as.merge.into.number.value = into;
    return command;
}

static struct jf_command link_of(uint64_t member, struct jf_text card)
{
    struct jf_command command = {.kind = JF_COMMAND_LINK_CARD, .transaction_id = JF_TEXT("t")};
    command.as.link_card.member.number.value = member;
    command.as.link_card.card = card;
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
    cr_expect_eq(world.refusal.code, code, "%s", jf_refusal_name(world.refusal.code));
}

Test(plan_merge, refusals_come_in_their_order)
{
    expect_refused(merge_of(3, 2), JF_REFUSAL_UNKNOWN_MEMBER);
    expect_refused(merge_of(1, 3), JF_REFUSAL_UNKNOWN_MEMBER);
    world.members[1]->status = JF_MEMBER_CLOSED;
    expect_refused(merge_of(1, 1), JF_REFUSAL_INVALID_FIELD);
    cr_expect_str_eq(world.refusal.field, "into");
    expect_refused(merge_of(1, 2), JF_REFUSAL_MEMBER_CLOSED);
    expect_refused(merge_of(2, 1), JF_REFUSAL_MEMBER_CLOSED);
    world.members[1]->status = JF_MEMBER_FROZEN;
    expect_refused(merge_of(1, 2), JF_REFUSAL_MEMBER_FROZEN);
    posted_of(merge_of(2, 1)); // who goes on may be frozen, and stays so
    cr_expect_eq(world.members[1]->status, JF_MEMBER_FROZEN);
    expect_refused(merge_of(2, 1), JF_REFUSAL_MEMBER_MERGED);
    expect_refused(merge_of(1, 2), JF_REFUSAL_MEMBER_MERGED);
}

Test(plan_merge, everything_moves_and_nothing_is_left)
{
    world_buys(&world, 1, "2026-10-10", 3000);
    world_buys(&world, 1, "2026-12-10", 25000); // silver
    world_buys(&world, 2, "2026-12-11", 1000);
    posted_of(link_of(1, JF_TEXT("a")));
    posted_of(link_of(2, JF_TEXT("b")));
    world.members[1]->birth_month = 2;
    world.members[1]->birth_day = 29;
    world.members[1]->tags = 5;
    world.members[2]->tags = 2;
    const struct jf_entry *entry = posted_of(merge_of(1, 2));
    cr_expect_eq(entry->member.value, 2);
    cr_expect_eq(jf_entry_second(entry).member.value, 1);
    cr_expect_eq(traced(entry, JF_TRACE_MERGED)->points, 280);
    cr_expect_eq(entry->balance.available, 290);
    cr_expect_eq(entry->balance.tier, 1);
    const struct jf_member *gone = world.members[1];
    const struct jf_member *into = world.members[2];
    cr_expect_eq(gone->status, JF_MEMBER_MERGED);
    cr_expect_eq(gone->merged_into.value, 2);
    cr_expect_eq(gone->lot_count + gone->month_count + gone->card_count + gone->debt_count, 0);
    cr_expect_eq(gone->birth_month, 0);
    cr_expect_eq(jf_member_balance(gone), 0);
    cr_expect_eq(into->visits, 3);
    cr_assert_eq(into->month_count, 2);
    cr_expect_eq(into->months[1].spend, 26000);
    cr_expect_eq(into->months[1].points, 260);
    cr_expect_eq(into->card_count, 2);
    cr_expect_eq(into->tags, 7);
    cr_expect_eq(into->birth_month, 2);
    cr_expect_eq(into->tier, 1);
    cr_expect_eq(into->lots[0].granted, 30);
    cr_expect_eq(jf_control_liability(world.control), 290);
    expect_refused(redeem_of(1, "2026-12-12", 20), JF_REFUSAL_MEMBER_MERGED);
    cr_expect_eq(world.refusal.position, entry->position);
}

Test(plan_merge, a_sale_of_who_ceased_to_be_comes_back_from_who_goes_on)
{
    const struct jf_entry *sale = world_buys(&world, 1, "2026-12-10", 3000);
    world_buys(&world, 2, "2026-12-10", 2000);
    posted_of(merge_of(1, 2));
    const struct jf_entry *entry = world_brings_back(&world, sale, NULL, "2026-12-12");
    cr_expect_eq(entry->member.value, 2);
    cr_expect_eq(entry->balance.available, 20);
    const struct jf_member *into = world.members[2];
    cr_expect_eq(into->visits, 1);
    cr_expect_eq(into->months[0].spend, 2000);
    cr_expect_eq(jf_member_debt(into), 0);
}

Test(plan_merge, a_full_return_after_a_merge_leaves_what_the_other_had)
{
    const struct jf_entry *other = world_buys(&world, 2, "2026-12-10", 2000);
    const struct jf_entry *sale = world_buys(&world, 1, "2026-11-10", 3000);
    posted_of(merge_of(1, 2));
    world_brings_back(&world, sale, NULL, "2026-12-12");
    world_brings_back(&world, other, NULL, "2026-12-12");
    const struct jf_member *into = world.members[2];
    cr_expect_eq(into->lot_count + into->month_count + into->debt_count, 0);
    cr_expect_eq(into->visits, 0);
}

Test(plan_merge, debts_move)
{
    const struct jf_entry *sale = world_buys(&world, 1, "2026-12-10", 3000);
    posted_of(redeem_of(1, "2026-12-11", 30));
    world_brings_back(&world, sale, NULL, "2026-12-12");
    const struct jf_entry *entry = posted_of(merge_of(1, 2));
    cr_expect_eq(entry->balance.debt, 30);
    cr_expect_eq(jf_member_debt(world.members[1]), 0);
    cr_expect_eq(jf_member_debt(world.members[2]), 30);
}

Test(plan_merge, holds_move_in_their_order_and_can_be_captured)
{
    world_buys(&world, 1, "2026-12-10", 10000);
    world_buys(&world, 2, "2026-12-10", 10000);
    const struct jf_entry *first = posted_of(hold_of(1, "2026-12-31", 20));
    const struct jf_entry *second = posted_of(hold_of(2, "2026-12-31", 30));
    const struct jf_entry *third = posted_of(hold_of(1, "2026-12-31", 40));
    const struct jf_entry *entry = posted_of(merge_of(1, 2));
    cr_expect_eq(traced(entry, JF_TRACE_MERGED)->points, 100);
    cr_expect_eq(entry->balance.held, 90);
    cr_expect_eq(entry->balance.available, 110);
    const struct jf_member *into = world.members[2];
    cr_assert_eq(into->hold_count, 3);
    cr_expect_eq(into->holds[0].position, first->position);
    cr_expect_eq(into->holds[1].position, second->position);
    cr_expect_eq(into->holds[2].position, third->position);
    cr_expect_eq(into->hold_parts[2].points, 40);
    struct jf_command capture = {.kind = JF_COMMAND_CAPTURE, .transaction_id = JF_TEXT("t")};
    capture.as.capture.hold_transaction_id = JF_TEXT("t");
    capture.as.capture.captured_at_ms = noon_ms("2026-12-31");
    world.hold = third;
    entry = posted_of(capture);
    cr_expect_eq(entry->member.value, 2);
    cr_expect_eq(entry->balance.held, 50);
}

Test(plan_merge, holds_past_their_deadline_are_given_back_first_on_both_sides)
{
    for (uint64_t member = 1; member <= 2; member++) {
        world_buys(&world, member, "2026-12-10", 10000);
        struct jf_command hold = hold_of(member, "2026-12-11", 20);
        hold.as.hold.deadline_ms = hold.as.hold.held_at_ms + 1;
        posted_of(hold);
    }
    const struct jf_entry *entry = posted_of(merge_of(1, 2));
    cr_expect_eq(entry->voided_hold_count, 2);
    cr_expect_lt(entry->voided_holds[0], entry->voided_holds[1]);
    cr_expect_eq(traced(entry, JF_TRACE_MERGED)->points, 100);
    cr_expect_eq(entry->balance.available, 200);
    cr_expect_eq(world.members[2]->hold_count, 0);
}

Test(plan_merge, limits_hold_for_who_goes_on)
{
    char text[16];
    for (uint32_t i = 0; i < JF_CARDS_PER_MEMBER_MAX; i++) {
        (void)snprintf(text, sizeof text, "card-%u", i);
        posted_of(link_of(1 + i % 2, jf_text_from(text)));
    }
    posted_of(link_of(1, JF_TEXT("more")));
    expect_refused(merge_of(1, 2), JF_REFUSAL_LIMIT_REACHED);
    cr_expect_eq(world.refusal.limit, JF_CARDS_PER_MEMBER_MAX);
    cr_expect_eq(world.members[1]->status, JF_MEMBER_ACTIVE);
}
