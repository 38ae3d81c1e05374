// What was there is listed once, on opening: candidates for keeping, and for sweeping once a newer
// manifest is durable. The manifest is written beside, synced, renamed, and its directory synced;
// the objects' directories are synced before it. Fails where the disk fails or is full: the backup
// then is what it was before, and the same command goes on.
#include "engine/backup_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"

#define LOCK_NAME          "LOCK"
#define MANIFEST_TEMPORARY "MANIFEST.partial"
#define PARTIAL_SUFFIX     ".partial"
#define MANIFEST_BYTES_MAX ((uint64_t)1 << 30)

static const char *const folders[] = {"journal", "journal/archive", "state"};
#define FOLDER_COUNT (sizeof folders / sizeof folders[0])

enum jf_error jf_backup_store_open(const char *directory, struct jf_backup_store *store,
                                   struct jf_diagnosis *diagnosis)
{
    *store = (struct jf_backup_store){.directory = directory, .fd = -1, .lock_fd = -1};
    enum jf_error error = jf_folder_open(AT_FDCWD, directory, &store->fd, diagnosis);
    return error == JF_ERROR_NOT_FOUND
               ? jf_diagnose(diagnosis, error,
                             "there is no backup in %.300s: check the directory's name", directory)
               : error;
}

void jf_backup_store_close(struct jf_backup_store *store)
{
    for (uint32_t i = 0; i < store->count; i++) {
        free(store->names[i]);
    }
    free(store->names);
    if (store->fd >= 0) {
        close(store->fd);
    }
    if (store->lock_fd >= 0) {
        close(store->lock_fd);
    }
    *store = (struct jf_backup_store){.fd = -1, .lock_fd = -1};
}

// ---- Listing --------------------------------------------------------------------------

struct listing {
    struct jf_backup_store *store;
    const char *folder;
};

static enum jf_error name_take(void *context, const char *name, struct jf_diagnosis *diagnosis)
{
    struct listing *listing = context;
    struct jf_backup_store *store = listing->store;
    char path[4096];
    int size = snprintf(path, sizeof path, "%s/%s", listing->folder, name);
    if (size <= 0 || (size_t)size >= JF_BACKUP_OBJECT_MAX) {
        return JF_OK; // nothing of ours is called so
    }
    if (store->count == store->capacity) {
        uint32_t capacity = store->capacity == 0 ? 64 : store->capacity * 2;
        char **grown = realloc(store->names, capacity * sizeof *grown);
        if (grown == NULL) {
            return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory to list the backup");
        }
        store->names = grown;
        store->capacity = capacity;
    }
    store->names[store->count] = strdup(path);
    if (store->names[store->count] == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory to list the backup");
    }
    store->count += 1;
    return JF_OK;
}

static int name_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum jf_error folders_make(struct jf_backup_store *store, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = JF_OK;
    for (uint32_t i = 0; i < FOLDER_COUNT && error == JF_OK; i++) {
        int fd = -1;
        struct listing listing = {store, folders[i]};
        error = jf_folder_make(store->fd, folders[i], &fd, diagnosis);
        if (error == JF_OK) {
            error = jf_folder_list(fd, name_take, &listing, diagnosis);
            close(fd);
        }
    }
    if (store->count > 1) {
        qsort(store->names, store->count, sizeof *store->names, name_compare);
    }
    return error;
}

// Names of anything but a backup, at the top.
static enum jf_error stranger_refuse(void *context, const char *name,
                                     struct jf_diagnosis *diagnosis)
{
    static const char *const ours[] = {
        LOCK_NAME, JF_BACKUP_MANIFEST_NAME, MANIFEST_TEMPORARY, "journal", "state", "lost+found"};
    for (uint32_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (strcmp(name, ours[i]) == 0) {
            return JF_OK;
        }
    }
    return jf_diagnose(diagnosis, JF_ERROR_FOREIGN,
                       "%.200s holds \"%.100s\" and is no backup: give a new or empty directory. "
                       "Nothing was changed",
                       (const char *)context, name);
}

// A ledger's own directory has these names, too.
static enum jf_error ledger_refuse(const struct jf_backup_store *store,
                                   struct jf_diagnosis *diagnosis)
{
    struct stat status;
    if (fstatat(store->fd, "journal/SUPERBLOCK", &status, 0) == 0 ||
        fstatat(store->fd, "state/CURRENT", &status, 0) == 0) {
        return jf_diagnose(diagnosis, JF_ERROR_FOREIGN,
                           "%.300s is a ledger: give another directory for its backup. Nothing "
                           "was changed",
                           store->directory);
    }
    return JF_OK;
}

