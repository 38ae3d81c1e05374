// Entries as protobuf bytes (proto/jifen/v1/entry.proto) and back. Pure. Threads: any.
#ifndef JF_ENGINE_ENTRY_CODEC_H
#define JF_ENGINE_ENTRY_CODEC_H

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "rules/entry.h"

// Bytes of an encoded entry with its outcome, both in `arena`; out_outcome points into out_bytes.
// Returns: JF_OK; JF_ERROR_NO_MEMORY; JF_ERROR_LIMIT above JF_ENTRY_BYTES_MAX.
JF_MUST_USE enum jf_error jf_entry_encode(const struct jf_entry *entry, struct jf_arena *arena,
                                          struct jf_text *out_bytes, struct jf_text *out_outcome);

// Only the outcome of an entry (for quotes).
JF_MUST_USE enum jf_error jf_entry_encode_outcome(const struct jf_entry *entry,
                                                  struct jf_arena *arena,
                                                  struct jf_text *out_outcome);

// An outcome's bytes read back: the fields that every entry has, the others 0. Texts and arrays are
// in `arena`. Errors: as jf_entry_decode.
JF_MUST_USE enum jf_error jf_entry_decode_outcome(struct jf_text outcome, struct jf_arena *arena,
                                                  struct jf_entry *out_entry,
                                                  struct jf_diagnosis *diagnosis);

// Decodes bytes from the journal or state: outside bytes. Texts and arrays are in `arena` or point
// into `bytes`, which must outlive the entry. Errors: JF_ERROR_CORRUPT, JF_ERROR_VERSION (of a kind
// that only a later program knows), diagnosed; JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_entry_decode(struct jf_text bytes, struct jf_arena *arena,
                                          struct jf_entry *out_entry,
                                          struct jf_diagnosis *diagnosis);

// The outcome's bytes within an encoded entry, without decoding the rest.
JF_MUST_USE enum jf_error jf_entry_find_outcome(struct jf_text bytes, struct jf_text *out_outcome);

// The member an encoded entry is about (value 0: none), without decoding the rest.
JF_MUST_USE enum jf_error jf_entry_find_member(struct jf_text bytes,
                                               struct jf_member_id *out_member);

// The number of the body's field, which is its kind, also of kinds that this version does not know.
JF_MUST_USE enum jf_error jf_entry_find_kind(struct jf_text bytes, uint32_t *out_kind);

// jf_date ↔ year × 10000 + month × 100 + day; 0 ↔ `none`.
int32_t jf_date_to_wire(jf_date date);                 // JF_DATE_NONE, JF_DATE_EVER, 0 → 0
jf_date jf_date_from_wire(int32_t wire, jf_date none); // not a date → JF_DATE_NONE

#endif
