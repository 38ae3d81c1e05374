// The happy path: walk the journal; where a header is damaged, find the header of the block after
// it, prove what the damaged one was (header_proof.h), check the block that comes out as the reader
// would, write its first sector durably, and walk on over it.
//
// Failures: damage of another kind, or that cannot be proved: refused as recovery refuses it, with
// the reason. A damaged header at the very end, which a start would cut as a torn tail, is left to
// the start.
#include "journal/repair.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "journal/header_proof.h"
#include "journal/local.h"
#include "journal/recovery.h"
#include "journal/superblock.h"

#define LOOK_BYTES     (JF_BLOCK_BYTES_MAX + JF_SECTOR_BYTES) // a block and the next one's header
#define PROGRESS_BYTES (1u << 20)

struct repairer {
    const struct jf_repair_config *config;
    struct jf_journal *lock; // NULL: nothing is written
    int directory_fd;
    struct jf_superblock superblock;
    struct jf_directory_listing listing;
    struct jf_walk walk;
    unsigned char *stored; // LOOK_BYTES
    unsigned char *block;  // LOOK_BYTES
    uint32_t count;
    uint64_t told_bytes;
};

// ---- One header -----------------------------------------------------------------------

// Reads what stands at the walk, as much of it as there is. Out: bytes read.
static enum jf_error block_read(struct repairer *repairer, uint64_t *out_room,
                                struct jf_diagnosis *diagnosis)
{
    const struct jf_walk *walk = &repairer->walk;
    uint64_t room = walk->segment_size - walk->offset;
    room = room < LOOK_BYTES ? room : LOOK_BYTES;
    int code = jf_read_exactly(walk->fd, repairer->stored, room, walk->offset);
    if (code != 0) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "the segment cannot be read at offset %llu: %s",
                           (unsigned long long)walk->offset, strerror(code));
    }
    memcpy(repairer->block, repairer->stored, room);
    *out_room = room;
    return JF_OK;
}

// The header of the block after the damaged one: at one of the next sectors of this segment, or at
// the beginning of the next one. Out: the damaged block's length where that tells it, else 0.
static bool after_find(const struct repairer *repairer, uint64_t room,
                       struct jf_block_header *out_after, uint32_t *out_length)
{
    const struct jf_walk *walk = &repairer->walk;
    uint64_t sequence = walk->tail.sequence + 2;
    for (uint32_t at = JF_SECTOR_BYTES; at < room; at += JF_SECTOR_BYTES) {
        uint64_t offset = walk->offset + at;
        if (jf_block_decode_header(repairer->stored + at, out_after) == JF_BLOCK_VALID &&
            jf_block_check_place(out_after, &walk->identity, walk->segment, offset,
                                 walk->segment_size - offset) == JF_BLOCK_VALID &&
            out_after->sequence == sequence) {
            *out_length = at;
            return true;
        }
    }
    enum jf_block_finding finding = JF_BLOCK_ABSENT;
    *out_length = 0;
    return walk->segment < repairer->listing.newest &&
           jf_walk_first_header(walk->directory_fd, walk->segment + 1, &walk->identity, out_after,
                                &finding, NULL) == JF_OK &&
           finding == JF_BLOCK_VALID && out_after->sequence == sequence;
}

// What was put together must be what the reader takes.
static bool block_is_valid(const struct repairer *repairer, uint64_t room)
{
    const struct jf_walk *walk = &repairer->walk;
    struct jf_block_header header;
    return jf_block_decode_header(repairer->block, &header) == JF_BLOCK_VALID &&
           jf_block_check_place(&header, &walk->identity, walk->segment, walk->offset, room) ==
               JF_BLOCK_VALID &&
           jf_block_check_body(&header, repairer->block) == JF_BLOCK_VALID;
}

