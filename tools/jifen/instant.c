// Date-time text to instants and back.
// Fails: any other shape, hours above 23, minutes and seconds above 59, dates outside 1970..2199.
#include "tools/jifen/instant.h"

#include <stdio.h>

#define JF_DAY_SECONDS 86400

struct cursor {
    const char *at;
    const char *end;
};

static bool take_character(struct cursor *cursor, char wanted)
{
    if (cursor->at == cursor->end || *cursor->at != wanted) {
        return false;
    }
    cursor->at++;
    return true;
}

static bool take_two_digits(struct cursor *cursor, int32_t max, int32_t *out_value)
{
    if (cursor->end - cursor->at < 2) {
        return false;
    }
    int32_t tens = cursor->at[0] - '0';
    int32_t ones = cursor->at[1] - '0';
    if (tens < 0 || tens > 9 || ones < 0 || ones > 9 || tens * 10 + ones > max) {
        return false;
    }
    cursor->at += 2;
    *out_value = tens * 10 + ones;
    return true;
}

// ".f", ".ff" or ".fff"; more digits are no millisecond and are refused.
static bool take_fraction(struct cursor *cursor, int32_t *out_millisecond)
{
    int32_t value = 0;
    int32_t digits = 0;
    while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9' && digits < 3) {
        value = value * 10 + (*cursor->at - '0');
        cursor->at++;
        digits++;
    }
    if (digits == 0) {
        return false;
    }
    for (; digits < 3; digits++) {
        value *= 10;
    }
    *out_millisecond = value;
    return true;
}

static bool take_time(struct cursor *cursor, struct jf_instant *instant)
{
    int32_t hour = 0;
    int32_t minute = 0;
    int32_t second = 0;
    if (!take_two_digits(cursor, 23, &hour) || !take_character(cursor, ':') ||
        !take_two_digits(cursor, 59, &minute)) {
        return false;
    }
    if (take_character(cursor, ':')) {
        if (!take_two_digits(cursor, 59, &second)) {
            return false;
        }
        if (take_character(cursor, '.') && !take_fraction(cursor, &instant->millisecond)) {
            return false;
        }
    }
    instant->second_of_day = hour * 3600 + minute * 60 + second;
    return true;
}

static bool take_offset(struct cursor *cursor, struct jf_instant *instant)
{
    if (cursor->at == cursor->end) {
        return true;
    }
    instant->has_offset = true;
    if (take_character(cursor, 'Z')) {
        return cursor->at == cursor->end;
    }
    bool is_west = *cursor->at == '-';
    int32_t hours = 0;
    int32_t minutes = 0;
    if (!take_character(cursor, is_west ? '-' : '+') || !take_two_digits(cursor, 15, &hours) ||
        !take_character(cursor, ':') || !take_two_digits(cursor, 59, &minutes)) {
        return false;
    }
    int32_t seconds = hours * 3600 + minutes * 60;
    instant->offset_seconds = is_west ? -seconds : seconds;
    return cursor->at == cursor->end;
}

bool jf_instant_parse(struct jf_text text, struct jf_instant *out_instant)
{
    struct jf_instant instant = {0};
    if (text.size < 11 || !jf_date_parse((struct jf_text){text.data, 10}, &instant.date)) {
        return false;
    }
    struct cursor cursor = {text.data + 10, text.data + text.size};
    if (!take_character(&cursor, 'T') && !take_character(&cursor, ' ')) {
        return false;
    }
    if (!take_time(&cursor, &instant) || !take_offset(&cursor, &instant)) {
        return false;
    }
    *out_instant = instant;
    return true;
}

int64_t jf_instant_to_ms(const struct jf_instant *instant, const struct jf_zone *zone)
{
    int64_t ms = 0;
    if (instant->has_offset || zone == NULL) {
        int64_t seconds = (int64_t)instant->date * JF_DAY_SECONDS + instant->second_of_day;
        ms = (seconds - instant->offset_seconds) * 1000;
    } else {
        ms = jf_zone_instant_ms(zone, instant->date, instant->second_of_day);
    }
    return ms + instant->millisecond;
}

void jf_instant_format(int64_t unix_ms, char out_text[JF_INSTANT_TEXT_SIZE])
{
    int64_t seconds = unix_ms / 1000;
    if (unix_ms < 0 || seconds / JF_DAY_SECONDS > JF_DATE_MAX) {
        (void)snprintf(out_text, JF_INSTANT_TEXT_SIZE, "-");
        return;
    }
    char date[JF_DATE_TEXT_SIZE];
    jf_date_format((jf_date)(seconds / JF_DAY_SECONDS), date);
    int second_of_day = (int)(seconds % JF_DAY_SECONDS);
    (void)snprintf(out_text, JF_INSTANT_TEXT_SIZE, "%s %02d:%02d:%02dZ", date, second_of_day / 3600,
                   second_of_day / 60 % 60, second_of_day % 60);
}

void jf_wire_date_format(int32_t wire, char out_text[JF_DATE_TEXT_SIZE])
{
    struct jf_civil civil = {wire / 10000, wire / 100 % 100, wire % 100};
    if (wire > 0 && jf_civil_is_valid(civil)) {
        jf_date_format(jf_date_from_civil(civil), out_text);
    } else {
        (void)snprintf(out_text, JF_DATE_TEXT_SIZE, "-");
    }
}

int32_t jf_wire_date_from(jf_date date)
{
    if (date < JF_DATE_MIN || date > JF_DATE_MAX) {
        return 0;
    }
    struct jf_civil civil = jf_date_to_civil(date);
    return civil.year * 10000 + civil.month * 100 + civil.day;
}
