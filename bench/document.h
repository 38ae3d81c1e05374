// JSON files that jifen-bench has written, read again: to be compared, or put together. One thread.
#ifndef JF_BENCH_DOCUMENT_H
#define JF_BENCH_DOCUMENT_H

#include "bench/report.h"

// Caller's memory. Texts of the figures that were read point into it: close it after the report.
struct jf_document {
    void *root; // private
};

// Reads the file and adds its figures and series to the report: of a figure that was measured
// several times the least, the median and the most. Safe to close in any case.
// Errors, diagnosed with the file and what is wrong with it: JF_ERROR_IO, JF_ERROR_INVALID (no
// JSON, or none of ours, or more figures than a report holds).
JF_MUST_USE enum jf_error jf_document_read(const char *path, struct jf_document *document,
                                           struct jf_report *report,
                                           struct jf_diagnosis *diagnosis);
// What the file says of where and how it was made; "" where it says nothing.
const char *jf_document_command(const struct jf_document *document);
const char *jf_document_processor(const struct jf_document *document);
// Puts what the file says of command and machine into the report.
void jf_document_describe(const struct jf_document *document, struct jf_report *report);
void jf_document_close(struct jf_document *document);

#endif
