// The single values of a programme's YAML, read exactly from their text: no floating point, no
// octal surprises, nothing trailing. Each function diagnoses what is wrong and what is allowed.
// Threads: any; pure.
#ifndef JF_RULES_PROGRAMME_VALUE_H
#define JF_RULES_PROGRAMME_VALUE_H

#include "base/date.h"
#include "rules/programme_outline.h"
#include "rules/programme_private.h"

// What reading a programme needs everywhere.
struct jf_reading {
    const struct jf_outline *outline;
    struct jf_diagnosis *diagnosis;
    struct jf_programme *programme; // being made; its arena holds what is kept
};

// One value where it stands. path and text live as long as the call.
struct jf_value {
    const struct jf_reading *reading;
    const char *path;
    const char *text;
};

#define JF_FACTOR_MAX            1000
#define JF_RATIO_NUMERATOR_MAX   1000000000 // in lowest terms
#define JF_RATIO_DENOMINATOR_MAX 1000000    // in lowest terms
#define JF_VALUE_SHOWN_MAX       48         // bytes of a wrong value that a message repeats

// Writes a field's path, cut at JF_OUTLINE_PATH_MAX - 1 bytes.
void jf_value_path(char out_path[JF_OUTLINE_PATH_MAX], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Decimal digits only, within min..max.
JF_MUST_USE enum jf_error jf_value_integer(struct jf_value value, int64_t min, int64_t max,
                                           int64_t *out_integer);

// The same for one that may be left out (text NULL): the output keeps its default then.
JF_MUST_USE enum jf_error jf_value_integer_or_default(struct jf_value value, int64_t min,
                                                      int64_t max, int64_t *integer);

// Money in the currency's major unit with at most its digits behind the point ("12", "12.5",
// "12.50"), as minor units within min..JF_AMOUNT_MAX.
JF_MUST_USE enum jf_error jf_value_amount(struct jf_value value, int64_t min, int64_t *out_amount);

// "2", "1.5", "3/2" or "150%", in lowest terms and above 0.
JF_MUST_USE enum jf_error jf_value_ratio(struct jf_value value, struct jf_ratio *out_ratio);

// One of `count` words. Out: its index.
JF_MUST_USE enum jf_error jf_value_choice(struct jf_value value, const char *const *words,
                                          uint32_t count, uint32_t *out_index);

// "true" or "false".
JF_MUST_USE enum jf_error jf_value_bool(struct jf_value value, bool *out_bool);

// A text of 1..size_max bytes without control characters.
JF_MUST_USE enum jf_error jf_value_text(struct jf_value value, uint32_t size_max,
                                        struct jf_text *out_text);

// As above with JF_NAME_BYTES_MAX, copied with a NUL.
JF_MUST_USE enum jf_error jf_value_name(struct jf_value value,
                                        char out_name[JF_NAME_BYTES_MAX + 1]);

// "2026-06-18", a real day.
JF_MUST_USE enum jf_error jf_value_date(struct jf_value value, jf_date *out_date);

// "08:00" as seconds of the day; "24:00" only when is_end.
JF_MUST_USE enum jf_error jf_value_time(struct jf_value value, bool is_end, uint32_t *out_second);

// The instant a programme takes effect. In: zone NULL, or the IANA name by which a local date
// ("2026-06-18": its midnight) or date-time ("2026-06-18T04:00") is read; without a zone only
// "2026-06-17T20:00:00Z" is accepted.
JF_MUST_USE enum jf_error jf_value_instant(struct jf_value value, const char *zone,
                                           int64_t *out_unix_ms);

#endif
