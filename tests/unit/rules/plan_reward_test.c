// Claims about rewards out of the catalogue: when they can be had, what they count, and that held
// ones are counted as had until they go back.
#include <criterion/criterion.h>

#include <string.h>

#include "rules/counters.h"
#include "world.h"

#define PROGRAMME                                                                                  \
    "name: rewards\n"                                                                              \
    "effective_from: 2026-01-01T00:00:00Z\n"                                                       \
    "earn: {points: 1, per_amount: 1.00}\n"                                                        \
    "expiry: {policy: never}\n"                                                                    \
    "redemption: {points: 100, amount: 1.00}\n"                                                    \
    "rewards:\n"                                                                                   \
    "  - {code: mug, points: 30, valid_from: 2026-02-01, valid_to: 2026-03-31, stock: 5, "         \
    "per_member: 3}\n"                                                                             \
    "  - {code: pen, points: 10}\n"

static struct world world;

static void opened(void)
{
    world_open(&world, PROGRAMME);
    world_enrol(&world, 1);
    world_enrol(&world, 2);
    world_buys(&world, 1, "2026-02-01", 100000); // 1000 points each
    world_buys(&world, 2, "2026-02-01", 100000);
}

static void closed(void)
{
    world_close(&world);
}

TestSuite(plan_reward, .init = opened, .fini = closed);

static struct jf_command takes(uint64_t member, const char *at, const char *code, int64_t points)
{
    struct jf_command command = redeem_of(member, at, points);
    command.as.redeem.reward = jf_text_from(code);
    return command;
}

static struct jf_command sets_aside(uint64_t member, const char *at, const char *code,
                                    int64_t points)
{
    struct jf_command command = hold_of(member, at, points);
    command.as.hold.reward = jf_text_from(code);
    return command;
}

static const struct jf_entry *posted_of(struct jf_command command)
{
    const struct jf_entry *entry = world_post(&world, &command);
    cr_assert_not_null(entry, "%s: %s", jf_refusal_name(world.refusal.code), world.refusal.detail);
    return entry;
}

static void expect_refused(struct jf_command command, enum jf_refusal_code code)
{
    cr_expect_null(world_post(&world, &command));
    cr_expect_str_eq(jf_refusal_name(world.refusal.code), jf_refusal_name(code));
}

static uint32_t ground_of(const char *name)
{
    return jf_reference_reason_find(world.reference, jf_text_from(name));
}

static int64_t had_by(uint64_t member)
{
    return jf_counters_value(world.members[member], JF_COUNTER_REWARD, ground_of("reward:mug"), 0);
}

static int64_t had_by_all(void)
{
    return jf_control_chain_counter(world.control, ground_of("reward:mug"));
}

Test(plan_reward, refusals_come_in_their_order)
{
    expect_refused(takes(1, "2026-04-01", "cup", 31), JF_REFUSAL_UNKNOWN_REWARD);
    cr_expect_str_eq(world.refusal.field, "reward");
    expect_refused(takes(1, "2026-04-01", "mug", 31), JF_REFUSAL_REWARD_NOT_VALID);
    cr_expect_str_eq(world.refusal.detail, "2026-02-01 to 2026-03-31");
    expect_refused(takes(1, "2026-03-31", "mug", 151), JF_REFUSAL_NOT_A_STEP);
    cr_expect_eq(world.refusal.limit, 30);
    expect_refused(takes(1, "2026-03-31", "mug", 180), JF_REFUSAL_REWARD_LIMIT);
    cr_expect_eq(world.refusal.needed, 6);
    cr_expect_eq(world.refusal.available, 3);
    cr_expect_eq(world.refusal.limit, 3);
    posted_of(takes(2, "2026-03-31", "mug", 90));
    expect_refused(takes(1, "2026-03-31", "mug", 90), JF_REFUSAL_REWARD_OUT_OF_STOCK);
    cr_expect_eq(world.refusal.needed, 3);
    cr_expect_eq(world.refusal.available, 2);
    cr_expect_eq(world.refusal.limit, 5);
    expect_refused(takes(1, "2026-03-31", "pen", 1010), JF_REFUSAL_INSUFFICIENT_POINTS);
    world.members[1]->status = JF_MEMBER_FROZEN;
    expect_refused(takes(1, "2026-03-31", "cup", 31), JF_REFUSAL_MEMBER_FROZEN);
}

