// The journal as files of one directory, written through io_uring with O_DIRECT and RWF_DSYNC.
// See journal.h for use and ledger/FORMAT.md for the bytes.
#ifndef JF_JOURNAL_LOCAL_H
#define JF_JOURNAL_LOCAL_H

#include "io/ring.h"
#include "journal/journal.h"

struct jf_journal_config {
    const char *directory;  // exists; holds LOCK, SUPERBLOCK and segment files, nothing else
    uint64_t segment_bytes; // JF_SEGMENT_BYTES_MIN..MAX, multiple of JF_SECTOR_BYTES; used for new
                            // segments
    uint64_t reserve_bytes; // free space of the file system below which drafts are refused
    uint64_t seal_idle_us; // after this long without a successor an empty block seals the last one;
                           // 0: never
    uint64_t replay_from;  // first position recovery wants to read; blocks from its segment on are
                           // verified
    bool must_exist;       // refuse to create a new journal
    struct jf_ledger_id create_id; // the id of a journal that is created here
};

// What opening found, for the operator's log.
struct jf_journal_opening {
    uint64_t first_position; // oldest kept; 1 in a new journal
    uint64_t last_position;  // newest durable; 0 in a new journal
    uint64_t last_sequence;  // of the last valid block
    uint64_t
        last_time_us;    // its stamp; earlier stamps given to submit are raised to it. 0: no block
    uint64_t blocks_cut; // torn tail, cut
    uint64_t bytes_cut;
    uint32_t superblock_copies_damaged; // mended by starting
    bool was_created;
};

// Opening is three steps, so that whoever owns a state beside the journal can look at it under the
// journal's lock, and open it once the journal is judged and before anything is changed.
//
// Errors of all: NOT_FOUND (no such directory, or must_exist and there is no journal), LOCKED,
// FOREIGN, VERSION, CORRUPT, GAP, NO_DIRECT, NO_SPACE, IO, NO_MEMORY, each diagnosed with file,
// offset, block and remedy.

// Takes the lock and reads the superblock; makes the journal where there is none. After it only the
// journal's ledger_id, judge and close may be used. In: ring of the calling thread, must outlive
// the journal; config->replay_from is not looked at.
JF_MUST_USE enum jf_error jf_journal_local_lock(const struct jf_journal_config *config,
                                                struct jf_ring *ring,
                                                struct jf_journal **out_journal,
                                                struct jf_diagnosis *diagnosis);

// Syncs, finds the end, tells a torn tail from corruption. Changes nothing; blocks_cut and
// bytes_cut say what starting will cut. On error the journal is the caller's to close.
JF_MUST_USE enum jf_error jf_journal_local_judge(struct jf_journal *journal, uint64_t replay_from,
                                                 struct jf_journal_opening *out_opening,
                                                 struct jf_diagnosis *diagnosis);

// Cuts the torn tail and begins a new incarnation: from here on the journal can be used. On error
// it is the caller's to close.
JF_MUST_USE enum jf_error jf_journal_local_start(struct jf_journal *journal,
                                                 struct jf_diagnosis *diagnosis);

// All three. On error no block, segment or superblock was changed, and nothing is left open.
JF_MUST_USE enum jf_error jf_journal_local_open(const struct jf_journal_config *config,
                                                struct jf_ring *ring,
                                                struct jf_journal **out_journal,
                                                struct jf_journal_opening *out_opening,
                                                struct jf_diagnosis *diagnosis);

#endif
