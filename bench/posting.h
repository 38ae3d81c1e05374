// The ways in which the same sales reach the ledger, as sources of load. One thread.
#ifndef JF_BENCH_POSTING_H
#define JF_BENCH_POSTING_H

#include "bench/load.h"
#include "bench/sale.h"

enum jf_posting_way {
    JF_POSTING_EMPTY,  // an empty call, answered without the ledger (grpc.health.v1.Health/Check)
    JF_POSTING_UNARY,  // PostSale
    JF_POSTING_BATCH,  // PostBatch
    JF_POSTING_STREAM, // Stream
};

// Caller's memory; outlives the source made from it.
struct jf_posting {
    struct jf_sales *sales; // may be shared one after another, so that ids stay distinct
    uint32_t batch_size;    // of JF_POSTING_BATCH
    uint64_t sales_left;    // UINT64_MAX: without end
    int64_t sold_at_ms;     // what all receipts say; 0: now
    uint32_t made;          // sales in the request made last
};

struct jf_load_source jf_posting_source(struct jf_posting *posting, enum jf_posting_way way);

#endif
