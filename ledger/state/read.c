// Looking up transactions, receipts, cards and entries for a batch: what the overlay knows is
// answered from there, what the filter has never seen is new, and the rest is asked of the database
// in rounds of 256 keys.
//
// Fails: what the database says, and values of a wrong shape as JF_ERROR_CORRUPT; kept, so that the
// next turn reports it with its diagnosis.
#include "state/state_private.h"

#include <string.h>

#include "base/assert.h"
#include "state/chunk.h"
#include "state/varint.h"

#define KEYS_AT_ONCE 256u

// ---- Transactions ---------------------------------------------------------------------

struct transaction_round {
    const struct jf_transaction_key *keys;
    struct jf_transaction_row *rows;
    uint32_t which[KEYS_AT_ONCE]; // of keys and rows
    uint32_t count;
    unsigned char bytes[KEYS_AT_ONCE][JF_KEY_TRANSACTION_BYTES];
    struct jf_text texts[KEYS_AT_ONCE];
};

static enum jf_error transaction_decode(struct jf_text value, jf_date date,
                                        struct jf_transaction_row *out_row)
{
    const unsigned char *bytes = (const unsigned char *)value.data;
    struct jf_varint_reader reader = {bytes, bytes + value.size, false};
    struct jf_transaction_row row = {.date = date};
    row.position = jf_varint_read(&reader, UINT64_MAX);
    row.follow_up_position = jf_varint_read(&reader, UINT64_MAX);
    if (reader.is_bad || reader.at != reader.end || row.position == 0) {
        return JF_ERROR_CORRUPT;
    }
    *out_row = row;
    return JF_OK;
}

static enum jf_error transaction_found(void *context, uint32_t index, struct jf_text value)
{
    struct transaction_round *round = context;
    uint32_t at = round->which[index];
    return transaction_decode(value, round->keys[at].date, &round->rows[at]);
}

static enum jf_error round_ask(struct jf_state *state, struct transaction_round *round,
                               struct jf_diagnosis *diagnosis)
{
    struct jf_kv_query query = {.family = JF_KV_TRANSACTIONS,
                                .keys = round->texts,
                                .count = round->count,
                                .found = transaction_found,
                                .context = round};
    return jf_kv_multi_get(state->kv, &query, diagnosis);
}

struct date_round {
    struct jf_transaction_row *row;
    jf_date dates[KEYS_AT_ONCE];
    unsigned char bytes[KEYS_AT_ONCE][JF_KEY_TRANSACTION_BYTES];
    struct jf_text texts[KEYS_AT_ONCE];
};

static enum jf_error dated_found(void *context, uint32_t index, struct jf_text value)
{
    struct date_round *round = context;
    return transaction_decode(value, round->dates[index], round->row);
}

// Asks the partitions of all known dates, newest first. Rare: the filter has said "maybe" and the
// id's own date does not have it, so the id was used under another date, or the filter is wrong
// once in thousands.
static enum jf_error other_dates_ask(struct jf_state *state, struct jf_hash128 id_hash,
                                     struct jf_transaction_row *out_row,
                                     struct jf_diagnosis *diagnosis)
{
    struct date_round round;
    round.row = out_row;
    enum jf_error error = JF_OK;
    uint32_t left = state->date_count;
    while (left > 0 && out_row->position == 0 && error == JF_OK) {
        uint32_t count = left < KEYS_AT_ONCE ? left : KEYS_AT_ONCE;
        for (uint32_t i = 0; i < count; i++) {
            round.dates[i] = state->dates[left - 1 - i];
            jf_key_transaction(round.bytes[i], round.dates[i], id_hash);
            round.texts[i] = jf_text_of(round.bytes[i], JF_KEY_TRANSACTION_BYTES);
        }
        struct jf_kv_query query = {.family = JF_KV_TRANSACTIONS,
                                    .keys = round.texts,
                                    .count = count,
                                    .found = dated_found,
                                    .context = &round};
        error = jf_kv_multi_get(state->kv, &query, diagnosis);
        left -= count;
    }
    return error;
}

