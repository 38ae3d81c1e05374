// Cut or refuse: a test for each row of the table, on real files; then tears and flips of every
// kind. A block of these tests is one sector unless it says otherwise; block n stands at (n - 1)
// sectors.
#include "support.h"

#include <stdio.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define SECTOR JF_SECTOR_BYTES

static struct world world;

static void begin(void)
{
    world_begin(&world);
}

static void end(void)
{
    world_end(&world);
}

TestSuite(recovery, .init = begin, .fini = end);

// `blocks` blocks of one small entry, each durable before the next; then closed.
static void make_blocks(uint32_t blocks)
{
    world_must_open(&world);
    for (uint32_t i = 0; i < blocks; i++) {
        put(&world, 1, 100);
    }
    world_close(&world);
}

// Three durable blocks, then three that were in flight together, each of three sectors.
static void make_flight(void)
{
    world_must_open(&world);
    for (uint32_t i = 0; i < 3; i++) {
        put(&world, 1, 100);
    }
    for (uint32_t i = 0; i < 3; i++) {
        put_in_flight(&world, 10, 1000);
    }
    wait_durable(&world, 33);
    world_close(&world);
}

static struct jf_tail_facts sound_facts(void)
{
    return (struct jf_tail_facts){
        .at_end = JF_BLOCK_ABSENT,
        .has_anchor = true,
        .sequence = 10,
        .last_position = 100,
        .reach_bytes_max = 1000,
    };
}

Test(recovery, row_clean_ends_where_zeros_begin)
{
    make_blocks(3);
    world_must_open(&world);
    cr_assert_eq(world.opening.blocks_cut, 0);
    cr_assert_eq(world.opening.last_position, 3);
    cr_assert_eq(world.opening.last_sequence, 3);
    struct jf_tail_facts facts = sound_facts();
    cr_assert_eq(jf_tail_judge(&facts), JF_TAIL_ROW_CLEAN);
}

Test(recovery, row_torn_cuts_the_last_block_and_goes_on)
{
    make_blocks(3);
    file_flip(&world, segment_1, 2 * SECTOR + JF_BLOCK_AT_PAYLOAD + 20);
    world_must_open(&world);
    cr_assert_eq(world.opening.blocks_cut, 1);
    cr_assert_eq(world.opening.bytes_cut, SECTOR);
    cr_assert_eq(world.opening.last_position, 2);
    unsigned char sector[SECTOR];
    file_read(&world, segment_1, 2 * SECTOR, sector, SECTOR);
    cr_assert(jf_bytes_are_zero(sector, SECTOR), "the torn bytes are gone");
    put(&world, 1, 200);
    world_reopen(&world);
    cr_assert_eq(world.opening.last_position, 3);
    cr_assert_eq(read_all(&world, 1), 3);
}

Test(recovery, a_torn_tail_is_judged_without_being_touched_until_writing_starts)
{
    world_must_open(&world);
    put(&world, 3, 100);
    put(&world, 3, 100);
    world_close(&world);
    file_flip(&world, segment_1, block_at(&world, 0).length + 300);
    uint64_t before = directory_digest(&world);
    cr_assert_eq(
        jf_journal_local_lock(&world.config, &world.ring, &world.journal, &world.diagnosis), JF_OK);
    cr_assert_eq(jf_journal_local_judge(world.journal, 1, &world.opening, &world.diagnosis), JF_OK);
    cr_assert_eq(world.opening.blocks_cut, 1);
    cr_assert_eq(world.opening.last_position, 3);
    world_close(&world);
    cr_assert_eq(directory_digest(&world), before);
    world_must_open(&world);
    cr_assert_eq(world.opening.blocks_cut, 1);
    cr_assert_neq(directory_digest(&world), before);
    world_reopen(&world);
    cr_assert_eq(world.opening.blocks_cut, 0);
}

