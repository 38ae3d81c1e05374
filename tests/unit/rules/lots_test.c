// Claims about lots: the order of spending, and giving back last spent first.
#include <criterion/criterion.h>

#include "rules/lots.h"

static struct jf_lot lots[4];

static struct jf_member member_make(void)
{
    lots[0] = (struct jf_lot){.expires_on = 100, .entity = {1}, .remaining = 5};
    lots[1] = (struct jf_lot){.available_on = 90, .expires_on = 100, .entity = {1}, .remaining = 4};
    lots[2] = (struct jf_lot){.available_on = 90, .expires_on = 100, .entity = {2}, .remaining = 3};
    lots[3] = (struct jf_lot){.expires_on = JF_DATE_EVER, .entity = {1}, .remaining = 9};
    return (struct jf_member){.lots = lots, .lot_count = 4, .lot_capacity = 4};
}

Test(lots, keys_order_by_expiry_then_first_day_then_entity)
{
    member_make();
    for (uint32_t i = 0; i < 4; i++) {
        for (uint32_t j = 0; j < 4; j++) {
            int order = jf_lot_key_compare(jf_lot_key_of(&lots[i]), jf_lot_key_of(&lots[j]));
            cr_expect_eq(order < 0, i < j);
            cr_expect_eq(order == 0, i == j);
        }
    }
}

Test(lots, a_key_without_lot_is_not_found)
{
    struct jf_member member = member_make();
    cr_expect_null(jf_lots_find(&member, (struct jf_lot_key){0, 99, {1}}));
    cr_expect_null(jf_lots_find(&member, (struct jf_lot_key){0, JF_DATE_EVER, {2}}));
    cr_expect_eq(jf_lots_find(&member, (struct jf_lot_key){90, 100, {2}}), &lots[2]);
}

Test(lots, spending_takes_the_earliest_expiry_first_and_skips_what_is_not_open)
{
    struct jf_member member = member_make();
    struct jf_lot_part parts[4];
    cr_expect_eq(jf_lots_spendable(&member, 89), 14);
    cr_assert_eq(jf_lots_spend(&member, 89, 6, parts), 2);
    cr_expect_eq(parts[0].points, 5);
    cr_expect_eq(parts[1].points, 1);
    cr_expect_eq(parts[1].expires_on, JF_DATE_EVER);
    cr_assert_eq(jf_lots_spend(&member, 90, 21, parts), 4);
    cr_expect_eq(parts[2].entity.value, 2);
    cr_assert_eq(jf_lots_spend(&member, 101, 9, parts), 1);
    cr_expect_eq(parts[0].expires_on, JF_DATE_EVER);
    cr_expect_eq(jf_lots_spend(&member, 101, 0, parts), 0);
}

Test(lots, points_go_back_to_the_last_spent_first)
{
    const struct jf_lot_part spent[3] = {{.points = 5}, {.points = 3}, {.points = 2}};
    static const int64_t expected[][4] = {
        {0, 0, 0, 0}, {1, 0, 0, 1}, {2, 0, 0, 2},  {3, 0, 1, 2},
        {5, 0, 3, 2}, {6, 1, 3, 2}, {10, 5, 3, 2},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        for (uint32_t part = 0; part < 3; part++) {
            cr_expect_eq(jf_lots_given_back(spent, 3, part, expected[i][0]), expected[i][part + 1]);
        }
    }
}
