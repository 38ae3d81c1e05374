// Receipts out of files: bad files and bad lines first; a receipt with a bad line is left out
// whole.
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "tools/jifen/receipts.h"

#define HEAD "receipt_id,store_id,member_id,sold_at,sku,category,quantity,amount,discount\n"

static struct jf_zone *zone;
static char path[64];
static char reports[2048];
static uint64_t bad_lines[64];
static uint32_t bad_count;
static struct jf_receipts_counts last_counts; // of expect_receipts

static void setup(void)
{
    struct jf_diagnosis diagnosis = {0};
    cr_assert_eq(jf_zone_load(NULL, JF_TEXT("America/New_York"), &zone, &diagnosis), JF_OK);
    (void)snprintf(path, sizeof(path), "/tmp/jifen-receipts-XXXXXX");
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    (void)close(fd);
    bad_count = 0;
    reports[0] = '\0';
}

static void teardown(void)
{
    (void)unlink(path);
    jf_zone_destroy(zone);
}

TestSuite(receipts, .init = setup, .fini = teardown);

static void on_bad(void *context, uint64_t line, const char *reason)
{
    (void)context;
    cr_assert_lt(bad_count, 64);
    bad_lines[bad_count++] = line;
    size_t used = strlen(reports);
    (void)snprintf(reports + used, sizeof(reports) - used, "%s\n", reason);
}

static void file_write(const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    cr_assert_geq(fputs(text, file), 0);
    cr_assert_eq(fclose(file), 0);
}

static enum jf_error file_open(struct jf_receipts **out, struct jf_diagnosis *diagnosis)
{
    struct jf_receipts_config config = {path, zone, on_bad, NULL};
    return jf_receipts_open(&config, out, diagnosis);
}

// The numbers of all receipts that are given out, each followed by its count of lines.
static void expect_receipts(const char *text, const char *wanted, enum jf_error wanted_end)
{
    struct jf_receipts *receipts = NULL;
    const struct jf_receipt *receipt = NULL;
    struct jf_diagnosis diagnosis = {0};
    char out[512] = "";
    bad_count = 0;
    reports[0] = '\0';
    if (text != NULL) {
        file_write(text);
    }
    cr_assert_eq(file_open(&receipts, &diagnosis), JF_OK, "%s", diagnosis.text);
    enum jf_error error = jf_receipts_next(receipts, &receipt, &diagnosis);
    while (error == JF_OK) {
        size_t used = strlen(out);
        (void)snprintf(out + used, sizeof(out) - used, "%s:%u ", receipt->number,
                       receipt->line_count);
        error = jf_receipts_next(receipts, &receipt, &diagnosis);
    }
    cr_assert_eq(error, wanted_end);
    cr_assert_str_eq(out, wanted);
    last_counts = *jf_receipts_counts(receipts);
    cr_assert_eq(last_counts.lines_bad, bad_count);
    jf_receipts_close(receipts);
}

Test(receipts, open_refuses_a_file_that_is_not_there)
{
    struct jf_receipts *receipts = NULL;
    struct jf_diagnosis diagnosis = {0};
    (void)unlink(path);
    cr_assert_eq(file_open(&receipts, &diagnosis), JF_ERROR_NOT_FOUND);
    cr_assert_not_null(strstr(diagnosis.text, path));
    cr_assert_null(receipts);
}

Test(receipts, open_refuses_an_empty_file_and_names_a_missing_column)
{
    struct jf_receipts *receipts = NULL;
    struct jf_diagnosis diagnosis = {0};
    cr_assert_eq(file_open(&receipts, &diagnosis), JF_ERROR_INVALID);
    file_write("receipt_id,store_id,member_id,sold_at,sku,category,quantity,discount\n");
    cr_assert_eq(file_open(&receipts, &diagnosis), JF_ERROR_INVALID);
    cr_assert_not_null(strstr(diagnosis.text, "\"amount\""));
}

