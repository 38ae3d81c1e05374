// JSON by hand and by descriptor. Nothing here fails by itself; the stream's error flag tells at
// the end.
#include "tools/jifen/json.h"

#include <inttypes.h>

#include "base/assert.h"

struct frame {
    const ProtobufCMessage *message;
    unsigned field;
    size_t element;
};

// The bytes of the UTF-8 character at `at`, 0 when it is none (RFC 3629: no overlong forms, no
// surrogates).
static uint32_t utf8_size(const unsigned char *at, uint32_t left)
{
    uint32_t size = at[0] < 0x80   ? 1u
                    : at[0] < 0xc2 ? 0u
                    : at[0] < 0xe0 ? 2u
                    : at[0] < 0xf0 ? 3u
                                   : 4u;
    if (size == 0 || size > left || at[0] > 0xf4) {
        return 0;
    }
    for (uint32_t byte = 1; byte < size; byte++) {
        if ((at[byte] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool is_bad = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
                  (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f);
    return is_bad ? 0 : size;
}

static void ascii_write(struct jf_json *json, unsigned char character)
{
    if (character == '"' || character == '\\') {
        (void)fprintf(json->out, "\\%c", character);
    } else if (character == '\n') {
        (void)fputs("\\n", json->out);
    } else if (character < 0x20 || character == 0x7f) {
        (void)fprintf(json->out, "\\u%04x", character);
    } else {
        (void)fputc(character, json->out);
    }
}

static void text_write(struct jf_json *json, struct jf_text text)
{
    (void)fputc('"', json->out);
    for (uint32_t at = 0; at < text.size;) {
        const unsigned char *character = (const unsigned char *)text.data + at;
        uint32_t size = utf8_size(character, text.size - at);
        if (size == 1) {
            ascii_write(json, *character);
        } else if (size == 0) {
            (void)fputs("\\ufffd", json->out);
        } else {
            (void)fwrite(character, 1, size, json->out);
        }
        at += size == 0 ? 1 : size;
    }
    (void)fputc('"', json->out);
}

static void value_begin(struct jf_json *json, const char *key)
{
    if (json->needs_comma) {
        (void)fputc(',', json->out);
    }
    json->needs_comma = false;
    if (key != NULL) {
        text_write(json, jf_text_from(key));
        (void)fputc(':', json->out);
    }
}

void jf_json_object_begin(struct jf_json *json, const char *key)
{
    value_begin(json, key);
    (void)fputc('{', json->out);
}

void jf_json_object_end(struct jf_json *json)
{
    (void)fputc('}', json->out);
    json->needs_comma = true;
}

void jf_json_array_begin(struct jf_json *json, const char *key)
{
    value_begin(json, key);
    (void)fputc('[', json->out);
}

void jf_json_array_end(struct jf_json *json)
{
    (void)fputc(']', json->out);
    json->needs_comma = true;
}

void jf_json_text(struct jf_json *json, const char *key, struct jf_text text)
{
    value_begin(json, key);
    text_write(json, text);
    json->needs_comma = true;
}

void jf_json_string(struct jf_json *json, const char *key, const char *terminated)
{
    jf_json_text(json, key, jf_text_from(terminated));
}

void jf_json_number(struct jf_json *json, const char *key, int64_t number)
{
    value_begin(json, key);
    (void)fprintf(json->out, "%" PRId64, number);
    json->needs_comma = true;
}

void jf_json_unsigned(struct jf_json *json, const char *key, uint64_t number)
{
    value_begin(json, key);
    (void)fprintf(json->out, "%" PRIu64, number);
    json->needs_comma = true;
}

void jf_json_bool(struct jf_json *json, const char *key, bool value)
{
    value_begin(json, key);
    (void)fputs(value ? "true" : "false", json->out);
    json->needs_comma = true;
}

static void hex_write(struct jf_json *json, const char *key, uint64_t number)
{
    char text[17];
    (void)snprintf(text, sizeof(text), "%016" PRIx64, number);
    jf_json_string(json, key, text);
}

static void bytes_write(struct jf_json *json, const char *key, const ProtobufCBinaryData *bytes)
{
    value_begin(json, key);
    (void)fputc('"', json->out);
    for (size_t at = 0; at < bytes->len; at++) {
        (void)fprintf(json->out, "%02x", bytes->data[at]);
    }
    (void)fputc('"', json->out);
    json->needs_comma = true;
}

static void enum_write(struct jf_json *json, const char *key, const ProtobufCFieldDescriptor *field,
                       int32_t number)
{
    const ProtobufCEnumDescriptor *descriptor = field->descriptor;
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(descriptor, number);
    if (value == NULL) {
        jf_json_number(json, key, number); // added by a newer ledger
    } else {
        jf_json_string(json, key, value->name);
    }
}

static void scalar_write(struct jf_json *json, const char *key,
                         const ProtobufCFieldDescriptor *field, const void *at)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        jf_json_number(json, key, *(const int32_t *)at);
        return;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        jf_json_number(json, key, *(const int64_t *)at);
        return;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        jf_json_unsigned(json, key, *(const uint32_t *)at);
        return;
    case PROTOBUF_C_TYPE_UINT64:
        jf_json_unsigned(json, key, *(const uint64_t *)at);
        return;
    case PROTOBUF_C_TYPE_FIXED64:
        hex_write(json, key, *(const uint64_t *)at);
        return;
    case PROTOBUF_C_TYPE_BOOL:
        jf_json_bool(json, key, *(const protobuf_c_boolean *)at != 0);
        return;
    case PROTOBUF_C_TYPE_ENUM:
        enum_write(json, key, field, *(const int32_t *)at);
        return;
    case PROTOBUF_C_TYPE_STRING:
        jf_json_string(json, key, *(char *const *)at == NULL ? "" : *(char *const *)at);
        return;
    case PROTOBUF_C_TYPE_BYTES:
        bytes_write(json, key, at);
        return;
    default: // the schema has no floating point, and messages are the caller's
        JF_ASSERT(false);
    }
}

static size_t element_size(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_ENUM:
        return sizeof(int32_t);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return sizeof(int64_t);
    }
}

