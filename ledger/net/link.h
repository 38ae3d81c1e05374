// One TCP connection on the ring, plain or TLS: plain text bytes in and out. Server and client
// share it. One thread. The owner embeds the link, and frees it in on_reaped, never before.
//
// Output is pulled: whoever has something to send calls jf_link_touch; at the end of the turn
// on_flush asks for as many bytes as there is room, and they leave in one send.
#ifndef JF_NET_LINK_H
#define JF_NET_LINK_H

#include <netinet/in.h>
#include <stdbool.h>

#include "net/buffer.h"
#include "net/hub.h"
#include "net/tls.h"

// Output gathered and not yet in the socket: on_flush stops above it, and so does reading. While
// all links together hold more than the hub likes, each gathers little, and nothing while it sends.
#define JF_LINK_UNSENT_BYTES_MAX   (256u << 10)
#define JF_LINK_UNSENT_BYTES_LADEN (4u << 10)
#define JF_LINK_KEPT_BYTES         (64u << 10)
// A socket that takes less in the time of a stall does not move.
#define JF_LINK_PROGRESS_BYTES (16u << 10)
// What is read and thrown away while the peer is waited for to close: twice what it may have on its
// way.
#define JF_LINK_LINGER_BYTES_MAX (16u << 20)
#define JF_LINK_TRIM_US          1000000u // buffers of a link that was quiet for so long are freed

struct jf_link;

enum jf_link_state {
    JF_LINK_NEW,
    JF_LINK_CONNECTING,
    JF_LINK_SECURING, // TLS handshake
    JF_LINK_OPEN,
    JF_LINK_LINGERING, // all is sent; waits for the peer to close, so that nothing of it is lost
    JF_LINK_CLOSING,   // waits for its operations to end
};

struct jf_link_events {
    void (*on_open)(struct jf_link *link); // may send and receive now
    void (*on_bytes)(struct jf_link *link, const unsigned char *bytes, uint32_t size);
    void (*on_flush)(struct jf_link *link);  // put output with jf_link_put while there is room
    void (*on_reaped)(struct jf_link *link); // closed for good: free it
};

struct jf_link {
    struct jf_hub *hub;
    const struct jf_link_events *events;
    struct jf_tls *tls; // NULL: plain text
    int fd;
    enum jf_link_state state;
    uint32_t operations; // in flight: receive, send, connect
    bool is_receiving;
    bool is_paused;
    bool is_deaf;
    bool is_sending;
    bool is_finishing;
    bool is_dirty;
    struct jf_completion receive;
    struct jf_completion send;
    struct jf_completion connect;
    struct jf_buffer gathered; // by on_flush, for the next send
    struct jf_buffer sending;
    struct jf_link *next_dirty;
    struct jf_link *next_dead;
    uint64_t heard_us;     // when bytes last came, or it was opened
    uint64_t progress_us;  // when the socket last took enough, or a send began on an empty socket
    uint32_t taken_bytes;  // since then
    uint64_t lingering_us; // since when
    uint64_t lingered_bytes;
    const char *failure; // why it closed, static; NULL when in order
    struct sockaddr_storage address;
    uint32_t address_size;
};

// In: fd: owned from here. tls: owned from here, or NULL. Zeroed link.
void jf_link_init(struct jf_link *link, struct jf_hub *hub, const struct jf_link_events *events,
                  int fd, struct jf_tls *tls);
// Server side: the socket is connected.
void jf_link_start(struct jf_link *link);
// Client side: connects to link->address first.
void jf_link_connect(struct jf_link *link);

// There is something to send.
void jf_link_touch(struct jf_link *link);
// Within on_flush. Returns: false when out of memory.
bool jf_link_put(struct jf_link *link, const void *bytes, uint32_t size);
bool jf_link_has_room(const struct jf_link *link);
// Bytes gathered or in the socket's hands.
uint32_t jf_link_unsent_bytes(const struct jf_link *link);

// Stops and resumes reading from the socket. Bytes already received may still come.
void jf_link_pause(struct jf_link *link);
void jf_link_resume(struct jf_link *link);
// Never reads again, not even to let the peer close first: for peers that flood.
void jf_link_deafen(struct jf_link *link);

// Frees the buffers of a link that has nothing to do.
void jf_link_trim(struct jf_link *link);

// Sends what is gathered, then closes in order.
void jf_link_finish(struct jf_link *link);
// Closes at once. In: failure: why, static text, or NULL. Idempotent; the first reason stays.
void jf_link_close(struct jf_link *link, const char *failure);

// For the hub.
void jf_link_flush(struct jf_link *link);
void jf_link_reap(struct jf_link *link);

#endif
