// An entry as protobuf bytes, written from its end to its beginning straight from the rules' plain
// entry: no message structures in between, because every sale passes here. Field numbers are those
// of proto/jifen/v1/entry.proto and common.proto; tests read the result back with the generated
// code. Fails only when the arena's bound is met or the entry would not fit into a block.
#include "engine/entry_codec.h"

#include "base/limits.h"
#include "engine/entry_codec_life.h"
#include "engine/wire_writer.h"

// Upper bounds of one encoded element: a tag and a longest varint for each number.
#define FIELD_BYTES   12u
#define POSTING_BYTES (8u * FIELD_BYTES)
#define TRACE_BYTES   (6u * FIELD_BYTES)
#define LINE_BYTES    (5u * FIELD_BYTES)
#define TENDER_BYTES  (3u * FIELD_BYTES)
#define PART_BYTES    (5u * FIELD_BYTES)
#define GRANTED_BYTES (3u * FIELD_BYTES)
#define COUNTED_BYTES (5u * FIELD_BYTES)
#define ROOM_BYTES    (5u * FIELD_BYTES)
#define TEXT_BYTES    (2u * FIELD_BYTES) // besides the text
#define DATES_KNOWN   64u                // remembered conversions
#define FIXED_BYTES   1024u              // all single fields of entry, outcome and body

int32_t jf_date_to_wire(jf_date date)
{
    if (date == JF_DATE_NONE || date == JF_DATE_EVER || date == 0) {
        return 0;
    }
    // An entry names two or three dates many times, and the next entry mostly the same ones.
    static _Thread_local struct {
        jf_date date;
        int32_t wire;
    } known[DATES_KNOWN];
    uint32_t slot = (uint32_t)date % DATES_KNOWN;
    if (known[slot].date == date) {
        return known[slot].wire;
    }
    struct jf_civil civil = jf_date_to_civil(date);
    known[slot].date = date;
    known[slot].wire = civil.year * 10000 + civil.month * 100 + civil.day;
    return known[slot].wire;
}

static void wire_date(struct jf_wire_writer *writer, uint32_t field, jf_date date)
{
    jf_wire_int(writer, field, jf_date_to_wire(date));
}

static void put_balance(struct jf_wire_writer *writer, const struct jf_balance *balance)
{
    const unsigned char *end = writer->at;
    wire_date(writer, 7, balance->expiring_on);
    jf_wire_sint(writer, 6, balance->expiring_points);
    jf_wire_uint(writer, 5, balance->tier);
    jf_wire_sint(writer, 4, balance->debt);
    jf_wire_sint(writer, 3, balance->held);
    jf_wire_sint(writer, 2, balance->pending);
    jf_wire_sint(writer, 1, balance->available);
    jf_wire_nest(writer, 4, end);
}

static void put_posting(struct jf_wire_writer *writer, const struct jf_posting *posting)
{
    const unsigned char *end = writer->at;
    jf_wire_uint(writer, 7, posting->member.value);
    wire_date(writer, 6, posting->expires_on);
    wire_date(writer, 5, posting->available_on);
    jf_wire_sint(writer, 4, posting->points);
    jf_wire_uint(writer, 3, posting->reason);
    jf_wire_uint(writer, 2, posting->entity.value);
    jf_wire_uint(writer, 1, posting->account);
    jf_wire_nest(writer, 8, end);
}

static void put_trace_step(struct jf_wire_writer *writer, const struct jf_trace_step *step)
{
    const unsigned char *end = writer->at;
    jf_wire_sint(writer, 5, step->exact);
    jf_wire_sint(writer, 4, step->amount);
    jf_wire_sint(writer, 3, step->points);
    jf_wire_uint(writer, 2, step->reason);
    jf_wire_uint(writer, 1, step->kind);
    jf_wire_nest(writer, 9, end);
}

