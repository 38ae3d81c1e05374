// The server's side of a connection, from the bytes behind TLS to the handler and back: any bytes,
// or frames assembled from the input, in pieces of any size, to a peer that reads as it likes. When
// the connection is gone nothing of it is left: no call, no byte counted, no block of memory.
//
// Input: a byte: bit 0: without the client's preface; bit 1: bytes as they are, not frames; bits
// 2–3: size of the pieces; bits 4–5: what a send takes; bit 6: time passes between pieces; bit 7:
// the server drains halfway. Then the frames.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "net/server.h"
#include "tests/fuzz/http2.h"
#include "tests/fuzz/ring_fake.h"

#define CALLS_MAX  64u
#define FRAMES_MAX 64u
#define TURNS_MAX  64u
#define PASSES_US  UINT64_C(7000000)

enum tag {
    UNARY,
    STREAM,
    PAUSED,
    COUNT,
    MANY,
    FAIL,
    LATER
};

static const struct jf_net_method methods[] = {
    {"/f.F/U", false, false, UNARY}, {"/f.F/S", true, true, STREAM}, {"/f.F/P", true, true, PAUSED},
    {"/f.F/C", true, false, COUNT},  {"/f.F/M", false, true, MANY},  {"/f.F/F", false, false, FAIL},
    {"/f.F/L", false, false, LATER},
};

// POST, http, the path, an authority, the content type.
#define REQUEST(path)                                                                              \
    "\x83\x86\x04\x06" path "\x01\x01"                                                             \
    "a\x0f\x10\x10"                                                                                \
    "application/grpc"
#define HEADERS(path)                                                                              \
    {                                                                                              \
        REQUEST(path), sizeof REQUEST(path) - 1                                                    \
    }
#define TIMEOUT                                                                                    \
    "\x00\x0cgrpc-timeout\x02"                                                                     \
    "9u"

static const struct http2_headers known[] = {
    HEADERS("/f.F/U"),
    HEADERS("/f.F/S"),
    HEADERS("/f.F/P"),
    HEADERS("/f.F/C"),
    HEADERS("/f.F/M"),
    HEADERS("/f.F/F"),
    HEADERS("/f.F/L"),
    HEADERS("/f.F/x"),                       // unknown
    {"\x82\x86\x84\x01\x01z", 6},            // GET /
    {"\x83\x86\x04\x06/f.F/U\x01\x01z", 13}, // no content type
    {REQUEST("/f.F/U") TIMEOUT, sizeof(REQUEST("/f.F/U") TIMEOUT) - 1},
};

static struct jf_call *waiting[CALLS_MAX]; // PAUSED, MANY, LATER
static uint32_t waiting_count;
static bool is_over; // calls that wait are answered

static void finish(struct jf_call *call, enum jf_status status)
{
    jf_call_finish(call, status, JF_TEXT("会员 50%\n"), JF_TEXT("\x08\x05\xff"), 7);
}

static bool send_copy(struct jf_call *call, const void *bytes, uint32_t size)
{
    unsigned char *room = jf_call_send(call, size);
    if (room == NULL) {
        finish(call, JF_STATUS_RESOURCE_EXHAUSTED);
        return false;
    }
    if (size > 0) {
        memcpy(room, bytes, size);
    }
    return true;
}

static void wait_add(struct jf_call *call)
{
    JF_ASSERT(waiting_count < CALLS_MAX);
    waiting[waiting_count++] = call;
}

static void wait_drop(const struct jf_call *call)
{
    for (uint32_t i = 0; i < waiting_count; i++) {
        if (waiting[i] == call) {
            waiting[i] = waiting[--waiting_count];
            return;
        }
    }
}

static void on_message(void *context, struct jf_call *call, const unsigned char *bytes,
                       uint32_t size)
{
    (void)context;
    void *memory = jf_arena_alloc(jf_call_arena(call), size);
    JF_ASSERT(memory != NULL);
    if (size > 0) {
        memcpy(memory, bytes, size);
    }
    switch ((enum tag)jf_call_tag(call)) {
    case UNARY:
        if (send_copy(call, memory, size)) {
            finish(call, JF_STATUS_OK);
        }
        break;
    case STREAM:
        (void)send_copy(call, memory, size);
        break;
    case PAUSED:
        jf_call_pause(call);
        if (send_copy(call, memory, size)) {
            wait_drop(call);
            wait_add(call);
        }
        break;
    case COUNT:
        break;
    case FAIL:
        finish(call, (enum jf_status)(size % 17));
        break;
    case MANY:
    case LATER:
        wait_add(call);
        break;
    }
}

static void on_half_close(void *context, struct jf_call *call)
{
    (void)context;
    wait_drop(call);
    if (jf_call_tag(call) != COUNT || send_copy(call, "7", 1)) {
        finish(call, JF_STATUS_OK);
    }
}

static void on_gone(void *context, struct jf_call *call)
{
    (void)context;
    JF_ASSERT(jf_call_is_gone(call));
    if (jf_call_tag(call) == LATER && !is_over) {
        return; // answered later, as an engine would
    }
    wait_drop(call);
    finish(call, JF_STATUS_CANCELLED);
}

