// A cursor walks the text: name, offset, and for daylight time a second name, offset and two
// changes. An instant is placed by working out the changes of the years around it, so that changes
// whose hours reach into a neighbouring year need no special case. Failures: any character out of
// place makes the whole text no rule.
#include "base/zone_rule.h"

#include "base/assert.h"
#include "base/date.h"

#define DAY_SECONDS      86400
#define HOUR_SECONDS     3600
#define OFFSET_HOURS_MAX 24
#define CHANGE_HOURS_MAX 167
#define CHANGE_DEFAULT   (2 * HOUR_SECONDS)
// In a year's first week the last change may still be one of two years ago: its day was in December
// and its hours reach into January.
#define CHANGE_YEARS_AGO 2

struct cursor {
    const char *at;
    const char *end;
};

static bool is_next(const struct cursor *cursor, char expected)
{
    return cursor->at < cursor->end && *cursor->at == expected;
}

static bool accept(struct cursor *cursor, char expected)
{
    if (!is_next(cursor, expected)) {
        return false;
    }
    cursor->at += 1;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool number_parse(struct cursor *cursor, int32_t min, int32_t max, int32_t *out_value)
{
    int32_t value = 0;
    uint32_t digits = 0;
    while (cursor->at < cursor->end && is_digit(*cursor->at) && digits < 4) {
        value = value * 10 + (*cursor->at - '0');
        cursor->at += 1;
        digits += 1;
    }
    if (digits == 0 || value < min || value > max) {
        return false;
    }
    *out_value = value;
    return true;
}

static bool name_skip(struct cursor *cursor)
{
    bool is_quoted = accept(cursor, '<');
    uint32_t size = 0;
    for (; cursor->at < cursor->end; size++, cursor->at++) {
        char c = *cursor->at;
        bool is_quoted_only = is_digit(c) || c == '+' || c == '-';
        if (!is_letter(c) && !(is_quoted && is_quoted_only)) {
            break;
        }
    }
    if (size < 3) {
        return false;
    }
    return !is_quoted || accept(cursor, '>');
}

// [+-]hh[:mm[:ss]] in seconds.
static bool time_parse(struct cursor *cursor, int32_t hours_max, int32_t *out_seconds)
{
    bool is_negative = accept(cursor, '-');
    if (!is_negative) {
        (void)accept(cursor, '+');
    }
    int32_t hours = 0;
    int32_t minutes = 0;
    int32_t seconds = 0;
    if (!number_parse(cursor, 0, hours_max, &hours)) {
        return false;
    }
    if (accept(cursor, ':')) {
        if (!number_parse(cursor, 0, 59, &minutes)) {
            return false;
        }
        if (accept(cursor, ':') && !number_parse(cursor, 0, 59, &seconds)) {
            return false;
        }
    }
    int32_t total = hours * HOUR_SECONDS + minutes * 60 + seconds;
    *out_seconds = is_negative ? -total : total;
    return true;
}

// POSIX counts offsets westward; ours are local minus UTC.
static bool offset_parse(struct cursor *cursor, int32_t *out_offset)
{
    int32_t west = 0;
    if (!time_parse(cursor, OFFSET_HOURS_MAX, &west)) {
        return false;
    }
    *out_offset = -west;
    return true;
}

static bool weekday_parse(struct cursor *cursor, struct jf_zone_change *change)
{
    change->kind = JF_ZONE_DAY_WEEKDAY;
    return number_parse(cursor, 1, 12, &change->month) && accept(cursor, '.') &&
           number_parse(cursor, 1, 5, &change->week) && accept(cursor, '.') &&
           number_parse(cursor, 0, 6, &change->day);
}

static bool day_parse(struct cursor *cursor, struct jf_zone_change *change)
{
    if (accept(cursor, 'M')) {
        return weekday_parse(cursor, change);
    }
    if (accept(cursor, 'J')) {
        change->kind = JF_ZONE_DAY_NO_LEAP;
        return number_parse(cursor, 1, 365, &change->day);
    }
    change->kind = JF_ZONE_DAY_OF_YEAR;
    return number_parse(cursor, 0, 365, &change->day);
}

static bool change_parse(struct cursor *cursor, struct jf_zone_change *change)
{
    if (!accept(cursor, ',') || !day_parse(cursor, change)) {
        return false;
    }
    change->seconds = CHANGE_DEFAULT;
    return !accept(cursor, '/') || time_parse(cursor, CHANGE_HOURS_MAX, &change->seconds);
}

static bool daylight_parse(struct cursor *cursor, struct jf_zone_rule *rule)
{
    rule->has_daylight = true;
    rule->daylight_offset = rule->standard_offset + HOUR_SECONDS;
    if (!name_skip(cursor)) {
        return false;
    }
    if (!is_next(cursor, ',') && !offset_parse(cursor, &rule->daylight_offset)) {
        return false;
    }
    return change_parse(cursor, &rule->start) && change_parse(cursor, &rule->end);
}

bool jf_zone_rule_parse(struct jf_text text, struct jf_zone_rule *out_rule)
{
    if (text.size == 0) {
        return false;
    }
    struct cursor cursor = {text.data, text.data + text.size};
    struct jf_zone_rule rule = {0};
    if (!name_skip(&cursor) || !offset_parse(&cursor, &rule.standard_offset)) {
        return false;
    }
    if (cursor.at < cursor.end && !daylight_parse(&cursor, &rule)) {
        return false;
    }
    if (cursor.at != cursor.end) {
        return false;
    }
    *out_rule = rule;
    return true;
}

static int64_t weekday_in_month(const struct jf_zone_change *change, int32_t year)
{
    jf_date first = jf_date_from_civil((struct jf_civil){year, change->month, 1});
    int32_t weekday = jf_date_weekday(first) % 7; // 0 Sunday
    int32_t day = (change->day - weekday + 7) % 7 + 7 * (change->week - 1);
    if (day >= jf_month_length(year, change->month)) {
        day -= 7;
    }
    JF_ASSERT(day >= 0);
    return (int64_t)first + day;
}

// The day of a change in a year, as days since 1970-01-01.
static int64_t change_day(const struct jf_zone_change *change, int32_t year)
{
    if (change->kind == JF_ZONE_DAY_WEEKDAY) {
        return weekday_in_month(change, year);
    }
    int64_t new_year = jf_date_from_civil((struct jf_civil){year, 1, 1});
    if (change->kind == JF_ZONE_DAY_OF_YEAR) {
        return new_year + change->day;
    }
    bool is_after_february = change->day >= 60;
    return new_year + change->day - 1 + (jf_year_is_leap(year) && is_after_february ? 1 : 0);
}

static int64_t change_instant(const struct jf_zone_change *change, int32_t year,
                              int32_t offset_before)
{
    return change_day(change, year) * DAY_SECONDS + change->seconds - offset_before;
}

static int32_t year_of(int64_t unix_seconds)
{
    int64_t day = unix_seconds / DAY_SECONDS - (unix_seconds % DAY_SECONDS < 0 ? 1 : 0);
    JF_ASSERT(day > -365000000);
    JF_ASSERT(day < 365000000);
    return jf_date_to_civil((jf_date)day).year;
}

int32_t jf_zone_rule_offset(const struct jf_zone_rule *rule, int64_t unix_seconds)
{
    if (!rule->has_daylight) {
        return rule->standard_offset;
    }
    int32_t year = year_of(unix_seconds);
    int64_t latest = INT64_MIN;
    int32_t offset = rule->standard_offset;
    for (int32_t y = year - CHANGE_YEARS_AGO; y <= year + 1; y++) {
        int64_t end = change_instant(&rule->end, y, rule->daylight_offset);
        if (end <= unix_seconds && end > latest) {
            latest = end;
            offset = rule->standard_offset;
        }
    }
    // At the same instant the start wins: daylight time all year is written so (RFC 8536, 3.3.1).
    for (int32_t y = year - CHANGE_YEARS_AGO; y <= year + 1; y++) {
        int64_t start = change_instant(&rule->start, y, rule->standard_offset);
        if (start <= unix_seconds && start >= latest) {
            latest = start;
            offset = rule->daylight_offset;
        }
    }
    JF_ASSERT(latest != INT64_MIN);
    return offset;
}

int64_t jf_zone_rule_next(const struct jf_zone_rule *rule, int64_t unix_seconds)
{
    int64_t next = INT64_MAX;
    if (!rule->has_daylight) {
        return next;
    }
    int32_t year = year_of(unix_seconds);
    for (int32_t y = year - 1; y <= year + 2; y++) {
        int64_t start = change_instant(&rule->start, y, rule->standard_offset);
        int64_t end = change_instant(&rule->end, y, rule->daylight_offset);
        if (start > unix_seconds && start < next) {
            next = start;
        }
        if (end > unix_seconds && end < next) {
            next = end;
        }
    }
    JF_ASSERT(next > unix_seconds);
    return next;
}
