// Reads take their place in the order like writes do, see what was planned before them, and are
// answered when that is durable. A history goes on over several turns, a slice at a time, so that
// tills do not wait for it. Fails only when the state database fails; unknown names are refusals.
#include "base/assert.h"
#include "engine/clock.h"
#include "engine/engine_private.h"
#include "engine/entry_codec.h"
#include "rules/tiers.h"

#define MICROSECONDS_PER_DAY 86400000000ull

bool jf_read_is_walk(const struct jf_request *request)
{
    return request->kind == JF_REQUEST_HISTORY && request->answer.refusal == NULL;
}

static void refuse(struct jf_engine *engine, struct jf_request *request, enum jf_refusal_code code)
{
    struct jf_refusal refusal = {.code = code};
    engine->refusals += 1;
    jf_read_refuse(request, &refusal);
}

static void refuse_field(struct jf_engine *engine, struct jf_request *request, const char *field,
                         int64_t limit)
{
    struct jf_refusal refusal = {.code = JF_REFUSAL_INVALID_FIELD, .field = field, .limit = limit};
    engine->refusals += 1;
    jf_read_refuse(request, &refusal);
}

static const struct jf_member *member_find(struct jf_engine *engine, struct jf_request *request)
{
    const struct jf_member *member = jf_member_known(engine, request->query.member.number);
    if (member == NULL) {
        bool by_card = request->query.member.card.size > 0;
        refuse(engine, request, by_card ? JF_REFUSAL_UNKNOWN_CARD : JF_REFUSAL_UNKNOWN_MEMBER);
    }
    return member;
}

static struct jf_member *member_copy(const struct jf_member *member, struct jf_arena *arena)
{
    struct jf_member_capacity capacity = jf_member_used(member);
    void *block = jf_arena_alloc(arena, jf_member_block_size(capacity));
    if (block == NULL) {
        return NULL;
    }
    struct jf_member *copy = jf_member_block_init(block, capacity);
    jf_member_copy(copy, member);
    return copy;
}

// The member's level and class under the version in force now, or else the newest.
static enum jf_error level_read(const struct jf_reference *reference, struct jf_arena *arena,
                                struct jf_read_answer *answer, struct jf_member *member)
{
    const struct jf_programme_version *version =
        jf_reference_programme_at(reference, answer->at_ms);
    version = version == NULL ? jf_reference_programme_newest(reference) : version;
    if (version == NULL) {
        return JF_OK;
    }
    bool copied = true;
    uint32_t tier = jf_tier_under(reference, member->tier, member->tier_version, version);
    member->tier = (uint8_t)tier;
    member->tier_version = version->version;
    answer->tier_name =
        jf_arena_copy_text(arena, jf_programme_tier_name(version->programme, tier), &copied);
    bool has_class = member->activity_class >= 1 &&
                     member->activity_class <= jf_programme_class_count(version->programme);
    if (copied && has_class) {
        answer->class_name = jf_arena_copy_text(
            arena, jf_programme_class_name(version->programme, member->activity_class), &copied);
    }
    return copied ? JF_OK : JF_ERROR_NO_MEMORY;
}

static enum jf_error member_read(struct jf_engine *engine, struct jf_request *request)
{
    const struct jf_member *member = member_find(engine, request);
    if (member == NULL) {
        return JF_OK;
    }
    uint64_t now_us = jf_engine_steady_us(engine);
    struct jf_read_answer *answer = &request->answer;
    answer->as_of = request->query.as_of == JF_DATE_NONE ? (jf_date)(now_us / MICROSECONDS_PER_DAY)
                                                         : request->query.as_of;
    answer->at_ms = (int64_t)(now_us / 1000);
    struct jf_member *copy = member_copy(member, request->arena);
    answer->member = copy;
    return copy == NULL ? JF_ERROR_NO_MEMORY
                        : level_read(engine->effects.reference, request->arena, answer, copy);
}