static enum jf_error sector_write(const struct repairer *repairer, struct jf_diagnosis *diagnosis)
{
    const struct jf_walk *walk = &repairer->walk;
    int fd = -1;
    uint64_t size = 0;
    enum jf_error error =
        jf_segment_open(walk->directory_fd, walk->segment, JF_SEGMENT_WRITE, &fd, &size, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    int code = jf_write_durably(fd, repairer->block, JF_SECTOR_BYTES, walk->offset);
    close(fd);
    return code == 0 ? JF_OK
                     : jf_diagnose(diagnosis, JF_ERROR_IO,
                                   "the segment cannot be written at offset %llu: %s",
                                   (unsigned long long)walk->offset, strerror(code));
}

static void repair_report(const struct repairer *repairer, bool is_exact)
{
    const struct jf_walk *walk = &repairer->walk;
    struct jf_repair repair = {
        .offset = walk->offset, .sequence = walk->tail.sequence + 1, .is_exact = is_exact};
    jf_segment_name(walk->segment, repair.file_name);
    repair.bytes_changed = jf_header_fields_differ(repairer->stored, repairer->block, repair.fields,
                                                   sizeof repair.fields);
    if (repairer->config->report != NULL) {
        repairer->config->report(repairer->config->context, &repair);
    }
}

static enum jf_error refuse(const struct repairer *repairer, const char *why,
                            struct jf_diagnosis *diagnosis)
{
    char name[JF_SEGMENT_NAME_BYTES];
    jf_segment_name(repairer->walk.segment, name);
    return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                       "journal file %s, offset %llu, block %llu cannot be repaired: %s: restore "
                       "the segment from a backup, an archive or a follower",
                       name, (unsigned long long)repairer->walk.offset,
                       (unsigned long long)(repairer->walk.tail.sequence + 1), why);
}

