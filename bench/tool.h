// Other programs that a benchmark needs: run to their end with what they print, or started as a
// server that is stopped by its process id. They die with us. One thread.
#ifndef JF_BENCH_TOOL_H
#define JF_BENCH_TOOL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define JF_TOOL_OUTPUT_SIZE 16384u

struct jf_tool_command {
    const char *const *arguments; // [0] the program's path; ends with NULL
    const char *directory;        // where it runs; NULL: here
    uid_t user;                   // as whom, with that user's group; 0: as we are
    gid_t group;
};

// Runs it, waiting up to timeout_s. Out: what it printed to both outputs, cut, as text.
// Errors, diagnosed with the last line it printed: JF_ERROR_NOT_FOUND (no such program),
// JF_ERROR_IO (it failed or took too long), JF_ERROR_CLOSED (Ctrl-C).
JF_MUST_USE enum jf_error jf_tool_run(const struct jf_tool_command *command, uint32_t timeout_s,
                                      char out_text[JF_TOOL_OUTPUT_SIZE],
                                      struct jf_diagnosis *diagnosis);

// Starts it with its output going to a file. Out: its process id.
JF_MUST_USE enum jf_error jf_tool_start(const struct jf_tool_command *command, const char *log_path,
                                        pid_t *out_pid, struct jf_diagnosis *diagnosis);
// Sends the signal and waits up to timeout_s, then SIGKILL. pid 0 is accepted.
void jf_tool_stop(pid_t pid, int signal_number, uint32_t timeout_s);

#endif
