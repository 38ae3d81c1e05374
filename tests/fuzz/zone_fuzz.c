// Time zones: any bytes as a TZif image, and as the rule in its footer. An instant's local time
// leads back to the first instant that shows it, and rules only move forward.
#include "base/assert.h"
#include "base/zone.h"
#include "base/zone_rule.h"
#include "tests/fuzz/fuzz.h"

#define DAY_MS      INT64_C(86400000)
#define STEP_MS     (INT64_C(1000003) * 1000 * 60) // about two years, at changing times of day
#define RULE_STEPS  32
#define CHANGES_MAX 64

static void instant_check(const struct jf_zone *zone, int64_t unix_ms)
{
    struct jf_local_time local = jf_zone_local(zone, unix_ms);
    JF_ASSERT(local.second_of_day >= 0);
    JF_ASSERT(local.second_of_day < 86400);
    int64_t first_ms = jf_zone_instant_ms(zone, local.date, local.second_of_day);
    JF_ASSERT(first_ms <= unix_ms);
    struct jf_local_time again = jf_zone_local(zone, first_ms);
    JF_ASSERT(again.date == local.date);
    JF_ASSERT(again.second_of_day == local.second_of_day);
}

static void zone_check(const struct jf_zone *zone)
{
    for (int64_t ms = 2 * DAY_MS; ms < (JF_DATE_MAX - 1) * DAY_MS; ms += STEP_MS) {
        instant_check(zone, ms / 1000 * 1000);
    }
    // Wall-clock times that clocks may skip must have an instant too.
    for (jf_date date = JF_DATE_MIN + 2; date < JF_DATE_MAX - 2; date += 977) {
        int64_t ms = jf_zone_instant_ms(zone, date, date % 86400);
        JF_ASSERT(ms > (date - 10) * DAY_MS);
        JF_ASSERT(ms < (date + 10) * DAY_MS);
    }
}

static void rule_check(struct jf_text text)
{
    struct jf_zone_rule rule;
    if (!jf_zone_rule_parse(text, &rule)) {
        return;
    }
    int64_t seconds = 0;
    for (int i = 0; i < RULE_STEPS; i++) {
        int32_t offset = jf_zone_rule_offset(&rule, seconds);
        JF_ASSERT(offset == rule.standard_offset || offset == rule.daylight_offset);
        int64_t next = jf_zone_rule_next(&rule, seconds);
        JF_ASSERT(next > seconds);
        if (next == INT64_MAX) {
            return;
        }
        JF_ASSERT(jf_zone_rule_offset(&rule, next - 1) == offset);
        seconds = next;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct jf_zone *zone = NULL;
    struct jf_diagnosis diagnosis = {.error = JF_OK};
    enum jf_error error = jf_zone_parse(bytes, size, &zone, &diagnosis);
    if (error == JF_OK) {
        zone_check(zone);
        jf_zone_destroy(zone);
    } else {
        JF_ASSERT(diagnosis.error == error);
        JF_ASSERT(diagnosis.text[0] != '\0');
    }
    rule_check((struct jf_text){(const char *)bytes, (uint32_t)size});
    return 0;
}
