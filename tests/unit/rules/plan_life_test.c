// Claims about a member's life: refusals in their order, what is known of the member after each,
// and what becomes of the balance of one that is closed.
#include <criterion/criterion.h>

#include <stdio.h>

#include "programmes.h"
#include "world.h"

#define PROGRAMME_REFUSING PROGRAMME_PLAIN "close: {balance: refuse}\n"

static struct world world;

static void opened(void)
{
    world_open(&world, PROGRAMME_PLAIN);
    world_enrol(&world, 1);
}

static void closed(void)
{
    world_close(&world);
}

TestSuite(plan_life, .init = opened, .fini = closed);

static struct jf_command command_of(enum jf_command_kind kind)
{
    return (struct jf_command){.kind = kind, .transaction_id = JF_TEXT("t")};
}

static struct jf_command update_of(uint64_t member, bool is_erase)
{
    struct jf_command command = command_of(JF_COMMAND_UPDATE_MEMBER);
    command.as.update_member = (struct jf_update_member_command){.member = {.number = {member}},
                                                                 .birth_month = 2,
                                                                 .birth_day = 29,
                                                                 .home_store = 7,
                                                                 .tags = 5,
                                                                 .is_erase = is_erase};
    return command;
}

static struct jf_command link_of(uint64_t member, struct jf_text card)
{
    struct jf_command command = command_of(JF_COMMAND_LINK_CARD);
    command.as.link_card.member.number.value = member;
    command.as.link_card.card = card;
    return command;
}

// By number, as the engine has resolved the card.
static struct jf_command unlink_of(uint64_t member, struct jf_text card)
{
    struct jf_command command = command_of(JF_COMMAND_UNLINK_CARD);
    command.as.unlink_card.card = (struct jf_member_ref){{member}, card};
    return command;
}

static struct jf_command freeze_of(uint64_t member, bool is_thaw)
{
    struct jf_command command = command_of(JF_COMMAND_FREEZE);
    command.as.freeze.member.number.value = member;
    command.as.freeze.is_thaw = is_thaw;
    return command;
}

static struct jf_command close_of(uint64_t member)
{
    struct jf_command command = command_of(JF_COMMAND_CLOSE);
    command.as.close.member.number.value = member;
    return command;
}

static void expect_refused(struct jf_command command, enum jf_refusal_code code)
{
    cr_expect_null(world_post(&world, &command));
    cr_expect_eq(world.refusal.code, code, "%s", jf_refusal_name(world.refusal.code));
}

static const struct jf_entry *posted_of(struct jf_command command)
{
    const struct jf_entry *entry = world_post(&world, &command);
    cr_assert_not_null(entry, "%s", jf_refusal_name(world.refusal.code));
    return entry;
}

Test(plan_life, who_is_named_must_be_known_and_not_have_become_another)
{
    const struct jf_command commands[] = {update_of(2, false), link_of(2, JF_TEXT("c")),
                                          unlink_of(2, JF_TEXT("c")), freeze_of(2, false),
                                          close_of(2)};
    for (uint32_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        world.is_card_unknown = commands[i].kind == JF_COMMAND_UNLINK_CARD;
        expect_refused(commands[i],
                       world.is_card_unknown ? JF_REFUSAL_UNKNOWN_CARD : JF_REFUSAL_UNKNOWN_MEMBER);
    }
    world_enrol(&world, 2);
    world.members[2]->status = JF_MEMBER_MERGED;
    world.members[2]->merged_into.value = 1;
    for (uint32_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        expect_refused(commands[i], JF_REFUSAL_MEMBER_MERGED);
        cr_expect_eq(world.refusal.position, world.members[2]->last_position);
        cr_expect_str_eq(world.refusal.detail, "it is member 1 now");
    }
    world.members[2]->status = JF_MEMBER_ACTIVE;
    world.members[2]->merged_into.value = 0;
}

static void merge_mark(uint64_t member)
{
    world.members[member]->status = JF_MEMBER_MERGED;
    world.members[member]->merged_into.value = 1;
}

static void status_mark(uint64_t member, enum jf_member_status status)
{
    world.members[member]->status = status;
    world.members[member]->merged_into.value = 0;
}

