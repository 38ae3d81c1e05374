// Version byte, counts, fixed fields and the arrays in the member's order, as varints; then 32 bits
// of XXH3 over all before. The checksum stands although RocksDB has its own: records also travel
// through caches and backups, and a decoder of varints would take most flipped bits for other
// numbers.
//
// Fails: wrong checksum, too short or too long, numbers outside their types or longer than needed,
// counts above the limits, and whatever jf_member_check says: all JF_ERROR_CORRUPT. A later version
// of the format: JF_ERROR_VERSION.
#include "state/member_codec.h"

#include <string.h>

#include "base/assert.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "state/varint.h"

// A change is a change of JF_DIGEST_FORMAT too (rules/digest.h).
#define RECORD_VERSION   2u
#define CHECKSUM_BYTES   ((size_t)4)
#define HEAD_NUMBERS     22u // fields before the arrays, counts included
#define LOT_NUMBERS      6u
#define MONTH_NUMBERS    4u
#define DEBT_NUMBERS     2u
#define COUNTER_NUMBERS  4u
#define HOLD_NUMBERS     5u
#define PART_NUMBERS     4u
#define RECORD_BYTES_MIN (CHECKSUM_BYTES + 1 + HEAD_NUMBERS)

size_t jf_member_record_size_max(const struct jf_member *member)
{
    size_t numbers =
        HEAD_NUMBERS + (size_t)member->lot_count * LOT_NUMBERS +
        (size_t)member->month_count * MONTH_NUMBERS + (size_t)member->debt_count * DEBT_NUMBERS +
        (size_t)member->counter_count * COUNTER_NUMBERS +
        (size_t)member->hold_count * HOLD_NUMBERS + (size_t)member->hold_part_count * PART_NUMBERS;
    return 1 + numbers * JF_VARINT_BYTES_MAX + member->card_count * sizeof(struct jf_card) +
           CHECKSUM_BYTES;
}

static unsigned char *head_write(unsigned char *at, const struct jf_member *member)
{
    *at++ = RECORD_VERSION;
    at = jf_varint_write(at, member->lot_count);
    at = jf_varint_write(at, member->month_count);
    at = jf_varint_write(at, member->debt_count);
    at = jf_varint_write(at, member->counter_count);
    at = jf_varint_write(at, member->hold_count);
    at = jf_varint_write(at, member->hold_part_count);
    at = jf_varint_write(at, member->card_count);
    at = jf_varint_write(at, member->number.value);
    at = jf_varint_write(at, member->last_position);
    at = jf_varint_write(at, member->tags);
    at = jf_varint_write(at, member->merged_into.value);
    at = jf_varint_write_signed(at, member->enrolled_on);
    at = jf_varint_write_signed(at, member->tier_since);
    at = jf_varint_write(at, member->home_store);
    at = jf_varint_write(at, member->visits);
    at = jf_varint_write_signed(at, member->tier_until);
    at = jf_varint_write(at, member->tier_version);
    at = jf_varint_write(at, member->status);
    at = jf_varint_write(at, member->birth_month);
    at = jf_varint_write(at, member->birth_day);
    at = jf_varint_write(at, member->tier);
    at = jf_varint_write(at, member->activity_class);
    return at;
}

static unsigned char *lot_write(unsigned char *at, const struct jf_lot *lot)
{
    at = jf_varint_write_signed(at, lot->available_on);
    at = jf_varint_write_signed(at, lot->expires_on);
    at = jf_varint_write(at, lot->entity.value);
    at = jf_varint_write_signed(at, lot->granted);
    at = jf_varint_write_signed(at, lot->remaining);
    return jf_varint_write_signed(at, lot->expired);
}

static unsigned char *month_write(unsigned char *at, const struct jf_month_count *month)
{
    at = jf_varint_write_signed(at, month->month_index);
    at = jf_varint_write(at, month->visits);
    at = jf_varint_write_signed(at, month->spend);
    return jf_varint_write_signed(at, month->points);
}

static unsigned char *counter_write(unsigned char *at, const struct jf_counter *counter)
{
    at = jf_varint_write(at, counter->kind);
    at = jf_varint_write(at, counter->ground);
    at = jf_varint_write_signed(at, counter->period);
    return jf_varint_write_signed(at, counter->value);
}

