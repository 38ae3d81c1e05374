// Entries read back: protobuf bytes from the journal or state become rules' plain entry. The bytes
// are outside bytes: whatever does not decode, or breaks what an entry promises (kinds, counts,
// dates, postings that sum to zero), is JF_ERROR_CORRUPT and names what is wrong.
#include "engine/entry_codec.h"

#include <protobuf-c/protobuf-c.h>

#include "base/assert.h"
#include "base/limits.h"
#include "engine/entry_codec_life.h"
#include "jifen/v1/entry.pb-c.h"

#define MEMBER_TAG  ((4u << 3) | 0u) // varint
#define OUTCOME_TAG ((6u << 3) | 2u) // message

jf_date jf_date_from_wire(int32_t wire, jf_date none)
{
    if (wire == 0) {
        return none;
    }
    struct jf_civil civil = {wire / 10000, wire / 100 % 100, wire % 100};
    return wire > 0 && jf_civil_is_valid(civil) ? jf_date_from_civil(civil) : JF_DATE_NONE;
}

// A place in encoded bytes. Never moves past `end`.
struct cursor {
    const unsigned char *at;
    const unsigned char *end;
};

static bool varint_take(struct cursor *cursor, uint64_t *out_value)
{
    uint64_t value = 0;
    for (uint32_t shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
        unsigned char byte = *cursor->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0) {
            *out_value = value;
            return true;
        }
    }
    return false;
}

// Passes over one field's value: its bytes, or its number where it is a varint.
static bool value_take(struct cursor *cursor, uint32_t wire_type, struct jf_text *out_value,
                       uint64_t *out_number)
{
    uint64_t size = 0;
    switch (wire_type) {
    case 0:
        return varint_take(cursor, out_number);
    case 1:
        size = 8;
        break;
    case 2:
        if (!varint_take(cursor, &size)) {
            return false;
        }
        break;
    case 5:
        size = 4;
        break;
    default:
        return false;
    }
    if (size > (uint64_t)(cursor->end - cursor->at)) {
        return false;
    }
    *out_value = (struct jf_text){(const char *)cursor->at, (uint32_t)size};
    cursor->at += size;
    return true;
}

// Finds a top-level field. Out: its bytes or its number, by wire type. Returns: whether it was
// found; *out_is_bad when the bytes are no message.
static bool field_find(struct jf_text bytes, uint64_t wanted_tag, struct jf_text *out_value,
                       uint64_t *out_number, bool *out_is_bad)
{
    struct cursor cursor = {(const unsigned char *)bytes.data,
                            (const unsigned char *)bytes.data + bytes.size};
    *out_is_bad = false;
    while (cursor.at < cursor.end) {
        uint64_t tag = 0;
        if (!varint_take(&cursor, &tag) ||
            !value_take(&cursor, (uint32_t)(tag & 7), out_value, out_number)) {
            *out_is_bad = true;
            return false;
        }
        if (tag == wanted_tag) {
            return true;
        }
    }
    return false;
}

enum jf_error jf_entry_find_outcome(struct jf_text bytes, struct jf_text *out_outcome)
{
    struct jf_text value = {NULL, 0};
    uint64_t number = 0;
    bool is_bad = false;
    if (!field_find(bytes, OUTCOME_TAG, &value, &number, &is_bad)) {
        return JF_ERROR_CORRUPT;
    }
    *out_outcome = value;
    return JF_OK;
}

enum jf_error jf_entry_find_kind(struct jf_text bytes, uint32_t *out_kind)
{
    struct cursor cursor = {(const unsigned char *)bytes.data,
                            (const unsigned char *)bytes.data + bytes.size};
    while (cursor.at < cursor.end) {
        uint64_t tag = 0;
        uint64_t number = 0;
        struct jf_text value = {NULL, 0};
        if (!varint_take(&cursor, &tag) ||
            !value_take(&cursor, (uint32_t)(tag & 7), &value, &number)) {
            return JF_ERROR_CORRUPT;
        }
        if (tag >> 3 >= JF_ENTRY_SALE && tag >> 3 <= UINT32_MAX) {
            *out_kind = (uint32_t)(tag >> 3);
            return JF_OK;
        }
    }
    return JF_ERROR_CORRUPT;
}

