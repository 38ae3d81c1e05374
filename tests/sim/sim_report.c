// See sim_report.h.
#include "sim_report.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const fault_names[SIM_FAULT_COUNT] = {
#define SIM_FAULT_NAME(id, text) [SIM_FAULT_##id] = text,
    SIM_FAULTS(SIM_FAULT_NAME)
#undef SIM_FAULT_NAME
};

static const char *const row_names[JF_TAIL_ROW_COUNT] = {
#define ROW_NAME(id, verdict, error, text) [JF_TAIL_ROW_##id] = #id,
    JF_TAIL_ROWS(ROW_NAME)
#undef ROW_NAME
};

void sim_report_print(const struct sim_counts *counts)
{
    printf("recovery table:");
    for (uint32_t i = 0; i < JF_TAIL_ROW_COUNT; i++) {
        printf(" %s %" PRIu64, row_names[i], counts->rows[i]);
    }
    printf("\n%" PRIu64 " seeds, %" PRIu64 " crashes;", counts->seeds, counts->crashes);
    for (uint32_t i = 0; i < SIM_FAULT_COUNT; i++) {
        printf(" %s %" PRIu64 "%s", fault_names[i], counts->faults[i],
               i + 1 < SIM_FAULT_COUNT ? "," : ";");
    }
    printf(" %" PRIu64 " starts refused and repaired; %" PRIu64 " answers checked, %" PRIu64
           " of them retries, %" PRIu64 " questions, %" PRIu64 " replays from nothing\n",
           counts->refused_openings, counts->answers, counts->retries, counts->questions,
           counts->replays);
}

bool sim_report_has_rows(const struct sim_counts *counts)
{
    for (uint32_t i = 0; i < JF_TAIL_ROW_COUNT; i++) {
        if (counts->rows[i] == 0) {
            return false;
        }
    }
    return true;
}

void sim_report_progress(const struct sim_counts *counts, uint64_t seed)
{
    printf("seed %" PRIu64 ": %" PRIu64 " seeds, %" PRIu64 " crashes, %" PRIu64
           " answers checked, nothing failed\n",
           seed, counts->seeds, counts->crashes, counts->answers);
}

static void text_put(FILE *file, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\') {
            fputc('\\', file);
        }
        fputc((unsigned char)*at < ' ' ? ' ' : *at, file);
    }
}

bool sim_report_json(const struct sim_counts *counts, const char *path, const char *failure,
                     uint64_t seed)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        return false;
    }
    fprintf(file, "{\"seeds\": %" PRIu64 ", \"crashes\": %" PRIu64 ", \"openings\": %" PRIu64,
            counts->seeds, counts->crashes, counts->openings);
    fprintf(file, ", \"refused_openings\": %" PRIu64 ", \"answers\": %" PRIu64,
            counts->refused_openings, counts->answers);
    fprintf(file, ", \"retries\": %" PRIu64 ", \"questions\": %" PRIu64 ", \"replays\": %" PRIu64,
            counts->retries, counts->questions, counts->replays);
    fprintf(file, ", \"operations\": %" PRIu64 ", \"found\": %" PRIu64 ",\n \"faults\": {",
            counts->operations, counts->unknown_landed);
    for (uint32_t i = 0; i < SIM_FAULT_COUNT; i++) {
        fprintf(file, "%s\"%s\": %" PRIu64, i == 0 ? "" : ", ", fault_names[i], counts->faults[i]);
    }
    fprintf(file, "},\n \"recovery_table\": {");
    for (uint32_t i = 0; i < JF_TAIL_ROW_COUNT; i++) {
        fprintf(file, "%s\"%s\": %" PRIu64, i == 0 ? "" : ", ", row_names[i], counts->rows[i]);
    }
    fprintf(file, "}");
    if (failure != NULL) {
        fprintf(file, ",\n \"failed_seed\": %" PRIu64 ", \"failure\": \"", seed);
        text_put(file, failure);
        fprintf(file, "\"");
    }
    fprintf(file, "}\n");
    return fclose(file) == 0;
}
