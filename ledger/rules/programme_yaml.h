// A programme's YAML as libcyaml reads it: every value still text, so that numbers are read exactly
// and messages can repeat what was written. Lists have their count beside them; what was left out
// is NULL.
#ifndef JF_RULES_PROGRAMME_YAML_H
#define JF_RULES_PROGRAMME_YAML_H

#include "rules/programme_outline.h"

// A list of texts: `name` and `name_count`, as libcyaml's sequences want it.
#define JF_YAML_LIST(name)                                                                         \
    char **name;                                                                                   \
    uint32_t name##_count

struct jf_yaml_range {
    char *from;
    char *to;
};

struct jf_yaml_when {
    JF_YAML_LIST(days_of_month);
    JF_YAML_LIST(weekdays);
    JF_YAML_LIST(nth_weekdays);
    JF_YAML_LIST(dates);
    struct jf_yaml_range *date_ranges;
    uint32_t date_ranges_count;
    struct jf_yaml_range *times;
    uint32_t times_count;
    JF_YAML_LIST(stores);
    JF_YAML_LIST(regions);
    JF_YAML_LIST(entities);
    JF_YAML_LIST(categories);
    JF_YAML_LIST(skus);
    JF_YAML_LIST(tiers);
    JF_YAML_LIST(activity_classes);
    JF_YAML_LIST(tags);
    JF_YAML_LIST(tenders);
    char *birthday;
    char *first_purchase;
    char *basket_min;
};

struct jf_yaml_rule {
    char *name;
    char *kind;
    char *factor;
    char *points;
    char *group;
    char *cap_per_member;
    char *budget;
    struct jf_yaml_when *when;
};

struct jf_yaml_cap {
    char *name;
    char *per;
    char *points;
    JF_YAML_LIST(rules);
};

struct jf_yaml_group {
    char *name;
    char *stack;
};

struct jf_yaml_earn {
    char *points;
    char *per_amount;
};

struct jf_yaml_exclusions {
    JF_YAML_LIST(categories);
    JF_YAML_LIST(skus);
    JF_YAML_LIST(tenders);
    JF_YAML_LIST(member_statuses);
    JF_YAML_LIST(tags);
};

struct jf_yaml_known {
    JF_YAML_LIST(categories);
    JF_YAML_LIST(tenders);
};

struct jf_yaml_unknown {
    char *categories;
    char *tenders;
};

struct jf_yaml_rounding {
    char *mode;
    char *scope;
};

struct jf_yaml_expiry {
    char *policy;
    char *months;
    char *day;
    char *years;
};

struct jf_yaml_redemption {
    char *points;
    char *amount;
    char *minimum;
    char *step;
    char *share_max;
    JF_YAML_LIST(excluded_categories);
    char *offline_allowance;
    char *earn_on_redeemed;
};

struct jf_yaml_reward {
    char *code;
    char *points;
    char *valid_from;
    char *valid_to;
    char *stock;
    char *per_member;
};

struct jf_yaml_returns {
    char *shortfall;
    char *from_other_lots;
    char *reinstate_days;
};

struct jf_yaml_level {
    char *name;
    char *spend;
    char *visits;
    char *points;
    char *require;
    char *factor;
};

struct jf_yaml_window {
    char *kind;
    char *months;
};

struct jf_yaml_tiers {
    char *window_months;
    struct jf_yaml_window *window;
    char *grace_days;
    char *down;
    struct jf_yaml_level *levels;
    uint32_t levels_count;
};

struct jf_yaml_adjustments {
    char *limit;
    struct jf_yaml_expiry *expiry;
};

struct jf_yaml_transfers {
    char *allowed;
    char *minimum;
};

struct jf_yaml_close {
    char *balance;
};

struct jf_yaml_class {
    char *name;
    char *visits_per_month;
    char *months;
    char *visits;
    char *every_months;
    char *none_for_months;
};

struct jf_yaml_classes {
    char *window_months;
    struct jf_yaml_class *levels;
    uint32_t levels_count;
};

struct jf_yaml_programme {
    char *name;
    char *effective_from;
    char *zone;
    char *currency;
    char *currency_digits;
    struct jf_yaml_earn *earn;
    struct jf_yaml_exclusions *exclusions;
    struct jf_yaml_rounding *rounding;
    struct jf_yaml_expiry *expiry;
    char *pending_days;
    struct jf_yaml_known *known;
    struct jf_yaml_unknown *unknown;
    struct jf_yaml_redemption *redemption;
    struct jf_yaml_returns *returns;
    char *late_after_hours;
    char *clock_skew_seconds;
    struct jf_yaml_group *groups;
    uint32_t groups_count;
    struct jf_yaml_rule *rules;
    uint32_t rules_count;
    struct jf_yaml_cap *caps;
    uint32_t caps_count;
    struct jf_yaml_reward *rewards;
    uint32_t rewards_count;
    struct jf_yaml_tiers *tiers;
    struct jf_yaml_close *close;
    struct jf_yaml_adjustments *adjustments;
    struct jf_yaml_transfers *transfers;
    struct jf_yaml_classes *classes;
};

// Checks a document of known outline against the schema and reads it.
// Out: *out_document, to be freed by jf_yaml_free. Returns: JF_OK; JF_ERROR_INVALID or
// JF_ERROR_NO_MEMORY, diagnosed.
JF_MUST_USE enum jf_error jf_yaml_load(const struct jf_outline *outline, struct jf_text yaml,
                                       struct jf_yaml_programme **out_document,
                                       struct jf_diagnosis *diagnosis);
void jf_yaml_free(struct jf_yaml_programme *document); // NULL is accepted

#endif
