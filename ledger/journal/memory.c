// The happy path: a submitted block is copied, sealed, into a list, and is durable at once.
// Failures are those the test asked for: a submit that fails for good, drafts refused for space,
// blocks held in flight, a crash that loses some of them.
#include "journal/memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "journal/block.h"

struct memory_block {
    struct jf_block_header header;
    unsigned char *bytes; // header.length bytes
};

struct memory_journal {
    struct jf_journal base;
    pthread_mutex_t mutex; // guards what cursors read: blocks, counts, durable_count
    struct memory_block *blocks;
    uint64_t count;
    uint64_t capacity;
    uint64_t durable_count; // blocks, from the first
    uint64_t last_position;
    uint64_t last_time_us;
    uint64_t flushed;
    uint64_t fail_after; // submits until the planned failure; 0: none planned
    enum jf_error fail_error;
    uint64_t seal_idle_us;
    uint64_t incarnation;
    bool is_full;
    bool is_held;
    bool is_lent;
    struct jf_block_draft draft;
    unsigned char *buffer; // JF_BLOCK_BYTES_MAX
};

struct memory_cursor {
    struct memory_journal *journal;
    uint64_t next_position;
    unsigned char *copy; // of the current block: appending moves the list, not the bytes
    struct jf_block_header header;
    uint32_t entries_left;
    uint32_t offset;
};

static struct memory_journal *from_base(struct jf_journal *base)
{
    return (struct memory_journal *)base;
}

static uint64_t last_position_of(const struct jf_block_header *header)
{
    return header->first_position + header->entry_count - 1;
}

// --- Writing.
// -------------------------------------------------------------------------------------

static enum jf_error memory_draft(struct jf_journal *base, struct jf_block_draft **out_draft)
{
    struct memory_journal *journal = from_base(base);
    JF_ASSERT(!journal->is_lent);
    if (base->failure.error != JF_OK) {
        return base->failure.error;
    }
    if (journal->count - journal->durable_count >= JF_BLOCKS_IN_FLIGHT_MAX) {
        return JF_ERROR_BUSY;
    }
    if (journal->fail_after == 1 && journal->fail_error == JF_ERROR_NO_SPACE) {
        journal->fail_after = 0;
        journal->is_full = true;
    }
    if (journal->is_full) {
        return JF_ERROR_NO_SPACE;
    }
    journal->is_lent = true;
    journal->draft = (struct jf_block_draft){
        .payload = journal->buffer + JF_BLOCK_HEADER_BYTES,
        .payload_capacity = JF_BLOCK_PAYLOAD_BYTES_MAX,
        .first_position = journal->last_position + 1,
    };
    *out_draft = &journal->draft;
    return JF_OK;
}

static void memory_abandon(struct jf_journal *base, struct jf_block_draft *draft)
{
    struct memory_journal *journal = from_base(base);
    JF_ASSERT(journal->is_lent);
    JF_ASSERT(draft == &journal->draft);
    journal->is_lent = false;
}

static bool grow(struct memory_journal *journal)
{
    if (journal->count < journal->capacity) {
        return true;
    }
    uint64_t capacity = journal->capacity == 0 ? 64 : journal->capacity * 2;
    struct memory_block *blocks = realloc(journal->blocks, capacity * sizeof *blocks);
    if (blocks == NULL) {
        return false;
    }
    journal->blocks = blocks;
    journal->capacity = capacity;
    return true;
}

static struct jf_block_header next_header(const struct memory_journal *journal, uint64_t time_us)
{
    struct jf_block_header header = {
        .identity.ledger_id = journal->base.ledger_id,
        .generation = 1,
        .incarnation = journal->incarnation,
        .segment = 1,
        .sequence = 1,
        .first_position = journal->last_position + 1,
        .time_us = time_us,
    };
    if (journal->count > 0) {
        const struct jf_block_header *before = &journal->blocks[journal->count - 1].header;
        header.sequence = before->sequence + 1;
        header.offset = before->offset + before->length;
        header.previous_checksum = before->body_checksum;
        header.durable_sequence = header.sequence - 1 - (journal->count - journal->durable_count);
    }
    return header;
}

