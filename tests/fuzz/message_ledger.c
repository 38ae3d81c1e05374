// A ledger in memory: what engine/prefetch.c, commit.c and effects.c do around the rules, over
// plain arrays. After each entry: its postings sum to zero; it survives encoding; applied as it was
// planned and as it reads back, twice, it gives the same record; the record is valid, and has the
// balance that was answered; the control totals are the members' sum.
//
// What was prepared (message_base.c) is kept beside what an input changes, and copied back.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/hash.h"
#include "engine/entry_codec.h"
#include "rules/plan.h"
#include "state/member_codec.h"
#include "tests/fuzz/message.h"

#define MEMBERS_MAX 64u
#define CARDS_MAX   256u
#define ARENA_CHUNK ((size_t)1 << 20)
#define ARENA_MAX   ((size_t)256 << 20)
#define PAGE_MAX    8u

struct row {
    struct jf_hash128 id;
    uint64_t follow_up; // of the newest return, or what ended the hold
    jf_date date;       // of a receipt
    struct jf_receipt receipt;
    bool is_sale;
};

struct card {
    struct jf_text text;
    struct jf_member_id member;
};

// Entries and rows by position, from 1. Texts live in the arena.
struct ledger {
    struct jf_text entries[MESSAGE_ENTRIES_MAX + 1];
    struct row rows[MESSAGE_ENTRIES_MAX + 1];
    struct jf_member *members[MEMBERS_MAX];
    struct card cards[CARDS_MAX];
    uint32_t member_count;
    uint32_t card_count;
    uint64_t position;
    uint64_t now_us;
};

static struct ledger base;
static struct ledger ledger;
static struct jf_arena base_arena;
static struct jf_arena arena;    // of what an input posts
static struct jf_arena planning; // of one command
static struct jf_reference *reference;
static struct jf_control *control;
static struct jf_control_content base_control;
static bool is_reference_changed;
static bool is_preparing = true;

static struct jf_member **member_slot(struct jf_member_id id)
{
    for (uint32_t i = 0; i < ledger.member_count; i++) {
        if (ledger.members[i]->number.value == id.value) {
            return &ledger.members[i];
        }
    }
    return NULL;
}

static const struct jf_member *member_known(struct jf_member_id id)
{
    struct jf_member **slot = id.value == 0 ? NULL : member_slot(id);
    return slot == NULL ? NULL : *slot;
}

static const struct jf_member *member_living(struct jf_member_id id)
{
    const struct jf_member *member = member_known(id);
    while (member != NULL && member->status == JF_MEMBER_MERGED) {
        member = member_known(member->merged_into);
    }
    return member;
}

static struct jf_member *member_copy(const struct jf_member *from,
                                     struct jf_member_capacity capacity)
{
    void *block = malloc(jf_member_block_size(capacity));
    JF_ASSERT(block != NULL);
    struct jf_member *copy = jf_member_block_init(block, capacity);
    if (from != NULL) {
        jf_member_copy(copy, from);
    }
    return copy;
}

static struct jf_member_id card_find(struct jf_text text)
{
    for (uint32_t i = 0; i < ledger.card_count; i++) {
        if (jf_text_equal(ledger.cards[i].text, text)) {
            return ledger.cards[i].member;
        }
    }
    return (struct jf_member_id){0};
}

static uint64_t id_find(struct jf_text id)
{
    struct jf_hash128 hash = jf_hash128(id.data, id.size);
    for (uint64_t i = 1; i <= ledger.position; i++) {
        if (jf_hash128_equal(ledger.rows[i].id, hash)) {
            return i;
        }
    }
    return 0;
}

static uint64_t receipt_find(const struct jf_receipt *receipt)
{
    const struct jf_store *store = jf_reference_store(reference, receipt->store);
    for (uint64_t i = 1; store != NULL && i <= ledger.position; i++) {
        const struct row *row = &ledger.rows[i];
        if (row->is_sale && row->receipt.store.value == receipt->store.value &&
            row->receipt.terminal == receipt->terminal &&
            row->date == jf_store_business_date(store, receipt->sold_at_ms) &&
            jf_text_equal(row->receipt.number, receipt->number)) {
            return i;
        }
    }
    return 0;
}

