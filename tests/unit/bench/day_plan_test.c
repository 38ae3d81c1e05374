// Claims about a day's plan: the hours' calls add up, arrivals come as often as the rate says also
// where it changes at once, and kinds are drawn by their percents.
#include <criterion/criterion.h>
#include <math.h>

#include "bench/day_plan.h"
#include "bench/random.h"

static struct jf_day_plan plan_make(void)
{
    struct jf_day_plan plan = {.seconds = 48,
                               .hours = JF_DAY_HOURS,
                               .calls = 100000,
                               .member_day = 1,
                               .spike_factor = 10,
                               .spike_hour = 10.5,
                               .spike_hours = 0.25,
                               .drain_hour = 21};
    cr_assert(jf_day_profile_parse(JF_DAY_PROFILE, plan.profile));
    plan.percents[JF_DAY_QUOTE] = 20;
    plan.percents[JF_DAY_REDEEM] = 5;
    plan.percents[JF_DAY_RETURN] = 2;
    plan.percents[JF_DAY_GET] = 10;
    return plan;
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
    cr_assert_eq(jf_day_rate(&plan, -1), 0);
    cr_assert_eq(jf_day_rate(&plan, 48), 0);
}

Test(day_plan, a_member_day_multiplies_from_its_opening_on)
{
    struct jf_day_plan usual = plan_make();
    struct jf_day_plan plan = plan_make();
    plan.member_day = 3;
    plan.member_day_hour = 7.5;
    double opening = jf_day_second(&plan, 7.5);
    cr_assert_float_eq(jf_day_rate(&plan, opening - 1e-9), jf_day_rate(&usual, opening - 1e-9),
                       1e-6);
    cr_assert_float_eq(jf_day_rate(&plan, opening + 1e-9), 3 * jf_day_rate(&usual, opening + 1e-9),
                       1e-6);
    cr_assert_float_eq(jf_day_rate(&plan, 47), 3 * jf_day_rate(&usual, 47), 1e-6);
}

Test(day_plan, a_profile_says_when_customers_come)
{
    struct jf_day_plan plan = plan_make();
    uint64_t random = 5;
    plan.spike_factor = 1;
    cr_assert(
        jf_day_profile_parse("0,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,3,0,0,0,0,0,0,0", plan.profile));
    cr_assert_float_eq(jf_day_rate(&plan, jf_day_second(&plan, 9.5)) * 2, 25000, 1e-6);
    cr_assert_float_eq(jf_day_rate(&plan, jf_day_second(&plan, 16.5)) * 2, 75000, 1e-6);
    cr_assert_eq(jf_day_rate(&plan, jf_day_second(&plan, 12)), 0);
    uint32_t count = 0;
    for (double at = jf_day_next(&plan, 0, jf_random_exponential(&random)); at < plan.seconds;
         at = jf_day_next(&plan, at, jf_random_exponential(&random))) {
        uint32_t hour = (uint32_t)jf_day_hour(&plan, at);
        cr_assert(hour == 9 || hour == 16, "one came at %u", hour);
        count += 1;
    }
    cr_assert_float_eq((double)count, 100000, 5 * sqrt(100000));
}

Test(day_plan, what_is_no_profile_is_refused_and_changes_nothing)
{
    static const char *const texts[] = {
        "",
        "1",
        "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1",         // 23
        "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1",     // 25
        "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,",      // one comma more
        "1,,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1",        // an empty hour
        "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,-1",      // below 0
        "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1000001", // above what is allowed
        "0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0",       // nobody comes
    };
    double profile[JF_DAY_HOURS] = {7};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        cr_assert_not(jf_day_profile_parse(texts[i], profile), "%s", texts[i]);
        cr_assert_eq(profile[0], 7);
    }
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
    double before = 0;
    plan.member_day = 2;
    plan.member_day_hour = 7.25;
    for (double at = jf_day_next(&plan, 0, jf_random_exponential(&random)); at < plan.seconds;
         at = jf_day_next(&plan, at, jf_random_exponential(&random))) {
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
