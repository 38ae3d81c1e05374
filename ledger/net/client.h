// A gRPC client for the project's own tools and load generator: any number of connections on one
// ring, any number of concurrent calls on each, messages as opaque bytes. One thread owns it all.
//
// The life of a call: start → send (once for unary) → half_close → on_message … → on_done, exactly
// once. After on_done the call's pointer is dead. Everything happens within jf_clients_turn;
// callbacks may start, send, cancel and close, but must not call turn or destroy.
#ifndef JF_NET_CLIENT_H
#define JF_NET_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "io/ring.h"
#include "net/net.h"

struct jf_clients; // all connections of one ring
struct jf_client;  // one connection
struct jf_client_call;

struct jf_client_config {
    const char *address; // numeric IPv4 or IPv6 address
    uint16_t port;
    const char *tls_authority_path; // PEM file of the authorities to trust; NULL: plain text
    const char *tls_server_name;    // what the certificate must carry; NULL: the address
};

// How a call ended. Texts live until on_done returns.
struct jf_client_result {
    enum jf_status
        status; // UNAVAILABLE when the connection failed, DEADLINE_EXCEEDED by our own clock
    struct jf_text message;  // decoded
    struct jf_text details;  // decoded google.rpc.Status, size 0 for none
    uint32_t retry_after_ms; // the server's hint, 0 for none
};

struct jf_client_events {
    // One whole response message; bytes die when the callback returns. May be NULL.
    void (*on_message)(void *context, struct jf_client_call *call, const unsigned char *bytes,
                       uint32_t size);
    void (*on_done)(void *context, struct jf_client_call *call,
                    const struct jf_client_result *result);
};

// In: ring: outlives it. Errors: as jf_hub_init, diagnosed.
JF_MUST_USE enum jf_error jf_clients_create(struct jf_ring *ring, struct jf_clients **out_clients,
                                            struct jf_diagnosis *diagnosis);
// Closes all connections; open calls end without on_done. NULL is accepted.
void jf_clients_destroy(struct jf_clients *clients);
// Sends what was started, waits up to timeout_us for something to happen, handles it, sends again.
void jf_clients_turn(struct jf_clients *clients, uint64_t timeout_us);

// Starts connecting; calls may be started at once. `config` is not needed after it returns.
// Errors: JF_ERROR_INVALID (address, authority file), JF_ERROR_IO (no socket), JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_client_open(struct jf_clients *clients,
                                         const struct jf_client_config *config,
                                         struct jf_client **out_client,
                                         struct jf_diagnosis *diagnosis);
// Open calls end with UNAVAILABLE (by a later turn); the pointer is dead at once. NULL is accepted.
void jf_client_close(struct jf_client *client);
// Why the connection failed, in words; NULL while it has not. A failed client only waits to be
// closed: its calls have ended with UNAVAILABLE and new ones cannot be started.
const char *jf_client_failure(const struct jf_client *client);
// Calls that have not ended.
uint32_t jf_client_call_count(const struct jf_client *client);

// In: path such as "/jifen.v1.Ledger/PostSale"; events: outlive the call; timeout_us: 0 for none,
// else told to the server (grpc-timeout) and kept by our own clock too. Returns: NULL when the
// connection has failed or memory is out.
struct jf_client_call *jf_client_call_start(struct jf_client *client, struct jf_text path,
                                            const struct jf_client_events *events, void *context,
                                            uint64_t timeout_us);
// Room for one request message of `size` bytes (up to JF_MESSAGE_BYTES_MAX); write it before
// anything else is called. Returns: NULL when memory is out (cancel the call).
unsigned char *jf_client_call_send(struct jf_client_call *call, uint32_t size);
// No more messages will be sent.
void jf_client_call_half_close(struct jf_client_call *call);
// Ends it: on_done comes from within this call, with CANCELLED.
void jf_client_call_cancel(struct jf_client_call *call);
// Bytes that the server has not made room for yet.
uint64_t jf_client_call_unsent_bytes(const struct jf_client_call *call);
void *jf_client_call_context(const struct jf_client_call *call);

// The answer to one blocking call. Fill with zeroes; deinit frees what it holds.
struct jf_client_answer {
    enum jf_status status;
    char message[1024];   // terminated, cut
    unsigned char *bytes; // the response message; NULL unless status is OK
    uint32_t size;
    uint32_t retry_after_ms;
};

// Sends one request and turns until it is answered or timeout_us passed (not 0). Other calls of the
// same clients go on meanwhile. In: request bytes stay the caller's. Returns: JF_OK whenever there
// is an answer, also a refusal or a failed connection (see status); JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_client_call_unary(struct jf_client *client, struct jf_text path,
                                               struct jf_text request, uint64_t timeout_us,
                                               struct jf_client_answer *out_answer);
void jf_client_answer_deinit(struct jf_client_answer *answer);

#endif
