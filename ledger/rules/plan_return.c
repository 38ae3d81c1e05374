// A return: what is kept after it, what the kept is worth under the facts of the sale, and the
// difference to what the sale was worth before. Everything is computed from the sale as it was and
// from what is kept now, never from the lines that come back: so the order and the number of
// returns cannot matter.
//
//   kept lines     quantity less what came back; amount × kept quantity ÷ quantity, half-up. A line
//   of
//                  quantity 0 is kept whole or gone.
//   kept tenders   amount × kept money ÷ sale money, half-up
//   kept redeemed  redeemed × kept money ÷ sale money, half-up; the rest goes back to its lots
//   worth          jf_earn of that; nothing when nothing is kept (a flat bonus needs a receipt)
//
// First points are given back (plan_give_back.c), then points are taken back (plan_take_back.c), so
// that what was redeemed can meet what is owed. Refused, in order: UNKNOWN_STORE, UNKNOWN_SALE,
// UNKNOWN_LINE (looked for in all lines first), RETURN_EXCEEDS_KEPT, IN_FUTURE, BEFORE_SALE,
// OVERFLOW (the calculation), and last what every entry is asked (plan.c): LIMIT_REACHED, OVERFLOW,
// LIMIT_REACHED. A closed or frozen member may still return.
#include <stdio.h>

#include "base/assert.h"
#include "base/number.h"
#include "rules/plan_return.h"

// Whether the stored sale holds together, and the newest return belongs to it: what is left of each
// line lies within the line. Both were read from the journal, so this is no assertion.
static bool stored_fits(const struct jf_return_plan *plan)
{
    const struct jf_sale_entry *sale = plan->sale;
    if (plan->debt_spent < 0 || sale->debt_paid < 0 ||
        sale->debt_paid > plan->entry->points_granted) {
        return false;
    }
    if (plan->last == NULL) {
        return true;
    }
    if (plan->last->kept_count != sale->receipt.line_count || plan->last->redeemed < 0 ||
        plan->last->redeemed > sale->redeem_points || plan->last->taken_as_debt < 0 ||
        plan->last->written_off < 0) {
        return false;
    }
    for (uint32_t i = 0; i < sale->receipt.line_count; i++) {
        int64_t left = plan->last->kept[i].quantity_milli;
        if (left < 0 || left > sale->receipt.lines[i].quantity_milli) {
            return false;
        }
    }
    return true;
}

// Of the points spent, those that no lot covered: an offline sale's debt.
static int64_t debt_spent(const struct jf_sale_entry *sale)
{
    int64_t rest = sale->redeem_points;
    for (uint32_t i = 0; i < sale->redeemed_count; i++) {
        rest -= sale->redeemed[i].points;
    }
    return rest;
}

// Of those, what the sale's own grant paid at once. Debts to one entity are one debt: what was paid
// counts for the sale's own part first.
static int64_t debt_spent_paid(const struct jf_return_plan *plan)
{
    int64_t paid = 0;
    for (uint32_t i = 0; i < plan->entry->posting_count; i++) {
        const struct jf_posting *posting = &plan->entry->postings[i];
        bool is_own = posting->account == JF_ACCOUNT_DEBT &&
                      posting->entity.value == plan->sale->facts.entity.value;
        paid += is_own && posting->points > 0 ? posting->points : 0;
    }
    return paid < plan->debt_spent ? paid : plan->debt_spent;
}

