// A member's life: what is known of a member, its cards, and what it may do. Such a command has no
// instant of its own: its business date is the UTC date of the ledger's stamp. Refused, in order,
// for what it names (jf_plan_member_known), then as proto/jifen/v1/members.proto says at each call.
#include <string.h>

#include "rules/plan_private.h"

#define DAY_US ((uint64_t)86400 * 1000000)

// Refuses a closed member, unless any may be asked. Fills the business date.
static bool life_begin(struct jf_plan_work *work, const struct jf_member_ref *ref,
                       bool is_closed_fine)
{
    if (!jf_plan_member_known(work, ref)) {
        return false;
    }
    work->entry->business_date = (jf_date)(work->input->now_us / DAY_US);
    bool is_closed = work->input->member->status == JF_MEMBER_CLOSED;
    return is_closed && !is_closed_fine ? jf_plan_refuse(work, JF_REFUSAL_MEMBER_CLOSED) : true;
}

bool jf_plan_cards_copy(struct jf_plan_work *work, const struct jf_member *member,
                        const struct jf_text **out_cards)
{
    struct jf_text *cards = jf_plan_alloc(work, member->card_count, sizeof *cards);
    bool is_copied = cards != NULL;
    for (uint32_t i = 0; i < member->card_count && is_copied; i++) {
        struct jf_text card = {member->cards[i].bytes, member->cards[i].size};
        cards[i] = jf_arena_copy_text(work->input->arena, card, &is_copied);
    }
    *out_cards = cards;
    return is_copied ? true : jf_plan_fail(work, JF_ERROR_NO_MEMORY);
}

bool jf_plan_update_member(struct jf_plan_work *work)
{
    const struct jf_update_member_command *command = &work->command->as.update_member;
    if (!life_begin(work, &command->member, command->is_erase)) {
        return false;
    }
    struct jf_member_update_entry *update = &work->entry->as.member_update;
    work->entry->kind = JF_ENTRY_MEMBER_UPDATE;
    *update = (struct jf_member_update_entry){
        .home_store = command->home_store, .tags = command->tags, .is_erase = command->is_erase};
    if (!command->is_erase) {
        update->birth_month = command->birth_month;
        update->birth_day = command->birth_day;
    } else if (jf_plan_cards_copy(work, work->input->member, &update->cards)) {
        update->card_count = work->input->member->card_count;
    } else {
        return false;
    }
    return jf_plan_lists(work, 0, 0) && jf_plan_finish(work, NULL);
}

bool jf_plan_link_card(struct jf_plan_work *work)
{
    const struct jf_link_card_command *command = &work->command->as.link_card;
    if (!life_begin(work, &command->member, false)) {
        return false;
    }
    if (work->input->card_taken_by != 0) {
        jf_plan_refuse(work, JF_REFUSAL_CARD_TAKEN);
        work->refusal->field = "card";
        return false;
    }
    work->entry->kind = JF_ENTRY_CARD_LINK;
    work->entry->as.card_link = (struct jf_card_entry){.card = command->card};
    return jf_plan_lists(work, 0, 0) && jf_plan_finish(work, NULL);
}

bool jf_plan_unlink_card(struct jf_plan_work *work)
{
    const struct jf_unlink_card_command *command = &work->command->as.unlink_card;
    if (!life_begin(work, &command->card, true)) {
        return false;
    }
    work->entry->kind = JF_ENTRY_CARD_UNLINK;
    work->entry->as.card_unlink = (struct jf_card_entry){.card = command->card.card};
    return jf_plan_lists(work, 0, 0) && jf_plan_finish(work, NULL);
}

static bool status_finish(struct jf_plan_work *work, enum jf_member_status status)
{
    work->entry->kind = JF_ENTRY_MEMBER_STATUS;
    work->entry->as.member_status = (struct jf_status_entry){.status = status};
    return jf_plan_finish(work, NULL);
}

bool jf_plan_freeze(struct jf_plan_work *work)
{
    const struct jf_freeze_command *command = &work->command->as.freeze;
    if (!life_begin(work, &command->member, false)) {
        return false;
    }
    return jf_plan_lists(work, 0, 0) &&
           status_finish(work, command->is_thaw ? JF_MEMBER_ACTIVE : JF_MEMBER_FROZEN);
}

