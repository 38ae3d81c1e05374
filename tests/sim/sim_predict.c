// Each kind by itself: whom it means, what refuses it, in the order in which the calls say so, and
// what it does to the model.
#include "sim_predict.h"

#include <string.h>

static uint32_t setup; // bits: programme, stores

void sim_predict_create(void)
{
    setup = 0;
    sim_people_create();
}

void sim_predict_destroy(void)
{
    sim_people_destroy();
}

bool sim_predict_is_ready(void)
{
    return setup == 7;
}

static enum jf_refusal_code may_spend(const struct sim_person *person)
{
    if (person->is_closed) {
        return JF_REFUSAL_MEMBER_CLOSED;
    }
    return person->is_frozen ? JF_REFUSAL_MEMBER_FROZEN : JF_REFUSAL_NONE;
}

static enum jf_refusal_code sell(struct sim_op *op, struct sim_person *person,
                                 struct sim_prediction *says)
{
    if (op->receipt_op != NULL && op->receipt_op->position != 0) {
        return JF_REFUSAL_RECEIPT_TAKEN;
    }
    if (person->is_closed) {
        return JF_REFUSAL_MEMBER_CLOSED;
    }
    if (op->sale.redeemed > 0 && person->is_frozen) {
        return JF_REFUSAL_MEMBER_FROZEN;
    }
    if (op->sale.redeemed > 0) {
        sim_person_release(person, op->command.as.sale.receipt.sold_at_ms);
    }
    int index = person->model.sale_count;
    enum jf_refusal_code code = model_sell(&person->model, &op->sale);
    if (code == JF_REFUSAL_NONE) {
        op->model_index = index;
        says->granted = person->model.sales[index].granted;
        says->redeemed = op->sale.redeemed;
    }
    return code;
}

static enum jf_refusal_code redeem(const struct sim_op *op, struct sim_person *person,
                                   struct sim_prediction *says)
{
    enum jf_refusal_code code = may_spend(person);
    if (code == JF_REFUSAL_NONE) {
        sim_person_release(person, op->command.as.redeem.redeemed_at_ms);
        code = model_redeem(&person->model, op->date, op->points);
        says->redeemed = op->points;
    }
    return code;
}

static enum jf_refusal_code adjust(const struct sim_op *op, struct sim_person *person)
{
    const struct jf_adjust_command *command = &op->command.as.adjust;
    if (person->is_closed) {
        return JF_REFUSAL_MEMBER_CLOSED;
    }
    if (op->points < 0) {
        sim_person_release(person, command->adjusted_at_ms);
    }
    return model_adjust(&person->model, op->date, (int)command->entity.value, op->points);
}

static enum jf_refusal_code transfer(const struct sim_op *op, struct sim_person *from)
{
    const struct jf_transfer_command *command = &op->command.as.transfer;
    uint32_t into_number = 0;
    enum jf_refusal_code code = sim_people_find(&command->to, 0, &into_number);
    if (code != JF_REFUSAL_NONE) {
        return code;
    }
    struct sim_person *into = sim_person(into_number);
    if (from == into) {
        return JF_REFUSAL_INVALID_FIELD;
    }
    if (into->is_closed) {
        return JF_REFUSAL_MEMBER_CLOSED;
    }
    code = may_spend(from);
    if (code == JF_REFUSAL_NONE) {
        sim_person_release(from, command->transferred_at_ms);
        code = model_transfer(&from->model, &into->model, op->date, op->points);
    }
    return code;
}

static enum jf_refusal_code tier_change(const struct sim_op *op, struct sim_person *person,
                                        struct sim_prediction *says)
{
    int tier = person->model.tier;
    if (person->merged_into == 0) {
        model_recalculate(&person->model, op->date);
    }
    says->fate = person->model.tier == tier ? SIM_UNCHANGED : SIM_POSTED;
    return JF_REFUSAL_NONE;
}

static int64_t sale_left(const struct model_sale *sale)
{
    return sale->granted - sale->taken - sale->owed;
}

static enum jf_refusal_code take_back(const struct sim_op *op, struct sim_person *person,
                                      struct sim_prediction *says)
{
    int index = op->sale_op->model_index;
    struct model_sale before = person->model.sales[index];
    sim_person_release(person, op->command.as.sale_return.returned_at_ms);
    enum jf_refusal_code code = model_return(&person->model, index, op->date, op->back);
    const struct model_sale *after = &person->model.sales[index];
    says->granted = sale_left(after) - sale_left(&before);
    for (int i = 0; i < after->part_count; i++) {
        says->redeemed -= after->given_back[i] - before.given_back[i];
    }
    return code;
}

// The member that the command names, by the card of its number where it names one. Returns: NULL
// where it names none.
static const struct jf_member_ref *named(const struct sim_op *op, struct jf_member_ref *number)
{
    const struct jf_command *command = &op->command;
    switch (command->kind) {
    case JF_COMMAND_UNLINK_CARD:
        return &command->as.unlink_card.card;
    case JF_COMMAND_TIER_CHANGE:
    case JF_COMMAND_EXPIRE:
        number->number.value = op->member;
        return number;
    default:
        return jf_command_member(command);
    }
}

