// The happy path of opening, in three steps. Lock: lock, superblock, list of segments. Judge: sync,
// walk from the segment that holds `replay_from` to the end, judge what lies behind the end. Start:
// cut a torn tail, begin a new incarnation, write on.
// Failures: a directory that is no journal or another's, a second opener, a superblock or a block
// that is damaged, a gap, no O_DIRECT, no space. All checks come before the first change.
#include "journal/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/bug.h"
#include "journal/local_private.h"
#include "journal/recovery.h"

#define CLOSE_WAIT_US     1000000u
#define CLOSE_WAITS_MAX   60u
#define SLOT_MEMORY_BYTES ((size_t)JF_BLOCKS_IN_FLIGHT_MAX * JF_BLOCK_BYTES_MAX)
#define MEMORY_BYTES                                                                               \
    (SLOT_MEMORY_BYTES + JF_SECTOR_BYTES + JF_PREPARE_CHUNK_BYTES + JF_SUPERBLOCK_BYTES)

enum jf_error jf_local_fail(struct jf_local_journal *journal, enum jf_error error,
                            const char *format, ...)
{
    JF_ASSERT(error != JF_OK);
    if (journal->base.failure.error != JF_OK) {
        return journal->base.failure.error;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(journal->base.failure.text, sizeof journal->base.failure.text, format, arguments);
    va_end(arguments);
    journal->base.failure.error = error;
    return error;
}

// --- Making and freeing the object.
// ---------------------------------------------------------------

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

static void journal_free(struct jf_local_journal *journal)
{
    for (uint32_t i = 0; i < JF_SLOTS; i++) {
        close_fd(&journal->slots[i].retire_fd);
    }
    close_fd(&journal->prepare.fd);
    close_fd(&journal->segment_fd);
    close_fd(&journal->superblock_writer.fd);
    close_fd(&journal->directory_fd);
    close_fd(&journal->lock_fd);
    jf_walk_deinit(&journal->end);
    jf_aligned_free(journal->memory, MEMORY_BYTES);
    free(journal->directory);
    free(journal);
}

static void share_memory(struct jf_local_journal *journal)
{
    unsigned char *next = journal->memory;
    for (uint32_t i = 0; i < JF_SLOTS; i++) {
        struct jf_block_slot *slot = &journal->slots[i];
        uint32_t size = i == JF_SEAL_SLOT ? JF_SECTOR_BYTES : JF_BLOCK_BYTES_MAX;
        slot->journal = journal;
        slot->buffer = next;
        slot->retire_fd = -1;
        slot->draft.index = i;
        slot->draft.payload = next + JF_BLOCK_AT_PAYLOAD;
        slot->draft.payload_capacity = size - JF_BLOCK_HEADER_BYTES;
        next += size;
    }
    journal->prepare.zeros = next;
    journal->superblock_writer.buffer = next + JF_PREPARE_CHUNK_BYTES;
}

static struct jf_local_journal *journal_make(const struct jf_journal_config *config,
                                             struct jf_ring *ring)
{
    struct jf_local_journal *journal = calloc(1, sizeof *journal);
    if (journal == NULL) {
        return NULL;
    }
    journal->base.operations = &jf_local_operations;
    journal->ring = ring;
    journal->directory_fd = -1;
    journal->lock_fd = -1;
    journal->segment_fd = -1;
    journal->prepare.fd = -1;
    journal->superblock_writer.fd = -1;
    journal->end.fd = -1;
    journal->segment_bytes = config->segment_bytes;
    journal->reserve_bytes = config->reserve_bytes;
    journal->seal_idle_us = config->seal_idle_us;
    for (uint32_t i = 0; i < JF_SLOTS; i++) {
        journal->slots[i].retire_fd = -1;
    }
    journal->directory = strdup(config->directory);
    journal->memory = jf_aligned_allocate(MEMORY_BYTES);
    if (journal->directory == NULL || journal->memory == NULL) {
        journal_free(journal);
        return NULL;
    }
    share_memory(journal);
    return journal;
}

// --- The lock.
// ------------------------------------------------------------------------------------

static enum jf_error locked_by(const struct jf_local_journal *journal, int fd,
                               struct jf_diagnosis *diagnosis)
{
    char holder[32] = {0};
    ssize_t got = pread(fd, holder, sizeof holder - 1, 0);
    for (ssize_t i = 0; i < got; i++) {
        holder[i] = holder[i] < '0' || holder[i] > '9' ? '\0' : holder[i];
    }
    return jf_diagnose(diagnosis, JF_ERROR_LOCKED,
                       "journal %s is held by process %s: stop it first, or use another directory",
                       journal->directory, got > 0 && holder[0] != '\0' ? holder : "unknown");
}

static enum jf_error take_lock(struct jf_local_journal *journal, struct jf_diagnosis *diagnosis)
{
    int fd = openat(journal->directory_fd, JF_LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) {
        enum jf_error error = errno == ENOSPC ? JF_ERROR_NO_SPACE : JF_ERROR_IO;
        return jf_diagnose(diagnosis, error, "journal %s/LOCK cannot be opened: %s",
                           journal->directory, strerror(errno));
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        enum jf_error error = JF_ERROR_IO;
        if (errno == EWOULDBLOCK) {
            error = locked_by(journal, fd, diagnosis);
        } else {
            (void)jf_diagnose(diagnosis, error, "journal %s/LOCK cannot be locked: %s",
                              journal->directory, strerror(errno));
        }
        close(fd);
        return error;
    }
    char pid[32];
    int size = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());
    // The pid only helps the reader of a diagnosis; the lock is what counts.
    if (ftruncate(fd, 0) == 0 && pwrite(fd, pid, (size_t)size, 0) != size) {
        (void)ftruncate(fd, 0);
    }
    journal->lock_fd = fd;
    return JF_OK;
}