enum jf_error jf_entry_find_member(struct jf_text bytes, struct jf_member_id *out_member)
{
    struct jf_text value = {NULL, 0};
    uint64_t number = 0;
    bool is_bad = false;
    bool is_found = field_find(bytes, MEMBER_TAG, &value, &number, &is_bad);
    if (is_bad) {
        return JF_ERROR_CORRUPT;
    }
    out_member->value = is_found ? number : 0;
    return JF_OK;
}

// protobuf-c says only that unpacking failed; whether for want of memory is remembered here.
struct unpack_source {
    struct jf_arena *arena;
    bool is_full;
};

static void *arena_alloc(void *context, size_t size)
{
    struct unpack_source *source = context;
    void *bytes = jf_arena_alloc(source->arena, size);
    source->is_full = source->is_full || bytes == NULL;
    return bytes;
}

static void arena_free(void *context, void *pointer)
{
    (void)context;
    (void)pointer;
}

static struct jf_text text_of(const char *terminated)
{
    return jf_text_from(terminated);
}

static enum jf_error corrupt(struct jf_diagnosis *diagnosis, const char *what)
{
    return jf_diagnose(diagnosis, JF_ERROR_CORRUPT, "entry: %s", what);
}

static jf_date lot_expiry(int32_t wire)
{
    return jf_date_from_wire(wire, JF_DATE_EVER);
}

static enum jf_error postings_read(const Jifen__V1__Outcome *outcome, struct jf_arena *arena,
                                   struct jf_entry *entry)
{
    struct jf_posting *rows = jf_arena_calloc(arena, outcome->n_postings, sizeof *rows);
    if (rows == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < outcome->n_postings; i++) {
        const Jifen__V1__Posting *posting = outcome->postings[i];
        if ((int)posting->account <= 0 || (int)posting->account >= JF_ACCOUNT_COUNT) {
            return JF_ERROR_CORRUPT;
        }
        bool has_lot = jf_account_has_lot((enum jf_account)posting->account);
        rows[i].account = (enum jf_account)posting->account;
        rows[i].entity.value = posting->entity;
        rows[i].reason = posting->reason;
        rows[i].points = posting->points;
        rows[i].available_on = jf_date_from_wire(posting->available_on, 0);
        rows[i].expires_on = has_lot ? lot_expiry(posting->expires_on) : 0;
        rows[i].member.value = posting->member;
        if (rows[i].available_on == JF_DATE_NONE || rows[i].expires_on == JF_DATE_NONE) {
            return JF_ERROR_CORRUPT;
        }
    }
    entry->postings = rows;
    entry->posting_count = (uint32_t)outcome->n_postings;
    return JF_OK;
}

static enum jf_error trace_read(const Jifen__V1__Outcome *outcome, struct jf_arena *arena,
                                struct jf_entry *entry)
{
    struct jf_trace_step *rows = jf_arena_calloc(arena, outcome->n_trace, sizeof *rows);
    if (rows == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < outcome->n_trace; i++) {
        const Jifen__V1__TraceStep *step = outcome->trace[i];
        rows[i] = (struct jf_trace_step){(enum jf_trace_kind)step->kind, step->reason, step->points,
                                         step->amount, step->exact};
    }
    entry->trace = rows;
    entry->trace_count = (uint32_t)outcome->n_trace;
    return JF_OK;
}

