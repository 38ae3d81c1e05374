// Recovery: the state says how far it has come, the journal has the rest. Entries from there on are
// decoded and applied in the same way as they were the first time (effects.c); nothing is planned
// again. Fails when the journal does not reach back far enough, an entry is damaged, or the state
// cannot take it.
#include "base/assert.h"
#include "base/bug.h"
#include "engine/clock.h"
#include "engine/effects_load.h"
#include "engine/engine_private.h"
#include "engine/entry_codec.h"
#include "engine/replay.h"

#define PROGRESS_INTERVAL_US 100000u

static enum jf_error chunk_apply(struct jf_engine *engine, struct jf_replay *replay,
                                 struct jf_diagnosis *diagnosis)
{
    enum jf_error error = jf_replay_apply(replay, &engine->effects, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    engine->last_position = replay->last_position;
    engine->last_stamp_us = replay->last_stamp_us;
    uint64_t now_us = jf_engine_steady_us(engine);
    do {
        error = jf_state_turn(engine->effects.state, engine->effects.control, now_us,
                              engine->last_position, diagnosis);
        if (error == JF_OK && jf_state_is_behind(engine->effects.state)) {
            jf_ring_wait(&engine->ring, 1000, NULL, NULL);
        }
    } while (error == JF_OK && jf_state_is_behind(engine->effects.state));
    return error;
}

static void progress_report(struct jf_engine *engine, uint64_t last, uint64_t *reported_us)
{
    uint64_t now_us = jf_engine_steady_us(engine);
    if (engine->config.on_recovery != NULL && now_us - *reported_us >= PROGRESS_INTERVAL_US) {
        *reported_us = now_us;
        engine->config.on_recovery(engine->config.on_recovery_context, engine->last_position, last);
    }
}

// A cursor of the engine's own journal as a source of entries.
struct cursor_source {
    const struct jf_journal_operations *operations;
    struct jf_journal_cursor *cursor;
};

static enum jf_error cursor_next(void *context, struct jf_journal_entry *out_entry,
                                 struct jf_diagnosis *diagnosis)
{
    struct cursor_source *source = context;
    return source->operations->read_next(source->cursor, out_entry, diagnosis);
}

static enum jf_error tail_replay(struct jf_engine *engine, uint64_t from,
                                 struct jf_diagnosis *diagnosis)
{
    const struct jf_journal_operations *operations = engine->journal->operations;
    uint64_t last = operations->last(engine->journal);
    struct cursor_source cursor = {operations, NULL};
    struct jf_replay_source source = {cursor_next, &cursor};
    struct jf_replay replay;
    uint64_t reported_us = jf_engine_steady_us(engine);
    enum jf_error error = operations->read_open(engine->journal, from, &cursor.cursor, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    error = jf_replay_init(&replay);
    bool is_end = false;
    while (error == JF_OK && !is_end) {
        error = jf_replay_gather(&replay, &source, UINT64_MAX, &is_end, diagnosis);
        if (error == JF_OK && replay.count > 0) {
            engine->opening.replayed_entries += replay.count;
            error = chunk_apply(engine, &replay, diagnosis);
        }
        progress_report(engine, last, &reported_us);
    }
    jf_replay_deinit(&replay);
    operations->read_close(cursor.cursor);
    return error;
}

// Stamps go on strictly increasing, also when the clock was set back since.
static enum jf_error stamp_load(struct jf_engine *engine, uint64_t position,
                                struct jf_diagnosis *diagnosis)
{
    struct jf_text bytes = {NULL, 0};
    struct jf_entry entry;
    enum jf_error error =
        jf_state_entry_read(engine->effects.state, position, &engine->arena, &bytes);
    if (error == JF_OK) {
        error = jf_entry_decode(bytes, &engine->arena, &entry, diagnosis);
    }
    if (error == JF_OK) {
        engine->last_stamp_us = entry.recorded_at_us;
    }
    return error;
}

enum jf_error jf_engine_recover(struct jf_engine *engine, struct jf_diagnosis *diagnosis)
{
    uint64_t started_us = jf_engine_steady_us(engine);
    uint64_t applied = jf_state_applied(engine->effects.state);
    uint64_t last = engine->journal->operations->last(engine->journal);
    if (applied > last) {
        return jf_diagnose(
            diagnosis, JF_ERROR_CORRUPT,
            "the state in %s holds entries up to %llu, but the journal in %s ends at "
            "%llu: acknowledged entries are missing from the journal. Restore the "
            "journal from a backup",
            engine->state_directory, (unsigned long long)applied, engine->journal_directory,
            (unsigned long long)last);
    }
    enum jf_error error = jf_effects_load(&engine->effects, engine->state_directory, diagnosis);
    engine->last_position = applied;
    if (error == JF_OK && applied > 0) {
        error = stamp_load(engine, applied, diagnosis);
    }
    if (error == JF_OK && applied < last) {
        error = tail_replay(engine, applied + (JF_BUG(REPLAY_SHORT) ? 2 : 1), diagnosis);
    }
    JF_ASSERT(error != JF_OK || engine->last_position == last);
    engine->opening.last_position = last;
    engine->opening.recovery_us += jf_engine_steady_us(engine) - started_us;
    return error;
}
