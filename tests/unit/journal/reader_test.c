// Reading from outside: print and verify, beside a running writer and after damage.
#include "journal/reader.h"
#include "support.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

static struct world world;

static void begin(void)
{
    world_begin(&world);
}

static void end(void)
{
    world_end(&world);
}

TestSuite(reader, .init = begin, .fini = end);

static uint64_t read_from(uint64_t from)
{
    struct jf_journal_reader *reader = NULL;
    enum jf_error error = jf_journal_reader_open(world.directory, from, &reader, &world.diagnosis);
    cr_assert_eq(error, JF_OK, "%s", world.diagnosis.text);
    struct jf_journal_entry entry;
    uint64_t count = 0;
    uint64_t first = from == 0 ? 1 : from;
    error = jf_journal_reader_next(reader, &entry, &world.diagnosis);
    while (error == JF_OK) {
        check_entry(&entry, first + count);
        count += 1;
        error = jf_journal_reader_next(reader, &entry, &world.diagnosis);
    }
    cr_assert_eq(error, JF_ERROR_NOT_FOUND, "%s", world.diagnosis.text);
    cr_assert_arr_eq(jf_journal_reader_ledger_id(reader).bytes, world.config.create_id.bytes, 16);
    jf_journal_reader_close(reader);
    return count;
}

static struct jf_journal_verification verify(void)
{
    struct jf_journal_verification verification = {0};
    enum jf_error error =
        jf_journal_verify(world.directory, NULL, NULL, &verification, &world.diagnosis);
    cr_assert_eq(error, JF_OK, "%s", world.diagnosis.text);
    return verification;
}

static void make_segments(void)
{
    world_must_open(&world);
    for (uint32_t i = 0; i < 10; i++) {
        put(&world, 2, 400000);
    }
}

Test(reader, refuses_a_directory_without_a_journal)
{
    struct jf_journal_reader *reader = NULL;
    cr_assert_eq(jf_journal_reader_open(world.directory, 1, &reader, &world.diagnosis),
                 JF_ERROR_NOT_FOUND);
    cr_assert_not_null(strstr(world.diagnosis.text, "holds no journal"));
    cr_assert_eq(jf_journal_reader_open("/tmp/jf-no-such-place", 1, &reader, &world.diagnosis),
                 JF_ERROR_NOT_FOUND);
    jf_journal_reader_close(NULL);
}

Test(reader, refuses_a_journal_that_lacks_a_segment)
{
    make_segments();
    world_close(&world);
    char path[128];
    snprintf(path, sizeof path, "%s/%s", world.directory, segment_2);
    cr_assert_eq(unlink(path), 0);
    struct jf_journal_reader *reader = NULL;
    cr_assert_eq(jf_journal_reader_open(world.directory, 1, &reader, &world.diagnosis),
                 JF_ERROR_CORRUPT);
    cr_assert_not_null(strstr(world.diagnosis.text, "should have all from 1 to"), "%s",
                       world.diagnosis.text);
    struct jf_journal_verification verification;
    cr_assert_eq(jf_journal_verify(world.directory, NULL, NULL, &verification, &world.diagnosis),
                 JF_ERROR_CORRUPT);
}

Test(reader, reads_from_any_position_without_the_lock)
{
    make_segments();
    cr_assert_eq(read_from(0), 20);
    cr_assert_eq(read_from(1), 20);
    for (uint64_t from = 2; from <= 21; from++) {
        cr_assert_eq(read_from(from), 21 - from);
    }
    struct jf_journal_reader *reader = NULL;
    cr_assert_eq(jf_journal_reader_open(world.directory, 22, &reader, &world.diagnosis),
                 JF_ERROR_NOT_FOUND);
    cr_assert_not_null(strstr(world.diagnosis.text, "ends at position 20"));
}

Test(reader, goes_on_where_it_ended)
{
    world_must_open(&world);
    put(&world, 1, 100);
    struct jf_journal_reader *reader = NULL;
    struct jf_journal_entry entry;
    cr_assert_eq(jf_journal_reader_open(world.directory, 1, &reader, &world.diagnosis), JF_OK);
    cr_assert_eq(jf_journal_reader_next(reader, &entry, &world.diagnosis), JF_OK);
    cr_assert_eq(jf_journal_reader_next(reader, &entry, &world.diagnosis), JF_ERROR_NOT_FOUND);
    put(&world, 1, 100);
    cr_assert_eq(jf_journal_reader_next(reader, &entry, &world.diagnosis), JF_OK);
    check_entry(&entry, 2);
    struct jf_journal_place place = jf_journal_reader_place(reader);
    cr_assert_eq(place.segment, 1);
    cr_assert_eq(place.offset, 2 * JF_SECTOR_BYTES);
    jf_journal_reader_close(reader);
}

struct listing {
    uint32_t count;
    struct jf_segment_summary summaries[8];
};

static void take_summary(const struct jf_segment_summary *summary, void *context)
{
    struct listing *listing = context;
    cr_assert_lt(listing->count, 8);
    listing->summaries[listing->count] = *summary;
    listing->count += 1;
}

