// A new stage ends the line of the one before. Nothing here fails.
#include "tools/jifen/stages.h"

#include <stdio.h>
#include <string.h>

void jf_stages_end(struct jf_stages *stages)
{
    if (stages->stage[0] != '\0') {
        jf_progress_end(&stages->progress, stages->progress.total);
        stages->stage[0] = '\0';
    }
}

void jf_stages_show(void *context, const char *stage, uint64_t done, uint64_t total)
{
    struct jf_stages *stages = context;
    if (strncmp(stages->stage, stage, sizeof(stages->stage) - 1) != 0) {
        jf_stages_end(stages);
        (void)snprintf(stages->stage, sizeof(stages->stage), "%s", stage);
        jf_progress_begin(&stages->progress, stages->stage, total, stages->is_forced);
    }
    stages->progress.total = total;
    jf_progress_show(&stages->progress, done);
}
