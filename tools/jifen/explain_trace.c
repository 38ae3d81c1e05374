// The trace in sentences: what earned, what each rule added, what was outdone by which, rounding,
// caps, debts, lots. The programme that decided gives the reasons; without it the names are told.
// A kind of step that this program does not know is told with its numbers.
#include <inttypes.h>

#include "tools/jifen/explain.h"
#include "tools/jifen/show.h"

#define CAP_IS_BUDGET (INT64_C(1) << 32)

typedef void (*step_teller)(const struct jf_explained *explained, struct jf_say *say,
                            const Jifen__V1__TraceStep *step);

static const char *ground_name(const struct jf_explained *explained, uint32_t reason)
{
    return jf_show_reason(explained->names, reason);
}

static bool rule_of(const struct jf_explained *explained, uint32_t reason, uint32_t *out_rule)
{
    return explained->programme != NULL && reason != 0 &&
           jf_programme_rule_find(explained->programme,
                                  jf_text_from(ground_name(explained, reason)), out_rule);
}

// `rule "member-day" (2 times the points, on the 8th of the month)`
static void rule_say(const struct jf_explained *explained, struct jf_say *say, uint32_t reason)
{
    uint32_t rule = 0;
    if (reason == 0) {
        jf_say_add(say, "the base");
        return;
    }
    jf_say_add(say, "rule ");
    jf_say_text(say, ground_name(explained, reason));
    if (rule_of(explained, reason, &rule)) {
        jf_say_add(say, " (");
        jf_describe_rule(explained->programme, rule, &say->text);
        jf_say_add(say, ")");
    }
}

static const Jifen__V1__Receipt *receipt_of(const struct jf_explained *explained)
{
    const Jifen__V1__Entry *entry = explained->entry;
    return entry->body_case == JIFEN__V1__ENTRY__BODY_SALE ? entry->sale->receipt : NULL;
}

// Returns: the money of the lines told.
static int64_t lines_excluded_tell(const struct jf_explained *explained, struct jf_say *say,
                                   const Jifen__V1__Receipt *receipt)
{
    int64_t sum = 0;
    for (size_t i = 0; i < receipt->n_lines; i++) {
        const Jifen__V1__Line *line = receipt->lines[i];
        bool is_category =
            jf_programme_excludes_category(explained->programme, jf_text_from(line->category));
        bool is_sku = jf_programme_excludes_sku(explained->programme, jf_text_from(line->sku));
        if (!is_category && !is_sku) {
            continue;
        }
        sum += line->amount;
        jf_say_add(say, "Line %zu (%s, ", i + 1, line->sku);
        jf_say_money(say, line->amount);
        jf_say_add(say, ") earns nothing, because the programme excludes ");
        jf_say_add(say, is_category ? "its category " : "this SKU");
        if (is_category) {
            jf_say_text(say, line->category);
        }
        jf_say_sentence(say);
    }
    return sum;
}

// Returns: the money that they paid.
static int64_t tenders_excluded_tell(const struct jf_explained *explained, struct jf_say *say,
                                     const Jifen__V1__Receipt *receipt)
{
    int64_t sum = 0;
    for (size_t i = 0; i < receipt->n_tenders; i++) {
        const Jifen__V1__Tender *tender = receipt->tenders[i];
        if (jf_programme_excludes_tender(explained->programme, jf_text_from(tender->type))) {
            sum += tender->amount;
            jf_say_money(say, tender->amount);
            jf_say_add(say, " was paid with ");
            jf_say_text(say, tender->type);
            jf_say_add(say, ", which earns nothing: it is taken off all lines in proportion to "
                            "their amounts");
            jf_say_sentence(say);
        }
    }
    return sum;
}

// Returns: whether the member is why nothing earns.
static bool member_excluded_tell(const struct jf_explained *explained, struct jf_say *say)
{
    const Jifen__V1__Entry *entry = explained->entry;
    if (entry->body_case != JIFEN__V1__ENTRY__BODY_SALE || entry->sale->facts == NULL ||
        explained->programme == NULL ||
        !jf_programme_excludes_member(explained->programme,
                                      (uint32_t)entry->sale->facts->member_status,
                                      entry->sale->facts->tags)) {
        return false;
    }
    jf_say_add(say, "Nothing earns points, because the programme excludes members like this one, "
                    "by status or tag");
    jf_say_sentence(say);
    return true;
}

