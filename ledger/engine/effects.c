// The happy path: reserve makes room, apply changes member, totals, reference data and the
// overlay's indexes. Fails only in reserve, and then nothing has happened.
#include "engine/effects.h"

#include "base/assert.h"

jf_date jf_effects_partition(jf_date business_date)
{
    return business_date == JF_DATE_NONE ? 0 : business_date;
}

struct jf_receipt_key jf_effects_receipt_key(const struct jf_receipt *receipt,
                                             jf_date business_date)
{
    return (struct jf_receipt_key){business_date, receipt->store, receipt->terminal,
                                   jf_hash128(receipt->number.data, receipt->number.size)};
}

static enum jf_error member_reserve(const struct jf_effects *effects, const struct jf_entry *entry,
                                    struct jf_member_id id, struct jf_diagnosis *diagnosis)
{
    struct jf_member *member = jf_state_member(effects->state, id);
    enum jf_error error = JF_OK;
    if (member == NULL && entry->kind == JF_ENTRY_ENROLMENT) {
        error = jf_state_member_create(effects->state, id, &member);
    } else if (member == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_CORRUPT,
                           "entry %llu is about member %llu, who was never enrolled: the state and "
                           "the journal do not belong together",
                           (unsigned long long)entry->position, (unsigned long long)id.value);
    }
    if (error == JF_OK) {
        struct jf_member_growth growth = jf_entry_growth(entry);
        struct jf_member_capacity room = jf_member_room_for(member, &growth);
        error = jf_state_member_room(effects->state, id, room, &member);
    }
    if (error != JF_OK) {
        jf_diagnose(diagnosis, error, "no room for the record of member %llu: %s",
                    (unsigned long long)id.value, jf_error_text(error));
    }
    return error;
}

static bool is_reference(const struct jf_entry *entry)
{
    return entry->kind == JF_ENTRY_STORE || entry->kind == JF_ENTRY_PUBLICATION;
}

// A digest in the journal is a promise about the state at its position, kept wherever the entry is
// applied: while it is written, in recovery, in verification.
static enum jf_error digest_check(const struct jf_effects *effects, const struct jf_entry *entry,
                                  struct jf_diagnosis *diagnosis)
{
    if (entry->as.digest.format > JF_DIGEST_FORMAT) {
        return jf_diagnose(diagnosis, JF_ERROR_VERSION,
                           "entry %llu is a digest of format %u, this program has %u: a newer "
                           "program wrote it; use that one",
                           (unsigned long long)entry->position, entry->as.digest.format,
                           JF_DIGEST_FORMAT);
    }
    if (entry->as.digest.format < JF_DIGEST_FORMAT) {
        return JF_OK;
    }
    struct jf_digest digest;
    enum jf_error error = jf_state_digest(effects->state, effects->control, &digest);
    if (error != JF_OK) {
        return jf_diagnose(diagnosis, error, "no memory for the digest at entry %llu",
                           (unsigned long long)entry->position);
    }
    const char *difference = jf_digest_difference(&digest, &entry->as.digest);
    if (difference == NULL) {
        return JF_OK;
    }
    char recorded[JF_DIGEST_TEXT_SIZE];
    char found[JF_DIGEST_TEXT_SIZE];
    jf_digest_text(jf_digest_whole(&entry->as.digest), recorded);
    jf_digest_text(jf_digest_whole(&digest), found);
    return jf_diagnose(
        diagnosis, JF_ERROR_CORRUPT,
        "entry %llu records the state's digest %s, but the state before it has %s: "
        "%s differ. Make the state anew from the journal (jifen rebuild --data DIR); if this "
        "comes again, the journal and this program do not belong together",
        (unsigned long long)entry->position, recorded, found, difference);
}

enum jf_error jf_effects_reserve(const struct jf_effects *effects, const struct jf_entry *entry,
                                 struct jf_text bytes, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = JF_OK;
    if (entry->member.value != 0) {
        error = member_reserve(effects, entry, entry->member, diagnosis);
    }
    struct jf_member_id second = jf_entry_second(entry).member;
    if (error == JF_OK && second.value != 0) {
        error = member_reserve(effects, entry, second, diagnosis);
    }
    if (error == JF_OK && is_reference(entry)) {
        error = jf_reference_prepare(effects->reference, entry, diagnosis);
    }
    if (error == JF_OK && entry->kind == JF_ENTRY_DIGEST) {
        error = digest_check(effects, entry, diagnosis);
    }
    if (error != JF_OK) {
        return error;
    }
    uint32_t cards = jf_entry_card_move(entry).count;
    error = jf_control_reserve(effects->control, entry);
    if (error == JF_OK) {
        // A posting names one day of one member.
        error = jf_state_note_reserve(effects->state, bytes.size, cards, entry->posting_count);
    }
    if (error != JF_OK) {
        jf_diagnose(diagnosis, error, "no room for entry %llu: %s",
                    (unsigned long long)entry->position, jf_error_text(error));
    }
    return error;
}

