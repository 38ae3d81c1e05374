// Collecting and sealing. Rows sit in arrays in order of arrival with an index beside each; a row
// noted twice is changed in place, so that the database gets the latest once. Sealing copies
// nothing but members' records. Fails: JF_ERROR_NO_MEMORY from reserve and seal; noting cannot fail
// after reserve.
#include "state/generation.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "state/cache.h"
#include "state/control_codec.h"
#include "state/keys.h"
#include "state/member_codec.h"

#define TRANSACTIONS_PER_ENTRY 3u // its own, and sales whose newest return it becomes
#define HASHES_PER_ENTRY       4u
#define SLOTS_MIN              64u
#define ROWS_MAX               (UINT32_MAX / 4)

unsigned char *jf_state_buffer_reserve(struct jf_state_buffer *buffer, size_t more)
{
    JF_ASSERT(buffer->size <= buffer->capacity);
    if (buffer->bytes == NULL || buffer->capacity - buffer->size < more) {
        size_t capacity = buffer->capacity * 2;
        if (capacity < buffer->size + more) {
            capacity = buffer->size + more + 256;
        }
        unsigned char *bytes = realloc(buffer->bytes, capacity);
        if (bytes == NULL) {
            return NULL;
        }
        buffer->bytes = bytes;
        buffer->capacity = capacity;
    }
    return buffer->bytes + buffer->size;
}

void jf_state_buffer_free(struct jf_state_buffer *buffer)
{
    free(buffer->bytes);
    *buffer = (struct jf_state_buffer){0};
}

static void buffer_append(struct jf_state_buffer *buffer, const void *bytes, size_t size)
{
    JF_ASSERT(buffer->capacity - buffer->size >= size);
    if (size > 0) {
        memcpy(buffer->bytes + buffer->size, bytes, size);
    }
    buffer->size += size;
}

// ---- The index ------------------------------------------------------------------------

static uint32_t index_slot(const struct jf_state_index *index, uint64_t hash)
{
    return (uint32_t)(hash ^ (hash >> 32)) & (index->slot_count - 1);
}

static void index_place(struct jf_state_index *index, uint32_t row)
{
    uint32_t at = index_slot(index, index->hashes[row]);
    while (index->slots[at] != 0) {
        at = (at + 1) & (index->slot_count - 1);
    }
    index->slots[at] = row + 1;
}

static bool index_slots_grow(struct jf_state_index *index, uint32_t slot_count)
{
    uint32_t *slots = calloc(slot_count, sizeof *slots);
    if (slots == NULL) {
        return false;
    }
    free(index->slots);
    index->slots = slots;
    index->slot_count = slot_count;
    for (uint32_t row = 0; row < index->count; row++) {
        index_place(index, row);
    }
    return true;
}

static bool index_reserve(struct jf_state_index *index, uint32_t more)
{
    JF_ASSERT(index->count < ROWS_MAX - more);
    uint32_t rows = index->count + more;
    if (rows > index->hash_capacity) {
        uint32_t capacity = rows * 2;
        uint64_t *hashes = realloc(index->hashes, capacity * sizeof *hashes);
        if (hashes == NULL) {
            return false;
        }
        index->hashes = hashes;
        index->hash_capacity = capacity;
    }
    uint32_t slot_count = index->slot_count == 0 ? SLOTS_MIN : index->slot_count;
    while (slot_count / 2 < rows) {
        slot_count *= 2;
    }
    return slot_count == index->slot_count || index_slots_grow(index, slot_count);
}

static uint32_t index_add(struct jf_state_index *index, uint64_t hash)
{
    JF_ASSERT(index->count < index->hash_capacity);
    JF_ASSERT(index->count < index->slot_count / 2);
    uint32_t row = index->count++;
    index->hashes[row] = hash;
    index_place(index, row);
    return row;
}

uint32_t jf_state_index_next(const struct jf_state_index *index, uint64_t hash, uint32_t *cursor)
{
    if (index->count == 0) {
        return JF_STATE_ROW_NONE;
    }
    uint32_t mask = index->slot_count - 1;
    while (true) {
        uint32_t slot = index->slots[(index_slot(index, hash) + *cursor) & mask];
        *cursor += 1;
        if (slot == 0) {
            return JF_STATE_ROW_NONE;
        }
        if (index->hashes[slot - 1] == hash) {
            return slot - 1;
        }
    }
}

static void index_reset(struct jf_state_index *index)
{
    if (index->count > 0) {
        memset(index->slots, 0, index->slot_count * sizeof *index->slots);
    }
    index->count = 0;
}

