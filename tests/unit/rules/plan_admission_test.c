// Claims about time: which business date an instant has at a store, at the edges of days, of
// daylight saving and of both; which programme decides a receipt, however late it arrives; and that
// what was decided stays decided when a store or its zone is another one later.
#include <criterion/criterion.h>

#include "base/zone.h"
#include "programmes.h"
#include "world.h"

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

TestSuite(plan_admission, .init = opened, .fini = closed);

static int64_t utc_ms(const char *date, int32_t hour, int32_t minute, int32_t second)
{
    return noon_ms(date) + (int64_t)((hour - 12) * 3600 + minute * 60 + second) * 1000;
}

static void store_put(uint32_t number, const char *zone, uint32_t day_start_minute)
{
    struct jf_command command = {.kind = JF_COMMAND_PUT_STORE, .transaction_id = JF_TEXT("t")};
    command.as.put_store = (struct jf_put_store_command){.store = {number},
                                                         .entity = {1},
                                                         .region = JF_TEXT("north"),
                                                         .zone = jf_text_from(zone),
                                                         .day_start_minute = day_start_minute};
    cr_assert_not_null(world_post(&world, &command), "%s", world.refusal.detail);
}

static struct jf_line line;

static const struct jf_entry *sell_at(uint32_t store, int64_t at_ms)
{
    line = line_of("food", 1000);
    struct jf_command command = sale_of(1, "2026-02-10", &line, 1);
    command.as.sale.receipt.store.value = store;
    command.as.sale.receipt.sold_at_ms = at_ms;
    return world_post(&world, &command);
}

// A sale at an instant has that business date and local time.
static void expect_date(int64_t at_ms, const char *business_date, const char *local_date,
                        int32_t local_second)
{
    const struct jf_entry *entry = sell_at(9, at_ms);
    cr_assert_not_null(entry, "%s", jf_refusal_name(world.refusal.code));
    cr_expect_eq(entry->business_date, date_of(business_date), "%s", business_date);
    cr_expect_eq(entry->as.sale.facts.local_date, date_of(local_date), "%s", local_date);
    cr_expect_eq(entry->as.sale.facts.local_second, (uint32_t)local_second);
}

#define CLOCK(hour, minute, second) ((hour)*3600 + (minute)*60 + (second))

Test(plan_admission, a_day_starts_at_the_stores_minute)
{
    store_put(9, "Asia/Shanghai", 240);
    expect_date(utc_ms("2026-02-28", 19, 59, 59), "2026-02-28", "2026-03-01", CLOCK(3, 59, 59));
    expect_date(utc_ms("2026-02-28", 20, 0, 0), "2026-03-01", "2026-03-01", CLOCK(4, 0, 0));
    store_put(9, "Asia/Shanghai", 0);
    expect_date(utc_ms("2026-02-28", 15, 59, 59), "2026-02-28", "2026-02-28", CLOCK(23, 59, 59));
    expect_date(utc_ms("2026-02-28", 16, 0, 0), "2026-03-01", "2026-03-01", 0);
}

// In New York the clocks go from 02:00 to 03:00 on 8 March 2026: a day that starts at 02:30 starts
// with the first instant that the clock shows behind it.
Test(plan_admission, a_day_that_starts_within_a_gap_starts_behind_it)
{
    store_put(9, "America/New_York", 150);
    expect_date(utc_ms("2026-03-08", 6, 59, 59), "2026-03-07", "2026-03-08", CLOCK(1, 59, 59));
    expect_date(utc_ms("2026-03-08", 7, 0, 0), "2026-03-08", "2026-03-08", CLOCK(3, 0, 0));
}

