// Groups the lines of a CSV file into receipts and checks every field.
// Fails: a file that cannot be opened, a first line that cannot be read or lacks a column, memory.
// Bad lines are no failure: they are reported, and their receipt is left out. Neither is a file
// that cannot be read to its end: what comes before the last receipt is given out.
#include "tools/jifen/receipts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/assert.h"
#include "base/hash.h"
#include "tools/jifen/csv.h"
#include "tools/jifen/decimal.h"
#include "tools/jifen/instant.h"
#include "tools/jifen/number_map.h"

#define JF_REASON_SIZE      256u
#define JF_ZIP_BUFFER_BYTES (256u << 10)
#define CUT_REASON          "the file ends in this line, without a line end: it may be cut"

#define COLUMNS(X)                                                                                 \
    X(RECEIPT, "receipt_id")                                                                       \
    X(STORE, "store_id")                                                                           \
    X(MEMBER, "member_id")                                                                         \
    X(SOLD_AT, "sold_at")                                                                          \
    X(SKU, "sku")                                                                                  \
    X(CATEGORY, "category")                                                                        \
    X(QUANTITY, "quantity")                                                                        \
    X(AMOUNT, "amount")

enum column {
#define COLUMN_ENUM(id, name) COLUMN_##id,
    COLUMNS(COLUMN_ENUM)
#undef COLUMN_ENUM
    COLUMN_COUNT
};

static const char *const column_names[COLUMN_COUNT] = {
#define COLUMN_NAME(id, name) name,
    COLUMNS(COLUMN_NAME)
#undef COLUMN_NAME
};

struct jf_receipts {
    struct jf_receipts_config config;
    gzFile file;
    struct jf_csv *csv;
    uint32_t columns[COLUMN_COUNT]; // index of the field
    uint32_t field_count;
    struct jf_csv_record record;
    bool has_record; // the first line of the next receipt is in record
    bool has_ended;
    bool has_skipped;                      // a line without fields was passed since the last record
    char doubtful[JF_CSV_START_BYTES_MAX]; // receipt of a line that could not be parted into fields
    uint32_t doubtful_size;
    bool is_last_doubtful; // the receipt in hand may go on in what was cut off
    // Hashes of store and number of every receipt so far. Two of 25 million are the same by chance
    // in one file of 60,000; that leaves a receipt out, and is told.
    struct jf_number_map seen;
    struct jf_receipts_counts counts;
    struct jf_receipt receipt;
};

static int64_t file_read(void *context, void *bytes, uint32_t size, struct jf_diagnosis *diagnosis)
{
    struct jf_receipts *receipts = context;
    int got = gzread(receipts->file, bytes, size);
    int code = Z_OK;
    const char *text = gzerror(receipts->file, &code);
    if (got < 0 || (got == 0 && code != Z_OK && code != Z_STREAM_END)) {
        (void)jf_diagnose(diagnosis, code == Z_ERRNO ? JF_ERROR_IO : JF_ERROR_INVALID,
                          "the file cannot be read further: %s", text); // names the file
        return -1;
    }
    return got;
}

static void bad_report(struct jf_receipts *receipts, uint64_t line, const char *reason)
{
    receipts->counts.lines_bad++;
    if (receipts->config.on_bad != NULL) {
        receipts->config.on_bad(receipts->config.context, line, reason);
    }
}

static struct jf_text field_of(const struct jf_receipts *receipts, enum column column)
{
    return receipts->record.fields[receipts->columns[column]];
}

static bool text_take(char *reason, enum column column, struct jf_text field, size_t size,
                      char *out_text)
{
    if (field.size >= size) {
        (void)snprintf(reason, JF_REASON_SIZE, "%s is longer than %zu bytes", column_names[column],
                       size - 1);
        return false;
    }
    if (field.size > 0) {
        memcpy(out_text, field.data, field.size);
    }
    out_text[field.size] = '\0';
    return true;
}

