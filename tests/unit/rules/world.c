// A chain in memory: what the engine does around the rules, without I/O.
#include "world.h"

#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#define ARENA_CHUNK ((size_t)1 << 20)
#define ARENA_MAX   ((size_t)1 << 30)

int64_t noon_ms(const char *date)
{
    return (int64_t)date_of(date) * 86400000 + 43200000;
}

jf_date date_of(const char *date)
{
    jf_date result = JF_DATE_NONE;
    cr_assert(jf_date_parse(jf_text_from(date), &result), "%s", date);
    return result;
}

struct jf_member *world_copy(const struct jf_member *member)
{
    struct jf_member_capacity room = jf_member_capacity_of(member);
    void *block = malloc(jf_member_block_size(room));
    cr_assert_not_null(block);
    struct jf_member *copy = jf_member_block_init(block, room);
    jf_member_copy(copy, member);
    return copy;
}

void world_room(struct jf_member **member, uint32_t posting_count)
{
    struct jf_member_growth growth = {.lots = posting_count, .debts = posting_count, .months = 1};
    world_grow(member, &growth);
}

void world_grow(struct jf_member **member, const struct jf_member_growth *growth)
{
    struct jf_member_capacity room = jf_member_room_for(*member, growth);
    void *block = malloc(jf_member_block_size(room));
    cr_assert_not_null(block);
    struct jf_member *grown = jf_member_block_init(block, room);
    jf_member_copy(grown, *member);
    free(*member);
    *member = grown;
}

static uint64_t member_of(const struct world *world, const struct jf_command *command)
{
    const struct jf_member_ref *ref = jf_command_member(command);
    if (ref != NULL) {
        return ref->number.value;
    }
    switch (command->kind) {
    case JF_COMMAND_RETURN:
        return world->sale == NULL ? 0 : world->sale->member.value;
    case JF_COMMAND_CAPTURE:
    case JF_COMMAND_VOID:
        return world->hold == NULL ? 0 : world->hold->member.value;
    case JF_COMMAND_ENROL:
        return command->as.enrol.number.value;
    case JF_COMMAND_TIER_CHANGE:
        return command->as.tier_change.member.value;
    case JF_COMMAND_EXPIRE:
        return command->as.expire.member.value;
    default:
        return 0;
    }
}

static const struct jf_member *record_of(const struct world *world, uint64_t number)
{
    return number <= WORLD_MEMBERS_MAX ? world->members[number] : NULL;
}

// A sale's or hold's member, or who that has become, as the engine finds it.
static const struct jf_member *living_of(const struct world *world, uint64_t number)
{
    const struct jf_member *member = record_of(world, number);
    bool is_named_by_entry = world->sale != NULL || world->hold != NULL;
    while (is_named_by_entry && member != NULL && member->status == JF_MEMBER_MERGED) {
        member = record_of(world, member->merged_into.value);
    }
    return member;
}

enum jf_error world_plan(struct world *world, const struct jf_command *command,
                         struct jf_entry **out_entry)
{
    const struct jf_member_ref *other = jf_command_other(command);
    struct jf_plan_input input = {
        .reference = world->reference,
        .arena = &world->arena,
        .now_us = world->now_us,
        .control = world->control,
        .member = living_of(world, member_of(world, command)),
        .other = other == NULL ? NULL : record_of(world, other->number.value),
        .is_other_card_known = true,
        .sale = world->sale,
        .last_return = world->last_return,
        .hold = world->hold,
        .hold_end_position = world->hold_end_position,
        .is_card_known = !world->is_card_unknown,
        .card_taken_by = world->card_taken_by,
        .receipt_position = world->receipt_position,
    };
    cr_assert(jf_command_check(command, true, &world->refusal), "%s: %s", world->refusal.field,
              world->refusal.detail);
    enum jf_error error = jf_plan(&input, command, out_entry, &world->refusal);
    world->sale = NULL;
    world->last_return = NULL;
    world->hold = NULL;
    world->hold_end_position = 0;
    world->is_card_unknown = false;
    world->card_taken_by = 0;
    world->receipt_position = 0;
    return error;
}

