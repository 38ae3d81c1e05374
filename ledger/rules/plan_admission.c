// What is asked of every command before its own rules: that what it names is known, that its time
// makes sense, that the member may. Each step answers with the first refusal that applies, in the
// order that proto/jifen/v1/ledger.proto promises.
#include <stdio.h>

#include "base/assert.h"
#include "base/number.h"
#include "rules/plan_private.h"

#define DAY_MS ((int64_t)86400000)

jf_date jf_store_business_date(const struct jf_store *store, int64_t at_ms)
{
    struct jf_local_time local = jf_zone_local(store->zone, at_ms);
    return local.second_of_day < (int32_t)store->day_start_second ? local.date - 1 : local.date;
}

static bool refuse_merged(struct jf_plan_work *work, const struct jf_member *member)
{
    jf_plan_refuse(work, JF_REFUSAL_MEMBER_MERGED);
    // Nothing is about such a member after the merge: it is the newest entry.
    work->refusal->position = member->last_position;
    (void)snprintf(work->refusal->detail, sizeof work->refusal->detail, "it is member %llu now",
                   (unsigned long long)member->merged_into.value);
    return false;
}

static bool reference_known(struct jf_plan_work *work, const struct jf_member_ref *ref,
                            const struct jf_member *member, bool is_card_known)
{
    if (member == NULL) {
        bool is_card_unknown = ref->card.size > 0 && !is_card_known;
        return jf_plan_refuse(work, is_card_unknown ? JF_REFUSAL_UNKNOWN_CARD
                                                    : JF_REFUSAL_UNKNOWN_MEMBER);
    }
    return member->status == JF_MEMBER_MERGED ? refuse_merged(work, member) : true;
}

bool jf_plan_member_known(struct jf_plan_work *work, const struct jf_member_ref *ref)
{
    return reference_known(work, ref, work->input->member, work->input->is_card_known);
}

bool jf_plan_other_known(struct jf_plan_work *work, const struct jf_member_ref *ref)
{
    return reference_known(work, ref, work->input->other, work->input->is_other_card_known);
}

bool jf_plan_are_two(struct jf_plan_work *work, const char *field)
{
    if (work->input->member->number.value != work->input->other->number.value) {
        return true;
    }
    jf_plan_refuse(work, JF_REFUSAL_INVALID_FIELD);
    work->refusal->field = field;
    (void)snprintf(work->refusal->detail, sizeof work->refusal->detail,
                   "both are member %llu: two are needed",
                   (unsigned long long)work->input->member->number.value);
    return false;
}

bool jf_plan_known(struct jf_plan_work *work, const struct jf_member_ref *ref,
                   struct jf_store_id store, const struct jf_store **out_store)
{
    if (!jf_plan_member_known(work, ref)) {
        return false;
    }
    const struct jf_store *found = jf_reference_store(work->input->reference, store);
    if (found == NULL) {
        return jf_plan_refuse(work, JF_REFUSAL_UNKNOWN_STORE);
    }
    *out_store = found;
    return true;
}

bool jf_plan_in_time(struct jf_plan_work *work, const struct jf_programme *programme, int64_t at_ms)
{
    int64_t now_ms = (int64_t)(work->input->now_us / 1000);
    int64_t latest_ms = 0;
    work->at_ms = at_ms;
    if (jf_number_add(now_ms, programme->clock_skew_ms, &latest_ms) != JF_OK) {
        latest_ms = INT64_MAX;
    }
    if (at_ms > latest_ms) {
        jf_plan_refuse(work, JF_REFUSAL_IN_FUTURE);
        work->refusal->needed = at_ms;
        work->refusal->limit = latest_ms;
        return false;
    }
    work->entry->is_late = now_ms - at_ms > programme->late_after_ms;
    return true;
}

static bool refuse_before_enrolment(struct jf_plan_work *work)
{
    char enrolled[JF_DATE_TEXT_SIZE];
    char business[JF_DATE_TEXT_SIZE];
    jf_date_format(work->input->member->enrolled_on, enrolled);
    jf_date_format(work->entry->business_date, business);
    jf_plan_refuse(work, JF_REFUSAL_BEFORE_ENROLMENT);
    (void)snprintf(work->refusal->detail, sizeof work->refusal->detail,
                   "enrolled on %s, business date %s", enrolled, business);
    return false;
}

bool jf_plan_admitted(struct jf_plan_work *work, const struct jf_store *store, int64_t at_ms,
                      const struct jf_programme_version **out_version)
{
    JF_ASSERT(work->input->member != NULL);
    const struct jf_programme_version *version =
        jf_reference_programme_at(work->input->reference, at_ms);
    if (version == NULL) {
        return jf_plan_refuse(work, JF_REFUSAL_NO_PROGRAMME);
    }
    if (!jf_plan_in_time(work, version->programme, at_ms)) {
        return false;
    }
    work->entry->programme_version = version->version;
    work->entry->business_date = jf_store_business_date(store, at_ms);
    if (work->entry->business_date < work->input->member->enrolled_on) {
        return refuse_before_enrolment(work);
    }
    if (work->input->member->status == JF_MEMBER_CLOSED) {
        return jf_plan_refuse(work, JF_REFUSAL_MEMBER_CLOSED);
    }
    *out_version = version;
    return true;
}

bool jf_plan_dated(struct jf_plan_work *work, int64_t at_ms,
                   const struct jf_programme_version **out_version)
{
    const struct jf_programme_version *version =
        jf_reference_programme_at(work->input->reference, at_ms);
    if (version == NULL) {
        return jf_plan_refuse(work, JF_REFUSAL_NO_PROGRAMME);
    }
    if (!jf_plan_in_time(work, version->programme, at_ms)) {
        return false;
    }
    work->entry->programme_version = version->version;
    work->entry->business_date = (jf_date)(at_ms / DAY_MS);
    *out_version = version;
    return true;
}
