// The compiled programme: for rules/*.c and their tests only. Filled by programme_compile.c,
// immutable after, but for the rules' ground numbers (jf_programme_set_ground, once).
#ifndef JF_RULES_PROGRAMME_PRIVATE_H
#define JF_RULES_PROGRAMME_PRIVATE_H

#include "base/arena.h"
#include "base/date.h"
#include "base/limits.h"
#include "base/number.h"
#include "rules/programme.h"
#include "rules/rule_index.h"
#include "rules/words.h"

// A positive rational in lowest terms.
struct jf_ratio {
    int64_t numerator;
    int64_t denominator;
};

enum jf_rounding_scope {
    JF_ROUND_PER_RECEIPT = 0,
    JF_ROUND_PER_LINE = 1
};

// When a lot expires, judged from a business date.
enum jf_expiry_kind {
    JF_EXPIRY_NEVER = 0,
    JF_EXPIRY_MONTH_END = 1,    // last day of the month `months` after the month of the date
    JF_EXPIRY_MONTHS_AFTER = 2, // the same day of the month `months` later, or its last day
    JF_EXPIRY_DAY_OF_YEAR = 3,  // the first such day on or after the date, and years - 1 years more
};

struct jf_expiry {
    enum jf_expiry_kind kind;
    int32_t months;
    int32_t month; // DAY_OF_YEAR: 1..12
    int32_t day;   // DAY_OF_YEAR: of the month; 29 February is 28 February in other years
    int32_t years; // DAY_OF_YEAR: at least 1
};

// Points to money: `points` are worth `amount` minor units.
struct jf_redemption_terms {
    int64_t points; // 0: redemption is not offered
    int64_t amount;
    int64_t minimum;           // points
    int64_t step;              // points, at least 1, such that each step is worth whole minor units
    struct jf_ratio share_max; // largest part of a receipt that points may pay, 1/1: all
    struct jf_words excluded;  // categories whose lines points may not pay
    int64_t offline_allowance; // points that a redemption made offline may lack
    bool earns_on_redeemed;    // what points paid earns too
};

// What a return does about points that were spent already and cannot be taken back.
enum jf_shortfall {
    JF_SHORTFALL_DEBT = 0,
    JF_SHORTFALL_WRITE_OFF = 1,
    JF_SHORTFALL_DEDUCT = 2, // written off too: the till takes their worth off the refund
};

struct jf_return_terms {
    enum jf_shortfall shortfall;
    bool from_other_lots;   // the member's other lots pay before there is a shortfall
    int32_t reinstate_days; // how long points may go back into a lot that has expired
};
// What points can be had for, besides money off.
struct jf_reward {
    char ground_name[JF_NAME_BYTES_MAX + 1]; // "reward:" and its code
    uint32_t ground;                         // until published: its place among the grounds
    int64_t points;                          // of one; above 0
    jf_date valid_from;
    jf_date valid_to;   // last day
    int64_t stock;      // of the whole chain, over all time; JF_REWARD_UNLIMITED
    int64_t per_member; // over all time; JF_REWARD_UNLIMITED
};

#define JF_REWARD_UNLIMITED INT64_MAX

// Manual credits and debits.
struct jf_adjustment_terms {
    int64_t limit;           // points above which a second person is needed; -1: never
    struct jf_expiry expiry; // of credited points
};

struct jf_transfer_terms {
    bool is_allowed;
    int64_t minimum; // points at once, 1 or above
};

// What becomes of the balance of a member that is closed.
enum jf_close_policy {
    JF_CLOSE_FORFEIT = 0, // written off, as what is owed is
    JF_CLOSE_REFUSE = 1,  // a member with a balance is not closed
};

struct jf_tier_level {
    char name[JF_NAME_BYTES_MAX + 1];
    int64_t spend;  // demanded, -1: no demand
    int64_t visits; // demanded, -1: no demand
    int64_t points; // demanded, -1: no demand
    bool any;       // any demand met is enough; else all
};

// Points that all that is granted on some grounds may come to.
struct jf_cap {
    char ground_name[JF_NAME_BYTES_MAX + 1]; // "cap:" and its name
    uint32_t ground;                         // until published: its place among the grounds
    uint32_t kind;  // enum jf_counter_kind; JF_CAP_PER_RECEIPT: of one receipt
    int64_t points; // at most; above 0
    bool is_of_all; // all grounds, also of rules that a later version adds
    bool has_base;
    const uint32_t *rules; // ascending indexes
    uint32_t rule_count;
};

#define JF_CAP_PER_RECEIPT 0u // needs no counter

