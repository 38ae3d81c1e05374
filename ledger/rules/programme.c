// A programme from its text to its parts.
//
// The happy path: bounds, outline (where everything stands), schema and reading, compiling.
// Failures: text above the limit, whatever the stages diagnose, and no memory; nothing is left
// behind then.
#include "rules/programme.h"

#include <stdlib.h>

#include "base/assert.h"
#include "rules/programme_compile.h"

#define PROGRAMME_CHUNK_BYTES 16384u
#define PROGRAMME_BYTES_MAX   ((size_t)64 << 20) // what 1 MiB of YAML compiles to is far less

static enum jf_error document_compile(const struct jf_outline *outline, struct jf_text yaml,
                                      struct jf_programme *programme,
                                      struct jf_diagnosis *diagnosis)
{
    struct jf_yaml_programme *document = NULL;
    enum jf_error error = jf_yaml_load(outline, yaml, &document, diagnosis);
    if (error == JF_OK) {
        struct jf_reading reading = {outline, diagnosis, programme};
        error = jf_programme_compile(&reading, document);
    }
    jf_yaml_free(document);
    return error;
}

static struct jf_programme *programme_create(void)
{
    struct jf_programme *programme = calloc(1, sizeof *programme);
    if (programme != NULL) {
        jf_arena_init(&programme->arena, PROGRAMME_CHUNK_BYTES, PROGRAMME_BYTES_MAX);
    }
    return programme;
}

enum jf_error jf_programme_parse(struct jf_text yaml, struct jf_text file_name,
                                 struct jf_programme **out_programme,
                                 struct jf_diagnosis *diagnosis)
{
    if (yaml.size > JF_PROGRAMME_BYTES_MAX) {
        return jf_diagnose(diagnosis, JF_ERROR_LIMIT,
                           "the programme has %u bytes: at most %u are allowed", yaml.size,
                           JF_PROGRAMME_BYTES_MAX);
    }
    if (yaml.size == 0) {
        yaml = JF_TEXT("");
    }
    struct jf_programme *programme = programme_create();
    if (programme == NULL) {
        return jf_diagnose(diagnosis, JF_ERROR_NO_MEMORY, "no memory to read the programme");
    }
    struct jf_outline outline;
    enum jf_error error = jf_outline_init(&outline, yaml, file_name, diagnosis);
    if (error == JF_OK) {
        error = document_compile(&outline, yaml, programme, diagnosis);
    }
    jf_outline_deinit(&outline);
    if (error != JF_OK) {
        jf_programme_destroy(programme);
        return error;
    }
    *out_programme = programme;
    return JF_OK;
}

void jf_programme_destroy(struct jf_programme *programme)
{
    if (programme != NULL) {
        jf_arena_deinit(&programme->arena);
        free(programme);
    }
}

struct jf_text jf_programme_name(const struct jf_programme *programme)
{
    return jf_text_from(programme->name);
}

int64_t jf_programme_effective_from_ms(const struct jf_programme *programme)
{
    return programme->effective_from_ms;
}

uint32_t jf_programme_tier_count(const struct jf_programme *programme)
{
    return programme->tier_count;
}

struct jf_text jf_programme_tier_name(const struct jf_programme *programme, uint32_t tier)
{
    JF_ASSERT(tier < programme->tier_count);
    return jf_text_from(programme->tiers[tier].name);
}

uint32_t jf_programme_class_count(const struct jf_programme *programme)
{
    return programme->class_count;
}

struct jf_text jf_programme_class_name(const struct jf_programme *programme, uint32_t number)
{
    JF_ASSERT(number >= 1);
    JF_ASSERT(number <= programme->class_count);
    return jf_text_from(programme->classes[number - 1].name);
}

uint32_t jf_programme_rule_count(const struct jf_programme *programme)
{
    return programme->rule_count;
}

uint32_t jf_programme_ground_count(const struct jf_programme *programme)
{
    return programme->rule_count + programme->cap_count + programme->reward_count;
}

struct jf_text jf_programme_ground_name(const struct jf_programme *programme, uint32_t index)
{
    JF_ASSERT(index < jf_programme_ground_count(programme));
    if (index < programme->rule_count) {
        return jf_text_from(programme->rules[index].name);
    }
    index -= programme->rule_count;
    if (index < programme->cap_count) {
        return jf_text_from(programme->caps[index].ground_name);
    }
    return jf_text_from(programme->rewards[index - programme->cap_count].ground_name);
}

void jf_programme_set_ground(struct jf_programme *programme, uint32_t index, uint32_t ground)
{
    JF_ASSERT(index < jf_programme_ground_count(programme));
    JF_ASSERT(ground > 0);
    if (index < programme->rule_count) {
        programme->rules[index].reason = ground;
        return;
    }
    index -= programme->rule_count;
    if (index < programme->cap_count) {
        programme->caps[index].ground = ground;
    } else {
        programme->rewards[index - programme->cap_count].ground = ground;
    }
}

bool jf_programme_redemption_rate(const struct jf_programme *programme, int64_t *out_points,
                                  int64_t *out_amount)
{
    if (programme->redemption.points == 0) {
        return false;
    }
    *out_points = programme->redemption.points;
    *out_amount = programme->redemption.amount;
    return true;
}
