// A seed's mix of faults and load.
#ifndef SIM_SWARM_H
#define SIM_SWARM_H

#include "sim.h"

// Draws it from sim.random.
void sim_swarm_draw(struct sim_options *options);

#endif
