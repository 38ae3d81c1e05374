// The expiry of a member's points, posted: what lies in lots whose last day is before a date moves
// from AVAILABLE to EXPIRED. No answer depends on it, because expiry is judged by the date asked
// for; it is what makes the control accounts say how much has expired. A lot keeps what was posted:
// a redemption dated before the last day may still arrive.
//
// Refused: UNKNOWN_MEMBER; OVERFLOW and LIMIT_REACHED by jf_plan_finish. A member of whom nothing
// has expired gives no entry.
#include "base/number.h"
#include "rules/plan_private.h"

// The first entry of a run: about no member, it only binds the id of the run to its date.
static bool run_begin(struct jf_plan_work *work)
{
    work->entry->as.expiry = (struct jf_expiry_entry){.run_id = work->command->as.expire.run_id,
                                                      .as_of = work->command->as.expire.as_of};
    return true;
}

bool jf_plan_expire(struct jf_plan_work *work)
{
    const struct jf_expire_command *command = &work->command->as.expire;
    const struct jf_member *member = work->input->member;
    if (member == NULL && command->member.value != 0) {
        return jf_plan_refuse(work, JF_REFUSAL_UNKNOWN_MEMBER);
    }
    work->entry->kind = JF_ENTRY_EXPIRY;
    work->entry->business_date = command->as_of;
    if (member == NULL) {
        return run_begin(work);
    }
    if (!jf_plan_lists(work, 2u * member->lot_count, 1)) {
        return false;
    }
    int64_t points = 0;
    for (uint32_t i = 0; i < member->lot_count; i++) {
        const struct jf_lot *lot = &member->lots[i];
        if (lot->expires_on >= command->as_of) {
            break; // lots are sorted by their last day
        }
        jf_plan_post(work, JF_ACCOUNT_AVAILABLE, jf_lot_key_of(lot), 0, -lot->remaining);
        jf_plan_post(work, JF_ACCOUNT_EXPIRED, jf_lot_key_of(lot), 0, lot->remaining);
        points += lot->remaining; // the sum over all lots is within 64 bits
    }
    if (points == 0) {
        return false; // no entry and no refusal: nothing has expired
    }
    jf_plan_trace(work, (struct jf_trace_step){.kind = JF_TRACE_EXPIRED, .points = points});
    work->entry->as.expiry =
        (struct jf_expiry_entry){.run_id = command->run_id, .as_of = command->as_of};
    return jf_plan_finish(work, NULL);
}
