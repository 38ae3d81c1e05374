// Claims about answers: outcomes pass through byte for byte, and every fate of a write has its
// result.
#include <criterion/criterion.h>

#include "jifen/v1/ledger.pb-c.h"
#include "service/answer.h"

static struct jf_arena arena;

static void arena_start(void)
{
    jf_arena_init(&arena, 4096, 1 << 20);
}

static void arena_end(void)
{
    jf_arena_deinit(&arena);
}

TestSuite(answer, .init = arena_start, .fini = arena_end);

static Jifen__V1__WriteResult *result_of(const struct jf_answer *answer)
{
    uint64_t size = jf_answer_size(answer);
    unsigned char *bytes = jf_arena_alloc(&arena, size);
    cr_assert_eq((uint64_t)(jf_answer_put(bytes, answer) - bytes), size);
    Jifen__V1__WriteResult *result = jifen__v1__write_result__unpack(NULL, size, bytes);
    cr_assert_not_null(result);
    return result;
}

Test(answer, a_write_that_was_not_decided_is_refused_as_failed)
{
    static const enum jf_write_status undecided[] = {JF_WRITE_PENDING, JF_WRITE_UNCHANGED};
    for (size_t i = 0; i < 2; i++) {
        struct jf_write write = {.status = undecided[i]};
        struct jf_answer answer = jf_answer_of_write(&write, &arena);
        Jifen__V1__WriteResult *result = result_of(&answer);
        cr_assert_null(result->outcome);
        cr_assert_str_eq(result->refusal->code, "FAILED");
        jifen__v1__write_result__free_unpacked(result, NULL);
    }
}

Test(answer, a_refusal_is_the_result_and_no_outcome)
{
    struct jf_refusal refusal = {.code = JF_REFUSAL_RECEIPT_TAKEN, .position = 7};
    struct jf_write write = {.status = JF_WRITE_REFUSED, .refusal = &refusal};
    struct jf_answer answer = jf_answer_of_write(&write, &arena);
    Jifen__V1__WriteResult *result = result_of(&answer);
    cr_assert_null(result->outcome);
    cr_assert_str_eq(result->refusal->code, "RECEIPT_TAKEN");
    cr_assert_eq(result->refusal->position, 7);
    jifen__v1__write_result__free_unpacked(result, NULL);
}

Test(answer, a_full_arena_leaves_both_texts_empty)
{
    struct jf_arena full;
    jf_arena_init(&full, 1024, 1024);
    cr_assert_not_null(jf_arena_alloc(&full, 1024));
    struct jf_write write = {.status = JF_WRITE_PENDING};
    struct jf_answer answer = jf_answer_of_write(&write, &full);
    cr_assert_eq(answer.outcome.size + answer.refusal.size, 0);
    jf_arena_deinit(&full);
}

Test(answer, an_outcome_is_spliced_in_as_it_is)
{
    // position 300, and a field that this version does not know: it passes through.
    struct jf_text outcome = JF_TEXT("\x08\xac\x02\xa2\x06\x03new");
    struct jf_write write = {.status = JF_WRITE_POSTED, .outcome = outcome};
    for (int is_replayed = 0; is_replayed < 2; is_replayed++) {
        write.status = is_replayed ? JF_WRITE_REPLAYED : JF_WRITE_POSTED;
        struct jf_answer answer = jf_answer_of_write(&write, &arena);
        unsigned char bytes[64];
        unsigned char *end = jf_answer_put(bytes, &answer);
        cr_assert_eq(end - bytes, 2 + (int)outcome.size + 2 * is_replayed);
        cr_assert_arr_eq(bytes + 2, outcome.data, outcome.size);
        Jifen__V1__PostSaleResponse *response =
            jifen__v1__post_sale_response__unpack(NULL, (size_t)(end - bytes), bytes);
        cr_assert_eq(response->outcome->position, 300);
        cr_assert_eq(response->replayed, is_replayed);
        jifen__v1__post_sale_response__free_unpacked(response, NULL);
    }
}

Test(answer, text_is_copied_terminated_and_may_be_empty)
{
    cr_assert_str_eq(jf_answer_text(JF_TEXT("silver"), &arena), "silver");
    cr_assert_str_eq(jf_answer_text((struct jf_text){NULL, 0}, &arena), "");
}