Test(receipts, a_bad_field_is_told_by_line_and_leaves_its_receipt_out)
{
    static const struct {
        const char *line;
        const char *reason;
    } rows[] = {
        {"2,0,7,2017-01-01T10:00:00,s,c,1,1.00,0\n", "store_id \"0\""},
        {"2,x,7,2017-01-01T10:00:00,s,c,1,1.00,0\n", "store_id \"x\""},
        {"2,4294967296,7,2017-01-01T10:00:00,s,c,1,1.00,0\n", "store_id \"4294967296\""},
        {"2,1,0,2017-01-01T10:00:00,s,c,1,1.00,0\n", "member_id \"0\""},
        {"2,1,7,2017-01-32T10:00:00,s,c,1,1.00,0\n", "sold_at \"2017-01-32"},
        {"2,1,7,2017-01-01T10:00:00,,c,1,1.00,0\n", "sku \"\""},
        {"2,1,7,2017-01-01T10:00:00,123456789012345678901234567890123,c,1,1.00,0\n",
         "sku is longer"},
        {"2,1,7,2017-01-01T10:00:00,s,c,-1,1.00,0\n", "quantity \"-1\""},
        {"2,1,7,2017-01-01T10:00:00,s,c,1.0001,1.00,0\n", "quantity \"1.0001\""},
        {"2,1,7,2017-01-01T10:00:00,s,c,1,1.005,0\n", "amount \"1.005\""},
        {"2,1,7,2017-01-01T10:00:00,s,c,1,-1.00,0\n", "amount \"-1.00\""},
        {"2,1,7,2017-01-01T10:00:00,s,c,1,10000000000.01,0\n", "amount \"10000000000.01\""},
        {"2,1,7,2017-01-01T10:00:00,s,c,1\n", "7 fields where the first line has 9"},
        {"2,1,7,2017-01-01T10:00:00,s,c,1,\"1.00,0\n", "quote is not closed"},
        {",1,7,2017-01-01T10:00:00,s,c,1,1.00,0\n", "receipt_id is empty"},
        {"123456789012345678901234567890123,1,7,2017-01-01T10:00:00,s,c,1,1,0\n",
         "receipt_id is longer"},
    };
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        char text[1024];
        (void)snprintf(text, sizeof(text),
                       HEAD "1,1,7,2017-01-01T09:00:00,s,c,1,1.00,0\n%s"
                            "3,1,7,2017-01-01T11:00:00,s,c,1,1.00,0\n",
                       rows[at].line);
        expect_receipts(text, "1:1 3:1 ", JF_ERROR_NOT_FOUND);
        cr_assert_eq(bad_count, 1, "row %zu", at);
        cr_assert_eq(bad_lines[0], 3);
        cr_assert_not_null(strstr(reports, rows[at].reason), "row %zu: %s", at, reports);
    }
}

Test(receipts, a_bad_line_takes_its_good_neighbours_with_it)
{
    static const char *const bad[] = {
        "2,1,7,2017-01-01T10:00:00,s,c,1,oops,0\n",   // a field
        "2,1,7,2017-01-01T10:00:00,s,c,1,\"1.00,0\n", // no fields, but its number shows
        "\"2,1,7,2017-01-01T10:00:00,s,c,1,1.00,0\n",
        "2,1,7\n",
    };
    const char *good = "2,1,7,2017-01-01T10:00:00,s,c,1,1.00,0\n";
    const char *other = "3,1,7,2017-01-01T10:00:00,s,c,1,1.00,0\n";
    for (size_t at = 0; at < 4; at++) {
        char text[1024];
        (void)snprintf(text, sizeof(text), HEAD "%s%s%s%s", good, bad[at], good, other);
        expect_receipts(text, "3:1 ", JF_ERROR_NOT_FOUND);
        (void)snprintf(text, sizeof(text), HEAD "%s%s%s", bad[at], good, other);
        expect_receipts(text, "3:1 ", JF_ERROR_NOT_FOUND);
        (void)snprintf(text, sizeof(text), HEAD "%s%s%s", good, bad[at], other);
        expect_receipts(text, "3:1 ", JF_ERROR_NOT_FOUND);
    }
}

Test(receipts, lines_that_disagree_about_their_receipt_leave_it_out)
{
    expect_receipts(HEAD "2,1,7,2017-01-01T10:00:00,s,c,1,1.00,0\n"
                         "2,1,8,2017-01-01T10:00:00,s,c,1,1.00,0\n"
                         "3,1,7,2017-01-01T10:00:00,s,c,1,1.00,0\n",
                    "3:1 ", JF_ERROR_NOT_FOUND);
    cr_assert_not_null(strstr(reports, "another store, member or time"));
}

