// The happy path: a directory is listed once, its segments are opened by number and read in large
// aligned pieces past the page cache, so that what is read is what the disk holds.
// Failures: no O_DIRECT (tmpfs of old kernels, some network file systems), sizes no journal makes,
// and short or failed transfers, which are the caller's to judge.
#include "journal/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/assert.h"
#include "journal/archive.h"

#define HOLD_WAIT_US 1000u
#define HOLD_TRIES   10000u

void jf_segment_name(uint64_t number, char out_name[JF_SEGMENT_NAME_BYTES])
{
    JF_ASSERT(number >= 1);
    snprintf(out_name, JF_SEGMENT_NAME_BYTES, "segment-%016llx.jfl", (unsigned long long)number);
}

// Returns: the number in a segment's name; 0 when it is none.
static uint64_t number_of_name(const char *name)
{
    unsigned long long number = 0;
    char again[JF_SEGMENT_NAME_BYTES];
    if (sscanf(name, "segment-%16llx.jfl", &number) != 1 || number == 0) {
        return 0;
    }
    jf_segment_name(number, again);
    return strcmp(name, again) == 0 ? number : 0;
}

enum jf_error jf_directory_open(const char *directory, int *out_fd, struct jf_diagnosis *diagnosis)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        int code = errno;
        return code == ENOENT
                   ? jf_diagnose(diagnosis, JF_ERROR_NOT_FOUND,
                                 "there is no journal in %s: check the directory's name", directory)
                   : jf_diagnose(diagnosis, JF_ERROR_IO,
                                 "journal directory %s cannot be opened: %s: it has to be a "
                                 "directory that this user may read",
                                 directory, strerror(code));
    }
    *out_fd = fd;
    return JF_OK;
}

static void list_name(const char *name, uint64_t bound, struct jf_directory_listing *listing)
{
    uint64_t number = number_of_name(name);
    if (number != 0) {
        if (number < bound) {
            return;
        }
        listing->count += 1;
        listing->oldest =
            listing->oldest == 0 || number < listing->oldest ? number : listing->oldest;
        listing->newest = number > listing->newest ? number : listing->newest;
    } else if (strcmp(name, JF_SUPERBLOCK_NAME) == 0) {
        listing->has_superblock = true;
    } else if (strcmp(name, JF_LOCK_NAME) == 0) {
        listing->has_lock = true;
    } else if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
               strcmp(name, JF_SEGMENT_TEMPORARY) != 0 && strcmp(name, JF_ARCHIVE_FOLDER) != 0 &&
               strcmp(name, JF_SUPERBLOCK_TEMPORARY) != 0) {
        listing->has_strangers = true;
    }
}

enum jf_error jf_directory_list(int directory_fd, uint64_t bound,
                                struct jf_directory_listing *out_listing,
                                struct jf_diagnosis *diagnosis)
{
    int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    if (stream == NULL) {
        int code = errno;
        if (fd >= 0) {
            close(fd);
        }
        return jf_diagnose(diagnosis, code == ENOMEM ? JF_ERROR_NO_MEMORY : JF_ERROR_IO,
                           "the journal directory cannot be listed: %s", strerror(code));
    }
    struct jf_directory_listing listing = {0};
    errno = 0;
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        list_name(entry->d_name, bound, &listing);
    }
    int code = errno;
    closedir(stream);
    if (code != 0) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "the journal directory cannot be listed: %s",
                           strerror(code));
    }
    *out_listing = listing;
    return JF_OK;
}

enum jf_error jf_direct_open(int directory_fd, const char *name, int flags, int *out_fd,
                             struct jf_diagnosis *diagnosis)
{
    int fd = openat(directory_fd, name, flags | O_DIRECT | O_CLOEXEC, 0640);
    if (fd >= 0) {
        *out_fd = fd;
        return JF_OK;
    }
    if (errno == EINVAL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_DIRECT,
                           "journal file %s: this file system has no O_DIRECT: put the journal on "
                           "ext4 or XFS",
                           name);
    }
    enum jf_error error = errno == ENOENT   ? JF_ERROR_NOT_FOUND
                          : errno == ENOSPC ? JF_ERROR_NO_SPACE
                                            : JF_ERROR_IO;
    return jf_diagnose(diagnosis, error, "journal file %s cannot be opened: %s", name,
                       strerror(errno));
}