static void put_line_points(struct jf_wire_writer *writer, const struct jf_entry *entry)
{
    if (entry->line_point_count == 0) {
        return;
    }
    const unsigned char *end = writer->at;
    for (uint32_t i = entry->line_point_count; i-- > 0;) {
        jf_wire_varint(writer, jf_wire_zigzag(entry->line_points[i]));
    }
    jf_wire_nest(writer, 11, end);
}

static void put_outcome_fields(struct jf_wire_writer *writer, const struct jf_entry *entry)
{
    jf_wire_sint(writer, 15, entry->shortfall_points);
    jf_wire_sint(writer, 14, entry->deducted_value);
    jf_wire_uint(writer, 13, entry->programme_version);
    jf_wire_uint(writer, 12, entry->is_late);
    put_line_points(writer, entry);
    jf_wire_uint(writer, 10, entry->denominator);
    for (uint32_t i = entry->trace_count; i-- > 0;) {
        put_trace_step(writer, &entry->trace[i]);
    }
    for (uint32_t i = entry->posting_count; i-- > 0;) {
        put_posting(writer, &entry->postings[i]);
    }
    jf_wire_sint(writer, 7, entry->redeemed_value);
    jf_wire_sint(writer, 6, entry->points_redeemed);
    jf_wire_sint(writer, 5, entry->points_granted);
    if (entry->member.value != 0) {
        put_balance(writer, &entry->balance);
    }
    wire_date(writer, 3, entry->business_date);
    jf_wire_uint(writer, 2, entry->member.value);
    jf_wire_uint(writer, 1, entry->position);
}

static void put_line(struct jf_wire_writer *writer, const struct jf_line *line)
{
    const unsigned char *end = writer->at;
    jf_wire_int(writer, 4, line->amount);
    jf_wire_int(writer, 3, line->quantity_milli);
    jf_wire_text(writer, 2, line->category, false);
    jf_wire_text(writer, 1, line->sku, false);
    jf_wire_nest(writer, 5, end);
}

static void put_tender(struct jf_wire_writer *writer, const struct jf_tender *tender)
{
    const unsigned char *end = writer->at;
    jf_wire_int(writer, 2, tender->amount);
    jf_wire_text(writer, 1, tender->type, false);
    jf_wire_nest(writer, 6, end);
}

static void put_receipt(struct jf_wire_writer *writer, const struct jf_receipt *receipt)
{
    const unsigned char *end = writer->at;
    for (uint32_t i = receipt->tender_count; i-- > 0;) {
        put_tender(writer, &receipt->tenders[i]);
    }
    for (uint32_t i = receipt->line_count; i-- > 0;) {
        put_line(writer, &receipt->lines[i]);
    }
    jf_wire_int(writer, 4, receipt->sold_at_ms);
    jf_wire_text(writer, 3, receipt->number, false);
    jf_wire_uint(writer, 2, receipt->terminal);
    jf_wire_uint(writer, 1, receipt->store.value);
    jf_wire_nest(writer, 1, end);
}

static void put_rooms(struct jf_wire_writer *writer, const struct jf_sale_facts *facts)
{
    for (uint32_t i = facts->room_count; i-- > 0;) {
        const unsigned char *end = writer->at;
        jf_wire_int(writer, 4, facts->rooms[i].room);
        jf_wire_int(writer, 3, facts->rooms[i].period);
        jf_wire_uint(writer, 2, facts->rooms[i].ground);
        jf_wire_uint(writer, 1, facts->rooms[i].kind);
        jf_wire_nest(writer, 13, end);
    }
}

static void put_facts(struct jf_wire_writer *writer, const struct jf_sale_facts *facts)
{
    const unsigned char *end = writer->at;
    jf_wire_uint(writer, 14, facts->member_status);
    put_rooms(writer, facts);
    jf_wire_text(writer, 12, facts->region, false);
    wire_date(writer, 11, facts->available_on);
    wire_date(writer, 10, facts->expires_on);
    jf_wire_uint(writer, 9, facts->entity.value);
    jf_wire_uint(writer, 8, facts->is_first_purchase);
    jf_wire_uint(writer, 7, facts->birthday);
    jf_wire_fixed64(writer, 6, facts->tags);
    jf_wire_uint(writer, 5, facts->activity_class);
    jf_wire_uint(writer, 4, facts->tier);
    wire_date(writer, 3, facts->local_date);
    jf_wire_uint(writer, 2, facts->local_second);
    jf_wire_uint(writer, 1, facts->programme_version);
    jf_wire_nest(writer, 2, end);
}