// --- Superblock and listing.
// ----------------------------------------------------------------------

// May this directory, which has no superblock, become a journal?
static enum jf_error check_creatable(const struct jf_local_journal *journal,
                                     const struct jf_journal_config *config,
                                     const struct jf_directory_listing *listing,
                                     struct jf_diagnosis *diagnosis)
{
    if (listing->count > 0) {
        return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                           "journal %s holds segments but no SUPERBLOCK: restore it from a backup; "
                           "nothing was changed",
                           journal->directory);
    }
    if (listing->has_strangers) {
        return jf_diagnose(diagnosis, JF_ERROR_FOREIGN,
                           "directory %s is not empty and holds no journal: use an empty one",
                           journal->directory);
    }
    if (config->must_exist) {
        return jf_diagnose(diagnosis, JF_ERROR_NOT_FOUND,
                           "directory %s holds no journal: restore it, or create a new ledger",
                           journal->directory);
    }
    return jf_prepare_check_space(journal, diagnosis);
}

static enum jf_error create_superblock(struct jf_local_journal *journal,
                                       const struct jf_journal_config *config,
                                       struct jf_diagnosis *diagnosis)
{
    journal->superblock = (struct jf_superblock){
        .identity.ledger_id = config->create_id,
        .sequence = 1,
        .generation = 1,
        .oldest_segment = 1,
    };
    return jf_superblock_create(journal->directory_fd, &journal->superblock, diagnosis);
}

// Opens the superblock for this journal's lifetime.
static enum jf_error hold_superblock(struct jf_local_journal *journal,
                                     struct jf_diagnosis *diagnosis)
{
    int *fd = &journal->superblock_writer.fd;
    enum jf_error error =
        jf_direct_open(journal->directory_fd, JF_SUPERBLOCK_NAME, O_RDWR, fd, diagnosis);
    return error == JF_OK ? jf_hold_file(*fd, JF_SUPERBLOCK_NAME, diagnosis) : error;
}

// Reads the superblock, or makes it.
static enum jf_error load_superblock(struct jf_local_journal *journal,
                                     const struct jf_journal_config *config,
                                     struct jf_diagnosis *diagnosis)
{
    struct jf_directory_listing listing;
    enum jf_error error = jf_directory_list(journal->directory_fd, 1, &listing, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    if (!listing.has_superblock) {
        error = check_creatable(journal, config, &listing, diagnosis);
        error = error == JF_OK ? take_lock(journal, diagnosis) : error;
        error = error == JF_OK ? create_superblock(journal, config, diagnosis) : error;
        return error == JF_OK ? hold_superblock(journal, diagnosis) : error;
    }
    error = take_lock(journal, diagnosis);
    error = error == JF_OK ? hold_superblock(journal, diagnosis) : error;
    if (error == JF_OK) {
        error = jf_superblock_read(journal->directory_fd, &journal->superblock, diagnosis);
    }
    return error;
}

static enum jf_error missing_segment(const struct jf_local_journal *journal,
                                     const struct jf_directory_listing *listing,
                                     struct jf_diagnosis *diagnosis)
{
    uint64_t missing = journal->superblock.oldest_segment;
    char name[JF_SEGMENT_NAME_BYTES];
    jf_segment_name(missing, name);
    while (missing < listing->newest && faccessat(journal->directory_fd, name, F_OK, 0) == 0) {
        missing += 1;
        jf_segment_name(missing, name);
    }
    return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                       "journal file %s/%s is missing: restore it from a backup, an archive or a "
                       "follower; nothing was changed",
                       journal->directory, name);
}

