// Members that the cache had no more room for, as records: a third of the bytes that a member takes
// there, and ten times faster to have back than from the database. Only what is stored goes in, so
// that a record may be dropped at any time; the oldest go first, a chunk at a time.
//
// Threads: one owner. Memory: its own, taken chunk by chunk as records come.
#ifndef JF_STATE_PACKED_H
#define JF_STATE_PACKED_H

#include "base/error.h"
#include "base/text.h"

// A record with more bytes than this is not kept: its member is read from the database again.
#define JF_PACKED_RECORD_BYTES_MAX 4096u

struct jf_packed;

// In: bytes_max bounds chunks and table together; too small for a chunk: nothing is ever kept.
// Returns: JF_OK or JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_packed_create(uint64_t bytes_max, struct jf_packed **out_packed);
void jf_packed_destroy(struct jf_packed *packed); // NULL is accepted

// Keeps a member's record, or does not (no memory, too large). In: number not 0, not there.
void jf_packed_put(struct jf_packed *packed, uint64_t number, struct jf_text record);

// Takes a member's record out. In: `to` with JF_PACKED_RECORD_BYTES_MAX bytes. Returns: the record,
// in `to`; of size 0 when it is not there.
struct jf_text jf_packed_take(struct jf_packed *packed, uint64_t number, unsigned char *to);

// Hints for numbers that are taken soon: first the table's slot, some time later the record.
void jf_packed_prefetch_slot(const struct jf_packed *packed, uint64_t number);
void jf_packed_prefetch_record(const struct jf_packed *packed, uint64_t number);

uint64_t jf_packed_count(const struct jf_packed *packed);
uint64_t jf_packed_bytes(const struct jf_packed *packed); // chunks and table
// The same with the chunk that is taken next, so that room can be made before it is.
uint64_t jf_packed_bytes_soon(const struct jf_packed *packed);

#endif
