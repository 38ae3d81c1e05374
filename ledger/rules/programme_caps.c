// Compiles a programme's caps, when its rules are there.
//
// The happy path: each cap in listed order, the names of its rules turned into indexes. Failures: a
// value that is not allowed, a name given twice, a rule that is not listed, and no memory.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/programme_compile.h"

#define CAP_PREFIX         "cap:"
#define CAP_NAME_BYTES_MAX (JF_NAME_BYTES_MAX - (sizeof CAP_PREFIX - 1))
#define BASE_NAME          "base"

static enum jf_error no_memory(const struct jf_reading *reading)
{
    return jf_diagnose(reading->diagnosis, JF_ERROR_NO_MEMORY, "no memory to read the programme");
}

// The ground's name must be one of its own: a rule could be named "cap:..." too.
static enum jf_error name_compile(const struct jf_reading *reading, const char *path,
                                  const char *text, struct jf_cap *cap)
{
    const struct jf_programme *programme = reading->programme;
    struct jf_text name = {NULL, 0};
    enum jf_error error =
        jf_value_text((struct jf_value){reading, path, text}, CAP_NAME_BYTES_MAX, &name);
    if (error != JF_OK) {
        return error;
    }
    (void)snprintf(cap->ground_name, sizeof cap->ground_name, CAP_PREFIX "%.*s", (int)name.size,
                   name.data);
    bool is_taken = false;
    for (uint32_t i = 0; i < programme->cap_count; i++) {
        is_taken = is_taken || strcmp(programme->caps[i].ground_name, cap->ground_name) == 0;
    }
    for (uint32_t i = 0; i < programme->rule_count; i++) {
        is_taken = is_taken || strcmp(programme->rules[i].name, cap->ground_name) == 0;
    }
    return is_taken ? jf_outline_fault(reading->outline, reading->diagnosis, path,
                                       "another cap or rule has the name \"%.64s\": rename one",
                                       cap->ground_name)
                    : JF_OK;
}

static uint32_t rule_find(const struct jf_programme *programme, const char *name)
{
    uint32_t index = 0;
    while (index < programme->rule_count && strcmp(programme->rules[index].name, name) != 0) {
        index++;
    }
    return index;
}

static int index_compare(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static enum jf_error rules_compile(const struct jf_reading *reading, uint32_t number,
                                   const struct jf_yaml_cap *yaml, struct jf_cap *cap)
{
    const struct jf_programme *programme = reading->programme;
    cap->is_of_all = yaml->rules_count == 0;
    uint32_t *rules = jf_arena_calloc(&reading->programme->arena, yaml->rules_count, sizeof *rules);
    if (rules == NULL) {
        return no_memory(reading);
    }
    for (uint32_t i = 0; i < yaml->rules_count; i++) {
        if (strcmp(yaml->rules[i], BASE_NAME) == 0) {
            cap->has_base = true;
            continue;
        }
        uint32_t index = rule_find(programme, yaml->rules[i]);
        if (index == programme->rule_count) {
            char path[JF_OUTLINE_PATH_MAX];
            jf_value_path(path, "caps[%u].rules[%u]", number, i);
            return jf_outline_fault(reading->outline, reading->diagnosis, path,
                                    "\"%.64s\" is no rule: name one of rules, or base",
                                    yaml->rules[i]);
        }
        rules[cap->rule_count] = index;
        cap->rule_count++;
    }
    qsort(rules, cap->rule_count, sizeof *rules, index_compare);
    cap->rules = rules;
    return JF_OK;
}

static enum jf_error cap_compile(const struct jf_reading *reading, uint32_t number,
                                 const struct jf_yaml_cap *yaml, struct jf_cap *cap)
{
    static const char *const periods[] = {"receipt", "member_day", "member_month"};
    _Static_assert(JF_CAP_PER_RECEIPT == 0, "periods are in their order");
    _Static_assert(JF_COUNTER_CAP_DAY == 1, "likewise");
    _Static_assert(JF_COUNTER_CAP_MONTH == 2, "likewise");
    char path[JF_OUTLINE_PATH_MAX];
    jf_value_path(path, "caps[%u].name", number);
    enum jf_error error = name_compile(reading, path, yaml->name, cap);
    if (error == JF_OK) {
        jf_value_path(path, "caps[%u].per", number);
        error =
            jf_value_choice((struct jf_value){reading, path, yaml->per}, periods, 3, &cap->kind);
    }
    if (error == JF_OK) {
        jf_value_path(path, "caps[%u].points", number);
        error = jf_value_integer((struct jf_value){reading, path, yaml->points}, 1, JF_POINTS_MAX,
                                 &cap->points);
    }
    return error == JF_OK ? rules_compile(reading, number, yaml, cap) : error;
}

enum jf_error jf_programme_compile_caps(const struct jf_reading *reading,
                                        const struct jf_yaml_programme *yaml)
{
    struct jf_programme *programme = reading->programme;
    programme->caps = jf_arena_calloc(&programme->arena, yaml->caps_count, sizeof *programme->caps);
    if (programme->caps == NULL) {
        return no_memory(reading);
    }
    for (uint32_t i = 0; i < yaml->caps_count; i++) {
        struct jf_cap cap = {.ground = programme->rule_count + i + 1};
        enum jf_error error = cap_compile(reading, i, &yaml->caps[i], &cap);
        if (error != JF_OK) {
            return error;
        }
        programme->caps[i] = cap;
        programme->cap_count = i + 1;
    }
    return JF_OK;
}
