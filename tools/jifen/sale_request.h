// A receipt as the PostSale message that carries it: for sales typed by hand and for files of
// receipts. Pure.
#ifndef JF_TOOLS_SALE_REQUEST_H
#define JF_TOOLS_SALE_REQUEST_H

#include "jifen/v1/ledger.pb-c.h"
#include "tools/jifen/receipts.h"

#define JF_TRANSACTION_ID_SIZE (JF_TRANSACTION_ID_BYTES_MAX + 1)

// Caller's memory; `message` points into it and into the receipt.
struct jf_sale_request {
    Jifen__V1__PostSaleRequest message;
    Jifen__V1__MemberRef member;
    Jifen__V1__Receipt receipt;
    Jifen__V1__Line lines[JF_LINES_PER_RECEIPT_MAX];
    Jifen__V1__Line *line_pointers[JF_LINES_PER_RECEIPT_MAX];
};

// In: transaction_id and receipt outlive the request. Out: everything but tenders, redemption,
// offline.
void jf_sale_request_fill(struct jf_sale_request *request, const struct jf_receipt *receipt,
                          uint32_t terminal, const char *transaction_id);

// "STORE-YYYYMMDD-NUMBER", the date as the file has it: the same for the same receipt of a file, so
// that posting it again changes nothing, and another one where numbers begin anew each day.
void jf_sale_request_id(const struct jf_receipt *receipt, char out_id[JF_TRANSACTION_ID_SIZE]);

// Fills a reference from --member or --card. Returns: false unless exactly one is given.
bool jf_member_ref_fill(uint64_t number, const char *card, Jifen__V1__MemberRef *out_member);

// Parses "SKU:CATEGORY:QUANTITY:AMOUNT" (a SKU may hold colons). Returns: false when it is none.
bool jf_sale_line_parse(const char *text, struct jf_receipt_line *out_line);

#endif
