// Ten times a second every connection is looked at: late handshakes, idle and stuck connections go,
// and so do requests that were begun and never completed, answers that nobody takes, and calls past
// their deadline. Where something is about to run out, patience with those who hold it is shorter.
// The judgements are pure; the times come from the hub.
#include "net/server.h"

static bool is_past(uint64_t now_us, uint64_t since_us, uint64_t allowed_us)
{
    return now_us > since_us && now_us - since_us > allowed_us;
}

struct jf_patience jf_sweep_patience(const struct jf_fullness *fullness,
                                     const struct jf_patience *usual)
{
    struct jf_patience patience = *usual;
    if (fullness->is_crowded || fullness->is_laden) {
        patience.handshake_us /= JF_NET_PATIENCE_DIVISOR;
    }
    if (fullness->is_laden) {
        patience.stall_us /= JF_NET_PATIENCE_DIVISOR;
    }
    if (fullness->is_crowded &&
        (patience.idle_us == 0 || patience.idle_us > JF_NET_IDLE_CROWDED_US)) {
        patience.idle_us = JF_NET_IDLE_CROWDED_US;
    }
    return patience;
}

uint64_t jf_sweep_request_us(uint64_t handshake_us, uint64_t received_bytes)
{
    return handshake_us + received_bytes * 1000000u / JF_NET_REQUEST_BYTES_PER_S;
}

bool jf_sweep_progress(struct jf_progress *progress, uint64_t left_bytes, uint64_t now_us,
                       uint64_t stall_us)
{
    if (left_bytes == 0) {
        progress->since_us = 0;
        return true;
    }
    if (progress->since_us == 0 || left_bytes + JF_LINK_PROGRESS_BYTES <= progress->left_bytes) {
        *progress = (struct jf_progress){now_us, left_bytes};
        return true;
    }
    return !is_past(now_us, progress->since_us, stall_us);
}

enum jf_sweep_verdict jf_sweep_judge(const struct jf_sweep_view *view)
{
    if (view->lingering_us != 0) {
        uint64_t linger_us = view->is_deaf ? JF_NET_LINGER_DEAF_US : JF_NET_LINGER_US;
        return is_past(view->now_us, view->lingering_us, linger_us) ? JF_SWEEP_LINGERED
                                                                    : JF_SWEEP_KEEP;
    }
    if (!view->is_settled) {
        return is_past(view->now_us, view->opened_us, view->patience.handshake_us)
                   ? JF_SWEEP_HANDSHAKE_LATE
                   : JF_SWEEP_KEEP;
    }
    if (view->has_unsent && is_past(view->now_us, view->progress_us, view->patience.stall_us)) {
        return JF_SWEEP_STALLED;
    }
    uint64_t active_us = view->heard_us > view->progress_us ? view->heard_us : view->progress_us;
    if (view->patience.idle_us != 0 && !view->has_calls &&
        is_past(view->now_us, active_us, view->patience.idle_us)) {
        return JF_SWEEP_IDLE;
    }
    return JF_SWEEP_KEEP;
}

// Takes back what the client will never take; the other calls of the connection go on.
static void call_reset(struct jf_call *call)
{
    struct jf_link *link = &call->connection->session.link;
    if (nghttp2_submit_rst_stream(call->connection->session.h2, NGHTTP2_FLAG_NONE,
                                  call->outbox.stream_id, NGHTTP2_ENHANCE_YOUR_CALM) != 0) {
        jf_link_close(link, "out of memory");
        return;
    }
    jf_link_touch(link);
}

static void answered_sweep(struct jf_call *call, const struct jf_patience *patience)
{
    if (!jf_sweep_progress(&call->progress, jf_buffer_size(&call->outbox.buffer),
                           call->net->hub.now_us, patience->stall_us)) {
        call_reset(call);
    }
}

// Returns: false when the connection ends by it.
static bool asked_sweep(struct jf_call *call, const struct jf_patience *patience)
{
    uint64_t now_us = call->net->hub.now_us;
    uint64_t allowed_us =
        jf_sweep_request_us(patience->handshake_us, jf_buffer_size(&call->inbox.buffer));
    bool is_late = call->waiting_us != 0 && is_past(now_us, call->waiting_us, allowed_us);
    if (is_late && !call->is_requested) {
        jf_connection_terminate(call->connection, NGHTTP2_ENHANCE_YOUR_CALM);
        return false;
    }
    if (is_late) {
        jf_call_refuse(call, JF_STATUS_DEADLINE_EXCEEDED,
                       "the request was not complete within %llu ms: send it whole",
                       (unsigned long long)(allowed_us / 1000));
    } else if (call->is_requested && call->deadline_us != 0 && now_us > call->deadline_us) {
        jf_call_refuse(call, JF_STATUS_DEADLINE_EXCEEDED,
                       "the deadline has passed; what became of a write is told by sending it "
                       "again with its transaction id");
    }
    return true;
}

static void calls_sweep(struct jf_connection *connection, const struct jf_patience *patience)
{
    struct jf_call *next = NULL;
    for (struct jf_call *call = connection->calls; call != NULL; call = next) {
        next = call->next;
        if (call->is_answered) {
            answered_sweep(call, patience);
        } else if (!asked_sweep(call, patience)) {
            return;
        }
    }
}

static void connection_sweep(struct jf_connection *connection, const struct jf_patience *patience)
{
    struct jf_net *net = connection->net;
    struct jf_link *link = &connection->session.link;
    jf_calm_earn(&connection->calm, JF_CALM_CREDIT_PER_SWEEP);
    if (link->state == JF_LINK_CLOSING) {
        return;
    }
    calls_sweep(connection, patience);
    jf_link_trim(link);
    const struct jf_sweep_view view = {
        .now_us = net->hub.now_us,
        .opened_us = connection->opened_us,
        .heard_us = link->heard_us,
        .progress_us = link->progress_us,
        .lingering_us = link->lingering_us,
        .is_deaf = link->is_deaf,
        .is_settled = connection->is_settled,
        .has_calls = connection->call_count > 0,
        .has_unsent = link->is_sending,
        .patience = *patience,
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

static bool is_mostly(uint64_t used, uint64_t bound)
{
    return used > bound - bound / JF_NET_FULL_SHARE;
}

void jf_sweep(struct jf_net *net)
{
    const struct jf_patience usual = {
        .handshake_us = net->config.handshake_timeout_us,
        .idle_us = net->config.idle_timeout_us,
        .stall_us = JF_NET_STALL_US,
    };
    const struct jf_fullness fullness = {
        .is_crowded = is_mostly(net->connection_count, net->config.connections_max),
        .is_laden = is_mostly(net->received.used_bytes, net->received.bytes_max) ||
                    is_mostly(net->unsent.used_bytes, net->unsent.bytes_max) ||
                    is_mostly(net->call_count, JF_NET_CALLS_MAX) || jf_hub_is_laden(&net->hub),
    };
    const struct jf_patience patience = jf_sweep_patience(&fullness, &usual);
    struct jf_connection *next = NULL;
    for (struct jf_connection *connection = net->connections; connection != NULL;
         connection = next) {
        next = connection->next;
        connection_sweep(connection, &patience);
    }
}
