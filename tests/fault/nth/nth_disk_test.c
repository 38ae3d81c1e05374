// Claims about a ledger whose disk fails. Whichever file call or ring operation fails — refused, or
// done and said not to be, or short, or for lack of room — of making a ledger, or of opening one,
// of a day with every command and question, a change of segments, a checkpoint, and of closing: the
// ledger stops or refuses, and says so; started again it has everything that was acknowledged,
// once, and goes on.
//
// Each is refused, and fails in one of the other manners in turn. JF_NTH_ALL=1 in the environment:
// in every manner, which takes twice as long.
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "directory.h"
#include "nth.h"
#include "nth_drive.h"

#define FIRST_STEPS        6u  // of the day: programme, store, members
#define PADDING            64u // sales of one request
#define PADDINGS_MAX       4096u
#define PADDED_US          UINT64_C(600000000) // more than the clock went on while filling the journal
#define SEGMENT_BYTES      ((off_t)4 << 20)
#define ROOM_BYTES         ((off_t)96 << 10) // left in the first segment: some of the day goes there
#define LAST_PADDINGS      6u                // at the day's end, which go to the second
#define SEGMENT_PATH_BYTES (RIG_PATH_BYTES + 64)
// A run takes four times as long under AddressSanitizer, which looks for what is left behind.
#if defined(__SANITIZE_ADDRESS__)
#define STRIDE 4u
#else
#define STRIDE 1u
#endif

static const struct nth_plan manners[] = {
    {.kinds = NTH_FILE, .manner = NTH_REFUSED, .error = EIO},
    {.kinds = NTH_FILE, .manner = NTH_DONE_TOO, .error = EIO},
    {.kinds = NTH_FILE, .manner = NTH_SHORT, .error = EIO},
    {.kinds = NTH_FILE, .manner = NTH_REFUSED, .error = ENOSPC},
};

#define MANNERS (sizeof manners / sizeof manners[0])

static bool is_excused(enum jf_error error)
{
    return error == JF_ERROR_IO || error == JF_ERROR_NO_SPACE || error == JF_ERROR_CORRUPT;
}

static bool is_tried(uint64_t number, size_t manner)
{
    return manner == 0 || number % (MANNERS - 1) == manner - 1 || getenv("JF_NTH_ALL") != NULL;
}

// In: run: does it all once, with a plan. Returns: whether the call that fails was made.
static uint64_t every_operation_fails(bool (*run)(const struct nth_plan *plan))
{
    for (uint64_t number = 1;; number += STRIDE) {
        bool was_reached = false;
        for (size_t i = 0; i < MANNERS; i++) {
            struct nth_plan plan = manners[i];
            plan.first = number;
            was_reached = (is_tried(number, i) && run(&plan)) || was_reached;
        }
        if (!was_reached) {
            return number - 1;
        }
    }
}

// --- Making one.
// ----------------------------------------------------------------------------------

static bool making_fails(const struct nth_plan *plan)
{
    uint32_t progress = 0;
    char path[RIG_PATH_BYTES];
    struct nth_ledger ledger;
    rig_directory_make(path);
    nth_ledger_init(&ledger, path);
    nth_begin(plan);
    nth_drive_open(&ledger, is_excused);
    bool was_reached = nth_end();
    nth_drive_close(&ledger, is_excused);
    if (was_reached) {
        nth_drive_open(&ledger, is_excused);
        nth_drive_day(&ledger, is_excused, &progress, FIRST_STEPS, nth_day_step);
        cr_assert_eq(nth_ledger_close(&ledger), JF_OK, "%s", ledger.diagnosis.text);
    }
    nth_ledger_deinit(&ledger);
    rig_directory_remove(path);
    return was_reached;
}

Test(nth_disk, ledger_is_made_whichever_operation_of_making_it_fails)
{
    uint64_t operations = every_operation_fails(making_fails);
    cr_log_info("%llu operations", (unsigned long long)operations);
    cr_assert(operations > 40);
}

// --- A day.
// ---------------------------------------------------------------------------------------

static const struct jf_line line = {
    .sku = {"A1", 2}, .category = {"DRUG", 4}, .quantity_milli = 1000, .amount = 100};

