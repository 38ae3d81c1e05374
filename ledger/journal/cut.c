// The happy path: a block whose last entries go is sealed again with those that stay; its place in
// the chain is the same, so what is appended continues it. Then zeros, then the files behind, then
// the superblock of the new generation. Fails where the disk does, or where the copy has changed
// since it was verified.
#include "journal/cut.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/assert.h"
#include "journal/archive.h"

#define ZERO_BYTES ((uint64_t)1 << 20)

static enum jf_error fail(uint64_t segment, int code, struct jf_diagnosis *diagnosis)
{
    char name[JF_SEGMENT_NAME_BYTES];
    jf_segment_name(segment, name);
    enum jf_error error = code == ENOSPC   ? JF_ERROR_NO_SPACE
                          : code == ENOMEM ? JF_ERROR_NO_MEMORY
                                           : JF_ERROR_IO;
    return jf_diagnose(diagnosis, error, "journal file %s cannot be cut: %s", name, strerror(code));
}

// Leaves the first `kept` entries in the block and seals it under the new generation.
static void block_shorten(unsigned char *block, struct jf_block_header *header, uint32_t kept,
                          uint64_t generation)
{
    uint32_t size = 0;
    uint32_t entry_size = 0;
    for (uint32_t i = 0; i < kept; i++) {
        (void)jf_block_entry(block + JF_BLOCK_AT_PAYLOAD, &size, &entry_size);
    }
    memset(block + JF_BLOCK_AT_PAYLOAD + size, 0, header->payload_size - size);
    header->entry_count = kept;
    header->payload_size = size;
    header->generation = generation;
    jf_block_seal(block, header);
}

// Returns: 0 or errno; *out_is_same: the block is the one that was verified.
static int block_rewrite(int fd, const struct jf_journal_cut *cut, unsigned char *block,
                         struct jf_block_header *header, bool *out_is_same)
{
    uint32_t length = header->length;
    struct jf_block_header stored;
    int code = jf_read_exactly(fd, block, length, header->offset);
    if (code != 0) {
        return code;
    }
    *out_is_same = jf_block_decode_header(block, &stored) == JF_BLOCK_VALID &&
                   jf_hash128_equal(stored.body_checksum, header->body_checksum) &&
                   stored.length == length && jf_block_check_body(&stored, block) == JF_BLOCK_VALID;
    if (!*out_is_same) {
        return 0;
    }
    uint32_t kept = (uint32_t)(cut->last_position - header->first_position + 1);
    block_shorten(block, header, kept, cut->generation);
    // The old length: what the shorter block leaves is zeros.
    return jf_write_durably(fd, block, length, header->offset);
}

static enum jf_error last_block_end(int fd, const struct jf_journal_cut *cut,
                                    struct jf_block_header *header, struct jf_diagnosis *diagnosis)
{
    if (cut->end.last_position == cut->last_position) {
        return JF_OK;
    }
    JF_ASSERT(cut->last_position >= header->first_position);
    bool is_same = false;
    unsigned char *block = jf_aligned_allocate(JF_BLOCK_BYTES_MAX);
    if (block == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory to cut the journal");
    }
    int code = block_rewrite(fd, cut, block, header, &is_same);
    jf_aligned_free(block, JF_BLOCK_BYTES_MAX);
    if (code != 0) {
        return fail(header->segment, code, diagnosis);
    }
    return is_same ? JF_OK
                   : jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                                 "block %llu of the journal is not what was verified a moment ago",
                                 (unsigned long long)header->sequence);
}

// Written, not left out: a block that is written there later must change no metadata.
static int zeros_write(int fd, uint64_t from, uint64_t size)
{
    unsigned char *zeros = jf_aligned_allocate(ZERO_BYTES);
    int code = zeros == NULL ? ENOMEM : 0;
    for (uint64_t offset = from; offset < size && code == 0; offset += ZERO_BYTES) {
        uint64_t left = size - offset;
        uint64_t piece = left < ZERO_BYTES ? left : ZERO_BYTES;
        ssize_t put = pwrite(fd, zeros, piece, (off_t)offset);
        code = put < 0 ? errno : put == (ssize_t)piece ? 0 : ENOSPC;
    }
    if (code == 0 && fsync(fd) != 0) {
        code = errno;
    }
    jf_aligned_free(zeros, ZERO_BYTES);
    return code;
}

