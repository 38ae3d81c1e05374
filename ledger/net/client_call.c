// A call is reported exactly once, by on_done, and freed when nghttp2 no longer knows its stream:
// the two may be apart when our own clock or a cancel ends it first. Failures: a connection that
// fails ends its calls with UNAVAILABLE and the reason; an answer without a gRPC status is
// translated from the HTTP status or the reset code.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "net/client_local.h"

static ssize_t request_read(nghttp2_session *h2, int32_t stream_id, uint8_t *bytes, size_t length,
                            uint32_t *data_flags, nghttp2_data_source *source, void *user_data)
{
    (void)h2;
    (void)stream_id;
    (void)bytes;
    (void)user_data;
    return jf_outbox_read(source->ptr, length, data_flags);
}

static struct jf_client_call *call_new(struct jf_clients *clients)
{
    struct jf_client_call *call = clients->free_calls;
    if (call == NULL) {
        return calloc(1, sizeof *call);
    }
    clients->free_calls = call->next;
    clients->free_call_count -= 1;
    struct jf_buffer outbox = call->outbox.buffer;
    struct jf_buffer inbox = call->inbox.buffer;
    memset(call, 0, sizeof *call);
    call->outbox.buffer = outbox;
    call->inbox.buffer = inbox;
    return call;
}

static void call_clear(struct jf_client_call *call, uint32_t kept_bytes)
{
    jf_buffer_clear(&call->outbox.buffer, kept_bytes, NULL);
    jf_buffer_clear(&call->inbox.buffer, kept_bytes, NULL);
    jf_buffer_clear(&call->message, 0, NULL);
    jf_buffer_clear(&call->details, 0, NULL);
}

static void call_free(struct jf_clients *clients, struct jf_client_call *call)
{
    bool is_kept = clients->free_call_count < JF_CLIENT_CALLS_KEPT;
#if defined(__SANITIZE_ADDRESS__)
    is_kept = false; // so that a use after on_done is seen
#endif
    call_clear(call, is_kept ? JF_BUFFER_KEPT_BYTES : 0);
    if (!is_kept) {
        free(call);
        return;
    }
    call->next = clients->free_calls;
    clients->free_calls = call;
    clients->free_call_count += 1;
}

void jf_client_call_free_all(struct jf_clients *clients)
{
    while (clients->free_calls != NULL) {
        struct jf_client_call *call = clients->free_calls;
        clients->free_calls = call->next;
        call_clear(call, 0);
        free(call);
    }
}

static void list_join(struct jf_client *client, struct jf_client_call *call)
{
    call->next = client->calls;
    if (client->calls != NULL) {
        client->calls->previous = call;
    }
    client->calls = call;
    client->call_count += 1;
}

static void list_leave(struct jf_client_call *call)
{
    if (call->previous != NULL) {
        call->previous->next = call->next;
    } else {
        call->client->calls = call->next;
    }
    if (call->next != NULL) {
        call->next->previous = call->previous;
    }
}

#define REQUEST_HEADERS_MAX 9u

static nghttp2_nv header_copied(const char *name, const char *value, size_t size)
{
    return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name), size,
                        NGHTTP2_NV_FLAG_NO_COPY_NAME};
}

static int32_t request_submit(struct jf_client_call *call, struct jf_text path, uint64_t timeout_us)
{
    struct jf_client *client = call->client;
    static const nghttp2_nv fixed[] = {
        JF_SESSION_HEADER(":method", "POST"),
        JF_SESSION_HEADER(":scheme", "http"),
        JF_SESSION_HEADER("te", "trailers"),
        JF_SESSION_HEADER("content-type", "application/grpc"),
        JF_SESSION_HEADER("user-agent", "jifen/" JF_VERSION),
    };
    static const nghttp2_nv scheme_tls = JF_SESSION_HEADER(":scheme", "https");
    nghttp2_nv headers[REQUEST_HEADERS_MAX];
    size_t count = 0;
    headers[count++] = fixed[0];
    headers[count++] = client->session.link.tls == NULL ? fixed[1] : scheme_tls;
    headers[count++] = header_copied(":path", path.data, path.size);
    headers[count++] = header_copied(":authority", client->authority, strlen(client->authority));
    headers[count++] = fixed[2];
    headers[count++] = fixed[3];
    headers[count++] = fixed[4];
    char timeout[JF_GRPC_TIMEOUT_TEXT_BYTES];
    if (timeout_us > 0) {
        uint32_t size = jf_grpc_timeout_format(timeout_us, timeout);
        headers[count++] = header_copied("grpc-timeout", timeout, size);
    }
    JF_ASSERT(count <= REQUEST_HEADERS_MAX);
    nghttp2_data_provider provider = {.source.ptr = call, .read_callback = request_read};
    return nghttp2_submit_request(client->session.h2, NULL, headers, count, &provider, call);
}

