// Operations of rings: counted and changed on their way into the kernel, and their results on the
// way back. What is to be refused goes as an operation that does nothing, so that it comes back in
// the order of the others, and no earlier.
//
// Operations that would answer many times (accept, receive) are made to answer once, so that each
// answer can be the one that fails; the kernel may end them at any time as well.
#include <errno.h>
#include <liburing.h>
#include <pthread.h>
#include <unistd.h>

#include "base/assert.h"
#include "nth.h"

#define CHANGED_MAX  4096u
#define SECTOR_BYTES 4096u

int __real_io_uring_submit(struct io_uring *ring);
int __wrap_io_uring_submit(struct io_uring *ring);
int __real_io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **out,
                                            unsigned count, struct __kernel_timespec *timeout,
                                            sigset_t *mask);
int __wrap_io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **out,
                                            unsigned count, struct __kernel_timespec *timeout,
                                            sigset_t *mask);
unsigned __real_io_uring_peek_batch_cqe(struct io_uring *ring, struct io_uring_cqe **out,
                                        unsigned count);
unsigned __wrap_io_uring_peek_batch_cqe(struct io_uring *ring, struct io_uring_cqe **out,
                                        unsigned count);
int __real_io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
                                      struct io_uring_params *params);
int __wrap_io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
                                      struct io_uring_params *params);
int __real_io_uring_register_buf_ring(struct io_uring *ring, struct io_uring_buf_reg *wanted,
                                      unsigned flags);
int __wrap_io_uring_register_buf_ring(struct io_uring *ring, struct io_uring_buf_reg *wanted,
                                      unsigned flags);

// What comes back instead of the kernel's result.
struct changed {
    uint64_t user_data; // 0: free
    int result;
    bool makes_descriptor; // which nobody will close otherwise
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct changed changed[CHANGED_MAX];
static uint32_t changed_count;

static void note(uint64_t user_data, int result, bool makes_descriptor)
{
    pthread_mutex_lock(&mutex);
    for (uint32_t i = 0; i < CHANGED_MAX; i++) {
        if (changed[i].user_data == 0) {
            changed[i] = (struct changed){user_data, result, makes_descriptor};
            changed_count += 1;
            pthread_mutex_unlock(&mutex);
            return;
        }
    }
    JF_ASSERT(false && "too many operations fail at a time");
}

void nth_ring_forget(void)
{
    pthread_mutex_lock(&mutex);
    for (uint32_t i = 0; i < CHANGED_MAX; i++) {
        changed[i].user_data = 0;
    }
    changed_count = 0;
    pthread_mutex_unlock(&mutex);
}

static enum nth_kind kind_of(const struct io_uring_sqe *sqe, const char **out_name)
{
    switch (sqe->opcode) {
    case IORING_OP_WRITE:
        *out_name = "ring write";
        return NTH_FILE;
    case IORING_OP_FSYNC:
        *out_name = "ring fsync";
        return NTH_FILE;
    case IORING_OP_FALLOCATE:
        *out_name = "ring fallocate";
        return NTH_FILE;
    case IORING_OP_OPENAT:
        *out_name = "ring openat";
        return NTH_FILE;
    case IORING_OP_RENAMEAT:
        *out_name = "ring renameat";
        return NTH_FILE;
    case IORING_OP_ACCEPT:
        *out_name = "ring accept";
        return NTH_SOCKET;
    case IORING_OP_CONNECT:
        *out_name = "ring connect";
        return NTH_SOCKET;
    case IORING_OP_RECV:
        *out_name = "ring receive";
        return NTH_SOCKET;
    case IORING_OP_SEND:
        *out_name = "ring send";
        return NTH_SOCKET;
    default:
        return 0;
    }
}

static void nothing_instead(struct io_uring_sqe *sqe, int result)
{
    uint64_t user_data = sqe->user_data;
    io_uring_prep_nop(sqe);
    sqe->user_data = user_data;
    note(user_data, result, false);
}

// Whole sectors of a write, one byte of a message. Returns: whether anything is left to do.
static bool shorten(struct io_uring_sqe *sqe)
{
    if (sqe->opcode == IORING_OP_SEND) {
        sqe->len = 1;
        return true;
    }
    sqe->len = sqe->len / 2 / SECTOR_BYTES * SECTOR_BYTES;
    return sqe->len > 0;
}

static void change(struct io_uring_sqe *sqe)
{
    bool may_be_short = sqe->opcode == IORING_OP_WRITE || sqe->opcode == IORING_OP_SEND;
    bool makes_descriptor = sqe->opcode == IORING_OP_OPENAT || sqe->opcode == IORING_OP_ACCEPT;
    switch (nth_manner_now()) {
    case NTH_SHORT:
        if (!may_be_short) {
            nothing_instead(sqe, -nth_error_now());
        } else if (!shorten(sqe)) {
            nothing_instead(sqe, 0);
        }
        return;
    case NTH_SHORT_ONLY:
        (void)(may_be_short && shorten(sqe));
        return;
    case NTH_DONE_TOO:
        note(sqe->user_data, -nth_error_now(), makes_descriptor);
        return;
    case NTH_REFUSED:
        nothing_instead(sqe, -nth_error_now());
        return;
    }
}

static void queued_look(struct io_uring *ring, const void *caller)
{
    const struct io_uring_sq *queue = &ring->sq;
    for (unsigned at = queue->sqe_head; at != queue->sqe_tail; at++) {
        struct io_uring_sqe *sqe = &queue->sqes[at & queue->ring_mask];
        const char *name = NULL;
        enum nth_kind kind = kind_of(sqe, &name);
        if (kind == NTH_SOCKET && nth_is_on(kind) &&
            (sqe->opcode == IORING_OP_ACCEPT || sqe->opcode == IORING_OP_RECV)) {
            sqe->ioprio = 0; // once
        }
        if (kind != 0 && nth_fails(kind, name, caller)) {
            change(sqe);
        }
    }
}

int __wrap_io_uring_submit(struct io_uring *ring)
{
    queued_look(ring, __builtin_return_address(0));
    return __real_io_uring_submit(ring);
}

int __wrap_io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **out,
                                            unsigned count, struct __kernel_timespec *timeout,
                                            sigset_t *mask)
{
    queued_look(ring, __builtin_return_address(0));
    return __real_io_uring_submit_and_wait_timeout(ring, out, count, timeout, mask);
}

