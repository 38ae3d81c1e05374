// See sim_disk.h. Sectors that hold only zeros are not stored, so that a segment of many megabytes
// costs what its blocks cost. Nothing fails but what the simulation wants to fail; running out of
// the small tables stops the seed.
#include "sim_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMES_MAX   128u
#define CHANGES_MAX 256u
#define FDS_MAX     256u
#define FILES_MAX   4096u
#define ATOM_BYTES  512u // what a real disk writes at once

struct sector {
    unsigned char *durable; // NULL: zeros
    unsigned char *cached;  // NULL: as durable
    bool is_unreadable;
};

struct sim_file {
    bool is_directory;
    int lock_fd; // -1: not locked
    uint64_t size;
    uint64_t size_durable;
    struct sector *sectors;
    uint32_t sector_count;
};

struct name {
    char path[SIM_PATH_BYTES];
    struct sim_file *file;
};

// A change of names not yet synced: `from` goes (unless empty), `into` comes (unless empty).
struct change {
    char from[SIM_PATH_BYTES];
    char into[SIM_PATH_BYTES];
    struct sim_file *file;
};

struct names {
    struct name rows[NAMES_MAX];
    uint32_t count;
};

struct descriptor {
    struct sim_file *file; // NULL: free
    uint64_t position;
    char path[SIM_PATH_BYTES];
};

static struct {
    struct names now;
    struct names durable;
    struct change changes[CHANGES_MAX];
    uint32_t change_count;
    struct descriptor descriptors[FDS_MAX];
    struct sim_file *files[FILES_MAX]; // every one ever made
    uint32_t file_count;
    uint64_t operations;
    uint64_t cut_at; // 0: never
    uint64_t free_bytes;
    bool is_on;
} disk;

// A cached sector that reads as zeros.
static unsigned char zero_sector[SIM_SECTOR];

// ---- Power ----------------------------------------------------------------------------

bool sim_disk_operation(void)
{
    disk.operations += 1;
    sim.counts->operations += 1;
    if (disk.is_on && disk.cut_at != 0 && disk.operations >= disk.cut_at) {
        sim_power_off();
    }
    return disk.is_on;
}

void sim_disk_cut_after(uint64_t operations)
{
    disk.cut_at = operations == 0 ? 0 : disk.operations + operations;
}

bool sim_disk_is_on(void)
{
    return disk.is_on;
}

uint64_t sim_disk_operations(void)
{
    return disk.operations;
}

void sim_disk_set_free(uint64_t bytes)
{
    disk.free_bytes = bytes;
}

uint64_t sim_disk_free(void)
{
    return disk.free_bytes;
}

// ---- Sectors --------------------------------------------------------------------------

static bool is_zero(const unsigned char *bytes)
{
    return memcmp(bytes, zero_sector, SIM_SECTOR) == 0;
}

static struct sector *sector_at(struct sim_file *file, uint64_t offset)
{
    uint64_t index = offset / SIM_SECTOR;
    if (index >= file->sector_count) {
        uint32_t count = (uint32_t)(index + 1) * 2;
        file->sectors = realloc(file->sectors, count * sizeof *file->sectors);
        SIM_REQUIRE(file->sectors != NULL);
        memset(file->sectors + file->sector_count, 0,
               (count - file->sector_count) * sizeof *file->sectors);
        file->sector_count = count;
    }
    return &file->sectors[index];
}

static const struct sector *sector_look(const struct sim_file *file, uint64_t offset)
{
    static const struct sector nothing = {NULL, NULL, false};
    uint64_t index = offset / SIM_SECTOR;
    return index < file->sector_count ? &file->sectors[index] : &nothing;
}

static void cached_drop(struct sector *sector)
{
    if (sector->cached != zero_sector) {
        free(sector->cached);
    }
    sector->cached = NULL;
}

static void durable_set(struct sector *sector, const unsigned char *bytes)
{
    if (is_zero(bytes)) {
        free(sector->durable);
        sector->durable = NULL;
        return;
    }
    if (sector->durable == NULL) {
        sector->durable = malloc(SIM_SECTOR);
        SIM_REQUIRE(sector->durable != NULL);
    }
    memcpy(sector->durable, bytes, SIM_SECTOR);
}

