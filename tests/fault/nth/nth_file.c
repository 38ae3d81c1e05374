// File calls that the linker sends here. Refused ones are not made; ones that are done too are made
// and then called failed; a short write writes its first half.
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include "nth.h"

#define FAILS(name) nth_fails(NTH_FILE, name, __builtin_return_address(0))

// Out: the result of a call that fails; `really` is only evaluated where it is done too.
#define FAILED(really)                                                                             \
    ((void)(nth_manner_now() == NTH_DONE_TOO && (really) < 0), errno = nth_error_now(), -1)

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __real_openat(int directory, const char *path, int flags, ...);
int __wrap_openat(int directory, const char *path, int flags, ...);
ssize_t __real_pread(int fd, void *bytes, size_t size, off_t offset);
ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t offset);
ssize_t __real_pwrite(int fd, const void *bytes, size_t size, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset);
ssize_t __real_pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags);
ssize_t __wrap_pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_fallocate(int fd, int mode, off_t offset, off_t size);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t size);
int __real_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size);
int __real_renameat(int from, const char *name, int to, const char *new_name);
int __wrap_renameat(int from, const char *name, int to, const char *new_name);
int __real_rename(const char *name, const char *new_name);
int __wrap_rename(const char *name, const char *new_name);
int __real_renameat2(int from, const char *name, int to, const char *new_name, unsigned flags);
int __wrap_renameat2(int from, const char *name, int to, const char *new_name, unsigned flags);
int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __real_fstat(int fd, struct stat *status);
int __wrap_fstat(int fd, struct stat *status);
int __real_statvfs(const char *path, struct statvfs *status);
int __wrap_statvfs(const char *path, struct statvfs *status);
int __real_fstatvfs(int fd, struct statvfs *status);
int __wrap_fstatvfs(int fd, struct statvfs *status);
int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation);

static mode_t mode_of(int flags, va_list arguments)
{
    return (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
}

int __wrap_open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    if (FAILS("open")) {
        errno = nth_error_now();
        return -1;
    }
    return __real_open(path, flags, mode);
}

int __wrap_openat(int directory, const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    if (FAILS("openat")) {
        errno = nth_error_now();
        return -1;
    }
    return __real_openat(directory, path, flags, mode);
}

ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t offset)
{
    return FAILS("pread") ? FAILED(0) : __real_pread(fd, bytes, size, offset);
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    if (!FAILS("pwrite")) {
        return __real_pwrite(fd, bytes, size, offset);
    }
    return nth_manner_now() == NTH_SHORT ? __real_pwrite(fd, bytes, size / 2, offset)
                                         : FAILED(__real_pwrite(fd, bytes, size, offset));
}

ssize_t __wrap_pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags)
{
    if (!FAILS("pwritev2")) {
        return __real_pwritev2(fd, parts, count, offset, flags);
    }
    struct iovec half = {parts[0].iov_base, parts[0].iov_len / 2};
    return nth_manner_now() == NTH_SHORT ? __real_pwritev2(fd, &half, 1, offset, flags)
                                         : FAILED(__real_pwritev2(fd, parts, count, offset, flags));
}

int __wrap_fsync(int fd)
{
    return FAILS("fsync") ? FAILED(__real_fsync(fd)) : __real_fsync(fd);
}

int __wrap_fallocate(int fd, int mode, off_t offset, off_t size)
{
    return FAILS("fallocate") ? FAILED(__real_fallocate(fd, mode, offset, size))
                              : __real_fallocate(fd, mode, offset, size);
}

int __wrap_ftruncate(int fd, off_t size)
{
    return FAILS("ftruncate") ? FAILED(__real_ftruncate(fd, size)) : __real_ftruncate(fd, size);
}

int __wrap_renameat(int from, const char *name, int to, const char *new_name)
{
    return FAILS("renameat") ? FAILED(__real_renameat(from, name, to, new_name))
                             : __real_renameat(from, name, to, new_name);
}

int __wrap_rename(const char *name, const char *new_name)
{
    return FAILS("rename") ? FAILED(__real_rename(name, new_name)) : __real_rename(name, new_name);
}

int __wrap_renameat2(int from, const char *name, int to, const char *new_name, unsigned flags)
{
    return FAILS("renameat2") ? FAILED(__real_renameat2(from, name, to, new_name, flags))
                              : __real_renameat2(from, name, to, new_name, flags);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
    return FAILS("mkdir") ? FAILED(__real_mkdir(path, mode)) : __real_mkdir(path, mode);
}

int __wrap_fstat(int fd, struct stat *status)
{
    return FAILS("fstat") ? FAILED(0) : __real_fstat(fd, status);
}

int __wrap_statvfs(const char *path, struct statvfs *status)
{
    return FAILS("statvfs") ? FAILED(0) : __real_statvfs(path, status);
}

int __wrap_fstatvfs(int fd, struct statvfs *status)
{
    return FAILS("fstatvfs") ? FAILED(0) : __real_fstatvfs(fd, status);
}

int __wrap_flock(int fd, int operation)
{
    return FAILS("flock") ? FAILED(0) : __real_flock(fd, operation);
}
