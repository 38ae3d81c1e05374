// Each way makes its request from the next sales. Nothing here fails.
#include "bench/posting.h"

#include <string.h>

#include "bench/options.h"

static uint32_t empty_next(void *context)
{
    (void)context;
    return 0;
}

static void empty_write(void *context, unsigned char *out_bytes)
{
    (void)context;
    (void)out_bytes;
}

// Takes up to `wanted` sales from what is left.
static uint32_t sales_take(struct jf_posting *posting, uint32_t wanted)
{
    uint64_t left = posting->sales_left;
    posting->made = left < wanted ? (uint32_t)left : wanted;
    posting->sales_left -= left == UINT64_MAX ? 0 : posting->made;
    jf_sales_set_instant(posting->sales,
                         posting->sold_at_ms != 0 ? posting->sold_at_ms : jf_bench_unix_time_ms());
    return posting->made;
}

static uint32_t unary_next(void *context)
{
    struct jf_posting *posting = context;
    if (sales_take(posting, 1) == 0) {
        return UINT32_MAX;
    }
    jf_sales_next(posting->sales);
    return posting->sales->size;
}

static void unary_write(void *context, unsigned char *out_bytes)
{
    struct jf_posting *posting = context;
    memcpy(out_bytes, posting->sales->bytes, posting->sales->size);
}

static uint32_t batch_next(void *context)
{
    struct jf_posting *posting = context;
    uint32_t count = sales_take(posting, posting->batch_size);
    return count == 0 ? UINT32_MAX : jf_sales_batch_size(posting->sales, count);
}

static void batch_write(void *context, unsigned char *out_bytes)
{
    struct jf_posting *posting = context;
    jf_sales_write_batch(posting->sales, posting->made, out_bytes);
}

static uint32_t stream_next(void *context)
{
    struct jf_posting *posting = context;
    return sales_take(posting, 1) == 0 ? UINT32_MAX : jf_sales_stream_size(posting->sales);
}

static void stream_write(void *context, unsigned char *out_bytes)
{
    struct jf_posting *posting = context;
    jf_sales_write_stream(posting->sales, out_bytes);
}

struct jf_load_source jf_posting_source(struct jf_posting *posting, enum jf_posting_way way)
{
    struct jf_load_source source = {.context = posting, .answers_per_request = 1};
    switch (way) {
    case JF_POSTING_EMPTY:
        source.path = JF_TEXT("/grpc.health.v1.Health/Check");
        source.next = empty_next;
        source.write = empty_write;
        source.read = jf_answer_health;
        break;
    case JF_POSTING_UNARY:
        source.path = JF_TEXT("/jifen.v1.Ledger/PostSale");
        source.next = unary_next;
        source.write = unary_write;
        source.read = jf_answer_write;
        break;
    case JF_POSTING_BATCH:
        source.path = JF_TEXT("/jifen.v1.Ledger/PostBatch");
        source.next = batch_next;
        source.write = batch_write;
        source.read = jf_answer_batch;
        // The last batch of a bounded run is smaller: then the sum is what is looked at.
        source.answers_per_request = posting->sales_left == UINT64_MAX ? posting->batch_size : 0;
        break;
    case JF_POSTING_STREAM:
        source.path = JF_TEXT("/jifen.v1.Ledger/Stream");
        source.is_stream = true;
        source.next = stream_next;
        source.write = stream_write;
        source.read = jf_answer_stream;
        break;
    }
    return source;
}
