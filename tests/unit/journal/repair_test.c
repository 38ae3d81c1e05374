// Damaged headers are made again and proved; whatever else is damaged is left as it is.
#include "journal/repair.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "journal/reader.h"
#include "support.h"

static struct world world;
static struct jf_repair last;
static uint32_t reported;

static void begin(void)
{
    world_begin(&world);
    reported = 0;
}

static void end(void)
{
    world_end(&world);
}

TestSuite(repair, .init = begin, .fini = end);

static void on_repair(void *context, const struct jf_repair *repair)
{
    (void)context;
    last = *repair;
    reported += 1;
}

static enum jf_error repair(bool is_written, uint32_t *out_count)
{
    struct jf_repair_config config = {
        .directory = world.directory, .is_written = is_written, .report = on_repair};
    return jf_journal_repair(&config, &world.ring, out_count, &world.diagnosis);
}

static enum jf_error verify(void)
{
    struct jf_journal_verification verification;
    return jf_journal_verify(world.directory, NULL, NULL, &verification, &world.diagnosis);
}

// Blocks of three entries of 100 bytes, a sector each; one of 3 × 3000 bytes; closed.
static void fill(void)
{
    world_must_open(&world);
    for (uint32_t i = 0; i < 12; i++) {
        put(&world, 3, i == 5 ? 3000 : 100);
    }
    world_close(&world);
}

static uint64_t offset_of_block(uint32_t number)
{
    uint64_t offset = 0;
    for (uint32_t i = 1; i < number; i++) {
        offset += block_at(&world, offset).length;
    }
    return offset;
}

Test(repair, makes_a_header_again_whichever_of_its_bytes_is_damaged, .timeout = 300)
{
    fill();
    uint64_t whole = directory_digest(&world);
    uint64_t offset = offset_of_block(6);
    for (uint32_t at = 0; at < JF_BLOCK_HEADER_BYTES; at++) {
        file_flip(&world, segment_1, offset + at);
        cr_assert_eq(verify(), JF_ERROR_CORRUPT, "byte %u", at);
        uint64_t damaged = directory_digest(&world);
        uint32_t count = 0;
        cr_assert_eq(repair(false, &count), JF_OK, "byte %u: %s", at, world.diagnosis.text);
        cr_assert_eq(count, 1);
        cr_assert_eq(directory_digest(&world), damaged, "a dry run changed something");
        cr_assert_eq(repair(true, &count), JF_OK, "byte %u: %s", at, world.diagnosis.text);
        cr_assert_eq(count, 1);
        cr_assert_eq(directory_digest(&world), whole, "byte %u is not what it was", at);
        cr_assert_eq(last.offset, offset);
        cr_assert_eq(last.sequence, 6);
        cr_assert_eq(last.bytes_changed, 1);
        cr_assert_str_eq(last.file_name, segment_1);
        cr_assert_eq(last.is_exact, at >= 16, "byte %u", at);
    }
    cr_assert_str_eq(last.fields, "reserved bytes of the body");
    cr_assert_eq(verify(), JF_OK, "%s", world.diagnosis.text);
}

Test(repair, makes_a_header_of_zeros_with_its_magic_again)
{
    fill();
    uint64_t whole = directory_digest(&world);
    uint64_t offset = offset_of_block(4);
    unsigned char zeros[JF_BLOCK_HEADER_BYTES - JF_BLOCK_AT_VERSION] = {0};
    file_write(&world, segment_1, offset + JF_BLOCK_AT_VERSION, zeros, sizeof zeros);
    uint32_t count = 0;
    // The time is searched for between the neighbours'.
    cr_assert_eq(repair(true, &count), JF_OK, "%s", world.diagnosis.text);
    cr_assert_eq(count, 1);
    cr_assert_eq(directory_digest(&world), whole);
    cr_assert_not_null(strstr(last.fields, "time"), "%s", last.fields);
}

