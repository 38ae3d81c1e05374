// A verification's inside: shared by verify.c (replay, members, totals), verify_rows.c (indexes,
// entries, filter). In the verifying thread.
#ifndef JF_ENGINE_VERIFY_PRIVATE_H
#define JF_ENGINE_VERIFY_PRIVATE_H

#include "engine/effects.h"
#include "engine/job_private.h"
#include "engine/replay.h"
#include "engine/scratch.h"
#include "state/rows.h"

#define JF_VERIFY_REPORT_ROWS 4096u // between looks at progress and cancellation

struct jf_verification {
    const struct jf_verify_input *input;
    struct jf_job_progress *result;
    struct jf_effects effects;      // over the scratch state
    struct jf_hash128 live_members; // sum of the hashes of the server's records
    struct jf_scratch scratch;
};

// Notes a difference; only the first is told.
void jf_verify_differ(struct jf_verification *run, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// Tells progress. Returns: JF_OK, or JF_ERROR_CLOSED when the verification was cancelled.
JF_MUST_USE enum jf_error jf_verify_report(const struct jf_verification *run, const char *stage,
                                           uint64_t done, uint64_t total);

// ---- verify_rows.c --------------------------------------------------------------------

// The stored entries, walked beside the replay.
struct jf_verify_entries {
    struct jf_state_entries *stored;
    uint64_t position; // of the stored entry that is next; 0: none is left
    struct jf_text bytes;
};

JF_MUST_USE enum jf_error jf_verify_entries_begin(struct jf_verification *run,
                                                  struct jf_verify_entries *entries,
                                                  struct jf_diagnosis *diagnosis);
// Compares a chunk of the replay with what is stored at its positions.
JF_MUST_USE enum jf_error jf_verify_entries_compare(struct jf_verification *run,
                                                    struct jf_verify_entries *entries,
                                                    const struct jf_replay *replay,
                                                    struct jf_diagnosis *diagnosis);
// What is stored beyond the last position is a difference too.
void jf_verify_entries_end(struct jf_verification *run, struct jf_verify_entries *entries);

// Compares every index, row by row, and looks up every transaction and receipt in the stored
// filter. In: the scratch state holds everything up to the position of `input`.
JF_MUST_USE enum jf_error jf_verify_rows(struct jf_verification *run, struct jf_state_scan *scratch,
                                         struct jf_diagnosis *diagnosis);

// ---- verify_member.c ------------------------------------------------------------------

// Names the first thing that two different records of one member say differently.
void jf_verify_member_differ(struct jf_verification *run, const struct jf_member *live,
                             const struct jf_member *replayed);

// ---- verify_totals.c ------------------------------------------------------------------

// Compares control accounts, counters and counts. In: the members' balances are added up.
JF_MUST_USE enum jf_error jf_verify_totals(struct jf_verification *run,
                                           struct jf_diagnosis *diagnosis);

#endif
