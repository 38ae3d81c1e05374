// Sorting the rows of a run by the leading bytes of their keys. Digits in which all rows agree
// (most of a member's number, today's date) cost one counting pass and no move. Cannot fail.
#include "state/store_private.h"

#include <string.h>

#include "base/assert.h"

#define DIGIT_BITS   11u
#define DIGIT_VALUES (1u << DIGIT_BITS)
#define DIGITS       6u // of 64 bits

static uint32_t digit_of(const struct jf_store_row *row, uint32_t digit)
{
    return (uint32_t)(row->prefix >> (digit * DIGIT_BITS)) & (DIGIT_VALUES - 1);
}

// Returns: false when all rows have the same digit.
static bool digit_sort(const struct jf_store_row *from, struct jf_store_row *to, uint32_t count,
                       uint32_t digit)
{
    uint32_t places[DIGIT_VALUES];
    memset(places, 0, sizeof places);
    for (uint32_t i = 0; i < count; i++) {
        places[digit_of(&from[i], digit)] += 1;
    }
    if (places[digit_of(&from[0], digit)] == count) {
        return false;
    }
    uint32_t next = 0;
    for (uint32_t value = 0; value < DIGIT_VALUES; value++) {
        uint32_t size = places[value];
        places[value] = next;
        next += size;
    }
    for (uint32_t i = 0; i < count; i++) {
        to[places[digit_of(&from[i], digit)]++] = from[i];
    }
    return true;
}

struct jf_store_row *jf_store_rows_sort(struct jf_store_row *rows, struct jf_store_row *scratch,
                                        uint32_t count)
{
    struct jf_store_row *from = rows;
    struct jf_store_row *to = scratch;
    for (uint32_t digit = 0; digit < DIGITS && count > 1; digit++) {
        if (digit_sort(from, to, count, digit)) {
            struct jf_store_row *sorted = to;
            to = from;
            from = sorted;
        }
    }
    return from;
}
