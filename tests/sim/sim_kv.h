// The simulated database under the state: state/kv.h's functions over ordered maps in memory, which
// keep three sides of each value apart: what is committed, what a running flush has taken, and what
// is flushed. When the power goes, or the process is killed, only the last is left; a running flush
// may just have made it. A flush may begin by itself at any commit, and covers all families.
#ifndef SIM_KV_H
#define SIM_KV_H

#include "sim.h"

void sim_kv_destroy(void); // every database
void sim_kv_power_off(void);
bool sim_kv_has_file(const char *path); // a database's file CURRENT
void sim_kv_forget(const char *directory);

// Damage at rest: some value is no longer what was written, and the database notices when it is
// read. Returns: false where there is nothing to be damaged.
bool sim_kv_damage(const char *directory);
bool sim_kv_is_damaged(const char *directory);
// Whether the last failure of the database was one that was put in.
bool sim_kv_has_failed(void);

#endif
