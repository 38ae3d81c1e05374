// Reads single values from text. Every function is a few comparisons on the happy path; the one way
// to fail is a text outside what is allowed (for zones also a zone that the system does not know,
// or no memory).
#include "rules/programme_value.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/zone.h"

#define MS_PER_SECOND 1000
#define DAY_SECONDS   86400

void jf_value_path(char out_path[JF_OUTLINE_PATH_MAX], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out_path, JF_OUTLINE_PATH_MAX, format, arguments);
    va_end(arguments);
}

static enum jf_error fault(struct jf_value value, const char *allowed)
{
    size_t shown = strlen(value.text);
    if (shown > JF_VALUE_SHOWN_MAX) {
        shown = JF_VALUE_SHOWN_MAX;
        while (shown > 0 && ((unsigned char)value.text[shown] & 0xc0) == 0x80) {
            shown--; // no character is cut in half
        }
    }
    return jf_outline_fault(value.reading->outline, value.reading->diagnosis, value.path,
                            "\"%.*s\" is not allowed: %s", (int)shown, value.text, allowed);
}

// Reads a run of digits. Returns: bytes read, 0 for none or above max.
static size_t digits_read(const char *text, int64_t max, int64_t *out_number)
{
    JF_ASSERT(max <= JF_POINTS_MAX); // so that one digit more still fits
    int64_t number = 0;
    size_t size = 0;
    for (; text[size] >= '0' && text[size] <= '9'; size++) {
        number = number * 10 + (text[size] - '0');
        if (number > max) {
            return 0;
        }
    }
    *out_number = number;
    return size;
}

// Reads "123" or "123.45" as 12345 with two digits behind the point.
// Returns: bytes read, 0 for none, above max or more than digits_max digits behind the point.
static size_t decimal_read(const char *text, uint32_t digits_max, int64_t max, int64_t *out_scaled,
                           uint32_t *out_digits)
{
    int64_t scaled = 0;
    size_t size = digits_read(text, max, &scaled);
    uint32_t digits = 0;
    if (size == 0) {
        return 0;
    }
    if (text[size] == '.') {
        size++;
        for (; text[size] >= '0' && text[size] <= '9'; size++) {
            scaled = scaled * 10 + (text[size] - '0');
            digits++;
            if (digits > digits_max || scaled > max) {
                return 0;
            }
        }
        if (digits == 0) {
            return 0;
        }
    }
    *out_scaled = scaled;
    *out_digits = digits;
    return size;
}

enum jf_error jf_value_integer(struct jf_value value, int64_t min, int64_t max,
                               int64_t *out_integer)
{
    JF_ASSERT(min >= 0);
    JF_ASSERT(min <= max);
    int64_t number = 0;
    size_t size = digits_read(value.text, max, &number);
    if (size == 0 || value.text[size] != '\0' || number < min) {
        char allowed[96];
        snprintf(allowed, sizeof allowed, "write a whole number from %lld to %lld", (long long)min,
                 (long long)max);
        return fault(value, allowed);
    }
    *out_integer = number;
    return JF_OK;
}

static int64_t power_of_ten(uint32_t exponent)
{
    JF_ASSERT(exponent <= 18);
    int64_t power = 1;
    for (uint32_t i = 0; i < exponent; i++) {
        power *= 10;
    }
    return power;
}

enum jf_error jf_value_integer_or_default(struct jf_value value, int64_t min, int64_t max,
                                          int64_t *integer)
{
    return value.text == NULL ? JF_OK : jf_value_integer(value, min, max, integer);
}

enum jf_error jf_value_amount(struct jf_value value, int64_t min, int64_t *out_amount)
{
    uint32_t currency_digits = value.reading->programme->currency_digits;
    int64_t scaled = 0;
    uint32_t digits = 0;
    size_t size = decimal_read(value.text, currency_digits, JF_AMOUNT_MAX, &scaled, &digits);
    bool is_read = size > 0 && value.text[size] == '\0';
    int64_t unit = power_of_ten(currency_digits - digits);
    if (!is_read || scaled > JF_AMOUNT_MAX / unit || scaled * unit < min) {
        char allowed[160];
        snprintf(allowed, sizeof allowed,
                 "write an amount in the currency's major unit%s, with at most %u digits behind "
                 "the point, such as %s",
                 min > 0 ? " above 0" : "", currency_digits, currency_digits > 1 ? "12.50" : "12");
        return fault(value, allowed);
    }
    *out_amount = scaled * unit;
    return JF_OK;
}

