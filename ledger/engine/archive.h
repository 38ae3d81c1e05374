// Archiving: sealed segments that the state no longer needs are compressed into the archive
// (journal/archive.h), compared, and only then dropped from the journal.
#ifndef JF_ENGINE_ARCHIVE_H
#define JF_ENGINE_ARCHIVE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct jf_engine;

// Says where a journal's archive is: makes the directory, and a link to it in the journal's, from
// where readers find it. In: archive NULL: the journal's own folder. Errors: EXISTS (it has
// segments in an archive elsewhere), IO, NO_SPACE; diagnosed.
JF_MUST_USE enum jf_error jf_archive_place(const char *journal_directory, const char *archive,
                                           struct jf_diagnosis *diagnosis);

#define JF_ARCHIVE_KEPT_BYTES 256u

struct jf_archive_result {
    uint64_t segments; // archived now
    uint64_t bytes_before;
    uint64_t bytes_after;
    uint64_t oldest_segment;          // that the journal itself has
    uint64_t first_position;          // of that one
    char kept[JF_ARCHIVE_KEPT_BYTES]; // a sentence without its stop: by what that one is needed
};

// Archives what it can of a stopped ledger, in the calling thread. Killed at any moment, it leaves
// each segment in the journal, in the archive, or in both. Errors: NOT_FOUND, LOCKED (the ledger
// runs), those of jf_archive_place and jf_archive_put, of the journal and of the state; diagnosed.
JF_MUST_USE enum jf_error jf_archive_directory(const char *data_directory, const char *archive,
                                               void (*report)(void *context, const char *stage,
                                                              uint64_t done, uint64_t total),
                                               void *context, struct jf_archive_result *out_result,
                                               struct jf_diagnosis *diagnosis);

// ---- Beside a running ledger ----------------------------------------------------------

// A thread of its own that archives as soon as a segment is not needed any more. A failure (a full
// archive, say) is told, and it tries again later: nothing is dropped meanwhile.
struct jf_archiver {
    pthread_t thread;
    bool is_started;
    _Atomic bool is_stopping;
    _Atomic uint64_t wanted_oldest; // for the ledger thread: drop what is older; 0: nothing
};

// In: the engine is open, its configuration's archive_directory not NULL.
JF_MUST_USE enum jf_error jf_archiver_start(struct jf_engine *engine,
                                            struct jf_diagnosis *diagnosis);
void jf_archiver_stop(struct jf_engine *engine); // safe where none was started
// In the ledger thread: tells the journal what may be dropped.
JF_MUST_USE enum jf_error jf_archiver_turn(struct jf_engine *engine);

#endif
