// What is held in memory beside the state, made from what the state has stored: shared by the start
// of a ledger and by a rebuild that goes on (RECOVERY 8). Threads: the owner of the state.
#ifndef JF_ENGINE_EFFECTS_LOAD_H
#define JF_ENGINE_EFFECTS_LOAD_H

#include "engine/effects.h"

// Loads control totals and reference data into empty ones. In: state_directory for the diagnosis.
// Errors: those of the state's reads; JF_ERROR_CORRUPT for an entry that cannot be decoded.
JF_MUST_USE enum jf_error jf_effects_load(const struct jf_effects *effects,
                                          const char *state_directory,
                                          struct jf_diagnosis *diagnosis);

#endif
