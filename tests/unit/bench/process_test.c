// Starting and stopping a server, with shell scripts in its place.
#include <criterion/criterion.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/process.h"

static struct jf_scratch scratch;
static char program[JF_PATH_SIZE + 32];

static void script_make(const char *body)
{
    struct jf_diagnosis diagnosis;
    cr_assert_eq(jf_scratch_create(&scratch, "/tmp", &diagnosis), JF_OK, "%s", diagnosis.text);
    (void)snprintf(program, sizeof(program), "%s/server", scratch.path);
    int fd = open(program, O_WRONLY | O_CREAT | O_CLOEXEC, 0700);
    cr_assert_geq(fd, 0);
    cr_assert_gt(dprintf(fd, "#!/bin/sh\n%s\n", body), 0);
    close(fd);
}

static enum jf_error start(struct jf_process *process, uint64_t timeout_us,
                           struct jf_diagnosis *diagnosis)
{
    const struct jf_process_config config = {.program = program,
                                             .directory = scratch.path,
                                             .listen = "127.0.0.1:0",
                                             .ready_timeout_us = timeout_us};
    return jf_process_start(process, &config, diagnosis);
}

static bool is_gone(pid_t pid)
{
    return kill(pid, 0) != 0;
}

Test(process, a_program_that_is_absent_is_named)
{
    struct jf_diagnosis diagnosis;
    struct jf_process process;
    script_make("true");
    (void)snprintf(program, sizeof(program), "%s/absent", scratch.path);
    cr_assert_eq(start(&process, 1000000, &diagnosis), JF_ERROR_NOT_FOUND);
    cr_assert(strstr(diagnosis.text, "/absent") != NULL);
    jf_scratch_remove(&scratch);
}

Test(process, a_server_that_ends_before_it_is_ready_is_quoted)
{
    struct jf_diagnosis diagnosis;
    struct jf_process process;
    script_make("echo the disk is on fire >&2; exit 4");
    cr_assert_eq(start(&process, 10000000, &diagnosis), JF_ERROR_CLOSED);
    cr_assert(strstr(diagnosis.text, "exit code 4") != NULL, "%s", diagnosis.text);
    cr_assert(strstr(diagnosis.text, "the disk is on fire") != NULL, "%s", diagnosis.text);
    cr_assert_eq(process.pid, 0);
    jf_scratch_remove(&scratch);
}

Test(process, a_server_that_is_never_ready_is_killed)
{
    struct jf_diagnosis diagnosis;
    struct jf_process process;
    script_make("exec sleep 60");
    cr_assert_eq(start(&process, 1, &diagnosis), JF_ERROR_CLOSED);
    cr_assert_eq(process.pid, 0);
    jf_scratch_remove(&scratch);
}

// "$6" is what follows --port-file: the arguments are --data D --listen L --port-file P.
Test(process, a_server_is_ready_once_its_port_file_is_whole_and_stops_on_sigterm)
{
    struct jf_diagnosis diagnosis;
    struct jf_process process;
    struct jf_process_usage usage;
    script_make("trap 'exit 0' TERM; echo 4711 > \"$6\"; while :; do sleep 0.01; done");
    cr_assert_eq(start(&process, 30000000, &diagnosis), JF_OK, "%s", diagnosis.text);
    cr_assert_eq(process.port, 4711);
    pid_t pid = process.pid;
    cr_assert(jf_process_is_alive(&process, &diagnosis));
    jf_process_usage(pid, &usage);
    cr_assert_gt(usage.resident_bytes, 0);
    cr_assert_geq(usage.resident_bytes_peak, usage.resident_bytes);
    cr_assert_eq(jf_process_stop(&process, 30000000, &diagnosis), JF_OK, "%s", diagnosis.text);
    cr_assert(is_gone(pid));
    cr_assert_not(jf_process_is_alive(&process, &diagnosis));
    jf_scratch_remove(&scratch);
}

Test(process, a_server_that_ignores_sigterm_is_killed_and_that_is_an_error)
{
    struct jf_diagnosis diagnosis;
    struct jf_process process;
    script_make("trap '' TERM; echo 1 > \"$6\"; while :; do sleep 0.01; done");
    cr_assert_eq(start(&process, 30000000, &diagnosis), JF_OK, "%s", diagnosis.text);
    pid_t pid = process.pid;
    cr_assert_eq(jf_process_stop(&process, 50000, &diagnosis), JF_ERROR_IO);
    cr_assert(is_gone(pid));
    jf_scratch_remove(&scratch);
}

Test(process, a_scratch_directory_goes_with_all_that_is_in_it)
{
    struct jf_diagnosis diagnosis;
    char inner[JF_PATH_SIZE + 32];
    char path[JF_PATH_SIZE];
    cr_assert_eq(jf_scratch_create(&scratch, "/nonexistent", &diagnosis), JF_ERROR_IO);
    script_make("true");
    (void)snprintf(inner, sizeof(inner), "%s/inner", scratch.path);
    cr_assert_eq(mkdir(inner, 0700), 0);
    (void)snprintf(path, sizeof(path), "%s", scratch.path);
    jf_scratch_remove(&scratch);
    cr_assert_null(opendir(path));
    jf_scratch_remove(&scratch); // once more does nothing
}