// Not known, then become another, then closed; active at the end. In: a command about member 2,
// which is not enrolled.
static void expect_who_is_refused_first(struct jf_command command)
{
    expect_refused(command, JF_REFUSAL_UNKNOWN_MEMBER);
    world_enrol(&world, 2);
    merge_mark(2);
    expect_refused(command, JF_REFUSAL_MEMBER_MERGED);
    status_mark(2, JF_MEMBER_CLOSED);
    expect_refused(command, JF_REFUSAL_MEMBER_CLOSED);
    status_mark(2, JF_MEMBER_ACTIVE);
}

Test(plan_life, update_member_refusals_come_in_their_order)
{
    expect_who_is_refused_first(update_of(2, false));
    posted_of(update_of(2, false));
}

Test(plan_life, freeze_refusals_come_in_their_order)
{
    expect_who_is_refused_first(freeze_of(2, false));
    posted_of(freeze_of(2, false));
}

static void expect_link_refused(struct jf_command command, bool is_taken, enum jf_refusal_code code)
{
    world.card_taken_by = is_taken ? 1 : 0;
    expect_refused(command, code);
}

Test(plan_life, link_card_refusals_come_in_their_order)
{
    char text[16];
    struct jf_command command = link_of(2, JF_TEXT("more"));
    expect_link_refused(command, true, JF_REFUSAL_UNKNOWN_MEMBER);
    world_enrol(&world, 2);
    for (uint32_t i = 0; i < JF_CARDS_PER_MEMBER_MAX; i++) {
        (void)snprintf(text, sizeof text, "card-%u", i);
        posted_of(link_of(2, jf_text_from(text)));
    }
    merge_mark(2);
    expect_link_refused(command, true, JF_REFUSAL_MEMBER_MERGED);
    status_mark(2, JF_MEMBER_CLOSED);
    expect_link_refused(command, true, JF_REFUSAL_MEMBER_CLOSED);
    status_mark(2, JF_MEMBER_ACTIVE);
    expect_link_refused(command, true, JF_REFUSAL_CARD_TAKEN);
    expect_link_refused(command, false, JF_REFUSAL_LIMIT_REACHED);
    posted_of(unlink_of(2, JF_TEXT("card-7")));
    posted_of(command);
}

Test(plan_life, unlink_card_refusals_come_in_their_order)
{
    struct jf_command command = unlink_of(2, JF_TEXT("a"));
    world.is_card_unknown = true;
    expect_refused(command, JF_REFUSAL_UNKNOWN_CARD);
    world_enrol(&world, 2);
    posted_of(link_of(2, JF_TEXT("a")));
    merge_mark(2);
    expect_refused(command, JF_REFUSAL_MEMBER_MERGED);
    status_mark(2, JF_MEMBER_CLOSED); // no refusal of a card
    posted_of(command);
}

Test(plan_life, close_refusals_come_in_their_order)
{
    world_close(&world);
    world_open(&world, PROGRAMME_REFUSING);
    expect_refused(close_of(2), JF_REFUSAL_UNKNOWN_MEMBER);
    world_enrol(&world, 2);
    world_buys(&world, 2, "2026-12-10", 10000);
    merge_mark(2);
    expect_refused(close_of(2), JF_REFUSAL_MEMBER_MERGED);
    status_mark(2, JF_MEMBER_CLOSED);
    expect_refused(close_of(2), JF_REFUSAL_MEMBER_CLOSED);
    status_mark(2, JF_MEMBER_ACTIVE);
    expect_refused(close_of(2), JF_REFUSAL_BALANCE_LEFT);
    posted_of(redeem_of(2, "2026-12-11", 100));
    posted_of(close_of(2));
}

Test(plan_life, a_merged_member_is_named_before_an_unknown_store)
{
    world.members[1]->status = JF_MEMBER_MERGED;
    world.members[1]->merged_into.value = 4;
    struct jf_command command = redeem_of(1, "2026-02-10", 20);
    command.as.redeem.store.value = 99;
    expect_refused(command, JF_REFUSAL_MEMBER_MERGED);
}

