// The happy path: operations are queued with a completion record as user data; a turn submits them
// and runs the callbacks of what is done. A wait first marks the thread as sleeping, asks once more
// whether there is work, and only then sleeps; the waker's exchange on that mark makes the
// hand-over race free. Failures: set-up refused by the kernel is told apart (old kernel, container
// policy, memory lock limit).
#include "io/ring.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.h"

#define REAP_BATCH 64u

static void wake_arm(struct jf_ring *ring);

static void wake_done(struct jf_completion *completion, int32_t result, int32_t buffer_id,
                      bool more)
{
    (void)result;
    (void)buffer_id;
    (void)more;
    wake_arm(completion->context);
}

static void wake_arm(struct jf_ring *ring)
{
    struct io_uring_sqe *sqe = jf_ring_sqe(ring, &ring->wake_completion);
    io_uring_prep_read(sqe, ring->wake_fd, &ring->wake_value, sizeof ring->wake_value, 0);
    io_uring_sqe_set_data(sqe, &ring->wake_completion);
}

static enum jf_error setup_failure(int code, struct jf_diagnosis *diagnosis)
{
    if (code == -ENOMEM) {
        return jf_diagnose(
            diagnosis, JF_ERROR_NO_MEMORY,
            "io_uring: no memory for a ring: raise RLIMIT_MEMLOCK (ulimit -l) or free "
            "memory");
    }
    if (code == -EPERM || code == -EACCES) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_URING,
                           "io_uring is forbidden here (%s): allow it with sysctl "
                           "kernel.io_uring_disabled=0, and in the container's seccomp profile",
                           strerror(-code));
    }
    return jf_diagnose(diagnosis, JF_ERROR_NO_URING,
                       "io_uring cannot be set up (%s): Jifen needs Linux 6.1 or later with "
                       "io_uring; in a container allow io_uring_setup, io_uring_enter and "
                       "io_uring_register in the seccomp profile",
                       strerror(-code));
}

enum jf_error jf_ring_init(struct jf_ring *ring, uint32_t entries, struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(entries >= 8);
    JF_ASSERT((entries & (entries - 1)) == 0);
    memset(ring, 0, sizeof *ring);
    struct io_uring_params params = {0};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_CQSIZE;
    params.cq_entries = entries * 4;
    int code = io_uring_queue_init_params(entries, &ring->uring, &params);
    if (code < 0) {
        return setup_failure(code, diagnosis);
    }
    ring->wake_fd = eventfd(0, EFD_CLOEXEC);
    if (ring->wake_fd < 0) {
        code = -errno;
        io_uring_queue_exit(&ring->uring);
        return setup_failure(code, diagnosis);
    }
    ring->is_open = true;
    ring->wake_completion = (struct jf_completion){wake_done, ring};
    wake_arm(ring);
    return JF_OK;
}

void jf_ring_deinit(struct jf_ring *ring)
{
    if (!ring->is_open) {
        return;
    }
    io_uring_queue_exit(&ring->uring);
    close(ring->wake_fd);
    ring->is_open = false;
}

struct io_uring_sqe *jf_ring_sqe(struct jf_ring *ring, struct jf_completion *completion)
{
    JF_ASSERT(ring->is_open);
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->uring);
    if (sqe == NULL) {
        io_uring_submit(&ring->uring);
        sqe = io_uring_get_sqe(&ring->uring);
    }
    JF_ASSERT(sqe != NULL);
    memset(sqe, 0, sizeof *sqe);
    io_uring_sqe_set_data(sqe, completion);
    ring->in_flight += 1;
    return sqe;
}

void jf_ring_write(struct jf_ring *ring, struct jf_completion *completion, int fd,
                   const void *bytes, uint32_t size, uint64_t offset)
{
    struct io_uring_sqe *sqe = jf_ring_sqe(ring, completion);
    io_uring_prep_write(sqe, fd, bytes, size, offset);
    sqe->rw_flags = RWF_DSYNC;
    io_uring_sqe_set_data(sqe, completion);
}

