// What jifen-sim is asked for on the command line.
#ifndef SIM_SETTINGS_H
#define SIM_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

struct sim_settings {
    uint64_t from;
    uint64_t to;
    const char *json; // NULL: none
    const char *bug;  // NULL: none
    bool is_forever;
    bool demands_rows; // every row of the recovery table must be reached
    bool is_verbose;
};

// Returns: whether to go on; else *out_code is the exit code.
bool sim_settings_read(int argc, char **argv, struct sim_settings *out_settings, int *out_code);

#endif
