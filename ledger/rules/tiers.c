// Tiers and classes by calendar months, levels by name, and what a recalculation makes of a member.
// Nothing here fails.
#include "rules/tiers.h"

#include "base/assert.h"
#include "rules/programme_private.h"

#define DAY_MS          ((int64_t)86400000)
#define MONTHS_PER_YEAR 12

// The first month that counts, judged in month `last`.
static int32_t window_first(const struct jf_tier_window *window, const struct jf_member *member,
                            int32_t last)
{
    switch (window->kind) {
    case JF_WINDOW_CALENDAR_YEAR:
        return last - last % MONTHS_PER_YEAR;
    case JF_WINDOW_MEMBERSHIP_YEAR: {
        int32_t enrolled = jf_date_month_index(member->enrolled_on);
        return last - (last % MONTHS_PER_YEAR - enrolled % MONTHS_PER_YEAR + MONTHS_PER_YEAR) %
                          MONTHS_PER_YEAR;
    }
    case JF_WINDOW_ROLLING:
        break;
    }
    return last - window->months + 1;
}

static struct jf_window_sums months_sum(const struct jf_member *member, int32_t first, int32_t last)
{
    struct jf_window_sums sums = {0};
    for (uint32_t i = 0; i < member->month_count; i++) {
        const struct jf_month_count *month = &member->months[i];
        if (month->month_index < first || month->month_index > last) {
            continue;
        }
        // Sums over all months are held within 64 bits by planning (jf_plan_finish).
        sums.spend += month->spend;
        sums.visits += month->visits;
        sums.points += month->points;
    }
    return sums;
}

// A demand of -1 is none. A level with no demand at all is for everyone.
static bool level_is_met(const struct jf_tier_level *level, const struct jf_window_sums *sums)
{
    const int64_t demands[3] = {level->spend, level->visits, level->points};
    const int64_t reached[3] = {sums->spend, sums->visits, sums->points};
    uint32_t demanded = 0;
    uint32_t met = 0;
    for (uint32_t i = 0; i < 3; i++) {
        demanded += demands[i] >= 0;
        met += demands[i] >= 0 && reached[i] >= demands[i];
    }
    return level->any && demanded > 0 ? met > 0 : met == demanded;
}

uint32_t jf_tier_by_window(const struct jf_programme *programme, const struct jf_member *member,
                           jf_date as_of, struct jf_window_sums *out_sums)
{
    JF_ASSERT(programme->tier_count >= 1);
    JF_ASSERT(programme->tier_count <= JF_TIERS_MAX);
    int32_t last = jf_date_month_index(as_of);
    *out_sums = months_sum(member, window_first(&programme->tier_window, member, last), last);
    uint32_t tier = programme->tier_count - 1;
    while (tier > 0 && !level_is_met(&programme->tiers[tier], out_sums)) {
        tier--;
    }
    return tier;
}

const struct jf_programme_version *jf_tier_programme(const struct jf_reference *reference,
                                                     jf_date as_of)
{
    // A recalculation has no store, so the day ends by UTC.
    return jf_reference_programme_at(reference, ((int64_t)as_of + 1) * DAY_MS - 1);
}

// ---- Classes --------------------------------------------------------------------------

static bool is_absent(const struct jf_class_level *level, const struct jf_member *member,
                      int32_t last)
{
    return months_sum(member, last - level->none_months + 1, last).visits == 0;
}

static bool visits_suffice(const struct jf_class_level *level, const struct jf_member *member,
                           int32_t last)
{
    for (int32_t block = 0; level->visits > 0 && block < level->blocks; block++) {
        int32_t block_last = last - block * level->block_months;
        int32_t block_first = block_last - level->block_months + 1;
        if (months_sum(member, block_first, block_last).visits < level->visits) {
            return false;
        }
    }
    return true;
}

uint32_t jf_class_by_visits(const struct jf_programme *programme, const struct jf_member *member,
                            jf_date as_of)
{
    JF_ASSERT(programme->class_count >= 1);
    int32_t last = jf_date_month_index(as_of);
    for (uint32_t i = 0; i < programme->class_count; i++) {
        const struct jf_class_level *level = &programme->classes[i];
        if (level->none_months > 0 && is_absent(level, member, last)) {
            return i + 1;
        }
    }
    uint32_t i = 0;
    while (programme->classes[i].none_months > 0 ||
           !visits_suffice(&programme->classes[i], member, last)) {
        i++;
        JF_ASSERT(i < programme->class_count); // one class has no demand
    }
    return i + 1;
}

// ---- Levels by name -------------------------------------------------------------------

uint32_t jf_tier_by_name(const struct jf_programme *programme, struct jf_text name, uint32_t tier)
{
    for (uint32_t i = 0; i < programme->tier_count; i++) {
        if (jf_text_equal(jf_text_from(programme->tiers[i].name), name)) {
            return i;
        }
    }
    return tier < programme->tier_count ? tier : programme->tier_count - 1;
}

uint32_t jf_tier_under(const struct jf_reference *reference, uint32_t tier, uint32_t tier_version,
                       const struct jf_programme_version *version)
{
    if (tier_version == version->version) {
        return tier;
    }
    const struct jf_programme_version *reached = jf_reference_programme(reference, tier_version);
    bool has_name = reached != NULL && tier < reached->programme->tier_count;
    struct jf_text name = {NULL, 0}; // no level's
    if (has_name) {
        name = jf_text_from(reached->programme->tiers[tier].name);
    }
    return jf_tier_by_name(version->programme, name, tier);
}

// ---- Recalculation --------------------------------------------------------------------

// A level given by hand is left until its last day; behind that the window alone says what it is,
// because it was never reached. Else a member rises at once, and falls only when the level has been
// held for the days of grace.
static void level_judge(const struct jf_programme *programme, const struct jf_member *member,
                        jf_date as_of, uint32_t window, struct jf_tier_judgement *judgement)
{
    bool is_by_hand = member->tier_until != JF_DATE_MIN;
    if (is_by_hand && as_of <= member->tier_until) {
        return;
    }
    if (is_by_hand) {
        judgement->to = window;
        judgement->why = JF_TIER_WHY_HAND_ENDED;
    } else if (window > judgement->from) {
        judgement->to = window;
        judgement->why = JF_TIER_WHY_UP;
    } else if (window < judgement->from &&
               as_of >= member->tier_since + programme->tier_grace_days) {
        bool is_by_one = programme->is_tier_down_by_one;
        judgement->to = is_by_one ? judgement->from - 1 : window;
        judgement->why = is_by_one ? JF_TIER_WHY_ONE_DOWN : JF_TIER_WHY_DOWN;
    }
}

bool jf_tier_judge(const struct jf_programme *programme, const struct jf_member *member,
                   uint32_t from, jf_date as_of, struct jf_tier_judgement *out_judgement)
{
    struct jf_tier_judgement judgement = {.from = from,
                                          .to = from,
                                          .class_from = member->activity_class,
                                          .class_to = member->activity_class};
    uint32_t window = jf_tier_by_window(programme, member, as_of, &judgement.sums);
    level_judge(programme, member, as_of, window, &judgement);
    if (programme->class_count > 0) {
        judgement.class_to = jf_class_by_visits(programme, member, as_of);
    }
    if (judgement.why == JF_TIER_WHY_NONE && judgement.class_to != judgement.class_from) {
        judgement.why = JF_TIER_WHY_CLASS;
    }
    *out_judgement = judgement;
    return judgement.why != JF_TIER_WHY_NONE;
}