static bool field_fail(char *reason, enum column column, struct jf_text field, const char *wanted)
{
    (void)snprintf(reason, JF_REASON_SIZE, "%s \"%.*s\" is not %s", column_names[column],
                   (int)(field.size > 64 ? 64 : field.size), field.data, wanted);
    return false;
}

static bool whole_take(char *reason, enum column column, struct jf_text field, uint64_t max,
                       uint64_t *out_value)
{
    uint64_t value = 0;
    if (jf_decimal_parse_whole(field, &value) != JF_OK || value == 0 || value > max) {
        return field_fail(reason, column, field, "a whole number of 1 or above in range");
    }
    *out_value = value;
    return true;
}

static bool decimal_take(char *reason, enum column column, struct jf_text field, uint32_t scale,
                         int64_t max, int64_t *out_value)
{
    int64_t value = 0;
    if (jf_decimal_parse(field, scale, &value) != JF_OK || value > max) {
        return field_fail(reason, column, field,
                          scale == JF_DECIMAL_MONEY_SCALE
                              ? "an amount of 0 or above with at most 2 decimals"
                              : "a quantity of 0 or above with at most 3 decimals");
    }
    *out_value = value;
    return true;
}

static bool line_take(const struct jf_receipts *receipts, struct jf_receipt_line *line,
                      char *reason)
{
    struct jf_text sku = field_of(receipts, COLUMN_SKU);
    if (sku.size == 0) {
        return field_fail(reason, COLUMN_SKU, sku, "given");
    }
    return text_take(reason, COLUMN_SKU, sku, sizeof(line->sku), line->sku) &&
           text_take(reason, COLUMN_CATEGORY, field_of(receipts, COLUMN_CATEGORY),
                     sizeof(line->category), line->category) &&
           decimal_take(reason, COLUMN_QUANTITY, field_of(receipts, COLUMN_QUANTITY),
                        JF_DECIMAL_QUANTITY_SCALE, JF_QUANTITY_MILLI_MAX, &line->quantity_milli) &&
           decimal_take(reason, COLUMN_AMOUNT, field_of(receipts, COLUMN_AMOUNT),
                        JF_DECIMAL_MONEY_SCALE, JF_AMOUNT_MAX, &line->amount);
}

struct head {
    char number[JF_RECEIPT_NUMBER_BYTES_MAX + 1];
    uint64_t store;
    uint64_t member;
    int64_t sold_at_ms;
    jf_date sold_on;
};

static bool head_take(const struct jf_receipts *receipts, struct head *head, char *reason)
{
    struct jf_text sold_at = field_of(receipts, COLUMN_SOLD_AT);
    struct jf_instant instant;
    if (!text_take(reason, COLUMN_RECEIPT, field_of(receipts, COLUMN_RECEIPT), sizeof(head->number),
                   head->number) ||
        !whole_take(reason, COLUMN_STORE, field_of(receipts, COLUMN_STORE), UINT32_MAX,
                    &head->store) ||
        !whole_take(reason, COLUMN_MEMBER, field_of(receipts, COLUMN_MEMBER), UINT64_MAX,
                    &head->member)) {
        return false;
    }
    if (!jf_instant_parse(sold_at, &instant)) {
        return field_fail(reason, COLUMN_SOLD_AT, sold_at,
                          "a date and time such as 2017-01-18T10:00:00");
    }
    head->sold_on = instant.date;
    head->sold_at_ms = jf_instant_to_ms(&instant, receipts->config.zone);
    return true;
}

static bool head_matches(const struct jf_receipt *receipt, const struct head *head, char *reason)
{
    if (receipt->store == head->store && receipt->member == head->member &&
        receipt->sold_at_ms == head->sold_at_ms) {
        return true;
    }
    (void)snprintf(reason, JF_REASON_SIZE,
                   "receipt %s has another store, member or time than on its first line, %" PRIu64,
                   receipt->number, receipt->file_line);
    return false;
}

