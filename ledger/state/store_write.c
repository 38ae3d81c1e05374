// A run of generations becomes one write batch: members, transactions, receipts and expiries sorted
// by key, cards, entries appended to chunks, totals, sums, new dates and reference positions, the
// hashes new to the filter, and "applied".
//
// Fails: JF_ERROR_NO_MEMORY, or the commit's failure; the database is then as before (a batch is
// atomic).
#include "state/store_private.h"

#include <string.h>

#include "base/assert.h"
#include "base/bug.h"
#include "state/varint.h"

static void put(struct jf_store *store, enum jf_kv_family family, struct jf_text key,
                struct jf_text value)
{
    store->kv->functions->put(store->kv, family, key, value);
}

// ---- Sorted rows ----------------------------------------------------------------------

// Room for `count` rows and as many more for sorting. Returns: NULL when there is no memory.
static struct jf_store_row *rows_take(struct jf_store *store, size_t count)
{
    store->rows.size = 0;
    return (struct jf_store_row *)(void *)jf_state_buffer_reserve(
        &store->rows, 2 * count * sizeof(struct jf_store_row) + sizeof(struct jf_store_row));
}

static struct jf_store_row *member_rows(struct jf_store *store, const struct jf_store_run *run,
                                        uint32_t *out_count)
{
    size_t count = 0;
    for (uint32_t i = 0; i < run->count; i++) {
        count += run->generations[i]->member_count;
    }
    struct jf_store_row *rows = rows_take(store, count);
    uint32_t filled = 0;
    for (uint32_t i = 0; i < run->count && rows != NULL; i++) {
        const struct jf_generation *generation = run->generations[i];
        for (uint32_t row = 0; row < generation->member_count; row++) {
            rows[filled++] = (struct jf_store_row){generation->members[row].number, i, row};
        }
    }
    *out_count = filled;
    return rows == NULL ? NULL : jf_store_rows_sort(rows, rows + count, filled);
}

// The newest record of a member counts: sorting is stable, so it is the last of its number.
static bool members_put(struct jf_store *store, const struct jf_store_run *run)
{
    uint32_t count = 0;
    const struct jf_store_row *rows = member_rows(store, run, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (i + 1 < count && rows[i + 1].prefix == rows[i].prefix) {
            continue;
        }
        const struct jf_generation *generation = run->generations[rows[i].generation];
        const struct jf_member_note *note = &generation->members[rows[i].row];
        unsigned char key[JF_KEY_MEMBER_BYTES];
        jf_store_u64_ordered(key, note->number);
        put(store, JF_KV_MEMBERS, jf_text_of(key, sizeof key),
            jf_text_of(generation->records.bytes + note->offset, note->size));
    }
    return rows != NULL;
}

// Date and the first half of the hash's upper half: rows that agree in them need no further order,
// which serves speed only. A sale noted again with its return comes in order of generations.
static uint64_t transaction_prefix(const struct jf_transaction_note *note)
{
    uint64_t date = (uint32_t)note->row.date ^ UINT32_C(0x80000000);
    return (date << 32) | (note->id_hash.high >> 32);
}

static struct jf_store_row *transaction_rows(struct jf_store *store, const struct jf_store_run *run,
                                             uint32_t *out_count)
{
    size_t count = 0;
    for (uint32_t i = 0; i < run->count; i++) {
        count += run->generations[i]->transaction_index.count;
    }
    struct jf_store_row *rows = rows_take(store, count);
    uint32_t filled = 0;
    for (uint32_t i = 0; i < run->count && rows != NULL; i++) {
        const struct jf_generation *generation = run->generations[i];
        for (uint32_t row = 0; row < generation->transaction_index.count; row++) {
            uint64_t prefix = transaction_prefix(&generation->transactions[row]);
            rows[filled++] = (struct jf_store_row){prefix, i, row};
        }
    }
    *out_count = filled;
    return rows == NULL ? NULL : jf_store_rows_sort(rows, rows + count, filled);
}

static bool transactions_put(struct jf_store *store, const struct jf_store_run *run)
{
    uint32_t count = 0;
    const struct jf_store_row *rows = transaction_rows(store, run, &count);
    for (uint32_t i = 0; i < count; i++) {
        const struct jf_transaction_note *note =
            &run->generations[rows[i].generation]->transactions[rows[i].row];
        unsigned char key[JF_KEY_TRANSACTION_BYTES];
        jf_key_transaction(key, note->row.date, note->id_hash);
        unsigned char value[2 * JF_VARINT_BYTES_MAX];
        unsigned char *end = jf_varint_write(value, note->row.position);
        end = jf_varint_write(end, note->row.follow_up_position);
        put(store, JF_KV_TRANSACTIONS, jf_text_of(key, sizeof key),
            jf_text_of(value, (size_t)(end - value)));
    }
    return rows != NULL;
}

