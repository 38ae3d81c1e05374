// Points go from member to member; their lots keep their days and entity. Debts of the one who gets
// them stay: only new points pay debts. Refused, in order: INVALID_FIELD (`to` is who gives),
// NO_PROGRAMME, IN_FUTURE, MEMBER_CLOSED (either), MEMBER_FROZEN (who gives), BELOW_MINIMUM (also
// where the programme allows no transfers), INSUFFICIENT_POINTS, then what every entry is refused
// for, of both members.
#include <stdio.h>

#include "rules/plan_private.h"

static bool parties_known(struct jf_plan_work *work)
{
    const struct jf_transfer_command *command = &work->command->as.transfer;
    return jf_plan_member_known(work, &command->from) && jf_plan_other_known(work, &command->to) &&
           jf_plan_are_two(work, "to");
}

static bool terms_allow(struct jf_plan_work *work, const struct jf_transfer_terms *terms)
{
    int64_t points = work->command->as.transfer.points;
    if (work->input->member->status == JF_MEMBER_CLOSED ||
        work->input->other->status == JF_MEMBER_CLOSED) {
        return jf_plan_refuse(work, JF_REFUSAL_MEMBER_CLOSED);
    }
    if (work->input->member->status != JF_MEMBER_ACTIVE) {
        return jf_plan_refuse(work, JF_REFUSAL_MEMBER_FROZEN);
    }
    if (terms->is_allowed && points >= terms->minimum) {
        return true;
    }
    jf_plan_refuse_points(work, JF_REFUSAL_BELOW_MINIMUM, terms->minimum, points);
    if (!terms->is_allowed) {
        (void)snprintf(work->refusal->detail, sizeof work->refusal->detail,
                       "the programme allows no transfers");
    }
    return false;
}

static void parts_give(struct jf_plan_work *work, const struct jf_redemption *moved)
{
    for (uint32_t i = 0; i < moved->part_count; i++) {
        const struct jf_lot_part *part = &moved->parts[i];
        struct jf_lot_key key = {part->available_on, part->expires_on, part->entity};
        jf_plan_post_second(work, JF_ACCOUNT_AVAILABLE, key, part->points);
    }
}

bool jf_plan_transfer(struct jf_plan_work *work)
{
    const struct jf_transfer_command *command = &work->command->as.transfer;
    const struct jf_programme_version *version = NULL;
    if (!parties_known(work) || !jf_plan_dated(work, command->transferred_at_ms, &version) ||
        !terms_allow(work, &version->programme->transfers)) {
        return false;
    }
    struct jf_redemption moved = {.points = command->points};
    if (!jf_plan_void_overdue(work) || !jf_plan_choose_parts(work, &moved) ||
        !jf_plan_lists(work, 3 * moved.part_count, 1)) {
        return false;
    }
    jf_plan_take_parts(work, &moved);
    parts_give(work, &moved);
    jf_plan_trace(work,
                  (struct jf_trace_step){.kind = JF_TRACE_TRANSFERRED, .points = command->points});
    work->entry->kind = JF_ENTRY_TRANSFER;
    work->entry->as.transfer = (struct jf_transfer_entry){
        .to = {work->input->other->number, work->input->other->last_position},
        .points = command->points,
        .operator_name = command->operator_name,
        .transferred_at_ms = command->transferred_at_ms,
        .moved = moved.parts,
        .moved_count = moved.part_count};
    return jf_plan_finish(work, NULL);
}
