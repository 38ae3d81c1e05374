// The only place of the engine that asks the system for the time.
#include "engine/clock.h"

#include <time.h>

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