Test(recovery, row_torn_cuts_all_blocks_in_flight_behind_a_missing_one)
{
    make_flight();
    unsigned char zeros[3 * SECTOR] = {0};
    file_write(&world, segment_1, 3 * SECTOR, zeros, sizeof zeros); // block 4 never landed
    world_must_open(&world);
    cr_assert_eq(world.opening.last_position, 3);
    cr_assert_eq(world.opening.blocks_cut, 3);
    cr_assert_eq(world.opening.bytes_cut, 9 * SECTOR);
    put(&world, 1, 100);
    world_reopen(&world);
    cr_assert_eq(world.opening.last_position, 4);
}

Test(recovery, row_foreign_refuses_a_block_of_another_ledger)
{
    make_blocks(2);
    struct jf_block_header last = block_at(&world, SECTOR);
    struct jf_block_header header = successor(&last, 104);
    header.identity.ledger_id.bytes[0] ^= 1;
    craft(&world, &header);
    expect_refused(&world, JF_ERROR_FOREIGN, "another ledger");
}

Test(recovery, row_version_refuses_a_newer_block)
{
    make_blocks(2);
    struct jf_block_header last = block_at(&world, SECTOR);
    struct jf_block_header header = successor(&last, 104);
    craft(&world, &header);
    unsigned char bytes[JF_BLOCK_HEADER_BYTES];
    file_read(&world, segment_1, 2 * SECTOR, bytes, sizeof bytes);
    jf_store_u32(bytes + JF_BLOCK_AT_VERSION, JF_BLOCK_FORMAT_VERSION + 1);
    struct jf_hash128 hash = jf_hash128(bytes + 16, sizeof bytes - 16);
    jf_store_u64(bytes, hash.low);
    jf_store_u64(bytes + 8, hash.high);
    file_write(&world, segment_1, 2 * SECTOR, bytes, sizeof bytes);
    expect_refused(&world, JF_ERROR_VERSION, "newer");
}

static void set_superblock(uint64_t oldest, uint64_t flushed)
{
    unsigned char bytes[JF_SUPERBLOCK_BYTES];
    file_read(&world, JF_SUPERBLOCK_NAME, 0, bytes, sizeof bytes);
    struct jf_superblock superblock;
    cr_assert_eq(jf_superblock_decode(bytes, &superblock, NULL), JF_OK);
    superblock.sequence += 1;
    superblock.oldest_segment = oldest;
    superblock.flushed_position = flushed;
    jf_superblock_encode(&superblock, bytes);
    file_write(&world, JF_SUPERBLOCK_NAME, 0, bytes, sizeof bytes);
}

static void remove_file(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", world.directory, name);
    cr_assert_eq(unlink(path), 0);
}

// Blocks of 1 MiB: three and a bit a segment of 4 MiB; then segment 1 is archived away.
static void make_second_segment(void)
{
    world_must_open(&world);
    for (uint32_t i = 0; i < 5; i++) {
        put(&world, 1, 1u << 20);
    }
    world_close(&world);
    set_superblock(2, 0);
    remove_file(segment_1);
}

Test(recovery, row_no_anchor_refuses_damage_before_any_valid_block)
{
    make_second_segment();
    world.config.replay_from = 4;
    world_must_open(&world);
    cr_assert_eq(world.opening.first_position, 4);
    world_close(&world);
    file_flip(&world, segment_2, JF_BLOCK_AT_SEQUENCE);
    expect_refused(&world, JF_ERROR_CORRUPT, "no valid block precedes it");
}

Test(recovery, refuses_a_gap_below_the_oldest_segment)
{
    make_second_segment();
    world.config.replay_from = 3;
    expect_refused(&world, JF_ERROR_GAP, "position 3 is needed");
}

Test(recovery, refuses_a_missing_segment)
{
    world_must_open(&world);
    for (uint32_t i = 0; i < 8; i++) {
        put(&world, 1, 1u << 20);
    }
    world_close(&world);
    cr_assert(file_exists(&world, "segment-0000000000000003.jfl"));
    remove_file(segment_2);
    expect_refused(&world, JF_ERROR_CORRUPT, "segment-0000000000000002.jfl is missing");
}

Test(recovery, row_misplaced_refuses_right_bytes_at_the_wrong_offset)
{
    make_blocks(2);
    unsigned char sector[SECTOR];
    file_read(&world, segment_1, SECTOR, sector, SECTOR);
    file_write(&world, segment_1, 2 * SECTOR, sector, SECTOR);
    expect_refused(&world, JF_ERROR_CORRUPT, "written for another segment or offset");
}

