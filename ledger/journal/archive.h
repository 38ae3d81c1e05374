// Archived segments: sealed segments compressed with zstd, in the folder `archive` of the journal's
// directory, which may be a symbolic link to a directory elsewhere. Readers take a segment from
// there when the journal itself no longer has it (jf_segment_open), so journal and archive read as
// one. ledger/FORMAT.md tells the bytes.
//
// Threads: any; nothing is shared. Descriptors belong to the caller. One zstd context a call: about
// 10 MiB while it compresses, and the segment itself in memory while it is read from the archive.
#ifndef JF_JOURNAL_ARCHIVE_H
#define JF_JOURNAL_ARCHIVE_H

#include "journal/segment.h"

#define JF_ARCHIVE_FOLDER         "archive"
#define JF_ARCHIVE_SUFFIX         ".zst"
#define JF_ARCHIVE_FORMAT_VERSION 1u
#define JF_ARCHIVE_MAGIC          0x56484352414a4601ull // 01 "FJARCHV"
#define JF_ARCHIVE_FRAME_MAGIC    0x184d2a5au // one of zstd's magic numbers of frames to be skipped
#define JF_ARCHIVE_FRAME_BYTES    8u          // that number, and the label's size
#define JF_ARCHIVE_LABEL_BYTES    128u

// Offset table of the label at the file's end: integers little-endian, the rest zero.
enum jf_archive_at {
    JF_ARCHIVE_AT_CHECKSUM = 0, // 16: XXH3-128 of bytes 16..127
    JF_ARCHIVE_AT_MAGIC = 16,   // 8
    JF_ARCHIVE_AT_VERSION = 24, // 4
    JF_ARCHIVE_AT_PARTITION = 28,
    JF_ARCHIVE_AT_LEDGER_ID = 32,  // 16
    JF_ARCHIVE_AT_GENERATION = 48, // 8: of the journal when it was archived
    JF_ARCHIVE_AT_SEGMENT = 56,    // 8
    JF_ARCHIVE_AT_SIZE = 64,       // 8: of the segment, bytes
    JF_ARCHIVE_AT_HASH = 72,       // 16: XXH3-128 of the segment's bytes
    JF_ARCHIVE_AT_END = 88,
};
_Static_assert(JF_ARCHIVE_AT_HASH == JF_ARCHIVE_AT_SIZE + 8, "offset table");
_Static_assert(JF_ARCHIVE_AT_END <= JF_ARCHIVE_LABEL_BYTES, "offset table");

struct jf_archive_label {
    struct jf_block_identity identity;
    uint64_t generation;
    uint64_t segment;
    uint64_t size_bytes;
    struct jf_hash128 hash;
};

// "archive/segment-0000000000000001.jfl.zst" for number 1.
#define JF_ARCHIVE_NAME_BYTES (JF_SEGMENT_NAME_BYTES + 16)
void jf_archive_name(uint64_t number, char out_name[JF_ARCHIVE_NAME_BYTES]);

// In: directory_fd: the journal's.
bool jf_archive_has(int directory_fd, uint64_t number);

// Adds the archived segments directly below a listing's oldest to it.
void jf_archive_extend(int directory_fd, struct jf_directory_listing *listing);

// Errors: NOT_FOUND, CORRUPT (no archived segment of that number), VERSION, IO; diagnosed.
JF_MUST_USE enum jf_error jf_archive_label_read(int directory_fd, uint64_t number,
                                                struct jf_archive_label *out_label,
                                                struct jf_diagnosis *diagnosis);

// Opens a segment of the archive, whole and in memory, its checksum compared. Errors: as
// label_read; CORRUPT also for bytes that are not what the label says; NO_MEMORY.
JF_MUST_USE enum jf_error jf_archive_open(int directory_fd, uint64_t number, int *out_fd,
                                          uint64_t *out_size, struct jf_diagnosis *diagnosis);

// Reads only a segment's first sector, and its size. Errors: as label_read.
JF_MUST_USE enum jf_error jf_archive_first_sector(int directory_fd, uint64_t number,
                                                  unsigned char *bytes, uint64_t *out_size,
                                                  struct jf_diagnosis *diagnosis);

// Compresses a segment of the journal into the archive, reads it back and compares, durably. One
// that is there already and holds the same is left; one that holds something else is not touched.
// In: the archive's folder exists. label: without size and hash. Errors: EXISTS (another content
// under that name, diagnosed with whose), CORRUPT (it does not read back), NO_SPACE, IO, NO_MEMORY.
JF_MUST_USE enum jf_error jf_archive_put(int directory_fd, struct jf_archive_label *label,
                                         struct jf_diagnosis *diagnosis);

// Makes a segment file of the journal of an archived segment, durably. Errors: as jf_archive_open;
// NO_SPACE.
JF_MUST_USE enum jf_error jf_archive_take_out(int directory_fd, uint64_t number,
                                              struct jf_diagnosis *diagnosis);

#endif
