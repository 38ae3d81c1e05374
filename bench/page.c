// Each plot gathers the series of one kind, latencies by the part of the suite that they are of:
// their points go to data files in a scratch directory, gnuplot makes SVG of them, and the page
// holds the SVG. Fails: no gnuplot; a directory or file that cannot be written; more curves than a
// plot can show.
#include "bench/page.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "bench/process.h"
#include "bench/tool.h"

#define GNUPLOT     "/usr/bin/gnuplot"
#define PLOT_S      60u
#define SVG_MAX     (4u << 20)
#define SCRIPT_SIZE 32768u
#define COLOURS     8u // of gnuplot; then they come again, dashed

// A plot shows all series whose names end so; where it is by part, one plot shows those of which
// also the first word is the same: "rpc" of "rpc.unary.latency".
struct plot {
    const char *suffix;
    bool is_by_part;
    const char *title;
    const char *caption;
    const char *setting; // of gnuplot: scales
    const char *x;       // what of a point is drawn: gnuplot's `using`
};

static const struct plot plots[] = {
    {".latency", true, "Latency by percentile",
     "How long answers took: the farther right, the rarer. p99 is the third step.",
     "set logscale y\nset xtics ('p50' 0.301, 'p90' 1, 'p99' 2, 'p99.9' 3, 'p99.99' 4, 'p99.999' 5)"
     "\nset xrange [0:5]\n",
     "(-log10(1-$1/100)):2"},
    {".p50", false, "Median latency against rate",
     "Open loop: sales arrive at this rate whatever the server does. Where the curve turns up, the "
     "server no longer keeps up.",
     "set logscale xy\n", "1:2"},
    {".p99", false, "99th percentile against rate", "The same for the slowest hundredth.",
     "set logscale xy\n", "1:2"},
    {".windows", false, "Rate by entries stored",
     "Sales a second, window by window: a flat line means that a grown store costs no more.",
     "set yrange [0:*]\n", "1:2"},
    {".day_rate", false, "A day: customers",
     "Customers who came and who were answered, a second, by the hour of the day. Where the second "
     "stays below the first, queues grew.",
     "set xrange [0:24]\nset xtics 3\nset yrange [0:*]\n", "1:2"},
    {".day_wait", false, "A day: waiting",
     "How long all but a hundredth waited, from coming to the answer, with what happened marked.",
     "set xrange [0:24]\nset xtics 3\nset logscale y\n", "1:2"},
    {".past_rate", false, "A past day again: sales",
     "Sales that came and that were answered, a second of the run, by the hours of the past day.",
     "set xrange [0:*] noextend\nset yrange [0:*]\n", "1:2"},
    {".past_wait", false, "A past day again: waiting",
     "How long all but a hundredth of the past day's sales waited, from coming to the answer.",
     "set xrange [0:*] noextend\nset logscale y\n", "1:2"},
};

#define PLOT_COUNT (sizeof(plots) / sizeof(plots[0]))

struct page {
    const struct jf_report *report;
    struct jf_scratch scratch;
    FILE *out;
    char script[SCRIPT_SIZE];
    char text[JF_TOOL_OUTPUT_SIZE];
};

static bool is_shown(const struct plot *plot, const struct jf_series *series)
{
    size_t size = strlen(series->name);
    size_t suffix = strlen(plot->suffix);
    return size > suffix && strcmp(series->name + size - suffix, plot->suffix) == 0 &&
           series->count > 1;
}

static struct jf_text part_of(const struct jf_series *series)
{
    return (struct jf_text){series->name, (uint32_t)strcspn(series->name, ".")};
}

// Whether the plot of that series' part, or of all where there is one for all, shows this one.
static bool is_beside(const struct plot *plot, const struct jf_series *first,
                      const struct jf_series *series)
{
    return is_shown(plot, series) &&
           (!plot->is_by_part || jf_text_equal(part_of(first), part_of(series)));
}

static enum jf_error points_write(const struct page *page, uint32_t index,
                                  struct jf_diagnosis *diagnosis)
{
    const struct jf_series *series = &page->report->series[index];
    char path[JF_PATH_SIZE + 32];
    (void)snprintf(path, sizeof path, "%s/%" PRIu32 ".dat", page->scratch.path, index);
    FILE *file = fopen(path, "we");
    for (uint32_t at = 0; file != NULL && at < series->count; at++) {
        // Measured again: an empty line begins a line of its own.
        bool is_again = at > 0 && series->x[at] < series->x[at - 1];
        (void)fprintf(file, "%s%.9g %.9g\n", is_again ? "\n" : "", series->x[at], series->y[at]);
    }
    return file != NULL && fclose(file) == 0
               ? JF_OK
               : jf_diagnose(diagnosis, JF_ERROR_IO, "%s cannot be written", path);
}

