// The happy path: a cursor walks the segment files with its own descriptors and buffer, entry by
// entry, never past what was durable when it last looked. Failures: GAP when the position is older
// than the journal; NOT_FOUND at the durable end, from where it goes on later; anything not valid
// below the durable end is CORRUPT, named.
#include "journal/local_private.h"

#include <stdlib.h>

#include "base/assert.h"
#include "journal/archive.h"

struct local_cursor {
    struct jf_local_journal *journal;
    struct jf_walk walk;
    struct jf_walk_block block;
    uint32_t entries_left; // of the current block
    uint32_t offset;       // in its payload
    uint64_t next_position;
    uint64_t durable; // what was durable before the buffer was filled
};

static enum jf_error block_failure(const struct jf_walk *walk, enum jf_block_finding finding,
                                   struct jf_diagnosis *diagnosis)
{
    char name[JF_SEGMENT_NAME_BYTES];
    jf_segment_name(walk->segment, name);
    return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                       "journal file %s, offset %llu, block %llu: %s, and it was durable: restore "
                       "the segment from a backup, an archive or a follower",
                       name, (unsigned long long)walk->offset,
                       (unsigned long long)(walk->tail.sequence + 1),
                       jf_block_finding_text(finding));
}

// Loads blocks until one holds the next position. In: the next position is durable.
static enum jf_error load_block(struct local_cursor *cursor, struct jf_diagnosis *diagnosis)
{
    enum jf_block_finding finding = JF_BLOCK_VALID;
    while (cursor->entries_left == 0) {
        enum jf_error error = jf_walk_next(&cursor->walk, &cursor->block, &finding, diagnosis);
        if (error != JF_OK) {
            return error;
        }
        if (finding != JF_BLOCK_VALID) {
            return block_failure(&cursor->walk, finding, diagnosis);
        }
        cursor->entries_left = cursor->block.header.entry_count;
        cursor->offset = 0;
    }
    return JF_OK;
}

static void take_entry(struct local_cursor *cursor, struct jf_journal_entry *out_entry)
{
    JF_ASSERT(cursor->entries_left > 0);
    const struct jf_block_header *header = &cursor->block.header;
    uint32_t size = 0;
    out_entry->bytes = jf_block_entry(cursor->block.payload, &cursor->offset, &size);
    out_entry->size = size;
    out_entry->position = header->first_position + (header->entry_count - cursor->entries_left);
    out_entry->block_sequence = header->sequence;
    out_entry->block_time_us = header->time_us;
    cursor->entries_left -= 1;
    out_entry->is_last_in_block = cursor->entries_left == 0;
    cursor->next_position = out_entry->position + 1;
}

enum jf_error jf_local_read_next(struct jf_journal_cursor *opaque,
                                 struct jf_journal_entry *out_entry, struct jf_diagnosis *diagnosis)
{
    struct local_cursor *cursor = (struct local_cursor *)opaque;
    if (cursor->entries_left == 0) {
        if (cursor->next_position > cursor->durable) {
            uint64_t durable =
                atomic_load_explicit(&cursor->journal->durable_position, memory_order_acquire);
            if (cursor->next_position > durable) {
                return JF_ERROR_NOT_FOUND;
            }
            // What was read ahead of the durable end has been written since.
            jf_walk_forget(&cursor->walk);
            cursor->durable = durable;
        }
        enum jf_error error = load_block(cursor, diagnosis);
        if (error != JF_OK) {
            return error;
        }
    }
    take_entry(cursor, out_entry);
    return JF_OK;
}

// Goes to the segment from which reading at `position` can start, and learns what it begins with.
static enum jf_error find_segment(struct local_cursor *cursor, uint64_t position,
                                  struct jf_diagnosis *diagnosis)
{
    struct jf_local_journal *journal = cursor->journal;
    const struct jf_block_identity *identity = &cursor->walk.identity;
    struct jf_directory_listing listing;
    uint64_t oldest = atomic_load_explicit(&journal->oldest_kept, memory_order_acquire);
    enum jf_error error = jf_directory_list(journal->directory_fd, oldest, &listing, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    jf_archive_extend(journal->directory_fd, &listing);
    struct jf_walk_search search = {listing.oldest, listing.newest, position, false};
    uint64_t segment = 0;
    error = jf_walk_find(journal->directory_fd, &search, identity, &segment, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    struct jf_block_header header;
    enum jf_block_finding finding = JF_BLOCK_ABSENT;
    error = jf_walk_first_header(journal->directory_fd, segment, identity, &header, &finding,
                                 diagnosis);
    cursor->next_position = finding == JF_BLOCK_VALID ? header.first_position : 1;
    return error == JF_OK ? jf_walk_seek(&cursor->walk, segment, diagnosis) : error;
}

// Goes to `position`: to its segment, then over the entries before it.
static enum jf_error go_to(struct local_cursor *cursor, uint64_t position,
                           struct jf_diagnosis *diagnosis)
{
    enum jf_error error = find_segment(cursor, position, diagnosis);
    struct jf_journal_entry skipped;
    while (error == JF_OK && cursor->next_position < position) {
        error = jf_local_read_next((struct jf_journal_cursor *)cursor, &skipped, diagnosis);
    }
    return error;
}

enum jf_error jf_local_read_open(struct jf_journal *base, uint64_t position,
                                 struct jf_journal_cursor **out_cursor,
                                 struct jf_diagnosis *diagnosis)
{
    struct jf_local_journal *journal = (struct jf_local_journal *)base;
    uint64_t durable = atomic_load_explicit(&journal->durable_position, memory_order_acquire);
    if (position == 0 || position > durable + 1) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                           "the journal can be read from positions 1 to %llu, not from %llu",
                           (unsigned long long)durable + 1, (unsigned long long)position);
    }
    struct local_cursor *cursor = calloc(1, sizeof *cursor);
    if (cursor == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory to read the journal");
    }
    cursor->journal = journal;
    cursor->durable = durable;
    enum jf_error error =
        jf_walk_init(&cursor->walk, journal->directory_fd, &journal->superblock.identity);
    if (error == JF_OK) {
        error = go_to(cursor, position, diagnosis);
    } else {
        (void)jf_diagnose(diagnosis, error, "no memory to read the journal");
    }
    if (error != JF_OK) {
        jf_local_read_close((struct jf_journal_cursor *)cursor);
        return error;
    }
    *out_cursor = (struct jf_journal_cursor *)cursor;
    return JF_OK;
}

void jf_local_read_close(struct jf_journal_cursor *opaque)
{
    struct local_cursor *cursor = (struct local_cursor *)opaque;
    if (cursor != NULL) {
        jf_walk_deinit(&cursor->walk);
        free(cursor);
    }
}
