// Claims about reading programmes: every refusal names file, line and field; what is accepted is
// read exactly; damaged text never does harm.
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "programme_fixture.h"
#include "rules/programme_private.h"
#include "rules/programme_rule.h"
#include "rules/utf8.h"

struct refused {
    const char *yaml;
    const char *message; // the beginning
};

static void all_are_refused(const struct refused *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *text = fixture_fault(cases[i].yaml);
        cr_expect(strncmp(text, cases[i].message, strlen(cases[i].message)) == 0,
                  "case %zu: expected \"%s\", got \"%s\"", i, cases[i].message, text);
    }
}

#define ALL_ARE_REFUSED(cases) all_are_refused(cases, sizeof cases / sizeof cases[0])

Test(programme, text_that_is_no_document_is_refused)
{
    static const struct refused cases[] = {
        {"", "p.yaml:1: yaml: the document is empty"},
        {"# nothing\n", "p.yaml:1: yaml: the document is empty"},
        {"name: [a\nb: c\n", "p.yaml:2: yaml: not well-formed YAML in UTF-8"},
        {"name: \xff\n", "p.yaml:1: yaml: not well-formed YAML in UTF-8"},
        {"a\n", "p.yaml:1: document: must be a mapping"},
        {"- a\n", "p.yaml:1: document: must be a mapping"},
        {"name: a\n---\nname: b\n", "p.yaml:2: yaml: a second document begins"},
        {"name: \"a\\0b\"\n", "p.yaml:1: yaml: a text holds a NUL byte"},
        {"{[a]: b}\n", "p.yaml:1: yaml: a list or mapping stands where a key must"},
        {"[[[[[[[[[[[[[[]]]]]]]]]]]]]]\n", "p.yaml:1: yaml: nested too deeply"},
        {"name: *a\n", "p.yaml:1: yaml: an alias names no anchor"},
        {"name: &a [*a]\n", "p.yaml:1: yaml: an alias names no anchor"},
        {"name: &a x\nzone: &a y\n", "p.yaml:2: yaml: an anchor's name is used twice"},
        {"&a name: x\n", "p.yaml:1: yaml: a key cannot have an anchor"},
        {"name: &a x\n*a : y\n", "p.yaml:2: yaml: an alias stands where a key must"},
    };
    ALL_ARE_REFUSED(cases);
}

Test(programme, keys_and_shapes_outside_the_schema_are_refused)
{
    static const struct refused cases[] = {
        {"name: a\n", "p.yaml:1: effective_from: missing"},
        {FIXTURE_HEAD "colour: red\n", "p.yaml:5: colour: unknown key: allowed here are name, "},
        {FIXTURE_HEAD "name: q\n", "p.yaml:5: name: given twice"},
        {FIXTURE_HEAD "rules: {a: b}\n", "p.yaml:5: rules: must be a list"},
        {FIXTURE_HEAD "rules:\n  - a\n", "p.yaml:6: rules[0]: must be a mapping"},
        {FIXTURE_HEAD "zone: [a]\n", "p.yaml:5: zone: must be one value"},
        {FIXTURE_HEAD "rounding:\n", "p.yaml:5: rounding: must be a mapping"},
        {FIXTURE_HEAD "rules:\n- name: a\n", "p.yaml:6: rules[0].kind: missing"},
        {FIXTURE_HEAD "rules:\n- {name: a, kind: bonus, points: 1, when: {stores: []}}\n",
         "p.yaml:6: rules[0].when.stores: an empty list"},
        {FIXTURE_HEAD "rules:\n- {name: a, kind: bonus, points: 1, when: {colour: [1]}}\n",
         "p.yaml:6: rules[0].when.colour: unknown key"},
        {FIXTURE_HEAD "rules:\n- {name: a, kind: bonus, points: 1, when: {weekdays: [mon, tue, "
                      "wed, thu, fri, sat, sun, mon]}}\n",
         "p.yaml:6: rules[0].when.weekdays: 8 items: at most 7"},
        {FIXTURE_HEAD "tiers: {levels: []}\n", "p.yaml:5: tiers.levels: an empty list"},
    };
    ALL_ARE_REFUSED(cases);
}

