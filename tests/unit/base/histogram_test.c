// Claims about the histogram: exact counts, values within 1/64, nothing lost at the ends.
#include <criterion/criterion.h>

#include <signal.h>

#include "base/histogram.h"

static struct jf_histogram histogram; // each test runs in a process of its own: empty here
static struct jf_histogram other;

Test(histogram, a_quantile_above_one_is_a_bug, .signal = SIGABRT)
{
    (void)jf_histogram_quantile(&histogram, 1000001);
}

Test(histogram, empty_answers_nothing)
{
    cr_assert_eq(jf_histogram_quantile(&histogram, 0), 0);
    cr_assert_eq(jf_histogram_quantile(&histogram, 1000000), 0);
    cr_assert_eq(histogram.min, 0);
}

// The lower of two values is answered by its bucket's upper edge; the larger keeps max from hiding
// it.
Test(histogram, a_value_is_answered_within_a_64th_and_never_below_itself)
{
    for (uint32_t exponent = 0; exponent < 63; exponent++) {
        for (uint64_t step = 0; step < 130; step++) {
            uint64_t value = ((uint64_t)1 << exponent) + (((uint64_t)1 << exponent) * step) / 130;
            memset(&histogram, 0, sizeof histogram);
            jf_histogram_record(&histogram, value);
            jf_histogram_record(&histogram, UINT64_MAX);
            uint64_t answer = jf_histogram_quantile(&histogram, 500000);
            cr_assert_geq(answer, value);
            cr_assert_leq(answer - value, value / 64, "value %lu answer %lu", value, answer);
        }
    }
}

Test(histogram, small_values_are_exact)
{
    for (uint64_t value = 0; value < 128; value++) {
        memset(&histogram, 0, sizeof histogram);
        jf_histogram_record(&histogram, value);
        jf_histogram_record(&histogram, 1000);
        cr_assert_eq(jf_histogram_quantile(&histogram, 500000), value);
    }
}

Test(histogram, the_largest_value_has_a_bucket)
{
    jf_histogram_record(&histogram, UINT64_MAX);
    cr_assert_eq(histogram.counts[JF_HISTOGRAM_BUCKETS - 1], 1);
    cr_assert_eq(jf_histogram_quantile(&histogram, 1000000), UINT64_MAX);
}

Test(histogram, quantiles_are_ranks)
{
    for (uint64_t value = 1; value <= 100; value++) {
        jf_histogram_record(&histogram, value);
    }
    cr_assert_eq(jf_histogram_quantile(&histogram, 0), 1);
    cr_assert_eq(jf_histogram_quantile(&histogram, 10000), 1);
    cr_assert_eq(jf_histogram_quantile(&histogram, 10001), 2);
    cr_assert_eq(jf_histogram_quantile(&histogram, 500000), 50);
    cr_assert_eq(jf_histogram_quantile(&histogram, 990000), 99);
    cr_assert_eq(jf_histogram_quantile(&histogram, 1000000), 100);
    cr_assert_eq(histogram.count, 100);
    cr_assert_eq(histogram.sum, 5050);
}

Test(histogram, no_quantile_is_above_the_largest_value)
{
    jf_histogram_record(&histogram, 1000003);
    cr_assert_eq(jf_histogram_quantile(&histogram, 999000), 1000003);
}

Test(histogram, merge_equals_recording_into_one)
{
    static struct jf_histogram both;
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t value = i * i * 17 + 3;
        jf_histogram_record(i % 3 == 0 ? &histogram : &other, value);
        jf_histogram_record(&both, value);
    }
    jf_histogram_merge(&histogram, &other);
    cr_assert_eq(memcmp(&histogram, &both, sizeof both), 0);
}

Test(histogram, merge_with_an_empty_one_changes_nothing_and_takes_everything)
{
    static struct jf_histogram empty;
    jf_histogram_record(&histogram, 42);
    other = histogram;
    jf_histogram_merge(&histogram, &empty);
    cr_assert_eq(memcmp(&histogram, &other, sizeof other), 0);
    jf_histogram_merge(&empty, &histogram);
    cr_assert_eq(empty.min, 42);
    cr_assert_eq(empty.max, 42);
}
