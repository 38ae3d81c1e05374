// Claims about time zones: damaged files are refused wherever they are cut, known changes of real
// clocks, gaps and overlaps. The files of the tz database must be installed: a store without its
// time zone cannot date a sale.
#include <criterion/criterion.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/zone.h"

#define IMAGE_MAX 4096u

static int64_t utc(int32_t year, int32_t month, int32_t day, int32_t hour, int32_t minute)
{
    jf_date date = jf_date_from_civil((struct jf_civil){year, month, day});
    return ((int64_t)date * 86400 + hour * 3600 + minute * 60) * 1000;
}

static struct jf_zone *zone_of(const char *name)
{
    struct jf_zone *zone = NULL;
    struct jf_diagnosis diagnosis = {0};
    cr_assert_eq(jf_zone_load(NULL, jf_text_from(name), &zone, &diagnosis), JF_OK, "%s",
                 diagnosis.text);
    return zone;
}

// Both sides of a change: the offset holds up to a millisecond before it, the next from it on.
static void change_is(const char *name, int64_t at_ms, int32_t before_minutes,
                      int32_t after_minutes)
{
    struct jf_zone *zone = zone_of(name);
    cr_assert_eq(jf_zone_local(zone, at_ms - 1).offset_seconds, before_minutes * 60);
    cr_assert_eq(jf_zone_local(zone, at_ms).offset_seconds, after_minutes * 60);
    jf_zone_destroy(zone);
}

static int64_t instant_of(struct jf_zone *zone, int32_t year, int32_t month, int32_t day,
                          int32_t hour, int32_t minute)
{
    jf_date date = jf_date_from_civil((struct jf_civil){year, month, day});
    return jf_zone_instant_ms(zone, date, hour * 3600 + minute * 60);
}

static enum jf_error parse(const unsigned char *bytes, size_t size)
{
    struct jf_zone *zone = NULL;
    struct jf_diagnosis diagnosis = {0};
    enum jf_error error = jf_zone_parse(bytes, size, &zone, &diagnosis);
    cr_assert_eq(error == JF_OK, zone != NULL);
    cr_assert_eq(error, diagnosis.error);
    jf_zone_destroy(zone);
    return error;
}

static void put_u32(unsigned char **at, uint32_t value)
{
    for (int32_t shift = 24; shift >= 0; shift -= 8) {
        *(*at)++ = (unsigned char)(value >> shift);
    }
}

static void put_u64(unsigned char **at, int64_t value)
{
    put_u32(at, (uint32_t)((uint64_t)value >> 32));
    put_u32(at, (uint32_t)value);
}

static void put_header(unsigned char **at, char version, uint32_t times, uint32_t leaps)
{
    memcpy(*at, "TZif", 4);
    (*at)[4] = (unsigned char)version;
    memset(*at + 5, 0, 15);
    *at += 20;
    put_u32(at, 2); // UT flags
    put_u32(at, 2); // standard flags
    put_u32(at, leaps);
    put_u32(at, times);
    put_u32(at, 2); // types: +8 h and +9 h
    put_u32(at, 8); // bytes of names
}

static void put_types(unsigned char **at, uint32_t leaps, uint32_t leap_size)
{
    put_u32(at, 28800);
    *(*at)++ = 0;
    *(*at)++ = 0;
    put_u32(at, 32400);
    *(*at)++ = 1;
    *(*at)++ = 4;
    memcpy(*at, "CST\0CDT\0", 8);
    *at += 8;
    memset(*at, 0, leaps * leap_size + 4); // leap seconds, then the flags
    *at += leaps * leap_size + 4;
}

// A small but complete file: two transitions, both blocks, a footer.
static size_t image_make(unsigned char image[IMAGE_MAX], uint32_t leaps, const char *footer)
{
    unsigned char *at = image;
    put_header(&at, '2', 2, leaps);
    put_u32(&at, 1000000);
    put_u32(&at, 2000000);
    memcpy(at, "\1\0", 2);
    at += 2;
    put_types(&at, leaps, 8);
    put_header(&at, '2', 2, leaps);
    put_u64(&at, 1000000);
    put_u64(&at, 2000000);
    memcpy(at, "\1\0", 2);
    at += 2;
    put_types(&at, leaps, 12);
    at += sprintf((char *)at, "\n%s\n", footer);
    return (size_t)(at - image);
}

