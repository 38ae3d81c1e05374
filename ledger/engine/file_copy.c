// Reads a piece, hashes it, writes it, tells. A file is written under a temporary name, synced and
// renamed: under its own name it is whole or absent. Fails with what the system says, naming the
// file; a full disk is told apart, because there the same command goes on once there is room.
#include "engine/file_copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "journal/segment.h"

#define PIECE_BYTES ((size_t)1 << 20)

static enum jf_error failure_of(int code)
{
    return code == ENOSPC || code == EDQUOT ? JF_ERROR_NO_SPACE
           : code == ENOENT                 ? JF_ERROR_NOT_FOUND
           : code == ENOMEM                 ? JF_ERROR_NO_MEMORY
                                            : JF_ERROR_IO;
}

static enum jf_error fail(const char *name, const char *what, int code,
                          struct jf_diagnosis *diagnosis)
{
    return jf_diagnose(diagnosis, failure_of(code), "%.300s cannot be %s: %s", name, what,
                       strerror(code));
}

// Returns: 0 or errno; EIO for a file that ends before.
static int piece_read(int fd, unsigned char *bytes, size_t size, uint64_t offset)
{
    return jf_read_exactly(fd, bytes, size, offset);
}

static int piece_write(int fd, const unsigned char *bytes, size_t size, uint64_t offset)
{
    size_t done = 0;
    while (done < size) {
        ssize_t put = pwrite(fd, bytes + done, size - done, (off_t)(offset + done));
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return put < 0 ? errno : EIO;
        }
        done += (size_t)put;
    }
    return 0;
}

static enum jf_error pieces_copy(const struct jf_copy *copy, unsigned char *buffer,
                                 struct jf_hash_stream *stream, struct jf_diagnosis *diagnosis)
{
    const struct jf_copy_watch *watch = copy->watch;
    for (uint64_t offset = 0; offset < copy->size_bytes; offset += PIECE_BYTES) {
        uint64_t left = copy->size_bytes - offset;
        size_t size = left < PIECE_BYTES ? (size_t)left : PIECE_BYTES;
        uint64_t data_left = copy->data_bytes > offset ? copy->data_bytes - offset : 0;
        size_t data = data_left < size ? (size_t)data_left : size;
        int code = data == 0 ? 0 : piece_read(copy->from, buffer, data, offset);
        if (code != 0) {
            return fail(copy->from_name, "read", code == ENOENT ? EIO : code, diagnosis);
        }
        memset(buffer + data, 0, size - data);
        jf_hash_stream_add(stream, buffer, size);
        bool is_hole = data == 0 || jf_bytes_are_zero(buffer, size);
        code = copy->to < 0 || is_hole ? 0 : piece_write(copy->to, buffer, size, offset);
        if (code != 0) {
            return fail(copy->to_name, "written", code, diagnosis);
        }
        if (watch != NULL && watch->on_bytes != NULL) {
            watch->on_bytes(watch->context, size);
        }
        if (watch != NULL && watch->is_cancelled != NULL && watch->is_cancelled(watch->context)) {
            return jf_diagnose(diagnosis, JF_ERROR_CLOSED, "broken off at %.300s", copy->from_name);
        }
    }
    return JF_OK;
}

enum jf_error jf_copy_run(const struct jf_copy *copy, struct jf_hash128 *out_hash,
                          struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(copy->data_bytes <= copy->size_bytes);
    unsigned char *buffer = jf_aligned_allocate(PIECE_BYTES);
    if (buffer == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory to copy %.300s",
                           copy->from_name);
    }
    struct jf_hash_stream stream;
    jf_hash_stream_init(&stream);
    enum jf_error error = pieces_copy(copy, buffer, &stream, diagnosis);
    if (error == JF_OK && copy->to >= 0 && ftruncate(copy->to, (off_t)copy->size_bytes) != 0) {
        error = fail(copy->to_name, "written", errno, diagnosis);
    }
    jf_aligned_free(buffer, PIECE_BYTES);
    if (error == JF_OK) {
        *out_hash = jf_hash_stream_end(&stream);
    }
    return error;
}

enum jf_error jf_file_settle(int directory_fd, int fd, const char *temporary, const char *name,
                             struct jf_diagnosis *diagnosis)
{
    int code = fsync(fd) == 0 ? 0 : errno;
    if (close(fd) != 0 && code == 0) {
        code = errno;
    }
    if (code == 0 && renameat(directory_fd, temporary, directory_fd, name) != 0) {
        code = errno;
    }
    return code == 0 ? JF_OK : fail(name, "written", code, diagnosis);
}

