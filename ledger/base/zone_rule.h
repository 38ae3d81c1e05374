// The footer of a TZif file: a POSIX TZ string (IEEE 1003.1, section 8.3, with the hours -167..167
// of RFC 8536, 3.3.1) that says what holds after the last listed transition. Used by zone.c only.
// Threads: any; pure.
#ifndef JF_BASE_ZONE_RULE_H
#define JF_BASE_ZONE_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

enum jf_zone_day_kind {
    JF_ZONE_DAY_NO_LEAP = 0, // Jn: 1..365, 29 February is never counted
    JF_ZONE_DAY_OF_YEAR = 1, // n: 0..365, 29 February is counted
    JF_ZONE_DAY_WEEKDAY = 2, // Mm.w.d: week 1..5 of a month, 5 is the last
};

// When in a year the clock changes, by the clock that held before.
struct jf_zone_change {
    enum jf_zone_day_kind kind;
    int32_t month;   // 1..12, JF_ZONE_DAY_WEEKDAY only
    int32_t week;    // 1..5, JF_ZONE_DAY_WEEKDAY only
    int32_t day;     // of the year, or 0 Sunday .. 6 Saturday
    int32_t seconds; // after midnight; may be negative or above a day
};

struct jf_zone_rule {
    int32_t standard_offset; // seconds, local minus UTC
    int32_t daylight_offset; // likewise; below standard_offset where winter is the exception
    bool has_daylight;
    struct jf_zone_change start; // of daylight time, by the standard clock
    struct jf_zone_change end;   // by the daylight clock
};

// Returns: false (output untouched) when `text` is no complete rule.
bool jf_zone_rule_parse(struct jf_text text, struct jf_zone_rule *out_rule);

// In: unix_seconds within about a million years. Returns: local minus UTC at that instant.
int32_t jf_zone_rule_offset(const struct jf_zone_rule *rule, int64_t unix_seconds);

// Returns: the first change of the clock after that instant; INT64_MAX when there is none.
int64_t jf_zone_rule_next(const struct jf_zone_rule *rule, int64_t unix_seconds);

#endif
