// Claims about a member's record: each thing that no planning makes is found, and sums are judged
// by date.
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "rules/member.h"
#include "world.h"

static struct jf_member *made(void)
{
    struct jf_member_capacity room = {
        .lots = 4, .months = 4, .debts = 4, .counters = 2, .holds = 2, .hold_parts = 2, .cards = 1};
    struct jf_member *member = jf_member_block_init(malloc(jf_member_block_size(room)), room);
    member->number.value = 7;
    member->status = JF_MEMBER_ACTIVE;
    member->lots[0] =
        (struct jf_lot){.expires_on = 100, .entity = {1}, .granted = 5, .remaining = 5};
    member->lots[1] =
        (struct jf_lot){.expires_on = 200, .entity = {1}, .granted = 9, .remaining = 7};
    member->lots[2] = (struct jf_lot){.available_on = 150,
                                      .expires_on = JF_DATE_EVER,
                                      .entity = {2},
                                      .granted = 3,
                                      .remaining = 3};
    member->lot_count = 3;
    member->months[0] = (struct jf_month_count){.month_index = 10, .visits = 1, .spend = 5};
    member->months[1] = (struct jf_month_count){.month_index = 11, .visits = 1, .spend = 5};
    member->month_count = 2;
    member->debts[0] = (struct jf_debt){.entity = {1}, .points = 2};
    member->debts[1] = (struct jf_debt){.entity = {2}, .points = 4};
    member->debt_count = 2;
    member->counters[0] = (struct jf_counter){.kind = JF_COUNTER_CAP_DAY, .value = 3};
    member->counters[1] = (struct jf_counter){.kind = JF_COUNTER_RULE, .ground = 5, .value = 4};
    member->counter_count = 2;
    member->holds[0] = (struct jf_hold){.position = 3, .part_count = 1};
    member->holds[1] = (struct jf_hold){.position = 9, .part_count = 1};
    member->hold_count = 2;
    member->hold_parts[0] = (struct jf_lot_part){.expires_on = 100, .entity = {1}, .points = 1};
    member->hold_parts[1] = (struct jf_lot_part){.expires_on = 200, .entity = {1}, .points = 1};
    member->hold_part_count = 2;
    member->cards[0] = (struct jf_card){.size = 1, .bytes = "c"};
    member->card_count = 1;
    return member;
}

