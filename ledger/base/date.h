// Civil dates of the proleptic Gregorian calendar as days since 1970-01-01, without time zones
// (those are base/zone.h). Algorithms: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms".
// Threads: any; pure.
#ifndef JF_BASE_DATE_H
#define JF_BASE_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

// Days since 1970-01-01. Valid business dates lie in JF_DATE_MIN..JF_DATE_MAX.
typedef int32_t jf_date;

#define JF_DATE_MIN  ((jf_date)0)     // 1970-01-01
#define JF_DATE_MAX  ((jf_date)84005) // 2199-12-31
#define JF_DATE_NONE INT32_MIN        // no date given
#define JF_DATE_EVER INT32_MAX        // never expires

struct jf_civil {
    int32_t year;
    int32_t month; // 1..12
    int32_t day;   // 1..31
};

// ISO 8601 numbers.
enum jf_weekday {
    JF_MONDAY = 1,
    JF_SUNDAY = 7
};

jf_date jf_date_from_civil(struct jf_civil civil);
struct jf_civil jf_date_to_civil(jf_date date);
bool jf_civil_is_valid(struct jf_civil civil); // year 1970..2199, real month and day
int32_t jf_date_weekday(jf_date date);         // 1 Monday .. 7 Sunday
int32_t jf_month_length(int32_t year, int32_t month);
bool jf_year_is_leap(int32_t year);
// year × 12 + (month - 1): months are consecutive numbers.
int32_t jf_date_month_index(jf_date date);
jf_date jf_date_month_end(int32_t month_index);

// The date `months` later; a day past the month's end becomes the month's last day.
jf_date jf_date_add_months(jf_date date, int32_t months);

// Parses "YYYY-MM-DD" exactly. Returns: false (output untouched) for anything else or out of range.
bool jf_date_parse(struct jf_text text, jf_date *out_date);

#define JF_DATE_TEXT_SIZE 11
// Writes "YYYY-MM-DD" and a NUL; "never" for JF_DATE_EVER, "" for JF_DATE_NONE.
void jf_date_format(jf_date date, char out_text[JF_DATE_TEXT_SIZE]);

#endif
