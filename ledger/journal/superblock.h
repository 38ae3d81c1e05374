// The superblock: which ledger this journal is, and what no block can say about itself. One file of
// four equal copies, each a sector with sequence and checksum. It is rewritten half by half, each
// half durable before the next, so that a tear leaves two older copies; the newest valid copy
// counts. Threads: any; nothing is shared.
#ifndef JF_JOURNAL_SUPERBLOCK_H
#define JF_JOURNAL_SUPERBLOCK_H

#include "journal/segment.h"

#define JF_SUPERBLOCK_COPIES         4u
#define JF_SUPERBLOCK_BYTES          (JF_SUPERBLOCK_COPIES * JF_SECTOR_BYTES)
#define JF_SUPERBLOCK_HALF_BYTES     (JF_SUPERBLOCK_BYTES / 2)
#define JF_SUPERBLOCK_FORMAT_VERSION 1u
#define JF_SUPERBLOCK_MAGIC          0x5245505553464a01ull // 01 "JFSUPER"

// Offset table of one copy: integers little-endian, the rest of the sector zero.
enum jf_superblock_at {
    JF_SUPERBLOCK_AT_CHECKSUM = 0, // 16: XXH3-128 of bytes 16..4095
    JF_SUPERBLOCK_AT_MAGIC = 16,   // 8
    JF_SUPERBLOCK_AT_VERSION = 24, // 4
    JF_SUPERBLOCK_AT_PARTITION = 28,
    JF_SUPERBLOCK_AT_LEDGER_ID = 32,  // 16
    JF_SUPERBLOCK_AT_SEQUENCE = 48,   // 8: counts rewrites
    JF_SUPERBLOCK_AT_GENERATION = 56, // 8
    JF_SUPERBLOCK_AT_INCARNATION =
        64,                        // 8: openings for writing; 0: the first segment may be missing
    JF_SUPERBLOCK_AT_OLDEST = 72,  // 8: oldest segment kept
    JF_SUPERBLOCK_AT_FLUSHED = 80, // 8: state holds every position below this on disk
    JF_SUPERBLOCK_AT_END = 88,
};
_Static_assert(JF_SUPERBLOCK_AT_SEQUENCE == JF_SUPERBLOCK_AT_LEDGER_ID + 16, "offset table");
_Static_assert(JF_SUPERBLOCK_AT_END == JF_SUPERBLOCK_AT_FLUSHED + 8, "offset table");

struct jf_superblock {
    struct jf_block_identity identity;
    uint64_t sequence;
    uint64_t generation;
    uint64_t incarnation;
    uint64_t oldest_segment;
    uint64_t flushed_position;
    uint32_t damaged_copies; // of those read, not valid; the next opening for writing mends them
};

// Writes all copies' bytes. In: JF_SUPERBLOCK_BYTES of memory.
void jf_superblock_encode(const struct jf_superblock *superblock, unsigned char *bytes);

// Takes the newest valid copy. Errors: CORRUPT when none is valid; FOREIGN when valid copies name
// different ledgers; VERSION when the newest is of a newer format.
JF_MUST_USE enum jf_error jf_superblock_decode(const unsigned char *bytes,
                                               struct jf_superblock *out_superblock,
                                               struct jf_diagnosis *diagnosis);

// Reads the file. Errors: as above, NOT_FOUND, NO_DIRECT, IO, NO_MEMORY.
JF_MUST_USE enum jf_error jf_superblock_read(int directory_fd, struct jf_superblock *out_superblock,
                                             struct jf_diagnosis *diagnosis);

// Writes all copies in place, half by half, durably. In: fd opened for O_DIRECT writes.
JF_MUST_USE enum jf_error jf_superblock_write(int fd, const struct jf_superblock *superblock,
                                              struct jf_diagnosis *diagnosis);

// Makes the file: written beside, synced, renamed. It exists whole or not at all.
JF_MUST_USE enum jf_error jf_superblock_create(int directory_fd,
                                               const struct jf_superblock *superblock,
                                               struct jf_diagnosis *diagnosis);

#endif
