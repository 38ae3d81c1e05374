// Walks all fields of an answer, its outcome and its refusal: what is cut or malformed is noticed,
// without an allocation. Fails: bytes that are no such message.
#include "bench/wire.h"

#include <stdio.h>

#define VARINT_BYTES_MAX 10u

// Field numbers of jifen.v1.
#define OUTCOME_POSITION 1u
#define REFUSAL_CODE     1u
#define REFUSAL_MESSAGE  2u
#define RESULT_OUTCOME   1u
#define RESULT_REPLAYED  2u
#define RESULT_REFUSAL   3u
#define BATCH_RESULTS    1u
#define STREAM_RESULT    1u
#define HEALTH_STATUS    1u
#define HEALTH_SERVING   1u

static bool varint_take(struct jf_text *message, uint64_t *out_value)
{
    uint64_t value = 0;
    for (uint32_t at = 0; at < VARINT_BYTES_MAX && at < message->size; at++) {
        uint64_t byte = (unsigned char)message->data[at];
        value |= (byte & 0x7f) << (7 * at);
        if (byte < 0x80) {
            message->data += at + 1;
            message->size -= at + 1;
            *out_value = value;
            return true;
        }
    }
    return false;
}

static bool fixed_take(struct jf_text *message, uint32_t size, uint64_t *out_value)
{
    if (message->size < size) {
        return false;
    }
    uint64_t value = 0;
    for (uint32_t at = 0; at < size; at++) {
        value |= (uint64_t)(unsigned char)message->data[at] << (8 * at);
    }
    message->data += size;
    message->size -= size;
    *out_value = value;
    return true;
}

static bool bytes_take(struct jf_text *message, struct jf_text *out_bytes)
{
    uint64_t size = 0;
    if (!varint_take(message, &size) || size > message->size) {
        return false;
    }
    *out_bytes = (struct jf_text){message->data, (uint32_t)size};
    message->data += size;
    message->size -= (uint32_t)size;
    return true;
}

bool jf_wire_next(struct jf_text *message, struct jf_wire_field *out_field)
{
    uint64_t tag = 0;
    if (!varint_take(message, &tag) || tag >> 3 == 0 || tag >> 3 > UINT32_MAX) {
        return false;
    }
    out_field->number = (uint32_t)(tag >> 3);
    out_field->type = (uint32_t)(tag & 7);
    out_field->value = 0;
    out_field->bytes = (struct jf_text){0};
    switch (out_field->type) {
    case 0:
        return varint_take(message, &out_field->value);
    case 1:
        return fixed_take(message, 8, &out_field->value);
    case 2:
        return bytes_take(message, &out_field->bytes);
    case 5:
        return fixed_take(message, 4, &out_field->value);
    default:
        return false;
    }
}

uint32_t jf_wire_varint(uint64_t value, unsigned char *out_bytes)
{
    uint32_t size = 0;
    while (value >= 0x80) {
        out_bytes[size++] = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    out_bytes[size++] = (unsigned char)value;
    return size;
}

uint32_t jf_wire_varint_size(uint64_t value)
{
    unsigned char bytes[VARINT_BYTES_MAX];
    return jf_wire_varint(value, bytes);
}

static bool outcome_read(struct jf_text bytes, struct jf_answers *answers)
{
    struct jf_wire_field field;
    uint64_t position = 0;
    while (bytes.size > 0) {
        if (!jf_wire_next(&bytes, &field)) {
            return false;
        }
        if (field.number == OUTCOME_POSITION && field.type == 0) {
            position = field.value;
        }
    }
    if (position == 0) {
        return false;
    }
    answers->accepted += 1;
    answers->position_max = position > answers->position_max ? position : answers->position_max;
    return true;
}

static bool refusal_read(struct jf_text bytes, struct jf_answers *answers)
{
    struct jf_wire_field field;
    struct jf_text code = JF_TEXT("?");
    struct jf_text message = {0};
    while (bytes.size > 0) {
        if (!jf_wire_next(&bytes, &field)) {
            return false;
        }
        if (field.number == REFUSAL_CODE && field.type == 2) {
            code = field.bytes;
        } else if (field.number == REFUSAL_MESSAGE && field.type == 2) {
            message = field.bytes;
        }
    }
    if (answers->refused == 0) {
        (void)snprintf(answers->refusal, sizeof(answers->refusal), "%.*s: %.*s", (int)code.size,
                       code.data, (int)message.size, message.size == 0 ? "" : message.data);
    }
    answers->refused += 1;
    return true;
}

// A unary write's response has the first two fields of WriteResult.
bool jf_answer_write(struct jf_text bytes, struct jf_answers *answers)
{
    struct jf_wire_field field;
    bool is_answered = false;
    while (bytes.size > 0) {
        if (!jf_wire_next(&bytes, &field)) {
            return false;
        }
        if (field.number == RESULT_REPLAYED) {
            answers->replayed += field.value;
            continue;
        }
        bool is_outcome = field.number == RESULT_OUTCOME && field.type == 2;
        bool is_refusal = field.number == RESULT_REFUSAL && field.type == 2;
        if ((is_outcome && !outcome_read(field.bytes, answers)) ||
            (is_refusal && !refusal_read(field.bytes, answers))) {
            return false;
        }
        is_answered = is_answered || is_outcome || is_refusal;
    }
    return is_answered;
}

bool jf_answer_batch(struct jf_text bytes, struct jf_answers *answers)
{
    struct jf_wire_field field;
    while (bytes.size > 0) {
        if (!jf_wire_next(&bytes, &field)) {
            return false;
        }
        if (field.number == BATCH_RESULTS &&
            (field.type != 2 || !jf_answer_write(field.bytes, answers))) {
            return false;
        }
    }
    return true;
}

bool jf_answer_stream(struct jf_text bytes, struct jf_answers *answers)
{
    struct jf_wire_field field;
    return bytes.size > 0 && jf_wire_next(&bytes, &field) && field.number == STREAM_RESULT &&
           field.type == 2 && jf_answer_write(field.bytes, answers);
}

bool jf_answer_health(struct jf_text bytes, struct jf_answers *answers)
{
    struct jf_wire_field field;
    bool is_serving = bytes.size > 0 && jf_wire_next(&bytes, &field) &&
                      field.number == HEALTH_STATUS && field.value == HEALTH_SERVING;
    answers->accepted += is_serving ? 1 : 0;
    return is_serving;
}
