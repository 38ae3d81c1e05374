// One generation becomes one write batch: members, cards, transactions and receipts sorted by key,
// entries appended to chunks, totals, new dates and reference positions, the hashes new to the
// filter, and "applied".
//
// Fails: JF_ERROR_NO_MEMORY, or the commit's failure; the database is then as before (a batch is
// atomic).
#include "state/store_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "state/varint.h"

static void put(struct jf_store *store, enum jf_kv_family family, struct jf_text key,
                struct jf_text value)
{
    store->kv->functions->put(store->kv, family, key, value);
}

// ---- Sorted rows ----------------------------------------------------------------------

static int row_compare(const void *a, const void *b)
{
    return memcmp(a, b, JF_KEY_BYTES_MAX);
}

// Returns: `count` zeroed rows to fill, or NULL.
static struct jf_store_row *rows_take(struct jf_store *store, uint32_t count)
{
    store->rows.size = 0;
    size_t size = (size_t)count * sizeof(struct jf_store_row);
    void *rows = jf_state_buffer_reserve(&store->rows, size);
    if (rows != NULL && size > 0) {
        memset(rows, 0, size);
    }
    return rows;
}

static bool members_put(struct jf_store *store, const struct jf_generation *generation)
{
    uint32_t count = generation->member_count;
    struct jf_store_row *rows = rows_take(store, count);
    if (rows == NULL) {
        return count == 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        jf_store_u64_ordered(rows[i].key, generation->members[i].number);
        rows[i].row = i;
    }
    qsort(rows, count, sizeof *rows, row_compare);
    for (uint32_t i = 0; i < count; i++) {
        const struct jf_member_note *note = &generation->members[rows[i].row];
        put(store, JF_KV_MEMBERS, jf_text_of(rows[i].key, JF_KEY_MEMBER_BYTES),
            jf_text_of(generation->records.bytes + note->offset, note->size));
    }
    return true;
}

static bool transactions_put(struct jf_store *store, const struct jf_generation *generation)
{
    uint32_t count = generation->transaction_index.count;
    struct jf_store_row *rows = rows_take(store, count);
    if (rows == NULL) {
        return count == 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct jf_transaction_note *note = &generation->transactions[i];
        jf_key_transaction(rows[i].key, note->row.date, note->id_hash);
        rows[i].row = i;
    }
    qsort(rows, count, sizeof *rows, row_compare);
    for (uint32_t i = 0; i < count; i++) {
        const struct jf_transaction_row *row = &generation->transactions[rows[i].row].row;
        unsigned char value[2 * JF_VARINT_BYTES_MAX];
        unsigned char *end = jf_varint_write(value, row->position);
        end = jf_varint_write(end, row->last_return_position);
        put(store, JF_KV_TRANSACTIONS, jf_text_of(rows[i].key, JF_KEY_TRANSACTION_BYTES),
            jf_text_of(value, (size_t)(end - value)));
    }
    return true;
}

static bool receipts_put(struct jf_store *store, const struct jf_generation *generation)
{
    uint32_t count = generation->receipt_index.count;
    struct jf_store_row *rows = rows_take(store, count);
    if (rows == NULL) {
        return count == 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        jf_key_receipt(rows[i].key, &generation->receipts[i].key);
        rows[i].row = i;
    }
    qsort(rows, count, sizeof *rows, row_compare);
    for (uint32_t i = 0; i < count; i++) {
        unsigned char value[JF_VARINT_BYTES_MAX];
        unsigned char *end = jf_varint_write(value, generation->receipts[rows[i].row].position);
        put(store, JF_KV_RECEIPTS, jf_text_of(rows[i].key, JF_KEY_RECEIPT_BYTES),
            jf_text_of(value, (size_t)(end - value)));
    }
    return true;
}

