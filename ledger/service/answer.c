// Sizes first, then bytes straight into the call's send buffer.
// Failures: a message that is larger than what may be sent, or for which there is no memory, ends
// its call with RESOURCE_EXHAUSTED.
#include "service/answer.h"

#include "base/assert.h"
#include "base/limits.h"
#include "service/status.h"
#include "service/wire.h"

struct jf_answer jf_answer_of_write(const struct jf_write *write, struct jf_arena *arena)
{
    struct jf_answer answer = {.outcome = {NULL, 0}, .refusal = {NULL, 0}};
    switch (write->status) {
    case JF_WRITE_POSTED:
    case JF_WRITE_REPLAYED:
        answer.outcome = write->outcome;
        answer.is_replayed = write->status == JF_WRITE_REPLAYED;
        break;
    case JF_WRITE_REFUSED:
        JF_ASSERT(write->refusal != NULL);
        answer.refusal = jf_status_refusal_encode(write->refusal, arena);
        break;
    case JF_WRITE_PENDING:
    case JF_WRITE_UNCHANGED: {
        // Not decided: the engine stopped before.
        struct jf_refusal failed = {.code = JF_REFUSAL_FAILED};
        answer.refusal = jf_status_refusal_encode(&failed, arena);
        break;
    }
    }
    return answer;
}

uint64_t jf_answer_size(const struct jf_answer *answer)
{
    if (answer->refusal.size > 0) {
        return jf_wire_bytes_size(answer->refusal.size);
    }
    return jf_wire_bytes_size(answer->outcome.size) + (answer->is_replayed ? 2 : 0);
}

unsigned char *jf_answer_put(unsigned char *to, const struct jf_answer *answer)
{
    if (answer->refusal.size > 0) {
        return jf_wire_put_bytes(to, 3, answer->refusal);
    }
    to = jf_wire_put_bytes(to, 1, answer->outcome);
    return answer->is_replayed ? jf_wire_put_varint(to, 2, 1) : to;
}

bool jf_answer_send(struct jf_call *call, const ProtobufCMessage *message)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    unsigned char *to = size > JF_MESSAGE_BYTES_MAX ? NULL : jf_call_send(call, (uint32_t)size);
    if (to == NULL) {
        return false;
    }
    protobuf_c_message_pack(message, to);
    return true;
}

void jf_answer_finish(struct jf_call *call, const ProtobufCMessage *message)
{
    if (!jf_answer_send(call, message)) {
        jf_status_finish(call, JF_STATUS_RESOURCE_EXHAUSTED,
                         "The answer does not fit: larger than %u bytes, or no memory for it.",
                         JF_MESSAGE_BYTES_MAX);
        return;
    }
    jf_call_finish(call, JF_STATUS_OK, (struct jf_text){NULL, 0}, (struct jf_text){NULL, 0}, 0);
}

char *jf_answer_text(struct jf_text text, struct jf_arena *arena)
{
    char *copy = jf_arena_alloc(arena, (size_t)text.size + 1);
    if (copy != NULL) {
        if (text.size > 0) {
            memcpy(copy, text.data, text.size);
        }
        copy[text.size] = '\0';
    }
    return copy;
}

void jf_answer_hexadecimal(const unsigned char *bytes, uint32_t size, char *out_text)
{
    static const char digits[] = "0123456789abcdef";
    for (uint32_t i = 0; i < size; i++) {
        out_text[2 * i] = digits[bytes[i] >> 4];
        out_text[2 * i + 1] = digits[bytes[i] & 15];
    }
    out_text[2 * size] = '\0';
}
