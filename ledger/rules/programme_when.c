// Turns the texts of a rule's `when` into bit sets and sorted numbers.
//
// The happy path: each list that was given is read item by item, sorted, and its bit set in the
// rule's conditions. Failures: an item that is not allowed (its place is named), and no memory.
#include "rules/programme_when.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"

// One list of `when` where it stands.
struct list {
    const struct jf_reading *reading;
    const char *path; // the rule's
    const char *key;
    char *const *items;
    uint32_t count;
};

static enum jf_error no_memory(const struct jf_reading *reading)
{
    return jf_diagnose(reading->diagnosis, JF_ERROR_NO_MEMORY, "no memory to read the programme");
}

static struct jf_value item_value(const struct list *list, uint32_t at,
                                  char path[JF_OUTLINE_PATH_MAX])
{
    jf_value_path(path, "%s.when.%s[%u]", list->path, list->key, at);
    return (struct jf_value){list->reading, path, list->items[at]};
}

static int number_compare(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static struct jf_number_list numbers_sort(uint32_t *numbers, uint32_t count)
{
    qsort(numbers, count, sizeof *numbers, number_compare);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (kept == 0 || numbers[kept - 1] != numbers[i]) {
            numbers[kept] = numbers[i];
            kept++;
        }
    }
    return (struct jf_number_list){numbers, kept};
}

typedef enum jf_error (*item_read)(struct jf_value value, void *context, uint32_t *out_number);

static enum jf_error numbers_read(const struct list *list, item_read read, void *context,
                                  struct jf_number_list *out_list)
{
    uint32_t *numbers =
        jf_arena_calloc(&list->reading->programme->arena, list->count, sizeof *numbers);
    if (numbers == NULL) {
        return no_memory(list->reading);
    }
    for (uint32_t i = 0; i < list->count; i++) {
        char path[JF_OUTLINE_PATH_MAX];
        enum jf_error error = read(item_value(list, i, path), context, &numbers[i]);
        if (error != JF_OK) {
            return error;
        }
    }
    *out_list = numbers_sort(numbers, list->count);
    return JF_OK;
}

// The same into a bit set; items are numbers below 64.
static enum jf_error bits_read(const struct list *list, item_read read, void *context,
                               uint64_t *out_bits)
{
    uint64_t bits = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        char path[JF_OUTLINE_PATH_MAX];
        uint32_t number = 0;
        enum jf_error error = read(item_value(list, i, path), context, &number);
        if (error != JF_OK) {
            return error;
        }
        JF_ASSERT(number < 64);
        bits |= (uint64_t)1 << number;
    }
    *out_bits = bits;
    return JF_OK;
}

struct integer_bounds {
    uint32_t min;
    uint32_t max;
};

static enum jf_error integer_read(struct jf_value value, void *context, uint32_t *out_number)
{
    const struct integer_bounds *bounds = context;
    int64_t number = 0;
    enum jf_error error = jf_value_integer(value, bounds->min, bounds->max, &number);
    if (error == JF_OK) {
        *out_number = (uint32_t)number;
    }
    return error;
}

static enum jf_error weekday_read(struct jf_value value, void *context, uint32_t *out_number)
{
    static const char *const words[] = {"monday",   "tuesday", "wednesday", "thursday", "friday",
                                        "saturday", "sunday",  "mon",       "tue",      "wed",
                                        "thu",      "fri",     "sat",       "sun"};
    (void)context;
    uint32_t index = 0;
    enum jf_error error = jf_value_choice(value, words, 14, &index);
    if (error == JF_OK) {
        *out_number = index % 7 + 1;
    }
    return error;
}

// "2 tuesday" or "last friday" as 8 × n + weekday.
static enum jf_error nth_weekday_read(struct jf_value value, void *context, uint32_t *out_number)
{
    static const char *const words[] = {"1", "2", "3", "4", "5", "last"};
    char nth[8] = "";
    size_t size = strcspn(value.text, " ");
    if (value.text[size] == '\0' || size >= sizeof nth) {
        return jf_outline_fault(value.reading->outline, value.reading->diagnosis, value.path,
                                "write which weekday of the month, such as 2 tuesday or "
                                "last friday");
    }
    memcpy(nth, value.text, size);
    struct jf_value nth_value = {value.reading, value.path, nth};
    struct jf_value day_value = {value.reading, value.path, value.text + size + 1};
    uint32_t index = 0;
    uint32_t weekday = 0;
    enum jf_error error = jf_value_choice(nth_value, words, 6, &index);
    if (error == JF_OK) {
        error = weekday_read(day_value, context, &weekday);
    }
    if (error == JF_OK) {
        *out_number = 8 * (index + 1) + weekday;
    }
    return error;
}