static bool find_what_is_named(struct jf_return_plan *plan)
{
    struct jf_plan_work *work = plan->work;
    const struct jf_plan_input *input = work->input;
    plan->store = jf_reference_store(input->reference, plan->command->store);
    if (plan->store == NULL) {
        return jf_plan_refuse(work, JF_REFUSAL_UNKNOWN_STORE);
    }
    if (input->sale == NULL || input->sale->kind != JF_ENTRY_SALE) {
        jf_plan_refuse(work, JF_REFUSAL_UNKNOWN_SALE);
        work->refusal->field = "sale_transaction_id";
        return false;
    }
    if (input->member == NULL) {
        return jf_plan_refuse(work, JF_REFUSAL_UNKNOWN_MEMBER);
    }
    plan->entry = input->sale;
    plan->sale = &input->sale->as.sale;
    plan->debt_spent = debt_spent(plan->sale);
    plan->debt_spent_paid = debt_spent_paid(plan);
    plan->last = input->last_return == NULL ? NULL : &input->last_return->as.sale_return;
    plan->version = jf_reference_programme(input->reference, plan->sale->facts.programme_version);
    if (plan->version == NULL) {
        return jf_plan_refuse(work, JF_REFUSAL_UNKNOWN_PROGRAMME);
    }
    return stored_fits(plan) ? true : jf_plan_fail(work, JF_ERROR_CORRUPT);
}

static bool kept_start(struct jf_return_plan *plan)
{
    JF_ASSERT(plan->sale != NULL);
    uint32_t count = plan->sale->receipt.line_count;
    plan->kept = jf_plan_alloc(plan->work, count, sizeof *plan->kept);
    plan->returned = jf_plan_alloc(plan->work, count, sizeof *plan->returned);
    if (plan->kept == NULL || plan->returned == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (plan->last != NULL) {
            plan->kept[i] = plan->last->kept[i];
        } else {
            plan->kept[i].quantity_milli = plan->sale->receipt.lines[i].quantity_milli;
        }
    }
    return true;
}

static bool refuse_exceeds(struct jf_plan_work *work, uint32_t index, int64_t needed,
                           int64_t available)
{
    jf_plan_refuse(work, JF_REFUSAL_RETURN_EXCEEDS_KEPT);
    work->refusal->field = "lines[%u]";
    work->refusal->index = index;
    work->refusal->needed = needed;
    work->refusal->available = available;
    return false;
}

// Records what came back of a kept line, all of it when `quantity` is all that is left.
static void line_take(struct jf_return_plan *plan, uint32_t line, int64_t quantity)
{
    struct jf_kept_line *kept = &plan->kept[line];
    JF_ASSERT(!kept->is_gone);
    JF_ASSERT(quantity <= kept->quantity_milli);
    kept->quantity_milli -= quantity;
    kept->is_gone = kept->quantity_milli == 0;
    plan->returned[plan->returned_count] = (struct jf_return_line){
        .line_number = line + 1, .quantity_milli = quantity, .is_whole = kept->is_gone};
    plan->returned_count++;
}

static bool lines_known(struct jf_return_plan *plan)
{
    for (uint32_t i = 0; i < plan->command->line_count; i++) {
        uint32_t number = plan->command->lines[i].line_number;
        if (number < 1 || number > plan->sale->receipt.line_count) {
            jf_plan_refuse(plan->work, JF_REFUSAL_UNKNOWN_LINE);
            plan->work->refusal->field = "lines[%u].line_number";
            plan->work->refusal->index = i;
            plan->work->refusal->needed = number;
            plan->work->refusal->limit = plan->sale->receipt.line_count;
            return false;
        }
    }
    return true;
}

static bool lines_take(struct jf_return_plan *plan)
{
    for (uint32_t i = 0; i < plan->command->line_count; i++) {
        const struct jf_return_line *asked = &plan->command->lines[i];
        const struct jf_kept_line *kept = &plan->kept[asked->line_number - 1];
        int64_t quantity = asked->is_whole ? kept->quantity_milli : asked->quantity_milli;
        // A line of quantity 0 has no part: it comes back whole or not at all.
        if (kept->is_gone || quantity > kept->quantity_milli) {
            return refuse_exceeds(plan->work, i, quantity, kept->quantity_milli);
        }
        line_take(plan, asked->line_number - 1, quantity);
    }
    return true;
}