// Which calendar months count for a level, judged in a month.
enum jf_window_kind {
    JF_WINDOW_ROLLING = 0,         // that month and those before it, `months` in all
    JF_WINDOW_CALENDAR_YEAR = 1,   // from January on
    JF_WINDOW_MEMBERSHIP_YEAR = 2, // from the newest month of the year in which the member enrolled
};

struct jf_tier_window {
    enum jf_window_kind kind;
    int32_t months; // ROLLING: 1..JF_MONTHS_PER_MEMBER_MAX - 1
};

// A class holds for members who visited `visits` times in each of `blocks` blocks of
// `block_months` calendar months, counted back from the month judged in.
struct jf_class_level {
    char name[JF_NAME_BYTES_MAX + 1];
    int64_t visits;       // in each block; 0: no demand, everyone else's
    int32_t blocks;       // 1 and above, where there is a demand
    int32_t block_months; // 1 and above, where there is a demand
    int32_t none_months;  // above 0: no visit in so many months, and no other demand
};

struct jf_rule; // programme_rule.h: conditions, factor, group

enum jf_stack {
    JF_STACK_BEST = 0,     // the rule with the largest uplift counts, of equals the first listed
    JF_STACK_ADD = 1,      // every rule counts
    JF_STACK_MULTIPLY = 2, // factors multiply, in listed order
};

struct jf_rule_group {
    char name[JF_NAME_BYTES_MAX + 1];
    enum jf_stack stack;
};

struct jf_programme {
    char name[JF_NAME_BYTES_MAX + 1];
    int64_t effective_from_ms;
    int64_t earn_points;     // base: earn_points for each
    int64_t earn_per_amount; //       earn_per_amount minor units
    enum jf_rounding rounding;
    enum jf_rounding_scope rounding_scope;
    struct jf_expiry expiry;
    int32_t pending_days; // 0: lots are available from the start
    uint64_t excluded_tags;
    uint32_t excluded_statuses; // bit by enum jf_member_status
    bool refuses_unknown_categories;
    bool refuses_unknown_tenders;
    struct jf_redemption_terms redemption;
    struct jf_return_terms returns;
    enum jf_close_policy close;
    struct jf_adjustment_terms adjustments;
    struct jf_transfer_terms transfers;
    int64_t clock_skew_ms; // how far in the future a sale may lie
    int64_t late_after_ms; // arrivals later than this after the sale are marked late
    struct jf_tier_window tier_window;
    int32_t tier_grace_days;  // a level holds for so many days after it was reached
    bool is_tier_down_by_one; // a recalculation lowers by one level, not to what the window says
    uint32_t tier_count;      // at least 1
    struct jf_tier_level tiers[JF_TIERS_MAX]; // level 0 has no demands
    uint32_t class_count;                     // 0: members are not classed
    struct jf_class_level classes[JF_CLASSES_MAX];
    char (*excluded_categories)[JF_NAME_BYTES_MAX + 1];
    uint32_t excluded_category_count;
    char (*excluded_skus)[JF_NAME_BYTES_MAX + 1];
    uint32_t excluded_sku_count;
    char (*excluded_tenders)[JF_NAME_BYTES_MAX + 1];
    uint32_t excluded_tender_count;
    struct jf_rule *rules; // listed order
    uint32_t rule_count;
    struct jf_cap *caps; // listed order
    uint32_t cap_count;
    struct jf_reward *rewards; // listed order; none: a reward is a word of the client's own
    uint32_t reward_count;
    bool has_rule_limits; // some rule has a cap per member or a budget
    int64_t denominator;  // of exact points under this programme
    // What jf_earn reads, made from the fields above.
    int64_t base_weight;        // eligible minor units × base_weight ÷ denominator = base points
    struct jf_rule_index index; // of the rules
    struct jf_rule_group *groups; // what rules' group numbers mean
    uint32_t group_count;
    bool reads_categories; // some exclusion or rule asks for a line's category
    bool reads_skus;
    bool reads_tenders;
    bool reads_regions;
    struct jf_words categories; // every category that the programme names; likewise the others
    struct jf_words skus;
    struct jf_words tenders;
    struct jf_words regions;
    char currency[JF_NAME_BYTES_MAX + 1]; // informative
    uint32_t currency_digits;
    struct jf_arena arena; // holds all arrays
};

// Returns: the reward of that code, or NULL.
const struct jf_reward *jf_programme_reward(const struct jf_programme *programme,
                                            struct jf_text code);

// Returns: the class of that name as an index, UINT32_MAX without one. A member's class is index
// + 1.
uint32_t jf_programme_class_find(const struct jf_programme *programme, struct jf_text name);

#endif