Test(programme, head_values_that_are_not_allowed_are_refused)
{
    static const struct refused cases[] = {
        {"name: ''\neffective_from: x\nearn: {points: 1, per_amount: 1}\nexpiry: {policy: never}",
         "p.yaml:1: name: \"\" is not allowed"},
        {"name: p\neffective_from: 2026-02-30\nearn: {points: 1, per_amount: 1}\n"
         "expiry: {policy: never}",
         "p.yaml:2: effective_from: \"2026-02-30\" is not allowed: write a UTC instant"},
        {"name: p\neffective_from: 2026-01-01\nearn: {points: 1, per_amount: 1}\n"
         "expiry: {policy: never}",
         "p.yaml:2: effective_from: \"2026-01-01\" is not allowed: write a UTC instant"},
        {"name: p\neffective_from: 2026-01-01T00:00:00Z\nzone: Asia/Shanghai\n"
         "earn: {points: 1, per_amount: 1}\nexpiry: {policy: never}",
         "p.yaml:2: effective_from: \"2026-01-01T00:00:00Z\" is not allowed: with `zone`"},
        {"name: p\neffective_from: 2026-01-01\nzone: Asia/Nowhere\n"
         "earn: {points: 1, per_amount: 1}\nexpiry: {policy: never}",
         "p.yaml:3: zone: time zone file"},
        {"name: p\neffective_from: 2026-01-01\nzone: ../x\n"
         "earn: {points: 1, per_amount: 1}\nexpiry: {policy: never}",
         "p.yaml:3: zone: "},
        {FIXTURE_HEAD "currency_digits: 5\n", "p.yaml:5: currency_digits: \"5\" is not allowed"},
        {FIXTURE_HEAD "late_after_hours: 87601\n", "p.yaml:5: late_after_hours: "},
        {FIXTURE_HEAD "late_after_hours: 1.5\n", "p.yaml:5: late_after_hours: "},
        {FIXTURE_HEAD "clock_skew_seconds: -1\n", "p.yaml:5: clock_skew_seconds: "},
        {FIXTURE_HEAD "clock_skew_seconds: 99999999999999999999\n",
         "p.yaml:5: clock_skew_seconds: "},
        {FIXTURE_HEAD "rounding: {mode: up}\n",
         "p.yaml:5: rounding.mode: \"up\" is not allowed: write one of floor, half_up, half_even"},
        {FIXTURE_HEAD "rounding: {scope: basket}\n", "p.yaml:5: rounding.scope: "},
    };
    ALL_ARE_REFUSED(cases);
}

static void earn_is_refused(const char *earn, const char *message)
{
    char yaml[512];
    snprintf(yaml, sizeof yaml,
             "name: p\neffective_from: 2026-01-01T00:00:00Z\nexpiry: {policy: never}\nearn: %s\n",
             earn);
    const struct refused one = {yaml, message};
    all_are_refused(&one, 1);
}

Test(programme, earn_rates_that_are_not_exact_are_refused)
{
    earn_is_refused("{points: 0, per_amount: 1.00}", "p.yaml:4: earn.points: \"0\"");
    earn_is_refused("{points: 1.5, per_amount: 1.00}", "p.yaml:4: earn.points: \"1.5\"");
    earn_is_refused("{points: 0x10, per_amount: 1.00}", "p.yaml:4: earn.points: \"0x10\"");
    earn_is_refused("{points: 1, per_amount: 0}", "p.yaml:4: earn.per_amount: \"0\"");
    earn_is_refused("{points: 1, per_amount: 1.005}", "p.yaml:4: earn.per_amount: \"1.005\"");
    earn_is_refused("{points: 1, per_amount: 1.}", "p.yaml:4: earn.per_amount: ");
    earn_is_refused("{points: 1, per_amount: -1}", "p.yaml:4: earn.per_amount: ");
    earn_is_refused("{points: 1, per_amount: 1e3}", "p.yaml:4: earn.per_amount: ");
    earn_is_refused("{points: 1, per_amount: 10000000001.00}", "p.yaml:4: earn.per_amount: ");
    earn_is_refused("{points: 1}", "p.yaml:4: earn.per_amount: missing");
}

