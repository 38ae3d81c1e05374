// The happy path of making: for each axis, gather the values that rules name, sort them, give every
// set the rules without the condition, then add each rule to the sets of its values. Of finding:
// one binary search an axis, one intersection.
//
// Fails only for want of memory, when it is made.
#include "rules/rule_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "rules/programme_rule.h"

#define AXIS_BYTES_MAX ((size_t)1 << 20) // an axis that would take more is left out
#define BIRTHDAYS      8u                // combinations of JF_BIRTHDAY_*

// What makes one axis.
struct making {
    const struct jf_rule *rules;
    uint32_t rule_count;
    uint32_t words;
    struct jf_arena *arena;
    enum jf_rule_axis_kind kind;
    uint32_t *keys;
    uint32_t key_count;
    uint64_t *sets;
};

static uint32_t condition_of(enum jf_rule_axis_kind kind)
{
    static const uint32_t conditions[JF_AXIS_COUNT] = {
        [JF_AXIS_DAYS_OF_MONTH] = JF_WHEN_DAYS_OF_MONTH,
        [JF_AXIS_WEEKDAYS] = JF_WHEN_WEEKDAYS,
        [JF_AXIS_NTH_WEEKDAYS] = JF_WHEN_NTH_WEEKDAYS,
        [JF_AXIS_DATES] = JF_WHEN_DATES,
        [JF_AXIS_DATE_RANGES] = JF_WHEN_DATE_RANGES,
        [JF_AXIS_STORES] = JF_WHEN_STORES,
        [JF_AXIS_REGIONS] = JF_WHEN_REGIONS,
        [JF_AXIS_ENTITIES] = JF_WHEN_ENTITIES,
        [JF_AXIS_TIERS] = JF_WHEN_TIERS,
        [JF_AXIS_ACTIVITY_CLASSES] = JF_WHEN_ACTIVITY_CLASSES,
        [JF_AXIS_BIRTHDAY] = JF_WHEN_BIRTHDAY,
        [JF_AXIS_FIRST_PURCHASE] = JF_WHEN_FIRST_PURCHASE,
        [JF_AXIS_CATEGORIES] = JF_WHEN_CATEGORIES,
        [JF_AXIS_SKUS] = JF_WHEN_SKUS,
    };
    JF_ASSERT(kind < JF_AXIS_COUNT);
    return conditions[kind];
}

// The rule's values where it keeps them as a list.
static struct jf_number_list list_of(const struct jf_rule *rule, enum jf_rule_axis_kind kind)
{
    switch (kind) {
    case JF_AXIS_DATES:
        return rule->dates;
    case JF_AXIS_STORES:
        return rule->stores;
    case JF_AXIS_REGIONS:
        return rule->regions;
    case JF_AXIS_ENTITIES:
        return rule->entities;
    case JF_AXIS_CATEGORIES:
        return rule->categories;
    case JF_AXIS_SKUS:
        return rule->skus;
    default:
        return (struct jf_number_list){NULL, 0};
    }
}

// The rule's values where it keeps them as bits. A combination of birthday flags is a value.
static uint64_t bits_of(const struct jf_rule *rule, enum jf_rule_axis_kind kind)
{
    uint64_t bits = 0;
    switch (kind) {
    case JF_AXIS_DAYS_OF_MONTH:
        return rule->days_of_month;
    case JF_AXIS_WEEKDAYS:
        return rule->weekdays;
    case JF_AXIS_NTH_WEEKDAYS:
        return rule->nth_weekdays;
    case JF_AXIS_TIERS:
        return rule->tiers;
    case JF_AXIS_ACTIVITY_CLASSES:
        return rule->activity_classes;
    case JF_AXIS_FIRST_PURCHASE:
        return (uint64_t)1 << (rule->first_purchase ? 1 : 0);
    case JF_AXIS_BIRTHDAY:
        for (uint32_t flags = 0; flags < BIRTHDAYS; flags++) {
            bits |= (rule->birthday & flags) != 0 ? (uint64_t)1 << flags : 0;
        }
        return bits;
    default:
        return 0;
    }
}

static bool has_condition(const struct making *making, uint32_t rule)
{
    return (making->rules[rule].conditions & condition_of(making->kind)) != 0;
}

// The most keys that the rules can name.
static size_t keys_bound(const struct making *making)
{
    size_t bound = 0;
    for (uint32_t i = 0; i < making->rule_count; i++) {
        if (has_condition(making, i)) {
            const struct jf_rule *rule = &making->rules[i];
            size_t ends = making->kind == JF_AXIS_DATE_RANGES ? 2u * rule->date_range_count : 0;
            bound += list_of(rule, making->kind).count + ends +
                     (size_t)__builtin_popcountll(bits_of(rule, making->kind));
        }
    }
    return bound;
}

