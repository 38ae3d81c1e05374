// Control totals and counts as they are stored with every generation (FORMAT.md, "State"). Threads:
// any.
#ifndef JF_STATE_CONTROL_CODEC_H
#define JF_STATE_CONTROL_CODEC_H

#include "base/text.h"
#include "rules/apply.h"

// Returns: bytes that encoding can need at most.
size_t jf_control_record_size_max(const struct jf_control *control);

// In: `to` with that room. Returns: bytes written.
size_t jf_control_record_encode(const struct jf_control *control, unsigned char *to);

// Replaces everything in `control`. Errors: JF_ERROR_CORRUPT, JF_ERROR_VERSION, JF_ERROR_NO_MEMORY,
// diagnosed; then `control` is as before.
JF_MUST_USE enum jf_error jf_control_record_load(struct jf_text record, struct jf_control *control,
                                                 struct jf_diagnosis *diagnosis);

#endif