Test(programme, expiry_and_redemption_that_contradict_themselves_are_refused)
{
    static const char head[] = "name: p\neffective_from: 2026-01-01T00:00:00Z\n"
                               "earn: {points: 1, per_amount: 1.00}\n";
    static const char *const lines[][2] = {
        {"expiry: {policy: yearly}", "p.yaml:4: expiry.policy: \"yearly\""},
        {"expiry: {policy: month_end}", "p.yaml:4: expiry.months: missing"},
        {"expiry: {policy: month_end, months: 121}", "p.yaml:4: expiry.months: \"121\""},
        {"expiry: {policy: never, months: 1}", "p.yaml:4: expiry.months: has no meaning"},
        {"expiry: {policy: never}\nredemption: {points: 100}", "p.yaml:5: redemption.amount: miss"},
        {"expiry: {policy: never}\nredemption: {points: 300, amount: 1.00, step: 100}",
         "p.yaml:5: redemption.step: 100 points are not worth whole minor units"},
        {"expiry: {policy: never}\nredemption: {points: 100, amount: 1.00, minimum: 150}",
         "p.yaml:5: redemption.minimum: 150 is no multiple of the step, 100"},
        {"expiry: {policy: never}\nredemption: {points: 100, amount: 1.00, share_max: 101%}",
         "p.yaml:5: redemption.share_max: above 100%"},
        {"expiry: {policy: never}\nredemption: {points: 100, amount: 1.00, share_max: 0}",
         "p.yaml:5: redemption.share_max: \"0\" is not allowed"},
        {"expiry: {policy: never}\nredemption: {points: 100, amount: 1.00, share_max: half}",
         "p.yaml:5: redemption.share_max: \"half\" is not allowed"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        char yaml[512];
        snprintf(yaml, sizeof yaml, "%s%s\n", head, lines[i][0]);
        const struct refused one = {yaml, lines[i][1]};
        all_are_refused(&one, 1);
    }
}

// One rule on line 6, with the given body behind its name and comma.
static void rule_is_refused(const char *body, const char *message)
{
    char yaml[1024];
    char expected[512];
    snprintf(yaml, sizeof yaml, FIXTURE_HEAD "rules:\n- {name: a, %s}\n", body);
    snprintf(expected, sizeof expected, "p.yaml:6: rules[0].%s", message);
    const struct refused one = {yaml, expected};
    all_are_refused(&one, 1);
}

Test(programme, rules_that_add_nothing_sensible_are_refused)
{
    rule_is_refused("kind: discount, factor: 2", "kind: \"discount\"");
    rule_is_refused("kind: multiplier", "factor: missing");
    rule_is_refused("kind: multiplier, factor: 0.9", "factor: below 1");
    rule_is_refused("kind: multiplier, factor: 1001", "factor: above 1000");
    rule_is_refused("kind: multiplier, factor: 1/0", "factor: \"1/0\"");
    rule_is_refused("kind: multiplier, factor: 3/2/1", "factor: \"3/2/1\"");
    rule_is_refused("kind: multiplier, factor: 2, points: 3", "points: a multiplier has");
    rule_is_refused("kind: bonus", "points: missing");
    rule_is_refused("kind: bonus, points: 1, factor: 2", "factor: a bonus has points");
    rule_is_refused("kind: bonus, points: 1000000001", "points: \"1000000001\"");
    rule_is_refused("kind: bonus, points: 1, group: g", "group: \"g\" is no group");
    rule_is_refused("kind: multiplier, factor: 1.9, when: {tiers: [gold]}",
                    "when.tiers[0]: \"gold\" is no tier");
}

Test(programme, conditions_outside_their_values_are_refused)
{
    static const char *const conditions[][2] = {
        {"days_of_month: [8, 32]", "days_of_month[1]: \"32\""},
        {"days_of_month: [0]", "days_of_month[0]: \"0\""},
        {"weekdays: [funday]", "weekdays[0]: \"funday\""},
        {"nth_weekdays: [monday]", "nth_weekdays[0]: write which weekday"},
        {"nth_weekdays: [6 monday]", "nth_weekdays[0]: \"6\""},
        {"nth_weekdays: [2 funday]", "nth_weekdays[0]: \"funday\""},
        {"dates: [2026-02-30]", "dates[0]: \"2026-02-30\""},
        {"dates: [2026-2-3]", "dates[0]: \"2026-2-3\""},
        {"dates: [2026-02-030]", "dates[0]: \"2026-02-030\""},
        {"date_ranges: [{from: 2026-02-02, to: 2026-02-01}]", "date_ranges[0]: ends before"},
        {"date_ranges: [{from: 2026-02-02}]", "date_ranges[0].to: missing"},
        {"date_ranges: [{from: x, to: 2026-02-02}]", "date_ranges[0].from: \"x\""},
        {"times: [{from: '24:00', to: '24:00'}]", "times[0].from: \"24:00\""},
        {"times: [{from: '08:00', to: '08:60'}]", "times[0].to: \"08:60\""},
        {"times: [{from: '08:00', to: '24:01'}]", "times[0].to: \"24:01\""},
        {"times: [{from: '8', to: '9'}]", "times[0].from: \"8\""},
        {"times: [{from: '0a:00', to: '09:00'}]", "times[0].from: \"0a:00\""},
        {"times: [{from: 'a0:00', to: '09:00'}]", "times[0].from: \"a0:00\""},
        {"times: [{from: '08:00:60', to: '09:00'}]", "times[0].from: \"08:00:60\""},
        {"times: [{from: '08:00', to: '09:00x'}]", "times[0].to: \"09:00x\""},
        {"times: [{from: '08:00', to: '08:00'}]", "times[0]: is empty"},
        {"stores: [0]", "stores[0]: \"0\""},
        {"stores: [4294967296]", "stores[0]: \"4294967296\""},
        {"entities: [256]", "entities[0]: \"256\""},
        {"tags: [64]", "tags[0]: \"64\""},
        {"skus: ['']", "skus[0]: \"\""},
        {"tenders: [123456789012345678901234567890123]", "tenders[0]: "},
        {"birthday: year", "birthday: \"year\""},
        {"first_purchase: yes", "first_purchase: \"yes\""},
        {"basket_min: 0", "basket_min: \"0\""},
        {"basket_min: 1.001", "basket_min: \"1.001\""},
    };
    for (size_t i = 0; i < sizeof conditions / sizeof conditions[0]; i++) {
        char body[256];
        char message[256];
        snprintf(body, sizeof body, "kind: bonus, points: 1, when: {%s}", conditions[i][0]);
        snprintf(message, sizeof message, "when.%s", conditions[i][1]);
        rule_is_refused(body, message);
    }
}

Test(programme, names_and_groups_that_clash_are_refused)
{
    static const struct refused cases[] = {
        {FIXTURE_HEAD "rules:\n- {name: a, kind: bonus, points: 1}\n"
                      "- {name: a, kind: bonus, points: 2}\n",
         "p.yaml:7: rules[1].name: two rules of one name, \"a\""},
        {FIXTURE_HEAD "rules:\n- {name: base, kind: bonus, points: 1}\n",
         "p.yaml:6: rules[0].name: \"base\" is the name of the points without any rule"},
        {FIXTURE_HEAD "groups: [{name: g}, {name: g}]\n",
         "p.yaml:5: groups[1].name: two groups of one name"},
        {FIXTURE_HEAD "groups: [{name: g, stack: most}]\n", "p.yaml:5: groups[0].stack: \"most\""},
        {FIXTURE_HEAD "groups: [{name: g, stack: multiply}]\n"
                      "rules: [{name: a, kind: bonus, points: 1, group: g}]\n",
         "p.yaml:6: rules[0].group: a bonus has no factor"},
        {FIXTURE_HEAD "rules: [{name: 'tier:a', kind: bonus, points: 1}]\n"
                      "tiers: {levels: [{name: a, factor: 2}]}\n",
         "p.yaml:6: tiers.levels[0].name: two rules of one name"},
        {FIXTURE_HEAD "tiers: {levels: [{name: a}, {name: "
                      "a123456789b123456789c123456789d123456789e123456789f123456789, visits: 1, "
                      "factor: 2}]}\n",
         "p.yaml:5: tiers.levels[1]: the name of a level with a factor has at most 59 bytes"},
    };
    ALL_ARE_REFUSED(cases);
}

Test(programme, factors_too_fine_to_be_exact_are_refused)
{
    static const struct refused cases[] = {
        {FIXTURE_HEAD "rules: [{name: a, kind: multiplier, factor: 1000000/999983},"
                      " {name: b, kind: multiplier, factor: 1000000/999979}]\n",
         "p.yaml:5: rules: the factors and the earn rate need a common denominator"},
        {FIXTURE_HEAD "groups: [{name: g, stack: multiply}]\n"
                      "rules: [{name: a, kind: multiplier, factor: 100001/100000, group: g},"
                      " {name: b, kind: multiplier, factor: 100003/100000, group: g}]\n",
         "p.yaml:6: rules: the factors and the earn rate need a common denominator"},
    };
    ALL_ARE_REFUSED(cases);
}

Test(programme, tiers_that_do_not_ascend_are_refused)
{
    static const char *const levels[][2] = {
        {"[{name: a, spend: 1.00}]", "levels[0]: the first level is everyone's"},
        {"[{name: a}, {name: b}]", "levels[1]: needs at least one of spend, visits, points"},
        {"[{name: a}, {name: a, visits: 1}]", "levels[1]: two levels of one name"},
        {"[{name: a}, {name: b, visits: 5}, {name: c, visits: 4}]", "levels[2]: must be harder"},
        {"[{name: a}, {name: b, visits: 5}, {name: c, visits: 5}]", "levels[2]: must be harder"},
        {"[{name: a}, {name: b, spend: 5, visits: 9}, {name: c, spend: 6, visits: 8}]",
         "levels[2]: must be harder"},
        {"[{name: a}, {name: b, visits: 0}]", "levels[1].visits: \"0\""},
        {"[{name: a}, {name: b, visits: 1, require: most}]", "levels[1].require: \"most\""},
        {"[{name: a, factor: 0.5}]", "levels[0].factor: below 1"},
        {"[{name: ''}]", "levels[0].name: \"\""},
    };
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        char yaml[512];
        char message[128];
        snprintf(yaml, sizeof yaml, FIXTURE_HEAD "tiers: {levels: %s}\n", levels[i][0]);
        snprintf(message, sizeof message, "p.yaml:5: tiers.%s", levels[i][1]);
        const struct refused one = {yaml, message};
        all_are_refused(&one, 1);
    }
    static const struct refused windows[] = {
        {FIXTURE_HEAD "tiers: {window_months: 0, levels: [{name: a}]}\n",
         "p.yaml:5: tiers.window_months: \"0\""},
        {FIXTURE_HEAD "tiers: {window_months: 37, levels: [{name: a}]}\n",
         "p.yaml:5: tiers.window_months: \"37\""},
    };
    ALL_ARE_REFUSED(windows);
}

