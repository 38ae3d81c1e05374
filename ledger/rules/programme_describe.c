// Rules, rates and exclusions as phrases. Lists are cut after a few items, with how many are left.
// Nothing can fail: what does not fit is left out.
#include "rules/programme_describe.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "rules/programme_rule.h"

#define ITEMS_SHOWN_MAX 8u
#define BITS            64u

static const char *const weekday_names[] = {"",         "Monday", "Tuesday",  "Wednesday",
                                            "Thursday", "Friday", "Saturday", "Sunday"};
static const char *const nth_names[] = {"", "first", "second", "third", "fourth", "fifth", "last"};

// Returns: the size without a character that was cut in two at the end.
static uint32_t whole_characters(const char *text, uint32_t size)
{
    uint32_t start = size;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xc0) == 0x80) {
        start--;
    }
    unsigned char lead = start > 0 ? (unsigned char)text[start - 1] : 0;
    uint32_t needed = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    return size - start < needed ? start - 1 : size;
}

void jf_describe(struct jf_description *description, const char *format, ...)
{
    JF_ASSERT(description->size < JF_DESCRIPTION_MAX);
    va_list arguments;
    va_start(arguments, format);
    char *to = description->text + description->size;
    uint32_t room = JF_DESCRIPTION_MAX - description->size;
    int size = vsnprintf(to, room, format, arguments);
    va_end(arguments);
    if (size < 0) {
        return;
    }
    description->size += (uint32_t)size < room ? (uint32_t)size : room - 1;
    if ((uint32_t)size >= room) {
        description->size = whole_characters(description->text, description->size);
        description->text[description->size] = '\0';
    }
}

// What stands between two items of a list: "a, b and c".
static void separator(struct jf_description *out, uint32_t index, uint32_t count)
{
    if (index > 0) {
        jf_describe(out, "%s", index + 1 == count && count <= ITEMS_SHOWN_MAX ? " and " : ", ");
    }
}

// Returns: whether the item is shown; behind the last one that is, how many are left.
static bool item_begin(struct jf_description *out, uint32_t index, uint32_t count)
{
    if (index < ITEMS_SHOWN_MAX) {
        separator(out, index, count);
        return true;
    }
    if (index == ITEMS_SHOWN_MAX) {
        jf_describe(out, " and %u more", count - ITEMS_SHOWN_MAX);
    }
    return false;
}

static const char *ordinal_ending(uint32_t number)
{
    if (number % 100 >= 11 && number % 100 <= 13) {
        return "th";
    }
    static const char *const endings[] = {"th", "st", "nd", "rd"};
    return number % 10 < 4 ? endings[number % 10] : "th";
}

static void days_of_month(struct jf_description *out, uint32_t days)
{
    uint32_t count = (uint32_t)__builtin_popcount(days);
    uint32_t index = 0;
    jf_describe(out, "on the ");
    for (uint32_t day = 1; day <= 31; day++) {
        if ((days >> day & 1) != 0 && item_begin(out, index++, count)) {
            jf_describe(out, "%u%s", day, ordinal_ending(day));
        }
    }
    jf_describe(out, " of the month");
}

static void weekdays(struct jf_description *out, uint32_t days)
{
    uint32_t count = (uint32_t)__builtin_popcount(days);
    uint32_t index = 0;
    jf_describe(out, "on ");
    for (uint32_t day = 1; day <= 7; day++) {
        if ((days >> day & 1) != 0 && item_begin(out, index++, count)) {
            jf_describe(out, "%ss", weekday_names[day]);
        }
    }
}

static void nth_weekdays(struct jf_description *out, uint64_t bits)
{
    uint32_t count = (uint32_t)__builtin_popcountll(bits);
    uint32_t index = 0;
    jf_describe(out, "on the ");
    for (uint32_t bit = 0; bit < BITS; bit++) {
        if ((bits >> bit & 1) != 0 && bit / 8 <= 6 && item_begin(out, index++, count)) {
            jf_describe(out, "%s %s", nth_names[bit / 8], weekday_names[bit % 8]);
        }
    }
    jf_describe(out, " of the month");
}

