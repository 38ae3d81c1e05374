// The rate is constant between the hours, the member day's opening and the promotion's ends, so
// that the next arrival is found by using up the draw piece by piece. Fails: a profile that is
// none.
#include "bench/day_plan.h"

#include <math.h>
#include <string.h>

#include "base/assert.h"
#include "base/text.h"
#include "tools/jifen/decimal.h"

#define SHARE_MAX 1000000u

static double profile_sum(const double profile[JF_DAY_HOURS])
{
    double sum = 0;
    for (uint32_t hour = 0; hour < JF_DAY_HOURS; hour++) {
        sum += profile[hour];
    }
    return sum;
}

bool jf_day_profile_parse(const char *text, double out_profile[JF_DAY_HOURS])
{
    double profile[JF_DAY_HOURS];
    for (uint32_t hour = 0; hour < JF_DAY_HOURS; hour++) {
        uint64_t share = 0;
        size_t size = strcspn(text, ",");
        char end = hour + 1 < JF_DAY_HOURS ? ',' : '\0';
        const struct jf_text digits = {text, (uint32_t)size};
        if (text[size] != end || jf_decimal_parse_whole(digits, &share) != JF_OK ||
            share > SHARE_MAX) {
            return false;
        }
        profile[hour] = (double)share;
        text += size + (end == ',' ? 1 : 0);
    }
    if (profile_sum(profile) <= 0) {
        return false;
    }
    memcpy(out_profile, profile, sizeof profile);
    return true;
}

double jf_day_hour(const struct jf_day_plan *plan, double at_s)
{
    return at_s / plan->seconds * plan->hours;
}

double jf_day_second(const struct jf_day_plan *plan, double hour)
{
    return hour / plan->hours * plan->seconds;
}

static bool is_spike(const struct jf_day_plan *plan, double hour)
{
    return plan->spike_factor != 1 && hour >= plan->spike_hour &&
           hour < plan->spike_hour + plan->spike_hours;
}

// In: 0 <= hour < 24. Returns: calls a second.
static double rate_at_hour(const struct jf_day_plan *plan, double hour)
{
    JF_ASSERT(hour >= 0 && hour < JF_DAY_HOURS);
    double share = plan->profile[(uint32_t)hour] / profile_sum(plan->profile);
    double factor = hour >= plan->member_day_hour ? plan->member_day : 1;
    double per_second = plan->calls * factor * share / (plan->seconds / JF_DAY_HOURS);
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
    const double changes[] = {plan->member_day_hour, plan->spike_hour,
                              plan->spike_hour + plan->spike_hours};
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
