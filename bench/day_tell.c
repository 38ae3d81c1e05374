// Latencies are told by phase, by kind, and by kind within each phase. Cannot fail.
#include "bench/day_tell.h"

#include <stdio.h>
#include <string.h>

struct telling {
    struct jf_report *report;
    const struct jf_day_config *config;
    const struct jf_day_result *result;
    const struct jf_day_job *job;
    struct jf_histogram merged; // 30 KiB: not for the stack
};

static const char *phase_name(uint32_t phase)
{
    return jf_day_phase_name((enum jf_day_phase)phase);
}

static const char *kind_name(uint32_t kind)
{
    return jf_day_kind_name((enum jf_day_kind)kind);
}

static void phases_add(struct telling *telling)
{
    const struct jf_day_tally *tally = &telling->result->tally;
    char name[JF_FIGURE_NAME_SIZE];
    for (uint32_t phase = 0; phase < JF_DAY_PHASE_COUNT; phase++) {
        memset(&telling->merged, 0, sizeof telling->merged);
        for (uint32_t kind = 0; kind < JF_DAY_KIND_COUNT; kind++) {
            jf_histogram_merge(&telling->merged, &tally->latency_ns[kind][phase]);
        }
        if (telling->merged.count > 0) {
            (void)snprintf(name, sizeof name, "day.%s", phase_name(phase));
            jf_report_add_latency(telling->report, name, &telling->merged,
                                  phase == JF_DAY_USUAL ? NULL : "day.usual");
        }
        (void)snprintf(name, sizeof name, "day.%s.queue_longest_s", phase_name(phase));
        jf_report_add(telling->report, name, tally->queue_longest_s[phase], "s", NULL);
    }
}

static void kinds_add(struct telling *telling)
{
    const struct jf_day_tally *tally = &telling->result->tally;
    char name[JF_FIGURE_NAME_SIZE];
    for (uint32_t kind = 0; kind < JF_DAY_KIND_COUNT; kind++) {
        memset(&telling->merged, 0, sizeof telling->merged);
        for (uint32_t phase = 0; phase < JF_DAY_PHASE_COUNT; phase++) {
            jf_histogram_merge(&telling->merged, &tally->latency_ns[kind][phase]);
        }
        if (telling->merged.count > 0) {
            (void)snprintf(name, sizeof name, "day.%s", kind_name(kind));
            jf_report_add_latency(telling->report, name, &telling->merged, NULL);
        }
        for (uint32_t phase = 0; phase < JF_DAY_PHASE_COUNT; phase++) {
            if (tally->latency_ns[kind][phase].count > 0) {
                (void)snprintf(name, sizeof name, "day.%s.%s", phase_name(phase), kind_name(kind));
                jf_report_add_quantiles(telling->report, name, &tally->latency_ns[kind][phase]);
            }
        }
    }
}

static void counts_add(struct telling *telling)
{
    const struct jf_day_result *result = telling->result;
    struct jf_report *report = telling->report;
    char name[JF_FIGURE_NAME_SIZE];
    for (uint32_t kind = 0; kind < JF_DAY_KIND_COUNT; kind++) {
        (void)snprintf(name, sizeof name, "day.%s.accepted", kind_name(kind));
        jf_report_add(report, name, (double)result->tally.accepted[kind], "calls", NULL);
    }
    jf_report_add(report, "day.waited", (double)result->tally.waited, "customers", NULL);
    jf_report_add(report, "day.refused", (double)result->tally.refused, "calls", NULL);
    for (uint32_t i = 0; i < result->tally.refusal_count; i++) {
        (void)snprintf(name, sizeof name, "day.refused.%.40s", result->tally.refusals[i].code);
        jf_report_add(report, name, (double)result->tally.refusals[i].count, "calls", NULL);
    }
    jf_report_add(report, "day.overloaded", (double)result->overloads, "calls", NULL);
    if (telling->config->offline > 0) {
        jf_report_add(report, "day.drain.sales", (double)result->drained, "sales", NULL);
        jf_report_add(report, "day.drain.seconds", result->drain_s, "s", NULL);
    }
    if (telling->job->lasted_s > 0) {
        jf_report_add(report, "day.job.seconds", telling->job->lasted_s, "s", NULL);
    }
}

// A vertical line in the timeline.
static void mark_add(struct telling *telling, const char *name, double hour, const double ends[2])
{
    static const char x_name[] = "hour of the day";
    static const char y_name[] = "p99, ms";
    jf_report_add_point(telling->report, name, x_name, y_name, hour, ends[0]);
    jf_report_add_point(telling->report, name, x_name, y_name, hour, ends[1]);
}

static void marks_add(struct telling *telling, const double ends[2])
{
    const struct jf_day_plan *plan = &telling->config->plan;
    const struct jf_day_job *job = telling->job;
    if (plan->member_day != 1) {
        mark_add(telling, "member day opens.day_wait", plan->member_day_hour, ends);
    }
    if (plan->spike_factor != 1) {
        mark_add(telling, "promotion.day_wait", plan->spike_hour, ends);
    }
    if (telling->config->offline > 0) {
        mark_add(telling, "stores on line again.day_wait", plan->drain_hour, ends);
    }
    if (job->has_begun) {
        mark_add(telling, "job begins.day_wait", jf_day_hour(plan, job->begun_s), ends);
        mark_add(telling, "job ends.day_wait", jf_day_hour(plan, job->begun_s + job->lasted_s),
                 ends);
    }
}

static void timeline_add(struct telling *telling)
{
    static const char x_name[] = "hour of the day";
    struct jf_report *report = telling->report;
    double slice_s = telling->config->plan.seconds / JF_DAY_SLICES;
    double ends[2] = {1, 1}; // of the waits there were
    for (uint32_t i = 0; i < JF_DAY_SLICES; i++) {
        const struct jf_day_slice *slice = &telling->result->tally.slices[i];
        double hour = (i + 0.5) * JF_DAY_HOURS / JF_DAY_SLICES;
        double p99_ms = (double)jf_histogram_quantile(&slice->latency_ns, 990000) / 1e6;
        jf_report_add_point(report, "come.day_rate", x_name, "customers/s", hour,
                            (double)slice->arrived / slice_s);
        jf_report_add_point(report, "answered.day_rate", x_name, "customers/s", hour,
                            (double)slice->answered / slice_s);
        if (slice->latency_ns.count > 0) {
            jf_report_add_point(report, "p99.day_wait", x_name, "p99, ms", hour, p99_ms);
            ends[0] = p99_ms < ends[0] ? p99_ms : ends[0];
            ends[1] = p99_ms > ends[1] ? p99_ms : ends[1];
        }
    }
    marks_add(telling, ends);
}

void jf_day_tell(struct jf_report *report, const struct jf_day_config *config,
                 const struct jf_day_result *result, const struct jf_day_job *job)
{
    static struct telling telling;
    telling = (struct telling){.report = report, .config = config, .result = result, .job = job};
    phases_add(&telling);
    kinds_add(&telling);
    counts_add(&telling);
    timeline_add(&telling);
}