Test(zone, names_that_could_leave_the_folder_are_refused)
{
    static const char *const refused[] = {
        "",
        "/etc/passwd",
        "../zone",
        "Asia/../../etc/passwd",
        "a..b",
        "Asia Shanghai",
        "Asia\\x",
        "Asia/\xe4\xb8\x8a",
        "01234567890123456789012345678901234567890123456789012345678901234"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        struct jf_zone *zone = NULL;
        struct jf_diagnosis diagnosis = {0};
        cr_assert_eq(jf_zone_load(NULL, jf_text_from(refused[i]), &zone, &diagnosis),
                     JF_ERROR_INVALID, "%s", refused[i]);
        cr_assert_null(zone);
        cr_assert_neq(diagnosis.text[0], '\0');
    }
}

Test(zone, a_zero_byte_in_a_name_is_refused)
{
    struct jf_zone *zone = NULL;
    cr_assert_eq(jf_zone_load(NULL, JF_TEXT("UTC\0x"), &zone, NULL), JF_ERROR_INVALID);
}

Test(zone, an_absent_zone_is_not_found_and_the_answer_names_it)
{
    struct jf_zone *zone = NULL;
    struct jf_diagnosis diagnosis = {0};
    cr_assert_eq(jf_zone_load(NULL, JF_TEXT("Asia/Atlantis"), &zone, &diagnosis),
                 JF_ERROR_NOT_FOUND);
    cr_assert_not_null(strstr(diagnosis.text, "Asia/Atlantis"));
    cr_assert_eq(jf_zone_load("/nonexistent", JF_TEXT("UTC"), &zone, NULL), JF_ERROR_NOT_FOUND);
    cr_assert_eq(jf_zone_load(NULL, JF_TEXT("UTC/x"), &zone, NULL), JF_ERROR_NOT_FOUND);
}

Test(zone, folders_pipes_and_huge_files_are_no_zones)
{
    char folder[] = "/tmp/jifen-zone-XXXXXX";
    char path[64];
    struct jf_zone *zone = NULL;
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(jf_zone_load("/tmp", jf_text_from(folder + 5), &zone, NULL), JF_ERROR_CORRUPT);
    snprintf(path, sizeof path, "%s/pipe", folder);
    cr_assert_eq(mkfifo(path, 0600), 0);
    cr_assert_eq(jf_zone_load(folder, JF_TEXT("pipe"), &zone, NULL), JF_ERROR_CORRUPT);
    unlink(path);
    snprintf(path, sizeof path, "%s/huge", folder);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    cr_assert_eq(ftruncate(fileno(file), (1 << 20) + 1), 0);
    fclose(file);
    cr_assert_eq(jf_zone_load(folder, JF_TEXT("huge"), &zone, NULL), JF_ERROR_CORRUPT);
    cr_assert_eq(truncate(path, 0), 0);
    cr_assert_eq(jf_zone_load(folder, JF_TEXT("huge"), &zone, NULL), JF_ERROR_CORRUPT);
    unlink(path);
    rmdir(folder);
}

Test(zone, an_image_cut_anywhere_is_corrupt)
{
    unsigned char image[IMAGE_MAX];
    size_t size = image_make(image, 0, "CST-8");
    cr_assert_eq(parse(image, size), JF_OK);
    for (size_t cut = 0; cut < size; cut++) {
        unsigned char *exact = malloc(cut + 1); // so that the sanitizer sees a byte too far
        memcpy(exact, image, cut);
        cr_assert_eq(parse(exact, cut), JF_ERROR_CORRUPT, "cut at %zu", cut);
        free(exact);
    }
    image[size] = '\n';
    cr_assert_eq(parse(image, size + 1), JF_ERROR_CORRUPT);
}