Test(recovery, row_misplaced_refuses_right_bytes_in_the_wrong_segment)
{
    make_blocks(2);
    struct jf_block_header last = block_at(&world, SECTOR);
    struct jf_block_header header = successor(&last, 104);
    header.segment = 3;
    craft(&world, &header);
    expect_refused(&world, JF_ERROR_CORRUPT, "written for another segment or offset");
}

Test(recovery, row_not_successor_refuses_a_broken_chain)
{
    make_blocks(2);
    struct jf_block_header last = block_at(&world, SECTOR);
    struct jf_block_header header = successor(&last, 104);
    header.previous_checksum.low ^= 1;
    craft(&world, &header);
    expect_refused(&world, JF_ERROR_CORRUPT, "does not continue the block before");
    header.previous_checksum.low ^= 1;
    header.first_position += 1;
    craft(&world, &header);
    expect_refused(&world, JF_ERROR_CORRUPT, "does not continue the block before");
    header.first_position -= 1;
    header.sequence += 1;
    craft(&world, &header);
    expect_refused(&world, JF_ERROR_CORRUPT, "block 3");
    header.sequence -= 1;
    craft(&world, &header);
    world_must_open(&world);
    cr_assert_eq(world.opening.last_position, 3, "the crafted block is right but for the flaws");
}

Test(recovery, row_stale_refuses_a_leftover_of_an_earlier_incarnation)
{
    make_blocks(1);
    make_blocks(1); // incarnation 2
    struct jf_block_header last = block_at(&world, SECTOR);
    cr_assert_eq(last.incarnation, 2);
    struct jf_block_header header = successor(&last, 104);
    header.incarnation = 1;
    craft(&world, &header);
    expect_refused(&world, JF_ERROR_CORRUPT, "leftover");
}

Test(recovery, row_malformed_refuses_padding_that_is_not_zero)
{
    make_blocks(3);
    file_flip(&world, segment_1, 2 * SECTOR + 4000);
    expect_refused(&world, JF_ERROR_CORRUPT, "contents or padding");
}

Test(recovery, row_malformed_refuses_entries_that_do_not_fill_the_payload)
{
    make_blocks(2);
    struct jf_block_header last = block_at(&world, SECTOR);
    struct jf_block_header header = successor(&last, 104);
    header.entry_count = 2;
    craft(&world, &header);
    expect_refused(&world, JF_ERROR_CORRUPT, "contents or padding");
}

Test(recovery, row_was_durable_refuses_damage_that_a_later_block_vouches_for)
{
    make_blocks(3);
    file_flip(&world, segment_1, SECTOR + JF_BLOCK_AT_PAYLOAD + 9);
    expect_refused(
        &world, JF_ERROR_CORRUPT,
        "segment-0000000000000001.jfl, offset 4096, block 2: the body's checksum is wrong: "
        "a later block says that this block was durable");
    cr_assert_not_null(strstr(world.diagnosis.text, "restore the segment from a backup"));
}

Test(recovery, row_was_durable_also_refuses_a_block_that_became_zeros)
{
    make_blocks(3);
    unsigned char zeros[SECTOR] = {0};
    file_write(&world, segment_1, SECTOR, zeros, SECTOR);
    expect_refused(&world, JF_ERROR_CORRUPT, "was durable");
}

Test(recovery, row_was_durable_after_seal_on_idle)
{
    world.config.seal_idle_us = 1000;
    make_blocks(1); // closing seals
    file_flip(&world, segment_1, JF_BLOCK_AT_PAYLOAD + 9);
    expect_refused(&world, JF_ERROR_CORRUPT, "was durable");
}

Test(recovery, row_state_is_ahead_refuses_a_journal_that_ends_too_early)
{
    make_blocks(3);
    world.config.replay_from = 5;
    expect_refused(&world, JF_ERROR_CORRUPT, "the state already holds positions");
    world.config.replay_from = 4;
    world_must_open(&world);
    world_close(&world);
    world.config.replay_from = 1;
    set_superblock(1, 5);
    expect_refused(&world, JF_ERROR_CORRUPT, "the state already holds positions");
}

