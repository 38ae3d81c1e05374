// Progress of work in stages: a line for each, rewritten while it goes on. One thread.
#ifndef JF_TOOLS_STAGES_H
#define JF_TOOLS_STAGES_H

#include "tools/jifen/progress.h"

struct jf_stages {
    struct jf_progress progress;
    char stage[32];
    bool is_forced; // also without a terminal
};

// In: context: a struct jf_stages; its shape is that of jf_backup_report.
void jf_stages_show(void *context, const char *stage, uint64_t done, uint64_t total);
void jf_stages_end(struct jf_stages *stages);

#endif
