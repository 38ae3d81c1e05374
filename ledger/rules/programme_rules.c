// Compiles a programme's groups and rules, and finds the denominator that makes all their points
// whole.
//
// The happy path: groups by name, rules in listed order, then a rule "tier:<level>" for each level
// with a factor; last the common denominator and each rule's weight over it. Failures: a value that
// is not allowed, a name given twice, an unknown group, factors so fine that exact points would
// leave 64 bits, and no memory.
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "rules/programme_compile.h"
#include "rules/programme_when.h"

#define TIER_GROUP_NAME  "tier"
#define TIER_RULE_PREFIX "tier:"
#define BASE_NAME        "base" // ground 0

static enum jf_error no_memory(const struct jf_reading *reading)
{
    return jf_diagnose(reading->diagnosis, JF_ERROR_NO_MEMORY, "no memory to read the programme");
}

static enum jf_error fault(const struct jf_reading *reading, const char *path, const char *message)
{
    return jf_outline_fault(reading->outline, reading->diagnosis, path, "%s", message);
}

static uint32_t group_find(const struct jf_programme *programme, const char *name)
{
    for (uint32_t i = 0; i < programme->group_count; i++) {
        if (strcmp(programme->groups[i].name, name) == 0) {
            return i;
        }
    }
    return JF_GROUP_NONE;
}

static enum jf_error group_compile(const struct jf_reading *reading, uint32_t number,
                                   const struct jf_yaml_group *yaml)
{
    static const char *const stacks[] = {"best", "add", "multiply"};
    _Static_assert(JF_STACK_ADD == 1 && JF_STACK_MULTIPLY == 2, "stacks are in their order");
    struct jf_programme *programme = reading->programme;
    struct jf_rule_group *group = &programme->groups[number];
    char path[JF_OUTLINE_PATH_MAX];
    jf_value_path(path, "groups[%u].name", number);
    enum jf_error error = jf_value_name((struct jf_value){reading, path, yaml->name}, group->name);
    if (error == JF_OK && group_find(programme, group->name) != JF_GROUP_NONE) {
        error = fault(reading, path, "two groups of one name: rename one");
    }
    uint32_t stack = JF_STACK_BEST;
    if (error == JF_OK && yaml->stack != NULL) {
        jf_value_path(path, "groups[%u].stack", number);
        error = jf_value_choice((struct jf_value){reading, path, yaml->stack}, stacks, 3, &stack);
    }
    group->stack = (enum jf_stack)stack;
    programme->group_count = number + 1;
    return error;
}

static uint32_t tier_factor_count(const struct jf_yaml_programme *yaml)
{
    uint32_t count = 0;
    for (uint32_t i = 0; yaml->tiers != NULL && i < yaml->tiers->levels_count; i++) {
        count += yaml->tiers->levels[i].factor != NULL ? 1 : 0;
    }
    return count;
}

static enum jf_error groups_compile(const struct jf_reading *reading,
                                    const struct jf_yaml_programme *yaml)
{
    struct jf_programme *programme = reading->programme;
    programme->groups =
        jf_arena_calloc(&programme->arena, yaml->groups_count + 1, sizeof *programme->groups);
    if (programme->groups == NULL) {
        return no_memory(reading);
    }
    for (uint32_t i = 0; i < yaml->groups_count; i++) {
        enum jf_error error = group_compile(reading, i, &yaml->groups[i]);
        if (error != JF_OK) {
            return error;
        }
    }
    bool needs_tier_group = tier_factor_count(yaml) > 0;
    if (needs_tier_group && group_find(programme, TIER_GROUP_NAME) == JF_GROUP_NONE) {
        struct jf_rule_group *group = &programme->groups[programme->group_count];
        snprintf(group->name, sizeof group->name, "%s", TIER_GROUP_NAME);
        programme->group_count += 1;
    }
    return JF_OK;
}