void jf_entry_put_parts(struct jf_wire_writer *writer, uint32_t field,
                        const struct jf_lot_part *parts, uint32_t count)
{
    for (uint32_t i = count; i-- > 0;) {
        const unsigned char *end = writer->at;
        jf_wire_int(writer, 4, parts[i].points);
        jf_wire_uint(writer, 3, parts[i].entity.value);
        wire_date(writer, 2, parts[i].expires_on);
        wire_date(writer, 1, parts[i].available_on);
        jf_wire_nest(writer, field, end);
    }
}

static void put_granted(struct jf_wire_writer *writer, uint32_t field,
                        const struct jf_granted *granted, uint32_t count)
{
    for (uint32_t i = count; i-- > 0;) {
        const unsigned char *end = writer->at;
        jf_wire_sint(writer, 2, granted[i].points);
        jf_wire_uint(writer, 1, granted[i].reason);
        jf_wire_nest(writer, field, end);
    }
}

void jf_entry_put_deltas(struct jf_wire_writer *writer, uint32_t field,
                         const struct jf_counter_delta *deltas, uint32_t count)
{
    for (uint32_t i = count; i-- > 0;) {
        const unsigned char *end = writer->at;
        jf_wire_sint(writer, 4, deltas[i].delta);
        jf_wire_int(writer, 3, deltas[i].period);
        jf_wire_uint(writer, 2, deltas[i].ground);
        jf_wire_uint(writer, 1, deltas[i].kind);
        jf_wire_nest(writer, field, end);
    }
}

static void put_sale(struct jf_wire_writer *writer, const struct jf_sale_entry *sale)
{
    put_granted(writer, 8, sale->granted, sale->granted_count);
    jf_wire_int(writer, 7, sale->debt_paid);
    jf_wire_int(writer, 6, sale->spend);
    jf_wire_uint(writer, 5, sale->is_offline);
    jf_entry_put_parts(writer, 4, sale->redeemed, sale->redeemed_count);
    jf_wire_int(writer, 3, sale->redeem_points);
    put_facts(writer, &sale->facts);
    put_receipt(writer, &sale->receipt);
}

static void put_kept(struct jf_wire_writer *writer, const struct jf_return_entry *entry)
{
    for (uint32_t i = entry->kept_count; i-- > 0;) {
        const unsigned char *end = writer->at;
        jf_wire_uint(writer, 2, entry->kept[i].is_gone);
        jf_wire_int(writer, 1, entry->kept[i].quantity_milli);
        jf_wire_nest(writer, 7, end);
    }
}

static void put_returned(struct jf_wire_writer *writer, const struct jf_return_entry *entry)
{
    for (uint32_t i = entry->line_count; i-- > 0;) {
        const unsigned char *end = writer->at;
        jf_wire_uint(writer, 3, entry->lines[i].is_whole);
        jf_wire_int(writer, 2, entry->lines[i].quantity_milli);
        jf_wire_uint(writer, 1, entry->lines[i].line_number);
        jf_wire_nest(writer, 6, end);
    }
}

