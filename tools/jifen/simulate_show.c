// The sums as tables, CSV or JSON: day by day, rule by rule, and in all. Fails: out of memory for a
// table.
#include <inttypes.h>
#include <string.h>

#include "base/assert.h"
#include "tools/jifen/decimal.h"
#include "tools/jifen/json.h"
#include "tools/jifen/show.h"
#include "tools/jifen/simulate.h"
#include "tools/jifen/table.h"

static uint32_t day_count(const struct jf_simulation *simulation)
{
    return (uint32_t)(simulation->to - simulation->from) + 1;
}

static const struct jf_simulate_sum *cell(const struct jf_simulation *simulation, uint32_t day,
                                          uint32_t name)
{
    return &simulation->cells[(size_t)day * simulation->name_count + name];
}

static void sum_add(struct jf_simulate_sum *sum, const struct jf_simulate_sum *more)
{
    for (uint32_t which = JF_GRANTED; which <= JF_SIMULATED; which++) {
        sum->points[which] += more->points[which];
        sum->money_fine[which] += more->money_fine[which];
    }
}

static bool is_empty(const struct jf_simulate_sum *sum)
{
    return sum->points[JF_GRANTED] == 0 && sum->points[JF_SIMULATED] == 0;
}

// Minor units, half-up away from zero.
static int64_t money(jf_wide fine)
{
    jf_wide half = JF_MONEY_FINE / 2;
    return (int64_t)((fine < 0 ? fine - half : fine + half) / JF_MONEY_FINE);
}

static struct jf_simulate_day total_of(const struct jf_simulation *simulation)
{
    struct jf_simulate_day total = {.sales = 0};
    for (uint32_t day = 0; day < day_count(simulation); day++) {
        total.sales += simulation->days[day].sales;
        total.returns += simulation->days[day].returns;
        sum_add(&total.sum, &simulation->days[day].sum);
    }
    return total;
}

static struct jf_simulate_sum rule_total(const struct jf_simulation *simulation, uint32_t name)
{
    struct jf_simulate_sum total = {.points = {0, 0}};
    for (uint32_t day = 0; day < day_count(simulation); day++) {
        sum_add(&total, cell(simulation, day, name));
    }
    return total;
}

static void signed_cell(struct jf_table *table, int64_t value, uint32_t scale)
{
    char text[JF_DECIMAL_TEXT_SIZE + 1];
    text[0] = '+';
    jf_decimal_format(value, scale, true, text + 1);
    jf_table_text(table, value > 0 ? text : text + 1);
}

// Tenths of a percent.
static void percent_cell(struct jf_table *table, int64_t before, int64_t after)
{
    char text[JF_DECIMAL_TEXT_SIZE + 2];
    if (before == 0) {
        jf_table_text(table, "");
        return;
    }
    jf_wide tenths = ((jf_wide)after - before) * 1000 / (before < 0 ? -(jf_wide)before : before);
    if (tenths > INT64_MAX || tenths < INT64_MIN) {
        jf_table_text(table, "");
        return;
    }
    char number[JF_DECIMAL_TEXT_SIZE];
    jf_decimal_format((int64_t)tenths, 1, true, number);
    (void)snprintf(text, sizeof(text), "%s%s%%", tenths > 0 ? "+" : "", number);
    jf_table_text(table, text);
}

static void sum_cells(struct jf_table *table, const struct jf_simulate_sum *sum)
{
    int64_t granted = money(sum->money_fine[JF_GRANTED]);
    int64_t simulated = money(sum->money_fine[JF_SIMULATED]);
    jf_table_number(table, sum->points[JF_GRANTED]);
    jf_table_number(table, sum->points[JF_SIMULATED]);
    signed_cell(table, sum->points[JF_SIMULATED] - sum->points[JF_GRANTED], 0);
    percent_cell(table, sum->points[JF_GRANTED], sum->points[JF_SIMULATED]);
    jf_table_money(table, granted);
    jf_table_money(table, simulated);
    signed_cell(table, simulated - granted, JF_DECIMAL_MONEY_SCALE);
}

