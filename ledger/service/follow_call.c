// Calls of Operations.Follow. The follower's thread reads entries and makes messages of them; here
// they are only copied into the call's send buffer, as fast as the client reads and a slice a turn,
// so that tills wait for nobody who follows. Failures: kinds that there are not (INVALID_FIELD);
// too many that follow (RESOURCE_EXHAUSTED); a client that goes away, or a shutdown, ends the
// follower; a follower that failed ends its call.
#include "base/assert.h"
#include "engine/follow.h"
#include "jifen/v1/operations.pb-c.h"
#include "service/answer.h"
#include "service/core.h"
#include "service/entry_view.h"
#include "service/status.h"

#define HEARTBEAT_US     1000000u     // where it was asked for
#define PASSED_US        50000u       // the same, where entries were passed over since
#define UNSENT_BYTES_MAX (256u << 10) // past it the client reads first
#define TURN_BYTES_MAX   (64u << 10)  // copied for one follower in one turn

struct jf_follow_call {
    struct jf_call *call;
    struct jf_follow_call *previous;
    struct jf_follow_call *next;
    struct jf_follower *follower;
    struct jf_follow_item held; // taken and not yet sent
    bool has_held;
    bool is_heartbeat;
    bool is_stored; // render: send the entry's bytes too
    uint64_t sent_us;
    uint64_t told_position;
};

