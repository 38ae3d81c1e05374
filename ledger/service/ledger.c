// jifen.v1.Ledger: what tills ask. Writes go through ticket.c, batch.c and stream.c; reads are
// decoded and answered here. Failures: a read's own malformed fields, in the order of their
// numbers, before it reaches the engine.
#include "base/assert.h"
#include "engine/entry_codec.h"
#include "rules/utf8.h"
#include "service/answer.h"
#include "service/core.h"
#include "service/entry_view.h"
#include "service/status.h"

#define HISTORY_PAGE_DEFAULT 50u
// A page ends before its answer passes what stock clients take, less the page's own fields.
#define HISTORY_BYTES_MAX (JF_MESSAGE_BYTES_MAX - 1024u)

static bool member_ref_take(struct jf_call *call, const Jifen__V1__MemberRef *message,
                            struct jf_member_ref *out_member)
{
    const char *field = jf_decode_member_ref(message, out_member);
    if (field != NULL) {
        jf_status_finish_field(call, field, 0, "a number from 1 on, or a card, must be given");
        return false;
    }
    if (out_member->card.size > JF_CARD_BYTES_MAX || !jf_utf8_is_plain(out_member->card)) {
        jf_status_finish_field(call, "member.card", JF_CARD_BYTES_MAX,
                               "1 to 64 bytes of UTF-8 without control characters");
        return false;
    }
    return true;
}

static int32_t month_to_wire(int32_t month_index)
{
    return month_index / 12 * 100 + month_index % 12 + 1;
}

static Jifen__V1__Balance balance_message(const struct jf_balance *balance)
{
    Jifen__V1__Balance message = JIFEN__V1__BALANCE__INIT;
    message.available = balance->available;
    message.pending = balance->pending;
    message.held = balance->held;
    message.debt = balance->debt;
    message.tier = balance->tier;
    message.expiring_points = balance->expiring_points;
    message.expiring_on = jf_date_to_wire(balance->expiring_on);
    return message;
}

static bool lots_message(const struct jf_member *member, struct jf_arena *arena,
                         Jifen__V1__Member *message)
{
    Jifen__V1__Lot *lots = jf_arena_calloc(arena, member->lot_count, sizeof *lots);
    message->lots = jf_arena_calloc(arena, member->lot_count, sizeof *message->lots);
    if (lots == NULL || message->lots == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < member->lot_count; i++) {
        const struct jf_lot *lot = &member->lots[i];
        jifen__v1__lot__init(&lots[i]);
        lots[i].available_on = jf_date_to_wire(lot->available_on);
        lots[i].expires_on = jf_date_to_wire(lot->expires_on);
        lots[i].entity = lot->entity.value;
        lots[i].granted = lot->granted;
        lots[i].remaining = lot->remaining;
        lots[i].expired = lot->expired;
        message->lots[i] = &lots[i];
    }
    message->n_lots = member->lot_count;
    return true;
}

static bool months_message(const struct jf_member *member, struct jf_arena *arena,
                           Jifen__V1__Member *message)
{
    Jifen__V1__MonthCount *months = jf_arena_calloc(arena, member->month_count, sizeof *months);
    message->months = jf_arena_calloc(arena, member->month_count, sizeof *message->months);
    if (months == NULL || message->months == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < member->month_count; i++) {
        const struct jf_month_count *month = &member->months[i];
        jifen__v1__month_count__init(&months[i]);
        months[i].month = month_to_wire(month->month_index);
        months[i].spend = month->spend;
        months[i].visits = month->visits;
        months[i].points = month->points;
        message->months[i] = &months[i];
    }
    message->n_months = member->month_count;
    return true;
}

static Jifen__V1__LotPart *parts_message(const struct jf_lot_part *parts, uint32_t count,
                                         struct jf_arena *arena)
{
    Jifen__V1__LotPart *messages = jf_arena_calloc(arena, count, sizeof *messages);
    for (uint32_t i = 0; messages != NULL && i < count; i++) {
        jifen__v1__lot_part__init(&messages[i]);
        messages[i].available_on = jf_date_to_wire(parts[i].available_on);
        messages[i].expires_on = jf_date_to_wire(parts[i].expires_on);
        messages[i].entity = parts[i].entity.value;
        messages[i].points = parts[i].points;
    }
    return messages;
}