static int64_t greatest_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

// Reads the ratio's text without judging its size.
static bool ratio_read(const char *text, struct jf_ratio *out_ratio)
{
    const int64_t max = (int64_t)JF_RATIO_NUMERATOR_MAX * 100; // a percentage is scaled by 100
    struct jf_ratio ratio = {0, 1};
    uint32_t digits = 0;
    size_t size = decimal_read(text, 6, max, &ratio.numerator, &digits);
    if (size == 0) {
        return false;
    }
    ratio.denominator = power_of_ten(digits);
    if (text[size] == '%') {
        ratio.denominator *= 100;
        size++;
    } else if (text[size] == '/' && digits == 0) {
        size_t more = digits_read(text + size + 1, max, &ratio.denominator);
        size = more == 0 ? size : size + 1 + more;
    }
    *out_ratio = ratio;
    return text[size] == '\0';
}

enum jf_error jf_value_ratio(struct jf_value value, struct jf_ratio *out_ratio)
{
    struct jf_ratio ratio = {0, 1};
    bool is_read = ratio_read(value.text, &ratio);
    if (is_read && ratio.numerator > 0 && ratio.denominator > 0) {
        int64_t divisor = greatest_divisor(ratio.numerator, ratio.denominator);
        ratio.numerator /= divisor;
        ratio.denominator /= divisor;
        if (ratio.numerator <= JF_RATIO_NUMERATOR_MAX &&
            ratio.denominator <= JF_RATIO_DENOMINATOR_MAX) {
            *out_ratio = ratio;
            return JF_OK;
        }
    }
    return fault(value, "write a ratio above 0 such as 2, 1.5, 3/2 or 150%, with at most 6 digits "
                        "behind the point and a denominator up to 1000000");
}

enum jf_error jf_value_choice(struct jf_value value, const char *const *words, uint32_t count,
                              uint32_t *out_index)
{
    char allowed[256] = "write one of ";
    size_t used = strlen(allowed);
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(words[i], value.text) == 0) {
            *out_index = i;
            return JF_OK;
        }
        int written =
            snprintf(allowed + used, sizeof allowed - used, "%s%s", i > 0 ? ", " : "", words[i]);
        used += written > 0 ? (size_t)written : 0;
        JF_ASSERT(used < sizeof allowed);
    }
    return fault(value, allowed);
}

enum jf_error jf_value_bool(struct jf_value value, bool *out_bool)
{
    static const char *const words[] = {"false", "true"};
    uint32_t index = 0;
    enum jf_error error = jf_value_choice(value, words, 2, &index);
    if (error == JF_OK) {
        *out_bool = index == 1;
    }
    return error;
}

enum jf_error jf_value_text(struct jf_value value, uint32_t size_max, struct jf_text *out_text)
{
    size_t size = strlen(value.text);
    bool is_clean = true;
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)value.text[i];
        is_clean = is_clean && byte >= 0x20 && byte != 0x7f;
    }
    if (size == 0 || size > size_max || !is_clean) {
        char allowed[96];
        snprintf(allowed, sizeof allowed, "write 1 to %u bytes without control characters",
                 size_max);
        return fault(value, allowed);
    }
    *out_text = (struct jf_text){value.text, (uint32_t)size};
    return JF_OK;
}

enum jf_error jf_value_name(struct jf_value value, char out_name[JF_NAME_BYTES_MAX + 1])
{
    struct jf_text text = {NULL, 0};
    enum jf_error error = jf_value_text(value, JF_NAME_BYTES_MAX, &text);
    if (error == JF_OK) {
        JF_ASSERT(text.data != NULL);
        memset(out_name, 0, JF_NAME_BYTES_MAX + 1);
        memcpy(out_name, text.data, text.size);
    }
    return error;
}

