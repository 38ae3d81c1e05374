// nghttp2's callbacks of a server connection: they find the call and pass on what came. Output
// stays silent until the client's preface is right, so that a foreign protocol never sees HTTP/2
// bytes. Failures: a client that speaks HTTP/1.1 is told so in HTTP/1.1; a protocol error ends with
// nghttp2's GOAWAY; floods of frames that ask for work and bring nothing end with
// ENHANCE_YOUR_CALM, and what still comes is not read any more; in each case the calls become gone
// when the link is reaped.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "net/grpc.h"
#include "net/server.h"

#define FRAME_HEADER_BYTES 9
#define ACKS_MAX           100u
#define SETTINGS_MAX       16u // entries of one frame; there are fewer that mean anything
#define CONTINUATIONS_MAX  8u
// Resets: a till may cancel now and then, a gateway's time-outs come in bursts.
#define RESETS_BURST      1000u
#define RESETS_PER_SECOND 100u

static const char http1_answer[] =
    "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\n"
    "Content-Length: 65\r\n\r\n"
    "This port speaks gRPC over HTTP/2. Use a gRPC client or grpcurl.\n";

static uint32_t frame_cost(const nghttp2_frame_hd *header)
{
    bool is_last = (header->flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (header->type) {
    case NGHTTP2_SETTINGS:
        return JF_CALM_COST_SETTINGS;
    case NGHTTP2_DATA: // too small to be of use, unless it is the last
        return header->length < JF_GRPC_PREFIX_BYTES && !is_last ? JF_CALM_COST_FRAME : 0;
    default:
        return JF_CALM_COST_FRAME;
    }
}

static int on_begin_frame(nghttp2_session *h2, const nghttp2_frame_hd *header, void *user_data)
{
    (void)h2;
    struct jf_connection *connection = user_data;
    connection->session.is_silent = false;
    connection->skipped_bytes -= (int64_t)(FRAME_HEADER_BYTES + header->length);
    if (header->type == NGHTTP2_DATA) {
        connection->data_left = (uint32_t)header->length;
    }
    // Priorities mean nothing here, and nghttp2 skips them; without a stream they are an error.
    if (header->type == NGHTTP2_PRIORITY && header->stream_id == 0) {
        jf_connection_terminate(connection, NGHTTP2_PROTOCOL_ERROR);
    }
    jf_calm_spend(&connection->calm, frame_cost(header));
    return jf_calm_is_spent(&connection->calm) ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

static int on_begin_headers(nghttp2_session *h2, const nghttp2_frame *frame, void *user_data)
{
    struct jf_connection *connection = user_data;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
        return 0;
    }
    struct jf_call *call = jf_call_open(connection, frame->hd.stream_id);
    if (call == NULL) {
        nghttp2_submit_rst_stream(h2, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                  NGHTTP2_REFUSED_STREAM);
        return 0;
    }
    nghttp2_session_set_stream_user_data(h2, frame->hd.stream_id, call);
    return 0;
}

static int on_header(nghttp2_session *h2, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                     void *user_data)
{
    (void)flags;
    (void)user_data;
    struct jf_call *call = nghttp2_session_get_stream_user_data(h2, frame->hd.stream_id);
    if (call == NULL) {
        return 0;
    }
    call->header_bytes += (uint32_t)(name_size + value_size + 32);
    if (call->header_bytes > JF_NET_HEADER_BYTES_CUT) {
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    if (call->header_bytes <= JF_NET_HEADER_BYTES_MAX) {
        jf_request_header(call, (struct jf_text){(const char *)name, (uint32_t)name_size},
                          (struct jf_text){(const char *)value, (uint32_t)value_size});
    }
    return 0;
}

static void headers_end(struct jf_call *call)
{
    if (call->header_bytes > JF_NET_HEADER_BYTES_MAX) {
        jf_call_refuse(call, JF_STATUS_RESOURCE_EXHAUSTED,
                       "the request's headers are larger than the bound of %u bytes",
                       JF_NET_HEADER_BYTES_MAX);
    }
    jf_request_headers_end(call);
}

static int on_frame_recv(nghttp2_session *h2, const nghttp2_frame *frame, void *user_data)
{
    struct jf_connection *connection = user_data;
    if (frame->hd.type == NGHTTP2_SETTINGS) {
        connection->is_settled = true;
        return 0;
    }
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA) {
        return 0;
    }
    struct jf_call *call = nghttp2_session_get_stream_user_data(h2, frame->hd.stream_id);
    if (call == NULL) {
        return 0;
    }
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        headers_end(call);
    }
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        jf_request_half_close(call);
    }
    return 0;
}

