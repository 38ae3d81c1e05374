// The ledger thread: open, recover, then turns of take–plan–write–answer until told to stop. A lone
// request is written at once; while blocks are in flight, what arrives gathers and shares the next
// one (adaptive group commit). After a final failure of journal or state nothing is written any
// more: what waits is refused, and the process has to be restarted.
#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/bug.h"
#include "engine/clock.h"
#include "engine/engine_private.h"
#include "engine/opening.h"

#define SLEEP_US_MAX      1000000u
#define SPACE_LOOK_US     500000u
#define SETTLE_SLEEP_US   1000u
#define ARENA_CHUNK_BYTES ((size_t)1 << 20)
#define ARENA_BYTES_MAX   ((size_t)256 << 20)
#define GATHER_FULL_BLOCK 256u // requests that are worth a block although others are in flight

struct jf_engine_config jf_engine_config_default(void)
{
    return (struct jf_engine_config){.segment_bytes = (uint64_t)64 << 20,
                                     .reserve_bytes = (uint64_t)256 << 20,
                                     .cache_bytes = (uint64_t)256 << 20,
                                     .filter_bytes = (uint64_t)64 << 20,
                                     .write_buffer_bytes = (uint64_t)128 << 20,
                                     .block_cache_bytes = (uint64_t)64 << 20,
                                     .checkpoint_entries = 1000000,
                                     .checkpoint_us = 60000000,
                                     .generation_entries = JF_GENERATION_ENTRIES,
                                     .generation_us = JF_GENERATION_US,
                                     .digest_every = 1000000,
                                     .lane_queue_length = 16384,
                                     .clock_us = jf_clock_unix_us};
}

enum jf_error jf_engine_fail(struct jf_engine *engine, enum jf_error error,
                             const struct jf_diagnosis *diagnosis)
{
    if (atomic_load(&engine->has_failed)) {
        return error;
    }
    // A read of the state gives a code only: what it met, file and place, is told by the state.
    const struct jf_diagnosis *met =
        engine->effects.state == NULL ? NULL : jf_state_failure(engine->effects.state);
    if (diagnosis != NULL && diagnosis->error != JF_OK) {
        engine->failure = *diagnosis;
    } else if (met != NULL && met->error == error) {
        engine->failure = *met;
    } else if (engine->failure.text[0] == '\0') {
        jf_diagnose(&engine->failure, error, "the ledger failed: %s", jf_error_text(error));
    }
    engine->failure.error = error;
    atomic_store(&engine->has_failed, true);
    return error;
}

bool jf_engine_has_failed(struct jf_engine *engine, struct jf_diagnosis *diagnosis)
{
    bool has_failed = atomic_load(&engine->has_failed);
    if (has_failed && diagnosis != NULL) {
        *diagnosis = engine->failure;
    }
    return has_failed;
}

static void ring_wake(void *context)
{
    jf_ring_wake(context);
}

static bool has_work(void *context)
{
    struct jf_engine *engine = context;
    return jf_lanes_waiting(engine) > 0 || atomic_load(&engine->is_stopping);
}

static void waiting_answer(struct jf_engine *engine, uint64_t durable)
{
    while (engine->waiting_first != NULL && engine->waiting_first->visible_position <= durable) {
        struct jf_request *request = engine->waiting_first;
        engine->waiting_first = request->next;
        if (engine->waiting_first == NULL) {
            engine->waiting_last = NULL;
        }
        jf_lane_answer(request);
    }
}

// Checkpoints are answered when the state on disk holds what the caller saw.
static void checkpoints_answer(struct jf_engine *engine)
{
    uint64_t flushed = jf_state_flushed(engine->effects.state);
    struct jf_request **link = &engine->checkpoint_first;
    while (*link != NULL) {
        struct jf_request *request = *link;
        if (request->visible_position > flushed) {
            link = &request->next;
            continue;
        }
        *link = request->next;
        request->answer.position_flushed = flushed;
        jf_lane_answer(request);
    }
}

