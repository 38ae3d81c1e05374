// A log-linear histogram of latencies: fixed memory, exact counts, values within 1/64 (1.6 %) of
// the truth. One writer; merge to combine. Values are unsigned, usually nanoseconds.
#ifndef JF_BASE_HISTOGRAM_H
#define JF_BASE_HISTOGRAM_H

#include <stdint.h>

#define JF_HISTOGRAM_SUB_BITS 6
#define JF_HISTOGRAM_BUCKETS  ((64 - JF_HISTOGRAM_SUB_BITS + 1) << JF_HISTOGRAM_SUB_BITS)

// Caller's memory, zero-initialised is empty.
struct jf_histogram {
    uint64_t counts[JF_HISTOGRAM_BUCKETS];
    uint64_t count;
    uint64_t sum;
    uint64_t max;
    uint64_t min; // of what was recorded; 0 when empty
};

void jf_histogram_record(struct jf_histogram *histogram, uint64_t value);
void jf_histogram_merge(struct jf_histogram *into, const struct jf_histogram *from);

// In: per_million 0..1,000,000 (500,000 is the median). Returns: the upper edge of the bucket that
// holds that rank, never above max; 0 when empty.
uint64_t jf_histogram_quantile(const struct jf_histogram *histogram, uint32_t per_million);

#endif