static enum jf_error segment_end(int directory_fd, const struct jf_journal_cut *cut,
                                 struct jf_diagnosis *diagnosis)
{
    struct jf_block_header header = cut->end.block;
    bool is_empty = header.sequence == 0;
    uint64_t segment = is_empty ? cut->end.superblock.oldest_segment : header.segment;
    int fd = -1;
    uint64_t size = 0;
    enum jf_error error =
        jf_segment_open(directory_fd, segment, JF_SEGMENT_WRITE, &fd, &size, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    if (!is_empty) {
        error = last_block_end(fd, cut, &header, diagnosis);
    }
    uint64_t end = is_empty ? 0 : header.offset + header.length;
    if (error == JF_OK) {
        int code = zeros_write(fd, end, size);
        error = code == 0 ? JF_OK : fail(segment, code, diagnosis);
    }
    close(fd);
    return error;
}

// The first segment that the journal itself will have: an archived one, if it ends in it.
static uint64_t oldest_after(const struct jf_journal_cut *cut)
{
    uint64_t oldest = cut->end.superblock.oldest_segment;
    bool is_archived = cut->end.block.sequence > 0 && cut->end.block.segment < oldest;
    return is_archived ? cut->end.block.segment : oldest;
}

// Archived segments behind the last one are not this generation's.
static enum jf_error archived_remove(int directory_fd, const struct jf_journal_cut *cut,
                                     struct jf_diagnosis *diagnosis)
{
    for (uint64_t segment = oldest_after(cut); segment < cut->end.superblock.oldest_segment;
         segment++) {
        char name[JF_ARCHIVE_NAME_BYTES];
        jf_archive_name(segment, name);
        if (unlinkat(directory_fd, name, 0) != 0 && errno != ENOENT) {
            return fail(segment, errno, diagnosis);
        }
    }
    return JF_OK;
}

static enum jf_error later_remove(int directory_fd, const struct jf_journal_cut *cut,
                                  struct jf_diagnosis *diagnosis)
{
    struct jf_directory_listing listing;
    uint64_t oldest = oldest_after(cut);
    uint64_t last = cut->end.block.sequence == 0 ? oldest : cut->end.block.segment;
    enum jf_error error = jf_directory_list(directory_fd, oldest, &listing, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    for (uint64_t segment = listing.newest; segment > last; segment--) {
        char name[JF_SEGMENT_NAME_BYTES];
        jf_segment_name(segment, name);
        if (unlinkat(directory_fd, name, 0) != 0 && errno != ENOENT) {
            return fail(segment, errno, diagnosis);
        }
    }
    return fsync(directory_fd) == 0 ? JF_OK : fail(last, errno, diagnosis);
}

enum jf_error jf_journal_cut_run(const char *directory, const struct jf_journal_cut *cut,
                                 struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(cut->last_position <= cut->end.last_position);
    JF_ASSERT(cut->flushed_position <= cut->last_position + 1);
    int fd = -1;
    enum jf_error error = jf_directory_open(directory, &fd, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    if (oldest_after(cut) < cut->end.superblock.oldest_segment) {
        error = jf_archive_take_out(fd, oldest_after(cut), diagnosis);
    }
    if (error == JF_OK) {
        error = segment_end(fd, cut, diagnosis);
    }
    if (error == JF_OK) {
        error = later_remove(fd, cut, diagnosis);
    }
    if (error == JF_OK) {
        error = archived_remove(fd, cut, diagnosis);
    }
    if (error == JF_OK) {
        struct jf_superblock superblock = cut->end.superblock;
        uint64_t incarnation = cut->end.block.incarnation;
        superblock.sequence += 1;
        superblock.generation = cut->generation;
        superblock.oldest_segment = oldest_after(cut);
        superblock.flushed_position = cut->flushed_position;
        if (incarnation > superblock.incarnation) {
            superblock.incarnation = incarnation;
        }
        error = jf_superblock_create(fd, &superblock, diagnosis);
    }
    close(fd);
    return error;
}
