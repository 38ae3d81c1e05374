// Making a damaged header of a block again from the payload, its neighbours, and a proof
// (FORMAT.md, "Repair"). A repair is offered only if the block before and the one after are whole
// and the body checksum that the latter names comes out of what was put together; so it cannot
// change what the journal says.
//
// One thread. Without is_written nothing is changed and no lock is taken.
#ifndef JF_JOURNAL_REPAIR_H
#define JF_JOURNAL_REPAIR_H

#include "io/ring.h"
#include "journal/journal.h"

#define JF_REPAIR_FIELDS_BYTES 256u

// One header that was, or can be, made again.
struct jf_repair {
    char file_name[40];
    uint64_t offset; // of the block in the file
    uint64_t sequence;
    uint32_t bytes_changed;
    char fields[JF_REPAIR_FIELDS_BYTES]; // that they lie in: "time, header checksum"
    bool is_exact; // the header's own checksum agrees too: it is what it was, bit for bit
};

struct jf_repair_config {
    const char *directory;
    bool is_written; // under the journal's lock, durably
    // Called for each header. May be NULL.
    void (*report)(void *context, const struct jf_repair *repair);
    // In: bytes walked and bytes in all segments. May be NULL.
    void (*progress)(void *context, uint64_t bytes_done, uint64_t bytes_total);
    void *context;
};

// Walks the whole journal; every damaged header that can be proved is reported and, if is_written,
// repaired; without it the walk ends at the first. In: ring of the calling thread.
// Returns: JF_OK when the journal is whole (now); *out_count says how many headers were, or can be,
// made again: with is_written false and a count above 0 it is not whole yet. JF_ERROR_CORRUPT,
// diagnosed with file, offset, block and the reason, for damage that is not of a header alone or
// cannot be proved; what was repaired before it stays. LOCKED, and the errors of reading.
JF_MUST_USE enum jf_error jf_journal_repair(const struct jf_repair_config *config,
                                            struct jf_ring *ring, uint32_t *out_count,
                                            struct jf_diagnosis *diagnosis);

#endif