static enum jf_error walks_run(struct jf_engine *engine, uint64_t durable)
{
    struct jf_request **link = &engine->walk_first;
    for (uint32_t walked = 0; *link != NULL && walked < JF_HISTORY_WALKS; walked++) {
        struct jf_request *request = *link;
        bool is_done = false;
        enum jf_error error = JF_OK;
        if (request->visible_position <= durable) {
            jf_arena_reset(&engine->arena);
            error = jf_history_walk(engine, request, &is_done);
        }
        if (error == JF_ERROR_NO_MEMORY) {
            struct jf_refusal refusal = {.code = JF_REFUSAL_OVERLOADED};
            jf_read_refuse(request, &refusal);
            error = JF_OK;
        }
        if (error != JF_OK) {
            return error;
        }
        if (is_done) {
            *link = request->next;
            jf_lane_answer(request);
        } else {
            link = &request->next;
        }
    }
    return JF_OK;
}

static bool is_batch_due(struct jf_engine *engine)
{
    if (engine->flight_count >= JF_BLOCKS_IN_FLIGHT_MAX ||
        jf_state_is_behind(engine->effects.state)) {
        return false;
    }
    if (engine->current != NULL || engine->flight_count < JF_BLOCKS_EAGER) {
        return true;
    }
    return jf_lanes_waiting(engine) >= GATHER_FULL_BLOCK;
}

// A draft that cannot be had means that the disk is full: remembered for Status and refusals until
// one can be had again.
static void space_check(struct jf_engine *engine)
{
    if (engine->draft != NULL || engine->flight_count >= JF_BLOCKS_IN_FLIGHT_MAX) {
        return;
    }
    enum jf_error error = engine->journal->operations->draft(engine->journal, &engine->draft);
    if (error == JF_ERROR_NO_SPACE) {
        snprintf(engine->read_only_reason, sizeof engine->read_only_reason,
                 "disk full: less than %llu MiB are free below %s; free space and writing goes on",
                 (unsigned long long)(engine->config.reserve_bytes >> 20),
                 engine->config.data_directory);
    } else if (error == JF_OK) {
        engine->read_only_reason[0] = '\0';
    }
}

// A flush needs room: below a part of the reserve none is begun, and those who ask for one are
// told.
static void space_watch(struct jf_engine *engine, uint64_t now_us)
{
    if (now_us < engine->space_looked_us + SPACE_LOOK_US) {
        return;
    }
    engine->space_looked_us = now_us;
    bool is_short = jf_engine_is_space_short(engine);
    engine->is_space_short = is_short;
    jf_state_hold_flushes(engine->effects.state, is_short);
    while (is_short && engine->checkpoint_first != NULL) {
        struct jf_request *request = engine->checkpoint_first;
        struct jf_refusal refusal =
            jf_refusal_make(JF_REFUSAL_DISK_FULL, "the state cannot be written now");
        engine->checkpoint_first = request->next;
        jf_read_refuse(request, &refusal);
        jf_lane_answer(request);
    }
}

uint64_t jf_engine_steady_us(struct jf_engine *engine)
{
    uint64_t unix_us = engine->config.clock_us(engine->config.clock_context);
    bool is_given = engine->config.clock_us != jf_clock_unix_us;
    uint64_t monotonic_us = is_given ? 0 : jf_clock_monotonic_us();
    return jf_clock_steady_us(&engine->steady, unix_us, monotonic_us);
}

static enum jf_error upkeep(struct jf_engine *engine, uint64_t now_us)
{
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    const struct jf_journal_operations *operations = engine->journal->operations;
    space_watch(engine, now_us);
    enum jf_error error = operations->tick(engine->journal, now_us);
    if (error != JF_OK) {
        return jf_engine_fail(engine, error, &engine->journal->failure);
    }
    uint64_t durable = operations->durable(engine->journal);
    jf_flights_land(engine);
    error =
        jf_state_turn(engine->effects.state, engine->effects.control, now_us, durable, &diagnosis);
    uint64_t flushed = jf_state_flushed(engine->effects.state);
    if (error == JF_OK && flushed > engine->flushed_noted) {
        engine->flushed_noted = flushed;
        error = operations->note_flushed(engine->journal, flushed + 1);
        diagnosis = engine->journal->failure;
    }
    if (error == JF_OK) {
        error = jf_archiver_turn(engine);
        diagnosis = engine->journal->failure;
    }
    if (error == JF_OK) {
        error = walks_run(engine, durable);
        diagnosis = engine->failure;
    }
    if (error != JF_OK) {
        return jf_engine_fail(engine, error, &diagnosis);
    }
    waiting_answer(engine, JF_BUG(ACKNOWLEDGED_EARLY) ? engine->last_position : durable);
    checkpoints_answer(engine);
    return JF_OK;
}

