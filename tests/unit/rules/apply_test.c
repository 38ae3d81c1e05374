// Claims about applying: what each account's postings move, which lots and months go, and that a
// position is applied once.
#include <criterion/criterion.h>

#include <stdlib.h>

#include "rules/apply.h"
#include "world.h"

static struct jf_member *empty_member(void)
{
    struct jf_member_capacity room = {.lots = 32, .months = JF_MONTHS_PER_MEMBER_MAX, .debts = 8};
    struct jf_member *member = jf_member_block_init(malloc(jf_member_block_size(room)), room);
    member->number.value = 1;
    member->status = JF_MEMBER_ACTIVE;
    return member;
}

static uint64_t position;

static struct jf_entry entry_of(enum jf_entry_kind kind, jf_date date,
                                const struct jf_posting *postings, uint32_t count)
{
    position++;
    return (struct jf_entry){.kind = kind,
                             .position = position,
                             .member = {1},
                             .business_date = date,
                             .postings = postings,
                             .posting_count = count};
}

static struct jf_posting lot_posting(enum jf_account account, jf_date expires_on, int64_t points)
{
    return (struct jf_posting){
        .account = account, .entity = {1}, .expires_on = expires_on, .points = points};
}

static void grant(struct jf_member *member, jf_date date, jf_date expires_on, int64_t points)
{
    struct jf_posting postings[2] = {lot_posting(JF_ACCOUNT_ISSUED, expires_on, -points),
                                     lot_posting(JF_ACCOUNT_AVAILABLE, expires_on, points)};
    struct jf_entry entry = entry_of(JF_ENTRY_SALE, date, postings, 2);
    entry.points_granted = points;
    entry.as.sale.spend = points;
    jf_apply_member(member, &entry);
}

static void spend(struct jf_member *member, jf_date date, jf_date expires_on, int64_t points)
{
    struct jf_posting postings[2] = {lot_posting(JF_ACCOUNT_AVAILABLE, expires_on, -points),
                                     {.account = JF_ACCOUNT_REDEEMED, .points = points}};
    struct jf_entry entry = entry_of(JF_ENTRY_REDEMPTION, date, postings, 2);
    jf_apply_member(member, &entry);
}

Test(apply, an_entry_that_was_applied_does_nothing)
{
    struct jf_member *member = empty_member();
    grant(member, 10, 100, 5);
    struct jf_posting postings[1] = {lot_posting(JF_ACCOUNT_AVAILABLE, 100, 5)};
    struct jf_entry entry = entry_of(JF_ENTRY_SALE, 10, postings, 1);
    entry.position = member->last_position;
    jf_apply_member(member, &entry);
    cr_expect_eq(jf_member_balance(member), 5);
    cr_expect_eq(member->visits, 1);
    free(member);
}

Test(apply, grants_of_one_key_share_a_lot_and_others_stay_sorted)
{
    struct jf_member *member = empty_member();
    grant(member, 10, 200, 5);
    grant(member, 10, 100, 7);
    grant(member, 10, 200, 3);
    grant(member, 10, JF_DATE_EVER, 1);
    cr_assert_eq(member->lot_count, 3);
    cr_expect_eq(member->lots[0].expires_on, 100);
    cr_expect_eq(member->lots[1].remaining, 8);
    cr_expect_eq(member->lots[1].granted, 8);
    cr_expect_eq(member->lots[2].expires_on, JF_DATE_EVER);
    cr_expect_eq(member->last_position, position);
    free(member);
}

Test(apply, a_spent_lot_stays_until_its_last_day_is_over)
{
    struct jf_member *member = empty_member();
    grant(member, 10, 100, 5);
    spend(member, 10, 100, 5);
    cr_assert_eq(member->lot_count, 1);
    cr_expect_eq(member->lots[0].granted, 5);
    grant(member, 100, 200, 1);
    cr_assert_eq(member->lot_count, 2);
    grant(member, 101, 200, 1);
    cr_assert_eq(member->lot_count, 1);
    cr_expect_eq(member->lots[0].expires_on, 200);
    free(member);
}

Test(apply, a_lot_with_points_left_is_never_dropped)
{
    struct jf_member *member = empty_member();
    grant(member, 10, 100, 5);
    grant(member, 5000, 6000, 1);
    cr_expect_eq(member->lot_count, 2);
    cr_expect_eq(jf_member_balance(member), 6);
    free(member);
}

