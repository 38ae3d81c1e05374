// Days to year-month-day and back by eras of 400 years that begin on 1 March, after Hinnant.
#include "base/date.h"

#include <stdio.h>

#include "base/assert.h"

jf_date jf_date_from_civil(struct jf_civil civil)
{
    JF_ASSERT(civil.month >= 1);
    JF_ASSERT(civil.month <= 12);
    int32_t year = civil.month <= 2 ? civil.year - 1 : civil.year;
    int32_t era = (year >= 0 ? year : year - 399) / 400;
    int32_t year_of_era = year - era * 400;
    int32_t month_from_march = (civil.month + 9) % 12;
    int32_t day_of_year = (153 * month_from_march + 2) / 5 + civil.day - 1;
    int32_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

struct jf_civil jf_date_to_civil(jf_date date)
{
    JF_ASSERT(date > INT32_MIN + 1000000);
    JF_ASSERT(date < INT32_MAX - 1000000);
    int32_t shifted = date + 719468;
    int32_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int32_t day_of_era = shifted - era * 146097;
    int32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int32_t month_from_march = (5 * day_of_year + 2) / 153;
    int32_t day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    int32_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    int32_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
    return (struct jf_civil){year, month, day};
}

bool jf_year_is_leap(int32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int32_t jf_month_length(int32_t year, int32_t month)
{
    static const int32_t lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    JF_ASSERT(month >= 1);
    JF_ASSERT(month <= 12);
    return month == 2 && jf_year_is_leap(year) ? 29 : lengths[month - 1];
}

bool jf_civil_is_valid(struct jf_civil civil)
{
    if (civil.year < 1970 || civil.year > 2199 || civil.month < 1 || civil.month > 12) {
        return false;
    }
    return civil.day >= 1 && civil.day <= jf_month_length(civil.year, civil.month);
}

int32_t jf_date_weekday(jf_date date)
{
    int32_t from_monday = (date + 3) % 7; // 1970-01-01 was a Thursday
    return (from_monday < 0 ? from_monday + 7 : from_monday) + 1;
}

int32_t jf_date_month_index(jf_date date)
{
    struct jf_civil civil = jf_date_to_civil(date);
    return civil.year * 12 + civil.month - 1;
}

jf_date jf_date_month_end(int32_t month_index)
{
    struct jf_civil civil = {month_index / 12, month_index % 12 + 1, 1};
    civil.day = jf_month_length(civil.year, civil.month);
    return jf_date_from_civil(civil);
}

jf_date jf_date_add_months(jf_date date, int32_t months)
{
    struct jf_civil civil = jf_date_to_civil(date);
    int32_t month_index = civil.year * 12 + civil.month - 1 + months;
    JF_ASSERT(month_index >= 0);
    struct jf_civil moved = {month_index / 12, month_index % 12 + 1, civil.day};
    int32_t length = jf_month_length(moved.year, moved.month);
    if (moved.day > length) {
        moved.day = length;
    }
    return jf_date_from_civil(moved);
}

static bool digits_parse(const char *digits, uint32_t count, int32_t *out_value)
{
    int32_t value = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (digits[i] < '0' || digits[i] > '9') {
            return false;
        }
        value = value * 10 + (digits[i] - '0');
    }
    *out_value = value;
    return true;
}

bool jf_date_parse(struct jf_text text, jf_date *out_date)
{
    struct jf_civil civil = {0, 0, 0};
    if (text.size != 10 || text.data[4] != '-' || text.data[7] != '-') {
        return false;
    }
    if (!digits_parse(text.data, 4, &civil.year) || !digits_parse(text.data + 5, 2, &civil.month) ||
        !digits_parse(text.data + 8, 2, &civil.day)) {
        return false;
    }
    if (!jf_civil_is_valid(civil)) {
        return false;
    }
    *out_date = jf_date_from_civil(civil);
    return true;
}

void jf_date_format(jf_date date, char out_text[JF_DATE_TEXT_SIZE])
{
    if (date == JF_DATE_EVER || date == JF_DATE_NONE) {
        snprintf(out_text, JF_DATE_TEXT_SIZE, "%s", date == JF_DATE_EVER ? "never" : "");
        return;
    }
    struct jf_civil civil = jf_date_to_civil(date);
    snprintf(out_text, JF_DATE_TEXT_SIZE, "%04u-%02u-%02u", (unsigned)civil.year % 10000,
             (unsigned)civil.month % 100, (unsigned)civil.day % 100);
}
