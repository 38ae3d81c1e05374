// One io_uring and its completions: disk and socket operations whose completion records the caller
// owns.
//
// A ring belongs to one thread, which alone inits, submits, waits and reaps. Other threads may only
// signal its waker. Each operation takes a `struct jf_completion` that stays in place until its
// callback ran for the last time (multishot operations call back several times; `more` tells).
// Nothing here allocates after init.
//
// Order: io_uring promises none between operations; a caller that needs order waits for the
// completion.
#ifndef JF_IO_RING_H
#define JF_IO_RING_H

#include <liburing.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct jf_completion;

// In: result as of the system call (negative errno on failure); buffer_id the provided buffer that
// was filled, or -1; more: the operation stays armed and will call back again.
typedef void (*jf_completion_callback)(struct jf_completion *completion, int32_t result,
                                       int32_t buffer_id, bool more);

struct jf_completion {
    jf_completion_callback callback;
    void *context;
};

struct jf_ring {
    struct io_uring uring;
    uint32_t in_flight; // operations whose last completion has not been reaped
    bool is_open;
    // The waker: an eventfd that the ring polls, and whether its thread sleeps.
    int wake_fd;
    _Atomic uint32_t is_sleeping;
    uint64_t wake_value;
    struct jf_completion wake_completion;
};

// In: entries a power of two 8..32768. Errors: JF_ERROR_NO_URING (kernel, container or seccomp
// refuses; the diagnosis says what to do), JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_ring_init(struct jf_ring *ring, uint32_t entries,
                                       struct jf_diagnosis *diagnosis);
void jf_ring_deinit(struct jf_ring *ring); // safe on a zeroed ring

// Submit-queue entry for operations without a helper below; submits what is queued if the queue is
// full. The result is prepared by the caller with io_uring_prep_*; user data is set here.
struct io_uring_sqe *jf_ring_sqe(struct jf_ring *ring, struct jf_completion *completion);

// Positional write of exactly `size` bytes, durable at completion (RWF_DSYNC). A short result must
// be treated as a failure by the caller.
void jf_ring_write(struct jf_ring *ring, struct jf_completion *completion, int fd,
                   const void *bytes, uint32_t size, uint64_t offset);

// Reaps everything that has completed, running callbacks; submits what is queued. Never waits.
// Returns: completions reaped.
uint32_t jf_ring_turn(struct jf_ring *ring);

// Submits, then waits until a completion or a wake-up arrives or `timeout_us` passed (0: do not
// wait), then reaps. `has_work` is asked after the thread is marked sleeping and before it sleeps:
// true cancels the wait, so that work handed over just before is never slept on. May be NULL.
// Returns: completions reaped.
uint32_t jf_ring_wait(struct jf_ring *ring, uint64_t timeout_us, bool (*has_work)(void *context),
                      void *context);

// Any thread: wakes the ring's thread if it sleeps. Costs one atomic load when it does not.
// Call it after the handed-over work is visible (after a release store).
void jf_ring_wake(struct jf_ring *ring);

#endif
