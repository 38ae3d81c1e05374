// A sale: redeem first, then earn, then pay debts, in one entry. The facts it was planned with are
// recorded, because a return plans what is kept with the same (SEMANTICS, Returns).
//
// Refused, in order: UNKNOWN_CARD, UNKNOWN_MEMBER, UNKNOWN_STORE, RECEIPT_TAKEN, NO_PROGRAMME,
// IN_FUTURE, BEFORE_ENROLMENT, MEMBER_CLOSED, UNKNOWN_CATEGORY, UNKNOWN_TENDER, the redemption's
// own (plan_redeem.c), INVALID_FIELD (excluded tenders above the basket), OVERFLOW (the
// calculation, or more points than one entry may grant), and last what every entry is asked
// (plan.c): LIMIT_REACHED, OVERFLOW, LIMIT_REACHED.
#include "base/assert.h"
#include "base/number.h"
#include "rules/earn.h"
#include "rules/plan_private.h"
#include "rules/programme_expiry.h"

struct sale_plan {
    struct jf_plan_work *work;
    const struct jf_sale_command *command;
    const struct jf_store *store;
    const struct jf_programme_version *version;
    struct jf_sale_entry *sale;
    int64_t basket;
    struct jf_redemption redemption;
    struct jf_earn_result earned;
    struct jf_counted counted;
};

static bool receipt_is_new(struct jf_plan_work *work)
{
    if (work->input->receipt_position == 0) {
        return true;
    }
    jf_plan_refuse(work, JF_REFUSAL_RECEIPT_TAKEN);
    work->refusal->position = work->input->receipt_position;
    return false;
}

// A line without a category is always plain.
bool jf_receipt_is_known(const struct jf_programme *programme, const struct jf_receipt *receipt,
                         struct jf_refusal *out_refusal)
{
    for (uint32_t i = 0; programme->refuses_unknown_categories && i < receipt->line_count; i++) {
        struct jf_text category = receipt->lines[i].category;
        if (category.size > 0 && jf_words_find(&programme->categories, category) == JF_WORD_NONE) {
            *out_refusal = (struct jf_refusal){.code = JF_REFUSAL_UNKNOWN_CATEGORY,
                                               .field = "receipt.lines[%u].category",
                                               .index = i};
            return false;
        }
    }
    for (uint32_t i = 0; programme->refuses_unknown_tenders && i < receipt->tender_count; i++) {
        if (jf_words_find(&programme->tenders, receipt->tenders[i].type) == JF_WORD_NONE) {
            *out_refusal = (struct jf_refusal){
                .code = JF_REFUSAL_UNKNOWN_TENDER, .field = "receipt.tenders[%u].type", .index = i};
            return false;
        }
    }
    return true;
}

// The money that points may pay a part of: without lines of categories that they may not pay.
static int64_t payable(const struct sale_plan *plan)
{
    const struct jf_words *excluded = &plan->version->programme->redemption.excluded;
    int64_t sum = plan->basket;
    for (uint32_t i = 0; excluded->count > 0 && i < plan->command->receipt.line_count; i++) {
        const struct jf_line *line = &plan->command->receipt.lines[i];
        if (jf_words_find(excluded, line->category) != JF_WORD_NONE) {
            sum -= line->amount;
        }
    }
    return sum;
}

static bool redeem(struct sale_plan *plan)
{
    if (plan->command->redeem_points == 0) {
        return true;
    }
    plan->redemption = (struct jf_redemption){.programme = plan->version->programme,
                                              .points = plan->command->redeem_points,
                                              .basket = payable(plan),
                                              .is_offline = plan->command->is_offline};
    return jf_plan_redemption(plan->work, &plan->redemption);
}

// A birthday on 29 February is kept on 28 February in other years.
static jf_date birthday_in(const struct jf_member *member, int32_t year)
{
    int32_t day = member->birth_day;
    if (member->birth_month == 2 && day == 29 && !jf_year_is_leap(year)) {
        day = 28;
    }
    return jf_date_from_civil((struct jf_civil){year, member->birth_month, day});
}

// JF_BIRTHDAY_*: the business date is the birthday; lies in its ISO week (Monday to Sunday); in its
// month.
static uint32_t birthday_flags(const struct jf_member *member, jf_date date)
{
    if (member->birth_month == 0) {
        return 0;
    }
    struct jf_civil civil = jf_date_to_civil(date);
    jf_date monday = date - (jf_date_weekday(date) - JF_MONDAY);
    uint32_t flags = civil.month == member->birth_month ? JF_BIRTHDAY_MONTH : 0;
    // The week may reach into the year before or after.
    for (int32_t year = civil.year - 1; year <= civil.year + 1; year++) {
        jf_date birthday = birthday_in(member, year);
        flags |= birthday == date ? JF_BIRTHDAY_DAY : 0;
        flags |= birthday >= monday && birthday <= monday + 6 ? JF_BIRTHDAY_WEEK : 0;
    }
    return flags;
}

