// See sim_client.h. Everything is drawn fresh for each request, over all its parameters. What
// nobody knows the fate of is asked again, sometimes twice at once; what is known is asked again
// too, and sometimes with other content.
#include "sim_client_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_oracle.h"
#include "sim_people.h"

#define CALLS_MAX   700u
#define DAY_MS      ((int64_t)86400000)
#define DATE_FIRST  20485 // 2026-02-01
#define DATE_DAYS   240u
#define ENROLLED_ON 20454                     // 2026-01-01
#define SALES_MAX   (MODEL_SALES_MAX / 4 - 8) // of each of those who may become one
#define BURST       280u
#define BULK_BYTES  (900u << 10)
#define SETUP_OPS   3u

static struct {
    struct sim_op *ops[SIM_OPS_MAX];
    uint32_t op_count;
    struct sim_call *calls; // CALLS_MAX
    uint32_t taken;         // of them
    char *bulk;             // text of large programmes; NULL: not yet
    uint32_t bulk_count;
} client;

void sim_client_create(void)
{
    client.op_count = 0;
    client.taken = 0;
    client.bulk_count = 0;
    client.calls = calloc(CALLS_MAX, sizeof *client.calls);
    SIM_REQUIRE(client.calls != NULL);
    for (uint32_t i = 0; i < CALLS_MAX; i++) {
        jf_arena_init(&client.calls[i].arena, 2048, (size_t)16 << 20);
    }
}

void sim_client_destroy(void)
{
    for (uint32_t i = 0; i < client.op_count; i++) {
        free(client.ops[i]->outcome);
        free(client.ops[i]);
    }
    for (uint32_t i = 0; i < CALLS_MAX; i++) {
        jf_arena_deinit(&client.calls[i].arena);
    }
    free(client.calls);
    free(client.bulk);
    client.bulk = NULL;
    client.op_count = 0;
    client.calls = NULL;
}

uint32_t sim_op_count(void)
{
    return client.op_count;
}

struct sim_op *sim_op_at(uint32_t index)
{
    return client.ops[index];
}

// Ids are "op-" and the number.
struct sim_op *sim_op_find(struct jf_text transaction_id)
{
    char text[24] = {0};
    if (transaction_id.size < 4 || transaction_id.size >= sizeof text ||
        memcmp(transaction_id.data, "op-", 3) != 0) {
        return NULL;
    }
    memcpy(text, transaction_id.data, transaction_id.size);
    uint32_t index = (uint32_t)strtoul(text + 3, NULL, 10);
    return index < client.op_count ? client.ops[index] : NULL;
}

// ---- Operations -----------------------------------------------------------------------

struct sim_op *sim_op_make(enum jf_command_kind kind, uint32_t member)
{
    SIM_REQUIRE(client.op_count < SIM_OPS_MAX);
    struct sim_op *op = calloc(1, sizeof *op);
    SIM_REQUIRE(op != NULL);
    snprintf(op->id, sizeof op->id, "op-%u", client.op_count);
    op->command.kind = kind;
    op->command.transaction_id = jf_text_from(op->id);
    op->member = member;
    client.ops[client.op_count++] = op;
    return op;
}

jf_date sim_date_draw(void)
{
    return DATE_FIRST + (jf_date)sim_draw(DATE_DAYS);
}

int64_t sim_noon_ms(jf_date date)
{
    return (int64_t)date * DAY_MS + DAY_MS / 2;
}

// By number, or by card.
void sim_member_name(struct sim_op *op, struct jf_member_ref *ref)
{
    op->card_number = op->member;
    if (sim.options.people > 0 && sim_draw(6) == 0) {
        op->card_number = 1 + sim_draw(SIM_CARDS);
    }
    snprintf(op->card_text, sizeof op->card_text, "card-%u", op->card_number);
    op->card = jf_text_from(op->card_text);
    if (sim_draw(3) == 0) {
        ref->card = op->card;
    } else {
        ref->number.value = op->member;
    }
}

static void setup_make(uint32_t step)
{
    if (step == 0) {
        struct sim_op *op = sim_op_make(JF_COMMAND_PUBLISH, 0);
        op->command.as.publish.yaml = JF_TEXT(MODEL_PROGRAMME);
        op->command.as.publish.file_name = JF_TEXT("sim.yaml");
        return;
    }
    struct sim_op *op = sim_op_make(JF_COMMAND_PUT_STORE, 0);
    op->command.as.put_store =
        (struct jf_put_store_command){.store = {step}, .entity = {step}, .zone = JF_TEXT("UTC")};
}

