// Credit is time: it goes up as time passes, to its bound, and each connection takes its part.
// Cannot fail.
#include "net/pace.h"

void jf_pace_init(struct jf_pace *pace, uint64_t now_us)
{
    *pace = (struct jf_pace){JF_PACE_CREDIT_US, now_us};
}

void jf_pace_tick(struct jf_pace *pace, uint64_t now_us)
{
    uint64_t passed_us = now_us > pace->now_us ? now_us - pace->now_us : 0;
    uint64_t room_us = JF_PACE_CREDIT_US - pace->credit_us;
    pace->credit_us += passed_us < room_us ? passed_us : room_us;
    pace->now_us = now_us;
}

bool jf_pace_may_accept(const struct jf_pace *pace)
{
    return pace->credit_us >= JF_PACE_US_OF_AN_ACCEPT;
}

void jf_pace_accepted(struct jf_pace *pace)
{
    uint64_t cost_us = JF_PACE_US_OF_AN_ACCEPT;
    pace->credit_us -= cost_us < pace->credit_us ? cost_us : pace->credit_us;
}
