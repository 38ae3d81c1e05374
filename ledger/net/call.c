// A call is needed by two: its stream and the handler it was handed to. Whoever lets go last frees
// it. The stream lets go in jf_call_stream_closed; the handler in jf_call_finish. Between them the
// answer goes out: response headers with the first message, DATA from the outbox, trailers with the
// status; or the trailers alone. Failures: no memory for a message is told to the handler by NULL;
// no memory for nghttp2 closes the connection, which makes all its calls gone.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "net/grpc.h"
#include "net/server.h"

#define TRAILERS_MAX 8u

static const nghttp2_nv response_headers[] = {
    JF_SESSION_HEADER(":status", "200"),
    JF_SESSION_HEADER("content-type", "application/grpc"),
    JF_SESSION_HEADER("grpc-accept-encoding", "identity"),
};

static const char *const status_texts[] = {"0", "1",  "2",  "3",  "4",  "5",  "6",  "7", "8",
                                           "9", "10", "11", "12", "13", "14", "15", "16"};

#define STATUSES (sizeof status_texts / sizeof status_texts[0])

static nghttp2_nv header_make(const char *name, const char *value, uint32_t value_size)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
                        value_size, NGHTTP2_NV_FLAG_NO_COPY_NAME};
}

// In: retry_text has room for 12 bytes and outlives the use. Returns: the number of headers.
static size_t trailers_make(const struct jf_call *call, char *retry_text, nghttp2_nv *headers)
{
    JF_ASSERT((unsigned)call->status < STATUSES);
    const char *status = status_texts[call->status];
    size_t count = 0;
    headers[count] = header_make("grpc-status", status, (uint32_t)strlen(status));
    headers[count++].flags |= NGHTTP2_NV_FLAG_NO_COPY_VALUE;
    if (call->message.size > 0) {
        headers[count] = header_make("grpc-message", call->message.data, call->message.size);
        headers[count++].flags |= NGHTTP2_NV_FLAG_NO_INDEX;
    }
    if (call->details.size > 0) {
        headers[count] =
            header_make("grpc-status-details-bin", call->details.data, call->details.size);
        headers[count++].flags |= NGHTTP2_NV_FLAG_NO_INDEX;
    }
    if (call->retry_after_ms > 0) {
        int size = snprintf(retry_text, 12, "%u", call->retry_after_ms);
        headers[count++] = header_make("grpc-retry-pushback-ms", retry_text, (uint32_t)size);
    }
    return count;
}

static void submitted(struct jf_call *call, int code)
{
    if (code != 0) {
        jf_link_close(&call->connection->session.link, "out of memory");
        return;
    }
    jf_link_touch(&call->connection->session.link);
}

static ssize_t response_read(nghttp2_session *h2, int32_t stream_id, uint8_t *bytes, size_t length,
                             uint32_t *data_flags, nghttp2_data_source *source, void *user_data)
{
    (void)bytes;
    (void)user_data;
    struct jf_call *call = source->ptr;
    ssize_t size = jf_outbox_read(&call->outbox, length, data_flags);
    if (size >= 0 && (*data_flags & NGHTTP2_DATA_FLAG_EOF) != 0) {
        *data_flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        nghttp2_nv headers[TRAILERS_MAX];
        char retry_text[12];
        size_t count = trailers_make(call, retry_text, headers);
        if (nghttp2_submit_trailer(h2, stream_id, headers, count) != 0) {
            return NGHTTP2_ERR_CALLBACK_FAILURE;
        }
    }
    return size;
}

static void response_start(struct jf_call *call)
{
    if (call->is_started) {
        jf_outbox_go_on(&call->outbox);
        return;
    }
    call->is_started = true;
    nghttp2_data_provider provider = {.source.ptr = call, .read_callback = response_read};
    submitted(call, nghttp2_submit_response(call->connection->session.h2, call->outbox.stream_id,
                                            response_headers, 2, &provider));
}

static void trailers_only(struct jf_call *call)
{
    nghttp2_nv headers[TRAILERS_MAX];
    char retry_text[12];
    memcpy(headers, response_headers, sizeof response_headers);
    size_t count = 3;
    count += trailers_make(call, retry_text, headers + count);
    JF_ASSERT(count <= TRAILERS_MAX);
    call->is_started = true;
    submitted(call, nghttp2_submit_response(call->connection->session.h2, call->outbox.stream_id,
                                            headers, count, NULL));
}