static void eligible_tell(const struct jf_explained *explained, struct jf_say *say,
                          const Jifen__V1__TraceStep *step)
{
    const Jifen__V1__Receipt *receipt = receipt_of(explained);
    if (step->amount == 0 && member_excluded_tell(explained, say)) {
        return;
    }
    if (step->exact == 0) {
        jf_say_add(say, "All of the ");
        jf_say_money(say, step->amount);
        jf_say_add(say, " earns points");
        jf_say_sentence(say);
        return;
    }
    jf_say_money(say, step->amount);
    jf_say_add(say, " of the ");
    jf_say_money(say, step->amount + step->exact);
    jf_say_add(say, " earns points; ");
    jf_say_money(say, step->exact);
    jf_say_add(say, " does not");
    jf_say_sentence(say);
    if (receipt == NULL || explained->programme == NULL) {
        return;
    }
    int64_t sum = lines_excluded_tell(explained, say, receipt);
    sum += tenders_excluded_tell(explained, say, receipt);
    if (explained->outcome->redeemed_value > 0 && sum < step->exact) {
        sum += explained->outcome->redeemed_value;
        jf_say_money(say, explained->outcome->redeemed_value);
        jf_say_add(say, " was paid with points, and what points pay earns none: it is taken off "
                        "all lines in proportion too");
        jf_say_sentence(say);
    }
    if (sum > step->exact) {
        jf_say_money(say, sum - step->exact);
        jf_say_add(say, " of this falls on lines that earn nothing anyway");
        jf_say_sentence(say);
    }
}

static void base_tell(const struct jf_explained *explained, struct jf_say *say,
                      const Jifen__V1__TraceStep *step)
{
    jf_say_add(say, "The base");
    if (explained->programme != NULL) {
        jf_say_add(say, ", ");
        jf_describe_earn(explained->programme, &say->text);
        jf_say_add(say, ",");
    }
    jf_say_add(say, " makes ");
    jf_say_exact(say, step->exact, explained->outcome->denominator);
    jf_say_sentence(say);
}

static void sentence_capital(struct jf_say *say)
{
    char *first = &say->text.text[0];
    *first = *first >= 'a' && *first <= 'z' ? (char)(*first - 'a' + 'A') : *first;
}

static void rule_tell(const struct jf_explained *explained, struct jf_say *say,
                      const Jifen__V1__TraceStep *step)
{
    rule_say(explained, say, step->reason);
    sentence_capital(say);
    jf_say_add(say, " adds ");
    jf_say_exact(say, step->exact, explained->outcome->denominator);
    jf_say_sentence(say);
}

// The rule of the same group that counted. Returns: its ground, or 0 when it is not known.
static uint32_t outdoer_find(const struct jf_explained *explained, struct jf_text group)
{
    const Jifen__V1__Outcome *outcome = explained->outcome;
    for (size_t i = 0; i < outcome->n_trace; i++) {
        const Jifen__V1__TraceStep *step = outcome->trace[i];
        bool has_counted = step->kind == JIFEN__V1__TRACE_STEP__KIND__KIND_MULTIPLIER ||
                           step->kind == JIFEN__V1__TRACE_STEP__KIND__KIND_BONUS;
        uint32_t rule = 0;
        if (has_counted && rule_of(explained, step->reason, &rule) &&
            jf_text_equal(jf_programme_rule_group(explained->programme, rule), group)) {
            return step->reason;
        }
    }
    return 0;
}

static void outdone_tell(const struct jf_explained *explained, struct jf_say *say,
                         const Jifen__V1__TraceStep *step)
{
    uint32_t rule = 0;
    rule_say(explained, say, step->reason);
    sentence_capital(say);
    jf_say_add(say, " would have added ");
    jf_say_exact(say, step->exact, explained->outcome->denominator);
    if (!rule_of(explained, step->reason, &rule)) {
        jf_say_add(say, ", but another rule of its group was better");
        jf_say_sentence(say);
        return;
    }
    struct jf_text group = jf_programme_rule_group(explained->programme, rule);
    uint32_t better = outdoer_find(explained, group);
    jf_say_add(say, ", but of the group \"%.*s\" only the best rule counts", (int)group.size,
               group.data);
    if (better != 0) {
        jf_say_add(say, ", and that is ");
        jf_say_text(say, ground_name(explained, better));
    }
    jf_say_sentence(say);
}

