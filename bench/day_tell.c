// Latencies are told by phase, by kind, and by kind within each phase. Cannot fail.
#include "bench/day_tell.h"

#include <stdio.h>
#include <string.h>

struct telling {
    struct jf_report *report;
    const struct jf_day_config *config;
    const struct jf_day_result *result;
    const struct jf_day_job *job;
    const char *rate_suffix; // of series: which plot they are for
    const char *wait_suffix;
    const char *x_name;
    const char *rate_name;
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

static void point_add(struct telling *telling, const char *name, const char *suffix,
                      const double point[2])
{
    char full[JF_FIGURE_NAME_SIZE];
    bool is_rate = suffix == telling->rate_suffix;
    (void)snprintf(full, sizeof full, "%s%s", name, suffix);
    jf_report_add_point(telling->report, full, telling->x_name,
                        is_rate ? telling->rate_name : "p99, ms", point[0], point[1]);
}

// A vertical line in the timeline.
static void mark_add(struct telling *telling, const char *name, double hour, const double ends[2])
{
    point_add(telling, name, telling->wait_suffix, (const double[]){hour, ends[0]});
    point_add(telling, name, telling->wait_suffix, (const double[]){hour, ends[1]});
}

static void marks_add(struct telling *telling, const double ends[2])
{
    const struct jf_day_plan *plan = &telling->config->plan;
    const struct jf_day_job *job = telling->job;
    if (plan->member_day != 1) {
        mark_add(telling, "member day opens", plan->member_day_hour, ends);
    }
    if (plan->spike_factor != 1) {
        mark_add(telling, "promotion", plan->spike_hour, ends);
    }
    if (telling->config->offline > 0) {
        mark_add(telling, "stores on line again", plan->drain_hour, ends);
    }
    if (job->has_begun) {
        mark_add(telling, "job begins", jf_day_hour(plan, job->begun_s), ends);
        mark_add(telling, "job ends", jf_day_hour(plan, job->begun_s + job->lasted_s), ends);
    }
}

static void timeline_add(struct telling *telling)
{
    const struct jf_day_plan *plan = &telling->config->plan;
    double slice_s = plan->seconds / JF_DAY_SLICES;
    double ends[2] = {1, 1}; // of the waits there were
    for (uint32_t i = 0; i < JF_DAY_SLICES; i++) {
        const struct jf_day_slice *slice = &telling->result->tally.slices[i];
        double hour = jf_day_hour(plan, (i + 0.5) * slice_s);
        double p99_ms = (double)jf_histogram_quantile(&slice->latency_ns, 990000) / 1e6;
        point_add(telling, "come", telling->rate_suffix,
                  (const double[]){hour, (double)slice->arrived / slice_s});
        point_add(telling, "answered", telling->rate_suffix,
                  (const double[]){hour, (double)slice->answered / slice_s});
        if (slice->latency_ns.count > 0) {
            point_add(telling, "p99", telling->wait_suffix, (const double[]){hour, p99_ms});
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
    bool is_past = config->replayed != NULL;
    telling = (struct telling){.report = report,
                               .config = config,
                               .result = result,
                               .job = job,
                               .rate_suffix = is_past ? ".past_rate" : ".day_rate",
                               .wait_suffix = is_past ? ".past_wait" : ".day_wait",
                               .x_name = is_past ? "hours since the day began to sell"
                                                 : "hour of the day",
                               .rate_name = is_past ? "sales/s" : "customers/s"};
    phases_add(&telling);
    kinds_add(&telling);
    counts_add(&telling);
    timeline_add(&telling);
}
