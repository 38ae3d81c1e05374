// Comma-separated records as RFC 4180 has them, read as a stream from a plain or gzip file.
//
// One thread. The reader owns its memory; the fields of a record live until the next call.
#ifndef JF_TOOLS_CSV_H
#define JF_TOOLS_CSV_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"

#define JF_CSV_FIELDS_MAX       64u
#define JF_CSV_RECORD_BYTES_MAX (64u << 10)
#define JF_CSV_START_BYTES_MAX  64u

struct jf_csv;

enum jf_csv_result {
    JF_CSV_RECORD, // fields are there
    JF_CSV_BAD,    // not a record; reading goes on at the next line of the file
    JF_CSV_END,
    JF_CSV_FAILED, // the file cannot be read further: see jf_csv_diagnosis
};

struct jf_csv_record {
    struct jf_text fields[JF_CSV_FIELDS_MAX];
    uint32_t field_count;
    uint64_t line;        // of the file, from 1: where the record begins, or reading failed
    bool is_unended;      // RECORD, BAD: the file ends before a line end: it may be cut here
    const char *reason;   // BAD: why, static
    struct jf_text start; // BAD: the line's raw bytes up to its first comma
};

// Where bytes come from. Returns: bytes read, 0 at the end, negative on failure (diagnosed).
typedef int64_t (*jf_csv_read)(void *context, void *bytes, uint32_t size,
                               struct jf_diagnosis *diagnosis);

// Errors: JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_csv_create(jf_csv_read read, void *context, struct jf_csv **out_csv);
void jf_csv_destroy(struct jf_csv *csv); // NULL is accepted

enum jf_csv_result jf_csv_next(struct jf_csv *csv, struct jf_csv_record *out_record);
const struct jf_diagnosis *jf_csv_diagnosis(const struct jf_csv *csv);

#endif