Test(reader, lists_segments_with_what_they_begin_with)
{
    make_segments();
    world_close(&world);
    struct listing listing = {0};
    cr_assert_eq(
        jf_journal_list_segments(world.directory, take_summary, &listing, &world.diagnosis), JF_OK);
    cr_assert_geq(listing.count, 2);
    cr_assert_eq(listing.summaries[0].first_position, 1);
    cr_assert_eq(listing.summaries[0].first_sequence, 1);
    cr_assert_str_eq(listing.summaries[0].file_name, segment_1);
    cr_assert_eq(listing.summaries[1].first_position, 11);
    cr_assert_eq(listing.summaries[1].first_sequence, 6);
    cr_assert_eq(listing.summaries[1].size_bytes, JF_SEGMENT_BYTES_MIN);
    file_flip(&world, segment_2, 20);
    listing.count = 0;
    cr_assert_eq(
        jf_journal_list_segments(world.directory, take_summary, &listing, &world.diagnosis), JF_OK);
    cr_assert(listing.summaries[1].is_damaged);
}

Test(reader, verify_counts_everything)
{
    world.config.seal_idle_us = 1000;
    make_segments();
    world_close(&world);
    struct jf_journal_verification verification = verify();
    cr_assert_eq(verification.blocks, 11, "with the sealing one");
    cr_assert_eq(verification.entries, 20);
    cr_assert_eq(verification.first_position, 1);
    cr_assert_eq(verification.last_position, 20);
    cr_assert_eq(verification.last_sequence, 11);
    cr_assert_eq(verification.payload_bytes, 20 * (400000 + JF_ENTRY_PREFIX_BYTES));
    cr_assert_eq(verification.torn_bytes, 0);
}

static void count_calls(uint64_t done, uint64_t total, void *context)
{
    uint64_t *before = context;
    cr_assert_gt(done, *before);
    cr_assert_leq(done, total);
    *before = done;
}

Test(reader, verify_tells_its_progress)
{
    make_segments();
    uint64_t done = 0;
    struct jf_journal_verification verification;
    cr_assert_eq(
        jf_journal_verify(world.directory, count_calls, &done, &verification, &world.diagnosis),
        JF_OK);
    cr_assert_gt(done, JF_SEGMENT_BYTES_MIN);
}

Test(reader, verify_tells_a_torn_tail_and_leaves_it)
{
    make_segments();
    put(&world, 1, 400000);
    world_close(&world);
    struct listing listing = {0};
    cr_assert_eq(
        jf_journal_list_segments(world.directory, take_summary, &listing, &world.diagnosis), JF_OK);
    cr_assert_eq(listing.summaries[2].first_position, 21);
    file_flip(&world, "segment-0000000000000003.jfl", 300);
    uint64_t digest = directory_digest(&world);
    struct jf_journal_verification verification = verify();
    cr_assert_eq(verification.last_position, 20);
    cr_assert_eq(verification.torn_blocks, 1);
    cr_assert_gt(verification.torn_bytes, 0);
    cr_assert_eq(directory_digest(&world), digest);
}

Test(reader, damage_is_named_by_reading_and_by_verify)
{
    make_segments();
    world_close(&world);
    file_flip(&world, segment_1, 802816 + 5000);
    struct jf_journal_verification verification;
    enum jf_error error =
        jf_journal_verify(world.directory, NULL, NULL, &verification, &world.diagnosis);
    cr_assert_eq(error, JF_ERROR_CORRUPT);
    cr_assert_not_null(strstr(world.diagnosis.text, "segment-0000000000000001.jfl, offset 802816"),
                       "%s", world.diagnosis.text);
    struct jf_journal_reader *reader = NULL;
    struct jf_journal_entry entry;
    cr_assert_eq(jf_journal_reader_open(world.directory, 1, &reader, &world.diagnosis), JF_OK);
    cr_assert_eq(jf_journal_reader_next(reader, &entry, &world.diagnosis), JF_OK);
    cr_assert_eq(jf_journal_reader_next(reader, &entry, &world.diagnosis), JF_OK);
    cr_assert_eq(jf_journal_reader_next(reader, &entry, &world.diagnosis), JF_ERROR_CORRUPT);
    jf_journal_reader_close(reader);
    cr_assert_eq(jf_journal_reader_open(world.directory, 10, &reader, &world.diagnosis),
                 JF_ERROR_CORRUPT);
}

// While the writer goes on, a reader without the lock never takes the moving end for damage.
Test(reader, verify_beside_a_running_writer_finds_no_damage)
{
    world_must_open(&world);
    for (uint32_t round = 0; round < 40; round++) {
        for (uint32_t i = 0; i < 6; i++) {
            put_in_flight(&world, 3, 20000 + round * 100);
            jf_ring_turn(&world.ring);
        }
        struct jf_journal_verification verification = verify();
        cr_assert_leq(verification.last_position, world.journal->operations->last(world.journal));
    }
}
