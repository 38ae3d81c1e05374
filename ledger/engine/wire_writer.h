// Protobuf wire format written from the end of a buffer to its beginning: a nested message is
// complete when its length is written, so one pass suffices. Fields are put in descending order of
// their numbers and so stand in ascending order in the result. Encoding:
// https://protobuf.dev/programming-guides/encoding/.
//
// The caller gives a buffer that is large enough (a bound computed from counts and text sizes);
// running out of it is a bug. Values that are the default (0, empty) are left out, as proto3 does.
// One thread.
#ifndef JF_ENGINE_WIRE_WRITER_H
#define JF_ENGINE_WIRE_WRITER_H

#include <stdint.h>
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/text.h"

#define JF_WIRE_VARINT_MAX 10u

struct jf_wire_writer {
    unsigned char *begin;
    unsigned char *at; // everything from here on is written
};

static inline void jf_wire_varint(struct jf_wire_writer *writer, uint64_t value)
{
    if (value < 0x80) {
        JF_ASSERT(writer->at > writer->begin);
        *--writer->at = (unsigned char)value;
        return;
    }
    uint32_t size = (70u - (uint32_t)__builtin_clzll(value)) / 7u;
    JF_ASSERT((size_t)(writer->at - writer->begin) >= size);
    writer->at -= size;
    for (uint32_t i = 0; i + 1 < size; i++) {
        writer->at[i] = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    writer->at[size - 1] = (unsigned char)value;
}

static inline void jf_wire_tag(struct jf_wire_writer *writer, uint32_t field, uint32_t wire_type)
{
    jf_wire_varint(writer, ((uint64_t)field << 3) | wire_type);
}

// uint32, uint64, int32, int64, enum and bool fields. Negative int64 takes ten bytes, as protobuf
// says.
static inline void jf_wire_uint(struct jf_wire_writer *writer, uint32_t field, uint64_t value)
{
    if (value != 0) {
        jf_wire_varint(writer, value);
        jf_wire_tag(writer, field, 0);
    }
}

static inline void jf_wire_int(struct jf_wire_writer *writer, uint32_t field, int64_t value)
{
    jf_wire_uint(writer, field, (uint64_t)value);
}

static inline uint64_t jf_wire_zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

// sint32 and sint64 fields.
static inline void jf_wire_sint(struct jf_wire_writer *writer, uint32_t field, int64_t value)
{
    jf_wire_uint(writer, field, jf_wire_zigzag(value));
}

static inline void jf_wire_fixed64(struct jf_wire_writer *writer, uint32_t field, uint64_t value)
{
    if (value != 0) {
        JF_ASSERT(writer->at - writer->begin >= 8);
        writer->at -= 8;
        jf_store_u64(writer->at, value);
        jf_wire_tag(writer, field, 1);
    }
}

// string and bytes fields; repeated ones are written even when empty (`is_element`).
static inline void jf_wire_text(struct jf_wire_writer *writer, uint32_t field, struct jf_text text,
                                bool is_element)
{
    if (text.size == 0 && !is_element) {
        return;
    }
    JF_ASSERT((size_t)(writer->at - writer->begin) >= text.size);
    writer->at -= text.size;
    if (text.size > 0) {
        memcpy(writer->at, text.data, text.size);
    }
    jf_wire_varint(writer, text.size);
    jf_wire_tag(writer, field, 2);
}

// Ends a nested message (or packed field) that began, at its end, where `end` was the writer's
// place.
static inline void jf_wire_nest(struct jf_wire_writer *writer, uint32_t field,
                                const unsigned char *end)
{
    jf_wire_varint(writer, (uint64_t)(end - writer->at));
    jf_wire_tag(writer, field, 2);
}

#endif
