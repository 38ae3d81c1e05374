// Claims about the database itself: families reach the disk together or not at all, what was
// flushed can be told from what was only committed, and status texts become the right codes.
#include <criterion/criterion.h>

#include <string.h>
#include <unistd.h>

#include "support.h"

static struct jf_kv *kv_open(const struct support_directory *directory)
{
    struct jf_kv_config config = {
        .directory = directory->path, .write_buffer_bytes = 4 << 20, .block_cache_bytes = 1 << 20};
    struct jf_diagnosis diagnosis = {0};
    struct jf_kv *kv = NULL;
    REQUIRE(jf_kv_rocksdb_open(&config, &kv, &diagnosis) == JF_OK);
    return kv;
}

static enum jf_error value_found(void *context, uint32_t index, struct jf_text value)
{
    (void)index;
    REQUIRE(value.size == 1);
    *(char *)context = value.data[0];
    return JF_OK;
}

static char value_get(struct jf_kv *kv, enum jf_kv_family family, bool is_flushed)
{
    char value = '-';
    struct jf_text key = JF_TEXT("key");
    struct jf_kv_query query = {
        .family = family, .keys = &key, .count = 1, .found = value_found, .context = &value};
    enum jf_error error = is_flushed ? kv->functions->flushed_get(kv, &query, NULL)
                                     : kv->functions->multi_get(kv, &query, NULL);
    REQUIRE(error == JF_OK);
    return value;
}

static void all_put(struct jf_kv *kv, const char *value)
{
    for (uint32_t family = 0; family < JF_KV_FAMILY_COUNT; family++) {
        kv->functions->put(kv, (enum jf_kv_family)family, JF_TEXT("key"), jf_text_from(value));
    }
    REQUIRE(kv->functions->commit(kv, NULL) == JF_OK);
}

static void all_require(struct jf_kv *kv, bool is_flushed, char value)
{
    for (uint32_t family = 0; family < JF_KV_FAMILY_COUNT; family++) {
        REQUIRE(value_get(kv, (enum jf_kv_family)family, is_flushed) == value);
    }
}

static void flush_then_die(void *context)
{
    struct jf_kv *kv = kv_open(context);
    all_put(kv, "1");
    all_require(kv, true, '-');
    all_require(kv, false, '1');
    REQUIRE(kv->functions->flush(kv, true, NULL) == JF_OK);
    all_require(kv, true, '1');
    all_put(kv, "2");
    all_require(kv, true, '1');
    all_require(kv, false, '2');
    _exit(0);
}

static void begin_flush_then_die(void *context)
{
    struct jf_kv *kv = kv_open(context);
    all_require(kv, false, '1');
    all_put(kv, "3");
    REQUIRE(kv->functions->flush(kv, false, NULL) == JF_OK);
    all_put(kv, "4");
    for (uint32_t i = 0; i < 10000 && value_get(kv, JF_KV_META, true) != '3'; i++) {
        usleep(1000);
    }
    all_require(kv, true, '3');
    REQUIRE(kv->functions->health(kv, NULL) == JF_OK);
    _exit(0);
}

static void require_three(void *context)
{
    struct jf_kv *kv = kv_open(context);
    all_require(kv, false, '3');
    kv->functions->close(kv);
}

Test(kv_rocksdb, flush_is_of_all_families_or_none)
{
    struct support_directory directory = support_directory_make();
    cr_assert(support_child(flush_then_die, &directory));
    cr_assert(support_child(begin_flush_then_die, &directory));
    cr_assert(support_child(require_three, &directory));
    support_directory_remove(&directory);
}

Test(kv_rocksdb, commit_without_changes_is_fine)
{
    struct support_directory directory = support_directory_make();
    struct jf_kv *kv = kv_open(&directory);
    cr_assert_eq(kv->functions->commit(kv, NULL), JF_OK);
    for (uint32_t i = 0; i < 5; i++) {
        cr_assert_eq(kv->functions->flush(kv, true, NULL), JF_OK);
    }
    kv->functions->close(kv);
    support_directory_remove(&directory);
}

Test(kv_rocksdb, snapshot_does_not_see_later_commits)
{
    struct support_directory directory = support_directory_make();
    struct jf_kv *kv = kv_open(&directory);
    all_put(kv, "1");
    struct jf_kv_snapshot *snapshot = kv->functions->snapshot_open(kv);
    all_put(kv, "2");
    char value = '-';
    struct jf_text key = JF_TEXT("key");
    struct jf_kv_query query = {.family = JF_KV_META,
                                .snapshot = snapshot,
                                .keys = &key,
                                .count = 1,
                                .found = value_found,
                                .context = &value};
    cr_assert_eq(kv->functions->multi_get(kv, &query, NULL), JF_OK);
    cr_assert_eq(value, '1');
    kv->functions->snapshot_close(kv, snapshot);
    kv->functions->close(kv);
    support_directory_remove(&directory);
}

Test(kv_rocksdb, status_texts_become_codes)
{
    cr_assert_eq(jf_kv_rocksdb_error("IO error: No space left on device: While appending"),
                 JF_ERROR_NO_SPACE);
    cr_assert_eq(jf_kv_rocksdb_error("IO error: While lock file: /x/LOCK: Resource temporarily"),
                 JF_ERROR_LOCKED);
    cr_assert_eq(jf_kv_rocksdb_error("IO error: lock hold by current process, acquire time 1"),
                 JF_ERROR_LOCKED);
    cr_assert_eq(jf_kv_rocksdb_error("Corruption: block checksum mismatch"), JF_ERROR_CORRUPT);
    cr_assert_eq(jf_kv_rocksdb_error("IO error: No such file or directory: While open a file"),
                 JF_ERROR_CORRUPT);
    cr_assert_eq(jf_kv_rocksdb_error("Invalid argument: Column families not opened: other"),
                 JF_ERROR_FOREIGN);
    cr_assert_eq(jf_kv_rocksdb_error("IO error: While pread: Input/output error"), JF_ERROR_STATE);
}