Test(zone, an_image_with_any_byte_changed_never_crashes)
{
    unsigned char image[IMAGE_MAX];
    size_t size = image_make(image, 0, "EST5EDT,M3.2.0,M11.1.0");
    for (size_t at = 0; at < size; at++) {
        for (uint32_t value = 0; value < 256; value++) {
            unsigned char saved = image[at];
            struct jf_zone *zone = NULL;
            image[at] = (unsigned char)value;
            if (jf_zone_parse(image, size, &zone, NULL) == JF_OK) {
                int64_t noon = jf_zone_instant_ms(zone, 20000, 43200);
                cr_assert_leq(llabs(noon - 20000 * (int64_t)86400000 - 43200000), 93600000);
                jf_zone_destroy(zone);
            }
            image[at] = saved;
        }
    }
}

Test(zone, contradictions_inside_an_image_are_corrupt)
{
    unsigned char image[IMAGE_MAX];
    size_t size = image_make(image, 0, "CST-8");
    size_t second = size - strlen("\nCST-8\n") - 18 - 12 - 12 - 44; // header of the 64-bit block
    cr_assert_eq(image[second], 'T');
    image[second + 44 + 5] ^= 0xff; // the first transition now comes after the second
    cr_assert_eq(parse(image, size), JF_ERROR_CORRUPT);
    image_make(image, 0, "CST-8");
    image[second + 44 + 16] = 2; // a type that is not there
    cr_assert_eq(parse(image, size), JF_ERROR_CORRUPT);
    image_make(image, 0, "CST-8");
    image[second + 44 + 18] = 0x7f; // an offset of many years
    cr_assert_eq(parse(image, size), JF_ERROR_CORRUPT);
    size = image_make(image, 0, "CST-9"); // the last transition says +8
    cr_assert_eq(parse(image, size), JF_ERROR_CORRUPT);
    size = image_make(image, 0, "noon");
    cr_assert_eq(parse(image, size), JF_ERROR_CORRUPT);
}

Test(zone, versions_to_come_are_told_apart_from_damage)
{
    unsigned char image[IMAGE_MAX];
    size_t size = image_make(image, 0, "CST-8");
    image[4] = '5';
    cr_assert_eq(parse(image, size), JF_ERROR_VERSION);
}

Test(zone, zones_that_count_leap_seconds_are_refused)
{
    unsigned char image[IMAGE_MAX];
    size_t size = image_make(image, 3, "CST-8");
    cr_assert_eq(parse(image, size), JF_ERROR_UNSUPPORTED);
}

Test(zone, an_empty_footer_keeps_the_last_offset)
{
    unsigned char image[IMAGE_MAX];
    struct jf_zone *zone = NULL;
    size_t size = image_make(image, 0, "");
    cr_assert_eq(jf_zone_parse(image, size, &zone, NULL), JF_OK);
    cr_assert_eq(jf_zone_local(zone, 999999999).offset_seconds, 28800);
    cr_assert_eq(jf_zone_local(zone, 1000000000).offset_seconds, 32400);
    cr_assert_eq(jf_zone_local(zone, 2000000000).offset_seconds, 28800);
    cr_assert_eq(jf_zone_local(zone, utc(2199, 12, 31, 23, 59)).offset_seconds, 28800);
    jf_zone_destroy(zone);
}

Test(zone, version_1_has_32_bit_times_and_no_footer)
{
    unsigned char image[IMAGE_MAX];
    struct jf_zone *zone = NULL;
    size_t size = 44 + 2 * 4 + 2 + 2 * 6 + 8 + 4;
    image_make(image, 0, "CST-8");
    image[4] = 0;
    cr_assert_eq(jf_zone_parse(image, size, &zone, NULL), JF_OK);
    cr_assert_eq(jf_zone_local(zone, 1500000000).offset_seconds, 32400);
    jf_zone_destroy(zone);
    cr_assert_eq(parse(image, size - 1), JF_ERROR_CORRUPT);
    cr_assert_eq(parse(image, size + 1), JF_ERROR_CORRUPT);
}