static enum jf_error outcome_read(const Jifen__V1__Outcome *outcome, struct jf_arena *arena,
                                  struct jf_entry *entry)
{
    if (outcome->n_postings > JF_POSTINGS_PER_ENTRY_MAX || outcome->n_trace > JF_TRACE_STEPS_MAX ||
        outcome->n_line_points > JF_LINES_PER_RECEIPT_MAX) {
        return JF_ERROR_CORRUPT;
    }
    entry->position = outcome->position;
    entry->business_date = jf_date_from_wire(outcome->business_date, JF_DATE_NONE);
    entry->points_granted = outcome->points_granted;
    entry->points_redeemed = outcome->points_redeemed;
    entry->redeemed_value = outcome->redeemed_value;
    entry->deducted_value = outcome->deducted_value;
    entry->shortfall_points = outcome->shortfall_points;
    entry->denominator = outcome->denominator;
    entry->is_late = outcome->late;
    entry->programme_version = outcome->programme_version;
    entry->line_points = outcome->line_points;
    entry->line_point_count = (uint32_t)outcome->n_line_points;
    if (outcome->balance != NULL) {
        const Jifen__V1__Balance *balance = outcome->balance;
        entry->balance = (struct jf_balance){balance->available,
                                             balance->pending,
                                             balance->held,
                                             balance->debt,
                                             balance->tier,
                                             balance->expiring_points,
                                             lot_expiry(balance->expiring_on)};
    }
    if (entry->balance.tier >= JF_TIERS_MAX) {
        return JF_ERROR_CORRUPT;
    }
    enum jf_error error = postings_read(outcome, arena, entry);
    return error == JF_OK ? trace_read(outcome, arena, entry) : error;
}

enum jf_error jf_entry_decode_outcome(struct jf_text outcome, struct jf_arena *arena,
                                      struct jf_entry *out_entry, struct jf_diagnosis *diagnosis)
{
    struct unpack_source source = {arena, false};
    ProtobufCAllocator allocator = {arena_alloc, arena_free, &source};
    const Jifen__V1__Outcome *message =
        jifen__v1__outcome__unpack(&allocator, outcome.size, (const uint8_t *)outcome.data);
    if (message == NULL && source.is_full) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "outcome: no memory to decode it");
    }
    struct jf_entry entry;
    memset(&entry, 0, sizeof entry);
    enum jf_error error = message == NULL ? JF_ERROR_CORRUPT : outcome_read(message, arena, &entry);
    if (error != JF_OK) {
        return jf_diagnose(diagnosis, error, "outcome: it is not valid");
    }
    *out_entry = entry;
    return JF_OK;
}

enum jf_error jf_entry_read_parts(size_t count, Jifen__V1__LotPart **parts, struct jf_arena *arena,
                                  const struct jf_lot_part **out_parts)
{
    struct jf_lot_part *rows = jf_arena_calloc(arena, count, sizeof *rows);
    if (rows == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        rows[i].available_on = jf_date_from_wire(parts[i]->available_on, 0);
        rows[i].expires_on = lot_expiry(parts[i]->expires_on);
        rows[i].entity.value = parts[i]->entity;
        rows[i].points = parts[i]->points;
    }
    *out_parts = rows;
    return JF_OK;
}

static enum jf_error granted_read(size_t count, Jifen__V1__Granted **granted,
                                  struct jf_arena *arena, const struct jf_granted **out_granted)
{
    struct jf_granted *rows = jf_arena_calloc(arena, count, sizeof *rows);
    if (rows == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        rows[i] = (struct jf_granted){granted[i]->reason, granted[i]->points};
    }
    *out_granted = rows;
    return JF_OK;
}

// The day or month that a counter of that kind counts; others have none.
static bool period_is_valid(uint32_t kind, int32_t period)
{
    switch (kind) {
    case JF_COUNTER_CAP_DAY:
        return period >= JF_DATE_MIN && period <= JF_DATE_MAX;
    case JF_COUNTER_CAP_MONTH:
        return period >= 0 && period <= jf_date_month_index(JF_DATE_MAX);
    default:
        return period == 0;
    }
}

