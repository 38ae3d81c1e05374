// Plain walks over small trees. What fails here is the machine, not the ledger: it ends the test.
#include "directory.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"

#define MIB              ((uint64_t)1 << 20)
#define DESCRIPTORS      16
#define LANE_QUEUE       64u
#define PATH_BYTES       4096u
#define CHECKPOINT_AFTER 400u

// Whether files there can be opened as the journal opens them.
static bool takes_direct(const char *directory)
{
    char path[RIG_PATH_BYTES + 8];
    (void)snprintf(path, sizeof path, "%s/probe", directory);
    int fd = open(path, O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return false;
    }
    (void)close(fd);
    (void)unlink(path);
    return true;
}

void rig_directory_make(char out_path[RIG_PATH_BYTES])
{
    static const char *const places[] = {"/dev/shm/jifen-XXXXXX", "/tmp/jifen-XXXXXX"};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        (void)snprintf(out_path, RIG_PATH_BYTES, "%s", places[i]);
        if (mkdtemp(out_path) == NULL) {
            continue;
        }
        if (takes_direct(out_path)) {
            return;
        }
        (void)rmdir(out_path);
    }
    JF_ASSERT(false && "neither /dev/shm nor /tmp takes O_DIRECT");
}

static int file_remove(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

void rig_directory_remove(const char *path)
{
    (void)nftw(path, file_remove, DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
}

// nftw takes no context.
static struct {
    const char *from;
    const char *to;
} copying;

static void bytes_copy(const char *from, const char *to, const struct stat *status)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, status->st_mode & 0777);
    JF_ASSERT(in >= 0);
    JF_ASSERT(out >= 0);
    off_t done = 0;
    while (done < status->st_size) {
        ssize_t sent = sendfile(out, in, &done, (size_t)(status->st_size - done));
        JF_ASSERT(sent > 0);
    }
    (void)close(in);
    (void)close(out);
}

static int file_copy(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)place;
    char to[PATH_BYTES];
    (void)snprintf(to, sizeof to, "%s%s", copying.to, path + strlen(copying.from));
    if (type == FTW_D) {
        return mkdir(to, 0750);
    }
    bytes_copy(path, to, status);
    return 0;
}

void rig_directory_copy(const char *from, const char *to)
{
    copying.from = from;
    copying.to = to;
    rig_directory_remove(to);
    int code = nftw(from, file_copy, DESCRIPTORS, FTW_PHYS);
    JF_ASSERT(code == 0);
}

struct jf_engine_config rig_config(const char *path)
{
    struct jf_engine_config config = jf_engine_config_default();
    config.data_directory = path;
    config.segment_bytes = 4 * MIB;
    config.reserve_bytes = 0;
    config.cache_bytes = 2 * MIB;
    config.filter_bytes = MIB / 4;
    config.write_buffer_bytes = 4 * MIB;
    config.block_cache_bytes = 2 * MIB;
    config.checkpoint_entries = CHECKPOINT_AFTER;
    config.lane_queue_length = LANE_QUEUE;
    return config;
}