static void put_return(struct jf_wire_writer *writer, const struct jf_return_entry *entry)
{
    jf_wire_int(writer, 23, entry->deducted_value);
    jf_wire_int(writer, 22, entry->written_off);
    jf_entry_put_parts(writer, 21, entry->taken_from_other, entry->taken_from_other_count);
    wire_date(writer, 19, entry->sale_date);
    jf_wire_sint(writer, 18, entry->visit_delta);
    jf_wire_sint(writer, 17, entry->points_delta);
    jf_wire_sint(writer, 16, entry->spend_delta);
    jf_wire_int(writer, 15, entry->sale_month_index);
    jf_entry_put_parts(writer, 14, entry->given_back, entry->given_back_count);
    jf_wire_uint(writer, 13, entry->is_visit);
    jf_wire_int(writer, 12, entry->taken_as_debt);
    jf_wire_int(writer, 11, entry->taken_from_lot);
    jf_wire_int(writer, 10, entry->redeemed);
    jf_wire_int(writer, 9, entry->spend);
    put_granted(writer, 8, entry->granted, entry->granted_count);
    put_kept(writer, entry);
    put_returned(writer, entry);
    jf_wire_int(writer, 5, entry->returned_at_ms);
    jf_wire_uint(writer, 4, entry->terminal);
    jf_wire_uint(writer, 3, entry->store.value);
    jf_wire_text(writer, 2, entry->sale_transaction_id, false);
    jf_wire_uint(writer, 1, entry->sale_position);
}

static void put_redemption(struct jf_wire_writer *writer,
                           const struct jf_redemption_entry *redemption)
{
    jf_wire_uint(writer, 6, redemption->entity.value);
    jf_entry_put_parts(writer, 5, redemption->redeemed, redemption->redeemed_count);
    jf_wire_text(writer, 4, redemption->reward, false);
    jf_wire_int(writer, 3, redemption->redeemed_at_ms);
    jf_wire_uint(writer, 2, redemption->terminal);
    jf_wire_uint(writer, 1, redemption->store.value);
}

static void put_enrolment(struct jf_wire_writer *writer, const struct jf_enrol_command *enrolment)
{
    jf_wire_fixed64(writer, 6, enrolment->tags);
    jf_wire_uint(writer, 5, enrolment->home_store);
    jf_wire_uint(writer, 4, enrolment->birth_day);
    jf_wire_uint(writer, 3, enrolment->birth_month);
    wire_date(writer, 2, enrolment->enrolled_on);
    for (uint32_t i = enrolment->card_count; i-- > 0;) {
        jf_wire_text(writer, 1, enrolment->cards[i], true);
    }
}

static void put_publication(struct jf_wire_writer *writer,
                            const struct jf_publication_entry *publication)
{
    for (uint32_t i = publication->reason_count; i-- > 0;) {
        const unsigned char *end = writer->at;
        jf_wire_text(writer, 2, publication->reasons[i].name, false);
        jf_wire_uint(writer, 1, publication->reasons[i].number);
        jf_wire_nest(writer, 5, end);
    }
    jf_wire_int(writer, 4, publication->effective_from_ms);
    jf_wire_text(writer, 3, publication->file_name, false);
    jf_wire_text(writer, 2, publication->yaml, false);
    jf_wire_uint(writer, 1, publication->version);
}

static void put_store(struct jf_wire_writer *writer, const struct jf_put_store_command *store)
{
    jf_wire_uint(writer, 5, store->day_start_minute);
    jf_wire_text(writer, 4, store->zone, false);
    jf_wire_text(writer, 3, store->region, false);
    jf_wire_uint(writer, 2, store->entity.value);
    jf_wire_uint(writer, 1, store->store.value);
}

static void put_tier_change(struct jf_wire_writer *writer,
                            const struct jf_tier_change_entry *change)
{
    jf_wire_int(writer, 12, change->points);
    wire_date(writer, 11, change->until);
    jf_wire_text(writer, 10, change->operator_name, false);
    jf_wire_uint(writer, 9, change->why);
    jf_wire_uint(writer, 8, change->class_to);
    jf_wire_uint(writer, 7, change->class_from);
    jf_wire_uint(writer, 6, change->visits);
    jf_wire_int(writer, 5, change->spend);
    jf_wire_uint(writer, 4, change->to);
    jf_wire_uint(writer, 3, change->from);
    wire_date(writer, 2, change->as_of);
    jf_wire_text(writer, 1, change->run_id, false);
}

