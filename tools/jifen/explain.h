// An entry in sentences, for a supervisor who was not there: what happened, which rules counted,
// which did not and why, where the points lie.
//
// One thread. Files: explain.c asks the ledger, begins and ends; explain_body.c tells what
// happened; explain_trace.c how points came about, step by step; explain_say.c puts words on paper.
#ifndef JF_TOOLS_EXPLAIN_H
#define JF_TOOLS_EXPLAIN_H

#include "jifen/v1/entry.pb-c.h"
#include "jifen/v1/programmes.pb-c.h"
#include "rules/programme_describe.h"
#include "tools/jifen/cli.h"
#include "tools/jifen/json.h"

// Where sentences go: wrapped on stdout, or into JSON.
struct jf_say {
    bool is_json;
    bool is_begun; // a section was
    bool is_open;  // JSON: a section is
    struct jf_json json;
    struct jf_description text; // the sentence being made
};

// JSON: {"entry":…,"sections":[{"title":"…","sentences":["…"]}]}.
void jf_say_begin(struct jf_say *say, const ProtobufCMessage *entry);
void jf_say_end(struct jf_say *say);
void jf_say_section(struct jf_say *say, const char *title);
// Ends the sentence that was made with the functions below: "." is added.
void jf_say_sentence(struct jf_say *say);

void jf_say_add(struct jf_say *say, const char *format, ...) __attribute__((format(printf, 2, 3)));
void jf_say_points(struct jf_say *say, int64_t points);   // "1 point", "1,234 points"
void jf_say_money(struct jf_say *say, int64_t amount);    // "1,234.56"
void jf_say_date(struct jf_say *say, int32_t wire);       // "2017-01-18"
void jf_say_instant(struct jf_say *say, int64_t unix_ms); // "2017-01-18 10:00:00Z"
void jf_say_exact(struct jf_say *say, int64_t exact, uint64_t denominator); // "5.87", "about 1.333"
void jf_say_text(struct jf_say *say, const char *text);                     // in quotes

// What is explained.
struct jf_explained {
    const Jifen__V1__Entry *entry;
    const Jifen__V1__Outcome *outcome;            // the entry's; never NULL
    const Jifen__V1__GetProgrammeResponse *names; // grounds and levels; NULL: not known
    const struct jf_programme *programme;         // that decided; NULL: none, or not readable
};

// The name of a level by its number, or "level 3".
const char *jf_explain_tier(const struct jf_explained *explained, int64_t tier);

// The name of an activity class by its number, or "class 3"; "none yet" for 0.
const char *jf_explain_class(const struct jf_explained *explained, int64_t number);

// What happened, with its own section. Returns: JF_EXIT_OK, or said why not.
enum jf_exit jf_explain_body(const struct jf_explained *explained, struct jf_say *say);

// Whether entries of a kind have a teller of their own: all of Entry's bodies have, a test sees to
// it. Likewise the kinds of steps.
bool jf_explain_body_is_told(uint32_t kind);
bool jf_explain_step_is_told(uint32_t kind);

// How the points came about: one sentence or more a step.
void jf_explain_trace(const struct jf_explained *explained, struct jf_say *say);

#endif