static enum jf_error factor_read(const struct jf_reading *reading, const char *path,
                                 const char *text, struct jf_ratio *out_factor)
{
    struct jf_ratio factor = {1, 1};
    enum jf_error error = jf_value_ratio((struct jf_value){reading, path, text}, &factor);
    if (error != JF_OK) {
        return error;
    }
    if (factor.numerator < factor.denominator) {
        return fault(reading, path, "below 1: a multiplier never takes points away");
    }
    if (factor.numerator > JF_FACTOR_MAX * factor.denominator) {
        return fault(reading, path, "above 1000: that is no likely multiplier");
    }
    *out_factor = factor;
    return JF_OK;
}

// What a rule adds: a multiplier's factor or a bonus's points, and not the other.
static enum jf_error effect_compile(const struct jf_reading *reading, const char *path,
                                    const struct jf_yaml_rule *yaml, struct jf_rule *rule)
{
    static const char *const kinds[] = {"multiplier", "bonus"};
    char place[JF_OUTLINE_PATH_MAX];
    uint32_t kind = 0;
    jf_value_path(place, "%s.kind", path);
    enum jf_error error =
        jf_value_choice((struct jf_value){reading, place, yaml->kind}, kinds, 2, &kind);
    if (error != JF_OK) {
        return error;
    }
    rule->is_bonus = kind == 1;
    rule->factor = (struct jf_ratio){1, 1};
    const char *needed = rule->is_bonus ? yaml->points : yaml->factor;
    const char *other = rule->is_bonus ? yaml->factor : yaml->points;
    if (other != NULL) {
        jf_value_path(place, "%s.%s", path, rule->is_bonus ? "factor" : "points");
        return fault(reading, place,
                     rule->is_bonus ? "a bonus has points, not a factor"
                                    : "a multiplier has a factor, not points");
    }
    jf_value_path(place, "%s.%s", path, rule->is_bonus ? "points" : "factor");
    if (needed == NULL) {
        return fault(reading, place,
                     rule->is_bonus ? "missing: a bonus needs points"
                                    : "missing: a multiplier needs a factor");
    }
    if (rule->is_bonus) {
        return jf_value_integer((struct jf_value){reading, place, needed}, 1, JF_BONUS_POINTS_MAX,
                                &rule->bonus_points);
    }
    return factor_read(reading, place, needed, &rule->factor);
}

// How many points a rule may grant at all.
static enum jf_error limits_compile(const struct jf_reading *reading, const char *path,
                                    const struct jf_yaml_rule *yaml, struct jf_rule *rule)
{
    char place[JF_OUTLINE_PATH_MAX];
    enum jf_error error = JF_OK;
    if (yaml->cap_per_member != NULL) {
        jf_value_path(place, "%s.cap_per_member", path);
        error = jf_value_integer((struct jf_value){reading, place, yaml->cap_per_member}, 1,
                                 JF_POINTS_MAX, &rule->cap_per_member);
    }
    if (error == JF_OK && yaml->budget != NULL) {
        jf_value_path(place, "%s.budget", path);
        error = jf_value_integer((struct jf_value){reading, place, yaml->budget}, 1, JF_POINTS_MAX,
                                 &rule->budget);
    }
    if (rule->cap_per_member > 0 || rule->budget > 0) {
        reading->programme->has_rule_limits = true;
    }
    return error;
}

static enum jf_error rule_group_compile(const struct jf_reading *reading, const char *path,
                                        const char *name, struct jf_rule *rule)
{
    rule->group = JF_GROUP_NONE;
    if (name == NULL) {
        return JF_OK;
    }
    char place[JF_OUTLINE_PATH_MAX];
    jf_value_path(place, "%s.group", path);
    uint32_t group = group_find(reading->programme, name);
    if (group == JF_GROUP_NONE) {
        return jf_outline_fault(reading->outline, reading->diagnosis, place,
                                "\"%.64s\" is no group: list it under groups", name);
    }
    if (rule->is_bonus && reading->programme->groups[group].stack == JF_STACK_MULTIPLY) {
        return fault(reading, place,
                     "a bonus has no factor: it cannot stand in a group that "
                     "multiplies");
    }
    rule->group = group;
    return JF_OK;
}

