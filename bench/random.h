// Numbers drawn with a fixed seed, so that every run does the same: SplitMix64. Any seed is good.
#ifndef JF_BENCH_RANDOM_H
#define JF_BENCH_RANDOM_H

#include <math.h>
#include <stdint.h>

// In and out: *state, the seed at first. Returns: 64 even bits.
static inline uint64_t jf_random_next(uint64_t *state)
{
    *state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

// Returns: exponentially distributed with mean 1: the distance between independent arrivals.
static inline double jf_random_exponential(uint64_t *state)
{
    return -log(((double)(jf_random_next(state) >> 11) + 1.0) * 0x1p-53);
}

#endif