static enum jf_error transaction_read(struct jf_engine *engine, struct jf_request *request)
{
    const struct jf_read_query *query = &request->query;
    uint64_t position = query->position;
    struct jf_state *state = engine->effects.state;
    if (query->transaction_id.size > 0) {
        struct jf_transaction_key key = {
            jf_hash128(query->transaction_id.data, query->transaction_id.size), 0};
        struct jf_transaction_row row = jf_state_transaction_recent(state, key.id_hash);
        enum jf_error error = JF_OK;
        if (row.position == 0) {
            error = jf_state_transactions_find(state, &key, 1, &row);
        }
        if (error != JF_OK) {
            return error;
        }
        position = row.position;
    }
    struct jf_text *entry = jf_arena_alloc(request->arena, sizeof *entry);
    if (entry == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    enum jf_error error = jf_state_entry_read(state, position, request->arena, entry);
    if (error == JF_ERROR_NOT_FOUND) {
        refuse(engine, request, JF_REFUSAL_UNKNOWN_TRANSACTION);
        return JF_OK;
    }
    request->answer.entries = entry;
    request->answer.entry_count = error == JF_OK ? 1 : 0;
    return error;
}

static enum jf_error history_begin(struct jf_engine *engine, struct jf_request *request)
{
    if (request->query.limit == 0 || request->query.limit > JF_HISTORY_PAGE_MAX) {
        refuse_field(engine, request, "limit", JF_HISTORY_PAGE_MAX);
        return JF_OK;
    }
    const struct jf_member *member = member_find(engine, request);
    if (member == NULL) {
        return JF_OK;
    }
    request->walk_member = member->number.value;
    request->walk_position = member->last_position;
    request->walk_bytes = 0;
    request->answer.entries =
        jf_arena_calloc(request->arena, request->query.limit, sizeof *request->answer.entries);
    return request->answer.entries == NULL ? JF_ERROR_NO_MEMORY : JF_OK;
}

// Whether the entry is about the member whose history is walked. Out: the member's entry before it.
static bool is_of_walk(const struct jf_request *request, const struct jf_entry *entry,
                       uint64_t *out_previous)
{
    struct jf_second second = jf_entry_second(entry);
    bool is_second = second.member.value == request->walk_member;
    *out_previous = is_second ? second.previous_position : entry->previous_position;
    return is_second || entry->member.value == request->walk_member;
}

// A page that goes on begins right below its mark: pages name the position above the next entry.
static enum jf_error history_seek(struct jf_engine *engine, struct jf_request *request)
{
    uint64_t before = request->query.before_position;
    if (before < 2 || before > request->walk_position) {
        return JF_OK;
    }
    struct jf_text bytes = {NULL, 0};
    struct jf_entry entry;
    uint64_t previous = 0;
    enum jf_error error =
        jf_state_entry_read(engine->effects.state, before - 1, &engine->arena, &bytes);
    if (error == JF_OK) {
        error = jf_entry_decode(bytes, &engine->arena, &entry, &engine->failure);
    }
    if (error == JF_OK && is_of_walk(request, &entry, &previous)) {
        request->walk_position = before - 1;
    }
    return error;
}

enum jf_error jf_history_walk(struct jf_engine *engine, struct jf_request *request,
                              bool *out_is_done)
{
    struct jf_read_answer *answer = &request->answer;
    struct jf_text *entries = (struct jf_text *)(uintptr_t)answer->entries;
    uint64_t before = request->query.before_position;
    enum jf_error error = answer->entry_count == 0 ? history_seek(engine, request) : JF_OK;
    uint32_t slice = 0;
    for (; error == JF_OK && slice < JF_HISTORY_SLICE && request->walk_position != 0; slice++) {
        if (answer->entry_count == request->query.limit ||
            request->walk_bytes >= JF_HISTORY_BYTES) {
            answer->next_before_position = request->walk_position + 1;
            request->walk_position = 0;
            break;
        }
        struct jf_text bytes = {NULL, 0};
        struct jf_entry entry;
        bool is_wanted = before == 0 || request->walk_position < before;
        jf_arena_reset(&engine->scratch);
        error = jf_state_entry_read(engine->effects.state, request->walk_position,
                                    is_wanted ? request->arena : &engine->scratch, &bytes);
        if (error == JF_OK) {
            error = jf_entry_decode(bytes, &engine->scratch, &entry, &engine->failure);
        }
        if (error == JF_OK && is_wanted) {
            entries[answer->entry_count++] = bytes;
            request->walk_bytes += bytes.size;
        }
        uint64_t previous = 0;
        if (error == JF_OK) {
            (void)is_of_walk(request, &entry, &previous);
        }
        request->walk_position = previous;
    }
    *out_is_done = error != JF_OK || request->walk_position == 0;
    return error;
}

static enum jf_error reasons_copy(const struct jf_reference *reference, struct jf_arena *arena,
                                  const struct jf_reason_row **out_rows, uint32_t *out_count)
{
    uint32_t count = jf_reference_reason_count(reference);
    struct jf_reason_row *rows = jf_arena_calloc(arena, count, sizeof *rows);
    if (rows == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        bool copied = false;
        rows[i].number = i;
        rows[i].name = jf_arena_copy_text(arena, jf_reference_reason_name(reference, i), &copied);
        if (!copied) {
            return JF_ERROR_NO_MEMORY;
        }
    }
    *out_rows = rows;
    *out_count = count;
    return JF_OK;
}

static enum jf_error tier_names_copy(const struct jf_programme *programme, struct jf_arena *arena,
                                     const struct jf_text **out_names, uint32_t *out_count)
{
    uint32_t count = jf_programme_tier_count(programme);
    struct jf_text *names = jf_arena_calloc(arena, count, sizeof *names);
    if (names == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        bool copied = false;
        names[i] = jf_arena_copy_text(arena, jf_programme_tier_name(programme, i), &copied);
        if (!copied) {
            return JF_ERROR_NO_MEMORY;
        }
    }
    *out_names = names;
    *out_count = count;
    return JF_OK;
}

static enum jf_error class_names_copy(const struct jf_programme *programme, struct jf_arena *arena,
                                      struct jf_programme_answer *answer)
{
    uint32_t count = jf_programme_class_count(programme);
    struct jf_text *names = jf_arena_calloc(arena, count, sizeof *names);
    bool copied = names != NULL;
    for (uint32_t i = 0; copied && i < count; i++) {
        names[i] = jf_arena_copy_text(arena, jf_programme_class_name(programme, i + 1), &copied);
    }
    answer->class_names = names;
    answer->class_count = count;
    return copied ? JF_OK : JF_ERROR_NO_MEMORY;
}

static enum jf_error programme_read(struct jf_engine *engine, struct jf_request *request)
{
    const struct jf_reference *reference = engine->effects.reference;
    const struct jf_programme_version *version =
        request->query.version == 0 ? jf_reference_programme_newest(reference)
                                    : jf_reference_programme(reference, request->query.version);
    if (version == NULL) {
        refuse(engine, request, JF_REFUSAL_UNKNOWN_PROGRAMME);
        return JF_OK;
    }
    struct jf_programme_answer *answer = jf_arena_calloc(request->arena, 1, sizeof *answer);
    if (answer == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    bool copied = false;
    answer->version = version->version;
    answer->version_count = jf_reference_programme_count(reference);
    answer->effective_from_ms = version->effective_from_ms;
    answer->position = version->position;
    answer->yaml = jf_arena_copy_text(request->arena, version->yaml, &copied);
    enum jf_error error = copied ? JF_OK : JF_ERROR_NO_MEMORY;
    if (error == JF_OK) {
        error = reasons_copy(reference, request->arena, &answer->reasons, &answer->reason_count);
    }
    if (error == JF_OK) {
        error = tier_names_copy(version->programme, request->arena, &answer->tier_names,
                                &answer->tier_count);
    }
    if (error == JF_OK) {
        error = class_names_copy(version->programme, request->arena, answer);
    }
    request->answer.programme = answer;
    return error;
}

static void status_positions(struct jf_engine *engine, struct jf_status_answer *answer)
{
    struct jf_state_counters counters;
    jf_state_counters(engine->effects.state, &counters);
    answer->position_last = engine->last_position;
    answer->position_durable = engine->journal->operations->durable(engine->journal);
    answer->position_stored = jf_state_stored(engine->effects.state);
    answer->position_flushed = jf_state_flushed(engine->effects.state);
    answer->members_cached = counters.members_cached;
    answer->cache_bytes = counters.cache_bytes;
    answer->replayed_answers = engine->replayed_answers;
    answer->refusals = engine->refusals;
    answer->uptime_us = jf_clock_monotonic_us() - engine->started_us;
    answer->recovered_entries = engine->opening.replayed_entries;
    answer->recovery_us = engine->opening.recovery_us;
    answer->digest = jf_state_digest_newest(engine->effects.state);
    struct jf_scrub *scrub = atomic_load(&engine->scrub);
    if (scrub != NULL) {
        jf_scrub_status(scrub, &answer->scrub);
    }
    for (uint32_t i = 0; i < JF_LANES_MAX; i++) {
        struct jf_lane *lane = atomic_load(&engine->lanes[i]);
        answer->overloads += lane == NULL ? 0 : atomic_load(&lane->overloads);
    }
    memcpy(answer->ledger_id, engine->journal->ledger_id.bytes, sizeof answer->ledger_id);
    answer->generation = engine->journal->generation;
}

static enum jf_error status_totals(struct jf_engine *engine, struct jf_arena *arena,
                                   struct jf_status_answer *answer)
{
    const struct jf_control_row *rows = NULL;
    uint32_t count = jf_control_rows(engine->effects.control, &rows);
    struct jf_control_row *copy = jf_arena_calloc(arena, count, sizeof *copy);
    if (copy == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    if (count > 0) { // no rows: no pointer that memcpy may be given
        memcpy(copy, rows, count * sizeof *copy);
    }
    answer->rows = copy;
    answer->row_count = count;
    answer->counts = *jf_control_counts(engine->effects.control);
    return JF_OK;
}

// Members by level of the newest version, whatever version they reached theirs under.
static void levels_count(const struct jf_engine *engine, const struct jf_programme_version *newest,
                         struct jf_status_answer *answer)
{
    const struct jf_counter *counters = NULL;
    uint32_t count = jf_control_chain_counters(engine->effects.control, &counters);
    for (uint32_t i = 0; i < count; i++) {
        if (counters[i].kind != JF_COUNTER_LEVEL) {
            continue;
        }
        uint32_t tier = (uint32_t)counters[i].period;
        if (newest != NULL) {
            tier = jf_tier_under(engine->effects.reference, tier, counters[i].ground, newest);
        }
        JF_ASSERT(tier < JF_TIERS_MAX);
        answer->members_by_tier[tier] += (uint64_t)counters[i].value;
    }
}

static enum jf_error status_read(struct jf_engine *engine, struct jf_request *request)
{
    const struct jf_reference *reference = engine->effects.reference;
    struct jf_status_answer *answer = jf_arena_calloc(request->arena, 1, sizeof *answer);
    if (answer == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    status_positions(engine, answer);
    answer->store_count = jf_reference_store_count(reference);
    bool copied = true;
    answer->read_only_reason =
        jf_arena_copy_text(request->arena, jf_text_from(engine->read_only_reason), &copied);
    enum jf_error error = status_totals(engine, request->arena, answer);
    if (error == JF_OK) {
        error = reasons_copy(reference, request->arena, &answer->reasons, &answer->reason_count);
    }
    const struct jf_programme_version *version = jf_reference_programme_newest(reference);
    if (error == JF_OK && version != NULL) {
        answer->programme_version = version->version;
        error = tier_names_copy(version->programme, request->arena, &answer->tier_names,
                                &answer->tier_count);
    }
    levels_count(engine, version, answer);
    request->answer.status = answer;
    return error;
}

static enum jf_error read_dispatch(struct jf_engine *engine, struct jf_request *request)
{
    switch (request->kind) {
    case JF_REQUEST_GET_MEMBER:
        return member_read(engine, request);
    case JF_REQUEST_HISTORY:
        return history_begin(engine, request);
    case JF_REQUEST_GET_TRANSACTION:
        return transaction_read(engine, request);
    case JF_REQUEST_GET_PROGRAMME:
        return programme_read(engine, request);
    case JF_REQUEST_STATUS:
        return status_read(engine, request);
    case JF_REQUEST_CHECKPOINT:
        return JF_OK;
    case JF_REQUEST_WRITE:
    case JF_REQUEST_QUOTE:
        break;
    }
    JF_ASSERT(false);
    return JF_ERROR_INVALID;
}

enum jf_error jf_read_run(struct jf_engine *engine, struct jf_request *request)
{
    memset(&request->answer, 0, sizeof request->answer);
    enum jf_error error = read_dispatch(engine, request);
    if (error == JF_ERROR_NO_MEMORY) {
        refuse(engine, request, JF_REFUSAL_OVERLOADED);
        return JF_OK;
    }
    return error;
}
