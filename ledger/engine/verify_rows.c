// Every index row by row against the replay's, both in the order of their keys; every stored entry
// against the journal's bytes; every transaction and receipt in the stored filter. Memory: one row
// of each side, and the filter. A difference is a verdict; what cannot be read is an error.
#include "engine/verify_private.h"

#include <string.h>

#include "base/assert.h"

// ---- Entries --------------------------------------------------------------------------

static enum jf_error entries_step(struct jf_verify_entries *entries, struct jf_diagnosis *diagnosis)
{
    enum jf_error error =
        jf_state_entries_next(entries->stored, &entries->position, &entries->bytes, diagnosis);
    if (error == JF_ERROR_NOT_FOUND) {
        entries->position = 0;
        return JF_OK;
    }
    return error;
}

enum jf_error jf_verify_entries_begin(struct jf_verification *run,
                                      struct jf_verify_entries *entries,
                                      struct jf_diagnosis *diagnosis)
{
    *entries = (struct jf_verify_entries){.stored = NULL};
    if (jf_state_entries_open(run->input->scan, &entries->stored) != JF_OK) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory to read the state's entries");
    }
    return entries_step(entries, diagnosis);
}

static void entry_compare(struct jf_verification *run, const struct jf_verify_entries *entries,
                          uint64_t position, struct jf_text bytes)
{
    if (entries->position != position) {
        jf_verify_differ(run, "entry %llu is in the journal and not in the state",
                         (unsigned long long)position);
        return;
    }
    if (jf_text_equal(entries->bytes, bytes)) {
        return;
    }
    uint32_t at = 0;
    uint32_t shorter = bytes.size < entries->bytes.size ? bytes.size : entries->bytes.size;
    while (at < shorter && bytes.data[at] == entries->bytes.data[at]) {
        at++;
    }
    jf_verify_differ(run,
                     "entry %llu: the state holds %u bytes, the journal %u, and they part at byte "
                     "%u",
                     (unsigned long long)position, entries->bytes.size, bytes.size, at);
}

enum jf_error jf_verify_entries_compare(struct jf_verification *run,
                                        struct jf_verify_entries *entries,
                                        const struct jf_replay *replay,
                                        struct jf_diagnosis *diagnosis)
{
    enum jf_error error = JF_OK;
    for (uint32_t i = 0; i < replay->count && error == JF_OK; i++) {
        uint64_t position = replay->entries[i].position;
        JF_ASSERT(entries->position == 0 || entries->position >= position);
        entry_compare(run, entries, position, replay->bytes[i]);
        if (entries->position == position) {
            error = entries_step(entries, diagnosis);
        }
    }
    return error;
}

void jf_verify_entries_end(struct jf_verification *run, struct jf_verify_entries *entries)
{
    if (entries->position != 0) {
        jf_verify_differ(run, "the state holds entry %llu, and its position is %llu",
                         (unsigned long long)entries->position,
                         (unsigned long long)run->input->position);
    }
    jf_state_entries_close(entries->stored);
    entries->stored = NULL;
}

// ---- Indexes --------------------------------------------------------------------------

struct side {
    struct jf_state_rows *rows;
    bool is_end;
    struct jf_text key;
    struct jf_text value;
};

static enum jf_error side_step(struct side *side, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = jf_state_rows_next(side->rows, &side->key, &side->value, diagnosis);
    side->is_end = error == JF_ERROR_NOT_FOUND;
    return side->is_end ? JF_OK : error;
}

static int keys_order(const struct side *live, const struct side *replayed)
{
    if (live->is_end || replayed->is_end) {
        return live->is_end ? 1 : -1;
    }
    uint32_t shorter = live->key.size < replayed->key.size ? live->key.size : replayed->key.size;
    int order = shorter == 0 ? 0 : memcmp(live->key.data, replayed->key.data, shorter);
    if (order != 0) {
        return order;
    }
    return (live->key.size > replayed->key.size) - (live->key.size < replayed->key.size);
}

