// Opening a data directory: DIR/journal and DIR/state. The journal is locked first, and says whose
// ledger it is; the state is looked at, and says from where the journal must be replayed; the
// journal is judged. Only then is either opened for writing. Fails, changing nothing, when the
// directory is something else, one half is missing, or either half refuses.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/assert.h"
#include "engine/clock.h"
#include "engine/engine_private.h"
#include "engine/entry_codec.h"
#include "engine/opening.h"
#include "journal/local.h"

#define FLUSH_BYTES_MIN ((uint64_t)64 << 20) // free space that a flush may need

// Makes the directory's own name durable. Without it a power cut takes the directory with all that
// was synced inside. A parent that may not be opened is another user's, who made the name long ago.
static enum jf_error name_sync(const char *path, struct jf_diagnosis *diagnosis)
{
    char parent[4096];
    snprintf(parent, sizeof parent, "%s", path);
    const char *directory = dirname(parent);
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == EACCES) {
        return JF_OK;
    }
    int code = fd >= 0 && fsync(fd) == 0 ? 0 : errno;
    if (fd >= 0) {
        close(fd);
    }
    return code == 0 ? JF_OK
                     : jf_diagnose(diagnosis, JF_ERROR_IO, "directory %s cannot be synced: %s",
                                   directory, strerror(code));
}

static enum jf_error directory_check(const char *path, struct jf_diagnosis *diagnosis)
{
    struct stat found;
    if (stat(path, &found) == 0 && !S_ISDIR(found.st_mode)) {
        return jf_diagnose(diagnosis, JF_ERROR_IO,
                           "%s is a file, not a directory: give a directory", path);
    }
    // Asked before anything is opened: read-only or another user's is no damage.
    return access(path, R_OK | W_OK | X_OK) == 0
               ? JF_OK
               : jf_diagnose(diagnosis, JF_ERROR_IO, "%s cannot be used: %s", path,
                             strerror(errno));
}

// A directory that is there already may have been made by a process that was killed before its name
// was durable.
static enum jf_error directory_make(const char *path, struct jf_diagnosis *diagnosis)
{
    if (mkdir(path, 0750) == 0) {
        return name_sync(path, diagnosis);
    }
    if (errno == EEXIST) {
        enum jf_error found = directory_check(path, diagnosis);
        return found == JF_OK ? name_sync(path, diagnosis) : found;
    }
    enum jf_error error = errno == ENOSPC ? JF_ERROR_NO_SPACE : JF_ERROR_IO;
    return jf_diagnose(diagnosis, error,
                       "%s cannot be created: %s. Its parent must exist and be writable", path,
                       strerror(errno));
}

static bool is_present(const char *directory, const char *name)
{
    char path[4096];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return stat(path, &status) == 0;
}

static enum jf_error emptiness_look(const char *path, bool *out_is_empty,
                                    struct jf_diagnosis *diagnosis)
{
    DIR *directory = opendir(path);
    if (directory == NULL) {
        return jf_diagnose(diagnosis, errno == ENOMEM ? JF_ERROR_NO_MEMORY : JF_ERROR_IO,
                           "%s cannot be read: %s", path, strerror(errno));
    }
    uint32_t found = 0;
    for (const struct dirent *entry = readdir(directory); entry != NULL;
         entry = readdir(directory)) {
        bool is_dot = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        found += is_dot || strcmp(entry->d_name, "lost+found") == 0 ? 0 : 1;
    }
    closedir(directory);
    *out_is_empty = found == 0;
    return JF_OK;
}

