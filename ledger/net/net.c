// A turn: wait for completions (which hand messages to the handler), sweep when it is time, let the
// handler answer, then send what was gathered: one send a connection. Failures: creating names what
// is wrong with address, port or certificate; running out of descriptors stops accepting until the
// next sweep; a connection too many is closed at once.
#include "net/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/hash.h"
#include "net/server.h"

#define LISTEN_BACKLOG   1024
#define ACCEPT_TURNS_MAX 100u

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

static enum jf_error listen_open(struct jf_net *net, struct jf_diagnosis *diagnosis)
{
    struct sockaddr_storage address;
    uint32_t size = 0;
    if (!address_parse(&net->config, &address, &size)) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                           "'%s' is not a numeric IPv4 or IPv6 address: give one such as 127.0.0.1",
                           net->config.address);
    }
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return bind_failure(&net->config, errno, diagnosis);
    }
    net->listen_fd = fd;
    listen_options_set(fd);
    if (bind(fd, (const struct sockaddr *)&address, size) != 0 || listen(fd, LISTEN_BACKLOG) != 0) {
        return bind_failure(&net->config, errno, diagnosis);
    }
    struct sockaddr_in6 bound = {0};
    socklen_t bound_size = sizeof bound;
    if (getsockname(fd, (struct sockaddr *)&bound, &bound_size) != 0) {
        return bind_failure(&net->config, errno, diagnosis);
    }
    // The port stands at the same place in both families.
    net->port = ntohs(bound.sin6_port);
    return JF_OK;
}

// Connections that wait to be accepted are reset: their clients try elsewhere at once.
static void listen_close(struct jf_net *net)
{
    if (net->listen_fd >= 0) {
        close(net->listen_fd);
        net->listen_fd = -1;
    }
}

static void accept_arm(struct jf_net *net)
{
    if (net->is_accepting || net->is_draining) {
        return;
    }
    struct io_uring_sqe *sqe = jf_ring_sqe(net->hub.ring, &net->accept);
    io_uring_prep_multishot_accept(sqe, net->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    net->is_accepting = true;
}

static void accepted(struct jf_net *net, int fd)
{
    if (net->is_draining || net->connection_count >= net->config.connections_max) {
        net->counters.connections_refused += 1;
        close(fd);
        return;
    }
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (jf_connection_open(net, fd) == NULL) {
        net->counters.connections_refused += 1;
        return;
    }
    net->counters.connections_accepted += 1;
}

static void accept_done(struct jf_completion *completion, int32_t result, int32_t buffer_id,
                        bool more)
{
    (void)buffer_id;
    struct jf_net *net = completion->context;
    if (result >= 0) {
        accepted(net, result);
    }
    if (!more) {
        net->is_accepting = false;
        if (net->is_draining) {
            listen_close(net);
        } else if (result >= 0) {
            accept_arm(net); // after an error (no descriptors, say) the sweep tries again
        }
    }
}

static bool paths_init(struct jf_net *net)
{
    uint32_t slots = 16;
    while (slots < net->handler.method_count * 2) {
        slots *= 2;
    }
    net->paths = calloc(slots, sizeof *net->paths);
    if (net->paths == NULL) {
        return false;
    }
    net->path_mask = slots - 1;
    for (uint32_t i = 0; i < net->handler.method_count; i++) {
        const struct jf_net_method *method = &net->handler.methods[i];
        uint64_t hash = jf_hash64(method->path, strlen(method->path));
        uint32_t at = (uint32_t)hash & net->path_mask;
        while (net->paths[at].method != NULL) {
            JF_ASSERT(strcmp(net->paths[at].method->path, method->path) != 0);
            at = (at + 1) & net->path_mask;
        }
        net->paths[at] = (struct jf_path_slot){hash, method};
    }
    return true;
}

// What needs no ring; whatever fails is undone by jf_net_destroy.
static enum jf_error parts_init(struct jf_net *net, struct jf_diagnosis *diagnosis)
{
    if (!paths_init(net) || !jf_connection_callbacks_init(net)) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "network: no memory for a server");
    }
    if (net->config.tls_certificate_path != NULL) {
        enum jf_error error = jf_tls_context_create_server(
            net->config.tls_certificate_path, net->config.tls_key_path, &net->tls, diagnosis);
        if (error != JF_OK) {
            return error;
        }
    }
    return listen_open(net, diagnosis);
}

