// Samples by figure name, medians and ratios at the end. Fails: the JSON file cannot be written.
#include "bench/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "bench/process.h"
#include "tools/jifen/decimal.h"
#include "tools/jifen/json.h"
#include "tools/jifen/table.h"

#define VALUE_SIZE JF_DECIMAL_TEXT_SIZE

void jf_report_begin(struct jf_report *report, const struct jf_bench_command *command,
                     const char *directory)
{
    report->figure_count = 0;
    report->series_count = 0;
    size_t used = 0;
    report->command[0] = '\0';
    for (int at = 0; at < command->argc && used < sizeof(report->command) - 1; at++) {
        int size = snprintf(report->command + used, sizeof(report->command) - used, "%s%s",
                            at == 0 ? "" : " ", command->argv[at]);
        used += size < 0 ? 0 : (size_t)size;
    }
    jf_machine_describe(directory, &report->machine);
    const struct jf_machine *machine = &report->machine;
    (void)printf("machine   %" PRIu32 " cores, %s, %" PRIu64 " MiB; %s; %s\ncommand   %s\n",
                 machine->cores, machine->processor, machine->memory_mib, machine->kernel,
                 machine->file_system, report->command);
    (void)fflush(stdout);
}

static const struct jf_figure *figure_find(const struct jf_report *report, const char *name)
{
    for (uint32_t at = 0; at < report->figure_count; at++) {
        if (strcmp(report->figures[at].name, name) == 0) {
            return &report->figures[at];
        }
    }
    return NULL;
}

void jf_report_add(struct jf_report *report, const char *name, double value, const char *unit,
                   const char *of)
{
    const struct jf_figure *found = figure_find(report, name);
    struct jf_figure *figure = NULL;
    if (found == NULL) {
        JF_ASSERT(report->figure_count < JF_FIGURES_MAX);
        JF_ASSERT(strlen(name) < JF_FIGURE_NAME_SIZE);
        figure = &report->figures[report->figure_count++];
        *figure = (struct jf_figure){.unit = unit};
        (void)snprintf(figure->name, sizeof(figure->name), "%s", name);
        (void)snprintf(figure->of, sizeof(figure->of), "%s", of == NULL ? "" : of);
    } else {
        figure = &report->figures[found - report->figures];
    }
    JF_ASSERT(figure->sample_count < JF_SAMPLES_MAX);
    figure->samples[figure->sample_count++] = value;
}

static struct jf_series *series_obtain(struct jf_report *report, const char *name)
{
    for (uint32_t at = 0; at < report->series_count; at++) {
        if (strcmp(report->series[at].name, name) == 0) {
            return &report->series[at];
        }
    }
    if (report->series_count == JF_SERIES_MAX) {
        return NULL;
    }
    struct jf_series *series = &report->series[report->series_count++];
    series->count = 0;
    (void)snprintf(series->name, sizeof(series->name), "%s", name);
    return series;
}

void jf_report_add_point(struct jf_report *report, const char *name, const char *x_name,
                         const char *y_name, double x, double y)
{
    JF_ASSERT(strlen(name) < JF_FIGURE_NAME_SIZE);
    struct jf_series *series = series_obtain(report, name);
    if (series == NULL || series->count == JF_SERIES_POINTS_MAX) {
        return;
    }
    series->x_name = x_name;
    series->y_name = y_name;
    series->x[series->count] = x;
    series->y[series->count] = y;
    series->count += 1;
}

// Each point halves what lies above it: p50, p75, p87.5 … as far as samples tell them apart.
static void curve_add(struct jf_report *report, const char *prefix,
                      const struct jf_histogram *latency_ns)
{
    char name[JF_FIGURE_NAME_SIZE];
    (void)snprintf(name, sizeof(name), "%.40s.latency", prefix);
    for (uint32_t above = 1000000; above >= 10 && latency_ns->count > 1000000 / above; above /= 2) {
        uint64_t ns = jf_histogram_quantile(latency_ns, 1000000 - above);
        jf_report_add_point(report, name, "percentile", "latency, us",
                            100.0 - (double)above / 10000.0, (double)ns / 1000.0);
    }
}