Test(receipts, more_than_500_lines_leave_the_receipt_out)
{
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    (void)fputs(HEAD, file);
    for (uint32_t at = 0; at < 501 + 500; at++) {
        (void)fprintf(file, "%d,1,7,2017-01-01T10:00:00,s,c,1,1.00,0\n", at < 501 ? 2 : 3);
    }
    cr_assert_eq(fclose(file), 0);
    expect_receipts(NULL, "3:500 ", JF_ERROR_NOT_FOUND);
    cr_assert_eq(bad_count, 1);
    cr_assert_eq(bad_lines[0], 502);
}

// Writes 2000 receipts of one line, compressed, and keeps the first `size` bytes.
static void zip_write_cut(off_t size)
{
    gzFile file = gzopen(path, "wb");
    cr_assert_not_null(file);
    (void)gzputs(file, HEAD);
    for (uint32_t at = 1; at <= 2000; at++) {
        (void)gzprintf(file, "%u,1,%u,2017-01-01T10:00:00,s%u,c,1,1.00,0\n", at, at * 7919, at);
    }
    cr_assert_eq(gzclose(file), Z_OK);
    cr_assert_eq(truncate(path, size), 0);
}

Test(receipts, a_gzip_file_that_is_cut_short_gives_all_but_its_last_receipt)
{
    zip_write_cut(8000);
    struct jf_receipts *receipts = NULL;
    const struct jf_receipt *receipt = NULL;
    struct jf_diagnosis diagnosis = {0};
    cr_assert_eq(file_open(&receipts, &diagnosis), JF_OK, "%s", diagnosis.text);
    enum jf_error error = JF_OK;
    uint32_t count = 0;
    while (error == JF_OK && count < 3000) {
        error = jf_receipts_next(receipts, &receipt, &diagnosis);
        count += error == JF_OK;
    }
    const struct jf_receipts_counts *counts = jf_receipts_counts(receipts);
    cr_assert_eq(error, JF_ERROR_NOT_FOUND);
    cr_assert_gt(count, 100);
    cr_assert_eq(counts->receipts, count);
    cr_assert_eq(counts->receipts_left_out, 1);
    cr_assert_eq(counts->lines_bad, 1);
    // Behind the first line, the receipts given and the one left out.
    cr_assert_eq(counts->cut_line, count + 3);
    cr_assert_eq(bad_lines[0], counts->cut_line);
    cr_assert_not_null(strstr(reports, path));
    cr_assert_not_null(strstr(reports, "may be incomplete and is left out"));
    cr_assert_eq(jf_receipts_next(receipts, &receipt, &diagnosis), JF_ERROR_NOT_FOUND);
    cr_assert_eq(bad_count, 1);
    jf_receipts_close(receipts);
}

Test(receipts, a_gzip_file_that_is_cut_in_its_first_line_cannot_be_opened)
{
    zip_write_cut(12);
    struct jf_receipts *receipts = NULL;
    struct jf_diagnosis diagnosis = {0};
    cr_assert_eq(file_open(&receipts, &diagnosis), JF_ERROR_INVALID);
    cr_assert_not_null(strstr(diagnosis.text, path));
}

Test(receipts, a_last_line_that_is_cut_leaves_its_receipt_out)
{
    static const struct {
        const char *end; // behind receipts 1 and 22, of one line each
        const char *wanted;
        uint64_t left_out;
    } rows[] = {
        {"", "1:1 22:1 ", 0},
        {"22,1,7,2017-01-01T10:00:00,s,c,1,1.00,0", "1:1 ", 1}, // whole, or 0.50 of discount
        {"22,1,7,2017-01-01T10:00:00,s,c,1,1.0", "1:1 ", 1},
        {"22,", "1:1 ", 1},
        {"2", "1:1 ", 1}, // of 22, perhaps
        {"\"2", "1:1 ", 1},
        {"3,1,7,2017-01-01T10:00:00,s,c,1,1.00,0", "1:1 22:1 ", 1},
        {"3,1,7,2017-01-01T10:00:00,s,c,1,1.00,0\r", "1:1 22:1 ", 1},
        {"3,1,7", "1:1 22:1 ", 0}, // never was a receipt
    };
    for (size_t at = 0; at < sizeof(rows) / sizeof(rows[0]); at++) {
        char text[1024];
        (void)snprintf(text, sizeof(text),
                       HEAD "1,1,7,2017-01-01T09:00:00,s,c,1,1.00,0\n"
                            "22,1,7,2017-01-01T10:00:00,s,c,1,1.00,0\n%s",
                       rows[at].end);
        expect_receipts(text, rows[at].wanted, JF_ERROR_NOT_FOUND);
        cr_assert_eq(bad_count, rows[at].end[0] != '\0', "row %zu", at);
        cr_assert_eq(bad_count == 0 || bad_lines[0] == 4, true, "row %zu", at);
        cr_assert_eq(bad_count == 0 || strstr(reports, "may be cut") != NULL, true, "row %zu: %s",
                     at, reports);
        cr_assert_eq(last_counts.receipts_left_out, rows[at].left_out, "row %zu", at);
        cr_assert_eq(last_counts.cut_line, bad_count == 0 ? 0 : 4, "row %zu", at);
    }
}

