// Shared by scrub.c (the thread and its pace), scrub_read.c (what is read) and scrub_file.c (where
// it was).
#ifndef JF_ENGINE_SCRUB_PRIVATE_H
#define JF_ENGINE_SCRUB_PRIVATE_H

#include "engine/scrub.h"
#include "journal/reader.h"
#include "state/scrub.h"

enum jf_scrub_part {
    JF_SCRUB_JOURNAL = 0,
    JF_SCRUB_STATE = 1,
    JF_SCRUB_DONE = 2, // until the next pass is due
};

// How far the running pass is, and what is known: what the file remembers.
struct jf_scrub_memory {
    uint64_t begun_us; // Unix time; 0: no pass has begun
    enum jf_scrub_part part;
    uint64_t position; // JOURNAL: next entry; 0: the oldest kept
    uint64_t segment;  // JOURNAL: the one that was read last
    struct jf_state_scrub_place place;
    bool has_found; // `status` tells of the running pass
    struct jf_scrub_status status;
};

// Reading goes on over slices.
struct jf_scrub_reading {
    const char *journal_directory;
    const char *state_directory;
    struct jf_journal_reader *reader; // NULL: to be opened
    struct jf_journal_place place;    // up to which it was counted
};

// Reads about slice_bytes. Out: bytes read. Returns: JF_OK; JF_ERROR_CORRUPT and the like for
// damage, diagnosed, and the memory behind it; JF_ERROR_NO_MEMORY: try again later.
JF_MUST_USE enum jf_error jf_scrub_read(struct jf_scrub_reading *reading,
                                        struct jf_scrub_memory *memory, uint64_t slice_bytes,
                                        uint64_t *out_bytes, struct jf_diagnosis *diagnosis);
void jf_scrub_reading_close(struct jf_scrub_reading *reading);

// Bytes of everything at rest, as the directories say.
uint64_t jf_scrub_bytes_total(const struct jf_scrub_reading *reading);

// The file `scrub` in the data directory. Load: a file that is not there or not understood leaves
// the memory empty. Save: a failure is of no consequence.
void jf_scrub_memory_load(const char *data_directory, struct jf_scrub_memory *out_memory);
void jf_scrub_memory_save(const char *data_directory, const struct jf_scrub_memory *memory);

#endif
