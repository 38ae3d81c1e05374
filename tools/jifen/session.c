// Connections and calls over net/client.h.
// Fails: a malformed address, a host without an address, no io_uring, a TLS file that cannot be
// read; calls end with a status, which becomes a sentence and an exit code in one place.
#include "tools/jifen/session.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/limits.h"
#include "jifen/v1/common.pb-c.h"
#include "net/client.h"
#include "tools/jifen/decimal.h"
#include "tools/jifen/json.h"
#include "tools/jifen/rpc_details.h"

#define JF_SESSION_RING_ENTRIES    1024u
#define JF_SESSION_ARENA_CHUNK     (256u << 10)
#define JF_SESSION_ARENA_MAX       (256u << 20) // batch and list answers, decoded
#define JF_SESSION_CALL_TIMEOUT_US 60000000u
#define JF_SESSION_TURN_US         100000u
#define JF_HOST_SIZE               256u

// One call under way. Kept in a list for reuse, with its buffer.
struct pending {
    struct jf_session *session;
    jf_session_done done;
    jf_session_message on_message; // streams
    const ProtobufCMessageDescriptor *response;
    void *context;
    unsigned char *bytes;
    uint32_t size;
    uint32_t capacity;
    bool has_message;
    bool has_failed; // no memory, or bytes that are no message
    bool is_cancelled;
    struct jf_client_call *call; // while it is under way
    struct pending *next_free;
    struct pending *next_all;
};

struct jf_session {
    const struct jf_cli *cli;
    struct jf_ring ring;
    struct jf_clients *clients;
    struct jf_client *connections[JF_SESSION_CONNECTIONS_MAX];
    uint32_t connection_count;
    struct jf_arena arena;
    ProtobufCAllocator allocator;
    bool (*is_over)(void); // of streams; NULL: never
    struct pending *free_pendings;
    struct pending *all_pendings; // also those of calls that never ended
};

static void *arena_take(void *context, size_t size)
{
    return jf_arena_alloc(context, size);
}

static void arena_give(void *context, void *bytes)
{
    (void)context;
    (void)bytes; // all at once, by reset
}

// Parts "HOST:PORT" or "[IPv6]:PORT".
static bool address_part(const char *address, char out_host[JF_HOST_SIZE], uint16_t *out_port)
{
    const char *colon = strrchr(address, ':');
    uint64_t port = 0;
    if (colon == NULL || colon == address ||
        jf_decimal_parse_whole(jf_text_from(colon + 1), &port) != JF_OK || port == 0 ||
        port > UINT16_MAX) {
        return false;
    }
    const char *first = address;
    const char *end = colon;
    if (*first == '[' && end[-1] == ']') {
        first++;
        end--;
    }
    size_t size = (size_t)(end - first);
    if (size == 0 || size >= JF_HOST_SIZE) {
        return false;
    }
    memcpy(out_host, first, size);
    out_host[size] = '\0';
    *out_port = (uint16_t)port;
    return true;
}

// A host name becomes its first numeric address.
static enum jf_exit host_resolve(const char *host, char out_numeric[JF_HOST_SIZE])
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int code = getaddrinfo(host, NULL, &hints, &found);
    if (code == 0) {
        code = getnameinfo(found->ai_addr, found->ai_addrlen, out_numeric, JF_HOST_SIZE, NULL, 0,
                           NI_NUMERICHOST);
        freeaddrinfo(found);
    }
    if (code != 0) {
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "the host \"%s\" has no address: %s", host,
                           gai_strerror(code));
    }
    return JF_EXIT_OK;
}

static enum jf_error connections_open(struct jf_session *session,
                                      const struct jf_client_config *config, uint32_t count,
                                      struct jf_diagnosis *diagnosis)
{
    enum jf_error error = jf_ring_init(&session->ring, JF_SESSION_RING_ENTRIES, diagnosis);
    if (error == JF_OK) {
        error = jf_clients_create(&session->ring, &session->clients, diagnosis);
    }
    while (error == JF_OK && session->connection_count < count) {
        struct jf_client **slot = &session->connections[session->connection_count];
        error = jf_client_open(session->clients, config, slot, diagnosis);
        session->connection_count += error == JF_OK;
    }
    return error;
}