static void keys_gather(struct making *making)
{
    for (uint32_t i = 0; i < making->rule_count; i++) {
        const struct jf_rule *rule = &making->rules[i];
        if (!has_condition(making, i)) {
            continue;
        }
        struct jf_number_list list = list_of(rule, making->kind);
        for (uint32_t j = 0; j < list.count; j++) {
            making->keys[making->key_count++] = list.numbers[j];
        }
        for (uint64_t bits = bits_of(rule, making->kind); bits != 0; bits &= bits - 1) {
            making->keys[making->key_count++] = (uint32_t)__builtin_ctzll(bits);
        }
        for (uint32_t j = 0; making->kind == JF_AXIS_DATE_RANGES && j < rule->date_range_count;
             j++) {
            making->keys[making->key_count++] = (uint32_t)rule->date_ranges[j].first;
            making->keys[making->key_count++] = (uint32_t)rule->date_ranges[j].last + 1;
        }
    }
}

static int key_compare(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static void keys_sort(struct making *making)
{
    qsort(making->keys, making->key_count, sizeof *making->keys, key_compare);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < making->key_count; i++) {
        if (kept == 0 || making->keys[kept - 1] != making->keys[i]) {
            making->keys[kept++] = making->keys[i];
        }
    }
    making->key_count = kept;
}

