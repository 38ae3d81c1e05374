// jifen-bench plan: what planning a sale costs by the number of rules, in this process: no journal,
// no disk, no network. Fails: usage; a programme or sale that the rules refuse.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/options.h"
#include "bench/process.h"
#include "bench/random.h"
#include "bench/report.h"
#include "rules/plan.h"

#define SETS_MAX         8u
#define STORES           50u
#define CHAIN_RULES      5u // of every store; the others are of one store each
#define SALES_A_TURN     2000u
#define LINES            3u
#define YAML_BYTES_MAX   (512u << 10)
#define ARENA_BYTES      ((size_t)1 << 20)
#define NOW_MS           1797000000000 // in December 2026
#define DAY_MS           86400000
#define DAYS             364u
#define LINE_AMOUNT_MAX  20000u
#define CATEGORY_COUNT   20u
#define RULES_DEFAULT    "5,50,200"
#define RULES_LISTED_MAX ((uint64_t)JF_RULES_MAX)

static const struct jf_bench_help help = {
    .usage = "jifen-bench plan [options]",
    .about = "Plans sales of three lines under programmes of several sizes, in this process, and "
             "says\nwhat one costs. Five rules are of all stores (a member day, a birthday, a "
             "category, a\nbasket, a time of day); the others are of one of 50 stores each, on "
             "days of their own.\nThe sizes take turns, so that a change of the machine's pace "
             "meets all of them.\n",
    .example = "  jifen-bench plan --rules 5,50,200 --seconds 5 --json plan.json\n",
};

// One programme with the reference that holds it.
struct set {
    uint64_t rule_count;
    struct jf_reference *reference;
    uint64_t granted; // points, so that nothing is optimised away, and nothing is worth nothing
};

struct sales {
    struct jf_member *member;
    struct jf_line lines[LINES];
    char categories[CATEGORY_COUNT][16];
    uint64_t random;
};

// Writes the programme's text. Returns: its size.
static uint32_t yaml_write(char *yaml, uint64_t rule_count)
{
    static const char *const chain[CHAIN_RULES] = {
        "{name: member-day, kind: multiplier, factor: 2, when: {days_of_month: [8, 18, 28]}}",
        "{name: birthday, kind: multiplier, factor: 1.5, when: {birthday: month}}",
        "{name: health, kind: multiplier, factor: 1.2, when: {categories: [c1, c2, c3]}}",
        "{name: basket, kind: bonus, points: 20, when: {basket_min: 300.00}}",
        "{name: morning, kind: bonus, points: 5, when: {times: [{from: '08:00', to: '09:00'}]}}",
    };
    size_t size = (size_t)snprintf(yaml, YAML_BYTES_MAX, "%s",
                                   "name: bench\neffective_from: 2025-01-01T00:00:00Z\n"
                                   "earn: {points: 1, per_amount: 1.00}\n"
                                   "exclusions: {categories: [c0]}\n"
                                   "expiry: {policy: month_end, months: 12}\nrules:\n");
    for (uint64_t i = 0; i < rule_count && size < YAML_BYTES_MAX; i++) {
        char *at = yaml + size;
        size_t room = YAML_BYTES_MAX - size;
        if (i < CHAIN_RULES) {
            size += (size_t)snprintf(at, room, "  - %s\n", chain[i]);
            continue;
        }
        unsigned store = (unsigned)(1 + i % STORES);
        unsigned day = (unsigned)(1 + i * 7 % 28);
        size += (size_t)snprintf(
            at, room,
            "  - {name: store-%u, kind: bonus, points: 10, when: {stores: [%u], "
            "days_of_month: [%u], date_ranges: [{from: 2026-%02u-01, to: 2026-12-31}]}}\n",
            (unsigned)i, store, day, (unsigned)(1 + i % 6));
    }
    return size < YAML_BYTES_MAX ? (uint32_t)size : 0;
}

// Plans an entry of reference data and applies it. Returns: whether it was accepted.
static bool reference_put(struct jf_reference *reference, struct jf_command *command,
                          struct jf_arena *arena, struct jf_refusal *out_refusal)
{
    struct jf_plan_input input = {
        .reference = reference, .arena = arena, .now_us = (uint64_t)NOW_MS * 1000};
    struct jf_entry *entry = NULL;
    jf_arena_reset(arena);
    command->transaction_id = JF_TEXT("bench");
    if (jf_plan(&input, command, &entry, out_refusal) != JF_OK || entry == NULL) {
        return false;
    }
    entry->position = 1;
    jf_reference_apply(reference, entry);
    return true;
}

static enum jf_bench_exit refused(const struct jf_refusal *refusal)
{
    return jf_bench_fail(JF_BENCH_FAILED, "%s: %s", jf_refusal_name(refusal->code),
                         refusal->detail);
}