// Points that are not pending are available "from the start", so that the grants of one month share
// a lot.
static jf_date lot_available(const struct jf_programme *programme, jf_date date)
{
    if (programme->pending_days == 0) {
        return JF_DATE_MIN;
    }
    jf_date day = date + programme->pending_days;
    return day < JF_DATE_MAX ? day : JF_DATE_MAX;
}

static bool facts_fill(struct sale_plan *plan)
{
    const struct jf_member *member = plan->work->input->member;
    jf_date date = plan->work->entry->business_date;
    struct jf_local_time local =
        jf_zone_local(plan->store->zone, plan->command->receipt.sold_at_ms);
    struct jf_sale_facts *facts = &plan->sale->facts;
    *facts = (struct jf_sale_facts){
        .programme_version = plan->version->version,
        .local_second = (uint32_t)local.second_of_day,
        .local_date = local.date,
        .tier = jf_tier_under(plan->work->input->reference, member->tier, member->tier_version,
                              plan->version),
        .activity_class = member->activity_class,
        .tags = member->tags,
        .birthday = birthday_flags(member, date),
        .is_first_purchase = member->visits == 0,
        .entity = plan->store->entity,
        .expires_on = jf_expiry_date(&plan->version->programme->expiry, date),
        .available_on = lot_available(plan->version->programme, date),
        .member_status = member->status,
    };
    bool is_copied = false;
    // Copied, because the reference may replace the store while the entry waits for its block.
    facts->region = jf_arena_copy_text(plan->work->input->arena, plan->store->region, &is_copied);
    return is_copied ? true : jf_plan_fail(plan->work, JF_ERROR_NO_MEMORY);
}

static bool earn(struct sale_plan *plan)
{
    struct jf_plan_work *work = plan->work;
    const struct jf_receipt *receipt = &plan->command->receipt;
    struct jf_earn_input input = {
        .programme = plan->version->programme,
        .facts = &plan->sale->facts,
        .business_date = work->entry->business_date,
        .store = receipt->store,
        .lines = receipt->lines,
        .line_count = receipt->line_count,
        .tenders = receipt->tenders,
        .tender_count = receipt->tender_count,
        .basket_amount = plan->basket,
        .redeemed_value = plan->redemption.value,
        .member = work->input->member,
        .control = work->input->control,
        .arena = work->input->arena,
    };
    enum jf_error error = jf_earn(&input, &plan->earned, work->refusal);
    if (error != JF_OK) {
        return jf_plan_fail(work, error);
    }
    if (work->refusal->code != JF_REFUSAL_NONE) {
        return false;
    }
    plan->sale->facts.rooms = plan->earned.rooms;
    plan->sale->facts.room_count = plan->earned.room_count;
    error = jf_earn_counted(input.programme, input.business_date, plan->earned.granted,
                            plan->earned.granted_count, input.arena, &plan->counted);
    if (error != JF_OK) {
        return jf_plan_fail(work, error);
    }
    return plan->earned.points <= JF_POINTS_MAX ? true : jf_plan_refuse(work, JF_REFUSAL_OVERFLOW);
}

// What the member owes when the points are granted, in the order in which it is paid: the debts of
// before, and what the redemption of this very sale lacked. Returns: how many there are.
static uint32_t debts_gather(const struct sale_plan *plan,
                             struct jf_debt debts[JF_DEBTS_PER_MEMBER_MAX + 1])
{
    const struct jf_member *member = plan->work->input->member;
    JF_ASSERT(member->debt_count <= JF_DEBTS_PER_MEMBER_MAX);
    uint32_t entity = plan->store->entity.value;
    int64_t lacking = plan->redemption.debt;
    uint32_t count = 0;
    for (uint32_t i = 0; i < member->debt_count; i++) {
        struct jf_debt debt = member->debts[i];
        if (lacking > 0 && entity < debt.entity.value) {
            debts[count++] = (struct jf_debt){.entity = {entity}, .points = lacking};
            lacking = 0;
        } else if (lacking > 0 && entity == debt.entity.value) {
            debt.points += lacking; // jf_plan_finish refuses sums that leave 64 bits
            lacking = 0;
        }
        debts[count++] = debt;
    }
    if (lacking > 0) {
        debts[count++] = (struct jf_debt){.entity = {entity}, .points = lacking};
    }
    return count;
}

