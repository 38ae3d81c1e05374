// What the scrubber reads: the journal through its reader, which checks every block as recovery
// does, then the state's tables.
// Fails: damage is diagnosed and passed over: in the journal up to the next segment that begins
// whole, in the state up to the next family. What else is damaged in a family is of no consequence:
// the remedy for the first makes all of the state anew.
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/assert.h"
#include "engine/scrub_private.h"

void jf_scrub_reading_close(struct jf_scrub_reading *reading)
{
    jf_journal_reader_close(reading->reader);
    reading->reader = NULL;
}

// The first segment behind the damaged one that can be gone on with.
struct segment_search {
    uint64_t behind;
    uint64_t segment; // 0: none
    uint64_t first_position;
};

static void segment_look(const struct jf_segment_summary *summary, void *context)
{
    struct segment_search *search = context;
    bool is_usable = summary->has_blocks && !summary->is_damaged;
    if (search->segment == 0 && is_usable && summary->number > search->behind) {
        search->segment = summary->number;
        search->first_position = summary->first_position;
    }
}

// Reading cannot begin with a segment's first entry without the segment before it: the second is
// where it goes on.
static void damage_pass_over(struct jf_scrub_reading *reading, struct jf_scrub_memory *memory)
{
    struct segment_search search = {.behind = memory->segment};
    struct jf_diagnosis ignored;
    jf_scrub_reading_close(reading);
    enum jf_error error =
        jf_journal_list_segments(reading->journal_directory, segment_look, &search, &ignored);
    if (error != JF_OK || search.segment == 0) {
        memory->part = JF_SCRUB_STATE;
        return;
    }
    memory->segment = search.segment;
    memory->position = search.first_position + 1;
}

static enum jf_error reader_open(struct jf_scrub_reading *reading, struct jf_scrub_memory *memory,
                                 struct jf_diagnosis *diagnosis)
{
    enum jf_error error = jf_journal_reader_open(reading->journal_directory, memory->position,
                                                 &reading->reader, diagnosis);
    if (error == JF_ERROR_GAP) { // what was to be read next has been dropped since
        memory->position = 0;
        error = jf_journal_reader_open(reading->journal_directory, 0, &reading->reader, diagnosis);
    }
    if (error == JF_OK) {
        reading->place = jf_journal_reader_place(reading->reader);
    }
    return error;
}

// Bytes that the reader has passed since it was looked at last.
static uint64_t bytes_passed(struct jf_scrub_reading *reading)
{
    struct jf_journal_place now = jf_journal_reader_place(reading->reader);
    bool is_same = now.segment == reading->place.segment && now.offset >= reading->place.offset;
    uint64_t passed = is_same ? now.offset - reading->place.offset : now.offset;
    reading->place = now;
    return passed;
}

static enum jf_error journal_read(struct jf_scrub_reading *reading, struct jf_scrub_memory *memory,
                                  uint64_t slice_bytes, uint64_t *out_bytes,
                                  struct jf_diagnosis *diagnosis)
{
    enum jf_error error = reading->reader == NULL ? reader_open(reading, memory, diagnosis) : JF_OK;
    while (error == JF_OK && *out_bytes < slice_bytes) {
        struct jf_journal_entry entry;
        error = jf_journal_reader_next(reading->reader, &entry, diagnosis);
        *out_bytes += bytes_passed(reading);
        if (error == JF_OK) {
            memory->position = entry.position + 1;
        }
        memory->segment = reading->place.segment;
    }
    if (error == JF_ERROR_NOT_FOUND) {
        jf_scrub_reading_close(reading);
        memory->part = JF_SCRUB_STATE;
        return JF_OK;
    }
    if (error != JF_OK && error != JF_ERROR_NO_MEMORY) {
        damage_pass_over(reading, memory);
    }
    return error;
}

static enum jf_error state_read(const struct jf_scrub_reading *reading,
                                struct jf_scrub_memory *memory, uint64_t slice_bytes,
                                uint64_t *out_bytes, struct jf_diagnosis *diagnosis)
{
    struct jf_state_scrub_place *place = &memory->place;
    uint32_t family = place->family;
    enum jf_error error =
        jf_state_scrub(reading->state_directory, slice_bytes, place, out_bytes, diagnosis);
    bool is_waiting = error == JF_ERROR_NO_MEMORY || error == JF_ERROR_NO_SPACE;
    bool is_stuck = error != JF_OK && !is_waiting && place->family == family;
    if (is_stuck || jf_state_scrub_is_done(place)) {
        memory->part = JF_SCRUB_DONE;
    }
    return error;
}

enum jf_error jf_scrub_read(struct jf_scrub_reading *reading, struct jf_scrub_memory *memory,
                            uint64_t slice_bytes, uint64_t *out_bytes,
                            struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(memory->part != JF_SCRUB_DONE);
    *out_bytes = 0;
    return memory->part == JF_SCRUB_JOURNAL
               ? journal_read(reading, memory, slice_bytes, out_bytes, diagnosis)
               : state_read(reading, memory, slice_bytes, out_bytes, diagnosis);
}

static uint64_t directory_bytes(const char *path)
{
    uint64_t bytes = 0;
    DIR *directory = opendir(path);
    if (directory == NULL) {
        return 0;
    }
    for (const struct dirent *entry = readdir(directory); entry != NULL;
         entry = readdir(directory)) {
        struct stat status;
        if (fstatat(dirfd(directory), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(status.st_mode)) {
            bytes += (uint64_t)status.st_size;
        }
    }
    closedir(directory);
    return bytes;
}

uint64_t jf_scrub_bytes_total(const struct jf_scrub_reading *reading)
{
    return directory_bytes(reading->journal_directory) + directory_bytes(reading->state_directory);
}