static unsigned char *hold_write(unsigned char *at, const struct jf_hold *hold)
{
    at = jf_varint_write(at, hold->position);
    at = jf_varint_write_signed(at, hold->deadline_ms);
    at = jf_varint_write(at, hold->part_count);
    at = jf_varint_write(at, hold->reward);
    return jf_varint_write_signed(at, hold->quantity);
}

static unsigned char *part_write(unsigned char *at, const struct jf_lot_part *part)
{
    at = jf_varint_write_signed(at, part->available_on);
    at = jf_varint_write_signed(at, part->expires_on);
    at = jf_varint_write(at, part->entity.value);
    return jf_varint_write_signed(at, part->points);
}

static unsigned char *card_write(unsigned char *at, const struct jf_card *card)
{
    JF_ASSERT(card->size <= JF_CARD_BYTES_MAX);
    at = jf_varint_write(at, card->size);
    memcpy(at, card->bytes, card->size);
    return at + card->size;
}

// What few members have.
static unsigned char *rest_write(unsigned char *at, const struct jf_member *member)
{
    for (uint32_t i = 0; i < member->counter_count; i++) {
        at = counter_write(at, &member->counters[i]);
    }
    for (uint32_t i = 0; i < member->hold_count; i++) {
        at = hold_write(at, &member->holds[i]);
    }
    for (uint32_t i = 0; i < member->hold_part_count; i++) {
        at = part_write(at, &member->hold_parts[i]);
    }
    for (uint32_t i = 0; i < member->card_count; i++) {
        at = card_write(at, &member->cards[i]);
    }
    return at;
}

size_t jf_member_record_encode(const struct jf_member *member, unsigned char *to)
{
    JF_ASSERT(member->lot_count <= member->lot_capacity);
    JF_ASSERT(member->month_count <= member->month_capacity);
    JF_ASSERT(member->debt_count <= member->debt_capacity);
    unsigned char *at = head_write(to, member);
    for (uint32_t i = 0; i < member->lot_count; i++) {
        at = lot_write(at, &member->lots[i]);
    }
    for (uint32_t i = 0; i < member->month_count; i++) {
        at = month_write(at, &member->months[i]);
    }
    for (uint32_t i = 0; i < member->debt_count; i++) {
        at = jf_varint_write(at, member->debts[i].entity.value);
        at = jf_varint_write_signed(at, member->debts[i].points);
    }
    at = rest_write(at, member);
    jf_store_u32(at, (uint32_t)jf_hash64(to, (size_t)(at - to)));
    return (size_t)(at - to) + CHECKSUM_BYTES;
}

static struct jf_varint_reader reader_of(struct jf_text record)
{
    const unsigned char *bytes = (const unsigned char *)record.data;
    return (struct jf_varint_reader){bytes + 1, bytes + record.size - CHECKSUM_BYTES, false};
}

static struct jf_member_capacity counts_read(struct jf_varint_reader *reader)
{
    struct jf_member_capacity counts = {0};
    counts.lots = (uint16_t)jf_varint_read(reader, JF_LOTS_PER_MEMBER_MAX);
    counts.months = (uint16_t)jf_varint_read(reader, JF_MONTHS_PER_MEMBER_MAX);
    counts.debts = (uint16_t)jf_varint_read(reader, JF_DEBTS_PER_MEMBER_MAX);
    counts.counters = (uint16_t)jf_varint_read(reader, JF_COUNTERS_PER_MEMBER_MAX);
    counts.holds = (uint16_t)jf_varint_read(reader, JF_HOLDS_PER_MEMBER_MAX);
    counts.hold_parts = (uint16_t)jf_varint_read(reader, JF_HOLD_PARTS_PER_MEMBER_MAX);
    counts.cards = (uint16_t)jf_varint_read(reader, JF_CARDS_PER_MEMBER_MAX);
    return counts;
}

