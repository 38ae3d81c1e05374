// Compiles everything of a programme but its rules (programme_rules.c).
//
// The happy path goes through the YAML's sections in the order of the document's description.
// Failures: a value that is not allowed, values that contradict each other, and no memory; the
// first found is diagnosed.
#include "rules/programme_compile.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "rules/programme_expiry.h"
#include "rules/programme_when.h"

#define MS_PER_SECOND        1000
#define MS_PER_HOUR          3600000
#define HOURS_MAX            87600 // ten years
#define SKEW_SECONDS_MAX     86400
#define LATE_HOURS_DEFAULT   24
#define SKEW_SECONDS_DEFAULT 300
#define PENDING_DAYS_MAX     366
#define TAG_MAX              63

static struct jf_value value_at(const struct jf_reading *reading, const char *path,
                                const char *text)
{
    return (struct jf_value){reading, path, text};
}

static enum jf_error identity_compile(const struct jf_reading *reading,
                                      const struct jf_yaml_programme *yaml)
{
    struct jf_programme *programme = reading->programme;
    enum jf_error error = jf_value_name(value_at(reading, "name", yaml->name), programme->name);
    if (error == JF_OK) {
        error = jf_value_instant(value_at(reading, "effective_from", yaml->effective_from),
                                 yaml->zone, &programme->effective_from_ms);
    }
    if (error == JF_OK && yaml->currency != NULL) {
        error = jf_value_name(value_at(reading, "currency", yaml->currency), programme->currency);
    }
    int64_t digits = 2;
    if (error == JF_OK) {
        error = jf_value_integer_or_default(
            value_at(reading, "currency_digits", yaml->currency_digits), 0, 4, &digits);
    }
    programme->currency_digits = (uint32_t)digits;
    return error;
}

static enum jf_error earn_compile(const struct jf_reading *reading,
                                  const struct jf_yaml_programme *yaml)
{
    struct jf_programme *programme = reading->programme;
    enum jf_error error = jf_value_integer(value_at(reading, "earn.points", yaml->earn->points), 1,
                                           JF_EARN_POINTS_MAX, &programme->earn_points);
    if (error == JF_OK) {
        error = jf_value_amount(value_at(reading, "earn.per_amount", yaml->earn->per_amount), 1,
                                &programme->earn_per_amount);
    }
    return error;
}

static enum jf_error rounding_compile(const struct jf_reading *reading,
                                      const struct jf_yaml_rounding *yaml)
{
    static const char *const modes[] = {"floor", "half_up", "half_even"};
    static const char *const scopes[] = {"receipt", "line"};
    _Static_assert(JF_ROUND_HALF_UP == 1 && JF_ROUND_HALF_EVEN == 2, "modes are in their order");
    _Static_assert(JF_ROUND_PER_LINE == 1, "scopes are in their order");
    uint32_t mode = JF_ROUND_FLOOR;
    uint32_t scope = JF_ROUND_PER_RECEIPT;
    enum jf_error error = JF_OK;
    if (yaml != NULL && yaml->mode != NULL) {
        error = jf_value_choice(value_at(reading, "rounding.mode", yaml->mode), modes, 3, &mode);
    }
    if (error == JF_OK && yaml != NULL && yaml->scope != NULL) {
        error =
            jf_value_choice(value_at(reading, "rounding.scope", yaml->scope), scopes, 2, &scope);
    }
    reading->programme->rounding = (enum jf_rounding)mode;
    reading->programme->rounding_scope = (enum jf_rounding_scope)scope;
    return error;
}

static enum jf_error lots_compile(const struct jf_reading *reading,
                                  const struct jf_yaml_programme *yaml)
{
    struct jf_programme *programme = reading->programme;
    enum jf_error error = jf_expiry_compile(reading, "expiry", yaml->expiry, &programme->expiry);
    int64_t days = 0;
    if (error == JF_OK) {
        error = jf_value_integer_or_default(value_at(reading, "pending_days", yaml->pending_days),
                                            0, PENDING_DAYS_MAX, &days);
    }
    programme->pending_days = (int32_t)days;
    return error;
}

static enum jf_error clocks_compile(const struct jf_reading *reading,
                                    const struct jf_yaml_programme *yaml)
{
    int64_t late_hours = LATE_HOURS_DEFAULT;
    int64_t skew_seconds = SKEW_SECONDS_DEFAULT;
    enum jf_error error = jf_value_integer_or_default(
        value_at(reading, "late_after_hours", yaml->late_after_hours), 0, HOURS_MAX, &late_hours);
    if (error == JF_OK) {
        error = jf_value_integer_or_default(
            value_at(reading, "clock_skew_seconds", yaml->clock_skew_seconds), 0, SKEW_SECONDS_MAX,
            &skew_seconds);
    }
    reading->programme->late_after_ms = late_hours * MS_PER_HOUR;
    reading->programme->clock_skew_ms = skew_seconds * MS_PER_SECOND;
    return error;
}

