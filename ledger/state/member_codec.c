// Version byte, counts, fixed fields, lots, months, debts as varints, then 32 bits of XXH3 over all
// before. The checksum stands although RocksDB has its own: records also travel through caches and
// backups, and a decoder of varints would take most flipped bits for other numbers.
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

#define RECORD_VERSION   1u
#define CHECKSUM_BYTES   ((size_t)4)
#define HEAD_NUMBERS     15u // fields before the arrays, counts included
#define LOT_NUMBERS      6u
#define MONTH_NUMBERS    4u
#define DEBT_NUMBERS     2u
#define RECORD_BYTES_MIN (CHECKSUM_BYTES + 1 + HEAD_NUMBERS)

size_t jf_member_record_size_max(const struct jf_member *member)
{
    size_t numbers = HEAD_NUMBERS + (size_t)member->lot_count * LOT_NUMBERS +
                     (size_t)member->month_count * MONTH_NUMBERS +
                     (size_t)member->debt_count * DEBT_NUMBERS;
    return 1 + numbers * JF_VARINT_BYTES_MAX + CHECKSUM_BYTES;
}

static unsigned char *head_write(unsigned char *at, const struct jf_member *member)
{
    *at++ = RECORD_VERSION;
    at = jf_varint_write(at, member->lot_count);
    at = jf_varint_write(at, member->month_count);
    at = jf_varint_write(at, member->debt_count);
    at = jf_varint_write(at, member->number.value);
    at = jf_varint_write(at, member->last_position);
    at = jf_varint_write(at, member->tags);
    at = jf_varint_write_signed(at, member->enrolled_on);
    at = jf_varint_write_signed(at, member->tier_since);
    at = jf_varint_write(at, member->home_store);
    at = jf_varint_write(at, member->visits);
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
                           "a member's record counts more lots, months or debts than there can be");
    }
    *out_capacity = counts;
    return JF_OK;
}

static void head_read(struct jf_varint_reader *reader, struct jf_member *into)
{
    into->number.value = jf_varint_read(reader, UINT64_MAX);
    into->last_position = jf_varint_read(reader, UINT64_MAX);
    into->tags = jf_varint_read(reader, UINT64_MAX);
    into->enrolled_on = (jf_date)jf_varint_read_signed(reader, INT32_MIN, INT32_MAX);
    into->tier_since = (jf_date)jf_varint_read_signed(reader, INT32_MIN, INT32_MAX);
    into->home_store = (uint32_t)jf_varint_read(reader, UINT32_MAX);
    into->visits = (uint32_t)jf_varint_read(reader, UINT32_MAX);
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

enum jf_error jf_member_record_decode(struct jf_text record, struct jf_member *into,
                                      struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(record.size >= RECORD_BYTES_MIN);
    struct jf_varint_reader reader = reader_of(record);
    struct jf_member_capacity counts = counts_read(&reader);
    JF_ASSERT(counts.lots <= into->lot_capacity);
    JF_ASSERT(counts.months <= into->month_capacity);
    JF_ASSERT(counts.debts <= into->debt_capacity);
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
    if (reader.is_bad || reader.at != reader.end) {
        return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                           "a member's record of %u bytes has numbers out of range or a wrong size",
                           record.size);
    }
    return jf_member_check(into, diagnosis);
}
