// Where the points come from that a sale is no longer worth.
//
// Let C be what the sale granted less what the kept is worth: all that all its returns take back.
// The lot that the sale granted to pays as much as it can:
//
//   from lot = min(C, what it paid before + what it holds now, what the sale put into it)
//
// What it holds includes points that were posted as expired: points that expired unspent need not
// be given back again, they are taken where they lie. What the sale put into it is its grant less
// what paid debts. Those points never were in the lot, so taking them back restores the debts that
// they paid, the last paid first, whatever the programme says of a shortfall. (What the grant paid
// of its own sale's debt and was given back counts as put into the lot: plan_give_back.c.) What is
// still missing was spent: other lots pay it where the programme says so,
//
//   from others = min(rest, what they paid before + what of them can be spent now)
//
// and what then is left becomes debt to the lot's entity, is written off, or is answered as money.
//
// All of this is cumulative, and only the differences to the returns before are posted: so any
// partition and order of returns ends where one full return ends. A debt that has been paid since
// is not unmade: then less is written off, or other lots give less, or the sale's own lot gives
// less or gets more.
//
// Fails only for want of memory.
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
    int64_t change = now - before;
    if (change < 0) {
        change = -at_most(-change, owed_to(plan->holder, entity));
    }
    struct jf_lot_key key = {.entity = entity};
    jf_plan_post(plan->work, JF_ACCOUNT_DEBT, key, 0, -change);
    return change;
}

// Distributes the cumulative debt over the debts that the sale paid, last paid first, then the
// lot's entity, which is also owed what its redemption left uncovered, less what was given back of
// it. Returns: by how much the debt moved, not counting what was given back.
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
        bool is_own = paid->entity.value == lot_entity.value;
        int64_t part_before = at_most(before, paid->points - (is_own ? plan->repaid_before : 0));
        int64_t part_now = at_most(now, paid->points - (is_own ? plan->repaid : 0));
        before -= part_before;
        now -= part_now;
        if (is_own) {
            own_before += part_before;
            own_now += part_now;
        } else {
            moved += debt_move(plan, paid->entity, part_before, part_now);
        }
    }
    int64_t undone = plan->undone - plan->undone_before;
    return moved + undone +
           debt_move(plan, lot_entity, own_before + before - plan->undone_before,
                     own_now + now - plan->undone);
}

// Takes from what is left first, then from what expired unspent; a negative change grants.
static void lot_take(struct jf_return_plan *plan, struct jf_lot_key key, int64_t points)
{
    const struct jf_lot *lot = jf_lots_find(plan->holder, key);
    int64_t from_remaining = at_most(points, lot == NULL ? 0 : lot->remaining);
    jf_plan_post(plan->work, JF_ACCOUNT_AVAILABLE, key, 0, -from_remaining);
    jf_plan_post(plan->work, JF_ACCOUNT_EXPIRED, key, 0, from_remaining - points);
}

// One other lot: what it paid before, and what it can pay in all.
struct source {
    struct jf_lot_key key;
    int64_t before;
    int64_t most;
};

struct sources {
    struct source *items; // in the order of lots
    uint32_t count;
    int64_t most; // the sum
};

static void source_add(struct sources *sources, struct source source)
{
    if (source.most > 0) {
        sources->items[sources->count++] = source;
        sources->most += source.most;
    }
}

