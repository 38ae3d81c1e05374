// The changes of a recalculation as a list with reasons: lines for people, JSON, or a CSV file. One
// thread.
#ifndef JF_TOOLS_TIERS_LIST_H
#define JF_TOOLS_TIERS_LIST_H

#include "jifen/v1/programmes.pb-c.h"
#include "tools/jifen/session.h"

#define JF_TIERS_NAMES_MAX 17u // levels from 0, classes from 1

// Names of the levels and classes of the programme that judges, as it was when the list began.
struct jf_tiers_names {
    char levels[JF_TIERS_NAMES_MAX][72];
    char classes[JF_TIERS_NAMES_MAX][72]; // [0] is empty: not judged yet
};

// Asks for the version in force at the end of a date, UTC. Returns: JF_EXIT_OK; else said why.
enum jf_exit jf_tiers_names_load(struct jf_session *session, int32_t as_of,
                                 struct jf_tiers_names *out_names);

// The CSV's first line, and one for each change.
void jf_tiers_csv_begin(FILE *file);
void jf_tiers_csv_row(FILE *file, const struct jf_tiers_names *names,
                      const Jifen__V1__TierChange *change);

// A line on stdout for people.
void jf_tiers_row_print(const struct jf_tiers_names *names, const Jifen__V1__TierChange *change);

#endif
