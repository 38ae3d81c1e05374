// Claims about what keeps a ledger: whichever allocation, file operation or write of RocksDB of a
// backup, a restore, an archiving or a rebuild fails, it ends with an error that says why, and what
// was there before is there still; the same call again comes to its end, and the ledger ties.
//
// With JF_NTH_ALL=1 in the environment each call fails; without, some, spread over all.
// Every part runs in a process of its own: RocksDB's threads are not there in a child, and it ends
// some by an assertion of its own.
#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hash.h"
#include "directory.h"
#include "engine/archive.h"
#include "engine/backup.h"
#include "engine/jobs.h"
#include "engine/rebuild.h"
#include "engine/restore.h"
#include "journal/reader.h"
#include "nth.h"
#include "nth_drive.h"

#define MIB          ((uint64_t)1 << 20)
#define DESCRIPTORS  32
#define FIRST_STEPS  10u  // of the day, before the first backup
#define PADDING      32u  // sales of one request
#define PADDED_LINES 400u // of each of them: bytes that are soon replayed
#define PADDINGS_MAX 4096u
#define PATH_BYTES   (RIG_PATH_BYTES + 32)

// A run takes longer under AddressSanitizer, which looks for what is left behind.
#if defined(__SANITIZE_ADDRESS__)
#define SLOWDOWN 4u
#else
#define SLOWDOWN 1u
#endif

struct place {
    char data[PATH_BYTES];
    char backup[PATH_BYTES];
    char restored[PATH_BYTES];
};

struct task {
    const char *name;
    // Out: digest: of the ledger that it makes, where it tells one.
    enum jf_error (*run)(const struct place *place, unsigned char digest[16],
                         struct jf_diagnosis *diagnosis);
    const char *untouched; // the same as before, whatever happens
    const char *valid; // a ledger that ties, a journal or a backup that is whole, whatever happens
    uint32_t segments; // of the ledger that it begins with
    uint64_t memory_stride;
    uint64_t file_stride;
    uint64_t state_stride; // 0: RocksDB writes nothing
};

// What the processes tell each other.
struct run {
    const struct task *task;
    char path[RIG_PATH_BYTES];
    struct nth_plan plan;
    bool was_reached;
    bool is_through; // the process came to its end
    enum jf_error error;
    char what[256];
    char text[JF_DIAGNOSIS_TEXT_MAX];
    unsigned char digest[16];
};

// ---- What is done ---------------------------------------------------------------------

static enum jf_error backup(const struct place *place, unsigned char digest[16],
                            struct jf_diagnosis *diagnosis)
{
    (void)digest;
    struct jf_backup_input input = {.source = place->data,
                                    .directory = place->backup,
                                    .until_position = UINT64_MAX,
                                    .taken_us = UINT64_C(1781600000000000)};
    struct jf_backup_result result;
    return jf_backup_take(&input, &result, diagnosis);
}

static enum jf_error restore(const struct place *place, unsigned char digest[16],
                             struct jf_diagnosis *diagnosis)
{
    struct jf_restore_input input = {.backup = place->backup,
                                     .data = place->restored,
                                     .to_position = UINT64_MAX,
                                     .to_time_us = UINT64_MAX};
    struct jf_restore_result result;
    enum jf_error error = jf_restore_run(&input, &result, diagnosis);
    if (error == JF_OK) {
        memcpy(digest, result.digest, 16);
    }
    return error;
}

static void on_archive(void *context, const char *stage, uint64_t done, uint64_t total)
{
    (void)context;
    (void)stage;
    (void)done;
    (void)total;
}

static enum jf_error archive(const struct place *place, unsigned char digest[16],
                             struct jf_diagnosis *diagnosis)
{
    (void)digest;
    struct jf_archive_result result;
    return jf_archive_directory(place->data, NULL, on_archive, NULL, &result, diagnosis);
}

static enum jf_error rebuild(const struct place *place, unsigned char digest[16],
                             struct jf_diagnosis *diagnosis)
{
    (void)digest;
    struct jf_rebuild_config config = {
        .data_directory = place->data, .cache_bytes = 4 * MIB, .filter_bytes = MIB / 4};
    struct jf_rebuild_result result;
    return jf_rebuild_directory(&config, &result, diagnosis);
}

// ---- Processes ------------------------------------------------------------------------