static struct jf_entry *entry_load(uint64_t position)
{
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    struct jf_entry *entry = jf_arena_calloc(&planning, 1, sizeof *entry);
    JF_ASSERT(entry != NULL);
    enum jf_error error = jf_entry_decode(ledger.entries[position], &planning, entry, &diagnosis);
    JF_ASSERT(error == JF_OK);
    return entry;
}

static void refuse(struct jf_request *request, const struct jf_refusal **out_refusal,
                   const struct jf_refusal *refusal)
{
    struct jf_refusal *copy = jf_arena_alloc(request->arena, sizeof *copy);
    JF_ASSERT(refusal->code != JF_REFUSAL_NONE);
    JF_ASSERT(copy != NULL);
    *copy = *refusal;
    *out_refusal = copy;
}

static void write_refuse(struct jf_request *request, struct jf_write *write,
                         const struct jf_refusal *refusal)
{
    write->status = JF_WRITE_REFUSED;
    refuse(request, &write->refusal, refusal);
}

static void write_answer(struct jf_request *request, struct jf_write *write,
                         enum jf_write_status status, struct jf_text outcome)
{
    bool is_copied = true;
    write->status = status;
    write->outcome = jf_arena_copy_text(request->arena, outcome, &is_copied);
    JF_ASSERT(is_copied);
}

// The same id again: the first answer, or a conflict.
static void replay(struct jf_request *request, struct jf_write *write, uint64_t position)
{
    const struct jf_entry *entry = entry_load(position);
    struct jf_text outcome = {NULL, 0};
    if (entry->fingerprint != write->fingerprint) {
        const struct jf_refusal refusal = {.code = JF_REFUSAL_TRANSACTION_CONFLICT,
                                           .field = "transaction_id",
                                           .position = position,
                                           .fingerprint_first = entry->fingerprint,
                                           .fingerprint_second = write->fingerprint};
        write_refuse(request, write, &refusal);
        return;
    }
    enum jf_error error = jf_entry_find_outcome(ledger.entries[position], &outcome);
    JF_ASSERT(error == JF_OK);
    write->position = position;
    write_answer(request, write, JF_WRITE_REPLAYED, outcome);
}

static struct jf_member_id ref_member(const struct jf_member_ref *ref, bool *out_is_known)
{
    if (ref == NULL || ref->card.size == 0) {
        *out_is_known = true;
        return ref == NULL ? (struct jf_member_id){0} : ref->number;
    }
    struct jf_member_id member = card_find(ref->card);
    *out_is_known = member.value != 0;
    return member;
}

static void named_fill(const struct jf_command *command, struct jf_plan_input *input)
{
    struct jf_text id =
        command->kind == JF_COMMAND_RETURN    ? command->as.sale_return.sale_transaction_id
        : command->kind == JF_COMMAND_CAPTURE ? command->as.capture.hold_transaction_id
                                              : command->as.void_hold.hold_transaction_id;
    uint64_t position = id_find(id);
    const struct jf_entry *entry = position == 0 ? NULL : entry_load(position);
    uint64_t follow_up = ledger.rows[position].follow_up;
    bool is_return = command->kind == JF_COMMAND_RETURN;
    if (entry != NULL && is_return && entry->kind == JF_ENTRY_SALE) {
        input->sale = entry;
        input->last_return = follow_up == 0 ? NULL : entry_load(follow_up);
        input->member = member_living(entry->member);
    } else if (entry != NULL && !is_return && entry->kind == JF_ENTRY_HOLD) {
        input->hold = entry;
        input->hold_end_position = follow_up;
        input->member = member_living(entry->member);
    }
}

static void cards_fill(const struct jf_text *cards, uint32_t count, struct jf_plan_input *input)
{
    for (uint32_t i = count; i > 0; i--) {
        input->card_taken_by = card_find(cards[i - 1]).value != 0 ? i : input->card_taken_by;
    }
}