// Whether the programme in force lets the member go as it stands.
static bool balance_allows(struct jf_plan_work *work)
{
    const struct jf_programme_version *version =
        jf_reference_programme_at(work->input->reference, (int64_t)(work->input->now_us / 1000));
    if (version == NULL) {
        return true; // as `forfeit`
    }
    work->entry->programme_version = version->version;
    struct jf_balance balance =
        jf_member_balance_at(work->input->member, work->entry->business_date, work->at_ms);
    int64_t left = balance.available + balance.pending + balance.held;
    if (version->programme->close != JF_CLOSE_REFUSE || (left == 0 && balance.debt == 0)) {
        return true;
    }
    jf_plan_refuse(work, JF_REFUSAL_BALANCE_LEFT);
    work->refusal->available = left;
    work->refusal->needed = balance.debt;
    return false;
}

// Adds to the entity's posting among those from `begin` on, or makes one: a member has many lots of
// few entities.
static void written_off_add(struct jf_plan_work *work, uint32_t begin, struct jf_entity_id entity,
                            int64_t points)
{
    for (uint32_t i = begin; i < work->posting_count; i++) {
        if (work->postings[i].entity.value == entity.value) {
            work->postings[i].points += points; // sums of valid members never overflow
            return;
        }
    }
    struct jf_lot_key issuer = {.entity = entity};
    jf_plan_post(work, JF_ACCOUNT_WRITTEN_OFF, issuer, 0, points);
}

// Only what could be spent now or later: a lot whose last day is over is left to expire, so that no
// total depends on whether a job has said so yet.
static int64_t forfeited_of(const struct jf_plan_work *work, const struct jf_lot *lot)
{
    return lot->expires_on < work->entry->business_date ? 0 : lot->remaining + lot->expired;
}

static int64_t lots_forfeit(struct jf_plan_work *work)
{
    const struct jf_member *member = work->input->member;
    int64_t forfeited = 0;
    for (uint32_t i = 0; i < member->lot_count; i++) {
        const struct jf_lot *lot = &member->lots[i];
        if (forfeited_of(work, lot) > 0) {
            jf_plan_post(work, JF_ACCOUNT_AVAILABLE, jf_lot_key_of(lot), 0, -lot->remaining);
            jf_plan_post(work, JF_ACCOUNT_EXPIRED, jf_lot_key_of(lot), 0, -lot->expired);
        }
    }
    uint32_t begin = work->posting_count;
    for (uint32_t i = 0; i < member->lot_count; i++) {
        int64_t points = forfeited_of(work, &member->lots[i]);
        written_off_add(work, begin, member->lots[i].entity, points);
        forfeited += points;
    }
    return forfeited;
}

static int64_t debts_forgive(struct jf_plan_work *work)
{
    const struct jf_member *member = work->input->member;
    for (uint32_t i = 0; i < member->debt_count; i++) {
        struct jf_lot_key owed_to = {.entity = member->debts[i].entity};
        jf_plan_post(work, JF_ACCOUNT_DEBT, owed_to, 0, member->debts[i].points);
        jf_plan_post(work, JF_ACCOUNT_WRITTEN_OFF, owed_to, 0, -member->debts[i].points);
    }
    return jf_member_debt(member);
}

bool jf_plan_close(struct jf_plan_work *work)
{
    const struct jf_member_ref *ref = &work->command->as.close.member;
    if (!life_begin(work, ref, false) || !balance_allows(work)) {
        return false;
    }
    work->at_ms = INT64_MAX; // no hold outlives the membership, whatever its deadline
    if (!jf_plan_void_overdue(work)) {
        return false;
    }
    const struct jf_member *member = work->input->member;
    if (!jf_plan_lists(work, 3u * ((uint32_t)member->lot_count + member->debt_count), 2)) {
        return false;
    }
    int64_t forfeited = lots_forfeit(work);
    if (forfeited > 0) {
        jf_plan_trace(work,
                      (struct jf_trace_step){.kind = JF_TRACE_FORFEITED, .points = forfeited});
    }
    int64_t forgiven = debts_forgive(work);
    if (forgiven > 0) {
        jf_plan_trace(work, (struct jf_trace_step){.kind = JF_TRACE_DEBT, .points = forgiven});
    }
    return status_finish(work, JF_MEMBER_CLOSED);
}
