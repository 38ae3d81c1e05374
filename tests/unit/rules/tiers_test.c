// Claims about tiers: which months count, which demands meet, up at once, down only by a tier
// change.
#include <criterion/criterion.h>

#include "programmes.h"
#include "rules/programme_private.h"
#include "world.h"

static struct jf_month_count months[6];

static struct jf_member member_of_months(uint32_t count)
{
    return (struct jf_member){.months = months, .month_count = (uint16_t)count};
}

static struct jf_programme programme_of(int32_t window)
{
    struct jf_programme programme = {.tier_window = {.months = window}, .tier_count = 3};
    programme.tiers[0] = (struct jf_tier_level){.spend = -1, .visits = -1, .points = -1};
    programme.tiers[1] = (struct jf_tier_level){.spend = 10, .visits = 5, .points = -1};
    programme.tiers[2] =
        (struct jf_tier_level){.spend = 100, .visits = -1, .points = 50, .any = true};
    return programme;
}

Test(tiers, the_window_is_the_month_of_the_date_and_those_before)
{
    const jf_date as_of = date_of("2026-04-30");
    const int32_t april = 2026 * 12 + 3;
    struct jf_programme programme = programme_of(3);
    struct jf_member member = member_of_months(5);
    for (int32_t i = 0; i < 5; i++) { // January to May
        months[i] = (struct jf_month_count){
            .month_index = april - 3 + i, .visits = 1, .spend = 1 << i, .points = 1};
    }
    struct jf_window_sums sums;
    cr_expect_eq(jf_tier_by_window(&programme, &member, as_of, &sums), 0);
    cr_expect_eq(sums.spend, 2 + 4 + 8);
    cr_expect_eq(sums.visits, 3);
    cr_expect_eq(sums.points, 3);
}

Test(tiers, all_demands_must_be_met_unless_any_is_enough)
{
    struct jf_programme programme = programme_of(1);
    struct jf_member member = member_of_months(1);
    struct jf_window_sums sums;
    static const struct {
        int64_t spend;
        uint32_t visits;
        int64_t points;
        uint32_t tier;
    } cases[] = {
        {9, 5, 0, 0}, {10, 4, 0, 0}, {10, 5, 0, 1}, {99, 9, 49, 1}, {100, 0, 0, 2}, {0, 0, 50, 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        months[0] = (struct jf_month_count){.month_index = 2026 * 12,
                                            .visits = cases[i].visits,
                                            .spend = cases[i].spend,
                                            .points = cases[i].points};
        cr_expect_eq(jf_tier_by_window(&programme, &member, date_of("2026-01-05"), &sums),
                     cases[i].tier, "case %zu", i);
    }
}

Test(tiers, a_tier_change_of_an_unknown_member_is_refused)
{
    struct world world;
    world_open(&world, PROGRAMME_PLAIN);
    struct jf_command command = tier_change_of(1, "2026-06-30");
    cr_expect_null(world_post(&world, &command));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_UNKNOWN_MEMBER);
    world_close(&world);
}

Test(tiers, a_tier_change_before_any_programme_is_refused)
{
    struct world world;
    world_open(&world, PROGRAMME_PLAIN);
    world_enrol(&world, 1);
    struct jf_command command = tier_change_of(1, "2025-12-31");
    cr_expect_null(world_post(&world, &command));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_NO_PROGRAMME);
    world_close(&world);
}

