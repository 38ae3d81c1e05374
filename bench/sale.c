// protobuf-c packs one sale with marks in the places that change; the marks' offsets are looked up
// once. Nothing fails: a mark that is not found exactly once is a bug.
#include "bench/sale.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "bench/wire.h"
#include "jifen/v1/ledger.pb-c.h"

#define ID_BEGIN      "bench-"
#define ID_MARK       "########-############"
#define NUMBER_MARK   "@@@@@@@@-@@@@@@@@@@@@"
#define TAG_DIGITS    8u
#define COUNT_DIGITS  12u
#define MEMBER_MARK   (JF_SALE_MEMBER_FIRST + 0x1234567u)
#define STORE_MARK    9877u
#define INSTANT_MARK  ((int64_t)1767225600123) // six bytes from 2^35 ms (1971) to 2^42 ms (2109)
#define AMOUNT_MARK   9001u                    // two bytes: 1.28 to 163.83
#define AMOUNT_MIN    200u
#define AMOUNT_RANGE  16000u
#define MEMBER_BYTES  5u
#define STORE_BYTES   2u
#define INSTANT_BYTES 6u
#define AMOUNT_BYTES  2u
#define LENGTH_TAG    0x0au // field 1, bytes: of PostBatchRequest, StreamRequest and Write alike
#define NUMBER_TAG    0x08u // field 1, varint: MemberRef.number, Receipt.store
#define FOURTH_TAG    0x20u // field 4, varint: Receipt.sold_at_ms, Line.amount

_Static_assert(AMOUNT_MIN >= 128 && AMOUNT_MIN + AMOUNT_RANGE <= 16384, "amounts take two bytes");

static uint32_t offset_of(const struct jf_sales *sales, const void *mark, uint32_t size)
{
    const unsigned char *found = memmem(sales->bytes, sales->size, mark, size);
    JF_ASSERT(found != NULL);
    uint32_t at = (uint32_t)(found - sales->bytes);
    JF_ASSERT(memmem(found + 1, sales->size - at - 1, mark, size) == NULL);
    return at;
}

// Offset of the value behind its tag.
static uint32_t varint_offset(const struct jf_sales *sales, unsigned char tag, uint64_t mark,
                              uint32_t size)
{
    unsigned char bytes[16] = {tag};
    JF_ASSERT(jf_wire_varint(mark, bytes + 1) == size);
    return offset_of(sales, bytes, size + 1) + 1;
}

static void template_pack(struct jf_sales *sales)
{
    static char skus[JF_SALE_LINES][9] = {"69010001", "69020002", "69030003"};
    static char categories[JF_SALE_LINES][12] = {"otc", "health_food", "cosmetics"};
    static char id[] = ID_BEGIN ID_MARK;
    static char number[] = NUMBER_MARK;
    Jifen__V1__Line lines[JF_SALE_LINES];
    Jifen__V1__Line *line_pointers[JF_SALE_LINES];
    for (uint32_t at = 0; at < JF_SALE_LINES; at++) {
        jifen__v1__line__init(&lines[at]);
        lines[at].sku = skus[at];
        lines[at].category = categories[at];
        lines[at].quantity_milli = 1000;
        lines[at].amount = AMOUNT_MARK + at;
        line_pointers[at] = &lines[at];
    }
    Jifen__V1__Receipt receipt = JIFEN__V1__RECEIPT__INIT;
    receipt.store = STORE_MARK;
    receipt.terminal = 3;
    receipt.number = number;
    receipt.sold_at_ms = INSTANT_MARK;
    receipt.lines = line_pointers;
    receipt.n_lines = JF_SALE_LINES;
    Jifen__V1__MemberRef member = JIFEN__V1__MEMBER_REF__INIT;
    member.by_case = JIFEN__V1__MEMBER_REF__BY_NUMBER;
    member.number = MEMBER_MARK;
    Jifen__V1__PostSaleRequest sale = JIFEN__V1__POST_SALE_REQUEST__INIT;
    sale.transaction_id = id;
    sale.member = &member;
    sale.receipt = &receipt;
    JF_ASSERT(jifen__v1__post_sale_request__get_packed_size(&sale) <= JF_SALE_BYTES_MAX);
    sales->size = (uint32_t)jifen__v1__post_sale_request__pack(&sale, sales->bytes);
}

static void marks_find(struct jf_sales *sales)
{
    sales->id_at = offset_of(sales, ID_MARK, sizeof(ID_MARK) - 1);
    sales->number_at = offset_of(sales, NUMBER_MARK, sizeof(NUMBER_MARK) - 1);
    sales->member_at = varint_offset(sales, NUMBER_TAG, MEMBER_MARK, MEMBER_BYTES);
    sales->store_at = varint_offset(sales, NUMBER_TAG, STORE_MARK, STORE_BYTES);
    sales->instant_at = varint_offset(sales, FOURTH_TAG, (uint64_t)INSTANT_MARK, INSTANT_BYTES);
    for (uint32_t at = 0; at < JF_SALE_LINES; at++) {
        sales->amount_at[at] = varint_offset(sales, FOURTH_TAG, AMOUNT_MARK + at, AMOUNT_BYTES);
    }
}

