// Cannot fail.
#include "bench/arrivals.h"

#include "base/assert.h"
#include "bench/random.h"

#define PER_S_MAX 10000000u

static void advance(struct jf_arrivals *arrivals)
{
    arrivals->next_ns += arrivals->mean_ns * jf_random_exponential(&arrivals->random);
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
