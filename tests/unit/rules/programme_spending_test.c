// Claims about reading the programme's sections `redemption` and `rewards`.
#include <criterion/criterion.h>

#include <string.h>

#include "programme_fixture.h"
#include "rules/programme_private.h"

Test(programme_spending, what_is_left_out_allows_nothing_more)
{
    struct jf_programme *programme =
        fixture_programme(FIXTURE_HEAD "redemption: {points: 100, amount: 1.00}\n");
    cr_expect_eq(programme->redemption.excluded.count, 0);
    cr_expect_eq(programme->redemption.offline_allowance, 0);
    cr_expect_not(programme->redemption.earns_on_redeemed);
    cr_expect_eq(programme->reward_count, 0);
    jf_programme_destroy(programme);
}

Test(programme_spending, each_field_is_read)
{
    struct jf_programme *programme = fixture_programme(
        FIXTURE_HEAD "redemption: {points: 100, amount: 1.00, excluded_categories: [tobacco, "
                     "phone_card], offline_allowance: 500, earn_on_redeemed: true}\n"
                     "rewards:\n"
                     "  - {code: mug, points: 300, valid_from: 2026-02-01, valid_to: 2026-03-31, "
                     "stock: 1000, per_member: 2}\n"
                     "  - {code: \"a b\", points: 1}\n");
    const struct jf_redemption_terms *terms = &programme->redemption;
    cr_expect_eq(terms->excluded.count, 2);
    cr_expect_neq(jf_words_find(&terms->excluded, JF_TEXT("tobacco")), JF_WORD_NONE);
    cr_expect_eq(jf_words_find(&terms->excluded, JF_TEXT("food")), JF_WORD_NONE);
    cr_expect_neq(jf_words_find(&programme->categories, JF_TEXT("phone_card")), JF_WORD_NONE,
                  "known as what the programme names");
    cr_expect_eq(terms->offline_allowance, 500);
    cr_expect(terms->earns_on_redeemed);
    cr_assert_eq(programme->reward_count, 2);
    const struct jf_reward *mug = jf_programme_reward(programme, JF_TEXT("mug"));
    cr_assert_not_null(mug);
    cr_expect_eq(mug->points, 300);
    cr_expect_eq(mug->valid_from, jf_date_from_civil((struct jf_civil){2026, 2, 1}));
    cr_expect_eq(mug->valid_to, jf_date_from_civil((struct jf_civil){2026, 3, 31}));
    cr_expect_eq(mug->stock, 1000);
    cr_expect_eq(mug->per_member, 2);
    const struct jf_reward *other = jf_programme_reward(programme, JF_TEXT("a b"));
    cr_assert_not_null(other);
    cr_expect_eq(other->stock, JF_REWARD_UNLIMITED);
    cr_expect_eq(other->per_member, JF_REWARD_UNLIMITED);
    cr_expect_null(jf_programme_reward(programme, JF_TEXT("mugs")));
    jf_programme_destroy(programme);
}

Test(programme_spending, rewards_are_grounds_behind_rules_and_caps)
{
    struct jf_programme *programme =
        fixture_programme(FIXTURE_HEAD "rules:\n  - {name: r, kind: bonus, points: 1}\n"
                                       "caps:\n  - {name: c, per: receipt, points: 5}\n"
                                       "rewards:\n  - {code: mug, points: 300}\n");
    cr_assert_eq(jf_programme_ground_count(programme), 3);
    cr_expect(jf_text_equal(jf_programme_ground_name(programme, 2), JF_TEXT("reward:mug")));
    cr_expect_eq(programme->rewards[0].ground, 3);
    jf_programme_set_ground(programme, 2, 77);
    cr_expect_eq(programme->rewards[0].ground, 77);
    jf_programme_destroy(programme);
}

Test(programme_spending, what_is_not_allowed_is_named)
{
    static const struct {
        const char *yaml;
        const char *message;
    } cases[] = {
        {FIXTURE_HEAD "redemption: {points: 1, amount: 1.00, offline_allowance: -1}\n",
         "p.yaml:5: redemption.offline_allowance: "},
        {FIXTURE_HEAD "redemption: {points: 1, amount: 1.00, earn_on_redeemed: often}\n",
         "p.yaml:5: redemption.earn_on_redeemed: "},
        {FIXTURE_HEAD "redemption: {points: 1, amount: 1.00, excluded_categories: [\"\"]}\n",
         "p.yaml:5: redemption.excluded_categories[0]: "},
        {FIXTURE_HEAD "rewards: []\n", "p.yaml:5: rewards: "},
        {FIXTURE_HEAD "rewards:\n  - {points: 3}\n", "p.yaml:6: rewards[0].code: missing"},
        {FIXTURE_HEAD "rewards:\n  - {code: mug}\n", "p.yaml:6: rewards[0].points: missing"},
        {FIXTURE_HEAD "rewards:\n  - {code: mug, points: 0}\n", "p.yaml:6: rewards[0].points: "},
        {FIXTURE_HEAD "rewards:\n  - {code: mug, points: 3, stock: -1}\n",
         "p.yaml:6: rewards[0].stock: "},
        {FIXTURE_HEAD "rewards:\n  - {code: mug, points: 3, per_member: 0}\n",
         "p.yaml:6: rewards[0].per_member: "},
        {FIXTURE_HEAD "rewards:\n  - {code: mug, points: 3, valid_to: 2026-02-30}\n",
         "p.yaml:6: rewards[0].valid_to: "},
        {FIXTURE_HEAD "rewards:\n  - {code: mug, points: 3, valid_from: 2026-02-02, "
                      "valid_to: 2026-02-01}\n",
         "p.yaml:6: rewards[0].valid_to: before valid_from"},
        {FIXTURE_HEAD "rewards:\n  - {code: mug, points: 3}\n  - {code: mug, points: 4}\n",
         "p.yaml:7: rewards[1].code: another reward"},
        {FIXTURE_HEAD "rules:\n  - {name: \"reward:mug\", kind: bonus, points: 1}\n"
                      "rewards:\n  - {code: mug, points: 3}\n",
         "p.yaml:8: rewards[0].code: another reward or rule"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *fault = fixture_fault(cases[i].yaml);
        cr_expect_eq(strncmp(fault, cases[i].message, strlen(cases[i].message)), 0, "%s", fault);
    }
}
