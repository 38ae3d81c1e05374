// One command: answered from what was posted before under its id, or planned, and then committed:
// encoded into the block being filled, applied to state, answered once durable. Where the next
// position is one for a digest of the state, that goes first. Refusals leave no trace. Fails only
// when memory, state or journal fail, before anything of the command changed.
#include "base/assert.h"
#include "engine/engine_private.h"
#include "engine/entry_codec.h"
#include "rules/plan.h"

static void refuse(struct jf_engine *engine, struct jf_task *task, const struct jf_refusal *refusal)
{
    engine->refusals += 1;
    jf_write_refuse(task->request, task->write, refusal);
}

static void refuse_code(struct jf_engine *engine, struct jf_task *task, enum jf_refusal_code code,
                        const char *detail)
{
    struct jf_refusal refusal = jf_refusal_make(code, detail);
    refuse(engine, task, &refusal);
}

static enum jf_error outcome_answer(struct jf_task *task, enum jf_write_status status,
                                    uint64_t position, struct jf_text outcome)
{
    bool copied = true;
    struct jf_text copy = jf_arena_copy_text(task->request->arena, outcome, &copied);
    if (!copied) {
        return JF_ERROR_NO_MEMORY;
    }
    task->write->status = status;
    task->write->position = position;
    task->write->outcome = copy;
    return JF_OK;
}

static enum jf_error entry_load(struct jf_engine *engine, uint64_t position,
                                struct jf_text *out_bytes, struct jf_entry *out_entry)
{
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    enum jf_error error =
        jf_state_entry_read(engine->effects.state, position, &engine->arena, out_bytes);
    if (error == JF_OK) {
        error = jf_entry_decode(*out_bytes, &engine->arena, out_entry, &diagnosis);
    }
    if (error != JF_OK) {
        jf_diagnose(&engine->failure, error, "entry %llu cannot be read from the state: %s",
                    (unsigned long long)position,
                    diagnosis.error == JF_OK ? jf_error_text(error) : diagnosis.text);
    }
    return error;
}

// The same id again: the first answer for the same content, a refusal for other content.
static enum jf_error replay_answer(struct jf_engine *engine, struct jf_task *task,
                                   uint64_t position)
{
    struct jf_text bytes = {NULL, 0};
    struct jf_entry entry;
    enum jf_error error = entry_load(engine, position, &bytes, &entry);
    if (error != JF_OK) {
        return error;
    }
    if (entry.fingerprint != task->write->fingerprint) {
        struct jf_refusal refusal = {.code = JF_REFUSAL_TRANSACTION_CONFLICT,
                                     .field = "transaction_id",
                                     .position = position,
                                     .fingerprint_first = entry.fingerprint,
                                     .fingerprint_second = task->write->fingerprint};
        refuse(engine, task, &refusal);
        return JF_OK;
    }
    struct jf_text outcome = {NULL, 0};
    error = jf_entry_find_outcome(bytes, &outcome);
    if (error == JF_OK) {
        engine->replayed_answers += 1;
        error = outcome_answer(task, JF_WRITE_REPLAYED, position, outcome);
    }
    return error;
}