Test(zone, an_instant_outside_the_calendar_is_a_bug, .signal = SIGABRT)
{
    struct jf_zone *zone = NULL;
    cr_assert_eq(jf_zone_utc(&zone), JF_OK);
    (void)jf_zone_local(zone, INT64_MAX);
}

Test(zone, a_second_beyond_the_day_is_a_bug, .signal = SIGABRT)
{
    struct jf_zone *zone = NULL;
    cr_assert_eq(jf_zone_utc(&zone), JF_OK);
    (void)jf_zone_instant_ms(zone, 0, 86400);
}

Test(zone, destroy_accepts_nothing)
{
    jf_zone_destroy(NULL);
    cr_assert(true);
}

Test(zone, utc_is_the_instant_itself)
{
    struct jf_zone *built_in = NULL;
    struct jf_zone *loaded = zone_of("UTC");
    cr_assert_eq(jf_zone_utc(&built_in), JF_OK);
    for (int64_t at = 0; at < utc(2199, 12, 31, 0, 0); at += 86399999LL * 97) {
        struct jf_local_time local = jf_zone_local(built_in, at);
        cr_assert_eq(local.date, at / 86400000);
        cr_assert_eq(local.second_of_day, at / 1000 % 86400);
        cr_assert_eq(local.offset_seconds, 0);
        cr_assert_eq(jf_zone_local(loaded, at).second_of_day, local.second_of_day);
        cr_assert_eq(jf_zone_instant_ms(built_in, local.date, local.second_of_day),
                     at / 1000 * 1000);
    }
    jf_zone_destroy(loaded);
    jf_zone_destroy(built_in);
}

Test(zone, milliseconds_before_1970_round_down)
{
    struct jf_zone *zone = NULL;
    cr_assert_eq(jf_zone_utc(&zone), JF_OK);
    struct jf_local_time local = jf_zone_local(zone, -1);
    cr_assert_eq(local.date, -1);
    cr_assert_eq(local.second_of_day, 86399);
    jf_zone_destroy(zone);
}

Test(zone, shanghai_had_summer_time_from_1986_to_1991)
{
    change_is("Asia/Shanghai", utc(1986, 5, 3, 18, 0), 480, 540);
    change_is("Asia/Shanghai", utc(1986, 9, 13, 17, 0), 540, 480);
    change_is("Asia/Shanghai", utc(1987, 4, 11, 18, 0), 480, 540);
    change_is("Asia/Shanghai", utc(1991, 4, 13, 18, 0), 480, 540);
    change_is("Asia/Shanghai", utc(1991, 9, 14, 17, 0), 540, 480);
    change_is("Asia/Shanghai", utc(2018, 7, 1, 0, 0), 480, 480);
    change_is("Asia/Shanghai", utc(2150, 7, 1, 0, 0), 480, 480);
}

Test(zone, shanghai_midnight_changes_the_date)
{
    struct jf_zone *zone = zone_of("Asia/Shanghai");
    struct jf_local_time before = jf_zone_local(zone, utc(2018, 1, 17, 15, 59) + 59999);
    struct jf_local_time after = jf_zone_local(zone, utc(2018, 1, 17, 16, 0));
    cr_assert_eq(before.second_of_day, 86399);
    cr_assert_eq(after.second_of_day, 0);
    cr_assert_eq(after.date, before.date + 1);
    jf_zone_destroy(zone);
}

Test(zone, new_york_follows_its_rule_beyond_the_listed_years)
{
    change_is("America/New_York", utc(2026, 3, 8, 7, 0), -300, -240);
    change_is("America/New_York", utc(2026, 11, 1, 6, 0), -240, -300);
    change_is("America/New_York", utc(2045, 3, 12, 7, 0), -300, -240);
    change_is("America/New_York", utc(2045, 11, 5, 6, 0), -240, -300);
    change_is("America/New_York", utc(2199, 3, 10, 7, 0), -300, -240);
}