static enum jf_bench_exit set_open(struct set *set, struct jf_arena *arena)
{
    struct jf_refusal refusal = {.code = JF_REFUSAL_NONE};
    char *yaml = malloc(YAML_BYTES_MAX);
    if (yaml == NULL || jf_reference_create(NULL, &set->reference) != JF_OK) {
        free(yaml);
        return jf_bench_fail(JF_BENCH_UNAVAILABLE, "out of memory");
    }
    struct jf_command command = {.kind = JF_COMMAND_PUBLISH};
    command.as.publish = (struct jf_publish_command){
        .yaml = {yaml, yaml_write(yaml, set->rule_count)}, .file_name = JF_TEXT("bench.yaml")};
    bool is_there = reference_put(set->reference, &command, arena, &refusal);
    for (uint32_t store = 1; is_there && store <= STORES; store++) {
        command = (struct jf_command){.kind = JF_COMMAND_PUT_STORE};
        command.as.put_store = (struct jf_put_store_command){.store = {store},
                                                             .entity = {1},
                                                             .region = JF_TEXT("east"),
                                                             .zone = JF_TEXT("Asia/Shanghai"),
                                                             .day_start_minute = 240};
        is_there = reference_put(set->reference, &command, arena, &refusal);
    }
    free(yaml);
    return is_there ? JF_BENCH_OK : refused(&refusal);
}

static enum jf_bench_exit sales_open(struct sales *sales)
{
    const struct jf_member_capacity room = {.lots = 4, .months = 4};
    void *block = calloc(1, jf_member_block_size(room));
    if (block == NULL) {
        return jf_bench_fail(JF_BENCH_UNAVAILABLE, "out of memory");
    }
    sales->member = jf_member_block_init(block, room);
    sales->member->number.value = 1;
    sales->member->status = JF_MEMBER_ACTIVE;
    sales->member->birth_month = 6;
    sales->member->birth_day = 18;
    for (uint32_t i = 0; i < CATEGORY_COUNT; i++) {
        (void)snprintf(sales->categories[i], sizeof sales->categories[0], "c%u", i);
    }
    return JF_BENCH_OK;
}

static struct jf_command sale_next(struct sales *sales)
{
    struct jf_command command = {.kind = JF_COMMAND_SALE, .transaction_id = JF_TEXT("bench")};
    for (uint32_t i = 0; i < LINES; i++) {
        uint64_t bits = jf_random_next(&sales->random);
        sales->lines[i] = (struct jf_line){
            .sku = JF_TEXT("6901234567892"),
            .category = jf_text_from(sales->categories[bits % CATEGORY_COUNT]),
            .quantity_milli = 1000,
            .amount = 1 + (int64_t)(bits >> 32) % LINE_AMOUNT_MAX,
        };
    }
    uint64_t bits = jf_random_next(&sales->random);
    command.as.sale = (struct jf_sale_command){
        .member = {.number = {1}},
        .receipt = {.store = {1 + (uint32_t)(bits % STORES)},
                    .terminal = 1,
                    .number = JF_TEXT("1"),
                    .sold_at_ms = NOW_MS - (int64_t)((bits >> 32) % (DAYS * DAY_MS)),
                    .lines = sales->lines,
                    .line_count = LINES},
    };
    return command;
}

// Plans the same sales under one set. Out: nanoseconds for each.
static enum jf_bench_exit turn_run(struct set *set, struct sales *sales, struct jf_arena *arena,
                                   double *out_ns)
{
    struct jf_refusal refusal = {.code = JF_REFUSAL_NONE};
    uint64_t begin_ns = jf_bench_now_ns();
    for (uint32_t i = 0; i < SALES_A_TURN; i++) {
        struct jf_command command = sale_next(sales);
        struct jf_plan_input input = {.reference = set->reference,
                                      .arena = arena,
                                      .now_us = (uint64_t)NOW_MS * 1000,
                                      .fingerprint = 1,
                                      .member = sales->member,
                                      .is_card_known = true};
        struct jf_entry *entry = NULL;
        jf_arena_reset(arena);
        if (jf_plan(&input, &command, &entry, &refusal) != JF_OK || entry == NULL) {
            return refused(&refusal);
        }
        set->granted += (uint64_t)entry->points_granted;
    }
    *out_ns = (double)(jf_bench_now_ns() - begin_ns) / SALES_A_TURN;
    return JF_BENCH_OK;
}

// One round: each set once, with the same sales. Adds a sample to each set's sum.
static enum jf_bench_exit round_run(struct set *sets, uint32_t set_count, struct sales *sales,
                                    struct jf_arena *arena, double *sums)
{
    uint64_t random = sales->random;
    for (uint32_t i = 0; i < set_count; i++) {
        double ns = 0;
        sales->random = random;
        enum jf_bench_exit code = turn_run(&sets[i], sales, arena, &ns);
        if (code != JF_BENCH_OK) {
            return code;
        }
        sums[i] += ns;
    }
    return JF_BENCH_OK;
}