// The low bits of date, store and terminal, then of the hash: enough to bring neighbours together.
static uint64_t receipt_prefix(const struct jf_receipt_key *key)
{
    uint64_t date = (uint64_t)((uint32_t)key->business_date & 0xffff) << 48;
    uint64_t store = (uint64_t)(key->store.value & 0xffff) << 32;
    uint64_t terminal = (uint64_t)(key->terminal & 0xff) << 24;
    return date | store | terminal | (key->number_hash.high >> 40);
}

static struct jf_store_row *receipt_rows(struct jf_store *store, const struct jf_store_run *run,
                                         uint32_t *out_count)
{
    size_t count = 0;
    for (uint32_t i = 0; i < run->count; i++) {
        count += run->generations[i]->receipt_index.count;
    }
    struct jf_store_row *rows = rows_take(store, count);
    uint32_t filled = 0;
    for (uint32_t i = 0; i < run->count && rows != NULL; i++) {
        const struct jf_generation *generation = run->generations[i];
        for (uint32_t row = 0; row < generation->receipt_index.count; row++) {
            uint64_t prefix = receipt_prefix(&generation->receipts[row].key);
            rows[filled++] = (struct jf_store_row){prefix, i, row};
        }
    }
    *out_count = filled;
    return rows == NULL ? NULL : jf_store_rows_sort(rows, rows + count, filled);
}

static bool receipts_put(struct jf_store *store, const struct jf_store_run *run)
{
    uint32_t count = 0;
    const struct jf_store_row *rows = receipt_rows(store, run, &count);
    for (uint32_t i = 0; i < count; i++) {
        const struct jf_receipt_note *note =
            &run->generations[rows[i].generation]->receipts[rows[i].row];
        unsigned char key[JF_KEY_RECEIPT_BYTES];
        jf_key_receipt(key, &note->key);
        unsigned char value[JF_VARINT_BYTES_MAX];
        unsigned char *end = jf_varint_write(value, note->position);
        put(store, JF_KV_RECEIPTS, jf_text_of(key, sizeof key),
            jf_text_of(value, (size_t)(end - value)));
    }
    return rows != NULL;
}

// The low bits of the day, then of the member's number.
static uint64_t expiry_prefix(const struct jf_expiry_note *note)
{
    return (uint64_t)((uint32_t)note->expires_on & 0xffff) << 48 |
           (note->member.value & UINT64_C(0xffffffffffff));
}

static struct jf_store_row *expiry_rows(struct jf_store *store, const struct jf_store_run *run,
                                        uint32_t *out_count)
{
    size_t count = 0;
    for (uint32_t i = 0; i < run->count; i++) {
        count += run->generations[i]->expiry_count;
    }
    struct jf_store_row *rows = rows_take(store, count);
    uint32_t filled = 0;
    for (uint32_t i = 0; i < run->count && rows != NULL; i++) {
        const struct jf_generation *generation = run->generations[i];
        for (uint32_t row = 0; row < generation->expiry_count; row++) {
            rows[filled++] =
                (struct jf_store_row){expiry_prefix(&generation->expiries[row]), i, row};
        }
    }
    *out_count = filled;
    return rows == NULL ? NULL : jf_store_rows_sort(rows, rows + count, filled);
}

// Sorting is stable and a batch keeps its order: the last note of a day and member counts.
static bool expiries_put(struct jf_store *store, const struct jf_store_run *run)
{
    uint32_t count = 0;
    const struct jf_store_row *rows = expiry_rows(store, run, &count);
    for (uint32_t i = 0; i < count; i++) {
        const struct jf_expiry_note *note =
            &run->generations[rows[i].generation]->expiries[rows[i].row];
        unsigned char bytes[JF_KEY_EXPIRY_BYTES];
        jf_key_expiry(bytes, note->expires_on, note->member);
        struct jf_text key = jf_text_of(bytes, sizeof bytes);
        if (note->is_there) {
            put(store, JF_KV_EXPIRIES, key, (struct jf_text){"", 0});
        } else {
            store->kv->functions->remove(store->kv, JF_KV_EXPIRIES, key);
        }
    }
    return rows != NULL;
}

// Cards are few: the memtable sorts them.
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

// The chunk as it is stored, behind `room` bytes for the caller. NULL: no memory.
static unsigned char *tail_encode(struct jf_store *store, size_t room)
{
    size_t head = jf_chunk_head_bytes(store->tail.count);
    store->chunk_bytes.size = 0;
    unsigned char *to =
        jf_state_buffer_reserve(&store->chunk_bytes, room + head + store->tail_bytes.size);
    if (to == NULL) {
        return NULL;
    }
    jf_chunk_head_encode(&store->tail, to + room);
    if (store->tail_bytes.size > 0) {
        memcpy(to + room + head, store->tail_bytes.bytes, store->tail_bytes.size);
    }
    store->chunk_bytes.size = room + head + store->tail_bytes.size;
    return to;
}

