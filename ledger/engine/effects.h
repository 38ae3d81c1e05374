// What an entry does to everything that is held in memory: member, control totals, reference data,
// indexes. One function for the running ledger, for recovery and for verification, so that they
// cannot differ (RECOVERY 8). Threads: the owner of the state.
#ifndef JF_ENGINE_EFFECTS_H
#define JF_ENGINE_EFFECTS_H

#include "base/arena.h"
#include "rules/apply.h"
#include "rules/reference.h"
#include "state/state.h"

struct jf_effects {
    struct jf_state *state;
    struct jf_control *control;
    struct jf_reference *reference;
};

// Everything that can fail, done ahead: room in the member's block, in totals and overlay; the zone
// of a store, the text of a programme. The entry's member must have been fetched. In: bytes the
// encoded entry. Errors: JF_ERROR_NO_MEMORY, JF_ERROR_STATE, JF_ERROR_CORRUPT (an entry of a member
// that does not exist; a zone or programme that cannot be read; a digest that the state does not
// have), JF_ERROR_VERSION (a digest of a later format), diagnosed. Nothing changed that a
// reader could see.
JF_MUST_USE enum jf_error jf_effects_reserve(const struct jf_effects *effects,
                                             const struct jf_entry *entry, struct jf_text bytes,
                                             struct jf_diagnosis *diagnosis);

// The change itself; after reserve with the same entry it cannot fail.
void jf_effects_apply(const struct jf_effects *effects, const struct jf_entry *entry,
                      struct jf_text bytes);

// The receipt a sale entry or command takes.
struct jf_receipt_key jf_effects_receipt_key(const struct jf_receipt *receipt,
                                             jf_date business_date);

// Partition of the transaction index for an entry: its business date, 0 for entries without one.
jf_date jf_effects_partition(jf_date business_date);

#endif
