// Making the state of a stopped ledger anew from its journal. Offline: the journal's lock is held
// from the first look to the last rename, so no ledger can be started beside it; the journal is
// read and not changed.
//
// One thread. Memory: bounded by the configuration, whatever the ledger's size.
#ifndef JF_ENGINE_REBUILD_H
#define JF_ENGINE_REBUILD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

// Beside `state` in the data directory: what is being made, what is about to be removed, and the
// old state where it is kept.
#define JF_REBUILD_DIRECTORY  "state.rebuilding"
#define JF_REMOVING_DIRECTORY "state.removing"
#define JF_OLD_DIRECTORY      "state.old"

struct jf_rebuild_config {
    const char *data_directory; // holds journal/; state/ may be missing
    const char *zone_directory; // NULL: the system's
    uint64_t cache_bytes;       // of members, and of RocksDB's memtables
    uint64_t filter_bytes;      // a ledger started with another size makes its filter anew
    bool is_old_kept;           // the old state is moved to state.old, not removed
    // Called after each chunk of entries. May be NULL. `first` is where this run began.
    void (*report)(void *context, uint64_t first, uint64_t position, uint64_t last);
    void *report_context;
};

struct jf_rebuild_result {
    uint64_t last_position;    // that the state holds now
    uint64_t resumed_position; // that an interrupted run had reached; 0: begun anew
    uint64_t members;
    uint64_t elapsed_us;
    bool had_state; // there was an old one
};

// Makes DIR/state.rebuilding, flushes it, and only then puts it in the old one's place. A run that
// was cut off at any moment leaves either the old state or the new one in place; the next run goes
// on where it stopped. Errors: JF_ERROR_NOT_FOUND (no journal), JF_ERROR_LOCKED, JF_ERROR_GAP (the
// journal no longer begins with the first entry), JF_ERROR_EXISTS (state.old is there already),
// those of the journal and of the state, diagnosed; the old state is then as it was.
JF_MUST_USE enum jf_error jf_rebuild_directory(const struct jf_rebuild_config *config,
                                               struct jf_rebuild_result *out_result,
                                               struct jf_diagnosis *diagnosis);

#endif
