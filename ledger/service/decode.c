// Field by field, in the order of their numbers. Failures: an arena that is full; a member that is
// not named and a date that is none are noted in the command.
#include "service/decode.h"

#include "base/assert.h"
#include "engine/entry_codec.h"
#include "service/wire.h"

static struct jf_text text_of(const char *terminated)
{
    return jf_text_from(terminated == NULL ? "" : terminated);
}

const char *jf_decode_member_ref(const Jifen__V1__MemberRef *message,
                                 struct jf_member_ref *out_member)
{
    struct jf_member_ref member = {.card = {NULL, 0}};
    *out_member = member;
    if (message == NULL) {
        return "member";
    }
    switch (message->by_case) {
    case JIFEN__V1__MEMBER_REF__BY_NUMBER:
        out_member->number.value = message->number;
        return message->number == 0 ? "member.number" : NULL;
    case JIFEN__V1__MEMBER_REF__BY_CARD:
        out_member->card = text_of(message->card);
        return out_member->card.size == 0 ? "member.card" : NULL;
    default:
        return "member";
    }
}

bool jf_decode_date(int32_t wire, jf_date *out_date)
{
    *out_date = wire == 0 ? JF_DATE_NONE : jf_date_from_wire(wire, JF_DATE_NONE);
    return wire == 0 || *out_date != JF_DATE_NONE;
}

static bool decode_lines(const Jifen__V1__Receipt *message, struct jf_arena *arena,
                         struct jf_receipt *receipt)
{
    struct jf_line *lines = jf_arena_calloc(arena, message->n_lines, sizeof *lines);
    if (lines == NULL) {
        return false;
    }
    for (size_t i = 0; i < message->n_lines; i++) {
        const Jifen__V1__Line *line = message->lines[i];
        lines[i] = (struct jf_line){.sku = text_of(line->sku),
                                    .category = text_of(line->category),
                                    .quantity_milli = line->quantity_milli,
                                    .amount = line->amount};
    }
    receipt->lines = lines;
    receipt->line_count = (uint32_t)message->n_lines;
    return true;
}

static bool decode_tenders(const Jifen__V1__Receipt *message, struct jf_arena *arena,
                           struct jf_receipt *receipt)
{
    receipt->tender_count = (uint32_t)message->n_tenders;
    if (message->n_tenders == 0) {
        return true;
    }
    struct jf_tender *tenders = jf_arena_calloc(arena, message->n_tenders, sizeof *tenders);
    if (tenders == NULL) {
        return false;
    }
    for (size_t i = 0; i < message->n_tenders; i++) {
        tenders[i] = (struct jf_tender){.type = text_of(message->tenders[i]->type),
                                        .amount = message->tenders[i]->amount};
    }
    receipt->tenders = tenders;
    return true;
}

static bool decode_receipt(const Jifen__V1__Receipt *message, struct jf_arena *arena,
                           struct jf_receipt *receipt)
{
    receipt->store.value = message->store;
    receipt->terminal = message->terminal;
    receipt->number = text_of(message->number);
    receipt->sold_at_ms = message->sold_at_ms;
    return decode_lines(message, arena, receipt) && decode_tenders(message, arena, receipt);
}

bool jf_decode_sale(const ProtobufCMessage *message, struct jf_arena *arena,
                    struct jf_command *out_command)
{
    JF_ASSERT(message->descriptor == &jifen__v1__post_sale_request__descriptor);
    const Jifen__V1__PostSaleRequest *request = (const Jifen__V1__PostSaleRequest *)message;
    struct jf_command command = {.kind = JF_COMMAND_SALE,
                                 .transaction_id = text_of(request->transaction_id)};
    struct jf_sale_command *sale = &command.as.sale;
    (void)jf_decode_member_ref(request->member, &sale->member); // jf_command_check judges it
    sale->redeem_points = request->redeem_points;
    sale->is_offline = request->offline;
    if (request->receipt != NULL && !decode_receipt(request->receipt, arena, &sale->receipt)) {
        return false;
    }
    *out_command = command;
    return true;
}

