// Rebuilding where the journal no longer begins with the first entry, and by the function itself.
// The program is tested from the outside in tests/fault/rebuild_test.py.
#include "engine/rebuild.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench_ledger.h"
#include "engine/jobs.h"
#include "journal/superblock.h"

#define LINES 400u

// Sales large enough that a second segment is begun; closed.
static void ledger_fill(struct ledger *ledger)
{
    static struct jf_line lines[LINES];
    char id[16];
    for (uint32_t i = 0; i < LINES; i++) {
        lines[i] = (struct jf_line){.sku = JF_TEXT("12345678901234567890123456789012"),
                                    .category = JF_TEXT("A category with a rather long name"),
                                    .quantity_milli = 1000,
                                    .amount = 100 + i};
    }
    ledger_start(ledger);
    struct jf_command enrol = command_enrol("e7", 7, NULL);
    cr_assert_eq(ledger_write(ledger, &enrol)->status, JF_WRITE_POSTED);
    for (uint32_t i = 0; i < 160; i++) {
        snprintf(id, sizeof id, "s%u", i);
        struct jf_command sale = command_sale(id, 7, lines);
        sale.as.sale.receipt.line_count = LINES;
        cr_assert_eq(ledger_write(ledger, &sale)->status, JF_WRITE_POSTED);
    }
    ledger_close(ledger);
}

static struct jf_rebuild_config config_of(const struct ledger *ledger)
{
    return (struct jf_rebuild_config){.data_directory = ledger->directory,
                                      .cache_bytes = (uint64_t)8 << 20,
                                      .filter_bytes = (uint64_t)1 << 20};
}

// As if the first segment had been dropped: the superblock says so, and it is gone.
static void first_segment_drop(const struct ledger *ledger)
{
    char path[128];
    struct jf_superblock superblock;
    struct jf_diagnosis diagnosis = {0};
    snprintf(path, sizeof path, "%s/journal", ledger->directory);
    int directory = open(path, O_RDONLY | O_DIRECTORY);
    cr_assert_geq(directory, 0);
    cr_assert_eq(jf_superblock_read(directory, &superblock, &diagnosis), JF_OK);
    superblock.oldest_segment = 2;
    superblock.sequence += 1;
    int fd = openat(directory, JF_SUPERBLOCK_NAME, O_RDWR);
    cr_assert_eq(jf_superblock_write(fd, &superblock, &diagnosis), JF_OK);
    close(fd);
    cr_assert_eq(unlinkat(directory, "segment-0000000000000001.jfl", 0), 0);
    close(directory);
}

Test(rebuild, makes_the_same_state_and_refuses_a_journal_that_begins_later, .timeout = 120)
{
    struct ledger ledger;
    ledger_fill(&ledger);
    struct jf_rebuild_config config = config_of(&ledger);
    struct jf_rebuild_result result;
    struct jf_job_progress verdict;
    struct jf_diagnosis diagnosis = {0};
    cr_assert_eq(jf_rebuild_directory(&config, &result, &diagnosis), JF_OK, "%s", diagnosis.text);
    cr_assert_eq(result.last_position, 163);
    cr_assert_eq(result.members, 1);
    cr_assert(result.had_state);
    cr_assert_eq(jf_verify_directory(ledger.directory, NULL, NULL, &verdict, &diagnosis), JF_OK);
    cr_assert(verdict.ties, "%s", verdict.difference);
    first_segment_drop(&ledger);
    cr_assert_eq(jf_rebuild_directory(&config, &result, &diagnosis), JF_ERROR_GAP);
    cr_assert_not_null(strstr(diagnosis.text, "Restore a backup"), "%s", diagnosis.text);
    ledger_open(&ledger); // the old state is as it was
    ledger_close(&ledger);
    config.is_old_kept = true;
    char path[128];
    snprintf(path, sizeof path, "%s/" JF_OLD_DIRECTORY, ledger.directory);
    cr_assert_eq(mkdir(path, 0750), 0);
    cr_assert_eq(jf_rebuild_directory(&config, &result, &diagnosis), JF_ERROR_EXISTS);
    ledger_remove(&ledger);
}