enum jf_error jf_entry_read_deltas(size_t count, Jifen__V1__CounterDelta **deltas,
                                   struct jf_arena *arena,
                                   const struct jf_counter_delta **out_deltas, uint32_t *out_count)
{
    struct jf_counter_delta *rows = jf_arena_calloc(arena, count, sizeof *rows);
    if (rows == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    if (count > JF_COUNTED_PER_ENTRY_MAX) {
        return JF_ERROR_CORRUPT;
    }
    for (size_t i = 0; i < count; i++) {
        rows[i] = (struct jf_counter_delta){deltas[i]->kind, deltas[i]->ground, deltas[i]->period,
                                            deltas[i]->delta};
        if (rows[i].kind == 0 || !period_is_valid(rows[i].kind, rows[i].period)) {
            return JF_ERROR_CORRUPT;
        }
    }
    *out_deltas = rows;
    *out_count = (uint32_t)count;
    return JF_OK;
}

static enum jf_error rooms_read(const Jifen__V1__SaleFacts *message, struct jf_arena *arena,
                                struct jf_sale_facts *facts)
{
    struct jf_room *rows = jf_arena_calloc(arena, message->n_rooms, sizeof *rows);
    if (rows == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < message->n_rooms; i++) {
        const Jifen__V1__Room *room = message->rooms[i];
        rows[i] = (struct jf_room){room->kind, room->ground, room->period, room->room};
        if (room->room < 0) {
            return JF_ERROR_CORRUPT;
        }
    }
    facts->rooms = rows;
    facts->room_count = (uint32_t)message->n_rooms;
    return JF_OK;
}

static enum jf_error receipt_read(const Jifen__V1__Receipt *message, struct jf_arena *arena,
                                  struct jf_receipt *receipt)
{
    if (message == NULL || message->n_lines > JF_LINES_PER_RECEIPT_MAX ||
        message->n_tenders > JF_TENDERS_PER_RECEIPT_MAX) {
        return JF_ERROR_CORRUPT;
    }
    struct jf_line *lines = jf_arena_calloc(arena, message->n_lines, sizeof *lines);
    struct jf_tender *tenders = jf_arena_calloc(arena, message->n_tenders, sizeof *tenders);
    if (lines == NULL || tenders == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < message->n_lines; i++) {
        const Jifen__V1__Line *line = message->lines[i];
        lines[i] = (struct jf_line){text_of(line->sku), text_of(line->category),
                                    line->quantity_milli, line->amount};
    }
    for (size_t i = 0; i < message->n_tenders; i++) {
        tenders[i] =
            (struct jf_tender){text_of(message->tenders[i]->type), message->tenders[i]->amount};
    }
    receipt->store.value = message->store;
    receipt->terminal = message->terminal;
    receipt->number = text_of(message->number);
    receipt->sold_at_ms = message->sold_at_ms;
    receipt->lines = lines;
    receipt->line_count = (uint32_t)message->n_lines;
    receipt->tenders = tenders;
    receipt->tender_count = (uint32_t)message->n_tenders;
    return JF_OK;
}

static enum jf_error facts_read(const Jifen__V1__SaleFacts *message, struct jf_arena *arena,
                                struct jf_sale_facts *facts)
{
    if (message == NULL || message->tier >= JF_TIERS_MAX ||
        message->activity_class > JF_CLASSES_MAX ||
        (uint32_t)message->member_status > JF_MEMBER_CLOSED) {
        return JF_ERROR_CORRUPT;
    }
    facts->programme_version = message->programme_version;
    facts->local_second = message->local_second;
    facts->local_date = jf_date_from_wire(message->local_date, 0);
    facts->tier = message->tier;
    facts->activity_class = message->activity_class;
    facts->tags = message->tags;
    facts->birthday = message->birthday;
    facts->is_first_purchase = message->is_first_purchase;
    facts->entity.value = message->entity;
    facts->expires_on = lot_expiry(message->expires_on);
    facts->available_on = jf_date_from_wire(message->available_on, 0);
    facts->region = text_of(message->region);
    facts->member_status = (uint32_t)message->member_status;
    return rooms_read(message, arena, facts);
}

static enum jf_error sale_read(const Jifen__V1__SaleBody *body, struct jf_arena *arena,
                               struct jf_entry *read)
{
    struct jf_sale_entry *sale = &read->as.sale;
    enum jf_error error = receipt_read(body->receipt, arena, &sale->receipt);
    if (error == JF_OK) {
        error = facts_read(body->facts, arena, &sale->facts);
    }
    if (error == JF_OK) {
        error = jf_entry_read_parts(body->n_redeemed, body->redeemed, arena, &sale->redeemed);
    }
    if (error == JF_OK) {
        error = granted_read(body->n_granted, body->granted, arena, &sale->granted);
    }
    if (error == JF_OK) {
        error = jf_entry_read_deltas(body->n_counted, body->counted, arena, &read->counted,
                                     &read->counted_count);
    }
    sale->redeem_points = body->redeem_points;
    sale->redeemed_count = (uint32_t)body->n_redeemed;
    sale->is_offline = body->offline;
    sale->spend = body->spend;
    sale->debt_paid = body->debt_paid;
    sale->granted_count = (uint32_t)body->n_granted;
    return error;
}

static enum jf_error return_lines_read(const Jifen__V1__ReturnBody *body, struct jf_arena *arena,
                                       struct jf_return_entry *entry)
{
    if (body->n_lines > JF_LINES_PER_RECEIPT_MAX || body->n_kept > JF_LINES_PER_RECEIPT_MAX) {
        return JF_ERROR_CORRUPT;
    }
    struct jf_return_line *lines = jf_arena_calloc(arena, body->n_lines, sizeof *lines);
    struct jf_kept_line *kept = jf_arena_calloc(arena, body->n_kept, sizeof *kept);
    if (lines == NULL || kept == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < body->n_lines; i++) {
        const Jifen__V1__ReturnLineBody *line = body->lines[i];
        lines[i] = (struct jf_return_line){line->line_number, line->quantity_milli, line->whole};
    }
    for (size_t i = 0; i < body->n_kept; i++) {
        kept[i] = (struct jf_kept_line){body->kept[i]->quantity_milli, body->kept[i]->is_gone};
    }
    entry->lines = lines;
    entry->line_count = (uint32_t)body->n_lines;
    entry->kept = kept;
    entry->kept_count = (uint32_t)body->n_kept;
    return JF_OK;
}

static void return_numbers(const Jifen__V1__ReturnBody *body, struct jf_return_entry *entry)
{
    entry->sale_position = body->sale_position;
    entry->sale_transaction_id = text_of(body->sale_transaction_id);
    entry->store.value = body->store;
    entry->terminal = body->terminal;
    entry->returned_at_ms = body->returned_at_ms;
    entry->spend = body->spend;
    entry->redeemed = body->redeemed;
    entry->taken_from_lot = body->taken_from_lot;
    entry->taken_as_debt = body->taken_as_debt;
    entry->written_off = body->written_off;
    entry->deducted_value = body->deducted_value;
    entry->is_visit = body->is_visit;
    entry->sale_month_index = body->sale_month;
    entry->spend_delta = body->spend_delta;
    entry->points_delta = body->points_delta;
    entry->visit_delta = body->visit_delta;
    entry->sale_date = jf_date_from_wire(body->sale_date, 0);
}

static enum jf_error return_read(const Jifen__V1__ReturnBody *body, struct jf_arena *arena,
                                 struct jf_entry *read)
{
    struct jf_return_entry *entry = &read->as.sale_return;
    return_numbers(body, entry);
    enum jf_error error = return_lines_read(body, arena, entry);
    if (error == JF_OK) {
        error = granted_read(body->n_granted, body->granted, arena, &entry->granted);
    }
    if (error == JF_OK) {
        error =
            jf_entry_read_parts(body->n_given_back, body->given_back, arena, &entry->given_back);
    }
    if (error == JF_OK) {
        error = jf_entry_read_parts(body->n_taken_from_other, body->taken_from_other, arena,
                                    &entry->taken_from_other);
    }
    if (error == JF_OK) {
        error = jf_entry_read_deltas(body->n_counted, body->counted, arena, &read->counted,
                                     &read->counted_count);
    }
    entry->granted_count = (uint32_t)body->n_granted;
    entry->given_back_count = (uint32_t)body->n_given_back;
    entry->taken_from_other_count = (uint32_t)body->n_taken_from_other;
    return error;
}

static enum jf_error redemption_read(const Jifen__V1__RedemptionBody *body, struct jf_arena *arena,
                                     struct jf_entry *read)
{
    struct jf_redemption_entry *redemption = &read->as.redemption;
    redemption->store.value = body->store;
    redemption->terminal = body->terminal;
    redemption->redeemed_at_ms = body->redeemed_at_ms;
    redemption->reward = text_of(body->reward);
    redemption->entity.value = body->entity;
    redemption->redeemed_count = (uint32_t)body->n_redeemed;
    enum jf_error error =
        jf_entry_read_parts(body->n_redeemed, body->redeemed, arena, &redemption->redeemed);
    return error == JF_OK ? jf_entry_read_deltas(body->n_counted, body->counted, arena,
                                                 &read->counted, &read->counted_count)
                          : error;
}

static enum jf_error enrolment_read(const Jifen__V1__EnrolmentBody *body, struct jf_arena *arena,
                                    struct jf_entry *entry)
{
    struct jf_enrol_command *enrolment = &entry->as.enrolment;
    if (body->n_cards > JF_CARDS_PER_ENROL_MAX || body->birth_month > 12 || body->birth_day > 31) {
        return JF_ERROR_CORRUPT;
    }
    struct jf_text *cards = jf_arena_calloc(arena, body->n_cards, sizeof *cards);
    if (cards == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < body->n_cards; i++) {
        cards[i] = text_of(body->cards[i]);
    }
    enrolment->number = entry->member;
    enrolment->cards = cards;
    enrolment->card_count = (uint32_t)body->n_cards;
    enrolment->enrolled_on = jf_date_from_wire(body->enrolled_on, JF_DATE_NONE);
    enrolment->birth_month = body->birth_month;
    enrolment->birth_day = body->birth_day;
    enrolment->home_store = body->home_store;
    enrolment->tags = body->tags;
    return enrolment->enrolled_on == JF_DATE_NONE ? JF_ERROR_CORRUPT : JF_OK;
}

static enum jf_error publication_read(const Jifen__V1__PublicationBody *body,
                                      struct jf_arena *arena,
                                      struct jf_publication_entry *publication)
{
    struct jf_reason_name *reasons = jf_arena_calloc(arena, body->n_reasons, sizeof *reasons);
    if (reasons == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < body->n_reasons; i++) {
        reasons[i] =
            (struct jf_reason_name){body->reasons[i]->number, text_of(body->reasons[i]->name)};
    }
    publication->version = body->version;
    publication->yaml = text_of(body->yaml);
    publication->file_name = text_of(body->file_name);
    publication->effective_from_ms = body->effective_from_ms;
    publication->reasons = reasons;
    publication->reason_count = (uint32_t)body->n_reasons;
    return JF_OK;
}

static void store_read(const Jifen__V1__StoreBody *body, struct jf_put_store_command *store)
{
    store->store.value = body->store;
    store->entity.value = body->entity;
    store->region = text_of(body->region);
    store->zone = text_of(body->zone);
    store->day_start_minute = body->day_start_minute;
}

static enum jf_error tier_change_read(const Jifen__V1__TierChangeBody *body,
                                      struct jf_tier_change_entry *change)
{
    change->run_id = text_of(body->run_id);
    change->as_of = jf_date_from_wire(body->as_of, JF_DATE_NONE);
    change->from = body->from;
    change->to = body->to;
    change->spend = body->spend;
    change->visits = body->visits;
    change->points = body->points;
    change->class_from = body->class_from;
    change->class_to = body->class_to;
    change->why = (enum jf_tier_why)body->why;
    change->operator_name = text_of(body->operator_);
    change->until = jf_date_from_wire(body->until, JF_DATE_EVER);
    bool is_valid = change->as_of != JF_DATE_NONE && change->until != JF_DATE_NONE &&
                    change->from < JF_TIERS_MAX && change->to < JF_TIERS_MAX &&
                    change->class_from <= JF_CLASSES_MAX && change->class_to <= JF_CLASSES_MAX;
    return is_valid ? JF_OK : JF_ERROR_CORRUPT;
}

static enum jf_error hold_read(const Jifen__V1__HoldBody *body, struct jf_arena *arena,
                               struct jf_entry *read)
{
    struct jf_hold_entry *hold = &read->as.hold;
    if (body->n_held > JF_HOLD_PARTS_PER_MEMBER_MAX) {
        return JF_ERROR_CORRUPT;
    }
    hold->store.value = body->store;
    hold->terminal = body->terminal;
    hold->held_at_ms = body->held_at_ms;
    hold->deadline_ms = body->deadline_ms;
    hold->reward = text_of(body->reward);
    hold->held_count = (uint32_t)body->n_held;
    hold->entity.value = body->entity;
    hold->reward_ground = body->reward_ground;
    hold->quantity = body->quantity;
    if (hold->quantity < 0 || (hold->quantity == 0) != (hold->reward_ground == 0)) {
        return JF_ERROR_CORRUPT;
    }
    enum jf_error error = jf_entry_read_parts(body->n_held, body->held, arena, &hold->held);
    return error == JF_OK ? jf_entry_read_deltas(body->n_counted, body->counted, arena,
                                                 &read->counted, &read->counted_count)
                          : error;
}

static enum jf_error capture_read(const Jifen__V1__CaptureBody *body, struct jf_arena *arena,
                                  struct jf_entry *read)
{
    struct jf_hold_end_entry *end = &read->as.hold_end;
    end->hold_position = body->hold_position;
    end->hold_transaction_id = text_of(body->hold_transaction_id);
    end->hold_date = jf_date_from_wire(body->hold_date, 0);
    end->ended_at_ms = body->captured_at_ms;
    end->entity.value = body->entity;
    end->captured_count = (uint32_t)body->n_captured;
    enum jf_error error =
        jf_entry_read_parts(body->n_captured, body->captured, arena, &end->captured);
    return error == JF_OK ? jf_entry_read_deltas(body->n_counted, body->counted, arena,
                                                 &read->counted, &read->counted_count)
                          : error;
}

static enum jf_error void_read(const Jifen__V1__VoidBody *body, struct jf_arena *arena,
                               struct jf_entry *read)
{
    struct jf_hold_end_entry *end = &read->as.hold_end;
    end->hold_position = body->hold_position;
    end->hold_transaction_id = text_of(body->hold_transaction_id);
    end->hold_date = jf_date_from_wire(body->hold_date, 0);
    end->ended_at_ms = body->voided_at_ms;
    return jf_entry_read_deltas(body->n_counted, body->counted, arena, &read->counted,
                                &read->counted_count);
}

static enum jf_error expiry_read(const Jifen__V1__ExpiryBody *body, struct jf_expiry_entry *expiry)
{
    expiry->run_id = text_of(body->run_id);
    expiry->as_of = jf_date_from_wire(body->as_of, JF_DATE_NONE);
    return expiry->as_of == JF_DATE_NONE ? JF_ERROR_CORRUPT : JF_OK;
}

static bool hash_read(const ProtobufCBinaryData *bytes, struct jf_hash128 *out_hash)
{
    if (bytes->len != JF_DIGEST_BYTES) {
        return false;
    }
    *out_hash = jf_digest_load(bytes->data);
    return true;
}

static enum jf_error digest_read(const Jifen__V1__DigestBody *body, struct jf_digest *digest)
{
    struct jf_hash128 whole;
    digest->format = body->format;
    bool is_valid = body->format > 0 && hash_read(&body->digest, &whole) &&
                    hash_read(&body->members, &digest->members) &&
                    hash_read(&body->reference, &digest->reference) &&
                    hash_read(&body->totals, &digest->totals);
    return is_valid && jf_hash128_equal(whole, jf_digest_whole(digest)) ? JF_OK : JF_ERROR_CORRUPT;
}

static enum jf_error body_read(const Jifen__V1__Entry *message, struct jf_arena *arena,
                               struct jf_entry *entry)
{
    entry->kind = (enum jf_entry_kind)message->body_case;
    switch (message->body_case) {
    case JIFEN__V1__ENTRY__BODY_SALE:
        return sale_read(message->sale, arena, entry);
    case JIFEN__V1__ENTRY__BODY_SALE_RETURN:
        return return_read(message->sale_return, arena, entry);
    case JIFEN__V1__ENTRY__BODY_REDEMPTION:
        return redemption_read(message->redemption, arena, entry);
    case JIFEN__V1__ENTRY__BODY_ENROLMENT:
        return enrolment_read(message->enrolment, arena, entry);
    case JIFEN__V1__ENTRY__BODY_PUBLICATION:
        return publication_read(message->publication, arena, &entry->as.publication);
    case JIFEN__V1__ENTRY__BODY_STORE:
        store_read(message->store, &entry->as.store);
        return JF_OK;
    case JIFEN__V1__ENTRY__BODY_TIER_CHANGE:
        return tier_change_read(message->tier_change, &entry->as.tier_change);
    case JIFEN__V1__ENTRY__BODY_HOLD:
        return hold_read(message->hold, arena, entry);
    case JIFEN__V1__ENTRY__BODY_CAPTURE:
        return capture_read(message->capture, arena, entry);
    case JIFEN__V1__ENTRY__BODY_VOID_HOLD:
        return void_read(message->void_hold, arena, entry);
    case JIFEN__V1__ENTRY__BODY_EXPIRY:
        return expiry_read(message->expiry, &entry->as.expiry);
    case JIFEN__V1__ENTRY__BODY_DIGEST:
        return digest_read(message->digest, &entry->as.digest);
    default:
        return jf_entry_life_read(message, arena, entry);
    }
}

// A body that this program does not know was written by a later one: no damage.
static enum jf_error kind_check(const Jifen__V1__Entry *message, struct jf_text bytes,
                                struct jf_diagnosis *diagnosis)
{
    uint32_t kind = 0;
    if (message->body_case != JIFEN__V1__ENTRY__BODY__NOT_SET ||
        jf_entry_find_kind(bytes, &kind) != JF_OK || kind <= JF_ENTRY_KIND_NEWEST) {
        return JF_OK;
    }
    return jf_diagnose(diagnosis, JF_ERROR_VERSION,
                       "entry: it is of kind %u, this program knows kinds up to %u: a newer "
                       "program wrote it; use that one",
                       kind, (unsigned)JF_ENTRY_KIND_NEWEST);
}

enum jf_error jf_entry_decode(struct jf_text bytes, struct jf_arena *arena,
                              struct jf_entry *out_entry, struct jf_diagnosis *diagnosis)
{
    struct unpack_source source = {arena, false};
    ProtobufCAllocator allocator = {arena_alloc, arena_free, &source};
    Jifen__V1__Entry *message =
        jifen__v1__entry__unpack(&allocator, bytes.size, (const uint8_t *)bytes.data);
    if (message == NULL && source.is_full) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "entry: no memory to decode it");
    }
    if (message == NULL || message->outcome == NULL ||
        message->n_voided_holds > JF_HOLDS_PER_MEMBER_MAX) {
        return corrupt(diagnosis, "not an Entry message");
    }
    enum jf_error error = kind_check(message, bytes, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    struct jf_entry entry;
    memset(&entry, 0, sizeof entry);
    entry.recorded_at_us = message->recorded_at_us;
    entry.transaction_id = text_of(message->transaction_id);
    entry.fingerprint = message->fingerprint;
    entry.member.value = message->member;
    entry.previous_position = message->previous;
    entry.voided_holds = message->voided_holds;
    entry.voided_hold_count = (uint32_t)message->n_voided_holds;
    error = outcome_read(message->outcome, arena, &entry);
    if (error != JF_OK) {
        return jf_diagnose(diagnosis, error, "entry: its outcome is not valid");
    }
    if (entry.position == 0) {
        return corrupt(diagnosis, "it has no position");
    }
    error = body_read(message, arena, &entry);
    if (error == JF_OK) {
        error = jf_entry_read_deltas(message->n_voided_counted, message->voided_counted, arena,
                                     &entry.voided_counted, &entry.voided_counted_count);
    }
    if (error != JF_OK) {
        return jf_diagnose(diagnosis, error, "entry: its body is not valid or of an unknown kind");
    }
    if (jf_entry_check_postings(&entry) != JF_OK) {
        return corrupt(diagnosis, "its postings do not sum to zero");
    }
    *out_entry = entry;
    return JF_OK;
}