// Numbers, so that no sector is like another.
static void bulk_fill(void)
{
    for (uint32_t at = 0; at < BULK_BYTES; at++) {
        client.bulk[at] = (char)('0' + (at >> (at % 5 * 4)) % 10);
    }
}

// The same programme again, with a long comment behind it.
static void bulk_make(void)
{
    struct sim_op *op = sim_op_make(JF_COMMAND_PUBLISH, 0);
    uint32_t size = (uint32_t)sizeof MODEL_PROGRAMME - 1;
    if (client.bulk == NULL) {
        client.bulk = malloc(BULK_BYTES);
        SIM_REQUIRE(client.bulk != NULL);
        bulk_fill();
        memcpy(client.bulk, MODEL_PROGRAMME, size);
        client.bulk[size] = '#';
    }
    op->command.as.publish.yaml.data = client.bulk;
    op->command.as.publish.yaml.size = BULK_BYTES / 2 + sim_draw(BULK_BYTES / 2);
    op->command.as.publish.file_name = JF_TEXT("bulk.yaml");
    client.bulk_count += 1;
}

static void enrol_make(uint32_t member)
{
    struct sim_op *op = sim_op_make(JF_COMMAND_ENROL, member);
    snprintf(op->card_text, sizeof op->card_text, "card-%u", member);
    op->card = jf_text_from(op->card_text);
    op->card_number = member;
    op->command.as.enrol = (struct jf_enrol_command){
        .number = {member}, .cards = &op->card, .card_count = 1, .enrolled_on = ENROLLED_ON};
}

static void sale_draw(struct model_sale *sale)
{
    *sale = (struct model_sale){.date = sim_date_draw(), .entity = (int)sim_draw(2) + 1};
    sale->line_count = 1 + (int)sim_draw(MODEL_LINES_MAX);
    int64_t basket = 0;
    for (int i = 0; i < sale->line_count; i++) {
        struct model_line *line = &sale->lines[i];
        line->quantity = sim_draw(5) * 700;
        line->kept = line->quantity;
        line->amount = sim_draw(6) == 0 ? 0 : sim_draw(7000);
        line->is_tobacco = sim_draw(5) == 0;
        basket += line->amount;
    }
    sale->insurance = sim_draw(3) == 0 ? sim_draw((uint32_t)basket + 1) : 0;
    sale->redeemed = sim_draw(3) == 0 ? sim_draw(12) * 10 + sim_draw(20) / 19 : 0;
}

static void sale_command_fill(struct sim_op *op)
{
    const struct model_sale *sale = &op->sale;
    for (int i = 0; i < sale->line_count; i++) {
        op->lines[i] = (struct jf_line){.sku = JF_TEXT("sku"),
                                        .category = sale->lines[i].is_tobacco ? JF_TEXT("tobacco")
                                                                              : JF_TEXT("food"),
                                        .quantity_milli = sale->lines[i].quantity,
                                        .amount = sale->lines[i].amount};
    }
    op->tender = (struct jf_tender){JF_TEXT("insurance"), sale->insurance};
    op->command.as.sale.receipt = (struct jf_receipt){.store = {(uint32_t)sale->entity},
                                                      .terminal = 1,
                                                      .number = jf_text_from(op->receipt_number),
                                                      .sold_at_ms = sim_noon_ms(sale->date),
                                                      .lines = op->lines,
                                                      .tenders = &op->tender,
                                                      .line_count = (uint32_t)sale->line_count,
                                                      .tender_count = 1};
    op->command.as.sale.redeem_points = sale->redeemed;
    sim_member_name(op, &op->command.as.sale.member);
}

struct sim_op *sim_op_draw(enum jf_command_kind kind)
{
    for (uint32_t tries = 0; client.op_count > 0 && tries < 8; tries++) {
        struct sim_op *op = client.ops[sim_draw(client.op_count)];
        if (op->command.kind == kind) {
            return op;
        }
    }
    return NULL;
}

