// Records of comma-separated text: broken ones first, each costing one line and no more.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/jifen/csv.h"

struct source {
    const char *bytes;
    uint32_t size;
    uint32_t at;
    uint32_t step; // bytes given at a time
    bool fails_at_end;
};

static int64_t source_read(void *context, void *bytes, uint32_t size,
                           struct jf_diagnosis *diagnosis)
{
    struct source *source = context;
    uint32_t left = source->size - source->at;
    uint32_t take = left < source->step ? left : source->step;
    take = take < size ? take : size;
    if (take == 0 && source->fails_at_end) {
        (void)jf_diagnose(diagnosis, JF_ERROR_IO, "the disk is gone");
        return -1;
    }
    memcpy(bytes, source->bytes + source->at, take);
    source->at += take;
    return take;
}

// Writes every record as [field|field], bad lines as !line, into out.
static void read_all(const char *bytes, uint32_t size, uint32_t step, char *out, size_t out_size)
{
    struct source source = {bytes, size, 0, step, false};
    struct jf_csv *csv = NULL;
    struct jf_csv_record record;
    cr_assert_eq(jf_csv_create(source_read, &source, &csv), JF_OK);
    out[0] = '\0';
    for (uint32_t turn = 0; turn < 1000; turn++) {
        enum jf_csv_result result = jf_csv_next(csv, &record);
        size_t used = strlen(out);
        if (result == JF_CSV_END) {
            break;
        }
        if (result == JF_CSV_BAD) {
            cr_assert_not_null(record.reason);
            (void)snprintf(out + used, out_size - used, "!%u", (unsigned)record.line);
            continue;
        }
        cr_assert_eq(result, JF_CSV_RECORD);
        for (uint32_t at = 0; at < record.field_count; at++) {
            (void)snprintf(out + used, out_size - used, "%s%.*s", at == 0 ? "[" : "|",
                           (int)record.fields[at].size, record.fields[at].data);
            used = strlen(out);
        }
        (void)snprintf(out + used, out_size - used, "]");
    }
    jf_csv_destroy(csv);
}

static void expect(const char *text, const char *wanted)
{
    static const uint32_t steps[] = {1, 2, 3, 7, 4096};
    for (size_t at = 0; at < sizeof(steps) / sizeof(steps[0]); at++) {
        char out[512];
        read_all(text, (uint32_t)strlen(text), steps[at], out, sizeof(out));
        cr_assert_str_eq(out, wanted, "step %u", steps[at]);
    }
}

Test(csv, a_quote_that_is_not_closed_costs_one_line)
{
    expect("a,b\nc,\"d\ne,f\ng,h\n", "[a|b]!2[e|f][g|h]");
    expect("a,\"b", "!1");
}

Test(csv, a_quote_inside_a_plain_field_is_bad)
{
    expect("a,b\"c\nd,e\n", "!1[d|e]");
}

Test(csv, text_behind_a_closing_quote_is_bad)
{
    expect("\"a\"b,c\nd,e\n", "!1[d|e]");
}

Test(csv, a_bad_line_begins_the_same_however_its_bytes_come)
{
    static const char bytes[] = "1234\"5678,x\n";
    for (uint32_t step = 1; step < sizeof bytes; step++) {
        struct source source = {bytes, sizeof bytes - 1, 0, step, false};
        struct jf_csv *csv = NULL;
        struct jf_csv_record record;
        cr_assert_eq(jf_csv_create(source_read, &source, &csv), JF_OK);
        cr_assert_eq(jf_csv_next(csv, &record), JF_CSV_BAD);
        cr_assert(jf_text_equal(record.start, JF_TEXT("1234\"5678")), "%u at a time", step);
        jf_csv_destroy(csv);
    }
}

Test(csv, a_zero_byte_and_a_lone_carriage_return_are_bad)
{
    char out[64];
    read_all("a,\0b\nc\n", 7, 4096, out, sizeof(out));
    cr_assert_str_eq(out, "!1[c]");
    expect("a\rb\nc\n", "!1[c]");
}

Test(csv, a_record_that_is_too_long_is_bad_and_reading_goes_on)
{
    uint32_t size = 6 * JF_CSV_RECORD_BYTES_MAX;
    char *text = malloc(size + 5);
    char out[64];
    cr_assert_not_null(text);
    memset(text, 'x', size);
    memcpy(text + size, "\nb,c\n", 5);
    read_all(text, size + 5, 4096, out, sizeof(out));
    cr_assert_str_eq(out, "!1[b|c]");
    free(text);
}

Test(csv, more_than_64_fields_are_bad)
{
    char text[256];
    memset(text, ',', 64);
    memcpy(text + 64, "\na\n", 4);
    expect(text, "!1[a]");
}

Test(csv, a_failing_source_is_told_and_stays_failed)
{
    struct source source = {"a,b\nc", 5, 0, 4096, true};
    struct jf_csv *csv = NULL;
    struct jf_csv_record record;
    cr_assert_eq(jf_csv_create(source_read, &source, &csv), JF_OK);
    cr_assert_eq(jf_csv_next(csv, &record), JF_CSV_RECORD);
    cr_assert_eq(jf_csv_next(csv, &record), JF_CSV_FAILED);
    cr_assert_eq(jf_csv_next(csv, &record), JF_CSV_FAILED);
    cr_assert_eq(jf_csv_diagnosis(csv)->error, JF_ERROR_IO);
    cr_assert_str_eq(jf_csv_diagnosis(csv)->text, "the disk is gone");
    jf_csv_destroy(csv);
}

Test(csv, plain_records_with_both_line_ends_and_none_at_the_end)
{
    expect("a,b\r\nc,d\ne,f", "[a|b][c|d][e|f]");
    expect("a,\n,b\n", "[a|][|b]");
    expect("", "");
    expect("\n\na\n\r\n", "[a]");
}

Test(csv, quoted_fields_hold_commas_quotes_and_line_ends)
{
    expect("\"a,b\",\"c\"\"d\"\n\"e\nf\",g\n", "[a,b|c\"d][e\nf|g]");
    expect("\"\",x\n", "[|x]");
    expect("\"a\"", "[a]");
}

Test(csv, lines_are_counted_over_quoted_line_ends)
{
    struct source source = {"\"a\n\n\",b\nc\n", 11, 0, 4096, false};
    struct jf_csv *csv = NULL;
    struct jf_csv_record record;
    cr_assert_eq(jf_csv_create(source_read, &source, &csv), JF_OK);
    cr_assert_eq(jf_csv_next(csv, &record), JF_CSV_RECORD);
    cr_assert_eq(record.line, 1);
    cr_assert_eq(jf_csv_next(csv, &record), JF_CSV_RECORD);
    cr_assert_eq(record.line, 4);
    jf_csv_destroy(csv);
}