static void row_differ(struct jf_verification *run, enum jf_state_table table,
                       const struct side *live, const struct side *replayed, int order)
{
    char key[JF_STATE_ROW_TEXT_BYTES];
    char value[JF_STATE_ROW_TEXT_BYTES];
    char replayed_value[JF_STATE_ROW_TEXT_BYTES];
    const struct side *only = order < 0 ? live : replayed;
    jf_state_row_describe(table, only->key, only->value, key, value);
    if (order < 0) {
        jf_verify_differ(run, "%s: in the state (%s) and not in the journal", key, value);
    } else if (order > 0) {
        jf_verify_differ(run, "%s: in the journal (%s) and not in the state", key, value);
    } else {
        jf_state_row_describe(table, live->key, live->value, key, value);
        jf_state_row_describe(table, replayed->key, replayed->value, key, replayed_value);
        jf_verify_differ(run, "%s: %s in the state, %s from the journal", key, value,
                         replayed_value);
    }
}

static void filter_ask(struct jf_verification *run, const struct jf_filter *filter,
                       enum jf_state_table table, const struct side *live)
{
    uint64_t hash = 0;
    if (live->is_end || !jf_state_row_hash(table, live->key, &hash) ||
        jf_filter_maybe(filter, hash)) {
        return;
    }
    char key[JF_STATE_ROW_TEXT_BYTES];
    char value[JF_STATE_ROW_TEXT_BYTES];
    jf_state_row_describe(table, live->key, live->value, key, value);
    jf_verify_differ(run, "%s (%s) is stored, and the stored filter calls it new", key, value);
}

// One step on the side with the lesser key, or on both.
static enum jf_error sides_step(struct side *live, struct side *replayed, int order,
                                struct jf_diagnosis *diagnosis)
{
    enum jf_error error = order <= 0 ? side_step(live, diagnosis) : JF_OK;
    if (error == JF_OK && order >= 0) {
        error = side_step(replayed, diagnosis);
    }
    return error;
}

static enum jf_error sides_compare(struct jf_verification *run, enum jf_state_table table,
                                   const struct jf_filter *filter, struct side sides[2],
                                   struct jf_diagnosis *diagnosis)
{
    struct side *live = &sides[0];
    struct side *replayed = &sides[1];
    uint64_t count = 0;
    uint64_t total = jf_state_table_estimate(run->input->scan, table);
    enum jf_error error = side_step(live, diagnosis);
    if (error == JF_OK) {
        error = side_step(replayed, diagnosis);
    }
    while (error == JF_OK && !(live->is_end && replayed->is_end)) {
        int order = keys_order(live, replayed);
        if (order != 0 || !jf_text_equal(live->value, replayed->value)) {
            row_differ(run, table, live, replayed, order);
        }
        if (order <= 0) {
            filter_ask(run, filter, table, live);
        }
        count += 1;
        error = sides_step(live, replayed, order, diagnosis);
        if (error == JF_OK && count % JF_VERIFY_REPORT_ROWS == 0) {
            error = jf_verify_report(run, jf_state_table_name(table), count, total);
        }
    }
    run->result->rows += count;
    if (error == JF_OK && count > 0) {
        error = jf_verify_report(run, jf_state_table_name(table), count, count);
    }
    return error;
}

static enum jf_error table_compare(struct jf_verification *run, enum jf_state_table table,
                                   struct jf_state_scan *scratch, const struct jf_filter *filter,
                                   struct jf_diagnosis *diagnosis)
{
    struct side sides[2] = {{.rows = NULL}, {.rows = NULL}};
    enum jf_error error = jf_state_rows_open(run->input->scan, table, &sides[0].rows);
    if (error == JF_OK) {
        error = jf_state_rows_open(scratch, table, &sides[1].rows);
    }
    if (error != JF_OK) {
        jf_diagnose(diagnosis, error, "no memory to read the state's %s",
                    jf_state_table_name(table));
    } else {
        error = sides_compare(run, table, filter, sides, diagnosis);
    }
    jf_state_rows_close(sides[0].rows);
    jf_state_rows_close(sides[1].rows);
    return error;
}

enum jf_error jf_verify_rows(struct jf_verification *run, struct jf_state_scan *scratch,
                             struct jf_diagnosis *diagnosis)
{
    struct jf_filter *filter = NULL;
    enum jf_error error = jf_state_scan_filter(run->input->scan, &filter, diagnosis);
    for (int table = 0; table < JF_STATE_TABLE_COUNT && error == JF_OK; table++) {
        error = table_compare(run, (enum jf_state_table)table, scratch, filter, diagnosis);
    }
    jf_filter_destroy(filter);
    return error;
}
