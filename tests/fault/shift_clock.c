// A clock that a test can set under a running program: loaded with LD_PRELOAD, it answers every
// question for the time of day with the kernel's answer shifted by a number of seconds. That number
// stands in the file that JF_SHIFT_CLOCK names (8 bytes, signed, little-endian), which the test
// changes at will. Clocks that cannot be set stay as they are. Without the variable, or when the
// file cannot be mapped, nothing is shifted.
//
// The kernel is asked by system call, past the vdso and past any other library's clock_gettime.
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *shift_seconds;

__attribute__((constructor)) static void shift_map(void)
{
    const char *path = getenv("JF_SHIFT_CLOCK");
    int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    void *mapped = mmap(NULL, sizeof *shift_seconds, PROT_READ, MAP_SHARED, fd, 0);
    if (mapped != MAP_FAILED) {
        shift_seconds = mapped;
    }
    close(fd);
}

static time_t shift(void)
{
    return shift_seconds == NULL ? 0 : (time_t)*shift_seconds;
}

int clock_gettime(clockid_t clock, struct timespec *out_now)
{
    if (syscall(SYS_clock_gettime, clock, out_now) != 0) {
        return -1;
    }
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE) {
        out_now->tv_sec += shift();
    }
    return 0;
}

int gettimeofday(struct timeval *restrict out_now, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) {
        return -1;
    }
    *out_now = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *out_now)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (out_now != NULL) {
        *out_now = now.tv_sec;
    }
    return now.tv_sec;
}
