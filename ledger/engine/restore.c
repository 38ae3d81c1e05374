// The happy path, below DATA.restoring: in `parts` the journal's files are copied, each against its
// checksum, verified block by block, and the last position is found; the state's files follow,
// unless they hold later entries; the journal is cut. Then `parts` becomes `ledger`: a ledger that
// lacks nothing, which is opened once, so that recovery replays what the state lacks, verified, and
// renamed to DATA.
//
// A restore that broke off is gone on with by the same call: files that are whole stay, `ledger` is
// opened again. One of another backup, or to another position, is begun anew. Nothing but
// `ledger`, renamed, can be started: DATA.restoring is no data directory.
#include "engine/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/assert.h"
#include "engine/backup_store.h"
#include "engine/engine.h"
#include "engine/entry_codec.h"
#include "engine/jobs.h"
#include "engine/place.h"
#include "engine/rebuild.h"
#include "journal/cut.h"

#define PATH_BYTES        4096u
#define LOCK_NAME         "LOCK"
#define TARGET_NAME       "TARGET"
#define TARGET_TEMPORARY  "TARGET.partial"
#define TARGET_BYTES      256u
#define FILE_TEMPORARY    "file.partial"
#define ENTRY_ARENA_BYTES ((size_t)1 << 20)
#define ENTRY_ARENA_MAX   ((size_t)64 << 20)
#define RESERVE_BYTES     ((uint64_t)64 << 20)
// As jifend has them by default.
#define REBUILD_CACHE_BYTES  ((uint64_t)128 << 20)
#define REBUILD_FILTER_BYTES ((uint64_t)64 << 20)

struct restore {
    const struct jf_restore_input *input;
    struct jf_restore_result result;
    struct jf_backup_store store;
    struct jf_backup_manifest manifest;
    struct jf_journal_end end; // the block that holds the last position kept
    uint64_t last_position;
    bool has_state; // the backup's state is of use
    char work[PATH_BYTES];
    char ledger[PATH_BYTES + 16];
    char journal[PATH_BYTES + 32]; // of the parts
    int work_fd;
    int parts_fd;
    int lock_fd;
    uint64_t done_bytes;
    uint64_t total_bytes;
    struct jf_copy_watch watch;
};

static void tell(const struct restore *restore, const char *stage, uint64_t done, uint64_t total)
{
    if (restore->input->report != NULL) {
        restore->input->report(restore->input->context, stage, done, total);
    }
}

static void on_bytes(void *context, uint64_t bytes)
{
    struct restore *restore = context;
    restore->done_bytes += bytes;
    tell(restore, "copying", restore->done_bytes, restore->total_bytes);
}

static bool is_cancelled(void *context)
{
    const struct restore *restore = context;
    return restore->input->is_cancelled != NULL &&
           restore->input->is_cancelled(restore->input->context);
}

static void on_checked(uint64_t done, uint64_t total, void *context)
{
    tell(context, "checking", done, total);
}

// ---- The place ------------------------------------------------------------------------

static enum jf_error paths_make(struct restore *restore, struct jf_diagnosis *diagnosis)
{
    const char *data = restore->input->data;
    int size = (int)strlen(data);
    while (size > 1 && data[size - 1] == '/') {
        size -= 1;
    }
    if (size == 0 || (size_t)size + 64 > PATH_BYTES) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID, "%.100s: no name of a directory", data);
    }
    (void)snprintf(restore->work, sizeof restore->work, "%.*s.restoring", size, data);
    (void)snprintf(restore->ledger, sizeof restore->ledger, "%s/ledger", restore->work);
    (void)snprintf(restore->journal, sizeof restore->journal, "%s/parts/journal", restore->work);
    uint32_t count = 0;
    enum jf_error error = jf_place_check(data, diagnosis);
    if (error == JF_OK) {
        error = jf_folder_count(data, &count, diagnosis);
    }
    if (error == JF_OK && count > 0) {
        return jf_diagnose(diagnosis, JF_ERROR_EXISTS,
                           "%.300s is not empty: a ledger is restored to a new directory. Nothing "
                           "was changed",
                           data);
    }
    return error;
}

