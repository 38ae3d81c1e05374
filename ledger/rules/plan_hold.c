// Redemption in two steps. A hold takes points out of their lots as a redemption would, and sets
// them aside; a capture spends them, wholly or partly, and gives the rest back; a void gives all
// back. A hold that is past its deadline counts as void for every command that spends, holds or
// moves points of the member: that command's entry gives it back first. Which hold is meant is
// its entry's position: the member's record keeps what is open, so a hold that is not there has
// ended.
//
// Refused, in order: Hold as Redeem. Capture and Void UNKNOWN_TRANSACTION, IN_FUTURE, HOLD_ENDED;
// a capture also NOT_A_STEP (a part of a reward), INSUFFICIENT_POINTS (above what is held) and
// OVERFLOW (the points' value). Then LIMIT_REACHED, OVERFLOW.
#include "base/assert.h"
#include "base/number.h"
#include "rules/apply_private.h"
#include "rules/holds.h"
#include "rules/plan_private.h"

static struct jf_lot_key key_of(const struct jf_lot_part *part)
{
    return (struct jf_lot_key){part->available_on, part->expires_on, part->entity};
}

// The positions of what is overdue, and the rewards that go back with it.
static bool overdue_find(struct jf_plan_work *work)
{
    const struct jf_member *member = work->stored;
    struct jf_entry *entry = work->entry;
    struct jf_counter_delta *counted =
        jf_plan_alloc(work, 2u * member->hold_count, sizeof *counted);
    work->overdue = jf_plan_alloc(work, member->hold_count, sizeof *work->overdue);
    if (work->overdue == NULL || counted == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < member->hold_count; i++) {
        const struct jf_hold *hold = &member->holds[i];
        if (!jf_hold_is_overdue(hold, work->at_ms)) {
            continue;
        }
        work->overdue[work->overdue_count] = hold->position;
        work->overdue_count++;
        if (hold->reward != 0) {
            jf_plan_reward_deltas(hold->reward, -hold->quantity,
                                  counted + entry->voided_counted_count);
            entry->voided_counted_count += 2;
        }
    }
    entry->voided_counted = counted;
    return true;
}

uint32_t jf_plan_overdue_postings(const struct jf_plan_work *work)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < work->overdue_count; i++) {
        count += 2 * jf_holds_find(work->stored, work->overdue[i])->part_count;
    }
    return count;
}

// HELD to AVAILABLE, by lot.
static void release_post(struct jf_plan_work *work, const struct jf_lot_part *parts, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct jf_lot_key key = key_of(&parts[i]);
        jf_plan_post(work, JF_ACCOUNT_HELD, key, 0, -parts[i].points);
        jf_plan_post(work, JF_ACCOUNT_AVAILABLE, key, 0, parts[i].points);
    }
}

static void voided_trace(struct jf_plan_work *work, uint64_t position, int64_t points)
{
    jf_plan_trace(work, (struct jf_trace_step){
                            .kind = JF_TRACE_VOIDED, .points = points, .exact = (int64_t)position});
}

void jf_plan_post_overdue(struct jf_plan_work *work)
{
    for (uint32_t i = 0; i < work->overdue_count; i++) {
        const struct jf_hold *hold = jf_holds_find(work->stored, work->overdue[i]);
        release_post(work, jf_holds_parts(work->stored, hold), hold->part_count);
        voided_trace(work, hold->position, jf_hold_points(work->stored, hold));
    }
    work->entry->voided_holds = work->overdue;
    work->entry->voided_hold_count = work->overdue_count;
}

// The member after an entry that does nothing but give back what is overdue: made by applying one.
// It sweeps no lot that is over: the entry that is planned does, and a merge moves what such a lot
// was granted.
static struct jf_member *overdue_apply(struct jf_plan_work *work)
{
    struct jf_plan_work only = {
        .input = work->input, .stored = work->stored, .overdue = work->overdue};
    struct jf_entry entry = {.kind = JF_ENTRY_REDEMPTION,
                             .position = work->stored->last_position,
                             .business_date = JF_DATE_MIN,
                             .voided_counted = work->entry->voided_counted,
                             .voided_counted_count = work->entry->voided_counted_count};
    only.entry = &entry;
    only.overdue_count = work->overdue_count;
    if (!jf_plan_lists(&only, 0, 0)) {
        work->error = only.error;
        return NULL;
    }
    entry.postings = only.postings;
    entry.posting_count = only.posting_count;
    struct jf_member_growth growth = jf_entry_growth(&entry);
    struct jf_member_capacity room = jf_member_room_for(work->stored, &growth);
    void *block = jf_arena_alloc(work->input->arena, jf_member_block_size(room));
    if (block == NULL) {
        work->error = JF_ERROR_NO_MEMORY;
        return NULL;
    }
    struct jf_member *member = jf_member_block_init(block, room);
    jf_member_copy(member, work->stored);
    jf_apply_outcome(member, &entry);
    return member;
}

