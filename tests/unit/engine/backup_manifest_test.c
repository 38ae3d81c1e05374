// Claims about manifests: what is written is read back; whatever else the text holds is an error.
#include "engine/backup_manifest.h"

#include <stdlib.h>

#include <criterion/criterion.h>

static struct jf_backup_manifest sample(void)
{
    struct jf_backup_manifest manifest = {.ledger_id = {{0x0f, 1, 2, 3, 4, 5, 6, 7, 8, 9, 250}},
                                          .generation = 3,
                                          .incarnation = 7,
                                          .taken_us = 1781524800000000,
                                          .state_position = 90,
                                          .first_position = 1,
                                          .last_position = 100,
                                          .last_sequence = 12,
                                          .last_block = {.low = 5, .high = 0xabcdef},
                                          .oldest_segment = 1,
                                          .newest_segment = 2};
    static const char *const paths[] = {"state/000012.sst", "journal/SUPERBLOCK",
                                        "journal/segment-0000000000000001.jfl"};
    for (uint32_t i = 0; i < 3; i++) {
        struct jf_backup_file file = {.size_bytes = i * 1000, .hash = {.low = i, .high = ~i}};
        strcpy(file.path, paths[i]);
        cr_assert_eq(jf_backup_manifest_add(&manifest, &file), JF_OK);
    }
    jf_backup_manifest_sort(&manifest);
    return manifest;
}

static char *sample_text(uint32_t *out_size)
{
    struct jf_backup_manifest manifest = sample();
    char *text = NULL;
    cr_assert_eq(jf_backup_manifest_encode(&manifest, &text, out_size), JF_OK);
    jf_backup_manifest_deinit(&manifest);
    return text;
}

static enum jf_error decode(const char *text, uint32_t size, struct jf_diagnosis *diagnosis)
{
    struct jf_backup_manifest manifest = {.files = NULL};
    // A copy without a terminator behind it, so that reading beyond is seen.
    char *bytes = malloc(size == 0 ? 1 : size);
    memcpy(bytes, text, size);
    enum jf_error error =
        jf_backup_manifest_decode((struct jf_text){bytes, size}, &manifest, diagnosis);
    free(bytes);
    jf_backup_manifest_deinit(&manifest);
    return error;
}

Test(backup_manifest, what_is_written_is_read_back)
{
    struct jf_backup_manifest before = sample();
    struct jf_backup_manifest after = {.files = NULL};
    uint32_t size = 0;
    char *text = sample_text(&size);
    cr_assert_eq(jf_backup_manifest_decode((struct jf_text){text, size}, &after, NULL), JF_OK);
    cr_assert_arr_eq(after.ledger_id.bytes, before.ledger_id.bytes, 16);
    cr_assert_eq(after.generation, 3);
    cr_assert_eq(after.incarnation, 7);
    cr_assert_eq(after.taken_us, before.taken_us);
    cr_assert_eq(after.state_position, 90);
    cr_assert_eq(after.last_position, 100);
    cr_assert_eq(after.last_sequence, 12);
    cr_assert(jf_hash128_equal(after.last_block, before.last_block));
    cr_assert_eq(after.newest_segment, 2);
    cr_assert_eq(after.count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        const struct jf_backup_file *file = jf_backup_manifest_find(&after, before.files[i].path);
        cr_assert_eq(file, &after.files[i]);
        cr_assert_eq(file->size_bytes, before.files[i].size_bytes);
        cr_assert(jf_hash128_equal(file->hash, before.files[i].hash));
    }
    cr_assert_null(jf_backup_manifest_find(&after, "state/000013.sst"));
    free(text);
    jf_backup_manifest_deinit(&before);
    jf_backup_manifest_deinit(&after);
}

Test(backup_manifest, a_text_that_is_cut_short_or_goes_on_is_refused)
{
    uint32_t size = 0;
    char *text = sample_text(&size);
    for (uint32_t kept = 0; kept < size; kept++) {
        struct jf_diagnosis diagnosis = {0};
        cr_assert_eq(decode(text, kept, &diagnosis), JF_ERROR_CORRUPT, "%u bytes", kept);
        cr_assert_not_null(strstr(diagnosis.text, "MANIFEST"));
    }
    char *longer = malloc(size + 1);
    memcpy(longer, text, size);
    longer[size] = '\n';
    cr_assert_eq(decode(longer, size + 1, NULL), JF_ERROR_CORRUPT);
    free(longer);
    free(text);
}

Test(backup_manifest, a_bit_that_flips_anywhere_is_refused)
{
    uint32_t size = 0;
    char *text = sample_text(&size);
    for (uint32_t at = 0; at < size; at++) {
        for (uint32_t bit = 0; bit < 8; bit++) {
            text[at] = (char)(text[at] ^ (1 << bit));
            enum jf_error error = decode(text, size, NULL);
            // The version is told apart before anything else is understood.
            cr_assert(error == JF_ERROR_CORRUPT || (at == 13 && error == JF_ERROR_VERSION),
                      "byte %u bit %u: %d", at, bit, (int)error);
            text[at] = (char)(text[at] ^ (1 << bit));
        }
    }
    free(text);
}

Test(backup_manifest, a_newer_format_is_refused_as_such)
{
    struct jf_diagnosis diagnosis = {0};
    cr_assert_eq(decode("jifen-backup 2\nanything", 23, &diagnosis), JF_ERROR_VERSION);
    cr_assert_not_null(strstr(diagnosis.text, "format version 2"));
}

Test(backup_manifest, a_path_with_a_nul_byte_is_refused)
{
    uint32_t size = 0;
    char *text = sample_text(&size);
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    char *end = memmem(text, size, "end ", 4);
    cr_assert_not_null(end);
    end[-2] = '\0'; // the last letter of the last path
    char hash[JF_BACKUP_HASH_TEXT_MAX];
    jf_backup_hash_format(jf_hash128(text, (size_t)(end - text)), hash);
    memcpy(text + size - sizeof hash, hash, sizeof hash - 1);
    cr_assert_eq(decode(text, size, &diagnosis), JF_ERROR_CORRUPT);
    free(text);
}

Test(backup_manifest, only_paths_of_a_ledger_are_valid)
{
    static const char *const good[] = {"journal/SUPERBLOCK", "state/CURRENT", "state/000012.sst",
                                       "journal/archive/segment-0000000000000001.jfl.zst"};
    static const char *const bad[] = {
        "",           "journal",         "journal/",           "/etc/passwd",    "state/../passwd",
        "state/.ssh", "state/a/b",       "journal/archive/",   "other/file",     "state/a b",
        "state/a\nb", "../state/000012", "journal/archive/..", "journal/.hidden"};
    for (uint32_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        cr_assert(jf_backup_path_is_valid(good[i]), "%s", good[i]);
    }
    for (uint32_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_assert_not(jf_backup_path_is_valid(bad[i]), "%s", bad[i]);
    }
    char long_path[JF_BACKUP_PATH_MAX + 1] = "state/";
    memset(long_path + 6, 'a', sizeof long_path - 7);
    cr_assert_not(jf_backup_path_is_valid(long_path));
    long_path[JF_BACKUP_PATH_MAX - 1] = '\0';
    cr_assert(jf_backup_path_is_valid(long_path));
}
