// Claims about sales: refusals in their order, what is granted to which lot, what pays and what
// earns, the facts recorded, and every bound.
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "programmes.h"
#include "world.h"

static struct world world;
static struct jf_line lines[3];

static void opened(void)
{
    world_open(&world, PROGRAMME_PLAIN);
    world_enrol(&world, 1);
    lines[0] = line_of("food", 10000);
}

static void closed(void)
{
    world_close(&world);
}

TestSuite(plan_sale, .init = opened, .fini = closed);

static void expect_refused(struct jf_command command, enum jf_refusal_code code)
{
    cr_expect_null(world_post(&world, &command));
    cr_expect_str_eq(jf_refusal_name(world.refusal.code), jf_refusal_name(code));
}

static struct jf_command sale_at(const char *at)
{
    return sale_of(1, at, lines, 1);
}

Test(plan_sale, refusals_come_in_their_order)
{
    // One sale that every refusal applies to; its faults are mended one by one.
    struct jf_command command = sale_of(0, "2025-12-31", lines, 1);
    command.as.sale.member.card = JF_TEXT("nobody");
    command.as.sale.receipt.store.value = 99;
    command.as.sale.redeem_points = 5;
    world.is_card_unknown = true;
    expect_refused(command, JF_REFUSAL_UNKNOWN_CARD);
    command.as.sale.member = (struct jf_member_ref){.number = {2}};
    expect_refused(command, JF_REFUSAL_UNKNOWN_MEMBER);
    command.as.sale.member.number.value = 1;
    expect_refused(command, JF_REFUSAL_UNKNOWN_STORE);
    command.as.sale.receipt.store.value = 2;
    world.receipt_position = 77;
    expect_refused(command, JF_REFUSAL_RECEIPT_TAKEN);
    cr_expect_eq(world.refusal.position, 77);
    expect_refused(command, JF_REFUSAL_NO_PROGRAMME);
    command.as.sale.receipt.sold_at_ms = noon_ms("2027-01-02");
    world.members[1]->enrolled_on = date_of("2026-05-01");
    world.members[1]->status = JF_MEMBER_CLOSED;
    expect_refused(command, JF_REFUSAL_IN_FUTURE);
    cr_expect_eq(world.refusal.limit, (int64_t)(world.now_us / 1000) + 60000);
    command.as.sale.receipt.sold_at_ms = noon_ms("2026-04-30");
    expect_refused(command, JF_REFUSAL_BEFORE_ENROLMENT);
    command.as.sale.receipt.sold_at_ms = noon_ms("2026-05-01");
    expect_refused(command, JF_REFUSAL_MEMBER_CLOSED);
    world.members[1]->status = JF_MEMBER_FROZEN;
    expect_refused(command, JF_REFUSAL_MEMBER_FROZEN);
    world.members[1]->status = JF_MEMBER_ACTIVE;
    expect_refused(command, JF_REFUSAL_BELOW_MINIMUM);
    command.as.sale.redeem_points = 15001;
    expect_refused(command, JF_REFUSAL_NOT_A_STEP);
    command.as.sale.redeem_points = 15000;
    expect_refused(command, JF_REFUSAL_ABOVE_SHARE);
    cr_expect_eq(world.refusal.needed, 15000);
    cr_expect_eq(world.refusal.limit, 5000);
    command.as.sale.redeem_points = 5000;
    expect_refused(command, JF_REFUSAL_INSUFFICIENT_POINTS);
    command.as.sale.redeem_points = 0;
    cr_expect_not_null(world_post(&world, &command));
}

