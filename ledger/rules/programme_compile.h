// From the YAML's texts to the compiled programme. Threads: one at a time per programme.
#ifndef JF_RULES_PROGRAMME_COMPILE_H
#define JF_RULES_PROGRAMME_COMPILE_H

#include "rules/programme_rule.h"
#include "rules/programme_value.h"
#include "rules/programme_yaml.h"

#define JF_EARN_POINTS_MAX  1000000    // points of the earn rate
#define JF_BONUS_POINTS_MAX 1000000000 // × the denominator still fits 64 bits
#define JF_DENOMINATOR_MAX                                                                         \
    1000000000 // of exact points: leaves 9 digits of money × factor below 64 bits

// Fills reading->programme, whose arena is ready and whose other fields are zero.
// Returns: JF_OK; JF_ERROR_INVALID or JF_ERROR_NO_MEMORY, diagnosed.
JF_MUST_USE enum jf_error jf_programme_compile(const struct jf_reading *reading,
                                               const struct jf_yaml_programme *yaml);

// What returns do. In: the terms of redemption are filled.
JF_MUST_USE enum jf_error jf_programme_compile_returns(const struct jf_reading *reading,
                                                       const struct jf_yaml_returns *yaml);

// What the programme says of a member's life (programme_life.c).
JF_MUST_USE enum jf_error jf_programme_compile_life(const struct jf_reading *reading,
                                                    const struct jf_yaml_programme *yaml);

// Tiers and activity classes, which rules name.
JF_MUST_USE enum jf_error jf_programme_compile_tiers(const struct jf_reading *reading,
                                                     const struct jf_yaml_programme *yaml);

// The second half: groups, rules, tier factors and the common denominator. In: everything else is
// filled.
JF_MUST_USE enum jf_error jf_programme_compile_rules(const struct jf_reading *reading,
                                                     const struct jf_yaml_programme *yaml);

// Caps, after the rules that they name.
JF_MUST_USE enum jf_error jf_programme_compile_caps(const struct jf_reading *reading,
                                                    const struct jf_yaml_programme *yaml);

// What points are worth. In: NULL offers no redemption.
JF_MUST_USE enum jf_error jf_programme_compile_redemption(const struct jf_reading *reading,
                                                          const struct jf_yaml_redemption *yaml);

// The catalogue of rewards, whose grounds follow those of the caps.
JF_MUST_USE enum jf_error jf_programme_compile_rewards(const struct jf_reading *reading,
                                                       const struct jf_yaml_programme *yaml);

#endif
