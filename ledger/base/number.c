// Checked sums, one rounding division, and largest-remainder shares.
#include "base/number.h"

#include "base/assert.h"

#define APPORTION_NARROW_COUNT 32u

enum jf_error jf_number_add(int64_t a, int64_t b, int64_t *out_sum)
{
    int64_t sum = 0;
    if (__builtin_add_overflow(a, b, &sum)) {
        return JF_ERROR_OVERFLOW;
    }
    *out_sum = sum;
    return JF_OK;
}

enum jf_error jf_number_subtract(int64_t a, int64_t b, int64_t *out_difference)
{
    int64_t difference = 0;
    if (__builtin_sub_overflow(a, b, &difference)) {
        return JF_ERROR_OVERFLOW;
    }
    *out_difference = difference;
    return JF_OK;
}

static bool rounds_up(jf_wide quotient, jf_wide remainder, jf_wide denominator,
                      enum jf_rounding rounding)
{
    jf_wide rest = denominator - remainder;
    if (rounding == JF_ROUND_FLOOR || remainder < rest) {
        return false;
    }
    if (remainder > rest) {
        return true;
    }
    return rounding == JF_ROUND_HALF_UP || (quotient & 1) != 0;
}

enum jf_error jf_number_divide(jf_wide numerator, jf_wide denominator, enum jf_rounding rounding,
                               int64_t *out_quotient)
{
    JF_ASSERT(numerator >= 0);
    JF_ASSERT(denominator > 0);
    jf_wide quotient = numerator / denominator;
    jf_wide remainder = numerator % denominator;
    if (rounds_up(quotient, remainder, denominator, rounding)) {
        quotient += 1;
    }
    if (quotient > INT64_MAX) {
        return JF_ERROR_OVERFLOW;
    }
    *out_quotient = (int64_t)quotient;
    return JF_OK;
}

enum jf_error jf_number_share(int64_t total, int64_t part, int64_t whole, enum jf_rounding rounding,
                              int64_t *out_share)
{
    JF_ASSERT(total >= 0);
    JF_ASSERT(part >= 0);
    return jf_number_divide((jf_wide)total * part, whole, rounding, out_share);
}

static enum jf_error weights_sum(const jf_wide *weights, uint32_t count, jf_wide *out_sum)
{
    const jf_wide bound = (jf_wide)1 << 126;
    jf_wide sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        JF_ASSERT(weights[i] >= 0);
        if (weights[i] > bound - sum) {
            return JF_ERROR_OVERFLOW;
        }
        sum += weights[i];
    }
    *out_sum = sum;
    return JF_OK;
}

// Gives one more to the largest remainders until nothing is left; remainders are consumed in place.
static void leftover_assign(int64_t leftover, jf_wide *remainders, uint32_t count, int64_t *shares)
{
    JF_ASSERT(leftover >= 0);
    JF_ASSERT(leftover <= (int64_t)count);
    for (; leftover > 0; leftover--) {
        uint32_t best = 0;
        for (uint32_t i = 1; i < count; i++) {
            if (remainders[i] > remainders[best]) {
                best = i;
            }
        }
        shares[best] += 1;
        remainders[best] = -1;
    }
}

// Checked before anything is written, so that a failure leaves the shares as they were.
static bool products_fit(int64_t total, const jf_wide *weights, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        jf_wide product = 0;
        if (__builtin_mul_overflow((jf_wide)total, weights[i], &product)) {
            return false;
        }
    }
    return true;
}

// The usual case: everything fits 64 bits, so that no division is a 128-bit one.
static void apportion_narrow(int64_t total, const jf_wide *weights, uint32_t count, uint64_t sum,
                             int64_t *out_shares)
{
    uint64_t remainders[APPORTION_NARROW_COUNT];
    int64_t leftover = total;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t product = (uint64_t)total * (uint64_t)weights[i];
        out_shares[i] = (int64_t)(product / sum);
        remainders[i] = product % sum;
        leftover -= out_shares[i];
    }
    JF_ASSERT(leftover <= (int64_t)count);
    for (; leftover > 0; leftover--) {
        uint32_t best = count;
        for (uint32_t i = 0; i < count; i++) {
            if (remainders[i] != UINT64_MAX &&
                (best == count || remainders[i] > remainders[best])) {
                best = i;
            }
        }
        out_shares[best] += 1;
        remainders[best] = UINT64_MAX; // taken
    }
}

static enum jf_error apportion_wide(int64_t total, const jf_wide *weights, uint32_t count,
                                    jf_wide sum, int64_t *out_shares)
{
    jf_wide remainders[JF_APPORTION_COUNT_MAX];
    if (!products_fit(total, weights, count)) {
        return JF_ERROR_OVERFLOW;
    }
    int64_t leftover = total;
    for (uint32_t i = 0; i < count; i++) {
        jf_wide product = (jf_wide)total * weights[i];
        out_shares[i] = sum == 0 ? 0 : (int64_t)(product / sum);
        remainders[i] = sum == 0 ? 0 : product % sum;
        leftover -= out_shares[i];
    }
    leftover_assign(leftover, remainders, count, out_shares);
    return JF_OK;
}

enum jf_error jf_number_apportion(int64_t total, const jf_wide *weights, uint32_t count,
                                  int64_t *out_shares)
{
    JF_ASSERT(total >= 0);
    JF_ASSERT(count <= JF_APPORTION_COUNT_MAX);
    jf_wide sum = 0;
    enum jf_error error = weights_sum(weights, count, &sum);
    if (error != JF_OK) {
        return error;
    }
    JF_ASSERT(total == 0 || sum > 0);
    bool is_narrow = count <= APPORTION_NARROW_COUNT && sum > 0 && sum <= INT64_MAX &&
                     (total == 0 || sum <= INT64_MAX / total);
    if (!is_narrow) {
        return apportion_wide(total, weights, count, sum, out_shares);
    }
    apportion_narrow(total, weights, count, (uint64_t)sum, out_shares);
    return JF_OK;
}