Test(plan_sale, the_clock_skew_is_allowed_and_late_arrivals_are_marked)
{
    struct jf_command command = sale_at("2026-12-31");
    command.as.sale.receipt.sold_at_ms = (int64_t)(world.now_us / 1000) + 60001;
    expect_refused(command, JF_REFUSAL_IN_FUTURE);
    command.as.sale.receipt.sold_at_ms -= 1;
    const struct jf_entry *entry = world_post(&world, &command);
    cr_assert_not_null(entry);
    cr_expect_not(entry->is_late);
    command.as.sale.receipt.sold_at_ms = (int64_t)(world.now_us / 1000) - 86400000;
    cr_expect_not(world_post(&world, &command)->is_late);
    command.as.sale.receipt.sold_at_ms -= 1;
    cr_expect(world_post(&world, &command)->is_late);
}

Test(plan_sale, excluded_tenders_above_the_basket_are_refused)
{
    struct world rich;
    world_open(&rich, PROGRAMME_RICH);
    world_enrol(&rich, 1);
    const struct jf_tender tender = {JF_TEXT("insurance"), 10001};
    struct jf_command command = sale_at("2026-02-10");
    command.as.sale.receipt.tenders = &tender;
    command.as.sale.receipt.tender_count = 1;
    cr_expect_null(world_post(&rich, &command));
    cr_expect_eq(rich.refusal.code, JF_REFUSAL_INVALID_FIELD);
    cr_expect_str_eq(rich.refusal.field, "receipt.tenders[%u].amount");
    world_close(&rich);
}

Test(plan_sale, a_grant_goes_to_the_lot_of_the_months_end)
{
    const struct jf_entry *entry = world_buys(&world, 1, "2026-11-30", 10050);
    cr_expect_eq(entry->kind, JF_ENTRY_SALE);
    cr_expect_eq(entry->points_granted, 100);
    cr_expect_eq(entry->as.sale.spend, 10050);
    cr_expect_eq(entry->as.sale.facts.expires_on, date_of("2027-02-28"));
    cr_expect_eq(entry->as.sale.facts.available_on, 0);
    cr_expect_eq(entry->as.sale.facts.tier, 0);
    cr_expect_eq(entry->as.sale.facts.programme_version, 1);
    cr_expect(entry->as.sale.facts.is_first_purchase);
    cr_expect(jf_text_equal(entry->as.sale.facts.region, JF_TEXT("north")));
    cr_assert_eq(entry->posting_count, 2);
    cr_expect_eq(entry->postings[0].account, JF_ACCOUNT_ISSUED);
    cr_expect_eq(entry->postings[0].points, -100);
    cr_expect_eq(entry->postings[0].expires_on, date_of("2027-02-28"));
    cr_expect_eq(entry->postings[1].account, JF_ACCOUNT_AVAILABLE);
    cr_expect_eq(entry->balance.available, 100);
    cr_expect_eq(entry->balance.expiring_on, date_of("2027-02-28"));
    entry = world_buys(&world, 1, "2026-11-01", 300);
    cr_expect_not(entry->as.sale.facts.is_first_purchase);
    cr_expect_eq(world.members[1]->lot_count, 1, "one month, one lot");
    cr_expect_eq(world.members[1]->visits, 2);
    cr_assert_eq(world.members[1]->month_count, 1);
    cr_expect_eq(world.members[1]->months[0].spend, 10350);
    cr_expect_eq(world.members[1]->months[0].visits, 2);
    cr_expect_eq(world.members[1]->months[0].points, 103);
}

Test(plan_sale, the_business_date_is_the_stores)
{
    struct jf_command command = sale_at("2026-03-08");
    command.as.sale.receipt.store.value = 1;
    command.as.sale.receipt.sold_at_ms = noon_ms("2026-03-08") + 4 * 3600000; // midnight there
    const struct jf_entry *entry = world_post(&world, &command);
    cr_expect_eq(entry->business_date, date_of("2026-03-08"));
    cr_expect_eq(entry->as.sale.facts.local_date, date_of("2026-03-09"));
    cr_expect_eq(entry->as.sale.facts.local_second, 0);
    command.as.sale.receipt.sold_at_ms += 4 * 3600000;
    entry = world_post(&world, &command);
    cr_expect_eq(entry->business_date, date_of("2026-03-09"));
    cr_expect_eq(entry->as.sale.facts.local_second, 4 * 3600);
}

