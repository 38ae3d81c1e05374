// Entries survive the way to bytes and back; damaged bytes are errors, never crashes.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "engine/entry_codec.h"

static struct jf_arena arena;

static void setup(void)
{
    jf_arena_init(&arena, 65536, (size_t)64 << 20);
}

static void teardown(void)
{
    jf_arena_deinit(&arena);
}

TestSuite(entry_codec, .init = setup, .fini = teardown);

static const struct jf_posting postings[2] = {
    {.account = JF_ACCOUNT_ISSUED, .entity = {3}, .reason = 2, .points = -120},
    {.account = JF_ACCOUNT_AVAILABLE, .entity = {3}, .expires_on = 20999, .points = 120}};
static const struct jf_trace_step trace[1] = {
    {.kind = JF_TRACE_BASE, .reason = 0, .points = 120, .amount = 12000, .exact = 480}};
static const struct jf_line lines[2] = {{{"sku-1", 5}, {"DRUG", 4}, 1000, 10000},
                                        {{"sku-2", 5}, {NULL, 0}, 0, 2000}};
static const struct jf_tender tenders[1] = {{{"cash", 4}, 12000}};
static const struct jf_lot_part parts[1] = {{0, JF_DATE_EVER, {3}, 40}};
static const struct jf_granted granted[1] = {{2, 120}};
static const int64_t line_points[2] = {100, 20};
static const struct jf_room rooms[2] = {{JF_COUNTER_CAP_DAY, 7, 20620, 0},
                                        {JF_ROOM_BUDGET, 2, 0, 5000}};
static const struct jf_counter_delta counted[2] = {{JF_COUNTER_CAP_DAY, 7, 20620, 120},
                                                   {JF_COUNTER_RULE, 2, 0, -3}};

static struct jf_entry sale_entry(void)
{
    struct jf_entry entry;
    memset(&entry, 0, sizeof entry);
    entry.kind = JF_ENTRY_SALE;
    entry.position = 77;
    entry.recorded_at_us = 123456789;
    entry.transaction_id = JF_TEXT("t-77");
    entry.fingerprint = 0xfeedfacecafebeefull;
    entry.member.value = 9;
    entry.previous_position = 70;
    entry.business_date = 20620;
    entry.balance = (struct jf_balance){1, 2, 3, 4, 1, 6, JF_DATE_EVER};
    entry.points_granted = 120;
    entry.points_redeemed = 40;
    entry.redeemed_value = 40;
    entry.postings = postings;
    entry.posting_count = 2;
    entry.trace = trace;
    entry.trace_count = 1;
    entry.denominator = 4;
    entry.line_points = line_points;
    entry.line_point_count = 2;
    entry.is_late = true;
    entry.programme_version = 5;
    entry.counted = counted;
    entry.counted_count = 2;
    struct jf_sale_entry *sale = &entry.as.sale;
    sale->receipt = (struct jf_receipt){.store = {12},
                                        .terminal = 4,
                                        .number = JF_TEXT("R1"),
                                        .sold_at_ms = 1781524800000,
                                        .lines = lines,
                                        .line_count = 2,
                                        .tenders = tenders,
                                        .tender_count = 1};
    sale->facts = (struct jf_sale_facts){.programme_version = 5,
                                         .local_second = 40000,
                                         .local_date = 20620,
                                         .tier = 1,
                                         .tags = 6,
                                         .birthday = JF_BIRTHDAY_MONTH,
                                         .is_first_purchase = true,
                                         .entity = {3},
                                         .expires_on = 20999,
                                         .region = JF_TEXT("north"),
                                         .rooms = rooms,
                                         .room_count = 2,
                                         .member_status = JF_MEMBER_FROZEN};
    sale->redeem_points = 40;
    sale->redeemed = parts;
    sale->redeemed_count = 1;
    sale->spend = 12000;
    sale->granted = granted;
    sale->granted_count = 1;
    return entry;
}

