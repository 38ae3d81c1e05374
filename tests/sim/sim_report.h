// What the runs came to, for people and for programs.
#ifndef SIM_REPORT_H
#define SIM_REPORT_H

#include "sim.h"

// The marks of the recovery table, then one last line with seeds, crashes, faults by kind, answers.
void sim_report_print(const struct sim_counts *counts);
// Whether every row of the recovery table was reached.
bool sim_report_has_rows(const struct sim_counts *counts);
void sim_report_progress(const struct sim_counts *counts, uint64_t seed);
// In: failure NULL: nothing failed. Returns: whether the file was written.
bool sim_report_json(const struct sim_counts *counts, const char *path, const char *failure,
                     uint64_t seed);

#endif
