// Bugs put in on purpose (base/bug.h): jifen-sim-bugs has them, jifen-sim becomes it when asked.
#ifndef SIM_BUG_H
#define SIM_BUG_H

#include <stdbool.h>

void sim_bug_list(void);

// Switches the bug on; in jifen-sim: runs jifen-sim-bugs, beside it, with the same arguments.
// Returns: whether that went; false, said on standard error, for an unknown name.
bool sim_bug_set(const char *name, char **argv);

#endif