static int on_data_chunk(nghttp2_session *h2, uint8_t flags, int32_t stream_id,
                         const uint8_t *bytes, size_t size, void *user_data)
{
    struct jf_connection *connection = user_data;
    JF_ASSERT(connection->data_left >= size);
    connection->data_left -= (uint32_t)size;
    nghttp2_session_consume_connection(h2, size);
    struct jf_call *call = nghttp2_session_get_stream_user_data(h2, stream_id);
    if (call == NULL) {
        nghttp2_session_consume_stream(h2, stream_id, size);
        return 0;
    }
    bool is_last = (flags & NGHTTP2_FLAG_END_STREAM) != 0 && connection->data_left == 0;
    jf_request_data(call, (struct jf_span){bytes, (uint32_t)size}, is_last);
    return 0;
}

static int on_stream_close(nghttp2_session *h2, int32_t stream_id, uint32_t error_code,
                           void *user_data)
{
    struct jf_connection *connection = user_data;
    if (error_code == NGHTTP2_NO_ERROR) {
        jf_calm_earn(&connection->calm, JF_CALM_EARNED_CALL);
    }
    struct jf_call *call = nghttp2_session_get_stream_user_data(h2, stream_id);
    if (call != NULL) {
        nghttp2_session_set_stream_user_data(h2, stream_id, NULL);
        jf_call_stream_closed(call);
    }
    return 0;
}

// An answer that came before the request's end: the client need not send the rest.
static void headers_sent(nghttp2_session *h2, const nghttp2_frame *frame)
{
    if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) {
        return;
    }
    struct jf_call *call = nghttp2_session_get_stream_user_data(h2, frame->hd.stream_id);
    if (call != NULL && !call->is_half_closed) {
        nghttp2_submit_rst_stream(h2, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
    }
}

static void data_sent(nghttp2_session *h2, const nghttp2_frame *frame, struct jf_calm *calm)
{
    const struct jf_call *call = nghttp2_session_get_stream_user_data(h2, frame->hd.stream_id);
    if (frame->hd.length >= JF_CALM_DATA_BYTES_MIN ||
        (call != NULL && jf_buffer_size(&call->outbox.buffer) == 0)) {
        jf_calm_earn(calm, JF_CALM_EARNED_DATA);
    }
}

static void reset_sent(const nghttp2_frame *frame, struct jf_calm *calm)
{
    switch (frame->rst_stream.error_code) {
    case NGHTTP2_NO_ERROR:
        break;
    case NGHTTP2_REFUSED_STREAM:
        jf_calm_spend(calm, JF_CALM_COST_FRAME);
        break;
    default:
        jf_calm_spend(calm, JF_CALM_COST_STREAM_ERROR);
        break;
    }
}

static int on_frame_send(nghttp2_session *h2, const nghttp2_frame *frame, void *user_data)
{
    struct jf_connection *connection = user_data;
    if (frame->hd.type == NGHTTP2_HEADERS) {
        headers_sent(h2, frame);
    } else if (frame->hd.type == NGHTTP2_DATA) {
        data_sent(h2, frame, &connection->calm);
    } else if (frame->hd.type == NGHTTP2_RST_STREAM) {
        reset_sent(frame, &connection->calm);
    }
    return 0;
}

