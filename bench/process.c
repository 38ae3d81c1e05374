// Happy path: fork, exec with the log as output, poll the port file, later SIGTERM and wait.
// Fails: no program; the server ends before it is ready (the end of its log is quoted); it is not
// ready in time, or does not stop in time (it is killed then); Ctrl-C while waiting.
#include "bench/process.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "bench/options.h"

#define POLL_NS      1000000u // a start is measured: the port file is looked for every millisecond
#define REMOVE_FDS   16
#define LOG_TAIL_MAX 300u

static volatile sig_atomic_t interrupt_is_seen;

static void on_signal(int number)
{
    interrupt_is_seen = 1;
    (void)signal(number, SIG_DFL);
}

void jf_interrupt_watch(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
}

bool jf_interrupt_seen(void)
{
    return interrupt_is_seen != 0;
}

enum jf_error jf_scratch_create(struct jf_scratch *scratch, const char *parent,
                                struct jf_diagnosis *diagnosis)
{
    char absolute[JF_PATH_SIZE];
    scratch->path[0] = '\0';
    if (strlen(parent) >= JF_PATH_SIZE || realpath(parent, absolute) == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "--dir %s: %s: name a directory that exists",
                           parent, strerror(errno));
    }
    int size = snprintf(scratch->path, sizeof(scratch->path), "%.*s/jifen-bench-XXXXXX",
                        (int)(JF_PATH_SIZE - 32), absolute);
    if (size < 0 || (size_t)size >= sizeof(scratch->path) || mkdtemp(scratch->path) == NULL) {
        scratch->path[0] = '\0';
        return jf_diagnose(diagnosis, JF_ERROR_IO, "--dir %s: no directory can be made in it: %s",
                           parent, strerror(errno));
    }
    return JF_OK;
}

static int entry_remove(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    (void)remove(path);
    return 0;
}

void jf_scratch_remove(struct jf_scratch *scratch)
{
    if (scratch->path[0] != '\0') {
        (void)nftw(scratch->path, entry_remove, REMOVE_FDS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
        scratch->path[0] = '\0';
    }
}

// The last line of the log that has text, cut.
static void log_tail(const char *path, char out_text[LOG_TAIL_MAX])
{
    char line[1024];
    (void)snprintf(out_text, LOG_TAIL_MAX, "its log is empty");
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return;
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (line[0] != '\0') {
            (void)snprintf(out_text, LOG_TAIL_MAX, "%.*s", (int)(LOG_TAIL_MAX - 1), line);
        }
    }
    (void)fclose(file);
}

static void ended_diagnose(const struct jf_process *process, int status, const char *when,
                           struct jf_diagnosis *diagnosis)
{
    char tail[LOG_TAIL_MAX];
    log_tail(process->log_path, tail);
    bool is_signal = WIFSIGNALED(status);
    (void)jf_diagnose(diagnosis, JF_ERROR_CLOSED, "jifend ended %s (%s %d): %s", when,
                      is_signal ? "signal" : "exit code",
                      is_signal ? WTERMSIG(status) : WEXITSTATUS(status), tail);
}

static const char *child_path(const char *directory, const char *name, char out_path[JF_PATH_SIZE])
{
    (void)snprintf(out_path, JF_PATH_SIZE, "%.*s/%s", (int)(JF_PATH_SIZE - 32), directory, name);
    return out_path;
}

// In the child: never returns.
static void child_run(const struct jf_process_config *config, char *const *arguments,
                      const char *log_path, pid_t parent)
{
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(127); // the parent died before it could be watched
    }
    (void)signal(SIGPIPE, SIG_DFL);
    int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (log < 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 ||
        dup2(log, STDERR_FILENO) < 0) {
        _exit(127);
    }
    (void)execv(config->program, arguments);
    (void)dprintf(STDERR_FILENO, "%s: %s\n", config->program, strerror(errno));
    _exit(127);
}

// execv does not write to its arguments, though its type says that it may.
static char *borrowed(const char *text)
{
    return (char *)(uintptr_t)text;
}

static enum jf_error child_start(struct jf_process *process, const struct jf_process_config *config,
                                 const char *port_path, struct jf_diagnosis *diagnosis)
{
    char data_path[JF_PATH_SIZE];
    char *arguments[JF_PROCESS_ARGUMENT_MAX];
    uint32_t count = 0;
    JF_ASSERT(config->option_count + 8 <= JF_PROCESS_ARGUMENT_MAX);
    arguments[count++] = borrowed(config->program);
    arguments[count++] = borrowed("--data");
    arguments[count++] = borrowed(child_path(config->directory, "data", data_path));
    arguments[count++] = borrowed("--listen");
    arguments[count++] = borrowed(config->listen);
    arguments[count++] = borrowed("--port-file");
    arguments[count++] = borrowed(port_path);
    for (uint32_t at = 0; at < config->option_count; at++) {
        arguments[count++] = borrowed(config->options[at]);
    }
    arguments[count] = NULL;
    pid_t parent = getpid();
    (void)fflush(NULL);
    process->started_ns = jf_bench_now_ns();
    pid_t pid = fork();
    if (pid < 0) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "jifend cannot be started: %s", strerror(errno));
    }
    if (pid == 0) {
        child_run(config, arguments, process->log_path, parent);
    }
    process->pid = pid;
    return JF_OK;
}

// Returns: 0 while the file is absent or not whole (its number must end with a newline).
static uint16_t port_read(const char *path)
{
    char text[32];
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    bool is_whole = fgets(text, sizeof(text), file) != NULL && strchr(text, '\n') != NULL;
    (void)fclose(file);
    unsigned long port = is_whole ? strtoul(text, NULL, 10) : 0;
    return port <= UINT16_MAX ? (uint16_t)port : 0;
}

