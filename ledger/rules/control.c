// Control totals: a sorted array of rows, found by binary search; a ledger has some hundred. Chain
// counters likewise, one for each reward with a stock and each level with members. Both appear in
// jf_control_reserve's room, so that applying cannot fail. Overflow: jf_control_fits is asked
// before an entry is accepted, so that a sum never leaves 64 bits.
#include "rules/apply.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/number.h"

struct jf_control {
    struct jf_control_row *rows;
    uint32_t row_count;
    uint32_t row_capacity;
    struct jf_counter *counters;
    uint32_t counter_count;
    uint32_t counter_capacity;
    struct jf_control_counts counts;
    jf_wide held; // by all members, over all entities: rows of AVAILABLE, PENDING and HELD
    jf_wide owed; // likewise: rows of DEBT, at most 0
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
        free(control->counters);
        free(control);
    }
}

// Grows an array to hold `needed` elements. Returns: it, NULL without memory (the old one stays).
static void *array_grow(void *array, uint64_t needed, size_t size, uint32_t *capacity)
{
    uint64_t room = needed * 2;
    void *grown = room > UINT32_MAX ? NULL : realloc(array, room * size);
    *capacity = grown == NULL ? *capacity : (uint32_t)room;
    return grown;
}

static enum jf_error room_make(struct jf_control *control, uint32_t rows, uint32_t counters)
{
    uint64_t rows_needed = (uint64_t)control->row_count + rows;
    uint64_t counters_needed = (uint64_t)control->counter_count + counters;
    if (rows_needed > control->row_capacity) {
        void *grown =
            array_grow(control->rows, rows_needed, sizeof *control->rows, &control->row_capacity);
        if (grown == NULL) {
            return JF_ERROR_NO_MEMORY;
        }
        control->rows = grown;
    }
    if (counters_needed > control->counter_capacity) {
        void *grown = array_grow(control->counters, counters_needed, sizeof *control->counters,
                                 &control->counter_capacity);
        if (grown == NULL) {
            return JF_ERROR_NO_MEMORY;
        }
        control->counters = grown;
    }
    return JF_OK;
}