enum jf_exit jf_session_open(const struct jf_cli *cli, uint32_t connections,
                             struct jf_session **out_session)
{
    JF_ASSERT(connections >= 1);
    JF_ASSERT(connections <= JF_SESSION_CONNECTIONS_MAX);
    char host[JF_HOST_SIZE];
    char numeric[JF_HOST_SIZE];
    struct jf_client_config config = {.address = numeric,
                                      .tls_authority_path = cli->tls_ca,
                                      .tls_server_name = cli->tls_server_name};
    if (!address_part(cli->address, host, &config.port)) {
        return jf_cli_fail(JF_EXIT_USAGE, "the address \"%s\" is not HOST:PORT", cli->address);
    }
    enum jf_exit code = host_resolve(host, numeric);
    struct jf_session *session = code == JF_EXIT_OK ? calloc(1, sizeof(*session)) : NULL;
    if (session == NULL) {
        return code == JF_EXIT_OK ? jf_cli_fail(JF_EXIT_UNAVAILABLE, "out of memory") : code;
    }
    config.tls_server_name = config.tls_server_name == NULL ? host : config.tls_server_name;
    session->cli = cli;
    jf_arena_init(&session->arena, JF_SESSION_ARENA_CHUNK, JF_SESSION_ARENA_MAX);
    session->allocator = (ProtobufCAllocator){arena_take, arena_give, &session->arena};
    struct jf_diagnosis diagnosis = {0};
    if (connections_open(session, &config, connections, &diagnosis) != JF_OK) {
        jf_session_close(session);
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "%s", diagnosis.text);
    }
    *out_session = session;
    return JF_EXIT_OK;
}

void jf_session_close(struct jf_session *session)
{
    if (session == NULL) {
        return;
    }
    jf_clients_destroy(session->clients);
    jf_ring_deinit(&session->ring);
    jf_arena_deinit(&session->arena);
    while (session->all_pendings != NULL) {
        struct pending *pending = session->all_pendings;
        session->all_pendings = pending->next_all;
        free(pending->bytes);
        free(pending);
    }
    free(session);
}

void jf_session_turn(struct jf_session *session, uint64_t timeout_us)
{
    jf_clients_turn(session->clients, timeout_us);
}

const ProtobufCMessage *jf_session_decode(struct jf_session *session,
                                          const ProtobufCMessageDescriptor *descriptor,
                                          struct jf_text bytes)
{
    return protobuf_c_message_unpack(descriptor, &session->allocator, bytes.size,
                                     (const uint8_t *)bytes.data);
}

void jf_session_forget(struct jf_session *session)
{
    jf_arena_reset(&session->arena);
}

static void message_keep(struct pending *pending, const unsigned char *bytes, uint32_t size)
{
    if (size > pending->capacity) {
        unsigned char *grown = realloc(pending->bytes, size);
        if (grown == NULL) {
            pending->has_failed = true;
            return;
        }
        pending->bytes = grown;
        pending->capacity = size;
    }
    if (size > 0) {
        memcpy(pending->bytes, bytes, size);
    }
    pending->size = size;
    pending->has_message = true;
}

static void call_on_message(void *context, struct jf_client_call *call, const unsigned char *bytes,
                            uint32_t size)
{
    struct pending *pending = context;
    if (pending->on_message == NULL) {
        message_keep(pending, bytes, size);
        return;
    }
    if (pending->is_cancelled || pending->has_failed) {
        return;
    }
    struct jf_text text = {(const char *)bytes, size};
    const ProtobufCMessage *message = jf_session_decode(pending->session, pending->response, text);
    pending->has_failed = message == NULL;
    pending->is_cancelled = message != NULL && !pending->on_message(pending->context, message);
    jf_session_forget(pending->session);
    if (pending->is_cancelled || pending->has_failed) {
        jf_client_call_cancel(call);
    }
}

static void call_on_done(void *context, struct jf_client_call *call,
                         const struct jf_client_result *result)
{
    (void)call;
    struct pending *pending = context;
    struct jf_session *session = pending->session;
    JF_ASSERT(session != NULL);
    pending->call = NULL;
    struct jf_reply reply = {.status = result->status,
                             .bytes = {(const char *)pending->bytes, pending->size},
                             .message = result->message,
                             .details = result->details,
                             .retry_after_ms = result->retry_after_ms};
    bool is_unary = pending->on_message == NULL;
    if (pending->is_cancelled) {
        reply.status = JF_STATUS_OK;
    } else if (pending->has_failed ||
               (is_unary && reply.status == JF_STATUS_OK && !pending->has_message)) {
        reply.status = JF_STATUS_INTERNAL;
        reply.message = JF_TEXT("the answer cannot be read");
    }
    pending->done(pending->context, &reply);
    pending->next_free = session->free_pendings;
    session->free_pendings = pending;
}

static const struct jf_client_events call_events = {call_on_message, call_on_done};