static struct jf_text encoded(const struct jf_entry *entry)
{
    struct jf_text bytes = {NULL, 0};
    struct jf_text outcome = {NULL, 0};
    cr_assert_eq(jf_entry_encode(entry, &arena, &bytes, &outcome), JF_OK);
    cr_assert_gt(outcome.size, 0);
    cr_assert(outcome.data > bytes.data && outcome.data + outcome.size <= bytes.data + bytes.size);
    return bytes;
}

static struct jf_entry there_and_back(const struct jf_entry *entry)
{
    struct jf_entry back;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    cr_assert_eq(jf_entry_decode(encoded(entry), &arena, &back, &diagnosis), JF_OK, "%s",
                 diagnosis.text);
    cr_assert_eq(back.kind, entry->kind);
    cr_assert_eq(back.position, entry->position);
    cr_assert_eq(back.fingerprint, entry->fingerprint);
    cr_assert_eq(back.member.value, entry->member.value);
    cr_assert_eq(back.previous_position, entry->previous_position);
    cr_assert_eq(back.business_date, entry->business_date);
    cr_assert(jf_text_equal(back.transaction_id, entry->transaction_id));
    return back;
}

Test(entry_codec, sale_comes_back_whole)
{
    struct jf_entry entry = sale_entry();
    struct jf_entry back = there_and_back(&entry);
    cr_assert_eq(memcmp(&back.balance, &entry.balance, sizeof back.balance), 0);
    cr_assert_eq(back.posting_count, 2);
    cr_assert_eq(back.postings[1].expires_on, 20999);
    cr_assert_eq(back.postings[1].points, 120);
    cr_assert_eq(back.trace[0].exact, 480);
    cr_assert_eq(back.line_points[1], 20);
    cr_assert(back.is_late);
    const struct jf_sale_entry *sale = &back.as.sale;
    cr_assert_eq(sale->receipt.line_count, 2);
    cr_assert(jf_text_equal(sale->receipt.lines[0].sku, lines[0].sku));
    cr_assert_eq(sale->receipt.lines[1].category.size, 0);
    cr_assert(jf_text_equal(sale->receipt.tenders[0].type, tenders[0].type));
    cr_assert_eq(sale->facts.birthday, JF_BIRTHDAY_MONTH);
    cr_assert_eq(sale->facts.expires_on, 20999);
    cr_assert_eq(sale->redeemed[0].expires_on, JF_DATE_EVER);
    cr_assert_eq(sale->granted[0].points, 120);
    cr_assert_eq(sale->spend, 12000);
    cr_assert_eq(sale->facts.room_count, 2);
    cr_assert_eq(sale->facts.rooms[0].period, 20620);
    cr_assert_eq(sale->facts.rooms[1].room, 5000);
    cr_assert_eq(sale->facts.member_status, JF_MEMBER_FROZEN);
    cr_assert_eq(back.counted_count, 2);
    cr_assert_eq(back.counted[0].delta, 120);
}

Test(entry_codec, counters_that_no_rule_keeps_are_corrupt)
{
    static const struct jf_counter_delta wrong[3] = {
        {0, 1, 0, 1}, {JF_COUNTER_CAP_DAY, 1, -1, 1}, {JF_COUNTER_RULE, 1, 5, 1}};
    struct jf_entry entry = sale_entry();
    entry.counted_count = 1;
    for (uint32_t i = 0; i < 3; i++) {
        struct jf_entry back;
        entry.counted = &wrong[i];
        cr_assert_eq(jf_entry_decode(encoded(&entry), &arena, &back, NULL), JF_ERROR_CORRUPT);
    }
}

Test(entry_codec, same_entry_gives_the_same_bytes)
{
    struct jf_entry entry = sale_entry();
    struct jf_text first = encoded(&entry);
    struct jf_text second = encoded(&entry);
    cr_assert(jf_text_equal(first, second));
}