// Names are the grounds that finance sees, so that each must mean one thing.
static enum jf_error rule_name_check(const struct jf_reading *reading, const char *path,
                                     const struct jf_rule *rule)
{
    const struct jf_programme *programme = reading->programme;
    char place[JF_OUTLINE_PATH_MAX];
    jf_value_path(place, "%s.name", path);
    if (strcmp(rule->name, BASE_NAME) == 0) {
        return fault(reading, place, "\"base\" is the name of the points without any rule: rename");
    }
    for (uint32_t i = 0; i < programme->rule_count; i++) {
        if (strcmp(programme->rules[i].name, rule->name) == 0) {
            return jf_outline_fault(reading->outline, reading->diagnosis, place,
                                    "two rules of one name, \"%.64s\": rename one", rule->name);
        }
    }
    return JF_OK;
}

static void rule_append(struct jf_programme *programme, struct jf_rule *rule)
{
    rule->reason = programme->rule_count + 1;
    programme->rules[programme->rule_count] = *rule;
    programme->rule_count += 1;
}

static enum jf_error rule_compile(const struct jf_reading *reading, uint32_t number,
                                  const struct jf_yaml_rule *yaml)
{
    struct jf_rule rule = {0};
    char path[JF_OUTLINE_PATH_MAX];
    char place[JF_OUTLINE_PATH_MAX];
    jf_value_path(path, "rules[%u]", number);
    jf_value_path(place, "%s.name", path);
    enum jf_error error = jf_value_name((struct jf_value){reading, place, yaml->name}, rule.name);
    if (error == JF_OK) {
        error = rule_name_check(reading, path, &rule);
    }
    if (error == JF_OK) {
        error = effect_compile(reading, path, yaml, &rule);
    }
    if (error == JF_OK) {
        error = limits_compile(reading, path, yaml, &rule);
    }
    if (error == JF_OK) {
        error = rule_group_compile(reading, path, yaml->group, &rule);
    }
    if (error == JF_OK) {
        error = jf_when_compile(reading, path, yaml->when, &rule);
    }
    if (error == JF_OK) {
        rule_append(reading->programme, &rule);
    }
    return error;
}

// The shorthand `factor` of a level: a multiplier for its members in the group "tier".
static enum jf_error tier_rule_compile(const struct jf_reading *reading, uint32_t level,
                                       const char *factor)
{
    struct jf_rule rule = {.conditions = JF_WHEN_TIERS, .tiers = 1u << level};
    char path[JF_OUTLINE_PATH_MAX];
    char place[JF_OUTLINE_PATH_MAX];
    const char *name = reading->programme->tiers[level].name;
    jf_value_path(path, "tiers.levels[%u]", level);
    jf_value_path(place, "%s.factor", path);
    enum jf_error error = factor_read(reading, place, factor, &rule.factor);
    if (error != JF_OK) {
        return error;
    }
    if (strlen(TIER_RULE_PREFIX) + strlen(name) > JF_NAME_BYTES_MAX) {
        return fault(reading, path, "the name of a level with a factor has at most 59 bytes");
    }
    snprintf(rule.name, sizeof rule.name, "%s%.59s", TIER_RULE_PREFIX, name);
    error = rule_name_check(reading, path, &rule);
    if (error == JF_OK) {
        rule.group = group_find(reading->programme, TIER_GROUP_NAME);
        JF_ASSERT(rule.group != JF_GROUP_NONE);
        rule_append(reading->programme, &rule);
    }
    return error;
}

static enum jf_error tier_rules_compile(const struct jf_reading *reading,
                                        const struct jf_yaml_programme *yaml)
{
    uint32_t count = yaml->tiers == NULL ? 0 : yaml->tiers->levels_count;
    for (uint32_t i = 0; i < count; i++) {
        const char *factor = yaml->tiers->levels[i].factor;
        enum jf_error error = factor == NULL ? JF_OK : tier_rule_compile(reading, i, factor);
        if (error != JF_OK) {
            return error;
        }
    }
    return JF_OK;
}

static int64_t greatest_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

