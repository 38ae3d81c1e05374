// A chain's day as arrivals over time: an hourly profile, a member day's factor, a promotion that
// multiplies them from one instant on. Compressed: the whole day takes so many seconds. Pure.
#ifndef JF_BENCH_DAY_PLAN_H
#define JF_BENCH_DAY_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#define JF_DAY_HOURS 24u

// A day's calls by hour, of a pharmacy that opens at seven and is fullest after work.
#define JF_DAY_PROFILE "1,1,1,1,1,2,5,12,20,23,22,18,14,15,18,21,23,26,28,24,16,9,4,2"

enum jf_day_phase {
    JF_DAY_USUAL,
    JF_DAY_SPIKE, // from the promotion's first instant to its end
    JF_DAY_DRAIN, // from when all stores are back on line to the end of that hour
    JF_DAY_PHASE_COUNT
};

// What a till asks. In: the order of jf_day_plan.percents.
enum jf_day_kind {
    JF_DAY_SALE, // what the others leave
    JF_DAY_QUOTE,
    JF_DAY_REDEEM,
    JF_DAY_RETURN,
    JF_DAY_GET,
    JF_DAY_RETRY, // a sale sent again; not drawn
    JF_DAY_KIND_COUNT
};

struct jf_day_plan {
    double seconds;                       // that the day takes, above 0
    double hours;                         // that are played: JF_DAY_HOURS, or those of a past day
    double calls;                         // of a usual day, without the promotion's
    double profile[JF_DAY_HOURS];         // shares of the hours; not all 0
    double member_day;                    // factor from its opening on, above 0
    double member_day_hour;               // when it opens, 0..24
    double spike_factor;                  // 1: no promotion
    double spike_hour;                    // 0..24
    double spike_hours;                   // how long it lasts
    double drain_hour;                    // when stores that were off line come back
    uint32_t percents[JF_DAY_KIND_COUNT]; // of QUOTE to GET; together at most 100
};

// In: "1,0,5" and so on, a whole number for each hour, of any scale. Returns: false for anything
// else, and where all are 0.
bool jf_day_profile_parse(const char *text, double out_profile[JF_DAY_HOURS]);

// Returns: calls a second at an instant of the run; 0 outside the day.
double jf_day_rate(const struct jf_day_plan *plan, double at_s);

// The next arrival behind `at_s` of a process whose rate is the plan's. In: draw: exponentially
// distributed with mean 1. Returns: seconds from the day's beginning; beyond plan->seconds: none.
double jf_day_next(const struct jf_day_plan *plan, double at_s, double draw);

// Hour of the day, 0..hours, of an instant of the run, and the other way round.
double jf_day_hour(const struct jf_day_plan *plan, double at_s);
double jf_day_second(const struct jf_day_plan *plan, double hour);

enum jf_day_phase jf_day_phase_at(const struct jf_day_plan *plan, double at_s);

// In: 64 even bits.
enum jf_day_kind jf_day_kind_draw(const struct jf_day_plan *plan, uint64_t bits);

// Returns: "sale", "usual": static.
const char *jf_day_kind_name(enum jf_day_kind kind);
const char *jf_day_phase_name(enum jf_day_phase phase);

#endif
