// The programme's schema for libcyaml, and reading by it.
//
// The happy path: the outline is checked against the schema, then libcyaml fills the structs.
// Failures: what the check finds, no memory, and whatever libcyaml itself would still refuse.
#include "rules/programme_yaml.h"

#include <cyaml/cyaml.h>

#include "base/limits.h"
#include "rules/programme_schema.h"

#define TEXT(key, structure, member)                                                               \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, structure, member, 0, CYAML_UNLIMITED)
#define TEXT_OR_NOT(key, structure, member)                                                        \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, structure, member, 0,    \
                           CYAML_UNLIMITED)
#define MAPPING(key, structure, member, fields)                                                    \
    CYAML_FIELD_MAPPING_PTR(key, CYAML_FLAG_POINTER, structure, member, fields)
#define MAPPING_OR_NOT(key, structure, member, fields)                                             \
    CYAML_FIELD_MAPPING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, structure, member,      \
                            fields)
#define LIST(key, structure, member, entry, min, max)                                              \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, structure, member, entry,  \
                         min, max)

#define CALENDAR_ITEMS_MAX 1024u
#define STORES_LISTED_MAX  4096u // per rule; a chain's larger groups are regions or entities
#define KNOWN_WORDS_MAX    16384u

static const struct cyaml_schema_value text_schema = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED),
};

static const struct cyaml_schema_field range_fields[] = {
    TEXT("from", struct jf_yaml_range, from),
    TEXT("to", struct jf_yaml_range, to),
    CYAML_FIELD_END,
};

static const struct cyaml_schema_value range_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct jf_yaml_range, range_fields),
};

#define WHEN_LIST(member, max) LIST(#member, struct jf_yaml_when, member, &text_schema, 1, max)

static const struct cyaml_schema_field when_fields[] = {
    WHEN_LIST(days_of_month, 31),
    WHEN_LIST(weekdays, 7),
    WHEN_LIST(nth_weekdays, 42),
    WHEN_LIST(dates, CALENDAR_ITEMS_MAX),
    LIST("date_ranges", struct jf_yaml_when, date_ranges, &range_schema, 1, CALENDAR_ITEMS_MAX),
    LIST("times", struct jf_yaml_when, times, &range_schema, 1, 24),
    WHEN_LIST(stores, STORES_LISTED_MAX),
    WHEN_LIST(regions, JF_CATEGORIES_PER_LIST_MAX),
    WHEN_LIST(entities, JF_ENTITIES_MAX),
    WHEN_LIST(categories, JF_CATEGORIES_PER_LIST_MAX),
    WHEN_LIST(skus, JF_CATEGORIES_PER_LIST_MAX),
    WHEN_LIST(tiers, JF_TIERS_MAX),
    WHEN_LIST(activity_classes, JF_CLASSES_MAX),
    WHEN_LIST(tags, 64),
    WHEN_LIST(tenders, JF_CATEGORIES_PER_LIST_MAX),
    TEXT_OR_NOT("birthday", struct jf_yaml_when, birthday),
    TEXT_OR_NOT("first_purchase", struct jf_yaml_when, first_purchase),
    TEXT_OR_NOT("basket_min", struct jf_yaml_when, basket_min),
    CYAML_FIELD_END,
};

static const struct cyaml_schema_field rule_fields[] = {
    TEXT("name", struct jf_yaml_rule, name),
    TEXT("kind", struct jf_yaml_rule, kind),
    TEXT_OR_NOT("factor", struct jf_yaml_rule, factor),
    TEXT_OR_NOT("points", struct jf_yaml_rule, points),
    TEXT_OR_NOT("group", struct jf_yaml_rule, group),
    TEXT_OR_NOT("cap_per_member", struct jf_yaml_rule, cap_per_member),
    TEXT_OR_NOT("budget", struct jf_yaml_rule, budget),
    MAPPING_OR_NOT("when", struct jf_yaml_rule, when, when_fields),
    CYAML_FIELD_END,
};