// Seals `buffer` and keeps a copy. Returns: false when out of memory.
static bool keep_block(struct memory_journal *journal, unsigned char *buffer,
                       const struct jf_block_draft *draft, uint64_t time_us)
{
    uint64_t stamp = time_us > journal->last_time_us ? time_us : journal->last_time_us;
    struct memory_block block = {.header = next_header(journal, stamp)};
    block.header.entry_count = draft->entry_count;
    block.header.payload_size = draft->payload_size;
    jf_block_seal(buffer, &block.header);
    block.bytes = malloc(block.header.length);
    if (block.bytes == NULL || !grow(journal)) {
        free(block.bytes);
        return false;
    }
    memcpy(block.bytes, buffer, block.header.length);
    journal->blocks[journal->count] = block;
    journal->count += 1;
    journal->last_position += draft->entry_count;
    journal->last_time_us = stamp;
    journal->durable_count = journal->is_held ? journal->durable_count : journal->count;
    return true;
}

static enum jf_error fail_for_good(struct memory_journal *journal, enum jf_error error,
                                   const char *text)
{
    return jf_diagnose(&journal->base.failure, error, "journal in memory: %s", text);
}

static enum jf_error memory_submit(struct jf_journal *base, struct jf_block_draft *draft,
                                   uint64_t time_us)
{
    struct memory_journal *journal = from_base(base);
    JF_ASSERT(draft->entry_count >= 1);
    memory_abandon(base, draft);
    if (base->failure.error != JF_OK) {
        return base->failure.error;
    }
    if (journal->fail_after > 1) {
        journal->fail_after -= 1;
    } else if (journal->fail_after == 1 && journal->fail_error == JF_ERROR_IO) {
        journal->fail_after = 0;
        return fail_for_good(journal, JF_ERROR_IO, "a planned failure");
    }
    pthread_mutex_lock(&journal->mutex);
    bool is_kept = keep_block(journal, journal->buffer, draft, time_us);
    pthread_mutex_unlock(&journal->mutex);
    return is_kept ? JF_OK : fail_for_good(journal, JF_ERROR_NO_MEMORY, "out of memory");
}

static bool seal_is_wanted(const struct memory_journal *journal)
{
    return journal->seal_idle_us > 0 && journal->count > 0 &&
           journal->count == journal->durable_count &&
           journal->blocks[journal->count - 1].header.entry_count > 0;
}

static enum jf_error memory_tick(struct jf_journal *base, uint64_t time_us)
{
    struct memory_journal *journal = from_base(base);
    if (base->failure.error != JF_OK || !seal_is_wanted(journal) ||
        time_us < journal->last_time_us + journal->seal_idle_us) {
        return base->failure.error;
    }
    unsigned char sector[JF_SECTOR_BYTES];
    struct jf_block_draft empty = {0};
    pthread_mutex_lock(&journal->mutex);
    bool is_kept = keep_block(journal, sector, &empty, journal->last_time_us);
    pthread_mutex_unlock(&journal->mutex);
    return is_kept ? JF_OK : fail_for_good(journal, JF_ERROR_NO_MEMORY, "out of memory");
}

static uint64_t memory_tick_after_us(const struct jf_journal *base, uint64_t time_us)
{
    const struct memory_journal *journal = (const struct memory_journal *)base;
    if (base->failure.error != JF_OK || !seal_is_wanted(journal)) {
        return UINT64_MAX;
    }
    uint64_t due = journal->last_time_us + journal->seal_idle_us;
    return due > time_us ? due - time_us : 0;
}

static uint64_t durable_position(const struct memory_journal *journal)
{
    if (journal->durable_count == 0) {
        return journal->count == 0 ? journal->last_position
                                   : journal->blocks[0].header.first_position - 1;
    }
    return last_position_of(&journal->blocks[journal->durable_count - 1].header);
}

static uint64_t memory_durable(const struct jf_journal *base)
{
    struct memory_journal *journal = (struct memory_journal *)(uintptr_t)base;
    pthread_mutex_lock(&journal->mutex);
    uint64_t position = durable_position(journal);
    pthread_mutex_unlock(&journal->mutex);
    return position;
}

static uint64_t memory_last(const struct jf_journal *base)
{
    return ((const struct memory_journal *)base)->last_position;
}

static enum jf_error memory_note_flushed(struct jf_journal *base, uint64_t position)
{
    struct memory_journal *journal = from_base(base);
    JF_ASSERT(position <= memory_durable(base) + 1);
    if (base->failure.error == JF_OK && position > journal->flushed) {
        journal->flushed = position;
    }
    return base->failure.error;
}

// --- Reading.
// -------------------------------------------------------------------------------------

