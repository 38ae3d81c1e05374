// Planning: the command's kind chooses its planner, which fills an entry in the arena; the last
// step applies the entry to a copy of the member, so that the balance answered is the balance that
// state will hold.
//
// A step that stops planning is a refusal (LIMIT_REACHED and OVERFLOW are found here, before the
// copy is touched), or the arena's bound.
#include "rules/plan.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/number.h"
#include "rules/apply_private.h"
#include "rules/plan_private.h"

bool jf_plan_refuse(struct jf_plan_work *work, enum jf_refusal_code code)
{
    *work->refusal = (struct jf_refusal){.code = code};
    return false;
}

bool jf_plan_refuse_limit(struct jf_plan_work *work, int64_t limit, const char *what)
{
    jf_plan_refuse(work, JF_REFUSAL_LIMIT_REACHED);
    work->refusal->limit = limit;
    (void)snprintf(work->refusal->detail, sizeof work->refusal->detail, "%s: at most %lld", what,
                   (long long)limit);
    return false;
}

bool jf_plan_fail(struct jf_plan_work *work, enum jf_error error)
{
    JF_ASSERT(error != JF_OK);
    work->error = error;
    return false;
}

void *jf_plan_alloc(struct jf_plan_work *work, size_t count, size_t size)
{
    void *result = jf_arena_calloc(work->input->arena, count, size);
    if (result == NULL) {
        work->error = JF_ERROR_NO_MEMORY;
    }
    return result;
}

bool jf_plan_lists(struct jf_plan_work *work, uint32_t posting_capacity, uint32_t trace_capacity)
{
    JF_ASSERT(work->postings == NULL);
    JF_ASSERT(work->trace == NULL);
    work->posting_capacity = posting_capacity + jf_plan_overdue_postings(work);
    work->trace_capacity = trace_capacity + work->overdue_count + 1; // jf_plan_finish's TIER_UP
    work->postings =
        jf_arena_alloc(work->input->arena, work->posting_capacity * sizeof *work->postings);
    work->trace = jf_arena_alloc(work->input->arena, work->trace_capacity * sizeof *work->trace);
    if (work->postings == NULL || work->trace == NULL) {
        return jf_plan_fail(work, JF_ERROR_NO_MEMORY);
    }
    jf_plan_post_overdue(work);
    return true;
}

void jf_plan_post(struct jf_plan_work *work, enum jf_account account, struct jf_lot_key key,
                  uint32_t reason, int64_t points)
{
    JF_ASSERT(reason == 0 || account == JF_ACCOUNT_ISSUED);
    if (points == 0) {
        return;
    }
    JF_ASSERT(work->posting_count < work->posting_capacity);
    bool has_lot = jf_account_has_lot(account);
    work->postings[work->posting_count] =
        (struct jf_posting){.account = account,
                            .entity = key.entity,
                            .reason = reason,
                            .available_on = has_lot ? key.available_on : 0,
                            .expires_on = has_lot ? key.expires_on : 0,
                            .points = points};
    work->posting_count++;
}

void jf_plan_trace(struct jf_plan_work *work, struct jf_trace_step step)
{
    JF_ASSERT(work->trace_count < work->trace_capacity);
    work->trace[work->trace_count] = step;
    work->trace_count++;
}

void jf_plan_post_second(struct jf_plan_work *work, enum jf_account account, struct jf_lot_key key,
                         int64_t points)
{
    if (points != 0) {
        jf_plan_post(work, account, key, 0, points);
        work->postings[work->posting_count - 1].member = work->input->other->number;
    }
}

// What the postings add, by kind of sum, for the check that no sum of a member leaves 64 bits.
struct gain {
    jf_wide held;
    jf_wide granted;
    jf_wide owed;
};

static bool is_posting_of(const struct jf_plan_work *work, const struct jf_posting *posting,
                          const struct jf_member *member)
{
    uint64_t owner = posting->member.value != 0 ? posting->member.value : work->entry->member.value;
    return owner == member->number.value;
}