// Merges the member's lots with those that paid before and may be gone since: both are in order.
static bool sources_gather(struct jf_return_plan *plan, struct jf_lot_key own,
                           struct sources *sources)
{
    const struct jf_member *holder = plan->holder;
    const struct jf_taken *before = &plan->taken_before;
    jf_date today = plan->work->entry->business_date;
    uint32_t lot = 0;
    uint32_t part = 0;
    sources->items = jf_plan_alloc(plan->work, holder->lot_count + before->other_count + 1u,
                                   sizeof *sources->items);
    if (sources->items == NULL) {
        return false;
    }
    while (lot < holder->lot_count || part < before->other_count) {
        struct source source = {.before = 0};
        int order = lot == holder->lot_count ? 1 : -1;
        if (part < before->other_count) {
            source.key = jf_lot_part_key(&before->others[part]);
            order =
                order > 0 ? 1 : jf_lot_key_compare(jf_lot_key_of(&holder->lots[lot]), source.key);
        }
        if (order >= 0) {
            source.before = before->others[part++].points;
        }
        if (order <= 0) {
            source.key = jf_lot_key_of(&holder->lots[lot]);
            bool is_own = jf_lot_key_compare(source.key, own) == 0;
            source.most = is_own ? 0 : jf_lot_spendable(&holder->lots[lot], today);
            lot++;
        }
        source.most += source.before;
        source_add(sources, source);
    }
    return true;
}

static bool others_take(struct jf_return_plan *plan, const struct sources *sources, int64_t total)
{
    struct jf_lot_part *others = jf_plan_alloc(plan->work, sources->count, sizeof *others);
    if (others == NULL) {
        return false;
    }
    plan->taken.others = others;
    plan->taken.from_other = total;
    for (uint32_t i = 0; i < sources->count; i++) {
        const struct source *source = &sources->items[i];
        int64_t now = at_most(total, source->most);
        total -= now;
        lot_take(plan, source->key, now - source->before);
        if (now > 0) {
            others[plan->taken.other_count++] =
                (struct jf_lot_part){.available_on = source->key.available_on,
                                     .expires_on = source->key.expires_on,
                                     .entity = source->key.entity,
                                     .points = now};
        }
    }
    JF_ASSERT(total == 0);
    return true;
}

// What of `total` the sale's own lot, and what it paid of debts, can give.
static int64_t own_most(const struct jf_return_plan *plan, struct jf_lot_key key)
{
    const struct jf_lot *lot = jf_lots_find(plan->holder, key);
    int64_t holds = lot == NULL ? 0 : lot->remaining + lot->expired;
    return at_most(plan->taken_before.from_lot + holds,
                   plan->entry->points_granted - plan->sale->debt_paid + plan->repaid);
}

// Lowers *points by as much of *excess as it holds.
static void excess_spend(int64_t *excess, int64_t *points)
{
    int64_t spent = at_most(*excess, *points);
    *excess -= spent;
    *points -= spent;
}

bool jf_return_take_back(struct jf_return_plan *plan)
{
    const struct jf_sale_facts *facts = &plan->sale->facts;
    const struct jf_return_terms *terms = &plan->version->programme->returns;
    const struct jf_taken *before = &plan->taken_before;
    struct jf_lot_key key = {facts->available_on, facts->expires_on, facts->entity};
    struct sources sources = {0};
    if (!sources_gather(plan, key, &sources)) {
        return false;
    }
    int64_t total = plan->entry->points_granted - plan->earned.points;
    int64_t rest = total - at_most(total, own_most(plan, key));
    int64_t debt = at_most(rest, plan->sale->debt_paid - plan->repaid); // restored
    rest -= debt;
    int64_t other = terms->from_other_lots ? at_most(rest, sources.most) : 0;
    rest -= other;
    int64_t written_off = terms->shortfall == JF_SHORTFALL_DEBT ? 0 : rest;
    debt += rest - written_off;

    issued_post(plan, key);
    plan->taken.as_debt = before->as_debt + debts_move(plan, before->as_debt, debt);
    int64_t excess = plan->taken.as_debt - debt; // of debts that have been paid since
    JF_ASSERT(excess >= 0);
    excess_spend(&excess, &written_off);
    excess_spend(&excess, &other);
    plan->taken.written_off = written_off;
    plan->taken.from_lot = total - plan->taken.as_debt - other - written_off;
    lot_take(plan, key, plan->taken.from_lot - before->from_lot);
    struct jf_lot_key writer = {.entity = facts->entity};
    jf_plan_post(plan->work, JF_ACCOUNT_WRITTEN_OFF, writer, 0, before->written_off - written_off);
    return others_take(plan, &sources, other);
}
