// The client's side of a connection: whatever a server answers, each call ends exactly once, and
// when the connection is gone nothing of it is left.
//
// Input: a byte: bit 1: bytes as they are, not frames; bits 2–3: size of the pieces; bits 4–5: what
// a send takes; bit 6: the connection is reset; bit 7: a call is cancelled halfway. Then the
// frames.
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "net/client_local.h"
#include "tests/fuzz/http2.h"
#include "tests/fuzz/ring_fake.h"

#define CALLS_MAX  4u
#define FRAMES_MAX 64u
#define TURNS_MAX  64u

static const struct http2_headers known[] = {
    {"\x88", 1}, // 200
    {"\x88\x0f\x10\x10"
     "application/grpc",
     20},
    {"\x00\x0bgrpc-status\x01"
     "0",
     15},
    {"\x00\x0bgrpc-status\x01"
     "5\x00\x0cgrpc-message\x05"
     "a%20b",
     35},
    {"\x88\x00\x0bgrpc-status\x02"
     "14\x00\x16grpc-retry-pushback-ms\x02"
     "50",
     44},
    {"\x8d", 1}, // 404
    {"\x88\x00\x0bgrpc-status\x01"
     "0",
     16},
    {"\x00\x0bgrpc-status\x01"
     "3\x00\x17grpc-status-details-bin\x04"
     "CAUS",
     45},
};

static uint32_t ended[CALLS_MAX];
static struct jf_client_call *calls[CALLS_MAX];

static void on_message(void *context, struct jf_client_call *call, const unsigned char *bytes,
                       uint32_t size)
{
    const uint32_t *index = context;
    JF_ASSERT(ended[*index] == 0);
    JF_ASSERT(calls[*index] == call);
    unsigned sum = 0;
    for (uint32_t i = 0; i < size; i++) {
        sum += bytes[i];
    }
    JF_ASSERT(sum <= size * 255u);
}

static void on_done(void *context, struct jf_client_call *call,
                    const struct jf_client_result *result)
{
    const uint32_t *index = context;
    JF_ASSERT(ended[*index] == 0);
    JF_ASSERT(calls[*index] == call || calls[*index] == NULL);
    JF_ASSERT(result->status <= JF_STATUS_UNAUTHENTICATED);
    JF_ASSERT(result->message.size == 0 || result->message.data != NULL);
    ended[*index] += 1;
    calls[*index] = NULL;
}

static const struct jf_client_events events = {on_message, on_done};

static void calls_start(struct jf_client *client)
{
    static uint32_t indices[CALLS_MAX];
    for (uint32_t i = 0; i < CALLS_MAX; i++) {
        indices[i] = i;
        ended[i] = 0;
        calls[i] = NULL;
        calls[i] = jf_client_call_start(client, JF_TEXT("/f.F/U"), &events, &indices[i],
                                        i == 3 ? 5000000 : 0);
        JF_ASSERT(calls[i] != NULL);
        unsigned char *room = jf_client_call_send(calls[i], i * 1000);
        JF_ASSERT(room != NULL);
        memset(room, 'm', (size_t)i * 1000);
        if (i != 2) { // that one stays open
            jf_client_call_half_close(calls[i]);
        }
    }
}

static void give(struct jf_clients *clients, struct jf_text bytes, uint32_t piece_max)
{
    for (uint32_t done = 0; done < bytes.size && clients->list != NULL;) {
        uint32_t piece = bytes.size - done < piece_max ? bytes.size - done : piece_max;
        if (clients->list->is_dead ||
            !ring_fake_receive(&clients->list->session.link,
                               (const unsigned char *)bytes.data + done, piece)) {
            return;
        }
        done += piece;
        jf_clients_turn(clients, 0);
    }
}

static void connection_end(struct jf_clients *clients, struct jf_client *client, bool is_reset)
{
    ring_fake_send_max(UINT32_MAX);
    jf_clients_turn(clients, 0);
    if (!client->is_dead) {
        ring_fake_hang_up(&client->session.link, is_reset);
    }
    for (uint32_t i = 0; i < TURNS_MAX && clients->hub.link_count > 0; i++) {
        jf_clients_turn(clients, 0);
    }
    JF_ASSERT(clients->hub.link_count == 0);
    JF_ASSERT(jf_client_failure(client) != NULL);
    JF_ASSERT(jf_client_call_count(client) == 0);
    for (uint32_t i = 0; i < CALLS_MAX; i++) {
        JF_ASSERT(ended[i] == 1);
    }
    jf_client_close(client);
    JF_ASSERT(clients->list == NULL);
    JF_ASSERT(clients->hub.pool.live_blocks == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const uint32_t pieces[] = {JF_HUB_BUFFER_BYTES, 100, 7, 1};
    static const uint32_t sends[] = {UINT32_MAX, 1000, 50, 0};
    static struct jf_ring ring;
    static struct jf_clients *clients;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    if (clients == NULL) {
        enum jf_error error = jf_clients_create(&ring, &clients, &diagnosis);
        JF_ASSERT(error == JF_OK);
    }
    struct fuzz_input input = {bytes, size};
    uint8_t how = fuzz_u8(&input);
    uint32_t piece = pieces[how >> 2 & 3];
    ring_fake_send_max(sends[how >> 4 & 3]);
    const struct jf_client_config config = {.address = "127.0.0.1", .port = 1};
    struct jf_client *client = NULL;
    enum jf_error error = jf_client_open(clients, &config, &client, &diagnosis);
    JF_ASSERT(error == JF_OK);
    calls_start(client);
    jf_clients_turn(clients, 0);
    static const char settings[] = "\0\0\0\4\0\0\0\0";
    give(clients, (struct jf_text){settings, sizeof settings}, piece);
    if ((how & 2) != 0) {
        give(clients, fuzz_bytes(&input, input.left), piece);
    }
    for (uint32_t i = 0; (how & 2) == 0 && i < FRAMES_MAX && input.left > 0; i++) {
        struct jf_text frame =
            http2_frame_take(&input, known, (uint32_t)(sizeof known / sizeof known[0]));
        give(clients, frame, piece);
        if ((how & 0x80) != 0 && i == 2 && calls[1] != NULL) {
            jf_client_call_cancel(calls[1]);
        }
    }
    connection_end(clients, client, (how & 0x40) != 0);
    return 0;
}
