// Holds are few (JF_HOLDS_PER_MEMBER_MAX) and their parts lie behind each other in the holds'
// order, so everything walks from the front. Nothing here fails: room is the caller's.
#include "rules/holds.h"

#include <string.h>

#include "base/assert.h"

const struct jf_hold *jf_holds_find(const struct jf_member *member, uint64_t position)
{
    for (uint32_t i = 0; i < member->hold_count; i++) {
        if (member->holds[i].position == position) {
            return &member->holds[i];
        }
    }
    return NULL;
}

// Index of the first part of hold number `index`.
static uint32_t parts_begin(const struct jf_member *member, uint32_t index)
{
    uint32_t begin = 0;
    for (uint32_t i = 0; i < index; i++) {
        begin += member->holds[i].part_count;
    }
    return begin;
}

const struct jf_lot_part *jf_holds_parts(const struct jf_member *member, const struct jf_hold *hold)
{
    JF_ASSERT(hold >= member->holds);
    JF_ASSERT(hold < member->holds + member->hold_count);
    return member->hold_parts + parts_begin(member, (uint32_t)(hold - member->holds));
}

int64_t jf_hold_points(const struct jf_member *member, const struct jf_hold *hold)
{
    const struct jf_lot_part *parts = jf_holds_parts(member, hold);
    int64_t sum = 0;
    for (uint32_t i = 0; i < hold->part_count; i++) {
        sum += parts[i].points;
    }
    return sum;
}

void jf_holds_add(struct jf_member *member, const struct jf_hold *hold,
                  const struct jf_lot_part *parts)
{
    JF_ASSERT(member->hold_count < member->hold_capacity);
    JF_ASSERT(member->hold_part_count + hold->part_count <= member->hold_part_capacity);
    uint32_t index = member->hold_count;
    while (index > 0 && member->holds[index - 1].position > hold->position) {
        index--;
    }
    uint32_t begin = parts_begin(member, index);
    memmove(member->holds + index + 1, member->holds + index,
            (member->hold_count - index) * sizeof *member->holds);
    member->holds[index] = *hold;
    member->hold_count++;
    memmove(member->hold_parts + begin + hold->part_count, member->hold_parts + begin,
            (member->hold_part_count - begin) * sizeof *member->hold_parts);
    if (hold->part_count > 0) {
        memcpy(member->hold_parts + begin, parts, hold->part_count * sizeof *parts);
    }
    member->hold_part_count = (uint16_t)(member->hold_part_count + hold->part_count);
}

void jf_holds_remove(struct jf_member *member, uint64_t position)
{
    const struct jf_hold *found = jf_holds_find(member, position);
    if (found == NULL) {
        return;
    }
    uint32_t index = (uint32_t)(found - member->holds);
    uint32_t count = found->part_count;
    uint32_t begin = parts_begin(member, index);
    uint32_t end = begin + count;
    memmove(member->hold_parts + begin, member->hold_parts + end,
            (member->hold_part_count - end) * sizeof *member->hold_parts);
    member->hold_part_count = (uint16_t)(member->hold_part_count - count);
    memmove(member->holds + index, member->holds + index + 1,
            (member->hold_count - index - 1u) * sizeof *member->holds);
    member->hold_count--;
}
