// Claims about entries: postings that do not sum to zero are found, and kinds have names.
#include <criterion/criterion.h>
#include <string.h>

#include "rules/entry.h"

Test(entry, postings_that_do_not_sum_to_zero_are_corrupt)
{
    struct jf_posting postings[2] = {{.points = 5}, {.points = -4}};
    struct jf_entry entry = {.postings = postings, .posting_count = 2};
    cr_expect_eq(jf_entry_check_postings(&entry), JF_ERROR_CORRUPT);
    postings[1].points = -5;
    cr_expect_eq(jf_entry_check_postings(&entry), JF_OK);
}

Test(entry, postings_whose_sum_leaves_64_bits_are_corrupt)
{
    struct jf_posting postings[3] = {{.points = INT64_MAX}, {.points = 1}, {.points = INT64_MIN}};
    struct jf_entry entry = {.postings = postings, .posting_count = 3};
    cr_expect_eq(jf_entry_check_postings(&entry), JF_ERROR_CORRUPT);
}

Test(entry, no_postings_sum_to_zero)
{
    struct jf_entry entry = {0};
    cr_expect_eq(jf_entry_check_postings(&entry), JF_OK);
}

Test(entry, kinds_have_names)
{
    cr_expect_str_eq(jf_entry_kind_name((enum jf_entry_kind)0), "unknown");
    cr_expect_str_eq(jf_entry_kind_name((enum jf_entry_kind)99), "unknown");
    cr_expect_str_eq(jf_entry_kind_name(JF_ENTRY_SALE), "sale");
    cr_expect_str_eq(jf_entry_kind_name(JF_ENTRY_RETURN), "return");
    cr_expect_str_eq(jf_entry_kind_name(JF_ENTRY_REDEMPTION), "redemption");
    cr_expect_str_eq(jf_entry_kind_name(JF_ENTRY_ENROLMENT), "enrolment");
    cr_expect_str_eq(jf_entry_kind_name(JF_ENTRY_PUBLICATION), "publication");
    cr_expect_str_eq(jf_entry_kind_name(JF_ENTRY_STORE), "store");
    cr_expect_str_eq(jf_entry_kind_name(JF_ENTRY_TIER_CHANGE), "tier_change");
    cr_expect_str_eq(jf_entry_kind_name(JF_ENTRY_HOLD), "hold");
    cr_expect_str_eq(jf_entry_kind_name(JF_ENTRY_CAPTURE), "capture");
    cr_expect_str_eq(jf_entry_kind_name(JF_ENTRY_VOID), "void");
    cr_expect_str_eq(jf_entry_kind_name(JF_ENTRY_EXPIRY), "expiry");
    cr_expect_str_eq(jf_entry_kind_name(JF_ENTRY_DIGEST), "digest");
    cr_expect_str_eq(jf_entry_kind_name((enum jf_entry_kind)(JF_ENTRY_KIND_NEWEST + 1)), "unknown");
}

Test(entry, lots_are_named_where_points_lie_come_from_or_expire)
{
    cr_expect(jf_account_has_lot(JF_ACCOUNT_AVAILABLE));
    cr_expect(jf_account_has_lot(JF_ACCOUNT_ISSUED));
    cr_expect(jf_account_has_lot(JF_ACCOUNT_EXPIRED));
    cr_expect_not(jf_account_has_lot(JF_ACCOUNT_DEBT));
    cr_expect_not(jf_account_has_lot(JF_ACCOUNT_REDEEMED));
}

Test(entry, a_member_needs_room_for_each_lot_and_debt_that_postings_name)
{
    struct jf_posting postings[] = {
        {.account = JF_ACCOUNT_ISSUED, .entity = {1}, .expires_on = 30, .points = -5},
        {.account = JF_ACCOUNT_AVAILABLE, .entity = {1}, .expires_on = 30, .points = 5},
        {.account = JF_ACCOUNT_PENDING, .entity = {1}, .available_on = 9, .expires_on = 30},
        {.account = JF_ACCOUNT_REDEEMED, .entity = {1}, .points = 1},
        {.account = JF_ACCOUNT_EXPIRED, .entity = {2}, .available_on = 9, .expires_on = 30},
        {.account = JF_ACCOUNT_DEBT, .entity = {1}, .points = -1},
        {.account = JF_ACCOUNT_DEBT, .entity = {1}, .points = -1},
        {.account = JF_ACCOUNT_DEBT, .entity = {2}, .points = 1},
        {.account = JF_ACCOUNT_AVAILABLE, .entity = {1}, .expires_on = 30, .points = 1},
    };
    struct jf_entry entry = {.kind = JF_ENTRY_RETURN, .postings = postings, .posting_count = 9};
    struct jf_member_growth growth = jf_entry_growth(&entry);
    cr_expect_eq(growth.lots, 4); // three, the first counted again where it comes back
    cr_expect_eq(growth.debts, 2);
    entry.posting_count = 0;
    growth = jf_entry_growth(&entry);
    cr_expect_eq(growth.lots, 0);
    cr_expect_eq(growth.debts, 0);
}

Test(entry, every_kind_is_found_by_its_name_and_no_other_name_is)
{
    uint32_t known = 0;
    for (uint32_t kind = 0; kind <= JF_ENTRY_KIND_MAX; kind++) {
        const char *name = jf_entry_kind_name((enum jf_entry_kind)kind);
        bool is_known = strcmp(name, "unknown") != 0;
        known += is_known;
        cr_assert_eq(jf_entry_kind_find(jf_text_from(name)), is_known ? kind : 0);
    }
    cr_assert_geq(known, 7);
    cr_assert_eq(jf_entry_kind_find(JF_TEXT("")), 0);
    cr_assert_eq(jf_entry_kind_find(JF_TEXT("Sale")), 0);
}
