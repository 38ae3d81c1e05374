// A ledger in jifen-bench's own process, without network: an engine in a scratch directory, one
// lane to it, and sales posted through that lane by batches of commands, as a network thread would
// hand them over. One thread besides the engine's own.
#ifndef JF_BENCH_INPROC_H
#define JF_BENCH_INPROC_H

#include "bench/process.h"
#include "bench/zipf.h"
#include "engine/engine.h"

#define JF_INPROC_BATCH_MAX 8192u
#define JF_INPROC_SLOTS_MAX 64u
#define JF_INPROC_LINES     3u

// One request that is on its way, with all its commands' memory.
struct jf_inproc_slot {
    struct jf_request request;
    struct jf_arena arena;
    struct jf_inproc_sale *sales; // batch_size
    bool is_free;
};

// Caller's memory; zeroes before open. What is not marked is private.
struct jf_inproc {
    struct jf_scratch scratch; // may be read
    struct jf_engine *engine;  // may be read
    uint32_t batch_size;       // set before open: 1..JF_INPROC_BATCH_MAX
    uint32_t slot_count;       // set before open: 1..JF_INPROC_SLOTS_MAX
    uint64_t member_count;     // set before open
    double theta;              // set before open: of Zipf's law for members; 0: drawn evenly
    bool is_without_state;     // set before open: journal alone; members must fit in the cache
    uint64_t posted;           // may be read: sales that were answered
    struct jf_lane *lane;
    int wake_fd;
    struct jf_inproc_slot *slots;
    uint64_t random;
    uint64_t next; // number of the next sale
    int64_t sold_at_ms;
    struct jf_zipf zipf;
};

// What a closed ledger has on disk.
struct jf_inproc_rest {
    uint64_t entries;
    uint64_t journal_bytes; // blocks
    uint64_t state_bytes;   // RocksDB's tables
};

// Makes the scratch directory in `parent`, opens the engine there with a member cache of so many
// bytes, publishes the sample programme, puts stores, enrols the members.
// Errors: what the engine answers; JF_ERROR_INVALID when it refuses something; diagnosed.
JF_MUST_USE enum jf_error jf_inproc_open(struct jf_inproc *ledger, const char *parent,
                                         uint64_t cache_bytes, struct jf_diagnosis *diagnosis);

// Posts `count` more sales of members drawn and waits until all of them are answered.
// Errors: JF_ERROR_INVALID when one is refused; JF_ERROR_CLOSED when the engine has stopped;
// diagnosed. Ends early, with JF_OK, after Ctrl-C.
JF_MUST_USE enum jf_error jf_inproc_post(struct jf_inproc *ledger, uint64_t count,
                                         struct jf_diagnosis *diagnosis);

// Closes the engine in order, so that everything is on disk, and looks at that. In: nothing is on
// its way. Only jf_inproc_close may follow. Errors: the engine's; those of reading the journal.
JF_MUST_USE enum jf_error jf_inproc_settle(struct jf_inproc *ledger,
                                           struct jf_inproc_rest *out_rest,
                                           struct jf_diagnosis *diagnosis);

// Safe on what was opened partly. Removes the directory.
void jf_inproc_close(struct jf_inproc *ledger);

#endif
