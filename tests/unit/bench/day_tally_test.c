// Claims about what is told of a day: a queue lasts from its first customer until none waits and
// counts for the promotion or the drain if anybody joined it then; refusals are counted by code.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/day_tally.h"

static const struct jf_day_plan plan = {.seconds = 24,
                                        .hours = 24,
                                        .calls = 1000,
                                        .member_day = 1,
                                        .spike_factor = 10,
                                        .spike_hour = 10,
                                        .spike_hours = 1,
                                        .drain_hour = 21};

Test(day_tally, a_queue_lasts_from_its_first_customer_until_none_waits)
{
    struct jf_day_tally *tally = calloc(1, sizeof *tally);
    struct jf_day_queue queue = {0};
    struct jf_day_queue other = {0};
    cr_assert_not_null(tally);
    jf_day_queue_join(tally, &plan, &queue, 10.5); // in the promotion
    jf_day_queue_join(tally, &plan, &queue, 10.6);
    jf_day_queue_join(tally, &plan, &other, 10.7);
    cr_assert_eq(tally->waiting, 3);
    jf_day_queue_leave(tally, &queue, 11.0);
    cr_assert_eq(tally->queue_longest_s[JF_DAY_SPIKE], 0, "one still waits");
    jf_day_queue_leave(tally, &queue, 11.5);
    cr_assert_float_eq(tally->queue_longest_s[JF_DAY_SPIKE], 1.0, 1e-9);
    jf_day_queue_leave(tally, &other, 10.9);
    cr_assert_float_eq(tally->queue_longest_s[JF_DAY_SPIKE], 1.0, 1e-9);
    jf_day_queue_join(tally, &plan, &queue, 12.0);
    jf_day_queue_leave(tally, &queue, 12.25);
    cr_assert_float_eq(tally->queue_longest_s[JF_DAY_USUAL], 0.25, 1e-9);
    cr_assert_eq(tally->waited, 4);
    cr_assert_eq(tally->waiting, 0);
    cr_assert_eq(tally->slices[42].waiting_most, 3);
    free(tally);
}

Test(day_tally, a_queue_that_meets_the_promotion_counts_for_it)
{
    struct jf_day_tally *tally = calloc(1, sizeof *tally);
    struct jf_day_queue queue = {0};
    cr_assert_not_null(tally);
    jf_day_queue_join(tally, &plan, &queue, 9.9); // just before it
    jf_day_queue_join(tally, &plan, &queue, 10.2);
    jf_day_queue_leave(tally, &queue, 10.9);
    jf_day_queue_join(tally, &plan, &queue, 11.5); // behind it
    jf_day_queue_leave(tally, &queue, 12.0);
    jf_day_queue_leave(tally, &queue, 12.9);
    cr_assert_float_eq(tally->queue_longest_s[JF_DAY_SPIKE], 3.0, 1e-9);
    cr_assert_eq(tally->queue_longest_s[JF_DAY_USUAL], 0);
    jf_day_queue_join(tally, &plan, &queue, 20.9);
    jf_day_queue_join(tally, &plan, &queue, 21.1);
    jf_day_queue_leave(tally, &queue, 21.2);
    jf_day_queue_leave(tally, &queue, 21.3);
    cr_assert_float_eq(tally->queue_longest_s[JF_DAY_DRAIN], 0.4, 1e-9);
    jf_day_queue_join(tally, &plan, &queue, 22.5);
    jf_day_queue_leave(tally, &queue, 22.75);
    cr_assert_float_eq(tally->queue_longest_s[JF_DAY_USUAL], 0.25, 1e-9, "it begins anew");
    free(tally);
}

Test(day_tally, latencies_stand_where_the_customer_came)
{
    struct jf_day_tally *tally = calloc(1, sizeof *tally);
    cr_assert_not_null(tally);
    jf_day_tally_arrive(tally, &plan, 10.9);
    jf_day_tally_answer(tally, &plan, JF_DAY_SALE, 10.9, 11.4);
    cr_assert_eq(tally->latency_ns[JF_DAY_SALE][JF_DAY_SPIKE].count, 1);
    cr_assert_eq(tally->latency_ns[JF_DAY_SALE][JF_DAY_USUAL].count, 0);
    cr_assert_eq(tally->slices[43].arrived, 1);
    cr_assert_eq(tally->slices[43].answered, 0);
    cr_assert_eq(tally->slices[45].answered, 1);
    cr_assert_eq(tally->slices[43].latency_ns.count, 1);
    jf_day_tally_answer(tally, &plan, JF_DAY_GET, 23.9, 30);
    cr_assert_eq(tally->slices[95].answered, 1, "after the day's end");
    free(tally);
}

Test(day_tally, refusals_are_counted_by_code_and_the_many_as_other)
{
    struct jf_day_tally *tally = calloc(1, sizeof *tally);
    char code[16];
    cr_assert_not_null(tally);
    jf_day_tally_refuse(tally, JF_TEXT("INSUFFICIENT_POINTS"));
    jf_day_tally_refuse(tally, JF_TEXT("INSUFFICIENT_POINTS"));
    cr_assert_eq(tally->refusal_count, 1);
    cr_assert_eq(tally->refusals[0].count, 2);
    for (uint32_t i = 0; i < 40; i++) {
        int size = snprintf(code, sizeof code, "CODE_%u", i);
        jf_day_tally_refuse(tally, (struct jf_text){code, (uint32_t)size});
    }
    cr_assert_eq(tally->refused, 42);
    cr_assert_eq(tally->refusal_count, JF_DAY_REFUSALS_MAX);
    cr_assert_str_eq(tally->refusals[JF_DAY_REFUSALS_MAX - 1].code, "other");
    uint64_t sum = 0;
    for (uint32_t i = 0; i < tally->refusal_count; i++) {
        sum += tally->refusals[i].count;
    }
    cr_assert_eq(sum, 42);
    free(tally);
}
