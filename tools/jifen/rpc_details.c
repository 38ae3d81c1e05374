// Finds the refusal among a failed call's details: Status.details (3) → Any.type_url (1), Any.value
// (2). Fails: bytes that are no protobuf message, and messages without a refusal, alike: there is
// none.
#include "tools/jifen/rpc_details.h"

#define STATUS_DETAILS 3u
#define ANY_TYPE_URL   1u
#define ANY_VALUE      2u

struct wire_field {
    uint32_t number;
    bool is_bytes;
    struct jf_text value; // of fields of bytes
};

static bool varint_take(struct jf_text *rest, uint64_t *out_value)
{
    uint64_t value = 0;
    for (uint32_t shift = 0; shift < 64 && rest->size > 0; shift += 7) {
        unsigned char byte = (unsigned char)rest->data[0];
        rest->data++;
        rest->size--;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out_value = value;
            return true;
        }
    }
    return false;
}

static bool skip(struct jf_text *rest, uint64_t size)
{
    if (size > rest->size) {
        return false;
    }
    rest->data += size;
    rest->size -= (uint32_t)size;
    return true;
}

// Returns: false at the end and where the bytes are no message.
static bool wire_next(struct jf_text *rest, struct wire_field *out_field)
{
    uint64_t tag = 0;
    uint64_t value = 0;
    if (!varint_take(rest, &tag) || tag >> 3 == 0 || tag >> 3 > UINT32_MAX) {
        return false;
    }
    struct wire_field field = {.number = (uint32_t)(tag >> 3)};
    bool is_good = false;
    switch (tag & 7) {
    case 0:
        is_good = varint_take(rest, &value);
        break;
    case 1:
        is_good = skip(rest, 8);
        break;
    case 2:
        is_good = varint_take(rest, &value);
        field.is_bytes = true;
        field.value = (struct jf_text){rest->data, value > rest->size ? 0 : (uint32_t)value};
        is_good = is_good && skip(rest, value);
        break;
    case 5:
        is_good = skip(rest, 4);
        break;
    default:
        break;
    }
    if (is_good) {
        *out_field = field;
    }
    return is_good;
}

static bool ends_with(struct jf_text text, struct jf_text end)
{
    return text.size >= end.size &&
           memcmp(text.data + (text.size - end.size), end.data, end.size) == 0;
}

static bool any_is_refusal(struct jf_text any, struct jf_text *out_value)
{
    bool is_refusal = false;
    struct jf_text value = {NULL, 0};
    struct wire_field field;
    while (wire_next(&any, &field)) {
        if (field.number == ANY_TYPE_URL && field.is_bytes) {
            is_refusal = ends_with(field.value, JF_TEXT("/jifen.v1.Refusal"));
        } else if (field.number == ANY_VALUE && field.is_bytes) {
            value = field.value;
        }
    }
    if (is_refusal) {
        *out_value = value;
    }
    return is_refusal;
}

bool jf_rpc_details_find_refusal(struct jf_text status, struct jf_text *out_refusal)
{
    struct wire_field field;
    while (wire_next(&status, &field)) {
        if (field.number == STATUS_DETAILS && field.is_bytes &&
            any_is_refusal(field.value, out_refusal)) {
            return true;
        }
    }
    return false;
}
