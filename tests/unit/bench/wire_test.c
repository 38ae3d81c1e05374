// Answers: what is malformed, empty or refused is told from what was accepted.
#include <criterion/criterion.h>
#include <stdlib.h>

#include "bench/wire.h"
#include "jifen/v1/ledger.pb-c.h"

struct packed {
    struct jf_text text;
    unsigned char *bytes;
};

static struct packed pack(const ProtobufCMessage *message)
{
    struct packed packed = {.bytes = malloc(protobuf_c_message_get_packed_size(message) + 1)};
    cr_assert_not_null(packed.bytes);
    size_t size = protobuf_c_message_pack(message, packed.bytes);
    packed.text = (struct jf_text){(const char *)packed.bytes, (uint32_t)size};
    return packed;
}

static struct packed batch_pack(void)
{
    static char code[] = "RECEIPT_TAKEN";
    static char message[] = "This receipt has been posted.";
    Jifen__V1__Outcome outcome = JIFEN__V1__OUTCOME__INIT;
    outcome.position = 300;
    outcome.member = 7;
    Jifen__V1__Refusal refusal = JIFEN__V1__REFUSAL__INIT;
    refusal.code = code;
    refusal.message = message;
    refusal.fingerprint_first = 9;
    Jifen__V1__WriteResult accepted = JIFEN__V1__WRITE_RESULT__INIT;
    accepted.outcome = &outcome;
    accepted.replayed = 1;
    Jifen__V1__WriteResult refused = JIFEN__V1__WRITE_RESULT__INIT;
    refused.refusal = &refusal;
    Jifen__V1__WriteResult *results[] = {&accepted, &refused};
    Jifen__V1__PostBatchResponse response = JIFEN__V1__POST_BATCH_RESPONSE__INIT;
    response.results = results;
    response.n_results = 2;
    return pack(&response.base);
}

Test(wire, an_answer_without_a_position_is_none)
{
    Jifen__V1__Outcome outcome = JIFEN__V1__OUTCOME__INIT;
    outcome.member = 7;
    Jifen__V1__PostSaleResponse response = JIFEN__V1__POST_SALE_RESPONSE__INIT;
    response.outcome = &outcome;
    struct packed packed = pack(&response.base);
    struct jf_answers answers = {0};
    cr_assert_not(jf_answer_write(packed.text, &answers));
    cr_assert_not(jf_answer_write((struct jf_text){0}, &answers));
    cr_assert_eq(answers.accepted, 0);
    free(packed.bytes);
}

Test(wire, a_batch_cut_anywhere_is_malformed_or_has_fewer_results)
{
    struct packed packed = batch_pack();
    for (uint32_t size = 0; size < packed.text.size; size++) {
        struct jf_answers answers = {0};
        struct jf_text cut = {packed.text.data, size};
        bool is_read = jf_answer_batch(cut, &answers);
        cr_assert(!is_read || answers.accepted + answers.refused < 2, "cut at %u", size);
    }
    free(packed.bytes);
}

Test(wire, fields_of_unknown_types_and_number_zero_are_malformed)
{
    struct jf_wire_field field;
    struct jf_text group = JF_TEXT("\x0b");
    struct jf_text zero = {"\x00\x01", 2};
    struct jf_text endless = JF_TEXT("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
    cr_assert_not(jf_wire_next(&group, &field));
    cr_assert_not(jf_wire_next(&zero, &field));
    cr_assert_not(jf_wire_next(&endless, &field));
}

Test(wire, a_batch_counts_what_was_accepted_replayed_and_refused)
{
    struct packed packed = batch_pack();
    struct jf_answers answers = {0};
    cr_assert(jf_answer_batch(packed.text, &answers));
    cr_assert_eq(answers.accepted, 1);
    cr_assert_eq(answers.replayed, 1);
    cr_assert_eq(answers.refused, 1);
    cr_assert_eq(answers.position_max, 300);
    cr_assert_str_eq(answers.refusal, "RECEIPT_TAKEN: This receipt has been posted.");
    free(packed.bytes);
}

Test(wire, a_stream_answer_must_hold_a_result)
{
    Jifen__V1__Outcome outcome = JIFEN__V1__OUTCOME__INIT;
    outcome.position = 1;
    Jifen__V1__WriteResult result = JIFEN__V1__WRITE_RESULT__INIT;
    result.outcome = &outcome;
    Jifen__V1__StreamResponse response = JIFEN__V1__STREAM_RESPONSE__INIT;
    struct jf_answers answers = {0};
    cr_assert_not(jf_answer_stream((struct jf_text){0}, &answers));
    response.result = &result;
    struct packed packed = pack(&response.base);
    cr_assert(jf_answer_stream(packed.text, &answers));
    cr_assert_eq(answers.accepted, 1);
    free(packed.bytes);
}

Test(wire, health_that_is_not_serving_fails)
{
    struct jf_answers answers = {0};
    cr_assert_not(jf_answer_health(JF_TEXT("\x08\x02"), &answers));
    cr_assert(jf_answer_health(JF_TEXT("\x08\x01"), &answers));
    cr_assert_eq(answers.accepted, 1);
}