// Makes the four sets of words, each with room for all that the document names.
static enum jf_error words_prepare(const struct jf_reading *reading,
                                   const struct jf_yaml_programme *yaml)
{
    struct jf_programme *programme = reading->programme;
    const struct jf_yaml_exclusions none = {0};
    const struct jf_yaml_exclusions *excluded = yaml->exclusions != NULL ? yaml->exclusions : &none;
    const struct jf_yaml_known no_more = {0};
    const struct jf_yaml_known *known = yaml->known != NULL ? yaml->known : &no_more;
    uint32_t categories = excluded->categories_count + known->categories_count;
    categories += yaml->redemption == NULL ? 0 : yaml->redemption->excluded_categories_count;
    uint32_t skus = excluded->skus_count;
    uint32_t tenders = excluded->tenders_count + known->tenders_count;
    uint32_t regions = 0;
    for (uint32_t i = 0; i < yaml->rules_count; i++) {
        const struct jf_yaml_when *when = yaml->rules[i].when;
        if (when != NULL) {
            categories += when->categories_count;
            skus += when->skus_count;
            tenders += when->tenders_count;
            regions += when->regions_count;
        }
    }
    programme->reads_categories = categories > 0;
    programme->reads_skus = skus > 0;
    programme->reads_tenders = tenders > 0;
    programme->reads_regions = regions > 0;
    struct jf_arena *arena = &programme->arena;
    if (jf_words_init(&programme->categories, arena, categories) != JF_OK ||
        jf_words_init(&programme->skus, arena, skus) != JF_OK ||
        jf_words_init(&programme->tenders, arena, tenders) != JF_OK ||
        jf_words_init(&programme->regions, arena, regions) != JF_OK) {
        return jf_diagnose(reading->diagnosis, JF_ERROR_NO_MEMORY,
                           "no memory to read the programme");
    }
    return JF_OK;
}

// A list of words where it stands.
struct word_list {
    const char *path;
    char *const *items;
    uint32_t count;
    uint32_t size_max;
    struct jf_words *words;
};

static enum jf_error words_compile(const struct jf_reading *reading, const struct word_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        char path[JF_OUTLINE_PATH_MAX];
        uint32_t number = 0;
        jf_value_path(path, "%s[%u]", list->path, i);
        enum jf_error error = jf_when_word_add(value_at(reading, path, list->items[i]),
                                               list->size_max, list->words, &number);
        if (error != JF_OK) {
            return error;
        }
    }
    return JF_OK;
}

// What the programme knows without naming it anywhere else, and what becomes of the rest.
static enum jf_error known_compile(const struct jf_reading *reading,
                                   const struct jf_yaml_programme *yaml)
{
    static const char *const words[] = {"plain", "refuse"};
    struct jf_programme *programme = reading->programme;
    enum jf_error error = JF_OK;
    if (yaml->known != NULL) {
        const struct word_list categories = {"known.categories", yaml->known->categories,
                                             yaml->known->categories_count, JF_CATEGORY_BYTES_MAX,
                                             &programme->categories};
        const struct word_list tenders = {"known.tenders", yaml->known->tenders,
                                          yaml->known->tenders_count, JF_TENDER_TYPE_BYTES_MAX,
                                          &programme->tenders};
        error = words_compile(reading, &categories);
        if (error == JF_OK) {
            error = words_compile(reading, &tenders);
        }
    }
    uint32_t categories = 0;
    uint32_t tenders = 0;
    if (error == JF_OK && yaml->unknown != NULL && yaml->unknown->categories != NULL) {
        error = jf_value_choice(value_at(reading, "unknown.categories", yaml->unknown->categories),
                                words, 2, &categories);
    }
    if (error == JF_OK && yaml->unknown != NULL && yaml->unknown->tenders != NULL) {
        error = jf_value_choice(value_at(reading, "unknown.tenders", yaml->unknown->tenders), words,
                                2, &tenders);
    }
    programme->refuses_unknown_categories = categories == 1;
    programme->refuses_unknown_tenders = tenders == 1;
    return error;
}