static void completion_run(struct jf_ring *ring, const struct io_uring_cqe *cqe)
{
    struct jf_completion *completion = io_uring_cqe_get_data(cqe);
    bool more = (cqe->flags & IORING_CQE_F_MORE) != 0;
    int32_t buffer_id = -1;
    if ((cqe->flags & IORING_CQE_F_BUFFER) != 0) {
        buffer_id = (int32_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
    }
    if (!more) {
        JF_ASSERT(ring->in_flight > 0);
        ring->in_flight -= 1;
    }
    if (completion != NULL && completion->callback != NULL) {
        completion->callback(completion, cqe->res, buffer_id, more);
    }
}

// Completions are copied out before callbacks run, so that a callback may queue and submit freely.
// Only as many are reaped as were ready: a peer that sends faster than it is handled must not keep
// a turn from ending. What came meanwhile is found by the next turn, which does not wait then.
static uint32_t reap(struct jf_ring *ring)
{
    struct io_uring_cqe *ready[REAP_BATCH];
    struct io_uring_cqe copies[REAP_BATCH];
    uint32_t ready_count = io_uring_cq_ready(&ring->uring);
    uint32_t limit = ready_count > REAP_BATCH ? ready_count : REAP_BATCH;
    uint32_t reaped = 0;
    while (reaped < limit) {
        uint32_t room = limit - reaped < REAP_BATCH ? limit - reaped : REAP_BATCH;
        uint32_t count = io_uring_peek_batch_cqe(&ring->uring, ready, room);
        if (count == 0) {
            return reaped;
        }
        for (uint32_t i = 0; i < count; i++) {
            memcpy(&copies[i], ready[i], sizeof copies[i]);
        }
        io_uring_cq_advance(&ring->uring, count);
        for (uint32_t i = 0; i < count; i++) {
            completion_run(ring, &copies[i]);
        }
        reaped += count;
    }
    return reaped;
}

uint32_t jf_ring_turn(struct jf_ring *ring)
{
    if (io_uring_sq_ready(&ring->uring) > 0) {
        io_uring_submit(&ring->uring);
    } else {
        io_uring_get_events(&ring->uring);
    }
    return reap(ring);
}

uint32_t jf_ring_wait(struct jf_ring *ring, uint64_t timeout_us, bool (*has_work)(void *context),
                      void *context)
{
    if (timeout_us == 0 || io_uring_cq_ready(&ring->uring) > 0) {
        return jf_ring_turn(ring);
    }
    atomic_store_explicit(&ring->is_sleeping, 1, memory_order_seq_cst);
    // What was handed over is looked at only after the mark stands: pairs with the fence in wake.
    atomic_thread_fence(memory_order_seq_cst);
    if (has_work != NULL && has_work(context)) {
        atomic_store_explicit(&ring->is_sleeping, 0, memory_order_relaxed);
        return jf_ring_turn(ring);
    }
    struct io_uring_cqe *first = NULL;
    struct __kernel_timespec timeout = {.tv_sec = (long long)(timeout_us / 1000000),
                                        .tv_nsec = (long long)(timeout_us % 1000000) * 1000};
    io_uring_submit_and_wait_timeout(&ring->uring, &first, 1, &timeout, NULL);
    atomic_store_explicit(&ring->is_sleeping, 0, memory_order_relaxed);
    return reap(ring);
}

void jf_ring_wake(struct jf_ring *ring)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&ring->is_sleeping, memory_order_relaxed) == 0) {
        return;
    }
    if (atomic_exchange_explicit(&ring->is_sleeping, 0, memory_order_seq_cst) == 0) {
        return;
    }
    uint64_t one = 1;
    ssize_t written = write(ring->wake_fd, &one, sizeof one);
    (void)written;
}