Test(repair, repairs_several_headers_one_after_the_other)
{
    fill();
    uint64_t whole = directory_digest(&world);
    uint32_t count = 0;
    file_flip(&world, segment_1, offset_of_block(2) + JF_BLOCK_AT_SEQUENCE);
    cr_assert_eq(repair(false, &count), JF_OK);
    file_flip(&world, segment_1, offset_of_block(1) + 2 * JF_SECTOR_BYTES + 100);
    file_flip(&world, segment_1, JF_SECTOR_BYTES * 8 + 200); // block 7, behind the large one
    cr_assert_eq(repair(true, &count), JF_ERROR_CORRUPT, "two neighbours prove nothing");
    cr_assert_not_null(strstr(world.diagnosis.text, "cannot be found"), "%s", world.diagnosis.text);
    file_flip(&world, segment_1, offset_of_block(1) + 2 * JF_SECTOR_BYTES + 100);
    reported = 0;
    cr_assert_eq(repair(true, &count), JF_OK, "%s", world.diagnosis.text);
    cr_assert_eq(count, 2);
    cr_assert_eq(reported, 2);
    cr_assert_eq(directory_digest(&world), whole);
}

Test(repair, makes_the_last_header_of_a_segment_again)
{
    world_must_open(&world);
    for (uint32_t i = 0; i < 10; i++) {
        put(&world, 2, 400000);
    }
    world_close(&world);
    uint64_t whole = directory_digest(&world);
    uint64_t offset = 0;
    struct jf_block_header header = block_at(&world, 0);
    while (offset + 2 * (uint64_t)header.length <= (4u << 20)) {
        offset += header.length;
        header = block_at(&world, offset);
    }
    uint32_t count = 0;
    file_flip(&world, segment_1, offset + JF_BLOCK_AT_LENGTH);
    cr_assert_eq(verify(), JF_ERROR_CORRUPT);
    cr_assert_eq(repair(true, &count), JF_OK, "%s", world.diagnosis.text);
    cr_assert_eq(count, 1);
    cr_assert_eq(directory_digest(&world), whole);
}

static void expect_refused_unchanged(const char *text)
{
    uint64_t damaged = directory_digest(&world);
    uint32_t count = 0;
    cr_assert_eq(repair(true, &count), JF_ERROR_CORRUPT, "%s", text);
    cr_assert_not_null(strstr(world.diagnosis.text, text), "%s: %s", text, world.diagnosis.text);
    cr_assert_eq(count, 0);
    cr_assert_eq(directory_digest(&world), damaged);
}

Test(repair, refuses_what_is_not_of_a_header_alone)
{
    fill();
    uint64_t offset = offset_of_block(6);
    // The payload alone: the header tells of it.
    file_flip(&world, segment_1, offset + JF_BLOCK_HEADER_BYTES + 10);
    expect_refused_unchanged("the body's checksum is wrong");
    // Both, in an entry's bytes, in an entry's size, in the padding.
    file_flip(&world, segment_1, offset + JF_BLOCK_AT_EPOCH);
    expect_refused_unchanged("gives the body checksum that the next block names");
    file_flip(&world, segment_1, offset + JF_BLOCK_HEADER_BYTES + 10);
    file_flip(&world, segment_1, offset + JF_BLOCK_HEADER_BYTES + 1);
    expect_refused_unchanged("its entries do not end where the block does");
    file_flip(&world, segment_1, offset + JF_BLOCK_HEADER_BYTES + 1);
    file_flip(&world, segment_1, offset + 3 * JF_SECTOR_BYTES - 1);
    expect_refused_unchanged("its entries do not end where the block does");
    file_flip(&world, segment_1, offset + 3 * JF_SECTOR_BYTES - 1);
    // The header's checksum and what only it proves.
    file_flip(&world, segment_1, offset);
    expect_refused_unchanged("so is a field that only it proves");
}

Test(repair, leaves_a_whole_journal_and_a_torn_tail_alone)
{
    fill();
    uint64_t whole = directory_digest(&world);
    uint32_t count = 9;
    cr_assert_eq(repair(true, &count), JF_OK, "%s", world.diagnosis.text);
    cr_assert_eq(count, 0);
    cr_assert_eq(directory_digest(&world), whole);
    file_flip(&world, segment_1, offset_of_block(13)); // the seal, behind which nothing stands
    whole = directory_digest(&world);
    cr_assert_eq(repair(true, &count), JF_OK, "%s", world.diagnosis.text);
    cr_assert_eq(count, 0);
    cr_assert_eq(directory_digest(&world), whole);
}

Test(repair, needs_the_lock_to_write)
{
    world_must_open(&world);
    put(&world, 3, 100);
    uint32_t count = 0;
    cr_assert_eq(repair(true, &count), JF_ERROR_LOCKED);
    cr_assert_eq(repair(false, &count), JF_OK);
    world_close(&world);
}
