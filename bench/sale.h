// Sales to post: receipts of three lines, all distinct, of members and stores drawn evenly by a
// generator with a fixed seed. A sale is encoded once; for each one its ids, member, store, instant
// and amounts are patched in place. One thread.
#ifndef JF_BENCH_SALE_H
#define JF_BENCH_SALE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define JF_SALE_BYTES_MAX 512u
#define JF_SALE_LINES     3u

// Numbers begin where all have encodings of the same size, so that patching moves nothing.
#define JF_SALE_MEMBER_FIRST 268435456u // 2^28: five bytes up to 2^35
#define JF_SALE_MEMBERS_MAX  1000000000u
#define JF_SALE_STORE_FIRST  1001u // two bytes up to 16383
#define JF_SALE_STORES_MAX   10000u

// Caller's memory; fields are private but for is_hot.
struct jf_sales {
    unsigned char bytes[JF_SALE_BYTES_MAX]; // the sale, as last patched
    uint32_t size;
    uint32_t id_at; // offsets of what is patched
    uint32_t number_at;
    uint32_t member_at;
    uint32_t store_at;
    uint32_t instant_at;
    uint32_t amount_at[JF_SALE_LINES];
    uint64_t next; // number of the next sale
    uint64_t random;
    uint64_t member_count;
    uint32_t store_count;
    bool is_hot; // all sales are of the first member
};

// In: tag: the same for no two runs against one ledger; member_count 1..JF_SALE_MEMBERS_MAX,
// store_count 1..JF_SALE_STORES_MAX.
void jf_sales_init(struct jf_sales *sales, uint32_t tag, uint64_t member_count,
                   uint32_t store_count);

// What the next sales' receipts say, and what is patched least often.
void jf_sales_set_instant(struct jf_sales *sales, int64_t sold_at_ms);

// Makes the next sale: sales->bytes and sales->size hold a PostSaleRequest.
void jf_sales_next(struct jf_sales *sales);

// The transaction id of the sale that was made last, terminated.
#define JF_SALE_ID_SIZE 28u
void jf_sales_id(const struct jf_sales *sales, char out_id[JF_SALE_ID_SIZE]);

// Bytes of `count` sales as the writes of a PostBatchRequest, and of one as a StreamRequest.
uint32_t jf_sales_batch_size(const struct jf_sales *sales, uint32_t count);
uint32_t jf_sales_stream_size(const struct jf_sales *sales);
// Makes the next sales and writes them; out_bytes has exactly the room asked for above.
void jf_sales_write_batch(struct jf_sales *sales, uint32_t count, unsigned char *out_bytes);
void jf_sales_write_stream(struct jf_sales *sales, unsigned char *out_bytes);

#endif
