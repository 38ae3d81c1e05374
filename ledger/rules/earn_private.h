// The steps of earning, between earn.c (what each line and rule is worth exactly), earn_whole.c
// (whole points and the trace) and earn_caps.c (what limits cut). For these files only.
#ifndef JF_RULES_EARN_PRIVATE_H
#define JF_RULES_EARN_PRIVATE_H

#include "rules/earn.h"
#include "rules/programme_rule.h"

// A rule that matched and adds something.
struct jf_earn_candidate {
    int64_t exact; // uplift over the programme's denominator, above 0
    uint32_t rule;
    bool is_outdone; // another of its group is better
};

// One receipt's earning. Arrays are the arena's; those by line have input->line_count elements.
struct jf_earning {
    const struct jf_earn_input *input;
    const struct jf_programme *programme;
    struct jf_rule_receipt receipt;
    int64_t *eligible;                    // by line
    int64_t *exact;                       // by line, over the denominator: base and uplifts
    int64_t *shares;                      // by line: scratch
    jf_wide *weights;                     // by line, by tender or by candidate: scratch
    struct jf_rule_line *words;           // by line
    struct jf_earn_candidate *candidates; // in listed order of rules
    uint32_t *group_best;                 // by group: index of its best candidate or JF_GROUP_NONE
    int64_t **group_running; // by group: by line, base × the factors so far; NULL: none yet
    uint32_t candidate_count;
    int64_t eligible_total;
    int64_t base_exact;
    int64_t total_exact;
    uint32_t *limited; // rules with limits whose conditions on the receipt hold, in listed order
    uint32_t limited_count;
    const struct jf_room *rooms;
    uint32_t room_count;
};

// Rounds once and gives whole points to grounds and lines. In: all exact values are there.
// Returns: JF_OK; JF_ERROR_OVERFLOW; JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_earn_make_whole(struct jf_earning *earning,
                                             struct jf_earn_result *out_result);

// The whole points of each ground: the base first, then the candidates.
struct jf_earn_shares {
    int64_t *points;
    uint32_t count;
    struct jf_trace_step *steps; // CAP steps are added
    uint32_t step_count;
};

// The most steps that jf_earn_limit adds.
uint32_t jf_earn_limit_steps(const struct jf_earning *earning);

// Cuts what limits do not leave room for, and notes the rooms. Returns: JF_OK or
// JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_earn_limit(struct jf_earning *earning, struct jf_earn_shares *shares);

#endif
