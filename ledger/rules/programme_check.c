// Reads the programme as it would be published, then looks for what can never take effect: each
// rule's calendar day by day, each rule's conditions against what is excluded, rules against each
// other.
// Fails: as reading a programme fails; no memory for the calendars (10 KiB a rule).
#include "rules/programme_check_private.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "rules/programme_value.h"

#define ARENA_CHUNK_BYTES ((size_t)1 << 20)
#define ARENA_BYTES_MAX   ((size_t)64 << 20)
#define MS_PER_DAY        INT64_C(86400000)

const char *jf_finding_severity_name(enum jf_finding_severity severity)
{
    static const char *const names[] = {"note", "warning", "error"};
    JF_ASSERT((uint32_t)severity < 3);
    return names[severity];
}

void jf_check_tell(const struct jf_check *check, enum jf_finding_severity severity,
                   const char *path, const struct jf_description *words)
{
    struct jf_finding finding = {.severity = severity,
                                 .line = jf_outline_line(check->outline, path),
                                 .field = path,
                                 .words = words};
    check->input->on_finding(check->input->context, &finding);
}

static uint32_t lowest_bit(uint32_t bits)
{
    JF_ASSERT(bits != 0);
    return (uint32_t)__builtin_ctz(bits);
}

void jf_check_rule_path(const struct jf_check *check, uint32_t rule, const char *more,
                        char out_path[JF_OUTLINE_PATH_MAX])
{
    if (rule < check->listed_count) {
        jf_value_path(out_path, "rules[%u]%s", rule, more);
    } else {
        jf_value_path(out_path, "tiers.levels[%u].factor",
                      lowest_bit(check->programme->rules[rule].tiers));
    }
}

// The calendar of some of a rule's conditions.
static void calendar_make(const struct jf_check *check, const struct jf_rule *rule,
                          uint32_t conditions, struct jf_calendar *calendar)
{
    static const struct jf_sale_facts no_facts;
    struct jf_rule copy = *rule;
    copy.conditions = rule->conditions & conditions & JF_WHEN_OF_DATES;
    calendar->first = JF_DATE_NONE;
    calendar->last = JF_DATE_NONE;
    memset(calendar->days, 0, JF_CALENDAR_WORDS * sizeof *calendar->days);
    for (jf_date date = check->from; date <= JF_DATE_MAX; date++) {
        struct jf_rule_receipt receipt = {.facts = &no_facts};
        jf_rule_receipt_init(&receipt, date);
        if (jf_rule_matches_receipt(&copy, &receipt)) {
            calendar->first = calendar->first == JF_DATE_NONE ? date : calendar->first;
            calendar->last = date;
            uint32_t day = (uint32_t)date;
            calendar->days[day / 64] |= UINT64_C(1) << (day % 64);
        }
    }
}

static const char *condition_field(uint32_t which)
{
    switch (which) {
    case JF_WHEN_DAYS_OF_MONTH:
        return "days_of_month";
    case JF_WHEN_WEEKDAYS:
        return "weekdays";
    case JF_WHEN_NTH_WEEKDAYS:
        return "nth_weekdays";
    case JF_WHEN_DATES:
        return "dates";
    default:
        JF_ASSERT(which == JF_WHEN_DATE_RANGES);
        return "date_ranges";
    }
}

static void day_add(struct jf_description *words, const char *before, jf_date date)
{
    char text[JF_DATE_TEXT_SIZE];
    jf_date_format(date, text);
    jf_describe(words, "%s%s", before, text);
}

