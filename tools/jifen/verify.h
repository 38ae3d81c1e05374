// Whether everything ties, for `jifen verify` and `jifen demo`. One thread.
#ifndef JF_TOOLS_VERIFY_H
#define JF_TOOLS_VERIFY_H

#include "tools/jifen/session.h"

struct jf_verify_result {
    bool is_done;
    bool ties;
    char difference[JF_DIAGNOSIS_TEXT_MAX];
    uint64_t position;
    uint64_t entries;
    uint64_t members;
    uint64_t rows;       // of indexes, compared
    uint64_t elapsed_us; // of the whole verification
    int64_t balance_sum;
    char digest[40];
    char replay_digest[40];
};

// Asks the running ledger. Returns: JF_EXIT_OK with *out_result (whether it ties or not); else the
// exit code.
enum jf_exit jf_verify_live(struct jf_session *session, bool is_progress_forced,
                            struct jf_verify_result *out_result);

// The verdict as a line or two. Returns: JF_EXIT_OK, or JF_EXIT_BROKEN when it does not tie.
enum jf_exit jf_verify_show(const struct jf_verify_result *result, bool is_json);

struct jf_json;
void jf_verify_json(const struct jf_verify_result *result, struct jf_json *json, const char *key);

#endif
