// One table gives each refusal its status; facts that are not 0 are written behind the sentence.
// Failures: an arena that is full leaves the details out, the status and its text still arrive.
#include "service/status.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/assert.h"
#include "jifen/v1/common.pb-c.h"
#include "rules/utf8.h"
#include "service/wire.h"

// What a busy ledger drains its queues in, and what freeing disk space takes a person or a clean-up
// job.
#define RETRY_OVERLOADED_MS 50u
#define RETRY_DISK_FULL_MS  5000u
#define RETRY_SHUTDOWN_MS   1000u

#define FIELD_TEXT_MAX 128u

static const enum jf_status statuses[JF_REFUSAL_COUNT] = {
#define STATUS_ROW(code, status, sentence) [JF_REFUSAL_##code] = JF_STATUS_##status,
    JF_REFUSALS(STATUS_ROW)
#undef STATUS_ROW
};

enum jf_status jf_status_of_refusal(enum jf_refusal_code code)
{
    JF_ASSERT(code > JF_REFUSAL_NONE);
    JF_ASSERT(code < JF_REFUSAL_COUNT);
    return statuses[code];
}

uint32_t jf_status_retry_ms(enum jf_refusal_code code)
{
    switch (code) {
    case JF_REFUSAL_OVERLOADED:
        return RETRY_OVERLOADED_MS;
    case JF_REFUSAL_DISK_FULL:
        return RETRY_DISK_FULL_MS;
    case JF_REFUSAL_SHUTTING_DOWN:
        return RETRY_SHUTDOWN_MS;
    default:
        return 0;
    }
}

// Puts the index in the place of "%u".
static void field_text(const struct jf_refusal *refusal, char out_text[FIELD_TEXT_MAX])
{
    const char *field = refusal->field == NULL ? "" : refusal->field;
    const char *place = strstr(field, "%u");
    if (place == NULL) {
        snprintf(out_text, FIELD_TEXT_MAX, "%s", field);
        return;
    }
    snprintf(out_text, FIELD_TEXT_MAX, "%.*s%u%s", (int)(place - field), field, refusal->index,
             place + 2);
}

// A text that was cut, or that quotes a client's bytes, may not be UTF-8, and then no client could
// parse the message that carries it.
static void text_clean(char *text)
{
    if (jf_utf8_is_valid(jf_text_from(text))) {
        return;
    }
    for (char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at >= 0x80) {
            *at = '?';
        }
    }
}

struct facts {
    char text[JF_STATUS_TEXT_MAX];
    size_t size;
};