Test(plan_reward, a_reward_is_no_money_and_is_counted)
{
    const struct jf_entry *entry = posted_of(takes(1, "2026-02-01", "mug", 60));
    cr_expect_eq(entry->points_redeemed, 60);
    cr_expect_eq(entry->redeemed_value, 0);
    cr_expect_eq(traced(entry, JF_TRACE_REDEEMED)->amount, 0);
    cr_assert_eq(entry->counted_count, 2);
    cr_expect_eq(had_by(1), 2);
    cr_expect_eq(had_by_all(), 2);
    posted_of(takes(1, "2026-03-31", "mug", 30));
    expect_refused(takes(1, "2026-03-31", "mug", 30), JF_REFUSAL_REWARD_LIMIT);
    cr_expect_eq(had_by(1), 3);
}

Test(plan_reward, without_a_word_points_are_money_off)
{
    const struct jf_entry *entry = posted_of(takes(1, "2026-02-01", "", 100));
    cr_expect_eq(entry->redeemed_value, 100);
    cr_expect_eq(entry->counted_count, 0);
    expect_refused(takes(1, "2026-02-01", "", 30), JF_REFUSAL_BELOW_MINIMUM);
}

Test(plan_reward, the_last_piece_is_had_once)
{
    posted_of(takes(1, "2026-02-01", "mug", 90));
    posted_of(takes(2, "2026-02-01", "mug", 30));
    posted_of(sets_aside(2, "2026-02-02", "mug", 30));
    expect_refused(takes(2, "2026-02-02", "mug", 30), JF_REFUSAL_REWARD_OUT_OF_STOCK);
}

Test(plan_reward, what_is_held_is_had_until_it_goes_back)
{
    const struct jf_entry *hold = posted_of(sets_aside(1, "2026-02-10", "mug", 90));
    cr_expect_eq(hold->as.hold.quantity, 3);
    cr_expect_eq(hold->as.hold.reward_ground, ground_of("reward:mug"));
    cr_expect_eq(traced(hold, JF_TRACE_HELD)->amount, 0);
    cr_expect_eq(had_by(1), 3);
    cr_expect_eq(had_by_all(), 3);
    world.hold = hold;
    expect_refused(capture_of("2026-02-10", 45), JF_REFUSAL_NOT_A_STEP);
    cr_expect_eq(world.refusal.limit, 30);
    world.hold = hold;
    const struct jf_entry *entry = posted_of(capture_of("2026-02-10", 30));
    cr_expect_eq(entry->points_redeemed, 30);
    cr_expect_eq(entry->redeemed_value, 0);
    cr_expect_eq(had_by(1), 1);
    cr_expect_eq(had_by_all(), 1);
    hold = posted_of(sets_aside(1, "2026-02-11", "mug", 60));
    world.hold = hold;
    posted_of(void_of("2026-02-11"));
    cr_expect_eq(had_by(1), 1);
    hold = posted_of(sets_aside(1, "2026-02-11", "mug", 60));
    world.hold = hold;
    entry = posted_of(capture_of("2026-02-11", 0));
    cr_expect_eq(entry->counted_count, 0);
    cr_expect_eq(had_by(1), 3);
}

Test(plan_reward, an_overdue_hold_gives_its_rewards_back_to_who_asks)
{
    posted_of(sets_aside(1, "2026-02-10", "mug", 90));
    posted_of(takes(2, "2026-02-10", "mug", 60)); // stock: none left
    const struct jf_entry *entry = posted_of(takes(1, "2026-02-11", "mug", 90));
    cr_expect_eq(entry->voided_hold_count, 1);
    cr_expect_eq(entry->voided_counted_count, 2);
    cr_expect_eq(had_by(1), 3);
    cr_expect_eq(had_by_all(), 5);
    // A sale counts them too, whatever else it counts.
    posted_of(sets_aside(1, "2026-02-12", "pen", 100));
    struct jf_line line = line_of("food", 100000);
    struct jf_command sale = sale_of(1, "2026-02-13", &line, 1);
    sale.as.sale.redeem_points = 100;
    entry = posted_of(sale);
    cr_expect_eq(entry->voided_counted_count, 2);
    cr_expect_eq(jf_control_chain_counter(world.control, ground_of("reward:pen")), 0);
}

