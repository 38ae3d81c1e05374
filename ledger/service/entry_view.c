// The entry is unpacked, and the view shares its parts: outcome and receipt are the same messages
// in both. Failures: bytes that are no entry with an outcome; an arena that is full.
#include "service/entry_view.h"

#include "jifen/v1/entry.pb-c.h"
#include "rules/entry.h"
#include "service/message.h"

static char *kind_name(const Jifen__V1__Entry *entry)
{
    return (char *)(uintptr_t)jf_entry_kind_name((enum jf_entry_kind)entry->body_case);
}

static enum jf_error returned_lines(const Jifen__V1__ReturnBody *body, struct jf_arena *arena,
                                    Jifen__V1__EntryView *view)
{
    size_t count = body->n_lines;
    Jifen__V1__ReturnLine *lines = jf_arena_calloc(arena, count, sizeof *lines);
    view->returned = jf_arena_calloc(arena, count, sizeof *view->returned);
    if (lines == NULL || view->returned == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        jifen__v1__return_line__init(&lines[i]);
        lines[i].line_number = body->lines[i]->line_number;
        lines[i].quantity_milli = body->lines[i]->quantity_milli;
        lines[i].whole = body->lines[i]->whole;
        view->returned[i] = &lines[i];
    }
    view->n_returned = count;
    return JF_OK;
}

enum jf_error jf_entry_view(struct jf_text bytes, struct jf_arena *arena,
                            Jifen__V1__EntryView **out_view)
{
    ProtobufCMessage *message;
    enum jf_error error = jf_message_unpack(&jifen__v1__entry__descriptor, bytes, arena, &message);
    if (error != JF_OK) {
        return error == JF_ERROR_INVALID ? JF_ERROR_CORRUPT : error;
    }
    const Jifen__V1__Entry *entry = (const Jifen__V1__Entry *)message;
    if (entry->outcome == NULL) {
        return JF_ERROR_CORRUPT;
    }
    Jifen__V1__EntryView *view = jf_arena_alloc(arena, sizeof *view);
    if (view == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    jifen__v1__entry_view__init(view);
    view->position = entry->outcome->position;
    view->kind = kind_name(entry);
    view->transaction_id = entry->transaction_id;
    view->recorded_at_us = entry->recorded_at_us;
    view->outcome = entry->outcome;
    view->voided_holds = entry->voided_holds;
    view->n_voided_holds = entry->n_voided_holds;
    if (entry->body_case == JIFEN__V1__ENTRY__BODY_SALE) {
        view->receipt = entry->sale->receipt;
    } else if (entry->body_case == JIFEN__V1__ENTRY__BODY_SALE_RETURN) {
        view->sale_transaction_id = entry->sale_return->sale_transaction_id;
        view->sale_position = entry->sale_return->sale_position;
        error = returned_lines(entry->sale_return, arena, view);
    } else if (entry->body_case == JIFEN__V1__ENTRY__BODY_REDEMPTION) {
        view->reward = entry->redemption->reward;
    } else if (entry->body_case == JIFEN__V1__ENTRY__BODY_HOLD) {
        view->reward = entry->hold->reward;
        view->deadline_ms = entry->hold->deadline_ms;
    } else if (entry->body_case == JIFEN__V1__ENTRY__BODY_CAPTURE) {
        view->hold_transaction_id = entry->capture->hold_transaction_id;
        view->hold_position = entry->capture->hold_position;
    } else if (entry->body_case == JIFEN__V1__ENTRY__BODY_VOID_HOLD) {
        view->hold_transaction_id = entry->void_hold->hold_transaction_id;
        view->hold_position = entry->void_hold->hold_position;
    } else if (entry->body_case == JIFEN__V1__ENTRY__BODY_CARD_LINK) {
        view->card = entry->card_link->card;
    } else if (entry->body_case == JIFEN__V1__ENTRY__BODY_CARD_UNLINK) {
        view->card = entry->card_unlink->card;
    } else if (entry->body_case == JIFEN__V1__ENTRY__BODY_MEMBER_STATUS) {
        view->member_status = entry->member_status->status;
    } else if (entry->body_case == JIFEN__V1__ENTRY__BODY_ADJUSTMENT) {
        view->adjusted_points = entry->adjustment->points;
        view->reason_code = entry->adjustment->reason_code;
        view->operator_ = entry->adjustment->operator_;
        view->approver = entry->adjustment->approver;
    } else if (entry->body_case == JIFEN__V1__ENTRY__BODY_TRANSFER) {
        view->other_member = entry->transfer->to;
        view->operator_ = entry->transfer->operator_;
    } else if (entry->body_case == JIFEN__V1__ENTRY__BODY_MERGE) {
        view->other_member = entry->merge->from;
    }
    if (error == JF_OK) {
        *out_view = view;
    }
    return error;
}
