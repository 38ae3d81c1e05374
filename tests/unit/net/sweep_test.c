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
                                  .patience = {5000000, 60000000, JF_NET_STALL_US}};
}

Test(sweep, late_handshake_ends_only_after_its_time)
{
    struct jf_sweep_view view = view_of();
    view.is_settled = false;
    view.opened_us = view.now_us - view.patience.handshake_us;
    cr_expect_eq(jf_sweep_judge(&view), JF_SWEEP_KEEP);
    view.opened_us -= 1;
    cr_expect_eq(jf_sweep_judge(&view), JF_SWEEP_HANDSHAKE_LATE);
    view.is_settled = true;
    cr_expect_eq(jf_sweep_judge(&view), JF_SWEEP_KEEP);
}

Test(sweep, idle_ends_only_without_calls_and_bytes)
{
    struct jf_sweep_view view = view_of();
    view.heard_us = view.now_us - view.patience.idle_us - 1;
    view.progress_us = view.heard_us;
    cr_expect_eq(jf_sweep_judge(&view), JF_SWEEP_IDLE);
    view.has_calls = true;
    cr_expect_eq(jf_sweep_judge(&view), JF_SWEEP_KEEP);
    view.has_calls = false;
    view.progress_us += 1;
    cr_expect_eq(jf_sweep_judge(&view), JF_SWEEP_KEEP, "it was sent to");
    view.progress_us -= 1;
    view.patience.idle_us = 0;
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

Test(sweep, flooding_peer_is_left_only_the_time_to_hear_why)
{
    struct jf_sweep_view view = view_of();
    view.is_deaf = true;
    view.lingering_us = view.now_us - JF_NET_LINGER_DEAF_US;
    cr_expect_eq(jf_sweep_judge(&view), JF_SWEEP_KEEP);
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

static const struct jf_patience usual = {8000000, 900000000, 40000000};

Test(sweep, patience_is_the_usual_where_there_is_room)
{
    const struct jf_fullness fullness = {.is_crowded = false};
    struct jf_patience patience = jf_sweep_patience(&fullness, &usual);
    cr_expect_eq(patience.handshake_us, usual.handshake_us);
    cr_expect_eq(patience.idle_us, usual.idle_us);
    cr_expect_eq(patience.stall_us, usual.stall_us);
}

Test(sweep, crowd_shortens_waiting_and_handshakes_and_no_stall)
{
    const struct jf_fullness fullness = {.is_crowded = true};
    struct jf_patience patience = jf_sweep_patience(&fullness, &usual);
    cr_expect_eq(patience.handshake_us, 2000000);
    cr_expect_eq(patience.idle_us, JF_NET_IDLE_CROWDED_US);
    cr_expect_eq(patience.stall_us, usual.stall_us);
    struct jf_patience endless = usual;
    endless.idle_us = 0;
    cr_expect_eq(jf_sweep_patience(&fullness, &endless).idle_us, JF_NET_IDLE_CROWDED_US);
    endless.idle_us = 5;
    cr_expect_eq(jf_sweep_patience(&fullness, &endless).idle_us, 5, "never longer than usual");
}

Test(sweep, load_shortens_half_sent_requests_and_stalls)
{
    const struct jf_fullness fullness = {.is_laden = true};
    struct jf_patience patience = jf_sweep_patience(&fullness, &usual);
    cr_expect_eq(patience.handshake_us, 2000000);
    cr_expect_eq(patience.idle_us, usual.idle_us);
    cr_expect_eq(patience.stall_us, 10000000);
}

Test(sweep, request_may_take_longer_by_what_it_weighs)
{
    cr_expect_eq(jf_sweep_request_us(10, 0), 10);
    cr_expect_eq(jf_sweep_request_us(10, JF_NET_REQUEST_BYTES_PER_S), 1000010);
    // The largest message on the slowest line that is borne with.
    cr_expect_eq(jf_sweep_request_us(0, JF_MESSAGE_BYTES_MAX), 64000000);
}

Test(sweep, progress_is_enough_bytes_within_the_time_of_a_stall)
{
    struct jf_progress progress = {0};
    uint64_t left = 10 * JF_LINK_PROGRESS_BYTES;
    cr_expect(jf_sweep_progress(&progress, left, 100, 50));
    cr_expect(jf_sweep_progress(&progress, left - 1, 150, 50));
    cr_expect_not(jf_sweep_progress(&progress, left - JF_LINK_PROGRESS_BYTES + 1, 151, 50));
    cr_expect(jf_sweep_progress(&progress, left - JF_LINK_PROGRESS_BYTES, 151, 50));
    cr_expect(jf_sweep_progress(&progress, left - JF_LINK_PROGRESS_BYTES, 201, 50));
    cr_expect_not(jf_sweep_progress(&progress, left - JF_LINK_PROGRESS_BYTES, 202, 50));
    cr_expect(jf_sweep_progress(&progress, 0, 999, 50), "all is taken");
    cr_expect(jf_sweep_progress(&progress, 5, 1000, 50), "and something new begins");
    cr_expect_not(jf_sweep_progress(&progress, 5, 1051, 50));
}
