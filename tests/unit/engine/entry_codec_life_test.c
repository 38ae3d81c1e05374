// Entries of a member's life survive the way to bytes and back; bodies that no planning wrote are
// errors.
#include <criterion/criterion.h>
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
