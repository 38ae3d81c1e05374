// What RocksDB asks of the disk. Its library finds these functions in the program before those of
// the C library. Only files of a directory named `state` count; whatever else the program writes
// passes.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "nth.h"

#define PATH_BYTES 512u

static bool is_of_state(int fd)
{
    char link[64];
    char path[PATH_BYTES];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size < 0) {
        return false;
    }
    path[size] = '\0';
    return strstr(path, "/state") != NULL;
}

static bool fails(int fd, const char *name, const void *caller)
{
    return nth_is_on(NTH_STATE) && is_of_state(fd) && nth_fails(NTH_STATE, name, caller);
}

static int refuse(void)
{
    errno = nth_error_now();
    return -1;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    if (fails(fd, "RocksDB's write", __builtin_return_address(0))) {
        return refuse();
    }
    return syscall(SYS_write, fd, bytes, size);
}

int fsync(int fd)
{
    if (fails(fd, "RocksDB's fsync", __builtin_return_address(0))) {
        return refuse();
    }
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    if (fails(fd, "RocksDB's fdatasync", __builtin_return_address(0))) {
        return refuse();
    }
    return (int)syscall(SYS_fdatasync, fd);
}

int rename(const char *from, const char *to)
{
    bool is_state = nth_is_on(NTH_STATE) && strstr(to, "/state/") != NULL;
    if (is_state && nth_fails(NTH_STATE, "RocksDB's rename", __builtin_return_address(0))) {
        return refuse();
    }
    return (int)syscall(SYS_rename, from, to);
}
