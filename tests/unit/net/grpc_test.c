// net/grpc: outside text in every wrong shape first, then what must round-trip.
#include <criterion/criterion.h>

#include "net/grpc.h"

static bool timeout_of(const char *text, uint64_t *out_us)
{
    return jf_grpc_timeout_parse(jf_text_from(text), out_us);
}

Test(grpc, timeout_refuses_malformed_text)
{
    static const char *const wrong[] = {"",   "S",    "1",  "1x",         "1 S", "-1S",
                                        "1s", "1.5S", "SS", "123456789S", "0x1S"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint64_t us = 77;
        cr_expect_not(timeout_of(wrong[i], &us), "'%s'", wrong[i]);
        cr_expect_eq(us, 77);
    }
}

Test(grpc, timeout_takes_every_unit_and_rounds_up)
{
    static const struct {
        const char *text;
        uint64_t us;
    } rows[] = {{"0n", 0},
                {"1n", 1},
                {"1000n", 1},
                {"1001n", 2},
                {"7u", 7},
                {"7m", 7000},
                {"7S", 7000000},
                {"7M", 420000000},
                {"1H", 3600000000},
                {"00000001S", 1000000},
                {"99999999H", 99999999ull * 3600000000ull}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint64_t us = 0;
        cr_assert(timeout_of(rows[i].text, &us), "'%s'", rows[i].text);
        cr_expect_eq(us, rows[i].us, "'%s' gave %lu", rows[i].text, us);
    }
}

Test(grpc, formatted_timeout_is_never_shorter_and_less_than_a_unit_longer)
{
    static const uint64_t values[] = {1,          99999999,    100000000,   100000001,
                                      5000000001, 99999999000, 99999999001, UINT64_MAX / 4};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char text[JF_GRPC_TIMEOUT_TEXT_BYTES];
        uint32_t size = jf_grpc_timeout_format(values[i], text);
        cr_assert_leq(size, JF_GRPC_TIMEOUT_TEXT_BYTES);
        uint64_t us = 0;
        cr_assert(jf_grpc_timeout_parse((struct jf_text){text, size}, &us));
        uint64_t capped = 99999999ull * 3600000000ull;
        cr_expect(us >= values[i] || us == capped, "%lu gave %lu", values[i], us);
        cr_expect(us <= values[i] + values[i] / 10000 + 1);
    }
}

Test(grpc, content_type_refuses_what_is_not_grpc_with_protobuf)
{
    static const char *const wrong[] = {"",
                                        "application/json",
                                        "application/grpcx",
                                        "application/grpc+json",
                                        "application/grpc+protobuf",
                                        "application/grp",
                                        "application/grpc-web"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cr_expect_not(jf_grpc_content_type_is_valid(jf_text_from(wrong[i])), "'%s'", wrong[i]);
    }
    static const char *const right[] = {"application/grpc", "application/grpc+proto",
                                        "application/grpc;charset=utf-8"};
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        cr_expect(jf_grpc_content_type_is_valid(jf_text_from(right[i])), "'%s'", right[i]);
    }
}

Test(grpc, percent_encoding_leaves_printable_text_and_hides_the_rest)
{
    char text[64];
    uint32_t size = jf_grpc_percent_encode(JF_TEXT("a 5%\n\x7f\xe4\xbc\x9a~"), text);
    cr_assert_eq(size, strlen("a 5%25%0A%7F%E4%BC%9A~"));
    cr_expect_arr_eq(text, "a 5%25%0A%7F%E4%BC%9A~", size);
}

Test(grpc, percent_decoding_inverts_all_bytes)
{
    char bytes[256];
    for (int i = 0; i < 256; i++) {
        bytes[i] = (char)i;
    }
    char text[768];
    struct jf_text encoded = {text, jf_grpc_percent_encode((struct jf_text){bytes, 256}, text)};
    char back[768];
    cr_assert_eq(jf_grpc_percent_decode(encoded, back), 256);
    cr_expect_arr_eq(back, bytes, 256);
}

Test(grpc, percent_decoding_copies_malformed_escapes)
{
    char text[16];
    uint32_t size = jf_grpc_percent_decode(JF_TEXT("%zz%4%41%"), text);
    cr_assert_eq(size, 7);
    cr_expect_arr_eq(text, "%zz%4A%", 7);
}

Test(grpc, base64_matches_rfc_4648_without_padding)
{
    static const char *const rows[][2] = {{"", ""},           {"f", "Zg"},
                                          {"fo", "Zm8"},      {"foo", "Zm9v"},
                                          {"foob", "Zm9vYg"}, {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[16];
        uint32_t size = jf_grpc_base64_encode(jf_text_from(rows[i][0]), text);
        cr_assert_eq(size, strlen(rows[i][1]));
        cr_expect_eq(memcmp(text, rows[i][1], size), 0);
        unsigned char bytes[16];
        uint32_t byte_count = 99;
        cr_assert(jf_grpc_base64_decode(jf_text_from(rows[i][1]), bytes, &byte_count));
        cr_assert_eq(byte_count, strlen(rows[i][0]));
        cr_expect_eq(memcmp(bytes, rows[i][0], byte_count), 0);
    }
}

Test(grpc, base64_refuses_foreign_bytes_and_impossible_sizes)
{
    unsigned char bytes[16];
    uint32_t size = 99;
    cr_expect_not(jf_grpc_base64_decode(JF_TEXT("Z"), bytes, &size));
    cr_expect_not(jf_grpc_base64_decode(JF_TEXT("Zm9vY"), bytes, &size));
    cr_expect_not(jf_grpc_base64_decode(JF_TEXT("Zm 9"), bytes, &size));
    cr_expect_not(jf_grpc_base64_decode(JF_TEXT("Z\0mm"), bytes, &size));
    cr_expect_eq(size, 99);
    cr_assert(jf_grpc_base64_decode(JF_TEXT("Zg=="), bytes, &size));
    cr_expect_eq(size, 1);
}

Test(grpc, cut_never_splits_a_character)
{
    struct jf_text text = JF_TEXT("a会员");
    cr_expect_eq(jf_grpc_cut(text, 7).size, 7);
    cr_expect_eq(jf_grpc_cut(text, 6).size, 4);
    cr_expect_eq(jf_grpc_cut(text, 4).size, 4);
    cr_expect_eq(jf_grpc_cut(text, 3).size, 1);
    cr_expect_eq(jf_grpc_cut(text, 0).size, 0);
}
