// A backup's directory: objects, which are files named by path and checksum, and the manifest that
// says which of them make the backup. An object with its full name is whole. One thread.
#ifndef JF_ENGINE_BACKUP_STORE_H
#define JF_ENGINE_BACKUP_STORE_H

#include "engine/backup_manifest.h"
#include "engine/file_copy.h"

struct jf_backup_store {
    const char *directory; // borrowed
    int fd;
    int lock_fd;  // -1 when reading
    char **names; // objects that were there when it was opened for writing, heap; ascending
    uint32_t count;
    uint32_t capacity;
};

// Opens a backup to read it. Errors: NOT_FOUND, IO.
JF_MUST_USE enum jf_error jf_backup_store_open(const char *directory, struct jf_backup_store *store,
                                               struct jf_diagnosis *diagnosis);
// Opens, or makes, a directory to take a backup into. Errors: LOCKED (by another backup), FOREIGN
// (files of something else, and no backup), IO, NO_SPACE, NO_MEMORY.
JF_MUST_USE enum jf_error jf_backup_store_make(const char *directory, struct jf_backup_store *store,
                                               struct jf_diagnosis *diagnosis);
void jf_backup_store_close(struct jf_backup_store *store);

// Errors: NOT_FOUND (no manifest), CORRUPT, VERSION, IO, NO_MEMORY.
JF_MUST_USE enum jf_error jf_backup_store_read(const struct jf_backup_store *store,
                                               struct jf_backup_manifest *out_manifest,
                                               struct jf_diagnosis *diagnosis);
// Makes the manifest the backup's, durably. In: all its objects are in place.
JF_MUST_USE enum jf_error jf_backup_store_write(const struct jf_backup_store *store,
                                                const struct jf_backup_manifest *manifest,
                                                struct jf_diagnosis *diagnosis);

// Whether an object of that path was there, of whatever content.
bool jf_backup_store_has_path(const struct jf_backup_store *store, const char *path);
bool jf_backup_store_has(const struct jf_backup_store *store, const struct jf_backup_file *file);

// Copies a file into the store under its path and checksum. Out: file->hash. Errors: as
// jf_copy_run.
JF_MUST_USE enum jf_error jf_backup_store_put(const struct jf_backup_store *store,
                                              const struct jf_copy *source,
                                              struct jf_backup_file *file,
                                              struct jf_diagnosis *diagnosis);

// Removes objects that the manifest, which is durable, does not name, and unfinished ones.
JF_MUST_USE enum jf_error jf_backup_store_sweep(const struct jf_backup_store *store,
                                                const struct jf_backup_manifest *manifest,
                                                struct jf_diagnosis *diagnosis);

#endif
