// The rate is constant between the hours and the promotion's ends, so that the next arrival is
// found by using up the draw piece by piece. Cannot fail.
#include "bench/day_plan.h"

#include <math.h>
#include <stdbool.h>

#include "base/assert.h"

// Shares of a day's calls by hour, of a pharmacy that opens at seven and is fullest after work.
static const double profile[JF_DAY_HOURS] = {1,  1,  1,  1,  1,  2,  5,  12, 20, 23, 22, 18,
                                             14, 15, 18, 21, 23, 26, 28, 24, 16, 9,  4,  2};

static double profile_sum(void)
{
    double sum = 0;
    for (uint32_t hour = 0; hour < JF_DAY_HOURS; hour++) {
        sum += profile[hour];
    }
    return sum;
}

double jf_day_hour(const struct jf_day_plan *plan, double at_s)
{
    return at_s / plan->seconds * JF_DAY_HOURS;
}

double jf_day_second(const struct jf_day_plan *plan, double hour)
{
    return hour / JF_DAY_HOURS * plan->seconds;
}

static bool is_spike(const struct jf_day_plan *plan, double hour)
{
    return plan->spike_factor != 1 && hour >= plan->spike_hour &&
           hour < plan->spike_hour + plan->spike_hours;
}

// In: 0 <= hour < 24. Returns: calls a second.
static double rate_at_hour(const struct jf_day_plan *plan, double hour)
{
    double share = profile[(uint32_t)hour] / profile_sum();
    double per_second = plan->calls * plan->member_day * share / (plan->seconds / JF_DAY_HOURS);
    return is_spike(plan, hour) ? per_second * plan->spike_factor : per_second;
}

double jf_day_rate(const struct jf_day_plan *plan, double at_s)
{
    double hour = jf_day_hour(plan, at_s);
    return hour < 0 || hour >= JF_DAY_HOURS ? 0 : rate_at_hour(plan, hour);
}

// The first hour behind `hour` at which the rate may change.
static double piece_end(const struct jf_day_plan *plan, double hour)
{
    double end = floor(hour) + 1;
    const double changes[] = {plan->spike_hour, plan->spike_hour + plan->spike_hours};
    for (uint32_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        end = changes[i] > hour && changes[i] < end ? changes[i] : end;
    }
    return end;
}

double jf_day_next(const struct jf_day_plan *plan, double at_s, double draw)
{
    double hour = jf_day_hour(plan, at_s);
    JF_ASSERT(draw >= 0);
    while (hour < JF_DAY_HOURS) {
        double end = piece_end(plan, hour);
        double per_hour = rate_at_hour(plan, hour) * plan->seconds / JF_DAY_HOURS;
        double here = per_hour * (end - hour);
        if (draw < here) {
            return jf_day_second(plan, hour + draw / per_hour);
        }
        draw -= here;
        hour = end;
    }
    return INFINITY;
}

enum jf_day_phase jf_day_phase_at(const struct jf_day_plan *plan, double at_s)
{
    double hour = jf_day_hour(plan, at_s);
    if (is_spike(plan, hour)) {
        return JF_DAY_SPIKE;
    }
    bool is_drain = hour >= plan->drain_hour && hour < plan->drain_hour + 1;
    return is_drain ? JF_DAY_DRAIN : JF_DAY_USUAL;
}

enum jf_day_kind jf_day_kind_draw(const struct jf_day_plan *plan, uint64_t bits)
{
    uint32_t percent = (uint32_t)(bits % 100);
    for (uint32_t kind = JF_DAY_QUOTE; kind <= JF_DAY_GET; kind++) {
        if (percent < plan->percents[kind]) {
            return (enum jf_day_kind)kind;
        }
        percent -= plan->percents[kind];
    }
    return JF_DAY_SALE;
}

const char *jf_day_kind_name(enum jf_day_kind kind)
{
    static const char *const names[JF_DAY_KIND_COUNT] = {"sale",   "quote", "redeem",
                                                         "return", "get",   "retry"};
    return names[kind];
}

const char *jf_day_phase_name(enum jf_day_phase phase)
{
    static const char *const names[JF_DAY_PHASE_COUNT] = {"usual", "spike", "drain"};
    return names[phase];
}