static bool balances_equal(const struct jf_balance *a, const struct jf_balance *b)
{
    return a->available == b->available && a->pending == b->pending && a->held == b->held &&
           a->debt == b->debt && a->tier == b->tier && a->expiring_points == b->expiring_points &&
           a->expiring_on == b->expiring_on;
}

// The instant that judges holds.
static int64_t instant_of(const struct world *world, const struct jf_command *command)
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
    default:
        return (int64_t)(world->now_us / 1000);
    }
}

// The balance as the entry must answer it: levels are shown under the version that decided.
static struct jf_balance balance_shown(const struct world *world, const struct jf_entry *entry,
                                       const struct jf_member *member, int64_t at_ms)
{
    struct jf_balance balance = jf_member_balance_at(member, entry->business_date, at_ms);
    const struct jf_programme_version *version =
        entry->programme_version != 0
            ? jf_reference_programme(world->reference, entry->programme_version)
            : jf_reference_programme_at(world->reference, (int64_t)(world->now_us / 1000));
    if (version != NULL) {
        balance.tier = jf_tier_under(world->reference, member->tier, member->tier_version, version);
    }
    return balance;
}

static struct jf_member_level level_of(const struct world *world, const struct jf_entry *entry)
{
    const struct jf_member *member = world->members[entry->member.value];
    return member == NULL ? (struct jf_member_level){.is_counted = false} : jf_member_level(member);
}

static void member_apply(struct world *world, const struct jf_entry *entry, int64_t at_ms)
{
    struct jf_member **member = &world->members[entry->member.value];
    if (*member == NULL) {
        struct jf_member_capacity none = {0};
        void *block = malloc(jf_member_block_size(none));
        cr_assert_not_null(block);
        *member = jf_member_block_init(block, none);
    }
    struct jf_member_growth growth = jf_entry_growth(entry);
    world_grow(member, &growth);
    jf_apply_member(*member, entry);
    struct jf_diagnosis diagnosis = {0};
    cr_assert_eq(jf_member_check(*member, &diagnosis), JF_OK, "%s", diagnosis.text);
    struct jf_balance after = balance_shown(world, entry, *member, at_ms);
    cr_assert(balances_equal(&after, &entry->balance), "the balance answered");
    jf_apply_member(*member, entry); // again: nothing happens
    after = balance_shown(world, entry, *member, at_ms);
    cr_assert(balances_equal(&after, &entry->balance), "applied twice");
}

static void second_apply(struct world *world, const struct jf_entry *entry)
{
    struct jf_member **member = &world->members[jf_entry_second(entry).member.value];
    cr_assert_not_null(*member);
    struct jf_member_growth growth = jf_entry_growth(entry);
    world_grow(member, &growth);
    jf_apply_member(*member, entry);
    int64_t balance = jf_member_balance(*member);
    jf_apply_member(*member, entry); // again: nothing happens
    cr_assert_eq(jf_member_balance(*member), balance);
    struct jf_diagnosis diagnosis = {0};
    cr_assert_eq(jf_member_check(*member, &diagnosis), JF_OK, "%s", diagnosis.text);
}

const struct jf_entry *world_post(struct world *world, const struct jf_command *command)
{
    struct jf_entry *entry = NULL;
    cr_assert_eq(world_plan(world, command, &entry), JF_OK);
    if (entry == NULL) {
        return NULL;
    }
    cr_assert_eq(world->refusal.code, JF_REFUSAL_NONE);
    cr_assert_eq(jf_entry_check_postings(entry), JF_OK);
    cr_assert_eq(entry->position, 0);
    cr_assert_eq(entry->fingerprint, jf_command_fingerprint(command));
    world->position++;
    entry->position = world->position;
    struct jf_member_level from = level_of(world, entry);
    if (entry->member.value != 0) {
        member_apply(world, entry, instant_of(world, command));
        if (jf_entry_second(entry).member.value != 0) {
            second_apply(world, entry);
        }
    } else {
        jf_reference_apply(world->reference, entry);
    }
    cr_assert_eq(jf_control_reserve(world->control, entry), JF_OK);
    cr_assert(jf_control_fits(world->control, entry));
    jf_control_apply(world->control, entry);
    jf_control_apply(world->control, entry); // again: nothing happens
    jf_control_move(world->control, from, level_of(world, entry));
    return entry;
}

