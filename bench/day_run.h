// A day driven against a ledger: customers arrive as the plan says whatever the server does, wait
// at their store for a till, and are answered; in the evening every store that was off line posts
// what it sold, all at once. One thread.
#ifndef JF_BENCH_DAY_RUN_H
#define JF_BENCH_DAY_RUN_H

#include "bench/day_ask.h"
#include "bench/day_tally.h"
#include "net/client.h"

#define JF_DAY_TILLS_MAX   64u
#define JF_DAY_OFFLINE_MAX 1000u // sales of a store: one PostBatch

// A sale that was made once, posted again.
struct jf_day_replayed {
    double at_s;    // on the day's clock
    uint32_t store; // 0..stores-1: whose line it goes to
    uint32_t size;
    const unsigned char *bytes; // a PostSaleRequest
};

struct jf_day_config {
    struct jf_day_plan plan;
    const struct jf_client_config *server;
    uint32_t stores;          // 1..JF_SALE_STORES_MAX; of replayed sales as many as sold
    uint32_t tills;           // of a store: calls that it has in flight, 1..JF_DAY_TILLS_MAX
    uint32_t retries_percent; // of sales that are sent again, 0..100
    uint32_t offline;         // sales of each store in the drain, 0..JF_DAY_OFFLINE_MAX
    // What comes instead of the plan's customers, by at_s; NULL: those.
    const struct jf_day_replayed *replayed;
    uint64_t replayed_count;
    // Asked about ten times a second of the run; may be NULL.
    void (*on_second)(void *context, double now_s);
    void *context;
};

struct jf_day_result {
    struct jf_day_tally tally;
    uint64_t sales;     // answered with a position: posted for the first time
    uint64_t replayed;  // retries that got the first answer again
    uint64_t overloads; // calls answered RESOURCE_EXHAUSTED; of the drain: tried again later
    uint64_t drained;   // sales of the drain
    double drain_s;     // from its begin until all of it is answered
    uint64_t failures;
    char failure[256]; // the first one
    bool was_cut;      // Ctrl-C
};

// In: asks: with sales made ready, not needed where all are replayed; clients: of the ring that
// `server` is reached by. Out: heap of the caller, zeroed here. Errors: JF_ERROR_NO_MEMORY;
// JF_ERROR_IO where nothing is answered for 30 s; as jf_client_open; diagnosed.
JF_MUST_USE enum jf_error jf_day_run(const struct jf_day_config *config, struct jf_clients *clients,
                                     struct jf_day_asks *asks, struct jf_day_result *out_result,
                                     struct jf_diagnosis *diagnosis);

#endif