static enum jf_error memory_read_open(struct jf_journal *base, uint64_t position,
                                      struct jf_journal_cursor **out_cursor,
                                      struct jf_diagnosis *diagnosis)
{
    struct memory_journal *journal = from_base(base);
    pthread_mutex_lock(&journal->mutex);
    uint64_t durable = durable_position(journal);
    uint64_t oldest = journal->count > 0 ? journal->blocks[0].header.first_position : 1;
    pthread_mutex_unlock(&journal->mutex);
    if (position == 0 || position > durable + 1) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                           "the journal can be read from positions 1 to %llu, not from %llu",
                           (unsigned long long)durable + 1, (unsigned long long)position);
    }
    if (position < oldest) {
        return jf_diagnose(diagnosis, JF_ERROR_GAP,
                           "the journal begins at position %llu but position %llu is needed",
                           (unsigned long long)oldest, (unsigned long long)position);
    }
    struct memory_cursor *cursor = calloc(1, sizeof *cursor);
    if (cursor == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory to read the journal");
    }
    cursor->journal = journal;
    cursor->next_position = position;
    *out_cursor = (struct jf_journal_cursor *)cursor;
    return JF_OK;
}

// Finds the durable block that holds `position`. In: the mutex is held. Returns: NULL if there is
// none.
static const struct memory_block *find_block(const struct memory_journal *journal,
                                             uint64_t position)
{
    uint64_t low = 0;
    uint64_t high = journal->durable_count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (last_position_of(&journal->blocks[middle].header) < position) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < journal->durable_count ? &journal->blocks[low] : NULL;
}

// Copies the block with the next position into the cursor.
static enum jf_error load_block(struct memory_cursor *cursor)
{
    struct memory_journal *journal = cursor->journal;
    enum jf_error error = JF_ERROR_NOT_FOUND;
    pthread_mutex_lock(&journal->mutex);
    const struct memory_block *block = find_block(journal, cursor->next_position);
    if (block != NULL) {
        unsigned char *copy = realloc(cursor->copy, block->header.length);
        error = copy == NULL ? JF_ERROR_NO_MEMORY : JF_OK;
        if (copy != NULL) {
            memcpy(copy, block->bytes, block->header.length);
            cursor->copy = copy;
            cursor->header = block->header;
        }
    }
    pthread_mutex_unlock(&journal->mutex);
    return error;
}

static enum jf_error memory_read_next(struct jf_journal_cursor *opaque,
                                      struct jf_journal_entry *out_entry,
                                      struct jf_diagnosis *diagnosis)
{
    struct memory_cursor *cursor = (struct memory_cursor *)opaque;
    uint32_t size = 0;
    if (cursor->entries_left == 0) {
        enum jf_error error = load_block(cursor);
        if (error == JF_ERROR_NO_MEMORY) {
            return jf_diagnose(diagnosis, error, "no memory to read the journal");
        }
        if (error != JF_OK) {
            return error;
        }
        cursor->entries_left = cursor->header.entry_count;
        cursor->offset = 0;
        for (uint64_t at = cursor->header.first_position; at < cursor->next_position; at++) {
            (void)jf_block_entry(cursor->copy + JF_BLOCK_AT_PAYLOAD, &cursor->offset, &size);
            cursor->entries_left -= 1;
        }
    }
    out_entry->bytes = jf_block_entry(cursor->copy + JF_BLOCK_AT_PAYLOAD, &cursor->offset, &size);
    out_entry->size = size;
    out_entry->position = cursor->next_position;
    out_entry->block_sequence = cursor->header.sequence;
    out_entry->block_time_us = cursor->header.time_us;
    cursor->entries_left -= 1;
    cursor->next_position += 1;
    out_entry->is_last_in_block = cursor->entries_left == 0;
    return JF_OK;
}

static void memory_read_close(struct jf_journal_cursor *opaque)
{
    struct memory_cursor *cursor = (struct memory_cursor *)opaque;
    if (cursor != NULL) {
        free(cursor->copy);
        free(cursor);
    }
}

// --- Making, and what tests ask for.
// --------------------------------------------------------------

static void memory_close(struct jf_journal *base)
{
    struct memory_journal *journal = from_base(base);
    if (journal == NULL) {
        return;
    }
    for (uint64_t i = 0; i < journal->count; i++) {
        free(journal->blocks[i].bytes);
    }
    free(journal->blocks);
    free(journal->buffer);
    pthread_mutex_destroy(&journal->mutex);
    free(journal);
}

