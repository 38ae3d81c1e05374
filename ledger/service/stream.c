// Ledger.Stream: each message is a request of its own with an arena of its own; the lane gives
// answers in the order of submission, so each stream's answers come in the order of its requests. A
// stream is paused while it has as much outstanding as it may, while its client does not read, and
// while the lane is full: then decoded messages are parked and submitted in their order as soon as
// there is room. Failures: a malformed message ends the stream after what came before it was
// answered; so does a shutdown, with UNAVAILABLE; too many streams are refused with
// RESOURCE_EXHAUSTED. A client that has gone is finished when the engine has given back what it had
// sent.
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "service/answer.h"
#include "service/core.h"
#include "service/message.h"
#include "service/status.h"
#include "service/wire.h"

#define STREAMS_MAX           256u
#define OUTSTANDING_MAX       64u        // requests: a durable write's worth at any rate we reach
#define OUTSTANDING_BYTES_MAX (1u << 20) // of one stream's request messages
#define UNSENT_BYTES_MAX      (1u << 20) // answers a client has not read
#define SLOT_ARENA_BYTES      4096u
#define SLOT_ARENA_BYTES_MAX                                                                       \
    (8u << 20) // the largest receipt, its entry and its answer many times over
#define SLOT_ARENA_KEPT_BYTES (64u << 10)

struct jf_stream {
    struct jf_call *call;
    struct jf_stream *previous;
    struct jf_stream *next;
    uint32_t outstanding;
    uint64_t outstanding_bytes;
    bool is_half_closed;
    bool is_paused;
    bool is_cut;    // an answer could not be sent: none may follow, their order tells them apart
    bool is_ending; // takes no more messages; ends with what is below when nothing is outstanding
    enum jf_status end_status;
    uint32_t end_retry_ms;
    char end_text[JF_STATUS_TEXT_MAX];
};

struct jf_slot {
    struct jf_ticket ticket; // first: the ticket's answer finds its slot
    struct jf_write write;
    struct jf_arena arena;
    struct jf_stream *stream;
    struct jf_slot *next; // free or parked
    uint32_t bytes;       // of the request message
};

static void stream_finish(struct jf_service *service, struct jf_stream *stream)
{
    JF_ASSERT(stream->outstanding == 0);
    if (stream->previous != NULL) {
        stream->previous->next = stream->next;
    } else {
        service->streams = stream->next;
    }
    if (stream->next != NULL) {
        stream->next->previous = stream->previous;
    }
    service->stream_count -= 1;
    jf_call_finish(stream->call, stream->end_status, jf_text_from(stream->end_text),
                   (struct jf_text){NULL, 0}, stream->end_retry_ms);
}

// Whether the stream was done and is dead now.
static bool stream_finish_if_done(struct jf_service *service, struct jf_stream *stream)
{
    bool is_over = stream->is_half_closed || stream->is_ending || jf_call_is_gone(stream->call);
    if (!is_over || stream->outstanding > 0) {
        return false;
    }
    stream_finish(service, stream);
    return true;
}

// The first reason counts.
static void stream_end(struct jf_stream *stream, enum jf_status status, const char *text)
{
    if (stream->is_ending) {
        return;
    }
    stream->is_ending = true;
    stream->end_status = status;
    snprintf(stream->end_text, sizeof stream->end_text, "%s", text);
}

static void stream_end_code(struct jf_stream *stream, enum jf_refusal_code code)
{
    char text[JF_STATUS_TEXT_MAX];
    struct jf_refusal refusal = {.code = code};
    jf_status_refusal_text(&refusal, text);
    if (!stream->is_ending) {
        stream->end_retry_ms = jf_status_retry_ms(code);
    }
    stream_end(stream, jf_status_of_refusal(code), text);
}

static bool is_full(const struct jf_stream *stream)
{
    return stream->outstanding >= OUTSTANDING_MAX ||
           stream->outstanding_bytes >= OUTSTANDING_BYTES_MAX ||
           jf_call_unsent_bytes(stream->call) >= UNSENT_BYTES_MAX;
}

static void pause_or_resume(struct jf_service *service, struct jf_stream *stream)
{
    if (jf_call_is_gone(stream->call) || stream->is_half_closed) {
        return;
    }
    bool wants_pause = is_full(stream) || service->parked_first != NULL;
    if (wants_pause && !stream->is_paused) {
        stream->is_paused = true;
        jf_call_pause(stream->call);
    } else if (!wants_pause && stream->is_paused) {
        stream->is_paused = false;
        jf_call_resume(stream->call);
    }
}