// Now and then a receipt that another sale has shown.
static void sale_make(uint32_t member)
{
    struct sim_op *shown = sim_draw(30) == 0 ? sim_op_draw(JF_COMMAND_SALE) : NULL;
    struct sim_op *op = sim_op_make(JF_COMMAND_SALE, member);
    sale_draw(&op->sale);
    snprintf(op->receipt_number, sizeof op->receipt_number, "%s", op->id);
    if (shown != NULL && shown->receipt_op == NULL && shown->position != 0) {
        memcpy(op->receipt_number, shown->receipt_number, sizeof op->receipt_number);
        op->sale.date = shown->sale.date;
        op->sale.entity = shown->sale.entity;
        op->receipt_op = shown;
    }
    sale_command_fill(op);
}

static void redeem_make(uint32_t member)
{
    struct sim_op *op = sim_op_make(JF_COMMAND_REDEEM, member);
    int64_t points = (int64_t)sim_draw(15) * 10;
    op->date = sim_date_draw();
    op->points = points < 10 ? 10 : points + (sim_draw(20) == 0 ? 3 : 0);
    op->command.as.redeem = (struct jf_redeem_command){.store = {1 + sim_draw(2)},
                                                       .terminal = 1,
                                                       .redeemed_at_ms = sim_noon_ms(op->date),
                                                       .points = op->points};
    sim_member_name(op, &op->command.as.redeem.member);
}

static void adjust_make(uint32_t member)
{
    struct sim_op *op = sim_op_make(JF_COMMAND_ADJUST, member);
    op->date = sim_date_draw();
    op->points = 1 + (int64_t)sim_draw(60);
    op->points = sim_draw(2) == 0 ? -op->points : op->points;
    op->command.as.adjust = (struct jf_adjust_command){.points = op->points,
                                                       .reason_code = JF_TEXT("goodwill"),
                                                       .operator_name = JF_TEXT("operator"),
                                                       .entity = {1 + sim_draw(2)},
                                                       .adjusted_at_ms = sim_noon_ms(op->date)};
    sim_member_name(op, &op->command.as.adjust.member);
}

static void transfer_make(uint32_t member)
{
    struct sim_op *op = sim_op_make(JF_COMMAND_TRANSFER, member);
    op->date = sim_date_draw();
    op->points = 1 + (int64_t)sim_draw(60);
    op->other = 1 + member % SIM_MEMBERS;
    op->command.as.transfer =
        (struct jf_transfer_command){.points = op->points,
                                     .operator_name = JF_TEXT("operator"),
                                     .transferred_at_ms = sim_noon_ms(op->date)};
    op->command.as.transfer.to.number.value = op->other;
    sim_member_name(op, &op->command.as.transfer.from);
}

static bool return_make(void)
{
    struct sim_op *sale = sim_op_draw(JF_COMMAND_SALE);
    if (sale == NULL) {
        return false;
    }
    struct sim_op *op = sim_op_make(JF_COMMAND_RETURN, sale->member);
    struct jf_return_command *command = &op->command.as.sale_return;
    op->sale_op = sale;
    op->date = sim_date_draw();
    *command = (struct jf_return_command){.sale_transaction_id = jf_text_from(sale->id),
                                          .store = {1 + sim_draw(2)},
                                          .terminal = 1,
                                          .returned_at_ms = sim_noon_ms(op->date),
                                          .lines = op->return_lines};
    for (int i = 0; i < sale->sale.line_count; i++) {
        op->back[i] = sim_draw(2) == 0 ? 0 : (int64_t)sim_draw(900);
        op->back[i] = sim_draw(3) == 0 ? -1 : op->back[i];
        if (op->back[i] != 0) {
            op->return_lines[command->line_count++] =
                (struct jf_return_line){.line_number = (uint32_t)i + 1,
                                        .quantity_milli = op->back[i] < 0 ? 0 : op->back[i],
                                        .is_whole = op->back[i] < 0};
        }
    }
    if (command->line_count == 0) {
        op->back[0] = -1;
        op->return_lines[command->line_count++] =
            (struct jf_return_line){.line_number = 1, .is_whole = true};
    }
    return true;
}

