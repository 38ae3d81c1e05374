// Cutting a copy of a journal behind a position, so that it goes on from there as a journal of its
// own: what a restore does. The directory belongs to the caller; nobody has it open.
#ifndef JF_JOURNAL_CUT_H
#define JF_JOURNAL_CUT_H

#include "journal/reader.h"

struct jf_journal_cut {
    struct jf_journal_end end; // the block that holds the last position kept
    uint64_t last_position;    // kept; at most end.last_position
    uint64_t generation;       // of what will be written behind it
    uint64_t flushed_position; // see superblock; at most last_position + 1
};

// Ends the last block with `last_position`, fills what follows it in its segment with zeros,
// removes later segments, and writes the superblock, last. A last segment that is archived is taken
// out of the archive. In: the archive is the directory's own folder, no link. In order and durably,
// so that a cut that broke off is done again on a new copy. Errors: IO, NO_SPACE, NO_DIRECT,
// CORRUPT (a segment is not what `end` says), NO_MEMORY, each diagnosed.
JF_MUST_USE enum jf_error jf_journal_cut_run(const char *directory,
                                             const struct jf_journal_cut *cut,
                                             struct jf_diagnosis *diagnosis);

#endif
