// A compiled rule: when it counts and what it adds. Conditions are bit sets and sorted numbers, so
// that asking costs a few instructions and no text is compared. Threads: any; pure.
#ifndef JF_RULES_PROGRAMME_RULE_H
#define JF_RULES_PROGRAMME_RULE_H

#include "rules/command.h"
#include "rules/entry.h"
#include "rules/programme_private.h"

// Which conditions a rule has; one that it has not holds always.
enum jf_when {
    JF_WHEN_DAYS_OF_MONTH = 1 << 0,
    JF_WHEN_WEEKDAYS = 1 << 1,
    JF_WHEN_NTH_WEEKDAYS = 1 << 2,
    JF_WHEN_DATES = 1 << 3,
    JF_WHEN_DATE_RANGES = 1 << 4,
    JF_WHEN_TIMES = 1 << 5,
    JF_WHEN_STORES = 1 << 6,
    JF_WHEN_REGIONS = 1 << 7,
    JF_WHEN_ENTITIES = 1 << 8,
    JF_WHEN_CATEGORIES = 1 << 9, // of lines
    JF_WHEN_SKUS = 1 << 10,      // of lines
    JF_WHEN_TIERS = 1 << 11,
    JF_WHEN_TAGS = 1 << 12,
    JF_WHEN_TENDERS = 1 << 13,
    JF_WHEN_BIRTHDAY = 1 << 14,
    JF_WHEN_FIRST_PURCHASE = 1 << 15,
    JF_WHEN_BASKET_MIN = 1 << 16,
    JF_WHEN_ACTIVITY_CLASSES = 1 << 17,
};

#define JF_WHEN_OF_LINES ((uint32_t)(JF_WHEN_CATEGORIES | JF_WHEN_SKUS))

#define JF_GROUP_NONE UINT32_MAX // the rule stands alone

// Ascending, each number once.
struct jf_number_list {
    const uint32_t *numbers;
    uint32_t count;
};

struct jf_date_range {
    jf_date first;
    jf_date last; // included
};

struct jf_time_range {
    uint32_t from; // second of the local day
    uint32_t to;   // not included; at or below `from`: of the next day
};

struct jf_rule {
    uint32_t conditions;       // enum jf_when
    uint32_t days_of_month;    // bit 1..31
    uint32_t weekdays;         // bit 1 Monday .. 7 Sunday
    uint32_t tiers;            // bit by level
    uint32_t activity_classes; // bit by number of the class; 0, not yet judged, is never listed
    uint32_t birthday;         // JF_BIRTHDAY_*
    uint32_t group;            // JF_GROUP_NONE or index into the programme's groups
    uint32_t reason;           // ground; until published: index + 1
    bool is_bonus;
    bool first_purchase;    // what the condition demands
    uint64_t nth_weekdays;  // bit 8 × n + weekday; n 1..5, 6: the last of its month
    uint64_t tags;          // any of these
    int64_t basket_min;     // minor units
    int64_t bonus_points;   // is_bonus
    int64_t cap_per_member; // points over all time; 0: no cap
    int64_t budget;         // points of the whole chain, net of returns; 0: no budget
    int64_t
        uplift_weight; // eligible × uplift_weight ÷ denominator = uplift, outside `multiply` groups
    struct jf_ratio factor; // at least 1
    struct jf_number_list dates;
    struct jf_number_list stores;
    struct jf_number_list regions; // words
    struct jf_number_list entities;
    struct jf_number_list categories;        // words
    struct jf_number_list skus;              // words
    struct jf_number_list tenders;           // words
    const struct jf_date_range *date_ranges; // ascending, apart
    const struct jf_time_range *times;
    uint32_t date_range_count;
    uint32_t time_count;
    char name[JF_NAME_BYTES_MAX + 1];
};

// A receipt as conditions see it, made once a receipt.
struct jf_rule_receipt {
    const struct jf_sale_facts *facts;
    int64_t basket_amount;
    jf_date business_date;
    uint32_t store;
    uint32_t day_of_month; // one bit
    uint32_t weekday;      // one bit
    uint64_t nth_weekday;  // one bit, or two on the last of its kind in the month
    uint32_t region;       // word or JF_WORD_NONE
    uint32_t tender_count;
    uint32_t tenders[JF_TENDERS_PER_RECEIPT_MAX]; // words of those that paid something
};

// A line as conditions see it.
struct jf_rule_line {
    uint32_t category; // word or JF_WORD_NONE
    uint32_t sku;      // word or JF_WORD_NONE
};

// Fills everything that depends on the date alone.
void jf_rule_receipt_init(struct jf_rule_receipt *receipt, jf_date business_date);

// Whether all conditions on the receipt hold.
bool jf_rule_matches_receipt(const struct jf_rule *rule, const struct jf_rule_receipt *receipt);

// Whether all conditions on a line hold; always true for a rule without any.
bool jf_rule_matches_line(const struct jf_rule *rule, struct jf_rule_line line);

static inline bool jf_rule_is_of_lines(const struct jf_rule *rule)
{
    return (rule->conditions & JF_WHEN_OF_LINES) != 0;
}

#endif