static void fact(struct facts *facts, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void fact(struct facts *facts, const char *format, ...)
{
    char text[JF_STATUS_TEXT_MAX / 2];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    int added = snprintf(facts->text + facts->size, sizeof facts->text - facts->size, "%s%s",
                         facts->size == 0 ? "" : ", ", text);
    size_t room = sizeof facts->text - 1 - facts->size;
    facts->size += (size_t)added < room ? (size_t)added : room;
}

static void facts_gather(const struct jf_refusal *refusal, struct facts *facts)
{
    char field[FIELD_TEXT_MAX];
    field_text(refusal, field);
    if (field[0] != '\0') {
        fact(facts, "%s", field);
    }
    if (refusal->needed != 0 || refusal->available != 0) {
        fact(facts, "needed %lld, available %lld", (long long)refusal->needed,
             (long long)refusal->available);
    }
    if (refusal->limit != 0) {
        fact(facts, "limit %lld", (long long)refusal->limit);
    }
    if (refusal->position != 0) {
        fact(facts, "see position %llu", (unsigned long long)refusal->position);
    }
    if (refusal->fingerprint_first != 0) {
        fact(facts, "fingerprints %016llx and %016llx",
             (unsigned long long)refusal->fingerprint_first,
             (unsigned long long)refusal->fingerprint_second);
    }
    if (refusal->detail[0] != '\0') {
        fact(facts, "%s", refusal->detail);
    }
}

void jf_status_refusal_text(const struct jf_refusal *refusal, char out_text[JF_STATUS_TEXT_MAX])
{
    struct facts facts = {.size = 0};
    facts_gather(refusal, &facts);
    const char *name = jf_refusal_name(refusal->code);
    const char *sentence = jf_refusal_sentence(refusal->code);
    if (facts.size == 0) {
        snprintf(out_text, JF_STATUS_TEXT_MAX, "%s: %s", name, sentence);
        return;
    }
    // Cut where it is too long: the code and the sentence are what must arrive.
    int facts_max = (int)(JF_STATUS_TEXT_MAX - strlen(name) - strlen(sentence) - 8);
    snprintf(out_text, JF_STATUS_TEXT_MAX, "%s: %s (%.*s)", name, sentence, facts_max, facts.text);
    text_clean(out_text);
}

static struct jf_text refusal_pack(const Jifen__V1__Refusal *message, struct jf_arena *arena)
{
    size_t size = jifen__v1__refusal__get_packed_size(message);
    unsigned char *bytes = jf_arena_alloc(arena, size);
    if (bytes == NULL) {
        return (struct jf_text){NULL, 0};
    }
    jifen__v1__refusal__pack(message, bytes);
    return (struct jf_text){(const char *)bytes, (uint32_t)size};
}

struct jf_text jf_status_refusal_encode(const struct jf_refusal *refusal, struct jf_arena *arena)
{
    char field[FIELD_TEXT_MAX];
    char sentence[JF_REFUSAL_DETAIL_MAX + 128];
    field_text(refusal, field);
    snprintf(sentence, sizeof sentence, "%s%s%s", jf_refusal_sentence(refusal->code),
             refusal->detail[0] == '\0' ? "" : " ", refusal->detail);
    text_clean(sentence);
    Jifen__V1__Refusal message = JIFEN__V1__REFUSAL__INIT;
    message.code = (char *)(uintptr_t)jf_refusal_name(refusal->code);
    message.message = sentence;
    message.field = field;
    message.needed = refusal->needed;
    message.available = refusal->available;
    message.limit = refusal->limit;
    message.position = refusal->position;
    message.fingerprint_first = refusal->fingerprint_first;
    message.fingerprint_second = refusal->fingerprint_second;
    message.status = (uint32_t)jf_status_of_refusal(refusal->code);
    return refusal_pack(&message, arena);
}

// google.protobuf.Any {1: type_url, 2: value}
static uint64_t any_size(struct jf_text type, struct jf_text value)
{
    return jf_wire_bytes_size(type.size) + jf_wire_bytes_size(value.size);
}

static unsigned char *put_any(unsigned char *to, struct jf_text type, struct jf_text value)
{
    to = jf_wire_put_length(to, 3, any_size(type, value));
    to = jf_wire_put_bytes(to, 1, type);
    return jf_wire_put_bytes(to, 2, value);
}

// google.rpc.RetryInfo {1: google.protobuf.Duration {1: seconds, 2: nanos}}
static struct jf_text retry_info(uint32_t retry_ms, unsigned char bytes[32])
{
    unsigned char duration[24];
    unsigned char *end = jf_wire_put_varint(duration, 1, retry_ms / 1000);
    end = jf_wire_put_varint(end, 2, (uint64_t)(retry_ms % 1000) * 1000000);
    struct jf_text value = {(const char *)duration, (uint32_t)(end - duration)};
    end = jf_wire_put_bytes(bytes, 1, value);
    return (struct jf_text){(const char *)bytes, (uint32_t)(end - bytes)};
}

// google.rpc.Status {1: code, 2: message, 3: repeated Any details}
static struct jf_text status_encode(const struct jf_refusal *refusal, struct jf_text text,
                                    struct jf_arena *arena)
{
    static const struct jf_text refusal_type = {"type.googleapis.com/jifen.v1.Refusal", 36};
    static const struct jf_text retry_type = {"type.googleapis.com/google.rpc.RetryInfo", 40};
    struct jf_text encoded = jf_status_refusal_encode(refusal, arena);
    uint32_t retry_ms = jf_status_retry_ms(refusal->code);
    unsigned char retry_bytes[32];
    struct jf_text retry = retry_info(retry_ms, retry_bytes);
    uint64_t size = 2 + jf_wire_bytes_size(text.size) +
                    jf_wire_bytes_size(any_size(refusal_type, encoded)) +
                    (retry_ms > 0 ? jf_wire_bytes_size(any_size(retry_type, retry)) : 0);
    unsigned char *bytes = encoded.size == 0 ? NULL : jf_arena_alloc(arena, size);
    if (bytes == NULL) {
        return (struct jf_text){NULL, 0};
    }
    unsigned char *end =
        jf_wire_put_varint(bytes, 1, (uint64_t)jf_status_of_refusal(refusal->code));
    end = jf_wire_put_bytes(end, 2, text);
    end = put_any(end, refusal_type, encoded);
    end = retry_ms > 0 ? put_any(end, retry_type, retry) : end;
    JF_ASSERT((uint64_t)(end - bytes) == size);
    return (struct jf_text){(const char *)bytes, (uint32_t)size};
}

void jf_status_finish_refusal(struct jf_call *call, const struct jf_refusal *refusal)
{
    char buffer[JF_STATUS_TEXT_MAX];
    jf_status_refusal_text(refusal, buffer);
    struct jf_text text = jf_text_from(buffer);
    struct jf_text details = status_encode(refusal, text, jf_call_arena(call));
    jf_call_finish(call, jf_status_of_refusal(refusal->code), text, details,
                   jf_status_retry_ms(refusal->code));
}

void jf_status_finish_code(struct jf_call *call, enum jf_refusal_code code)
{
    struct jf_refusal refusal = {.code = code};
    jf_status_finish_refusal(call, &refusal);
}

void jf_status_finish_field(struct jf_call *call, const char *field, int64_t limit,
                            const char *detail)
{
    struct jf_refusal refusal = {.code = JF_REFUSAL_INVALID_FIELD, .field = field, .limit = limit};
    snprintf(refusal.detail, sizeof refusal.detail, "%s", detail);
    jf_status_finish_refusal(call, &refusal);
}

void jf_status_finish(struct jf_call *call, enum jf_status status, const char *format, ...)
{
    char text[JF_STATUS_TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    jf_call_finish(call, status, jf_text_from(text), (struct jf_text){NULL, 0}, 0);
}