bool jf_plan_void_overdue(struct jf_plan_work *work)
{
    JF_ASSERT(work->postings == NULL);
    JF_ASSERT(work->entry->business_date != JF_DATE_NONE);
    if (work->stored->hold_count == 0) {
        return true;
    }
    if (!overdue_find(work)) {
        return false;
    }
    if (work->overdue_count == 0) {
        return true;
    }
    work->seen = *work->input;
    work->seen.member = overdue_apply(work);
    work->input = &work->seen;
    return work->seen.member != NULL;
}

bool jf_plan_hold(struct jf_plan_work *work)
{
    const struct jf_hold_command *command = &work->command->as.hold;
    const struct jf_store *store = NULL;
    const struct jf_programme_version *version = NULL;
    if (!jf_plan_known(work, &command->member, command->store, &store) ||
        !jf_plan_admitted(work, store, command->held_at_ms, &version)) {
        return false;
    }
    struct jf_redemption redemption = {.programme = version->programme,
                                       .points = command->points,
                                       .basket = -1,
                                       .reward_code = command->reward};
    if (!jf_plan_redemption(work, &redemption) ||
        !jf_plan_count_reward(work, redemption.reward, redemption.quantity) ||
        !jf_plan_lists(work, 3 * redemption.part_count, 1)) {
        return false;
    }
    jf_plan_take_parts(work, &redemption);
    for (uint32_t i = 0; i < redemption.part_count; i++) {
        const struct jf_lot_part *part = &redemption.parts[i];
        jf_plan_post(work, JF_ACCOUNT_HELD, key_of(part), 0, part->points);
    }
    jf_plan_trace(work, (struct jf_trace_step){.kind = JF_TRACE_HELD,
                                               .points = redemption.points,
                                               .amount = redemption.value});
    work->entry->kind = JF_ENTRY_HOLD;
    work->entry->as.hold = (struct jf_hold_entry){.store = command->store,
                                                  .terminal = command->terminal,
                                                  .held_at_ms = command->held_at_ms,
                                                  .deadline_ms = command->deadline_ms,
                                                  .reward = command->reward,
                                                  .held = redemption.parts,
                                                  .held_count = redemption.part_count,
                                                  .entity = store->entity,
                                                  .reward_ground = redemption.reward,
                                                  .quantity = redemption.quantity};
    return jf_plan_finish(work, NULL);
}

// A capture or void, and the hold that it ends.
struct ending {
    struct jf_plan_work *work;
    struct jf_text hold_transaction_id;
    int64_t at_ms;
    const struct jf_entry *entry; // of the hold
    const struct jf_programme *programme;
    const struct jf_hold *hold;      // as the member's record has it
    const struct jf_lot_part *parts; // of it
    int64_t held;
};

static bool hold_known(struct ending *ending)
{
    struct jf_plan_work *work = ending->work;
    ending->entry = work->input->hold;
    if (ending->entry == NULL || ending->entry->kind != JF_ENTRY_HOLD) {
        return jf_plan_refuse(work, JF_REFUSAL_UNKNOWN_TRANSACTION);
    }
    if (work->input->member == NULL) {
        return jf_plan_refuse(work, JF_REFUSAL_UNKNOWN_MEMBER);
    }
    const struct jf_programme_version *version =
        jf_reference_programme(work->input->reference, ending->entry->programme_version);
    if (version == NULL) {
        return jf_plan_refuse(work, JF_REFUSAL_UNKNOWN_PROGRAMME);
    }
    ending->programme = version->programme;
    work->entry->programme_version = version->version;
    return true;
}

static bool hold_is_open(struct ending *ending)
{
    struct jf_plan_work *work = ending->work;
    ending->hold = jf_holds_find(work->stored, ending->entry->position);
    if (ending->hold == NULL || jf_hold_is_overdue(ending->hold, work->at_ms)) {
        jf_plan_refuse(work, JF_REFUSAL_HOLD_ENDED);
        work->refusal->position = work->input->hold_end_position;
        return false;
    }
    ending->parts = jf_holds_parts(work->stored, ending->hold);
    ending->held = jf_hold_points(work->stored, ending->hold);
    return true;
}

static bool ending_begin(struct ending *ending)
{
    struct jf_plan_work *work = ending->work;
    if (!hold_known(ending) || !jf_plan_in_time(work, ending->programme, ending->at_ms)) {
        return false;
    }
    const struct jf_store *store =
        jf_reference_store(work->input->reference, ending->entry->as.hold.store);
    if (store == NULL) {
        return jf_plan_refuse(work, JF_REFUSAL_UNKNOWN_STORE);
    }
    work->entry->business_date = jf_store_business_date(store, ending->at_ms);
    return hold_is_open(ending) && jf_plan_void_overdue(work);
}

static void ending_fill(const struct ending *ending, enum jf_entry_kind kind)
{
    struct jf_entry *entry = ending->work->entry;
    entry->kind = kind;
    entry->as.hold_end.hold_position = ending->entry->position;
    entry->as.hold_end.hold_transaction_id = ending->hold_transaction_id;
    entry->as.hold_end.hold_date = ending->entry->business_date;
    entry->as.hold_end.ended_at_ms = ending->at_ms;
}

