// The happy path: the journal is verified up to where the backup ends; every file is hashed, and
// copied unless an object of its path and hash is there; the manifest is written; what it does not
// name is removed. Nothing that the manifest before names is touched until then.
//
// A source that is damaged must not replace a good copy: a sealed segment, or a table of the same
// database, whose bytes are not those of the backup before is corruption and ends the backup.
#include "engine/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "engine/backup_store.h"
#include "engine/place.h"
#include "journal/archive.h"
#include "journal/reader.h"
#include "state/state.h"

#define PATH_BYTES    4096u
#define IDENTITY_PATH "state/IDENTITY"

struct backup {
    const struct jf_backup_input *input;
    struct jf_backup_store store;
    struct jf_backup_manifest before; // of the backup that is there; count 0: none
    struct jf_backup_manifest manifest;
    struct jf_backup_result result;
    struct jf_journal_end end;
    struct jf_copy_watch watch;
    int source_fd;
    int lock_fd;
    bool is_same_generation; // as `before`
    bool is_same_database;
    uint64_t done_bytes;
    uint64_t total_bytes;
};

static void on_bytes(void *context, uint64_t bytes)
{
    struct backup *backup = context;
    backup->done_bytes += bytes;
    if (backup->input->report != NULL) {
        backup->input->report(backup->input->context, "copying", backup->done_bytes,
                              backup->total_bytes);
    }
}

static bool is_cancelled(void *context)
{
    const struct backup *backup = context;
    return backup->input->is_cancelled != NULL &&
           backup->input->is_cancelled(backup->input->context);
}

static void on_checked(uint64_t done, uint64_t total, void *context)
{
    const struct backup *backup = context;
    if (backup->input->report != NULL) {
        backup->input->report(backup->input->context, "checking", done, total);
    }
}

// ---- Before anything is copied --------------------------------------------------------

static enum jf_error path_join(const char *directory, const char *name, char out_path[PATH_BYTES],
                               struct jf_diagnosis *diagnosis)
{
    int size = snprintf(out_path, PATH_BYTES, "%s/%s", directory, name);
    return size > 0 && (size_t)size < PATH_BYTES
               ? JF_OK
               : jf_diagnose(diagnosis, JF_ERROR_INVALID, "%.100s...: name too long", directory);
}

static enum jf_error source_open(struct backup *backup, struct jf_diagnosis *diagnosis)
{
    const struct jf_backup_input *input = backup->input;
    int journal_fd = -1;
    enum jf_error error = jf_folder_open(AT_FDCWD, input->source, &backup->source_fd, diagnosis);
    if (error == JF_OK) {
        error = jf_folder_open(backup->source_fd, "journal", &journal_fd, diagnosis);
    }
    if (error == JF_ERROR_NOT_FOUND) {
        return jf_diagnose(diagnosis, error, "directory %.300s holds no ledger", input->source);
    }
    if (error == JF_OK && !input->is_live) {
        error =
            jf_folder_lock(journal_fd, JF_LOCK_NAME, input->source, &backup->lock_fd, diagnosis);
    }
    if (error == JF_ERROR_LOCKED) {
        (void)jf_diagnose(diagnosis, error,
                          "the ledger in %.300s is running: leave --data out, and it is asked for "
                          "a snapshot",
                          input->source);
    }
    if (journal_fd >= 0) {
        close(journal_fd);
    }
    return error;
}

static enum jf_error before_read(struct backup *backup, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = jf_backup_store_read(&backup->store, &backup->before, diagnosis);
    return error == JF_ERROR_NOT_FOUND ? JF_OK : error;
}