enum jf_error jf_control_reserve(struct jf_control *control, const struct jf_entry *entry)
{
    // An entry is about two members at most, each of whom may come to a level of nobody else.
    return room_make(control, entry->posting_count, entry->counted_count + 2);
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

// What the members have and owe is added up by itself: one number says what the chain owes.
static void members_add(struct jf_control *control, enum jf_account account, int64_t points)
{
    if (account < JF_ACCOUNT_DEBT) {
        control->held += points;
    } else if (account == JF_ACCOUNT_DEBT) {
        control->owed += points;
    }
}

// Stricter than need be by what one entry moves: each row is asked to bear all of it, and so are
// the sums over all members, so that their balances add up in any order.
bool jf_control_fits(const struct jf_control *control, const struct jf_entry *entry)
{
    jf_wide moved = 0;
    for (uint32_t i = 0; i < entry->posting_count; i++) {
        jf_wide points = entry->postings[i].points;
        moved += points < 0 ? -points : points;
    }
    if (control->held + moved > INT64_MAX || control->owed - moved < INT64_MIN) {
        return false;
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

static void counts_apply(struct jf_control_counts *counts, const struct jf_entry *entry)
{
    counts->entries += 1;
    counts->last_position = entry->position;
    switch (entry->kind) {
    case JF_ENTRY_SALE:
        counts->sales += 1;
        counts->lines += entry->as.sale.receipt.line_count;
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
        break;
    case JF_ENTRY_TIER_CHANGE:
    case JF_ENTRY_HOLD:
    case JF_ENTRY_VOID:
    case JF_ENTRY_PUBLICATION:
    case JF_ENTRY_STORE:
    case JF_ENTRY_EXPIRY:
    case JF_ENTRY_DIGEST:
        break;
    case JF_ENTRY_MEMBER_UPDATE:
    case JF_ENTRY_CARD_LINK:
    case JF_ENTRY_CARD_UNLINK:
    case JF_ENTRY_MEMBER_STATUS:
    case JF_ENTRY_ADJUSTMENT:
    case JF_ENTRY_TRANSFER:
    case JF_ENTRY_MERGE:
        break;
    }
}

static int counter_compare(const struct jf_counter *a, const struct jf_counter *b)
{
    int by_kind = (a->kind > b->kind) - (a->kind < b->kind);
    int by_ground = (a->ground > b->ground) - (a->ground < b->ground);
    int by_period = (a->period > b->period) - (a->period < b->period);
    if (by_kind != 0) {
        return by_kind;
    }
    return by_ground != 0 ? by_ground : by_period;
}

// Returns: the index of the first counter not before the key.
static uint32_t counter_lower_bound(const struct jf_control *control, const struct jf_counter *key)
{
    uint32_t index = 0;
    while (index < control->counter_count && counter_compare(&control->counters[index], key) < 0) {
        index++;
    }
    return index;
}

// Adds the key's value. A counter that comes to 0 goes; none falls below (planning never asks for
// it).
static void counter_move(struct jf_control *control, struct jf_counter delta)
{
    uint32_t index = counter_lower_bound(control, &delta);
    struct jf_counter *counter = &control->counters[index];
    uint32_t behind = control->counter_count - index;
    bool is_there = behind > 0 && counter_compare(counter, &delta) == 0;
    int64_t value = 0;
    enum jf_error error = jf_number_add(is_there ? counter->value : 0, delta.value, &value);
    if (error != JF_OK) {
        return;
    }
    if (value > 0 && !is_there) {
        JF_ASSERT(control->counter_count < control->counter_capacity);
        memmove(counter + 1, counter, behind * sizeof *counter);
        control->counter_count++;
        *counter = delta;
    } else if (value > 0) {
        counter->value = value;
    } else if (is_there) {
        memmove(counter, counter + 1, (behind - 1) * sizeof *counter);
        control->counter_count--;
    }
}

static void counted_apply(struct jf_control *control, const struct jf_counter_delta *deltas,
                          uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (deltas[i].kind == JF_COUNTER_REWARD_STOCK) {
            counter_move(control, (struct jf_counter){.kind = JF_COUNTER_REWARD_STOCK,
                                                      .ground = deltas[i].ground,
                                                      .value = deltas[i].delta});
        }
    }
}

static void level_count(struct jf_control *control, struct jf_member_level level, int64_t delta)
{
    if (level.is_counted) {
        counter_move(control, (struct jf_counter){.kind = JF_COUNTER_LEVEL,
                                                  .ground = level.version,
                                                  .period = (int32_t)level.tier,
                                                  .value = delta});
    }
}

void jf_control_move(struct jf_control *control, struct jf_member_level from,
                     struct jf_member_level to)
{
    bool is_same =
        from.is_counted == to.is_counted && from.version == to.version && from.tier == to.tier;
    if (!is_same) {
        level_count(control, from, -1);
        level_count(control, to, 1);
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
        members_add(control, key.account, entry->postings[i].points);
    }
    counted_apply(control, entry->voided_counted, entry->voided_counted_count);
    counted_apply(control, entry->counted, entry->counted_count);
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

uint32_t jf_control_chain_counters(const struct jf_control *control,
                                   const struct jf_counter **out_counters)
{
    *out_counters = control->counters;
    return control->counter_count;
}

int64_t jf_control_chain_counter(const struct jf_control *control, uint32_t ground)
{
    const struct jf_counter key = {.kind = JF_COUNTER_REWARD_STOCK, .ground = ground};
    uint32_t index = counter_lower_bound(control, &key);
    bool is_there =
        index < control->counter_count && counter_compare(&control->counters[index], &key) == 0;
    return is_there ? control->counters[index].value : 0;
}

// Rows are sorted by entity before reason: one search for each entity that has issued.
int64_t jf_control_issued(const struct jf_control *control, uint32_t ground)
{
    jf_wide issued = 0;
    struct jf_control_row key = {.account = JF_ACCOUNT_ISSUED, .reason = ground};
    uint32_t index = row_lower_bound(control, &key);
    while (index < control->row_count && control->rows[index].account == JF_ACCOUNT_ISSUED) {
        const struct jf_control_row *row = &control->rows[index];
        bool is_of_ground = row->reason == ground;
        issued -= is_of_ground ? row->points : 0;
        key.entity.value = row->entity.value + (is_of_ground || row->reason > ground ? 1 : 0);
        index = row_lower_bound(control, &key);
    }
    if (issued > INT64_MAX) {
        return INT64_MAX;
    }
    return issued < INT64_MIN ? INT64_MIN : (int64_t)issued;
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

static bool counters_are_sorted(const struct jf_counter *counters, uint32_t counter_count)
{
    for (uint32_t i = 0; i < counter_count; i++) {
        if (counters[i].value <= 0 ||
            (i > 0 && counter_compare(&counters[i - 1], &counters[i]) >= 0)) {
            return false;
        }
    }
    return true;
}

enum jf_error jf_control_load(struct jf_control *control, const struct jf_control_content *content)
{
    if (!rows_are_sorted(content->rows, content->row_count) ||
        !counters_are_sorted(content->counters, content->counter_count)) {
        return JF_ERROR_CORRUPT;
    }
    control->row_count = 0;
    control->counter_count = 0;
    control->held = 0;
    control->owed = 0;
    enum jf_error error = room_make(control, content->row_count, content->counter_count);
    if (error != JF_OK) {
        return error;
    }
    if (content->row_count > 0) {
        memcpy(control->rows, content->rows, content->row_count * sizeof *control->rows);
    }
    if (content->counter_count > 0) {
        memcpy(control->counters, content->counters,
               content->counter_count * sizeof *control->counters);
    }
    control->row_count = content->row_count;
    control->counter_count = content->counter_count;
    control->counts = content->counts;
    for (uint32_t i = 0; i < control->row_count; i++) {
        members_add(control, control->rows[i].account, control->rows[i].points);
    }
    return JF_OK;
}

int64_t jf_control_liability(const struct jf_control *control)
{
    jf_wide sum = control->held + control->owed;
    JF_ASSERT(sum <= INT64_MAX);
    JF_ASSERT(sum >= INT64_MIN);
    return (int64_t)sum;
}
