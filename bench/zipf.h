// Numbers drawn so that the k-th most frequent comes with a chance proportional to 1 / k^theta:
// what members' visits look like more than even draws do. By Gray et al., "Quickly generating
// billion-record synthetic databases" (SIGMOD 1994), section 3.2. Pure but for its own fields.
#ifndef JF_BENCH_ZIPF_H
#define JF_BENCH_ZIPF_H

#include <stdint.h>

struct jf_zipf {
    uint64_t count;
    double theta;
    double alpha;
    double eta;
    double sum; // of 1 / k^theta for k in 1..count
};

// In: count 1..10^9, which is added up once (10^7 take about a second); theta above 0 and below 1.
void jf_zipf_init(struct jf_zipf *zipf, uint64_t count, double theta);

// In: 64 even bits. Returns: a rank, 0 the most frequent, below count.
uint64_t jf_zipf_rank(const struct jf_zipf *zipf, uint64_t bits);

// Spreads ranks over 0..count-1, each to one place, so that the frequent ones are no neighbours.
uint64_t jf_zipf_place(uint64_t rank, uint64_t count);

#endif
