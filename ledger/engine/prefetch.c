// Before a batch is planned, everything it needs is brought in: transaction ids, receipts, cards
// and members, one pass per index (ARCHITECTURE 5). Planning then never waits. What commands of the
// same batch change is not here but in the state's overlay, which planning asks again. Fails only
// when the state database or memory fails.
#include <stdlib.h>

#include "base/assert.h"
#include "engine/engine_private.h"
#include "engine/entry_codec.h"
#include "engine/prefetch.h"
#include "rules/plan.h"

#define DAY_MS ((int64_t)86400000)

#define MILLISECONDS_PER_DAY 86400000

enum jf_error jf_prefetch_create(struct jf_prefetch **out_prefetch)
{
    struct jf_prefetch *prefetch = calloc(1, sizeof *prefetch);
    if (prefetch == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    *out_prefetch = prefetch;
    return JF_OK;
}

void jf_prefetch_destroy(struct jf_prefetch *prefetch)
{
    free(prefetch);
}

// Only commands that are well formed are looked at: what submitting refused never gets this far.
static bool is_asked(const struct jf_task *task)
{
    return task->write != NULL && task->write->status == JF_WRITE_PENDING;
}

static jf_date date_at(const struct jf_engine *engine, struct jf_store_id store, int64_t at_ms)
{
    const struct jf_store *found = jf_reference_store(engine->effects.reference, store);
    return found == NULL ? 0 : jf_store_business_date(found, at_ms);
}

static jf_date date_by_utc(int64_t at_ms)
{
    return (jf_date)(at_ms / DAY_MS);
}

// The partition of the transaction index that the command's own content points to.
static jf_date command_date(const struct jf_engine *engine, const struct jf_command *command)
{
    switch (command->kind) {
    case JF_COMMAND_SALE:
        return date_at(engine, command->as.sale.receipt.store, command->as.sale.receipt.sold_at_ms);
    case JF_COMMAND_RETURN:
        return date_at(engine, command->as.sale_return.store,
                       command->as.sale_return.returned_at_ms);
    case JF_COMMAND_REDEEM:
        return date_at(engine, command->as.redeem.store, command->as.redeem.redeemed_at_ms);
    case JF_COMMAND_HOLD:
        return date_at(engine, command->as.hold.store, command->as.hold.held_at_ms);
    case JF_COMMAND_CAPTURE: // the hold's store is not known yet: a guess, which is looked at first
        return (jf_date)(command->as.capture.captured_at_ms / MILLISECONDS_PER_DAY);
    case JF_COMMAND_VOID:
        return (jf_date)(command->as.void_hold.voided_at_ms / MILLISECONDS_PER_DAY);
    case JF_COMMAND_ADJUST:
        return date_by_utc(command->as.adjust.adjusted_at_ms);
    case JF_COMMAND_TRANSFER:
        return date_by_utc(command->as.transfer.transferred_at_ms);
    case JF_COMMAND_ENROL:
        return command->as.enrol.enrolled_on;
    case JF_COMMAND_TIER_CHANGE:
        return command->as.tier_change.as_of;
    case JF_COMMAND_EXPIRE:
        return command->as.expire.as_of;
    case JF_COMMAND_SET_TIER: // has no date of its own
    case JF_COMMAND_PUBLISH:
    case JF_COMMAND_PUT_STORE:
    case JF_COMMAND_UPDATE_MEMBER: // dated by the ledger's own stamp
    case JF_COMMAND_LINK_CARD:
    case JF_COMMAND_UNLINK_CARD:
    case JF_COMMAND_FREEZE:
    case JF_COMMAND_CLOSE:
    case JF_COMMAND_MERGE:
    case JF_COMMAND_NONE:
        break;
    }
    return 0;
}

// Whom a task is about, where the client says so by number or card; NULL: otherwise.
static const struct jf_member_ref *task_ref(const struct jf_task *task)
{
    if (task->write == NULL) {
        return &task->request->query.member;
    }
    if (!is_asked(task)) {
        return NULL;
    }
    return jf_command_member(&task->write->command);
}

// The transaction that a task's command is about, where it names one; size 0: otherwise.
static struct jf_text named_id(const struct jf_task *task)
{
    const struct jf_command *command = &task->write->command;
    switch (command->kind) {
    case JF_COMMAND_RETURN:
        return command->as.sale_return.sale_transaction_id;
    case JF_COMMAND_CAPTURE:
        return command->as.capture.hold_transaction_id;
    case JF_COMMAND_VOID:
        return command->as.void_hold.hold_transaction_id;
    default:
        return (struct jf_text){NULL, 0};
    }
}

static enum jf_error transactions_fetch(struct jf_engine *engine, struct jf_prefetch *prefetch)
{
    uint32_t count = 0;
    for (uint32_t i = prefetch->first; i < prefetch->end; i++) {
        struct jf_task *task = &engine->tasks[i];
        if (!is_asked(task)) {
            continue;
        }
        const struct jf_command *command = &task->write->command;
        task->key = (struct jf_transaction_key){
            task->write->id_hash, jf_effects_partition(command_date(engine, command))};
        prefetch->transaction_keys[count++] = task->key;
        struct jf_text named = named_id(task);
        if (named.size > 0) {
            task->named_key =
                (struct jf_transaction_key){jf_hash128(named.data, named.size), task->key.date};
            prefetch->transaction_keys[count++] = task->named_key;
        }
    }
    enum jf_error error = jf_state_transactions_find(
        engine->effects.state, prefetch->transaction_keys, count, prefetch->transaction_rows);
    count = 0;
    for (uint32_t i = prefetch->first; i < prefetch->end && error == JF_OK; i++) {
        struct jf_task *task = &engine->tasks[i];
        if (!is_asked(task)) {
            continue;
        }
        task->row = prefetch->transaction_rows[count++];
        if (named_id(task).size > 0) {
            task->named_row = prefetch->transaction_rows[count++];
        }
    }
    return error;
}

static bool is_sale(const struct jf_task *task)
{
    return is_asked(task) && task->write->command.kind == JF_COMMAND_SALE;
}

static enum jf_error receipts_fetch(struct jf_engine *engine, struct jf_prefetch *prefetch)
{
    uint32_t count = 0;
    for (uint32_t i = prefetch->first; i < prefetch->end; i++) {
        struct jf_task *task = &engine->tasks[i];
        if (is_sale(task)) {
            task->receipt_key =
                jf_effects_receipt_key(&task->write->command.as.sale.receipt, task->key.date);
            prefetch->receipt_keys[count++] = task->receipt_key;
        }
    }
    enum jf_error error = jf_state_receipts_find(engine->effects.state, prefetch->receipt_keys,
                                                 count, prefetch->receipt_positions);
    count = 0;
    for (uint32_t i = prefetch->first; i < prefetch->end && error == JF_OK; i++) {
        if (is_sale(&engine->tasks[i])) {
            engine->tasks[i].receipt_position = prefetch->receipt_positions[count++];
        }
    }
    return error;
}

// Both references of a task in turn: NULL where there is none. Out: where to note who is meant.
static const struct jf_member_ref *task_refs(struct jf_task *task, uint32_t which,
                                             struct jf_member_id **out_member)
{
    *out_member = which == 0 ? &task->member : &task->other;
    if (which == 0) {
        return task_ref(task);
    }
    return is_asked(task) ? jf_command_other(&task->write->command) : NULL;
}

static bool is_by_card(const struct jf_member_ref *ref)
{
    return ref != NULL && ref->number.value == 0 && ref->card.size > 0;
}

static enum jf_error cards_fetch(struct jf_engine *engine, struct jf_prefetch *prefetch)
{
    uint32_t count = 0;
    struct jf_member_id *member = NULL;
    for (uint32_t i = 2 * prefetch->first; i < 2 * prefetch->end; i++) {
        const struct jf_member_ref *ref = task_refs(&engine->tasks[i / 2], i % 2, &member);
        if (is_by_card(ref)) {
            prefetch->cards[count++] = ref->card;
        }
    }
    enum jf_error error =
        jf_state_cards_find(engine->effects.state, prefetch->cards, count, prefetch->card_members);
    count = 0;
    for (uint32_t i = 2 * prefetch->first; i < 2 * prefetch->end && error == JF_OK; i++) {
        const struct jf_member_ref *ref = task_refs(&engine->tasks[i / 2], i % 2, &member);
        if (is_by_card(ref)) {
            *member = prefetch->card_members[count++];
        } else if (ref != NULL) {
            *member = ref->number;
        }
    }
    return error;
}

struct jf_transaction_row jf_task_named_row(const struct jf_engine *engine,
                                            const struct jf_task *task)
{
    struct jf_transaction_row row =
        jf_state_transaction_recent(engine->effects.state, task->named_key.id_hash);
    return row.position != 0 ? row : task->named_row;
}

// A return is about the member of its sale, a capture of its hold: that entry says who it is.
static enum jf_error named_member_find(struct jf_engine *engine, struct jf_task *task)
{
    struct jf_transaction_row row = jf_task_named_row(engine, task);
    if (row.position == 0) {
        return JF_OK;
    }
    // Many commands may name the same large entry: its bytes are looked at and forgotten.
    struct jf_text bytes = {NULL, 0};
    jf_arena_reset(&engine->scratch);
    enum jf_error error =
        jf_state_entry_read(engine->effects.state, row.position, &engine->scratch, &bytes);
    if (error == JF_OK) {
        error = jf_entry_find_member(bytes, &task->member);
    }
    return error;
}

static enum jf_error member_find(struct jf_engine *engine, struct jf_task *task)
{
    if (!is_asked(task)) {
        return JF_OK;
    }
    const struct jf_command *command = &task->write->command;
    if (named_id(task).size > 0) {
        return named_member_find(engine, task);
    }
    if (command->kind == JF_COMMAND_ENROL) {
        task->member = command->as.enrol.number;
    } else if (command->kind == JF_COMMAND_TIER_CHANGE) {
        task->member = command->as.tier_change.member;
    } else if (command->kind == JF_COMMAND_EXPIRE) {
        task->member = command->as.expire.member;
    }
    return JF_OK;
}

// A sale or hold is of the member that its member has become since: one more round for each merge
// on the way there.
static enum jf_error merged_follow(struct jf_engine *engine, struct jf_prefetch *prefetch)
{
    enum jf_error error = JF_OK;
    uint32_t count = 1;
    while (error == JF_OK && count > 0) {
        count = 0;
        for (uint32_t i = prefetch->first; i < prefetch->end; i++) {
            struct jf_task *task = &engine->tasks[i];
            const struct jf_member *member =
                is_asked(task) && named_id(task).size > 0
                    ? jf_state_member(engine->effects.state, task->member)
                    : NULL;
            if (member != NULL && member->status == JF_MEMBER_MERGED) {
                task->member = member->merged_into;
                prefetch->members[count++] = task->member;
            }
        }
        error = jf_state_members_fetch(engine->effects.state, prefetch->members, count);
    }
    return error;
}

static enum jf_error members_fetch(struct jf_engine *engine, struct jf_prefetch *prefetch)
{
    uint32_t count = 0;
    for (uint32_t i = prefetch->first; i < prefetch->end; i++) {
        struct jf_task *task = &engine->tasks[i];
        enum jf_error error = member_find(engine, task);
        if (error != JF_OK) {
            return error;
        }
        prefetch->members[count++] = task->member;
        if (task->other.value != 0) {
            prefetch->members[count++] = task->other;
        }
    }
    enum jf_error error = jf_state_members_fetch(engine->effects.state, prefetch->members, count);
    return error == JF_OK ? merged_follow(engine, prefetch) : error;
}

enum jf_error jf_batch_prefetch(struct jf_engine *engine, uint32_t first, uint32_t end)
{
    JF_ASSERT(first < end && end <= engine->task_count);
    struct jf_prefetch *prefetch = engine->prefetch;
    prefetch->first = first;
    prefetch->end = end;
    enum jf_error error = transactions_fetch(engine, prefetch);
    if (error == JF_OK) {
        error = receipts_fetch(engine, prefetch);
    }
    if (error == JF_OK) {
        error = cards_fetch(engine, prefetch);
    }
    if (error == JF_OK) {
        error = members_fetch(engine, prefetch);
    }
    return error;
}
