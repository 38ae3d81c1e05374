// HTTP/2 frames out of a fuzzer's input: whole frames with their right lengths, so that mutations
// of what is inside reach the session, and not only its frame reader. Used by the targets of both
// sides of a session. One thread.
#ifndef JF_TESTS_FUZZ_HTTP2_H
#define JF_TESTS_FUZZ_HTTP2_H

#include "tests/fuzz/fuzz.h"

#define HTTP2_PREFACE          "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define HTTP2_FRAME_BYTES      9u
#define HTTP2_FRAME_ROOM       (16384u + HTTP2_FRAME_BYTES)
#define HTTP2_FLAG_END_STREAM  1u
#define HTTP2_FLAG_END_HEADERS 4u

// Kinds of frames in the input besides HTTP/2's own types 0–9.
enum http2_kind {
    HTTP2_HEADERS_KNOWN = 10, // headers that are right, by number
    HTTP2_MESSAGE = 11,       // DATA with a whole gRPC message
    HTTP2_KINDS = 12
};

// Header blocks that are right (RFC 7541, literals without indexing).
struct http2_headers {
    const char *bytes;
    uint32_t size;
};

// Takes the next frame off the input: kind, flags, stream (0–15: client streams 1–31; then 0, 2,
// and any), size, content. Returns: its bytes, until the next call.
struct jf_text http2_frame_take(struct fuzz_input *input, const struct http2_headers *known,
                                uint32_t known_count);

#endif
