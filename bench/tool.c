// fork, exec, and a pipe or a log as output. Fails: no program; an exit code other than 0; too
// long; Ctrl-C.
#include "bench/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/options.h"
#include "bench/process.h"

#define POLL_MS          100
#define NS_PER_S         1000000000u
#define EXIT_NOT_STARTED 127

// In the child: never returns.
static void child_run(const struct jf_tool_command *command, int output, pid_t parent)
{
    (void)setpgid(0, 0);
    bool is_ready = dup2(output, STDOUT_FILENO) >= 0 && dup2(output, STDERR_FILENO) >= 0;
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    is_ready = is_ready && null >= 0 && dup2(null, STDIN_FILENO) >= 0;
    if (command->user != 0) {
        is_ready = is_ready && setgroups(0, NULL) == 0 && setgid(command->group) == 0 &&
                   setuid(command->user) == 0;
    }
    is_ready = is_ready && (command->directory == NULL || chdir(command->directory) == 0);
    // After the change of user, which takes it back.
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!is_ready || getppid() != parent) {
        _exit(EXIT_NOT_STARTED);
    }
    (void)signal(SIGPIPE, SIG_DFL);
    (void)execv(command->arguments[0], (char *const *)(uintptr_t)command->arguments);
    (void)dprintf(STDERR_FILENO, "%s: %s\n", command->arguments[0], strerror(errno));
    _exit(EXIT_NOT_STARTED);
}

static enum jf_error child_start(const struct jf_tool_command *command, int output, pid_t *out_pid,
                                 struct jf_diagnosis *diagnosis)
{
    if (access(command->arguments[0], X_OK) != 0) {
        return jf_diagnose(diagnosis, JF_ERROR_NOT_FOUND,
                           "%s: %s: install what jifen-bench compares with: tools/setup --bench",
                           command->arguments[0], strerror(errno));
    }
    pid_t parent = getpid();
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "%s cannot be started: %s",
                           command->arguments[0], strerror(errno));
    }
    if (pid == 0) {
        child_run(command, output, parent);
    }
    *out_pid = pid;
    return JF_OK;
}

// Reads until the pipe's end. Returns: false when it takes too long or Ctrl-C came.
static bool output_read(int fd, uint64_t end_ns, char out_text[JF_TOOL_OUTPUT_SIZE])
{
    uint32_t size = 0;
    for (;;) {
        char rest[256];
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        if (jf_interrupt_seen() || jf_bench_now_ns() >= end_ns) {
            return false;
        }
        if (poll(&ready, 1, POLL_MS) <= 0) {
            continue;
        }
        bool has_room = size + 1 < JF_TOOL_OUTPUT_SIZE;
        ssize_t got = has_room ? read(fd, out_text + size, JF_TOOL_OUTPUT_SIZE - 1 - size)
                               : read(fd, rest, sizeof rest);
        if (got <= 0) {
            return true;
        }
        size += has_room ? (uint32_t)got : 0;
        out_text[size] = '\0';
    }
}

static const char *last_line(char *text)
{
    size_t size = strlen(text);
    while (size > 0 && text[size - 1] == '\n') {
        text[--size] = '\0';
    }
    const char *newline = strrchr(text, '\n');
    return newline == NULL ? text : newline + 1;
}

enum jf_error jf_tool_run(const struct jf_tool_command *command, uint32_t timeout_s,
                          char out_text[JF_TOOL_OUTPUT_SIZE], struct jf_diagnosis *diagnosis)
{
    int ends[2];
    pid_t pid = 0;
    int status = 0;
    out_text[0] = '\0';
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "no pipe: %s", strerror(errno));
    }
    enum jf_error error = child_start(command, ends[1], &pid, diagnosis);
    (void)close(ends[1]);
    if (error != JF_OK) {
        (void)close(ends[0]);
        return error;
    }
    bool is_done =
        output_read(ends[0], jf_bench_now_ns() + (uint64_t)timeout_s * NS_PER_S, out_text);
    (void)close(ends[0]);
    if (!is_done) {
        (void)kill(pid, SIGKILL);
    }
    (void)waitpid(pid, &status, 0);
    if (jf_interrupt_seen()) {
        return jf_diagnose(diagnosis, JF_ERROR_CLOSED, "interrupted");
    }
    if (!is_done || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "%s %s: %s", command->arguments[0],
                           is_done ? "failed" : "took too long", last_line(out_text));
    }
    return JF_OK;
}

enum jf_error jf_tool_start(const struct jf_tool_command *command, const char *log_path,
                            pid_t *out_pid, struct jf_diagnosis *diagnosis)
{
    int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log < 0) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "%s: %s", log_path, strerror(errno));
    }
    enum jf_error error = child_start(command, log, out_pid, diagnosis);
    (void)close(log);
    return error;
}

void jf_tool_stop(pid_t pid, int signal_number, uint32_t timeout_s)
{
    const struct timespec pause = {.tv_nsec = (long)POLL_MS * 1000000};
    if (pid == 0) {
        return;
    }
    (void)kill(pid, signal_number);
    for (uint32_t waited_ms = 0; waited_ms < timeout_s * 1000; waited_ms += POLL_MS) {
        if (waitpid(pid, NULL, WNOHANG) != 0) {
            return;
        }
        (void)nanosleep(&pause, NULL);
    }
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}
