// Claims about a member's counters: deltas add up, nothing falls below 0, what is too old goes.
#include <criterion/criterion.h>

#include <stdlib.h>

#include "rules/counters.h"

static struct jf_member *member;

static void opened(void)
{
    struct jf_member_capacity room = {.counters = JF_COUNTERS_PER_MEMBER_MAX + 1};
    void *block = calloc(1, jf_member_block_size(room));
    cr_assert_not_null(block);
    member = jf_member_block_init(block, room);
}

static void closed(void)
{
    free(member);
}

TestSuite(counters, .init = opened, .fini = closed);

static void count(uint32_t kind, uint32_t ground, int32_t period, int64_t delta)
{
    const struct jf_counter_delta deltas[1] = {{kind, ground, period, delta}};
    jf_counters_apply(member, deltas, 1);
}

Test(counters, deltas_add_up_in_their_order)
{
    count(JF_COUNTER_RULE, 9, 0, 5);
    count(JF_COUNTER_CAP_DAY, 4, 100, 3);
    count(JF_COUNTER_CAP_DAY, 2, 100, 1);
    count(JF_COUNTER_CAP_DAY, 4, 99, 7);
    count(JF_COUNTER_CAP_DAY, 4, 100, 4);
    cr_assert_eq(member->counter_count, 4);
    cr_expect_eq(member->counters[0].ground, 2);
    cr_expect_eq(member->counters[1].period, 99);
    cr_expect_eq(member->counters[3].kind, JF_COUNTER_RULE);
    cr_expect_eq(jf_counters_value(member, JF_COUNTER_CAP_DAY, 4, 100), 7);
    cr_expect_eq(jf_counters_value(member, JF_COUNTER_CAP_DAY, 4, 101), 0);
    cr_expect_eq(jf_counters_value(member, JF_COUNTER_CAP_MONTH, 4, 100), 0);
}

Test(counters, a_counter_at_zero_is_gone_and_none_falls_below)
{
    count(JF_COUNTER_RULE, 9, 0, 5);
    count(JF_COUNTER_RULE, 9, 0, -5);
    cr_expect_eq(member->counter_count, 0);
    count(JF_COUNTER_RULE, 9, 0, -5);
    cr_expect_eq(member->counter_count, 0);
    count(JF_COUNTER_RULE, 9, 0, 2);
    count(JF_COUNTER_RULE, 9, 0, -5);
    cr_expect_eq(member->counter_count, 0);
}

Test(counters, days_and_months_far_before_the_newest_are_dropped)
{
    count(JF_COUNTER_CAP_DAY, 1, 1000, 1);
    count(JF_COUNTER_CAP_MONTH, 1, 100, 1);
    count(JF_COUNTER_RULE, 1, 0, 1);
    count(JF_COUNTER_CAP_DAY, 2, 1092, 1);
    cr_expect_eq(jf_counters_value(member, JF_COUNTER_CAP_DAY, 1, 1000), 1, "92 days are kept");
    count(JF_COUNTER_CAP_DAY, 2, 1093, 1);
    cr_expect_eq(jf_counters_value(member, JF_COUNTER_CAP_DAY, 1, 1000), 0);
    count(JF_COUNTER_CAP_DAY, 1, 1000, 4);
    cr_expect_eq(jf_counters_value(member, JF_COUNTER_CAP_DAY, 1, 1000), 0, "too old to be kept");
    count(JF_COUNTER_CAP_MONTH, 2, 124, 1);
    cr_expect_eq(jf_counters_value(member, JF_COUNTER_CAP_MONTH, 1, 100), 1);
    count(JF_COUNTER_CAP_MONTH, 2, 125, 1);
    cr_expect_eq(jf_counters_value(member, JF_COUNTER_CAP_MONTH, 1, 100), 0);
    cr_expect_eq(jf_counters_value(member, JF_COUNTER_RULE, 1, 0), 1, "rules count for ever");
}

Test(counters, what_the_whole_chain_counts_is_no_members)
{
    count(JF_COUNTER_REWARD_STOCK, 1, 0, 1);
    cr_expect_eq(member->counter_count, 0);
}

Test(counters, the_oldest_days_go_when_there_are_too_many)
{
    for (uint32_t ground = 1; ground <= 3; ground++) {
        count(JF_COUNTER_RULE, ground, 0, 1);
        for (int32_t day = 0; day < 84; day++) {
            count(JF_COUNTER_CAP_DAY, ground, day, 1);
        }
    }
    cr_assert_eq(member->counter_count, 255);
    count(JF_COUNTER_CAP_DAY, 3, 84, 1);
    cr_assert_eq(member->counter_count, 256);
    count(JF_COUNTER_CAP_DAY, 3, 85, 1);
    cr_assert_eq(member->counter_count, 256);
    cr_expect_eq(jf_counters_value(member, JF_COUNTER_CAP_DAY, 1, 0), 0);
    cr_expect_eq(jf_counters_value(member, JF_COUNTER_CAP_DAY, 2, 0), 1);
    cr_expect_eq(jf_counters_value(member, JF_COUNTER_RULE, 1, 0), 1);
}
