// Segment files and the directory that holds them: names, listing, opening, careful reading.
// Threads: any; nothing is shared. Descriptors belong to the caller.
#ifndef JF_JOURNAL_SEGMENT_H
#define JF_JOURNAL_SEGMENT_H

#include "journal/block.h"

#define JF_SEGMENT_NAME_BYTES   40
#define JF_SEGMENT_TEMPORARY    "segment.preparing" // one at a time, renamed when it is ready
#define JF_SUPERBLOCK_NAME      "SUPERBLOCK"
#define JF_SUPERBLOCK_TEMPORARY "SUPERBLOCK.preparing"
#define JF_LOCK_NAME            "LOCK"

// Writes "segment-0000000000000001.jfl" for number 1.
void jf_segment_name(uint64_t number, char out_name[JF_SEGMENT_NAME_BYTES]);

struct jf_directory_listing {
    uint64_t oldest; // segment numbers, among those at or above the bound asked for; 0: none
    uint64_t newest;
    uint64_t count;
    bool has_superblock;
    bool has_lock;
    bool has_strangers; // files that no journal makes
};

// Opens the directory itself. Errors: NOT_FOUND, IO.
JF_MUST_USE enum jf_error jf_directory_open(const char *directory, int *out_fd,
                                            struct jf_diagnosis *diagnosis);

// In: bound the oldest segment the journal owns; older files are not counted. Errors: IO.
JF_MUST_USE enum jf_error jf_directory_list(int directory_fd, uint64_t bound,
                                            struct jf_directory_listing *out_listing,
                                            struct jf_diagnosis *diagnosis);

enum jf_segment_access {
    JF_SEGMENT_READ,  // O_DIRECT where the file system has it
    JF_SEGMENT_WRITE, // O_DIRECT or JF_ERROR_NO_DIRECT
};

// Opens a segment and looks at its size. One that the journal no longer has is opened for reading
// from its archive (journal/archive.h), in memory. Errors: NOT_FOUND, NO_DIRECT, IO; CORRUPT when
// the size is no multiple of a sector or outside JF_SEGMENT_BYTES_MIN..MAX, or the archived segment
// is damaged; VERSION, NO_MEMORY from the archive.
JF_MUST_USE enum jf_error jf_segment_open(int directory_fd, uint64_t number,
                                          enum jf_segment_access access, int *out_fd,
                                          uint64_t *out_size, struct jf_diagnosis *diagnosis);

// Reads a segment's first sector, and its size, from journal or archive, without the rest.
// Out: *out_code 0, or the errno of a sector that cannot be read. Errors: as jf_segment_open.
JF_MUST_USE enum jf_error jf_segment_first_sector(int directory_fd, uint64_t number,
                                                  unsigned char *bytes, uint64_t *out_size,
                                                  int *out_code, struct jf_diagnosis *diagnosis);

// Opens any file of the directory with O_DIRECT. Errors: NO_DIRECT, IO, NO_SPACE.
JF_MUST_USE enum jf_error jf_direct_open(int directory_fd, const char *name, int flags, int *out_fd,
                                         struct jf_diagnosis *diagnosis);

// Takes an exclusive flock on an open file, waiting up to ten seconds. A write in flight keeps its
// file description, and so this lock, alive after its process was killed; LOCK is free by then. Who
// gets this lock knows that nothing of an earlier process can still land. Errors: LOCKED, IO.
JF_MUST_USE enum jf_error jf_hold_file(int fd, const char *name, struct jf_diagnosis *diagnosis);

// Reads exactly `size` bytes at `offset`, both multiples of a sector, into aligned memory.
// Returns: 0, or the errno of what failed; EIO also for a short file.
int jf_read_exactly(int fd, unsigned char *bytes, uint64_t size, uint64_t offset);

// Writes and syncs exactly `size` bytes. Returns: 0 or errno; EIO for a short write.
int jf_write_durably(int fd, const unsigned char *bytes, uint64_t size, uint64_t offset);

// Page-aligned zeroed memory, or NULL. Free with jf_aligned_free and the same size.
unsigned char *jf_aligned_allocate(size_t size);
void jf_aligned_free(unsigned char *bytes, size_t size); // NULL is accepted

#endif
