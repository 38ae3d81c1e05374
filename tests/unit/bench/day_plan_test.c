// Claims about a day's plan: the hours' calls add up, arrivals come as often as the rate says also
// where it changes at once, and kinds are drawn by their percents.
#include <criterion/criterion.h>
#include <math.h>

#include "bench/day_plan.h"
#include "bench/random.h"

static struct jf_day_plan plan_make(void)
{
    struct jf_day_plan plan = {.seconds = 48,
                               .calls = 100000,
                               .member_day = 1,
                               .spike_factor = 10,
                               .spike_hour = 10.5,
                               .spike_hours = 0.25,
                               .drain_hour = 21};
    plan.percents[JF_DAY_QUOTE] = 20;
    plan.percents[JF_DAY_REDEEM] = 5;
    plan.percents[JF_DAY_RETURN] = 2;
    plan.percents[JF_DAY_GET] = 10;
    return plan;
}

static double draw(uint64_t *random)
{
    return -log(((double)(jf_random_next(random) >> 11) + 1) * 0x1p-53);
}

Test(day_plan, the_hours_calls_add_up_to_the_days)
{
    struct jf_day_plan plan = plan_make();
    plan.spike_factor = 1;
    double sum = 0;
    for (uint32_t hour = 0; hour < JF_DAY_HOURS; hour++) {
        sum += jf_day_rate(&plan, jf_day_second(&plan, hour + 0.5)) * 2; // an hour takes 2 s
    }
    cr_assert_float_eq(sum, 100000, 0.01);
    plan.member_day = 3;
    cr_assert_float_eq(jf_day_rate(&plan, 20) / 3,
                       jf_day_rate(
                           &(struct jf_day_plan){
                               .seconds = 48, .calls = 100000, .member_day = 1, .spike_factor = 1},
                           20),
                       1e-6);
    cr_assert_eq(jf_day_rate(&plan, -1), 0);
    cr_assert_eq(jf_day_rate(&plan, 48), 0);
}

Test(day_plan, a_promotion_multiplies_from_one_instant_to_the_next)
{
    struct jf_day_plan plan = plan_make();
    double begin = jf_day_second(&plan, 10.5);
    double end = jf_day_second(&plan, 10.75);
    cr_assert_float_eq(jf_day_rate(&plan, begin + 1e-9), 10 * jf_day_rate(&plan, begin - 1e-9),
                       1e-3);
    cr_assert_float_eq(jf_day_rate(&plan, end - 1e-9), 10 * jf_day_rate(&plan, end + 1e-9), 1e-3);
    cr_assert_eq(jf_day_phase_at(&plan, begin + 1e-9), JF_DAY_SPIKE);
    cr_assert_eq(jf_day_phase_at(&plan, end + 1e-9), JF_DAY_USUAL);
    cr_assert_eq(jf_day_phase_at(&plan, jf_day_second(&plan, 21.5)), JF_DAY_DRAIN);
    cr_assert_eq(jf_day_phase_at(&plan, jf_day_second(&plan, 22.1)), JF_DAY_USUAL);
}

Test(day_plan, arrivals_come_as_the_rate_says)
{
    struct jf_day_plan plan = plan_make();
    uint64_t random = 3;
    uint32_t counts[JF_DAY_HOURS * 4] = {0};
    double at = 0;
    double before = 0;
    for (at = jf_day_next(&plan, 0, draw(&random)); at < plan.seconds;
         at = jf_day_next(&plan, at, draw(&random))) {
        cr_assert_geq(at, before);
        before = at;
        counts[(uint32_t)(jf_day_hour(&plan, at) * 4)] += 1;
    }
    for (uint32_t quarter = 0; quarter < JF_DAY_HOURS * 4; quarter++) {
        double expected = jf_day_rate(&plan, jf_day_second(&plan, (quarter + 0.5) / 4)) * 0.5;
        cr_assert_float_eq(counts[quarter], expected, 5 * sqrt(expected) + 1, "quarter %u",
                           quarter);
    }
    cr_assert(isinf(jf_day_next(&plan, 47.999999, 1000)));
}

Test(day_plan, kinds_are_drawn_by_their_percents)
{
    struct jf_day_plan plan = plan_make();
    uint32_t counts[JF_DAY_KIND_COUNT] = {0};
    for (uint64_t bits = 0; bits < 1000; bits++) {
        counts[jf_day_kind_draw(&plan, bits)] += 1;
    }
    cr_assert_eq(counts[JF_DAY_SALE], 630);
    cr_assert_eq(counts[JF_DAY_QUOTE], 200);
    cr_assert_eq(counts[JF_DAY_REDEEM], 50);
    cr_assert_eq(counts[JF_DAY_RETURN], 20);
    cr_assert_eq(counts[JF_DAY_GET], 100);
    cr_assert_eq(counts[JF_DAY_RETRY], 0);
    cr_assert_str_eq(jf_day_kind_name(JF_DAY_RETURN), "return");
    cr_assert_str_eq(jf_day_phase_name(JF_DAY_DRAIN), "drain");
}
