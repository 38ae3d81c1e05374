// Checks a programme's outline against its libcyaml schema before libcyaml fills the structs,
// because libcyaml's own messages carry no field path and accept a key given twice. Threads: any;
// pure.
#ifndef JF_RULES_PROGRAMME_SCHEMA_H
#define JF_RULES_PROGRAMME_SCHEMA_H

#include <cyaml/cyaml.h>

#include "rules/programme_outline.h"

// In: root a schema of mappings, sequences and strings only, of at most 32 fields a mapping.
// Returns: JF_OK, or JF_ERROR_INVALID diagnosed: unknown, missing or repeated key, a value of the
// wrong shape, a list with too few or too many items.
JF_MUST_USE enum jf_error jf_schema_check(const struct jf_outline *outline,
                                          const struct cyaml_schema_value *root,
                                          struct jf_diagnosis *diagnosis);

#endif
