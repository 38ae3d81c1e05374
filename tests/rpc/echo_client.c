// Claims about ledger/net/client.h, checked against a running echo_server.
//
//   echo_client PORT [AUTHORITY.pem]
//
// Prints nothing and exits 0 when all hold; else a failed assertion says which does not.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/limits.h"
#include "net/client.h"

#define TIMEOUT_US   60000000u
#define CALLS        20000u
#define CONCURRENT   256u
#define CONNECTIONS  3u
#define TURNS_MAX    1000000u
#define TURN_US      50000u
#define RING_ENTRIES 1024u

struct load {
    struct jf_client *clients[CONNECTIONS];
    uint32_t started;
    uint32_t answered;
    uint64_t bytes;
    uint32_t messages;
    enum jf_status last_status;
    uint32_t done_count;
};

static struct jf_clients *clients;
static struct jf_client_config config = {.address = "127.0.0.1"};

static struct jf_client *open_or_fail(const struct jf_client_config *with)
{
    struct jf_client *client = NULL;
    struct jf_diagnosis diagnosis = {0};
    enum jf_error error = jf_client_open(clients, with, &client, &diagnosis);
    if (error != JF_OK) {
        fprintf(stderr, "%s\n", diagnosis.text);
    }
    JF_ASSERT(error == JF_OK);
    return client;
}

static struct jf_client_answer ask(struct jf_client *client, const char *path, const char *request,
                                   uint64_t timeout_us)
{
    struct jf_client_answer answer = {0};
    enum jf_error error = jf_client_call_unary(client, jf_text_from(path), jf_text_from(request),
                                               timeout_us, &answer);
    JF_ASSERT(error == JF_OK);
    return answer;
}

static void send_text(struct jf_client_call *call, const char *terminated)
{
    struct jf_text text = jf_text_from(terminated);
    unsigned char *room = jf_client_call_send(call, text.size);
    JF_ASSERT(room != NULL);
    memcpy(room, text.data, text.size);
}

static void unary_is_answered(void)
{
    struct jf_client *client = open_or_fail(&config);
    struct jf_client_answer answer = ask(client, "/test.Echo/Unary", "hello", TIMEOUT_US);
    JF_ASSERT(answer.status == JF_STATUS_OK);
    JF_ASSERT(answer.size == 5);
    JF_ASSERT(memcmp(answer.bytes, "hello", 5) == 0);
    jf_client_answer_deinit(&answer);
    answer = ask(client, "/test.Echo/Big", "16777216", TIMEOUT_US);
    JF_ASSERT(answer.status == JF_STATUS_OK);
    JF_ASSERT(answer.size == 16u << 20);
    JF_ASSERT(answer.bytes[1000] == (unsigned char)(1000 * 31 + 3));
    jf_client_answer_deinit(&answer);
    jf_client_close(client);
}

static void refusal_arrives_with_its_text(void)
{
    struct jf_client *client = open_or_fail(&config);
    struct jf_client_answer answer = ask(client, "/test.Echo/Fail", "9", TIMEOUT_US);
    JF_ASSERT(answer.status == JF_STATUS_FAILED_PRECONDITION);
    JF_ASSERT(strcmp(answer.message, "会员 7 has 50% of 100\n") == 0);
    JF_ASSERT(answer.retry_after_ms == 1500);
    JF_ASSERT(answer.bytes == NULL);
    answer = ask(client, "/test.Echo/None", "", TIMEOUT_US);
    JF_ASSERT(answer.status == JF_STATUS_UNIMPLEMENTED);
    jf_client_close(client);
}

static void late_answer_is_deadline_exceeded(void)
{
    struct jf_client *client = open_or_fail(&config);
    struct jf_client_answer answer = ask(client, "/test.Echo/Later", "", 100000);
    JF_ASSERT(answer.status == JF_STATUS_DEADLINE_EXCEEDED);
    answer = ask(client, "/test.Echo/Release", "", TIMEOUT_US);
    JF_ASSERT(answer.status == JF_STATUS_OK);
    JF_ASSERT(answer.size == 0);
    jf_client_answer_deinit(&answer);
    jf_client_close(client);
}

