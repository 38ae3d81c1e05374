// Compiles what points are worth: the sections `redemption` and `rewards`.
//
// The happy path: terms field by field, then the catalogue in listed order. Failures: a value that
// is not allowed, values that contradict each other, a code given twice, and no memory.
#include <stdio.h>
#include <string.h>

#include "rules/programme_compile.h"
#include "rules/programme_when.h"

#define REWARD_PREFIX         "reward:"
#define REWARD_CODE_BYTES_MAX (JF_NAME_BYTES_MAX - (sizeof REWARD_PREFIX - 1))
#define REWARDS_IN_STOCK_MAX  ((int64_t)1000000000) // a piece for every member of any chain

static struct jf_value value_at(const struct jf_reading *reading, const char *path,
                                const char *text)
{
    return (struct jf_value){reading, path, text};
}

static enum jf_error terms_check(const struct jf_reading *reading,
                                 const struct jf_redemption_terms *terms)
{
    if ((jf_wide)terms->step * terms->amount % terms->points != 0) {
        return jf_outline_fault(reading->outline, reading->diagnosis, "redemption.step",
                                "%lld points are not worth whole minor units: %lld points are "
                                "worth %lld minor units",
                                (long long)terms->step, (long long)terms->points,
                                (long long)terms->amount);
    }
    if (terms->minimum % terms->step != 0) {
        return jf_outline_fault(reading->outline, reading->diagnosis, "redemption.minimum",
                                "%lld is no multiple of the step, %lld", (long long)terms->minimum,
                                (long long)terms->step);
    }
    return JF_OK;
}

static enum jf_error share_max_compile(const struct jf_reading *reading, const char *text,
                                       struct jf_ratio *out_share)
{
    struct jf_ratio share = {1, 1};
    if (text != NULL) {
        enum jf_error error =
            jf_value_ratio(value_at(reading, "redemption.share_max", text), &share);
        if (error != JF_OK) {
            return error;
        }
    }
    if (share.numerator > share.denominator) {
        return jf_outline_fault(reading->outline, reading->diagnosis, "redemption.share_max",
                                "above 100%%: points pay at most the whole receipt");
    }
    *out_share = share;
    return JF_OK;
}

static enum jf_error price_compile(const struct jf_reading *reading,
                                   const struct jf_yaml_redemption *yaml,
                                   struct jf_redemption_terms *terms)
{
    enum jf_error error = jf_value_integer(value_at(reading, "redemption.points", yaml->points), 1,
                                           JF_POINTS_MAX, &terms->points);
    if (error == JF_OK) {
        error = jf_value_amount(value_at(reading, "redemption.amount", yaml->amount), 1,
                                &terms->amount);
    }
    terms->step = terms->points;
    if (error == JF_OK) {
        error = jf_value_integer_or_default(value_at(reading, "redemption.step", yaml->step), 1,
                                            JF_POINTS_MAX, &terms->step);
    }
    terms->minimum = terms->step;
    if (error == JF_OK) {
        error = jf_value_integer_or_default(value_at(reading, "redemption.minimum", yaml->minimum),
                                            1, JF_POINTS_MAX, &terms->minimum);
    }
    return error == JF_OK ? terms_check(reading, terms) : error;
}

// Known to the terms, and to the programme as every category that it names.
static enum jf_error excluded_compile(const struct jf_reading *reading,
                                      const struct jf_yaml_redemption *yaml,
                                      struct jf_redemption_terms *terms)
{
    struct jf_programme *programme = reading->programme;
    uint32_t count = yaml->excluded_categories_count;
    if (jf_words_init(&terms->excluded, &programme->arena, count) != JF_OK) {
        return jf_diagnose(reading->diagnosis, JF_ERROR_NO_MEMORY,
                           "no memory to read the programme");
    }
    for (uint32_t i = 0; i < count; i++) {
        char path[JF_OUTLINE_PATH_MAX];
        uint32_t number = 0;
        jf_value_path(path, "redemption.excluded_categories[%u]", i);
        enum jf_error error =
            jf_when_word_add(value_at(reading, path, yaml->excluded_categories[i]),
                             JF_CATEGORY_BYTES_MAX, &programme->categories, &number);
        if (error != JF_OK) {
            return error;
        }
        (void)jf_words_add(&terms->excluded, programme->categories.texts[number]);
    }
    return JF_OK;
}

enum jf_error jf_programme_compile_redemption(const struct jf_reading *reading,
                                              const struct jf_yaml_redemption *yaml)
{
    struct jf_redemption_terms *terms = &reading->programme->redemption;
    *terms = (struct jf_redemption_terms){.step = 1, .share_max = {1, 1}};
    if (yaml == NULL) {
        return JF_OK;
    }
    enum jf_error error = price_compile(reading, yaml, terms);
    if (error == JF_OK) {
        error = share_max_compile(reading, yaml->share_max, &terms->share_max);
    }
    if (error == JF_OK) {
        error = excluded_compile(reading, yaml, terms);
    }
    if (error == JF_OK) {
        error = jf_value_integer_or_default(
            value_at(reading, "redemption.offline_allowance", yaml->offline_allowance), 0,
            JF_POINTS_MAX, &terms->offline_allowance);
    }
    if (error == JF_OK && yaml->earn_on_redeemed != NULL) {
        error =
            jf_value_bool(value_at(reading, "redemption.earn_on_redeemed", yaml->earn_on_redeemed),
                          &terms->earns_on_redeemed);
    }
    return error;
}