enum jf_error jf_file_make(int directory_fd, const char *name, int *out_fd,
                           struct jf_diagnosis *diagnosis)
{
    int fd = openat(directory_fd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (fd < 0) {
        return fail(name, "made", errno, diagnosis);
    }
    *out_fd = fd;
    return JF_OK;
}

enum jf_error jf_file_open(int directory_fd, const char *name, int *out_fd,
                           uint64_t *out_size_bytes, struct jf_diagnosis *diagnosis)
{
    struct stat status;
    int fd = openat(directory_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return fail(name, "opened", errno, diagnosis);
    }
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(fd);
        return jf_diagnose(diagnosis, JF_ERROR_IO, "%.300s is no file that can be read", name);
    }
    *out_fd = fd;
    *out_size_bytes = (uint64_t)status.st_size;
    return JF_OK;
}

// ---- Directories ----------------------------------------------------------------------

enum jf_error jf_folder_open(int parent_fd, const char *name, int *out_fd,
                             struct jf_diagnosis *diagnosis)
{
    int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return fail(name, "opened", errno, diagnosis);
    }
    *out_fd = fd;
    return JF_OK;
}

enum jf_error jf_folder_make(int parent_fd, const char *name, int *out_fd,
                             struct jf_diagnosis *diagnosis)
{
    if (mkdirat(parent_fd, name, 0750) != 0 && errno != EEXIST) {
        enum jf_error error = errno == ENOENT ? JF_ERROR_IO : failure_of(errno);
        return jf_diagnose(diagnosis, error, "%.300s cannot be made: %s", name, strerror(errno));
    }
    return jf_folder_open(parent_fd, name, out_fd, diagnosis);
}

enum jf_error jf_folder_sync(int fd, const char *name, struct jf_diagnosis *diagnosis)
{
    return fsync(fd) == 0 ? JF_OK : fail(name, "synced", errno, diagnosis);
}

enum jf_error jf_folder_sync_parent(const char *path, struct jf_diagnosis *diagnosis)
{
    char parent[4096];
    int size = snprintf(parent, sizeof parent, "%s", path);
    if (size <= 0 || (size_t)size >= sizeof parent) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID, "%.100s...: name too long", path);
    }
    while (size > 1 && parent[size - 1] == '/') {
        parent[--size] = '\0';
    }
    char *slash = strrchr(parent, '/');
    if (slash == NULL) {
        memcpy(parent, ".", 2);
    } else {
        slash[slash == parent ? 1 : 0] = '\0';
    }
    int fd = -1;
    enum jf_error error = jf_folder_open(AT_FDCWD, parent, &fd, diagnosis);
    if (error == JF_OK) {
        error = jf_folder_sync(fd, parent, diagnosis);
        close(fd);
    }
    return error;
}

enum jf_error jf_folder_list(int fd, jf_folder_callback callback, void *context,
                             struct jf_diagnosis *diagnosis)
{
    int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *listing = again < 0 ? NULL : fdopendir(again);
    if (listing == NULL) {
        int code = errno;
        if (again >= 0) {
            close(again);
        }
        return fail("a directory", "listed", code, diagnosis);
    }
    enum jf_error error = JF_OK;
    errno = 0;
    for (struct dirent *entry = readdir(listing); entry != NULL && error == JF_OK;
         entry = readdir(listing)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            error = callback(context, entry->d_name, diagnosis);
        }
        errno = 0;
    }
    int code = errno;
    closedir(listing);
    return error == JF_OK && code != 0 ? fail("a directory", "listed", code, diagnosis) : error;
}

static enum jf_error name_count(void *context, const char *name, struct jf_diagnosis *diagnosis)
{
    (void)diagnosis;
    uint32_t *count = context;
    *count += strcmp(name, "lost+found") == 0 ? 0 : 1;
    return JF_OK;
}

enum jf_error jf_folder_count(const char *path, uint32_t *out_count, struct jf_diagnosis *diagnosis)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *out_count = 0;
    if (fd < 0) {
        return errno == ENOENT ? JF_OK : fail(path, "looked into", errno, diagnosis);
    }
    enum jf_error error = jf_folder_list(fd, name_count, out_count, diagnosis);
    close(fd);
    return error;
}

static int entry_remove(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

enum jf_error jf_folder_remove(const char *path, struct jf_diagnosis *diagnosis)
{
    if (nftw(path, entry_remove, 16, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT) {
        return fail(path, "removed", errno, diagnosis);
    }
    return JF_OK;
}

enum jf_error jf_folder_lock(int directory_fd, const char *name, const char *what, int *out_fd,
                             struct jf_diagnosis *diagnosis)
{
    int fd = openat(directory_fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) {
        return fail(what, "locked", errno == ENOENT ? EIO : errno, diagnosis);
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int code = errno;
        close(fd);
        return code == EWOULDBLOCK
                   ? jf_diagnose(diagnosis, JF_ERROR_LOCKED,
                                 "%.300s is in use by another process: wait until that has ended",
                                 what)
                   : fail(what, "locked", code, diagnosis);
    }
    *out_fd = fd;
    return JF_OK;
}
