// Decimal text to scaled integers and back.
// Fails: anything but digits and one point, more decimals than the scale holds, values above int64.
#include "tools/jifen/decimal.h"

#include "base/assert.h"

static bool digit_append(uint64_t *value, char digit, uint64_t max)
{
    uint64_t number = (uint64_t)(digit - '0');
    if (*value > (max - number) / 10) {
        return false;
    }
    *value = *value * 10 + number;
    return true;
}

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

enum jf_error jf_decimal_parse_whole(struct jf_text text, uint64_t *out_value)
{
    uint64_t value = 0;
    if (text.size == 0) {
        return JF_ERROR_INVALID;
    }
    for (uint32_t at = 0; at < text.size; at++) {
        if (!is_digit(text.data[at])) {
            return JF_ERROR_INVALID;
        }
    }
    for (uint32_t at = 0; at < text.size; at++) {
        if (!digit_append(&value, text.data[at], UINT64_MAX)) {
            return JF_ERROR_OVERFLOW;
        }
    }
    *out_value = value;
    return JF_OK;
}

// Checks the shape: digits [ '.' digits ]. Returns the index of the point, or the size without one.
static bool shape_is_valid(struct jf_text text, uint32_t *out_point)
{
    uint32_t point = text.size;
    for (uint32_t at = 0; at < text.size; at++) {
        if (text.data[at] == '.' && point == text.size) {
            point = at;
        } else if (!is_digit(text.data[at])) {
            return false;
        }
    }
    *out_point = point;
    return point > 0 && point + 1 != text.size;
}

enum jf_error jf_decimal_parse(struct jf_text text, uint32_t scale, int64_t *out_value)
{
    JF_ASSERT(scale <= JF_DECIMAL_SCALE_MAX);
    uint32_t point = 0;
    if (text.size == 0 || !shape_is_valid(text, &point)) {
        return JF_ERROR_INVALID;
    }
    for (uint32_t at = point + 1 + scale; at < text.size; at++) {
        if (text.data[at] != '0') {
            return JF_ERROR_INVALID;
        }
    }
    uint64_t value = 0;
    for (uint32_t at = 0; at < point; at++) {
        if (!digit_append(&value, text.data[at], INT64_MAX)) {
            return JF_ERROR_OVERFLOW;
        }
    }
    for (uint32_t decimal = 0; decimal < scale; decimal++) {
        uint32_t at = point + 1 + decimal;
        if (!digit_append(&value, at < text.size ? text.data[at] : '0', INT64_MAX)) {
            return JF_ERROR_OVERFLOW;
        }
    }
    *out_value = (int64_t)value;
    return JF_OK;
}

void jf_decimal_format(int64_t value, uint32_t scale, bool is_grouped,
                       char out_text[JF_DECIMAL_TEXT_SIZE])
{
    JF_ASSERT(scale <= JF_DECIMAL_SCALE_MAX);
    char reversed[JF_DECIMAL_TEXT_SIZE];
    uint32_t size = 0;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    for (uint32_t digit = 0; digit <= scale || rest > 0; digit++) {
        if (digit == scale && scale > 0) {
            reversed[size++] = '.';
        }
        if (is_grouped && digit > scale && (digit - scale) % 3 == 0) {
            reversed[size++] = ',';
        }
        reversed[size++] = (char)('0' + rest % 10);
        rest /= 10;
    }
    if (value < 0) {
        reversed[size++] = '-';
    }
    JF_ASSERT(size < JF_DECIMAL_TEXT_SIZE);
    for (uint32_t at = 0; at < size; at++) {
        out_text[at] = reversed[size - 1 - at];
    }
    out_text[size] = '\0';
}
