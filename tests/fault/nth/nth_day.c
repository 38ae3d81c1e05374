// A table of steps, each a command or a question. A step is done when it is answered as it should
// be; a lack of memory or room is told apart, everything else fails the test.
#include "nth_day.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "message.h"

#define ENROLLED_ON 20000 // 2024-10-04
#define SOLD_MS     (NTH_NOW_MS - 60000)
#define LATER_MS    (NTH_NOW_MS - 30000)
#define MANY        64u // sales of one request
#define ID_BYTES    16u

typedef void (*make_command)(struct jf_command *command);

struct step {
    const char *name;          // of a command: its transaction id
    make_command make;         // NULL: a read of `kind`
    enum jf_request_kind kind; // WRITE, QUOTE: of a command
};

static const struct jf_line line = {
    .sku = {"A1", 2}, .category = {"DRUG", 4}, .quantity_milli = 2000, .amount = 100000};
static const struct jf_text cards_of_1[] = {{"card-1", 6}, {"card-2", 6}};
static const struct jf_text cards_of_3[] = {{"card-3", 6}};

static struct jf_member_ref number_of(uint64_t number)
{
    return (struct jf_member_ref){.number = {number}};
}

static void publish(struct jf_command *command)
{
    command->kind = JF_COMMAND_PUBLISH;
    command->as.publish.yaml = JF_TEXT(RIG_PROGRAMME);
    command->as.publish.file_name = JF_TEXT("test.yaml");
}

static void store(struct jf_command *command)
{
    command->kind = JF_COMMAND_PUT_STORE;
    command->as.put_store = (struct jf_put_store_command){
        .store = {1}, .entity = {1}, .region = JF_TEXT("east"), .zone = JF_TEXT("Asia/Shanghai")};
}

static void enrol(struct jf_command *command, uint64_t number, const struct jf_text *cards,
                  uint32_t count)
{
    command->kind = JF_COMMAND_ENROL;
    command->as.enrol = (struct jf_enrol_command){
        .number = {number}, .cards = cards, .card_count = count, .enrolled_on = ENROLLED_ON};
}

static void enrol_1(struct jf_command *command)
{
    enrol(command, 1, cards_of_1, 2);
}

static void enrol_2(struct jf_command *command)
{
    enrol(command, 2, NULL, 0);
}

static void enrol_3(struct jf_command *command)
{
    enrol(command, 3, cards_of_3, 1);
}

static void enrol_4(struct jf_command *command)
{
    enrol(command, 4, NULL, 0);
}

static void sale_of(struct jf_command *command, struct jf_member_ref member,
                    const struct jf_line *sold)
{
    command->kind = JF_COMMAND_SALE;
    command->as.sale.member = member;
    command->as.sale.receipt = (struct jf_receipt){.store = {1},
                                                   .terminal = 1,
                                                   .number = command->transaction_id,
                                                   .sold_at_ms = SOLD_MS,
                                                   .lines = sold,
                                                   .line_count = 1};
}

static void sale(struct jf_command *command, struct jf_member_ref member)
{
    sale_of(command, member, &line);
}

struct jf_command nth_day_sale(const char *id, uint64_t member, const struct jf_line *sold)
{
    struct jf_command command = {.transaction_id = jf_text_from(id)};
    sale_of(&command, number_of(member), sold);
    return command;
}

static void sale_of_1(struct jf_command *command)
{
    sale(command, number_of(1));
}

static void sale_by_card(struct jf_command *command)
{
    sale(command, (struct jf_member_ref){.card = cards_of_1[0]});
    command->as.sale.redeem_points = 100;
}

static void sale_of_3(struct jf_command *command)
{
    sale(command, number_of(3));
}

static void bring_back(struct jf_command *command)
{
    command->kind = JF_COMMAND_RETURN;
    command->as.sale_return =
        (struct jf_return_command){.sale_transaction_id = JF_TEXT("sale-by-card"),
                                   .store = {1},
                                   .returned_at_ms = LATER_MS,
                                   .is_all = true};
}

static void redeem(struct jf_command *command)
{
    command->kind = JF_COMMAND_REDEEM;
    command->as.redeem = (struct jf_redeem_command){
        .member = number_of(1), .store = {1}, .redeemed_at_ms = LATER_MS, .points = 100};
}

static void hold(struct jf_command *command)
{
    command->kind = JF_COMMAND_HOLD;
    command->as.hold = (struct jf_hold_command){.member = number_of(1),
                                                .store = {1},
                                                .held_at_ms = LATER_MS,
                                                .points = 100,
                                                .deadline_ms = NTH_NOW_MS + 3600000};
}

