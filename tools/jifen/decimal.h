// Amounts, quantities and points as people write them. Exact: integers only, never floating point.
// Threads: any; pure.
#ifndef JF_TOOLS_DECIMAL_H
#define JF_TOOLS_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

#define JF_DECIMAL_MONEY_SCALE    2u // minor units
#define JF_DECIMAL_QUANTITY_SCALE 3u // thousandths
#define JF_DECIMAL_SCALE_MAX      6u
#define JF_DECIMAL_TEXT_SIZE      40u

// Parses digits with an optional point, such as "12", "12.3", "12.340", as an integer in units of
// 10^-scale. No sign, no exponent, no grouping, no white space. Digits behind the scale must be
// zeros. In: scale 0..JF_DECIMAL_SCALE_MAX. Returns: JF_OK; JF_ERROR_INVALID; JF_ERROR_OVERFLOW.
JF_MUST_USE enum jf_error jf_decimal_parse(struct jf_text text, uint32_t scale, int64_t *out_value);

// Parses a whole number 0..2^64-1. Returns: as above.
JF_MUST_USE enum jf_error jf_decimal_parse_whole(struct jf_text text, uint64_t *out_value);

// Writes value ÷ 10^scale with `scale` digits behind the point; thousands parted by commas if
// asked.
void jf_decimal_format(int64_t value, uint32_t scale, bool is_grouped,
                       char out_text[JF_DECIMAL_TEXT_SIZE]);

#endif
