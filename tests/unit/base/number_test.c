// Claims about checked arithmetic: nothing wraps, one rounding, shares that add up.
#include <criterion/criterion.h>

#include <signal.h>

#include "base/number.h"

#define UNTOUCHED ((int64_t)-77)

// A generator of our own, so that a failing case is the same on every machine.
static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 11;
}

static int64_t divided(int64_t numerator, int64_t denominator, enum jf_rounding rounding)
{
    int64_t quotient = UNTOUCHED;
    cr_assert_eq(jf_number_divide(numerator, denominator, rounding, &quotient), JF_OK);
    return quotient;
}

Test(number, add_refuses_to_leave_int64_and_leaves_the_output_alone)
{
    int64_t sum = UNTOUCHED;
    cr_assert_eq(jf_number_add(INT64_MAX, 1, &sum), JF_ERROR_OVERFLOW);
    cr_assert_eq(jf_number_add(INT64_MIN, -1, &sum), JF_ERROR_OVERFLOW);
    cr_assert_eq(jf_number_add(INT64_MIN, INT64_MIN, &sum), JF_ERROR_OVERFLOW);
    cr_assert_eq(sum, UNTOUCHED);
}

Test(number, add_reaches_both_ends_exactly)
{
    int64_t sum = UNTOUCHED;
    cr_assert_eq(jf_number_add(INT64_MAX - 1, 1, &sum), JF_OK);
    cr_assert_eq(sum, INT64_MAX);
    cr_assert_eq(jf_number_add(INT64_MIN + 1, -1, &sum), JF_OK);
    cr_assert_eq(sum, INT64_MIN);
    cr_assert_eq(jf_number_add(INT64_MAX, INT64_MIN, &sum), JF_OK);
    cr_assert_eq(sum, -1);
}

Test(number, subtract_refuses_to_leave_int64_and_leaves_the_output_alone)
{
    int64_t difference = UNTOUCHED;
    cr_assert_eq(jf_number_subtract(INT64_MIN, 1, &difference), JF_ERROR_OVERFLOW);
    cr_assert_eq(jf_number_subtract(0, INT64_MIN, &difference), JF_ERROR_OVERFLOW);
    cr_assert_eq(difference, UNTOUCHED);
    cr_assert_eq(jf_number_subtract(-1, INT64_MIN, &difference), JF_OK);
    cr_assert_eq(difference, INT64_MAX);
}

Test(number, divide_refuses_a_quotient_above_int64)
{
    int64_t quotient = UNTOUCHED;
    jf_wide above = (jf_wide)INT64_MAX + 1;
    cr_assert_eq(jf_number_divide(above, 1, JF_ROUND_FLOOR, &quotient), JF_ERROR_OVERFLOW);
    jf_wide rounds_above = (jf_wide)INT64_MAX * 2 + 1;
    cr_assert_eq(jf_number_divide(rounds_above, 2, JF_ROUND_HALF_UP, &quotient), JF_ERROR_OVERFLOW);
    cr_assert_eq(quotient, UNTOUCHED);
    cr_assert_eq(jf_number_divide(rounds_above, 2, JF_ROUND_FLOOR, &quotient), JF_OK);
    cr_assert_eq(quotient, INT64_MAX);
}

Test(number, divide_by_nothing_is_a_bug, .signal = SIGABRT)
{
    (void)divided(1, 0, JF_ROUND_FLOOR);
}

Test(number, divide_of_a_negative_is_a_bug, .signal = SIGABRT)
{
    (void)divided(-1, 2, JF_ROUND_FLOOR);
}

Test(number, halves_go_down_up_or_to_even_as_asked)
{
    for (int64_t whole = 0; whole < 100; whole++) {
        int64_t half = whole * 2 + 1; // whole and a half, over two
        cr_assert_eq(divided(half, 2, JF_ROUND_FLOOR), whole);
        cr_assert_eq(divided(half, 2, JF_ROUND_HALF_UP), whole + 1);
        cr_assert_eq(divided(half, 2, JF_ROUND_HALF_EVEN), whole + whole % 2);
    }
}

Test(number, only_a_true_half_is_a_tie)
{
    cr_assert_eq(divided(249, 100, JF_ROUND_HALF_EVEN), 2);
    cr_assert_eq(divided(250, 100, JF_ROUND_HALF_EVEN), 2);
    cr_assert_eq(divided(251, 100, JF_ROUND_HALF_EVEN), 3);
    cr_assert_eq(divided(249, 100, JF_ROUND_HALF_UP), 2);
    cr_assert_eq(divided(350, 100, JF_ROUND_HALF_EVEN), 4);
    cr_assert_eq(divided(1, 3, JF_ROUND_HALF_UP), 0);
    cr_assert_eq(divided(2, 3, JF_ROUND_HALF_UP), 1);
}

Test(number, divide_holds_for_denominators_wider_than_64_bits)
{
    int64_t quotient = UNTOUCHED;
    jf_wide denominator = ((jf_wide)1 << 125) + 1;
    jf_wide numerator = denominator / 2 + 1; // just above a half
    cr_assert_eq(jf_number_divide(numerator, denominator, JF_ROUND_HALF_EVEN, &quotient), JF_OK);
    cr_assert_eq(quotient, 1);
    cr_assert_eq(jf_number_divide(numerator - 1, denominator, JF_ROUND_HALF_UP, &quotient), JF_OK);
    cr_assert_eq(quotient, 0);
}

