// A thin layer over libsmartcols: cells from left to right, numbers grouped and aligned right.
// Fails: out of memory, remembered and told by print.
#include "tools/jifen/table.h"

#include <libsmartcols.h>
#include <stdlib.h>

#include "base/assert.h"
#include "tools/jifen/decimal.h"
#include "tools/jifen/instant.h"

struct jf_table {
    struct libscols_table *scols;
    struct libscols_line *line;
    uint32_t cell;
    bool has_failed;
};

enum jf_error jf_table_create(const struct jf_table_column *columns, uint32_t column_count,
                              struct jf_table **out_table)
{
    struct jf_table *table = calloc(1, sizeof(*table));
    if (table == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    table->scols = scols_new_table();
    for (uint32_t at = 0; table->scols != NULL && at < column_count; at++) {
        int flags = columns[at].is_right ? SCOLS_FL_RIGHT : 0;
        if (scols_table_new_column(table->scols, columns[at].name, 0, flags) == NULL) {
            table->has_failed = true;
        }
    }
    if (table->scols == NULL || table->has_failed) {
        jf_table_destroy(table);
        return JF_ERROR_NO_MEMORY;
    }
    *out_table = table;
    return JF_OK;
}

void jf_table_destroy(struct jf_table *table)
{
    if (table != NULL) {
        scols_unref_table(table->scols);
        free(table);
    }
}

void jf_table_row(struct jf_table *table)
{
    table->line = scols_table_new_line(table->scols, NULL);
    table->cell = 0;
    table->has_failed = table->has_failed || table->line == NULL;
}

void jf_table_text(struct jf_table *table, const char *text)
{
    if (!table->has_failed && scols_line_set_data(table->line, table->cell, text) != 0) {
        table->has_failed = true;
    }
    table->cell++;
}

static void decimal_cell(struct jf_table *table, int64_t value, uint32_t scale)
{
    char text[JF_DECIMAL_TEXT_SIZE];
    jf_decimal_format(value, scale, true, text);
    jf_table_text(table, text);
}

void jf_table_number(struct jf_table *table, int64_t number)
{
    decimal_cell(table, number, 0);
}

void jf_table_money(struct jf_table *table, int64_t minor_units)
{
    decimal_cell(table, minor_units, JF_DECIMAL_MONEY_SCALE);
}

void jf_table_quantity(struct jf_table *table, int64_t milli)
{
    decimal_cell(table, milli, JF_DECIMAL_QUANTITY_SCALE);
}

void jf_table_wire_date(struct jf_table *table, int32_t wire, const char *if_none)
{
    char text[JF_DATE_TEXT_SIZE];
    jf_wire_date_format(wire, text);
    jf_table_text(table, wire == 0 ? if_none : text);
}

enum jf_error jf_table_print(struct jf_table *table)
{
    if (table->has_failed || scols_print_table(table->scols) != 0) {
        return JF_ERROR_NO_MEMORY;
    }
    return JF_OK;
}