// What is being restored to where, as a line.
static void target_format(const struct restore *restore, char out_text[TARGET_BYTES])
{
    char block[JF_BACKUP_HASH_TEXT_MAX];
    jf_backup_hash_format(restore->manifest.last_block, block);
    int size = snprintf(out_text, TARGET_BYTES, "backup %llu %llu %s to %llu %llu\n",
                        (unsigned long long)restore->manifest.taken_us,
                        (unsigned long long)restore->manifest.last_position, block,
                        (unsigned long long)restore->input->to_position,
                        (unsigned long long)restore->input->to_time_us);
    JF_ASSERT(size > 0 && (uint32_t)size < TARGET_BYTES);
}

static bool target_is_same(const struct restore *restore, const char *text)
{
    char found[TARGET_BYTES] = "";
    int fd = -1;
    uint64_t size = 0;
    if (jf_file_open(restore->work_fd, TARGET_NAME, &fd, &size, NULL) != JF_OK) {
        return false;
    }
    ssize_t got = pread(fd, found, sizeof found - 1, 0);
    close(fd);
    return got > 0 && strcmp(found, text) == 0;
}

static enum jf_error target_write(const struct restore *restore, const char *text,
                                  struct jf_diagnosis *diagnosis)
{
    int fd = -1;
    enum jf_error error = jf_file_make(restore->work_fd, TARGET_TEMPORARY, &fd, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    if (pwrite(fd, text, strlen(text), 0) != (ssize_t)strlen(text)) {
        close(fd);
        return jf_diagnose(diagnosis, JF_ERROR_NO_SPACE, "%.300s cannot be written to",
                           restore->work);
    }
    error = jf_file_settle(restore->work_fd, fd, TARGET_TEMPORARY, TARGET_NAME, diagnosis);
    return error == JF_OK ? jf_folder_sync(restore->work_fd, restore->work, diagnosis) : error;
}

// What is removed half must not be gone on with: the target goes first.
static enum jf_error target_remove(const struct restore *restore, struct jf_diagnosis *diagnosis)
{
    if (unlinkat(restore->work_fd, TARGET_NAME, 0) != 0) {
        return errno == ENOENT ? JF_OK
                               : jf_diagnose(diagnosis, JF_ERROR_IO,
                                             "%.300s/" TARGET_NAME " cannot be removed: %s",
                                             restore->work, strerror(errno));
    }
    return jf_folder_sync(restore->work_fd, restore->work, diagnosis);
}

// What broke off is gone on with only if it is the same; otherwise it is removed.
static enum jf_error work_open(struct restore *restore, struct jf_diagnosis *diagnosis)
{
    char text[TARGET_BYTES];
    char parts[PATH_BYTES + 16];
    enum jf_error error = jf_folder_make(AT_FDCWD, restore->work, &restore->work_fd, diagnosis);
    if (error == JF_OK) {
        error = jf_folder_lock(restore->work_fd, LOCK_NAME, restore->work, &restore->lock_fd,
                               diagnosis);
    }
    if (error != JF_OK) {
        return error;
    }
    target_format(restore, text);
    if (target_is_same(restore, text)) {
        restore->result.is_resumed = true;
        return JF_OK;
    }
    (void)snprintf(parts, sizeof parts, "%s/parts", restore->work);
    error = target_remove(restore, diagnosis);
    if (error == JF_OK) {
        error = jf_folder_remove(parts, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_folder_remove(restore->ledger, diagnosis);
    }
    return error == JF_OK ? target_write(restore, text, diagnosis) : error;
}

static enum jf_error parts_make(struct restore *restore, struct jf_diagnosis *diagnosis)
{
    static const char *const folders[] = {"journal", "journal/archive", "state"};
    enum jf_error error = jf_folder_make(restore->work_fd, "parts", &restore->parts_fd, diagnosis);
    for (uint32_t i = 0; i < sizeof folders / sizeof folders[0] && error == JF_OK; i++) {
        int fd = -1;
        error = jf_folder_make(restore->parts_fd, folders[i], &fd, diagnosis);
        if (fd >= 0) {
            close(fd);
        }
    }
    return error;
}

// ---- Files ----------------------------------------------------------------------------

// Whether an earlier attempt has brought the file whole.
static bool file_is_there(const struct restore *restore, const struct jf_backup_file *file)
{
    struct jf_copy copy = {.from_name = file->path, .to = -1};
    struct jf_hash128 hash = {0, 0};
    uint64_t size = 0;
    if (jf_file_open(restore->parts_fd, file->path, &copy.from, &size, NULL) != JF_OK) {
        return false;
    }
    copy.size_bytes = size;
    copy.data_bytes = size;
    bool is_same = size == file->size_bytes && jf_copy_run(&copy, &hash, NULL) == JF_OK &&
                   jf_hash128_equal(hash, file->hash);
    close(copy.from);
    return is_same;
}

static enum jf_error object_open(const struct restore *restore, const struct jf_backup_file *file,
                                 const char *object, struct jf_copy *copy,
                                 struct jf_diagnosis *diagnosis)
{
    uint64_t size = 0;
    *copy = (struct jf_copy){.from = -1, .from_name = object, .to = -1, .watch = &restore->watch};
    enum jf_error error = jf_file_open(restore->store.fd, object, &copy->from, &size, diagnosis);
    if (error == JF_ERROR_NOT_FOUND || (error == JF_OK && size != file->size_bytes)) {
        if (copy->from >= 0) {
            close(copy->from);
        }
        return jf_diagnose(
            diagnosis, JF_ERROR_CORRUPT,
            "backup file %.150s/%s %s: this backup cannot be used as it is", restore->input->backup,
            object, error == JF_OK ? "has another size than its manifest says" : "is missing");
    }
    copy->size_bytes = size;
    copy->data_bytes = size;
    return error;
}

static enum jf_error file_bring(struct restore *restore, const struct jf_backup_file *file,
                                struct jf_diagnosis *diagnosis)
{
    char object[JF_BACKUP_OBJECT_MAX];
    struct jf_copy copy;
    struct jf_hash128 hash = {0, 0};
    jf_backup_object_name(file, object);
    enum jf_error error = object_open(restore, file, object, &copy, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    copy.to_name = file->path;
    error = jf_file_make(restore->parts_fd, FILE_TEMPORARY, &copy.to, diagnosis);
    if (error == JF_OK) {
        error = jf_copy_run(&copy, &hash, diagnosis);
    }
    close(copy.from);
    if (error == JF_OK && !jf_hash128_equal(hash, file->hash)) {
        error = jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                            "backup file %.150s/%s is damaged: its checksum is not the "
                            "manifest's. Restore from another backup; nothing was changed",
                            restore->input->backup, object);
    }
    if (error == JF_OK) {
        return jf_file_settle(restore->parts_fd, copy.to, FILE_TEMPORARY, file->path, diagnosis);
    }
    if (copy.to >= 0) {
        close(copy.to);
    }
    return error;
}

static bool is_below(const struct jf_backup_file *file, const char *folder)
{
    return strncmp(file->path, folder, strlen(folder)) == 0;
}

static enum jf_error folder_bring(struct restore *restore, const char *folder,
                                  struct jf_diagnosis *diagnosis)
{
    enum jf_error error = JF_OK;
    for (uint32_t i = 0; i < restore->manifest.count && error == JF_OK; i++) {
        const struct jf_backup_file *file = &restore->manifest.files[i];
        if (!is_below(file, folder)) {
            continue;
        }
        if (restore->result.is_resumed && file_is_there(restore, file)) {
            on_bytes(restore, file->size_bytes);
        } else {
            error = file_bring(restore, file, diagnosis);
        }
    }
    return error;
}

// ---- Up to where ----------------------------------------------------------------------

#define INSTANT_BYTES 40u

static void instant_format(uint64_t at_us, char out_text[INSTANT_BYTES])
{
    char date[JF_DATE_TEXT_SIZE];
    uint32_t second = (uint32_t)(at_us / 1000000 % 86400);
    jf_date_format((jf_date)(at_us / 1000000 / 86400), date);
    (void)snprintf(out_text, INSTANT_BYTES, "%sT%02u:%02u:%02uZ", date, second / 3600,
                   second / 60 % 60, second % 60);
}

static enum jf_error too_early(const struct restore *restore, uint64_t first_us,
                               struct jf_diagnosis *diagnosis)
{
    char first[INSTANT_BYTES];
    char taken[INSTANT_BYTES];
    char asked[INSTANT_BYTES];
    instant_format(first_us, first);
    instant_format(restore->manifest.taken_us, taken);
    instant_format(restore->input->to_time_us, asked);
    return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                       "at %s nothing of this backup had been recorded: its entries (positions "
                       "%llu to %llu) are from %s on, and it was taken at %s. Give --to an instant "
                       "between the two",
                       asked, (unsigned long long)restore->manifest.first_position,
                       (unsigned long long)restore->manifest.last_position, first, taken);
}

// What was recorded after the backup was taken, it cannot know.
static enum jf_error too_late(const struct restore *restore, struct jf_diagnosis *diagnosis)
{
    char taken[INSTANT_BYTES];
    char asked[INSTANT_BYTES];
    instant_format(restore->manifest.taken_us, taken);
    instant_format(restore->input->to_time_us, asked);
    return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                       "this backup was taken at %s and does not know what was recorded from then "
                       "until %s. Give --to an instant before it was taken, leave --to out for all "
                       "that it holds, up to position %llu, or restore from a later backup",
                       taken, asked, (unsigned long long)restore->manifest.last_position);
}

