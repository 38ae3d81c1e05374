// The superblock: the newest valid of four copies counts, and a tear never leaves none.
#include "support.h"

#include <fcntl.h>
#include <unistd.h>

#include <criterion/criterion.h>

static unsigned char bytes[JF_SUPERBLOCK_BYTES];
static struct jf_diagnosis diagnosis;

static struct jf_superblock make(uint64_t sequence)
{
    struct jf_superblock superblock = {
        .identity.ledger_id.bytes = {9, 8, 7},
        .sequence = sequence,
        .generation = 1,
        .incarnation = 5,
        .oldest_segment = 2,
        .flushed_position = 1000 + sequence,
    };
    return superblock;
}

static uint64_t decoded_sequence(void)
{
    struct jf_superblock superblock = {0};
    cr_assert_eq(jf_superblock_decode(bytes, &superblock, &diagnosis), JF_OK, "%s", diagnosis.text);
    cr_assert_eq(superblock.flushed_position, 1000 + superblock.sequence);
    return superblock.sequence;
}

Test(superblock, decoding_gives_back_what_was_encoded)
{
    struct jf_superblock superblock = make(3);
    jf_superblock_encode(&superblock, bytes);
    struct jf_superblock got = {0};
    cr_assert_eq(jf_superblock_decode(bytes, &got, &diagnosis), JF_OK);
    cr_assert_eq(memcmp(&got, &superblock, sizeof got), 0);
    cr_assert_arr_eq(bytes + 16, "\1JFSUPER", 8);
}

Test(superblock, any_one_valid_copy_is_enough)
{
    for (uint32_t kept = 0; kept < JF_SUPERBLOCK_COPIES; kept++) {
        struct jf_superblock superblock = make(3);
        jf_superblock_encode(&superblock, bytes);
        for (uint32_t i = 0; i < JF_SUPERBLOCK_COPIES; i++) {
            bytes[i * JF_SECTOR_BYTES + 80] ^= i == kept ? 0 : 1;
        }
        cr_assert_eq(decoded_sequence(), 3);
    }
}

Test(superblock, the_newest_valid_copy_counts_at_any_tear)
{
    unsigned char newer[JF_SUPERBLOCK_BYTES];
    struct jf_superblock superblock = make(4);
    jf_superblock_encode(&superblock, newer);
    // The first half is being rewritten; any bytes of it have landed.
    for (uint32_t landed = 0; landed <= JF_SUPERBLOCK_HALF_BYTES; landed += 16) {
        superblock = make(3);
        jf_superblock_encode(&superblock, bytes);
        memcpy(bytes, newer, landed);
        uint64_t sequence = decoded_sequence();
        cr_assert(sequence == 3 || (sequence == 4 && landed >= 96));
    }
    cr_assert_eq(decoded_sequence(), 4);
}

Test(superblock, none_valid_is_corrupt)
{
    memset(bytes, 0, sizeof bytes);
    struct jf_superblock superblock;
    cr_assert_eq(jf_superblock_decode(bytes, &superblock, &diagnosis), JF_ERROR_CORRUPT);
    cr_assert_not_null(strstr(diagnosis.text, "restore it from a backup"));
}

Test(superblock, copies_of_two_ledgers_are_foreign)
{
    struct jf_superblock superblock = make(3);
    jf_superblock_encode(&superblock, bytes);
    unsigned char other[JF_SUPERBLOCK_BYTES];
    superblock.identity.ledger_id.bytes[0] = 1;
    jf_superblock_encode(&superblock, other);
    memcpy(bytes, other, JF_SECTOR_BYTES);
    cr_assert_eq(jf_superblock_decode(bytes, &superblock, &diagnosis), JF_ERROR_FOREIGN);
}

Test(superblock, a_newer_format_is_refused)
{
    struct jf_superblock superblock = make(3);
    jf_superblock_encode(&superblock, bytes);
    for (uint32_t i = 0; i < JF_SUPERBLOCK_COPIES; i++) {
        unsigned char *copy = bytes + i * JF_SECTOR_BYTES;
        jf_store_u32(copy + JF_SUPERBLOCK_AT_VERSION, 2);
        struct jf_hash128 hash = jf_hash128(copy + 16, JF_SECTOR_BYTES - 16);
        jf_store_u64(copy, hash.low);
        jf_store_u64(copy + 8, hash.high);
    }
    cr_assert_eq(jf_superblock_decode(bytes, &superblock, &diagnosis), JF_ERROR_VERSION);
    cr_assert_not_null(strstr(diagnosis.text, "version 2"));
}

Test(superblock, opening_mends_damaged_copies)
{
    struct world world;
    world_begin(&world);
    world_must_open(&world);
    put(&world, 1, 100);
    world_close(&world);
    for (uint32_t i = 0; i + 1 < JF_SUPERBLOCK_COPIES; i++) {
        file_flip(&world, JF_SUPERBLOCK_NAME, i * JF_SECTOR_BYTES + 60);
    }
    world_must_open(&world);
    world_close(&world);
    file_flip(&world, JF_SUPERBLOCK_NAME, 3 * JF_SECTOR_BYTES + 60);
    world_must_open(&world);
    cr_assert_eq(read_all(&world, 1), 1);
    world_close(&world);
    for (uint32_t i = 0; i < JF_SUPERBLOCK_COPIES; i++) {
        file_flip(&world, JF_SUPERBLOCK_NAME, i * JF_SECTOR_BYTES + 60);
    }
    expect_refused(&world, JF_ERROR_CORRUPT, "SUPERBLOCK");
    world_end(&world);
}

Test(superblock, an_old_one_put_back_does_not_turn_incarnations_back)
{
    struct world world;
    world_begin(&world);
    world_must_open(&world);
    world_close(&world);
    unsigned char old[JF_SUPERBLOCK_BYTES];
    file_read(&world, JF_SUPERBLOCK_NAME, 0, old, sizeof old);
    for (uint32_t i = 0; i < 3; i++) {
        world_must_open(&world);
        put(&world, 1, 100);
        world_close(&world);
    }
    file_write(&world, JF_SUPERBLOCK_NAME, 0, old, sizeof old);
    world_must_open(&world);
    put(&world, 1, 100);
    cr_assert_eq(block_at(&world, 3 * JF_SECTOR_BYTES).incarnation, 5);
    world_reopen(&world);
    cr_assert_eq(read_all(&world, 1), 4);
    world_end(&world);
}
