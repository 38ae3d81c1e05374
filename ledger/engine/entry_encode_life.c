// Bodies of entries of a member's life as protobuf bytes, fields in descending order. Nothing here
// fails.
#include "base/limits.h"
#include "engine/entry_codec.h"
#include "engine/entry_codec_life.h"

// Upper bounds of one encoded element: a tag and a longest varint for each number.
#define FIELD_BYTES 12u
#define TEXT_BYTES  (2u * FIELD_BYTES) // besides the text
#define PART_BYTES  (5u * FIELD_BYTES)
#define MONTH_BYTES (5u * FIELD_BYTES)
#define DELTA_BYTES (5u * FIELD_BYTES)
#define HOLD_BYTES  (5u * FIELD_BYTES) // besides its parts

static uint64_t merge_bound(const struct jf_merge_entry *merge)
{
    return (uint64_t)(merge->granted_count + merge->hold_part_count) * PART_BYTES +
           (uint64_t)merge->month_count * MONTH_BYTES +
           (uint64_t)merge->counter_count * DELTA_BYTES + (uint64_t)merge->hold_count * HOLD_BYTES;
}

static uint64_t adjustment_bound(const struct jf_adjustment_entry *adjustment)
{
    return (uint64_t)adjustment->reason_code.size + adjustment->operator_name.size +
           adjustment->approver.size + (uint64_t)adjustment->debited_count * PART_BYTES;
}

uint64_t jf_entry_life_bound(const struct jf_entry *entry)
{
    struct jf_card_move move = jf_entry_card_move(entry);
    uint64_t bound = (uint64_t)move.count * (JF_CARD_BYTES_MAX + TEXT_BYTES);
    switch (entry->kind) {
    case JF_ENTRY_ADJUSTMENT:
        return adjustment_bound(&entry->as.adjustment);
    case JF_ENTRY_TRANSFER:
        return entry->as.transfer.operator_name.size +
               (uint64_t)entry->as.transfer.moved_count * PART_BYTES;
    case JF_ENTRY_MERGE:
        return bound + merge_bound(&entry->as.merge);
    default:
        return bound;
    }
}

static void put_cards(struct jf_wire_writer *writer, uint32_t field, const struct jf_text *cards,
                      uint32_t count)
{
    for (uint32_t i = count; i-- > 0;) {
        jf_wire_text(writer, field, cards[i], true);
    }
}

static void put_date(struct jf_wire_writer *writer, uint32_t field, jf_date date)
{
    jf_wire_int(writer, field, jf_date_to_wire(date));
}

static void put_member_update(struct jf_wire_writer *writer,
                              const struct jf_member_update_entry *update)
{
    put_cards(writer, 6, update->cards, update->card_count);
    jf_wire_uint(writer, 5, update->is_erase);
    jf_wire_fixed64(writer, 4, update->tags);
    jf_wire_uint(writer, 3, update->home_store);
    jf_wire_uint(writer, 2, update->birth_day);
    jf_wire_uint(writer, 1, update->birth_month);
}

static void put_adjustment(struct jf_wire_writer *writer,
                           const struct jf_adjustment_entry *adjustment)
{
    jf_wire_int(writer, 9, adjustment->debt_paid);
    put_date(writer, 8, adjustment->expires_on);
    jf_entry_put_parts(writer, 7, adjustment->debited, adjustment->debited_count);
    jf_wire_int(writer, 6, adjustment->adjusted_at_ms);
    jf_wire_uint(writer, 5, adjustment->entity.value);
    jf_wire_text(writer, 4, adjustment->approver, false);
    jf_wire_text(writer, 3, adjustment->operator_name, false);
    jf_wire_text(writer, 2, adjustment->reason_code, false);
    jf_wire_sint(writer, 1, adjustment->points);
}

