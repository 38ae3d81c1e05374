// Reading takes one field after another off the front; writing puts tag, length and bytes.
// Failures: a cut or overlong varint, a length past the end, a group or an unknown wire type end
// the reading with the rest not empty.
#include "service/wire.h"

#include <stdio.h>

#include "base/assert.h"
#include "base/bytes.h"

#define VARINT_BYTES_MAX 10u
#define NESTING_MAX      16u // far above any message of jifen.v1; none is recursive

static bool take_varint(struct jf_text *rest, uint64_t *out_value)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < rest->size && i < VARINT_BYTES_MAX; i++) {
        unsigned char byte = (unsigned char)rest->data[i];
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            rest->data += i + 1;
            rest->size -= i + 1;
            *out_value = value;
            return true;
        }
    }
    return false;
}

static bool take_bytes(struct jf_text *rest, uint64_t size, struct jf_text *out_bytes)
{
    if (size > rest->size) {
        return false;
    }
    *out_bytes = (struct jf_text){rest->data, (uint32_t)size};
    rest->data += size;
    rest->size -= (uint32_t)size;
    return true;
}

static bool take_value(struct jf_text *rest, struct jf_wire_field *field)
{
    struct jf_text raw;
    switch (field->type) {
    case JF_WIRE_VARINT:
        return take_varint(rest, &field->value);
    case JF_WIRE_BYTES:
        return take_varint(rest, &field->value) && take_bytes(rest, field->value, &field->bytes);
    case JF_WIRE_FIXED64:
        if (!take_bytes(rest, 8, &raw)) {
            return false;
        }
        field->value = jf_load_u64((const unsigned char *)raw.data);
        return true;
    case JF_WIRE_FIXED32:
        if (!take_bytes(rest, 4, &raw)) {
            return false;
        }
        field->value = jf_load_u32((const unsigned char *)raw.data);
        return true;
    }
    return false; // groups, and types that do not exist
}

bool jf_wire_next(struct jf_text *rest, struct jf_wire_field *out_field)
{
    struct jf_text after = *rest;
    uint64_t tag;
    if (!take_varint(&after, &tag) || tag >> 3 == 0 || tag > UINT32_MAX) {
        return false;
    }
    struct jf_wire_field field = {
        .number = (uint32_t)(tag >> 3), .type = (enum jf_wire_type)(tag & 7), .bytes = {NULL, 0}};
    if (!take_value(&after, &field)) {
        return false;
    }
    *rest = after;
    *out_field = field;
    return true;
}

struct jf_text jf_wire_find(struct jf_text message, uint32_t number)
{
    struct jf_text found = {NULL, 0};
    struct jf_wire_field field;
    while (jf_wire_next(&message, &field)) {
        if (field.number == number && field.type == JF_WIRE_BYTES) {
            found = field.bytes;
        }
    }
    return found;
}

struct level {
    const ProtobufCMessageDescriptor *descriptor;
    struct jf_text message;
    struct jf_text rest;
    const ProtobufCFieldDescriptor *known; // the field before `rest`
};

// Which of a repeated field's elements was taken last.
static uint32_t level_index(const struct level *level)
{
    struct jf_text walk = level->message;
    struct jf_wire_field field;
    uint32_t count = 0;
    while (walk.data != level->rest.data && jf_wire_next(&walk, &field)) {
        count += field.number == level->known->id;
    }
    JF_ASSERT(count > 0);
    return count - 1;
}

static void path_write(const struct level *levels, uint32_t depth, uint32_t skip,
                       char out_path[JF_WIRE_PATH_MAX])
{
    size_t size = 0;
    out_path[0] = '\0';
    for (uint32_t i = skip; i < depth && size < JF_WIRE_PATH_MAX; i++) {
        const ProtobufCFieldDescriptor *known = levels[i].known;
        size += (size_t)snprintf(out_path + size, JF_WIRE_PATH_MAX - size, "%s%s",
                                 i == skip ? "" : ".", known->name);
        if (known->label == PROTOBUF_C_LABEL_REPEATED && size < JF_WIRE_PATH_MAX) {
            size += (size_t)snprintf(out_path + size, JF_WIRE_PATH_MAX - size, "[%u]",
                                     level_index(&levels[i]));
        }
    }
}

bool jf_wire_find_nul(const ProtobufCMessageDescriptor *descriptor, struct jf_text bytes,
                      uint32_t skip, char out_path[JF_WIRE_PATH_MAX])
{
    // Most messages hold no NUL byte at all, wherever it might be.
    if (bytes.size == 0 || memchr(bytes.data, 0, bytes.size) == NULL) {
        return false;
    }
    struct level levels[NESTING_MAX] = {{descriptor, bytes, bytes, NULL}};
    uint32_t depth = 1;
    while (depth > 0) {
        struct level *level = &levels[depth - 1];
        struct jf_wire_field field;
        if (!jf_wire_next(&level->rest, &field)) {
            depth -= 1;
            if (level->rest.size == 0) {
                continue;
            }
            path_write(levels, depth, skip, out_path); // protobuf-c is more lenient
            return true;
        }
        const ProtobufCFieldDescriptor *known =
            protobuf_c_message_descriptor_get_field(level->descriptor, field.number);
        if (known == NULL || field.type != JF_WIRE_BYTES || field.bytes.size == 0) {
            continue;
        }
        level->known = known;
        if (known->type == PROTOBUF_C_TYPE_STRING &&
            memchr(field.bytes.data, 0, field.bytes.size) != NULL) {
            path_write(levels, depth, skip, out_path);
            return true;
        }
        if (known->type == PROTOBUF_C_TYPE_MESSAGE) {
            JF_ASSERT(depth < NESTING_MAX);
            levels[depth++] = (struct level){known->descriptor, field.bytes, field.bytes, NULL};
        }
    }
    return false;
}

uint32_t jf_wire_varint_size(uint64_t value)
{
    uint32_t bits = 64 - (uint32_t)__builtin_clzll(value | 1);
    return (bits + 6) / 7;
}

uint64_t jf_wire_bytes_size(uint64_t size)
{
    return 1 + jf_wire_varint_size(size) + size;
}

static unsigned char *put_value(unsigned char *to, uint64_t value)
{
    while (value >= 0x80) {
        *to++ = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    *to++ = (unsigned char)value;
    return to;
}

unsigned char *jf_wire_put_varint(unsigned char *to, uint32_t number, uint64_t value)
{
    JF_ASSERT(number >= 1 && number <= 15);
    *to++ = (unsigned char)(number << 3 | JF_WIRE_VARINT);
    return put_value(to, value);
}

unsigned char *jf_wire_put_length(unsigned char *to, uint32_t number, uint64_t size)
{
    JF_ASSERT(number >= 1 && number <= 15);
    *to++ = (unsigned char)(number << 3 | JF_WIRE_BYTES);
    return put_value(to, size);
}

unsigned char *jf_wire_put_bytes(unsigned char *to, uint32_t number, struct jf_text bytes)
{
    to = jf_wire_put_length(to, number, bytes.size);
    if (bytes.size > 0) {
        memcpy(to, bytes.data, bytes.size);
    }
    return to + bytes.size;
}