// The clocks go from 02:00 back to 01:00 on 1 November 2026: the store's clock alone decides, so
// the half hour before 01:30 belongs to the day before both times that it comes.
Test(plan_admission, a_day_that_starts_within_an_overlap_follows_the_clock)
{
    store_put(9, "America/New_York", 90);
    expect_date(utc_ms("2026-11-01", 5, 29, 59), "2026-10-31", "2026-11-01", CLOCK(1, 29, 59));
    expect_date(utc_ms("2026-11-01", 5, 30, 0), "2026-11-01", "2026-11-01", CLOCK(1, 30, 0));
    expect_date(utc_ms("2026-11-01", 6, 0, 0), "2026-10-31", "2026-11-01", CLOCK(1, 0, 0));
    expect_date(utc_ms("2026-11-01", 6, 30, 0), "2026-11-01", "2026-11-01", CLOCK(1, 30, 0));
}

// Havana leaves out the hour behind midnight on 8 March 2026; Nuuk goes from midnight back to 23:00
// of the day before on 25 October 2026.
Test(plan_admission, a_midnight_that_is_left_out_or_comes_twice_follows_the_clock)
{
    store_put(9, "America/Havana", 0);
    expect_date(utc_ms("2026-03-08", 4, 59, 59), "2026-03-07", "2026-03-07", CLOCK(23, 59, 59));
    expect_date(utc_ms("2026-03-08", 5, 0, 0), "2026-03-08", "2026-03-08", CLOCK(1, 0, 0));
    store_put(9, "America/Nuuk", 0);
    expect_date(utc_ms("2026-10-25", 0, 59, 59), "2026-10-24", "2026-10-24", CLOCK(23, 59, 59));
    expect_date(utc_ms("2026-10-25", 1, 0, 0), "2026-10-24", "2026-10-24", CLOCK(23, 0, 0));
    expect_date(utc_ms("2026-10-25", 2, 0, 0), "2026-10-25", "2026-10-25", 0);
}

static void publish(const char *yaml)
{
    struct jf_command command = {.kind = JF_COMMAND_PUBLISH, .transaction_id = JF_TEXT("t")};
    command.as.publish.yaml = jf_text_from(yaml);
    command.as.publish.file_name = JF_TEXT("later.yaml");
    cr_assert_not_null(world_post(&world, &command), "%s", world.refusal.detail);
}

#define HEAD_FROM_JUNE                                                                             \
    "name: later\neffective_from: 2026-06-01T00:00:00Z\n"                                          \
    "earn: {points: 3, per_amount: 1.00}\nexpiry: {policy: never}\n"

Test(plan_admission, a_late_receipt_is_decided_by_the_version_in_force_at_its_sale)
{
    publish(HEAD_FROM_JUNE);
    const struct jf_entry *entry = sell_at(2, utc_ms("2026-05-31", 23, 59, 59));
    cr_expect_eq(entry->programme_version, 1);
    cr_expect_eq(entry->points_granted, 10);
    cr_expect(entry->is_late);
    cr_expect_eq(entry->as.sale.facts.expires_on, date_of("2026-08-31"), "dated by the sale");
    entry = sell_at(2, utc_ms("2026-06-01", 0, 0, 0));
    cr_expect_eq(entry->programme_version, 2);
    cr_expect_eq(entry->points_granted, 30);
    cr_expect_eq(entry->as.sale.facts.expires_on, JF_DATE_EVER);
}

Test(plan_admission, a_return_is_planned_by_the_version_of_its_sale)
{
    struct jf_line two[2] = {line_of("food", 1000), line_of("food", 500)};
    struct jf_command command = sale_of(1, "2026-05-31", two, 2);
    const struct jf_entry *sale = world_post(&world, &command);
    publish(HEAD_FROM_JUNE);
    struct jf_return_line back = {.line_number = 2, .is_whole = true};
    command = return_of("2026-06-10", &back, 1);
    world.sale = sale;
    const struct jf_entry *entry = world_post(&world, &command);
    cr_expect_eq(entry->programme_version, 1);
    cr_expect_eq(entry->points_granted, -5);
    cr_expect_eq(entry->business_date, date_of("2026-06-10"));
}

