// Claims about the wire where memory runs out or sockets fail. Server and client live in this
// thread, a conversation asks what tills, operators and gateways ask. Whichever allocation of
// either, whichever accept, connect, receive or send fails: every call ends, with an answer or a
// status, nothing is left behind, and the next conversation is answered in full.
//
// Compiled twice: as nth_tls all of it goes through TLS, and OpenSSL's own memory is refused too.
#include <criterion/criterion.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory.h"
#include "engine/clock.h"
#include "message.h"
#include "net/client.h"
#include "nth.h"
#include "nth_day.h"
#include "nth_drive.h"
#include "service/service.h"

#define RING_ENTRIES    64u
#define CALLS           13u
#define CALL_TIMEOUT_US 60000000u // a call that takes so long hangs
#define TURN_US         500u
#define SETTLE_TURNS    4u
#define SOLD_MS         (NTH_NOW_MS - 60000)
#define FIRST_STEPS     6u // of the day: programme, store, members
// Under AddressSanitizer, which looks for what is left behind, everything takes longer.
#if defined(__SANITIZE_ADDRESS__)
#define SOCKET_STRIDE 4u
#else
#define SOCKET_STRIDE 1u
#endif
#define EXPIRED_BY 20260101 // nothing yet
#if defined(NTH_TLS)
#define IS_SECURE     true
#define MEMORY_STRIDE (61u * SOCKET_STRIDE)
#else
#define IS_SECURE     false
#define MEMORY_STRIDE 1u
#endif

struct wire {
    struct nth_ledger ledger;
    char path[RIG_PATH_BYTES];
    char certificate[RIG_PATH_BYTES + 16];
    char key[RIG_PATH_BYTES + 16];
    struct jf_ring server_ring;
    struct jf_service *service;
    struct jf_net *net;
    struct jf_ring client_ring;
    struct jf_clients *clients;
    struct jf_client *client;
    struct jf_diagnosis diagnosis;
    uint32_t number; // of the conversation: part of its ids
    uint32_t open;   // calls
    uint32_t answered;
    struct jf_client_call *following;
};

// --- Both ends.
// -----------------------------------------------------------------------------------

static void turn(struct wire *wire)
{
    if (wire->clients != NULL) {
        jf_clients_turn(wire->clients, 0);
    }
    if (wire->net != NULL) {
        jf_net_turn(wire->net, TURN_US);
    }
}

static enum jf_error server_open(struct wire *wire)
{
    struct jf_net_config config = {.address = "127.0.0.1",
                                   .connections_max = 4,
                                   .streams_per_connection_max = 32,
                                   .handshake_timeout_us = CALL_TIMEOUT_US,
                                   .tls_certificate_path = IS_SECURE ? wire->certificate : NULL,
                                   .tls_key_path = IS_SECURE ? wire->key : NULL};
    enum jf_error error = jf_ring_init(&wire->server_ring, RING_ENTRIES, &wire->diagnosis);
    if (error == JF_OK) {
        error = jf_service_create(wire->ledger.engine, &wire->server_ring, jf_clock_monotonic_us,
                                  &wire->service);
    }
    if (error == JF_OK) {
        error = jf_net_create(&config, jf_service_handler(wire->service), &wire->server_ring,
                              &wire->net, &wire->diagnosis);
    }
    if (error == JF_OK) {
        jf_service_set_net(wire->service, wire->net);
    }
    return error;
}

// As far as it was opened.
static void server_close(struct wire *wire)
{
    if (wire->net != NULL) {
        jf_service_drain(wire->service);
        jf_net_drain(wire->net);
        while (!jf_net_is_idle(wire->net) || !jf_service_is_idle(wire->service)) {
            turn(wire);
        }
    }
    jf_net_destroy(wire->net);
    jf_service_destroy(wire->service);
    jf_ring_deinit(&wire->server_ring);
    wire->net = NULL;
    wire->service = NULL;
}

static enum jf_error client_open(struct wire *wire)
{
    struct jf_client_config config = {.address = "127.0.0.1",
                                      .port = jf_net_port(wire->net),
                                      .tls_authority_path = IS_SECURE ? wire->certificate : NULL};
    enum jf_error error = jf_ring_init(&wire->client_ring, RING_ENTRIES, &wire->diagnosis);
    if (error == JF_OK) {
        error = jf_clients_create(&wire->client_ring, &wire->clients, &wire->diagnosis);
    }
    if (error == JF_OK) {
        error = jf_client_open(wire->clients, &config, &wire->client, &wire->diagnosis);
    }
    return error;
}

static void client_close(struct wire *wire)
{
    jf_client_close(wire->client);
    jf_clients_destroy(wire->clients);
    jf_ring_deinit(&wire->client_ring);
    wire->client = NULL;
    wire->clients = NULL;
}

