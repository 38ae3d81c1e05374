// What a client may ask of a connection that brings no call along: every control frame costs
// credit, and answers that the client takes, and time, give it back. A client in order never
// notices; one that floods is cut off after the same small amount of work, whichever frames it
// floods with. Pure. One thread.
#ifndef JF_NET_CALM_H
#define JF_NET_CALM_H

#include <stdbool.h>
#include <stdint.h>

// A burst as of a gateway that cancels a thousand calls at once, and a rate that no client needs:
// a keepalive is a PING in some seconds.
#define JF_CALM_CREDIT_MAX       4000u
#define JF_CALM_CREDIT_PER_SWEEP 40u // 400 a second
// Costs. SETTINGS makes nghttp2 walk all streams; an error of a stream is an answer to nothing.
#define JF_CALM_COST_FRAME        1u
#define JF_CALM_COST_SETTINGS     200u
#define JF_CALM_COST_STREAM_ERROR 10u
// Frames that nghttp2 skips (of unknown types, or late for a stream that is closed) are counted by
// bytes: skipping is cheap, and a client that cancels has a window of DATA on its way.
#define JF_CALM_SKIPPED_BYTES 4096u // cost one credit
// Earnings. Clients that measure the bandwidth send a PING or a window update for what they get.
#define JF_CALM_EARNED_DATA 3u
#define JF_CALM_EARNED_CALL 10u
// An answer's DATA earns when it is a whole rest or at least so large: tiny windows earn nothing.
#define JF_CALM_DATA_BYTES_MIN 256u

struct jf_calm {
    uint32_t credit;
};

void jf_calm_init(struct jf_calm *calm); // full
void jf_calm_spend(struct jf_calm *calm, uint32_t credit);
void jf_calm_earn(struct jf_calm *calm, uint32_t credit);
bool jf_calm_is_spent(const struct jf_calm *calm);

#endif