static void quantiles_add(struct jf_report *report, const char *prefix,
                          const struct jf_histogram *latency_ns, const char *of_prefix)
{
    static const struct {
        const char *name;
        uint32_t per_million;
        bool has_ratio;
    } quantiles[] = {{"p50_us", 500000, true},
                     {"p99_us", 990000, true},
                     {"p999_us", 999000, false},
                     {"max_us", 1000000, false}};
    char name[JF_FIGURE_NAME_SIZE];
    char of[JF_FIGURE_NAME_SIZE];
    for (size_t at = 0; at < sizeof(quantiles) / sizeof(quantiles[0]); at++) {
        (void)snprintf(name, sizeof(name), "%.40s.%s", prefix, quantiles[at].name);
        (void)snprintf(of, sizeof(of), "%.40s.%s", of_prefix == NULL ? "" : of_prefix,
                       quantiles[at].name);
        uint64_t ns = jf_histogram_quantile(latency_ns, quantiles[at].per_million);
        bool has_ratio = of_prefix != NULL && quantiles[at].has_ratio;
        jf_report_add(report, name, (double)ns / 1000.0, "us", has_ratio ? of : NULL);
    }
}

void jf_report_add_quantiles(struct jf_report *report, const char *prefix,
                             const struct jf_histogram *latency_ns)
{
    quantiles_add(report, prefix, latency_ns, NULL);
}

void jf_report_add_latency(struct jf_report *report, const char *prefix,
                           const struct jf_histogram *latency_ns, const char *of_prefix)
{
    quantiles_add(report, prefix, latency_ns, of_prefix);
    curve_add(report, prefix, latency_ns);
}

static int samples_compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return a < b ? -1 : a > b ? 1 : 0;
}

static double median_of(const struct jf_figure *figure, double *out_min, double *out_max)
{
    double sorted[JF_SAMPLES_MAX];
    uint32_t count = figure->sample_count;
    JF_ASSERT(count > 0);
    memcpy(sorted, figure->samples, count * sizeof(sorted[0]));
    qsort(sorted, count, sizeof(sorted[0]), samples_compare);
    *out_min = sorted[0];
    *out_max = sorted[count - 1];
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2.0;
}

bool jf_report_median(const struct jf_report *report, const char *name, double *out_value)
{
    const struct jf_figure *figure = figure_find(report, name);
    double min = 0;
    double max = 0;
    if (figure == NULL) {
        return false;
    }
    *out_value = median_of(figure, &min, &max);
    return true;
}

bool jf_report_ratio(const struct jf_report *report, const struct jf_figure *figure,
                     double *out_ratio)
{
    double of = 0;
    double min = 0;
    double max = 0;
    if (figure->of[0] == '\0' || !jf_report_median(report, figure->of, &of) || of <= 0.0) {
        return false;
    }
    *out_ratio = median_of(figure, &min, &max) / of;
    return true;
}

// Four significant digits at least; thousands are grouped.
static void value_format(double value, char out_text[VALUE_SIZE])
{
    if (value >= 1000.0) {
        jf_decimal_format((int64_t)(value + 0.5), 0, true, out_text);
    } else {
        (void)snprintf(out_text, VALUE_SIZE, "%.*f",
                       value >= 100.0  ? 1
                       : value >= 10.0 ? 2
                                       : 3,
                       value);
    }
}

static void row_print(const struct jf_report *report, const struct jf_figure *figure,
                      struct jf_table *table)
{
    char text[VALUE_SIZE];
    double min = 0;
    double max = 0;
    double ratio = 0;
    double value = median_of(figure, &min, &max);
    bool has_ratio = jf_report_ratio(report, figure, &ratio);
    jf_table_row(table);
    jf_table_text(table, figure->name);
    value_format(value, text);
    jf_table_text(table, text);
    jf_table_text(table, figure->unit);
    (void)snprintf(text, sizeof(text), "%.3g", ratio);
    jf_table_text(table, has_ratio ? text : "");
    jf_table_text(table, has_ratio ? figure->of : "");
    if (figure->sample_count > 1) {
        value_format(min, text);
        jf_table_text(table, text);
        value_format(max, text);
        jf_table_text(table, text);
        jf_table_number(table, figure->sample_count);
    }
}

static enum jf_error table_print(const struct jf_report *report)
{
    static const struct jf_table_column columns[] = {
        {"FIGURE", false}, {"VALUE", true}, {"UNIT", false}, {"RATIO", true},
        {"OF", false},     {"LEAST", true}, {"MOST", true},  {"SAMPLES", true}};
    uint32_t column_count = 5;
    struct jf_table *table = NULL;
    for (uint32_t at = 0; at < report->figure_count; at++) {
        column_count = report->figures[at].sample_count > 1 ? 8 : column_count;
    }
    enum jf_error error = jf_table_create(columns, column_count, &table);
    if (error != JF_OK) {
        return error;
    }
    for (uint32_t at = 0; at < report->figure_count; at++) {
        row_print(report, &report->figures[at], table);
    }
    error = jf_table_print(table);
    jf_table_destroy(table);
    (void)fflush(stdout);
    return error;
}

