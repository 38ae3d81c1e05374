// Where the points come from that a sale is no longer worth, by example; then invariant 7 by random
// cases: whatever happened before a sale and after it, any sequence of
// partial returns that ends with nothing kept leaves points, lots, debts and counters as one full
// return does; and where nothing happened in between, as if the sale had not been. Redemptions
// inside the sale, lots that the sale both spends from and grants to, debts of two entities, and
// spending in between are all drawn.
#include <criterion/criterion.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "programmes.h"
#include "random.h"
#include "world.h"

#define CASES      4000u
#define LINES_MAX  5u
#define SEED_FIRST UINT64_C(20260118)

static struct world world;
static uint64_t seed;
static struct jf_line lines[LINES_MAX];
static struct jf_tender tenders[3];

static void closed(void)
{
    world_close(&world);
}

TestSuite(plan_take_back_example, .fini = closed);

// A member who bought for 20.00 on 10 February and for 50.00 a month later, and spent all 20 points
// of the first purchase and some of the second's. Returns: the first sale.
static const struct jf_entry *spent_sale(const char *programme, int64_t points)
{
    world_open(&world, programme);
    world_enrol(&world, 1);
    const struct jf_entry *sale = world_buys(&world, 1, "2026-02-10", 2000);
    world_buys(&world, 1, "2026-03-10", 4000);
    struct jf_command redeem = redeem_of(1, "2026-03-11", points);
    cr_assert_not_null(world_post(&world, &redeem));
    return sale;
}

Test(plan_take_back_example, a_shortfall_is_written_off_where_the_programme_says_so)
{
    const struct jf_entry *sale =
        spent_sale(PROGRAMME_RICH "returns: {shortfall: write_off}\n", 20);
    const struct jf_entry *entry = world_brings_back(&world, sale, NULL, "2026-03-12");
    cr_expect_eq(posted(entry, JF_ACCOUNT_ISSUED), 20);
    cr_expect_eq(posted(entry, JF_ACCOUNT_WRITTEN_OFF), -20);
    cr_expect_eq(posted(entry, JF_ACCOUNT_DEBT), 0);
    cr_expect_eq(entry->as.sale_return.written_off, 20);
    cr_expect_eq(traced(entry, JF_TRACE_SHORTFALL)->points, 20);
    cr_expect_eq(entry->shortfall_points, 20);
    cr_expect_eq(entry->deducted_value, 0);
    cr_expect_eq(entry->points_granted, -20);
    cr_expect_eq(entry->balance.available, 40);
    cr_expect_eq(entry->balance.debt, 0);
}

Test(plan_take_back_example, a_shortfall_is_answered_as_money_half_up_over_all_returns)
{
    // 3 points are worth 0.01: 20 points are 0.07, 10 of them 0.03.
    const char *programme =
        "name: p\neffective_from: 2026-01-01T00:00:00Z\n"
        "earn: {points: 1, per_amount: 1.00}\nexpiry: {policy: month_end, months: 3}\n"
        "redemption: {points: 3, amount: 0.01, minimum: 3}\n"
        "returns: {shortfall: deduct}\n";
    world_open(&world, programme);
    world_enrol(&world, 1);
    struct jf_line two[2] = {line_of("food", 1000), line_of("food", 1000)};
    struct jf_command command = sale_of(1, "2026-02-10", two, 2);
    const struct jf_entry *sale = world_post(&world, &command);
    world_buys(&world, 1, "2026-02-10", 100);
    struct jf_command redeem = redeem_of(1, "2026-02-11", 21);
    cr_assert_not_null(world_post(&world, &redeem));
    struct jf_return_line back = {.line_number = 1, .is_whole = true};
    command = return_of("2026-02-12", &back, 1);
    world.sale = sale;
    const struct jf_entry *first = world_post(&world, &command);
    cr_assert_not_null(first);
    cr_expect_eq(first->deducted_value, 3);
    cr_expect_eq(first->shortfall_points, 10);
    const struct jf_entry *rest = world_brings_back(&world, sale, first, "2026-02-12");
    cr_expect_eq(rest->deducted_value, 4);
    cr_expect_eq(rest->as.sale_return.deducted_value, 7);
    cr_expect_eq(traced(rest, JF_TRACE_DEDUCTED)->points, 10);
    cr_expect_eq(traced(rest, JF_TRACE_DEDUCTED)->amount, 4);
    cr_expect_eq(posted(rest, JF_ACCOUNT_WRITTEN_OFF), -10);
}