Test(plan_reward, held_rewards_go_on_with_who_a_member_becomes)
{
    struct jf_command overdue = sets_aside(1, "2026-02-10", "mug", 30);
    posted_of(overdue);
    struct jf_command open = sets_aside(1, "2026-02-10", "mug", 60);
    open.as.hold.deadline_ms = open.as.hold.held_at_ms + (int64_t)30 * 86400000;
    const struct jf_entry *hold = posted_of(open);
    posted_of(sets_aside(2, "2026-02-10", "mug", 60));
    cr_expect_eq(had_by_all(), 5);
    world.now_us = (uint64_t)noon_ms("2026-02-20") * 1000;
    struct jf_command merge = {.kind = JF_COMMAND_MERGE, .transaction_id = JF_TEXT("t")};
    merge.as.merge.from.number.value = 1;
    merge.as.merge.into.number.value = 2;
    const struct jf_entry *entry = posted_of(merge);
    cr_expect_eq(entry->voided_hold_count, 2);
    cr_assert_eq(world.members[2]->hold_count, 1);
    cr_expect_eq(world.members[2]->holds[0].reward, ground_of("reward:mug"));
    cr_expect_eq(world.members[2]->holds[0].quantity, 2);
    cr_expect_eq(had_by(1), 0);
    cr_expect_eq(had_by(2), 2);
    cr_expect_eq(had_by_all(), 2);
    struct jf_command capture = capture_of("2026-02-20", 30);
    world.hold = hold;
    entry = posted_of(capture);
    cr_expect_eq(entry->member.value, 2);
    cr_expect_eq(had_by(2), 1);
    cr_expect_eq(had_by_all(), 1);
}

Test(plan_reward, a_transfer_gives_overdue_rewards_back_to_who_held_them)
{
    posted_of(takes(2, "2026-02-10", "mug", 60));
    posted_of(sets_aside(1, "2026-02-10", "mug", 90));
    struct jf_command transfer = {.kind = JF_COMMAND_TRANSFER, .transaction_id = JF_TEXT("t")};
    transfer.as.transfer.from.number.value = 1;
    transfer.as.transfer.to.number.value = 2;
    transfer.as.transfer.points = 1000;
    transfer.as.transfer.transferred_at_ms = noon_ms("2026-02-11");
    transfer.as.transfer.operator_name = JF_TEXT("desk");
    posted_of(transfer);
    cr_expect_eq(had_by(1), 0);
    cr_expect_eq(had_by(2), 2);
    cr_expect_eq(had_by_all(), 2);
}

Test(plan_reward, who_leaves_gives_held_rewards_back)
{
    posted_of(takes(1, "2026-02-10", "mug", 30));
    posted_of(sets_aside(1, "2026-02-10", "mug", 60));
    struct jf_command close = {.kind = JF_COMMAND_CLOSE, .transaction_id = JF_TEXT("t")};
    close.as.close.member.number.value = 1;
    const struct jf_entry *entry = posted_of(close);
    cr_expect_eq(entry->voided_hold_count, 1);
    cr_expect_eq(had_by(1), 1);
    cr_expect_eq(had_by_all(), 1);
    cr_expect_eq(jf_member_balance(world.members[1]), 0);
}

Test(plan_reward, a_limit_of_a_later_version_knows_what_went_before)
{
    posted_of(takes(1, "2026-02-10", "pen", 40));
    struct jf_command publish = {.kind = JF_COMMAND_PUBLISH, .transaction_id = JF_TEXT("t")};
    publish.as.publish.yaml = JF_TEXT("name: next\neffective_from: 2026-03-01T00:00:00Z\n"
                                      "earn: {points: 1, per_amount: 1.00}\n"
                                      "expiry: {policy: never}\n"
                                      "rewards: [{code: pen, points: 20, per_member: 5}]\n");
    cr_assert_not_null(world_post(&world, &publish), "%s", world.refusal.detail);
    expect_refused(takes(1, "2026-03-02", "pen", 40), JF_REFUSAL_REWARD_LIMIT);
    cr_expect_eq(world.refusal.available, 1);
    expect_refused(takes(1, "2026-03-02", "mug", 30), JF_REFUSAL_UNKNOWN_REWARD);
    posted_of(takes(1, "2026-03-02", "pen", 20));
    posted_of(takes(1, "2026-02-28", "mug", 30)); // a receipt of the earlier version's time
}