struct jf_client_call *jf_client_call_start(struct jf_client *client, struct jf_text path,
                                            const struct jf_client_events *events, void *context,
                                            uint64_t timeout_us)
{
    if (jf_client_failure(client) != NULL || client->session.is_broken) {
        return NULL;
    }
    struct jf_clients *clients = client->clients;
    struct jf_client_call *call = call_new(clients);
    if (call == NULL) {
        return NULL;
    }
    call->client = client;
    call->events = events;
    call->context = context;
    call->grpc_status = -1;
    call->inbox.message_bytes_max = 4 * JF_MESSAGE_BYTES_MAX;
    call->deadline_us = timeout_us == 0 ? 0 : jf_hub_clock_us() + timeout_us;
    call->outbox.session = &client->session;
    call->outbox.stream_id = request_submit(call, path, timeout_us);
    if (call->outbox.stream_id < 0) {
        call_free(clients, call);
        return NULL;
    }
    list_join(client, call);
    jf_link_touch(&client->session.link);
    return call;
}

unsigned char *jf_client_call_send(struct jf_client_call *call, uint32_t size)
{
    JF_ASSERT(!call->is_reported);
    unsigned char *bytes = jf_outbox_message(&call->outbox, size, NULL);
    if (bytes != NULL) {
        jf_outbox_go_on(&call->outbox);
    }
    return bytes;
}

void jf_client_call_half_close(struct jf_client_call *call)
{
    JF_ASSERT(!call->is_reported);
    call->outbox.is_ended = true;
    jf_outbox_go_on(&call->outbox);
}

uint64_t jf_client_call_unsent_bytes(const struct jf_client_call *call)
{
    return jf_buffer_size(&call->outbox.buffer);
}

void *jf_client_call_context(const struct jf_client_call *call)
{
    return call->context;
}

static uint32_t number_parse(struct jf_text text, uint32_t otherwise)
{
    uint32_t value = 0;
    if (text.size == 0 || text.size > 9) {
        return otherwise;
    }
    for (uint32_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return otherwise;
        }
        value = value * 10 + (uint32_t)(text.data[i] - '0');
    }
    return value;
}

// Texts that are too long are left out; the status still arrives.
static void text_note(struct jf_buffer *buffer, struct jf_text value)
{
    jf_buffer_clear(buffer, 0, NULL);
    if (value.size <= JF_CLIENT_TEXT_BYTES_MAX) {
        (void)jf_buffer_append(buffer, value.data, value.size, JF_CLIENT_TEXT_BYTES_MAX, NULL);
    }
}

void jf_client_call_header(struct jf_client_call *call, struct jf_text name, struct jf_text value)
{
    if (jf_text_equal(name, JF_TEXT("grpc-status"))) {
        uint32_t status = number_parse(value, JF_STATUS_UNKNOWN);
        call->grpc_status = (int32_t)(status <= 16 ? status : JF_STATUS_UNKNOWN);
    } else if (jf_text_equal(name, JF_TEXT("grpc-message"))) {
        text_note(&call->message, value);
    } else if (jf_text_equal(name, JF_TEXT("grpc-status-details-bin"))) {
        text_note(&call->details, value);
    } else if (jf_text_equal(name, JF_TEXT("grpc-retry-pushback-ms"))) {
        call->retry_after_ms = number_parse(value, 0);
    } else if (jf_text_equal(name, JF_TEXT(":status"))) {
        call->http_status = number_parse(value, 0);
    }
}

static void report(struct jf_client_call *call, const struct jf_client_result *result)
{
    if (call->is_reported) {
        return;
    }
    call->is_reported = true;
    call->client->call_count -= 1;
    if (!call->client->clients->is_destroying) {
        call->events->on_done(call->context, call, result);
    }
}

static void report_text(struct jf_client_call *call, enum jf_status status, const char *text)
{
    const struct jf_client_result result = {.status = status, .message = jf_text_from(text)};
    report(call, &result);
}

