// Enrolment: a member begins to be. Refused, in order: MEMBER_EXISTS (naming the member's newest
// entry), CARD_TAKEN (naming the card), IN_FUTURE. The home store is what the client says it is: it
// may not be known here yet.
#include "rules/plan_private.h"

#define DAY_US ((uint64_t)86400 * 1000000)

static bool refuse_taken(struct jf_plan_work *work)
{
    jf_plan_refuse(work, JF_REFUSAL_CARD_TAKEN);
    work->refusal->field = "cards[%u]";
    work->refusal->index = (uint32_t)(work->input->card_taken_by - 1);
    return false;
}

bool jf_plan_enrol(struct jf_plan_work *work)
{
    const struct jf_enrol_command *command = &work->command->as.enrol;
    if (work->input->member != NULL) {
        jf_plan_refuse(work, JF_REFUSAL_MEMBER_EXISTS);
        work->refusal->position = work->input->member->last_position;
        return false;
    }
    if (work->input->card_taken_by != 0) {
        return refuse_taken(work);
    }
    // East of Greenwich the day has begun: tomorrow by UTC is somebody's today.
    uint64_t today = work->input->now_us / DAY_US;
    if (command->enrolled_on > JF_DATE_MIN && (uint64_t)command->enrolled_on > today + 1) {
        return jf_plan_refuse(work, JF_REFUSAL_IN_FUTURE);
    }
    work->entry->kind = JF_ENTRY_ENROLMENT;
    work->entry->member = command->number;
    work->entry->business_date = command->enrolled_on;
    work->entry->as.enrolment = *command;
    return jf_plan_lists(work, 0, 0) && jf_plan_finish(work, NULL);
}
