// The programme's sections `tiers` and `classes`.
//
// The happy path reads the window and the levels upwards, then the classes. Failures: a value that
// is not allowed, a window said twice, levels that do not ascend, a class with two demands or
// without the one that is everyone else's.
#include <string.h>

#include "rules/programme_compile.h"

#define WINDOW_DEFAULT         12
#define WINDOW_MAX             ((int64_t)JF_MONTHS_PER_MEMBER_MAX - 1)
#define GRACE_DAYS_MAX         3660
#define VISITS_MAX             1000000
#define FIRST_LEVEL_NAME       "member"
#define CLASSES_WINDOW_DEFAULT 6

static struct jf_value value_at(const struct jf_reading *reading, const char *path,
                                const char *text)
{
    return (struct jf_value){reading, path, text};
}

static enum jf_error fault(const struct jf_reading *reading, const char *path, const char *message)
{
    return jf_outline_fault(reading->outline, reading->diagnosis, path, "%s", message);
}

// ---- Tiers ----------------------------------------------------------------------------

static enum jf_error level_compile(const struct jf_reading *reading, uint32_t number,
                                   const struct jf_yaml_level *yaml, struct jf_tier_level *level)
{
    static const char *const requires[] = {"all", "any"};
    char path[JF_OUTLINE_PATH_MAX];
    uint32_t require = 0;
    *level = (struct jf_tier_level){.spend = -1, .visits = -1, .points = -1};
    jf_value_path(path, "tiers.levels[%u].name", number);
    enum jf_error error = jf_value_name(value_at(reading, path, yaml->name), level->name);
    if (error == JF_OK && yaml->spend != NULL) {
        jf_value_path(path, "tiers.levels[%u].spend", number);
        error = jf_value_amount(value_at(reading, path, yaml->spend), 1, &level->spend);
    }
    if (error == JF_OK) {
        jf_value_path(path, "tiers.levels[%u].visits", number);
        error = jf_value_integer_or_default(value_at(reading, path, yaml->visits), 1, VISITS_MAX,
                                            &level->visits);
    }
    if (error == JF_OK) {
        jf_value_path(path, "tiers.levels[%u].points", number);
        error = jf_value_integer_or_default(value_at(reading, path, yaml->points), 1, JF_POINTS_MAX,
                                            &level->points);
    }
    if (error == JF_OK && yaml->require != NULL) {
        jf_value_path(path, "tiers.levels[%u].require", number);
        error = jf_value_choice(value_at(reading, path, yaml->require), requires, 2, &require);
    }
    level->any = require == 1;
    return error;
}

// A level must not be easier to reach than the one below it, or nobody would ever stand on that
// one.
static bool levels_ascend(const struct jf_tier_level *lower, const struct jf_tier_level *higher)
{
    const int64_t below[] = {lower->spend, lower->visits, lower->points};
    const int64_t above[] = {higher->spend, higher->visits, higher->points};
    bool is_same = lower->any == higher->any;
    for (uint32_t i = 0; i < 3; i++) {
        if (below[i] > 0 && above[i] > 0 && above[i] < below[i]) {
            return false;
        }
        is_same = is_same && above[i] == below[i];
    }
    return !is_same;
}

static enum jf_error level_check(const struct jf_reading *reading, uint32_t number)
{
    const struct jf_tier_level *levels = reading->programme->tiers;
    const struct jf_tier_level *level = &levels[number];
    const char *problem = NULL;
    bool has_demand = level->spend >= 0 || level->visits >= 0 || level->points >= 0;
    if (number == 0 && has_demand) {
        problem = "the first level is everyone's: it has no spend, visits or points";
    } else if (number > 0 && !has_demand) {
        problem = "needs at least one of spend, visits, points";
    } else if (number > 1 && !levels_ascend(&levels[number - 1], level)) {
        problem = "must be harder to reach than the level before it: list levels upwards";
    }
    for (uint32_t i = 0; i < number && problem == NULL; i++) {
        problem =
            strcmp(levels[i].name, level->name) == 0 ? "two levels of one name: rename one" : NULL;
    }
    if (problem == NULL) {
        return JF_OK;
    }
    char path[JF_OUTLINE_PATH_MAX];
    jf_value_path(path, "tiers.levels[%u]", number);
    return jf_outline_fault(reading->outline, reading->diagnosis, path, "%s", problem);
}

