// A reward out of the programme's catalogue: whether it can be had now, and what taking or giving
// back some of it counts. Counted always, also without a limit, so that a limit of a later version
// knows what went before.
//
// Refused, in order: UNKNOWN_REWARD, REWARD_NOT_VALID, NOT_A_STEP, REWARD_LIMIT,
// REWARD_OUT_OF_STOCK.
#include <stdio.h>

#include "base/assert.h"
#include "rules/counters.h"
#include "rules/plan_private.h"

#define DELTAS_PER_REWARD 2u // of the member, and of the chain

static bool refuse_validity(struct jf_plan_work *work, const struct jf_reward *reward)
{
    char from[JF_DATE_TEXT_SIZE];
    char to[JF_DATE_TEXT_SIZE];
    jf_date_format(reward->valid_from, from);
    jf_date_format(reward->valid_to, to);
    jf_plan_refuse(work, JF_REFUSAL_REWARD_NOT_VALID);
    (void)snprintf(work->refusal->detail, sizeof work->refusal->detail, "%s to %s",
                   reward->valid_from == JF_DATE_MIN ? "until now" : from,
                   reward->valid_to == JF_DATE_MAX ? "further notice" : to);
    return false;
}

static bool refuse_quantity(struct jf_plan_work *work, enum jf_refusal_code code, int64_t quantity,
                            int64_t used, int64_t limit)
{
    jf_plan_refuse_points(work, code, quantity, used < limit ? limit - used : 0);
    work->refusal->limit = limit;
    return false;
}

// What of the chain's stock is taken, once overdue holds have given theirs back.
static int64_t stock_used(const struct jf_plan_work *work, uint32_t ground)
{
    int64_t used =
        work->input->control == NULL ? 0 : jf_control_chain_counter(work->input->control, ground);
    for (uint32_t i = 0; i < work->entry->voided_counted_count; i++) {
        const struct jf_counter_delta *delta = &work->entry->voided_counted[i];
        if (delta->kind == JF_COUNTER_REWARD_STOCK && delta->ground == ground) {
            used += delta->delta;
        }
    }
    return used;
}

// In: quantity 1..limit's type; used ≥ 0.
static bool fits(int64_t quantity, int64_t used, int64_t limit)
{
    return limit == JF_REWARD_UNLIMITED || quantity <= limit - used;
}

bool jf_plan_reward(struct jf_plan_work *work, struct jf_redemption *redemption)
{
    const struct jf_reward *reward =
        jf_programme_reward(redemption->programme, redemption->reward_code);
    if (reward == NULL) {
        jf_plan_refuse(work, JF_REFUSAL_UNKNOWN_REWARD);
        work->refusal->field = "reward";
        return false;
    }
    jf_date date = work->entry->business_date;
    if (date < reward->valid_from || date > reward->valid_to) {
        return refuse_validity(work, reward);
    }
    if (redemption->points % reward->points != 0) {
        jf_plan_refuse(work, JF_REFUSAL_NOT_A_STEP);
        work->refusal->needed = redemption->points;
        work->refusal->limit = reward->points;
        return false;
    }
    int64_t quantity = redemption->points / reward->points;
    int64_t used = jf_counters_value(work->input->member, JF_COUNTER_REWARD, reward->ground, 0);
    if (!fits(quantity, used, reward->per_member)) {
        return refuse_quantity(work, JF_REFUSAL_REWARD_LIMIT, quantity, used, reward->per_member);
    }
    used = stock_used(work, reward->ground);
    if (!fits(quantity, used, reward->stock)) {
        return refuse_quantity(work, JF_REFUSAL_REWARD_OUT_OF_STOCK, quantity, used, reward->stock);
    }
    redemption->reward = reward->ground;
    redemption->quantity = quantity;
    return true;
}

void jf_plan_reward_deltas(uint32_t ground, int64_t quantity, struct jf_counter_delta *deltas)
{
    JF_ASSERT(ground > 0);
    JF_ASSERT(quantity != 0);
    deltas[0] =
        (struct jf_counter_delta){.kind = JF_COUNTER_REWARD, .ground = ground, .delta = quantity};
    deltas[1] = (struct jf_counter_delta){
        .kind = JF_COUNTER_REWARD_STOCK, .ground = ground, .delta = quantity};
}

bool jf_plan_count_reward(struct jf_plan_work *work, uint32_t ground, int64_t quantity)
{
    if (ground == 0 || quantity == 0) {
        return true;
    }
    struct jf_counter_delta *deltas = jf_plan_alloc(work, DELTAS_PER_REWARD, sizeof *deltas);
    if (deltas == NULL) {
        return false;
    }
    jf_plan_reward_deltas(ground, quantity, deltas);
    work->entry->counted = deltas;
    work->entry->counted_count = DELTAS_PER_REWARD;
    return true;
}
