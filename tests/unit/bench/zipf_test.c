// Claims about Zipf's draws: each rank comes as often as 1 / k^theta says, and ranks are spread one
// to one.
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "bench/random.h"
#include "bench/zipf.h"

#define COUNT 1000u
#define DRAWS 2000000u

Test(zipf, ranks_come_as_often_as_the_law_says)
{
    struct jf_zipf zipf;
    static uint32_t seen[COUNT];
    uint64_t random = 7;
    jf_zipf_init(&zipf, COUNT, 0.99);
    for (uint32_t i = 0; i < DRAWS; i++) {
        uint64_t rank = jf_zipf_rank(&zipf, jf_random_next(&random));
        cr_assert_lt(rank, COUNT);
        seen[rank] += 1;
    }
    // The first two are exact but for chance; the others an approximation, looked at by tens.
    double sum = 0;
    for (uint32_t k = 1; k <= COUNT; k++) {
        sum += pow(k, -0.99);
    }
    cr_assert_float_eq(zipf.sum, sum, 1e-9);
    for (uint32_t k = 1; k <= 2; k++) {
        cr_assert_float_eq(seen[k - 1] / (double)DRAWS, pow(k, -0.99) / sum, 0.002);
    }
    for (uint32_t first = 10; first < COUNT; first += 90) {
        double expected = 0;
        double found = 0;
        for (uint32_t k = first; k < first + 90; k++) {
            expected += pow(k, -0.99) / sum;
            found += seen[k - 1] / (double)DRAWS;
        }
        cr_assert_float_eq(found / expected, 1, 0.1, "ranks %u to %u: %g of %g", first, first + 89,
                           found, expected);
    }
}

Test(zipf, the_ends_of_the_draw_are_ranks)
{
    struct jf_zipf zipf;
    for (uint64_t count = 1; count <= 4; count++) {
        jf_zipf_init(&zipf, count, 0.5);
        cr_assert_eq(jf_zipf_rank(&zipf, 0), 0);
        cr_assert_lt(jf_zipf_rank(&zipf, UINT64_MAX), count);
    }
}

Test(zipf, places_are_one_to_one)
{
    for (uint64_t count = 1; count < 3000; count += 97) {
        unsigned char *seen = calloc(count, 1);
        cr_assert_not_null(seen);
        for (uint64_t rank = 0; rank < count; rank++) {
            uint64_t place = jf_zipf_place(rank, count);
            cr_assert_lt(place, count);
            cr_assert_eq(seen[place]++, 0);
        }
        free(seen);
    }
}
