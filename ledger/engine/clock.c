// The only place of the engine that asks the system for the time.
#include "engine/clock.h"

#include <time.h>

#include "base/assert.h"

static uint64_t clock_us(clockid_t clock)
{
    struct timespec now = {0, 0};
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

uint64_t jf_clock_unix_us(void *context)
{
    (void)context;
    return clock_us(CLOCK_REALTIME);
}

uint64_t jf_clock_monotonic_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

uint64_t jf_clock_steady_us(struct jf_steady_clock *clock, uint64_t unix_us, uint64_t monotonic_us)
{
    JF_ASSERT(monotonic_us >= clock->monotonic_us);
    uint64_t passed_us = clock->steady_us == 0 ? 0 : monotonic_us - clock->monotonic_us;
    uint64_t steady_us = clock->steady_us + passed_us;
    clock->steady_us = steady_us > unix_us ? steady_us : unix_us;
    clock->monotonic_us = monotonic_us;
    return clock->steady_us;
}
