// Claims about what tills ask: a sale that was answered is returned once, and where there is none
// a sale is asked instead.
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "bench/day_ask.h"
#include "jifen/v1/ledger.pb-c.h"

static struct jf_day_asks *asks_make(void)
{
    struct jf_day_asks *asks = calloc(1, sizeof *asks);
    cr_assert_not_null(asks);
    jf_sales_init(&asks->sales, 1, 10, 3);
    return asks;
}

Test(day_ask, what_was_sold_is_returned_once)
{
    struct jf_day_asks *asks = asks_make();
    struct jf_day_ask ask;
    jf_day_ask_make(asks, JF_DAY_RETURN, &ask);
    cr_assert_eq(ask.kind, JF_DAY_SALE, "nothing was sold yet");
    jf_day_ask_sold(asks, ask.sale_id);
    struct jf_day_ask back;
    jf_day_ask_make(asks, JF_DAY_RETURN, &back);
    cr_assert_eq(back.kind, JF_DAY_RETURN);
    Jifen__V1__PostReturnRequest *request =
        jifen__v1__post_return_request__unpack(NULL, back.size, back.bytes);
    cr_assert_not_null(request);
    cr_assert_str_eq(request->sale_transaction_id, ask.sale_id);
    cr_assert(request->all);
    jifen__v1__post_return_request__free_unpacked(request, NULL);
    jf_day_ask_make(asks, JF_DAY_RETURN, &back);
    cr_assert_eq(back.kind, JF_DAY_SALE, "it was returned");
    free(asks);
}

Test(day_ask, no_transaction_id_comes_twice)
{
    struct jf_day_asks *asks = asks_make();
    struct jf_day_ask first;
    struct jf_day_ask second;
    jf_day_ask_make(asks, JF_DAY_SALE, &first);
    jf_day_ask_make(asks, JF_DAY_SALE, &second);
    cr_assert_str_neq(first.sale_id, second.sale_id);
    jf_day_ask_make(asks, JF_DAY_REDEEM, &first);
    jf_day_ask_make(asks, JF_DAY_REDEEM, &second);
    Jifen__V1__RedeemRequest *one =
        jifen__v1__redeem_request__unpack(NULL, first.size, first.bytes);
    Jifen__V1__RedeemRequest *other =
        jifen__v1__redeem_request__unpack(NULL, second.size, second.bytes);
    cr_assert(one != NULL && other != NULL);
    cr_assert_str_neq(one->transaction_id, other->transaction_id);
    jifen__v1__redeem_request__free_unpacked(one, NULL);
    jifen__v1__redeem_request__free_unpacked(other, NULL);
    free(asks);
}
