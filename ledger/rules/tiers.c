// Tiers by window: what the calendar months up to a date add up to, and the level that this gives.
// A tier change is planned here too: the recalculation job asks for one member after another and
// most answer with no entry, because nothing changes.
#include "base/assert.h"
#include "rules/plan_private.h"
#include "rules/programme_private.h"

static struct jf_window_sums window_sums(const struct jf_member *member, int32_t month_last,
                                         int32_t month_count)
{
    struct jf_window_sums sums = {0};
    for (uint32_t i = 0; i < member->month_count; i++) {
        const struct jf_month_count *month = &member->months[i];
        if (month->month_index <= month_last - month_count || month->month_index > month_last) {
            continue;
        }
        // Sums over all months are held within 64 bits by planning (jf_plan_finish).
        sums.spend += month->spend;
        sums.visits += month->visits;
        sums.points += month->points;
    }
    return sums;
}

// A demand of -1 is none. A level with no demand at all is for everyone.
static bool level_is_met(const struct jf_tier_level *level, const struct jf_window_sums *sums)
{
    const int64_t demands[3] = {level->spend, level->visits, level->points};
    const int64_t reached[3] = {sums->spend, sums->visits, sums->points};
    uint32_t demanded = 0;
    uint32_t met = 0;
    for (uint32_t i = 0; i < 3; i++) {
        demanded += demands[i] >= 0;
        met += demands[i] >= 0 && reached[i] >= demands[i];
    }
    return level->any && demanded > 0 ? met > 0 : met == demanded;
}

uint32_t jf_tier_by_window(const struct jf_programme *programme, const struct jf_member *member,
                           jf_date as_of, struct jf_window_sums *out_sums)
{
    JF_ASSERT(programme->tier_count >= 1);
    JF_ASSERT(programme->tier_count <= JF_TIERS_MAX);
    *out_sums = window_sums(member, jf_date_month_index(as_of), programme->tier_window_months);
    uint32_t tier = programme->tier_count - 1;
    while (tier > 0 && !level_is_met(&programme->tiers[tier], out_sums)) {
        tier--;
    }
    return tier;
}

#define DAY_MS ((int64_t)86400000)

const struct jf_programme_version *jf_tier_programme(const struct jf_reference *reference,
                                                     jf_date as_of)
{
    // A recalculation has no store, so the day ends by UTC.
    return jf_reference_programme_at(reference, ((int64_t)as_of + 1) * DAY_MS - 1);
}

// The first entry of a run: about no member, it only holds the id of the run to its date.
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
    struct jf_window_sums sums;
    uint32_t tier = jf_tier_by_window(version->programme, member, command->as_of, &sums);
    if (tier == member->tier) {
        return false; // no entry and no refusal: nothing changes
    }
    if (!jf_plan_lists(work, 0, 1)) {
        return false;
    }
    struct jf_entry *entry = work->entry;
    entry->kind = JF_ENTRY_TIER_CHANGE;
    entry->business_date = command->as_of;
    entry->programme_version = version->version;
    entry->as.tier_change = (struct jf_tier_change_entry){.run_id = command->run_id,
                                                          .as_of = command->as_of,
                                                          .from = member->tier,
                                                          .to = tier,
                                                          .spend = sums.spend,
                                                          .visits = sums.visits};
    entry->balance.tier = tier;
    jf_plan_trace(work, (struct jf_trace_step){.kind = tier > member->tier ? JF_TRACE_TIER_UP
                                                                           : JF_TRACE_TIER_DOWN,
                                               .points = tier,
                                               .exact = member->tier});
    return jf_plan_finish(work, NULL);
}