Test(plan_take_back_example, other_lots_pay_first_where_the_programme_says_so)
{
    const struct jf_entry *sale =
        spent_sale(PROGRAMME_RICH "returns: {shortfall: write_off, from_other_lots: true}\n", 50);
    const struct jf_entry *entry = world_brings_back(&world, sale, NULL, "2026-03-12");
    cr_expect_eq(entry->as.sale_return.taken_from_lot, 0);
    cr_assert_eq(entry->as.sale_return.taken_from_other_count, 1);
    cr_expect_eq(entry->as.sale_return.taken_from_other[0].points, 10);
    cr_expect_eq(entry->as.sale_return.taken_from_other[0].expires_on, date_of("2026-06-30"));
    cr_expect_eq(traced(entry, JF_TRACE_TAKEN_FROM_OTHER)->points, -10);
    cr_expect_eq(entry->as.sale_return.written_off, 10);
    cr_expect_eq(entry->balance.available, 0);
}

Test(plan_take_back_example, other_lots_that_are_over_pay_nothing)
{
    const struct jf_entry *sale =
        spent_sale(PROGRAMME_RICH "returns: {from_other_lots: true}\n", 50);
    const struct jf_entry *entry = world_brings_back(&world, sale, NULL, "2026-07-01");
    cr_expect_eq(entry->as.sale_return.taken_from_other_count, 0);
    cr_expect_eq(entry->as.sale_return.taken_as_debt, 20);
    cr_expect_eq(jf_member_balance(world.members[1]), 10 - 20);
}

Test(plan_take_back_example, debts_that_the_grant_paid_come_back_before_any_other_lot_pays)
{
    world_open(&world, PROGRAMME_RICH "returns: {shortfall: write_off, from_other_lots: true}\n");
    world_enrol(&world, 1);
    world_room(&world.members[1], 8);
    world.members[1]->debts[0] = (struct jf_debt){.entity = {2}, .points = 5};
    world.members[1]->debt_count = 1;
    const struct jf_entry *sale = world_buys(&world, 1, "2026-02-10", 2000);
    cr_expect_eq(sale->as.sale.debt_paid, 5);
    world_buys(&world, 1, "2026-03-10", 4000);
    const struct jf_entry *entry = world_brings_back(&world, sale, NULL, "2026-03-12");
    cr_expect_eq(entry->balance.debt, 5);
    cr_expect_eq(entry->balance.available, 40);
    cr_expect_eq(entry->as.sale_return.written_off, 0);
    cr_expect_eq(entry->as.sale_return.taken_from_other_count, 0);
}

Test(plan_take_back_example, a_debt_that_was_paid_since_leaves_other_lots_alone)
{
    world_open(&world, PROGRAMME_RICH "returns: {from_other_lots: true}\n");
    world_enrol(&world, 1);
    struct jf_line two[2] = {line_of("food", 1000), line_of("food", 1000)};
    struct jf_command command = sale_of(1, "2026-02-10", two, 2);
    const struct jf_entry *sale = world_post(&world, &command);
    struct jf_command redeem = redeem_of(1, "2026-02-11", 20);
    cr_assert_not_null(world_post(&world, &redeem));
    struct jf_return_line back = {.line_number = 1, .is_whole = true};
    command = return_of("2026-02-12", &back, 1);
    world.sale = sale;
    const struct jf_entry *first = world_post(&world, &command);
    cr_expect_eq(first->balance.debt, 10);
    world_buys(&world, 1, "2026-03-10", 4000); // pays the 10
    const struct jf_entry *rest = world_brings_back(&world, sale, first, "2026-03-12");
    cr_expect_eq(rest->as.sale_return.taken_as_debt, 10);
    cr_assert_eq(rest->as.sale_return.taken_from_other_count, 1);
    cr_expect_eq(rest->as.sale_return.taken_from_other[0].points, 10);
    cr_expect_eq(rest->as.sale_return.taken_from_lot, 0);
    cr_expect_eq(rest->balance.available, 20);
    cr_expect_eq(rest->balance.debt, 0);
}

static const char *const categories[] = {"food", "health", "tobacco", ""};

