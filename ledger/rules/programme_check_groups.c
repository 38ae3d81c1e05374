// Rules against the others of their group: the ones that are always outdone, groups without an
// effect, and the same rule twice.
#include "rules/programme_check_private.h"

#include <string.h>

#include "rules/programme_value.h"

// Whether the other, where both match, never adds less than the rule. Of equals the first listed
// counts.
static bool is_outdone_by(const struct jf_check *check, uint32_t rule, uint32_t other)
{
    const struct jf_rule *loser = &check->programme->rules[rule];
    const struct jf_rule *winner = &check->programme->rules[other];
    if (loser->is_bonus != winner->is_bonus) {
        return false; // depends on the receipt
    }
    if (loser->is_bonus) {
        return winner->bonus_points > loser->bonus_points ||
               (winner->bonus_points == loser->bonus_points && other < rule);
    }
    // On more lines it can only be better; weights are over one denominator.
    return winner->uplift_weight > loser->uplift_weight ||
           (winner->uplift_weight == loser->uplift_weight && other < rule);
}

static void outdone_tell(const struct jf_check *check, uint32_t rule, uint32_t other)
{
    const struct jf_programme *programme = check->programme;
    const struct jf_rule *loser = &programme->rules[rule];
    const struct jf_rule *winner = &programme->rules[other];
    struct jf_description words = {.size = 0};
    char path[JF_OUTLINE_PATH_MAX];
    bool is_same = jf_check_implies(check, other, rule);
    jf_describe(&words, "rule \"%s\" never counts: ", loser->name);
    if (is_same) {
        jf_describe(&words, "rule \"%s\" of the same group, \"%s\", has the same conditions and %s",
                    winner->name, programme->groups[loser->group].name,
                    winner->uplift_weight == loser->uplift_weight &&
                            winner->bonus_points == loser->bonus_points
                        ? "is listed first"
                        : "adds more");
    } else {
        jf_describe(&words,
                    "wherever it matches, rule \"%s\" of the same group, \"%s\", matches too and "
                    "adds %s",
                    winner->name, programme->groups[loser->group].name,
                    winner->uplift_weight == loser->uplift_weight &&
                            winner->bonus_points == loser->bonus_points
                        ? "as much"
                        : "more");
    }
    jf_check_rule_path(check, rule, "", path);
    jf_check_tell(check, JF_FINDING_ERROR, path, &words);
}

static void best_check(const struct jf_check *check, uint32_t rule)
{
    const struct jf_programme *programme = check->programme;
    uint32_t group = programme->rules[rule].group;
    if (group == JF_GROUP_NONE || programme->groups[group].stack != JF_STACK_BEST ||
        check->calendars[rule].first == JF_DATE_NONE) {
        return;
    }
    for (uint32_t other = 0; other < programme->rule_count; other++) {
        if (other != rule && programme->rules[other].group == group &&
            is_outdone_by(check, rule, other) && jf_check_implies(check, rule, other)) {
            outdone_tell(check, rule, other);
            return;
        }
    }
}

bool jf_check_is_twice(const struct jf_check *check, uint32_t rule, uint32_t other)
{
    const struct jf_programme *programme = check->programme;
    const struct jf_rule *first = &programme->rules[other];
    const struct jf_rule *second = &programme->rules[rule];
    bool is_best =
        second->group != JF_GROUP_NONE && programme->groups[second->group].stack == JF_STACK_BEST;
    bool is_alike = first->is_bonus == second->is_bonus &&
                    first->bonus_points == second->bonus_points &&
                    first->uplift_weight == second->uplift_weight;
    return is_alike && !(is_best && first->group == second->group) &&
           jf_check_implies(check, rule, other) && jf_check_implies(check, other, rule);
}

// The same effect under the same conditions outside a `best` group: both count.
static void twice_check(const struct jf_check *check, uint32_t rule)
{
    const struct jf_programme *programme = check->programme;
    for (uint32_t other = 0; other < rule && check->calendars[rule].first != JF_DATE_NONE;
         other++) {
        if (!jf_check_is_twice(check, rule, other)) {
            continue;
        }
        struct jf_description words = {.size = 0};
        char path[JF_OUTLINE_PATH_MAX];
        jf_describe(&words,
                    "rule \"%s\" is rule \"%s\" again, with the same conditions and effect, and "
                    "both count: is one of them meant to go?",
                    programme->rules[rule].name, programme->rules[other].name);
        jf_check_rule_path(check, rule, "", path);
        jf_check_tell(check, JF_FINDING_WARNING, path, &words);
        return;
    }
}

struct group_count {
    uint32_t rules;
    bool has_meeting_pair; // two of its rules can match one receipt
    bool adds_to_best;     // one of them comes on top of a `best` group, which `add` says is meant
};

static struct group_count group_count(const struct jf_check *check, uint32_t group)
{
    const struct jf_programme *programme = check->programme;
    struct group_count count = {.rules = 0};
    for (uint32_t i = 0; i < programme->rule_count; i++) {
        if (programme->rules[i].group != group) {
            continue;
        }
        count.rules += 1;
        count.adds_to_best = count.adds_to_best || jf_check_adds_to_best(check, i);
        for (uint32_t j = 0; j < i && !count.has_meeting_pair; j++) {
            count.has_meeting_pair =
                programme->rules[j].group == group && !jf_check_excludes(check, i, j);
        }
    }
    return count;
}

static void group_check(const struct jf_check *check, uint32_t group)
{
    const char *name = check->programme->groups[group].name;
    bool is_add = check->programme->groups[group].stack == JF_STACK_ADD;
    struct group_count count = group_count(check, group);
    struct jf_description words = {.size = 0};
    char path[JF_OUTLINE_PATH_MAX];
    // The levels' own group: its rules exclude each other, and that is how it is meant.
    if (count.has_meeting_pair || (strcmp(name, "tier") == 0 && count.rules > 0) ||
        (is_add && count.adds_to_best)) {
        return;
    }
    if (count.rules == 0) {
        jf_describe(&words, "group \"%s\" has no rules", name);
    } else if (count.rules == 1) {
        jf_describe(&words, "group \"%s\" has one rule: how it stacks has no effect", name);
    } else {
        jf_describe(&words,
                    "no two rules of group \"%s\" can match the same receipt: how it stacks has no "
                    "effect",
                    name);
    }
    jf_value_path(path, "groups[%u]", group);
    jf_check_tell(check, JF_FINDING_NOTE, path, &words);
}

void jf_check_groups(const struct jf_check *check)
{
    for (uint32_t group = 0; group < check->programme->group_count; group++) {
        group_check(check, group);
    }
    for (uint32_t rule = 0; rule < check->programme->rule_count; rule++) {
        best_check(check, rule);
        twice_check(check, rule);
        jf_check_across(check, rule);
    }
}
