// Claims about archived segments: journal and archive read as one; what does not hold what its name
// and label say is refused; nothing that is there is overwritten.
#include "journal/archive.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/cut.h"
#include "journal/reader.h"
#include "support.h"

#include <criterion/criterion.h>

#define ARCHIVED_1 "archive/segment-0000000000000001.jfl.zst"

static struct world world;
static int directory_fd;

// 20 entries: 10 in each of two segments, and one in the third.
static void begin(void)
{
    world_begin(&world);
    world_must_open(&world);
    for (uint32_t i = 0; i < 10; i++) {
        put(&world, 2, 400000);
    }
    put(&world, 1, 400000);
    world_close(&world);
    directory_fd = open(world.directory, O_RDONLY | O_DIRECTORY);
    cr_assert_geq(directory_fd, 0);
    cr_assert_eq(mkdirat(directory_fd, JF_ARCHIVE_FOLDER, 0700), 0);
}

static void end(void)
{
    close(directory_fd);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -r %s/archive", world.directory);
    cr_assert_eq(system(command), 0);
    world_end(&world);
}

TestSuite(archive, .init = begin, .fini = end);

static struct jf_archive_label label_of(uint64_t segment)
{
    return (struct jf_archive_label){
        .identity.ledger_id = world.config.create_id, .generation = 1, .segment = segment};
}

static enum jf_error archive(uint64_t segment)
{
    struct jf_archive_label label = label_of(segment);
    world.diagnosis = (struct jf_diagnosis){.error = JF_OK};
    return jf_archive_put(directory_fd, &label, &world.diagnosis);
}

// As a drop does: the superblock, then the file.
static void drop(uint64_t segment)
{
    struct jf_superblock superblock;
    char name[JF_SEGMENT_NAME_BYTES];
    jf_segment_name(segment, name);
    cr_assert_eq(jf_superblock_read(directory_fd, &superblock, NULL), JF_OK);
    superblock.oldest_segment = segment + 1;
    superblock.sequence += 1;
    cr_assert_eq(jf_superblock_create(directory_fd, &superblock, NULL), JF_OK);
    cr_assert_eq(unlinkat(directory_fd, name, 0), 0);
}

static void archive_and_drop(uint64_t segment)
{
    enum jf_error error = archive(segment);
    cr_assert_eq(error, JF_OK, "%s", world.diagnosis.text);
    drop(segment);
}

static uint64_t read_from(uint64_t from)
{
    struct jf_journal_reader *reader = NULL;
    enum jf_error error = jf_journal_reader_open(world.directory, from, &reader, &world.diagnosis);
    cr_assert_eq(error, JF_OK, "%s", world.diagnosis.text);
    struct jf_journal_entry entry;
    uint64_t count = 0;
    error = jf_journal_reader_next(reader, &entry, &world.diagnosis);
    while (error == JF_OK) {
        check_entry(&entry, from + count);
        count += 1;
        error = jf_journal_reader_next(reader, &entry, &world.diagnosis);
    }
    cr_assert_eq(error, JF_ERROR_NOT_FOUND, "%s", world.diagnosis.text);
    jf_journal_reader_close(reader);
    return count;
}

Test(archive, journal_and_archive_read_as_one_from_every_position)
{
    archive_and_drop(1);
    cr_assert_not(file_exists(&world, segment_1));
    archive_and_drop(2);
    for (uint64_t from = 1; from <= 22; from++) {
        cr_assert_eq(read_from(from), 22 - from);
    }
    struct jf_journal_verification verification;
    cr_assert_eq(jf_journal_verify(world.directory, NULL, NULL, &verification, NULL), JF_OK);
    cr_assert_eq(verification.entries, 21);
    cr_assert_eq(verification.first_position, 1);
}

static void summary_check(const struct jf_segment_summary *summary, void *context)
{
    uint64_t *count = context;
    *count += 1;
    cr_assert_eq(summary->number, *count);
    cr_assert_eq(summary->size_bytes, JF_SEGMENT_BYTES_MIN);
    cr_assert_eq(strstr(summary->file_name, ".zst") != NULL, *count == 1);
}

Test(archive, its_segments_are_listed)
{
    archive_and_drop(1);
    uint64_t count = 0;
    cr_assert_eq(jf_journal_list_segments(world.directory, summary_check, &count, NULL), JF_OK);
    cr_assert_geq(count, 3);
}

Test(archive, a_cursor_of_the_running_journal_reads_from_it)
{
    archive_and_drop(1);
    world.config.replay_from = 12;
    world_must_open(&world);
    cr_assert_eq(read_all(&world, 1), 21);
    cr_assert_eq(read_all(&world, 8), 14);
    world_close(&world);
}

Test(archive, an_opening_that_needs_an_archived_segment_is_a_gap)
{
    archive_and_drop(1);
    world.config.replay_from = 3;
    expect_refused(&world, JF_ERROR_GAP, "archive");
}

Test(archive, it_is_smaller_and_zstd_unpacks_it)
{
    struct stat status;
    char command[512];
    cr_assert_eq(archive(3), JF_OK, "mostly zeros");
    cr_assert_eq(fstatat(directory_fd, "archive/segment-0000000000000003.jfl.zst", &status, 0), 0);
    cr_assert_lt(status.st_size, (off_t)JF_SEGMENT_BYTES_MIN / 2);
    (void)snprintf(command, sizeof command,
                   "command -v zstd >/dev/null || exit 0; zstd -dcq "
                   "%s/archive/segment-0000000000000003.jfl.zst | cmp -s - "
                   "%s/segment-0000000000000003.jfl",
                   world.directory, world.directory);
    cr_assert_eq(system(command), 0);
}

