// The engine's inside: for engine/*.c only.
#ifndef JF_ENGINE_ENGINE_PRIVATE_H
#define JF_ENGINE_ENGINE_PRIVATE_H

#include <ck_ring.h>
#include <pthread.h>
#include <stdatomic.h>

#include "engine/archive.h"
#include "engine/clock.h"
#include "engine/effects.h"
#include "engine/engine.h"
#include "engine/follow_private.h"
#include "engine/request.h"
#include "engine/scrub.h"
#include "io/ring.h"
#include "journal/journal.h"

#define JF_LANES_MAX         16u   // network threads, jobs, and tests
#define JF_TASKS_PER_BATCH   1024u // commands planned together: bounds a batch's memory and delay
#define JF_BLOCKS_EAGER      2u    // with fewer blocks in flight a new one goes at once
#define JF_HISTORY_BYTES     (3u << 20) // a page ends early: it must fit into one message
#define JF_HISTORY_WALKS     8u // histories read at a time; others wait with nothing gathered
#define JF_SCRUB_SLICE_BYTES ((uint64_t)16 << 20) // opening the state for it costs little beside
#define JF_HISTORY_SLICE     32u // entries of a history read in one turn, so that tills do not wait

struct jf_prefetch; // prefetch.h

// A till's single request does not wait behind the parts of somebody's batch: each size has its own
// way in. Within a size order is kept.
enum jf_lane_size {
    JF_LANE_SMALL, // a write, a quote or a read
    JF_LANE_LARGE, // several writes
    JF_LANE_SIZES
};

struct jf_lane {
    struct jf_engine *engine;
    void (*wake)(void *context);
    void *context;
    ck_ring_t submitted[JF_LANE_SIZES]; // lane's thread → ledger thread
    ck_ring_t answered;                 // ledger thread → lane's thread
    ck_ring_buffer_t *submitted_buffers[JF_LANE_SIZES];
    ck_ring_buffer_t *answered_buffer;
    uint32_t capacity;
    uint32_t outstanding; // lane's thread only, as the two below
    uint32_t outstanding_writes;
    uint64_t outstanding_bytes; // of arenas, when they were handed over
    bool has_answers;           // ledger thread only: wake at the end of the turn
    _Atomic uint64_t overloads;
    _Atomic bool is_closing;
    _Atomic bool is_detached; // the ledger thread has let go of it
};

// One command or read on its way through a batch.
struct jf_task {
    struct jf_request *request;
    struct jf_write *write; // NULL: the request is a read
    bool is_last;           // of its request
    bool is_refused;        // a read that could not be prefetched
    struct jf_transaction_key key;
    struct jf_transaction_row row;       // database; the overlay is asked again when planning
    struct jf_receipt_key receipt_key;   // sales
    uint64_t receipt_position;           // sales, database
    struct jf_transaction_key named_key; // returns: the sale; captures, voids: the hold
    struct jf_transaction_row named_row; // likewise
    struct jf_member_id member;          // whose record is needed; 0: unknown
    struct jf_member_id other;           // the second, where two are named; 0: unknown, or none
};

// A block on its way to the disk: the last position in it.
struct jf_block_flight {
    uint64_t last_position;
};

struct jf_engine {
    struct jf_engine_config config;
    char *journal_directory;
    char *state_directory;
    pthread_t thread;
    bool is_thread_started;

    // Opening: the ledger thread reports to jf_engine_open through these.
    pthread_mutex_t open_mutex;
    pthread_cond_t open_condition;
    bool is_open_done;
    enum jf_error open_error;
    struct jf_diagnosis open_diagnosis;
    struct jf_engine_opening opening;

    // Owned by the ledger thread from here on.
    struct jf_ring ring;
    struct jf_journal *journal;
    struct jf_effects effects;
    struct jf_arena arena;   // one command's
    struct jf_arena scratch; // one entry's, while it is looked at
    uint64_t last_position;
    uint64_t last_stamp_us;
    struct jf_steady_clock steady; // the ledger's time
    uint64_t flushed_noted;
    uint64_t space_looked_us;
    bool is_space_short; // too little for a flush of the state
    uint64_t started_us; // monotonic
    uint64_t replayed_answers;
    uint64_t refusals;
    struct jf_block_draft *draft;
    struct jf_block_flight flights[JF_BLOCKS_IN_FLIGHT_MAX];
    uint32_t flight_count;
    struct jf_request *waiting_first; // answered when durable, in order
    struct jf_request *waiting_last;
    struct jf_request *current;    // a large write request, partly planned
    struct jf_request *walk_first; // histories being read
    struct jf_request *checkpoint_first;
    struct jf_task *tasks; // JF_TASKS_PER_BATCH
    uint32_t task_count;
    bool has_cards_moved; // in this batch: what was prefetched by card may be of the past
    struct jf_prefetch *prefetch;
    char read_only_reason[JF_DIAGNOSIS_TEXT_MAX];

