// The happy path: a draft is lent, filled, sealed into its place in the segment and written; its
// completion makes it durable once every block before it is. Segments change between two blocks
// without waiting, because a draft is lent only when room for the largest block is certain.
// Failures: BUSY (all slots in flight, or the next segment is not ready yet), NO_SPACE (the next
// segment cannot be made), and, finally, any write that failed or was short: what the disk holds is
// then unknown, so the journal stops for good and recovery decides.
#include "journal/local_private.h"

#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bug.h"

static uint64_t room_left(const struct jf_local_journal *journal)
{
    JF_ASSERT(journal->offset <= journal->segment_size);
    return journal->segment_size - journal->offset;
}

enum jf_error jf_local_draft(struct jf_journal *base, struct jf_block_draft **out_draft)
{
    struct jf_local_journal *journal = (struct jf_local_journal *)base;
    JF_ASSERT(journal->lent == NULL);
    if (base->failure.error != JF_OK) {
        return base->failure.error;
    }
    if (journal->queue_count >= JF_BLOCKS_IN_FLIGHT_MAX) {
        return JF_ERROR_BUSY;
    }
    if (room_left(journal) < JF_BLOCK_BYTES_MAX && journal->prepare.step != JF_PREPARE_READY) {
        if (journal->prepare.step == JF_PREPARE_NO_SPACE) {
            return JF_ERROR_NO_SPACE;
        }
        journal->prepare.is_hurried = true;
        jf_prepare_continue(journal);
        return base->failure.error != JF_OK ? base->failure.error : JF_ERROR_BUSY;
    }
    for (uint32_t i = 0; i < JF_SEAL_SLOT; i++) {
        struct jf_block_slot *slot = &journal->slots[i];
        if (!slot->is_taken || JF_BUG(BLOCK_REUSED)) {
            slot->is_taken = true;
            slot->draft.payload_size = 0;
            slot->draft.entry_count = 0;
            slot->draft.first_position = journal->last_position + 1;
            journal->lent = slot;
            *out_draft = &slot->draft;
            return JF_OK;
        }
    }
    return JF_ERROR_BUSY;
}

void jf_local_abandon(struct jf_journal *base, struct jf_block_draft *draft)
{
    struct jf_local_journal *journal = (struct jf_local_journal *)base;
    JF_ASSERT(journal->lent != NULL);
    JF_ASSERT(draft == &journal->lent->draft);
    journal->lent->is_taken = false;
    journal->lent = NULL;
}

// The oldest block in flight is complete: it is durable, and so is everything before it.
static void retire_oldest(struct jf_local_journal *journal)
{
    struct jf_block_slot *slot = journal->queue[journal->queue_head];
    JF_ASSERT(slot->is_done);
    JF_ASSERT(slot->header.sequence == journal->durable_sequence + 1);
    journal->queue_head = (journal->queue_head + 1) % JF_SLOTS;
    journal->queue_count -= 1;
    journal->durable_sequence = slot->header.sequence;
    atomic_store_explicit(&journal->durable_position,
                          slot->header.first_position + slot->header.entry_count - 1,
                          memory_order_release);
    if (slot->retire_fd >= 0) {
        close(slot->retire_fd);
        slot->retire_fd = -1;
    }
    slot->is_done = false;
    slot->is_taken = false;
}

static void write_done(struct jf_completion *completion, int32_t result, int32_t buffer_id,
                       bool more)
{
    (void)buffer_id;
    JF_ASSERT(!more);
    struct jf_block_slot *slot = completion->context;
    struct jf_local_journal *journal = slot->journal;
    if (result < 0 || (uint32_t)result != slot->header.length) {
        char name[JF_SEGMENT_NAME_BYTES];
        jf_segment_name(slot->header.segment, name);
        (void)jf_local_fail(
            journal, JF_ERROR_IO,
            "journal %s/%s, offset %llu, block %llu: write of %u bytes failed (%s): stop, "
            "look at the disk, start again: recovery decides what is there",
            journal->directory, name, (unsigned long long)slot->header.offset,
            (unsigned long long)slot->header.sequence, slot->header.length,
            result < 0 ? strerror(-result) : "short write");
    } else {
        slot->is_done = true;
    }
    journal->writes_in_flight -= 1;
    // After a failure nothing becomes durable any more.
    while (journal->base.failure.error == JF_OK && journal->queue_count > 0 &&
           journal->queue[journal->queue_head]->is_done) {
        retire_oldest(journal);
    }
}