enum jf_error jf_backup_store_make(const char *directory, struct jf_backup_store *store,
                                   struct jf_diagnosis *diagnosis)
{
    *store = (struct jf_backup_store){.directory = directory, .fd = -1, .lock_fd = -1};
    enum jf_error error = jf_folder_make(AT_FDCWD, directory, &store->fd, diagnosis);
    if (error == JF_OK) {
        error = ledger_refuse(store, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_folder_list(store->fd, stranger_refuse, (void *)(uintptr_t)directory, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_folder_lock(store->fd, LOCK_NAME, directory, &store->lock_fd, diagnosis);
    }
    return error == JF_OK ? folders_make(store, diagnosis) : error;
}

// Returns: the first name that is not below `name`.
static uint32_t name_find(const struct jf_backup_store *store, const char *name)
{
    uint32_t low = 0;
    uint32_t high = store->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (strcmp(store->names[middle], name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool jf_backup_store_has_path(const struct jf_backup_store *store, const char *path)
{
    char prefix[JF_BACKUP_OBJECT_MAX];
    int size = snprintf(prefix, sizeof prefix, "%s.", path);
    JF_ASSERT(size > 0 && (size_t)size < sizeof prefix);
    uint32_t at = name_find(store, prefix);
    return at < store->count && strncmp(store->names[at], prefix, (size_t)size) == 0;
}

bool jf_backup_store_has(const struct jf_backup_store *store, const struct jf_backup_file *file)
{
    char name[JF_BACKUP_OBJECT_MAX];
    struct stat status;
    jf_backup_object_name(file, name);
    return fstatat(store->fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
           (uint64_t)status.st_size == file->size_bytes;
}

// ---- Objects --------------------------------------------------------------------------

enum jf_error jf_backup_store_put(const struct jf_backup_store *store, const struct jf_copy *source,
                                  struct jf_backup_file *file, struct jf_diagnosis *diagnosis)
{
    char temporary[JF_BACKUP_PATH_MAX + sizeof PARTIAL_SUFFIX];
    char name[JF_BACKUP_OBJECT_MAX];
    (void)snprintf(temporary, sizeof temporary, "%s%s", file->path, PARTIAL_SUFFIX);
    struct jf_copy copy = *source;
    copy.to_name = temporary;
    enum jf_error error = jf_file_make(store->fd, temporary, &copy.to, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    error = jf_copy_run(&copy, &file->hash, diagnosis);
    if (error != JF_OK) {
        close(copy.to);
        // What was copied of this file is of no use; room for others may be.
        (void)unlinkat(store->fd, temporary, 0);
        return error;
    }
    jf_backup_object_name(file, name);
    return jf_file_settle(store->fd, copy.to, temporary, name, diagnosis);
}

static bool is_wanted(const struct jf_backup_manifest *manifest, const char *object)
{
    size_t size = strlen(object);
    char path[JF_BACKUP_OBJECT_MAX];
    char name[JF_BACKUP_OBJECT_MAX];
    if (size < JF_BACKUP_HASH_TEXT_MAX || size >= sizeof path) {
        return false;
    }
    memcpy(path, object, size + 1);
    path[size - JF_BACKUP_HASH_TEXT_MAX] = '\0';
    const struct jf_backup_file *file = jf_backup_manifest_find(manifest, path);
    if (file == NULL) {
        return false;
    }
    jf_backup_object_name(file, name);
    return strcmp(name, object) == 0;
}

// ".partial", or a dot and 32 hexadecimal digits at the end: nothing else is ours to remove.
static bool is_object_name(const char *object)
{
    size_t size = strlen(object);
    size_t partial = strlen(PARTIAL_SUFFIX);
    if (size > partial && strcmp(object + size - partial, PARTIAL_SUFFIX) == 0) {
        return true;
    }
    const size_t digits = JF_BACKUP_HASH_TEXT_MAX - 1;
    return size > digits + 1 && object[size - digits - 1] == '.' &&
           strspn(object + size - digits, "0123456789abcdef") == digits;
}

enum jf_error jf_backup_store_sweep(const struct jf_backup_store *store,
                                    const struct jf_backup_manifest *manifest,
                                    struct jf_diagnosis *diagnosis)
{
    for (uint32_t i = 0; i < store->count; i++) {
        const char *object = store->names[i];
        if (is_object_name(object) && !is_wanted(manifest, object) &&
            unlinkat(store->fd, object, 0) != 0 && errno != ENOENT) {
            return jf_diagnose(diagnosis, JF_ERROR_IO, "%.200s/%.150s cannot be removed: %s",
                               store->directory, object, strerror(errno));
        }
    }
    return JF_OK;
}

// ---- The manifest ---------------------------------------------------------------------

static enum jf_error text_read(const struct jf_backup_store *store, int fd, uint64_t size,
                               struct jf_backup_manifest *out_manifest,
                               struct jf_diagnosis *diagnosis)
{
    char *text = size > MANIFEST_BYTES_MAX ? NULL : malloc(size + 1);
    if (text == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory for the manifest of %.300s",
                           store->directory);
    }
    ssize_t got = pread(fd, text, size, 0);
    enum jf_error error = JF_OK;
    if (got < 0) {
        error = jf_diagnose(diagnosis, JF_ERROR_IO, "%.300s/" JF_BACKUP_MANIFEST_NAME ": %s",
                            store->directory, strerror(errno));
    } else {
        struct jf_text manifest = {text, (uint32_t)got};
        error = jf_backup_manifest_decode(manifest, out_manifest, diagnosis);
    }
    free(text);
    if (error == JF_ERROR_CORRUPT) {
        return jf_diagnose(diagnosis, error,
                           "%.300s/" JF_BACKUP_MANIFEST_NAME
                           " is damaged or cut short: nothing can be restored from this backup. "
                           "Nothing was changed. While the ledger is there, remove that file and "
                           "take the backup again: what is whole is kept; else use an older backup",
                           store->directory);
    }
    return error;
}

enum jf_error jf_backup_store_read(const struct jf_backup_store *store,
                                   struct jf_backup_manifest *out_manifest,
                                   struct jf_diagnosis *diagnosis)
{
    int fd = -1;
    uint64_t size = 0;
    enum jf_error error = jf_file_open(store->fd, JF_BACKUP_MANIFEST_NAME, &fd, &size, diagnosis);
    if (error == JF_ERROR_NOT_FOUND) {
        return jf_diagnose(diagnosis, error,
                           "%.300s holds no whole backup: there is no file "
                           "" JF_BACKUP_MANIFEST_NAME
                           ", which is written last. If one was begun there, run it again",
                           store->directory);
    }
    if (error == JF_OK) {
        error = text_read(store, fd, size, out_manifest, diagnosis);
        close(fd);
    }
    return error;
}

static enum jf_error folders_sync(const struct jf_backup_store *store,
                                  struct jf_diagnosis *diagnosis)
{
    enum jf_error error = JF_OK;
    for (uint32_t i = 0; i < FOLDER_COUNT && error == JF_OK; i++) {
        int fd = -1;
        error = jf_folder_open(store->fd, folders[i], &fd, diagnosis);
        if (error == JF_OK) {
            error = jf_folder_sync(fd, folders[i], diagnosis);
            close(fd);
        }
    }
    return error == JF_OK ? jf_folder_sync(store->fd, store->directory, diagnosis) : error;
}

static enum jf_error text_write(const struct jf_backup_store *store, const char *text,
                                uint32_t size, struct jf_diagnosis *diagnosis)
{
    int fd = -1;
    enum jf_error error = jf_file_make(store->fd, MANIFEST_TEMPORARY, &fd, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    ssize_t put = pwrite(fd, text, size, 0);
    if (put != (ssize_t)size) {
        int code = put < 0 ? errno : ENOSPC;
        close(fd);
        return jf_diagnose(diagnosis, code == ENOSPC ? JF_ERROR_NO_SPACE : JF_ERROR_IO,
                           "%.300s/" MANIFEST_TEMPORARY " cannot be written: %s", store->directory,
                           strerror(code));
    }
    return jf_file_settle(store->fd, fd, MANIFEST_TEMPORARY, JF_BACKUP_MANIFEST_NAME, diagnosis);
}

enum jf_error jf_backup_store_write(const struct jf_backup_store *store,
                                    const struct jf_backup_manifest *manifest,
                                    struct jf_diagnosis *diagnosis)
{
    char *text = NULL;
    uint32_t size = 0;
    if (jf_backup_manifest_encode(manifest, &text, &size) != JF_OK) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory for the backup's manifest");
    }
    enum jf_error error = folders_sync(store, diagnosis);
    if (error == JF_OK) {
        error = text_write(store, text, size, diagnosis);
    }
    free(text);
    if (error == JF_OK) {
        error = jf_folder_sync(store->fd, store->directory, diagnosis);
    }
    // The store itself may be new.
    return error == JF_OK ? jf_folder_sync_parent(store->directory, diagnosis) : error;
}
