// Walks a message's descriptor with a stack of its own and writes protobuf bytes as it goes: each
// field asks the input whether it is there and what it holds. Zeros, which is what an input has
// past its end, give what is usual, so that even short inputs make requests that are accepted.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "service/wire.h"
#include "tests/fuzz/message.h"

#define DEPTH_MAX   6u
#define LEVEL_BYTES 16384u
#define TEXT_BYTES  128u
#define NUMBER_WIRE 0u // wire types by protobuf's numbers
#define FIXED_WIRE  1u
#define BYTES_WIRE  2u

struct level {
    const ProtobufCMessageDescriptor *descriptor;
    uint32_t field;   // being written
    uint32_t repeats; // of it, still to come
    uint32_t number;  // of the field that holds this message, in the level below
    bool is_begun;    // whether `repeats` was decided
    unsigned oneof;   // quantifier offset of the oneof being written; 0: none
    uint32_t pick;    // members of it to be passed over
    uint32_t size;
    unsigned char bytes[LEVEL_BYTES];
};

static struct level levels[DEPTH_MAX];

struct text_pool {
    const char *field;
    const char *texts[8];
};

static const struct text_pool text_pools[] = {
    {"sale_transaction_id", {"s1", "s2", "s3", "s4", "s6", "s7", "n1", "h1"}},
    {"hold_transaction_id", {"h1", "h2", "h3", "n1", "n2", "s1", "h1", "h2"}},
    {"card", {"c1", "c2", "c3", "c4", "c6", "c9", "d1", "d2"}},
    {"cards", {"d1", "d2", "d3", "d4", "c1", "d5", "d6", "d7"}},
    {"category", {"food", "tonic", "books", "tobacco", "", "food", "tonic", "other"}},
    {"sku", {"sku-1", "sku-2", "sku-3", "x", "sku-1", "sku-2", "sku-3", ""}},
    {"type", {"cash", "insurance", "card", "cash", "insurance", "cash", "gift", ""}},
    {"reward", {"", "mug", "bag", "", "mug", "bag", "none", "voucher"}},
    {"tier", {"gold", "silver", "plain", "gold", "silver", "plain", "none", ""}},
    {"zone",
     {"UTC", "Asia/Shanghai", "America/New_York", "UTC", "Nowhere/At_All", "", "UTC", "EST"}},
    {"region", {"north", "south", "", "north", "south", "", "east", "west"}},
    {"run_id", {"run-1", "run-2", "run-3", "run-1", "run-2", "run-3", "", "r"}},
    {"operator", {"anna", "bert", "anna", "bert", "anna", "bert", "", "anna"}},
    {"approver", {"", "bert", "cora", "", "bert", "cora", "anna", ""}},
    {"reason_code", {"goodwill", "fraud", "goodwill", "fraud", "x", "y", "", "goodwill"}},
    {"yaml",
     {"name: next\neffective_from: 2026-12-01T00:00:00Z\nearn: {points: 2, per_amount: 1.00}\n"
      "expiry: {policy: never}\nredemption: {points: 100, amount: 1.00}\n"
      "returns: {shortfall: deduct}\nclose: {balance: refuse}\n",
      "name: off\neffective_from: 2027-01-01T00:00:00Z\nearn: {points: 1, per_amount: 0.01}\n"
      "expiry: {policy: months_after, months: 0}\nreturns: {shortfall: write_off}\n"
      "tiers: {levels: [{name: silver}, {name: plain, points: 5}]}\n",
      "name: x\n", "", "]", "name: \"\n", "a: b\n", "name: [\n"}},
    {"service",
     {"", "jifen.v1.Ledger", "none", "", "jifen.v1.Ledger", "grpc.health.v1.Health", "", ""}},
    {"file_containing_symbol",
     {"jifen.v1.Ledger", "jifen.v1.Entry", "jifen.v1.Ledger.PostSale", "none", "", "jifen", "x",
      "jifen.v1"}},
    {"file_by_filename",
     {"jifen/v1/ledger.proto", "jifen/v1/entry.proto", "none", "", "a", "b",
      "jifen/v1/common.proto", "x"}},
};

struct number_pool {
    const char *field;
    int64_t numbers[8];
};

#define NOW    MESSAGE_BASE_NOW_MS
#define DAY    INT64_C(86400000)
#define MINUTE INT64_C(60000)

