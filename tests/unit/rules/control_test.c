// Claims about control totals: sums and counts by entry, each position once, never out of 64 bits.
#include <criterion/criterion.h>

#include "rules/apply.h"

#define HALF (INT64_MAX / 2)

static struct jf_entry entry_of(uint64_t position, const struct jf_posting *postings,
                                uint32_t count)
{
    return (struct jf_entry){
        .kind = JF_ENTRY_SALE, .position = position, .postings = postings, .posting_count = count};
}

static void apply(struct jf_control *control, const struct jf_entry *entry)
{
    cr_assert_eq(jf_control_reserve(control, entry), JF_OK);
    jf_control_apply(control, entry);
}

Test(control, rows_are_sorted_and_only_issued_points_are_split_by_reason)
{
    struct jf_control *control = NULL;
    cr_assert_eq(jf_control_create(&control), JF_OK);
    const struct jf_posting postings[] = {
        {.account = JF_ACCOUNT_ISSUED, .entity = {2}, .reason = 3, .points = -5},
        {.account = JF_ACCOUNT_ISSUED, .entity = {2}, .reason = 0, .points = -7},
        {.account = JF_ACCOUNT_AVAILABLE, .entity = {2}, .expires_on = 100, .points = 4},
        {.account = JF_ACCOUNT_AVAILABLE, .entity = {2}, .expires_on = 200, .points = 5},
        {.account = JF_ACCOUNT_DEBT, .entity = {1}, .points = 3},
    };
    struct jf_entry entry = entry_of(1, postings, 5);
    apply(control, &entry);
    apply(control, &entry); // the same position again
    const struct jf_control_row *rows = NULL;
    cr_assert_eq(jf_control_rows(control, &rows), 4);
    cr_expect_eq(rows[0].account, JF_ACCOUNT_AVAILABLE);
    cr_expect_eq(rows[0].points, 9);
    cr_expect_eq(rows[1].account, JF_ACCOUNT_DEBT);
    cr_expect_eq(rows[2].reason, 0);
    cr_expect_eq(rows[2].points, -7);
    cr_expect_eq(rows[3].reason, 3);
    cr_expect_eq(jf_control_liability(control), 12);
    cr_expect_eq(jf_control_counts(control)->entries, 1);
    jf_control_destroy(control);
}

Test(control, an_entry_that_would_leave_64_bits_does_not_fit)
{
    struct jf_control *control = NULL;
    cr_assert_eq(jf_control_create(&control), JF_OK);
    const struct jf_posting most[] = {{.account = JF_ACCOUNT_ISSUED, .points = -HALF},
                                      {.account = JF_ACCOUNT_AVAILABLE, .points = HALF}};
    const struct jf_posting one[] = {{.account = JF_ACCOUNT_ISSUED, .points = -1},
                                     {.account = JF_ACCOUNT_AVAILABLE, .points = 1}};
    const struct jf_posting again[] = {{.account = JF_ACCOUNT_ISSUED, .points = -HALF},
                                       {.account = JF_ACCOUNT_AVAILABLE, .points = HALF}};
    const struct jf_posting twice[] = {{.account = JF_ACCOUNT_DEBT, .points = INT64_MAX},
                                       {.account = JF_ACCOUNT_DEBT, .points = 1}};
    struct jf_entry entry = entry_of(1, most, 2);
    cr_expect(jf_control_fits(control, &entry));
    apply(control, &entry);
    entry = entry_of(2, one, 2);
    cr_expect(jf_control_fits(control, &entry));
    entry = entry_of(2, again, 2);
    cr_expect_not(jf_control_fits(control, &entry));
    entry = entry_of(2, twice, 2);
    cr_expect_not(jf_control_fits(control, &entry));
    jf_control_destroy(control);
}

