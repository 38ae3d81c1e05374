// Puts gRPC messages together from the pieces in which they arrive. A message that arrives whole is
// never copied; one that is too large is never held. One thread.
#ifndef JF_NET_INBOX_H
#define JF_NET_INBOX_H

#include <stddef.h>

#include "net/buffer.h"

enum jf_inbox_event {
    JF_INBOX_MORE,       // all bytes were taken; the message is not complete
    JF_INBOX_MESSAGE,    // one whole message
    JF_INBOX_EXTRA,      // collect only: bytes after the one message
    JF_INBOX_TOO_LARGE,  // the prefix declares more than message_bytes_max
    JF_INBOX_COMPRESSED, // the compressed flag is set
    JF_INBOX_MALFORMED,  // a flag that is neither 0 nor 1
    JF_INBOX_NO_MEMORY,  // a budget or malloc says no
};

// Caller's memory. Zeroed with the two settings is empty.
struct jf_inbox {
    struct jf_buffer buffer; // prefix and message so far
    uint32_t message_bytes_max;
    bool is_taken; // the message in the buffer was handed out
    struct jf_budget *budget;
};

struct jf_span {
    const unsigned char *bytes;
    uint32_t size;
};

// Streams: takes from *bytes, *size. On JF_INBOX_MESSAGE *out_message is the message without
// prefix, until the next call or until the input dies; call again with what is left.
enum jf_inbox_event jf_inbox_next(struct jf_inbox *inbox, struct jf_span *input,
                                  struct jf_span *out_message);

// Unary: takes all bytes of a request that must hold one message. JF_INBOX_MESSAGE: it is complete.
enum jf_inbox_event jf_inbox_collect(struct jf_inbox *inbox, struct jf_span input);

// The whole message that collect has put together. Asserts that it is whole.
struct jf_span jf_inbox_message(const struct jf_inbox *inbox);

// Whether `input` is exactly one whole acceptable message and nothing is held: *out_message.
bool jf_inbox_is_whole(const struct jf_inbox *inbox, struct jf_span input,
                       struct jf_span *out_message);

// Whether no partial message is held.
bool jf_inbox_is_empty(const struct jf_inbox *inbox);

// Forgets what is held; keeps a small buffer.
void jf_inbox_clear(struct jf_inbox *inbox);

#endif