static const struct number_pool number_pools[] = {
    {"number", {1, 2, 3, 4, 5, 6, 7, 1000}},
    {"store", {2, 1, 3, 2, 1, 3, 4, 0}},
    {"entity", {1, 2, 1, 2, 1, 2, 255, 3}},
    {"terminal", {1, 2, 1, 2, 3, 1, 0, 1}},
    {"sold_at_ms",
     {NOW, NOW - MINUTE, NOW - DAY, NOW - 30 * DAY, NOW + MINUTE, NOW - 400 * DAY, NOW + 2 * DAY,
      NOW - 9 * DAY}},
    {"deadline_ms",
     {NOW + DAY, NOW + MINUTE, NOW + 2 * DAY, NOW, NOW + DAY, NOW + 8 * DAY, NOW - DAY,
      NOW + 40 * DAY}},
    {"points", {50, 20, 100, 10, 1000, 30, 0, 5000}},
    {"redeem_points", {0, 20, 50, 0, 100, 30, 7, 1000}},
    {"amount", {5000, 10000, 100, 1, 99999, 0, 2550, 500000}},
    {"quantity_milli", {1000, 2000, 500, 3000, 0, 1, 1500, 1000}},
    {"line_number", {1, 2, 1, 2, 3, 1, 0, 2}},
    {"enrolled_on", {20260101, 20261231, 20260601, 20270101, 20260229, 0, 20251231, 20260101}},
    {"as_of", {20261231, 20270101, 20261130, 20260101, 20270630, 0, 20271231, 20261331}},
    {"until", {0, 20270630, 20261231, 20270101, 0, 20250101, 20270228, 20279999}},
    {"birth_month", {0, 2, 12, 1, 6, 13, 0, 7}},
    {"birth_day", {0, 29, 31, 1, 6, 32, 0, 7}},
    {"day_start_minute", {0, 240, 1439, 0, 60, 1440, 720, 0}},
    {"home_store", {0, 1, 2, 3, 0, 99, 0, 1}},
};

#define TEXT_POOLS   (sizeof text_pools / sizeof text_pools[0])
#define NUMBER_POOLS (sizeof number_pools / sizeof number_pools[0])

static void put(struct level *level, const void *bytes, size_t size)
{
    if (level->size + size <= LEVEL_BYTES) {
        memcpy(level->bytes + level->size, bytes, size);
        level->size += (uint32_t)size;
    }
}

static void put_varint(struct level *level, uint64_t value)
{
    unsigned char byte;
    while (value >= 0x80) {
        byte = (unsigned char)(value | 0x80);
        put(level, &byte, 1);
        value >>= 7;
    }
    byte = (unsigned char)value;
    put(level, &byte, 1);
}

static void put_tag(struct level *level, uint32_t number, uint32_t wire)
{
    put_varint(level, (uint64_t)number << 3 | wire);
}

static void put_bytes(struct level *level, uint32_t number, const void *bytes, size_t size)
{
    if (level->size + size + 16 <= LEVEL_BYTES) { // whole or not at all
        put_tag(level, number, BYTES_WIRE);
        put_varint(level, size);
        put(level, bytes, size);
    }
}

// An id that is new nearly always, or one that was used.
static size_t transaction_id(struct fuzz_input *input, char text[TEXT_BYTES])
{
    static uint32_t serial;
    uint8_t choice = fuzz_u8(input);
    serial = choice == 0 ? serial + 1 : serial;
    int size = choice == 0 ? snprintf(text, TEXT_BYTES, "new-%u", serial)
                           : snprintf(text, TEXT_BYTES, "n%u", choice % 8u);
    return (size_t)size;
}

static size_t text_usual(const char *field, struct fuzz_input *input, char text[TEXT_BYTES],
                         const char **out_long)
{
    if (strcmp(field, "transaction_id") == 0) {
        return transaction_id(input, text);
    }
    uint8_t choice = fuzz_u8(input);
    for (uint32_t i = 0; i < TEXT_POOLS; i++) {
        if (strcmp(field, text_pools[i].field) == 0) {
            *out_long = text_pools[i].texts[choice % 8];
            return strlen(*out_long);
        }
    }
    int size = snprintf(text, TEXT_BYTES, "x%u", choice);
    return (size_t)size;
}

static void put_text(struct level *level, const ProtobufCFieldDescriptor *field, uint8_t control,
                     struct fuzz_input *input)
{
    char text[TEXT_BYTES];
    const char *bytes = text;
    size_t size;
    if (control % 8 == 5) {
        struct jf_text taken = fuzz_bytes(input, fuzz_u8(input));
        bytes = taken.data;
        size = taken.size;
    } else if (control % 8 == 6) {
        memset(text, 'a', TEXT_BYTES); // at the limits and past them
        size = control / 8 + (size_t)48;
    } else {
        size = text_usual(field->name, input, text, &bytes);
    }
    put_bytes(level, field->id, bytes, size);
}

static bool is_instant(const char *field)
{
    size_t size = strlen(field);
    return size > 6 && strcmp(field + size - 6, "_at_ms") == 0;
}

