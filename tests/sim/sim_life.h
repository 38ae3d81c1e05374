// One seed: a ledger's life after life on one disk, each ended by a crash, a kill or a stop, and
// judged at the next start.
#ifndef SIM_LIFE_H
#define SIM_LIFE_H

#include "engine/engine.h"
#include "sim_client.h"

#define SIM_DATA    SIM_ROOT "/data"
#define SIM_JOURNAL SIM_DATA "/journal"
#define SIM_STATE   SIM_DATA "/state"

// One try at a start. Returns: whether the ledger is open, and what it holds was found right.
// Otherwise nothing is open, and the diagnosis says why, unless the power went.
bool sim_start_once(struct jf_diagnosis *diagnosis);
void sim_start(void);        // tries until it goes; each refusal must have been provoked
void sim_idle(void);         // turns without clients, until what was written is sealed
void sim_stop(bool is_kill); // without a power cut
bool sim_verify(struct jf_diagnosis *diagnosis); // the journal replayed from nothing, compared

// Runs the seed to its end. Does not return where it fails: see sim_fail.
void sim_seed_run(uint64_t seed);

#endif