static void index_free(struct jf_state_index *index)
{
    free(index->slots);
    free(index->hashes);
    *index = (struct jf_state_index){0};
}

// ---- Life -----------------------------------------------------------------------------

void jf_generation_init(struct jf_generation *generation)
{
    *generation = (struct jf_generation){0};
}

void jf_generation_deinit(struct jf_generation *generation)
{
    jf_state_buffer_free(&generation->entry_bytes);
    free(generation->entry_ends);
    index_free(&generation->transaction_index);
    free(generation->transactions);
    index_free(&generation->receipt_index);
    free(generation->receipts);
    index_free(&generation->card_index);
    free(generation->cards);
    jf_state_buffer_free(&generation->card_bytes);
    free(generation->expiries);
    jf_state_buffer_free(&generation->references);
    jf_state_buffer_free(&generation->dates);
    jf_state_buffer_free(&generation->hashes);
    free(generation->members);
    jf_state_buffer_free(&generation->records);
    jf_state_buffer_free(&generation->control);
    *generation = (struct jf_generation){0};
}

void jf_generation_reset(struct jf_generation *generation, uint64_t number, uint64_t position_base)
{
    generation->number = number;
    generation->position_base = position_base;
    generation->entry_count = 0;
    generation->entry_bytes.size = 0;
    index_reset(&generation->transaction_index);
    index_reset(&generation->receipt_index);
    index_reset(&generation->card_index);
    generation->card_bytes.size = 0;
    generation->expiry_count = 0;
    generation->references.size = 0;
    generation->dates.size = 0;
    generation->hashes.size = 0;
    generation->member_count = 0;
    generation->records.size = 0;
    generation->control.size = 0;
    generation->is_sealed = false;
}

// ---- Noting ---------------------------------------------------------------------------

// Grows an array of `capacity` rows to hold `rows`. Returns: the array, or NULL with the old one
// untouched.
static void *rows_reserve(void *array, uint32_t *capacity, uint32_t rows, size_t row_size)
{
    if (array != NULL && rows <= *capacity) {
        return array;
    }
    uint32_t wanted = rows * 2;
    void *grown = realloc(array, wanted * row_size);
    if (grown != NULL) {
        *capacity = wanted;
    }
    return grown;
}

static bool entries_reserve(struct jf_generation *generation, uint32_t entry_size)
{
    size_t *ends = rows_reserve(generation->entry_ends, &generation->entry_capacity,
                                generation->entry_count + 1, sizeof *ends);
    if (ends == NULL) {
        return false;
    }
    generation->entry_ends = ends;
    return jf_state_buffer_reserve(&generation->entry_bytes, entry_size) != NULL;
}

static bool transactions_reserve(struct jf_generation *generation)
{
    uint32_t rows = generation->transaction_index.count + TRANSACTIONS_PER_ENTRY;
    struct jf_transaction_note *notes = rows_reserve(
        generation->transactions, &generation->transaction_capacity, rows, sizeof *notes);
    if (notes == NULL) {
        return false;
    }
    generation->transactions = notes;
    return index_reserve(&generation->transaction_index, TRANSACTIONS_PER_ENTRY);
}

static bool receipts_reserve(struct jf_generation *generation)
{
    struct jf_receipt_note *notes =
        rows_reserve(generation->receipts, &generation->receipt_capacity,
                     generation->receipt_index.count + 1, sizeof *notes);
    if (notes == NULL) {
        return false;
    }
    generation->receipts = notes;
    return index_reserve(&generation->receipt_index, 1);
}

static bool cards_reserve(struct jf_generation *generation, uint32_t card_count)
{
    if (card_count == 0) {
        return true;
    }
    struct jf_card_note *notes =
        rows_reserve(generation->cards, &generation->card_capacity,
                     generation->card_index.count + card_count, sizeof *notes);
    if (notes == NULL) {
        return false;
    }
    generation->cards = notes;
    return index_reserve(&generation->card_index, card_count) &&
           jf_state_buffer_reserve(&generation->card_bytes,
                                   (size_t)card_count * JF_CARD_BYTES_MAX) != NULL;
}

static bool expiries_reserve(struct jf_generation *generation, uint32_t expiry_count)
{
    if (expiry_count == 0) {
        return true;
    }
    struct jf_expiry_note *notes =
        rows_reserve(generation->expiries, &generation->expiry_capacity,
                     generation->expiry_count + expiry_count, sizeof *notes);
    if (notes == NULL) {
        return false;
    }
    generation->expiries = notes;
    return true;
}