// Adds the record in hand to the receipt being built; a bad one marks the receipt.
static void record_add(struct jf_receipts *receipts)
{
    struct jf_receipt *receipt = &receipts->receipt;
    char reason[JF_REASON_SIZE];
    struct head head = {0};
    bool is_good = head_take(receipts, &head, reason);
    receipt->store = receipt->store == 0 && is_good ? (uint32_t)head.store : receipt->store;
    if (is_good && receipt->line_count == 0 && !receipt->is_bad) {
        receipt->member = head.member;
        receipt->sold_at_ms = head.sold_at_ms;
        receipt->sold_on = head.sold_on;
    } else if (is_good && !receipt->is_bad) {
        is_good = head_matches(receipt, &head, reason);
    }
    if (is_good && receipt->line_count == JF_LINES_PER_RECEIPT_MAX) {
        (void)snprintf(reason, sizeof(reason), "receipt %s has more than %u lines", receipt->number,
                       JF_LINES_PER_RECEIPT_MAX);
        is_good = false;
    }
    is_good = is_good && line_take(receipts, &receipt->lines[receipt->line_count], reason);
    if (is_good && receipts->record.is_unended) { // its last field may have lost digits
        (void)snprintf(reason, sizeof(reason), CUT_REASON);
        is_good = false;
    }
    if (is_good) {
        receipt->line_count++;
    } else {
        receipt->is_bad = true;
        bad_report(receipts, receipts->record.line, reason);
    }
}

// A line without fields: whose receipt it was is guessed from its first bytes.
static void doubtful_note(struct jf_receipts *receipts, struct jf_text start)
{
    receipts->doubtful_size = 0;
    if (start.size > 0 && start.data[0] == '"') {
        start.data++;
        start.size--;
    }
    if (receipts->columns[COLUMN_RECEIPT] == 0 && start.size <= sizeof(receipts->doubtful)) {
        memcpy(receipts->doubtful, start.data, start.size);
        receipts->doubtful_size = start.size;
    }
}

static bool is_doubtful(const struct jf_receipts *receipts, struct jf_text number)
{
    return receipts->doubtful_size > 0 &&
           jf_text_equal(number, (struct jf_text){receipts->doubtful, receipts->doubtful_size});
}

// The file cannot be read further: the lines before are good, and only the last receipt is in
// doubt.
static void failure_note(struct jf_receipts *receipts)
{
    char reason[JF_REASON_SIZE + sizeof(((struct jf_diagnosis *)0)->text)];
    (void)snprintf(reason, sizeof(reason),
                   "%s; the last receipt before this line may be incomplete and is left out, the "
                   "others are used",
                   jf_csv_diagnosis(receipts->csv)->text);
    bad_report(receipts, receipts->record.line, reason);
    receipts->counts.cut_line = receipts->record.line;
    receipts->is_last_doubtful = true;
}

// Says what is wrong with the line in hand, and guesses whose it was.
static void line_reject(struct jf_receipts *receipts, enum jf_csv_result result)
{
    const struct jf_csv_record *record = &receipts->record;
    char reason[JF_REASON_SIZE];
    const char *cut = record->is_unended ? "; " CUT_REASON : "";
    if (result == JF_CSV_BAD) {
        (void)snprintf(reason, sizeof(reason), "%s%s", record->reason, cut);
        doubtful_note(receipts, record->start);
    } else if (record->field_count != receipts->field_count) {
        (void)snprintf(reason, sizeof(reason), "%u fields where the first line has %u%s",
                       record->field_count, receipts->field_count, cut);
        doubtful_note(receipts, record->fields[0]);
    } else {
        (void)snprintf(reason, sizeof(reason), "receipt_id is empty%s", cut);
    }
    bad_report(receipts, record->line, reason);
    receipts->has_skipped = true;
    // Of a line that is cut before its number is whole, nobody knows whose it was.
    bool is_number_whole = result == JF_CSV_RECORD && receipts->columns[COLUMN_RECEIPT] == 0 &&
                           record->field_count > 1;
    receipts->is_last_doubtful = record->is_unended && !is_number_whole;
}