static const struct cyaml_schema_value rule_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct jf_yaml_rule, rule_fields),
};

static const struct cyaml_schema_field cap_fields[] = {
    TEXT("name", struct jf_yaml_cap, name),
    TEXT("per", struct jf_yaml_cap, per),
    TEXT("points", struct jf_yaml_cap, points),
    LIST("rules", struct jf_yaml_cap, rules, &text_schema, 1, JF_RULES_MAX),
    CYAML_FIELD_END,
};

static const struct cyaml_schema_value cap_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct jf_yaml_cap, cap_fields),
};

static const struct cyaml_schema_field group_fields[] = {
    TEXT("name", struct jf_yaml_group, name),
    TEXT_OR_NOT("stack", struct jf_yaml_group, stack),
    CYAML_FIELD_END,
};

static const struct cyaml_schema_value group_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct jf_yaml_group, group_fields),
};

static const struct cyaml_schema_field earn_fields[] = {
    TEXT("points", struct jf_yaml_earn, points),
    TEXT("per_amount", struct jf_yaml_earn, per_amount),
    CYAML_FIELD_END,
};

#define EXCLUSION_LIST(member)                                                                     \
    LIST(#member, struct jf_yaml_exclusions, member, &text_schema, 0, JF_CATEGORIES_PER_LIST_MAX)

static const struct cyaml_schema_field exclusions_fields[] = {
    EXCLUSION_LIST(categories),      EXCLUSION_LIST(skus), EXCLUSION_LIST(tenders),
    EXCLUSION_LIST(member_statuses), EXCLUSION_LIST(tags), CYAML_FIELD_END,
};

static const struct cyaml_schema_field known_fields[] = {
    LIST("categories", struct jf_yaml_known, categories, &text_schema, 0, KNOWN_WORDS_MAX),
    LIST("tenders", struct jf_yaml_known, tenders, &text_schema, 0, KNOWN_WORDS_MAX),
    CYAML_FIELD_END,
};

static const struct cyaml_schema_field unknown_fields[] = {
    TEXT_OR_NOT("categories", struct jf_yaml_unknown, categories),
    TEXT_OR_NOT("tenders", struct jf_yaml_unknown, tenders),
    CYAML_FIELD_END,
};

static const struct cyaml_schema_field rounding_fields[] = {
    TEXT_OR_NOT("mode", struct jf_yaml_rounding, mode),
    TEXT_OR_NOT("scope", struct jf_yaml_rounding, scope),
    CYAML_FIELD_END,
};

static const struct cyaml_schema_field expiry_fields[] = {
    TEXT("policy", struct jf_yaml_expiry, policy),
    TEXT_OR_NOT("months", struct jf_yaml_expiry, months),
    TEXT_OR_NOT("day", struct jf_yaml_expiry, day),
    TEXT_OR_NOT("years", struct jf_yaml_expiry, years),
    CYAML_FIELD_END,
};

static const struct cyaml_schema_field redemption_fields[] = {
    TEXT("points", struct jf_yaml_redemption, points),
    TEXT("amount", struct jf_yaml_redemption, amount),
    TEXT_OR_NOT("minimum", struct jf_yaml_redemption, minimum),
    TEXT_OR_NOT("step", struct jf_yaml_redemption, step),
    TEXT_OR_NOT("share_max", struct jf_yaml_redemption, share_max),
    LIST("excluded_categories", struct jf_yaml_redemption, excluded_categories, &text_schema, 0,
         JF_CATEGORIES_PER_LIST_MAX),
    TEXT_OR_NOT("offline_allowance", struct jf_yaml_redemption, offline_allowance),
    TEXT_OR_NOT("earn_on_redeemed", struct jf_yaml_redemption, earn_on_redeemed),
    CYAML_FIELD_END,
};

static const struct cyaml_schema_field returns_fields[] = {
    TEXT_OR_NOT("shortfall", struct jf_yaml_returns, shortfall),
    TEXT_OR_NOT("from_other_lots", struct jf_yaml_returns, from_other_lots),
    TEXT_OR_NOT("reinstate_days", struct jf_yaml_returns, reinstate_days),
    CYAML_FIELD_END,
};

static const struct cyaml_schema_field reward_fields[] = {
    TEXT("code", struct jf_yaml_reward, code),
    TEXT("points", struct jf_yaml_reward, points),
    TEXT_OR_NOT("valid_from", struct jf_yaml_reward, valid_from),
    TEXT_OR_NOT("valid_to", struct jf_yaml_reward, valid_to),
    TEXT_OR_NOT("stock", struct jf_yaml_reward, stock),
    TEXT_OR_NOT("per_member", struct jf_yaml_reward, per_member),
    CYAML_FIELD_END,
};

static const struct cyaml_schema_value reward_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct jf_yaml_reward, reward_fields),
};