static void place_of(const char *path, struct place *out_place)
{
    (void)snprintf(out_place->data, PATH_BYTES, "%s/data", path);
    (void)snprintf(out_place->backup, PATH_BYTES, "%s/backup", path);
    (void)snprintf(out_place->restored, PATH_BYTES, "%s/restored", path);
}

// Returns: whether the process ended by itself; else it was RocksDB that ended it.
static bool in_a_process(struct run *run, void (*part)(struct run *run))
{
    int status = 0;
    bool may_abort = (run->plan.kinds & NTH_STATE) != 0;
    run->is_through = false;
    pid_t child = fork();
    cr_assert(child >= 0);
    if (child == 0) {
        int nowhere = may_abort ? open("/dev/null", O_WRONLY) : -1;
        (void)(nowhere >= 0 && dup2(nowhere, STDERR_FILENO));
        part(run);
        run->is_through = true;
        _exit(EXIT_SUCCESS);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    bool has_aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    cr_assert(run->is_through || (may_abort && has_aborted), "%s: call %llu: status %x",
              run->task->name, (unsigned long long)run->plan.first, (unsigned)status);
    return run->is_through;
}

static void with_failure(struct run *run)
{
    struct jf_diagnosis diagnosis = {.text = ""};
    struct place place;
    place_of(run->path, &place);
    nth_begin(&run->plan);
    run->error = run->task->run(&place, run->digest, &diagnosis);
    run->was_reached = nth_end();
    (void)snprintf(run->what, sizeof run->what, "%s", nth_what());
    memcpy(run->text, diagnosis.text, sizeof run->text);
}

static void again(struct run *run)
{
    struct jf_diagnosis diagnosis = {.text = ""};
    struct place place;
    place_of(run->path, &place);
    run->error = run->task->run(&place, run->digest, &diagnosis);
    memcpy(run->text, diagnosis.text, sizeof run->text);
}

static void ledger_verify(struct run *run, const char *name)
{
    struct jf_diagnosis diagnosis = {.text = ""};
    struct jf_job_progress result;
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", run->path, name);
    run->error = jf_verify_directory(path, NULL, NULL, &result, &diagnosis);
    memcpy(run->text, diagnosis.text, sizeof run->text);
    if (run->error == JF_OK && !result.ties) {
        run->error = JF_ERROR_CORRUPT;
        (void)snprintf(run->text, sizeof run->text, "%.500s", result.difference);
    }
    memcpy(run->digest, result.digest, sizeof run->digest);
}

// Every entry, from journal and archive.
static void journal_read(struct run *run)
{
    struct jf_diagnosis diagnosis = {.text = ""};
    struct jf_journal_reader *reader = NULL;
    struct jf_journal_entry entry;
    struct jf_hash128 sum = {0, 0};
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", run->path, run->task->valid);
    enum jf_error error = jf_journal_reader_open(path, 1, &reader, &diagnosis);
    while (error == JF_OK) {
        error = jf_journal_reader_next(reader, &entry, &diagnosis);
        if (error == JF_OK) {
            sum = jf_hash128_add(sum, jf_hash128(entry.bytes, entry.size));
        }
    }
    jf_journal_reader_close(reader);
    run->error = error == JF_ERROR_NOT_FOUND ? JF_OK : error;
    memcpy(run->text, diagnosis.text, sizeof run->text);
    memcpy(run->digest, &sum, sizeof run->digest);
}

static void valid_verify(struct run *run)
{
    struct jf_diagnosis diagnosis = {.text = ""};
    struct jf_backup_result result;
    struct place place;
    if (strcmp(run->task->valid, "data/journal") == 0) {
        journal_read(run);
        return;
    }
    if (strcmp(run->task->valid, "backup") != 0) {
        ledger_verify(run, run->task->valid);
        return;
    }
    place_of(run->path, &place);
    run->error = jf_backup_check(place.backup, NULL, NULL, &result, &diagnosis);
    memcpy(run->text, diagnosis.text, sizeof run->text);
}

// ---- The ledger -----------------------------------------------------------------------

static bool is_never_excused(enum jf_error error)
{
    (void)error;
    return false;
}

static void pad(struct nth_ledger *ledger, uint32_t number)
{
    static struct jf_write writes[PADDING];
    static struct jf_line lines[PADDED_LINES];
    static char ids[PADDING][32];
    for (uint32_t i = 0; i < PADDED_LINES; i++) {
        lines[i] = (struct jf_line){
            .sku = {"A1", 2}, .category = {"DRUG", 4}, .quantity_milli = 1000, .amount = 100};
    }
    memset(writes, 0, sizeof writes);
    for (uint32_t i = 0; i < PADDING; i++) {
        (void)snprintf(ids[i], sizeof ids[i], "pad-%u-%u", number, i);
        writes[i].command = nth_day_sale(ids[i], 2, lines);
        writes[i].command.as.sale.receipt.lines = lines;
        writes[i].command.as.sale.receipt.line_count = PADDED_LINES;
    }
    cr_assert_eq(nth_day_write(ledger, "pad", writes, PADDING), JF_OK);
}

static bool has_segment(const char *data, uint32_t number)
{
    char path[PATH_BYTES + 64];
    (void)snprintf(path, sizeof path, "%s/journal/segment-%016x.jfl", data, number);
    return access(path, F_OK) == 0;
}

// A day in two parts, and a backup of the first.
static void template_make(struct run *run)
{
    struct nth_ledger ledger;
    struct place place;
    uint32_t progress = 0;
    uint32_t steps[] = {FIRST_STEPS, nth_day_steps()};
    struct jf_diagnosis diagnosis = {.text = ""};
    place_of(run->path, &place);
    cr_assert_eq(mkdir(place.data, 0750), 0);
    nth_ledger_init(&ledger, place.data);
    for (uint32_t i = 0; i < 2; i++) {
        nth_drive_open(&ledger, is_never_excused);
        nth_drive_day(&ledger, is_never_excused, &progress, steps[i], nth_day_step);
        // The one behind the last that has entries is there already.
        for (uint32_t at = 0;
             i == 1 && run->task->segments > 1 && !has_segment(place.data, run->task->segments + 1);
             at++) {
            cr_assert(at < PADDINGS_MAX);
            pad(&ledger, at);
        }
        nth_drive_close(&ledger, is_never_excused);
        if (i == 0) {
            cr_assert_eq(backup(&place, run->digest, &diagnosis), JF_OK, "%s", diagnosis.text);
        }
    }
    nth_ledger_deinit(&ledger);
}

// nftw takes no context.
static uint64_t tree_sum;

static int file_add(const char *path, const struct stat *status, int type, struct FTW *place)
{
    bool is_lock = strcmp(path + place->base, "LOCK") == 0;
    if (type != FTW_F || is_lock) {
        return 0;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    cr_assert(fd >= 0, "%s", path);
    uint64_t hash = jf_hash64(path + place->base, strlen(path + place->base));
    if (status->st_size > 0) {
        void *bytes = mmap(NULL, (size_t)status->st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        cr_assert_neq(bytes, MAP_FAILED);
        hash ^= jf_hash64(bytes, (size_t)status->st_size) * 3;
        (void)munmap(bytes, (size_t)status->st_size);
    }
    (void)close(fd);
    tree_sum += hash;
    return 0;
}

static uint64_t tree_of(const struct run *run, const char *name)
{
    char path[PATH_BYTES];
    tree_sum = 0;
    (void)snprintf(path, sizeof path, "%s/%s", run->path, name);
    cr_assert_eq(nftw(path, file_add, DESCRIPTORS, FTW_PHYS), 0, "%s", path);
    return tree_sum;
}

// ---- The claims -----------------------------------------------------------------------

static char template_path[RIG_PATH_BYTES];

static bool is_excused(const struct run *run)
{
    if (run->plan.kinds == NTH_MEMORY) {
        return run->error == JF_ERROR_NO_MEMORY;
    }
    return run->error == JF_ERROR_IO || run->error == JF_ERROR_NO_SPACE ||
           run->error == JF_ERROR_CORRUPT || run->error == JF_ERROR_STATE;
}

static void assert_went(const struct run *run, const char *what)
{
    cr_assert_eq(run->error, JF_OK, "%s: %s: %s: %s: %s", run->task->name, run->what, what,
                 jf_error_text(run->error), run->text);
}

// Once, with a plan. In: digest of the ledger; all zeros: not known yet. Returns: whether the call
// that fails was made.
static bool run_with(struct run *run, unsigned char digest[16])
{
    static const unsigned char unknown[16];
    rig_directory_make(run->path);
    rig_directory_copy(template_path, run->path);
    uint64_t before = tree_of(run, run->task->untouched);
    uint64_t valid_before = tree_of(run, run->task->valid);
    run->was_reached = true;
    run->what[0] = '\0';
    bool has_ended = in_a_process(run, with_failure);
    if (has_ended && run->error != JF_OK) {
        cr_assert(run->was_reached && is_excused(run), "%s: %s: %s: %s", run->task->name, run->what,
                  jf_error_text(run->error), run->text);
        cr_assert(run->text[0] != '\0', "%s: %s: ends without a word", run->task->name, run->what);
    }
    bool was_reached = run->was_reached;
    struct place place;
    place_of(run->path, &place);
    // A ledger that has its name and could not be synced is made, too.
    bool is_made = (has_ended && run->error == JF_OK) || access(place.restored, F_OK) == 0;
    cr_assert_eq(tree_of(run, run->task->untouched), before, "%s: %s: %s was changed",
                 run->task->name, run->what, run->task->untouched);
    if (tree_of(run, run->task->valid) != valid_before) {
        (void)in_a_process(run, valid_verify);
        assert_went(run, "what was there before");
    }
    if (!is_made) {
        (void)in_a_process(run, again);
        assert_went(run, "again");
    }
    (void)in_a_process(run, valid_verify);
    assert_went(run, "what it made");
    if (memcmp(digest, unknown, sizeof unknown) == 0) {
        memcpy(digest, run->digest, sizeof unknown);
    }
    cr_assert(memcmp(digest, run->digest, sizeof unknown) == 0, "%s: %s: another digest",
              run->task->name, run->what);
    rig_directory_remove(run->path);
    return was_reached;
}

static void every_call_fails(struct run *run, const struct nth_plan *plan, uint64_t stride,
                             unsigned char digest[16])
{
    bool is_all = getenv("JF_NTH_ALL") != NULL;
    run->plan = *plan;
    for (run->plan.first = 1; run_with(run, digest);) {
        run->plan.first += is_all ? 1 : stride * SLOWDOWN;
    }
    cr_log_info("%s: kind %u, error %d: %llu calls", run->task->name, plan->kinds, plan->error,
                (unsigned long long)run->plan.first - 1);
    cr_assert(run->plan.first > 10);
}

static void task_fails(const struct task *task)
{
    struct run *run =
        mmap(NULL, sizeof *run, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    unsigned char digest[16] = {0};
    struct nth_plan memory = {.kinds = NTH_MEMORY};
    struct nth_plan file = {.kinds = NTH_FILE, .error = EIO};
    struct nth_plan file_full = {.kinds = NTH_FILE, .manner = NTH_SHORT, .error = ENOSPC};
    struct nth_plan state = {.kinds = NTH_STATE, .error = EIO};
    cr_assert_neq(run, MAP_FAILED);
    run->task = task;
    rig_directory_make(template_path);
    memcpy(run->path, template_path, sizeof run->path);
    (void)in_a_process(run, template_make);
    every_call_fails(run, &memory, task->memory_stride, digest);
    every_call_fails(run, &file, task->file_stride, digest);
    every_call_fails(run, &file_full, task->file_stride + 1, digest);
    if (task->state_stride > 0) {
        every_call_fails(run, &state, task->state_stride, digest);
    }
    rig_directory_remove(template_path);
    (void)munmap(run, sizeof *run);
}

Test(nth_copies, backup_is_the_old_or_the_new_one_whichever_call_fails)
{
    task_fails(&(struct task){"backup", backup, "data", "backup", 1, 23, 29, 0});
}

Test(nth_copies, restore_leaves_its_backup_whichever_call_fails)
{
    task_fails(&(struct task){"restore", restore, "backup", "backup", 1, 149, 151, 199});
}

Test(nth_copies, archiving_leaves_a_whole_ledger_whichever_call_fails)
{
    task_fails(&(struct task){"archive", archive, "data/state", "data/journal", 3, 11, 13, 0});
}

Test(nth_copies, rebuild_leaves_the_journal_and_a_state_whichever_call_fails)
{
    task_fails(&(struct task){"rebuild", rebuild, "data/journal", "data", 1, 43, 37, 61});
}