    struct jf_diagnosis failure; // final; published by has_failed
    _Atomic bool has_failed;
    _Atomic bool is_stopping;
    _Atomic bool is_tiers_running; // one job of a kind at a time
    _Atomic bool is_expire_running;
    _Atomic bool is_verify_running;
    _Atomic(struct jf_scrub *) scrub; // NULL: none
    _Atomic bool is_backup_running;
    struct jf_follow_places follow_places;
    struct jf_archiver archiver;
    pthread_mutex_t lanes_mutex; // opening and closing lanes only
    _Atomic(struct jf_lane *) lanes[JF_LANES_MAX];
    uint32_t lane_next[JF_LANE_SIZES]; // round robin
};

// open.c: recovery and the thread's beginning.
enum jf_error jf_engine_recover(struct jf_engine *engine, struct jf_diagnosis *diagnosis);

// engine.c: the ledger's time, for stamps, intervals and reads alike. It follows the clock forward;
// where that is set back, also over a restart, it goes on from where it was by what has really
// passed. A clock that was given is the only one there is.
uint64_t jf_engine_steady_us(struct jf_engine *engine);

// opening.c: whether the disk has too little room for the state to be written.
bool jf_engine_is_space_short(const struct jf_engine *engine);

// prefetch.c: everything the batch's tasks and reads from `first` to before `end` need, brought in
// with one pass per index. In: first < end <= task_count.
enum jf_error jf_batch_prefetch(struct jf_engine *engine, uint32_t first, uint32_t end);
// Whom a reference of the batch's means now. In: what was prefetched for it.
struct jf_member_id jf_task_member(const struct jf_engine *engine, const struct jf_member_ref *ref,
                                   struct jf_member_id prefetched);
// The entry that a command names as it stands now (a return's sale, a capture's hold): what the
// overlay knows, else what was prefetched. Position 0: unknown.
struct jf_transaction_row jf_task_named_row(const struct jf_engine *engine,
                                            const struct jf_task *task);

// batch.c: takes what waits, plans it, seals it into a block. Does nothing when nothing waits.
enum jf_error jf_batch_run(struct jf_engine *engine);

// commit.c: one planned command becomes an entry in the draft and a change of state.
enum jf_error jf_commit_write(struct jf_engine *engine, struct jf_task *task);
enum jf_error jf_commit_seal(struct jf_engine *engine); // submits the draft, if there is one
void jf_flights_land(struct jf_engine *engine);         // forgets blocks that are durable
// A fetched member that has at least its enrolment; NULL: unknown.
const struct jf_member *jf_member_known(struct jf_engine *engine, struct jf_member_id id);
// The same, or who that member has become since.
const struct jf_member *jf_member_living(struct jf_engine *engine, struct jf_member_id id);

// reads.c
enum jf_error jf_read_run(struct jf_engine *engine, struct jf_request *request);
enum jf_error jf_history_walk(struct jf_engine *engine, struct jf_request *request,
                              bool *out_is_done);
bool jf_read_is_walk(const struct jf_request *request); // goes on over several turns

// lane.c
uint32_t jf_lanes_waiting(struct jf_engine *engine); // requests handed over and not yet taken
// Round robin. Returns: NULL where none of that size waits.
struct jf_request *jf_lanes_take(struct jf_engine *engine, enum jf_lane_size size);
void jf_lane_answer(struct jf_request *request);
void jf_lanes_wake(struct jf_engine *engine);
void jf_lanes_detach(struct jf_engine *engine); // lets go of closing lanes

struct jf_refusal jf_refusal_make(enum jf_refusal_code code, const char *detail);
// Refuses a request or a write; the refusal is copied into the request's arena.
void jf_write_refuse(struct jf_request *request, struct jf_write *write,
                     const struct jf_refusal *refusal);
void jf_read_refuse(struct jf_request *request, const struct jf_refusal *refusal);
void jf_request_refuse_all(struct jf_request *request, enum jf_refusal_code code,
                           const char *detail);

// Final failure: remembered once, published to other threads.
enum jf_error jf_engine_fail(struct jf_engine *engine, enum jf_error error,
                             const struct jf_diagnosis *diagnosis);

#endif
