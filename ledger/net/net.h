// The gRPC server side of one network thread: sockets over io_uring, HTTP/2 by nghttp2, gRPC
// framing. Messages are opaque bytes here; what they mean is service/.
//
// One thread owns a server and everything it hands out. The life of a call:
//   on_message (once for unary, any number for streams) → … → jf_call_send* → jf_call_finish.
// A call handed to the handler stays valid until the handler finishes it, also when the client has
// gone meanwhile (jf_call_is_gone; sends are then dropped). After jf_call_finish the pointer is
// dead.
#ifndef JF_NET_NET_H
#define JF_NET_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/text.h"
#include "io/ring.h"

// gRPC status codes (https://github.com/grpc/grpc/blob/master/doc/statuscodes.md).
enum jf_status {
    JF_STATUS_OK = 0,
    JF_STATUS_CANCELLED = 1,
    JF_STATUS_UNKNOWN = 2,
    JF_STATUS_INVALID_ARGUMENT = 3,
    JF_STATUS_DEADLINE_EXCEEDED = 4,
    JF_STATUS_NOT_FOUND = 5,
    JF_STATUS_ALREADY_EXISTS = 6,
    JF_STATUS_PERMISSION_DENIED = 7,
    JF_STATUS_RESOURCE_EXHAUSTED = 8,
    JF_STATUS_FAILED_PRECONDITION = 9,
    JF_STATUS_ABORTED = 10,
    JF_STATUS_OUT_OF_RANGE = 11,
    JF_STATUS_UNIMPLEMENTED = 12,
    JF_STATUS_INTERNAL = 13,
    JF_STATUS_UNAVAILABLE = 14,
    JF_STATUS_DATA_LOSS = 15,
    JF_STATUS_UNAUTHENTICATED = 16,
};

struct jf_call;
struct jf_net;

// Who serves a path: found once per call.
struct jf_net_method {
    const char *path;      // "/jifen.v1.Ledger/PostSale"
    bool is_client_stream; // more than one request message may come
    bool is_server_stream; // more than one response message may be sent
    uint32_t tag;          // the handler's own number for it
};

struct jf_net_handler {
    void *context;
    const struct jf_net_method *methods; // outlives the server
    uint32_t method_count;

    // One whole request message. `bytes` die when the callback returns: decode into jf_call_arena.
    // For unary and server-streaming calls it comes exactly once (net answers protocol errors
    // itself).
    void (*on_message)(void *context, struct jf_call *call, const unsigned char *bytes,
                       uint32_t size);
    // Client streams only: the client has sent its last message.
    void (*on_half_close)(void *context, struct jf_call *call);
    // The client went away or cancelled. The handler still has to finish the call (at once or
    // later).
    void (*on_gone)(void *context, struct jf_call *call);
    // Once a loop turn, after all socket input of the turn was handled: hand over what was
    // gathered, collect answers, send.
    void (*on_turn)(void *context);
    // Whether on_turn would find something now (asked before sleeping). Must be cheap.
    bool (*has_work)(void *context);
};

struct jf_net_config {
    const char *address;              // numeric IPv4 or IPv6 address
    uint16_t port;                    // 0: chosen by the system, see jf_net_port
    const char *tls_certificate_path; // NULL: plain text
    const char *tls_key_path;
    uint32_t connections_max;            // accepted at a time; further ones are closed at once
    uint32_t streams_per_connection_max; // SETTINGS_MAX_CONCURRENT_STREAMS
    uint64_t
        idle_timeout_us; // a connection with no call and no bytes for so long is closed; 0: never
    uint64_t handshake_timeout_us; // preface and SETTINGS, and any half-sent request, must come
                                   // within it
};

struct jf_net_counters {
    uint64_t connections_accepted;
    uint64_t connections_refused;
    uint64_t connections_open;
    uint64_t calls_started;
    uint64_t calls_open;
    uint64_t protocol_errors;
    uint64_t connections_cut; // flooded with frames that bring nothing
    uint64_t bytes_received;
    uint64_t bytes_sent;
};

// Binds and listens. Errors: JF_ERROR_INVALID (address, certificate), JF_ERROR_EXISTS (address in
// use), JF_ERROR_IO, JF_ERROR_NO_MEMORY, each diagnosed.
JF_MUST_USE enum jf_error jf_net_create(const struct jf_net_config *config,
                                        const struct jf_net_handler *handler, struct jf_ring *ring,
                                        struct jf_net **out_net, struct jf_diagnosis *diagnosis);
void jf_net_destroy(struct jf_net *net); // closes everything; NULL is accepted

uint16_t jf_net_port(const struct jf_net *net);

// One turn: waits up to timeout_us for socket events or a wake-up, handles them, calls on_turn,
// sends.
void jf_net_turn(struct jf_net *net, uint64_t timeout_us);

// Clean shutdown: stop accepting, tell clients (GOAWAY), refuse new calls with UNAVAILABLE; go on
// with jf_net_turn until jf_net_is_idle (no call open, everything sent).
void jf_net_drain(struct jf_net *net);
bool jf_net_is_idle(const struct jf_net *net);

void jf_net_counters_read(const struct jf_net *net, struct jf_net_counters *out_counters);

// Calls.
uint32_t jf_call_tag(const struct jf_call *call);
struct jf_arena *jf_call_arena(
    struct jf_call *call);                         // lives as long as the call; reset after finish
void *jf_call_context(const struct jf_call *call); // the handler's own pointer, NULL at first
void jf_call_set_context(struct jf_call *call, void *context);
bool jf_call_is_gone(const struct jf_call *call);

// The deadline the client gave (grpc-timeout), microseconds of the monotonic clock; 0: none.
uint64_t jf_call_deadline_us(const struct jf_call *call);

// Room for one response message of `size` bytes in the call's send buffer; write the message there.
// Framing is added here. Returns: NULL when memory bounds say no (finish with RESOURCE_EXHAUSTED).
// In: size 0..JF_MESSAGE_BYTES_MAX (batch answers may be larger: up to 4 × that).
unsigned char *jf_call_send(struct jf_call *call, uint32_t size);

// Bytes queued and not yet taken by the socket: a streaming handler pauses above its own bound.
uint64_t jf_call_unsent_bytes(const struct jf_call *call);

// Client streams: stop taking messages (flow control holds the client back) and go on again.
void jf_call_pause(struct jf_call *call);
void jf_call_resume(struct jf_call *call);

// Ends the call. In: message: text for grpc-message (percent-encoded here), may be empty;
// details: an encoded google.rpc.Status for grpc-status-details-bin (base64 here), size 0 for none;
// retry_after_ms: sent as grpc-retry-pushback-ms when not 0.
void jf_call_finish(struct jf_call *call, enum jf_status status, struct jf_text message,
                    struct jf_text details, uint32_t retry_after_ms);

#endif
