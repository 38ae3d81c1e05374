// Claims about the cache: the bound holds, what is dirty or pinned stays, and growing loses
// nothing.
#include <criterion/criterion.h>

#include "state/cache.h"
#include "state/member_codec.h"

static struct jf_cache *cache;

static void begin(void)
{
    cr_assert_eq(jf_cache_create(100000, &cache), JF_OK);
}

static void end(void)
{
    jf_cache_destroy(cache);
}

TestSuite(cache, .init = begin, .fini = end);

static struct jf_member *insert_sized(uint64_t number, struct jf_member_capacity room)
{
    struct jf_member *member = NULL;
    cr_assert_eq(jf_cache_insert(cache, (struct jf_member_id){number}, room, &member), JF_OK);
    member->visits = (uint32_t)number;
    return member;
}

static struct jf_member *insert(uint64_t number)
{
    return insert_sized(number, (struct jf_member_capacity){.lots = 2, .months = 2, .debts = 1});
}

static uint64_t bytes_used(void)
{
    return atomic_load(&jf_cache_counters(cache)->bytes);
}

static bool has(uint64_t number)
{
    struct jf_member *member = jf_cache_find(cache, (struct jf_member_id){number});
    cr_assert(member == NULL || member->visits == (uint32_t)number);
    return member != NULL;
}

Test(cache, clean_members_never_exceed_the_bound)
{
    for (uint64_t number = 1; number <= 5000; number++) {
        (void)insert(number);
        jf_cache_batch_end(cache);
        cr_assert_leq(bytes_used(), 100000);
    }
    uint32_t kept = 0;
    for (uint64_t number = 1; number <= 5000; number++) {
        kept += has(number);
    }
    cr_assert_eq(kept, atomic_load(&jf_cache_counters(cache)->members));
    cr_assert_gt(kept, 100);
}

Test(cache, pinned_members_stay_until_the_batch_ends)
{
    for (uint64_t number = 1; number <= 2000; number++) {
        (void)insert(number);
    }
    for (uint64_t number = 1; number <= 2000; number++) {
        cr_assert(has(number));
    }
    cr_assert_gt(bytes_used(), 100000);
    jf_cache_batch_end(cache);
    jf_cache_stored(cache, 0);
    cr_assert_leq(bytes_used(), 100000);
}

Test(cache, dirty_members_stay_until_their_generation_is_stored)
{
    for (uint64_t number = 1; number <= 2000; number++) {
        jf_cache_touch(cache, insert(number), 1 + number / 1001);
        if (number == 1000) {
            jf_cache_touched_clear(cache);
        }
    }
    jf_cache_touched_clear(cache);
    jf_cache_batch_end(cache);
    for (uint64_t number = 2001; number <= 4000; number++) {
        (void)insert(number);
        jf_cache_batch_end(cache);
    }
    for (uint64_t number = 1; number <= 2000; number++) {
        cr_assert(has(number));
    }
    jf_cache_stored(cache, 1);
    jf_cache_stored(cache, 1);
    for (uint64_t number = 1001; number <= 2000; number++) {
        cr_assert(has(number));
    }
    jf_cache_stored(cache, 2);
    cr_assert_leq(bytes_used(), 100000);
}

// With a bound that leaves room for records behind the blocks.
static void begin_larger(void)
{
    jf_cache_destroy(cache);
    cr_assert_eq(jf_cache_create((uint64_t)8 << 20, &cache), JF_OK);
}

