// The happy path: tick seals after idleness, tries again for space, rewrites the superblock and
// looks whether the files are still there, each when due. Failures: a superblock write that fails
// is final like any other; so are files that somebody removed, because what is written to them is
// gone when they are closed.
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "journal/local_private.h"

// --- The superblock, half by half through the ring.
// -----------------------------------------------

static void queue_half(struct jf_local_journal *journal, uint32_t half);

static void half_done(struct jf_completion *completion, int32_t result, int32_t buffer_id,
                      bool more)
{
    (void)buffer_id;
    JF_ASSERT(!more);
    struct jf_local_journal *journal = completion->context;
    struct jf_superblock_writer *writer = &journal->superblock_writer;
    uint32_t half = writer->half;
    writer->half = 0;
    if (result != (int32_t)JF_SUPERBLOCK_HALF_BYTES) {
        (void)jf_local_fail(journal, JF_ERROR_IO,
                            "journal %s/SUPERBLOCK cannot be written (%s): stop, look at the disk, "
                            "start again",
                            journal->directory, result < 0 ? strerror(-result) : "short write");
    } else if (half == 1 && journal->base.failure.error == JF_OK) {
        queue_half(journal, 2);
    } else if (half == 2) {
        atomic_store_explicit(&journal->oldest_kept, writer->oldest, memory_order_release);
    }
}

static void queue_half(struct jf_local_journal *journal, uint32_t half)
{
    struct jf_superblock_writer *writer = &journal->superblock_writer;
    JF_ASSERT(writer->half == 0);
    uint64_t offset = (uint64_t)(half - 1) * JF_SUPERBLOCK_HALF_BYTES;
    writer->half = half;
    writer->completion = (struct jf_completion){half_done, journal};
    jf_ring_write(journal->ring, &writer->completion, writer->fd, writer->buffer + offset,
                  JF_SUPERBLOCK_HALF_BYTES, offset);
}

static void write_superblock(struct jf_local_journal *journal, uint64_t time_us)
{
    struct jf_superblock_writer *writer = &journal->superblock_writer;
    journal->superblock.sequence += 1;
    jf_superblock_encode(&journal->superblock, writer->buffer);
    writer->oldest = journal->superblock.oldest_segment;
    writer->is_dirty = false;
    writer->written_at_us = time_us;
    queue_half(journal, 1);
}

static enum jf_error note_flushed(struct jf_journal *base, uint64_t position)
{
    struct jf_local_journal *journal = (struct jf_local_journal *)base;
    JF_ASSERT(position <= atomic_load(&journal->durable_position) + 1);
    if (base->failure.error != JF_OK) {
        return base->failure.error;
    }
    if (position > journal->superblock.flushed_position) {
        journal->superblock.flushed_position = position;
        journal->superblock_writer.is_dirty = true;
    }
    return JF_OK;
}

static enum jf_error drop_below(struct jf_journal *base, uint64_t segment)
{
    struct jf_local_journal *journal = (struct jf_local_journal *)base;
    JF_ASSERT(segment <= journal->segment);
    if (base->failure.error != JF_OK) {
        return base->failure.error;
    }
    if (segment > journal->superblock.oldest_segment) {
        journal->superblock.oldest_segment = segment;
        journal->superblock_writer.is_dirty = true;
    }
    return JF_OK;
}

static uint64_t oldest_kept(const struct jf_journal *base)
{
    const struct jf_local_journal *journal = (const struct jf_local_journal *)base;
    return atomic_load_explicit(&journal->oldest_kept, memory_order_acquire);
}

// --- What is due.
// ---------------------------------------------------------------------------------

static bool is_removed(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && status.st_nlink == 0;
}

// Writing goes on in removed files as if nothing were wrong: somebody has to look.
static void look_for_files(struct jf_local_journal *journal)
{
    char name[JF_SEGMENT_NAME_BYTES];
    jf_segment_name(journal->segment, name);
    const char *removed = is_removed(journal->segment_fd)             ? name
                          : is_removed(journal->superblock_writer.fd) ? JF_SUPERBLOCK_NAME
                                                                      : NULL;
    if (removed != NULL) {
        (void)jf_local_fail(journal, JF_ERROR_NOT_FOUND,
                            "journal file %s/%s was removed under the running ledger: what was "
                            "acknowledged last may be gone with it. Put the directory back from a "
                            "backup, an archive or a follower before starting again",
                            journal->directory, removed);
    }
}

static bool seal_is_wanted(const struct jf_local_journal *journal)
{
    return journal->seal_idle_us > 0 && journal->base.failure.error == JF_OK &&
           jf_local_seal_is_possible(journal);
}

static enum jf_error tick(struct jf_journal *base, uint64_t time_us)
{
    struct jf_local_journal *journal = (struct jf_local_journal *)base;
    struct jf_superblock_writer *writer = &journal->superblock_writer;
    if (base->failure.error != JF_OK) {
        return base->failure.error;
    }
    jf_prepare_retry(journal, time_us);
    if (time_us >= journal->presence_at_us) {
        journal->presence_at_us = time_us + JF_PRESENCE_INTERVAL_US;
        look_for_files(journal);
    }
    if (seal_is_wanted(journal) && time_us >= journal->last_time_us + journal->seal_idle_us) {
        jf_local_seal(journal);
    }
    if (writer->is_dirty && writer->half == 0 &&
        time_us >= writer->written_at_us + JF_SUPERBLOCK_INTERVAL_US) {
        write_superblock(journal, time_us);
    }
    return base->failure.error;
}

static uint64_t until(uint64_t due_us, uint64_t time_us)
{
    return due_us > time_us ? due_us - time_us : 0;
}

static uint64_t tick_after_us(const struct jf_journal *base, uint64_t time_us)
{
    const struct jf_local_journal *journal = (const struct jf_local_journal *)base;
    uint64_t after = UINT64_MAX;
    if (base->failure.error != JF_OK) {
        return after;
    }
    if (seal_is_wanted(journal)) {
        after = until(journal->last_time_us + journal->seal_idle_us, time_us);
    }
    if (journal->superblock_writer.is_dirty && journal->superblock_writer.half == 0) {
        uint64_t due = journal->superblock_writer.written_at_us + JF_SUPERBLOCK_INTERVAL_US;
        uint64_t wait = until(due, time_us);
        after = wait < after ? wait : after;
    }
    if (journal->prepare.step == JF_PREPARE_NO_SPACE) {
        uint64_t wait = until(journal->prepare.retry_at_us, time_us);
        after = wait < after ? wait : after;
    }
    return after;
}

static uint64_t durable(const struct jf_journal *base)
{
    const struct jf_local_journal *journal = (const struct jf_local_journal *)base;
    return atomic_load_explicit(&journal->durable_position, memory_order_acquire);
}

static uint64_t last(const struct jf_journal *base)
{
    return ((const struct jf_local_journal *)base)->last_position;
}

const struct jf_journal_operations jf_local_operations = {
    .draft = jf_local_draft,
    .submit = jf_local_submit,
    .abandon = jf_local_abandon,
    .tick = tick,
    .durable = durable,
    .last = last,
    .tick_after_us = tick_after_us,
    .note_flushed = note_flushed,
    .read_open = jf_local_read_open,
    .read_next = jf_local_read_next,
    .read_close = jf_local_read_close,
    .close = jf_local_close,
    .drop_below = drop_below,
    .oldest_kept = oldest_kept,
};
