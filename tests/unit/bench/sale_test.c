// Patched sales: each unpacks to a whole request, and no two share an id or a receipt.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/sale.h"
#include "jifen/v1/ledger.pb-c.h"

#define INSTANT ((int64_t)1790000000456)

static void sale_check(const Jifen__V1__PostSaleRequest *sale, uint64_t members, uint32_t stores)
{
    cr_assert_not_null(sale->member);
    cr_assert_not_null(sale->receipt);
    cr_assert_eq(sale->member->by_case, JIFEN__V1__MEMBER_REF__BY_NUMBER);
    cr_assert_geq(sale->member->number, JF_SALE_MEMBER_FIRST);
    cr_assert_lt(sale->member->number, JF_SALE_MEMBER_FIRST + members);
    cr_assert_geq(sale->receipt->store, JF_SALE_STORE_FIRST);
    cr_assert_lt(sale->receipt->store, JF_SALE_STORE_FIRST + stores);
    cr_assert_eq(sale->receipt->sold_at_ms, INSTANT);
    cr_assert_eq(sale->receipt->n_lines, JF_SALE_LINES);
    for (uint32_t at = 0; at < JF_SALE_LINES; at++) {
        cr_assert_gt(sale->receipt->lines[at]->amount, 0);
        cr_assert_eq(sale->receipt->lines[at]->quantity_milli, 1000);
    }
}

Test(sale, each_sale_is_whole_and_its_ids_are_new)
{
    struct jf_sales sales;
    char id_before[80] = "";
    char number_before[80] = "";
    jf_sales_init(&sales, 0xabcdef01, 1000000000, 10000);
    jf_sales_set_instant(&sales, INSTANT);
    for (uint32_t at = 0; at < 2000; at++) {
        jf_sales_next(&sales);
        Jifen__V1__PostSaleRequest *sale =
            jifen__v1__post_sale_request__unpack(NULL, sales.size, sales.bytes);
        cr_assert_not_null(sale);
        sale_check(sale, 1000000000, 10000);
        // Counted upwards at a fixed width: above the one before means above all before.
        cr_assert_gt(strcmp(sale->transaction_id, id_before), 0);
        cr_assert_gt(strcmp(sale->receipt->number, number_before), 0);
        (void)snprintf(id_before, sizeof(id_before), "%s", sale->transaction_id);
        (void)snprintf(number_before, sizeof(number_before), "%s", sale->receipt->number);
        jifen__v1__post_sale_request__free_unpacked(sale, NULL);
    }
    cr_assert_str_eq(id_before, "bench-abcdef01-000000001999");
}

Test(sale, a_hot_source_posts_for_the_first_member_only)
{
    struct jf_sales sales;
    jf_sales_init(&sales, 1, 1000, 5);
    jf_sales_set_instant(&sales, INSTANT);
    sales.is_hot = true;
    for (uint32_t at = 0; at < 100; at++) {
        jf_sales_next(&sales);
        Jifen__V1__PostSaleRequest *sale =
            jifen__v1__post_sale_request__unpack(NULL, sales.size, sales.bytes);
        cr_assert_not_null(sale);
        cr_assert_eq(sale->member->number, JF_SALE_MEMBER_FIRST);
        jifen__v1__post_sale_request__free_unpacked(sale, NULL);
    }
}

Test(sale, a_batch_fills_its_room_with_distinct_writes)
{
    struct jf_sales sales;
    jf_sales_init(&sales, 2, 10, 1);
    jf_sales_set_instant(&sales, INSTANT);
    uint32_t size = jf_sales_batch_size(&sales, 50);
    unsigned char *bytes = malloc(size);
    cr_assert_not_null(bytes);
    jf_sales_write_batch(&sales, 50, bytes);
    Jifen__V1__PostBatchRequest *batch = jifen__v1__post_batch_request__unpack(NULL, size, bytes);
    cr_assert_not_null(batch);
    cr_assert_eq(batch->n_writes, 50);
    for (size_t at = 0; at < batch->n_writes; at++) {
        cr_assert_eq(batch->writes[at]->write_case, JIFEN__V1__WRITE__WRITE_SALE);
        sale_check(batch->writes[at]->sale, 10, 1);
        cr_assert(at == 0 || strcmp(batch->writes[at]->sale->transaction_id,
                                    batch->writes[at - 1]->sale->transaction_id) > 0);
    }
    jifen__v1__post_batch_request__free_unpacked(batch, NULL);
    free(bytes);
}

Test(sale, a_stream_message_holds_one_sale)
{
    struct jf_sales sales;
    unsigned char bytes[JF_SALE_BYTES_MAX + 16];
    jf_sales_init(&sales, 3, 10, 1);
    jf_sales_set_instant(&sales, INSTANT);
    uint32_t size = jf_sales_stream_size(&sales);
    cr_assert_leq(size, sizeof(bytes));
    jf_sales_write_stream(&sales, bytes);
    Jifen__V1__StreamRequest *request = jifen__v1__stream_request__unpack(NULL, size, bytes);
    cr_assert_not_null(request);
    sale_check(request->write->sale, 10, 1);
    jifen__v1__stream_request__free_unpacked(request, NULL);
}
