// Random numbers of a seed: small, the same on every machine (Sebastiano Vigna's splitmix64).
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct sim_random {
    uint64_t state;
};

static inline uint64_t sim_next(struct sim_random *random)
{
    random->state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = random->state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

// Returns: 0..bound-1. In: bound > 0.
static inline uint32_t sim_below(struct sim_random *random, uint32_t bound)
{
    return (uint32_t)(sim_next(random) % bound);
}

// Returns: true in `permille` of 1,000 cases.
static inline bool sim_chance(struct sim_random *random, uint32_t permille)
{
    return sim_below(random, 1000) < permille;
}

#endif
