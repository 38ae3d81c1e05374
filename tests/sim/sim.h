// What the parts of the simulation share: the clock, the swarm's options, counts, and how a seed
// fails. One world, one thread; everything that happens follows from the seed.
#ifndef SIM_H
#define SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "journal/recovery.h"
#include "sim_random.h"

// Faults by kind, as the last line counts them.
#define SIM_FAULTS(X)                                                                              \
    X(POWER, "power_cuts")                                                                         \
    X(POWER_OPENING, "power_cuts_in_recovery")                                                     \
    X(KILL, "kills")                                                                               \
    X(STOP, "clean_stops")                                                                         \
    X(TORN, "torn_writes")                                                                         \
    X(UNSYNCED, "unsynced_lost")                                                                   \
    X(NAME, "names_lost")                                                                          \
    X(LATE, "late_completions")                                                                    \
    X(EIO, "write_errors")                                                                         \
    X(SHORT, "short_writes")                                                                       \
    X(FULL, "full_disks")                                                                          \
    X(LOST, "lost_writes")                                                                         \
    X(ASTRAY, "misdirected_writes")                                                                \
    X(FLIP, "flipped_bits")                                                                        \
    X(UNREADABLE, "unreadable_sectors")                                                            \
    X(TRANSPLANT, "foreign_blocks")                                                                \
    X(STATE_READ, "state_read_errors")                                                             \
    X(STATE_WRITE, "state_write_errors")                                                           \
    X(STATE_DAMAGE, "state_damages")                                                               \
    X(STATE_LOST, "states_lost")

enum sim_fault {
#define SIM_FAULT_ENUM(id, text) SIM_FAULT_##id,
    SIM_FAULTS(SIM_FAULT_ENUM)
#undef SIM_FAULT_ENUM
    SIM_FAULT_COUNT
};

struct sim_counts {
    uint64_t seeds;
    uint64_t crashes;
    uint64_t openings;
    uint64_t refused_openings; // each explained by a fault, repaired, and opened again
    uint64_t replays;          // replays from nothing, compared
    uint64_t operations;       // of disk and state
    uint64_t commands;
    uint64_t answers; // compared with the model
    uint64_t questions;
    uint64_t retries;
    uint64_t unknown_landed; // entries found after a crash that nobody had been answered for
    uint64_t faults[SIM_FAULT_COUNT];
    uint64_t rows[JF_TAIL_ROW_COUNT]; // of the recovery table
};

// What a seed draws: how often things go wrong (permille) and how the ledger is set up.
struct sim_options {
    uint32_t lives;  // openings that are tried
    uint32_t steps;  // per life at most
    uint32_t burst;  // permille of steps with hundreds of requests
    uint32_t bulk;   // publications of most of a megabyte, so that segments fill
    uint32_t writes; // share of requests that write
    uint32_t people; // of writes: of members' lives, holds and what jobs ask
    uint32_t latency_us;
    uint32_t late;
    uint32_t write_error;
    uint32_t short_write;
    uint32_t full;
    uint32_t lost;
    uint32_t astray;
    uint32_t kill; // of lives' ends
    uint32_t stop;
    uint32_t damage; // of lives' ends
    uint32_t state_error;
    uint32_t auto_flush;  // of commits
    uint32_t opening_cut; // of openings
    uint64_t cache_bytes;
    uint64_t generation_us;
    uint32_t generation_entries;
    uint64_t checkpoint_us;
    uint64_t checkpoint_entries;
    uint64_t digest_every;
};

struct sim {
    uint64_t seed;
    uint64_t now_us; // Unix time
    struct sim_random random;
    struct sim_options options;
    struct sim_counts *counts;
    bool is_calm; // nothing goes wrong now
    bool is_verbose;
};

extern struct sim sim;

static inline uint32_t sim_draw(uint32_t bound)
{
    return sim_below(&sim.random, bound);
}

static inline bool sim_happens(uint32_t permille)
{
    return permille > 0 && !sim.is_calm && sim_chance(&sim.random, permille);
}

static inline void sim_count(enum sim_fault fault)
{
    sim.counts->faults[fault] += 1;
}

// The power goes, everywhere: in the disk, in what is on its way to it, and in the state.
void sim_power_off(void);

// Ends the seed: it has failed, and why.
_Noreturn void sim_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Fails unless the condition holds.
#define SIM_REQUIRE(condition)                                                                     \
    ((condition) ? (void)0 : sim_fail("not so: %s (%s:%d)", #condition, __FILE__, __LINE__))

// With --verbose: one line of what happens.
void sim_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