static void store_put(struct world *world, uint32_t store, uint32_t entity, struct jf_text zone,
                      uint32_t day_start_minute)
{
    struct jf_command command = {.kind = JF_COMMAND_PUT_STORE, .transaction_id = JF_TEXT("t")};
    command.as.put_store = (struct jf_put_store_command){.store = {store},
                                                         .entity = {entity},
                                                         .region = JF_TEXT("north"),
                                                         .zone = zone,
                                                         .day_start_minute = day_start_minute};
    cr_assert_not_null(world_post(world, &command), "%s", world->refusal.detail);
}

void world_open(struct world *world, const char *programme_yaml)
{
    *world = (struct world){.now_us = (uint64_t)noon_ms("2026-12-31") * 1000};
    jf_arena_init(&world->arena, ARENA_CHUNK, ARENA_MAX);
    cr_assert_eq(jf_reference_create(NULL, &world->reference), JF_OK);
    cr_assert_eq(jf_control_create(&world->control), JF_OK);
    store_put(world, 1, 1, JF_TEXT("Asia/Shanghai"), 240);
    store_put(world, 2, 1, JF_TEXT("UTC"), 0);
    store_put(world, 3, 2, JF_TEXT("UTC"), 0);
    struct jf_command command = {.kind = JF_COMMAND_PUBLISH, .transaction_id = JF_TEXT("t")};
    command.as.publish.yaml = jf_text_from(programme_yaml);
    command.as.publish.file_name = JF_TEXT("world.yaml");
    cr_assert_not_null(world_post(world, &command), "%s", world->refusal.detail);
}

void world_close(struct world *world)
{
    for (uint32_t i = 0; i <= WORLD_MEMBERS_MAX; i++) {
        free(world->members[i]);
    }
    jf_control_destroy(world->control);
    jf_reference_destroy(world->reference);
    jf_arena_deinit(&world->arena);
}

struct jf_line line_of(const char *category, int64_t amount)
{
    return (struct jf_line){.sku = JF_TEXT("sku"),
                            .category = jf_text_from(category),
                            .quantity_milli = 1000,
                            .amount = amount};
}

struct jf_command sale_of(uint64_t member, const char *at, const struct jf_line *lines,
                          uint32_t line_count)
{
    struct jf_command command = {.kind = JF_COMMAND_SALE, .transaction_id = JF_TEXT("t")};
    command.as.sale.member.number.value = member;
    command.as.sale.receipt = (struct jf_receipt){.store = {2},
                                                  .terminal = 1,
                                                  .number = JF_TEXT("n"),
                                                  .sold_at_ms = noon_ms(at),
                                                  .lines = lines,
                                                  .line_count = line_count};
    return command;
}

struct jf_command redeem_of(uint64_t member, const char *at, int64_t points)
{
    struct jf_command command = {.kind = JF_COMMAND_REDEEM, .transaction_id = JF_TEXT("t")};
    command.as.redeem = (struct jf_redeem_command){.member = {.number = {member}},
                                                   .store = {2},
                                                   .terminal = 1,
                                                   .redeemed_at_ms = noon_ms(at),
                                                   .points = points};
    return command;
}