#define SUM_COLUMNS                                                                                \
    {"GRANTED", true}, {"SIMULATED", true}, {"CHANGE", true}, {"%", true},                         \
        {"WORTH GRANTED", true}, {"WORTH SIMULATED", true},                                        \
    {                                                                                              \
        "CHANGE", true                                                                             \
    }

static enum jf_exit days_table(const struct jf_simulation *simulation)
{
    static const struct jf_table_column columns[] = {
        {"DATE", false}, {"SALES", true}, {"RETURNS", true}, SUM_COLUMNS};
    struct jf_table *table = NULL;
    char date[JF_DATE_TEXT_SIZE];
    if (jf_table_create(columns, 10, &table) != JF_OK) {
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "out of memory");
    }
    struct jf_simulate_day total = total_of(simulation);
    for (uint32_t day = 0; day <= day_count(simulation); day++) {
        bool is_total = day == day_count(simulation);
        const struct jf_simulate_day *shown = is_total ? &total : &simulation->days[day];
        if (!is_total && shown->sales == 0 && shown->returns == 0) {
            continue;
        }
        jf_date_format(simulation->from + (jf_date)day, date);
        jf_table_row(table);
        jf_table_text(table, is_total ? "total" : date);
        jf_table_number(table, shown->sales);
        jf_table_number(table, shown->returns);
        sum_cells(table, &shown->sum);
    }
    return jf_show_table(table);
}

static enum jf_exit rules_table(const struct jf_simulation *simulation)
{
    static const struct jf_table_column columns[] = {{"RULE", false}, SUM_COLUMNS};
    struct jf_table *table = NULL;
    if (jf_table_create(columns, 8, &table) != JF_OK) {
        return jf_cli_fail(JF_EXIT_UNAVAILABLE, "out of memory");
    }
    for (uint32_t name = 0; name < simulation->name_count; name++) {
        struct jf_simulate_sum sum = rule_total(simulation, name);
        bool is_of_new = false;
        for (uint32_t rule = 0; rule <= jf_programme_rule_count(simulation->programme); rule++) {
            is_of_new |= simulation->name_of_rule[rule] == name;
        }
        if (is_of_new || !is_empty(&sum)) {
            jf_table_row(table);
            jf_table_text(table, simulation->names[name]);
            sum_cells(table, &sum);
        }
    }
    struct jf_simulate_sum total = total_of(simulation).sum;
    jf_table_row(table);
    jf_table_text(table, "total");
    sum_cells(table, &total);
    return jf_show_table(table);
}

static enum jf_exit text_show(const struct jf_simulation *simulation, const char *file_name)
{
    char from[JF_DATE_TEXT_SIZE];
    char to[JF_DATE_TEXT_SIZE];
    struct jf_text name = jf_programme_name(simulation->programme);
    jf_date_format(simulation->from, from);
    jf_date_format(simulation->to, to);
    (void)printf(
        "Sales from %s to %s, and what of them came back by then: what was granted, and what\n"
        "\"%.*s\" (%s) would have granted. Members stand where they stood.\n"
        "WORTH is the points' money at the redemption rate of the programme that grants them.\n\n",
        from, to, (int)name.size, name.data, file_name);
    enum jf_exit code = days_table(simulation);
    (void)putchar('\n');
    if (code == JF_EXIT_OK) {
        code = rules_table(simulation);
    }
    if (simulation->unplanned > 0) {
        bool is_one = simulation->unplanned == 1;
        (void)printf("\n%" PRIu64 " receipt%s would be refused under the new rules; %s "
                     "nothing here.\n",
                     simulation->unplanned, is_one ? "" : "s", is_one ? "it earns" : "they earn");
    }
    return code;
}

static void csv_text(const char *text)
{
    (void)putchar('"');
    for (; *text != '\0'; text++) {
        (void)printf(*text == '"' ? "\"\"" : "%c", *text);
    }
    (void)putchar('"');
}

static void csv_money(jf_wide fine)
{
    char text[JF_DECIMAL_TEXT_SIZE];
    jf_decimal_format(money(fine), JF_DECIMAL_MONEY_SCALE, false, text);
    (void)printf(",%s", text);
}

