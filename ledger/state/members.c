// Members for a batch: from the cache, from the records it keeps, the missing ones from the
// database with one query, and the unknown remembered until the batch ends, so that they are not
// asked for again.
//
// Fails: records that do not decode are JF_ERROR_CORRUPT, kept for the next turn;
// JF_ERROR_NO_MEMORY.
#include "state/state_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "state/member_codec.h"

#define KEYS_AT_ONCE     256u
#define ABSENT_SLOTS_MIN 1024u

// ---- The unknown ----------------------------------------------------------------------

static uint32_t absent_slot(const struct jf_absent_set *absent, uint64_t number)
{
    uint32_t mask = absent->slot_count - 1;
    uint32_t at = (uint32_t)((number * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & mask;
    while (absent->batches[at] == absent->batch && absent->numbers[at] != number) {
        at = (at + 1) & mask;
    }
    return at;
}

static bool absent_has(const struct jf_absent_set *absent, uint64_t number)
{
    if (absent->count == 0) {
        return false;
    }
    return absent->batches[absent_slot(absent, number)] == absent->batch;
}

static enum jf_error absent_grow(struct jf_absent_set *absent)
{
    struct jf_absent_set grown = *absent;
    grown.slot_count = absent->slot_count == 0 ? ABSENT_SLOTS_MIN : absent->slot_count * 2;
    grown.numbers = calloc(grown.slot_count, sizeof *grown.numbers);
    grown.batches = calloc(grown.slot_count, sizeof *grown.batches);
    if (grown.numbers == NULL || grown.batches == NULL) {
        free(grown.numbers);
        free(grown.batches);
        return JF_ERROR_NO_MEMORY;
    }
    for (uint32_t at = 0; at < absent->slot_count; at++) {
        if (absent->batches[at] == absent->batch) {
            uint32_t to = absent_slot(&grown, absent->numbers[at]);
            grown.numbers[to] = absent->numbers[at];
            grown.batches[to] = grown.batch;
        }
    }
    jf_absent_free(absent);
    *absent = grown;
    return JF_OK;
}

static enum jf_error absent_add(struct jf_absent_set *absent, uint64_t number)
{
    if (absent->count >= absent->slot_count / 2) {
        enum jf_error error = absent_grow(absent);
        if (error != JF_OK) {
            return error;
        }
    }
    uint32_t at = absent_slot(absent, number);
    absent->numbers[at] = number;
    absent->batches[at] = absent->batch;
    absent->count += 1;
    return JF_OK;
}

void jf_absent_end(struct jf_absent_set *absent)
{
    absent->count = 0;
    absent->batch += 1;
    if (absent->batch == 0) {
        // Stamps of four thousand million batches ago would count again.
        memset(absent->batches, 0, absent->slot_count * sizeof *absent->batches);
        absent->batch = 1;
    }
}

void jf_absent_free(struct jf_absent_set *absent)
{
    free(absent->numbers);
    free(absent->batches);
    *absent = (struct jf_absent_set){0};
}

// ---- Fetching -------------------------------------------------------------------------

struct member_round {
    struct jf_state *state;
    struct jf_diagnosis *diagnosis;
    uint64_t numbers[KEYS_AT_ONCE];
    uint32_t count;
    unsigned char bytes[KEYS_AT_ONCE][JF_KEY_MEMBER_BYTES];
    struct jf_text texts[KEYS_AT_ONCE];
};

static enum jf_error member_decode(struct member_round *round, struct jf_text record,
                                   struct jf_member *member, uint64_t number)
{
    enum jf_error error = jf_member_record_decode(record, member, round->diagnosis);
    if (error == JF_OK && member->number.value != number) {
        error = jf_diagnose(round->diagnosis, JF_ERROR_CORRUPT,
                            "the record stored for member %llu says it is member %llu's",
                            (unsigned long long)number, (unsigned long long)member->number.value);
    }
    return error;
}

// Most members are fetched for a sale, or enrolled before their first: what it may add finds room,
// and their blocks are of a few sizes.
static const struct jf_member_growth one_sale = {.lots = 1, .months = 1, .counters = 2};

// Puts a member into the cache by its record.
static enum jf_error member_place(struct member_round *round, struct jf_member_id id,
                                  struct jf_text record)
{
    struct jf_cache *cache = round->state->cache;
    struct jf_member_capacity capacity = {0};
    enum jf_error error = jf_member_record_measure(record, &capacity, round->diagnosis);
    if (error != JF_OK) {
        return error;
    }
    struct jf_member *member = NULL;
    error = jf_cache_insert(cache, id, jf_member_capacity_grown(capacity, &one_sale), &member);
    if (error != JF_OK) {
        return error;
    }
    error = member_decode(round, record, member, id.value);
    if (error != JF_OK) {
        jf_cache_remove(cache, id);
        return error;
    }
    (void)jf_cache_hash_replace(member, jf_hash128(record.data, record.size));
    return JF_OK;
}

static enum jf_error member_found(void *context, uint32_t index, struct jf_text record)
{
    struct member_round *round = context;
    struct jf_member_id id = {round->numbers[index]};
    return member_place(round, id, record);
}

static enum jf_error members_ask(struct member_round *round)
{
    struct jf_kv_query query = {.family = JF_KV_MEMBERS,
                                .keys = round->texts,
                                .count = round->count,
                                .found = member_found,
                                .context = round};
    enum jf_error error =
        round->count == 0 ? JF_OK : jf_kv_multi_get(round->state->kv, &query, round->diagnosis);
    round->count = 0;
    return error;
}

// A missing member is marked absent before it is asked for: the cache is looked at first, so once
// it is found the mark says nothing, and a duplicate of it in the same call is passed over.
static enum jf_error member_miss(struct member_round *round, uint64_t number)
{
    enum jf_error error = absent_add(&round->state->absent, number);
    if (error != JF_OK) {
        return error;
    }
    uint32_t at = round->count++;
    round->numbers[at] = number;
    jf_store_u64_ordered(round->bytes[at], number);
    round->texts[at] = jf_text_of(round->bytes[at], JF_KEY_MEMBER_BYTES);
    return round->count == KEYS_AT_ONCE ? members_ask(round) : JF_OK;
}

// A member whose record the cache kept. Out: whether it did.
static enum jf_error member_unpack(struct member_round *round, struct jf_member_id id,
                                   bool *out_is_there)
{
    unsigned char bytes[JF_PACKED_RECORD_BYTES_MAX];
    struct jf_text record = jf_cache_take_packed(round->state->cache, id, bytes);
    *out_is_there = record.size > 0;
    return *out_is_there ? member_place(round, id, record) : JF_OK;
}

// How far ahead of its turn a member's slot and block are hinted at.
#define SLOTS_AHEAD  16u
#define BLOCKS_AHEAD 6u

static enum jf_error member_want(struct member_round *round, struct jf_member_id id)
{
    struct jf_cache *cache = round->state->cache;
    bool is_there = jf_cache_pin(cache, id) != NULL;
    enum jf_error error = is_there ? JF_OK : member_unpack(round, id, &is_there);
    jf_cache_count(cache, is_there);
    if (error != JF_OK || is_there || absent_has(&round->state->absent, id.value)) {
        return error;
    }
    return member_miss(round, id.value);
}

enum jf_error jf_state_members_fetch(struct jf_state *state, const struct jf_member_id *ids,
                                     uint32_t count)
{
    struct jf_diagnosis diagnosis = {0};
    struct member_round round;
    round.state = state;
    round.diagnosis = &diagnosis;
    round.count = 0;
    enum jf_error error = JF_OK;
    for (uint32_t i = 0; i < count && i < SLOTS_AHEAD; i++) {
        jf_cache_prefetch_slot(state->cache, ids[i]);
    }
    for (uint32_t i = 0; i < count && error == JF_OK; i++) {
        if (i + SLOTS_AHEAD < count) {
            jf_cache_prefetch_slot(state->cache, ids[i + SLOTS_AHEAD]);
        }
        if (i + BLOCKS_AHEAD < count) {
            jf_cache_prefetch_block(state->cache, ids[i + BLOCKS_AHEAD]);
        }
        if (ids[i].value == 0) {
            continue;
        }
        error = member_want(&round, ids[i]);
    }
    if (error == JF_OK) {
        error = members_ask(&round);
    }
    return error == JF_OK ? JF_OK : jf_state_fail(state, error, &diagnosis);
}

// ---- Using ----------------------------------------------------------------------------

struct jf_member *jf_state_member(struct jf_state *state, struct jf_member_id id)
{
    return jf_cache_find(state->cache, id);
}

enum jf_error jf_state_member_create(struct jf_state *state, struct jf_member_id id,
                                     struct jf_member **out_member)
{
    JF_ASSERT(id.value != 0);
    JF_ASSERT(!state->config.is_read_only);
    const struct jf_member_capacity none = {0};
    struct jf_member_capacity capacity = jf_member_capacity_grown(none, &one_sale);
    return jf_cache_insert(state->cache, id, capacity, out_member);
}

enum jf_error jf_state_member_room(struct jf_state *state, struct jf_member_id id,
                                   struct jf_member_capacity capacity,
                                   struct jf_member **out_member)
{
    return jf_cache_room(state->cache, id, capacity, out_member);
}

void jf_state_member_touch(struct jf_state *state, struct jf_member *member)
{
    JF_ASSERT(!state->config.is_read_only);
    jf_cache_touch(state->cache, member, state->current);
}

void jf_state_batch_end(struct jf_state *state)
{
    jf_cache_batch_end(state->cache);
    jf_absent_end(&state->absent);
}