static enum jf_error check_size(int fd, const char *name, uint64_t *out_size,
                                struct jf_diagnosis *diagnosis)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "journal file %s: %s", name, strerror(errno));
    }
    uint64_t size = (uint64_t)status.st_size;
    if (size < JF_SEGMENT_BYTES_MIN || size > JF_SEGMENT_BYTES_MAX || size % JF_SECTOR_BYTES != 0) {
        return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                           "journal file %s has %llu bytes, which no segment has: restore it from "
                           "a backup, an archive or a follower; nothing was changed",
                           name, (unsigned long long)size);
    }
    *out_size = size;
    return JF_OK;
}

enum jf_error jf_segment_open(int directory_fd, uint64_t number, enum jf_segment_access access,
                              int *out_fd, uint64_t *out_size, struct jf_diagnosis *diagnosis)
{
    char name[JF_SEGMENT_NAME_BYTES];
    jf_segment_name(number, name);
    int fd = -1;
    int flags = access == JF_SEGMENT_WRITE ? O_RDWR : O_RDONLY;
    enum jf_error error = jf_direct_open(directory_fd, name, flags, &fd, diagnosis);
    if (error == JF_ERROR_NO_DIRECT && access == JF_SEGMENT_READ) {
        fd = openat(directory_fd, name, flags | O_CLOEXEC);
        error = fd >= 0 ? JF_OK : error;
    }
    if (error == JF_ERROR_NOT_FOUND && access == JF_SEGMENT_READ &&
        jf_archive_has(directory_fd, number)) {
        return jf_archive_open(directory_fd, number, out_fd, out_size, diagnosis);
    }
    if (error != JF_OK) {
        return error;
    }
    error = check_size(fd, name, out_size, diagnosis);
    if (error != JF_OK) {
        close(fd);
        return error;
    }
    *out_fd = fd;
    return JF_OK;
}

enum jf_error jf_segment_first_sector(int directory_fd, uint64_t number, unsigned char *bytes,
                                      uint64_t *out_size, int *out_code,
                                      struct jf_diagnosis *diagnosis)
{
    char name[JF_SEGMENT_NAME_BYTES];
    jf_segment_name(number, name);
    *out_code = 0;
    if (faccessat(directory_fd, name, F_OK, 0) != 0 && jf_archive_has(directory_fd, number)) {
        return jf_archive_first_sector(directory_fd, number, bytes, out_size, diagnosis);
    }
    int fd = -1;
    enum jf_error error =
        jf_segment_open(directory_fd, number, JF_SEGMENT_READ, &fd, out_size, diagnosis);
    if (error == JF_OK) {
        *out_code = jf_read_exactly(fd, bytes, JF_SECTOR_BYTES, 0);
        close(fd);
    }
    return error;
}

enum jf_error jf_hold_file(int fd, const char *name, struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(fd >= 0);
    for (uint32_t i = 0; i < HOLD_TRIES; i++) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
            return JF_OK;
        }
        if (errno != EWOULDBLOCK && errno != EINTR) {
            return jf_diagnose(diagnosis, JF_ERROR_IO, "journal file %s cannot be locked: %s", name,
                               strerror(errno));
        }
        usleep(HOLD_WAIT_US);
    }
    return jf_diagnose(diagnosis, JF_ERROR_LOCKED,
                       "journal file %s is still being written for a process that was killed, or "
                       "is locked by another program: wait, look at the disk, start again",
                       name);
}

int jf_read_exactly(int fd, unsigned char *bytes, uint64_t size, uint64_t offset)
{
    uint64_t done = 0;
    while (done < size) {
        ssize_t got = pread(fd, bytes + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? errno : EIO;
        }
        done += (uint64_t)got;
    }
    return 0;
}

int jf_write_durably(int fd, const unsigned char *bytes, uint64_t size, uint64_t offset)
{
    struct iovec part = {(void *)(uintptr_t)bytes, size};
    ssize_t put = pwritev2(fd, &part, 1, (off_t)offset, RWF_DSYNC);
    if (put < 0) {
        return errno;
    }
    return (uint64_t)put == size ? 0 : EIO;
}

unsigned char *jf_aligned_allocate(size_t size)
{
    void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return bytes == MAP_FAILED ? NULL : bytes;
}

void jf_aligned_free(unsigned char *bytes, size_t size)
{
    if (bytes != NULL) {
        munmap(bytes, size);
    }
}
