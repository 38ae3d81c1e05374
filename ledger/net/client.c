// A connection starts connecting when it is opened; calls started meanwhile wait in nghttp2. A turn
// sends, waits, hands out what came, ends calls whose time has passed, and sends again. Failures: a
// connection that breaks keeps the reason, ends its calls with UNAVAILABLE and waits to be closed.
#include "net/client.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "net/client_local.h"

static int on_header(nghttp2_session *h2, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_size, const uint8_t *value, size_t value_size, uint8_t flags,
                     void *user_data)
{
    (void)flags;
    (void)user_data;
    struct jf_client_call *call = nghttp2_session_get_stream_user_data(h2, frame->hd.stream_id);
    if (call != NULL) {
        jf_client_call_header(call, (struct jf_text){(const char *)name, (uint32_t)name_size},
                              (struct jf_text){(const char *)value, (uint32_t)value_size});
    }
    return 0;
}

static int on_data_chunk(nghttp2_session *h2, uint8_t flags, int32_t stream_id,
                         const uint8_t *bytes, size_t size, void *user_data)
{
    (void)flags;
    (void)user_data;
    struct jf_client_call *call = nghttp2_session_get_stream_user_data(h2, stream_id);
    if (call != NULL && call->http_status == 200) {
        jf_client_call_data(call, (struct jf_span){bytes, (uint32_t)size});
    }
    return 0;
}

static int on_stream_close(nghttp2_session *h2, int32_t stream_id, uint32_t error_code,
                           void *user_data)
{
    (void)user_data;
    struct jf_client_call *call = nghttp2_session_get_stream_user_data(h2, stream_id);
    if (call != NULL) {
        nghttp2_session_set_stream_user_data(h2, stream_id, NULL);
        jf_client_call_stream_closed(call, error_code);
    }
    return 0;
}

// A request that never left (GOAWAY came first, or it was cancelled) has no stream to close.
static int on_frame_not_send(nghttp2_session *h2, const nghttp2_frame *frame, int error,
                             void *user_data)
{
    (void)h2;
    (void)error;
    struct jf_client *client = user_data;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) {
        return 0;
    }
    for (struct jf_client_call *call = client->calls; call != NULL; call = call->next) {
        if (call->outbox.stream_id == frame->hd.stream_id) {
            nghttp2_session_set_stream_user_data(h2, frame->hd.stream_id, NULL);
            jf_client_call_lost(call, "the server is shutting down: connect again");
            return 0;
        }
    }
    return 0;
}

static bool callbacks_init(struct jf_clients *clients)
{
    if (nghttp2_session_callbacks_new(&clients->callbacks) != 0 ||
        nghttp2_option_new(&clients->options) != 0) {
        return false;
    }
    nghttp2_session_callbacks *callbacks = clients->callbacks;
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_frame_not_send);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, jf_session_send_data);
    nghttp2_option_set_no_closed_streams(clients->options, 1);
    return true;
}

static void on_open(struct jf_link *link)
{
    jf_link_touch(link); // SETTINGS and the first requests are queued already
}

static void on_bytes(struct jf_link *link, const unsigned char *bytes, uint32_t size)
{
    struct jf_client *client = (struct jf_client *)(void *)link;
    int code = jf_session_receive(&client->session, bytes, size);
    if (code != 0) {
        jf_link_close(link, nghttp2_strerror(code));
    }
}

static void on_flush(struct jf_link *link)
{
    struct jf_client *client = (struct jf_client *)(void *)link;
    jf_session_flush(&client->session);
}

static void client_free(struct jf_client *client)
{
    if (client->previous != NULL) {
        client->previous->next = client->next;
    } else {
        client->clients->list = client->next;
    }
    if (client->next != NULL) {
        client->next->previous = client->previous;
    }
    free(client);
}

static void failure_set(struct jf_client *client, const char *reason)
{
    if (client->failure[0] == 0) {
        bool is_tls = client->session.link.tls != NULL && strcmp(reason, "TLS failed") == 0;
        snprintf(client->failure, sizeof client->failure, "%s: %s%s%s", client->authority, reason,
                 is_tls ? ": " : "", is_tls ? jf_tls_failure() : "");
    }
}