// A ledger that was restored is of a later generation: its backup takes the place of the one that
// is there only if it holds all that is in it, so that restoring to an earlier position and backing
// up does not remove the only copy of what was cut off.
static enum jf_error history_check(struct backup *backup, struct jf_diagnosis *diagnosis)
{
    const struct jf_backup_manifest *before = &backup->before;
    char journal[PATH_BYTES];
    struct jf_journal_end end = {0};
    struct jf_journal_end_search search = {.until_position = UINT64_MAX,
                                           .until_sequence = before->last_sequence,
                                           .callback = on_checked,
                                           .context = backup};
    enum jf_error error = path_join(backup->input->source, "journal", journal, diagnosis);
    if (error == JF_OK) {
        error = jf_journal_find_end(journal, &search, &end, diagnosis);
    }
    bool is_contained = end.block.sequence == before->last_sequence &&
                        jf_hash128_equal(end.block.body_checksum, before->last_block);
    if (error != JF_OK || is_contained) {
        return error;
    }
    return jf_diagnose(diagnosis, JF_ERROR_EXISTS,
                       "%.200s holds a backup of generation %llu up to position %llu. This ledger "
                       "(generation %llu, position %llu) was restored to a position before that: "
                       "what it cut off is only there. Nothing was changed; give another directory",
                       backup->input->directory, (unsigned long long)before->generation,
                       (unsigned long long)before->last_position,
                       (unsigned long long)backup->end.superblock.generation,
                       (unsigned long long)backup->end.last_position);
}

// May the source's backup take the place of the one that is there?
static enum jf_error succession_check(struct backup *backup, struct jf_diagnosis *diagnosis)
{
    const struct jf_backup_manifest *before = &backup->before;
    const struct jf_superblock *superblock = &backup->end.superblock;
    if (before->count == 0) {
        return JF_OK;
    }
    if (memcmp(before->ledger_id.bytes, superblock->identity.ledger_id.bytes,
               sizeof before->ledger_id.bytes) != 0) {
        return jf_diagnose(diagnosis, JF_ERROR_FOREIGN,
                           "%.300s holds the backup of another ledger: give another directory. "
                           "Nothing was changed",
                           backup->input->directory);
    }
    backup->is_same_generation = before->generation == superblock->generation;
    bool is_later = backup->is_same_generation && before->last_position > backup->end.last_position;
    if (before->generation > superblock->generation || is_later) {
        return jf_diagnose(diagnosis, JF_ERROR_EXISTS,
                           "%.200s holds a backup of generation %llu up to position %llu, which is "
                           "newer than this ledger (generation %llu, position %llu): it has lost "
                           "entries, or is an older copy. Nothing was changed; to keep both, give "
                           "another directory",
                           backup->input->directory, (unsigned long long)before->generation,
                           (unsigned long long)before->last_position,
                           (unsigned long long)superblock->generation,
                           (unsigned long long)backup->end.last_position);
    }
    bool has_entries = before->last_position > 0;
    return backup->is_same_generation || !has_entries ? JF_OK : history_check(backup, diagnosis);
}

// Segments that the backup before holds whole are compared by checksum, newer ones are verified
// block by block. Out: the first of those; 0: the oldest.
static enum jf_error first_unverified(const struct backup *backup, uint64_t *out_segment,
                                      struct jf_diagnosis *diagnosis)
{
    const struct jf_backup_manifest *before = &backup->before;
    struct jf_superblock superblock;
    int journal_fd = -1;
    enum jf_error error = jf_folder_open(backup->source_fd, "journal", &journal_fd, diagnosis);
    if (error == JF_OK) {
        error = jf_superblock_read(journal_fd, &superblock, diagnosis);
    }
    bool is_same = error == JF_OK && before->count > 0 &&
                   before->generation == superblock.generation &&
                   memcmp(before->ledger_id.bytes, superblock.identity.ledger_id.bytes,
                          sizeof before->ledger_id.bytes) == 0;
    struct jf_directory_listing listing = {.oldest = is_same ? before->newest_segment + 1 : 0};
    char name[JF_SEGMENT_NAME_BYTES];
    jf_segment_name(is_same ? before->newest_segment : 1, name);
    // A copy of the ledger of before that backup need not have it.
    bool is_there = is_same && (faccessat(journal_fd, name, F_OK, 0) == 0 ||
                                jf_archive_has(journal_fd, listing.oldest - 1));
    *out_segment = is_there ? before->newest_segment : 0;
    if (journal_fd >= 0) {
        close(journal_fd);
    }
    return error;
}