static enum jf_bench_exit repeat_run(struct set *sets, uint32_t set_count, struct sales *sales,
                                     uint64_t run_ms, struct jf_report *report)
{
    double sums[SETS_MAX] = {0};
    struct jf_arena arena;
    jf_arena_init(&arena, ARENA_BYTES, ARENA_BYTES);
    uint64_t end_ns = jf_bench_now_ns() + run_ms * 1000000;
    uint32_t rounds = 0;
    enum jf_bench_exit code = round_run(sets, set_count, sales, &arena, sums); // warms up
    memset(sums, 0, sizeof sums);
    while (code == JF_BENCH_OK && (rounds == 0 || jf_bench_now_ns() < end_ns)) {
        code = jf_interrupt_seen() ? jf_bench_fail(JF_BENCH_INTERRUPTED, "interrupted")
                                   : round_run(sets, set_count, sales, &arena, sums);
        rounds++;
    }
    jf_arena_deinit(&arena);
    char first[JF_FIGURE_NAME_SIZE];
    (void)snprintf(first, sizeof first, "plan.rules_%llu.us",
                   (unsigned long long)sets[0].rule_count);
    for (uint32_t i = 0; code == JF_BENCH_OK && i < set_count; i++) {
        char name[JF_FIGURE_NAME_SIZE];
        (void)snprintf(name, sizeof name, "plan.rules_%llu.us",
                       (unsigned long long)sets[i].rule_count);
        jf_report_add(report, name, sums[i] / rounds / 1000, "us", i == 0 ? NULL : first);
    }
    if (code == JF_BENCH_OK) {
        jf_report_add(report, "engine.plan.rate", 1e9 * rounds / sums[0], "/s", NULL);
    }
    return code;
}

// Reads "5,50,200". Returns: how many; 0 when it is no such list.
static uint32_t rules_read(const char *text, struct set sets[SETS_MAX])
{
    uint32_t count = 0;
    while (count < SETS_MAX) {
        char *end = NULL;
        unsigned long long number = strtoull(text, &end, 10);
        if (end == text || *text == '-' || number < 1 || number > RULES_LISTED_MAX) {
            return 0;
        }
        sets[count++].rule_count = number;
        if (*end == '\0') {
            return count;
        }
        if (*end != ',') {
            return 0;
        }
        text = end + 1;
    }
    return 0;
}

static enum jf_bench_exit measure(struct set *sets, uint32_t set_count, uint64_t run_ms,
                                  uint64_t repeats, struct jf_report *report)
{
    struct sales sales = {.random = 1};
    struct jf_arena arena;
    jf_arena_init(&arena, ARENA_BYTES, (size_t)16 << 20);
    enum jf_bench_exit code = sales_open(&sales);
    for (uint32_t i = 0; code == JF_BENCH_OK && i < set_count; i++) {
        code = set_open(&sets[i], &arena);
    }
    for (uint64_t i = 0; code == JF_BENCH_OK && i < repeats; i++) {
        code = repeat_run(sets, set_count, &sales, run_ms, report);
    }
    for (uint32_t i = 0; code == JF_BENCH_OK && i < set_count; i++) {
        if (sets[i].granted == 0) {
            code = jf_bench_fail(JF_BENCH_FAILED, "the sales granted nothing");
        }
    }
    jf_arena_deinit(&arena);
    free(sales.member);
    return code;
}

enum jf_bench_exit jf_bench_plan_run(const struct jf_bench_command *command)
{
    const char *rules = RULES_DEFAULT;
    const char *json_path = NULL;
    uint64_t run_ms = 3000;
    uint64_t repeats = 1;
    const struct jf_bench_option options[] = {
        {"--rules", "N,N", JF_BENCH_TEXT, &rules, 0, 0,
         "how many rules, up to 8 sizes; default " RULES_DEFAULT},
        {"--seconds", "S", JF_BENCH_SECONDS, &run_ms, 10, 600000, "for all sizes together"},
        {"--repeat", "N", JF_BENCH_NUMBER, &repeats, 1, JF_REPEATS_MAX, "report medians of N runs"},
        {"--json", "FILE", JF_BENCH_TEXT, &json_path, 0, 0, "write the figures there too"},
    };
    enum jf_bench_exit code = jf_options_parse(&help, options, JF_BENCH_OPTION_COUNT(options),
                                               command->argc - 1, command->argv + 1);
    if (code != JF_BENCH_GO_ON) {
        return code;
    }
    struct set sets[SETS_MAX] = {{0}};
    uint32_t set_count = rules_read(rules, sets);
    if (set_count == 0) {
        return jf_bench_fail(JF_BENCH_USAGE,
                             "--rules \"%s\": write up to 8 numbers of 1 to %u, such as 5,50,200",
                             rules, JF_RULES_MAX);
    }
    struct jf_report *report = calloc(1, sizeof(*report));
    if (report == NULL) {
        return jf_bench_fail(JF_BENCH_UNAVAILABLE, "out of memory");
    }
    struct jf_diagnosis diagnosis;
    jf_report_begin(report, command, ".");
    code = measure(sets, set_count, run_ms, repeats, report);
    if (code == JF_BENCH_OK && jf_report_finish(report, json_path, &diagnosis) != JF_OK) {
        code = jf_bench_diagnosed(&diagnosis);
    }
    for (uint32_t i = 0; i < set_count; i++) {
        jf_reference_destroy(sets[i].reference);
    }
    free(report);
    return code;
}
