// The happy path reads the policy, then the fields that it needs. Failures: a value that is not
// allowed, a field that is missing, and one that the policy has no use for.
#include "rules/programme_expiry.h"

#include <string.h>

#include "base/assert.h"

#define MONTHS_MAX 120
#define YEARS_MAX  10
#define LEAP_YEAR  2000 // has every day that a year can have

// One of the fields beside the policy, and what it is given as.
struct field {
    const char *key;
    const char *text;
    bool is_needed;
    bool is_allowed;
};

static enum jf_error field_check(const struct jf_reading *reading, const char *path,
                                 const struct field *field, const char *policy)
{
    char place[JF_OUTLINE_PATH_MAX];
    jf_value_path(place, "%s.%s", path, field->key);
    if (field->is_needed && field->text == NULL) {
        return jf_outline_fault(reading->outline, reading->diagnosis, place, "missing: %s needs it",
                                policy);
    }
    if (!field->is_allowed && field->text != NULL) {
        return jf_outline_fault(reading->outline, reading->diagnosis, place,
                                "has no meaning with policy %s: leave it out", policy);
    }
    return JF_OK;
}

// "03-31": a day that some year has.
static enum jf_error day_read(const struct jf_reading *reading, const char *path, const char *text,
                              struct jf_expiry *expiry)
{
    char place[JF_OUTLINE_PATH_MAX];
    jf_value_path(place, "%s.day", path);
    struct jf_civil civil = {LEAP_YEAR, 0, 0};
    if (strlen(text) == 5 && text[2] == '-' && strspn(text, "0123456789") == 2 &&
        strspn(text + 3, "0123456789") == 2) {
        civil.month = (text[0] - '0') * 10 + (text[1] - '0');
        civil.day = (text[3] - '0') * 10 + (text[4] - '0');
    }
    if (!jf_civil_is_valid(civil)) {
        return jf_outline_fault(reading->outline, reading->diagnosis, place,
                                "write month and day, such as 03-31");
    }
    expiry->month = civil.month;
    expiry->day = civil.day;
    return JF_OK;
}

static enum jf_error integer_read(const struct jf_reading *reading, const char *path,
                                  const char *text, int64_t max, int32_t *out_number)
{
    int64_t number = 0;
    enum jf_error error = jf_value_integer((struct jf_value){reading, path, text},
                                           max == YEARS_MAX ? 1 : 0, max, &number);
    *out_number = (int32_t)number;
    return error;
}

static enum jf_error fields_read(const struct jf_reading *reading, const char *path,
                                 const struct jf_yaml_expiry *yaml, struct jf_expiry *expiry)
{
    char place[JF_OUTLINE_PATH_MAX];
    enum jf_error error = JF_OK;
    if (yaml->months != NULL) {
        jf_value_path(place, "%s.months", path);
        error = integer_read(reading, place, yaml->months, MONTHS_MAX, &expiry->months);
    }
    if (error == JF_OK && yaml->day != NULL) {
        error = day_read(reading, path, yaml->day, expiry);
    }
    if (error == JF_OK && yaml->years != NULL) {
        jf_value_path(place, "%s.years", path);
        error = integer_read(reading, place, yaml->years, YEARS_MAX, &expiry->years);
    }
    return error;
}

enum jf_error jf_expiry_compile(const struct jf_reading *reading, const char *path,
                                const struct jf_yaml_expiry *yaml, struct jf_expiry *out_expiry)
{
    static const char *const policies[] = {"never", "month_end", "months_after", "day_of_year"};
    _Static_assert(JF_EXPIRY_MONTH_END == 1, "policies are in their order");
    _Static_assert(JF_EXPIRY_MONTHS_AFTER == 2, "likewise");
    _Static_assert(JF_EXPIRY_DAY_OF_YEAR == 3, "likewise");
    char place[JF_OUTLINE_PATH_MAX];
    uint32_t policy = 0;
    jf_value_path(place, "%s.policy", path);
    enum jf_error error =
        jf_value_choice((struct jf_value){reading, place, yaml->policy}, policies, 4, &policy);
    if (error != JF_OK) {
        return error;
    }
    bool has_months = policy == JF_EXPIRY_MONTH_END || policy == JF_EXPIRY_MONTHS_AFTER;
    bool has_day = policy == JF_EXPIRY_DAY_OF_YEAR;
    const struct field fields[] = {
        {"months", yaml->months, has_months, has_months},
        {"day", yaml->day, has_day, has_day},
        {"years", yaml->years, false, has_day},
    };
    for (uint32_t i = 0; error == JF_OK && i < 3; i++) {
        error = field_check(reading, path, &fields[i], policies[policy]);
    }
    *out_expiry = (struct jf_expiry){.kind = (enum jf_expiry_kind)policy, .years = 1};
    return error == JF_OK ? fields_read(reading, path, yaml, out_expiry) : error;
}

static jf_date day_in(const struct jf_expiry *expiry, int32_t year)
{
    int32_t length = jf_month_length(year, expiry->month);
    int32_t day = expiry->day < length ? expiry->day : length;
    return jf_date_from_civil((struct jf_civil){year, expiry->month, day});
}

static jf_date at_most(jf_date date)
{
    return date < JF_DATE_MAX ? date : JF_DATE_MAX;
}

jf_date jf_expiry_date(const struct jf_expiry *expiry, jf_date date)
{
    JF_ASSERT(date >= JF_DATE_MIN);
    JF_ASSERT(date <= JF_DATE_MAX);
    int32_t year = jf_date_to_civil(date).year;
    switch (expiry->kind) {
    case JF_EXPIRY_NEVER:
        return JF_DATE_EVER;
    case JF_EXPIRY_MONTH_END:
        return at_most(jf_date_month_end(jf_date_month_index(date) + expiry->months));
    case JF_EXPIRY_MONTHS_AFTER:
        return at_most(jf_date_add_months(date, expiry->months));
    case JF_EXPIRY_DAY_OF_YEAR:
        year += day_in(expiry, year) < date ? 1 : 0;
        return at_most(day_in(expiry, year + expiry->years - 1));
    }
    return JF_DATE_EVER;
}
