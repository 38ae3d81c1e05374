// The simulated disk: files of sectors, names, and what of both would survive if the power went
// now.
//
// A sector has a durable side and, when something was written without a sync, a cached one; names
// likewise, as a list of changes that no directory sync has covered yet. When the power goes, any
// subset of what was not synced lands, sectors torn; a write in flight likewise. What was synced
// stays. After that the disk answers EIO to everything until it is switched on again.
#ifndef SIM_DISK_H
#define SIM_DISK_H

#include "sim.h"

#define SIM_SECTOR     4096u
#define SIM_PATH_BYTES 96u
#define SIM_FD_FIRST   (1 << 20)
#define SIM_ROOT       "/sim" // paths below it are simulated, others are the system's

struct sim_file;

struct sim_write {
    struct sim_file *file;
    const unsigned char *bytes;
    uint32_t size;
    uint64_t offset;
};

void sim_disk_create(void); // empty, on
void sim_disk_destroy(void);

// Every operation passes here, twice where it has a beginning and an end. Returns: whether the
// power is still on. The power goes when the countdown that was set reaches zero.
bool sim_disk_operation(void);
void sim_disk_cut_after(uint64_t operations); // 0: never
bool sim_disk_is_on(void);
uint64_t sim_disk_operations(void);

// The power goes: what was not synced lands or not. Writes in flight are the caller's to land
// first.
void sim_disk_power_off(void);
// The process is killed: the system lives on and keeps what it was given.
void sim_disk_kill(void);
void sim_disk_switch_on(void); // all descriptors are gone

// How much of the disk is free, as the file system says.
void sim_disk_set_free(uint64_t bytes);
uint64_t sim_disk_free(void);

// Files and names. Errors are negative errno.
struct sim_file *sim_disk_find(const char *path); // NULL: not there
int sim_disk_open(const char *path, int flags);   // a descriptor
int sim_disk_close(int fd);
bool sim_disk_is_fd(int fd);
struct sim_file *sim_disk_file(int fd);
const char *sim_disk_path(int fd);
uint64_t sim_disk_advance(int fd, uint64_t by); // where reading goes on
int sim_disk_make_directory(const char *path);
int sim_disk_rename(const char *from, const char *into);
int sim_disk_remove(const char *path);
int sim_disk_lock(int fd);
// The n-th name directly below a directory, without its path; NULL: no more.
const char *sim_disk_name(const char *directory, uint32_t index);
void sim_disk_remove_below(const char *directory); // durably, whatever it holds

uint64_t sim_file_size(const struct sim_file *file);
bool sim_file_is_directory(const struct sim_file *file);
int64_t sim_file_read(const struct sim_file *file, void *bytes, uint64_t size, uint64_t offset);
void sim_file_write(const struct sim_write *write);   // cached
void sim_file_persist(const struct sim_write *write); // durable at once
// A write in flight when the power goes: any of its sectors land, whole or torn.
void sim_file_tear(const struct sim_write *write);
void sim_file_extend(struct sim_file *file, uint64_t size);
void sim_file_truncate(struct sim_file *file);
void sim_file_sync(struct sim_file *file); // of a directory: its names

// Damage at rest, and its repair from a copy taken before: *copy has SIM_SECTOR bytes.
bool sim_file_sector_is_zero(const struct sim_file *file, uint64_t offset);
void sim_file_sector_load(const struct sim_file *file, uint64_t offset, unsigned char *copy);
void sim_file_sector_store(struct sim_file *file, uint64_t offset, const unsigned char *copy);
void sim_file_sector_set_readable(struct sim_file *file, uint64_t offset, bool is_readable);

#endif
