// Buckets: values below 2^SUB_BITS one by one, above that 2^SUB_BITS buckets to each power of two.
#include "base/histogram.h"

#include "base/assert.h"

static uint32_t bucket_of(uint64_t value)
{
    const uint64_t linear = (uint64_t)1 << JF_HISTOGRAM_SUB_BITS;
    if (value < linear) {
        return (uint32_t)value;
    }
    uint32_t exponent = 63 - (uint32_t)__builtin_clzll(value);
    uint32_t shift = exponent - JF_HISTOGRAM_SUB_BITS;
    uint32_t sub = (uint32_t)((value >> shift) - linear);
    return ((shift + 1) << JF_HISTOGRAM_SUB_BITS) + sub;
}

static uint64_t bucket_upper(uint32_t bucket)
{
    const uint32_t linear = (uint32_t)1 << JF_HISTOGRAM_SUB_BITS;
    if (bucket < linear) {
        return bucket;
    }
    uint32_t shift = (bucket >> JF_HISTOGRAM_SUB_BITS) - 1;
    uint64_t sub = bucket & (linear - 1);
    return ((linear + sub + 1) << shift) - 1;
}

void jf_histogram_record(struct jf_histogram *histogram, uint64_t value)
{
    uint32_t bucket = bucket_of(value);
    JF_ASSERT(bucket < JF_HISTOGRAM_BUCKETS);
    histogram->counts[bucket] += 1;
    histogram->min = histogram->count == 0 || value < histogram->min ? value : histogram->min;
    histogram->max = value > histogram->max ? value : histogram->max;
    histogram->count += 1;
    histogram->sum += value;
}

void jf_histogram_merge(struct jf_histogram *into, const struct jf_histogram *from)
{
    if (from->count == 0) {
        return;
    }
    for (uint32_t i = 0; i < JF_HISTOGRAM_BUCKETS; i++) {
        into->counts[i] += from->counts[i];
    }
    into->min = into->count == 0 || from->min < into->min ? from->min : into->min;
    into->max = from->max > into->max ? from->max : into->max;
    into->count += from->count;
    into->sum += from->sum;
}

uint64_t jf_histogram_quantile(const struct jf_histogram *histogram, uint32_t per_million)
{
    JF_ASSERT(per_million <= 1000000);
    if (histogram->count == 0) {
        return 0;
    }
    uint64_t rank =
        (uint64_t)(((__extension__(unsigned __int128) histogram->count) * per_million + 999999) /
                   1000000);
    rank = rank == 0 ? 1 : rank;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < JF_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->counts[i];
        if (seen >= rank) {
            uint64_t upper = bucket_upper(i);
            return upper < histogram->max ? upper : histogram->max;
        }
    }
    return histogram->max;
}
