// net/calm: credit for frames that bring no call along.
#include <criterion/criterion.h>

#include "net/calm.h"

Test(calm, starts_full_and_is_spent_by_as_many_frames)
{
    struct jf_calm calm;
    jf_calm_init(&calm);
    for (uint32_t i = 0; i + 1 < JF_CALM_CREDIT_MAX; i++) {
        jf_calm_spend(&calm, JF_CALM_COST_FRAME);
    }
    cr_expect_not(jf_calm_is_spent(&calm));
    jf_calm_spend(&calm, JF_CALM_COST_FRAME);
    cr_expect(jf_calm_is_spent(&calm));
}

Test(calm, cost_above_the_credit_spends_it_all)
{
    struct jf_calm calm = {.credit = 5};
    jf_calm_spend(&calm, UINT32_MAX);
    cr_expect(jf_calm_is_spent(&calm));
}

Test(calm, earns_up_to_its_bound_and_no_further)
{
    struct jf_calm calm = {.credit = JF_CALM_CREDIT_MAX - 2};
    jf_calm_earn(&calm, UINT32_MAX);
    cr_expect_eq(calm.credit, JF_CALM_CREDIT_MAX);
    jf_calm_spend(&calm, JF_CALM_CREDIT_MAX);
    jf_calm_earn(&calm, 1);
    cr_expect_not(jf_calm_is_spent(&calm));
}

Test(calm, client_that_answers_each_data_frame_never_runs_dry)
{
    // A PING and a window update of the stream and of the connection for each.
    struct jf_calm calm;
    jf_calm_init(&calm);
    for (uint32_t i = 0; i < 10 * JF_CALM_CREDIT_MAX; i++) {
        jf_calm_earn(&calm, JF_CALM_EARNED_DATA);
        jf_calm_spend(&calm, 3 * JF_CALM_COST_FRAME);
    }
    cr_expect_gt(calm.credit, JF_CALM_CREDIT_MAX / 2);
}