Test(number, share_of_the_largest_total_does_not_wrap)
{
    int64_t share = UNTOUCHED;
    cr_assert_eq(jf_number_share(INT64_MAX, INT64_MAX, INT64_MAX, JF_ROUND_HALF_UP, &share), JF_OK);
    cr_assert_eq(share, INT64_MAX);
    cr_assert_eq(jf_number_share(INT64_MAX, 2, 1, JF_ROUND_FLOOR, &share), JF_ERROR_OVERFLOW);
    cr_assert_eq(share, INT64_MAX);
    cr_assert_eq(jf_number_share(1000, 1, 3, JF_ROUND_HALF_UP, &share), JF_OK);
    cr_assert_eq(share, 333);
}

Test(number, apportion_refuses_products_beyond_127_bits_and_writes_nothing)
{
    jf_wide weights[2] = {1, (jf_wide)1 << 100};
    int64_t shares[2] = {UNTOUCHED, UNTOUCHED};
    cr_assert_eq(jf_number_apportion(INT64_MAX, weights, 2, shares), JF_ERROR_OVERFLOW);
    cr_assert_eq(shares[0], UNTOUCHED);
    cr_assert_eq(shares[1], UNTOUCHED);
}

Test(number, apportion_refuses_weights_that_sum_beyond_126_bits)
{
    jf_wide weights[2] = {(jf_wide)1 << 126, 1};
    int64_t shares[2] = {UNTOUCHED, UNTOUCHED};
    cr_assert_eq(jf_number_apportion(1, weights, 2, shares), JF_ERROR_OVERFLOW);
    cr_assert_eq(shares[0], UNTOUCHED);
}

Test(number, apportion_without_weight_is_a_bug, .signal = SIGABRT)
{
    jf_wide weights[1] = {0};
    int64_t shares[1];
    (void)!jf_number_apportion(1, weights, 1, shares);
}

Test(number, apportion_of_nothing_gives_nothing)
{
    jf_wide weights[3] = {0, 0, 0};
    int64_t shares[3] = {1, 1, 1};
    cr_assert_eq(jf_number_apportion(0, weights, 3, shares), JF_OK);
    cr_assert_eq(shares[0] + shares[1] + shares[2], 0);
    cr_assert_eq(jf_number_apportion(0, weights, 0, shares), JF_OK);
}

Test(number, apportion_gives_equal_remainders_to_the_first_listed)
{
    jf_wide weights[3] = {1, 1, 1};
    int64_t shares[3] = {0};
    cr_assert_eq(jf_number_apportion(100, weights, 3, shares), JF_OK);
    cr_assert_eq(shares[0], 34);
    cr_assert_eq(shares[1], 33);
    cr_assert_eq(shares[2], 33);
}

Test(number, apportion_gives_what_is_left_to_the_largest_remainder)
{
    jf_wide weights[3] = {10, 45, 45}; // of 9: 0.9, 4.05, 4.05
    int64_t shares[3] = {0};
    cr_assert_eq(jf_number_apportion(9, weights, 3, shares), JF_OK);
    cr_assert_eq(shares[0], 1);
    cr_assert_eq(shares[1], 4);
    cr_assert_eq(shares[2], 4);
}

Test(number, apportion_adds_up_and_never_strays_by_one)
{
    uint64_t state = 20180118;
    for (uint32_t round = 0; round < 20000; round++) {
        jf_wide weights[12];
        int64_t shares[12];
        uint32_t count = 1 + (uint32_t)(next_random(&state) % 12);
        int64_t total = (int64_t)(next_random(&state) % 1000000);
        jf_wide weight_sum = 0;
        for (uint32_t i = 0; i < count; i++) {
            weights[i] = (jf_wide)(next_random(&state) % 5000) + (i == 0 ? 1 : 0);
            weight_sum += weights[i];
        }
        cr_assert_eq(jf_number_apportion(total, weights, count, shares), JF_OK);
        int64_t sum = 0;
        for (uint32_t i = 0; i < count; i++) {
            jf_wide distance = shares[i] * weight_sum - total * weights[i];
            cr_assert(distance > -weight_sum && distance < weight_sum, "round %u", round);
            sum += shares[i];
        }
        cr_assert_eq(sum, total, "round %u", round);
    }
}

Test(number, apportion_takes_its_largest_count)
{
    static jf_wide weights[JF_APPORTION_COUNT_MAX];
    static int64_t shares[JF_APPORTION_COUNT_MAX];
    for (uint32_t i = 0; i < JF_APPORTION_COUNT_MAX; i++) {
        weights[i] = 1;
    }
    cr_assert_eq(jf_number_apportion(1023, weights, JF_APPORTION_COUNT_MAX, shares), JF_OK);
    cr_assert_eq(shares[1022], 1);
    cr_assert_eq(shares[1023], 0);
}