// Each entity's points fit, but what all members have together must be one number too.
Test(control, points_of_all_entities_together_stay_within_64_bits)
{
    struct jf_control *control = NULL;
    cr_assert_eq(jf_control_create(&control), JF_OK);
    const struct jf_posting of_one[] = {
        {.account = JF_ACCOUNT_ADJUSTED, .entity = {1}, .points = -HALF},
        {.account = JF_ACCOUNT_AVAILABLE, .entity = {1}, .points = HALF}};
    const struct jf_posting of_two[] = {
        {.account = JF_ACCOUNT_ADJUSTED, .entity = {2}, .points = -HALF},
        {.account = JF_ACCOUNT_HELD, .entity = {2}, .points = HALF}};
    const struct jf_posting owed[] = {{.account = JF_ACCOUNT_ISSUED, .entity = {3}, .points = HALF},
                                      {.account = JF_ACCOUNT_DEBT, .entity = {3}, .points = -HALF}};
    struct jf_entry entry = entry_of(1, of_one, 2);
    apply(control, &entry);
    entry = entry_of(2, of_two, 2);
    cr_expect_not(jf_control_fits(control, &entry));
    entry = entry_of(2, owed, 2);
    apply(control, &entry);
    entry = entry_of(3, owed, 2);
    cr_expect_not(jf_control_fits(control, &entry));

    const struct jf_control_row *rows = NULL;
    struct jf_control_content content = {.rows = NULL};
    content.row_count = jf_control_rows(control, &rows);
    content.rows = rows;
    struct jf_control *loaded = NULL;
    cr_assert_eq(jf_control_create(&loaded), JF_OK);
    cr_assert_eq(jf_control_load(loaded, &content), JF_OK);
    cr_expect_eq(jf_control_liability(loaded), 0);
    entry = entry_of(3, of_two, 2);
    cr_expect_not(jf_control_fits(loaded, &entry));
    jf_control_destroy(loaded);
    jf_control_destroy(control);
}

Test(control, counts_follow_the_kinds)
{
    struct jf_control *control = NULL;
    cr_assert_eq(jf_control_create(&control), JF_OK);
    struct jf_entry entry = {.kind = JF_ENTRY_ENROLMENT, .position = 1};
    apply(control, &entry);
    entry.position = 2;
    apply(control, &entry);
    entry = (struct jf_entry){.kind = JF_ENTRY_SALE, .position = 3};
    entry.as.sale.receipt.line_count = 4;
    apply(control, &entry);
    entry = (struct jf_entry){.kind = JF_ENTRY_RETURN, .position = 4};
    apply(control, &entry);
    entry = (struct jf_entry){.kind = JF_ENTRY_REDEMPTION, .position = 5};
    apply(control, &entry);
    entry = (struct jf_entry){.kind = JF_ENTRY_TIER_CHANGE, .position = 6};
    apply(control, &entry);
    const struct jf_control_counts *counts = jf_control_counts(control);
    cr_expect_eq(counts->entries, 6);
    cr_expect_eq(counts->last_position, 6);
    cr_expect_eq(counts->members, 2);
    cr_expect_eq(counts->sales, 1);
    cr_expect_eq(counts->lines, 4);
    cr_expect_eq(counts->returns, 1);
    cr_expect_eq(counts->redemptions, 1);
    jf_control_destroy(control);
}

Test(control, members_move_from_level_to_level)
{
    struct jf_control *control = NULL;
    cr_assert_eq(jf_control_create(&control), JF_OK);
    struct jf_entry entry = {.kind = JF_ENTRY_TIER_CHANGE, .position = 1};
    const struct jf_member_level nowhere = {.is_counted = false};
    const struct jf_member_level first = {.is_counted = true};
    const struct jf_member_level second = {.is_counted = true, .version = 1, .tier = 2};
    apply(control, &entry); // makes room
    jf_control_move(control, nowhere, first);
    jf_control_move(control, nowhere, first);
    jf_control_move(control, first, second);
    jf_control_move(control, second, second);
    const struct jf_counter *counters = NULL;
    cr_assert_eq(jf_control_chain_counters(control, &counters), 2);
    cr_expect_eq(counters[0].kind, JF_COUNTER_LEVEL);
    cr_expect_eq(counters[0].value, 1);
    cr_expect_eq(counters[1].ground, 1);
    cr_expect_eq(counters[1].period, 2);
    cr_expect_eq(counters[1].value, 1);
    jf_control_move(control, second, nowhere); // merged into another
    cr_expect_eq(jf_control_chain_counters(control, &counters), 1);
    jf_control_destroy(control);
}