static struct jf_slot *slot_take(struct jf_service *service)
{
    struct jf_slot *slot = service->free_slots;
    if (slot != NULL) {
        service->free_slots = slot->next;
        slot->next = NULL;
        return slot;
    }
    slot = calloc(1, sizeof *slot);
    if (slot != NULL) {
        jf_arena_init(&slot->arena, SLOT_ARENA_BYTES, SLOT_ARENA_BYTES_MAX);
    }
    return slot;
}

static void slot_give_back(struct jf_service *service, struct jf_slot *slot)
{
    jf_arena_reset(&slot->arena);
    if (slot->arena.held_bytes > SLOT_ARENA_KEPT_BYTES) {
        jf_arena_deinit(&slot->arena);
        jf_arena_init(&slot->arena, SLOT_ARENA_BYTES, SLOT_ARENA_BYTES_MAX);
    }
    slot->next = service->free_slots;
    service->free_slots = slot;
}

static void slot_release(struct jf_service *service, struct jf_slot *slot)
{
    struct jf_stream *stream = slot->stream;
    JF_ASSERT(stream->outstanding > 0);
    stream->outstanding -= 1;
    stream->outstanding_bytes -= slot->bytes;
    slot_give_back(service, slot);
    if (!stream_finish_if_done(service, stream)) {
        pause_or_resume(service, stream);
    }
}

// StreamResponse {1: WriteResult}
static bool result_send(const struct jf_slot *slot)
{
    struct jf_answer answer = jf_answer_of_write(&slot->write, slot->ticket.request.arena);
    if (answer.outcome.size == 0 && answer.refusal.size == 0) {
        return false;
    }
    uint64_t inner = jf_answer_size(&answer);
    uint64_t size = jf_wire_bytes_size(inner);
    unsigned char *to =
        size > JF_MESSAGE_BYTES_MAX ? NULL : jf_call_send(slot->stream->call, (uint32_t)size);
    if (to == NULL) {
        return false;
    }
    to = jf_wire_put_length(to, 1, inner);
    jf_answer_put(to, &answer);
    return true;
}

static void slot_answer(struct jf_service *service, struct jf_ticket *ticket)
{
    struct jf_slot *slot = (struct jf_slot *)ticket;
    struct jf_stream *stream = slot->stream;
    if (!jf_call_is_gone(stream->call) && !stream->is_cut && !result_send(slot)) {
        stream->is_cut = true;
        stream->is_ending = false; // this is worse than any reason before
        stream_end(stream, JF_STATUS_RESOURCE_EXHAUSTED,
                   "An answer does not fit; send the writes again from the first unanswered one.");
    }
    slot_release(service, slot);
}

static void park(struct jf_service *service, struct jf_slot *slot)
{
    slot->next = NULL;
    if (service->parked_last != NULL) {
        service->parked_last->next = slot;
    } else {
        service->parked_first = slot;
    }
    service->parked_last = slot;
}

// Returns: false when the lane is full and the slot waits.
static bool slot_submit(struct jf_service *service, struct jf_slot *slot)
{
    enum jf_error error = jf_lane_submit(service->lane, &slot->ticket.request);
    if (error == JF_ERROR_BUSY) {
        return false;
    }
    if (error == JF_OK) {
        jf_service_submitted(service);
        return true;
    }
    stream_end_code(slot->stream, jf_ticket_closed_code(service));
    slot_release(service, slot);
    return true;
}

static void slot_request(struct jf_slot *slot)
{
    slot->write.status = JF_WRITE_PENDING;
    slot->write.outcome = (struct jf_text){NULL, 0};
    slot->write.refusal = NULL;
    slot->ticket = (struct jf_ticket){.request = {.kind = JF_REQUEST_WRITE,
                                                  .arena = &slot->arena,
                                                  .origin = &slot->ticket,
                                                  .writes = &slot->write,
                                                  .write_count = 1},
                                      .call = slot->stream->call,
                                      .answer = slot_answer};
}

// Returns: whether the slot holds a command; otherwise the stream is ending.
static bool slot_decode(struct jf_slot *slot, struct jf_text bytes)
{
    static const ProtobufCMessageDescriptor *const descriptor =
        &jifen__v1__stream_request__descriptor;
    ProtobufCMessage *message;
    enum jf_error error = jf_message_unpack(descriptor, bytes, &slot->arena, &message);
    if (error == JF_OK) {
        const Jifen__V1__StreamRequest *request = (const Jifen__V1__StreamRequest *)message;
        struct jf_command *command = &slot->write.command;
        if (jf_decode_write(request->write, &slot->arena, command) &&
            jf_decode_nul(descriptor, bytes, 2, &slot->arena, command)) {
            return true;
        }
        error = JF_ERROR_NO_MEMORY;
    }
    char text[JF_STATUS_TEXT_MAX];
    enum jf_status status = jf_ticket_unpack_failure(error, descriptor->name, text);
    stream_end(slot->stream, status, text);
    return false;
}

