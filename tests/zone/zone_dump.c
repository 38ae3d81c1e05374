// Answers questions about time zones on standard input, one a line, for zone_crosscheck.py:
//   Z <name>                  the zone of the questions that follow
//   L <unix seconds>          → <days since 1970-01-01> <second of day> <offset>
//   I <days> <second of day>  → <unix seconds>
// Fails (exit 1) on a zone that cannot be loaded and on any other line.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/zone.h"

static bool zone_load(const char *name, struct jf_zone **zone)
{
    struct jf_diagnosis diagnosis = {0};
    jf_zone_destroy(*zone);
    *zone = NULL;
    if (jf_zone_load(NULL, jf_text_from(name), zone, &diagnosis) != JF_OK) {
        fprintf(stderr, "zone_dump: %s\n", diagnosis.text);
        return false;
    }
    return true;
}

static bool line_answer(const char *line, struct jf_zone **zone)
{
    char name[80];
    int64_t seconds = 0;
    int32_t date = 0;
    int32_t second_of_day = 0;
    if (sscanf(line, "Z %79s", name) == 1) {
        return zone_load(name, zone);
    }
    if (*zone == NULL) {
        return false;
    }
    if (sscanf(line, "L %" SCNd64, &seconds) == 1) {
        struct jf_local_time local = jf_zone_local(*zone, seconds * 1000);
        printf("%d %d %d\n", local.date, local.second_of_day, local.offset_seconds);
        return true;
    }
    if (sscanf(line, "I %" SCNd32 " %" SCNd32, &date, &second_of_day) == 2) {
        printf("%" PRId64 "\n", jf_zone_instant_ms(*zone, date, second_of_day) / 1000);
        return true;
    }
    return false;
}

int main(void)
{
    struct jf_zone *zone = NULL;
    char line[128];
    bool is_ok = true;
    while (is_ok && fgets(line, sizeof line, stdin) != NULL) {
        is_ok = line_answer(line, &zone);
    }
    if (!is_ok) {
        fprintf(stderr, "zone_dump: cannot answer: %s", line);
    }
    jf_zone_destroy(zone);
    return is_ok ? 0 : 1;
}
