// A turn: wait for completions (which hand messages to the handler), open some of the connections
// that came, sweep when it is time, let the handler answer, then send what was gathered: one send a
// connection. Failures: creating names what is wrong with address, port or certificate.
#include "net/net.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/hash.h"
#include "net/server.h"

#define ACCEPT_TURNS_MAX 100u

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
    return jf_acceptor_listen(&net->acceptor, diagnosis);
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
    jf_acceptor_init(&net->acceptor, net);
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
    jf_acceptor_arm(&net->acceptor);
    net->swept_us = net->hub.now_us;
    *out_net = net;
    return JF_OK;
}

static void ring_leave(struct jf_net *net)
{
    net->is_draining = true;
    jf_acceptor_stop(&net->acceptor);
    for (uint32_t turn = 0; net->acceptor.is_armed && turn < ACCEPT_TURNS_MAX; turn++) {
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
    jf_acceptor_deinit(&net->acceptor);
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
    return net->acceptor.port;
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
    return net->resumed != NULL || net->acceptor.waiting_count > 0 ||
           net->handler.has_work(net->handler.context);
}

void jf_net_turn(struct jf_net *net, uint64_t timeout_us)
{
    uint64_t wait_us = timeout_us < JF_NET_SWEEP_US ? timeout_us : JF_NET_SWEEP_US;
    bool has_more = net->resumed != NULL || net->acceptor.waiting_count > 0;
    jf_hub_wait(&net->hub, has_more ? 0 : wait_us, has_work, net);
    jf_acceptor_open_some(&net->acceptor);
    if (net->hub.now_us - net->swept_us >= JF_NET_SWEEP_US) {
        net->swept_us = net->hub.now_us;
        jf_acceptor_arm(&net->acceptor);
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
    jf_acceptor_stop(&net->acceptor);
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