static void put_hold(struct jf_wire_writer *writer, const struct jf_hold_entry *hold)
{
    jf_wire_int(writer, 9, hold->quantity);
    jf_wire_uint(writer, 8, hold->reward_ground);
    jf_wire_uint(writer, 7, hold->entity.value);
    jf_entry_put_parts(writer, 6, hold->held, hold->held_count);
    jf_wire_text(writer, 5, hold->reward, false);
    jf_wire_int(writer, 4, hold->deadline_ms);
    jf_wire_int(writer, 3, hold->held_at_ms);
    jf_wire_uint(writer, 2, hold->terminal);
    jf_wire_uint(writer, 1, hold->store.value);
}

// A void's fields are the first of a capture's.
static void put_hold_end(struct jf_wire_writer *writer, const struct jf_hold_end_entry *end)
{
    jf_entry_put_parts(writer, 6, end->captured, end->captured_count);
    jf_wire_uint(writer, 5, end->entity.value);
    jf_wire_int(writer, 4, end->ended_at_ms);
    wire_date(writer, 3, end->hold_date);
    jf_wire_text(writer, 2, end->hold_transaction_id, false);
    jf_wire_uint(writer, 1, end->hold_position);
}

static void put_voided_holds(struct jf_wire_writer *writer, const struct jf_entry *entry)
{
    if (entry->voided_hold_count == 0) {
        return;
    }
    const unsigned char *end = writer->at;
    for (uint32_t i = entry->voided_hold_count; i-- > 0;) {
        jf_wire_varint(writer, entry->voided_holds[i]);
    }
    jf_wire_nest(writer, 7, end);
}

static void put_expiry(struct jf_wire_writer *writer, const struct jf_expiry_entry *expiry)
{
    wire_date(writer, 2, expiry->as_of);
    jf_wire_text(writer, 1, expiry->run_id, false);
}

static void put_hash(struct jf_wire_writer *writer, uint32_t field, struct jf_hash128 hash)
{
    unsigned char bytes[JF_DIGEST_BYTES];
    jf_digest_store(bytes, hash);
    jf_wire_text(writer, field, (struct jf_text){(const char *)bytes, sizeof bytes}, false);
}

static void put_digest(struct jf_wire_writer *writer, const struct jf_digest *digest)
{
    jf_wire_uint(writer, 5, digest->format);
    put_hash(writer, 4, digest->totals);
    put_hash(writer, 3, digest->reference);
    put_hash(writer, 2, digest->members);
    put_hash(writer, 1, jf_digest_whole(digest));
}

// The body's field number is its kind.
static void put_body(struct jf_wire_writer *writer, const struct jf_entry *entry)
{
    const unsigned char *end = writer->at;
    switch (entry->kind) {
    case JF_ENTRY_SALE:
        jf_entry_put_deltas(writer, 9, entry->counted, entry->counted_count);
        put_sale(writer, &entry->as.sale);
        break;
    case JF_ENTRY_RETURN:
        jf_entry_put_deltas(writer, 20, entry->counted, entry->counted_count);
        put_return(writer, &entry->as.sale_return);
        break;
    case JF_ENTRY_REDEMPTION:
        jf_entry_put_deltas(writer, 7, entry->counted, entry->counted_count);
        put_redemption(writer, &entry->as.redemption);
        break;
    case JF_ENTRY_ENROLMENT:
        put_enrolment(writer, &entry->as.enrolment);
        break;
    case JF_ENTRY_PUBLICATION:
        put_publication(writer, &entry->as.publication);
        break;
    case JF_ENTRY_STORE:
        put_store(writer, &entry->as.store);
        break;
    case JF_ENTRY_TIER_CHANGE:
        put_tier_change(writer, &entry->as.tier_change);
        break;
    case JF_ENTRY_HOLD:
        jf_entry_put_deltas(writer, 10, entry->counted, entry->counted_count);
        put_hold(writer, &entry->as.hold);
        break;
    case JF_ENTRY_CAPTURE:
        jf_entry_put_deltas(writer, 7, entry->counted, entry->counted_count);
        put_hold_end(writer, &entry->as.hold_end);
        break;
    case JF_ENTRY_VOID:
        jf_entry_put_deltas(writer, 5, entry->counted, entry->counted_count);
        put_hold_end(writer, &entry->as.hold_end);
        break;
    case JF_ENTRY_EXPIRY:
        put_expiry(writer, &entry->as.expiry);
        break;
    case JF_ENTRY_DIGEST:
        put_digest(writer, &entry->as.digest);
        break;
    case JF_ENTRY_MEMBER_UPDATE:
    case JF_ENTRY_CARD_LINK:
    case JF_ENTRY_CARD_UNLINK:
    case JF_ENTRY_MEMBER_STATUS:
    case JF_ENTRY_ADJUSTMENT:
    case JF_ENTRY_TRANSFER:
    case JF_ENTRY_MERGE:
        jf_entry_life_put(writer, entry);
        break;
    }
    jf_wire_nest(writer, entry->kind, end);
}

