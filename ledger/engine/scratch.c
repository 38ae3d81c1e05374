// The lock is flock on the directory, which the kernel gives back when its process ends. Between
// the making of a directory and its lock another process may take it for left behind: then that one
// has the lock, or the directory is gone, and another is made.
//
// Fails where the parent cannot be written. What cannot be removed is left; it is in nobody's way.
#include "engine/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "engine/file_copy.h"

#define PREFIX      "verify-"
#define NAME_LENGTH (sizeof PREFIX - 1 + 6)
#define TRIES       16u

// Returns: the directory, locked; -1 where it is in use, gone, or another by now.
static int directory_lock(const char *path)
{
    struct stat held;
    struct stat named;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool is_locked = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (is_locked && fstat(fd, &held) == 0 && stat(path, &named) == 0 &&
        held.st_ino == named.st_ino) {
        return fd;
    }
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

static void tree_remove(const char *path)
{
    enum jf_error untold = jf_folder_remove(path, NULL); // else the next one removes it
    (void)untold;
}

static enum jf_error left_over_remove(void *context, const char *name,
                                      struct jf_diagnosis *diagnosis)
{
    const char *parent = context;
    char path[JF_SCRATCH_PATH_BYTES];
    (void)diagnosis;
    if (strncmp(name, PREFIX, sizeof PREFIX - 1) != 0 || strlen(name) != NAME_LENGTH) {
        return JF_OK;
    }
    int size = snprintf(path, sizeof path, "%s/%s", parent, name);
    int fd = size > 0 && (size_t)size < sizeof path ? directory_lock(path) : -1;
    if (fd >= 0) {
        tree_remove(path);
        close(fd);
    }
    return JF_OK;
}

static void left_overs_remove(const char *parent)
{
    char context[JF_SCRATCH_PATH_BYTES];
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)snprintf(context, sizeof context, "%s", parent);
    if (fd >= 0) {
        enum jf_error untold = jf_folder_list(fd, left_over_remove, context, NULL);
        (void)untold;
        close(fd);
    }
}

enum jf_error jf_scratch_open(const char *parent, struct jf_scratch *out_scratch,
                              struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(parent != NULL);
    *out_scratch = (struct jf_scratch){.lock_fd = -1};
    left_overs_remove(parent);
    for (uint32_t i = 0; i < TRIES && out_scratch->lock_fd < 0; i++) {
        int size =
            snprintf(out_scratch->path, sizeof out_scratch->path, "%s/" PREFIX "XXXXXX", parent);
        if (size < 0 || (size_t)size >= sizeof out_scratch->path) {
            out_scratch->path[0] = '\0';
            return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                               "no scratch directory below %.100s...: name too long", parent);
        }
        if (mkdtemp(out_scratch->path) == NULL) {
            int code = errno;
            out_scratch->path[0] = '\0';
            return jf_diagnose(diagnosis, code == ENOSPC ? JF_ERROR_NO_SPACE : JF_ERROR_IO,
                               "no scratch directory below %.300s: %s", parent, strerror(code));
        }
        out_scratch->lock_fd = directory_lock(out_scratch->path);
        if (out_scratch->lock_fd < 0) {
            (void)rmdir(out_scratch->path);
            out_scratch->path[0] = '\0';
        }
    }
    return out_scratch->lock_fd >= 0
               ? JF_OK
               : jf_diagnose(diagnosis, JF_ERROR_IO,
                             "a scratch directory below %.300s cannot be locked: %s", parent,
                             strerror(errno));
}

void jf_scratch_close(struct jf_scratch *scratch)
{
    if (scratch->path[0] != '\0') {
        tree_remove(scratch->path);
        close(scratch->lock_fd);
        *scratch = (struct jf_scratch){.lock_fd = -1};
    }
}