enum jf_error jf_generation_reserve(struct jf_generation *generation, uint32_t entry_size,
                                    uint32_t card_count, uint32_t expiry_count)
{
    JF_ASSERT(!generation->is_sealed);
    bool is_reserved =
        entries_reserve(generation, entry_size) && transactions_reserve(generation) &&
        receipts_reserve(generation) && cards_reserve(generation, card_count) &&
        expiries_reserve(generation, expiry_count) &&
        jf_state_buffer_reserve(&generation->references, sizeof(uint64_t)) != NULL &&
        jf_state_buffer_reserve(&generation->dates, TRANSACTIONS_PER_ENTRY * sizeof(jf_date)) !=
            NULL &&
        jf_state_buffer_reserve(&generation->hashes, HASHES_PER_ENTRY * sizeof(uint64_t)) != NULL;
    return is_reserved ? JF_OK : JF_ERROR_NO_MEMORY;
}

void jf_generation_note_entry(struct jf_generation *generation, const void *bytes, uint32_t size)
{
    JF_ASSERT(generation->entry_count < generation->entry_capacity);
    buffer_append(&generation->entry_bytes, bytes, size);
    generation->entry_ends[generation->entry_count++] = generation->entry_bytes.size;
}

static uint32_t transaction_find(const struct jf_generation *generation, struct jf_hash128 id_hash)
{
    uint32_t cursor = 0;
    uint32_t row = 0;
    do {
        row = jf_state_index_next(&generation->transaction_index, id_hash.low, &cursor);
    } while (row != JF_STATE_ROW_NONE &&
             !jf_hash128_equal(generation->transactions[row].id_hash, id_hash));
    return row;
}

void jf_generation_note_transaction(struct jf_generation *generation, struct jf_hash128 id_hash,
                                    struct jf_transaction_row row)
{
    uint32_t at = transaction_find(generation, id_hash);
    if (at == JF_STATE_ROW_NONE) {
        at = index_add(&generation->transaction_index, id_hash.low);
        JF_ASSERT(at < generation->transaction_capacity);
    }
    generation->transactions[at] = (struct jf_transaction_note){id_hash, row};
}

static bool receipt_equal(const struct jf_receipt_key *a, const struct jf_receipt_key *b)
{
    return a->business_date == b->business_date && a->store.value == b->store.value &&
           a->terminal == b->terminal && jf_hash128_equal(a->number_hash, b->number_hash);
}

static uint32_t receipt_find(const struct jf_generation *generation,
                             const struct jf_receipt_key *key, uint64_t hash)
{
    uint32_t cursor = 0;
    uint32_t row = 0;
    do {
        row = jf_state_index_next(&generation->receipt_index, hash, &cursor);
    } while (row != JF_STATE_ROW_NONE && !receipt_equal(&generation->receipts[row].key, key));
    return row;
}

void jf_generation_note_receipt(struct jf_generation *generation, const struct jf_receipt_key *key,
                                uint64_t hash, uint64_t position)
{
    uint32_t at = receipt_find(generation, key, hash);
    if (at == JF_STATE_ROW_NONE) {
        at = index_add(&generation->receipt_index, hash);
        JF_ASSERT(at < generation->receipt_capacity);
    }
    generation->receipts[at] = (struct jf_receipt_note){*key, position};
}

static uint32_t card_find(const struct jf_generation *generation, struct jf_text card,
                          uint64_t hash)
{
    uint32_t cursor = 0;
    while (true) {
        uint32_t row = jf_state_index_next(&generation->card_index, hash, &cursor);
        if (row == JF_STATE_ROW_NONE) {
            return row;
        }
        const struct jf_card_note *note = &generation->cards[row];
        struct jf_text noted = jf_text_of(generation->card_bytes.bytes + note->offset, note->size);
        if (jf_text_equal(noted, card)) {
            return row;
        }
    }
}

void jf_generation_note_card(struct jf_generation *generation, struct jf_text card,
                             struct jf_member_id member)
{
    JF_ASSERT(card.size > 0);
    JF_ASSERT(card.size <= JF_CARD_BYTES_MAX);
    uint64_t hash = jf_hash64(card.data, card.size);
    uint32_t at = card_find(generation, card, hash);
    if (at != JF_STATE_ROW_NONE) {
        generation->cards[at].member = member;
        return;
    }
    at = index_add(&generation->card_index, hash);
    JF_ASSERT(at < generation->card_capacity);
    uint32_t offset = (uint32_t)generation->card_bytes.size;
    buffer_append(&generation->card_bytes, card.data, card.size);
    generation->cards[at] = (struct jf_card_note){member, offset, card.size};
}

