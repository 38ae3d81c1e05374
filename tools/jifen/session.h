// The command line's way to the ledger: connections, blocking calls that say what went wrong, and
// concurrent calls.
//
// One thread owns a session. Decoded messages live in the session's arena: until the next blocking
// call, or, in callbacks, until the callback returns.
#ifndef JF_TOOLS_SESSION_H
#define JF_TOOLS_SESSION_H

#include <protobuf-c/protobuf-c.h>

#include "net/net.h"
#include "tools/jifen/cli.h"

#define JF_SESSION_CONNECTIONS_MAX 64u

struct jf_session;

// How a call ended. Texts live until the callback returns.
struct jf_reply {
    enum jf_status status;
    struct jf_text bytes;   // the response, with JF_STATUS_OK
    struct jf_text message; // else: why
    struct jf_text details; // google.rpc.Status, or size 0
    uint32_t retry_after_ms;
};

typedef void (*jf_session_done)(void *context, const struct jf_reply *reply);
// Returns: false to cancel the stream.
typedef bool (*jf_session_message)(void *context, const ProtobufCMessage *message);

// Connects (the calls tell whether it worked). In: connections 1..JF_SESSION_CONNECTIONS_MAX.
// Returns: JF_EXIT_OK; else said why on stderr.
enum jf_exit jf_session_open(const struct jf_cli *cli, uint32_t connections,
                             struct jf_session **out_session);
void jf_session_close(struct jf_session *session); // NULL is accepted

// One blocking call. In: path such as "/jifen.v1.Ledger/Quote".
// Returns: JF_EXIT_OK with *out_response; else the exit code, after saying why.
enum jf_exit jf_session_call(struct jf_session *session, const char *path,
                             const ProtobufCMessage *request,
                             const ProtobufCMessageDescriptor *response,
                             const ProtobufCMessage **out_response);

// One call with a stream of answers; blocks until it ended. Returns: as above, JF_EXIT_OK also
// after cancelling.
struct jf_session_stream {
    const char *path;
    const ProtobufCMessage *request;
    const ProtobufCMessageDescriptor *response;
    jf_session_message on_message;
    void *context;
};
enum jf_exit jf_session_stream(struct jf_session *session, const struct jf_session_stream *stream);

// For the streams that follow: asked ten times a second, also while no message comes; true cancels
// the stream. NULL: never.
void jf_session_set_over(struct jf_session *session, bool (*is_over)(void));

// Opens a session with one connection, makes one call, prints the answer as JSON if asked, else
// leaves it to `show`. Returns: the exit code.
struct jf_session_ask {
    const char *path;
    const ProtobufCMessage *request;
    const ProtobufCMessageDescriptor *response;
    enum jf_exit (*show)(const ProtobufCMessage *response);
};
enum jf_exit jf_session_ask(const struct jf_cli *cli, const struct jf_session_ask *ask);

// Starts a concurrent call on a connection (index modulo their number). In: request: copied.
// Returns: false when the connection has failed or memory is out: `done` will not come.
bool jf_session_start(struct jf_session *session, uint32_t connection, const char *path,
                      struct jf_text request, jf_session_done done, void *context);
// Sends, waits up to timeout_us, runs callbacks.
void jf_session_turn(struct jf_session *session, uint64_t timeout_us);

// Returns: the decoded message in the session's arena; NULL for bytes that are none.
const ProtobufCMessage *jf_session_decode(struct jf_session *session,
                                          const ProtobufCMessageDescriptor *descriptor,
                                          struct jf_text bytes);
void jf_session_forget(struct jf_session *session); // decoded messages die

// Says why a call failed, on stderr and, for programs, as {"error":{…}} on stdout. Returns: the
// exit code.
enum jf_exit jf_session_explain(struct jf_session *session, const struct jf_reply *reply);
enum jf_exit jf_session_exit_of(enum jf_status status);

#endif
