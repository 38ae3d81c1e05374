// The figures of one run: a table for people, JSON for programs. One thread.
//
// A figure may be measured several times (--repeat, or before and after): its value is the median
// of its samples. Its ratio is its value ÷ the value of the figure that bounds it, of the same run.
#ifndef JF_BENCH_REPORT_H
#define JF_BENCH_REPORT_H

#include <stdint.h>

#include "base/error.h"
#include "base/histogram.h"
#include "bench/machine.h"
#include "bench/options.h"

#define JF_FIGURES_MAX       1024u // all parts of a full run together have some 400
#define JF_SAMPLES_MAX       128u
#define JF_FIGURE_NAME_SIZE  64u
#define JF_REPEATS_MAX       50u // two samples a repetition fit
#define JF_SERIES_MAX        256u
#define JF_SERIES_POINTS_MAX 512u

struct jf_figure {
    char name[JF_FIGURE_NAME_SIZE]; // "rpc.unary.p50_us"; of the README's list
    char of[JF_FIGURE_NAME_SIZE];   // what bounds it; empty: nothing
    const char *unit;               // static text: "us", "/s", "MiB"
    double samples[JF_SAMPLES_MAX];
    uint32_t sample_count;
};

// A curve of one run, for plots: points in the order in which they were added. When the same curve
// is measured again, its points are added too.
struct jf_series {
    char name[JF_FIGURE_NAME_SIZE]; // "rpc.unary.latency"
    const char *x_name;             // static text, with the unit: "percentile"
    const char *y_name;             // "latency, us"
    double x[JF_SERIES_POINTS_MAX];
    double y[JF_SERIES_POINTS_MAX];
    uint32_t count;
};

// Heap, about 3 MiB.
struct jf_report {
    struct jf_figure figures[JF_FIGURES_MAX];
    uint32_t figure_count;
    struct jf_series series[JF_SERIES_MAX];
    uint32_t series_count;
    struct jf_machine machine;
    char command[1024];
};

// Also prints the machine and the command. In: directory: the one whose disk is measured.
void jf_report_begin(struct jf_report *report, const struct jf_bench_command *command,
                     const char *directory);

// One sample. In: unit: static; of: NULL for none.
void jf_report_add(struct jf_report *report, const char *name, double value, const char *unit,
                   const char *of);

// One point of a curve; what does not fit any more is left out. In: x_name, y_name: static.
void jf_report_add_point(struct jf_report *report, const char *name, const char *x_name,
                         const char *y_name, double x, double y);

// The quantiles of `latency_ns` as PREFIX.p50_us, .p99_us, .p999_us and .max_us, without ratios.
void jf_report_add_quantiles(struct jf_report *report, const char *prefix,
                             const struct jf_histogram *latency_ns);

// The quantiles of `latency_ns` as PREFIX.p50_us, .p99_us, .p999_us and .max_us; the first two with
// ratios to the same quantiles of `of_prefix`, unless that is NULL. And the curve PREFIX.latency:
// latency by percentile, to p99.999 as far as there are samples.
void jf_report_add_latency(struct jf_report *report, const char *prefix,
                           const struct jf_histogram *latency_ns, const char *of_prefix);

// Returns: false when it has no sample.
bool jf_report_median(const struct jf_report *report, const char *name, double *out_value);

// Returns: false when nothing bounds the figure, or what does was not measured. Out: value ÷ that.
bool jf_report_ratio(const struct jf_report *report, const struct jf_figure *figure,
                     double *out_ratio);

// Prints the table, and writes the JSON file if path is not NULL.
// Errors: JF_ERROR_IO (the file, diagnosed), JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_report_finish(const struct jf_report *report, const char *json_path,
                                           struct jf_diagnosis *diagnosis);

// The end of a subcommand whose parts ended with `code`: after Ctrl-C says so, else finishes the
// report where they went well. Returns: the exit code.
enum jf_bench_exit jf_report_end(const struct jf_report *report, const char *json_path,
                                 enum jf_bench_exit code);

#endif
