// A check under way: for programme_check*.c only.
#ifndef JF_RULES_PROGRAMME_CHECK_PRIVATE_H
#define JF_RULES_PROGRAMME_CHECK_PRIVATE_H

#include "rules/programme_check.h"
#include "rules/programme_outline.h"
#include "rules/programme_rule.h"

// Conditions that a date alone decides.
#define JF_WHEN_OF_DATES                                                                           \
    ((uint32_t)(JF_WHEN_DAYS_OF_MONTH | JF_WHEN_WEEKDAYS | JF_WHEN_NTH_WEEKDAYS | JF_WHEN_DATES |  \
                JF_WHEN_DATE_RANGES))

#define JF_CALENDAR_WORDS ((uint32_t)JF_DATE_MAX / 64 + 1)

// The days on which a rule's calendar comes, from effective_from on: one bit a day.
struct jf_calendar {
    uint64_t *days; // JF_CALENDAR_WORDS
    jf_date first;  // JF_DATE_NONE: never
    jf_date last;
};

struct jf_check {
    const struct jf_programme_check_input *input;
    const struct jf_programme *programme;
    const struct jf_outline *outline;
    struct jf_arena arena;
    uint32_t listed_count;         // rules of the YAML; those behind them are tiers' factors
    jf_date from;                  // first date that the programme can decide
    struct jf_calendar *calendars; // by rule
};

// A finding at a path; the words are made with jf_describe.
void jf_check_tell(const struct jf_check *check, enum jf_finding_severity severity,
                   const char *path, const struct jf_description *words);

// Writes the path of a rule: "rules[3]" or "tiers.levels[2].factor", and `more` behind the first
// form.
void jf_check_rule_path(const struct jf_check *check, uint32_t rule, const char *more,
                        char out_path[JF_OUTLINE_PATH_MAX]);

// Whether every receipt and line that the first rule is about is one that the second is about too.
bool jf_check_implies(const struct jf_check *check, uint32_t rule, uint32_t other);

// Whether no receipt can match both.
bool jf_check_excludes(const struct jf_check *check, uint32_t rule, uint32_t other);

// Whether both are about whole receipts, or about lines of which one can be the same.
bool jf_check_lines_meet(const struct jf_check *check, uint32_t rule, uint32_t other);

// programme_check_limits.c: caps, budgets and waiting times against what they limit.
void jf_check_limits(const struct jf_check *check);

// programme_check_groups.c: rules against the others of their group.
void jf_check_groups(const struct jf_check *check);

// Whether a rule is the other one again, and both count.
bool jf_check_is_twice(const struct jf_check *check, uint32_t rule, uint32_t other);

// programme_check_across.c: a rule against those of other groups.
void jf_check_across(const struct jf_check *check, uint32_t rule);

// Whether the rule, an occasion, can come on top of what a `best` group other than its own chooses.
bool jf_check_adds_to_best(const struct jf_check *check, uint32_t rule);

#endif
