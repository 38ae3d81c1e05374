// Spending points: the redemption inside a sale and the one by itself share the terms, the choice
// of lots and the postings. Refused, in order, for the member's status, the programme's minimum and
// step, its largest share of a receipt, and too few points.
#include "base/assert.h"
#include "base/number.h"
#include "rules/plan_private.h"

bool jf_plan_refuse_points(struct jf_plan_work *work, enum jf_refusal_code code, int64_t needed,
                           int64_t available)
{
    jf_plan_refuse(work, code);
    work->refusal->needed = needed;
    work->refusal->available = available;
    return false;
}

static bool terms_allow(struct jf_plan_work *work, const struct jf_redemption *redemption)
{
    const struct jf_redemption_terms *terms = &redemption->programme->redemption;
    if (terms->points == 0) {
        jf_plan_refuse(work, JF_REFUSAL_BELOW_MINIMUM);
        static const char words[] = "the programme offers no redemption";
        memcpy(work->refusal->detail, words, sizeof words);
        return false;
    }
    if (redemption->points < terms->minimum) {
        return jf_plan_refuse_points(work, JF_REFUSAL_BELOW_MINIMUM, terms->minimum,
                                     redemption->points);
    }
    JF_ASSERT(terms->step >= 1);
    if (redemption->points % terms->step != 0) {
        jf_plan_refuse(work, JF_REFUSAL_NOT_A_STEP);
        work->refusal->needed = redemption->points;
        work->refusal->limit = terms->step;
        return false;
    }
    return true;
}

// The largest money that points may pay of a basket.
static int64_t share_of(int64_t basket, struct jf_ratio share_max)
{
    int64_t share = 0;
    enum jf_error error =
        jf_number_share(basket, share_max.numerator, share_max.denominator, JF_ROUND_FLOOR, &share);
    return error != JF_OK || share > basket ? basket : share;
}

static bool value_allows(struct jf_plan_work *work, struct jf_redemption *redemption)
{
    const struct jf_redemption_terms *terms = &redemption->programme->redemption;
    bool is_in_sale = redemption->basket >= 0;
    int64_t share = is_in_sale ? share_of(redemption->basket, terms->share_max) : INT64_MAX;
    // Exact: a step is worth whole minor units (jf_programme_parse), and points are whole steps.
    enum jf_error error = jf_number_share(redemption->points, terms->amount, terms->points,
                                          JF_ROUND_FLOOR, &redemption->value);
    bool is_above = error != JF_OK || redemption->value > share;
    if (is_above && is_in_sale) {
        jf_plan_refuse(work, JF_REFUSAL_ABOVE_SHARE);
        work->refusal->needed = error == JF_OK ? redemption->value : INT64_MAX;
        work->refusal->limit = share;
        return false;
    }
    return is_above ? jf_plan_refuse(work, JF_REFUSAL_OVERFLOW) : true;
}

// A catalogue knows every reward: without one the word is the client's own, and money off.
static bool is_of_catalogue(const struct jf_redemption *redemption)
{
    return redemption->programme->reward_count > 0 && redemption->reward_code.size > 0;
}

// What is lacking on the date becomes debt, as far as a sale made offline may.
static bool offline_allows(struct jf_plan_work *work, struct jf_redemption *redemption,
                           int64_t spendable)
{
    int64_t allowance = redemption->programme->redemption.offline_allowance;
    redemption->debt = redemption->points - spendable;
    if (redemption->debt <= allowance) {
        return true;
    }
    jf_plan_refuse(work, JF_REFUSAL_OFFLINE_ABOVE_ALLOWANCE);
    work->refusal->needed = redemption->debt;
    work->refusal->limit = allowance;
    return false;
}

bool jf_plan_redemption(struct jf_plan_work *work, struct jf_redemption *redemption)
{
    JF_ASSERT(redemption->points > 0);
    if (work->input->member->status != JF_MEMBER_ACTIVE) {
        return jf_plan_refuse(work, JF_REFUSAL_MEMBER_FROZEN);
    }
    bool is_reward = is_of_catalogue(redemption);
    if (!is_reward && (!terms_allow(work, redemption) || !value_allows(work, redemption))) {
        return false;
    }
    if (!jf_plan_void_overdue(work) || (is_reward && !jf_plan_reward(work, redemption))) {
        return false;
    }
    // Points that the same sale grants cannot pay for it: the member's lots are those before the
    // sale.
    return jf_plan_choose_parts(work, redemption);
}