// Half-up, as what stays redeemed of a return: a part of a hold need not be whole steps.
static bool captured_value(const struct ending *ending, int64_t points, int64_t *out_value)
{
    const struct jf_redemption_terms *terms = &ending->programme->redemption;
    if (ending->hold->reward != 0 || terms->points == 0) {
        *out_value = 0;
        return true;
    }
    enum jf_error error =
        jf_number_share(points, terms->amount, terms->points, JF_ROUND_HALF_UP, out_value);
    return error == JF_OK ? true : jf_plan_refuse(ending->work, JF_REFUSAL_OVERFLOW);
}

// Points of one piece of the reward that is held.
static int64_t reward_points(const struct ending *ending)
{
    JF_ASSERT(ending->hold->reward != 0);
    return ending->held / ending->hold->quantity;
}

// Of rewards only whole ones are captured.
static bool captured_is_whole(const struct ending *ending, int64_t points)
{
    if (ending->hold->reward == 0 || points % reward_points(ending) == 0) {
        return true;
    }
    jf_plan_refuse(ending->work, JF_REFUSAL_NOT_A_STEP);
    ending->work->refusal->needed = points;
    ending->work->refusal->limit = reward_points(ending);
    return false;
}

// Counts the rewards that are not captured as given back.
static bool rest_count(const struct ending *ending, int64_t points)
{
    const struct jf_hold *hold = ending->hold;
    int64_t captured = hold->reward == 0 ? 0 : points / reward_points(ending);
    return jf_plan_count_reward(ending->work, hold->reward, captured - hold->quantity);
}

// Spends from the parts in their order; what is behind goes back to its lots.
static bool parts_capture(struct ending *ending, int64_t points)
{
    struct jf_plan_work *work = ending->work;
    struct jf_hold_end_entry *body = &work->entry->as.hold_end;
    struct jf_lot_part *captured = jf_plan_alloc(work, ending->hold->part_count, sizeof *captured);
    if (captured == NULL) {
        return false;
    }
    int64_t left = points;
    for (uint32_t i = 0; i < ending->hold->part_count; i++) {
        const struct jf_lot_part *part = &ending->parts[i];
        int64_t spent = part->points < left ? part->points : left;
        jf_plan_post(work, JF_ACCOUNT_HELD, key_of(part), 0, -part->points);
        jf_plan_post(work, JF_ACCOUNT_AVAILABLE, key_of(part), 0, part->points - spent);
        if (spent > 0) {
            captured[body->captured_count] = *part;
            captured[body->captured_count].points = spent;
            body->captured_count++;
        }
        left -= spent;
    }
    JF_ASSERT(left == 0);
    struct jf_lot_key taker = {.entity = body->entity};
    jf_plan_post(work, JF_ACCOUNT_REDEEMED, taker, 0, points);
    body->captured = captured;
    return true;
}

bool jf_plan_capture(struct jf_plan_work *work)
{
    const struct jf_capture_command *command = &work->command->as.capture;
    struct ending ending = {.work = work,
                            .hold_transaction_id = command->hold_transaction_id,
                            .at_ms = command->captured_at_ms};
    if (!ending_begin(&ending)) {
        return false;
    }
    JF_ASSERT(ending.hold != NULL);
    JF_ASSERT(ending.programme != NULL);
    int64_t points = command->points == 0 ? ending.held : command->points;
    int64_t value = 0;
    if (!captured_is_whole(&ending, points)) {
        return false;
    }
    if (points > ending.held) {
        return jf_plan_refuse_points(work, JF_REFUSAL_INSUFFICIENT_POINTS, points, ending.held);
    }
    if (!captured_value(&ending, points, &value) || !rest_count(&ending, points) ||
        !jf_plan_lists(work, 2 * ending.hold->part_count + 1, 2)) {
        return false;
    }
    ending_fill(&ending, JF_ENTRY_CAPTURE);
    work->entry->as.hold_end.entity = ending.entry->as.hold.entity;
    if (!parts_capture(&ending, points)) {
        return false;
    }
    jf_plan_trace(
        work, (struct jf_trace_step){.kind = JF_TRACE_CAPTURED, .points = points, .amount = value});
    if (points < ending.held) {
        voided_trace(work, ending.hold->position, ending.held - points);
    }
    work->entry->points_redeemed = points;
    work->entry->redeemed_value = value;
    return jf_plan_finish(work, NULL);
}

bool jf_plan_void(struct jf_plan_work *work)
{
    const struct jf_void_command *command = &work->command->as.void_hold;
    struct ending ending = {.work = work,
                            .hold_transaction_id = command->hold_transaction_id,
                            .at_ms = command->voided_at_ms};
    if (!ending_begin(&ending)) {
        return false;
    }
    JF_ASSERT(ending.hold != NULL);
    if (!rest_count(&ending, 0) || !jf_plan_lists(work, 2 * ending.hold->part_count, 1)) {
        return false;
    }
    ending_fill(&ending, JF_ENTRY_VOID);
    release_post(work, ending.parts, ending.hold->part_count);
    voided_trace(work, ending.hold->position, ending.held);
    return jf_plan_finish(work, NULL);
}
