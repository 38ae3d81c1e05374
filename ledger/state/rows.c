// Iterators over the families of a snapshot, one table each. The tables in the meta family are the
// keys with their prefix. Entries come from their chunks, then from the tail, if that is newer.
//
// Fails: keys of a wrong size and chunks out of form are JF_ERROR_CORRUPT; what RocksDB says.
#include "state/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "state/chunk.h"
#include "state/state_private.h"
#include "state/varint.h"

// Four bytes of filter for each byte of hash: one answer in very many is a false "maybe".
#define FILTER_BYTES_PER_BYTE 4u

struct table {
    const char *name;
    enum jf_kv_family family;
    char prefix;       // 0: all keys of the family
    uint32_t key_size; // 0: any
};

static const struct table tables[JF_STATE_TABLE_COUNT] = {
    [JF_STATE_TABLE_CARDS] = {"cards", JF_KV_CARDS, 0, 0},
    [JF_STATE_TABLE_TRANSACTIONS] = {"transactions", JF_KV_TRANSACTIONS, 0,
                                     JF_KEY_TRANSACTION_BYTES},
    [JF_STATE_TABLE_RECEIPTS] = {"receipts", JF_KV_RECEIPTS, 0, JF_KEY_RECEIPT_BYTES},
    [JF_STATE_TABLE_EXPIRIES] = {"expiries", JF_KV_EXPIRIES, 0, JF_KEY_EXPIRY_BYTES},
    [JF_STATE_TABLE_DATES] = {"dates", JF_KV_META, JF_META_DATE, 1 + sizeof(jf_date)},
    [JF_STATE_TABLE_REFERENCES] = {"references", JF_KV_META, JF_META_REFERENCE,
                                   1 + sizeof(uint64_t)},
};

const char *jf_state_table_name(enum jf_state_table table)
{
    JF_ASSERT((unsigned)table < JF_STATE_TABLE_COUNT);
    return tables[table].name;
}

uint64_t jf_state_table_estimate(struct jf_state_scan *scan, enum jf_state_table table)
{
    bool is_whole_family = tables[table].prefix == 0;
    return is_whole_family ? scan->kv->functions->estimate(scan->kv, tables[table].family) : 0;
}

// ---- Rows -----------------------------------------------------------------------------

struct jf_state_rows {
    struct jf_kv *kv;
    struct jf_kv_iterator *iterator;
    const struct table *table;
};

enum jf_error jf_state_rows_open(struct jf_state_scan *scan, enum jf_state_table table,
                                 struct jf_state_rows **out_rows)
{
    JF_ASSERT((unsigned)table < JF_STATE_TABLE_COUNT);
    struct jf_state_rows *rows = calloc(1, sizeof *rows);
    if (rows == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    rows->kv = scan->kv;
    rows->table = &tables[table];
    struct jf_text from = {&rows->table->prefix, rows->table->prefix == 0 ? 0 : 1};
    rows->iterator =
        scan->kv->functions->iterator_open(scan->kv, rows->table->family, scan->snapshot, from);
    if (rows->iterator == NULL) {
        free(rows);
        return JF_ERROR_NO_MEMORY;
    }
    *out_rows = rows;
    return JF_OK;
}

enum jf_error jf_state_rows_next(struct jf_state_rows *rows, struct jf_text *out_key,
                                 struct jf_text *out_value, struct jf_diagnosis *diagnosis)
{
    const struct table *table = rows->table;
    enum jf_error error = JF_OK;
    do {
        error = rows->kv->functions->iterator_next(rows->iterator, out_key, out_value, diagnosis);
        if (error != JF_OK) {
            return error;
        }
        if (table->prefix != 0 && (out_key->size == 0 || out_key->data[0] != table->prefix)) {
            return JF_ERROR_NOT_FOUND;
        }
        // Words of the meta family may begin with a prefix; they are longer or shorter.
    } while (table->prefix != 0 && out_key->size != table->key_size);
    if (table->key_size != 0 && out_key->size != table->key_size) {
        return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                           "a key of the state's %s has %u bytes, not %u", table->name,
                           out_key->size, table->key_size);
    }
    return JF_OK;
}