static struct gain gain_of(const struct jf_plan_work *work, const struct jf_member *member)
{
    struct gain gain = {0};
    for (uint32_t i = 0; i < work->posting_count; i++) {
        const struct jf_posting *posting = &work->postings[i];
        if (!is_posting_of(work, posting, member)) {
            continue;
        }
        bool is_lot =
            posting->account == JF_ACCOUNT_AVAILABLE || posting->account == JF_ACCOUNT_EXPIRED;
        if (is_lot && posting->points > 0) {
            gain.held += posting->points;
        } else if (posting->account == JF_ACCOUNT_ISSUED && posting->points < 0) {
            gain.granted -= posting->points;
        } else if (posting->account == JF_ACCOUNT_DEBT && posting->points < 0) {
            gain.owed -= posting->points;
        }
    }
    return gain;
}

// Whether every sum over the member stays within 64 bits after the entry, so that applying and
// reading need no checks of their own. Only what grows is looked at.
static bool sums_fit(const struct jf_plan_work *work, const struct jf_member *member)
{
    struct gain gain = gain_of(work, member);
    gain.held += jf_member_held(member);
    for (uint32_t i = 0; i < member->lot_count; i++) {
        gain.held += (jf_wide)member->lots[i].remaining + member->lots[i].expired;
        gain.granted += member->lots[i].granted;
    }
    gain.owed += jf_member_debt(member);
    jf_wide spend = 0;
    jf_wide points = 0;
    uint64_t visits = member->visits;
    if (work->entry->kind == JF_ENTRY_SALE) {
        spend = work->entry->as.sale.spend;
        points = work->entry->points_granted;
        visits += 1;
    }
    if (work->entry->kind == JF_ENTRY_MERGE && member == work->stored) {
        const struct jf_merge_entry *merge = &work->entry->as.merge;
        visits += merge->visits;
        for (uint32_t i = 0; i < merge->month_count; i++) {
            spend += merge->months[i].spend;
            points += merge->months[i].points;
        }
        for (uint32_t i = 0; i < merge->granted_count; i++) {
            gain.granted += merge->granted[i].points;
        }
        for (uint32_t i = 0; i < merge->hold_part_count; i++) {
            gain.held += merge->hold_parts[i].points;
        }
    }
    for (uint32_t i = 0; i < member->month_count; i++) {
        spend += member->months[i].spend;
        points += member->months[i].points;
    }
    return gain.held <= INT64_MAX && gain.granted <= INT64_MAX && gain.owed <= INT64_MAX &&
           spend <= INT64_MAX && points <= INT64_MAX && visits <= UINT32_MAX;
}

static struct jf_member *member_copy(struct jf_plan_work *work, const struct jf_member *member)
{
    struct jf_member none = {0};
    work->entry->postings = work->postings;
    work->entry->posting_count = work->posting_count;
    struct jf_member_growth growth = jf_entry_growth(work->entry);
    struct jf_member_capacity room = jf_member_room_for(member == NULL ? &none : member, &growth);
    // The copy may pass the limits, so that the check after applying sees it.
    room.debts = (uint16_t)(JF_DEBTS_PER_MEMBER_MAX + growth.debts);
    room.counters = (uint16_t)(JF_COUNTERS_PER_MEMBER_MAX + growth.counters);
    room.holds = (uint16_t)(JF_HOLDS_PER_MEMBER_MAX + growth.holds);
    room.hold_parts = (uint16_t)(JF_HOLD_PARTS_PER_MEMBER_MAX + growth.hold_parts);
    room.cards = (uint16_t)(JF_CARDS_PER_MEMBER_MAX + growth.cards);
    void *block = jf_arena_alloc(work->input->arena, jf_member_block_size(room));
    if (block == NULL) {
        work->error = JF_ERROR_NO_MEMORY;
        return NULL;
    }
    struct jf_member *copy = jf_member_block_init(block, room);
    if (member != NULL) {
        jf_member_copy(copy, member);
    }
    return copy;
}

struct jf_member *jf_plan_member_copy(struct jf_plan_work *work)
{
    return member_copy(work, work->stored);
}