static void cached_set(struct sector *sector, const unsigned char *bytes)
{
    cached_drop(sector);
    if (is_zero(bytes)) {
        sector->cached = zero_sector;
        return;
    }
    sector->cached = malloc(SIM_SECTOR);
    SIM_REQUIRE(sector->cached != NULL);
    memcpy(sector->cached, bytes, SIM_SECTOR);
}

static const unsigned char *sector_bytes(const struct sector *sector)
{
    const unsigned char *bytes = sector->cached != NULL ? sector->cached : sector->durable;
    return bytes == NULL ? zero_sector : bytes;
}

// What stands in a sector after a torn write: new bytes up to or from a place, old ones elsewhere.
// Most tears are between what a disk writes at once; some are anywhere.
static void sector_tear(struct sector *sector, const unsigned char *bytes)
{
    unsigned char torn[SIM_SECTOR];
    const unsigned char *old = sector->durable == NULL ? zero_sector : sector->durable;
    uint32_t at =
        sim_draw(8) == 0 ? sim_draw(SIM_SECTOR) : sim_draw(SIM_SECTOR / ATOM_BYTES) * ATOM_BYTES;
    bool is_front = sim_draw(2) == 0;
    memcpy(torn, is_front ? bytes : old, at);
    memcpy(torn + at, (is_front ? old : bytes) + at, SIM_SECTOR - at);
    durable_set(sector, torn);
    sim_count(SIM_FAULT_TORN);
}

// Whether what was not synced of one sector lands: not, whole, or torn.
static void sector_land(struct sector *sector, const unsigned char *bytes)
{
    if (sector->durable == NULL && bytes == zero_sector) {
        return;
    }
    uint32_t how = sim_draw(5);
    if (how == 0) {
        sector_tear(sector, bytes);
    } else if (how < 3) {
        durable_set(sector, bytes);
    } else {
        sim_count(SIM_FAULT_UNSYNCED);
    }
}

// ---- Files ----------------------------------------------------------------------------

static struct sim_file *file_make(bool is_directory)
{
    SIM_REQUIRE(disk.file_count < FILES_MAX);
    struct sim_file *file = calloc(1, sizeof *file);
    SIM_REQUIRE(file != NULL);
    file->is_directory = is_directory;
    file->lock_fd = -1;
    disk.files[disk.file_count++] = file;
    return file;
}

static void file_free(struct sim_file *file)
{
    for (uint32_t i = 0; i < file->sector_count; i++) {
        cached_drop(&file->sectors[i]);
        free(file->sectors[i].durable);
    }
    free(file->sectors);
    free(file);
}

uint64_t sim_file_size(const struct sim_file *file)
{
    return file->size;
}

bool sim_file_is_directory(const struct sim_file *file)
{
    return file->is_directory;
}

int64_t sim_file_read(const struct sim_file *file, void *bytes, uint64_t size, uint64_t offset)
{
    uint64_t end = offset + size < file->size ? offset + size : file->size;
    unsigned char *into = bytes;
    for (uint64_t at = offset; at < end;) {
        const struct sector *sector = sector_look(file, at);
        uint64_t within = at % SIM_SECTOR;
        uint64_t part = SIM_SECTOR - within < end - at ? SIM_SECTOR - within : end - at;
        if (sector->is_unreadable) {
            return -EIO;
        }
        memcpy(into + (at - offset), sector_bytes(sector) + within, part);
        at += part;
    }
    return end > offset ? (int64_t)(end - offset) : 0;
}

// Calls for each sector that a write touches, with the whole sector as it will be.
static void write_spread(const struct sim_write *write,
                         void (*put)(struct sector *, const unsigned char *))
{
    for (uint64_t at = write->offset; at < write->offset + write->size;) {
        struct sector *sector = sector_at(write->file, at);
        uint64_t within = at % SIM_SECTOR;
        uint64_t rest = write->offset + write->size - at;
        uint64_t part = SIM_SECTOR - within < rest ? SIM_SECTOR - within : rest;
        const unsigned char *from = write->bytes + (at - write->offset);
        unsigned char whole[SIM_SECTOR];
        if (part < SIM_SECTOR) {
            memcpy(whole, sector_bytes(sector), SIM_SECTOR);
            memcpy(whole + within, from, part);
            from = whole;
        }
        put(sector, from);
        at += part;
    }
}

