// Two members become one. What lots, debts and holds hold moves by postings; the rest (what was
// granted, months, counters, cards) is listed in the entry, because an entry says everything that
// applying it needs. Holds past their deadline are given back first, of both members.
//
// Refused, in order: INVALID_FIELD (`into` is who ceases to be), MEMBER_CLOSED (either),
// MEMBER_FROZEN (who ceases to be), then what every entry is refused for, of both members: most of
// all LIMIT_REACHED.
#include <string.h>

#include "rules/plan_private.h"

#define DAY_US ((uint64_t)86400 * 1000000)

struct merge_plan {
    struct jf_plan_work *work;
    struct jf_plan_work gone; // who ceases to be, with its overdue holds given back
    struct jf_entry gone_entry;
    const struct jf_member *from; // as `gone` sees it
    struct jf_merge_entry *merge;
};

static bool merge_admitted(struct jf_plan_work *work)
{
    const struct jf_merge_command *command = &work->command->as.merge;
    if (!jf_plan_other_known(work, &command->from) || !jf_plan_member_known(work, &command->into) ||
        !jf_plan_are_two(work, "into")) {
        return false;
    }
    work->entry->business_date = (jf_date)(work->input->now_us / DAY_US);
    if (work->input->other->status == JF_MEMBER_CLOSED ||
        work->input->member->status == JF_MEMBER_CLOSED) {
        return jf_plan_refuse(work, JF_REFUSAL_MEMBER_CLOSED);
    }
    return work->input->other->status == JF_MEMBER_FROZEN
               ? jf_plan_refuse(work, JF_REFUSAL_MEMBER_FROZEN)
               : true;
}

// The overdue holds of the one who ceases to be, as if it were asked by itself: `gone` then has the
// postings and steps of giving them back.
static bool gone_settle(struct merge_plan *plan)
{
    struct jf_plan_work *work = plan->work;
    plan->gone_entry = (struct jf_entry){.business_date = work->entry->business_date};
    plan->gone = (struct jf_plan_work){.input = &plan->gone.seen,
                                       .command = work->command,
                                       .entry = &plan->gone_entry,
                                       .refusal = work->refusal,
                                       .stored = work->input->other,
                                       .at_ms = work->at_ms,
                                       .seen = *work->input};
    plan->gone.seen.member = work->input->other;
    if (!jf_plan_void_overdue(&plan->gone) || !jf_plan_lists(&plan->gone, 0, 0)) {
        work->error = plan->gone.error;
        return false;
    }
    plan->from = plan->gone.seen.member;
    return true;
}

static void *list_copy(struct merge_plan *plan, const void *from, size_t count, size_t size)
{
    void *copy = jf_plan_alloc(plan->work, count, size);
    if (copy != NULL && count > 0) {
        memcpy(copy, from, count * size);
    }
    return copy;
}

static bool holds_list(struct merge_plan *plan)
{
    const struct jf_member *from = plan->from;
    struct jf_merge_entry *merge = plan->merge;
    merge->holds = list_copy(plan, from->holds, from->hold_count, sizeof *from->holds);
    merge->hold_parts =
        list_copy(plan, from->hold_parts, from->hold_part_count, sizeof *from->hold_parts);
    merge->hold_count = from->hold_count;
    merge->hold_part_count = from->hold_part_count;
    return merge->holds != NULL && merge->hold_parts != NULL;
}

static bool granted_list(struct merge_plan *plan)
{
    const struct jf_member *from = plan->from;
    struct jf_lot_part *granted = jf_plan_alloc(plan->work, from->lot_count, sizeof *granted);
    uint32_t count = 0;
    for (uint32_t i = 0; i < from->lot_count && granted != NULL; i++) {
        const struct jf_lot *lot = &from->lots[i];
        if (lot->granted > 0) {
            granted[count++] = (struct jf_lot_part){.available_on = lot->available_on,
                                                    .expires_on = lot->expires_on,
                                                    .entity = lot->entity,
                                                    .points = lot->granted};
        }
    }
    plan->merge->granted = granted;
    plan->merge->granted_count = count;
    return granted != NULL;
}

static bool counters_list(struct merge_plan *plan)
{
    const struct jf_member *from = plan->from;
    struct jf_counter_delta *deltas =
        jf_plan_alloc(plan->work, from->counter_count, sizeof *deltas);
    for (uint32_t i = 0; i < from->counter_count && deltas != NULL; i++) {
        const struct jf_counter *counter = &from->counters[i];
        deltas[i] = (struct jf_counter_delta){.kind = counter->kind,
                                              .ground = counter->ground,
                                              .period = counter->period,
                                              .delta = counter->value};
    }
    plan->merge->counters = deltas;
    plan->merge->counter_count = from->counter_count;
    return deltas != NULL;
}

static bool lists_fill(struct merge_plan *plan)
{
    const struct jf_member *from = plan->from;
    struct jf_merge_entry *merge = plan->merge;
    merge->months = list_copy(plan, from->months, from->month_count, sizeof *from->months);
    merge->month_count = from->month_count;
    merge->card_count = from->card_count;
    return merge->months != NULL && granted_list(plan) && counters_list(plan) && holds_list(plan) &&
           jf_plan_cards_copy(plan->work, from, &merge->cards);
}

