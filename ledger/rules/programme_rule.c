// Whether a rule's conditions hold for a receipt and a line. All that are given must hold; the
// cheap and selective ones are asked first. Nothing can fail.
#include "rules/programme_rule.h"

#include "base/assert.h"

#define NTH_LAST            6
#define NTH_BIT(n, weekday) ((uint64_t)1 << (8 * (n) + (weekday)))

void jf_rule_receipt_init(struct jf_rule_receipt *receipt, jf_date business_date)
{
    JF_ASSERT(business_date >= JF_DATE_MIN);
    JF_ASSERT(business_date <= JF_DATE_MAX);
    struct jf_civil civil = jf_date_to_civil(business_date);
    int32_t weekday = jf_date_weekday(business_date);
    receipt->business_date = business_date;
    receipt->day_of_month = 1u << civil.day;
    receipt->weekday = 1u << weekday;
    receipt->nth_weekday = NTH_BIT((civil.day - 1) / 7 + 1, weekday);
    if (civil.day + 7 > jf_month_length(civil.year, civil.month)) {
        receipt->nth_weekday |= NTH_BIT(NTH_LAST, weekday);
    }
}

static bool list_has(struct jf_number_list list, uint32_t number)
{
    uint32_t low = 0;
    uint32_t high = list.count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (list.numbers[middle] < number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < list.count && list.numbers[low] == number;
}

static bool ranges_have(const struct jf_rule *rule, jf_date date)
{
    uint32_t low = 0;
    uint32_t high = rule->date_range_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (rule->date_ranges[middle].last < date) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < rule->date_range_count && rule->date_ranges[low].first <= date;
}

static bool times_have(const struct jf_rule *rule, uint32_t second)
{
    for (uint32_t i = 0; i < rule->time_count; i++) {
        struct jf_time_range range = rule->times[i];
        bool is_after = second >= range.from;
        bool is_before = second < range.to;
        bool is_overnight = range.to <= range.from;
        if (is_overnight ? is_after || is_before : is_after && is_before) {
            return true;
        }
    }
    return false;
}

static bool tenders_have(const struct jf_rule *rule, const struct jf_rule_receipt *receipt)
{
    for (uint32_t i = 0; i < receipt->tender_count; i++) {
        if (list_has(rule->tenders, receipt->tenders[i])) {
            return true;
        }
    }
    return false;
}

static bool calendar_holds(const struct jf_rule *rule, const struct jf_rule_receipt *receipt)
{
    uint32_t has = rule->conditions;
    if ((has & JF_WHEN_DAYS_OF_MONTH) != 0 && (rule->days_of_month & receipt->day_of_month) == 0) {
        return false;
    }
    if ((has & JF_WHEN_WEEKDAYS) != 0 && (rule->weekdays & receipt->weekday) == 0) {
        return false;
    }
    if ((has & JF_WHEN_NTH_WEEKDAYS) != 0 && (rule->nth_weekdays & receipt->nth_weekday) == 0) {
        return false;
    }
    if ((has & JF_WHEN_DATES) != 0 && !list_has(rule->dates, (uint32_t)receipt->business_date)) {
        return false;
    }
    if ((has & JF_WHEN_DATE_RANGES) != 0 && !ranges_have(rule, receipt->business_date)) {
        return false;
    }
    return (has & JF_WHEN_TIMES) == 0 || times_have(rule, receipt->facts->local_second);
}

static bool member_holds(const struct jf_rule *rule, const struct jf_sale_facts *facts)
{
    uint32_t has = rule->conditions;
    if ((has & JF_WHEN_TIERS) != 0 && ((rule->tiers >> facts->tier) & 1u) == 0) {
        return false;
    }
    if ((has & JF_WHEN_ACTIVITY_CLASSES) != 0 &&
        ((rule->activity_classes >> facts->activity_class) & 1u) == 0) {
        return false;
    }
    if ((has & JF_WHEN_BIRTHDAY) != 0 && (rule->birthday & facts->birthday) == 0) {
        return false;
    }
    if ((has & JF_WHEN_TAGS) != 0 && (rule->tags & facts->tags) == 0) {
        return false;
    }
    return (has & JF_WHEN_FIRST_PURCHASE) == 0 || rule->first_purchase == facts->is_first_purchase;
}

static bool place_holds(const struct jf_rule *rule, const struct jf_rule_receipt *receipt)
{
    uint32_t has = rule->conditions;
    if ((has & JF_WHEN_STORES) != 0 && !list_has(rule->stores, receipt->store)) {
        return false;
    }
    if ((has & JF_WHEN_REGIONS) != 0 && !list_has(rule->regions, receipt->region)) {
        return false;
    }
    return (has & JF_WHEN_ENTITIES) == 0 || list_has(rule->entities, receipt->facts->entity.value);
}

bool jf_rule_matches_receipt(const struct jf_rule *rule, const struct jf_rule_receipt *receipt)
{
    JF_ASSERT(receipt->facts->tier < JF_TIERS_MAX);
    JF_ASSERT(receipt->facts->activity_class <= JF_CLASSES_MAX);
    uint32_t has = rule->conditions;
    if (!member_holds(rule, receipt->facts) || !calendar_holds(rule, receipt) ||
        !place_holds(rule, receipt)) {
        return false;
    }
    if ((has & JF_WHEN_BASKET_MIN) != 0 && receipt->basket_amount < rule->basket_min) {
        return false;
    }
    return (has & JF_WHEN_TENDERS) == 0 || tenders_have(rule, receipt);
}

bool jf_rule_matches_line(const struct jf_rule *rule, struct jf_rule_line line)
{
    uint32_t has = rule->conditions;
    if ((has & JF_WHEN_CATEGORIES) != 0 && !list_has(rule->categories, line.category)) {
        return false;
    }
    return (has & JF_WHEN_SKUS) == 0 || list_has(rule->skus, line.sku);
}
