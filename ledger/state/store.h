// The writing side: takes sealed generations in order and puts each into the database as one atomic
// batch, flushes when asked, and keeps the stored image of the filter fresh enough.
//
// Threads: the owner creates, hands over, asks and destroys; with a thread the work is done there,
// without one in jf_store_turn. Memory: generations stay the owner's; one handed over must not be
// touched until jf_store_generations has reached its number.
//
// The filter and crashes. RocksDB may flush at any commit, and what it flushed is never replayed:
// an id in it that the filter does not know after a restart would be granted twice. So each
// generation's batch carries the hashes that were new to the filter, as a row of its own
// ("recent"). Now and then all pages of the filter are written, and only the batch after the last
// page removes the recent rows that came before the first page. At any moment the stored pages, old
// and new mixed as they may be, and the recent rows hold together every id that is stored. On
// opening they are merged. Pages may hold bits of ids that are not stored yet: at worst a look-up
// in vain.
#ifndef JF_STATE_STORE_H
#define JF_STATE_STORE_H

#include "state/filter.h"
#include "state/generation.h"
#include "state/kv.h"

struct jf_store;

struct jf_store_config {
    struct jf_kv *kv;         // borrowed
    struct jf_filter *filter; // borrowed; read while the owner adds
    uint64_t applied;         // position that the database holds
    uint64_t recent_bytes;    // of the recent rows there
    uint32_t generations;     // that can be handed over and not yet stored
    bool is_filter_stale;     // write its pages at once: those stored do not count
    bool is_threaded;
    bool is_flush_begun;     // without a thread: flushes are begun and looked after, not waited for
    bool is_without_entries; // see state.h
};

// Errors: JF_ERROR_NO_MEMORY, JF_ERROR_CORRUPT (the last chunk of entries), JF_ERROR_STATE;
// diagnosed.
JF_MUST_USE enum jf_error jf_store_create(const struct jf_store_config *config,
                                          struct jf_store **out_store,
                                          struct jf_diagnosis *diagnosis);
// Writes what was handed over, ends the thread, waits for a flush when is_clean, frees. NULL is
// accepted. Returns: JF_OK or the store's failure, diagnosed.
enum jf_error jf_store_destroy(struct jf_store *store, bool is_clean,
                               struct jf_diagnosis *diagnosis);

// Called by the thread after each generation, flush and failure. Once, at any time.
void jf_store_set_wake(struct jf_store *store, void (*wake)(void *context), void *context);

// In: sealed, the next in order; fewer than config.generations outstanding.
void jf_store_hand_over(struct jf_store *store, struct jf_generation *generation);
// Flush once everything up to `position` is stored.
void jf_store_flush_to(struct jf_store *store, uint64_t position);
// Does all outstanding work. In: no thread.
void jf_store_turn(struct jf_store *store);

// Any thread:
uint64_t jf_store_generations(const struct jf_store *store); // number of the newest stored
uint64_t jf_store_stored(const struct jf_store *store);      // position
uint64_t jf_store_flushed(const struct jf_store *store);     // position
uint64_t jf_store_flush_count(const struct jf_store *store);
// Owner. Returns: JF_OK, or the final failure, diagnosed.
JF_MUST_USE enum jf_error jf_store_check(const struct jf_store *store,
                                         struct jf_diagnosis *diagnosis);

#endif
