// Credit goes up to its bound and down to nothing; who looks at it decides what happens then.
// Cannot fail.
#include "net/calm.h"

#include "base/assert.h"

void jf_calm_init(struct jf_calm *calm)
{
    calm->credit = JF_CALM_CREDIT_MAX;
}

void jf_calm_spend(struct jf_calm *calm, uint32_t credit)
{
    JF_ASSERT(calm->credit <= JF_CALM_CREDIT_MAX);
    calm->credit = credit < calm->credit ? calm->credit - credit : 0;
}

void jf_calm_earn(struct jf_calm *calm, uint32_t credit)
{
    JF_ASSERT(calm->credit <= JF_CALM_CREDIT_MAX);
    uint32_t room = JF_CALM_CREDIT_MAX - calm->credit;
    calm->credit += credit < room ? credit : room;
}

bool jf_calm_is_spent(const struct jf_calm *calm)
{
    return calm->credit == 0;
}