void jf_state_rows_close(struct jf_state_rows *rows)
{
    if (rows != NULL) {
        rows->kv->functions->iterator_close(rows->iterator);
        free(rows);
    }
}

// ---- In words -------------------------------------------------------------------------

static void date_describe(const unsigned char *key, char out_text[32])
{
    jf_date date = jf_load_date_ordered(key);
    if (date > JF_DATE_MIN && date <= JF_DATE_MAX) {
        jf_date_format(date, out_text);
    } else {
        snprintf(out_text, 32, "day %d", (int)date);
    }
}

static void key_describe(enum jf_state_table table, struct jf_text key, char *text)
{
    const unsigned char *bytes = (const unsigned char *)key.data;
    char date[32] = "";
    switch (table) {
    case JF_STATE_TABLE_CARDS:
        snprintf(text, JF_STATE_ROW_TEXT_BYTES, "card %.*s", (int)key.size, key.data);
        break;
    case JF_STATE_TABLE_TRANSACTIONS:
        date_describe(bytes, date);
        snprintf(text, JF_STATE_ROW_TEXT_BYTES, "transaction %016llx%016llx of %s",
                 (unsigned long long)jf_load_u64_ordered(bytes + 4),
                 (unsigned long long)jf_load_u64_ordered(bytes + 12), date);
        break;
    case JF_STATE_TABLE_RECEIPTS:
        date_describe(bytes, date);
        snprintf(text, JF_STATE_ROW_TEXT_BYTES,
                 "receipt %016llx%016llx of store %u, terminal %u, %s",
                 (unsigned long long)jf_load_u64_ordered(bytes + 12),
                 (unsigned long long)jf_load_u64_ordered(bytes + 20),
                 jf_load_u32_ordered(bytes + 4), jf_load_u32_ordered(bytes + 8), date);
        break;
    case JF_STATE_TABLE_EXPIRIES:
        date_describe(bytes, date);
        snprintf(text, JF_STATE_ROW_TEXT_BYTES, "expiry of member %llu after %s",
                 (unsigned long long)jf_load_u64_ordered(bytes + 4), date);
        break;
    case JF_STATE_TABLE_DATES:
        date_describe(bytes + 1, date);
        snprintf(text, JF_STATE_ROW_TEXT_BYTES, "date with transactions %s", date);
        break;
    case JF_STATE_TABLE_REFERENCES:
        snprintf(text, JF_STATE_ROW_TEXT_BYTES, "store or programme of entry %llu",
                 (unsigned long long)jf_load_u64_ordered(bytes + 1));
        break;
    case JF_STATE_TABLE_COUNT:
        JF_ASSERT(false);
    }
}

static void value_describe(enum jf_state_table table, struct jf_text value, char *text)
{
    const unsigned char *bytes = (const unsigned char *)value.data;
    struct jf_varint_reader reader = {bytes, bytes + value.size, false};
    uint64_t first = jf_varint_read(&reader, UINT64_MAX);
    uint64_t second =
        table == JF_STATE_TABLE_TRANSACTIONS ? jf_varint_read(&reader, UINT64_MAX) : 0;
    bool is_readable = !reader.is_bad && reader.at == reader.end;
    if (table == JF_STATE_TABLE_CARDS && is_readable) {
        snprintf(text, JF_STATE_ROW_TEXT_BYTES, "member %llu", (unsigned long long)first);
    } else if (table == JF_STATE_TABLE_TRANSACTIONS && is_readable) {
        snprintf(text, JF_STATE_ROW_TEXT_BYTES, "entry %llu, followed by entry %llu",
                 (unsigned long long)first, (unsigned long long)second);
    } else if (table == JF_STATE_TABLE_RECEIPTS && is_readable) {
        snprintf(text, JF_STATE_ROW_TEXT_BYTES, "entry %llu", (unsigned long long)first);
    } else {
        snprintf(text, JF_STATE_ROW_TEXT_BYTES, "%u bytes", value.size);
    }
}

