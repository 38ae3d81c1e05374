// Opened, a link keeps one multishot receive armed and has at most one send in flight; what is
// gathered meanwhile waits for the next. Finishing sends the rest, shuts down writing and reads
// until the peer closes, because closing with unread input would destroy answers on their way.
// Failures: any error of the socket or of TLS closes it, with the reason kept for the owner; memory
// for output missing closes it too. The owner learns it in on_reaped, when no operation is in
// flight.
#include "net/link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"

#define STATES 6u

// Which state may follow which.
static const bool moves[STATES][STATES] = {
    [JF_LINK_NEW] = {[JF_LINK_CONNECTING] = true,
                     [JF_LINK_SECURING] = true,
                     [JF_LINK_OPEN] = true,
                     [JF_LINK_CLOSING] = true},
    [JF_LINK_CONNECTING] =
        {[JF_LINK_SECURING] = true, [JF_LINK_OPEN] = true, [JF_LINK_CLOSING] = true},
    [JF_LINK_SECURING] =
        {[JF_LINK_OPEN] = true, [JF_LINK_LINGERING] = true, [JF_LINK_CLOSING] = true},
    [JF_LINK_OPEN] = {[JF_LINK_LINGERING] = true, [JF_LINK_CLOSING] = true},
    [JF_LINK_LINGERING] = {[JF_LINK_CLOSING] = true},
};

static void state_move(struct jf_link *link, enum jf_link_state state)
{
    JF_ASSERT((unsigned)state < STATES);
    JF_ASSERT(moves[link->state][state]);
    link->state = state;
}

static void operation_end(struct jf_link *link)
{
    JF_ASSERT(link->operations > 0);
    link->operations -= 1;
    if (link->operations == 0 && link->state == JF_LINK_CLOSING) {
        link->next_dead = link->hub->dead;
        link->hub->dead = link;
    }
}

void jf_link_close(struct jf_link *link, const char *failure)
{
    if (link->state == JF_LINK_CLOSING) {
        return;
    }
    if (link->failure == NULL) {
        link->failure = failure;
    }
    state_move(link, JF_LINK_CLOSING);
    // Ends what is in flight; without that, closing says all there is to say to the peer.
    if (link->is_receiving || link->is_sending) {
        shutdown(link->fd, SHUT_RDWR);
    }
    if (link->connect.context != NULL && link->operations > 0) {
        struct io_uring_sqe *sqe = jf_ring_sqe(link->hub->ring, NULL);
        io_uring_prep_cancel(sqe, &link->connect, 0);
    }
    link->operations += 1;
    operation_end(link);
}

void jf_link_touch(struct jf_link *link)
{
    if (!link->is_dirty) {
        link->is_dirty = true;
        link->next_dirty = link->hub->dirty;
        link->hub->dirty = link;
    }
}

void jf_link_finish(struct jf_link *link)
{
    link->is_finishing = true;
    jf_link_touch(link);
}