static enum jf_error sale_load(struct jf_engine *engine, struct jf_task *task,
                               struct jf_plan_input *input)
{
    struct jf_transaction_row row = jf_task_named_row(engine, task);
    if (row.position == 0) {
        return JF_OK;
    }
    struct jf_text bytes = {NULL, 0};
    struct jf_entry *sale = jf_arena_calloc(&engine->arena, 2, sizeof *sale);
    if (sale == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    enum jf_error error = entry_load(engine, row.position, &bytes, &sale[0]);
    if (error == JF_OK && row.follow_up_position != 0) {
        error = entry_load(engine, row.follow_up_position, &bytes, &sale[1]);
    }
    if (error != JF_OK || sale[0].kind != JF_ENTRY_SALE) {
        return error;
    }
    input->sale = &sale[0];
    input->last_return = row.follow_up_position != 0 ? &sale[1] : NULL;
    input->member = jf_member_living(engine, sale[0].member);
    return JF_OK;
}

static enum jf_error hold_load(struct jf_engine *engine, struct jf_task *task,
                               struct jf_plan_input *input)
{
    struct jf_transaction_row row = jf_task_named_row(engine, task);
    if (row.position == 0) {
        return JF_OK;
    }
    struct jf_text bytes = {NULL, 0};
    struct jf_entry *hold = jf_arena_calloc(&engine->arena, 1, sizeof *hold);
    if (hold == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    enum jf_error error = entry_load(engine, row.position, &bytes, hold);
    if (error == JF_OK && hold->kind == JF_ENTRY_HOLD) {
        input->hold = hold;
        input->hold_end_position = row.follow_up_position;
        input->member = jf_member_living(engine, hold->member);
    }
    return error;
}

static enum jf_error cards_check(struct jf_engine *engine, const struct jf_text *cards,
                                 uint32_t count, struct jf_plan_input *input)
{
    struct jf_member_id members[JF_CARDS_PER_ENROL_MAX] = {{0}};
    JF_ASSERT(count <= JF_CARDS_PER_ENROL_MAX);
    enum jf_error error = jf_state_cards_find(engine->effects.state, cards, count, members);
    for (uint32_t i = 0; i < count && error == JF_OK; i++) {
        if (members[i].value != 0 && input->card_taken_by == 0) {
            input->card_taken_by = (uint64_t)i + 1;
        }
    }
    return error;
}

// Fills in the members that the command names by number or card.
static void member_resolve(struct jf_engine *engine, struct jf_task *task,
                           struct jf_plan_input *input)
{
    const struct jf_member_ref *ref = jf_command_member(&task->write->command);
    if (ref != NULL) {
        task->member = jf_task_member(engine, ref, task->member);
        input->is_card_known = ref->card.size == 0 || task->member.value != 0;
    }
    input->member = jf_member_known(engine, task->member);
    ref = jf_command_other(&task->write->command);
    if (ref != NULL) {
        task->other = jf_task_member(engine, ref, task->other);
        input->is_other_card_known = ref->card.size == 0 || task->other.value != 0;
        input->other = jf_member_known(engine, task->other);
    }
}

static enum jf_error input_fill(struct jf_engine *engine, struct jf_task *task,
                                struct jf_plan_input *input)
{
    const struct jf_command *command = &task->write->command;
    struct jf_state *state = engine->effects.state;
    member_resolve(engine, task, input);
    switch (command->kind) {
    case JF_COMMAND_SALE:
        input->receipt_position = jf_state_receipt_recent(state, &task->receipt_key);
        if (input->receipt_position == 0) {
            input->receipt_position = task->receipt_position;
        }
        return JF_OK;
    case JF_COMMAND_RETURN:
        return sale_load(engine, task, input);
    case JF_COMMAND_CAPTURE:
    case JF_COMMAND_VOID:
        return hold_load(engine, task, input);
    case JF_COMMAND_ENROL:
        return cards_check(engine, command->as.enrol.cards, command->as.enrol.card_count, input);
    case JF_COMMAND_LINK_CARD:
        return cards_check(engine, &command->as.link_card.card, 1, input);
    case JF_COMMAND_REDEEM:
    case JF_COMMAND_HOLD:
    case JF_COMMAND_TIER_CHANGE:
    case JF_COMMAND_EXPIRE:
    case JF_COMMAND_UPDATE_MEMBER:
    case JF_COMMAND_UNLINK_CARD:
    case JF_COMMAND_FREEZE:
    case JF_COMMAND_CLOSE:
    case JF_COMMAND_MERGE:
    case JF_COMMAND_ADJUST:
    case JF_COMMAND_TRANSFER:
    case JF_COMMAND_SET_TIER:
    case JF_COMMAND_PUBLISH:
    case JF_COMMAND_PUT_STORE:
    case JF_COMMAND_NONE:
        break;
    }
    return JF_OK;
}

static uint64_t stamp_next(struct jf_engine *engine)
{
    uint64_t now = jf_engine_steady_us(engine);
    return now > engine->last_stamp_us ? now : engine->last_stamp_us + 1;
}

enum jf_error jf_commit_seal(struct jf_engine *engine)
{
    struct jf_block_draft *draft = engine->draft;
    if (draft == NULL) {
        return JF_OK;
    }
    engine->draft = NULL;
    if (draft->entry_count == 0) {
        engine->journal->operations->abandon(engine->journal, draft);
        return JF_OK;
    }
    JF_ASSERT(engine->flight_count < JF_BLOCKS_IN_FLIGHT_MAX);
    engine->flights[engine->flight_count++].last_position = engine->last_position;
    enum jf_error error =
        engine->journal->operations->submit(engine->journal, draft, engine->last_stamp_us);
    if (error != JF_OK) {
        engine->failure = engine->journal->failure;
    }
    return error;
}

void jf_flights_land(struct jf_engine *engine)
{
    uint64_t durable = engine->journal->operations->durable(engine->journal);
    uint32_t landed = 0;
    while (landed < engine->flight_count && engine->flights[landed].last_position <= durable) {
        landed += 1;
    }
    engine->flight_count -= landed;
    memmove(engine->flights, engine->flights + landed,
            engine->flight_count * sizeof engine->flights[0]);
}

// A draft to write into. When all blocks are in flight (only in the middle of a batch that outgrew
// its block) it waits for the disk.
static enum jf_error draft_take(struct jf_engine *engine)
{
    while (engine->draft == NULL) {
        enum jf_error error = engine->journal->operations->draft(engine->journal, &engine->draft);
        if (error != JF_ERROR_BUSY) {
            if (error != JF_OK && error != JF_ERROR_NO_SPACE) {
                engine->failure = engine->journal->failure;
            }
            return error;
        }
        jf_ring_wait(&engine->ring, 100000, NULL, NULL);
        jf_flights_land(engine);
    }
    return JF_OK;
}

static enum jf_error entry_append(struct jf_engine *engine, struct jf_text bytes)
{
    enum jf_error error = jf_block_append(engine->draft, bytes.data, bytes.size);
    if (error == JF_ERROR_LIMIT) {
        error = jf_commit_seal(engine);
        if (error == JF_OK) {
            error = draft_take(engine);
        }
        if (error == JF_OK) {
            error = jf_block_append(engine->draft, bytes.data, bytes.size);
        }
    }
    return error;
}

// In: the task that is answered; NULL: nobody asked.
static enum jf_error entry_commit(struct jf_engine *engine, struct jf_task *task,
                                  struct jf_entry *entry, uint64_t stamp_us)
{
    struct jf_text bytes = {NULL, 0};
    struct jf_text outcome = {NULL, 0};
    entry->position = engine->last_position + 1;
    entry->recorded_at_us = stamp_us;
    enum jf_error error = jf_entry_encode(entry, &engine->arena, &bytes, &outcome);
    if (error == JF_OK) {
        error = jf_effects_reserve(&engine->effects, entry, bytes, &engine->failure);
    }
    if (error == JF_OK && task != NULL) {
        error = outcome_answer(task, JF_WRITE_POSTED, entry->position, outcome);
    }
    if (error == JF_OK) {
        error = entry_append(engine, bytes);
    }
    if (error != JF_OK) {
        return error;
    }
    engine->last_position = entry->position;
    engine->last_stamp_us = stamp_us;
    jf_effects_apply(&engine->effects, entry, bytes);
    engine->has_cards_moved = engine->has_cards_moved || jf_entry_card_move(entry).count > 0;
    return JF_OK;
}

// Positions that are multiples of the configured number are digests of the state before them: which
// ones does not depend on batches, blocks or restarts.
static bool digest_is_due(const struct jf_engine *engine)
{
    uint64_t every = engine->config.digest_every;
    return every != 0 && (engine->last_position + 1) % every == 0;
}

static enum jf_error digest_commit(struct jf_engine *engine, uint64_t stamp_us)
{
    struct jf_entry entry = {.kind = JF_ENTRY_DIGEST, .business_date = JF_DATE_NONE};
    enum jf_error error =
        jf_state_digest(engine->effects.state, engine->effects.control, &entry.as.digest);
    return error == JF_OK ? entry_commit(engine, NULL, &entry, stamp_us) : error;
}

static enum jf_error quote_answer(struct jf_engine *engine, struct jf_task *task,
                                  const struct jf_entry *entry)
{
    struct jf_text outcome = {NULL, 0};
    enum jf_error error = jf_entry_encode_outcome(entry, &engine->arena, &outcome);
    return error == JF_OK ? outcome_answer(task, JF_WRITE_POSTED, 0, outcome) : error;
}

static enum jf_error plan_and_commit(struct jf_engine *engine, struct jf_task *task)
{
    bool is_digest_due = digest_is_due(engine);
    uint64_t stamp_us = stamp_next(engine) + (is_digest_due ? 1 : 0); // the digest's comes before
    struct jf_plan_input input = {.reference = engine->effects.reference,
                                  .arena = &engine->arena,
                                  .now_us = stamp_us,
                                  .control = engine->effects.control,
                                  .fingerprint = task->write->fingerprint,
                                  .is_card_known = true};
    struct jf_entry *entry = NULL;
    struct jf_refusal refusal = {.code = JF_REFUSAL_NONE};
    enum jf_error error = input_fill(engine, task, &input);
    if (error == JF_OK) {
        error = jf_plan(&input, &task->write->command, &entry, &refusal);
    }
    if (error != JF_OK) {
        return error;
    }
    if (entry != NULL && !jf_control_fits(engine->effects.control, entry)) {
        refusal.code = JF_REFUSAL_OVERFLOW;
    }
    if (refusal.code != JF_REFUSAL_NONE) {
        refuse(engine, task, &refusal);
        return JF_OK;
    }
    if (entry == NULL) {
        task->write->status = JF_WRITE_UNCHANGED;
        return JF_OK;
    }
    if (task->request->kind == JF_REQUEST_QUOTE) {
        return quote_answer(engine, task, entry);
    }
    error = draft_take(engine);
    if (error == JF_OK && is_digest_due) {
        error = digest_commit(engine, stamp_us - 1);
    }
    return error == JF_OK ? entry_commit(engine, task, entry, stamp_us) : error;
}

struct jf_member_id jf_task_member(const struct jf_engine *engine, const struct jf_member_ref *ref,
                                   struct jf_member_id prefetched)
{
    struct jf_member_id member = prefetched;
    if (ref->card.size > 0 && engine->has_cards_moved) {
        (void)jf_state_card_recent(engine->effects.state, ref->card, &member);
    }
    return member;
}

const struct jf_member *jf_member_known(struct jf_engine *engine, struct jf_member_id id)
{
    const struct jf_member *member = jf_state_member(engine->effects.state, id);
    return member != NULL && member->last_position != 0 ? member : NULL;
}

const struct jf_member *jf_member_living(struct jf_engine *engine, struct jf_member_id id)
{
    const struct jf_member *member = jf_member_known(engine, id);
    while (member != NULL && member->status == JF_MEMBER_MERGED) {
        member = jf_member_known(engine, member->merged_into);
    }
    return member;
}

// Memory bounds and the disk's reserve are met before anything of the command has changed: refused,
// not a failure of the ledger.
static enum jf_error bound_refuse(struct jf_engine *engine, struct jf_task *task,
                                  enum jf_error error)
{
    if (error == JF_ERROR_NO_MEMORY || error == JF_ERROR_LIMIT) {
        // A failure that is only refused must not be told later as the reason of another.
        engine->failure = (struct jf_diagnosis){.error = JF_OK};
    }
    if (error == JF_ERROR_NO_MEMORY) {
        refuse_code(engine, task, JF_REFUSAL_OVERLOADED, "too much at once for the memory bound");
        return JF_OK;
    }
    if (error == JF_ERROR_LIMIT) {
        refuse_code(engine, task, JF_REFUSAL_LIMIT_REACHED, "the entry would be too large");
        return JF_OK;
    }
    // No room for another block, at the start of one or where one was full. That is final only if
    // the journal says so.
    if (error == JF_ERROR_NO_SPACE && engine->journal->failure.error == JF_OK) {
        refuse_code(engine, task, JF_REFUSAL_DISK_FULL, engine->read_only_reason);
        return JF_OK;
    }
    return error;
}

// The arena holds what planning one command takes, many KiB: filled anew from its start, it stays
// in the processor's cache.
enum jf_error jf_commit_write(struct jf_engine *engine, struct jf_task *task)
{
    jf_arena_reset(&engine->arena);
    if (task->write->status == JF_WRITE_REFUSED) {
        engine->refusals += 1;
        return JF_OK;
    }
    if (task->request->kind != JF_REQUEST_QUOTE) {
        struct jf_transaction_row row =
            jf_state_transaction_recent(engine->effects.state, task->write->id_hash);
        uint64_t position = row.position != 0 ? row.position : task->row.position;
        if (position != 0) {
            return bound_refuse(engine, task, replay_answer(engine, task, position));
        }
    }
    return bound_refuse(engine, task, plan_and_commit(engine, task));
}
