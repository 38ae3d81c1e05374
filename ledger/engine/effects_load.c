// Totals are stored as a record. Stores and programmes are few: their entries are applied again
// from the state's list of their positions. Fails where the state cannot be read.
#include "engine/effects_load.h"

#include "base/assert.h"
#include "engine/entry_codec.h"

#define ARENA_BYTES ((size_t)64 << 10)
#define ARENA_MAX   ((size_t)64 << 20) // one entry, decoded

static enum jf_error reference_apply(const struct jf_effects *effects, uint64_t position,
                                     struct jf_arena *arena, struct jf_diagnosis *diagnosis)
{
    struct jf_text bytes = {NULL, 0};
    struct jf_entry entry;
    jf_arena_reset(arena);
    enum jf_error error = jf_state_entry_read(effects->state, position, arena, &bytes);
    if (error == JF_OK) {
        error = jf_entry_decode(bytes, arena, &entry, diagnosis);
    }
    if (error == JF_OK) {
        error = jf_reference_prepare(effects->reference, &entry, diagnosis);
    }
    if (error == JF_OK) {
        jf_reference_apply(effects->reference, &entry);
    }
    return error;
}

static enum jf_error reference_load(const struct jf_effects *effects,
                                    struct jf_diagnosis *diagnosis)
{
    struct jf_arena arena;
    struct jf_arena positions_arena;
    const uint64_t *positions = NULL;
    uint32_t count = 0;
    jf_arena_init(&arena, ARENA_BYTES, ARENA_MAX);
    jf_arena_init(&positions_arena, ARENA_BYTES, ARENA_MAX);
    enum jf_error error =
        jf_state_reference_positions(effects->state, &positions_arena, &positions, &count);
    for (uint32_t i = 0; i < count && error == JF_OK; i++) {
        error = reference_apply(effects, positions[i], &arena, diagnosis);
    }
    jf_arena_deinit(&positions_arena);
    jf_arena_deinit(&arena);
    return error;
}

enum jf_error jf_effects_load(const struct jf_effects *effects, const char *state_directory,
                              struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(diagnosis != NULL);
    diagnosis->error = JF_OK;
    enum jf_error error = jf_state_load_control(effects->state, effects->control, diagnosis);
    if (error == JF_OK) {
        error = reference_load(effects, diagnosis);
    }
    if (error != JF_OK && diagnosis->error == JF_OK) {
        jf_diagnose(
            diagnosis, error,
            "stores and programmes cannot be read from the state in %.300s: stop the ledger "
            "and make the state anew from its journal: jifen rebuild --data DIR",
            state_directory);
    }
    return error;
}
