// Counts and maxima. Cannot fail.
#include "bench/day_tally.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"

static struct jf_day_slice *slice_at(struct jf_day_tally *tally, const struct jf_day_plan *plan,
                                     double at_s)
{
    double slice = at_s / plan->seconds * JF_DAY_SLICES;
    uint32_t index = slice < 0 ? 0 : slice >= JF_DAY_SLICES ? JF_DAY_SLICES - 1 : (uint32_t)slice;
    return &tally->slices[index];
}

void jf_day_tally_arrive(struct jf_day_tally *tally, const struct jf_day_plan *plan, double at_s)
{
    slice_at(tally, plan, at_s)->arrived += 1;
}

void jf_day_tally_answer(struct jf_day_tally *tally, const struct jf_day_plan *plan,
                         enum jf_day_kind kind, double arrived_s, double now_s)
{
    struct jf_day_slice *slice = slice_at(tally, plan, arrived_s);
    double latency_s = now_s > arrived_s ? now_s - arrived_s : 0;
    uint64_t latency_ns = (uint64_t)(latency_s * 1e9);
    jf_histogram_record(&tally->latency_ns[kind][jf_day_phase_at(plan, arrived_s)], latency_ns);
    jf_histogram_record(&slice->latency_ns, latency_ns);
    slice_at(tally, plan, now_s)->answered += 1;
}

void jf_day_tally_refuse(struct jf_day_tally *tally, struct jf_text code)
{
    tally->refused += 1;
    for (uint32_t i = 0; i < tally->refusal_count; i++) {
        struct jf_day_refusal *refusal = &tally->refusals[i];
        bool is_last = i == JF_DAY_REFUSALS_MAX - 1;
        if (is_last || (strlen(refusal->code) == code.size &&
                        memcmp(refusal->code, code.data, code.size) == 0)) {
            refusal->count += 1;
            return;
        }
    }
    struct jf_day_refusal *refusal = &tally->refusals[tally->refusal_count++];
    bool is_last = tally->refusal_count == JF_DAY_REFUSALS_MAX;
    bool is_told = !is_last && code.size > 0 && code.size < sizeof refusal->code;
    (void)snprintf(refusal->code, sizeof refusal->code, "%.*s", is_told ? (int)code.size : 5,
                   is_told ? code.data : "other");
    refusal->count = 1;
}

void jf_day_queue_join(struct jf_day_tally *tally, const struct jf_day_plan *plan,
                       struct jf_day_queue *queue, double now_s)
{
    struct jf_day_slice *slice = slice_at(tally, plan, now_s);
    enum jf_day_phase phase = jf_day_phase_at(plan, now_s);
    queue->phase = queue->waiting == 0 || phase != JF_DAY_USUAL ? phase : queue->phase;
    queue->since_s = queue->waiting == 0 ? now_s : queue->since_s;
    queue->waiting += 1;
    tally->waiting += 1;
    tally->waited += 1;
    slice->waiting_most =
        tally->waiting > slice->waiting_most ? (uint32_t)tally->waiting : slice->waiting_most;
}

void jf_day_queue_leave(struct jf_day_tally *tally, struct jf_day_queue *queue, double now_s)
{
    JF_ASSERT(queue->waiting > 0);
    queue->waiting -= 1;
    tally->waiting -= 1;
    double *longest = &tally->queue_longest_s[queue->phase];
    double lasted = now_s - queue->since_s;
    if (queue->waiting == 0 && lasted > *longest) {
        *longest = lasted;
    }
}