enum jf_error jf_value_date(struct jf_value value, jf_date *out_date)
{
    size_t size = strlen(value.text);
    struct jf_text text = {value.text, size > 10 ? 11 : (uint32_t)size};
    if (!jf_date_parse(text, out_date)) {
        return fault(value, "write a day that exists, from 1970 to 2199, as YYYY-MM-DD");
    }
    return JF_OK;
}

static bool two_digits(const char *text, int32_t max, int32_t *out_number)
{
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9') {
        return false;
    }
    int32_t number = (text[0] - '0') * 10 + (text[1] - '0');
    *out_number = number;
    return number <= max;
}

// "HH:MM" with an optional ":SS". In: text is terminated.
static bool clock_read(const char *text, int32_t *out_second, size_t *out_size)
{
    int32_t hour = 0;
    int32_t minute = 0;
    int32_t second = 0;
    if (!two_digits(text, 24, &hour) || text[2] != ':' || !two_digits(text + 3, 59, &minute)) {
        return false;
    }
    size_t size = 5;
    if (text[5] == ':') {
        if (!two_digits(text + 6, 59, &second)) {
            return false;
        }
        size = 8;
    }
    *out_second = hour * 3600 + minute * 60 + second;
    *out_size = size;
    return *out_second <= DAY_SECONDS;
}

enum jf_error jf_value_time(struct jf_value value, bool is_end, uint32_t *out_second)
{
    int32_t second = 0;
    size_t size = 0;
    bool is_read = clock_read(value.text, &second, &size) && value.text[size] == '\0';
    if (!is_read || (second == DAY_SECONDS && !is_end)) {
        return fault(value, "write a time of day as HH:MM or HH:MM:SS (24:00 only behind \"to\")");
    }
    *out_second = (uint32_t)second;
    return JF_OK;
}

static enum jf_error zone_instant(struct jf_value value, const char *zone_name, jf_date date,
                                  int32_t second, int64_t *out_unix_ms)
{
    struct jf_zone *zone = NULL;
    struct jf_diagnosis inner = {0};
    size_t size = strlen(zone_name);
    // One byte more than any name may have is enough to be refused.
    struct jf_text name = {zone_name, size > 65 ? 65 : (uint32_t)size};
    enum jf_error error = jf_zone_load(NULL, name, &zone, &inner);
    if (error == JF_ERROR_NO_MEMORY) {
        return jf_diagnose(value.reading->diagnosis, error, "no memory to read a time zone");
    }
    if (error != JF_OK) {
        return jf_outline_fault(value.reading->outline, value.reading->diagnosis, "zone", "%.300s",
                                inner.text);
    }
    *out_unix_ms = jf_zone_instant_ms(zone, date, second);
    jf_zone_destroy(zone);
    return JF_OK;
}

enum jf_error jf_value_instant(struct jf_value value, const char *zone, int64_t *out_unix_ms)
{
    const char *allowed =
        zone != NULL ? "with `zone`, write a local date or date-time such as 2026-06-18 or "
                       "2026-06-18T04:00"
                     : "write a UTC instant such as 2026-06-17T20:00:00Z, or name a `zone` "
                       "(such as Asia/Shanghai) and write a local date";
    jf_date date = 0;
    int32_t second = 0;
    size_t size = strlen(value.text);
    if (size < 10 || !jf_date_parse((struct jf_text){value.text, 10}, &date)) {
        return fault(value, allowed);
    }
    const char *rest = value.text + 10;
    if (*rest == 'T') {
        size_t clock_size = 0;
        if (!clock_read(rest + 1, &second, &clock_size) || second == DAY_SECONDS) {
            return fault(value, allowed);
        }
        rest += 1 + clock_size;
    }
    if (zone == NULL) {
        bool is_utc = size > 10 && strcmp(rest, "Z") == 0 && value.text[10] == 'T';
        if (!is_utc) {
            return fault(value, allowed);
        }
        *out_unix_ms = ((int64_t)date * DAY_SECONDS + second) * MS_PER_SECOND;
        return JF_OK;
    }
    if (*rest != '\0') {
        return fault(value, allowed);
    }
    return zone_instant(value, zone, date, second, out_unix_ms);
}
