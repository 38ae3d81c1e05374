// The happy path: lock and judge the journal, open DIR/state.rebuilding, replay into it what it
// does not hold yet, flush it, exchange it for the old state, sync, remove the old one. What an
// interrupted run left in state.rebuilding is a state like any other, as of some position: if the
// journal has the same entry there, it is gone on with, else it is made anew.
//
// Fails before the exchange in all cases but its own failure; `state` is then untouched.
#include "engine/rebuild.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "engine/clock.h"
#include "engine/effects_load.h"
#include "engine/replay.h"
#include "journal/local.h"
#include "journal/reader.h"

#define PATH_BYTES        4096u
#define RING_ENTRIES      64u
#define FLUSH_ENTRIES     250000u // what an interrupted run may lose
#define BLOCK_CACHE_BYTES ((uint64_t)32 << 20)
#define BEHIND_WAIT_US    1000u

struct rebuild {
    const struct jf_rebuild_config *config;
    struct jf_rebuild_result *result;
    struct jf_ring ring;
    struct jf_journal *journal; // locked and judged, never started
    struct jf_journal_opening opening;
    struct jf_effects effects; // over state.rebuilding
    char journal_directory[PATH_BYTES];
    char state_directory[PATH_BYTES];
    char new_directory[PATH_BYTES];
    char removing_directory[PATH_BYTES];
    char old_directory[PATH_BYTES];
};

// ---- Directories ----------------------------------------------------------------------

static enum jf_error path_make(const struct rebuild *run, const char *name, char *out_path,
                               struct jf_diagnosis *diagnosis)
{
    int size = snprintf(out_path, PATH_BYTES, "%s/%s", run->config->data_directory, name);
    return size > 0 && (uint32_t)size < PATH_BYTES
               ? JF_OK
               : jf_diagnose(diagnosis, JF_ERROR_INVALID, "data directory %.100s...: name too long",
                             run->config->data_directory);
}

static enum jf_error paths_make(struct rebuild *run, struct jf_diagnosis *diagnosis)
{
    const struct {
        const char *name;
        char *path;
    } paths[] = {
        {"journal", run->journal_directory},
        {"state", run->state_directory},
        {JF_REBUILD_DIRECTORY, run->new_directory},
        {JF_REMOVING_DIRECTORY, run->removing_directory},
        {JF_OLD_DIRECTORY, run->old_directory},
    };
    enum jf_error error = JF_OK;
    for (uint32_t i = 0; i < sizeof paths / sizeof paths[0] && error == JF_OK; i++) {
        error = path_make(run, paths[i].name, paths[i].path, diagnosis);
    }
    return error;
}

static bool is_there(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0;
}

static int file_remove(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    (void)type;
    (void)place;
    return remove(path);
}

static enum jf_error directory_remove(const char *path, struct jf_diagnosis *diagnosis)
{
    if (is_there(path) && nftw(path, file_remove, 16, FTW_DEPTH | FTW_PHYS) != 0) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "%s cannot be removed: %s", path,
                           strerror(errno));
    }
    return JF_OK;
}

static enum jf_error directory_move(const char *from, const char *to,
                                    struct jf_diagnosis *diagnosis)
{
    return rename(from, to) == 0
               ? JF_OK
               : jf_diagnose(diagnosis, JF_ERROR_IO, "%s cannot be renamed to %s: %s", from, to,
                             strerror(errno));
}

static enum jf_error directory_sync(const char *path, struct jf_diagnosis *diagnosis)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_synced = fd >= 0 && fsync(fd) == 0;
    enum jf_error error = is_synced ? JF_OK
                                    : jf_diagnose(diagnosis, JF_ERROR_IO, "%s cannot be synced: %s",
                                                  path, strerror(errno));
    if (fd >= 0) {
        close(fd);
    }
    return error;
}

// ---- The journal ----------------------------------------------------------------------

struct first_positions {
    uint64_t all;     // of journal and archive
    uint64_t journal; // of what the journal itself has
};