Test(entry_codec, return_comes_back_whole)
{
    const struct jf_return_line returned[1] = {{2, 0, true}};
    const struct jf_kept_line kept[2] = {{1000, false}, {0, true}};
    struct jf_entry entry = sale_entry();
    entry.kind = JF_ENTRY_RETURN;
    entry.deducted_value = -4;
    entry.shortfall_points = -5;
    entry.as.sale_return = (struct jf_return_entry){.sale_position = 60,
                                                    .sale_transaction_id = JF_TEXT("t-60"),
                                                    .store = {12},
                                                    .returned_at_ms = 1781524900000,
                                                    .lines = returned,
                                                    .line_count = 1,
                                                    .kept = kept,
                                                    .kept_count = 2,
                                                    .granted = granted,
                                                    .granted_count = 1,
                                                    .taken_from_lot = 11,
                                                    .taken_as_debt = 12,
                                                    .taken_from_other = parts,
                                                    .taken_from_other_count = 1,
                                                    .written_off = 13,
                                                    .deducted_value = 14,
                                                    .is_visit = true,
                                                    .given_back = parts,
                                                    .given_back_count = 1,
                                                    .sale_month_index = 24317,
                                                    .spend_delta = -5,
                                                    .points_delta = -6,
                                                    .visit_delta = -1,
                                                    .sale_date = 20611};
    struct jf_entry back = there_and_back(&entry);
    const struct jf_return_entry *from = &back.as.sale_return;
    cr_assert_eq(from->sale_position, 60);
    cr_assert(from->lines[0].is_whole);
    cr_assert(from->kept[1].is_gone);
    cr_assert_eq(from->taken_as_debt, 12);
    cr_assert_eq(from->taken_from_other_count, 1);
    cr_assert_eq(from->taken_from_other[0].expires_on, JF_DATE_EVER);
    cr_assert_eq(from->taken_from_other[0].points, 40);
    cr_assert_eq(from->written_off, 13);
    cr_assert_eq(from->deducted_value, 14);
    cr_assert_eq(back.deducted_value, -4);
    cr_assert_eq(back.shortfall_points, -5);
    cr_assert_eq(from->visit_delta, -1);
    cr_assert_eq(from->spend_delta, -5);
    cr_assert_eq(from->sale_date, 20611);
    cr_assert_eq(from->given_back[0].points, 40);
    cr_assert_eq(back.counted[1].delta, -3);
}

Test(entry_codec, hold_comes_back_whole)
{
    const uint64_t voided[2] = {5, 300};
    struct jf_entry entry = sale_entry();
    entry.kind = JF_ENTRY_HOLD;
    entry.voided_holds = voided;
    entry.voided_hold_count = 2;
    const struct jf_counter_delta rewards[2] = {{JF_COUNTER_REWARD, 7, 0, 3},
                                                {JF_COUNTER_REWARD_STOCK, 7, 0, 3}};
    const struct jf_counter_delta given[1] = {{JF_COUNTER_REWARD, 8, 0, -2}};
    entry.counted = rewards;
    entry.counted_count = 2;
    entry.voided_counted = given;
    entry.voided_counted_count = 1;
    entry.as.hold = (struct jf_hold_entry){.store = {12},
                                           .terminal = 4,
                                           .held_at_ms = 1781524900000,
                                           .deadline_ms = 1781524960000,
                                           .reward = JF_TEXT("mug"),
                                           .held = parts,
                                           .held_count = 1,
                                           .entity = {3},
                                           .reward_ground = 7,
                                           .quantity = 3};
    struct jf_entry back = there_and_back(&entry);
    const struct jf_hold_entry *hold = &back.as.hold;
    cr_assert(hold->store.value == 12 && hold->terminal == 4 && hold->entity.value == 3);
    cr_assert_eq(hold->held_at_ms, 1781524900000);
    cr_assert_eq(hold->deadline_ms, 1781524960000);
    cr_assert(jf_text_equal(hold->reward, JF_TEXT("mug")));
    cr_assert_eq(hold->held_count, 1);
    cr_assert_eq(hold->held[0].points, 40);
    cr_assert(hold->reward_ground == 7 && hold->quantity == 3);
    cr_assert_eq(back.counted_count, 2);
    cr_assert_eq(back.counted[1].kind, JF_COUNTER_REWARD_STOCK);
    cr_assert_eq(back.counted[1].delta, 3);
    cr_assert_eq(back.voided_counted_count, 1);
    cr_assert_eq(back.voided_counted[0].ground, 8);
    cr_assert_eq(back.voided_counted[0].delta, -2);
    cr_assert_eq(back.voided_hold_count, 2);
    cr_assert_eq(back.voided_holds[0], 5);
    cr_assert_eq(back.voided_holds[1], 300);
}

