// Headers are noted as they come and judged once, in the order of jf_request_headers_end. A unary
// request is handed over when its stream is half-closed with one whole message: at once, without a
// copy, when it came in one piece. Messages of client streams are handed over as they become whole,
// or held while paused. Failures: each ends the call with the status that the gRPC specification
// names for it; the handler never sees a request that broke the protocol.
#include <string.h>

#include "base/assert.h"
#include "base/hash.h"
#include "net/grpc.h"
#include "net/server.h"

const struct jf_net_method *jf_request_method_find(const struct jf_net *net, struct jf_text path)
{
    uint64_t hash = jf_hash64(path.data, path.size);
    for (uint32_t at = (uint32_t)hash & net->path_mask; net->paths[at].method != NULL;
         at = (at + 1) & net->path_mask) {
        const struct jf_net_method *method = net->paths[at].method;
        if (net->paths[at].hash == hash && jf_text_equal(jf_text_from(method->path), path)) {
            return method;
        }
    }
    return NULL;
}

static void path_note(struct jf_call *call, struct jf_text value)
{
    call->method = jf_request_method_find(call->net, value);
    if (call->method == NULL) {
        bool ok = true;
        call->unknown_path =
            jf_arena_copy_text(&call->arena, jf_grpc_cut(value, JF_NET_PATH_BYTES_MAX), &ok);
    }
}

static void timeout_note(struct jf_call *call, struct jf_text value)
{
    uint64_t timeout_us = 0;
    if (jf_grpc_timeout_parse(value, &timeout_us)) {
        call->deadline_us = call->net->hub.now_us + timeout_us;
    } else {
        call->has_bad_timeout = true;
    }
}

void jf_request_header(struct jf_call *call, struct jf_text name, struct jf_text value)
{
    if (call->is_requested) {
        return; // trailers of a request mean nothing in gRPC
    }
    switch (name.size) {
    case 5:
        if (jf_text_equal(name, JF_TEXT(":path"))) {
            path_note(call, value);
        }
        break;
    case 7:
        if (jf_text_equal(name, JF_TEXT(":method"))) {
            call->is_post = jf_text_equal(value, JF_TEXT("POST"));
        }
        break;
    case 12:
        if (jf_text_equal(name, JF_TEXT("content-type"))) {
            call->is_grpc = jf_grpc_content_type_is_valid(value);
        } else if (jf_text_equal(name, JF_TEXT("grpc-timeout"))) {
            timeout_note(call, value);
        }
        break;
    default:
        break;
    }
}

void jf_request_headers_end(struct jf_call *call)
{
    call->is_requested = true;
    if (call->is_answered) {
        return;
    }
    if (!call->is_post) {
        jf_call_refuse_http(call, "405", "gRPC calls are POST requests");
    } else if (!call->is_grpc) {
        jf_call_refuse_http(call, "415",
                            "the content-type must be application/grpc or application/grpc+proto");
    } else if (call->net->is_draining) {
        jf_call_refuse(call, JF_STATUS_UNAVAILABLE,
                       "the server is shutting down: send the call again to one that is up");
    } else if (call->method == NULL) {
        jf_call_refuse(call, JF_STATUS_UNIMPLEMENTED, "unknown method %.*s",
                       (int)call->unknown_path.size,
                       call->unknown_path.size == 0 ? "" : call->unknown_path.data);
    } else if (call->has_bad_timeout) {
        jf_call_refuse(call, JF_STATUS_INVALID_ARGUMENT,
                       "grpc-timeout is malformed: 1 to 8 digits and one of H M S m u n");
    } else if (call->method->is_client_stream) {
        call->waiting_us = 0;
    }
}

static void event_refuse(struct jf_call *call, enum jf_inbox_event event)
{
    switch (event) {
    case JF_INBOX_EXTRA:
        jf_call_refuse(call, JF_STATUS_INTERNAL, "%s takes one request message; more than one came",
                       call->method->path);
        break;
    case JF_INBOX_TOO_LARGE:
        jf_call_refuse(call, JF_STATUS_RESOURCE_EXHAUSTED,
                       "the request message is larger than the bound of %u bytes: split it",
                       JF_MESSAGE_BYTES_MAX);
        break;
    case JF_INBOX_COMPRESSED:
        jf_call_refuse(call, JF_STATUS_UNIMPLEMENTED,
                       "compressed messages are not supported: send identity");
        break;
    case JF_INBOX_NO_MEMORY:
        jf_call_refuse(call, JF_STATUS_RESOURCE_EXHAUSTED,
                       "too many request bytes are waiting to be complete: send fewer at a time");
        break;
    case JF_INBOX_MALFORMED:
    case JF_INBOX_MORE:
    case JF_INBOX_MESSAGE:
        jf_call_refuse(call, JF_STATUS_INTERNAL,
                       "malformed gRPC framing: the compressed flag is neither 0 nor 1");
        break;
    }
}

static void hand_over(struct jf_call *call, struct jf_span message)
{
    struct jf_net *net = call->net;
    if (!call->is_handed) {
        call->is_handed = true;
        call->is_done = false;
    }
    net->handler.on_message(net->handler.context, call, message.bytes, message.size);
}