static void come_back(struct io_uring_cqe *cqe)
{
    pthread_mutex_lock(&mutex);
    for (uint32_t i = 0; i < CHANGED_MAX && changed_count > 0; i++) {
        if (changed[i].user_data == cqe->user_data && cqe->user_data != 0) {
            if (changed[i].makes_descriptor && cqe->res >= 0) {
                (void)close(cqe->res);
            }
            cqe->res = changed[i].result;
            changed[i].user_data = 0;
            changed_count -= 1;
            break;
        }
    }
    pthread_mutex_unlock(&mutex);
}

unsigned __wrap_io_uring_peek_batch_cqe(struct io_uring *ring, struct io_uring_cqe **out,
                                        unsigned count)
{
    unsigned ready = __real_io_uring_peek_batch_cqe(ring, out, count);
    for (unsigned i = 0; i < ready; i++) {
        come_back(out[i]);
    }
    return ready;
}

// Rings and their buffers are memory.
int __wrap_io_uring_queue_init_params(unsigned entries, struct io_uring *ring,
                                      struct io_uring_params *params)
{
    return nth_fails(NTH_MEMORY, "io_uring_queue_init_params", __builtin_return_address(0))
               ? -ENOMEM
               : __real_io_uring_queue_init_params(entries, ring, params);
}

int __wrap_io_uring_register_buf_ring(struct io_uring *ring, struct io_uring_buf_reg *wanted,
                                      unsigned flags)
{
    return nth_fails(NTH_MEMORY, "io_uring_register_buf_ring", __builtin_return_address(0))
               ? -ENOMEM
               : __real_io_uring_register_buf_ring(ring, wanted, flags);
}