// --- A conversation.
// ------------------------------------------------------------------------------

static void on_done(void *context, struct jf_client_call *call,
                    const struct jf_client_result *result)
{
    struct wire *wire = context;
    bool is_stopped = call == wire->following && result->status == JF_STATUS_CANCELLED;
    cr_assert_neq(result->status, JF_STATUS_DEADLINE_EXCEEDED, "%s: a call hangs", nth_what());
    wire->following = call == wire->following ? NULL : wire->following;
    wire->answered += result->status == JF_STATUS_OK || is_stopped ? 1 : 0;
    wire->open -= 1;
}

// A feed has no end: its first entry is answer enough.
static void on_followed(void *context, struct jf_client_call *call, const unsigned char *bytes,
                        uint32_t size)
{
    const struct wire *wire = context;
    (void)bytes;
    (void)size;
    if (call == wire->following) {
        jf_client_call_cancel(call);
    }
}

static const struct jf_client_events events = {.on_done = on_done};
static const struct jf_client_events feed = {.on_message = on_followed, .on_done = on_done};

static bool message_put(struct jf_client_call *call, const struct rig_message *message)
{
    unsigned char *room = jf_client_call_send(call, message->size);
    if (room == NULL) {
        jf_client_call_cancel(call);
        return false;
    }
    memcpy(room, message->bytes, message->size);
    return true;
}

// In: message: sent `count` times.
static struct jf_client_call *ask(struct wire *wire, const struct rig_message *message,
                                  uint32_t count, const struct jf_client_events *heard_by)
{
    struct jf_client_call *call = jf_client_call_start(wire->client, jf_text_from(message->path),
                                                       heard_by, wire, CALL_TIMEOUT_US);
    if (call == NULL) {
        return NULL;
    }
    wire->open += 1;
    for (uint32_t i = 0; i < count; i++) {
        if (!message_put(call, message)) {
            return NULL;
        }
    }
    jf_client_call_half_close(call);
    return call;
}

static void question_make(const struct wire *wire, uint32_t number, struct rig_message *out)
{
    char id[32];
    char sale_id[32];
    (void)snprintf(id, sizeof id, "c%u-%u", wire->number, number);
    (void)snprintf(sale_id, sizeof sale_id, "c%u-0", wire->number);
    switch (number) {
    case 1:
        rig_return_all(out, id, sale_id, SOLD_MS + 1000);
        return;
    case 2:
        rig_batch(out, id, 1, 3, SOLD_MS);
        return;
    case 3:
        rig_get_member(out, 1);
        return;
    case 4:
        rig_history(out, 1);
        return;
    case 5:
        rig_get_transaction(out, sale_id);
        return;
    case 6:
        rig_get_programme(out);
        return;
    case 7:
        rig_status(out);
        return;
    case 8:
        rig_health(out);
        return;
    case 9:
        rig_quote(out, 1, SOLD_MS);
        return;
    case 10:
        rig_stream_sale(out, id, 1, SOLD_MS);
        return;
    case 11:
        rig_follow(out, 1);
        return;
    case 12:
        rig_expire(out, id, EXPIRED_BY);
        return;
    default:
        rig_sale(out, id, 1, SOLD_MS);
        return;
    }
}

// What is refused comes back at the next turn; then only what waits for a client is under way. A
// job whose client has gone takes a moment to end, and none of its kind can begin meanwhile.
static void settle(struct wire *wire)
{
    for (uint32_t i = 0; i < SETTLE_TURNS || !jf_service_is_idle(wire->service); i++) {
        turn(wire);
    }
}

// One question after the other. Returns: how many were answered with OK; the others ended too.
static uint32_t conversation(struct wire *wire)
{
    struct rig_message message;
    wire->answered = 0;
    wire->number += 1;
    if (client_open(wire) != JF_OK) {
        cr_assert(wire->diagnosis.text[0] != '\0', "%s", nth_what());
        client_close(wire);
        return 0;
    }
    for (uint32_t i = 0; i < CALLS; i++) {
        bool is_feed = i == 11;
        question_make(wire, i, &message);
        struct jf_client_call *call =
            ask(wire, &message, i == 10 ? 2 : 1, is_feed ? &feed : &events);
        wire->following = is_feed ? call : NULL;
        while (wire->open > 0) {
            turn(wire);
        }
    }
    client_close(wire);
    return wire->answered;
}

// --- The claims.
// ----------------------------------------------------------------------------------

static bool is_never_excused(enum jf_error error)
{
    (void)error;
    return false;
}