// A new operation. Returns: the op; NULL when the seed has enough of them.
static struct sim_op *op_new(void)
{
    if (client.op_count == SIM_OPS_MAX) {
        return NULL;
    }
    if (client.op_count < SETUP_OPS) {
        setup_make(client.op_count);
        return client.ops[client.op_count - 1];
    }
    uint32_t member = 1 + sim_draw(SIM_MEMBERS);
    uint32_t what = sim_draw(14);
    if (sim.options.bulk > client.bulk_count && sim_draw(4) == 0) {
        bulk_make();
        return client.ops[client.op_count - 1];
    }
    if (sim_happens(sim.options.people) && sim_person(member)->model.is_enrolled &&
        sim_people_op_make(member)) {
        return client.ops[client.op_count - 1];
    }
    if (!sim_person(member)->model.is_enrolled && sim_draw(4) > 0) {
        enrol_make(member);
    } else if (what == 0) {
        enrol_make(member);
    } else if (what < 3) {
        redeem_make(member);
    } else if (what == 3) {
        adjust_make(member);
    } else if (what == 4) {
        transfer_make(member);
    } else if (what >= 9 || !return_make()) {
        if (sim_person(member)->model.sale_count >= SALES_MAX) {
            return NULL;
        }
        sale_make(member);
    }
    return client.ops[client.op_count - 1];
}

// What was asked before: rather what is not known yet.
static struct sim_op *op_again(void)
{
    for (uint32_t i = 0; i < client.op_count && i < 16; i++) {
        struct sim_op *op = client.ops[client.op_count - 1 - i];
        if (op->position == 0 && sim_draw(3) == 0) {
            return op;
        }
    }
    return client.ops[sim_draw(client.op_count)];
}

// ---- Calls ----------------------------------------------------------------------------

struct sim_call *sim_call_take(enum jf_request_kind kind)
{
    uint32_t at = 0;
    while (at < CALLS_MAX && client.calls[at].is_taken) {
        at++;
    }
    SIM_REQUIRE(at < CALLS_MAX);
    struct sim_call *call = &client.calls[at];
    jf_arena_reset(&call->arena);
    memset(&call->request, 0, sizeof call->request);
    memset(call->writes, 0, sizeof call->writes);
    call->request.kind = kind;
    call->request.arena = &call->arena;
    call->request.writes = call->writes;
    call->request.origin = call;
    call->is_taken = true;
    client.taken += 1;
    call->is_altered = false;
    return call;
}

void sim_call_release(struct sim_call *call)
{
    SIM_REQUIRE(call->is_taken);
    call->is_taken = false;
    client.taken -= 1;
}

void sim_call_add(struct sim_call *call, struct sim_op *op)
{
    uint32_t at = call->request.write_count++;
    SIM_REQUIRE(at < SIM_CALL_WRITES);
    call->ops[at] = op;
    call->writes[at].command = op->command;
    op->is_sent = true;
    sim.counts->commands += 1;
}

static void content_alter(struct jf_command *command)
{
    switch (command->kind) {
    case JF_COMMAND_SALE:
        command->as.sale.redeem_points += 10;
        break;
    case JF_COMMAND_REDEEM:
        command->as.redeem.points += 10;
        break;
    case JF_COMMAND_RETURN:
        command->as.sale_return.terminal += 1;
        break;
    case JF_COMMAND_ENROL:
        command->as.enrol.tags = 1;
        break;
    case JF_COMMAND_ADJUST:
        command->as.adjust.points *= 2;
        break;
    case JF_COMMAND_TRANSFER:
        command->as.transfer.points += 1;
        break;
    case JF_COMMAND_HOLD:
        command->as.hold.points += 10;
        break;
    case JF_COMMAND_CAPTURE:
        command->as.capture.points += 1;
        break;
    case JF_COMMAND_VOID:
        command->as.void_hold.voided_at_ms += 1;
        break;
    case JF_COMMAND_LINK_CARD:
        command->as.link_card.card = JF_TEXT("another");
        break;
    case JF_COMMAND_UNLINK_CARD:
        command->as.unlink_card.card.card = JF_TEXT("another");
        break;
    case JF_COMMAND_FREEZE:
        command->as.freeze.is_thaw = !command->as.freeze.is_thaw;
        break;
    case JF_COMMAND_CLOSE:
        command->as.close.member = (struct jf_member_ref){{SIM_MEMBERS + 1}, {NULL, 0}};
        break;
    case JF_COMMAND_MERGE:
        command->as.merge.from.number.value += SIM_MEMBERS;
        break;
    case JF_COMMAND_TIER_CHANGE:
        command->as.tier_change.as_of += 1;
        break;
    case JF_COMMAND_EXPIRE:
        command->as.expire.as_of += 1;
        break;
    case JF_COMMAND_PUT_STORE:
        command->as.put_store.day_start_minute = 240;
        break;
    default:
        command->as.publish.file_name = JF_TEXT("other.yaml");
        break;
    }
}

