// Tiers and activity classes: what the calendar months up to a date add up to, the level and the
// class that this gives, and levels by name over programme versions. Pure. Threads: any; where a
// reference is asked, its owner.
#ifndef JF_RULES_TIERS_H
#define JF_RULES_TIERS_H

#include "rules/entry.h"
#include "rules/member.h"
#include "rules/reference.h"

// The programme that judges tiers as of a date: in force at the end of that day by UTC; NULL: none.
const struct jf_programme_version *jf_tier_programme(const struct jf_reference *reference,
                                                     jf_date as_of);

// The level a member's counters give as of a date, under a programme: the highest level whose
// demands the window's sums meet. Out: the sums over the window.
struct jf_window_sums {
    int64_t spend;
    uint32_t visits;
    int64_t points;
};
uint32_t jf_tier_by_window(const struct jf_programme *programme, const struct jf_member *member,
                           jf_date as_of, struct jf_window_sums *out_sums);

// The activity class a member's visits give as of a date: its place in the programme's list, from
// 1. In: a programme with classes.
uint32_t jf_class_by_visits(const struct jf_programme *programme, const struct jf_member *member,
                            jf_date as_of);

// ---- Levels by name
// ---------------------------------------------------------------------------------
// A member's level is a number under the version in which it was reached (tier, tier_version).
// Under another version it is the level of the same name; where that has none, the highest level
// not above the number. tier_version 0 (a level never changed): the number as it is.

// In: the level `tier` of `name`, under whatever version.
uint32_t jf_tier_by_name(const struct jf_programme *programme, struct jf_text name, uint32_t tier);

uint32_t jf_tier_under(const struct jf_reference *reference, uint32_t tier, uint32_t tier_version,
                       const struct jf_programme_version *version);

// ---- Recalculation
// ----------------------------------------------------------------------------------

struct jf_tier_judgement {
    uint32_t from; // the member's level under the programme
    uint32_t to;
    uint32_t class_from; // 0: not judged yet
    uint32_t class_to;
    enum jf_tier_why why; // JF_TIER_WHY_NONE: nothing changes
    struct jf_window_sums sums;
};

// What a recalculation as of a date makes of a member. In: from the member's level under the
// programme. Returns: whether anything changes.
bool jf_tier_judge(const struct jf_programme *programme, const struct jf_member *member,
                   uint32_t from, jf_date as_of, struct jf_tier_judgement *out_judgement);

#endif
