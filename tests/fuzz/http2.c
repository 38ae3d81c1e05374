// Straight assembly of one frame in static memory. Fails never: what the input lacks is zero.
#include "tests/fuzz/http2.h"

#include <string.h>

static unsigned char frame[HTTP2_FRAME_ROOM];

static uint32_t stream_of(uint8_t choice, struct fuzz_input *input)
{
    if (choice < 16) {
        return choice * 2u + 1;
    }
    switch (choice % 4) {
    case 0:
        return 0;
    case 1:
        return 2;
    case 2:
        return choice;
    default:
        return (uint32_t)fuzz_u64(input);
    }
}

static void header_put(uint32_t size, uint8_t type, uint8_t flags, uint32_t stream)
{
    const unsigned char header[HTTP2_FRAME_BYTES] = {(unsigned char)(size >> 16),
                                                     (unsigned char)(size >> 8),
                                                     (unsigned char)size,
                                                     type,
                                                     flags,
                                                     (unsigned char)(stream >> 24),
                                                     (unsigned char)(stream >> 16),
                                                     (unsigned char)(stream >> 8),
                                                     (unsigned char)stream};
    memcpy(frame, header, sizeof header);
}

static void content_put(uint32_t at, const void *bytes, uint32_t size)
{
    if (size > 0) {
        memcpy(frame + HTTP2_FRAME_BYTES + at, bytes, size);
    }
}

struct jf_text http2_frame_take(struct fuzz_input *input, const struct http2_headers *known,
                                uint32_t known_count)
{
    uint8_t kind = fuzz_u8(input) % HTTP2_KINDS;
    uint8_t flags = fuzz_u8(input);
    uint32_t stream = stream_of(fuzz_u8(input), input);
    uint32_t wanted = fuzz_u8(input);
    uint32_t size = 0;
    if (kind == HTTP2_HEADERS_KNOWN) {
        const struct http2_headers *headers = &known[wanted % known_count];
        content_put(0, headers->bytes, headers->size);
        size = headers->size;
        header_put(size, 1, (uint8_t)((flags & HTTP2_FLAG_END_STREAM) | HTTP2_FLAG_END_HEADERS),
                   stream);
    } else if (kind == HTTP2_MESSAGE) {
        struct jf_text message = fuzz_bytes(input, wanted);
        const unsigned char prefix[5] = {0, 0, 0, 0, (unsigned char)message.size};
        content_put(0, prefix, sizeof prefix);
        content_put(sizeof prefix, message.data, message.size);
        size = message.size + (uint32_t)sizeof prefix;
        header_put(size, 0, flags & HTTP2_FLAG_END_STREAM, stream);
    } else {
        wanted = (flags & 0x80) != 0 ? wanted * 64 : wanted;
        struct jf_text content = fuzz_bytes(input, wanted);
        content_put(0, content.data, content.size);
        size = content.size;
        header_put(size, kind, flags & 0x7f, stream);
    }
    return (struct jf_text){(const char *)frame, size + HTTP2_FRAME_BYTES};
}
