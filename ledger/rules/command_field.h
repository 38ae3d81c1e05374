// Checks of single fields, shared by the files that check commands: each refuses with
// INVALID_FIELD, naming the field as the client knows it. For rules/command*.c only. Returns, each:
// whether the value may stand.
#ifndef JF_RULES_COMMAND_FIELD_H
#define JF_RULES_COMMAND_FIELD_H

#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "rules/command.h"
#include "rules/utf8.h"

#define DAY_MS ((int64_t)86400000)
// Two days inside 1970..2199, so that the business date lies inside too, whatever the zone and day
// start. An instant that was left out (0) lies outside.
#define INSTANT_MS_MIN (2 * DAY_MS)
#define INSTANT_MS_MAX (((int64_t)JF_DATE_MAX - 1) * DAY_MS)

__attribute__((format(printf, 5, 6))) static inline bool refuse(struct jf_refusal *out,
                                                                const char *field, uint32_t index,
                                                                int64_t limit, const char *format,
                                                                ...)
{
    *out = (struct jf_refusal){
        .code = JF_REFUSAL_INVALID_FIELD, .field = field, .index = index, .limit = limit};
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(out->detail, sizeof out->detail, format, arguments);
    va_end(arguments);
    return false;
}

// What a field may hold, named as the client knows it; `index` for fields of a list.
struct field {
    struct jf_refusal *out;
    const char *name;
    uint32_t index;
};

static inline bool number_check(struct field field, int64_t value, int64_t min, int64_t max)
{
    if (value >= min && value <= max) {
        return true;
    }
    return refuse(field.out, field.name, field.index, value < min ? min : max,
                  "%lld was given, %lld to %lld is allowed", (long long)value, (long long)min,
                  (long long)max);
}

static inline bool text_check(struct field field, struct jf_text text, uint32_t min, uint32_t max)
{
    if (text.size < min || text.size > max) {
        return refuse(field.out, field.name, field.index, text.size < min ? min : max,
                      "%u bytes were given, %u to %u are allowed", text.size, min, max);
    }
    if (!jf_utf8_is_plain(text)) {
        return refuse(field.out, field.name, field.index, max,
                      "only UTF-8 without control characters is allowed");
    }
    return true;
}

static inline bool instant_check(struct field field, int64_t at_ms)
{
    if (at_ms >= INSTANT_MS_MIN && at_ms <= INSTANT_MS_MAX) {
        return true;
    }
    return refuse(field.out, field.name, 0,
                  at_ms < INSTANT_MS_MIN ? INSTANT_MS_MIN : INSTANT_MS_MAX,
                  "milliseconds since 1970 of the years 1970 to 2199 are allowed, %lld was given",
                  (long long)at_ms);
}

static inline bool date_check(struct field field, jf_date date)
{
    if (date >= JF_DATE_MIN && date <= JF_DATE_MAX) {
        return true;
    }
    return refuse(field.out, field.name, 0, 0,
                  "a date of the years 1970 to 2199, as 20260118, is needed");
}

#define FIELD(name_, index_) ((struct field){out, (name_), (index_)})

// In: what the client calls the reference and its card.
static inline bool party_check(const struct jf_member_ref *member, const char *name,
                               const char *card_name, struct jf_refusal *out)
{
    bool has_number = member->number.value != 0;
    if (has_number == (member->card.size != 0)) {
        return refuse(out, name, 0, 0, "exactly one of number and card is needed");
    }
    return has_number || text_check(FIELD(card_name, 0), member->card, 1, JF_CARD_BYTES_MAX);
}

static inline bool member_ref_check(const struct jf_member_ref *member, struct jf_refusal *out)
{
    return party_check(member, "member", "member.card", out);
}

// Month and day of birth, or both 0: not given.
static inline bool birthday_check(uint32_t month, uint32_t day, struct jf_refusal *out)
{
    if (month == 0 && day == 0) {
        return true;
    }
    if (!number_check(FIELD("birth_month", 0), month, 1, 12)) {
        return false;
    }
    const int32_t leap_year = 2000; // 29 February is a birthday
    return number_check(FIELD("birth_day", 0), day, 1, jf_month_length(leap_year, (int32_t)month));
}

// Fields of the commands of a member's life (command_life.c).
bool jf_command_check_life(const struct jf_command *command, struct jf_refusal *out);

#endif