// One row a day and rule, for a spreadsheet to add up as it likes.
static void csv_show(const struct jf_simulation *simulation)
{
    char date[JF_DATE_TEXT_SIZE];
    (void)puts("date,rule,points_granted,points_simulated,worth_granted,worth_simulated");
    for (uint32_t day = 0; day < day_count(simulation); day++) {
        jf_date_format(simulation->from + (jf_date)day, date);
        for (uint32_t name = 0; name < simulation->name_count; name++) {
            const struct jf_simulate_sum *sum = cell(simulation, day, name);
            if (is_empty(sum)) {
                continue;
            }
            (void)printf("%s,", date);
            csv_text(simulation->names[name]);
            (void)printf(",%" PRId64 ",%" PRId64, sum->points[JF_GRANTED],
                         sum->points[JF_SIMULATED]);
            csv_money(sum->money_fine[JF_GRANTED]);
            csv_money(sum->money_fine[JF_SIMULATED]);
            (void)putchar('\n');
        }
    }
}

static void json_sum(struct jf_json *json, const struct jf_simulate_sum *sum)
{
    jf_json_number(json, "points_granted", sum->points[JF_GRANTED]);
    jf_json_number(json, "points_simulated", sum->points[JF_SIMULATED]);
    jf_json_number(json, "worth_granted", money(sum->money_fine[JF_GRANTED]));
    jf_json_number(json, "worth_simulated", money(sum->money_fine[JF_SIMULATED]));
}

static void json_rule(struct jf_json *json, const struct jf_simulation *simulation, uint32_t name,
                      const struct jf_simulate_sum *sum)
{
    if (!is_empty(sum)) {
        jf_json_object_begin(json, NULL);
        jf_json_string(json, "rule", simulation->names[name]);
        json_sum(json, sum);
        jf_json_object_end(json);
    }
}

static void json_day(struct jf_json *json, const struct jf_simulation *simulation, uint32_t day)
{
    char date[JF_DATE_TEXT_SIZE];
    const struct jf_simulate_day *shown = &simulation->days[day];
    if (shown->sales == 0 && shown->returns == 0) {
        return;
    }
    jf_date_format(simulation->from + (jf_date)day, date);
    jf_json_object_begin(json, NULL);
    jf_json_string(json, "date", date);
    jf_json_unsigned(json, "sales", shown->sales);
    jf_json_unsigned(json, "returns", shown->returns);
    json_sum(json, &shown->sum);
    jf_json_array_begin(json, "rules");
    for (uint32_t name = 0; name < simulation->name_count; name++) {
        json_rule(json, simulation, name, cell(simulation, day, name));
    }
    jf_json_array_end(json);
    jf_json_object_end(json);
}

static void json_show(const struct jf_simulation *simulation)
{
    struct jf_json json = {.out = stdout};
    struct jf_simulate_day total = total_of(simulation);
    jf_json_object_begin(&json, NULL);
    jf_json_text(&json, "programme", jf_programme_name(simulation->programme));
    jf_json_array_begin(&json, "days");
    for (uint32_t day = 0; day < day_count(simulation); day++) {
        json_day(&json, simulation, day);
    }
    jf_json_array_end(&json);
    jf_json_array_begin(&json, "rules");
    for (uint32_t name = 0; name < simulation->name_count; name++) {
        struct jf_simulate_sum sum = rule_total(simulation, name);
        json_rule(&json, simulation, name, &sum);
    }
    jf_json_array_end(&json);
    jf_json_object_begin(&json, "total");
    jf_json_unsigned(&json, "sales", total.sales);
    jf_json_unsigned(&json, "returns", total.returns);
    json_sum(&json, &total.sum);
    jf_json_unsigned(&json, "refused", simulation->unplanned);
    jf_json_object_end(&json);
    jf_json_object_end(&json);
    jf_json_end_line(&json);
}

enum jf_exit jf_simulate_show(const struct jf_simulation *simulation,
                              const struct jf_simulate_output *output)
{
    if (output->is_json) {
        json_show(simulation);
        return JF_EXIT_OK;
    }
    if (output->is_csv) {
        csv_show(simulation);
        return JF_EXIT_OK;
    }
    return text_show(simulation, output->file_name);
}