static void message_set(struct jf_call *call, struct jf_text text)
{
    struct jf_text cut = jf_grpc_cut(text, JF_NET_MESSAGE_TEXT_MAX);
    call->message = (struct jf_text){NULL, 0};
    char *encoded = cut.size == 0 ? NULL : jf_arena_alloc(&call->arena, (size_t)cut.size * 3);
    if (encoded != NULL) {
        call->message = (struct jf_text){encoded, jf_grpc_percent_encode(cut, encoded)};
    }
}

// Details too large for a client's header limit are left out: the status and its text still arrive.
static void details_set(struct jf_call *call, struct jf_text bytes)
{
    call->details = (struct jf_text){NULL, 0};
    if (bytes.size == 0 || bytes.size > JF_NET_DETAILS_BYTES_MAX) {
        return;
    }
    char *encoded = jf_arena_alloc(&call->arena, ((size_t)bytes.size + 2) / 3 * 4);
    if (encoded != NULL) {
        call->details = (struct jf_text){encoded, jf_grpc_base64_encode(bytes, encoded)};
    }
}

// What the trailers need goes into a fresh arena when the old one is large: the stream may stay
// until its client has room for the answer, and a request taken apart weighs many times what it
// weighed.
static void trailers_keep(struct jf_call *call, struct jf_text message, struct jf_text details)
{
    struct jf_arena old = {0};
    if (call->arena.held_bytes > JF_NET_ARENA_KEPT_BYTES) {
        old = call->arena;
        jf_arena_init(&call->arena, JF_NET_CALL_ARENA_BYTES, JF_NET_CALL_ARENA_BYTES_MAX);
    }
    message_set(call, message);
    details_set(call, details);
    jf_arena_deinit(&old);
}

static void answer(struct jf_call *call)
{
    JF_ASSERT(!call->is_answered);
    JF_ASSERT(call->connection != NULL);
    call->is_answered = true;
    call->outbox.is_ended = true;
    if (!call->is_started && jf_buffer_size(&call->outbox.buffer) == 0) {
        trailers_only(call);
    } else {
        response_start(call);
    }
}

struct jf_call *jf_call_open(struct jf_connection *connection, int32_t stream_id)
{
    struct jf_net *net = connection->net;
    if (net->call_count >= JF_NET_CALLS_MAX ||
        (net->call_count >= JF_NET_CALLS_SHARED && connection->call_count >= net->calls_ensured)) {
        return NULL;
    }
    struct jf_call *call = net->free_calls;
    if (call != NULL) {
        net->free_calls = call->next;
        net->free_call_count -= 1;
    } else {
        call = calloc(1, sizeof *call);
        if (call == NULL) {
            return NULL;
        }
        jf_arena_init(&call->arena, JF_NET_CALL_ARENA_BYTES, JF_NET_CALL_ARENA_BYTES_MAX);
    }
    call->net = net;
    call->connection = connection;
    call->outbox.session = &connection->session;
    call->outbox.stream_id = stream_id;
    call->inbox.message_bytes_max = JF_MESSAGE_BYTES_MAX;
    call->inbox.budget = &connection->received;
    call->is_done = true;
    call->waiting_us = net->hub.now_us;
    call->previous = NULL;
    call->next = connection->calls;
    if (connection->calls != NULL) {
        connection->calls->previous = call;
    }
    connection->calls = call;
    connection->call_count += 1;
    net->call_count += 1;
    net->counters.calls_started += 1;
    return call;
}

static void warm_keep(struct jf_call *call)
{
    struct jf_net *net = call->net;
    if (call->arena.held_bytes > JF_NET_ARENA_KEPT_BYTES) {
        jf_arena_deinit(&call->arena);
        jf_arena_init(&call->arena, JF_NET_CALL_ARENA_BYTES, JF_NET_CALL_ARENA_BYTES_MAX);
    }
    struct jf_arena arena = call->arena;
    struct jf_buffer outbox = call->outbox.buffer;
    struct jf_buffer inbox = call->inbox.buffer;
    memset(call, 0, sizeof *call);
    call->arena = arena;
    call->outbox.buffer = outbox;
    call->inbox.buffer = inbox;
    call->next = net->free_calls;
    net->free_calls = call;
    net->free_call_count += 1;
}

