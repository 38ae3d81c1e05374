// What is told of a day: latencies by kind and phase, answers and refusals, queues at the stores,
// and the same by slices of the day for a timeline. Pure but for its own fields.
#ifndef JF_BENCH_DAY_TALLY_H
#define JF_BENCH_DAY_TALLY_H

#include <stdbool.h>

#include "base/histogram.h"
#include "base/text.h"
#include "bench/day_plan.h"

#define JF_DAY_SLICES       96u // quarters of an hour
#define JF_DAY_REFUSALS_MAX 16u

struct jf_day_refusal {
    char code[48];
    uint64_t count;
};

// One store's line of customers who wait for a till.
struct jf_day_queue {
    uint32_t waiting;
    double since_s;          // when the first of them came
    enum jf_day_phase phase; // that it counts for
};

struct jf_day_slice {
    uint64_t arrived;
    uint64_t answered;
    uint32_t waiting_most; // over all stores
    struct jf_histogram latency_ns;
};

// Heap: about 4 MiB. From zeroes.
struct jf_day_tally {
    struct jf_histogram latency_ns[JF_DAY_KIND_COUNT][JF_DAY_PHASE_COUNT];
    uint64_t accepted[JF_DAY_KIND_COUNT];
    struct jf_day_refusal refusals[JF_DAY_REFUSALS_MAX];
    uint32_t refusal_count;
    uint64_t refused;
    uint64_t waited;                            // customers who met no free till
    double queue_longest_s[JF_DAY_PHASE_COUNT]; // from a queue's first customer until none waits
    uint64_t waiting;                           // now
    struct jf_day_slice slices[JF_DAY_SLICES];
};

void jf_day_tally_arrive(struct jf_day_tally *tally, const struct jf_day_plan *plan, double at_s);
// In: arrived_s, now_s: on the day's clock; latency runs between the two.
void jf_day_tally_answer(struct jf_day_tally *tally, const struct jf_day_plan *plan,
                         enum jf_day_kind kind, double arrived_s, double now_s);
// Codes beyond the table's room count as "other".
void jf_day_tally_refuse(struct jf_day_tally *tally, struct jf_text code);

// A queue that somebody joins in the promotion or the drain counts for that, also where it began
// before or lasts beyond; else it is a usual one.
void jf_day_queue_join(struct jf_day_tally *tally, const struct jf_day_plan *plan,
                       struct jf_day_queue *queue, double now_s);
// One goes to a till. A queue that is empty then has lasted until now.
void jf_day_queue_leave(struct jf_day_tally *tally, struct jf_day_queue *queue, double now_s);

#endif
