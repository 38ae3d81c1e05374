// Where the points come from that a sale is no longer worth.
//
// Let C be what the sale granted less what the kept is worth: all that all its returns take back.
// The lot that the sale granted to pays as much as it can, the rest is debt:
//
//   from lot = min(C, what it paid before + what it holds now, what the sale put into it)
//   as debt  = C - from lot
//
// Both are cumulative, and only their differences to the returns before are posted: so any
// partition and order of returns ends where one full return ends.
//
// What the lot holds includes points that were posted as expired: points that expired unspent need
// not be given back again, they are taken where they lie.
//
// What the sale put into the lot is its grant less what paid debts. Those points never were in the
// lot, so taking them back restores the debts that they paid, the last paid first; only then the
// lot's own entity is owed. A debt that has been paid since is not unmade: then the lot gives less,
// or gets more.
#include "base/assert.h"
#include "rules/plan_return.h"

static int64_t at_most(int64_t value, int64_t most)
{
    return value < most ? value : most;
}

static int64_t granted_of(const struct jf_granted *granted, uint32_t count, uint32_t reason)
{
    for (uint32_t i = 0; i < count; i++) {
        if (granted[i].reason == reason) {
            return granted[i].points;
        }
    }
    return 0;
}

// ISSUED, by reason: what was granted before less what is granted now.
static void issued_post(struct jf_return_plan *plan, struct jf_lot_key key)
{
    for (uint32_t i = 0; i < plan->granted_before_count; i++) {
        const struct jf_granted *before = &plan->granted_before[i];
        int64_t now = granted_of(plan->earned.granted, plan->earned.granted_count, before->reason);
        jf_plan_post(plan->work, JF_ACCOUNT_ISSUED, key, before->reason, before->points - now);
    }
    for (uint32_t i = 0; i < plan->earned.granted_count; i++) {
        const struct jf_granted *now = &plan->earned.granted[i];
        if (granted_of(plan->granted_before, plan->granted_before_count, now->reason) == 0) {
            jf_plan_post(plan->work, JF_ACCOUNT_ISSUED, key, now->reason, -now->points);
        }
    }
}

static int64_t owed_to(const struct jf_member *member, struct jf_entity_id entity)
{
    for (uint32_t i = 0; i < member->debt_count; i++) {
        if (member->debts[i].entity.value == entity.value) {
            return member->debts[i].points;
        }
    }
    return 0;
}

// Moves one entity's share of the debt from `before` to `now`. Returns: by how much it really
// moved: a debt falls by no more than is owed.
static int64_t debt_move(struct jf_return_plan *plan, struct jf_entity_id entity, int64_t before,
                         int64_t now)
{
    JF_ASSERT(before >= 0);
    JF_ASSERT(now >= 0);
    int64_t change = now - before;
    if (change < 0) {
        change = -at_most(-change, owed_to(plan->work->input->member, entity));
    }
    struct jf_lot_key key = {.entity = entity};
    jf_plan_post(plan->work, JF_ACCOUNT_DEBT, key, 0, -change);
    return change;
}

// Distributes the cumulative debt over the debts that the sale paid, last paid first, then the
// lot's entity. Returns: by how much the debt moved.
static int64_t debts_move(struct jf_return_plan *plan, int64_t before, int64_t now)
{
    int64_t moved = 0;
    struct jf_entity_id lot_entity = plan->sale->facts.entity;
    int64_t own_before = 0; // the lot's entity's share of the restored debts, posted with the rest
    int64_t own_now = 0;
    for (uint32_t i = plan->entry->posting_count; i > 0; i--) {
        const struct jf_posting *paid = &plan->entry->postings[i - 1];
        if (paid->account != JF_ACCOUNT_DEBT || paid->points <= 0) {
            continue;
        }
        int64_t part_before = at_most(before, paid->points);
        int64_t part_now = at_most(now, paid->points);
        before -= part_before;
        now -= part_now;
        if (paid->entity.value == lot_entity.value) {
            own_before += part_before;
            own_now += part_now;
        } else {
            moved += debt_move(plan, paid->entity, part_before, part_now);
        }
    }
    return moved + debt_move(plan, lot_entity, own_before + before, own_now + now);
}

// Given back by this return into the lot that the sale granted to, if it was spent from too.
static int64_t given_to(const struct jf_return_plan *plan, struct jf_lot_key key)
{
    int64_t points = 0;
    for (uint32_t i = 0; i < plan->work->posting_count; i++) {
        const struct jf_posting *posting = &plan->work->postings[i];
        struct jf_lot_key other = {posting->available_on, posting->expires_on, posting->entity};
        if (posting->account == JF_ACCOUNT_AVAILABLE && jf_lot_key_compare(key, other) == 0) {
            points += posting->points;
        }
    }
    return points;
}

// Takes from what is left first, then from what expired unspent; a negative change grants.
static void lot_take(struct jf_return_plan *plan, struct jf_lot_key key, int64_t remaining,
                     int64_t points)
{
    int64_t from_remaining = at_most(points, remaining);
    jf_plan_post(plan->work, JF_ACCOUNT_AVAILABLE, key, 0, -from_remaining);
    jf_plan_post(plan->work, JF_ACCOUNT_EXPIRED, key, 0, from_remaining - points);
}

void jf_return_take_back(struct jf_return_plan *plan)
{
    const struct jf_sale_facts *facts = &plan->sale->facts;
    struct jf_lot_key key = {facts->available_on, facts->expires_on, facts->entity};
    const struct jf_lot *lot = jf_lots_find(plan->work->input->member, key);
    int64_t remaining = (lot == NULL ? 0 : lot->remaining) + given_to(plan, key);
    int64_t expired = lot == NULL ? 0 : lot->expired;
    int64_t total = plan->entry->points_granted - plan->earned.points;
    const struct jf_taken *before = &plan->taken_before;

    int64_t target = at_most(total, before->from_lot + remaining + expired);
    target = at_most(target, plan->entry->points_granted - plan->sale->debt_paid);
    issued_post(plan, key);
    plan->taken.as_debt = before->as_debt + debts_move(plan, before->as_debt, total - target);
    plan->taken.from_lot = total - plan->taken.as_debt;
    lot_take(plan, key, remaining, plan->taken.from_lot - before->from_lot);
}
