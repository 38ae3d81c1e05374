// Damage at rest, while the ledger is stopped: what no crash explains must end in a refusal or be
// made good, never in silence.
#ifndef SIM_DAMAGE_H
#define SIM_DAMAGE_H

#include "sim.h"

// Starts and stops the ledger in quiet, so that everything is sealed; damages something; sees what
// the next start says; puts the disk right as from a backup. The ledger is stopped before and
// after.
void sim_damage(void);

#endif
