// A child starts the program as its own child, waits for it and writes the instant of its end into
// a pipe: a load that looks once a second still knows it exactly. Fails: no process, no pipe.
#include "bench/job_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/options.h"
#include "bench/process.h"

#define NOT_STARTED 127

static void program_run(const char *const *arguments)
{
    int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (nothing >= 0 && dup2(nothing, STDOUT_FILENO) == STDOUT_FILENO) {
        (void)execv(arguments[0], (char *const *)(uintptr_t)arguments);
    }
    _exit(NOT_STARTED);
}

// The process that watches.
static void watch(const char *const *arguments, int end_fd)
{
    int status = 0;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    pid_t pid = fork();
    if (pid == 0) {
        program_run(arguments);
    }
    bool is_awaited = pid > 0 && waitpid(pid, &status, 0) == pid;
    uint64_t ended_ns = jf_bench_now_ns();
    bool is_told = write(end_fd, &ended_ns, sizeof ended_ns) == sizeof ended_ns;
    _exit(is_awaited && is_told && WIFEXITED(status) ? WEXITSTATUS(status) : NOT_STARTED);
}

enum jf_error jf_job_process_start(struct jf_job_process *process, const char *const *arguments,
                                   struct jf_diagnosis *diagnosis)
{
    int ends[2] = {-1, -1};
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "no pipe for a job: %s", strerror(errno));
    }
    process->begun_ns = jf_bench_now_ns();
    process->pid = fork();
    if (process->pid == 0) {
        watch(arguments, ends[1]);
    }
    int code = errno;
    (void)close(ends[1]);
    process->end_fd = ends[0];
    if (process->pid > 0) {
        return JF_OK;
    }
    process->pid = 0;
    (void)close(ends[0]);
    return jf_diagnose(diagnosis, JF_ERROR_IO, "no process for a job: %s", strerror(code));
}

bool jf_job_process_has_ended(struct jf_job_process *process, double *out_seconds,
                              bool *out_is_good)
{
    int status = 0;
    uint64_t ended_ns = 0;
    if (waitpid(process->pid, &status, WNOHANG) != process->pid) {
        return false;
    }
    bool is_told = read(process->end_fd, &ended_ns, sizeof ended_ns) == sizeof ended_ns;
    (void)close(process->end_fd);
    process->pid = 0;
    *out_is_good = is_told && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    *out_seconds = is_told ? (double)(ended_ns - process->begun_ns) / 1e9 : 0;
    return true;
}

void jf_job_process_kill(struct jf_job_process *process)
{
    if (process->pid > 0) {
        (void)kill(process->pid, SIGKILL); // what it started dies with it
        (void)waitpid(process->pid, NULL, 0);
        (void)close(process->end_fd);
        process->pid = 0;
    }
}
