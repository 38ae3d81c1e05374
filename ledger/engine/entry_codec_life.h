// Bodies of entries of a member's life: their part of entry_encode.c and entry_decode.c. For
// engine/entry_*.c only. Pure. Threads: any.
#ifndef JF_ENGINE_ENTRY_CODEC_LIFE_H
#define JF_ENGINE_ENTRY_CODEC_LIFE_H

#include "base/arena.h"
#include "engine/wire_writer.h"
#include "jifen/v1/entry.pb-c.h"
#include "rules/entry.h"

// Bytes that a body needs at most, besides its single numbers; 0 for other kinds.
uint64_t jf_entry_life_bound(const struct jf_entry *entry);

// Writes the fields of the body; nothing for other kinds.
void jf_entry_life_put(struct jf_wire_writer *writer, const struct jf_entry *entry);

// Reads the body. Errors: JF_ERROR_CORRUPT (of no kind known here, too), JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_entry_life_read(const Jifen__V1__Entry *message,
                                             struct jf_arena *arena, struct jf_entry *entry);

#endif
