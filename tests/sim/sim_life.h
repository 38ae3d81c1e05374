// One seed: a ledger's life after life on one disk, each ended by a crash, a kill or a stop, and
// judged at the next start.
#ifndef SIM_LIFE_H
#define SIM_LIFE_H

#include "engine/engine.h"
#include "sim_client.h"

#define SIM_DATA    SIM_ROOT "/data"
#define SIM_JOURNAL SIM_DATA "/journal"
#define SIM_STATE   SIM_DATA "/state"

// Runs the seed to its end. Does not return where it fails: see sim_fail.
void sim_seed_run(uint64_t seed);

#endif
