// A past day's sales as what comes when: by their instants, at a multiple of their speed. Pure.
#ifndef JF_BENCH_DAY_SCHEDULE_H
#define JF_BENCH_DAY_SCHEDULE_H

#include "bench/day_journal.h"
#include "bench/day_run.h"

// Caller's memory.
struct jf_day_schedule {
    struct jf_day_replayed *sales; // heap; the bytes stay the journal's
    uint64_t count;
    uint32_t store_count; // lines: sales[].store is 0..store_count-1
    double seconds;       // that the run takes
    double hours;         // that the sales took, a moment for the last one included
};

// The first sale comes at once; sales of one instant in the order of their positions. In: count
// >= 1; speed > 0. Out: the sales are sorted so too. Errors: JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_day_schedule_make(struct jf_day_sale *sales, uint64_t count,
                                               double speed, struct jf_day_schedule *out_schedule);
void jf_day_schedule_deinit(struct jf_day_schedule *schedule); // also of zeroes

#endif
