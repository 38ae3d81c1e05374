// The system calls that the ledger makes, answered by the simulated disk: the linker puts these in
// the place of the real ones (--wrap). What is not below SIM_ROOT goes to the system. Each call is
// an operation of the disk, so that the power may go before any of them; without power all answer
// EIO.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "sim_disk.h"
#include "sim_kv.h"

#define STREAMS_MAX 4u

struct stream {
    int fd; // 0: free
    uint32_t next;
    struct dirent entry;
};

static struct stream streams[STREAMS_MAX];

static bool is_ours(const char *path)
{
    size_t size = strlen(SIM_ROOT);
    return strncmp(path, SIM_ROOT, size) == 0 && (path[size] == '/' || path[size] == '\0');
}

// Answers as system calls do. In: a result, or a negative errno.
static int answer(int result)
{
    if (result < 0) {
        errno = -result;
        return -1;
    }
    return result;
}

static bool is_powered(void)
{
    if (sim_disk_operation()) {
        return true;
    }
    errno = EIO;
    return false;
}

// The path of `name` in the directory that `fd` stands for.
static void path_in(int fd, const char *name, char path[2 * SIM_PATH_BYTES])
{
    bool is_itself = strcmp(name, ".") == 0;
    int size = snprintf(path, 2 * SIM_PATH_BYTES, "%s%s%s", sim_disk_path(fd), is_itself ? "" : "/",
                        is_itself ? "" : name);
    SIM_REQUIRE(size > 0 && size < (int)(2 * SIM_PATH_BYTES));
}

// ---- Opening --------------------------------------------------------------------------

int __real_open(const char *path, int flags, mode_t mode);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    if (!is_ours(path)) {
        return __real_open(path, flags, mode);
    }
    return is_powered() ? answer(sim_disk_open(path, flags)) : -1;
}

int __wrap_openat(int fd, const char *name, int flags, ...);
int __wrap_openat(int fd, const char *name, int flags, ...)
{
    char path[2 * SIM_PATH_BYTES];
    if (fd == AT_FDCWD) {
        return __wrap_open(name, flags, 0);
    }
    if (!is_powered()) {
        return -1;
    }
    path_in(fd, name, path);
    bool is_new = (flags & O_CREAT) != 0 && sim_disk_find(path) == NULL;
    if (is_new && sim_disk_free() == 0) {
        return answer(-ENOSPC);
    }
    return answer(sim_disk_open(path, flags));
}

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
    return sim_disk_is_fd(fd) ? sim_disk_close(fd) : __real_close(fd);
}

int __wrap_flock(int fd, int operation);
int __wrap_flock(int fd, int operation)
{
    (void)operation;
    return is_powered() ? answer(sim_disk_lock(fd)) : -1;
}

// ---- Reading and writing --------------------------------------------------------------

ssize_t __real_pread(int fd, void *bytes, size_t size, off_t offset);
ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t offset);
ssize_t __wrap_pread(int fd, void *bytes, size_t size, off_t offset)
{
    if (!sim_disk_is_fd(fd)) {
        return __real_pread(fd, bytes, size, offset);
    }
    if (!is_powered()) {
        return -1;
    }
    int64_t got = sim_file_read(sim_disk_file(fd), bytes, size, (uint64_t)offset);
    if (got < 0) {
        errno = (int)-got;
        return -1;
    }
    return (ssize_t)got;
}

ssize_t __real_read(int fd, void *bytes, size_t size);
ssize_t __wrap_read(int fd, void *bytes, size_t size);
ssize_t __wrap_read(int fd, void *bytes, size_t size)
{
    if (!sim_disk_is_fd(fd)) {
        return __real_read(fd, bytes, size);
    }
    ssize_t got = __wrap_pread(fd, bytes, size, (off_t)sim_disk_advance(fd, 0));
    if (got > 0) {
        (void)sim_disk_advance(fd, (uint64_t)got);
    }
    return got;
}

// A write of the calling thread: it fails, is short, or the disk is full, as drawn.
static ssize_t write_now(const struct sim_write *write, bool is_durable)
{
    if (!is_powered()) {
        return -1;
    }
    if (sim_happens(sim.options.write_error)) {
        sim_count(SIM_FAULT_EIO);
        return answer(-EIO);
    }
    if (write->offset + write->size > sim_file_size(write->file) && sim_disk_free() == 0) {
        return answer(-ENOSPC);
    }
    if (is_durable) {
        sim_file_persist(write);
        // The power may go while it is written: durable is what was answered as such.
        if (!is_powered()) {
            return -1;
        }
    } else {
        sim_file_write(write);
    }
    return (ssize_t)write->size;
}

ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    struct sim_write write = {sim_disk_file(fd), bytes, (uint32_t)size, (uint64_t)offset};
    return write_now(&write, false);
}

