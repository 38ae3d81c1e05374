// Restoring a ledger from a backup, to its end or to an earlier position, as a new generation. The
// work is done beside the ledger's new directory, which comes into being whole, by a rename, when
// everything was verified. In the calling thread.
#ifndef JF_ENGINE_RESTORE_H
#define JF_ENGINE_RESTORE_H

#include "engine/backup.h"

struct jf_restore_input {
    const char *backup;      // directory
    const char *data;        // the ledger's new directory: absent or empty
    uint64_t to_position;    // last one kept; UINT64_MAX: all
    uint64_t to_time_us;     // keep what was recorded up to then, Unix time; UINT64_MAX: all
    bool is_quick;           // the restored state is not compared with a replay of the journal
    jf_backup_report report; // stages "copying", "checking" (bytes), "searching", "replaying"
                             // (entries), and those of a verification; may be NULL
    bool (*is_cancelled)(void *context); // asked while copying; may be NULL
    void *context;
};

struct jf_restore_result {
    uint64_t last_position;
    uint64_t generation;
    uint64_t state_position; // that the restored state held before the rest was replayed; 0: none
    uint64_t members;
    unsigned char digest[16]; // of the state; zeros when it was not compared
    bool is_compared;
    bool is_resumed;   // a restore that had broken off was gone on with
    bool is_work_left; // DATA.restoring, of no use any more, could not be removed
};

// Errors: NOT_FOUND (no backup; no directory to make the new one in), EXISTS (the new directory is
// not empty), INVALID (a position or time that the backup does not reach; a new directory inside a
// ledger or a backup), LOCKED (another restore to there), CORRUPT (a damaged file of the backup,
// named; a state that does not tie), GAP (an earlier position needs journal files that the backup
// does not have), VERSION, NO_SPACE, CLOSED, IO, NO_MEMORY and those of opening a ledger, each
// diagnosed. On failure `data` is as it was, but for a sync of its parent that fails: the text says
// so.
JF_MUST_USE enum jf_error jf_restore_run(const struct jf_restore_input *input,
                                         struct jf_restore_result *out_result,
                                         struct jf_diagnosis *diagnosis);

#endif