Test(plan_reward, a_merge_brings_what_was_had_and_gives_back_what_is_overdue)
{
    struct jf_command merge = {.kind = JF_COMMAND_MERGE, .transaction_id = JF_TEXT("t")};
    merge.as.merge.from.number.value = 1;
    merge.as.merge.into.number.value = 2;
    posted_of(takes(1, "2026-02-10", "mug", 30));
    posted_of(takes(2, "2026-02-10", "mug", 30));
    struct jf_command overdue = sets_aside(1, "2026-02-11", "mug", 30);
    overdue.as.hold.deadline_ms = overdue.as.hold.held_at_ms + 1;
    posted_of(overdue);
    uint32_t mug = jf_reference_reason_find(world.reference, JF_TEXT("reward:mug"));
    cr_assert_eq(jf_control_chain_counter(world.control, mug), 3);
    const struct jf_entry *entry = posted_of(merge);
    cr_expect_eq(entry->voided_hold_count, 1);
    cr_expect_eq(jf_control_chain_counter(world.control, mug), 2);
    cr_expect_eq(jf_counters_value(world.members[2], JF_COUNTER_REWARD, mug, 0), 2);
    cr_expect_eq(world.members[1]->counter_count, 0);
}

Test(plan_reward, a_held_reward_keeps_what_it_counts_through_a_merge)
{
    struct jf_command merge = {.kind = JF_COMMAND_MERGE, .transaction_id = JF_TEXT("t")};
    merge.as.merge.from.number.value = 1;
    merge.as.merge.into.number.value = 2;
    world.now_us = (uint64_t)noon_ms("2026-02-11") * 1000;
    const struct jf_entry *hold = posted_of(sets_aside(1, "2026-02-11", "mug", 60));
    posted_of(merge);
    uint32_t mug = jf_reference_reason_find(world.reference, JF_TEXT("reward:mug"));
    cr_expect_eq(world.members[2]->holds[0].quantity, 2);
    struct jf_command back = {.kind = JF_COMMAND_VOID, .transaction_id = JF_TEXT("t")};
    back.as.void_hold.hold_transaction_id = JF_TEXT("t");
    back.as.void_hold.voided_at_ms = noon_ms("2026-02-11");
    world.hold = hold;
    posted_of(back);
    cr_expect_eq(jf_control_chain_counter(world.control, mug), 0);
    cr_expect_eq(jf_counters_value(world.members[2], JF_COUNTER_REWARD, mug, 0), 0);
}

Test(plan_reward, a_transfer_gives_back_the_givers_rewards_and_not_the_takers)
{
    posted_of(takes(2, "2026-02-10", "mug", 30));
    struct jf_command overdue = sets_aside(1, "2026-02-11", "mug", 30);
    overdue.as.hold.deadline_ms = overdue.as.hold.held_at_ms + 1;
    posted_of(overdue);
    struct jf_command transfer = {.kind = JF_COMMAND_TRANSFER, .transaction_id = JF_TEXT("t")};
    transfer.as.transfer = (struct jf_transfer_command){.from = {.number = {1}},
                                                        .to = {.number = {2}},
                                                        .points = 10,
                                                        .operator_name = JF_TEXT("ann"),
                                                        .transferred_at_ms = noon_ms("2026-02-12")};
    posted_of(transfer);
    uint32_t mug = jf_reference_reason_find(world.reference, JF_TEXT("reward:mug"));
    cr_expect_eq(jf_counters_value(world.members[1], JF_COUNTER_REWARD, mug, 0), 0);
    cr_expect_eq(jf_counters_value(world.members[2], JF_COUNTER_REWARD, mug, 0), 1);
    cr_expect_eq(jf_control_chain_counter(world.control, mug), 1);
}