static void varint_patch(struct jf_sales *sales, uint32_t at, uint64_t value, uint32_t size)
{
    unsigned char bytes[16];
    uint32_t written = jf_wire_varint(value, bytes);
    JF_ASSERT(written == size);
    memcpy(sales->bytes + at, bytes, size);
}

// Digits from the last to the first.
static void count_patch(unsigned char *out_digits, uint64_t count)
{
    for (uint32_t at = COUNT_DIGITS; at > 0; at--) {
        out_digits[at - 1] = (unsigned char)('0' + count % 10);
        count /= 10;
    }
}

void jf_sales_init(struct jf_sales *sales, uint32_t tag, uint64_t member_count,
                   uint32_t store_count)
{
    JF_ASSERT(member_count >= 1 && member_count <= JF_SALE_MEMBERS_MAX);
    JF_ASSERT(store_count >= 1 && store_count <= JF_SALE_STORES_MAX);
    char digits[TAG_DIGITS + 1];
    *sales = (struct jf_sales){.random = 0x6a69666e /* any fixed one */,
                               .member_count = member_count,
                               .store_count = store_count};
    template_pack(sales);
    marks_find(sales);
    (void)snprintf(digits, sizeof(digits), "%08" PRIx32, tag);
    memcpy(sales->bytes + sales->id_at, digits, TAG_DIGITS);
    memcpy(sales->bytes + sales->number_at, digits, TAG_DIGITS);
}

void jf_sales_set_instant(struct jf_sales *sales, int64_t sold_at_ms)
{
    varint_patch(sales, sales->instant_at, (uint64_t)sold_at_ms, INSTANT_BYTES);
}

// splitmix64 (S. Vigna, https://prng.di.unimi.it/splitmix64.c): the same draws in every run.
static uint64_t random_next(struct jf_sales *sales)
{
    sales->random += 0x9e3779b97f4a7c15u;
    uint64_t value = sales->random;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

void jf_sales_next(struct jf_sales *sales)
{
    uint64_t drawn = random_next(sales);
    uint64_t member = sales->is_hot ? 0 : drawn % sales->member_count;
    uint64_t other = random_next(sales);
    count_patch(sales->bytes + sales->id_at + TAG_DIGITS + 1, sales->next);
    count_patch(sales->bytes + sales->number_at + TAG_DIGITS + 1, sales->next);
    sales->next += 1;
    varint_patch(sales, sales->member_at, JF_SALE_MEMBER_FIRST + member, MEMBER_BYTES);
    varint_patch(sales, sales->store_at, JF_SALE_STORE_FIRST + other % sales->store_count,
                 STORE_BYTES);
    for (uint32_t at = 0; at < JF_SALE_LINES; at++) {
        other >>= 16;
        varint_patch(sales, sales->amount_at[at], AMOUNT_MIN + (other & 0xffff) % AMOUNT_RANGE,
                     AMOUNT_BYTES);
    }
}

_Static_assert(sizeof(ID_BEGIN ID_MARK) == JF_SALE_ID_SIZE, "an id with its terminator");

void jf_sales_id(const struct jf_sales *sales, char out_id[JF_SALE_ID_SIZE])
{
    memcpy(out_id, sales->bytes + sales->id_at - (sizeof(ID_BEGIN) - 1), JF_SALE_ID_SIZE - 1);
    out_id[JF_SALE_ID_SIZE - 1] = '\0';
}

// A Write that holds the sale, with the tag and length before it.
static uint32_t write_size(const struct jf_sales *sales)
{
    uint32_t inner = 1 + jf_wire_varint_size(sales->size) + sales->size;
    return 1 + jf_wire_varint_size(inner) + inner;
}

static uint32_t write_put(const struct jf_sales *sales, unsigned char *out_bytes)
{
    uint32_t inner = 1 + jf_wire_varint_size(sales->size) + sales->size;
    uint32_t at = 0;
    out_bytes[at++] = LENGTH_TAG;
    at += jf_wire_varint(inner, out_bytes + at);
    out_bytes[at++] = LENGTH_TAG;
    at += jf_wire_varint(sales->size, out_bytes + at);
    memcpy(out_bytes + at, sales->bytes, sales->size);
    return at + sales->size;
}

uint32_t jf_sales_batch_size(const struct jf_sales *sales, uint32_t count)
{
    return write_size(sales) * count;
}

uint32_t jf_sales_stream_size(const struct jf_sales *sales)
{
    return write_size(sales);
}

void jf_sales_write_batch(struct jf_sales *sales, uint32_t count, unsigned char *out_bytes)
{
    for (uint32_t at = 0; at < count; at++) {
        jf_sales_next(sales);
        out_bytes += write_put(sales, out_bytes);
    }
}

void jf_sales_write_stream(struct jf_sales *sales, unsigned char *out_bytes)
{
    jf_sales_next(sales);
    (void)write_put(sales, out_bytes);
}
