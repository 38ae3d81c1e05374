// The scrubber: reads everything at rest (journal and state) once within a stated time, in a thread
// of its own with the least priority, at an even pace, so that damage is found while a backup still
// has the good bytes. What it finds it reports; it changes nothing and stops nothing: every other
// reader checks what it reads for itself, so that what is damaged is not served.
//
// Threads: start and stop from one thread; status from any.
#ifndef JF_ENGINE_SCRUB_H
#define JF_ENGINE_SCRUB_H

#include <stdint.h>

#include "base/error.h"

struct jf_scrub;

struct jf_scrub_config {
    const char *data_directory; // holds journal/, state/, and the file `scrub`; borrowed until stop
    uint64_t period_us;         // a pass over everything takes no longer; the next begins then
    uint64_t slice_bytes;       // read at once, before the next pause
    // Called by the scrubber's thread for each damage found: a sentence with file, offset, block
    // and remedy.
    void (*on_damage)(void *context, const char *text);
    void *on_damage_context;
};

struct jf_scrub_status {
    uint64_t passed_us;    // Unix time at which the newest pass ended; 0: none yet
    uint64_t damage_count; // found by the newest pass or, if it found any, by the running
    char damage[JF_DIAGNOSIS_TEXT_MAX]; // the first of them; empty: none
};

// Goes on where the file `scrub` says that it was, else begins anew. Errors: JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_scrub_start(const struct jf_scrub_config *config,
                                         struct jf_scrub **out_scrub,
                                         struct jf_diagnosis *diagnosis);
void jf_scrub_stop(struct jf_scrub *scrub); // waits for its thread; NULL is accepted

void jf_scrub_status(struct jf_scrub *scrub, struct jf_scrub_status *out_status);

#endif
