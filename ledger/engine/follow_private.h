// What the ledger thread does for followers: for engine/*.c only.
#ifndef JF_ENGINE_FOLLOW_PRIVATE_H
#define JF_ENGINE_FOLLOW_PRIVATE_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdint.h>

#include "engine/follow.h"

// Where a follower waits for more to become durable. The places live as long as the engine, so that
// the ledger thread may post to one whose follower has just left.
struct jf_follow_place {
    _Atomic bool is_taken;
    _Atomic bool is_waiting;
    sem_t more;
};

struct jf_follow_places {
    struct jf_follow_place items[JF_FOLLOWERS_MAX];
    _Atomic uint32_t taken_count;
    uint64_t told; // ledger thread: the durable position that followers were told
};

void jf_follow_places_init(struct jf_follow_places *places);
void jf_follow_places_deinit(struct jf_follow_places *places);

// Ledger thread: wakes followers that wait, if there are any and more is durable now.
void jf_follow_places_tell(struct jf_follow_places *places, uint64_t durable);

#endif
