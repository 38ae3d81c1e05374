// Outcomes, balances and traces as text. Fails: out of memory for a table.
#include "tools/jifen/show.h"

#include <inttypes.h>

#include "base/number.h"
#include "tools/jifen/decimal.h"
#include "tools/jifen/instant.h"
#include "tools/jifen/table.h"

const char *jf_show_reason(const Jifen__V1__GetProgrammeResponse *programme, uint32_t reason)
{
    static char text[24];
    for (size_t at = 0; programme != NULL && at < programme->n_reasons; at++) {
        if (programme->reasons[at]->number == reason) {
            return programme->reasons[at]->name;
        }
    }
    (void)snprintf(text, sizeof(text), reason == 0 ? "base" : "rule %" PRIu32, reason);
    return text;
}

enum jf_exit jf_show_table(struct jf_table *table)
{
    enum jf_error error = jf_table_print(table);
    jf_table_destroy(table);
    return error == JF_OK ? JF_EXIT_OK : jf_cli_fail(JF_EXIT_UNAVAILABLE, "out of memory");
}

static void points_print(const char *before, int64_t points, const char *after)
{
    char text[JF_DECIMAL_TEXT_SIZE];
    jf_decimal_format(points, 0, true, text);
    (void)printf("%s%s%s", before, text, after);
}

void jf_show_balance(const Jifen__V1__Balance *balance)
{
    char date[JF_DATE_TEXT_SIZE];
    points_print("Balance: ", balance->available, " points can be spent");
    if (balance->pending != 0) {
        points_print(", ", balance->pending, " pending");
    }
    if (balance->held != 0) {
        points_print(", ", balance->held, " held");
    }
    if (balance->debt != 0) {
        points_print(", ", balance->debt, " owed");
    }
    (void)printf("; tier level %" PRIu32, balance->tier);
    if (balance->expiring_on != 0) {
        jf_wire_date_format(balance->expiring_on, date);
        points_print("; ", balance->expiring_points, " of them expire after ");
        (void)fputs(date, stdout);
    }
    (void)puts(".");
}

// What a cashier must do about points that were spent already.
static void shortfall_show(const Jifen__V1__Outcome *outcome)
{
    char value[JF_DECIMAL_TEXT_SIZE];
    if (outcome->shortfall_points == 0 && outcome->deducted_value == 0) {
        return;
    }
    points_print("Points spent already and written off: ", outcome->shortfall_points, "\n");
    if (outcome->deducted_value != 0) {
        bool is_deducted = outcome->deducted_value > 0;
        jf_decimal_format(is_deducted ? outcome->deducted_value : -outcome->deducted_value,
                          JF_DECIMAL_MONEY_SCALE, true, value);
        (void)printf(
            is_deducted ? "Deduct from the refund: %s\n" : "Pay out, deducted before: %s\n", value);
    }
}

enum jf_exit jf_show_outcome(const Jifen__V1__Outcome *outcome, bool is_replayed)
{
    char date[JF_DATE_TEXT_SIZE];
    char value[JF_DECIMAL_TEXT_SIZE];
    if (outcome == NULL) {
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "the ledger's answer has no outcome");
    }
    if (outcome->position == 0) {
        (void)puts("A quote: nothing was posted.");
    } else {
        (void)printf("%s at position %" PRIu64,
                     is_replayed ? "Posted before (this is the first answer again)" : "Posted",
                     outcome->position);
        if (outcome->business_date != 0) {
            jf_wire_date_format(outcome->business_date, date);
            (void)printf(", business date %s", date);
        }
        (void)puts(outcome->late ? ", late." : ".");
    }
    if (outcome->points_granted != 0) {
        points_print("Points granted: ", outcome->points_granted, "\n");
    }
    if (outcome->points_redeemed != 0) {
        points_print("Points redeemed: ", outcome->points_redeemed, "");
        if (outcome->redeemed_value != 0) { // 0: a reward
            jf_decimal_format(outcome->redeemed_value, JF_DECIMAL_MONEY_SCALE, true, value);
            (void)printf(", worth %s", value);
        }
        (void)putchar('\n');
    }
    shortfall_show(outcome);
    if (outcome->member != 0 && outcome->balance != NULL) {
        (void)printf("Member %" PRIu64 ". ", outcome->member);
        jf_show_balance(outcome->balance);
    }
    return JF_EXIT_OK;
}

static const char *step_name(Jifen__V1__TraceStep__Kind kind)
{
    static const char *const names[] = {
        [1] = "eligible",     [2] = "base",
        [3] = "multiplier",   [4] = "bonus",
        [5] = "outdone",      [6] = "rounded",
        [7] = "cap",          [8] = "redeemed",
        [9] = "debt paid",    [10] = "taken back",
        [11] = "debt",        [12] = "given back",
        [13] = "tier up",     [14] = "tier down",
        [15] = "kept",        [16] = "written off",
        [17] = "deducted",    [19] = "held",
        [20] = "captured",    [21] = "voided",
        [22] = "expired",     [23] = "adjusted",
        [24] = "transferred", [25] = "merged",
        [26] = "forfeited",   [28] = "taken from other lots",
    };
    size_t at = (size_t)kind;
    bool is_known = at < sizeof(names) / sizeof(names[0]) && names[at] != NULL;
    return is_known ? names[at] : "?";
}

// Exact points to thousandths, rounded down towards zero: for the eye, the JSON has the ratio.
static void exact_cell(struct jf_table *table, int64_t exact, uint64_t denominator)
{
    jf_wide milli = (jf_wide)exact * 1000 / (jf_wide)(denominator == 0 ? 1 : denominator);
    if (milli > INT64_MAX || milli < INT64_MIN) {
        jf_table_text(table, "?");
    } else {
        jf_table_quantity(table, (int64_t)milli);
    }
}

static void step_row(struct jf_table *table, const Jifen__V1__TraceStep *step,
                     const Jifen__V1__Outcome *outcome,
                     const Jifen__V1__GetProgrammeResponse *programme)
{
    bool is_by_rule = step->kind >= JIFEN__V1__TRACE_STEP__KIND__KIND_BASE &&
                      step->kind <= JIFEN__V1__TRACE_STEP__KIND__KIND_OUTDONE;
    bool is_exact = is_by_rule || step->kind == JIFEN__V1__TRACE_STEP__KIND__KIND_ROUNDED;
    jf_table_row(table);
    jf_table_text(table, step_name(step->kind));
    jf_table_text(table, is_by_rule ? jf_show_reason(programme, step->reason) : "");
    if (step->amount == 0) {
        jf_table_text(table, "");
    } else {
        jf_table_money(table, step->amount);
    }
    if (is_exact) {
        exact_cell(table, step->exact, outcome->denominator);
    } else {
        jf_table_text(table, "");
    }
    jf_table_number(table, step->points);
}

enum jf_exit jf_show_trace(const Jifen__V1__Outcome *outcome,
                           const Jifen__V1__GetProgrammeResponse *programme)
{
    static const struct jf_table_column columns[] = {
        {"STEP", false}, {"RULE", false}, {"AMOUNT", true}, {"EXACT", true}, {"POINTS", true}};
    struct jf_table *table = NULL;
    if (outcome->n_trace == 0) {
        return JF_EXIT_OK;
    }
    if (jf_table_create(columns, 5, &table) != JF_OK) {
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "out of memory");
    }
    for (size_t at = 0; at < outcome->n_trace; at++) {
        step_row(table, outcome->trace[at], outcome, programme);
    }
    (void)putchar('\n');
    return jf_show_table(table);
}