Test(plan_life, what_is_known_of_a_member_is_replaced)
{
    const struct jf_entry *entry = posted_of(update_of(1, false));
    const struct jf_member *member = world.members[1];
    cr_expect_eq(entry->kind, JF_ENTRY_MEMBER_UPDATE);
    cr_expect_eq(entry->business_date, date_of("2026-12-31")); // the clock's day
    cr_expect_eq(member->birth_month, 2);
    cr_expect_eq(member->birth_day, 29);
    cr_expect_eq(member->home_store, 7);
    cr_expect_eq(member->tags, 5);
}

Test(plan_life, erasing_forgets_birthday_and_cards_and_nothing_else)
{
    world_buys(&world, 1, "2026-12-10", 1000);
    posted_of(update_of(1, false));
    posted_of(link_of(1, JF_TEXT("a")));
    posted_of(link_of(1, JF_TEXT("b")));
    const struct jf_entry *entry = posted_of(update_of(1, true));
    const struct jf_member *member = world.members[1];
    cr_expect_eq(entry->as.member_update.card_count, 2);
    cr_expect(jf_text_equal(entry->as.member_update.cards[1], JF_TEXT("b")));
    cr_expect_eq(jf_entry_card_move(entry).leads_to.value, 0);
    cr_expect_eq(member->card_count, 0);
    cr_expect_eq(member->birth_month, 0);
    cr_expect_eq(member->birth_day, 0);
    cr_expect_eq(member->tags, 5);
    cr_expect_eq(entry->balance.available, 10);
}

Test(plan_life, a_card_is_linked_once_and_unlinked_by_name)
{
    const struct jf_entry *entry = posted_of(link_of(1, JF_TEXT("a")));
    cr_expect_eq(jf_entry_card_move(entry).leads_to.value, 1);
    posted_of(link_of(1, JF_TEXT("b")));
    world.card_taken_by = 1;
    expect_refused(link_of(1, JF_TEXT("a")), JF_REFUSAL_CARD_TAKEN);
    cr_expect_str_eq(world.refusal.field, "card");
    entry = posted_of(unlink_of(1, JF_TEXT("a")));
    cr_expect_eq(entry->kind, JF_ENTRY_CARD_UNLINK);
    cr_expect_eq(world.members[1]->card_count, 1);
    cr_expect_eq(world.members[1]->cards[0].bytes[0], 'b');
}

Test(plan_life, a_member_has_sixty_four_cards_at_most)
{
    char text[16];
    for (uint32_t i = 0; i < JF_CARDS_PER_MEMBER_MAX; i++) {
        (void)snprintf(text, sizeof text, "card-%u", i);
        posted_of(link_of(1, jf_text_from(text)));
    }
    expect_refused(link_of(1, JF_TEXT("more")), JF_REFUSAL_LIMIT_REACHED);
    cr_expect_eq(world.refusal.limit, JF_CARDS_PER_MEMBER_MAX);
}

Test(plan_life, freezing_twice_and_thawing_twice_change_nothing)
{
    for (uint32_t i = 0; i < 2; i++) {
        posted_of(freeze_of(1, false));
        cr_expect_eq(world.members[1]->status, JF_MEMBER_FROZEN);
    }
    expect_refused(redeem_of(1, "2026-12-10", 20), JF_REFUSAL_MEMBER_FROZEN);
    for (uint32_t i = 0; i < 2; i++) {
        posted_of(freeze_of(1, true));
        cr_expect_eq(world.members[1]->status, JF_MEMBER_ACTIVE);
    }
}

Test(plan_life, a_closed_member_stays_closed_and_can_still_be_forgotten)
{
    posted_of(link_of(1, JF_TEXT("a")));
    const struct jf_entry *entry = posted_of(close_of(1));
    cr_expect_eq(entry->kind, JF_ENTRY_MEMBER_STATUS);
    cr_expect_eq(entry->posting_count, 0);
    cr_expect_eq(entry->trace_count, 0);
    expect_refused(update_of(1, false), JF_REFUSAL_MEMBER_CLOSED);
    world.card_taken_by = 1; // the status comes first
    expect_refused(link_of(1, JF_TEXT("a")), JF_REFUSAL_MEMBER_CLOSED);
    world.card_taken_by = 0;
    expect_refused(freeze_of(1, true), JF_REFUSAL_MEMBER_CLOSED);
    expect_refused(close_of(1), JF_REFUSAL_MEMBER_CLOSED);
    posted_of(unlink_of(1, JF_TEXT("a")));
    posted_of(update_of(1, true));
    cr_expect_eq(world.members[1]->status, JF_MEMBER_CLOSED);
}

