// Calls without a network: what is sent is looked at and forgotten. A call that is finished twice,
// or used afterwards, is found here or by a sanitizer.
#include <stdlib.h>

#include "base/assert.h"
#include "base/limits.h"
#include "service/wire.h"
#include "tests/fuzz/message.h"

#define ARENA_CHUNK ((size_t)4096)
#define ARENA_MAX   ((size_t)8 << 20)

struct jf_call {
    uint32_t tag;
    bool is_open;
    bool is_gone;
    bool is_paused;
    void *context;
    struct jf_arena arena;
    unsigned char *sent; // the message being written
    uint32_t sent_size;
};

static struct jf_call calls[MESSAGE_CALLS_MAX];

// A message is complete when the next is begun or the call ends.
static void sent_check(struct jf_call *call)
{
    struct jf_text rest = {(const char *)call->sent, call->sent_size};
    struct jf_wire_field field;
    while (call->sent != NULL && jf_wire_next(&rest, &field)) {
        JF_ASSERT(field.number > 0);
    }
    JF_ASSERT(call->sent == NULL || rest.size == 0);
    free(call->sent);
    call->sent = NULL;
    call->sent_size = 0;
}

struct jf_call *message_call_open(uint32_t tag)
{
    for (uint32_t i = 0; i < MESSAGE_CALLS_MAX; i++) {
        struct jf_call *call = &calls[i];
        if (!call->is_open) {
            jf_arena_deinit(&call->arena); // dead since it was finished: no use may go unseen
            *call = (struct jf_call){.tag = tag, .is_open = true};
            jf_arena_init(&call->arena, ARENA_CHUNK, ARENA_MAX);
            return call;
        }
    }
    return NULL;
}

void message_call_leave(struct jf_call *call)
{
    call->is_gone = true;
}

bool message_call_is_open(const struct jf_call *call)
{
    return call->is_open;
}

struct jf_call *message_call_at(uint32_t index)
{
    JF_ASSERT(index < MESSAGE_CALLS_MAX);
    return &calls[index];
}

void message_calls_end(void)
{
    for (uint32_t i = 0; i < MESSAGE_CALLS_MAX; i++) {
        JF_ASSERT(!calls[i].is_open);
        jf_arena_deinit(&calls[i].arena);
    }
}

uint32_t jf_call_tag(const struct jf_call *call)
{
    JF_ASSERT(call->is_open);
    return call->tag;
}

struct jf_arena *jf_call_arena(struct jf_call *call)
{
    JF_ASSERT(call->is_open);
    return &call->arena;
}

void *jf_call_context(const struct jf_call *call)
{
    JF_ASSERT(call->is_open);
    return call->context;
}

void jf_call_set_context(struct jf_call *call, void *context)
{
    JF_ASSERT(call->is_open);
    call->context = context;
}

bool jf_call_is_gone(const struct jf_call *call)
{
    JF_ASSERT(call->is_open);
    return call->is_gone;
}

uint64_t jf_call_deadline_us(const struct jf_call *call)
{
    (void)call;
    return 0;
}

unsigned char *jf_call_send(struct jf_call *call, uint32_t size)
{
    JF_ASSERT(call->is_open);
    JF_ASSERT(size <= 4 * JF_MESSAGE_BYTES_MAX);
    sent_check(call);
    call->sent = malloc(size > 0 ? size : 1);
    JF_ASSERT(call->sent != NULL);
    call->sent_size = size;
    return call->sent;
}

uint64_t jf_call_unsent_bytes(const struct jf_call *call)
{
    JF_ASSERT(call->is_open);
    return 0;
}

void jf_call_pause(struct jf_call *call)
{
    JF_ASSERT(call->is_open);
    call->is_paused = true;
}

void jf_call_resume(struct jf_call *call)
{
    JF_ASSERT(call->is_open);
    call->is_paused = false;
}

void jf_call_finish(struct jf_call *call, enum jf_status status, struct jf_text message,
                    struct jf_text details, uint32_t retry_after_ms)
{
    (void)retry_after_ms;
    JF_ASSERT(call->is_open);
    JF_ASSERT(status <= JF_STATUS_UNAUTHENTICATED);
    JF_ASSERT(status == JF_STATUS_OK || status == JF_STATUS_CANCELLED || message.size > 0);
    JF_ASSERT(message.size == 0 || message.data != NULL);
    JF_ASSERT(details.size == 0 || details.data != NULL);
    sent_check(call);
    call->is_open = false;
}

void jf_net_counters_read(const struct jf_net *net, struct jf_net_counters *out_counters)
{
    (void)net;
    *out_counters = (struct jf_net_counters){0};
}
