// The recalculation of tiers with its progress, for `jifen tiers` and `jifen demo`. One thread.
#ifndef JF_TOOLS_TIERS_H
#define JF_TOOLS_TIERS_H

#include <stdio.h>

#include "tools/jifen/session.h"

#define JF_TIERS_LEVELS_MAX  16u
#define JF_TIERS_CLASSES_MAX 17u // and 0, for not judged yet

struct jf_tiers_input {
    const char *run_id;
    int32_t as_of; // on the wire
    bool is_preview;
    bool is_listed; // changes are printed as they come
    bool is_json;
    bool is_progress_forced;
    FILE *csv; // every change is written there too; NULL: nowhere
};

struct jf_tiers_result {
    uint64_t members;
    uint64_t counts[JF_TIERS_LEVELS_MAX][JF_TIERS_LEVELS_MAX];         // from, to
    uint64_t class_counts[JF_TIERS_CLASSES_MAX][JF_TIERS_CLASSES_MAX]; // likewise
    bool is_done;
};

// Returns: JF_EXIT_OK with *out_result; else the exit code, after saying why.
enum jf_exit jf_tiers_recalculate(struct jf_session *session, const struct jf_tiers_input *input,
                                  struct jf_tiers_result *out_result);

// `jifen tiers set`.
enum jf_exit jf_tiers_set_run(struct jf_cli *cli, int argc, char **argv);

// Prints the pairs of levels, and of classes where there are any, as tables.
enum jf_exit jf_tiers_show(const struct jf_tiers_result *result);

#endif