ssize_t __wrap_pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags);
ssize_t __wrap_pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags)
{
    SIM_REQUIRE(count == 1);
    struct sim_write write = {sim_disk_file(fd), parts[0].iov_base, (uint32_t)parts[0].iov_len,
                              (uint64_t)offset};
    return write_now(&write, (flags & RWF_DSYNC) != 0);
}

int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    if (!is_powered()) {
        return -1;
    }
    if (sim_happens(sim.options.write_error)) {
        sim_count(SIM_FAULT_EIO);
        return answer(-EIO);
    }
    sim_file_sync(sim_disk_file(fd));
    return 0;
}

int __wrap_fallocate(int fd, int mode, off_t offset, off_t size);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t size)
{
    (void)mode;
    if (!is_powered()) {
        return -1;
    }
    if (sim_disk_free() < (uint64_t)size) {
        return answer(-ENOSPC);
    }
    sim_file_extend(sim_disk_file(fd), (uint64_t)(offset + size));
    return 0;
}

int __wrap_ftruncate(int fd, off_t size);
int __wrap_ftruncate(int fd, off_t size)
{
    SIM_REQUIRE(size == 0);
    if (!is_powered()) {
        return -1;
    }
    sim_file_truncate(sim_disk_file(fd));
    return 0;
}

// ---- Names ----------------------------------------------------------------------------

int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode)
{
    (void)mode;
    SIM_REQUIRE(is_ours(path));
    return is_powered() ? answer(sim_disk_make_directory(path)) : -1;
}

char *__wrap_mkdtemp(char *name);
char *__wrap_mkdtemp(char *name)
{
    memset(name + strlen(name) - 6, '0', 6);
    return __wrap_mkdir(name, 0700) == 0 ? name : NULL;
}

int __wrap_renameat(int from_fd, const char *from, int into_fd, const char *into);
int __wrap_renameat(int from_fd, const char *from, int into_fd, const char *into)
{
    char from_path[2 * SIM_PATH_BYTES];
    char into_path[2 * SIM_PATH_BYTES];
    if (!is_powered()) {
        return -1;
    }
    path_in(from_fd, from, from_path);
    path_in(into_fd, into, into_path);
    return answer(sim_disk_rename(from_path, into_path));
}

int __wrap_unlinkat(int fd, const char *name, int flags);
int __wrap_unlinkat(int fd, const char *name, int flags)
{
    char path[2 * SIM_PATH_BYTES];
    (void)flags;
    if (!is_powered()) {
        return -1;
    }
    path_in(fd, name, path);
    return answer(sim_disk_remove(path));
}

int __wrap_faccessat(int fd, const char *name, int mode, int flags);
int __wrap_faccessat(int fd, const char *name, int mode, int flags)
{
    char path[2 * SIM_PATH_BYTES];
    (void)mode;
    (void)flags;
    if (!is_powered()) {
        return -1;
    }
    path_in(fd, name, path);
    return answer(sim_disk_find(path) == NULL ? -ENOENT : 0);
}

int __wrap_access(const char *path, int mode);
int __wrap_access(const char *path, int mode)
{
    (void)mode;
    SIM_REQUIRE(is_ours(path));
    return is_powered() ? answer(sim_disk_find(path) == NULL ? -ENOENT : 0) : -1;
}

static int status_fill(const struct sim_file *file, struct stat *status)
{
    memset(status, 0, sizeof *status);
    status->st_mode = sim_file_is_directory(file) ? S_IFDIR | 0750 : S_IFREG | 0640;
    status->st_size = (off_t)sim_file_size(file);
    status->st_nlink = 1;
    return 0;
}

int __real_stat(const char *path, struct stat *status);
int __wrap_stat(const char *path, struct stat *status);
int __wrap_stat(const char *path, struct stat *status)
{
    if (!is_ours(path)) {
        return __real_stat(path, status);
    }
    if (!is_powered()) {
        return -1;
    }
    const struct sim_file *file = sim_disk_find(path);
    if (file != NULL) {
        return status_fill(file, status);
    }
    return answer(sim_kv_has_file(path) ? 0 : -ENOENT);
}

