// Shared by store.c (threads, flushing), store_write.c (a run of
// generations), store_sort.c and store_filter.c (the
// filter's pages). All fields but the atomics and the ring belong to whoever does the store's work.
#ifndef JF_STATE_STORE_PRIVATE_H
#define JF_STATE_STORE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "state/chunk.h"
#include "state/keys.h"
#include "state/store.h"

// Generations written as one batch, at most. A long run is sorted as a whole, so that what goes
// into RocksDB's memtables comes nearly ascending, and a member changed in many of them is written
// once.
#define JF_STORE_RUN_MAX 128u

// A row of one generation of the run, and the leading bytes of its key as a number.
struct jf_store_row {
    uint64_t prefix;
    uint32_t generation; // within the run
    uint32_t row;
};

struct jf_store_run {
    const struct jf_generation *generations[JF_STORE_RUN_MAX];
    uint32_t count;
};

// Sorts by prefix, stable (LSD radix sort). In: scratch room for as many rows. Returns: where the
// sorted rows are, `rows` or `scratch`.
struct jf_store_row *jf_store_rows_sort(struct jf_store_row *rows, struct jf_store_row *scratch,
                                        uint32_t count);

struct jf_store {
    struct jf_store_config config;
    struct jf_kv *kv;
    // From the owner:
    struct jf_generation **ring;
    uint32_t ring_size;
    _Atomic uint64_t handed; // generations ever handed over
    _Atomic uint64_t flush_target;
    _Atomic bool must_stop;
    void *wake_context; // written before `wake`
    void (*_Atomic wake)(void *context);
    int work_fd; // an eventfd that wakes the thread; -1: no thread
    pthread_t thread;
    bool is_running;
    // To the owner:
    _Atomic uint64_t generations; // number of the newest stored
    _Atomic uint64_t stored;
    _Atomic uint64_t flushed;
    _Atomic uint64_t flush_count;
    _Atomic bool has_failed; // set after `failure` is written
    struct jf_diagnosis failure;
    // The worker's own:
    uint64_t taken;  // generations taken from the ring
    bool has_waited; // long enough for further generations
    uint64_t flush_begun;
    struct jf_chunk tail; // the chunk that the next entry goes to
    struct jf_state_buffer tail_bytes;
    struct jf_state_buffer chunk_bytes; // a chunk being put together
    struct jf_state_buffer rows;        // struct jf_store_row, twice, for sorting
    // Saving the filter:
    uint64_t recent_bytes;       // of recent rows not covered by a finished save
    uint64_t recent_bytes_begin; // of those, before the running save
    uint64_t save_until;         // position whose recent rows the running save covers
    uint32_t save_page;          // next to write
    bool is_saving;
    unsigned char *page;
};

// Writes a run of generations, in order, as one atomic batch. Errors: the store's.
JF_MUST_USE enum jf_error jf_store_write_run(struct jf_store *store, const struct jf_store_run *run,
                                             struct jf_diagnosis *diagnosis);
// Reads the chunk that the next entry goes to.
JF_MUST_USE enum jf_error jf_store_load_tail(struct jf_store *store,
                                             struct jf_diagnosis *diagnosis);
// One bounded step of saving the filter, when one is due or running. Out: whether there is more to
// do.
JF_MUST_USE enum jf_error jf_store_save_step(struct jf_store *store, bool *out_more,
                                             struct jf_diagnosis *diagnosis);

#endif