static void capture(struct jf_command *command)
{
    command->kind = JF_COMMAND_CAPTURE;
    command->as.capture = (struct jf_capture_command){.hold_transaction_id = JF_TEXT("hold"),
                                                      .captured_at_ms = LATER_MS};
}

static void let_go(struct jf_command *command)
{
    command->kind = JF_COMMAND_VOID;
    command->as.void_hold = (struct jf_void_command){.hold_transaction_id = JF_TEXT("hold-again"),
                                                     .voided_at_ms = LATER_MS};
}

static void adjust(struct jf_command *command)
{
    command->kind = JF_COMMAND_ADJUST;
    command->as.adjust = (struct jf_adjust_command){.member = number_of(2),
                                                    .points = 50,
                                                    .reason_code = JF_TEXT("goodwill"),
                                                    .operator_name = JF_TEXT("li"),
                                                    .entity = {1},
                                                    .adjusted_at_ms = LATER_MS};
}

static void transfer(struct jf_command *command)
{
    command->kind = JF_COMMAND_TRANSFER;
    command->as.transfer = (struct jf_transfer_command){.from = number_of(1),
                                                        .to = number_of(2),
                                                        .points = 100,
                                                        .operator_name = JF_TEXT("li"),
                                                        .transferred_at_ms = LATER_MS};
}

static void update(struct jf_command *command)
{
    command->kind = JF_COMMAND_UPDATE_MEMBER;
    command->as.update_member = (struct jf_update_member_command){
        .member = number_of(2), .birth_month = 2, .birth_day = 29, .tags = 5};
}

static void link_card(struct jf_command *command)
{
    command->kind = JF_COMMAND_LINK_CARD;
    command->as.link_card =
        (struct jf_link_card_command){.member = number_of(2), .card = JF_TEXT("card-9")};
}

static void unlink_card(struct jf_command *command)
{
    command->kind = JF_COMMAND_UNLINK_CARD;
    command->as.unlink_card.card.card = JF_TEXT("card-9");
}

static void freeze(struct jf_command *command)
{
    command->kind = JF_COMMAND_FREEZE;
    command->as.freeze.member = number_of(3);
}

static void thaw(struct jf_command *command)
{
    freeze(command);
    command->as.freeze.is_thaw = true;
}

static void set_tier(struct jf_command *command)
{
    command->kind = JF_COMMAND_SET_TIER;
    command->as.set_tier = (struct jf_set_tier_command){.member = number_of(2),
                                                        .tier = JF_TEXT("silver"),
                                                        .until = JF_DATE_EVER,
                                                        .operator_name = JF_TEXT("li")};
}

static void merge(struct jf_command *command)
{
    command->kind = JF_COMMAND_MERGE;
    command->as.merge = (struct jf_merge_command){.from = number_of(3), .into = number_of(1)};
}

static void end_membership(struct jf_command *command)
{
    command->kind = JF_COMMAND_CLOSE;
    command->as.close.member = number_of(4);
}

static const struct step steps[] = {
    {"publish", publish, JF_REQUEST_WRITE},
    {"store", store, JF_REQUEST_WRITE},
    {"enrol-1", enrol_1, JF_REQUEST_WRITE},
    {"enrol-2", enrol_2, JF_REQUEST_WRITE},
    {"enrol-3", enrol_3, JF_REQUEST_WRITE},
    {"enrol-4", enrol_4, JF_REQUEST_WRITE},
    {"quote", sale_of_1, JF_REQUEST_QUOTE},
    {"sale", sale_of_1, JF_REQUEST_WRITE},
    {"sale-by-card", sale_by_card, JF_REQUEST_WRITE},
    {"sale-of-3", sale_of_3, JF_REQUEST_WRITE},
    {"return", bring_back, JF_REQUEST_WRITE},
    {"redeem", redeem, JF_REQUEST_WRITE},
    {"hold", hold, JF_REQUEST_WRITE},
    {"capture", capture, JF_REQUEST_WRITE},
    {"checkpoint", NULL, JF_REQUEST_CHECKPOINT},
    {"hold-again", hold, JF_REQUEST_WRITE},
    {"void", let_go, JF_REQUEST_WRITE},
    {"adjust", adjust, JF_REQUEST_WRITE},
    {"transfer", transfer, JF_REQUEST_WRITE},
    {"update", update, JF_REQUEST_WRITE},
    {"link", link_card, JF_REQUEST_WRITE},
    {"unlink", unlink_card, JF_REQUEST_WRITE},
    {"freeze", freeze, JF_REQUEST_WRITE},
    {"thaw", thaw, JF_REQUEST_WRITE},
    {"set-tier", set_tier, JF_REQUEST_WRITE},
    {"merge", merge, JF_REQUEST_WRITE},
    {"close", end_membership, JF_REQUEST_WRITE},
    {"get-member", NULL, JF_REQUEST_GET_MEMBER},
    {"history", NULL, JF_REQUEST_HISTORY},
    {"get-transaction", NULL, JF_REQUEST_GET_TRANSACTION},
    {"get-programme", NULL, JF_REQUEST_GET_PROGRAMME},
    {"status", NULL, JF_REQUEST_STATUS},
    {"many", sale_of_1, JF_REQUEST_WRITE}, // in one request
};

