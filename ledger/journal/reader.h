// Reading a journal directory from outside, and its archive with it: `jifen journal print |
// verify`, tests, followers that copy files. Takes no lock and changes nothing, so it works beside
// a running jifend; what that one is just writing looks like a torn tail, which is an end, not an
// error.
//
// Every block is verified as in recovery: checksums, chain, own place, padding, entries.
// Threads: one reader, one thread. Paths are borrowed for the call only.
#ifndef JF_JOURNAL_READER_H
#define JF_JOURNAL_READER_H

#include "journal/superblock.h"

struct jf_journal_reader;

// Opens at the entry `from_position` (1: from the beginning; 0: from the oldest entry kept).
// Errors: NOT_FOUND (no journal there, or the position lies behind its end), GAP (older than the
// oldest kept), CORRUPT, FOREIGN, VERSION, IO, NO_MEMORY, each diagnosed.
JF_MUST_USE enum jf_error jf_journal_reader_open(const char *directory, uint64_t from_position,
                                                 struct jf_journal_reader **out_reader,
                                                 struct jf_diagnosis *diagnosis);

// Returns: JF_OK with *out_entry, whose bytes stay until the next call; JF_ERROR_NOT_FOUND at the
// end (later calls look again); JF_ERROR_CORRUPT, FOREIGN or VERSION with file, offset and block;
// JF_ERROR_IO.
JF_MUST_USE enum jf_error jf_journal_reader_next(struct jf_journal_reader *reader,
                                                 struct jf_journal_entry *out_entry,
                                                 struct jf_diagnosis *diagnosis);

void jf_journal_reader_close(struct jf_journal_reader *reader); // NULL is accepted

struct jf_ledger_id jf_journal_reader_ledger_id(const struct jf_journal_reader *reader);

// The segment that is being read, and where in it: for messages.
struct jf_journal_place {
    uint64_t segment;
    uint64_t offset; // behind the block of the last entry
};
struct jf_journal_place jf_journal_reader_place(const struct jf_journal_reader *reader);

// One segment file.
struct jf_segment_summary {
    uint64_t number;
    uint64_t size_bytes;
    uint64_t first_sequence; // of its first block
    uint64_t first_position; // of its first entry, or of the next one to come
    uint64_t first_time_us;
    bool has_blocks; // false: a spare, prepared ahead (the three above are 0)
    bool is_archived;
    bool is_damaged; // its first block's header cannot be read: run verify
    char file_name[40];
};

typedef void (*jf_segment_callback)(const struct jf_segment_summary *summary, void *context);

// Calls back for each segment, oldest first; reads one sector of each. Errors: as reader_open.
JF_MUST_USE enum jf_error jf_journal_list_segments(const char *directory,
                                                   jf_segment_callback callback, void *context,
                                                   struct jf_diagnosis *diagnosis);

struct jf_journal_verification {
    struct jf_ledger_id ledger_id;
    uint64_t segments;
    uint64_t blocks; // sealing blocks included
    uint64_t entries;
    uint64_t payload_bytes;  // of all entries, their sizes included
    uint64_t first_position; // 0: no entry
    uint64_t last_position;
    uint64_t first_sequence;
    uint64_t last_sequence;
    uint64_t oldest_segment;
    uint64_t torn_blocks; // behind the end: what the next start would cut, or is being written now
    uint64_t torn_bytes;
    uint32_t damaged_superblock_copies; // the others tell the same
};

// In: bytes verified and bytes in all segments. Called about once a MiB.
typedef void (*jf_verify_callback)(uint64_t bytes_done, uint64_t bytes_total, void *context);

// Verifies every block from the oldest kept to the end. In: callback may be NULL.
// Returns: JF_OK with *out_verification, or as reader_next.
JF_MUST_USE enum jf_error jf_journal_verify(const char *directory, jf_verify_callback callback,
                                            void *context,
                                            struct jf_journal_verification *out_verification,
                                            struct jf_diagnosis *diagnosis);

// Where a copy of the journal ends.
struct jf_journal_end {
    struct jf_superblock superblock;
    struct jf_block_header block; // the last one of the copy; sequence 0: there is none
    uint64_t last_position;       // of that block; 0: none
    uint64_t first_position;      // of the oldest block there is, archived ones too; 0: none
};

struct jf_journal_end_search {
    uint64_t from_segment;       // verify from here on; 0: from the oldest that is there
    uint64_t until_position;     // end with the block that holds it; UINT64_MAX: with the last one
    uint64_t until_sequence;     // or with that block, if it comes first; 0: none
    jf_verify_callback callback; // may be NULL
    void *context;
};

// Verifies every block up to the one that is asked for, or to the end where the journal ends before
// it. Errors: as reader_open and reader_next.
JF_MUST_USE enum jf_error jf_journal_find_end(const char *directory,
                                              const struct jf_journal_end_search *search,
                                              struct jf_journal_end *out_end,
                                              struct jf_diagnosis *diagnosis);

#endif
