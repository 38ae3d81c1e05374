// Makes a directory's files cold: what the page cache has of them is dropped, so that a start reads
// them from the disk. One thread.
#ifndef JF_BENCH_COLD_H
#define JF_BENCH_COLD_H

#include "base/error.h"

// In: nobody has the files open. Errors: JF_ERROR_IO, diagnosed.
JF_MUST_USE enum jf_error jf_cold_make(const char *directory, struct jf_diagnosis *diagnosis);

#endif
