// Claims about the pool of blocks: sizes are few and large enough, the newest block given back is
// the next taken, and no more is kept than may be.
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdlib.h>

#include "state/block_pool.h"

Test(block_pool, sizes_hold_what_is_asked_for_with_little_waste)
{
    for (size_t size = 1; size < 100000; size += 13) {
        uint32_t rounded = jf_block_pool_round(size);
        cr_assert_geq(rounded, size);
        cr_assert(rounded - size < JF_BLOCK_POOL_STEP || rounded <= size + size / 8 + 1);
        cr_assert_eq(rounded % JF_BLOCK_POOL_STEP, 0);
    }
}

Test(block_pool, no_more_is_kept_than_may_be)
{
    struct jf_block_pool pool = {.bytes_max = 1000};
    void *blocks[8];
    for (uint32_t i = 0; i < 8; i++) {
        blocks[i] = jf_block_pool_take(&pool, 256);
        cr_assert_not_null(blocks[i]);
        cr_assert_eq((uintptr_t)blocks[i] % 16, 0);
    }
    for (uint32_t i = 0; i < 8; i++) {
        jf_block_pool_give(&pool, blocks[i], 256);
        cr_assert_leq(pool.bytes, pool.bytes_max);
    }
    jf_block_pool_give(&pool, NULL, 256);
#ifndef __SANITIZE_ADDRESS__
    cr_assert_eq(pool.bytes, 768);
    cr_assert_eq(jf_block_pool_take(&pool, 256), blocks[7]);
    jf_block_pool_give(&pool, blocks[7], 256);
#endif
    void *large = jf_block_pool_take(&pool, 64 * 1024);
    cr_assert_not_null(large);
    jf_block_pool_give(&pool, large, 64 * 1024);
    jf_block_pool_free(&pool);
    cr_assert_eq(pool.bytes, 0);
}

#ifndef __SANITIZE_ADDRESS__
Test(block_pool, a_size_that_nobody_takes_makes_room_for_one_that_is_taken)
{
    struct jf_block_pool pool = {.bytes_max = 4096};
    for (uint32_t i = 0; i < 64; i++) {
        jf_block_pool_give(&pool, aligned_alloc(16, 64), 64);
    }
    cr_assert_eq(pool.bytes, pool.bytes_max);
    void *blocks[4];
    for (uint32_t round = 0; round < 40; round++) {
        for (uint32_t i = 0; i < 4; i++) {
            blocks[i] = jf_block_pool_take(&pool, 512);
        }
        for (uint32_t i = 0; i < 4; i++) {
            jf_block_pool_give(&pool, blocks[i], 512);
            cr_assert_leq(pool.bytes, pool.bytes_max);
        }
    }
    uint32_t count = 0;
    size_t kept = pool.bytes;
    while (count < 4 && pool.bytes == kept - (size_t)count * 512) {
        blocks[count++] = jf_block_pool_take(&pool, 512);
    }
    cr_assert_eq(count, 4, "all four are kept");
    cr_assert_eq(pool.bytes, kept - 4 * (size_t)512);
    for (uint32_t i = 0; i < 4; i++) {
        jf_block_pool_give(&pool, blocks[i], 512);
    }
    jf_block_pool_free(&pool);
}
#endif
