// Taking a backup of a ledger's directory into another directory: a stopped ledger's own, or the
// snapshot that a running one has made (engine/snapshot.h). The first backup copies everything, the
// next ones what is new (ledger/FORMAT.md, "Backup").
//
// In the calling thread. Nothing of the source is changed. Whatever ends it early, the directory
// holds the backup that it held before, and the same call goes on with what was copied already.
#ifndef JF_ENGINE_BACKUP_H
#define JF_ENGINE_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef void (*jf_backup_report)(void *context, const char *stage, uint64_t done, uint64_t total);

struct jf_backup_input {
    const char *source;      // holds journal/ and state/
    const char *directory;   // of the backup; made when absent
    uint64_t until_position; // newest entry that is durable; UINT64_MAX: to the journal's end
    uint64_t taken_us;       // Unix time
    bool is_live;            // a snapshot: nobody else writes there, and no lock is looked for
    jf_backup_report report; // stages "checking", "copying", in bytes; may be NULL
    bool (*is_cancelled)(void *context); // may be NULL
    void *context;
};

struct jf_backup_result {
    uint64_t first_position; // of the journal's files
    uint64_t last_position;
    uint64_t state_position; // that the state's files hold
    uint64_t files;
    uint64_t bytes;
    uint64_t files_copied; // the others were there already
    uint64_t bytes_copied;
};

// Errors: NOT_FOUND (no ledger), LOCKED (the ledger runs; another backup is being taken), FOREIGN
// (the directory is something else, or another ledger's backup), EXISTS (it holds a backup of later
// entries or of a later restore than the source has), CORRUPT, GAP, NO_SPACE, CLOSED (cancelled),
// IO, NO_MEMORY, each diagnosed.
JF_MUST_USE enum jf_error jf_backup_take(const struct jf_backup_input *input,
                                         struct jf_backup_result *out_result,
                                         struct jf_diagnosis *diagnosis);

// Checks a backup as it lies: manifest, and every file's size and checksum. Errors: NOT_FOUND,
// CORRUPT (naming the file), VERSION, IO.
JF_MUST_USE enum jf_error jf_backup_check(const char *directory, jf_backup_report report,
                                          void *context, struct jf_backup_result *out_result,
                                          struct jf_diagnosis *diagnosis);

#endif
