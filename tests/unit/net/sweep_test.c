// net/sweep: the judgement on a connection's times, with times of our own.
#include <criterion/criterion.h>

#include "net/server.h"

static struct jf_sweep_view view_of(void)
{
    return (struct jf_sweep_view){.now_us = 100000000,
                                  .opened_us = 1,
                                  .heard_us = 100000000,
                                  .progress_us = 100000000,
                                  .is_settled = true,
                                  .handshake_timeout_us = 5000000,
                                  .idle_timeout_us = 60000000};
}

Test(sweep, late_handshake_ends_only_after_its_time)
{
    struct jf_sweep_view view = view_of();
    view.is_settled = false;
    view.opened_us = view.now_us - view.handshake_timeout_us;
    cr_expect_eq(jf_sweep_judge(&view), JF_SWEEP_KEEP);
    view.opened_us -= 1;
    cr_expect_eq(jf_sweep_judge(&view), JF_SWEEP_HANDSHAKE_LATE);
    view.is_settled = true;
    cr_expect_eq(jf_sweep_judge(&view), JF_SWEEP_KEEP);
}

Test(sweep, idle_ends_only_without_calls_and_bytes)
{
    struct jf_sweep_view view = view_of();
    view.heard_us = view.now_us - view.idle_timeout_us - 1;
    view.progress_us = view.heard_us;
    cr_expect_eq(jf_sweep_judge(&view), JF_SWEEP_IDLE);
    view.has_calls = true;
    cr_expect_eq(jf_sweep_judge(&view), JF_SWEEP_KEEP);
    view.has_calls = false;
    view.progress_us += 1;
    cr_expect_eq(jf_sweep_judge(&view), JF_SWEEP_KEEP, "it was sent to");
    view.progress_us -= 1;
    view.idle_timeout_us = 0;
    cr_expect_eq(jf_sweep_judge(&view), JF_SWEEP_KEEP, "0 means never");
}

Test(sweep, stalled_ends_only_with_something_unsent)
{
    struct jf_sweep_view view = view_of();
    view.progress_us = view.now_us - JF_NET_STALL_US - 1;
    cr_expect_eq(jf_sweep_judge(&view), JF_SWEEP_KEEP);
    view.has_unsent = true;
    cr_expect_eq(jf_sweep_judge(&view), JF_SWEEP_STALLED);
    view.progress_us += 1;
    cr_expect_eq(jf_sweep_judge(&view), JF_SWEEP_KEEP);
}

Test(sweep, lingering_ends_after_its_second)
{
    struct jf_sweep_view view = view_of();
    view.is_settled = false;
    view.lingering_us = view.now_us - JF_NET_LINGER_US;
    cr_expect_eq(jf_sweep_judge(&view), JF_SWEEP_KEEP, "a handshake no longer matters");
    view.lingering_us -= 1;
    cr_expect_eq(jf_sweep_judge(&view), JF_SWEEP_LINGERED);
}

Test(sweep, times_that_lie_ahead_are_kept)
{
    struct jf_sweep_view view = view_of();
    view.heard_us = view.now_us + 1;
    view.progress_us = view.now_us + 1;
    view.has_unsent = true;
    cr_expect_eq(jf_sweep_judge(&view), JF_SWEEP_KEEP);
}