// A certificate that is its own authority.
static void certificate_make(struct wire *wire)
{
    char command[3 * RIG_PATH_BYTES + 300];
    (void)snprintf(wire->certificate, sizeof wire->certificate, "%s/certificate", wire->path);
    (void)snprintf(wire->key, sizeof wire->key, "%s/key", wire->path);
    (void)snprintf(command, sizeof command,
                   "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
                   "-subj /CN=nth -addext subjectAltName=IP:127.0.0.1 -keyout %s -out %s 2>%s.log",
                   wire->key, wire->certificate, wire->key);
    cr_assert_eq(system(command), 0, "%s", command);
}

static void wire_open(struct wire *wire)
{
    uint32_t progress = 0;
    memset(wire, 0, sizeof *wire);
    rig_directory_make(wire->path);
    nth_ledger_init(&wire->ledger, wire->path);
    nth_drive_open(&wire->ledger, is_never_excused);
    if (IS_SECURE) {
        certificate_make(wire); // the ledger wanted an empty directory
    }
    nth_drive_day(&wire->ledger, is_never_excused, &progress, FIRST_STEPS, nth_day_step);
}

static void wire_close(struct wire *wire)
{
    nth_drive_close(&wire->ledger, is_never_excused);
    nth_ledger_deinit(&wire->ledger);
    rig_directory_remove(wire->path);
}

// Server and client from nothing, once. Returns: whether the call that fails was made.
static bool run_with(struct wire *wire, const struct nth_plan *plan)
{
    nth_begin(plan);
    enum jf_error error = server_open(wire);
    if (error == JF_OK) {
        (void)conversation(wire);
        settle(wire);
    }
    bool was_reached = nth_end();
    nth_ring_forget();
    cr_assert(error == JF_OK || was_reached, "%s", jf_error_text(error));
    if (error != JF_OK) {
        server_close(wire);
        error = server_open(wire);
        cr_assert_eq(error, JF_OK, "%s: %s", nth_what(), wire->diagnosis.text);
    }
    uint32_t answered = conversation(wire);
    cr_assert_eq(answered, CALLS, "%s: the next conversation: %u of %u answered", nth_what(),
                 answered, CALLS);
    server_close(wire);
    cr_assert(!jf_engine_has_failed(wire->ledger.engine, NULL), "%s", nth_what());
    return was_reached;
}

static uint64_t every_call_fails(struct nth_plan plan)
{
    struct wire wire;
    bool is_all = getenv("JF_NTH_ALL") != NULL;
    uint64_t stride = is_all ? 1 : plan.kinds == NTH_SOCKET ? SOCKET_STRIDE : MEMORY_STRIDE;
    wire_open(&wire);
    plan.is_this_thread = true;
    for (plan.first = 1; run_with(&wire, &plan); plan.first += stride) {
    }
    wire_close(&wire);
    cr_log_info("%" PRIu64 " calls", plan.first - 1);
    return plan.first - 1;
}

Test(nth_wire, every_call_ends_whichever_allocation_fails)
{
    cr_assert(every_call_fails((struct nth_plan){.kinds = NTH_MEMORY}) > 60);
}

Test(nth_wire, every_call_ends_whichever_socket_is_reset)
{
    cr_assert(every_call_fails((struct nth_plan){.kinds = NTH_SOCKET, .error = ECONNRESET}) > 30);
}

Test(nth_wire, every_call_ends_whichever_socket_operation_finds_no_buffers)
{
    cr_assert(every_call_fails((struct nth_plan){.kinds = NTH_SOCKET, .error = ENOBUFS}) > 30);
}

Test(nth_wire, every_call_ends_whichever_socket_operation_finds_no_descriptor)
{
    cr_assert(every_call_fails((struct nth_plan){.kinds = NTH_SOCKET, .error = EMFILE}) > 30);
}

Test(nth_wire, every_call_ends_whichever_send_finds_nobody)
{
    cr_assert(every_call_fails((struct nth_plan){
                  .kinds = NTH_SOCKET, .manner = NTH_DONE_TOO, .error = EPIPE}) > 30);
}

Test(nth_wire, every_call_is_answered_though_every_send_takes_one_byte)
{
    struct nth_plan plan = {.kinds = NTH_SOCKET,
                            .first = 1,
                            .count = UINT64_MAX,
                            .manner = NTH_SHORT_ONLY,
                            .is_this_thread = true};
    struct wire wire;
    wire_open(&wire);
    cr_assert_eq(server_open(&wire), JF_OK, "%s", wire.diagnosis.text);
    nth_begin(&plan);
    uint32_t answered = conversation(&wire);
    cr_assert(nth_end());
    cr_assert_eq(answered, CALLS);
    server_close(&wire);
    wire_close(&wire);
}
