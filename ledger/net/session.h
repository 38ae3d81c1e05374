// An HTTP/2 session on a link, and the sending half of a gRPC call: what server and client have in
// common. One thread.
#ifndef JF_NET_SESSION_H
#define JF_NET_SESSION_H

#include <nghttp2/nghttp2.h>

#include "net/link.h"

// One gRPC response may be larger than a request: the answers to a batch.
#define JF_SESSION_SEND_BYTES_MAX (4u * JF_MESSAGE_BYTES_MAX + 5u)

// A header that stays valid as long as the program: nghttp2 copies neither part.
#define JF_SESSION_HEADER(name_literal, value_literal)                                             \
    {                                                                                              \
        (uint8_t *)(uintptr_t)(name_literal), (uint8_t *)(uintptr_t)(value_literal),               \
            sizeof(name_literal) - 1, sizeof(value_literal) - 1,                                   \
            NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE                           \
    }

// Embedded first in its owner.
struct jf_session {
    struct jf_link link; // first: a link's owner is found by its address
    nghttp2_session *h2; // NULL until created
    bool is_silent;      // nothing may be sent yet (or any more)
    bool is_broken;      // mem_recv failed
};

// What a call sends: framed messages that are not yet in DATA frames. Embedded first in a call.
struct jf_outbox {
    struct jf_buffer buffer;
    struct jf_session *session; // NULL: the stream is gone
    int32_t stream_id;
    bool is_deferred; // nghttp2 waits to be told that there is more
    bool is_ended;    // nothing will follow
};

// Room for one message of `size` bytes; framing is written here. In: budget as for buffers.
// Returns: where to write it, until the next call; NULL when memory says no.
unsigned char *jf_outbox_message(struct jf_outbox *outbox, uint32_t size, struct jf_budget *budget);
// More was put in or it ended: lets nghttp2 go on.
void jf_outbox_go_on(struct jf_outbox *outbox);

// nghttp2's send-data callback for outboxes; the data source's pointer is the outbox.
int jf_session_send_data(nghttp2_session *h2, nghttp2_frame *frame, const uint8_t *frame_header,
                         size_t length, nghttp2_data_source *source, void *user_data);
// The part of a read callback that both sides share: how much of `length` can be sent.
// Returns: bytes, or NGHTTP2_ERR_DEFERRED.
ssize_t jf_outbox_read(struct jf_outbox *outbox, size_t length, uint32_t *data_flags);

// Feeds received bytes. Returns: 0, or nghttp2's error, after which only sending what is queued is
// left.
int jf_session_receive(struct jf_session *session, const unsigned char *bytes, uint32_t size);
// on_flush of a link: frames are gathered while there is room; reading stops while the socket is
// stuck.
void jf_session_flush(struct jf_session *session);
void jf_session_deinit(struct jf_session *session);

#endif
