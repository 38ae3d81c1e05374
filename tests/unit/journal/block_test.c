// The stored form of a block: golden bytes, appending, and a decoder that answers any bytes with a
// finding.
#include "journal/block.h"

#include <criterion/criterion.h>

// XXH3-64 of the golden block's sector.
#define GOLDEN_HASH 0x86eed5f8c90ef9f3ull

static unsigned char block[4 * JF_SECTOR_BYTES];

static const struct jf_block_identity identity = {
    .ledger_id.bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

// Two entries, "first" and "second!", sealed.
static struct jf_block_header make_block(void)
{
    memset(block, 0xee, sizeof block);
    struct jf_block_draft draft = {.payload = block + JF_BLOCK_HEADER_BYTES,
                                   .payload_capacity = 1000};
    cr_assert_eq(jf_block_append(&draft, "first", 5), JF_OK);
    cr_assert_eq(jf_block_append(&draft, "second!", 7), JF_OK);
    struct jf_block_header header = {
        .identity = identity,
        .generation = 1,
        .incarnation = 3,
        .segment = 7,
        .offset = 8192,
        .durable_sequence = 41,
        .sequence = 42,
        .first_position = 1000,
        .time_us = 1700000000000000,
        .previous_checksum = {11, 12},
        .entry_count = draft.entry_count,
        .payload_size = draft.payload_size,
    };
    jf_block_seal(block, &header);
    return header;
}

static enum jf_block_finding check_all(struct jf_block_header *header)
{
    enum jf_block_finding finding = jf_block_decode_header(block, header);
    if (finding == JF_BLOCK_VALID) {
        finding = jf_block_check_place(header, &identity, 7, 8192, sizeof block);
    }
    return finding == JF_BLOCK_VALID ? jf_block_check_body(header, block) : finding;
}

static void reseal_header(void)
{
    struct jf_hash128 hash =
        jf_hash128(block + JF_BLOCK_AT_MAGIC, JF_BLOCK_HEADER_BYTES - JF_BLOCK_AT_MAGIC);
    jf_store_u64(block, hash.low);
    jf_store_u64(block + 8, hash.high);
}

// The bytes of version 1 never change.
Test(block, golden_header_of_version_1)
{
    struct jf_block_header header = make_block();
    cr_assert_eq(header.length, JF_SECTOR_BYTES);
    cr_assert_eq(header.payload_size, 20);
    cr_assert_arr_eq(block + 16, "\1JFBLOCK\1\0\0\0\0\0\0\0", 16);
    cr_assert_eq(jf_load_u64(block + 72), 7);
    cr_assert_eq(jf_load_u64(block + 80), 8192);
    cr_assert_eq(jf_load_u64(block + 88), 41);
    cr_assert_eq(jf_load_u32(block + 96), 4096);
    cr_assert_eq(jf_load_u64(block + 160), 42);
    cr_assert_eq(jf_load_u64(block + 168), 1000);
    cr_assert_eq(jf_load_u64(block + 176), 1700000000000000);
    cr_assert_eq(jf_load_u32(block + 184), 2);
    cr_assert_eq(jf_load_u32(block + 188), 20);
    cr_assert_arr_eq(block + 256, "\5\0\0\0first\7\0\0\0second!", 20);
    cr_assert(jf_bytes_are_zero(block + 276, JF_SECTOR_BYTES - 276));
    cr_assert_eq(jf_hash64(block, JF_SECTOR_BYTES), GOLDEN_HASH, "%llx",
                 (unsigned long long)jf_hash64(block, JF_SECTOR_BYTES));
}

Test(block, decoding_gives_back_what_was_sealed)
{
    struct jf_block_header written = make_block();
    struct jf_block_header header;
    cr_assert_eq(check_all(&header), JF_BLOCK_VALID);
    cr_assert_eq(header.sequence, written.sequence);
    cr_assert_eq(header.generation, 1);
    cr_assert_eq(header.epoch, 0);
    cr_assert_eq(header.incarnation, 3);
    cr_assert_eq(header.durable_sequence, 41);
    cr_assert(jf_hash128_equal(header.previous_checksum, written.previous_checksum));
    cr_assert(jf_hash128_equal(header.body_checksum, written.body_checksum));
    uint32_t offset = 0;
    uint32_t size = 0;
    const unsigned char *bytes = jf_block_entry(block + JF_BLOCK_AT_PAYLOAD, &offset, &size);
    cr_assert_eq(size, 5);
    cr_assert_arr_eq(bytes, "first", 5);
    bytes = jf_block_entry(block + JF_BLOCK_AT_PAYLOAD, &offset, &size);
    cr_assert_eq(size, 7);
    cr_assert_arr_eq(bytes, "second!", 7);
    cr_assert_eq(offset, 20);
}

Test(block, every_flipped_bit_is_found)
{
    (void)make_block();
    for (uint32_t at = 0; at < JF_SECTOR_BYTES; at++) {
        struct jf_block_header header;
        block[at] ^= (unsigned char)(1u << at % 8);
        cr_assert_neq(check_all(&header), JF_BLOCK_VALID, "byte %u", at);
        block[at] ^= (unsigned char)(1u << at % 8);
    }
}

Test(block, the_chain_is_over_bodies_only)
{
    struct jf_block_header first = make_block();
    struct jf_block_header again = first;
    again.epoch = 9;
    again.offset = 4096;
    again.durable_sequence = 40;
    jf_block_seal(block, &again);
    cr_assert(jf_hash128_equal(first.body_checksum, again.body_checksum));
    again.previous_checksum.low += 1;
    jf_block_seal(block, &again);
    cr_assert_not(jf_hash128_equal(first.body_checksum, again.body_checksum));
}

Test(block, findings_of_the_header)
{
    struct jf_block_header header;
    memset(block, 0, sizeof block);
    cr_assert_eq(check_all(&header), JF_BLOCK_ABSENT);
    block[200] = 1;
    cr_assert_eq(check_all(&header), JF_BLOCK_HEADER_DAMAGED);
    (void)make_block();
    jf_store_u32(block + JF_BLOCK_AT_VERSION, 2);
    cr_assert_eq(check_all(&header), JF_BLOCK_HEADER_DAMAGED);
    reseal_header();
    cr_assert_eq(check_all(&header), JF_BLOCK_VERSION_UNKNOWN);
}

Test(block, findings_of_the_place)
{
    (void)make_block();
    struct jf_block_header header;
    cr_assert_eq(jf_block_decode_header(block, &header), JF_BLOCK_VALID);
    cr_assert_eq(jf_block_check_place(&header, &identity, 8, 8192, 99999), JF_BLOCK_MISPLACED);
    cr_assert_eq(jf_block_check_place(&header, &identity, 7, 4096, 99999), JF_BLOCK_MISPLACED);
    cr_assert_eq(jf_block_check_place(&header, &identity, 7, 8192, 4095), JF_BLOCK_MALFORMED);
    struct jf_block_identity other = identity;
    other.partition = 1;
    cr_assert_eq(jf_block_check_place(&header, &other, 7, 8192, 99999), JF_BLOCK_FOREIGN);
    other = identity;
    other.ledger_id.bytes[15] = 0;
    cr_assert_eq(jf_block_check_place(&header, &other, 7, 8192, 99999), JF_BLOCK_FOREIGN);
}

static enum jf_block_finding with_u32(uint32_t at, uint32_t value)
{
    (void)make_block();
    jf_store_u32(block + at, value);
    reseal_header();
    struct jf_block_header header;
    return check_all(&header);
}

static enum jf_block_finding with_u64(uint32_t at, uint64_t value)
{
    (void)make_block();
    jf_store_u64(block + at, value);
    reseal_header();
    struct jf_block_header header;
    return check_all(&header);
}

// Right checksums do not make impossible numbers possible: nothing outside the block is ever read.
Test(block, impossible_numbers_are_malformed)
{
    cr_assert_eq(with_u32(JF_BLOCK_AT_LENGTH, 0), JF_BLOCK_MALFORMED);
    cr_assert_eq(with_u32(JF_BLOCK_AT_LENGTH, 8192), JF_BLOCK_MALFORMED);
    cr_assert_eq(with_u32(JF_BLOCK_AT_LENGTH, UINT32_MAX), JF_BLOCK_MALFORMED);
    cr_assert_eq(with_u32(JF_BLOCK_AT_PAYLOAD_SIZE, UINT32_MAX), JF_BLOCK_MALFORMED);
    cr_assert_eq(with_u32(JF_BLOCK_AT_PAYLOAD_SIZE, 0), JF_BLOCK_MALFORMED);
    cr_assert_eq(with_u32(JF_BLOCK_AT_ENTRY_COUNT, 0), JF_BLOCK_MALFORMED);
    cr_assert_eq(with_u32(JF_BLOCK_AT_ENTRY_COUNT, 5), JF_BLOCK_MALFORMED);
    cr_assert_eq(with_u64(JF_BLOCK_AT_DURABLE_SEQUENCE, 42), JF_BLOCK_MALFORMED);
    cr_assert_eq(with_u64(JF_BLOCK_AT_DURABLE_SEQUENCE, UINT64_MAX), JF_BLOCK_MALFORMED);
    cr_assert_eq(with_u64(JF_BLOCK_AT_DURABLE_SEQUENCE, 33), JF_BLOCK_MALFORMED);
    cr_assert_eq(with_u64(JF_BLOCK_AT_FIRST_POSITION, 0), JF_BLOCK_MALFORMED);
}

static enum jf_block_finding with_entry_size(uint32_t at, uint32_t size)
{
    struct jf_block_header header = make_block();
    jf_store_u32(block + JF_BLOCK_AT_PAYLOAD + at, size);
    jf_block_seal(block, &header);
    return check_all(&header);
}

Test(block, entries_must_fill_the_payload_exactly)
{
    cr_assert_eq(with_entry_size(0, 5), JF_BLOCK_VALID);
    cr_assert_eq(with_entry_size(0, 0), JF_BLOCK_MALFORMED);
    cr_assert_eq(with_entry_size(0, 4), JF_BLOCK_MALFORMED);
    cr_assert_eq(with_entry_size(0, 16), JF_BLOCK_MALFORMED);
    cr_assert_eq(with_entry_size(0, UINT32_MAX), JF_BLOCK_MALFORMED);
    cr_assert_eq(with_entry_size(9, 6), JF_BLOCK_MALFORMED);
    cr_assert_eq(with_entry_size(9, 8), JF_BLOCK_MALFORMED);
}

Test(block, an_empty_block_is_valid)
{
    struct jf_block_header header = make_block();
    header.entry_count = 0;
    header.payload_size = 0;
    jf_block_seal(block, &header);
    cr_assert_eq(check_all(&header), JF_BLOCK_VALID);
    cr_assert_eq(header.length, JF_SECTOR_BYTES);
}

Test(block, an_entry_that_does_not_fit_leaves_the_draft_unchanged)
{
    unsigned char payload[32];
    struct jf_block_draft draft = {.payload = payload, .payload_capacity = sizeof payload};
    cr_assert_eq(jf_block_append(&draft, "0123456789", 10), JF_OK);
    cr_assert_eq(jf_block_append(&draft, "012345678901234", 15), JF_ERROR_LIMIT);
    cr_assert_eq(draft.payload_size, 14);
    cr_assert_eq(draft.entry_count, 1);
    cr_assert_eq(jf_block_append(&draft, "01234567890123", 14), JF_OK);
    cr_assert_eq(draft.payload_size, 32);
    cr_assert_null(jf_block_reserve(&draft, 1));
}

Test(block, a_reserve_without_commit_leaves_no_trace)
{
    unsigned char payload[64];
    struct jf_block_draft draft = {.payload = payload, .payload_capacity = sizeof payload};
    unsigned char *room = jf_block_reserve(&draft, 60);
    cr_assert_eq(room, payload + JF_ENTRY_PREFIX_BYTES);
    cr_assert_eq(draft.payload_size, 0);
    room = jf_block_reserve(&draft, 40);
    memcpy(room, "abc", 3);
    jf_block_commit(&draft, 3);
    cr_assert_eq(draft.payload_size, 7);
    cr_assert_eq(draft.entry_count, 1);
}

// A small fuzz with a fixed seed: damaged headers whose checksum was made right again, so that the
// decoder's later checks are reached.
Test(block, any_bytes_give_a_finding)
{
    uint64_t state = 88172645463325252u;
    uint32_t valid = 0;
    for (uint32_t round = 0; round < 200000; round++) {
        (void)make_block();
        for (uint32_t i = 0; i < 1 + round % 3; i++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            block[16 + state % 264] = (unsigned char)(state >> 32);
        }
        reseal_header();
        struct jf_block_header header;
        enum jf_block_finding finding = check_all(&header);
        cr_assert_lt((int)finding, (int)JF_BLOCK_FINDING_COUNT);
        cr_assert_not_null(jf_block_finding_text(finding));
        valid += finding == JF_BLOCK_VALID ? 1 : 0;
    }
    cr_assert_gt(valid, 0, "generation, epoch and incarnation may be anything");
}
