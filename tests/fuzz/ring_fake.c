// Operations wait in an array until a turn. A turn does those that were there when it began:
// connects succeed, cancellations find their operation, sends take what they may, receives of a
// link that closes end, as after shutdown(2); receives, accepts and stuck sends stay.
#include "tests/fuzz/ring_fake.h"

#include <errno.h>
#include <string.h>

#include "base/assert.h"

#define OPERATIONS_MAX 4096u

static struct io_uring_sqe operations[OPERATIONS_MAX];
static uint32_t operation_count;
static uint32_t send_bytes_max = UINT32_MAX;
static int32_t buffer_next;

static struct jf_completion *completion_of(const struct io_uring_sqe *operation)
{
    return (struct jf_completion *)(uintptr_t)operation->user_data;
}

void ring_fake_send_max(uint32_t bytes_max)
{
    send_bytes_max = bytes_max;
}

uint32_t ring_fake_in_flight(void)
{
    return operation_count;
}

static void complete(uint32_t index, int32_t result)
{
    struct jf_completion *completion = completion_of(&operations[index]);
    operation_count -= 1;
    memmove(&operations[index], &operations[index + 1],
            (operation_count - index) * sizeof operations[0]);
    if (completion != NULL) {
        completion->callback(completion, result, -1, false);
    }
}

static uint32_t find(const struct jf_completion *completion)
{
    uint32_t index = 0;
    while (index < operation_count && completion_of(&operations[index]) != completion) {
        index += 1;
    }
    return index;
}

bool ring_fake_receive(struct jf_link *link, const unsigned char *bytes, uint32_t size)
{
    (void)jf_ring_turn(link->hub->ring);
    if (find(&link->receive) == operation_count) {
        return false;
    }
    JF_ASSERT(size > 0 && size <= JF_HUB_BUFFER_BYTES);
    buffer_next = (buffer_next + 1) % (int32_t)JF_HUB_BUFFER_COUNT;
    memcpy(jf_hub_buffer(link->hub, buffer_next), bytes, size);
    link->receive.callback(&link->receive, (int32_t)size, buffer_next, true);
    return true;
}

void ring_fake_hang_up(struct jf_link *link, bool is_reset)
{
    uint32_t index = find(&link->receive);
    if (index < operation_count) {
        complete(index, is_reset ? -ECONNRESET : 0);
    }
    index = find(&link->send);
    if (index < operation_count) {
        complete(index, -EPIPE);
    }
}

// Does one operation if it can be done. Returns: whether it is gone from the array.
static bool operation_do(uint32_t index)
{
    const struct io_uring_sqe *operation = &operations[index];
    struct jf_completion *completion = completion_of(operation);
    const struct jf_link *link = completion == NULL ? NULL : completion->context;
    uint32_t target = 0;
    uint32_t size = operation->len;
    switch (operation->opcode) {
    case IORING_OP_CONNECT:
        complete(index, 0);
        return true;
    case IORING_OP_ASYNC_CANCEL:
        target = find((const struct jf_completion *)(uintptr_t)operation->addr);
        complete(index, 0);
        if (target <= operation_count && target != index) {
            complete(target > index ? target - 1 : target, -ECANCELED);
        }
        return true;
    case IORING_OP_RECV:
        if (link->state == JF_LINK_CLOSING) {
            complete(index, 0);
            return true;
        }
        return false;
    case IORING_OP_SEND:
        if (link->state == JF_LINK_CLOSING) {
            complete(index, -EPIPE);
            return true;
        }
        if (send_bytes_max > 0) {
            complete(index, (int32_t)(size < send_bytes_max ? size : send_bytes_max));
            return true;
        }
        return false;
    default: // accepts, and the waker, stay
        return false;
    }
}

uint32_t jf_ring_turn(struct jf_ring *ring)
{
    (void)ring;
    uint32_t looked_at = operation_count;
    uint32_t done = 0;
    for (uint32_t index = 0; looked_at > 0 && index < operation_count; looked_at--) {
        if (operation_do(index)) {
            done += 1;
        } else {
            index += 1;
        }
    }
    return done;
}

uint32_t jf_ring_wait(struct jf_ring *ring, uint64_t timeout_us, bool (*has_work)(void *context),
                      void *context)
{
    (void)timeout_us;
    if (has_work != NULL) {
        (void)has_work(context);
    }
    return jf_ring_turn(ring);
}

struct io_uring_sqe *jf_ring_sqe(struct jf_ring *ring, struct jf_completion *completion)
{
    (void)ring;
    JF_ASSERT(operation_count < OPERATIONS_MAX);
    struct io_uring_sqe *operation = &operations[operation_count++];
    memset(operation, 0, sizeof *operation);
    operation->user_data = (uint64_t)(uintptr_t)completion;
    return operation;
}

enum jf_error jf_ring_init(struct jf_ring *ring, uint32_t entries, struct jf_diagnosis *diagnosis)
{
    (void)entries;
    (void)diagnosis;
    memset(ring, 0, sizeof *ring);
    return JF_OK;
}

void jf_ring_deinit(struct jf_ring *ring)
{
    (void)ring;
}

void jf_ring_write(struct jf_ring *ring, struct jf_completion *completion, int fd,
                   const void *bytes, uint32_t size, uint64_t offset)
{
    (void)ring;
    (void)completion;
    (void)fd;
    (void)bytes;
    (void)size;
    (void)offset;
    JF_ASSERT(false && "net/ does not write files");
}

void jf_ring_wake(struct jf_ring *ring)
{
    (void)ring;
}

int io_uring_register_buf_ring(struct io_uring *uring, struct io_uring_buf_reg *registration,
                               unsigned int flags)
{
    (void)uring;
    (void)registration;
    (void)flags;
    return 0;
}

int io_uring_unregister_buf_ring(struct io_uring *uring, int group)
{
    (void)uring;
    (void)group;
    return 0;
}