void jf_state_row_describe(enum jf_state_table table, struct jf_text key, struct jf_text value,
                           char out_key_text[JF_STATE_ROW_TEXT_BYTES],
                           char out_value_text[JF_STATE_ROW_TEXT_BYTES])
{
    JF_ASSERT((unsigned)table < JF_STATE_TABLE_COUNT);
    key_describe(table, key, out_key_text);
    value_describe(table, value, out_value_text);
}

bool jf_state_row_hash(enum jf_state_table table, struct jf_text key, uint64_t *out_hash)
{
    const unsigned char *bytes = (const unsigned char *)key.data;
    if (table == JF_STATE_TABLE_TRANSACTIONS) {
        struct jf_hash128 id_hash = {.low = jf_load_u64_ordered(bytes + 12),
                                     .high = jf_load_u64_ordered(bytes + 4)};
        *out_hash = jf_filter_hash_transaction(id_hash);
        return true;
    }
    if (table == JF_STATE_TABLE_RECEIPTS) {
        *out_hash = jf_hash64(key.data, key.size); // as jf_filter_hash_receipt
        return true;
    }
    return false;
}

// ---- Values of the meta family, as of the snapshot ------------------------------------

struct meta_read {
    struct jf_state_buffer buffer;
    bool is_found;
};