// A full chunk goes to its place, once and for all: keys of entries only ever ascend, so RocksDB
// moves their files down whole and never writes them again.
static bool chunk_put(struct jf_store *store)
{
    unsigned char *bytes = tail_encode(store, 0);
    if (bytes == NULL) {
        return false;
    }
    unsigned char key[JF_KEY_CHUNK_BYTES];
    jf_store_u64_ordered(key, store->tail.number);
    put(store, JF_KV_ENTRIES, jf_text_of(key, sizeof key),
        jf_text_of(bytes, store->chunk_bytes.size));
    return true;
}

// The unfinished chunk is kept apart and written anew by each run. What is left of it when a chunk
// ends with its run is of a lower number and means nothing.
static bool tail_put(struct jf_store *store)
{
    unsigned char *bytes = tail_encode(store, JF_TAIL_HEAD_BYTES);
    if (bytes == NULL) {
        return false;
    }
    jf_store_u64(bytes, store->tail.number);
    put(store, JF_KV_META, JF_TEXT(JF_META_TAIL), jf_text_of(bytes, store->chunk_bytes.size));
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
    if (!chunk_put(store)) {
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
    return true;
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
    struct jf_text chunk = {NULL, 0};
    struct jf_text bytes = {NULL, 0};
    enum jf_error error = jf_tail_decode(value, store->tail.number, &chunk);
    if (error == JF_OK) {
        error = jf_chunk_decode(chunk, &store->tail, &bytes);
    }
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
    struct jf_text key = JF_TEXT(JF_META_TAIL);
    struct tail_load load = {store, false};
    struct jf_kv_query query = {
        .family = JF_KV_META, .keys = &key, .count = 1, .found = tail_found, .context = &load};
    enum jf_error error = jf_kv_multi_get(store->kv, &query, diagnosis);
    if (error == JF_OK && !load.is_found) {
        error = JF_ERROR_CORRUPT;
    }
    if (error == JF_ERROR_CORRUPT || error == JF_ERROR_NO_MEMORY) {
        return jf_diagnose(
            diagnosis, error,
            "the state's entries from position %llu on do not match its applied "
            "position %llu: stop the ledger and make the state anew from its journal: "
            "jifen rebuild --data DIR",
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

static void recent_put(struct jf_store *store, const struct jf_generation *generation)
{
    if (generation->hashes.size > 0) {
        unsigned char key[1 + sizeof(uint64_t)] = {JF_FILTER_KEY_RECENT};
        jf_store_u64_ordered(key + 1, jf_generation_position(generation));
        put(store, JF_KV_FILTER, jf_text_of(key, sizeof key),
            jf_text_of(generation->hashes.bytes, generation->hashes.size));
    }
}

// Totals, sums and position are those of the run's last generation.
static void meta_put(struct jf_store *store, const struct jf_generation *last)
{
    put(store, JF_KV_META, JF_TEXT(JF_META_CONTROL),
        jf_text_of(last->control.bytes, last->control.size));
    unsigned char sums[JF_STATE_SUMS_BYTES];
    jf_state_sums_encode(&last->sums, sums);
    put(store, JF_KV_META, JF_TEXT(JF_META_SUMS), jf_text_of(sums, sizeof sums));
    unsigned char applied[sizeof(uint64_t)];
    jf_store_u64(applied, jf_generation_position(last));
    put(store, JF_KV_META, JF_TEXT(JF_META_APPLIED), jf_text_of(applied, sizeof applied));
}

static bool generations_put(struct jf_store *store, const struct jf_store_run *run)
{
    for (uint32_t i = 0; i < run->count; i++) {
        const struct jf_generation *generation = run->generations[i];
        JF_ASSERT(generation->is_sealed);
        if (!store->config.is_without_entries && !entries_put(store, generation)) {
            return false;
        }
        cards_put(store, generation);
        numbers_put(store, generation);
        recent_put(store, generation);
    }
    return store->tail.count == 0 || tail_put(store);
}

enum jf_error jf_store_write_run(struct jf_store *store, const struct jf_store_run *run,
                                 struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(run->count >= 1);
    JF_ASSERT(run->generations[0]->position_base == atomic_load(&store->stored));
    const struct jf_generation *last = run->generations[run->count - 1];
    if (JF_BUG(APPLIED_APART)) {
        meta_put(store, last);
        enum jf_error error = store->kv->functions->commit(store->kv, diagnosis);
        if (error != JF_OK) {
            return error;
        }
    }
    if (!members_put(store, run) || !transactions_put(store, run) || !receipts_put(store, run) ||
        !expiries_put(store, run) || !generations_put(store, run)) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY,
                           "out of memory writing the state up to position %llu: give the process "
                           "more, or smaller caches, and start again",
                           (unsigned long long)jf_generation_position(last));
    }
    meta_put(store, last);
    enum jf_error error = store->kv->functions->commit(store->kv, diagnosis);
    for (uint32_t i = 0; i < run->count && error == JF_OK; i++) {
        store->recent_bytes += run->generations[i]->hashes.size;
    }
    return error;
}
