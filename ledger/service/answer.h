// What the engine answers as response messages. Outcomes are spliced in as the bytes that the
// engine gives: a retry's answer is the first one's, byte for byte (invariant 4). Threads: the
// call's.
#ifndef JF_SERVICE_ANSWER_H
#define JF_SERVICE_ANSWER_H

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"
#include "engine/request.h"
#include "net/net.h"

// The content of a WriteResult: an outcome or a refusal, encoded. Every response of a single write
// has the outcome in the same places.
struct jf_answer {
    struct jf_text outcome; // jifen.v1.Outcome
    struct jf_text refusal; // jifen.v1.Refusal; size 0: none
    bool is_replayed;
};

// What became of a write that was collected. Returns: the answer, its refusal encoded in `arena`;
// with both texts empty when the arena is full.
struct jf_answer jf_answer_of_write(const struct jf_write *write, struct jf_arena *arena);

uint64_t jf_answer_size(const struct jf_answer *answer);
// Writes jf_answer_size bytes. Returns: their end.
unsigned char *jf_answer_put(unsigned char *to, const struct jf_answer *answer);

// Ends a unary call with the message, or with RESOURCE_EXHAUSTED where it does not fit.
void jf_answer_finish(struct jf_call *call, const ProtobufCMessage *message);

// A terminated copy, for a message's string field. Returns: NULL when the arena is full.
char *jf_answer_text(struct jf_text text, struct jf_arena *arena);

// Packs and sends a message of a stream. Returns: whether there was room.
bool jf_answer_send(struct jf_call *call, const ProtobufCMessage *message);

// Bytes as lower-case hexadecimal digits and a NUL. In: out_text of 2 × size + 1 bytes.
void jf_answer_hexadecimal(const unsigned char *bytes, uint32_t size, char *out_text);

#endif
