// Scratch directories: `verify-XXXXXX` below a ledger's directory, each locked by whoever uses it.
// One whose process was killed is not locked any more; the next to make one removes it.
//
// Threads: any; nothing is shared.
#ifndef JF_ENGINE_SCRATCH_H
#define JF_ENGINE_SCRATCH_H

#include "base/error.h"

#define JF_SCRATCH_PATH_BYTES 4096u

struct jf_scratch {
    char path[JF_SCRATCH_PATH_BYTES]; // empty: none
    int lock_fd;                      // of the directory itself
};

// Removes what is left of killed processes, and makes an empty directory. Out: *out_scratch, to be
// closed, also on failure. Errors: IO, NO_SPACE, INVALID (the name is too long), diagnosed.
JF_MUST_USE enum jf_error jf_scratch_open(const char *parent, struct jf_scratch *out_scratch,
                                          struct jf_diagnosis *diagnosis);
// Removes the directory with all in it.
void jf_scratch_close(struct jf_scratch *scratch);

#endif
