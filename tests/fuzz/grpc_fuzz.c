// gRPC over HTTP/2, the small encodings: time-outs, content types, percent and base64 coding,
// messages that arrive in pieces, and protobuf's wire format taken apart by hand. Encoding and
// decoding are inverse, and how bytes were cut into pieces changes nothing.
//
// Input: a byte that chooses, then the bytes.
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "jifen/v1/ledger.pb-c.h"
#include "net/grpc.h"
#include "net/inbox.h"
#include "service/wire.h"
#include "tests/fuzz/fuzz.h"

#define KINDS             5u
#define MESSAGE_BYTES_MAX 4096u

static void header_check(struct jf_text text)
{
    uint64_t timeout_us = 0;
    (void)jf_grpc_content_type_is_valid(text);
    if (jf_grpc_timeout_parse(text, &timeout_us)) {
        char written[JF_GRPC_TIMEOUT_TEXT_BYTES];
        uint64_t again_us = 0;
        uint32_t size = jf_grpc_timeout_format(timeout_us, written);
        bool is_parsed = jf_grpc_timeout_parse((struct jf_text){written, size}, &again_us);
        JF_ASSERT(is_parsed);
        JF_ASSERT(again_us >= timeout_us);
    }
    struct jf_text cut = jf_grpc_cut(text, 16);
    JF_ASSERT(cut.size <= 16);
    JF_ASSERT(cut.size == text.size || text.size > 16);
}

static void percent_check(struct jf_text text)
{
    char *encoded = malloc(3 * (size_t)text.size + 1);
    char *decoded = malloc((size_t)text.size + 1);
    JF_ASSERT(encoded != NULL && decoded != NULL);
    uint32_t size = jf_grpc_percent_decode(text, decoded);
    JF_ASSERT(size <= text.size);
    size = jf_grpc_percent_encode(text, encoded);
    JF_ASSERT(size <= 3 * text.size);
    char *back = malloc((size_t)size + 1);
    JF_ASSERT(back != NULL);
    size = jf_grpc_percent_decode((struct jf_text){encoded, size}, back);
    JF_ASSERT(jf_text_equal((struct jf_text){back, size}, text));
    free(encoded);
    free(decoded);
    free(back);
}

static void base64_check(struct jf_text text)
{
    size_t groups = ((size_t)text.size + 3) / 4;
    unsigned char *decoded = malloc(3 * groups + 1);
    char *encoded = malloc(4 * (((size_t)text.size + 2) / 3) + 1);
    JF_ASSERT(decoded != NULL && encoded != NULL);
    uint32_t size = 0;
    if (jf_grpc_base64_decode(text, decoded, &size)) {
        JF_ASSERT(size <= 3 * groups);
    }
    uint32_t encoded_size = jf_grpc_base64_encode(text, encoded);
    unsigned char *back = malloc(3 * (((size_t)encoded_size + 3) / 4) + 1);
    JF_ASSERT(back != NULL);
    bool is_decoded = jf_grpc_base64_decode((struct jf_text){encoded, encoded_size}, back, &size);
    JF_ASSERT(is_decoded);
    JF_ASSERT(jf_text_equal((struct jf_text){(const char *)back, size}, text));
    free(decoded);
    free(encoded);
    free(back);
}

struct sums {
    uint32_t messages;
    uint64_t bytes;
    uint32_t hash;
    enum jf_inbox_event end;
};

// Feeds the bytes in pieces of `piece` bytes and sums up what comes out.
static struct sums inbox_feed(struct jf_text text, uint32_t piece)
{
    struct jf_budget budget = {0, 2 * MESSAGE_BYTES_MAX, NULL};
    struct jf_inbox inbox = {.message_bytes_max = MESSAGE_BYTES_MAX, .budget = &budget};
    struct sums sums = {.end = JF_INBOX_MORE};
    for (uint32_t at = 0; at < text.size && sums.end == JF_INBOX_MORE; at += piece) {
        uint32_t size = text.size - at < piece ? text.size - at : piece;
        char *copy = fuzz_copy((struct jf_text){text.data + at, size});
        struct jf_span input = {(const unsigned char *)copy, size};
        struct jf_span message;
        do {
            sums.end = jf_inbox_next(&inbox, &input, &message);
            if (sums.end == JF_INBOX_MESSAGE) {
                sums.messages += 1;
                sums.bytes += message.size;
                for (uint32_t i = 0; i < message.size; i++) {
                    sums.hash = sums.hash * 31 + message.bytes[i];
                }
            }
        } while (sums.end == JF_INBOX_MESSAGE);
        free(copy);
    }
    jf_inbox_clear(&inbox);
    JF_ASSERT(jf_inbox_is_empty(&inbox));
    jf_buffer_clear(&inbox.buffer, 0, &budget);
    JF_ASSERT(budget.used_bytes == 0);
    return sums;
}

static void inbox_check(struct jf_text text, uint32_t piece)
{
    struct sums whole = inbox_feed(text, text.size + 1);
    struct sums pieces = inbox_feed(text, piece + 1);
    JF_ASSERT(whole.messages == pieces.messages);
    JF_ASSERT(whole.bytes == pieces.bytes);
    JF_ASSERT(whole.hash == pieces.hash);
    JF_ASSERT(whole.end == pieces.end);
}

// protobuf-c and the hand-written reader look at the same bytes.
static void wire_check(struct jf_text text)
{
    struct jf_text rest = text;
    struct jf_wire_field field;
    while (jf_wire_next(&rest, &field)) {
        JF_ASSERT(field.type != JF_WIRE_BYTES || field.bytes.size <= text.size);
    }
    char path[JF_WIRE_PATH_MAX];
    const ProtobufCMessageDescriptor *descriptor = &jifen__v1__post_sale_request__descriptor;
    ProtobufCMessage *message =
        protobuf_c_message_unpack(descriptor, NULL, text.size, (const uint8_t *)text.data);
    if (message == NULL) {
        return;
    }
    bool has_nul = jf_wire_find_nul(descriptor, text, 0, path);
    JF_ASSERT(!has_nul || strlen(path) < JF_WIRE_PATH_MAX);
    const Jifen__V1__PostSaleRequest *request = (const Jifen__V1__PostSaleRequest *)message;
    struct jf_text id = jf_wire_find(text, 1);
    if (!has_nul && id.size > 0) {
        JF_ASSERT(jf_text_equal(id, jf_text_from(request->transaction_id)));
    }
    protobuf_c_message_free_unpacked(message, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fuzz_input input = {bytes, size};
    uint8_t choice = fuzz_u8(&input);
    struct jf_text text = fuzz_bytes(&input, input.left);
    char *copy = fuzz_copy(text);
    text.data = copy;
    switch (choice % KINDS) {
    case 0:
        header_check(text);
        break;
    case 1:
        percent_check(text);
        break;
    case 2:
        base64_check(text);
        break;
    case 3:
        inbox_check(text, choice / KINDS);
        break;
    default:
        wire_check(text);
        break;
    }
    free(copy);
    return 0;
}
