// jifen-bench plots: the page of a run whose figures are in a file. Fails: usage; a file that is
// none of ours; no gnuplot; a page that cannot be written.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/document.h"
#include "bench/options.h"
#include "bench/page.h"

static const struct jf_bench_help help = {
    .usage = "jifen-bench plots FILE.json --report DIR",
    .about = "Writes DIR/index.html, one file that stands alone: all figures of the run, and plots "
             "of\nlatency by percentile, latency against rate and rate by entries stored, as far "
             "as the\nfile has them. Needs gnuplot: tools/setup --bench.\n",
    .example = "  jifen-bench plots full.json --report report\n",
};

static enum jf_bench_exit page_make(const char *path, const char *directory)
{
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    struct jf_document document = {NULL};
    struct jf_report *report = calloc(1, sizeof(*report));
    enum jf_error error = report != NULL
                              ? jf_document_read(path, &document, report, &diagnosis)
                              : jf_diagnose(&diagnosis, JF_ERROR_NO_MEMORY, "out of memory");
    if (error == JF_OK) {
        jf_document_describe(&document, report);
        error = jf_page_write(report, directory, &diagnosis);
    }
    free(report);
    jf_document_close(&document);
    if (error != JF_OK) {
        return jf_bench_diagnosed(&diagnosis);
    }
    (void)printf("page      %s/index.html\n", directory);
    return JF_BENCH_OK;
}

enum jf_bench_exit jf_bench_plots_run(const struct jf_bench_command *command)
{
    const char *directory = NULL;
    const struct jf_bench_option options[] = {
        {"--report", "DIR", JF_BENCH_TEXT, &directory, 0, 0, "where the page is written"},
    };
    bool has_file = command->argc >= 3 && command->argv[2][0] != '-';
    int skipped = has_file ? 2 : 1; // the options follow the file
    enum jf_bench_exit code = jf_options_parse(&help, options, JF_BENCH_OPTION_COUNT(options),
                                               command->argc - skipped, command->argv + skipped);
    if (code != JF_BENCH_GO_ON) {
        return code;
    }
    if (!has_file || directory == NULL) {
        return jf_bench_fail(JF_BENCH_USAGE,
                             "a file and --report are needed; see: jifen-bench plots --help");
    }
    return page_make(command->argv[2], directory);
}
