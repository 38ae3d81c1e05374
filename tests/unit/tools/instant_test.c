// Instants: refused shapes first, then offsets, zones and the edges of summer time.
#include <criterion/criterion.h>

#include "tools/jifen/instant.h"

Test(instant, parse_refuses_what_is_no_instant)
{
    static const char *const texts[] = {
        "",
        "2017-01-18",
        "2017-01-18T",
        "2017-01-18T10",
        "2017-01-18T1:00",
        "2017-01-18T24:00:00",
        "2017-01-18T10:60:00",
        "2017-01-18T10:00:60",
        "2017-02-29T10:00:00",
        "2017-13-01T10:00:00",
        "1969-12-31T10:00:00",
        "2017-01-18T10:00:00.",
        "2017-01-18T10:00:00.1234",
        "2017-01-18T10:00:00ZZ",
        "2017-01-18T10:00:00+8",
        "2017-01-18T10:00:00+0800",
        "2017-01-18T10:00:00+16:00",
        "2017-01-18T10:00:00+08:60",
        "2017-01-18T10:00:00 Z",
        "2017-01-18X10:00:00",
        "2017/01/18T10:00:00",
    };
    struct jf_instant instant = {.date = -7};
    for (size_t at = 0; at < sizeof(texts) / sizeof(texts[0]); at++) {
        cr_assert(!jf_instant_parse(jf_text_from(texts[at]), &instant), "%s", texts[at]);
        cr_assert_eq(instant.date, -7, "%s: the output was touched", texts[at]);
    }
}

static int64_t ms_of(const char *text, const struct jf_zone *zone)
{
    struct jf_instant instant;
    cr_assert(jf_instant_parse(jf_text_from(text), &instant), "%s", text);
    return jf_instant_to_ms(&instant, zone);
}

Test(instant, an_offset_decides_whatever_the_zone)
{
    cr_assert_eq(ms_of("1970-01-01T00:00:00Z", NULL), 0);
    cr_assert_eq(ms_of("2017-01-18T10:00:00Z", NULL), 1484733600000);
    cr_assert_eq(ms_of("2017-01-18T18:00:00+08:00", NULL), 1484733600000);
    cr_assert_eq(ms_of("2017-01-18 04:30:00-05:30", NULL), 1484733600000);
    cr_assert_eq(ms_of("2017-01-18T10:00", NULL), 1484733600000);
    cr_assert_eq(ms_of("2017-01-18T10:00:00.5", NULL), 1484733600500);
    cr_assert_eq(ms_of("2017-01-18T10:00:00.042Z", NULL), 1484733600042);
}

Test(instant, local_times_follow_the_zone_over_summer_time)
{
    struct jf_zone *zone = NULL;
    struct jf_diagnosis diagnosis = {0};
    cr_assert_eq(jf_zone_load(NULL, JF_TEXT("America/New_York"), &zone, &diagnosis), JF_OK, "%s",
                 diagnosis.text);
    cr_assert_eq(ms_of("2017-01-18T05:00:00", zone), 1484733600000);
    // 12 March 2017, 2:30 does not exist: it is 3:30 summer time.
    cr_assert_eq(ms_of("2017-03-12T02:30:00", zone), ms_of("2017-03-12T07:30:00Z", NULL));
    // 5 November 2017, 1:30 is there twice: the earlier one.
    cr_assert_eq(ms_of("2017-11-05T01:30:00", zone), ms_of("2017-11-05T05:30:00Z", NULL));
    cr_assert_eq(ms_of("2017-01-18T10:00:00Z", zone), 1484733600000);
    jf_zone_destroy(zone);
}

Test(instant, format_writes_utc_and_dashes_for_no_date)
{
    char text[JF_INSTANT_TEXT_SIZE];
    char date[JF_DATE_TEXT_SIZE];
    jf_instant_format(1484733600000, text);
    cr_assert_str_eq(text, "2017-01-18 10:00:00Z");
    jf_instant_format(-1, text);
    cr_assert_str_eq(text, "-");
    jf_wire_date_format(20170118, date);
    cr_assert_str_eq(date, "2017-01-18");
    jf_wire_date_format(20170230, date);
    cr_assert_str_eq(date, "-");
    jf_wire_date_format(0, date);
    cr_assert_str_eq(date, "-");
}

Test(instant, wire_dates_go_both_ways)
{
    jf_date date = 0;
    cr_assert(jf_date_parse(JF_TEXT("2017-01-18"), &date));
    cr_assert_eq(jf_wire_date_from(date), 20170118);
    cr_assert_eq(jf_wire_date_from(JF_DATE_NONE), 0);
}
