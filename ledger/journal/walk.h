// Walks the blocks of a journal in order and checks each one in full: header, own place,
// succession, body, padding, entries. Recovery, the live cursor and the command line all read
// through here.
//
// The caller's memory; one thread at a time. Large sequential reads into one buffer that is
// allocated at init; nothing is allocated per block.
#ifndef JF_JOURNAL_WALK_H
#define JF_JOURNAL_WALK_H

#include "journal/segment.h"

#define JF_WALK_BUFFER_BYTES (2u * JF_BLOCK_BYTES_MAX)

// What the next block must continue.
struct jf_walk_tail {
    bool is_known; // false: the first block is taken as it comes (reading starts amid the journal)
    uint64_t sequence;
    uint64_t last_position;
    uint64_t incarnation;
    uint64_t time_us;
    struct jf_hash128 body_checksum;
};

struct jf_walk {
    struct jf_block_identity identity;
    int directory_fd; // the caller's
    int fd;           // of the current segment, -1: none
    uint64_t segment;
    uint64_t segment_size;
    uint64_t offset; // where the next block is expected
    struct jf_walk_tail tail;
    unsigned char *buffer;
    uint64_t buffer_offset; // in the segment
    uint64_t buffer_size;   // bytes valid
    uint32_t fill_bytes;    // next read's size: grows while reading goes on
};

// A checked block. `payload` points into the walk's buffer until the next call.
struct jf_walk_block {
    struct jf_block_header header;
    const unsigned char *payload;
};

// Errors: NO_MEMORY.
JF_MUST_USE enum jf_error jf_walk_init(struct jf_walk *walk, int directory_fd,
                                       const struct jf_block_identity *identity);
void jf_walk_deinit(struct jf_walk *walk); // safe on a zeroed walk

// Goes to the start of a segment. Segment 1 must begin with sequence 1; any other begins as it
// does. Errors: as jf_segment_open.
JF_MUST_USE enum jf_error jf_walk_seek(struct jf_walk *walk, uint64_t segment,
                                       struct jf_diagnosis *diagnosis);

// Takes the next block, going to the next segment when this one is full.
// Out: *out_finding; when it is VALID also *out_block, and the walk stands behind it. Otherwise the
// walk stands where it stood, and may be asked again. Errors: IO for failures other than EIO on
// data; CORRUPT for a segment file of impossible size.
JF_MUST_USE enum jf_error jf_walk_next(struct jf_walk *walk, struct jf_walk_block *out_block,
                                       enum jf_block_finding *out_finding,
                                       struct jf_diagnosis *diagnosis);

// Forgets what was read ahead, because the file may have changed since.
void jf_walk_forget(struct jf_walk *walk);

// Reads the header of a segment's first block.
// Returns: VALID with *out_header, or what is wrong. Errors: as jf_segment_open, NO_MEMORY.
JF_MUST_USE enum jf_error jf_walk_first_header(int directory_fd, uint64_t segment,
                                               const struct jf_block_identity *identity,
                                               struct jf_block_header *out_header,
                                               enum jf_block_finding *out_finding,
                                               struct jf_diagnosis *diagnosis);

// Finds the newest segment from which reading at `position` can start: its first block is readable
// and begins at or below it (below it strictly, if asked). None: the oldest. In: oldest..newest
// exist. Out: the segment. Errors: GAP when the oldest begins above `position`.
struct jf_walk_search {
    uint64_t oldest;
    uint64_t newest;
    uint64_t position;
    bool is_strict;
};
JF_MUST_USE enum jf_error jf_walk_find(int directory_fd, const struct jf_walk_search *search,
                                       const struct jf_block_identity *identity,
                                       uint64_t *out_segment, struct jf_diagnosis *diagnosis);

#endif