Test(apply, points_given_back_to_a_lot_that_went_make_it_again)
{
    struct jf_member *member = empty_member();
    grant(member, 10, 100, 5);
    spend(member, 10, 100, 5);
    grant(member, 101, 200, 1);
    spend(member, 101, 100, -3); // given back
    cr_assert_eq(member->lot_count, 2);
    cr_expect_eq(member->lots[0].remaining, 3);
    cr_expect_eq(member->lots[0].granted, 0);
    free(member);
}

Test(apply, taking_back_more_than_is_recorded_as_granted_stops_at_nothing)
{
    struct jf_member *member = empty_member();
    struct jf_posting postings[2] = {lot_posting(JF_ACCOUNT_ISSUED, 100, 5),
                                     {.account = JF_ACCOUNT_DEBT, .entity = {1}, .points = -5}};
    struct jf_entry entry = entry_of(JF_ENTRY_RETURN, 10, postings, 2);
    jf_apply_member(member, &entry);
    cr_expect_eq(member->lot_count, 0);
    cr_expect_eq(jf_member_debt(member), 5);
    free(member);
}

Test(apply, expired_points_are_counted_apart)
{
    struct jf_member *member = empty_member();
    grant(member, 10, 100, 5);
    struct jf_posting postings[2] = {lot_posting(JF_ACCOUNT_AVAILABLE, 100, -5),
                                     lot_posting(JF_ACCOUNT_EXPIRED, 100, 5)};
    struct jf_entry entry = entry_of(JF_ENTRY_REDEMPTION, 101, postings, 2);
    jf_apply_member(member, &entry);
    cr_assert_eq(member->lot_count, 1);
    cr_expect_eq(member->lots[0].remaining, 0);
    cr_expect_eq(member->lots[0].expired, 5);
    cr_expect_eq(jf_member_balance(member), 0);
    cr_expect_eq(jf_member_balance_on(member, 100).available, 5);
    free(member);
}

Test(apply, debts_are_kept_by_entity_and_go_when_paid)
{
    struct jf_member *member = empty_member();
    struct jf_posting postings[3] = {
        {.account = JF_ACCOUNT_DEBT, .entity = {5}, .points = -4},
        {.account = JF_ACCOUNT_DEBT, .entity = {2}, .points = -3},
        {.account = JF_ACCOUNT_DEBT, .entity = {5}, .points = -1},
    };
    struct jf_entry entry = entry_of(JF_ENTRY_RETURN, 10, postings, 3);
    jf_apply_member(member, &entry);
    cr_assert_eq(member->debt_count, 2);
    cr_expect_eq(member->debts[0].entity.value, 2);
    cr_expect_eq(member->debts[1].points, 5);
    struct jf_posting paid[2] = {{.account = JF_ACCOUNT_DEBT, .entity = {2}, .points = 3},
                                 {.account = JF_ACCOUNT_DEBT, .entity = {5}, .points = 1}};
    entry = entry_of(JF_ENTRY_SALE, 10, paid, 2);
    jf_apply_member(member, &entry);
    cr_assert_eq(member->debt_count, 1);
    cr_expect_eq(member->debts[0].points, 4);
    free(member);
}

Test(apply, postings_of_another_member_are_left_to_that_member)
{
    struct jf_member *member = empty_member();
    struct jf_posting postings[2] = {lot_posting(JF_ACCOUNT_AVAILABLE, 100, 5),
                                     lot_posting(JF_ACCOUNT_AVAILABLE, 100, 7)};
    postings[0].member.value = 2;
    postings[1].member.value = 1;
    struct jf_entry entry = entry_of(JF_ENTRY_REDEMPTION, 10, postings, 2);
    jf_apply_member(member, &entry);
    cr_expect_eq(jf_member_balance(member), 7);
    free(member);
}

static jf_date in_month(int32_t month_index)
{
    return jf_date_from_civil((struct jf_civil){month_index / 12, month_index % 12 + 1, 15});
}

