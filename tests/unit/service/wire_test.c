// Claims about the wire format by hand: malformed bytes stop the reading, NULs are found where they
// hide.
#include <criterion/criterion.h>

#include "jifen/v1/ledger.pb-c.h"
#include "service/wire.h"

static struct jf_text bytes_of(const char *bytes, uint32_t size)
{
    return (struct jf_text){bytes, size};
}

Test(wire, malformed_fields_end_the_reading_with_a_rest)
{
    static const struct {
        const char *bytes;
        uint32_t size;
    } malformed[] = {
        {"\x0a", 1}, // no length
        {"\x0a\x05"
         "abc",
         5},                                                      // shorter than its length
        {"\x08", 1},                                              // no value
        {"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 12}, // eleven bytes of varint
        {"\x00\x01", 2},                                          // field number 0
        {"\x0b", 1},                                              // a group
        {"\x0f\x01", 2},                                          // wire type 7
        {"\x09\x01\x02\x03", 4},                                  // cut fixed64
        {"\x0d\x01\x02", 3},                                      // cut fixed32
        {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11},     // a length beyond any
    };
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
        struct jf_text rest = bytes_of(malformed[i].bytes, malformed[i].size);
        struct jf_wire_field field = {.number = 99};
        cr_assert_not(jf_wire_next(&rest, &field), "case %zu", i);
        cr_assert_eq(rest.size, malformed[i].size, "case %zu", i);
        cr_assert_eq(field.number, 99, "case %zu", i);
    }
}

Test(wire, fields_of_every_type_are_taken_in_order)
{
    struct jf_text rest =
        bytes_of("\x08\x96\x01\x12\x02hi\x19\x01\0\0\0\0\0\0\x80\x25\x07\0\0\0", 21);
    struct jf_wire_field field;
    cr_assert(jf_wire_next(&rest, &field));
    cr_assert(field.number == 1 && field.value == 150);
    cr_assert(jf_wire_next(&rest, &field));
    cr_assert(field.number == 2 && jf_text_equal(field.bytes, JF_TEXT("hi")));
    cr_assert(jf_wire_next(&rest, &field));
    cr_assert(field.number == 3 && field.value == 0x8000000000000001u);
    cr_assert(jf_wire_next(&rest, &field));
    cr_assert(field.number == 4 && field.value == 7);
    cr_assert_eq(rest.size, 0);
    cr_assert_not(jf_wire_next(&rest, &field));
}

Test(wire, the_last_of_repeated_fields_is_found)
{
    struct jf_text message = JF_TEXT("\x0a\x01"
                                     "a\x12\x01"
                                     "b\x0a\x01"
                                     "c");
    cr_assert(jf_text_equal(jf_wire_find(message, 1), JF_TEXT("c")));
    cr_assert_null(jf_wire_find(message, 3).data);
}

Test(wire, what_is_put_is_taken_again)
{
    static const uint64_t values[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        unsigned char buffer[64];
        unsigned char *end = jf_wire_put_varint(buffer, 15, values[i]);
        cr_assert_eq((uint32_t)(end - buffer), 1 + jf_wire_varint_size(values[i]));
        end = jf_wire_put_bytes(end, 1, JF_TEXT("text"));
        struct jf_text rest = {(const char *)buffer, (uint32_t)(end - buffer)};
        struct jf_wire_field field;
        cr_assert(jf_wire_next(&rest, &field));
        cr_assert(field.number == 15 && field.value == values[i]);
        cr_assert(jf_wire_next(&rest, &field));
        cr_assert(jf_text_equal(field.bytes, JF_TEXT("text")));
        cr_assert_eq(rest.size, 0);
    }
    cr_assert_eq(jf_wire_bytes_size(127), 129);
    cr_assert_eq(jf_wire_bytes_size(128), 131);
}

static const char *nul_of(const ProtobufCMessageDescriptor *descriptor, struct jf_text bytes,
                          uint32_t skip)
{
    static char path[JF_WIRE_PATH_MAX];
    return jf_wire_find_nul(descriptor, bytes, skip, path) ? path : NULL;
}

Test(wire, a_nul_is_found_at_every_depth_and_only_in_strings)
{
    Jifen__V1__Line first = JIFEN__V1__LINE__INIT;
    Jifen__V1__Line line = JIFEN__V1__LINE__INIT;
    Jifen__V1__Line *lines[] = {&first, &line};
    Jifen__V1__Receipt receipt = JIFEN__V1__RECEIPT__INIT;
    Jifen__V1__PostSaleRequest sale = JIFEN__V1__POST_SALE_REQUEST__INIT;
    char id[] = "idid";
    char number[] = "nono";
    char sku[] = "skusku";
    line.sku = sku;
    first.amount = 0x80; // its varint has no NUL, the length of an empty message would
    receipt.lines = lines;
    receipt.n_lines = 2;
    receipt.number = number;
    sale.transaction_id = id;
    sale.receipt = &receipt;
    char buffer[128];
    struct jf_text packed = {
        buffer, (uint32_t)jifen__v1__post_sale_request__pack(&sale, (uint8_t *)buffer)};
    const ProtobufCMessageDescriptor *descriptor = &jifen__v1__post_sale_request__descriptor;
    cr_assert_null(nul_of(descriptor, packed, 0));
    static const struct {
        const char *text;
        uint32_t at;
        const char *path;
    } cases[] = {{"skusku", 5, "receipt.lines[1].sku"},
                 {"nono", 1, "receipt.number"},
                 {"idid", 0, "transaction_id"}}; // the first in the bytes is named
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *found = memmem(buffer, packed.size, cases[i].text, strlen(cases[i].text));
        cr_assert_not_null(found);
        found[cases[i].at] = '\0';
        cr_assert_str_eq(nul_of(descriptor, packed, 0), cases[i].path);
    }
    // An explicit zero and an empty message are NUL bytes that mean no harm.
    cr_assert_null(nul_of(descriptor, bytes_of("\x20\x00\x1a\x00", 4), 0));
    cr_assert_null(nul_of(descriptor, bytes_of("", 0), 0));
    // Unknown fields may hold what they like.
    cr_assert_null(nul_of(descriptor, bytes_of("\x7a\x01\x00", 3), 0));
}

Test(wire, the_path_to_a_nul_begins_within_what_is_skipped)
{
    // writes[1].sale.transaction_id
    struct jf_text batch = bytes_of("\x0a\x00\x0a\x05\x0a\x03\x0a\x01\x00", 9);
    const ProtobufCMessageDescriptor *descriptor = &jifen__v1__post_batch_request__descriptor;
    cr_assert_str_eq(nul_of(descriptor, batch, 0), "writes[1].sale.transaction_id");
    cr_assert_str_eq(nul_of(descriptor, batch, 2), "transaction_id");
    cr_assert_str_eq(nul_of(descriptor, batch, 3), "");
}

Test(wire, what_stands_behind_unreadable_bytes_is_not_trusted)
{
    // A tag of more than 32 bits, which protobuf-c cuts and goes on behind.
    const ProtobufCMessageDescriptor *descriptor = &jifen__v1__post_sale_request__descriptor;
    struct jf_text bytes = bytes_of("\x1a\x0b\x82\x80\x80\x80\x10\x01x\x1a\x02x\x00", 13);
    cr_assert_str_eq(nul_of(descriptor, bytes, 0), "receipt");
    cr_assert_str_eq(nul_of(descriptor, bytes_of(bytes.data + 2, 11), 0), "");
}