// Those that wait go on: a message more, the next message, or the answer.
static void on_turn(void *context)
{
    (void)context;
    uint32_t count = waiting_count;
    for (uint32_t i = 0; i < count; i++) {
        struct jf_call *call = waiting[0];
        wait_drop(call);
        switch (jf_call_tag(call)) {
        case PAUSED:
            jf_call_resume(call);
            break;
        case MANY:
            if (!is_over && jf_call_unsent_bytes(call) < 100000) {
                static char many[3000];
                if (send_copy(call, many, sizeof many)) {
                    wait_add(call);
                }
                break;
            }
            finish(call, JF_STATUS_OK);
            break;
        default:
            if (!is_over) {
                wait_add(call);
            } else if (send_copy(call, "later", 5)) {
                finish(call, JF_STATUS_OK);
            }
            break;
        }
    }
}

static bool has_work(void *context)
{
    (void)context;
    return false;
}

static struct jf_ring ring;

static struct jf_net *net_create(void)
{
    const struct jf_net_config config = {.address = "127.0.0.1",
                                         .connections_max = 8,
                                         .streams_per_connection_max = 32,
                                         .idle_timeout_us = 60000000,
                                         .handshake_timeout_us = 10000000};
    const struct jf_net_handler handler = {.methods = methods,
                                           .method_count = sizeof methods / sizeof methods[0],
                                           .on_message = on_message,
                                           .on_half_close = on_half_close,
                                           .on_gone = on_gone,
                                           .on_turn = on_turn,
                                           .has_work = has_work};
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    struct jf_net *net = NULL;
    enum jf_error error = jf_net_create(&config, &handler, &ring, &net, &diagnosis);
    JF_ASSERT(error == JF_OK);
    return net;
}

static void time_pass(struct jf_net *net)
{
    net->hub.now_us += PASSES_US;
    jf_sweep(net);
}

struct feed {
    struct jf_net *net;
    uint32_t piece;
    bool is_timed;
};

// Gives bytes in pieces as long as the link takes them.
static void give(const struct feed *feed, const void *bytes, uint32_t size)
{
    const unsigned char *at = bytes;
    for (uint32_t done = 0; done < size && feed->net->connections != NULL;) {
        uint32_t piece = size - done < feed->piece ? size - done : feed->piece;
        if (!ring_fake_receive(&feed->net->connections->session.link, at + done, piece)) {
            jf_net_turn(feed->net, 0); // paused: it may go on when something was sent
            if (feed->net->connections == NULL ||
                !ring_fake_receive(&feed->net->connections->session.link, at + done, piece)) {
                return;
            }
        }
        done += piece;
        jf_net_turn(feed->net, 0);
        if (feed->is_timed) {
            time_pass(feed->net);
        }
    }
}

static void frames_give(const struct feed *feed, struct fuzz_input *input, bool is_draining)
{
    for (uint32_t i = 0; i < FRAMES_MAX && input->left > 0; i++) {
        struct jf_text frame =
            http2_frame_take(input, known, (uint32_t)(sizeof known / sizeof known[0]));
        give(feed, frame.data, frame.size);
        if (is_draining && i == 3) {
            jf_net_drain(feed->net);
        }
    }
}

static void connection_end(struct jf_net *net)
{
    is_over = true;
    ring_fake_send_max(UINT32_MAX);
    for (uint32_t i = 0; i < 4; i++) {
        jf_net_turn(net, 0);
    }
    if (net->connections != NULL) {
        ring_fake_hang_up(&net->connections->session.link, false);
    }
    for (uint32_t i = 0; i < TURNS_MAX && (net->connection_count > 0 || net->call_count > 0); i++) {
        jf_net_turn(net, 0);
    }
    JF_ASSERT(net->connection_count == 0);
    JF_ASSERT(net->call_count == 0);
    JF_ASSERT(net->received.used_bytes == 0);
    JF_ASSERT(net->unsent.used_bytes == 0);
    JF_ASSERT(net->hub.pool.live_blocks == 0);
    JF_ASSERT(waiting_count == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const uint32_t pieces[] = {JF_HUB_BUFFER_BYTES, 100, 7, 1};
    static const uint32_t sends[] = {UINT32_MAX, 1000, 50, 0};
    static struct jf_net *net;
    if (net == NULL) {
        net = net_create();
    }
    struct fuzz_input input = {bytes, size};
    uint8_t how = fuzz_u8(&input);
    const struct feed feed = {net, pieces[how >> 2 & 3], (how & 0x40) != 0};
    is_over = false;
    ring_fake_send_max(sends[how >> 4 & 3]);
    struct jf_connection *connection =
        jf_connection_open(net, open("/dev/null", O_RDWR | O_CLOEXEC));
    JF_ASSERT(connection != NULL);
    if ((how & 1) == 0) {
        static const unsigned char greeting[] = HTTP2_PREFACE "\0\0\0\4\0\0\0\0";
        give(&feed, greeting, sizeof greeting); // the literal's NUL ends the empty SETTINGS
    }
    if ((how & 2) != 0) {
        struct jf_text raw = fuzz_bytes(&input, input.left);
        give(&feed, raw.data, raw.size);
    } else {
        frames_give(&feed, &input, (how & 0x80) != 0);
    }
    connection_end(net);
    if ((how & 0x80) != 0) { // a server that has drained takes no more
        jf_net_destroy(net);
        net = NULL;
    }
    return 0;
}
