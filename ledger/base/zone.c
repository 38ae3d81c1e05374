// Loads a zone's file, and answers what the clock on the wall shows at an instant and back.
//
// The happy path of a look-up: a binary search among the listed transitions, or the footer's rule
// from the last one on. The way back walks the stretches of constant offset around the wall-clock
// time. Failures are those of loading: a name that is no zone name, an absent file, a file that is
// no zone.
#include "base/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/zone_tzif.h"

#define ZONE_DIRECTORY      "/usr/share/zoneinfo"
#define ZONE_NAME_MAX       64u
#define ZONE_FILE_MAX       ((size_t)1 << 20)
#define ZONE_PATH_MAX       4096u
#define DAY_SECONDS         86400
#define OFFSET_SPAN         93600 // no offset is larger: zone_tzif.c checks it
#define INSTANT_SECONDS_MIN ((int64_t)(JF_DATE_MIN - 2) * DAY_SECONDS)
#define INSTANT_SECONDS_MAX ((int64_t)(JF_DATE_MAX + 3) * DAY_SECONDS)

static bool name_character_is_valid(char c)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
        return true;
    }
    return c == '/' || c == '_' || c == '+' || c == '-' || c == '.';
}

static bool name_is_valid(struct jf_text name)
{
    if (name.size == 0 || name.size > ZONE_NAME_MAX || name.data[0] == '/') {
        return false;
    }
    for (uint32_t i = 0; i < name.size; i++) {
        bool is_second_dot = i > 0 && name.data[i] == '.' && name.data[i - 1] == '.';
        if (!name_character_is_valid(name.data[i]) || is_second_dot) {
            return false;
        }
    }
    return true;
}

static enum jf_error open_failure(const char *path, int code, struct jf_diagnosis *diagnosis)
{
    if (code == ENOENT || code == ENOTDIR) {
        return jf_diagnose(diagnosis, JF_ERROR_NOT_FOUND,
                           "time zone file %s does not exist: correct the zone's name (such as "
                           "Asia/Shanghai), or install the package tzdata",
                           path);
    }
    errno = code;
    return jf_diagnose(diagnosis, JF_ERROR_IO, "time zone file %s cannot be opened: %m", path);
}

static enum jf_error file_size_check(int fd, const char *path, size_t *out_size,
                                     struct jf_diagnosis *diagnosis)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "time zone file %s cannot be read: %m", path);
    }
    if (!S_ISREG(status.st_mode)) {
        return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                           "time zone %s is no regular file: name a zone inside it", path);
    }
    if (status.st_size > (off_t)ZONE_FILE_MAX) {
        return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                           "time zone file %s is larger than 1 MiB: reinstall tzdata", path);
    }
    *out_size = (size_t)status.st_size;
    return JF_OK;
}

static enum jf_error bytes_read(int fd, const char *path, unsigned char *bytes, size_t size,
                                struct jf_diagnosis *diagnosis)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got = read(fd, bytes + done, size - done);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return jf_diagnose(diagnosis, JF_ERROR_IO, "time zone file %s cannot be read: %s", path,
                               got == 0 ? "it became shorter" : strerror(errno));
        }
        done += (size_t)got;
    }
    return JF_OK;
}

static enum jf_error file_load(int fd, const char *path, struct jf_zone **out_zone,
                               struct jf_diagnosis *diagnosis)
{
    size_t size = 0;
    enum jf_error error = file_size_check(fd, path, &size, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    unsigned char *bytes = malloc(size + 1);
    if (bytes == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory for time zone file %s", path);
    }
    error = bytes_read(fd, path, bytes, size, diagnosis);
    if (error != JF_OK) {
        goto done;
    }
    struct jf_diagnosis inner = {0};
    error = jf_zone_parse(bytes, size, out_zone, &inner);
    if (error != JF_OK) {
        jf_diagnose(diagnosis, error, "time zone file %s: %.300s", path, inner.text);
    }
done:
    free(bytes);
    return error;
}

enum jf_error jf_zone_load(const char *directory, struct jf_text name, struct jf_zone **out_zone,
                           struct jf_diagnosis *diagnosis)
{
    if (!name_is_valid(name)) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                           "\"%.*s\" is no time zone name: write one such as Asia/Shanghai, of at "
                           "most %u letters, digits and / _ + - .",
                           (int)(name.size < ZONE_NAME_MAX ? name.size : ZONE_NAME_MAX),
                           name.size == 0 ? "" : name.data, ZONE_NAME_MAX);
    }
    char path[ZONE_PATH_MAX];
    int length =
        snprintf(path, sizeof path, "%s/%.*s", directory == NULL ? ZONE_DIRECTORY : directory,
                 (int)name.size, name.data);
    if (length < 0 || (size_t)length >= sizeof path) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                           "the time zone directory's path is too long");
    }
    // A pipe by that name must not hold the server up: opened without waiting, then refused.
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return open_failure(path, errno, diagnosis);
    }
    enum jf_error error = file_load(fd, path, out_zone, diagnosis);
    close(fd);
    return error;
}

