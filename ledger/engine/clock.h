// The system's clock, read in one place. Everything that decides gets its time from the engine's
// configuration, so that tests and simulation give their own.
#ifndef JF_ENGINE_CLOCK_H
#define JF_ENGINE_CLOCK_H

#include <stdint.h>

// Unix time in microseconds. The context is not used.
uint64_t jf_clock_unix_us(void *context);

// Microseconds of a clock that never goes back; for durations only.
uint64_t jf_clock_monotonic_us(void);

#endif
