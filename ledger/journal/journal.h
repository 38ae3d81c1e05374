// The journal: an append-only sequence of blocks of entries, reached through a small table of
// functions so that the engine does not know whether it is local files (journal/local.h), memory
// with faults (journal/memory.h) or, later, a replicated log.
//
// Positions number entries: 1, 2, 3 … without gaps. A block holds the consecutive entries
// first_position .. first_position + entry_count - 1, length-prefixed (see journal/block.h and
// FORMAT.md). An entry is opaque bytes here.
//
// Use, by one thread (the ledger thread):
//   draft → fill payload with jf_block_append → submit → … poll … → durable() has reached the
//   position.
// Several blocks may be in flight; durable() advances in order only, and only over blocks whose
// write completed in full length. Any failure of a write or sync is final: every later call answers
// the same error, the process must stop and recover (RECOVERY: never retry on the same pages).
#ifndef JF_JOURNAL_JOURNAL_H
#define JF_JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/limits.h"

struct jf_ledger_id {
    unsigned char bytes[16];
};

// A block being filled. Owned by the journal; lent from draft to submit or abandon.
struct jf_block_draft {
    unsigned char *payload;    // aligned; JF_BLOCK_BYTES_MAX minus the header may be written
    uint32_t payload_size;     // bytes filled so far
    uint32_t payload_capacity; // bytes
    uint32_t entry_count;      // entries appended so far
    uint64_t first_position;   // position of the first entry: set by draft
    uint32_t index;            // private
};

// One entry as read back. `bytes` point into the reader's or journal's buffer until the next call.
struct jf_journal_entry {
    uint64_t position;
    const unsigned char *bytes;
    uint32_t size;
    uint64_t block_sequence;
    uint64_t block_time_us; // when the block was sealed, Unix time in microseconds
    bool is_last_in_block;
};

struct jf_journal;
struct jf_journal_cursor; // a reading place; see read_open

struct jf_journal_operations {
    // Lends an empty draft, one at a time. Returns: JF_OK; JF_ERROR_BUSY when
    // JF_BLOCKS_IN_FLIGHT_MAX are in flight or the next segment is not ready yet (turn the ring,
    // ask again); JF_ERROR_NO_SPACE when the reserve below the disk's real end is reached (reading
    // goes on, a later call may succeed again); or the final error.
    enum jf_error (*draft)(struct jf_journal *journal, struct jf_block_draft **out_draft);

    // Seals (header, checksums, chain) and submits the draft, which has at least one entry.
    // In: time_us the stamp of the batch, Unix microseconds, not decreasing.
    enum jf_error (*submit)(struct jf_journal *journal, struct jf_block_draft *draft,
                            uint64_t time_us);

    // Gives an unused draft back: nothing is written.
    void (*abandon)(struct jf_journal *journal, struct jf_block_draft *draft);

    // Does what is due: seal-on-idle block, preparing the next segment, superblock. Completions
    // themselves arrive through the ring's turn. Returns: JF_OK or the final error.
    enum jf_error (*tick)(struct jf_journal *journal, uint64_t time_us);

    // The highest position whose block, and every block before, is durable. 0: none.
    uint64_t (*durable)(const struct jf_journal *journal);

    // The last position handed to submit. 0: none.
    uint64_t (*last)(const struct jf_journal *journal);

    // When tick wants to be called next, microseconds from time_us; UINT64_MAX: not by itself.
    uint64_t (*tick_after_us)(const struct jf_journal *journal, uint64_t time_us);

    // Everything below `position` is safely in state on disk: recorded in the superblock.
    // Segments that hold nothing above it may be dropped, if the configuration says so.
    enum jf_error (*note_flushed)(struct jf_journal *journal, uint64_t position);

    // Opens a reading place whose first entry is `position` (1..durable+1). Reads only durable
    // blocks. May be used from another thread than the writer's, one thread at a time. Errors:
    // JF_ERROR_INVALID outside that range;
    // JF_ERROR_GAP when older than the oldest block kept; JF_ERROR_NO_MEMORY; JF_ERROR_IO.
    enum jf_error (*read_open)(struct jf_journal *journal, uint64_t position,
                               struct jf_journal_cursor **out_cursor,
                               struct jf_diagnosis *diagnosis);
    // Returns: JF_OK with *out_entry; JF_ERROR_NOT_FOUND at the durable end (call again later);
    // JF_ERROR_CORRUPT with segment, offset and block named.
    enum jf_error (*read_next)(struct jf_journal_cursor *cursor, struct jf_journal_entry *out_entry,
                               struct jf_diagnosis *diagnosis);
    void (*read_close)(struct jf_journal_cursor *cursor); // NULL is accepted

    // Waits for writes in flight, stops; frees everything. NULL is accepted.
    void (*close)(struct jf_journal *journal);

    // Segments older than this one are archived and are no longer the journal's. In: state holds on
    // disk everything up to the first entry of `segment`, which has blocks. Their files may be
    // removed once oldest_kept, which any thread may ask, says so: then the disk says so, too.
    enum jf_error (*drop_below)(struct jf_journal *journal, uint64_t segment);
    uint64_t (*oldest_kept)(const struct jf_journal *journal);
};

// Every implementation begins with this.
struct jf_journal {
    const struct jf_journal_operations *operations;
    struct jf_ledger_id ledger_id;
    uint64_t generation;         // counts restores from a backup: 1 in a ledger never restored
    struct jf_diagnosis failure; // the final error, once there is one (error JF_OK: none)
};

// Appends one length-prefixed entry to a draft. Returns: JF_OK, or JF_ERROR_LIMIT when it does not
// fit (the draft is unchanged). In: size 1..JF_ENTRY_BYTES_MAX.
JF_MUST_USE enum jf_error jf_block_append(struct jf_block_draft *draft, const void *bytes,
                                          uint32_t size);

// The same in two steps, to encode in place: reserve gives room for up to `size_max` bytes (NULL
// when it does not fit); commit keeps the first `size` of them. An uncommitted reserve leaves no
// trace.
unsigned char *jf_block_reserve(struct jf_block_draft *draft, uint32_t size_max);
void jf_block_commit(struct jf_block_draft *draft, uint32_t size);

#endif