static bool all_take(struct jf_return_plan *plan)
{
    for (uint32_t i = 0; i < plan->sale->receipt.line_count; i++) {
        if (!plan->kept[i].is_gone) {
            line_take(plan, i, plan->kept[i].quantity_milli);
        }
    }
    if (plan->returned_count > 0) {
        return true;
    }
    refuse_exceeds(plan->work, 0, 1, 0);
    plan->work->refusal->field = "all";
    return false;
}

static bool time_allows(struct jf_return_plan *plan)
{
    int64_t at_ms = plan->command->returned_at_ms;
    if (!jf_plan_in_time(plan->work, plan->version->programme, at_ms)) {
        return false;
    }
    if (at_ms < plan->sale->receipt.sold_at_ms) {
        jf_plan_refuse(plan->work, JF_REFUSAL_BEFORE_SALE);
        plan->work->refusal->needed = plan->sale->receipt.sold_at_ms;
        plan->work->refusal->available = at_ms;
        plan->work->refusal->position = plan->entry->position;
        return false;
    }
    plan->work->entry->business_date = jf_store_business_date(plan->store, at_ms);
    plan->work->entry->programme_version = plan->version->version;
    return jf_plan_void_overdue(plan->work); // points of a hold that counts as void can be taken
}

// The receipt as kept, and what of its points stays redeemed.
static bool receipt_keep(struct jf_return_plan *plan)
{
    struct jf_kept_input input = {.programme = plan->version->programme,
                                  .terms = plan->version->programme,
                                  .sale = plan->sale,
                                  .lines = plan->kept,
                                  .arena = plan->work->input->arena};
    enum jf_error error = jf_kept_make(&input, &plan->receipt);
    if (error != JF_OK) {
        return jf_plan_fail(plan->work, error);
    }
    int64_t redeemed = plan->sale->redeem_points;
    int64_t before = plan->last == NULL ? redeemed : plan->last->redeemed;
    plan->given_before = redeemed - before;
    plan->given = redeemed - plan->receipt.redeemed;
    return true;
}

static bool kept_earn(struct jf_return_plan *plan)
{
    if (plan->receipt.line_count == 0) {
        plan->earned.denominator = plan->entry->denominator;
        return true;
    }
    struct jf_earn_input input = {
        .programme = plan->version->programme,
        .facts = &plan->sale->facts,
        .business_date = plan->entry->business_date,
        .store = plan->sale->receipt.store,
        .lines = plan->receipt.lines,
        .line_count = plan->receipt.line_count,
        .tenders = plan->receipt.tenders,
        .tender_count = plan->sale->receipt.tender_count,
        .basket_amount = plan->receipt.basket,
        .redeemed_value = plan->receipt.value,
        .arena = plan->work->input->arena,
    };
    enum jf_error error = jf_earn(&input, &plan->earned, plan->work->refusal);
    if (error != JF_OK) {
        return jf_plan_fail(plan->work, error);
    }
    return plan->work->refusal->code == JF_REFUSAL_NONE;
}

// What the grants count under caps, more than before this return.
static bool counters_find(struct jf_return_plan *plan)
{
    const struct jf_programme *programme = plan->version->programme;
    jf_date date = plan->entry->business_date; // of the sale
    struct jf_arena *arena = plan->work->input->arena;
    struct jf_counted before;
    enum jf_error error = jf_earn_counted(programme, date, plan->granted_before,
                                          plan->granted_before_count, arena, &before);
    if (error == JF_OK) {
        error = jf_earn_counted(programme, date, plan->earned.granted, plan->earned.granted_count,
                                arena, &plan->counted);
    }
    if (error != JF_OK) {
        return jf_plan_fail(plan->work, error);
    }
    jf_earn_counted_subtract(&plan->counted, &before);
    return true;
}