Test(plan_admission, the_future_is_refused_beyond_the_clocks_skew)
{
    int64_t now_ms = (int64_t)(world.now_us / 1000);
    cr_expect_not_null(sell_at(2, now_ms + 60000));
    cr_expect_null(sell_at(2, now_ms + 60001));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_IN_FUTURE);
    cr_expect_eq(world.refusal.needed, now_ms + 60001);
    cr_expect_eq(world.refusal.limit, now_ms + 60000);
}

Test(plan_admission, enrolment_counts_from_its_business_date_on)
{
    store_put(9, "Asia/Shanghai", 240);
    struct jf_command command = enrol_of(2, "2026-03-01");
    cr_assert_not_null(world_post(&world, &command));
    line = line_of("food", 1000);
    command = sale_of(2, "2026-02-28", &line, 1);
    command.as.sale.receipt.store.value = 9;
    command.as.sale.receipt.sold_at_ms = utc_ms("2026-02-28", 19, 59, 59);
    cr_expect_null(world_post(&world, &command));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_BEFORE_ENROLMENT);
    command.as.sale.receipt.sold_at_ms += 1000; // 04:00 there: 1 March begins
    cr_expect_not_null(world_post(&world, &command));
}

// Rules that ask for all that a store and its clock decide.
#define PROGRAMME_LOCAL                                                                            \
    "name: local\neffective_from: 2026-01-01T00:00:00Z\n"                                          \
    "earn: {points: 1, per_amount: 1.00}\nexpiry: {policy: month_end, months: 3}\n"                \
    "rules:\n"                                                                                     \
    "  - {name: early, kind: bonus, points: 5, when: {times: [{from: \"12:00\", to: "              \
    "\"13:00\"}]}}\n"                                                                              \
    "  - {name: day, kind: multiplier, factor: 2, when: {dates: [2026-02-10]}}\n"                  \
    "  - {name: north, kind: bonus, points: 7, when: {regions: [north]}}\n"                        \
    "  - {name: first, kind: bonus, points: 11, when: {entities: [1]}}\n"

Test(plan_admission, what_was_decided_stays_when_the_store_is_another_one_later)
{
    world_close(&world);
    world_open(&world, PROGRAMME_LOCAL);
    world_enrol(&world, 1);
    struct jf_line two[2] = {line_of("food", 1000), line_of("food", 500)};
    struct jf_command command = sale_of(1, "2026-02-10", two, 2);
    const struct jf_entry *sale = world_post(&world, &command);
    cr_expect_eq(sale->points_granted, 30 + 5 + 7 + 11);
    command = (struct jf_command){.kind = JF_COMMAND_PUT_STORE, .transaction_id = JF_TEXT("t")};
    command.as.put_store = (struct jf_put_store_command){.store = {2},
                                                         .entity = {3},
                                                         .region = JF_TEXT("south"),
                                                         .zone = JF_TEXT("Pacific/Kiritimati"),
                                                         .day_start_minute = 700};
    cr_assert_not_null(world_post(&world, &command));
    struct jf_return_line back = {.line_number = 2, .is_whole = true};
    command = return_of("2026-02-11", &back, 1);
    command.as.sale_return.store.value = 3;
    world.sale = sale;
    const struct jf_entry *first = world_post(&world, &command);
    cr_expect_eq(first->points_granted, -10);
    const struct jf_entry *rest = world_brings_back(&world, sale, first, "2026-02-12");
    cr_expect_eq(rest->points_granted, -(20 + 5 + 7 + 11));
    cr_expect_eq(rest->balance.available, 0);
    cr_expect_eq(rest->balance.debt, 0);
    cr_expect_eq(world.members[1]->lot_count, 0);
    cr_expect_eq(world.members[1]->month_count, 0);
    for (uint32_t i = 0; i < rest->posting_count; i++) {
        cr_expect_eq(rest->postings[i].entity.value, 1, "the entity that issued them");
    }
}
