// Claims about a journal that is cut: it holds what is kept and nothing else, is whole to every
// reader, and goes on from there in its new generation.
#include "journal/cut.h"
#include "support.h"

#include <criterion/criterion.h>

static struct world world;

static void begin(void)
{
    world_begin(&world);
}

static void end(void)
{
    world_end(&world);
}

TestSuite(cut, .init = begin, .fini = end);

static struct jf_journal_end end_of(uint64_t until)
{
    struct jf_journal_end_search search = {.until_position = until};
    struct jf_journal_end found = {.last_position = 0};
    enum jf_error error = jf_journal_find_end(world.directory, &search, &found, &world.diagnosis);
    cr_assert_eq(error, JF_OK, "%s", world.diagnosis.text);
    return found;
}

static void cut_at(uint64_t position)
{
    struct jf_journal_cut cut = {
        .end = end_of(position), .last_position = position, .generation = 2};
    enum jf_error error = jf_journal_cut_run(world.directory, &cut, &world.diagnosis);
    cr_assert_eq(error, JF_OK, "%s", world.diagnosis.text);
}

// 20 entries in 7 blocks: the last three in a second segment.
static void fill(void)
{
    static const uint32_t counts[] = {3, 2, 4, 1, 3, 3, 4};
    world.config.seal_idle_us = 1000;
    world_must_open(&world);
    for (uint32_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        put(&world, counts[i], 250000);
    }
    world_close(&world);
}

Test(cut, an_end_is_found_at_every_position)
{
    fill();
    for (uint64_t until = 1; until <= 20; until++) {
        struct jf_journal_end found = end_of(until);
        cr_assert_eq(found.first_position, 1);
        cr_assert_geq(found.last_position, until);
        cr_assert_leq(found.block.first_position, until);
    }
    cr_assert_eq(end_of(0).block.sequence, 0);
    cr_assert_eq(end_of(UINT64_MAX).last_position, 20);
    cr_assert_eq(end_of(21).last_position, 20);
}

static void check_goes_on(uint64_t position)
{
    cr_assert_eq(end_of(UINT64_MAX).last_position, position);
    world_must_open(&world);
    cr_assert_eq(world.opening.last_position, position);
    cr_assert_eq(world.opening.bytes_cut, 0, "a cut journal has no torn tail");
    put(&world, 2, 1000);
    cr_assert_eq(read_all(&world, 1), position + 2);
    world_close(&world);
    struct jf_journal_end after = end_of(UINT64_MAX);
    cr_assert_eq(after.last_position, position + 2);
    cr_assert_eq(after.superblock.generation, 2);
    cr_assert_eq(after.block.generation, 2);
}

Test(cut, at_every_position_what_is_kept_is_whole_and_goes_on, .timeout = 120)
{
    for (uint64_t position = 1; position <= 20; position++) {
        fill();
        cut_at(position);
        check_goes_on(position);
        world_end(&world);
        world_begin(&world);
    }
}

Test(cut, of_a_journal_without_entries_leaves_it_so)
{
    world_must_open(&world);
    world_close(&world);
    cut_at(0);
    check_goes_on(0);
}

Test(cut, a_block_that_changed_since_it_was_verified_is_refused)
{
    fill();
    struct jf_journal_cut cut = {.end = end_of(2), .last_position = 2, .generation = 2};
    file_flip(&world, segment_1, 5000);
    cr_assert_eq(jf_journal_cut_run(world.directory, &cut, &world.diagnosis), JF_ERROR_CORRUPT);
    cr_assert_not_null(strstr(world.diagnosis.text, "block 1"));
}

Test(cut, a_directory_that_is_not_there_is_said)
{
    struct jf_journal_cut cut = {.last_position = 0};
    cr_assert_eq(jf_journal_cut_run("/tmp/jf-no-such-place", &cut, &world.diagnosis),
                 JF_ERROR_NOT_FOUND);
}
