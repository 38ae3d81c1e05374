// Claims about manual credits and debits: who must approve, what is refused in which order, and
// where the points go.
#include <criterion/criterion.h>

#include "programmes.h"
#include "world.h"

#define PROGRAMME_LIMITED PROGRAMME_PLAIN "adjustments: {limit: 50, expiry: {policy: never}}\n"

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

TestSuite(plan_adjust, .init = opened, .fini = closed);

static struct jf_command adjust_of(uint64_t member, const char *at, int64_t points)
{
    struct jf_command command = {.kind = JF_COMMAND_ADJUST, .transaction_id = JF_TEXT("t")};
    command.as.adjust = (struct jf_adjust_command){.member = {.number = {member}},
                                                   .points = points,
                                                   .reason_code = JF_TEXT("goodwill"),
                                                   .operator_name = JF_TEXT("ann"),
                                                   .entity = {2},
                                                   .adjusted_at_ms = noon_ms(at)};
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

Test(plan_adjust, refusals_come_in_their_order)
{
    expect_refused(adjust_of(2, "2025-12-31", -5), JF_REFUSAL_UNKNOWN_MEMBER);
    world.members[1]->status = JF_MEMBER_CLOSED;
    expect_refused(adjust_of(1, "2025-12-31", -5), JF_REFUSAL_NO_PROGRAMME);
    expect_refused(adjust_of(1, "2027-01-01", -5), JF_REFUSAL_IN_FUTURE);
    expect_refused(adjust_of(1, "2026-02-10", -5), JF_REFUSAL_MEMBER_CLOSED);
    world.members[1]->status = JF_MEMBER_FROZEN; // may be adjusted
    expect_refused(adjust_of(1, "2026-02-10", -5), JF_REFUSAL_INSUFFICIENT_POINTS);
    cr_expect_eq(world.refusal.needed, 5);
    cr_expect_eq(world.refusal.available, 0);
}

Test(plan_adjust, above_the_limit_a_second_person_is_needed)
{
    world_close(&world);
    world_open(&world, PROGRAMME_LIMITED);
    world_enrol(&world, 1);
    posted_of(adjust_of(1, "2026-02-10", 50));
    struct jf_command command = adjust_of(1, "2026-02-10", -51);
    expect_refused(command, JF_REFUSAL_APPROVAL_NEEDED); // before the points are looked at
    cr_expect_eq(world.refusal.needed, 51);
    cr_expect_eq(world.refusal.limit, 50);
    command.as.adjust.approver = JF_TEXT("ann");
    expect_refused(command, JF_REFUSAL_APPROVAL_NEEDED);
    command.as.adjust.approver = JF_TEXT("bob");
    expect_refused(command, JF_REFUSAL_INSUFFICIENT_POINTS);
}

Test(plan_adjust, a_credit_is_new_points_and_pays_debts_first)
{
    const struct jf_entry *sale = world_buys(&world, 1, "2026-02-10", 3000);
    posted_of(redeem_of(1, "2026-02-11", 30));
    world_brings_back(&world, sale, NULL, "2026-02-12"); // owes 30
    const struct jf_entry *entry = posted_of(adjust_of(1, "2026-02-13", 100));
    cr_expect_eq(entry->kind, JF_ENTRY_ADJUSTMENT);
    cr_expect_eq(entry->business_date, date_of("2026-02-13"));
    cr_expect_eq(posted(entry, JF_ACCOUNT_ADJUSTED), -100);
    cr_expect_eq(posted(entry, JF_ACCOUNT_DEBT), 30);
    cr_expect_eq(posted(entry, JF_ACCOUNT_AVAILABLE), 70);
    cr_expect_eq(traced(entry, JF_TRACE_ADJUSTED)->points, 100);
    cr_expect_eq(traced(entry, JF_TRACE_DEBT_PAID)->points, 30);
    cr_expect_eq(entry->as.adjustment.debt_paid, 30);
    cr_expect_eq(entry->as.adjustment.expires_on, date_of("2026-05-31")); // as the programme says
    cr_expect_eq(entry->points_granted, 0);
    cr_expect_eq(entry->balance.available, 70);
    cr_expect_eq(world.members[1]->lots[0].entity.value, 2);
}

Test(plan_adjust, credited_points_may_have_an_expiry_of_their_own)
{
    world_close(&world);
    world_open(&world, PROGRAMME_LIMITED);
    world_enrol(&world, 1);
    const struct jf_entry *entry = posted_of(adjust_of(1, "2026-02-13", 20));
    cr_expect_eq(entry->as.adjustment.expires_on, JF_DATE_EVER);
    cr_expect_eq(entry->balance.expiring_on, JF_DATE_EVER);
}

Test(plan_adjust, a_debit_takes_what_expires_first)
{
    world_buys(&world, 1, "2026-02-10", 3000);
    world_buys(&world, 1, "2026-04-10", 3000);
    const struct jf_entry *entry = posted_of(adjust_of(1, "2026-04-13", -40));
    cr_expect_eq(posted(entry, JF_ACCOUNT_ADJUSTED), 40);
    cr_assert_eq(entry->as.adjustment.debited_count, 2);
    cr_expect_eq(entry->as.adjustment.debited[0].expires_on, date_of("2026-05-31"));
    cr_expect_eq(entry->as.adjustment.debited[0].points, 30);
    cr_expect_eq(entry->balance.available, 20);
    cr_expect_eq(entry->as.adjustment.expires_on, 0);
}

Test(plan_adjust, a_debit_gives_back_holds_past_their_deadline_first)
{
    world_buys(&world, 1, "2026-02-10", 3000);
    struct jf_command hold = hold_of(1, "2026-02-11", 30);
    hold.as.hold.deadline_ms = hold.as.hold.held_at_ms + 1;
    posted_of(hold);
    const struct jf_entry *entry = posted_of(adjust_of(1, "2026-02-12", -10));
    cr_expect_eq(entry->voided_hold_count, 1);
    cr_expect_eq(entry->balance.available, 20);
}
