// The state's life and its turns: seal what was collected, hand over what is durable, take back
// what is stored, ask for flushes. See state.h for the way of the data.
//
// Fails: the first failure of the store or of a read is final and comes back from every later turn.
#include "state/state_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "state/control_codec.h"

// Sealed generations beyond generations_max: a batch may still be running when the owner is told to
// wait, and one place is the current one's.
#define GENERATIONS_SPARE 3u
#define CONTROL_BYTES_MAX (64u << 20)

enum jf_error jf_state_fail(struct jf_state *state, enum jf_error error,
                            const struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(error != JF_OK);
    if (state->failure.error == JF_OK) {
        state->failure = *diagnosis;
        if (state->failure.error != error) {
            (void)jf_diagnose(&state->failure, error, "reading the state in %.300s: %s",
                              state->config.directory, jf_error_text(error));
        }
    }
    return error;
}

// ---- Opening and closing --------------------------------------------------------------

static enum jf_error generations_make(struct jf_state *state)
{
    state->generation_count = state->config.generations_max + GENERATIONS_SPARE;
    state->generations = calloc(state->generation_count, sizeof *state->generations);
    if (state->generations == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    state->current = 1;
    jf_generation_reset(jf_state_current(state), 1, state->applied);
    return JF_OK;
}

static enum jf_error parts_make(struct jf_state *state, struct jf_diagnosis *diagnosis)
{
    if (generations_make(state) != JF_OK ||
        jf_cache_create(state->config.cache_bytes, &state->cache) != JF_OK) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY,
                           "out of memory for a member cache of %llu bytes: configure a smaller "
                           "one",
                           (unsigned long long)state->config.cache_bytes);
    }
    if (state->config.is_read_only) {
        return JF_OK;
    }
    struct jf_store_config store = {
        .kv = state->kv,
        .filter = state->filter,
        .applied = state->applied,
        .recent_bytes = state->recent_bytes,
        .generations = state->generation_count,
        .is_filter_stale = state->is_filter_stale,
        .is_threaded = !state->config.is_inline,
        .is_flush_begun = state->config.is_flush_begun,
        .is_without_entries = state->config.is_without_entries,
    };
    return jf_store_create(&store, &state->store, diagnosis);
}

static void state_free(struct jf_state *state)
{
    jf_cache_destroy(state->cache);
    jf_filter_destroy(state->filter);
    for (uint32_t i = 0; i < state->generation_count && state->generations != NULL; i++) {
        jf_generation_deinit(&state->generations[i]);
    }
    free(state->generations);
    free(state->dates);
    jf_state_buffer_free(&state->references);
    jf_absent_free(&state->absent);
    free(state->directory);
    state->kv->functions->close(state->kv);
    free(state);
}

enum jf_error jf_state_open_kv(const struct jf_state_config *config, struct jf_kv *kv,
                               struct jf_state **out_state, struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(config->generations_max >= 1);
    JF_ASSERT(config->generation_entries >= 1);
    struct jf_state *state = calloc(1, sizeof *state);
    char *directory = strdup(config->directory);
    if (state == NULL || directory == NULL) {
        free(state);
        free(directory);
        kv->functions->close(kv);
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "out of memory opening the state");
    }
    state->config = *config;
    state->config.directory = directory;
    state->directory = directory;
    state->kv = kv;
    state->absent.batch = 1;
    enum jf_error error = jf_state_load(state, diagnosis);
    if (error == JF_OK) {
        state->flush_asked = state->applied;
        error = parts_make(state, diagnosis);
    }
    if (error != JF_OK) {
        state_free(state);
        return error;
    }
    *out_state = state;
    return JF_OK;
}

static bool filter_bytes_are_valid(uint64_t bytes)
{
    return bytes >= JF_FILTER_BYTES_MIN && bytes <= JF_FILTER_BYTES_MAX &&
           (bytes & (bytes - 1)) == 0;
}

enum jf_error jf_state_open(const struct jf_state_config *config, struct jf_state **out_state,
                            struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(config->directory != NULL);
    if (!filter_bytes_are_valid(config->filter_bytes) && !config->is_read_only) {
        return jf_diagnose(diagnosis, JF_ERROR_INVALID,
                           "the filter's size %llu is not a power of two of at least %llu bytes",
                           (unsigned long long)config->filter_bytes,
                           (unsigned long long)JF_FILTER_BYTES_MIN);
    }
    struct jf_kv_config kv_config = {
        .directory = config->directory,
        .write_buffer_bytes = config->write_buffer_bytes,
        .block_cache_bytes = config->block_cache_bytes,
        .is_read_only = config->is_read_only,
        .must_exist = config->must_exist,
    };
    struct jf_kv *kv = NULL;
    enum jf_error error = jf_state_kv_open(config, &kv_config, &kv, diagnosis);
    return error == JF_OK ? jf_state_open_kv(config, kv, out_state, diagnosis) : error;
}