// Of a command that names a member; what it does.
static enum jf_refusal_code person_predict(struct sim_op *op, uint32_t number,
                                           struct sim_prediction *says)
{
    struct sim_person *person = sim_person(number);
    switch (op->command.kind) {
    case JF_COMMAND_SALE:
        return sell(op, person, says);
    case JF_COMMAND_REDEEM:
        return redeem(op, person, says);
    case JF_COMMAND_ADJUST:
        return adjust(op, person);
    case JF_COMMAND_TRANSFER:
        return transfer(op, person);
    case JF_COMMAND_HOLD:
        return sim_people_hold(person, op);
    case JF_COMMAND_LINK_CARD:
        return sim_people_link(number, op->card_number);
    case JF_COMMAND_UNLINK_CARD:
        sim_people_unlink(op->card_number);
        return JF_REFUSAL_NONE;
    case JF_COMMAND_FREEZE:
        return sim_people_freeze(person, op->command.as.freeze.is_thaw);
    case JF_COMMAND_CLOSE:
        return sim_people_close(person);
    case JF_COMMAND_MERGE:
        return sim_people_merge(op->other, number);
    case JF_COMMAND_TIER_CHANGE:
        return tier_change(op, person, says);
    case JF_COMMAND_EXPIRE:
        says->fate = SIM_EITHER;
        return JF_REFUSAL_NONE;
    default:
        sim_fail("a command of kind %d names a member", (int)op->command.kind);
    }
}

// Whom the op means, and whether it can. A merge looks for who ceases to be first.
static enum jf_refusal_code person_find(const struct sim_op *op, const struct jf_member_ref *ref,
                                        uint32_t *out_number)
{
    enum jf_refusal_code code = JF_REFUSAL_NONE;
    if (op->command.kind == JF_COMMAND_MERGE) {
        code = sim_people_find(&op->command.as.merge.from, 0, out_number);
    }
    if (code == JF_REFUSAL_NONE) {
        code = sim_people_find(ref, op->card_number, out_number);
    }
    bool is_of_job =
        op->command.kind == JF_COMMAND_TIER_CHANGE || op->command.kind == JF_COMMAND_EXPIRE;
    return is_of_job && code == JF_REFUSAL_MEMBER_MERGED ? JF_REFUSAL_NONE : code;
}

// What ends a hold, and what takes a sale back: they name no member.
static enum jf_refusal_code ending_predict(struct sim_op *op, struct sim_prediction *says)
{
    if (op->command.kind == JF_COMMAND_RETURN) {
        return op->sale_op->position == 0 ? JF_REFUSAL_UNKNOWN_SALE
                                          : take_back(op, sim_person(op->sale_op->home), says);
    }
    return op->command.kind == JF_COMMAND_CAPTURE ? sim_people_capture(op, &says->redeemed)
                                                  : sim_people_void(op);
}

static uint32_t ending_owner(const struct sim_op *op)
{
    return op->command.kind == JF_COMMAND_RETURN ? op->sale_op->home
                                                 : sim_people_hold_owner(op->hold_op);
}

static struct sim_prediction member_predict(struct sim_op *op)
{
    struct sim_prediction says = {.fate = SIM_POSTED};
    struct jf_member_ref of_number = {{0}, {NULL, 0}};
    const struct jf_member_ref *ref = named(op, &of_number);
    uint32_t number = 0;
    bool is_ending = op->hold_op != NULL || op->sale_op != NULL;
    if (is_ending) {
        number = ending_owner(op);
    } else {
        says.code = person_find(op, ref, &number);
    }
    if (says.code == JF_REFUSAL_NONE) {
        sim_person_mark(sim_person(number));
        says.code = is_ending ? ending_predict(op, &says) : person_predict(op, number, &says);
        if (says.code != JF_REFUSAL_NONE) {
            sim_person_reset(sim_person(number));
        }
    }
    if (says.code == JF_REFUSAL_NONE) {
        op->member = number;
        op->home = number;
    }
    return says;
}

static struct sim_prediction predict(struct sim_op *op)
{
    struct sim_prediction says = {.fate = SIM_POSTED};
    switch (op->command.kind) {
    case JF_COMMAND_ENROL:
        says.code = sim_people_enrol(op->member);
        return says;
    case JF_COMMAND_PUBLISH:
        setup |= 4;
        return says;
    case JF_COMMAND_PUT_STORE:
        setup |= op->command.as.put_store.store.value;
        return says;
    default:
        return member_predict(op);
    }
}

struct sim_prediction sim_predict(struct sim_op *op)
{
    struct sim_prediction says = predict(op);
    says.fate = says.code == JF_REFUSAL_NONE ? says.fate : SIM_REFUSED;
    return says;
}

struct sim_prediction sim_predict_quote(struct sim_op *op)
{
    uint32_t number = 0;
    enum jf_refusal_code code =
        sim_people_find(&op->command.as.sale.member, op->card_number, &number);
    struct sim_prediction says = {.fate = SIM_REFUSED, .code = code};
    if (code == JF_REFUSAL_NONE) {
        sim_person_mark(sim_person(number));
        says = (struct sim_prediction){.fate = SIM_POSTED};
        says.code = sell(op, sim_person(number), &says);
        sim_person_reset(sim_person(number));
    }
    return says;
}