static uint64_t sleep_us(struct jf_engine *engine, uint64_t now_us)
{
    uint64_t journal_us = engine->journal->operations->tick_after_us(engine->journal, now_us);
    uint64_t state_us = jf_state_turn_after_us(engine->effects.state, now_us);
    uint64_t least = journal_us < state_us ? journal_us : state_us;
    least = least < SLEEP_US_MAX ? least : SLEEP_US_MAX;
    if (engine->walk_first != NULL && engine->flight_count == 0) {
        return 0;
    }
    return least == 0 ? 1 : least;
}

static bool is_idle(struct jf_engine *engine)
{
    return jf_lanes_waiting(engine) == 0 && engine->waiting_first == NULL &&
           engine->walk_first == NULL && engine->checkpoint_first == NULL &&
           engine->current == NULL;
}

static enum jf_error turn(struct jf_engine *engine)
{
    uint64_t now_us = jf_engine_steady_us(engine);
    jf_ring_turn(&engine->ring);
    enum jf_error error = upkeep(engine, now_us);
    bool is_due = error == JF_OK && is_batch_due(engine);
    if (is_due && (engine->current != NULL || jf_lanes_waiting(engine) > 0)) {
        space_check(engine);
        error = jf_batch_run(engine);
        jf_ring_turn(&engine->ring);
    } else if (error == JF_OK) {
        jf_lanes_wake(engine);
        jf_ring_wait(&engine->ring, sleep_us(engine, now_us), is_due ? has_work : NULL, engine);
    }
    uint64_t durable = engine->journal->operations->durable(engine->journal);
    if (error == JF_OK) {
        waiting_answer(engine, durable);
    }
    jf_follow_places_tell(&engine->follow_places, durable);
    jf_lanes_wake(engine);
    jf_lanes_detach(engine);
    return error;
}

static void refuse_and_answer(struct jf_engine *engine, struct jf_request *request)
{
    jf_request_refuse_all(request, JF_REFUSAL_FAILED, engine->failure.text);
    jf_lane_answer(request);
}

static void list_refuse(struct jf_engine *engine, struct jf_request **first)
{
    while (*first != NULL) {
        struct jf_request *request = *first;
        *first = request->next;
        refuse_and_answer(engine, request);
    }
}

// After a final failure: nobody gets an answer that is not durable. What was durable before was
// answered.
static void failed_turn(struct jf_engine *engine)
{
    list_refuse(engine, &engine->waiting_first);
    engine->waiting_last = NULL;
    list_refuse(engine, &engine->walk_first);
    list_refuse(engine, &engine->checkpoint_first);
    if (engine->current != NULL) {
        refuse_and_answer(engine, engine->current);
        engine->current = NULL;
    }
    for (enum jf_lane_size size = JF_LANE_SMALL; size < JF_LANE_SIZES; size++) {
        for (struct jf_request *request = jf_lanes_take(engine, size); request != NULL;
             request = jf_lanes_take(engine, size)) {
            refuse_and_answer(engine, request);
        }
    }
    jf_lanes_wake(engine);
    jf_lanes_detach(engine);
    jf_ring_wait(&engine->ring, 100000, has_work, engine);
}

static bool has_lanes(struct jf_engine *engine)
{
    for (uint32_t i = 0; i < JF_LANES_MAX; i++) {
        if (atomic_load(&engine->lanes[i]) != NULL) {
            return true;
        }
    }
    return false;
}