static void put_transfer(struct jf_wire_writer *writer, const struct jf_transfer_entry *transfer)
{
    jf_entry_put_parts(writer, 6, transfer->moved, transfer->moved_count);
    jf_wire_int(writer, 5, transfer->transferred_at_ms);
    jf_wire_text(writer, 4, transfer->operator_name, false);
    jf_wire_int(writer, 3, transfer->points);
    jf_wire_uint(writer, 2, transfer->to.previous_position);
    jf_wire_uint(writer, 1, transfer->to.member.value);
}

static void put_holds(struct jf_wire_writer *writer, const struct jf_merge_entry *merge)
{
    const struct jf_lot_part *parts = merge->hold_parts + merge->hold_part_count;
    for (uint32_t i = merge->hold_count; i-- > 0;) {
        const unsigned char *end = writer->at;
        parts -= merge->holds[i].part_count;
        jf_wire_int(writer, 5, merge->holds[i].quantity);
        jf_wire_uint(writer, 4, merge->holds[i].reward);
        jf_entry_put_parts(writer, 3, parts, merge->holds[i].part_count);
        jf_wire_int(writer, 2, merge->holds[i].deadline_ms);
        jf_wire_uint(writer, 1, merge->holds[i].position);
        jf_wire_nest(writer, 6, end);
    }
}

static void put_months(struct jf_wire_writer *writer, const struct jf_merge_entry *merge)
{
    for (uint32_t i = merge->month_count; i-- > 0;) {
        const struct jf_month_count *month = &merge->months[i];
        const unsigned char *end = writer->at;
        jf_wire_int(writer, 4, month->points);
        jf_wire_uint(writer, 3, month->visits);
        jf_wire_int(writer, 2, month->spend);
        jf_wire_int(writer, 1, month->month_index / 12 * 100 + month->month_index % 12 + 1);
        jf_wire_nest(writer, 4, end);
    }
}

static void put_merge(struct jf_wire_writer *writer, const struct jf_merge_entry *merge)
{
    jf_wire_uint(writer, 17, merge->tier_until != JF_DATE_MIN);
    jf_wire_fixed64(writer, 16, merge->tags);
    jf_wire_uint(writer, 15, merge->birth_day);
    jf_wire_uint(writer, 14, merge->birth_month);
    put_date(writer, 13, merge->enrolled_on);
    put_date(writer, 12, merge->tier_until);
    put_date(writer, 11, merge->tier_since);
    jf_wire_uint(writer, 10, merge->tier_version);
    jf_wire_uint(writer, 9, merge->tier);
    jf_wire_uint(writer, 8, merge->visits);
    put_cards(writer, 7, merge->cards, merge->card_count);
    put_holds(writer, merge);
    jf_entry_put_deltas(writer, 5, merge->counters, merge->counter_count);
    put_months(writer, merge);
    jf_entry_put_parts(writer, 3, merge->granted, merge->granted_count);
    jf_wire_uint(writer, 2, merge->from.previous_position);
    jf_wire_uint(writer, 1, merge->from.member.value);
}

void jf_entry_life_put(struct jf_wire_writer *writer, const struct jf_entry *entry)
{
    switch (entry->kind) {
    case JF_ENTRY_ADJUSTMENT:
        put_adjustment(writer, &entry->as.adjustment);
        break;
    case JF_ENTRY_TRANSFER:
        put_transfer(writer, &entry->as.transfer);
        break;
    case JF_ENTRY_MEMBER_UPDATE:
        put_member_update(writer, &entry->as.member_update);
        break;
    case JF_ENTRY_CARD_LINK:
        jf_wire_text(writer, 1, entry->as.card_link.card, false);
        break;
    case JF_ENTRY_CARD_UNLINK:
        jf_wire_text(writer, 1, entry->as.card_unlink.card, false);
        break;
    case JF_ENTRY_MEMBER_STATUS:
        jf_wire_uint(writer, 1, entry->as.member_status.status);
        break;
    case JF_ENTRY_MERGE:
        put_merge(writer, &entry->as.merge);
        break;
    default:
        break;
    }
}
