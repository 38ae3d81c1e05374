// Accepting is cheap, opening a session is not: a peer that connects as fast as it can would keep a
// turn at work for as long as the backlog is deep, and every till with an answer on its way would
// wait for it. So sockets that were accepted wait here, and each turn opens a few. Failures:
// running out of descriptors stops accepting until the next sweep; a connection too many is closed
// at once.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "net/server.h"

#define LISTEN_BACKLOG 1024

static bool address_parse(const struct jf_net_config *config, struct sockaddr_storage *out_address,
                          uint32_t *out_size)
{
    memset(out_address, 0, sizeof *out_address);
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)out_address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)out_address;
    if (inet_pton(AF_INET, config->address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(config->port);
        *out_size = sizeof *v4;
        return true;
    }
    if (inet_pton(AF_INET6, config->address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(config->port);
        *out_size = sizeof *v6;
        return true;
    }
    return false;
}

static enum jf_error bind_failure(const struct jf_net_config *config, int code,
                                  struct jf_diagnosis *diagnosis)
{
    if (code == EADDRINUSE) {
        return jf_diagnose(
            diagnosis, JF_ERROR_EXISTS,
            "%s port %u is in use by another process: stop it or choose another port",
            config->address, config->port);
    }
    if (code == EADDRNOTAVAIL) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                           "%s is not an address of this machine: choose one that ip addr lists",
                           config->address);
    }
    return jf_diagnose(diagnosis, JF_ERROR_IO, "cannot listen on %s port %u: %s", config->address,
                       config->port, strerror(code));
}

// Accepted sockets inherit them. A peer that vanished without a word is noticed within 90 seconds.
static void listen_options_set(int fd)
{
    int one = 1;
    int idle_s = 60;
    int interval_s = 10;
    int probes = 3;
    // Not the tens of MiB that autotuning may give: peers that do not read hold them.
    int receive_bytes = JF_NET_STREAM_WINDOW_BYTES;
    int send_bytes = JF_NET_STREAM_WINDOW_BYTES / 2;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

enum jf_error jf_acceptor_listen(struct jf_acceptor *acceptor, struct jf_diagnosis *diagnosis)
{
    const struct jf_net_config *config = &acceptor->net->config;
    struct sockaddr_storage address;
    uint32_t size = 0;
    if (!address_parse(config, &address, &size)) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                           "'%s' is not a numeric IPv4 or IPv6 address: give one such as 127.0.0.1",
                           config->address);
    }
    acceptor->waiting = calloc(config->connections_max, sizeof(int));
    if (acceptor->waiting == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "network: no memory for a server");
    }
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return bind_failure(config, errno, diagnosis);
    }
    acceptor->listen_fd = fd;
    listen_options_set(fd);
    if (bind(fd, (const struct sockaddr *)&address, size) != 0 || listen(fd, LISTEN_BACKLOG) != 0) {
        return bind_failure(config, errno, diagnosis);
    }
    struct sockaddr_in6 bound = {0};
    socklen_t bound_size = sizeof bound;
    if (getsockname(fd, (struct sockaddr *)&bound, &bound_size) != 0) {
        return bind_failure(config, errno, diagnosis);
    }
    // The port stands at the same place in both families.
    acceptor->port = ntohs(bound.sin6_port);
    return JF_OK;
}

// Connections that wait to be accepted are reset: their clients try elsewhere at once.
static void listen_close(struct jf_acceptor *acceptor)
{
    if (acceptor->listen_fd >= 0) {
        close(acceptor->listen_fd);
        acceptor->listen_fd = -1;
    }
}

void jf_acceptor_arm(struct jf_acceptor *acceptor)
{
    if (acceptor->is_armed || acceptor->net->is_draining) {
        return;
    }
    struct io_uring_sqe *sqe = jf_ring_sqe(acceptor->net->hub.ring, &acceptor->accept);
    io_uring_prep_multishot_accept(sqe, acceptor->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    acceptor->is_armed = true;
}

static void accepted(struct jf_acceptor *acceptor, int fd)
{
    struct jf_net *net = acceptor->net;
    uint32_t connections_max = net->config.connections_max;
    if (net->is_draining || net->connection_count + acceptor->waiting_count >= connections_max) {
        net->counters.connections_refused += 1;
        close(fd);
        return;
    }
    acceptor->waiting[(acceptor->waiting_first + acceptor->waiting_count) % connections_max] = fd;
    acceptor->waiting_count += 1;
}

static int waiting_take(struct jf_acceptor *acceptor)
{
    JF_ASSERT(acceptor->waiting_count > 0);
    int fd = acceptor->waiting[acceptor->waiting_first];
    acceptor->waiting_first = (acceptor->waiting_first + 1) % acceptor->net->config.connections_max;
    acceptor->waiting_count -= 1;
    return fd;
}

void jf_acceptor_open_some(struct jf_acceptor *acceptor)
{
    struct jf_net *net = acceptor->net;
    for (uint32_t i = 0; i < JF_NET_OPENS_PER_TURN && acceptor->waiting_count > 0; i++) {
        int fd = waiting_take(acceptor);
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (jf_connection_open(net, fd) == NULL) {
            net->counters.connections_refused += 1;
        } else {
            net->counters.connections_accepted += 1;
        }
    }
}

static void waiting_close(struct jf_acceptor *acceptor)
{
    while (acceptor->waiting_count > 0) {
        acceptor->net->counters.connections_refused += 1;
        close(waiting_take(acceptor));
    }
}

static void accept_done(struct jf_completion *completion, int32_t result, int32_t buffer_id,
                        bool more)
{
    (void)buffer_id;
    struct jf_acceptor *acceptor = completion->context;
    if (result >= 0) {
        accepted(acceptor, result);
    }
    if (!more) {
        acceptor->is_armed = false;
        if (acceptor->net->is_draining) {
            listen_close(acceptor);
        } else if (result >= 0) {
            jf_acceptor_arm(acceptor); // after an error (no descriptors, say) the sweep tries again
        }
    }
}

void jf_acceptor_init(struct jf_acceptor *acceptor, struct jf_net *net)
{
    *acceptor = (struct jf_acceptor){.net = net, .listen_fd = -1};
    acceptor->accept = (struct jf_completion){accept_done, acceptor};
}

void jf_acceptor_stop(struct jf_acceptor *acceptor)
{
    waiting_close(acceptor);
    if (acceptor->is_armed) {
        struct io_uring_sqe *sqe = jf_ring_sqe(acceptor->net->hub.ring, NULL);
        io_uring_prep_cancel(sqe, &acceptor->accept, 0);
    } else {
        listen_close(acceptor);
    }
}

void jf_acceptor_deinit(struct jf_acceptor *acceptor)
{
    waiting_close(acceptor);
    listen_close(acceptor);
    free(acceptor->waiting);
}