Test(recovery, row_state_is_ahead_refuses_to_cut_what_state_holds)
{
    make_blocks(3);
    file_flip(&world, segment_1, 2 * SECTOR + JF_BLOCK_AT_PAYLOAD + 20);
    world.config.replay_from = 4;
    expect_refused(&world, JF_ERROR_CORRUPT, "the state already holds positions");
}

Test(recovery, row_stray_refuses_a_block_that_cannot_have_been_in_flight)
{
    make_blocks(3);
    unsigned char sector[SECTOR];
    file_read(&world, segment_1, 0, sector, SECTOR);
    file_write(&world, segment_1, 5 * SECTOR, sector, SECTOR);
    expect_refused(&world, JF_ERROR_CORRUPT, "cannot have been in flight");
}

Test(recovery, row_too_far_refuses_bytes_beyond_what_was_in_flight)
{
    world.config.segment_bytes = 32u << 20;
    make_blocks(3);
    file_write(&world, segment_1, 30u << 20, "x", 1);
    expect_refused(&world, JF_ERROR_CORRUPT, "farther behind");
}

Test(recovery, the_first_row_that_applies_is_the_answer)
{
    struct jf_tail_facts facts = sound_facts();
    facts.has_bytes = true;
    cr_assert_eq(jf_tail_judge(&facts), JF_TAIL_ROW_TORN);
    facts.reach_bytes = 1001;
    cr_assert_eq(jf_tail_judge(&facts), JF_TAIL_ROW_TOO_FAR);
    facts.has_stray = true;
    cr_assert_eq(jf_tail_judge(&facts), JF_TAIL_ROW_STRAY);
    facts.required_position = 101;
    cr_assert_eq(jf_tail_judge(&facts), JF_TAIL_ROW_STATE_IS_AHEAD);
    facts.later_count = 1;
    facts.later_durable_max = 11;
    cr_assert_eq(jf_tail_judge(&facts), JF_TAIL_ROW_WAS_DURABLE);
    facts.at_end = JF_BLOCK_MALFORMED;
    cr_assert_eq(jf_tail_judge(&facts), JF_TAIL_ROW_MALFORMED);
    facts.has_anchor = false;
    cr_assert_eq(jf_tail_judge(&facts), JF_TAIL_ROW_NO_ANCHOR);
    facts.at_end = JF_BLOCK_VERSION_UNKNOWN;
    cr_assert_eq(jf_tail_judge(&facts), JF_TAIL_ROW_VERSION);
    for (int row = 0; row < JF_TAIL_ROW_COUNT; row++) {
        bool is_refusal = jf_tail_row_verdict((enum jf_tail_row)row) == JF_TAIL_REFUSE;
        cr_assert_eq(is_refusal, jf_tail_row_error((enum jf_tail_row)row) != JF_OK);
    }
}

Test(recovery, an_unreadable_block_at_the_end_is_judged_like_a_failed_checksum)
{
    struct jf_tail_facts facts = sound_facts();
    facts.at_end = JF_BLOCK_UNREADABLE;
    facts.has_bytes = true;
    cr_assert_eq(jf_tail_judge(&facts), JF_TAIL_ROW_TORN);
    facts.later_count = 1;
    facts.later_durable_max = 11;
    cr_assert_eq(jf_tail_judge(&facts), JF_TAIL_ROW_WAS_DURABLE);
}