Test(plan_sale, a_sale_of_nothing_is_a_visit_without_postings)
{
    const struct jf_entry *entry = world_buys(&world, 1, "2026-02-10", 0);
    cr_expect_eq(entry->posting_count, 0);
    cr_expect_eq(entry->points_granted, 0);
    cr_expect_eq(world.members[1]->visits, 1);
    cr_expect_eq(world.members[1]->lot_count, 0);
}

Test(plan_sale, points_of_the_sale_cannot_pay_for_it)
{
    struct jf_command command = sale_at("2026-02-10"); // would grant 100
    command.as.sale.redeem_points = 100;
    expect_refused(command, JF_REFUSAL_INSUFFICIENT_POINTS);
    world_buys(&world, 1, "2026-02-09", 10000);
    const struct jf_entry *entry = world_post(&world, &command);
    cr_assert_not_null(entry);
    cr_expect_eq(entry->points_redeemed, 100);
    cr_expect_eq(entry->redeemed_value, 100);
    cr_expect_eq(entry->points_granted, 99, "what points paid earns nothing");
    cr_expect_eq(entry->balance.available, 99);
    cr_expect_eq(entry->trace[0].kind, JF_TRACE_REDEEMED);
    cr_expect_eq(entry->as.sale.redeem_points, 100);
    cr_expect_eq(entry->as.sale.redeemed_count, 1);
}

Test(plan_sale, a_frozen_member_earns)
{
    world.members[1]->status = JF_MEMBER_FROZEN;
    struct jf_command command = sale_at("2026-02-10");
    command.as.sale.is_offline = true;
    const struct jf_entry *entry = world_post(&world, &command);
    cr_assert_not_null(entry);
    cr_expect_eq(entry->points_granted, 100);
    cr_expect(entry->as.sale.is_offline);
}

Test(plan_sale, debts_are_paid_first_in_listed_order)
{
    world_room(&world.members[1], 8);
    world.members[1]->debts[0] = (struct jf_debt){.entity = {1}, .points = 30};
    world.members[1]->debts[1] = (struct jf_debt){.entity = {2}, .points = 100};
    world.members[1]->debt_count = 2;
    struct jf_command command = sale_at("2026-02-10");
    command.as.sale.receipt.store.value = 3;
    const struct jf_entry *entry = world_post(&world, &command);
    cr_assert_not_null(entry);
    cr_expect_eq(entry->as.sale.debt_paid, 100);
    cr_assert_eq(entry->posting_count, 3);
    cr_expect_eq(entry->postings[1].account, JF_ACCOUNT_DEBT);
    cr_expect_eq(entry->postings[1].entity.value, 1);
    cr_expect_eq(entry->postings[1].points, 30);
    cr_expect_eq(entry->postings[2].entity.value, 2);
    cr_expect_eq(entry->postings[2].points, 70);
    cr_expect_eq(entry->balance.debt, 30);
    cr_expect_eq(entry->balance.available, 0);
    cr_expect_eq(traced(entry, JF_TRACE_DEBT_PAID)->points, 100);
}

static uint32_t flags_of(uint32_t month, uint32_t day, const char *at)
{
    world.members[1]->birth_month = (uint8_t)month;
    world.members[1]->birth_day = (uint8_t)day;
    struct jf_command command = sale_at(at);
    struct jf_entry *entry = NULL;
    cr_assert_eq(world_plan(&world, &command, &entry), JF_OK);
    cr_assert_not_null(entry, "%s", jf_refusal_name(world.refusal.code));
    return entry->as.sale.facts.birthday;
}

