// Checked arithmetic for points and money (int64) and exact shares. Every sum, product and share of
// points or money in the project goes through here: overflow is an answer, never a wrap.
// Threads: any; pure.
#ifndef JF_BASE_NUMBER_H
#define JF_BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

__extension__ typedef __int128 jf_wide; // intermediate products

enum jf_rounding {
    JF_ROUND_FLOOR = 0,
    JF_ROUND_HALF_UP = 1,
    JF_ROUND_HALF_EVEN = 2
};

// *out_sum = a + b. Returns: JF_OK or JF_ERROR_OVERFLOW (output untouched).
JF_MUST_USE enum jf_error jf_number_add(int64_t a, int64_t b, int64_t *out_sum);

// *out_difference = a - b. Returns: as above.
JF_MUST_USE enum jf_error jf_number_subtract(int64_t a, int64_t b, int64_t *out_difference);

// *out_quotient = numerator ÷ denominator, rounded by `rounding`. In: numerator ≥ 0, denominator >
// 0. Returns: JF_OK or JF_ERROR_OVERFLOW when the quotient leaves int64.
JF_MUST_USE enum jf_error jf_number_divide(jf_wide numerator, jf_wide denominator,
                                           enum jf_rounding rounding, int64_t *out_quotient);

// *out_share = total × part ÷ whole, rounded. In: total, part ≥ 0; whole > 0.
JF_MUST_USE enum jf_error jf_number_share(int64_t total, int64_t part, int64_t whole,
                                          enum jf_rounding rounding, int64_t *out_share);

// Splits `total` over `count` weights so that the shares sum to `total` exactly (largest remainder,
// also called Hamilton's method; equal remainders: the first listed wins).
// In: total ≥ 0; weights ≥ 0, their sum > 0 unless total is 0 (then all shares are 0).
//     count 0..JF_APPORTION_COUNT_MAX.
// Returns: JF_OK, or JF_ERROR_OVERFLOW when the weights' sum leaves 126 bits or a product 127 bits.
#define JF_APPORTION_COUNT_MAX 1024
JF_MUST_USE enum jf_error jf_number_apportion(int64_t total, const jf_wide *weights, uint32_t count,
                                              int64_t *out_shares);

#endif