static void first_position_take(const struct jf_segment_summary *summary, void *context)
{
    struct first_positions *first = context;
    if (first->all == 0 && summary->has_blocks) {
        first->all = summary->first_position;
    }
    if (first->journal == 0 && summary->has_blocks && !summary->is_archived) {
        first->journal = summary->first_position;
    }
}

// From now on no ledger can be started here, and the journal's end is known.
static enum jf_error journal_take(struct rebuild *run, struct jf_diagnosis *diagnosis)
{
    struct jf_journal_config config = {.directory = run->journal_directory,
                                       .segment_bytes = JF_SEGMENT_BYTES_MIN,
                                       .must_exist = true};
    struct first_positions first = {0, 0};
    enum jf_error error = jf_ring_init(&run->ring, RING_ENTRIES, diagnosis);
    if (error == JF_OK) {
        error = jf_journal_local_lock(&config, &run->ring, &run->journal, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_journal_list_segments(run->journal_directory, first_position_take, &first,
                                         diagnosis);
    }
    if (error == JF_OK && first.all > 1) {
        error = jf_diagnose(diagnosis, JF_ERROR_GAP,
                            "the journal in %.200s begins at entry %llu: what came before has been "
                            "dropped, so the state cannot be made from it alone. Restore a backup, "
                            "which holds a state too",
                            run->journal_directory, (unsigned long long)first.all);
    }
    if (error == JF_OK) {
        // Archived segments are verified when they are read; an anchor is needed before the first.
        uint64_t from = first.journal > 1 ? first.journal + 1 : 1;
        error = jf_journal_local_judge(run->journal, from, &run->opening, diagnosis);
    }
    return error;
}

// ---- The new state --------------------------------------------------------------------

static void state_close(struct rebuild *run)
{
    struct jf_diagnosis ignored;
    (void)jf_state_close(run->effects.state, false, &ignored);
    jf_control_destroy(run->effects.control);
    jf_reference_destroy(run->effects.reference);
    run->effects = (struct jf_effects){.state = NULL};
}

static enum jf_error state_open(struct rebuild *run, struct jf_diagnosis *diagnosis)
{
    struct jf_state_config config = {.directory = run->new_directory,
                                     .cache_bytes = run->config->cache_bytes,
                                     .filter_bytes = run->config->filter_bytes,
                                     .write_buffer_bytes = run->config->cache_bytes,
                                     .block_cache_bytes = BLOCK_CACHE_BYTES,
                                     .generation_entries = JF_REPLAY_CHUNK,
                                     .generation_us = UINT64_MAX,
                                     .generations_max = 64,
                                     .flush_entries = FLUSH_ENTRIES,
                                     .flush_us = UINT64_MAX};
    memcpy(config.ledger_id, run->journal->ledger_id.bytes, sizeof config.ledger_id);
    enum jf_error error = jf_state_open(&config, &run->effects.state, diagnosis);
    if (error == JF_OK &&
        (jf_control_create(&run->effects.control) != JF_OK ||
         jf_reference_create(run->config->zone_directory, &run->effects.reference) != JF_OK)) {
        error = jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory to make the state anew");
    }
    if (error == JF_OK) {
        error = jf_effects_load(&run->effects, run->new_directory, diagnosis);
    }
    if (error != JF_OK) {
        state_close(run);
    }
    return error;
}

static enum jf_error reader_next(void *context, struct jf_journal_entry *out_entry,
                                 struct jf_diagnosis *diagnosis)
{
    return jf_journal_reader_next(context, out_entry, diagnosis);
}

// Whether the journal's entry at the state's position is the state's: else the state is of another
// history, such as that of a journal that a backup has replaced since.
static bool is_of_this_journal(const struct rebuild *run)
{
    uint64_t applied = jf_state_applied(run->effects.state);
    if (applied == 0 || applied > run->opening.last_position) {
        return applied == 0;
    }
    struct jf_arena arena;
    struct jf_journal_reader *reader = NULL;
    struct jf_journal_entry raw;
    struct jf_text stored = {NULL, 0};
    jf_arena_init(&arena, 65536, (size_t)4 << 20);
    bool is_same =
        jf_state_entry_read(run->effects.state, applied, &arena, &stored) == JF_OK &&
        jf_journal_reader_open(run->journal_directory, applied, &reader, NULL) == JF_OK &&
        jf_journal_reader_next(reader, &raw, NULL) == JF_OK && raw.position == applied &&
        jf_text_equal(stored, (struct jf_text){(const char *)raw.bytes, raw.size});
    jf_journal_reader_close(reader);
    jf_arena_deinit(&arena);
    return is_same;
}

static enum jf_error state_begin(struct rebuild *run, struct jf_diagnosis *diagnosis)
{
    bool is_left = is_there(run->new_directory);
    struct jf_diagnosis ignored = {.error = JF_OK};
    if (is_left && state_open(run, &ignored) == JF_OK) {
        if (is_of_this_journal(run)) {
            run->result->resumed_position = jf_state_applied(run->effects.state);
            return JF_OK;
        }
        state_close(run);
    }
    enum jf_error error = directory_remove(run->new_directory, diagnosis);
    return error == JF_OK ? state_open(run, diagnosis) : error;
}

static void ring_wake(void *context)
{
    jf_ring_wake(context);
}

static enum jf_error state_settle(struct rebuild *run, uint64_t position,
                                  struct jf_diagnosis *diagnosis)
{
    enum jf_error error = JF_OK;
    do {
        error = jf_state_turn(run->effects.state, run->effects.control, jf_clock_monotonic_us(),
                              position, diagnosis);
        if (error == JF_OK && jf_state_is_behind(run->effects.state)) {
            jf_ring_wait(&run->ring, BEHIND_WAIT_US, NULL, NULL);
        }
    } while (error == JF_OK && jf_state_is_behind(run->effects.state));
    return error;
}

static enum jf_error chunks_replay(struct rebuild *run, struct jf_journal_reader *reader,
                                   uint64_t first, struct jf_diagnosis *diagnosis)
{
    struct jf_replay_source source = {reader_next, reader};
    struct jf_replay replay;
    uint64_t last = run->opening.last_position;
    uint64_t position = first;
    enum jf_error error = jf_replay_init(&replay);
    bool is_end = false;
    while (error == JF_OK && !is_end) {
        error = jf_replay_gather(&replay, &source, last, &is_end, diagnosis);
        if (error == JF_OK && replay.count > 0) {
            error = jf_replay_apply(&replay, &run->effects, diagnosis);
            position = replay.last_position;
        }
        if (error == JF_OK) {
            error = state_settle(run, position, diagnosis);
        }
        if (error == JF_OK && run->config->report != NULL) {
            run->config->report(run->config->report_context, first, position, last);
        }
    }
    jf_replay_deinit(&replay);
    if (error == JF_OK && position != last) {
        error = jf_diagnose(diagnosis, JF_ERROR_GAP,
                            "the journal ends at entry %llu, and ended at %llu a moment ago",
                            (unsigned long long)position, (unsigned long long)last);
    }
    return error;
}

static enum jf_error journal_replay(struct rebuild *run, struct jf_diagnosis *diagnosis)
{
    uint64_t applied = jf_state_applied(run->effects.state);
    struct jf_journal_reader *reader = NULL;
    if (applied == run->opening.last_position) {
        return JF_OK;
    }
    enum jf_error error =
        jf_journal_reader_open(run->journal_directory, applied + 1, &reader, diagnosis);
    if (error == JF_OK) {
        error = chunks_replay(run, reader, applied, diagnosis);
    }
    jf_journal_reader_close(reader);
    return error;
}

// Everything on disk, and the state closed.
static enum jf_error state_finish(struct rebuild *run, struct jf_diagnosis *diagnosis)
{
    run->result->members = jf_control_counts(run->effects.control)->members;
    run->result->last_position = run->opening.last_position;
    jf_state_checkpoint(run->effects.state);
    enum jf_error error = JF_OK;
    while (error == JF_OK && jf_state_flushed(run->effects.state) < run->opening.last_position) {
        error = state_settle(run, run->opening.last_position, diagnosis);
        jf_ring_wait(&run->ring, BEHIND_WAIT_US, NULL, NULL);
    }
    if (error == JF_OK) {
        error = jf_state_close(run->effects.state, true, diagnosis);
        run->effects.state = NULL;
    }
    return error;
}

// ---- The exchange ---------------------------------------------------------------------

// Where the file system cannot exchange two names: between the two renames there is no `state`. A
// ledger that was started then would make one from the journal, and the next rebuild takes what is
// in state.rebuilding.
static enum jf_error names_move(struct rebuild *run, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = directory_move(run->state_directory, run->removing_directory, diagnosis);
    if (error == JF_OK) {
        error = directory_move(run->new_directory, run->state_directory, diagnosis);
        // The old state was in nobody's way. Where this fails too, a start makes one anew.
        if (error != JF_OK) {
            (void)rename(run->removing_directory, run->state_directory);
        }
    }
    return error;
}

// One step from the old state to the new one, so that there is one at every moment. The new one
// first takes the name of what may be removed: behind the exchange the old one has that name, and
// nobody takes it for a rebuild to go on with.
static enum jf_error names_exchange(struct rebuild *run, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = directory_move(run->new_directory, run->removing_directory, diagnosis);
    if (error != JF_OK || renameat2(AT_FDCWD, run->removing_directory, AT_FDCWD,
                                    run->state_directory, RENAME_EXCHANGE) == 0) {
        return error;
    }
    int code = errno;
    error = directory_move(run->removing_directory, run->new_directory, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    if (code == EINVAL || code == ENOSYS) {
        return names_move(run, diagnosis);
    }
    return jf_diagnose(diagnosis, JF_ERROR_IO, "%s and %s cannot be exchanged: %s",
                       run->new_directory, run->state_directory, strerror(code));
}

static enum jf_error exchange(struct rebuild *run, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = directory_remove(run->removing_directory, diagnosis);
    run->result->had_state = is_there(run->state_directory);
    if (error == JF_OK) {
        error = run->result->had_state
                    ? names_exchange(run, diagnosis)
                    : directory_move(run->new_directory, run->state_directory, diagnosis);
    }
    if (error == JF_OK) {
        error = directory_sync(run->config->data_directory, diagnosis);
    }
    if (error == JF_OK && run->config->is_old_kept && run->result->had_state) {
        return directory_move(run->removing_directory, run->old_directory, diagnosis);
    }
    return error == JF_OK ? directory_remove(run->removing_directory, diagnosis) : error;
}

static enum jf_error run_all(struct rebuild *run, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = paths_make(run, diagnosis);
    if (error == JF_OK && run->config->is_old_kept && is_there(run->old_directory)) {
        error = jf_diagnose(diagnosis, JF_ERROR_EXISTS,
                            "%s is there already: move it away, so that it can take the old state",
                            run->old_directory);
    }
    if (error == JF_OK) {
        error = journal_take(run, diagnosis);
    }
    if (error == JF_OK) {
        error = state_begin(run, diagnosis);
    }
    if (error == JF_OK) {
        jf_state_set_wake(run->effects.state, ring_wake, &run->ring);
        error = journal_replay(run, diagnosis);
    }
    if (error == JF_OK) {
        error = state_finish(run, diagnosis);
    }
    return error == JF_OK ? exchange(run, diagnosis) : error;
}

enum jf_error jf_rebuild_directory(const struct jf_rebuild_config *config,
                                   struct jf_rebuild_result *out_result,
                                   struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(config->data_directory != NULL);
    uint64_t started_us = jf_clock_monotonic_us();
    struct jf_rebuild_result result = {.last_position = 0};
    struct rebuild run = {.config = config, .result = &result};
    struct jf_diagnosis why = {.text = ""};
    enum jf_error error = run_all(&run, &why);
    state_close(&run);
    if (run.journal != NULL) {
        run.journal->operations->close(run.journal);
    }
    jf_ring_deinit(&run.ring);
    result.elapsed_us = jf_clock_monotonic_us() - started_us;
    if (error == JF_OK) {
        *out_result = result;
    } else {
        (void)jf_diagnose(diagnosis, error, "%s%s",
                          why.text[0] == '\0' ? "the state cannot be made anew: " : "",
                          why.text[0] == '\0' ? jf_error_text(error) : why.text);
    }
    return error;
}
