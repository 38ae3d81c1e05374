// Programmes for tests of planning, small enough to calculate by hand.
#ifndef PROGRAMMES_H
#define PROGRAMMES_H

// 1 point for 1.00; month-end expiry 3 months on; 10 points are 0.10, at most half a receipt;
// silver from 200.00 or 3 visits in 3 months, gold from 1000.00.
#define PROGRAMME_PLAIN                                                                            \
    "name: plain\n"                                                                                \
    "effective_from: 2026-01-01T00:00:00Z\n"                                                       \
    "earn: {points: 1, per_amount: 1.00}\n"                                                        \
    "expiry: {policy: month_end, months: 3}\n"                                                     \
    "redemption: {points: 100, amount: 1.00, minimum: 20, step: 10, share_max: 50%}\n"             \
    "late_after_hours: 24\n"                                                                       \
    "clock_skew_seconds: 60\n"                                                                     \
    "tiers:\n"                                                                                     \
    "  window_months: 3\n"                                                                         \
    "  levels:\n"                                                                                  \
    "    - name: standard\n"                                                                       \
    "    - {name: silver, spend: 200.00, visits: 3, require: any}\n"                               \
    "    - {name: gold, spend: 1000.00}\n"

// The same with what returns get wrong easily: a member day, a bonus with a threshold, exclusions.
// Tiers are out of the way.
#define PROGRAMME_RICH                                                                             \
    "name: rich\n"                                                                                 \
    "effective_from: 2026-01-01T00:00:00Z\n"                                                       \
    "earn: {points: 1, per_amount: 1.00}\n"                                                        \
    "exclusions: {categories: [tobacco], tenders: [insurance, voucher]}\n"                         \
    "expiry: {policy: month_end, months: 3}\n"                                                     \
    "redemption: {points: 10, amount: 1.00, minimum: 10, step: 10, share_max: 100%}\n"             \
    "rules:\n"                                                                                     \
    "  - {name: member-day, kind: multiplier, factor: 2, when: {days_of_month: [8, 18, 28]}}\n"    \
    "  - {name: big-basket, kind: bonus, points: 20, when: {basket_min: 50.00}}\n"                 \
    "  - {name: health, kind: multiplier, factor: 1.5, when: {categories: [health]}}\n"

#endif
