// Rules of different groups that add up on the same receipt, which whoever writes `best` rarely
// means. Only occasions are asked for, rules with a calendar or a birthday: that a level's factor
// or a product's offer comes on top of a day's is how programmes are made.
#include "base/assert.h"
#include "base/number.h"
#include "rules/programme_check_private.h"

#define JF_WHEN_OF_OCCASIONS (JF_WHEN_OF_DATES | (uint32_t)JF_WHEN_BIRTHDAY)
#define DAYS_OF_START        2 // business dates of some zones only, which no example names

static bool is_of_best(const struct jf_check *check, uint32_t rule)
{
    uint32_t group = check->programme->rules[rule].group;
    return group != JF_GROUP_NONE && check->programme->groups[group].stack == JF_STACK_BEST;
}

static bool has_effect(const struct jf_rule *rule)
{
    return rule->is_bonus || rule->uplift_weight > 0;
}

// Whether two occasions of one kind can count on the same receipt without a group that chooses.
static bool adds_up(const struct jf_check *check, uint32_t rule, uint32_t other)
{
    const struct jf_rule *first = &check->programme->rules[rule];
    const struct jf_rule *second = &check->programme->rules[other];
    bool is_same_group = first->group != JF_GROUP_NONE && first->group == second->group;
    return rule != other && !is_same_group && first->is_bonus == second->is_bonus &&
           has_effect(first) && has_effect(second) &&
           (first->conditions & JF_WHEN_OF_OCCASIONS) != 0 &&
           (second->conditions & JF_WHEN_OF_OCCASIONS) != 0 &&
           jf_check_lines_meet(check, rule, other) && !jf_check_excludes(check, rule, other);
}

static struct jf_ratio lowest_terms(struct jf_ratio value)
{
    int64_t divisor = value.numerator;
    int64_t rest = value.denominator;
    while (rest != 0) {
        int64_t next = divisor % rest;
        divisor = rest;
        rest = next;
    }
    return (struct jf_ratio){value.numerator / divisor, value.denominator / divisor};
}

// Each factor adds the base once less than it multiplies by.
static struct jf_ratio factors_together(struct jf_ratio one, struct jf_ratio two)
{
    struct jf_ratio sum = {.numerator = one.numerator * two.denominator +
                                        two.numerator * one.denominator -
                                        one.denominator * two.denominator,
                           .denominator = one.denominator * two.denominator};
    return lowest_terms(sum);
}

static void effect_add(struct jf_description *words, const struct jf_rule *rule)
{
    if (rule->is_bonus) {
        jf_describe(words, "%lld points", (long long)rule->bonus_points);
    } else {
        jf_describe(words, "x");
        jf_describe_ratio(words, rule->factor.numerator, rule->factor.denominator);
    }
}

static void rule_add(const struct jf_check *check, struct jf_description *words, uint32_t rule)
{
    const struct jf_rule *named = &check->programme->rules[rule];
    jf_describe(words, "rule \"%s\" ", named->name);
    if (named->group == JF_GROUP_NONE) {
        jf_describe(words, "without a group");
    } else {
        jf_describe(words, "of group \"%s\"", check->programme->groups[named->group].name);
    }
    jf_describe(words, " (");
    effect_add(words, named);
}

static jf_date day_of_both(const struct jf_check *check, uint32_t rule, uint32_t other)
{
    const uint64_t *first = check->calendars[rule].days;
    const uint64_t *second = check->calendars[other].days;
    jf_date found = JF_DATE_NONE;
    for (jf_date date = check->from; date <= JF_DATE_MAX; date++) {
        uint32_t day = (uint32_t)date;
        if ((first[day / 64] & second[day / 64] & (UINT64_C(1) << (day % 64))) != 0) {
            found = date;
            if (date >= check->from + DAYS_OF_START) {
                break;
            }
        }
    }
    return found;
}

static void sum_add(const struct jf_check *check, struct jf_description *words, uint32_t rule,
                    uint32_t other)
{
    const struct jf_rule *first = &check->programme->rules[rule];
    const struct jf_rule *second = &check->programme->rules[other];
    struct jf_rule sum = {.is_bonus = first->is_bonus};
    if (sum.is_bonus) {
        enum jf_error error =
            jf_number_add(first->bonus_points, second->bonus_points, &sum.bonus_points);
        JF_ASSERT(error == JF_OK); // up to 1,000,000,000 each
    } else {
        sum.factor = factors_together(first->factor, second->factor);
    }
    effect_add(words, &sum);
}

static void field_of(const struct jf_check *check, uint32_t rule, char path[JF_OUTLINE_PATH_MAX])
{
    bool has_group = check->programme->rules[rule].group != JF_GROUP_NONE;
    jf_check_rule_path(check, rule, has_group ? ".group" : "", path);
}

static void across_tell(const struct jf_check *check, uint32_t rule, uint32_t other, uint32_t more)
{
    struct jf_description words = {.size = 0};
    char path[JF_OUTLINE_PATH_MAX];
    char date[JF_DATE_TEXT_SIZE];
    bool is_both = is_of_best(check, rule) && is_of_best(check, other);
    jf_date_format(day_of_both(check, rule, other), date);
    rule_add(check, &words, rule);
    jf_describe(&words, ") and ");
    rule_add(check, &words, other);
    field_of(check, other, path);
    jf_describe(&words, ", line %u: %s) can both count on one receipt, as on %s, and make ",
                jf_outline_line(check->outline, path), path, date);
    sum_add(check, &words, rule, other);
    jf_describe(&words, " together: `best` chooses within its group, across groups rules add up");
    if (more > 0) {
        jf_describe(&words, " (so it does with %u more rule%s)", more, more == 1 ? "" : "s");
    }
    jf_describe(&words, "; put them into one group or their days apart, or, where it is meant, one "
                        "of them into a group with `stack: add`");
    field_of(check, rule, path);
    jf_check_tell(check, is_both ? JF_FINDING_WARNING : JF_FINDING_NOTE, path, &words);
}

static bool is_more(const struct jf_rule *rule, const struct jf_rule *other)
{
    return rule->is_bonus ? rule->bonus_points > other->bonus_points
                          : rule->uplift_weight > other->uplift_weight;
}

// One finding a rule, with the most that comes on top: of the rules listed before it that stand in
// other `best` groups, or in no group. The same rule twice is told already.
static void across_check(const struct jf_check *check, uint32_t rule, bool of_best)
{
    const struct jf_rule *rules = check->programme->rules;
    uint32_t count = 0;
    uint32_t most = 0;
    for (uint32_t other = 0; other < rule; other++) {
        bool is_asked = of_best ? is_of_best(check, other) : rules[other].group == JF_GROUP_NONE;
        if (!is_asked || !adds_up(check, rule, other) || jf_check_is_twice(check, rule, other)) {
            continue;
        }
        most = count == 0 || is_more(&rules[other], &rules[most]) ? other : most;
        count += 1;
    }
    if (count > 0) {
        across_tell(check, rule, most, count - 1);
    }
}

bool jf_check_adds_to_best(const struct jf_check *check, uint32_t rule)
{
    for (uint32_t other = 0; other < check->programme->rule_count; other++) {
        if (is_of_best(check, other) && adds_up(check, rule, other)) {
            return true;
        }
    }
    return false;
}

void jf_check_across(const struct jf_check *check, uint32_t rule)
{
    bool is_best = is_of_best(check, rule);
    if (is_best || check->programme->rules[rule].group == JF_GROUP_NONE) {
        across_check(check, rule, true);
    }
    if (is_best) {
        across_check(check, rule, false);
    }
}
