// jifen-bench compare: what moved between two runs. Fails: usage; a file that is none of ours; with
// --fail-above, a figure that got worse by more than that.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/document.h"
#include "bench/options.h"
#include "tools/jifen/table.h"

static const struct jf_bench_help help = {
    .usage = "jifen-bench compare A.json B.json [options]",
    .about =
        "Says of every figure that both files have how it moved from A to B. A rate that rose\n"
        "and a time, size or share that fell got better. Where the samples of both overlap,\n"
        "the difference may be noise and is marked with ~.\n",
    .example = "  jifen-bench compare before.json after.json --above 5\n"
               "  jifen-bench compare before.json after.json --fail-above 20\n",
};

struct comparison {
    struct jf_report *reports[2];
    struct jf_document documents[2];
    uint64_t above;      // percent: smaller moves are left out
    uint64_t fail_above; // percent; 0: never
    uint32_t worse;      // figures that got worse by more than that
};

static const struct jf_figure *figure_find(const struct jf_report *report, const char *name)
{
    for (uint32_t at = 0; at < report->figure_count; at++) {
        if (strcmp(report->figures[at].name, name) == 0) {
            return &report->figures[at];
        }
    }
    return NULL;
}

static void range_of(const struct jf_figure *figure, double *out_least, double *out_most)
{
    *out_least = figure->samples[0];
    *out_most = figure->samples[0];
    for (uint32_t at = 1; at < figure->sample_count; at++) {
        *out_least = fmin(*out_least, figure->samples[at]);
        *out_most = fmax(*out_most, figure->samples[at]);
    }
}

static bool is_noise(const struct jf_figure *a, const struct jf_figure *b)
{
    double a_least = 0;
    double a_most = 0;
    double b_least = 0;
    double b_most = 0;
    range_of(a, &a_least, &a_most);
    range_of(b, &b_least, &b_most);
    return a->sample_count > 1 && b->sample_count > 1 && a_least <= b_most && b_least <= a_most;
}

// Of what is counted by the second or by the second's share of a limit, more is better.
static bool is_more_better(const struct jf_figure *figure)
{
    return strcmp(figure->unit, "/s") == 0 || strcmp(figure->unit, "MiB/s") == 0;
}

static void row_add(struct comparison *comparison, const struct jf_figure *a,
                    const struct jf_figure *b, struct jf_table *table)
{
    double from = 0;
    double to = 0;
    char text[48];
    (void)jf_report_median(comparison->reports[0], a->name, &from);
    (void)jf_report_median(comparison->reports[1], b->name, &to);
    double moved = from > 0 ? (to - from) * 100.0 / from : 0;
    if (fabs(moved) < (double)comparison->above) {
        return;
    }
    bool is_better = (moved > 0) == is_more_better(a);
    comparison->worse +=
        !is_better && comparison->fail_above > 0 && fabs(moved) > (double)comparison->fail_above
            ? 1
            : 0;
    jf_table_row(table);
    jf_table_text(table, a->name);
    (void)snprintf(text, sizeof text, "%.5g", from);
    jf_table_text(table, text);
    (void)snprintf(text, sizeof text, "%.5g", to);
    jf_table_text(table, text);
    jf_table_text(table, a->unit);
    (void)snprintf(text, sizeof text, "%+.1f %%", moved);
    jf_table_text(table, text);
    const char *judged = is_better ? "better" : "worse";
    jf_table_text(table, fabs(moved) < 0.05 ? "" : judged);
    jf_table_text(table, is_noise(a, b) ? "~" : "");
}

static enum jf_error table_print(struct comparison *comparison)
{
    static const struct jf_table_column columns[] = {
        {"FIGURE", false}, {"A", true}, {"B", true}, {"UNIT", false},
        {"MOVED", true},   {"", false}, {"", false}};
    struct jf_table *table = NULL;
    const struct jf_report *a = comparison->reports[0];
    enum jf_error error = jf_table_create(columns, 7, &table);
    if (error != JF_OK) {
        return error;
    }
    for (uint32_t at = 0; at < a->figure_count; at++) {
        const struct jf_figure *other = figure_find(comparison->reports[1], a->figures[at].name);
        if (other != NULL) {
            row_add(comparison, &a->figures[at], other, table);
        }
    }
    error = jf_table_print(table);
    jf_table_destroy(table);
    return error;
}

static void strangers_tell(const struct comparison *comparison)
{
    for (uint32_t side = 0; side < 2; side++) {
        const struct jf_report *report = comparison->reports[side];
        for (uint32_t at = 0; at < report->figure_count; at++) {
            const char *name = report->figures[at].name;
            if (figure_find(comparison->reports[1 - side], name) == NULL) {
                (void)printf("only in %s: %s\n", side == 0 ? "A" : "B", name);
            }
        }
    }
}

static enum jf_bench_exit files_compare(struct comparison *comparison, char *const *paths)
{
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    for (uint32_t side = 0; side < 2; side++) {
        if (jf_document_read(paths[side], &comparison->documents[side], comparison->reports[side],
                             &diagnosis) != JF_OK) {
            return jf_bench_diagnosed(&diagnosis);
        }
        (void)printf("%s  %s\n   %s; %s\n", side == 0 ? "A" : "B", paths[side],
                     jf_document_command(&comparison->documents[side]),
                     jf_document_processor(&comparison->documents[side]));
    }
    if (table_print(comparison) != JF_OK) {
        return jf_bench_fail(JF_BENCH_UNAVAILABLE, "out of memory");
    }
    strangers_tell(comparison);
    return comparison->worse == 0
               ? JF_BENCH_OK
               : jf_bench_fail(JF_BENCH_FAILED, "%u figures got worse by more than %llu %%",
                               comparison->worse, (unsigned long long)comparison->fail_above);
}

enum jf_bench_exit jf_bench_compare_run(const struct jf_bench_command *command)
{
    struct comparison comparison = {.above = 0};
    const struct jf_bench_option options[] = {
        {"--above", "PERCENT", JF_BENCH_NUMBER, &comparison.above, 0, 1000,
         "leave out what moved by less"},
        {"--fail-above", "PERCENT", JF_BENCH_NUMBER, &comparison.fail_above, 1, 1000,
         "exit 1 when a figure got worse by more"},
    };
    bool has_files = command->argc >= 4 && command->argv[2][0] != '-' && command->argv[3][0] != '-';
    int skipped = has_files ? 3 : 1; // the options follow the files
    enum jf_bench_exit code = jf_options_parse(&help, options, JF_BENCH_OPTION_COUNT(options),
                                               command->argc - skipped, command->argv + skipped);
    if (code != JF_BENCH_GO_ON) {
        return code;
    }
    if (!has_files) {
        return jf_bench_fail(JF_BENCH_USAGE,
                             "two files are needed; see: jifen-bench compare --help");
    }
    comparison.reports[0] = calloc(1, sizeof(struct jf_report));
    comparison.reports[1] = calloc(1, sizeof(struct jf_report));
    code = comparison.reports[0] != NULL && comparison.reports[1] != NULL
               ? files_compare(&comparison, command->argv + 2)
               : jf_bench_fail(JF_BENCH_UNAVAILABLE, "out of memory");
    for (uint32_t side = 0; side < 2; side++) {
        free(comparison.reports[side]);
        jf_document_close(&comparison.documents[side]);
    }
    return code;
}
