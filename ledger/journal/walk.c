// The happy path: fill the buffer at the next block, check the block, step over it; at a segment's
// end open the next one. Failures are findings: the caller knows whether a finding is the end, a
// torn tail or corruption. The one question answered here is whether zeros mean "go on in the next
// segment": only when less than a block's room is left, all of it zeros, and the next segment
// begins with the successor.
#include "journal/walk.h"

#include <errno.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bug.h"

#define FILL_BYTES_MIN (64u << 10)

enum jf_error jf_walk_init(struct jf_walk *walk, int directory_fd,
                           const struct jf_block_identity *identity)
{
    *walk = (struct jf_walk){.directory_fd = directory_fd, .fd = -1, .identity = *identity};
    walk->buffer = jf_aligned_allocate(JF_WALK_BUFFER_BYTES);
    walk->fill_bytes = FILL_BYTES_MIN;
    return walk->buffer == NULL ? JF_ERROR_NO_MEMORY : JF_OK;
}

void jf_walk_deinit(struct jf_walk *walk)
{
    if (walk->buffer == NULL) {
        return;
    }
    if (walk->fd >= 0) {
        close(walk->fd);
    }
    jf_aligned_free(walk->buffer, JF_WALK_BUFFER_BYTES);
    walk->buffer = NULL;
}

void jf_walk_forget(struct jf_walk *walk)
{
    walk->buffer_size = 0;
    walk->fill_bytes = FILL_BYTES_MIN;
}

// Takes over an open segment; the tail stays as it is.
static void enter_segment(struct jf_walk *walk, uint64_t segment, int fd, uint64_t size)
{
    JF_ASSERT(fd >= 0);
    if (walk->fd >= 0) {
        close(walk->fd);
    }
    walk->fd = fd;
    walk->segment = segment;
    walk->segment_size = size;
    walk->offset = 0;
    walk->buffer_size = 0;
}

