// Every file that the manifest names is read and compared with its size and checksum. Fails at the
// first that is missing or differs, naming it.
#include <unistd.h>

#include "engine/backup.h"
#include "engine/backup_store.h"

struct check {
    jf_backup_report report;
    void *context;
    uint64_t done_bytes;
    uint64_t total_bytes;
};

static void on_bytes(void *context, uint64_t bytes)
{
    struct check *check = context;
    check->done_bytes += bytes;
    if (check->report != NULL) {
        check->report(check->context, "checking", check->done_bytes, check->total_bytes);
    }
}

static enum jf_error object_check(const struct jf_backup_store *store,
                                  const struct jf_backup_file *file, struct check *check,
                                  struct jf_diagnosis *diagnosis)
{
    char object[JF_BACKUP_OBJECT_MAX];
    struct jf_copy_watch watch = {.on_bytes = on_bytes, .context = check};
    struct jf_copy copy = {.from_name = object, .to = -1, .watch = &watch};
    struct jf_hash128 hash = {0, 0};
    jf_backup_object_name(file, object);
    enum jf_error error = jf_file_open(store->fd, object, &copy.from, &copy.size_bytes, diagnosis);
    if (error != JF_OK && error != JF_ERROR_NOT_FOUND) {
        return error;
    }
    bool is_same = false;
    if (error == JF_OK) {
        copy.data_bytes = copy.size_bytes;
        is_same = copy.size_bytes == file->size_bytes;
        error = is_same ? jf_copy_run(&copy, &hash, diagnosis) : JF_OK;
        is_same = is_same && jf_hash128_equal(hash, file->hash);
        close(copy.from);
    }
    if (error == JF_ERROR_IO || is_same) {
        return error;
    }
    return jf_diagnose(
        diagnosis, JF_ERROR_CORRUPT,
        "backup file %.150s/%s is %s: %stake the backup again while the ledger has that "
        "file, or a new one into another directory",
        store->directory, object, error == JF_ERROR_NOT_FOUND ? "missing" : "damaged",
        error == JF_ERROR_NOT_FOUND ? "" : "remove it and ");
}

enum jf_error jf_backup_check(const char *directory, jf_backup_report report, void *context,
                              struct jf_backup_result *out_result, struct jf_diagnosis *diagnosis)
{
    struct jf_backup_store store;
    struct jf_backup_manifest manifest = {.files = NULL};
    struct check check = {.report = report, .context = context};
    enum jf_error error = jf_backup_store_open(directory, &store, diagnosis);
    if (error == JF_OK) {
        error = jf_backup_store_read(&store, &manifest, diagnosis);
    }
    for (uint32_t i = 0; i < manifest.count; i++) {
        check.total_bytes += manifest.files[i].size_bytes;
    }
    for (uint32_t i = 0; i < manifest.count && error == JF_OK; i++) {
        error = object_check(&store, &manifest.files[i], &check, diagnosis);
    }
    if (error == JF_OK) {
        *out_result = (struct jf_backup_result){.first_position = manifest.first_position,
                                                .last_position = manifest.last_position,
                                                .state_position = manifest.state_position,
                                                .files = manifest.count,
                                                .bytes = check.total_bytes};
    }
    jf_backup_manifest_deinit(&manifest);
    jf_backup_store_close(&store);
    return error;
}
