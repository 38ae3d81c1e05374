// Claims about members' records: damage of any byte is noticed, no bytes whatever can do more than
// be refused, and the same member always gives the same bytes.
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "state/control_codec.h"
#include "state/member_codec.h"
#include "state/varint.h"

enum {
    BYTES = 65536
};

static struct jf_diagnosis diagnosis;

static struct jf_member *member_make(void)
{
    struct jf_member_capacity room = {
        .lots = 4, .months = 3, .debts = 2, .counters = 2, .holds = 1, .hold_parts = 2, .cards = 1};
    struct jf_member *member = jf_member_block_init(malloc(jf_member_block_size(room)), room);
    member->number.value = UINT64_MAX;
    member->last_position = 1234567890123;
    member->tags = UINT64_C(0x8000000000000001);
    member->enrolled_on = 20600;
    member->tier_since = JF_DATE_NONE;
    member->home_store = UINT32_MAX;
    member->visits = 17;
    member->status = JF_MEMBER_FROZEN;
    member->birth_month = 2;
    member->birth_day = 29;
    member->tier = 3;
    member->activity_class = 255;
    member->lot_count = 2;
    member->lots[0] = (struct jf_lot){0, 20000, {1}, 0, 10, 5, 5};
    member->lots[1] = (struct jf_lot){20500, JF_DATE_EVER, {2}, 0, INT64_MAX / 2, 7, 0};
    member->month_count = 2;
    member->months[0] = (struct jf_month_count){24000, 3, 100, 5};
    member->months[1] = (struct jf_month_count){24001, 1, 0, 0};
    member->debt_count = 1;
    member->debts[0] = (struct jf_debt){{9}, 0, 300};
    member->tier_until = 20700;
    member->tier_version = 4;
    member->counter_count = 2;
    member->counters[0] = (struct jf_counter){JF_COUNTER_CAP_DAY, 7, 20600, 0, 250};
    member->counters[1] = (struct jf_counter){JF_COUNTER_REWARD, UINT32_MAX, 0, 0, INT64_MAX};
    member->hold_count = 1;
    member->holds[0] = (struct jf_hold){1234567, 1700000000000, 2, 77, 3};
    member->hold_part_count = 2;
    member->hold_parts[0] = (struct jf_lot_part){0, 20000, {1}, 5};
    member->hold_parts[1] = (struct jf_lot_part){20500, JF_DATE_EVER, {2}, 11};
    member->card_count = 1;
    member->cards[0] = (struct jf_card){6, "card-1"};
    return member;
}

static struct jf_text encode(const struct jf_member *member, unsigned char *bytes)
{
    size_t size = jf_member_record_encode(member, bytes);
    cr_assert_leq(size, jf_member_record_size_max(member));
    return (struct jf_text){(const char *)bytes, (uint32_t)size};
}

static void seal(unsigned char *bytes, size_t size)
{
    jf_store_u32(bytes + size - 4, (uint32_t)jf_hash64(bytes, size - 4));
}

static enum jf_error decode(struct jf_text record, struct jf_member **out_member)
{
    struct jf_member_capacity room = {0};
    enum jf_error error = jf_member_record_measure(record, &room, &diagnosis);
    if (error != JF_OK) {
        return error;
    }
    struct jf_member *member = jf_member_block_init(malloc(jf_member_block_size(room)), room);
    error = jf_member_record_decode(record, member, &diagnosis);
    if (error != JF_OK) {
        free(member);
        return error;
    }
    *out_member = member;
    return JF_OK;
}

Test(member_codec, member_comes_back_and_gives_the_same_bytes)
{
    static unsigned char first[BYTES];
    static unsigned char second[BYTES];
    struct jf_member *member = member_make();
    struct jf_text record = encode(member, first);
    struct jf_member *back = NULL;
    cr_assert_eq(decode(record, &back), JF_OK, "%s", diagnosis.text);
    cr_assert_eq(back->number.value, UINT64_MAX);
    cr_assert_eq(back->tier_since, JF_DATE_NONE);
    cr_assert_eq(back->lots[1].expires_on, JF_DATE_EVER);
    cr_assert_eq(back->lots[1].granted, INT64_MAX / 2);
    cr_assert_eq(back->months[1].month_index, 24001);
    cr_assert_eq(back->debts[0].points, 300);
    cr_assert_eq(back->counters[0].value, 250);
    cr_assert_eq(back->holds[0].part_count, 2);
    cr_assert_eq(back->holds[0].reward, 77);
    cr_assert_eq(back->holds[0].quantity, 3);
    cr_assert_eq(jf_member_held(back), 16);
    cr_assert_eq(memcmp(back->cards[0].bytes, "card-1", 6), 0);
    cr_assert(jf_text_equal(record, encode(back, second)));
    free(back);
    free(member);
}