static struct pending *pending_take(struct jf_session *session)
{
    JF_ASSERT(session != NULL);
    struct pending *pending = session->free_pendings;
    if (pending == NULL) {
        pending = calloc(1, sizeof(*pending));
        if (pending != NULL) {
            pending->session = session;
            pending->next_all = session->all_pendings;
            session->all_pendings = pending;
        }
        return pending;
    }
    session->free_pendings = pending->next_free;
    *pending = (struct pending){.session = session,
                                .bytes = pending->bytes,
                                .capacity = pending->capacity,
                                .next_all = pending->next_all};
    return pending;
}

// Returns: false when the call could not be started; then the pending is back in the list.
static bool call_start(struct pending *pending, uint32_t connection, const char *path,
                       struct jf_text request, uint64_t timeout_us)
{
    struct jf_session *session = pending->session;
    JF_ASSERT(session != NULL);
    struct jf_client *client = session->connections[connection % session->connection_count];
    unsigned char *room = NULL;
    struct jf_client_call *call = NULL;
    if (request.size <= JF_MESSAGE_BYTES_MAX) {
        call = jf_client_call_start(client, jf_text_from(path), &call_events, pending, timeout_us);
    }
    if (call == NULL) {
        pending->next_free = session->free_pendings;
        session->free_pendings = pending;
        return false;
    }
    pending->call = call;
    room = jf_client_call_send(call, request.size);
    if (room == NULL) {
        jf_client_call_cancel(call); // ends it through on_done
        return true;
    }
    if (request.size > 0) {
        memcpy(room, request.data, request.size);
    }
    jf_client_call_half_close(call);
    return true;
}

bool jf_session_start(struct jf_session *session, uint32_t connection, const char *path,
                      struct jf_text request, jf_session_done done, void *context)
{
    struct pending *pending = pending_take(session);
    if (pending == NULL) {
        return false;
    }
    pending->done = done;
    pending->context = context;
    return call_start(pending, connection, path, request, JF_SESSION_CALL_TIMEOUT_US);
}

enum jf_exit jf_session_exit_of(enum jf_status status)
{
    switch (status) {
    case JF_STATUS_OK:
        return JF_EXIT_OK;
    case JF_STATUS_INVALID_ARGUMENT:
    case JF_STATUS_NOT_FOUND:
    case JF_STATUS_ALREADY_EXISTS:
    case JF_STATUS_PERMISSION_DENIED:
    case JF_STATUS_FAILED_PRECONDITION:
    case JF_STATUS_ABORTED:
    case JF_STATUS_OUT_OF_RANGE:
    case JF_STATUS_UNIMPLEMENTED:
        return JF_EXIT_REFUSED;
    case JF_STATUS_DATA_LOSS:
        return JF_EXIT_BROKEN;
    default:
        return JF_EXIT_UNAVAILABLE;
    }
}

static void explain_json(struct jf_session *session, const struct jf_reply *reply)
{
    struct jf_json json = {.out = stdout};
    struct jf_text bytes;
    jf_json_object_begin(&json, NULL);
    jf_json_object_begin(&json, "error");
    jf_json_unsigned(&json, "status", (uint64_t)reply->status);
    jf_json_text(&json, "message", reply->message);
    const ProtobufCMessage *refusal = NULL;
    if (jf_rpc_details_find_refusal(reply->details, &bytes)) {
        refusal = jf_session_decode(session, &jifen__v1__refusal__descriptor, bytes);
    }
    if (refusal != NULL) {
        jf_json_message(&json, "refusal", refusal);
    }
    jf_json_object_end(&json);
    jf_json_object_end(&json);
    jf_json_end_line(&json);
}

enum jf_exit jf_session_explain(struct jf_session *session, const struct jf_reply *reply)
{
    enum jf_exit code = jf_session_exit_of(reply->status);
    int size = (int)reply->message.size;
    const char *text = size == 0 ? "no reason was given" : reply->message.data;
    size = size == 0 ? (int)strlen(text) : size;
    if (session->cli->is_json) {
        explain_json(session, reply);
    }
    if (code == JF_EXIT_REFUSED) {
        return jf_cli_fail(code, "refused: %.*s", size, text);
    }
    if (reply->status == JF_STATUS_UNAVAILABLE) {
        return jf_cli_fail(code,
                           "no ledger answers at %s (%.*s).\nIs it running? Start it with: jifen "
                           "serve --data DIR; or name another with --address HOST:PORT.",
                           session->cli->address, size, text);
    }
    return jf_cli_fail(code, "the ledger could not answer (status %d): %.*s", (int)reply->status,
                       size, text);
}

struct waiting {
    struct jf_session *session;
    const ProtobufCMessageDescriptor *response;
    const ProtobufCMessage *message;
    enum jf_exit code;
    bool is_done;
};

