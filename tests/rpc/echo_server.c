// A server with nothing but ledger/net: what echo_test.py drives with a stock gRPC client and with
// raw sockets. It prints "port N" when it listens, drains on SIGTERM and prints its counters.
//
//   echo_server [--certificate FILE --key FILE] [--handshake-ms N] [--idle-ms N] [--connections N]
//   [--address A] [--port N]
//
// Methods of /test.Echo/: Unary, Stream (each message back), Paused (the same, taking one message a
// turn), Count (client stream: how many), Big (N bytes), Many (N messages), Fail (status N), Later
// (answered when Release comes), Release.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/limits.h"
#include "net/net.h"

enum tag {
    UNARY,
    STREAM,
    PAUSED,
    COUNT,
    BIG,
    MANY,
    FAIL,
    LATER,
    RELEASE
};

#define HELD_MAX     100000u
#define RING_ENTRIES 1024u
#define TURN_US      100000u
#define DRAIN_TURNS  300u
#define UNSENT_MAX   (1u << 20)

static const struct jf_net_method methods[] = {
    {"/test.Echo/Unary", false, false, UNARY},     {"/test.Echo/Stream", true, true, STREAM},
    {"/test.Echo/Paused", true, true, PAUSED},     {"/test.Echo/Count", true, false, COUNT},
    {"/test.Echo/Big", false, false, BIG},         {"/test.Echo/Many", false, true, MANY},
    {"/test.Echo/Fail", false, false, FAIL},       {"/test.Echo/Later", false, false, LATER},
    {"/test.Echo/Release", false, false, RELEASE},
};

struct echo {
    struct jf_call *held[HELD_MAX]; // Later, until Release
    uint32_t held_count;
    struct jf_call *paused[HELD_MAX];
    uint32_t paused_count;
    struct jf_call *sending[HELD_MAX]; // Many, until all are out
    uint32_t sending_count;
    uint64_t gone_count;
    uint64_t held_gone_count; // Later calls whose client had gone when they were answered
};

static struct echo echo;
static volatile sig_atomic_t is_stopping;

static void finish(struct jf_call *call, enum jf_status status)
{
    jf_call_finish(call, status, (struct jf_text){0}, (struct jf_text){0}, 0);
}

static bool send_copy(struct jf_call *call, const void *bytes, uint32_t size)
{
    unsigned char *room = jf_call_send(call, size);
    if (room == NULL) {
        jf_call_finish(call, JF_STATUS_RESOURCE_EXHAUSTED, JF_TEXT("no room for the answer"),
                       (struct jf_text){0}, 7);
        return false;
    }
    if (size > 0) {
        memcpy(room, bytes, size);
    }
    return true;
}

static uint32_t number_of(const unsigned char *bytes, uint32_t size)
{
    char text[16] = {0};
    memcpy(text, bytes, size < 15 ? size : 15);
    return (uint32_t)strtoul(text, NULL, 10);
}

static void reply_big(struct jf_call *call, uint32_t size)
{
    unsigned char *room = jf_call_send(call, size);
    if (room == NULL) {
        jf_call_finish(call, JF_STATUS_RESOURCE_EXHAUSTED, JF_TEXT("no room for the answer"),
                       (struct jf_text){0}, 7);
        return;
    }
    for (uint32_t i = 0; i < size; i++) {
        room[i] = (unsigned char)(i * 31 + (i >> 8));
    }
    finish(call, JF_STATUS_OK);
}

static void release_all(void)
{
    for (uint32_t i = 0; i < echo.held_count; i++) {
        echo.held_gone_count += jf_call_is_gone(echo.held[i]) ? 1 : 0;
        if (send_copy(echo.held[i], "released", 8)) {
            finish(echo.held[i], JF_STATUS_OK);
        }
    }
    echo.held_count = 0;
}

// The number of messages that came or are still to be sent lives in the call's context.
static uint64_t number_get(struct jf_call *call)
{
    return (uint64_t)(uintptr_t)jf_call_context(call);
}