// jf_json knows whole numbers only: this writes a finite fraction where a value may stand.
static void fraction_write(struct jf_json *json, const char *key, double value)
{
    (void)fprintf(json->out, "%s\"%s\":%.6g", json->needs_comma ? "," : "", key, value);
    json->needs_comma = true;
}

static void figure_write(const struct jf_report *report, const struct jf_figure *figure,
                         struct jf_json *json)
{
    double min = 0;
    double max = 0;
    double ratio = 0;
    double value = median_of(figure, &min, &max);
    jf_json_object_begin(json, NULL);
    jf_json_string(json, "name", figure->name);
    fraction_write(json, "value", value);
    jf_json_string(json, "unit", figure->unit);
    if (jf_report_ratio(report, figure, &ratio)) {
        fraction_write(json, "ratio", ratio);
        jf_json_string(json, "of", figure->of);
    }
    if (figure->sample_count > 1) {
        fraction_write(json, "least", min);
        fraction_write(json, "most", max);
        jf_json_unsigned(json, "samples", figure->sample_count);
    }
    jf_json_object_end(json);
}

static void series_write(const struct jf_series *series, struct jf_json *json)
{
    jf_json_object_begin(json, NULL);
    jf_json_string(json, "name", series->name);
    jf_json_string(json, "x", series->x_name);
    jf_json_string(json, "y", series->y_name);
    jf_json_array_begin(json, "points");
    for (uint32_t at = 0; at < series->count; at++) {
        (void)fprintf(json->out, "%s[%.9g,%.6g]", at == 0 ? "" : ",", series->x[at], series->y[at]);
    }
    jf_json_array_end(json);
    jf_json_object_end(json);
}

static void document_write(const struct jf_report *report, FILE *file)
{
    struct jf_json json = {.out = file};
    jf_json_object_begin(&json, NULL);
    jf_json_string(&json, "program", "jifen-bench " JF_VERSION);
    jf_json_string(&json, "command", report->command);
    jf_json_object_begin(&json, "machine");
    jf_json_unsigned(&json, "cores", report->machine.cores);
    jf_json_unsigned(&json, "memory_mib", report->machine.memory_mib);
    jf_json_string(&json, "processor", report->machine.processor);
    jf_json_string(&json, "kernel", report->machine.kernel);
    jf_json_string(&json, "file_system", report->machine.file_system);
    jf_json_object_end(&json);
    jf_json_array_begin(&json, "figures");
    for (uint32_t at = 0; at < report->figure_count; at++) {
        figure_write(report, &report->figures[at], &json);
    }
    jf_json_array_end(&json);
    jf_json_array_begin(&json, "series");
    for (uint32_t at = 0; at < report->series_count; at++) {
        series_write(&report->series[at], &json);
    }
    jf_json_array_end(&json);
    jf_json_object_end(&json);
    jf_json_end_line(&json);
}

enum jf_error jf_report_finish(const struct jf_report *report, const char *json_path,
                               struct jf_diagnosis *diagnosis)
{
    enum jf_error error = table_print(report);
    if (error != JF_OK) {
        return jf_diagnose(diagnosis, error, "the table cannot be printed: %s",
                           jf_error_text(error));
    }
    if (json_path == NULL) {
        return JF_OK;
    }
    FILE *file = fopen(json_path, "we");
    if (file == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "--json %s: %s", json_path, strerror(errno));
    }
    document_write(report, file);
    bool has_failed = ferror(file) != 0;
    if (fclose(file) != 0 || has_failed) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "--json %s: the file could not be written",
                           json_path);
    }
    return JF_OK;
}

enum jf_bench_exit jf_report_end(const struct jf_report *report, const char *json_path,
                                 enum jf_bench_exit code)
{
    struct jf_diagnosis diagnosis;
    if (jf_interrupt_seen()) {
        return jf_bench_fail(JF_BENCH_INTERRUPTED, "interrupted");
    }
    if (code == JF_BENCH_OK && jf_report_finish(report, json_path, &diagnosis) != JF_OK) {
        code = jf_bench_diagnosed(&diagnosis);
    }
    return code;
}
