// Damage in any table of the state is found where it lies and named; what is whole is passed over
// in slices, also while the state is open.
#include <criterion/criterion.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "state/scrub.h"
#include "support.h"

static struct support_directory directory;
static struct support_ledger ledger;

static void begin(void)
{
    directory = support_directory_make();
    struct jf_state_config config = support_config(&directory);
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    // One flush at the end, so that no table is left over from a compaction.
    config.write_buffer_bytes = 64u << 20;
    config.flush_entries = UINT64_MAX;
    config.flush_us = UINT64_MAX;
    cr_assert_eq(support_open(&ledger, &config, NULL, &diagnosis), JF_OK, "%s", diagnosis.text);
    support_steps(&ledger, 300);
    support_settle(&ledger, true);
}

static void end(void)
{
    support_close(&ledger, true);
    support_directory_remove(&directory);
}

TestSuite(scrub, .init = begin, .fini = end);

// Reads all in slices. Returns: how many failed; the last failure in `diagnosis`.
static uint32_t pass(uint64_t slice_bytes, uint64_t *out_bytes, uint32_t *out_slices,
                     struct jf_diagnosis *diagnosis)
{
    struct jf_state_scrub_place place = {.family = 0};
    uint32_t failures = 0;
    *out_bytes = 0;
    for (*out_slices = 0; !jf_state_scrub_is_done(&place); *out_slices += 1) {
        uint64_t bytes = 0;
        enum jf_error error =
            jf_state_scrub(directory.path, slice_bytes, &place, &bytes, diagnosis);
        failures += error != JF_OK ? 1 : 0;
        *out_bytes += bytes;
        cr_assert_leq(*out_slices, 100000);
    }
    return failures;
}

Test(scrub, slices_read_the_same_as_one_pass)
{
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    uint64_t whole = 0;
    uint64_t sliced = 0;
    uint32_t slices = 0;
    cr_assert_eq(pass(UINT64_MAX, &whole, &slices, &diagnosis), 0, "%s", diagnosis.text);
    cr_assert_eq(slices, 1);
    cr_assert_gt(whole, 10000);
    cr_assert_eq(pass(5000, &sliced, &slices, &diagnosis), 0, "%s", diagnosis.text);
    cr_assert_eq(sliced, whole);
    cr_assert_gt(slices, 3);
}

static void byte_flip(const char *name, off_t offset)
{
    char path[400];
    unsigned char byte = 0;
    snprintf(path, sizeof path, "%s/%s", directory.path, name);
    int fd = open(path, O_RDWR);
    cr_assert_geq(fd, 0);
    cr_assert_eq(pread(fd, &byte, 1, offset), 1);
    byte ^= 0x10;
    cr_assert_eq(pwrite(fd, &byte, 1, offset), 1);
    cr_assert_eq(fsync(fd), 0);
    close(fd);
}

Test(scrub, flipped_byte_in_any_table_is_found_and_named)
{
    support_close(&ledger, true); // so that no table is replaced meanwhile
    DIR *listing = opendir(directory.path);
    cr_assert_not_null(listing);
    uint32_t tables = 0;
    uint32_t found = 0;
    for (struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        if (strstr(entry->d_name, ".sst") == NULL) {
            continue;
        }
        struct jf_diagnosis diagnosis = {.error = JF_OK};
        uint64_t bytes = 0;
        uint32_t slices = 0;
        byte_flip(entry->d_name, 10);
        uint32_t failures = pass(UINT64_MAX, &bytes, &slices, &diagnosis);
        byte_flip(entry->d_name, 10);
        tables += 1;
        found += failures;
        cr_assert(failures == 0 || strstr(diagnosis.text, entry->d_name) != NULL, "%s",
                  diagnosis.text);
    }
    closedir(listing);
    cr_assert_geq(found, JF_KV_FAMILY_COUNT);
    // Each flush makes a table of the family that means nothing: it is not read.
    cr_assert_leq(tables - found, 4, "%u of %u", found, tables);
    struct jf_state_config config = support_config(&directory);
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    cr_assert_eq(support_open(&ledger, &config, NULL, &diagnosis), JF_OK, "%s", diagnosis.text);
    support_verify(&ledger);
}

Test(scrub, lost_table_and_lost_list_are_found)
{
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    uint64_t bytes = 0;
    uint32_t slices = 0;
    char path[400];
    char beside[400];
    snprintf(path, sizeof path, "%s/CURRENT", directory.path);
    snprintf(beside, sizeof beside, "%s/LOG.lost", directory.path);
    cr_assert_eq(rename(path, beside), 0);
    cr_assert_eq(pass(UINT64_MAX, &bytes, &slices, &diagnosis), 1);
    cr_assert_not_null(strstr(diagnosis.text, "CURRENT"), "%s", diagnosis.text);
    cr_assert_eq(rename(beside, path), 0);
}