static uint64_t receipt_bound(const struct jf_receipt *receipt)
{
    uint64_t bound = receipt->number.size + (uint64_t)receipt->line_count * LINE_BYTES +
                     (uint64_t)receipt->tender_count * TENDER_BYTES;
    for (uint32_t i = 0; i < receipt->line_count; i++) {
        bound += receipt->lines[i].sku.size + receipt->lines[i].category.size;
    }
    for (uint32_t i = 0; i < receipt->tender_count; i++) {
        bound += receipt->tenders[i].type.size;
    }
    return bound;
}

static uint64_t enrolment_bound(const struct jf_enrol_command *enrolment)
{
    uint64_t bound = 0;
    for (uint32_t i = 0; i < enrolment->card_count; i++) {
        bound += enrolment->cards[i].size + TEXT_BYTES;
    }
    return bound;
}

static uint64_t publication_bound(const struct jf_publication_entry *publication)
{
    uint64_t bound = (uint64_t)publication->yaml.size + publication->file_name.size;
    for (uint32_t i = 0; i < publication->reason_count; i++) {
        bound += publication->reasons[i].name.size + 2u * TEXT_BYTES;
    }
    return bound;
}

static uint64_t body_bound(const struct jf_entry *entry)
{
    const struct jf_sale_entry *sale = &entry->as.sale;
    const struct jf_return_entry *returned = &entry->as.sale_return;
    switch (entry->kind) {
    case JF_ENTRY_SALE:
        return receipt_bound(&sale->receipt) + sale->facts.region.size +
               (uint64_t)sale->redeemed_count * PART_BYTES +
               (uint64_t)sale->facts.room_count * ROOM_BYTES +
               (uint64_t)sale->granted_count * GRANTED_BYTES;
    case JF_ENTRY_RETURN:
        return returned->sale_transaction_id.size +
               (uint64_t)(returned->line_count + returned->kept_count) * LINE_BYTES +
               ((uint64_t)returned->given_back_count + returned->taken_from_other_count) *
                   PART_BYTES +
               (uint64_t)returned->granted_count * GRANTED_BYTES;
    case JF_ENTRY_REDEMPTION:
        return entry->as.redemption.reward.size +
               (uint64_t)entry->as.redemption.redeemed_count * PART_BYTES;
    case JF_ENTRY_ENROLMENT:
        return enrolment_bound(&entry->as.enrolment);
    case JF_ENTRY_PUBLICATION:
        return publication_bound(&entry->as.publication);
    case JF_ENTRY_STORE:
        return (uint64_t)entry->as.store.region.size + entry->as.store.zone.size;
    case JF_ENTRY_TIER_CHANGE:
        return (uint64_t)entry->as.tier_change.run_id.size +
               entry->as.tier_change.operator_name.size;
    case JF_ENTRY_HOLD:
        return entry->as.hold.reward.size + (uint64_t)entry->as.hold.held_count * PART_BYTES;
    case JF_ENTRY_CAPTURE:
    case JF_ENTRY_VOID:
        return entry->as.hold_end.hold_transaction_id.size +
               (uint64_t)entry->as.hold_end.captured_count * PART_BYTES;
    case JF_ENTRY_EXPIRY:
        return entry->as.expiry.run_id.size;
    case JF_ENTRY_DIGEST:
        return 4u * (JF_DIGEST_BYTES + TEXT_BYTES);
    case JF_ENTRY_MEMBER_UPDATE:
    case JF_ENTRY_CARD_LINK:
    case JF_ENTRY_CARD_UNLINK:
    case JF_ENTRY_MEMBER_STATUS:
    case JF_ENTRY_ADJUSTMENT:
    case JF_ENTRY_TRANSFER:
    case JF_ENTRY_MERGE:
        return jf_entry_life_bound(entry);
    }
    return 0;
}

