// Cannot fail.
#include "bench/arrivals.h"

#include <math.h>

#include "base/assert.h"

#define PER_S_MAX 10000000u

// Evenly in (0, 1], by SplitMix64.
static double random_next(uint64_t *state)
{
    *state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    z ^= z >> 31;
    return ((double)(z >> 11) + 1.0) / 9007199254740992.0;
}

static void advance(struct jf_arrivals *arrivals)
{
    arrivals->next_ns -= arrivals->mean_ns * log(random_next(&arrivals->random));
}

void jf_arrivals_init(struct jf_arrivals *arrivals, uint64_t begin_ns, uint64_t per_s)
{
    JF_ASSERT(per_s >= 1 && per_s <= PER_S_MAX);
    *arrivals =
        (struct jf_arrivals){.mean_ns = 1e9 / (double)per_s, .begin_ns = begin_ns, .random = 1};
    advance(arrivals);
}

uint64_t jf_arrivals_next_ns(const struct jf_arrivals *arrivals)
{
    return arrivals->begin_ns + (uint64_t)arrivals->next_ns;
}

void jf_arrivals_take(struct jf_arrivals *arrivals)
{
    advance(arrivals);
}
