// Counters of members and of the chain, as the ledger would keep them under the new programme.
// Fails: no memory; more counters than a member may have.
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "rules/counters.h"
#include "rules/earn.h"
#include "tools/jifen/simulate.h"

// A record with room for that many counters, with what `from` holds.
static struct jf_member *record_make(const struct jf_member *from, uint16_t counters)
{
    struct jf_member_capacity capacity = {.counters = counters};
    size_t size = (jf_member_block_size(capacity) + 15) / 16 * 16;
    void *block = aligned_alloc(16, size);
    if (block == NULL) {
        return NULL;
    }
    memset(block, 0, size);
    struct jf_member *record = jf_member_block_init(block, capacity);
    if (from != NULL) {
        jf_member_copy(record, from);
    }
    return record;
}

static enum jf_error members_room(struct jf_simulation *simulation, uint32_t index)
{
    if (index < simulation->member_capacity) {
        return JF_OK;
    }
    uint32_t capacity = simulation->member_capacity == 0 ? 1024 : simulation->member_capacity * 2;
    struct jf_member **grown = realloc(simulation->members, capacity * sizeof(*grown));
    if (grown == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    simulation->members = grown;
    simulation->member_capacity = capacity;
    return JF_OK;
}

static enum jf_error member_find(struct jf_simulation *simulation, uint64_t number,
                                 uint32_t *out_index)
{
    uint32_t known = simulation->member_numbers.count;
    enum jf_error error = jf_number_map_add(&simulation->member_numbers, number, out_index);
    if (error == JF_OK) {
        error = members_room(simulation, *out_index);
    }
    if (error == JF_OK && *out_index == known) {
        simulation->members[known] = NULL;
    }
    if (error == JF_OK && simulation->members[*out_index] == NULL) {
        simulation->members[*out_index] = record_make(NULL, 4);
        error = simulation->members[*out_index] == NULL ? JF_ERROR_NO_MEMORY : JF_OK;
    }
    return error;
}

enum jf_error jf_simulate_member(struct jf_simulation *simulation, uint64_t number,
                                 struct jf_member **out_member)
{
    uint32_t index = 0;
    enum jf_error error = member_find(simulation, number, &index);
    if (error == JF_OK) {
        *out_member = simulation->members[index];
    }
    return error;
}

static enum jf_error member_count(struct jf_simulation *simulation, uint64_t number,
                                  const struct jf_counted *counted)
{
    uint32_t index = 0;
    enum jf_error error = member_find(simulation, number, &index);
    if (error != JF_OK || counted->count == 0) {
        return error;
    }
    struct jf_member *record = simulation->members[index];
    uint32_t needed = record->counter_count + counted->count;
    if (needed > JF_COUNTERS_PER_MEMBER_MAX) {
        return JF_ERROR_LIMIT;
    }
    if (needed > record->counter_capacity) {
        uint32_t capacity = needed * 2;
        capacity = capacity < JF_COUNTERS_PER_MEMBER_MAX ? capacity : JF_COUNTERS_PER_MEMBER_MAX;
        struct jf_member *grown = record_make(record, (uint16_t)capacity);
        if (grown == NULL) {
            return JF_ERROR_NO_MEMORY;
        }
        free(record);
        simulation->members[index] = grown;
        record = grown;
    }
    jf_counters_apply(record, counted->deltas, counted->count);
    return JF_OK;
}

static int64_t granted_of(const struct jf_granted *granted, uint32_t count, uint32_t reason)
{
    int64_t points = 0;
    for (uint32_t i = 0; i < count; i++) {
        points += granted[i].reason == reason ? granted[i].points : 0;
    }
    return points;
}

// The chain's issue by ground, against which budgets are held: an entry of nothing but postings.
static enum jf_error chain_count(struct jf_simulation *simulation,
                                 const struct jf_simulate_count *count)
{
    uint32_t most = count->before_count + count->now_count;
    struct jf_posting *postings =
        jf_arena_calloc(&simulation->arena, (size_t)most + 1, sizeof(*postings));
    uint32_t made = 0;
    if (postings == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < most; i++) {
        bool is_now = i < count->now_count;
        const struct jf_granted *granted =
            is_now ? &count->now[i] : &count->before[i - count->now_count];
        if (!is_now && granted_of(count->now, count->now_count, granted->reason) != 0) {
            continue; // told with `now`
        }
        int64_t now = is_now ? granted->points : 0;
        int64_t before = granted_of(count->before, count->before_count, granted->reason);
        postings[made] = (struct jf_posting){.account = JF_ACCOUNT_ISSUED,
                                             .entity = {1},
                                             .reason = granted->reason,
                                             .expires_on = JF_DATE_EVER,
                                             .points = before - now};
        made += before == now ? 0 : 1;
    }
    struct jf_entry entry = {.kind = JF_ENTRY_SALE,
                             .position = ++simulation->counted,
                             .postings = postings,
                             .posting_count = made};
    enum jf_error error = jf_control_reserve(simulation->control, &entry);
    if (error == JF_OK) {
        jf_control_apply(simulation->control, &entry);
    }
    return error;
}

enum jf_error jf_simulate_count(struct jf_simulation *simulation,
                                const struct jf_simulate_count *count)
{
    struct jf_counted before = {.deltas = NULL};
    struct jf_counted now = {.deltas = NULL};
    const struct jf_programme *programme = simulation->programme;
    enum jf_error error = jf_earn_counted(programme, count->date, count->before,
                                          count->before_count, &simulation->arena, &before);
    if (error == JF_OK) {
        error = jf_earn_counted(programme, count->date, count->now, count->now_count,
                                &simulation->arena, &now);
    }
    if (error == JF_OK) {
        jf_earn_counted_subtract(&now, &before);
        error = member_count(simulation, count->member, &now);
    }
    return error == JF_OK ? chain_count(simulation, count) : error;
}

void jf_simulate_limits_free(struct jf_simulation *simulation)
{
    for (uint32_t i = 0; i < simulation->member_numbers.count; i++) {
        free(simulation->members[i]);
    }
    free(simulation->members);
    jf_number_map_deinit(&simulation->member_numbers);
    jf_control_destroy(simulation->control);
}
