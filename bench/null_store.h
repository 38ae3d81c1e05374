// A store of keys that keeps nothing but the few rows of meta, so that an engine over it costs what
// planning and the journal cost: members must fit in its cache, for one that leaves it is gone.
// Threads and memory: as state/kv.h.
#ifndef JF_BENCH_NULL_STORE_H
#define JF_BENCH_NULL_STORE_H

#include "base/error.h"
#include "state/kv.h"

// For jf_engine_config.store_open, with scrub_period_us 0. There is never anything to begin with.
// Errors: JF_ERROR_NOT_FOUND where only meta is asked for; JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_null_store_open(const struct jf_kv_config *config,
                                             struct jf_kv **out_kv, struct jf_diagnosis *diagnosis);

#endif