enum jf_error jf_state_close(struct jf_state *state, bool is_clean, struct jf_diagnosis *diagnosis)
{
    if (state == NULL) {
        return JF_OK;
    }
    enum jf_error error = jf_store_destroy(state->store, is_clean, diagnosis);
    state_free(state);
    return error;
}

// ---- Loaded once ----------------------------------------------------------------------

uint64_t jf_state_applied(const struct jf_state *state)
{
    return state->applied;
}

struct control_load {
    struct jf_control *control;
    struct jf_diagnosis *diagnosis;
    bool is_found;
};

static enum jf_error control_found(void *context, uint32_t index, struct jf_text value)
{
    struct control_load *load = context;
    (void)index;
    load->is_found = true;
    return jf_control_record_load(value, load->control, load->diagnosis);
}

enum jf_error jf_state_control_read(struct jf_kv *kv, const struct jf_kv_snapshot *snapshot,
                                    struct jf_control *control, struct jf_diagnosis *diagnosis)
{
    struct control_load load = {control, diagnosis, false};
    struct jf_text key = JF_TEXT(JF_META_CONTROL);
    struct jf_kv_query query = {.family = JF_KV_META,
                                .snapshot = snapshot,
                                .keys = &key,
                                .count = 1,
                                .found = control_found,
                                .context = &load};
    enum jf_error error = jf_kv_multi_get(kv, &query, diagnosis);
    if (error == JF_OK && !load.is_found) {
        struct jf_control_content nothing = {0};
        error = jf_control_load(control, &nothing);
    }
    return error;
}

enum jf_error jf_state_load_control(struct jf_state *state, struct jf_control *control,
                                    struct jf_diagnosis *diagnosis)
{
    return jf_state_control_read(state->kv, NULL, control, diagnosis);
}

