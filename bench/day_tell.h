// A day's figures and its timeline, put into a report. One thread.
#ifndef JF_BENCH_DAY_TELL_H
#define JF_BENCH_DAY_TELL_H

#include "bench/day_run.h"
#include "bench/report.h"

// The job that ran amid the day, if any; from zeroes.
struct jf_day_job {
    bool has_begun;
    double begun_s;  // on the day's clock
    double lasted_s; // 0: not ended
};

// Adds the figures day.* and the series of the timeline: who came and was answered, p99 by slices,
// and marks, which are lines of two points.
void jf_day_tell(struct jf_report *report, const struct jf_day_config *config,
                 const struct jf_day_result *result, const struct jf_day_job *job);

#endif