// The last position that was recorded not later than the time asked for. Errors: JF_ERROR_INVALID
// where there is none.
static enum jf_error time_find(const struct restore *restore, uint64_t *out_position,
                               struct jf_diagnosis *diagnosis)
{
    struct jf_journal_reader *reader = NULL;
    struct jf_arena arena;
    uint64_t position = 0;
    uint64_t first_us = 0;
    enum jf_error error = jf_journal_reader_open(restore->journal, 0, &reader, diagnosis);
    jf_arena_init(&arena, ENTRY_ARENA_BYTES, ENTRY_ARENA_MAX);
    bool is_past = false;
    while (error == JF_OK && !is_past) {
        struct jf_journal_entry raw;
        struct jf_entry entry;
        error = jf_journal_reader_next(reader, &raw, diagnosis);
        if (error == JF_OK) {
            struct jf_text bytes = {(const char *)raw.bytes, raw.size};
            jf_arena_reset(&arena);
            error = jf_entry_decode(bytes, &arena, &entry, diagnosis);
        }
        if (error == JF_OK) {
            is_past = entry.recorded_at_us > restore->input->to_time_us;
            first_us = first_us == 0 ? entry.recorded_at_us : first_us;
            position = is_past ? position : raw.position;
            tell(restore, "searching", raw.position, restore->manifest.last_position);
        }
    }
    jf_arena_deinit(&arena);
    jf_journal_reader_close(reader);
    *out_position = position;
    error = error == JF_ERROR_NOT_FOUND ? JF_OK : error;
    return error == JF_OK && position == 0 && first_us != 0
               ? too_early(restore, first_us, diagnosis)
               : error;
}

