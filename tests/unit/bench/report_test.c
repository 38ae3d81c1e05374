// Figures: medians, and JSON that says what bounds what.
#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench/report.h"

static struct jf_report *report_make(void)
{
    static char program[] = "jifen-bench";
    static char part[] = "li\"mits";
    char *arguments[] = {program, part, NULL};
    cr_redirect_stdout();
    struct jf_report *report = calloc(1, sizeof(*report));
    cr_assert_not_null(report);
    jf_report_begin(report, &(struct jf_bench_command){2, arguments}, ".");
    return report;
}

Test(report, a_json_file_that_cannot_be_made_is_an_error)
{
    struct jf_report *report = report_make();
    struct jf_diagnosis diagnosis;
    jf_report_add(report, "a", 1, "us", NULL);
    cr_assert_eq(jf_report_finish(report, "/nonexistent/figures.json", &diagnosis), JF_ERROR_IO);
    cr_assert(strstr(diagnosis.text, "/nonexistent/figures.json") != NULL);
    free(report);
}

Test(report, a_figure_that_was_not_measured_has_no_median)
{
    struct jf_report *report = report_make();
    double value = 5;
    cr_assert_not(jf_report_median(report, "a", &value));
    cr_assert_eq(value, 5.0);
    free(report);
}

Test(report, the_median_of_an_even_number_lies_between_the_middle_two)
{
    struct jf_report *report = report_make();
    double value = 0;
    jf_report_add(report, "a", 9, "us", NULL);
    jf_report_add(report, "a", 1, "us", NULL);
    jf_report_add(report, "a", 4, "us", NULL);
    cr_assert(jf_report_median(report, "a", &value));
    cr_assert_eq(value, 4.0);
    jf_report_add(report, "a", 2, "us", NULL);
    cr_assert(jf_report_median(report, "a", &value));
    cr_assert_eq(value, 3.0);
    free(report);
}

Test(report, json_has_name_value_unit_and_ratio_only_where_its_bound_was_measured)
{
    struct jf_report *report = report_make();
    struct jf_diagnosis diagnosis;
    char path[] = "/tmp/jf-report-XXXXXX";
    char text[4096] = "";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    jf_report_add(report, "disk", 100, "us", NULL);
    jf_report_add(report, "call", 250, "us", "disk");
    jf_report_add(report, "lone", 1.5, "s", "absent");
    cr_assert_eq(jf_report_finish(report, path, &diagnosis), JF_OK);
    cr_assert_gt(read(fd, text, sizeof(text) - 1), 0);
    cr_assert(strstr(text, "\"command\":\"jifen-bench li\\\"mits\"") != NULL);
    cr_assert(strstr(text, "{\"name\":\"call\",\"value\":250,\"unit\":\"us\",\"ratio\":2.5,"
                           "\"of\":\"disk\"}") != NULL);
    cr_assert(strstr(text, "{\"name\":\"lone\",\"value\":1.5,\"unit\":\"s\"}") != NULL);
    close(fd);
    unlink(path);
    free(report);
}
