// Bodies of entries of a member's life read back. They are outside bytes: cards and statuses that
// no planning wrote are JF_ERROR_CORRUPT.
#include "base/limits.h"
#include "engine/entry_codec.h"
#include "engine/entry_codec_life.h"

static enum jf_error card_read(const char *text, struct jf_text *out_card)
{
    struct jf_text card = jf_text_from(text);
    if (card.size == 0 || card.size > JF_CARD_BYTES_MAX) {
        return JF_ERROR_CORRUPT;
    }
    *out_card = card;
    return JF_OK;
}

static enum jf_error cards_read(char **texts, size_t count, struct jf_arena *arena,
                                const struct jf_text **out_cards)
{
    if (count > JF_CARDS_PER_MEMBER_MAX) {
        return JF_ERROR_CORRUPT;
    }
    struct jf_text *cards = jf_arena_calloc(arena, count, sizeof *cards);
    enum jf_error error = cards == NULL ? JF_ERROR_NO_MEMORY : JF_OK;
    for (size_t i = 0; i < count && error == JF_OK; i++) {
        error = card_read(texts[i], &cards[i]);
    }
    *out_cards = cards;
    return error;
}

static enum jf_error member_update_read(const Jifen__V1__MemberUpdateBody *body,
                                        struct jf_arena *arena,
                                        struct jf_member_update_entry *update)
{
    if (body->birth_month > 12 || body->birth_day > 31) {
        return JF_ERROR_CORRUPT;
    }
    update->birth_month = body->birth_month;
    update->birth_day = body->birth_day;
    update->home_store = body->home_store;
    update->tags = body->tags;
    update->is_erase = body->erase;
    update->card_count = (uint32_t)body->n_cards;
    return cards_read(body->cards, body->n_cards, arena, &update->cards);
}

static enum jf_error status_read(const Jifen__V1__StatusBody *body, struct jf_status_entry *status)
{
    if ((int)body->status < JF_MEMBER_ACTIVE || (int)body->status > JF_MEMBER_CLOSED) {
        return JF_ERROR_CORRUPT;
    }
    status->status = (uint32_t)body->status;
    return JF_OK;
}

static enum jf_error adjustment_read(const Jifen__V1__AdjustmentBody *body, struct jf_arena *arena,
                                     struct jf_adjustment_entry *adjustment)
{
    adjustment->points = body->points;
    adjustment->reason_code = jf_text_from(body->reason_code);
    adjustment->operator_name = jf_text_from(body->operator_);
    adjustment->approver = jf_text_from(body->approver);
    adjustment->entity.value = body->entity;
    adjustment->adjusted_at_ms = body->adjusted_at_ms;
    adjustment->expires_on =
        body->points > 0 ? jf_date_from_wire(body->expires_on, JF_DATE_EVER) : 0;
    adjustment->debt_paid = body->debt_paid;
    adjustment->debited_count = (uint32_t)body->n_debited;
    return jf_entry_read_parts(body->n_debited, body->debited, arena, &adjustment->debited);
}

static enum jf_error transfer_read(const Jifen__V1__TransferBody *body, struct jf_arena *arena,
                                   const struct jf_entry *entry, struct jf_transfer_entry *transfer)
{
    if (body->to == 0 || body->to == entry->member.value) {
        return JF_ERROR_CORRUPT;
    }
    transfer->to = (struct jf_second){{body->to}, body->other_previous};
    transfer->points = body->points;
    transfer->operator_name = jf_text_from(body->operator_);
    transfer->transferred_at_ms = body->transferred_at_ms;
    transfer->moved_count = (uint32_t)body->n_moved;
    return jf_entry_read_parts(body->n_moved, body->moved, arena, &transfer->moved);
}

static enum jf_error months_read(const Jifen__V1__MergeBody *body, struct jf_arena *arena,
                                 struct jf_merge_entry *merge)
{
    if (body->n_months > JF_MONTHS_PER_MEMBER_MAX) {
        return JF_ERROR_CORRUPT;
    }
    struct jf_month_count *months = jf_arena_calloc(arena, body->n_months, sizeof *months);
    if (months == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < body->n_months; i++) {
        const Jifen__V1__MonthCount *month = body->months[i];
        if (month->month < 197001 || month->month % 100 < 1 || month->month % 100 > 12) {
            return JF_ERROR_CORRUPT;
        }
        months[i] =
            (struct jf_month_count){.month_index = month->month / 100 * 12 + month->month % 100 - 1,
                                    .visits = month->visits,
                                    .spend = month->spend,
                                    .points = month->points};
    }
    merge->months = months;
    merge->month_count = (uint32_t)body->n_months;
    return JF_OK;
}

