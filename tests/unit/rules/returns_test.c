// Invariant 7 over random programmes: whatever a programme says (rounding, stacking, thresholds,
// exclusions, caps and budgets, expiry, pending days, what becomes of a shortfall, other lots,
// reinstated lots) and whatever happened before a sale and after it,
//
//   - any sequence of partial returns that ends with nothing kept ends as one full return does;
//   - the same parts in any order, or all at once, end alike, also where something is kept;
//   - a full return of a sale that nothing followed leaves things as if the sale had not been,
//     where no lot is over by then.
//
// "As" means: lots, debts, months, counters, visits, and the sums of what was posted and answered.
// A seed that fails is printed and replays alone: JF_RETURNS_SEED=N.
#include <criterion/criterion.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"
#include "world.h"

#define CASES      10000u
#define LINES_MAX  5u
#define PARTS_MAX  6u
#define YAML_MAX   8192u
#define SEED_FIRST UINT64_C(20261125)

static struct world world;
static struct random draws;
static uint64_t seed;
static char yaml[YAML_MAX];

// How often the cases reached what they are for.
static struct {
    uint32_t offline; // debts that the sale itself made
    uint32_t debts;
    uint32_t written_off;
    uint32_t deducted;
    uint32_t others;
    uint32_t expired;
    uint32_t quiet;
    uint32_t cut;
    uint32_t counted;
} marks;

static uint32_t draw(uint32_t bound)
{
    return random_below(&draws, bound);
}

static const char *pick(const char *const *words, uint32_t count)
{
    return words[draw(count)];
}
#define PICK(...)                                                                                  \
    pick((const char *const[]){__VA_ARGS__},                                                       \
         (uint32_t)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)))