static void number_set(struct jf_call *call, uint64_t number)
{
    jf_call_set_context(call, (void *)(uintptr_t)number);
}

static void on_message(void *context, struct jf_call *call, const unsigned char *bytes,
                       uint32_t size)
{
    (void)context;
    void *copy = jf_arena_alloc(jf_call_arena(call), 64);
    JF_ASSERT(copy != NULL);
    memset(copy, 0xaa, 64);
    switch ((enum tag)jf_call_tag(call)) {
    case UNARY:
        if (send_copy(call, bytes, size)) {
            finish(call, JF_STATUS_OK);
        }
        break;
    case PAUSED:
        jf_call_pause(call);
        JF_ASSERT(echo.paused_count < HELD_MAX);
        echo.paused[echo.paused_count++] = call;
        (void)send_copy(call, bytes, size);
        break;
    case STREAM:
        (void)send_copy(call, bytes, size);
        break;
    case COUNT:
        number_set(call, number_get(call) + 1);
        break;
    case BIG:
        reply_big(call, number_of(bytes, size));
        break;
    case MANY:
        number_set(call, number_of(bytes, size));
        JF_ASSERT(echo.sending_count < HELD_MAX);
        echo.sending[echo.sending_count++] = call;
        break;
    case FAIL:
        jf_call_finish(call, (enum jf_status)number_of(bytes, size),
                       JF_TEXT("会员 7 has 50% of 100\n"), JF_TEXT("\x08\x05\x00\xff"), 1500);
        break;
    case LATER:
        JF_ASSERT(echo.held_count < HELD_MAX);
        echo.held[echo.held_count++] = call;
        break;
    case RELEASE:
        release_all();
        if (send_copy(call, "", 0)) {
            finish(call, JF_STATUS_OK);
        }
        break;
    }
}

static void on_half_close(void *context, struct jf_call *call)
{
    (void)context;
    if (jf_call_tag(call) == COUNT) {
        char text[24];
        int size = snprintf(text, sizeof text, "%llu", (unsigned long long)number_get(call));
        if (!send_copy(call, text, (uint32_t)size)) {
            return;
        }
    }
    finish(call, JF_STATUS_OK);
}

static void list_drop(struct jf_call **list, uint32_t *count, const struct jf_call *call)
{
    for (uint32_t i = 0; i < *count; i++) {
        if (list[i] == call) {
            list[i] = list[*count - 1];
            *count -= 1;
            return;
        }
    }
}

static void on_gone(void *context, struct jf_call *call)
{
    (void)context;
    JF_ASSERT(jf_call_is_gone(call));
    echo.gone_count += 1;
    if (jf_call_tag(call) == LATER && !is_stopping) {
        return; // answered when Release comes, as an engine would
    }
    list_drop(echo.held, &echo.held_count, call);
    list_drop(echo.paused, &echo.paused_count, call);
    list_drop(echo.sending, &echo.sending_count, call);
    finish(call, JF_STATUS_CANCELLED);
}

// Returns: whether all messages are sent.
static bool many_go_on(struct jf_call *call)
{
    uint64_t left = number_get(call);
    while (left > 0 && jf_call_unsent_bytes(call) < UNSENT_MAX) {
        char text[1000];
        memset(text, 'm', sizeof text);
        if (!send_copy(call, text, sizeof text)) {
            return true;
        }
        left -= 1;
    }
    number_set(call, left);
    if (left == 0) {
        finish(call, JF_STATUS_OK);
    }
    return left == 0;
}

static void on_turn(void *context)
{
    (void)context;
    for (uint32_t i = 0; i < echo.paused_count; i++) {
        jf_call_resume(echo.paused[i]);
    }
    echo.paused_count = 0;
    for (uint32_t i = 0; i < echo.sending_count;) {
        if (many_go_on(echo.sending[i])) {
            echo.sending[i] = echo.sending[--echo.sending_count];
        } else {
            i += 1;
        }
    }
}