// Enrolments are few: the memtable sorts them.
static void cards_put(struct jf_store *store, const struct jf_generation *generation)
{
    for (uint32_t i = 0; i < generation->card_index.count; i++) {
        const struct jf_card_note *note = &generation->cards[i];
        struct jf_text card = jf_text_of(generation->card_bytes.bytes + note->offset, note->size);
        if (note->member.value == 0) {
            store->kv->functions->remove(store->kv, JF_KV_CARDS, card);
            continue;
        }
        unsigned char value[JF_VARINT_BYTES_MAX];
        unsigned char *end = jf_varint_write(value, note->member.value);
        put(store, JF_KV_CARDS, card, jf_text_of(value, (size_t)(end - value)));
    }
}

// ---- Entries --------------------------------------------------------------------------

static bool tail_put(struct jf_store *store)
{
    size_t head = jf_chunk_head_bytes(store->tail.count);
    store->chunk_bytes.size = 0;
    unsigned char *to = jf_state_buffer_reserve(&store->chunk_bytes, head + store->tail_bytes.size);
    if (to == NULL) {
        return false;
    }
    jf_chunk_head_encode(&store->tail, to);
    if (store->tail_bytes.size > 0) {
        memcpy(to + head, store->tail_bytes.bytes, store->tail_bytes.size);
    }
    unsigned char key[JF_KEY_CHUNK_BYTES];
    jf_store_u64_ordered(key, store->tail.number);
    put(store, JF_KV_ENTRIES, jf_text_of(key, sizeof key),
        jf_text_of(to, head + store->tail_bytes.size));
    return true;
}

static bool tail_append(struct jf_store *store, struct jf_text entry)
{
    JF_ASSERT(store->tail.count < JF_CHUNK_ENTRIES);
    unsigned char *to = jf_state_buffer_reserve(&store->tail_bytes, entry.size);
    if (to == NULL && entry.size > 0) {
        return false;
    }
    if (entry.size > 0) {
        memcpy(to, entry.data, entry.size);
    }
    store->tail_bytes.size += entry.size;
    store->tail.ends[store->tail.count++] = (uint32_t)store->tail_bytes.size;
    if (store->tail.count < JF_CHUNK_ENTRIES) {
        return true;
    }
    if (!tail_put(store)) {
        return false;
    }
    store->tail.number += 1;
    store->tail.count = 0;
    store->tail_bytes.size = 0;
    return true;
}

static bool entries_put(struct jf_store *store, const struct jf_generation *generation)
{
    for (uint32_t i = 1; i <= generation->entry_count; i++) {
        uint64_t position = generation->position_base + i;
        JF_ASSERT(jf_chunk_of(position) == store->tail.number);
        JF_ASSERT(jf_chunk_slot(position) == store->tail.count);
        if (!tail_append(store, jf_generation_entry(generation, position))) {
            return false;
        }
    }
    // The unfinished chunk is written too, and again with the next generation.
    return generation->entry_count == 0 || store->tail.count == 0 || tail_put(store);
}

struct tail_load {
    struct jf_store *store;
    bool is_found;
};

