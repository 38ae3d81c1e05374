// Claims about the table of numbers: what was put is found until it is removed, whatever else comes
// and goes, and growing loses nothing.
#include <criterion/criterion.h>

#include "state/slots.h"

enum {
    NUMBERS = 3000
};

static char values[NUMBERS + 1];

static void *find(const struct jf_slots *slots, uint64_t number)
{
    return slots->slots[jf_slots_find(slots, number)].value;
}

Test(slots, numbers_are_found_until_they_are_removed)
{
    struct jf_slots slots;
    cr_assert_eq(jf_slots_create(&slots, 16), JF_OK);
    bool is_there[NUMBERS + 1] = {false};
    uint64_t state = 7;
    for (uint32_t step = 0; step < 50000; step++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        uint64_t number = 1 + (state >> 33) % NUMBERS;
        uint64_t at = jf_slots_find(&slots, number);
        if (is_there[number]) {
            jf_slots_remove(&slots, at);
        } else {
            if (jf_slots_are_full(&slots)) {
                cr_assert_eq(jf_slots_grow(&slots), JF_OK);
                at = jf_slots_find(&slots, number);
            }
            jf_slots_put(&slots, at, number, &values[number]);
        }
        is_there[number] = !is_there[number];
    }
    uint64_t used = 0;
    for (uint64_t number = 1; number <= NUMBERS; number++) {
        cr_assert_eq(find(&slots, number), is_there[number] ? &values[number] : NULL);
        used += is_there[number];
    }
    cr_expect_eq(slots.used, used);
    jf_slots_free(&slots);
}