Test(entry_codec, capture_and_void_come_back_whole)
{
    struct jf_entry entry = sale_entry();
    entry.kind = JF_ENTRY_CAPTURE;
    entry.as.hold_end = (struct jf_hold_end_entry){.hold_position = 60,
                                                   .hold_transaction_id = JF_TEXT("h-60"),
                                                   .hold_date = 20611,
                                                   .ended_at_ms = 1781524900000,
                                                   .entity = {3},
                                                   .captured = parts,
                                                   .captured_count = 1};
    const struct jf_counter_delta rewards[1] = {{JF_COUNTER_REWARD, 7, 0, -1}};
    entry.counted = rewards;
    entry.counted_count = 1;
    struct jf_entry back = there_and_back(&entry);
    cr_assert_eq(back.as.hold_end.entity.value, 3);
    cr_assert_eq(back.as.hold_end.captured_count, 1);
    cr_assert_eq(back.as.hold_end.captured[0].points, 40);
    for (int is_void = 0; is_void < 2; is_void++) {
        cr_assert_eq(back.counted_count, 1);
        cr_assert_eq(back.counted[0].delta, -1);
        cr_assert_eq(back.as.hold_end.hold_position, 60);
        cr_assert(jf_text_equal(back.as.hold_end.hold_transaction_id, JF_TEXT("h-60")));
        cr_assert_eq(back.as.hold_end.hold_date, 20611);
        cr_assert_eq(back.as.hold_end.ended_at_ms, 1781524900000);
        entry.kind = JF_ENTRY_VOID;
        entry.as.hold_end.captured_count = 0;
        entry.as.hold_end.entity.value = 0;
        back = there_and_back(&entry);
    }
}

Test(entry_codec, digest_comes_back_whole_and_of_no_transaction)
{
    struct jf_entry entry = {
        .kind = JF_ENTRY_DIGEST, .position = 16, .business_date = JF_DATE_NONE};
    entry.as.digest = (struct jf_digest){7, {1, 2}, {3, 4}, {UINT64_MAX, 0}};
    struct jf_entry back = there_and_back(&entry);
    cr_assert_null(jf_digest_difference(&back.as.digest, &entry.as.digest));
    cr_assert_eq(back.as.digest.format, 7);
    cr_assert_eq(back.transaction_id.size, 0);
    cr_assert_eq(back.member.value, 0);
    cr_assert_eq(back.posting_count, 0);
}

Test(entry_codec, digest_whose_parts_do_not_make_its_whole_is_corrupt)
{
    struct jf_entry entry = {
        .kind = JF_ENTRY_DIGEST, .position = 16, .business_date = JF_DATE_NONE};
    entry.as.digest = (struct jf_digest){1, {0x1111111111111111, 2}, {3, 4}, {5, 6}};
    struct jf_text bytes = encoded(&entry);
    unsigned char *part = memmem((void *)(uintptr_t)bytes.data, bytes.size, "\x11\x11\x11", 3);
    cr_assert_not_null(part);
    *part ^= 1;
    struct jf_entry back;
    cr_assert_eq(jf_entry_decode(bytes, &arena, &back, NULL), JF_ERROR_CORRUPT);
    entry.as.digest.format = 0;
    cr_assert_eq(jf_entry_decode(encoded(&entry), &arena, &back, NULL), JF_ERROR_CORRUPT);
}