static enum jf_error position_check(const struct restore *restore, uint64_t position,
                                    struct jf_diagnosis *diagnosis)
{
    const struct jf_backup_manifest *manifest = &restore->manifest;
    if (position == 0 || position < manifest->first_position ||
        position > manifest->last_position) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                           "the backup reaches from position %llu to %llu: it cannot be "
                           "restored to what --to asks for. Give --to a position between the two",
                           (unsigned long long)manifest->first_position,
                           (unsigned long long)manifest->last_position);
    }
    return JF_OK;
}

static enum jf_error target_find(struct restore *restore, struct jf_diagnosis *diagnosis)
{
    const struct jf_restore_input *input = restore->input;
    uint64_t position = restore->manifest.last_position;
    enum jf_error error = JF_OK;
    if (input->to_time_us != UINT64_MAX) {
        error = time_find(restore, &position, diagnosis);
    } else if (input->to_position != UINT64_MAX) {
        position = input->to_position;
    }
    if (error != JF_OK) {
        return error;
    }
    bool is_all = input->to_time_us == UINT64_MAX && input->to_position == UINT64_MAX;
    error = is_all ? JF_OK : position_check(restore, position, diagnosis);
    if (error == JF_OK) {
        restore->last_position = position;
    }
    return error;
}

// Every block up to the backup's end, and then the one that the ledger will end with.
static enum jf_error journal_check(struct restore *restore, struct jf_diagnosis *diagnosis)
{
    const struct jf_backup_manifest *manifest = &restore->manifest;
    struct jf_journal_end_search search = {
        .until_position = UINT64_MAX, .callback = on_checked, .context = restore};
    enum jf_error error = jf_journal_find_end(restore->journal, &search, &restore->end, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    if (restore->end.last_position != manifest->last_position ||
        !jf_hash128_equal(restore->end.block.body_checksum, manifest->last_block)) {
        return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                           "the backup's journal ends at position %llu with another block than "
                           "its manifest says (position %llu): this backup cannot be used",
                           (unsigned long long)restore->end.last_position,
                           (unsigned long long)manifest->last_position);
    }
    error = target_find(restore, diagnosis);
    if (error == JF_OK && restore->last_position < manifest->last_position) {
        search.until_position = restore->last_position;
        error = jf_journal_find_end(restore->journal, &search, &restore->end, diagnosis);
    }
    return error;
}