// The parts of all holds lie behind each other, in the messages as in the record.
static bool holds_message(const struct jf_member *member, struct jf_arena *arena,
                          Jifen__V1__Member *message)
{
    uint32_t part_count = member->hold_part_count;
    Jifen__V1__LotPart *parts = parts_message(member->hold_parts, part_count, arena);
    Jifen__V1__LotPart **part = jf_arena_calloc(arena, part_count, sizeof(Jifen__V1__LotPart *));
    Jifen__V1__Hold *holds = jf_arena_calloc(arena, member->hold_count, sizeof *holds);
    message->holds = jf_arena_calloc(arena, member->hold_count, sizeof *message->holds);
    if (parts == NULL || part == NULL || holds == NULL || message->holds == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < part_count; i++) {
        part[i] = &parts[i];
    }
    for (uint32_t i = 0; i < member->hold_count; i++) {
        jifen__v1__hold__init(&holds[i]);
        holds[i].position = member->holds[i].position;
        holds[i].deadline_ms = member->holds[i].deadline_ms;
        holds[i].reward_ground = member->holds[i].reward;
        holds[i].quantity = member->holds[i].quantity;
        holds[i].n_parts = member->holds[i].part_count;
        holds[i].parts = part;
        part += member->holds[i].part_count;
        message->holds[i] = &holds[i];
    }
    message->n_holds = member->hold_count;
    return true;
}

static bool cards_message(const struct jf_member *member, struct jf_arena *arena,
                          Jifen__V1__Member *message)
{
    message->cards = jf_arena_calloc(arena, member->card_count, sizeof *message->cards);
    if (message->cards == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < member->card_count; i++) {
        const struct jf_card *card = &member->cards[i];
        message->cards[i] = jf_answer_text((struct jf_text){card->bytes, card->size}, arena);
        if (message->cards[i] == NULL) {
            return false;
        }
    }
    message->n_cards = member->card_count;
    return true;
}

static void member_fields(const struct jf_member *member, Jifen__V1__Member *message)
{
    message->number = member->number.value;
    message->status = (Jifen__V1__MemberStatus)member->status;
    message->enrolled_on = jf_date_to_wire(member->enrolled_on);
    message->birth_month = member->birth_month;
    message->birth_day = member->birth_day;
    message->home_store = member->home_store;
    message->tags = member->tags;
    message->tier = member->tier;
    message->tier_since = jf_date_to_wire(member->tier_since);
    message->debt = jf_member_debt(member);
    message->last_position = member->last_position;
    message->visits = member->visits;
    message->merged_into = member->merged_into.value;
    message->activity_class = member->activity_class;
    message->tier_by_hand = member->tier_until != JF_DATE_MIN;
    message->tier_until = jf_date_to_wire(member->tier_until); // 0 for JF_DATE_EVER
}

static void member_answer(struct jf_service *service, struct jf_ticket *ticket)
{
    (void)service;
    if (jf_ticket_finish_refused(ticket)) {
        return;
    }
    struct jf_arena *arena = ticket->request.arena;
    const struct jf_read_answer *answer = &ticket->request.answer;
    const struct jf_member *member = answer->member;
    Jifen__V1__Member message = JIFEN__V1__MEMBER__INIT;
    message.tier_name = jf_answer_text(answer->tier_name, arena);
    message.activity_class_name = jf_answer_text(answer->class_name, arena);
    if (member == NULL || message.tier_name == NULL || message.activity_class_name == NULL ||
        !lots_message(member, arena, &message) || !months_message(member, arena, &message) ||
        !holds_message(member, arena, &message) || !cards_message(member, arena, &message)) {
        jf_status_finish_code(ticket->call, JF_REFUSAL_OVERLOADED);
        return;
    }
    member_fields(member, &message);
    struct jf_balance balance = jf_member_balance_at(member, answer->as_of, answer->at_ms);
    Jifen__V1__Balance balance_part = balance_message(&balance);
    message.balance = &balance_part;
    Jifen__V1__GetMemberResponse response = JIFEN__V1__GET_MEMBER_RESPONSE__INIT;
    response.member = &message;
    jf_answer_finish(ticket->call, &response.base);
}

static void member_message(struct jf_service *service, struct jf_call *call, struct jf_text bytes)
{
    const ProtobufCMessage *message = jf_ticket_unpack(service, call, bytes);
    if (message == NULL) {
        return;
    }
    const Jifen__V1__GetMemberRequest *request = (const Jifen__V1__GetMemberRequest *)message;
    struct jf_read_query query = {.limit = 0};
    if (!member_ref_take(call, request->member, &query.member)) {
        return;
    }
    if (!jf_decode_date(request->as_of, &query.as_of)) {
        jf_status_finish_field(call, "as_of", 0, "a date as year x 10000 + month x 100 + day");
        return;
    }
    struct jf_ticket *ticket = jf_ticket_create(call, JF_REQUEST_GET_MEMBER, 0, member_answer);
    if (ticket != NULL) {
        ticket->request.query = query;
        jf_ticket_submit(service, ticket);
    }
}

