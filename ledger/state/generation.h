// A generation: what happened between two positions, on its way to the database. While it is
// collected and until it is stored it is also the overlay that the owner reads. Sealed, it does not
// change any more, so that the store thread may read it at the same time.
//
// Threads: the owner writes until sealed; then both read until the store thread has stored it; then
// the owner resets. Memory: buffers are kept over a reset, so that a warm generation allocates
// nothing.
#ifndef JF_STATE_GENERATION_H
#define JF_STATE_GENERATION_H

#include "state/state.h"

// Bytes that grow.
struct jf_state_buffer {
    unsigned char *bytes;
    size_t size;
    size_t capacity;
};

// Returns: room for `more` bytes behind size, or NULL (nothing changed). The caller adds to size.
unsigned char *jf_state_buffer_reserve(struct jf_state_buffer *buffer, size_t more);
void jf_state_buffer_free(struct jf_state_buffer *buffer);

// A hash table from 64-bit hashes to row numbers 0, 1, 2 … in order of insertion.
struct jf_state_index {
    uint32_t *slots;     // row + 1; 0: free
    uint64_t *hashes;    // by row
    uint32_t slot_count; // power of two, or 0
    uint32_t count;
    uint32_t hash_capacity;
};

#define JF_STATE_ROW_NONE UINT32_MAX

// The next row with that hash. In: *cursor 0 at first. Returns: JF_STATE_ROW_NONE at the end.
uint32_t jf_state_index_next(const struct jf_state_index *index, uint64_t hash, uint32_t *cursor);

struct jf_transaction_note {
    struct jf_hash128 id_hash;
    struct jf_transaction_row row;
};

struct jf_receipt_note {
    struct jf_receipt_key key;
    uint64_t position;
};

struct jf_card_note {
    struct jf_member_id member; // value 0: unlinked
    uint32_t offset;            // of the card in card_bytes
    uint32_t size;
};

struct jf_expiry_note {
    jf_date expires_on;
    bool is_there;
    struct jf_member_id member;
};

struct jf_member_note {
    uint64_t number;
    size_t offset; // of the record in records
    uint32_t size;
};

// What the digest of the state is put together from, beside the totals.
struct jf_state_sums {
    struct jf_hash128 members;
    struct jf_hash128 reference;
    struct jf_state_digest_entry newest;
};

struct jf_generation {
    uint64_t number;        // 1, 2, 3 … since the state was opened
    uint64_t position_base; // the position before the first entry
    uint32_t entry_count;
    struct jf_state_buffer entry_bytes;
    size_t *entry_ends; // by entry
    uint32_t entry_capacity;

    struct jf_state_index transaction_index;
    struct jf_transaction_note *transactions;
    uint32_t transaction_capacity;
    struct jf_state_index receipt_index;
    struct jf_receipt_note *receipts;
    uint32_t receipt_capacity;
    struct jf_state_index card_index;
    struct jf_card_note *cards;
    uint32_t card_capacity;
    struct jf_state_buffer card_bytes;

    struct jf_expiry_note *expiries; // in order; the last of a day and member counts
    uint32_t expiry_count;
    uint32_t expiry_capacity;

    // Flat lists of numbers, as bytes of fixed width.
    struct jf_state_buffer references; // uint64_t positions
    struct jf_state_buffer dates;      // jf_date: partitions not seen before
    struct jf_state_buffer hashes;     // uint64_t: what was new to the filter

    // Filled by sealing.
    struct jf_member_note *members;
    uint32_t member_count;
    uint32_t member_capacity;
    struct jf_state_buffer records;
    struct jf_state_buffer control;
    struct jf_state_sums sums;
    bool is_sealed;
};

void jf_generation_init(struct jf_generation *generation);
void jf_generation_deinit(struct jf_generation *generation);
// Empties it for reuse.
void jf_generation_reset(struct jf_generation *generation, uint64_t number, uint64_t position_base);

static inline uint64_t jf_generation_position(const struct jf_generation *generation)
{
    return generation->position_base + generation->entry_count;
}

// Room for one entry and its rows: afterwards one note_entry of that size, three note_transaction,
// one note_receipt, `card_count` note_card, `expiry_count` note_expiry and one note_reference
// cannot fail. Returns: JF_OK or JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_generation_reserve(struct jf_generation *generation,
                                                uint32_t entry_size, uint32_t card_count,
                                                uint32_t expiry_count);

// In: reserved; the next position.
void jf_generation_note_entry(struct jf_generation *generation, const void *bytes, uint32_t size);
void jf_generation_note_transaction(struct jf_generation *generation, struct jf_hash128 id_hash,
                                    struct jf_transaction_row row);
void jf_generation_note_receipt(struct jf_generation *generation, const struct jf_receipt_key *key,
                                uint64_t hash, uint64_t position);
void jf_generation_note_card(struct jf_generation *generation, struct jf_text card,
                             struct jf_member_id member);
void jf_generation_note_expiry(struct jf_generation *generation, struct jf_expiry_note note);
void jf_generation_note_reference(struct jf_generation *generation, uint64_t position);
void jf_generation_note_date(struct jf_generation *generation, jf_date date);
void jf_generation_note_hash(struct jf_generation *generation, uint64_t hash);

// NULL: not there.
const struct jf_transaction_note *jf_generation_transaction(const struct jf_generation *generation,
                                                            struct jf_hash128 id_hash);
const struct jf_receipt_note *jf_generation_receipt(const struct jf_generation *generation,
                                                    const struct jf_receipt_key *key,
                                                    uint64_t hash);
const struct jf_card_note *jf_generation_card(const struct jf_generation *generation,
                                              struct jf_text card, uint64_t hash);
// In: a position of this generation.
struct jf_text jf_generation_entry(const struct jf_generation *generation, uint64_t position);

struct jf_cache;
// Ends collecting: takes the records of the touched members and the totals, and brings the sums up
// to date with these records. Returns: JF_OK or JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_generation_seal(struct jf_generation *generation,
                                             struct jf_cache *cache,
                                             const struct jf_control *control,
                                             struct jf_state_sums *sums);

// As stored under the meta key "sums".
#define JF_STATE_SUMS_BYTES (3 * JF_DIGEST_BYTES + sizeof(uint64_t))
void jf_state_sums_encode(const struct jf_state_sums *sums, unsigned char to[JF_STATE_SUMS_BYTES]);

// A member's record, as it is now, takes the place of the one that the sums had counted.
static inline void jf_state_sums_count(struct jf_state_sums *sums, struct jf_hash128 before,
                                       struct jf_hash128 now)
{
    sums->members = jf_hash128_add(jf_hash128_subtract(sums->members, before), now);
}

#endif