static void persist_sector(struct sector *sector, const unsigned char *bytes)
{
    cached_drop(sector);
    durable_set(sector, bytes);
    sector->is_unreadable = false;
}

void sim_file_write(const struct sim_write *write)
{
    sim_file_extend(write->file, write->offset + write->size);
    write_spread(write, cached_set);
}

void sim_file_persist(const struct sim_write *write)
{
    struct sim_file *file = write->file;
    sim_file_extend(file, write->offset + write->size);
    file->size_durable = file->size_durable > file->size ? file->size_durable : file->size;
    write_spread(write, persist_sector);
}

void sim_file_tear(const struct sim_write *write)
{
    if (write->offset + write->size > write->file->size_durable) {
        return; // the file would have to grow: nothing of it is there
    }
    write_spread(write, sector_land);
}

void sim_file_extend(struct sim_file *file, uint64_t size)
{
    file->size = size > file->size ? size : file->size;
}

void sim_file_truncate(struct sim_file *file)
{
    file->size = 0;
    for (uint32_t i = 0; i < file->sector_count; i++) {
        cached_set(&file->sectors[i], zero_sector);
    }
}

static void names_sync(const struct sim_file *directory);

void sim_file_sync(struct sim_file *file)
{
    if (file->is_directory) {
        names_sync(file);
        return;
    }
    file->size_durable = file->size;
    for (uint32_t i = 0; i < file->sector_count; i++) {
        struct sector *sector = &file->sectors[i];
        if (sector->cached != NULL) {
            durable_set(sector, sector->cached);
            cached_drop(sector);
        }
    }
}

// The power goes: a size that was not synced may be the old one or the new one.
static void file_settle(struct sim_file *file)
{
    if (file->size != file->size_durable && sim_draw(2) == 0) {
        file->size_durable = file->size;
    }
    file->size = file->size_durable;
    for (uint32_t i = 0; i < file->sector_count; i++) {
        struct sector *sector = &file->sectors[i];
        if (sector->cached != NULL) {
            sector_land(sector, sector->cached);
            cached_drop(sector);
        }
    }
}

bool sim_file_sector_is_zero(const struct sim_file *file, uint64_t offset)
{
    return sector_look(file, offset)->durable == NULL;
}

void sim_file_sector_load(const struct sim_file *file, uint64_t offset, unsigned char *copy)
{
    memcpy(copy, sector_bytes(sector_look(file, offset)), SIM_SECTOR);
}

void sim_file_sector_store(struct sim_file *file, uint64_t offset, const unsigned char *copy)
{
    persist_sector(sector_at(file, offset), copy);
}

void sim_file_sector_set_readable(struct sim_file *file, uint64_t offset, bool is_readable)
{
    sector_at(file, offset)->is_unreadable = !is_readable;
}

// ---- Names ----------------------------------------------------------------------------

static uint32_t name_index(const struct names *names, const char *path)
{
    uint32_t i = 0;
    while (i < names->count && strcmp(names->rows[i].path, path) != 0) {
        i++;
    }
    return i;
}

static void path_copy(char *to, const char *path)
{
    int size = snprintf(to, SIM_PATH_BYTES, "%s", path);
    SIM_REQUIRE(size >= 0 && size < (int)SIM_PATH_BYTES);
}

static void name_apply(struct names *names, const struct change *change)
{
    if (change->from[0] != '\0') {
        uint32_t at = name_index(names, change->from);
        if (at < names->count) {
            names->rows[at] = names->rows[--names->count];
        }
    }
    if (change->into[0] != '\0') {
        uint32_t at = name_index(names, change->into);
        SIM_REQUIRE(at < NAMES_MAX);
        names->count += at == names->count ? 1 : 0;
        path_copy(names->rows[at].path, change->into);
        names->rows[at].file = change->file;
    }
}