static void orphans_leave(struct jf_call *call)
{
    if (!call->is_orphan) {
        return;
    }
    if (call->previous != NULL) {
        call->previous->next = call->next;
    } else {
        call->net->orphans = call->next;
    }
    if (call->next != NULL) {
        call->next->previous = call->previous;
    }
}

// The handler still has it: kept where jf_net_destroy finds it.
static void orphans_join(struct jf_call *call)
{
    call->is_orphan = true;
    call->previous = NULL;
    call->next = call->net->orphans;
    if (call->next != NULL) {
        call->next->previous = call;
    }
    call->net->orphans = call;
}

static void call_release(struct jf_call *call)
{
    orphans_leave(call);
    JF_ASSERT(call->is_done);
    JF_ASSERT(call->connection == NULL);
    struct jf_net *net = call->net;
    JF_ASSERT(net->call_count > 0);
    net->call_count -= 1;
    bool is_kept = net->free_call_count < JF_NET_CALLS_KEPT;
#if defined(__SANITIZE_ADDRESS__)
    is_kept = false; // so that a use after the finish is seen
#endif
    uint32_t kept_bytes = is_kept ? JF_BUFFER_KEPT_BYTES : 0;
    jf_buffer_clear(&call->outbox.buffer, kept_bytes, &net->unsent);
    jf_buffer_clear(&call->inbox.buffer, kept_bytes, NULL);
    jf_arena_reset(&call->arena);
    if (is_kept) {
        warm_keep(call);
    } else {
        jf_arena_deinit(&call->arena);
        free(call);
    }
}

void jf_call_free_all(struct jf_net *net)
{
    while (net->free_calls != NULL) {
        struct jf_call *call = net->free_calls;
        net->free_calls = call->next;
        jf_buffer_clear(&call->outbox.buffer, 0, NULL);
        jf_buffer_clear(&call->inbox.buffer, 0, NULL);
        jf_arena_deinit(&call->arena);
        free(call);
    }
    net->free_call_count = 0;
}

void jf_call_release_orphans(struct jf_net *net)
{
    struct jf_call *next = NULL;
    for (struct jf_call *call = net->orphans; call != NULL; call = next) {
        next = call->next;
        call->is_orphan = false;
        call->is_done = true;
        call_release(call);
    }
    net->orphans = NULL;
}

static void connection_leave(struct jf_call *call)
{
    struct jf_connection *connection = call->connection;
    if (call->previous != NULL) {
        call->previous->next = call->next;
    } else {
        connection->calls = call->next;
    }
    if (call->next != NULL) {
        call->next->previous = call->previous;
    }
    connection->call_count -= 1;
    call->connection = NULL;
    call->outbox.session = NULL;
}

static void resumed_leave(struct jf_call *call)
{
    struct jf_call **at = &call->net->resumed;
    while (call->is_resumed_listed && *at != NULL) {
        if (*at == call) {
            *at = call->next_resumed;
            call->is_resumed_listed = false;
            return;
        }
        at = &(*at)->next_resumed;
    }
}

void jf_call_stream_closed(struct jf_call *call)
{
    struct jf_connection *connection = call->connection;
    jf_inbox_clear(&call->inbox);
    jf_buffer_clear(&call->held, 0, &connection->received);
    jf_buffer_clear(&call->outbox.buffer, JF_BUFFER_KEPT_BYTES, &connection->unsent);
    resumed_leave(call);
    connection_leave(call);
    bool was_gone = call->is_gone;
    call->is_gone = true;
    if (call->is_done) {
        call_release(call);
        return;
    }
    orphans_join(call);
    if (!was_gone && !call->net->is_destroying) {
        call->net->handler.on_gone(call->net->handler.context, call);
    }
}

static void refused(struct jf_call *call)
{
    jf_inbox_clear(&call->inbox);
    jf_buffer_clear(&call->held, 0, &call->connection->received);
    call->waiting_us = 0;
    if (call->is_handed && !call->is_done && !call->is_gone) {
        call->is_gone = true;
        call->net->handler.on_gone(call->net->handler.context, call);
    }
}