static enum jf_error list_segments(struct jf_local_journal *journal,
                                   struct jf_directory_listing *out_listing,
                                   struct jf_diagnosis *diagnosis)
{
    uint64_t oldest = journal->superblock.oldest_segment;
    enum jf_error error = jf_directory_list(journal->directory_fd, oldest, out_listing, diagnosis);
    if (error == JF_OK && out_listing->count == 0 && journal->superblock.incarnation == 0) {
        error = jf_prepare_check_space(journal, diagnosis);
        error = error == JF_OK ? jf_prepare_first(journal, oldest, diagnosis) : error;
        if (error == JF_OK) {
            error = jf_directory_list(journal->directory_fd, oldest, out_listing, diagnosis);
        }
    }
    if (error != JF_OK) {
        return error;
    }
    if (out_listing->oldest != oldest || out_listing->newest - oldest + 1 != out_listing->count) {
        return missing_segment(journal, out_listing, diagnosis);
    }
    journal->newest_segment = out_listing->newest;
    return JF_OK;
}

// --- Recovery.
// ------------------------------------------------------------------------------------

// Waits for writes of a killed process; what a crash left in the page cache is brought to the disk
// before any of it is believed.
static enum jf_error sync_from(const struct jf_local_journal *journal, uint64_t segment,
                               struct jf_diagnosis *diagnosis)
{
    for (; segment <= journal->newest_segment; segment++) {
        int fd = -1;
        uint64_t size = 0;
        enum jf_error error = jf_segment_open(journal->directory_fd, segment, JF_SEGMENT_WRITE, &fd,
                                              &size, diagnosis);
        if (error != JF_OK) {
            return error;
        }
        char name[JF_SEGMENT_NAME_BYTES];
        jf_segment_name(segment, name);
        error = jf_hold_file(fd, name, diagnosis);
        if (error != JF_OK) {
            close(fd);
            return error;
        }
        int code = fsync(fd) == 0 ? 0 : errno;
        close(fd);
        if (code != 0) {
            return jf_diagnose(diagnosis, JF_ERROR_IO, "journal %s, segment %llu: fsync: %s",
                               journal->directory, (unsigned long long)segment, strerror(code));
        }
    }
    if (fsync(journal->directory_fd) != 0) {
        return jf_diagnose(diagnosis, JF_ERROR_IO, "journal %s: fsync: %s", journal->directory,
                           strerror(errno));
    }
    return JF_OK;
}

// Walks to the end. Out: what stands there.
static enum jf_error walk_to_end(struct jf_walk *walk, bool *out_last_has_entries,
                                 enum jf_block_finding *out_finding, struct jf_diagnosis *diagnosis)
{
    enum jf_block_finding finding = JF_BLOCK_VALID;
    struct jf_walk_block block;
    bool has_entries = false;
    for (;;) {
        enum jf_error error = jf_walk_next(walk, &block, &finding, diagnosis);
        if (error != JF_OK) {
            return error;
        }
        if (finding != JF_BLOCK_VALID) {
            *out_finding = finding;
            *out_last_has_entries = has_entries;
            return JF_OK;
        }
        has_entries = block.header.entry_count > 0;
    }
}

static uint64_t required_position(const struct jf_local_journal *journal, uint64_t replay_from)
{
    uint64_t first = journal->superblock.flushed_position;
    first = replay_from > first ? replay_from : first;
    return first == 0 ? 0 : first - 1;
}