// The script: settings, then all series in one plot command. In: from: the first of them. Returns:
// false when they are too many.
static bool script_make(struct page *page, const struct plot *plot, uint32_t from)
{
    const struct jf_report *report = page->report;
    uint32_t shown = 0;
    size_t size =
        (size_t)snprintf(page->script, SCRIPT_SIZE,
                         "set terminal svg size 860,420 font 'sans,12' background '#ffffff'\n"
                         "set output 'plot.svg'\nset key outside right top noenhanced\n"
                         "set grid lc rgb '#dddddd'\nset border 3\nset tics nomirror\n%s",
                         plot->setting);
    for (uint32_t at = from; at < report->series_count && size < SCRIPT_SIZE; at++) {
        const struct jf_series *series = &report->series[at];
        if (!is_beside(plot, &report->series[from], series)) {
            continue;
        }
        if (shown == 0) {
            size += (size_t)snprintf(page->script + size, SCRIPT_SIZE - size,
                                     "set xlabel '%s'\nset ylabel '%s'\nplot", series->x_name,
                                     series->y_name);
        }
        if (size < SCRIPT_SIZE) {
            size += (size_t)snprintf(
                page->script + size, SCRIPT_SIZE - size,
                "%s '%" PRIu32 ".dat' using %s with linespoints lc %" PRIu32 " dt %" PRIu32
                " pt 7 ps 0.4 lw 2 title '%.*s'",
                shown == 0 ? "" : ",", at, plot->x, shown % COLOURS + 1, shown / COLOURS + 1,
                (int)(strlen(series->name) - strlen(plot->suffix)), series->name);
        }
        shown += 1;
    }
    return size + 1 < SCRIPT_SIZE;
}

// Copies the SVG without what stands before its root element.
static enum jf_error svg_copy(const struct page *page, struct jf_diagnosis *diagnosis)
{
    char path[JF_PATH_SIZE + 16];
    (void)snprintf(path, sizeof path, "%s/plot.svg", page->scratch.path);
    char *text = malloc(SVG_MAX + 1);
    FILE *file = fopen(path, "re");
    size_t size = text == NULL || file == NULL ? 0 : fread(text, 1, SVG_MAX, file);
    if (file != NULL) {
        (void)fclose(file);
    }
    if (text != NULL) {
        text[size] = '\0';
    }
    const char *root = size == 0 ? NULL : strstr(text, "<svg");
    if (root != NULL) {
        (void)fputs(root, page->out);
    }
    enum jf_error error =
        root != NULL ? JF_OK : jf_diagnose(diagnosis, JF_ERROR_IO, "gnuplot made no plot");
    free(text);
    return error;
}

static enum jf_error script_write(const struct page *page, struct jf_diagnosis *diagnosis)
{
    char path[JF_PATH_SIZE + 16];
    (void)snprintf(path, sizeof path, "%s/plot.gp", page->scratch.path);
    FILE *file = fopen(path, "we");
    bool is_put = file != NULL && fputs(page->script, file) >= 0 && fputc('\n', file) >= 0;
    return file != NULL && fclose(file) == 0 && is_put
               ? JF_OK
               : jf_diagnose(diagnosis, JF_ERROR_IO, "%s cannot be written", path);
}

static enum jf_error plot_add(struct page *page, const struct plot *plot, uint32_t from,
                              struct jf_diagnosis *diagnosis)
{
    const char *const arguments[] = {GNUPLOT, "plot.gp", NULL};
    const struct jf_tool_command command = {.arguments = arguments,
                                            .directory = page->scratch.path};
    struct jf_text part = part_of(&page->report->series[from]);
    if (!script_make(page, plot, from)) {
        return jf_diagnose(diagnosis, JF_ERROR_LIMIT,
                           "more curves end in %s than one plot shows: give the parts pages of "
                           "their own",
                           plot->suffix);
    }
    (void)fprintf(page->out, "<h2>%s%s%.*s</h2>\n<p>%s</p>\n<figure>\n", plot->title,
                  plot->is_by_part ? ": " : "", plot->is_by_part ? (int)part.size : 0, part.data,
                  plot->caption);
    enum jf_error error = script_write(page, diagnosis);
    error = error == JF_OK ? jf_tool_run(&command, PLOT_S, page->text, diagnosis) : error;
    error = error == JF_OK ? svg_copy(page, diagnosis) : error;
    (void)fputs("</figure>\n", page->out);
    return error;
}

// A plot begins with the first series that none before it stands beside.
static bool is_first(const struct page *page, const struct plot *plot, uint32_t at)
{
    const struct jf_series *series = page->report->series;
    bool is_first = is_shown(plot, &series[at]);
    for (uint32_t before = 0; before < at && is_first; before++) {
        is_first = !is_beside(plot, &series[at], &series[before]);
    }
    return is_first;
}