enum jf_error jf_member_record_measure(struct jf_text record,
                                       struct jf_member_capacity *out_capacity,
                                       struct jf_diagnosis *diagnosis)
{
    if (record.size < RECORD_BYTES_MIN) {
        return jf_diagnose(diagnosis, JF_ERROR_CORRUPT, "a member's record has only %u bytes",
                           record.size);
    }
    const unsigned char *bytes = (const unsigned char *)record.data;
    size_t checked = record.size - CHECKSUM_BYTES;
    if (jf_load_u32(bytes + checked) != (uint32_t)jf_hash64(bytes, checked)) {
        return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                           "a member's record of %u bytes does not match its checksum",
                           record.size);
    }
    if (bytes[0] != RECORD_VERSION) {
        return jf_diagnose(diagnosis, JF_ERROR_VERSION,
                           "a member's record has format version %u, this program reads %u: use a "
                           "newer one",
                           bytes[0], RECORD_VERSION);
    }
    struct jf_varint_reader reader = reader_of(record);
    struct jf_member_capacity counts = counts_read(&reader);
    if (reader.is_bad) {
        return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                           "a member's record counts more of something than there can be");
    }
    *out_capacity = counts;
    return JF_OK;
}

static void head_read(struct jf_varint_reader *reader, struct jf_member *into)
{
    into->number.value = jf_varint_read(reader, UINT64_MAX);
    into->last_position = jf_varint_read(reader, UINT64_MAX);
    into->tags = jf_varint_read(reader, UINT64_MAX);
    into->merged_into.value = jf_varint_read(reader, UINT64_MAX);
    into->enrolled_on = (jf_date)jf_varint_read_signed(reader, INT32_MIN, INT32_MAX);
    into->tier_since = (jf_date)jf_varint_read_signed(reader, INT32_MIN, INT32_MAX);
    into->home_store = (uint32_t)jf_varint_read(reader, UINT32_MAX);
    into->visits = (uint32_t)jf_varint_read(reader, UINT32_MAX);
    into->tier_until = (jf_date)jf_varint_read_signed(reader, INT32_MIN, INT32_MAX);
    into->tier_version = (uint32_t)jf_varint_read(reader, UINT32_MAX);
    into->status = (uint8_t)jf_varint_read(reader, UINT8_MAX);
    into->birth_month = (uint8_t)jf_varint_read(reader, UINT8_MAX);
    into->birth_day = (uint8_t)jf_varint_read(reader, UINT8_MAX);
    into->tier = (uint8_t)jf_varint_read(reader, UINT8_MAX);
    into->activity_class = (uint8_t)jf_varint_read(reader, UINT8_MAX);
    memset(into->reserved, 0, sizeof into->reserved);
}

static void lot_read(struct jf_varint_reader *reader, struct jf_lot *lot)
{
    *lot = (struct jf_lot){0};
    lot->available_on = (jf_date)jf_varint_read_signed(reader, INT32_MIN, INT32_MAX);
    lot->expires_on = (jf_date)jf_varint_read_signed(reader, INT32_MIN, INT32_MAX);
    lot->entity.value = (uint32_t)jf_varint_read(reader, UINT32_MAX);
    lot->granted = jf_varint_read_signed(reader, INT64_MIN, INT64_MAX);
    lot->remaining = jf_varint_read_signed(reader, INT64_MIN, INT64_MAX);
    lot->expired = jf_varint_read_signed(reader, INT64_MIN, INT64_MAX);
}

static void month_read(struct jf_varint_reader *reader, struct jf_month_count *month)
{
    *month = (struct jf_month_count){0};
    month->month_index = (int32_t)jf_varint_read_signed(reader, INT32_MIN, INT32_MAX);
    month->visits = (uint32_t)jf_varint_read(reader, UINT32_MAX);
    month->spend = jf_varint_read_signed(reader, INT64_MIN, INT64_MAX);
    month->points = jf_varint_read_signed(reader, INT64_MIN, INT64_MAX);
}

static void counter_read(struct jf_varint_reader *reader, struct jf_counter *counter)
{
    *counter = (struct jf_counter){0};
    counter->kind = (uint32_t)jf_varint_read(reader, UINT32_MAX);
    counter->ground = (uint32_t)jf_varint_read(reader, UINT32_MAX);
    counter->period = (int32_t)jf_varint_read_signed(reader, INT32_MIN, INT32_MAX);
    counter->value = jf_varint_read_signed(reader, INT64_MIN, INT64_MAX);
}

