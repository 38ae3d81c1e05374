// A programme's rules in words, for people who did not write the YAML: a supervisor at the till who
// asks where points came from, and whoever checks a programme before it is published.
//
// Threads: any; pure. A text that does not fit is cut at the end of a character, and always
// terminated.
#ifndef JF_RULES_PROGRAMME_DESCRIBE_H
#define JF_RULES_PROGRAMME_DESCRIBE_H

#include "rules/programme.h"

#define JF_DESCRIPTION_MAX 1024u

// Caller's memory; zeroed is ready.
struct jf_description {
    char text[JF_DESCRIPTION_MAX];
    uint32_t size; // without the NUL
};

void jf_describe(struct jf_description *description, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// "1.5", or "4/3" where three digits behind the point do not say it. In: lowest terms; numerators
// up to 9 × 10^15.
void jf_describe_ratio(struct jf_description *out, int64_t numerator, int64_t denominator);

// The rule's index by its name, which is also a tier factor's ("tier:gold").
// Returns: false for a name that the programme does not have.
bool jf_programme_rule_find(const struct jf_programme *programme, struct jf_text name,
                            uint32_t *out_rule);

// What it adds and when: "2 times the points, on the 8th, 18th and 28th of the month".
void jf_describe_rule(const struct jf_programme *programme, uint32_t rule,
                      struct jf_description *description);
// Only when: "on the 8th, 18th and 28th of the month"; nothing for a rule without conditions.
void jf_describe_when(const struct jf_programme *programme, uint32_t rule,
                      struct jf_description *description);

// The group that the rule stands in. Returns: a text of size 0 where it stands alone.
struct jf_text jf_programme_rule_group(const struct jf_programme *programme, uint32_t rule);

// "1 point for each 1.00"
void jf_describe_earn(const struct jf_programme *programme, struct jf_description *description);
// "500 points a member and business day"; nothing for a name that is no cap. In: "cap:<name>".
void jf_describe_cap(const struct jf_programme *programme, struct jf_text ground_name,
                     struct jf_description *description);
// "rounded down, once for the receipt"
void jf_describe_rounding(const struct jf_programme *programme, struct jf_description *description);

// What earns nothing. In: texts as on the receipt.
bool jf_programme_excludes_category(const struct jf_programme *programme, struct jf_text category);
bool jf_programme_excludes_sku(const struct jf_programme *programme, struct jf_text sku);
bool jf_programme_excludes_member(const struct jf_programme *programme, uint32_t status,
                                  uint64_t tags); // status: enum jf_member_status; 0: active
bool jf_programme_excludes_tender(const struct jf_programme *programme, struct jf_text type);

#endif
