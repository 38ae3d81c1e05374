// The happy path: superblock, list of segments, walk.
// Failures: the walk's finding at the end is judged by the same table as in recovery. Beside a
// running writer a block may become valid between the walk and the judgement, so a refusal is only
// believed if the walk, asked again, still stands at the same block.
#include "journal/reader.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "journal/archive.h"
#include "journal/recovery.h"
#include "journal/superblock.h"

#define PROGRESS_BYTES (1u << 20)
#define LOOKS_MAX      3u

struct jf_journal_reader {
    int directory_fd;
    struct jf_superblock superblock;
    struct jf_directory_listing listing;
    struct jf_walk walk;
    struct jf_walk_block block;
    struct jf_tail_facts end; // when the end was reached
    uint32_t entries_left;
    uint32_t offset;
};

static enum jf_error list_all(struct jf_journal_reader *reader, struct jf_diagnosis *diagnosis)
{
    uint64_t oldest = reader->superblock.oldest_segment;
    enum jf_error error =
        jf_directory_list(reader->directory_fd, oldest, &reader->listing, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    struct jf_directory_listing *listing = &reader->listing;
    if (listing->count > 0) {
        jf_archive_extend(reader->directory_fd, listing);
    }
    if (listing->count == 0 || listing->oldest > oldest ||
        listing->newest - listing->oldest + 1 != listing->count) {
        return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                           "the journal has %llu segments but should have all from %llu to %llu: "
                           "restore the missing ones from a backup, an archive or a follower",
                           (unsigned long long)listing->count, (unsigned long long)oldest,
                           (unsigned long long)listing->newest);
    }
    return JF_OK;
}

// Opens the directory as a journal, without going anywhere in it.
static enum jf_error open_directory(struct jf_journal_reader *reader, const char *directory,
                                    struct jf_diagnosis *diagnosis)
{
    enum jf_error error = jf_directory_open(directory, &reader->directory_fd, diagnosis);
    if (error == JF_OK) {
        error = jf_superblock_read(reader->directory_fd, &reader->superblock, diagnosis);
        if (error == JF_ERROR_NOT_FOUND) {
            return jf_diagnose(diagnosis, error, "directory %s holds no journal", directory);
        }
    }
    if (error == JF_OK) {
        error = list_all(reader, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_walk_init(&reader->walk, reader->directory_fd, &reader->superblock.identity);
        if (error != JF_OK) {
            (void)jf_diagnose(diagnosis, error, "no memory to read journal %s", directory);
        }
    }
    return error;
}

static enum jf_error reader_make(const char *directory, struct jf_journal_reader **out_reader,
                                 struct jf_diagnosis *diagnosis)
{
    struct jf_journal_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory to read journal %s",
                           directory);
    }
    reader->directory_fd = -1;
    enum jf_error error = open_directory(reader, directory, diagnosis);
    if (error != JF_OK) {
        jf_journal_reader_close(reader);
        return error;
    }
    *out_reader = reader;
    return JF_OK;
}

void jf_journal_reader_close(struct jf_journal_reader *reader)
{
    if (reader == NULL) {
        return;
    }
    jf_walk_deinit(&reader->walk);
    if (reader->directory_fd >= 0) {
        close(reader->directory_fd);
    }
    free(reader);
}