static void hold_read(struct jf_varint_reader *reader, struct jf_hold *hold)
{
    *hold = (struct jf_hold){0};
    hold->position = jf_varint_read(reader, UINT64_MAX);
    hold->deadline_ms = jf_varint_read_signed(reader, INT64_MIN, INT64_MAX);
    hold->part_count = (uint32_t)jf_varint_read(reader, JF_HOLD_PARTS_PER_MEMBER_MAX);
    hold->reward = (uint32_t)jf_varint_read(reader, UINT32_MAX);
    hold->quantity = jf_varint_read_signed(reader, INT64_MIN, INT64_MAX);
}

static void part_read(struct jf_varint_reader *reader, struct jf_lot_part *part)
{
    *part = (struct jf_lot_part){0};
    part->available_on = (jf_date)jf_varint_read_signed(reader, INT32_MIN, INT32_MAX);
    part->expires_on = (jf_date)jf_varint_read_signed(reader, INT32_MIN, INT32_MAX);
    part->entity.value = (uint32_t)jf_varint_read(reader, UINT32_MAX);
    part->points = jf_varint_read_signed(reader, INT64_MIN, INT64_MAX);
}

static void card_read(struct jf_varint_reader *reader, struct jf_card *card)
{
    card->size = (uint32_t)jf_varint_read(reader, JF_CARD_BYTES_MAX);
    if (reader->is_bad || card->size > (size_t)(reader->end - reader->at)) {
        reader->is_bad = true;
        card->size = 0;
        return;
    }
    memcpy(card->bytes, reader->at, card->size);
    reader->at += card->size;
}

static void rest_read(struct jf_varint_reader *reader, const struct jf_member_capacity *counts,
                      struct jf_member *into)
{
    into->counter_count = counts->counters;
    into->hold_count = counts->holds;
    into->hold_part_count = counts->hold_parts;
    into->card_count = counts->cards;
    for (uint32_t i = 0; i < counts->counters; i++) {
        counter_read(reader, &into->counters[i]);
    }
    for (uint32_t i = 0; i < counts->holds; i++) {
        hold_read(reader, &into->holds[i]);
    }
    for (uint32_t i = 0; i < counts->hold_parts; i++) {
        part_read(reader, &into->hold_parts[i]);
    }
    for (uint32_t i = 0; i < counts->cards; i++) {
        card_read(reader, &into->cards[i]);
    }
}

enum jf_error jf_member_record_decode(struct jf_text record, struct jf_member *into,
                                      struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(record.size >= RECORD_BYTES_MIN);
    struct jf_varint_reader reader = reader_of(record);
    struct jf_member_capacity counts = counts_read(&reader);
    JF_ASSERT(counts.lots <= into->lot_capacity);
    JF_ASSERT(counts.months <= into->month_capacity);
    JF_ASSERT(counts.debts <= into->debt_capacity);
    JF_ASSERT(counts.counters <= into->counter_capacity);
    JF_ASSERT(counts.holds <= into->hold_capacity);
    JF_ASSERT(counts.hold_parts <= into->hold_part_capacity);
    JF_ASSERT(counts.cards <= into->card_capacity);
    head_read(&reader, into);
    into->lot_count = counts.lots;
    into->month_count = counts.months;
    into->debt_count = counts.debts;
    for (uint32_t i = 0; i < counts.lots; i++) {
        lot_read(&reader, &into->lots[i]);
    }
    for (uint32_t i = 0; i < counts.months; i++) {
        month_read(&reader, &into->months[i]);
    }
    for (uint32_t i = 0; i < counts.debts; i++) {
        into->debts[i] = (struct jf_debt){0};
        into->debts[i].entity.value = (uint32_t)jf_varint_read(&reader, UINT32_MAX);
        into->debts[i].points = jf_varint_read_signed(&reader, INT64_MIN, INT64_MAX);
    }
    rest_read(&reader, &counts, into);
    if (reader.is_bad || reader.at != reader.end) {
        return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                           "a member's record of %u bytes has numbers out of range or a wrong size",
                           record.size);
    }
    return jf_member_check(into, diagnosis);
}
