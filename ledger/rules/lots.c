// Lots are sorted as they are spent, so that spending walks them once from the front. Nothing here
// fails: the caller has asked first whether there is enough.
#include "rules/lots.h"

#include "base/assert.h"

static int order(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

int jf_lot_key_compare(struct jf_lot_key a, struct jf_lot_key b)
{
    if (a.expires_on != b.expires_on) {
        return order(a.expires_on, b.expires_on);
    }
    if (a.available_on != b.available_on) {
        return order(a.available_on, b.available_on);
    }
    return order(a.entity.value, b.entity.value);
}

uint32_t jf_lots_lower_bound(const struct jf_member *member, struct jf_lot_key key)
{
    // From the back: new points nearly always go to the lot that expires last.
    uint32_t index = member->lot_count;
    while (index > 0 && jf_lot_key_compare(jf_lot_key_of(&member->lots[index - 1]), key) >= 0) {
        index--;
    }
    return index;
}

const struct jf_lot *jf_lots_find(const struct jf_member *member, struct jf_lot_key key)
{
    uint32_t index = jf_lots_lower_bound(member, key);
    if (index == member->lot_count ||
        jf_lot_key_compare(jf_lot_key_of(&member->lots[index]), key) != 0) {
        return NULL;
    }
    return &member->lots[index];
}

int64_t jf_lots_spendable(const struct jf_member *member, jf_date date)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < member->lot_count; i++) {
        sum += jf_lot_spendable(&member->lots[i], date);
    }
    return sum;
}

uint32_t jf_lots_spend(const struct jf_member *member, jf_date date, int64_t points,
                       struct jf_lot_part *out_parts)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < member->lot_count && points > 0; i++) {
        const struct jf_lot *lot = &member->lots[i];
        int64_t spendable = jf_lot_spendable(lot, date);
        if (spendable == 0) {
            continue;
        }
        int64_t part = spendable < points ? spendable : points;
        out_parts[count] = (struct jf_lot_part){.available_on = lot->available_on,
                                                .expires_on = lot->expires_on,
                                                .entity = lot->entity,
                                                .points = part};
        count++;
        points -= part;
    }
    JF_ASSERT(points == 0);
    return count;
}

int64_t jf_lots_given_back(const struct jf_lot_part *spent, uint32_t spent_count, uint32_t index,
                           int64_t total)
{
    JF_ASSERT(index < spent_count);
    JF_ASSERT(total >= 0);
    int64_t rest = total;
    for (uint32_t i = spent_count; i > index + 1; i--) {
        rest -= spent[i - 1].points;
        if (rest <= 0) {
            return 0;
        }
    }
    return rest < spent[index].points ? rest : spent[index].points;
}
