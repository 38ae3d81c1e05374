// What planning a publication needs of the reference beyond rules/reference.h.
#ifndef JF_RULES_REFERENCE_PRIVATE_H
#define JF_RULES_REFERENCE_PRIVATE_H

#include "rules/reference.h"

// As jf_reference_prepare for a PUBLICATION entry whose programme was parsed already. The programme
// is the reference's from now on, also on failure.
JF_MUST_USE enum jf_error jf_reference_stage(struct jf_reference *reference,
                                             const struct jf_entry *entry,
                                             struct jf_programme *programme,
                                             struct jf_diagnosis *diagnosis);

#endif