static void on_reaped(struct jf_link *link)
{
    struct jf_client *client = (struct jf_client *)(void *)link;
    failure_set(client, link->failure == NULL ? "the connection is closed" : link->failure);
    client->is_dead = true;
    bool was_released = client->is_released;
    client->is_released = false; // a callback may close the client: it must outlive this loop
    while (client->calls != NULL) {
        jf_client_call_lost(client->calls, client->failure);
    }
    jf_session_deinit(&client->session);
    if (was_released || client->is_released || client->clients->is_destroying) {
        client_free(client);
    }
}

static const struct jf_link_events link_events = {on_open, on_bytes, on_flush, on_reaped};

enum jf_error jf_clients_create(struct jf_ring *ring, struct jf_clients **out_clients,
                                struct jf_diagnosis *diagnosis)
{
    struct jf_clients *clients = calloc(1, sizeof *clients);
    if (clients == NULL || !callbacks_init(clients)) {
        if (clients != NULL) {
            nghttp2_session_callbacks_del(clients->callbacks);
            nghttp2_option_del(clients->options);
        }
        free(clients);
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "network: no memory for a client");
    }
    enum jf_error error = jf_hub_init(&clients->hub, ring, diagnosis);
    if (error != JF_OK) {
        nghttp2_session_callbacks_del(clients->callbacks);
        nghttp2_option_del(clients->options);
        free(clients);
        return error;
    }
    *out_clients = clients;
    return JF_OK;
}

void jf_clients_destroy(struct jf_clients *clients)
{
    if (clients == NULL) {
        return;
    }
    clients->is_destroying = true;
    struct jf_client *next = NULL;
    for (struct jf_client *client = clients->list; client != NULL; client = next) {
        next = client->next;
        if (client->is_dead) {
            client_free(client);
        } else {
            jf_link_close(&client->session.link, NULL);
        }
    }
    jf_hub_deinit(&clients->hub);
    jf_client_call_free_all(clients);
    nghttp2_session_callbacks_del(clients->callbacks);
    nghttp2_option_del(clients->options);
    free(clients);
}

// An ended call is taken from the list only by later turns, so that the walk is safe unless the
// callback cancels others: those stay in the list too.
static void deadlines_sweep(struct jf_client *client)
{
    for (struct jf_client_call *call = client->calls; call != NULL; call = call->next) {
        if (call->deadline_us != 0 && !call->is_reported &&
            client->clients->hub.now_us >= call->deadline_us) {
            jf_client_call_abort(call, JF_STATUS_DEADLINE_EXCEEDED,
                                 "the server did not answer in time");
        }
    }
}

void jf_clients_turn(struct jf_clients *clients, uint64_t timeout_us)
{
    jf_hub_flush(&clients->hub);
    uint64_t wait_us = timeout_us < JF_CLIENT_SWEEP_US ? timeout_us : JF_CLIENT_SWEEP_US;
    jf_hub_wait(&clients->hub, wait_us, NULL, NULL);
    if (clients->hub.now_us - clients->swept_us >= JF_CLIENT_SWEEP_US) {
        clients->swept_us = clients->hub.now_us;
        for (struct jf_client *client = clients->list; client != NULL; client = client->next) {
            deadlines_sweep(client);
        }
    }
    jf_hub_flush(&clients->hub);
}