Test(plan_sale, birthdays_are_of_the_day_the_iso_week_and_the_month)
{
    const uint32_t week = JF_BIRTHDAY_WEEK;
    const uint32_t month = JF_BIRTHDAY_MONTH;
    cr_expect_eq(flags_of(0, 0, "2026-06-10"), 0);
    cr_expect_eq(flags_of(6, 10, "2026-06-10"), JF_BIRTHDAY_DAY | week | month);
    cr_expect_eq(flags_of(6, 8, "2026-06-14"), week | month, "Monday and Sunday");
    cr_expect_eq(flags_of(6, 14, "2026-06-08"), week | month);
    cr_expect_eq(flags_of(6, 15, "2026-06-14"), month);
    cr_expect_eq(flags_of(6, 7, "2026-06-08"), month);
    cr_expect_eq(flags_of(7, 1, "2026-06-29"), week);
    cr_expect_eq(flags_of(1, 1, "2026-12-31"), week, "the week reaches into the next year");
    cr_expect_eq(flags_of(12, 31, "2026-01-02"), week, "and into the one before");
    cr_expect_eq(flags_of(5, 10, "2026-06-10"), 0);
}

Test(plan_sale, a_birthday_of_29_february_is_kept_on_28_february_in_other_years)
{
    cr_expect_eq(flags_of(2, 29, "2026-02-28") & JF_BIRTHDAY_DAY, JF_BIRTHDAY_DAY);
    cr_expect_eq(flags_of(2, 29, "2026-03-01") & JF_BIRTHDAY_DAY, 0);
    world.now_us = (uint64_t)noon_ms("2028-12-31") * 1000;
    cr_expect_eq(flags_of(2, 29, "2028-02-28") & JF_BIRTHDAY_DAY, 0);
    cr_expect_eq(flags_of(2, 29, "2028-02-29") & JF_BIRTHDAY_DAY, JF_BIRTHDAY_DAY);
}

Test(plan_sale, too_many_lots_are_refused)
{
    struct jf_member_capacity room = {.lots = JF_LOTS_PER_MEMBER_MAX, .months = 4, .debts = 4};
    struct jf_member *member = jf_member_block_init(malloc(jf_member_block_size(room)), room);
    jf_member_copy(member, world.members[1]);
    free(world.members[1]);
    world.members[1] = member;
    for (uint32_t i = 0; i < JF_LOTS_PER_MEMBER_MAX; i++) {
        member->lots[i] = (struct jf_lot){.expires_on = date_of("2027-01-01") + (jf_date)i,
                                          .entity = {1},
                                          .granted = 1,
                                          .remaining = 1};
    }
    member->lot_count = JF_LOTS_PER_MEMBER_MAX;
    expect_refused(sale_at("2026-03-10"), JF_REFUSAL_LIMIT_REACHED);
    cr_expect_eq(world.refusal.limit, JF_LOTS_PER_MEMBER_MAX);
    member->lots[0].remaining = 0; // spent, and expired by the sale's date: it makes room
    member->lots[0].expires_on = date_of("2026-03-09");
    struct jf_command command = sale_at("2026-03-10");
    cr_expect_not_null(world_post(&world, &command));
}

Test(plan_sale, sums_that_would_leave_64_bits_are_refused)
{
    world_buys(&world, 1, "2026-02-10", 10000);
    struct jf_member *member = world.members[1];
    struct jf_command command = sale_at("2026-02-10");
    struct jf_lot lot = member->lots[0];
    member->lots[0].remaining = INT64_MAX - 99;
    expect_refused(command, JF_REFUSAL_OVERFLOW);
    member->lots[0] = lot;
    member->lots[0].granted = INT64_MAX - 99;
    expect_refused(command, JF_REFUSAL_OVERFLOW);
    member->lots[0] = lot;
    member->months[0].spend = INT64_MAX - 9999;
    expect_refused(command, JF_REFUSAL_OVERFLOW);
    member->months[0].spend = 10000;
    member->visits = UINT32_MAX;
    expect_refused(command, JF_REFUSAL_OVERFLOW);
    member->visits = 1;
    cr_expect_not_null(world_post(&world, &command));
}

