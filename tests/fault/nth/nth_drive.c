// The supervisor and the till in one: whoever fails is started again, whoever is refused asks
// again. One failure can hold up no more than one step twice.
#include "nth_drive.h"

#include <criterion/criterion.h>
#include <stdatomic.h>

#include "nth.h"

#define OPENINGS_MAX 3u       // by then the one failure has passed
#define HELD_UP_MAX  3u       // it is refused, the ledger fails, it is looked at again
#define SPACE_US     2000000u // after which a journal without room looks again

void nth_drive_open(struct nth_ledger *ledger, nth_is_excused is_excused)
{
    for (uint32_t i = 0; i < OPENINGS_MAX; i++) {
        enum jf_error error = nth_ledger_open(ledger);
        if (error == JF_OK) {
            return;
        }
        cr_assert(is_excused(error), "%s: %s: %s", nth_what(), jf_error_text(error),
                  ledger->diagnosis.text);
        cr_assert(ledger->diagnosis.text[0] != '\0', "%s", nth_what());
    }
    cr_assert_fail("%s: does not open: %s", nth_what(), ledger->diagnosis.text);
}

void nth_drive_close(struct nth_ledger *ledger, nth_is_excused is_excused)
{
    enum jf_error error = nth_ledger_close(ledger);
    cr_assert(error == JF_OK || is_excused(error), "%s: closing: %s: %s", nth_what(),
              jf_error_text(error), ledger->diagnosis.text);
}

void nth_drive_day(struct nth_ledger *ledger, nth_is_excused is_excused, uint32_t *progress,
                   uint32_t steps,
                   enum jf_error (*step)(struct nth_ledger *ledger, uint32_t number))
{
    uint32_t held_up = 0;
    while (*progress < steps) {
        enum jf_error error = step(ledger, *progress);
        if (error == JF_OK) {
            *progress += 1;
            continue;
        }
        held_up += 1;
        cr_assert(held_up <= HELD_UP_MAX, "%s: step %u is refused again: %s", nth_what(), *progress,
                  jf_error_text(error));
        cr_assert(error == JF_ERROR_CLOSED || is_excused(error), "%s: step %u: %s", nth_what(),
                  *progress, jf_error_text(error));
        if (error == JF_ERROR_CLOSED) {
            nth_drive_close(ledger, is_excused);
            nth_drive_open(ledger, is_excused);
        } else if (error == JF_ERROR_NO_SPACE) {
            atomic_fetch_add(&ledger->clock_us, SPACE_US);
        }
    }
}
