// Claims about a past day's schedule: sales come by their instants, at a multiple of their speed,
// each store in a line of its own.
#include <criterion/criterion.h>

#include "bench/day_schedule.h"

#define BEGIN_MS INT64_C(1771200000000)

static const unsigned char bytes[3] = {1, 2, 3};

static struct jf_day_sale sale(int64_t behind_ms, uint64_t position, uint32_t store,
                               const unsigned char *mark)
{
    return (struct jf_day_sale){.sold_at_ms = BEGIN_MS + behind_ms,
                                .position = position,
                                .store = store,
                                .size = 1,
                                .bytes = mark};
}

Test(day_schedule, sales_come_by_their_instants_and_of_one_instant_by_position)
{
    struct jf_day_sale sales[] = {sale(60000, 9, 1, &bytes[2]), sale(60000, 8, 1, &bytes[1]),
                                  sale(0, 20, 1, &bytes[0])}; // posted late
    struct jf_day_schedule schedule;
    cr_assert_eq(jf_day_schedule_make(sales, 3, 1, &schedule), JF_OK);
    cr_assert_eq(schedule.count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        cr_assert_eq(schedule.sales[i].bytes, &bytes[i]);
        cr_assert_eq(schedule.sales[i].size, 1);
    }
    cr_assert_eq(schedule.sales[0].at_s, 0);
    cr_assert_float_eq(schedule.sales[1].at_s, 60, 1e-9);
    cr_assert_float_eq(schedule.sales[2].at_s, 60, 1e-9);
    jf_day_schedule_deinit(&schedule);
}

Test(day_schedule, ten_times_as_fast_takes_a_tenth_and_means_the_same_hours)
{
    struct jf_day_sale sales[] = {sale(0, 1, 1, bytes), sale(7200000, 2, 1, bytes)};
    struct jf_day_schedule schedule;
    cr_assert_eq(jf_day_schedule_make(sales, 2, 10, &schedule), JF_OK);
    cr_assert_float_eq(schedule.sales[1].at_s, 720, 1e-9);
    cr_assert_float_eq(schedule.seconds, 720, 0.01);
    cr_assert_gt(schedule.seconds, schedule.sales[1].at_s, "the last one lies within");
    cr_assert_float_eq(schedule.hours, 2, 0.001);
    jf_day_schedule_deinit(&schedule);
}

Test(day_schedule, each_store_has_a_line_of_its_own)
{
    // 1 and 10001 fell into one line when lines were numbers modulo 10,000.
    struct jf_day_sale sales[] = {sale(0, 1, 10001, bytes), sale(1, 2, 1, bytes),
                                  sale(2, 3, 4000000000u, bytes), sale(3, 4, 10001, bytes)};
    struct jf_day_schedule schedule;
    cr_assert_eq(jf_day_schedule_make(sales, 4, 1, &schedule), JF_OK);
    cr_assert_eq(schedule.store_count, 3);
    cr_assert_eq(schedule.sales[0].store, 1);
    cr_assert_eq(schedule.sales[1].store, 0);
    cr_assert_eq(schedule.sales[2].store, 2);
    cr_assert_eq(schedule.sales[3].store, 1);
    jf_day_schedule_deinit(&schedule);
}

Test(day_schedule, a_single_sale_is_a_day)
{
    struct jf_day_sale sales[] = {sale(0, 1, 5, bytes)};
    struct jf_day_schedule schedule;
    cr_assert_eq(jf_day_schedule_make(sales, 1, 1000000, &schedule), JF_OK);
    cr_assert_gt(schedule.seconds, 0);
    cr_assert_gt(schedule.hours, 0);
    cr_assert_eq(schedule.store_count, 1);
    jf_day_schedule_deinit(&schedule);
}
