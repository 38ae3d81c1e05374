// Entries of a member's life survive the way to bytes and back; bodies that no planning wrote are
// errors.
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

TestSuite(entry_codec_life, .init = setup, .fini = teardown);

static struct jf_entry entry_of(enum jf_entry_kind kind)
{
    struct jf_entry entry;
    memset(&entry, 0, sizeof entry);
    entry.kind = kind;
    entry.position = 9;
    entry.recorded_at_us = 1;
    entry.transaction_id = JF_TEXT("t");
    entry.fingerprint = 7;
    entry.member.value = 3;
    entry.business_date = 20620;
    entry.balance.expiring_on = JF_DATE_EVER;
    return entry;
}

// Returns: JF_OK with *out_back, or the decoder's error.
static enum jf_error travel(const struct jf_entry *entry, struct jf_entry *out_back)
{
    struct jf_text bytes;
    struct jf_text outcome;
    struct jf_diagnosis diagnosis = {0};
    cr_assert_eq(jf_entry_encode(entry, &arena, &bytes, &outcome), JF_OK);
    return jf_entry_decode(bytes, &arena, out_back, &diagnosis);
}

Test(entry_codec_life, what_is_known_of_a_member_comes_back)
{
    static const struct jf_text cards[2] = {{"a", 1}, {"card-b", 6}};
    struct jf_entry entry = entry_of(JF_ENTRY_MEMBER_UPDATE);
    struct jf_entry back;
    entry.as.member_update = (struct jf_member_update_entry){.birth_month = 2,
                                                             .birth_day = 29,
                                                             .home_store = 12,
                                                             .tags = (uint64_t)1 << 63,
                                                             .is_erase = true,
                                                             .cards = cards,
                                                             .card_count = 2};
    cr_assert_eq(travel(&entry, &back), JF_OK);
    const struct jf_member_update_entry *update = &back.as.member_update;
    cr_expect_eq(back.kind, JF_ENTRY_MEMBER_UPDATE);
    cr_expect_eq(update->birth_month, 2);
    cr_expect_eq(update->birth_day, 29);
    cr_expect_eq(update->home_store, 12);
    cr_expect_eq(update->tags, (uint64_t)1 << 63);
    cr_expect(update->is_erase);
    cr_assert_eq(update->card_count, 2);
    cr_expect(jf_text_equal(update->cards[1], cards[1]));
}

Test(entry_codec_life, cards_and_statuses_come_back)
{
    struct jf_entry back;
    struct jf_entry entry = entry_of(JF_ENTRY_CARD_LINK);
    entry.as.card_link.card = JF_TEXT("c");
    cr_assert_eq(travel(&entry, &back), JF_OK);
    cr_expect_eq(jf_entry_card_move(&back).leads_to.value, 3);
    cr_expect(jf_text_equal(back.as.card_link.card, JF_TEXT("c")));
    entry = entry_of(JF_ENTRY_CARD_UNLINK);
    entry.as.card_unlink.card = JF_TEXT("c");
    cr_assert_eq(travel(&entry, &back), JF_OK);
    cr_expect(jf_text_equal(back.as.card_unlink.card, JF_TEXT("c")));
    entry = entry_of(JF_ENTRY_MEMBER_STATUS);
    entry.as.member_status.status = JF_MEMBER_CLOSED;
    cr_assert_eq(travel(&entry, &back), JF_OK);
    cr_expect_eq(back.as.member_status.status, JF_MEMBER_CLOSED);
}

Test(entry_codec_life, bodies_that_no_planning_wrote_are_errors)
{
    struct jf_entry back;
    struct jf_entry entry = entry_of(JF_ENTRY_CARD_LINK); // no card
    cr_expect_eq(travel(&entry, &back), JF_ERROR_CORRUPT);
    entry = entry_of(JF_ENTRY_MEMBER_STATUS);
    cr_expect_eq(travel(&entry, &back), JF_ERROR_CORRUPT);
    entry.as.member_status.status = JF_MEMBER_MERGED; // a merge says so, no status
    cr_expect_eq(travel(&entry, &back), JF_ERROR_CORRUPT);
    entry = entry_of(JF_ENTRY_MEMBER_UPDATE);
    entry.as.member_update.birth_month = 13;
    cr_expect_eq(travel(&entry, &back), JF_ERROR_CORRUPT);
}

Test(entry_codec_life, adjustments_and_transfers_come_back)
{
    static const struct jf_lot_part parts[2] = {{0, JF_DATE_EVER, {3}, 40}, {5, 20999, {4}, 2}};
    struct jf_entry back;
    struct jf_entry entry = entry_of(JF_ENTRY_ADJUSTMENT);
    entry.as.adjustment = (struct jf_adjustment_entry){.points = -42,
                                                       .reason_code = JF_TEXT("goodwill"),
                                                       .operator_name = JF_TEXT("ann"),
                                                       .approver = JF_TEXT("bob"),
                                                       .entity = {255},
                                                       .adjusted_at_ms = 1781524800000,
                                                       .debited = parts,
                                                       .debited_count = 2};
    cr_assert_eq(travel(&entry, &back), JF_OK);
    cr_expect_eq(back.as.adjustment.points, -42);
    cr_expect_eq(back.as.adjustment.expires_on, 0);
    cr_expect_eq(back.as.adjustment.debited[1].available_on, 5);
    cr_expect(jf_text_equal(back.as.adjustment.approver, JF_TEXT("bob")));
    entry = entry_of(JF_ENTRY_TRANSFER);
    entry.as.transfer = (struct jf_transfer_entry){.to = {{8}, 6},
                                                   .points = 42,
                                                   .operator_name = JF_TEXT("ann"),
                                                   .transferred_at_ms = 1781524800000,
                                                   .moved = parts,
                                                   .moved_count = 2};
    cr_assert_eq(travel(&entry, &back), JF_OK);
    cr_expect_eq(jf_entry_second(&back).member.value, 8);
    cr_expect_eq(jf_entry_second(&back).previous_position, 6);
    cr_expect_eq(back.as.transfer.moved[0].expires_on, JF_DATE_EVER);
    entry.as.transfer.to.member = entry.member; // to whom it comes from
    cr_expect_eq(travel(&entry, &back), JF_ERROR_CORRUPT);
}

