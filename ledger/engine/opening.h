// Opening and closing the two halves of a ledger, journal and state. In the ledger thread.
#ifndef JF_ENGINE_OPENING_H
#define JF_ENGINE_OPENING_H

#include "engine/engine_private.h"
#include "engine/prefetch.h"

#define JF_ENGINE_RING_ENTRIES 256u
// A generation is what the store thread writes at once: large enough to be sorted with profit,
// small enough that sealing it does not hold up a till.
#define JF_GENERATION_ENTRIES 4096u
#define JF_GENERATION_US      200000u
#define JF_GENERATIONS_MAX    128u

JF_MUST_USE enum jf_error jf_engine_halves_open(struct jf_engine *engine,
                                                struct jf_diagnosis *diagnosis);
// Safe on what was opened partly.
JF_MUST_USE enum jf_error jf_engine_halves_close(struct jf_engine *engine,
                                                 struct jf_diagnosis *diagnosis);

#endif
