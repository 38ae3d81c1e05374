// The bytes become a message in the arena. Failures: malformed bytes, and a message whose parts
// need more memory than its arena may hold, are told apart.
#include "service/message.h"

struct source {
    struct jf_arena *arena;
    bool is_full;
};

static void *take(void *context, size_t size)
{
    struct source *source = context;
    void *memory = jf_arena_alloc(source->arena, size);
    source->is_full = source->is_full || memory == NULL;
    return memory;
}

static void give_back(void *context, void *memory)
{
    (void)context;
    (void)memory;
}

enum jf_error jf_message_unpack(const ProtobufCMessageDescriptor *descriptor, struct jf_text bytes,
                                struct jf_arena *arena, ProtobufCMessage **out_message)
{
    struct source source = {.arena = arena};
    ProtobufCAllocator allocator = {take, give_back, &source};
    ProtobufCMessage *message =
        protobuf_c_message_unpack(descriptor, &allocator, bytes.size, (const uint8_t *)bytes.data);
    if (message == NULL) {
        return source.is_full ? JF_ERROR_NO_MEMORY : JF_ERROR_INVALID;
    }
    *out_message = message;
    return JF_OK;
}