Test(plan_sale, a_grant_above_the_bound_is_refused)
{
    struct world huge;
    world_open(&huge, "name: p\neffective_from: 2026-01-01T00:00:00Z\n"
                      "earn: {points: 1000000, per_amount: 0.01}\nexpiry: {policy: never}\n");
    world_enrol(&huge, 1);
    lines[0].amount = JF_AMOUNT_MAX;
    struct jf_command command = sale_at("2026-02-10");
    cr_expect_null(world_post(&huge, &command));
    cr_expect_eq(huge.refusal.code, JF_REFUSAL_OVERFLOW);
    lines[0].amount = 5;
    const struct jf_entry *entry = world_post(&huge, &command);
    cr_assert_not_null(entry);
    cr_expect_eq(entry->as.sale.facts.expires_on, JF_DATE_EVER);
    cr_expect_eq(entry->balance.expiring_on, JF_DATE_EVER);
    world_close(&huge);
}

Test(plan_sale, the_same_inputs_give_the_same_entry)
{
    world_buys(&world, 1, "2026-02-09", 10000);
    struct jf_command command = sale_at("2026-02-10");
    command.as.sale.redeem_points = 50;
    struct jf_entry *first = NULL;
    struct jf_entry *second = NULL;
    cr_assert_eq(world_plan(&world, &command, &first), JF_OK);
    cr_assert_eq(world_plan(&world, &command, &second), JF_OK);
    cr_assert_eq(first->posting_count, second->posting_count);
    for (uint32_t i = 0; i < first->posting_count; i++) {
        cr_expect_eq(first->postings[i].points, second->postings[i].points);
        cr_expect_eq(first->postings[i].expires_on, second->postings[i].expires_on);
    }
    cr_expect_eq(first->fingerprint, second->fingerprint);
    cr_expect_eq(world.members[1]->lots[0].remaining, 100, "planning changes nothing");
}

Test(plan_sale, an_arena_at_its_bound_decides_nothing_wherever_it_fails)
{
    world_buys(&world, 1, "2026-02-09", 10000);
    struct jf_command command = sale_at("2026-02-10");
    command.as.sale.redeem_points = 50;
    struct jf_plan_input input = {.reference = world.reference,
                                  .now_us = world.now_us,
                                  .member = world.members[1],
                                  .is_card_known = true};
    uint32_t failures = 0;
    for (size_t left = 0; left < 65536; left += 16) {
        struct jf_arena arena;
        jf_arena_init(&arena, 65536, 65536);
        cr_assert_not_null(jf_arena_alloc(&arena, 65536 - left));
        input.arena = &arena;
        struct jf_entry *entry = NULL;
        struct jf_refusal refusal = {0};
        enum jf_error error = jf_plan(&input, &command, &entry, &refusal);
        jf_arena_deinit(&arena);
        cr_assert_eq(refusal.code, JF_REFUSAL_NONE);
        if (error == JF_OK) {
            break;
        }
        cr_assert_eq(error, JF_ERROR_NO_MEMORY);
        cr_assert_null(entry);
        failures++;
    }
    cr_expect_gt(failures, 10);
    cr_expect_lt(failures, 65536 / 16);
}

#define PROGRAMME_KNOWING                                                                          \
    "name: knowing\neffective_from: 2026-01-01T00:00:00Z\n"                                        \
    "earn: {points: 1, per_amount: 1.00}\n"                                                        \
    "expiry: {policy: months_after, months: 1}\n"                                                  \
    "pending_days: 3\n"                                                                            \
    "redemption: {points: 1, amount: 0.01}\n"                                                      \
    "known: {categories: [food], tenders: [cash]}\n"                                               \
    "unknown: {categories: refuse, tenders: refuse}\n"                                             \
    "exclusions: {categories: [tobacco], member_statuses: [frozen], tags: [3, 63]}\n"

static void knowing_open(struct world *knowing)
{
    world_open(knowing, PROGRAMME_KNOWING);
    world_enrol(knowing, 1);
}