static enum jf_error code_compile(const struct jf_reading *reading, const char *path,
                                  const char *text, struct jf_reward *reward)
{
    const struct jf_programme *programme = reading->programme;
    struct jf_text code = {NULL, 0};
    enum jf_error error =
        jf_value_text(value_at(reading, path, text), REWARD_CODE_BYTES_MAX, &code);
    if (error != JF_OK) {
        return error;
    }
    (void)snprintf(reward->ground_name, sizeof reward->ground_name, REWARD_PREFIX "%.*s",
                   (int)code.size, code.data);
    // The ground's name must be one of its own: a rule could be named "reward:..." too.
    bool is_taken = false;
    for (uint32_t i = 0; i < programme->reward_count; i++) {
        is_taken = is_taken || strcmp(programme->rewards[i].ground_name, reward->ground_name) == 0;
    }
    for (uint32_t i = 0; i < programme->rule_count; i++) {
        is_taken = is_taken || strcmp(programme->rules[i].name, reward->ground_name) == 0;
    }
    return is_taken ? jf_outline_fault(reading->outline, reading->diagnosis, path,
                                       "another reward or rule has the name \"%.64s\": rename one",
                                       reward->ground_name)
                    : JF_OK;
}

static enum jf_error validity_compile(const struct jf_reading *reading, uint32_t number,
                                      const struct jf_yaml_reward *yaml, struct jf_reward *reward)
{
    char path[JF_OUTLINE_PATH_MAX];
    enum jf_error error = JF_OK;
    reward->valid_from = JF_DATE_MIN;
    reward->valid_to = JF_DATE_MAX;
    if (yaml->valid_from != NULL) {
        jf_value_path(path, "rewards[%u].valid_from", number);
        error = jf_value_date(value_at(reading, path, yaml->valid_from), &reward->valid_from);
    }
    jf_value_path(path, "rewards[%u].valid_to", number);
    if (error == JF_OK && yaml->valid_to != NULL) {
        error = jf_value_date(value_at(reading, path, yaml->valid_to), &reward->valid_to);
    }
    if (error == JF_OK && reward->valid_to < reward->valid_from) {
        return jf_outline_fault(reading->outline, reading->diagnosis, path,
                                "before valid_from: nobody could ever have it");
    }
    return error;
}

static enum jf_error reward_compile(const struct jf_reading *reading, uint32_t number,
                                    const struct jf_yaml_reward *yaml, struct jf_reward *reward)
{
    char path[JF_OUTLINE_PATH_MAX];
    reward->stock = JF_REWARD_UNLIMITED;
    reward->per_member = JF_REWARD_UNLIMITED;
    jf_value_path(path, "rewards[%u].code", number);
    enum jf_error error = code_compile(reading, path, yaml->code, reward);
    if (error == JF_OK) {
        jf_value_path(path, "rewards[%u].points", number);
        error = jf_value_integer(value_at(reading, path, yaml->points), 1, JF_POINTS_MAX,
                                 &reward->points);
    }
    if (error == JF_OK) {
        error = validity_compile(reading, number, yaml, reward);
    }
    if (error == JF_OK) {
        jf_value_path(path, "rewards[%u].stock", number);
        error = jf_value_integer_or_default(value_at(reading, path, yaml->stock), 0,
                                            REWARDS_IN_STOCK_MAX, &reward->stock);
    }
    if (error == JF_OK) {
        jf_value_path(path, "rewards[%u].per_member", number);
        error = jf_value_integer_or_default(value_at(reading, path, yaml->per_member), 1,
                                            REWARDS_IN_STOCK_MAX, &reward->per_member);
    }
    return error;
}

enum jf_error jf_programme_compile_rewards(const struct jf_reading *reading,
                                           const struct jf_yaml_programme *yaml)
{
    struct jf_programme *programme = reading->programme;
    uint32_t before = jf_programme_ground_count(programme);
    programme->rewards =
        jf_arena_calloc(&programme->arena, yaml->rewards_count, sizeof *programme->rewards);
    if (programme->rewards == NULL) {
        return jf_diagnose(reading->diagnosis, JF_ERROR_NO_MEMORY,
                           "no memory to read the programme");
    }
    for (uint32_t i = 0; i < yaml->rewards_count; i++) {
        struct jf_reward reward = {.ground = before + i + 1};
        enum jf_error error = reward_compile(reading, i, &yaml->rewards[i], &reward);
        if (error != JF_OK) {
            return error;
        }
        programme->rewards[i] = reward;
        programme->reward_count = i + 1;
    }
    return JF_OK;
}

const struct jf_reward *jf_programme_reward(const struct jf_programme *programme,
                                            struct jf_text code)
{
    const size_t prefix = sizeof REWARD_PREFIX - 1;
    for (uint32_t i = 0; i < programme->reward_count; i++) {
        const struct jf_reward *reward = &programme->rewards[i];
        if (jf_text_equal(jf_text_from(reward->ground_name + prefix), code)) {
            return reward;
        }
    }
    return NULL;
}