static void input_fill(const struct jf_command *command, struct jf_plan_input *input)
{
    struct jf_member_id member = ref_member(jf_command_member(command), &input->is_card_known);
    input->member = member_known(member);
    input->other = member_known(ref_member(jf_command_other(command), &input->is_other_card_known));
    switch (command->kind) {
    case JF_COMMAND_SALE:
        input->receipt_position = receipt_find(&command->as.sale.receipt);
        break;
    case JF_COMMAND_RETURN:
    case JF_COMMAND_CAPTURE:
    case JF_COMMAND_VOID:
        named_fill(command, input);
        break;
    case JF_COMMAND_ENROL:
        input->member = member_known(command->as.enrol.number);
        cards_fill(command->as.enrol.cards, command->as.enrol.card_count, input);
        break;
    case JF_COMMAND_LINK_CARD:
        cards_fill(&command->as.link_card.card, 1, input);
        break;
    case JF_COMMAND_TIER_CHANGE:
        input->member = member_known(command->as.tier_change.member);
        break;
    case JF_COMMAND_EXPIRE:
        input->member = member_known(command->as.expire.member);
        break;
    default:
        break;
    }
}

// Applies to one member, as planned and as read back. In: the block may move.
static void member_apply(struct jf_member **slot, const struct jf_entry *planned,
                         const struct jf_entry *read)
{
    struct jf_member_growth growth = jf_entry_growth(planned);
    struct jf_member_capacity room = jf_member_room_for(*slot, &growth);
    struct jf_member *first = member_copy(*slot, room);
    struct jf_member *second = member_copy(*slot, room);
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    struct jf_member_level from = jf_member_level(*slot);
    jf_apply_member(first, planned);
    jf_apply_member(second, read);
    jf_apply_member(second, read); // again: nothing happens
    enum jf_error error = jf_member_check(first, &diagnosis);
    JF_ASSERT(error == JF_OK);
    size_t size = jf_member_record_size_max(first);
    unsigned char *records = malloc(2 * size);
    JF_ASSERT(records != NULL);
    size_t first_size = jf_member_record_encode(first, records);
    JF_ASSERT(jf_member_record_size_max(second) == size);
    size_t second_size = jf_member_record_encode(second, records + size);
    JF_ASSERT(first_size == second_size);
    JF_ASSERT(memcmp(records, records + size, first_size) == 0);
    jf_control_move(control, from, jf_member_level(first));
    free(records);
    free(second);
    free(*slot);
    *slot = first;
}

// The instant that judges holds.
static int64_t instant_of(const struct jf_command *command)
{
    switch (command->kind) {
    case JF_COMMAND_SALE:
        return command->as.sale.receipt.sold_at_ms;
    case JF_COMMAND_RETURN:
        return command->as.sale_return.returned_at_ms;
    case JF_COMMAND_REDEEM:
        return command->as.redeem.redeemed_at_ms;
    case JF_COMMAND_HOLD:
        return command->as.hold.held_at_ms;
    case JF_COMMAND_CAPTURE:
        return command->as.capture.captured_at_ms;
    case JF_COMMAND_VOID:
        return command->as.void_hold.voided_at_ms;
    case JF_COMMAND_ADJUST:
        return command->as.adjust.adjusted_at_ms;
    case JF_COMMAND_TRANSFER:
        return command->as.transfer.transferred_at_ms;
    default:
        return (int64_t)(ledger.now_us / 1000);
    }
}

// What was answered is what the record says.
static void balance_check(const struct jf_entry *entry, int64_t at_ms)
{
    const struct jf_member *member = member_known(entry->member);
    struct jf_balance balance = jf_member_balance_at(member, entry->business_date, at_ms);
    JF_ASSERT(entry->balance.available == balance.available);
    JF_ASSERT(entry->balance.pending == balance.pending);
    JF_ASSERT(entry->balance.held == balance.held);
    JF_ASSERT(entry->balance.debt == balance.debt);
    JF_ASSERT(entry->balance.expiring_points == balance.expiring_points);
    JF_ASSERT(entry->balance.expiring_on == balance.expiring_on);
}