// Judges the place where the walk stopped. Returns: NOT_FOUND at an end; JF_OK when it is worth
// looking again; else the refusal.
static enum jf_error judge_end(struct jf_journal_reader *reader, enum jf_block_finding finding,
                               bool is_last_look, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = list_all(reader, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    error =
        jf_tail_gather(&reader->walk, reader->listing.newest, finding, 0, &reader->end, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    enum jf_tail_row row = jf_tail_judge(&reader->end);
    if (jf_tail_row_verdict(row) != JF_TAIL_REFUSE) {
        return JF_ERROR_NOT_FOUND;
    }
    return is_last_look ? jf_tail_diagnose(&reader->walk, &reader->end, row, diagnosis) : JF_OK;
}

// Takes the next block. Returns: JF_OK, NOT_FOUND at the end, or what is wrong.
static enum jf_error next_block(struct jf_journal_reader *reader, struct jf_diagnosis *diagnosis)
{
    for (uint32_t look = 1; look <= LOOKS_MAX; look++) {
        enum jf_block_finding finding = JF_BLOCK_ABSENT;
        enum jf_error error = jf_walk_next(&reader->walk, &reader->block, &finding, diagnosis);
        if (error != JF_OK) {
            return error;
        }
        if (finding == JF_BLOCK_VALID) {
            reader->entries_left = reader->block.header.entry_count;
            reader->offset = 0;
            return JF_OK;
        }
        jf_walk_forget(&reader->walk);
        error = judge_end(reader, finding, look == LOOKS_MAX, diagnosis);
        if (error != JF_OK) {
            return error;
        }
    }
    return JF_ERROR_NOT_FOUND;
}

static void take_entry(struct jf_journal_reader *reader, struct jf_journal_entry *out_entry)
{
    const struct jf_block_header *header = &reader->block.header;
    JF_ASSERT(reader->entries_left > 0);
    uint32_t size = 0;
    out_entry->bytes = jf_block_entry(reader->block.payload, &reader->offset, &size);
    out_entry->size = size;
    out_entry->position = header->first_position + (header->entry_count - reader->entries_left);
    out_entry->block_sequence = header->sequence;
    out_entry->block_time_us = header->time_us;
    reader->entries_left -= 1;
    out_entry->is_last_in_block = reader->entries_left == 0;
}

enum jf_error jf_journal_reader_next(struct jf_journal_reader *reader,
                                     struct jf_journal_entry *out_entry,
                                     struct jf_diagnosis *diagnosis)
{
    while (reader->entries_left == 0) {
        enum jf_error error = next_block(reader, diagnosis);
        if (error != JF_OK) {
            return error;
        }
    }
    take_entry(reader, out_entry);
    return JF_OK;
}

// Steps over the entries before `position`. NOT_FOUND when the journal ends before `position - 1`.
static enum jf_error skip_to(struct jf_journal_reader *reader, uint64_t position,
                             struct jf_diagnosis *diagnosis)
{
    struct jf_journal_entry skipped;
    for (;;) {
        if (reader->entries_left > 0) {
            const struct jf_block_header *header = &reader->block.header;
            uint64_t next = header->first_position + header->entry_count - reader->entries_left;
            if (next >= position) {
                return JF_OK;
            }
            take_entry(reader, &skipped);
            continue;
        }
        enum jf_error error = next_block(reader, diagnosis);
        if (error == JF_ERROR_NOT_FOUND && reader->walk.tail.last_position + 1 == position) {
            return JF_OK;
        }
        if (error == JF_ERROR_NOT_FOUND) {
            return jf_diagnose(diagnosis, error, "the journal ends at position %llu, before %llu",
                               (unsigned long long)reader->walk.tail.last_position,
                               (unsigned long long)position);
        }
        if (error != JF_OK) {
            return error;
        }
    }
}

static enum jf_error go_to(struct jf_journal_reader *reader, uint64_t position,
                           struct jf_diagnosis *diagnosis)
{
    uint64_t segment = reader->listing.oldest;
    if (position > 0) {
        struct jf_walk_search search = {reader->listing.oldest, reader->listing.newest, position,
                                        true};
        enum jf_error error = jf_walk_find(reader->directory_fd, &search,
                                           &reader->superblock.identity, &segment, diagnosis);
        if (error != JF_OK) {
            return error;
        }
    }
    enum jf_error error = jf_walk_seek(&reader->walk, segment, diagnosis);
    if (error == JF_OK && position > 1) {
        error = skip_to(reader, position, diagnosis);
    }
    return error;
}

enum jf_error jf_journal_reader_open(const char *directory, uint64_t from_position,
                                     struct jf_journal_reader **out_reader,
                                     struct jf_diagnosis *diagnosis)
{
    struct jf_journal_reader *reader = NULL;
    enum jf_error error = reader_make(directory, &reader, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    error = go_to(reader, from_position, diagnosis);
    if (error != JF_OK) {
        jf_journal_reader_close(reader);
        return error;
    }
    *out_reader = reader;
    return JF_OK;
}

struct jf_ledger_id jf_journal_reader_ledger_id(const struct jf_journal_reader *reader)
{
    return reader->superblock.identity.ledger_id;
}

struct jf_journal_place jf_journal_reader_place(const struct jf_journal_reader *reader)
{
    return (struct jf_journal_place){reader->walk.segment, reader->walk.offset};
}

// Where it lies, and how large it is.
static enum jf_error segment_look(const struct jf_journal_reader *reader,
                                  struct jf_segment_summary *summary,
                                  struct jf_diagnosis *diagnosis)
{
    struct jf_archive_label label;
    int fd = -1;
    jf_segment_name(summary->number, summary->file_name);
    if (summary->number < reader->superblock.oldest_segment) {
        summary->is_archived = true;
        size_t size = strlen(summary->file_name);
        memcpy(summary->file_name + size, JF_ARCHIVE_SUFFIX, sizeof JF_ARCHIVE_SUFFIX);
        enum jf_error error =
            jf_archive_label_read(reader->directory_fd, summary->number, &label, diagnosis);
        summary->size_bytes = error == JF_OK ? label.size_bytes : 0;
        return error;
    }
    enum jf_error error = jf_segment_open(reader->directory_fd, summary->number, JF_SEGMENT_READ,
                                          &fd, &summary->size_bytes, diagnosis);
    if (error == JF_OK) {
        close(fd);
    }
    return error;
}

static enum jf_error summarize(const struct jf_journal_reader *reader, uint64_t number,
                               struct jf_segment_summary *out_summary,
                               struct jf_diagnosis *diagnosis)
{
    struct jf_segment_summary summary = {.number = number};
    enum jf_error error = segment_look(reader, &summary, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    struct jf_block_header header;
    enum jf_block_finding finding = JF_BLOCK_ABSENT;
    error = jf_walk_first_header(reader->directory_fd, number, &reader->superblock.identity,
                                 &header, &finding, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    if (finding == JF_BLOCK_VALID) {
        summary.has_blocks = true;
        summary.first_sequence = header.sequence;
        summary.first_position = header.first_position;
        summary.first_time_us = header.time_us;
    }
    summary.is_damaged = finding != JF_BLOCK_VALID && finding != JF_BLOCK_ABSENT;
    *out_summary = summary;
    return JF_OK;
}

_Static_assert(sizeof((struct jf_segment_summary *)0)->file_name == JF_SEGMENT_NAME_BYTES,
               "a segment's name fits its summary");
_Static_assert(sizeof "segment-0123456789abcdef.jfl" JF_ARCHIVE_SUFFIX <= JF_SEGMENT_NAME_BYTES,
               "and so does its name in the archive");

enum jf_error jf_journal_list_segments(const char *directory, jf_segment_callback callback,
                                       void *context, struct jf_diagnosis *diagnosis)
{
    struct jf_journal_reader *reader = NULL;
    enum jf_error error = reader_make(directory, &reader, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    for (uint64_t number = reader->listing.oldest;
         error == JF_OK && number <= reader->listing.newest; number++) {
        struct jf_segment_summary summary;
        error = summarize(reader, number, &summary, diagnosis);
        if (error == JF_OK) {
            callback(&summary, context);
        }
    }
    jf_journal_reader_close(reader);
    return error;
}

// --- Verifying everything.
// ------------------------------------------------------------------------

static void count_block(struct jf_journal_verification *verification,
                        const struct jf_block_header *header)
{
    if (verification->blocks == 0) {
        verification->first_sequence = header->sequence;
    }
    if (verification->entries == 0 && header->entry_count > 0) {
        verification->first_position = header->first_position;
    }
    verification->blocks += 1;
    verification->entries += header->entry_count;
    verification->payload_bytes += header->payload_size;
    verification->last_sequence = header->sequence;
    verification->last_position = header->first_position + header->entry_count - 1;
}

struct progress {
    jf_verify_callback callback;
    void *context;
    uint64_t segment_bytes; // of the first segment: the others are taken to be alike
    uint64_t told;
};

static void tell(struct progress *progress, const struct jf_journal_reader *reader)
{
    uint64_t before = reader->walk.segment - reader->listing.oldest;
    uint64_t done = before * progress->segment_bytes + reader->walk.offset;
    uint64_t total = reader->listing.count * progress->segment_bytes;
    if (progress->callback != NULL && done >= progress->told + PROGRESS_BYTES) {
        progress->told = done;
        progress->callback(done < total ? done : total, total, progress->context);
    }
}

static enum jf_error verify_blocks(struct jf_journal_reader *reader, struct progress *progress,
                                   struct jf_journal_verification *verification,
                                   struct jf_diagnosis *diagnosis)
{
    enum jf_error error = jf_walk_seek(&reader->walk, reader->listing.oldest, diagnosis);
    progress->segment_bytes = reader->walk.segment_size;
    while (error == JF_OK) {
        error = next_block(reader, diagnosis);
        if (error == JF_OK) {
            count_block(verification, &reader->block.header);
            tell(progress, reader);
        }
    }
    return error == JF_ERROR_NOT_FOUND ? JF_OK : error;
}

enum jf_error jf_journal_verify(const char *directory, jf_verify_callback callback, void *context,
                                struct jf_journal_verification *out_verification,
                                struct jf_diagnosis *diagnosis)
{
    struct jf_journal_reader *reader = NULL;
    enum jf_error error = reader_make(directory, &reader, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    struct jf_journal_verification verification = {0};
    struct progress progress = {.callback = callback, .context = context};
    error = verify_blocks(reader, &progress, &verification, diagnosis);
    if (error == JF_OK) {
        verification.ledger_id = reader->superblock.identity.ledger_id;
        verification.segments = reader->listing.count;
        verification.oldest_segment = reader->listing.oldest;
        verification.damaged_superblock_copies = reader->superblock.damaged_copies;
        if (reader->end.has_bytes) {
            jf_tail_cut_size(&reader->end, &verification.torn_blocks, &verification.torn_bytes);
        }
        *out_verification = verification;
    }
    jf_journal_reader_close(reader);
    return error;
}

// --- Where a copy ends.
// ---------------------------------------------------------------------------

static enum jf_error blocks_until(struct jf_journal_reader *reader,
                                  const struct jf_journal_end_search *search,
                                  struct jf_journal_end *end, struct jf_diagnosis *diagnosis)
{
    struct progress progress = {.callback = search->callback, .context = search->context};
    uint64_t from = search->from_segment == 0 ? reader->listing.oldest : search->from_segment;
    enum jf_error error = jf_walk_seek(&reader->walk, from, diagnosis);
    progress.segment_bytes = reader->walk.segment_size;
    bool is_reached = search->until_position == 0;
    while (error == JF_OK && !is_reached) {
        error = next_block(reader, diagnosis);
        if (error == JF_OK) {
            end->block = reader->block.header;
            end->last_position = reader->walk.tail.last_position;
            is_reached =
                end->last_position >= search->until_position ||
                (search->until_sequence != 0 && end->block.sequence >= search->until_sequence);
            tell(&progress, reader);
        }
    }
    return error == JF_ERROR_NOT_FOUND ? JF_OK : error;
}

enum jf_error jf_journal_find_end(const char *directory, const struct jf_journal_end_search *search,
                                  struct jf_journal_end *out_end, struct jf_diagnosis *diagnosis)
{
    struct jf_journal_reader *reader = NULL;
    enum jf_error error = reader_make(directory, &reader, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    struct jf_journal_end end = {.superblock = reader->superblock};
    struct jf_block_header first;
    enum jf_block_finding finding = JF_BLOCK_ABSENT;
    error = jf_walk_first_header(reader->directory_fd, reader->listing.oldest,
                                 &reader->superblock.identity, &first, &finding, diagnosis);
    end.first_position = finding == JF_BLOCK_VALID ? first.first_position : 0;
    if (error == JF_OK) {
        error = blocks_until(reader, search, &end, diagnosis);
    }
    if (error == JF_OK) {
        *out_end = end;
    }
    jf_journal_reader_close(reader);
    return error;
}