Test(control, loading_replaces_everything_and_refuses_disorder)
{
    struct jf_control *control = NULL;
    cr_assert_eq(jf_control_create(&control), JF_OK);
    struct jf_control_row rows[2] = {{.account = JF_ACCOUNT_AVAILABLE, .points = 5},
                                     {.account = JF_ACCOUNT_REDEEMED, .points = -5}};
    struct jf_counter counters[2] = {{16, 3, 0, 0, 1}, {16, 5, 0, 0, 2}};
    struct jf_control_content content = {.rows = rows,
                                         .row_count = 2,
                                         .counters = counters,
                                         .counter_count = 2,
                                         .counts = {.last_position = 9}};
    cr_assert_eq(jf_control_load(control, &content), JF_OK);
    cr_expect_eq(jf_control_chain_counter(control, 5), 2);
    cr_expect_eq(jf_control_chain_counter(control, 4), 0);
    cr_expect_eq(jf_control_liability(control), 5);
    cr_expect_eq(jf_control_counts(control)->last_position, 9);
    struct jf_control_row again[2] = {rows[1], rows[0]};
    content.rows = again;
    cr_expect_eq(jf_control_load(control, &content), JF_ERROR_CORRUPT);
    again[0] = again[1];
    cr_expect_eq(jf_control_load(control, &content), JF_ERROR_CORRUPT);
    content.rows = rows;
    counters[0].ground = 5;
    cr_expect_eq(jf_control_load(control, &content), JF_ERROR_CORRUPT);
    counters[0].value = 0;
    cr_expect_eq(jf_control_load(control, &content), JF_ERROR_CORRUPT);
    cr_expect_eq(jf_control_liability(control), 5, "nothing was replaced");
    cr_expect_eq(jf_control_chain_counter(control, 3), 1);
    content = (struct jf_control_content){0};
    cr_assert_eq(jf_control_load(control, &content), JF_OK);
    cr_expect_eq(jf_control_liability(control), 0);
    cr_expect_eq(jf_control_chain_counter(control, 3), 0);
    jf_control_destroy(control);
    jf_control_destroy(NULL);
}

Test(control, what_is_issued_on_a_ground_is_summed_over_entities)
{
    struct jf_control *control = NULL;
    cr_assert_eq(jf_control_create(&control), JF_OK);
    struct jf_control_row rows[6] = {
        {JF_ACCOUNT_AVAILABLE, {1}, 0, 50}, {JF_ACCOUNT_ISSUED, {1}, 0, -7},
        {JF_ACCOUNT_ISSUED, {1}, 3, -70},   {JF_ACCOUNT_ISSUED, {2}, 4, -9},
        {JF_ACCOUNT_ISSUED, {3}, 3, 20},    {JF_ACCOUNT_REDEEMED, {3}, 0, 16}};
    struct jf_control_content content = {.rows = rows, .row_count = 6};
    cr_assert_eq(jf_control_load(control, &content), JF_OK);
    cr_expect_eq(jf_control_issued(control, 0), 7);
    cr_expect_eq(jf_control_issued(control, 3), 50);
    cr_expect_eq(jf_control_issued(control, 4), 9);
    cr_expect_eq(jf_control_issued(control, 5), 0);
    jf_control_destroy(control);
}

Test(control, chain_counters_follow_the_deltas_and_go_at_zero)
{
    struct jf_control *control = NULL;
    cr_assert_eq(jf_control_create(&control), JF_OK);
    const struct jf_counter_delta taken[3] = {{JF_COUNTER_REWARD_STOCK, 8, 0, 2},
                                              {JF_COUNTER_REWARD_STOCK, 6, 0, 1},
                                              {JF_COUNTER_REWARD, 6, 0, 1}};
    const struct jf_counter_delta given[1] = {{JF_COUNTER_REWARD_STOCK, 8, 0, -2}};
    struct jf_entry entry = {.kind = JF_ENTRY_STORE, .position = 1};
    entry.counted = taken;
    entry.counted_count = 3;
    apply(control, &entry);
    const struct jf_counter *counters = NULL;
    cr_assert_eq(jf_control_chain_counters(control, &counters), 2);
    cr_expect_eq(counters[0].ground, 6);
    cr_expect_eq(counters[1].value, 2);
    entry.position = 2;
    entry.counted = given;
    entry.counted_count = 1;
    apply(control, &entry);
    cr_expect_eq(jf_control_chain_counters(control, &counters), 1);
    cr_expect_eq(jf_control_chain_counter(control, 8), 0);
    jf_control_destroy(control);
}