static void liability_check(void)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < ledger.member_count; i++) {
        sum += jf_member_balance(ledger.members[i]);
    }
    JF_ASSERT(sum == jf_control_liability(control));
}

static void members_apply(const struct jf_entry *planned, const struct jf_entry *read,
                          int64_t at_ms)
{
    const struct jf_member_id ids[] = {planned->member, jf_entry_second(planned).member};
    for (uint32_t i = 0; i < 2; i++) {
        if (ids[i].value == 0) {
            continue;
        }
        struct jf_member **slot = member_slot(ids[i]);
        if (slot == NULL) {
            JF_ASSERT(planned->kind == JF_ENTRY_ENROLMENT);
            slot = &ledger.members[ledger.member_count++];
            *slot = member_copy(NULL, (struct jf_member_capacity){0});
        }
        member_apply(slot, planned, read);
    }
    jf_control_apply(control, planned);
    jf_control_apply(control, read); // again: nothing happens
    if (planned->member.value != 0) {
        balance_check(planned, at_ms);
    }
    liability_check();
}

static struct jf_text keep(struct jf_text text)
{
    bool is_copied = true;
    struct jf_text kept = jf_arena_copy_text(is_preparing ? &base_arena : &arena, text, &is_copied);
    JF_ASSERT(is_copied);
    return kept;
}

static void cards_move(const struct jf_entry *entry)
{
    struct jf_card_move move = jf_entry_card_move(entry);
    for (uint32_t i = 0; i < move.count; i++) {
        uint32_t at = 0;
        while (at < ledger.card_count && !jf_text_equal(ledger.cards[at].text, move.cards[i])) {
            at += 1;
        }
        if (at == ledger.card_count) {
            JF_ASSERT(at < CARDS_MAX);
            ledger.cards[ledger.card_count++].text = keep(move.cards[i]);
        }
        ledger.cards[at].member = move.leads_to;
    }
}

static void indexes_note(const struct jf_entry *entry)
{
    struct row *row = &ledger.rows[entry->position];
    *row = (struct row){.id = jf_hash128(entry->transaction_id.data, entry->transaction_id.size)};
    if (entry->kind == JF_ENTRY_SALE) {
        row->is_sale = true;
        row->date = entry->business_date;
        row->receipt = entry->as.sale.receipt;
        row->receipt.number = keep(row->receipt.number);
    } else if (entry->kind == JF_ENTRY_RETURN) {
        ledger.rows[entry->as.sale_return.sale_position].follow_up = entry->position;
    } else if (entry->kind == JF_ENTRY_CAPTURE || entry->kind == JF_ENTRY_VOID) {
        ledger.rows[entry->as.hold_end.hold_position].follow_up = entry->position;
    }
    cards_move(entry);
}

static void reference_apply(const struct jf_entry *entry)
{
    if (entry->kind == JF_ENTRY_STORE || entry->kind == JF_ENTRY_PUBLICATION) {
        struct jf_diagnosis diagnosis = {.error = JF_OK};
        enum jf_error error = jf_reference_prepare(reference, entry, &diagnosis);
        JF_ASSERT(error == JF_OK);
        jf_reference_apply(reference, entry);
        is_reference_changed = true;
    }
}

static void commit(struct jf_request *request, struct jf_write *write, struct jf_entry *entry)
{
    struct jf_text bytes = {NULL, 0};
    struct jf_text again = {NULL, 0};
    struct jf_text outcome = {NULL, 0};
    entry->position = ledger.position + 1;
    entry->recorded_at_us = ledger.now_us;
    enum jf_error error = jf_entry_encode(entry, &planning, &bytes, &outcome);
    if (error != JF_OK) {
        JF_ASSERT(error == JF_ERROR_LIMIT);
        write_refuse(request, write, &(struct jf_refusal){.code = JF_REFUSAL_LIMIT_REACHED});
        return;
    }
    write->position = entry->position;
    write_answer(request, write, JF_WRITE_POSTED, outcome);
    ledger.entries[entry->position] = keep(bytes);
    const struct jf_entry *read = entry_load(entry->position);
    error = jf_entry_encode(read, &planning, &again, &outcome);
    JF_ASSERT(error == JF_OK);
    JF_ASSERT(jf_text_equal(bytes, again));
    error = jf_control_reserve(control, entry);
    JF_ASSERT(error == JF_OK);
    members_apply(entry, read, instant_of(&write->command));
    reference_apply(read);
    indexes_note(entry);
    ledger.position = entry->position;
}