Test(apply, months_too_far_before_the_newest_are_dropped_and_not_counted)
{
    const int32_t first = 2020 * 12;
    struct jf_member *member = empty_member();
    for (int32_t i = 0; i < 100; i++) {
        grant(member, in_month(first + i), JF_DATE_EVER, 1);
    }
    cr_assert_eq(member->month_count, JF_MONTHS_PER_MEMBER_MAX);
    cr_expect_eq(member->months[0].month_index, first + 100 - 37);
    grant(member, in_month(first + 62), JF_DATE_EVER, 1); // one month too old
    cr_assert_eq(member->month_count, JF_MONTHS_PER_MEMBER_MAX);
    cr_expect_eq(member->months[0].visits, 1);
    grant(member, in_month(first + 63), JF_DATE_EVER, 1);
    cr_expect_eq(member->months[0].visits, 2);
    cr_expect_eq(jf_member_balance(member), 102);
    grant(member, in_month(first + 500), JF_DATE_EVER, 1);
    cr_expect_eq(member->month_count, 1);
    free(member);
}

static void take_back(struct jf_member *member, int32_t month_index, int64_t spend_delta)
{
    struct jf_entry entry = entry_of(JF_ENTRY_RETURN, in_month(month_index), NULL, 0);
    entry.as.sale_return = (struct jf_return_entry){.sale_month_index = month_index,
                                                    .spend_delta = spend_delta,
                                                    .points_delta = spend_delta,
                                                    .visit_delta = -1};
    jf_apply_member(member, &entry);
}

Test(apply, counters_go_back_in_the_sales_month_and_an_empty_month_goes)
{
    struct jf_member *member = empty_member();
    grant(member, in_month(24300), JF_DATE_EVER, 5);
    grant(member, in_month(24301), JF_DATE_EVER, 6);
    take_back(member, 24300, -5);
    cr_assert_eq(member->month_count, 1);
    cr_expect_eq(member->months[0].spend, 6);
    cr_expect_eq(member->visits, 1);
    take_back(member, 24300, -5); // nothing is counted there any more
    cr_expect_eq(member->month_count, 1);
    cr_expect_eq(member->visits, 0);
    take_back(member, 24301, -100);
    cr_expect_eq(member->month_count, 0);
    cr_expect_eq(member->visits, 0);
    free(member);
}

Test(apply, an_enrolment_fills_an_empty_member)
{
    struct jf_member_capacity none = {0};
    struct jf_member *member = jf_member_block_init(malloc(jf_member_block_size(none)), none);
    struct jf_entry entry = entry_of(JF_ENTRY_ENROLMENT, 20000, NULL, 0);
    entry.member.value = 9;
    entry.as.enrolment = (struct jf_enrol_command){.number = {9},
                                                   .enrolled_on = 20000,
                                                   .birth_month = 2,
                                                   .birth_day = 29,
                                                   .home_store = 4,
                                                   .tags = 6};
    jf_apply_member(member, &entry);
    cr_expect_eq(member->number.value, 9);
    cr_expect_eq(member->status, JF_MEMBER_ACTIVE);
    cr_expect_eq(member->enrolled_on, 20000);
    cr_expect_eq(member->tier_since, 20000);
    cr_expect_eq(member->birth_month, 2);
    cr_expect_eq(member->birth_day, 29);
    cr_expect_eq(member->home_store, 4);
    cr_expect_eq(member->tags, 6);
    cr_expect_eq(member->last_position, position);
    free(member);
}

Test(apply, a_level_changes_with_version_and_date)
{
    struct jf_member *member = empty_member();
    struct jf_entry entry = entry_of(JF_ENTRY_TIER_CHANGE, 20500, NULL, 0);
    entry.programme_version = 3;
    entry.as.tier_change.to = 2;
    entry.as.tier_change.class_to = 4;
    jf_apply_member(member, &entry);
    cr_expect_eq(member->tier, 2);
    cr_expect_eq(member->tier_version, 3);
    cr_expect_eq(member->tier_since, 20500);
    cr_expect_eq(member->activity_class, 4);
    entry = entry_of(JF_ENTRY_SALE, 20600, NULL, 0);
    entry.programme_version = 4;
    entry.as.sale.facts.tier = 1; // the same level, under another version
    entry.balance.tier = 1;
    jf_apply_member(member, &entry);
    cr_expect_eq(member->tier_since, 20500, "no change, no new date");
    cr_expect_eq(member->tier_version, 3);
    free(member);
}