void jf_generation_note_expiry(struct jf_generation *generation, struct jf_expiry_note note)
{
    JF_ASSERT(note.expires_on != JF_DATE_EVER);
    JF_ASSERT(generation->expiry_count < generation->expiry_capacity);
    generation->expiries[generation->expiry_count++] = note;
}

void jf_generation_note_reference(struct jf_generation *generation, uint64_t position)
{
    buffer_append(&generation->references, &position, sizeof position);
}

void jf_generation_note_date(struct jf_generation *generation, jf_date date)
{
    buffer_append(&generation->dates, &date, sizeof date);
}

void jf_generation_note_hash(struct jf_generation *generation, uint64_t hash)
{
    buffer_append(&generation->hashes, &hash, sizeof hash);
}

// ---- Reading --------------------------------------------------------------------------

const struct jf_transaction_note *jf_generation_transaction(const struct jf_generation *generation,
                                                            struct jf_hash128 id_hash)
{
    uint32_t row = transaction_find(generation, id_hash);
    return row == JF_STATE_ROW_NONE ? NULL : &generation->transactions[row];
}

const struct jf_receipt_note *jf_generation_receipt(const struct jf_generation *generation,
                                                    const struct jf_receipt_key *key, uint64_t hash)
{
    uint32_t row = receipt_find(generation, key, hash);
    return row == JF_STATE_ROW_NONE ? NULL : &generation->receipts[row];
}

const struct jf_card_note *jf_generation_card(const struct jf_generation *generation,
                                              struct jf_text card, uint64_t hash)
{
    uint32_t row = card_find(generation, card, hash);
    return row == JF_STATE_ROW_NONE ? NULL : &generation->cards[row];
}

struct jf_text jf_generation_entry(const struct jf_generation *generation, uint64_t position)
{
    JF_ASSERT(position > generation->position_base);
    JF_ASSERT(position <= jf_generation_position(generation));
    size_t at = (size_t)(position - generation->position_base - 1);
    size_t begin = at == 0 ? 0 : generation->entry_ends[at - 1];
    return jf_text_of(generation->entry_bytes.bytes + begin, generation->entry_ends[at] - begin);
}

// ---- Sealing --------------------------------------------------------------------------

static bool member_seal(struct jf_generation *generation, struct jf_member *member,
                        struct jf_state_sums *sums)
{
    size_t size_max = jf_member_record_size_max(member);
    unsigned char *to = jf_state_buffer_reserve(&generation->records, size_max);
    if (to == NULL) {
        return false;
    }
    size_t size = jf_member_record_encode(member, to);
    JF_ASSERT(size <= size_max);
    generation->members[generation->member_count++] =
        (struct jf_member_note){member->number.value, generation->records.size, (uint32_t)size};
    generation->records.size += size;
    struct jf_hash128 hash = jf_hash128(to, size);
    jf_state_sums_count(sums, jf_cache_hash_replace(member, hash), hash);
    return true;
}

static bool control_seal(struct jf_generation *generation, const struct jf_control *control)
{
    unsigned char *to =
        jf_state_buffer_reserve(&generation->control, jf_control_record_size_max(control));
    if (to == NULL) {
        return false;
    }
    generation->control.size += jf_control_record_encode(control, to);
    return true;
}

enum jf_error jf_generation_seal(struct jf_generation *generation, struct jf_cache *cache,
                                 const struct jf_control *control, struct jf_state_sums *sums)
{
    JF_ASSERT(!generation->is_sealed);
    struct jf_member_note *members =
        rows_reserve(generation->members, &generation->member_capacity,
                     jf_cache_touched_count(cache) + 1, sizeof *members);
    if (members == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    generation->members = members;
    if (!control_seal(generation, control)) {
        return JF_ERROR_NO_MEMORY;
    }
    struct jf_member *member = jf_cache_touched_first(cache);
    while (member != NULL) {
        if (!member_seal(generation, member, sums)) {
            return JF_ERROR_NO_MEMORY;
        }
        member = jf_cache_touched_next(member);
    }
    JF_ASSERT(generation->member_count == jf_cache_touched_count(cache));
    jf_cache_touched_clear(cache);
    generation->sums = *sums;
    generation->is_sealed = true;
    return JF_OK;
}
