// When requests of an open loop arrive.
#include <criterion/criterion.h>

#include "bench/arrivals.h"

Test(arrivals, never_step_back_and_stay_until_taken)
{
    struct jf_arrivals arrivals;
    jf_arrivals_init(&arrivals, 1000, 1000000);
    uint64_t last_ns = 1000;
    for (uint32_t i = 0; i < 10000; i++) {
        uint64_t next_ns = jf_arrivals_next_ns(&arrivals);
        cr_assert_geq(next_ns, last_ns);
        cr_assert_eq(next_ns, jf_arrivals_next_ns(&arrivals));
        jf_arrivals_take(&arrivals);
        last_ns = next_ns;
    }
}

Test(arrivals, keep_the_rate_and_come_in_crowds)
{
    struct jf_arrivals arrivals;
    jf_arrivals_init(&arrivals, 0, 10000);
    uint64_t last_ns = 0;
    uint32_t close_count = 0;
    for (uint32_t i = 0; i < 100000; i++) {
        uint64_t next_ns = jf_arrivals_next_ns(&arrivals);
        close_count += next_ns - last_ns < 10000 ? 1 : 0; // a tenth of the mean distance
        last_ns = next_ns;
        jf_arrivals_take(&arrivals);
    }
    // Ten seconds within four standard deviations; 1 - exp(-0.1) of the distances are that short.
    cr_assert(last_ns > 9870000000 && last_ns < 10130000000);
    cr_assert(close_count > 9100 && close_count < 9950);
}

Test(arrivals, are_the_same_in_every_run)
{
    struct jf_arrivals a;
    struct jf_arrivals b;
    jf_arrivals_init(&a, 0, 5000);
    jf_arrivals_init(&b, 0, 5000);
    for (uint32_t i = 0; i < 100; i++) {
        cr_assert_eq(jf_arrivals_next_ns(&a), jf_arrivals_next_ns(&b));
        jf_arrivals_take(&a);
        jf_arrivals_take(&b);
    }
}
