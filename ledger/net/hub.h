// What all connections of one ring share: the buffers that the kernel fills, the pool, the clock of
// the turn, and the lists of connections that have something to send or are gone. One thread.
#ifndef JF_NET_HUB_H
#define JF_NET_HUB_H

#include "io/ring.h"
#include "net/buffer.h"
#include "net/pool.h"

#define JF_HUB_BUFFER_BYTES (16u << 10) // one receive; also one TLS record
#define JF_HUB_BUFFER_COUNT 256u        // a power of two: 4 MiB, returned within the same turn
// Output of all links that sockets have not taken: past it each link gathers a little only, so that
// thousands of peers that do not read hold some 32 KiB each and not 512.
#define JF_HUB_OUTPUT_BYTES_MAX (64u << 20)

struct jf_link;

struct jf_hub {
    struct jf_ring *ring;
    struct jf_pool pool;
    struct io_uring_buf_ring *buffer_ring;
    unsigned char *buffers;
    unsigned char *scratch; // JF_HUB_BUFFER_BYTES of decrypted bytes
    uint16_t buffer_group;
    struct jf_link *dirty;   // have output to gather
    struct jf_link *dead;    // closed, with no operation in flight
    uint32_t link_count;     // not yet reaped
    struct jf_budget output; // counts what links hold; never says no
    uint64_t now_us;         // monotonic, read once a turn
    uint64_t bytes_received;
    uint64_t bytes_sent;
};

// Errors: JF_ERROR_NO_MEMORY, JF_ERROR_NO_URING (the kernel has no provided-buffer rings),
// diagnosed.
JF_MUST_USE enum jf_error jf_hub_init(struct jf_hub *hub, struct jf_ring *ring,
                                      struct jf_diagnosis *diagnosis);
// All links must have been closed; waits for their last operations.
void jf_hub_deinit(struct jf_hub *hub);

// Waits as jf_ring_wait does and reads the clock.
void jf_hub_wait(struct jf_hub *hub, uint64_t timeout_us, bool (*has_work)(void *context),
                 void *context);
// Gathers and queues the output of every connection that has some, then reaps the dead.
void jf_hub_flush(struct jf_hub *hub);

// Whether the links hold too much output.
bool jf_hub_is_laden(const struct jf_hub *hub);

// The kernel filled a buffer; give it back when its bytes were handled.
unsigned char *jf_hub_buffer(struct jf_hub *hub, int32_t buffer_id);
void jf_hub_buffer_return(struct jf_hub *hub, int32_t buffer_id);

uint64_t jf_hub_clock_us(void);

#endif
