// A sale is unpacked as the service unpacks it, into an arena that is emptied after each. Fails: no
// memory.
#include <stdlib.h>

#include "base/arena.h"
#include "bench/limits_parts.h"
#include "bench/options.h"
#include "bench/process.h"
#include "bench/sale.h"
#include "jifen/v1/ledger.pb-c.h"
#include "service/message.h"

#define ARENA_BYTES     16384u
#define ARENA_BYTES_MAX ((size_t)1 << 20)
#define TURNS_AT_ONCE   1000u // between looks at the clock

enum way {
    DECODE,
    ENCODE,
};

struct messages {
    struct jf_sales sales;
    struct jf_arena arena;
    ProtobufCMessage *message;
    unsigned char packed[JF_SALE_BYTES_MAX];
    uint64_t bytes; // packed, so that nothing is left out
};

static enum jf_error decode(struct messages *messages)
{
    struct jf_text bytes = {(const char *)messages->sales.bytes, messages->sales.size};
    jf_arena_reset(&messages->arena);
    return jf_message_unpack(&jifen__v1__post_sale_request__descriptor, bytes, &messages->arena,
                             &messages->message);
}

static enum jf_error rate_measure(struct messages *messages, enum way way, uint64_t run_us,
                                  double *out_rate)
{
    uint64_t begun_ns = jf_bench_now_ns();
    uint64_t end_ns = begun_ns + run_us * 1000;
    uint64_t count = 0;
    enum jf_error error = decode(messages);
    while (error == JF_OK && jf_bench_now_ns() < end_ns && !jf_interrupt_seen()) {
        for (uint32_t i = 0; i < TURNS_AT_ONCE && error == JF_OK; i++) {
            if (way == DECODE) {
                error = decode(messages);
            } else {
                messages->bytes += protobuf_c_message_pack(messages->message, messages->packed);
            }
        }
        count += TURNS_AT_ONCE;
    }
    *out_rate = (double)count * 1e9 / (double)(jf_bench_now_ns() - begun_ns);
    return error;
}

enum jf_error jf_limits_messages(struct jf_report *report, uint64_t run_us,
                                 struct jf_diagnosis *diagnosis)
{
    struct messages *messages = calloc(1, sizeof *messages);
    double decodes = 0;
    double encodes = 0;
    if (messages == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory for messages");
    }
    jf_arena_init(&messages->arena, ARENA_BYTES, ARENA_BYTES_MAX);
    jf_sales_init(&messages->sales, 1, 1000, 100);
    jf_sales_next(&messages->sales);
    enum jf_error error = rate_measure(messages, DECODE, run_us, &decodes);
    if (error == JF_OK) {
        error = rate_measure(messages, ENCODE, run_us, &encodes);
    }
    jf_arena_deinit(&messages->arena);
    free(messages);
    if (error != JF_OK) {
        return jf_diagnose(diagnosis, error, "a sale cannot be unpacked: %s", jf_error_text(error));
    }
    jf_report_add(report, "protobuf.decode_sale.rate", decodes, "/s", NULL);
    jf_report_add(report, "protobuf.encode_sale.rate", encodes, "/s", NULL);
    return JF_OK;
}
