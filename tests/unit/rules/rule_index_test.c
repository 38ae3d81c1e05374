// Claims about the index: on random programmes and receipts it finds what asking every rule finds,
// step by step of the trace; and it leaves out nearly all rules that are of other days and stores.
#include <criterion/criterion.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "programme_fixture.h"
#include "random.h"
#include "rules/earn.h"
#include "rules/programme_rule.h"

#define YAML_BYTES 262144u

struct text {
    char *bytes;
    size_t size;
};

static void put(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(text->bytes + text->size, YAML_BYTES - text->size, format, arguments);
    va_end(arguments);
    text->size += (size_t)written;
    cr_assert_lt(text->size, YAML_BYTES);
}

// A list of one to three random numbers from `first` on.
static void put_list(struct text *text, struct random *random, const char *key, const char *item,
                     uint32_t bound, uint32_t first)
{
    uint32_t count = 1 + random_below(random, 3);
    put(text, "%s: [", key);
    for (uint32_t i = 0; i < count; i++) {
        put(text, "%s%s%u", i > 0 ? ", " : "", item, first + random_below(random, bound));
    }
    put(text, "], ");
}

static void put_ranges(struct text *text, struct random *random)
{
    uint32_t day = 1 + random_below(random, 20);
    put(text,
        "date_ranges: [{from: 2026-%02u-%02u, to: 2026-%02u-%02u}, "
        "{from: 2026-11-05, to: 2026-11-%02u}], ",
        1 + random_below(random, 6), day, 6 + random_below(random, 4), day + 5, 5 + day);
}

static void put_when(struct text *text, struct random *random)
{
    static const char *const weekdays[] = {"mon", "tue", "sun"};
    static const char *const birthdays[] = {"day", "week", "month"};
    for (uint32_t condition = 0; condition < 15; condition++) {
        if (random_below(random, 8) != 0) {
            continue;
        }
        switch (condition) {
        case 0:
            put_list(text, random, "days_of_month", "", 28, 1);
            break;
        case 1:
            put(text, "weekdays: [%s, fri], ", weekdays[random_below(random, 3)]);
            break;
        case 2:
            put(text, "nth_weekdays: [%u fri, last sat], ", 1 + random_below(random, 5));
            break;
        case 3:
            put(text, "dates: [2026-03-%02u, 2026-06-18], ", 1 + random_below(random, 31));
            break;
        case 4:
            put_ranges(text, random);
            break;
        case 5:
            put_list(text, random, "stores", "", 6, 1);
            break;
        case 6:
            put_list(text, random, "regions", "r", 3, 0);
            break;
        case 7:
            put_list(text, random, "entities", "", 3, 1);
            break;
        case 8:
            put_list(text, random, "tiers", "t", 3, 0);
            break;
        case 9:
            put(text, "birthday: %s, ", birthdays[random_below(random, 3)]);
            break;
        case 10:
            put(text, "first_purchase: %s, ", random_below(random, 2) == 0 ? "true" : "false");
            break;
        case 11:
            put_list(text, random, "categories", "c", 5, 0);
            break;
        case 12:
            put_list(text, random, "skus", "s", 5, 0);
            break;
        case 13:
            put_list(text, random, "activity_classes", "k", 3, 0);
            break;
        default:
            put(text, "basket_min: %u.00, ", 1 + random_below(random, 90));
            break;
        }
    }
}

static struct jf_programme *programme_make(struct random *random, uint32_t rule_count)
{
    struct text text = {malloc(YAML_BYTES), 0};
    put(&text, FIXTURE_HEAD "classes: {window_months: 6, levels: [{name: k0, visits_per_month: 3}, "
                            "{name: k1}, {name: k2, none_for_months: 6}]}\n"
                            "tiers: {levels: [{name: t0}, {name: t1, visits: 2}, "
                            "{name: t2, visits: 5}]}\n"
                            "groups: [{name: g}, {name: a, stack: add}]\nrules:\n");
    for (uint32_t i = 0; i < rule_count; i++) {
        static const char *const groups[] = {"", "group: g, ", "group: a, "};
        bool is_bonus = random_below(random, 2) == 0;
        put(&text, "  - {name: r%u, kind: %s, %s: %u, %s%swhen: {", i,
            is_bonus ? "bonus" : "multiplier", is_bonus ? "points" : "factor",
            1 + random_below(random, 50), groups[random_below(random, 3)],
            random_below(random, 5) == 0 ? "cap_per_member: 20, " : "");
        put_when(&text, random);
        put(&text, "}}\n");
    }
    put(&text, "caps: [{name: r, per: receipt, points: 400}]\n");
    struct jf_programme *programme = fixture_programme(text.bytes);
    free(text.bytes);
    return programme;
}