static void round_add(struct transaction_round *round, uint32_t at)
{
    uint32_t i = round->count++;
    round->which[i] = at;
    jf_key_transaction(round->bytes[i], round->keys[at].date, round->keys[at].id_hash);
    round->texts[i] = jf_text_of(round->bytes[i], JF_KEY_TRANSACTION_BYTES);
}

static enum jf_error transactions_ask(struct jf_state *state, struct transaction_round *round,
                                      struct jf_diagnosis *diagnosis)
{
    if (round->count == 0) {
        return JF_OK;
    }
    enum jf_error error = round_ask(state, round, diagnosis);
    for (uint32_t i = 0; i < round->count && error == JF_OK; i++) {
        uint32_t at = round->which[i];
        if (round->rows[at].position == 0) {
            error = other_dates_ask(state, round->keys[at].id_hash, &round->rows[at], diagnosis);
        }
    }
    round->count = 0;
    return error;
}

enum jf_error jf_state_transactions_find(struct jf_state *state,
                                         const struct jf_transaction_key *keys, uint32_t count,
                                         struct jf_transaction_row *out_rows)
{
    struct jf_diagnosis diagnosis = {0};
    struct transaction_round round;
    round.keys = keys;
    round.rows = out_rows;
    round.count = 0;
    for (uint32_t i = 0; i < count; i++) {
        jf_filter_prefetch(state->filter, jf_filter_hash_transaction(keys[i].id_hash));
    }
    enum jf_error error = JF_OK;
    for (uint32_t i = 0; i < count && error == JF_OK; i++) {
        out_rows[i] = (struct jf_transaction_row){0};
        if (jf_filter_maybe(state->filter, jf_filter_hash_transaction(keys[i].id_hash))) {
            out_rows[i] = jf_state_transaction_recent(state, keys[i].id_hash);
            if (out_rows[i].position == 0) {
                round_add(&round, i);
            }
        }
        if (round.count == KEYS_AT_ONCE) {
            error = transactions_ask(state, &round, &diagnosis);
        }
    }
    if (error == JF_OK) {
        error = transactions_ask(state, &round, &diagnosis);
    }
    return error == JF_OK ? JF_OK : jf_state_fail(state, error, &diagnosis);
}

// ---- Receipts -------------------------------------------------------------------------

struct receipt_round {
    uint64_t *positions;
    uint32_t slice_count; // keys looked at together
    uint32_t which[KEYS_AT_ONCE];
    uint32_t count;
    unsigned char bytes[KEYS_AT_ONCE][JF_KEY_RECEIPT_BYTES];
    struct jf_text texts[KEYS_AT_ONCE];
};

static enum jf_error number_decode(struct jf_text value, uint64_t *out_number)
{
    const unsigned char *bytes = (const unsigned char *)value.data;
    struct jf_varint_reader reader = {bytes, bytes + value.size, false};
    uint64_t number = jf_varint_read(&reader, UINT64_MAX);
    if (reader.is_bad || reader.at != reader.end || number == 0) {
        return JF_ERROR_CORRUPT;
    }
    *out_number = number;
    return JF_OK;
}

static enum jf_error receipt_found(void *context, uint32_t index, struct jf_text value)
{
    struct receipt_round *round = context;
    return number_decode(value, &round->positions[round->which[index]]);
}

static enum jf_error receipts_ask(struct jf_state *state, struct receipt_round *round,
                                  struct jf_diagnosis *diagnosis)
{
    struct jf_kv_query query = {.family = JF_KV_RECEIPTS,
                                .keys = round->texts,
                                .count = round->count,
                                .found = receipt_found,
                                .context = round};
    enum jf_error error = round->count == 0 ? JF_OK : jf_kv_multi_get(state->kv, &query, diagnosis);
    round->count = 0;
    return error;
}

