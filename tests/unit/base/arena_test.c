// Claims about the arena: the bound is kept, failure is an answer, memory is aligned and apart.
#include <criterion/criterion.h>

#include <signal.h>
#include <stdint.h>

#include "base/arena.h"

// The sanitizer would abort where malloc answers NULL.
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

Test(arena, alloc_past_the_bound_is_refused_and_the_rest_still_works)
{
    struct jf_arena arena;
    jf_arena_init(&arena, 1024, 2048);
    unsigned char *first = jf_arena_alloc(&arena, 1024);
    cr_assert_not_null(first);
    cr_assert_null(jf_arena_alloc(&arena, 1025));
    cr_assert_not_null(jf_arena_alloc(&arena, 1024));
    cr_assert_null(jf_arena_alloc(&arena, 1));
    first[1023] = 1;
    jf_arena_deinit(&arena);
}

Test(arena, alloc_answers_null_when_malloc_does)
{
    struct jf_arena arena;
    jf_arena_init(&arena, 1024, SIZE_MAX);
    cr_assert_null(jf_arena_alloc(&arena, SIZE_MAX / 2 - 64));
    cr_assert_not_null(jf_arena_alloc(&arena, 16));
    jf_arena_deinit(&arena);
}

Test(arena, sizes_that_overflow_are_refused)
{
    struct jf_arena arena;
    jf_arena_init(&arena, 1024, SIZE_MAX);
    cr_assert_null(jf_arena_alloc(&arena, SIZE_MAX));
    cr_assert_null(jf_arena_calloc(&arena, SIZE_MAX / 2, 3));
    jf_arena_deinit(&arena);
}

Test(arena, copy_of_text_says_when_there_is_no_room)
{
    struct jf_arena arena;
    jf_arena_init(&arena, 1024, 1024);
    cr_assert_not_null(jf_arena_alloc(&arena, 1024));
    bool is_ok = true;
    struct jf_text copy = jf_arena_copy_text(&arena, JF_TEXT("receipt"), &is_ok);
    cr_assert_not(is_ok);
    cr_assert_eq(copy.size, 0);
    jf_arena_deinit(&arena);
}

Test(arena, copy_of_text_is_a_copy)
{
    struct jf_arena arena;
    jf_arena_init(&arena, 1024, 4096);
    char original[] = "receipt";
    bool is_ok = false;
    struct jf_text copy = jf_arena_copy_text(&arena, jf_text_from(original), &is_ok);
    original[0] = 'X';
    cr_assert(is_ok);
    cr_assert(jf_text_equal(copy, JF_TEXT("receipt")));
    copy = jf_arena_copy_text(&arena, (struct jf_text){NULL, 0}, &is_ok);
    cr_assert(is_ok);
    cr_assert_eq(copy.size, 0);
    jf_arena_deinit(&arena);
}

Test(arena, chunks_too_small_are_a_bug, .signal = SIGABRT)
{
    struct jf_arena arena;
    jf_arena_init(&arena, 1023, 4096);
}

Test(arena, a_bound_below_one_chunk_is_a_bug, .signal = SIGABRT)
{
    struct jf_arena arena;
    jf_arena_init(&arena, 4096, 4095);
}

Test(arena, allocations_are_aligned_and_do_not_overlap)
{
    struct jf_arena arena;
    unsigned char *blocks[200];
    jf_arena_init(&arena, 1024, 1u << 20);
    for (uint32_t i = 0; i < 200; i++) {
        blocks[i] = jf_arena_alloc(&arena, i);
        cr_assert_not_null(blocks[i]);
        cr_assert_eq((uintptr_t)blocks[i] % 16, 0);
        memset(blocks[i], (int)i, i);
    }
    for (uint32_t i = 0; i < 200; i++) {
        for (uint32_t byte = 0; byte < i; byte++) {
            cr_assert_eq(blocks[i][byte], i);
        }
    }
    jf_arena_deinit(&arena);
}

Test(arena, calloc_gives_zeroes_in_memory_used_before)
{
    struct jf_arena arena;
    jf_arena_init(&arena, 1024, 1024);
    memset(jf_arena_alloc(&arena, 512), 0xff, 512);
    jf_arena_reset(&arena);
    const unsigned char *bytes = jf_arena_calloc(&arena, 64, 8);
    for (uint32_t i = 0; i < 512; i++) {
        cr_assert_eq(bytes[i], 0);
    }
    jf_arena_deinit(&arena);
}

Test(arena, reset_keeps_one_chunk_and_gives_the_bound_back)
{
    struct jf_arena arena;
    jf_arena_init(&arena, 1024, 4096);
    void *first = jf_arena_alloc(&arena, 16);
    cr_assert_not_null(jf_arena_alloc(&arena, 3072));
    cr_assert_null(jf_arena_alloc(&arena, 1024));
    jf_arena_reset(&arena);
    cr_assert_eq(arena.held_bytes, 1024);
    cr_assert_eq(jf_arena_alloc(&arena, 16), first);
    cr_assert_not_null(jf_arena_alloc(&arena, 3072));
    jf_arena_deinit(&arena);
}

Test(arena, much_is_had_in_few_pieces_and_up_to_the_bound)
{
    struct jf_arena arena;
    jf_arena_init(&arena, 1024, 1u << 20);
    uint32_t pieces = 0;
    size_t held = 0;
    uint32_t count = 0;
    while (jf_arena_alloc(&arena, 16) != NULL) {
        pieces += arena.held_bytes != held ? 1 : 0;
        held = arena.held_bytes;
        cr_assert_leq(held, (size_t)1 << 20);
        count += 1;
    }
    cr_assert_eq(count, (1u << 20) / 16, "all of the bound can be had");
    cr_assert_lt(pieces, 20);
    jf_arena_deinit(&arena);
}

Test(arena, deinit_and_reset_accept_an_empty_arena_and_come_twice)
{
    struct jf_arena arena = {0};
    jf_arena_reset(&arena);
    jf_arena_deinit(&arena);
    jf_arena_init(&arena, 1024, 1024);
    cr_assert_not_null(jf_arena_alloc(&arena, 0));
    jf_arena_deinit(&arena);
    jf_arena_deinit(&arena);
    cr_assert_eq(arena.held_bytes, 0);
}