static void receipt_draw(struct random *random, struct jf_receipt *receipt)
{
    receipt->line_count = 1 + random_below(random, LINES_MAX);
    int64_t basket = 0;
    for (uint32_t i = 0; i < receipt->line_count; i++) {
        lines[i] = line_of(categories[random_below(random, 4)], random_below(random, 4000));
        lines[i].quantity_milli = random_below(random, 5) * 500;
        basket += lines[i].amount;
    }
    static const char *const types[] = {"insurance", "cash", "voucher"};
    receipt->lines = lines;
    receipt->tenders = tenders;
    receipt->tender_count = random_below(random, 4);
    for (uint32_t i = 0; i < receipt->tender_count; i++) {
        int64_t amount = (int64_t)random_below(random, (uint32_t)(basket / 3 + 1));
        tenders[i] = (struct jf_tender){jf_text_from(types[i]), amount};
    }
    receipt->store.value = 2 + random_below(random, 2);
}

static const char *day_draw(struct random *random)
{
    static const char *const days[] = {"2026-02-07", "2026-02-08", "2026-02-18", "2026-03-08"};
    return days[random_below(random, 4)];
}

static const struct jf_entry *sale_draw(struct random *random)
{
    struct jf_command command = sale_of(1, day_draw(random), lines, 1);
    receipt_draw(random, &command.as.sale.receipt);
    command.as.sale.redeem_points = random_below(random, 2) * random_below(random, 5) * 10;
    struct jf_entry *entry = NULL;
    cr_assert_eq(world_plan(&world, &command, &entry), JF_OK);
    if (entry == NULL) {
        command.as.sale.redeem_points = 0;
    }
    const struct jf_entry *sale = world_post(&world, &command);
    cr_assert_not_null(sale, "seed %" PRIu64 ": %s", seed, jf_refusal_name(world.refusal.code));
    // The receipt's lines are drawn anew for the next sale: this one's own must stay.
    struct jf_sale_entry *body = (struct jf_sale_entry *)(uintptr_t)&sale->as.sale;
    struct jf_line *own = jf_arena_alloc(&world.arena, sizeof lines);
    struct jf_tender *own_tenders = jf_arena_alloc(&world.arena, sizeof tenders);
    memcpy(own, lines, sizeof lines);
    memcpy(own_tenders, tenders, sizeof tenders);
    body->receipt.lines = own;
    body->receipt.tenders = own_tenders;
    return sale;
}

static void redeem_draw(struct random *random)
{
    int64_t points = (int64_t)(1 + random_below(random, 6)) * 10;
    struct jf_command command = redeem_of(1, "2026-03-20", points);
    (void)world_post(&world, &command);
}

// Sales, redemptions and whole returns: leaves lots, and often debts to both entities.
static void past_draw(struct random *random)
{
    uint32_t steps = random_below(random, 6);
    for (uint32_t i = 0; i < steps; i++) {
        const struct jf_entry *sale = sale_draw(random);
        if (random_below(random, 2) == 0) {
            redeem_draw(random);
        }
        if (random_below(random, 2) == 0) {
            world_brings_back(&world, sale, NULL, "2026-03-21");
        }
    }
}

// Returns the sale line by line, in random parts and order, until nothing is kept.
static void partition_draw(struct random *random, const struct jf_entry *sale)
{
    const struct jf_receipt *receipt = &sale->as.sale.receipt;
    const struct jf_entry *last = NULL;
    for (uint32_t step = 0; step < 1000; step++) {
        uint32_t line = random_below(random, receipt->line_count);
        const struct jf_kept_line *kept = last == NULL ? NULL : &last->as.sale_return.kept[line];
        int64_t left = kept == NULL ? receipt->lines[line].quantity_milli : kept->quantity_milli;
        struct jf_return_line back = {.line_number = line + 1, .is_whole = true};
        if (left > 0 && random_below(random, 3) > 0) {
            back.is_whole = false;
            back.quantity_milli = 1 + random_below(random, (uint32_t)left);
        }
        if (kept != NULL && kept->is_gone) {
            continue;
        }
        struct jf_command command = return_of("2026-03-22", &back, 1);
        world.sale = sale;
        world.last_return = last;
        last = world_post(&world, &command);
        cr_assert_not_null(last, "seed %" PRIu64 ": %s", seed, jf_refusal_name(world.refusal.code));
        if (!last->as.sale_return.is_visit) {
            return;
        }
    }
    cr_assert_fail("seed %" PRIu64 ": the sale never came back", seed);
}

static bool lots_equal(const struct jf_member *a, const struct jf_member *b)
{
    if (a->lot_count != b->lot_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->lot_count; i++) {
        const struct jf_lot *x = &a->lots[i];
        const struct jf_lot *y = &b->lots[i];
        if (x->available_on != y->available_on || x->expires_on != y->expires_on ||
            x->entity.value != y->entity.value || x->granted != y->granted ||
            x->remaining != y->remaining || x->expired != y->expired) {
            return false;
        }
    }
    return true;
}