// One condition that alone never comes, or what of them together.
static void never_tell(const struct jf_check *check, uint32_t rule, struct jf_calendar *scratch)
{
    const struct jf_rule *checked = &check->programme->rules[rule];
    uint32_t left = checked->conditions & JF_WHEN_OF_DATES;
    struct jf_description words = {.size = 0};
    char path[JF_OUTLINE_PATH_MAX];
    char more[64];
    while (left != 0) {
        uint32_t which = left & -left;
        left &= left - 1;
        calendar_make(check, checked, which, scratch);
        if (scratch->first == JF_DATE_NONE) {
            snprintf(more, sizeof more, ".when.%s", condition_field(which));
            jf_describe(&words, "never comes: all of it lies before the programme is in force");
            jf_check_rule_path(check, rule, more, path);
            jf_check_tell(check, JF_FINDING_ERROR, path, &words);
            return;
        }
    }
    jf_describe(&words, "never comes: while the programme is in force, no day fulfils all of ");
    bool is_first = true;
    for (left = checked->conditions & JF_WHEN_OF_DATES; left != 0; left &= left - 1) {
        jf_describe(&words, "%s%s", is_first ? "" : ", ", condition_field(left & -left));
        is_first = false;
    }
    jf_check_rule_path(check, rule, ".when", path);
    jf_check_tell(check, JF_FINDING_ERROR, path, &words);
}

// Some of a list lie before the programme is in force, and others do not.
static void past_tell(const struct jf_check *check, uint32_t rule, const char *field, uint32_t past,
                      uint32_t count)
{
    struct jf_description words = {.size = 0};
    char path[JF_OUTLINE_PATH_MAX];
    if (past == 0 || past == count) {
        return;
    }
    jf_describe(&words, "%u of %u lie%s before the programme is in force, and never come%s", past,
                count, past == 1 ? "s" : "", past == 1 ? "s" : "");
    jf_check_rule_path(check, rule, field, path);
    jf_check_tell(check, JF_FINDING_WARNING, path, &words);
}

static void past_check(const struct jf_check *check, uint32_t rule)
{
    const struct jf_rule *checked = &check->programme->rules[rule];
    uint32_t past_dates = 0;
    uint32_t past_ranges = 0;
    for (uint32_t i = 0; i < checked->dates.count; i++) {
        past_dates += (jf_date)checked->dates.numbers[i] < check->from;
    }
    for (uint32_t i = 0; i < checked->date_range_count; i++) {
        past_ranges += checked->date_ranges[i].last < check->from;
    }
    past_tell(check, rule, ".when.dates", past_dates, checked->dates.count);
    past_tell(check, rule, ".when.date_ranges", past_ranges, checked->date_range_count);
}

static void calendar_check(const struct jf_check *check, uint32_t rule, struct jf_calendar *scratch)
{
    const struct jf_calendar *calendar = &check->calendars[rule];
    jf_date today = check->input->today;
    if (calendar->first == JF_DATE_NONE) {
        never_tell(check, rule, scratch);
        return;
    }
    past_check(check, rule);
    if (today != JF_DATE_NONE && calendar->last < today) {
        struct jf_description words = {.size = 0};
        char path[JF_OUTLINE_PATH_MAX];
        day_add(&words, "is over: its last day was ", calendar->last);
        jf_check_rule_path(check, rule, ".when", path);
        jf_check_tell(check, JF_FINDING_WARNING, path, &words);
    }
}

// Categories or SKUs of a rule that earn nothing: the rule adds nothing on their lines.
static void excluded_check(const struct jf_check *check, uint32_t rule, const char *field,
                           const struct jf_words *known, struct jf_number_list list)
{
    struct jf_description words = {.size = 0};
    char path[JF_OUTLINE_PATH_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < list.count; i++) {
        if (known->is_excluded[list.numbers[i]]) {
            struct jf_text text = known->texts[list.numbers[i]];
            jf_describe(&words, "%s\"%.*s\"", count == 0 ? "" : ", ", (int)text.size, text.data);
            count += 1;
        }
    }
    if (count == 0) {
        return;
    }
    jf_describe(&words, " %s excluded from earning, so that the rule adds nothing there%s",
                count == 1 ? "is" : "are",
                count == list.count ? ": it can never add anything" : "");
    jf_check_rule_path(check, rule, field, path);
    jf_check_tell(check, count == list.count ? JF_FINDING_ERROR : JF_FINDING_WARNING, path, &words);
}