int64_t jf_plan_grant(struct jf_plan_work *work, const struct jf_grant *grant)
{
    int64_t left = grant->points;
    for (uint32_t i = 0; i < grant->debt_count && left > 0; i++) {
        const struct jf_debt *debt = &grant->debts[i];
        int64_t paid = debt->points < left ? debt->points : left;
        struct jf_lot_key owed_to = {.entity = debt->entity};
        jf_plan_post(work, JF_ACCOUNT_DEBT, owed_to, 0, paid);
        left -= paid;
    }
    int64_t paid = grant->points - left;
    jf_plan_post(work, JF_ACCOUNT_AVAILABLE, grant->key, 0, left);
    if (paid > 0) {
        jf_plan_trace(work, (struct jf_trace_step){.kind = JF_TRACE_DEBT_PAID, .points = paid});
    }
    return paid;
}

static void grant_post(struct sale_plan *plan)
{
    struct jf_plan_work *work = plan->work;
    const struct jf_sale_facts *facts = &plan->sale->facts;
    struct jf_lot_key key = {facts->available_on, facts->expires_on, facts->entity};
    for (uint32_t i = 0; i < plan->earned.granted_count; i++) {
        const struct jf_granted *granted = &plan->earned.granted[i];
        jf_plan_post(work, JF_ACCOUNT_ISSUED, key, granted->reason, -granted->points);
    }
    struct jf_debt debts[JF_DEBTS_PER_MEMBER_MAX + 1];
    struct jf_grant grant = {.key = key,
                             .points = plan->earned.points,
                             .debts = debts,
                             .debt_count = debts_gather(plan, debts)};
    plan->sale->debt_paid = jf_plan_grant(work, &grant);
}

static bool post(struct sale_plan *plan)
{
    struct jf_plan_work *work = plan->work;
    uint32_t postings = 2 * plan->redemption.part_count + 4 + plan->earned.granted_count +
                        work->input->member->debt_count;
    if (!jf_plan_lists(work, postings, plan->earned.trace_count + 3)) {
        return false;
    }
    if (plan->redemption.points > 0) {
        jf_plan_post_redemption(work, &plan->redemption, plan->store->entity);
    }
    for (uint32_t i = 0; i < plan->earned.trace_count; i++) {
        jf_plan_trace(work, plan->earned.trace[i]);
    }
    grant_post(plan);
    return true;
}

static void sale_fill(struct sale_plan *plan)
{
    struct jf_entry *entry = plan->work->entry;
    entry->kind = JF_ENTRY_SALE;
    entry->balance.tier = plan->sale->facts.tier; // raised by jf_plan_finish
    entry->points_granted = plan->earned.points;
    entry->denominator = plan->earned.denominator;
    entry->line_points = plan->earned.line_points;
    entry->line_point_count = plan->command->receipt.line_count;
    entry->counted = plan->counted.deltas;
    entry->counted_count = plan->counted.count;
    plan->sale->receipt = plan->command->receipt;
    plan->sale->redeem_points = plan->redemption.points;
    plan->sale->redeemed = plan->redemption.parts;
    plan->sale->redeemed_count = plan->redemption.part_count;
    plan->sale->is_offline = plan->command->is_offline;
    plan->sale->spend = plan->earned.eligible;
    plan->sale->granted = plan->earned.granted;
    plan->sale->granted_count = plan->earned.granted_count;
}

bool jf_plan_sale(struct jf_plan_work *work)
{
    struct sale_plan plan = {
        .work = work, .command = &work->command->as.sale, .sale = &work->entry->as.sale};
    const struct jf_receipt *receipt = &plan.command->receipt;
    for (uint32_t i = 0; i < receipt->line_count; i++) {
        plan.basket += receipt->lines[i].amount; // 500 lines of 10^12: far below 2^63
    }
    if (!jf_plan_known(work, &plan.command->member, receipt->store, &plan.store) ||
        !receipt_is_new(work) ||
        !jf_plan_admitted(work, plan.store, receipt->sold_at_ms, &plan.version) ||
        !jf_receipt_is_known(plan.version->programme, &plan.command->receipt, work->refusal)) {
        return false;
    }
    if (!redeem(&plan) || !facts_fill(&plan) || !earn(&plan) || !post(&plan)) {
        return false;
    }
    sale_fill(&plan);
    return jf_plan_finish(work, plan.version->programme);
}
