// Claims about a ledger whose memory runs out: whichever allocation of opening, of a day with every
// command and question, and of closing fails, the failure is said, what was asked again is done,
// and the ledger at the day's end is the same as without a failure, also after opening it again.
#include <criterion/criterion.h>

#include "directory.h"
#include "nth.h"
#include "nth_ledger.h"

#define OPENINGS_MAX 3u // by then the one failure has passed
// A run takes four times as long under AddressSanitizer, which looks for what is left behind.
#if defined(__SANITIZE_ADDRESS__)
#define STRIDE 4u
#else
#define STRIDE 1u
#endif

static void open_in_the_end(struct nth_ledger *ledger)
{
    for (uint32_t i = 0; i < OPENINGS_MAX; i++) {
        enum jf_error error = nth_ledger_open(ledger);
        if (error == JF_OK) {
            return;
        }
        cr_assert_eq(error, JF_ERROR_NO_MEMORY, "%s: %s: %s", nth_what(), jf_error_text(error),
                     ledger->diagnosis.text);
        cr_assert(ledger->diagnosis.text[0] != '\0', "%s", nth_what());
    }
    cr_assert_fail("%s: does not open: %s", nth_what(), ledger->diagnosis.text);
}

// A ledger that failed is closed and opened, as a supervisor would.
static void restart(struct nth_ledger *ledger)
{
    enum jf_error error = nth_ledger_close(ledger);
    cr_assert_eq(error, JF_ERROR_NO_MEMORY, "%s: %s: %s", nth_what(), jf_error_text(error),
                 ledger->diagnosis.text);
    open_in_the_end(ledger);
}

static void day(struct nth_ledger *ledger)
{
    uint32_t held_up = 0;
    for (uint32_t step = 0; step < nth_day_steps();) {
        enum jf_error error = nth_day_step(ledger, step);
        if (error == JF_OK) {
            step += 1;
            continue;
        }
        held_up += 1;
        cr_assert(held_up <= 2, "%s: %s is refused again", nth_what(), nth_day_name(step));
        cr_assert(error == JF_ERROR_NO_MEMORY || error == JF_ERROR_CLOSED, "%s: %s: %s", nth_what(),
                  nth_day_name(step), jf_error_text(error));
        if (error == JF_ERROR_CLOSED) {
            restart(ledger);
        }
    }
}

struct run {
    bool was_reached;
    uint64_t counted;
    uint64_t fingerprint;
};

static struct run run_with(uint64_t number)
{
    struct nth_plan plan = {.kinds = NTH_MEMORY, .first = number};
    char path[RIG_PATH_BYTES];
    struct nth_ledger ledger;
    struct run run;
    rig_directory_make(path);
    nth_ledger_init(&ledger, path);
    nth_begin(&plan);
    open_in_the_end(&ledger);
    day(&ledger);
    enum jf_error error = nth_ledger_close(&ledger);
    run.was_reached = nth_end();
    run.counted = nth_counted();
    cr_assert(error == JF_OK || (run.was_reached && error == JF_ERROR_NO_MEMORY), "%s: %s: %s",
              nth_what(), jf_error_text(error), ledger.diagnosis.text);
    open_in_the_end(&ledger);
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
