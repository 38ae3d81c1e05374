// The rows of a snapshot as they are stored, table by table, for verification: two states hold the
// same when their rows are the same bytes. Also entries by position, and the stored filter.
//
// Threads: those of the scan (state.h), one at a time. Memory: what is handed out stays until the
// next call. Everything opened here must be closed before its scan.
#ifndef JF_STATE_ROWS_H
#define JF_STATE_ROWS_H

#include "state/filter.h"
#include "state/state.h"

enum jf_state_table {
    JF_STATE_TABLE_CARDS,
    JF_STATE_TABLE_TRANSACTIONS,
    JF_STATE_TABLE_RECEIPTS,
    JF_STATE_TABLE_EXPIRIES,
    JF_STATE_TABLE_DATES,      // that have transactions
    JF_STATE_TABLE_REFERENCES, // positions of stores and publications
    JF_STATE_TABLE_COUNT
};

// Returns: the name in plural, such as "transactions", static.
const char *jf_state_table_name(enum jf_state_table table);

// Number of rows, estimated by the database; 0: not known.
uint64_t jf_state_table_estimate(struct jf_state_scan *scan, enum jf_state_table table);

struct jf_state_rows;
// Errors: JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_state_rows_open(struct jf_state_scan *scan, enum jf_state_table table,
                                             struct jf_state_rows **out_rows);
// The next row, in the order of keys. Returns: JF_OK; JF_ERROR_NOT_FOUND at the end;
// JF_ERROR_CORRUPT (the database's, or a key of a wrong size) / JF_ERROR_STATE diagnosed.
JF_MUST_USE enum jf_error jf_state_rows_next(struct jf_state_rows *rows, struct jf_text *out_key,
                                             struct jf_text *out_value,
                                             struct jf_diagnosis *diagnosis);
void jf_state_rows_close(struct jf_state_rows *rows); // NULL is accepted

#define JF_STATE_ROW_TEXT_BYTES 160u

// What a row's key and value say, in words. In: a key that rows_next gave; any value. Pure.
void jf_state_row_describe(enum jf_state_table table, struct jf_text key, struct jf_text value,
                           char out_key_text[JF_STATE_ROW_TEXT_BYTES],
                           char out_value_text[JF_STATE_ROW_TEXT_BYTES]);

// What the filter must know of a row. Returns: whether the table's rows are in the filter at all.
bool jf_state_row_hash(enum jf_state_table table, struct jf_text key, uint64_t *out_hash);

struct jf_state_entries;
// Entries as stored, whole chunks and the unfinished one. Errors: JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_state_entries_open(struct jf_state_scan *scan,
                                                struct jf_state_entries **out_entries);
// The next entry by position. Returns: JF_OK; JF_ERROR_NOT_FOUND at the end; JF_ERROR_CORRUPT,
// JF_ERROR_STATE or JF_ERROR_NO_MEMORY, diagnosed.
JF_MUST_USE enum jf_error jf_state_entries_next(struct jf_state_entries *entries,
                                                uint64_t *out_position, struct jf_text *out_bytes,
                                                struct jf_diagnosis *diagnosis);
void jf_state_entries_close(struct jf_state_entries *entries); // NULL is accepted

// The filter as the next opening would load it, in at most as much memory as it has bytes. Out:
// NULL when what is stored does not count and the next opening builds it from the keys. The caller
// destroys it. Errors: JF_ERROR_NO_MEMORY, JF_ERROR_CORRUPT, JF_ERROR_STATE, diagnosed.
JF_MUST_USE enum jf_error jf_state_scan_filter(struct jf_state_scan *scan,
                                               struct jf_filter **out_filter,
                                               struct jf_diagnosis *diagnosis);

#endif
