// Numbers of variable width in the state's records: 7 bits a byte, lowest first, the top bit says
// that more follow; signed numbers zigzag. Writers get room for the worst case beforehand; the
// reader is bounded and remembers its first failure, so that a decoder checks once at the end.
// Threads: any; the caller's memory.
#ifndef JF_STATE_VARINT_H
#define JF_STATE_VARINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JF_VARINT_BYTES_MAX 10u

struct jf_varint_reader {
    const unsigned char *at;
    const unsigned char *end;
    bool is_bad; // ran past the end, or a number was not in its shortest form
};

// Returns: the byte after the number.
static inline unsigned char *jf_varint_write(unsigned char *to, uint64_t value)
{
    while (value >= 0x80) {
        *to++ = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    *to++ = (unsigned char)value;
    return to;
}

static inline unsigned char *jf_varint_write_signed(unsigned char *to, int64_t value)
{
    uint64_t sign = value < 0 ? UINT64_MAX : 0;
    return jf_varint_write(to, ((uint64_t)value << 1) ^ sign);
}

static inline uint64_t jf_varint_fail(struct jf_varint_reader *reader)
{
    reader->is_bad = true;
    reader->at = reader->end;
    return 0;
}

// Returns: the number, at most `max`; 0 with is_bad set on anything else.
static inline uint64_t jf_varint_read(struct jf_varint_reader *reader, uint64_t max)
{
    uint64_t value = 0;
    for (uint32_t shift = 0; shift < 70; shift += 7) {
        if (reader->at == reader->end) {
            return jf_varint_fail(reader);
        }
        uint64_t byte = *reader->at++;
        bool is_longer_than_needed = byte == 0 && shift > 0;
        bool is_too_large = shift == 63 && byte > 1;
        if (is_longer_than_needed || is_too_large) {
            return jf_varint_fail(reader);
        }
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value <= max ? value : jf_varint_fail(reader);
        }
    }
    return jf_varint_fail(reader);
}

static inline int64_t jf_varint_read_signed(struct jf_varint_reader *reader, int64_t min,
                                            int64_t max)
{
    uint64_t raw = jf_varint_read(reader, UINT64_MAX);
    int64_t value = (int64_t)(raw >> 1) ^ -(int64_t)(raw & 1);
    if (value < min || value > max) {
        return (int64_t)jf_varint_fail(reader);
    }
    return value;
}

#endif