// Returns: the index of the first key not below `key`.
static uint32_t key_lower_bound(const uint32_t *keys, uint32_t count, uint32_t key)
{
    uint32_t low = 0;
    uint32_t high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (keys[middle] < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void rule_add(struct making *making, uint32_t set, uint32_t rule)
{
    JF_ASSERT(set <= making->key_count);
    making->sets[(size_t)set * making->words + rule / 64] |= (uint64_t)1 << (rule % 64);
}

static void rule_add_key(struct making *making, uint32_t key, uint32_t rule)
{
    rule_add(making, key_lower_bound(making->keys, making->key_count, key), rule);
}

// Adds a rule that has the condition to the sets of its values.
static void rule_add_values(struct making *making, uint32_t number)
{
    const struct jf_rule *rule = &making->rules[number];
    struct jf_number_list list = list_of(rule, making->kind);
    for (uint32_t j = 0; j < list.count; j++) {
        rule_add_key(making, list.numbers[j], number);
    }
    for (uint64_t bits = bits_of(rule, making->kind); bits != 0; bits &= bits - 1) {
        rule_add_key(making, (uint32_t)__builtin_ctzll(bits), number);
    }
    for (uint32_t j = 0; making->kind == JF_AXIS_DATE_RANGES && j < rule->date_range_count; j++) {
        const uint32_t *keys = making->keys;
        uint32_t count = making->key_count;
        uint32_t at = key_lower_bound(keys, count, (uint32_t)rule->date_ranges[j].first);
        for (; at < count && keys[at] <= (uint32_t)rule->date_ranges[j].last; at++) {
            rule_add(making, at, number);
        }
    }
}

static void sets_fill(struct making *making)
{
    for (uint32_t i = 0; i < making->rule_count; i++) {
        if (has_condition(making, i)) {
            rule_add_values(making, i);
            continue;
        }
        for (uint32_t set = 0; set <= making->key_count; set++) {
            rule_add(making, set, i);
        }
    }
}

static enum jf_error axis_make(struct making *making, struct jf_rule_axis *axis)
{
    size_t bound = keys_bound(making);
    size_t set_bytes = making->words * sizeof(uint64_t);
    if (bound == 0) {
        return JF_OK;
    }
    making->keys = jf_arena_alloc(making->arena, bound * sizeof *making->keys);
    if (making->keys == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    keys_gather(making);
    JF_ASSERT(making->key_count <= bound);
    keys_sort(making);
    if ((making->key_count + 1) * set_bytes > AXIS_BYTES_MAX) {
        return JF_OK;
    }
    making->sets = jf_arena_calloc(making->arena, (size_t)making->key_count + 1, set_bytes);
    if (making->sets == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    sets_fill(making);
    *axis = (struct jf_rule_axis){making->keys, making->sets, making->key_count};
    return JF_OK;
}

enum jf_error jf_rule_index_make(struct jf_rule_index *index, const struct jf_rule *rules,
                                 uint32_t rule_count, struct jf_arena *arena)
{
    JF_ASSERT(rule_count <= JF_RULES_MAX);
    struct jf_rule_index made = {.words = (rule_count + 63) / 64};
    enum jf_error error = JF_OK;
    for (uint32_t kind = 0; error == JF_OK && kind < JF_AXIS_COUNT; kind++) {
        struct making making = {.rules = rules,
                                .rule_count = rule_count,
                                .words = made.words,
                                .arena = arena,
                                .kind = (enum jf_rule_axis_kind)kind};
        error = axis_make(&making, &made.axes[kind]);
    }
    if (error == JF_OK) {
        *index = made;
    }
    return error;
}

// Returns: the set of the rules that a value lets through.
static const uint64_t *set_of(const struct jf_rule_index *index, enum jf_rule_axis_kind kind,
                              uint32_t key)
{
    const struct jf_rule_axis *axis = &index->axes[kind];
    uint32_t at = key_lower_bound(axis->keys, axis->key_count, key);
    bool is_named = at < axis->key_count && axis->keys[at] == key;
    if (kind == JF_AXIS_DATE_RANGES && !is_named && at > 0) {
        at -= 1; // within the interval that began before
        is_named = true;
    }
    return axis->sets + (size_t)(is_named ? at : axis->key_count) * index->words;
}

static void keep(const struct jf_rule_index *index, enum jf_rule_axis_kind kind, uint32_t key,
                 struct jf_rule_set *set)
{
    if (index->axes[kind].key_count == 0) {
        return;
    }
    const uint64_t *allowed = set_of(index, kind, key);
    for (uint32_t i = 0; i < index->words; i++) {
        set->words[i] &= allowed[i];
    }
}

// Keeps what any of several values lets through; without a value, what has no condition.
static void keep_any(const struct jf_rule_index *index, enum jf_rule_axis_kind kind,
                     const uint32_t *keys, uint32_t key_count, struct jf_rule_set *set)
{
    if (index->axes[kind].key_count == 0) {
        return;
    }
    uint64_t any[JF_RULE_SET_WORDS] = {0};
    uint32_t before = JF_WORD_NONE;
    const uint64_t *allowed = set_of(index, kind, JF_WORD_NONE);
    memcpy(any, allowed, index->words * sizeof *any);
    for (uint32_t i = 0; i < key_count; i++) {
        if (keys[i] == before) {
            continue;
        }
        before = keys[i];
        allowed = set_of(index, kind, keys[i]);
        for (uint32_t j = 0; j < index->words; j++) {
            any[j] |= allowed[j];
        }
    }
    for (uint32_t j = 0; j < index->words; j++) {
        set->words[j] &= any[j];
    }
}

static void keep_calendar(const struct jf_rule_index *index, const struct jf_rule_receipt *receipt,
                          struct jf_rule_set *set)
{
    uint32_t nth[2];
    uint32_t nth_count = 0;
    for (uint64_t bits = receipt->nth_weekday; bits != 0; bits &= bits - 1) {
        JF_ASSERT(nth_count < 2);
        nth[nth_count++] = (uint32_t)__builtin_ctzll(bits);
    }
    keep(index, JF_AXIS_DAYS_OF_MONTH, (uint32_t)__builtin_ctz(receipt->day_of_month), set);
    keep(index, JF_AXIS_WEEKDAYS, (uint32_t)__builtin_ctz(receipt->weekday), set);
    keep_any(index, JF_AXIS_NTH_WEEKDAYS, nth, nth_count, set);
    keep(index, JF_AXIS_DATES, (uint32_t)receipt->business_date, set);
    keep(index, JF_AXIS_DATE_RANGES, (uint32_t)receipt->business_date, set);
}

static void keep_lines(const struct jf_rule_index *index, const struct jf_rule_line *lines,
                       uint32_t line_count, struct jf_rule_set *set)
{
    uint32_t words[JF_LINES_PER_RECEIPT_MAX];
    JF_ASSERT(line_count <= JF_LINES_PER_RECEIPT_MAX);
    if (index->axes[JF_AXIS_CATEGORIES].key_count > 0) {
        for (uint32_t i = 0; i < line_count; i++) {
            words[i] = lines[i].category;
        }
        keep_any(index, JF_AXIS_CATEGORIES, words, line_count, set);
    }
    if (index->axes[JF_AXIS_SKUS].key_count > 0) {
        for (uint32_t i = 0; i < line_count; i++) {
            words[i] = lines[i].sku;
        }
        keep_any(index, JF_AXIS_SKUS, words, line_count, set);
    }
}

void jf_rule_index_find(const struct jf_rule_index *index, const struct jf_rule_receipt *receipt,
                        const struct jf_rule_line *lines, uint32_t line_count, uint32_t rule_count,
                        struct jf_rule_set *out_set)
{
    uint32_t words = (rule_count + 63) / 64;
    for (uint32_t i = 0; i < words; i++) {
        out_set->words[i] = ~(uint64_t)0;
    }
    if (rule_count % 64 != 0) {
        out_set->words[words - 1] = ((uint64_t)1 << (rule_count % 64)) - 1;
    }
    if (index->words == 0) {
        return;
    }
    JF_ASSERT(index->words == words);
    keep_calendar(index, receipt, out_set);
    keep(index, JF_AXIS_STORES, receipt->store, out_set);
    keep(index, JF_AXIS_REGIONS, receipt->region, out_set);
    keep(index, JF_AXIS_ENTITIES, receipt->facts->entity.value, out_set);
    keep(index, JF_AXIS_TIERS, receipt->facts->tier, out_set);
    keep(index, JF_AXIS_ACTIVITY_CLASSES, receipt->facts->activity_class, out_set);
    keep(index, JF_AXIS_BIRTHDAY, receipt->facts->birthday % BIRTHDAYS, out_set);
    keep(index, JF_AXIS_FIRST_PURCHASE, receipt->facts->is_first_purchase ? 1 : 0, out_set);
    keep_lines(index, lines, line_count, out_set);
}
