// Protobuf's wire format by hand, for the few places where messages are taken apart or put together
// without being decoded: outcomes spliced into answers, google.rpc.Status, descriptors for
// reflection. https://protobuf.dev/programming-guides/encoding/. Threads: any; pure; nothing here
// allocates.
#ifndef JF_SERVICE_WIRE_H
#define JF_SERVICE_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "base/text.h"

enum jf_wire_type {
    JF_WIRE_VARINT = 0,
    JF_WIRE_FIXED64 = 1,
    JF_WIRE_BYTES = 2,
    JF_WIRE_FIXED32 = 5,
};

struct jf_wire_field {
    uint32_t number;
    enum jf_wire_type type;
    uint64_t value;       // VARINT, FIXED64, FIXED32
    struct jf_text bytes; // BYTES: within the message
};

// Takes the next field off the front of *rest. Returns: false at the end and where *rest is
// malformed (then rest->size is not 0).
bool jf_wire_next(struct jf_text *rest, struct jf_wire_field *out_field);

// The last occurrence of a BYTES field; size 0 and data NULL where there is none.
struct jf_text jf_wire_find(struct jf_text message, uint32_t number);

#define JF_WIRE_PATH_MAX 128u // of jifen.v1 the longest is a third of it

// Looks for a NUL byte in any string field of a message. protobuf-c hands strings out terminated,
// so that one with a NUL inside would silently mean less than the client sent. In: bytes that
// unpack as `descriptor`; skip, how many messages around the field its path leaves out (1 for a
// Write, whose path begins within its request). Out: where one is found, the path of the first,
// such as "receipt.lines[1].sku". Returns: whether there is one; also true, with the path of the
// message, where one cannot be read to its end, as what follows is not known.
bool jf_wire_find_nul(const ProtobufCMessageDescriptor *descriptor, struct jf_text bytes,
                      uint32_t skip, char out_path[JF_WIRE_PATH_MAX]);

// Bytes of a value as a varint, 1..10.
uint32_t jf_wire_varint_size(uint64_t value);
// Bytes of a BYTES field of `size` bytes with its tag and length. In: number 1..15.
uint64_t jf_wire_bytes_size(uint64_t size);

// Each writes at `to` and returns where it ended. In: number 1..15 (one byte of tag).
unsigned char *jf_wire_put_varint(unsigned char *to, uint32_t number, uint64_t value);
unsigned char *jf_wire_put_length(unsigned char *to, uint32_t number, uint64_t size);
unsigned char *jf_wire_put_bytes(unsigned char *to, uint32_t number, struct jf_text bytes);

#endif
