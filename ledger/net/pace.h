// How fast new connections are taken: one a turn of the loop, so that whoever has one waits for one
// other at most; and over time no more than are made in earnest, so that a client that connects and
// drops without pause leaves the processor to the others. A chain whose tills all come back at once
// has the burst and then the rate; the kernel keeps those who wait. Pure. One thread.
#ifndef JF_NET_PACE_H
#define JF_NET_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

#define JF_PACE_US_OF_AN_ACCEPT (1000000u / JF_NET_ACCEPTS_PER_S)
#define JF_PACE_CREDIT_US       (JF_NET_ACCEPTS_BURST * JF_PACE_US_OF_AN_ACCEPT)

struct jf_pace {
    uint64_t credit_us; // time not used yet; an accept costs JF_PACE_US_OF_AN_ACCEPT
    uint64_t now_us;
};

void jf_pace_init(struct jf_pace *pace, uint64_t now_us); // a full burst
// Time goes on; a clock that stands or goes back gives nothing.
void jf_pace_tick(struct jf_pace *pace, uint64_t now_us);
bool jf_pace_may_accept(const struct jf_pace *pace);
void jf_pace_accepted(struct jf_pace *pace);

#endif