static enum jf_error tail_found(void *context, uint32_t index, struct jf_text value)
{
    struct tail_load *load = context;
    (void)index;
    struct jf_store *store = load->store;
    uint32_t count = store->tail.count;
    struct jf_text bytes = {NULL, 0};
    enum jf_error error = jf_chunk_decode(value, &store->tail, &bytes);
    if (error != JF_OK || store->tail.count != count) {
        return JF_ERROR_CORRUPT;
    }
    unsigned char *to = jf_state_buffer_reserve(&store->tail_bytes, (size_t)bytes.size + 1);
    if (to == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    memcpy(to, bytes.data, bytes.size);
    store->tail_bytes.size = bytes.size;
    load->is_found = true;
    return JF_OK;
}

enum jf_error jf_store_load_tail(struct jf_store *store, struct jf_diagnosis *diagnosis)
{
    uint64_t next = store->config.applied + 1;
    store->tail = (struct jf_chunk){.number = jf_chunk_of(next), .count = jf_chunk_slot(next)};
    // Position 0 is none: its slot in the first chunk is empty.
    if (store->config.applied == 0 || store->tail.count == 0) {
        return JF_OK;
    }
    unsigned char bytes[JF_KEY_CHUNK_BYTES];
    jf_store_u64_ordered(bytes, store->tail.number);
    struct jf_text key = jf_text_of(bytes, sizeof bytes);
    struct tail_load load = {store, false};
    struct jf_kv_query query = {
        .family = JF_KV_ENTRIES, .keys = &key, .count = 1, .found = tail_found, .context = &load};
    enum jf_error error = jf_kv_multi_get(store->kv, &query, diagnosis);
    if (error == JF_OK && !load.is_found) {
        error = JF_ERROR_CORRUPT;
    }
    if (error == JF_ERROR_CORRUPT || error == JF_ERROR_NO_MEMORY) {
        return jf_diagnose(diagnosis, error,
                           "the state's entries from position %llu on do not match its applied "
                           "position %llu: remove the state directory and start again, it is "
                           "rebuilt from the journal",
                           (unsigned long long)(store->tail.number << JF_CHUNK_SHIFT),
                           (unsigned long long)store->config.applied);
    }
    return error;
}

// ---- Meta -----------------------------------------------------------------------------

static void numbers_put(struct jf_store *store, const struct jf_generation *generation)
{
    for (size_t at = 0; at < generation->references.size; at += sizeof(uint64_t)) {
        unsigned char key[1 + sizeof(uint64_t)] = {JF_META_REFERENCE};
        jf_store_u64_ordered(key + 1, jf_load_u64(generation->references.bytes + at));
        put(store, JF_KV_META, jf_text_of(key, sizeof key), (struct jf_text){"", 0});
    }
    for (size_t at = 0; at < generation->dates.size; at += sizeof(jf_date)) {
        unsigned char key[1 + sizeof(jf_date)] = {JF_META_DATE};
        jf_store_date_ordered(key + 1, (jf_date)jf_load_u32(generation->dates.bytes + at));
        put(store, JF_KV_META, jf_text_of(key, sizeof key), (struct jf_text){"", 0});
    }
}

static void meta_put(struct jf_store *store, const struct jf_generation *generation)
{
    uint64_t position = jf_generation_position(generation);
    if (generation->hashes.size > 0) {
        unsigned char key[1 + sizeof(uint64_t)] = {JF_FILTER_KEY_RECENT};
        jf_store_u64_ordered(key + 1, position);
        put(store, JF_KV_FILTER, jf_text_of(key, sizeof key),
            jf_text_of(generation->hashes.bytes, generation->hashes.size));
    }
    put(store, JF_KV_META, JF_TEXT(JF_META_CONTROL),
        jf_text_of(generation->control.bytes, generation->control.size));
    unsigned char applied[sizeof(uint64_t)];
    jf_store_u64(applied, position);
    put(store, JF_KV_META, JF_TEXT(JF_META_APPLIED), jf_text_of(applied, sizeof applied));
}

enum jf_error jf_store_write_generation(struct jf_store *store,
                                        const struct jf_generation *generation,
                                        struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(generation->is_sealed);
    JF_ASSERT(generation->position_base == atomic_load(&store->stored));
    if (!members_put(store, generation) || !transactions_put(store, generation) ||
        !receipts_put(store, generation) || !entries_put(store, generation)) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY,
                           "out of memory writing the state up to position %llu: give the process "
                           "more, or smaller caches, and start again",
                           (unsigned long long)jf_generation_position(generation));
    }
    cards_put(store, generation);
    numbers_put(store, generation);
    meta_put(store, generation);
    enum jf_error error = store->kv->functions->commit(store->kv, diagnosis);
    if (error == JF_OK) {
        store->recent_bytes += generation->hashes.size;
    }
    return error;
}