Test(archive, one_that_is_there_already_is_compared_and_left)
{
    cr_assert_eq(archive(1), JF_OK);
    uint64_t inode[2];
    for (uint32_t i = 0; i < 2; i++) {
        struct stat status;
        cr_assert_eq(fstatat(directory_fd, ARCHIVED_1, &status, 0), 0);
        inode[i] = status.st_ino;
        cr_assert_eq(archive(1), JF_OK);
    }
    cr_assert_eq(inode[0], inode[1]);
}

Test(archive, another_content_under_the_name_is_not_overwritten)
{
    cr_assert_eq(archive(1), JF_OK);
    file_flip(&world, segment_1, 300); // as the segment of another generation would differ
    cr_assert_eq(archive(1), JF_ERROR_EXISTS);
    cr_assert_not_null(strstr(world.diagnosis.text, "generation 1"), "%s", world.diagnosis.text);
    file_flip(&world, segment_1, 300);
    drop(1);
    cr_assert_eq(read_from(1), 21, "what was archived is what it was");
}

Test(archive, damage_anywhere_in_it_is_noticed)
{
    archive_and_drop(1);
    struct stat status;
    cr_assert_eq(fstatat(directory_fd, ARCHIVED_1, &status, 0), 0);
    for (uint64_t at = 0; at < 60; at++) {
        uint64_t offset = at < 20   ? at
                          : at < 40 ? (uint64_t)status.st_size / 40 * (at - 19)
                                    : (uint64_t)status.st_size - 1 - (at - 40) * 6;
        int fd = -1;
        uint64_t size = 0;
        file_flip(&world, ARCHIVED_1, offset);
        enum jf_error error = jf_archive_open(directory_fd, 1, &fd, &size, &world.diagnosis);
        bool is_refused = error == JF_ERROR_CORRUPT || error == JF_ERROR_VERSION;
        // A bit that means nothing to the content may flip; then the content is whole.
        if (error == JF_OK) {
            close(fd);
        }
        cr_assert(is_refused || error == JF_OK, "offset %lu: %s", (unsigned long)offset,
                  world.diagnosis.text);
        cr_assert(is_refused || offset < 20, "offset %lu is not noticed", (unsigned long)offset);
        file_flip(&world, ARCHIVED_1, offset);
    }
    cr_assert_eq(read_from(1), 21);
}

Test(archive, one_that_is_cut_short_or_of_another_number_is_refused)
{
    int fd = -1;
    uint64_t size = 0;
    archive_and_drop(1);
    cr_assert_eq(renameat(directory_fd, ARCHIVED_1, directory_fd,
                          "archive/segment-0000000000000007.jfl.zst"),
                 0);
    cr_assert_eq(jf_archive_open(directory_fd, 7, &fd, &size, &world.diagnosis), JF_ERROR_CORRUPT);
    cr_assert_not_null(strstr(world.diagnosis.text, "another segment"));
    cr_assert_eq(jf_archive_open(directory_fd, 1, &fd, &size, &world.diagnosis),
                 JF_ERROR_NOT_FOUND);
    char path[128];
    (void)snprintf(path, sizeof path, "%s/archive/segment-0000000000000007.jfl.zst",
                   world.directory);
    cr_assert_eq(truncate(path, 1000), 0);
    cr_assert_eq(jf_archive_open(directory_fd, 7, &fd, &size, &world.diagnosis), JF_ERROR_CORRUPT);
    cr_assert_eq(truncate(path, 10), 0);
    cr_assert_eq(jf_archive_open(directory_fd, 7, &fd, &size, &world.diagnosis), JF_ERROR_CORRUPT);
}

Test(archive, a_segment_taken_out_is_what_was_put_in)
{
    static unsigned char before[JF_SEGMENT_BYTES_MIN];
    static unsigned char after[JF_SEGMENT_BYTES_MIN];
    file_read(&world, segment_1, 0, before, sizeof before);
    cr_assert_eq(archive(1), JF_OK);
    cr_assert_eq(unlinkat(directory_fd, segment_1, 0), 0);
    cr_assert_eq(jf_archive_take_out(directory_fd, 1, &world.diagnosis), JF_OK, "%s",
                 world.diagnosis.text);
    file_read(&world, segment_1, 0, after, sizeof after);
    cr_assert_eq(memcmp(before, after, sizeof before), 0);
}

Test(archive, a_journal_cut_within_an_archived_segment_goes_on_from_there)
{
    archive_and_drop(1);
    archive_and_drop(2);
    struct jf_journal_end_search search = {.until_position = 7};
    struct jf_journal_cut cut = {.last_position = 7, .generation = 2};
    cr_assert_eq(jf_journal_find_end(world.directory, &search, &cut.end, &world.diagnosis), JF_OK);
    enum jf_error error = jf_journal_cut_run(world.directory, &cut, &world.diagnosis);
    cr_assert_eq(error, JF_OK, "%s", world.diagnosis.text);
    cr_assert_not(jf_archive_has(directory_fd, 1));
    cr_assert_not(jf_archive_has(directory_fd, 2));
    world_must_open(&world);
    cr_assert_eq(world.opening.last_position, 7);
    put(&world, 2, 400000);
    cr_assert_eq(read_all(&world, 1), 9);
    world_close(&world);
    cr_assert_eq(read_from(1), 9);
}
