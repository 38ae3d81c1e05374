// The simulated ring: io/ring.h's functions over the simulated disk. Operations take time, and
// complete in any order; waiting moves the clock to the next completion.
#ifndef SIM_RING_H
#define SIM_RING_H

#include "sim.h"

// The power goes: of the writes on their way any part lands.
void sim_ring_power_off(void);
// The process is killed: what the system was given is carried out.
void sim_ring_kill(void);
// A write that was answered as durable and is not there, or landed elsewhere. Where no later block
// says that it was durable nobody could know: it is then made good, so that what is left can be
// held against the ledger. Called before a start. Returns: what the ledger has to notice.
enum sim_lost {
    SIM_LOST_NOTHING,
    SIM_LOST_ASTRAY, // a block lies where it does not belong, unless it was overwritten since
    SIM_LOST_TOLD    // a block is missing that a later one says was durable: must be refused
};
enum sim_lost sim_ring_settle_lost(void);
void sim_ring_repair_lost(void); // puts the disk right, as from a backup
void sim_ring_forget_lost(void); // if it was settled: one that came since stays

#endif
