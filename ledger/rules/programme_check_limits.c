// Limits against what they limit: caps and budgets below a single grant, caps that a tighter one
// makes idle, points that expire before they can be spent.
#include "rules/programme_check_private.h"
#include "rules/programme_expiry.h"
#include "rules/programme_value.h"

#define DAYS_LOOKED_AT (4 * 366) // every day of the year, leap days too

static bool cap_has_rule(const struct jf_cap *cap, uint32_t rule)
{
    bool has_rule = cap->is_of_all;
    for (uint32_t i = 0; i < cap->rule_count && !has_rule; i++) {
        has_rule = cap->rules[i] == rule;
    }
    return has_rule;
}

static const char *cap_name(const struct jf_cap *cap)
{
    return cap->ground_name + sizeof "cap:" - 1;
}

static void rule_limit_check(const struct jf_check *check, uint32_t rule, const char *field,
                             int64_t limit)
{
    const struct jf_rule *checked = &check->programme->rules[rule];
    struct jf_description words = {.size = 0};
    char path[JF_OUTLINE_PATH_MAX];
    if (!checked->is_bonus || limit == 0 || limit >= checked->bonus_points) {
        return;
    }
    jf_describe(&words, "is below the rule's own grant, %lld points: it is never granted whole",
                (long long)checked->bonus_points);
    jf_check_rule_path(check, rule, field, path);
    jf_check_tell(check, JF_FINDING_ERROR, path, &words);
}

static void cap_check(const struct jf_check *check, uint32_t number)
{
    const struct jf_programme *programme = check->programme;
    const struct jf_cap *cap = &programme->caps[number];
    char path[JF_OUTLINE_PATH_MAX];
    jf_value_path(path, "caps[%u].points", number);
    for (uint32_t rule = 0; rule < programme->rule_count; rule++) {
        const struct jf_rule *checked = &programme->rules[rule];
        if (!checked->is_bonus || checked->bonus_points <= cap->points ||
            !cap_has_rule(cap, rule)) {
            continue;
        }
        struct jf_description words = {.size = 0};
        jf_describe(&words,
                    "cap \"%s\" is below one grant of rule \"%s\", %lld points: that is never "
                    "granted whole",
                    cap_name(cap), checked->name, (long long)checked->bonus_points);
        jf_check_tell(check, JF_FINDING_ERROR, path, &words);
    }
    if ((cap->is_of_all || cap->has_base) && cap->points < programme->earn_points) {
        struct jf_description words = {.size = 0};
        jf_describe(&words, "cap \"%s\" is below what the base earns at once, ", cap_name(cap));
        jf_describe_earn(programme, &words);
        jf_check_tell(check, JF_FINDING_WARNING, path, &words);
    }
}

static bool cap_covers(const struct jf_cap *cap, const struct jf_cap *other)
{
    if (cap->is_of_all) {
        return true;
    }
    if (other->is_of_all || (other->has_base && !cap->has_base)) {
        return false;
    }
    for (uint32_t i = 0; i < other->rule_count; i++) {
        if (!cap_has_rule(cap, other->rules[i])) {
            return false;
        }
    }
    return true;
}

// How much a cap's period takes in: a receipt, a day, a month.
static uint32_t cap_width(const struct jf_cap *cap)
{
    return cap->kind == JF_CAP_PER_RECEIPT ? 0 : cap->kind == JF_COUNTER_CAP_DAY ? 1 : 2;
}

// A cap that another, of at least its period and grounds and of no more points, makes idle.
static void idle_check(const struct jf_check *check, uint32_t number)
{
    const struct jf_programme *programme = check->programme;
    const struct jf_cap *cap = &programme->caps[number];
    for (uint32_t i = 0; i < programme->cap_count; i++) {
        const struct jf_cap *tighter = &programme->caps[i];
        bool is_equal = cap_width(tighter) == cap_width(cap) && tighter->points == cap->points;
        if (i == number || tighter->points > cap->points || cap_width(tighter) < cap_width(cap) ||
            !cap_covers(tighter, cap) || (is_equal && i > number && cap_covers(cap, tighter))) {
            continue;
        }
        struct jf_description words = {.size = 0};
        char path[JF_OUTLINE_PATH_MAX];
        jf_describe(&words, "cap \"%s\" never cuts: cap \"%s\" leaves no more than %lld points",
                    cap_name(cap), cap_name(tighter), (long long)tighter->points);
        jf_value_path(path, "caps[%u]", number);
        jf_check_tell(check, JF_FINDING_WARNING, path, &words);
        return;
    }
}