static bool has_work(void *context)
{
    (void)context;
    return echo.paused_count > 0;
}

static void on_signal(int number)
{
    (void)number;
    is_stopping = 1;
}

static void options_parse(int count, char **texts, struct jf_net_config *config)
{
    for (int i = 1; i + 1 < count; i += 2) {
        const char *value = texts[i + 1];
        if (strcmp(texts[i], "--certificate") == 0) {
            config->tls_certificate_path = value;
        } else if (strcmp(texts[i], "--key") == 0) {
            config->tls_key_path = value;
        } else if (strcmp(texts[i], "--handshake-ms") == 0) {
            config->handshake_timeout_us = strtoull(value, NULL, 10) * 1000;
        } else if (strcmp(texts[i], "--idle-ms") == 0) {
            config->idle_timeout_us = strtoull(value, NULL, 10) * 1000;
        } else if (strcmp(texts[i], "--connections") == 0) {
            config->connections_max = (uint32_t)strtoul(value, NULL, 10);
        } else if (strcmp(texts[i], "--address") == 0) {
            config->address = value;
        } else if (strcmp(texts[i], "--port") == 0) {
            config->port = (uint16_t)strtoul(value, NULL, 10);
        }
    }
}

static void counters_print(const struct jf_net *net)
{
    struct jf_net_counters counters;
    jf_net_counters_read(net, &counters);
    printf("{\"accepted\": %llu, \"refused\": %llu, \"connections\": %llu, \"calls\": %llu, "
           "\"calls_open\": %llu, \"protocol_errors\": %llu, \"gone\": %llu, \"held_gone\": "
           "%llu}\n",
           (unsigned long long)counters.connections_accepted,
           (unsigned long long)counters.connections_refused,
           (unsigned long long)counters.connections_open,
           (unsigned long long)counters.calls_started, (unsigned long long)counters.calls_open,
           (unsigned long long)counters.protocol_errors, (unsigned long long)echo.gone_count,
           (unsigned long long)echo.held_gone_count);
    fflush(stdout);
}

static int serve(struct jf_net *net)
{
    printf("port %u\n", jf_net_port(net));
    fflush(stdout);
    while (!is_stopping) {
        jf_net_turn(net, TURN_US);
    }
    jf_net_drain(net);
    uint32_t turns = 0;
    while (!jf_net_is_idle(net) && turns < DRAIN_TURNS) {
        jf_net_turn(net, TURN_US);
        turns += 1;
    }
    bool is_idle = jf_net_is_idle(net);
    counters_print(net);
    return is_idle ? 0 : 1;
}

int main(int count, char **texts)
{
    struct jf_net_config config = {.address = "127.0.0.1",
                                   .connections_max = 1000,
                                   .streams_per_connection_max = 256,
                                   .idle_timeout_us = 600000000,
                                   .handshake_timeout_us = 10000000};
    options_parse(count, texts, &config);
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGTERM, &action, NULL);
    const struct jf_net_handler handler = {
        .methods = methods,
        .method_count = sizeof methods / sizeof methods[0],
        .on_message = on_message,
        .on_half_close = on_half_close,
        .on_gone = on_gone,
        .on_turn = on_turn,
        .has_work = has_work,
    };
    struct jf_diagnosis diagnosis = {0};
    struct jf_ring ring = {0};
    struct jf_net *net = NULL;
    int code = 1;
    if (jf_ring_init(&ring, RING_ENTRIES, &diagnosis) == JF_OK &&
        jf_net_create(&config, &handler, &ring, &net, &diagnosis) == JF_OK) {
        code = serve(net);
    } else {
        fprintf(stderr, "echo_server: %s\n", diagnosis.text);
    }
    jf_net_destroy(net);
    jf_ring_deinit(&ring);
    return code;
}
