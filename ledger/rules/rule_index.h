// Which rules can match a receipt at all, found without asking each rule. For every condition that
// many rules have there is an axis: the values that rules name, and for each value the set of rules
// that it lets through, one bit a rule. A receipt's sets are intersected; the few rules that are
// left are asked exactly. So what a sale costs depends on the rules that may count for it, not on
// how many a programme lists.
//
// The index only leaves rules out that cannot match: conditions without an axis (local time, tags,
// basket, tenders), and axes too large to be worth their memory, let every rule through.
//
// Made when a programme is compiled, immutable after: any thread may read. Memory is the
// programme's arena's.
#ifndef JF_RULES_RULE_INDEX_H
#define JF_RULES_RULE_INDEX_H

#include "base/arena.h"
#include "base/error.h"
#include "base/limits.h"

struct jf_rule;
struct jf_rule_receipt;
struct jf_rule_line;

enum jf_rule_axis_kind {
    JF_AXIS_DAYS_OF_MONTH,
    JF_AXIS_WEEKDAYS,
    JF_AXIS_NTH_WEEKDAYS,
    JF_AXIS_DATES,
    JF_AXIS_DATE_RANGES, // each key begins an interval that ends before the next
    JF_AXIS_STORES,
    JF_AXIS_REGIONS,
    JF_AXIS_ENTITIES,
    JF_AXIS_TIERS,
    JF_AXIS_ACTIVITY_CLASSES,
    JF_AXIS_BIRTHDAY,
    JF_AXIS_FIRST_PURCHASE,
    JF_AXIS_CATEGORIES, // of lines, likewise the next: what any line lets through
    JF_AXIS_SKUS,
    JF_AXIS_COUNT
};

struct jf_rule_axis {
    const uint32_t *keys; // ascending
    const uint64_t *sets; // one a key, and a last one for every other value
    uint32_t key_count;   // 0: no rule has the condition, or too many values are named
};

// Zeroed it lets every rule through, one by one.
struct jf_rule_index {
    uint32_t words; // of a set; 0: there is no index
    struct jf_rule_axis axes[JF_AXIS_COUNT];
};

#define JF_RULE_SET_WORDS ((JF_RULES_MAX + 63) / 64)

struct jf_rule_set {
    uint64_t words[JF_RULE_SET_WORDS]; // bit by rule, in listed order
};

// In: rules as compiled. Returns: JF_OK or JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_rule_index_make(struct jf_rule_index *index,
                                             const struct jf_rule *rules, uint32_t rule_count,
                                             struct jf_arena *arena);

// Out: every rule that may match the receipt and one of its lines.
void jf_rule_index_find(const struct jf_rule_index *index, const struct jf_rule_receipt *receipt,
                        const struct jf_rule_line *lines, uint32_t line_count, uint32_t rule_count,
                        struct jf_rule_set *out_set);

#endif
