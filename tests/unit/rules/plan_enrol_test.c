// Claims about enrolment: its refusals in their order, and what a new member is.
#include <criterion/criterion.h>

#include "programmes.h"
#include "world.h"

static struct world world;

static void opened(void)
{
    world_open(&world, PROGRAMME_PLAIN);
}

static void closed(void)
{
    world_close(&world);
}

TestSuite(plan_enrol, .init = opened, .fini = closed);

static void expect_refused(struct jf_command command, uint64_t card_taken_by,
                           enum jf_refusal_code code)
{
    world.card_taken_by = card_taken_by;
    cr_expect_null(world_post(&world, &command));
    cr_expect_str_eq(jf_refusal_name(world.refusal.code), jf_refusal_name(code));
}

Test(plan_enrol, refusals_come_in_their_order)
{
    const struct jf_text cards[] = {JF_TEXT("a")};
    world_enrol(&world, 1);
    struct jf_command command = enrol_of(1, "2027-06-01");
    command.as.enrol.cards = cards;
    command.as.enrol.card_count = 1;
    expect_refused(command, 1, JF_REFUSAL_MEMBER_EXISTS);
    command.as.enrol.number.value = 2;
    expect_refused(command, 1, JF_REFUSAL_CARD_TAKEN);
    expect_refused(command, 0, JF_REFUSAL_IN_FUTURE);
    command.as.enrol.enrolled_on = date_of("2026-06-01");
    cr_expect_not_null(world_post(&world, &command));
}

Test(plan_enrol, a_number_that_is_taken_is_refused)
{
    world_enrol(&world, 1);
    struct jf_command command = enrol_of(1, "2027-06-01"); // the future too: the number comes first
    world.card_taken_by = 1;
    cr_expect_null(world_post(&world, &command));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_MEMBER_EXISTS);
    cr_expect_eq(world.refusal.position, world.members[1]->last_position);
}

Test(plan_enrol, a_card_of_another_member_is_refused_by_name)
{
    const struct jf_text cards[] = {JF_TEXT("a"), JF_TEXT("b")};
    struct jf_command command = enrol_of(1, "2027-06-01");
    command.as.enrol.cards = cards;
    command.as.enrol.card_count = 2;
    world.card_taken_by = 2;
    cr_expect_null(world_post(&world, &command));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_CARD_TAKEN);
    cr_expect_str_eq(world.refusal.field, "cards[%u]");
    cr_expect_eq(world.refusal.index, 1);
}

Test(plan_enrol, a_day_after_tomorrow_is_refused)
{
    struct jf_command command = enrol_of(1, "2027-01-02");
    cr_expect_null(world_post(&world, &command));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_IN_FUTURE);
    command = enrol_of(1, "2027-01-01"); // tomorrow by UTC
    cr_expect_not_null(world_post(&world, &command));
}

Test(plan_enrol, a_new_member_holds_nothing)
{
    struct jf_command command = enrol_of(3, "2026-05-05");
    command.as.enrol.birth_month = 2;
    command.as.enrol.birth_day = 29;
    command.as.enrol.home_store = 99; // not known here: not validated
    const struct jf_entry *entry = world_post(&world, &command);
    cr_assert_not_null(entry);
    cr_expect_eq(entry->kind, JF_ENTRY_ENROLMENT);
    cr_expect_eq(entry->member.value, 3);
    cr_expect_eq(entry->previous_position, 0);
    cr_expect_eq(entry->business_date, date_of("2026-05-05"));
    cr_expect_eq(entry->posting_count, 0);
    cr_expect_eq(entry->balance.available, 0);
    cr_expect_eq(entry->balance.expiring_on, JF_DATE_EVER);
    cr_expect_eq(world.members[3]->home_store, 99);
    cr_expect_eq(world.members[3]->last_position, entry->position);
    const struct jf_counter *counters = NULL;
    cr_assert_eq(jf_control_chain_counters(world.control, &counters), 1);
    cr_expect_eq(counters[0].kind, JF_COUNTER_LEVEL);
    cr_expect_eq(counters[0].value, 1);
}