static enum jf_error state_judge(struct restore *restore, struct jf_diagnosis *diagnosis)
{
    const struct jf_backup_manifest *manifest = &restore->manifest;
    restore->has_state =
        manifest->state_position > 0 && manifest->state_position <= restore->last_position;
    restore->result.state_position = restore->has_state ? manifest->state_position : 0;
    if (!restore->has_state && manifest->first_position > 1) {
        return jf_diagnose(diagnosis, JF_ERROR_GAP,
                           "position %llu lies before the backup's state (position %llu), and its "
                           "journal begins only at position %llu: take an older backup",
                           (unsigned long long)restore->last_position,
                           (unsigned long long)manifest->state_position,
                           (unsigned long long)manifest->first_position);
    }
    return JF_OK;
}

static enum jf_error journal_cut(struct restore *restore, struct jf_diagnosis *diagnosis)
{
    struct jf_journal_cut cut = {.end = restore->end,
                                 .last_position = restore->last_position,
                                 .generation = restore->manifest.generation + 1,
                                 .flushed_position =
                                     restore->has_state ? restore->manifest.state_position + 1 : 0};
    return jf_journal_cut_run(restore->journal, &cut, diagnosis);
}

static enum jf_error folders_sync(const struct restore *restore, struct jf_diagnosis *diagnosis)
{
    static const char *const folders[] = {"journal/archive", "journal", "state", "."};
    enum jf_error error = JF_OK;
    for (uint32_t i = 0; i < sizeof folders / sizeof folders[0] && error == JF_OK; i++) {
        int fd = -1;
        error = jf_folder_open(restore->parts_fd, folders[i], &fd, diagnosis);
        if (error == JF_OK) {
            error = jf_folder_sync(fd, folders[i], diagnosis);
            close(fd);
        }
    }
    return error;
}

static enum jf_error parts_finish(struct restore *restore, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = journal_cut(restore, diagnosis);
    if (error == JF_OK) {
        error = folders_sync(restore, diagnosis);
    }
    if (error == JF_OK && renameat(restore->work_fd, "parts", restore->work_fd, "ledger") != 0) {
        error = jf_diagnose(diagnosis, JF_ERROR_IO, "%.300s/parts cannot be renamed: %s",
                            restore->work, strerror(errno));
    }
    return error == JF_OK ? jf_folder_sync(restore->work_fd, restore->work, diagnosis) : error;
}