enum jf_error jf_state_reference_positions(struct jf_state *state, struct jf_arena *arena,
                                           const uint64_t **out_positions, uint32_t *out_count)
{
    size_t size = state->references.size;
    uint64_t *positions = jf_arena_alloc(arena, size);
    if (positions == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    if (size > 0) {
        memcpy(positions, state->references.bytes, size);
    }
    *out_positions = positions;
    *out_count = (uint32_t)(size / sizeof(uint64_t));
    return JF_OK;
}

// ---- Turns ----------------------------------------------------------------------------

// Intervals may be as long as "never".
static uint64_t add_capped(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t sealed_position(const struct jf_state *state)
{
    return jf_state_current(state)->position_base;
}

static void take_back(struct jf_state *state)
{
    uint64_t stored = jf_store_generations(state->store);
    JF_ASSERT(stored <= state->handed_over);
    if (stored > state->taken_back) {
        state->taken_back = stored;
        jf_cache_stored(state->cache, stored);
    }
}

static void flush_measure(struct jf_state *state, uint64_t now_us)
{
    if (!state->is_flush_measured || jf_store_flushed(state->store) < state->flush_asked) {
        return;
    }
    state->is_flush_measured = false;
    uint64_t took_us = now_us - state->flush_asked_us;
    if (took_us > atomic_load(&state->flush_us_max)) {
        atomic_store(&state->flush_us_max, took_us);
    }
}

static bool seal_is_due(const struct jf_state *state, uint64_t now_us)
{
    uint32_t entries = jf_state_current(state)->entry_count;
    if (entries == 0) {
        return false;
    }
    return entries >= state->config.generation_entries || state->is_checkpoint_wanted ||
           now_us >= add_capped(state->collect_since_us, state->config.generation_us);
}

static enum jf_error seal(struct jf_state *state, const struct jf_control *control, uint64_t now_us)
{
    struct jf_generation *generation = jf_state_current(state);
    enum jf_error error = jf_generation_seal(generation, state->cache, control, &state->sums);
    if (error != JF_OK) {
        struct jf_diagnosis diagnosis = {0};
        (void)jf_diagnose(&diagnosis, error, "out of memory sealing the state's changes");
        return jf_state_fail(state, error, &diagnosis);
    }
    uint64_t position = jf_generation_position(generation);
    state->current += 1;
    jf_generation_reset(jf_state_current(state), state->current, position);
    state->is_collecting = false;
    if (!state->is_flush_timed) {
        state->is_flush_timed = true;
        state->flush_since_us = now_us;
    }
    return JF_OK;
}

static enum jf_error seal_when_due(struct jf_state *state, const struct jf_control *control,
                                   uint64_t now_us)
{
    if (!state->is_collecting && jf_state_current(state)->entry_count > 0) {
        state->is_collecting = true;
        state->collect_since_us = now_us;
    }
    // Without a free generation the current one goes on collecting; the owner is told to wait long
    // before.
    bool has_free = state->current - state->taken_back < state->generation_count;
    return has_free && seal_is_due(state, now_us) ? seal(state, control, now_us) : JF_OK;
}

static void hand_over(struct jf_state *state, uint64_t durable_position)
{
    while (state->handed_over + 1 < state->current) {
        struct jf_generation *next = jf_state_generation(state, state->handed_over + 1);
        if (jf_generation_position(next) > durable_position) {
            return;
        }
        state->handed_over += 1;
        jf_store_hand_over(state->store, next);
    }
}

static void flush_when_due(struct jf_state *state, uint64_t now_us)
{
    if (state->is_flush_held) {
        return;
    }
    uint64_t position = sealed_position(state);
    // A checkpoint asked for is done once everything noted is sealed.
    bool is_checkpoint = state->is_checkpoint_wanted && jf_state_current(state)->entry_count == 0;
    if (is_checkpoint) {
        state->is_checkpoint_wanted = false;
    }
    if (position == state->flush_asked) {
        return;
    }
    bool is_late = state->is_flush_timed &&
                   now_us >= add_capped(state->flush_since_us, state->config.flush_us);
    bool is_much = position - state->flush_asked >= state->config.flush_entries;
    if (is_checkpoint || is_late || is_much) {
        state->flush_asked = position;
        state->is_flush_timed = false;
        if (!state->is_flush_measured) {
            state->is_flush_measured = true;
            state->flush_asked_us = now_us;
        }
        jf_store_flush_to(state->store, position);
    }
}

static enum jf_error failure_check(const struct jf_state *state, struct jf_diagnosis *diagnosis)
{
    if (state->failure.error != JF_OK) {
        if (diagnosis != NULL) {
            *diagnosis = state->failure;
        }
        return state->failure.error;
    }
    return jf_store_check(state->store, diagnosis);
}

enum jf_error jf_state_turn(struct jf_state *state, const struct jf_control *control,
                            uint64_t now_us, uint64_t durable_position,
                            struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(state->store != NULL);
    enum jf_error error = failure_check(state, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    take_back(state);
    flush_measure(state, now_us);
    if (seal_when_due(state, control, now_us) == JF_OK) {
        hand_over(state, durable_position);
        flush_when_due(state, now_us);
        if (state->config.is_inline) {
            jf_store_turn(state->store);
            take_back(state);
        }
    }
    return failure_check(state, diagnosis);
}

const struct jf_diagnosis *jf_state_failure(const struct jf_state *state)
{
    return &state->failure;
}

uint64_t jf_state_turn_after_us(const struct jf_state *state, uint64_t now_us)
{
    uint64_t at = UINT64_MAX;
    if (jf_state_current(state)->entry_count > 0) {
        if (!state->is_collecting || state->is_checkpoint_wanted) {
            return now_us;
        }
        at = add_capped(state->collect_since_us, state->config.generation_us);
    }
    if (state->is_flush_timed) {
        uint64_t flush_at = add_capped(state->flush_since_us, state->config.flush_us);
        at = flush_at < at ? flush_at : at;
    }
    return at < now_us ? now_us : at;
}

void jf_state_checkpoint(struct jf_state *state)
{
    state->is_checkpoint_wanted = true;
}

// ---- Where it stands ------------------------------------------------------------------

void jf_state_hold_flushes(struct jf_state *state, bool is_held)
{
    state->is_flush_held = is_held;
}

bool jf_state_is_behind(const struct jf_state *state)
{
    if (state->store == NULL) {
        return false;
    }
    uint64_t sealed = state->current - 1;
    return sealed - jf_store_generations(state->store) > state->config.generations_max;
}

uint64_t jf_state_stored(const struct jf_state *state)
{
    return state->store == NULL ? state->applied : jf_store_stored(state->store);
}

uint64_t jf_state_flushed(const struct jf_state *state)
{
    return state->store == NULL ? state->applied : jf_store_flushed(state->store);
}

void jf_state_set_wake(struct jf_state *state, void (*wake)(void *context), void *context)
{
    JF_ASSERT(state->store != NULL);
    jf_store_set_wake(state->store, wake, context);
}

void jf_state_counters(const struct jf_state *state, struct jf_state_counters *out_counters)
{
    const struct jf_cache_counters *cache = jf_cache_counters(state->cache);
    struct jf_state_counters counters = {
        .members_cached = atomic_load_explicit(&cache->members, memory_order_relaxed),
        .cache_bytes = atomic_load_explicit(&cache->bytes, memory_order_relaxed),
        .cache_hits = atomic_load_explicit(&cache->hits, memory_order_relaxed),
        .cache_misses = atomic_load_explicit(&cache->misses, memory_order_relaxed),
    };
    if (state->store != NULL) {
        counters.generations_stored = jf_store_generations(state->store);
        counters.flushes = jf_store_flush_count(state->store);
        counters.flush_us_max = atomic_load(&state->flush_us_max);
    }
    *out_counters = counters;
}