static uint64_t number_usual(const char *field, struct fuzz_input *input)
{
    uint8_t choice = fuzz_u8(input);
    const char *name = is_instant(field) ? "sold_at_ms" : field;
    for (uint32_t i = 0; i < NUMBER_POOLS; i++) {
        if (strcmp(name, number_pools[i].field) == 0) {
            int64_t moved =
                is_instant(field) ? (int64_t)(message_ledger_clock_us() / 1000) - NOW : 0;
            return (uint64_t)(number_pools[i].numbers[choice % 8] + moved);
        }
    }
    return choice;
}

static uint64_t number_of(const ProtobufCFieldDescriptor *field, uint8_t control,
                          struct fuzz_input *input)
{
    static const int64_t edges[8] = {-1,        INT64_MAX,     INT64_MIN,     INT32_MAX,
                                     INT32_MIN, JF_POINTS_MAX, JF_AMOUNT_MAX, UINT32_MAX};
    switch (control % 8) {
    case 5:
        return fuzz_u64(input);
    case 6:
        return (uint64_t)edges[control / 8 % 8];
    default:
        return number_usual(field->name, input);
    }
}

static void put_number(struct level *level, const ProtobufCFieldDescriptor *field, uint64_t value)
{
    unsigned char fixed[8];
    switch (field->type) {
    case PROTOBUF_C_TYPE_FIXED64:
        put_tag(level, field->id, FIXED_WIRE);
        jf_store_u64(fixed, value);
        put(level, fixed, sizeof fixed);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        put_tag(level, field->id, NUMBER_WIRE);
        put_varint(level, value & 1);
        break;
    case PROTOBUF_C_TYPE_SINT64:
        put_tag(level, field->id, NUMBER_WIRE);
        put_varint(level, value << 1 ^ ((int64_t)value < 0 ? UINT64_MAX : 0));
        break;
    default: // 32-bit fields take the low half, as decoders do
        put_tag(level, field->id, NUMBER_WIRE);
        put_varint(level, value);
        break;
    }
}

// Which of a oneof's members is written: the others are passed over.
static bool oneof_is_passed(struct level *level, const ProtobufCFieldDescriptor *field,
                            struct fuzz_input *input)
{
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0) {
        level->oneof = 0;
        return false;
    }
    if (field->quantifier_offset != level->oneof) {
        uint32_t members = 0;
        for (uint32_t i = 0; i < level->descriptor->n_fields; i++) {
            members += level->descriptor->fields[i].quantifier_offset == field->quantifier_offset;
        }
        level->oneof = field->quantifier_offset;
        level->pick = fuzz_u8(input) % members;
    }
    bool is_passed = level->pick != 0;
    level->pick -= 1;
    return is_passed;
}

// How often the field comes. A field is left out for one control in eight.
static uint32_t repeats_of(const ProtobufCFieldDescriptor *field, uint8_t control)
{
    if (control % 8 == 4) {
        return 0;
    }
    return field->label == PROTOBUF_C_LABEL_REPEATED ? 1 + control / 8u % 4 : 1;
}

static void level_begin(struct level *level, const ProtobufCMessageDescriptor *descriptor,
                        uint32_t number)
{
    level->descriptor = descriptor;
    level->field = 0;
    level->is_begun = false;
    level->oneof = 0;
    level->size = 0;
    level->number = number;
}

// One value of the level's field. Returns: the message to go into; NULL when it is written.
static const ProtobufCMessageDescriptor *value_put(struct level *level,
                                                   const ProtobufCFieldDescriptor *field,
                                                   uint8_t control, struct fuzz_input *input)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return field->descriptor;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
        put_text(level, field, control, input);
        return NULL;
    default:
        put_number(level, field, number_of(field, control, input));
        return NULL;
    }
}

struct jf_text message_grow(const ProtobufCMessageDescriptor *descriptor, struct fuzz_input *input)
{
    uint32_t depth = 0;
    uint8_t control = 0;
    level_begin(&levels[0], descriptor, 0);
    for (;;) {
        struct level *level = &levels[depth];
        if (level->field == level->descriptor->n_fields) {
            if (depth == 0) {
                return (struct jf_text){(const char *)level->bytes, level->size};
            }
            depth -= 1;
            put_bytes(&levels[depth], level->number, level->bytes, level->size);
            continue;
        }
        const ProtobufCFieldDescriptor *field = &level->descriptor->fields[level->field];
        if (!level->is_begun) {
            level->is_begun = true;
            control = oneof_is_passed(level, field, input) ? 4 : fuzz_u8(input);
            level->repeats = repeats_of(field, control);
        }
        if (level->repeats == 0) {
            level->is_begun = false;
            level->field += 1;
            continue;
        }
        level->repeats -= 1;
        const ProtobufCMessageDescriptor *inner = value_put(level, field, control, input);
        if (inner != NULL && depth + 1 < DEPTH_MAX) {
            depth += 1;
            level_begin(&levels[depth], inner, field->id);
        }
    }
}