static const void *member_at(const ProtobufCMessage *message, unsigned offset)
{
    return (const unsigned char *)message + offset;
}

// One element of a repeated field, or its end. Returns: the message to descend into, or NULL.
static const ProtobufCMessage *element_step(struct jf_json *json, struct frame *frame,
                                            const ProtobufCFieldDescriptor *field)
{
    size_t count = *(const size_t *)member_at(frame->message, field->quantifier_offset);
    if (frame->element == 0) {
        jf_json_array_begin(json, field->name);
    }
    if (frame->element == count) {
        jf_json_array_end(json);
        frame->field++;
        frame->element = 0;
        return NULL;
    }
    const unsigned char *first = *(unsigned char *const *)member_at(frame->message, field->offset);
    const void *at = first + frame->element * element_size(field->type);
    frame->element++;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        jf_json_object_begin(json, NULL);
        return *(ProtobufCMessage *const *)at;
    }
    scalar_write(json, NULL, field, at);
    return NULL;
}

static bool is_chosen(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0) {
        return true;
    }
    return *(const uint32_t *)member_at(message, field->quantifier_offset) == field->id;
}

static const ProtobufCMessage *field_step(struct jf_json *json, struct frame *frame)
{
    const ProtobufCFieldDescriptor *field = &frame->message->descriptor->fields[frame->field];
    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        return element_step(json, frame, field);
    }
    frame->field++;
    if (!is_chosen(frame->message, field)) {
        return NULL;
    }
    const void *at = member_at(frame->message, field->offset);
    if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
        scalar_write(json, field->name, field, at);
        return NULL;
    }
    const ProtobufCMessage *child = *(ProtobufCMessage *const *)at;
    if (child != NULL) {
        jf_json_object_begin(json, field->name);
    }
    return child;
}

void jf_json_message(struct jf_json *json, const char *key, const ProtobufCMessage *message)
{
    struct frame frames[JF_JSON_DEPTH_MAX] = {{.message = message}};
    uint32_t depth = 1;
    jf_json_object_begin(json, key);
    while (depth > 0) {
        struct frame *frame = &frames[depth - 1];
        if (frame->field == frame->message->descriptor->n_fields) {
            jf_json_object_end(json);
            depth--;
            continue;
        }
        const ProtobufCMessage *child = field_step(json, frame);
        if (child != NULL) {
            JF_ASSERT(depth < JF_JSON_DEPTH_MAX); // the schema's own depth is fixed and far below
            frames[depth++] = (struct frame){.message = child};
        }
    }
}

void jf_json_end_line(struct jf_json *json)
{
    (void)fputc('\n', json->out);
    json->needs_comma = false;
}