static void on_message(void *context, struct jf_client_call *call, const unsigned char *bytes,
                       uint32_t size)
{
    (void)call;
    (void)bytes;
    struct load *load = context;
    load->messages += 1;
    load->bytes += size;
}

static void on_done(void *context, struct jf_client_call *call,
                    const struct jf_client_result *result)
{
    (void)call;
    struct load *load = context;
    load->last_status = result->status;
    load->done_count += 1;
}

static const struct jf_client_events events = {on_message, on_done};

static void turn_until_done(const struct load *load, uint32_t count)
{
    for (uint32_t turn = 0; load->done_count < count; turn++) {
        JF_ASSERT(turn < TURNS_MAX);
        jf_clients_turn(clients, TURN_US);
    }
}

static struct jf_client_call *start(struct jf_client *client, const char *path, struct load *load)
{
    struct jf_client_call *call =
        jf_client_call_start(client, jf_text_from(path), &events, load, TIMEOUT_US);
    JF_ASSERT(call != NULL);
    return call;
}

static void streams_carry_every_message(void)
{
    struct jf_client *client = open_or_fail(&config);
    struct load load = {0};
    struct jf_client_call *call = start(client, "/test.Echo/Paused", &load);
    for (uint32_t i = 0; i < 1000; i++) {
        send_text(call, "a message on a stream");
        if (i % 100 == 0) {
            jf_clients_turn(clients, 0);
        }
    }
    jf_client_call_half_close(call);
    turn_until_done(&load, 1);
    JF_ASSERT(load.last_status == JF_STATUS_OK);
    JF_ASSERT(load.messages == 1000);
    JF_ASSERT(load.bytes == 1000 * strlen("a message on a stream"));
    load = (struct load){0};
    call = start(client, "/test.Echo/Many", &load);
    send_text(call, "30000");
    jf_client_call_half_close(call);
    turn_until_done(&load, 1);
    JF_ASSERT(load.messages == 30000);
    JF_ASSERT(load.bytes == 30000000);
    JF_ASSERT(jf_client_call_count(client) == 0);
    jf_client_close(client);
}

static void cancelled_call_ends_at_once(void)
{
    struct jf_client *client = open_or_fail(&config);
    struct load load = {0};
    struct jf_client_call *call = start(client, "/test.Echo/Stream", &load);
    send_text(call, "x");
    jf_clients_turn(clients, TURN_US);
    jf_client_call_cancel(call);
    JF_ASSERT(load.done_count == 1);
    JF_ASSERT(load.last_status == JF_STATUS_CANCELLED);
    struct jf_client_answer answer = ask(client, "/test.Echo/Unary", "y", TIMEOUT_US);
    JF_ASSERT(answer.status == JF_STATUS_OK);
    jf_client_answer_deinit(&answer);
    jf_client_close(client);
}

static void load_start(struct load *load);

static void on_load_done(void *context, struct jf_client_call *call,
                         const struct jf_client_result *result)
{
    (void)call;
    struct load *load = context;
    JF_ASSERT(result->status == JF_STATUS_OK);
    load->answered += 1;
    load_start(load);
}

static const struct jf_client_events load_events = {on_message, on_load_done};

static void load_start(struct load *load)
{
    if (load->started == CALLS) {
        return;
    }
    struct jf_client *client = load->clients[load->started % CONNECTIONS];
    load->started += 1;
    struct jf_client_call *call =
        jf_client_call_start(client, JF_TEXT("/test.Echo/Unary"), &load_events, load, TIMEOUT_US);
    JF_ASSERT(call != NULL);
    send_text(call, "a hundred bytes or so would be a usual sale; this is somewhat fewer");
    jf_client_call_half_close(call);
}