// What was worth before this return: the sale as planned, or as the newest return left it.
static void worth_before(struct jf_return_plan *plan)
{
    bool is_first = plan->last == NULL;
    plan->granted_before = is_first ? plan->sale->granted : plan->last->granted;
    plan->granted_before_count = is_first ? plan->sale->granted_count : plan->last->granted_count;
    plan->spend_before = is_first ? plan->sale->spend : plan->last->spend;
    plan->was_visit = is_first || plan->last->is_visit;
    if (is_first) {
        return;
    }
    plan->taken_before = (struct jf_taken){
        .from_lot = plan->last->taken_from_lot,
        .as_debt = plan->last->taken_as_debt,
        .written_off = plan->last->written_off,
        .others = plan->last->taken_from_other,
        .other_count = plan->last->taken_from_other_count,
    };
    for (uint32_t i = 0; i < plan->last->taken_from_other_count; i++) {
        plan->taken_before.from_other += plan->last->taken_from_other[i].points;
    }
}

static int64_t taken_sum(const struct jf_taken *taken)
{
    return taken->from_lot + taken->from_other + taken->as_debt + taken->written_off;
}

static void trace_step(struct jf_return_plan *plan, enum jf_trace_kind kind, int64_t points,
                       int64_t amount)
{
    if (points != 0 || amount != 0) {
        jf_plan_trace(plan->work,
                      (struct jf_trace_step){.kind = kind, .points = points, .amount = amount});
    }
}

// What this return does, after the steps of what the kept is worth.
static void differences_trace(struct jf_return_plan *plan)
{
    const struct jf_taken *before = &plan->taken_before;
    const struct jf_taken *now = &plan->taken;
    int64_t undone = plan->undone - plan->undone_before;
    int64_t written_off = now->written_off - before->written_off;
    bool is_deducted = plan->version->programme->returns.shortfall == JF_SHORTFALL_DEDUCT;
    trace_step(plan, JF_TRACE_GIVEN_BACK, plan->given - plan->given_before - undone, 0);
    trace_step(plan, JF_TRACE_EXPIRED, plan->expired, 0);
    trace_step(plan, JF_TRACE_TAKEN_BACK, before->from_lot - now->from_lot, 0);
    trace_step(plan, JF_TRACE_TAKEN_FROM_OTHER, before->from_other - now->from_other, 0);
    trace_step(plan, JF_TRACE_DEBT, before->as_debt - now->as_debt + undone, 0);
    trace_step(plan, is_deducted ? JF_TRACE_DEDUCTED : JF_TRACE_SHORTFALL, written_off,
               plan->deducted - plan->deducted_before);
}

// Money that the till takes off the refund for points that nothing could give back.
static bool deduct(struct jf_return_plan *plan)
{
    const struct jf_programme *programme = plan->version->programme;
    const struct jf_redemption_terms *terms = &programme->redemption;
    plan->deducted_before = plan->last == NULL ? 0 : plan->last->deducted_value;
    if (programme->returns.shortfall != JF_SHORTFALL_DEDUCT) {
        return true;
    }
    JF_ASSERT(terms->points > 0); // jf_programme_parse
    enum jf_error error = jf_number_share(plan->taken.written_off, terms->amount, terms->points,
                                          JF_ROUND_HALF_UP, &plan->deducted);
    return error == JF_OK ? true : jf_plan_refuse(plan->work, JF_REFUSAL_OVERFLOW);
}

static bool post(struct jf_return_plan *plan)
{
    struct jf_plan_work *work = plan->work;
    uint32_t lots = work->input->member->lot_count + plan->sale->redeemed_count +
                    plan->taken_before.other_count;
    uint32_t postings = plan->sale->redeemed_count + 1 + plan->granted_before_count +
                        plan->earned.granted_count + plan->entry->posting_count + 6 + 2 * lots;
    if (!jf_plan_lists(work, postings, plan->earned.trace_count + 7)) {
        return false;
    }
    jf_plan_trace(work,
                  (struct jf_trace_step){.kind = JF_TRACE_KEPT, .amount = plan->receipt.basket});
    for (uint32_t i = 0; i < plan->earned.trace_count; i++) {
        jf_plan_trace(work, plan->earned.trace[i]);
    }
    if (!jf_return_give_back(plan) || !jf_return_take_back(plan) || !deduct(plan)) {
        return false;
    }
    differences_trace(plan);
    return true;
}

