// Parses programmes for tests and finds the samples beside the sources.
#include "programme_fixture.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct jf_programme *fixture_programme(const char *yaml)
{
    struct jf_diagnosis diagnosis = {0};
    struct jf_programme *programme = NULL;
    enum jf_error error =
        jf_programme_parse(jf_text_from(yaml), JF_TEXT("p.yaml"), &programme, &diagnosis);
    cr_assert_eq(error, JF_OK, "%s", diagnosis.text);
    cr_assert_not_null(programme);
    return programme;
}

const char *fixture_fault(const char *yaml)
{
    static struct jf_diagnosis diagnosis;
    struct jf_programme *programme = NULL;
    memset(&diagnosis, 0, sizeof diagnosis);
    enum jf_error error =
        jf_programme_parse(jf_text_from(yaml), JF_TEXT("p.yaml"), &programme, &diagnosis);
    cr_assert(error == JF_ERROR_INVALID || error == JF_ERROR_LIMIT, "accepted, or %s: %s",
              jf_error_name(error), yaml);
    cr_assert_eq(diagnosis.error, error);
    cr_assert_null(programme);
    return diagnosis.text;
}

char *fixture_sample(const char *name, size_t *out_size)
{
    static const char below[] = "tests/unit/rules/programme_fixture.c";
    char path[1024];
    size_t root = strlen(__FILE__) - (sizeof below - 1);
    cr_assert_str_eq(__FILE__ + root, below);
    snprintf(path, sizeof path, "%.*stools/samples/%s", (int)root, __FILE__, name);
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    char *bytes = calloc(1, 1 << 16);
    cr_assert_not_null(bytes);
    size_t size = fread(bytes, 1, (1 << 16) - 1, file);
    fclose(file);
    *out_size = size;
    return bytes;
}