static bool is_full(void)
{
    return ledger.position == MESSAGE_ENTRIES_MAX || ledger.member_count == MEMBERS_MAX ||
           ledger.card_count + JF_CARDS_PER_MEMBER_MAX > CARDS_MAX;
}

static void plan_and_commit(struct jf_request *request, struct jf_write *write)
{
    struct jf_plan_input input = {.reference = reference,
                                  .arena = &planning,
                                  .now_us = ledger.now_us,
                                  .fingerprint = write->fingerprint,
                                  .control = control};
    struct jf_entry *entry = NULL;
    struct jf_refusal refusal = {.code = JF_REFUSAL_NONE};
    input_fill(&write->command, &input);
    enum jf_error error = jf_plan(&input, &write->command, &entry, &refusal);
    JF_ASSERT(error == JF_OK);
    JF_ASSERT(entry == NULL || refusal.code == JF_REFUSAL_NONE);
    if (entry != NULL && !jf_control_fits(control, entry)) {
        refusal.code = JF_REFUSAL_OVERFLOW;
    } else if (entry != NULL && is_full()) {
        refusal.code = JF_REFUSAL_OVERLOADED;
    }
    if (refusal.code != JF_REFUSAL_NONE) {
        write_refuse(request, write, &refusal);
        return;
    }
    if (entry == NULL) {
        write->status = JF_WRITE_UNCHANGED;
        return;
    }
    error = jf_entry_check_postings(entry);
    JF_ASSERT(error == JF_OK);
    JF_ASSERT(entry->fingerprint == write->fingerprint);
    if (request->kind == JF_REQUEST_QUOTE) {
        struct jf_text outcome = {NULL, 0};
        error = jf_entry_encode_outcome(entry, &planning, &outcome);
        JF_ASSERT(error == JF_OK);
        write_answer(request, write, JF_WRITE_POSTED, outcome);
        return;
    }
    commit(request, write, entry);
}

void message_ledger_write(struct jf_request *request, struct jf_write *write)
{
    jf_arena_reset(&planning);
    ledger.now_us += 1;
    write->fingerprint = jf_command_fingerprint(&write->command);
    JF_ASSERT(write->fingerprint != 0);
    uint64_t position =
        request->kind == JF_REQUEST_QUOTE ? 0 : id_find(write->command.transaction_id);
    if (position != 0) {
        replay(request, write, position);
    } else {
        plan_and_commit(request, write);
    }
}

// Reads.
static jf_date today(void)
{
    return (jf_date)(ledger.now_us / 86400000000);
}

static void member_read(struct jf_request *request)
{
    struct jf_read_answer *answer = &request->answer;
    bool is_known = false;
    struct jf_member_id id = ref_member(&request->query.member, &is_known);
    const struct jf_member *member = member_known(id);
    if (member == NULL) {
        const struct jf_refusal refusal = {.code = is_known ? JF_REFUSAL_UNKNOWN_MEMBER
                                                            : JF_REFUSAL_UNKNOWN_CARD};
        refuse(request, &answer->refusal, &refusal);
        return;
    }
    struct jf_member_capacity capacity = jf_member_used(member);
    void *block = jf_arena_alloc(request->arena, jf_member_block_size(capacity));
    JF_ASSERT(block != NULL);
    struct jf_member *copy = jf_member_block_init(block, capacity);
    jf_member_copy(copy, member);
    answer->member = copy;
    answer->as_of = request->query.as_of == JF_DATE_NONE ? today() : request->query.as_of;
    answer->at_ms = (int64_t)(ledger.now_us / 1000);
    answer->tier_name = JF_TEXT("a level");
}