Test(tiers, up_at_once_and_down_only_by_a_tier_change)
{
    struct world world;
    world_open(&world, PROGRAMME_PLAIN);
    world_enrol(&world, 1);
    const struct jf_entry *sale = world_buys(&world, 1, "2026-02-10", 19999);
    cr_expect_eq(sale->balance.tier, 0);
    cr_expect_null(traced(sale, JF_TRACE_TIER_UP));
    sale = world_buys(&world, 1, "2026-02-11", 1);
    cr_expect_eq(sale->balance.tier, 1);
    cr_assert_not_null(traced(sale, JF_TRACE_TIER_UP));
    cr_expect_eq(traced(sale, JF_TRACE_TIER_UP)->points, 1);
    cr_expect_eq(traced(sale, JF_TRACE_TIER_UP)->exact, 0);
    cr_expect_eq(world.members[1]->tier, 1);
    cr_expect_eq(world.members[1]->tier_since, date_of("2026-02-11"));
    sale = world_buys(&world, 1, "2026-06-01", 100);
    cr_expect_eq(sale->balance.tier, 1, "no sale lowers it");
    struct jf_command command = tier_change_of(1, "2026-04-30");
    cr_expect_null(world_post(&world, &command), "February is in the window of April");
    cr_expect_eq(world.refusal.code, JF_REFUSAL_NONE);
    command = tier_change_of(1, "2026-06-30");
    const struct jf_entry *change = world_post(&world, &command);
    cr_assert_not_null(change);
    cr_expect_eq(change->kind, JF_ENTRY_TIER_CHANGE);
    cr_expect_eq(change->as.tier_change.from, 1);
    cr_expect_eq(change->as.tier_change.to, 0);
    cr_expect_eq(change->as.tier_change.spend, 100);
    cr_expect_eq(change->as.tier_change.visits, 1);
    cr_expect_not_null(traced(change, JF_TRACE_TIER_DOWN));
    cr_expect_eq(change->business_date, date_of("2026-06-30"));
    cr_expect_eq(world.members[1]->tier, 0);
    cr_expect_eq(world.members[1]->tier_since, date_of("2026-06-30"));
    world_close(&world);
}

Test(tiers, a_return_lowers_nothing_at_once)
{
    struct world world;
    world_open(&world, PROGRAMME_PLAIN);
    world_enrol(&world, 1);
    const struct jf_entry *sale = world_buys(&world, 1, "2026-02-10", 30000);
    cr_expect_eq(sale->balance.tier, 1);
    const struct jf_entry *returned = world_brings_back(&world, sale, NULL, "2026-02-11");
    cr_expect_eq(returned->balance.tier, 1);
    struct jf_command command = tier_change_of(1, "2026-02-28");
    const struct jf_entry *change = world_post(&world, &command);
    cr_assert_not_null(change);
    cr_expect_eq(change->as.tier_change.to, 0);
    world_close(&world);
}

Test(tiers, a_tier_change_can_raise)
{
    struct world world;
    world_open(&world, PROGRAMME_PLAIN);
    world_enrol(&world, 1);
    world_buys(&world, 1, "2026-02-10", 30000);
    world.members[1]->tier = 0;
    struct jf_command command = tier_change_of(1, "2026-02-28");
    const struct jf_entry *change = world_post(&world, &command);
    cr_assert_not_null(change);
    cr_expect_not_null(traced(change, JF_TRACE_TIER_UP));
    cr_expect_eq(world.members[1]->tier, 1);
    world_close(&world);
}

static struct jf_member year_member(const char *enrolled_on)
{
    // One visit a month in 2025 and 2026, each worth its number in the sequence.
    static struct jf_month_count two_years[24];
    for (int32_t i = 0; i < 24; i++) {
        two_years[i] =
            (struct jf_month_count){.month_index = 2025 * 12 + i, .visits = 1, .spend = 1};
    }
    return (struct jf_member){
        .months = two_years, .month_count = 24, .enrolled_on = date_of(enrolled_on)};
}

Test(tiers, a_calendar_year_begins_in_january)
{
    struct jf_programme programme = programme_of(1);
    programme.tier_window = (struct jf_tier_window){.kind = JF_WINDOW_CALENDAR_YEAR};
    struct jf_member member = year_member("2025-01-01");
    struct jf_window_sums sums;
    jf_tier_by_window(&programme, &member, date_of("2026-01-01"), &sums);
    cr_expect_eq(sums.visits, 1);
    jf_tier_by_window(&programme, &member, date_of("2026-08-31"), &sums);
    cr_expect_eq(sums.visits, 8);
    jf_tier_by_window(&programme, &member, date_of("2025-12-31"), &sums);
    cr_expect_eq(sums.visits, 12);
}