// Views of as many entries as fit. Returns: JF_OK, or what jf_entry_view says.
static enum jf_error history_views(const struct jf_read_answer *answer, struct jf_arena *arena,
                                   Jifen__V1__HistoryResponse *response)
{
    response->next_before_position = answer->next_before_position;
    response->entries = jf_arena_calloc(arena, answer->entry_count, sizeof *response->entries);
    if (response->entries == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    size_t bytes = 0;
    for (uint32_t i = 0; i < answer->entry_count; i++) {
        Jifen__V1__EntryView *view;
        enum jf_error error = jf_entry_view(answer->entries[i], arena, &view);
        if (error == JF_ERROR_NO_MEMORY && i > 0) {
            bytes = HISTORY_BYTES_MAX; // the page ends here
        } else if (error != JF_OK) {
            return error;
        } else {
            bytes += jifen__v1__entry_view__get_packed_size(view) + 8;
        }
        if (bytes >= HISTORY_BYTES_MAX && i > 0) {
            response->next_before_position = response->entries[i - 1]->position;
            return JF_OK;
        }
        response->entries[i] = view;
        response->n_entries = i + 1;
    }
    return JF_OK;
}

static void views_finish_error(struct jf_call *call, enum jf_error error)
{
    if (error == JF_ERROR_NO_MEMORY) {
        jf_status_finish_code(call, JF_REFUSAL_OVERLOADED);
        return;
    }
    jf_status_finish(call, JF_STATUS_DATA_LOSS,
                     "A stored entry cannot be read: run `jifen verify` on the server.");
}

static void history_answer(struct jf_service *service, struct jf_ticket *ticket)
{
    (void)service;
    if (jf_ticket_finish_refused(ticket)) {
        return;
    }
    Jifen__V1__HistoryResponse response = JIFEN__V1__HISTORY_RESPONSE__INIT;
    enum jf_error error = history_views(&ticket->request.answer, ticket->request.arena, &response);
    if (error != JF_OK) {
        views_finish_error(ticket->call, error);
        return;
    }
    jf_answer_finish(ticket->call, &response.base);
}

static void history_message(struct jf_service *service, struct jf_call *call, struct jf_text bytes)
{
    const ProtobufCMessage *message = jf_ticket_unpack(service, call, bytes);
    if (message == NULL) {
        return;
    }
    const Jifen__V1__HistoryRequest *request = (const Jifen__V1__HistoryRequest *)message;
    struct jf_read_query query = {.before_position = request->before_position,
                                  .limit =
                                      request->limit == 0 ? HISTORY_PAGE_DEFAULT : request->limit};
    if (!member_ref_take(call, request->member, &query.member)) {
        return;
    }
    if (query.limit > JF_HISTORY_PAGE_MAX) {
        jf_status_finish_field(call, "limit", JF_HISTORY_PAGE_MAX, "1 to 1000 entries a page");
        return;
    }
    struct jf_ticket *ticket = jf_ticket_create(call, JF_REQUEST_HISTORY, 0, history_answer);
    if (ticket != NULL) {
        ticket->request.query = query;
        jf_ticket_submit(service, ticket);
    }
}

static void transaction_finish(struct jf_ticket *ticket, bool is_stored)
{
    if (jf_ticket_finish_refused(ticket)) {
        return;
    }
    const struct jf_read_answer *answer = &ticket->request.answer;
    if (answer->entry_count == 0) {
        jf_status_finish_code(ticket->call, JF_REFUSAL_UNKNOWN_TRANSACTION);
        return;
    }
    Jifen__V1__GetTransactionResponse response = JIFEN__V1__GET_TRANSACTION_RESPONSE__INIT;
    enum jf_error error = jf_entry_view(answer->entries[0], ticket->request.arena, &response.entry);
    if (error != JF_OK) {
        views_finish_error(ticket->call, error);
        return;
    }
    if (is_stored) {
        response.stored.data = (uint8_t *)(uintptr_t)answer->entries[0].data;
        response.stored.len = answer->entries[0].size;
    }
    jf_answer_finish(ticket->call, &response.base);
}

static void transaction_answer(struct jf_service *service, struct jf_ticket *ticket)
{
    (void)service;
    transaction_finish(ticket, false);
}

static void transaction_stored_answer(struct jf_service *service, struct jf_ticket *ticket)
{
    (void)service;
    transaction_finish(ticket, true);
}

static bool transaction_query(struct jf_call *call, const Jifen__V1__GetTransactionRequest *request,
                              struct jf_read_query *query)
{
    if (request->by_case == JIFEN__V1__GET_TRANSACTION_REQUEST__BY_POSITION) {
        query->position = request->position;
        if (query->position == 0) {
            jf_status_finish_field(call, "position", 0, "positions begin with 1");
            return false;
        }
        return true;
    }
    if (request->by_case == JIFEN__V1__GET_TRANSACTION_REQUEST__BY_TRANSACTION_ID) {
        query->transaction_id = jf_text_from(request->transaction_id);
    }
    if (query->transaction_id.size == 0 ||
        query->transaction_id.size > JF_TRANSACTION_ID_BYTES_MAX ||
        !jf_utf8_is_plain(query->transaction_id)) {
        jf_status_finish_field(call, "transaction_id", JF_TRANSACTION_ID_BYTES_MAX,
                               "1 to 64 bytes of UTF-8 without control characters, or a position "
                               "instead");
        return false;
    }
    return true;
}

static void transaction_message(struct jf_service *service, struct jf_call *call,
                                struct jf_text bytes)
{
    const ProtobufCMessage *message = jf_ticket_unpack(service, call, bytes);
    struct jf_read_query query = {.transaction_id = {NULL, 0}};
    const Jifen__V1__GetTransactionRequest *request =
        (const Jifen__V1__GetTransactionRequest *)message;
    if (message == NULL || !transaction_query(call, request, &query)) {
        return;
    }
    struct jf_ticket *ticket =
        jf_ticket_create(call, JF_REQUEST_GET_TRANSACTION, 0,
                         request->stored ? transaction_stored_answer : transaction_answer);
    if (ticket != NULL) {
        ticket->request.query = query;
        jf_ticket_submit(service, ticket);
    }
}

static const struct jf_method methods[] = {
    {.path = "/jifen.v1.Ledger/PostSale",
     .on_message = jf_ticket_write_message,
     .request = &jifen__v1__post_sale_request__descriptor,
     .decode = jf_decode_sale},
    {.path = "/jifen.v1.Ledger/Quote",
     .on_message = jf_ticket_write_message,
     .request = &jifen__v1__post_sale_request__descriptor,
     .decode = jf_decode_sale,
     .is_quote = true},
    {.path = "/jifen.v1.Ledger/PostReturn",
     .on_message = jf_ticket_write_message,
     .request = &jifen__v1__post_return_request__descriptor,
     .decode = jf_decode_return},
    {.path = "/jifen.v1.Ledger/Redeem",
     .on_message = jf_ticket_write_message,
     .request = &jifen__v1__redeem_request__descriptor,
     .decode = jf_decode_redeem},
    {.path = "/jifen.v1.Ledger/Hold",
     .on_message = jf_ticket_write_message,
     .request = &jifen__v1__hold_request__descriptor,
     .decode = jf_decode_hold},
    {.path = "/jifen.v1.Ledger/Capture",
     .on_message = jf_ticket_write_message,
     .request = &jifen__v1__capture_request__descriptor,
     .decode = jf_decode_capture},
    {.path = "/jifen.v1.Ledger/Void",
     .on_message = jf_ticket_write_message,
     .request = &jifen__v1__void_request__descriptor,
     .decode = jf_decode_void},
    {.path = "/jifen.v1.Ledger/PostBatch",
     .on_message = jf_batch_message,
     .request = &jifen__v1__post_batch_request__descriptor},
    {.path = "/jifen.v1.Ledger/Stream",
     .on_message = jf_stream_message,
     .on_half_close = jf_stream_half_close,
     .on_gone = jf_stream_gone,
     .is_client_stream = true,
     .is_server_stream = true},
    {.path = "/jifen.v1.Ledger/GetMember",
     .on_message = member_message,
     .request = &jifen__v1__get_member_request__descriptor},
    {.path = "/jifen.v1.Ledger/History",
     .on_message = history_message,
     .request = &jifen__v1__history_request__descriptor},
    {.path = "/jifen.v1.Ledger/GetTransaction",
     .on_message = transaction_message,
     .request = &jifen__v1__get_transaction_request__descriptor},
};

const struct jf_method_group jf_ledger_methods = {
    .service_name = "jifen.v1.Ledger",
    .methods = methods,
    .count = sizeof methods / sizeof methods[0],
};
