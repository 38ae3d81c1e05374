// Claims about the list of a member's holds: parts stay with their hold, whichever goes.
#include <criterion/criterion.h>

#include <stdlib.h>

#include "rules/holds.h"

static struct jf_member *made(void)
{
    struct jf_member_capacity room = {.holds = 3, .hold_parts = 6};
    void *block = malloc(jf_member_block_size(room));
    cr_assert_not_null(block);
    struct jf_member *member = jf_member_block_init(block, room);
    static const struct jf_lot_part parts[6] = {{.points = 1}, {.points = 2},  {.points = 4},
                                                {.points = 8}, {.points = 16}, {.points = 32}};
    const struct jf_hold holds[3] = {{.position = 10, .deadline_ms = 100, .part_count = 1},
                                     {.position = 20, .deadline_ms = 200, .part_count = 3},
                                     {.position = 30, .deadline_ms = 300, .part_count = 2}};
    jf_holds_add(member, &holds[0], parts);
    jf_holds_add(member, &holds[1], parts + 1);
    jf_holds_add(member, &holds[2], parts + 4);
    return member;
}

static int64_t points_of(const struct jf_member *member, uint64_t position)
{
    const struct jf_hold *hold = jf_holds_find(member, position);
    return hold == NULL ? -1 : jf_hold_points(member, hold);
}

Test(holds, are_found_by_position_with_their_parts)
{
    struct jf_member *member = made();
    cr_expect_eq(points_of(member, 10), 1);
    cr_expect_eq(points_of(member, 20), 14);
    cr_expect_eq(points_of(member, 30), 48);
    cr_expect_eq(points_of(member, 15), -1);
    cr_expect_eq(jf_member_held(member), 63);
    cr_expect_eq(jf_holds_parts(member, jf_holds_find(member, 30))[1].points, 32);
    free(member);
}

Test(holds, removing_one_leaves_the_others_whole)
{
    static const uint64_t positions[3] = {10, 20, 30};
    static const int64_t points[3] = {1, 14, 48};
    for (uint32_t gone = 0; gone < 3; gone++) {
        struct jf_member *member = made();
        jf_holds_remove(member, positions[gone]);
        jf_holds_remove(member, 99);
        for (uint32_t i = 0; i < 3; i++) {
            cr_expect_eq(points_of(member, positions[i]), i == gone ? -1 : points[i]);
        }
        cr_expect_eq(jf_member_held(member), 63 - points[gone]);
        cr_expect_eq(member->hold_count, 2);
        free(member);
    }
}

Test(holds, are_overdue_behind_their_deadline_and_not_at_it)
{
    const struct jf_hold hold = {.deadline_ms = 100};
    cr_expect_not(jf_hold_is_overdue(&hold, 100));
    cr_expect(jf_hold_is_overdue(&hold, 101));
}
