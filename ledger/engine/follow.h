// The change feed: entries from a position on, in order, for ever, each once it is durable.
//
// A follower has a thread of its own that reads the journal and makes the messages; it is never in
// the way of a sale. What it has made and nobody has taken is bounded, and then it waits: a
// consumer that does not take holds up its own follower and nothing else.
//
// Threads: any one thread owns a follower's handle. Release it before the engine is closed.
#ifndef JF_ENGINE_FOLLOW_H
#define JF_ENGINE_FOLLOW_H

#include "engine/engine.h"

#define JF_FOLLOWERS_MAX            16u          // each has a thread and up to 6 MiB
#define JF_FOLLOW_CHUNK_BYTES       (128u << 10) // handed over together; a larger message goes alone
#define JF_FOLLOW_MESSAGE_BYTES_MAX (4u << 20)

struct jf_follower;

// Makes what a client is sent of an entry. Called in the follower's thread. In: the entry's bytes
// as stored; an arena that is emptied after the call. Returns: JF_OK with *out_message in the arena
// or in `entry`; else the follower ends with that error.
typedef enum jf_error (*jf_follow_render)(void *context, struct jf_text entry,
                                          struct jf_arena *arena, struct jf_text *out_message);

struct jf_follow_input {
    uint64_t from_position; // 0 or 1: the first; may lie ahead
    uint64_t generation;    // of the ledger that was followed so far; 0: whichever it is
    uint64_t kinds;         // bit n: entries of kind n are wanted; 0: all are
    jf_follow_render render;
    void *render_context;
    void (*wake)(void *context); // from the follower's thread: there is something to take
    void *wake_context;
};

// Errors: JF_ERROR_FOREIGN in another generation; JF_ERROR_BUSY when JF_FOLLOWERS_MAX follow
// already; JF_ERROR_NO_MEMORY; diagnosed.
JF_MUST_USE enum jf_error jf_follower_start(struct jf_engine *engine,
                                            const struct jf_follow_input *input,
                                            struct jf_follower **out_follower,
                                            struct jf_diagnosis *diagnosis);

struct jf_follow_item {
    uint64_t position;
    struct jf_text message; // until the next take
};

// The next message. Returns: false when there is none now.
bool jf_follower_take(struct jf_follower *follower, struct jf_follow_item *out_item);

// What is known where there is nothing to take.
struct jf_follow_state {
    uint64_t looked_position; // what was wanted up to here has been taken
    bool is_ended;            // nothing will come any more, and releasing does not wait
    enum jf_error error;      // with is_ended: CLOSED when it was stopped; GAP when the journal
                              // begins later; CORRUPT, IO, NO_MEMORY
    struct jf_diagnosis diagnosis;
};
void jf_follower_state(struct jf_follower *follower, struct jf_follow_state *out_state);

void jf_follower_stop(struct jf_follower *follower);    // asks it to end; it then wakes its owner
void jf_follower_release(struct jf_follower *follower); // stops and waits; NULL is accepted

#endif