// "6 for the base, 5 for rule "member-day""
static void grounds_tell(const struct jf_explained *explained, struct jf_say *say)
{
    const Jifen__V1__Outcome *outcome = explained->outcome;
    uint32_t count = 0;
    for (size_t i = 0; i < outcome->n_trace; i++) {
        const Jifen__V1__TraceStep *step = outcome->trace[i];
        if (step->points <= 0 || step->kind < JIFEN__V1__TRACE_STEP__KIND__KIND_BASE ||
            step->kind > JIFEN__V1__TRACE_STEP__KIND__KIND_BONUS) {
            continue;
        }
        jf_say_add(say, count == 0 ? "In whole points that is " : ", ");
        jf_say_points(say, step->points);
        jf_say_add(say, " for ");
        if (step->reason == 0) {
            jf_say_add(say, "the base");
        } else {
            jf_say_text(say, ground_name(explained, step->reason));
        }
        count += 1;
    }
    if (count > 0) {
        jf_say_sentence(say);
    }
}

static void rounded_tell(const struct jf_explained *explained, struct jf_say *say,
                         const Jifen__V1__TraceStep *step)
{
    jf_say_add(say, "Together ");
    jf_say_exact(say, step->exact, explained->outcome->denominator);
    if (explained->programme != NULL) {
        jf_say_add(say, ", ");
        jf_describe_rounding(explained->programme, &say->text);
    }
    jf_say_add(say, ": ");
    jf_say_points(say, step->points);
    jf_say_sentence(say);
    grounds_tell(explained, say);
}

static void cap_tell(const struct jf_explained *explained, struct jf_say *say,
                     const Jifen__V1__TraceStep *step)
{
    if (step->exact == 0) {
        jf_say_add(say, "The rule's own limit for each member");
    } else if (step->exact == CAP_IS_BUDGET) {
        jf_say_add(say, "The rule's budget for the whole chain");
    } else {
        const char *name = ground_name(explained, (uint32_t)step->exact);
        jf_say_add(say, "The cap ");
        jf_say_text(say, strncmp(name, "cap:", 4) == 0 ? name + 4 : name);
        if (explained->programme != NULL) {
            jf_say_add(say, " (");
            jf_describe_cap(explained->programme, jf_text_from(name), &say->text);
            jf_say_add(say, ")");
        }
    }
    jf_say_add(say, " was reached: it cuts ");
    jf_say_points(say, -step->points);
    jf_say_add(say, " of ");
    if (step->reason == 0) {
        jf_say_add(say, "the base");
    } else {
        jf_say_text(say, ground_name(explained, step->reason));
    }
    jf_say_sentence(say);
}

// A step that is told as points, words, and perhaps money behind them.
static void points_tell(struct jf_say *say, int64_t points, const char *words)
{
    jf_say_points(say, points < 0 ? -points : points);
    jf_say_add(say, " %s", words);
    jf_say_sentence(say);
}

static void money_worth_tell(struct jf_say *say, const Jifen__V1__TraceStep *step,
                             const char *words)
{
    jf_say_points(say, step->points < 0 ? -step->points : step->points);
    jf_say_add(say, " %s", words);
    if (step->amount != 0) {
        jf_say_add(say, ", worth ");
        jf_say_money(say, step->amount < 0 ? -step->amount : step->amount);
    }
    jf_say_sentence(say);
}

static void redeemed_tell(const struct jf_explained *explained, struct jf_say *say,
                          const Jifen__V1__TraceStep *step)
{
    (void)explained;
    money_worth_tell(say, step, "were spent");
}

static void debt_paid_tell(const struct jf_explained *explained, struct jf_say *say,
                           const Jifen__V1__TraceStep *step)
{
    jf_say_points(say, step->points);
    jf_say_add(say, " of these paid what the member owed; ");
    jf_say_points(say, explained->outcome->points_granted - step->points);
    jf_say_add(say, " can be spent");
    jf_say_sentence(say);
}