static void entries_add(struct jf_request *request, uint64_t position)
{
    struct jf_read_answer *answer = &request->answer;
    struct jf_text *entries = (struct jf_text *)(uintptr_t)answer->entries;
    if (entries == NULL) {
        entries = jf_arena_calloc(request->arena, PAGE_MAX, sizeof *entries);
        JF_ASSERT(entries != NULL);
        answer->entries = entries;
    }
    entries[answer->entry_count++] = ledger.entries[position];
}

static void history_read(struct jf_request *request)
{
    bool is_known = false;
    struct jf_member_id id = ref_member(&request->query.member, &is_known);
    const struct jf_member *member = member_known(id);
    uint64_t position = member == NULL ? 0 : member->last_position;
    while (position != 0 && request->answer.entry_count < PAGE_MAX) {
        const struct jf_entry *entry = entry_load(position);
        struct jf_second second = jf_entry_second(entry);
        if (request->query.before_position == 0 || position < request->query.before_position) {
            entries_add(request, position);
        }
        JF_ASSERT(entry->member.value == id.value || second.member.value == id.value);
        position =
            entry->member.value == id.value ? entry->previous_position : second.previous_position;
    }
    request->answer.next_before_position = position;
}

static void transaction_read(struct jf_request *request)
{
    const struct jf_read_query *query = &request->query;
    uint64_t position =
        query->transaction_id.size > 0 ? id_find(query->transaction_id) : query->position;
    if (position >= 1 && position <= ledger.position) {
        entries_add(request, position);
    }
}

static void programme_read(struct jf_request *request)
{
    uint32_t version = request->query.version;
    const struct jf_programme_version *found = version == 0
                                                   ? jf_reference_programme_newest(reference)
                                                   : jf_reference_programme(reference, version);
    if (found == NULL) {
        const struct jf_refusal refusal = {.code = JF_REFUSAL_UNKNOWN_PROGRAMME};
        refuse(request, &request->answer.refusal, &refusal);
        return;
    }
    struct jf_programme_answer *answer = jf_arena_calloc(request->arena, 1, sizeof *answer);
    JF_ASSERT(answer != NULL);
    answer->version = found->version;
    answer->yaml = found->yaml;
    request->answer.programme = answer;
}

static void status_read(struct jf_request *request)
{
    struct jf_status_answer *answer = jf_arena_calloc(request->arena, 1, sizeof *answer);
    JF_ASSERT(answer != NULL);
    answer->counts = *jf_control_counts(control);
    answer->row_count = jf_control_rows(control, &answer->rows);
    answer->position_last = ledger.position;
    request->answer.status = answer;
}

void message_ledger_read(struct jf_request *request)
{
    jf_arena_reset(&planning);
    switch (request->kind) {
    case JF_REQUEST_GET_MEMBER:
        member_read(request);
        break;
    case JF_REQUEST_HISTORY:
        history_read(request);
        break;
    case JF_REQUEST_GET_TRANSACTION:
        transaction_read(request);
        break;
    case JF_REQUEST_GET_PROGRAMME:
        programme_read(request);
        break;
    case JF_REQUEST_STATUS:
        status_read(request);
        break;
    default:
        request->answer.position_flushed = ledger.position;
        break;
    }
}

void message_ledger_wait(uint64_t us)
{
    // Up to the end of the calendar, past which no clock of the ledger goes.
    uint64_t end_us = (uint64_t)JF_DATE_MAX * 86400000000u;
    ledger.now_us = ledger.now_us + us < end_us ? ledger.now_us + us : end_us;
}

uint64_t message_ledger_clock_us(void)
{
    return ledger.now_us;
}

uint64_t message_ledger_position(void)
{
    return ledger.position;
}