static void message_take(struct jf_service *service, struct jf_stream *stream, struct jf_text bytes)
{
    struct jf_slot *slot = slot_take(service);
    if (slot == NULL) {
        stream_end(stream, JF_STATUS_RESOURCE_EXHAUSTED, "There is no memory for this request.");
        return;
    }
    slot->stream = stream;
    slot->bytes = bytes.size;
    if (!slot_decode(slot, bytes)) {
        slot_give_back(service, slot);
        return;
    }
    slot_request(slot);
    stream->outstanding += 1;
    stream->outstanding_bytes += bytes.size;
    if (service->parked_first != NULL || !slot_submit(service, slot)) {
        park(service, slot);
    }
}

static struct jf_stream *stream_open(struct jf_service *service, struct jf_call *call)
{
    if (service->stream_count >= STREAMS_MAX) {
        jf_lane_count_overload(service->lane);
        jf_status_finish_code(call, JF_REFUSAL_OVERLOADED);
        return NULL;
    }
    struct jf_stream *stream = jf_arena_calloc(jf_call_arena(call), 1, sizeof *stream);
    if (stream == NULL) {
        jf_status_finish(call, JF_STATUS_RESOURCE_EXHAUSTED, "There is no memory for this call.");
        return NULL;
    }
    stream->call = call;
    stream->next = service->streams;
    if (stream->next != NULL) {
        stream->next->previous = stream;
    }
    service->streams = stream;
    service->stream_count += 1;
    jf_call_set_context(call, stream);
    return stream;
}

void jf_stream_message(struct jf_service *service, struct jf_call *call, struct jf_text bytes)
{
    struct jf_stream *stream = jf_call_context(call);
    if (stream == NULL) {
        stream = stream_open(service, call);
        if (stream == NULL) {
            return;
        }
        if (service->is_draining) {
            stream_end_code(stream, JF_REFUSAL_SHUTTING_DOWN);
        }
    }
    if (!stream->is_ending) {
        stream->outstanding += 1; // held while its own message is taken
        message_take(service, stream, bytes);
        stream->outstanding -= 1;
    }
    if (!stream_finish_if_done(service, stream)) {
        pause_or_resume(service, stream);
    }
}

void jf_stream_half_close(struct jf_service *service, struct jf_call *call)
{
    struct jf_stream *stream = jf_call_context(call);
    if (stream == NULL) { // closed without a message
        jf_ticket_finish_ok(call);
        return;
    }
    stream->is_half_closed = true;
    stream_finish_if_done(service, stream);
}

void jf_stream_gone(struct jf_service *service, struct jf_call *call)
{
    struct jf_stream *stream = jf_call_context(call);
    if (stream == NULL) {
        jf_status_finish(call, JF_STATUS_CANCELLED, "The client has gone.");
        return;
    }
    stream_finish_if_done(service, stream);
}

void jf_stream_turn(struct jf_service *service)
{
    while (service->parked_first != NULL) {
        struct jf_slot *slot = service->parked_first;
        struct jf_slot *next = slot->next;
        if (!slot_submit(service, slot)) {
            break;
        }
        service->parked_first = next;
        if (next == NULL) {
            service->parked_last = NULL;
        }
    }
    for (struct jf_stream *stream = service->streams; stream != NULL; stream = stream->next) {
        if (stream->is_paused) {
            pause_or_resume(service, stream);
        }
    }
}

void jf_stream_drain(struct jf_service *service)
{
    struct jf_stream *next;
    for (struct jf_stream *stream = service->streams; stream != NULL; stream = next) {
        next = stream->next;
        if (!stream->is_half_closed) {
            stream_end_code(stream, JF_REFUSAL_SHUTTING_DOWN);
            stream_finish_if_done(service, stream);
        }
    }
}

void jf_stream_deinit(struct jf_service *service)
{
    JF_ASSERT(service->streams == NULL);
    while (service->free_slots != NULL) {
        struct jf_slot *slot = service->free_slots;
        service->free_slots = slot->next;
        jf_arena_deinit(&slot->arena);
        free(slot);
    }
}