// The row of an earlier entry, which from now on also tells the newest entry about it.
static void follow_up_note(const struct jf_effects *effects, struct jf_text id, jf_date date,
                           uint64_t position, uint64_t follow_up_position)
{
    date = jf_effects_partition(date);
    struct jf_transaction_key key = {jf_hash128(id.data, id.size), date};
    jf_state_note_transaction(effects->state, key,
                              (struct jf_transaction_row){position, follow_up_position, date});
}

// The day whose row in the index of expiries a posting may change; JF_DATE_EVER: none.
static jf_date expiry_day(const struct jf_entry *entry, const struct jf_posting *posting,
                          const struct jf_member *member)
{
    struct jf_member_id owner = posting->member.value != 0 ? posting->member : entry->member;
    bool is_of_member = owner.value == member->number.value;
    bool is_points =
        posting->account == JF_ACCOUNT_AVAILABLE || posting->account == JF_ACCOUNT_PENDING;
    return is_of_member && is_points ? posting->expires_on : JF_DATE_EVER;
}

// Applies the entry to one member, and notes on which days the member now has points that expire,
// or has none any more: what the index of expiries says is what the member's lots say. Likewise
// what the totals say of levels is what members' records say.
static void member_apply(const struct jf_effects *effects, const struct jf_entry *entry,
                         struct jf_member *member)
{
    uint64_t held[JF_POSTINGS_PER_ENTRY_MAX / 64] = {0};
    JF_ASSERT(entry->posting_count <= JF_POSTINGS_PER_ENTRY_MAX);
    for (uint32_t i = 0; i < entry->posting_count; i++) {
        jf_date day = expiry_day(entry, &entry->postings[i], member);
        bool is_held = day != JF_DATE_EVER && jf_member_has_points_until(member, day);
        held[i / 64] |= (uint64_t)is_held << (i % 64);
    }
    struct jf_member_level from = jf_member_level(member);
    jf_apply_member(member, entry);
    jf_control_move(effects->control, from, jf_member_level(member));
    jf_state_member_touch(effects->state, member);
    for (uint32_t i = 0; i < entry->posting_count; i++) {
        jf_date day = expiry_day(entry, &entry->postings[i], member);
        if (day == JF_DATE_EVER) {
            continue;
        }
        bool is_held = jf_member_has_points_until(member, day);
        if (is_held != ((held[i / 64] >> (i % 64) & 1) == 1)) {
            jf_state_note_expiry(effects->state, day, member->number, is_held);
        }
    }
}

static void transaction_note(const struct jf_effects *effects, const struct jf_entry *entry)
{
    if (entry->transaction_id.size == 0) {
        return; // a digest, which nobody asked for
    }
    jf_date date = jf_effects_partition(entry->business_date);
    struct jf_hash128 hash = jf_hash128(entry->transaction_id.data, entry->transaction_id.size);
    jf_state_note_transaction(effects->state, (struct jf_transaction_key){hash, date},
                              (struct jf_transaction_row){entry->position, 0, date});
    if (entry->kind == JF_ENTRY_RETURN) {
        const struct jf_return_entry *sale_return = &entry->as.sale_return;
        follow_up_note(effects, sale_return->sale_transaction_id, sale_return->sale_date,
                       sale_return->sale_position, entry->position);
    } else if (entry->kind == JF_ENTRY_CAPTURE || entry->kind == JF_ENTRY_VOID) {
        const struct jf_hold_end_entry *end = &entry->as.hold_end;
        follow_up_note(effects, end->hold_transaction_id, end->hold_date, end->hold_position,
                       entry->position);
    }
}

static void indexes_note(const struct jf_effects *effects, const struct jf_entry *entry)
{
    if (entry->kind == JF_ENTRY_SALE) {
        struct jf_receipt_key key =
            jf_effects_receipt_key(&entry->as.sale.receipt, entry->business_date);
        jf_state_note_receipt(effects->state, &key, entry->position);
    }
    struct jf_card_move move = jf_entry_card_move(entry);
    for (uint32_t i = 0; i < move.count; i++) {
        jf_state_note_card(effects->state, move.cards[i], move.leads_to);
    }
    if (is_reference(entry)) {
        jf_state_note_reference(effects->state, entry->position, jf_digest_reference(entry));
    } else if (entry->kind == JF_ENTRY_DIGEST) {
        jf_state_note_digest(effects->state, entry->position, jf_digest_whole(&entry->as.digest));
    }
}

void jf_effects_apply(const struct jf_effects *effects, const struct jf_entry *entry,
                      struct jf_text bytes)
{
    JF_ASSERT(entry->position > 0);
    const struct jf_member_id members[] = {entry->member, jf_entry_second(entry).member};
    for (uint32_t i = 0; i < 2; i++) {
        if (members[i].value != 0) {
            struct jf_member *member = jf_state_member(effects->state, members[i]);
            JF_ASSERT(member != NULL);
            member_apply(effects, entry, member);
        }
    }
    jf_control_apply(effects->control, entry);
    jf_reference_apply(effects->reference, entry);
    jf_state_note_entry(effects->state, entry->position, bytes.data, bytes.size);
    transaction_note(effects, entry);
    indexes_note(effects, entry);
}