static void name_change(const char *from, const char *into, struct sim_file *file)
{
    SIM_REQUIRE(disk.change_count < CHANGES_MAX);
    struct change *change = &disk.changes[disk.change_count++];
    path_copy(change->from, from);
    path_copy(change->into, into);
    change->file = file;
    name_apply(&disk.now, change);
}

static void parent_of(const char *path, char *parent)
{
    path_copy(parent, path);
    char *slash = strrchr(parent, '/');
    SIM_REQUIRE(slash != NULL);
    *slash = '\0';
}

static bool change_is_below(const struct change *change, const struct sim_file *directory)
{
    char parent[SIM_PATH_BYTES];
    parent_of(change->into[0] != '\0' ? change->into : change->from, parent);
    return sim_disk_find(parent) == directory;
}

static void names_sync(const struct sim_file *directory)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < disk.change_count; i++) {
        if (change_is_below(&disk.changes[i], directory)) {
            name_apply(&disk.durable, &disk.changes[i]);
        } else {
            disk.changes[kept++] = disk.changes[i];
        }
    }
    disk.change_count = kept;
}

// A name whose directory is not there is not there either. Returns: whether one went.
static bool orphan_drop(struct names *names)
{
    for (uint32_t i = 0; i < names->count; i++) {
        char parent[SIM_PATH_BYTES];
        parent_of(names->rows[i].path, parent);
        if (parent[0] != '\0' && name_index(names, parent) == names->count) {
            names->rows[i] = names->rows[--names->count];
            return true;
        }
    }
    return false;
}

static void names_settle(void)
{
    for (uint32_t i = 0; i < disk.change_count; i++) {
        if (sim_draw(2) == 0) {
            name_apply(&disk.durable, &disk.changes[i]);
        } else {
            sim_count(SIM_FAULT_NAME);
        }
    }
    disk.change_count = 0;
    while (orphan_drop(&disk.durable)) {
    }
    disk.now = disk.durable;
}

struct sim_file *sim_disk_find(const char *path)
{
    uint32_t at = name_index(&disk.now, path);
    return at < disk.now.count ? disk.now.rows[at].file : NULL;
}

const char *sim_disk_name(const char *directory, uint32_t index)
{
    size_t size = strlen(directory);
    for (uint32_t i = 0; i < disk.now.count; i++) {
        const char *path = disk.now.rows[i].path;
        bool is_below = strncmp(path, directory, size) == 0 && path[size] == '/' &&
                        strchr(path + size + 1, '/') == NULL;
        if (is_below && index-- == 0) {
            return path + size + 1;
        }
    }
    return NULL;
}

static bool parent_is_there(const char *path)
{
    char parent[SIM_PATH_BYTES];
    parent_of(path, parent);
    const struct sim_file *file = sim_disk_find(parent);
    return file != NULL && file->is_directory;
}

static int descriptor_take(struct sim_file *file, const char *path)
{
    uint32_t at = 0;
    while (at < FDS_MAX && disk.descriptors[at].file != NULL) {
        at++;
    }
    SIM_REQUIRE(at < FDS_MAX);
    disk.descriptors[at].file = file;
    disk.descriptors[at].position = 0;
    path_copy(disk.descriptors[at].path, path);
    return SIM_FD_FIRST + (int)at;
}

int sim_disk_open(const char *path, int flags)
{
    struct sim_file *file = sim_disk_find(path);
    if (file == NULL) {
        if ((flags & O_CREAT) == 0 || !parent_is_there(path)) {
            return -ENOENT;
        }
        file = file_make(false);
        name_change("", path, file);
    } else if ((flags & O_TRUNC) != 0) {
        sim_file_truncate(file);
    }
    return descriptor_take(file, path);
}

bool sim_disk_is_fd(int fd)
{
    return fd >= SIM_FD_FIRST && fd < SIM_FD_FIRST + (int)FDS_MAX;
}

