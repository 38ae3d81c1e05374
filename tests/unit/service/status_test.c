// Claims about refusals as statuses: each has one, says its facts, and is always text that can be
// parsed.
#include <criterion/criterion.h>

#include <stdio.h>

#include "jifen/v1/common.pb-c.h"
#include "rules/utf8.h"
#include "service/status.h"

static struct jf_arena arena;

static void arena_start(void)
{
    jf_arena_init(&arena, 4096, 1 << 20);
}

static void arena_end(void)
{
    jf_arena_deinit(&arena);
}

TestSuite(status, .init = arena_start, .fini = arena_end);

static Jifen__V1__Refusal *encoded(const struct jf_refusal *refusal)
{
    struct jf_text bytes = jf_status_refusal_encode(refusal, &arena);
    Jifen__V1__Refusal *message =
        jifen__v1__refusal__unpack(NULL, bytes.size, (const uint8_t *)bytes.data);
    cr_assert_not_null(message);
    return message;
}

Test(status, every_refusal_has_a_status_and_says_its_code_first)
{
    for (int code = 1; code < JF_REFUSAL_COUNT; code++) {
        struct jf_refusal refusal = {.code = (enum jf_refusal_code)code};
        const char *name = jf_refusal_name(refusal.code);
        char text[JF_STATUS_TEXT_MAX];
        jf_status_refusal_text(&refusal, text);
        cr_assert_eq(strncmp(text, name, strlen(name)), 0, "%s", text);
        cr_assert_neq(jf_status_of_refusal(refusal.code), JF_STATUS_OK);
        Jifen__V1__Refusal *message = encoded(&refusal);
        cr_assert_str_eq(message->code, name);
        cr_assert_eq(message->status, (uint32_t)jf_status_of_refusal(refusal.code));
        jifen__v1__refusal__free_unpacked(message, NULL);
    }
    cr_assert_eq(jf_status_of_refusal(JF_REFUSAL_OVERFLOW), JF_STATUS_OUT_OF_RANGE);
    cr_assert_eq(jf_status_of_refusal(JF_REFUSAL_FAILED), JF_STATUS_INTERNAL);
    cr_assert_eq(jf_status_of_refusal(JF_REFUSAL_SHUTTING_DOWN), JF_STATUS_UNAVAILABLE);
    cr_assert_eq(jf_status_of_refusal(JF_REFUSAL_LIMIT_REACHED), JF_STATUS_FAILED_PRECONDITION);
}

Test(status, only_what_waiting_helps_has_a_retry_hint)
{
    for (int code = 1; code < JF_REFUSAL_COUNT; code++) {
        enum jf_status status = jf_status_of_refusal((enum jf_refusal_code)code);
        bool may_retry = status == JF_STATUS_RESOURCE_EXHAUSTED || status == JF_STATUS_UNAVAILABLE;
        cr_assert_eq(jf_status_retry_ms((enum jf_refusal_code)code) > 0, may_retry, "%d", code);
    }
}

Test(status, facts_stand_behind_the_sentence)
{
    struct jf_refusal refusal = {
        .code = JF_REFUSAL_INSUFFICIENT_POINTS, .needed = 500, .available = 120};
    char text[JF_STATUS_TEXT_MAX];
    jf_status_refusal_text(&refusal, text);
    cr_assert_str_eq(text, "INSUFFICIENT_POINTS: The member has too few points. "
                           "(needed 500, available 120)");
    refusal.available = 0;
    jf_status_refusal_text(&refusal, text);
    cr_assert_not_null(strstr(text, "needed 500, available 0"));
}

Test(status, the_field_is_named_with_its_index)
{
    struct jf_refusal refusal = {.code = JF_REFUSAL_INVALID_FIELD,
                                 .field = "receipt.lines[%u].amount",
                                 .index = 17,
                                 .limit = JF_REFUSAL_COUNT,
                                 .detail = "100% wrong %s"};
    char text[JF_STATUS_TEXT_MAX];
    jf_status_refusal_text(&refusal, text);
    cr_assert_not_null(strstr(text, "(receipt.lines[17].amount, limit "), "%s", text);
    cr_assert_not_null(strstr(text, "100% wrong %s"));
    Jifen__V1__Refusal *message = encoded(&refusal);
    cr_assert_str_eq(message->field, "receipt.lines[17].amount");
    jifen__v1__refusal__free_unpacked(message, NULL);
}

Test(status, a_detail_that_is_no_utf8_still_gives_a_message_that_is)
{
    struct jf_refusal refusal = {.code = JF_REFUSAL_PROGRAMME_INVALID};
    memset(refusal.detail, 'x', sizeof refusal.detail);
    memcpy(refusal.detail + sizeof refusal.detail - 3, "\xe7\xa7", 3); // cut within a character
    char text[JF_STATUS_TEXT_MAX];
    jf_status_refusal_text(&refusal, text);
    cr_assert(jf_utf8_is_valid(jf_text_from(text)));
    Jifen__V1__Refusal *message = encoded(&refusal);
    cr_assert(jf_utf8_is_valid(jf_text_from(message->message)));
    jifen__v1__refusal__free_unpacked(message, NULL);
}

Test(status, a_full_arena_gives_no_details)
{
    struct jf_arena full;
    jf_arena_init(&full, 1024, 1024);
    cr_assert_not_null(jf_arena_alloc(&full, 1024));
    struct jf_refusal refusal = {.code = JF_REFUSAL_OVERFLOW};
    cr_assert_eq(jf_status_refusal_encode(&refusal, &full).size, 0);
    jf_arena_deinit(&full);
}