static enum jf_error meta_found(void *context, uint32_t index, struct jf_text value)
{
    struct meta_read *read = context;
    (void)index;
    unsigned char *to = jf_state_buffer_reserve(&read->buffer, (size_t)value.size + 1);
    if (to == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    memcpy(to, value.data, value.size);
    read->buffer.size += value.size;
    read->is_found = true;
    return JF_OK;
}

static enum jf_error meta_read(struct jf_state_scan *scan, const char *name, struct meta_read *read,
                               struct jf_diagnosis *diagnosis)
{
    struct jf_text key = jf_text_from(name);
    struct jf_kv_query query = {.family = JF_KV_META,
                                .snapshot = scan->snapshot,
                                .keys = &key,
                                .count = 1,
                                .found = meta_found,
                                .context = read};
    return jf_kv_multi_get(scan->kv, &query, diagnosis);
}

// ---- Entries --------------------------------------------------------------------------

struct jf_state_entries {
    struct jf_state_scan *scan;
    struct jf_kv_iterator *iterator; // over the whole chunks
    struct meta_read tail;
    bool is_tail; // the chunk is the tail's: the last
    struct jf_chunk chunk;
    struct jf_text bytes; // of the chunk's entries
    uint32_t slot;        // the next
};

enum jf_error jf_state_entries_open(struct jf_state_scan *scan,
                                    struct jf_state_entries **out_entries)
{
    struct jf_state_entries *entries = calloc(1, sizeof *entries);
    if (entries == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    struct jf_text nothing = {NULL, 0};
    entries->scan = scan;
    entries->iterator =
        scan->kv->functions->iterator_open(scan->kv, JF_KV_ENTRIES, scan->snapshot, nothing);
    if (entries->iterator == NULL) {
        free(entries);
        return JF_ERROR_NO_MEMORY;
    }
    *out_entries = entries;
    return JF_OK;
}

void jf_state_entries_close(struct jf_state_entries *entries)
{
    if (entries != NULL) {
        entries->scan->kv->functions->iterator_close(entries->iterator);
        jf_state_buffer_free(&entries->tail.buffer);
        free(entries);
    }
}

static enum jf_error chunk_enter(struct jf_state_entries *entries, uint64_t number,
                                 struct jf_text value, struct jf_diagnosis *diagnosis)
{
    entries->chunk = (struct jf_chunk){.number = number};
    entries->slot = number == 0 ? 1 : 0; // there is no position 0
    enum jf_error error = jf_chunk_decode(value, &entries->chunk, &entries->bytes);
    if (error == JF_OK && !entries->is_tail && entries->chunk.count != JF_CHUNK_ENTRIES) {
        error = JF_ERROR_CORRUPT;
    }
    return error == JF_OK ? JF_OK
                          : jf_diagnose(diagnosis, error,
                                        "the state's entries from position %llu on are out of form",
                                        (unsigned long long)(number << JF_CHUNK_SHIFT));
}

// The tail counts while its chunk is not among the whole ones.
static enum jf_error tail_enter(struct jf_state_entries *entries, uint64_t newest_whole,
                                bool has_whole, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = meta_read(entries->scan, JF_META_TAIL, &entries->tail, diagnosis);
    if (error != JF_OK || !entries->tail.is_found) {
        return error == JF_OK ? JF_ERROR_NOT_FOUND : error;
    }
    const struct jf_state_buffer *buffer = &entries->tail.buffer;
    if (buffer->size < JF_TAIL_HEAD_BYTES) {
        return jf_diagnose(diagnosis, JF_ERROR_CORRUPT, "the state's newest entries have no head");
    }
    uint64_t number = jf_load_u64(buffer->bytes);
    if (has_whole && number <= newest_whole) {
        return JF_ERROR_NOT_FOUND;
    }
    struct jf_text chunk = {NULL, 0};
    enum jf_error decode_error =
        jf_tail_decode(jf_text_of(buffer->bytes, buffer->size), number, &chunk);
    JF_ASSERT(decode_error == JF_OK);
    return chunk_enter(entries, number, chunk, diagnosis);
}

static enum jf_error chunk_next(struct jf_state_entries *entries, struct jf_diagnosis *diagnosis)
{
    struct jf_text key = {NULL, 0};
    struct jf_text value = {NULL, 0};
    if (entries->is_tail) {
        return JF_ERROR_NOT_FOUND;
    }
    uint64_t before = entries->chunk.number;
    bool has_before = entries->chunk.count > 0;
    enum jf_error error =
        entries->scan->kv->functions->iterator_next(entries->iterator, &key, &value, diagnosis);
    if (error == JF_ERROR_NOT_FOUND) {
        entries->is_tail = true;
        return tail_enter(entries, before, has_before, diagnosis);
    }
    if (error != JF_OK) {
        return error;
    }
    if (key.size != JF_KEY_CHUNK_BYTES) {
        return jf_diagnose(diagnosis, JF_ERROR_CORRUPT, "a key of the state's entries has %u bytes",
                           key.size);
    }
    uint64_t number = jf_load_u64_ordered((const unsigned char *)key.data);
    return chunk_enter(entries, number, value, diagnosis);
}

enum jf_error jf_state_entries_next(struct jf_state_entries *entries, uint64_t *out_position,
                                    struct jf_text *out_bytes, struct jf_diagnosis *diagnosis)
{
    while (entries->slot >= entries->chunk.count) {
        enum jf_error error = chunk_next(entries, diagnosis);
        if (error != JF_OK) {
            return error;
        }
    }
    const struct jf_chunk *chunk = &entries->chunk;
    uint32_t begin = entries->slot == 0 ? 0 : chunk->ends[entries->slot - 1];
    *out_bytes = (struct jf_text){entries->bytes.data + begin, chunk->ends[entries->slot] - begin};
    *out_position = (chunk->number << JF_CHUNK_SHIFT) + entries->slot;
    entries->slot += 1;
    return JF_OK;
}

// ---- The filter -----------------------------------------------------------------------

// How many bytes of filter the rows ask for. Pages fit one size only. Without any the rows are
// hashes, which fill a smaller filter as well: a young ledger's is not worth the memory of a
// large one, each time it is verified.
static enum jf_error filter_size_find(struct jf_state_scan *scan, uint64_t *size_bytes,
                                      struct jf_diagnosis *diagnosis)
{
    const struct jf_kv_functions *functions = scan->kv->functions;
    struct jf_text key = {NULL, 0};
    struct jf_text value = {NULL, 0};
    uint64_t recent_bytes = 0;
    struct jf_kv_iterator *iterator =
        functions->iterator_open(scan->kv, JF_KV_FILTER, scan->snapshot, key);
    if (iterator == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "out of memory reading the filter");
    }
    enum jf_error error = functions->iterator_next(iterator, &key, &value, diagnosis);
    bool has_pages = error == JF_OK && key.size > 0 && key.data[0] == JF_FILTER_KEY_PAGE;
    while (error == JF_OK && !has_pages) {
        recent_bytes += value.size;
        error = functions->iterator_next(iterator, &key, &value, diagnosis);
    }
    functions->iterator_close(iterator);
    uint64_t enough = JF_FILTER_BYTES_MIN;
    while (enough < FILTER_BYTES_PER_BYTE * recent_bytes) {
        enough *= 2;
    }
    *size_bytes = has_pages || *size_bytes < enough ? *size_bytes : enough;
    return error == JF_ERROR_NOT_FOUND ? JF_OK : error;
}

static enum jf_error filter_rows_load(struct jf_state_scan *scan, struct jf_filter *filter,
                                      struct jf_diagnosis *diagnosis)
{
    const struct jf_kv_functions *functions = scan->kv->functions;
    struct jf_text key = {NULL, 0};
    struct jf_text value = {NULL, 0};
    struct jf_kv_iterator *iterator =
        functions->iterator_open(scan->kv, JF_KV_FILTER, scan->snapshot, key);
    if (iterator == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "out of memory reading the filter");
    }
    enum jf_error error = JF_OK;
    while (error == JF_OK) {
        error = functions->iterator_next(iterator, &key, &value, diagnosis);
        if (error == JF_OK && jf_state_filter_row_load(filter, key, value) != JF_OK) {
            error = jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                                "a page of the state's filter has a wrong size");
        }
    }
    functions->iterator_close(iterator);
    return error == JF_ERROR_NOT_FOUND ? JF_OK : error;
}