Test(plan_sale, what_the_programme_does_not_know_is_refused_where_it_says_so)
{
    struct world knowing;
    knowing_open(&knowing);
    struct jf_line some[3] = {line_of("food", 100), line_of("", 100), line_of("toys", 100)};
    const struct jf_tender tenders[2] = {{JF_TEXT("cash"), 100}, {JF_TEXT("beads"), 100}};
    struct jf_command command = sale_of(1, "2026-02-10", some, 3);
    command.as.sale.receipt.tenders = tenders;
    command.as.sale.receipt.tender_count = 2;
    command.as.sale.redeem_points = 1; // which would be refused too, later
    cr_expect_null(world_post(&knowing, &command));
    cr_expect_eq(knowing.refusal.code, JF_REFUSAL_UNKNOWN_CATEGORY);
    cr_expect_str_eq(knowing.refusal.field, "receipt.lines[%u].category");
    cr_expect_eq(knowing.refusal.index, 2);
    some[2] = line_of("tobacco", 100); // named by an exclusion: known
    cr_expect_null(world_post(&knowing, &command));
    cr_expect_eq(knowing.refusal.code, JF_REFUSAL_UNKNOWN_TENDER);
    cr_expect_str_eq(knowing.refusal.field, "receipt.tenders[%u].type");
    cr_expect_eq(knowing.refusal.index, 1);
    command.as.sale.receipt.tender_count = 1;
    cr_expect_null(world_post(&knowing, &command));
    cr_expect_eq(knowing.refusal.code, JF_REFUSAL_INSUFFICIENT_POINTS);
    command.as.sale.redeem_points = 0;
    cr_expect_not_null(world_post(&knowing, &command));
    world_close(&knowing);
}

Test(plan_sale, pending_points_can_be_spent_from_their_first_day_on)
{
    struct world knowing;
    knowing_open(&knowing);
    const struct jf_entry *entry = world_buys(&knowing, 1, "2026-02-10", 10000);
    cr_expect_eq(entry->as.sale.facts.available_on, date_of("2026-02-13"));
    cr_expect_eq(entry->as.sale.facts.expires_on, date_of("2026-03-10"));
    cr_expect_eq(entry->balance.available, 0);
    cr_expect_eq(entry->balance.pending, 100);
    cr_expect_eq(posted(entry, JF_ACCOUNT_AVAILABLE), 100, "one account from the grant on");
    struct jf_command early = redeem_of(1, "2026-02-12", 1);
    cr_expect_null(world_post(&knowing, &early));
    cr_expect_eq(knowing.refusal.code, JF_REFUSAL_INSUFFICIENT_POINTS);
    struct jf_command in_time = redeem_of(1, "2026-02-13", 1);
    entry = world_post(&knowing, &in_time);
    cr_assert_not_null(entry);
    cr_expect_eq(entry->balance.available, 99);
    world_close(&knowing);
}

Test(plan_sale, members_who_are_excluded_earn_and_spend_nothing_towards_tiers)
{
    struct world knowing;
    knowing_open(&knowing);
    knowing.members[1]->status = JF_MEMBER_FROZEN;
    const struct jf_entry *frozen = world_buys(&knowing, 1, "2026-02-10", 10000);
    cr_expect_eq(frozen->points_granted, 0);
    cr_expect_eq(frozen->as.sale.spend, 0);
    cr_expect_eq(frozen->as.sale.facts.member_status, JF_MEMBER_FROZEN);
    knowing.members[1]->status = JF_MEMBER_ACTIVE;
    cr_expect_eq(world_brings_back(&knowing, frozen, NULL, "2026-02-11")->points_granted, 0,
                 "judged by what the member was");
    const struct jf_entry *active = world_buys(&knowing, 1, "2026-02-10", 10000);
    knowing.members[1]->tags = (uint64_t)1 << 63;
    cr_expect_eq(world_buys(&knowing, 1, "2026-02-10", 10000)->points_granted, 0);
    cr_expect_eq(world_brings_back(&knowing, active, NULL, "2026-02-11")->points_granted, -100);
    world_close(&knowing);
}