// Up to KEYS_AT_ONCE keys from `first` on: their places in the filter are hinted at together, so
// that memory is waited for once.
static enum jf_error receipts_slice_find(struct jf_state *state, const struct jf_receipt_key *keys,
                                         uint32_t first, struct receipt_round *round,
                                         struct jf_diagnosis *diagnosis)
{
    uint64_t hashes[KEYS_AT_ONCE];
    const uint32_t count = round->slice_count;
    JF_ASSERT(count <= KEYS_AT_ONCE);
    for (uint32_t i = 0; i < count; i++) {
        hashes[i] = jf_filter_hash_receipt(&keys[first + i]);
        jf_filter_prefetch(state->filter, hashes[i]);
    }
    round->count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct jf_receipt_key *key = &keys[first + i];
        round->positions[first + i] = 0;
        if (!jf_filter_maybe(state->filter, hashes[i])) {
            continue;
        }
        round->positions[first + i] = jf_state_receipt_recent(state, key);
        if (round->positions[first + i] == 0) {
            uint32_t at = round->count++;
            round->which[at] = first + i;
            jf_key_receipt(round->bytes[at], key);
            round->texts[at] = jf_text_of(round->bytes[at], JF_KEY_RECEIPT_BYTES);
        }
    }
    return receipts_ask(state, round, diagnosis);
}

enum jf_error jf_state_receipts_find(struct jf_state *state, const struct jf_receipt_key *keys,
                                     uint32_t count, uint64_t *out_positions)
{
    struct jf_diagnosis diagnosis = {0};
    struct receipt_round round;
    round.positions = out_positions;
    enum jf_error error = JF_OK;
    for (uint32_t first = 0; first < count && error == JF_OK; first += KEYS_AT_ONCE) {
        round.slice_count = count - first < KEYS_AT_ONCE ? count - first : KEYS_AT_ONCE;
        error = receipts_slice_find(state, keys, first, &round, &diagnosis);
    }
    return error == JF_OK ? JF_OK : jf_state_fail(state, error, &diagnosis);
}

// ---- Cards ----------------------------------------------------------------------------

struct card_round {
    struct jf_member_id *members;
    uint32_t which[KEYS_AT_ONCE];
    uint32_t count;
    struct jf_text texts[KEYS_AT_ONCE];
};

static enum jf_error card_found(void *context, uint32_t index, struct jf_text value)
{
    struct card_round *round = context;
    return number_decode(value, &round->members[round->which[index]].value);
}

static enum jf_error cards_ask(struct jf_state *state, struct card_round *round,
                               struct jf_diagnosis *diagnosis)
{
    struct jf_kv_query query = {.family = JF_KV_CARDS,
                                .keys = round->texts,
                                .count = round->count,
                                .found = card_found,
                                .context = round};
    enum jf_error error = round->count == 0 ? JF_OK : jf_kv_multi_get(state->kv, &query, diagnosis);
    round->count = 0;
    return error;
}

enum jf_error jf_state_cards_find(struct jf_state *state, const struct jf_text *cards,
                                  uint32_t count, struct jf_member_id *out_members)
{
    struct jf_diagnosis diagnosis = {0};
    struct card_round round;
    round.members = out_members;
    round.count = 0;
    enum jf_error error = JF_OK;
    for (uint32_t i = 0; i < count && error == JF_OK; i++) {
        out_members[i].value = 0;
        // Keys are never empty, and no card is longer than the limit.
        bool can_be = cards[i].size > 0 && cards[i].size <= JF_CARD_BYTES_MAX;
        if (can_be && !jf_state_card_recent(state, cards[i], &out_members[i])) {
            uint32_t at = round.count++;
            round.which[at] = i;
            round.texts[at] = cards[i];
        }
        if (round.count == KEYS_AT_ONCE) {
            error = cards_ask(state, &round, &diagnosis);
        }
    }
    if (error == JF_OK) {
        error = cards_ask(state, &round, &diagnosis);
    }
    return error == JF_OK ? JF_OK : jf_state_fail(state, error, &diagnosis);
}

