// The engine: the only place where journal, state and rules meet. One ledger thread takes requests
// from lanes, plans them in batches, writes blocks, and answers when they are durable (ARCHITECTURE
// 1–8).
//
// Threads: open and close from one thread; each lane belongs to one thread. Nothing blocks a lane.
// With `is_inline` there is no thread but the caller's: simulation, where one thread does
// everything in an order that a seed decides.
#ifndef JF_ENGINE_ENGINE_H
#define JF_ENGINE_ENGINE_H

#include "base/error.h"
#include "engine/request.h"

struct jf_engine;
struct jf_lane;
struct jf_kv;
struct jf_kv_config;

struct jf_engine_config {
    const char *data_directory; // holds journal/ and state/; created when absent
    const char *zone_directory; // NULL: the system's
    const char
        *archive_directory; // segments that are not needed any more go there; NULL: they stay
    // Told of each new reason why nothing can be archived now; from a thread of its own; may be
    // NULL.
    void (*on_archive_failure)(void *context, const struct jf_diagnosis *diagnosis);
    void *on_archive_context;
    uint64_t segment_bytes;
    uint64_t reserve_bytes; // free disk space below which writes are refused
    uint64_t cache_bytes;
    uint64_t filter_bytes;
    uint64_t write_buffer_bytes;
    uint64_t block_cache_bytes;
    uint64_t checkpoint_entries;
    uint64_t checkpoint_us;
    uint32_t generation_entries;         // what the state is given at once, in entries …
    uint64_t generation_us;              // … or after so long
    uint64_t digest_every;               // each so many positions one is a digest; 0: none
    uint32_t lane_queue_length;          // requests a lane may have waiting; power of two
    bool is_inline;                      // no threads: see jf_engine_turn
    uint64_t (*clock_us)(void *context); // Unix time; NULL: the system's clock
    void *clock_context;
    uint64_t scrub_period_us; // everything at rest is read once in so long; 0: never
    // Called by the scrubber's thread with each damage it finds; may be NULL.
    void (*on_damage)(void *context, const char *text);
    void *on_damage_context;
    // Called while recovery replays, about ten times a second; may be NULL.
    void (*on_recovery)(void *context, uint64_t position, uint64_t last_position);
    void *on_recovery_context;
    // Opens the key-value store of the state (state/state.h); NULL: RocksDB. Another one goes with
    // scrub_period_us 0: the scrubber reads RocksDB's files.
    enum jf_error (*store_open)(const struct jf_kv_config *config, struct jf_kv **out_kv,
                                struct jf_diagnosis *diagnosis);
};

// The usual configuration; only data_directory is left to be set.
struct jf_engine_config jf_engine_config_default(void);

struct jf_engine_opening {
    bool was_created;
    uint64_t replayed_entries;
    uint64_t blocks_cut; // torn tail that nobody was answered for
    uint64_t bytes_cut;
    uint32_t superblock_copies_damaged; // and mended
    uint64_t last_position;
    uint64_t recovery_us;
};

// Opens or creates the ledger, recovers, starts the ledger thread (inline: none).
JF_MUST_USE enum jf_error jf_engine_open(const struct jf_engine_config *config,
                                         struct jf_engine **out_engine,
                                         struct jf_engine_opening *out_opening,
                                         struct jf_diagnosis *diagnosis);

// Inline only: one turn of the ledger thread. Where nothing is due it waits as that thread would,
// for a completion or until something is. Returns: JF_OK, or the failure that has stopped the
// engine: what was submitted is then refused by this turn and the next ones.
JF_MUST_USE enum jf_error jf_engine_turn(struct jf_engine *engine);

// Answers what was submitted, flushes, stops. All lanes must be closed or idle. NULL is accepted.
// Returns: JF_OK, or the failure that had stopped the engine.
enum jf_error jf_engine_close(struct jf_engine *engine, struct jf_diagnosis *diagnosis);

// Any thread: whether the engine has stopped on a final failure (journal or state); diagnosis
// filled if so.
bool jf_engine_has_failed(struct jf_engine *engine, struct jf_diagnosis *diagnosis);

// A lane: `wake` is called by the ledger thread when answers wait (it must be cheap and
// thread-safe).
JF_MUST_USE enum jf_error jf_engine_lane_open(struct jf_engine *engine, void (*wake)(void *context),
                                              void *context, struct jf_lane **out_lane);
void jf_engine_lane_close(struct jf_lane *lane); // nothing may be outstanding; NULL is accepted

// Hands a request over. Returns: JF_OK; JF_ERROR_BUSY when the lane's queue is full by number,
// writes or bytes (answer RESOURCE_EXHAUSTED at once); JF_ERROR_CLOSED when the engine is shutting
// down or has failed.
JF_MUST_USE enum jf_error jf_lane_submit(struct jf_lane *lane, struct jf_request *request);
// Wakes the ledger thread if it sleeps: once after a group of submits.
void jf_lane_flush(struct jf_lane *lane);
// The next answered request, in the order of submission; NULL: none now.
struct jf_request *jf_lane_collect(struct jf_lane *lane);
bool jf_lane_has_answers(const struct jf_lane *lane);
uint32_t jf_lane_outstanding(const struct jf_lane *lane);
// Counts a request that the lane's owner refused as overloaded (for Status).
void jf_lane_count_overload(struct jf_lane *lane);

#endif
