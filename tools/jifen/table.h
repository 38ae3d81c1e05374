// Tables for people, by libsmartcols. One thread.
#ifndef JF_TOOLS_TABLE_H
#define JF_TOOLS_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct jf_table;

struct jf_table_column {
    const char *name;
    bool is_right; // numbers: aligned to the right
};

// Errors: JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_table_create(const struct jf_table_column *columns,
                                          uint32_t column_count, struct jf_table **out_table);
void jf_table_destroy(struct jf_table *table); // NULL is accepted

// Begins a row; the cells that follow fill it from the left.
void jf_table_row(struct jf_table *table);
void jf_table_text(struct jf_table *table, const char *text);
void jf_table_number(struct jf_table *table, int64_t number);     // 12,345
void jf_table_money(struct jf_table *table, int64_t minor_units); // 12,345.67
void jf_table_quantity(struct jf_table *table, int64_t milli);    // 1.500
void jf_table_wire_date(struct jf_table *table, int32_t wire, const char *if_none);

// Prints on stdout. Returns: JF_OK, JF_ERROR_NO_MEMORY (also when a cell before could not be kept).
JF_MUST_USE enum jf_error jf_table_print(struct jf_table *table);

#endif
