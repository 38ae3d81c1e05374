// Receipts: any bytes as a CSV file of receipts, plain or gzip, and as CSV records alone. How bytes
// arrive changes nothing, and a receipt that is given out is whole and within the limits.
//
// Input: a byte that chooses, then the file.
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "tests/fuzz/fuzz.h"
#include "tools/jifen/csv.h"
#include "tools/jifen/receipts.h"

struct source {
    struct jf_text bytes;
    uint32_t piece; // bytes a read gives at most
};

static int64_t source_read(void *context, void *bytes, uint32_t size,
                           struct jf_diagnosis *diagnosis)
{
    (void)diagnosis;
    struct source *source = context;
    uint32_t taken = size < source->piece ? size : source->piece;
    taken = taken < source->bytes.size ? taken : source->bytes.size;
    if (taken > 0) {
        memcpy(bytes, source->bytes.data, taken);
        source->bytes.data += taken;
        source->bytes.size -= taken;
    }
    return taken;
}

static void record_check(const struct jf_csv_record *record, const struct jf_csv_record *other)
{
    JF_ASSERT(record->line == other->line);
    JF_ASSERT(record->is_unended == other->is_unended);
    JF_ASSERT(record->field_count == other->field_count);
    JF_ASSERT(record->field_count <= JF_CSV_FIELDS_MAX);
    for (uint32_t i = 0; i < record->field_count; i++) {
        JF_ASSERT(jf_text_equal(record->fields[i], other->fields[i]));
    }
}

// Two readers, one of them fed in small pieces, side by side.
static void csv_check(struct jf_text bytes, uint32_t piece)
{
    static struct jf_csv_record record;
    static struct jf_csv_record other;
    struct source whole = {bytes, UINT32_MAX};
    struct source pieces = {bytes, piece};
    struct jf_csv *csv = NULL;
    struct jf_csv *second = NULL;
    enum jf_error error = jf_csv_create(source_read, &whole, &csv);
    JF_ASSERT(error == JF_OK);
    error = jf_csv_create(source_read, &pieces, &second);
    JF_ASSERT(error == JF_OK);
    enum jf_csv_result result = JF_CSV_RECORD;
    while (result != JF_CSV_END) {
        memset(&record, 0, sizeof record);
        memset(&other, 0, sizeof other);
        result = jf_csv_next(csv, &record);
        enum jf_csv_result same = jf_csv_next(second, &other);
        JF_ASSERT(result == same);
        JF_ASSERT(result != JF_CSV_FAILED);
        if (result == JF_CSV_RECORD) {
            record_check(&record, &other);
        } else if (result == JF_CSV_BAD) {
            JF_ASSERT(record.reason != NULL);
            JF_ASSERT(jf_text_equal(record.start, other.start));
        }
    }
    jf_csv_destroy(csv);
    jf_csv_destroy(second);
}

static void on_bad(void *context, uint64_t line, const char *reason)
{
    (void)context;
    JF_ASSERT(line > 0);
    JF_ASSERT(reason[0] != '\0');
}

static void receipt_check(const struct jf_receipt *receipt)
{
    JF_ASSERT(receipt->number[0] != '\0');
    JF_ASSERT(receipt->store > 0);
    JF_ASSERT(receipt->member > 0);
    JF_ASSERT(receipt->line_count > 0);
    JF_ASSERT(receipt->line_count <= JF_LINES_PER_RECEIPT_MAX);
    for (uint32_t i = 0; i < receipt->line_count; i++) {
        JF_ASSERT(receipt->lines[i].amount >= 0 && receipt->lines[i].amount <= JF_AMOUNT_MAX);
        JF_ASSERT(receipt->lines[i].quantity_milli >= 0);
        JF_ASSERT(receipt->lines[i].sku[0] != '\0');
    }
}

static void file_check(struct jf_text bytes, const struct jf_zone *zone)
{
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    struct jf_receipts *receipts = NULL;
    const struct jf_receipts_config config = {
        .path = fuzz_file(bytes), .zone = zone, .on_bad = on_bad};
    enum jf_error error = jf_receipts_open(&config, &receipts, &diagnosis);
    if (error != JF_OK) {
        JF_ASSERT(diagnosis.text[0] != '\0');
        return;
    }
    uint64_t count = 0;
    const struct jf_receipt *receipt = NULL;
    while ((error = jf_receipts_next(receipts, &receipt, &diagnosis)) == JF_OK) {
        receipt_check(receipt);
        count += 1;
    }
    JF_ASSERT(error == JF_ERROR_NOT_FOUND);
    JF_ASSERT(jf_receipts_counts(receipts)->receipts == count);
    jf_receipts_close(receipts);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct jf_zone *zone;
    if (zone == NULL) {
        enum jf_error error = jf_zone_utc(&zone);
        JF_ASSERT(error == JF_OK);
    }
    struct fuzz_input input = {bytes, size};
    uint8_t choice = fuzz_u8(&input);
    struct jf_text file = fuzz_bytes(&input, input.left);
    if ((choice & 1) != 0) {
        csv_check(file, 1u + choice / 2);
    } else {
        file_check(file, zone);
    }
    return 0;
}