struct scene {
    struct jf_sale_facts facts;
    struct jf_line lines[3];
    char words[6][8];
    struct jf_member *member;
    struct jf_earn_input input;
};

static void scene_make(struct scene *scene, struct random *random, struct jf_arena *arena)
{
    static const char *const regions[] = {"r0", "r1", "r9", ""};
    struct jf_civil civil = {2026, 1 + (int32_t)random_below(random, 12),
                             1 + (int32_t)random_below(random, 28)};
    int64_t basket = 0;
    uint32_t count = 1 + random_below(random, 3);
    scene->facts = (struct jf_sale_facts){
        .tier = random_below(random, 3),
        .activity_class = random_below(random, 4),
        .birthday = random_below(random, 8),
        .is_first_purchase = random_below(random, 2) == 0,
        .entity = {1 + random_below(random, 4)},
        .region = jf_text_from(regions[random_below(random, 4)]),
    };
    for (uint32_t i = 0; i < count; i++) {
        snprintf(scene->words[2 * i], sizeof scene->words[0], "c%u", random_below(random, 7));
        snprintf(scene->words[2 * i + 1], sizeof scene->words[0], "s%u", random_below(random, 7));
        scene->lines[i] = (struct jf_line){.category = jf_text_from(scene->words[2 * i]),
                                           .sku = jf_text_from(scene->words[2 * i + 1]),
                                           .amount = random_below(random, 4000)};
        basket += scene->lines[i].amount;
    }
    scene->input = (struct jf_earn_input){.facts = &scene->facts,
                                          .business_date = jf_date_from_civil(civil),
                                          .store = {1 + random_below(random, 8)},
                                          .lines = scene->lines,
                                          .line_count = count,
                                          .basket_amount = basket,
                                          .member = scene->member,
                                          .arena = arena};
}

static void results_equal(const struct jf_earn_result *a, const struct jf_earn_result *b,
                          uint32_t line_count)
{
    cr_assert_eq(a->points, b->points);
    cr_assert_eq(a->granted_count, b->granted_count);
    cr_assert_eq(a->trace_count, b->trace_count);
    cr_assert_eq(a->room_count, b->room_count);
    for (uint32_t i = 0; i < a->granted_count; i++) {
        cr_assert_eq(a->granted[i].reason, b->granted[i].reason);
        cr_assert_eq(a->granted[i].points, b->granted[i].points);
    }
    for (uint32_t i = 0; i < a->trace_count; i++) {
        cr_assert_eq(a->trace[i].kind, b->trace[i].kind);
        cr_assert_eq(a->trace[i].reason, b->trace[i].reason);
        cr_assert_eq(a->trace[i].points, b->trace[i].points);
        cr_assert_eq(a->trace[i].exact, b->trace[i].exact);
    }
    for (uint32_t i = 0; i < a->room_count; i++) {
        cr_assert_eq(a->rooms[i].ground, b->rooms[i].ground);
        cr_assert_eq(a->rooms[i].room, b->rooms[i].room);
    }
    for (uint32_t i = 0; i < line_count; i++) {
        cr_assert_eq(a->line_points[i], b->line_points[i]);
    }
}

static struct jf_earn_result earned(const struct scene *scene, const struct jf_programme *programme)
{
    struct jf_earn_input input = scene->input;
    struct jf_earn_result result;
    struct jf_refusal refusal = {0};
    input.programme = programme;
    cr_assert_eq(jf_earn(&input, &result, &refusal), JF_OK);
    cr_assert_eq(refusal.code, JF_REFUSAL_NONE);
    return result;
}