enum jf_error jf_walk_seek(struct jf_walk *walk, uint64_t segment, struct jf_diagnosis *diagnosis)
{
    int fd = -1;
    uint64_t size = 0;
    enum jf_error error =
        jf_segment_open(walk->directory_fd, segment, JF_SEGMENT_READ, &fd, &size, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    enter_segment(walk, segment, fd, size);
    walk->tail = (struct jf_walk_tail){.is_known = segment == 1};
    return JF_OK;
}

// Makes `need` bytes at the walk's offset available. Returns: 0 or errno. An unreadable sector
// further ahead must not spoil the block in front of it: on failure only what is needed is read.
static int fill(struct jf_walk *walk, uint64_t need)
{
    JF_ASSERT(need <= JF_WALK_BUFFER_BYTES);
    uint64_t start = walk->buffer_offset;
    if (walk->offset >= start && walk->offset + need <= start + walk->buffer_size) {
        return 0;
    }
    uint64_t room = walk->segment_size - walk->offset;
    uint64_t size = walk->fill_bytes > need ? walk->fill_bytes : need;
    size = size > room ? room : size;
    JF_ASSERT(size >= need);
    walk->buffer_offset = walk->offset;
    walk->buffer_size = 0;
    int code = jf_read_exactly(walk->fd, walk->buffer, size, walk->offset);
    if (code == EIO && size > need) {
        size = need;
        code = jf_read_exactly(walk->fd, walk->buffer, size, walk->offset);
    }
    walk->buffer_size = code == 0 ? size : 0;
    if (walk->fill_bytes < JF_WALK_BUFFER_BYTES) {
        walk->fill_bytes *= 2;
    }
    return code;
}

static enum jf_error read_failure(const struct jf_walk *walk, int code,
                                  struct jf_diagnosis *diagnosis)
{
    char name[JF_SEGMENT_NAME_BYTES];
    jf_segment_name(walk->segment, name);
    return jf_diagnose(diagnosis, JF_ERROR_IO, "journal file %s cannot be read at offset %llu: %s",
                       name, (unsigned long long)walk->offset, strerror(code));
}

static enum jf_block_finding check_succession(const struct jf_walk_tail *tail,
                                              const struct jf_block_header *header)
{
    if (!tail->is_known || JF_BUG(CHAIN_UNCHECKED)) {
        return JF_BLOCK_VALID;
    }
    if (header->incarnation < tail->incarnation) {
        return JF_BLOCK_STALE;
    }
    if (header->sequence != tail->sequence + 1 ||
        header->first_position != tail->last_position + 1 ||
        !jf_hash128_equal(header->previous_checksum, tail->body_checksum)) {
        return JF_BLOCK_NOT_SUCCESSOR;
    }
    return JF_BLOCK_VALID;
}

// Checks the header at the walk's offset. Returns: 0 or errno.
static int check_header(struct jf_walk *walk, struct jf_block_header *header,
                        enum jf_block_finding *out_finding)
{
    int code = fill(walk, JF_SECTOR_BYTES);
    if (code != 0) {
        return code;
    }
    const unsigned char *bytes = walk->buffer + (walk->offset - walk->buffer_offset);
    enum jf_block_finding finding = jf_block_decode_header(bytes, header);
    if (finding == JF_BLOCK_VALID) {
        finding = jf_block_check_place(header, &walk->identity, walk->segment, walk->offset,
                                       walk->segment_size - walk->offset);
    }
    if (finding == JF_BLOCK_VALID) {
        finding = check_succession(&walk->tail, header);
    }
    *out_finding = finding;
    return 0;
}

static int check_block(struct jf_walk *walk, struct jf_walk_block *block,
                       enum jf_block_finding *out_finding)
{
    int code = check_header(walk, &block->header, out_finding);
    if (code != 0 || *out_finding != JF_BLOCK_VALID) {
        return code;
    }
    code = fill(walk, block->header.length);
    if (code != 0) {
        return code;
    }
    const unsigned char *bytes = walk->buffer + (walk->offset - walk->buffer_offset);
    *out_finding = jf_block_check_body(&block->header, bytes);
    if (JF_BUG(TORN_TAIL_SERVED) && *out_finding == JF_BLOCK_BODY_DAMAGED) {
        *out_finding = JF_BLOCK_VALID;
    }
    block->payload = bytes + JF_BLOCK_AT_PAYLOAD;
    return 0;
}

// Is the rest of this segment too short for the largest block, and zeros? Returns: 0 or errno.
static int rest_is_spent(struct jf_walk *walk, bool *out_is_spent)
{
    uint64_t rest = walk->segment_size - walk->offset;
    *out_is_spent = false;
    if (rest >= JF_BLOCK_BYTES_MAX) {
        return 0;
    }
    if (rest > 0) {
        int code = fill(walk, rest);
        if (code != 0) {
            return code;
        }
        const unsigned char *bytes = walk->buffer + (walk->offset - walk->buffer_offset);
        if (!jf_bytes_are_zero(bytes, rest)) {
            return 0;
        }
    }
    *out_is_spent = true;
    return 0;
}

// Goes to the next segment if that is where the successor is. A header alone suffices: what is torn
// behind it is found there.
static enum jf_error try_next_segment(struct jf_walk *walk, bool *out_moved,
                                      struct jf_diagnosis *diagnosis)
{
    int fd = -1;
    uint64_t size = 0;
    *out_moved = false;
    enum jf_error error = jf_segment_open(walk->directory_fd, walk->segment + 1, JF_SEGMENT_READ,
                                          &fd, &size, diagnosis);
    if (error == JF_ERROR_NOT_FOUND) {
        return JF_OK;
    }
    if (error != JF_OK) {
        return error;
    }
    struct jf_walk next = *walk;
    next.fd = -1;
    enter_segment(&next, walk->segment + 1, fd, size);
    struct jf_block_header header;
    enum jf_block_finding finding = JF_BLOCK_ABSENT;
    int code = check_header(&next, &header, &finding);
    walk->buffer_size = 0;
    if (code != 0 || finding != JF_BLOCK_VALID) {
        close(fd);
        return code == 0 || code == EIO ? JF_OK : read_failure(&next, code, diagnosis);
    }
    close(walk->fd);
    *walk = next;
    *out_moved = true;
    return JF_OK;
}

static void step_over(struct jf_walk *walk, const struct jf_block_header *header)
{
    walk->offset += header->length;
    walk->tail = (struct jf_walk_tail){
        .is_known = true,
        .sequence = header->sequence,
        .last_position = header->first_position + header->entry_count - 1,
        .incarnation = header->incarnation,
        .time_us = header->time_us,
        .body_checksum = header->body_checksum,
    };
}

// Checks the block at the walk's offset; zeros and the segment's very end are ABSENT.
static enum jf_error look(struct jf_walk *walk, struct jf_walk_block *block,
                          enum jf_block_finding *out_finding, struct jf_diagnosis *diagnosis)
{
    *out_finding = JF_BLOCK_ABSENT;
    if (walk->offset == walk->segment_size) {
        return JF_OK;
    }
    int code = check_block(walk, block, out_finding);
    if (code == EIO) {
        *out_finding = JF_BLOCK_UNREADABLE;
        return JF_OK;
    }
    return code == 0 ? JF_OK : read_failure(walk, code, diagnosis);
}

enum jf_error jf_walk_next(struct jf_walk *walk, struct jf_walk_block *out_block,
                           enum jf_block_finding *out_finding, struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(walk->fd >= 0);
    struct jf_walk_block block;
    enum jf_block_finding finding = JF_BLOCK_ABSENT;
    enum jf_error error = look(walk, &block, &finding, diagnosis);
    if (error == JF_OK && finding == JF_BLOCK_ABSENT) {
        bool is_spent = false;
        bool moved = false;
        int code = rest_is_spent(walk, &is_spent);
        if (code != 0 && code != EIO) {
            return read_failure(walk, code, diagnosis);
        }
        if (is_spent) {
            error = try_next_segment(walk, &moved, diagnosis);
        }
        if (error == JF_OK && moved) {
            error = look(walk, &block, &finding, diagnosis);
        }
    }
    if (error != JF_OK) {
        return error;
    }
    if (finding == JF_BLOCK_VALID) {
        *out_block = block;
        step_over(walk, &block.header);
    }
    *out_finding = finding;
    return JF_OK;
}

enum jf_error jf_walk_first_header(int directory_fd, uint64_t segment,
                                   const struct jf_block_identity *identity,
                                   struct jf_block_header *out_header,
                                   enum jf_block_finding *out_finding,
                                   struct jf_diagnosis *diagnosis)
{
    uint64_t size = 0;
    int code = 0;
    unsigned char *bytes = jf_aligned_allocate(JF_SECTOR_BYTES);
    if (bytes == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory to read a journal segment");
    }
    enum jf_error error =
        jf_segment_first_sector(directory_fd, segment, bytes, &size, &code, diagnosis);
    *out_finding = JF_BLOCK_UNREADABLE;
    if (error == JF_OK && code == 0) {
        *out_finding = jf_block_decode_header(bytes, out_header);
    }
    if (*out_finding == JF_BLOCK_VALID) {
        *out_finding = jf_block_check_place(out_header, identity, segment, 0, size);
    }
    jf_aligned_free(bytes, JF_SECTOR_BYTES);
    return error;
}

enum jf_error jf_walk_find(int directory_fd, const struct jf_walk_search *search,
                           const struct jf_block_identity *identity, uint64_t *out_segment,
                           struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(search->oldest >= 1 && search->oldest <= search->newest);
    for (uint64_t segment = search->newest; segment >= search->oldest; segment--) {
        struct jf_block_header header;
        enum jf_block_finding finding = JF_BLOCK_ABSENT;
        enum jf_error error =
            jf_walk_first_header(directory_fd, segment, identity, &header, &finding, diagnosis);
        if (error != JF_OK) {
            return error;
        }
        bool is_readable = finding == JF_BLOCK_VALID;
        if (is_readable &&
            header.first_position + (search->is_strict ? 1 : 0) <= search->position) {
            *out_segment = segment;
            return JF_OK;
        }
        if (is_readable && segment == search->oldest && header.first_position > search->position) {
            return jf_diagnose(diagnosis, JF_ERROR_GAP,
                               "the journal begins at position %llu but position %llu is needed: "
                               "put the older segments back from the archive",
                               (unsigned long long)header.first_position,
                               (unsigned long long)search->position);
        }
    }
    *out_segment = search->oldest;
    return JF_OK;
}