bool jf_plan_choose_parts(struct jf_plan_work *work, struct jf_redemption *redemption)
{
    const struct jf_member *member = work->input->member;
    jf_date date = work->entry->business_date;
    int64_t spendable = jf_lots_spendable(member, date);
    if (spendable < redemption->points && redemption->is_offline) {
        if (!offline_allows(work, redemption, spendable)) {
            return false;
        }
    } else if (spendable < redemption->points) {
        return jf_plan_refuse_points(work, JF_REFUSAL_INSUFFICIENT_POINTS, redemption->points,
                                     spendable);
    }
    redemption->parts = jf_plan_alloc(work, member->lot_count, sizeof *redemption->parts);
    if (redemption->parts == NULL) {
        return false;
    }
    int64_t from_lots = redemption->points - redemption->debt;
    redemption->part_count = jf_lots_spend(member, date, from_lots, redemption->parts);
    return true;
}

void jf_plan_take_parts(struct jf_plan_work *work, const struct jf_redemption *redemption)
{
    for (uint32_t i = 0; i < redemption->part_count; i++) {
        const struct jf_lot_part *part = &redemption->parts[i];
        struct jf_lot_key key = {part->available_on, part->expires_on, part->entity};
        const struct jf_lot *lot = jf_lots_find(work->input->member, key);
        JF_ASSERT(lot != NULL);
        // What was posted as expired, although the command is dated before the expiry, is
        // un-expired.
        int64_t from_remaining = lot->remaining < part->points ? lot->remaining : part->points;
        jf_plan_post(work, JF_ACCOUNT_AVAILABLE, key, 0, -from_remaining);
        jf_plan_post(work, JF_ACCOUNT_EXPIRED, key, 0, from_remaining - part->points);
    }
}

void jf_plan_post_redemption(struct jf_plan_work *work, const struct jf_redemption *redemption,
                             struct jf_entity_id entity)
{
    jf_plan_take_parts(work, redemption);
    struct jf_lot_key taker = {.entity = entity};
    jf_plan_post(work, JF_ACCOUNT_DEBT, taker, 0, -redemption->debt);
    jf_plan_post(work, JF_ACCOUNT_REDEEMED, taker, 0, redemption->points);
    jf_plan_trace(work, (struct jf_trace_step){.kind = JF_TRACE_REDEEMED,
                                               .points = redemption->points,
                                               .amount = redemption->value});
    if (redemption->debt > 0) {
        jf_plan_trace(work, (struct jf_trace_step){.kind = JF_TRACE_OFFLINE_DEBT,
                                                   .points = -redemption->debt});
    }
    work->entry->points_redeemed = redemption->points;
    work->entry->redeemed_value = redemption->value;
}

bool jf_plan_redeem(struct jf_plan_work *work)
{
    const struct jf_redeem_command *command = &work->command->as.redeem;
    const struct jf_store *store = NULL;
    const struct jf_programme_version *version = NULL;
    if (!jf_plan_known(work, &command->member, command->store, &store) ||
        !jf_plan_admitted(work, store, command->redeemed_at_ms, &version)) {
        return false;
    }
    struct jf_redemption redemption = {.programme = version->programme,
                                       .points = command->points,
                                       .basket = -1,
                                       .reward_code = command->reward};
    if (!jf_plan_redemption(work, &redemption) ||
        !jf_plan_count_reward(work, redemption.reward, redemption.quantity) ||
        !jf_plan_lists(work, 2 * redemption.part_count + 2, 2)) {
        return false;
    }
    jf_plan_post_redemption(work, &redemption, store->entity);
    work->entry->kind = JF_ENTRY_REDEMPTION;
    work->entry->as.redemption =
        (struct jf_redemption_entry){.store = command->store,
                                     .terminal = command->terminal,
                                     .redeemed_at_ms = command->redeemed_at_ms,
                                     .reward = command->reward,
                                     .redeemed = redemption.parts,
                                     .redeemed_count = redemption.part_count,
                                     .entity = store->entity};
    return jf_plan_finish(work, NULL);
}
