// Ten times a second every connection is looked at: late handshakes, idle and stuck connections go,
// and so do requests that were begun and never completed. The judgement is pure; the times come
// from the hub.
#include "net/server.h"

static bool is_past(uint64_t now_us, uint64_t since_us, uint64_t allowed_us)
{
    return now_us > since_us && now_us - since_us > allowed_us;
}

enum jf_sweep_verdict jf_sweep_judge(const struct jf_sweep_view *view)
{
    if (view->lingering_us != 0) {
        return is_past(view->now_us, view->lingering_us, JF_NET_LINGER_US) ? JF_SWEEP_LINGERED
                                                                           : JF_SWEEP_KEEP;
    }
    if (!view->is_settled) {
        return is_past(view->now_us, view->opened_us, view->handshake_timeout_us)
                   ? JF_SWEEP_HANDSHAKE_LATE
                   : JF_SWEEP_KEEP;
    }
    if (view->has_unsent && is_past(view->now_us, view->progress_us, JF_NET_STALL_US)) {
        return JF_SWEEP_STALLED;
    }
    uint64_t active_us = view->heard_us > view->progress_us ? view->heard_us : view->progress_us;
    if (view->idle_timeout_us != 0 && !view->has_calls &&
        is_past(view->now_us, active_us, view->idle_timeout_us)) {
        return JF_SWEEP_IDLE;
    }
    return JF_SWEEP_KEEP;
}

// Returns: whether a finished answer waits for the client to make room.
static bool calls_sweep(struct jf_connection *connection)
{
    struct jf_net *net = connection->net;
    bool has_unsent = false;
    struct jf_call *next = NULL;
    for (struct jf_call *call = connection->calls; call != NULL; call = next) {
        next = call->next;
        if (call->is_answered && jf_buffer_size(&call->outbox.buffer) > 0) {
            has_unsent = true;
        }
        if (call->waiting_us == 0 || call->is_answered ||
            !is_past(net->hub.now_us, call->waiting_us, net->config.handshake_timeout_us)) {
            continue;
        }
        if (!call->is_requested) {
            jf_connection_terminate(connection, NGHTTP2_ENHANCE_YOUR_CALM);
            return has_unsent;
        }
        jf_call_refuse(call, JF_STATUS_DEADLINE_EXCEEDED,
                       "the request was not complete within %llu ms: send it whole",
                       (unsigned long long)(net->config.handshake_timeout_us / 1000));
    }
    return has_unsent;
}

static void connection_sweep(struct jf_connection *connection)
{
    struct jf_net *net = connection->net;
    struct jf_link *link = &connection->session.link;
    connection->useless_frames = 0;
    if (link->state == JF_LINK_CLOSING) {
        return;
    }
    bool has_unsent = calls_sweep(connection) || link->is_sending;
    const struct jf_sweep_view view = {
        .now_us = net->hub.now_us,
        .opened_us = connection->opened_us,
        .heard_us = link->heard_us,
        .progress_us = link->progress_us,
        .lingering_us = link->lingering_us,
        .is_settled = connection->is_settled,
        .has_calls = connection->call_count > 0,
        .has_unsent = has_unsent,
        .handshake_timeout_us = net->config.handshake_timeout_us,
        .idle_timeout_us = net->config.idle_timeout_us,
    };
    switch (jf_sweep_judge(&view)) {
    case JF_SWEEP_KEEP:
        if (connection->is_draining && connection->call_count == 0) {
            jf_connection_terminate(connection, NGHTTP2_NO_ERROR);
        }
        break;
    case JF_SWEEP_IDLE:
        jf_connection_terminate(connection, NGHTTP2_NO_ERROR);
        break;
    case JF_SWEEP_HANDSHAKE_LATE:
        jf_link_close(link, "the handshake took too long");
        break;
    case JF_SWEEP_STALLED:
        jf_link_close(link, "the peer does not read");
        break;
    case JF_SWEEP_LINGERED:
        jf_link_close(link, NULL);
        break;
    }
}

void jf_sweep(struct jf_net *net)
{
    struct jf_connection *next = NULL;
    for (struct jf_connection *connection = net->connections; connection != NULL;
         connection = next) {
        next = connection->next;
        connection_sweep(connection);
    }
}
