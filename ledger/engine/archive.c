// The happy path, for each segment from the oldest on: its successor begins at or below what the
// state has on disk, so that recovery needs it no more; it is put into the archive and compared;
// the superblock says that the journal begins behind it; its file is removed. In that order: until
// the superblock says so, the segment is the journal's.
//
// Fails where the archive holds something else under that name (another ledger's, or the same one's
// of before a restore), where there is no room, where the segment itself is damaged.
#include "engine/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/engine_private.h"
#include "engine/file_copy.h"
#include "journal/archive.h"
#include "journal/superblock.h"
#include "journal/walk.h"
#include "state/state.h"

#define PATH_BYTES   4096u
#define LOOK_NS      100000000 // how soon a new segment, or a stop, is noticed
#define FAILED_LOOKS 100u      // looks to wait after a failure: ten seconds
#define LINK_NAME    JF_ARCHIVE_FOLDER

// ---- The place ------------------------------------------------------------------------

static enum jf_error place_fail(const char *what, struct jf_diagnosis *diagnosis)
{
    return jf_diagnose(diagnosis, errno == ENOSPC ? JF_ERROR_NO_SPACE : JF_ERROR_IO,
                       "archive %.300s cannot be used: %s", what, strerror(errno));
}

// A journal that begins with its first segment has nothing in any archive. One that cannot be
// looked into may have.
static bool is_archive_needed(int journal_fd, const char *path)
{
    struct jf_superblock superblock;
    uint32_t count = 0;
    bool is_empty = jf_folder_count(path, &count, NULL) == JF_OK && count == 0;
    enum jf_error error = jf_superblock_read(journal_fd, &superblock, NULL);
    return !is_empty && (error != JF_OK || superblock.oldest_segment > 1);
}

// An empty folder, or a link to where nothing of this journal is, may give way; an archive in use
// may not.
static enum jf_error old_place_leave(int journal_fd, const char *wanted,
                                     struct jf_diagnosis *diagnosis)
{
    struct stat status;
    char path[PATH_BYTES];
    if (fstatat(journal_fd, LINK_NAME, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return JF_OK;
    }
    if (!S_ISLNK(status.st_mode)) {
        return unlinkat(journal_fd, LINK_NAME, AT_REMOVEDIR) == 0
                   ? JF_OK
                   : jf_diagnose(diagnosis, JF_ERROR_EXISTS,
                                 "the journal has its archive in its own folder " LINK_NAME
                                 ": move the files from there to %.200s first",
                                 wanted);
    }
    ssize_t size = readlinkat(journal_fd, LINK_NAME, path, sizeof path - 1);
    path[size > 0 ? size : 0] = '\0';
    if (is_archive_needed(journal_fd, path)) {
        return jf_diagnose(diagnosis, JF_ERROR_EXISTS,
                           "the journal has its archive in %.200s: move the files from there to "
                           "%.200s first",
                           path, wanted);
    }
    return unlinkat(journal_fd, LINK_NAME, 0) == 0 ? JF_OK : place_fail(wanted, diagnosis);
}

// The archive may lie beside journal and state, and anywhere else; among their files it may not.
// Out: whether it is the journal's own folder of that name, to which no link is needed.
static enum jf_error wanted_check(const char *journal_directory, const char *archive,
                                  const char *wanted, bool *out_is_own,
                                  struct jf_diagnosis *diagnosis)
{
    static const char *const folders[] = {"", "/../state"};
    char own[PATH_MAX + 16];
    char path[PATH_BYTES];
    char resolved[PATH_MAX];
    *out_is_own = false;
    for (uint32_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        (void)snprintf(path, sizeof path, "%s%s", journal_directory, folders[i]);
        if (realpath(path, resolved) == NULL) {
            continue;
        }
        size_t size = strlen(resolved);
        (void)snprintf(own, sizeof own, "%s/" LINK_NAME, resolved);
        *out_is_own = *out_is_own || (i == 0 && strcmp(wanted, own) == 0);
        bool is_inside =
            strncmp(wanted, resolved, size) == 0 && (wanted[size] == '/' || wanted[size] == '\0');
        if (is_inside && !*out_is_own) {
            return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                               "archive %.160s lies inside the ledger's own folder %.200s: give a "
                               "directory outside, on another disk if there is one",
                               archive, resolved);
        }
    }
    return JF_OK;
}