static void nap(void)
{
    const struct timespec pause = {.tv_nsec = POLL_NS};
    (void)nanosleep(&pause, NULL);
}

enum jf_error jf_process_start(struct jf_process *process, const struct jf_process_config *config,
                               struct jf_diagnosis *diagnosis)
{
    char port_path[JF_PATH_SIZE];
    *process = (struct jf_process){0};
    if (access(config->program, X_OK) != 0) {
        return jf_diagnose(diagnosis, JF_ERROR_NOT_FOUND,
                           "%s: %s: build jifend, or name it with "
                           "--jifend PATH",
                           config->program, strerror(errno));
    }
    (void)child_path(config->directory, "jifend.log", process->log_path);
    (void)unlink(child_path(config->directory, "port", port_path));
    enum jf_error error = child_start(process, config, port_path, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    uint64_t deadline_ns = process->started_ns + config->ready_timeout_us * 1000u;
    while (!jf_interrupt_seen() && jf_bench_now_ns() < deadline_ns) {
        process->port = port_read(port_path);
        if (process->port != 0) {
            return JF_OK;
        }
        if (!jf_process_is_alive(process, diagnosis)) {
            return JF_ERROR_CLOSED;
        }
        nap();
    }
    char tail[LOG_TAIL_MAX];
    log_tail(process->log_path, tail);
    jf_process_kill(process);
    return jf_diagnose(diagnosis, JF_ERROR_CLOSED, "jifend was not ready within %" PRIu64 " s: %s",
                       config->ready_timeout_us / 1000000u,
                       jf_interrupt_seen() ? "interrupted" : tail);
}

void jf_process_kill(struct jf_process *process)
{
    if (process->pid > 0) {
        (void)kill(process->pid, SIGKILL);
        (void)waitpid(process->pid, NULL, 0);
        process->pid = 0;
    }
}

bool jf_process_is_alive(struct jf_process *process, struct jf_diagnosis *diagnosis)
{
    int status = 0;
    if (process->pid <= 0) {
        (void)jf_diagnose(diagnosis, JF_ERROR_CLOSED, "jifend does not run");
        return false;
    }
    if (waitpid(process->pid, &status, WNOHANG) == process->pid) {
        process->pid = 0;
        ended_diagnose(process, status, "by itself", diagnosis);
        return false;
    }
    return true;
}

enum jf_error jf_process_stop(struct jf_process *process, uint64_t timeout_us,
                              struct jf_diagnosis *diagnosis)
{
    if (process->pid <= 0) {
        return JF_OK;
    }
    uint64_t deadline_ns = jf_bench_now_ns() + timeout_us * 1000u;
    (void)kill(process->pid, SIGTERM);
    while (jf_bench_now_ns() < deadline_ns) {
        int status = 0;
        if (waitpid(process->pid, &status, WNOHANG) == process->pid) {
            process->pid = 0;
            if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
                return JF_OK;
            }
            ended_diagnose(process, status, "badly after SIGTERM", diagnosis);
            return JF_ERROR_IO;
        }
        nap();
    }
    char tail[LOG_TAIL_MAX];
    log_tail(process->log_path, tail);
    jf_process_kill(process);
    return jf_diagnose(diagnosis, JF_ERROR_IO,
                       "jifend did not stop within %" PRIu64 " s of SIGTERM and was killed: %s",
                       timeout_us / 1000000u, tail);
}

static void memory_read(pid_t pid, struct jf_process_usage *usage)
{
    char path[64];
    char line[256];
    (void)snprintf(path, sizeof(path), "/proc/%ld/status", (long)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return;
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            usage->resident_bytes = strtoull(line + 6, NULL, 10) * 1024u;
        } else if (strncmp(line, "VmHWM:", 6) == 0) {
            usage->resident_bytes_peak = strtoull(line + 6, NULL, 10) * 1024u;
        }
    }
    (void)fclose(file);
}

// proc(5): utime and stime are the 14th and 15th field; the 2nd is in parentheses and may hold
// blanks.
static void processor_read(pid_t pid, struct jf_process_usage *usage)
{
    char path[64];
    char line[1024];
    unsigned long long user = 0;
    unsigned long long system = 0;
    long ticks = sysconf(_SC_CLK_TCK);
    (void)snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return;
    }
    const char *after = fgets(line, sizeof(line), file) == NULL ? NULL : strrchr(line, ')');
    if (ticks > 0 && after != NULL &&
        sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
               &system) == 2) {
        usage->processor_us = (uint64_t)(user + system) * (1000000u / (uint64_t)ticks);
    }
    (void)fclose(file);
}

void jf_process_usage(pid_t pid, struct jf_process_usage *out_usage)
{
    *out_usage = (struct jf_process_usage){0};
    if (pid > 0) {
        memory_read(pid, out_usage);
        processor_read(pid, out_usage);
    }
}

uint64_t jf_process_own_processor_us(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        return 0;
    }
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000u +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

enum jf_error jf_process_sibling(const char *name, char out_path[JF_PATH_SIZE],
                                 struct jf_diagnosis *diagnosis)
{
    char own[JF_PATH_SIZE];
    ssize_t size = readlink("/proc/self/exe", own, sizeof(own) - 1);
    if (size <= 0) {
        return jf_diagnose(diagnosis, JF_ERROR_NOT_FOUND,
                           "the own program's path cannot be read (%s): name jifend with --jifend",
                           strerror(errno));
    }
    own[size] = '\0';
    char *slash = strrchr(own, '/');
    JF_ASSERT(slash != NULL);
    *slash = '\0';
    (void)child_path(own, name, out_path);
    return JF_OK;
}