static enum jf_error layout_check(const struct jf_engine *engine, struct jf_diagnosis *diagnosis)
{
    const char *root = engine->config.data_directory;
    bool has_journal = is_present(engine->journal_directory, "SUPERBLOCK");
    bool has_state = is_present(engine->state_directory, "CURRENT");
    if (has_state && !has_journal) {
        return jf_diagnose(diagnosis, JF_ERROR_FOREIGN,
                           "%s has a state but %s/SUPERBLOCK is missing: a ledger without its "
                           "journal. Nothing was changed; bring the journal back from a backup",
                           root, engine->journal_directory);
    }
    bool is_empty = true;
    if (!has_journal && !is_present(root, "journal")) {
        enum jf_error error = emptiness_look(root, &is_empty, diagnosis);
        if (error != JF_OK) {
            return error;
        }
    }
    if (!is_empty) {
        return jf_diagnose(diagnosis, JF_ERROR_FOREIGN,
                           "%s is not empty and not a Jifen data directory: nothing was changed. "
                           "Give an empty or new directory",
                           root);
    }
    return JF_OK;
}

// The journal names its files; where they lie is added here. Returns: what it was given.
static enum jf_error place_add(const struct jf_engine *engine, enum jf_error error,
                               struct jf_diagnosis *diagnosis)
{
    const char *directory = engine->journal_directory;
    if (error != JF_OK && strstr(diagnosis->text, directory) == NULL) {
        struct jf_diagnosis inner = *diagnosis;
        jf_diagnose(diagnosis, error, "%s: %s", directory, inner.text);
    }
    return error;
}

static enum jf_error journal_lock(struct jf_engine *engine, struct jf_diagnosis *diagnosis)
{
    struct jf_journal_config config = {.directory = engine->journal_directory,
                                       .segment_bytes = engine->config.segment_bytes,
                                       .reserve_bytes = engine->config.reserve_bytes,
                                       .seal_idle_us = 5000};
    unsigned char *id = config.create_id.bytes;
    config.must_exist = is_present(engine->journal_directory, "SUPERBLOCK");
    if (!config.must_exist &&
        getrandom(id, sizeof config.create_id.bytes, 0) != (ssize_t)sizeof config.create_id.bytes) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "no random bytes for a new ledger's id");
    }
    enum jf_error error =
        jf_journal_local_lock(&config, &engine->ring, &engine->journal, diagnosis);
    return place_add(engine, error, diagnosis);
}

static enum jf_error journal_judge(struct jf_engine *engine, uint64_t replay_from,
                                   struct jf_diagnosis *diagnosis)
{
    struct jf_journal_opening opening = {0};
    enum jf_error error = jf_journal_local_judge(engine->journal, replay_from, &opening, diagnosis);
    engine->opening.was_created = opening.was_created;
    engine->opening.blocks_cut = opening.blocks_cut;
    engine->opening.bytes_cut = opening.bytes_cut;
    engine->opening.superblock_copies_damaged = opening.superblock_copies_damaged;
    return place_add(engine, error, diagnosis);
}

static struct jf_state_config state_config(const struct jf_engine *engine)
{
    const struct jf_engine_config *from = &engine->config;
    struct jf_state_config config = {.directory = engine->state_directory,
                                     .cache_bytes = from->cache_bytes,
                                     .filter_bytes = from->filter_bytes,
                                     .write_buffer_bytes = from->write_buffer_bytes,
                                     .block_cache_bytes = from->block_cache_bytes,
                                     .generation_entries = from->generation_entries,
                                     .generation_us = from->generation_us,
                                     .generations_max = JF_GENERATIONS_MAX,
                                     .flush_entries = from->checkpoint_entries,
                                     .flush_us = from->checkpoint_us,
                                     .is_inline = from->is_inline,
                                     .is_flush_begun = from->is_inline,
                                     .store_open = from->store_open};
    memcpy(config.ledger_id, engine->journal->ledger_id.bytes, sizeof config.ledger_id);
    return config;
}