Test(tiers, a_membership_year_begins_in_the_month_of_enrolment)
{
    struct jf_programme programme = programme_of(1);
    programme.tier_window = (struct jf_tier_window){.kind = JF_WINDOW_MEMBERSHIP_YEAR};
    struct jf_window_sums sums;
    static const struct {
        const char *enrolled_on;
        const char *as_of;
        uint32_t months;
    } cases[] = {
        {"2024-03-20", "2026-03-01", 1},  {"2024-03-20", "2026-02-28", 12},
        {"2024-03-20", "2026-12-31", 10}, {"2024-12-31", "2026-01-01", 2},
        {"2024-01-31", "2026-12-31", 12}, {"2024-02-29", "2026-02-28", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct jf_member member = year_member(cases[i].enrolled_on);
        jf_tier_by_window(&programme, &member, date_of(cases[i].as_of), &sums);
        cr_expect_eq(sums.visits, cases[i].months, "case %zu", i);
    }
}

// A member on level 2 since 1 March 2026, whose window says level 0.
static struct jf_tier_judgement judge(struct jf_programme *programme, struct jf_member *member,
                                      const char *as_of)
{
    struct jf_tier_judgement judgement;
    member->tier_since = date_of("2026-03-01");
    (void)jf_tier_judge(programme, member, 2, date_of(as_of), &judgement);
    return judgement;
}

Test(tiers, a_level_is_held_for_the_days_of_grace)
{
    struct jf_programme programme = programme_of(1);
    struct jf_member member = member_of_months(0);
    programme.tier_grace_days = 31;
    cr_expect_eq(judge(&programme, &member, "2026-03-31").why, JF_TIER_WHY_NONE);
    struct jf_tier_judgement judgement = judge(&programme, &member, "2026-04-01");
    cr_expect_eq(judgement.why, JF_TIER_WHY_DOWN);
    cr_expect_eq(judgement.to, 0);
    programme.tier_grace_days = 0;
    cr_expect_eq(judge(&programme, &member, "2026-02-28").why, JF_TIER_WHY_NONE,
                 "never as of a day before the level was reached");
    cr_expect_eq(judge(&programme, &member, "2026-03-01").why, JF_TIER_WHY_DOWN);
}

Test(tiers, a_programme_may_lower_by_one_level_at_a_time)
{
    struct jf_programme programme = programme_of(1);
    struct jf_member member = member_of_months(0);
    programme.is_tier_down_by_one = true;
    struct jf_tier_judgement judgement = judge(&programme, &member, "2026-04-01");
    cr_expect_eq(judgement.why, JF_TIER_WHY_ONE_DOWN);
    cr_expect_eq(judgement.to, 1);
}

Test(tiers, a_level_by_hand_is_left_until_its_day_and_then_is_what_the_window_says)
{
    struct jf_programme programme = programme_of(1);
    struct jf_member member = member_of_months(0);
    programme.is_tier_down_by_one = true;
    programme.tier_grace_days = 1000;
    member.tier_until = date_of("2026-06-30");
    cr_expect_eq(judge(&programme, &member, "2026-06-30").why, JF_TIER_WHY_NONE);
    struct jf_tier_judgement judgement = judge(&programme, &member, "2026-07-01");
    cr_expect_eq(judgement.why, JF_TIER_WHY_HAND_ENDED);
    cr_expect_eq(judgement.to, 0, "no grace, no single level: it was never reached");
    member.tier_until = JF_DATE_EVER;
    cr_expect_eq(judge(&programme, &member, "2026-07-01").why, JF_TIER_WHY_NONE);
}

// Classes as shops use them, over six months.
static struct jf_programme classes_make(void)
{
    struct jf_programme programme = programme_of(12);
    programme.class_count = 4;
    programme.classes[0] =
        (struct jf_class_level){.name = "A", .visits = 18, .blocks = 1, .block_months = 6};
    programme.classes[1] =
        (struct jf_class_level){.name = "B", .visits = 1, .blocks = 3, .block_months = 2};
    programme.classes[2] = (struct jf_class_level){.name = "C"};
    programme.classes[3] = (struct jf_class_level){.name = "D", .none_months = 6};
    return programme;
}

Test(tiers, classes_follow_the_visits_of_the_months_before)
{
    struct jf_programme programme = classes_make();
    static const struct {
        uint32_t visits[6]; // January to June
        uint32_t class;
    } cases[] = {
        {{3, 3, 3, 3, 3, 3}, 1},  {{0, 0, 0, 0, 0, 18}, 1}, {{3, 3, 3, 3, 3, 2}, 2},
        {{1, 0, 0, 1, 1, 0}, 2},  {{1, 1, 0, 0, 1, 1}, 3},  {{0, 0, 0, 0, 0, 1}, 3},
        {{17, 0, 0, 0, 0, 0}, 3}, {{0, 0, 0, 0, 0, 0}, 4},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct jf_member member = member_of_months(6);
        for (int32_t month = 0; month < 6; month++) {
            months[month] = (struct jf_month_count){.month_index = 2026 * 12 + month,
                                                    .visits = cases[i].visits[month]};
        }
        cr_expect_eq(jf_class_by_visits(&programme, &member, date_of("2026-06-30")), cases[i].class,
                     "case %zu", i);
    }
}

Test(tiers, a_class_changes_in_the_same_entry_or_alone)
{
    struct jf_programme programme = classes_make();
    struct jf_member member = member_of_months(0);
    struct jf_tier_judgement judgement = judge(&programme, &member, "2026-06-30");
    cr_expect_eq(judgement.why, JF_TIER_WHY_DOWN);
    cr_expect_eq(judgement.class_from, 0);
    cr_expect_eq(judgement.class_to, 4);
    member.activity_class = 1;
    cr_expect(jf_tier_judge(&programme, &member, 0, date_of("2026-06-30"), &judgement));
    cr_expect_eq(judgement.why, JF_TIER_WHY_CLASS);
    member.activity_class = 4;
    cr_expect_not(jf_tier_judge(&programme, &member, 0, date_of("2026-06-30"), &judgement));
}

#define PROGRAMME_LEVELS(from, levels)                                                             \
    "name: levels\n"                                                                               \
    "effective_from: " from "T00:00:00Z\n"                                                         \
    "earn: {points: 1, per_amount: 1.00}\n"                                                        \
    "expiry: {policy: never}\n"                                                                    \
    "tiers: {window_months: 3, levels: [" levels "]}\n"

static void publish(struct world *world, const char *yaml)
{
    struct jf_command command = {.kind = JF_COMMAND_PUBLISH, .transaction_id = JF_TEXT("p")};
    command.as.publish.yaml = jf_text_from(yaml);
    cr_assert_not_null(world_post(world, &command));
}

static struct jf_command set_tier_of(uint64_t member, const char *tier, const char *until)
{
    struct jf_command command = {.kind = JF_COMMAND_SET_TIER, .transaction_id = JF_TEXT("t")};
    command.as.set_tier =
        (struct jf_set_tier_command){.member = {.number = {member}},
                                     .tier = jf_text_from(tier),
                                     .until = until == NULL ? JF_DATE_EVER : date_of(until),
                                     .operator_name = JF_TEXT("op")};
    return command;
}

Test(tiers, levels_keep_their_names_when_a_later_version_reorders_or_drops_them)
{
    struct world world;
    world_open(&world, PROGRAMME_LEVELS("2026-01-01", "{name: a}, {name: silver, spend: 100}, "
                                                      "{name: gold, spend: 500}"));
    world_enrol(&world, 1);
    world_enrol(&world, 2);
    world_buys(&world, 1, "2026-02-10", 50000); // gold
    world_buys(&world, 2, "2026-02-10", 10000); // silver
    publish(&world, PROGRAMME_LEVELS("2026-03-01", "{name: a}, {name: new, spend: 50}, "
                                                   "{name: gold, spend: 500}, "
                                                   "{name: top, spend: 900}"));
    const struct jf_entry *sale = world_buys(&world, 1, "2026-03-10", 100);
    cr_expect_eq(sale->as.sale.facts.tier, 2, "gold stays gold");
    sale = world_buys(&world, 2, "2026-03-10", 100);
    cr_expect_eq(sale->as.sale.facts.tier, 1, "silver is gone: the level of its number");
    sale = world_buys(&world, 2, "2026-02-11", 100);
    cr_expect_eq(sale->as.sale.facts.tier, 1, "a late sale is judged under its own version");
    cr_expect_eq(world.members[2]->tier_version, 1);
    sale = world_buys(&world, 2, "2026-03-11", 89800);
    cr_expect_eq(sale->balance.tier, 3);
    cr_expect_eq(world.members[2]->tier_version, 2);
    publish(&world, PROGRAMME_LEVELS("2026-04-01", "{name: a}, {name: gold, spend: 500}"));
    sale = world_buys(&world, 1, "2026-04-10", 100);
    cr_expect_eq(sale->as.sale.facts.tier, 1);
    sale = world_buys(&world, 2, "2026-04-10", 100);
    cr_expect_eq(sale->as.sale.facts.tier, 1, "top is gone: the highest there is");
    cr_expect_eq(world.members[2]->tier, 3, "and is kept, in case it comes back");
    struct jf_command command = tier_change_of(2, "2026-12-30");
    const struct jf_entry *change = world_post(&world, &command);
    cr_assert_not_null(change);
    cr_expect_eq(change->as.tier_change.from, 1);
    cr_expect_eq(change->as.tier_change.to, 0);
    cr_expect_eq(world.members[2]->tier_version, 3);
    world_close(&world);
}

Test(tiers, a_level_by_hand_holds_until_its_day_and_a_sale_may_raise_it)
{
    struct world world; // the clock stands at 2026-12-31
    world_open(&world, PROGRAMME_PLAIN);
    world_enrol(&world, 1);
    struct jf_command command = set_tier_of(1, "silver", "2027-01-31");
    const struct jf_entry *change = world_post(&world, &command);
    cr_assert_not_null(change);
    cr_expect_eq(change->as.tier_change.why, JF_TIER_WHY_BY_HAND);
    cr_expect_eq(change->business_date, date_of("2026-12-31"));
    cr_expect_eq(change->balance.tier, 1);
    cr_expect_eq(world.members[1]->tier_until, date_of("2027-01-31"));
    command = tier_change_of(1, "2027-01-31");
    cr_expect_null(world_post(&world, &command));
    const struct jf_entry *sale = world_buys(&world, 1, "2026-12-31", 100000);
    cr_expect_eq(sale->balance.tier, 2);
    command = tier_change_of(1, "2027-02-01");
    change = world_post(&world, &command);
    cr_assert_not_null(change);
    cr_expect_eq(change->as.tier_change.why, JF_TIER_WHY_HAND_ENDED);
    cr_expect_eq(change->as.tier_change.to, 2, "earned meanwhile");
    cr_expect_eq(world.members[1]->tier_until, JF_DATE_MIN);
    cr_expect_null(world_post(&world, &command));
    world_close(&world);
}

Test(tiers, by_hand_is_refused_in_order)
{
    struct world world;
    world_open(&world, PROGRAMME_PLAIN);
    struct jf_command command = set_tier_of(1, "silver", NULL);
    command.as.set_tier.member = (struct jf_member_ref){.card = JF_TEXT("lost")};
    world.is_card_unknown = true;
    cr_expect_null(world_post(&world, &command));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_UNKNOWN_CARD);
    command = set_tier_of(1, "silver", NULL);
    cr_expect_null(world_post(&world, &command));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_UNKNOWN_MEMBER);
    world_enrol(&world, 1);
    world.members[1]->status = JF_MEMBER_CLOSED;
    cr_expect_null(world_post(&world, &command));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_MEMBER_CLOSED);
    world.members[1]->status = JF_MEMBER_ACTIVE;
    command = set_tier_of(1, "platinum", "2026-12-30");
    cr_expect_null(world_post(&world, &command));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_UNKNOWN_TIER);
    command = set_tier_of(1, "silver", "2026-12-30");
    cr_expect_null(world_post(&world, &command));
    cr_expect_eq(world.refusal.code, JF_REFUSAL_INVALID_FIELD);
    cr_expect_str_eq(world.refusal.field, "until");
    command = set_tier_of(1, "silver", "2026-12-31");
    cr_expect_not_null(world_post(&world, &command));
    world_close(&world);
}