// A clean stop: everything goes into the state and to disk, so that the next start has nothing to
// replay.
static void state_settle(struct jf_engine *engine)
{
    jf_state_checkpoint(engine->effects.state);
    while (!atomic_load(&engine->has_failed) && !engine->is_space_short &&
           jf_state_flushed(engine->effects.state) < engine->last_position) {
        (void)upkeep(engine, jf_engine_steady_us(engine));
        jf_ring_wait(&engine->ring, SETTLE_SLEEP_US, NULL, NULL);
    }
}

static void turns_run(struct jf_engine *engine)
{
    for (;;) {
        bool has_failed = atomic_load(&engine->has_failed);
        bool is_stopping = atomic_load(&engine->is_stopping);
        if (is_stopping && (has_failed || is_idle(engine)) && !has_lanes(engine)) {
            state_settle(engine);
            return;
        }
        if (has_failed) {
            failed_turn(engine);
        } else {
            enum jf_error error = turn(engine);
            JF_ASSERT(error == JF_OK || atomic_load(&engine->has_failed));
        }
    }
}

static void open_report(struct jf_engine *engine, enum jf_error error)
{
    pthread_mutex_lock(&engine->open_mutex);
    engine->open_error = error;
    engine->is_open_done = true;
    pthread_cond_signal(&engine->open_condition);
    pthread_mutex_unlock(&engine->open_mutex);
}

// Time goes on from the newest stamp, also when the clock was set back since.
static void steady_start(struct jf_engine *engine)
{
    (void)jf_engine_steady_us(engine);
    if (engine->steady.steady_us < engine->last_stamp_us) {
        engine->steady.steady_us = engine->last_stamp_us;
    }
}

static enum jf_error begin(struct jf_engine *engine, struct jf_diagnosis *diagnosis)
{
    jf_arena_init(&engine->arena, ARENA_CHUNK_BYTES, ARENA_BYTES_MAX);
    jf_arena_init(&engine->scratch, ARENA_CHUNK_BYTES, ARENA_BYTES_MAX);
    engine->started_us = jf_clock_monotonic_us();
    enum jf_error error = jf_engine_halves_open(engine, diagnosis);
    if (error == JF_OK) {
        jf_state_set_wake(engine->effects.state, ring_wake, &engine->ring);
        error = jf_engine_recover(engine, diagnosis);
        steady_start(engine);
    }
    return error;
}

// In: what begin answered.
static void end(struct jf_engine *engine, enum jf_error error)
{
    if (error == JF_OK) {
        turns_run(engine);
    } else {
        atomic_store(&engine->has_failed, true);
    }
    struct jf_diagnosis closing = {.error = JF_OK};
    enum jf_error close_error = jf_engine_halves_close(engine, &closing);
    if (error == JF_OK && close_error != JF_OK) {
        jf_engine_fail(engine, close_error, &closing);
    }
}

static void *thread_run(void *context)
{
    struct jf_engine *engine = context;
    (void)pthread_setname_np(pthread_self(), "jifen-ledger");
    enum jf_error error = begin(engine, &engine->open_diagnosis);
    open_report(engine, error);
    end(engine, error);
    return NULL;
}

static char *path_join(const char *directory, const char *name)
{
    size_t size = strlen(directory) + strlen(name) + 2;
    char *path = malloc(size);
    if (path != NULL) {
        snprintf(path, size, "%s/%s", directory, name);
    }
    return path;
}

// The ring outlives its thread, which jf_engine_close wakes until the thread has ended: a ring that
// the thread closed itself could be woken through a descriptor that is somebody else's by then.
static void engine_free(struct jf_engine *engine)
{
    jf_ring_deinit(&engine->ring);
    free(engine->journal_directory);
    free(engine->state_directory);
    pthread_mutex_destroy(&engine->open_mutex);
    pthread_cond_destroy(&engine->open_condition);
    pthread_mutex_destroy(&engine->lanes_mutex);
    jf_follow_places_deinit(&engine->follow_places);
    free(engine);
}

static enum jf_error inline_start(struct jf_engine *engine, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = begin(engine, &engine->open_diagnosis);
    if (error != JF_OK) {
        end(engine, error);
        if (diagnosis != NULL) {
            *diagnosis = engine->open_diagnosis;
        }
    }
    return error;
}