struct jf_command hold_of(uint64_t member, const char *at, int64_t points)
{
    const int64_t quarter_ms = 15 * 60000;
    struct jf_command command = {.kind = JF_COMMAND_HOLD, .transaction_id = JF_TEXT("t")};
    command.as.hold = (struct jf_hold_command){.member = {.number = {member}},
                                               .store = {2},
                                               .terminal = 1,
                                               .held_at_ms = noon_ms(at),
                                               .points = points,
                                               .deadline_ms = noon_ms(at) + quarter_ms};
    return command;
}

struct jf_command capture_of(const char *at, int64_t points)
{
    struct jf_command command = {.kind = JF_COMMAND_CAPTURE, .transaction_id = JF_TEXT("t")};
    command.as.capture = (struct jf_capture_command){
        .hold_transaction_id = JF_TEXT("t"), .captured_at_ms = noon_ms(at), .points = points};
    return command;
}

struct jf_command void_of(const char *at)
{
    struct jf_command command = {.kind = JF_COMMAND_VOID, .transaction_id = JF_TEXT("t")};
    command.as.void_hold =
        (struct jf_void_command){.hold_transaction_id = JF_TEXT("t"), .voided_at_ms = noon_ms(at)};
    return command;
}

struct jf_command return_of(const char *at, const struct jf_return_line *lines, uint32_t count)
{
    struct jf_command command = {.kind = JF_COMMAND_RETURN, .transaction_id = JF_TEXT("t")};
    command.as.sale_return = (struct jf_return_command){.sale_transaction_id = JF_TEXT("t"),
                                                        .store = {2},
                                                        .terminal = 1,
                                                        .returned_at_ms = noon_ms(at),
                                                        .lines = lines,
                                                        .line_count = count};
    return command;
}

struct jf_command return_all_of(const char *at)
{
    struct jf_command command = return_of(at, NULL, 0);
    command.as.sale_return.is_all = true;
    return command;
}

struct jf_command enrol_of(uint64_t member, const char *on)
{
    struct jf_command command = {.kind = JF_COMMAND_ENROL, .transaction_id = JF_TEXT("t")};
    command.as.enrol.number.value = member;
    command.as.enrol.enrolled_on = date_of(on);
    return command;
}

struct jf_command tier_change_of(uint64_t member, const char *as_of)
{
    struct jf_command command = {.kind = JF_COMMAND_TIER_CHANGE, .transaction_id = JF_TEXT("t")};
    command.as.tier_change = (struct jf_tier_change_command){
        .run_id = JF_TEXT("run"), .member = {member}, .as_of = date_of(as_of)};
    return command;
}

void world_enrol(struct world *world, uint64_t number)
{
    struct jf_command command = enrol_of(number, "2026-01-01");
    cr_assert_not_null(world_post(world, &command));
}

const struct jf_entry *world_buys(struct world *world, uint64_t member, const char *at,
                                  int64_t amount)
{
    struct jf_line *line = jf_arena_alloc(&world->arena, sizeof *line);
    *line = line_of("food", amount);
    struct jf_command command = sale_of(member, at, line, 1);
    const struct jf_entry *entry = world_post(world, &command);
    cr_assert_not_null(entry, "%s", jf_refusal_name(world->refusal.code));
    return entry;
}

const struct jf_entry *world_brings_back(struct world *world, const struct jf_entry *sale,
                                         const struct jf_entry *last_return, const char *at)
{
    struct jf_command command = return_all_of(at);
    world->sale = sale;
    world->last_return = last_return;
    const struct jf_entry *entry = world_post(world, &command);
    cr_assert_not_null(entry, "%s", jf_refusal_name(world->refusal.code));
    return entry;
}

int64_t posted(const struct jf_entry *entry, enum jf_account account)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < entry->posting_count; i++) {
        sum += entry->postings[i].account == account ? entry->postings[i].points : 0;
    }
    return sum;
}

const struct jf_trace_step *traced(const struct jf_entry *entry, enum jf_trace_kind kind)
{
    for (uint32_t i = 0; i < entry->trace_count; i++) {
        if (entry->trace[i].kind == kind) {
            return &entry->trace[i];
        }
    }
    return NULL;
}
