// Bodies of entries of a member's life: their part of entry_encode.c and entry_decode.c. For
// engine/entry_*.c only. Pure. Threads: any.
#ifndef JF_ENGINE_ENTRY_CODEC_LIFE_H
#define JF_ENGINE_ENTRY_CODEC_LIFE_H

#include "base/arena.h"
#include "engine/wire_writer.h"
#include "jifen/v1/entry.pb-c.h"
#include "rules/entry.h"

// Shared with the other bodies; in their files.
void jf_entry_put_parts(struct jf_wire_writer *writer, uint32_t field,
                        const struct jf_lot_part *parts, uint32_t count);
void jf_entry_put_deltas(struct jf_wire_writer *writer, uint32_t field,
                         const struct jf_counter_delta *deltas, uint32_t count);
JF_MUST_USE enum jf_error jf_entry_read_parts(size_t count, Jifen__V1__LotPart **parts,
                                              struct jf_arena *arena,
                                              const struct jf_lot_part **out_parts);
JF_MUST_USE enum jf_error jf_entry_read_deltas(size_t count, Jifen__V1__CounterDelta **deltas,
                                               struct jf_arena *arena,
                                               const struct jf_counter_delta **out_deltas,
                                               uint32_t *out_count);

// Bytes that a body needs at most, besides its single numbers; 0 for other kinds.
uint64_t jf_entry_life_bound(const struct jf_entry *entry);

// Writes the fields of the body; nothing for other kinds.
void jf_entry_life_put(struct jf_wire_writer *writer, const struct jf_entry *entry);

// Reads the body. Errors: JF_ERROR_CORRUPT (of no kind known here, too), JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_entry_life_read(const Jifen__V1__Entry *message,
                                             struct jf_arena *arena, struct jf_entry *entry);

#endif
