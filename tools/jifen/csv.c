// Reads raw bytes into a window, splits one record at a time out of it and removes the quotes.
// A record that is wrong is reported with its line, and reading goes on at the line after the one
// it began on, so that an unclosed quote costs one line and not the rest of the file. Fails: the
// source fails; out of memory at creation.
#include "tools/jifen/csv.h"

#include <stdlib.h>

#include "base/assert.h"

#define JF_CSV_WINDOW_BYTES (4u * JF_CSV_RECORD_BYTES_MAX)

struct jf_csv {
    jf_csv_read read;
    void *context;
    uint32_t start; // of what is not yet taken, in window
    uint32_t end;
    bool is_at_end;
    bool has_failed;
    uint64_t line;
    struct jf_diagnosis diagnosis;
    char bad_start[JF_CSV_START_BYTES_MAX];
    char window[JF_CSV_WINDOW_BYTES];
    char text[JF_CSV_RECORD_BYTES_MAX + 1]; // the fields without their quotes
};

enum split_result {
    SPLIT_DONE,
    SPLIT_MORE,
    SPLIT_BAD
};

struct split {
    struct jf_csv *csv;
    struct jf_csv_record *record;
    uint32_t at;        // in window
    uint32_t text_size; // of csv->text
    uint32_t lines;     // line ends passed
    const char *reason;
};

