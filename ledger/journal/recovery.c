// The happy path: everything behind the last valid block is zeros: a clean end. After a crash:
// facts, the table, and a torn tail is overwritten with zeros. Failures: every row that refuses
// names file, offset, block and remedy, and changes nothing. A sector that cannot be read counts as
// bytes that are not zero: judged like a failed checksum.
#include "journal/recovery.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/assert.h"

#define SCAN_BYTES (1u << 20)
_Static_assert(SCAN_BYTES % JF_SECTOR_BYTES == 0, "scans are made of sectors");

// --- The table.
// -----------------------------------------------------------------------------------

static bool foreign(const struct jf_tail_facts *facts)
{
    return facts->at_end == JF_BLOCK_FOREIGN;
}

static bool version(const struct jf_tail_facts *facts)
{
    return facts->at_end == JF_BLOCK_VERSION_UNKNOWN;
}

static bool no_anchor(const struct jf_tail_facts *facts)
{
    return !facts->has_anchor;
}

static bool misplaced(const struct jf_tail_facts *facts)
{
    return facts->at_end == JF_BLOCK_MISPLACED;
}

static bool not_successor(const struct jf_tail_facts *facts)
{
    return facts->at_end == JF_BLOCK_NOT_SUCCESSOR;
}

static bool stale(const struct jf_tail_facts *facts)
{
    return facts->at_end == JF_BLOCK_STALE;
}

static bool malformed(const struct jf_tail_facts *facts)
{
    return facts->at_end == JF_BLOCK_MALFORMED;
}

// Also finds more blocks than could be in flight: a block that far ahead says so, because every
// valid header names as durable what lies JF_BLOCKS_IN_FLIGHT_MAX before it (jf_block_check_place).
static bool was_durable(const struct jf_tail_facts *facts)
{
    return facts->later_count > 0 && facts->later_durable_max > facts->sequence;
}

static bool state_is_ahead(const struct jf_tail_facts *facts)
{
    return facts->required_position > facts->last_position;
}

static bool stray(const struct jf_tail_facts *facts)
{
    return facts->has_stray;
}

static bool too_far(const struct jf_tail_facts *facts)
{
    return facts->reach_bytes > facts->reach_bytes_max;
}

static bool torn(const struct jf_tail_facts *facts)
{
    return facts->has_bytes;
}

static bool clean(const struct jf_tail_facts *facts)
{
    return !facts->has_bytes;
}

static bool (*const row_conditions[JF_TAIL_ROW_COUNT])(const struct jf_tail_facts *) = {
    [JF_TAIL_ROW_FOREIGN] = foreign,
    [JF_TAIL_ROW_VERSION] = version,
    [JF_TAIL_ROW_NO_ANCHOR] = no_anchor,
    [JF_TAIL_ROW_MISPLACED] = misplaced,
    [JF_TAIL_ROW_NOT_SUCCESSOR] = not_successor,
    [JF_TAIL_ROW_STALE] = stale,
    [JF_TAIL_ROW_MALFORMED] = malformed,
    [JF_TAIL_ROW_WAS_DURABLE] = was_durable,
    [JF_TAIL_ROW_STATE_IS_AHEAD] = state_is_ahead,
    [JF_TAIL_ROW_STRAY] = stray,
    [JF_TAIL_ROW_TOO_FAR] = too_far,
    [JF_TAIL_ROW_TORN] = torn,
    [JF_TAIL_ROW_CLEAN] = clean,
};

struct tail_answer {
    enum jf_tail_verdict verdict;
    enum jf_error error;
    const char *text;
};

static const struct tail_answer row_answers[JF_TAIL_ROW_COUNT] = {
#define TAIL_ANSWER(id, verdict, error, text) [JF_TAIL_ROW_##id] = {verdict, error, text},
    JF_TAIL_ROWS(TAIL_ANSWER)
#undef TAIL_ANSWER
};

enum jf_tail_row jf_tail_judge(const struct jf_tail_facts *facts)
{
    JF_ASSERT(facts->at_end != JF_BLOCK_VALID);
    for (int row = 0; row < JF_TAIL_ROW_COUNT; row++) {
        if (row_conditions[row](facts)) {
            return (enum jf_tail_row)row;
        }
    }
    jf_assert_fail("some row applies", __FILE__, __LINE__);
}

enum jf_tail_verdict jf_tail_row_verdict(enum jf_tail_row row)
{
    JF_ASSERT((unsigned)row < JF_TAIL_ROW_COUNT);
    return row_answers[row].verdict;
}

enum jf_error jf_tail_row_error(enum jf_tail_row row)
{
    JF_ASSERT((unsigned)row < JF_TAIL_ROW_COUNT);
    return row_answers[row].error;
}

const char *jf_tail_row_text(enum jf_tail_row row)
{
    JF_ASSERT((unsigned)row < JF_TAIL_ROW_COUNT);
    return row_answers[row].text;
}

// --- Gathering facts.
// -----------------------------------------------------------------------------

