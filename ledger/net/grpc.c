// Straight encoders and decoders. Decoders of outside bytes say false (or copy through) on what is
// malformed; nothing here allocates.
#include "net/grpc.h"

#include <stdio.h>

#include "base/assert.h"

void jf_grpc_prefix_write(unsigned char *to, uint32_t size)
{
    to[0] = 0;
    to[1] = (unsigned char)(size >> 24);
    to[2] = (unsigned char)(size >> 16);
    to[3] = (unsigned char)(size >> 8);
    to[4] = (unsigned char)size;
}

uint32_t jf_grpc_prefix_size(const unsigned char *prefix)
{
    return (uint32_t)prefix[1] << 24 | (uint32_t)prefix[2] << 16 | (uint32_t)prefix[3] << 8 |
           (uint32_t)prefix[4];
}

struct timeout_unit {
    char letter;
    uint64_t multiply; // to microseconds
    uint64_t divide;
};

static const struct timeout_unit timeout_units[] = {
    {'n', 1, 1000},    {'u', 1, 1},        {'m', 1000, 1},
    {'S', 1000000, 1}, {'M', 60000000, 1}, {'H', 3600000000, 1},
};

#define TIMEOUT_UNITS (sizeof timeout_units / sizeof timeout_units[0])

bool jf_grpc_timeout_parse(struct jf_text text, uint64_t *out_us)
{
    if (text.size < 2 || text.size > JF_GRPC_TIMEOUT_TEXT_BYTES) {
        return false;
    }
    uint64_t value = 0;
    for (uint32_t i = 0; i + 1 < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        value = value * 10 + (uint64_t)(text.data[i] - '0');
    }
    for (uint32_t i = 0; i < TIMEOUT_UNITS; i++) {
        const struct timeout_unit *unit = &timeout_units[i];
        if (unit->letter == text.data[text.size - 1]) {
            *out_us = (value * unit->multiply + unit->divide - 1) / unit->divide;
            return true;
        }
    }
    return false;
}

uint32_t jf_grpc_timeout_format(uint64_t timeout_us, char *out_text)
{
    const uint64_t value_max = 99999999;
    uint32_t unit = 1;
    uint64_t value = timeout_us;
    while (value > value_max && unit + 1 < TIMEOUT_UNITS) {
        unit += 1;
        value = timeout_us / timeout_units[unit].multiply +
                (timeout_us % timeout_units[unit].multiply != 0 ? 1 : 0);
    }
    value = value > value_max ? value_max : value;
    char text[16];
    int size = snprintf(text, sizeof text, "%u%c", (unsigned)value, timeout_units[unit].letter);
    JF_ASSERT(size >= 2 && size <= (int)JF_GRPC_TIMEOUT_TEXT_BYTES);
    memcpy(out_text, text, (size_t)size);
    return (uint32_t)size;
}

bool jf_grpc_content_type_is_valid(struct jf_text text)
{
    static const char *const accepted[] = {"application/grpc+proto", "application/grpc"};
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t size = (uint32_t)strlen(accepted[i]);
        if (text.size >= size && memcmp(text.data, accepted[i], size) == 0) {
            return text.size == size || text.data[size] == ';' || text.data[size] == ' ';
        }
    }
    return false;
}

uint32_t jf_grpc_percent_encode(struct jf_text text, char *out_text)
{
    static const char digits[] = "0123456789ABCDEF";
    uint32_t size = 0;
    for (uint32_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte >= 0x20 && byte <= 0x7e && byte != '%') {
            out_text[size++] = (char)byte;
        } else {
            out_text[size++] = '%';
            out_text[size++] = digits[byte >> 4];
            out_text[size++] = digits[byte & 15];
        }
    }
    return size;
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'A' && digit <= 'F') {
        return digit - 'A' + 10;
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    return -1;
}

uint32_t jf_grpc_percent_decode(struct jf_text text, char *out_text)
{
    uint32_t size = 0;
    for (uint32_t i = 0; i < text.size; i++) {
        int high = -1;
        int low = -1;
        if (text.data[i] == '%' && text.size - i > 2) {
            high = hex_value(text.data[i + 1]);
            low = hex_value(text.data[i + 2]);
        }
        if (high >= 0 && low >= 0) {
            out_text[size++] = (char)(high * 16 + low);
            i += 2;
        } else {
            out_text[size++] = text.data[i];
        }
    }
    return size;
}

static const char base64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

uint32_t jf_grpc_base64_encode(struct jf_text bytes, char *out_text)
{
    uint32_t size = 0;
    uint32_t bits = 0;
    uint32_t bit_count = 0;
    for (uint32_t i = 0; i < bytes.size; i++) {
        bits = (bits << 8 | (unsigned char)bytes.data[i]) & 0xffff;
        bit_count += 8;
        while (bit_count >= 6) {
            bit_count -= 6;
            out_text[size++] = base64_alphabet[bits >> bit_count & 63];
        }
    }
    if (bit_count > 0) {
        out_text[size++] = base64_alphabet[bits << (6 - bit_count) & 63];
    }
    return size;
}

bool jf_grpc_base64_decode(struct jf_text text, unsigned char *out_bytes, uint32_t *out_size)
{
    while (text.size > 0 && text.data[text.size - 1] == '=') {
        text.size -= 1;
    }
    uint32_t size = 0;
    uint32_t bits = 0;
    uint32_t bit_count = 0;
    for (uint32_t i = 0; i < text.size; i++) {
        const char *found = text.data[i] == 0 ? NULL : strchr(base64_alphabet, text.data[i]);
        if (found == NULL) {
            return false;
        }
        bits = (bits << 6 | (uint32_t)(found - base64_alphabet)) & 0xffff;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            out_bytes[size++] = (unsigned char)(bits >> bit_count);
        }
    }
    if (text.size % 4 == 1) {
        return false;
    }
    *out_size = size;
    return true;
}

struct jf_text jf_grpc_cut(struct jf_text text, uint32_t bytes_max)
{
    if (text.size <= bytes_max) {
        return text;
    }
    uint32_t size = bytes_max;
    while (size > 0 && ((unsigned char)text.data[size] & 0xc0) == 0x80) {
        size -= 1;
    }
    return (struct jf_text){text.data, size};
}