static bool address_parse(const struct jf_client_config *config, struct jf_link *link)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)(void *)&link->address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(void *)&link->address;
    if (inet_pton(AF_INET, config->address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(config->port);
        link->address_size = sizeof *v4;
        return true;
    }
    if (inet_pton(AF_INET6, config->address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(config->port);
        link->address_size = sizeof *v6;
        return true;
    }
    return false;
}

static enum jf_error tls_open(const struct jf_client_config *config, struct jf_tls **out_tls,
                              struct jf_diagnosis *diagnosis)
{
    *out_tls = NULL;
    if (config->tls_authority_path == NULL) {
        return JF_OK;
    }
    struct jf_tls_context *context = NULL;
    enum jf_error error =
        jf_tls_context_create_client(config->tls_authority_path, &context, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    const char *name = config->tls_server_name == NULL ? config->address : config->tls_server_name;
    *out_tls = jf_tls_open(context, name);
    jf_tls_context_destroy(context); // the session keeps its own reference to what it needs
    if (*out_tls == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "TLS: no memory for a session");
    }
    return JF_OK;
}

static bool session_start(struct jf_client *client)
{
    struct jf_clients *clients = client->clients;
    struct jf_session *session = &client->session;
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, JF_CLIENT_STREAM_WINDOW_BYTES},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    return nghttp2_session_client_new3(&session->h2, clients->callbacks, client, clients->options,
                                       &clients->hub.pool.memory) == 0 &&
           nghttp2_submit_settings(session->h2, NGHTTP2_FLAG_NONE, settings,
                                   sizeof settings / sizeof settings[0]) == 0 &&
           nghttp2_session_set_local_window_size(session->h2, NGHTTP2_FLAG_NONE, 0,
                                                 JF_CLIENT_CONNECTION_WINDOW_BYTES) == 0;
}

static void client_start(struct jf_client *client, int fd, struct jf_tls *tls)
{
    struct jf_clients *clients = client->clients;
    client->next = clients->list;
    if (clients->list != NULL) {
        clients->list->previous = client;
    }
    clients->list = client;
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    jf_link_init(&client->session.link, &clients->hub, &link_events, fd, tls);
    jf_link_connect(&client->session.link);
}

enum jf_error jf_client_open(struct jf_clients *clients, const struct jf_client_config *config,
                             struct jf_client **out_client, struct jf_diagnosis *diagnosis)
{
    struct jf_client *client = calloc(1, sizeof *client);
    struct jf_tls *tls = NULL;
    int fd = -1;
    enum jf_error error = JF_OK;
    if (client == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "network: no memory for a client");
    }
    client->clients = clients;
    snprintf(client->authority, sizeof client->authority,
             strchr(config->address, ':') == NULL ? "%s:%u" : "[%s]:%u", config->address,
             config->port);
    if (!address_parse(config, &client->session.link)) {
        error =
            jf_diagnose(diagnosis, JF_ERROR_INVALID,
                        "'%s' is not a numeric IPv4 or IPv6 address: give one such as 127.0.0.1",
                        config->address);
        goto done;
    }
    error = tls_open(config, &tls, diagnosis);
    if (error != JF_OK) {
        goto done;
    }
    fd = socket(client->session.link.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        error = jf_diagnose(diagnosis, JF_ERROR_IO, "%s: no socket: raise the limit of open files",
                            client->authority);
        goto done;
    }
    if (!session_start(client)) {
        error = jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "network: no memory for a client");
        goto done;
    }
    client_start(client, fd, tls);
    *out_client = client;
    return JF_OK;

done:
    if (fd >= 0) {
        close(fd);
    }
    jf_tls_close(tls);
    jf_session_deinit(&client->session);
    free(client);
    return error;
}

void jf_client_close(struct jf_client *client)
{
    if (client == NULL) {
        return;
    }
    JF_ASSERT(!client->is_released);
    if (client->is_dead && client->session.h2 == NULL) {
        client_free(client);
        return;
    }
    client->is_released = true;
    if (!client->is_dead) {
        failure_set(client, "closed by its owner");
        jf_link_close(&client->session.link, NULL);
    }
}

const char *jf_client_failure(const struct jf_client *client)
{
    if (client->failure[0] != 0) {
        return client->failure;
    }
    if (client->session.link.state == JF_LINK_CLOSING) {
        return client->session.link.failure == NULL ? "the connection is closing"
                                                    : client->session.link.failure;
    }
    return NULL;
}

uint32_t jf_client_call_count(const struct jf_client *client)
{
    return client->call_count;
}