static int on_invalid_frame(nghttp2_session *h2, const nghttp2_frame *frame, int error,
                            void *user_data)
{
    (void)h2;
    (void)frame;
    (void)error;
    struct jf_connection *connection = user_data;
    connection->net->counters.protocol_errors += 1;
    return 0;
}

// After a right preface something else than SETTINGS came: nghttp2 ends the session before any
// frame begins, and the client, who does speak HTTP/2, may be told.
static int on_error(nghttp2_session *h2, int code, const char *text, size_t text_size,
                    void *user_data)
{
    (void)h2;
    (void)text;
    (void)text_size;
    struct jf_connection *connection = user_data;
    if (code == NGHTTP2_ERR_SETTINGS_EXPECTED) {
        connection->net->counters.protocol_errors += 1;
        connection->session.is_silent = false;
    }
    return 0;
}

bool jf_connection_callbacks_init(struct jf_net *net)
{
    if (nghttp2_session_callbacks_new(&net->callbacks) != 0 ||
        nghttp2_option_new(&net->options) != 0) {
        return false;
    }
    nghttp2_session_callbacks *callbacks = net->callbacks;
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
    nghttp2_session_callbacks_set_error_callback2(callbacks, on_error);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, jf_session_send_data);
    nghttp2_option_set_no_auto_window_update(net->options, 1);
    nghttp2_option_set_no_closed_streams(net->options, 1);
    nghttp2_option_set_max_outbound_ack(net->options, ACKS_MAX);
    nghttp2_option_set_max_settings(net->options, SETTINGS_MAX);
    nghttp2_option_set_max_continuations(net->options, CONTINUATIONS_MAX);
    nghttp2_option_set_stream_reset_rate_limit(net->options, RESETS_BURST, RESETS_PER_SECOND);
    return true;
}

static void on_open(struct jf_link *link)
{
    (void)link; // nghttp2 has queued SETTINGS already; they leave once the client has greeted
}

// Another protocol: one that is known is told in its own words.
static void foreign_answer(struct jf_connection *connection, unsigned char first)
{
    struct jf_link *link = &connection->session.link;
    connection->session.is_silent = true;
    if (first >= 'A' && first <= 'Z') {
        (void)jf_link_put(link, http1_answer, sizeof http1_answer - 1);
    }
    jf_link_finish(link);
}

static void skipped_spend(struct jf_connection *connection, uint32_t size)
{
    connection->skipped_bytes += size;
    if (connection->skipped_bytes >= JF_CALM_SKIPPED_BYTES) {
        jf_calm_spend(&connection->calm,
                      (uint32_t)(connection->skipped_bytes / JF_CALM_SKIPPED_BYTES));
        connection->skipped_bytes %= JF_CALM_SKIPPED_BYTES;
    }
}

static void on_bytes(struct jf_link *link, const unsigned char *bytes, uint32_t size)
{
    struct jf_connection *connection = (struct jf_connection *)(void *)link;
    int code = jf_session_receive(&connection->session, bytes, size);
    skipped_spend(connection, size);
    if (code == 0 && jf_calm_is_spent(&connection->calm)) {
        code = NGHTTP2_ERR_FLOODED;
    }
    switch (code) {
    case 0:
        break;
    case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
        connection->net->counters.protocol_errors += 1;
        foreign_answer(connection, bytes[0]);
        break;
    case NGHTTP2_ERR_CALLBACK_FAILURE: // ours: too much of something
    case NGHTTP2_ERR_FLOODED:
        connection->net->counters.connections_cut += 1;
        jf_connection_terminate(connection, NGHTTP2_ENHANCE_YOUR_CALM);
        connection->session.is_broken = true;
        jf_link_deafen(link);
        break;
    default:
        connection->net->counters.protocol_errors += 1;
        jf_link_close(link, nghttp2_strerror(code));
        break;
    }
}

static void on_flush(struct jf_link *link)
{
    struct jf_connection *connection = (struct jf_connection *)(void *)link;
    jf_session_flush(&connection->session);
}

