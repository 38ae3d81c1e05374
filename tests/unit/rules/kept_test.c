// What is kept: in proportion, half-up, and never more than there is.
#include "rules/kept.h"

#include <criterion/criterion.h>

static struct jf_programme *programme_make(void)
{
    struct jf_programme *programme = NULL;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    struct jf_text yaml = JF_TEXT("name: t\neffective_from: 2026-01-01T00:00:00Z\n"
                                  "earn: {points: 1, per_amount: \"1.00\"}\n"
                                  "expiry: {policy: never}\n"
                                  "exclusions: {tenders: [gift, voucher]}\n"
                                  "redemption: {points: 100, amount: \"1.00\"}\n");
    cr_assert_eq(jf_programme_parse(yaml, JF_TEXT("t"), &programme, &diagnosis), JF_OK, "%s",
                 diagnosis.text);
    return programme;
}

static const struct jf_line lines[] = {
    {.sku = {"a", 1}, .quantity_milli = 3000, .amount = 1000},
    {.sku = {"b", 1}, .quantity_milli = 0, .amount = 500},
};

Test(kept, keeps_lines_tenders_and_redemption_in_proportion)
{
    struct jf_programme *programme = programme_make();
    struct jf_arena arena;
    jf_arena_init(&arena, 65536, 1 << 20);
    const struct jf_tender tenders[] = {{.type = {"gift", 4}, .amount = 750},
                                        {.type = {"voucher", 7}, .amount = 750}};
    struct jf_sale_entry sale = {
        .receipt = {.lines = lines, .line_count = 2, .tenders = tenders, .tender_count = 2},
        .redeem_points = 301};
    const struct jf_kept_line kept_lines[] = {{.quantity_milli = 1000}, {.is_gone = true}};
    struct jf_kept_input input = {.programme = programme,
                                  .terms = programme,
                                  .sale = &sale,
                                  .lines = kept_lines,
                                  .arena = &arena};
    struct jf_kept kept;
    cr_assert_eq(jf_kept_make(&input, &kept), JF_OK);
    cr_assert_eq(kept.line_count, 1);
    cr_assert_eq(kept.lines[0].amount, 333);
    cr_assert_eq(kept.basket, 333);
    cr_assert_eq(kept.sale_basket, 1500);
    cr_assert_eq(kept.tenders[0].amount, 167); // 166.5, half-up
    cr_assert_eq(kept.tenders[1].amount, 166); // and never more than is kept
    cr_assert_eq(kept.redeemed, 67);           // 301 × 333 ÷ 1500
    cr_assert_eq(kept.value, 67);
    jf_arena_deinit(&arena);
    jf_programme_destroy(programme);
}

Test(kept, keeps_a_line_without_quantity_whole_or_not_at_all)
{
    struct jf_kept_line there = {.quantity_milli = 0};
    struct jf_kept_line gone = {.is_gone = true};
    cr_assert_eq(jf_kept_amount(&lines[1], &there), 500);
    cr_assert_eq(jf_kept_amount(&lines[1], &gone), 0);
}

Test(kept, points_pay_at_most_what_is_kept)
{
    struct jf_programme *programme = programme_make();
    cr_assert_eq(jf_kept_value(programme, 150, 1000), 150);
    cr_assert_eq(jf_kept_value(programme, 150, 100), 100);
    cr_assert_eq(jf_kept_value(programme, 0, 100), 0);
    jf_programme_destroy(programme);
}

Test(kept, needs_the_arena_only)
{
    struct jf_programme *programme = programme_make();
    struct jf_arena arena;
    jf_arena_init(&arena, 1024, 1024);
    (void)jf_arena_alloc(&arena, 1000);
    struct jf_sale_entry sale = {.receipt = {.lines = lines, .line_count = 2}};
    const struct jf_kept_line kept_lines[] = {{.quantity_milli = 1000}, {.is_gone = true}};
    struct jf_kept_input input = {.programme = programme,
                                  .terms = programme,
                                  .sale = &sale,
                                  .lines = kept_lines,
                                  .arena = &arena};
    struct jf_kept kept;
    cr_assert_eq(jf_kept_make(&input, &kept), JF_ERROR_NO_MEMORY);
    jf_arena_deinit(&arena);
    jf_programme_destroy(programme);
}
