// A manual credit or debit. Refused, in order: NO_PROGRAMME, IN_FUTURE, MEMBER_CLOSED,
// APPROVAL_NEEDED (above the programme's limit without a second person), INSUFFICIENT_POINTS (a
// debit), then what every entry is refused for.
#include "base/assert.h"
#include "rules/plan_private.h"
#include "rules/programme_expiry.h"

static int64_t magnitude(int64_t points)
{
    return points < 0 ? -points : points; // within JF_POINTS_MAX
}

static bool approval_is_given(struct jf_plan_work *work, const struct jf_adjustment_terms *terms)
{
    const struct jf_adjust_command *command = &work->command->as.adjust;
    bool is_second =
        command->approver.size > 0 && !jf_text_equal(command->approver, command->operator_name);
    if (terms->limit < 0 || magnitude(command->points) <= terms->limit || is_second) {
        return true;
    }
    jf_plan_refuse(work, JF_REFUSAL_APPROVAL_NEEDED);
    work->refusal->needed = magnitude(command->points);
    work->refusal->limit = terms->limit;
    return false;
}

static void adjusted_trace(struct jf_plan_work *work)
{
    jf_plan_trace(work, (struct jf_trace_step){.kind = JF_TRACE_ADJUSTED,
                                               .points = work->command->as.adjust.points});
}

// Credited points are new points: they pay debts first.
static bool credit(struct jf_plan_work *work, const struct jf_adjustment_terms *terms)
{
    const struct jf_adjust_command *command = &work->command->as.adjust;
    struct jf_adjustment_entry *adjustment = &work->entry->as.adjustment;
    const struct jf_member *member = work->input->member;
    struct jf_grant grant = {
        .key = {.available_on = JF_DATE_MIN,
                .expires_on = jf_expiry_date(&terms->expiry, work->entry->business_date),
                .entity = command->entity},
        .points = command->points,
        .debts = member->debts,
        .debt_count = member->debt_count};
    if (!jf_plan_lists(work, grant.debt_count + 2, 2)) {
        return false;
    }
    jf_plan_post(work, JF_ACCOUNT_ADJUSTED, grant.key, 0, -command->points);
    adjusted_trace(work);
    adjustment->debt_paid = jf_plan_grant(work, &grant);
    adjustment->expires_on = grant.key.expires_on;
    return true;
}

static bool debit(struct jf_plan_work *work)
{
    const struct jf_adjust_command *command = &work->command->as.adjust;
    struct jf_adjustment_entry *adjustment = &work->entry->as.adjustment;
    struct jf_redemption debited = {.points = -command->points};
    if (!jf_plan_void_overdue(work) || !jf_plan_choose_parts(work, &debited) ||
        !jf_plan_lists(work, 2 * debited.part_count + 1, 1)) {
        return false;
    }
    jf_plan_take_parts(work, &debited);
    struct jf_lot_key bearer = {.entity = command->entity};
    jf_plan_post(work, JF_ACCOUNT_ADJUSTED, bearer, 0, debited.points);
    adjusted_trace(work);
    adjustment->debited = debited.parts;
    adjustment->debited_count = debited.part_count;
    return true;
}

bool jf_plan_adjust(struct jf_plan_work *work)
{
    const struct jf_adjust_command *command = &work->command->as.adjust;
    const struct jf_programme_version *version = NULL;
    JF_ASSERT(command->points != 0);
    if (!jf_plan_member_known(work, &command->member) ||
        !jf_plan_dated(work, command->adjusted_at_ms, &version)) {
        return false;
    }
    if (work->input->member->status == JF_MEMBER_CLOSED) {
        return jf_plan_refuse(work, JF_REFUSAL_MEMBER_CLOSED);
    }
    const struct jf_adjustment_terms *terms = &version->programme->adjustments;
    if (!approval_is_given(work, terms)) {
        return false;
    }
    work->entry->kind = JF_ENTRY_ADJUSTMENT;
    work->entry->as.adjustment =
        (struct jf_adjustment_entry){.points = command->points,
                                     .reason_code = command->reason_code,
                                     .operator_name = command->operator_name,
                                     .approver = command->approver,
                                     .entity = command->entity,
                                     .adjusted_at_ms = command->adjusted_at_ms};
    bool is_posted = command->points > 0 ? credit(work, terms) : debit(work);
    return is_posted && jf_plan_finish(work, NULL);
}
