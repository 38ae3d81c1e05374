// Claims about points that go from member to member: refusals in their order, and lots that keep
// what they are.
#include <criterion/criterion.h>

#include "programmes.h"
#include "world.h"

#define PROGRAMME_MINIMUM PROGRAMME_PLAIN "transfers: {minimum: 10}\n"
#define PROGRAMME_NONE    PROGRAMME_PLAIN "transfers: {allowed: false}\n"

static struct world world;

static void opened_with(const char *programme)
{
    world_open(&world, programme);
    world_enrol(&world, 1);
    world_enrol(&world, 2);
}

static void opened(void)
{
    opened_with(PROGRAMME_PLAIN);
}

static void closed(void)
{
    world_close(&world);
}

TestSuite(plan_transfer, .init = opened, .fini = closed);

static struct jf_command transfer_of(uint64_t from, uint64_t to, const char *at, int64_t points)
{
    struct jf_command command = {.kind = JF_COMMAND_TRANSFER, .transaction_id = JF_TEXT("t")};
    command.as.transfer = (struct jf_transfer_command){.from = {.number = {from}},
                                                       .to = {.number = {to}},
                                                       .points = points,
                                                       .operator_name = JF_TEXT("ann"),
                                                       .transferred_at_ms = noon_ms(at)};
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

Test(plan_transfer, refusals_come_in_their_order)
{
    expect_refused(transfer_of(3, 4, "2026-02-10", 5), JF_REFUSAL_UNKNOWN_MEMBER);
    expect_refused(transfer_of(1, 4, "2026-02-10", 5), JF_REFUSAL_UNKNOWN_MEMBER);
    expect_refused(transfer_of(1, 1, "2025-12-31", 5), JF_REFUSAL_INVALID_FIELD);
    cr_expect_str_eq(world.refusal.field, "to");
    expect_refused(transfer_of(1, 2, "2025-12-31", 5), JF_REFUSAL_NO_PROGRAMME);
    expect_refused(transfer_of(1, 2, "2027-01-01", 5), JF_REFUSAL_IN_FUTURE);
    world.members[1]->status = JF_MEMBER_FROZEN;
    world.members[2]->status = JF_MEMBER_CLOSED;
    expect_refused(transfer_of(1, 2, "2026-02-10", 5), JF_REFUSAL_MEMBER_CLOSED);
    world.members[2]->status = JF_MEMBER_FROZEN;
    expect_refused(transfer_of(1, 2, "2026-02-10", 5), JF_REFUSAL_MEMBER_FROZEN);
    world.members[1]->status = JF_MEMBER_ACTIVE;
    expect_refused(transfer_of(1, 2, "2026-02-10", 5), JF_REFUSAL_INSUFFICIENT_POINTS);
}

Test(plan_transfer, the_programme_may_demand_a_minimum_or_allow_none)
{
    closed();
    opened_with(PROGRAMME_MINIMUM);
    expect_refused(transfer_of(1, 2, "2026-02-10", 9), JF_REFUSAL_BELOW_MINIMUM);
    cr_expect_eq(world.refusal.needed, 10);
    expect_refused(transfer_of(1, 2, "2026-02-10", 10), JF_REFUSAL_INSUFFICIENT_POINTS);
    closed();
    opened_with(PROGRAMME_NONE);
    expect_refused(transfer_of(1, 2, "2026-02-10", 9), JF_REFUSAL_BELOW_MINIMUM);
    cr_expect_str_eq(world.refusal.detail, "the programme allows no transfers");
}

Test(plan_transfer, lots_keep_their_days_and_pay_no_debts)
{
    world_buys(&world, 1, "2026-02-10", 3000);
    world_buys(&world, 1, "2026-04-10", 3000);
    const struct jf_entry *sale = world_buys(&world, 2, "2026-02-10", 2000);
    posted_of(redeem_of(2, "2026-02-11", 20));
    world_brings_back(&world, sale, NULL, "2026-02-12"); // 2 owes 20
    uint64_t previous = world.members[2]->last_position;
    const struct jf_entry *entry = posted_of(transfer_of(1, 2, "2026-04-13", 40));
    cr_expect_eq(entry->member.value, 1);
    cr_expect_eq(entry->balance.available, 20);
    cr_expect_eq(traced(entry, JF_TRACE_TRANSFERRED)->points, 40);
    struct jf_second to = jf_entry_second(entry);
    cr_expect_eq(to.member.value, 2);
    cr_expect_eq(to.previous_position, previous);
    const struct jf_member *member = world.members[2];
    cr_expect_eq(member->last_position, entry->position);
    cr_expect_eq(jf_member_debt(member), 20);
    cr_assert_eq(member->lot_count, 2);
    cr_expect_eq(member->lots[0].expires_on, date_of("2026-05-31"));
    cr_expect_eq(member->lots[0].remaining, 30);
    cr_expect_eq(member->lots[1].remaining, 10);
    cr_expect_eq(jf_control_liability(world.control), 60 - 20);
}