static enum jf_error date_read(struct jf_value value, void *context, uint32_t *out_number)
{
    (void)context;
    jf_date date = 0;
    enum jf_error error = jf_value_date(value, &date);
    if (error == JF_OK) {
        *out_number = (uint32_t)date;
    }
    return error;
}

static enum jf_error tier_read(struct jf_value value, void *context, uint32_t *out_number)
{
    (void)context;
    const struct jf_programme *programme = value.reading->programme;
    for (uint32_t i = 0; i < programme->tier_count; i++) {
        if (strcmp(programme->tiers[i].name, value.text) == 0) {
            *out_number = i;
            return JF_OK;
        }
    }
    return jf_outline_fault(value.reading->outline, value.reading->diagnosis, value.path,
                            "\"%.64s\" is no tier: name one of tiers.levels", value.text);
}

static enum jf_error class_read(struct jf_value value, void *context, uint32_t *out_number)
{
    (void)context;
    uint32_t index = jf_programme_class_find(value.reading->programme, jf_text_from(value.text));
    if (index == UINT32_MAX) {
        return jf_outline_fault(value.reading->outline, value.reading->diagnosis, value.path,
                                "\"%.64s\" is no class: name one of classes.levels", value.text);
    }
    *out_number = index + 1; // 0: not yet judged
    return JF_OK;
}

struct word_bounds {
    struct jf_words *words;
    uint32_t size_max;
};

enum jf_error jf_when_word_add(struct jf_value value, uint32_t size_max, struct jf_words *words,
                               uint32_t *out_number)
{
    struct jf_text text = {NULL, 0};
    enum jf_error error = jf_value_text(value, size_max, &text);
    if (error != JF_OK) {
        return error;
    }
    uint32_t number = jf_words_find(words, text);
    if (number == JF_WORD_NONE) {
        bool is_copied = false;
        text = jf_arena_copy_text(&value.reading->programme->arena, text, &is_copied);
        if (!is_copied) {
            return no_memory(value.reading);
        }
        number = jf_words_add(words, text);
    }
    *out_number = number;
    return JF_OK;
}

static enum jf_error word_read(struct jf_value value, void *context, uint32_t *out_number)
{
    const struct word_bounds *bounds = context;
    return jf_when_word_add(value, bounds->size_max, bounds->words, out_number);
}

static int range_compare(const void *left, const void *right)
{
    const struct jf_date_range *a = left;
    const struct jf_date_range *b = right;
    return (a->first > b->first) - (a->first < b->first);
}

// Ranges that overlap or touch become one, so that a search finds the only one that can hold a
// date.
static uint32_t ranges_merge(struct jf_date_range *ranges, uint32_t count)
{
    qsort(ranges, count, sizeof *ranges, range_compare);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (kept > 0 && ranges[i].first <= ranges[kept - 1].last + 1) {
            if (ranges[i].last > ranges[kept - 1].last) {
                ranges[kept - 1].last = ranges[i].last;
            }
        } else {
            ranges[kept] = ranges[i];
            kept++;
        }
    }
    return kept;
}

static enum jf_error date_range_read(const struct jf_reading *reading, const char *path,
                                     const struct jf_yaml_range *yaml,
                                     struct jf_date_range *out_range)
{
    char place[JF_OUTLINE_PATH_MAX];
    struct jf_date_range range = {0, 0};
    jf_value_path(place, "%s.from", path);
    enum jf_error error =
        jf_value_date((struct jf_value){reading, place, yaml->from}, &range.first);
    if (error != JF_OK) {
        return error;
    }
    jf_value_path(place, "%s.to", path);
    error = jf_value_date((struct jf_value){reading, place, yaml->to}, &range.last);
    if (error != JF_OK) {
        return error;
    }
    if (range.last < range.first) {
        return jf_outline_fault(reading->outline, reading->diagnosis, path,
                                "ends before it begins: `to` is the last day of the range");
    }
    *out_range = range;
    return JF_OK;
}

