// When the requests of an open loop arrive: independent of each other, so at exponentially
// distributed distances (a Poisson process), drawn by a generator with a fixed seed. No I/O, no
// clock.
#ifndef JF_BENCH_ARRIVALS_H
#define JF_BENCH_ARRIVALS_H

#include <stdint.h>

// Caller's memory; private.
struct jf_arrivals {
    double mean_ns;
    double next_ns; // since the beginning
    uint64_t begin_ns;
    uint64_t random;
};

// In: begin_ns a monotonic time; per_s 1..10,000,000.
void jf_arrivals_init(struct jf_arrivals *arrivals, uint64_t begin_ns, uint64_t per_s);

// Returns: the time of the next arrival, monotonic nanoseconds; the same until it is taken.
uint64_t jf_arrivals_next_ns(const struct jf_arrivals *arrivals);
void jf_arrivals_take(struct jf_arrivals *arrivals);

#endif