Test(receipts, lines_that_do_not_stand_together_are_one_bad_line)
{
    expect_receipts(HEAD "2,1,7,2017-01-01T10:00:00,s,c,1,1.00,0\n"
                         "2,1,7,2017-01-01T10:00:00,t,c,1,1.00,0\n"
                         "3,1,7,2017-01-01T11:00:00,s,c,1,1.00,0\n"
                         "2,1,7,2017-01-01T10:00:00,u,c,1,1.00,0\n"
                         "2,1,7,2017-01-01T10:00:00,v,c,1,1.00,0\n"
                         "4,1,7,2017-01-01T12:00:00,s,c,1,1.00,0\n",
                    "2:2 3:1 4:1 ", JF_ERROR_NOT_FOUND);
    cr_assert_eq(bad_count, 1);
    cr_assert_eq(bad_lines[0], 5);
    cr_assert_not_null(strstr(reports, "receipt 2 of store 1 was there before"));
    cr_assert_eq(last_counts.receipts_left_out, 1);
}

Test(receipts, the_rest_of_a_receipt_that_was_left_out_is_left_out_too)
{
    expect_receipts(HEAD "2,1,7,2017-01-01T10:00:00,s,c,1,oops,0\n"
                         "3,1,7,2017-01-01T11:00:00,s,c,1,1.00,0\n"
                         "2,1,7,2017-01-01T10:00:00,u,c,1,1.00,0\n",
                    "3:1 ", JF_ERROR_NOT_FOUND);
    cr_assert_eq(bad_count, 2);
    cr_assert_eq(bad_lines[1], 4);
}

Test(receipts, stores_may_use_the_same_numbers)
{
    expect_receipts(HEAD "2,1,7,2017-01-01T10:00:00,s,c,1,1.00,0\n"
                         "3,1,7,2017-01-01T11:00:00,s,c,1,1.00,0\n"
                         "2,5,7,2017-01-01T10:00:00,u,c,1,1.00,0\n",
                    "2:1 3:1 2:1 ", JF_ERROR_NOT_FOUND);
    cr_assert_eq(bad_count, 0);
}

Test(receipts, fields_are_taken_exactly_and_columns_may_change_places)
{
    file_write("\xef\xbb\xbfmember_id,amount,quantity,category,sku,sold_at,store_id,receipt_id\r\n"
               "18446744073709551615,0.29,16384,\"A,B\",9,2017-07-01T10:00:00,31782,R-1\r\n"
               "18446744073709551615,0,0,,x,2017-07-01T10:00:00,31782,R-1\r\n");
    struct jf_receipts *receipts = NULL;
    const struct jf_receipt *receipt = NULL;
    struct jf_diagnosis diagnosis = {0};
    cr_assert_eq(file_open(&receipts, &diagnosis), JF_OK, "%s", diagnosis.text);
    cr_assert_eq(jf_receipts_next(receipts, &receipt, &diagnosis), JF_OK, "%s", reports);
    cr_assert_str_eq(receipt->number, "R-1");
    cr_assert_eq(receipt->member, UINT64_MAX);
    cr_assert_eq(receipt->store, 31782);
    cr_assert_eq(receipt->sold_at_ms, 1498917600000); // 14:00 UTC
    cr_assert_eq(receipt->file_line, 2);
    cr_assert_eq(receipt->line_count, 2);
    cr_assert_eq(receipt->lines[0].amount, 29);
    cr_assert_eq(receipt->lines[0].quantity_milli, 16384000);
    cr_assert_str_eq(receipt->lines[0].category, "A,B");
    cr_assert_str_eq(receipt->lines[1].category, "");
    cr_assert_eq(receipt->lines[1].amount, 0);
    cr_assert_eq(jf_receipts_next(receipts, &receipt, &diagnosis), JF_ERROR_NOT_FOUND);
    jf_receipts_close(receipts);
}
