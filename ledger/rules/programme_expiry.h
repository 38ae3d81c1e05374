// When points expire: a policy of the programme, read from YAML and asked by date. Threads: any;
// asking is pure.
#ifndef JF_RULES_PROGRAMME_EXPIRY_H
#define JF_RULES_PROGRAMME_EXPIRY_H

#include "rules/programme_value.h"
#include "rules/programme_yaml.h"

// In: path of the mapping, such as "expiry". Returns: JF_OK; JF_ERROR_INVALID, diagnosed.
JF_MUST_USE enum jf_error jf_expiry_compile(const struct jf_reading *reading, const char *path,
                                            const struct jf_yaml_expiry *yaml,
                                            struct jf_expiry *out_expiry);

// The last day on which points of `date` can be spent, at most JF_DATE_MAX; JF_DATE_EVER: they
// never expire.
jf_date jf_expiry_date(const struct jf_expiry *expiry, jf_date date);

#endif