static const struct jf_journal_operations memory_operations = {
    .draft = memory_draft,
    .submit = memory_submit,
    .abandon = memory_abandon,
    .tick = memory_tick,
    .durable = memory_durable,
    .last = memory_last,
    .tick_after_us = memory_tick_after_us,
    .note_flushed = memory_note_flushed,
    .read_open = memory_read_open,
    .read_next = memory_read_next,
    .read_close = memory_read_close,
    .close = memory_close,
};

struct jf_journal *jf_journal_memory_create(struct jf_ledger_id ledger_id)
{
    struct memory_journal *journal = calloc(1, sizeof *journal);
    if (journal == NULL) {
        return NULL;
    }
    journal->buffer = aligned_alloc(JF_SECTOR_BYTES, JF_BLOCK_BYTES_MAX);
    if (journal->buffer == NULL) {
        free(journal);
        return NULL;
    }
    pthread_mutex_init(&journal->mutex, NULL);
    journal->base.operations = &memory_operations;
    journal->base.ledger_id = ledger_id;
    journal->base.generation = 1;
    journal->incarnation = 1;
    return &journal->base;
}

void jf_journal_memory_fail(struct jf_journal *base, uint64_t count, enum jf_error error)
{
    JF_ASSERT(count >= 1);
    JF_ASSERT(error == JF_ERROR_IO || error == JF_ERROR_NO_SPACE);
    from_base(base)->fail_after = count;
    from_base(base)->fail_error = error;
}

void jf_journal_memory_heal(struct jf_journal *base)
{
    from_base(base)->fail_after = 0;
    from_base(base)->is_full = false;
}

void jf_journal_memory_hold(struct jf_journal *base)
{
    from_base(base)->is_held = true;
}

void jf_journal_memory_release(struct jf_journal *base, uint64_t position)
{
    struct memory_journal *journal = from_base(base);
    pthread_mutex_lock(&journal->mutex);
    while (base->failure.error == JF_OK && journal->durable_count < journal->count &&
           last_position_of(&journal->blocks[journal->durable_count].header) <= position) {
        journal->durable_count += 1;
    }
    journal->is_held = journal->is_held && position != UINT64_MAX;
    pthread_mutex_unlock(&journal->mutex);
}

uint32_t jf_journal_memory_in_flight(const struct jf_journal *base)
{
    const struct memory_journal *journal = (const struct memory_journal *)base;
    return (uint32_t)(journal->count - journal->durable_count);
}

uint64_t jf_journal_memory_crash(struct jf_journal *base, uint64_t landed)
{
    struct memory_journal *journal = from_base(base);
    pthread_mutex_lock(&journal->mutex);
    while (journal->durable_count < journal->count && (landed & 1) != 0) {
        journal->durable_count += 1;
        landed >>= 1;
    }
    uint64_t position = durable_position(journal);
    while (journal->count > journal->durable_count) {
        journal->count -= 1;
        free(journal->blocks[journal->count].bytes);
    }
    journal->last_position = position;
    journal->last_time_us =
        journal->count > 0 ? journal->blocks[journal->count - 1].header.time_us : 0;
    journal->incarnation += 1;
    journal->is_lent = false;
    journal->is_held = false;
    pthread_mutex_unlock(&journal->mutex);
    jf_journal_memory_heal(base);
    base->failure = (struct jf_diagnosis){.error = JF_OK};
    return position;
}

void jf_journal_memory_seal_after(struct jf_journal *base, uint64_t seal_idle_us)
{
    from_base(base)->seal_idle_us = seal_idle_us;
}

uint64_t jf_journal_memory_flushed(const struct jf_journal *base)
{
    return ((const struct memory_journal *)base)->flushed;
}

void jf_journal_memory_drop_below(struct jf_journal *base, uint64_t position)
{
    struct memory_journal *journal = from_base(base);
    pthread_mutex_lock(&journal->mutex);
    uint64_t dropped = 0;
    // The last durable block stays: the chain goes on from it.
    while (dropped + 1 < journal->durable_count &&
           last_position_of(&journal->blocks[dropped].header) < position) {
        free(journal->blocks[dropped].bytes);
        dropped += 1;
    }
    memmove(journal->blocks, journal->blocks + dropped,
            (journal->count - dropped) * sizeof *journal->blocks);
    journal->count -= dropped;
    journal->durable_count -= dropped;
    pthread_mutex_unlock(&journal->mutex);
}
