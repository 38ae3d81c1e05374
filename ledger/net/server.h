// The server side's own structures, shared by net.c, acceptor.c, connection.c, request.c, call.c
// and sweep.c only.
#ifndef JF_NET_SERVER_H
#define JF_NET_SERVER_H

#include "base/limits.h"
#include "net/calm.h"
#include "net/inbox.h"
#include "net/net.h"
#include "net/session.h"

// How far something that should shrink has come.
struct jf_progress {
    uint64_t since_us; // 0: nothing is left
    uint64_t left_bytes;
};

struct jf_connection {
    struct jf_session session; // first
    struct jf_net *net;
    struct jf_connection *previous;
    struct jf_connection *next;
    struct jf_call *calls; // with a stream here
    uint32_t call_count;
    struct jf_budget received; // request bytes held
    struct jf_budget unsent;   // response bytes held
    uint64_t opened_us;
    struct jf_calm calm;
    int64_t skipped_bytes; // received, less the frames that were begun: what nghttp2 skips
    uint32_t data_left;    // of the DATA frame being received
    bool is_settled;       // the client's SETTINGS have come
    bool is_draining;      // GOAWAY is queued
};

struct jf_call {
    struct jf_outbox outbox; // first; outbox.session is NULL once the stream is gone
    struct jf_net *net;
    struct jf_connection *connection; // NULL once the stream is gone
    struct jf_call *previous;
    struct jf_call *next; // in the connection, or in the free list
    struct jf_call *next_resumed;
    const struct jf_net_method *method;
    void *context;
    struct jf_inbox inbox;
    struct jf_buffer held; // bytes that came while paused
    struct jf_arena arena;
    uint64_t deadline_us;
    uint64_t waiting_us;         // since when a request or message is half-sent; 0: none is
    struct jf_progress progress; // of the answer towards its client
    uint32_t header_bytes;
    struct jf_text unknown_path;
    // The request's headers.
    bool is_post;
    bool is_grpc;
    bool has_bad_timeout;
    bool is_requested; // headers complete
    // Where it stands.
    bool is_half_closed; // the client has sent its last byte
    bool is_handed;      // the handler has it
    bool is_done;        // the handler has finished it, or it was never handed
    bool is_answered;    // net or handler has decided the status
    bool is_started;     // response headers are queued
    bool is_gone;        // the client is
    bool is_paused;
    bool is_resumed_listed;
    bool is_orphan; // without a stream, and the handler has it
    // The trailers.
    enum jf_status status;
    struct jf_text message; // encoded, in the arena
    struct jf_text details;
    uint32_t retry_after_ms;
};

struct jf_path_slot {
    uint64_t hash;
    const struct jf_net_method *method; // NULL: free
};

// Listens, and holds the sockets whose sessions are not opened yet, oldest first.
struct jf_acceptor {
    struct jf_net *net;
    struct jf_completion accept;
    int listen_fd; // -1: closed
    uint16_t port;
    bool is_armed;
    int *waiting; // connections_max, a ring
    uint32_t waiting_first;
    uint32_t waiting_count;
};

struct jf_net {
    struct jf_hub hub;
    struct jf_net_config config;
    struct jf_net_handler handler;
    struct jf_path_slot *paths; // open addressing
    uint32_t path_mask;
    struct jf_tls_context *tls;
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *options;
    struct jf_acceptor acceptor;
    bool is_draining;
    bool is_destroying;
    struct jf_connection *connections;
    uint32_t connection_count;
    uint32_t call_count;
    uint32_t calls_ensured; // of each connection, whatever others take
    struct jf_call *free_calls;
    uint32_t free_call_count;
    struct jf_call *resumed;
    struct jf_call *orphans;
    struct jf_budget received;
    struct jf_budget unsent;
    uint64_t swept_us;
    struct jf_net_counters counters;
};