static enum jf_error link_make(int journal_fd, const char *journal_directory, const char *archive,
                               struct jf_diagnosis *diagnosis)
{
    char wanted[PATH_MAX];
    char found[PATH_BYTES];
    bool is_own = false;
    if (realpath(archive, wanted) == NULL) {
        return place_fail(archive, diagnosis);
    }
    enum jf_error checked = wanted_check(journal_directory, archive, wanted, &is_own, diagnosis);
    if (checked != JF_OK || is_own) {
        return checked;
    }
    ssize_t size = readlinkat(journal_fd, LINK_NAME, found, sizeof found - 1);
    if (size > 0) {
        found[size] = '\0';
        if (strcmp(found, wanted) == 0) {
            return JF_OK;
        }
    }
    enum jf_error error = old_place_leave(journal_fd, wanted, diagnosis);
    if (error == JF_OK &&
        (symlinkat(wanted, journal_fd, LINK_NAME) != 0 || fsync(journal_fd) != 0)) {
        error = place_fail(archive, diagnosis);
    }
    return error;
}

enum jf_error jf_archive_place(const char *journal_directory, const char *archive,
                               struct jf_diagnosis *diagnosis)
{
    int journal_fd = -1;
    int archive_fd = -1;
    enum jf_error error = jf_folder_open(AT_FDCWD, journal_directory, &journal_fd, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    if (archive == NULL) {
        error = jf_folder_make(journal_fd, LINK_NAME, &archive_fd, diagnosis);
    } else {
        error = jf_folder_make(AT_FDCWD, archive, &archive_fd, diagnosis);
        if (error == JF_OK) {
            error = link_make(journal_fd, journal_directory, archive, diagnosis);
        }
    }
    if (archive_fd >= 0) {
        close(archive_fd);
    }
    close(journal_fd);
    return error;
}

// ---- One segment ----------------------------------------------------------------------

struct archiving {
    int journal_fd;
    struct jf_superblock superblock;
    uint64_t flushed; // newest position that the state has on disk
    struct jf_archive_result *result;
};

__attribute__((format(printf, 2, 3))) static void kept_note(const struct archiving *archiving,
                                                            const char *format, ...)
{
    if (archiving->result != NULL) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(archiving->result->kept, sizeof archiving->result->kept, format, arguments);
        va_end(arguments);
    }
}

// Recovery begins with the newest segment that begins at or below the state's position: is there
// one behind this? Where not, the result says what still needs it.
static enum jf_error is_due(const struct archiving *archiving, uint64_t segment, bool *out_is_due,
                            struct jf_diagnosis *diagnosis)
{
    struct jf_block_header header;
    enum jf_block_finding finding = JF_BLOCK_ABSENT;
    char name[JF_SEGMENT_NAME_BYTES];
    jf_segment_name(segment + 1, name);
    *out_is_due = false;
    if (faccessat(archiving->journal_fd, name, F_OK, 0) != 0) {
        kept_note(archiving, "segment %llu is the newest, to which the ledger writes",
                  (unsigned long long)segment);
        return JF_OK;
    }
    enum jf_error error =
        jf_walk_first_header(archiving->journal_fd, segment + 1, &archiving->superblock.identity,
                             &header, &finding, diagnosis);
    *out_is_due =
        error == JF_OK && finding == JF_BLOCK_VALID && header.first_position <= archiving->flushed;
    if (error == JF_OK && finding == JF_BLOCK_ABSENT) {
        kept_note(archiving,
                  "segment %llu is the newest with entries: the ledger writes to it, or to segment "
                  "%llu, which is empty yet",
                  (unsigned long long)segment, (unsigned long long)segment + 1);
    } else if (error == JF_OK && finding != JF_BLOCK_VALID) {
        kept_note(archiving,
                  "segment %llu stays as long as segment %llu behind it cannot be read: %s",
                  (unsigned long long)segment, (unsigned long long)segment + 1,
                  jf_block_finding_text(finding));
    } else if (error == JF_OK && !*out_is_due) {
        kept_note(archiving,
                  "segment %llu is needed by the next start: the state holds entries up to %llu "
                  "only, and segment %llu begins at %llu; start the ledger and stop it in order",
                  (unsigned long long)segment, (unsigned long long)archiving->flushed,
                  (unsigned long long)segment + 1, (unsigned long long)header.first_position);
    }
    return error;
}

