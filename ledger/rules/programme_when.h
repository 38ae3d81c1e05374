// Compiles a rule's `when`. Threads: one at a time per programme.
#ifndef JF_RULES_PROGRAMME_WHEN_H
#define JF_RULES_PROGRAMME_WHEN_H

#include "rules/programme_rule.h"
#include "rules/programme_value.h"
#include "rules/programme_yaml.h"

// In: the programme's tiers and sets of words (with room for every word of `when`) are there.
// path is the rule's, such as "rules[3]"; when may be NULL: no conditions.
// Returns: JF_OK; JF_ERROR_INVALID or JF_ERROR_NO_MEMORY, diagnosed.
JF_MUST_USE enum jf_error jf_when_compile(const struct jf_reading *reading, const char *path,
                                          const struct jf_yaml_when *when, struct jf_rule *rule);

// Adds a checked text to a set of words, copied into the programme's arena. Out: its number.
JF_MUST_USE enum jf_error jf_when_word_add(struct jf_value value, uint32_t size_max,
                                           struct jf_words *words, uint32_t *out_number);

#endif