static bool is_filter_size(const struct jf_state_buffer *buffer, uint64_t *out_size)
{
    if (buffer->size != sizeof(uint64_t)) {
        return false;
    }
    *out_size = jf_load_u64(buffer->bytes);
    return *out_size >= JF_FILTER_BYTES_MIN && *out_size <= JF_FILTER_BYTES_MAX &&
           (*out_size & (*out_size - 1)) == 0;
}

enum jf_error jf_state_scan_filter(struct jf_state_scan *scan, struct jf_filter **out_filter,
                                   struct jf_diagnosis *diagnosis)
{
    struct meta_read size = {.is_found = false};
    struct jf_filter *filter = NULL;
    uint64_t size_bytes = 0;
    enum jf_error error = meta_read(scan, JF_META_FILTER, &size, diagnosis);
    if (error == JF_OK && size.is_found && !is_filter_size(&size.buffer, &size_bytes)) {
        error = jf_diagnose(diagnosis, JF_ERROR_CORRUPT, "the state's filter has no possible size");
    }
    if (error == JF_OK && size.is_found) {
        error = filter_size_find(scan, &size_bytes, diagnosis);
    }
    if (error == JF_OK && size.is_found && jf_filter_create(size_bytes, &filter) != JF_OK) {
        error =
            jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "out of memory for a filter of %llu bytes",
                        (unsigned long long)size_bytes);
    }
    if (error == JF_OK && filter != NULL) {
        error = filter_rows_load(scan, filter, diagnosis);
    }
    jf_state_buffer_free(&size.buffer);
    if (error != JF_OK) {
        jf_filter_destroy(filter);
        return error;
    }
    *out_filter = filter;
    return JF_OK;
}
