// The system's clock, read in one place. Everything that decides gets its time from the engine's
// configuration, so that tests and simulation give their own.
#ifndef JF_ENGINE_CLOCK_H
#define JF_ENGINE_CLOCK_H

#include <stdint.h>

// Unix time in microseconds. The context is not used.
uint64_t jf_clock_unix_us(void *context);

// Microseconds of a clock that never goes back; for durations only.
uint64_t jf_clock_monotonic_us(void);

// A clock for intervals that are compared with instants: it follows Unix time forward at once, and
// where that is set back it goes on by what has really passed. So nothing that is due waits for the
// hands to catch up.
struct jf_steady_clock {
    uint64_t steady_us;    // as told last; 0: never yet
    uint64_t monotonic_us; // then
};
// In: both clocks now. Returns: steady time, never below what it was.
uint64_t jf_clock_steady_us(struct jf_steady_clock *clock, uint64_t unix_us, uint64_t monotonic_us);

#endif
