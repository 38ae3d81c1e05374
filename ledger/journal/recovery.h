// Where does the journal end, and is what lies behind the end a torn tail or corruption?
//
// The walk stops at the first place where the next block is not valid. Facts about everything
// behind that place are gathered, and a table of rows, tried from the top, gives the verdict. The
// rule behind the rows: only blocks that were in flight when the power went may be missing, and
// nobody was answered for those. Whatever a crash cannot explain is refused and left as it is.
#ifndef JF_JOURNAL_RECOVERY_H
#define JF_JOURNAL_RECOVERY_H

#include "journal/walk.h"

struct jf_tail_facts {
    enum jf_block_finding at_end; // what stands where the next block should
    uint32_t version;             // that the bytes there name, if they are a block
    bool has_anchor;              // a valid block, or the start of segment 1, precedes the end
    uint64_t sequence;            // of the last valid block
    uint64_t last_position;       // of the last valid block
    uint64_t required_position;   // state holds everything up to here, so the journal must too
    bool has_bytes;               // anything but zeros at or behind the end
    uint64_t reach_bytes;         // from the end to the last byte that is not zero
    uint64_t reach_bytes_max;     // as far as blocks in flight can lie
    uint64_t later_count;         // headers with a right checksum behind the end
    uint64_t later_sequence_max;
    uint64_t later_durable_max; // the highest sequence they say was durable
    bool has_stray;             // one of them cannot have been in flight
};

enum jf_tail_verdict {
    JF_TAIL_CLEAN,
    JF_TAIL_CUT,
    JF_TAIL_REFUSE
};

// The rows in their order. X(id, verdict, error, text)
#define JF_TAIL_ROWS(X)                                                                            \
    X(FOREIGN, JF_TAIL_REFUSE, JF_ERROR_FOREIGN, "the block belongs to another ledger")            \
    X(VERSION, JF_TAIL_REFUSE, JF_ERROR_VERSION, "the block is of a newer format version")         \
    X(NO_ANCHOR, JF_TAIL_REFUSE, JF_ERROR_CORRUPT,                                                 \
      "no valid block precedes it, so it cannot be a torn tail")                                   \
    X(MISPLACED, JF_TAIL_REFUSE, JF_ERROR_CORRUPT,                                                 \
      "the block was written for another segment or offset")                                       \
    X(NOT_SUCCESSOR, JF_TAIL_REFUSE, JF_ERROR_CORRUPT,                                             \
      "the block's header is right but does not continue the block before")                        \
    X(STALE, JF_TAIL_REFUSE, JF_ERROR_CORRUPT,                                                     \
      "the block is a leftover of an earlier incarnation")                                         \
    X(MALFORMED, JF_TAIL_REFUSE, JF_ERROR_CORRUPT,                                                 \
      "the block's checksums are right but its contents or padding are not")                       \
    X(WAS_DURABLE, JF_TAIL_REFUSE, JF_ERROR_CORRUPT,                                               \
      "a later block says that this block was durable")                                            \
    X(STATE_IS_AHEAD, JF_TAIL_REFUSE, JF_ERROR_CORRUPT,                                            \
      "the state already holds positions that the journal has lost")                               \
    X(STRAY, JF_TAIL_REFUSE, JF_ERROR_CORRUPT, "a block follows that cannot have been in flight")  \
    X(TOO_FAR, JF_TAIL_REFUSE, JF_ERROR_CORRUPT,                                                   \
      "bytes lie farther behind it than blocks in flight reach")                                   \
    X(TORN, JF_TAIL_CUT, JF_OK, "a torn tail")                                                     \
    X(CLEAN, JF_TAIL_CLEAN, JF_OK, "a clean end")

enum jf_tail_row {
#define JF_TAIL_ROW_ENUM(id, verdict, error, text) JF_TAIL_ROW_##id,
    JF_TAIL_ROWS(JF_TAIL_ROW_ENUM)
#undef JF_TAIL_ROW_ENUM
    JF_TAIL_ROW_COUNT
};

// Returns: the first row that applies. Pure.
enum jf_tail_row jf_tail_judge(const struct jf_tail_facts *facts);
enum jf_tail_verdict jf_tail_row_verdict(enum jf_tail_row row);
enum jf_error jf_tail_row_error(enum jf_tail_row row);
const char *jf_tail_row_text(enum jf_tail_row row);

// Reads everything behind the place where `walk` stands, up to the end of segment `newest`.
// In: at_end as jf_walk_next found it; required_position 0: none. Errors: as jf_segment_open,
// NO_MEMORY.
JF_MUST_USE enum jf_error jf_tail_gather(const struct jf_walk *walk, uint64_t newest,
                                         enum jf_block_finding at_end, uint64_t required_position,
                                         struct jf_tail_facts *out_facts,
                                         struct jf_diagnosis *diagnosis);

// Fills the diagnosis of a refusal: file, offset, block, why, remedy. Returns: the row's error.
enum jf_error jf_tail_diagnose(const struct jf_walk *walk, const struct jf_tail_facts *facts,
                               enum jf_tail_row row, struct jf_diagnosis *diagnosis);

// How many blocks and bytes a cut removes.
void jf_tail_cut_size(const struct jf_tail_facts *facts, uint64_t *out_blocks, uint64_t *out_bytes);

// Overwrites everything behind the place where `walk` stands with zeros, durably, so that no torn
// byte is ever taken for a block. Writes only where the bytes are not zero already.
JF_MUST_USE enum jf_error jf_tail_zero(const struct jf_walk *walk, uint64_t newest,
                                       struct jf_diagnosis *diagnosis);

#endif