// The last block has five sectors. Each subset of sectors that lands is a tear that must be cut.
Test(recovery, a_tail_torn_at_any_set_of_sectors_is_cut)
{
    world_must_open(&world);
    put(&world, 1, 100);
    put(&world, 5, 3900);
    world_close(&world);
    unsigned char whole[5 * SECTOR];
    file_read(&world, segment_1, SECTOR, whole, sizeof whole);
    for (uint32_t mask = 0; mask < 31; mask++) {
        unsigned char torn[5 * SECTOR];
        memcpy(torn, whole, sizeof torn);
        for (uint32_t i = 0; i < 5; i++) {
            if ((mask >> i & 1) == 0) {
                memset(torn + i * SECTOR, 0, SECTOR);
            }
        }
        file_write(&world, segment_1, SECTOR, torn, sizeof torn);
        world_must_open(&world);
        cr_assert_eq(world.opening.last_position, 1, "mask %u", mask);
        cr_assert_eq(world.opening.blocks_cut, mask == 0 ? 0 : 1, "mask %u", mask);
        cr_assert_eq(read_all(&world, 1), 1);
        world_close(&world);
    }
    file_write(&world, segment_1, SECTOR, whole, sizeof whole);
    world_must_open(&world);
    cr_assert_eq(world.opening.last_position, 6, "whole, it stays");
}

// A tear amid a sector: any number of leading bytes landed.
Test(recovery, a_tail_torn_at_bytes_is_cut)
{
    make_blocks(2);
    unsigned char whole[SECTOR];
    file_read(&world, segment_1, SECTOR, whole, SECTOR);
    for (uint32_t size = 1; size < 361; size += 7) {
        unsigned char torn[SECTOR] = {0};
        memcpy(torn, whole, size);
        file_write(&world, segment_1, SECTOR, torn, SECTOR);
        world_must_open(&world);
        cr_assert_eq(world.opening.last_position, 1, "size %u", size);
        cr_assert_eq(world.opening.blocks_cut, 1, "size %u", size);
        world_close(&world);
    }
}

// Every byte of header and entries of a block that was durable: noticed, wherever it is flipped.
Test(recovery, a_flip_of_any_byte_of_a_durable_block_is_refused)
{
    make_blocks(3);
    uint32_t used = JF_BLOCK_HEADER_BYTES + JF_ENTRY_PREFIX_BYTES + 100;
    for (uint32_t at = 0; at < SECTOR; at += at < used ? 5 : 211) {
        file_flip(&world, segment_1, SECTOR + at);
        expect_refused(&world, JF_ERROR_CORRUPT, "block 2");
        file_flip(&world, segment_1, SECTOR + at);
    }
    world_must_open(&world);
    cr_assert_eq(read_all(&world, 1), 3);
}

Test(recovery, a_crash_amid_cutting_is_again_a_torn_tail)
{
    make_flight();
    unsigned char zeros[6 * SECTOR] = {0};
    file_flip(&world, segment_1, 3 * SECTOR + 700);
    file_write(&world, segment_1, 3 * SECTOR, zeros, sizeof zeros); // cut so far, then power off
    world_must_open(&world);
    cr_assert_eq(world.opening.last_position, 3);
    cr_assert_eq(world.opening.blocks_cut, 3);
}

Test(recovery, a_torn_block_at_the_start_of_the_next_segment_is_cut)
{
    world_must_open(&world);
    for (uint32_t i = 0; i < 3; i++) {
        put(&world, 1, 1u << 20);
    }
    put(&world, 1, 1u << 20); // does not fit segment 1 any more
    world_close(&world);
    file_flip(&world, segment_2, 5000);
    world_must_open(&world);
    cr_assert_eq(world.opening.last_position, 3);
    cr_assert_eq(world.opening.blocks_cut, 1);
    for (uint32_t i = 0; i < 4; i++) {
        put(&world, 1, 1u << 20);
    }
    world_reopen(&world);
    cr_assert_eq(read_all(&world, 1), 7);
}

Test(recovery, an_only_block_that_is_torn_leaves_an_empty_journal)
{
    make_blocks(1);
    file_flip(&world, segment_1, 300);
    world_must_open(&world);
    cr_assert_eq(world.opening.last_position, 0);
    cr_assert_eq(world.opening.blocks_cut, 1);
    put(&world, 1, 100);
    cr_assert_eq(read_all(&world, 1), 1);
}

Test(recovery, a_segment_of_impossible_size_is_refused)
{
    make_blocks(1);
    char path[128];
    snprintf(path, sizeof path, "%s/%s", world.directory, segment_1);
    cr_assert_eq(truncate(path, 5000), 0);
    expect_refused(&world, JF_ERROR_CORRUPT, "5000 bytes");
}
