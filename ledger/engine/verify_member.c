// What two records of one member say differently, in words: plain fields first, then the arrays,
// each by its count and then by its first element that is not the same.
#include "engine/verify_private.h"

#include <stddef.h>

struct field {
    const char *name;
    long long live;
    long long replayed;
};

#define FIELD(text, expression)                                                                    \
    {                                                                                              \
        text, (long long)live->expression, (long long)replayed->expression                         \
    }

// Returns: whether one was found.
static bool fields_differ(struct jf_verification *run, const struct jf_member *live,
                          const struct jf_member *replayed)
{
    const struct field fields[] = {
        {"balance", jf_member_balance(live), jf_member_balance(replayed)},
        FIELD("newest entry", last_position),
        FIELD("status", status),
        FIELD("merged into", merged_into.value),
        FIELD("tags", tags),
        FIELD("day enrolled", enrolled_on),
        FIELD("home store", home_store),
        FIELD("visits", visits),
        FIELD("birth month", birth_month),
        FIELD("birth day", birth_day),
        FIELD("level", tier),
        FIELD("level's version", tier_version),
        FIELD("level since day", tier_since),
        FIELD("level until day", tier_until),
        FIELD("activity class", activity_class),
        FIELD("count of lots", lot_count),
        FIELD("count of months", month_count),
        FIELD("count of debts", debt_count),
        FIELD("count of counters", counter_count),
        FIELD("count of holds", hold_count),
        FIELD("count of parts of holds", hold_part_count),
        FIELD("count of cards", card_count),
    };
    for (uint32_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (fields[i].live != fields[i].replayed) {
            jf_verify_differ(run, "member %llu: %s %lld in the state, %lld from the journal",
                             (unsigned long long)live->number.value, fields[i].name, fields[i].live,
                             fields[i].replayed);
            return true;
        }
    }
    return false;
}

static bool lots_differ(struct jf_verification *run, const struct jf_member *live,
                        const struct jf_member *replayed)
{
    for (uint32_t i = 0; i < live->lot_count; i++) {
        const struct jf_lot *a = &live->lots[i];
        const struct jf_lot *b = &replayed->lots[i];
        if (memcmp(a, b, sizeof *a) != 0) {
            char until[JF_DATE_TEXT_SIZE];
            jf_date_format(a->expires_on, until);
            jf_verify_differ(run,
                             "member %llu, lot %u (until %s, entity %u): %lld of %lld points left "
                             "in the state, %lld of %lld from the journal",
                             (unsigned long long)live->number.value, i, until, a->entity.value,
                             (long long)a->remaining, (long long)a->granted,
                             (long long)b->remaining, (long long)b->granted);
            return true;
        }
    }
    return false;
}

// The remaining arrays as bytes: their elements are plain and their padding is zero, as the codec
// and the rules leave it.
static bool arrays_differ(struct jf_verification *run, const struct jf_member *live,
                          const struct jf_member *replayed)
{
    const struct {
        const char *name;
        const void *live;
        const void *replayed;
        size_t size;
        uint32_t count;
    } arrays[] = {
        {"month", live->months, replayed->months, sizeof *live->months, live->month_count},
        {"debt", live->debts, replayed->debts, sizeof *live->debts, live->debt_count},
        {"counter", live->counters, replayed->counters, sizeof *live->counters,
         live->counter_count},
        {"hold", live->holds, replayed->holds, sizeof *live->holds, live->hold_count},
        {"part of holds", live->hold_parts, replayed->hold_parts, sizeof *live->hold_parts,
         live->hold_part_count},
        {"card", live->cards, replayed->cards, sizeof *live->cards, live->card_count},
    };
    for (uint32_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        const unsigned char *a = arrays[i].live;
        const unsigned char *b = arrays[i].replayed;
        for (uint32_t at = 0; at < arrays[i].count; at++) {
            if (memcmp(a + at * arrays[i].size, b + at * arrays[i].size, arrays[i].size) != 0) {
                jf_verify_differ(run,
                                 "member %llu: %s number %u is another in the state than from the "
                                 "journal",
                                 (unsigned long long)live->number.value, arrays[i].name, at);
                return true;
            }
        }
    }
    return false;
}

void jf_verify_member_differ(struct jf_verification *run, const struct jf_member *live,
                             const struct jf_member *replayed)
{
    bool is_named = fields_differ(run, live, replayed) || lots_differ(run, live, replayed) ||
                    arrays_differ(run, live, replayed);
    if (!is_named) {
        jf_verify_differ(run, "member %llu: the bytes of the record are others",
                         (unsigned long long)live->number.value);
    }
}
