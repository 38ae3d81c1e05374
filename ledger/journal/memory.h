// The journal in memory, with faults on request: the second implementation of the function table,
// for tests of what stands on a journal. Deterministic: no threads, no clock, no disk. Blocks are
// kept in their stored form (journal/block.h).
//
// A block becomes durable inside submit, unless durability is held back. Cursors may be used from
// another thread, as with the local journal; the functions below belong to the writer's thread.
#ifndef JF_JOURNAL_MEMORY_H
#define JF_JOURNAL_MEMORY_H

#include "journal/journal.h"

// Returns: NULL when out of memory. Closed through operations->close.
struct jf_journal *jf_journal_memory_create(struct jf_ledger_id ledger_id);

// The count-th submit from now (1: the next) fails.
//   JF_ERROR_IO: submit answers it, and every call after it: final. The block is not durable, and
//     neither is anything held back before it.
//   JF_ERROR_NO_SPACE: the draft before that submit answers it, and every draft until
//     jf_journal_memory_heal; not final.
void jf_journal_memory_fail(struct jf_journal *base, uint64_t count, enum jf_error error);

// Takes back what jf_journal_memory_fail has planned, and the lack of space. A final error stays.
void jf_journal_memory_heal(struct jf_journal *base);

// From now on submitted blocks stay in flight (drafts are BUSY past JF_BLOCKS_IN_FLIGHT_MAX) until
// released.
void jf_journal_memory_hold(struct jf_journal *base);

// Makes blocks durable, in order, whose last position is at most `position`; UINT64_MAX releases
// all and ends holding.
void jf_journal_memory_release(struct jf_journal *base, uint64_t position);

uint32_t jf_journal_memory_in_flight(const struct jf_journal *base);

// A power cut and the recovery after it, in place. Of the blocks in flight, oldest first, block i
// has reached the disk if bit i of `landed` is set; the first that has not, and all behind it, are
// cut. A lent draft is gone, cursors must have been closed, a final error and planned failures are
// forgotten, holding ends. Returns: the last position, all of it durable.
uint64_t jf_journal_memory_crash(struct jf_journal *base, uint64_t landed);

// Empty blocks: as the local journal seals after idleness. 0 (the default): never.
void jf_journal_memory_seal_after(struct jf_journal *base, uint64_t seal_idle_us);

// What note_flushed was last told.
uint64_t jf_journal_memory_flushed(const struct jf_journal *base);

// Forgets blocks that hold nothing at or above `position`, so that reading there is JF_ERROR_GAP.
void jf_journal_memory_drop_below(struct jf_journal *base, uint64_t position);

#endif