Test(programme, aliases_that_multiply_are_bounded)
{
    char yaml[4096] = "name: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 9; i++) {
        char line[160];
        snprintf(line, sizeof line, "k%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n",
                 i, i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
        strcat(yaml, line);
    }
    cr_assert_not_null(strstr(fixture_fault(yaml), "more than 131072 values, aliases spelled out"));
}

Test(programme, anchors_are_bounded)
{
    char yaml[4096] = FIXTURE_HEAD "rules:\n";
    for (int i = 0; i <= 64; i++) {
        size_t size = strlen(yaml);
        snprintf(yaml + size, sizeof yaml - size, "- {name: &n%d r%d, kind: bonus, points: 1}\n", i,
                 i);
    }
    cr_assert_not_null(strstr(fixture_fault(yaml), "more than 64 anchors"));
    *strstr(yaml, "- {name: &n64") = '\0';
    jf_programme_destroy(fixture_programme(yaml));
}

Test(programme, a_character_is_never_cut_in_half_in_a_message)
{
    // Values are cut at 48 bytes, and messages at 511: both fall into characters of three bytes.
    const char *text = fixture_fault(FIXTURE_HEAD "zone: "
                                                  "会员会员会员会员会员会员会员会员会员会员\n");
    cr_assert(jf_utf8_is_valid(jf_text_from(text)), "%s", text);
    for (int lead = 0; lead < 4; lead++) {
        char file_name[300] = "xxxx";
        struct jf_diagnosis diagnosis = {.error = JF_OK};
        struct jf_programme *programme = NULL;
        for (size_t at = (size_t)lead; at + 4 < sizeof file_name; at += 3) {
            memcpy(file_name + at, "会", 4);
        }
        enum jf_error error =
            jf_programme_parse(JF_TEXT("a会会会会会会会会会会会会会会会会会会会会会会会会会: 1\n"),
                               jf_text_from(file_name), &programme, &diagnosis);
        cr_assert_eq(error, JF_ERROR_INVALID);
        cr_assert(strlen(diagnosis.text) > 3);
    }
}