static void list_leave(struct jf_connection *connection)
{
    if (connection->previous != NULL) {
        connection->previous->next = connection->next;
    } else {
        connection->net->connections = connection->next;
    }
    if (connection->next != NULL) {
        connection->next->previous = connection->previous;
    }
    connection->net->connection_count -= 1;
}

static void on_reaped(struct jf_link *link)
{
    struct jf_connection *connection = (struct jf_connection *)(void *)link;
    // nghttp2 does not close streams when a session is deleted: the calls are told here.
    connection->session.is_silent = true;
    while (connection->calls != NULL) {
        jf_call_stream_closed(connection->calls);
    }
    jf_session_deinit(&connection->session);
    list_leave(connection);
    JF_ASSERT(connection->received.used_bytes == 0);
    JF_ASSERT(connection->unsent.used_bytes == 0);
    free(connection);
}

static const struct jf_link_events link_events = {on_open, on_bytes, on_flush, on_reaped};

static bool session_start(struct jf_connection *connection)
{
    struct jf_net *net = connection->net;
    struct jf_session *session = &connection->session;
    if (nghttp2_session_server_new3(&session->h2, net->callbacks, connection, net->options,
                                    &net->hub.pool.memory) != 0) {
        return false;
    }
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, net->config.streams_per_connection_max},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, JF_NET_STREAM_WINDOW_BYTES},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, JF_NET_HEADER_BYTES_MAX},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    session->is_silent = true;
    return nghttp2_submit_settings(session->h2, NGHTTP2_FLAG_NONE, settings,
                                   sizeof settings / sizeof settings[0]) == 0 &&
           nghttp2_session_set_local_window_size(session->h2, NGHTTP2_FLAG_NONE, 0,
                                                 JF_NET_CONNECTION_WINDOW_BYTES) == 0;
}

struct jf_connection *jf_connection_open(struct jf_net *net, int fd)
{
    struct jf_connection *connection = calloc(1, sizeof *connection);
    struct jf_tls *tls = net->tls == NULL ? NULL : jf_tls_open(net->tls, NULL);
    if (connection == NULL || (net->tls != NULL && tls == NULL)) {
        goto failed;
    }
    connection->net = net;
    connection->opened_us = net->hub.now_us;
    jf_calm_init(&connection->calm);
    connection->received = (struct jf_budget){0, JF_NET_CONNECTION_BYTES_MAX, &net->received};
    connection->unsent = (struct jf_budget){0, JF_NET_CONNECTION_BYTES_MAX, &net->unsent};
    if (!session_start(connection)) {
        jf_session_deinit(&connection->session);
        goto failed;
    }
    connection->next = net->connections;
    if (net->connections != NULL) {
        net->connections->previous = connection;
    }
    net->connections = connection;
    net->connection_count += 1;
    jf_link_init(&connection->session.link, &net->hub, &link_events, fd, tls);
    jf_link_start(&connection->session.link);
    return connection;

failed:
    jf_tls_close(tls);
    free(connection);
    close(fd);
    return NULL;
}

void jf_connection_terminate(struct jf_connection *connection, uint32_t http2_error)
{
    if (connection->session.is_silent) {
        jf_link_finish(&connection->session.link);
        return;
    }
    if (nghttp2_session_terminate_session(connection->session.h2, http2_error) != 0) {
        jf_link_close(&connection->session.link, "out of memory");
        return;
    }
    jf_link_touch(&connection->session.link);
}

void jf_connection_drain(struct jf_connection *connection)
{
    if (connection->is_draining) {
        return;
    }
    connection->is_draining = true;
    if (connection->session.is_silent) {
        jf_link_finish(&connection->session.link);
        return;
    }
    if (nghttp2_submit_shutdown_notice(connection->session.h2) != 0) {
        jf_link_close(&connection->session.link, "out of memory");
        return;
    }
    jf_link_touch(&connection->session.link);
}