static const struct jf_lot_part held[3] = {
    {0, 20999, {3}, 1}, {0, JF_DATE_EVER, {3}, 2}, {0, 20999, {4}, 3}};
static const struct jf_hold holds[2] = {
    {.position = 4, .deadline_ms = 10, .part_count = 1},
    {.position = 5, .deadline_ms = 20, .part_count = 2, .reward = 7, .quantity = 1}};
static const struct jf_text merged_cards[1] = {{"a", 1}};

Test(entry_codec_life, damaged_bytes_of_a_merge_are_errors_or_another_entry_and_never_crash)
{
    struct jf_entry entry = entry_of(JF_ENTRY_MERGE);
    entry.as.merge = (struct jf_merge_entry){.from = {{8}, 6},
                                             .holds = holds,
                                             .hold_count = 2,
                                             .hold_parts = held,
                                             .hold_part_count = 3,
                                             .cards = merged_cards,
                                             .card_count = 1,
                                             .enrolled_on = 19000};
    struct jf_text bytes;
    struct jf_text outcome;
    cr_assert_eq(jf_entry_encode(&entry, &arena, &bytes, &outcome), JF_OK);
    char *spoilt = malloc(bytes.size);
    cr_assert_not_null(spoilt);
    uint32_t read = 0;
    for (uint32_t at = 0; at < bytes.size; at++) {
        for (uint32_t bit = 0; bit < 8; bit++) {
            struct jf_entry back;
            struct jf_diagnosis diagnosis = {0};
            memcpy(spoilt, bytes.data, bytes.size);
            spoilt[at] = (char)(spoilt[at] ^ (1 << bit));
            struct jf_text text = {spoilt, bytes.size};
            read += jf_entry_decode(text, &arena, &back, &diagnosis) == JF_OK;
            text.size = at; // cut as well
            (void)!jf_entry_decode(text, &arena, &back, &diagnosis);
        }
    }
    cr_expect_gt(read, 0);
    cr_expect_lt(read, 8 * bytes.size);
    free(spoilt);
}

Test(entry_codec_life, a_merge_comes_back_whole)
{
    static const struct jf_lot_part granted[1] = {{0, 20999, {3}, 40}};
    static const struct jf_month_count months[1] = {
        {.month_index = 2026 * 12 + 11, .visits = 3, .spend = 900, .points = 9}};
    static const struct jf_counter_delta counters[1] = {{JF_COUNTER_REWARD, 7, 0, 2}};
    struct jf_entry back;
    struct jf_entry entry = entry_of(JF_ENTRY_MERGE);
    entry.as.merge = (struct jf_merge_entry){.from = {{8}, 6},
                                             .granted = granted,
                                             .granted_count = 1,
                                             .months = months,
                                             .month_count = 1,
                                             .counters = counters,
                                             .counter_count = 1,
                                             .holds = holds,
                                             .hold_count = 2,
                                             .hold_parts = held,
                                             .hold_part_count = 3,
                                             .cards = merged_cards,
                                             .card_count = 1,
                                             .visits = 3,
                                             .tier = 1,
                                             .tier_version = 2,
                                             .tier_since = 20000,
                                             .tier_until = 20100,
                                             .enrolled_on = 19000,
                                             .birth_month = 2,
                                             .birth_day = 29,
                                             .tags = 5};
    cr_assert_eq(travel(&entry, &back), JF_OK);
    const struct jf_merge_entry *merge = &back.as.merge;
    cr_expect_eq(merge->from.previous_position, 6);
    cr_expect_eq(merge->granted[0].points, 40);
    cr_expect_eq(merge->months[0].month_index, months[0].month_index);
    cr_expect_eq(merge->counters[0].delta, 2);
    cr_assert_eq(merge->hold_count, 2);
    cr_expect_eq(merge->holds[1].quantity, 1);
    cr_expect_eq(merge->holds[1].reward, 7);
    cr_assert_eq(merge->hold_part_count, 3);
    cr_expect_eq(merge->hold_parts[2].points, 3);
    cr_expect_eq(merge->card_count, 1);
    cr_expect_eq(merge->tier_since, 20000);
    cr_expect_eq(merge->tier_until, 20100);
    cr_expect_eq(merge->tier_version, 2);
    cr_expect_eq(merge->enrolled_on, 19000);
    cr_expect_eq(merge->tags, 5);
    entry.as.merge.from.member = entry.member;
    cr_expect_eq(travel(&entry, &back), JF_ERROR_CORRUPT);
}