// Sales that fill the journal.
static enum jf_error pad(struct nth_ledger *ledger, const char *name, uint32_t number)
{
    static struct jf_write writes[PADDING];
    static char ids[PADDING][32];
    memset(writes, 0, sizeof writes);
    for (uint32_t i = 0; i < PADDING; i++) {
        (void)snprintf(ids[i], sizeof ids[i], "%s-%u-%u", name, number, i);
        writes[i].command = nth_day_sale(ids[i], 2, &line);
    }
    return nth_day_write(ledger, name, writes, PADDING);
}

static void segment_path(const char *path, uint32_t number, char out_file[SEGMENT_PATH_BYTES])
{
    (void)snprintf(out_file, SEGMENT_PATH_BYTES, "%s/journal/segment-%016x.jfl", path, number);
}

// Bytes of the first segment that are not zero any more, to the end of a sector.
static off_t used_bytes(const char *path)
{
    char file[SEGMENT_PATH_BYTES];
    unsigned char sector[JF_SECTOR_BYTES];
    static const unsigned char zeros[JF_SECTOR_BYTES];
    segment_path(path, 1, file);
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    cr_assert(fd >= 0, "%s", file);
    off_t at = SEGMENT_BYTES;
    do {
        at -= (off_t)sizeof sector;
        cr_assert_eq(pread(fd, sector, sizeof sector, at), (ssize_t)sizeof sector);
    } while (at > 0 && memcmp(sector, zeros, sizeof sector) == 0);
    (void)close(fd);
    return at + (off_t)sizeof sector;
}

// A ledger whose first segment is nearly full, and whose second is yet to be made.
static void template_make(const char *path)
{
    uint32_t progress = 0;
    struct nth_ledger ledger;
    char file[SEGMENT_PATH_BYTES];
    nth_ledger_init(&ledger, path);
    cr_assert_eq(nth_ledger_open(&ledger), JF_OK, "%s", ledger.diagnosis.text);
    nth_drive_day(&ledger, is_excused, &progress, FIRST_STEPS, nth_day_step);
    uint32_t padded = 0;
    while (used_bytes(path) < SEGMENT_BYTES - ROOM_BYTES) {
        cr_assert(padded < PADDINGS_MAX);
        cr_assert_eq(pad(&ledger, "pad", padded++), JF_OK);
    }
    cr_assert_eq(nth_ledger_close(&ledger), JF_OK, "%s", ledger.diagnosis.text);
    nth_ledger_deinit(&ledger);
    segment_path(path, 2, file);
    (void)unlink(file);
}

static enum jf_error step(struct nth_ledger *ledger, uint32_t number)
{
    uint32_t steps = nth_day_steps();
    return number < steps ? nth_day_step(ledger, number) : pad(ledger, "last", number - steps);
}

static char template_path[RIG_PATH_BYTES];
static uint64_t whole_fingerprint; // 0: not known yet

static bool day_fails(const struct nth_plan *plan)
{
    uint32_t progress = 0;
    char path[RIG_PATH_BYTES];
    struct nth_ledger ledger;
    rig_directory_make(path);
    rig_directory_copy(template_path, path);
    nth_ledger_init(&ledger, path);
    atomic_fetch_add(&ledger.clock_us, PADDED_US);
    nth_begin(plan);
    nth_drive_open(&ledger, is_excused);
    nth_drive_day(&ledger, is_excused, &progress, nth_day_steps() + LAST_PADDINGS, step);
    nth_drive_close(&ledger, is_excused);
    bool was_reached = nth_end();
    nth_drive_open(&ledger, is_excused);
    uint64_t fingerprint = nth_ledger_fingerprint(&ledger);
    whole_fingerprint = whole_fingerprint == 0 ? fingerprint : whole_fingerprint;
    cr_assert_eq(fingerprint, whole_fingerprint, "%s", nth_what());
    cr_assert_eq(nth_ledger_close(&ledger), JF_OK, "%s", ledger.diagnosis.text);
    nth_ledger_deinit(&ledger);
    rig_directory_remove(path);
    return was_reached;
}

Test(nth_disk, ledger_is_the_same_whichever_operation_of_a_day_fails)
{
    struct nth_plan nothing = {.kinds = NTH_FILE, .first = UINT64_MAX, .error = EIO};
    rig_directory_make(template_path);
    template_make(template_path);
    cr_assert(!day_fails(&nothing));
    uint64_t operations = every_operation_fails(day_fails);
    cr_log_info("%llu operations", (unsigned long long)operations);
    cr_assert(operations > 40);
    rig_directory_remove(template_path);
}