enum jf_error jf_net_create(const struct jf_net_config *config,
                            const struct jf_net_handler *handler, struct jf_ring *ring,
                            struct jf_net **out_net, struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(config->connections_max > 0);
    JF_ASSERT(config->streams_per_connection_max > 0);
    JF_ASSERT(config->handshake_timeout_us > 0);
    struct jf_net *net = calloc(1, sizeof *net);
    if (net == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "network: no memory for a server");
    }
    net->config = *config;
    net->handler = *handler;
    net->listen_fd = -1;
    net->accept = (struct jf_completion){accept_done, net};
    net->received.bytes_max = JF_NET_BYTES_MAX;
    net->unsent.bytes_max = JF_NET_BYTES_MAX;
    net->calls_ensured = JF_NET_CALLS_SHARED / config->connections_max;
    net->calls_ensured = net->calls_ensured == 0 ? 1 : net->calls_ensured;
    enum jf_error error = parts_init(net, diagnosis);
    if (error == JF_OK) {
        error = jf_hub_init(&net->hub, ring, diagnosis);
    }
    if (error != JF_OK) {
        net->hub.ring = NULL;
        jf_net_destroy(net);
        return error;
    }
    accept_arm(net);
    net->swept_us = net->hub.now_us;
    *out_net = net;
    return JF_OK;
}

static void accept_stop(struct jf_net *net)
{
    if (net->is_accepting) {
        struct io_uring_sqe *sqe = jf_ring_sqe(net->hub.ring, NULL);
        io_uring_prep_cancel(sqe, &net->accept, 0);
    } else {
        listen_close(net);
    }
}

static void ring_leave(struct jf_net *net)
{
    net->is_draining = true;
    accept_stop(net);
    for (uint32_t turn = 0; net->is_accepting && turn < ACCEPT_TURNS_MAX; turn++) {
        jf_hub_wait(&net->hub, 10000, NULL, NULL);
    }
    for (struct jf_connection *c = net->connections; c != NULL; c = c->next) {
        jf_link_close(&c->session.link, NULL);
    }
    jf_hub_deinit(&net->hub);
}

void jf_net_destroy(struct jf_net *net)
{
    if (net == NULL) {
        return;
    }
    net->is_destroying = true;
    if (net->hub.ring != NULL) {
        ring_leave(net);
    }
    listen_close(net);
    jf_call_release_orphans(net);
    jf_call_free_all(net);
    jf_tls_context_destroy(net->tls);
    nghttp2_session_callbacks_del(net->callbacks);
    nghttp2_option_del(net->options);
    free(net->paths);
    free(net);
}

uint16_t jf_net_port(const struct jf_net *net)
{
    return net->port;
}

// Taken off one by one, as many as there were: a handler may pause, resume or finish any meanwhile.
static void resumed_go_on(struct jf_net *net)
{
    uint32_t count = 0;
    for (const struct jf_call *call = net->resumed; call != NULL; call = call->next_resumed) {
        count += 1;
    }
    for (uint32_t i = 0; i < count && net->resumed != NULL; i++) {
        struct jf_call *call = net->resumed;
        net->resumed = call->next_resumed;
        call->is_resumed_listed = false;
        jf_request_resumed(call);
    }
}

static bool has_work(void *context)
{
    struct jf_net *net = context;
    return net->resumed != NULL || net->handler.has_work(net->handler.context);
}

void jf_net_turn(struct jf_net *net, uint64_t timeout_us)
{
    uint64_t wait_us = timeout_us < JF_NET_SWEEP_US ? timeout_us : JF_NET_SWEEP_US;
    jf_hub_wait(&net->hub, net->resumed != NULL ? 0 : wait_us, has_work, net);
    if (net->hub.now_us - net->swept_us >= JF_NET_SWEEP_US) {
        net->swept_us = net->hub.now_us;
        accept_arm(net);
        jf_sweep(net);
    }
    if (net->resumed != NULL) {
        resumed_go_on(net);
    }
    net->handler.on_turn(net->handler.context);
    jf_hub_flush(&net->hub);
}

void jf_net_drain(struct jf_net *net)
{
    if (net->is_draining) {
        return;
    }
    net->is_draining = true;
    accept_stop(net);
    for (struct jf_connection *c = net->connections; c != NULL; c = c->next) {
        jf_connection_drain(c);
    }
}

bool jf_net_is_idle(const struct jf_net *net)
{
    if (net->call_count > 0) {
        return false;
    }
    for (const struct jf_connection *c = net->connections; c != NULL; c = c->next) {
        const struct jf_link *link = &c->session.link;
        if (link->is_dirty || jf_link_unsent_bytes(link) > 0) {
            return false;
        }
    }
    return true;
}

void jf_net_counters_read(const struct jf_net *net, struct jf_net_counters *out_counters)
{
    *out_counters = net->counters;
    out_counters->connections_open = net->connection_count;
    out_counters->calls_open = net->call_count;
    out_counters->bytes_received = net->hub.bytes_received;
    out_counters->bytes_sent = net->hub.bytes_sent;
}