static void dates(struct jf_description *out, struct jf_number_list list)
{
    char text[JF_DATE_TEXT_SIZE];
    jf_describe(out, "on ");
    for (uint32_t i = 0; i < list.count; i++) {
        if (item_begin(out, i, list.count)) {
            jf_date_format((jf_date)list.numbers[i], text);
            jf_describe(out, "%s", text);
        }
    }
}

static void date_ranges(struct jf_description *out, const struct jf_rule *rule)
{
    char first[JF_DATE_TEXT_SIZE];
    char last[JF_DATE_TEXT_SIZE];
    for (uint32_t i = 0; i < rule->date_range_count; i++) {
        if (item_begin(out, i, rule->date_range_count)) {
            jf_date_format(rule->date_ranges[i].first, first);
            jf_date_format(rule->date_ranges[i].last, last);
            jf_describe(out, "from %s to %s", first, last);
        }
    }
}

static void times(struct jf_description *out, const struct jf_rule *rule)
{
    for (uint32_t i = 0; i < rule->time_count; i++) {
        struct jf_time_range range = rule->times[i];
        if (item_begin(out, i, rule->time_count)) {
            jf_describe(out, "between %02u:%02u and %02u:%02u", range.from / 3600,
                        range.from / 60 % 60, range.to / 3600, range.to / 60 % 60);
        }
    }
}

static void numbers(struct jf_description *out, const char *before, struct jf_number_list list)
{
    jf_describe(out, "%s ", before);
    for (uint32_t i = 0; i < list.count; i++) {
        if (item_begin(out, i, list.count)) {
            jf_describe(out, "%u", list.numbers[i]);
        }
    }
}

static void words(struct jf_description *out, const char *before, const struct jf_words *known,
                  struct jf_number_list list)
{
    jf_describe(out, "%s ", before);
    for (uint32_t i = 0; i < list.count; i++) {
        if (item_begin(out, i, list.count)) {
            struct jf_text text = known->texts[list.numbers[i]];
            jf_describe(out, "%.*s", (int)text.size, text.data);
        }
    }
}

static void tiers(struct jf_description *out, const struct jf_programme *programme, uint32_t bits)
{
    uint32_t count = (uint32_t)__builtin_popcount(bits);
    uint32_t index = 0;
    jf_describe(out, "for members on level ");
    for (uint32_t tier = 0; tier < programme->tier_count; tier++) {
        if ((bits >> tier & 1) != 0 && item_begin(out, index++, count)) {
            jf_describe(out, "%s", programme->tiers[tier].name);
        }
    }
}

static void classes(struct jf_description *out, const struct jf_programme *programme,
                    uint32_t numbers)
{
    uint32_t count = (uint32_t)__builtin_popcount(numbers);
    uint32_t index = 0;
    jf_describe(out, "for members of class ");
    for (uint32_t i = 0; i < programme->class_count; i++) {
        if ((numbers >> (i + 1) & 1) != 0 && item_begin(out, index++, count)) {
            jf_describe(out, "%s", programme->classes[i].name);
        }
    }
}

static void tags(struct jf_description *out, uint64_t bits)
{
    uint32_t count = (uint32_t)__builtin_popcountll(bits);
    uint32_t index = 0;
    jf_describe(out, "for members with tag ");
    for (uint32_t tag = 0; tag < BITS; tag++) {
        if ((bits >> tag & 1) != 0 && item_begin(out, index++, count)) {
            jf_describe(out, "%u", tag);
        }
    }
}

static void birthday(struct jf_description *out, uint32_t flags)
{
    const char *when = (flags & JF_BIRTHDAY_MONTH) != 0  ? "in the month of the birthday"
                       : (flags & JF_BIRTHDAY_WEEK) != 0 ? "in the week of the birthday"
                                                         : "on the birthday";
    jf_describe(out, "%s", when);
}