static enum jf_error date_ranges_compile(const struct jf_reading *reading, const char *rule_path,
                                         const struct jf_yaml_when *when, struct jf_rule *rule)
{
    uint32_t count = when->date_ranges_count;
    if (count == 0) {
        return JF_OK;
    }
    struct jf_date_range *ranges =
        jf_arena_calloc(&reading->programme->arena, count, sizeof *ranges);
    if (ranges == NULL) {
        return no_memory(reading);
    }
    for (uint32_t i = 0; i < count; i++) {
        char path[JF_OUTLINE_PATH_MAX];
        jf_value_path(path, "%s.when.date_ranges[%u]", rule_path, i);
        enum jf_error error = date_range_read(reading, path, &when->date_ranges[i], &ranges[i]);
        if (error != JF_OK) {
            return error;
        }
    }
    rule->date_ranges = ranges;
    rule->date_range_count = ranges_merge(ranges, count);
    rule->conditions |= JF_WHEN_DATE_RANGES;
    return JF_OK;
}

static enum jf_error time_range_read(const struct jf_reading *reading, const char *path,
                                     const struct jf_yaml_range *yaml,
                                     struct jf_time_range *out_range)
{
    char place[JF_OUTLINE_PATH_MAX];
    struct jf_time_range range = {0, 0};
    jf_value_path(place, "%s.from", path);
    enum jf_error error =
        jf_value_time((struct jf_value){reading, place, yaml->from}, false, &range.from);
    if (error != JF_OK) {
        return error;
    }
    jf_value_path(place, "%s.to", path);
    error = jf_value_time((struct jf_value){reading, place, yaml->to}, true, &range.to);
    if (error != JF_OK) {
        return error;
    }
    if (range.from == range.to) {
        return jf_outline_fault(reading->outline, reading->diagnosis, path,
                                "is empty: `to` is the first second after the range");
    }
    *out_range = range;
    return JF_OK;
}

static enum jf_error times_compile(const struct jf_reading *reading, const char *rule_path,
                                   const struct jf_yaml_when *when, struct jf_rule *rule)
{
    uint32_t count = when->times_count;
    if (count == 0) {
        return JF_OK;
    }
    struct jf_time_range *times = jf_arena_calloc(&reading->programme->arena, count, sizeof *times);
    if (times == NULL) {
        return no_memory(reading);
    }
    for (uint32_t i = 0; i < count; i++) {
        char path[JF_OUTLINE_PATH_MAX];
        jf_value_path(path, "%s.when.times[%u]", rule_path, i);
        enum jf_error error = time_range_read(reading, path, &when->times[i], &times[i]);
        if (error != JF_OK) {
            return error;
        }
    }
    rule->times = times;
    rule->time_count = count;
    rule->conditions |= JF_WHEN_TIMES;
    return JF_OK;
}

// How a list of `when` is read: into numbers or into bits, exactly one of them.
struct condition {
    enum jf_when flag;
    const char *key;
    char *const *items;
    uint32_t count;
    item_read read;
    void *context;
    struct jf_number_list *numbers;
    uint64_t *bits;
};

static enum jf_error conditions_compile(const struct jf_reading *reading, const char *path,
                                        const struct condition *conditions, uint32_t count,
                                        struct jf_rule *rule)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct condition *condition = &conditions[i];
        struct list list = {reading, path, condition->key, condition->items, condition->count};
        if (condition->count == 0) {
            continue;
        }
        enum jf_error error =
            condition->numbers != NULL
                ? numbers_read(&list, condition->read, condition->context, condition->numbers)
                : bits_read(&list, condition->read, condition->context, condition->bits);
        if (error != JF_OK) {
            return error;
        }
        rule->conditions |= condition->flag;
    }
    return JF_OK;
}

#define NUMBERS(flag, field, read, context)                                                        \
    {                                                                                              \
        flag, #field, when->field, when->field##_count, read, context, &rule->field, NULL          \
    }
#define BITS(flag, field, read, context, bits)                                                     \
    {                                                                                              \
        flag, #field, when->field, when->field##_count, read, context, NULL, bits                  \
    }

static enum jf_error bit_lists_compile(const struct jf_reading *reading, const char *path,
                                       const struct jf_yaml_when *when, struct jf_rule *rule)
{
    struct integer_bounds days = {1, 31};
    struct integer_bounds tags = {0, 63};
    uint64_t days_of_month = 0;
    uint64_t weekdays = 0;
    uint64_t tiers = 0;
    uint64_t classes = 0;
    const struct condition conditions[] = {
        BITS(JF_WHEN_DAYS_OF_MONTH, days_of_month, integer_read, &days, &days_of_month),
        BITS(JF_WHEN_WEEKDAYS, weekdays, weekday_read, NULL, &weekdays),
        BITS(JF_WHEN_NTH_WEEKDAYS, nth_weekdays, nth_weekday_read, NULL, &rule->nth_weekdays),
        BITS(JF_WHEN_TIERS, tiers, tier_read, NULL, &tiers),
        BITS(JF_WHEN_ACTIVITY_CLASSES, activity_classes, class_read, NULL, &classes),
        BITS(JF_WHEN_TAGS, tags, integer_read, &tags, &rule->tags),
    };
    enum jf_error error = conditions_compile(reading, path, conditions,
                                             sizeof conditions / sizeof conditions[0], rule);
    rule->days_of_month = (uint32_t)days_of_month;
    rule->weekdays = (uint32_t)weekdays;
    rule->tiers = (uint32_t)tiers;
    rule->activity_classes = (uint32_t)classes;
    return error;
}