static struct descriptor *descriptor_of(int fd)
{
    SIM_REQUIRE(sim_disk_is_fd(fd));
    struct descriptor *descriptor = &disk.descriptors[fd - SIM_FD_FIRST];
    SIM_REQUIRE(descriptor->file != NULL);
    return descriptor;
}

int sim_disk_close(int fd)
{
    struct descriptor *descriptor = descriptor_of(fd);
    if (descriptor->file->lock_fd == fd) {
        descriptor->file->lock_fd = -1;
    }
    descriptor->file = NULL;
    return 0;
}

struct sim_file *sim_disk_file(int fd)
{
    return descriptor_of(fd)->file;
}

const char *sim_disk_path(int fd)
{
    return descriptor_of(fd)->path;
}

uint64_t sim_disk_advance(int fd, uint64_t by)
{
    struct descriptor *descriptor = descriptor_of(fd);
    descriptor->position += by;
    return descriptor->position;
}

int sim_disk_lock(int fd)
{
    struct sim_file *file = sim_disk_file(fd);
    if (file->lock_fd >= 0 && file->lock_fd != fd) {
        return -EWOULDBLOCK;
    }
    file->lock_fd = fd;
    return 0;
}

int sim_disk_make_directory(const char *path)
{
    if (sim_disk_find(path) != NULL) {
        return -EEXIST;
    }
    if (!parent_is_there(path)) {
        return -ENOENT;
    }
    name_change("", path, file_make(true));
    return 0;
}

int sim_disk_rename(const char *from, const char *into)
{
    struct sim_file *file = sim_disk_find(from);
    if (file == NULL) {
        return -ENOENT;
    }
    name_change(from, into, file);
    return 0;
}

int sim_disk_remove(const char *path)
{
    if (sim_disk_find(path) == NULL) {
        return -ENOENT;
    }
    name_change(path, "", NULL);
    return 0;
}

void sim_disk_remove_below(const char *directory)
{
    char path[2 * SIM_PATH_BYTES];
    for (const char *name = sim_disk_name(directory, 0); name != NULL;
         name = sim_disk_name(directory, 0)) {
        snprintf(path, sizeof path, "%s/%s", directory, name);
        SIM_REQUIRE(sim_disk_remove(path) == 0);
    }
    names_sync(sim_disk_find(directory));
}

// ---- Life -----------------------------------------------------------------------------

void sim_disk_create(void)
{
    memset(&disk, 0, sizeof disk);
    disk.is_on = true;
    disk.free_bytes = UINT64_MAX / 4;
    name_change("", SIM_ROOT, file_make(true));
    for (uint32_t i = 0; i < disk.change_count; i++) {
        name_apply(&disk.durable, &disk.changes[i]);
    }
    disk.change_count = 0;
}

void sim_disk_destroy(void)
{
    for (uint32_t i = 0; i < disk.file_count; i++) {
        file_free(disk.files[i]);
    }
    disk.file_count = 0;
}

void sim_disk_power_off(void)
{
    disk.is_on = false;
    disk.cut_at = 0;
    for (uint32_t i = 0; i < disk.file_count; i++) {
        file_settle(disk.files[i]);
    }
    names_settle();
}

void sim_disk_kill(void)
{
    disk.is_on = false;
    disk.cut_at = 0;
}

static bool file_is_named(const struct sim_file *file)
{
    for (uint32_t i = 0; i < disk.now.count; i++) {
        if (disk.now.rows[i].file == file) {
            return true;
        }
    }
    for (uint32_t i = 0; i < disk.durable.count; i++) {
        if (disk.durable.rows[i].file == file) {
            return true;
        }
    }
    return false;
}

void sim_disk_switch_on(void)
{
    for (uint32_t i = 0; i < FDS_MAX; i++) {
        if (disk.descriptors[i].file != NULL) {
            sim_fail("closing has left %s open", disk.descriptors[i].path);
        }
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < disk.file_count; i++) {
        struct sim_file *file = disk.files[i];
        if (disk.change_count == 0 && !file_is_named(file)) {
            file_free(file);
        } else {
            disk.files[kept++] = file;
        }
    }
    disk.file_count = kept;
    disk.is_on = true;
}