struct jf_text message_ledger_entry(uint64_t position)
{
    JF_ASSERT(position >= 1 && position <= ledger.position);
    return ledger.entries[position];
}

struct jf_member_id message_ledger_member(uint32_t index)
{
    return index < ledger.member_count ? ledger.members[index]->number : (struct jf_member_id){0};
}

static bool base_accepts(struct jf_command *command)
{
    struct jf_arena answers;
    jf_arena_init(&answers, ARENA_CHUNK, ARENA_MAX);
    struct jf_refusal refusal = {.code = JF_REFUSAL_NONE};
    struct jf_write write = {.command = *command};
    struct jf_request request = {
        .kind = JF_REQUEST_WRITE, .arena = &answers, .writes = &write, .write_count = 1};
    bool is_accepted = jf_command_check(command, true, &refusal);
    if (is_accepted) {
        message_ledger_write(&request, &write);
        is_accepted = write.status == JF_WRITE_POSTED;
    }
    const struct jf_refusal *why = write.refusal != NULL ? write.refusal : &refusal;
    if (!is_accepted) {
        fprintf(stderr, "%.*s: %s %s: %s\n", (int)command->transaction_id.size,
                command->transaction_id.data, jf_refusal_name(why->code),
                why->field == NULL ? "" : why->field, why->detail);
    }
    jf_arena_deinit(&answers);
    return is_accepted;
}

static void base_control_keep(void)
{
    const struct jf_control_row *rows = NULL;
    const struct jf_counter *counters = NULL;
    uint32_t row_count = jf_control_rows(control, &rows);
    uint32_t counter_count = jf_control_chain_counters(control, &counters);
    struct jf_control_row *rows_kept = jf_arena_calloc(&base_arena, row_count, sizeof *rows);
    struct jf_counter *counters_kept =
        jf_arena_calloc(&base_arena, counter_count, sizeof *counters);
    JF_ASSERT(rows_kept != NULL && counters_kept != NULL);
    memcpy(rows_kept, rows, row_count * sizeof *rows);
    memcpy(counters_kept, counters, counter_count * sizeof *counters);
    base_control = (struct jf_control_content){rows_kept, row_count, counters_kept, counter_count,
                                               *jf_control_counts(control)};
}

static void prepare(void)
{
    jf_arena_init(&base_arena, ARENA_CHUNK, ARENA_MAX);
    jf_arena_init(&arena, ARENA_CHUNK, ARENA_MAX);
    jf_arena_init(&planning, ARENA_CHUNK, ARENA_MAX);
    enum jf_error error = jf_reference_create(NULL, &reference);
    JF_ASSERT(error == JF_OK);
    error = jf_control_create(&control);
    JF_ASSERT(error == JF_OK);
    ledger.now_us = (uint64_t)MESSAGE_BASE_NOW_MS * 1000;
    message_base_post(base_accepts);
    base = ledger;
    for (uint32_t i = 0; i < ledger.member_count; i++) {
        ledger.members[i] = NULL; // base has them
    }
    ledger.member_count = 0;
    base_control_keep();
    is_reference_changed = false;
    is_preparing = false;
}

static void reference_restore(void)
{
    jf_reference_destroy(reference);
    enum jf_error error = jf_reference_create(NULL, &reference);
    JF_ASSERT(error == JF_OK);
    for (uint64_t i = 1; i <= ledger.position; i++) {
        jf_arena_reset(&planning);
        reference_apply(entry_load(i));
    }
    is_reference_changed = false;
}

void message_ledger_reset(void)
{
    if (is_preparing) {
        prepare();
    }
    for (uint32_t i = 0; i < ledger.member_count; i++) {
        free(ledger.members[i]);
    }
    ledger = base;
    for (uint32_t i = 0; i < base.member_count; i++) {
        ledger.members[i] = member_copy(base.members[i], jf_member_used(base.members[i]));
    }
    enum jf_error error = jf_control_load(control, &base_control);
    JF_ASSERT(error == JF_OK);
    if (is_reference_changed) {
        reference_restore();
    }
    jf_arena_reset(&arena);
}
