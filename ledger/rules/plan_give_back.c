// Where the points go that no longer pay for what is kept: back to what they came from, last spent
// first.
//
// What no lot covered when it was spent (an offline sale's debt) was spent last, and comes back
// first: what is still owed of it is undone, netted with what the same return owes
// (plan_take_back.c); what the sale's own grant had paid of it goes to the lot of that grant, as if
// the grant had never paid it. The rest goes to the lots, with their original expiry. Into a lot
// that is over on the return's date they go only within the programme's reinstate_days, and then as
// a lot of their own that lasts as long as that; later they expire at once. Which way a part goes
// is decided by the return that gives it back: a lot that expires between two returns is the one
// thing that their dates decide.
//
// Fails only for want of memory.
#include "base/assert.h"
#include "rules/apply_private.h"
#include "rules/plan_return.h"

static void part_give(struct jf_return_plan *plan, const struct jf_lot_part *spent, int64_t points)
{
    JF_ASSERT(points >= 0); // what is kept never grows
    jf_date today = plan->work->entry->business_date;
    struct jf_lot_key key = jf_lot_part_key(spent);
    if (today <= spent->expires_on) {
        jf_plan_post(plan->work, JF_ACCOUNT_AVAILABLE, key, 0, points);
        return;
    }
    jf_date last = spent->expires_on + plan->version->programme->returns.reinstate_days;
    last = last < JF_DATE_MAX ? last : JF_DATE_MAX;
    if (today <= last) {
        struct jf_lot_key reinstated = {JF_DATE_MIN, last, spent->entity};
        jf_plan_post(plan->work, JF_ACCOUNT_AVAILABLE, reinstated, 0, points);
        return;
    }
    jf_plan_post(plan->work, JF_ACCOUNT_EXPIRED, key, 0, points);
    plan->expired += points;
}

static bool parts_give(struct jf_return_plan *plan)
{
    const struct jf_sale_entry *sale = plan->sale;
    uint32_t count = sale->redeemed_count;
    int64_t now_total = plan->given - plan->undone - plan->repaid;
    int64_t before_total = plan->given_before - plan->undone_before - plan->repaid_before;
    plan->given_back = jf_plan_alloc(plan->work, count, sizeof *plan->given_back);
    if (plan->given_back == NULL) {
        return false;
    }
    for (uint32_t i = count; i > 0; i--) {
        const struct jf_lot_part *spent = &sale->redeemed[i - 1];
        int64_t now = jf_lots_given_back(sale->redeemed, count, i - 1, now_total);
        int64_t before = jf_lots_given_back(sale->redeemed, count, i - 1, before_total);
        part_give(plan, spent, now - before);
        if (now > 0) {
            plan->given_back[plan->given_back_count] = *spent;
            plan->given_back[plan->given_back_count].points = now;
            plan->given_back_count++;
        }
    }
    return true;
}

static int64_t at_most(int64_t value, int64_t most)
{
    return value < most ? value : most;
}

bool jf_return_give_back(struct jf_return_plan *plan)
{
    struct jf_plan_work *work = plan->work;
    int64_t owed = plan->debt_spent - plan->debt_spent_paid;
    plan->undone = at_most(plan->given, owed);
    plan->undone_before = at_most(plan->given_before, owed);
    plan->repaid = at_most(plan->given - plan->undone, plan->debt_spent_paid);
    plan->repaid_before = at_most(plan->given_before - plan->undone_before, plan->debt_spent_paid);
    if (!parts_give(plan)) {
        return false;
    }
    const struct jf_sale_facts *facts = &plan->sale->facts;
    struct jf_lot_key own = {facts->available_on, facts->expires_on, facts->entity};
    jf_plan_post(work, JF_ACCOUNT_AVAILABLE, own, 0, plan->repaid - plan->repaid_before);
    struct jf_lot_key taker = {.entity = plan->sale->facts.entity};
    jf_plan_post(work, JF_ACCOUNT_REDEEMED, taker, 0, plan->given_before - plan->given);
    plan->holder = jf_plan_member_copy(work);
    if (plan->holder == NULL) {
        return false;
    }
    jf_apply_postings(plan->holder, work->postings, work->posting_count);
    return true;
}