// A damaged segment stays where damage is looked for and told.
static enum jf_error segment_check(const struct archiving *archiving, uint64_t segment,
                                   struct jf_diagnosis *diagnosis)
{
    struct jf_walk walk = {.fd = -1};
    struct jf_walk_block block;
    enum jf_block_finding finding = JF_BLOCK_VALID;
    if (jf_walk_init(&walk, archiving->journal_fd, &archiving->superblock.identity) != JF_OK) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory to read a journal segment");
    }
    enum jf_error error = jf_walk_seek(&walk, segment, diagnosis);
    while (error == JF_OK && finding == JF_BLOCK_VALID && walk.segment == segment) {
        error = jf_walk_next(&walk, &block, &finding, diagnosis);
    }
    if (error == JF_OK && finding != JF_BLOCK_VALID) {
        char name[JF_SEGMENT_NAME_BYTES];
        jf_segment_name(segment, name);
        error = jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                            "journal file %s, offset %llu: %s: it is not archived; restore it "
                            "from a backup or a follower",
                            name, (unsigned long long)walk.offset, jf_block_finding_text(finding));
    }
    jf_walk_deinit(&walk);
    return error;
}

static enum jf_error segment_put(const struct archiving *archiving, uint64_t segment,
                                 struct jf_diagnosis *diagnosis)
{
    struct jf_archive_label label = {.identity = archiving->superblock.identity,
                                     .generation = archiving->superblock.generation,
                                     .segment = segment};
    char name[JF_ARCHIVE_NAME_BYTES];
    struct stat status = {.st_size = 0};
    enum jf_error error = segment_check(archiving, segment, diagnosis);
    if (error == JF_OK) {
        error = jf_archive_put(archiving->journal_fd, &label, diagnosis);
    }
    jf_archive_name(segment, name);
    if (error == JF_OK && archiving->result != NULL &&
        fstatat(archiving->journal_fd, name, &status, 0) == 0) {
        archiving->result->segments += 1;
        archiving->result->bytes_before += label.size_bytes;
        archiving->result->bytes_after += (uint64_t)status.st_size;
    }
    return error;
}

// In: the superblock on disk says that the journal begins behind it.
static void segment_remove(int journal_fd, uint64_t segment)
{
    char name[JF_SEGMENT_NAME_BYTES];
    jf_segment_name(segment, name);
    // One that cannot be removed is only in the way of nothing: it is tried again.
    (void)unlinkat(journal_fd, name, 0);
}

// Is the segment whole in the archive? Where its copy there is damaged, one in the journal may be
// the last.
static bool is_archived_whole(int journal_fd, uint64_t segment)
{
    int fd = -1;
    uint64_t size = 0;
    bool is_whole = jf_archive_has(journal_fd, segment) &&
                    jf_archive_open(journal_fd, segment, &fd, &size, NULL) == JF_OK;
    if (fd >= 0) {
        close(fd);
    }
    return is_whole;
}

// Files of before a crash between the superblock and their removal. They are archived.
static enum jf_error left_over_remove(void *context, const char *name,
                                      struct jf_diagnosis *diagnosis)
{
    const struct archiving *archiving = context;
    unsigned long long number = 0;
    char again[JF_SEGMENT_NAME_BYTES];
    (void)diagnosis;
    if (sscanf(name, "segment-%16llx.jfl", &number) != 1 || number == 0 ||
        number >= archiving->superblock.oldest_segment) {
        return JF_OK;
    }
    jf_segment_name(number, again);
    if (strcmp(name, again) == 0 && is_archived_whole(archiving->journal_fd, number)) {
        segment_remove(archiving->journal_fd, number);
    }
    return JF_OK;
}

// ---- A stopped ledger -----------------------------------------------------------------

static enum jf_error state_position(const char *data_directory, struct archiving *archiving,
                                    struct jf_diagnosis *diagnosis)
{
    char directory[PATH_BYTES];
    struct jf_state *state = NULL;
    (void)snprintf(directory, sizeof directory, "%s/state", data_directory);
    struct jf_state_config config = {.directory = directory,
                                     .cache_bytes = (uint64_t)1 << 20,
                                     .filter_bytes = (uint64_t)1 << 20,
                                     .write_buffer_bytes = (uint64_t)1 << 20,
                                     .block_cache_bytes = (uint64_t)1 << 20,
                                     .generation_entries = 1,
                                     .generations_max = 1,
                                     .is_inline = true,
                                     .is_read_only = true,
                                     .must_exist = true};
    memcpy(config.ledger_id, archiving->superblock.identity.ledger_id.bytes,
           sizeof config.ledger_id);
    enum jf_error error = jf_state_open(&config, &state, diagnosis);
    if (error == JF_OK) {
        archiving->flushed = jf_state_applied(state);
        error = jf_state_close(state, false, diagnosis);
    }
    return error;
}