static enum jf_error end_find(struct backup *backup, struct jf_diagnosis *diagnosis)
{
    char journal[PATH_BYTES];
    struct jf_journal_end_search search = {
        .until_position = backup->input->until_position, .callback = on_checked, .context = backup};
    enum jf_error error = path_join(backup->input->source, "journal", journal, diagnosis);
    if (error == JF_OK) {
        error = first_unverified(backup, &search.from_segment, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_journal_find_end(journal, &search, &backup->end, diagnosis);
    }
    if (error == JF_OK && search.until_position != UINT64_MAX &&
        backup->end.last_position < search.until_position) {
        return jf_diagnose(diagnosis, JF_ERROR_GAP,
                           "the journal in %.200s ends at position %llu, but %llu was durable",
                           journal, (unsigned long long)backup->end.last_position,
                           (unsigned long long)search.until_position);
    }
    return error;
}

static enum jf_error state_position_read(struct backup *backup, struct jf_diagnosis *diagnosis)
{
    char directory[PATH_BYTES];
    enum jf_error error = path_join(backup->input->source, "state", directory, diagnosis);
    if (error != JF_OK || faccessat(backup->source_fd, "state/CURRENT", F_OK, 0) != 0) {
        return error;
    }
    struct jf_state_config config = {.directory = directory,
                                     .cache_bytes = (uint64_t)1 << 20,
                                     .filter_bytes = (uint64_t)1 << 20,
                                     .write_buffer_bytes = (uint64_t)1 << 20,
                                     .block_cache_bytes = (uint64_t)1 << 20,
                                     .generation_entries = 1,
                                     .generations_max = 1,
                                     .is_inline = true,
                                     .is_read_only = true,
                                     .must_exist = true};
    memcpy(config.ledger_id, backup->end.superblock.identity.ledger_id.bytes,
           sizeof config.ledger_id);
    struct jf_state *state = NULL;
    error = jf_state_open(&config, &state, diagnosis);
    if (error == JF_OK) {
        backup->manifest.state_position = jf_state_applied(state);
        error = jf_state_close(state, false, diagnosis);
    }
    return error;
}

// ---- Which files ----------------------------------------------------------------------

static enum jf_error file_add(struct backup *backup, const char *path,
                              struct jf_diagnosis *diagnosis)
{
    struct jf_backup_file file = {.path = ""};
    int fd = -1;
    enum jf_error error = jf_file_open(backup->source_fd, path, &fd, &file.size_bytes, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    close(fd);
    (void)snprintf(file.path, sizeof file.path, "%s", path);
    backup->total_bytes += file.size_bytes;
    if (jf_backup_manifest_add(&backup->manifest, &file) != JF_OK) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory for the list of files");
    }
    return JF_OK;
}

static enum jf_error segments_add(struct backup *backup, struct jf_diagnosis *diagnosis)
{
    struct jf_backup_manifest *manifest = &backup->manifest;
    const struct jf_journal_end *end = &backup->end;
    char name[JF_SEGMENT_NAME_BYTES];
    char path[JF_BACKUP_PATH_MAX];
    manifest->oldest_segment = end->superblock.oldest_segment;
    manifest->newest_segment =
        end->block.sequence == 0 ? manifest->oldest_segment : end->block.segment;
    enum jf_error error = file_add(backup, "journal/" JF_SUPERBLOCK_NAME, diagnosis);
    for (uint64_t number = manifest->oldest_segment;
         number <= manifest->newest_segment && error == JF_OK; number++) {
        jf_segment_name(number, name);
        (void)snprintf(path, sizeof path, "journal/%s", name);
        error = file_add(backup, path, diagnosis);
    }
    return error;
}

// What RocksDB writes for itself, and for people, is left out.
static bool is_of_the_state(const char *name)
{
    size_t size = strlen(name);
    bool is_temporary = size > 6 && strcmp(name + size - 6, ".dbtmp") == 0;
    return strcmp(name, "LOCK") != 0 && strncmp(name, "LOG", 3) != 0 && !is_temporary;
}

struct folder_add {
    struct backup *backup;
    const char *folder;
};

static enum jf_error folder_name_add(void *context, const char *name,
                                     struct jf_diagnosis *diagnosis)
{
    struct folder_add *add = context;
    char path[PATH_BYTES];
    int size = snprintf(path, sizeof path, "%s/%s", add->folder, name);
    if (size <= 0 || (size_t)size >= sizeof path || !jf_backup_path_is_valid(path) ||
        !is_of_the_state(name)) {
        return JF_OK;
    }
    return file_add(add->backup, path, diagnosis);
}

// The archive may hold later segments of another generation, too: only what lies before the
// journal's own is this ledger's.
static enum jf_error archive_add(struct backup *backup, struct jf_diagnosis *diagnosis)
{
    struct jf_directory_listing listing = {.oldest = backup->end.superblock.oldest_segment};
    uint64_t oldest = listing.oldest;
    int journal_fd = -1;
    enum jf_error error = jf_folder_open(backup->source_fd, "journal", &journal_fd, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    jf_archive_extend(journal_fd, &listing);
    close(journal_fd);
    for (uint64_t number = listing.oldest; number < oldest && error == JF_OK; number++) {
        char name[JF_ARCHIVE_NAME_BYTES];
        char path[JF_BACKUP_PATH_MAX];
        jf_archive_name(number, name);
        (void)snprintf(path, sizeof path, "journal/%s", name);
        error = file_add(backup, path, diagnosis);
    }
    return error;
}

static enum jf_error folder_files_add(struct backup *backup, const char *folder,
                                      struct jf_diagnosis *diagnosis)
{
    struct folder_add add = {backup, folder};
    int fd = -1;
    enum jf_error error = jf_folder_open(backup->source_fd, folder, &fd, diagnosis);
    if (error == JF_ERROR_NOT_FOUND) {
        return JF_OK;
    }
    if (error == JF_OK) {
        error = jf_folder_list(fd, folder_name_add, &add, diagnosis);
        close(fd);
    }
    return error;
}

static void manifest_fill(struct backup *backup)
{
    struct jf_backup_manifest *manifest = &backup->manifest;
    const struct jf_journal_end *end = &backup->end;
    manifest->ledger_id = end->superblock.identity.ledger_id;
    manifest->generation = end->superblock.generation;
    manifest->incarnation = end->superblock.incarnation;
    manifest->taken_us = backup->input->taken_us;
    manifest->first_position = end->first_position;
    manifest->last_position = end->last_position;
    manifest->last_sequence = end->block.sequence;
    manifest->last_block = end->block.body_checksum;
}

static enum jf_error files_gather(struct backup *backup, struct jf_diagnosis *diagnosis)
{
    manifest_fill(backup);
    enum jf_error error = state_position_read(backup, diagnosis);
    if (error == JF_OK) {
        error = segments_add(backup, diagnosis);
    }
    if (error == JF_OK) {
        error = archive_add(backup, diagnosis);
    }
    if (error == JF_OK && backup->manifest.state_position > 0) {
        error = folder_files_add(backup, "state", diagnosis);
    }
    jf_backup_manifest_sort(&backup->manifest);
    return error;
}

// The number of the oldest segment among a manifest's files, in the journal or its archive; 0:
// none.
static uint64_t segment_first(const struct jf_backup_manifest *manifest)
{
    uint64_t first = 0;
    for (uint32_t i = 0; i < manifest->count; i++) {
        unsigned long long number = 0;
        const char *name = strrchr(manifest->files[i].path, '/');
        if (name != NULL && sscanf(name, "/segment-%16llx.jfl", &number) == 1 &&
            (first == 0 || number < first)) {
            first = number;
        }
    }
    return first;
}

// A ledger whose archive is elsewhere for now has a shorter journal: its backup would be the poorer
// one, and take the place of the only copy of what it lacks.
static enum jf_error reach_check(const struct backup *backup, struct jf_diagnosis *diagnosis)
{
    uint64_t before = segment_first(&backup->before);
    uint64_t now = segment_first(&backup->manifest);
    if (before == 0 || now <= before) {
        return JF_OK;
    }
    return jf_diagnose(diagnosis, JF_ERROR_EXISTS,
                       "%.160s holds a backup from segment %llu on; of %.160s only those from "
                       "segment %llu on can be read: is its archive (journal/" JF_ARCHIVE_FOLDER
                       ") in its place, and mounted? Nothing was changed; without it, give another "
                       "directory",
                       backup->input->directory, (unsigned long long)before, backup->input->source,
                       (unsigned long long)now);
}

// ---- Copying --------------------------------------------------------------------------

static enum jf_error copy_open(const struct backup *backup, const struct jf_backup_file *file,
                               struct jf_copy *copy, struct jf_diagnosis *diagnosis)
{
    const struct jf_block_header *last = &backup->end.block;
    char name[JF_SEGMENT_NAME_BYTES];
    uint64_t size = 0;
    *copy = (struct jf_copy){.from_name = file->path,
                             .size_bytes = file->size_bytes,
                             .data_bytes = file->size_bytes,
                             .to = -1,
                             .watch = &backup->watch};
    // What lies behind the last block of the backup is being written, or belongs to nobody.
    jf_segment_name(backup->manifest.newest_segment, name);
    if (strcmp(file->path + strlen("journal/"), name) == 0) {
        copy->data_bytes = last->sequence == 0 ? 0 : last->offset + last->length;
    }
    enum jf_error error =
        jf_file_open(backup->source_fd, file->path, &copy->from, &size, diagnosis);
    if (error == JF_OK && size < copy->data_bytes) {
        close(copy->from);
        return jf_diagnose(diagnosis, JF_ERROR_CORRUPT, "%s has become shorter", file->path);
    }
    return error;
}

// A file that never changes must still be what the backup before holds.
static enum jf_error constancy_check(const struct backup *backup, const struct jf_backup_file *file,
                                     struct jf_diagnosis *diagnosis)
{
    const struct jf_backup_file *before = jf_backup_manifest_find(&backup->before, file->path);
    if (before == NULL ||
        (before->size_bytes == file->size_bytes && jf_hash128_equal(before->hash, file->hash))) {
        return JF_OK;
    }
    char newest[JF_SEGMENT_NAME_BYTES];
    jf_segment_name(backup->before.newest_segment, newest);
    bool is_segment = (strncmp(file->path, "journal/segment-", strlen("journal/segment-")) == 0 &&
                       strcmp(file->path + strlen("journal/"), newest) != 0) ||
                      strncmp(file->path, "journal/archive/", strlen("journal/archive/")) == 0;
    size_t size = strlen(file->path);
    bool is_table = size > 4 && strcmp(file->path + size - 4, ".sst") == 0;
    bool is_constant =
        (is_segment && backup->is_same_generation) || (is_table && backup->is_same_database);
    return is_constant
               ? jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                             "%.200s/%s is not what the backup of before holds, and never "
                             "changes: it is damaged. The backup in %.150s was left as it is",
                             backup->input->source, file->path, backup->input->directory)
               : JF_OK;
}

// In: what is there already, is hashed first, so that what has not changed is not written again.
static enum jf_error file_keep_or_put(struct backup *backup, struct jf_backup_file *file,
                                      struct jf_diagnosis *diagnosis)
{
    struct jf_copy copy;
    enum jf_error error = copy_open(backup, file, &copy, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    bool is_kept = false;
    bool is_hashed = jf_backup_store_has_path(&backup->store, file->path);
    struct jf_copy_watch silent = {.is_cancelled = is_cancelled, .context = backup};
    if (is_hashed) {
        error = jf_copy_run(&copy, &file->hash, diagnosis);
        is_kept = error == JF_OK && jf_backup_store_has(&backup->store, file);
        copy.watch = &silent; // its bytes were told
    }
    if (error == JF_OK && is_hashed) {
        error = constancy_check(backup, file, diagnosis);
    }
    if (error == JF_OK && !is_kept) {
        error = jf_backup_store_put(&backup->store, &copy, file, diagnosis);
        backup->result.files_copied += 1;
        backup->result.bytes_copied += file->size_bytes;
    }
    close(copy.from);
    return error;
}

// The database's identity comes first: it tells whether tables of one name must be equal.
static enum jf_error identity_compare(struct backup *backup, struct jf_diagnosis *diagnosis)
{
    struct jf_backup_manifest *manifest = &backup->manifest;
    const struct jf_backup_file *before = jf_backup_manifest_find(&backup->before, IDENTITY_PATH);
    const struct jf_backup_file *now = jf_backup_manifest_find(manifest, IDENTITY_PATH);
    if (before == NULL || now == NULL) {
        return JF_OK;
    }
    struct jf_copy copy;
    struct jf_hash128 hash = {0, 0};
    enum jf_error error = copy_open(backup, now, &copy, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    copy.watch = NULL;
    error = jf_copy_run(&copy, &hash, diagnosis);
    close(copy.from);
    backup->is_same_database = error == JF_OK && jf_hash128_equal(hash, before->hash);
    return error;
}

static enum jf_error files_copy(struct backup *backup, struct jf_diagnosis *diagnosis)
{
    struct jf_backup_manifest *manifest = &backup->manifest;
    enum jf_error error = identity_compare(backup, diagnosis);
    for (uint32_t i = 0; i < manifest->count && error == JF_OK; i++) {
        error = file_keep_or_put(backup, &manifest->files[i], diagnosis);
    }
    if (error == JF_ERROR_NO_SPACE) {
        struct jf_diagnosis inner = *diagnosis;
        (void)jf_diagnose(diagnosis, error,
                          "%.250s. Free space in %.200s and run it again: it goes on where it "
                          "stopped",
                          inner.text, backup->input->directory);
    }
    return error;
}

static void result_fill(struct jf_backup_result *result, const struct jf_backup_manifest *manifest)
{
    result->first_position = manifest->first_position;
    result->last_position = manifest->last_position;
    result->state_position = manifest->state_position;
    result->files = manifest->count;
    for (uint32_t i = 0; i < manifest->count; i++) {
        result->bytes += manifest->files[i].size_bytes;
    }
}

static enum jf_error backup_run(struct backup *backup, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = source_open(backup, diagnosis);
    if (error == JF_OK) {
        error = jf_place_check(backup->input->directory, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_backup_store_make(backup->input->directory, &backup->store, diagnosis);
    }
    if (error == JF_OK) {
        error = before_read(backup, diagnosis);
    }
    if (error == JF_OK) {
        error = end_find(backup, diagnosis);
    }
    if (error == JF_OK) {
        error = succession_check(backup, diagnosis);
    }
    if (error == JF_OK) {
        error = files_gather(backup, diagnosis);
    }
    if (error == JF_OK) {
        error = reach_check(backup, diagnosis);
    }
    if (error == JF_OK) {
        error = files_copy(backup, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_backup_store_write(&backup->store, &backup->manifest, diagnosis);
    }
    return error == JF_OK ? jf_backup_store_sweep(&backup->store, &backup->manifest, diagnosis)
                          : error;
}

enum jf_error jf_backup_take(const struct jf_backup_input *input,
                             struct jf_backup_result *out_result, struct jf_diagnosis *diagnosis)
{
    struct backup backup = {
        .input = input, .store = {.fd = -1, .lock_fd = -1}, .source_fd = -1, .lock_fd = -1};
    backup.watch = (struct jf_copy_watch){on_bytes, is_cancelled, &backup};
    enum jf_error error = backup_run(&backup, diagnosis);
    if (error == JF_OK) {
        result_fill(&backup.result, &backup.manifest);
        *out_result = backup.result;
    }
    jf_backup_manifest_deinit(&backup.before);
    jf_backup_manifest_deinit(&backup.manifest);
    jf_backup_store_close(&backup.store);
    if (backup.source_fd >= 0) {
        close(backup.source_fd);
    }
    if (backup.lock_fd >= 0) {
        close(backup.lock_fd);
    }
    return error;
}