static enum jf_error parts_bring(struct restore *restore, struct jf_diagnosis *diagnosis)
{
    for (uint32_t i = 0; i < restore->manifest.count; i++) {
        restore->total_bytes += restore->manifest.files[i].size_bytes;
    }
    enum jf_error error = parts_make(restore, diagnosis);
    if (error == JF_OK) {
        error = folder_bring(restore, "journal/", diagnosis);
    }
    if (error == JF_OK) {
        error = journal_check(restore, diagnosis);
    }
    if (error == JF_OK) {
        error = state_judge(restore, diagnosis);
    }
    if (error == JF_OK && restore->has_state) {
        error = folder_bring(restore, "state/", diagnosis);
    }
    return error == JF_OK ? parts_finish(restore, diagnosis) : error;
}

// ---- The ledger -----------------------------------------------------------------------

static void on_recovery(void *context, uint64_t position, uint64_t last_position)
{
    tell(context, "replaying", position, last_position);
}

static void on_rebuilt(void *context, uint64_t first, uint64_t position, uint64_t last)
{
    (void)first;
    tell(context, "replaying", position, last);
}

// A ledger without a state gets one from its journal, whose beginning may lie in the archive.
static enum jf_error state_make(struct restore *restore, struct jf_diagnosis *diagnosis)
{
    char current[PATH_BYTES + 32];
    struct jf_rebuild_result result;
    struct jf_rebuild_config config = {.data_directory = restore->ledger,
                                       .cache_bytes = REBUILD_CACHE_BYTES,
                                       .filter_bytes = REBUILD_FILTER_BYTES,
                                       .report = on_rebuilt,
                                       .report_context = restore};
    (void)snprintf(current, sizeof current, "%s/state/CURRENT", restore->ledger);
    return access(current, F_OK) == 0 ? JF_OK : jf_rebuild_directory(&config, &result, diagnosis);
}

// Opens it once: recovery is the one function that makes state of journal.
static enum jf_error ledger_recover(struct restore *restore, struct jf_diagnosis *diagnosis)
{
    struct jf_engine_config config = jf_engine_config_default();
    struct jf_engine_opening opening = {.last_position = 0};
    struct jf_engine *engine = NULL;
    config.data_directory = restore->ledger;
    config.segment_bytes = JF_SEGMENT_BYTES_MIN; // none is filled: nothing is written but state
    config.reserve_bytes = RESERVE_BYTES;
    config.on_recovery = on_recovery;
    config.on_recovery_context = restore;
    enum jf_error error = jf_engine_open(&config, &engine, &opening, diagnosis);
    if (error == JF_OK) {
        restore->result.last_position = opening.last_position;
        tell(restore, "replaying", opening.last_position, opening.last_position);
        error = jf_engine_close(engine, diagnosis);
    }
    return error;
}

static void on_verified(void *context, const struct jf_job_progress *progress)
{
    if (!progress->is_done && progress->stage != NULL) {
        tell(context, progress->stage, progress->done_count, progress->total_count);
    }
}

// A state that was made by replaying is what a replay gives; one that was copied is compared.
static enum jf_error ledger_verify(struct restore *restore, struct jf_diagnosis *diagnosis)
{
    static struct jf_job_progress progress; // large
    if (restore->input->is_quick) {
        return JF_OK;
    }
    enum jf_error error =
        jf_verify_directory(restore->ledger, on_verified, restore, &progress, diagnosis);
    if (error == JF_OK && !progress.ties) {
        return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                           "what was restored does not tie: %.300s. Restore from another backup",
                           progress.difference);
    }
    if (error == JF_OK) {
        restore->result.is_compared = true;
        restore->result.members = progress.members;
        memcpy(restore->result.digest, progress.digest, sizeof restore->result.digest);
    }
    return error;
}

static enum jf_error ledger_publish(struct restore *restore, struct jf_diagnosis *diagnosis)
{
    const char *data = restore->input->data;
    if (rename(restore->ledger, data) != 0) {
        return jf_diagnose(diagnosis, errno == ENOTEMPTY ? JF_ERROR_EXISTS : JF_ERROR_IO,
                           "%.200s/ledger is restored and cannot be renamed to %.200s: %s",
                           restore->work, data, strerror(errno));
    }
    struct jf_diagnosis inner = {.text = ""};
    if (jf_folder_sync_parent(data, &inner) != JF_OK) {
        return jf_diagnose(diagnosis, JF_ERROR_IO,
                           "%.160s is restored and whole, but a power cut may take its name away "
                           "(%.160s). Mend the disk; then run sync, and look that it is there",
                           data, inner.text);
    }
    restore->result.is_work_left = jf_folder_remove(restore->work, &inner) != JF_OK;
    return JF_OK;
}