static const struct cyaml_schema_field level_fields[] = {
    TEXT("name", struct jf_yaml_level, name),
    TEXT_OR_NOT("spend", struct jf_yaml_level, spend),
    TEXT_OR_NOT("visits", struct jf_yaml_level, visits),
    TEXT_OR_NOT("points", struct jf_yaml_level, points),
    TEXT_OR_NOT("require", struct jf_yaml_level, require),
    TEXT_OR_NOT("factor", struct jf_yaml_level, factor),
    CYAML_FIELD_END,
};

static const struct cyaml_schema_value level_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct jf_yaml_level, level_fields),
};

static const struct cyaml_schema_field window_fields[] = {
    TEXT("kind", struct jf_yaml_window, kind),
    TEXT_OR_NOT("months", struct jf_yaml_window, months),
    CYAML_FIELD_END,
};

static const struct cyaml_schema_field class_fields[] = {
    TEXT("name", struct jf_yaml_class, name),
    TEXT_OR_NOT("visits_per_month", struct jf_yaml_class, visits_per_month),
    TEXT_OR_NOT("months", struct jf_yaml_class, months),
    TEXT_OR_NOT("visits", struct jf_yaml_class, visits),
    TEXT_OR_NOT("every_months", struct jf_yaml_class, every_months),
    TEXT_OR_NOT("none_for_months", struct jf_yaml_class, none_for_months),
    CYAML_FIELD_END,
};

static const struct cyaml_schema_value class_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct jf_yaml_class, class_fields),
};

static const struct cyaml_schema_field classes_fields[] = {
    TEXT_OR_NOT("window_months", struct jf_yaml_classes, window_months),
    CYAML_FIELD_SEQUENCE("levels", CYAML_FLAG_POINTER, struct jf_yaml_classes, levels,
                         &class_schema, 1, JF_CLASSES_MAX),
    CYAML_FIELD_END,
};

static const struct cyaml_schema_field tiers_fields[] = {
    TEXT_OR_NOT("window_months", struct jf_yaml_tiers, window_months),
    MAPPING_OR_NOT("window", struct jf_yaml_tiers, window, window_fields),
    TEXT_OR_NOT("grace_days", struct jf_yaml_tiers, grace_days),
    TEXT_OR_NOT("down", struct jf_yaml_tiers, down),
    CYAML_FIELD_SEQUENCE("levels", CYAML_FLAG_POINTER, struct jf_yaml_tiers, levels, &level_schema,
                         1, JF_TIERS_MAX),
    CYAML_FIELD_END,
};

static const struct cyaml_schema_field adjustments_fields[] = {
    TEXT_OR_NOT("limit", struct jf_yaml_adjustments, limit),
    MAPPING_OR_NOT("expiry", struct jf_yaml_adjustments, expiry, expiry_fields),
    CYAML_FIELD_END,
};

static const struct cyaml_schema_field transfers_fields[] = {
    TEXT_OR_NOT("allowed", struct jf_yaml_transfers, allowed),
    TEXT_OR_NOT("minimum", struct jf_yaml_transfers, minimum),
    CYAML_FIELD_END,
};