// Goes to the prepared segment. The old one stays open until its last block is durable.
static int change_segment(struct jf_local_journal *journal)
{
    struct jf_prepare *prepare = &journal->prepare;
    JF_ASSERT(prepare->step == JF_PREPARE_READY);
    JF_ASSERT(prepare->segment == journal->segment + 1);
    int retire_fd = journal->segment_fd;
    journal->segment = prepare->segment;
    journal->segment_size = prepare->size;
    journal->segment_fd = prepare->fd;
    journal->offset = 0;
    prepare->fd = -1;
    prepare->step = JF_PREPARE_IDLE;
    return retire_fd;
}

static void write_queue(struct jf_local_journal *journal, struct jf_block_slot *slot,
                        uint32_t length)
{
    if (JF_BUG(SYNC_SKIPPED)) {
        struct io_uring_sqe *sqe = jf_ring_sqe(journal->ring, &slot->completion);
        io_uring_prep_write(sqe, journal->segment_fd, slot->buffer, length, journal->offset);
        io_uring_sqe_set_data(sqe, &slot->completion);
        return;
    }
    jf_ring_write(journal->ring, &slot->completion, journal->segment_fd, slot->buffer, length,
                  journal->offset);
}

// Gives a slot its place, seals it and queues the write.
static void write_slot(struct jf_local_journal *journal, struct jf_block_slot *slot,
                       uint64_t time_us)
{
    uint32_t length = jf_block_length(slot->draft.payload_size);
    slot->retire_fd = -1;
    if (room_left(journal) < length) {
        slot->retire_fd = change_segment(journal);
    }
    slot->header = (struct jf_block_header){
        .identity = journal->superblock.identity,
        .generation = journal->superblock.generation,
        .incarnation = journal->superblock.incarnation,
        .segment = journal->segment,
        .offset = journal->offset,
        .durable_sequence = journal->durable_sequence,
        .previous_checksum = journal->body_checksum,
        .sequence = journal->sequence + 1,
        .first_position = journal->last_position + 1,
        .time_us = time_us,
        .entry_count = slot->draft.entry_count,
        .payload_size = slot->draft.payload_size,
    };
    jf_block_seal(slot->buffer, &slot->header);
    slot->completion = (struct jf_completion){write_done, slot};
    write_queue(journal, slot, length);
    journal->queue[(journal->queue_head + journal->queue_count) % JF_SLOTS] = slot;
    journal->queue_count += 1;
    journal->writes_in_flight += 1;
    journal->offset += length;
    journal->sequence += 1;
    journal->last_position += slot->header.entry_count;
    journal->last_time_us = time_us;
    journal->body_checksum = slot->header.body_checksum;
    journal->needs_seal = slot->header.entry_count > 0;
}

static void keep_ahead(struct jf_local_journal *journal)
{
    if (journal->prepare.step == JF_PREPARE_IDLE) {
        jf_prepare_start(journal);
    } else {
        jf_prepare_continue(journal);
    }
}

enum jf_error jf_local_submit(struct jf_journal *base, struct jf_block_draft *draft,
                              uint64_t time_us)
{
    struct jf_local_journal *journal = (struct jf_local_journal *)base;
    JF_ASSERT(journal->lent != NULL);
    JF_ASSERT(draft == &journal->lent->draft);
    JF_ASSERT(draft->entry_count >= 1);
    JF_ASSERT(draft->payload_size <= draft->payload_capacity);
    if (base->failure.error != JF_OK) {
        jf_local_abandon(base, draft);
        return base->failure.error;
    }
    struct jf_block_slot *slot = journal->lent;
    journal->lent = NULL;
    // The clock may have gone back over a restart; the journal's time does not.
    write_slot(journal, slot, time_us > journal->last_time_us ? time_us : journal->last_time_us);
    keep_ahead(journal);
    return base->failure.error;
}

// A sealing block may take room only if a lent draft's room stays certain.
bool jf_local_seal_is_possible(const struct jf_local_journal *journal)
{
    bool next_is_ready = journal->prepare.step == JF_PREPARE_READY;
    if (!journal->needs_seal || journal->queue_count > 0) {
        return false;
    }
    if (journal->lent != NULL) {
        return room_left(journal) >= JF_SECTOR_BYTES + JF_BLOCK_BYTES_MAX ||
               (next_is_ready && room_left(journal) >= JF_SECTOR_BYTES);
    }
    return next_is_ready || room_left(journal) >= JF_SECTOR_BYTES;
}

void jf_local_seal(struct jf_local_journal *journal)
{
    JF_ASSERT(jf_local_seal_is_possible(journal));
    struct jf_block_slot *slot = &journal->slots[JF_SEAL_SLOT];
    JF_ASSERT(!slot->is_taken);
    slot->is_taken = true;
    slot->draft.payload_size = 0;
    slot->draft.entry_count = 0;
    // Stamped like the block it seals, so that the time of the next batch may lie before now.
    write_slot(journal, slot, journal->last_time_us);
    keep_ahead(journal);
}