static void taken_back_tell(const struct jf_explained *explained, struct jf_say *say,
                            const Jifen__V1__TraceStep *step)
{
    (void)explained;
    points_tell(say, step->points,
                step->points < 0 ? "of the sale's points are taken back from the lot they went to"
                                 : "are put back into the lot of the sale");
}

static void debt_tell(const struct jf_explained *explained, struct jf_say *say,
                      const Jifen__V1__TraceStep *step)
{
    (void)explained;
    points_tell(say, step->points,
                step->points < 0 ? "had been spent already: the member owes them, and the next "
                                   "points earned pay them first"
                                 : "are no longer owed");
}

static void taken_from_other_tell(const struct jf_explained *explained, struct jf_say *say,
                                  const Jifen__V1__TraceStep *step)
{
    (void)explained;
    points_tell(say, step->points,
                step->points < 0 ? "had been spent already and are taken from the member's other "
                                   "lots, earliest expiry first"
                                 : "go back to the member's other lots");
}

static void shortfall_tell(const struct jf_explained *explained, struct jf_say *say,
                           const Jifen__V1__TraceStep *step)
{
    (void)explained;
    points_tell(say, step->points,
                step->points > 0 ? "had been spent already and are written off: nobody owes them"
                                 : "that were written off before could be taken back after all");
}

static void deducted_tell(const struct jf_explained *explained, struct jf_say *say,
                          const Jifen__V1__TraceStep *step)
{
    (void)explained;
    bool is_deducted = step->points > 0 || step->amount > 0;
    money_worth_tell(say, step,
                     is_deducted ? "had been spent already: the till takes them off the refund"
                                 : "that were taken off a refund before are paid out after all");
}

static void expired_tell(const struct jf_explained *explained, struct jf_say *say,
                         const Jifen__V1__TraceStep *step)
{
    bool is_return = explained->entry->body_case == JIFEN__V1__ENTRY__BODY_SALE_RETURN;
    points_tell(say, step->points,
                is_return ? "of these expire at once, because the lots that they came from are over"
                          : "had passed their last day and are now posted as expired; they could "
                            "not be spent before either");
}

static void given_back_tell(const struct jf_explained *explained, struct jf_say *say,
                            const Jifen__V1__TraceStep *step)
{
    (void)explained;
    money_worth_tell(say, step,
                     "that had paid a part of the sale go back to the lots they came from");
}

static void tier_tell(const struct jf_explained *explained, struct jf_say *say,
                      const Jifen__V1__TraceStep *step)
{
    bool is_up = step->kind == JIFEN__V1__TRACE_STEP__KIND__KIND_TIER_UP;
    jf_say_add(say, "The member %s from level ", is_up ? "rises" : "goes down");
    jf_say_text(say, jf_explain_tier(explained, step->exact));
    jf_say_add(say, " to ");
    jf_say_text(say, jf_explain_tier(explained, step->points));
    jf_say_sentence(say);
}

static void kept_tell(const struct jf_explained *explained, struct jf_say *say,
                      const Jifen__V1__TraceStep *step)
{
    (void)explained;
    if (step->amount == 0) {
        jf_say_add(say, "Nothing of the sale is kept, so it is worth no points any more");
    } else {
        jf_say_money(say, step->amount);
        jf_say_add(say, " of the sale is kept; what follows is what that part is worth");
    }
    jf_say_sentence(say);
}

static void held_tell(const struct jf_explained *explained, struct jf_say *say,
                      const Jifen__V1__TraceStep *step)
{
    (void)explained;
    money_worth_tell(say, step, "are set aside until the payment is captured or voided");
}

static void captured_tell(const struct jf_explained *explained, struct jf_say *say,
                          const Jifen__V1__TraceStep *step)
{
    (void)explained;
    money_worth_tell(say, step, "that were set aside are spent");
}

static void voided_tell(const struct jf_explained *explained, struct jf_say *say,
                        const Jifen__V1__TraceStep *step)
{
    (void)explained;
    jf_say_points(say, step->points < 0 ? -step->points : step->points);
    jf_say_add(say, " that were set aside by entry %" PRId64 " go back to their lots", step->exact);
    jf_say_sentence(say);
}

