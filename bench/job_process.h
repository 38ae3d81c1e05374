// A command of jifen that runs beside a load, in a process of its own that dies with us, and when
// it ended, which the load may notice later. One thread.
#ifndef JF_BENCH_JOB_PROCESS_H
#define JF_BENCH_JOB_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

// Caller's memory, from zeroes.
struct jf_job_process {
    pid_t pid; // of the process that watches; 0: none
    int end_fd;
    uint64_t begun_ns;
};

// Starts program with arguments (the first its name, NULL at the end); what it prints goes nowhere,
// its errors where ours go. Errors: JF_ERROR_IO, diagnosed.
JF_MUST_USE enum jf_error jf_job_process_start(struct jf_job_process *process,
                                               const char *const *arguments,
                                               struct jf_diagnosis *diagnosis);

// Returns: false while it runs. Out, once it has ended: the time that it took, and whether it ended
// with exit code 0.
bool jf_job_process_has_ended(struct jf_job_process *process, double *out_seconds,
                              bool *out_is_good);

void jf_job_process_kill(struct jf_job_process *process); // nothing where it has ended

#endif