// Nothing of either half is changed before both have been judged.
static enum jf_error halves_open(struct jf_engine *engine, struct jf_diagnosis *diagnosis)
{
    uint64_t applied = 0;
    enum jf_error error = journal_lock(engine, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    struct jf_state_config config = state_config(engine);
    error = jf_state_peek(&config, &applied, diagnosis);
    if (error == JF_OK) {
        error = journal_judge(engine, applied + 1, diagnosis);
    }
    // Not earlier: a directory that turned out to be something else gets nothing made in it.
    if (error == JF_OK) {
        error = directory_make(engine->state_directory, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_state_open(&config, &engine->effects.state, diagnosis);
    }
    if (error == JF_OK) {
        error = place_add(engine, jf_journal_local_start(engine->journal, diagnosis), diagnosis);
    }
    return error;
}

bool jf_engine_is_space_short(const struct jf_engine *engine)
{
    uint64_t needed = engine->config.reserve_bytes / 4;
    needed = needed < FLUSH_BYTES_MIN ? needed : FLUSH_BYTES_MIN;
    struct statvfs space;
    bool is_known = statvfs(engine->config.data_directory, &space) == 0 && space.f_blocks > 0;
    return is_known && (uint64_t)space.f_bavail * space.f_frsize < needed;
}

// RocksDB does not survive being opened on a full disk.
static enum jf_error space_check(const struct jf_engine *engine, struct jf_diagnosis *diagnosis)
{
    if (!jf_engine_is_space_short(engine)) {
        return JF_OK;
    }
    return jf_diagnose(diagnosis, JF_ERROR_NO_SPACE,
                       "%s: the disk is full: at least %llu MiB must be free to start. Nothing is "
                       "lost; free space and start again",
                       engine->config.data_directory, (unsigned long long)(FLUSH_BYTES_MIN >> 20));
}

static enum jf_error memory_create(struct jf_engine *engine, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = jf_control_create(&engine->effects.control);
    if (error == JF_OK) {
        error = jf_reference_create(engine->config.zone_directory, &engine->effects.reference);
    }
    if (error == JF_OK) {
        error = jf_prefetch_create(&engine->prefetch);
    }
    engine->tasks = calloc(JF_TASKS_PER_BATCH, sizeof *engine->tasks);
    if (error == JF_OK && engine->tasks == NULL) {
        error = JF_ERROR_NO_MEMORY;
    }
    if (error != JF_OK) {
        jf_diagnose(diagnosis, error, "no memory for the ledger's tables");
    }
    return error;
}

enum jf_error jf_engine_halves_open(struct jf_engine *engine, struct jf_diagnosis *diagnosis)
{
    uint64_t started_us = jf_engine_steady_us(engine);
    enum jf_error error = directory_make(engine->config.data_directory, diagnosis);
    if (error == JF_OK) {
        error = layout_check(engine, diagnosis);
    }
    if (error == JF_OK) {
        error = space_check(engine, diagnosis);
    }
    if (error == JF_OK) {
        error = directory_make(engine->journal_directory, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_ring_init(&engine->ring, JF_ENGINE_RING_ENTRIES, diagnosis);
    }
    if (error == JF_OK) {
        error = memory_create(engine, diagnosis);
    }
    if (error == JF_OK) {
        error = halves_open(engine, diagnosis);
    }
    engine->opening.recovery_us = jf_engine_steady_us(engine) - started_us;
    return error;
}

enum jf_error jf_engine_halves_close(struct jf_engine *engine, struct jf_diagnosis *diagnosis)
{
    bool is_clean = !atomic_load(&engine->has_failed) && !engine->is_space_short;
    enum jf_error error = JF_OK;
    if (engine->effects.state != NULL) {
        error = jf_state_close(engine->effects.state, is_clean, diagnosis);
    }
    if (engine->journal != NULL) {
        engine->journal->operations->close(engine->journal);
    }
    jf_control_destroy(engine->effects.control);
    jf_reference_destroy(engine->effects.reference);
    jf_prefetch_destroy(engine->prefetch);
    free(engine->tasks);
    jf_arena_deinit(&engine->arena);
    jf_arena_deinit(&engine->scratch);
    return error;
}
