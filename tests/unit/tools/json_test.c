// JSON: what must be escaped first, then messages by their descriptors.
#include <criterion/criterion.h>
#include <stdlib.h>

#include "jifen/v1/ledger.pb-c.h"
#include "tools/jifen/json.h"

static char *text;
static size_t text_size;

static struct jf_json json_open(void)
{
    struct jf_json json = {.out = open_memstream(&text, &text_size)};
    cr_assert_not_null(json.out);
    return json;
}

static void expect(struct jf_json *json, const char *wanted)
{
    cr_assert_eq(fclose(json->out), 0);
    cr_assert_str_eq(text, wanted);
    free(text);
}

Test(json, text_escapes_quotes_backslashes_and_control_characters)
{
    struct jf_json json = json_open();
    jf_json_string(&json, NULL, "a\"b\\c\nd\te\x01\x7f/");
    expect(&json, "\"a\\\"b\\\\c\\nd\\u0009e\\u0001\\u007f/\"");
}

Test(json, bytes_that_are_no_utf8_become_the_replacement_character)
{
    static const char *const broken[] = {"\xff",         "\xc0\xaf",        "\xed\xa0\x80",
                                         "\xf5\x80\x80", "\xe2\x82",        "\x80",
                                         "\xe0\x80\x80", "\xf0\x80\x80\x80"};
    for (size_t at = 0; at < sizeof(broken) / sizeof(broken[0]); at++) {
        struct jf_json json = json_open();
        jf_json_string(&json, NULL, broken[at]);
        cr_assert_eq(fclose(json.out), 0);
        cr_assert_eq(strncmp(text, "\"\\ufffd", 7), 0, "row %zu: %s", at, text);
        free(text);
    }
    struct jf_json json = json_open();
    jf_json_string(&json, NULL, "\xe7\xa7\xaf\xe5\x88\x86 \xf0\x9f\x8e\x81");
    expect(&json, "\"\xe7\xa7\xaf\xe5\x88\x86 \xf0\x9f\x8e\x81\"");
}

Test(json, commas_stand_between_values_and_nowhere_else)
{
    struct jf_json json = json_open();
    jf_json_object_begin(&json, NULL);
    jf_json_array_begin(&json, "a");
    jf_json_number(&json, NULL, INT64_MIN);
    jf_json_unsigned(&json, NULL, UINT64_MAX);
    jf_json_array_end(&json);
    jf_json_array_begin(&json, "b");
    jf_json_array_end(&json);
    jf_json_object_begin(&json, "c");
    jf_json_object_end(&json);
    jf_json_bool(&json, "d", true);
    jf_json_object_end(&json);
    jf_json_end_line(&json);
    jf_json_bool(&json, NULL, false);
    expect(&json,
           "{\"a\":[-9223372036854775808,18446744073709551615],\"b\":[],\"c\":{},\"d\":true}\n"
           "false");
}

Test(json, a_message_shows_zeros_and_leaves_out_what_is_absent)
{
    Jifen__V1__PostSaleResponse response = JIFEN__V1__POST_SALE_RESPONSE__INIT;
    struct jf_json json = json_open();
    jf_json_message(&json, NULL, &response.base);
    expect(&json, "{\"replayed\":false}");
}

Test(json, a_message_shows_only_the_chosen_member_of_a_oneof)
{
    Jifen__V1__MemberRef by_card = JIFEN__V1__MEMBER_REF__INIT;
    by_card.by_case = JIFEN__V1__MEMBER_REF__BY_CARD;
    by_card.card = (char *)(uintptr_t) "C1";
    Jifen__V1__MemberRef by_nothing = JIFEN__V1__MEMBER_REF__INIT;
    struct jf_json json = json_open();
    jf_json_array_begin(&json, NULL);
    jf_json_message(&json, NULL, &by_card.base);
    jf_json_message(&json, NULL, &by_nothing.base);
    jf_json_array_end(&json);
    expect(&json, "[{\"card\":\"C1\"},{}]");
}

Test(json, a_message_shows_nested_and_repeated_fields_and_enums_by_name)
{
    Jifen__V1__Posting posting = JIFEN__V1__POSTING__INIT;
    posting.account = JIFEN__V1__ACCOUNT__ACCOUNT_ISSUED;
    posting.points = -12;
    Jifen__V1__Posting strange = JIFEN__V1__POSTING__INIT;
    strange.account = (Jifen__V1__Account)99;
    Jifen__V1__Posting *postings[] = {&posting, &strange};
    int64_t line_points[] = {7, 5};
    Jifen__V1__Outcome outcome = JIFEN__V1__OUTCOME__INIT;
    outcome.postings = postings;
    outcome.n_postings = 2;
    outcome.line_points = line_points;
    outcome.n_line_points = 2;
    Jifen__V1__WriteResult result = JIFEN__V1__WRITE_RESULT__INIT;
    result.outcome = &outcome;
    Jifen__V1__Refusal refusal = JIFEN__V1__REFUSAL__INIT;
    refusal.fingerprint_first = 0xabcdefu;
    result.refusal = &refusal;
    struct jf_json json = json_open();
    jf_json_message(&json, NULL, &result.base);
    cr_assert_eq(fclose(json.out), 0);
    cr_assert_not_null(strstr(text, "\"postings\":[{\"account\":\"ACCOUNT_ISSUED\",\"entity\":0,"
                                    "\"reason\":0,\"points\":-12,"),
                       "%s", text);
    cr_assert_not_null(strstr(text, "{\"account\":99,"), "%s", text);
    cr_assert_not_null(strstr(text, "\"trace\":[],"), "%s", text);
    cr_assert_not_null(strstr(text, "\"line_points\":[7,5],"), "%s", text);
    cr_assert_not_null(strstr(text, "\"fingerprint_first\":\"0000000000abcdef\""), "%s", text);
    free(text);
}