// In the follower's thread. Out: an encoded FollowResponse.
static enum jf_error render(void *context, struct jf_text entry, struct jf_arena *arena,
                            struct jf_text *out_message)
{
    const struct jf_follow_call *follow_call = context;
    Jifen__V1__FollowResponse response = JIFEN__V1__FOLLOW_RESPONSE__INIT;
    enum jf_error error = jf_entry_view(entry, arena, &response.entry);
    if (error != JF_OK) {
        return error;
    }
    response.position = response.entry->position;
    if (follow_call->is_stored) {
        response.stored.data = (uint8_t *)(uintptr_t)entry.data;
        response.stored.len = entry.size;
    }
    size_t size = jifen__v1__follow_response__get_packed_size(&response);
    uint8_t *bytes = size > JF_FOLLOW_MESSAGE_BYTES_MAX ? NULL : jf_arena_alloc(arena, size);
    if (bytes == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    *out_message = (struct jf_text){(const char *)bytes,
                                    (uint32_t)jifen__v1__follow_response__pack(&response, bytes)};
    return JF_OK;
}

static void wake(void *context)
{
    struct jf_service *service = context;
    atomic_store_explicit(&service->follow_news, 1, memory_order_release);
    jf_ring_wake(service->ring);
}

// Returns: false after the call was finished.
static bool kinds_read(struct jf_call *call, const Jifen__V1__FollowRequest *request,
                       uint64_t *out_kinds)
{
    *out_kinds = 0;
    for (size_t i = 0; i < request->n_kinds; i++) {
        uint32_t kind = jf_entry_kind_find(jf_text_from(request->kinds[i]));
        if (kind == 0) {
            jf_status_finish_field(call, "kinds", 0,
                                   "a kind of entry, such as sale, return or redemption");
            return false;
        }
        *out_kinds |= UINT64_C(1) << kind;
    }
    return true;
}

static void follow_start(struct jf_service *service, struct jf_follow_call *follow_call,
                         const struct jf_follow_input *input)
{
    struct jf_diagnosis diagnosis = {.text = ""};
    enum jf_error error =
        jf_follower_start(service->engine, input, &follow_call->follower, &diagnosis);
    if (error != JF_OK) {
        enum jf_status status = error == JF_ERROR_FOREIGN ? JF_STATUS_FAILED_PRECONDITION
                                                          : JF_STATUS_RESOURCE_EXHAUSTED;
        jf_status_finish(follow_call->call, status, "%s", diagnosis.text);
        return;
    }
    jf_call_set_context(follow_call->call, follow_call);
    follow_call->sent_us = service->clock_us();
    follow_call->next = service->follows;
    if (follow_call->next != NULL) {
        follow_call->next->previous = follow_call;
    }
    service->follows = follow_call;
}

void jf_follow_call_message(struct jf_service *service, struct jf_call *call, struct jf_text bytes)
{
    const ProtobufCMessage *message = jf_ticket_unpack(service, call, bytes);
    struct jf_follow_input input = {.render = render, .wake = wake, .wake_context = service};
    const Jifen__V1__FollowRequest *request = (const Jifen__V1__FollowRequest *)message;
    if (message == NULL || !kinds_read(call, request, &input.kinds)) {
        return;
    }
    if (service->is_draining) {
        jf_status_finish_code(call, JF_REFUSAL_SHUTTING_DOWN);
        return;
    }
    struct jf_follow_call *follow_call =
        jf_arena_calloc(jf_call_arena(call), 1, sizeof *follow_call);
    if (follow_call == NULL) {
        jf_status_finish(call, JF_STATUS_RESOURCE_EXHAUSTED, "There is no memory for this call.");
        return;
    }
    follow_call->call = call;
    follow_call->is_heartbeat = request->heartbeat;
    follow_call->is_stored = request->stored;
    input.from_position = request->from_position;
    input.generation = request->generation;
    input.render_context = follow_call;
    follow_start(service, follow_call, &input);
}

void jf_follow_call_gone(struct jf_service *service, struct jf_call *call)
{
    (void)service;
    struct jf_follow_call *follow_call = jf_call_context(call);
    JF_ASSERT(follow_call != NULL);
    jf_follower_stop(follow_call->follower); // finished when its thread has ended
}

static void finish_ended(struct jf_service *service, struct jf_call *call,
                         const struct jf_follow_state *state)
{
    const char *text =
        state->diagnosis.text[0] != '\0' ? state->diagnosis.text : jf_error_text(state->error);
    switch (state->error) {
    case JF_ERROR_CLOSED:
        if (service->is_draining) {
            jf_status_finish_code(call, JF_REFUSAL_SHUTTING_DOWN);
        } else {
            jf_status_finish(call, JF_STATUS_CANCELLED, "The client went away.");
        }
        return;
    case JF_ERROR_GAP:
        jf_status_finish(call, JF_STATUS_OUT_OF_RANGE, "%s", text);
        return;
    case JF_ERROR_CORRUPT:
        jf_status_finish(call, JF_STATUS_DATA_LOSS, "%s", text);
        return;
    case JF_ERROR_NO_MEMORY:
        jf_status_finish(call, JF_STATUS_RESOURCE_EXHAUSTED, "%s", text);
        return;
    default:
        jf_status_finish(call, JF_STATUS_INTERNAL, "%s", text);
    }
}

static void call_leave(struct jf_service *service, struct jf_follow_call *follow_call)
{
    if (follow_call->previous != NULL) {
        follow_call->previous->next = follow_call->next;
    } else {
        service->follows = follow_call->next;
    }
    if (follow_call->next != NULL) {
        follow_call->next->previous = follow_call->previous;
    }
}

// Sends the message that is held. Returns: whether there was room.
static bool held_send(struct jf_follow_call *follow_call)
{
    struct jf_text message = follow_call->held.message;
    unsigned char *to = jf_call_send(follow_call->call, message.size);
    if (to == NULL) {
        return false; // the bound of the connection's unsent bytes: the client reads first
    }
    memcpy(to, message.data, message.size);
    follow_call->has_held = false;
    follow_call->told_position = follow_call->held.position;
    return true;
}

// Returns: whether the follower has nothing more now; *out_is_short when the turn's slice ended.
static bool messages_send(struct jf_follow_call *follow_call, uint64_t now_us, bool *out_is_short)
{
    uint32_t sent_bytes = 0;
    *out_is_short = false;
    for (;;) {
        if (!follow_call->has_held) {
            follow_call->has_held = jf_follower_take(follow_call->follower, &follow_call->held);
        }
        if (!follow_call->has_held) {
            return true;
        }
        if (sent_bytes >= TURN_BYTES_MAX) {
            *out_is_short = true;
            return false;
        }
        sent_bytes += follow_call->held.message.size;
        if (jf_call_unsent_bytes(follow_call->call) > UNSENT_BYTES_MAX || !held_send(follow_call)) {
            return false;
        }
        follow_call->sent_us = now_us;
    }
}

static void heartbeat_send(struct jf_follow_call *follow_call, uint64_t position, uint64_t now_us)
{
    bool has_passed = position > follow_call->told_position;
    bool is_due = now_us - follow_call->sent_us >= (has_passed ? PASSED_US : HEARTBEAT_US) &&
                  jf_call_unsent_bytes(follow_call->call) == 0;
    if (!follow_call->is_heartbeat || !is_due) {
        return;
    }
    Jifen__V1__FollowResponse response = JIFEN__V1__FOLLOW_RESPONSE__INIT;
    response.position = has_passed ? position : follow_call->told_position;
    if (jf_answer_send(follow_call->call, &response.base)) {
        follow_call->sent_us = now_us;
        follow_call->told_position = response.position;
    }
}

// Returns: whether there is more to do without waiting for anything.
static bool follow_call_turn(struct jf_service *service, struct jf_follow_call *follow_call,
                             uint64_t now_us)
{
    bool is_gone = jf_call_is_gone(follow_call->call);
    bool is_short = false;
    bool is_taken = is_gone || messages_send(follow_call, now_us, &is_short);
    if (!is_taken && !service->is_draining) {
        return is_short;
    }
    struct jf_follow_item item;
    while (is_gone && jf_follower_take(follow_call->follower, &item)) { // nobody wants them
    }
    struct jf_follow_state state;
    jf_follower_state(follow_call->follower, &state);
    if (state.is_ended || (service->is_draining && state.error == JF_ERROR_CLOSED)) {
        call_leave(service, follow_call);
        jf_follower_release(follow_call->follower);
        finish_ended(service, follow_call->call, &state);
        return false;
    }
    if (is_taken && !is_gone) {
        heartbeat_send(follow_call, state.looked_position, now_us);
    }
    return false;
}

void jf_follow_call_turn(struct jf_service *service)
{
    if (service->follows == NULL) {
        return;
    }
    atomic_store_explicit(&service->follow_news, 0, memory_order_release);
    uint64_t now_us = service->clock_us();
    bool has_more = false;
    struct jf_follow_call *next;
    for (struct jf_follow_call *at = service->follows; at != NULL; at = next) {
        next = at->next;
        has_more |= follow_call_turn(service, at, now_us);
    }
    if (has_more) {
        atomic_store_explicit(&service->follow_news, 1, memory_order_release);
    }
}

void jf_follow_call_drain(struct jf_service *service)
{
    for (struct jf_follow_call *at = service->follows; at != NULL; at = at->next) {
        jf_follower_stop(at->follower);
    }
}
