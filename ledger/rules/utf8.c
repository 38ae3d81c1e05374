// UTF-8 by its table of lead bytes (Unicode, table 3-7). Nothing fails: the answer is yes or no.
#include "rules/utf8.h"

// What may follow a lead byte: `second_min`..`second_max`, then further bytes 0x80..0xBF.
struct sequence {
    uint32_t size; // 0: no lead byte
    unsigned char second_min;
    unsigned char second_max;
};

static struct sequence sequence_of(unsigned char lead)
{
    if (lead < 0x80) {
        return (struct sequence){1, 0, 0};
    }
    if (lead >= 0xC2 && lead <= 0xDF) {
        return (struct sequence){2, 0x80, 0xBF};
    }
    if (lead >= 0xE0 && lead <= 0xEF) {
        // E0: no overlong forms; ED: no surrogates.
        return (struct sequence){3, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF};
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        // F0: no overlong forms; F4: nothing above U+10FFFF.
        return (struct sequence){4, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF};
    }
    return (struct sequence){0, 0, 0};
}

// Returns: the size of the sequence that begins here, 0 when it is none.
static uint32_t sequence_size(const unsigned char *bytes, uint32_t left)
{
    struct sequence sequence = sequence_of(bytes[0]);
    if (sequence.size > left) {
        return 0;
    }
    for (uint32_t i = 1; i < sequence.size; i++) {
        unsigned char min = i == 1 ? sequence.second_min : 0x80;
        unsigned char max = i == 1 ? sequence.second_max : 0xBF;
        if (bytes[i] < min || bytes[i] > max) {
            return 0;
        }
    }
    return sequence.size;
}

// U+0000 to U+001F, U+007F, and U+0080 to U+009F, which UTF-8 writes as C2 80 to C2 9F.
static bool is_control(const unsigned char *bytes, uint32_t size)
{
    return bytes[0] < 0x20 || bytes[0] == 0x7F ||
           (size == 2 && bytes[0] == 0xC2 && bytes[1] < 0xA0);
}

static bool is_text(struct jf_text text, bool may_control)
{
    const unsigned char *bytes = (const unsigned char *)text.data;
    uint32_t at = 0;
    while (at < text.size) {
        // Nearly all of it is ASCII.
        uint32_t size = bytes[at] < 0x80 ? 1 : sequence_size(bytes + at, text.size - at);
        if (size == 0 || (!may_control && is_control(bytes + at, size))) {
            return false;
        }
        at += size;
    }
    return true;
}

bool jf_utf8_is_valid(struct jf_text text)
{
    return is_text(text, true);
}

bool jf_utf8_is_plain(struct jf_text text)
{
    return is_text(text, false);
}
