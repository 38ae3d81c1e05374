// A member's record as it is stored: compact, canonical (the same member gives the same bytes, on
// any machine, so that digests may be taken over them) and versioned. FORMAT.md, "State", says what
// the bytes are. Threads: any; no memory is kept.
#ifndef JF_STATE_MEMBER_CODEC_H
#define JF_STATE_MEMBER_CODEC_H

#include "base/text.h"
#include "rules/member.h"

// Returns: bytes that the record of `member` can need at most.
size_t jf_member_record_size_max(const struct jf_member *member);

// In: `to` with jf_member_record_size_max bytes. Returns: bytes written.
size_t jf_member_record_encode(const struct jf_member *member, unsigned char *to);

// First half of decoding: checks checksum and version, and says what room the member needs.
// Errors: JF_ERROR_CORRUPT, JF_ERROR_VERSION, diagnosed.
JF_MUST_USE enum jf_error jf_member_record_measure(struct jf_text record,
                                                   struct jf_member_capacity *out_capacity,
                                                   struct jf_diagnosis *diagnosis);

// Second half. In: a record that was measured; `into` with at least that room (its capacities stay;
// on failure its content is undefined). Errors: JF_ERROR_CORRUPT, jf_member_check included,
// diagnosed.
JF_MUST_USE enum jf_error jf_member_record_decode(struct jf_text record, struct jf_member *into,
                                                  struct jf_diagnosis *diagnosis);

#endif