static enum jf_error plots_add(struct page *page, const struct plot *plot,
                               struct jf_diagnosis *diagnosis)
{
    enum jf_error error = JF_OK;
    for (uint32_t at = 0; error == JF_OK && at < page->report->series_count; at++) {
        error = is_first(page, plot, at) ? plot_add(page, plot, at, diagnosis) : JF_OK;
    }
    return error;
}

static void escaped_put(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<':
            (void)fputs("&lt;", out);
            break;
        case '>':
            (void)fputs("&gt;", out);
            break;
        case '&':
            (void)fputs("&amp;", out);
            break;
        default:
            (void)fputc(*text, out);
        }
    }
}

static void head_put(const struct page *page)
{
    static const char style[] =
        "body{font:15px/1.5 sans-serif;max-width:920px;margin:2em auto;padding:0 1em;color:#222}"
        "table{border-collapse:collapse;font-size:14px}td,th{padding:.15em .8em .15em 0;"
        "text-align:left;border-bottom:1px solid #eee}td.n,th.n{text-align:right;"
        "font-variant-numeric:tabular-nums}figure{margin:0}svg{max-width:100%;height:auto}"
        "code{background:#f4f4f4;padding:.1em .3em}";
    const struct jf_machine *machine = &page->report->machine;
    (void)fprintf(page->out,
                  "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                  "<title>jifen-bench</title><style>%s</style></head><body>\n<h1>jifen-bench</h1>\n"
                  "<p>%" PRIu32 " cores, ",
                  style, machine->cores);
    escaped_put(page->out, machine->processor);
    (void)fprintf(page->out, ", %" PRIu64 " MiB; ", machine->memory_mib);
    escaped_put(page->out, machine->kernel);
    (void)fputs("; ", page->out);
    escaped_put(page->out, machine->file_system);
    (void)fputs(".<br><code>", page->out);
    escaped_put(page->out, page->report->command);
    (void)fputs("</code></p>\n", page->out);
}

static void figures_put(const struct page *page)
{
    const struct jf_report *report = page->report;
    (void)fputs("<h2>Figures</h2>\n<table><tr><th>figure</th><th class=\"n\">value</th><th>unit"
                "</th><th class=\"n\">ratio</th><th>of</th></tr>\n",
                page->out);
    for (uint32_t at = 0; at < report->figure_count; at++) {
        const struct jf_figure *figure = &report->figures[at];
        double value = 0;
        double ratio = 0;
        (void)jf_report_median(report, figure->name, &value);
        bool has_ratio = jf_report_ratio(report, figure, &ratio);
        (void)fprintf(page->out, "<tr><td>%s</td><td class=\"n\">%.*f</td><td>%s</td>",
                      figure->name, value >= 100 ? 0 : 2, value, figure->unit);
        if (has_ratio) {
            (void)fprintf(page->out, "<td class=\"n\">%.3g</td><td>%s</td>", ratio, figure->of);
        } else {
            (void)fputs("<td></td><td></td>", page->out);
        }
        (void)fputs("</tr>\n", page->out);
    }
    (void)fputs("</table>\n", page->out);
}

static enum jf_error content_write(struct page *page, const char *directory,
                                   struct jf_diagnosis *diagnosis)
{
    enum jf_error error = jf_scratch_create(&page->scratch, directory, diagnosis);
    for (uint32_t at = 0; error == JF_OK && at < page->report->series_count; at++) {
        error = points_write(page, at, diagnosis);
    }
    head_put(page);
    for (size_t at = 0; error == JF_OK && at < PLOT_COUNT; at++) {
        error = plots_add(page, &plots[at], diagnosis);
    }
    figures_put(page);
    (void)fputs("</body></html>\n", page->out);
    jf_scratch_remove(&page->scratch);
    return error;
}

enum jf_error jf_page_write(const struct jf_report *report, const char *directory,
                            struct jf_diagnosis *diagnosis)
{
    char path[JF_PATH_SIZE];
    if (mkdir(directory, 0755) != 0 && errno != EEXIST) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "--report %s: %s", directory, strerror(errno));
    }
    struct page *page = calloc(1, sizeof *page);
    if (page == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "out of memory");
    }
    page->report = report;
    (void)snprintf(path, sizeof path, "%.*s/index.html", (int)(JF_PATH_SIZE - 16), directory);
    page->out = fopen(path, "we");
    enum jf_error error =
        page->out != NULL ? content_write(page, directory, diagnosis)
                          : jf_diagnose(diagnosis, JF_ERROR_IO, "%s: %s", path, strerror(errno));
    bool has_failed = page->out != NULL && (ferror(page->out) != 0 || fclose(page->out) != 0);
    if (error == JF_OK && has_failed) {
        error = jf_diagnose(diagnosis, JF_ERROR_IO, "%s could not be written", path);
    }
    free(page);
    return error;
}