Test(member_codec, capacity_does_not_show_in_the_bytes)
{
    static unsigned char first[BYTES];
    static unsigned char second[BYTES];
    struct jf_member *member = member_make();
    struct jf_member_capacity room = {.lots = 40,
                                      .months = 30,
                                      .debts = 10,
                                      .counters = 20,
                                      .holds = 16,
                                      .hold_parts = 64,
                                      .cards = 64};
    struct jf_member *wide = jf_member_block_init(malloc(jf_member_block_size(room)), room);
    jf_member_copy(wide, member);
    cr_assert(jf_text_equal(encode(member, first), encode(wide, second)));
    free(wide);
    free(member);
}

Test(member_codec, every_truncation_and_every_flipped_bit_is_refused)
{
    static unsigned char bytes[BYTES];
    struct jf_member *member = member_make();
    struct jf_text record = encode(member, bytes);
    struct jf_member *back = NULL;
    for (uint32_t size = 0; size < record.size; size++) {
        cr_assert_eq(decode((struct jf_text){record.data, size}, &back), JF_ERROR_CORRUPT);
    }
    for (uint32_t bit = 0; bit < record.size * 8; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        cr_assert_eq(decode(record, &back), JF_ERROR_CORRUPT, "bit %u", bit);
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    free(member);
}

// Damage that keeps the checksum right, as a bug would make it.
Test(member_codec, sealed_nonsense_is_refused_or_a_valid_member)
{
    static unsigned char bytes[BYTES];
    struct jf_member *member = member_make();
    struct jf_text record = encode(member, bytes);
    uint32_t refused = 0;
    srand(7);
    for (uint32_t round = 0; round < 20000; round++) {
        (void)encode(member, bytes);
        for (uint32_t i = 0; i <= round % 3; i++) {
            bytes[(uint32_t)rand() % (record.size - 4)] = (unsigned char)rand();
        }
        seal(bytes, record.size);
        struct jf_member *back = NULL;
        enum jf_error error = decode(record, &back);
        if (error == JF_OK) {
            cr_assert_eq(jf_member_check(back, &diagnosis), JF_OK);
            free(back);
            continue;
        }
        cr_assert(error == JF_ERROR_CORRUPT || error == JF_ERROR_VERSION);
        refused++;
    }
    cr_assert_gt(refused, 1000);
    free(member);
}

Test(member_codec, later_version_is_told_from_damage)
{
    static unsigned char bytes[BYTES];
    struct jf_member *member = member_make();
    struct jf_text record = encode(member, bytes);
    bytes[0] = 3;
    seal(bytes, record.size);
    struct jf_member *back = NULL;
    cr_assert_eq(decode(record, &back), JF_ERROR_VERSION);
    free(member);
}

Test(member_codec, counts_above_the_limits_are_refused)
{
    unsigned char bytes[64] = {2};
    const uint64_t limits[7] = {JF_LOTS_PER_MEMBER_MAX,  JF_MONTHS_PER_MEMBER_MAX,
                                JF_DEBTS_PER_MEMBER_MAX, JF_COUNTERS_PER_MEMBER_MAX,
                                JF_HOLDS_PER_MEMBER_MAX, JF_HOLD_PARTS_PER_MEMBER_MAX,
                                JF_CARDS_PER_MEMBER_MAX};
    struct jf_member *back = NULL;
    for (uint32_t i = 0; i < 7; i++) {
        memset(bytes + 1, 0, sizeof bytes - 1);
        (void)jf_varint_write(bytes + 1 + i, limits[i] + 1);
        seal(bytes, 48);
        cr_assert_eq(decode((struct jf_text){(char *)bytes, 48}, &back), JF_ERROR_CORRUPT);
    }
}

Test(member_codec, record_that_breaks_a_rule_is_refused)
{
    static unsigned char bytes[BYTES];
    struct jf_member *member = member_make();
    member->lots[1].remaining = -1;
    struct jf_member *back = NULL;
    cr_assert_eq(decode(encode(member, bytes), &back), JF_ERROR_CORRUPT);
    free(member);
}

Test(varint, numbers_must_be_whole_short_and_in_range)
{
    const unsigned char cases[4][11] = {
        {0x80},
        {0x80, 0x00},
        {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02},
        {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x81, 0x00},
    };
    const size_t sizes[4] = {1, 2, 10, 11};
    for (uint32_t i = 0; i < 4; i++) {
        struct jf_varint_reader reader = {cases[i], cases[i] + sizes[i], false};
        (void)jf_varint_read(&reader, UINT64_MAX);
        cr_assert(reader.is_bad, "case %u", i);
    }
    unsigned char bytes[JF_VARINT_BYTES_MAX];
    unsigned char *end = jf_varint_write(bytes, 300);
    struct jf_varint_reader reader = {bytes, end, false};
    (void)jf_varint_read(&reader, 299);
    cr_assert(reader.is_bad);
    const int64_t numbers[5] = {0, -1, 1, INT64_MIN, INT64_MAX};
    for (uint32_t i = 0; i < 5; i++) {
        end = jf_varint_write_signed(bytes, numbers[i]);
        reader = (struct jf_varint_reader){bytes, end, false};
        cr_assert_eq(jf_varint_read_signed(&reader, INT64_MIN, INT64_MAX), numbers[i]);
        cr_assert(!reader.is_bad);
    }
}

static struct jf_control *control_make(void)
{
    struct jf_control *control = NULL;
    cr_assert_eq(jf_control_create(&control), JF_OK);
    struct jf_control_row rows[3] = {{JF_ACCOUNT_AVAILABLE, {1}, 0, 50},
                                     {JF_ACCOUNT_ISSUED, {1}, 0, -70},
                                     {JF_ACCOUNT_ISSUED, {2}, 65535, 20}};
    const struct jf_counter counters[3] = {{16, 6, 0, 0, 1}, {16, 8, 0, 0, 700}, {17, 2, 1, 0, 9}};
    struct jf_control_content content = {.rows = rows,
                                         .row_count = 3,
                                         .counters = counters,
                                         .counter_count = 3,
                                         .counts = {1, 2, 3, 4, 5, 6, 7}};
    cr_assert_eq(jf_control_load(control, &content), JF_OK);
    return control;
}

Test(control_codec, totals_come_back)
{
    unsigned char bytes[1024];
    struct jf_control *control = control_make();
    cr_assert_leq(jf_control_record_size_max(control), sizeof bytes);
    size_t size = jf_control_record_encode(control, bytes);
    struct jf_control *back = NULL;
    cr_assert_eq(jf_control_create(&back), JF_OK);
    struct jf_text record = {(const char *)bytes, (uint32_t)size};
    cr_assert_eq(jf_control_record_load(record, back, &diagnosis), JF_OK);
    const struct jf_control_row *rows = NULL;
    cr_assert_eq(jf_control_rows(back, &rows), 3);
    cr_assert_eq(rows[1].points, -70);
    cr_assert_eq(rows[2].reason, 65535);
    const struct jf_counter *counters = NULL;
    cr_assert_eq(jf_control_chain_counters(back, &counters), 3);
    cr_assert_eq(counters[2].value, 9);
    cr_assert_eq(counters[2].period, 1);
    cr_assert_eq(jf_control_chain_counter(back, 6), 1);
    cr_assert_eq(jf_control_chain_counter(back, 8), 700);
    jf_control_destroy(back);
    jf_control_destroy(control);
}

Test(control_codec, damage_is_refused_and_changes_nothing)
{
    unsigned char bytes[1024];
    struct jf_control *control = control_make();
    uint32_t size = (uint32_t)jf_control_record_encode(control, bytes);
    struct jf_text record = {(const char *)bytes, size};
    for (uint32_t cut = 0; cut < size; cut++) {
        struct jf_text part = {(const char *)bytes, cut};
        cr_assert_eq(jf_control_record_load(part, control, &diagnosis), JF_ERROR_CORRUPT);
    }
    for (uint32_t bit = 0; bit < size * 8; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        cr_assert_eq(jf_control_record_load(record, control, &diagnosis), JF_ERROR_CORRUPT);
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    bytes[0] = 4;
    seal(bytes, size);
    cr_assert_eq(jf_control_record_load(record, control, &diagnosis), JF_ERROR_VERSION);
    bytes[0] = 3;
    bytes[size - 5] |= 0x80; // the last number goes on into nothing
    seal(bytes, size);
    cr_assert_eq(jf_control_record_load(record, control, &diagnosis), JF_ERROR_CORRUPT);
    cr_assert_eq(jf_control_counts(control)->sales, 3);
    jf_control_destroy(control);
}