static void receive_arm(struct jf_link *link)
{
    if (link->is_receiving || link->is_paused || link->state == JF_LINK_CLOSING) {
        return;
    }
    struct io_uring_sqe *sqe = jf_ring_sqe(link->hub->ring, &link->receive);
    io_uring_prep_recv_multishot(sqe, link->fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = link->hub->buffer_group;
    link->is_receiving = true;
    link->operations += 1;
}

void jf_link_pause(struct jf_link *link)
{
    if (link->is_paused) {
        return;
    }
    link->is_paused = true;
    if (link->is_receiving) {
        struct io_uring_sqe *sqe = jf_ring_sqe(link->hub->ring, NULL);
        io_uring_prep_cancel(sqe, &link->receive, 0);
    }
}

void jf_link_deafen(struct jf_link *link)
{
    link->is_deaf = true;
    jf_link_pause(link);
}

void jf_link_resume(struct jf_link *link)
{
    if (link->is_paused && !link->is_deaf) {
        link->is_paused = false;
        receive_arm(link);
    }
}

static void opened(struct jf_link *link)
{
    state_move(link, JF_LINK_OPEN);
    link->events->on_open(link);
    jf_link_touch(link);
}

static void tls_failed(struct jf_link *link)
{
    link->failure = "TLS failed";
    jf_link_finish(link);
}

static void securing_go_on(struct jf_link *link)
{
    enum jf_tls_result result = jf_tls_handshake(link->tls);
    jf_link_touch(link);
    if (result == JF_TLS_DONE) {
        opened(link);
    } else if (result != JF_TLS_MORE) {
        tls_failed(link);
    }
}

static void secured_bytes(struct jf_link *link, const unsigned char *bytes, uint32_t size)
{
    if (link->is_finishing) {
        return;
    }
    if (!jf_tls_put(link->tls, bytes, size)) {
        jf_link_close(link, "out of memory");
        return;
    }
    if (link->state == JF_LINK_SECURING) {
        securing_go_on(link);
    }
    while (link->state == JF_LINK_OPEN) {
        uint32_t plain_size = 0;
        enum jf_tls_result result =
            jf_tls_read(link->tls, link->hub->scratch, JF_HUB_BUFFER_BYTES, &plain_size);
        if (result == JF_TLS_MORE) {
            jf_link_touch(link);
            return;
        }
        if (result == JF_TLS_CLOSED) {
            jf_link_close(link, NULL);
            return;
        }
        if (result == JF_TLS_FAILED) {
            tls_failed(link);
            return;
        }
        link->events->on_bytes(link, link->hub->scratch, plain_size);
    }
}

static void bytes_handle(struct jf_link *link, const unsigned char *bytes, uint32_t size)
{
    link->heard_us = link->hub->now_us;
    link->hub->bytes_received += size;
    if (link->state == JF_LINK_LINGERING) {
        link->lingered_bytes += size;
        if (link->lingered_bytes > JF_LINK_LINGER_BYTES_MAX) {
            jf_link_close(link, NULL);
        }
        return;
    }
    if (link->is_deaf || link->state == JF_LINK_CLOSING) {
        return;
    }
    if (link->tls != NULL) {
        secured_bytes(link, bytes, size);
    } else if (!link->is_finishing) {
        link->events->on_bytes(link, bytes, size);
    }
}

static void receive_done(struct jf_completion *completion, int32_t result, int32_t buffer_id,
                         bool more)
{
    struct jf_link *link = completion->context;
    if (result > 0) {
        JF_ASSERT(buffer_id >= 0);
        bytes_handle(link, jf_hub_buffer(link->hub, buffer_id), (uint32_t)result);
    }
    if (buffer_id >= 0) {
        jf_hub_buffer_return(link->hub, buffer_id);
    }
    if (more) {
        return;
    }
    link->is_receiving = false;
    if (result == 0) {
        jf_link_close(link, "the peer closed the connection");
    } else if (result < 0 && result != -ENOBUFS && result != -ECANCELED && result != -EINTR) {
        jf_link_close(link, "the connection was reset");
    }
    receive_arm(link);
    operation_end(link);
}

static uint32_t kept_bytes(const struct jf_link *link)
{
    return jf_hub_is_laden(link->hub) ? 0 : JF_LINK_KEPT_BYTES;
}

static void send_submit(struct jf_link *link)
{
    struct io_uring_sqe *sqe = jf_ring_sqe(link->hub->ring, &link->send);
    io_uring_prep_send(sqe, link->fd, jf_buffer_front(&link->sending),
                       jf_buffer_size(&link->sending), MSG_NOSIGNAL);
    link->is_sending = true;
    link->operations += 1;
}

static void send_done(struct jf_completion *completion, int32_t result, int32_t buffer_id,
                      bool more)
{
    (void)buffer_id;
    JF_ASSERT(!more);
    struct jf_link *link = completion->context;
    link->is_sending = false;
    if (result < 0 && result != -EINTR && result != -EAGAIN) {
        jf_link_close(link, "the connection was reset");
    } else if (link->state != JF_LINK_CLOSING) {
        uint32_t taken = result > 0 ? (uint32_t)result : 0;
        jf_buffer_take(&link->sending, taken);
        link->hub->bytes_sent += taken;
        link->taken_bytes += taken;
        bool is_all = jf_buffer_size(&link->sending) == 0;
        if (is_all || link->taken_bytes >= JF_LINK_PROGRESS_BYTES) {
            link->taken_bytes = 0;
            link->progress_us = link->hub->now_us;
        }
        if (is_all) {
            jf_buffer_clear(&link->sending, kept_bytes(link), &link->hub->output);
            jf_link_touch(link);
        } else {
            send_submit(link);
        }
    }
    operation_end(link);
}

// Moves what is gathered, encrypted if need be, to where the kernel reads it.
static bool sending_fill(struct jf_link *link)
{
    JF_ASSERT(jf_buffer_size(&link->sending) == 0);
    if (link->tls == NULL) {
        struct jf_buffer empty = link->sending;
        link->sending = link->gathered;
        link->gathered = empty;
        return true;
    }
    if (link->state == JF_LINK_OPEN) {
        uint32_t size = jf_buffer_size(&link->gathered);
        if (size > 0 && !jf_tls_write(link->tls, jf_buffer_front(&link->gathered), size)) {
            return false;
        }
        jf_buffer_clear(&link->gathered, kept_bytes(link), &link->hub->output);
    }
    const unsigned char *bytes = NULL;
    uint32_t size = jf_tls_pending(link->tls, &bytes);
    bool ok = jf_buffer_append(&link->sending, bytes, size, UINT32_MAX, &link->hub->output);
    jf_tls_pending_clear(link->tls);
    return ok;
}

static void linger(struct jf_link *link)
{
    state_move(link, JF_LINK_LINGERING);
    link->lingering_us = link->hub->now_us;
    shutdown(link->fd, SHUT_WR);
    jf_link_resume(link);
}

void jf_link_flush(struct jf_link *link)
{
    if (link->state == JF_LINK_OPEN) {
        link->events->on_flush(link);
    }
    if (link->is_sending || (link->state != JF_LINK_OPEN && link->state != JF_LINK_SECURING)) {
        return;
    }
    if (!sending_fill(link)) {
        jf_link_close(link, "out of memory");
        return;
    }
    if (jf_buffer_size(&link->sending) > 0) {
        link->progress_us = link->hub->now_us;
        send_submit(link);
    } else if (link->is_finishing) {
        linger(link);
    }
}

bool jf_link_put(struct jf_link *link, const void *bytes, uint32_t size)
{
    return jf_buffer_append(&link->gathered, bytes, size, UINT32_MAX, &link->hub->output);
}

bool jf_link_has_room(const struct jf_link *link)
{
    uint32_t gathered = jf_buffer_size(&link->gathered);
    if (!jf_hub_is_laden(link->hub)) {
        return gathered < JF_LINK_UNSENT_BYTES_MAX;
    }
    return !link->is_sending && gathered < JF_LINK_UNSENT_BYTES_LADEN;
}

void jf_link_trim(struct jf_link *link)
{
    bool is_quiet = !link->is_sending && jf_buffer_size(&link->gathered) == 0 &&
                    link->hub->now_us > link->heard_us + JF_LINK_TRIM_US &&
                    link->hub->now_us > link->progress_us + JF_LINK_TRIM_US;
    if (!is_quiet) {
        return;
    }
    jf_buffer_clear(&link->gathered, 0, &link->hub->output);
    jf_buffer_clear(&link->sending, 0, &link->hub->output);
    if (link->tls != NULL) {
        jf_tls_trim(link->tls);
    }
}

uint32_t jf_link_unsent_bytes(const struct jf_link *link)
{
    return jf_buffer_size(&link->gathered) + jf_buffer_size(&link->sending);
}

void jf_link_start(struct jf_link *link)
{
    link->heard_us = link->hub->now_us;
    link->progress_us = link->hub->now_us;
    receive_arm(link);
    if (link->tls == NULL) {
        opened(link);
        return;
    }
    state_move(link, JF_LINK_SECURING);
    securing_go_on(link);
}

static void connect_done(struct jf_completion *completion, int32_t result, int32_t buffer_id,
                         bool more)
{
    (void)buffer_id;
    JF_ASSERT(!more);
    struct jf_link *link = completion->context;
    link->connect.context = NULL;
    if (result < 0) {
        jf_link_close(link, result == -ECONNREFUSED ? "connection refused: is the server running?"
                                                    : "the address cannot be reached");
    } else if (link->state != JF_LINK_CLOSING) {
        jf_link_start(link);
    }
    operation_end(link);
}

void jf_link_connect(struct jf_link *link)
{
    state_move(link, JF_LINK_CONNECTING);
    link->connect = (struct jf_completion){connect_done, link};
    struct io_uring_sqe *sqe = jf_ring_sqe(link->hub->ring, &link->connect);
    io_uring_prep_connect(sqe, link->fd, (const struct sockaddr *)&link->address,
                          link->address_size);
    link->operations += 1;
}

void jf_link_init(struct jf_link *link, struct jf_hub *hub, const struct jf_link_events *events,
                  int fd, struct jf_tls *tls)
{
    JF_ASSERT(fd >= 0);
    link->hub = hub;
    link->events = events;
    link->fd = fd;
    link->tls = tls;
    link->receive = (struct jf_completion){receive_done, link};
    link->send = (struct jf_completion){send_done, link};
    hub->link_count += 1;
}

void jf_link_reap(struct jf_link *link)
{
    JF_ASSERT(link->operations == 0);
    close(link->fd);
    jf_tls_close(link->tls);
    jf_buffer_clear(&link->gathered, 0, &link->hub->output);
    jf_buffer_clear(&link->sending, 0, &link->hub->output);
    link->events->on_reaped(link);
}
