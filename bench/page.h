// A report as one HTML file with plots, which stands alone. The plots are made by gnuplot (Debian:
// gnuplot-nox; tools/setup --bench). One thread.
#ifndef JF_BENCH_PAGE_H
#define JF_BENCH_PAGE_H

#include "bench/report.h"

// Writes DIRECTORY/index.html, making the directory where there is none. Errors, diagnosed:
// JF_ERROR_NOT_FOUND (no gnuplot), JF_ERROR_LIMIT (too many curves for a plot), JF_ERROR_IO,
// JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_page_write(const struct jf_report *report, const char *directory,
                                        struct jf_diagnosis *diagnosis);

#endif