Test(programme, what_points_are_worth_is_said_where_they_are_worth_money)
{
    int64_t points = 7;
    int64_t amount = 8;
    struct jf_programme *programme = fixture_programme(FIXTURE_HEAD);
    cr_assert_not(jf_programme_redemption_rate(programme, &points, &amount));
    cr_assert_eq(points, 7);
    jf_programme_destroy(programme);
    programme = fixture_programme(FIXTURE_HEAD "redemption: {points: 100, amount: 1.50}\n");
    cr_assert(jf_programme_redemption_rate(programme, &points, &amount));
    cr_assert_eq(points, 100);
    cr_assert_eq(amount, 150);
    jf_programme_destroy(programme);
}

Test(programme, limits_are_refused_above_and_accepted_at)
{
    size_t size = JF_PROGRAMME_BYTES_MAX + 1;
    char *yaml = malloc(size + 1);
    cr_assert_not_null(yaml);
    memset(yaml, '#', size);
    yaml[size] = '\0';
    cr_assert_not_null(strstr(fixture_fault(yaml), "has 1048577 bytes: at most 1048576"));
    memcpy(yaml, FIXTURE_HEAD, strlen(FIXTURE_HEAD));
    yaml[size - 1] = '\0';
    jf_programme_destroy(fixture_programme(yaml));
    strcpy(yaml, FIXTURE_HEAD "rules:\n");
    for (unsigned i = 0; i <= JF_RULES_MAX; i++) {
        sprintf(yaml + strlen(yaml), "- {name: r%u, kind: bonus, points: 1}\n", i);
    }
    cr_assert_not_null(strstr(fixture_fault(yaml), "rules: 1001 items: at most 1000"));
    *strstr(yaml, "- {name: r1000,") = '\0';
    struct jf_programme *programme = fixture_programme(yaml);
    cr_assert_eq(jf_programme_rule_count(programme), JF_RULES_MAX);
    jf_programme_destroy(programme);
    strcat(yaml, "tiers: {levels: [{name: a, factor: 2}]}\n");
    cr_assert_not_null(strstr(fixture_fault(yaml), "rules: more than 1000 rules"));
    free(yaml);
}