void jf_call_refuse(struct jf_call *call, enum jf_status status, const char *format, ...)
{
    if (call->is_answered) {
        return;
    }
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    message_set(call, jf_text_from(text));
    call->status = status;
    answer(call);
    refused(call);
}

void jf_call_refuse_http(struct jf_call *call, const char *http_status, const char *text)
{
    JF_ASSERT(!call->is_answered);
    call->status = JF_STATUS_INTERNAL;
    message_set(call, jf_text_from(text));
    nghttp2_nv headers[TRAILERS_MAX];
    char retry_text[12];
    headers[0] = header_make(":status", http_status, (uint32_t)strlen(http_status));
    headers[1] = response_headers[1];
    size_t count = 2 + trailers_make(call, retry_text, headers + 2);
    call->is_answered = true;
    call->is_started = true;
    call->outbox.is_ended = true;
    submitted(call, nghttp2_submit_response(call->connection->session.h2, call->outbox.stream_id,
                                            headers, count, NULL));
    refused(call);
}

uint32_t jf_call_tag(const struct jf_call *call)
{
    return call->method->tag;
}

struct jf_arena *jf_call_arena(struct jf_call *call)
{
    return &call->arena;
}

void *jf_call_context(const struct jf_call *call)
{
    return call->context;
}

void jf_call_set_context(struct jf_call *call, void *context)
{
    call->context = context;
}

bool jf_call_is_gone(const struct jf_call *call)
{
    return call->is_gone;
}

uint64_t jf_call_deadline_us(const struct jf_call *call)
{
    return call->deadline_us;
}

// Room that is written and never sent. A call without a stream reuses its outbox, charged to all
// connections together; while the stream is there, the outbox belongs to the answer that net has
// given.
static unsigned char *dropped_message(struct jf_call *call, uint32_t size)
{
    if (call->connection != NULL) {
        return jf_arena_alloc(&call->arena, size);
    }
    jf_buffer_clear(&call->outbox.buffer, JF_BUFFER_KEPT_BYTES, &call->net->unsent);
    call->outbox.is_ended = false; // it ended with net's answer, if net gave one
    return jf_outbox_message(&call->outbox, size, &call->net->unsent);
}

unsigned char *jf_call_send(struct jf_call *call, uint32_t size)
{
    JF_ASSERT(!call->is_done);
    if (call->is_gone) {
        return dropped_message(call, size); // net may have answered it
    }
    JF_ASSERT(call->method->is_server_stream || !call->is_started);
    unsigned char *bytes = jf_outbox_message(&call->outbox, size, &call->connection->unsent);
    if (bytes != NULL) {
        response_start(call);
    }
    return bytes;
}

uint64_t jf_call_unsent_bytes(const struct jf_call *call)
{
    if (call->is_gone) {
        return 0;
    }
    return jf_buffer_size(&call->outbox.buffer) +
           (uint64_t)jf_link_unsent_bytes(&call->connection->session.link);
}

void jf_call_pause(struct jf_call *call)
{
    JF_ASSERT(call->method->is_client_stream);
    resumed_leave(call);
    call->is_paused = true;
}

// The messages that were held come with the next turn, never from within this call.
void jf_call_resume(struct jf_call *call)
{
    if (!call->is_paused || call->is_resumed_listed) {
        return;
    }
    if (call->is_gone) {
        call->is_paused = false;
        return;
    }
    call->is_resumed_listed = true;
    call->next_resumed = call->net->resumed;
    call->net->resumed = call;
}

void jf_call_finish(struct jf_call *call, enum jf_status status, struct jf_text message,
                    struct jf_text details, uint32_t retry_after_ms)
{
    JF_ASSERT(call->is_handed);
    JF_ASSERT(!call->is_done);
    call->is_done = true;
    resumed_leave(call);
    if (call->connection == NULL) {
        call_release(call);
        return;
    }
    if (call->is_answered) {
        return; // net has answered; the stream's end frees it
    }
    trailers_keep(call, message, details);
    call->status = status;
    call->retry_after_ms = retry_after_ms;
    call->waiting_us = 0; // the inbox stays: finish may run while the handler still reads a message
    answer(call);
}