enum jf_error jf_csv_create(jf_csv_read read, void *context, struct jf_csv **out_csv)
{
    JF_ASSERT(read != NULL);
    struct jf_csv *csv = calloc(1, sizeof(*csv));
    if (csv == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    csv->read = read;
    csv->context = context;
    csv->line = 1;
    *out_csv = csv;
    return JF_OK;
}

void jf_csv_destroy(struct jf_csv *csv)
{
    free(csv);
}

const struct jf_diagnosis *jf_csv_diagnosis(const struct jf_csv *csv)
{
    return &csv->diagnosis;
}

static void window_fill(struct jf_csv *csv)
{
    uint32_t kept = csv->end - csv->start;
    memmove(csv->window, csv->window + csv->start, kept);
    csv->start = 0;
    csv->end = kept;
    uint32_t room = JF_CSV_WINDOW_BYTES - kept;
    int64_t got =
        room == 0 ? 0 : csv->read(csv->context, csv->window + kept, room, &csv->diagnosis);
    if (got < 0) {
        csv->has_failed = true;
    } else if (got == 0) {
        csv->is_at_end = true;
    } else {
        JF_ASSERT((uint64_t)got <= room);
        csv->end += (uint32_t)got;
    }
}

static enum split_result split_fail(struct split *split, const char *reason)
{
    split->reason = reason;
    return SPLIT_BAD;
}

// Takes a quoted field, behind its opening quote.
static enum split_result quoted_take(struct split *split)
{
    struct jf_csv *csv = split->csv;
    while (split->at < csv->end) {
        char character = csv->window[split->at++];
        if (character == '"') {
            if (split->at == csv->end) {
                return csv->is_at_end ? SPLIT_DONE : SPLIT_MORE;
            }
            if (csv->window[split->at] != '"') {
                return SPLIT_DONE;
            }
            split->at++;
        }
        split->lines += character == '\n';
        if (split->text_size == JF_CSV_RECORD_BYTES_MAX) {
            return split_fail(split, "the record is longer than 64 KiB; is a quote not closed?");
        }
        csv->text[split->text_size++] = character;
    }
    return csv->is_at_end ? split_fail(split, "a quote is not closed") : SPLIT_MORE;
}

static enum split_result plain_take(struct split *split)
{
    struct jf_csv *csv = split->csv;
    for (; split->at < csv->end; split->at++) {
        char character = csv->window[split->at];
        if (character == ',' || character == '\n' || character == '\r') {
            return SPLIT_DONE;
        }
        if (character == '"') {
            return split_fail(split, "a quote stands inside a field that does not begin with one");
        }
        if (character == '\0') {
            return split_fail(split, "a zero byte: this is no text");
        }
        if (split->text_size == JF_CSV_RECORD_BYTES_MAX) {
            return split_fail(split, "the record is longer than 64 KiB");
        }
        csv->text[split->text_size++] = character;
    }
    return csv->is_at_end ? SPLIT_DONE : SPLIT_MORE;
}

static enum split_result field_take(struct split *split)
{
    struct jf_csv *csv = split->csv;
    struct jf_csv_record *record = split->record;
    if (record->field_count == JF_CSV_FIELDS_MAX) {
        return split_fail(split, "more than 64 fields");
    }
    uint32_t text_start = split->text_size;
    bool is_quoted = split->at < csv->end && csv->window[split->at] == '"';
    split->at += is_quoted;
    enum split_result result = is_quoted ? quoted_take(split) : plain_take(split);
    if (result == SPLIT_DONE) {
        record->fields[record->field_count++] =
            (struct jf_text){csv->text + text_start, split->text_size - text_start};
    }
    return result;
}

// What stands behind a field: a comma (another field follows), a line end or the file's end.
static enum split_result delimiter_take(struct split *split, bool *out_is_last)
{
    struct jf_csv *csv = split->csv;
    *out_is_last = true;
    split->record->is_unended = split->at == csv->end;
    if (split->at == csv->end) {
        return csv->is_at_end ? SPLIT_DONE : SPLIT_MORE;
    }
    char character = csv->window[split->at++];
    if (character == ',') {
        *out_is_last = false;
        return SPLIT_DONE;
    }
    if (character == '\r') {
        split->record->is_unended = split->at == csv->end;
        if (split->at == csv->end) {
            return csv->is_at_end ? SPLIT_DONE : SPLIT_MORE;
        }
        character = csv->window[split->at++];
    }
    if (character != '\n') {
        return split_fail(split, "text stands behind a closing quote, or a lone carriage return");
    }
    split->lines++;
    return SPLIT_DONE;
}

static enum split_result record_split(struct split *split)
{
    split->record->field_count = 0;
    split->at = split->csv->start;
    split->text_size = 0;
    split->lines = 0;
    bool is_last = false;
    while (!is_last) {
        enum split_result result = field_take(split);
        if (result == SPLIT_DONE) {
            result = delimiter_take(split, &is_last);
        }
        if (result != SPLIT_DONE) {
            return result;
        }
    }
    return SPLIT_DONE;
}

// Skips the line on which a bad record began, and keeps its first bytes for the message.
static void line_skip(struct jf_csv *csv, struct jf_csv_record *record)
{
    uint32_t size = 0;
    // What is wrong may stand where the window ends.
    while (csv->end - csv->start < JF_CSV_START_BYTES_MAX && !csv->is_at_end && !csv->has_failed) {
        window_fill(csv);
    }
    while (csv->start + size < csv->end && size < JF_CSV_START_BYTES_MAX &&
           csv->window[csv->start + size] != ',' && csv->window[csv->start + size] != '\n') {
        csv->bad_start[size] = csv->window[csv->start + size];
        size++;
    }
    record->start = (struct jf_text){csv->bad_start, size};
    const char *line_end = NULL;
    while (line_end == NULL && csv->start < csv->end) {
        const char *first = csv->window + csv->start;
        line_end = memchr(first, '\n', csv->end - csv->start);
        csv->start = line_end == NULL ? csv->end : (uint32_t)(line_end - csv->window) + 1;
        if (line_end == NULL && !csv->is_at_end && !csv->has_failed) {
            window_fill(csv);
        }
    }
    record->is_unended = line_end == NULL;
    csv->line++;
}

static bool is_blank_line(const struct jf_csv_record *record)
{
    return record->field_count == 1 && record->fields[0].size == 0;
}

enum jf_csv_result jf_csv_next(struct jf_csv *csv, struct jf_csv_record *out_record)
{
    struct split split = {.csv = csv, .record = out_record};
    for (;;) {
        if (csv->has_failed) {
            out_record->line = csv->line;
            return JF_CSV_FAILED;
        }
        if (csv->start == csv->end && csv->is_at_end) {
            return JF_CSV_END;
        }
        enum split_result result = csv->start == csv->end ? SPLIT_MORE : record_split(&split);
        if (result == SPLIT_MORE && csv->end - csv->start >= 2 * JF_CSV_RECORD_BYTES_MAX) {
            result = split_fail(&split, "the record is longer than 64 KiB");
        }
        if (result == SPLIT_MORE) {
            window_fill(csv);
            continue;
        }
        out_record->line = csv->line;
        out_record->reason = split.reason;
        if (result == SPLIT_BAD) {
            line_skip(csv, out_record);
            return JF_CSV_BAD;
        }
        csv->start = split.at;
        csv->line += split.lines;
        if (!is_blank_line(out_record)) {
            return JF_CSV_RECORD;
        }
    }
}