int __real_fstat(int fd, struct stat *status);
int __wrap_fstat(int fd, struct stat *status);
int __wrap_fstat(int fd, struct stat *status)
{
    if (!sim_disk_is_fd(fd)) {
        return __real_fstat(fd, status);
    }
    return is_powered() ? status_fill(sim_disk_file(fd), status) : -1;
}

static int space_fill(struct statvfs *space)
{
    memset(space, 0, sizeof *space);
    space->f_frsize = 1;
    space->f_blocks = UINT64_MAX / 2;
    space->f_bavail = sim_disk_free();
    return 0;
}

int __wrap_statvfs(const char *path, struct statvfs *space);
int __wrap_statvfs(const char *path, struct statvfs *space)
{
    (void)path;
    return is_powered() ? space_fill(space) : -1;
}

int __wrap_fstatvfs(int fd, struct statvfs *space);
int __wrap_fstatvfs(int fd, struct statvfs *space)
{
    (void)fd;
    return is_powered() ? space_fill(space) : -1;
}

// ---- Listing --------------------------------------------------------------------------

DIR *__wrap_fdopendir(int fd);
DIR *__wrap_fdopendir(int fd)
{
    uint32_t at = 0;
    while (at < STREAMS_MAX && streams[at].fd != 0) {
        at++;
    }
    SIM_REQUIRE(at < STREAMS_MAX);
    if (!is_powered()) {
        return NULL;
    }
    streams[at] = (struct stream){.fd = fd};
    return (DIR *)(void *)&streams[at];
}

DIR *__wrap_opendir(const char *path);
DIR *__wrap_opendir(const char *path)
{
    int fd = __wrap_open(path, O_RDONLY | O_DIRECTORY);
    DIR *stream = fd < 0 ? NULL : __wrap_fdopendir(fd);
    if (stream == NULL && fd >= 0) {
        (void)__wrap_close(fd);
    }
    return stream;
}

struct dirent *__wrap_readdir(DIR *directory);
struct dirent *__wrap_readdir(DIR *directory)
{
    struct stream *stream = (struct stream *)(void *)directory;
    if (!is_powered()) {
        return NULL;
    }
    const char *name = sim_disk_name(sim_disk_path(stream->fd), stream->next++);
    if (name == NULL) {
        return NULL;
    }
    snprintf(stream->entry.d_name, sizeof stream->entry.d_name, "%s", name);
    return &stream->entry;
}

int __wrap_closedir(DIR *directory);
int __wrap_closedir(DIR *directory)
{
    struct stream *stream = (struct stream *)(void *)directory;
    int fd = stream->fd;
    stream->fd = 0;
    return __wrap_close(fd);
}

// Only verification removes a tree: its scratch state.
int __wrap_nftw(const char *path, __nftw_func_t visit, int depth, int flags);
int __wrap_nftw(const char *path, __nftw_func_t visit, int depth, int flags)
{
    (void)visit;
    (void)depth;
    (void)flags;
    sim_kv_forget(path);
    return is_powered() ? answer(sim_disk_remove(path)) : -1;
}

// ---- Time and chance ------------------------------------------------------------------

int __wrap_clock_gettime(clockid_t clock, struct timespec *out_now);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out_now)
{
    (void)clock;
    out_now->tv_sec = (time_t)(sim.now_us / 1000000);
    out_now->tv_nsec = (long)(sim.now_us % 1000000) * 1000;
    return 0;
}

int __wrap_usleep(useconds_t span_us);
int __wrap_usleep(useconds_t span_us)
{
    sim.now_us += span_us;
    return 0;
}

ssize_t __wrap_getrandom(void *bytes, size_t size, unsigned flags);
ssize_t __wrap_getrandom(void *bytes, size_t size, unsigned flags)
{
    (void)flags;
    for (size_t i = 0; i < size; i++) {
        ((unsigned char *)bytes)[i] = (unsigned char)sim_draw(256);
    }
    return (ssize_t)size;
}

pid_t __wrap_getpid(void);
pid_t __wrap_getpid(void)
{
    return 4711;
}

// ---- Marks ----------------------------------------------------------------------------

enum jf_tail_row __real_jf_tail_judge(const struct jf_tail_facts *facts);
enum jf_tail_row __wrap_jf_tail_judge(const struct jf_tail_facts *facts);
enum jf_tail_row __wrap_jf_tail_judge(const struct jf_tail_facts *facts)
{
    enum jf_tail_row row = __real_jf_tail_judge(facts);
    sim.counts->rows[row] += 1;
    return row;
}