static void offline_debt_tell(const struct jf_explained *explained, struct jf_say *say,
                              const Jifen__V1__TraceStep *step)
{
    (void)explained;
    jf_say_points(say, -step->points);
    jf_say_add(say, " of these the member did not have: the till was offline, and the programme "
                    "lets so many lack. The member owes them, and the next points earned pay them "
                    "first");
    jf_say_sentence(say);
}

static void forfeited_tell(const struct jf_explained *explained, struct jf_say *say,
                           const Jifen__V1__TraceStep *step)
{
    (void)explained;
    points_tell(say, step->points,
                step->points >= 0 ? "are lost with the membership: by the programme's rule what is "
                                    "left is written off"
                                  : "that were owed are no longer asked for");
}

static void adjusted_tell(const struct jf_explained *explained, struct jf_say *say,
                          const Jifen__V1__TraceStep *step)
{
    (void)explained;
    points_tell(say, step->points,
                step->points >= 0 ? "were credited by hand" : "were debited by hand");
}

static void transferred_tell(const struct jf_explained *explained, struct jf_say *say,
                             const Jifen__V1__TraceStep *step)
{
    (void)explained;
    points_tell(say, step->points,
                "went to the other member in the lots they lay in: their last days stay");
}

static void merged_tell(const struct jf_explained *explained, struct jf_say *say,
                        const Jifen__V1__TraceStep *step)
{
    (void)explained;
    points_tell(say, step->points, "came with the member who became this one, held ones included");
}

static void class_tell(const struct jf_explained *explained, struct jf_say *say,
                       const Jifen__V1__TraceStep *step)
{
    jf_say_add(say, "The member's activity class goes from ");
    jf_say_text(say, jf_explain_class(explained, step->exact));
    jf_say_add(say, " to ");
    jf_say_text(say, jf_explain_class(explained, step->points));
    jf_say_sentence(say);
}

// By kind; NULL: told with its numbers only.
static const step_teller tellers[] = {
    [JIFEN__V1__TRACE_STEP__KIND__KIND_ELIGIBLE] = eligible_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_BASE] = base_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_MULTIPLIER] = rule_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_BONUS] = rule_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_OUTDONE] = outdone_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_ROUNDED] = rounded_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_CAP] = cap_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_REDEEMED] = redeemed_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_DEBT_PAID] = debt_paid_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_TAKEN_BACK] = taken_back_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_DEBT] = debt_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_GIVEN_BACK] = given_back_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_TIER_UP] = tier_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_TIER_DOWN] = tier_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_KEPT] = kept_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_SHORTFALL] = shortfall_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_DEDUCTED] = deducted_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_OFFLINE_DEBT] = offline_debt_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_HELD] = held_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_CAPTURED] = captured_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_VOIDED] = voided_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_EXPIRED] = expired_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_ADJUSTED] = adjusted_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_TRANSFERRED] = transferred_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_MERGED] = merged_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_FORFEITED] = forfeited_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_CLASS] = class_tell,
    [JIFEN__V1__TRACE_STEP__KIND__KIND_TAKEN_FROM_OTHER] = taken_from_other_tell,
};

#define TELLER_COUNT (sizeof(tellers) / sizeof(tellers[0]))

static void unknown_tell(struct jf_say *say, const Jifen__V1__TraceStep *step)
{
    jf_say_add(say, "A step of kind %d that this program does not know, with ", (int)step->kind);
    jf_say_points(say, step->points);
    jf_say_add(say, " and money ");
    jf_say_money(say, step->amount);
    jf_say_sentence(say);
}

bool jf_explain_step_is_told(uint32_t kind)
{
    return kind < TELLER_COUNT && tellers[kind] != NULL;
}

void jf_explain_trace(const struct jf_explained *explained, struct jf_say *say)
{
    const Jifen__V1__Outcome *outcome = explained->outcome;
    for (size_t i = 0; i < outcome->n_trace; i++) {
        const Jifen__V1__TraceStep *step = outcome->trace[i];
        if (jf_explain_step_is_told((uint32_t)step->kind)) {
            tellers[step->kind](explained, say, step);
        } else {
            unknown_tell(say, step);
        }
    }
}
