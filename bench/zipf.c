// The chance of the first two ranks is computed, the others by the paper's approximation of the
// inverse of the distribution. Cannot fail.
#include "bench/zipf.h"

#include <math.h>

#include "base/assert.h"

#define SPREAD UINT64_C(2654435761) // a prime; not a divisor of any count below it

static double unit_of(uint64_t bits)
{
    return (double)(bits >> 11) * 0x1p-53;
}

void jf_zipf_init(struct jf_zipf *zipf, uint64_t count, double theta)
{
    JF_ASSERT(count >= 1 && theta > 0 && theta < 1);
    *zipf = (struct jf_zipf){.count = count, .theta = theta, .alpha = 1 / (1 - theta)};
    for (uint64_t k = 1; k <= count; k++) {
        zipf->sum += pow((double)k, -theta);
    }
    double two = 1 + pow(2, -theta);
    zipf->eta = (1 - pow(2.0 / (double)count, 1 - theta)) / (1 - two / zipf->sum);
}

uint64_t jf_zipf_rank(const struct jf_zipf *zipf, uint64_t bits)
{
    double unit = unit_of(bits);
    double at = unit * zipf->sum;
    if (at < 1 || zipf->count == 1) {
        return 0;
    }
    if (at < 1 + pow(2, -zipf->theta) || zipf->count == 2) {
        return 1;
    }
    double rank = (double)zipf->count * pow(zipf->eta * unit - zipf->eta + 1, zipf->alpha);
    return rank < (double)(zipf->count - 1) ? (uint64_t)rank : zipf->count - 1;
}

uint64_t jf_zipf_place(uint64_t rank, uint64_t count)
{
    JF_ASSERT(rank < count && count < SPREAD);
    return (uint64_t)((unsigned __int128)rank * SPREAD % count);
}