static void many_calls_on_connections_are_all_answered(void)
{
    struct load load = {0};
    for (uint32_t i = 0; i < CONNECTIONS; i++) {
        load.clients[i] = open_or_fail(&config);
    }
    for (uint32_t i = 0; i < CONCURRENT; i++) {
        load_start(&load);
    }
    for (uint32_t turn = 0; load.answered < CALLS; turn++) {
        JF_ASSERT(turn < TURNS_MAX);
        jf_clients_turn(clients, TURN_US);
    }
    JF_ASSERT(load.messages == CALLS);
    for (uint32_t i = 0; i < CONNECTIONS; i++) {
        jf_client_close(load.clients[i]);
    }
}

static void refused_connection_says_why(void)
{
    struct jf_client_config nobody = config;
    nobody.port = 1;
    struct jf_client *client = open_or_fail(&nobody);
    struct jf_client_answer answer = ask(client, "/test.Echo/Unary", "", TIMEOUT_US);
    JF_ASSERT(answer.status == JF_STATUS_UNAVAILABLE);
    JF_ASSERT(strstr(answer.message, "refused") != NULL);
    JF_ASSERT(jf_client_failure(client) != NULL);
    answer = ask(client, "/test.Echo/Unary", "", TIMEOUT_US);
    JF_ASSERT(answer.status == JF_STATUS_UNAVAILABLE);
    jf_client_close(client);
}

// By TLS: a server name that the certificate does not carry. In plain text: nothing to claim.
static void wrong_server_name_is_refused(void)
{
    if (config.tls_authority_path == NULL) {
        return;
    }
    struct jf_client_config wrong = config;
    wrong.tls_server_name = "other.test";
    struct jf_client *client = open_or_fail(&wrong);
    struct jf_client_answer answer = ask(client, "/test.Echo/Unary", "", TIMEOUT_US);
    JF_ASSERT(answer.status == JF_STATUS_UNAVAILABLE);
    JF_ASSERT(strstr(answer.message, "certificate") != NULL);
    jf_client_close(client);
}

static void bad_address_is_refused(void)
{
    struct jf_client_config wrong = config;
    wrong.address = "localhost";
    struct jf_client *client = NULL;
    struct jf_diagnosis diagnosis = {0};
    JF_ASSERT(jf_client_open(clients, &wrong, &client, &diagnosis) == JF_ERROR_INVALID);
    JF_ASSERT(strstr(diagnosis.text, "localhost") != NULL);
}

// Calls and connections that are open when everything is destroyed leak nothing.
static void leave_calls_open(void)
{
    static struct load load;
    struct jf_client *client = open_or_fail(&config);
    send_text(start(client, "/test.Echo/Stream", &load), "x");
    jf_clients_turn(clients, TURN_US);
    send_text(start(client, "/test.Echo/Stream", &load), "y");
    (void)open_or_fail(&config);
}

int main(int count, char **texts)
{
    JF_ASSERT(count >= 2);
    config.port = (uint16_t)strtoul(texts[1], NULL, 10);
    config.tls_authority_path = count > 2 ? texts[2] : NULL;
    struct jf_ring ring = {0};
    struct jf_diagnosis diagnosis = {0};
    JF_ASSERT(jf_ring_init(&ring, RING_ENTRIES, &diagnosis) == JF_OK);
    JF_ASSERT(jf_clients_create(&ring, &clients, &diagnosis) == JF_OK);
    unary_is_answered();
    refusal_arrives_with_its_text();
    late_answer_is_deadline_exceeded();
    streams_carry_every_message();
    cancelled_call_ends_at_once();
    many_calls_on_connections_are_all_answered();
    refused_connection_says_why();
    wrong_server_name_is_refused();
    bad_address_is_refused();
    leave_calls_open();
    jf_clients_destroy(clients);
    jf_ring_deinit(&ring);
    return 0;
}
