// IANA time zones from the system's compiled tz database (TZif, RFC 8536), read once and then pure:
// an instant and a zone give the local date and time. No libc time functions, no TZ variable.
// Threads: a loaded zone is immutable and may be shared. Ownership: create/destroy.
#ifndef JF_BASE_ZONE_H
#define JF_BASE_ZONE_H

#include "base/date.h"
#include "base/error.h"

struct jf_zone;

struct jf_local_time {
    jf_date date;
    int32_t second_of_day;  // 0..86399
    int32_t offset_seconds; // local minus UTC
};

// Loads `name` (such as "Asia/Shanghai") from `directory`; NULL is /usr/share/zoneinfo. The
// environment variable TZDIR is not consulted: one place, no surprises. In: name of 1..64 letters,
// digits and / _ + - . without a leading "/" and without "..". Errors, each naming the file:
// JF_ERROR_INVALID (the name), JF_ERROR_NOT_FOUND (no such file), JF_ERROR_CORRUPT (no regular
// file, above 1 MiB, or no valid TZif), JF_ERROR_VERSION, JF_ERROR_UNSUPPORTED (see jf_zone_parse),
// JF_ERROR_IO, JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_zone_load(const char *directory, struct jf_text name,
                                       struct jf_zone **out_zone, struct jf_diagnosis *diagnosis);

// Parses a TZif image (RFC 8536, versions 1 to 4; version 2+ uses the 64-bit block and the footer
// rule). In: any bytes; they are not kept. Errors: JF_ERROR_CORRUPT; JF_ERROR_VERSION for versions
// to come; JF_ERROR_UNSUPPORTED for zones that count leap seconds ("right/...");
// JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_zone_parse(const unsigned char *bytes, size_t size,
                                        struct jf_zone **out_zone, struct jf_diagnosis *diagnosis);

// UTC without reading a file.
JF_MUST_USE enum jf_error jf_zone_utc(struct jf_zone **out_zone);

void jf_zone_destroy(struct jf_zone *zone); // NULL is accepted

// In: unix_ms any instant of the years 1970..2199 (a day to either side is accepted; what lies
// further out is a bug of the caller and stops the process). Returns: the local time there.
struct jf_local_time jf_zone_local(const struct jf_zone *zone, int64_t unix_ms);

// The instant of a local wall-clock time. In a gap (clocks go forward) the time is moved forward by
// the gap; in an overlap the earlier instant is taken.
// In: date JF_DATE_MIN - 1..JF_DATE_MAX + 1, second_of_day 0..86399. Returns: unix milliseconds.
int64_t jf_zone_instant_ms(const struct jf_zone *zone, jf_date date, int32_t second_of_day);

#endif
