// Requests of jifen.v1.Members as commands, field by field in the order of their numbers (Enrol:
// decode.c). Nothing here fails: members that are not named are left to jf_command_check.
#include "base/assert.h"
#include "service/decode.h"

static struct jf_text text_of(const char *terminated)
{
    return jf_text_from(terminated == NULL ? "" : terminated);
}

bool jf_decode_update_member(const ProtobufCMessage *message, struct jf_arena *arena,
                             struct jf_command *out_command)
{
    JF_ASSERT(message->descriptor == &jifen__v1__update_member_request__descriptor);
    (void)arena;
    const Jifen__V1__UpdateMemberRequest *request = (const Jifen__V1__UpdateMemberRequest *)message;
    struct jf_command command = {.kind = JF_COMMAND_UPDATE_MEMBER,
                                 .transaction_id = text_of(request->transaction_id)};
    struct jf_update_member_command *update = &command.as.update_member;
    (void)jf_decode_member_ref(request->member, &update->member);
    update->birth_month = request->birth_month;
    update->birth_day = request->birth_day;
    update->home_store = request->home_store;
    update->tags = request->tags;
    update->is_erase = request->erase;
    *out_command = command;
    return true;
}

bool jf_decode_link_card(const ProtobufCMessage *message, struct jf_arena *arena,
                         struct jf_command *out_command)
{
    JF_ASSERT(message->descriptor == &jifen__v1__link_card_request__descriptor);
    (void)arena;
    const Jifen__V1__LinkCardRequest *request = (const Jifen__V1__LinkCardRequest *)message;
    struct jf_command command = {.kind = JF_COMMAND_LINK_CARD,
                                 .transaction_id = text_of(request->transaction_id)};
    (void)jf_decode_member_ref(request->member, &command.as.link_card.member);
    command.as.link_card.card = text_of(request->card);
    *out_command = command;
    return true;
}

bool jf_decode_unlink_card(const ProtobufCMessage *message, struct jf_arena *arena,
                           struct jf_command *out_command)
{
    JF_ASSERT(message->descriptor == &jifen__v1__unlink_card_request__descriptor);
    (void)arena;
    const Jifen__V1__UnlinkCardRequest *request = (const Jifen__V1__UnlinkCardRequest *)message;
    struct jf_command command = {.kind = JF_COMMAND_UNLINK_CARD,
                                 .transaction_id = text_of(request->transaction_id)};
    command.as.unlink_card.card.card = text_of(request->card);
    *out_command = command;
    return true;
}

bool jf_decode_freeze(const ProtobufCMessage *message, struct jf_arena *arena,
                      struct jf_command *out_command)
{
    JF_ASSERT(message->descriptor == &jifen__v1__freeze_request__descriptor);
    (void)arena;
    const Jifen__V1__FreezeRequest *request = (const Jifen__V1__FreezeRequest *)message;
    struct jf_command command = {.kind = JF_COMMAND_FREEZE,
                                 .transaction_id = text_of(request->transaction_id)};
    (void)jf_decode_member_ref(request->member, &command.as.freeze.member);
    command.as.freeze.is_thaw = request->thaw;
    *out_command = command;
    return true;
}

bool jf_decode_close(const ProtobufCMessage *message, struct jf_arena *arena,
                     struct jf_command *out_command)
{
    JF_ASSERT(message->descriptor == &jifen__v1__close_request__descriptor);
    (void)arena;
    const Jifen__V1__CloseRequest *request = (const Jifen__V1__CloseRequest *)message;
    struct jf_command command = {.kind = JF_COMMAND_CLOSE,
                                 .transaction_id = text_of(request->transaction_id)};
    (void)jf_decode_member_ref(request->member, &command.as.close.member);
    *out_command = command;
    return true;
}

bool jf_decode_merge(const ProtobufCMessage *message, struct jf_arena *arena,
                     struct jf_command *out_command)
{
    JF_ASSERT(message->descriptor == &jifen__v1__merge_request__descriptor);
    (void)arena;
    const Jifen__V1__MergeRequest *request = (const Jifen__V1__MergeRequest *)message;
    struct jf_command command = {.kind = JF_COMMAND_MERGE,
                                 .transaction_id = text_of(request->transaction_id)};
    (void)jf_decode_member_ref(request->from, &command.as.merge.from);
    (void)jf_decode_member_ref(request->into, &command.as.merge.into);
    *out_command = command;
    return true;
}

bool jf_decode_adjust(const ProtobufCMessage *message, struct jf_arena *arena,
                      struct jf_command *out_command)
{
    JF_ASSERT(message->descriptor == &jifen__v1__adjust_request__descriptor);
    (void)arena;
    const Jifen__V1__AdjustRequest *request = (const Jifen__V1__AdjustRequest *)message;
    struct jf_command command = {.kind = JF_COMMAND_ADJUST,
                                 .transaction_id = text_of(request->transaction_id)};
    struct jf_adjust_command *adjust = &command.as.adjust;
    (void)jf_decode_member_ref(request->member, &adjust->member);
    adjust->points = request->points;
    adjust->reason_code = text_of(request->reason_code);
    adjust->operator_name = text_of(request->operator_);
    adjust->approver = text_of(request->approver);
    adjust->entity.value = request->entity;
    adjust->adjusted_at_ms = request->adjusted_at_ms;
    *out_command = command;
    return true;
}

bool jf_decode_transfer(const ProtobufCMessage *message, struct jf_arena *arena,
                        struct jf_command *out_command)
{
    JF_ASSERT(message->descriptor == &jifen__v1__transfer_request__descriptor);
    (void)arena;
    const Jifen__V1__TransferRequest *request = (const Jifen__V1__TransferRequest *)message;
    struct jf_command command = {.kind = JF_COMMAND_TRANSFER,
                                 .transaction_id = text_of(request->transaction_id)};
    struct jf_transfer_command *transfer = &command.as.transfer;
    (void)jf_decode_member_ref(request->from, &transfer->from);
    (void)jf_decode_member_ref(request->to, &transfer->to);
    transfer->points = request->points;
    transfer->operator_name = text_of(request->operator_);
    transfer->transferred_at_ms = request->transferred_at_ms;
    *out_command = command;
    return true;
}
