// Brings a ledger through a day while one call fails: restarts it where it has failed, asks again
// what was refused.
#ifndef JF_TESTS_NTH_DRIVE_H
#define JF_TESTS_NTH_DRIVE_H

#include "nth_ledger.h"

// Whether a failing call of the kind under test may be said so. Anything else fails the test.
typedef bool (*nth_is_excused)(enum jf_error error);

// Opens it; the first attempts may fail, each diagnosed with an error that is excused.
void nth_drive_open(struct nth_ledger *ledger, nth_is_excused is_excused);
// Goes on with step *progress, which is kept up to date. In: step: as nth_day_step.
void nth_drive_day(struct nth_ledger *ledger, nth_is_excused is_excused, uint32_t *progress,
                   uint32_t steps,
                   enum jf_error (*step)(struct nth_ledger *ledger, uint32_t number));
// Closes it; a failure must be excused.
void nth_drive_close(struct nth_ledger *ledger, nth_is_excused is_excused);

#endif