// ---- Entries --------------------------------------------------------------------------

struct entry_read {
    struct jf_arena *arena;
    uint64_t chunk;
    uint32_t slot;
    bool is_found;
    struct jf_text bytes;
};

static enum jf_error entry_copy(struct entry_read *read, struct jf_text bytes)
{
    bool is_copied = false;
    read->bytes = jf_arena_copy_text(read->arena, bytes, &is_copied);
    read->is_found = true;
    return is_copied ? JF_OK : JF_ERROR_NO_MEMORY;
}

static enum jf_error chunk_found(void *context, uint32_t index, struct jf_text value)
{
    struct entry_read *read = context;
    (void)index;
    struct jf_text entry = {NULL, 0};
    enum jf_error error = jf_chunk_entry(value, read->slot, &entry);
    return error == JF_OK ? entry_copy(read, entry) : error;
}

// The tail may have become a chunk of its own since the caller looked at how far the store is.
static enum jf_error tail_found(void *context, uint32_t index, struct jf_text value)
{
    struct entry_read *read = context;
    struct jf_text chunk = {NULL, 0};
    enum jf_error error = jf_tail_decode(value, read->chunk, &chunk);
    if (error == JF_ERROR_NOT_FOUND) {
        return JF_OK;
    }
    return error == JF_OK ? chunk_found(context, index, chunk) : error;
}

// A chunk that was whole at the stored position is at its place; any other is the tail, or has
// become whole meanwhile.
static enum jf_error stored_entry_read(struct jf_state *state, uint64_t position,
                                       struct entry_read *read)
{
    struct jf_diagnosis diagnosis = {0};
    unsigned char bytes[JF_KEY_CHUNK_BYTES];
    enum jf_error error = JF_OK;
    uint64_t stored = state->store == NULL ? state->applied : jf_store_stored(state->store);
    read->chunk = jf_chunk_of(position);
    read->slot = jf_chunk_slot(position);
    jf_store_u64_ordered(bytes, read->chunk);
    struct jf_text key = JF_TEXT(JF_META_TAIL);
    struct jf_kv_query query = {
        .family = JF_KV_META, .keys = &key, .count = 1, .found = tail_found, .context = read};
    if (read->chunk >= jf_chunk_of(stored + 1)) {
        error = jf_kv_multi_get(state->kv, &query, &diagnosis);
    }
    if (error == JF_OK && !read->is_found) {
        key = jf_text_of(bytes, sizeof bytes);
        query.family = JF_KV_ENTRIES;
        query.found = chunk_found;
        error = jf_kv_multi_get(state->kv, &query, &diagnosis);
    }
    if (error == JF_ERROR_NO_MEMORY) {
        // The caller's arena is full: a matter of the caller's, not a failure of the state.
        return error;
    }
    if (error == JF_OK && !read->is_found) {
        error = JF_ERROR_CORRUPT;
    }
    return error == JF_OK ? JF_OK : jf_state_fail(state, error, &diagnosis);
}

enum jf_error jf_state_entry_read(struct jf_state *state, uint64_t position, struct jf_arena *arena,
                                  struct jf_text *out_bytes)
{
    if (position == 0 || position > jf_generation_position(jf_state_current(state))) {
        return JF_ERROR_NOT_FOUND;
    }
    struct entry_read read = {.arena = arena};
    uint64_t number = state->current;
    while (number > state->taken_back &&
           position <= jf_state_generation(state, number)->position_base) {
        number--;
    }
    enum jf_error error =
        number > state->taken_back
            ? entry_copy(&read, jf_generation_entry(jf_state_generation(state, number), position))
            : stored_entry_read(state, position, &read);
    if (error == JF_OK) {
        *out_bytes = read.bytes;
    }
    return error;
}