// `window_months: 6` is short for `window: {kind: rolling_months, months: 6}`.
static enum jf_error window_compile(const struct jf_reading *reading,
                                    const struct jf_yaml_tiers *yaml)
{
    static const char *const kinds[] = {"rolling_months", "calendar_year", "membership_year"};
    struct jf_tier_window *window = &reading->programme->tier_window;
    const struct jf_yaml_window *named = yaml->window;
    int64_t months = WINDOW_DEFAULT;
    if (named == NULL) {
        struct jf_value value = value_at(reading, "tiers.window_months", yaml->window_months);
        enum jf_error error = jf_value_integer_or_default(value, 1, WINDOW_MAX, &months);
        window->months = (int32_t)months;
        return error;
    }
    if (yaml->window_months != NULL) {
        return fault(reading, "tiers.window_months",
                     "the window is said twice: leave this or tiers.window out");
    }
    uint32_t kind = 0;
    enum jf_error error =
        jf_value_choice(value_at(reading, "tiers.window.kind", named->kind), kinds, 3, &kind);
    if (error == JF_OK && kind != JF_WINDOW_ROLLING && named->months != NULL) {
        return fault(reading, "tiers.window.months", "only rolling_months has a number of months");
    }
    if (error == JF_OK) {
        error = jf_value_integer_or_default(value_at(reading, "tiers.window.months", named->months),
                                            1, WINDOW_MAX, &months);
    }
    *window = (struct jf_tier_window){.kind = (enum jf_window_kind)kind, .months = (int32_t)months};
    return error;
}

static enum jf_error fall_compile(const struct jf_reading *reading,
                                  const struct jf_yaml_tiers *yaml)
{
    static const char *const ways[] = {"window", "one_level"};
    int64_t grace_days = 0;
    uint32_t way = 0;
    enum jf_error error = jf_value_integer_or_default(
        value_at(reading, "tiers.grace_days", yaml->grace_days), 0, GRACE_DAYS_MAX, &grace_days);
    if (error == JF_OK && yaml->down != NULL) {
        error = jf_value_choice(value_at(reading, "tiers.down", yaml->down), ways, 2, &way);
    }
    reading->programme->tier_grace_days = (int32_t)grace_days;
    reading->programme->is_tier_down_by_one = way == 1;
    return error;
}

static enum jf_error levels_compile(const struct jf_reading *reading,
                                    const struct jf_yaml_tiers *yaml)
{
    struct jf_programme *programme = reading->programme;
    programme->tier_window = (struct jf_tier_window){.months = WINDOW_DEFAULT};
    if (yaml == NULL) {
        programme->tier_count = 1;
        programme->tiers[0] = (struct jf_tier_level){
            .name = FIRST_LEVEL_NAME, .spend = -1, .visits = -1, .points = -1};
        return JF_OK;
    }
    enum jf_error error = window_compile(reading, yaml);
    if (error == JF_OK) {
        error = fall_compile(reading, yaml);
    }
    for (uint32_t i = 0; error == JF_OK && i < yaml->levels_count; i++) {
        error = level_compile(reading, i, &yaml->levels[i], &programme->tiers[i]);
        if (error == JF_OK) {
            error = level_check(reading, i);
        }
    }
    programme->tier_count = yaml->levels_count;
    return error;
}

// ---- Activity classes -----------------------------------------------------------------

// One of a class's demands where it stands.
static struct jf_value class_value(const struct jf_reading *reading, uint32_t number,
                                   const char *key, const char *text,
                                   char path[JF_OUTLINE_PATH_MAX])
{
    jf_value_path(path, "classes.levels[%u].%s", number, key);
    return value_at(reading, path, text);
}

// At least so many visits a month, over `months` months.
static enum jf_error frequent_compile(const struct jf_reading *reading, uint32_t number,
                                      const struct jf_yaml_class *yaml, int64_t window)
{
    struct jf_class_level *level = &reading->programme->classes[number];
    char path[JF_OUTLINE_PATH_MAX];
    int64_t months = window;
    int64_t visits = 0;
    struct jf_value value =
        class_value(reading, number, "visits_per_month", yaml->visits_per_month, path);
    enum jf_error error = jf_value_integer(value, 1, VISITS_MAX, &visits);
    if (error == JF_OK) {
        value = class_value(reading, number, "months", yaml->months, path);
        error = jf_value_integer_or_default(value, 1, WINDOW_MAX, &months);
    }
    level->visits = visits * months;
    level->blocks = 1;
    level->block_months = (int32_t)months;
    return error;
}

// At least so many visits in each block of `every_months` months of the window.
static enum jf_error regular_compile(const struct jf_reading *reading, uint32_t number,
                                     const struct jf_yaml_class *yaml, int64_t window)
{
    struct jf_class_level *level = &reading->programme->classes[number];
    char path[JF_OUTLINE_PATH_MAX];
    int64_t every = 1;
    struct jf_value value = class_value(reading, number, "visits", yaml->visits, path);
    enum jf_error error = jf_value_integer(value, 1, VISITS_MAX, &level->visits);
    if (error == JF_OK) {
        value = class_value(reading, number, "every_months", yaml->every_months, path);
        error = jf_value_integer_or_default(value, 1, window, &every);
    }
    level->blocks = (int32_t)(window / every);
    level->block_months = (int32_t)every;
    return error;
}