// Judges what lies behind the walk.
static enum jf_error judge_end(struct jf_local_journal *journal, enum jf_block_finding at_end,
                               uint64_t required, struct jf_journal_opening *opening,
                               struct jf_diagnosis *diagnosis)
{
    struct jf_tail_facts facts;
    const struct jf_walk *walk = &journal->end;
    enum jf_error error =
        jf_tail_gather(walk, journal->newest_segment, at_end, required, &facts, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    enum jf_tail_row row = jf_tail_judge(&facts);
    enum jf_tail_verdict verdict = jf_tail_row_verdict(row);
    if (verdict == JF_TAIL_REFUSE) {
        return jf_tail_diagnose(walk, &facts, row, diagnosis);
    }
    journal->must_cut = verdict == JF_TAIL_CUT && !JF_BUG(TAIL_LEFT);
    if (journal->must_cut) {
        jf_tail_cut_size(&facts, &opening->blocks_cut, &opening->bytes_cut);
    }
    return JF_OK;
}

static void take_over_tail(struct jf_local_journal *journal, const struct jf_walk *walk)
{
    journal->segment = walk->segment;
    journal->segment_size = walk->segment_size;
    journal->offset = walk->offset;
    journal->sequence = walk->tail.sequence;
    journal->durable_sequence = walk->tail.sequence;
    journal->last_position = walk->tail.last_position;
    journal->last_time_us = walk->tail.time_us;
    journal->body_checksum = walk->tail.body_checksum;
    // A superblock that was put back from a backup may be behind the blocks.
    if (walk->tail.incarnation > journal->superblock.incarnation) {
        journal->superblock.incarnation = walk->tail.incarnation;
    }
    atomic_store_explicit(&journal->durable_position, walk->tail.last_position,
                          memory_order_release);
}

// Walks to the end and judges it. Nothing is changed.
static enum jf_error end_find(struct jf_local_journal *journal, uint64_t replay_from,
                              struct jf_journal_opening *opening, struct jf_diagnosis *diagnosis)
{
    struct jf_walk_search search = {journal->superblock.oldest_segment, journal->newest_segment,
                                    replay_from == 0 ? 1 : replay_from, true};
    const struct jf_block_identity *identity = &journal->superblock.identity;
    uint64_t segment = 0;
    enum jf_block_finding at_end = JF_BLOCK_ABSENT;
    enum jf_error error =
        jf_walk_find(journal->directory_fd, &search, identity, &segment, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    error = sync_from(journal, segment, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    if (jf_walk_init(&journal->end, journal->directory_fd, identity) != JF_OK) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory to read the journal");
    }
    error = jf_walk_seek(&journal->end, segment, diagnosis);
    if (error == JF_OK) {
        error = walk_to_end(&journal->end, &journal->needs_seal, &at_end, diagnosis);
    }
    if (error == JF_OK) {
        error =
            judge_end(journal, at_end, required_position(journal, replay_from), opening, diagnosis);
    }
    if (error == JF_OK) {
        take_over_tail(journal, &journal->end);
    }
    return error;
}

static enum jf_error describe(const struct jf_local_journal *journal,
                              struct jf_journal_opening *opening, struct jf_diagnosis *diagnosis)
{
    struct jf_block_header header;
    enum jf_block_finding finding = JF_BLOCK_ABSENT;
    enum jf_error error =
        jf_walk_first_header(journal->directory_fd, journal->superblock.oldest_segment,
                             &journal->superblock.identity, &header, &finding, diagnosis);
    opening->was_created = journal->superblock.incarnation == 0;
    opening->superblock_copies_damaged = journal->superblock.damaged_copies;
    opening->first_position = finding == JF_BLOCK_VALID ? header.first_position : 1;
    opening->last_position = journal->last_position;
    opening->last_sequence = journal->sequence;
    opening->last_time_us = journal->last_time_us;
    return error;
}

// Opens for writing, under a new incarnation that is durable before its first block.
static enum jf_error start_writing(struct jf_local_journal *journal, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = jf_segment_open(journal->directory_fd, journal->segment, JF_SEGMENT_WRITE,
                                          &journal->segment_fd, &journal->segment_size, diagnosis);
    if (error == JF_OK) {
        error = jf_hold_file(journal->segment_fd, "of the newest segment", diagnosis);
    }
    if (error != JF_OK) {
        return error;
    }
    journal->superblock.incarnation += 1;
    journal->superblock.sequence += 1;
    error = jf_superblock_write(journal->superblock_writer.fd, &journal->superblock, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    unlinkat(journal->directory_fd, JF_SEGMENT_TEMPORARY, 0);
    unlinkat(journal->directory_fd, JF_SUPERBLOCK_TEMPORARY, 0);
    jf_prepare_start(journal);
    if (journal->base.failure.error != JF_OK) {
        return jf_diagnose(diagnosis, journal->base.failure.error, "%s",
                           journal->base.failure.text);
    }
    return JF_OK;
}

// --- The three steps.
// ---------------------------------------------------------------------------------

enum jf_error jf_journal_local_lock(const struct jf_journal_config *config, struct jf_ring *ring,
                                    struct jf_journal **out_journal, struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(config->segment_bytes >= JF_SEGMENT_BYTES_MIN);
    JF_ASSERT(config->segment_bytes <= JF_SEGMENT_BYTES_MAX);
    JF_ASSERT(config->segment_bytes % JF_SECTOR_BYTES == 0);
    struct jf_local_journal *journal = journal_make(config, ring);
    if (journal == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory to open journal %s",
                           config->directory);
    }
    struct jf_directory_listing listing;
    enum jf_error error = jf_directory_open(config->directory, &journal->directory_fd, diagnosis);
    if (error == JF_OK) {
        error = load_superblock(journal, config, diagnosis);
    }
    if (error == JF_OK) {
        error = list_segments(journal, &listing, diagnosis);
    }
    if (error != JF_OK) {
        journal_free(journal);
        return error;
    }
    journal->base.ledger_id = journal->superblock.identity.ledger_id;
    journal->base.generation = journal->superblock.generation;
    atomic_store(&journal->oldest_kept, journal->superblock.oldest_segment);
    *out_journal = &journal->base;
    return JF_OK;
}

enum jf_error jf_journal_local_judge(struct jf_journal *base, uint64_t replay_from,
                                     struct jf_journal_opening *out_opening,
                                     struct jf_diagnosis *diagnosis)
{
    struct jf_local_journal *journal = (struct jf_local_journal *)base;
    JF_ASSERT(!journal->is_judged);
    struct jf_journal_opening opening = {0};
    enum jf_error error = end_find(journal, replay_from, &opening, diagnosis);
    if (error == JF_OK) {
        error = describe(journal, &opening, diagnosis);
    }
    if (error == JF_OK) {
        journal->is_judged = true;
        *out_opening = opening;
    }
    return error;
}

enum jf_error jf_journal_local_start(struct jf_journal *base, struct jf_diagnosis *diagnosis)
{
    struct jf_local_journal *journal = (struct jf_local_journal *)base;
    JF_ASSERT(journal->is_judged);
    JF_ASSERT(!journal->is_started);
    enum jf_error error = JF_OK;
    if (journal->must_cut) {
        error = jf_tail_zero(&journal->end, journal->newest_segment, diagnosis);
    }
    jf_walk_deinit(&journal->end);
    if (error == JF_OK) {
        error = start_writing(journal, diagnosis);
    }
    journal->is_started = error == JF_OK;
    return error;
}

enum jf_error jf_journal_local_open(const struct jf_journal_config *config, struct jf_ring *ring,
                                    struct jf_journal **out_journal,
                                    struct jf_journal_opening *out_opening,
                                    struct jf_diagnosis *diagnosis)
{
    struct jf_journal *journal = NULL;
    struct jf_journal_opening opening = {0};
    enum jf_error error = jf_journal_local_lock(config, ring, &journal, diagnosis);
    if (error == JF_OK) {
        error = jf_journal_local_judge(journal, config->replay_from, &opening, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_journal_local_start(journal, diagnosis);
    }
    if (error != JF_OK) {
        jf_local_close(journal);
        return error;
    }
    *out_journal = journal;
    *out_opening = opening;
    return JF_OK;
}

// --- Closing.
// -------------------------------------------------------------------------------------

static bool is_busy(const struct jf_local_journal *journal)
{
    return journal->writes_in_flight > 0 || journal->prepare.is_in_flight ||
           journal->superblock_writer.half != 0;
}

// Returns: whether nothing is in flight any more.
static bool drain(struct jf_local_journal *journal)
{
    for (uint32_t i = 0; i < CLOSE_WAITS_MAX * 1000 && is_busy(journal); i++) {
        uint32_t reaped = jf_ring_wait(journal->ring, CLOSE_WAIT_US, NULL, NULL);
        i += reaped == 0 ? 999 : 0;
    }
    return !is_busy(journal);
}

void jf_local_close(struct jf_journal *base)
{
    struct jf_local_journal *journal = (struct jf_local_journal *)base;
    if (journal == NULL) {
        return;
    }
    // The next segment is left for the next opening.
    journal->prepare.is_stopped = true;
    bool is_drained = drain(journal);
    bool may_write = journal->is_started && base->failure.error == JF_OK;
    if (is_drained && may_write && journal->seal_idle_us > 0 &&
        jf_local_seal_is_possible(journal)) {
        jf_local_seal(journal);
        is_drained = drain(journal);
    }
    if (is_drained && base->failure.error == JF_OK && journal->superblock_writer.is_dirty) {
        journal->superblock.sequence += 1;
        // Only saves the next start some reading: nothing is lost without it.
        enum jf_error error =
            jf_superblock_write(journal->superblock_writer.fd, &journal->superblock, NULL);
        (void)error;
    }
    // Memory the kernel may still read must not be given back, so a stuck disk costs a leak.
    if (is_drained) {
        journal_free(journal);
    }
}