// Minor units as money with the programme's digits.
static void money(struct jf_description *out, const struct jf_programme *programme, int64_t amount)
{
    int64_t unit = 1;
    for (uint32_t i = 0; i < programme->currency_digits; i++) {
        unit *= 10;
    }
    jf_describe(out, "%lld", (long long)(amount / unit));
    if (unit > 1) {
        jf_describe(out, ".%0*lld", (int)programme->currency_digits, (long long)(amount % unit));
    }
}

// One condition. Returns: whether it is one that the phrases know.
static void condition(struct jf_description *out, const struct jf_programme *programme,
                      const struct jf_rule *rule, uint32_t which)
{
    switch (which) {
    case JF_WHEN_DAYS_OF_MONTH:
        days_of_month(out, rule->days_of_month);
        break;
    case JF_WHEN_WEEKDAYS:
        weekdays(out, rule->weekdays);
        break;
    case JF_WHEN_NTH_WEEKDAYS:
        nth_weekdays(out, rule->nth_weekdays);
        break;
    case JF_WHEN_DATES:
        dates(out, rule->dates);
        break;
    case JF_WHEN_DATE_RANGES:
        date_ranges(out, rule);
        break;
    case JF_WHEN_TIMES:
        times(out, rule);
        break;
    case JF_WHEN_STORES:
        numbers(out, rule->stores.count == 1 ? "in store" : "in stores", rule->stores);
        break;
    case JF_WHEN_REGIONS:
        words(out, "in region", &programme->regions, rule->regions);
        break;
    case JF_WHEN_ENTITIES:
        numbers(out, "in stores of entity", rule->entities);
        break;
    case JF_WHEN_CATEGORIES:
        words(out, "on lines of category", &programme->categories, rule->categories);
        break;
    case JF_WHEN_SKUS:
        words(out, "on lines of SKU", &programme->skus, rule->skus);
        break;
    case JF_WHEN_TIERS:
        tiers(out, programme, rule->tiers);
        break;
    case JF_WHEN_ACTIVITY_CLASSES:
        classes(out, programme, rule->activity_classes);
        break;
    case JF_WHEN_TAGS:
        tags(out, rule->tags);
        break;
    case JF_WHEN_TENDERS:
        words(out, "paid with", &programme->tenders, rule->tenders);
        break;
    case JF_WHEN_BIRTHDAY:
        birthday(out, rule->birthday);
        break;
    case JF_WHEN_FIRST_PURCHASE:
        jf_describe(out, "%s",
                    rule->first_purchase ? "on the first purchase" : "after the first purchase");
        break;
    case JF_WHEN_BASKET_MIN:
        jf_describe(out, "on receipts of at least ");
        money(out, programme, rule->basket_min);
        break;
    default:
        jf_describe(out, "under a further condition");
    }
}

void jf_describe_when(const struct jf_programme *programme, uint32_t rule,
                      struct jf_description *description)
{
    JF_ASSERT(rule < programme->rule_count);
    const struct jf_rule *described = &programme->rules[rule];
    uint32_t left = described->conditions;
    while (left != 0) {
        uint32_t which = left & -left;
        left &= left - 1;
        condition(description, programme, described, which);
        jf_describe(description, "%s", left == 0 ? "" : ", ");
    }
}

void jf_describe_ratio(struct jf_description *out, int64_t numerator, int64_t denominator)
{
    int64_t milli = numerator * 1000 / denominator;
    bool is_exact = numerator * 1000 % denominator == 0;
    if (!is_exact) {
        jf_describe(out, "%lld/%lld", (long long)numerator, (long long)denominator);
        return;
    }
    jf_describe(out, "%lld", (long long)(milli / 1000));
    if (milli % 1000 != 0) {
        char digits[8];
        snprintf(digits, sizeof digits, ".%03lld", (long long)(milli % 1000));
        while (digits[strlen(digits) - 1] == '0') {
            digits[strlen(digits) - 1] = '\0';
        }
        jf_describe(out, "%s", digits);
    }
}

