// Instants as people and files write them: "2017-01-18T10:00:00Z". Threads: any; pure.
#ifndef JF_TOOLS_INSTANT_H
#define JF_TOOLS_INSTANT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/date.h"
#include "base/error.h"
#include "base/zone.h"

struct jf_instant {
    jf_date date; // as written, local where there is no offset
    int32_t second_of_day;
    int32_t millisecond;
    bool has_offset; // "Z" or "+08:00" was given
    int32_t offset_seconds;
};

// Parses YYYY-MM-DD, then "T" or a blank, HH:MM[:SS[.fff]], then nothing, "Z" or ±HH:MM.
// Returns: false (output untouched) for anything else.
bool jf_instant_parse(struct jf_text text, struct jf_instant *out_instant);

// Returns: Unix milliseconds. In: zone of instants without an offset; NULL: UTC.
int64_t jf_instant_to_ms(const struct jf_instant *instant, const struct jf_zone *zone);

#define JF_INSTANT_TEXT_SIZE 32
// Writes "2017-01-18 10:00:00Z" (UTC). In: an instant of the years 1970..2199; others give "-".
void jf_instant_format(int64_t unix_ms, char out_text[JF_INSTANT_TEXT_SIZE]);

// "2017-01-18" of a date on the wire (20170118); "-" for 0 and for what is no date.
void jf_wire_date_format(int32_t wire, char out_text[JF_DATE_TEXT_SIZE]);
// The date on the wire; 0 for JF_DATE_NONE.
int32_t jf_wire_date_from(jf_date date);

#endif
