// Receipts to messages. Fails: lines that are not SKU:CATEGORY:QUANTITY:AMOUNT.
#include "tools/jifen/sale_request.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/assert.h"
#include "tools/jifen/decimal.h"
#include "tools/jifen/instant.h"

// protobuf-c's messages have mutable strings, though packing never writes to them.
static char *borrowed(const char *text)
{
    return (char *)(uintptr_t)text;
}

void jf_sale_request_id(const struct jf_receipt *receipt, char out_id[JF_TRANSACTION_ID_SIZE])
{
    (void)snprintf(out_id, JF_TRANSACTION_ID_SIZE, "%" PRIu32 "-%08" PRId32 "-%s", receipt->store,
                   jf_wire_date_from(receipt->sold_on), receipt->number);
}

void jf_sale_request_fill(struct jf_sale_request *request, const struct jf_receipt *receipt,
                          uint32_t terminal, const char *transaction_id)
{
    JF_ASSERT(receipt->line_count <= JF_LINES_PER_RECEIPT_MAX);
    jifen__v1__post_sale_request__init(&request->message);
    jifen__v1__member_ref__init(&request->member);
    jifen__v1__receipt__init(&request->receipt);
    request->member.by_case = JIFEN__V1__MEMBER_REF__BY_NUMBER;
    request->member.number = receipt->member;
    request->receipt.store = receipt->store;
    request->receipt.terminal = terminal;
    request->receipt.number = borrowed(receipt->number);
    request->receipt.sold_at_ms = receipt->sold_at_ms;
    for (uint32_t at = 0; at < receipt->line_count; at++) {
        Jifen__V1__Line *line = &request->lines[at];
        jifen__v1__line__init(line);
        line->sku = borrowed(receipt->lines[at].sku);
        line->category = borrowed(receipt->lines[at].category);
        line->quantity_milli = receipt->lines[at].quantity_milli;
        line->amount = receipt->lines[at].amount;
        request->line_pointers[at] = line;
    }
    request->receipt.lines = request->line_pointers;
    request->receipt.n_lines = receipt->line_count;
    request->message.transaction_id = borrowed(transaction_id);
    request->message.member = &request->member;
    request->message.receipt = &request->receipt;
}

bool jf_member_ref_fill(uint64_t number, const char *card, Jifen__V1__MemberRef *out_member)
{
    if ((number == 0) == (card == NULL)) {
        return false;
    }
    jifen__v1__member_ref__init(out_member);
    if (card != NULL) {
        out_member->by_case = JIFEN__V1__MEMBER_REF__BY_CARD;
        out_member->card = borrowed(card);
    } else {
        out_member->by_case = JIFEN__V1__MEMBER_REF__BY_NUMBER;
        out_member->number = number;
    }
    return true;
}

// Cuts the part behind the last colon off `text`.
static bool part_take(struct jf_text *text, struct jf_text *out_part)
{
    for (uint32_t at = text->size; at > 0; at--) {
        if (text->data[at - 1] == ':') {
            *out_part = (struct jf_text){text->data + at, text->size - at};
            text->size = at - 1;
            return true;
        }
    }
    return false;
}

bool jf_sale_line_parse(const char *text, struct jf_receipt_line *out_line)
{
    struct jf_text sku = jf_text_from(text);
    struct jf_text category;
    struct jf_text quantity;
    struct jf_text amount;
    struct jf_receipt_line line = {0};
    if (!part_take(&sku, &amount) || !part_take(&sku, &quantity) || !part_take(&sku, &category) ||
        sku.size == 0 || sku.size >= sizeof(line.sku) || category.size >= sizeof(line.category) ||
        jf_decimal_parse(quantity, JF_DECIMAL_QUANTITY_SCALE, &line.quantity_milli) != JF_OK ||
        jf_decimal_parse(amount, JF_DECIMAL_MONEY_SCALE, &line.amount) != JF_OK) {
        return false;
    }
    memcpy(line.sku, sku.data, sku.size);
    memcpy(line.category, category.data, category.size);
    *out_line = line;
    return true;
}