Test(programme, destroying_nothing_is_accepted)
{
    jf_programme_destroy(NULL);
    cr_assert(true);
}

Test(programme, what_is_left_out_has_its_documented_default)
{
    struct jf_programme *programme = fixture_programme(FIXTURE_HEAD);
    cr_assert_str_eq(programme->name, "p");
    cr_assert_eq(programme->effective_from_ms, 1767225600000);
    cr_assert_eq(programme->earn_points, 1);
    cr_assert_eq(programme->earn_per_amount, 100);
    cr_assert_eq(programme->rounding, JF_ROUND_FLOOR);
    cr_assert_eq(programme->rounding_scope, JF_ROUND_PER_RECEIPT);
    cr_assert_eq(programme->expiry.kind, JF_EXPIRY_NEVER);
    cr_assert_eq(programme->redemption.points, 0);
    cr_assert_eq(programme->late_after_ms, 24 * 3600000);
    cr_assert_eq(programme->clock_skew_ms, 300000);
    cr_assert_eq(programme->tier_window.months, 12);
    cr_assert_eq(programme->denominator, 100);
    cr_assert_eq(jf_programme_tier_count(programme), 1);
    cr_assert(jf_text_equal(jf_programme_tier_name(programme, 0), JF_TEXT("member")));
    cr_assert_eq(jf_programme_rule_count(programme), 0);
    jf_programme_destroy(programme);
}