static void write_yaml(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void write_yaml(const char *format, ...)
{
    size_t used = strlen(yaml);
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(yaml + used, sizeof yaml - used, format, arguments);
    va_end(arguments);
    cr_assert(written >= 0 && (size_t)written < sizeof yaml - used);
}

static const char *condition_draw(void)
{
    return PICK("days_of_month: [8, 18, 28]", "weekdays: [sat, sun]", "basket_min: 20.00",
                "categories: [health]", "tenders: [cash]", "first_purchase: true", "stores: [2]",
                "entities: [2]", "dates: [2026-02-08, 2026-03-08]",
                "categories: [food, \"\\u5065\"]", "basket_min: 0.01");
}

static void rules_draw(void)
{
    uint32_t count = draw(5);
    bool has_group = draw(2) == 0;
    if (has_group) {
        write_yaml("groups: [{name: g, stack: %s}]\n", PICK("best", "add", "multiply"));
    }
    bool has_multiply = strstr(yaml, "stack: multiply") != NULL;
    write_yaml(count > 0 ? "rules:\n" : "");
    for (uint32_t i = 0; i < count; i++) {
        bool is_grouped = has_group && draw(2) == 0;
        bool is_bonus = draw(2) == 0 && !(is_grouped && has_multiply);
        write_yaml("  - {name: r%u, kind: %s%s, %s", i, is_bonus ? "bonus" : "multiplier",
                   is_grouped ? ", group: g" : "",
                   is_bonus ? PICK("points: 1", "points: 20", "points: 7")
                            : PICK("factor: 2", "factor: 1.5", "factor: 1.25", "factor: 4/3"));
        write_yaml("%s%s", PICK("", "", ", cap_per_member: 15", ", cap_per_member: 300"),
                   PICK("", "", ", budget: 25", ", budget: 100"));
        if (draw(4) > 0) {
            write_yaml(", when: {%s}", condition_draw());
        }
        write_yaml("}\n");
    }
    if (draw(2) == 0) {
        write_yaml("caps:\n");
        for (uint32_t i = 0; i < 3; i++) {
            write_yaml("  - {name: c%u, per: %s, points: %s%s}\n", i,
                       PICK("receipt", "member_day", "member_month"), PICK("9", "40", "150"),
                       PICK("", ", rules: [base]", count > 0 ? ", rules: [r0]" : "",
                            count > 1 ? ", rules: [r1, base]" : ""));
        }
    }
}

static void programme_draw(void)
{
    yaml[0] = '\0';
    write_yaml("name: drawn\neffective_from: 2026-01-01T00:00:00Z\n");
    write_yaml("earn: {points: %s, per_amount: %s}\n", PICK("1", "2", "3"),
               PICK("1.00", "0.30", "2.50", "7", "0.01"));
    write_yaml("exclusions: {categories: [%s], tenders: [%s]}\n", PICK("", "tobacco"),
               PICK("", "insurance", "insurance, voucher"));
    write_yaml("rounding: {mode: %s, scope: %s}\n", PICK("floor", "half_up", "half_even"),
               PICK("receipt", "line"));
    write_yaml("expiry: %s\n",
               PICK("{policy: month_end, months: 3}", "{policy: month_end, months: 1}",
                    "{policy: month_end, months: 0}", "{policy: never}",
                    "{policy: months_after, months: 2}", "{policy: day_of_year, day: 03-25}"));
    write_yaml("pending_days: %s\n", PICK("0", "0", "3", "30"));
    write_yaml("redemption: {%s, share_max: %s, offline_allowance: %s, earn_on_redeemed: %s%s}\n",
               PICK("points: 10, amount: 1.00", "points: 1, amount: 0.07",
                    "points: 3, amount: 0.01", "points: 5, amount: 0.05"),
               PICK("100%", "50%", "1/3"), PICK("0", "300"), PICK("true", "false"),
               PICK("", ", excluded_categories: [food]"));
    write_yaml("returns: {shortfall: %s, from_other_lots: %s, reinstate_days: %s}\n",
               PICK("debt", "write_off", "deduct"), PICK("true", "false"), PICK("0", "10", "60"));
    rules_draw();
}

static const struct jf_receipt *receipt_draw(struct jf_receipt *receipt)
{
    struct jf_line *lines = jf_arena_alloc(&world.arena, LINES_MAX * sizeof *lines);
    struct jf_tender *tenders = jf_arena_alloc(&world.arena, 3 * sizeof *tenders);
    receipt->line_count = 1 + draw(LINES_MAX);
    int64_t basket = 0;
    for (uint32_t i = 0; i < receipt->line_count; i++) {
        lines[i] = line_of(PICK("food", "health", "tobacco", ""), draw(4000));
        lines[i].quantity_milli = draw(5) * 500;
        basket += lines[i].amount;
    }
    static const char *const types[] = {"insurance", "cash", "voucher"};
    receipt->lines = lines;
    receipt->tenders = tenders;
    receipt->tender_count = draw(4);
    for (uint32_t i = 0; i < receipt->tender_count; i++) {
        int64_t amount = (int64_t)draw((uint32_t)(basket / 3 + 1));
        tenders[i] = (struct jf_tender){jf_text_from(types[i]), amount};
    }
    receipt->store.value = 2 + draw(2);
    return receipt;
}

static const struct jf_entry *sale_draw(void)
{
    const char *day = PICK("2026-02-07", "2026-02-08", "2026-02-18", "2026-03-08");
    struct jf_line none = line_of("food", 0);
    struct jf_command command = sale_of(1, day, &none, 1);
    receipt_draw(&command.as.sale.receipt);
    command.as.sale.is_offline = draw(2) == 0;
    // As many steps as the member can pay, or none.
    for (uint32_t steps = draw(3) * draw(40); steps > 0; steps /= 2) {
        struct jf_entry *entry = NULL;
        command.as.sale.redeem_points = steps * 30;
        cr_assert_eq(world_plan(&world, &command, &entry), JF_OK);
        if (entry != NULL) {
            break;
        }
        command.as.sale.redeem_points = 0;
    }
    const struct jf_entry *sale = world_post(&world, &command);
    cr_assert_not_null(sale, "seed %" PRIu64 ": %s", seed, jf_refusal_name(world.refusal.code));
    return sale;
}

static void redeem_draw(void)
{
    struct jf_command command = redeem_of(1, "2026-03-20", (int64_t)(1 + draw(20)) * 30);
    (void)world_post(&world, &command);
}

// Sales, redemptions and whole returns: leaves lots, and often debts to both entities.
static void past_draw(void)
{
    uint32_t steps = draw(6);
    for (uint32_t i = 0; i < steps; i++) {
        const struct jf_entry *sale = sale_draw();
        if (draw(2) == 0) {
            redeem_draw();
        }
        if (draw(2) == 0) {
            world_brings_back(&world, sale, NULL, "2026-03-21");
        }
    }
}

// What a sequence of returns has done.
struct end {
    struct jf_member *member;
    int64_t posted[JF_ACCOUNT_COUNT];
    int64_t granted;
    int64_t redeemed;
    int64_t redeemed_value;
    int64_t shortfall;
    int64_t deducted;
    const struct jf_entry *last;
};

static void end_add(struct end *end, const struct jf_entry *entry)
{
    for (uint32_t account = 1; account < JF_ACCOUNT_COUNT; account++) {
        end->posted[account] += posted(entry, (enum jf_account)account);
    }
    end->granted += entry->points_granted;
    end->redeemed += entry->points_redeemed;
    end->redeemed_value += entry->redeemed_value;
    end->shortfall += entry->shortfall_points;
    end->deducted += entry->deducted_value;
    end->last = entry;
}

static void bring_back(struct end *end, const struct jf_entry *sale, const struct jf_command *asked)
{
    world.sale = sale;
    world.last_return = end->last;
    const struct jf_entry *entry = world_post(&world, asked);
    cr_assert_not_null(entry, "seed %" PRIu64 ": %s", seed, jf_refusal_name(world.refusal.code));
    end_add(end, entry);
}

static void member_replace(struct jf_member *with)
{
    free(world.members[1]);
    world.members[1] = with;
}

static struct end end_begin(const struct jf_member *from)
{
    member_replace(world_copy(from));
    return (struct end){.last = NULL};
}

static bool arrays_equal(const void *a, uint32_t a_count, const void *b, uint32_t b_count,
                         size_t size)
{
    return a_count == b_count && (a_count == 0 || memcmp(a, b, a_count * size) == 0);
}

static void members_compare(const struct jf_member *a, const struct jf_member *b, const char *claim)
{
#define SAME(array, count)                                                                         \
    cr_assert(arrays_equal(a->array, a->count, b->array, b->count, sizeof *a->array),              \
              "seed %" PRIu64 ": %s: " #array "\n%s", seed, claim, yaml)
    SAME(lots, lot_count);
    SAME(debts, debt_count);
    SAME(months, month_count);
    SAME(counters, counter_count);
#undef SAME
    cr_assert_eq(a->visits, b->visits, "seed %" PRIu64 ": %s: visits", seed, claim);
}

static void ends_compare(const struct end *a, const struct end *b, const char *claim)
{
    members_compare(a->member, b->member, claim);
    for (uint32_t account = 1; account < JF_ACCOUNT_COUNT; account++) {
        cr_assert_eq(a->posted[account], b->posted[account],
                     "seed %" PRIu64 ": %s: account %u: %" PRId64 " and %" PRId64 "\n%s", seed,
                     claim, account, a->posted[account], b->posted[account], yaml);
    }
    cr_assert_eq(a->granted, b->granted, "seed %" PRIu64 ": %s: granted", seed, claim);
    cr_assert_eq(a->redeemed, b->redeemed, "seed %" PRIu64 ": %s: redeemed", seed, claim);
    cr_assert_eq(a->redeemed_value, b->redeemed_value, "seed %" PRIu64 ": %s: value", seed, claim);
    cr_assert_eq(a->shortfall, b->shortfall, "seed %" PRIu64 ": %s: shortfall", seed, claim);
    cr_assert_eq(a->deducted, b->deducted, "seed %" PRIu64 ": %s: deducted", seed, claim);
}

static int64_t left_of(const struct jf_entry *sale, const struct end *end, uint32_t line)
{
    const struct jf_receipt *receipt = &sale->as.sale.receipt;
    return end->last == NULL ? receipt->lines[line].quantity_milli
                             : end->last->as.sale_return.kept[line].quantity_milli;
}

// Returns the sale line by line, in random parts and order, until nothing is kept.
static void partition_run(struct end *end, const struct jf_entry *sale, const char *day)
{
    do {
        uint32_t line = draw(sale->as.sale.receipt.line_count);
        int64_t left = left_of(sale, end, line);
        struct jf_return_line back = {.line_number = line + 1, .is_whole = true};
        if (left > 0 && draw(3) > 0) {
            back.is_whole = false;
            back.quantity_milli = 1 + draw((uint32_t)left);
        }
        if (end->last != NULL && end->last->as.sale_return.kept[line].is_gone) {
            continue;
        }
        struct jf_command command = return_of(day, &back, 1);
        bring_back(end, sale, &command);
    } while (end->last == NULL || end->last->as.sale_return.is_visit);
    end->member = world_copy(world.members[1]);
}

struct parts {
    struct jf_return_line items[PARTS_MAX];
    uint32_t count;
};

// Some parts of some lines, never all of a line, so that their order can be changed.
static void parts_draw(const struct jf_entry *sale, struct parts *parts)
{
    int64_t left[LINES_MAX];
    const struct jf_receipt *receipt = &sale->as.sale.receipt;
    for (uint32_t i = 0; i < receipt->line_count; i++) {
        left[i] = receipt->lines[i].quantity_milli;
    }
    uint32_t wanted = draw(PARTS_MAX + 1);
    for (uint32_t i = 0; i < wanted; i++) {
        uint32_t line = draw(receipt->line_count);
        if (left[line] > 0) {
            int64_t quantity = 1 + draw((uint32_t)left[line]);
            left[line] -= quantity;
            parts->items[parts->count++] =
                (struct jf_return_line){.line_number = line + 1, .quantity_milli = quantity};
        }
    }
}

static void parts_shuffle(struct parts *parts)
{
    for (uint32_t i = parts->count; i > 1; i--) {
        uint32_t other = draw(i);
        struct jf_return_line swapped = parts->items[i - 1];
        parts->items[i - 1] = parts->items[other];
        parts->items[other] = swapped;
    }
}

// The parts of each line together.
static struct parts parts_join(const struct parts *parts)
{
    struct parts joined = {.count = 0};
    for (uint32_t i = 0; i < parts->count; i++) {
        uint32_t at = 0;
        while (at < joined.count && joined.items[at].line_number != parts->items[i].line_number) {
            at++;
        }
        if (at == joined.count) {
            joined.items[joined.count++] = parts->items[i];
        } else {
            joined.items[at].quantity_milli += parts->items[i].quantity_milli;
        }
    }
    return joined;
}

static void one_by_one_run(struct end *end, const struct jf_entry *sale, const struct parts *parts,
                           const char *day)
{
    for (uint32_t i = 0; i < parts->count; i++) {
        struct jf_command command = return_of(day, &parts->items[i], 1);
        bring_back(end, sale, &command);
    }
    end->member = world_copy(world.members[1]);
}

// Points that a return puts back into a lot that is over, because rounding made the kept worth more
// than before, lie there as remaining until their expiry is posted; taken at once with others they
// never left what had expired. Both are over: counted together.
static void over_join(struct end *end, const char *day)
{
    for (uint32_t i = 0; i < end->member->lot_count; i++) {
        struct jf_lot *lot = &end->member->lots[i];
        if (lot->expires_on < date_of(day)) {
            lot->expired += lot->remaining;
            lot->remaining = 0;
        }
    }
    end->posted[JF_ACCOUNT_AVAILABLE] += end->posted[JF_ACCOUNT_EXPIRED];
    end->posted[JF_ACCOUNT_EXPIRED] = 0;
}

static void orders_compare(const struct jf_member *from, const struct jf_entry *sale,
                           const char *day)
{
    struct parts parts = {.count = 0};
    parts_draw(sale, &parts);
    if (parts.count == 0) {
        return;
    }
    struct parts joined = parts_join(&parts);
    struct jf_command command = return_of(day, joined.items, joined.count);
    struct end at_once = end_begin(from);
    bring_back(&at_once, sale, &command);
    at_once.member = world_copy(world.members[1]);
    over_join(&at_once, day);
    for (uint32_t i = 0; i < 3; i++) {
        struct end end = end_begin(from);
        one_by_one_run(&end, sale, &parts, day);
        over_join(&end, day);
        ends_compare(&end, &at_once, "in any order as at once");
        free(end.member);
        parts_shuffle(&parts);
    }
    free(at_once.member);
}

static bool is_any_over(const struct jf_member *member, const char *day)
{
    for (uint32_t i = 0; i < member->lot_count; i++) {
        if (member->lots[i].expires_on < date_of(day)) {
            return true;
        }
    }
    return false;
}

static void marks_set(const struct end *end, const struct jf_entry *sale)
{
    marks.offline += traced(sale, JF_TRACE_OFFLINE_DEBT) != NULL;
    marks.debts += end->posted[JF_ACCOUNT_DEBT] < 0;
    marks.written_off += end->shortfall > 0 && end->deducted == 0;
    marks.deducted += end->deducted > 0;
    marks.others += end->last->as.sale_return.taken_from_other_count > 0;
    marks.cut += traced(sale, JF_TRACE_CAP) != NULL;
    marks.counted += end->last->counted_count > 0;
    marks.expired += traced(end->last, JF_TRACE_EXPIRED) != NULL;
}

static void case_run(void)
{
    draws = (struct random){seed};
    programme_draw();
    world_open(&world, yaml);
    world_enrol(&world, 1);
    past_draw();
    struct jf_member *before = world_copy(world.members[1]);
    const struct jf_entry *sale = sale_draw();
    bool is_quiet = draw(2) == 0;
    for (uint32_t i = 0; !is_quiet && i < 3; i++) {
        redeem_draw();
    }
    struct jf_member *after = world_copy(world.members[1]);
    const char *day = PICK("2026-03-22", "2026-04-03", "2026-05-02", "2026-07-01");
    struct end whole = {.last = NULL};
    struct jf_command command = return_all_of(day);
    bring_back(&whole, sale, &command);
    whole.member = world_copy(world.members[1]);
    marks_set(&whole, sale);
    if (is_quiet && !is_any_over(before, day) && !is_any_over(after, day)) {
        members_compare(whole.member, before, "as if the sale had not been");
        cr_assert_eq(whole.shortfall, 0);
        marks.quiet++;
    }
    for (uint32_t i = 0; i < 3; i++) {
        struct end end = end_begin(after);
        partition_run(&end, sale, day);
        ends_compare(&end, &whole, "in parts as at once");
        free(end.member);
    }
    orders_compare(after, sale, day);
    free(before);
    free(after);
    free(whole.member);
    world_close(&world);
}

Test(returns, any_order_and_partition_ends_alike_under_any_programme, .timeout = 240)
{
    const char *given = getenv("JF_RETURNS_SEED");
    uint64_t first = given == NULL ? SEED_FIRST : strtoull(given, NULL, 10);
    uint32_t count = given == NULL ? CASES : 1;
    for (uint32_t i = 0; i < count; i++) {
        seed = first + i;
        case_run();
    }
    // Marks: the cases reach what they are for.
    uint32_t least = given == NULL ? CASES / 200 : 0;
    cr_expect_geq(marks.offline, least);
    cr_expect_geq(marks.debts, least);
    cr_expect_geq(marks.written_off, least);
    cr_expect_geq(marks.deducted, least);
    cr_expect_geq(marks.others, least);
    cr_expect_geq(marks.expired, least);
    cr_expect_geq(marks.quiet, least);
    cr_expect_geq(marks.cut, least);
    cr_expect_geq(marks.counted, least);
}
