// net/buffer and net/pool: bounds first, then contents.
#include <criterion/criterion.h>

#include "net/buffer.h"
#include "net/pool.h"

Test(buffer, budget_refuses_when_it_or_its_parent_is_exhausted)
{
    struct jf_budget parent = {.bytes_max = 100};
    struct jf_budget a = {.bytes_max = 80, .parent = &parent};
    struct jf_budget b = {.bytes_max = 80, .parent = &parent};
    cr_expect_not(jf_budget_take(&a, 81));
    cr_assert(jf_budget_take(&a, 60));
    cr_expect_not(jf_budget_take(&b, 41), "the parent has 40 left");
    cr_expect_eq(b.used_bytes, 0);
    cr_assert(jf_budget_take(&b, 40));
    jf_budget_give(&a, 60);
    cr_expect_eq(parent.used_bytes, 40);
}

Test(buffer, reserve_that_is_refused_changes_nothing)
{
    struct jf_budget budget = {.bytes_max = 10000};
    struct jf_buffer buffer = {0};
    cr_assert(jf_buffer_append(&buffer, "abc", 3, 100000, &budget));
    cr_expect_not(jf_buffer_reserve(&buffer, 20000, 100000, &budget));
    cr_expect_eq(jf_buffer_size(&buffer), 3);
    cr_expect_arr_eq(jf_buffer_front(&buffer), "abc", 3);
    cr_expect_eq(budget.used_bytes, 0);
    jf_buffer_clear(&buffer, 0, &budget);
}

Test(buffer, capacity_is_charged_and_given_back)
{
    struct jf_budget budget = {.bytes_max = 1 << 20};
    struct jf_buffer buffer = {0};
    cr_assert(jf_buffer_reserve(&buffer, 9000, 9000, &budget));
    cr_expect_eq(budget.used_bytes, 9000);
    cr_assert(jf_buffer_reserve(&buffer, 30000, 1 << 19, &budget));
    cr_expect_eq(budget.used_bytes, buffer.capacity);
    jf_buffer_clear(&buffer, JF_BUFFER_KEPT_BYTES, &budget);
    cr_expect_eq(budget.used_bytes, 0);
    cr_expect_null(buffer.bytes);
}

// Appends and takes in many sizes against a plain array.
Test(buffer, contents_survive_growing_and_taking)
{
    static unsigned char model[200000];
    uint32_t start = 0;
    uint32_t end = 0;
    struct jf_buffer buffer = {0};
    uint32_t seed = 7;
    for (uint32_t step = 0; step < 3000; step++) {
        seed = seed * 1103515245u + 12345u;
        uint32_t size = (seed >> 16) % 60;
        for (uint32_t i = 0; i < size; i++) {
            model[end + i] = (unsigned char)(seed + i);
        }
        cr_assert(jf_buffer_append(&buffer, model + end, size, UINT32_MAX, NULL));
        end += size;
        uint32_t taken = (seed >> 8) % 61;
        taken = taken > end - start ? end - start : taken;
        jf_buffer_take(&buffer, taken);
        start += taken;
        cr_assert_eq(jf_buffer_size(&buffer), end - start);
        cr_assert_eq(memcmp(jf_buffer_front(&buffer), model + start, end - start), 0);
    }
    jf_buffer_clear(&buffer, 0, NULL);
}

Test(pool, blocks_hold_their_size_and_come_back)
{
    struct jf_pool pool;
    cr_assert(jf_pool_init(&pool));
    cr_expect_null(jf_pool_alloc(&pool, SIZE_MAX / 2 + 1));
    static const size_t sizes[] = {0, 1, 64, 65, 128, 129, 65536, 65537, 1000000};
    for (int round = 0; round < 2; round++) {
        void *blocks[9];
        for (size_t i = 0; i < 9; i++) {
            blocks[i] = pool.memory.malloc(sizes[i], &pool);
            cr_assert_not_null(blocks[i]);
            memset(blocks[i], (int)i, sizes[i]);
        }
        for (size_t i = 0; i < 9; i++) {
            blocks[i] = pool.memory.realloc(blocks[i], sizes[i] * 2 + 1, &pool);
            cr_assert_not_null(blocks[i]);
            cr_assert(sizes[i] == 0 || ((unsigned char *)blocks[i])[sizes[i] - 1] == i);
        }
        for (size_t i = 0; i < 9; i++) {
            pool.memory.free(blocks[i], &pool);
        }
    }
    pool.memory.free(NULL, &pool);
    cr_expect_null(pool.memory.calloc(SIZE_MAX, 2, &pool));
    cr_expect_leq(pool.retained_bytes, JF_POOL_RETAINED_BYTES_MAX);
    jf_pool_deinit(&pool);
}

Test(pool, calloc_zeroes_a_block_that_was_used)
{
    struct jf_pool pool;
    cr_assert(jf_pool_init(&pool));
    unsigned char *used = jf_pool_alloc(&pool, 100);
    memset(used, 0xff, 100);
    jf_pool_free(&pool, used);
    unsigned char *zeroed = pool.memory.calloc(10, 10, &pool);
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(zeroed[i], 0);
    }
    jf_pool_free(&pool, zeroed);
    jf_pool_deinit(&pool);
}