static enum jf_error hold_parts_read(const Jifen__V1__MergeBody *body, struct jf_arena *arena,
                                     struct jf_merge_entry *merge)
{
    Jifen__V1__LotPart **parts =
        jf_arena_calloc(arena, JF_HOLD_PARTS_PER_MEMBER_MAX, sizeof(Jifen__V1__LotPart *));
    if (parts == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    size_t count = 0;
    for (size_t i = 0; i < body->n_holds; i++) {
        if (body->holds[i]->n_parts > JF_HOLD_PARTS_PER_MEMBER_MAX - count) {
            return JF_ERROR_CORRUPT;
        }
        for (size_t j = 0; j < body->holds[i]->n_parts; j++) {
            parts[count++] = body->holds[i]->parts[j];
        }
    }
    merge->hold_part_count = (uint32_t)count;
    return jf_entry_read_parts(count, parts, arena, &merge->hold_parts);
}

static enum jf_error holds_read(const Jifen__V1__MergeBody *body, struct jf_arena *arena,
                                struct jf_merge_entry *merge)
{
    if (body->n_holds > JF_HOLDS_PER_MEMBER_MAX) {
        return JF_ERROR_CORRUPT;
    }
    struct jf_hold *holds = jf_arena_calloc(arena, body->n_holds, sizeof *holds);
    if (holds == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < body->n_holds; i++) {
        holds[i] = (struct jf_hold){.position = body->holds[i]->position,
                                    .deadline_ms = body->holds[i]->deadline_ms,
                                    .part_count = (uint32_t)body->holds[i]->n_parts,
                                    .reward = body->holds[i]->reward_ground,
                                    .quantity = body->holds[i]->quantity};
    }
    merge->holds = holds;
    merge->hold_count = (uint32_t)body->n_holds;
    return hold_parts_read(body, arena, merge);
}

static enum jf_error merge_facts_read(const Jifen__V1__MergeBody *body,
                                      const struct jf_entry *entry, struct jf_merge_entry *merge)
{
    merge->from = (struct jf_second){{body->from}, body->other_previous};
    merge->visits = body->visits;
    merge->tier = body->tier;
    merge->tier_version = body->tier_version;
    merge->tier_since = jf_date_from_wire(body->tier_since, 0);
    merge->tier_until =
        body->tier_by_hand ? jf_date_from_wire(body->tier_until, JF_DATE_EVER) : JF_DATE_MIN;
    merge->enrolled_on = jf_date_from_wire(body->enrolled_on, 0);
    merge->birth_month = body->birth_month;
    merge->birth_day = body->birth_day;
    merge->tags = body->tags;
    bool is_valid = body->from != 0 && body->from != entry->member.value &&
                    body->tier < JF_TIERS_MAX && body->birth_month <= 12 && body->birth_day <= 31;
    return is_valid ? JF_OK : JF_ERROR_CORRUPT;
}

static enum jf_error merge_read(const Jifen__V1__MergeBody *body, struct jf_arena *arena,
                                const struct jf_entry *entry, struct jf_merge_entry *merge)
{
    enum jf_error error = body->n_granted > JF_LOTS_PER_MEMBER_MAX
                              ? JF_ERROR_CORRUPT
                              : merge_facts_read(body, entry, merge);
    if (error == JF_OK) {
        error = jf_entry_read_parts(body->n_granted, body->granted, arena, &merge->granted);
    }
    if (error == JF_OK) {
        error = months_read(body, arena, merge);
    }
    if (error == JF_OK) {
        error = jf_entry_read_deltas(body->n_counters, body->counters, arena, &merge->counters,
                                     &merge->counter_count);
    }
    if (error == JF_OK) {
        error = holds_read(body, arena, merge);
    }
    if (error == JF_OK) {
        error = cards_read(body->cards, body->n_cards, arena, &merge->cards);
    }
    merge->granted_count = (uint32_t)body->n_granted;
    merge->card_count = (uint32_t)body->n_cards;
    return error;
}

enum jf_error jf_entry_life_read(const Jifen__V1__Entry *message, struct jf_arena *arena,
                                 struct jf_entry *entry)
{
    switch (message->body_case) {
    case JIFEN__V1__ENTRY__BODY_MEMBER_UPDATE:
        return member_update_read(message->member_update, arena, &entry->as.member_update);
    case JIFEN__V1__ENTRY__BODY_CARD_LINK:
        return card_read(message->card_link->card, &entry->as.card_link.card);
    case JIFEN__V1__ENTRY__BODY_CARD_UNLINK:
        return card_read(message->card_unlink->card, &entry->as.card_unlink.card);
    case JIFEN__V1__ENTRY__BODY_MEMBER_STATUS:
        return status_read(message->member_status, &entry->as.member_status);
    case JIFEN__V1__ENTRY__BODY_ADJUSTMENT:
        return adjustment_read(message->adjustment, arena, &entry->as.adjustment);
    case JIFEN__V1__ENTRY__BODY_TRANSFER:
        return transfer_read(message->transfer, arena, entry, &entry->as.transfer);
    case JIFEN__V1__ENTRY__BODY_MERGE:
        return merge_read(message->merge, arena, entry, &entry->as.merge);
    default:
        return JF_ERROR_CORRUPT;
    }
}