Test(rule_index, it_finds_what_asking_every_rule_finds)
{
    struct random random = {20261125};
    struct jf_member_capacity none = {0};
    struct scene scene = {.member = jf_member_block_init(malloc(jf_member_block_size(none)), none)};
    uint32_t granted = 0;
    for (uint32_t round = 0; round < 60; round++) {
        uint32_t rule_count = round % 10 == 0 ? 200 : 1 + random_below(&random, 130);
        struct jf_programme *programme = programme_make(&random, rule_count);
        struct jf_programme plain = *programme; // the same, without an index
        memset(&plain.index, 0, sizeof plain.index);
        cr_assert_eq(programme->index.words, (rule_count + 63) / 64);
        for (uint32_t i = 0; i < 100; i++) {
            struct jf_arena arena;
            jf_arena_init(&arena, 65536, (size_t)1 << 22);
            scene_make(&scene, &random, &arena);
            struct jf_earn_result indexed = earned(&scene, programme);
            struct jf_earn_result walked = earned(&scene, &plain);
            results_equal(&indexed, &walked, scene.input.line_count);
            granted += indexed.granted_count;
            jf_arena_deinit(&arena);
        }
        jf_programme_destroy(programme);
    }
    free(scene.member);
    cr_expect_gt(granted, 6000, "the receipts are worth something");
}

static uint32_t rules_found(const struct jf_programme *programme, uint32_t store, jf_date date)
{
    struct jf_rule_receipt receipt;
    struct jf_sale_facts facts = {.entity = {1}};
    struct jf_rule_line line = {JF_WORD_NONE, JF_WORD_NONE};
    struct jf_rule_set set;
    uint32_t found = 0;
    jf_rule_receipt_init(&receipt, date);
    receipt.facts = &facts;
    receipt.store = store;
    receipt.region = JF_WORD_NONE;
    receipt.tender_count = 0;
    jf_rule_index_find(&programme->index, &receipt, &line, 1, programme->rule_count, &set);
    for (uint32_t i = 0; i < programme->index.words; i++) {
        found += (uint32_t)__builtin_popcountll(set.words[i]);
    }
    return found;
}

Test(rule_index, rules_of_other_stores_and_days_are_never_asked)
{
    struct text text = {malloc(YAML_BYTES), 0};
    put(&text, FIXTURE_HEAD "rules:\n");
    for (uint32_t i = 0; i < 200; i++) {
        put(&text,
            "  - {name: r%u, kind: bonus, points: 1, when: {stores: [%u], days_of_month: [%u]}}\n",
            i, 1 + i % 50, 1 + i % 4);
    }
    struct jf_programme *programme = fixture_programme(text.bytes);
    jf_date second = jf_date_from_civil((struct jf_civil){2026, 6, 2});
    cr_expect_eq(rules_found(programme, 2, second), 2);
    cr_expect_eq(rules_found(programme, 2, second + 5), 0);
    cr_expect_eq(rules_found(programme, 51, second), 0);
    jf_programme_destroy(programme);
    free(text.bytes);
}

Test(rule_index, an_axis_of_too_many_values_is_left_out)
{
    struct text text = {malloc((size_t)8 * YAML_BYTES), 0};
    put(&text, FIXTURE_HEAD "rules:\n");
    for (uint32_t i = 0; i < 1000; i++) {
        // 10,000 stores in sets of 16 words each: above a mebibyte.
        put(&text, "- {name: r%u, kind: bonus, points: 1, when: {weekdays: [%s], stores: [", i,
            i % 2 == 0 ? "mon" : "tue");
        for (uint32_t j = 0; j < 10; j++) {
            put(&text, "%s%u", j > 0 ? "," : "", 1 + 10 * i + j);
        }
        put(&text, "]}}\n");
    }
    struct jf_programme *programme = fixture_programme(text.bytes);
    cr_expect_eq(programme->index.axes[JF_AXIS_STORES].key_count, 0);
    jf_date monday = jf_date_from_civil((struct jf_civil){2026, 6, 1});
    cr_expect_eq(rules_found(programme, 7, monday), 500, "asked exactly, one by one");
    jf_programme_destroy(programme);
    free(text.bytes);
}