Test(cache, members_that_had_to_go_come_back_as_records_once)
{
    begin_larger();
    enum {
        COUNT = 30000
    };
    for (uint64_t number = 1; number <= COUNT; number++) {
        struct jf_member *member = insert(number);
        member->status = JF_MEMBER_ACTIVE;
        member->home_store = (uint32_t)number * 3;
        jf_cache_batch_end(cache);
        cr_assert_leq(bytes_used(), (uint64_t)8 << 20);
    }
    uint32_t kept = 0;
    uint32_t packed = 0;
    for (uint64_t number = 1; number <= COUNT; number++) {
        unsigned char bytes[JF_PACKED_RECORD_BYTES_MAX];
        struct jf_member_id id = {number};
        struct jf_text record = jf_cache_take_packed(cache, id, bytes);
        cr_assert_not(record.size > 0 && has(number), "member %llu is there twice",
                      (unsigned long long)number);
        if (record.size > 0) {
            struct jf_diagnosis diagnosis = {0};
            struct jf_member *member = insert_sized(number, (struct jf_member_capacity){0});
            cr_assert_eq(jf_member_record_decode(record, member, &diagnosis), JF_OK);
            cr_assert_eq(member->home_store, (uint32_t)number * 3);
            packed++;
            jf_cache_remove(cache, id);
            cr_assert_eq(jf_cache_take_packed(cache, id, bytes).size, 0);
        }
        kept += has(number);
    }
    cr_expect_gt(packed, 1000);
    cr_expect_gt(kept, 1000);
}

Test(cache, what_is_not_stored_is_never_a_record)
{
    begin_larger();
    for (uint64_t number = 1; number <= 40000; number++) {
        jf_cache_touch(cache, insert(number), 1);
    }
    jf_cache_touched_clear(cache);
    jf_cache_batch_end(cache);
    cr_assert_gt(bytes_used(), (uint64_t)8 << 20);
    for (uint64_t number = 1; number <= 40000; number++) {
        unsigned char bytes[JF_PACKED_RECORD_BYTES_MAX];
        cr_assert_eq(jf_cache_take_packed(cache, (struct jf_member_id){number}, bytes).size, 0);
    }
    for (uint32_t i = 0; i < 20; i++) {
        jf_cache_stored(cache, 1);
    }
    cr_assert_leq(bytes_used(), (uint64_t)8 << 20);
}

Test(cache, touched_members_are_listed_once_in_order_even_when_they_move)
{
    for (uint64_t number = 1; number <= 5; number++) {
        jf_cache_touch(cache, insert(number), 1);
    }
    struct jf_member_capacity room = {.lots = 100, .months = 3, .debts = 1};
    for (uint64_t number = 1; number <= 5; number += 2) {
        struct jf_member *member = NULL;
        cr_assert_eq(jf_cache_room(cache, (struct jf_member_id){number}, room, &member), JF_OK);
        cr_assert_eq(member->lot_capacity, 100);
        jf_cache_touch(cache, member, 1);
    }
    uint64_t expected = 1;
    const struct jf_member *member = jf_cache_touched_first(cache);
    for (; member != NULL; member = jf_cache_touched_next(member)) {
        cr_assert_eq(member->visits, expected++);
    }
    cr_assert_eq(expected, 6);
    cr_assert_eq(jf_cache_touched_count(cache), 5);
    jf_cache_touched_clear(cache);
    cr_assert_null(jf_cache_touched_first(cache));
}

Test(cache, room_keeps_content_and_what_suffices_stays_in_place)
{
    struct jf_member *member = insert(8);
    member->lot_count = 2;
    member->lots[1].granted = 77;
    struct jf_member_capacity less = {.lots = 1, .months = 1, .debts = 1};
    struct jf_member *same = NULL;
    cr_assert_eq(jf_cache_room(cache, member->number, less, &same), JF_OK);
    cr_assert_eq(same, member);
    struct jf_member_capacity more = {.lots = 50, .months = 1, .debts = 1};
    cr_assert_eq(jf_cache_room(cache, member->number, more, &same), JF_OK);
    cr_assert_eq(same->lots[1].granted, 77);
    cr_assert_eq(same->month_capacity, 2);
    cr_assert(has(8));
}

Test(cache, removed_member_is_gone_and_its_neighbours_are_not)
{
    for (uint64_t number = 1; number <= 700; number++) {
        (void)insert(number);
    }
    jf_cache_batch_end(cache);
    bool before[701];
    for (uint64_t number = 1; number <= 700; number++) {
        before[number] = has(number);
    }
    for (uint64_t number = 1; number <= 700; number += 3) {
        if (before[number]) {
            jf_cache_remove(cache, (struct jf_member_id){number});
        }
    }
    for (uint64_t number = 1; number <= 700; number++) {
        cr_assert_eq(has(number), before[number] && number % 3 != 1);
    }
}
