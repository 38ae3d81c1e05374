// Version byte, counts, rows and chain counters in ascending order, then 32 bits of XXH3 over all
// before.
// Fails: damage is JF_ERROR_CORRUPT, another format JF_ERROR_VERSION.
#include "state/control_codec.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "state/varint.h"

// A change is a change of JF_DIGEST_FORMAT too (rules/digest.h).
#define RECORD_VERSION   3u
#define CHECKSUM_BYTES   ((size_t)4)
#define COUNT_NUMBERS    7u
#define ROW_NUMBERS      4u
#define COUNTER_NUMBERS  4u
#define RECORD_BYTES_MIN (1 + COUNT_NUMBERS + 2 + CHECKSUM_BYTES)

size_t jf_control_record_size_max(const struct jf_control *control)
{
    const struct jf_control_row *rows = NULL;
    size_t row_count = jf_control_rows(control, &rows);
    const struct jf_counter *counters = NULL;
    size_t counter_count = jf_control_chain_counters(control, &counters);
    size_t numbers = COUNT_NUMBERS + 2 + row_count * ROW_NUMBERS + counter_count * COUNTER_NUMBERS;
    return 1 + numbers * JF_VARINT_BYTES_MAX + CHECKSUM_BYTES;
}

static unsigned char *counts_write(unsigned char *at, const struct jf_control_counts *counts)
{
    at = jf_varint_write(at, counts->entries);
    at = jf_varint_write(at, counts->members);
    at = jf_varint_write(at, counts->sales);
    at = jf_varint_write(at, counts->returns);
    at = jf_varint_write(at, counts->redemptions);
    at = jf_varint_write(at, counts->lines);
    at = jf_varint_write(at, counts->last_position);
    return at;
}

size_t jf_control_record_encode(const struct jf_control *control, unsigned char *to)
{
    const struct jf_control_row *rows = NULL;
    uint32_t row_count = jf_control_rows(control, &rows);
    unsigned char *at = to;
    *at++ = RECORD_VERSION;
    at = counts_write(at, jf_control_counts(control));
    at = jf_varint_write(at, row_count);
    for (uint32_t i = 0; i < row_count; i++) {
        at = jf_varint_write(at, (uint64_t)rows[i].account);
        at = jf_varint_write(at, rows[i].entity.value);
        at = jf_varint_write(at, rows[i].reason);
        at = jf_varint_write_signed(at, rows[i].points);
    }
    const struct jf_counter *counters = NULL;
    uint32_t counter_count = jf_control_chain_counters(control, &counters);
    at = jf_varint_write(at, counter_count);
    for (uint32_t i = 0; i < counter_count; i++) {
        at = jf_varint_write(at, counters[i].kind);
        at = jf_varint_write(at, counters[i].ground);
        at = jf_varint_write_signed(at, counters[i].period);
        at = jf_varint_write_signed(at, counters[i].value);
    }
    jf_store_u32(at, (uint32_t)jf_hash64(to, (size_t)(at - to)));
    return (size_t)(at - to) + CHECKSUM_BYTES;
}

static struct jf_control_counts counts_read(struct jf_varint_reader *reader)
{
    struct jf_control_counts counts = {0};
    counts.entries = jf_varint_read(reader, UINT64_MAX);
    counts.members = jf_varint_read(reader, UINT64_MAX);
    counts.sales = jf_varint_read(reader, UINT64_MAX);
    counts.returns = jf_varint_read(reader, UINT64_MAX);
    counts.redemptions = jf_varint_read(reader, UINT64_MAX);
    counts.lines = jf_varint_read(reader, UINT64_MAX);
    counts.last_position = jf_varint_read(reader, UINT64_MAX);
    return counts;
}

static struct jf_control_row row_read(struct jf_varint_reader *reader)
{
    struct jf_control_row row = {0};
    row.account = (enum jf_account)jf_varint_read(reader, JF_ACCOUNT_COUNT - 1);
    row.entity.value = (uint32_t)jf_varint_read(reader, UINT32_MAX);
    row.reason = (uint32_t)jf_varint_read(reader, UINT32_MAX);
    row.points = jf_varint_read_signed(reader, INT64_MIN, INT64_MAX);
    return row;
}