static enum jf_error superblock_advance(struct archiving *archiving, struct jf_diagnosis *diagnosis)
{
    int fd = -1;
    enum jf_error error =
        jf_direct_open(archiving->journal_fd, JF_SUPERBLOCK_NAME, O_RDWR, &fd, diagnosis);
    if (error == JF_OK) {
        archiving->superblock.sequence += 1;
        archiving->superblock.oldest_segment += 1;
        error = jf_superblock_write(fd, &archiving->superblock, diagnosis);
        close(fd);
    }
    return error;
}

static enum jf_error segments_archive(struct archiving *archiving,
                                      void (*report)(void *context, const char *stage,
                                                     uint64_t done, uint64_t total),
                                      void *context, struct jf_diagnosis *diagnosis)
{
    struct jf_directory_listing listing;
    uint64_t first = archiving->superblock.oldest_segment;
    enum jf_error error = jf_directory_list(archiving->journal_fd, first, &listing, diagnosis);
    bool is_wanted = error == JF_OK;
    while (is_wanted) {
        uint64_t segment = archiving->superblock.oldest_segment;
        error = is_due(archiving, segment, &is_wanted, diagnosis);
        if (error == JF_OK && is_wanted) {
            error = segment_put(archiving, segment, diagnosis);
        }
        if (error == JF_OK && is_wanted) {
            error = superblock_advance(archiving, diagnosis);
        }
        is_wanted = is_wanted && error == JF_OK;
        if (is_wanted) {
            segment_remove(archiving->journal_fd, segment);
            report(context, "archiving", segment + 1 - first, listing.newest + 1 - first);
        }
    }
    return error;
}

static enum jf_error directory_archive(struct archiving *archiving, struct jf_diagnosis *diagnosis)
{
    struct jf_block_header header;
    enum jf_block_finding finding = JF_BLOCK_ABSENT;
    uint64_t oldest = archiving->superblock.oldest_segment;
    enum jf_error error =
        jf_walk_first_header(archiving->journal_fd, oldest, &archiving->superblock.identity,
                             &header, &finding, diagnosis);
    archiving->result->oldest_segment = oldest;
    archiving->result->first_position = finding == JF_BLOCK_VALID ? header.first_position : 1;
    return error == JF_OK
               ? jf_folder_list(archiving->journal_fd, left_over_remove, archiving, diagnosis)
               : error;
}