// Members who earn nothing.
static enum jf_error members_excluded(const struct jf_reading *reading,
                                      const struct jf_yaml_exclusions *yaml)
{
    // A closed member cannot buy as a member at all, and an active one is what members are.
    static const char *const statuses[] = {"frozen"};
    struct jf_programme *programme = reading->programme;
    enum jf_error error = JF_OK;
    char path[JF_OUTLINE_PATH_MAX];
    for (uint32_t i = 0; error == JF_OK && i < yaml->member_statuses_count; i++) {
        uint32_t index = 0;
        jf_value_path(path, "exclusions.member_statuses[%u]", i);
        error =
            jf_value_choice(value_at(reading, path, yaml->member_statuses[i]), statuses, 1, &index);
        programme->excluded_statuses |= 1u << JF_MEMBER_FROZEN;
    }
    for (uint32_t i = 0; error == JF_OK && i < yaml->tags_count; i++) {
        int64_t tag = 0;
        jf_value_path(path, "exclusions.tags[%u]", i);
        error = jf_value_integer(value_at(reading, path, yaml->tags[i]), 0, TAG_MAX, &tag);
        programme->excluded_tags |= error == JF_OK ? (uint64_t)1 << tag : 0;
    }
    return error;
}

// One list of exclusions where it stands.
struct exclusion {
    const char *key;
    char *const *items;
    uint32_t count;
    uint32_t size_max;
    struct jf_words *words;
};

static enum jf_error exclusion_compile(const struct jf_reading *reading,
                                       const struct exclusion *exclusion,
                                       char (**out_names)[JF_NAME_BYTES_MAX + 1])
{
    char(*names)[JF_NAME_BYTES_MAX + 1] =
        jf_arena_calloc(&reading->programme->arena, exclusion->count, sizeof *names);
    if (names == NULL) {
        return jf_diagnose(reading->diagnosis, JF_ERROR_NO_MEMORY,
                           "no memory to read the programme");
    }
    for (uint32_t i = 0; i < exclusion->count; i++) {
        char path[JF_OUTLINE_PATH_MAX];
        uint32_t number = 0;
        jf_value_path(path, "exclusions.%s[%u]", exclusion->key, i);
        enum jf_error error = jf_when_word_add(value_at(reading, path, exclusion->items[i]),
                                               exclusion->size_max, exclusion->words, &number);
        if (error != JF_OK) {
            return error;
        }
        struct jf_text text = exclusion->words->texts[number];
        memcpy(names[i], text.data, text.size);
        exclusion->words->is_excluded[number] = true;
    }
    *out_names = names;
    return JF_OK;
}

static enum jf_error exclusions_compile(const struct jf_reading *reading,
                                        const struct jf_yaml_exclusions *yaml)
{
    if (yaml == NULL) {
        return JF_OK;
    }
    struct jf_programme *programme = reading->programme;
    const struct exclusion categories = {"categories", yaml->categories, yaml->categories_count,
                                         JF_CATEGORY_BYTES_MAX, &programme->categories};
    const struct exclusion skus = {"skus", yaml->skus, yaml->skus_count, JF_SKU_BYTES_MAX,
                                   &programme->skus};
    const struct exclusion tenders = {"tenders", yaml->tenders, yaml->tenders_count,
                                      JF_TENDER_TYPE_BYTES_MAX, &programme->tenders};
    programme->excluded_category_count = yaml->categories_count;
    programme->excluded_sku_count = yaml->skus_count;
    programme->excluded_tender_count = yaml->tenders_count;
    enum jf_error error = exclusion_compile(reading, &categories, &programme->excluded_categories);
    if (error == JF_OK) {
        error = exclusion_compile(reading, &skus, &programme->excluded_skus);
    }
    if (error == JF_OK) {
        error = exclusion_compile(reading, &tenders, &programme->excluded_tenders);
    }
    return error == JF_OK ? members_excluded(reading, yaml) : error;
}

enum jf_error jf_programme_compile(const struct jf_reading *reading,
                                   const struct jf_yaml_programme *yaml)
{
    enum jf_error error = identity_compile(reading, yaml);
    if (error == JF_OK) {
        error = earn_compile(reading, yaml);
    }
    if (error == JF_OK) {
        error = words_prepare(reading, yaml);
    }
    if (error == JF_OK) {
        error = exclusions_compile(reading, yaml->exclusions);
    }
    if (error == JF_OK) {
        error = known_compile(reading, yaml);
    }
    if (error == JF_OK) {
        error = rounding_compile(reading, yaml->rounding);
    }
    if (error == JF_OK) {
        error = lots_compile(reading, yaml);
    }
    if (error == JF_OK) {
        error = jf_programme_compile_redemption(reading, yaml->redemption);
    }
    if (error == JF_OK) {
        error = jf_programme_compile_returns(reading, yaml->returns);
    }
    if (error == JF_OK) {
        error = clocks_compile(reading, yaml);
    }
    if (error == JF_OK) {
        error = jf_programme_compile_tiers(reading, yaml);
    }
    if (error == JF_OK) {
        error = jf_programme_compile_life(reading, yaml);
    }
    if (error == JF_OK) {
        error = jf_programme_compile_rules(reading, yaml);
    }
    if (error == JF_OK) {
        error = jf_programme_compile_caps(reading, yaml);
    }
    return error == JF_OK ? jf_programme_compile_rewards(reading, yaml) : error;
}