bool jf_decode_return(const ProtobufCMessage *message, struct jf_arena *arena,
                      struct jf_command *out_command)
{
    JF_ASSERT(message->descriptor == &jifen__v1__post_return_request__descriptor);
    const Jifen__V1__PostReturnRequest *request = (const Jifen__V1__PostReturnRequest *)message;
    struct jf_command command = {.kind = JF_COMMAND_RETURN,
                                 .transaction_id = text_of(request->transaction_id)};
    struct jf_return_command *sale_return = &command.as.sale_return;
    sale_return->sale_transaction_id = text_of(request->sale_transaction_id);
    sale_return->store.value = request->store;
    sale_return->terminal = request->terminal;
    sale_return->returned_at_ms = request->returned_at_ms;
    sale_return->is_all = request->all;
    struct jf_return_line *lines = jf_arena_calloc(arena, request->n_lines, sizeof *lines);
    if (lines == NULL) {
        return false;
    }
    for (size_t i = 0; i < request->n_lines; i++) {
        const Jifen__V1__ReturnLine *line = request->lines[i];
        lines[i] = (struct jf_return_line){.line_number = line->line_number,
                                           .quantity_milli = line->quantity_milli,
                                           .is_whole = line->whole};
    }
    sale_return->lines = lines;
    sale_return->line_count = (uint32_t)request->n_lines;
    *out_command = command;
    return true;
}

bool jf_decode_redeem(const ProtobufCMessage *message, struct jf_arena *arena,
                      struct jf_command *out_command)
{
    JF_ASSERT(message->descriptor == &jifen__v1__redeem_request__descriptor);
    (void)arena;
    const Jifen__V1__RedeemRequest *request = (const Jifen__V1__RedeemRequest *)message;
    struct jf_command command = {.kind = JF_COMMAND_REDEEM,
                                 .transaction_id = text_of(request->transaction_id)};
    struct jf_redeem_command *redeem = &command.as.redeem;
    (void)jf_decode_member_ref(request->member, &redeem->member);
    redeem->store.value = request->store;
    redeem->terminal = request->terminal;
    redeem->redeemed_at_ms = request->redeemed_at_ms;
    redeem->points = request->points;
    redeem->reward = text_of(request->reward);
    *out_command = command;
    return true;
}

bool jf_decode_hold(const ProtobufCMessage *message, struct jf_arena *arena,
                    struct jf_command *out_command)
{
    JF_ASSERT(message->descriptor == &jifen__v1__hold_request__descriptor);
    (void)arena;
    const Jifen__V1__HoldRequest *request = (const Jifen__V1__HoldRequest *)message;
    struct jf_command command = {.kind = JF_COMMAND_HOLD,
                                 .transaction_id = text_of(request->transaction_id)};
    struct jf_hold_command *hold = &command.as.hold;
    (void)jf_decode_member_ref(request->member, &hold->member);
    hold->store.value = request->store;
    hold->terminal = request->terminal;
    hold->held_at_ms = request->held_at_ms;
    hold->points = request->points;
    hold->deadline_ms = request->deadline_ms;
    hold->reward = text_of(request->reward);
    *out_command = command;
    return true;
}

bool jf_decode_capture(const ProtobufCMessage *message, struct jf_arena *arena,
                       struct jf_command *out_command)
{
    JF_ASSERT(message->descriptor == &jifen__v1__capture_request__descriptor);
    (void)arena;
    const Jifen__V1__CaptureRequest *request = (const Jifen__V1__CaptureRequest *)message;
    struct jf_command command = {.kind = JF_COMMAND_CAPTURE,
                                 .transaction_id = text_of(request->transaction_id)};
    command.as.capture =
        (struct jf_capture_command){.hold_transaction_id = text_of(request->hold_transaction_id),
                                    .captured_at_ms = request->captured_at_ms,
                                    .points = request->points};
    *out_command = command;
    return true;
}

bool jf_decode_void(const ProtobufCMessage *message, struct jf_arena *arena,
                    struct jf_command *out_command)
{
    JF_ASSERT(message->descriptor == &jifen__v1__void_request__descriptor);
    (void)arena;
    const Jifen__V1__VoidRequest *request = (const Jifen__V1__VoidRequest *)message;
    struct jf_command command = {.kind = JF_COMMAND_VOID,
                                 .transaction_id = text_of(request->transaction_id)};
    command.as.void_hold =
        (struct jf_void_command){.hold_transaction_id = text_of(request->hold_transaction_id),
                                 .voided_at_ms = request->voided_at_ms};
    *out_command = command;
    return true;
}

bool jf_decode_enrol(const ProtobufCMessage *message, struct jf_arena *arena,
                     struct jf_command *out_command)
{
    JF_ASSERT(message->descriptor == &jifen__v1__enrol_request__descriptor);
    const Jifen__V1__EnrolRequest *request = (const Jifen__V1__EnrolRequest *)message;
    struct jf_command command = {.kind = JF_COMMAND_ENROL,
                                 .transaction_id = text_of(request->transaction_id)};
    struct jf_enrol_command *enrol = &command.as.enrol;
    enrol->number.value = request->number;
    struct jf_text *cards = jf_arena_calloc(arena, request->n_cards, sizeof *cards);
    if (cards == NULL) {
        return false;
    }
    for (size_t i = 0; i < request->n_cards; i++) {
        cards[i] = text_of(request->cards[i]);
    }
    enrol->cards = cards;
    enrol->card_count = (uint32_t)request->n_cards;
    (void)jf_decode_date(request->enrolled_on, &enrol->enrolled_on); // JF_DATE_NONE is refused
    enrol->birth_month = request->birth_month;
    enrol->birth_day = request->birth_day;
    enrol->home_store = request->home_store;
    enrol->tags = request->tags;
    *out_command = command;
    return true;
}