static bool counts_fit(struct jf_plan_work *work, const struct jf_member *after)
{
    const struct {
        const char *what;
        uint32_t count;
        uint32_t most;
    } arrays[] = {
        {"lots of one member", after->lot_count, JF_LOTS_PER_MEMBER_MAX},
        {"legal entities that one member owes to", after->debt_count, JF_DEBTS_PER_MEMBER_MAX},
        {"counters of one member", after->counter_count, JF_COUNTERS_PER_MEMBER_MAX},
        {"holds of one member", after->hold_count, JF_HOLDS_PER_MEMBER_MAX},
        {"lots that one member's holds set aside", after->hold_part_count,
         JF_HOLD_PARTS_PER_MEMBER_MAX},
        {"cards of one member", after->card_count, JF_CARDS_PER_MEMBER_MAX},
    };
    for (uint32_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++) {
        if (arrays[i].count > arrays[i].most) {
            return jf_plan_refuse_limit(work, arrays[i].most, arrays[i].what);
        }
    }
    return true;
}

// A sale that arrives late counts in later windows too: the best of the windows that end in its own
// month or in a later month with sales. So the order of arrival does not matter.
static uint32_t tier_reached(const struct jf_programme *programme, const struct jf_member *member,
                             jf_date date)
{
    struct jf_window_sums sums;
    int32_t month = jf_date_month_index(date);
    uint32_t tier = jf_tier_by_window(programme, member, date, &sums);
    for (uint32_t i = 0; i < member->month_count; i++) {
        int32_t later = member->months[i].month_index;
        if (later > month) {
            uint32_t reached =
                jf_tier_by_window(programme, member, jf_date_month_end(later), &sums);
            tier = reached > tier ? reached : tier;
        }
    }
    return tier;
}

// In: entry->balance.tier is the member's level before the sale, under the programme.
static void tier_raise(struct jf_plan_work *work, const struct jf_programme *programme,
                       struct jf_member *after)
{
    uint32_t before = work->entry->balance.tier; // under the same programme
    uint32_t tier = tier_reached(programme, after, work->entry->business_date);
    if (tier > before) {
        jf_plan_trace(work, (struct jf_trace_step){
                                .kind = JF_TRACE_TIER_UP, .points = tier, .exact = before});
        after->tier = (uint8_t)tier;
        after->tier_version = work->entry->programme_version;
    }
}

// A copy of the member, NULL for one that begins, with the entry applied. Returns: NULL where that
// cannot be, refused or failed.
static struct jf_member *after_entry(struct jf_plan_work *work, const struct jf_member *member)
{
    if (member != NULL && !sums_fit(work, member)) {
        (void)jf_plan_refuse(work, JF_REFUSAL_OVERFLOW);
        return NULL;
    }
    struct jf_member *after = member_copy(work, member);
    if (after == NULL) {
        return NULL;
    }
    jf_apply_outcome(after, work->entry);
    return counts_fit(work, after) ? after : NULL;
}

uint32_t jf_plan_tier_shown(const struct jf_plan_work *work, const struct jf_member *member)
{
    const struct jf_reference *reference = work->input->reference;
    const struct jf_programme_version *version =
        work->entry->programme_version != 0
            ? jf_reference_programme(reference, work->entry->programme_version)
            : jf_reference_programme_at(reference, (int64_t)(work->input->now_us / 1000));
    return version == NULL ? member->tier
                           : jf_tier_under(reference, member->tier, member->tier_version, version);
}