// Least common multiple. Returns: false when it is above JF_DENOMINATOR_MAX. In:
// both 1..JF_DENOMINATOR_MAX.
static bool common_multiple(int64_t a, int64_t b, int64_t *out_multiple)
{
    JF_ASSERT(a > 0);
    int64_t divisor = greatest_divisor(a, b);
    JF_ASSERT(divisor > 0);
    int64_t multiple = a / divisor * b;
    if (multiple > JF_DENOMINATOR_MAX) {
        return false;
    }
    *out_multiple = multiple;
    return true;
}

// The product of a multiplying group's denominators makes every step of its product whole.
static bool group_denominator(const struct jf_programme *programme, uint32_t group,
                              int64_t *out_product)
{
    int64_t product = 1;
    for (uint32_t i = 0; i < programme->rule_count; i++) {
        if (programme->rules[i].group == group) {
            product *= programme->rules[i].factor.denominator;
        }
        if (product > JF_DENOMINATOR_MAX) {
            return false;
        }
    }
    *out_product = product;
    return true;
}

// A number by which base points over the reduced rate's denominator must be fined down so that
// every rule's uplift is whole.
static bool fineness_find(const struct jf_programme *programme, int64_t *out_fineness)
{
    int64_t fineness = 1;
    bool is_ok = true;
    for (uint32_t i = 0; is_ok && i < programme->rule_count; i++) {
        is_ok = common_multiple(fineness, programme->rules[i].factor.denominator, &fineness);
    }
    for (uint32_t i = 0; is_ok && i < programme->group_count; i++) {
        int64_t product = 1;
        if (programme->groups[i].stack == JF_STACK_MULTIPLY) {
            is_ok = group_denominator(programme, i, &product) &&
                    common_multiple(fineness, product, &fineness);
        }
    }
    *out_fineness = fineness;
    return is_ok;
}

static enum jf_error weights_compile(const struct jf_reading *reading)
{
    struct jf_programme *programme = reading->programme;
    int64_t divisor = greatest_divisor(programme->earn_points, programme->earn_per_amount);
    JF_ASSERT(divisor > 0);
    int64_t points = programme->earn_points / divisor;
    int64_t amount = programme->earn_per_amount / divisor;
    int64_t fineness = 1;
    bool is_fine = fineness_find(programme, &fineness);
    JF_ASSERT(fineness > 0);
    if (!is_fine || amount > JF_DENOMINATOR_MAX / fineness) {
        return fault(reading, "rules",
                     "the factors and the earn rate need a common denominator "
                     "above 1000000000: choose rounder factors");
    }
    programme->denominator = amount * fineness;
    programme->base_weight = points * fineness;
    for (uint32_t i = 0; i < programme->rule_count; i++) {
        struct jf_rule *rule = &programme->rules[i];
        struct jf_ratio factor = rule->factor;
        JF_ASSERT(factor.denominator > 0);
        rule->uplift_weight =
            points * (fineness / factor.denominator) * (factor.numerator - factor.denominator);
    }
    return JF_OK;
}

enum jf_error jf_programme_compile_rules(const struct jf_reading *reading,
                                         const struct jf_yaml_programme *yaml)
{
    struct jf_programme *programme = reading->programme;
    uint32_t count = yaml->rules_count + tier_factor_count(yaml);
    if (count > JF_RULES_MAX) {
        return fault(reading, "rules", "more than 1000 rules, tier factors included");
    }
    programme->rules = jf_arena_calloc(&programme->arena, count, sizeof *programme->rules);
    if (programme->rules == NULL) {
        return no_memory(reading);
    }
    enum jf_error error = groups_compile(reading, yaml);
    for (uint32_t i = 0; error == JF_OK && i < yaml->rules_count; i++) {
        error = rule_compile(reading, i, &yaml->rules[i]);
    }
    if (error == JF_OK) {
        error = tier_rules_compile(reading, yaml);
    }
    if (error == JF_OK) {
        error = weights_compile(reading);
    }
    if (error == JF_OK && jf_rule_index_make(&programme->index, programme->rules,
                                             programme->rule_count, &programme->arena) != JF_OK) {
        error = no_memory(reading);
    }
    return error;
}
