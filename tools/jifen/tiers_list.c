// A change as a line: who, from which level and class to which, and why. Fails only in asking for
// the programme.
#include "tools/jifen/tiers_list.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/jifen/instant.h"

#define DAY_MS ((int64_t)86400000)

static void names_copy(char to[JF_TIERS_NAMES_MAX][72], uint32_t first, char *const *names,
                       size_t count)
{
    for (size_t at = 0; at < count && first + at < JF_TIERS_NAMES_MAX; at++) {
        (void)snprintf(to[first + at], sizeof(to[0]), "%s", names[at]);
    }
}

enum jf_exit jf_tiers_names_load(struct jf_session *session, int32_t as_of,
                                 struct jf_tiers_names *out_names)
{
    const struct jf_civil civil = {as_of / 10000, as_of / 100 % 100, as_of % 100};
    int64_t end_ms = ((int64_t)jf_date_from_civil(civil) + 1) * DAY_MS - 1;
    Jifen__V1__GetProgrammeRequest request = JIFEN__V1__GET_PROGRAMME_REQUEST__INIT;
    const Jifen__V1__GetProgrammeResponse *programme = NULL;
    memset(out_names, 0, sizeof(*out_names));
    do {
        const ProtobufCMessage *message = NULL;
        enum jf_exit code =
            jf_session_call(session, "/jifen.v1.Programmes/Get", &request.base,
                            &jifen__v1__get_programme_response__descriptor, &message);
        if (code != JF_EXIT_OK) {
            return code;
        }
        programme = (const Jifen__V1__GetProgrammeResponse *)message;
        request.version = programme->version - 1;
    } while (programme->effective_from_ms > end_ms && request.version > 0);
    names_copy(out_names->levels, 0, programme->tier_names, programme->n_tier_names);
    names_copy(out_names->classes, 1, programme->class_names, programme->n_class_names);
    return JF_EXIT_OK;
}

static const char *name_of(const char names[JF_TIERS_NAMES_MAX][72], uint32_t number)
{
    return number < JF_TIERS_NAMES_MAX ? names[number] : "";
}

static const char *reason_of(Jifen__V1__TierWhy why)
{
    switch (why) {
    case JIFEN__V1__TIER_WHY__TIER_WHY_UP:
        return "the window reaches a higher level";
    case JIFEN__V1__TIER_WHY__TIER_WHY_DOWN:
        return "the window reaches a lower level only";
    case JIFEN__V1__TIER_WHY__TIER_WHY_ONE_DOWN:
        return "the window reaches a lower level only: down by one";
    case JIFEN__V1__TIER_WHY__TIER_WHY_HAND_ENDED:
        return "the last day of the level given by hand is over";
    case JIFEN__V1__TIER_WHY__TIER_WHY_CLASS:
        return "activity class only";
    default:
        return "";
    }
}

// As RFC 4180 has it: in quotes, and quotes twice.
static void csv_text(FILE *file, const char *text)
{
    (void)fputc('"', file);
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"') {
            (void)fputc('"', file);
        }
        (void)fputc(*at, file);
    }
    (void)fputc('"', file);
}

void jf_tiers_csv_begin(FILE *file)
{
    (void)fputs(
        "member,from_level,from,to_level,to,from_class,to_class,spend,visits,points,reason\n",
        file);
}

void jf_tiers_csv_row(FILE *file, const struct jf_tiers_names *names,
                      const Jifen__V1__TierChange *change)
{
    (void)fprintf(file, "%" PRIu64 ",%" PRIu32 ",", change->member, change->from);
    csv_text(file, name_of(names->levels, change->from));
    (void)fprintf(file, ",%" PRIu32 ",", change->to);
    csv_text(file, name_of(names->levels, change->to));
    (void)fputc(',', file);
    csv_text(file, name_of(names->classes, change->class_from));
    (void)fputc(',', file);
    csv_text(file, name_of(names->classes, change->class_to));
    (void)fprintf(file, ",%" PRId64 ".%02" PRId64 ",%" PRIu32 ",%" PRId64 ",", change->spend / 100,
                  change->spend % 100, change->visits, change->points);
    csv_text(file, reason_of(change->why));
    (void)fputc('\n', file);
}

void jf_tiers_row_print(const struct jf_tiers_names *names, const Jifen__V1__TierChange *change)
{
    (void)printf("member %" PRIu64 ": ", change->member);
    if (change->from != change->to) {
        (void)printf("level %s to %s", name_of(names->levels, change->from),
                     name_of(names->levels, change->to));
    } else {
        (void)printf("level %s", name_of(names->levels, change->to));
    }
    if (change->class_from != change->class_to) {
        const char *before = name_of(names->classes, change->class_from);
        (void)printf(", class %s to %s", before[0] == '\0' ? "none" : before,
                     name_of(names->classes, change->class_to));
    }
    (void)printf(": %s (spend %" PRId64 ".%02" PRId64 ", %" PRIu32 " visits, %" PRId64 " points)\n",
                 reason_of(change->why), change->spend / 100, change->spend % 100, change->visits,
                 change->points);
}
