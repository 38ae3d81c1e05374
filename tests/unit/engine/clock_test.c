// Claims about the engine's clocks: intervals go on whatever the hands are set to.
#include <criterion/criterion.h>

#include "engine/clock.h"

Test(clock, steady_time_follows_the_clock_forward)
{
    struct jf_steady_clock clock = {0};
    cr_expect_eq(jf_clock_steady_us(&clock, 1000, 50), 1000);
    cr_expect_eq(jf_clock_steady_us(&clock, 1010, 60), 1010);
    cr_expect_eq(jf_clock_steady_us(&clock, 31536000001010, 70), 31536000001010, "a year forward");
}

Test(clock, steady_time_goes_on_when_the_clock_is_set_back)
{
    struct jf_steady_clock clock = {0};
    cr_expect_eq(jf_clock_steady_us(&clock, 5000000, 100), 5000000);
    cr_expect_eq(jf_clock_steady_us(&clock, 1400000, 150), 5000050, "an hour back");
    cr_expect_eq(jf_clock_steady_us(&clock, 1400050, 200), 5000100);
    cr_expect_eq(jf_clock_steady_us(&clock, 6000000, 250), 6000000, "and on again");
}