static enum jf_error header_repair(struct repairer *repairer, struct jf_diagnosis *diagnosis)
{
    const struct jf_walk *walk = &repairer->walk;
    struct jf_block_header after;
    uint64_t room = 0;
    uint32_t length = 0;
    enum jf_error error = block_read(repairer, &room, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    if (!walk->tail.is_known) {
        return refuse(repairer, "no whole block precedes it", diagnosis);
    }
    if (!after_find(repairer, room, &after, &length)) {
        return refuse(repairer, "the header of the block after it cannot be found", diagnosis);
    }
    struct jf_header_evidence evidence = {.identity = walk->identity,
                                          .segment = walk->segment,
                                          .offset = walk->offset,
                                          .before = &walk->tail,
                                          .after = &after,
                                          .stored = repairer->stored,
                                          .room = room,
                                          .length = length};
    enum jf_header_verdict verdict = jf_header_prove(&evidence, repairer->block, &length);
    if (verdict != JF_HEADER_PROVED && verdict != JF_HEADER_DERIVED) {
        return refuse(repairer, jf_header_verdict_text(verdict), diagnosis);
    }
    if (!block_is_valid(repairer, room)) {
        return refuse(repairer, "what was put together is no block", diagnosis);
    }
    repair_report(repairer, verdict == JF_HEADER_PROVED);
    repairer->count += 1;
    return repairer->lock == NULL ? JF_OK : sector_write(repairer, diagnosis);
}

// ---- The walk -------------------------------------------------------------------------

static void progress_tell(struct repairer *repairer)
{
    const struct jf_walk *walk = &repairer->walk;
    uint64_t before = walk->segment - repairer->listing.oldest;
    uint64_t done = before * walk->segment_size + walk->offset;
    if (repairer->config->progress != NULL && done >= repairer->told_bytes + PROGRESS_BYTES) {
        repairer->told_bytes = done;
        repairer->config->progress(repairer->config->context, done,
                                   repairer->listing.count * walk->segment_size);
    }
}

// Judges the place where the walk stopped. Out: whether the walk is to go on.
static enum jf_error place_judge(struct repairer *repairer, enum jf_block_finding finding,
                                 bool *out_goes_on, struct jf_diagnosis *diagnosis)
{
    struct jf_tail_facts facts;
    *out_goes_on = false;
    enum jf_error error =
        jf_tail_gather(&repairer->walk, repairer->listing.newest, finding, 0, &facts, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    enum jf_tail_row row = jf_tail_judge(&facts);
    if (jf_tail_row_verdict(row) != JF_TAIL_REFUSE) {
        return JF_OK; // the end
    }
    if (finding != JF_BLOCK_HEADER_DAMAGED) {
        return jf_tail_diagnose(&repairer->walk, &facts, row, diagnosis);
    }
    error = header_repair(repairer, diagnosis);
    *out_goes_on = error == JF_OK && repairer->lock != NULL;
    jf_walk_forget(&repairer->walk);
    return error;
}

static enum jf_error walk_all(struct repairer *repairer, struct jf_diagnosis *diagnosis)
{
    struct jf_walk_block block;
    enum jf_block_finding finding = JF_BLOCK_VALID;
    enum jf_error error = jf_walk_seek(&repairer->walk, repairer->listing.oldest, diagnosis);
    bool goes_on = true;
    while (error == JF_OK && goes_on) {
        error = jf_walk_next(&repairer->walk, &block, &finding, diagnosis);
        if (error == JF_OK && finding != JF_BLOCK_VALID) {
            error = place_judge(repairer, finding, &goes_on, diagnosis);
        }
        progress_tell(repairer);
    }
    return error;
}

static enum jf_error directory_take(struct repairer *repairer, struct jf_ring *ring,
                                    struct jf_diagnosis *diagnosis)
{
    const struct jf_repair_config *config = repairer->config;
    struct jf_journal_config journal = {
        .directory = config->directory, .segment_bytes = JF_SEGMENT_BYTES_MIN, .must_exist = true};
    enum jf_error error = JF_OK;
    if (config->is_written) {
        error = jf_journal_local_lock(&journal, ring, &repairer->lock, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_directory_open(config->directory, &repairer->directory_fd, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_superblock_read(repairer->directory_fd, &repairer->superblock, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_directory_list(repairer->directory_fd, repairer->superblock.oldest_segment,
                                  &repairer->listing, diagnosis);
    }
    if (error == JF_OK && repairer->listing.oldest != repairer->superblock.oldest_segment) {
        error = jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                            "segment %llu of the journal is missing: restore it from a backup, an "
                            "archive or a follower",
                            (unsigned long long)repairer->superblock.oldest_segment);
    }
    return error;
}

static enum jf_error memory_take(struct repairer *repairer, struct jf_diagnosis *diagnosis)
{
    repairer->stored = jf_aligned_allocate(LOOK_BYTES);
    repairer->block = jf_aligned_allocate(LOOK_BYTES);
    bool has_memory = repairer->stored != NULL && repairer->block != NULL &&
                      jf_walk_init(&repairer->walk, repairer->directory_fd,
                                   &repairer->superblock.identity) == JF_OK;
    return has_memory ? JF_OK
                      : jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory to read journal %s",
                                    repairer->config->directory);
}

enum jf_error jf_journal_repair(const struct jf_repair_config *config, struct jf_ring *ring,
                                uint32_t *out_count, struct jf_diagnosis *diagnosis)
{
    struct repairer repairer = {.config = config, .directory_fd = -1};
    enum jf_error error = directory_take(&repairer, ring, diagnosis);
    if (error == JF_OK) {
        error = memory_take(&repairer, diagnosis);
    }
    if (error == JF_OK) {
        error = walk_all(&repairer, diagnosis);
    }
    jf_walk_deinit(&repairer.walk);
    jf_aligned_free(repairer.stored, LOOK_BYTES);
    jf_aligned_free(repairer.block, LOOK_BYTES);
    if (repairer.directory_fd >= 0) {
        close(repairer.directory_fd);
    }
    if (repairer.lock != NULL) {
        repairer.lock->operations->close(repairer.lock);
    }
    *out_count = repairer.count;
    return error;
}
