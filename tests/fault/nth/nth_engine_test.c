// Claims about a ledger whose memory runs out: whichever allocation of opening, of a day with every
// command and question, and of closing fails, the failure is said, what was asked again is done,
// and the ledger at the day's end is the same as without a failure, also after opening it again.
#include <criterion/criterion.h>

#include "directory.h"
#include "nth.h"
#include "nth_drive.h"

// A run takes four times as long under AddressSanitizer, which looks for what is left behind.
#if defined(__SANITIZE_ADDRESS__)
#define STRIDE 4u
#else
#define STRIDE 1u
#endif

static bool is_excused(enum jf_error error)
{
    return error == JF_ERROR_NO_MEMORY;
}

struct run {
    bool was_reached;
    uint64_t counted;
    uint64_t fingerprint;
};

static struct run run_with(uint64_t number)
{
    struct nth_plan plan = {.kinds = NTH_MEMORY, .first = number};
    uint32_t progress = 0;
    char path[RIG_PATH_BYTES];
    struct nth_ledger ledger;
    struct run run;
    rig_directory_make(path);
    nth_ledger_init(&ledger, path);
    nth_begin(&plan);
    nth_drive_open(&ledger, is_excused);
    nth_drive_day(&ledger, is_excused, &progress, nth_day_steps(), nth_day_step);
    nth_drive_close(&ledger, is_excused);
    run.was_reached = nth_end();
    run.counted = nth_counted();
    nth_drive_open(&ledger, is_excused);
    run.fingerprint = nth_ledger_fingerprint(&ledger);
    cr_assert_eq(nth_ledger_close(&ledger), JF_OK, "%s", ledger.diagnosis.text);
    nth_ledger_deinit(&ledger);
    rig_directory_remove(path);
    return run;
}

Test(nth_engine, ledger_is_the_same_whichever_allocation_of_a_day_fails)
{
    struct run whole = run_with(UINT64_MAX);
    cr_log_info("%llu allocations in a day", (unsigned long long)whole.counted);
    for (uint64_t number = 1;; number += STRIDE) {
        struct run run = run_with(number);
        cr_assert_eq(run.fingerprint, whole.fingerprint, "%s", nth_what());
        if (!run.was_reached) {
            break;
        }
    }
}