Test(programme, the_pharmacy_sample_is_read_exactly)
{
    size_t size = 0;
    char *yaml = fixture_sample("programme-pharmacy.yaml", &size);
    struct jf_programme *programme = fixture_programme(yaml);
    cr_assert(jf_text_equal(jf_programme_name(programme), JF_TEXT("pharmacy-2026")));
    // 2026-01-01T00:00 in Shanghai is 2025-12-31T16:00Z.
    cr_assert_eq(jf_programme_effective_from_ms(programme), 1767196800000);
    cr_assert_eq(programme->excluded_tender_count, 2);
    cr_assert_str_eq(programme->excluded_tenders[0], "medical_insurance");
    cr_assert_str_eq(programme->excluded_categories[1], "tobacco");
    cr_assert_eq(programme->expiry.kind, JF_EXPIRY_MONTH_END);
    cr_assert_eq(programme->expiry.months, 12);
    cr_assert_eq(programme->redemption.points, 100);
    cr_assert_eq(programme->redemption.amount, 100);
    cr_assert_eq(programme->redemption.share_max.numerator, 1);
    cr_assert_eq(programme->redemption.share_max.denominator, 2);
    cr_assert_eq(programme->tier_count, 4);
    cr_assert_eq(programme->tiers[2].spend, 500000);
    cr_assert_eq(programme->tiers[2].visits, 36);
    cr_assert_eq(programme->tiers[2].points, -1);
    cr_assert(programme->tiers[2].any);
    cr_assert_not(programme->tiers[3].any);
    cr_assert_eq(jf_programme_rule_count(programme), 7);
    cr_assert(jf_text_equal(jf_programme_ground_name(programme, 4), JF_TEXT("tier:silver")));
    cr_assert_eq(programme->rules[4].tiers, 1u << 1);
    cr_assert_eq(programme->rules[4].factor.numerator, 11);
    cr_assert_eq(programme->rules[4].factor.denominator, 10);
    cr_assert_str_eq(programme->groups[programme->rules[4].group].name, "tier");
    cr_assert_eq(programme->denominator, 100 * 20);
    jf_programme_destroy(programme);
    free(yaml);
}

Test(programme, the_us_sample_takes_effect_at_local_midnight)
{
    size_t size = 0;
    char *yaml = fixture_sample("programme-us-drug.yaml", &size);
    struct jf_programme *programme = fixture_programme(yaml);
    cr_assert_eq(jf_programme_effective_from_ms(programme), 1483246800000); // 05:00Z
    cr_assert_eq(programme->excluded_category_count, 3);
    cr_assert_eq(jf_programme_rule_count(programme), 5);
    jf_programme_destroy(programme);
    free(yaml);
}

Test(programme, the_supermarket_sample_limits_its_promotions)
{
    size_t size = 0;
    char *yaml = fixture_sample("programme-supermarket.yaml", &size);
    struct jf_programme *programme = fixture_programme(yaml);
    cr_assert_eq(programme->pending_days, 7);
    cr_assert_eq(programme->expiry.kind, JF_EXPIRY_MONTHS_AFTER);
    cr_assert_eq(programme->excluded_tags, 8);
    cr_assert(programme->refuses_unknown_categories);
    cr_assert_not(programme->refuses_unknown_tenders);
    cr_assert_eq(programme->rules[1].budget, 1000000);
    cr_assert_eq(programme->cap_count, 3);
    cr_assert_eq(programme->caps[0].rule_count, 3);
    cr_assert_eq(programme->redemption.offline_allowance, 500);
    cr_assert_eq(programme->redemption.excluded.count, 2);
    cr_assert_eq(programme->reward_count, 2);
    cr_assert_eq(programme->rewards[1].per_member, 2);
    cr_assert_eq(programme->returns.shortfall, JF_SHORTFALL_DEDUCT);
    cr_assert_eq(programme->returns.reinstate_days, 30);
    jf_programme_destroy(programme);
    free(yaml);
}

Test(programme, a_ground_number_is_kept_by_rule)
{
    struct jf_programme *programme =
        fixture_programme(FIXTURE_HEAD "rules: [{name: a, kind: bonus, points: 1}]\n");
    cr_assert_eq(programme->rules[0].reason, 1);
    jf_programme_set_ground(programme, 0, 17);
    cr_assert_eq(programme->rules[0].reason, 17);
    jf_programme_destroy(programme);
}

Test(programme, amounts_follow_the_currency_digits)
{
    struct jf_programme *programme =
        fixture_programme("name: p\neffective_from: 2026-01-01T00:00:00Z\ncurrency: JPY\n"
                          "currency_digits: 0\nearn: {points: 1, per_amount: 100}\n"
                          "expiry: {policy: never}\n");
    cr_assert_eq(programme->earn_per_amount, 100);
    jf_programme_destroy(programme);
    programme = fixture_programme("name: p\neffective_from: 2026-01-01T00:00:00Z\n"
                                  "earn: {points: 3, per_amount: 12.5}\nexpiry: {policy: never}\n");
    cr_assert_eq(programme->earn_per_amount, 1250);
    cr_assert_eq(programme->denominator, 1250);
    jf_programme_destroy(programme);
}

