// Receipts out of a CSV file of lines: receipt_id, store_id, member_id, sold_at, sku, category,
// quantity, amount (and discount, which is not used), in any order of columns, named in the first
// line. Plain or gzip.
//
// Lines of a receipt stand together. A receipt with a bad line is left out whole, because half a
// receipt would earn wrong points: it is reported by on_bad, and reading goes on. So is the last
// receipt of a file that is cut: one that cannot be read to its end, or whose last line has no line
// end. A receipt (a store's number) that comes again apart from its first lines is one bad line.
//
// One thread. The reader owns its memory; a receipt lives until the next call.
#ifndef JF_TOOLS_RECEIPTS_H
#define JF_TOOLS_RECEIPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/limits.h"
#include "base/text.h"
#include "base/zone.h"

struct jf_receipts;

struct jf_receipt_line {
    char sku[JF_SKU_BYTES_MAX + 1];
    char category[JF_CATEGORY_BYTES_MAX + 1];
    int64_t quantity_milli;
    int64_t amount; // minor units
};

struct jf_receipt {
    char number[JF_RECEIPT_NUMBER_BYTES_MAX + 1]; // receipt_id
    uint32_t store;
    uint64_t member;
    int64_t sold_at_ms;
    jf_date sold_on; // as written in the file
    uint64_t file_line;
    uint32_t line_count;
    bool is_bad; // private
    struct jf_receipt_line lines[JF_LINES_PER_RECEIPT_MAX];
};

// In: line of the file, from 1; reason: a whole sentence without its full stop.
typedef void (*jf_receipts_bad)(void *context, uint64_t line, const char *reason);

struct jf_receipts_config {
    const char *path;
    const struct jf_zone *zone; // of sold_at without an offset; outlives the reader
    jf_receipts_bad on_bad;     // may be NULL
    void *context;
};

struct jf_receipts_counts {
    uint64_t receipts; // given out
    uint64_t lines;    // of them
    uint64_t receipts_left_out;
    uint64_t lines_bad;
    uint64_t
        cut_line; // from here on the file could not be read, or its line is cut; 0: it is whole
};

// Opens the file and reads its first line. Errors, diagnosed: NOT_FOUND, IO, INVALID (a column is
// missing; empty), NO_MEMORY.
JF_MUST_USE enum jf_error jf_receipts_open(const struct jf_receipts_config *config,
                                           struct jf_receipts **out_receipts,
                                           struct jf_diagnosis *diagnosis);
void jf_receipts_close(struct jf_receipts *receipts); // NULL is accepted

// Returns: JF_OK with the next receipt; JF_ERROR_NOT_FOUND at the end, which is also where a
// damaged file ends (told by on_bad and counts.cut_line); JF_ERROR_NO_MEMORY or LIMIT, diagnosed.
JF_MUST_USE enum jf_error jf_receipts_next(struct jf_receipts *receipts,
                                           const struct jf_receipt **out_receipt,
                                           struct jf_diagnosis *diagnosis);

const struct jf_receipts_counts *jf_receipts_counts(const struct jf_receipts *receipts);

#endif