static struct sim_call *write_call(void)
{
    struct sim_call *call = sim_call_take(JF_REQUEST_WRITE);
    uint32_t count = sim_draw(3) > 0 ? 1 : 1 + sim_draw(SIM_CALL_WRITES);
    for (uint32_t i = 0; i < count; i++) {
        struct sim_op *op = NULL;
        if (!sim_oracle_is_ready() && client.op_count >= SETUP_OPS) {
            op = client.ops[sim_draw(SETUP_OPS)];
        } else if (client.op_count < SETUP_OPS || sim_draw(5) > 0) {
            op = op_new();
        }
        sim_call_add(call, op == NULL ? op_again() : op);
    }
    struct sim_op *first = call->ops[0];
    if (call->request.write_count == 1 && first->position != 0 && sim_draw(3) == 0) {
        content_alter(&call->writes[0].command);
        call->is_altered = true;
    }
    return call;
}

static struct sim_call *quote_call(void)
{
    struct sim_call *call = sim_call_take(JF_REQUEST_QUOTE);
    struct sim_op *op = &call->quoted;
    memset(op, 0, sizeof *op);
    op->member = 1 + sim_draw(SIM_MEMBERS);
    op->command.kind = JF_COMMAND_SALE;
    snprintf(op->receipt_number, sizeof op->receipt_number, "quoted");
    snprintf(op->id, sizeof op->id, "quote");
    sale_draw(&op->sale);
    sale_command_fill(op);
    call->writes[0].command = op->command;
    call->request.write_count = 1;
    return call;
}

static struct sim_call *transaction_call(void)
{
    struct sim_call *call = sim_call_take(JF_REQUEST_GET_TRANSACTION);
    if (sim_draw(2) == 0) {
        snprintf(call->text, sizeof call->text, "op-%u", sim_draw(client.op_count + 2));
        call->request.query.transaction_id = jf_text_from(call->text);
    } else {
        call->request.query.position = sim_draw((uint32_t)sim_oracle_position() + 3);
    }
    return call;
}

static struct sim_call *member_call(void)
{
    struct sim_call *call = sim_call_take(JF_REQUEST_GET_MEMBER);
    call->quoted.member = 1 + sim_draw(SIM_MEMBERS);
    sim_member_name(&call->quoted, &call->request.query.member);
    call->request.query.as_of = sim_date_draw() + (jf_date)sim_draw(120);
    return call;
}

static struct sim_call *history_call(void)
{
    struct sim_call *call = sim_call_take(JF_REQUEST_HISTORY);
    call->request.query.member.number.value = 1 + sim_draw(SIM_MEMBERS);
    call->request.query.limit = 1 + sim_draw(50);
    uint32_t below = (uint32_t)sim_oracle_position() + 3;
    call->request.query.before_position = sim_draw(2) == 0 ? 0 : sim_draw(below);
    return call;
}

static struct sim_call *question_call(void)
{
    switch (sim_draw(8)) {
    case 0:
    case 1:
        return transaction_call();
    case 2:
        return history_call();
    case 3:
        return sim_call_take(JF_REQUEST_STATUS);
    case 4:
        return sim_oracle_is_ready() ? quote_call() : member_call();
    case 5:
        return sim_draw(8) == 0 ? sim_call_take(JF_REQUEST_CHECKPOINT) : member_call();
    default:
        return member_call();
    }
}

static bool call_send(struct jf_lane *lane, struct sim_call *call)
{
    enum jf_error error = jf_lane_submit(lane, &call->request);
    if (error == JF_OK) {
        return true;
    }
    SIM_REQUIRE(error == JF_ERROR_BUSY || error == JF_ERROR_CLOSED);
    sim_call_release(call);
    return false;
}

uint32_t sim_client_step(struct jf_lane *const lanes[SIM_LANES])
{
    if (client.taken + BURST + 16 >= CALLS_MAX) {
        return 0;
    }
    bool is_burst = sim_happens(sim.options.burst) && sim_oracle_is_ready();
    uint32_t count = is_burst ? BURST : sim_draw(4);
    uint32_t sent = 0;
    for (uint32_t i = 0; i < count; i++) {
        // A crowd mostly asks: it is there to fill the lanes, not the ledger.
        bool is_write = sim_happens(is_burst ? 30 : sim.options.writes);
        struct sim_call *call = is_write || client.op_count == 0 ? write_call() : question_call();
        sent += call_send(lanes[sim_draw(SIM_LANES)], call) ? 1 : 0;
    }
    return sent;
}
