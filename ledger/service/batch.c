// PostBatch: all writes of one message in one request, planned in their order, each with its own
// result, answered together. Failures: an empty or too large batch, and one that cannot be taken
// apart, is refused whole; an answer too large to be sent ends the call, and the same batch in
// smaller parts gets the same answers.
#include "base/assert.h"
#include "service/answer.h"
#include "service/core.h"
#include "service/status.h"
#include "service/wire.h"

// net lets a batch's answer be larger than other messages.
#define ANSWER_BYTES_MAX (4u * JF_MESSAGE_BYTES_MAX)

// Out: answers by write. Returns: bytes of the response, above ANSWER_BYTES_MAX where it cannot be
// sent.
static uint64_t answers_make(struct jf_ticket *ticket, struct jf_answer *answers)
{
    uint64_t size = 0;
    for (uint32_t i = 0; i < ticket->request.write_count; i++) {
        answers[i] = jf_answer_of_write(&ticket->request.writes[i], ticket->request.arena);
        if (answers[i].outcome.size == 0 && answers[i].refusal.size == 0) {
            return UINT64_MAX; // the arena is full
        }
        size += jf_wire_bytes_size(jf_answer_size(&answers[i]));
    }
    return size;
}

static void batch_answer(struct jf_service *service, struct jf_ticket *ticket)
{
    (void)service;
    struct jf_request *request = &ticket->request;
    struct jf_answer *answers =
        jf_arena_calloc(request->arena, request->write_count, sizeof *answers);
    uint64_t size = answers == NULL ? UINT64_MAX : answers_make(ticket, answers);
    unsigned char *to = size > ANSWER_BYTES_MAX ? NULL : jf_call_send(ticket->call, (uint32_t)size);
    if (to == NULL) {
        jf_status_finish(ticket->call, JF_STATUS_RESOURCE_EXHAUSTED,
                         "The writes were decided, but their answers do not fit into one message: "
                         "send them again in smaller batches to get the same answers.");
        return;
    }
    for (uint32_t i = 0; i < request->write_count; i++) {
        to = jf_wire_put_length(to, 1, jf_answer_size(&answers[i]));
        to = jf_answer_put(to, &answers[i]);
    }
    jf_ticket_finish_ok(ticket->call);
}

// The next write's bytes; all that is left where protobuf-c was more lenient than jf_wire_next.
static struct jf_text write_take(struct jf_text *rest)
{
    struct jf_wire_field field;
    while (jf_wire_next(rest, &field)) {
        if (field.number == 1 && field.type == JF_WIRE_BYTES) {
            return field.bytes;
        }
    }
    return *rest;
}

// In: rest, the batch's bytes, in which each write is looked through for what C strings hide.
static bool decode(const Jifen__V1__PostBatchRequest *message, struct jf_text rest,
                   struct jf_ticket *ticket)
{
    struct jf_arena *arena = ticket->request.arena;
    for (size_t i = 0; i < message->n_writes; i++) {
        struct jf_command *command = &ticket->request.writes[i].command;
        struct jf_text bytes = write_take(&rest);
        if (!jf_decode_write(message->writes[i], arena, command) ||
            !jf_decode_nul(&jifen__v1__write__descriptor, bytes, 1, arena, command)) {
            return false;
        }
    }
    return true;
}

void jf_batch_message(struct jf_service *service, struct jf_call *call, struct jf_text bytes)
{
    const ProtobufCMessage *unpacked = jf_ticket_unpack_unchecked(service, call, bytes);
    if (unpacked == NULL) {
        return;
    }
    const Jifen__V1__PostBatchRequest *message = (const Jifen__V1__PostBatchRequest *)unpacked;
    if (message->n_writes == 0 || message->n_writes > JF_BATCH_COUNT_MAX) {
        jf_status_finish_field(call, "writes", (int64_t)JF_BATCH_COUNT_MAX,
                               "a batch holds 1 to 8192 writes");
        return;
    }
    struct jf_ticket *ticket =
        jf_ticket_create(call, JF_REQUEST_WRITE, (uint32_t)message->n_writes, batch_answer);
    if (ticket == NULL) {
        return;
    }
    if (!decode(message, bytes, ticket)) {
        jf_ticket_finish_too_large(call);
        return;
    }
    jf_ticket_submit(service, ticket);
}