static void return_fill(struct jf_return_plan *plan)
{
    struct jf_entry *entry = plan->work->entry;
    int64_t points_before = plan->entry->points_granted - taken_sum(&plan->taken_before);
    bool is_visit = plan->receipt.line_count > 0;
    int64_t value_before =
        plan->last == NULL
            ? plan->entry->redeemed_value
            : jf_kept_value(plan->version->programme, plan->last->redeemed, plan->basket_before);
    entry->kind = JF_ENTRY_RETURN;
    entry->points_granted = plan->earned.points - points_before;
    entry->points_redeemed = plan->given_before - plan->given;
    entry->redeemed_value = plan->receipt.value - value_before;
    entry->deducted_value = plan->deducted - plan->deducted_before;
    entry->shortfall_points = plan->taken.written_off - plan->taken_before.written_off;
    entry->denominator = plan->earned.denominator;
    entry->counted = plan->counted.deltas;
    entry->counted_count = plan->counted.count;
    entry->as.sale_return = (struct jf_return_entry){
        .sale_position = plan->entry->position,
        .sale_transaction_id = plan->command->sale_transaction_id,
        .store = plan->command->store,
        .terminal = plan->command->terminal,
        .returned_at_ms = plan->command->returned_at_ms,
        .lines = plan->returned,
        .line_count = plan->returned_count,
        .kept = plan->kept,
        .kept_count = plan->sale->receipt.line_count,
        .granted = plan->earned.granted,
        .granted_count = plan->earned.granted_count,
        .spend = plan->earned.eligible,
        .redeemed = plan->receipt.redeemed,
        .taken_from_lot = plan->taken.from_lot,
        .taken_as_debt = plan->taken.as_debt,
        .taken_from_other = plan->taken.others,
        .taken_from_other_count = plan->taken.other_count,
        .written_off = plan->taken.written_off,
        .deducted_value = plan->deducted,
        .is_visit = is_visit,
        .given_back = plan->given_back,
        .given_back_count = plan->given_back_count,
        .sale_month_index = jf_date_month_index(plan->entry->business_date),
        .spend_delta = plan->earned.eligible - plan->spend_before,
        .points_delta = entry->points_granted,
        .visit_delta = plan->was_visit && !is_visit ? -1 : 0,
        .sale_date = plan->entry->business_date,
    };
}

// The kept money before this return, which the value of the points that paid it is held within.
static void basket_before(struct jf_return_plan *plan)
{
    const struct jf_receipt *receipt = &plan->sale->receipt;
    for (uint32_t i = 0; i < receipt->line_count; i++) {
        plan->basket_before += plan->last == NULL
                                   ? receipt->lines[i].amount
                                   : jf_kept_amount(&receipt->lines[i], &plan->last->kept[i]);
    }
}

bool jf_plan_return(struct jf_plan_work *work)
{
    struct jf_return_plan plan = {.work = work, .command = &work->command->as.sale_return};
    if (!find_what_is_named(&plan) || !kept_start(&plan) || !lines_known(&plan)) {
        return false;
    }
    basket_before(&plan);
    bool is_taken = plan.command->is_all ? all_take(&plan) : lines_take(&plan);
    if (!is_taken || !time_allows(&plan) || !receipt_keep(&plan) || !kept_earn(&plan)) {
        return false;
    }
    worth_before(&plan);
    if (!counters_find(&plan) || !post(&plan)) {
        return false;
    }
    return_fill(&plan);
    return jf_plan_finish(work, NULL);
}
