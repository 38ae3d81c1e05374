// The proof behind a repair, apart from all files: from the bytes where a block with a damaged
// header stands, the block before and the header of the one after, the header as it must have been.
// Pure; the caller's memory. Threads: any.
#ifndef JF_JOURNAL_HEADER_PROOF_H
#define JF_JOURNAL_HEADER_PROOF_H

#include "journal/walk.h"

struct jf_header_evidence {
    struct jf_block_identity identity;
    uint64_t segment; // where the block stands
    uint64_t offset;
    const struct jf_walk_tail *before;   // known
    const struct jf_block_header *after; // of the next block, found whole
    const unsigned char *stored;         // the block's bytes as they are
    uint64_t room;                       // bytes of them
    uint32_t length;                     // of the block, where the next one tells; 0: it does not
};

enum jf_header_verdict {
    JF_HEADER_PROVED,   // body by the chain, envelope by the header's own checksum: bit for bit
    JF_HEADER_DERIVED,  // body by the chain; the stored checksum is damaged itself, and every field
                        // of the envelope is as stored and possible, or follows from the neighbours
    JF_HEADER_PAYLOAD,  // the payload's entries do not end where the block does
    JF_HEADER_BODY,     // no time between the neighbours' gives the body checksum that is named
    JF_HEADER_ENVELOPE, // a field of the envelope that nothing tells is damaged, and so is its
                        // checksum
    JF_HEADER_VERDICT_COUNT
};

// Returns: a clause about the verdict, static.
const char *jf_header_verdict_text(enum jf_header_verdict verdict);

// In: block, memory of `room` bytes that holds a copy of `stored`. Out, for PROVED and DERIVED: the
// header in place in it, and *out_length.
enum jf_header_verdict jf_header_prove(const struct jf_header_evidence *evidence,
                                       unsigned char *block, uint32_t *out_length);

// Names of the fields in which two headers differ, comma between them. Returns: bytes that differ.
uint32_t jf_header_fields_differ(const unsigned char *a, const unsigned char *b, char *out_names,
                                 size_t size);

#endif
