// A programme's YAML: any bytes are read, checked and described, or refused with a sentence.
// Reading and checking agree on what a programme is.
#include <string.h>

#include "base/assert.h"
#include "base/limits.h"
#include "rules/programme.h"
#include "rules/programme_check.h"
#include "rules/programme_describe.h"
#include "tests/fuzz/fuzz.h"

#define FILE_NAME JF_TEXT("fuzz.yaml")

static void description_check(const struct jf_description *description)
{
    JF_ASSERT(description->size < JF_DESCRIPTION_MAX);
    JF_ASSERT(description->text[description->size] == '\0');
}

static void describe_all(const struct jf_programme *programme)
{
    struct jf_description words;
    for (uint32_t i = 0; i < jf_programme_rule_count(programme); i++) {
        words = (struct jf_description){.size = 0};
        jf_describe_rule(programme, i, &words);
        description_check(&words);
        words = (struct jf_description){.size = 0};
        jf_describe_when(programme, i, &words);
        description_check(&words);
        (void)jf_programme_rule_group(programme, i);
    }
    for (uint32_t i = 0; i < jf_programme_ground_count(programme); i++) {
        words = (struct jf_description){.size = 0};
        jf_describe_cap(programme, jf_programme_ground_name(programme, i), &words);
        description_check(&words);
    }
    words = (struct jf_description){.size = 0};
    jf_describe_earn(programme, &words);
    jf_describe_rounding(programme, &words);
    description_check(&words);
    for (uint32_t i = 0; i < jf_programme_tier_count(programme); i++) {
        JF_ASSERT(jf_programme_tier_name(programme, i).size <= JF_NAME_BYTES_MAX);
    }
}

static void on_finding(void *context, const struct jf_finding *finding)
{
    (void)context;
    JF_ASSERT(finding->line > 0);
    JF_ASSERT(finding->words->size > 0);
    description_check(finding->words);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size > JF_PROGRAMME_BYTES_MAX) {
        return 0;
    }
    struct jf_text yaml = {(const char *)bytes, (uint32_t)size};
    struct jf_programme *programme = NULL;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    enum jf_error error = jf_programme_parse(yaml, FILE_NAME, &programme, &diagnosis);
    if (error == JF_OK) {
        describe_all(programme);
        jf_programme_destroy(programme);
    } else {
        JF_ASSERT(diagnosis.error == error);
        JF_ASSERT(strncmp(diagnosis.text, "fuzz.yaml", strlen("fuzz.yaml")) == 0);
    }
    const struct jf_programme_check_input input = {
        .yaml = yaml, .file_name = FILE_NAME, .today = 20783, .on_finding = on_finding};
    enum jf_error checked = jf_programme_check(&input, &diagnosis);
    JF_ASSERT(checked == error);
    return 0;
}