static bool is_taking(const struct jf_call *call)
{
    bool is_finished = call->is_handed && call->is_done;
    return !call->is_answered && !is_finished && !call->is_gone;
}

static void unary_data(struct jf_call *call, struct jf_span bytes, bool is_last)
{
    struct jf_span message;
    if (is_last && jf_inbox_is_whole(&call->inbox, bytes, &message)) {
        call->is_half_closed = true;
        call->waiting_us = 0;
        hand_over(call, message);
        return;
    }
    enum jf_inbox_event event = jf_inbox_collect(&call->inbox, bytes);
    if (event != JF_INBOX_MORE && event != JF_INBOX_MESSAGE) {
        event_refuse(call, event);
    }
}

static void hold(struct jf_call *call, struct jf_span bytes)
{
    uint32_t held = jf_buffer_size(&call->held);
    if (!jf_buffer_append(&call->held, bytes.bytes, bytes.size, held + bytes.size,
                          &call->connection->received)) {
        event_refuse(call, JF_INBOX_NO_MEMORY);
    }
}

// Hands over whole messages. Returns: bytes of the input that were not taken because of a pause.
static uint32_t stream_take(struct jf_call *call, struct jf_span *input)
{
    for (;;) {
        if (!is_taking(call)) {
            return 0;
        }
        if (call->is_paused) {
            return input->size;
        }
        struct jf_span message;
        enum jf_inbox_event event = jf_inbox_next(&call->inbox, input, &message);
        if (event == JF_INBOX_MORE) {
            return 0;
        }
        if (event != JF_INBOX_MESSAGE) {
            event_refuse(call, event);
            return 0;
        }
        hand_over(call, message);
    }
}

static void waiting_note(struct jf_call *call)
{
    if (!is_taking(call) || call->is_paused || jf_inbox_is_empty(&call->inbox)) {
        call->waiting_us = 0;
    } else if (call->waiting_us == 0) {
        call->waiting_us = call->net->hub.now_us;
    }
}

// A stream's credit comes back when its bytes were taken, a connection's as soon as they are here.
static void credit(struct jf_call *call, uint32_t size)
{
    if (size > 0) {
        nghttp2_session_consume_stream(call->connection->session.h2, call->outbox.stream_id, size);
    }
}

void jf_request_data(struct jf_call *call, struct jf_span bytes, bool is_last)
{
    uint32_t kept = 0;
    if (!call->is_requested || !is_taking(call)) {
        credit(call, bytes.size);
        return;
    }
    uint32_t size = bytes.size;
    if (!call->method->is_client_stream) {
        unary_data(call, bytes, is_last);
    } else {
        kept = stream_take(call, &bytes);
        if (kept > 0) {
            hold(call, bytes);
        }
        waiting_note(call);
    }
    credit(call, size - kept);
}

static void stream_half_close(struct jf_call *call)
{
    struct jf_net *net = call->net;
    if (!jf_inbox_is_empty(&call->inbox)) {
        jf_call_refuse(call, JF_STATUS_INTERNAL, "the request ended in the middle of a message");
        return;
    }
    if (!call->is_handed) {
        call->is_handed = true;
        call->is_done = false;
    }
    net->handler.on_half_close(net->handler.context, call);
}

static void unary_half_close(struct jf_call *call)
{
    struct jf_inbox *inbox = &call->inbox;
    uint32_t held = jf_buffer_size(&inbox->buffer);
    if (held == 0) {
        jf_call_refuse(call, JF_STATUS_INTERNAL, "%s takes one request message; none came",
                       call->method->path);
    } else if (held < JF_GRPC_PREFIX_BYTES ||
               held - JF_GRPC_PREFIX_BYTES !=
                   jf_grpc_prefix_size(jf_buffer_front(&inbox->buffer))) {
        jf_call_refuse(call, JF_STATUS_INTERNAL, "the request ended in the middle of a message");
    } else {
        call->waiting_us = 0;
        hand_over(call, jf_inbox_message(inbox));
        jf_inbox_clear(inbox); // its bytes have died, and the call may last
    }
}

void jf_request_half_close(struct jf_call *call)
{
    if (call->is_half_closed) {
        return;
    }
    call->is_half_closed = true;
    if (!is_taking(call)) {
        return;
    }
    if (!call->method->is_client_stream) {
        unary_half_close(call);
    } else if (!call->is_paused) {
        stream_half_close(call);
    }
}

void jf_request_resumed(struct jf_call *call)
{
    JF_ASSERT(call->connection != NULL);
    call->is_paused = false;
    struct jf_buffer held = call->held;
    call->held = (struct jf_buffer){0};
    struct jf_connection *connection = call->connection;
    uint32_t size = jf_buffer_size(&held);
    struct jf_span input = {held.bytes == NULL ? NULL : jf_buffer_front(&held), size};
    uint32_t kept = size > 0 ? stream_take(call, &input) : 0;
    if (kept > 0) {
        hold(call, input);
    }
    credit(call, size - kept);
    jf_buffer_clear(&held, 0, &connection->received);
    waiting_note(call);
    if (is_taking(call) && !call->is_paused && call->is_half_closed) {
        stream_half_close(call);
    }
    jf_link_touch(&connection->session.link);
}