Test(entry_codec, kind_of_a_later_program_is_no_damage_and_named)
{
    struct jf_entry entry = sale_entry();
    entry.kind = (enum jf_entry_kind)(JF_ENTRY_KIND_NEWEST + 1);
    struct jf_entry back;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    cr_assert_eq(jf_entry_decode(encoded(&entry), &arena, &back, &diagnosis), JF_ERROR_VERSION);
    cr_assert_not_null(strstr(diagnosis.text, "kind 35"), "%s", diagnosis.text);
    cr_assert_not_null(strstr(diagnosis.text, "newer program"));
}

Test(entry_codec, truncated_or_flipped_bytes_never_crash)
{
    struct jf_entry entry = sale_entry();
    struct jf_text bytes = encoded(&entry);
    unsigned char *copy = malloc(bytes.size);
    uint32_t refused = 0;
    for (uint32_t size = 0; size < bytes.size; size++) {
        struct jf_entry back;
        memcpy(copy, bytes.data, size);
        struct jf_text cut = {(const char *)copy, size};
        refused += jf_entry_decode(cut, &arena, &back, NULL) == JF_ERROR_CORRUPT ? 1 : 0;
    }
    cr_assert_eq(refused, bytes.size, "an entry cut anywhere lacks its end");
    for (uint32_t i = 0; i < bytes.size * 8; i++) {
        struct jf_entry back;
        memcpy(copy, bytes.data, bytes.size);
        copy[i / 8] ^= (unsigned char)(1u << (i % 8));
        struct jf_text flipped = {(const char *)copy, bytes.size};
        enum jf_error error = jf_entry_decode(flipped, &arena, &back, NULL);
        cr_assert(error == JF_OK || error == JF_ERROR_CORRUPT || error == JF_ERROR_VERSION);
    }
    free(copy);
}

Test(entry_codec, postings_that_do_not_sum_to_zero_are_corrupt)
{
    struct jf_entry entry = sale_entry();
    entry.posting_count = 1;
    struct jf_entry back;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    cr_assert_eq(jf_entry_decode(encoded(&entry), &arena, &back, &diagnosis), JF_ERROR_CORRUPT);
    cr_assert_not_null(strstr(diagnosis.text, "sum to zero"));
}

Test(entry_codec, an_entry_without_a_position_is_corrupt)
{
    struct jf_entry entry = sale_entry();
    entry.position = 1;
    struct jf_text bytes = {NULL, 0};
    struct jf_text outcome = {NULL, 0};
    cr_assert_eq(jf_entry_encode(&entry, &arena, &bytes, &outcome), JF_OK);
    char *position = (char *)(uintptr_t)outcome.data;
    cr_assert_eq(position[0], 0x08, "field 1, a varint");
    cr_assert_eq(position[1], 1);
    position[1] = 0;
    struct jf_entry back;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    cr_assert_eq(jf_entry_decode(bytes, &arena, &back, &diagnosis), JF_ERROR_CORRUPT);
    cr_assert_str_eq(diagnosis.text, "entry: it has no position");
}

Test(entry_codec, wire_dates_map_both_ways)
{
    cr_assert_eq(jf_date_to_wire(20620), 20260616);
    cr_assert_eq(jf_date_from_wire(20260616, JF_DATE_NONE), 20620);
    cr_assert_eq(jf_date_from_wire(0, JF_DATE_EVER), JF_DATE_EVER);
    cr_assert_eq(jf_date_from_wire(20260230, 0), JF_DATE_NONE);
    cr_assert_eq(jf_date_from_wire(-5, 0), JF_DATE_NONE);
    cr_assert_eq(jf_date_to_wire(JF_DATE_EVER), 0);
}