static enum jf_error restore_run(struct restore *restore, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = paths_make(restore, diagnosis);
    if (error == JF_OK) {
        error = jf_backup_store_open(restore->input->backup, &restore->store, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_backup_store_read(&restore->store, &restore->manifest, diagnosis);
    }
    // Before anything is copied; where an instant lies, the journal must tell.
    if (error == JF_OK && restore->input->to_time_us != UINT64_MAX &&
        restore->input->to_time_us > restore->manifest.taken_us) {
        error = too_late(restore, diagnosis);
    }
    if (error == JF_OK && restore->input->to_position != UINT64_MAX) {
        error = position_check(restore, restore->input->to_position, diagnosis);
    }
    if (error == JF_OK) {
        error = work_open(restore, diagnosis);
    }
    bool is_whole = error == JF_OK && faccessat(restore->work_fd, "ledger", F_OK, 0) == 0;
    if (error == JF_OK && !is_whole) {
        error = parts_bring(restore, diagnosis);
    }
    if (error == JF_OK) {
        error = state_make(restore, diagnosis);
    }
    if (error == JF_OK) {
        error = ledger_recover(restore, diagnosis);
    }
    if (error == JF_OK) {
        error = ledger_verify(restore, diagnosis);
    }
    return error == JF_OK ? ledger_publish(restore, diagnosis) : error;
}

// What was brought before the failure stands there: whoever reads the error has to know.
static void left_say(const struct restore *restore, enum jf_error error,
                     struct jf_diagnosis *diagnosis)
{
    struct jf_diagnosis inner = *diagnosis;
    bool is_left = restore->work_fd >= 0 && access(restore->work, F_OK) == 0;
    if (is_left && error != JF_ERROR_LOCKED && error != JF_ERROR_NO_SPACE) {
        (void)jf_diagnose(diagnosis, error,
                          "%.300s. What was brought so far is in %.140s: the same command goes on "
                          "with it; remove it otherwise",
                          inner.text, restore->work);
    }
}

static enum jf_error no_space_say(const struct restore *restore, struct jf_diagnosis *diagnosis)
{
    struct jf_diagnosis inner = *diagnosis;
    return jf_diagnose(diagnosis, JF_ERROR_NO_SPACE,
                       "%.250s. Free space in %.200s and run it again: it goes on where it stopped",
                       inner.text, restore->work);
}

enum jf_error jf_restore_run(const struct jf_restore_input *input,
                             struct jf_restore_result *out_result, struct jf_diagnosis *diagnosis)
{
    struct restore restore = {.input = input,
                              .store = {.fd = -1, .lock_fd = -1},
                              .work_fd = -1,
                              .parts_fd = -1,
                              .lock_fd = -1};
    restore.watch = (struct jf_copy_watch){on_bytes, is_cancelled, &restore};
    struct jf_diagnosis why = {.text = ""};
    enum jf_error error = restore_run(&restore, &why);
    if (error == JF_ERROR_NO_SPACE) {
        error = no_space_say(&restore, &why);
    }
    if (error != JF_OK && why.text[0] != '\0') {
        left_say(&restore, error, &why);
    }
    if (error == JF_OK) {
        restore.result.generation = restore.manifest.generation + 1;
        *out_result = restore.result;
    } else {
        (void)jf_diagnose(diagnosis, error, "%s%s",
                          why.text[0] == '\0' ? "the ledger cannot be restored: " : "",
                          why.text[0] == '\0' ? jf_error_text(error) : why.text);
    }
    const int fds[] = {restore.work_fd, restore.parts_fd, restore.lock_fd};
    for (uint32_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
    jf_backup_manifest_deinit(&restore.manifest);
    jf_backup_store_close(&restore.store);
    return error;
}