Test(plan_life, closing_writes_off_what_could_still_be_spent)
{
    world_buys(&world, 1, "2026-02-10", 3000);  // expired by now, and nobody has said so
    world_buys(&world, 1, "2026-12-10", 10000); // to be written off
    const struct jf_entry *entry = posted_of(close_of(1));
    cr_expect_eq(posted(entry, JF_ACCOUNT_WRITTEN_OFF), 100);
    cr_expect_eq(posted(entry, JF_ACCOUNT_AVAILABLE), -100);
    cr_expect_eq(traced(entry, JF_TRACE_FORFEITED)->points, 100);
    cr_expect_null(traced(entry, JF_TRACE_DEBT));
    cr_expect_eq(entry->balance.available, 0);
    cr_expect_eq(jf_member_balance(world.members[1]), 30); // left to expire
}

Test(plan_life, closing_voids_what_is_held_whatever_its_deadline)
{
    world_buys(&world, 1, "2026-12-10", 10000);
    const struct jf_entry *hold = posted_of(hold_of(1, "2026-12-31", 40));
    const struct jf_entry *entry = posted_of(close_of(1));
    cr_expect_eq(posted(entry, JF_ACCOUNT_HELD), -40);
    cr_expect_eq(posted(entry, JF_ACCOUNT_AVAILABLE), -60); // 40 come back, 100 go
    cr_expect_eq(posted(entry, JF_ACCOUNT_WRITTEN_OFF), 100);
    cr_expect_eq(traced(entry, JF_TRACE_VOIDED)->exact, (int64_t)hold->position);
    cr_assert_eq(entry->voided_hold_count, 1);
    cr_expect_eq(entry->voided_holds[0], hold->position);
    cr_expect_eq(world.members[1]->hold_count, 0);
}

Test(plan_life, closing_forgives_what_is_owed)
{
    const struct jf_entry *sale = world_buys(&world, 1, "2026-12-10", 10000);
    struct jf_command redeem = redeem_of(1, "2026-12-11", 100);
    posted_of(redeem);
    world_brings_back(&world, sale, NULL, "2026-12-12");
    cr_expect_eq(jf_member_debt(world.members[1]), 100);
    const struct jf_entry *entry = posted_of(close_of(1));
    cr_expect_eq(posted(entry, JF_ACCOUNT_DEBT), 100);
    cr_expect_eq(posted(entry, JF_ACCOUNT_WRITTEN_OFF), -100);
    cr_expect_eq(traced(entry, JF_TRACE_DEBT)->points, 100);
    cr_expect_eq(world.members[1]->debt_count, 0);
}

Test(plan_life, a_programme_may_refuse_to_close_a_member_with_a_balance)
{
    world_close(&world);
    world_open(&world, PROGRAMME_REFUSING);
    world_enrol(&world, 1);
    posted_of(close_of(1)); // nothing is left
    world_enrol(&world, 2);
    world_buys(&world, 2, "2026-02-10", 3000); // expired by now
    const struct jf_entry *sale = world_buys(&world, 2, "2026-12-10", 10000);
    expect_refused(close_of(2), JF_REFUSAL_BALANCE_LEFT);
    cr_expect_eq(world.refusal.available, 100);
    posted_of(redeem_of(2, "2026-12-11", 100));
    world_brings_back(&world, sale, NULL, "2026-12-12");
    expect_refused(close_of(2), JF_REFUSAL_BALANCE_LEFT);
    cr_expect_eq(world.refusal.needed, 100);
    cr_expect_eq(world.refusal.available, 0);
}

Test(plan_life, a_closed_member_may_still_return)
{
    const struct jf_entry *sale = world_buys(&world, 1, "2026-12-10", 10000);
    posted_of(close_of(1));
    world_brings_back(&world, sale, NULL, "2026-12-12");
    cr_expect_eq(jf_member_debt(world.members[1]), 100);
}
