// A unary call: unpack, decode, submit; when collected, answer. All of it lives in the call's
// arena, which belongs to the ledger thread between submit and collect. Failures: malformed bytes
// (INVALID_ARGUMENT), a text with a NUL byte (INVALID_FIELD), a deadline that has passed
// (DEADLINE_EXCEEDED), a full lane (RESOURCE_EXHAUSTED at once), an engine that is shutting down or
// has failed. None writes anything.
#include <stdio.h>

#include "base/assert.h"
#include "service/answer.h"
#include "service/core.h"
#include "service/message.h"
#include "service/status.h"
#include "service/wire.h"

void jf_ticket_finish_too_large(struct jf_call *call)
{
    jf_arena_reset(jf_call_arena(call)); // nothing is kept of it, and the answer needs room
    jf_status_finish(call, JF_STATUS_RESOURCE_EXHAUSTED,
                     "The request has too many parts to be taken apart: send less at a time.");
}

struct jf_ticket *jf_ticket_create(struct jf_call *call, enum jf_request_kind kind,
                                   uint32_t write_count,
                                   void (*answer)(struct jf_service *, struct jf_ticket *))
{
    struct jf_arena *arena = jf_call_arena(call);
    size_t writes_bytes = (size_t)write_count * sizeof(struct jf_write);
    struct jf_ticket *ticket = jf_arena_calloc(arena, 1, sizeof *ticket + writes_bytes);
    if (ticket == NULL) {
        jf_ticket_finish_too_large(call);
        return NULL;
    }
    ticket->request.kind = kind;
    ticket->request.arena = arena;
    ticket->request.origin = ticket;
    ticket->request.writes = (struct jf_write *)(ticket + 1);
    ticket->request.write_count = write_count;
    ticket->call = call;
    ticket->answer = answer;
    return ticket;
}

enum jf_status jf_ticket_unpack_failure(enum jf_error error, const char *message_name,
                                        char *out_text)
{
    if (error == JF_ERROR_NO_MEMORY) {
        snprintf(out_text, JF_STATUS_TEXT_MAX,
                 "The %s has too many parts to be taken apart: send less at a time.", message_name);
        return JF_STATUS_RESOURCE_EXHAUSTED;
    }
    snprintf(out_text, JF_STATUS_TEXT_MAX,
             "MALFORMED: The bytes are no %s: encode the request with jifen.v1's .proto files.",
             message_name);
    return JF_STATUS_INVALID_ARGUMENT;
}

static bool is_past_deadline(struct jf_service *service, const struct jf_call *call)
{
    uint64_t deadline_us = jf_call_deadline_us(call);
    return deadline_us != 0 && service->clock_us() >= deadline_us;
}

const ProtobufCMessage *jf_ticket_unpack_unchecked(struct jf_service *service, struct jf_call *call,
                                                   struct jf_text bytes)
{
    const ProtobufCMessageDescriptor *descriptor = service->methods[jf_call_tag(call)]->request;
    JF_ASSERT(descriptor != NULL);
    if (is_past_deadline(service, call)) {
        jf_status_finish(call, JF_STATUS_DEADLINE_EXCEEDED,
                         "The deadline had passed before the request was read; nothing was done.");
        return NULL;
    }
    ProtobufCMessage *message;
    enum jf_error error = jf_message_unpack(descriptor, bytes, jf_call_arena(call), &message);
    if (error == JF_ERROR_NO_MEMORY) {
        jf_ticket_finish_too_large(call);
        return NULL;
    }
    if (error != JF_OK) {
        char text[JF_STATUS_TEXT_MAX];
        enum jf_status status = jf_ticket_unpack_failure(error, descriptor->name, text);
        jf_status_finish(call, status, "%s", text);
        return NULL;
    }
    return message;
}

const ProtobufCMessage *jf_ticket_unpack(struct jf_service *service, struct jf_call *call,
                                         struct jf_text bytes)
{
    const ProtobufCMessage *message = jf_ticket_unpack_unchecked(service, call, bytes);
    char path[JF_WIRE_PATH_MAX];
    if (message != NULL && jf_wire_find_nul(message->descriptor, bytes, 0, path)) {
        jf_status_finish_field(call, path, 0, JF_NUL_DETAIL);
        return NULL;
    }
    return message;
}

enum jf_refusal_code jf_ticket_closed_code(struct jf_service *service)
{
    struct jf_diagnosis diagnosis;
    return jf_engine_has_failed(service->engine, &diagnosis) ? JF_REFUSAL_FAILED
                                                             : JF_REFUSAL_SHUTTING_DOWN;
}

void jf_ticket_submit(struct jf_service *service, struct jf_ticket *ticket)
{
    enum jf_error error = jf_lane_submit(service->lane, &ticket->request);
    if (error == JF_OK) {
        jf_service_submitted(service);
    } else if (error == JF_ERROR_BUSY) {
        jf_lane_count_overload(service->lane);
        jf_status_finish_code(ticket->call, JF_REFUSAL_OVERLOADED);
    } else {
        jf_status_finish_code(ticket->call, jf_ticket_closed_code(service));
    }
}

bool jf_ticket_finish_refused(struct jf_ticket *ticket)
{
    const struct jf_refusal *refusal = ticket->request.answer.refusal;
    if (refusal != NULL) {
        jf_status_finish_refusal(ticket->call, refusal);
    }
    return refusal != NULL;
}

void jf_ticket_write_message(struct jf_service *service, struct jf_call *call, struct jf_text bytes)
{
    const struct jf_method *method = service->methods[jf_call_tag(call)];
    const ProtobufCMessage *message = jf_ticket_unpack(service, call, bytes);
    if (message == NULL) {
        return;
    }
    enum jf_request_kind kind = method->is_quote ? JF_REQUEST_QUOTE : JF_REQUEST_WRITE;
    void (*answer)(struct jf_service *, struct jf_ticket *) =
        method->answer != NULL ? method->answer : jf_ticket_write_answer;
    struct jf_ticket *ticket = jf_ticket_create(call, kind, 1, answer);
    if (ticket == NULL) {
        return;
    }
    if (!method->decode(message, jf_call_arena(call), &ticket->request.writes[0].command)) {
        jf_ticket_finish_too_large(call);
        return;
    }
    jf_ticket_submit(service, ticket);
}

void jf_ticket_finish_ok(struct jf_call *call)
{
    jf_call_finish(call, JF_STATUS_OK, (struct jf_text){NULL, 0}, (struct jf_text){NULL, 0}, 0);
}

void jf_ticket_write_answer(struct jf_service *service, struct jf_ticket *ticket)
{
    (void)service;
    const struct jf_write *write = &ticket->request.writes[0];
    bool is_answered = write->status == JF_WRITE_POSTED || write->status == JF_WRITE_REPLAYED;
    if (write->refusal != NULL) {
        jf_status_finish_refusal(ticket->call, write->refusal);
        return;
    }
    if (!is_answered) { // the engine stopped before it was decided
        jf_status_finish_code(ticket->call, JF_REFUSAL_FAILED);
        return;
    }
    struct jf_answer answer = {.outcome = write->outcome,
                               .refusal = {NULL, 0},
                               .is_replayed = write->status == JF_WRITE_REPLAYED};
    unsigned char *to = jf_call_send(ticket->call, (uint32_t)jf_answer_size(&answer));
    if (to == NULL) {
        jf_status_finish(ticket->call, JF_STATUS_RESOURCE_EXHAUSTED,
                         "There is no memory for the answer; the same request again gets it.");
        return;
    }
    jf_answer_put(to, &answer);
    jf_ticket_finish_ok(ticket->call);
}
