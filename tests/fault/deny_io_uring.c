// Runs a program for which io_uring does not exist or is forbidden, as in many containers:
// deny_io_uring ENOSYS|EPERM PROGRAM [ARGUMENT…]. The kernel answers io_uring_setup with that
// error, by a seccomp filter that any user may set. Fails with exit code 125 when the filter
// cannot be set, 126 when the program cannot be run.
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXIT_NO_FILTER  125
#define EXIT_NO_PROGRAM 126

static int filter_set(int error)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ((unsigned)error & SECCOMP_RET_DATA)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {.len = sizeof steps / sizeof steps[0], .filter = steps};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return -1;
    }
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

int main(int argc, char **argv)
{
    int error = argc > 2 && strcmp(argv[1], "EPERM") == 0 ? EPERM : ENOSYS;
    if (argc < 3 || (error == ENOSYS && strcmp(argv[1], "ENOSYS") != 0)) {
        fprintf(stderr, "Usage: deny_io_uring ENOSYS|EPERM PROGRAM [ARGUMENT...]\n");
        return EXIT_NO_FILTER;
    }
    if (filter_set(error) != 0) {
        fprintf(stderr, "deny_io_uring: no seccomp filter can be set: %s\n", strerror(errno));
        return EXIT_NO_FILTER;
    }
    execv(argv[2], argv + 2);
    fprintf(stderr, "deny_io_uring: %s cannot be run: %s\n", argv[2], strerror(errno));
    return EXIT_NO_PROGRAM;
}
