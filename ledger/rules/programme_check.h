// What a valid programme may still have wrong: rules that can never count, calendars that never
// come, caps that cut a single grant, groups that add up unmeant. Told with where it stands, before
// the programme is published.
//
// Pure but for memory. Threads: any.
#ifndef JF_RULES_PROGRAMME_CHECK_H
#define JF_RULES_PROGRAMME_CHECK_H

#include "base/date.h"
#include "rules/programme_describe.h"

enum jf_finding_severity {
    JF_FINDING_NOTE = 0,    // has no effect, or is worth a look
    JF_FINDING_WARNING = 1, // a part of it never takes effect, or is likely not meant
    JF_FINDING_ERROR = 2,   // the whole of it never takes effect
};

// "note", "warning", "error"; static.
const char *jf_finding_severity_name(enum jf_finding_severity severity);

struct jf_finding {
    enum jf_finding_severity severity;
    uint32_t line;                      // of the YAML, from 1
    const char *field;                  // such as "rules[3].when.dates[0]"
    const struct jf_description *words; // a sentence without its point
};

// The finding lives for the call.
typedef void (*jf_finding_callback)(void *context, const struct jf_finding *finding);

struct jf_programme_check_input {
    struct jf_text yaml;      // up to JF_PROGRAMME_BYTES_MAX
    struct jf_text file_name; // for messages
    jf_date today;            // to say what is over already; JF_DATE_NONE: not said
    jf_finding_callback on_finding;
    void *context;
};

// Calls back for each finding, in the order of the programme's sections and rules.
// Errors: what jf_programme_parse refuses, diagnosed "FILE:LINE: FIELD: …"; JF_ERROR_NO_MEMORY.
JF_MUST_USE enum jf_error jf_programme_check(const struct jf_programme_check_input *input,
                                             struct jf_diagnosis *diagnosis);

#endif