void jf_describe_rule(const struct jf_programme *programme, uint32_t rule,
                      struct jf_description *description)
{
    JF_ASSERT(rule < programme->rule_count);
    const struct jf_rule *described = &programme->rules[rule];
    if (described->is_bonus) {
        jf_describe(description, "%lld points once", (long long)described->bonus_points);
    } else {
        jf_describe_ratio(description, described->factor.numerator, described->factor.denominator);
        jf_describe(description, " times the points");
    }
    if (described->conditions != 0) {
        jf_describe(description, ", ");
    }
    jf_describe_when(programme, rule, description);
}

bool jf_programme_rule_find(const struct jf_programme *programme, struct jf_text name,
                            uint32_t *out_rule)
{
    for (uint32_t i = 0; i < programme->rule_count; i++) {
        if (jf_text_equal(jf_text_from(programme->rules[i].name), name)) {
            *out_rule = i;
            return true;
        }
    }
    return false;
}

struct jf_text jf_programme_rule_group(const struct jf_programme *programme, uint32_t rule)
{
    JF_ASSERT(rule < programme->rule_count);
    uint32_t group = programme->rules[rule].group;
    return group == JF_GROUP_NONE ? JF_TEXT("") : jf_text_from(programme->groups[group].name);
}

void jf_describe_earn(const struct jf_programme *programme, struct jf_description *description)
{
    jf_describe(description, "%lld point%s for each ", (long long)programme->earn_points,
                programme->earn_points == 1 ? "" : "s");
    money(description, programme, programme->earn_per_amount);
}

void jf_describe_cap(const struct jf_programme *programme, struct jf_text ground_name,
                     struct jf_description *description)
{
    for (uint32_t i = 0; i < programme->cap_count; i++) {
        const struct jf_cap *cap = &programme->caps[i];
        if (jf_text_equal(jf_text_from(cap->ground_name), ground_name)) {
            const char *period = cap->kind == JF_CAP_PER_RECEIPT   ? "receipt"
                                 : cap->kind == JF_COUNTER_CAP_DAY ? "member and business day"
                                                                   : "member and month";
            jf_describe(description, "%lld points a %s", (long long)cap->points, period);
        }
    }
}

void jf_describe_rounding(const struct jf_programme *programme, struct jf_description *description)
{
    static const char *const modes[] = {"rounded down", "rounded to the nearest, half up",
                                        "rounded to the nearest, half to even"};
    JF_ASSERT((uint32_t)programme->rounding < 3);
    jf_describe(description, "%s, %s", modes[programme->rounding],
                programme->rounding_scope == JF_ROUND_PER_LINE ? "line by line"
                                                               : "once for the receipt");
}

static bool is_excluded(const struct jf_words *known, struct jf_text text)
{
    uint32_t word = jf_words_find(known, text);
    return word != JF_WORD_NONE && known->is_excluded[word];
}

bool jf_programme_excludes_category(const struct jf_programme *programme, struct jf_text category)
{
    return is_excluded(&programme->categories, category);
}

bool jf_programme_excludes_sku(const struct jf_programme *programme, struct jf_text sku)
{
    return is_excluded(&programme->skus, sku);
}

bool jf_programme_excludes_member(const struct jf_programme *programme, uint32_t status,
                                  uint64_t tags)
{
    bool is_by_status = status < 32 && (programme->excluded_statuses >> status & 1u) != 0;
    return is_by_status || (programme->excluded_tags & tags) != 0;
}

bool jf_programme_excludes_tender(const struct jf_programme *programme, struct jf_text type)
{
    return is_excluded(&programme->tenders, type);
}
