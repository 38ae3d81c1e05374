// Opening and closing the two halves of a ledger, journal and state. In the ledger thread.
#ifndef JF_ENGINE_OPENING_H
#define JF_ENGINE_OPENING_H

#include "engine/engine_private.h"
#include "engine/prefetch.h"

#define JF_ENGINE_RING_ENTRIES 256u
// A generation is what is sealed at once: small enough that sealing does not hold up a till, large
// enough that a member who comes twice is written once. The store thread writes many of them as one
// sorted run. What waits for it costs about 1.5 KiB an entry, in buffers that are kept: 240 MiB
// when all generations are full.
#define JF_GENERATION_ENTRIES 1024u
#define JF_GENERATION_US      200000u
#define JF_GENERATIONS_MAX    160u

JF_MUST_USE enum jf_error jf_engine_halves_open(struct jf_engine *engine,
                                                struct jf_diagnosis *diagnosis);
// Safe on what was opened partly.
JF_MUST_USE enum jf_error jf_engine_halves_close(struct jf_engine *engine,
                                                 struct jf_diagnosis *diagnosis);

#endif
