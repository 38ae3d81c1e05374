// Claims about reading programmes where memory runs out: whichever allocation fails, the reading
// fails with NO_MEMORY, says so, leaks nothing, and reads the same text well the next time.
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>

#include "nth.h"
#include "rules/programme.h"

#define TEXT_BYTES_MAX 65536u

static struct jf_text sample_read(const char *name, char *bytes)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", NTH_SAMPLES, name);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s", path);
    size_t size = fread(bytes, 1, TEXT_BYTES_MAX, file);
    (void)fclose(file);
    return (struct jf_text){bytes, (uint32_t)size};
}

static enum jf_error parse(struct jf_text yaml, struct jf_diagnosis *diagnosis)
{
    struct jf_programme *programme = NULL;
    enum jf_error error = jf_programme_parse(yaml, JF_TEXT("p.yaml"), &programme, diagnosis);
    cr_assert_eq(error == JF_OK, programme != NULL);
    jf_programme_destroy(programme);
    return error;
}

// Returns: allocations that failed, each in a reading of its own.
static uint64_t every_allocation_fails(struct jf_text yaml, uint64_t count)
{
    for (uint64_t number = 1;; number++) {
        struct jf_diagnosis diagnosis = {.text = ""};
        struct nth_plan plan = {.kinds = NTH_MEMORY, .first = number, .count = count};
        nth_begin(&plan);
        enum jf_error error = parse(yaml, &diagnosis);
        if (!nth_end()) {
            cr_assert_eq(error, JF_OK, "%s", diagnosis.text);
            return number - 1;
        }
        cr_assert_eq(error, JF_ERROR_NO_MEMORY, "%s: %s: %s", nth_what(), jf_error_text(error),
                     diagnosis.text);
        cr_assert(diagnosis.text[0] != '\0', "%s", nth_what());
    }
}

static void sample_fails(const char *name)
{
    char *bytes = malloc(TEXT_BYTES_MAX);
    cr_assert_not_null(bytes);
    struct jf_text yaml = sample_read(name, bytes);
    uint64_t once = every_allocation_fails(yaml, 1);
    cr_log_info("%s: %llu allocations", name, (unsigned long long)once);
    cr_assert(once > 100, "only %llu allocations", (unsigned long long)once);
    cr_assert_eq(every_allocation_fails(yaml, UINT64_MAX), once);
    free(bytes);
}

Test(nth_programme, pharmacy_sample_is_refused_at_each_allocation_and_read_the_next_time)
{
    sample_fails("programme-pharmacy.yaml");
}

Test(nth_programme, drug_store_sample_is_refused_at_each_allocation_and_read_the_next_time)
{
    sample_fails("programme-us-drug.yaml");
}