static void effect_check(const struct jf_check *check, uint32_t rule)
{
    const struct jf_rule *checked = &check->programme->rules[rule];
    struct jf_description words = {.size = 0};
    char path[JF_OUTLINE_PATH_MAX];
    if (!checked->is_bonus && checked->factor.numerator == checked->factor.denominator) {
        jf_describe(&words, "a factor of 1 adds nothing");
        jf_check_rule_path(check, rule, ".factor", path);
        jf_check_tell(check, JF_FINDING_ERROR, path, &words);
    }
}

static void tiers_check(const struct jf_check *check, uint32_t rule)
{
    const struct jf_rule *checked = &check->programme->rules[rule];
    uint32_t all = (1u << check->programme->tier_count) - 1;
    struct jf_description words = {.size = 0};
    char path[JF_OUTLINE_PATH_MAX];
    bool has_tiers = (checked->conditions & JF_WHEN_TIERS) != 0;
    if (has_tiers && checked->tiers == all) {
        jf_describe(&words, "names every level: the condition has no effect");
        jf_check_rule_path(check, rule, ".when.tiers", path);
        jf_check_tell(check, JF_FINDING_NOTE, path, &words);
    }
    bool is_first = (checked->conditions & JF_WHEN_FIRST_PURCHASE) != 0 && checked->first_purchase;
    if (has_tiers && is_first && (checked->tiers & 1) == 0) {
        jf_describe(&words,
                    "a member who has bought nothing yet stands on level \"%s\", which "
                    "this list does not name: only a level given by hand could match",
                    check->programme->tiers[0].name);
        jf_check_rule_path(check, rule, ".when.tiers", path);
        jf_check_tell(check, JF_FINDING_WARNING, path, &words);
    }
}

// Members whose tag earns nothing: the rule adds nothing for them.
static void tags_check(const struct jf_check *check, uint32_t rule)
{
    const struct jf_rule *checked = &check->programme->rules[rule];
    uint64_t excluded = checked->tags & check->programme->excluded_tags;
    if ((checked->conditions & JF_WHEN_TAGS) == 0 || excluded == 0) {
        return;
    }
    bool is_all = excluded == checked->tags;
    struct jf_description words = {.size = 0};
    char path[JF_OUTLINE_PATH_MAX];
    jf_describe(&words,
                "members with tag %u earn nothing, so that the rule adds nothing for them%s",
                (uint32_t)__builtin_ctzll(excluded), is_all ? ": it can never add anything" : "");
    jf_check_rule_path(check, rule, ".when.tags", path);
    jf_check_tell(check, is_all ? JF_FINDING_ERROR : JF_FINDING_WARNING, path, &words);
}

// A level whose factor is below that of a level under it.
static void factors_check(const struct jf_check *check)
{
    const struct jf_programme *programme = check->programme;
    for (uint32_t rule = check->listed_count + 1; rule < programme->rule_count; rule++) {
        const struct jf_rule *lower = &programme->rules[rule - 1];
        const struct jf_rule *higher = &programme->rules[rule];
        if (higher->uplift_weight >= lower->uplift_weight) {
            continue;
        }
        struct jf_description words = {.size = 0};
        char path[JF_OUTLINE_PATH_MAX];
        jf_describe(&words,
                    "level \"%s\" multiplies by less than level \"%s\" below it: a member "
                    "who rises earns less",
                    programme->tiers[lowest_bit(higher->tiers)].name,
                    programme->tiers[lowest_bit(lower->tiers)].name);
        jf_check_rule_path(check, rule, "", path);
        jf_check_tell(check, JF_FINDING_WARNING, path, &words);
    }
}

