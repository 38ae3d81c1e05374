// Changes of level and class planned: what a recalculation makes of one member, and a level given
// by hand. The recalculation asks for one member after another, and most answer with no entry,
// because nothing changes.
//
// Refused: UNKNOWN_MEMBER, NO_PROGRAMME; by hand also UNKNOWN_CARD, MEMBER_CLOSED, UNKNOWN_TIER and
// a last day that is over.
#include "base/assert.h"
#include "rules/plan_private.h"
#include "rules/programme_private.h"

#define DAY_US UINT64_C(86400000000)

// What the entry says of a change, and its steps.
static bool change_post(struct jf_plan_work *work, const struct jf_programme_version *version,
                        const struct jf_tier_change_entry *change)
{
    if (!jf_plan_lists(work, 0, 2)) {
        return false;
    }
    struct jf_entry *entry = work->entry;
    entry->kind = JF_ENTRY_TIER_CHANGE;
    entry->business_date = change->as_of;
    entry->programme_version = version->version;
    entry->as.tier_change = *change;
    if (change->to != change->from) {
        jf_plan_trace(work,
                      (struct jf_trace_step){.kind = change->to > change->from ? JF_TRACE_TIER_UP
                                                                               : JF_TRACE_TIER_DOWN,
                                             .points = change->to,
                                             .exact = change->from});
    }
    if (change->class_to != change->class_from) {
        jf_plan_trace(work, (struct jf_trace_step){.kind = JF_TRACE_CLASS,
                                                   .points = change->class_to,
                                                   .exact = change->class_from});
    }
    return jf_plan_finish(work, NULL);
}

// The first entry of a run: about no member, it only binds the id of the run to its date.
static bool run_begin(struct jf_plan_work *work, const struct jf_programme_version *version)
{
    const struct jf_tier_change_command *command = &work->command->as.tier_change;
    struct jf_entry *entry = work->entry;
    entry->kind = JF_ENTRY_TIER_CHANGE;
    entry->business_date = command->as_of;
    entry->programme_version = version->version;
    entry->as.tier_change =
        (struct jf_tier_change_entry){.run_id = command->run_id, .as_of = command->as_of};
    return true;
}

bool jf_plan_tier_change(struct jf_plan_work *work)
{
    const struct jf_tier_change_command *command = &work->command->as.tier_change;
    const struct jf_member *member = work->input->member;
    if (member == NULL && command->member.value != 0) {
        return jf_plan_refuse(work, JF_REFUSAL_UNKNOWN_MEMBER);
    }
    const struct jf_programme_version *version =
        jf_tier_programme(work->input->reference, command->as_of);
    if (version == NULL) {
        return jf_plan_refuse(work, JF_REFUSAL_NO_PROGRAMME);
    }
    if (member == NULL) {
        return run_begin(work, version);
    }
    struct jf_tier_judgement judgement;
    uint32_t from =
        jf_tier_under(work->input->reference, member->tier, member->tier_version, version);
    if (member->status == JF_MEMBER_MERGED ||
        !jf_tier_judge(version->programme, member, from, command->as_of, &judgement)) {
        return false; // no entry and no refusal: nothing changes
    }
    const struct jf_tier_change_entry change = {.run_id = command->run_id,
                                                .as_of = command->as_of,
                                                .from = judgement.from,
                                                .to = judgement.to,
                                                .spend = judgement.sums.spend,
                                                .visits = judgement.sums.visits,
                                                .points = judgement.sums.points,
                                                .class_from = judgement.class_from,
                                                .class_to = judgement.class_to,
                                                .why = judgement.why};
    return change_post(work, version, &change);
}

// NO_PROGRAMME, UNKNOWN_TIER, and a last day that is over.
static bool hand_terms(struct jf_plan_work *work, jf_date today,
                       const struct jf_programme_version **out_version, uint32_t *out_tier)
{
    const struct jf_set_tier_command *command = &work->command->as.set_tier;
    const struct jf_programme_version *version =
        jf_reference_programme_at(work->input->reference, (int64_t)(work->input->now_us / 1000));
    if (version == NULL) {
        return jf_plan_refuse(work, JF_REFUSAL_NO_PROGRAMME);
    }
    uint32_t tier = 0;
    while (tier < version->programme->tier_count &&
           !jf_text_equal(jf_text_from(version->programme->tiers[tier].name), command->tier)) {
        tier++;
    }
    if (tier == version->programme->tier_count) {
        return jf_plan_refuse(work, JF_REFUSAL_UNKNOWN_TIER);
    }
    if (command->until < today) {
        jf_plan_refuse(work, JF_REFUSAL_INVALID_FIELD);
        work->refusal->field = "until";
        return false;
    }
    *out_version = version;
    *out_tier = tier;
    return true;
}

bool jf_plan_set_tier(struct jf_plan_work *work)
{
    const struct jf_set_tier_command *command = &work->command->as.set_tier;
    jf_date today = (jf_date)(work->input->now_us / DAY_US);
    if (!jf_plan_member_known(work, &command->member)) {
        return false;
    }
    const struct jf_member *member = work->input->member;
    if (member->status == JF_MEMBER_CLOSED) {
        return jf_plan_refuse(work, JF_REFUSAL_MEMBER_CLOSED);
    }
    const struct jf_programme_version *version = NULL;
    uint32_t tier = 0;
    if (!hand_terms(work, today, &version, &tier)) {
        return false;
    }
    JF_ASSERT(version != NULL);
    const struct jf_tier_change_entry change = {
        .as_of = today,
        .from = jf_tier_under(work->input->reference, member->tier, member->tier_version, version),
        .to = tier,
        .class_from = member->activity_class,
        .class_to = member->activity_class,
        .why = JF_TIER_WHY_BY_HAND,
        .operator_name = command->operator_name,
        .until = command->until};
    return change_post(work, version, &change);
}