static enum jf_error absent_compile(const struct jf_reading *reading, uint32_t number,
                                    const struct jf_yaml_class *yaml)
{
    char path[JF_OUTLINE_PATH_MAX];
    int64_t months = 0;
    struct jf_value value =
        class_value(reading, number, "none_for_months", yaml->none_for_months, path);
    enum jf_error error = jf_value_integer(value, 1, WINDOW_MAX, &months);
    reading->programme->classes[number].none_months = (int32_t)months;
    return error;
}

static enum jf_error class_check(const struct jf_reading *reading, uint32_t number,
                                 const struct jf_yaml_class *yaml)
{
    const struct jf_class_level *levels = reading->programme->classes;
    const char *problem = NULL;
    int demands =
        (yaml->visits_per_month != NULL) + (yaml->visits != NULL) + (yaml->none_for_months != NULL);
    if (demands > 1) {
        problem = "one of visits_per_month, visits and none_for_months is enough: leave the others "
                  "out";
    } else if (yaml->months != NULL && yaml->visits_per_month == NULL) {
        problem = "months has a meaning beside visits_per_month only";
    } else if (yaml->every_months != NULL && yaml->visits == NULL) {
        problem = "every_months has a meaning beside visits only";
    }
    for (uint32_t i = 0; i < number && problem == NULL; i++) {
        problem = strcmp(levels[i].name, levels[number].name) == 0
                      ? "two classes of one name: rename one"
                      : NULL;
    }
    char path[JF_OUTLINE_PATH_MAX];
    jf_value_path(path, "classes.levels[%u]", number);
    return problem == NULL ? JF_OK : fault(reading, path, problem);
}

static enum jf_error class_compile(const struct jf_reading *reading, uint32_t number,
                                   const struct jf_yaml_class *yaml, int64_t window)
{
    char path[JF_OUTLINE_PATH_MAX];
    struct jf_value name = class_value(reading, number, "name", yaml->name, path);
    enum jf_error error = jf_value_name(name, reading->programme->classes[number].name);
    if (error == JF_OK) {
        error = class_check(reading, number, yaml);
    }
    if (error == JF_OK && yaml->visits_per_month != NULL) {
        return frequent_compile(reading, number, yaml, window);
    }
    if (error == JF_OK && yaml->visits != NULL) {
        return regular_compile(reading, number, yaml, window);
    }
    if (error == JF_OK && yaml->none_for_months != NULL) {
        return absent_compile(reading, number, yaml);
    }
    return error;
}

static bool is_for_everyone(const struct jf_class_level *level)
{
    return level->visits == 0 && level->none_months == 0;
}

static enum jf_error classes_compile(const struct jf_reading *reading,
                                     const struct jf_yaml_classes *yaml)
{
    if (yaml == NULL) {
        return JF_OK;
    }
    struct jf_programme *programme = reading->programme;
    int64_t window = CLASSES_WINDOW_DEFAULT;
    enum jf_error error = jf_value_integer_or_default(
        value_at(reading, "classes.window_months", yaml->window_months), 1, WINDOW_MAX, &window);
    uint32_t everyone = 0;
    for (uint32_t i = 0; error == JF_OK && i < yaml->levels_count; i++) {
        error = class_compile(reading, i, &yaml->levels[i], window);
        if (error == JF_OK && everyone > 0 && programme->classes[i].none_months == 0) {
            return fault(reading, "classes.levels",
                         "the class without a demand is everyone else's: those behind it can only "
                         "be ones of none_for_months");
        }
        everyone += is_for_everyone(&programme->classes[i]) ? 1 : 0;
    }
    programme->class_count = yaml->levels_count;
    if (error == JF_OK && everyone == 0) {
        return fault(reading, "classes.levels",
                     "one class needs to be everyone else's: leave its demand out");
    }
    return error;
}

uint32_t jf_programme_class_find(const struct jf_programme *programme, struct jf_text name)
{
    for (uint32_t i = 0; i < programme->class_count; i++) {
        if (jf_text_equal(jf_text_from(programme->classes[i].name), name)) {
            return i;
        }
    }
    return UINT32_MAX;
}

enum jf_error jf_programme_compile_tiers(const struct jf_reading *reading,
                                         const struct jf_yaml_programme *yaml)
{
    enum jf_error error = levels_compile(reading, yaml->tiers);
    return error == JF_OK ? classes_compile(reading, yaml->classes) : error;
}