enum jf_error jf_archive_directory(const char *data_directory, const char *archive,
                                   void (*report)(void *context, const char *stage, uint64_t done,
                                                  uint64_t total),
                                   void *context, struct jf_archive_result *out_result,
                                   struct jf_diagnosis *diagnosis)
{
    char journal[PATH_BYTES];
    int lock_fd = -1;
    struct jf_archive_result result = {.segments = 0};
    struct archiving archiving = {.journal_fd = -1, .result = &result};
    int size = snprintf(journal, sizeof journal, "%s/journal", data_directory);
    enum jf_error error = size > 0 && (size_t)size < sizeof journal
                              ? jf_folder_open(AT_FDCWD, journal, &archiving.journal_fd, diagnosis)
                              : JF_ERROR_INVALID;
    if (error == JF_ERROR_NOT_FOUND) {
        (void)jf_diagnose(diagnosis, error,
                          "there is no ledger in %.300s: check the directory's name",
                          data_directory);
    }
    if (error == JF_OK) {
        error =
            jf_folder_lock(archiving.journal_fd, JF_LOCK_NAME, data_directory, &lock_fd, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_superblock_read(archiving.journal_fd, &archiving.superblock, diagnosis);
    }
    if (error == JF_OK) {
        error = state_position(data_directory, &archiving, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_archive_place(journal, archive, diagnosis);
    }
    if (error == JF_OK) {
        error = segments_archive(&archiving, report, context, diagnosis);
    }
    if (error == JF_OK) {
        error = directory_archive(&archiving, diagnosis);
    }
    if (lock_fd >= 0) {
        close(lock_fd);
    }
    if (archiving.journal_fd >= 0) {
        close(archiving.journal_fd);
    }
    if (error == JF_OK) {
        *out_result = result;
    }
    return error;
}

// ---- Beside a running ledger ----------------------------------------------------------

static void look_pause(void)
{
    const struct timespec time = {.tv_nsec = LOOK_NS};
    (void)nanosleep(&time, NULL);
}

// Asks the ledger thread to begin the journal behind the segment, and waits until the disk says so.
static bool segment_drop(struct jf_engine *engine, const struct archiving *archiving,
                         uint64_t segment)
{
    struct jf_archiver *archiver = &engine->archiver;
    atomic_store(&archiver->wanted_oldest, segment + 1);
    while (engine->journal->operations->oldest_kept(engine->journal) <= segment) {
        if (atomic_load(&archiver->is_stopping)) {
            return false;
        }
        look_pause();
    }
    segment_remove(archiving->journal_fd, segment);
    return true;
}

// Archives one segment, if one is due. Returns: whether one was.
static bool live_turn(struct jf_engine *engine, struct archiving *archiving,
                      struct jf_diagnosis *diagnosis)
{
    uint64_t segment = engine->journal->operations->oldest_kept(engine->journal);
    bool is_wanted = false;
    archiving->flushed = jf_state_flushed(engine->effects.state);
    enum jf_error error = is_due(archiving, segment, &is_wanted, diagnosis);
    if (error == JF_OK && is_wanted) {
        error = segment_put(archiving, segment, diagnosis);
    }
    return error == JF_OK && is_wanted && segment_drop(engine, archiving, segment);
}

static void *archiver_run(void *context)
{
    struct jf_engine *engine = context;
    struct archiving archiving = {.journal_fd = -1};
    struct jf_diagnosis said = {.error = JF_OK};
    (void)pthread_setname_np(pthread_self(), "jifen-archive");
    enum jf_error error =
        jf_folder_open(AT_FDCWD, engine->journal_directory, &archiving.journal_fd, NULL);
    if (error == JF_OK) {
        error = jf_superblock_read(archiving.journal_fd, &archiving.superblock, NULL);
    }
    if (error == JF_OK) {
        error = jf_folder_list(archiving.journal_fd, left_over_remove, &archiving, NULL);
    }
    uint32_t looks_left = 0;
    while (error == JF_OK && !atomic_load(&engine->archiver.is_stopping)) {
        struct jf_diagnosis diagnosis = {.error = JF_OK};
        bool is_busy = looks_left == 0 && live_turn(engine, &archiving, &diagnosis);
        if (diagnosis.error != JF_OK) {
            looks_left = FAILED_LOOKS;
            bool is_news = strcmp(diagnosis.text, said.text) != 0;
            said = diagnosis;
            if (is_news && engine->config.on_archive_failure != NULL) {
                engine->config.on_archive_failure(engine->config.on_archive_context, &said);
            }
        }
        if (!is_busy) {
            looks_left -= looks_left > 0 ? 1 : 0;
            look_pause();
        }
    }
    if (archiving.journal_fd >= 0) {
        close(archiving.journal_fd);
    }
    return NULL;
}

enum jf_error jf_archiver_start(struct jf_engine *engine, struct jf_diagnosis *diagnosis)
{
    struct jf_archiver *archiver = &engine->archiver;
    enum jf_error error =
        jf_archive_place(engine->journal_directory, engine->config.archive_directory, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    archiver->is_started = pthread_create(&archiver->thread, NULL, archiver_run, engine) == 0;
    return archiver->is_started
               ? JF_OK
               : jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no thread for the archive");
}

void jf_archiver_stop(struct jf_engine *engine)
{
    struct jf_archiver *archiver = &engine->archiver;
    if (archiver->is_started) {
        atomic_store(&archiver->is_stopping, true);
        (void)pthread_join(archiver->thread, NULL);
        archiver->is_started = false;
    }
}

enum jf_error jf_archiver_turn(struct jf_engine *engine)
{
    uint64_t wanted = atomic_load_explicit(&engine->archiver.wanted_oldest, memory_order_acquire);
    return wanted == 0 ? JF_OK : engine->journal->operations->drop_below(engine->journal, wanted);
}
