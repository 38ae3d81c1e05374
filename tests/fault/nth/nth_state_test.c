// Claims about a ledger whose state database meets a failing disk: whichever write, sync or rename
// of RocksDB fails — of making its files, of a checkpoint in the middle of a day, of closing — the
// ledger stops and says so, or RocksDB ends the process by an assertion of its own (Debian builds
// it with them); started again it has everything that was acknowledged, once.
//
// With JF_NTH_ALL=1 in the environment each fails with EIO and for lack of room; without, each
// second and each fourth.
// Every ledger is opened in a process of its own, since RocksDB's threads outlive a ledger and are
// not there in a child.
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "directory.h"
#include "nth.h"
#include "nth_drive.h"

#define IO_STRIDE       2u
#define NO_SPACE_STRIDE 4u
// A run takes four times as long under AddressSanitizer, which looks for what is left behind.
#if defined(__SANITIZE_ADDRESS__)
#define SLOWDOWN 4u
#else
#define SLOWDOWN 1u
#endif

// What the processes tell each other.
struct run {
    char path[RIG_PATH_BYTES];
    struct nth_plan plan;
    uint32_t progress; // steps of the day that were acknowledged
    bool was_reached;
    bool is_through; // the process came to its end
    uint64_t fingerprint;
};

static struct run *running; // in a process that meets a failure

// A database that met a full disk stays open as long as its process: here the day of that process
// ends, as jifend does.
static void end_where_left_open(enum jf_error error)
{
    if (error == JF_ERROR_LOCKED) {
        running->was_reached = nth_end();
        running->is_through = true;
        _exit(EXIT_SUCCESS);
    }
}

static bool is_excused(enum jf_error error)
{
    end_where_left_open(error);
    return error == JF_ERROR_STATE || error == JF_ERROR_NO_SPACE || error == JF_ERROR_IO;
}

static bool is_never_excused(enum jf_error error)
{
    (void)error;
    return false;
}

static void day_with_failure(struct run *run)
{
    struct nth_ledger ledger;
    running = run;
    nth_ledger_init(&ledger, run->path);
    nth_begin(&run->plan);
    nth_drive_open(&ledger, is_excused);
    nth_drive_day(&ledger, is_excused, &run->progress, nth_day_steps(), nth_day_step);
    nth_drive_close(&ledger, is_excused);
    run->was_reached = nth_end();
    nth_ledger_deinit(&ledger);
}

static void rest_of_day(struct run *run)
{
    struct nth_ledger ledger;
    nth_ledger_init(&ledger, run->path);
    nth_drive_open(&ledger, is_never_excused);
    nth_drive_day(&ledger, is_never_excused, &run->progress, nth_day_steps(), nth_day_step);
    run->fingerprint = nth_ledger_fingerprint(&ledger);
    cr_assert_eq(nth_ledger_close(&ledger), JF_OK, "%s", ledger.diagnosis.text);
    nth_ledger_deinit(&ledger);
}

// Returns: whether the process ended by itself; else it was RocksDB that ended it.
static bool in_a_process(struct run *run, void (*part)(struct run *run), bool is_quiet)
{
    int status = 0;
    run->is_through = false;
    pid_t child = fork();
    cr_assert(child >= 0);
    if (child == 0) {
        int nowhere = is_quiet ? open("/dev/null", O_WRONLY) : -1;
        (void)(nowhere >= 0 && dup2(nowhere, STDERR_FILENO));
        part(run);
        run->is_through = true;
        _exit(EXIT_SUCCESS);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    bool has_aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    cr_assert(run->is_through || (is_quiet && has_aborted), "operation %llu: status %x",
              (unsigned long long)run->plan.first, (unsigned)status);
    return run->is_through;
}

struct counts {
    uint64_t operations;
    uint64_t aborts;
    uint64_t fingerprint; // of a day without failure; 0: not known yet
};

static bool day_fails(struct run *run, struct counts *counts)
{
    rig_directory_make(run->path);
    run->progress = 0;
    run->was_reached = true;
    bool is_aborted = !in_a_process(run, day_with_failure, true);
    (void)in_a_process(run, rest_of_day, false);
    counts->aborts += is_aborted ? 1 : 0;
    counts->fingerprint = counts->fingerprint == 0 ? run->fingerprint : counts->fingerprint;
    cr_assert_eq(run->fingerprint, counts->fingerprint, "operation %llu",
                 (unsigned long long)run->plan.first);
    rig_directory_remove(run->path);
    return run->was_reached;
}

static void every_operation_fails(int error, uint64_t stride)
{
    struct counts counts = {.operations = 0};
    struct run *run =
        mmap(NULL, sizeof *run, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(run, MAP_FAILED);
    run->plan = (struct nth_plan){.kinds = NTH_STATE, .first = UINT64_MAX, .error = error};
    cr_assert(!day_fails(run, &counts));
    for (run->plan.first = 1; day_fails(run, &counts); run->plan.first += stride) {
        counts.operations += 1;
    }
    cr_log_info("%llu operations failed, RocksDB ended the process %llu times",
                (unsigned long long)counts.operations, (unsigned long long)counts.aborts);
    cr_assert(counts.operations * stride > 100); // a day has some 160
    (void)munmap(run, sizeof *run);
}

static uint64_t stride_of(uint64_t usual)
{
    return getenv("JF_NTH_ALL") != NULL ? 1 : usual * SLOWDOWN;
}

Test(nth_state, ledger_is_the_same_whichever_operation_of_rocksdb_fails)
{
    every_operation_fails(EIO, stride_of(IO_STRIDE));
}

Test(nth_state, ledger_is_the_same_whichever_operation_of_rocksdb_finds_no_room)
{
    every_operation_fails(ENOSPC, stride_of(NO_SPACE_STRIDE));
}
