// The jifend under test: started, waited for, watched, stopped by its process id, and its scratch
// directory; and whether the user has pressed Ctrl-C. One thread.
//
// A started server dies with us, whatever kills us (PR_SET_PDEATHSIG), and has a process group of
// its own, so that Ctrl-C reaches only us and we stop it in order.
#ifndef JF_BENCH_PROCESS_H
#define JF_BENCH_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define JF_PATH_SIZE            4096u
#define JF_PROCESS_ARGUMENT_MAX 48u

// From here on SIGINT, SIGTERM and SIGHUP only set a mark; a second one ends us at once.
void jf_interrupt_watch(void);
bool jf_interrupt_seen(void);

// A fresh directory of our own in `parent`. Errors: JF_ERROR_IO, diagnosed.
struct jf_scratch {
    char path[JF_PATH_SIZE]; // empty: none
};
JF_MUST_USE enum jf_error jf_scratch_create(struct jf_scratch *scratch, const char *parent,
                                            struct jf_diagnosis *diagnosis);
void jf_scratch_remove(struct jf_scratch *scratch); // with all that is in it; safe when empty

struct jf_process_config {
    const char *program;        // path of jifend
    const char *directory;      // scratch: holds data/, port and log
    const char *listen;         // "127.0.0.1:0"
    const char *const *options; // further ones
    uint32_t option_count;
    uint64_t ready_timeout_us;
};

// Caller's memory; zeroes: nothing runs.
struct jf_process {
    pid_t pid;
    uint16_t port;
    uint64_t started_ns; // just before exec
    char log_path[JF_PATH_SIZE];
};

// Starts jifend and waits until it has written its port file. On failure nothing runs, and the
// diagnosis ends with the last line of its log. Errors: JF_ERROR_NOT_FOUND (no program),
// JF_ERROR_IO, JF_ERROR_CLOSED (it ended, it took too long, or Ctrl-C).
JF_MUST_USE enum jf_error jf_process_start(struct jf_process *process,
                                           const struct jf_process_config *config,
                                           struct jf_diagnosis *diagnosis);

// SIGKILL, and waits until it is gone. Safe when nothing runs.
void jf_process_kill(struct jf_process *process);

// SIGTERM, waits up to timeout_us, then SIGKILL. Errors: JF_ERROR_IO when it had to be killed or
// ended with a failure; diagnosed with the end of its log. JF_OK when nothing runs.
JF_MUST_USE enum jf_error jf_process_stop(struct jf_process *process, uint64_t timeout_us,
                                          struct jf_diagnosis *diagnosis);

// Whether it still runs; if not, the diagnosis says how it ended.
bool jf_process_is_alive(struct jf_process *process, struct jf_diagnosis *diagnosis);

// What it uses. All zero when it cannot be asked.
struct jf_process_usage {
    uint64_t resident_bytes;      // VmRSS
    uint64_t resident_bytes_peak; // VmHWM
    uint64_t processor_us;        // user and system
};
void jf_process_usage(pid_t pid, struct jf_process_usage *out_usage);
uint64_t jf_process_own_processor_us(void);

// The program named `name` in the folder of our own binary. Errors: JF_ERROR_NOT_FOUND, diagnosed.
JF_MUST_USE enum jf_error jf_process_sibling(const char *name, char out_path[JF_PATH_SIZE],
                                             struct jf_diagnosis *diagnosis);

#endif