static uint64_t outcome_bound(const struct jf_entry *entry)
{
    return FIXED_BYTES + (uint64_t)entry->posting_count * POSTING_BYTES +
           (uint64_t)entry->trace_count * TRACE_BYTES +
           (uint64_t)(entry->counted_count + entry->voided_counted_count) * COUNTED_BYTES +
           (uint64_t)entry->line_point_count * JF_WIRE_VARINT_MAX;
}

static enum jf_error writer_open(struct jf_arena *arena, uint64_t bound,
                                 struct jf_wire_writer *writer)
{
    writer->begin = jf_arena_alloc(arena, bound);
    if (writer->begin == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    writer->at = writer->begin + bound;
    return JF_OK;
}

enum jf_error jf_entry_encode(const struct jf_entry *entry, struct jf_arena *arena,
                              struct jf_text *out_bytes, struct jf_text *out_outcome)
{
    JF_ASSERT(entry->position > 0);
    uint64_t bound = outcome_bound(entry) + body_bound(entry) + entry->transaction_id.size +
                     (uint64_t)entry->voided_hold_count * JF_WIRE_VARINT_MAX;
    struct jf_wire_writer writer;
    enum jf_error error = writer_open(arena, bound, &writer);
    if (error != JF_OK) {
        return error;
    }
    const unsigned char *end = writer.at;
    put_body(&writer, entry);
    jf_entry_put_deltas(&writer, 8, entry->voided_counted, entry->voided_counted_count);
    put_voided_holds(&writer, entry);
    const unsigned char *outcome_end = writer.at;
    put_outcome_fields(&writer, entry);
    const unsigned char *outcome = writer.at;
    jf_wire_nest(&writer, 6, outcome_end);
    jf_wire_uint(&writer, 5, entry->previous_position);
    jf_wire_uint(&writer, 4, entry->member.value);
    jf_wire_fixed64(&writer, 3, entry->fingerprint);
    jf_wire_text(&writer, 2, entry->transaction_id, false);
    jf_wire_uint(&writer, 1, entry->recorded_at_us);
    if (end - writer.at > (ptrdiff_t)JF_ENTRY_BYTES_MAX) {
        return JF_ERROR_LIMIT;
    }
    *out_bytes = (struct jf_text){(const char *)writer.at, (uint32_t)(end - writer.at)};
    *out_outcome = (struct jf_text){(const char *)outcome, (uint32_t)(outcome_end - outcome)};
    return JF_OK;
}

enum jf_error jf_entry_encode_outcome(const struct jf_entry *entry, struct jf_arena *arena,
                                      struct jf_text *out_outcome)
{
    struct jf_wire_writer writer;
    enum jf_error error = writer_open(arena, outcome_bound(entry), &writer);
    if (error != JF_OK) {
        return error;
    }
    const unsigned char *end = writer.at;
    put_outcome_fields(&writer, entry);
    *out_outcome = (struct jf_text){(const char *)writer.at, (uint32_t)(end - writer.at)};
    return JF_OK;
}