struct scan {
    const struct jf_walk *walk;
    struct jf_tail_facts *facts;
    unsigned char *buffer; // SCAN_BYTES
    uint64_t segment;
    uint64_t size;          // of the segment
    uint64_t distance_base; // bytes between the end and this segment's offset 0, modulo 2^64
};

// A header with a right checksum behind the end: could it have been in flight?
static void note_header(struct scan *scan, const struct jf_block_header *header, uint64_t offset)
{
    struct jf_tail_facts *facts = scan->facts;
    enum jf_block_finding place = jf_block_check_place(header, &scan->walk->identity, scan->segment,
                                                       offset, scan->size - offset);
    facts->later_count += 1;
    if (place != JF_BLOCK_VALID || header->sequence <= facts->sequence + 1 ||
        header->incarnation < scan->walk->tail.incarnation) {
        facts->has_stray = true;
        return;
    }
    if (header->sequence > facts->later_sequence_max) {
        facts->later_sequence_max = header->sequence;
    }
    if (header->durable_sequence > facts->later_durable_max) {
        facts->later_durable_max = header->durable_sequence;
    }
}

static void scan_sector(struct scan *scan, const unsigned char *bytes, uint64_t offset)
{
    if (jf_bytes_are_zero(bytes, JF_SECTOR_BYTES)) {
        return;
    }
    scan->facts->has_bytes = true;
    scan->facts->reach_bytes = scan->distance_base + offset + JF_SECTOR_BYTES;
    bool is_end = scan->segment == scan->walk->segment && offset == scan->walk->offset;
    struct jf_block_header header;
    enum jf_block_finding finding = jf_block_decode_header(bytes, &header);
    if (is_end) {
        scan->facts->version = jf_load_u32(bytes + JF_BLOCK_AT_VERSION);
        return;
    }
    if (finding == JF_BLOCK_VALID) {
        note_header(scan, &header, offset);
    } else if (finding == JF_BLOCK_VERSION_UNKNOWN) {
        scan->facts->later_count += 1;
        scan->facts->has_stray = true;
    }
}

// Reads one piece; sectors that cannot be read are filled with ones, which is no header and not
// zero.
static int read_piece(int fd, unsigned char *buffer, uint64_t size, uint64_t offset)
{
    int code = jf_read_exactly(fd, buffer, size, offset);
    if (code != EIO) {
        return code;
    }
    for (uint64_t at = 0; at < size; at += JF_SECTOR_BYTES) {
        code = jf_read_exactly(fd, buffer + at, JF_SECTOR_BYTES, offset + at);
        if (code == EIO) {
            memset(buffer + at, 0xff, JF_SECTOR_BYTES);
        } else if (code != 0) {
            return code;
        }
    }
    return 0;
}

static enum jf_error scan_failure(uint64_t segment, uint64_t offset, int code,
                                  struct jf_diagnosis *diagnosis)
{
    char name[JF_SEGMENT_NAME_BYTES];
    jf_segment_name(segment, name);
    return jf_diagnose(diagnosis, JF_ERROR_IO, "journal file %s, offset %llu: %s", name,
                       (unsigned long long)offset, strerror(code));
}

static enum jf_error scan_segment(struct scan *scan, int fd, uint64_t start,
                                  struct jf_diagnosis *diagnosis)
{
    for (uint64_t offset = start; offset < scan->size; offset += SCAN_BYTES) {
        uint64_t rest = scan->size - offset;
        uint64_t size = rest < SCAN_BYTES ? rest : SCAN_BYTES;
        int code = read_piece(fd, scan->buffer, size, offset);
        if (code != 0) {
            return scan_failure(scan->segment, offset, code, diagnosis);
        }
        if (jf_bytes_are_zero(scan->buffer, size)) {
            continue;
        }
        for (uint64_t at = 0; at < size; at += JF_SECTOR_BYTES) {
            scan_sector(scan, scan->buffer + at, offset + at);
        }
    }
    return JF_OK;
}

static enum jf_error scan_all(struct scan *scan, uint64_t newest, struct jf_diagnosis *diagnosis)
{
    uint64_t start = scan->walk->offset;
    scan->distance_base = 0 - start;
    for (uint64_t segment = scan->walk->segment; segment <= newest; segment++) {
        int fd = -1;
        enum jf_error error = jf_segment_open(scan->walk->directory_fd, segment, JF_SEGMENT_READ,
                                              &fd, &scan->size, diagnosis);
        if (error != JF_OK) {
            return error;
        }
        scan->segment = segment;
        error = scan_segment(scan, fd, start, diagnosis);
        close(fd);
        if (error != JF_OK) {
            return error;
        }
        scan->distance_base += scan->size;
        start = 0;
    }
    return JF_OK;
}

// Blocks in flight fill at most this much; each change of segment may leave almost a block unused.
static uint64_t reach_max(const struct jf_walk *walk, uint64_t newest)
{
    uint64_t changes = newest - walk->segment;
    changes = changes > JF_BLOCKS_IN_FLIGHT_MAX ? JF_BLOCKS_IN_FLIGHT_MAX : changes;
    return (JF_BLOCKS_IN_FLIGHT_MAX + changes) * JF_BLOCK_BYTES_MAX;
}

