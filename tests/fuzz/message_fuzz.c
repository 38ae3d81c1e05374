// Every request message of every RPC: unpacked, decoded, checked, planned against a small world,
// posted, answered, as service/ does it (message.h says what stands in for the rest). An input is a
// sequence of requests.
//
// Input, again and again: a byte that chooses the method; a byte that chooses how: bit 0: the
// message's bytes follow, with their size in two bytes before them, or else it is grown
// (message_grow.c); bits 1–2: what time passes before; bit 3: its client goes away; bit 4: a client
// stream ends; bit 5: the engine does not take it.
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "service/core.h"
#include "tests/fuzz/message.h"

#define REQUESTS_MAX 48u
#define TURNS_MAX    400u
#define DAY_US       UINT64_C(86400000000)

static struct jf_service *service;

static uint64_t clock_us(void)
{
    return message_ledger_clock_us();
}

static const ProtobufCMessageDescriptor *descriptor_of(const struct jf_method *method)
{
    static const char reflection[] = "/grpc.reflection";
    if (method->request != NULL) {
        return method->request;
    }
    if (strncmp(method->path, reflection, strlen(reflection)) == 0) {
        return &grpc__reflection__v1__server_reflection_request__descriptor;
    }
    return &jifen__v1__stream_request__descriptor;
}

static void turn(const struct jf_net_handler *handler)
{
    (void)handler->has_work(handler->context);
    handler->on_turn(handler->context);
}

static void time_pass(uint8_t how)
{
    static const uint64_t steps_us[] = {1000, DAY_US, 31 * DAY_US, 366 * DAY_US};
    message_ledger_wait(steps_us[how >> 1 & 3]);
}

// The call that takes a method's next message: a client stream's own, while it is open.
static struct jf_call *call_for(uint32_t tag, bool is_client_stream)
{
    for (uint32_t i = 0; is_client_stream && i < MESSAGE_CALLS_MAX; i++) {
        struct jf_call *call = message_call_at(i);
        if (message_call_is_open(call) && jf_call_tag(call) == tag && !jf_call_is_gone(call)) {
            return call;
        }
    }
    return message_call_open(tag);
}

static void go(const struct jf_net_handler *handler, struct jf_call *call)
{
    if (message_call_is_open(call) && !jf_call_is_gone(call)) {
        message_call_leave(call);
        handler->on_gone(handler->context, call);
    }
}

static void request_send(const struct jf_net_handler *handler, struct fuzz_input *input)
{
    uint32_t tag = fuzz_u8(input) % handler->method_count;
    uint8_t how = fuzz_u8(input);
    const struct jf_method *method = service->methods[tag];
    struct jf_call *call = call_for(tag, method->is_client_stream);
    time_pass(how);
    if (call == NULL) {
        return;
    }
    const ProtobufCMessageDescriptor *descriptor = descriptor_of(method);
    struct jf_text bytes =
        (how & 1) != 0 ? fuzz_bytes(input, fuzz_u16(input)) : message_grow(descriptor, input);
    char *copy = fuzz_copy(bytes);
    message_lane_fail((how & 0x20) == 0   ? JF_OK
                      : (how & 0x40) != 0 ? JF_ERROR_CLOSED
                                          : JF_ERROR_BUSY);
    handler->on_message(handler->context, call, (const unsigned char *)copy, bytes.size);
    memset(copy, 0xdd, bytes.size > 0 ? bytes.size : 1); // the bytes die when on_message returns
    free(copy);
    message_lane_fail(JF_OK);
    if (method->is_client_stream && (how & 0x10) != 0 && message_call_is_open(call) &&
        !jf_call_is_gone(call)) {
        handler->on_half_close(handler->context, call);
    }
    if ((how & 8) != 0) {
        go(handler, call);
    }
    turn(handler);
}

static void finish(const struct jf_net_handler *handler)
{
    jf_service_drain(service);
    for (uint32_t i = 0; i < MESSAGE_CALLS_MAX; i++) {
        go(handler, message_call_at(i));
    }
    for (uint32_t i = 0; i < TURNS_MAX && !jf_service_is_idle(service); i++) {
        message_ledger_wait(DAY_US);
        turn(handler);
    }
    message_calls_end();
    jf_service_destroy(service);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct jf_ring ring;
    struct fuzz_input input = {bytes, size};
    message_ledger_reset();
    enum jf_error error = jf_service_create(NULL, &ring, clock_us, &service);
    JF_ASSERT(error == JF_OK);
    const struct jf_net_handler *handler = jf_service_handler(service);
    for (uint32_t i = 0; i < REQUESTS_MAX && input.left > 0; i++) {
        request_send(handler, &input);
    }
    finish(handler);
    return 0;
}