static const struct cyaml_schema_field close_fields[] = {
    TEXT_OR_NOT("balance", struct jf_yaml_close, balance),
    CYAML_FIELD_END,
};

static const struct cyaml_schema_field programme_fields[] = {
    TEXT("name", struct jf_yaml_programme, name),
    TEXT("effective_from", struct jf_yaml_programme, effective_from),
    TEXT_OR_NOT("zone", struct jf_yaml_programme, zone),
    TEXT_OR_NOT("currency", struct jf_yaml_programme, currency),
    TEXT_OR_NOT("currency_digits", struct jf_yaml_programme, currency_digits),
    MAPPING("earn", struct jf_yaml_programme, earn, earn_fields),
    MAPPING_OR_NOT("exclusions", struct jf_yaml_programme, exclusions, exclusions_fields),
    MAPPING_OR_NOT("rounding", struct jf_yaml_programme, rounding, rounding_fields),
    MAPPING("expiry", struct jf_yaml_programme, expiry, expiry_fields),
    TEXT_OR_NOT("pending_days", struct jf_yaml_programme, pending_days),
    MAPPING_OR_NOT("known", struct jf_yaml_programme, known, known_fields),
    MAPPING_OR_NOT("unknown", struct jf_yaml_programme, unknown, unknown_fields),
    MAPPING_OR_NOT("redemption", struct jf_yaml_programme, redemption, redemption_fields),
    MAPPING_OR_NOT("returns", struct jf_yaml_programme, returns, returns_fields),
    TEXT_OR_NOT("late_after_hours", struct jf_yaml_programme, late_after_hours),
    TEXT_OR_NOT("clock_skew_seconds", struct jf_yaml_programme, clock_skew_seconds),
    LIST("groups", struct jf_yaml_programme, groups, &group_schema, 0, JF_RULES_MAX),
    LIST("rules", struct jf_yaml_programme, rules, &rule_schema, 0, JF_RULES_MAX),
    LIST("caps", struct jf_yaml_programme, caps, &cap_schema, 0, JF_CAPS_MAX),
    LIST("rewards", struct jf_yaml_programme, rewards, &reward_schema, 1, JF_REWARDS_MAX),
    MAPPING_OR_NOT("tiers", struct jf_yaml_programme, tiers, tiers_fields),
    MAPPING_OR_NOT("close", struct jf_yaml_programme, close, close_fields),
    MAPPING_OR_NOT("adjustments", struct jf_yaml_programme, adjustments, adjustments_fields),
    MAPPING_OR_NOT("transfers", struct jf_yaml_programme, transfers, transfers_fields),
    MAPPING_OR_NOT("classes", struct jf_yaml_programme, classes, classes_fields),
    CYAML_FIELD_END,
};

static const struct cyaml_schema_value programme_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct jf_yaml_programme, programme_fields),
};

static const struct cyaml_config config = {
    .mem_fn = cyaml_mem,
    .log_level = CYAML_LOG_ERROR,
    .flags = CYAML_CFG_DEFAULT,
};

enum jf_error jf_yaml_load(const struct jf_outline *outline, struct jf_text yaml,
                           struct jf_yaml_programme **out_document, struct jf_diagnosis *diagnosis)
{
    enum jf_error error = jf_schema_check(outline, &programme_schema, diagnosis);
    if (error != JF_OK) {
        return error;
    }
    cyaml_data_t *data = NULL;
    cyaml_err_t outcome = cyaml_load_data((const uint8_t *)yaml.data, yaml.size, &config,
                                          &programme_schema, &data, NULL);
    if (outcome == CYAML_ERR_OOM) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory to read the programme");
    }
    if (outcome != CYAML_OK || data == NULL) {
        return jf_outline_fault_at(outline, diagnosis, 1, "document", cyaml_strerror(outcome));
    }
    *out_document = data;
    return JF_OK;
}

void jf_yaml_free(struct jf_yaml_programme *document)
{
    if (document != NULL) {
        cyaml_free(&config, &programme_schema, document, 0);
    }
}
