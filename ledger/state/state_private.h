// The state's inside, shared by state.c (life, turns), state_open.c (loading), read.c (prefetch),
// note.c (overlay), scan.c and rows.c. Everything belongs to the owner thread but what kv.h,
// store.h and filter.h share.
#ifndef JF_STATE_STATE_PRIVATE_H
#define JF_STATE_STATE_PRIVATE_H

#include "state/cache.h"
#include "state/filter.h"
#include "state/generation.h"
#include "state/keys.h"
#include "state/kv.h"
#include "state/state.h"
#include "state/store.h"

#define JF_STATE_FORMAT_VERSION 4u

// Numbers looked up in this batch and not found: an open-addressing set that a new batch empties by
// its stamp.
struct jf_absent_set {
    uint64_t *numbers;
    uint32_t *batches; // a slot counts when its stamp is the running batch's
    uint32_t slot_count;
    uint32_t count;
    uint32_t batch;
};

struct jf_state {
    struct jf_state_config config;
    struct jf_state_sums sums; // of everything noted, but for what members touched since changed
    char *directory;           // config.directory's memory
    struct jf_kv *kv;
    struct jf_filter *filter; // NULL when read-only
    struct jf_cache *cache;
    struct jf_store *store; // NULL when read-only
    uint64_t applied;       // when opened
    uint64_t recent_bytes;  // of recent rows found when opening
    bool is_filter_stale;

    // Generation n is generations[n % generation_count]; live are taken_back < n <= current.
    struct jf_generation *generations;
    uint32_t generation_count;
    uint64_t current;
    uint64_t handed_over;
    uint64_t taken_back;

    jf_date *dates; // partitions of the transactions, ascending
    uint32_t date_count;
    uint32_t date_capacity;
    struct jf_state_buffer references; // uint64_t positions, ascending
    struct jf_absent_set absent;

    bool is_collecting; // collect_since_us is set
    uint64_t collect_since_us;
    bool is_flush_timed; // flush_since_us is set
    uint64_t flush_since_us;
    uint64_t flush_asked; // position
    bool is_checkpoint_wanted;
    bool is_flush_held;
    bool is_flush_measured; // flush_asked is not flushed yet; asked for at:
    uint64_t flush_asked_us;
    _Atomic uint64_t flush_us_max; // from asking until a turn saw it done

    struct jf_diagnosis failure; // error JF_OK: none
};

// A snapshot and what is being read of it.
struct jf_state_scan {
    struct jf_kv *kv;
    struct jf_kv_snapshot *snapshot;
    struct jf_kv_iterator *iterator;
    struct jf_kv_iterator *expiries; // NULL: not asked for yet
    void *block;                     // the member handed out
    size_t block_size;
};

static inline struct jf_generation *jf_state_generation(const struct jf_state *state,
                                                        uint64_t number)
{
    return &state->generations[number % state->generation_count];
}

static inline struct jf_generation *jf_state_current(const struct jf_state *state)
{
    return jf_state_generation(state, state->current);
}

// Keeps the first failure, which jf_state_turn reports. Returns: `error`.
enum jf_error jf_state_fail(struct jf_state *state, enum jf_error error,
                            const struct jf_diagnosis *diagnosis);

// Reads one meta value. Out: whether it was there and its bytes (at most `size_max`, else
// JF_ERROR_CORRUPT).
struct jf_state_value {
    unsigned char *bytes; // caller's
    uint32_t size_max;
    uint32_t size;
    bool is_found;
};
JF_MUST_USE enum jf_error jf_state_meta_get(struct jf_kv *kv, const char *key,
                                            struct jf_state_value *value,
                                            struct jf_diagnosis *diagnosis);

// Loads what the owner keeps in memory: identity checked (or written, when new), applied position,
// dates, reference positions, filter. In: kv, config. Errors: as of jf_state_open.
JF_MUST_USE enum jf_error jf_state_load(struct jf_state *state, struct jf_diagnosis *diagnosis);

// Adds to the filter what a stored row of the filter's family says. Returns: JF_OK, or
// JF_ERROR_CORRUPT for a page that does not fit the filter.
JF_MUST_USE enum jf_error jf_state_filter_row_load(struct jf_filter *filter, struct jf_text key,
                                                   struct jf_text value);

// Reads the sums as of a snapshot (NULL: now). Out: zeros where there are none. Errors:
// JF_ERROR_CORRUPT.
JF_MUST_USE enum jf_error jf_state_sums_read(struct jf_kv *kv,
                                             const struct jf_kv_snapshot *snapshot,
                                             struct jf_state_sums *out_sums, bool *out_is_found,
                                             struct jf_diagnosis *diagnosis);

// Loads the totals as of a snapshot (NULL: now).
JF_MUST_USE enum jf_error jf_state_control_read(struct jf_kv *kv,
                                                const struct jf_kv_snapshot *snapshot,
                                                struct jf_control *control,
                                                struct jf_diagnosis *diagnosis);

// The hash that a digest has of the totals. Errors: JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_state_totals_hash(const struct jf_control *control,
                                               struct jf_hash128 *out_hash);

// Whether a date is among the known ones; otherwise *out_at is where it belongs.
bool jf_state_date_find(const struct jf_state *state, jf_date date, uint32_t *out_at);
JF_MUST_USE enum jf_error jf_state_dates_reserve(struct jf_state *state, uint32_t more);
void jf_state_date_add(struct jf_state *state, jf_date date); // in: reserved

void jf_absent_end(struct jf_absent_set *absent);
void jf_absent_free(struct jf_absent_set *absent);

// Opens the store of keys that the configuration names. Errors: its.
JF_MUST_USE enum jf_error jf_state_kv_open(const struct jf_state_config *config,
                                           const struct jf_kv_config *kv_config,
                                           struct jf_kv **out_kv, struct jf_diagnosis *diagnosis);

// As jf_state_open, over a given store of keys, which is closed with the state or on failure.
JF_MUST_USE enum jf_error jf_state_open_kv(const struct jf_state_config *config, struct jf_kv *kv,
                                           struct jf_state **out_state,
                                           struct jf_diagnosis *diagnosis);

#endif