void jf_client_call_abort(struct jf_client_call *call, enum jf_status status, const char *text)
{
    if (call->is_reported) {
        return;
    }
    struct jf_client *client = call->client;
    if (client->session.h2 != NULL) {
        nghttp2_submit_rst_stream(client->session.h2, NGHTTP2_FLAG_NONE, call->outbox.stream_id,
                                  NGHTTP2_CANCEL);
        jf_link_touch(&client->session.link);
    }
    report_text(call, status, text);
}

void jf_client_call_cancel(struct jf_client_call *call)
{
    jf_client_call_abort(call, JF_STATUS_CANCELLED, "cancelled");
}

static const char *inbox_failure(enum jf_inbox_event event)
{
    switch (event) {
    case JF_INBOX_TOO_LARGE:
        return "the response message is larger than the bound of 16 MiB";
    case JF_INBOX_NO_MEMORY:
        return "out of memory for the response message";
    default:
        return "malformed gRPC framing in the response";
    }
}

void jf_client_call_data(struct jf_client_call *call, struct jf_span bytes)
{
    while (!call->is_reported && bytes.size > 0) {
        struct jf_span message;
        enum jf_inbox_event event = jf_inbox_next(&call->inbox, &bytes, &message);
        if (event == JF_INBOX_MORE) {
            return;
        }
        if (event != JF_INBOX_MESSAGE) {
            jf_client_call_abort(call, JF_STATUS_RESOURCE_EXHAUSTED, inbox_failure(event));
            return;
        }
        if (call->events->on_message != NULL) {
            call->events->on_message(call->context, call, message.bytes, message.size);
        }
    }
}

// https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
static enum jf_status status_of_http(uint32_t http_status)
{
    switch (http_status) {
    case 400:
        return JF_STATUS_INTERNAL;
    case 401:
        return JF_STATUS_UNAUTHENTICATED;
    case 403:
        return JF_STATUS_PERMISSION_DENIED;
    case 404:
        return JF_STATUS_UNIMPLEMENTED;
    case 429:
    case 502:
    case 503:
    case 504:
        return JF_STATUS_UNAVAILABLE;
    default:
        return JF_STATUS_UNKNOWN;
    }
}

static void report_without_status(struct jf_client_call *call, uint32_t http2_error)
{
    char text[96];
    if (call->http_status != 0 && call->http_status != 200) {
        snprintf(text, sizeof text, "the server answered with HTTP status %u", call->http_status);
        report_text(call, status_of_http(call->http_status), text);
        return;
    }
    snprintf(text, sizeof text, "the server reset the stream (%s)",
             nghttp2_http2_strerror(http2_error));
    enum jf_status status = http2_error == NGHTTP2_CANCEL ? JF_STATUS_CANCELLED
                            : http2_error == NGHTTP2_ENHANCE_YOUR_CALM
                                ? JF_STATUS_RESOURCE_EXHAUSTED
                            : http2_error == NGHTTP2_REFUSED_STREAM ? JF_STATUS_UNAVAILABLE
                                                                    : JF_STATUS_INTERNAL;
    report_text(call, status, text);
}

// Decodes in place: decoded text is never longer.
static void report_status(struct jf_client_call *call)
{
    struct jf_client_result result = {.status = (enum jf_status)call->grpc_status,
                                      .retry_after_ms = call->retry_after_ms};
    uint32_t size = jf_buffer_size(&call->message);
    if (size > 0) {
        char *text = (char *)jf_buffer_front(&call->message);
        result.message =
            (struct jf_text){text, jf_grpc_percent_decode((struct jf_text){text, size}, text)};
    }
    size = jf_buffer_size(&call->details);
    if (size > 0) {
        char *text = (char *)jf_buffer_front(&call->details);
        uint32_t decoded_size = 0;
        if (jf_grpc_base64_decode((struct jf_text){text, size}, (unsigned char *)text,
                                  &decoded_size)) {
            result.details = (struct jf_text){text, decoded_size};
        }
    }
    report(call, &result);
}

void jf_client_call_stream_closed(struct jf_client_call *call, uint32_t http2_error)
{
    if (call->grpc_status < 0) {
        report_without_status(call, http2_error);
    } else if (call->grpc_status == JF_STATUS_OK && !jf_inbox_is_empty(&call->inbox)) {
        report_text(call, JF_STATUS_INTERNAL, "the response ended in the middle of a message");
    } else {
        report_status(call);
    }
    list_leave(call);
    call_free(call->client->clients, call);
}

void jf_client_call_lost(struct jf_client_call *call, const char *text)
{
    call->outbox.session = NULL;
    report_text(call, JF_STATUS_UNAVAILABLE, text);
    list_leave(call);
    call_free(call->client->clients, call);
}