Test(zone, a_wall_clock_time_in_a_gap_moves_forward_by_the_gap)
{
    struct jf_zone *zone = zone_of("America/New_York");
    cr_assert_eq(instant_of(zone, 2026, 3, 8, 1, 59), utc(2026, 3, 8, 6, 59));
    cr_assert_eq(instant_of(zone, 2026, 3, 8, 2, 0), utc(2026, 3, 8, 7, 0));
    cr_assert_eq(instant_of(zone, 2026, 3, 8, 2, 30), utc(2026, 3, 8, 7, 30));
    cr_assert_eq(instant_of(zone, 2026, 3, 8, 3, 0), utc(2026, 3, 8, 7, 0));
    cr_assert_eq(instant_of(zone, 2045, 3, 12, 2, 30), utc(2045, 3, 12, 7, 30));
    jf_zone_destroy(zone);
}

Test(zone, a_wall_clock_time_in_an_overlap_is_the_earlier)
{
    struct jf_zone *zone = zone_of("America/New_York");
    cr_assert_eq(instant_of(zone, 2026, 11, 1, 0, 59), utc(2026, 11, 1, 4, 59));
    cr_assert_eq(instant_of(zone, 2026, 11, 1, 1, 30), utc(2026, 11, 1, 5, 30));
    cr_assert_eq(instant_of(zone, 2026, 11, 1, 2, 0), utc(2026, 11, 1, 7, 0));
    cr_assert_eq(instant_of(zone, 2045, 11, 5, 1, 30), utc(2045, 11, 5, 5, 30));
    jf_zone_destroy(zone);
}

Test(zone, lord_howe_moves_by_half_an_hour)
{
    change_is("Australia/Lord_Howe", utc(2025, 4, 5, 15, 0), 660, 630);
    change_is("Australia/Lord_Howe", utc(2025, 10, 4, 15, 30), 630, 660);
    struct jf_zone *zone = zone_of("Australia/Lord_Howe");
    cr_assert_eq(instant_of(zone, 2025, 10, 5, 2, 15), utc(2025, 10, 4, 15, 45));
    cr_assert_eq(instant_of(zone, 2025, 4, 6, 1, 45), utc(2025, 4, 5, 14, 45));
    jf_zone_destroy(zone);
}

Test(zone, casablanca_goes_back_for_ramadan)
{
    change_is("Africa/Casablanca", utc(2024, 3, 10, 2, 0), 60, 0);
    change_is("Africa/Casablanca", utc(2024, 4, 14, 2, 0), 0, 60);
}

Test(zone, dublin_has_negative_daylight_time_in_its_footer)
{
    change_is("Europe/Dublin", utc(2099, 3, 29, 1, 0), 0, 60);
    change_is("Europe/Dublin", utc(2099, 10, 25, 1, 0), 60, 0);
}

Test(zone, apia_left_out_a_day)
{
    struct jf_zone *zone = zone_of("Pacific/Apia");
    jf_date skipped = jf_date_from_civil((struct jf_civil){2011, 12, 30});
    int64_t at = jf_zone_instant_ms(zone, skipped, 43200);
    cr_assert_eq(jf_zone_local(zone, at).date, skipped + 1);
    cr_assert_eq(jf_zone_local(zone, at).second_of_day, 43200);
    jf_zone_destroy(zone);
}

Test(zone, going_there_and_back_keeps_the_wall_clock)
{
    static const char *const names[] = {"Asia/Shanghai", "America/New_York", "Australia/Lord_Howe",
                                        "Africa/Casablanca", "Asia/Kathmandu"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct jf_zone *zone = zone_of(names[i]);
        for (int64_t at = 0; at < utc(2199, 12, 31, 0, 0); at += 7919LL * 3607 * 1000) {
            struct jf_local_time local = jf_zone_local(zone, at);
            int64_t back = jf_zone_instant_ms(zone, local.date, local.second_of_day);
            struct jf_local_time again = jf_zone_local(zone, back);
            cr_assert_leq(back, at);
            cr_assert(again.date == local.date && again.second_of_day == local.second_of_day);
        }
        jf_zone_destroy(zone);
    }
}
