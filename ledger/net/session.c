// Bytes received go into nghttp2, which calls the owner's callbacks; frames come out when the link
// asks. Message bytes go from the outbox into the link's buffer without passing through nghttp2.
// Failures: a protocol error lets nghttp2 queue its GOAWAY, after which the link is finished;
// running out of memory closes the link.
#include "net/session.h"

#include <string.h>

#include "base/assert.h"
#include "base/limits.h"
#include "net/grpc.h"

unsigned char *jf_outbox_message(struct jf_outbox *outbox, uint32_t size, struct jf_budget *budget)
{
    JF_ASSERT(!outbox->is_ended);
    JF_ASSERT(size + JF_GRPC_PREFIX_BYTES <= JF_SESSION_SEND_BYTES_MAX);
    uint32_t framed = size + JF_GRPC_PREFIX_BYTES;
    uint32_t held = jf_buffer_size(&outbox->buffer);
    uint32_t size_max =
        held + framed > JF_SESSION_SEND_BYTES_MAX ? held + framed : JF_SESSION_SEND_BYTES_MAX;
    // Streams that nobody reads must stop somewhere: two of the largest messages.
    if (held > JF_SESSION_SEND_BYTES_MAX ||
        !jf_buffer_reserve(&outbox->buffer, framed, size_max, budget)) {
        return NULL;
    }
    unsigned char *at = outbox->buffer.bytes + outbox->buffer.end;
    jf_grpc_prefix_write(at, size);
    outbox->buffer.end += framed;
    return at + JF_GRPC_PREFIX_BYTES;
}

void jf_outbox_go_on(struct jf_outbox *outbox)
{
    if (outbox->session == NULL) {
        return;
    }
    if (outbox->is_deferred) {
        outbox->is_deferred = false;
        if (nghttp2_session_resume_data(outbox->session->h2, outbox->stream_id) ==
            NGHTTP2_ERR_NOMEM) {
            jf_link_close(&outbox->session->link, "out of memory");
        }
    }
    jf_link_touch(&outbox->session->link);
}

ssize_t jf_outbox_read(struct jf_outbox *outbox, size_t length, uint32_t *data_flags)
{
    uint32_t held = jf_buffer_size(&outbox->buffer);
    if (held == 0 && !outbox->is_ended) {
        outbox->is_deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    size_t size = held < length ? held : length;
    *data_flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (size == held && outbox->is_ended) {
        *data_flags |= NGHTTP2_DATA_FLAG_EOF;
    }
    return (ssize_t)size;
}

int jf_session_send_data(nghttp2_session *h2, nghttp2_frame *frame, const uint8_t *frame_header,
                         size_t length, nghttp2_data_source *source, void *user_data)
{
    (void)h2;
    struct jf_session *session = user_data;
    struct jf_outbox *outbox = source->ptr;
    JF_ASSERT(frame->data.padlen == 0);
    JF_ASSERT(length <= jf_buffer_size(&outbox->buffer));
    if (!jf_link_has_room(&session->link)) {
        return NGHTTP2_ERR_WOULDBLOCK;
    }
    if (!jf_link_put(&session->link, frame_header, 9) ||
        (length > 0 &&
         !jf_link_put(&session->link, jf_buffer_front(&outbox->buffer), (uint32_t)length))) {
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    jf_buffer_take(&outbox->buffer, (uint32_t)length);
    return 0;
}

int jf_session_receive(struct jf_session *session, const unsigned char *bytes, uint32_t size)
{
    jf_link_touch(&session->link);
    if (session->is_broken) {
        return 0;
    }
    ssize_t taken = nghttp2_session_mem_recv(session->h2, bytes, size);
    if (jf_pool_is_short(&session->link.hub->pool)) {
        jf_link_close(&session->link, "out of memory");
        return 0;
    }
    if (taken < 0) {
        session->is_broken = true;
        return (int)taken;
    }
    JF_ASSERT(taken == (ssize_t)size);
    return 0;
}

static bool frames_gather(struct jf_session *session)
{
    while (jf_link_has_room(&session->link)) {
        const uint8_t *bytes = NULL;
        ssize_t size = nghttp2_session_mem_send(session->h2, &bytes);
        if (jf_pool_is_short(&session->link.hub->pool)) {
            return false;
        }
        if (size < 0 || (size > 0 && !jf_link_put(&session->link, bytes, (uint32_t)size))) {
            return false;
        }
        if (size == 0) {
            return true;
        }
    }
    return true;
}

void jf_session_flush(struct jf_session *session)
{
    struct jf_link *link = &session->link;
    if (session->is_silent) {
        return;
    }
    if (!frames_gather(session)) {
        jf_link_close(link, "out of memory");
        return;
    }
    if (!jf_link_has_room(link) && link->is_sending) {
        jf_link_pause(link);
    } else {
        jf_link_resume(link);
    }
    if (session->is_broken || (nghttp2_session_want_read(session->h2) == 0 &&
                               nghttp2_session_want_write(session->h2) == 0)) {
        if (jf_link_has_room(link)) {
            link->is_finishing = true;
        }
    }
}

void jf_session_deinit(struct jf_session *session)
{
    nghttp2_session_del(session->h2);
    session->h2 = NULL;
}