// Whether points of a day's sale are over before they can be spent.
static void pending_check(const struct jf_check *check)
{
    const struct jf_programme *programme = check->programme;
    uint32_t days = 0;
    uint32_t dead = 0;
    jf_date first = JF_DATE_NONE;
    for (jf_date date = check->from; date <= JF_DATE_MAX && days < DAYS_LOOKED_AT; date++) {
        days += 1;
        if (jf_expiry_date(&programme->expiry, date) < date + programme->pending_days) {
            first = dead == 0 ? date : first;
            dead += 1;
        }
    }
    if (programme->pending_days == 0 || dead == 0) {
        return;
    }
    struct jf_description words = {.size = 0};
    char text[JF_DATE_TEXT_SIZE];
    jf_date_format(first, text);
    if (dead == days) {
        jf_describe(&words, "points expire before they can be spent");
    } else {
        jf_describe(&words, "points of some days expire before they can be spent, as of %s", text);
    }
    jf_check_tell(check, dead == days ? JF_FINDING_ERROR : JF_FINDING_WARNING, "pending_days",
                  &words);
}

// A reward whose days lie before the programme is in force, or are over.
static void reward_check(const struct jf_check *check, uint32_t number)
{
    const struct jf_reward *reward = &check->programme->rewards[number];
    const char *code = reward->ground_name + sizeof "reward:" - 1;
    jf_date today = check->input->today;
    struct jf_description words = {.size = 0};
    char path[JF_OUTLINE_PATH_MAX];
    jf_value_path(path, "rewards[%u].valid_to", number);
    if (reward->valid_to < check->from) {
        jf_describe(&words,
                    "reward \"%s\" is never given: its last day lies before the programme "
                    "is in force",
                    code);
        jf_check_tell(check, JF_FINDING_ERROR, path, &words);
    } else if (today != JF_DATE_NONE && reward->valid_to < today) {
        jf_describe(&words, "reward \"%s\" is over", code);
        jf_check_tell(check, JF_FINDING_WARNING, path, &words);
    }
    bool has_both =
        reward->stock != JF_REWARD_UNLIMITED && reward->per_member != JF_REWARD_UNLIMITED;
    if (has_both && reward->per_member > reward->stock) {
        words = (struct jf_description){.size = 0};
        jf_describe(&words, "reward \"%s\" has %lld in all: the limit for a member has no effect",
                    code, (long long)reward->stock);
        jf_value_path(path, "rewards[%u].per_member", number);
        jf_check_tell(check, JF_FINDING_NOTE, path, &words);
    }
}

// Whether who meets the stricter class's demand always meets the other's: each of the other's
// blocks of months is made of whole blocks of the stricter one's.
static bool class_implies(const struct jf_class_level *stricter, const struct jf_class_level *other)
{
    if (stricter->visits == 0 || other->visits == 0 || stricter->none_months > 0 ||
        other->none_months > 0 || other->block_months % stricter->block_months != 0) {
        return false;
    }
    int64_t blocks = other->block_months / stricter->block_months;
    return other->visits <= stricter->visits * blocks &&
           other->blocks * other->block_months <= stricter->blocks * stricter->block_months;
}

// A class that nobody reaches, because one listed before it takes everyone who would.
static void class_check(const struct jf_check *check, uint32_t number)
{
    const struct jf_class_level *classes = check->programme->classes;
    for (uint32_t i = 0; i < number; i++) {
        if (!class_implies(&classes[number], &classes[i])) {
            continue;
        }
        struct jf_description words = {.size = 0};
        char path[JF_OUTLINE_PATH_MAX];
        jf_describe(&words,
                    "class \"%s\" is never reached: who visits so often is in class \"%s\", listed "
                    "before it",
                    classes[number].name, classes[i].name);
        jf_value_path(path, "classes.levels[%u]", number);
        jf_check_tell(check, JF_FINDING_ERROR, path, &words);
        return;
    }
}

void jf_check_limits(const struct jf_check *check)
{
    for (uint32_t rule = 0; rule < check->listed_count; rule++) {
        const struct jf_rule *checked = &check->programme->rules[rule];
        rule_limit_check(check, rule, ".cap_per_member", checked->cap_per_member);
        rule_limit_check(check, rule, ".budget", checked->budget);
    }
    for (uint32_t number = 0; number < check->programme->cap_count; number++) {
        cap_check(check, number);
        idle_check(check, number);
    }
    pending_check(check);
    for (uint32_t number = 0; number < check->programme->class_count; number++) {
        class_check(check, number);
    }
    for (uint32_t number = 0; number < check->programme->reward_count; number++) {
        reward_check(check, number);
    }
}