static enum jf_error number_lists_compile(const struct jf_reading *reading, const char *path,
                                          const struct jf_yaml_when *when, struct jf_rule *rule)
{
    struct jf_programme *programme = reading->programme;
    struct integer_bounds stores = {1, UINT32_MAX};
    struct integer_bounds entities = {1, JF_ENTITIES_MAX - 1};
    struct word_bounds regions = {&programme->regions, JF_NAME_BYTES_MAX};
    struct word_bounds categories = {&programme->categories, JF_CATEGORY_BYTES_MAX};
    struct word_bounds skus = {&programme->skus, JF_SKU_BYTES_MAX};
    struct word_bounds tenders = {&programme->tenders, JF_TENDER_TYPE_BYTES_MAX};
    const struct condition conditions[] = {
        NUMBERS(JF_WHEN_DATES, dates, date_read, NULL),
        NUMBERS(JF_WHEN_STORES, stores, integer_read, &stores),
        NUMBERS(JF_WHEN_REGIONS, regions, word_read, &regions),
        NUMBERS(JF_WHEN_ENTITIES, entities, integer_read, &entities),
        NUMBERS(JF_WHEN_CATEGORIES, categories, word_read, &categories),
        NUMBERS(JF_WHEN_SKUS, skus, word_read, &skus),
        NUMBERS(JF_WHEN_TENDERS, tenders, word_read, &tenders),
    };
    return conditions_compile(reading, path, conditions, sizeof conditions / sizeof conditions[0],
                              rule);
}

static enum jf_error singles_compile(const struct jf_reading *reading, const char *path,
                                     const struct jf_yaml_when *when, struct jf_rule *rule)
{
    static const char *const birthdays[] = {"day", "week", "month"};
    enum jf_error error = JF_OK;
    char place[JF_OUTLINE_PATH_MAX];
    if (when->birthday != NULL) {
        uint32_t index = 0;
        jf_value_path(place, "%s.when.birthday", path);
        error = jf_value_choice((struct jf_value){reading, place, when->birthday}, birthdays, 3,
                                &index);
        rule->birthday = JF_BIRTHDAY_DAY << index;
        rule->conditions |= JF_WHEN_BIRTHDAY;
    }
    if (error == JF_OK && when->first_purchase != NULL) {
        jf_value_path(place, "%s.when.first_purchase", path);
        error = jf_value_bool((struct jf_value){reading, place, when->first_purchase},
                              &rule->first_purchase);
        rule->conditions |= JF_WHEN_FIRST_PURCHASE;
    }
    if (error == JF_OK && when->basket_min != NULL) {
        jf_value_path(place, "%s.when.basket_min", path);
        error = jf_value_amount((struct jf_value){reading, place, when->basket_min}, 1,
                                &rule->basket_min);
        rule->conditions |= JF_WHEN_BASKET_MIN;
    }
    return error;
}

enum jf_error jf_when_compile(const struct jf_reading *reading, const char *path,
                              const struct jf_yaml_when *when, struct jf_rule *rule)
{
    _Static_assert(JF_BIRTHDAY_DAY << 1 == JF_BIRTHDAY_WEEK, "birthdays are in the choice's order");
    _Static_assert(JF_BIRTHDAY_WEEK << 1 == JF_BIRTHDAY_MONTH, "likewise");
    if (when == NULL) {
        return JF_OK;
    }
    enum jf_error error = bit_lists_compile(reading, path, when, rule);
    if (error == JF_OK) {
        error = number_lists_compile(reading, path, when, rule);
    }
    if (error == JF_OK) {
        error = date_ranges_compile(reading, path, when, rule);
    }
    if (error == JF_OK) {
        error = times_compile(reading, path, when, rule);
    }
    if (error == JF_OK) {
        error = singles_compile(reading, path, when, rule);
    }
    return error;
}