static bool counters_equal(const struct jf_member *a, const struct jf_member *b)
{
    if (a->visits != b->visits || a->month_count != b->month_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->month_count; i++) {
        if (a->months[i].month_index != b->months[i].month_index ||
            a->months[i].visits != b->months[i].visits ||
            a->months[i].spend != b->months[i].spend ||
            a->months[i].points != b->months[i].points) {
            return false;
        }
    }
    return true;
}

static bool debts_equal(const struct jf_member *a, const struct jf_member *b)
{
    if (a->debt_count != b->debt_count) {
        return false;
    }
    for (uint32_t i = 0; i < a->debt_count; i++) {
        if (a->debts[i].entity.value != b->debts[i].entity.value ||
            a->debts[i].points != b->debts[i].points) {
            return false;
        }
    }
    return true;
}

static void expect_equal(const struct jf_member *a, const struct jf_member *b, const char *claim)
{
    cr_assert(lots_equal(a, b), "seed %" PRIu64 ": %s: lots", seed, claim);
    cr_assert(debts_equal(a, b), "seed %" PRIu64 ": %s: debts", seed, claim);
    cr_assert(counters_equal(a, b), "seed %" PRIu64 ": %s: counters", seed, claim);
}

static void member_replace(struct jf_member *with)
{
    free(world.members[1]);
    world.members[1] = with;
}

static void case_run(void)
{
    struct random random = {seed};
    world_open(&world, PROGRAMME_RICH);
    world_enrol(&world, 1);
    past_draw(&random);
    struct jf_member *before = world_copy(world.members[1]);
    const struct jf_entry *sale = sale_draw(&random);
    bool is_quiet = random_below(&random, 2) == 0;
    for (uint32_t i = 0; !is_quiet && i < 3; i++) {
        redeem_draw(&random);
    }
    struct jf_member *after_sale = world_copy(world.members[1]);
    world_brings_back(&world, sale, NULL, "2026-03-22");
    struct jf_member *whole = world_copy(world.members[1]);
    if (is_quiet) {
        expect_equal(whole, before, "as if the sale had not been");
    }
    for (uint32_t i = 0; i < 3; i++) {
        member_replace(world_copy(after_sale));
        partition_draw(&random, sale);
        expect_equal(world.members[1], whole, "in parts as at once");
    }
    free(before);
    free(after_sale);
    free(whole);
    world_close(&world);
}

Test(plan_take_back, any_partition_of_returns_equals_one_full_return, .timeout = 120)
{
    for (uint32_t i = 0; i < CASES; i++) {
        seed = SEED_FIRST + i;
        case_run();
    }
}

// Permutations of the same parts end alike after each full set, and what is kept decides before it
// too: two orders of two lines meet in the middle.
Test(plan_take_back, what_is_kept_alone_decides_on_the_way, .timeout = 120)
{
    for (uint32_t i = 0; i < CASES / 4; i++) {
        seed = SEED_FIRST + CASES + i;
        struct random random = {seed};
        world_open(&world, PROGRAMME_RICH);
        world_enrol(&world, 1);
        past_draw(&random);
        const struct jf_entry *sale = sale_draw(&random);
        redeem_draw(&random);
        if (sale->as.sale.receipt.line_count >= 3) {
            struct jf_member *after_sale = world_copy(world.members[1]);
            struct jf_member *ends[3];
            for (uint32_t way = 0; way < 3; way++) {
                const struct jf_return_line both[2] = {
                    {.line_number = way == 1 ? 2 : 1, .is_whole = true},
                    {.line_number = way == 1 ? 1 : 2, .is_whole = true}};
                member_replace(world_copy(after_sale));
                struct jf_command command = return_of("2026-03-22", both, way == 2 ? 2 : 1);
                world.sale = sale;
                const struct jf_entry *last = world_post(&world, &command);
                cr_assert_not_null(last);
                command = return_of("2026-03-22", &both[1], 1);
                world.sale = sale;
                world.last_return = last;
                if (way < 2) {
                    cr_assert_not_null(world_post(&world, &command));
                }
                world.sale = NULL;
                world.last_return = NULL;
                ends[way] = world_copy(world.members[1]);
            }
            expect_equal(ends[0], ends[1], "in either order");
            expect_equal(ends[0], ends[2], "one by one as together");
            for (uint32_t way = 0; way < 3; way++) {
                free(ends[way]);
            }
            free(after_sale);
        }
        world_close(&world);
    }
}