bool jf_plan_finish(struct jf_plan_work *work, const struct jf_programme *tier_programme)
{
    struct jf_entry *entry = work->entry;
    if (work->posting_count > JF_POSTINGS_PER_ENTRY_MAX) {
        return jf_plan_refuse_limit(work, JF_POSTINGS_PER_ENTRY_MAX, "postings of one entry");
    }
    if (work->trace_count >= JF_TRACE_STEPS_MAX) {
        return jf_plan_refuse_limit(work, JF_TRACE_STEPS_MAX, "steps of one trace");
    }
    entry->postings = work->postings;
    entry->posting_count = work->posting_count;
    JF_ASSERT(jf_entry_check_postings(entry) == JF_OK);
    struct jf_member *after = after_entry(work, work->stored);
    bool is_about_two = jf_entry_second(entry).member.value != 0;
    if (after == NULL || (is_about_two && after_entry(work, work->input->other) == NULL)) {
        return false;
    }
    if (tier_programme != NULL) {
        tier_raise(work, tier_programme, after);
    }
    entry->balance = jf_member_balance_at(after, entry->business_date, work->at_ms);
    entry->balance.tier = jf_plan_tier_shown(work, after);
    entry->trace = work->trace;
    entry->trace_count = work->trace_count;
    return true;
}

static bool plan_by_kind(struct jf_plan_work *work)
{
    switch (work->command->kind) {
    case JF_COMMAND_SALE:
        return jf_plan_sale(work);
    case JF_COMMAND_RETURN:
        return jf_plan_return(work);
    case JF_COMMAND_REDEEM:
        return jf_plan_redeem(work);
    case JF_COMMAND_ENROL:
        return jf_plan_enrol(work);
    case JF_COMMAND_PUBLISH:
        return jf_plan_publish(work);
    case JF_COMMAND_PUT_STORE:
        return jf_plan_put_store(work);
    case JF_COMMAND_TIER_CHANGE:
        return jf_plan_tier_change(work);
    case JF_COMMAND_HOLD:
        return jf_plan_hold(work);
    case JF_COMMAND_CAPTURE:
        return jf_plan_capture(work);
    case JF_COMMAND_VOID:
        return jf_plan_void(work);
    case JF_COMMAND_EXPIRE:
        return jf_plan_expire(work);
    case JF_COMMAND_UPDATE_MEMBER:
        return jf_plan_update_member(work);
    case JF_COMMAND_LINK_CARD:
        return jf_plan_link_card(work);
    case JF_COMMAND_UNLINK_CARD:
        return jf_plan_unlink_card(work);
    case JF_COMMAND_FREEZE:
        return jf_plan_freeze(work);
    case JF_COMMAND_CLOSE:
        return jf_plan_close(work);
    case JF_COMMAND_MERGE:
        return jf_plan_merge(work);
    case JF_COMMAND_ADJUST:
        return jf_plan_adjust(work);
    case JF_COMMAND_TRANSFER:
        return jf_plan_transfer(work);
    case JF_COMMAND_SET_TIER:
        return jf_plan_set_tier(work);
    case JF_COMMAND_NONE:
        break;
    }
    JF_ASSERT(false); // jf_command_check refuses every other kind
    return false;
}

enum jf_error jf_plan(const struct jf_plan_input *input, const struct jf_command *command,
                      struct jf_entry **out_entry, struct jf_refusal *out_refusal)
{
    struct jf_plan_work work = {.input = input,
                                .command = command,
                                .refusal = out_refusal,
                                .stored = input->member,
                                .at_ms = (int64_t)(input->now_us / 1000)};
    *out_entry = NULL;
    out_refusal->code = JF_REFUSAL_NONE;
    work.entry = jf_plan_alloc(&work, 1, sizeof *work.entry);
    if (work.entry == NULL) {
        return work.error;
    }
    work.entry->transaction_id = command->transaction_id;
    work.entry->fingerprint =
        input->fingerprint != 0 ? input->fingerprint : jf_command_fingerprint(command);
    work.entry->business_date = JF_DATE_NONE;
    work.entry->balance.expiring_on = JF_DATE_EVER;
    if (input->member != NULL) {
        work.entry->member = input->member->number;
        work.entry->previous_position = input->member->last_position;
        work.entry->balance.tier = input->member->tier;
    }
    if (plan_by_kind(&work)) {
        JF_ASSERT(out_refusal->code == JF_REFUSAL_NONE);
        JF_ASSERT(work.error == JF_OK);
        *out_entry = work.entry;
    }
    return work.error;
}