// What the one who goes on is afterwards.
static void facts_fill(struct merge_plan *plan)
{
    const struct jf_member *from = plan->work->input->other;
    const struct jf_member *into = plan->work->stored;
    struct jf_merge_entry *merge = plan->merge;
    const struct jf_member *higher =
        jf_plan_tier_shown(plan->work, from) > jf_plan_tier_shown(plan->work, into) ? from : into;
    const struct jf_member *born = into->birth_month != 0 ? into : from;
    merge->from = (struct jf_second){from->number, from->last_position};
    merge->visits = from->visits;
    merge->tier = higher->tier;
    merge->tier_version = higher->tier_version;
    merge->tier_since = higher->tier_since;
    merge->tier_until = higher->tier_until;
    merge->enrolled_on =
        from->enrolled_on < into->enrolled_on ? from->enrolled_on : into->enrolled_on;
    merge->birth_month = born->birth_month;
    merge->birth_day = born->birth_day;
    merge->tags = from->tags | into->tags;
}

// From the one to the other, the lot or entity by its key.
static void move_post(struct jf_plan_work *work, enum jf_account account, struct jf_lot_key key,
                      int64_t points)
{
    jf_plan_post_second(work, account, key, -points);
    jf_plan_post(work, account, key, 0, points);
}

// Returns: the points brought, held ones included.
static int64_t all_move(struct merge_plan *plan)
{
    const struct jf_member *from = plan->from;
    int64_t brought = jf_member_held(from);
    for (uint32_t i = 0; i < from->lot_count; i++) {
        const struct jf_lot *lot = &from->lots[i];
        move_post(plan->work, JF_ACCOUNT_AVAILABLE, jf_lot_key_of(lot), lot->remaining);
        move_post(plan->work, JF_ACCOUNT_EXPIRED, jf_lot_key_of(lot), lot->expired);
        brought += lot->remaining;
    }
    for (uint32_t i = 0; i < from->debt_count; i++) {
        struct jf_lot_key owed_to = {.entity = from->debts[i].entity};
        move_post(plan->work, JF_ACCOUNT_DEBT, owed_to, -from->debts[i].points);
    }
    for (uint32_t i = 0; i < from->hold_part_count; i++) {
        const struct jf_lot_part *part = &from->hold_parts[i];
        struct jf_lot_key key = {part->available_on, part->expires_on, part->entity};
        move_post(plan->work, JF_ACCOUNT_HELD, key, part->points);
    }
    return brought;
}

// The postings and steps of giving back the overdue holds of the one who ceases to be.
static void gone_post(struct merge_plan *plan)
{
    struct jf_plan_work *work = plan->work;
    for (uint32_t i = 0; i < plan->gone.posting_count; i++) {
        const struct jf_posting *posting = &plan->gone.postings[i];
        struct jf_lot_key key = {posting->available_on, posting->expires_on, posting->entity};
        jf_plan_post_second(work, posting->account, key, posting->points);
    }
    for (uint32_t i = 0; i < plan->gone.trace_count; i++) {
        jf_plan_trace(work, plan->gone.trace[i]);
    }
}

// What giving back counts: of the one who ceases to be only what is the chain's, because the
// member's own counters move as they are after it.
static bool voided_counted_fill(struct merge_plan *plan)
{
    struct jf_entry *entry = plan->work->entry;
    const struct jf_entry *gone = &plan->gone_entry;
    uint32_t count = entry->voided_counted_count;
    struct jf_counter_delta *deltas =
        jf_plan_alloc(plan->work, count + gone->voided_counted_count, sizeof *deltas);
    if (deltas == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        deltas[i] = entry->voided_counted[i];
    }
    for (uint32_t i = 0; i < gone->voided_counted_count; i++) {
        if (gone->voided_counted[i].kind == JF_COUNTER_REWARD_STOCK) {
            deltas[count++] = gone->voided_counted[i];
        }
    }
    entry->voided_counted = deltas;
    entry->voided_counted_count = count;
    return true;
}

// The positions of all that was given back, ascending.
static bool voided_fill(struct merge_plan *plan)
{
    struct jf_plan_work *work = plan->work;
    uint32_t count = work->overdue_count + plan->gone.overdue_count;
    uint64_t *voided = jf_plan_alloc(work, count, sizeof *voided);
    if (voided == NULL) {
        return false;
    }
    uint32_t mine = 0;
    uint32_t theirs = 0;
    for (uint32_t i = 0; i < count; i++) {
        bool is_mine =
            theirs == plan->gone.overdue_count ||
            (mine < work->overdue_count && work->overdue[mine] < plan->gone.overdue[theirs]);
        voided[i] = is_mine ? work->overdue[mine++] : plan->gone.overdue[theirs++];
    }
    work->entry->voided_holds = voided;
    work->entry->voided_hold_count = count;
    return voided_counted_fill(plan);
}

bool jf_plan_merge(struct jf_plan_work *work)
{
    struct merge_plan plan = {.work = work, .merge = &work->entry->as.merge};
    if (!merge_admitted(work) || !jf_plan_void_overdue(work) || !gone_settle(&plan) ||
        !lists_fill(&plan)) {
        return false;
    }
    const struct jf_member *from = plan.from;
    uint32_t postings = plan.gone.posting_count + 4u * from->lot_count + 2u * from->debt_count +
                        2u * from->hold_part_count;
    if (!jf_plan_lists(work, postings, plan.gone.trace_count + 1) || !voided_fill(&plan)) {
        return false;
    }
    work->entry->kind = JF_ENTRY_MERGE;
    facts_fill(&plan);
    work->entry->balance.tier = plan.merge->tier;
    gone_post(&plan);
    int64_t brought = all_move(&plan);
    jf_plan_trace(work, (struct jf_trace_step){.kind = JF_TRACE_MERGED, .points = brought});
    return jf_plan_finish(work, NULL);
}