static void waiting_done(void *context, const struct jf_reply *reply)
{
    struct waiting *waiting = context;
    waiting->is_done = true;
    if (reply->status != JF_STATUS_OK) {
        waiting->code = jf_session_explain(waiting->session, reply);
        return;
    }
    if (waiting->response == NULL) { // a stream: its messages were handed over already
        return;
    }
    waiting->message = jf_session_decode(waiting->session, waiting->response, reply->bytes);
    if (waiting->message == NULL) {
        waiting->code = jf_cli_fail(JF_EXIT_UNAVAILABLE, "the ledger's answer cannot be read");
    }
}

// Cancels a stream that its owner has had enough of, also where no message comes.
static void over_check(struct pending *pending)
{
    bool (*is_over)(void) = pending->session->is_over;
    bool is_stream = pending->on_message != NULL;
    if (is_stream && is_over != NULL && pending->call != NULL && !pending->is_cancelled &&
        is_over()) {
        pending->is_cancelled = true;
        jf_client_call_cancel(pending->call);
    }
}

static enum jf_exit wait_out(struct waiting *waiting, struct pending *pending, const char *path,
                             const ProtobufCMessage *request, uint64_t timeout_us)
{
    struct jf_session *session = waiting->session;
    size_t size = protobuf_c_message_get_packed_size(request);
    unsigned char *bytes = size > JF_MESSAGE_BYTES_MAX ? NULL : malloc(size + 1);
    if (pending == NULL || bytes == NULL) {
        if (pending != NULL) {
            pending->next_free = session->free_pendings;
            session->free_pendings = pending;
        }
        free(bytes);
        return jf_cli_fail(JF_EXIT_USAGE, "the request is larger than 4 MiB, or memory is out");
    }
    (void)protobuf_c_message_pack(request, bytes);
    struct jf_text text = {(const char *)bytes, (uint32_t)size};
    bool is_started = call_start(pending, 0, path, text, timeout_us);
    free(bytes);
    if (!is_started) {
        const char *reason = jf_client_failure(session->connections[0]);
        struct jf_reply reply = {.status = JF_STATUS_UNAVAILABLE,
                                 .message = jf_text_from(reason == NULL ? "" : reason)};
        return jf_session_explain(session, &reply);
    }
    while (!waiting->is_done) {
        jf_session_turn(session, JF_SESSION_TURN_US);
        over_check(pending);
    }
    return waiting->code;
}

enum jf_exit jf_session_call(struct jf_session *session, const char *path,
                             const ProtobufCMessage *request,
                             const ProtobufCMessageDescriptor *response,
                             const ProtobufCMessage **out_response)
{
    struct waiting waiting = {.session = session, .response = response, .code = JF_EXIT_OK};
    struct pending *pending = pending_take(session);
    jf_session_forget(session);
    if (pending != NULL) {
        pending->done = waiting_done;
        pending->context = &waiting;
    }
    enum jf_exit code = wait_out(&waiting, pending, path, request, JF_SESSION_CALL_TIMEOUT_US);
    if (code == JF_EXIT_OK) {
        *out_response = waiting.message;
    }
    return code;
}

struct streaming {
    struct waiting waiting; // first: waiting_done casts to it
    const struct jf_session_stream *stream;
};

static bool streaming_message(void *context, const ProtobufCMessage *message)
{
    struct streaming *streaming = context;
    return streaming->stream->on_message(streaming->stream->context, message);
}

enum jf_exit jf_session_stream(struct jf_session *session, const struct jf_session_stream *stream)
{
    struct streaming streaming = {.waiting = {.session = session, .code = JF_EXIT_OK},
                                  .stream = stream};
    struct pending *pending = pending_take(session);
    jf_session_forget(session);
    if (pending != NULL) {
        pending->done = waiting_done;
        pending->on_message = streaming_message;
        pending->response = stream->response;
        pending->context = &streaming;
    }
    return wait_out(&streaming.waiting, pending, stream->path, stream->request, 0);
}

void jf_session_set_over(struct jf_session *session, bool (*is_over)(void))
{
    session->is_over = is_over;
}

enum jf_exit jf_session_ask(const struct jf_cli *cli, const struct jf_session_ask *ask)
{
    struct jf_session *session = NULL;
    const ProtobufCMessage *response = NULL;
    enum jf_exit code = jf_session_open(cli, 1, &session);
    if (code == JF_EXIT_OK) {
        code = jf_session_call(session, ask->path, ask->request, ask->response, &response);
    }
    if (code == JF_EXIT_OK && cli->is_json) {
        struct jf_json json = {.out = stdout};
        jf_json_message(&json, NULL, response);
        jf_json_end_line(&json);
    } else if (code == JF_EXIT_OK) {
        code = ask->show(response);
    }
    jf_session_close(session);
    return jf_cli_finish(code);
}
