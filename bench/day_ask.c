// Redemptions and returns are packed by protobuf-c; there are few of them. Nothing fails: what is
// packed is bounded.
#include "bench/day_ask.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "bench/options.h"
#include "bench/random.h"
#include "jifen/v1/ledger.pb-c.h"

#define POINTS  100
#define ID_SIZE 64u

static uint64_t member_draw(struct jf_day_asks *asks)
{
    return JF_SALE_MEMBER_FIRST + jf_random_next(&asks->random) % asks->sales.member_count;
}

static uint32_t store_draw(struct jf_day_asks *asks)
{
    return (uint32_t)(JF_SALE_STORE_FIRST +
                      jf_random_next(&asks->random) % asks->sales.store_count);
}

// Another for each, also in another run against the same ledger.
static void id_make(struct jf_day_asks *asks, char out_id[ID_SIZE])
{
    char sale_id[JF_SALE_ID_SIZE];
    jf_sales_id(&asks->sales, sale_id);
    (void)snprintf(out_id, ID_SIZE, "day-%.21s-%" PRIu64, sale_id, asks->next++);
}

static void message_pack(const ProtobufCMessage *message, struct jf_day_ask *ask)
{
    JF_ASSERT(protobuf_c_message_get_packed_size(message) <= sizeof ask->bytes);
    ask->size = (uint32_t)protobuf_c_message_pack(message, ask->bytes);
}

static void sale_make(struct jf_day_asks *asks, struct jf_day_ask *ask)
{
    jf_sales_set_instant(&asks->sales, jf_bench_unix_time_ms());
    jf_sales_next(&asks->sales);
    jf_sales_id(&asks->sales, ask->sale_id);
    memcpy(ask->bytes, asks->sales.bytes, asks->sales.size);
    ask->size = asks->sales.size;
}

static void redeem_make(struct jf_day_asks *asks, struct jf_day_ask *ask)
{
    char id[ID_SIZE];
    Jifen__V1__MemberRef member = JIFEN__V1__MEMBER_REF__INIT;
    Jifen__V1__RedeemRequest request = JIFEN__V1__REDEEM_REQUEST__INIT;
    id_make(asks, id);
    member.by_case = JIFEN__V1__MEMBER_REF__BY_NUMBER;
    member.number = member_draw(asks);
    request.transaction_id = id;
    request.member = &member;
    request.store = store_draw(asks);
    request.redeemed_at_ms = jf_bench_unix_time_ms();
    request.points = POINTS;
    message_pack(&request.base, ask);
}

static void return_make(struct jf_day_asks *asks, struct jf_day_ask *ask)
{
    char id[ID_SIZE];
    char sale_id[JF_SALE_ID_SIZE];
    Jifen__V1__PostReturnRequest request = JIFEN__V1__POST_RETURN_REQUEST__INIT;
    uint32_t at = (uint32_t)(jf_random_next(&asks->random) % asks->sold_count);
    memcpy(sale_id, asks->sold[at], sizeof sale_id);
    asks->sold_count -= 1;
    memcpy(asks->sold[at], asks->sold[asks->sold_count], sizeof sale_id);
    id_make(asks, id);
    request.transaction_id = id;
    request.sale_transaction_id = sale_id;
    request.store = store_draw(asks);
    request.returned_at_ms = jf_bench_unix_time_ms();
    request.all = true;
    message_pack(&request.base, ask);
}

static void get_make(struct jf_day_asks *asks, struct jf_day_ask *ask)
{
    Jifen__V1__MemberRef member = JIFEN__V1__MEMBER_REF__INIT;
    Jifen__V1__GetMemberRequest request = JIFEN__V1__GET_MEMBER_REQUEST__INIT;
    member.by_case = JIFEN__V1__MEMBER_REF__BY_NUMBER;
    member.number = member_draw(asks);
    request.member = &member;
    message_pack(&request.base, ask);
}

void jf_day_ask_make(struct jf_day_asks *asks, enum jf_day_kind kind, struct jf_day_ask *out_ask)
{
    JF_ASSERT(kind != JF_DAY_RETRY);
    out_ask->kind = kind == JF_DAY_RETURN && asks->sold_count == 0 ? JF_DAY_SALE : kind;
    out_ask->sale_id[0] = '\0';
    switch (out_ask->kind) {
    case JF_DAY_REDEEM:
        redeem_make(asks, out_ask);
        break;
    case JF_DAY_RETURN:
        return_make(asks, out_ask);
        break;
    case JF_DAY_GET:
        get_make(asks, out_ask);
        break;
    case JF_DAY_SALE:
    case JF_DAY_QUOTE:
    case JF_DAY_RETRY:
    case JF_DAY_KIND_COUNT:
        sale_make(asks, out_ask);
        break;
    }
}

void jf_day_ask_sold(struct jf_day_asks *asks, const char *sale_id)
{
    uint32_t at = asks->sold_count < JF_DAY_SOLD_MAX
                      ? asks->sold_count++
                      : (uint32_t)(jf_random_next(&asks->random) % JF_DAY_SOLD_MAX);
    (void)snprintf(asks->sold[at], JF_SALE_ID_SIZE, "%s", sale_id);
}

struct jf_text jf_day_ask_path(enum jf_day_kind kind)
{
    switch (kind) {
    case JF_DAY_QUOTE:
        return JF_TEXT("/jifen.v1.Ledger/Quote");
    case JF_DAY_REDEEM:
        return JF_TEXT("/jifen.v1.Ledger/Redeem");
    case JF_DAY_RETURN:
        return JF_TEXT("/jifen.v1.Ledger/PostReturn");
    case JF_DAY_GET:
        return JF_TEXT("/jifen.v1.Ledger/GetMember");
    case JF_DAY_SALE:
    case JF_DAY_RETRY:
    case JF_DAY_KIND_COUNT:
        break;
    }
    return JF_TEXT("/jifen.v1.Ledger/PostSale");
}
