// The overlay: what happened and is not stored yet, by generation, newest first. The filter answers
// for nearly all sales that nothing was noted, before any table is looked at. Fails: only
// jf_state_note_reserve, with JF_ERROR_NO_MEMORY.
#include "state/state_private.h"

#include <string.h>

#include "base/assert.h"

#define DATES_PER_ENTRY 4u

enum jf_error jf_state_note_reserve(struct jf_state *state, uint32_t entry_size,
                                    uint32_t card_count, uint32_t expiry_count)
{
    JF_ASSERT(!state->config.is_read_only);
    enum jf_error error =
        jf_generation_reserve(jf_state_current(state), entry_size, card_count, expiry_count);
    if (error == JF_OK) {
        error = jf_state_dates_reserve(state, DATES_PER_ENTRY);
    }
    if (error == JF_OK && jf_state_buffer_reserve(&state->references, sizeof(uint64_t)) == NULL) {
        error = JF_ERROR_NO_MEMORY;
    }
    return error;
}

void jf_state_note_entry(struct jf_state *state, uint64_t position, const void *bytes,
                         uint32_t size)
{
    struct jf_generation *current = jf_state_current(state);
    JF_ASSERT(position == jf_generation_position(current) + 1);
    jf_generation_note_entry(current, bytes, size);
}

// A hash whose bits were all there needs no recent row: the bits come from hashes noted before,
// which are stored no later than this one.
static void hash_note(struct jf_state *state, uint64_t hash)
{
    if (jf_filter_add(state->filter, hash)) {
        jf_generation_note_hash(jf_state_current(state), hash);
    }
}

void jf_state_note_transaction(struct jf_state *state, struct jf_transaction_key key,
                               struct jf_transaction_row row)
{
    JF_ASSERT(row.position > 0);
    struct jf_generation *current = jf_state_current(state);
    uint32_t at = 0;
    if (!jf_state_date_find(state, row.date, &at)) {
        jf_state_date_add(state, row.date);
        jf_generation_note_date(current, row.date);
    }
    hash_note(state, jf_filter_hash_transaction(key.id_hash));
    jf_generation_note_transaction(current, key.id_hash, row);
}

void jf_state_note_receipt(struct jf_state *state, const struct jf_receipt_key *key,
                           uint64_t position)
{
    JF_ASSERT(position > 0);
    uint64_t hash = jf_filter_hash_receipt(key);
    hash_note(state, hash);
    jf_generation_note_receipt(jf_state_current(state), key, hash, position);
}

void jf_state_note_card(struct jf_state *state, struct jf_text card, struct jf_member_id member)
{
    jf_generation_note_card(jf_state_current(state), card, member);
}

void jf_state_note_reference(struct jf_state *state, uint64_t position, struct jf_hash128 hash)
{
    state->sums.reference = jf_hash128_add(state->sums.reference, hash);
    JF_ASSERT(state->references.capacity - state->references.size >= sizeof position);
    memcpy(state->references.bytes + state->references.size, &position, sizeof position);
    state->references.size += sizeof position;
    jf_generation_note_reference(jf_state_current(state), position);
}

void jf_state_note_digest(struct jf_state *state, uint64_t position, struct jf_hash128 digest)
{
    JF_ASSERT(position > state->sums.newest.position);
    state->sums.newest = (struct jf_state_digest_entry){position, digest};
}

void jf_state_note_expiry(struct jf_state *state, jf_date expires_on, struct jf_member_id member,
                          bool is_there)
{
    jf_generation_note_expiry(jf_state_current(state),
                              (struct jf_expiry_note){expires_on, is_there, member});
}

struct jf_transaction_row jf_state_transaction_recent(const struct jf_state *state,
                                                      struct jf_hash128 id_hash)
{
    if (jf_filter_maybe(state->filter, jf_filter_hash_transaction(id_hash))) {
        for (uint64_t number = state->current; number > state->taken_back; number--) {
            const struct jf_transaction_note *note =
                jf_generation_transaction(jf_state_generation(state, number), id_hash);
            if (note != NULL) {
                return note->row;
            }
        }
    }
    return (struct jf_transaction_row){0};
}

uint64_t jf_state_receipt_recent(const struct jf_state *state, const struct jf_receipt_key *key)
{
    uint64_t hash = jf_filter_hash_receipt(key);
    if (jf_filter_maybe(state->filter, hash)) {
        for (uint64_t number = state->current; number > state->taken_back; number--) {
            const struct jf_receipt_note *note =
                jf_generation_receipt(jf_state_generation(state, number), key, hash);
            if (note != NULL) {
                return note->position;
            }
        }
    }
    return 0;
}

bool jf_state_card_recent(const struct jf_state *state, struct jf_text card,
                          struct jf_member_id *out_member)
{
    uint64_t hash = jf_hash64(card.data, card.size);
    for (uint64_t number = state->current; number > state->taken_back; number--) {
        const struct jf_card_note *note =
            jf_generation_card(jf_state_generation(state, number), card, hash);
        if (note != NULL) {
            *out_member = note->member;
            return true;
        }
    }
    return false;
}