static void rule_check(const struct jf_check *check, uint32_t rule, struct jf_calendar *scratch)
{
    const struct jf_rule *checked = &check->programme->rules[rule];
    effect_check(check, rule);
    calendar_check(check, rule, scratch);
    if ((checked->conditions & JF_WHEN_CATEGORIES) != 0) {
        excluded_check(check, rule, ".when.categories", &check->programme->categories,
                       checked->categories);
    }
    if ((checked->conditions & JF_WHEN_SKUS) != 0) {
        excluded_check(check, rule, ".when.skus", &check->programme->skus, checked->skus);
    }
    tiers_check(check, rule);
    tags_check(check, rule);
}

static enum jf_error calendars_make(struct jf_check *check, struct jf_calendar *scratch)
{
    uint32_t count = check->programme->rule_count;
    uint64_t *days =
        jf_arena_calloc(&check->arena, (size_t)(count + 1) * JF_CALENDAR_WORDS, sizeof *days);
    check->calendars = jf_arena_calloc(&check->arena, count + 1, sizeof *check->calendars);
    if (days == NULL || check->calendars == NULL) {
        return JF_ERROR_NO_MEMORY;
    }
    for (uint32_t rule = 0; rule < count; rule++) {
        check->calendars[rule].days = days + (size_t)rule * JF_CALENDAR_WORDS;
        calendar_make(check, &check->programme->rules[rule], JF_WHEN_OF_DATES,
                      &check->calendars[rule]);
    }
    scratch->days = days + (size_t)count * JF_CALENDAR_WORDS;
    return JF_OK;
}

static enum jf_error check_run(struct jf_check *check)
{
    struct jf_calendar scratch = {.days = NULL};
    enum jf_error error = calendars_make(check, &scratch);
    if (error != JF_OK) {
        return error;
    }
    for (uint32_t rule = 0; rule < check->programme->rule_count; rule++) {
        rule_check(check, rule, &scratch);
    }
    factors_check(check);
    jf_check_limits(check);
    jf_check_groups(check);
    return JF_OK;
}

// The first business date that a store anywhere can have once the programme is in force: local time
// is behind UTC by up to 12 hours, and a business day may begin at noon.
static jf_date first_date(const struct jf_programme *programme)
{
    int64_t earliest_ms = programme->effective_from_ms - MS_PER_DAY;
    return earliest_ms < 0 ? JF_DATE_MIN : (jf_date)(earliest_ms / MS_PER_DAY);
}

static uint32_t listed_rules(const struct jf_programme *programme, const struct jf_outline *outline)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < outline->node_count; i++) {
        const struct jf_outline_node *node = &outline->nodes[i];
        if (node->parent == 0 && node->key != NULL && strcmp(node->key, "rules") == 0) {
            while (node->kind == JF_OUTLINE_ALIAS) {
                node = &outline->nodes[node->target];
            }
            count = node->child_count;
        }
    }
    JF_ASSERT(count <= programme->rule_count);
    return count;
}

enum jf_error jf_programme_check(const struct jf_programme_check_input *input,
                                 struct jf_diagnosis *diagnosis)
{
    JF_ASSERT(input->on_finding != NULL);
    struct jf_programme *programme = NULL;
    struct jf_outline outline;
    enum jf_error error = jf_programme_parse(input->yaml, input->file_name, &programme, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    error = jf_outline_init(&outline, input->yaml, input->file_name, diagnosis);
    if (error == JF_OK) {
        struct jf_check check = {.input = input,
                                 .programme = programme,
                                 .outline = &outline,
                                 .listed_count = listed_rules(programme, &outline),
                                 .from = first_date(programme)};
        jf_arena_init(&check.arena, ARENA_CHUNK_BYTES, ARENA_BYTES_MAX);
        error = check_run(&check);
        jf_arena_deinit(&check.arena);
        if (error != JF_OK) {
            jf_diagnose(diagnosis, error, "no memory to check the programme");
        }
    }
    jf_outline_deinit(&outline);
    jf_programme_destroy(programme);
    return error;
}
