// Claims about the posting of expiry: which lots, that no balance depends on it, and that what
// comes late is dated before it.
#include <criterion/criterion.h>

#include "programmes.h"
#include "world.h"

// Lots of January and February 2026, until 30 April and 31 May; 100 and 50 points.
static void buys(struct world *world)
{
    world_open(world, PROGRAMME_PLAIN);
    world_enrol(world, 1);
    world_buys(world, 1, "2026-01-10", 10000);
    world_buys(world, 1, "2026-02-10", 5000);
}

static struct jf_command expire_of(uint64_t member, const char *as_of)
{
    struct jf_command command = {.kind = JF_COMMAND_EXPIRE,
                                 .transaction_id = JF_TEXT("expire/r/1")};
    command.as.expire = (struct jf_expire_command){
        .run_id = JF_TEXT("r"), .member = {member}, .as_of = date_of(as_of)};
    return command;
}

Test(plan_expire, the_last_day_itself_has_not_expired)
{
    struct world world;
    buys(&world);
    struct jf_command command = expire_of(1, "2026-04-30");
    cr_expect_null(world_post(&world, &command));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_NONE, "nothing to post is no refusal");
    command = expire_of(1, "2026-05-01");
    const struct jf_entry *entry = world_post(&world, &command);
    cr_assert_not_null(entry);
    cr_expect_eq(entry->kind, JF_ENTRY_EXPIRY);
    cr_expect_eq(entry->business_date, date_of("2026-05-01"));
    cr_expect_eq(posted(entry, JF_ACCOUNT_AVAILABLE), -100);
    cr_expect_eq(posted(entry, JF_ACCOUNT_EXPIRED), 100);
    cr_expect_eq(entry->postings[0].expires_on, date_of("2026-04-30"));
    cr_expect_eq(traced(entry, JF_TRACE_EXPIRED)->points, 100);
    cr_expect_eq(entry->balance.available, 50);
    cr_expect_null(world_post(&world, &command), "posted once");
    world_close(&world);
}

Test(plan_expire, all_that_has_expired_is_one_entry)
{
    struct world world;
    buys(&world);
    struct jf_command command = expire_of(1, "2026-07-01");
    const struct jf_entry *entry = world_post(&world, &command);
    cr_assert_not_null(entry);
    cr_expect_eq(entry->posting_count, 4);
    cr_expect_eq(traced(entry, JF_TRACE_EXPIRED)->points, 150);
    cr_expect_eq(jf_member_balance(world.members[1]), 0);
    cr_expect_eq(jf_control_liability(world.control), 0);
    world_close(&world);
}

Test(plan_expire, a_balance_is_the_same_before_and_after_posting)
{
    struct world world;
    buys(&world);
    struct jf_balance before[3];
    const char *const days[] = {"2026-04-30", "2026-05-01", "2026-06-01"};
    for (uint32_t i = 0; i < 3; i++) {
        before[i] = jf_member_balance_on(world.members[1], date_of(days[i]));
    }
    struct jf_command command = expire_of(1, "2026-06-01");
    cr_assert_not_null(world_post(&world, &command));
    for (uint32_t i = 0; i < 3; i++) {
        struct jf_balance after = jf_member_balance_on(world.members[1], date_of(days[i]));
        cr_expect_eq(after.available, before[i].available, "on %s", days[i]);
        cr_expect_eq(after.expiring_points, before[i].expiring_points, "on %s", days[i]);
    }
    world_close(&world);
}

Test(plan_expire, a_redemption_dated_before_the_last_day_still_counts)
{
    struct world world;
    buys(&world);
    struct jf_command command = expire_of(1, "2026-05-01");
    cr_assert_not_null(world_post(&world, &command));
    struct jf_command late = redeem_of(1, "2026-04-30", 100);
    const struct jf_entry *entry = world_post(&world, &late);
    cr_assert_not_null(entry);
    cr_expect_eq(posted(entry, JF_ACCOUNT_EXPIRED), -100);
    struct jf_command too_late = redeem_of(1, "2026-05-01", 100);
    cr_expect_null(world_post(&world, &too_late));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_INSUFFICIENT_POINTS);
    world_close(&world);
}

Test(plan_expire, points_that_arrive_in_an_expired_lot_are_posted_by_the_next_run)
{
    struct world world;
    buys(&world);
    struct jf_command command = expire_of(1, "2026-05-01");
    cr_assert_not_null(world_post(&world, &command));
    world_buys(&world, 1, "2026-01-20", 700); // came late
    command = expire_of(1, "2026-05-02");
    const struct jf_entry *entry = world_post(&world, &command);
    cr_assert_not_null(entry);
    cr_expect_eq(traced(entry, JF_TRACE_EXPIRED)->points, 7);
    world_close(&world);
}

Test(plan_expire, an_unknown_member_is_refused_and_a_run_begins_with_nobody)
{
    struct world world;
    world_open(&world, PROGRAMME_PLAIN);
    struct jf_command command = expire_of(1, "2026-05-01");
    cr_expect_null(world_post(&world, &command));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_UNKNOWN_MEMBER);
    command = expire_of(0, "2026-05-01");
    struct jf_entry *entry = NULL;
    cr_assert_eq(world_plan(&world, &command, &entry), JF_OK);
    cr_assert_not_null(entry);
    cr_expect_eq(entry->member.value, 0);
    cr_expect_eq(entry->as.expiry.as_of, date_of("2026-05-01"));
    world_close(&world);
}
