// Answers, read without being unpacked: the generator must cost little, and must still look at
// each. Threads: any.
#ifndef JF_BENCH_WIRE_H
#define JF_BENCH_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

// What answers said, summed up. Caller's memory, from zeroes.
struct jf_answers {
    uint64_t accepted;     // outcomes with a position
    uint64_t replayed;     // of these: first answers again
    uint64_t refused;      // refusals in batches and streams
    uint64_t position_max; // newest position among the accepted
    char refusal[160];     // the first one: "CODE: message"
};

// Reads one answer message whole and adds to `answers`. Returns: false for bytes that are no such
// message, or that hold neither a position nor a refusal; then `answers` may be half filled.
typedef bool (*jf_answer_reader)(struct jf_text bytes, struct jf_answers *answers);

bool jf_answer_write(struct jf_text bytes, struct jf_answers *answers);  // PostSale, Enrol, ...
bool jf_answer_batch(struct jf_text bytes, struct jf_answers *answers);  // PostBatch
bool jf_answer_stream(struct jf_text bytes, struct jf_answers *answers); // one of Stream
bool jf_answer_health(struct jf_text bytes, struct jf_answers *answers); // SERVING counts

// One field of a message. https://protobuf.dev/programming-guides/encoding/
struct jf_wire_field {
    uint32_t number;
    uint32_t type;        // 0 varint, 1 eight bytes, 2 bytes, 5 four bytes
    uint64_t value;       // types 0, 1, 5
    struct jf_text bytes; // type 2
};

// Takes the next field off `message`. Returns: false when it is malformed; call only with size > 0.
bool jf_wire_next(struct jf_text *message, struct jf_wire_field *out_field);

// Writes a varint. Returns: its size, 1..10.
uint32_t jf_wire_varint(uint64_t value, unsigned char *out_bytes);
// Bytes that a varint of `value` takes.
uint32_t jf_wire_varint_size(uint64_t value);

#endif
