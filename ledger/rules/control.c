// Control totals: a sorted array of rows, found by binary search; a ledger has some hundred. Rows
// appear in jf_control_reserve's room, so that applying cannot fail. Overflow: jf_control_fits is
// asked before an entry is accepted, so that a sum never leaves 64 bits.
#include "rules/apply.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/number.h"

struct jf_control {
    struct jf_control_row *rows;
    uint32_t row_count;
    uint32_t row_capacity;
    struct jf_control_counts counts;
};

enum jf_error jf_control_create(struct jf_control **out_control)
{
    struct jf_control *control = calloc(1, sizeof *control);
    if (control == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    *out_control = control;
    return JF_OK;
}

void jf_control_destroy(struct jf_control *control)
{
    if (control != NULL) {
        free(control->rows);
        free(control);
    }
}

enum jf_error jf_control_reserve(struct jf_control *control, uint32_t posting_count)
{
    uint64_t needed = (uint64_t)control->row_count + posting_count;
    if (needed <= control->row_capacity) {
        return JF_OK;
    }
    uint64_t capacity = needed * 2;
    if (capacity > UINT32_MAX) {
        return JF_ERROR_NO_MEMORY;
    }
    struct jf_control_row *rows = realloc(control->rows, capacity * sizeof *rows);
    if (rows == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    control->rows = rows;
    control->row_capacity = (uint32_t)capacity;
    return JF_OK;
}

static int row_compare(const struct jf_control_row *a, const struct jf_control_row *b)
{
    if (a->account != b->account) {
        return a->account < b->account ? -1 : 1;
    }
    if (a->entity.value != b->entity.value) {
        return a->entity.value < b->entity.value ? -1 : 1;
    }
    return (a->reason > b->reason) - (a->reason < b->reason);
}

// The row a posting counts in, with points 0.
static struct jf_control_row row_key(const struct jf_posting *posting)
{
    return (struct jf_control_row){
        .account = posting->account,
        .entity = posting->entity,
        .reason = posting->account == JF_ACCOUNT_ISSUED ? posting->reason : 0,
    };
}

// Returns: the index of the first row not before `key`.
static uint32_t row_lower_bound(const struct jf_control *control, const struct jf_control_row *key)
{
    uint32_t low = 0;
    uint32_t high = control->row_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (row_compare(&control->rows[middle], key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct jf_control_row *row_obtain(struct jf_control *control,
                                         const struct jf_control_row *key)
{
    uint32_t index = row_lower_bound(control, key);
    if (index < control->row_count && row_compare(&control->rows[index], key) == 0) {
        return &control->rows[index];
    }
    JF_ASSERT(control->row_count < control->row_capacity);
    struct jf_control_row *row = &control->rows[index];
    memmove(row + 1, row, (control->row_count - index) * sizeof *row);
    control->row_count++;
    *row = *key;
    return row;
}

// Stricter than need be by what one entry moves: each row is asked to bear all of it.
bool jf_control_fits(const struct jf_control *control, const struct jf_entry *entry)
{
    jf_wide moved = 0;
    for (uint32_t i = 0; i < entry->posting_count; i++) {
        jf_wide points = entry->postings[i].points;
        moved += points < 0 ? -points : points;
    }
    for (uint32_t i = 0; i < entry->posting_count; i++) {
        struct jf_control_row key = row_key(&entry->postings[i]);
        uint32_t index = row_lower_bound(control, &key);
        jf_wide held = 0;
        if (index < control->row_count && row_compare(&control->rows[index], &key) == 0) {
            held = control->rows[index].points;
        }
        if ((held < 0 ? -held : held) + moved > INT64_MAX) {
            return false;
        }
    }
    return true;
}

static void tier_move(struct jf_control_counts *counts, uint32_t from, uint32_t to)
{
    if (from != to && from < JF_TIERS_MAX && to < JF_TIERS_MAX) {
        counts->members_by_tier[from] -= 1;
        counts->members_by_tier[to] += 1;
    }
}

static void counts_apply(struct jf_control_counts *counts, const struct jf_entry *entry)
{
    counts->entries += 1;
    counts->last_position = entry->position;
    switch (entry->kind) {
    case JF_ENTRY_SALE:
        counts->sales += 1;
        counts->lines += entry->as.sale.receipt.line_count;
        tier_move(counts, entry->as.sale.facts.tier, entry->balance.tier);
        break;
    case JF_ENTRY_RETURN:
        counts->returns += 1;
        break;
    case JF_ENTRY_REDEMPTION:
    case JF_ENTRY_CAPTURE:
        counts->redemptions += 1;
        break;
    case JF_ENTRY_ENROLMENT:
        counts->members += 1;
        counts->members_by_tier[0] += 1;
        break;
    case JF_ENTRY_TIER_CHANGE:
        tier_move(counts, entry->as.tier_change.from, entry->as.tier_change.to);
        break;
    case JF_ENTRY_HOLD:
    case JF_ENTRY_VOID:
    case JF_ENTRY_PUBLICATION:
    case JF_ENTRY_STORE:
        break;
    }
}

void jf_control_apply(struct jf_control *control, const struct jf_entry *entry)
{
    if (entry->position <= control->counts.last_position) {
        return; // applied before
    }
    for (uint32_t i = 0; i < entry->posting_count; i++) {
        struct jf_control_row key = row_key(&entry->postings[i]);
        struct jf_control_row *row = row_obtain(control, &key);
        enum jf_error error = jf_number_add(row->points, entry->postings[i].points, &row->points);
        JF_ASSERT(error == JF_OK);
    }
    counts_apply(&control->counts, entry);
}

uint32_t jf_control_rows(const struct jf_control *control, const struct jf_control_row **out_rows)
{
    *out_rows = control->rows;
    return control->row_count;
}

const struct jf_control_counts *jf_control_counts(const struct jf_control *control)
{
    return &control->counts;
}

static bool rows_are_sorted(const struct jf_control_row *rows, uint32_t row_count)
{
    for (uint32_t i = 1; i < row_count; i++) {
        if (row_compare(&rows[i - 1], &rows[i]) >= 0) {
            return false;
        }
    }
    return true;
}

enum jf_error jf_control_load(struct jf_control *control, const struct jf_control_row *rows,
                              uint32_t row_count, const struct jf_control_counts *counts)
{
    if (!rows_are_sorted(rows, row_count)) {
        return JF_ERROR_CORRUPT;
    }
    control->row_count = 0;
    enum jf_error error = jf_control_reserve(control, row_count);
    if (error != JF_OK) {
        return error;
    }
    if (row_count > 0) {
        memcpy(control->rows, rows, row_count * sizeof *rows);
    }
    control->row_count = row_count;
    control->counts = *counts;
    return JF_OK;
}

int64_t jf_control_liability(const struct jf_control *control)
{
    jf_wide sum = 0;
    for (uint32_t i = 0; i < control->row_count; i++) {
        if (control->rows[i].account <= JF_ACCOUNT_DEBT) {
            sum += control->rows[i].points;
        }
    }
    JF_ASSERT(sum <= INT64_MAX);
    JF_ASSERT(sum >= INT64_MIN);
    return (int64_t)sum;
}