// Returns: the count of elements that follows; each has at least `numbers` bytes, which bounds what
// is allocated.
static uint32_t count_read(struct jf_varint_reader *reader, uint32_t numbers)
{
    return (uint32_t)jf_varint_read(reader, (uint64_t)(reader->end - reader->at) / numbers);
}

static enum jf_error no_memory(struct jf_diagnosis *diagnosis)
{
    return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "out of memory for the control totals");
}

static enum jf_error rows_read(struct jf_varint_reader *reader, struct jf_control_content *content,
                               struct jf_diagnosis *diagnosis)
{
    content->row_count = count_read(reader, ROW_NUMBERS);
    struct jf_control_row *rows = calloc((size_t)content->row_count + 1, sizeof *rows);
    if (rows == NULL) {
        return no_memory(diagnosis);
    }
    for (uint32_t i = 0; i < content->row_count; i++) {
        rows[i] = row_read(reader);
    }
    content->rows = rows;
    return JF_OK;
}

static enum jf_error counters_read(struct jf_varint_reader *reader,
                                   struct jf_control_content *content,
                                   struct jf_diagnosis *diagnosis)
{
    content->counter_count = count_read(reader, COUNTER_NUMBERS);
    struct jf_counter *counters = calloc((size_t)content->counter_count + 1, sizeof *counters);
    if (counters == NULL) {
        return no_memory(diagnosis);
    }
    for (uint32_t i = 0; i < content->counter_count; i++) {
        counters[i].kind = (uint32_t)jf_varint_read(reader, UINT32_MAX);
        counters[i].ground = (uint32_t)jf_varint_read(reader, UINT32_MAX);
        counters[i].period = (int32_t)jf_varint_read_signed(reader, INT32_MIN, INT32_MAX);
        counters[i].value = jf_varint_read_signed(reader, INT64_MIN, INT64_MAX);
    }
    content->counters = counters;
    return JF_OK;
}

static enum jf_error content_load(struct jf_varint_reader *reader, struct jf_control *control,
                                  struct jf_diagnosis *diagnosis)
{
    struct jf_control_content content = {.counts = counts_read(reader)};
    enum jf_error error = rows_read(reader, &content, diagnosis);
    if (error == JF_OK) {
        error = counters_read(reader, &content, diagnosis);
    }
    if (error == JF_OK && (reader->is_bad || reader->at != reader->end)) {
        error = jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                            "the stored control totals have numbers out of range or a wrong size");
    } else if (error == JF_OK) {
        error = jf_control_load(control, &content);
        if (error != JF_OK) {
            (void)jf_diagnose(diagnosis, error, "the stored control totals cannot be loaded: %s",
                              jf_error_text(error));
        }
    }
    free((void *)(uintptr_t)content.rows);
    free((void *)(uintptr_t)content.counters);
    return error;
}

enum jf_error jf_control_record_load(struct jf_text record, struct jf_control *control,
                                     struct jf_diagnosis *diagnosis)
{
    const unsigned char *bytes = (const unsigned char *)record.data;
    size_t checked = record.size - CHECKSUM_BYTES;
    if (record.size < RECORD_BYTES_MIN ||
        jf_load_u32(bytes + checked) != (uint32_t)jf_hash64(bytes, checked)) {
        return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                           "the stored control totals (%u bytes) do not match their checksum",
                           record.size);
    }
    if (bytes[0] != RECORD_VERSION) {
        return jf_diagnose(diagnosis, JF_ERROR_VERSION,
                           "the stored control totals have format version %u, this program reads "
                           "%u: use the program that wrote them",
                           bytes[0], RECORD_VERSION);
    }
    struct jf_varint_reader reader = {bytes + 1, bytes + checked, false};
    return content_load(&reader, control, diagnosis);
}
