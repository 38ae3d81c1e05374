// Two rules against each other: whether one's conditions imply the other's, and whether they
// exclude each other. Both answers err on the side of "no": nothing is claimed that is not certain.
#include "rules/programme_check_private.h"

#define SECONDS_PER_DAY 86400u

static bool list_within(struct jf_number_list list, struct jf_number_list other)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < list.count; i++) {
        while (at < other.count && other.numbers[at] < list.numbers[i]) {
            at++;
        }
        if (at == other.count || other.numbers[at] != list.numbers[i]) {
            return false;
        }
    }
    return true;
}

static bool lists_meet(struct jf_number_list list, struct jf_number_list other)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < list.count; i++) {
        while (at < other.count && other.numbers[at] < list.numbers[i]) {
            at++;
        }
        if (at < other.count && other.numbers[at] == list.numbers[i]) {
            return true;
        }
    }
    return false;
}

static bool times_have(const struct jf_rule *rule, uint32_t second)
{
    for (uint32_t i = 0; i < rule->time_count; i++) {
        struct jf_time_range range = rule->times[i];
        bool is_after = second >= range.from;
        bool is_before = second < range.to;
        if (range.to <= range.from ? is_after || is_before : is_after && is_before) {
            return true;
        }
    }
    return false;
}

// Where a rule's times begin or end nothing changes in between: those seconds decide.
static bool times_within(const struct jf_rule *rule, const struct jf_rule *other)
{
    for (uint32_t i = 0; i < rule->time_count; i++) {
        uint32_t last = (rule->times[i].to + SECONDS_PER_DAY - 1) % SECONDS_PER_DAY;
        if (!times_have(other, rule->times[i].from) || !times_have(other, last)) {
            return false;
        }
    }
    for (uint32_t i = 0; i < other->time_count; i++) {
        uint32_t before = (other->times[i].from + SECONDS_PER_DAY - 1) % SECONDS_PER_DAY;
        uint32_t end = other->times[i].to % SECONDS_PER_DAY;
        if ((times_have(rule, before) && !times_have(other, before)) ||
            (times_have(rule, end) && !times_have(other, end))) {
            return false;
        }
    }
    return true;
}

static bool times_meet(const struct jf_rule *rule, const struct jf_rule *other)
{
    for (uint32_t i = 0; i < rule->time_count; i++) {
        if (times_have(other, rule->times[i].from)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < other->time_count; i++) {
        if (times_have(rule, other->times[i].from)) {
            return true;
        }
    }
    return false;
}

static bool calendar_within(const struct jf_calendar *calendar, const struct jf_calendar *other)
{
    for (uint32_t i = 0; i < JF_CALENDAR_WORDS; i++) {
        if ((calendar->days[i] & ~other->days[i]) != 0) {
            return false;
        }
    }
    return true;
}

static bool calendars_meet(const struct jf_calendar *calendar, const struct jf_calendar *other)
{
    for (uint32_t i = 0; i < JF_CALENDAR_WORDS; i++) {
        if ((calendar->days[i] & other->days[i]) != 0) {
            return true;
        }
    }
    return false;
}

// The day is in its week and in its month; a week may reach into another month.
static bool birthday_within(uint32_t flags, uint32_t other)
{
    return flags == other || flags == JF_BIRTHDAY_DAY;
}

static bool condition_within(const struct jf_rule *rule, const struct jf_rule *other,
                             uint32_t which)
{
    switch (which) {
    case JF_WHEN_TIMES:
        return times_within(rule, other);
    case JF_WHEN_STORES:
        return list_within(rule->stores, other->stores);
    case JF_WHEN_REGIONS:
        return list_within(rule->regions, other->regions);
    case JF_WHEN_ENTITIES:
        return list_within(rule->entities, other->entities);
    case JF_WHEN_CATEGORIES:
        return list_within(rule->categories, other->categories);
    case JF_WHEN_SKUS:
        return list_within(rule->skus, other->skus);
    case JF_WHEN_TIERS:
        return (rule->tiers & ~other->tiers) == 0;
    case JF_WHEN_ACTIVITY_CLASSES:
        return (rule->activity_classes & ~other->activity_classes) == 0;
    case JF_WHEN_TAGS:
        return (rule->tags & ~other->tags) == 0;
    case JF_WHEN_TENDERS:
        return list_within(rule->tenders, other->tenders);
    case JF_WHEN_BIRTHDAY:
        return birthday_within(rule->birthday, other->birthday);
    case JF_WHEN_FIRST_PURCHASE:
        return rule->first_purchase == other->first_purchase;
    case JF_WHEN_BASKET_MIN:
        return rule->basket_min >= other->basket_min;
    default:
        return false;
    }
}

bool jf_check_implies(const struct jf_check *check, uint32_t rule, uint32_t other)
{
    const struct jf_rule *first = &check->programme->rules[rule];
    const struct jf_rule *second = &check->programme->rules[other];
    uint32_t asked = second->conditions & ~JF_WHEN_OF_DATES;
    if ((asked & ~first->conditions) != 0) {
        return false;
    }
    while (asked != 0) {
        uint32_t which = asked & -asked;
        asked &= asked - 1;
        if (!condition_within(first, second, which)) {
            return false;
        }
    }
    return calendar_within(&check->calendars[rule], &check->calendars[other]);
}

static bool condition_excludes(const struct jf_rule *rule, const struct jf_rule *other,
                               uint32_t which)
{
    switch (which) {
    case JF_WHEN_TIMES:
        return !times_meet(rule, other);
    case JF_WHEN_STORES:
        return !lists_meet(rule->stores, other->stores);
    case JF_WHEN_REGIONS:
        return !lists_meet(rule->regions, other->regions);
    case JF_WHEN_ENTITIES:
        return !lists_meet(rule->entities, other->entities);
    case JF_WHEN_TIERS:
        return (rule->tiers & other->tiers) == 0;
    case JF_WHEN_ACTIVITY_CLASSES:
        return (rule->activity_classes & other->activity_classes) == 0;
    case JF_WHEN_FIRST_PURCHASE:
        return rule->first_purchase != other->first_purchase;
    default:
        return false; // of lines, or several can hold at a time
    }
}

bool jf_check_excludes(const struct jf_check *check, uint32_t rule, uint32_t other)
{
    const struct jf_rule *first = &check->programme->rules[rule];
    const struct jf_rule *second = &check->programme->rules[other];
    uint32_t both = first->conditions & second->conditions & ~JF_WHEN_OF_DATES;
    while (both != 0) {
        uint32_t which = both & -both;
        both &= both - 1;
        if (condition_excludes(first, second, which)) {
            return true;
        }
    }
    return !calendars_meet(&check->calendars[rule], &check->calendars[other]);
}

bool jf_check_lines_meet(const struct jf_check *check, uint32_t rule, uint32_t other)
{
    const struct jf_rule *first = &check->programme->rules[rule];
    const struct jf_rule *second = &check->programme->rules[other];
    if ((first->conditions & JF_WHEN_OF_LINES) != (second->conditions & JF_WHEN_OF_LINES)) {
        return false;
    }
    bool has_categories = (first->conditions & JF_WHEN_CATEGORIES) != 0;
    bool has_skus = (first->conditions & JF_WHEN_SKUS) != 0;
    return (!has_categories || lists_meet(first->categories, second->categories)) &&
           (!has_skus || lists_meet(first->skus, second->skus));
}