#define STEPS (sizeof steps / sizeof steps[0])

_Static_assert(STEPS <= NTH_DAY_STEPS, "a day has no more steps");

uint32_t nth_day_steps(void)
{
    return STEPS;
}

static enum jf_error refusal_error(const char *name, const struct jf_refusal *refusal)
{
    switch (refusal->code) {
    case JF_REFUSAL_OVERLOADED:
        return JF_ERROR_NO_MEMORY;
    case JF_REFUSAL_DISK_FULL:
        return JF_ERROR_NO_SPACE;
    case JF_REFUSAL_ZONE_UNREADABLE:
        return JF_ERROR_IO;
    case JF_REFUSAL_FAILED:
    case JF_REFUSAL_SHUTTING_DOWN:
        return JF_ERROR_CLOSED;
    default:
        cr_assert_fail("%s: %s %s %s", name, jf_refusal_name(refusal->code),
                       refusal->field == NULL ? "" : refusal->field, refusal->detail);
        return JF_ERROR_INVALID;
    }
}

static enum jf_error write_error(const char *name, const struct jf_write *write)
{
    bool is_done = write->status == JF_WRITE_POSTED || write->status == JF_WRITE_REPLAYED;
    cr_assert(is_done || write->status == JF_WRITE_REFUSED, "%s: %d", name, (int)write->status);
    return is_done ? JF_OK : refusal_error(name, write->refusal);
}

enum jf_error nth_day_write(struct nth_ledger *ledger, const char *name, struct jf_write *writes,
                            uint32_t count)
{
    struct jf_request request = {.kind = JF_REQUEST_WRITE, .writes = writes, .write_count = count};
    jf_arena_reset(&ledger->arena);
    enum jf_error error = nth_ledger_ask(ledger, &request);
    for (uint32_t i = 0; i < count && error == JF_OK; i++) {
        error = write_error(name, &writes[i]);
    }
    return error;
}

static enum jf_error quote_run(struct nth_ledger *ledger, const struct step *step)
{
    struct jf_write write = {.command = {.transaction_id = jf_text_from(step->name)}};
    struct jf_request request = {.kind = JF_REQUEST_QUOTE, .writes = &write, .write_count = 1};
    step->make(&write.command);
    enum jf_error error = nth_ledger_ask(ledger, &request);
    return error == JF_OK ? write_error(step->name, &write) : error;
}

static enum jf_error write_run(struct nth_ledger *ledger, const struct step *step, uint32_t count)
{
    static struct jf_write writes[MANY];
    char ids[MANY][ID_BYTES];
    memset(writes, 0, sizeof writes);
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf(ids[i], sizeof ids[i], i == 0 ? "%s" : "%s-%u", step->name, i);
        writes[i].command.transaction_id = jf_text_from(ids[i]);
        step->make(&writes[i].command);
    }
    return nth_day_write(ledger, step->name, writes, count);
}

static enum jf_error read_run(struct nth_ledger *ledger, const struct step *step)
{
    struct jf_request request = {.kind = step->kind};
    request.query.as_of = JF_DATE_NONE;
    if (step->kind == JF_REQUEST_GET_TRANSACTION) {
        request.query.transaction_id = JF_TEXT("sale");
    } else {
        request.query.member = number_of(1);
    }
    request.query.limit = step->kind == JF_REQUEST_HISTORY ? 100 : 0;
    enum jf_error error = nth_ledger_ask(ledger, &request);
    return error == JF_OK && request.answer.refusal != NULL
               ? refusal_error(step->name, request.answer.refusal)
               : error;
}

enum jf_error nth_day_step(struct nth_ledger *ledger, uint32_t number)
{
    cr_assert(number < STEPS);
    const struct step *step = &steps[number];
    jf_arena_reset(&ledger->arena);
    if (step->make == NULL) {
        return read_run(ledger, step);
    }
    if (step->kind == JF_REQUEST_QUOTE) {
        return quote_run(ledger, step);
    }
    return write_run(ledger, step, strcmp(step->name, "many") == 0 ? MANY : 1);
}
