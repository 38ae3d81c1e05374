// What tills ask in a day, as messages: sales and quotes, redemptions, returns of sales that were
// answered, members looked up; and batches of what was sold off line. One thread.
#ifndef JF_BENCH_DAY_ASK_H
#define JF_BENCH_DAY_ASK_H

#include "base/text.h"
#include "bench/day_plan.h"
#include "bench/sale.h"

#define JF_DAY_ASK_BYTES_MAX JF_SALE_BYTES_MAX
#define JF_DAY_SOLD_MAX      4096u // sales that may be returned

// Caller's memory, from zeroes; `sales` is set by the caller, the rest is private.
struct jf_day_asks {
    struct jf_sales sales;
    uint64_t random;
    uint64_t next; // number of the next redemption or return
    char sold[JF_DAY_SOLD_MAX][JF_SALE_ID_SIZE];
    uint32_t sold_count;
};

// One request, small enough to be kept for a retry.
struct jf_day_ask {
    enum jf_day_kind kind; // a return becomes a sale while there is nothing to be returned
    uint32_t size;
    char sale_id[JF_SALE_ID_SIZE]; // of a sale
    unsigned char bytes[JF_DAY_ASK_BYTES_MAX];
};

void jf_day_ask_make(struct jf_day_asks *asks, enum jf_day_kind kind, struct jf_day_ask *out_ask);

// The sale was answered: it may be returned, once.
void jf_day_ask_sold(struct jf_day_asks *asks, const char *sale_id);

// Returns: the call's path, static.
struct jf_text jf_day_ask_path(enum jf_day_kind kind);

#endif