Test(programme, an_alias_stands_for_its_anchor_and_faults_name_a_line)
{
    struct jf_programme *programme = fixture_programme(
        FIXTURE_HEAD "rules:\n"
                     "- {name: a, kind: bonus, points: 1, when: {stores: &near [3, 1, 2, 3]}}\n"
                     "- {name: b, kind: bonus, points: 1, when: {stores: *near}}\n");
    cr_assert_eq(programme->rules[1].stores.count, 3);
    cr_assert_eq(programme->rules[1].stores.numbers[0], 1);
    jf_programme_destroy(programme);
    const char *text =
        fixture_fault(FIXTURE_HEAD "rules:\n"
                                   "- {name: a, kind: bonus, points: 1, when: &w {birthday: day}}\n"
                                   "- {name: b, kind: bonus, points: 1, when: *w, group: g}\n");
    cr_assert_eq(strncmp(text, "p.yaml:7: rules[1].group: ", 26), 0, "%s", text);
    text = fixture_fault(FIXTURE_HEAD "zone: &z Asia/Nowhere\ncurrency: &c [a]\nrounding: *c\n");
    cr_assert_eq(strncmp(text, "p.yaml:6: currency: must be one", 31), 0, "%s", text);
}

static void parse_harmlessly(const char *bytes, size_t size)
{
    struct jf_programme *programme = NULL;
    struct jf_diagnosis diagnosis = {0};
    // A copy of exactly this size, so that a read past the end is noticed.
    char *copy = malloc(size + (size == 0));
    cr_assert_not_null(copy);
    memcpy(copy, bytes, size);
    enum jf_error error = jf_programme_parse((struct jf_text){copy, (uint32_t)size},
                                             JF_TEXT("p.yaml"), &programme, &diagnosis);
    cr_assert_eq(error == JF_OK, programme != NULL);
    cr_assert_eq(error == JF_OK, diagnosis.text[0] == '\0');
    jf_programme_destroy(programme);
    free(copy);
}

Test(programme, a_sample_cut_anywhere_is_read_or_refused)
{
    size_t size = 0;
    char *yaml = fixture_sample("programme-pharmacy.yaml", &size);
    for (size_t cut = 0; cut <= size; cut++) {
        parse_harmlessly(yaml, cut);
    }
    free(yaml);
}

Test(programme, a_sample_with_any_byte_changed_is_read_or_refused)
{
    static const char changes[] = "\x00\x01\xff*&[]{}:-#'\"|>!%@ \n\t,0?";
    size_t size = 0;
    char *yaml = fixture_sample("programme-us-drug.yaml", &size);
    for (size_t at = 0; at < size; at++) {
        char kept = yaml[at];
        for (size_t i = 0; i < 4; i++) {
            yaml[at] = changes[(at * 4 + i) % (sizeof changes - 1)];
            parse_harmlessly(yaml, size);
        }
        yaml[at] = (char)(kept ^ 0x10);
        parse_harmlessly(yaml, size);
        yaml[at] = kept;
    }
    free(yaml);
}

// Pieces that mean something to YAML or to the schema, thrown together; the seed is fixed.
Test(programme, heaps_of_yaml_pieces_are_read_or_refused)
{
    static const char *const pieces[] = {
        "rules:",   "\n",          "\n  ",     "- ",     "name: a",   "{",
        "}",        "[",           "]",        ", ",     "&a ",       "*a",
        "when: ",   "kind: bonus", "stores: ", "1",      "factor: 2", "tiers:",
        "levels: ", "<<: ",        "? ",       "!!map ", "&b ",       "*b",
        "'",        "\"",          "|\n",      "\n    ", "points: 1", "date_ranges: ",
        "from: ",   "null"};
    uint64_t state = 0x9e3779b97f4a7c15u;
    for (int round = 0; round < 20000; round++) {
        char yaml[1024] = FIXTURE_HEAD;
        for (int i = 0; i < 24; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            strcat(yaml, pieces[(state >> 33) % (sizeof pieces / sizeof pieces[0])]);
        }
        parse_harmlessly(yaml, strlen(yaml));
    }
}