enum jf_error jf_tail_gather(const struct jf_walk *walk, uint64_t newest,
                             enum jf_block_finding at_end, uint64_t required_position,
                             struct jf_tail_facts *out_facts, struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(at_end != JF_BLOCK_VALID);
    JF_ASSERT(newest >= walk->segment);
    struct jf_tail_facts facts = {
        .at_end = at_end,
        .has_anchor = walk->tail.is_known,
        .sequence = walk->tail.sequence,
        .last_position = walk->tail.last_position,
        .required_position = required_position,
        .reach_bytes_max = reach_max(walk, newest),
    };
    struct scan scan = {.walk = walk, .facts = &facts};
    scan.buffer = jf_aligned_allocate(SCAN_BYTES);
    if (scan.buffer == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory to read the journal's end");
    }
    enum jf_error error = scan_all(&scan, newest, diagnosis);
    jf_aligned_free(scan.buffer, SCAN_BYTES);
    if (error == JF_OK) {
        *out_facts = facts;
    }
    return error;
}

enum jf_error jf_tail_diagnose(const struct jf_walk *walk, const struct jf_tail_facts *facts,
                               enum jf_tail_row row, struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(jf_tail_row_verdict(row) == JF_TAIL_REFUSE);
    char name[JF_SEGMENT_NAME_BYTES];
    jf_segment_name(walk->segment, name);
    char text[128];
    (void)snprintf(text, sizeof text, "%s", jf_tail_row_text(row));
    const char *remedy = "restore the segment from a backup, an archive or a follower";
    if (row == JF_TAIL_ROW_VERSION) {
        (void)snprintf(text, sizeof text, "it has version %u, this program knows version %u",
                       facts->version, JF_BLOCK_FORMAT_VERSION);
        remedy = "use the Jifen that wrote it, or a newer one";
    } else if (facts->at_end == JF_BLOCK_HEADER_DAMAGED) {
        remedy =
            "see what jifen journal repair can prove, or restore the segment from a backup, an "
            "archive or a follower";
    }
    return jf_diagnose(
        diagnosis, jf_tail_row_error(row),
        "journal file %s, offset %llu, block %llu: %s: %s (last valid position %llu); "
        "%s; nothing was changed",
        name, (unsigned long long)walk->offset, (unsigned long long)(facts->sequence + 1),
        jf_block_finding_text(facts->at_end), text, (unsigned long long)facts->last_position,
        remedy);
}

void jf_tail_cut_size(const struct jf_tail_facts *facts, uint64_t *out_blocks, uint64_t *out_bytes)
{
    JF_ASSERT(facts->has_bytes);
    bool has_later = facts->later_sequence_max > facts->sequence;
    *out_blocks = has_later ? facts->later_sequence_max - facts->sequence : 1;
    *out_bytes = facts->reach_bytes;
}

// --- Cutting.
// -------------------------------------------------------------------------------------

struct eraser {
    unsigned char *buffer;
    unsigned char *zeros;
};

static int zero_range(int fd, const struct eraser *eraser, uint64_t start, uint64_t end)
{
    for (uint64_t offset = start; offset < end; offset += SCAN_BYTES) {
        uint64_t size = end - offset < SCAN_BYTES ? end - offset : SCAN_BYTES;
        int code = read_piece(fd, eraser->buffer, size, offset);
        if (code == 0 && !jf_bytes_are_zero(eraser->buffer, size)) {
            code = jf_write_durably(fd, eraser->zeros, size, offset);
        }
        if (code != 0) {
            return code;
        }
    }
    return fsync(fd) == 0 ? 0 : errno;
}

static enum jf_error zero_segment(const struct jf_walk *walk, const struct eraser *eraser,
                                  uint64_t segment, struct jf_diagnosis *diagnosis)
{
    int fd = -1;
    uint64_t size = 0;
    enum jf_error error =
        jf_segment_open(walk->directory_fd, segment, JF_SEGMENT_WRITE, &fd, &size, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    uint64_t start = segment == walk->segment ? walk->offset : 0;
    int code = zero_range(fd, eraser, start, size);
    close(fd);
    return code == 0 ? JF_OK : scan_failure(segment, start, code, diagnosis);
}

enum jf_error jf_tail_zero(const struct jf_walk *walk, uint64_t newest,
                           struct jf_diagnosis *diagnosis)
{
    struct eraser eraser = {jf_aligned_allocate(SCAN_BYTES), jf_aligned_allocate(SCAN_BYTES)};
    enum jf_error error = JF_OK;
    if (eraser.buffer == NULL || eraser.zeros == NULL) {
        error = jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory to cut the journal's tail");
    }
    // From the far end backwards: whatever a crash in between leaves is again a torn tail.
    for (uint64_t segment = newest; error == JF_OK && segment >= walk->segment; segment--) {
        error = zero_segment(walk, &eraser, segment, diagnosis);
    }
    jf_aligned_free(eraser.buffer, SCAN_BYTES);
    jf_aligned_free(eraser.zeros, SCAN_BYTES);
    return error;
}