// acceptor.c
void jf_acceptor_init(struct jf_acceptor *acceptor, struct jf_net *net); // cannot fail
// Errors: JF_ERROR_INVALID, JF_ERROR_EXISTS, JF_ERROR_IO, JF_ERROR_NO_MEMORY, diagnosed.
JF_MUST_USE enum jf_error jf_acceptor_listen(struct jf_acceptor *acceptor,
                                             struct jf_diagnosis *diagnosis);
void jf_acceptor_arm(struct jf_acceptor *acceptor);       // does nothing when it is armed
void jf_acceptor_open_some(struct jf_acceptor *acceptor); // JF_NET_OPENS_PER_TURN at most
// Takes no more; what waits is closed. Its last completion comes in a later turn.
void jf_acceptor_stop(struct jf_acceptor *acceptor);
void jf_acceptor_deinit(struct jf_acceptor *acceptor);

// connection.c
// Returns: NULL when out of memory (fd and tls are then closed).
struct jf_connection *jf_connection_open(struct jf_net *net, int fd);
bool jf_connection_callbacks_init(struct jf_net *net); // false: out of memory
// No more calls: GOAWAY, and the connection closes when its calls are done.
void jf_connection_drain(struct jf_connection *connection);
// Ends it with an HTTP/2 error code after what is queued was sent.
void jf_connection_terminate(struct jf_connection *connection, uint32_t http2_error);

// request.c: from the bytes of a request to the handler.
void jf_request_header(struct jf_call *call, struct jf_text name, struct jf_text value);
void jf_request_headers_end(struct jf_call *call);
void jf_request_data(struct jf_call *call, struct jf_span bytes, bool is_last);
void jf_request_half_close(struct jf_call *call);
void jf_request_resumed(struct jf_call *call); // hands over what came while it was paused
const struct jf_net_method *jf_request_method_find(const struct jf_net *net, struct jf_text path);

// call.c
struct jf_call *jf_call_open(struct jf_connection *connection, int32_t stream_id); // NULL: no room
void jf_call_stream_closed(struct jf_call *call); // the stream is gone; frees it if nobody needs it
// Answers instead of the handler; tells the handler that the client is gone if it has the call.
void jf_call_refuse(struct jf_call *call, enum jf_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// Answers with an HTTP status other than 200 (no gRPC client is at the other end).
void jf_call_refuse_http(struct jf_call *call, const char *http_status, const char *text);
void jf_call_release_orphans(struct jf_net *net); // the handler will not finish them
void jf_call_free_all(struct jf_net *net);        // the free list

// sweep.c
void jf_sweep(struct jf_net *net);

// What a connection's times call for.
enum jf_sweep_verdict {
    JF_SWEEP_KEEP,
    JF_SWEEP_HANDSHAKE_LATE,
    JF_SWEEP_IDLE,
    JF_SWEEP_STALLED,
    JF_SWEEP_LINGERED,
};

// How long a connection's owner is borne with.
struct jf_patience {
    uint64_t handshake_us; // preface and SETTINGS; a request's headers; a message
    uint64_t idle_us;      // 0: for ever
    uint64_t stall_us;
};

struct jf_fullness {
    bool is_crowded; // connections
    bool is_laden;   // calls, or bytes held for slow peers
};

struct jf_patience jf_sweep_patience(const struct jf_fullness *fullness,
                                     const struct jf_patience *usual);
// Returns: how long a request may take of which so many bytes have come.
uint64_t jf_sweep_request_us(uint64_t handshake_us, uint64_t received_bytes);
// Notes how much is left. Returns: whether enough has moved within stall_us.
bool jf_sweep_progress(struct jf_progress *progress, uint64_t left_bytes, uint64_t now_us,
                       uint64_t stall_us);

struct jf_sweep_view {
    uint64_t now_us;
    uint64_t opened_us;
    uint64_t heard_us;
    uint64_t progress_us;
    uint64_t lingering_us; // 0: does not linger
    bool is_deaf;          // cut off: nothing it sends is of interest
    bool is_settled;
    bool has_calls;
    bool has_unsent; // the socket does not take them
    struct jf_patience patience;
};

enum jf_sweep_verdict jf_sweep_judge(const struct jf_sweep_view *view);

#endif
