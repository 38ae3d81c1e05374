// The client's own structures, shared by client.c, client_call.c and client_unary.c only.
#ifndef JF_NET_CLIENT_LOCAL_H
#define JF_NET_CLIENT_LOCAL_H

#include "base/limits.h"
#include "net/client.h"
#include "net/grpc.h"
#include "net/inbox.h"
#include "net/session.h"

#define JF_CLIENT_STREAM_WINDOW_BYTES     (4 << 20)
#define JF_CLIENT_CONNECTION_WINDOW_BYTES (32 << 20)
#define JF_CLIENT_CALLS_KEPT              4096u
#define JF_CLIENT_SWEEP_US                50000u
#define JF_CLIENT_TEXT_BYTES_MAX          (16u << 10) // of one status text or details, encoded

struct jf_client {
    struct jf_session session; // first
    struct jf_clients *clients;
    struct jf_client *previous;
    struct jf_client *next;
    struct jf_client_call *calls;
    uint32_t call_count; // not yet reported
    bool is_released;    // the user has closed it
    bool is_dead;        // the link is reaped
    char authority[80];
    char failure[320];
};

struct jf_client_call {
    struct jf_outbox outbox; // first
    struct jf_client *client;
    struct jf_client_call *previous;
    struct jf_client_call *next;
    const struct jf_client_events *events;
    void *context;
    struct jf_inbox inbox;
    uint64_t deadline_us; // 0: none
    uint32_t http_status;
    int32_t grpc_status;      // -1: has not come
    struct jf_buffer message; // as it came
    struct jf_buffer details;
    uint32_t retry_after_ms;
    bool is_reported; // on_done has run
};

struct jf_clients {
    struct jf_hub hub;
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *options;
    struct jf_client *list;
    struct jf_client_call *free_calls;
    uint32_t free_call_count;
    uint64_t swept_us;
    bool is_destroying;
};

// client_call.c
void jf_client_call_header(struct jf_client_call *call, struct jf_text name, struct jf_text value);
void jf_client_call_data(struct jf_client_call *call, struct jf_span bytes);
// The stream ended: reports what came, or what http2_error means. Frees the call.
void jf_client_call_stream_closed(struct jf_client_call *call, uint32_t http2_error);
// Ends it with a status of our own: reports it and resets the stream. The call is freed later.
void jf_client_call_abort(struct jf_client_call *call, enum jf_status status, const char *text);
// The connection is gone: reports and frees.
void jf_client_call_lost(struct jf_client_call *call, const char *text);
void jf_client_call_free_all(struct jf_clients *clients);

#endif