bool jf_decode_set_tier(const ProtobufCMessage *message, struct jf_arena *arena,
                        struct jf_command *out_command)
{
    JF_ASSERT(message->descriptor == &jifen__v1__set_tier_request__descriptor);
    (void)arena;
    const Jifen__V1__SetTierRequest *request = (const Jifen__V1__SetTierRequest *)message;
    struct jf_command command = {.kind = JF_COMMAND_SET_TIER,
                                 .transaction_id = text_of(request->transaction_id)};
    struct jf_set_tier_command *set_tier = &command.as.set_tier;
    (void)jf_decode_member_ref(request->member, &set_tier->member);
    set_tier->tier = text_of(request->tier);
    set_tier->operator_name = text_of(request->operator_);
    set_tier->until = JF_DATE_EVER;
    if (request->until != 0) {
        (void)jf_decode_date(request->until, &set_tier->until); // JF_DATE_NONE is refused
    }
    *out_command = command;
    return true;
}

bool jf_decode_publish(const ProtobufCMessage *message, struct jf_arena *arena,
                       struct jf_command *out_command)
{
    JF_ASSERT(message->descriptor == &jifen__v1__publish_request__descriptor);
    (void)arena;
    const Jifen__V1__PublishRequest *request = (const Jifen__V1__PublishRequest *)message;
    struct jf_command command = {.kind = JF_COMMAND_PUBLISH,
                                 .transaction_id = text_of(request->transaction_id)};
    command.as.publish.yaml = text_of(request->yaml);
    command.as.publish.file_name = text_of(request->file_name);
    *out_command = command;
    return true;
}

bool jf_decode_put_store(const ProtobufCMessage *message, struct jf_arena *arena,
                         struct jf_command *out_command)
{
    JF_ASSERT(message->descriptor == &jifen__v1__put_store_request__descriptor);
    (void)arena;
    const Jifen__V1__PutStoreRequest *request = (const Jifen__V1__PutStoreRequest *)message;
    struct jf_command command = {.kind = JF_COMMAND_PUT_STORE,
                                 .transaction_id = text_of(request->transaction_id)};
    struct jf_put_store_command *store = &command.as.put_store;
    store->store.value = request->store;
    store->entity.value = request->entity;
    store->region = text_of(request->region);
    store->zone = text_of(request->zone);
    store->day_start_minute = request->day_start_minute;
    *out_command = command;
    return true;
}

bool jf_decode_write(const Jifen__V1__Write *write, struct jf_arena *arena,
                     struct jf_command *out_command)
{
    // With an id, so that what is found missing is the write.
    struct jf_command none = {.kind = JF_COMMAND_NONE, .transaction_id = JF_TEXT("none")};
    *out_command = none;
    if (write == NULL) {
        return true;
    }
    switch (write->write_case) {
    case JIFEN__V1__WRITE__WRITE_SALE:
        return jf_decode_sale(&write->sale->base, arena, out_command);
    case JIFEN__V1__WRITE__WRITE_SALE_RETURN:
        return jf_decode_return(&write->sale_return->base, arena, out_command);
    case JIFEN__V1__WRITE__WRITE_REDEEM:
        return jf_decode_redeem(&write->redeem->base, arena, out_command);
    case JIFEN__V1__WRITE__WRITE_HOLD:
        return jf_decode_hold(&write->hold->base, arena, out_command);
    case JIFEN__V1__WRITE__WRITE_CAPTURE:
        return jf_decode_capture(&write->capture->base, arena, out_command);
    case JIFEN__V1__WRITE__WRITE_VOID_HOLD:
        return jf_decode_void(&write->void_hold->base, arena, out_command);
    default:
        return true;
    }
}

bool jf_decode_nul(const ProtobufCMessageDescriptor *descriptor, struct jf_text bytes,
                   uint32_t skip, struct jf_arena *arena, struct jf_command *command)
{
    char path[JF_WIRE_PATH_MAX];
    if (!jf_wire_find_nul(descriptor, bytes, skip, path)) {
        return true;
    }
    size_t size = strlen(path) + 1;
    char *copy = jf_arena_alloc(arena, size);
    if (copy == NULL) {
        return false;
    }
    memcpy(copy, path, size);
    command->nul_field = copy;
    return true;
}