#define EXPECT_CORRUPT(statement)                                                                  \
    do {                                                                                           \
        struct jf_member *member = made();                                                         \
        struct jf_diagnosis diagnosis = {0};                                                       \
        statement;                                                                                 \
        cr_expect_eq(jf_member_check(member, &diagnosis), JF_ERROR_CORRUPT, #statement);           \
        cr_expect_gt(strlen(diagnosis.text), 10);                                                  \
        free(member);                                                                              \
    } while (0)

Test(member, what_no_planning_makes_is_corrupt)
{
    EXPECT_CORRUPT(member->number.value = 0);
    EXPECT_CORRUPT(member->status = 0);
    EXPECT_CORRUPT(member->status = 5);
    EXPECT_CORRUPT(member->status = JF_MEMBER_MERGED);
    EXPECT_CORRUPT(member->merged_into.value = 8);
    EXPECT_CORRUPT(member->counters[0].kind = JF_COUNTER_REWARD_STOCK);
    EXPECT_CORRUPT(member->counters[0].value = 0);
    EXPECT_CORRUPT(member->counters[0] = member->counters[1]);
    EXPECT_CORRUPT(member->counter_count = 3);
    EXPECT_CORRUPT(member->holds[0].position = 9);
    EXPECT_CORRUPT(member->holds[0].part_count = 2);
    EXPECT_CORRUPT(member->hold_parts[1].points = 0);
    EXPECT_CORRUPT(member->hold_count = 1);
    EXPECT_CORRUPT(member->cards[0].size = 0);
    EXPECT_CORRUPT(member->cards[0].size = JF_CARD_BYTES_MAX + 1);
    EXPECT_CORRUPT(member->tier = JF_TIERS_MAX);
    EXPECT_CORRUPT(member->birth_month = 13);
    EXPECT_CORRUPT(member->birth_day = 32);
    EXPECT_CORRUPT(member->lot_count = 5);
    EXPECT_CORRUPT(member->lot_count = JF_LOTS_PER_MEMBER_MAX + 1);
    EXPECT_CORRUPT(member->month_count = 5);
    EXPECT_CORRUPT(member->debt_count = 5);
    EXPECT_CORRUPT(member->lots[0].remaining = -1);
    EXPECT_CORRUPT(member->lots[0].granted = -1);
    EXPECT_CORRUPT(member->lots[0].expired = -1);
    EXPECT_CORRUPT(member->lots[0].remaining = member->lots[0].granted = 0);
    EXPECT_CORRUPT(member->lots[1].expires_on = 100);
    EXPECT_CORRUPT(member->lots[1].expires_on = 50);
    EXPECT_CORRUPT(member->lots[1].remaining = INT64_MAX);
    EXPECT_CORRUPT(member->lots[1].granted = INT64_MAX);
    EXPECT_CORRUPT(member->months[0].spend = -1);
    EXPECT_CORRUPT(member->months[0].points = -1);
    EXPECT_CORRUPT(member->months[0].month_index = 11);
    EXPECT_CORRUPT(member->months[0].spend = INT64_MAX);
    EXPECT_CORRUPT(member->months[0].points = member->months[1].points = INT64_MAX);
    EXPECT_CORRUPT(member->debts[0].points = 0);
    EXPECT_CORRUPT(member->debts[0].entity.value = 2);
    EXPECT_CORRUPT(member->debts[0].points = INT64_MAX);
}

Test(member, a_sound_record_passes)
{
    struct jf_member *member = made();
    struct jf_diagnosis diagnosis = {0};
    cr_expect_eq(jf_member_check(member, &diagnosis), JF_OK, "%s", diagnosis.text);
    free(member);
}

Test(member, balance_is_what_remains_or_is_held_less_what_is_owed)
{
    struct jf_member *member = made();
    cr_expect_eq(jf_member_debt(member), 6);
    cr_expect_eq(jf_member_balance(member), 15 + 2 - 6);
    free(member);
}

Test(member, a_lot_expires_the_day_after_its_last_day)
{
    struct jf_member *member = made();
    struct jf_balance balance = jf_member_balance_on(member, 100);
    cr_expect_eq(balance.available, 12);
    cr_expect_eq(balance.pending, 3);
    cr_expect_eq(balance.debt, 6);
    cr_expect_eq(balance.expiring_points, 5);
    cr_expect_eq(balance.expiring_on, 100);
    balance = jf_member_balance_on(member, 101);
    cr_expect_eq(balance.available, 7);
    cr_expect_eq(balance.expiring_points, 7);
    cr_expect_eq(balance.expiring_on, 200);
    balance = jf_member_balance_on(member, 201);
    cr_expect_eq(balance.available, 3);
    cr_expect_eq(balance.pending, 0);
    cr_expect_eq(balance.expiring_points, 0);
    cr_expect_eq(balance.expiring_on, JF_DATE_EVER);
    free(member);
}

Test(member, points_posted_as_expired_count_for_dates_before_the_expiry)
{
    struct jf_lot lot = {.available_on = 50, .expires_on = 100, .remaining = 2, .expired = 3};
    cr_expect_eq(jf_lot_spendable(&lot, 49), 0);
    cr_expect_eq(jf_lot_spendable(&lot, 50), 5);
    cr_expect_eq(jf_lot_spendable(&lot, 100), 5);
    cr_expect_eq(jf_lot_spendable(&lot, 101), 0);
}

Test(member, lots_of_several_entities_that_expire_next_add_up)
{
    struct jf_member *member = made();
    member->lots[1] = member->lots[0];
    member->lots[1].entity.value = 2;
    struct jf_balance balance = jf_member_balance_on(member, 1);
    cr_expect_eq(balance.expiring_points, 10);
    cr_expect_eq(balance.expiring_on, 100);
    free(member);
}

Test(member, a_copy_keeps_its_own_room)
{
    struct jf_member *member = made();
    struct jf_member_capacity room = {
        .lots = 3, .months = 2, .debts = 2, .counters = 2, .holds = 2, .hold_parts = 2, .cards = 1};
    struct jf_member *copy = jf_member_block_init(malloc(jf_member_block_size(room)), room);
    jf_member_copy(copy, member);
    member->lots[0].remaining = 99;
    cr_expect_eq(copy->lot_capacity, 3);
    cr_expect_eq(copy->lots[0].remaining, 5);
    cr_expect_eq(copy->number.value, 7);
    cr_expect_eq(jf_member_balance(copy), 11);
    free(copy);
    free(member);
}

Test(member, room_covers_what_one_entry_can_add)
{
    struct jf_member *member = made();
    struct jf_member_growth growth = {.lots = 4, .debts = 4, .months = 1, .cards = 2, .holds = 1};
    struct jf_member_capacity room = jf_member_room_for(member, &growth);
    cr_expect_eq(room.lots, 7);
    cr_expect_eq(room.months, 3);
    cr_expect_eq(room.debts, 6);
    cr_expect_eq(room.cards, 3);
    cr_expect_eq(room.holds, 3);
    growth.lots = JF_POSTINGS_PER_ENTRY_MAX;
    growth.debts = JF_POSTINGS_PER_ENTRY_MAX;
    growth.cards = 1000;
    room = jf_member_room_for(member, &growth);
    cr_expect_eq(room.cards, JF_CARDS_PER_MEMBER_MAX);
    cr_expect_eq(room.debts, JF_DEBTS_PER_MEMBER_MAX);
    free(member);
}
