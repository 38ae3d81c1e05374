// Claims about the pace of new connections: a burst, then the rate, never more, whatever the clock
// does.
#include <criterion/criterion.h>

#include "net/pace.h"

static uint32_t accept_all(struct jf_pace *pace)
{
    uint32_t count = 0;
    while (jf_pace_may_accept(pace)) {
        jf_pace_accepted(pace);
        count++;
    }
    return count;
}

Test(pace, a_burst_is_taken_and_then_the_rate)
{
    struct jf_pace pace;
    jf_pace_init(&pace, 5000000);
    cr_expect_eq(accept_all(&pace), JF_NET_ACCEPTS_BURST);
    uint32_t count = 0;
    for (uint64_t ms = 1; ms <= 2000; ms++) {
        jf_pace_tick(&pace, 5000000 + ms * 1000);
        count += accept_all(&pace);
    }
    cr_expect_eq(count, 2 * JF_NET_ACCEPTS_PER_S);
}

Test(pace, a_quiet_hour_gives_one_burst)
{
    struct jf_pace pace;
    jf_pace_init(&pace, 0);
    (void)accept_all(&pace);
    jf_pace_tick(&pace, UINT64_C(3600000000));
    cr_expect_eq(accept_all(&pace), JF_NET_ACCEPTS_BURST);
}

Test(pace, a_clock_that_goes_back_gives_nothing)
{
    struct jf_pace pace;
    jf_pace_init(&pace, 1000000);
    (void)accept_all(&pace);
    jf_pace_tick(&pace, 500000);
    cr_expect_not(jf_pace_may_accept(&pace));
    jf_pace_accepted(&pace);
    cr_expect_eq(pace.credit_us, 0);
    jf_pace_tick(&pace, 500000 + JF_PACE_US_OF_AN_ACCEPT);
    cr_expect_eq(accept_all(&pace), 1);
}