static enum jf_error thread_start(struct jf_engine *engine, struct jf_diagnosis *diagnosis)
{
    if (pthread_create(&engine->thread, NULL, thread_run, engine) != 0) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory for the ledger thread");
    }
    pthread_mutex_lock(&engine->open_mutex);
    while (!engine->is_open_done) {
        pthread_cond_wait(&engine->open_condition, &engine->open_mutex);
    }
    pthread_mutex_unlock(&engine->open_mutex);
    if (engine->open_error == JF_OK) {
        return JF_OK;
    }
    pthread_join(engine->thread, NULL);
    if (diagnosis != NULL) {
        *diagnosis = engine->open_diagnosis;
    }
    return engine->open_error;
}

static enum jf_error scrub_start(struct jf_engine *engine, struct jf_diagnosis *diagnosis)
{
    const struct jf_engine_config *from = &engine->config;
    if (from->scrub_period_us == 0 || from->is_inline) {
        return JF_OK;
    }
    struct jf_scrub_config config = {.data_directory = from->data_directory,
                                     .period_us = from->scrub_period_us,
                                     .slice_bytes = JF_SCRUB_SLICE_BYTES,
                                     .on_damage = from->on_damage,
                                     .on_damage_context = from->on_damage_context};
    struct jf_scrub *scrub = NULL;
    enum jf_error error = jf_scrub_start(&config, &scrub, diagnosis);
    atomic_store(&engine->scrub, scrub);
    return error;
}

enum jf_error jf_engine_open(const struct jf_engine_config *config, struct jf_engine **out_engine,
                             struct jf_engine_opening *out_opening, struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(config->data_directory != NULL);
    struct jf_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory for the engine");
    }
    engine->config = *config;
    if (engine->config.clock_us == NULL) {
        engine->config.clock_us = jf_clock_unix_us;
    }
    engine->journal_directory = path_join(config->data_directory, "journal");
    engine->state_directory = path_join(config->data_directory, "state");
    pthread_mutex_init(&engine->open_mutex, NULL);
    pthread_cond_init(&engine->open_condition, NULL);
    pthread_mutex_init(&engine->lanes_mutex, NULL);
    jf_follow_places_init(&engine->follow_places);
    enum jf_error error = JF_ERROR_NO_MEMORY;
    if (engine->journal_directory == NULL || engine->state_directory == NULL) {
        (void)jf_diagnose(diagnosis, error, "no memory for the engine");
    } else if (config->is_inline) {
        error = inline_start(engine, diagnosis);
    } else {
        error = thread_start(engine, diagnosis);
    }
    if (error != JF_OK) {
        engine_free(engine);
        return error;
    }
    error = scrub_start(engine, diagnosis);
    if (error == JF_OK && config->archive_directory != NULL) {
        error = jf_archiver_start(engine, diagnosis);
    }
    if (error != JF_OK) {
        (void)jf_engine_close(engine, NULL);
        return error;
    }
    if (out_opening != NULL) {
        *out_opening = engine->opening;
    }
    *out_engine = engine;
    return JF_OK;
}

enum jf_error jf_engine_turn(struct jf_engine *engine)
{
    JF_ASSERT(engine->config.is_inline);
    enum jf_error error = JF_OK;
    if (!atomic_load(&engine->has_failed)) {
        error = turn(engine);
        JF_ASSERT(error == JF_OK || atomic_load(&engine->has_failed));
    } else {
        failed_turn(engine);
        error = engine->failure.error;
    }
    return error;
}

enum jf_error jf_engine_close(struct jf_engine *engine, struct jf_diagnosis *diagnosis)
{
    if (engine == NULL) {
        return JF_OK;
    }
    jf_archiver_stop(engine);
    atomic_store(&engine->is_stopping, true);
    if (engine->config.is_inline) {
        end(engine, JF_OK);
    } else {
        jf_ring_wake(&engine->ring);
        pthread_join(engine->thread, NULL);
    }
    jf_scrub_stop(atomic_load(&engine->scrub));
    enum jf_error error = JF_OK;
    if (atomic_load(&engine->has_failed)) {
        error = engine->failure.error;
        if (diagnosis != NULL) {
            *diagnosis = engine->failure;
        }
    }
    engine_free(engine);
    return error;
}