// Goes to the next line that has fields and a receipt's number.
// Returns: JF_OK; JF_ERROR_NOT_FOUND at the end.
static enum jf_error record_next(struct jf_receipts *receipts)
{
    struct jf_csv_record *record = &receipts->record;
    for (;;) {
        enum jf_csv_result result = jf_csv_next(receipts->csv, record);
        if (result == JF_CSV_FAILED) {
            failure_note(receipts);
        }
        if (result == JF_CSV_END || result == JF_CSV_FAILED) {
            receipts->has_ended = true;
            return JF_ERROR_NOT_FOUND;
        }
        receipts->counts.cut_line = record->is_unended ? record->line : 0;
        if (result == JF_CSV_RECORD && record->field_count == receipts->field_count &&
            field_of(receipts, COLUMN_RECEIPT).size > 0) {
            return JF_OK;
        }
        line_reject(receipts, result);
    }
}

// Notes the receipt in hand, and that its lines do not stand together if it was there before.
static enum jf_error repeat_check(struct jf_receipts *receipts, struct jf_diagnosis *diagnosis)
{
    struct jf_receipt *receipt = &receipts->receipt;
    char key[sizeof(receipt->number) + 16];
    char reason[JF_REASON_SIZE];
    int size = snprintf(key, sizeof(key), "%" PRIu32 "-%s", receipt->store, receipt->number);
    JF_ASSERT(size > 0 && (size_t)size < sizeof(key));
    if (receipt->store == 0) {
        return JF_OK; // no line of it could be read: it is bad, and whose it was is not known
    }
    uint32_t count = receipts->seen.count;
    uint32_t unused = 0;
    enum jf_error error = jf_number_map_add(&receipts->seen, jf_hash64(key, (size_t)size), &unused);
    if (error != JF_OK) {
        return jf_diagnose(diagnosis, error, "%s, receipt %s: %s", receipts->config.path,
                           receipt->number, jf_error_text(error));
    }
    if (receipts->seen.count == count && !receipt->is_bad) {
        (void)snprintf(reason, sizeof(reason),
                       "receipt %s of store %" PRIu32 " was there before, and lines of a receipt "
                       "must stand together: %" PRIu32 " of its lines, from this one on, are left "
                       "out",
                       receipt->number, receipt->store, receipt->line_count);
        receipt->is_bad = true;
        bad_report(receipts, receipt->file_line, reason);
    }
    return JF_OK;
}

static void receipt_begin(struct jf_receipts *receipts)
{
    struct jf_receipt *receipt = &receipts->receipt;
    struct jf_text number = field_of(receipts, COLUMN_RECEIPT);
    receipt->line_count = 0;
    receipt->store = 0;
    receipt->file_line = receipts->record.line;
    receipt->is_bad = is_doubtful(receipts, number);
    uint32_t size = number.size < sizeof(receipt->number) ? number.size : 0;
    memcpy(receipt->number, number.data, size);
    receipt->number[size] = '\0';
}

// Takes all lines of one receipt; the first line of the next one stays in hand.
static enum jf_error receipt_build(struct jf_receipts *receipts, struct jf_diagnosis *diagnosis)
{
    struct jf_receipt *receipt = &receipts->receipt;
    receipt_begin(receipts);
    struct jf_text number = jf_text_from(receipt->number);
    bool is_continued = true;
    while (is_continued) {
        record_add(receipts);
        receipts->has_skipped = false;
        receipts->has_record = record_next(receipts) == JF_OK;
        is_continued =
            receipts->has_record && jf_text_equal(field_of(receipts, COLUMN_RECEIPT), number);
        // A line skipped amid the receipt, or one that began with its number, was part of it.
        receipt->is_bad = receipt->is_bad || is_doubtful(receipts, number) ||
                          (is_continued && receipts->has_skipped) ||
                          (!receipts->has_record && receipts->is_last_doubtful);
    }
    return repeat_check(receipts, diagnosis);
}