enum jf_error jf_zone_utc(struct jf_zone **out_zone)
{
    struct jf_zone *zone = jf_zone_tzif_allocate(0);
    if (zone == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    *out_zone = zone;
    return JF_OK;
}

void jf_zone_destroy(struct jf_zone *zone)
{
    free(zone);
}

// Returns: how many transitions lie at or before the instant.
static uint32_t transitions_until(const struct jf_zone *zone, int64_t unix_seconds)
{
    uint32_t low = 0;
    uint32_t high = zone->transition_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (zone->instants[middle] <= unix_seconds) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static int32_t offset_at(const struct jf_zone *zone, int64_t unix_seconds)
{
    uint32_t passed = transitions_until(zone, unix_seconds);
    if (passed == zone->transition_count && zone->has_rule) {
        return jf_zone_rule_offset(&zone->rule, unix_seconds);
    }
    return passed == 0 ? zone->offset_before : zone->offsets[passed - 1];
}

// Returns: the first transition after the instant, INT64_MAX for none.
static int64_t transition_after(const struct jf_zone *zone, int64_t unix_seconds)
{
    uint32_t passed = transitions_until(zone, unix_seconds);
    if (passed < zone->transition_count) {
        return zone->instants[passed];
    }
    return zone->has_rule ? jf_zone_rule_next(&zone->rule, unix_seconds) : INT64_MAX;
}

static int64_t floor_divide(int64_t value, int64_t divisor)
{
    JF_ASSERT(divisor > 0);
    return value / divisor - (value % divisor < 0 ? 1 : 0);
}

struct jf_local_time jf_zone_local(const struct jf_zone *zone, int64_t unix_ms)
{
    int64_t seconds = floor_divide(unix_ms, 1000);
    JF_ASSERT(seconds >= INSTANT_SECONDS_MIN);
    JF_ASSERT(seconds < INSTANT_SECONDS_MAX);
    int32_t offset = offset_at(zone, seconds);
    int64_t local = seconds + offset;
    int64_t day = floor_divide(local, DAY_SECONDS);
    return (struct jf_local_time){
        .date = (jf_date)day,
        .second_of_day = (int32_t)(local - day * DAY_SECONDS),
        .offset_seconds = offset,
    };
}

int64_t jf_zone_instant_ms(const struct jf_zone *zone, jf_date date, int32_t second_of_day)
{
    JF_ASSERT(date >= JF_DATE_MIN - 1);
    JF_ASSERT(date <= JF_DATE_MAX + 1);
    JF_ASSERT(second_of_day >= 0);
    JF_ASSERT(second_of_day < DAY_SECONDS);
    int64_t local = (int64_t)date * DAY_SECONDS + second_of_day;
    int64_t start = local - OFFSET_SPAN; // no earlier instant shows this wall-clock time
    int32_t offset_before = offset_at(zone, start);
    for (;;) {
        int32_t offset = offset_at(zone, start);
        int64_t instant = local - offset;
        if (instant < start) {
            return (local - offset_before) * 1000; // in the gap that opened at `start`
        }
        int64_t end = transition_after(zone, start);
        if (instant < end) {
            return instant * 1000;
        }
        start = end;
        offset_before = offset;
    }
}
