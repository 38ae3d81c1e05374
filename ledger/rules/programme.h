// A programme compiled from its YAML text: immutable, so that any thread may read it. Reading it is
// not planning: it allocates, it loads the zone named by `zone` from /usr/share/zoneinfo, and it
// may fail. Every field of the YAML is described in ledger/PROGRAMME.md.
#ifndef JF_RULES_PROGRAMME_H
#define JF_RULES_PROGRAMME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/number.h"
#include "base/text.h"

struct jf_programme; // rules/programme_private.h holds the fields for rules/*.c

// Parses and checks. In: yaml any bytes up to JF_PROGRAMME_BYTES_MAX; file_name for messages.
// Errors: JF_ERROR_INVALID diagnosed as "FILE:LINE: FIELD: what is wrong and what is allowed";
// JF_ERROR_LIMIT; JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_programme_parse(struct jf_text yaml, struct jf_text file_name,
                                             struct jf_programme **out_programme,
                                             struct jf_diagnosis *diagnosis);
void jf_programme_destroy(struct jf_programme *programme); // NULL is accepted

struct jf_text jf_programme_name(const struct jf_programme *programme);
int64_t jf_programme_effective_from_ms(const struct jf_programme *programme);
uint32_t jf_programme_tier_count(const struct jf_programme *programme); // at least 1: level 0
struct jf_text jf_programme_tier_name(const struct jf_programme *programme, uint32_t tier);
// Activity classes: class number 1 is the first; 0 classes: members are not classed.
uint32_t jf_programme_class_count(const struct jf_programme *programme);
// In: number 1 to the count.
struct jf_text jf_programme_class_name(const struct jf_programme *programme, uint32_t number);

// What points are worth: `points` of them are `amount` minor units. Returns: false where they
// cannot be redeemed for money.
bool jf_programme_redemption_rate(const struct jf_programme *programme, int64_t *out_points,
                                  int64_t *out_amount);

// The rules in listed order, then "tier:<level>" for each level with a factor.
uint32_t jf_programme_rule_count(const struct jf_programme *programme);

// Everything that gets a number of its own for ever: the rules by their names, then caps as
// "cap:<name>", then rewards as "reward:<code>". Names live as long as the programme. A number is
// set once, at publication; until then it is the index + 1.
uint32_t jf_programme_ground_count(const struct jf_programme *programme);
struct jf_text jf_programme_ground_name(const struct jf_programme *programme, uint32_t index);
void jf_programme_set_ground(struct jf_programme *programme, uint32_t index, uint32_t ground);

#endif
