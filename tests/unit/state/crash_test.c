// Claims about kills: whatever the moment, the database holds the state as of one position, every
// id up to it is known and none after it, and going on from there ends where an undisturbed run
// ends. Every opening is a process of its own, because RocksDB's threads do not survive a fork.
#include <criterion/criterion.h>

#include <stdlib.h>
#include <unistd.h>

#include "support.h"

struct run {
    struct support_directory directory;
    struct jf_state_config config;
    uint64_t until;    // stop (and die) there
    bool is_flushing;  // settle on disk before dying
    bool is_verifying; // check everything after opening
    uint64_t applied_min;
    uint64_t applied_max;
};

static void run_and_die(void *context)
{
    const struct run *run = context;
    struct jf_diagnosis diagnosis = {0};
    struct support_ledger ledger;
    REQUIRE(support_open(&ledger, &run->config, NULL, &diagnosis) == JF_OK);
    REQUIRE(ledger.position >= run->applied_min);
    REQUIRE(ledger.position <= run->applied_max);
    if (run->is_verifying) {
        support_verify(&ledger);
    }
    if (run->until > ledger.position) {
        support_steps(&ledger, run->until);
    }
    if (run->is_flushing) {
        support_settle(&ledger, true);
    }
    _exit(0);
}

static struct run run_make(void)
{
    struct run run = {.directory = support_directory_make()};
    run.config = support_config(&run.directory);
    return run;
}

Test(crash, what_was_not_flushed_is_gone_as_a_whole)
{
    struct run run = run_make();
    run.config.directory = run.directory.path;
    run.until = 100;
    run.is_flushing = true;
    cr_assert(support_child(run_and_die, &run));
    run.applied_min = 100;
    run.applied_max = 100;
    run.is_verifying = true;
    run.is_flushing = false;
    run.until = 190; // stored, not flushed
    cr_assert(support_child(run_and_die, &run));
    run.until = 0;
    cr_assert(support_child(run_and_die, &run));
    support_directory_remove(&run.directory);
}

// Write buffers of 256 KiB make RocksDB flush by itself, between and within saves of the filter.
static void kills_survive(uint32_t seed, bool is_inline)
{
    struct run run = run_make();
    run.config.directory = run.directory.path;
    run.config.write_buffer_bytes = 256 << 10;
    run.config.is_inline = is_inline;
    run.config.generation_entries = 1 + seed % 13;
    run.config.flush_entries = seed % 3 == 0 ? 70 : 1000000000;
    run.is_verifying = true;
    srand(seed);
    uint64_t reached = 0;
    for (uint32_t round = 0; round < 9; round++) {
        reached += (uint64_t)(rand() % 400);
        run.until = reached;
        run.applied_max = reached;
        run.is_flushing = rand() % 4 == 0;
        cr_assert(support_child(run_and_die, &run), "seed %u, round %u", seed, round);
        run.applied_min = run.is_flushing ? reached : run.applied_min;
    }
    run.is_flushing = true;
    cr_assert(support_child(run_and_die, &run), "seed %u, end", seed);
    run.applied_min = reached;
    cr_assert(support_child(run_and_die, &run), "seed %u, after the end", seed);
    support_directory_remove(&run.directory);
}

Test(crash, kills_at_any_step_leave_one_position)
{
    for (uint32_t seed = 1; seed <= 3; seed++) {
        kills_survive(seed, true);
    }
}

Test(crash, kills_beside_the_store_thread_leave_one_position)
{
    for (uint32_t seed = 11; seed <= 13; seed++) {
        kills_survive(seed, false);
    }
}

static void reach_and_die_after_automatic_flush(void *context)
{
    const struct run *run = context;
    struct jf_diagnosis diagnosis = {0};
    struct support_ledger ledger;
    REQUIRE(support_open(&ledger, &run->config, NULL, &diagnosis) == JF_OK);
    support_steps(&ledger, run->until);
    _exit(0);
}

static void require_automatic_flush(void *context)
{
    const struct run *run = context;
    struct jf_diagnosis diagnosis = {0};
    struct support_ledger ledger;
    REQUIRE(support_open(&ledger, &run->config, NULL, &diagnosis) == JF_OK);
    REQUIRE(ledger.position > 0);
    support_verify(&ledger);
    _exit(0);
}

Test(crash, automatic_flush_before_the_first_save_of_the_filter_loses_no_id)
{
    struct run run = run_make();
    run.config.directory = run.directory.path;
    run.config.write_buffer_bytes = 256 << 10;
    run.config.filter_bytes = 1 << 20; // its pages are never due here
    run.until = 3000;
    cr_assert(support_child(reach_and_die_after_automatic_flush, &run));
    cr_assert(support_child(require_automatic_flush, &run));
    support_directory_remove(&run.directory);
}
