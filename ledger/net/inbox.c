// The prefix is looked at as soon as its five bytes are there, before anything of the message is
// held. Fails by an event that says why; the caller ends the call with the status that fits.
#include "net/inbox.h"

#include "base/assert.h"
#include "net/grpc.h"

static enum jf_inbox_event prefix_check(const struct jf_inbox *inbox, const unsigned char *prefix)
{
    if (prefix[0] > 1) {
        return JF_INBOX_MALFORMED;
    }
    if (jf_grpc_prefix_size(prefix) > inbox->message_bytes_max) {
        return JF_INBOX_TOO_LARGE;
    }
    return prefix[0] == 1 ? JF_INBOX_COMPRESSED : JF_INBOX_MORE;
}

bool jf_inbox_is_whole(const struct jf_inbox *inbox, struct jf_span input,
                       struct jf_span *out_message)
{
    if (jf_buffer_size(&inbox->buffer) > 0 || input.size < JF_GRPC_PREFIX_BYTES ||
        prefix_check(inbox, input.bytes) != JF_INBOX_MORE ||
        input.size - JF_GRPC_PREFIX_BYTES != jf_grpc_prefix_size(input.bytes)) {
        return false;
    }
    *out_message =
        (struct jf_span){input.bytes + JF_GRPC_PREFIX_BYTES, input.size - JF_GRPC_PREFIX_BYTES};
    return true;
}

// Moves up to `wanted` - held bytes from the input into the buffer.
static bool fill(struct jf_inbox *inbox, struct jf_span *input, uint32_t wanted, uint32_t size_max)
{
    uint32_t held = jf_buffer_size(&inbox->buffer);
    JF_ASSERT(held <= wanted);
    uint32_t size = wanted - held < input->size ? wanted - held : input->size;
    if (!jf_buffer_append(&inbox->buffer, input->bytes, size, size_max, inbox->budget)) {
        return false;
    }
    input->bytes += size;
    input->size -= size;
    return true;
}

// Takes bytes until one message is whole or the input ends.
static enum jf_inbox_event gather(struct jf_inbox *inbox, struct jf_span *input)
{
    if (jf_buffer_size(&inbox->buffer) < JF_GRPC_PREFIX_BYTES) {
        if (!fill(inbox, input, JF_GRPC_PREFIX_BYTES, JF_GRPC_PREFIX_BYTES)) {
            return JF_INBOX_NO_MEMORY;
        }
        if (jf_buffer_size(&inbox->buffer) < JF_GRPC_PREFIX_BYTES) {
            return JF_INBOX_MORE;
        }
        enum jf_inbox_event event = prefix_check(inbox, jf_buffer_front(&inbox->buffer));
        if (event != JF_INBOX_MORE) {
            return event;
        }
    }
    uint32_t whole = JF_GRPC_PREFIX_BYTES + jf_grpc_prefix_size(jf_buffer_front(&inbox->buffer));
    if (!fill(inbox, input, whole, whole)) {
        return JF_INBOX_NO_MEMORY;
    }
    return jf_buffer_size(&inbox->buffer) == whole ? JF_INBOX_MESSAGE : JF_INBOX_MORE;
}

enum jf_inbox_event jf_inbox_next(struct jf_inbox *inbox, struct jf_span *input,
                                  struct jf_span *out_message)
{
    if (inbox->is_taken) {
        jf_inbox_clear(inbox);
    }
    if (input->size == 0) {
        return JF_INBOX_MORE;
    }
    if (jf_buffer_size(&inbox->buffer) == 0 && input->size >= JF_GRPC_PREFIX_BYTES) {
        enum jf_inbox_event event = prefix_check(inbox, input->bytes);
        if (event != JF_INBOX_MORE) {
            return event;
        }
        uint32_t size = jf_grpc_prefix_size(input->bytes);
        if (input->size - JF_GRPC_PREFIX_BYTES >= size) {
            *out_message = (struct jf_span){input->bytes + JF_GRPC_PREFIX_BYTES, size};
            input->bytes += JF_GRPC_PREFIX_BYTES + size;
            input->size -= JF_GRPC_PREFIX_BYTES + size;
            return JF_INBOX_MESSAGE;
        }
    }
    enum jf_inbox_event event = gather(inbox, input);
    if (event == JF_INBOX_MESSAGE) {
        *out_message = jf_inbox_message(inbox);
        inbox->is_taken = true;
    }
    return event;
}

enum jf_inbox_event jf_inbox_collect(struct jf_inbox *inbox, struct jf_span input)
{
    enum jf_inbox_event event = gather(inbox, &input);
    return event == JF_INBOX_MESSAGE && input.size > 0 ? JF_INBOX_EXTRA : event;
}

struct jf_span jf_inbox_message(const struct jf_inbox *inbox)
{
    const unsigned char *front = jf_buffer_front(&inbox->buffer);
    uint32_t held = jf_buffer_size(&inbox->buffer);
    JF_ASSERT(held >= JF_GRPC_PREFIX_BYTES);
    JF_ASSERT(held == JF_GRPC_PREFIX_BYTES + jf_grpc_prefix_size(front));
    return (struct jf_span){front + JF_GRPC_PREFIX_BYTES, held - JF_GRPC_PREFIX_BYTES};
}

bool jf_inbox_is_empty(const struct jf_inbox *inbox)
{
    return inbox->is_taken || jf_buffer_size(&inbox->buffer) == 0;
}

void jf_inbox_clear(struct jf_inbox *inbox)
{
    jf_buffer_clear(&inbox->buffer, JF_BUFFER_KEPT_BYTES, inbox->budget);
    inbox->is_taken = false;
}