enum jf_error jf_receipts_next(struct jf_receipts *receipts, const struct jf_receipt **out_receipt,
                               struct jf_diagnosis *diagnosis)
{
    for (;;) {
        if (!receipts->has_record) {
            enum jf_error error = receipts->has_ended ? JF_ERROR_NOT_FOUND : record_next(receipts);
            if (error != JF_OK) {
                return error;
            }
            receipts->has_record = true;
        }
        enum jf_error error = receipt_build(receipts, diagnosis);
        if (error != JF_OK) {
            return error;
        }
        if (!receipts->receipt.is_bad) {
            receipts->counts.receipts++;
            receipts->counts.lines += receipts->receipt.line_count;
            *out_receipt = &receipts->receipt;
            return JF_OK;
        }
        receipts->counts.receipts_left_out++;
    }
}

static enum jf_error columns_find(struct jf_receipts *receipts, struct jf_diagnosis *diagnosis)
{
    const struct jf_csv_record *record = &receipts->record;
    receipts->field_count = record->field_count;
    for (uint32_t column = 0; column < COLUMN_COUNT; column++) {
        uint32_t at = 0;
        while (at < record->field_count &&
               !jf_text_equal(record->fields[at], jf_text_from(column_names[column]))) {
            at++;
        }
        if (at == record->field_count) {
            return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                               "%s: the first line does not name a column \"%s\"; it must name "
                               "receipt_id,store_id,member_id,sold_at,sku,category,quantity,amount",
                               receipts->config.path, column_names[column]);
        }
        receipts->columns[column] = at;
    }
    return JF_OK;
}

// A byte order mark, as spreadsheets write it, is no part of the first column's name.
static void mark_remove(struct jf_text *field)
{
    if (field->size >= 3 && memcmp(field->data, "\xef\xbb\xbf", 3) == 0) {
        field->data += 3;
        field->size -= 3;
    }
}

static enum jf_error first_line_read(struct jf_receipts *receipts, struct jf_diagnosis *diagnosis)
{
    enum jf_csv_result result = jf_csv_next(receipts->csv, &receipts->record);
    if (result == JF_CSV_FAILED) {
        *diagnosis = *jf_csv_diagnosis(receipts->csv);
        return diagnosis->error;
    }
    if (result == JF_CSV_END) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID, "%s is empty", receipts->config.path);
    }
    if (result == JF_CSV_BAD) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID, "%s, line 1: %s", receipts->config.path,
                           receipts->record.reason);
    }
    mark_remove(&receipts->record.fields[0]);
    return columns_find(receipts, diagnosis);
}

enum jf_error jf_receipts_open(const struct jf_receipts_config *config,
                               struct jf_receipts **out_receipts, struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(config->zone != NULL);
    struct jf_receipts *receipts = calloc(1, sizeof(*receipts));
    if (receipts == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "out of memory reading %s", config->path);
    }
    receipts->config = *config;
    enum jf_error error = JF_OK;
    receipts->file = gzopen(config->path, "rbe");
    if (receipts->file == NULL) {
        error = jf_diagnose(diagnosis, errno == ENOENT ? JF_ERROR_NOT_FOUND : JF_ERROR_IO,
                            "%s cannot be opened: %s", config->path, strerror(errno));
    } else {
        (void)gzbuffer(receipts->file, JF_ZIP_BUFFER_BYTES);
        error = jf_csv_create(file_read, receipts, &receipts->csv);
    }
    if (error == JF_OK) {
        error = first_line_read(receipts, diagnosis);
    }
    if (error != JF_OK) {
        jf_receipts_close(receipts);
        return error;
    }
    *out_receipts = receipts;
    return JF_OK;
}

void jf_receipts_close(struct jf_receipts *receipts)
{
    if (receipts == NULL) {
        return;
    }
    jf_csv_destroy(receipts->csv);
    if (receipts->file != NULL) {
        (void)gzclose_r(receipts->file);
    }
    jf_number_map_deinit(&receipts->seen);
    free(receipts);
}

const struct jf_receipts_counts *jf_receipts_counts(const struct jf_receipts *receipts)
{
    return &receipts->counts;
}
