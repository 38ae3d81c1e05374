// Each file is synced, for what is not on disk cannot be dropped, and then not wanted any more.
// Fails: a file that cannot be opened or synced.
#include "bench/cold.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <unistd.h>

#define FOLDERS_OPEN 16

static int file_drop(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)place;
    if (kind != FTW_F) {
        return 0;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    int code = fdatasync(fd) == 0 ? posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) : errno;
    (void)close(fd);
    errno = code;
    return code == 0 ? 0 : -1;
}

enum jf_error jf_cold_make(const char *directory, struct jf_diagnosis *diagnosis)
{
    return nftw(directory, file_drop, FOLDERS_OPEN, FTW_PHYS) == 0
               ? JF_OK
               : jf_diagnose(diagnosis, JF_ERROR_IO, "the files in %.300s cannot be made cold: %s",
                             directory, strerror(errno));
}
